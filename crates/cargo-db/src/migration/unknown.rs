//! Suggestions for a table that a statement names but that does not exist: the file that creates
//! it, or a table with a similar name.

use std::path::{Path, PathBuf};

use postgres::error::SqlState;

use crate::failure::Failure;
use crate::migration::folder::read_folder;
use crate::migration::lost::dropped_by;
use crate::model::statement::StatementError;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::files;
use crate::world::pg::{Purpose, Session};
use pg_sql::lexer::first_words;
use pg_sql::name::TableName;
use pg_sql::script::statements;

/// How similar a name must be to be suggested.
const NEAR: f64 = 0.6;

/// Adds a suggestion to the failure if it is about a table that does not exist.
pub(crate) fn with_suggestion(
    failure: Failure,
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Failure {
    match failure.statement() {
        Some(error) if error.server.is(&SqlState::UNDEFINED_TABLE) => {
            let note = suggestion(error, world, settings, target);
            failure.with_note(note)
        }
        _ => failure,
    }
}

/// The suggestion for a statement that names a table that does not exist in the target.
pub(crate) fn suggestion(
    error: &StatementError,
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Option<String> {
    let unknown =
        error.server.quoted_name().filter(|_| error.server.is(&SqlState::UNDEFINED_TABLE))?;
    let made = CreatedTable::by_files(settings, &error.file);
    let (schema, bare) = match unknown.rsplit_once('.') {
        Some((schema, bare)) => (Some(schema), bare),
        None => (None, unknown),
    };
    made.iter().find_map(|made| made.note(schema, bare)).or_else(|| {
        let there = tables(world, target).into_iter();
        nearest(bare, there.chain(made.into_iter().map(|made| made.table.table)))
            .map(|table| format!("did you mean `{table}`?"))
    })
}

/// A table that a migration creates.
struct CreatedTable {
    table: TableName,
    path: PathBuf,
    /// Whether that is after the statement that failed.
    is_later: bool,
}

impl CreatedTable {
    /// The tables that migrations create; those that are dropped again before `failed` are not
    /// among them. Files that cannot be read are skipped.
    ///
    /// Seeds and down files run after all the migrations that create what they use.
    fn by_files(settings: &Settings, failed: &Path) -> Vec<CreatedTable> {
        let Ok(folder) = read_folder(settings) else { return Vec::new() };
        let place = folder.migrations.iter().position(|migration| migration.up.path == failed);
        let mut made: Vec<CreatedTable> = Vec::new();
        for (at, migration) in folder.migrations.iter().enumerate() {
            let script = &migration.up;
            if script.is_code {
                continue;
            }
            let Ok(bytes) = files::read(&settings.root.join(&script.path)) else { continue };
            let is_later = place.is_some_and(|place| at > place);
            for statement in statements(&script.part_of(bytes)).unwrap_or_default() {
                let path = script.path.clone();
                let created = created_by(&statement.text);
                made.extend(created.map(|table| CreatedTable { table, path, is_later }));
                if !is_later {
                    let dropped = dropped_by(statement.text.as_bytes()).into_iter();
                    let dropped: Vec<String> = dropped
                        .filter(|lost| lost.column.is_none())
                        .map(|lost| lost.table.table)
                        .collect();
                    made.retain(|made| !dropped.contains(&made.table.table));
                }
            }
        }
        made
    }

    /// What helps if this is the table that was not found by this name.
    fn note(&self, schema: Option<&str>, bare: &str) -> Option<String> {
        let own = self.table.schema.as_deref();
        let is_it =
            self.table.table == bare && (schema.is_none() || own.is_none() || own == schema);
        let (path, table) = (self.path.display(), &self.table);
        match is_it {
            true if self.is_later => Some(format!(
                "`{path}` creates `{table}`: that file must come first, or this statement must \
                 move to a later file"
            )),
            true if schema.is_none() && own.is_some() => {
                Some(format!("`{path}` creates `{table}`: name the schema"))
            }
            _ => None,
        }
    }
}

fn nearest(name: &str, tables: impl Iterator<Item = String>) -> Option<String> {
    let near = |table: &String| strsim::normalized_damerau_levenshtein(name, table);
    let best = tables.max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) > NEAR && best != name).then_some(best)
}

/// The table that a statement creates.
fn created_by(statement: &str) -> Option<TableName> {
    let words = first_words(statement, 12);
    let table = words.iter().position(|word| word == "table")?;
    let rest = words[table + 1..].iter();
    let rest: Vec<String> =
        rest.skip_while(|word| ["if", "not", "exists"].contains(&word.as_str())).cloned().collect();
    if words.first()? != "create" {
        return None;
    }
    TableName::at_the_beginning(&rest)
}

/// The tables of the target; none if it cannot be read.
fn tables(world: &World, target: &Target) -> Vec<String> {
    let sql = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') \
               AND relnamespace NOT IN ('pg_catalog'::regnamespace, \
               'information_schema'::regnamespace) AND NOT relispartition LIMIT 10000";
    let rows = Session::open(world, target, Purpose::Read)
        .and_then(|mut session| session.rows("find the tables", sql));
    let rows = rows.unwrap_or_default();
    rows.iter().filter_map(|row| row.text("relname").ok().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_suggested() {
        let there = || ["courses", "pupils"].map(str::to_owned).into_iter();
        assert_eq!(nearest("course", there()).as_deref(), Some("courses"));
        assert_eq!(nearest("invoices", there()), None);
    }

    #[test]
    fn the_table_that_a_statement_creates_is_known() {
        let made = |sql| created_by(sql).map(|table| table.to_string()).unwrap_or_default();
        assert_eq!(made("CREATE TABLE badges (id int)"), "badges");
        assert_eq!(made("CREATE UNLOGGED TABLE IF NOT EXISTS app.badges (id int)"), "app.badges");
        assert_eq!(made("CREATE FUNCTION f() RETURNS TABLE (id int)"), "");
        assert_eq!(made("ALTER TABLE badges ADD id int"), "");
    }
}
