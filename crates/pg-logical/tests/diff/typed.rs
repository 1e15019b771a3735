//! Types, and the columns that use them.

use pg_logical::diff::Hazard;

use crate::{Database, Pair, all, between, there_and_back};

const TYPES: &[Pair] = &[
    (
        "enum values at their positions",
        "CREATE TYPE e AS ENUM ('b', 'd')",
        "CREATE TYPE e AS ENUM ('a', 'b', 'c', 'd', 'e')",
    ),
    (
        "an enum in another order, and everything that uses it",
        "CREATE TYPE e AS ENUM ('a', 'b'); COMMENT ON TYPE e IS 'x'; \
         CREATE TABLE t (a e DEFAULT 'a' NOT NULL, b e[]); CREATE INDEX i ON t (a) WHERE a = 'b'; \
         CREATE VIEW v AS SELECT a FROM t; \
         CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'; \
         GRANT USAGE ON TYPE e TO PUBLIC",
        "CREATE TYPE e AS ENUM ('b', 'a', 'c'); COMMENT ON TYPE e IS 'x'; \
         CREATE TABLE t (a e DEFAULT 'a' NOT NULL, b e[]); CREATE INDEX i ON t (a) WHERE a = 'b'; \
         CREATE VIEW v AS SELECT a FROM t; \
         CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'; \
         GRANT USAGE ON TYPE e TO PUBLIC",
    ),
    ("attributes", "CREATE TYPE c AS (a int, b int)", "CREATE TYPE c AS (a int, d text)"),
    ("attributes in another order", "CREATE TYPE c AS (a int)", "CREATE TYPE c AS (b int, a int)"),
    (
        "a range",
        "CREATE TYPE r AS RANGE (subtype = int)",
        "CREATE TYPE r AS RANGE (subtype = bigint)",
    ),
    (
        "a domain",
        "CREATE DOMAIN d AS text DEFAULT 'x' CONSTRAINT c CHECK (VALUE <> '')",
        "CREATE DOMAIN d AS text NOT NULL CONSTRAINT c CHECK (VALUE > 'a')",
    ),
    (
        "a domain over another type",
        "CREATE DOMAIN d AS int CHECK (VALUE > 0); CREATE TABLE t (a d, b int)",
        "CREATE DOMAIN d AS bigint CHECK (VALUE > 0); CREATE TABLE t (a d, b int)",
    ),
    (
        "an enum that becomes a domain",
        "CREATE TYPE k AS ENUM ('a', 'b'); CREATE TABLE t (a k)",
        "CREATE DOMAIN k AS text; CREATE TABLE t (a k)",
    ),
    (
        "a column that changes from text to an enum",
        "CREATE TABLE t (a text DEFAULT 'x', CHECK (a <> ''))",
        "CREATE TYPE e AS ENUM ('x', 'y'); CREATE TABLE t (a e DEFAULT 'x')",
    ),
    (
        "a collation",
        "CREATE COLLATION c (locale = 'C'); CREATE TABLE t (a text COLLATE c)",
        "CREATE COLLATION c (locale = 'POSIX'); CREATE TABLE t (a text COLLATE c)",
    ),
    (
        "an enum as an array, in a check, an index and a partition key of text",
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TABLE t (a e[] DEFAULT '{a}', b e, \
         CHECK (b <> 'a')); CREATE INDEX i ON t (b) WHERE b = 'b'; \
         CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'",
        "CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (a e[] DEFAULT '{a}', b e, \
         CHECK (b <> 'a')); CREATE INDEX i ON t (b) WHERE b = 'b'; \
         CREATE FUNCTION f(e) RETURNS e LANGUAGE sql AS 'SELECT $1'",
    ),
    (
        "attributes of a composite type",
        "CREATE TYPE k AS (a int, b text); COMMENT ON COLUMN k.a IS 'x'",
        "CREATE TYPE k AS (b text, c int); COMMENT ON TYPE k IS 'y'",
    ),
    (
        "a composite type of an enum that is replaced",
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE TYPE k AS (x e); CREATE TABLE t (a e)",
        "CREATE TYPE e AS ENUM ('b', 'a'); CREATE TYPE k AS (x e); CREATE TABLE t (a e)",
    ),
    (
        "a composite type of a domain and an enum that are replaced, in a table",
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE DOMAIN d AS int; CREATE TYPE k AS (x e, y d); \
         CREATE TABLE t (a k, b e[], c k[])",
        "CREATE TYPE e AS ENUM ('b', 'a'); CREATE DOMAIN d AS bigint; CREATE TYPE k AS (x e, y d); \
         CREATE TABLE t (a k, b e[], c k[])",
    ),
    (
        "a domain over a domain and over an enum",
        "CREATE TYPE e AS ENUM ('a'); CREATE DOMAIN d AS int",
        "CREATE TYPE e AS ENUM ('a', 'b'); CREATE DOMAIN d AS int CHECK (VALUE > 0); \
         CREATE DOMAIN dd AS d CHECK (VALUE > 1); CREATE DOMAIN de AS e DEFAULT 'a'",
    ),
    (
        "a domain that a function and a default use",
        "CREATE FUNCTION ok(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true'; \
         CREATE DOMAIN d AS int CHECK (ok(VALUE)); CREATE TABLE t (a d DEFAULT 1)",
        "CREATE FUNCTION ok(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT false'; \
         CREATE DOMAIN d AS int; CREATE TABLE t (a d DEFAULT 2)",
    ),
    (
        "a multirange",
        "",
        "CREATE TYPE r AS RANGE (subtype = float8, multirange_type_name = rs); \
         CREATE TABLE t (a r, b rs)",
    ),
    (
        "a cast",
        "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE CAST (c AS int) WITH FUNCTION f(c)",
        "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE CAST (c AS int) WITH FUNCTION f(c) AS ASSIGNMENT",
    ),
    (
        "an operator",
        "CREATE FUNCTION f(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR === (FUNCTION = f, LEFTARG = int, RIGHTARG = int)",
        "CREATE FUNCTION f(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR === (FUNCTION = f, LEFTARG = int, RIGHTARG = int, RESTRICT = eqsel); \
         CREATE OPERATOR <-> (FUNCTION = f, LEFTARG = int, RIGHTARG = int)",
    ),
    (
        "an operator class",
        "",
        "CREATE OPERATOR FAMILY fam USING btree; \
         CREATE OPERATOR CLASS cls FOR TYPE int USING btree FAMILY fam AS \
         OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, \
         FUNCTION 1 btint4cmp(int, int); CREATE TABLE t (a int); CREATE INDEX i ON t (a cls)",
    ),
    (
        "text search",
        "CREATE TEXT SEARCH CONFIGURATION c (PARSER = default); \
         ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH simple",
        "CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, STOPWORDS = english); \
         CREATE TEXT SEARCH CONFIGURATION c (PARSER = default); \
         ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH d, simple; \
         ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR email WITH simple",
    ),
];

#[test]
fn types() {
    all(TYPES);
}

#[test]
fn rows_keep_their_values_when_an_enum_is_replaced() {
    let live = Database::new(
        "CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TABLE t (a e DEFAULT 'a'); \
         INSERT INTO t VALUES ('a'), ('b')",
    );
    let wanted =
        Database::new("CREATE TYPE e AS ENUM ('b', 'a'); CREATE TABLE t (a e DEFAULT 'a')");
    let up = between(&live.catalog(), &wanted.catalog()).expect("a plan");
    live.apply("an enum", &up).expect("steps that work");
    let rows = crate::cluster().query(&live.0, "SELECT a FROM t ORDER BY a");
    assert_eq!(rows, ["b", "a"]);
    assert!(up.steps.iter().any(|step| step.hazards.contains(&Hazard::EnumValueGone)));
}

#[test]
fn a_new_enum_value_is_a_hazard() {
    let up = there_and_back(
        "a value",
        "CREATE TYPE e AS ENUM ('a')",
        "CREATE TYPE e AS ENUM ('a', 'b')",
    );
    assert_eq!(up.steps[0].hazards, [Hazard::EnumValueInSameTransaction]);
}
