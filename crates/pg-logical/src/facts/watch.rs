//! What was written to the catalogs since the last look, so that no more has to be read again.
//!
//! The server counts the rows that are written to each catalog, and every row tells the transaction
//! that wrote it (PostgreSQL manual, 5.6 "System Columns"). So a look reads the counters, then the
//! catalogs that were written, and of these the rows of new transactions. What is gone is found by
//! the number of rows. Counters are exact since version 15; before, everything is read again.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::{Address, class};
use crate::source::{Record, Row, Source, SourceError, unexpected};

/// A list of statements, each below a line with the name of its catalog.
const WRITTEN: &str = include_str!("written.sql");
const MOMENT: &str = include_str!("moment.sql");
const ROOTS: &str = include_str!("roots.sql");

/// The other catalogs, which are small: after a write to one of them, everything is read again.
const SMALL: &[&str] = &[
    "pg_namespace",
    "pg_extension",
    "pg_language",
    "pg_am",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_operator",
    "pg_opclass",
    "pg_opfamily",
    "pg_amop",
    "pg_amproc",
    "pg_transform",
    "pg_ts_parser",
    "pg_ts_template",
    "pg_ts_dict",
    "pg_ts_config",
    "pg_ts_config_map",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_user_mapping",
    "pg_publication",
    "pg_publication_rel",
    "pg_publication_namespace",
    "pg_event_trigger",
    "pg_default_acl",
    "pg_seclabel",
    "pg_init_privs",
];

/// What may have changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum CatalogChange {
    /// Any object.
    All,
    /// These objects: tables and other relations, types and functions.
    Of(BTreeSet<Address>),
}

/// Looks at the catalogs from time to time.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<Moment>,
    /// Of each catalog, what was there at the last look, by the place of its statement.
    known: Vec<HashMap<String, Address>>,
}

/// What is known about the time of a look.
#[derive(Debug)]
struct Moment {
    /// How often each catalog was written: those of the statements, then the small ones.
    writes: Vec<u64>,
    /// How many objects belong to extensions.
    members: u64,
    /// The transaction of the look, if it has a number.
    own: Option<String>,
    /// What became of the transaction of the look before.
    status: Option<String>,
    /// All transactions before this one had ended.
    oldest: u64,
    /// Whether the counters count.
    is_counted: bool,
}

/// A statement of `written.sql`.
struct Statement {
    catalog: &'static str,
    text: &'static str,
}

fn statements() -> Vec<Statement> {
    let parts = WRITTEN.split(";\n").filter_map(|part| {
        let (before, text) = part.split_once("\nSELECT")?;
        let catalog = before.rsplit("-- ").next()?.trim();
        Some(Statement { catalog, text: &part[part.len() - text.len() - "SELECT".len()..] })
    });
    parts.collect()
}

impl Statement {
    /// The statement for the rows since a transaction, or for all.
    fn since(&self, oldest: Option<u64>) -> String {
        let mut sql = String::new();
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once("{new ") {
            let Some((row, after)) = after.split_once('}') else { break };
            let is_new = match oldest {
                None => "true".to_owned(),
                Some(oldest) => format!("age({row}.xmin) <= age('{oldest}'::xid)"),
            };
            sql.push_str(before);
            sql.push_str(&is_new);
            rest = after;
        }
        sql + rest
    }
}

/// How many rows a catalog has, if that is counted, and those that were written.
type Answer = (Option<usize>, Vec<Change>);

/// A row that was written: its key, unless the catalog is read without keys, and its object.
type Change = (Option<String>, Address);

impl Watch {
    /// What may have changed since the last look.
    pub(super) fn poll(&mut self, source: &mut dyn Source) -> Result<CatalogChange, SourceError> {
        let statements = statements();
        let now = self.moment(source, &statements)?;
        let then = self.last.take();
        let written = match &then {
            Some(then) if now.continues(then, statements.len()) => {
                self.written(source, &statements, then, &now)?
            }
            _ => {
                self.learn(source, &statements)?;
                CatalogChange::All
            }
        };
        self.last = Some(now);
        Ok(written)
    }

    fn moment(
        &self,
        source: &mut dyn Source,
        statements: &[Statement],
    ) -> Result<Moment, SourceError> {
        let own = self.last.as_ref().and_then(|last| last.own.as_deref());
        let own = own.map_or_else(|| "NULL::xid8".to_owned(), |own| format!("'{own}'::xid8"));
        let names =
            statements.iter().map(|statement| statement.catalog).chain(SMALL.iter().copied());
        let names = names.map(|name| format!("'pg_catalog.{name}'::regclass"));
        let names = format!("ARRAY[{}]", names.collect::<Vec<_>>().join(", "));
        let sql = MOMENT.replace("{own}", &own).replace("{catalogs}", &names);
        let sets = source.sets("look for changes", &sql)?;
        let row = Row::new(first(&sets)?);
        let writes = row.list("writes")?;
        Ok(Moment {
            writes: writes.iter().map(|text| text.parse().unwrap_or(0)).collect(),
            members: row.optional_number("members")?.unwrap_or(0),
            own: row.optional("own")?,
            status: row.optional("status")?,
            oldest: row.optional_number("oldest")?.unwrap_or(0),
            is_counted: row.flag("is_counted")?,
        })
    }

    /// Reads all keys.
    fn learn(
        &mut self,
        source: &mut dyn Source,
        statements: &[Statement],
    ) -> Result<(), SourceError> {
        let all: Vec<&Statement> = statements.iter().collect();
        let sets = ask(source, &all, None)?;
        let keyed = |(_, changes): Answer| {
            changes.into_iter().filter_map(|(key, of)| Some((key?, of))).collect()
        };
        self.known = sets.into_iter().map(keyed).collect();
        Ok(())
    }

    fn written(
        &mut self,
        source: &mut dyn Source,
        statements: &[Statement],
        then: &Moment,
        now: &Moment,
    ) -> Result<CatalogChange, SourceError> {
        let is_written = |at: &usize| now.writes.get(*at) != then.writes.get(*at);
        let places: Vec<usize> = (0..statements.len()).filter(is_written).collect();
        let asked: Vec<&Statement> = places.iter().map(|&at| &statements[at]).collect();
        let mut touched = BTreeSet::new();
        let mut with_gone = Vec::new();
        for (&at, (rows, changes)) in places.iter().zip(ask(source, &asked, Some(then.oldest))?) {
            let known = &mut self.known[at];
            for (key, of) in changes {
                touched.insert(of);
                touched.extend(key.and_then(|key| known.insert(key, of)));
            }
            if rows.is_some_and(|rows| rows != known.len()) {
                with_gone.push(at);
            }
        }
        let asked: Vec<&Statement> = with_gone.iter().map(|&at| &statements[at]).collect();
        for (&at, (_, rows)) in with_gone.iter().zip(ask(source, &asked, None)?) {
            let there: HashMap<String, Address> =
                rows.into_iter().filter_map(|(key, of)| Some((key?, of))).collect();
            let gone = self.known[at].iter().filter(|(key, _)| !there.contains_key(*key));
            touched.extend(gone.map(|(_, of)| *of));
            self.known[at] = there;
        }
        if touched.iter().any(|of| of.class == 0) {
            return Ok(CatalogChange::All);
        }
        roots(source, touched).map(CatalogChange::Of)
    }
}

impl Moment {
    /// Whether what happened since then is found by counters and transactions.
    fn continues(&self, then: &Moment, watched: usize) -> bool {
        // What was read in a transaction is not there if that was rolled back.
        let is_kept = then.own == self.own
            || then.own.is_none()
            || self.status.as_deref() == Some("committed");
        let is_small_as_before = self.writes.get(watched..) == then.writes.get(watched..);
        let is_counted = self.is_counted && then.is_counted;
        is_counted && is_kept && is_small_as_before && self.members == then.members
    }
}

/// The answers of some statements: how many rows there are, and those that were written.
fn ask(
    source: &mut dyn Source,
    statements: &[&Statement],
    since: Option<u64>,
) -> Result<Vec<Answer>, SourceError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<String> = statements.iter().map(|statement| statement.since(since)).collect();
    let sets = source.sets("look for changes", &texts.join(";\n"))?;
    let answer = |set: &Vec<Box<dyn Record>>| {
        let row = Row::new(&**set.first().ok_or_else(|| unexpected("written", "no row"))?);
        let changes: Result<Vec<Change>, SourceError> =
            row.list("written")?.iter().map(|text| change(text)).collect();
        Ok((row.optional_number("rows")?, changes?))
    };
    sets.iter().map(answer).collect()
}

/// A change from its text: `key class oid`.
fn change(text: &str) -> Result<Change, SourceError> {
    let wrong = || unexpected("written", &format!("`{text}` is no key with an object"));
    let mut words = text.split(' ');
    let (Some(key), Some(class), Some(oid)) = (words.next(), words.next(), words.next()) else {
        return Err(wrong());
    };
    let (Ok(class), Ok(oid)) = (class.parse(), oid.parse()) else { return Err(wrong()) };
    Ok(((key != "-").then(|| key.to_owned()), Address { class, oid }))
}

/// The objects that were meant by their parts.
fn roots(
    source: &mut dyn Source,
    touched: BTreeSet<Address>,
) -> Result<BTreeSet<Address>, SourceError> {
    let relations: Vec<String> =
        touched.iter().filter(|of| of.class == class::CLASS).map(|of| of.oid.to_string()).collect();
    let mut found = touched;
    if relations.is_empty() {
        return Ok(found);
    }
    let sql = ROOTS.replace("relations", &relations.join(","));
    for record in source.sets("look for changes", &sql)?.iter().flatten() {
        let row = Row::new(&**record);
        found.insert(Address { class: row.oid("class")?, oid: row.oid("oid")? });
        let other = row.oid("other")?;
        if other != 0 {
            found.insert(Address { class: class::CLASS, oid: other });
        }
    }
    Ok(found)
}

fn first(sets: &[Vec<Box<dyn Record>>]) -> Result<&dyn Record, SourceError> {
    let record = sets.first().and_then(|rows| rows.first());
    record.map(|record| &**record).ok_or_else(|| unexpected("writes", "no row"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_names_its_catalog() {
        let all = statements();
        assert_eq!(all.len(), 19);
        for statement in &all {
            assert!(statement.catalog.starts_with("pg_"), "{}", statement.catalog);
            assert!(statement.text.starts_with("SELECT"), "{}", statement.text);
            assert!(statement.text.contains(&format!("FROM {}", statement.catalog)));
            assert!(!statement.since(Some(7)).contains("{new"), "{}", statement.text);
        }
        assert!(all[1].since(Some(7)).contains("age(x.xmin) <= age('7'::xid)"));
    }
}
