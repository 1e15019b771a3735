//! Orders that other tools are reported to get wrong, and changes that are refused.

use pg_logical::diff::DiffError;

use crate::{Database, Pair, all, between};

const ORDERS: &[Pair] = &[
    (
        "a function whose result type changes under a view of a view",
        "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE sql AS 'SELECT 1'; \
         CREATE VIEW v AS SELECT a FROM f(); CREATE VIEW w AS SELECT a FROM v",
        "CREATE FUNCTION f() RETURNS TABLE (a int, b int) LANGUAGE sql AS 'SELECT 1, 2'; \
         CREATE VIEW v AS SELECT a FROM f(); CREATE VIEW w AS SELECT a FROM v",
    ),
    (
        "a type and everything that uses it",
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (a e); \
         CREATE FUNCTION f(e) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "",
    ),
    (
        "a function of a table's row type, and defaults that call another",
        "",
        "CREATE TABLE t (a int); CREATE FUNCTION f(t) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         ALTER TABLE t ALTER a SET DEFAULT g(); ALTER TABLE t ADD b int DEFAULT g(); \
         CREATE VIEW v AS SELECT f(t) AS x FROM t",
    ),
    (
        "a default whose function takes a row of its table",
        "",
        "CREATE TABLE t (a int); \
         CREATE FUNCTION f(x t DEFAULT NULL) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         ALTER TABLE t ALTER a SET DEFAULT f()",
    ),
    (
        "a policy that reads a view of its table",
        "",
        "CREATE TABLE t (a int, b bool); CREATE VIEW v AS SELECT a FROM t WHERE b; \
         ALTER TABLE t ENABLE ROW LEVEL SECURITY; \
         CREATE POLICY p ON t USING (a IN (SELECT a FROM v))",
    ),
    (
        "a check that is dropped with its function",
        "CREATE FUNCTION f(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true'; \
         CREATE TABLE t (a int CHECK (f(a)))",
        "CREATE TABLE t (a int)",
    ),
    (
        "a view that groups by a primary key that is dropped",
        "CREATE TABLE t (a int PRIMARY KEY, b int); CREATE VIEW v AS SELECT a, b FROM t GROUP BY a",
        "CREATE TABLE t (a int NOT NULL, b int); CREATE VIEW v AS SELECT a, b FROM t GROUP BY a, b",
    ),
    (
        "names that other objects take over",
        "CREATE TABLE t (a int); CREATE INDEX x ON t (a); CREATE SEQUENCE y; CREATE TABLE z ()",
        "CREATE TABLE t (a int); CREATE SEQUENCE x; CREATE VIEW y AS SELECT 1 AS a; \
         CREATE INDEX z ON t (a)",
    ),
    (
        "a column that replaces another under the same index",
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a)",
        "CREATE TABLE t (b int); CREATE INDEX i ON t (b)",
    ),
    (
        "a sequence whose owning table is dropped",
        "CREATE TABLE t (a int); CREATE SEQUENCE s OWNED BY t.a",
        "CREATE TABLE u (a int); CREATE SEQUENCE s OWNED BY u.a",
    ),
    (
        "everything",
        "",
        "CREATE SCHEMA app; CREATE TYPE app.e AS ENUM ('a'); CREATE DOMAIN app.d AS int; \
         CREATE TABLE app.t (a app.e, b app.d PRIMARY KEY); \
         CREATE TABLE app.u (b app.d REFERENCES app.t); CREATE VIEW app.v AS SELECT * FROM app.t; \
         CREATE MATERIALIZED VIEW app.m AS SELECT * FROM app.v; \
         CREATE FUNCTION app.f(app.v) RETURNS app.d LANGUAGE sql AS 'SELECT 1'",
    ),
];

#[test]
fn orders() {
    all(ORDERS);
}

fn refusal(before: &str, after: &str) -> DiffError {
    let (before, after) = (Database::new(before), Database::new(after));
    between(&before.catalog(), &after.catalog()).expect_err("a refusal")
}

#[test]
fn another_partition_key_is_refused() {
    let error = refusal("CREATE TABLE t (a int)", "CREATE TABLE t (a int) PARTITION BY RANGE (a)");
    assert_eq!(
        error.to_string(),
        "cannot be changed: table t: its partition key changes from not partitioned to RANGE (a)"
    );
}

#[test]
fn another_type_of_a_partition_key_is_refused() {
    let of = |kind: &str, label: &str| {
        format!(
            "CREATE TYPE e AS ENUM ({label}); \
             CREATE TABLE t (a {kind}, b e) PARTITION BY RANGE (a, b)"
        )
    };
    let error = refusal(&of("int", "'a', 'b'"), &of("bigint", "'b'"));
    let objects: Vec<String> = error.refused().into_iter().map(|one| one.object).collect();
    assert_eq!(objects, ["column t.a", "column t.b"]);
}

#[test]
fn a_column_that_another_parent_would_have_to_declare_is_refused() {
    let of = |parent: &str| {
        Database::new(&format!(
            "CREATE TABLE p (a int); CREATE TABLE q (b int); CREATE TABLE r (a int, c int); \
             CREATE TABLE c (d int) INHERITS ({parent})"
        ))
        .catalog()
    };
    let refused = |one: &str, other: &str| -> Vec<String> {
        let error = between(&of(one), &of(other)).expect_err("a refusal");
        error.refused().into_iter().map(|one| one.object).collect()
    };
    assert_eq!(refused("p", "q"), ["column c.b"]);
    assert_eq!(refused("p", "r"), ["column c.a", "column c.c"]);
    assert_eq!(refused("p", "p, r"), ["column c.c"]);
    assert!(between(&of("p, r"), &of("r")).is_ok());
}

#[test]
fn a_new_check_of_a_domain_in_another_type_is_refused() {
    let of = |domain: &str, table: &str| {
        format!("CREATE DOMAIN d AS int {domain}; CREATE TYPE k AS (x d); CREATE TABLE t ({table})")
    };
    for table in ["a k", "a d[]"] {
        let error = refusal(&of("", table), &of("CHECK (VALUE > 0)", table));
        assert_eq!(
            error.to_string(),
            "cannot be changed: domain d: column t.a contains it, so that it cannot get a \
             constraint"
        );
    }
}

#[test]
fn a_range_that_columns_use_is_not_replaced() {
    let of = |subtype: &str| {
        format!("CREATE TYPE r AS RANGE (subtype = {subtype}); CREATE TABLE t (a r)")
    };
    let error = refusal(&of("int"), &of("bigint"));
    assert_eq!(
        error.to_string(),
        "cannot be changed: type r: columns have this type, and a range type that is in use \
         cannot be replaced"
    );
}

#[test]
fn uncovered_objects_are_named() {
    let error = refusal("", "CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler");
    assert!(
        matches!(&error, DiffError::Uncovered(names) if names == &["access method heap2"]),
        "{error}"
    );
}
