//! Whether a down migration restores objects of every kind. All changes are rehearsed in one run,
//! so this also tests that the schema is read again where it was written, and only there.

use crate::support::Project;

/// Objects of many kinds, which the changes need.
const SCHEMA: &str = "\
    CREATE SCHEMA app; CREATE ROLE reader_of_kinds;\n\
    CREATE TABLE app.people (id int PRIMARY KEY, name text, at timestamptz);\n\
    CREATE TABLE app.notes (id int, person int REFERENCES app.people, body text);\n\
    CREATE TABLE app.parts (id int) PARTITION BY LIST (id);\n\
    CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES IN (1);\n\
    CREATE TABLE app.base (id int); CREATE TABLE app.heir (id int) INHERITS (app.base);\n\
    CREATE VIEW app.names AS SELECT name FROM app.people;\n\
    CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) FROM app.people;\n\
    CREATE SEQUENCE app.numbers; CREATE INDEX notes_body ON app.notes (body);\n\
    CREATE TYPE app.mood AS ENUM ('sad', 'ok'); CREATE TYPE app.pair AS (a int, b int);\n\
    CREATE DOMAIN app.positive AS int CHECK (VALUE > 0);\n\
    CREATE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\
    CREATE FUNCTION app.same(int, int) RETURNS bool LANGUAGE sql AS 'SELECT $1 = $2';\n\
    CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n\
    CREATE PROCEDURE app.work() LANGUAGE sql AS 'SELECT 1';\n\
    CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';\n\
    CREATE TRIGGER touched BEFORE UPDATE ON app.notes FOR EACH ROW EXECUTE FUNCTION app.touch();\n\
    CREATE POLICY own ON app.notes USING (true);\n\
    CREATE STATISTICS app.both ON id, person FROM app.notes;\n\
    CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);\n\
    CREATE FOREIGN DATA WRAPPER far; CREATE SERVER there FOREIGN DATA WRAPPER far;\n\
    CREATE PUBLICATION feed FOR TABLE app.people;\n\
    CREATE COLLATION app.plain FROM \"C\"; CREATE CAST (app.mood AS int) WITH INOUT;";

/// A change, the change that undoes it, and a part of the line that reports it.
const CHANGES: &[(&str, &str, &str)] = &[
    ("CREATE TABLE app.extra (id int)", "DROP TABLE app.extra", "table app.extra"),
    (
        "ALTER TABLE app.people ADD nick text",
        "ALTER TABLE app.people DROP nick",
        "column app.people.nick",
    ),
    (
        "ALTER TABLE app.people ALTER name SET DEFAULT 'x'",
        "ALTER TABLE app.people ALTER name DROP DEFAULT",
        "column app.people.name",
    ),
    (
        "ALTER TABLE app.people ALTER name SET STATISTICS 7",
        "ALTER TABLE app.people ALTER name SET STATISTICS -1",
        "column app.people.name",
    ),
    (
        "ALTER TABLE app.people ALTER name SET STORAGE EXTERNAL",
        "ALTER TABLE app.people ALTER name SET STORAGE EXTENDED",
        "column app.people.name",
    ),
    (
        "ALTER TABLE app.people ALTER name SET COMPRESSION pglz",
        "ALTER TABLE app.people ALTER name SET COMPRESSION default",
        "column app.people.name",
    ),
    (
        "ALTER TABLE app.people ALTER id SET (n_distinct = 5)",
        "ALTER TABLE app.people ALTER id RESET (n_distinct)",
        "column app.people.id",
    ),
    (
        "ALTER TABLE app.people SET (fillfactor = 70)",
        "ALTER TABLE app.people RESET (fillfactor)",
        "table app.people",
    ),
    (
        "ALTER TABLE app.people SET (toast.autovacuum_enabled = off)",
        "ALTER TABLE app.people RESET (toast.autovacuum_enabled)",
        "table app.people",
    ),
    (
        "ALTER TABLE app.people ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE app.people DISABLE ROW LEVEL SECURITY",
        "table app.people",
    ),
    (
        "ALTER TABLE app.people REPLICA IDENTITY FULL",
        "ALTER TABLE app.people REPLICA IDENTITY DEFAULT",
        "table app.people",
    ),
    (
        "ALTER TABLE app.people CLUSTER ON people_pkey",
        "ALTER TABLE app.people SET WITHOUT CLUSTER",
        "constraint app.people.people_pkey",
    ),
    (
        "ALTER TABLE app.notes ADD CONSTRAINT short CHECK (body <> '') NOT VALID",
        "ALTER TABLE app.notes DROP CONSTRAINT short",
        "constraint app.notes.short",
    ),
    (
        "ALTER TABLE app.notes RENAME CONSTRAINT notes_person_fkey TO of_person",
        "ALTER TABLE app.notes RENAME CONSTRAINT of_person TO notes_person_fkey",
        "constraint app.notes.of_person",
    ),
    ("CREATE INDEX notes_id ON app.notes (id)", "DROP INDEX app.notes_id", "index app.notes_id"),
    (
        "ALTER INDEX app.notes_body SET (fillfactor = 60)",
        "ALTER INDEX app.notes_body RESET (fillfactor)",
        "index app.notes_body",
    ),
    (
        "ALTER TABLE app.notes DISABLE TRIGGER touched",
        "ALTER TABLE app.notes ENABLE TRIGGER touched",
        "DISABLE TRIGGER touched",
    ),
    (
        "CREATE RULE quiet AS ON DELETE TO app.notes DO INSTEAD NOTHING",
        "DROP RULE quiet ON app.notes",
        "rule app.notes.quiet",
    ),
    (
        "ALTER POLICY own ON app.notes TO reader_of_kinds",
        "ALTER POLICY own ON app.notes TO PUBLIC",
        "policy roles app.notes.own",
    ),
    (
        "ALTER POLICY own ON app.notes USING (id > 0)",
        "ALTER POLICY own ON app.notes USING (true)",
        "policy app.notes.own",
    ),
    (
        "ALTER STATISTICS app.both SET STATISTICS 9",
        "ALTER STATISTICS app.both SET STATISTICS -1",
        "9",
    ),
    (
        "ALTER TABLE app.heir NO INHERIT app.base",
        "ALTER TABLE app.heir INHERIT app.base",
        "table app.heir",
    ),
    (
        "ALTER TABLE app.parts DETACH PARTITION app.parts_1",
        "ALTER TABLE app.parts ATTACH PARTITION app.parts_1 FOR VALUES IN (1)",
        "table app.parts_1",
    ),
    (
        "ALTER VIEW app.names SET (security_barrier = true)",
        "ALTER VIEW app.names RESET (security_barrier)",
        "security_barrier",
    ),
    (
        "ALTER SEQUENCE app.numbers OWNED BY app.people.id",
        "ALTER SEQUENCE app.numbers OWNED BY NONE",
        "sequence app.numbers",
    ),
    (
        "ALTER SEQUENCE app.numbers CACHE 5",
        "ALTER SEQUENCE app.numbers CACHE 1",
        "sequence app.numbers",
    ),
    (
        "ALTER TYPE app.mood RENAME VALUE 'ok' TO 'fine'",
        "ALTER TYPE app.mood RENAME VALUE 'fine' TO 'ok'",
        "enum value app.mood.fine",
    ),
    (
        "ALTER TYPE app.pair ADD ATTRIBUTE c int",
        "ALTER TYPE app.pair DROP ATTRIBUTE c",
        "type app.pair",
    ),
    (
        "ALTER DOMAIN app.positive SET DEFAULT 3",
        "ALTER DOMAIN app.positive DROP DEFAULT",
        "default 3",
    ),
    (
        "ALTER DOMAIN app.positive ADD CONSTRAINT small CHECK (VALUE < 9)",
        "ALTER DOMAIN app.positive DROP CONSTRAINT small",
        "app.positive.small",
    ),
    ("CREATE TYPE app.span AS RANGE (subtype = int)", "DROP TYPE app.span", "type app.span"),
    (
        "CREATE OR REPLACE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "CREATE OR REPLACE FUNCTION app.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function app.one()",
    ),
    (
        "ALTER FUNCTION app.one() SECURITY DEFINER",
        "ALTER FUNCTION app.one() SECURITY INVOKER",
        "function app.one()",
    ),
    (
        "DROP PROCEDURE app.work()",
        "CREATE PROCEDURE app.work() LANGUAGE sql AS 'SELECT 1'",
        "app.work()",
    ),
    (
        "CREATE AGGREGATE app.total (int) (sfunc = int4pl, stype = int)",
        "DROP AGGREGATE app.total (int)",
        "aggregate app.total",
    ),
    (
        "CREATE OPERATOR app.=== (leftarg = int, rightarg = int, function = app.same)",
        "DROP OPERATOR app.=== (int, int)",
        "operator app.===",
    ),
    (
        "CREATE OPERATOR FAMILY app.fam USING btree",
        "DROP OPERATOR FAMILY app.fam USING btree",
        "operator family app.fam",
    ),
    ("DROP CAST (app.mood AS int)", "CREATE CAST (app.mood AS int) WITH INOUT", "cast"),
    ("CREATE COLLATION app.other FROM \"C\"", "DROP COLLATION app.other", "collation app.other"),
    (
        "ALTER TEXT SEARCH CONFIGURATION app.words DROP MAPPING FOR word",
        "ALTER TEXT SEARCH CONFIGURATION app.words ADD MAPPING FOR word WITH simple",
        "text search configuration app.words",
    ),
    (
        "CREATE TEXT SEARCH DICTIONARY app.dict (TEMPLATE = simple)",
        "DROP TEXT SEARCH DICTIONARY app.dict",
        "text search dictionary app.dict",
    ),
    (
        "ALTER FOREIGN DATA WRAPPER far OPTIONS (mode 'm')",
        "ALTER FOREIGN DATA WRAPPER far OPTIONS (DROP mode)",
        "foreign data wrapper far",
    ),
    (
        "CREATE USER MAPPING FOR reader_of_kinds SERVER there",
        "DROP USER MAPPING FOR reader_of_kinds SERVER there",
        "user mapping",
    ),
    (
        "CREATE FOREIGN TABLE app.away (id int) SERVER there",
        "DROP FOREIGN TABLE app.away",
        "foreign table app.away",
    ),
    (
        "ALTER PUBLICATION feed ADD TABLE app.notes",
        "ALTER PUBLICATION feed DROP TABLE app.notes",
        "publication feed",
    ),
    (
        "CREATE EVENT TRIGGER watch ON ddl_command_start WHEN TAG IN ('CREATE AGGREGATE') \
         EXECUTE FUNCTION app.on_ddl()",
        "DROP EVENT TRIGGER watch",
        "event trigger watch",
    ),
    ("CREATE SCHEMA more", "DROP SCHEMA more", "schema more"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO reader_of_kinds",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app REVOKE SELECT ON TABLES FROM reader_of_kinds",
        "default privileges",
    ),
    (
        "GRANT SELECT ON app.people TO reader_of_kinds",
        "REVOKE ALL ON app.people FROM reader_of_kinds",
        "privileges table app.people",
    ),
    (
        "GRANT SELECT (name) ON app.people TO reader_of_kinds",
        "REVOKE ALL (name) ON app.people FROM reader_of_kinds",
        "privileges column app.people.name",
    ),
    (
        "GRANT USAGE ON TYPE app.mood TO reader_of_kinds",
        "REVOKE USAGE ON TYPE app.mood FROM reader_of_kinds",
        "privileges type app.mood",
    ),
    (
        "REVOKE EXECUTE ON FUNCTION app.one() FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION app.one() TO PUBLIC",
        "privileges function app.one()",
    ),
    (
        "GRANT USAGE ON SCHEMA app TO reader_of_kinds",
        "REVOKE USAGE ON SCHEMA app FROM reader_of_kinds",
        "privileges schema app",
    ),
    (
        "ALTER TABLE app.notes OWNER TO reader_of_kinds",
        "ALTER TABLE app.notes OWNER TO CURRENT_USER",
        "owner table app.notes",
    ),
    (
        "ALTER FUNCTION app.one() OWNER TO reader_of_kinds",
        "ALTER FUNCTION app.one() OWNER TO CURRENT_USER",
        "owner function app.one()",
    ),
    (
        "COMMENT ON COLUMN app.people.name IS 'said'",
        "COMMENT ON COLUMN app.people.name IS NULL",
        "comment column app.people.name",
    ),
    (
        "COMMENT ON CONSTRAINT people_pkey ON app.people IS 'said'",
        "COMMENT ON CONSTRAINT people_pkey ON app.people IS NULL",
        "comment constraint people_pkey",
    ),
    ("COMMENT ON SCHEMA app IS 'said'", "COMMENT ON SCHEMA app IS NULL", "comment schema app"),
    (
        "CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "DROP CONVERSION app.conv",
        "conversion",
    ),
];

/// Rehearses each change with this down migration. Returns the verdict and the lines about each.
fn rehearsed(name: &str, down: impl Fn(&str) -> String) -> Vec<(String, Vec<String>)> {
    let project = Project::new(name);
    project.run_sql("DROP ROLE IF EXISTS reader_of_kinds");
    project.run_sql(SCHEMA);
    for (index, (up, back, _)) in CHANGES.iter().enumerate() {
        project.migration(&format!("{:03}_m.up.sql", index + 1), &format!("{up};"));
        project.migration(&format!("{:03}_m.down.sql", index + 1), &down(back));
    }
    let json = project.db(&["rehearse", "--json"]).json();
    project.run_sql(
        "DROP SCHEMA app CASCADE; DROP OWNED BY reader_of_kinds; DROP ROLE reader_of_kinds",
    );
    let of = |migration: &serde_json::Value| {
        let details = migration["rollback"]["details"].as_array().unwrap().iter();
        let is = migration["rollback"]["is"].as_str().unwrap().to_owned();
        (is, details.map(|one| one.as_str().unwrap().to_owned()).collect())
    };
    json["migrations"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn what_is_taken_back_is_proved_and_what_is_not_is_named() {
    for (back, (up, _, _)) in rehearsed("kinds_back", |back| format!("{back};")).iter().zip(CHANGES)
    {
        assert_eq!(*back, ("proved".to_owned(), Vec::new()), "{up}");
    }
    let left = rehearsed("kinds_left", |_| "SELECT 1;".to_owned());
    assert_eq!(left.len(), CHANGES.len());
    for ((is, lines), (up, _, part)) in left.iter().zip(CHANGES) {
        assert_eq!(is, "wrong", "{up}: {lines:?}");
        assert!(lines.iter().any(|line| line.contains(part)), "{up}: {part} in {lines:?}");
    }
}
