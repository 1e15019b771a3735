//! The state of cargo db's own tables, the marker and the audit trail, before and after the
//! project's SQL ran, which may not change them.
//!
//! The comparison does not depend on settings that such SQL may have changed: it uses rows in their
//! wire format, and hashes that the server computes, so that a long trail need not be read.

use std::collections::BTreeMap;

use crate::failure::{AuditError, Result};
use crate::model::audit::TrailHead;
use crate::world::pg::row::Row;
use crate::world::pg::session::Session;
use crate::world::records;

/// The state of cargo db's own tables at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnTables {
    tables: BTreeMap<String, OwnTable>,
    marker: Option<String>,
    trail: TrailHead,
}

/// A relation by the name of one of our tables.
#[derive(Clone, Debug)]
struct OwnTable {
    oid: u32,
    /// The owners of the table and of its schema, who may do anything to it.
    owners: String,
    /// Its columns, constraints and indexes, and the triggers, rules and policies on it.
    form: String,
    /// Whether reading it is allowed and runs no foreign code.
    readable: bool,
    /// Whether it is as cargo db creates it, so that writing to it runs no foreign code.
    as_made: bool,
    /// The rows that the transaction has written into it.
    written: u64,
}

/// How strictly a table is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TableComparison {
    /// It must be the same table.
    Same,
    /// One of the same form may have taken its place: where a database or a schema was replaced.
    Alike,
}

impl OwnTables {
    /// What the session's database keeps.
    pub(crate) fn of(session: &mut Session) -> Result<OwnTables> {
        let tables = tables(session)?;
        let marker = digest_of_marker(session, &tables)?;
        let trail = match is_readable(&tables, "audit") {
            true => head(session, None)?,
            false => TrailHead::default(),
        };
        Ok(OwnTables { tables, marker, trail })
    }

    /// The same in a copy that contains our tables without their rows: rows are added, so that
    /// changes to them can be detected.
    pub(crate) fn of_copy(session: &mut Session) -> Result<OwnTables> {
        let own = OwnTables::of(session)?;
        let mut rows = Vec::new();
        if is_readable(&own.tables, "marker") && own.marker.is_none() {
            rows.push("INSERT INTO cargo_db.marker VALUES ('test', 0, 0)");
        }
        if is_readable(&own.tables, "audit") && own.trail.records == 0 {
            rows.push(
                "INSERT INTO cargo_db.audit (id, record) OVERRIDING SYSTEM VALUE VALUES (1, '')",
            );
        }
        if rows.is_empty() {
            return Ok(own);
        }
        // Where the copy cannot be written to, it is not compared.
        let _ = session.run("fill our own tables", &rows.join("; "));
        OwnTables::of(session)
    }

    /// How the trail began then.
    pub(crate) fn trail(&self) -> &TrailHead {
        &self.trail
    }

    /// What of it is another now, in words.
    pub(crate) fn changes(
        &self,
        session: &mut Session,
        strictness: TableComparison,
    ) -> Result<Vec<String>> {
        let now = tables(session)?;
        self.changes_to(&now, session, strictness)
    }

    /// Whether the tables are still the same ones, whatever rows they contain.
    pub(crate) fn has_its_tables(&self, session: &mut Session) -> Result<bool> {
        let now = tables(session)?;
        let is_same =
            |name| change(name, self.tables.get(name), now.get(name), TableComparison::Same);
        Ok(["marker", "audit"].into_iter().all(|name| is_same(name).is_none()))
    }

    fn changes_to(
        &self,
        now: &BTreeMap<String, OwnTable>,
        session: &mut Session,
        strictness: TableComparison,
    ) -> Result<Vec<String>> {
        let mut changes: Vec<String> = ["marker", "audit"]
            .into_iter()
            .filter_map(|name| change(name, self.tables.get(name), now.get(name), strictness))
            .collect();
        if changes.is_empty() && digest_of_marker(session, now)? != self.marker {
            changes.push(MARKER.to_owned());
        }
        if changes.is_empty() && is_readable(now, "audit") {
            changes.extend(changes_of_trail(session, &self.trail)?);
        }
        Ok(changes)
    }

    /// The same after the project's SQL ran, in a session that is still lent to it. The open
    /// transaction may be read-only.
    pub(crate) fn changes_behind(
        &self,
        session: &mut Session,
        inside: bool,
    ) -> Result<Vec<String>> {
        session.run("take our own role", "RESET SESSION AUTHORIZATION; RESET ROLE")?;
        let theirs = session.interrupt(inside)?;
        let now = tables(session)?;
        let mut changes = self.changes_to(&now, session, TableComparison::Same)?;
        if changes.is_empty() && inside {
            let written = now.iter().filter(|(_, table)| table.written > 0);
            changes.extend(written.map(|(name, _)| format!("cargo_db.{name} was written to")));
        }
        session.resume(&theirs)?;
        Ok(changes)
    }

    /// Fails where the transaction that is open has changed anything of it. Whoever began the
    /// transaction rolls it back.
    pub(crate) fn refuse_changes(&self, session: &mut Session, subject: &str) -> Result<()> {
        let changes = self.changes_behind(session, true)?;
        if changes.is_empty() {
            return Ok(());
        }
        Err(AuditError::Touched { subject: subject.to_owned(), changes }.into())
    }
}

/// The message about a marker that was changed.
pub(crate) const MARKER: &str = "the environment marker was changed";

/// The problem of a trail whose existing records changed.
pub(crate) const CUT: &str = "records of the audit trail were changed or removed";

/// Whether the trail begins so.
pub(crate) fn begins(session: &mut Session, before: &TrailHead) -> Result<bool> {
    if before.records == 0 {
        return Ok(true);
    }
    Ok(is_readable(&tables(session)?, "audit") && head(session, Some(before.records))? == *before)
}

/// Whether the existing tables of cargo db are as cargo db creates them.
pub(crate) fn are_as_made(session: &mut Session) -> Result<bool> {
    Ok(tables(session)?.values().all(|table| table.readable && table.as_made))
}

/// The lines of the trail; empty if there is none. A table that is not ours is not read: that could
/// run its owner's code.
pub(crate) fn lines(session: &mut Session) -> Result<Vec<String>> {
    let tables = tables(session)?;
    if !tables.contains_key("audit") {
        return Ok(Vec::new());
    }
    if !is_readable(&tables, "audit") {
        let database = session.target.database.clone();
        return Err(AuditError::NotOurs { table: "audit", database }.into());
    }
    session.column("read the audit trail", "SELECT record FROM ONLY cargo_db.audit ORDER BY id")
}

fn tables(session: &mut Session) -> Result<BTreeMap<String, OwnTable>> {
    let rows = session.rows("read our own tables", include_str!("sql/own.sql"))?;
    let table = |row: &Row| {
        let table = OwnTable {
            oid: row.number("oid")?,
            owners: row.text("owners")?.to_owned(),
            form: row.text("form")?.to_owned(),
            readable: row.flag("readable")?,
            as_made: row.flag("as_made")?,
            written: row.number("written")?,
        };
        Ok((row.text("name")?.to_owned(), table))
    };
    rows.iter().map(table).collect()
}

fn is_readable(tables: &BTreeMap<String, OwnTable>, name: &str) -> bool {
    tables.get(name).is_some_and(|table| table.readable)
}

fn change(
    name: &str,
    before: Option<&OwnTable>,
    now: Option<&OwnTable>,
    strictness: TableComparison,
) -> Option<String> {
    let what = match (before, now) {
        (None, None) => return None,
        (None, Some(_)) => "was made",
        (Some(_), None) => "is gone",
        (Some(before), Some(now)) if before.form != now.form => {
            "has other columns, triggers, rules or policies"
        }
        (Some(before), Some(now))
            if strictness == TableComparison::Same && before.oid != now.oid =>
        {
            "is another table"
        }
        (Some(before), Some(now)) if before.owners != now.owners => {
            "has another owner, or its schema has"
        }
        _ => return None,
    };
    Some(format!("cargo_db.{name} {what}"))
}

/// The hash of the marker's rows; `None` if there is no readable marker.
fn digest_of_marker(
    session: &mut Session,
    tables: &BTreeMap<String, OwnTable>,
) -> Result<Option<String>> {
    if !is_readable(tables, "marker") {
        return Ok(None);
    }
    let sql = "SELECT encode(sha256(string_agg(record_send(m), ''::bytea \
               ORDER BY record_send(m))), 'hex') FROM ONLY cargo_db.marker m";
    session.value("read the marker", sql)
}

/// The first records of the trail, or all of them: how many there are, and their hash.
fn head(session: &mut Session, records: Option<u64>) -> Result<TrailHead> {
    let limit = records.map_or("ALL".to_owned(), |records| records.to_string());
    let sql = format!(
        "SELECT count(*) AS records, \
                encode(sha256(coalesce(string_agg(sha256(textsend(record)), ''::bytea \
                       ORDER BY id), ''::bytea)), 'hex') AS digest \
         FROM (SELECT id, record FROM ONLY cargo_db.audit ORDER BY id LIMIT {limit}) first"
    );
    let row = session.one("read the audit trail", &sql)?;
    Ok(TrailHead { records: row.number("records")?, digest: row.text("digest")?.to_owned() })
}

/// The old trail must be a prefix of the new one. Further records of another run must have the form
/// of ours.
fn changes_of_trail(session: &mut Session, before: &TrailHead) -> Result<Vec<String>> {
    if head(session, Some(before.records))? != *before {
        return Ok(vec![CUT.to_owned()]);
    }
    // Half of the range of `bigint`: no trail has that many records.
    let last = "SELECT 1 FROM ONLY cargo_db.audit WHERE id > 1::bigint << 62 LIMIT 1";
    if session.value("read the last number", last)?.is_some() {
        return Ok(vec!["the audit trail has no record number left".to_owned()]);
    }
    let sql =
        format!("SELECT record FROM ONLY cargo_db.audit ORDER BY id OFFSET {}", before.records);
    let new = session.column("read new records", &sql)?;
    let foreign = new.iter().any(|line| !records::is_ours(line));
    Ok(foreign.then(|| "the audit trail contains invalid records".to_owned()).into_iter().collect())
}
