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

/// The order in which exit codes matter if a run over several sets of migrations has several: what
/// a pipeline must not overlook comes first.
const ORDER: [Exit; 15] = [
    Exit::Interrupted,
    Exit::Terminated,
    Exit::Bug,
    Exit::PartWay,
    Exit::History,
    Exit::Tool,
    Exit::Backup,
    Exit::Failed,
    Exit::Policy,
    Exit::LockBusy,
    Exit::Unreachable,
    Exit::Consent,
    Exit::Usage,
    Exit::Finding,
    Exit::Done,
];

impl Exit {
    /// That of a finding, if there is one.
    pub(crate) fn finding_if(found: bool) -> Exit {
        if found { Exit::Finding } else { Exit::Done }
    }

    /// The one of several exit codes that the run ends with.
    pub(crate) fn of_several(exits: impl IntoIterator<Item = Exit>) -> Exit {
        let exits: Vec<Exit> = exits.into_iter().collect();
        ORDER.into_iter().find(|exit| exits.contains(exit)).unwrap_or(Exit::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_several_exit_codes_counts() {
        assert_eq!(Exit::of_several([]), Exit::Done);
        assert_eq!(Exit::of_several([Exit::Finding, Exit::Done, Exit::Usage]), Exit::Usage);
        let all = [70, 8, 9, 10, 11, 7, 4, 5, 6, 3, 2, 1, 0];
        let order = ORDER.map(|exit| exit as u8);
        assert_eq!(order[2..], all, "after the two signals");
        for (at, exit) in ORDER.into_iter().enumerate() {
            assert_eq!(Exit::of_several(ORDER[at..].iter().rev().copied()), exit);
        }
    }
}
