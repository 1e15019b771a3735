//! What a rehearsal measured of one migration.

use std::time::Duration;

use serde::Serialize;

use crate::answer::text::{cut, elapsed, milliseconds, size};
use crate::model::finding::{Finding, Verdict};
use crate::model::migration::title;
use crate::model::rehearsal::{
    LockedTable, Rehearsed, RehearsedStatement, RollbackProof, TakenLock,
};

/// At most this many lines of a difference, and this many locks, are shown.
pub(super) const SHOWN: usize = 8;

/// One migration that was rehearsed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RehearsedView {
    pub(crate) version: String,
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
    /// What was found too, and is within the bounds that its author expects.
    pub(crate) accepted: Vec<Finding>,
    pub(crate) locks: Vec<LockView>,
    /// In the order in which they ran.
    pub(crate) statements: Vec<StatementView>,
    pub(crate) rows: Vec<RowsView>,
    /// On the copy.
    pub(crate) duration_ms: u64,
    /// The log that it wrote.
    pub(crate) wal_bytes: u64,
    pub(crate) rollback: RollbackView,
    /// Names that programs use and that have changed.
    pub(crate) changes: Vec<String>,
}

/// A table whose lock blocks other sessions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LockView {
    pub(crate) table: String,
    /// As PostgreSQL names it.
    pub(crate) mode: String,
    /// Who waits.
    pub(crate) blocks: &'static str,
    pub(crate) line: usize,
    /// On the copy.
    pub(crate) held_ms: u64,
    /// On the database itself, by the sizes of both.
    pub(crate) estimated_ms: Option<u64>,
}

/// A statement of a migration.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatementView {
    pub(crate) line: usize,
    /// On one line, without its strings.
    pub(crate) statement: String,
    /// On the copy, in microseconds.
    pub(crate) duration_us: u64,
    pub(crate) locks: Vec<TakenLock>,
}

/// What a migration did to the rows of one table.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RowsView {
    pub(crate) table: String,
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
}

/// Whether the down migration restores the previous state.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RollbackView {
    pub(crate) is: RollbackWord,
    /// The down file, or the down section of the file.
    pub(crate) down: Option<String>,
    pub(crate) details: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum RollbackWord {
    Irreversible,
    Proved,
    Lossy,
    Wrong,
    Unmeasured,
}

impl From<&Rehearsed> for RollbackView {
    fn from(migration: &Rehearsed) -> RollbackView {
        let rollback = &migration.rollback;
        let is = match rollback {
            RollbackProof::Irreversible => RollbackWord::Irreversible,
            RollbackProof::Proved(_) => RollbackWord::Proved,
            RollbackProof::Lossy(_) => RollbackWord::Lossy,
            RollbackProof::Wrong(_) => RollbackWord::Wrong,
            RollbackProof::Unmeasured(_) => RollbackWord::Unmeasured,
        };
        RollbackView { is, down: migration.down.clone(), details: rollback.details().to_vec() }
    }
}

impl RollbackView {
    /// What there is to say about it: first, which file does not undo the migration.
    pub(crate) fn lines(&self) -> Vec<String> {
        let is_schema = |detail: &String| detail.starts_with("+ ") || detail.starts_with("- ");
        let legend = self.details.iter().any(is_schema);
        let legend = if legend { " (+ left behind, - not restored)" } else { "" };
        let wrong = self.down.iter().filter(|_| self.is == RollbackWord::Wrong);
        let wrong = wrong.map(|down| format!("{down} does not undo the migration{legend}"));
        wrong.chain(cut(self.details.clone(), SHOWN)).collect()
    }
}

impl RollbackWord {
    pub(crate) fn word(self) -> &'static str {
        match self {
            RollbackWord::Irreversible => "irreversible",
            RollbackWord::Proved => "proved",
            RollbackWord::Lossy => "lossy",
            RollbackWord::Wrong => "wrong",
            RollbackWord::Unmeasured => "unmeasured",
        }
    }
}

impl From<&LockedTable> for LockView {
    fn from(lock: &LockedTable) -> LockView {
        LockView {
            table: lock.table.clone(),
            mode: lock.mode.clone(),
            blocks: lock.blocks,
            line: lock.line,
            held_ms: milliseconds(lock.held),
            estimated_ms: lock.estimated.map(milliseconds),
        }
    }
}

impl From<&RehearsedStatement> for StatementView {
    fn from(ran: &RehearsedStatement) -> StatementView {
        StatementView {
            line: ran.line,
            statement: ran.text.clone(),
            duration_us: u64::try_from(ran.duration.as_micros()).unwrap_or(u64::MAX),
            locks: ran.locks.clone(),
        }
    }
}

impl From<&Rehearsed> for RehearsedView {
    fn from(migration: &Rehearsed) -> RehearsedView {
        let rows = migration.rows.iter().map(|(table, rows)| RowsView {
            table: table.clone(),
            inserted: rows.inserted,
            updated: rows.updated,
            deleted: rows.deleted,
        });
        RehearsedView {
            version: migration.version.clone(),
            name: migration.name.clone(),
            file: migration.file.display().to_string(),
            verdict: migration.verdict,
            findings: migration.findings.clone(),
            accepted: migration.accepted.clone(),
            locks: migration.locks.iter().map(LockView::from).collect(),
            statements: migration.statements.iter().map(StatementView::from).collect(),
            rows: rows.collect(),
            duration_ms: milliseconds(migration.duration),
            wal_bytes: migration.wal,
            rollback: migration.into(),
            changes: migration.changes.clone(),
        }
    }
}

impl RehearsedView {
    /// Its version and name.
    pub(crate) fn title(&self) -> String {
        title(&self.version, &self.name)
    }

    /// How long it took on the copy.
    pub(crate) fn took(&self) -> String {
        took(self.duration_ms)
    }

    /// How long it took, and what its down migration does.
    pub(crate) fn figures(&self) -> String {
        let wal = if self.wal_bytes > 1 << 20 {
            format!(", {} of log", size(self.wal_bytes))
        } else {
            String::new()
        };
        format!("{}{wal}, rollback: {}", took(self.duration_ms), self.rollback.is.word())
    }
}

impl LockView {
    /// Who waits, for how long, and for which table.
    pub(crate) fn text(&self) -> String {
        let estimated =
            self.estimated_ms.map(|ms| format!(", there about {} (an estimate)", took(ms)));
        format!(
            "{} wait for {} on {} ({}){}",
            self.blocks,
            took(self.held_ms),
            self.table,
            self.mode.trim_end_matches("Lock"),
            estimated.unwrap_or_default()
        )
    }
}

/// A duration in words.
pub(super) fn took(milliseconds: u64) -> String {
    elapsed(Duration::from_millis(milliseconds))
}
