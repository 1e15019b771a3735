//! What `pg_dump` writes, and nothing else: an allow-list of the shapes of its statements, from
//! version 14 to 18.
//!
//! The body of a function can contain anything: PostgreSQL runs it when an index, a constraint or a
//! materialized view of the dump calls it. This list only prevents a file from running code
//! directly.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::hidden::{hides_a_name, is_made_along_the_path, is_made_in_catalog};
use crate::lexer::Token;
use crate::path::DumpSearchPath;
use crate::shape::Shape;
use crate::statement::Statement;

/// The beginning of what `ALTER` does to a relation, in the same words for each kind of one.
const RELATIONS: [&str; 5] = [
    "table [ if exists ] [ only ] NAME",
    "foreign table [ if exists ] [ only ] NAME",
    "view [ if exists ] NAME",
    "materialized view [ if exists ] NAME",
    "sequence [ if exists ] NAME",
];

/// What `ALTER` does to a relation.
const CHANGES_OF_RELATIONS: &[&str] = &[
    "add constraint NAME check|unique|primary|foreign|exclude|not ...",
    "alter [ column ] NAME set default|not|statistics|storage|compression ...",
    "alter [ column ] NAME set GROUP",
    "alter [ column ] NAME add generated ...",
    "alter [ column ] NAME drop default",
    "alter [ column ] NAME options GROUP",
    "attach partition NAME for values ...",
    "attach partition NAME default",
    "cluster on NAME",
    "detach partition NAME",
    "disable|enable trigger NAME",
    "disable|enable rule NAME",
    "drop constraint [ if exists ] NAME",
    "enable always|replica trigger|rule NAME",
    "enable|force row level security",
    "inherit NAME",
    "owned by NAME",
    "owner to NAME",
    "replica identity nothing|full|default",
    "replica identity using index NAME",
    "set access method NAME",
    "set logged|unlogged",
    "set without cluster",
    "validate constraint NAME",
];

/// The other statements, each beginning with a unique word.
const OTHERS: &[&str] = &[
    "begin",
    "commit",
    "start transaction",
    "alter index [ if exists ] NAME attach partition NAME",
    "alter index [ if exists ] NAME alter [ column ] VALUE set statistics VALUE",
    "alter default privileges for role NAME [ in schema NAME ] grant|revoke ... on ...",
    "alter domain NAME add constraint ...",
    "alter domain NAME validate constraint NAME",
    "alter event trigger NAME disable|enable [ always|replica ]",
    "alter operator family NAME using NAME add ...",
    "alter publication NAME add table|tables ...",
    "alter statistics NAME set statistics VALUE",
    "alter text search configuration NAME add mapping for ...",
    "alter aggregate|collation|conversion|domain|function|procedure|routine ... owner to NAME",
    "alter schema|server|statistics|type|publication|subscription ... owner to NAME",
    "alter event trigger NAME owner to NAME",
    "alter foreign data wrapper NAME owner to NAME",
    "alter [ procedural ] language NAME owner to NAME",
    "alter large object VALUE owner to NAME",
    "alter operator ... owner to NAME",
    "alter text search configuration|dictionary NAME owner to NAME",
    "alter function|procedure|routine|trigger|index|materialized ... depends on extension NAME",
    "comment on ... is TEXT",
    "comment on ... is null",
    "copy NAME [ COLUMNS ] from stdin",
    "create access method NAME type index|table handler NAME",
    "create aggregate NAME ...",
    "create cast GROUP with|without ...",
    "create collation NAME GROUP",
    "create [ constraint ] trigger NAME ...",
    "create [ default ] conversion NAME for ...",
    "create domain NAME as ...",
    "create event trigger NAME on ...",
    "create extension [ if not exists ] NAME [ with ] [ schema NAME ]",
    "create foreign data wrapper NAME ...",
    "create function|procedure NAME GROUP ...",
    "create [ unique ] index [ if not exists ] NAME on [ only ] NAME ...",
    "create [ or replace ] [ trusted ] [ procedural ] language NAME ...",
    "create materialized view NAME [ COLUMNS ] [ using NAME ] [ with GROUP ] as ... with no data",
    "create operator class|family NAME ...",
    "create operator ... GROUP",
    "create policy NAME on ...",
    "create publication NAME ...",
    "create rule NAME as on ...",
    "create schema [ if not exists ] NAME [ authorization NAME ]",
    "create [ unlogged ] sequence [ if not exists ] NAME ...",
    "create server NAME ...",
    "create statistics NAME ...",
    "create subscription NAME connection TEXT publication ... with ( connect = false ...",
    "create [ unlogged ] table [ if not exists ] NAME GROUP [ inherits GROUP ] \
     [ partition by range|list|hash GROUP ] [ using NAME ] [ with GROUP ]",
    "create [ unlogged ] table NAME of NAME [ GROUP ] [ partition by range|list|hash GROUP ] \
     [ with GROUP ]",
    "create foreign table NAME GROUP [ inherits GROUP ] server NAME [ options GROUP ]",
    "create text search configuration|dictionary|parser|template NAME GROUP",
    "create transform for NAME ...",
    "create type NAME [ as ... ]",
    "create type NAME GROUP",
    "create user mapping for NAME server NAME [ options GROUP ]",
    "create [ or replace ] [ recursive ] view NAME [ COLUMNS ] [ with GROUP ] as ...",
    "drop access|aggregate|cast|collation|conversion|domain|event|extension|foreign ...",
    "drop function|index|language|procedural|materialized|operator|policy|procedure ...",
    "drop publication|rule|schema|sequence|server|statistics|subscription|table|text ...",
    "drop transform|trigger|type|view ...",
    "drop user mapping ...",
    "grant ... on function|procedure|routine|schema|sequence|table|type|domain|language ...",
    "grant ... on foreign|large ...",
    "revoke ... on function|procedure|routine|schema|sequence|table|type|domain|language ...",
    "revoke ... on foreign|large ...",
    "insert into NAME [ COLUMNS ] [ overriding system value ] values ROWS \
     [ on conflict do nothing ]",
    "insert into NAME [ COLUMNS ] default values [ on conflict do nothing ]",
    "refresh materialized view NAME",
    "reset session authorization",
    "security label [ for NAME ] on ... is TEXT",
    "select pg_catalog . lo_close|lo_create|lo_open|lo_unlink|lowrite|lo_from_bytea ARGUMENTS",
    "select pg_catalog . lo_unlink ( oid ) from pg_catalog . pg_largeobject_metadata \
     where oid = VALUE",
    "select pg_catalog . set_config ( 'search_path' , TEXT , false )",
    "select pg_catalog . setval ( TEXT , VALUE , true|false )",
    "select * from pg_catalog . pg_restore_relation_stats|pg_restore_attribute_stats ARGUMENTS",
    "select * from pg_catalog . pg_restore_extended_stats ARGUMENTS",
    "set check_function_bodies|client_encoding|client_min_messages|default_tablespace =|to ...",
    "set default_table_access_method|default_with_oids|row_security|search_path =|to ...",
    "set escape_string_warning|extra_float_digits|standard_conforming_strings|xmloption =|to ...",
    "set idle_in_transaction_session_timeout|lock_timeout|statement_timeout =|to ...",
    "set transaction_timeout|synchronize_seqscans|quote_all_identifiers =|to ...",
    "set session authorization NAME",
    "set session authorization TEXT",
];

/// What `pg_dumpall --roles-only --no-role-passwords` writes.
const ROLES: &[&str] = &[
    "set client_encoding|default_transaction_read_only|standard_conforming_strings = ...",
    "create role NAME",
    "alter role NAME with superuser|nosuperuser inherit|noinherit createrole|nocreaterole \
     createdb|nocreatedb login|nologin replication|noreplication bypassrls|nobypassrls \
     [ connection limit VALUE ] [ valid until TEXT ]",
    "alter role NAME [ in database NAME ] set ...",
    "grant NAME to NAME",
    "grant NAME to NAME with ...",
    "grant NAME to NAME granted by NAME",
    "comment on role NAME is TEXT",
    "security label for NAME on role NAME is TEXT",
    "grant set|alter ... on parameter ... to ...",
];

static ROLE_SHAPES: LazyLock<Vec<Shape>> =
    LazyLock::new(|| ROLES.iter().map(|pattern| Shape::new(pattern)).collect());

/// Whether a statement is one that `pg_dumpall` writes of roles without passwords.
pub fn is_of_roles(statement: &Statement) -> bool {
    let pieces = statement.tokens();
    ROLE_SHAPES.iter().any(|shape| shape.fits(&pieces))
}

/// The shapes, indexed by their first word.
static SHAPES: LazyLock<HashMap<&'static str, Vec<Shape>>> = LazyLock::new(|| {
    let mut shapes: HashMap<&str, Vec<Shape>> = HashMap::new();
    for pattern in OTHERS {
        let first = pattern.split_whitespace().next().unwrap_or_default();
        shapes.entry(first).or_default().push(Shape::new(pattern));
    }
    shapes
});

/// What `ALTER` does to relations: how it begins, and how it ends.
static RELATION_SHAPES: LazyLock<(Vec<Shape>, Vec<Shape>)> = LazyLock::new(|| {
    let begins = RELATIONS.iter().map(|pattern| Shape::new(pattern)).collect();
    (begins, CHANGES_OF_RELATIONS.iter().map(|pattern| Shape::new(pattern)).collect())
});

/// Decides which statements of a dump may run. It has to see all of them in order: where a
/// statement creates an object depends on the search path that earlier statements set.
#[derive(Debug, Default)]
pub struct AllowList {
    path: DumpSearchPath,
}

impl AllowList {
    /// The list for a part of a dump, which is loaded into an existing schema.
    pub fn of_part(schema: &str) -> AllowList {
        let mut list = AllowList::default();
        list.path.has(schema);
        list
    }

    /// Whether the next statement is one that `pg_dump` writes, and creates nothing in
    /// `pg_catalog`.
    pub fn admits(&mut self, statement: &Statement) -> bool {
        !self.makes_in_catalog(statement) && is_of_pg_dump(statement)
    }

    /// Checks the first letter before it splits a statement: most statements, and the long ones,
    /// neither create nor drop nor set anything.
    fn makes_in_catalog(&mut self, statement: &Statement) -> bool {
        let first = statement.text.bytes().next().map(|first| first.to_ascii_lowercase());
        if !matches!(first, Some(b'c' | b'd' | b's')) {
            return false;
        }
        let pieces = statement.tokens();
        self.path.note(&pieces);
        self.path.leads_to_catalog && is_made_along_the_path(&pieces)
    }
}

/// Whether `pg_dump` writes this statement. Statements about the database as a whole are accepted
/// because loading a dump skips them.
fn is_of_pg_dump(statement: &Statement) -> bool {
    let pieces = statement.tokens();
    let Some((Token::Word, first)) = pieces.first() else { return false };
    if hides_a_name(&pieces) || is_made_in_catalog(&pieces) {
        return false;
    }
    let first = first.to_ascii_lowercase();
    let listed = SHAPES
        .get(first.as_str())
        .is_some_and(|known| known.iter().any(|shape| shape.fits(&pieces)));
    listed
        || first == "alter" && has_one_action(&pieces) && alters_relation(&pieces[1..])
        || lifts_limit(&pieces)
        || statement.is_about_database()
}

/// Whether it takes a limit of time away: newer versions have more of them.
fn lifts_limit(pieces: &[(Token, &str)]) -> bool {
    let ["SET", name, "=", "0"] = pieces.iter().map(|piece| piece.1).collect::<Vec<_>>()[..] else {
        return false;
    };
    name.ends_with("_timeout")
}

/// Whether it has exactly one action. A pattern that matches the first of several actions would
/// accept the others unchecked.
fn has_one_action(pieces: &[(Token, &str)]) -> bool {
    let mut depth = 0_usize;
    pieces.iter().all(|piece| {
        match *piece {
            (Token::Open, _) | (Token::Other, "[") => depth += 1,
            (Token::Close, _) | (Token::Other, "]") => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 0 || *piece != (Token::Other, ",")
    })
}

fn alters_relation(pieces: &[(Token, &str)]) -> bool {
    let (begins, changes) = &*RELATION_SHAPES;
    let starts = begins.iter().flat_map(|begin| begin.ends(pieces));
    starts.into_iter().any(|start| changes.iter().any(|change| change.fits(&pieces[start..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(text: &str) -> bool {
        is_of_pg_dump(&Statement { text: text.to_owned(), line: 1, column: 1 })
    }

    #[test]
    fn what_pg_dump_writes_is_known() {
        for text in [
            "SET transaction_timeout = 0",
            "SET tomorrow_timeout = 0",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SELECT pg_catalog.setval('public.s', -3, true)",
            "SELECT pg_catalog.lowrite(0, '\\x0011')",
            "SELECT * FROM pg_catalog.pg_restore_attribute_stats('version', '180000'::integer, \
             'attname', 'a', 'n_distinct', '-0.5'::real, 'null_frac', '0'::real)",
            "CREATE TABLE public.t (a integer DEFAULT 1) INHERITS (public.p)\n\
             PARTITION BY RANGE (a)\nWITH (fillfactor='50')",
            "CREATE FOREIGN TABLE public.f (a integer)\nSERVER s\nOPTIONS (table_name 'x')",
            "ALTER TABLE public.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (CACHE 1)",
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5)",
            "ALTER TABLE IF EXISTS ONLY public.t DROP CONSTRAINT IF EXISTS t_pkey",
            "ALTER TABLE ONLY public.t ADD CONSTRAINT n NOT NULL a NOT VALID",
            "ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT ARRAY[(1)::numeric(3,1), 2]",
            "ALTER TABLE ONLY public.t ADD CONSTRAINT e EXCLUDE USING gist (a WITH =, b WITH &&)",
            "ALTER INDEX public.i ALTER COLUMN 1 SET STATISTICS 33",
            "ALTER FUNCTION public.f(a integer, VARIADIC c integer[]) OWNER TO \"A b\"",
            "ALTER DEFAULT PRIVILEGES FOR ROLE bob IN SCHEMA s GRANT SELECT ON TABLES TO amy",
            "CREATE MATERIALIZED VIEW public.m AS\n SELECT 1 AS a\n  WITH NO DATA",
            "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION a, b \
             WITH (connect = false, slot_name = NONE)",
            "COPY public.t (id, \"A\") FROM stdin",
            "INSERT INTO public.t OVERRIDING SYSTEM VALUE VALUES (1, 'a'), (2, NULL)",
            "INSERT INTO public.t VALUES (-1.5e-07, B'101', true) ON CONFLICT DO NOTHING",
            "GRANT SELECT(a),UPDATE(b) ON TABLE public.t TO bob WITH GRANT OPTION",
            "SET SESSION AUTHORIZATION bob",
            "ALTER DATABASE school SET work_mem TO '8MB'",
        ] {
            assert!(is_allowed(text), "{text}");
        }
    }

    #[test]
    fn what_is_made_without_a_schema_goes_where_the_path_leads() {
        let admits = |texts: &[&str]| {
            let mut list = AllowList::default();
            let mut statements = texts.iter().map(|text| (*text).to_owned());
            statements.all(|text| list.admits(&Statement { text, line: 1, column: 1 }))
        };
        let make = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'";
        for set in [
            "SET search_path = $$pg_catalog$$",
            "SET search_path = E'pg_catalog'",
            "SELECT pg_catalog.set_config('search_path', E'pg_c\\x61talog', false)",
            "SET search_path = nosuch, pg_catalog",
        ] {
            assert!(!admits(&[set, make]), "{set}");
        }
        // As pg_dump wrote it until 2018.
        let set = "SET search_path = app, pg_catalog";
        assert!(admits(&["CREATE SCHEMA app", set, make]));
        assert!(!admits(&["CREATE SCHEMA app", "DROP SCHEMA app", set, make]));
        assert!(admits(&["SET search_path = public, pg_catalog", "CREATE TABLE t (a integer)"]));
    }

    #[test]
    fn roles_come_without_passwords() {
        let is_allowed =
            |text: &str| is_of_roles(&Statement { text: text.to_owned(), line: 1, column: 1 });
        for text in [
            "CREATE ROLE \"A b\"",
            "ALTER ROLE a WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION \
             NOBYPASSRLS CONNECTION LIMIT 3 VALID UNTIL '2030-01-01 00:00:00+00'",
            "ALTER ROLE a IN DATABASE d SET work_mem TO '8MB'",
            "GRANT a TO b WITH ADMIN OPTION GRANTED BY postgres",
            "GRANT a TO b WITH INHERIT TRUE GRANTED BY postgres",
        ] {
            assert!(is_allowed(text), "{text}");
        }
        for text in [
            "ALTER ROLE a WITH SUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION \
             NOBYPASSRLS PASSWORD 'x'",
            "CREATE ROLE a SUPERUSER LOGIN PASSWORD 'x'",
            "ALTER ROLE a PASSWORD 'x'",
            "DROP ROLE a",
        ] {
            assert!(!is_allowed(text), "{text}");
        }
    }

    #[test]
    fn what_it_does_not_write_is_refused() {
        for text in [
            "COPY public.x FROM PROGRAM 'id'",
            "COPY public.x FROM '/etc/passwd'",
            "COPY public.x TO PROGRAM 'sh'",
            "COPY public.x FROM stdin WHERE f(a)",
            "DO $$ BEGIN EXECUTE 'x'; END $$",
            "ALTER SYSTEM SET archive_command = 'x'",
            "CREATE ROLE backdoor SUPERUSER LOGIN",
            "CREATE USER backdoor SUPERUSER",
            "ALTER ROLE me SUPERUSER",
            "GRANT pg_execute_server_program TO me",
            "GRANT SET ON PARAMETER log_directory TO me",
            "CREATE TABLESPACE t LOCATION '/tmp'",
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT pg_catalog.lo_export(1, '/tmp/x')",
            "SELECT pg_catalog.setval('s', (SELECT 1), true)",
            "SELECT pg_catalog.set_config('session_preload_libraries', 'x', false)",
            "SELECT pg_catalog.set_config('search_path', '', false), lo_export(1, '/x')",
            "INSERT INTO t VALUES (pg_read_file('/etc/passwd'))",
            "INSERT INTO t SELECT 1",
            "CREATE TABLE t AS SELECT pg_read_file('x')",
            "CREATE TABLE t (a) AS SELECT pg_read_file('x')",
            "CREATE MATERIALIZED VIEW m AS SELECT pg_read_file('x')",
            "ALTER TABLE t ALTER COLUMN a TYPE text USING pg_read_file('x')",
            "ALTER TABLE t ALTER b SET DEFAULT 1, ADD CONSTRAINT c CHECK (public.f(a) > 1)",
            "ALTER TABLE t ALTER b SET DEFAULT ARRAY[1, 2], ALTER a SET DEFAULT public.f()",
            "ALTER TABLE t ADD CONSTRAINT c CHECK ((a > 1)), ALTER a TYPE text USING f(a)",
            "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION a",
            "SET tomorrow_timeout = 1",
            "SET tomorrow_limit = 0",
            "SET ROLE postgres",
            "SET session_replication_role = replica",
            "LOAD 'x'",
            "CALL p()",
            "UPDATE pg_catalog.pg_authid SET rolsuper = true",
            "IMPORT FOREIGN SCHEMA x FROM SERVER s INTO y",
            "CREATE OR REPLACE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION pg_catalog.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE VIEW v AS SELECT public.U&\"\\0066\"()",
            "\"select\" 1",
            "",
        ] {
            assert!(!is_allowed(text), "{text}");
        }
    }
}
