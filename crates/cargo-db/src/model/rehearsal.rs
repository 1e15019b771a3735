//! What a rehearsal measured: each pending migration, run on a scratch copy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::finding::{Checked, Class, Finding, Severity, Verdict};
use crate::model::statement::StatementError;

/// The source of the scratch database: whose data was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// A clone of the database itself, or a dump of it that was loaded.
    Live,
    /// A backup.
    Backup(String),
    /// Its schema alone, with the sizes of its tables as the server estimates them.
    Schema,
}

impl Basis {
    /// In words.
    pub(crate) fn describe(&self, database: &str) -> String {
        match self {
            Basis::Live => format!("a copy of {database}"),
            Basis::Backup(name) => format!("the backup {name}"),
            Basis::Schema => format!("the schema of {database}, without rows"),
        }
    }
}

/// A table whose lock blocks other sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockedTable {
    pub(crate) table: String,
    /// As PostgreSQL names it: `AccessExclusiveLock`.
    pub(crate) mode: String,
    /// Who waits: `reads and writes`, or `writes`.
    pub(crate) blocks: &'static str,
    /// The line of the statement that took it.
    pub(crate) line: usize,
    /// How long it was held on the copy.
    pub(crate) held: Duration,
    /// The estimated duration on the database itself, by the sizes of both; set if the copy came
    /// from another database.
    pub(crate) estimated: Option<Duration>,
}

/// Work on this many rows, or that takes `SHORT_MS`, makes other sessions wait noticeably.
pub(crate) const FEW_ROWS: u64 = 10_000;
const SHORT_MS: u64 = 50;

/// Work on all rows of a table under a lock that blocks other sessions. It takes longer on a larger
/// table. Therefore the receipt records it, and `migrate` judges it again by the size of the real
/// table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockWork {
    /// With its schema, quoted where need be.
    pub(crate) table: String,
    /// As PostgreSQL names it: `AccessExclusiveLock`.
    pub(crate) mode: String,
    /// The table that an earlier statement locked, if it is another one.
    #[serde(default)]
    pub(crate) locked: Option<String>,
    pub(crate) rows: u64,
    pub(crate) ms: u64,
    /// The bound on rows that the author expects.
    pub(crate) bound: Option<u64>,
}

impl LockWork {
    /// The table that other sessions wait for.
    pub(crate) fn locked(&self) -> &str {
        self.locked.as_ref().unwrap_or(&self.table)
    }

    /// Whether other sessions hardly notice it: few rows, and a short time.
    pub(crate) fn is_minor(&self) -> bool {
        self.rows < FEW_ROWS && self.ms < SHORT_MS
    }

    /// Whether it is within the expected bound, or other sessions hardly notice it.
    pub(crate) fn is_accepted(&self) -> bool {
        self.is_minor() || self.bound.is_some_and(|bound| self.rows <= bound)
    }

    /// The same work on a table of this many rows.
    pub(crate) fn with_rows(&self, rows: u64) -> LockWork {
        let rows = rows.max(self.rows);
        let ms = self.ms.saturating_mul(rows) / self.rows.max(1);
        LockWork { rows, ms, ..self.clone() }
    }
}

/// What the statements of a migration took on the copy, and what that depends on. It is estimated
/// from this what they take on a larger database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Costs {
    /// Whether a lock lasts until the last statement.
    pub(crate) one_transaction: bool,
    pub(crate) statements: Vec<StatementCost>,
}

/// What a statement took on the copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatementCost {
    pub(crate) line: usize,
    /// Its duration in microseconds.
    pub(crate) us: u64,
    /// The tables that it read completely, rewrote or changed, and how many rows these had there.
    pub(crate) tables: BTreeMap<String, u64>,
    /// The tables that it locked so that other sessions wait.
    pub(crate) locked: Vec<String>,
}

/// What a migration did to the rows of one table, wherever it did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowChanges {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
}

/// Whether the down migration restores the previous state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RollbackProof {
    /// There is no down file.
    Irreversible,
    /// Schema and rows are the same as before, and nothing was lost. Lists what was not compared.
    Proved(Vec<String>),
    /// The schema is the same as before. Lists what was lost or not compared.
    Lossy(Vec<String>),
    /// The schema or the rows differ. Lists what is missing (`-`) and extra (`+`) in the schema,
    /// and the tables whose rows differ.
    Wrong(Vec<String>),
    /// It was not tried, or failed.
    Unmeasured(String),
}

impl RollbackProof {
    /// Its name in reports.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            RollbackProof::Irreversible => "irreversible",
            RollbackProof::Proved(_) => "proved",
            RollbackProof::Lossy(_) => "lossy",
            RollbackProof::Wrong(_) => "wrong",
            RollbackProof::Unmeasured(_) => "unmeasured",
        }
    }

    /// What there is to say about it.
    pub(crate) fn details(&self) -> &[String] {
        match self {
            RollbackProof::Proved(details)
            | RollbackProof::Lossy(details)
            | RollbackProof::Wrong(details) => details,
            RollbackProof::Unmeasured(why) => std::slice::from_ref(why),
            RollbackProof::Irreversible => &[],
        }
    }
}

/// A statement of a migration as it ran on the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RehearsedStatement {
    pub(crate) line: usize,
    /// On one line, without its strings.
    pub(crate) text: String,
    /// What it took on the copy.
    pub(crate) duration: Duration,
    /// The locks that it took, or made stronger. They last until the transaction ends.
    pub(crate) locks: Vec<TakenLock>,
}

/// A lock that a statement took on a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TakenLock {
    pub(crate) table: String,
    /// As PostgreSQL names it: `AccessExclusiveLock`.
    pub(crate) mode: String,
    /// Who waits: `reads and writes`, or `writes`. Null if neither does.
    pub(crate) blocks: Option<&'static str>,
}

/// One migration that was rehearsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rehearsed {
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
    /// What was found too, and is within the bounds that its author expects.
    pub(crate) accepted: Vec<Finding>,
    pub(crate) locks: Vec<LockedTable>,
    /// In the order in which they ran.
    pub(crate) statements: Vec<RehearsedStatement>,
    /// By table; those that the migrations made are not among them.
    pub(crate) rows: BTreeMap<String, RowChanges>,
    /// What it took on the copy.
    pub(crate) duration: Duration,
    /// The log that it wrote, in bytes.
    pub(crate) wal: u64,
    pub(crate) rollback: RollbackProof,
    /// The down file, or the down section of the file, as messages name it.
    pub(crate) down: Option<String>,
    /// Names that programs use and that have changed.
    pub(crate) changes: Vec<String>,
    /// The statement that failed.
    pub(crate) failure: Option<Box<StatementError>>,
    /// What is counted again just before the real run.
    pub(crate) guards: Vec<Guard>,
    /// Work under locks, which takes longer on larger tables.
    pub(crate) lock_work: Vec<LockWork>,
    /// `None` if they were not measured.
    pub(crate) costs: Option<Costs>,
    /// The tables that it touches and that had no rows on the copy.
    pub(crate) empty: Vec<String>,
}

/// A loss that the file expects, and its bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// With its schema, quoted where need be.
    pub(crate) table: String,
    /// The column whose values are lost; `None` if whole rows are.
    pub(crate) column: Option<String>,
    pub(crate) bound: u64,
}

/// A query of the application's that no longer prepares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BrokenQuery {
    /// The file that it is from.
    pub(crate) query: String,
    /// The migration after which it broke.
    pub(crate) by: String,
    pub(crate) why: String,
}

/// A whole rehearsal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rehearsal {
    pub(crate) basis: Basis,
    /// How long the copy took.
    pub(crate) copied: Duration,
    /// How many rows it holds, as the server estimates them.
    pub(crate) rows: u64,
    /// Whether the rows were copied, and not the schema alone.
    pub(crate) with_rows: bool,
    pub(crate) migrations: Vec<Rehearsed>,
    pub(crate) broken: Vec<BrokenQuery>,
    /// The digest of the resulting schema, if all of them ran.
    pub(crate) becomes: Option<String>,
    /// The scratch database, if it was kept.
    pub(crate) kept: Option<String>,
}

/// What is known of pending migrations before anybody agrees to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DryRunReport {
    Rehearsed(Rehearsal),
    /// They were only linted.
    Checked {
        files: Vec<Checked>,
        /// Why they were not rehearsed.
        not_rehearsed: String,
        /// Whether the database holds rows, or may.
        holds_rows: bool,
    },
    /// What the receipts say: when the one that holds was written, or why none does.
    Receipt {
        when: Option<String>,
        objections: Vec<String>,
    },
}

impl DryRunReport {
    /// Whether nothing that was found would stop a run.
    pub(crate) fn is_safe(&self) -> bool {
        match self {
            DryRunReport::Rehearsed(rehearsal) => rehearsal.verdict() <= Verdict::Warn,
            DryRunReport::Checked { files, holds_rows, .. } => {
                let mut findings = files.iter().flat_map(|file| &file.findings);
                findings
                    .all(|found| found.severity <= Severity::Warn || needs_rows(found, *holds_rows))
            }
            DryRunReport::Receipt { when, .. } => when.is_some(),
        }
    }
}

/// Whether a finding is about rows that are not there: without any, nothing is lost, nothing waits
/// and no reference breaks.
fn needs_rows(found: &Finding, holds_rows: bool) -> bool {
    let is_of_rows = matches!(found.class, Class::Loss | Class::Integrity | Class::Lock);
    !holds_rows && is_of_rows && found.rule != "own-tables"
}

impl DryRunReport {
    /// Whether a finding that would stop a run elsewhere does not stop it here, without rows.
    pub(crate) fn lacks_rows(&self) -> bool {
        let DryRunReport::Checked { files, holds_rows, .. } = self else { return false };
        let mut findings = files.iter().flat_map(|file| &file.findings);
        findings.any(|found| found.severity > Severity::Warn && needs_rows(found, *holds_rows))
    }
}

impl Rehearsal {
    /// The worst of all verdicts.
    pub(crate) fn verdict(&self) -> Verdict {
        let worst = self.migrations.iter().map(|migration| migration.verdict).max();
        let broken = if self.broken.is_empty() { Verdict::Pass } else { Verdict::Block };
        worst.unwrap_or(Verdict::Pass).max(broken)
    }
}
