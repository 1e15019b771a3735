//! Restoring into the database itself, in one transaction: a table, a schema, or everything. What is
//! replaced stays until the new rows were compared with the manifest; any failure before the commit
//! leaves the database as it was.

use pg_logical::content::{Rows, TableEntry};
use pg_logical::lexer::words;
use pg_logical::script::{ScriptReader, Statement};

use crate::backup::restore::load;
use crate::backup::source::Source;
use crate::failure::{Kind, Result};
use crate::migration::losses_where;
use crate::model::event::Event;
use crate::model::layout::{quote_identifier, quote_literal};
use crate::model::seed::qualified_name;
use crate::model::target::Target;
use crate::plan::Loss;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Row, Session};

/// Where what is replaced waits until the new is in.
const ASIDE: &str = "cargo_db_replaced";

/// What is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every schema of the database.
    Everything,
    Schema(String),
    Table {
        schema: String,
        table: String,
    },
}

impl Scope {
    /// As people say it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Scope::Everything => "everything".to_owned(),
            Scope::Schema(schema) => format!("the schema {schema}"),
            Scope::Table { schema, table } => format!("the table {schema}.{table}"),
        }
    }

    /// The condition on `pg_class c` that is true inside.
    fn relations(&self) -> String {
        match self {
            Scope::Everything => "true".to_owned(),
            Scope::Schema(schema) => format!(
                "c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {})",
                quote_literal(schema)
            ),
            Scope::Table { .. } => format!("c.oid = to_regclass({})", quote_literal(&self.qualified())),
        }
    }

    /// The quoted name of what is replaced.
    fn qualified(&self) -> String {
        match self {
            Scope::Everything => String::new(),
            Scope::Schema(schema) => quote_identifier(schema),
            Scope::Table { schema, table } => {
                format!("{}.{}", quote_identifier(schema), quote_identifier(table))
            }
        }
    }
}

/// A foreign key from outside, which is taken off and put on again.
struct ForeignKey {
    table: String,
    name: String,
    definition: String,
}

/// What a part of a backup is, and what it meets in the database.
pub(crate) struct Part {
    scope: Scope,
    /// What comes before the rows, and after them; empty for everything.
    before: Vec<Statement>,
    after: Vec<Statement>,
    /// The arguments that make `pg_restore` write the rows.
    data: Vec<String>,
    /// Of a table: the sequences that its columns own.
    sequences: Vec<String>,
    /// The tables that go, with their rows.
    pub(crate) losses: Vec<Loss>,
}

impl Part {
    /// What a consent is about.
    pub(crate) fn fingerprint(&self) -> String {
        self.before.iter().chain(&self.after).map(|statement| statement.text.as_str()).collect()
    }
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
    part.losses = losses_where(&mut session, &part.scope.relations())?;
    Ok(part)
}

/// Reads the definitions of the part out of the backup.
fn part_of(world: &World, settings: &Settings, source: &Source, scope: Scope) -> Result<Part> {
    let mut part =
        Part { scope, before: vec![], after: vec![], data: vec![], sequences: vec![], losses: vec![] };
    let Some(schema) = (match &part.scope {
        Scope::Everything => None,
        Scope::Schema(schema) | Scope::Table { schema, .. } => Some(schema.clone()),
    }) else {
        return Ok(part);
    };
    let of_schema = format!("--schema={schema}");
    let section = |section: &str| -> Result<Vec<Statement>> {
        let arguments = [of_schema.clone(), format!("--section={section}")];
        let text = source.archive_text(world, settings, &arguments)?;
        let mut reader = ScriptReader::of_dump(Box::new(text));
        let mut statements = Vec::new();
        while let Some(statement) = reader.next_statement().map_err(|error| unreadable(&error))? {
            statements.push(statement);
        }
        Ok(statements)
    };
    (part.before, part.after) = (section("pre-data")?, section("post-data")?);
    part.data = vec![of_schema, "--section=data".to_owned()];
    if let Scope::Table { table, .. } = &part.scope {
        let owned = owned_sequences(&part.before, &format!("{schema}.{table}"));
        part.data.push(format!("--table={table}"));
        // A name may hold dots; a schema's is known.
        let unqualified = |name: &String| name.get(schema.len() + 1..).map(|name| format!("--table={name}"));
        part.data.extend(owned.iter().filter_map(unqualified));
        part.sequences.clone_from(&owned);
        let names: Vec<String> = owned.into_iter().chain([format!("{schema}.{table}")]).collect();
        // The settings at the top belong to everybody.
        part.before.retain(|statement| is_setting(statement) || is_about(statement, &names));
        part.after.retain(|statement| is_setting(statement) || is_about(statement, &names));
    }
    if part.before.iter().all(is_setting) {
        let problems = vec![format!("part: {} is not in the backup", part.scope.describe())];
        return Err(Kind::CannotRestore { name: source.name.clone(), problems }.into());
    }
    Ok(part)
}

fn unreadable(error: &pg_logical::script::ScriptError) -> Kind {
    Kind::Backup { doing: "read", why: error.to_string() }
}

fn is_setting(statement: &Statement) -> bool {
    let first = statement.text.split_whitespace().next().unwrap_or_default();
    first == "SET" || statement.text.starts_with("SELECT pg_catalog.set_config(")
}

/// The sequences that a table's columns own: those of serial columns and of identities.
fn owned_sequences(statements: &[Statement], table: &str) -> Vec<String> {
    let owned = |statement: &Statement| {
        let words = words(&statement.text);
        let after = |pair: [&str; 2]| {
            let at = words.windows(2).position(|words| words == pair)?;
            qualified_name(&words[at + 2..])
        };
        match words.get(1).map(String::as_str) {
            Some("sequence") if after(["owned", "by"])? == table => qualified_name(&words[2..]),
            Some("table") if qualified_name(&words[2..])? == table => after(["sequence", "name"]),
            _ => None,
        }
    };
    statements.iter().filter_map(owned).collect()
}

/// Whether a statement of a dump is about one of these relations: defines it, changes it, stands on it.
fn is_about(statement: &Statement, names: &[String]) -> bool {
    let words = words(&statement.text);
    let second = words.get(1).map_or("", String::as_str);
    if matches!(words.first().map(String::as_str), Some("create"))
        && matches!(second, "view" | "materialized" | "function" | "procedure" | "or" | "aggregate")
    {
        return false;
    }
    let leads = |word: &str| match word {
        "table" | "only" | "sequence" | "column" | "on" => true,
        "from" => second == "statistics",
        "to" => second == "rule",
        _ => false,
    };
    // The first name decides: what follows `REFERENCES` is somebody else.
    let mut subjects = words.iter().enumerate().filter(|(_, word)| leads(word));
    subjects.any(|(at, _)| qualified_name(&words[at + 1..]).is_some_and(|name| names.contains(&name)))
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
    let rows = session.rows("look for what depends on it", &sql)?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
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
    let key = |row: &Row| ForeignKey { table: text(&row[0]), name: text(&row[1]), definition: text(&row[2]) };
    Ok(rows.iter().map(key).collect())
}

/// Replaces the part, in one transaction; `last` is done in it before the commit.
pub(crate) fn replace(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    part: &Part,
    last: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    let began = stopwatch();
    world.tell(Event::Started { doing: "Replacing", subject: part.scope.describe() });
    let mut session = Session::open(world, target, Purpose::Write)?;
    session.run("begin a transaction", "SET search_path = ''; SET client_min_messages = warning; BEGIN")?;
    let keys = put_aside(&mut session, &part.scope)?;
    if part.scope == Scope::Everything {
        load(world, &mut session, source.text(world, settings)?)?;
    } else {
        for statement in &part.before {
            session.run("make anew what is replaced", &statement.text)?;
        }
        load(world, &mut session, Box::new(source.archive_text(world, settings, &part.data)?))?;
        for statement in &part.after {
            session.run("finish what is replaced", &statement.text)?;
        }
    }
    session.run("prepare the session", "SET search_path = ''; SET check_function_bodies = on")?;
    for ForeignKey { table, name, definition } in &keys {
        let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}");
        session.run(&format!("put the foreign key {name} on {table} again"), &sql)?;
    }
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
    session.run("commit", "COMMIT")?;
    let subject = part.scope.describe();
    world.tell(Event::Finished { done: "Replaced", subject, elapsed: began.elapsed() });
    Ok(())
}

/// Takes what is replaced out of the way.
fn put_aside(session: &mut Session, scope: &Scope) -> Result<Vec<ForeignKey>> {
    let aside = quote_identifier(ASIDE);
    let keys = if *scope == Scope::Everything { Vec::new() } else { foreign_keys(session, scope)? };
    for ForeignKey { table, name, .. } in &keys {
        session.run("take a foreign key off", &format!("ALTER TABLE {table} DROP CONSTRAINT {name}"))?;
    }
    match scope {
        Scope::Everything => drop_everything(session)?,
        Scope::Table { .. } => {
            let exists = format!("SELECT to_regclass({})", quote_literal(&scope.qualified()));
            let rows = session.rows("look for the table", &exists)?;
            let move_it = if rows.iter().any(|row| row[0].is_some()) {
                format!("ALTER TABLE {} SET SCHEMA {aside}", scope.qualified())
            } else {
                String::new()
            };
            session.run("put the table aside", &format!("CREATE SCHEMA {aside}; {move_it}"))?;
        }
        Scope::Schema(schema) => put_schema_aside(session, schema)?,
    }
    Ok(keys)
}

/// Renames a schema, and makes one like it: same owner, comment and rights, same extensions.
fn put_schema_aside(session: &mut Session, schema: &str) -> Result<()> {
    let (literal, name, aside) = (quote_literal(schema), quote_identifier(schema), quote_identifier(ASIDE));
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
        None => statements.push(format!("CREATE SCHEMA {aside}; CREATE SCHEMA {name}")),
        Some(row) => {
            statements.push(format!("ALTER SCHEMA {name} RENAME TO {aside}; CREATE SCHEMA {name}"));
            statements.push(format!("ALTER SCHEMA {name} OWNER TO {}", text(&row[0])));
            statements.push(format!("COMMENT ON SCHEMA {name} IS {}", text(&row[1])));
        }
    }
    for row in rights {
        let option = if row[2].as_deref() == Some("t") { " WITH GRANT OPTION" } else { "" };
        statements.push(format!("GRANT {} ON SCHEMA {name} TO {}{option}", text(&row[0]), text(&row[1])));
    }
    let moved = extensions.iter().map(|row| format!("ALTER EXTENSION {} SET SCHEMA {name}", text(&row[0])));
    statements.extend(moved);
    session.run("put the schema aside", &statements.join("; "))
}

/// Drops every schema, and what a dump makes outside of them; the schema `public` stays, empty.
fn drop_everything(session: &mut Session) -> Result<()> {
    let sql = "SELECT 'DROP EXTENSION ' || quote_ident(extname) || ' CASCADE' FROM pg_extension WHERE extname <> 'plpgsql' \
         UNION ALL SELECT 'DROP PUBLICATION ' || quote_ident(pubname) FROM pg_publication \
         UNION ALL SELECT 'DROP EVENT TRIGGER ' || quote_ident(evtname) FROM pg_event_trigger \
         UNION ALL SELECT 'SELECT lo_unlink(' || oid || ')' FROM pg_largeobject_metadata";
    let schemas = "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'";
    // An extension may have gone with another one.
    for row in session.rows("list what goes", sql)? {
        let statement = row[0].clone().unwrap_or_default().replacen("EXTENSION ", "EXTENSION IF EXISTS ", 1);
        session.run("drop what the backup brings back", &statement)?;
    }
    for row in session.rows("list the schemas", schemas)? {
        let schema = row[0].clone().unwrap_or_default();
        if schema == "public" {
            put_schema_aside(session, &schema)?;
            session.run("drop a schema", &format!("DROP SCHEMA {} CASCADE", quote_identifier(ASIDE)))?;
        } else {
            session.run("drop a schema", &format!("DROP SCHEMA {} CASCADE", quote_identifier(&schema)))?;
        }
    }
    Ok(())
}

/// How the rows that this transaction sees differ from the manifest's. They are read as `pg_dump`
/// reads them, because so they were when they were counted.
fn differences_inside(session: &mut Session, source: &Source, part: &Part) -> Result<Vec<String>> {
    let scope = &part.scope;
    let Some(manifest) = &source.manifest else { return Ok(Vec::new()) };
    let settings = "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3; SET row_security = off";
    session.run("prepare the comparison", settings)?;
    let mut problems = Vec::new();
    for (table, expected) in &manifest.tables {
        if is_inside(table, scope) {
            let found = entry_of(session, table)?;
            if found != *expected {
                let (rows, wanted) = (found.rows, expected.rows);
                problems
                    .push(format!("rows: {table} has {rows} rows that are not the {wanted} of the backup"));
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
    let rows =
        session.rows("look at a sequence", &format!("SELECT last_value, is_called FROM {sequence}"))?;
    let text = |value: Option<&Option<String>>| value.cloned().flatten().unwrap_or_default();
    let row = rows.first();
    let called = text(row.and_then(|row| row.get(1))) == "t";
    Ok(format!("{},{called}", text(row.and_then(|row| row.first()))))
}

fn is_inside(table: &str, scope: &Scope) -> bool {
    let name = qualified_name(&words(table)).unwrap_or_default();
    match scope {
        Scope::Everything => true,
        Scope::Schema(schema) => name.starts_with(&format!("{schema}.")),
        Scope::Table { schema, table } => name == format!("{schema}.{table}"),
    }
}

fn entry_of(session: &mut Session, table: &str) -> Result<TableEntry> {
    let columns = format!(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute \
         WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        quote_literal(table)
    );
    let rows = session.rows("list the columns", &columns)?;
    let columns = rows.first().and_then(|row| row[0].clone()).map(|columns| format!(" ({columns})"));
    let statement = format!("COPY {table}{} TO stdout", columns.unwrap_or_default());
    let mut found = Rows::default();
    session.copy_out_lines("read the rows back", &statement, &mut |line| found.add(line))?;
    Ok(found.entry())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_of_one_table_are_told_from_all_others() {
        let names = ["public.users".to_owned(), "public.users_id_seq".to_owned()];
        let about = |text: &str| is_about(&Statement { text: text.to_owned(), line: 1, column: 1 }, &names);
        for ours in [
            "CREATE TABLE public.users (id bigint)",
            "ALTER TABLE ONLY public.users ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES public.other(id)",
            "CREATE SEQUENCE public.users_id_seq",
            "ALTER SEQUENCE public.users_id_seq OWNED BY public.users.id",
            "COMMENT ON COLUMN public.users.id IS 'x'",
            "COMMENT ON CONSTRAINT c ON public.users IS 'x'",
            "GRANT SELECT ON TABLE public.users TO reader",
            "CREATE UNIQUE INDEX i ON public.users USING btree (id)",
            "CREATE TRIGGER t AFTER INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.f()",
            "CREATE POLICY p ON public.users USING (true)",
        ] {
            assert!(about(ours), "{ours}");
        }
        for other in [
            "CREATE TABLE public.users2 (id bigint)",
            "ALTER TABLE ONLY public.orders ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES public.users(id) ON DELETE CASCADE",
            "CREATE VIEW public.v AS SELECT users.id FROM ONLY public.users",
            "CREATE POLICY p ON public.orders USING ((EXISTS ( SELECT 1 FROM public.users)))",
        ] {
            assert!(!about(other), "{other}");
        }
    }
}
