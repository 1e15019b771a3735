//! An INSERT that fills a table with made rows.

use std::collections::{BTreeMap, BTreeSet};

use pg_sql::lexer::{Lexed, Token, token};

use crate::failure::Result;
use crate::generate::candidates::{Condition, candidates};
use crate::generate::types::{Types, list};
use crate::world::pg::{Row, Session};

/// How many rows a table gets.
pub(super) const ROWS: u32 = 3;

/// With more columns than this under conditions, fewer values are tried for each.
const FEW_COLUMNS: usize = 4;

/// A table to fill.
pub(super) struct FillTable {
    pub(super) oid: u32,
    /// With its schema, as SQL.
    pub(super) name: String,
    /// Its checks, and the condition of the partition that it is.
    conditions: Vec<String>,
    columns: Vec<FillColumn>,
    references: Vec<FillReference>,
}

/// A column that an INSERT can give a value to.
#[derive(Clone)]
struct FillColumn {
    /// As SQL.
    name: String,
    type_oid: u32,
    data_type: String,
    not_null: bool,
    has_default: bool,
    /// Whether a sequence numbers its rows.
    counts: bool,
}

/// A foreign key.
struct FillReference {
    table: u32,
    /// The referenced table, as SQL.
    name: String,
    columns: Vec<String>,
    keys: Vec<String>,
}

/// Which columns get a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilledColumns {
    All,
    /// Those that need one.
    Required,
}

/// The tables of the project, referenced ones first where possible.
pub(super) fn tables(
    session: &mut Session,
    types: &Types,
    project: &str,
) -> Result<Vec<FillTable>> {
    let sql = format!(include_str!("sql/tables.sql"), project = project);
    let mut columns = by_relation(session, include_str!("sql/columns.sql"), FillColumn::of)?;
    let mut references =
        by_relation(session, include_str!("sql/references.sql"), FillReference::of)?;
    let mut tables = Vec::new();
    for row in session.rows("read the tables", &sql)? {
        let oid = row.number("oid")?;
        let columns: Vec<FillColumn> = columns.remove(&oid).unwrap_or_default();
        let mut conditions = list(row.text("checks")?);
        conditions.extend(list(row.text("bound")?));
        for column in &columns {
            let checks = types.checks(column.type_oid);
            conditions.extend(checks.iter().map(|check| of_column(check, &column.name)));
        }
        let references = references.remove(&oid).unwrap_or_default();
        let name = row.text("name")?.to_owned();
        tables.push(FillTable { oid, name, conditions, columns, references });
    }
    Ok(sorted(tables))
}

fn by_relation<T>(
    session: &mut Session,
    sql: &str,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<BTreeMap<u32, Vec<T>>> {
    let mut found: BTreeMap<u32, Vec<T>> = BTreeMap::new();
    for row in session.rows("read the tables", sql)? {
        found.entry(row.number("relation")?).or_default().push(read(&row)?);
    }
    Ok(found)
}

/// Referenced tables first; a circle is broken at the first table of the list.
fn sorted(mut left: Vec<FillTable>) -> Vec<FillTable> {
    let mut done: Vec<FillTable> = Vec::new();
    while !left.is_empty() {
        let waiting: BTreeSet<u32> = left.iter().map(|table| table.oid).collect();
        let is_free = |table: &FillTable| {
            let mut others = table.references.iter().filter(|other| other.table != table.oid);
            others.all(|other| !waiting.contains(&other.table))
        };
        let at = left.iter().position(is_free).unwrap_or_default();
        done.push(left.remove(at));
    }
    done
}

/// The check of a domain as a condition on a column.
fn of_column(check: &str, column: &str) -> String {
    let check = check.trim_start_matches("CHECK ").trim_end_matches(" NOT VALID");
    let (mut text, mut at) = (String::new(), 0);
    while at < check.len() {
        let Lexed::Token(kind, length) = token(&check.as_bytes()[at..], true) else { break };
        let word = &check[at..at + length];
        text.push_str(if kind == Token::Word && word == "VALUE" { column } else { word });
        at += length;
    }
    text
}

impl FillColumn {
    fn of(row: &Row) -> Result<FillColumn> {
        Ok(FillColumn {
            name: row.text("name")?.to_owned(),
            type_oid: row.number("type_oid")?,
            data_type: row.text("type")?.to_owned(),
            not_null: row.flag("not_null")?,
            has_default: row.flag("has_default")?,
            counts: row.flag("counts")?,
        })
    }
}

impl FillReference {
    fn of(row: &Row) -> Result<FillReference> {
        Ok(FillReference {
            table: row.number("referenced")?,
            name: row.text("name")?.to_owned(),
            columns: list(row.text("columns")?),
            keys: list(row.text("keys")?),
        })
    }

    /// The value that a row of the referenced table has.
    fn value(&self, column: &str) -> Option<String> {
        let key = &self.keys[self.columns.iter().position(|one| one == column)?];
        let (name, order) = (&self.name, self.keys.join(", "));
        Some(format!(
            "(SELECT {key} FROM {name} ORDER BY {order} \
             OFFSET (s.n - 1) % (SELECT count(*) FROM {name}) LIMIT 1)"
        ))
    }
}

impl FillTable {
    /// The statement that inserts rows with these numbers. `filled` are the tables that have rows.
    /// Fails with the reason if a column needs a value and none is known.
    pub(super) fn insert(
        &self,
        types: &Types,
        chosen: FilledColumns,
        (first, last): (u32, u32),
        filled: &BTreeSet<u32>,
    ) -> std::result::Result<String, String> {
        let columns: Vec<&FillColumn> =
            self.columns.iter().filter(|column| column.is_chosen(chosen)).collect();
        let (combined, conditions) = self.combined(&columns);
        let mut values = Vec::new();
        for column in columns {
            let value = if combined.iter().any(|other| other.name == column.name) {
                Some(format!("c.{}", column.name))
            } else {
                self.value(types, column, filled)
            };
            match value {
                Some(value) => values.push((column.name.as_str(), value)),
                None if column.not_null && !column.has_default => {
                    let (column, data_type) = (&column.name, &column.data_type);
                    return Err(format!("no value is known for {column} ({data_type})"));
                }
                None => {}
            }
        }
        let rows = format!("generate_series({first}, {last})");
        if values.is_empty() {
            let rows = (first..=last).map(|_| format!("INSERT INTO {} DEFAULT VALUES", self.name));
            return Ok(rows.collect::<Vec<_>>().join("; "));
        }
        let (names, texts): (Vec<&str>, Vec<String>) = values.into_iter().unzip();
        let (names, texts) = (names.join(", "), texts.join(", "));
        let table = &self.name;
        if combined.is_empty() {
            return Ok(format!(
                "INSERT INTO {table} ({names}) SELECT {texts} FROM {rows} AS s (n)"
            ));
        }
        let combinations = combinations(types, &combined, &conditions);
        Ok(format!(
            "WITH c AS MATERIALIZED (SELECT row_number() OVER () AS cargo_db_k, q.* \
             FROM ({combinations}) AS q) \
             INSERT INTO {table} ({names}) SELECT {texts} FROM (SELECT n, 1 + (n - 1) % \
             (SELECT count(*) FROM c) AS k FROM {rows} AS n) AS s JOIN c ON c.cargo_db_k = s.k"
        ))
    }

    /// The columns whose values are combined until the conditions hold, and these conditions: those
    /// that name no other column.
    fn combined<'a>(&self, columns: &[&'a FillColumn]) -> (Vec<&'a FillColumn>, Vec<&str>) {
        let is_free = |column: &FillColumn| {
            let is_of_key = |key: &FillReference| key.columns.contains(&column.name);
            !self.references.iter().any(is_of_key)
        };
        let (mut combined, mut conditions): (Vec<&FillColumn>, Vec<&str>) = Default::default();
        for text in &self.conditions {
            let condition = Condition::read(text);
            let named = |column: &&FillColumn| condition.names(&column.name);
            let all: Vec<&FillColumn> = self.columns.iter().filter(named).collect();
            let own: Vec<&FillColumn> =
                columns.iter().copied().filter(named).filter(|one| is_free(one)).collect();
            if all.is_empty() || own.len() < all.len() {
                continue;
            }
            conditions.push(text);
            for column in own {
                if !combined.iter().any(|other| other.name == column.name) {
                    combined.push(column);
                }
            }
        }
        (combined, conditions)
    }

    /// The value of a column without conditions.
    fn value(&self, types: &Types, column: &FillColumn, filled: &BTreeSet<u32>) -> Option<String> {
        let key = self.references.iter().find(|key| key.columns.contains(&column.name));
        match key {
            Some(key) if filled.contains(&key.table) => key.value(&column.name),
            Some(_) if !column.not_null => None,
            _ => types.value(column.type_oid, &column.data_type, "s.n"),
        }
    }
}

impl FillColumn {
    fn is_chosen(&self, chosen: FilledColumns) -> bool {
        !self.counts && (chosen == FilledColumns::All || self.not_null && !self.has_default)
    }
}

/// A query for combinations of values for which all conditions hold.
fn combinations(types: &Types, columns: &[&FillColumn], conditions: &[&str]) -> String {
    let read: Vec<Condition> = conditions.iter().map(|text| Condition::read(text)).collect();
    let mut sources = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let (oid, sql) = types.without_domains(column.type_oid, &column.data_type);
        let own: Vec<&Condition> = read.iter().filter(|one| one.names(&column.name)).collect();
        let typical = (1..=8).filter_map(|n: u32| types.value(oid, &sql, &n.to_string()));
        let mut values = candidates(types.category(oid), &own, typical.collect());
        if columns.len() > FEW_COLUMNS {
            values.truncate(8);
        }
        values.extend((!column.not_null || values.is_empty()).then(|| "NULL".to_owned()));
        let values: Vec<String> =
            values.into_iter().map(|value| format!("(({value})::{sql})")).collect();
        sources.push(format!("(VALUES {}) AS q{at} ({})", values.join(", "), column.name));
    }
    let conditions: Vec<String> =
        conditions.iter().map(|text| format!("({text}) IS NOT FALSE")).collect();
    format!(
        "SELECT * FROM {} WHERE {} LIMIT {ROWS}",
        sources.join(" CROSS JOIN "),
        conditions.join(" AND ")
    )
}

#[cfg(test)]
mod tests {
    use super::of_column;

    #[test]
    fn the_check_of_a_domain_is_about_the_column() {
        let check = "CHECK ((VALUE ~ 'VALUE'::text)) NOT VALID";
        assert_eq!(of_column(check, "\"Mail\""), "((\"Mail\" ~ 'VALUE'::text))");
    }
}
