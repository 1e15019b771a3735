//! Publications that publish what a restore in place replaces. The restore removes it from them,
//! and adds it again as it is published now, not as it was published when it was backed up.

use std::collections::BTreeSet;

use crate::backup::part::{Part, Scope};
use crate::failure::Result;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::{Row, Session};
use pg_sql::lexer::words;
use pg_sql::name::qualified_name;
use pg_sql::quote::quote_literal;
use pg_sql::script::Statement;

/// The publications of a database, and what they publish of what is replaced.
pub(super) struct Publications {
    published: Vec<Published>,
    /// The names of all publications.
    names: BTreeSet<String>,
}

/// A table or a schema in a publication.
struct Published {
    publication: String,
    /// `schema.table`, or the schema.
    what: String,
    off: String,
    on: String,
    /// Whether the role may remove and add it.
    is_own: bool,
}

impl Publications {
    /// Those that name what is replaced. If everything is replaced, so are the publications.
    pub(super) fn of(session: &mut Session, scope: &Scope) -> Result<Publications> {
        let schema = match scope {
            Scope::Everything => {
                return Ok(Publications { published: Vec::new(), names: BTreeSet::new() });
            }
            Scope::Schema(schema) => schema.as_str(),
            Scope::Table { .. } => "",
        };
        let (relations, schema) = (scope.relations(), quote_literal(schema));
        let sql =
            format!(include_str!("sql/publications.sql"), relations = relations, schema = schema);
        let [published, names] = session.sets("find out who publishes it", &sql)?;
        let name = |row: &Row| Ok(row.text("name")?.to_owned());
        Ok(Publications {
            published: published.iter().map(Published::of).collect::<Result<_>>()?,
            names: names.iter().map(name).collect::<Result<_>>()?,
        })
    }

    /// What the role cannot remove from its publication and add again.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let others = self.published.iter().filter(|published| !published.is_own);
        let problem = |Published { publication, what, off, .. }: &Published| {
            format!(
                "publication: `{publication}` publishes {what}, and is not yours to change; have \
                 its owner run `{off}` first, and add it again afterwards"
            )
        };
        others.map(problem).collect()
    }

    /// Removes what is replaced from the publications.
    pub(super) fn take_off(&self, session: &mut Session) -> Result<()> {
        self.published.iter().try_for_each(|Published { publication, off, .. }| {
            session.run(&format!("take it off the publication {publication}"), off)
        })
    }

    /// Adds it to them again, and to those that only the backup names.
    pub(super) fn put_on(&self, world: &World, session: &mut Session, part: &Part) -> Result<()> {
        for Published { publication, on, .. } in &self.published {
            session.run(&format!("put it on the publication {publication} again"), on)?;
        }
        for statement in part.after.iter().filter(|statement| publishes(statement)) {
            let words = words(&statement.text);
            let publication = words[2].as_str();
            if !self.names.contains(publication) {
                let message =
                    format!("left out: there is no publication {publication} as in the backup");
                world.tell(Event::Notice { severity: "note".to_owned(), message });
            } else if !self.is_on(publication, &words) {
                session.statement("finish what is replaced", &statement.text)?;
            }
        }
        Ok(())
    }

    /// Whether what a statement adds to a publication is already in it.
    fn is_on(&self, publication: &str, words: &[String]) -> bool {
        let what = match words.get(4).map(String::as_str) {
            Some("tables") => words.get(7).cloned(),
            _ if words.get(5).is_some_and(|word| word == "only") => qualified_name(&words[6..]),
            _ => words.get(5..).and_then(qualified_name),
        };
        let is_it =
            |one: &Published| one.publication == publication && Some(&one.what) == what.as_ref();
        self.published.iter().any(is_it)
    }
}

impl Published {
    fn of(row: &Row) -> Result<Published> {
        Ok(Published {
            publication: row.text("publication")?.to_owned(),
            what: row.text("published")?.to_owned(),
            off: row.text("off")?.to_owned(),
            on: row.text("on")?.to_owned(),
            is_own: row.flag("is_own")?,
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
