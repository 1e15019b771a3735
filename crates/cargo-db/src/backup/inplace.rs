//! Restoring into the database itself, in one transaction: a table, a schema, or everything. What is
//! replaced stays until the new rows were compared with the manifest; any failure before the commit
//! leaves the database as it was.

use pg_logical::content::{Rows, TableEntry};
use pg_sql::lexer::words;

use crate::backup::part::{Part, Scope, part_of};
use crate::backup::restore::load;
use crate::backup::source::Source;
use crate::failure::{Kind, Result};
use crate::migration::losses_where;
use crate::model::event::Event;
use crate::model::target::Target;
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
pub(crate) fn look(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    scope: Scope,
) -> Result<Part> {
    let mut part = part_of(world, settings, source, scope)?;
    let mut session = Session::open(world, target, Purpose::Read)?;
    session.run("prepare the session", "SET search_path = ''")?;
    let problems = obstacles(&mut session, &part.scope)?;
    if !problems.is_empty() {
        return Err(Kind::CannotRestore { name: source.name.clone(), problems }.into());
    }
    part.losses = losses_where(&mut session, &settings.migrations.layout, &part.scope.relations())?;
    Ok(part)
}

/// The rights that new objects get by themselves. While a part is loaded there must be none: a dump says
/// what each object's rights are, and counts on PostgreSQL's own defaults.
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
        let sql = format!(
            "SELECT 'ALTER DEFAULT PRIVILEGES FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)) \
                    || coalesce(' IN SCHEMA ' || quote_ident(n.nspname), '') AS head, \
                    a.privilege_type || ' ON ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' \
                        WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END AS privilege, \
                    CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END AS grantee, \
                    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option \
             FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a \
             WHERE a.grantee <> d.defaclrole AND {which} \
               AND NOT (d.defaclnamespace = 0 AND a.grantee = 0 AND d.defaclobjtype IN ('f', 'T'))"
        );
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
            let of = |column: &str| format!("{column} = (SELECT oid FROM pg_namespace WHERE nspname = {schema})");
            (of("t.typnamespace"), of("p.pronamespace"))
        }
        _ => ("t.oid IN (SELECT reltype FROM inside) OR t.typelem IN (SELECT reltype FROM inside WHERE reltype <> 0)".to_owned(), "false".to_owned()),
    };
    let sql = format!(
        "WITH inside AS (SELECT c.oid, c.reltype FROM pg_class c WHERE {relations}), \
         of_extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e'), \
         types AS (SELECT t.oid FROM pg_type t WHERE ({types}) \
             AND ('pg_type'::regclass, t.oid) NOT IN (SELECT classid, objid FROM of_extension)), \
         routines AS (SELECT p.oid FROM pg_proc p WHERE {routines} \
             AND ('pg_proc'::regclass, p.oid) NOT IN (SELECT classid, objid FROM of_extension)), \
         used AS (SELECT d.classid, d.objid FROM pg_depend d WHERE d.deptype = 'n' AND ( \
             d.refclassid = 'pg_class'::regclass AND d.refobjid IN (SELECT oid FROM inside) \
             OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT oid FROM types) \
             OR d.refclassid = 'pg_proc'::regclass AND d.refobjid IN (SELECT oid FROM routines))), \
         homes AS (SELECT u.*, k.contype, CASE u.classid WHEN 'pg_class'::regclass THEN u.objid \
             WHEN 'pg_constraint'::regclass THEN k.conrelid \
             WHEN 'pg_rewrite'::regclass THEN (SELECT ev_class FROM pg_rewrite WHERE oid = u.objid) \
             WHEN 'pg_trigger'::regclass THEN (SELECT tgrelid FROM pg_trigger WHERE oid = u.objid) \
             WHEN 'pg_policy'::regclass THEN (SELECT polrelid FROM pg_policy WHERE oid = u.objid) \
             WHEN 'pg_attrdef'::regclass THEN (SELECT adrelid FROM pg_attrdef WHERE oid = u.objid) END AS home \
             FROM used u LEFT JOIN pg_constraint k ON u.classid = 'pg_constraint'::regclass AND k.oid = u.objid) \
         SELECT DISTINCT 'depends: ' || replace(pg_describe_object(classid, objid, 0), 'rule _RETURN on ', '') || ' would lose what it stands on; drop it first' \
         FROM homes WHERE coalesce(home NOT IN (SELECT oid FROM inside), true) AND contype IS DISTINCT FROM 'f' \
           AND (home IS NOT NULL OR (pg_identify_object(classid, objid, 0)).schema IS DISTINCT FROM quote_ident({own})) \
           AND (classid, objid) NOT IN (SELECT classid, objid FROM of_extension) \
         UNION ALL SELECT 'partitions: ' || c.oid::regclass || ' is a part of a table outside, or has its parts there; restore them together' \
         FROM pg_class c WHERE {relations} AND c.relkind IN ('r', 'p') AND EXISTS (SELECT 1 FROM pg_inherits h \
             WHERE h.inhrelid = c.oid AND h.inhparent NOT IN (SELECT oid FROM inside) \
                OR h.inhparent = c.oid AND h.inhrelid NOT IN (SELECT oid FROM inside)) \
         UNION ALL SELECT 'extension: ' || e.extname || ' is in the schema and cannot be moved out' \
         FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE NOT e.extrelocatable AND n.nspname = {own} \
         ORDER BY 1",
        relations = scope.relations(),
        own = quote_literal(if let Scope::Schema(schema) = scope { schema } else { "" }),
    );
    session.column("look for what depends on it", &sql)
}

/// The foreign keys from outside, which the new table gets again.
fn foreign_keys(session: &mut Session, scope: &Scope) -> Result<Vec<ForeignKey>> {
    let sql = format!(
        "WITH inside AS (SELECT c.oid FROM pg_class c WHERE {}) \
         SELECT conrelid::regclass, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE contype = 'f' AND conparentid = 0 AND confrelid IN (SELECT oid FROM inside) \
           AND conrelid NOT IN (SELECT oid FROM inside)",
        scope.relations()
    );
    let rows = session.rows("look for foreign keys", &sql)?;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let key = |row: &Row| ForeignKey {
        table: text(&row[0]),
        name: text(&row[1]),
        definition: text(&row[2]),
    };
    Ok(rows.iter().map(key).collect())
}

/// A part that nobody else writes to any more, and the transaction that sees to it.
pub(crate) struct Locked<'a> {
    session: Session,
    transaction: Transaction,
    part: &'a Part,
}

/// Begins the transaction, in which nobody else writes to what is replaced any more. Others can still
/// read it, and so can a backup.
pub(crate) fn begin<'a>(
    world: &World,
    settings: &Settings,
    target: &Target,
    part: &'a Part,
) -> Result<Locked<'a>> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    let limit = settings.limits.ddl_lock_timeout.value.as_millis();
    let prepare = format!(
        "SET search_path = ''; SET client_min_messages = warning; SET lock_timeout = {limit}; \
         SET lc_monetary = 'C'"
    );
    session.run("prepare the session", &prepare)?;
    let transaction = Transaction::begin(&mut session)?;
    let sql = format!(
        "WITH inside AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' \
               AND n.nspname NOT IN ('information_schema', 'cargo_db') AND {}) \
         SELECT oid::regclass FROM inside UNION SELECT conrelid::regclass FROM pg_constraint \
         WHERE contype = 'f' AND confrelid IN (SELECT oid FROM inside)",
        part.scope.relations()
    );
    let names = session.column("list what is replaced", &sql)?;
    if !names.is_empty() {
        let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", names.join(", "));
        session.run("lock what is replaced", &lock)?;
    }
    Ok(Locked { session, transaction, part })
}

/// Replaces the part, in the transaction that locked it; `last` is done in it before the commit.
pub(crate) fn replace(
    world: &World,
    settings: &Settings,
    locked: Locked<'_>,
    source: &Source,
    last: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    let Locked { mut session, transaction, part } = locked;
    let began = stopwatch();
    world.tell(Event::Started { doing: "Replacing", subject: part.scope.describe() });
    let rights = DefaultRights::of(&mut session, &part.scope)?;
    session.run("set default privileges aside", &rights.revoke)?;
    let keys = put_aside(&mut session, part)?;
    if part.scope == Scope::Everything {
        load(world, &mut session, source.text(world, settings)?, true)?;
    } else {
        for statement in &part.before {
            session.run("make anew what is replaced", &statement.text)?;
        }
        load(
            world,
            &mut session,
            Box::new(source.archive_text(world, settings, &part.data)?),
            true,
        )?;
        for statement in &part.after {
            session.run("finish what is replaced", &statement.text)?;
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
        return Err(Kind::Unsound { name: source.name.clone(), problems }.into());
    }
    if part.scope != Scope::Everything {
        // Somebody may have come to depend on it since we looked.
        let problems = obstacles(&mut session, &Scope::Schema(ASIDE.to_owned()))?;
        if !problems.is_empty() {
            return Err(Kind::CannotRestore { name: source.name.clone(), problems }.into());
        }
        let old = quote_identifier(ASIDE);
        session.run("drop what was replaced", &format!("DROP SCHEMA {old} CASCADE"))?;
    }
    last(&mut session)?;
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
            // Statistics do not move with their table.
            let statistics = format!(
                "SELECT 'ALTER STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) || ' SET SCHEMA {aside}' \
                 FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace JOIN pg_class c ON c.oid = s.stxrelid \
                 WHERE c.relnamespace = {}::regnamespace",
                quote_literal(&aside)
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
    let (literal, name, aside) =
        (quote_literal(schema), quote_identifier(schema), quote_identifier(ASIDE));
    let sql = format!(
        "SELECT quote_ident(pg_get_userbyid(nspowner)), coalesce(quote_literal(obj_description(oid, 'pg_namespace')), 'NULL') \
         FROM pg_namespace WHERE nspname = {literal}; \
         SELECT a.privilege_type, CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.is_grantable \
         FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = {literal}; \
         SELECT quote_ident(e.extname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = {literal}"
    );
    let sets = session.result_sets("look at the schema", &sql)?;
    let [about, rights, extensions] = sets.as_slice() else {
        return Err(Kind::Bug { what: "the server answered other questions".to_owned() }.into());
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
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
            statements.push(format!("ALTER SCHEMA {name} OWNER TO {}", text(&row[0])));
            statements.push(format!("COMMENT ON SCHEMA {name} IS {}", text(&row[1])));
        }
    }
    for row in rights {
        let option = if row[2].as_deref() == Some("t") { " WITH GRANT OPTION" } else { "" };
        statements.push(format!(
            "GRANT {} ON SCHEMA {name} TO {}{option}",
            text(&row[0]),
            text(&row[1])
        ));
    }
    let moved =
        extensions.iter().map(|row| format!("ALTER EXTENSION {} SET SCHEMA {name}", text(&row[0])));
    statements.extend(moved);
    session.run("put the schema aside", &statements.join("; "))
}

/// Drops every schema, and what a dump makes outside of them; the schema `public` stays, empty. An
/// extension may have gone with another one.
fn drop_everything(session: &mut Session) -> Result<()> {
    let sql = "SELECT 'DROP EXTENSION IF EXISTS ' || quote_ident(extname) || ' CASCADE' FROM pg_extension WHERE extname <> 'plpgsql' \
         UNION ALL SELECT 'DROP PUBLICATION ' || quote_ident(pubname) FROM pg_publication \
         UNION ALL SELECT 'DROP EVENT TRIGGER ' || quote_ident(evtname) FROM pg_event_trigger \
         UNION ALL SELECT 'SELECT lo_unlink(' || oid || ')' FROM pg_largeobject_metadata";
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'";
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
        SET row_security = off; SET timezone = 'UTC'; SET bytea_output = hex; SET lc_monetary = 'C'";
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
    let rows = session
        .rows("look at a sequence", &format!("SELECT last_value, is_called FROM {sequence}"))?;
    let text = |value: Option<&Option<String>>| value.cloned().flatten().unwrap_or_default();
    let row = rows.first();
    let called = text(row.and_then(|row| row.get(1))) == "t";
    Ok(format!("{},{called}", text(row.and_then(|row| row.first()))))
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
         WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        quote_literal(table)
    );
    let columns =
        session.value("list the columns", &columns)?.map(|columns| format!(" ({columns})"));
    let statement = format!("COPY {table}{} TO stdout", columns.unwrap_or_default());
    let mut found = Rows::default();
    session.copy_out_lines("read the rows back", &statement, &mut |line| found.add(line))?;
    Ok(found.entry())
}
