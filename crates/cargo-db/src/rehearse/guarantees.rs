//! What programs and the server rely on besides names: privileges, row security, unique indexes,
//! partitions, foreign keys, sequences. Read before the first migration and after each, in one
//! round trip.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::Result;
use crate::migration::PROJECT_SCHEMA;
use crate::rehearse::snapshot::Oid;
use crate::world::pg::{Row, Session, only_row};

/// The state between two migrations.
#[derive(Debug, Default)]
pub(super) struct Guarantees {
    /// Of each object, by kind and name: who may do what.
    pub(super) rights: BTreeMap<(String, String), BTreeSet<Grant>>,
    pub(super) tables: BTreeMap<String, Secured>,
    pub(super) unique: BTreeMap<Oid, Unique>,
    /// The tables whose rows a parent shows as its own: parent and child.
    pub(super) children: BTreeMap<(String, String), Oid>,
    /// The triggers of foreign keys.
    pub(super) triggers: BTreeMap<Oid, KeyTrigger>,
    pub(super) numbered: BTreeMap<(Oid, Oid, i16), Numbered>,
    /// Parent and child of foreign keys whose action on the child may have no effect.
    pub(super) hollow: BTreeSet<(Oid, Oid)>,
    /// Whether foreign keys may be disabled although no statement does it.
    pub(super) risky: bool,
}

/// Who may do something, and what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Grant {
    pub(super) who: String,
    pub(super) what: String,
}

/// The row security of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Secured {
    pub(super) on: bool,
    pub(super) forced: bool,
    /// Whether it hides rows from our own role.
    pub(super) hidden: bool,
}

/// A unique index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unique {
    pub(super) name: String,
    /// Without its schema.
    pub(super) bare: String,
    pub(super) table: String,
}

/// A trigger of a foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyTrigger {
    pub(super) of: Oid,
    pub(super) table: String,
    /// By which transaction it was written.
    written: String,
    pub(super) enabled: bool,
}

/// A column that a sequence numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) sequence: String,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) ascends: bool,
    /// Whether its highest value is found without reading much.
    pub(super) cheap: bool,
    pub(super) hidden: bool,
}

impl Guarantees {
    /// Asks for it.
    pub(super) fn of(session: &mut Session) -> Result<Guarantees> {
        let doing = "read rights, keys and sequences";
        let sql = include_str!("sql/guarantees.sql").replace("{schema}", PROJECT_SCHEMA);
        let [rights, tables, unique, children, triggers, numbered, hollow, risky] =
            session.sets(doing, &sql)?;
        Ok(Guarantees {
            rights: rights.iter().map(rights_of).collect::<Result<_>>()?,
            tables: tables.iter().map(secured).collect::<Result<_>>()?,
            unique: unique.iter().map(unique_of).collect::<Result<_>>()?,
            children: children.iter().map(child_of).collect::<Result<_>>()?,
            triggers: triggers.iter().map(trigger_of).collect::<Result<_>>()?,
            numbered: numbered.iter().map(numbered_of).collect::<Result<_>>()?,
            hollow: hollow.iter().map(orphaned_children).collect::<Result<_>>()?,
            risky: only_row(doing, risky)?.flag("risky")?,
        })
    }

    /// The children of these tables that may contain orphaned rows.
    pub(super) fn orphaned_children(&self, parents: &BTreeSet<Oid>) -> BTreeSet<Oid> {
        let written = self.hollow.iter().filter(|(parent, _)| parents.contains(parent));
        written.map(|(_, child)| *child).collect()
    }

    /// The tables whose foreign keys were disabled or enabled since then.
    pub(super) fn switched(&self, before: &Guarantees) -> BTreeSet<Oid> {
        let touched = self.triggers.iter().filter(|(oid, now)| {
            before.triggers.get(*oid).is_some_and(|then| then.written != now.written)
        });
        touched.map(|(_, trigger)| trigger.of).collect()
    }
}

fn rights_of(row: &Row) -> Result<((String, String), BTreeSet<Grant>)> {
    let rights = row.optional_text("rights")?.unwrap_or_default();
    let right = |text: &str| {
        let (who, what) = text.split_once('\x1e')?;
        Some(Grant { who: who.to_owned(), what: what.to_owned() })
    };
    let object = (row.text("kind")?.to_owned(), row.text("name")?.to_owned());
    Ok((object, rights.split('\x1f').filter_map(right).collect()))
}

fn secured(row: &Row) -> Result<(String, Secured)> {
    let (on, forced) = (row.flag("secured")?, row.flag("forced")?);
    Ok((row.text("name")?.to_owned(), Secured { on, forced, hidden: row.flag("hidden")? }))
}

fn unique_of(row: &Row) -> Result<(Oid, Unique)> {
    let (name, bare) = (row.text("name")?.to_owned(), row.text("bare")?.to_owned());
    Ok((row.number("oid")?, Unique { name, bare, table: row.text("of_table")?.to_owned() }))
}

fn child_of(row: &Row) -> Result<((String, String), Oid)> {
    Ok(((row.text("parent")?.to_owned(), row.text("child")?.to_owned()), row.number("oid")?))
}

fn trigger_of(row: &Row) -> Result<(Oid, KeyTrigger)> {
    let (of, table) = (row.number("of_table")?, row.text("name")?.to_owned());
    let (written, enabled) = (row.text("written")?.to_owned(), row.flag("enabled")?);
    Ok((row.number("oid")?, KeyTrigger { of, table, written, enabled }))
}

fn orphaned_children(row: &Row) -> Result<(Oid, Oid)> {
    Ok((row.number("parent")?, row.number("child")?))
}

fn numbered_of(row: &Row) -> Result<((Oid, Oid, i16), Numbered)> {
    let numbered = Numbered {
        sequence: row.text("name")?.to_owned(),
        table: row.text("table_name")?.to_owned(),
        column: row.text("column_name")?.to_owned(),
        ascends: row.flag("ascends")?,
        cheap: row.flag("cheap")?,
        hidden: row.flag("hidden")?,
    };
    Ok(((row.number("sequence")?, row.number("of_table")?, row.number("number")?), numbered))
}
