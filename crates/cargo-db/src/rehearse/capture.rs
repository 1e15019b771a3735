//! Values kept aside while a statement overwrites them: of an UPDATE by the primary key, of a
//! change of type as a bag. Only values that are not NULL: filling gaps loses nothing.

use pg_sql::script::Statement;

use crate::failure::Result;
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::overwrites::{Overwrite, is_wider, wanted};
use crate::rehearse::snapshot::{CatalogSnapshot, Counts, Oid};
use crate::world::pg::{Row, Session, UserSettings};
use pg_sql::quote::quote_identifier;

/// Tables with more rows than this are not kept aside.
const AT_MOST: u64 = 5_000_000;

/// What was kept aside.
pub(super) struct Capture {
    /// The temporary table that holds it.
    aside: String,
    pub(super) table: Oid,
    /// As the server names it now.
    name: String,
    what: CaptureKind,
}

enum CaptureKind {
    /// Columns that are overwritten, and the primary key.
    Overwritten { columns: Vec<String>, key: Vec<String>, rekeys: Rekeys },
    /// Of a table without a key: how many values each column has, and how many different ones.
    Counted { columns: Vec<String>, before: Vec<u64> },
    /// A column that gets another type, and the type it had.
    Retyped { column: String, was: String },
}

/// Whether the statement may change the primary key itself.
enum Rekeys {
    No,
    /// The statement sets these columns of it.
    Sets(Vec<String>),
    /// Nobody knows what the statement does.
    Perhaps,
}

/// What became of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CaptureOutcome {
    /// `values` of the column changed; the number of distinct values before and after.
    Overwritten { object: String, values: u64, before: u64, after: u64 },
    /// So many rows have another primary key.
    Rekeyed { object: String, rows: u64 },
    /// The number of values that cannot be converted back to the old type; `None` if unknown.
    Retyped { object: String, values: Option<u64> },
}

impl Capture {
    /// Stores what a statement will overwrite, as far as its words show.
    pub(super) fn for_statement(
        session: &mut Session,
        statement: &Statement,
        baseline: &InitialTables,
        now: &CatalogSnapshot,
        theirs: &UserSettings,
    ) -> Result<Option<Capture>> {
        let Some((table, wanted)) = wanted(&statement.text) else { return Ok(None) };
        let question = format!("SELECT {}::oid AS oid", theirs.path.table(&table));
        let oid = session.one("find the table", &question)?.optional_number("oid")?;
        let may_be_kept = |&oid: &Oid| is_kept(baseline, oid) && now.hidden(oid).is_none();
        let Some(table) = oid.filter(may_be_kept) else { return Ok(None) };
        match wanted {
            Overwrite::Set(columns) => Capture::of_rows(session, now, table, Some(&columns)),
            Overwrite::Type(column, to) => match now.column(table, &column) {
                Some(was) if !is_wider(&was, &to) => {
                    Capture::of_column(session, now, table, &column)
                }
                _ => Ok(None),
            },
        }
    }

    /// Keeps aside these columns of a table, or all of them.
    pub(super) fn of_rows(
        session: &mut Session,
        now: &CatalogSnapshot,
        table: Oid,
        set: Option<&[String]>,
    ) -> Result<Option<Capture>> {
        let key = primary_key(session, table)?;
        let wanted =
            |name: &String| !key.contains(name) && set.is_none_or(|set| set.contains(name));
        let columns: Vec<String> = now.columns_of(table).into_iter().filter(wanted).collect();
        let Some(name) = now.relations.get(&table).map(|relation| relation.name.clone()) else {
            return Ok(None);
        };
        let rekeys = match set {
            None => Rekeys::Perhaps,
            Some(set) => {
                let keys = key.iter().filter(|name| set.contains(name)).cloned();
                let keys: Vec<String> = keys.collect();
                if keys.is_empty() { Rekeys::No } else { Rekeys::Sets(keys) }
            }
        };
        if columns.is_empty() && (key.is_empty() || matches!(rekeys, Rekeys::No)) {
            return Ok(None);
        }
        let aside = format!("pg_temp.cargo_db_before_{table}");
        if key.is_empty() {
            let before = numbers(session, &count_all(&name, &columns))?;
            return Ok(before.map(|before| Capture {
                aside,
                table,
                name,
                what: CaptureKind::Counted { columns, before },
            }));
        }
        let as_ = |prefix: &'static str| {
            move |(index, column): (usize, &String)| {
                format!("{} AS {prefix}{index}", quote_identifier(column))
            }
        };
        let list: Vec<String> = key
            .iter()
            .enumerate()
            .map(as_("k"))
            .chain(columns.iter().enumerate().map(as_("v")))
            .collect();
        let any: Vec<String> = columns
            .iter()
            .map(|column| format!("{} IS NOT NULL", quote_identifier(column)))
            .collect();
        // Of the keys all are wanted.
        let filled = match rekeys {
            Rekeys::No => format!(" WHERE {}", any.join(" OR ")),
            Rekeys::Sets(_) | Rekeys::Perhaps => String::new(),
        };
        let select = format!("SELECT {} FROM {name}{filled}", list.join(", "));
        let what = CaptureKind::Overwritten { columns, key, rekeys };
        let capture = Capture { aside, table, name, what };
        capture.keep(session, &select)
    }

    /// Keeps aside the values of a column, as a bag.
    pub(super) fn of_column(
        session: &mut Session,
        now: &CatalogSnapshot,
        table: Oid,
        column: &str,
    ) -> Result<Option<Capture>> {
        let Some(name) = now.relations.get(&table).map(|relation| relation.name.clone()) else {
            return Ok(None);
        };
        let was = now.column(table, column).unwrap_or_default();
        let quoted = quote_identifier(column);
        let select = format!("SELECT {quoted} AS v0 FROM {name} WHERE {quoted} IS NOT NULL");
        let place = now.columns_of(table).iter().position(|name| name == column).unwrap_or(0);
        let aside = format!("pg_temp.cargo_db_before_{table}_{place}");
        let what = CaptureKind::Retyped { column: column.to_owned(), was };
        Capture { aside, table, name, what }.keep(session, &select)
    }

    fn keep(self, session: &mut Session, select: &str) -> Result<Option<Capture>> {
        let kept = probe(session, &format!("CREATE TEMP TABLE {} AS {select}", self.aside))?;
        Ok(kept.then_some(self))
    }

    /// Whether it knows what becomes of the rows of a table.
    pub(super) fn is_of_rows(&self, table: Oid) -> bool {
        self.table == table && !matches!(self.what, CaptureKind::Retyped { .. })
    }

    /// Whether it knows what becomes of a column's values.
    pub(super) fn is_of_column(&self, table: Oid, name: &str) -> bool {
        self.table == table
            && matches!(&self.what, CaptureKind::Retyped { column, .. } if column == name)
    }

    /// Compares the stored values with the present ones, after the statement made these changes to
    /// the table. `None` if they cannot be compared.
    pub(super) fn compare(
        self,
        session: &mut Session,
        done: Counts,
    ) -> Result<Option<Vec<CaptureOutcome>>> {
        let question = format!("SELECT {}::regclass::text", self.table);
        let Some(name) = session.value("find the table", &question)? else { return Ok(None) };
        let kept = match &self.what {
            CaptureKind::Overwritten { columns, key, rekeys } => {
                let mut kept = self.overwritten(session, &name, columns, key)?;
                kept.extend(self.rekeyed(session, &name, (key, rekeys), done)?);
                Some(kept)
            }
            CaptureKind::Counted { columns, before } => {
                self.counted(session, &name, columns, before)?
            }
            CaptureKind::Retyped { column, was } => {
                let now = format!("SELECT ({}::{was})::text FROM {name}", quote_identifier(column));
                // The text of JSON is not its value.
                let before = if was == "json" { "v0::jsonb::text" } else { "v0::text" };
                let sql = format!(
                    "SELECT count(*) FROM (SELECT {before} FROM {} EXCEPT ALL {now}) x",
                    self.aside
                );
                let values = first_number(session, &sql)?;
                let object = format!("{}.{column}", self.name);
                Some(if values == Some(0) {
                    Vec::new()
                } else {
                    vec![CaptureOutcome::Retyped { object, values }]
                })
            }
        };
        if !matches!(self.what, CaptureKind::Counted { .. }) {
            probe(session, &format!("DROP TABLE {}", self.aside))?;
        }
        Ok(kept)
    }

    fn overwritten(
        &self,
        session: &mut Session,
        table: &str,
        columns: &[String],
        key: &[String],
    ) -> Result<Vec<CaptureOutcome>> {
        let mut kept = Vec::new();
        let join = joined(key);
        for (index, column) in columns.iter().enumerate() {
            let quoted = quote_identifier(column);
            let from = format!(
                "FROM {} b JOIN {table} t ON {join} WHERE b.v{index} IS NOT NULL \
                 AND b.v{index}::text IS DISTINCT FROM t.{quoted}::text",
                self.aside
            );
            // What cannot be compared any more, for example in a dropped column, is reported
            // elsewhere.
            let changed = first_number(session, &format!("SELECT count(*) {from}"))?;
            let Some(values) = changed.filter(|values| *values > 0) else { continue };
            let distinct = format!(
                "SELECT count(DISTINCT b.v{index}::text) AS before, \
                 count(DISTINCT t.{quoted}::text) AS after {from}"
            );
            let Some(row) = first_row(session, &distinct)? else { continue };
            let (before, after) = (row.number("before")?, row.number("after")?);
            let object = format!("{}.{column}", self.name);
            kept.push(CaptureOutcome::Overwritten { object, values, before, after });
        }
        Ok(kept)
    }

    /// The rows whose primary key changed: the updated ones, if the statement sets the key,
    /// otherwise those that are not found again and were not deleted.
    fn rekeyed(
        &self,
        session: &mut Session,
        table: &str,
        (key, rekeys): (&[String], &Rekeys),
        done: Counts,
    ) -> Result<Option<CaptureOutcome>> {
        let (columns, rows) = match rekeys {
            Rekeys::No => return Ok(None),
            Rekeys::Sets(columns) => (columns.as_slice(), done.updated),
            Rekeys::Perhaps => {
                let sql = format!(
                    "SELECT count(*) FROM {} b WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE {})",
                    self.aside,
                    joined(key)
                );
                let missing = first_number(session, &sql)?.unwrap_or(0);
                (key, missing.saturating_sub(done.deleted).min(done.updated))
            }
        };
        let object = format!("{}.{}", self.name, columns.join(", "));
        Ok((rows > 0).then_some(CaptureOutcome::Rekeyed { object, rows }))
    }

    /// Without a key it is only known that values are fewer.
    fn counted(
        &self,
        session: &mut Session,
        table: &str,
        columns: &[String],
        before: &[u64],
    ) -> Result<Option<Vec<CaptureOutcome>>> {
        let Some(after) = numbers(session, &count_all(table, columns))? else { return Ok(None) };
        let mut kept = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            let [values, different] =
                [index * 2, index * 2 + 1].map(|place| (before[place], after[place]));
            if values.1 < values.0 || different.1 < different.0 {
                let object = format!("{}.{column}", self.name);
                let gone = (values.0.saturating_sub(values.1))
                    .max(different.0.saturating_sub(different.1));
                // Fewer values are a loss also where no fewer different ones are left.
                let after = different.1.min(different.0.saturating_sub(1));
                kept.push(CaptureOutcome::Overwritten {
                    object,
                    values: gone,
                    before: different.0,
                    after,
                });
            }
        }
        Ok((!kept.is_empty()).then_some(kept))
    }
}

/// That a row kept aside and one of the table have the same key.
fn joined(key: &[String]) -> String {
    // As text: only the types of the catalog have an operator along our search path.
    let same = |(index, column): (usize, &String)| {
        format!("b.k{index}::text = t.{}::text", quote_identifier(column))
    };
    key.iter().enumerate().map(same).collect::<Vec<_>>().join(" AND ")
}

/// Whether a table of the baseline can be kept aside.
pub(super) fn is_kept(baseline: &InitialTables, table: Oid) -> bool {
    baseline.table(table).is_some_and(|table| table.rows <= AT_MOST)
}

/// How many values each column has, and how many different ones.
fn count_all(table: &str, columns: &[String]) -> String {
    let counts: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let column = quote_identifier(column);
            format!("count({column}) AS c{index}, count(DISTINCT {column}::text) AS d{index}")
        })
        .collect();
    format!("SELECT {} FROM {table}", counts.join(", "))
}

fn primary_key(session: &mut Session, table: Oid) -> Result<Vec<String>> {
    let sql = format!(
        "SELECT a.attname FROM pg_index i \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
         WHERE i.indrelid = {table} AND i.indisprimary"
    );
    session.column("find the primary key", &sql)
}

/// Runs a statement of ours in the migration's transaction, which must survive a failure.
fn probe(session: &mut Session, sql: &str) -> Result<bool> {
    Ok(ask(session, sql)?.is_some())
}

/// The first row of one of our queries; `None` if it failed.
fn first_row(session: &mut Session, sql: &str) -> Result<Option<Row>> {
    Ok(ask(session, sql)?.and_then(|rows| rows.into_iter().next()))
}

/// Its columns, as numbers.
fn numbers(session: &mut Session, sql: &str) -> Result<Option<Vec<u64>>> {
    first_row(session, sql)?.map(|row| row.numbers()).transpose()
}

/// Its only column, as a number.
fn first_number(session: &mut Session, sql: &str) -> Result<Option<u64>> {
    Ok(numbers(session, sql)?.and_then(|row| row.first().copied()))
}

/// The rows of one of our queries; `None` if it failed.
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
