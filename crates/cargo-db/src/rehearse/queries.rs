//! The queries of the application: each is prepared before and after every migration, and one that
//! no longer prepares is named, with the migration that broke it.

use std::path::Path;

use crate::failure::{Result, SettingsError};
use crate::model::rehearsal::BrokenQuery;
use crate::world::pg::Session;
use crate::world::{files, git};
use pg_sql::script::statements;

/// One query, and the file that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) name: String,
    pub(crate) sql: String,
}

/// Reads a folder of queries: `.sqlx/*.json` as sqlx prepares them, or files of SQL; as they are,
/// or as they were in a revision of git.
pub(crate) fn read(root: &Path, folder: &Path, revision: Option<&str>) -> Result<Vec<Query>> {
    let mut queries = Vec::new();
    for (name, text) in texts(root, folder, revision)? {
        if name.ends_with(".json") {
            let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            let sql = json.get("query").and_then(serde_json::Value::as_str);
            queries.extend(sql.map(|sql| Query { name, sql: sql.to_owned() }));
        } else if let Ok(all) = statements(text.as_bytes()) {
            let one = |statement: pg_sql::script::Statement| Query {
                name: format!("{name}:{}", statement.line),
                sql: statement.text,
            };
            queries.extend(all.into_iter().map(one));
        }
    }
    if queries.is_empty() {
        let at = revision.map(|revision| format!(" of {revision}")).unwrap_or_default();
        let what = format!(
            "`{}`{at} contains no queries (`.json` files of sqlx, or `.sql` files)",
            folder.display()
        );
        return Err(SettingsError::Usage { what }.into());
    }
    Ok(queries)
}

fn texts(root: &Path, folder: &Path, revision: Option<&str>) -> Result<Vec<(String, String)>> {
    let wanted = |name: &str| name.ends_with(".json") || name.ends_with(".sql");
    let Some(revision) = revision else {
        let mut texts = Vec::new();
        for path in files::walk(&root.join(folder))? {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if wanted(&name) {
                texts.push((name, String::from_utf8_lossy(&files::read(&path)?).into_owned()));
            }
        }
        texts.sort();
        return Ok(texts);
    };
    let folder = folder.display().to_string();
    let listed = git::git(root, &["ls-tree", "-r", "-z", "--name-only", revision, "--", &folder])
        .ok_or_else(|| SettingsError::Usage {
        what: format!("git has no revision `{revision}` in `{}`", root.display()),
    })?;
    let names = listed.split('\0').filter(|name| wanted(name));
    let texts = names.filter_map(|name| {
        let text = git::git(root, &["show", &format!("{revision}:./{name}")])?;
        Some((name.to_owned(), text))
    });
    Ok(texts.collect())
}

/// The queries that still prepare, and those that do not any more.
pub(super) struct Preparing<'a> {
    good: Vec<&'a Query>,
    pub(super) broken: Vec<BrokenQuery>,
}

impl<'a> Preparing<'a> {
    /// Those that prepare before the first migration. What is broken already is not its doing.
    pub(super) fn new(session: &mut Session, queries: &'a [Query]) -> Result<Preparing<'a>> {
        let mut preparing = Preparing { good: queries.iter().collect(), broken: Vec::new() };
        preparing.after(session, "", false)?;
        Ok(Preparing { broken: Vec::new(), ..preparing })
    }

    /// Finds the queries that a migration broke. `inside` tells whether a transaction is open.
    pub(super) fn after(
        &mut self,
        session: &mut Session,
        migration: &str,
        inside: bool,
    ) -> Result<()> {
        let (save, undo) = match inside {
            true => ("SAVEPOINT cargo_db_query; ", "ROLLBACK TO SAVEPOINT cargo_db_query"),
            false => ("", ""),
        };
        if self.good.is_empty() {
            return Ok(());
        }
        // As the application would: along the search path of the role.
        session.lend("")?;
        let broken = &mut self.broken;
        self.good.retain(|query| {
            let prepared = session
                .run("set a savepoint", save)
                .map(|()| session.execute(&format!("PREPARE cargo_db_query AS {}", query.sql)));
            let Ok(prepared) = prepared else { return true };
            let Err(error) = prepared else {
                return session.execute("DEALLOCATE cargo_db_query").is_ok();
            };
            let _ = session.run("undo it", undo);
            let said = error.as_db_error().map(|error| session.hide(error.message()));
            let why = said.unwrap_or_else(|| session.describe(&error));
            let (query, by) = (query.name.clone(), migration.to_owned());
            broken.push(BrokenQuery { query, by, why });
            false
        });
        session.take_back()
    }
}
