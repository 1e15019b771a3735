//! Databases built by the migrations, which are kept beside a project's database so that the next
//! run does not build them again.
//!
//! A template gets its name only when it is complete. Until then it is a scratch database, which
//! the next run drops if this run is killed.

use postgres::error::SqlState;

use crate::backup::sibling::{SCRATCH, SiblingDatabase, clone_database, own_locale, stem};
use crate::failure::Result;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::now;
use crate::world::pg::{Purpose, Session};
use pg_sql::quote::{quote_identifier, quote_literal};

/// How many templates are kept for a database.
const KEPT: usize = 3;

/// The beginning of a template's comment. The time of its last use and its notes follow, each note
/// on a line of its own.
const MARK: &str = "cargo-db: schema template, used ";

/// A complete template.
pub(crate) struct SchemaTemplate {
    pub(crate) target: Target,
    /// What was recorded when the template was kept, one note per line.
    pub(crate) notes: Vec<String>,
    comment: String,
}

impl SchemaTemplate {
    /// The template for the first of these keys that has one.
    pub(crate) fn find(
        world: &World,
        target: &Target,
        keys: &[String],
    ) -> Result<Option<SchemaTemplate>> {
        let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
        let templates = all(&mut session, target)?;
        let found = keys.iter().find_map(|key| {
            let name = name(&target.database, key);
            templates.iter().position(|template| template.target.database == name)
        });
        let Some(found) = found.and_then(|at| templates.into_iter().nth(at)) else {
            return Ok(None);
        };
        let sql = comment_on(&found.target.database, &found.notes);
        // If this fails, the template only seems older than it is.
        let _ = session.run("note when a template was used", &sql);
        Ok(Some(found))
    }

    /// Whether this is the template for a key.
    pub(crate) fn is_of(&self, target: &Target, key: &str) -> bool {
        self.target.database == name(&target.database, key)
    }

    /// A scratch database that is a clone of the template. `None` if the template is in use or no
    /// longer exists.
    pub(crate) fn clone(&self, world: &World, target: &Target) -> Result<Option<SiblingDatabase>> {
        match clone_database(world, target, &self.target.database, (SCRATCH, None)) {
            Err(failure) if failure.is(&SqlState::INVALID_CATALOG_NAME) => Ok(None),
            built => built?.map(SiblingDatabase::without_waiting_for_disk).transpose(),
        }
    }
}

impl SiblingDatabase {
    /// Keeps the database as the template for a key, and drops the oldest templates above the
    /// limit. Nothing may be connected to it. If it cannot be kept, it is dropped.
    pub(crate) fn keep_as_template(mut self, key: &str, notes: &[String]) {
        let _ = self.kept_as_template(key, notes);
    }

    fn kept_as_template(&mut self, key: &str, notes: &[String]) -> Result<()> {
        let target = self.original.clone();
        let new = name(&target.database, key);
        let to = quote_identifier(&new);
        // With the name but no comment, it would never be used or dropped.
        let read_only = format!("ALTER DATABASE {to} SET default_transaction_read_only = on");
        self.keep_as(&new, &[comment_on(&new, notes), read_only])?;
        drop_oldest(&mut self.owner.0, &target)
    }
}

/// The properties of the server and the role that affect what migrations build, as text.
pub(crate) fn surroundings(session: &mut Session, target: &Target) -> Result<String> {
    let version = session.value("read the version", "SHOW server_version_num")?;
    let locale = own_locale(session, target)?;
    let (user, path) = (&target.user, session.kept_path());
    Ok(format!("{version:?} {user:?} {path:?} {locale:?}"))
}

/// `school__schema_0123456789abcdef`.
fn name(database: &str, key: &str) -> String {
    format!("{}__schema_{key}", stem(database))
}

fn comment_on(name: &str, notes: &[String]) -> String {
    let lines: Vec<String> = std::iter::once(format!("{MARK}{}", now().unix_timestamp_nanos()))
        .chain(notes.to_vec())
        .collect();
    let comment = quote_literal(&lines.join("\n"));
    format!("COMMENT ON DATABASE {} IS {comment}", quote_identifier(name))
}

/// The templates of a database that the role owns, the most recently used first.
fn all(session: &mut Session, target: &Target) -> Result<Vec<SchemaTemplate>> {
    let prefix = quote_literal(&name(&target.database, ""));
    let sql =
        format!(include_str!("sql/templates.sql"), prefix = prefix, mark = quote_literal(MARK));
    let mut found = Vec::new();
    for row in session.rows("find the templates", &sql)? {
        let comment = row.text("comment")?.to_owned();
        found.push(SchemaTemplate {
            target: target.with_database(row.text("name")?),
            notes: comment.lines().skip(1).map(str::to_owned).collect(),
            comment,
        });
    }
    found.sort_by(|one, other| other.comment.cmp(&one.comment));
    Ok(found)
}

/// Drops the least recently used templates above the limit, except those in use.
fn drop_oldest(session: &mut Session, target: &Target) -> Result<()> {
    for template in all(session, target)?.iter().skip(KEPT) {
        let name = &template.target.database;
        let sql = format!("DROP DATABASE IF EXISTS {}", quote_identifier(name));
        let _ = session.run("drop an old template", &sql);
    }
    Ok(())
}
