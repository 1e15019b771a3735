//! Restoring into the database itself, in one transaction: a table, a schema, or everything. What
//! is replaced stays until the new rows were compared with the manifest; any failure before the
//! commit leaves the database as it was.

use pg_logical::content::{Rows, TableEntry};
use pg_sql::lexer::words;

use crate::backup::grants::grant;
use crate::backup::load::{Within, load};
use crate::backup::part::{Part, Scope, part_of};
use crate::backup::source::Source;
use crate::failure::{BackupError, Result};
use crate::migration::losses_where;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::plan::Loss;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Row, Session, Transaction};
use pg_sql::name::qualified_name;
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// Where what is replaced waits until the new is in.
const ASIDE: &str = "cargo_db_replaced";

/// A foreign key from outside, which is taken off and put on again.
struct ForeignKey {
    table: String,
    name: String,
    definition: String,
}

/// Looks at both sides; whatever stands in the way is named at once.
pub(crate) fn gather(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    scope: Scope,
) -> Result<Part> {
    let mut part = part_of(world, settings, source, scope)?;
    let mut session = Session::open(world, target, Purpose::Read)?;
    let problems = obstacles(&mut session, &part.scope)?;
    if !problems.is_empty() {
        return Err(BackupError::CannotRestore { name: source.name.clone(), problems }.into());
    }
    part.losses = losses_where(&mut session, &settings.migrations.layout, &part.scope.relations())?;
    Ok(part)
}

/// The rights that new objects get by themselves. While a part is loaded there must be none: a dump
/// says what each object's rights are, and counts on PostgreSQL's own defaults.
struct DefaultRights {
    revoke: String,
    grant: String,
}

impl DefaultRights {
    fn of(session: &mut Session, scope: &Scope) -> Result<DefaultRights> {
        let own = "d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)";
        let which = match scope {
            // Those of schemas go with them, and come with the dump.
            Scope::Everything => format!("{own} AND d.defaclnamespace = 0"),
            // Those of the schema belong to the new one.
            Scope::Schema(schema) => {
                format!(
                    "({own} AND d.defaclnamespace = 0 OR n.nspname = {})",
                    quote_literal(schema)
                )
            }
            Scope::Table { schema, .. } => {
                format!(
                    "{own} AND (d.defaclnamespace = 0 OR n.nspname = {})",
                    quote_literal(schema)
                )
            }
        };
        let sql = format!(include_str!("sql/default_privileges.sql"), which = which);
        let (mut revoke, mut grant) = (Vec::new(), Vec::new());
        for row in session.rows("look at default privileges", &sql)? {
            let (head, right) = (row.text("head")?, row.text("privilege")?);
            let (grantee, option) = (row.text("grantee")?, row.text("option")?);
            revoke.push(format!("{head} REVOKE {right} FROM {grantee}"));
            grant.push(format!("{head} GRANT {right} TO {grantee}{option}"));
        }
        Ok(DefaultRights { revoke: revoke.join("; "), grant: grant.join("; ") })
    }
}

/// What depends on the part from outside and cannot be taken off and put on again.
fn obstacles(session: &mut Session, scope: &Scope) -> Result<Vec<String>> {
    if *scope == Scope::Everything {
        return Ok(Vec::new());
    }
    let (types, routines) = match scope {
        Scope::Schema(schema) => {
            let schema = quote_literal(schema);
            let of = |column: &str| {
                format!("{column} = (SELECT oid FROM pg_namespace WHERE nspname = {schema})")
            };
            (of("t.typnamespace"), of("p.pronamespace"))
        }
        _ => {
            let of_rows = "t.oid IN (SELECT reltype FROM inside) \
                 OR t.typelem IN (SELECT reltype FROM inside WHERE reltype <> 0)";
            (of_rows.to_owned(), "false".to_owned())
        }
    };
    let sql = format!(
        include_str!("sql/obstacles.sql"),
        relations = scope.relations(),
        types = types,
        routines = routines,
        own = quote_literal(if let Scope::Schema(schema) = scope { schema } else { "" }),
    );
    session.column("look for what depends on it", &sql)
}

/// The foreign keys from outside, which the new table gets again.
fn foreign_keys(session: &mut Session, scope: &Scope) -> Result<Vec<ForeignKey>> {
    let sql = format!(include_str!("sql/foreign_keys.sql"), relations = scope.relations());
    let key = |row: &Row| {
        Ok(ForeignKey {
            table: row.text("on_table")?.to_owned(),
            name: row.text("name")?.to_owned(),
            definition: row.text("definition")?.to_owned(),
        })
    };
    session.rows("look for foreign keys", &sql)?.iter().map(key).collect()
}

/// A part that nobody else writes to any more, and the transaction that sees to it.
pub(crate) struct LockedScope {
    session: Session,
    transaction: Transaction,
    part: Part,
}

impl LockedScope {
    /// What goes, counted when nobody else can add to it.
    pub(crate) fn losses(&mut self, settings: &Settings) -> Result<Vec<Loss>> {
        let layout = &settings.migrations.layout;
        losses_where(&mut self.session, layout, &self.part.scope.relations())
    }
}

/// Begins the transaction, in which nobody else writes to what is replaced any more. Others can
/// still read it, and so can a backup.
pub(crate) fn begin(
    world: &World,
    settings: &Settings,
    target: &Target,
    part: Part,
) -> Result<LockedScope> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    let limit = settings.limits.ddl_lock_timeout.value.as_millis();
    let prepare = format!(
        "SET search_path = ''; SET client_min_messages = warning; SET lock_timeout = {limit}; \
         SET lc_monetary = 'C'"
    );
    session.run("prepare the session", &prepare)?;
    let transaction = Transaction::begin(&mut session)?;
    let relations = part.scope.relations();
    let sql = format!(include_str!("sql/replaced_tables.sql"), relations = relations);
    let names = session.column("list what is replaced", &sql)?;
    if !names.is_empty() {
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
        session.run("lock what is replaced", &lock)?;
    }
    Ok(LockedScope { session, transaction, part })
}

/// Replaces the part, in the transaction that locked it; `last` is done in it before the commit.
pub(crate) fn replace(
    world: &World,
    settings: &Settings,
    locked: LockedScope,
    source: &Source,
    last: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    let LockedScope { mut session, transaction, part } = locked;
    let part = &part;
    let began = stopwatch();
    world.tell(Event::Started { doing: "Replacing", subject: part.scope.describe() });
    let rights = DefaultRights::of(&mut session, &part.scope)?;
    session.run("set default privileges aside", &rights.revoke)?;
    let keys = put_aside(&mut session, part)?;
    if part.scope == Scope::Everything {
        let text = source.text_to_load(world, settings)?;
        load(world, &mut session, text, Within::Transaction, source.wanted)?;
    } else {
        for statement in &part.before {
            session.statement("make anew what is replaced", &statement.text)?;
        }
        load(
            world,
            &mut session,
            Box::new(source.archive_text(world, settings, &part.data)?),
            Within::Transaction,
            source.wanted,
        )?;
        for statement in &part.after {
            session.statement("finish what is replaced", &statement.text)?;
        }
    }
    session.run("prepare the session", "SET search_path = ''; SET check_function_bodies = on")?;
    for ForeignKey { table, name, definition } in &keys {
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}");
        session.run(&format!("put the foreign key {name} on {table} again"), &sql)?;
    }
    session.run("set the default privileges again", &rights.grant)?;
    let problems = differences_inside(&mut session, source, part)?;
    if !problems.is_empty() {
        return Err(BackupError::Unsound { name: source.name.clone(), problems }.into());
    }
    if part.scope != Scope::Everything {
        // Somebody may have come to depend on it since we looked.
        let problems = obstacles(&mut session, &Scope::Schema(ASIDE.to_owned()))?;
        if !problems.is_empty() {
            return Err(BackupError::CannotRestore { name: source.name.clone(), problems }.into());
        }
        let old = quote_identifier(ASIDE);
        session.run("drop what was replaced", &format!("DROP SCHEMA {old} CASCADE"))?;
    }
    last(&mut session)?;
    source.is_unchanged()?;
    world.interrupt.check()?;
    let subject = part.scope.describe();
    transaction.commit(world, &mut session, &format!("the restore of {subject}"))?;
    world.tell(Event::Finished { done: "Replaced", subject, elapsed: began.elapsed() });
    Ok(())
}

/// Takes what is replaced out of the way.
fn put_aside(session: &mut Session, part: &Part) -> Result<Vec<ForeignKey>> {
    let scope = &part.scope;
    let aside = quote_identifier(ASIDE);
    let keys = if *scope == Scope::Everything { Vec::new() } else { foreign_keys(session, scope)? };
    for ForeignKey { table, name, .. } in &keys {
        session.run(
            "take a foreign key off",
            &format!("ALTER TABLE {table} DROP CONSTRAINT {name}"),
        )?;
    }
    match scope {
        Scope::Everything => drop_everything(session)?,
        Scope::Table { .. } => {
            let exists = format!("SELECT to_regclass({})", quote_literal(&scope.qualified()));
            let move_it = if session.value("look for the table", &exists)?.is_some() {
                format!("ALTER TABLE {} SET SCHEMA {aside}", scope.qualified())
            } else {
                String::new()
            };
            session.run("put the table aside", &format!("CREATE SCHEMA {aside}; {move_it}"))?;
            let statistics = format!(
                include_str!("sql/statistics.sql"),
                aside = aside,
                literal = quote_literal(&aside)
            );
            for statement in session.column("list statistics", &statistics)? {
                session.run("put statistics aside", &statement)?;
            }
        }
        Scope::Schema(schema) => put_schema_aside(session, schema, &part.of_schema)?,
    }
    Ok(keys)
}

/// Renames a schema, and makes one like it: same owner, comment and rights, same extensions.
fn put_schema_aside(session: &mut Session, schema: &str, anew: &[Statement]) -> Result<()> {
    let (name, aside) = (quote_identifier(schema), quote_identifier(ASIDE));
    let sql = format!(include_str!("sql/schema.sql"), schema = quote_literal(schema));
    let [about, rights, extensions] = session.sets("look at the schema", &sql)?;
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
    session.run("put the schema aside", &statements.join("; "))
}

/// Drops every schema, and what a dump makes outside of them; the schema `public` stays, empty. An
/// extension may have gone with another one.
fn drop_everything(session: &mut Session) -> Result<()> {
    let sql = include_str!("sql/outside_of_schemas.sql");
    let schemas = "SELECT nspname FROM pg_namespace \
                   WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'";
    for statement in session.column("list what goes", sql)? {
        session.run("drop what the backup brings back", &statement)?;
    }
    for schema in session.column("list the schemas", schemas)? {
        if schema == "public" {
            put_schema_aside(session, &schema, &[])?;
            session.run(
                "drop a schema",
                &format!("DROP SCHEMA {} CASCADE", quote_identifier(ASIDE)),
            )?;
        } else {
            session.run(
                "drop a schema",
                &format!("DROP SCHEMA {} CASCADE", quote_identifier(&schema)),
            )?;
        }
    }
    Ok(())
}

/// How the rows that this transaction sees differ from the manifest's. They are read as `pg_dump`
/// reads them, because so they were when they were counted.
fn differences_inside(session: &mut Session, source: &Source, part: &Part) -> Result<Vec<String>> {
    let scope = &part.scope;
    let Some(manifest) = &source.manifest else { return Ok(Vec::new()) };
    let settings = "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3; \
        SET row_security = off; SET timezone = 'UTC'; SET bytea_output = hex; \
        SET lc_monetary = 'C'";
    session.run("prepare the comparison", settings)?;
    let mut problems = Vec::new();
    for (table, expected) in &manifest.tables {
        if is_inside(table, scope) {
            let found = entry_of(session, table)?;
            if found != *expected {
                let (rows, wanted) = (found.rows, expected.rows);
                problems.push(format!(
                    "rows: {table} has {rows} rows that are not the {wanted} of the backup"
                ));
            }
        }
    }
    for (sequence, expected) in &manifest.sequences {
        let name = qualified_name(&words(sequence)).unwrap_or_default();
        let is_ours = part.sequences.contains(&name) || is_inside(sequence, scope);
        if is_ours && sequence_value(session, sequence)? != *expected {
            problems.push(format!("sequences: {sequence} does not stand at {expected}"));
        }
    }
    Ok(problems)
}

/// Where a sequence stands, as a manifest says it.
fn sequence_value(session: &mut Session, sequence: &str) -> Result<String> {
    let sql = format!("SELECT last_value, is_called FROM {sequence}");
    let row = session.one("look at a sequence", &sql)?;
    Ok(format!("{},{}", row.number::<i64>("last_value")?, row.flag("is_called")?))
}

fn is_inside(table: &str, scope: &Scope) -> bool {
    let words = words(table);
    match (scope, words.as_slice()) {
        (Scope::Everything, _) => true,
        (Scope::Schema(schema), [of, _, _]) => of == schema,
        (Scope::Table { schema, table }, [of, _, name]) => of == schema && name == table,
        _ => false,
    }
}

fn entry_of(session: &mut Session, table: &str) -> Result<TableEntry> {
    let columns = format!(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
         WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped \
           AND attgenerated = ''",
        quote_literal(table)
    );
    let columns =
        session.value("list the columns", &columns)?.map(|columns| format!(" ({columns})"));
    let statement = format!("COPY {table}{} TO stdout", columns.unwrap_or_default());
    let mut found = Rows::default();
    session.copy_out_lines("read the rows back", &statement, &mut |line| found.add(line))?;
    Ok(found.entry())
}
