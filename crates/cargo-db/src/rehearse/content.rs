//! How many rows and values a database holds, counted before and after what cannot be measured
//! statement by statement.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::failure::Result;
use crate::migration::project_relation;
use crate::model::finding::Finding;
use crate::rehearse::judge;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use pg_sql::quote::quote_identifier;

/// Tables with more rows than this are not counted.
const COUNTED: f64 = 5_000_000.0;

/// How many rows each table holds, and how many values each of its columns.
#[derive(Default)]
pub(super) struct Content {
    tables: BTreeMap<String, Table>,
    /// The tables of which our role does not see all rows.
    hidden: Vec<String>,
}

struct Table {
    rows: u64,
    values: BTreeMap<String, u64>,
}

impl Content {
    /// Counts what the tables hold that are not the tool's own.
    pub(super) fn count(session: &mut Session, layout: &ProjectTool) -> Result<Content> {
        let sql = format!(
            include_str!("sql/tables_with_columns.sql"),
            project_relation = project_relation(layout)
        );
        let mut content = Content::default();
        for row in session.rows("list the tables", &sql)? {
            if row.number::<f64>("estimate")? > COUNTED {
                continue;
            }
            if row.flag("hidden")? {
                content.hidden.push(row.text("name")?.to_owned());
                continue;
            }
            let (name, columns) = (row.text("name")?, row.optional_text("columns")?);
            let columns: Vec<&str> =
                columns.unwrap_or_default().split('\x1f').filter(|name| !name.is_empty()).collect();
            let count = |(index, column): (usize, &&str)| {
                format!(", count({}) AS c{index}", quote_identifier(column))
            };
            let counts: String = columns.iter().enumerate().map(count).collect();
            let sql = format!("SELECT count(*) AS rows{counts} FROM {name}");
            let counted = session.one("count rows and values", &sql)?;
            let values = columns.iter().enumerate().map(|(index, column)| {
                Ok(((*column).to_owned(), counted.number(&format!("c{index}"))?))
            });
            let values = values.collect::<Result<_>>()?;
            let table = Table { rows: counted.number("rows")?, values };
            content.tables.insert(name.to_owned(), table);
        }
        Ok(content)
    }

    /// What was here and is not in `now`.
    pub(super) fn losses(&self, now: &Content) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.hidden.iter().map(|name| not_counted(name)).collect();
        let mut add = |rule: &str, object: String, rows: u64, evidence: String| {
            let mut finding = finding(rule, 1, "", evidence);
            let object = judge::short(&object).to_owned();
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
            for (column, &values) in before.values.iter().filter(|(_, values)| **values > 0) {
                let object = format!("{name}.{column}");
                match after.values.get(column) {
                    None => add(
                        "values-lost",
                        object,
                        values,
                        format!("{values} values are lost with the column"),
                    ),
                    Some(&left) if left < values => {
                        add(
                            "values-lost",
                            object,
                            values - left,
                            format!("{} values are gone", values - left),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        found
    }
}

/// That nobody can tell what became of a table's rows.
fn not_counted(table: &str) -> Finding {
    let why = "row security hides some of its rows: whether any are lost is not known".to_owned();
    let mut found = finding("not-counted", 1, "", why);
    found.object = Some(judge::short(table).to_owned());
    found
}
