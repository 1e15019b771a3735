//! How many rows and values a database holds, counted before and after what cannot be measured
//! statement by statement.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::Finding;
use crate::model::layout::{Layout, quote_identifier};
use crate::rehearse::judge;
use crate::world::pg::Session;

/// Tables with more rows than this are not counted.
const COUNTED: f64 = 5_000_000.0;

/// How many rows each table holds, and how many values each of its columns.
#[derive(Default)]
pub(super) struct Content(BTreeMap<String, Table>);

struct Table {
    rows: u64,
    values: BTreeMap<String, u64>,
}

impl Content {
    /// Counts what the tables hold that are not the tool's own.
    pub(super) fn count(session: &mut Session, layout: &Layout) -> Result<Content> {
        let sql = format!(
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.reltuples, \
                   (SELECT string_agg(a.attname, E'\\x1f' ORDER BY a.attnum) FROM pg_attribute a \
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') \
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' \
                   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db') AND NOT {}",
            layout.own_relations()
        );
        let mut content = Content::default();
        for row in session.rows("list the tables", &sql)? {
            let text = |at: usize| row[at].clone().unwrap_or_default();
            if text(1).parse::<f64>().unwrap_or(0.0) > COUNTED {
                continue;
            }
            let (name, columns) = (text(0), text(2));
            let columns: Vec<&str> =
                columns.split('\x1f').filter(|column| !column.is_empty()).collect();
            let counts: Vec<String> = columns
                .iter()
                .map(|column| format!(", count({})", quote_identifier(column)))
                .collect();
            let counted = session.rows(
                "count rows and values",
                &format!("SELECT count(*){} FROM {name}", counts.concat()),
            )?;
            let Some(counted) = counted.first() else { continue };
            let number = |at: usize| {
                counted[at].as_deref().and_then(|number| number.parse().ok()).unwrap_or(0)
            };
            let values = columns
                .iter()
                .enumerate()
                .map(|(at, column)| ((*column).to_owned(), number(at + 1)));
            content.0.insert(name, Table { rows: number(0), values: values.collect() });
        }
        Ok(content)
    }

    /// What was here and is not in `now`.
    pub(super) fn losses(&self, now: &Content) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |rule: &str, object: String, rows: u64, evidence: String| {
            let mut finding = finding(rule, 1, "", evidence);
            let object = judge::short(&object).to_owned();
            finding.help = Some(format!(
                "if that is meant: `cargo-db: expect loss {object} <= {rows}` in a comment"
            ));
            (finding.object, finding.rows) = (Some(object), Some(rows));
            found.push(finding);
        };
        for (name, before) in self.0.iter().filter(|(_, table)| table.rows > 0) {
            let Some(after) = now.0.get(name) else {
                add(
                    "rows-lost",
                    name.clone(),
                    before.rows,
                    format!("the table is gone, with {} rows", before.rows),
                );
                continue;
            };
            if after.rows < before.rows {
                let gone = before.rows - after.rows;
                add("rows-lost", name.clone(), gone, format!("{gone} rows are gone"));
                continue;
            }
            for (column, &values) in before.values.iter().filter(|(_, values)| **values > 0) {
                let object = format!("{name}.{column}");
                match after.values.get(column) {
                    None => add(
                        "values-lost",
                        object,
                        values,
                        format!("{values} values go with the column"),
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
