//! Digests of rows, large objects and materialized views before a migration, to check whether its
//! down migration restores them. Only the tables that the files name are read, and those that a
//! change of their rows can reach. What could not be read is reported.

use std::collections::{BTreeSet, HashSet};

use crate::failure::Result;
use crate::migration::project_relation;
use crate::model::finding::Finding;
use crate::rehearse::capture::ask;
use crate::rehearse::judge::grouped;
use crate::rehearse::measured::Measured;
use crate::rehearse::rollback_proof::{Compared, RowDifference};
use crate::rehearse::snapshot::Oid;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use pg_sql::name::short;
use pg_sql::quote::{quote_identifier, quote_literal};

/// At most this many bytes are read for one migration. The smallest tables come first; those that
/// no longer fit are not compared.
const AT_MOST: u64 = 256 << 20;

/// Whether a word shows that a file uses large objects.
fn is_of_large_objects(word: &str) -> bool {
    word.starts_with("lo_") || matches!(word, "lowrite" | "loread" | "pg_largeobject")
}

/// The rows that a migration may change, as they were before it.
#[derive(Default)]
pub(super) struct RowSnapshot {
    kept: Vec<KeptTable>,
    /// What is not compared, and why.
    left_out: Vec<String>,
    /// All tables that were considered, whether they were read or not.
    known: BTreeSet<Oid>,
    /// The tables that the migration wrote to.
    written: BTreeSet<Oid>,
    /// Whether the migration may have written rows.
    pub(super) may_write: bool,
    /// What the migration lost, whether that is expected or not.
    pub(super) lost: Vec<Finding>,
}

struct KeptTable {
    /// The name as messages show it.
    name: String,
    columns: Vec<String>,
    is_view: bool,
    /// The query for its digest.
    sql: String,
    was: TableState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TableState {
    /// How many rows, a digest of all of them, and one of each column.
    Read { rows: u64, all: String, columns: Vec<String> },
    /// It does not exist, may not be read, or is a materialized view that is not populated.
    Unreadable,
}

impl RowSnapshot {
    /// Reads the tables among `relations` that the text names. Call it in a transaction.
    pub(super) fn keep(
        session: &mut Session,
        layout: &ProjectTool,
        (text, relations): (&str, &[&str]),
    ) -> Result<RowSnapshot> {
        let text = text.to_lowercase();
        let mut rows = RowSnapshot::default();
        let named = named_in(&text, relations);
        let mut left = AT_MOST;
        if !named.is_empty() {
            left = rows.keep_tables(session, layout, &named)?;
        }
        rows.keep_large_objects(session, &text, left)?;
        Ok(rows)
    }

    /// Returns how many bytes may still be read.
    fn keep_tables(
        &mut self,
        session: &mut Session,
        layout: &ProjectTool,
        named: &[&str],
    ) -> Result<u64> {
        let names: Vec<String> = named.iter().map(|name| quote_literal(name)).collect();
        let sql = format!(
            include_str!("sql/rows_of_tables.sql"),
            names = names.join(", "),
            project_relation = project_relation(layout)
        );
        let mut left = AT_MOST;
        for row in session.rows("find the tables of a migration", &sql)? {
            self.known.insert(row.number("oid")?);
            let (table, size) = (row.text("name")?, row.number::<u64>("size")?);
            let name = short(table).to_owned();
            if row.flag("hidden")? {
                self.left_out.push(format!("{name}: row security hides some of its rows"));
            } else if size > left {
                self.left_out.push(too_large(&name, size));
            } else {
                left -= size;
                let columns = row.optional_text("columns")?.unwrap_or_default();
                let columns = columns.split('\x1f').filter(|column| !column.is_empty());
                let columns: Vec<String> = columns.map(str::to_owned).collect();
                let (sql, is_view) = (digest_of(table, &columns), row.flag("is_view")?);
                let was = TableState::of(session, &sql)?;
                self.keep_one(KeptTable { name, columns, is_view, sql, was });
            }
        }
        Ok(left)
    }

    /// Records which large objects exist, and their contents if the text uses large objects and
    /// they are not larger than `left`.
    fn keep_large_objects(&mut self, session: &mut Session, text: &str, left: u64) -> Result<()> {
        const PAGES: &str = "pages of large objects";
        let mut pages = None;
        if words(text).any(is_of_large_objects) {
            let sql = "SELECT pg_table_size('pg_catalog.pg_largeobject')";
            let size: u64 = session.number("find the size of large objects", sql)?;
            let fits = size <= left;
            self.left_out.extend((!fits).then(|| too_large(PAGES, size)));
            pages = fits.then_some((PAGES, LARGE_OBJECT_PAGES));
        }
        for (name, sql) in [("large objects", LARGE_OBJECTS)].into_iter().chain(pages) {
            let was = TableState::of(session, sql)?;
            let (name, sql) = (name.to_owned(), sql.to_owned());
            self.keep_one(KeptTable { name, columns: Vec::new(), is_view: false, sql, was });
        }
        Ok(())
    }

    fn keep_one(&mut self, kept: KeptTable) {
        if kept.was == TableState::Unreadable && !kept.is_view {
            self.left_out.push(format!("{}: it cannot be read", kept.name));
        } else {
            self.kept.push(kept);
        }
    }

    /// Notes what the migration did.
    pub(super) fn note(&mut self, measured: &[Measured], lost: Vec<Finding>) {
        self.lost = lost;
        self.may_write = measured.iter().any(Measured::may_write);
        self.record_writes(measured);
    }

    /// Records which tables a file wrote to, and the lines whose writes could not be observed.
    fn record_writes(&mut self, measured: &[Measured]) {
        self.written.extend(measured.iter().flat_map(|statement| &statement.written));
        let unseen = |one: &&Measured| one.touched.is_none() && one.may_write();
        self.left_out.extend(measured.iter().filter(unseen).map(|one| {
            format!("tables that the files do not name: line {} ends transactions", one.line)
        }));
    }

    /// Compares the rows with those after the down migration. Differences in `disturbed` tables are
    /// not attributed to this migration, because a later one left them different; the tables that
    /// differ now are added there. Call it in a transaction.
    pub(super) fn compare(
        mut self,
        session: &mut Session,
        down: &[Measured],
        disturbed: &mut BTreeSet<String>,
    ) -> Result<Compared> {
        self.record_writes(down);
        let unnamed = self.unnamed_tables(session)?;
        let mut compared = Compared { left_out: self.left_out, ..Compared::default() };
        for KeptTable { name, columns, is_view, sql, was } in self.kept {
            let now = TableState::of(session, &sql)?;
            if now == was {
                continue;
            }
            if !disturbed.insert(name.clone()) {
                let why = "a later down migration has left it different";
                compared.left_out.push(format!("{name}: {why}"));
            } else if now == TableState::Unreadable && !is_view {
                // Then the schema differs too, which is reported.
                compared.left_out.push(format!("{name}: it cannot be read afterwards"));
            } else {
                let evidence = was.difference(&now, &columns);
                compared.differs.push(RowDifference { table: name, evidence });
            }
        }
        for name in unnamed {
            let why = "its rows were written, but the files do not name it";
            compared.left_out.push(format!("{name}: {why}"));
            disturbed.insert(name);
        }
        Ok(compared)
    }

    /// Marks the tables as disturbed. This migration failed or did not run, so later differences in
    /// them cannot be attributed to an earlier migration.
    pub(super) fn mark_disturbed(&self, disturbed: &mut BTreeSet<String>) {
        disturbed.extend(self.kept.iter().map(|kept| kept.name.clone()));
    }

    /// The tables that were written to and still exist, but that the files do not name.
    fn unnamed_tables(&self, session: &mut Session) -> Result<BTreeSet<String>> {
        let oids: Vec<String> =
            self.written.difference(&self.known).map(ToString::to_string).collect();
        if oids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let sql = format!(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid IN ({}) AND c.relkind = 'r' AND c.relpersistence <> 't'",
            oids.join(", ")
        );
        let names = session.column("find the tables that were written", &sql)?;
        Ok(names.iter().map(|name| short(name).to_owned()).collect())
    }
}

impl TableState {
    fn of(session: &mut Session, sql: &str) -> Result<TableState> {
        let rows = ask(session, sql)?;
        let Some(row) = rows.and_then(|rows| rows.into_iter().next()) else {
            return Ok(TableState::Unreadable);
        };
        let columns = row.text("columns")?.trim_matches(['{', '}']).split(',');
        Ok(TableState::Read {
            rows: row.number("rows")?,
            all: row.text("all_rows")?.to_owned(),
            columns: columns.map(str::to_owned).collect(),
        })
    }

    /// Describes how the other differs.
    fn difference(&self, other: &TableState, names: &[String]) -> String {
        let (was, now) = match (self, other) {
            (
                TableState::Read { rows: was, columns, .. },
                TableState::Read { rows: now, columns: other, .. },
            ) if was == now => {
                let pairs = names.iter().zip(columns.iter().zip(other));
                let others = pairs.filter(|(_, (was, now))| was != now);
                let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
                return if others.is_empty() {
                    "other rows than before".to_owned()
                } else {
                    format!("other values than before in {}", others.join(", "))
                };
            }
            (was, now) => (was.rows(), now.rows()),
        };
        format!("{was} before, {now} afterwards")
    }

    fn rows(&self) -> String {
        match self {
            TableState::Read { rows: 1, .. } => "1 row".to_owned(),
            TableState::Read { rows, .. } => format!("{} rows", grouped(*rows)),
            TableState::Unreadable => "not populated".to_owned(),
        }
    }
}

const LARGE_OBJECTS: &str = "SELECT count(*) AS rows, \
    coalesce(sum(hashint8extended(oid::bigint, 0)), 0)::text AS all_rows, '{}' AS columns \
    FROM pg_largeobject_metadata";
const LARGE_OBJECT_PAGES: &str = "SELECT count(*) AS rows, coalesce(sum(hashtextextended( \
    concat_ws(' ', loid, pageno, encode(sha256(data), 'hex')), 0)), 0)::text AS all_rows, \
    '{}' AS columns FROM pg_largeobject";

/// The query for the number of rows of a table, a digest of them, and a digest of each column.
/// Columns are in the order of their names: the position changes if one is dropped and added again.
fn digest_of(table: &str, columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| quote_identifier(name)).collect();
    let sum = |value: &str| {
        format!("coalesce(sum(hashtextextended(({value})::text COLLATE \"C\", 0)), 0)")
    };
    let each: Vec<String> = columns.iter().map(|name| sum(name)).collect();
    format!(
        "SELECT count(*) AS rows, {}::text AS all_rows, ARRAY[{}]::numeric[]::text AS columns \
         FROM ONLY {table}",
        sum(&format!("ROW({})", columns.join(", "))),
        each.join(", ")
    )
}

fn too_large(name: &str, size: u64) -> String {
    format!("{name}: it is too large to be read ({} MiB)", grouped(size >> 20))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter| !is_of_name(letter))
}

/// The relations whose names occur in the text, which must be in lower case.
fn named_in<'a>(text: &str, relations: &[&'a str]) -> Vec<&'a str> {
    let words: HashSet<&str> = words(text).collect();
    let is_named = |relation: &&&str| {
        let name = bare(relation).to_lowercase();
        if name.chars().all(is_of_name) { words.contains(&*name) } else { text.contains(&name) }
    };
    relations.iter().filter(is_named).copied().collect()
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// The name without its schema and its quotes.
fn bare(relation: &str) -> &str {
    match relation.strip_suffix('"') {
        Some(quoted) => quoted.rsplit_once(".\"").map_or(quoted, |(_, name)| name),
        None => relation.rsplit_once('.').map_or(relation, |(_, name)| name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: u64, all: &str, columns: &[&str]) -> TableState {
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        TableState::Read { rows, all: all.to_owned(), columns }
    }

    #[test]
    fn relations_are_named_by_whole_words_or_by_what_is_between_quotes() {
        let all = ["public.users", "app.\"Order\"", "public.user", "public.\"two words\""];
        let text = "update users set a = 1; insert into \"order\" values ('two words')";
        assert_eq!(named_in(text, &all), ["public.users", "app.\"Order\"", "public.\"two words\""]);
        assert!(named_in("select users_id", &all).is_empty());
    }

    #[test]
    fn large_objects_are_used_by_functions_whose_names_begin_so() {
        let uses = |text: &str| words(text).any(is_of_large_objects);
        assert!(uses("select lo_put(1, 0, 'x')") && uses("select pg_catalog.lowrite(1, 'x')"));
        assert!(!uses("insert into hello_world values ('slo_target')"));
    }

    #[test]
    fn a_difference_names_rows_columns_or_neither() {
        let names = ["a".to_owned(), "b".to_owned()];
        let was = read(2, "7", &["1", "2"]);
        let differs = |now: TableState| was.difference(&now, &names);
        assert_eq!(differs(read(1, "8", &["1", "3"])), "2 rows before, 1 row afterwards");
        assert_eq!(differs(read(2, "8", &["1", "3"])), "other values than before in b");
        assert_eq!(differs(read(2, "8", &["1", "2"])), "other rows than before");
        assert_eq!(differs(TableState::Unreadable), "2 rows before, not populated afterwards");
    }
}
