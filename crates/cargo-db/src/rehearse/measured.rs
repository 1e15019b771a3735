//! What was measured of one statement.

use std::collections::BTreeSet;
use std::time::Duration;

use pg_sql::lexer::{first_words, headline, words};
use pg_sql::name::short;
use pg_sql::quote::quote_identifier;
use pg_sql::script::Statement;

use crate::model::finding::Finding;
use crate::model::rehearsal::{RehearsedStatement, TakenLock};
use crate::rehearse::capture::CaptureOutcome;
use crate::rehearse::snapshot::{Counts, LockMode, Oid};

/// How many characters of a statement a report shows.
const SHOWN: usize = 300;

/// Something that a statement does away with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StatementLoss {
    /// `table dropped`, `table emptied`, `column dropped`.
    pub(super) how: &'static str,
    /// As the server names it.
    pub(super) table: String,
    pub(super) column: Option<String>,
    /// Nothing where they cannot be counted.
    pub(super) rows: Option<u64>,
    /// Whether it is known to be empty without a query.
    pub(super) is_empty: bool,
    /// Its name before the first migration, if it existed.
    pub(super) was: Option<(String, Option<String>)>,
}

impl StatementLoss {
    /// The table, or the column.
    pub(super) fn object(&self) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}", self.table),
            None => self.table.clone(),
        }
    }

    pub(super) fn query(&self) -> String {
        let what = self.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
        format!("SELECT count({what}) FROM {}", self.table)
    }
}

/// A scan of a table, and its lock at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) table: String,
    pub(super) rows: u64,
    pub(super) times: u64,
    pub(super) under: Option<LockMode>,
    pub(super) is_view: bool,
}

/// What one statement did.
#[derive(Clone, Debug, Default)]
pub(super) struct Measured {
    pub(super) line: usize,
    pub(super) text: String,
    pub(super) elapsed: Duration,
    pub(super) wal: u64,
    /// All tables that the transaction had locked by its end; `None` if that was not observed.
    pub(super) touched: Option<BTreeSet<Oid>>,
    /// The tables whose rows it wrote, including those that the migrations created.
    pub(super) written: BTreeSet<Oid>,
    /// Whether the session was a replica, which does not enforce foreign keys.
    pub(super) replica: bool,
    /// Locks that it took, or made stronger.
    pub(super) taken: Vec<(String, LockMode)>,
    /// Tables that an earlier statement has shut everybody out of.
    pub(super) shut: Vec<String>,
    /// How many rows the first of these has, if the statement may take too long meanwhile.
    pub(super) shut_rows: u64,
    pub(super) scans: Vec<Scanned>,
    pub(super) rewritten: Vec<(String, u64)>,
    pub(super) lost: Vec<StatementLoss>,
    /// Rows and values lost in a statement that cannot be undone, known from counts before and
    /// after it.
    pub(super) gone: Vec<Finding>,
    /// Tables and columns for which the effect on values is unknown, because the role does not see
    /// all rows.
    pub(super) hidden: Vec<String>,
    pub(super) changed: Vec<(String, Counts)>,
    /// The tables whose values were stored, and what happened to these.
    pub(super) captured: Vec<String>,
    pub(super) kept: Vec<CaptureOutcome>,
}

impl Measured {
    /// What the report shows of it.
    pub(super) fn ran(&self) -> RehearsedStatement {
        let lock = |(table, mode): &(String, LockMode)| TakenLock {
            table: short(table).to_owned(),
            mode: mode.server_name(),
            blocks: mode.blocks(),
        };
        RehearsedStatement {
            line: self.line,
            text: headline(&self.text, SHOWN),
            duration: self.elapsed,
            locks: self.taken.iter().map(lock).collect(),
        }
    }

    /// Whether the statement may write rows, judging by its first word.
    pub(super) fn may_write(&self) -> bool {
        let first = words(&self.text).into_iter().next();
        first.is_some_and(|first| {
            matches!(first.as_str(), "insert" | "truncate") || may_change_rows(&first)
        })
    }
}

/// Whether a statement with this first word may change or delete existing rows.
pub(super) fn may_change_rows(first: &str) -> bool {
    matches!(first, "update" | "delete" | "merge" | "with" | "do" | "select" | "call")
}

/// Whether a statement begins, ends or divides a transaction.
pub(super) fn is_of_transaction(statement: &Statement) -> bool {
    let first = first_words(&statement.text, 1);
    statement.controls_transaction()
        || matches!(first.first().map(String::as_str), Some("savepoint" | "release" | "rollback"))
}
