//! The operations that change something.

/// The operation that was requested; the rows of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Migrate,
    Rollback,
    Seed,
    SeedFresh,
    Reset,
    Restore,
    /// A restore that changes the database itself and keeps no old one.
    RestoreInPlace,
    /// `env set`: the database is marked.
    Mark,
    /// `env clear`.
    Unmark,
    /// `env key add` and `env key remove`: which receipts the database accepts.
    Key,
    /// `approve`: an AI agent may carry out a plan.
    Approve,
    /// `backups prune`.
    Prune,
    /// `server destroy`.
    Destroy,
    /// Migrations are recorded as applied, and not run.
    Baseline,
    /// The history is put right.
    Repair,
    /// `repair --drift`: a migration with the changes that were made by hand is written, and
    /// recorded as applied.
    RepairDrift,
    /// The migrations that are not merged get later versions.
    Rebase,
    /// The applied migrations that are not on this branch are rolled back.
    Switch,
    /// `snapshot save`: a copy of the database is kept beside it.
    SnapshotSave,
    /// `snapshot restore`.
    SnapshotRestore,
    /// `snapshot drop`.
    SnapshotDrop,
}

impl Operation {
    /// All operations, in the order of the policy's table.
    pub(crate) const ALL: [Operation; 21] = [
        Operation::Migrate,
        Operation::Rollback,
        Operation::Seed,
        Operation::SeedFresh,
        Operation::Reset,
        Operation::Restore,
        Operation::RestoreInPlace,
        Operation::Mark,
        Operation::Unmark,
        Operation::Key,
        Operation::Approve,
        Operation::Prune,
        Operation::Destroy,
        Operation::Baseline,
        Operation::Repair,
        Operation::RepairDrift,
        Operation::Rebase,
        Operation::Switch,
        Operation::SnapshotSave,
        Operation::SnapshotRestore,
        Operation::SnapshotDrop,
    ];

    /// As `[environments.<name>.policy]` names it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Operation::SeedFresh => "seed-fresh",
            Operation::RestoreInPlace => "restore-in-place",
            Operation::Mark => "env-set",
            Operation::Unmark => "env-clear",
            Operation::Key => "env-key",
            Operation::Prune => "backups-prune",
            Operation::Destroy => "server-destroy",
            Operation::RepairDrift => "repair-drift",
            Operation::SnapshotSave => "snapshot-save",
            Operation::SnapshotRestore => "snapshot-restore",
            Operation::SnapshotDrop => "snapshot-drop",
            other => other.name(),
        }
    }
}

impl Operation {
    /// As it is typed.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::Migrate => "migrate",
            Operation::Rollback => "rollback",
            Operation::Seed => "seed",
            Operation::SeedFresh => "seed --fresh",
            Operation::Reset => "reset",
            Operation::Restore | Operation::RestoreInPlace => "restore",
            Operation::Mark => "env set",
            Operation::Unmark => "env clear",
            Operation::Key => "env key",
            Operation::Approve => "approve",
            Operation::Prune => "backups prune",
            Operation::Destroy => "server destroy",
            Operation::Baseline => "baseline",
            Operation::Repair => "repair",
            Operation::RepairDrift => "repair --drift",
            Operation::Rebase => "rebase",
            Operation::Switch => "switch",
            Operation::SnapshotSave => "snapshot save",
            Operation::SnapshotRestore => "snapshot restore",
            Operation::SnapshotDrop => "snapshot drop",
        }
    }

    /// Whether it changes the marker of the database.
    pub(crate) fn changes_the_marker(self) -> bool {
        matches!(self, Operation::Mark | Operation::Unmark | Operation::Key)
    }

    /// Whether it changes a database, which can then record it.
    pub(crate) fn changes_a_database(self) -> bool {
        !matches!(
            self,
            Operation::Approve
                | Operation::Prune
                | Operation::Destroy
                | Operation::SnapshotSave
                | Operation::SnapshotDrop
        )
    }
}
