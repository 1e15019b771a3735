//! Publications of tables that a restore in place replaces. The restore removes the tables and adds
//! them again as they are published now, not as they were in the backup. Only tables that no longer
//! exist are published as in the backup.

use std::collections::{BTreeMap, BTreeSet};

use crate::backup::part::{BackupPart, RestoreScope};
use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::{Row, Session};
use pg_logical::catalog::query_for;
use pg_sql::lexer::words;
use pg_sql::name::qualified_name;
use pg_sql::quote::quote_literal;
use pg_sql::script::Statement;

/// The publications of a database, and which of the replaced objects they publish.
#[derive(Default)]
pub(super) struct Publications {
    published: Vec<Published>,
    /// All publications, by name.
    all: BTreeMap<String, Publication>,
    /// What of the part exists now: `schema.table`, or the schema.
    there: BTreeSet<String>,
}

/// Whether something can be added to a publication.
struct Publication {
    is_of_all: bool,
    is_owned: bool,
    /// Only a superuser adds a schema.
    is_superuser: bool,
}

/// A table or a schema in a publication.
struct Published {
    publication: String,
    /// `schema.table`, or the schema.
    what: String,
    off: String,
    on: String,
    /// Whether the role may remove and add it.
    is_owned: bool,
}

impl Publications {
    /// The publications of what is replaced. If everything is replaced, so are the publications.
    pub(super) fn of(session: &mut Session, scope: &RestoreScope) -> Result<Publications> {
        let schema = match scope {
            RestoreScope::Everything => return Ok(Publications::default()),
            RestoreScope::Schema(schema) => schema.as_str(),
            RestoreScope::Table { .. } => "",
        };
        let sql = query_for(include_str!("sql/publications.sql"), session.reported_major());
        let schema = quote_literal(schema);
        let parts = sql.split("{relations}").map(|part| part.replace("{schema}", &schema));
        let sql = parts.collect::<Vec<_>>().join(&scope.relations());
        let [published, all, there] = session.sets("find out who publishes it", &sql)?;
        let name = |row: &Row| Ok(row.text("name")?.to_owned());
        Ok(Publications {
            published: published.iter().map(Published::of).collect::<Result<_>>()?,
            all: all
                .iter()
                .map(|row| Ok((name(row)?, Publication::of(row)?)))
                .collect::<Result<_>>()?,
            there: there.iter().map(name).collect::<Result<_>>()?,
        })
    }

    /// What the role cannot remove from its publication and add again.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let others = self.published.iter().filter(|published| !published.is_owned);
        let problem = |Published { publication, what, off, .. }: &Published| {
            format!(
                "publication: `{publication}` publishes {what}, and you may not change the \
                 publication; ask its owner to run `{off}` first, and to add it again afterwards"
            )
        };
        others.map(problem).collect()
    }

    /// Removes the replaced objects from the publications.
    pub(super) fn take_off(&self, session: &mut Session) -> Result<()> {
        self.published.iter().try_for_each(|Published { publication, off, .. }| {
            session.run(&format!("take it off the publication {publication}"), off)
        })
    }

    /// Adds it to them again, and what did not exist to those that the backup names.
    pub(super) fn put_on(
        &self,
        world: &World,
        session: &mut Session,
        part: &BackupPart,
    ) -> Result<()> {
        for Published { publication, on, .. } in &self.published {
            session.run(&format!("put it on the publication {publication} again"), on)?;
        }
        for statement in part.after.iter().filter(|statement| publishes(statement)) {
            let words = words(&statement.text);
            let publication = words[2].as_str();
            let (what, is_schema) = added(&words);
            if self.is_on(publication, &what) {
                continue;
            }
            match self.left_out(publication, &what, is_schema) {
                Some(why) => {
                    let message = format!("left out: {why}");
                    world.emit(Event::Notice { severity: "note".to_owned(), message });
                }
                None => session.statement("finish what is replaced", &statement.text)?,
            }
        }
        Ok(())
    }

    /// Whether it is already in a publication.
    fn is_on(&self, publication: &str, what: &str) -> bool {
        self.published.iter().any(|one| one.publication == publication && one.what == what)
    }

    /// Why something is not added to a publication, though it was in it in the backup.
    fn left_out(&self, publication: &str, what: &str, is_schema: bool) -> Option<String> {
        let Some(Publication { is_of_all, is_owned, is_superuser }) = self.all.get(publication)
        else {
            return Some(format!("the publication {publication} of the backup does not exist now"));
        };
        let may_add = *is_superuser || *is_owned && !is_schema;
        match (self.there.contains(what), *is_of_all, may_add) {
            (_, true, _) => Some(format!("the publication {publication} now contains all tables")),
            (true, ..) => Some(format!("{what} is not in the publication {publication} now")),
            (.., false) => Some(format!(
                "{what} was in the publication {publication}, which you may not change"
            )),
            (.., true) => None,
        }
    }
}

/// What a statement adds to a publication: `schema.table` or a schema, and whether it is one.
fn added(words: &[String]) -> (String, bool) {
    let is_schema = words.get(4).is_some_and(|word| word == "tables");
    let what = match words.get(5).map(String::as_str) {
        _ if is_schema => words.get(7).cloned(),
        Some("only") => qualified_name(&words[6..]),
        _ => words.get(5..).and_then(qualified_name),
    };
    (what.unwrap_or_default(), is_schema)
}

impl Publication {
    fn of(row: &Row) -> Result<Publication> {
        Ok(Publication {
            is_of_all: row.flag("is_of_all")?,
            is_owned: row.flag("is_owned")?,
            is_superuser: row.flag("is_superuser")?,
        })
    }
}

impl Published {
    fn of(row: &Row) -> Result<Published> {
        Ok(Published {
            publication: row.text("publication")?.to_owned(),
            what: row.text("published")?.to_owned(),
            off: row.text("off")?.to_owned(),
            on: row.text("on")?.to_owned(),
            is_owned: row.flag("is_owned")?,
        })
    }
}

/// Whether a statement adds something to a publication.
pub(super) fn publishes(statement: &Statement) -> bool {
    if !statement.text.starts_with("ALTER PUBLICATION ") {
        return false;
    }
    let words = words(&statement.text);
    words.get(3).is_some_and(|word| word == "add")
}
