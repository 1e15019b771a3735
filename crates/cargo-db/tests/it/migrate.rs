//! `cargo db migrate`: what it applies, and what it reports if it cannot.

use snapbox::{assert_data_eq, str};

use crate::support::{Project, cluster};

fn two_tables(project: &Project) {
    project.migration("1_users.sql", "CREATE TABLE users (id int PRIMARY KEY);");
    project.migration(
        "2_posts.sql",
        "CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users);",
    );
}

#[test]
fn shows_the_plan_then_applies_it() {
    let project = Project::new("m_plan");
    two_tables(&project);
    project.db(&["migrate"]).ok();
    project.db(&["migrate"]).ok().says("nothing to do");
    assert_eq!(
        project.query("SELECT version, description, success FROM _sqlx_migrations ORDER BY 1"),
        ["1|users|t", "2|posts|t"]
    );
}

#[test]
fn creates_the_database_in_development_only() {
    let mut project = Project::without_database("m_create");
    two_tables(&project);
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).code(6).says("the database `m_create` does not exist");
    project.set("CARGO_DB_ENV", "development");
    project.db(&["status"]).ok().says("does not exist yet");
    project.db(&["migrate"]).ok().says("create the database m_create");
}

#[test]
fn to_and_steps_limit_the_plan() {
    let project = Project::new("m_limit");
    two_tables(&project);
    project.migration("3_tags.sql", "CREATE TABLE tags (id int);");
    project.db(&["migrate", "--steps", "1"]).ok();
    project.db(&["migrate", "--to", "2"]).ok();
    assert_eq!(project.query("SELECT max(version), count(*) FROM _sqlx_migrations"), ["2|2"]);
    project.db(&["migrate", "--to", "7"]).code(2);
}

#[test]
fn a_failing_statement_is_shown_with_its_position() {
    let project = Project::new("m_fail");
    two_tables(&project);
    project.migration(
        "3_bad.sql",
        "CREATE TABLE half (id int);\n\n  ALTER TABLE users\n    ADD COLUMN x nosuchtype;\n",
    );
    project.migration("4_never.sql", "SELECT 1");
    project.db(&["migrate"]).code(7);
    assert_eq!(
        project.query(
            "SELECT to_regclass('half') IS NULL, (SELECT max(version) FROM _sqlx_migrations)"
        ),
        ["t|2"]
    );
}

#[test]
fn a_deferred_constraint_that_fails_at_commit_rolls_back() {
    let project = Project::new("m_deferred");
    project.migration(
        "1_a.sql",
        "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES a DEFERRABLE INITIALLY DEFERRED);",
    );
    project.migration("2_b.sql", "INSERT INTO a VALUES (1, 99);");
    project
        .db(&["migrate"])
        .code(7)
        .says("migration `2 b` could not be committed and was rolled back")
        .says("violates foreign key");
    assert_eq!(
        project.query("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM _sqlx_migrations)"),
        ["0|1"]
    );
}

#[test]
fn several_concurrent_builds_in_one_file_work() {
    let project = Project::new("m_cic");
    two_tables(&project);
    project.migration(
        "3_indexes.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY one ON posts (author);\nCREATE INDEX CONCURRENTLY two ON posts (author, id);\n\
         CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;\n",
    );
    project.db(&["migrate"]).ok().says("apply 3 indexes, without a transaction");
    assert_eq!(project.query("SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid IN ('one'::regclass, 'two'::regclass)"), ["2"]);
}

#[test]
fn an_invalid_index_is_dropped_and_named() {
    let project = Project::new("m_invalid");
    project.migration("1_t.sql", "CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1);");
    project.migration(
        "2_u.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY plain ON t (id);\nCREATE UNIQUE INDEX CONCURRENTLY once\n  ON t (id);\n",
    );
    project
        .db(&["migrate"])
        .code(8)
        .says("dropped the invalid index public.once")
        .says("migrations/2_u.sql:3:1: could not create unique index")
        .says("CREATE INDEX CONCURRENTLY plain ON t (id)");
    assert_eq!(project.query("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["0"]);
    assert_eq!(project.query("SELECT max(version) FROM _sqlx_migrations"), ["1"]);

    // What an earlier, killed run left behind makes IF NOT EXISTS skip the build for ever.
    project.run_sql(
        "DELETE FROM t; INSERT INTO t VALUES (1); DROP INDEX plain; CREATE UNIQUE INDEX once ON t (id); \
                     UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'once'::regclass",
    );
    project.migration(
        "2_u.sql",
        "-- no-transaction\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS once ON t (id);\n",
    );
    project.db(&["migrate"]).ok().says("dropped the invalid index public.once");
    assert_eq!(
        project.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'once'::regclass"),
        ["t"]
    );
}

#[test]
fn a_first_statement_that_fails_outside_a_transaction_changed_nothing() {
    let project = Project::new("m_first");
    project.migration("1_x.sql", "-- no-transaction\nDROP TABLE nothing_there;\nSELECT 1;\n");
    project
        .db(&["migrate"])
        .code(7)
        .says("migrations/1_x.sql:2:12: table \"nothing_there\" does not exist");
}

#[test]
fn scripts_that_would_end_the_transaction_are_refused_before_anything_runs() {
    let project = Project::new("m_control");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    project.migration("2_b.sql", "CREATE TABLE b ();\nCOMMIT;\nCREATE TABLE c ();");
    project
        .db(&["migrate"])
        .code(7)
        .says("`migrations/2_b.sql`, line 2: `COMMIT` would end the transaction");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);

    project.migration("2_b.sql", "BEGIN;\nCREATE TABLE b ();\nSELECT nothing;\nCOMMIT;\n");
    project.db(&["migrate"]).code(7).says("migrations/2_b.sql:3:8");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL, to_regclass('b') IS NULL"), ["f|t"]);

    project.migration("2_b.sql", "BEGIN;\nCREATE TABLE b ();\nCOMMIT;\n");
    project.db(&["migrate"]).ok();
}

#[test]
fn psql_commands_and_unfinished_text_are_refused() {
    let project = Project::new("m_psql");
    project.migration("1_a.sql", "SELECT 1;\n\\i other.sql\n");
    project.db(&["migrate"]).code(7);
    project.migration("1_a.sql", "SELECT $x$ never closed");
    project.db(&["migrate"]).code(7);
    project.migration("1_a.sql", "-- no-transaction\nBEGIN; SELECT 1;");
    project.db(&["migrate"]).code(7).says("the transaction that begins on line 2 never ends");
}

#[test]
fn copy_data_in_a_migration_is_loaded() {
    let project = Project::new("m_copy");
    project.migration("1_a.sql", "CREATE TABLE a (id int, t text);\nCOPY a FROM stdin;\n1\tit's; here\n2\t\\N\n\\.\nUPDATE a SET id = id + 10;\n");
    project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT id, coalesce(t, '-') FROM a ORDER BY 1"),
        ["11|it's; here", "12|-"]
    );
}

#[test]
fn what_a_migration_sets_ends_with_it() {
    let project = Project::new("m_set");
    project.migration(
        "1_a.sql",
        "SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.a ();",
    );
    project.migration("2_b.sql", "CREATE TABLE b ();");
    project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT 'public.b'::regclass, count(*) FROM _sqlx_migrations"),
        ["b|2"]
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let project = Project::new("m_problems");
    two_tables(&project);
    project.migration("5_five.sql", "SELECT 5");
    project.db(&["migrate"]).ok();
    project.migration("1_users.sql", "CREATE TABLE users (id bigint PRIMARY KEY);");
    std::fs::remove_file(project.path().join("migrations/2_posts.sql")).unwrap();
    project.migration("3_late.sql", "SELECT 3");
    project.migration("6_a.sql", "SELECT 6");
    project.migration("6_b.sql", "SELECT 6");
    project.migration("seven_x.sql", "SELECT 7");
    let ran = project.db(&["migrate"]).code(9);
    assert_data_eq!(
        ran.stderr,
        str![[r#"
error: the history of `[..]/m_problems` and the migration files differ
  misnamed: `migrations/seven_x.sql`: the text before the first `_` is not a version number
  edited: 1 `users`: it is applied, and `migrations/1_users.sql` was changed since
  missing: 2 `posts`: it is applied, and its file is gone
  duplicate: 6 `a`: `migrations/6_a.sql` and `migrations/6_b.sql` have the same version

help: missing: restore the file. If it is on another branch, `cargo db switch` rolls it back in development; `cargo db reset` also works. To continue without the file: `cargo db migrate --ignore-missing --dry-run`
help: duplicate: change the version of one of the two, as `cargo db rebase` does with those that are not merged
help: misnamed: rename the file or its folder, or move it away
help: edited: restore the file as it was applied, and write the change as a new migration

"#]]
    );
    let status = project.db(&["status", "--json"]).ok().json();
    assert_eq!(status["migrations"]["problems"].as_array().unwrap().len(), 5);
}

#[test]
fn out_of_order_is_applied_in_development_with_a_warning_and_refused_in_staging() {
    let mut project = Project::new("m_order");
    two_tables(&project);
    project.db(&["migrate", "--to", "2"]).ok();
    project.migration("1_users.sql", "CREATE TABLE users (id int PRIMARY KEY);");
    project.migration("0_zero.sql", "SELECT 0");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).code(9).says("--allow-out-of-order");
    project.db(&["migrate"]).code(9);
    project
        .db(&["migrate", "--allow-out-of-order"])
        .code(3)
        .says("cargo db migrate --allow-out-of-order --yes");
    project
        .db(&["migrate", "--allow-out-of-order", "--yes"])
        .ok()
        .says("warning: 0 `zero`: it is pending");
}

#[test]
fn a_missing_file_can_be_tolerated_and_a_failed_row_cannot() {
    let project = Project::new("m_missing");
    two_tables(&project);
    project.db(&["migrate", "--steps", "1"]).ok();
    std::fs::remove_file(project.path().join("migrations/1_users.sql")).unwrap();
    project.db(&["migrate"]).code(9);
    project.db(&["migrate", "--ignore-missing"]).ok();
    project.run_sql("UPDATE _sqlx_migrations SET success = false WHERE version = 2");
    project.db(&["migrate", "--ignore-missing"]).code(9).says("failed: 2 `posts`");
}

#[test]
fn a_file_without_an_end_or_with_a_mark_at_its_beginning_is_fine() {
    let project = Project::new("m_forms");
    project.migration("1_empty.sql", "");
    project.migration("2_comment.sql", "-- nothing\n");
    project.migration("3_crlf.sql", "CREATE TABLE a (\r\n id int\r\n);\r\n");
    project.migration("4_bom.sql", "\u{feff}CREATE TABLE b ();");
    project.migration("5_open.sql", "CREATE TABLE c ()");
    project.db(&["migrate"]).ok();
    assert_eq!(
        project.query(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('a', 'b', 'c')"
        ),
        ["3"]
    );
}

#[test]
fn a_lock_timeout_is_retried() {
    let project = Project::new("m_retry");
    two_tables(&project);
    project.db(&["migrate"]).ok();
    project.migration("3_alter.sql", "ALTER TABLE users ADD COLUMN name text;");
    let mut holder = cluster().connect("m_retry");
    holder.batch_execute("BEGIN; LOCK TABLE users IN ACCESS SHARE MODE").unwrap();
    project.write("db.toml", "[migrate]\nattempts = 2\nddl-lock-timeout = '100ms'\n");
    project
        .db(&["migrate"])
        .code(7)
        .says("try 2 of 2")
        .says("canceling statement due to lock timeout");

    let child = project
        .command(&["migrate", "--ddl-lock-timeout", "300ms"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    holder.batch_execute("COMMIT").unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn dry_run_shows_the_plan_and_its_sql_and_does_nothing() {
    let project = Project::new("m_dry");
    two_tables(&project);
    let ran = project.db(&["migrate", "--dry-run", "--show-sql"]).ok();
    assert!(ran.stderr.is_empty(), "{ran}");
    let ran = ran.says("-- migrations/1_users.sql\nCREATE TABLE users (id int PRIMARY KEY);");
    assert!(ran.stdout.starts_with("Plan "));
    assert_eq!(project.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
    let json = project.db(&["migrate", "--dry-run", "--json"]).ok().json();
    assert_eq!(json["plan"]["steps"].as_array().unwrap().len(), 3);
    assert_eq!(json["plan"]["id"].as_str().unwrap().len(), 32);
}

#[test]
fn production_needs_consent_to_exactly_this_plan() {
    let mut project = Project::new("m_prod");
    two_tables(&project);
    project.accept_key();
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "production");
    project.db(&["migrate", "--yes"]).code(3).says("consent to the plan");
    let id = project.db(&["migrate", "--dry-run", "--json"]).ok().json()["plan"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    project
        .db(&["migrate", "--confirm", "m_prod", "--plan", "0123456789ab"])
        .code(3)
        .says("does not match the id of this plan");
    project
        .db(&["migrate", "--confirm", "other", "--plan", &id])
        .code(3)
        .says("does not match the name of the database");
    project.migration("2_posts.sql", "CREATE TABLE posts ();");
    project.db(&["migrate", "--confirm", "m_prod", "--plan", &id]).code(3);
    project.db(&["rehearse"]).ok();
    let id = project.db(&["migrate", "--dry-run", "--json"]).ok().json()["plan"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    project.db(&["migrate", "--confirm", "m_prod", "--plan", &id]).ok();
}

#[test]
fn a_secret_is_in_no_output() {
    let mut project = Project::without_database("m_secret");
    two_tables(&project);
    project.set("DATABASE_URL", &cluster().tcp_url("m_secret"));
    let wrong = cluster().tcp_url("m_secret").replace("hush-hush-7", "wrong-hush-7");
    let runs = [
        project.db(&["status"]).ok(),
        project.db(&["migrate", "--json"]).ok(),
        project.db(&["status", "--json"]).ok(),
        project.db(&["status", "--env", "production"]).ok(),
        project.db(&["server", "status"]).ok(),
    ];
    project.set("DATABASE_URL", &wrong);
    let failed = project.db(&["status"]).code(6).says("password authentication failed");
    for ran in runs.iter().chain([&failed]) {
        assert!(!ran.to_string().contains("hush-7"), "{ran}");
    }
}

#[test]
fn only_a_plain_begin_and_commit_around_everything_are_understood() {
    let project = Project::new("m_wrapped");
    for text in [
        "BEGIN;\nCREATE TABLE gone ();\nROLLBACK;\n",
        "BEGIN ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE gone ();\nCOMMIT;\n",
        "BEGIN;\nCREATE TABLE gone ();\nCOMMIT AND CHAIN;\n",
    ] {
        project.migration("1_a.sql", text);
        project.db(&["migrate"]).code(7).says("would end the transaction");
        project.db(&["migrate", "--dry-run"]).code(7);
    }
    assert_eq!(project.query("SELECT to_regclass('gone') IS NULL"), ["t"]);
}

#[test]
fn a_carriage_return_alone_ends_a_comment() {
    let project = Project::new("m_cr");
    project.migration("1_a.sql", "-- users\rCREATE TABLE users ();\r");
    project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT to_regclass('users') IS NOT NULL"), ["t"]);
    project.migration("2_b.sql", "SELECT 1 -- x\r; COMMIT;\rSELECT 2;");
    project.db(&["migrate"]).code(7).says("`COMMIT` would end the transaction");
}

#[test]
fn outside_a_transaction_the_message_claims_only_what_is_known() {
    let project = Project::new("m_claims");
    project.migration("1_t.sql", "CREATE TABLE t (v int); INSERT INTO t VALUES (1), (2);");
    project.db(&["migrate"]).ok();
    // A block that commits a part of its work and fails then.
    project.migration(
        "2_do.sql",
        "-- no-transaction\nDO $$ BEGIN UPDATE t SET v = v * 10; COMMIT; RAISE 'enough'; END $$;\n",
    );
    project.db(&["migrate"]).code(8).says("(perhaps, or a part of it)");
    // One that waits for a lock after it has committed is not tried again.
    let mut holder = cluster().connect("m_claims");
    holder.batch_execute("BEGIN; UPDATE t SET v = 20 WHERE v = 20").unwrap();
    project.migration(
        "2_do.sql",
        "-- no-transaction\nDO $$ DECLARE n int; BEGIN FOREACH n IN ARRAY ARRAY[10, 20] LOOP UPDATE t SET v = v * 10 WHERE v = n; COMMIT; END LOOP; END $$;\n",
    );
    project.db(&["migrate", "--ddl-lock-timeout", "200ms"]).code(8);
    holder.batch_execute("ROLLBACK").unwrap();
    assert_eq!(project.query("SELECT string_agg(v::text, ',' ORDER BY v) FROM t"), ["20,100"]);
    // The file's own open transaction is rolled back.
    project.migration(
        "2_do.sql",
        "-- no-transaction\nCREATE TABLE kept ();\nBEGIN;\nCREATE TABLE lost ();\nSELECT nothing;\nCOMMIT;\n",
    );
    let ran = project.db(&["migrate"]).code(8).says("CREATE TABLE kept");
    assert!(!ran.stderr.contains("CREATE TABLE lost"), "{ran}");
    // A history that cannot be written is not a failure of the statements.
    project.run_sql("CREATE ROLE powerless; DROP TABLE kept");
    project.migration(
        "2_do.sql",
        "-- no-transaction\nCREATE TABLE kept ();\nALTER TABLE _sqlx_migrations RENAME TO elsewhere;\n",
    );
    project
        .db(&["migrate"])
        .code(8)
        .says("could not be recorded in the history")
        .says("CREATE TABLE kept");
}

#[test]
fn an_index_that_is_repaired_is_not_dropped() {
    let project = Project::new("m_reindex");
    project.migration("1_t.sql", "CREATE TABLE t (id int); CREATE INDEX i ON t (id);");
    project.db(&["migrate"]).ok();
    project.run_sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass");
    project.migration("2_r.sql", "-- no-transaction\nREINDEX INDEX CONCURRENTLY i;\n");
    project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"),
        ["t"]
    );
}

#[test]
fn a_history_outside_the_search_path_is_refused() {
    let project = Project::new("m_elsewhere");
    project.migration(
        "1_a.sql",
        "CREATE SCHEMA app; ALTER DATABASE m_elsewhere SET search_path = app;",
    );
    project
        .db(&["migrate"])
        .code(9)
        .says("Applied 1 a")
        .says("is in the schema `public`, which is not in the search path");
    project
        .db(&["migrate"])
        .code(9)
        .says("is in the schema `public`, which is not in the search path");
    project.db(&["status"]).code(9);
}

#[test]
fn folders_that_were_named_have_to_be_there() {
    let project = Project::new("m_folder");
    project.db(&["migrate", "--migrations-dir", "migratoins"]).code(2).says("no such folder");
    project.db(&["status", "--migrations-dir", "migratoins"]).code(2);
    project.write("db.toml", "[seeds]\ndir = 'seedz'\n");
    project.db(&["seed"]).code(2).says("no such folder");
}

#[test]
fn an_idle_timeout_does_not_take_the_lock_away() {
    let project = Project::new("m_idle");
    project.run_sql("ALTER DATABASE m_idle SET idle_session_timeout = '300ms'");
    project.migration("1_a.sql", "SELECT pg_sleep(1.5);");
    project.migration("2_b.sql", "CREATE TABLE b ();");
    project.db(&["migrate"]).ok();
}

#[test]
fn a_lock_that_is_lost_stops_the_run() {
    let project = Project::new("m_lost_lock");
    project.migration("1_a.sql", "SELECT pg_sleep(2);");
    project.migration("2_b.sql", "CREATE TABLE b ();");
    let run = project
        .command(&["migrate"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lock = "SELECT pid FROM pg_stat_activity WHERE datname = 'm_lost_lock' AND application_name LIKE 'cargo-db/%lock'";
    // Once the first migration runs, the lock is held.
    let works = "SELECT 1 FROM pg_stat_activity WHERE datname = 'm_lost_lock' AND query LIKE '%pg_sleep(2)%' AND wait_event = 'PgSleep'";
    crate::support::eventually("the run holds its lock", || {
        !cluster().query("postgres", works).is_empty()
    });
    cluster().query("postgres", &format!("SELECT pg_terminate_backend(pid) FROM ({lock}) x"));
    crate::support::Ran::from(run.wait_with_output().unwrap())
        .code(7)
        .says("the connection that held the lock");
    assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
}

#[test]
fn a_folder_without_migrations_is_not_reported_as_up_to_date() {
    let project = Project::new("m_other_folder");
    let _ = project.db(&["status"]).ok().says("begin with `cargo db create add users`");
    project.write("crates/db/migrations/20260101000000_a.sql", "CREATE TABLE a (i int)");
    for verb in ["status", "migrate"] {
        let ran = project.db(&[verb]).ok();
        let _ = ran.says("in `crates/db/migrations` (sqlx)").says("dir = \"crates/db/migrations\"");
    }
    let hint = "no migrations in `migrations`, but in `crates/db/migrations` (sqlx)";
    project.db(&["check"]).ok().says(hint);
    let json = project.db(&["status", "--json"]).ok().json();
    assert!(json["hint"].as_str().unwrap().contains(hint), "{json:#}");
    project.db(&["create", "b"]).code(3).says("a second folder of migrations");
    project.db(&["create", "b", "--yes"]).ok();
    assert!(project.db(&["status", "--json"]).ok().json()["hint"].is_null());
}

#[test]
fn applied_requests_are_not_reported_as_nothing_pending() {
    let project = Project::new("m_asked");
    for version in 1..=2 {
        project.migration(&format!("{version}_m.sql"), "SELECT 1;");
    }
    project.db(&["migrate", "--to", "1", "--yes"]).ok();
    let told = "nothing to do: the selected migrations are already applied in m_asked";
    project.db(&["migrate", "--to", "1"]).ok().says(told);
    project.db(&["baseline", "--to", "1", "--yes"]).ok().says(told);
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["migrate"]).ok().says("nothing to do: no migration is pending in m_asked");
}
