//! Owners, privileges, policies, and the options that decide whose privileges apply.

use pg_logical::diff::Hazard;

use crate::{Pair, all, cluster, text, there_and_back};

pub(crate) fn roles() {
    for role in ["diff_reader", "diff_writer", "diff_owner"] {
        let mut client = cluster().connect("postgres");
        // Another test may have created it.
        let _ = client.batch_execute(&format!("CREATE ROLE {role}"));
    }
}

const RIGHTS: &[Pair] = &[
    (
        "grants",
        "CREATE TABLE t (a int, b int); GRANT SELECT, INSERT ON t TO diff_reader; \
         GRANT UPDATE (a) ON t TO diff_reader",
        "CREATE TABLE t (a int, b int); GRANT SELECT ON t TO diff_reader, diff_writer; \
         GRANT UPDATE (b) ON t TO diff_reader WITH GRANT OPTION; \
         GRANT DELETE ON t TO diff_writer WITH GRANT OPTION",
    ),
    (
        "grants to PUBLIC",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA s",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA s; \
         REVOKE ALL ON FUNCTION f() FROM PUBLIC; GRANT USAGE ON SCHEMA s TO PUBLIC",
    ),
    (
        "a new owner",
        "CREATE TABLE t (a serial); GRANT SELECT ON t TO diff_reader; \
         CREATE VIEW v AS SELECT 1 AS a",
        "CREATE TABLE t (a serial); GRANT SELECT ON t TO diff_reader; \
         ALTER TABLE t OWNER TO diff_owner; \
         CREATE VIEW v AS SELECT 1 AS a; ALTER VIEW v OWNER TO diff_owner",
    ),
    (
        "a new owner, who gets the column privileges of the old one",
        "CREATE TABLE t (a int, b int); GRANT UPDATE (a) ON t TO diff_owner; \
         ALTER TABLE t OWNER TO diff_owner",
        "CREATE TABLE t (a int, b int); GRANT UPDATE (b) ON t TO diff_owner",
    ),
    (
        "a new owner, who had a grant option, and a table without other privileges",
        "CREATE TABLE t (a int); GRANT SELECT ON t TO diff_owner WITH GRANT OPTION",
        "CREATE TABLE t (a int); GRANT UPDATE (a) ON t TO diff_owner; \
         ALTER TABLE t OWNER TO diff_owner",
    ),
    (
        "default privileges",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO diff_reader; CREATE TABLE t (a int)",
        "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO diff_reader; \
         ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ),
    (
        "a table older than the default privileges",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO diff_reader",
        "CREATE TABLE t (a int); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO diff_reader",
    ),
    (
        "an identity column where default privileges give its sequence more than it has",
        "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO diff_reader; \
         CREATE TABLE t (a int NOT NULL); CREATE TABLE o (a int)",
        "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY); \
         CREATE TABLE n (a int GENERATED ALWAYS AS IDENTITY); \
         CREATE TABLE o (a int, b int GENERATED ALWAYS AS IDENTITY); \
         ALTER TABLE o OWNER TO diff_owner; \
         ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO diff_reader",
    ),
    (
        "privileges of the sequences of identity columns",
        "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY); \
         GRANT USAGE ON SEQUENCE t_a_seq TO diff_reader; \
         CREATE TABLE gone (a int GENERATED ALWAYS AS IDENTITY); \
         GRANT SELECT ON SEQUENCE gone_a_seq TO diff_reader",
        "CREATE TABLE t (a int GENERATED ALWAYS AS IDENTITY); \
         GRANT SELECT ON SEQUENCE t_a_seq TO diff_writer; \
         CREATE TABLE n (a int GENERATED ALWAYS AS IDENTITY); \
         GRANT ALL ON SEQUENCE n_a_seq TO diff_reader",
    ),
    (
        "privileges on system functions",
        "",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC; \
         GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO diff_reader",
    ),
    (
        "policies",
        "CREATE TABLE t (a int); CREATE POLICY p ON t FOR SELECT TO diff_reader USING (a > 0); \
         CREATE POLICY q ON t USING (true) WITH CHECK (true)",
        "CREATE TABLE t (a int); CREATE POLICY p ON t FOR SELECT TO PUBLIC USING (a > 1); \
         CREATE POLICY q ON t AS RESTRICTIVE USING (true)",
    ),
];

#[test]
fn rights() {
    roles();
    all(RIGHTS);
}

/// An option of views. The option that matters most came with PostgreSQL 15.
fn option_of_views() -> &'static str {
    if cluster().major() < 15 { "security_barrier" } else { "security_invoker" }
}

#[test]
fn a_replaced_view_keeps_its_owner_privileges_and_comment() {
    roles();
    let option = option_of_views();
    let of = |columns: &str| {
        format!(
            "CREATE TABLE t (a int, b int); \
             CREATE VIEW v WITH ({option} = true) AS SELECT {columns} FROM t; \
             ALTER VIEW v OWNER TO diff_owner; GRANT SELECT ON v TO diff_reader; \
             CREATE VIEW w WITH ({option} = true) AS \
             SELECT a FROM v; ALTER VIEW w SET (security_barrier = true); \
             COMMENT ON VIEW w IS 'on top'; GRANT UPDATE (a) ON w TO diff_writer; \
             CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; \
             CREATE TRIGGER g INSTEAD OF INSERT ON w FOR EACH ROW EXECUTE FUNCTION f()"
        )
    };
    there_and_back("a view", &of("a, b"), &of("b, a"));
}

#[test]
fn create_or_replace_view_keeps_the_options() {
    let option = option_of_views();
    let of = |number: u32| format!("CREATE VIEW v WITH ({option} = true) AS SELECT {number} AS a");
    let statements = text(&there_and_back("a query", &of(1), &of(2)));
    let replaces = |value: &str| {
        statements.contains(&format!("CREATE OR REPLACE VIEW public.v WITH ({option}={value})"))
    };
    assert!(replaces("'true'") || replaces("true"), "{statements}");
}

#[test]
fn privileges_of_unchanged_objects_are_not_revoked() {
    roles();
    let base = "CREATE TABLE t (a int); GRANT SELECT ON t TO diff_reader WITH GRANT OPTION; \
                SET ROLE diff_reader; GRANT SELECT ON t TO diff_writer; RESET ROLE; \
                CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                REVOKE ALL ON FUNCTION f() FROM PUBLIC";
    let up = there_and_back("one table", base, &format!("{base}; CREATE TABLE u (a int)"));
    assert_eq!(text(&up), "CREATE TABLE public.u (\n    a integer\n);\n");
    let other = base.replace("SET ROLE diff_reader;", "").replace("RESET ROLE;", "");
    let (one, other) = (crate::Database::new(base), crate::Database::new(&other));
    let plan = crate::between(&one.catalog(), &other.catalog()).expect("a plan");
    assert_eq!(text(&plan), "", "the grantor is not compared");
}

#[test]
fn a_grant_is_a_hazard() {
    roles();
    let up = there_and_back(
        "a grant",
        "CREATE TABLE t (a int)",
        "CREATE TABLE t (a int); GRANT SELECT ON t TO diff_reader",
    );
    assert_eq!(up.steps[0].hazards, [Hazard::AuthzChanged]);
}
