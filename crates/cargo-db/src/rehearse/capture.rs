//! Values kept aside while a statement overwrites them: of an UPDATE by the primary key, of a change of
//! type as a bag. Only values that are not NULL: filling gaps loses nothing.

use pg_logical::lexer::words;
use pg_logical::script::Statement;

use crate::failure::Result;
use crate::model::layout::{quote_identifier, quote_literal};
use crate::rehearse::measure::Baseline;
use crate::rehearse::snapshot::{Oid, Snapshot};
use crate::world::pg::{Row, Session};

/// Tables with more rows than this are not kept aside.
const AT_MOST: u64 = 5_000_000;

/// What was kept aside.
pub(super) struct Capture {
    table: Oid,
    /// As the server names it now.
    name: String,
    what: What,
}

enum What {
    /// Columns that an UPDATE sets, and the primary key.
    Overwritten { columns: Vec<String>, key: Vec<String> },
    /// A column that gets another type, and the type it had.
    Retyped { column: String, was: String },
}

/// What became of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// `values` of the column are others now; there were and are so many different ones among them.
    Overwritten { object: String, values: u64, before: u64, after: u64 },
    /// So many values cannot be brought back by the old type; nothing where that is not known.
    Retyped { object: String, values: Option<u64> },
}

impl Capture {
    /// Keeps aside what a statement will overwrite, as far as its words tell.
    pub(super) fn take(
        session: &mut Session,
        statement: &Statement,
        baseline: &Baseline,
        now: &Snapshot,
    ) -> Result<Option<Capture>> {
        let Some((table, wanted)) = wanted(&statement.text) else { return Ok(None) };
        let question = format!("SELECT to_regclass({})::oid", quote_literal(&table));
        let oid = session.value("look for the table", &question)?.and_then(|oid| oid.parse::<Oid>().ok());
        let Some(oid) = oid.filter(|&oid| baseline.table(oid).is_some_and(|table| table.rows <= AT_MOST))
        else {
            return Ok(None);
        };
        let Some(name) = now.relations.get(&oid).map(|relation| relation.name.clone()) else {
            return Ok(None);
        };
        let type_of = |column: &str| {
            now.columns
                .iter()
                .find(|((table, _), (name, _))| *table == oid && name == column)
                .map(|(_, (_, of))| of.clone())
        };
        let what = match wanted {
            Wanted::Set(columns) => {
                let key = primary_key(session, oid)?;
                let columns: Vec<String> = columns
                    .into_iter()
                    .filter(|column| type_of(column).is_some() && !key.contains(column))
                    .collect();
                if key.is_empty() || columns.is_empty() {
                    return Ok(None);
                }
                What::Overwritten { columns, key }
            }
            Wanted::Type(column, to) => match type_of(&column) {
                Some(was) if !widens(&was, &to) => What::Retyped { column, was },
                _ => return Ok(None),
            },
        };
        let capture = Capture { table: oid, name, what };
        Ok(probe(session, &capture.keep_aside())?.then_some(capture))
    }

    fn keep_aside(&self) -> String {
        let select = match &self.what {
            What::Overwritten { columns, key } => {
                let keys = key
                    .iter()
                    .enumerate()
                    .map(|(index, column)| format!("{} AS k{index}", quote_identifier(column)));
                let values = columns
                    .iter()
                    .enumerate()
                    .map(|(index, column)| format!("{} AS v{index}", quote_identifier(column)));
                let any: Vec<String> = columns
                    .iter()
                    .map(|column| format!("{} IS NOT NULL", quote_identifier(column)))
                    .collect();
                let list: Vec<String> = keys.chain(values).collect();
                format!("SELECT {} FROM {} WHERE {}", list.join(", "), self.name, any.join(" OR "))
            }
            What::Retyped { column, .. } => {
                let column = quote_identifier(column);
                format!("SELECT {column} AS v0 FROM {} WHERE {column} IS NOT NULL", self.name)
            }
        };
        format!("CREATE TEMP TABLE cargo_db_before AS {select}")
    }

    /// Compares what was kept with what is there now.
    pub(super) fn compare(self, session: &mut Session) -> Result<Option<Kept>> {
        let question = format!("SELECT {}::regclass::text", self.table);
        let Some(name) = session.value("look for the table", &question)? else { return Ok(None) };
        let kept = match &self.what {
            What::Overwritten { columns, key } => overwritten(session, &name, columns, key)?,
            What::Retyped { column, was } => {
                let now = format!("SELECT ({}::{was})::text FROM {name}", quote_identifier(column));
                // The text of JSON is not its value.
                let before = if was == "json" { "v0::jsonb::text" } else { "v0::text" };
                let sql =
                    format!("SELECT count(*) FROM (SELECT {before} FROM cargo_db_before EXCEPT ALL {now}) x");
                let values = first_row(session, &sql)?.and_then(|row| row.first()?.parse().ok());
                let object = format!("{}.{column}", self.name);
                (values != Some(0)).then_some(Kept::Retyped { object, values })
            }
        };
        probe(session, "DROP TABLE pg_temp.cargo_db_before")?;
        Ok(kept)
    }
}

fn overwritten(
    session: &mut Session,
    table: &str,
    columns: &[String],
    key: &[String],
) -> Result<Option<Kept>> {
    let join: Vec<String> = key
        .iter()
        .enumerate()
        .map(|(index, column)| format!("b.k{index} = t.{}", quote_identifier(column)))
        .collect();
    for (index, column) in columns.iter().enumerate() {
        let quoted = quote_identifier(column);
        let from = format!(
            "FROM cargo_db_before b JOIN {table} t ON {} WHERE b.v{index} IS NOT NULL AND b.v{index}::text IS DISTINCT FROM t.{quoted}::text",
            join.join(" AND ")
        );
        let changed = first_row(session, &format!("SELECT count(*) {from}"))?;
        let values: u64 = changed.and_then(|row| row.first()?.parse().ok()).unwrap_or(0);
        if values == 0 {
            continue;
        }
        let distinct =
            format!("SELECT count(DISTINCT b.v{index}::text), count(DISTINCT t.{quoted}::text) {from}");
        let Some(row) = first_row(session, &distinct)? else { continue };
        let number = |column: usize| row.get(column).and_then(|number| number.parse().ok()).unwrap_or(0);
        let object = format!("{table}.{column}");
        return Ok(Some(Kept::Overwritten { object, values, before: number(0), after: number(1) }));
    }
    Ok(None)
}

/// What a statement's words say that it overwrites.
enum Wanted {
    Set(Vec<String>),
    /// The column, and the words of its new type.
    Type(String, Vec<String>),
}

fn wanted(statement: &str) -> Option<(String, Wanted)> {
    let words = words(statement);
    let is = |index: usize, word: &str| words.get(index).is_some_and(|found| found == word);
    let name_from = |mut at: usize| -> Option<(String, usize)> {
        while ["only", "if", "exists"].iter().any(|word| is(at, word)) {
            at += 1;
        }
        let first = quote_identifier(words.get(at)?);
        if is(at + 1, ".") {
            return Some((format!("{first}.{}", quote_identifier(words.get(at + 2)?)), at + 3));
        }
        Some((first, at + 1))
    };
    if is(0, "update") {
        let (table, at) = name_from(1)?;
        let set = (at..words.len()).find(|&index| is(index, "set"))?;
        let (mut columns, mut depth) = (Vec::new(), 0);
        for index in set + 1..words.len() {
            match words[index].as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                "where" | "from" | "returning" if depth == 0 => break,
                "=" if depth == 0 && (is(index - 2, ",") || index - 2 == set) => {
                    columns.push(words[index - 1].clone());
                }
                _ => {}
            }
        }
        return Some((table, Wanted::Set(columns)));
    }
    if is(0, "alter") && is(1, "table") {
        let (table, at) = name_from(2)?;
        let kind = (at..words.len()).find(|&index| is(index, "type") && index > at)?;
        let column = if is(kind - 1, "data") { kind - 3 } else { kind - 1 };
        return Some((table, Wanted::Type(words[column].clone(), words[kind + 1..].to_vec())));
    }
    None
}

/// Whether every value of the old type is one of the new.
fn widens(was: &str, to: &[String]) -> bool {
    let to = to.first().map(String::as_str).unwrap_or_default();
    match was {
        "smallint" => matches!(to, "integer" | "int" | "int4" | "bigint" | "int8" | "numeric" | "text"),
        "integer" => matches!(to, "bigint" | "int8" | "numeric" | "text"),
        "bigint" => matches!(to, "text"),
        _ => was.starts_with("character varying") && to == "text",
    }
}

fn primary_key(session: &mut Session, table: Oid) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
         WHERE i.indrelid = {table} AND i.indisprimary"
    );
    session.column("look for the primary key", &sql)
}

/// Runs a statement of ours in the migration's transaction, which must survive its failing.
fn probe(session: &mut Session, sql: &str) -> Result<bool> {
    Ok(ask(session, sql)?.is_some())
}

/// The first row of a question of ours; nothing where it could not be asked, or there is none.
fn first_row(session: &mut Session, sql: &str) -> Result<Option<Vec<String>>> {
    let row = ask(session, sql)?.and_then(|rows| rows.into_iter().next());
    Ok(row.map(|row| row.into_iter().map(Option::unwrap_or_default).collect()))
}

/// The rows of a question of ours; nothing where it could not be asked.
pub(super) fn ask(session: &mut Session, sql: &str) -> Result<Option<Vec<Row>>> {
    // Outside a transaction there is nothing to save.
    let saved = session.run("set a savepoint", "SAVEPOINT cargo_db_probe").is_ok();
    let answer = session.rows("look", sql).ok();
    if saved {
        let back = if answer.is_some() { "" } else { "ROLLBACK TO SAVEPOINT cargo_db_probe; " };
        session.run("release the savepoint", &format!("{back}RELEASE SAVEPOINT cargo_db_probe"))?;
    }
    Ok(answer)
}
