//! The answers of all verbs, as values: `human` and `json` each know how to show them.

use std::path::{Path, PathBuf};

use crate::backup::Found;
use crate::migration::AppliedMigration;
use crate::model::audit::Record;
use crate::model::backup::{Backup, Verification};
use crate::model::environment::{Environment, Marker, Resolved};
use crate::model::finding::Checked;
use crate::model::history::Standing;
use crate::model::overview::{DatabaseFacts, ServerFacts};
use crate::model::rehearsal::{Foresight, Rehearsal};
use crate::model::target::Target;
use crate::plan::{Plan, Verdict};
use crate::seed::Rows;
use crate::settings::Migrations;

/// What a verb answers.
pub(crate) enum Report<'a> {
    Status(&'a StatusReport<'a>),
    /// One for each set of migrations.
    StatusOfSets(&'a [StatusReport<'a>]),
    /// A plan that was only asked for. With it, the SQL of its files, if that was wanted.
    DryRun {
        plan: &'a Plan,
        sql: Option<Vec<(PathBuf, String)>>,
    },
    /// The plan of a migrate that was only asked for, and what is known of its migrations.
    Foreseen {
        plan: &'a Plan,
        sql: Option<Vec<(PathBuf, String)>>,
        foresight: &'a Foresight,
    },
    /// A plan about migrations that was carried out.
    Migrated {
        plan: &'a Plan,
        deeds: &'a [AppliedMigration],
    },
    /// A plan about seeds that was carried out.
    Seeded {
        plan: &'a Plan,
        rows: &'a Rows,
    },
    Created {
        files: &'a [PathBuf],
    },
    /// A backup that was taken, and what the retention removed after it.
    BackedUp {
        path: PathBuf,
        backup: &'a Backup,
        removed: &'a [String],
    },
    /// What is in the backup folder.
    Backups {
        found: &'a Found,
        folder: PathBuf,
    },
    /// One backup.
    Backup {
        backup: &'a Backup,
    },
    /// What verifications found, by the backups' names.
    Verified {
        verifications: &'a [(String, Verification)],
    },
    /// What the retention keeps and what it removes.
    Pruned {
        verdicts: &'a [Verdict],
        plan: &'a Plan,
        dry_run: bool,
    },
    /// A restore that is done, of all or of a part; the old database is kept under this name.
    Restored {
        target: &'a Target,
        what: Option<&'a str>,
        kept: Option<&'a str>,
    },
    /// What a check found in each file.
    Checked {
        checked: &'a [Checked],
    },
    /// What a rehearsal measured, and where its receipt lies.
    Rehearsed {
        target: &'a Target,
        rehearsal: &'a Rehearsal,
        receipt: &'a Path,
        markdown: bool,
    },
    /// What each verb needs; a cell says it in words, and whether `db.toml` tightened it.
    Policy {
        environments: &'a [Environment],
        rows: &'a [PolicyRow],
        agent: Option<&'a str>,
    },
    /// Which environment a database is in.
    Environment {
        target: &'a Target,
        environment: &'a Resolved,
        marker: Option<&'a Marker>,
    },
    /// What was done.
    History {
        records: &'a [Record],
    },
    /// The audit trail is as it was written.
    TrailSound {
        records: u64,
    },
    /// A reset that is done.
    Reset {
        target: &'a Target,
        migrations: usize,
        rows: &'a Rows,
        backup: Option<&'a str>,
    },
    Server(&'a LocalStatus),
    /// One line and nothing else: a URL.
    Line(&'a str),
}

/// A verb in the policy, with one cell for each environment.
pub(crate) struct PolicyRow {
    pub(crate) verb: &'static str,
    pub(crate) cells: Vec<(String, bool)>,
}

/// A setting, for people who wonder where it comes from.
pub(crate) struct SettingLine {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// Everything that `status` found.
pub(crate) struct StatusReport<'a> {
    pub(crate) target: Target,
    pub(crate) environment: Resolved,
    /// `None` where the database does not exist yet.
    pub(crate) found: Option<(&'a ServerFacts, &'a DatabaseFacts)>,
    pub(crate) standing: Standing<'a>,
    /// Whose migrations these are.
    pub(crate) migrations: &'a Migrations,
    pub(crate) settings: Vec<SettingLine>,
}

/// The private local server.
pub(crate) struct LocalStatus {
    pub(crate) folder: PathBuf,
    /// `None` where no cluster was made.
    pub(crate) major: Option<u32>,
    /// The URL of the project's database, while it runs.
    pub(crate) url: Option<String>,
    pub(crate) pid: Option<i32>,
    /// What just happened to it, if anything did.
    pub(crate) deed: Option<&'static str>,
}
