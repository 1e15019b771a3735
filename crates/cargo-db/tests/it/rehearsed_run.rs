//! A rehearsal runs as the real run does: with the history, in the transactions of the plan, and
//! with the migrations that are pending in the copy.

use crate::support::{Project, cluster};

/// A project with a table and a row, so that there is something to rehearse.
fn filled(name: &str) -> Project {
    let mut project = Project::new(name);
    project.run_sql("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
    project.set("CARGO_DB_REHEARSE", "1");
    project
}

/// The same with a tool that runs all pending migrations in one transaction.
fn node_pg_migrate(name: &str, first: &str, second: &str) -> Project {
    let project = filled(name);
    project.write("package.json", "{\"dependencies\": {\"node-pg-migrate\": \"8\"}}");
    for (version, sql) in [("1700000000001_a", first), ("1700000000002_b", second)] {
        let text = format!("-- Up Migration\n{sql}\n-- Down Migration\nSELECT 1;\n");
        project.write(&format!("migrations/{version}.sql"), &text);
    }
    project
}

/// Fails if this version is not recorded.
fn recorded(version: u32) -> String {
    format!(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM public._sqlx_migrations WHERE version = {version}) \
         THEN RAISE EXCEPTION 'step {version} is not recorded'; END IF; END $$;"
    )
}

#[test]
fn migrations_see_the_history_as_in_the_run() {
    let project = filled("r_history");
    project.migration("1_a.sql", "CREATE TABLE one (i int);");
    project.migration("2_b.sql", &recorded(1));
    project.migration("3_c.sql", &format!("-- no-transaction\n{}", recorded(2)));
    project.migration(
        "4_d.sql",
        "UPDATE _sqlx_migrations SET description = 'first' WHERE version = 1;",
    );
    let ran = project.db(&["rehearse"]).ok();
    assert!(!ran.stdout.contains("history-changed"), "{ran}");
    project.db(&["migrate", "--to", "3", "--yes"]).ok();
    // The copy has the rows of the history, even if only the schema is copied.
    project.migration("4_d.sql", &recorded(3));
    for from in ["live", "schema"] {
        let ran = project.db(&["rehearse", "--from", from, "--json"]);
        let migrations = ran.json()["migrations"].clone();
        assert_eq!(migrations.as_array().map(Vec::len), Some(1), "{from} {ran}");
        let findings = migrations[0]["findings"].as_array().unwrap();
        assert!(findings.iter().all(|found| found["rule"] != "fails"), "{from} {ran}");
    }
    project.db(&["migrate", "--yes"]).ok();
}

/// The run compares the history with the plan afterwards, so it would fail.
#[test]
fn a_file_that_adds_or_removes_records_is_blocked() {
    let project = filled("r_records");
    project.migration("1_a.sql", "CREATE TABLE one (i int);");
    let removes = "SELECT 1;\nDELETE FROM public._sqlx_migrations WHERE version = 1;";
    for (sql, what, line) in [
        (removes, "removes 1 from", 2),
        (&format!("-- no-transaction\n{removes}"), "removes 1 from", 3),
        (
            "UPDATE _sqlx_migrations SET version = 7 WHERE version = 1;",
            "removes 1 from the history; it adds 7 to",
            1,
        ),
        ("UPDATE _sqlx_migrations SET success = false;", "removes 1 from", 1),
        ("TRUNCATE _sqlx_migrations;", "removes 1 from", 1),
    ] {
        project.migration("2_b.sql", sql);
        let json = project.db(&["rehearse", "--json"]).code(1).json();
        let findings = json["migrations"][1]["findings"].as_array().unwrap();
        let found = findings.iter().find(|found| found["rule"] == "history-changed");
        let found = found.unwrap_or_else(|| panic!("{sql} {json:#}"));
        assert!(found["evidence"].as_str().unwrap().contains(what), "{sql} {found:#}");
        assert_eq!(found["line"], line, "{found:#}");
        assert_eq!(found["object"], "_sqlx_migrations");
        project.db(&["migrate", "--yes"]).code(4).says("history-changed");
    }
    // golang-migrate keeps one record, which the tool itself replaces.
    let project = filled("r_one_record");
    project.write("go.mod", "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n");
    project.write("db.toml", "[migrations]\ntool = \"golang-migrate\"\n");
    for version in 1..3 {
        let sql = format!("CREATE TABLE t{version} (i int);");
        project.migration(&format!("{version}_a.up.sql"), &sql);
        project.migration(&format!("{version}_a.down.sql"), &format!("DROP TABLE t{version};"));
    }
    project.db(&["rehearse"]).ok().says("2 PASS");
}

/// The same where nothing was rehearsed: the run itself finds it, before the commit.
#[test]
fn a_file_that_changes_records_is_stopped_without_a_rehearsal_too() {
    let removes = "CREATE TABLE two (i int);\nDELETE FROM public._sqlx_migrations;";
    for (name, rehearse, rows) in [("r_norows", "1", ""), ("r_norehearsal", "0", "VALUES (1)")] {
        let mut project = Project::new(name);
        project.set("CARGO_DB_REHEARSE", rehearse);
        project.migration(
            "1_a.sql",
            &format!("CREATE TABLE one AS SELECT 1 WHERE false; {}", {
                if rows.is_empty() { "SELECT 1;" } else { "INSERT INTO one VALUES (1);" }
            }),
        );
        project.db(&["migrate"]).ok();
        project.migration("2_b.sql", "CREATE SCHEMA two;");
        project.migration("3_c.sql", removes);
        let ran = project.db(&["migrate", "--yes"]).code(4);
        let ran = ran.says("history-changed _sqlx_migrations: it removes 1, 2 from the history");
        let ran = ran.says("migrations/3_c.sql:2").says("Applied 2 b").says("rolled back");
        assert!(!ran.stderr.contains("reported success"), "{ran}");
        assert_eq!(project.query("SELECT version FROM _sqlx_migrations ORDER BY 1"), ["1", "2"]);
        assert!(project.query("SELECT to_regclass('two')")[0].is_empty());
        // Statements that are committed by then are listed.
        project.migration("3_c.sql", &format!("-- no-transaction\n{removes}"));
        let ran = project.db(&["migrate", "--yes"]).code(8);
        ran.says("history-changed _sqlx_migrations").says("CREATE TABLE two");
    }
}

#[test]
fn a_batch_that_changes_records_is_rolled_back_as_a_whole() {
    let mut project = node_pg_migrate(
        "r_batch_records",
        "CREATE TABLE one (i int);",
        "UPDATE pgmigrations SET name = 'other';",
    );
    project.set("CARGO_DB_REHEARSE", "0");
    let ran = project.db(&["migrate", "--yes"]).code(4);
    ran.says("history-changed pgmigrations: it removes 1700000000001").says("rolled back");
    assert!(project.query("SELECT to_regclass('one'), to_regclass('pgmigrations')")[0] == "|");
}

/// A trigger that fires at the commit comes after every look, and no exit code calls that a success
/// of a tool.
#[test]
fn a_record_that_goes_at_the_commit_is_found_in_the_history() {
    let project = Project::new("r_late_records");
    project.migration("1_a.sql", "CREATE TABLE one (i int);");
    project.migration(
        "2_b.sql",
        "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN DELETE FROM _sqlx_migrations WHERE version = 1; RETURN NULL; END $$;\n\
         CREATE CONSTRAINT TRIGGER forget AFTER INSERT ON one DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION forget();\nINSERT INTO one VALUES (1);",
    );
    let ran = project.db(&["migrate", "--yes"]).code(9);
    ran.says("`1 a` is not applied").says("already applied: 2 steps, the last: Applied 2 b");
}

/// A down file may remove its own record, as `rollback` does after it.
#[test]
fn a_down_file_may_remove_its_own_record_only() {
    let project = Project::new("r_own_record");
    for version in 1..3 {
        project.migration(&format!("{version}_a.up.sql"), &format!("CREATE SCHEMA s{version};"));
        project.migration(
            &format!("{version}_a.down.sql"),
            &format!(
                "DROP SCHEMA s{version}; DELETE FROM _sqlx_migrations WHERE version <= 2 \
                      AND version >= {version};"
            ),
        );
    }
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["rollback", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["rollback", "--yes", "--steps", "2"]).ok();
}

#[test]
fn a_trigger_on_the_history_fires_in_the_rehearsal_as_in_the_run() {
    let project = filled("r_trigger");
    project.migration(
        "1_a.sql",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION 'no more rows'; END $$;\n\
         CREATE TRIGGER refuse BEFORE INSERT ON _sqlx_migrations \
         FOR EACH ROW EXECUTE FUNCTION refuse();",
    );
    project.db(&["rehearse"]).code(1).says("commit-fails").says("no more rows");
    project.db(&["migrate", "--yes"]).code(4).says("no more rows");
}

#[test]
fn what_shares_a_transaction_is_rehearsed_in_one() {
    let adds = "CREATE TYPE x AS ENUM ('z'); ALTER TYPE m ADD VALUE 'b';";
    let uses = "INSERT INTO moods VALUES ('b');";
    let temporary = "CREATE TEMP TABLE w ON COMMIT DROP AS SELECT 1 AS i;";
    let moment = "INSERT INTO moments DEFAULT VALUES;";
    let cases = [
        (adds, uses, "unsafe use of new value"),
        (temporary, temporary, "already exists"),
        (moment, moment, "duplicate key"),
    ];
    for (index, (first, second, why)) in cases.into_iter().enumerate() {
        let project = node_pg_migrate(&format!("r_one_{index}"), first, second);
        project.run_sql(
            "CREATE TYPE m AS ENUM ('a'); CREATE TABLE moods (m m); \
             CREATE TABLE moments (at timestamptz PRIMARY KEY DEFAULT now())",
        );
        let before = project.content();
        project.db(&["migrate", "--dry-run"]).code(1).says(why);
        project.db(&["rehearse"]).code(1).says(why);
        let ran = project.db(&["migrate", "--yes"]).code(7).says(why);
        assert!(!ran.stderr.contains("cargo db baseline"), "{ran}");
        assert_eq!(project.content(), before, "{first}");
    }
}

#[test]
fn a_batch_in_one_transaction_passes_and_is_rolled_back() {
    let project = node_pg_migrate(
        "r_one_passes",
        "CREATE TEMP TABLE w AS SELECT 7 AS i; SET LOCAL work_mem = '1MB'; UPDATE t SET v = v;",
        "INSERT INTO t SELECT i, i FROM w; CREATE TABLE two (i int);",
    );
    let queries = project.write("q/one.sql", "SELECT id FROM t;");
    assert!(queries.exists());
    let json = project.db(&["rehearse", "--queries", "q", "--json"]).json();
    assert_eq!(json["verdict"], "PASS", "{json:#}");
    assert_eq!(json["migrations"][1]["rollback"]["is"], "wrong", "{json:#}");
    project.db(&["migrate", "--yes"]).ok();
}

#[test]
fn in_staging_all_or_nothing_is_rehearsed_so() {
    let mut project = filled("r_staging");
    project.run_sql("CREATE TABLE at (at timestamptz PRIMARY KEY DEFAULT now())");
    project.migration("1_a.sql", "INSERT INTO at DEFAULT VALUES;");
    project.migration("2_b.sql", "INSERT INTO at DEFAULT VALUES;");
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["rehearse"]).code(1).says("duplicate key");
}

#[test]
fn a_receipt_is_of_one_transaction_or_of_several() {
    let mut project = filled("r_receipt");
    project.accept_key();
    project.migration("1_a.sql", "CREATE TABLE a (i int);");
    let migrate = |project: &mut Project, flags: &[&str], code: i32| {
        project.set("CARGO_DB_ENV", "production");
        let ran = project.db(&[&["migrate", "--dry-run"], flags].concat()).code(code);
        project.set("CARGO_DB_ENV", "test");
        ran
    };
    // A single migration has its own transaction anyway.
    project.db(&["rehearse"]).ok();
    let _ = migrate(&mut project, &["--all-or-nothing"], 0);
    project.migration("2_b.sql", "CREATE TABLE b (i int);");
    project.db(&["rehearse"]).ok();
    let _ = migrate(&mut project, &[], 0);
    let why = "in a separate transaction: rehearse with `--all-or-nothing`";
    let _ = migrate(&mut project, &["--all-or-nothing"], 1).says(why);
    project.db(&["rehearse", "--all-or-nothing"]).ok();
    let _ = migrate(&mut project, &["--all-or-nothing"], 0);
    let _ = migrate(&mut project, &[], 1).says("the migrations were rehearsed in one transaction");
}

#[test]
fn a_do_block_that_commits_is_rehearsed_as_it_runs() {
    for (index, sql) in [
        "DO $$ BEGIN UPDATE t SET v = 2 WHERE id < 5; COMMIT; UPDATE t SET v = v; END $$;",
        "DO $$ BEGIN CREATE TABLE d (i int); ROLLBACK; CREATE TABLE d (i int); END $$;",
    ]
    .into_iter()
    .enumerate()
    {
        let project = filled(&format!("r_do_{index}"));
        project.migration("1_a.sql", &format!("-- no-transaction\n{sql}\nSELECT 1;"));
        project.db(&["rehearse"]).ok();
        project.db(&["migrate", "--yes"]).ok();
    }
    let project = filled("r_do_gone");
    let sql = "-- no-transaction\nDO $$ BEGIN DELETE FROM t; COMMIT; END $$;";
    project.migration("1_a.sql", sql);
    project.db(&["rehearse"]).code(1).says("rows-lost t: 1 rows");
    let sql = sql.replace("\n", "\n-- cargo-db: expect loss t <= 1\n");
    project.migration("1_a.sql", &sql);
    project.db(&["rehearse"]).ok();
    // The server no longer counts rows updated before the last commit.
    let sql = "-- no-transaction\nDO $$ BEGIN UPDATE t SET v = v + 1; COMMIT; \
               PERFORM pg_sleep(1.2); COMMIT; END $$;";
    project.migration("1_a.sql", sql);
    project.db(&["rehearse"]).ok().says("values-overwritten t.v: some of its values were changed");
    let sql = "-- no-transaction\nDO $$ BEGIN INSERT INTO t VALUES (9, 9); COMMIT; END $$;";
    project.migration("1_a.sql", sql);
    project
        .db(&["rehearse"])
        .ok()
        .says("rows were added; it is unknown whether other values were changed");
    // In a transaction it is rejected, in the rehearsal as in the real run.
    project.migration("1_a.sql", "DO $$ BEGIN COMMIT; END $$;");
    project.db(&["rehearse"]).code(1).says("invalid transaction termination");
}

#[test]
fn what_a_block_commits_for_all_databases_stops_the_rehearsal() {
    let project = filled("r_shared");
    project.run_sql(
        "CREATE PROCEDURE p(name text) LANGUAGE plpgsql AS \
         $$ BEGIN EXECUTE format('CREATE ROLE %I', name); COMMIT; END $$",
    );
    let sql = "-- no-transaction\nDO $$ BEGIN CALL p('r_shared_1'); END $$;\nSELECT 1/0;";
    project.migration("1_a.sql", sql);
    project.migration("2_b.sql", "SELECT 1;");
    let ran = project.db(&["rehearse"]).code(1).says("outside-database");
    // Other sessions may change something at the same time, which is reported as well.
    let ran =
        ran.says("this changed for all databases, and was not undone: ").says("role r_shared_1");
    assert!(!ran.stdout.contains("division by zero"), "{ran}");
    // So does one that fails afterwards.
    let sql = "-- no-transaction\nDO $$ BEGIN CALL p('r_shared_2'); RAISE 'too late'; END $$;";
    project.migration("1_a.sql", sql);
    project.db(&["rehearse"]).code(1).says("not undone: ").says("role r_shared_2");
}

#[test]
fn a_file_of_one_block_that_commits_runs_as_its_tool_sends_it() {
    for (index, sql) in [
        "DO $$ BEGIN UPDATE t SET v = 2; COMMIT; END $$;",
        "CALL tidy();",
        "DO $$ BEGIN UPDATE t SET v = 2; END $$;",
    ]
    .into_iter()
    .enumerate()
    {
        let project = filled(&format!("r_alone_{index}"));
        project.run_sql(
            "CREATE PROCEDURE tidy() LANGUAGE plpgsql AS \
             $$ BEGIN UPDATE t SET v = 2; COMMIT; END $$",
        );
        project.write("go.mod", "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n");
        project.migration("1_a.up.sql", sql);
        project.migration("1_a.down.sql", "SELECT 1;");
        project.write("db.toml", "[migrations]\ntool = \"golang-migrate\"\n");
        project.db(&["migrate", "--dry-run"]).ok();
        project.db(&["migrate", "--yes"]).ok();
        assert_eq!(project.query("SELECT v FROM t"), ["2"], "{sql}");
    }
}

#[test]
fn a_file_that_commits_is_no_part_of_one_transaction() {
    let mut project = filled("r_blocks");
    project.write("package.json", "{\"dependencies\": {\"prisma\": \"6\"}}");
    project.write("prisma/migrations/migration_lock.toml", "provider = \"postgresql\"\n");
    project.write(
        "prisma/migrations/20270101000001_enum/migration.sql",
        "BEGIN; CREATE TYPE s AS ENUM ('a'); COMMIT;\nUPDATE t SET v = 2;\n\
         CREATE TABLE later (i int);",
    );
    let second = "prisma/migrations/20270101000002_next/migration.sql";
    project.write(second, "SELECT 1/0;");
    project.set("CARGO_DB_ENV", "staging");
    project.set("CARGO_DB_REHEARSE", "0");
    let before = project.content();
    project.db(&["migrate", "--dry-run"]).says("swap");
    project.write(second, "SELECT 1;");
    project.db(&["rehearse"]).ok().says("PASS  20270101000002_next");
    assert_eq!(project.content(), before);
}

#[test]
fn pending_migrations_are_read_from_the_backup_itself() {
    let project = filled("r_backup");
    project.migration("1_a.sql", "ALTER TABLE t ADD COLUMN a int;");
    project.migration("2_b.sql", "ALTER TABLE t ADD COLUMN b int;");
    project.db(&["migrate", "--to", "1", "--yes"]).ok();
    project.db(&["backup"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    // Nothing is pending in the database, but one migration is pending in the backup.
    let ran = project.db(&["rehearse", "--from", "backup"]).ok().says("PASS  2 b");
    let ran = ran.says("pending in r_backup itself: 0");
    assert!(!ran.stdout.contains("1 a"), "{ran}");
    // Now two migrations are pending in the database, and one in the backup.
    project.run_sql("ALTER TABLE t DROP COLUMN a, DROP COLUMN b; DELETE FROM _sqlx_migrations");
    project
        .db(&["rehearse", "--from", "backup"])
        .ok()
        .says("pending in r_backup itself: 2")
        .says("PASS  2 b");
    project.db(&["rehearse"]).ok().says("2 PASS");
    let left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'r_backup_%'";
    assert_eq!(cluster().query("postgres", left), ["0"]);
}

#[test]
fn what_works_in_one_database_only_is_left_out_and_recorded() {
    let mut project = filled("r_only");
    project.set("COLUMNS", "400");
    let fails =
        "DO $$ BEGIN IF current_database() <> 'r_only' THEN RAISE 'not here'; END IF; END $$;";
    let allowed = format!(
        "-- cargo-db: allow outside-database it lives in one database\n{fails}\n\
         CREATE TABLE of_one (i int);"
    );
    let line = "`-- cargo-db: allow outside-database <reason>`";
    project.migration("1_a.up.sql", fails);
    project.migration("1_a.down.sql", "SELECT 1;");
    for (verb, code) in [(&["rehearse"][..], 1), (&["migrate", "--yes"], 7)] {
        project.db(verb).code(code).says("the copy has another name").says(line);
    }
    project.migration("1_a.up.sql", &allowed);
    project.migration("1_a.down.sql", "SELECT 1/0;");
    project.migration("2_b.up.sql", &recorded(1));
    project.migration("2_b.down.sql", "SELECT 1;");
    project.migration("2_b.up.sql", "INSERT INTO of_one VALUES (1);");
    for (verb, code) in [(&["rehearse"][..], 1), (&["migrate", "--yes"], 7)] {
        project.db(verb).code(code).says("`1 a` was not run on the copy").says(line);
    }
    project.migration("2_b.up.sql", &recorded(1));
    let ran =
        project.db(&["rehearse"]).ok().says("`1 a` was not run: it may affect other databases");
    assert!(!ran.stdout.contains("division"), "{ran}");
    project.db(&["check"]).ok();
    project.db(&["migrate", "--dry-run"]).ok();
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--dry-run"]).ok();
    project.set("CARGO_DB_ENV", "development");
    project.db(&["migrate", "--yes"]).ok();
}
