//! What was written to the catalogs since they were last read: only that has to be read again.
//!
//! The counters tell which catalogs were written; the numbers of transactions tell which of their
//! rows. Removed rows are found by the number of rows.

use std::collections::{BTreeSet, HashMap};

use crate::catalog::{Address, class};
use crate::source::{Record, Row, Source, SourceError, unexpected};
use crate::writes::CatalogWrites;

/// A list of statements, each below a line with the name of its catalog.
const WRITTEN: &str = include_str!("written.sql");
const ROOTS: &str = include_str!("roots.sql");
/// What a condition on the relations that were probably changed begins with.
const LIKELY: &str = "{likely ";
/// Joining or leaving an extension writes no row of the object itself.
const MEMBERS: &str = "SELECT count(*) AS members FROM pg_depend \
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'";

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

/// Finds changes from one poll to the next.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<Moment>,
    /// For each statement, the keys of the rows at the last poll and the objects that they belong
    /// to.
    known: Vec<HashMap<String, Address>>,
    /// The relations that were probably changed since the last poll.
    likely: Vec<u32>,
}

/// The state of the catalogs at a poll.
#[derive(Debug)]
struct Moment {
    /// The counters: those of the catalogs of the statements, then those of the small ones.
    writes: CatalogWrites,
    /// How many objects belong to extensions.
    members: u64,
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

/// How many rows a catalog has, if that is counted, and those that were written.
type Answer = (Option<usize>, Vec<Change>);

/// A row that was written: its key, unless the catalog is read without keys, and its object.
type Change = (Option<String>, Address);

impl Watch {
    /// Names the relations that were probably changed since the last poll: those that a transaction
    /// had locked. If all writes were to these, the next poll need not look through the catalogs.
    pub(super) fn expect(&mut self, relations: Vec<u32>) {
        self.likely = relations;
    }

    /// What may have changed since the last poll.
    pub(super) fn poll(&mut self, source: &mut dyn Source) -> Result<CatalogChange, SourceError> {
        let statements = statements();
        let now = self.moment(source, &statements)?;
        let then = self.last.take();
        let likely = std::mem::take(&mut self.likely);
        let written = match &then {
            Some(then) if now.continues(then, statements.len()) => {
                self.written(source, &statements, (then, &now), &likely)?
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
        let own = statements.iter().map(|statement| statement.catalog);
        let catalogs: Vec<&str> = own.chain(SMALL.iter().copied()).collect();
        let then = self.last.as_ref().map(|last| &last.writes);
        let writes = CatalogWrites::read(source, &catalogs, then)?;
        let sets = source.sets("count the members of extensions", MEMBERS)?;
        let record = sets.first().and_then(|rows| rows.first());
        let row = Row::new(&**record.ok_or_else(|| unexpected("members", "no row"))?);
        let members = row.optional_number("members")?;
        let members = members.ok_or_else(|| unexpected("members", "it is NULL"))?;
        Ok(Moment { writes, members })
    }

    /// Reads all keys.
    fn learn(
        &mut self,
        source: &mut dyn Source,
        statements: &[Statement],
    ) -> Result<(), SourceError> {
        let all: Vec<&Statement> = statements.iter().collect();
        let sets = ask(source, &all, None, None)?;
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
        (then, now): (&Moment, &Moment),
        likely: &[u32],
    ) -> Result<CatalogChange, SourceError> {
        let is_written = |at: &usize| now.writes.of.get(*at) != then.writes.of.get(*at);
        let places: Vec<usize> = (0..statements.len()).filter(is_written).collect();
        let asked: Vec<&Statement> = places.iter().map(|&at| &statements[at]).collect();
        let mut touched = BTreeSet::new();
        let mut with_gone = Vec::new();
        let since = Some(&then.writes);
        let mut answers = ask(source, &asked, since, Some(likely).filter(|some| !some.is_empty()))?;
        let is_complete = |(&at, (_, changes)): (&usize, &Answer)| {
            !statements[at].has_likely_rows() || now.wrote_only(then, at, changes.len())
        };
        if !places.iter().zip(&answers).all(is_complete) {
            answers = ask(source, &asked, since, None)?;
        }
        for (&at, (rows, changes)) in places.iter().zip(answers) {
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
        for (&at, (_, rows)) in with_gone.iter().zip(ask(source, &asked, None, None)?) {
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

impl Statement {
    /// Whether it can be limited to the relations that were probably changed.
    fn has_likely_rows(&self) -> bool {
        self.text.contains(LIKELY)
    }

    /// The statement for the rows that were written since a moment, or for all rows; limited to
    /// some relations if they are given.
    fn query(&self, since: Option<&CatalogWrites>, likely: Option<&[u32]>) -> String {
        let text = CatalogWrites::since(since, self.text);
        let limited = text.split_once(LIKELY).and_then(|(before, rest)| {
            let (oid, after) = rest.split_once('}')?;
            let condition = match likely {
                None => "true".to_owned(),
                Some(likely) => {
                    let oids: Vec<String> = likely.iter().map(u32::to_string).collect();
                    format!("{oid} = ANY ('{{{}}}'::oid[])", oids.join(","))
                }
            };
            Some(format!("{before}{condition}{after}"))
        });
        limited.unwrap_or(text)
    }
}

impl Moment {
    /// Whether a catalog got only these new rows since an earlier moment, each by one write.
    fn wrote_only(&self, then: &Moment, at: usize, new: usize) -> bool {
        let (Some(now), Some(before)) = (self.writes.of.get(at), then.writes.of.get(at)) else {
            return false;
        };
        let writes = (now.inserted + now.updated).checked_sub(before.inserted + before.updated);
        then.writes.is_quiet() && now.deleted == before.deleted && writes == Some(new as u64)
    }

    /// Whether the changes since an earlier poll can be found.
    fn continues(&self, then: &Moment, watched: usize) -> bool {
        let (now, before) = (&self.writes, &then.writes);
        now.continues(before)
            && now.of.get(watched..) == before.of.get(watched..)
            && self.members == then.members
    }
}

/// The answers of some statements: how many rows there are, and those that were written.
fn ask(
    source: &mut dyn Source,
    statements: &[&Statement],
    since: Option<&CatalogWrites>,
    likely: Option<&[u32]>,
) -> Result<Vec<Answer>, SourceError> {
    if statements.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<String> =
        statements.iter().map(|statement| statement.query(since, likely)).collect();
    let sets = source.sets("look for changes", &texts.join(";\n"))?;
    let answer = |(statement, set): (&&Statement, &Vec<Box<dyn Record>>)| {
        let row = Row::new(&**set.first().ok_or_else(|| unexpected("written", "no row"))?);
        let changes: Result<Vec<Change>, SourceError> =
            row.list("written")?.iter().map(|text| change(text)).collect();
        // Of a part, the number of rows says nothing.
        let is_part = likely.is_some() && statement.has_likely_rows();
        let rows = if is_part { None } else { row.optional_number("rows")? };
        Ok((rows, changes?))
    };
    statements.iter().zip(&sets).map(answer).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_names_its_catalog() {
        let all = statements();
        assert_eq!(all.len(), 17);
        for statement in &all {
            assert!(statement.catalog.starts_with("pg_"), "{}", statement.catalog);
            assert!(statement.text.starts_with("SELECT"), "{}", statement.text);
            assert!(statement.text.contains(&format!("FROM {}", statement.catalog)));
            let whole = statement.query(None, None);
            assert!(!whole.contains("{new") && !whole.contains(LIKELY), "{whole}");
            assert!(whole.contains("FILTER (WHERE true)"), "{whole}");
        }
    }
}
