//! What the process ends with.

/// One meaning a number, for all verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// `--check` found something.
    Finding = 1,
    /// Usage or settings.
    Usage = 2,
    /// Declined, or consent missing or not matching.
    Consent = 3,
    /// Refused by policy.
    Policy = 4,
    LockBusy = 5,
    /// Cannot connect.
    Unreachable = 6,
    /// Failed, and the database is as before.
    Failed = 7,
    /// Failed part-way.
    PartWay = 8,
    /// The history is inconsistent.
    History = 9,
    /// A wrapped tool is missing or failed.
    Tool = 10,
    /// A backup, a restore or a verification failed.
    Backup = 11,
    /// A bug in cargo db.
    Bug = 70,
    Interrupted = 130,
    Terminated = 143,
}
