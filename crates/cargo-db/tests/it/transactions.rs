//! A file is one transaction where documented, and what it leaves in its session ends with it.

use crate::support::Project;

/// Whether these relations exist.
fn there(project: &Project, names: &[&str]) -> Vec<bool> {
    let look = |name: &&str| {
        let sql = format!("SELECT count(*) FROM pg_class WHERE relname = '{name}'");
        project.query(&sql) == ["1"]
    };
    names.iter().map(look).collect()
}

#[test]
fn a_commit_that_hides_in_another_statement_is_refused_by_the_server() {
    let project = Project::new("x_hidden");
    project.migration(
        "1_a.sql",
        "CREATE TABLE k1 (a int);\n\
         CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'select 1'; COMMIT;\n\
         CREATE TABLE k2 (a int); SELECT 1 AS end; SELECT 1/0;",
    );
    project
        .db(&["migrate", "--yes"])
        .code(7)
        .says("multiple commands")
        .says("the database is unchanged");
    assert_eq!(there(&project, &["k1", "k2"]), [false, false]);
}

#[test]
fn no_dump_commits_the_transaction_that_replaces_everything() {
    let project = Project::new("x_dump");
    project.run_sql("CREATE TABLE precious AS SELECT generate_series(1, 10) AS id");
    for (smuggled, says) in [
        (
            "CREATE FUNCTION public.begin() RETURNS int LANGUAGE sql AS 'select 1'; COMMIT;\n\
             SELECT 1 AS end;",
            "multiple commands",
        ),
        (
            "SET standard_conforming_strings = off; SELECT '\\'' ; COMMIT; --';",
            "sets `standard_conforming_strings` to `off`",
        ),
        ("SET client_encoding = 'GBK'; SELECT 1;", "sets `client_encoding` to `gbk`"),
    ] {
        let dump = format!(
            "--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.x (a int);\n{smuggled}\n\
             SELECT 1/0;\n--\n-- PostgreSQL database dump complete\n--\n"
        );
        let file = project.write("d.sql", &dump);
        let file = file.to_str().unwrap();
        let restore = ["restore", "--file", file, "--clean"];
        project.db(&[&restore[..], &["--yes"]].concat()).code(11).says("that pg_dump writes");
        let trusted = ["--allow-any-sql", "--confirm", "x_dump"];
        project.db(&[&restore[..], &trusted].concat()).says(says);
        assert_eq!(project.query("SELECT count(*) FROM precious"), ["10"]);
    }
}

#[test]
fn excluded_rows_do_not_prevent_a_restore() {
    let project = Project::new("x_binary");
    let selects = "SELECT acldefault('r', 10);\nSELECT relacl FROM pg_class;\n\
                   COPY (SELECT 1) TO STDOUT;\n/* x */ copy pg_class (relname) to stdout;\n";
    project.migration("1_a.sql", &format!("{selects}CREATE TABLE a (id int); {selects}"));
    project.migration("2_b.sql", &format!("-- no-transaction\n{selects}CREATE TABLE b (id int);"));
    project.db(&["migrate", "--yes"]).ok();
    project.run_sql("INSERT INTO a VALUES (1)");
    project.migration("3_c.sql", &format!("{selects}CREATE TABLE c (id int);"));
    project.db(&["rehearse"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(there(&project, &["a", "b", "c"]), [true, true, true]);
}

#[test]
fn a_migration_may_set_its_isolation_its_name_and_reset_all() {
    let project = Project::new("x_set");
    project.migration(
        "1_a.sql",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE a (id int);\n\
         SET application_name = 'mine'; CREATE TABLE b (id int);\n\
         RESET ALL; CREATE TABLE c (id int); SAVEPOINT s; DROP TABLE c; ROLLBACK TO s;",
    );
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(there(&project, &["a", "b", "c"]), [true, true, true]);
    // The rehearsal's own queries come before it and do no harm.
    project.run_sql("INSERT INTO a VALUES (1)");
    project.migration(
        "2_b.sql",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; CREATE TABLE d (id int);",
    );
    project.db(&["rehearse"]).ok().says("PASS");
    project.db(&["migrate", "--yes"]).ok();
}

/// What one migration leaves, and one that would meet it.
const LEFT_BEHIND: [(&str, &str, &str); 6] = [
    (
        "CREATE TEMP TABLE crates AS SELECT * FROM public.crates WHERE id = 1;",
        "ALTER TABLE crates ADD COLUMN weight int; UPDATE crates SET label = 'seen';",
        "SELECT count(weight IS NULL) FROM public.crates WHERE label = 'seen'",
    ),
    (
        "CREATE TEMP SEQUENCE s;",
        "SELECT setval('s', 100);",
        "SELECT count(*) FROM generate_series(1, 2) WHERE (SELECT last_value FROM public.s) = 100",
    ),
    (
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 2';",
        "SELECT 2",
    ),
    ("PREPARE p AS SELECT 1;", "PREPARE p AS SELECT 2;", "SELECT 2"),
    (
        "SELECT pg_advisory_lock(4711);",
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711) \
         THEN RAISE 'still locked'; END IF; END $$;",
        "SELECT 2",
    ),
    (
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 2;",
        "SELECT 2",
    ),
];

/// The two migrations, in a database of their own.
fn two(name: &str, first: &str, second: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_base.up.sql",
        "CREATE TABLE crates (id int PRIMARY KEY, label text); \
         INSERT INTO crates VALUES (1, 'a'), (2, 'b'); CREATE SEQUENCE s;",
    );
    project.db(&["migrate", "--yes"]).ok();
    project.migration("2_a.up.sql", first);
    project.migration("3_b.up.sql", second);
    project
}

#[test]
fn what_a_migration_leaves_in_its_session_ends_with_it() {
    for (index, (first, second, right)) in LEFT_BEHIND.iter().enumerate() {
        for (how, flags) in [("one", "--yes"), ("all", "--yes --all-or-nothing")] {
            let project = two(&format!("x_left_{how}_{index}"), first, second);
            let flags: Vec<&str> = ["migrate"].into_iter().chain(flags.split(' ')).collect();
            project.db(&flags).ok();
            assert_eq!(project.query(right), ["2"], "{first} {how}");
        }
        let first = format!("-- no-transaction\n{first}");
        let project = two(&format!("x_left_plain_{index}"), &first, second);
        project.db(&["rehearse"]).says("2 migrations");
        project.db(&["migrate", "--yes"]).ok();
        assert_eq!(project.query(right), ["2"], "{first}");
        project.db(&["reset", "--yes"]).ok();
        assert_eq!(project.query(right), ["2"], "{first} after a reset");
    }
}

#[test]
fn a_tool_that_runs_all_in_one_transaction_carries_it_over_and_says_so() {
    let project = Project::new("x_carried");
    project.write("package.json", "{\"dependencies\": {\"node-pg-migrate\": \"8\"}}");
    project.write(
        "migrations/1700000000001_a.sql",
        "-- Up Migration\nCREATE TEMP TABLE kept (id int);\n-- Down Migration\nSELECT 1;\n",
    );
    project.write(
        "migrations/1700000000002_b.sql",
        "-- Up Migration\nINSERT INTO kept VALUES (1);\n-- Down Migration\nSELECT 1;\n",
    );
    project.db(&["migrate", "--yes"]).ok().says("leaves the temporary table `kept`");
}

/// A project of Prisma's, whose files are sent unchanged.
fn prisma(name: &str) -> Project {
    let project = Project::new(name);
    project.write("package.json", "{\"dependencies\": {\"prisma\": \"6\"}}");
    project.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
    project
}

#[test]
fn begin_joins_the_implicit_block_of_a_query_and_commit_ends_it() {
    let project = prisma("x_blocks");
    let file = "prisma/migrations/20270101000001_enum/migration.sql";
    project.write(
        file,
        "CREATE TABLE first (id int);\nBEGIN;\nCREATE TYPE s_new AS ENUM ('a');\nCOMMIT;\n\
         CREATE TABLE second (id int);\nSELECT 1/0;\n",
    );
    project.db(&["check"]).ok();
    let stays = project.db(&["migrate", "--yes"]).code(8).says("division by zero");
    stays.says("CREATE TABLE first").says("CREATE TYPE s_new");
    assert_eq!(there(&project, &["first", "second"]), [true, false]);
    project.run_sql(
        "DROP TABLE first; DROP TYPE s_new; CREATE TABLE r (id int); INSERT INTO r VALUES (1)",
    );
    project.write(
        file,
        "CREATE TABLE first (id int);\nROLLBACK;\nCREATE TABLE third (id int);\nBEGIN;\n\
         CREATE TYPE s_new AS ENUM ('a');\nCOMMIT;\nCREATE TABLE second (id int);\n",
    );
    project.db(&["rehearse"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(there(&project, &["first", "second", "third"]), [false, true, true]);
    project.db(&["migrate", "--yes"]).ok().says("nothing to do");
    project.write(
        "prisma/migrations/20270101000002_more/migration.sql",
        "COMMIT AND CHAIN; CREATE TABLE no (id int);",
    );
    project.db(&["migrate", "--yes"]).code(7).says("COMMIT AND CHAIN");
}

#[test]
fn a_rehearsal_of_such_a_file_commits_nothing_outside_its_copy() {
    let project = prisma("x_outside");
    project.run_sql("CREATE TABLE r (id int); INSERT INTO r VALUES (1)");
    project.write(
        "prisma/migrations/20270101000001_role/migration.sql",
        "DO $$ BEGIN EXECUTE 'CREATE ' || 'ROLE x_outside_role'; END $$;\nCOMMIT;\nSELECT 1;\n",
    );
    project.db(&["rehearse"]).code(1).says("outside-database");
    let roles = "SELECT count(*) FROM pg_roles WHERE rolname = 'x_outside_role'";
    assert_eq!(project.query(roles), ["0"]);
}

#[test]
fn prisma_files_with_their_own_transactions_can_be_recorded_as_applied() {
    let project = prisma("x_baseline");
    project.run_sql("CREATE TYPE s_new AS ENUM ('a')");
    project.write(
        "prisma/migrations/20270101000001_enum/migration.sql",
        "BEGIN; CREATE TYPE s_new AS ENUM ('a'); COMMIT;\nSELECT 1;\n",
    );
    project.db(&["baseline", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok().says("nothing to do");
}

#[test]
fn deferred_checks_of_one_migration_do_not_affect_the_next() {
    let mut project = Project::new("x_hurried");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.migration(
        "2_b.sql",
        "CREATE TABLE p (id int PRIMARY KEY);\n\
         CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n\
         INSERT INTO c VALUES (1); INSERT INTO p VALUES (1);",
    );
    project.db(&["migrate", "--all-or-nothing", "--yes"]).code(0);
    project.migration("3_c.sql", "INSERT INTO c VALUES (2);");
    project.migration("4_d.sql", "INSERT INTO p VALUES (2);");
    project.set("CARGO_DB_REHEARSE", "0");
    project
        .db(&["migrate", "--all-or-nothing", "--yes"])
        .code(7)
        .says("the deferred constraints of migration `3 c`");
}

#[test]
fn a_statement_that_cannot_be_committed_by_itself_is_a_finding() {
    let project = Project::new("x_alone");
    project.run_sql(
        "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); \
         CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
    );
    let sql = "-- no-transaction\nSELECT 1;\nINSERT INTO c VALUES (2);\nCREATE TABLE d (id int);";
    project.migration("1_a.sql", sql);
    project.db(&["rehearse"]).code(1).says("commit-fails").says("line 3").says("violates foreign");
}
