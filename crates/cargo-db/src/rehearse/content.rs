//! How many rows and values a database holds, counted before and after what cannot be measured
//! statement by statement.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::failure::Result;
use crate::migration::project_relation;
use crate::model::finding::Finding;
use crate::rehearse::judge;
use crate::rehearse::snapshot::{LockMode, Oid};
use crate::world::pg::Session;
use db_tools::ProjectTool;
use pg_sql::name::short;
use pg_sql::quote::quote_identifier;

/// Tables with more rows than this are not counted.
const COUNTED: u64 = 5_000_000;

/// What is known about the rows of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// How many rows, and how many values in each column.
    Counts,
    /// Also a hash of the values of each column, whatever the order of the rows.
    Values,
}

/// How many rows each table holds, and how many values each of its columns.
#[derive(Default)]
pub(super) struct RowCounts {
    tables: BTreeMap<String, TableCounts>,
    /// The tables of which the role does not see all rows.
    hidden: Vec<String>,
    large: BTreeMap<String, LargeTable>,
}

struct TableCounts {
    rows: u64,
    columns: BTreeMap<String, ColumnCounts>,
}

struct ColumnCounts {
    values: u64,
    hash: Option<String>,
}

/// A table that is too large to be counted.
struct LargeTable {
    oid: Oid,
    /// The estimate, rounded.
    rows: u64,
    /// Its file, and how many of its rows were ever updated and deleted.
    state: String,
}

impl RowCounts {
    /// Counts what the tables hold that are not the tool's own.
    pub(super) fn count(session: &mut Session, layout: &ProjectTool) -> Result<RowCounts> {
        RowCounts::read(session, layout, Detail::Counts)
    }

    /// Counts what they hold, and hashes the values: a change that nothing else shows is seen.
    pub(super) fn with_values(session: &mut Session, layout: &ProjectTool) -> Result<RowCounts> {
        RowCounts::read(session, layout, Detail::Values)
    }

    fn read(session: &mut Session, layout: &ProjectTool, detail: Detail) -> Result<RowCounts> {
        let sql = format!(
            include_str!("sql/tables_with_columns.sql"),
            project_relation = project_relation(layout)
        );
        let mut content = RowCounts::default();
        for row in session.rows("list the tables", &sql)? {
            let name = row.text("name")?.to_owned();
            let estimate = row.number::<u64>("estimate")?;
            if estimate > COUNTED {
                let (oid, state) = (row.number("oid")?, row.text("state")?.to_owned());
                let large = LargeTable { oid, rows: estimate, state };
                content.large.insert(name, large);
            } else if row.flag("hidden")? {
                content.hidden.push(name);
            } else {
                let columns = row.optional_text("columns")?.unwrap_or_default();
                let table = TableCounts::count(session, &name, columns, detail)?;
                content.tables.insert(name, table);
            }
        }
        Ok(content)
    }

    /// What was here and is not in `now`. `locks` are the strongest ones that were seen.
    pub(super) fn losses(&self, now: &RowCounts, locks: &BTreeMap<Oid, LockMode>) -> Vec<Finding> {
        let hidden = "row security hides some of its rows: it is unknown whether any are lost";
        let mut found: Vec<Finding> =
            self.hidden.iter().map(|name| not_counted(name, hidden.to_owned())).collect();
        found.extend(self.lost_of_large(now, locks));
        let mut add = |rule: &str, object: String, rows: u64, evidence: String| {
            let mut finding = finding(rule, 1, "", evidence);
            let object = short(&object).to_owned();
            (finding.object, finding.rows) = (Some(object), Some(rows));
            found.push(finding);
        };
        for (name, before) in self.tables.iter().filter(|(_, table)| table.rows > 0) {
            let Some(after) = now.tables.get(name) else {
                add(
                    "rows-lost",
                    name.clone(),
                    before.rows,
                    format!("the table is dropped, with {} rows", before.rows),
                );
                continue;
            };
            if after.rows < before.rows {
                let gone = before.rows - after.rows;
                add("rows-lost", name.clone(), gone, format!("{gone} rows are lost"));
                continue;
            }
            let columns = before.columns.iter().filter(|(_, column)| column.values > 0);
            for (column, was) in columns {
                let object = format!("{name}.{column}");
                let Some(is) = after.columns.get(column) else {
                    let why = format!("{} values are lost with the column", was.values);
                    add("values-lost", object, was.values, why);
                    continue;
                };
                let gone = was.values.saturating_sub(is.values);
                if gone > 0 {
                    add("values-lost", object, gone, format!("{gone} values are gone"));
                } else if was.hash != is.hash {
                    let why = if after.rows == before.rows {
                        "some of its values were changed"
                    } else {
                        "rows were added; it is unknown whether other values were changed"
                    };
                    add("values-overwritten", object, was.values, why.to_owned());
                }
            }
        }
        found
    }

    /// What may have been lost of tables that are too large to be counted.
    fn lost_of_large(&self, now: &RowCounts, locks: &BTreeMap<Oid, LockMode>) -> Vec<Finding> {
        let judge = |(name, before): (&String, &LargeTable)| {
            let after = now.large.get(name).map(|after| &after.state);
            let writes = locks.get(&before.oid).is_some_and(|mode| *mode >= LockMode::RowExclusive);
            let is_same = after == Some(&before.state) && !writes;
            let why = format!(
                "it has about {} rows, which were not counted: it is unknown whether any are lost",
                judge::grouped(before.rows)
            );
            (!is_same).then(|| not_counted(name, why))
        };
        self.large.iter().filter_map(judge).collect()
    }
}

impl TableCounts {
    /// `columns` are separated by U+001F.
    fn count(
        session: &mut Session,
        name: &str,
        columns: &str,
        detail: Detail,
    ) -> Result<TableCounts> {
        let columns: Vec<&str> = columns.split('\x1f').filter(|name| !name.is_empty()).collect();
        let count = |(index, column): (usize, &&str)| {
            let column = quote_identifier(column);
            let mut sql = format!(", count({column}) AS c{index}");
            if detail == Detail::Values {
                // A sum does not depend on the order of the rows, which an update changes.
                sql += &format!(", sum(hashtextextended({column}::text, 0)) AS h{index}");
            }
            sql
        };
        let counts: String = columns.iter().enumerate().map(count).collect();
        let sql = format!("SELECT count(*) AS rows{counts} FROM {name}");
        let counted = session.one("count rows and values", &sql)?;
        let column = |(index, column): (usize, &&str)| {
            let hash = match detail {
                Detail::Counts => None,
                Detail::Values => counted.optional_text(&format!("h{index}"))?.map(str::to_owned),
            };
            let values = counted.number(&format!("c{index}"))?;
            Ok(((*column).to_owned(), ColumnCounts { values, hash }))
        };
        let columns = columns.iter().enumerate().map(column).collect::<Result<_>>()?;
        Ok(TableCounts { rows: counted.number("rows")?, columns })
    }
}

/// The finding that it is unknown what happened to a table's rows.
fn not_counted(table: &str, why: String) -> Finding {
    let mut found = finding("not-counted", 1, "", why);
    found.object = Some(short(table).to_owned());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn large(state: &str) -> RowCounts {
        let large = LargeTable { oid: 7, rows: 6_000_000, state: state.to_owned() };
        RowCounts {
            large: BTreeMap::from([("public.t".to_owned(), large)]),
            ..RowCounts::default()
        }
    }

    #[test]
    fn a_table_that_is_too_large_to_be_counted_is_reported_if_it_was_written_to() {
        let before = large("1 2 3");
        let found = |now: &RowCounts, mode| before.losses(now, &BTreeMap::from([(7, mode)]));
        assert!(found(&large("1 2 3"), LockMode::AccessShare).is_empty());
        for (now, mode) in [
            (large("1 2 3"), LockMode::RowExclusive),
            (large("1 2 4"), LockMode::AccessShare),
            (RowCounts::default(), LockMode::AccessShare),
        ] {
            let found = found(&now, mode);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].rule, "not-counted");
            assert_eq!(found[0].object.as_deref(), Some("t"));
            assert!(found[0].evidence.contains("about 6,000,000 rows"), "{}", found[0].evidence);
        }
    }
}
