//! Verification: queries of the project that must return no rows, or `true`, before a migration
//! counts as successful.

use std::path::{Path, PathBuf};

use crate::failure::{CausedBy, DatabaseError, FileError, Kind, Result, SettingsError};
use crate::model::event::Event;
use crate::model::migration::Migration;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::files;
use crate::world::pg::{Row, Session};
use pg_sql::script::statements;

/// The folder of the queries that belong to one migration: `verify/<version>.sql`.
const FOLDER: &str = "verify";

/// Asks what belongs to this migration, if anything does, in the session's transaction.
pub(super) fn of_migration(
    session: &mut Session,
    root: &Path,
    migration: &Migration,
) -> Result<()> {
    let file = Path::new(FOLDER).join(format!("{}.sql", migration.version));
    if files::exists(&root.join(&file)) { ask(session, root, &file) } else { Ok(()) }
}

/// Asks what `[verify] sql` names.
pub(super) fn of_batch(
    world: &World,
    session: &mut Session,
    root: &Path,
    names: &[PathBuf],
) -> Result<()> {
    for file in names {
        let began = stopwatch();
        ask(session, root, file)?;
        let subject = file.display().to_string();
        world.emit(Event::Finished { done: "Verified", subject, elapsed: began.elapsed() });
    }
    Ok(())
}

fn ask(session: &mut Session, root: &Path, file: &Path) -> Result<()> {
    let bytes = files::read(&root.join(file))?;
    let bad = |error: pg_sql::script::ScriptError| {
        FileError::BadScript { file: file.to_owned(), why: error.to_string() }.caused_by(error)
    };
    for statement in statements(&bytes).map_err(bad)? {
        let place = format!("run line {} of {}", statement.line, file.display());
        let not_verified = |found: String| {
            let (file, line) = (file.to_owned(), statement.line);
            Err(DatabaseError::NotVerified { file, line, found, subject: String::new() }.into())
        };
        let rows = match session.rows(&place, &statement.text) {
            Ok(rows) => rows,
            Err(failure) => match failure.kind() {
                // A query that fails counts as a failed verification.
                Kind::Database(DatabaseError::Sql { server, .. }) => {
                    return not_verified(server.message.clone());
                }
                _ => return Err(failure),
            },
        };
        let is_true = |row: &Row| matches!(row.sole(), Ok(Some("t")));
        if !rows.iter().all(is_true) {
            let count = rows.len();
            let noun = if count == 1 { "row" } else { "rows" };
            return not_verified(format!("it returned {count} {noun}; expected none, or `true`"));
        }
    }
    Ok(())
}

/// The files that match these patterns, sorted and relative to the folder, except those that belong
/// to one migration, whose names are numbers.
pub(super) fn verification_files(root: &Path, patterns: &[String]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for pattern in patterns {
        let whole = format!("{}/{pattern}", glob::Pattern::escape(&root.display().to_string()));
        let bad = |error: glob::PatternError| {
            SettingsError::Value {
                source_name: "verify.sql in db.toml".to_owned(),
                value: pattern.clone(),
                why: error.msg.to_owned(),
            }
            .caused_by(error)
        };
        let paths: Vec<PathBuf> = glob::glob(&whole).map_err(bad)?.flatten().collect();
        if paths.is_empty() {
            let (source_name, value) = ("verify.sql in db.toml".to_owned(), pattern.clone());
            return Err(SettingsError::Value {
                source_name,
                value,
                why: "no file fits".to_owned(),
            }
            .into());
        }
        found.extend(
            paths.iter().filter_map(|path| path.strip_prefix(root).ok().map(Path::to_owned)),
        );
    }
    let numbered = |path: &Path| {
        path.file_stem().is_some_and(|stem| stem.as_encoded_bytes().iter().all(u8::is_ascii_digit))
    };
    found.retain(|path| !numbered(path));
    found.sort();
    found.dedup();
    Ok(found)
}
