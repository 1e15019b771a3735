//! Functions, triggers, rules, publications, extensions and foreign objects.

use crate::{Pair, all};

const FUNCTIONS: &[Pair] = &[
    (
        "another signature and body",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION f(a int, b int DEFAULT 2) RETURNS int LANGUAGE sql AS 'SELECT 2'",
    ),
    (
        "all properties of a function",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION f(a int DEFAULT 3) RETURNS int LANGUAGE plpgsql IMMUTABLE STRICT \
         SECURITY DEFINER COST 7 PARALLEL SAFE SET search_path TO pg_catalog, \"$user\" \
         AS 'BEGIN RETURN 1; END'",
    ),
    (
        "another result type, with the dependent objects",
        "CREATE FUNCTION f() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; \
         CREATE TABLE t (a int, b text DEFAULT f(), CHECK (a > f())); \
         CREATE INDEX i ON t ((a + f())); \
         CREATE VIEW v AS SELECT f() AS x; CREATE POLICY p ON t USING (a > f()); \
         GRANT EXECUTE ON FUNCTION f() TO pg_monitor",
        "CREATE FUNCTION f() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 1'; \
         CREATE TABLE t (a int, b text DEFAULT f(), CHECK (a > f())); \
         CREATE INDEX i ON t ((a + f())); \
         CREATE VIEW v AS SELECT f() AS x; CREATE POLICY p ON t USING (a > f()); \
         GRANT EXECUTE ON FUNCTION f() TO pg_monitor",
    ),
    (
        "other argument names",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT a'; \
         CREATE VIEW v AS SELECT f(1) AS x",
        "CREATE FUNCTION f(b int) RETURNS int LANGUAGE sql AS 'SELECT b'; \
         CREATE VIEW v AS SELECT f(1) AS x",
    ),
    (
        "a parsed body (BEGIN ATOMIC)",
        "CREATE TABLE t (a int, b int); \
         CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC SELECT sum(a) FROM t; END",
        "CREATE TABLE t (a bigint, c int); \
         CREATE FUNCTION f() RETURNS numeric BEGIN ATOMIC SELECT sum(a) FROM t; END",
    ),
    (
        "a procedure instead of a function",
        "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE f(a int) LANGUAGE sql AS 'SELECT 1'",
    ),
    (
        "a polymorphic function, one with OUT arguments, and a variadic one",
        "CREATE FUNCTION f(x anyelement) RETURNS anyelement LANGUAGE sql AS 'SELECT x'; \
         CREATE FUNCTION g(a int, OUT b int) LANGUAGE sql AS 'SELECT a'",
        "CREATE FUNCTION f(x anyelement, y anyelement) RETURNS anyelement LANGUAGE sql \
         AS 'SELECT x'; CREATE FUNCTION g(a int, OUT b int, OUT c text) LANGUAGE sql \
         AS 'SELECT a, ''x''::text'; CREATE FUNCTION h(VARIADIC v int[] DEFAULT '{1,2}') \
         RETURNS int LANGUAGE sql AS 'SELECT v[1]'",
    ),
    (
        "fewer defaults of arguments, under a view",
        "CREATE FUNCTION f(a int DEFAULT 1, b int DEFAULT 2) RETURNS int LANGUAGE sql \
         AS 'SELECT a'; CREATE VIEW v AS SELECT f() AS x",
        "CREATE FUNCTION f(a int, b int DEFAULT 3) RETURNS int LANGUAGE sql AS 'SELECT a'; \
         CREATE VIEW v AS SELECT f(1) AS x",
    ),
    (
        "settings, costs and a comment of a function",
        "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql ROWS 5 SET work_mem = '4MB' \
         AS 'SELECT 1'",
        "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE sql STABLE LEAKPROOF ROWS 7 \
         SET search_path = '' SET statement_timeout = 5 AS 'SELECT 1'; \
         COMMENT ON FUNCTION f() IS 'one'",
    ),
    (
        "an aggregate that a view uses",
        "CREATE AGGREGATE s(int) (SFUNC = int4pl, STYPE = int); CREATE TABLE t (a int); \
         CREATE VIEW v AS SELECT s(a) AS x FROM t",
        "CREATE AGGREGATE s(int) (SFUNC = int4larger, STYPE = int); CREATE TABLE t (a int); \
         CREATE VIEW v AS SELECT s(a) AS x FROM t",
    ),
    (
        "an aggregate",
        "CREATE AGGREGATE s(int) (SFUNC = int4pl, STYPE = int)",
        "CREATE AGGREGATE s(int) (SFUNC = int4pl, STYPE = int, INITCOND = '5')",
    ),
    (
        "a dependency hidden in a text body",
        "",
        "CREATE FUNCTION a() RETURNS int LANGUAGE sql AS 'SELECT z()'; \
         CREATE FUNCTION z() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ),
];

const ACTING: &[Pair] = &[
    (
        "a trigger",
        "CREATE TABLE t (a int, b int); \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; \
         CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE TRIGGER y BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TABLE t (a int, b bigint); \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; \
         CREATE TRIGGER x AFTER UPDATE OF b ON t FOR EACH ROW WHEN (new.b > 1) \
         EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER x; \
         CREATE TRIGGER y BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); \
         ALTER TABLE t ENABLE ALWAYS TRIGGER y; COMMENT ON TRIGGER y ON t IS 'y'",
    ),
    (
        "a rule",
        "CREATE TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY a",
        "CREATE TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY b; \
         ALTER TABLE t DISABLE RULE r",
    ),
    (
        "an event trigger",
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TABLE') \
         EXECUTE FUNCTION f(); ALTER EVENT TRIGGER e DISABLE",
    ),
    (
        "a publication",
        "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE PUBLICATION p FOR TABLE t",
        "CREATE TABLE t (a int); CREATE TABLE u (a int); \
         CREATE PUBLICATION p FOR TABLE u WITH (publish = 'insert')",
    ),
    (
        "a constraint trigger and a statement trigger with transition tables",
        "CREATE TABLE t (a int); \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "CREATE TABLE t (a int); \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER x AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE TRIGGER y AFTER UPDATE ON t REFERENCING OLD TABLE AS o NEW TABLE AS n \
         FOR EACH STATEMENT EXECUTE FUNCTION f('an', 'argument')",
    ),
    (
        "policies of each command",
        "CREATE TABLE t (a int, b text); CREATE POLICY r ON t FOR SELECT USING (a > 0); \
         CREATE POLICY w ON t FOR INSERT WITH CHECK (b <> ''); COMMENT ON POLICY r ON t IS 'x'",
        "CREATE TABLE t (a int, b text); CREATE POLICY r ON t FOR DELETE USING (a > 0); \
         CREATE POLICY w ON t FOR INSERT TO pg_monitor WITH CHECK (b <> 'x'); \
         CREATE POLICY u ON t AS RESTRICTIVE FOR UPDATE USING (a > 1) WITH CHECK (a > 2)",
    ),
    (
        "a publication of a table that is dropped, and one that gets another column",
        "CREATE TABLE t (a int PRIMARY KEY, b int); CREATE TABLE gone (a int); \
         CREATE PUBLICATION p FOR TABLE t, gone",
        "CREATE TABLE t (a bigint PRIMARY KEY); \
         CREATE PUBLICATION p FOR TABLE t WITH (publish_via_partition_root = true)",
    ),
    ("a publication of all tables", "CREATE PUBLICATION p", "CREATE PUBLICATION p FOR ALL TABLES"),
];

const FOREIGN: &[Pair] = &[
    (
        "a wrapper and its server",
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (a '1'); \
         CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (b '1'); \
         CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (c '1')",
        "CREATE FOREIGN DATA WRAPPER w OPTIONS (a '2'); \
         CREATE SERVER s VERSION '3' FOREIGN DATA WRAPPER w OPTIONS (d 'it''s'); \
         CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (c '2')",
    ),
    (
        "a foreign table",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE t (a int OPTIONS (x '1')) SERVER s OPTIONS (y '1')",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE t (a bigint OPTIONS (x '2') NOT NULL, b text) SERVER s",
    ),
    (
        "a foreign table on another server",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE t (a int) SERVER s",
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE SERVER r FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE t (a int) SERVER r",
    ),
];

#[test]
fn functions() {
    all(FUNCTIONS);
}

#[test]
fn triggers_rules_and_publications() {
    all(ACTING);
}

#[test]
fn foreign_objects() {
    all(FOREIGN);
}
