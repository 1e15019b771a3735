//! What programs and the server rely on besides names: privileges, row security, unique indexes,
//! partitions, foreign keys, sequences. All of it is read before the first migration; after each
//! migration, one round trip rereads what may have changed.

use std::collections::{BTreeMap, BTreeSet};

use pg_logical::catalog::{Address, class};

use crate::failure::{Failure, Result};
use crate::migration::PROJECT_SCHEMA;
use crate::rehearse::snapshot::{Oid, is_any_of};
use crate::world::pg::{Row, Session, only_row};

/// The state between two migrations, by object.
#[derive(Debug, Default)]
pub(super) struct Guarantees {
    of: BTreeMap<Address, Promises>,
    /// Whether foreign keys may be disabled although no statement does it.
    pub(super) risky: bool,
}

/// The guarantees of one or more objects.
#[derive(Clone, Debug, Default)]
pub(super) struct Promises {
    /// Of each object, by kind and name: who may do what.
    pub(super) rights: BTreeMap<(String, String), BTreeSet<Grant>>,
    pub(super) tables: BTreeMap<String, Secured>,
    pub(super) unique: BTreeMap<Oid, Unique>,
    /// The tables whose rows a parent shows as its own: parent and child.
    pub(super) children: BTreeMap<(String, String), Oid>,
    /// The triggers of foreign keys.
    pub(super) triggers: BTreeMap<Oid, KeyTrigger>,
    pub(super) numbered: BTreeMap<SequenceColumn, Numbered>,
    /// Parent and child of foreign keys whose action on the child may have no effect.
    hollow: BTreeSet<(Oid, Oid)>,
}

/// A column and its sequence: OID of the sequence, OID of the table, column number.
pub(super) type SequenceColumn = (Oid, Oid, i16);

/// The objects that may have changed; `None` means all.
pub(super) type Touched<'a> = Option<&'a BTreeSet<Address>>;

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
    pub(super) table: String,
    /// The definition without the name of the index.
    pub(super) definition: String,
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
    /// Reads the guarantees of all objects.
    pub(super) fn of(session: &mut Session) -> Result<Guarantees> {
        let mut guarantees = Guarantees::default();
        guarantees.update(session, None)?;
        Ok(guarantees)
    }

    /// Rereads the guarantees of the touched objects. Returns the old and the new ones.
    pub(super) fn update(
        &mut self,
        session: &mut Session,
        touched: Touched<'_>,
    ) -> Result<(Promises, Promises)> {
        let (now, risky) = read(session, touched)?;
        let gone: Vec<Promises> = match touched {
            None => std::mem::take(&mut self.of).into_values().collect(),
            Some(touched) => touched.iter().filter_map(|of| self.of.remove(of)).collect(),
        };
        self.risky = risky;
        let then = gone.into_iter().fold(Promises::default(), Promises::and);
        let all = now.values().cloned().fold(Promises::default(), Promises::and);
        self.of.extend(now);
        Ok((then, all))
    }

    /// The child tables of these tables that may contain rows without a parent.
    pub(super) fn orphaned_children(&self, parents: &BTreeSet<Oid>) -> BTreeSet<Oid> {
        self.of.values().flat_map(|promises| promises.orphaned_children(parents)).collect()
    }

    /// The columns whose values come from sequences.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (&SequenceColumn, &Numbered)> {
        self.of.values().flat_map(|promises| &promises.numbered)
    }
}

impl Promises {
    fn and(mut self, other: Promises) -> Promises {
        self.rights.extend(other.rights);
        self.tables.extend(other.tables);
        self.unique.extend(other.unique);
        self.children.extend(other.children);
        self.triggers.extend(other.triggers);
        self.numbered.extend(other.numbered);
        self.hollow.extend(other.hollow);
        self
    }

    /// The children of these tables that may contain orphaned rows.
    pub(super) fn orphaned_children(&self, parents: &BTreeSet<Oid>) -> BTreeSet<Oid> {
        let written = self.hollow.iter().filter(|(parent, _)| parents.contains(parent));
        written.map(|(_, child)| *child).collect()
    }

    /// The tables whose foreign keys were disabled or enabled since then.
    pub(super) fn switched(&self, before: &Promises) -> BTreeSet<Oid> {
        let touched = self.triggers.iter().filter(|(oid, now)| {
            before.triggers.get(*oid).is_some_and(|then| then.written != now.written)
        });
        touched.map(|(_, trigger)| trigger.of).collect()
    }
}

/// Reads the guarantees of the touched objects.
fn read(
    session: &mut Session,
    touched: Touched<'_>,
) -> Result<(BTreeMap<Address, Promises>, bool)> {
    let doing = "read rights, keys and sequences";
    // Those of some objects are found by keys, in the order in which the query names the tables. To
    // consider other ways takes the planner more time than all the rest.
    if touched.is_some() {
        session.run(
            doing,
            "SET enable_hashjoin = off; SET enable_mergejoin = off; SET join_collapse_limit = 1",
        )?;
    }
    let [rights, tables, unique, children, triggers, numbered, hollow, risky] =
        session.sets(doing, &query(touched))?;
    if touched.is_some() {
        session.run(
            doing,
            "RESET enable_hashjoin; RESET enable_mergejoin; RESET join_collapse_limit",
        )?;
    }
    let mut of: BTreeMap<Address, Promises> = BTreeMap::new();
    let table = |row: &Row, column| {
        Ok::<_, Failure>(Address { class: class::CLASS, oid: row.number(column)? })
    };
    for row in &tables {
        of.entry(table(row, "root")?).or_default().tables.extend([secured(row)?]);
    }
    for row in &unique {
        of.entry(table(row, "root")?).or_default().unique.extend([unique_of(row)?]);
    }
    for row in &children {
        of.entry(table(row, "oid")?).or_default().children.extend([child_of(row)?]);
    }
    for row in &triggers {
        of.entry(table(row, "of_table")?).or_default().triggers.extend([trigger_of(row)?]);
    }
    for row in &numbered {
        of.entry(table(row, "of_table")?).or_default().numbered.extend([numbered_of(row)?]);
    }
    for row in &hollow {
        of.entry(table(row, "child")?).or_default().hollow.extend([orphaned_child(row)?]);
    }
    for row in &rights {
        let address = Address { class: row.number("class")?, oid: row.number("root")? };
        of.entry(address).or_default().rights.extend([rights_of(row)?]);
    }
    Ok((of, only_row(doing, risky)?.flag("risky")?))
}

/// The query for the touched objects. `{relation c.oid}` becomes the condition that the relation is
/// one of them.
fn query(touched: Touched<'_>) -> String {
    let sql = include_str!("sql/guarantees.sql").replace("{schema}", PROJECT_SCHEMA);
    let mut text = String::new();
    let mut rest = sql.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let Some((mark, after)) = after.split_once('}') else { break };
        let (kind, oid) = mark.split_once(' ').unwrap_or((mark, ""));
        let is_of = |of: &Address| match kind {
            "relation" => of.class == class::CLASS,
            "routine" => of.class == class::PROC,
            "type" => of.class == class::TYPE,
            _ => of.class == class::NAMESPACE,
        };
        let oids = |touched: &BTreeSet<Address>| {
            is_any_of(oid, touched.iter().filter(|of| is_of(of)).map(|of| &of.oid))
        };
        text.push_str(before);
        text.push_str(&touched.map_or_else(|| "true".to_owned(), oids));
        rest = after;
    }
    text + rest
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
    let named = format!(" INDEX {} ON ", row.text("bare")?);
    let unique = Unique {
        name: row.text("name")?.to_owned(),
        table: row.text("of_table")?.to_owned(),
        definition: row.text("definition")?.replacen(&named, " INDEX ON ", 1),
    };
    Ok((row.number("oid")?, unique))
}

fn child_of(row: &Row) -> Result<((String, String), Oid)> {
    Ok(((row.text("parent")?.to_owned(), row.text("child")?.to_owned()), row.number("oid")?))
}

fn trigger_of(row: &Row) -> Result<(Oid, KeyTrigger)> {
    let (of, table) = (row.number("of_table")?, row.text("name")?.to_owned());
    let (written, enabled) = (row.text("written")?.to_owned(), row.flag("enabled")?);
    Ok((row.number("oid")?, KeyTrigger { of, table, written, enabled }))
}

fn orphaned_child(row: &Row) -> Result<(Oid, Oid)> {
    Ok((row.number("parent")?, row.number("child")?))
}

fn numbered_of(row: &Row) -> Result<(SequenceColumn, Numbered)> {
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
