//! What users of other tools report: orders that fail, privileges and options that get lost. Each
//! is rebuilt small.

use crate::{Pair, all, exposed, there_and_back};

const ORDERS: &[Pair] = &[
    (
        "a view that selects from a function",
        "",
        "CREATE FUNCTION z(id int) RETURNS TABLE (r text) LANGUAGE sql AS 'SELECT ''x''::text'; \
         CREATE VIEW a AS SELECT * FROM z(42)",
    ),
    (
        "views of views in the opposite order of their names",
        "",
        "CREATE TABLE t (a int); CREATE VIEW z AS SELECT a FROM t; \
         CREATE VIEW m AS SELECT a FROM z; CREATE VIEW a AS SELECT a FROM m",
    ),
    (
        "a view of a view and of the function that the view calls",
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE VIEW b AS SELECT a, f() AS x FROM t; \
         CREATE VIEW a AS SELECT b.a, f() AS y FROM b, t",
    ),
    (
        "a function that returns rows of a view of a table that gets a column",
        "CREATE TABLE users (id int, email text); CREATE VIEW v AS SELECT id, email FROM users; \
         CREATE FUNCTION make(email text) RETURNS v LANGUAGE plpgsql AS \
         'DECLARE r v; BEGIN RETURN r; END'",
        "CREATE TABLE users (id int, email text, role text); \
         CREATE VIEW v AS SELECT id, role, email FROM users; \
         CREATE FUNCTION make(email text, role text) RETURNS v LANGUAGE plpgsql AS \
         'DECLARE r v; BEGIN RETURN r; END'",
    ),
    (
        "a function with a row type in its body and as its result",
        "",
        "CREATE TABLE z (x int); CREATE FUNCTION a() RETURNS SETOF z LANGUAGE plpgsql AS \
         'DECLARE r z%ROWTYPE; l z[]; BEGIN RETURN QUERY SELECT * FROM z; END'",
    ),
    (
        "a column that is dropped under a view that stays",
        "CREATE TABLE t (id bigint PRIMARY KEY, keep text, gone text); \
         CREATE VIEW v AS SELECT id, keep, gone FROM t",
        "CREATE TABLE t (id bigint PRIMARY KEY, keep text); \
         CREATE VIEW v AS SELECT id, keep FROM t",
    ),
    (
        "a column that is new in a view that stays",
        "CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
        "CREATE TABLE t (a int, b text); CREATE VIEW v AS SELECT a, b FROM t",
    ),
    (
        "a function whose result changes under a view that calls it",
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT x + 1'; \
         CREATE VIEW v AS SELECT f(4) AS answer",
        "CREATE FUNCTION f(x int) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT x + 2'; \
         CREATE VIEW v AS SELECT f(4) AS answer",
    ),
    (
        "a policy that reads a table of another schema",
        "",
        "CREATE SCHEMA a; CREATE SCHEMA z; CREATE TABLE z.clusters (id int, owner int); \
         CREATE TABLE a.installs (cluster int); ALTER TABLE a.installs ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY p ON a.installs USING (EXISTS (SELECT FROM z.clusters c \
         WHERE c.id = cluster AND c.owner = current_setting('app.user')::int))",
    ),
    (
        "a function in SQL that inserts into a new table",
        "",
        "CREATE FUNCTION a() RETURNS void LANGUAGE sql AS 'INSERT INTO z VALUES (1)'; \
         CREATE TABLE z (x int)",
    ),
    (
        "a policy of a column whose type changes",
        "CREATE TABLE t (a int, b text); CREATE POLICY p ON t USING (a > 0) WITH CHECK (b <> '')",
        "CREATE TABLE t (a bigint, b varchar(9)); \
         CREATE POLICY p ON t USING (a > 0) WITH CHECK (b <> '')",
    ),
    (
        "a trigger on a column that is dropped",
        "CREATE TABLE t (a int, b int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RETURN new; END'; CREATE TRIGGER g BEFORE UPDATE OF b ON t FOR EACH ROW \
         WHEN (old.b IS DISTINCT FROM new.b) EXECUTE FUNCTION f()",
        "CREATE TABLE t (a int); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN RETURN new; END'",
    ),
    (
        "a view that is dropped with the table it reads",
        "CREATE TABLE z (a int); CREATE VIEW a AS SELECT a FROM z; \
         CREATE MATERIALIZED VIEW b AS SELECT a FROM a",
        "",
    ),
];

#[test]
fn orders() {
    all(ORDERS);
}

const RIGHTS: &[Pair] = &[
    (
        "grants on a new table",
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); CREATE TABLE n (a int, b int); GRANT SELECT ON n TO diff_reader; \
         GRANT ALL ON n TO diff_writer; GRANT UPDATE (b) ON n TO diff_reader",
    ),
    (
        "a new table where default privileges give more than it has",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO diff_reader, diff_writer",
        "CREATE TABLE n (a int); GRANT SELECT ON n TO diff_reader; \
         ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO diff_reader, diff_writer",
    ),
    (
        "a function that must not be called by everybody",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION f() TO diff_reader",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT 1'; \
         REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT EXECUTE ON FUNCTION f() TO diff_reader",
    ),
    (
        "column privileges of a table that gets others",
        "CREATE TABLE t (a int, b int); GRANT SELECT (a), UPDATE (a) ON t TO diff_reader",
        "CREATE TABLE t (a int, b int); GRANT SELECT (a, b) ON t TO diff_reader; \
         GRANT SELECT ON t TO diff_reader",
    ),
    (
        "a view with security_barrier whose table changes",
        "CREATE TABLE t (a int, b int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
         CREATE VIEW v WITH (security_barrier = true) AS SELECT a FROM t; \
         GRANT SELECT ON v TO diff_reader",
        "CREATE TABLE t (a bigint, b int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
         CREATE VIEW v WITH (security_barrier = true) AS SELECT a FROM t; \
         GRANT SELECT ON v TO diff_reader",
    ),
    (
        "privileges of a schema and a sequence",
        "CREATE SCHEMA s; CREATE SEQUENCE s.q; GRANT USAGE ON SCHEMA s TO diff_reader; \
         GRANT USAGE ON SEQUENCE s.q TO diff_reader",
        "CREATE SCHEMA s; CREATE SEQUENCE s.q; GRANT ALL ON SCHEMA s TO diff_writer; \
         GRANT SELECT ON SEQUENCE s.q TO diff_reader WITH GRANT OPTION",
    ),
    (
        "privileges of types, languages and foreign objects",
        "CREATE TYPE e AS ENUM ('a'); CREATE FOREIGN DATA WRAPPER w; \
         CREATE SERVER r FOREIGN DATA WRAPPER w",
        "CREATE TYPE e AS ENUM ('a'); REVOKE USAGE ON TYPE e FROM PUBLIC; \
         CREATE FOREIGN DATA WRAPPER w; CREATE SERVER r FOREIGN DATA WRAPPER w; \
         GRANT USAGE ON FOREIGN SERVER r TO diff_reader; \
         GRANT USAGE ON FOREIGN DATA WRAPPER w TO diff_writer",
    ),
    (
        "the privileges of a materialized view that is replaced",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; GRANT SELECT ON m TO diff_reader; \
         ALTER MATERIALIZED VIEW m OWNER TO diff_owner",
        "CREATE MATERIALIZED VIEW m AS SELECT 2 AS a; GRANT SELECT ON m TO diff_reader; \
         ALTER MATERIALIZED VIEW m OWNER TO diff_owner",
    ),
];

#[test]
fn privileges() {
    exposed::roles();
    all(RIGHTS);
}

#[test]
fn one_new_table_revokes_nothing_of_the_others() {
    exposed::roles();
    let many: String = (0..30)
        .map(|n| {
            format!("CREATE TABLE t{n} (a int); GRANT ALL ON t{n} TO diff_reader, diff_writer; ")
        })
        .collect();
    let defaults = "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO diff_reader, diff_writer; ";
    let before = format!("{defaults}{many}");
    let up = there_and_back("a table", &before, &format!("{before}CREATE TABLE n (a int)"));
    assert_eq!(crate::text(&up), "CREATE TABLE public.n (\n    a integer\n);\n");
}
