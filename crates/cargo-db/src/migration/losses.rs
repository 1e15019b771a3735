//! What would be lost: the tables and columns that statements drop, and how much they hold.

use std::path::Path;

use crate::failure::{DatabaseError, Kind, Result};
use crate::migration::database::connect_or_none;
use crate::migration::tables::project_relation;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{Loss, Plan, Step};
use crate::settings::Settings;
use crate::world::pg::{Purpose, Row, Session};
use crate::world::{World, files};
use db_tools::ProjectTool;
use pg_sql::lexer::words;
use pg_sql::name::qualified_name;
use pg_sql::quote::quote_identifier;
use pg_sql::script::ScriptReader;

/// Tables with more rows than this are not counted. To count a table takes far less time than the
/// backup that comes before, and what is not counted has no bound.
const COUNTED: f64 = 100_000_000.0;

/// What the down file of each migration does away with, as far as its text shows: dropped and
/// truncated tables with their rows, dropped columns with the rows that hold something there.
pub(crate) fn losses_of(
    world: &World,
    target: &Target,
    root: &Path,
    migrations: Vec<Migration>,
) -> Result<Vec<(Migration, Vec<Loss>)>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let mut all = Vec::new();
    for migration in migrations {
        let mut losses = Vec::new();
        if migration.up.is_code {
            let object = format!("what the way back of {} takes", migration.title());
            losses.push(Loss::of(object, None));
        } else if let Some(down) = &migration.down {
            let bytes = down.part_of(files::read(&root.join(&down.path))?);
            let mut reader = ScriptReader::new(Box::new(bytes.as_slice()));
            // A file that cannot be split is refused when its turn comes, with the reason.
            while let Ok(Some(statement)) = reader.next_statement() {
                let words = words(&statement.text);
                for object in lost_objects(&words) {
                    losses.extend(count(&mut session, &object)?);
                }
                if reaches_further(&words) {
                    let object = format!("what line {} reaches", statement.line);
                    losses.push(Loss::of(object, None));
                }
            }
            world.interrupt.check()?;
        }
        all.push((migration, losses));
    }
    Ok(all)
}

/// Counts what the pending files of a plan drop or empty, as far as their text shows.
pub(crate) fn count_losses(world: &World, settings: &Settings, plan: &mut Plan) -> Result<()> {
    let mut dropped = Vec::new();
    for (at, step) in plan.steps.iter().enumerate() {
        let Step::Apply { migration, .. } = step else { continue };
        if migration.up.is_code {
            continue;
        }
        let bytes = migration.up.part_of(files::read(&settings.root.join(&migration.up.path))?);
        if drops(&bytes) {
            dropped.push((at, dropped_by(&String::from_utf8_lossy(&bytes))));
        }
    }
    dropped.retain(|(_, objects)| !objects.is_empty());
    if dropped.is_empty() {
        return Ok(());
    }
    let Some(mut session) = connect_or_none(world, settings, &plan.target)? else { return Ok(()) };
    for (at, objects) in dropped {
        if let Some(Step::Apply { losses, .. }) = plan.steps.get_mut(at) {
            for object in objects {
                losses.extend(count(&mut session, &object)?);
            }
        }
        world.interrupt.check()?;
    }
    Ok(())
}

/// Whether a file names anything that drops or empties. Most do not, and some are long.
fn drops(bytes: &[u8]) -> bool {
    let has =
        |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    has(b"drop") || has(b"truncate")
}

/// Whether a statement can do away with more than it names.
fn reaches_further(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    matches!(first, "do" | "call")
        || words.last().is_some_and(|word| word == "cascade")
            && matches!(first, "drop" | "truncate" | "alter")
        || words.windows(2).any(|pair| pair[0] == "rename" && pair[1] == "to")
}

/// A table, or one column of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LostObject {
    pub(crate) table: String,
    pub(crate) column: Option<String>,
}

/// What the statements of a file drop or empty as a whole, as far as its text shows.
pub(crate) fn dropped_by(text: &str) -> Vec<LostObject> {
    let mut reader = ScriptReader::new(Box::new(text.as_bytes()));
    let mut dropped = Vec::new();
    // A file that cannot be split is refused when its turn comes, with the reason.
    while let Ok(Some(statement)) = reader.next_statement() {
        let words = words(&statement.text);
        if words.first().is_some_and(|first| first != "delete") {
            dropped.extend(lost_objects(&words));
        }
        if statement.reads_data() && reader.copy_data(&mut |_| Ok(())).is_err() {
            break;
        }
    }
    dropped
}

/// What a statement drops.
fn lost_objects(words: &[String]) -> Vec<LostObject> {
    let words: Vec<String> = words
        .iter()
        .filter(|word| !matches!(word.as_str(), "if" | "exists" | "only"))
        .cloned()
        .collect();
    let names = |words: &[String]| -> Vec<LostObject> {
        let lists = words.split(|word| word == ",");
        lists.filter_map(qualified_name).map(|table| LostObject { table, column: None }).collect()
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["drop" | "truncate", "table", ..] => names(&words[2..]),
        ["truncate", ..] => names(&words[1..]),
        ["delete", "from", ..] => qualified_name(&words[2..])
            .map(|table| LostObject { table, column: None })
            .into_iter()
            .collect(),
        ["alter", "table", ..] => {
            let Some(table) = qualified_name(&words[2..]) else { return Vec::new() };
            let actions = words[2..].windows(3).filter(|window| window[0] == "drop");
            let columns = actions.filter_map(|window| match window[1].as_str() {
                "column" => Some(window[2].clone()),
                "constraint" | "default" | "not" | "identity" | "expression" => None,
                _ => Some(window[1].clone()),
            });
            columns
                .map(|column| LostObject { table: table.clone(), column: Some(column) })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What dropping every table loses for which `condition` on `pg_class c` holds.
pub(crate) fn losses_where(
    session: &mut Session,
    layout: &ProjectTool,
    condition: &str,
) -> Result<Vec<Loss>> {
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname AS name, c.reltuples AS estimate, \
                format('%I.%I', n.nspname, c.relname) AS quoted \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND {} AND {condition} ORDER BY 1",
        project_relation(layout)
    );
    let tables = session.rows("list the tables", &sql)?;
    let loss = |row: &Row| {
        let object = row.text("name")?.to_owned();
        let rows = count_rows(session, row.text("quoted")?, "*", row.number("estimate")?)?;
        Ok(Loss::of(object, rows))
    };
    tables.iter().map(loss).collect()
}

/// Counts what holds something, unless that takes too long or the server refuses it.
fn count_rows(
    session: &mut Session,
    table: &str,
    what: &str,
    estimate: f64,
) -> Result<Option<u64>> {
    if estimate > COUNTED {
        return Ok(None);
    }
    let sql = format!("SELECT count({what}) FROM {table}");
    match session.number("count what would be lost", &sql) {
        Err(failure) if matches!(failure.kind(), Kind::Database(DatabaseError::Sql { .. })) => {
            Ok(None)
        }
        counted => counted.map(Some),
    }
}

/// How much is in it; nothing to say about what does not exist.
fn count(session: &mut Session, object: &LostObject) -> Result<Option<Loss>> {
    let quoted: Vec<String> = object.table.split('.').map(quote_identifier).collect();
    let table = quoted.join(".");
    let sql = format!(
        "SELECT oid::regclass::text AS name, reltuples AS estimate FROM pg_class \
         WHERE oid = {} AND relkind IN ('r', 'p')",
        session.table_named(&table)
    );
    let Some(row) = session.optional("look at what would be lost", &sql)? else {
        return Ok(None);
    };
    let name = match &object.column {
        Some(column) => format!("{}.{column}", object.table),
        None => object.table.clone(),
    };
    let what = object.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
    let rows = count_rows(session, row.text("name")?, &what, row.number("estimate")?)?;
    Ok(Some(Loss::of(name, rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(statement: &str) -> Vec<String> {
        let name = |object: LostObject| match object.column {
            Some(column) => format!("{}.{column}", object.table),
            None => object.table,
        };
        lost_objects(&words(statement)).into_iter().map(name).collect()
    }

    #[test]
    fn dropped_tables_and_columns_are_seen() {
        assert_eq!(lost("DROP TABLE IF EXISTS a, s.\"B c\" CASCADE"), ["a", "s.B c"]);
        assert_eq!(
            lost("ALTER TABLE ONLY s.t DROP COLUMN IF EXISTS x, DROP y, DROP CONSTRAINT z"),
            ["s.t.x", "s.t.y"]
        );
        assert_eq!(lost("ALTER TABLE t ALTER COLUMN a DROP NOT NULL"), Vec::<String>::new());
        assert_eq!(lost("TRUNCATE a, b"), ["a", "b"]);
        assert_eq!(lost("DELETE FROM a WHERE x = 1"), ["a"]);
        assert_eq!(lost("CREATE TABLE a (x int)"), Vec::<String>::new());
    }
}
