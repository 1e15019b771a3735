//! Sets aside what is replaced, in the transaction that replaces it: a table or a schema is moved
//! until the new one is loaded; if everything is replaced, it is dropped, except for objects of
//! other owners.

use crate::backup::grants::grant;
use crate::backup::part::{BackupPart, RestoreScope, is_about_schema};
use crate::backup::subscriptions::{self, Subscription};
use crate::failure::Result;
use crate::world::pg::{Row, Session};
use pg_sql::lexer::{first_words, words};
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// The schema in which the replaced objects are kept until the new ones are loaded.
pub(super) const ASIDE: &str = "cargo_db_replaced";

/// A foreign key from outside, which is taken off and put on again.
pub(super) struct ForeignKey {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) definition: String,
}

/// The foreign keys from outside, which the new table gets again.
fn foreign_keys(session: &mut Session, scope: &RestoreScope) -> Result<Vec<ForeignKey>> {
    let sql = format!(include_str!("sql/foreign_keys.sql"), relations = scope.relations());
    let key = |row: &Row| {
        Ok(ForeignKey {
            table: row.text("on_table")?.to_owned(),
            name: row.text("name")?.to_owned(),
            definition: row.text("definition")?.to_owned(),
        })
    };
    session.rows("find foreign keys", &sql)?.iter().map(key).collect()
}

/// Sets aside what is replaced.
pub(super) fn set_aside_part(
    session: &mut Session,
    part: &BackupPart,
) -> Result<(Vec<ForeignKey>, LeftInPlace)> {
    let scope = &part.scope;
    let aside = quote_identifier(ASIDE);
    let keys =
        if *scope == RestoreScope::Everything { Vec::new() } else { foreign_keys(session, scope)? };
    for ForeignKey { table, name, .. } in &keys {
        session
            .run("drop a foreign key", &format!("ALTER TABLE {table} DROP CONSTRAINT {name}"))?;
    }
    match scope {
        RestoreScope::Everything => return Ok((keys, drop_everything(session)?)),
        RestoreScope::Table { .. } => {
            let exists = format!("SELECT to_regclass({})", quote_literal(&scope.qualified()));
            let move_it = if session.value("find the table", &exists)?.is_some() {
                format!("ALTER TABLE {} SET SCHEMA {aside}", scope.qualified())
            } else {
                String::new()
            };
            session.run("set the table aside", &format!("CREATE SCHEMA {aside}; {move_it}"))?;
            let statistics = format!(
                include_str!("sql/statistics.sql"),
                aside = aside,
                literal = quote_literal(&aside)
            );
            for statement in session.column("list statistics", &statistics)? {
                session.run("set statistics aside", &statement)?;
            }
        }
        RestoreScope::Schema(schema) => set_schema_aside(session, schema, &part.of_schema)?,
    }
    Ok((keys, LeftInPlace::default()))
}

/// Renames a schema, and makes one like it: same owner, comment and rights, same extensions.
fn set_schema_aside(session: &mut Session, schema: &str, anew: &[Statement]) -> Result<()> {
    let (name, aside) = (quote_identifier(schema), quote_identifier(ASIDE));
    let sql = format!(include_str!("sql/schema.sql"), schema = quote_literal(schema));
    let [about, rights, extensions] = session.sets("read the schema", &sql)?;
    let mut statements = Vec::new();
    match about.first() {
        None => {
            statements.push(format!("CREATE SCHEMA {aside}; CREATE SCHEMA IF NOT EXISTS {name}"));
            let made = anew.iter().map(|statement| {
                statement.text.replacen("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1)
            });
            statements.extend(made);
        }
        Some(row) => {
            statements.push(format!("ALTER SCHEMA {name} RENAME TO {aside}; CREATE SCHEMA {name}"));
            statements.push(format!("ALTER SCHEMA {name} OWNER TO {}", row.text("owner")?));
            statements.push(format!("COMMENT ON SCHEMA {name} IS {}", row.text("comment")?));
        }
    }
    for row in &rights {
        statements.push(grant(row, &format!("SCHEMA {name}"))?);
    }
    for row in &extensions {
        statements.push(format!("ALTER EXTENSION {} SET SCHEMA {name}", row.text("name")?));
    }
    session.run("set the schema aside", &statements.join("; "))
}

/// What is kept when everything is replaced, because the role does not own it, or it contains
/// objects that the role does not own. An extension of another owner is kept and not created again.
#[derive(Default)]
pub(super) struct LeftInPlace {
    extensions: Vec<String>,
    event_triggers: Vec<String>,
    /// Schema and name of what belongs to the extensions.
    members: Vec<(String, String)>,
    schemas: Vec<String>,
    /// The schemas of other owners.
    others_schemas: Vec<String>,
}

impl LeftInPlace {
    /// Whether a statement of a dump makes or changes what stays.
    pub(super) fn leaves_out(&self, statement: &Statement) -> bool {
        let words = first_words(&statement.text, 6);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let stays = |names: &[String], name: &str| names.iter().any(|other| other == name);
        match words.as_slice() {
            ["create", "extension", "if", "not", "exists", name, ..]
            | ["comment", "on", "extension", name, ..] => stays(&self.extensions, name),
            ["create" | "alter", "event", "trigger", name, ..]
            | ["comment", "on", "event", "trigger", name, ..] => stays(&self.event_triggers, name),
            ["create", "schema", name, ..] => stays(&self.schemas, name),
            ["alter" | "comment" | "grant" | "revoke", ..] => {
                let is_about = |schema: &String| is_about_schema(statement, schema);
                self.others_schemas.iter().any(is_about) || self.grants_on_member(statement)
            }
            _ => false,
        }
    }

    /// Whether it grants a privilege on a member of an extension, which only the extension's owner
    /// can do.
    fn grants_on_member(&self, statement: &Statement) -> bool {
        if self.members.is_empty()
            || !["GRANT ", "REVOKE "].iter().any(|verb| statement.text.starts_with(verb))
        {
            return false;
        }
        let words = words(&statement.text);
        let on = words.iter().position(|word| word == "on").map(|at| &words[at + 1..]);
        matches!(on, Some([_, schema, dot, name, ..]) if dot == "."
            && self.members.iter().any(|member| (&member.0, &member.1) == (schema, name)))
    }
}

/// Drops every schema, and objects outside of schemas that a dump creates; the schema `public` is
/// kept empty. Dropping an extension may drop others.
fn drop_everything(session: &mut Session) -> Result<LeftInPlace> {
    let database = session.target.database.clone();
    for statement in subscriptions::of(session, &database)?.iter().flat_map(Subscription::drop) {
        session.run("drop what the backup brings back", &statement)?;
    }
    let [extensions, triggers, members] =
        session.sets("list what stays", include_str!("sql/kept.sql"))?;
    let name = |row: &Row| Ok(row.text("name")?.to_owned());
    let member = |row: &Row| Ok((row.text("schema")?.to_owned(), row.text("name")?.to_owned()));
    let names = |rows: &[Row]| rows.iter().map(name).collect::<Result<Vec<String>>>();
    let mut kept = LeftInPlace {
        extensions: names(&extensions)?,
        event_triggers: names(&triggers)?,
        members: members.iter().map(member).collect::<Result<_>>()?,
        ..LeftInPlace::default()
    };
    let sql = include_str!("sql/outside_of_schemas.sql");
    for statement in session.column("list what goes", sql)? {
        session.run("drop what the backup brings back", &statement)?;
    }
    let rows = session.rows("list the schemas", include_str!("sql/schemas.sql"))?;
    for row in &rows {
        let schema = row.text("name")?;
        let is_owned = row.flag("is_owned")?;
        if is_owned && !row.flag("holds_extension")? {
            drop_schema(session, schema)?;
            continue;
        }
        empty_schema(session, schema)?;
        kept.schemas.push(schema.to_owned());
        kept.others_schemas.extend((!is_owned).then(|| schema.to_owned()));
    }
    Ok(kept)
}

fn drop_schema(session: &mut Session, schema: &str) -> Result<()> {
    let going = if schema == "public" {
        set_schema_aside(session, schema, &[])?;
        ASIDE
    } else {
        schema
    };
    session.run("drop a schema", &format!("DROP SCHEMA {} CASCADE", quote_identifier(going)))
}

/// Drops the objects in a schema that belong to no extension. Dropping one may drop others.
fn empty_schema(session: &mut Session, schema: &str) -> Result<()> {
    let sql = format!(include_str!("sql/in_schema.sql"), schema = quote_literal(schema));
    for statement in session.column("list what goes", &sql)? {
        session.run("drop what the backup brings back", &statement)?;
    }
    Ok(())
}
