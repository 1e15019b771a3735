//! Restoring into the database itself, in one transaction: a table, a schema, or everything. What
//! is replaced stays until the new rows were compared with the manifest; any failure before the
//! commit leaves the database as it was.

use pg_logical::content::{TableEntry, TableRows};
use pg_sql::lexer::words;

use crate::backup::aside::{ASIDE, ForeignKey, set_aside_part};
use crate::backup::load::{LoadOptions, LoadTransactions, load};
use crate::backup::owners::Owners;
use crate::backup::part::{BackupPart, RestoreScope, part_of};
use crate::backup::publications::{Publications, publishes};
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, Result};
use crate::migration::losses_where;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::plan::Loss;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Session, Transaction};
use pg_sql::left_out::LeftOut;
use pg_sql::name::qualified_name;
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::Statement;

/// Gathers facts about the backup and the database; reports all problems at once.
pub(crate) fn gather(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    scope: RestoreScope,
) -> Result<BackupPart> {
    let mut part = part_of(world, settings, source, scope)?;
    let mut session = Session::open(world, target, Purpose::Read)?;
    let mut problems = obstacles(&mut session, &part.scope)?;
    problems.extend(Publications::of(&mut session, &part.scope)?.obstacles());
    if !source.wanted.left_out.owners {
        let owners = Owners::of(part.before.iter().chain(&part.after));
        problems.extend(owners.problems(&mut session, "pass `--no-owner`")?);
    }
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
    fn of(session: &mut Session, scope: &RestoreScope, left_out: LeftOut) -> Result<DefaultRights> {
        let own = "d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)";
        let which = match scope {
            // If everything is replaced, no dump restores default privileges of a schema, and no
            // privilege depends on their absence.
            RestoreScope::Everything if left_out.privileges => {
                format!("{own} AND d.defaclnamespace = 0")
            }
            RestoreScope::Everything => {
                format!("({own} OR d.defaclnamespace <> 0 AND pg_has_role(d.defaclrole, 'USAGE'))")
            }
            // Those of the schema belong to the new one.
            RestoreScope::Schema(schema) => {
                format!(
                    "({own} AND d.defaclnamespace = 0 OR n.nspname = {})",
                    quote_literal(schema)
                )
            }
            RestoreScope::Table { schema, .. } => {
                format!(
                    "{own} AND (d.defaclnamespace = 0 OR n.nspname = {})",
                    quote_literal(schema)
                )
            }
        };
        let sql = format!(include_str!("sql/default_privileges.sql"), which = which);
        let (mut revoke, mut grant) = (Vec::new(), Vec::new());
        for row in session.rows("read default privileges", &sql)? {
            let (head, right) = (row.text("head")?, row.text("privilege")?);
            let (grantee, option) = (row.text("grantee")?, row.text("option")?);
            revoke.push(format!("{head} REVOKE {right} FROM {grantee}"));
            // The dump restores those of schemas, and usually the schemas too.
            if *scope != RestoreScope::Everything || !row.flag("is_of_schema")? {
                grant.push(format!("{head} GRANT {right} TO {grantee}{option}"));
            }
        }
        Ok(DefaultRights { revoke: revoke.join("; "), grant: grant.join("; ") })
    }
}

/// What depends on the part from outside and cannot be taken off and put on again.
fn obstacles(session: &mut Session, scope: &RestoreScope) -> Result<Vec<String>> {
    if *scope == RestoreScope::Everything {
        return Ok(Vec::new());
    }
    let (types, routines) = match scope {
        RestoreScope::Schema(schema) => {
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
        own = quote_literal(if let RestoreScope::Schema(schema) = scope { schema } else { "" }),
    );
    session.column("find what depends on it", &sql)
}

/// A part that other sessions cannot write to until the end of the transaction.
pub(crate) struct LockedScope {
    session: Session,
    transaction: Transaction,
    part: BackupPart,
}

impl LockedScope {
    /// What is lost, counted while other sessions cannot add to it.
    pub(crate) fn losses(&mut self, settings: &Settings) -> Result<Vec<Loss>> {
        let layout = &settings.migrations.layout;
        losses_where(&mut self.session, layout, &self.part.scope.relations())
    }
}

/// Begins the transaction in which other sessions cannot write to what is replaced. They can still
/// read it, and so can a backup.
pub(crate) fn begin(
    world: &World,
    settings: &Settings,
    target: &Target,
    part: BackupPart,
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
    source: &RestoreSource,
    last: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    let LockedScope { mut session, transaction, part } = locked;
    let part = &part;
    let began = stopwatch();
    world.emit(Event::Started { doing: "Replacing", subject: part.scope.describe() });
    let rights = DefaultRights::of(&mut session, &part.scope, source.wanted.left_out)?;
    session.run("set default privileges aside", &rights.revoke)?;
    let publications = Publications::of(&mut session, &part.scope)?;
    publications.take_off(&mut session)?;
    let (keys, kept) = set_aside_part(&mut session, part)?;
    let loading = |left_out| LoadOptions {
        name: &source.name,
        within: LoadTransactions::Transaction,
        wanted: source.wanted,
        left_out,
    };
    if part.scope == RestoreScope::Everything {
        let text = source.text_to_load(world, settings)?;
        let stays = |statement: &Statement| kept.leaves_out(statement);
        load(world, &mut session, text, &loading(&stays))?;
    } else {
        for statement in &part.before {
            session.statement("recreate what is replaced", &statement.text)?;
        }
        let text = Box::new(source.archive_text(world, settings, &part.data)?);
        load(world, &mut session, text, &loading(&|_| false))?;
        for statement in part.after.iter().filter(|statement| !publishes(statement)) {
            session.statement("finish what is replaced", &statement.text)?;
        }
    }
    session.run("prepare the session", "SET search_path = ''; SET check_function_bodies = on")?;
    for ForeignKey { table, name, definition } in &keys {
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}");
        session.run(&format!("put the foreign key {name} on {table} again"), &sql)?;
    }
    publications.put_on(world, &mut session, part)?;
    session.run("set the default privileges again", &rights.grant)?;
    let problems = differences_inside(&mut session, source, part)?;
    if !problems.is_empty() {
        return Err(BackupError::Unsound { name: source.name.clone(), problems }.into());
    }
    if part.scope != RestoreScope::Everything {
        // New dependencies may have been created since the plan was made.
        let problems = obstacles(&mut session, &RestoreScope::Schema(ASIDE.to_owned()))?;
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
    world.emit(Event::Finished { done: "Replaced", subject, elapsed: began.elapsed() });
    Ok(())
}

/// How the rows that this transaction sees differ from the manifest's. They are read as `pg_dump`
/// reads them, because so they were when they were counted.
fn differences_inside(
    session: &mut Session,
    source: &RestoreSource,
    part: &BackupPart,
) -> Result<Vec<String>> {
    let scope = &part.scope;
    let Some(manifest) = &source.manifest else { return Ok(Vec::new()) };
    let settings = "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3; \
        SET row_security = off; SET timezone = 'UTC'; SET bytea_output = hex; \
        SET lc_monetary = 'C'";
    session.run("prepare the comparison", settings)?;
    let mut problems = Vec::new();
    for (table, expected) in &manifest.tables {
        if is_inside(table, scope) {
            let found = entry_of(session, table, expected)?;
            if !found.has_rows_of(expected) {
                let (rows, wanted) = (found.rows, expected.rows);
                problems.push(format!(
                    "rows: {table} has {rows} rows, which differ from the {wanted} of the backup"
                ));
            }
        }
    }
    for (sequence, expected) in &manifest.sequences {
        let name = qualified_name(&words(sequence)).unwrap_or_default();
        let is_ours = part.sequences.contains(&name) || is_inside(sequence, scope);
        if is_ours && sequence_value(session, sequence)? != *expected {
            problems.push(format!("sequences: {sequence} is not at {expected}"));
        }
    }
    Ok(problems)
}

/// The state of a sequence in the form of a manifest.
fn sequence_value(session: &mut Session, sequence: &str) -> Result<String> {
    let sql = format!("SELECT last_value, is_called FROM {sequence}");
    let row = session.one("read a sequence", &sql)?;
    Ok(format!("{},{}", row.number::<i64>("last_value")?, row.flag("is_called")?))
}

fn is_inside(table: &str, scope: &RestoreScope) -> bool {
    let words = words(table);
    match (scope, words.as_slice()) {
        (RestoreScope::Everything, _) => true,
        (RestoreScope::Schema(schema), [of, _, _]) => of == schema,
        (RestoreScope::Table { schema, table }, [of, _, name]) => of == schema && name == table,
        _ => false,
    }
}

fn entry_of(session: &mut Session, table: &str, expected: &TableEntry) -> Result<TableEntry> {
    let sql = format!(include_str!("sql/copied.sql"), table = quote_literal(table));
    let row = session.one("list the columns", &sql)?;
    let named = expected.columns.iter().map(|column| quote_identifier(column));
    // Older manifests do not record the order of the columns.
    let columns = match named.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => row.optional_text("columns")?.unwrap_or_default().to_owned(),
        columns => columns,
    };
    let only = if row.flag("is_partitioned")? { "" } else { "ONLY " };
    let condition = row.optional_text("condition")?.unwrap_or_default();
    let statement = format!("COPY (SELECT {columns} FROM {only}{table} {condition}) TO stdout");
    let mut found = TableRows::default();
    session.copy_out_lines("read the rows back", &statement, &mut |line| found.add(line))?;
    Ok(found.entry(expected.columns.clone()))
}
