//! Suggestions for a table that a statement names but that does not exist: the file that creates
//! it, or a table with a similar name.

use std::path::PathBuf;

use postgres::error::SqlState;

use crate::failure::Failure;
use crate::migration::folder::read_folder;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::files;
use crate::world::pg::{Purpose, Session};
use pg_sql::lexer::first_words;
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
    if !failure.is(&SqlState::UNDEFINED_TABLE) {
        return failure;
    }
    let Some((file, unknown)) = failure.statement().and_then(|statement| {
        Some((statement.file.clone(), statement.server.quoted_name()?.to_owned()))
    }) else {
        return failure;
    };
    let made = made_by_files(settings);
    let bare = bare(&unknown);
    let note = match made.iter().find(|(path, table)| table == bare && *path != file) {
        Some((path, _)) => Some(format!(
            "`{}` creates `{bare}`: that file must come first, or the statement must move to a \
             later one",
            path.display()
        )),
        None => {
            let there = tables(world, target).into_iter();
            nearest(bare, there.chain(made.into_iter().map(|(_, table)| table)))
                .map(|table| format!("did you mean `{table}`?"))
        }
    };
    failure.with_note(note)
}

fn bare(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn nearest(name: &str, tables: impl Iterator<Item = String>) -> Option<String> {
    let near = |table: &String| strsim::normalized_damerau_levenshtein(name, table);
    let best = tables.max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) > NEAR && best != name).then_some(best)
}

/// The tables that migrations create, with their files. Files that cannot be read are skipped.
fn made_by_files(settings: &Settings) -> Vec<(PathBuf, String)> {
    let Ok(folder) = read_folder(settings) else { return Vec::new() };
    let scripts = folder.migrations.iter().map(|migration| &migration.up);
    let mut made = Vec::new();
    for script in scripts.filter(|script| !script.is_code) {
        let Ok(bytes) = files::read(&settings.root.join(&script.path)) else { continue };
        for statement in statements(&script.part_of(bytes)).unwrap_or_default() {
            made.extend(created_by(&statement.text).map(|table| (script.path.clone(), table)));
        }
    }
    made
}

/// The table that a statement creates, without its schema.
fn created_by(statement: &str) -> Option<String> {
    let words = first_words(statement, 12);
    let table = words.iter().position(|word| word == "table")?;
    let rest = words[table + 1..].iter();
    let rest: Vec<&String> =
        rest.skip_while(|word| ["if", "not", "exists"].contains(&word.as_str())).collect();
    match rest.as_slice() {
        _ if words.first()? != "create" => None,
        [_, dot, name, ..] if *dot == "." => Some((*name).clone()),
        [name, ..] => Some((*name).clone()),
        [] => None,
    }
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
    fn what_was_meant_is_near() {
        let there = || ["courses", "pupils"].map(str::to_owned).into_iter();
        assert_eq!(nearest("course", there()).as_deref(), Some("courses"));
        assert_eq!(nearest("invoices", there()), None);
    }

    #[test]
    fn the_table_that_a_statement_makes_is_known_without_its_schema() {
        let made = |sql| created_by(sql).unwrap_or_default();
        assert_eq!(made("CREATE TABLE badges (id int)"), "badges");
        assert_eq!(made("CREATE UNLOGGED TABLE IF NOT EXISTS app.badges (id int)"), "badges");
        assert_eq!(made("ALTER TABLE badges ADD id int"), "");
    }
}
