//! What plans about migrations are made from: the folder and the history, read in a session in
//! which the server refuses every write.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind, Result};
use crate::migration::tool;
use crate::model::history::History;
use crate::model::layout::{Layout, quote_identifier, quote_literal};
use crate::model::migration::{Folder, Migration};
use crate::model::seed::qualified_name;
use crate::model::target::Target;
use crate::plan::{Facts, Loss};
use crate::settings::{Migrations, Origin, Setting, Settings};
use crate::world::pg::{Purpose, Row, Session};
use crate::world::{World, files};
use pg_logical::lexer::words;
use pg_logical::script::ScriptReader;

/// Tables with more rows than this are not counted, only estimated.
const COUNTED: f64 = 1_000_000.0;

/// Reads folder and history. A database that does not exist yet has an empty history.
pub(crate) fn gather(world: &World, settings: &Settings, target: &Target) -> Result<Facts> {
    let layout = settings.migrations.layout.clone();
    if layout.is_asked() {
        let database_exists = connect_or_none(world, settings, target)?.is_some();
        let (folder, history) =
            if database_exists { tool::ask(world, settings, target)? } else { Default::default() };
        let (target, environment) = (target.clone(), settings.environment.environment);
        return Ok(Facts { target, environment, layout, database_exists, folder, history });
    }
    let folder = read_folder(settings)?;
    let session = connect_or_none(world, settings, target)?;
    let database_exists = session.is_some();
    let history = match session {
        Some(mut session) => {
            let mut history = read_history(&mut session, &layout)?.completed(&layout, &folder);
            // Where db.toml names several sets, several histories are what is to be expected.
            history.foreign = history.foreign.filter(|_| settings.migrations.sets.len() < 2);
            history
        }
        None => History::default(),
    };
    let (target, environment) = (target.clone(), settings.environment.environment);
    Ok(Facts { target, environment, layout, database_exists, folder, history })
}

/// Reads the folder of the migrations. One that nobody named may be absent.
pub(crate) fn read_folder(settings: &Settings) -> Result<Folder> {
    let Migrations { layout, dir, .. } = &settings.migrations;
    named_folder_exists(dir)?;
    files::migrations(layout, &dir.value, &settings.root)
}

/// A folder that somebody named has to be there: its name may be a slip.
pub(crate) fn named_folder_exists(dir: &Setting<PathBuf>) -> Result<()> {
    if dir.origin == Origin::Default || files::is_there(&dir.value) {
        return Ok(());
    }
    let why = "there is no such folder".to_owned();
    let (source_name, value) = (dir.origin.to_string(), dir.value.display().to_string());
    Err(Kind::BadSetting { source_name, value, why }.into())
}

/// A reading session; `None` where the database does not exist and cargo db may create it.
pub(crate) fn connect_or_none(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<Option<Session>> {
    let environment = settings.environment.environment;
    match Session::open(world, target, Purpose::Read) {
        Ok(session) => Ok(Some(session)),
        Err(failure) if !failure.is_no_database() => Err(failure),
        Err(_) if environment.is_own() => Ok(None),
        Err(_) => {
            let (database, server) = (target.database.clone(), target.server());
            Err(Kind::NoDatabase { database, server, environment }.into())
        }
    }
}

/// Creates the database, where there is none and cargo db may.
pub(crate) fn create_if_absent(world: &World, settings: &Settings, target: &Target) -> Result<()> {
    match connect_or_none(world, settings, target)? {
        Some(_) => Ok(()),
        None => create_database(world, target),
    }
}

/// Creates a database, from another one of the same server. One that somebody else created at
/// the same moment is what was wanted.
pub(crate) fn create_database(world: &World, target: &Target) -> Result<()> {
    let maintenance = target.maintenance();
    let mut session = Session::open(world, &maintenance, Purpose::Write)?;
    let sql = format!("CREATE DATABASE {}", quote_identifier(&target.database));
    match session.run("create the database", &sql) {
        Err(failure) if matches!(failure.kind(), Kind::Sql { server, .. } if matches!(server.code.as_deref(), Some("42P04" | "23505"))) => {
            Ok(())
        }
        other => other,
    }
}

/// Reads the history. The table is looked for as the tool itself would, and its name is qualified,
/// so that nothing can hide it later.
pub(crate) fn read_history(session: &mut Session, layout: &Layout) -> Result<History> {
    let schema =
        layout.schema().map(|schema| format!("AND n.nspname = {} ", quote_literal(schema)));
    let question = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_table_is_visible(c.oid), n.nspname \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relname = {} {}AND c.relkind IN ('r', 'p') AND n.nspname <> 'pg_temp' ORDER BY 2 DESC, 1",
        quote_literal(layout.table_name()),
        schema.as_deref().unwrap_or_default()
    );
    let found = session.rows("look for the history", &question)?;
    let Some(first) = found.first() else {
        return Ok(History { foreign: foreign_history(session, layout)?, ..History::default() });
    };
    if schema.is_none() && first[1].as_deref() != Some("t") {
        // Whoever names a search path in the URL means to have a history there of its own.
        if session.target.options.as_deref().is_some_and(|options| options.contains("search_path"))
        {
            return Ok(History::default());
        }
        let schemas: Vec<String> =
            found.iter().filter_map(|row| Some(format!("`{}`", row[2].as_deref()?))).collect();
        let (database, schemas) = (session.target.database.clone(), schemas.join(", "));
        return Err(Kind::HistoryElsewhere { database, schemas }.into());
    }
    let table = first[0].clone().unwrap_or_default();
    read_table(session, layout, table)
}

/// Reads the history from this table, named as the server names it.
pub(crate) fn read_table(session: &mut Session, layout: &Layout, table: String) -> Result<History> {
    if layout.table().columns.len() < TELLING && layout.schema().is_none() {
        says_enough(session, layout, &table)?;
    }
    let rows = match session.rows("read the history", &layout.select(&table)) {
        // Another tool's table of the same name has other columns.
        Err(failure) if matches!(failure.kind(), Kind::Sql { server, .. } if server.code.as_deref() == Some("42703")) =>
        {
            return Err(of_another(session, layout, table)?);
        }
        rows => rows?,
    };
    let applied = match rows.first().and_then(|row| row[0].as_deref()) {
        Some(text) => {
            layout.rows(text).ok_or_else(|| Kind::StrangeHistory { table: table.clone() })?
        }
        None => Vec::new(),
    };
    Ok(History { table: Some(table), applied, foreign: None })
}

/// The failure to find one's own history, with the tool whose it is.
fn of_another(session: &mut Session, layout: &Layout, table: String) -> Result<Failure> {
    let of =
        histories(session)?.into_iter().find(|(_, found)| *found == table).map(|(tool, _)| tool);
    let tool = of.filter(|tool| tool != layout.key());
    Ok(Kind::OtherHistory { table, tool, expected: layout.key().to_owned() }.into())
}

/// Several tools have a table `schema_migrations`, with hardly a column to tell them by: it has to have just these,
/// and Rails has another one beside it.
fn says_enough(session: &mut Session, layout: &Layout, table: &str) -> Result<()> {
    let question = format!(
        "SELECT array_to_string(ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = {0}::regclass AND attnum > 0 \
         AND NOT attisdropped ORDER BY attname COLLATE \"C\"), ' '), \
         (SELECT count(*) FROM pg_class WHERE relname = 'ar_internal_metadata' \
          AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = {0}::regclass))",
        quote_literal(table)
    );
    let rows = session.rows("look whose history it is", &question)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let mut columns = layout.table().columns.to_vec();
    columns.sort_unstable();
    let is_rails = layout.table_name() == "schema_migrations" && row[1].as_deref() != Some("0");
    if row[0].as_deref() == Some(columns.join(" ").as_str()) && !is_rails {
        return Ok(());
    }
    Err(of_another(session, layout, table.to_owned())?)
}

/// Tables by which tools are known whose layouts are not.
const STRANGERS: [(&str, &str); 3] = [
    ("atlas_schema_revisions", "atlas"),
    ("ar_internal_metadata", "rails"),
    ("hdb_version", "hasura"),
];
/// A table with fewer columns than this is known by its name alone.
const TELLING: usize = 3;

/// The history tables of all tools: whose, and their qualified names. A table is known by its columns, and by its
/// name where these say little; so one that was given another name is found too.
pub(crate) fn histories(session: &mut Session) -> Result<Vec<(String, String)>> {
    let sorted = |layout: &Layout| {
        let mut columns = layout.table().columns.to_vec();
        columns.sort_unstable();
        columns.join(" ")
    };
    let names = Layout::all().map(|layout| quote_literal(layout.table_name()));
    let names: Vec<String> =
        names.chain(STRANGERS.iter().map(|(name, _)| quote_literal(name))).collect();
    let telling = Layout::all().filter(|layout| layout.table().columns.len() >= TELLING);
    let signatures: Vec<String> = telling.map(|layout| quote_literal(&sorted(&layout))).collect();
    let question = format!(
        "SELECT * FROM (SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relname, \
                (SELECT string_agg(a.attname, ' ' ORDER BY a.attname COLLATE \"C\") FROM pg_attribute a \
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema') AS t \
         WHERE relname IN ({}) OR columns IN ({}) ORDER BY 1",
        names.join(", "),
        signatures.join(", ")
    );
    let mut found = Vec::new();
    for row in session.rows("look for the histories of other tools", &question)? {
        let text = |column: usize| row[column].as_deref().unwrap_or_default();
        let columns: Vec<&str> = text(3).split(' ').collect();
        let named = |layout: &Layout| {
            layout.table_name() == text(2)
                && layout.schema().is_none_or(|schema| schema == text(1))
                && layout.table().columns.iter().all(|column| columns.contains(column))
        };
        let same =
            |layout: &Layout| layout.table().columns.len() >= TELLING && sorted(layout) == text(3);
        // Of two whose columns are all there, the one with more of them.
        let by_name = Layout::all().filter(named).max_by_key(|layout| layout.table().columns.len());
        let tool = by_name.or_else(|| Layout::all().find(same)).map(|layout| layout.key());
        let stranger = STRANGERS.iter().find(|(name, _)| *name == text(2)).map(|(_, tool)| *tool);
        found.extend(tool.or(stranger).map(|tool| (tool.to_owned(), text(0).to_owned())));
    }
    Ok(found)
}

/// Another tool's history, or one of another name, where the project's own is not there.
fn foreign_history(session: &mut Session, layout: &Layout) -> Result<Option<String>> {
    let found = histories(session)?;
    let other = found.iter().find(|(tool, _)| tool != layout.key()).or(found.first());
    Ok(other.map(|(tool, table)| format!("`{table}` is a history of {tool}")))
}

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
            losses.push(Loss { object, rows: None });
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
                    losses.push(Loss {
                        object: format!("what line {} reaches", statement.line),
                        rows: None,
                    });
                }
            }
            world.interrupt.check()?;
        }
        all.push((migration, losses));
    }
    Ok(all)
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
struct LostObject {
    table: String,
    column: Option<String>,
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

/// Whether there is any table of the user's.
pub(crate) fn holds_tables(world: &World, target: &Target, layout: &Layout) -> Result<bool> {
    let sql = format!(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'f', 'm', 'v') AND NOT {} AND n.nspname NOT LIKE 'pg\\_%' \
           AND n.nspname NOT IN ('information_schema', 'cargo_db') LIMIT 1",
        layout.own_relations()
    );
    let mut session = Session::open(world, target, Purpose::Read)?;
    Ok(session.value("look for tables", &sql)?.is_some())
}

/// Whether any table of the user's holds a row. A table that may not be read counts as one that does.
pub(crate) fn holds_rows(session: &mut Session, layout: &Layout) -> Result<bool> {
    let sql = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'm') AND pg_relation_size(c.oid) > 0 AND NOT {} \
           AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'cargo_db') ORDER BY 1",
        layout.own_relations()
    );
    for table in session.column("look for tables with rows", &sql)? {
        let look = format!("SELECT 1 FROM {table} LIMIT 1");
        if !matches!(session.value("look for a row", &look), Ok(None)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What dropping every table loses for which `condition` on `pg_class c` holds.
pub(crate) fn losses_where(
    session: &mut Session,
    layout: &Layout,
    condition: &str,
) -> Result<Vec<Loss>> {
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.reltuples \
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' \
           AND n.nspname NOT IN ('information_schema', 'cargo_db') AND NOT {} AND {condition} ORDER BY 1",
        layout.own_relations()
    );
    let tables = session.rows("list the tables", &sql)?;
    let loss = |row: &Row| {
        let estimate = row[2].as_deref().and_then(|rows| rows.parse().ok()).unwrap_or(0.0);
        let quoted = row[1].as_deref().unwrap_or_default();
        Loss {
            object: row[0].clone().unwrap_or_default(),
            rows: count_rows(session, quoted, "*", estimate),
        }
    };
    Ok(tables.iter().map(loss).collect())
}

/// Counts what holds something, unless that takes too long or is not allowed.
fn count_rows(session: &mut Session, table: &str, what: &str, estimate: f64) -> Option<u64> {
    if estimate > COUNTED {
        return None;
    }
    let counted =
        session.rows("count what would be lost", &format!("SELECT count({what}) FROM {table}"));
    counted.ok()?.first()?[0].as_deref()?.parse().ok()
}

/// How much is in it; nothing to say about what does not exist.
fn count(session: &mut Session, object: &LostObject) -> Result<Option<Loss>> {
    let quoted: Vec<String> = object.table.split('.').map(quote_identifier).collect();
    let table = quoted.join(".");
    let estimate = format!(
        "SELECT reltuples FROM pg_class WHERE oid = to_regclass({}) AND relkind IN ('r', 'p')",
        quote_literal(&table)
    );
    let rows = session.rows("look at what would be lost", &estimate)?;
    let Some(estimate) = rows.first().and_then(|row| row[0].as_deref()?.parse::<f64>().ok()) else {
        return Ok(None);
    };
    let name = match &object.column {
        Some(column) => format!("{}.{column}", object.table),
        None => object.table.clone(),
    };
    let what = object.column.as_deref().map_or_else(|| "*".to_owned(), quote_identifier);
    Ok(Some(Loss { object: name, rows: count_rows(session, &table, &what, estimate) }))
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
