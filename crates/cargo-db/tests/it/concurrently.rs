//! Statements with CONCURRENTLY, which wait for transactions of other sessions and commit in
//! several steps.

use std::process::{Child, Stdio};

use postgres::Client;

use crate::support::{Project, Ran, cluster, eventually};

/// A project with the table `t`, which holds three rows.
fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_t.sql",
        "CREATE TABLE t (id int, note text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c');
         CREATE TABLE other (id int);",
    );
    project.db(&["migrate"]).ok();
    project
}

/// A session that read a table in a transaction, which stays open: until its end it holds the
/// table and a snapshot.
fn reader(project: &Project, table: &str) -> Client {
    let mut reader = cluster().connect(&project.database);
    reader
        .batch_execute(&format!(
            "SET application_name = 'the-report'; BEGIN ISOLATION LEVEL REPEATABLE READ; \
             SELECT count(*) FROM {table}"
        ))
        .unwrap();
    reader
}

fn outside(project: &Project, name: &str, sql: &str) {
    project.migration(name, &format!("-- no-transaction\n{sql}\n"));
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

/// Whether a session of cargo db waits for the transaction of another session.
fn waits(project: &Project) -> bool {
    !waiting(project).is_empty()
}

/// The sessions of runs that wait for a lock.
fn waiting(project: &Project) -> Vec<String> {
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock' \
         AND application_name LIKE 'cargo-db/% write'",
        project.database
    );
    cluster().query("postgres", &sql)
}

/// Longer than any `lock_timeout` that it is not to have.
fn long() {
    std::thread::sleep(std::time::Duration::from_millis(3500));
}

/// Runs behind a reader that ends its transaction after a pause, and returns how the run ended.
fn run_behind(
    project: &Project,
    reader: &mut Client,
    arguments: &[&str],
    pause: impl FnOnce(),
) -> Ran {
    let run = spawn(project, arguments);
    eventually("the build waits", || waits(project));
    pause();
    reader.batch_execute("COMMIT").unwrap();
    end(run)
}

/// The indexes of `t` with whether each is valid.
fn indexes(project: &Project, table: &str) -> Vec<String> {
    project.query(&format!(
        "SELECT indexrelid::regclass || ' ' || indisvalid FROM pg_index \
         WHERE indrelid = '{table}'::regclass ORDER BY 1"
    ))
}

fn applied(project: &Project) -> String {
    project.query("SELECT max(version) FROM _sqlx_migrations").remove(0)
}

#[test]
fn an_index_build_waits_for_an_old_snapshot_and_ends_valid() {
    for (name, table, unique) in
        [("cc_if", "t", ""), ("cc_unique", "t", "UNIQUE "), ("cc_other", "other", "")]
    {
        let project = project(name);
        let mut reader = reader(&project, table);
        let sql = format!("CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);");
        outside(&project, "2_cx.sql", &sql);
        let ran = run_behind(&project, &mut reader, &["migrate"], long).ok().says(
            "Waiting \
         migrations/2_cx.sql:2 for the-report as postgres",
        );
        assert!(!ran.stderr.contains("Retrying"), "{ran}");
        assert_eq!(indexes(&project, "t"), ["cx true"]);
    }
}

#[test]
fn without_if_not_exists_it_waits_too() {
    let project = project("cc_plain");
    let mut reader = reader(&project, "t");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    let arguments = ["migrate", "--ddl-lock-timeout", "100ms"];
    run_behind(&project, &mut reader, &arguments, long).ok();
    assert_eq!(indexes(&project, "t"), ["cx true"]);
}

#[test]
fn a_wait_that_is_too_long_is_exit_8_and_names_the_blocker_and_leftovers() {
    let mut project = project("cc_timeout");
    let mut reader = reader(&project, "t");
    for sql in [
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);",
        "CREATE INDEX CONCURRENTLY cx ON t (note);",
    ] {
        outside(&project, "2_cx.sql", sql);
        let json = project
            .db(&["migrate", "--concurrently-timeout", "1500ms", "--ddl-lock-timeout", "200ms"])
            .code(8)
            .says("migrations/2_cx.sql:2: gave up after waiting 1s for other transactions")
            .says("the statement waited for another session: the-report as postgres (pid ")
            .says("the invalid index public.cx")
            .says("--concurrently-timeout");
        assert!(!json.stderr.contains("baseline"), "{json}");
        assert!(!json.stderr.contains("as before"), "{json}");
    }
    project.set("CARGO_DB_CONCURRENTLY_TIMEOUT", "1s");
    project
        .write("db.toml", "[migrate]\nconcurrently-timeout = '1h'\nddl-lock-timeout = '200ms'\n");
    let json = project.db(&["migrate", "--json"]).code(8).json();
    assert_eq!(json["error"]["code"], "CONCURRENTLY.TIMED_OUT");
    assert_eq!(applied(&project), "1");
    reader.batch_execute("COMMIT").unwrap();
    project.db(&["migrate"]).ok().says("dropped the invalid index public.cx");
    assert_eq!(indexes(&project, "t"), ["cx true"]);
}

#[test]
fn blocking_sessions_are_reported_every_ten_seconds() {
    let project = project("cc_said");
    let mut reader = reader(&project, "t");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    let long = || std::thread::sleep(std::time::Duration::from_millis(12_500));
    let ran = run_behind(&project, &mut reader, &["migrate", "--progress", "json"], long).ok();
    let events = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap());
    let said: Vec<serde_json::Value> =
        events.filter(|event: &serde_json::Value| event["event"] == "waiting").collect();
    assert_eq!(said.len(), 2, "{ran}");
    assert_eq!(said[1]["timeout_ms"], 3_600_000);
    assert!(said[1]["waited_ms"].as_u64().unwrap() > 10_000, "{ran}");
    assert!(said[1]["holders"][0].as_str().unwrap().starts_with("the-report as postgres (pid "));
}

#[test]
fn all_or_nothing_goes_back_when_it_waited_too_long() {
    let project = project("cc_all");
    let mut reader = reader(&project, "t");
    project.migration("2_u.sql", "CREATE TABLE u ();");
    outside(&project, "3_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    // The session that it waits for is connected, so the backup cannot be swapped back in; this is
    // reported.
    project
        .db(&["migrate", "--all-or-nothing", "--concurrently-timeout", "1s"])
        .code(8)
        .says("was not swapped back in")
        .says("the statement waited for another session: the-report as postgres");
    reader.batch_execute("COMMIT").unwrap();
}

#[test]
fn a_partition_is_detached_when_its_reader_has_ended() {
    let project = partitioned("cc_detach");
    let mut reader = reader(&project, "pa");
    outside(&project, "2_d.sql", "ALTER TABLE pa DETACH PARTITION pa_1 CONCURRENTLY;");
    let run = spawn(&project, &["migrate"]);
    eventually("the detaching waits", || waits(&project));
    long();
    reader.batch_execute("COMMIT").unwrap();
    end(run).ok();
    assert_eq!(partitions(&project), ["pa_2 f"]);
}

#[test]
fn an_interrupted_detach_is_finished() {
    let project = partitioned("cc_final");
    let mut reader = reader(&project, "pa");
    outside(&project, "2_d.sql", "ALTER TABLE pa DETACH PARTITION pa_1 CONCURRENTLY;");
    let short = ["migrate", "--concurrently-timeout", "1s", "--ddl-lock-timeout", "200ms"];
    project
        .db(&short)
        .code(8)
        .says("public.pa_1 is half detached: \"pa\" no longer contains its rows");
    assert_eq!(partitions(&project), ["pa_1 t", "pa_2 f"]);
    // It cannot be finished while the reader is active.
    let ran = project.db(&short).code(8).says("try 5 of 5").says("public.pa_1 is half detached");
    assert!(!ran.stderr.contains("as before"), "{ran}");
    reader.batch_execute("COMMIT").unwrap();
    project.db(&short).ok().says("finished the interrupted DETACH of public.pa_1");
    assert_eq!(partitions(&project), ["pa_2 f"]);
    assert_eq!(applied(&project), "2");
}

fn partitioned(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_pa.sql",
        "CREATE TABLE pa (id int) PARTITION BY RANGE (id);
         CREATE TABLE pa_1 PARTITION OF pa FOR VALUES FROM (0) TO (10);
         CREATE TABLE pa_2 PARTITION OF pa FOR VALUES FROM (10) TO (20);
         INSERT INTO pa VALUES (1), (11);",
    );
    project.db(&["migrate"]).ok();
    project
}

fn partitions(project: &Project) -> Vec<String> {
    project.query(
        "SELECT inhrelid::regclass || CASE WHEN inhdetachpending THEN ' t' ELSE ' f' END \
         FROM pg_inherits WHERE inhparent = 'pa'::regclass ORDER BY 1",
    )
}

#[test]
fn what_reindex_leaves_is_dropped_by_the_next_run() {
    for (name, sql) in [
        ("cc_re_index", "REINDEX INDEX CONCURRENTLY i;"),
        ("cc_re_table", "REINDEX (VERBOSE, CONCURRENTLY) TABLE t;"),
        ("cc_re_schema", "REINDEX SCHEMA CONCURRENTLY public;"),
        ("cc_re_database", "REINDEX DATABASE CONCURRENTLY cc_re_database;"),
    ] {
        let project = project(name);
        project.run_sql("CREATE INDEX i ON t (id)");
        // What a run that was killed leaves, before and after the swap.
        for leftover in ["i_ccnew", "i_ccold1"] {
            leave_invalid(&project, leftover);
        }
        let mut reader = reader(&project, "t");
        outside(&project, "2_r.sql", sql);
        project
            .db(&["migrate", "--concurrently-timeout", "1s", "--ddl-lock-timeout", "100ms"])
            .code(8)
            .says("the invalid index public.i_ccnew")
            .says("the invalid index public.i_ccold1");
        reader.batch_execute("COMMIT").unwrap();
        project
            .db(&["migrate"])
            .ok()
            .says("dropped the invalid index public.i_ccnew")
            .says("dropped the invalid index public.i_ccold1");
        assert_eq!(indexes(&project, "t"), ["i true"]);
    }
}

#[test]
fn a_reindex_waits_without_leaving_anything() {
    let project = project("cc_re_wait");
    project.run_sql("CREATE INDEX i ON t (id)");
    let mut reader = reader(&project, "t");
    outside(&project, "2_r.sql", "REINDEX TABLE CONCURRENTLY t;");
    run_behind(&project, &mut reader, &["migrate"], long).ok();
    assert_eq!(indexes(&project, "t"), ["i true"]);
}

/// An index that is not valid, as a build that was cut leaves it.
fn leave_invalid(project: &Project, name: &str) {
    project.run_sql(&format!(
        "CREATE INDEX {name} ON t (id); \
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{name}'::regclass"
    ));
}

#[test]
fn an_interrupted_drop_is_named_and_finished() {
    let project = project("cc_drop");
    project.run_sql("CREATE INDEX i ON t (id)");
    let mut reader = reader(&project, "t");
    outside(&project, "2_d.sql", "DROP INDEX CONCURRENTLY i;");
    project
        .db(&["migrate", "--concurrently-timeout", "1s"])
        .code(8)
        .says("the invalid index public.i");
    assert_eq!(indexes(&project, "t"), ["i false"]);
    reader.batch_execute("COMMIT").unwrap();
    project.db(&["migrate"]).ok();
    assert_eq!(indexes(&project, "t"), Vec::<String>::new());
}

#[test]
fn tries_do_not_multiply() {
    for attempts in [1, 2, 3] {
        let project = project(&format!("cc_tries_{attempts}"));
        // Each build counts, and fails as one that had to wait for a lock.
        project.run_sql(
            "CREATE SEQUENCE builds; CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
             AS $$ BEGIN PERFORM nextval('public.builds'); RAISE 'busy' USING ERRCODE = '55P03'; \
              END $$",
        );
        project.write("db.toml", &format!("[migrate]\nattempts = {attempts}\n"));
        outside(&project, "2_x.sql", "CREATE INDEX CONCURRENTLY cx ON t (f(id));");
        let ran = project.db(&["migrate"]).code(7);
        assert_eq!(ran.stderr.matches("Retrying").count(), attempts - 1, "{ran}");
        assert_eq!(project.query("SELECT last_value FROM builds"), [attempts.to_string()]);
        let dropped = ran.stderr.matches("dropped the invalid index public.cx").count();
        assert_eq!(dropped, attempts, "{ran}");
        assert_eq!(indexes(&project, "t"), Vec::<String>::new());
    }
}

#[test]
fn tries_of_an_ordinary_statement_outside_a_transaction_do_not_multiply() {
    let project = project("cc_tries_alter");
    let _reader = reader(&project, "t");
    project.write("db.toml", "[migrate]\nattempts = 2\nddl-lock-timeout = '100ms'\n");
    outside(&project, "2_a.sql", "ALTER TABLE t ADD COLUMN b int;");
    let ran = project.db(&["migrate"]).code(7).says("try 2 of 2");
    assert_eq!(ran.stderr.matches("Retrying").count(), 1, "{ran}");
}

#[test]
fn what_another_session_builds_right_now_is_left_alone() {
    let project = project("cc_builder");
    let mut reader = reader(&project, "t");
    let mut other = cluster().connect("cc_builder");
    let builder = std::thread::spawn(move || {
        other.batch_execute("SET application_name = 'the-dba'").unwrap();
        other.batch_execute("CREATE INDEX CONCURRENTLY cx ON t (note)").unwrap();
    });
    eventually("the other session builds", || indexes(&project, "t") == ["cx false"]);
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);");
    let run = spawn(&project, &["migrate"]);
    eventually("this run waits for it", || waits(&project));
    assert_eq!(indexes(&project, "t"), ["cx false"]);
    let oid = project.query("SELECT 'cx'::regclass::oid");
    long();
    reader.batch_execute("COMMIT").unwrap();
    builder.join().unwrap();
    let ran = end(run).ok().says("the-dba (pid ").says("left unchanged");
    assert!(!ran.stderr.contains("dropped"), "{ran}");
    assert_eq!(indexes(&project, "t"), ["cx true"]);
    assert_eq!(project.query("SELECT 'cx'::regclass::oid"), oid);
}

#[test]
fn invalid_indexes_of_others_are_named_and_stay() {
    let project = project("cc_foreign");
    leave_invalid(&project, "foreign_one");
    leave_invalid(&project, "cx_ccnew");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    project
        .db(&["migrate"])
        .ok()
        .says("the invalid index public.foreign_one")
        .says("left unchanged");
    assert_eq!(indexes(&project, "t"), ["cx true", "cx_ccnew false", "foreign_one false"]);
    // It is not a copy of an index with another name.
    outside(&project, "3_r.sql", "REINDEX INDEX CONCURRENTLY t_pkey;");
    project.run_sql("ALTER TABLE t ADD PRIMARY KEY (id)");
    project.db(&["migrate"]).ok();
    assert_eq!(
        indexes(&project, "t"),
        ["cx true", "cx_ccnew false", "foreign_one false", "t_pkey true"]
    );
}

#[test]
fn a_run_that_was_killed_is_cleaned_up_by_the_next_one() {
    let project = project("cc_killed");
    let mut reader = reader(&project, "t");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);");
    let mut run = spawn(&project, &["migrate"]);
    eventually("the build waits", || waits(&project) && indexes(&project, "t") == ["cx false"]);
    let killed = waiting(&project);
    run.kill().unwrap();
    run.wait().unwrap();
    let run = spawn(&project, &["migrate"]);
    eventually("the next run waits", || waits(&project) && waiting(&project) != killed);
    reader.batch_execute("COMMIT").unwrap();
    end(run).ok().says("dropped the invalid index public.cx");
    assert_eq!(indexes(&project, "t"), ["cx true"]);
}

#[test]
fn an_index_that_stays_invalid_is_a_failure() {
    let project = project("cc_invalid");
    // The name is taken by an index of another table, which is not valid.
    project.run_sql(
        "CREATE INDEX cx ON other (id); \
         UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cx'::regclass",
    );
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);");
    let json = project.db(&["migrate", "--json"]).code(8).json();
    assert_eq!(json["error"]["code"], "INDEX.INVALID");
    assert_eq!(indexes(&project, "other"), ["cx false"]);
    assert_eq!(applied(&project), "1");
}

#[test]
fn a_unique_index_that_cannot_be_built_leaves_nothing_or_names_it() {
    let project = project("cc_unique_fails");
    project.run_sql("INSERT INTO t VALUES (1, 'a')");
    let sql = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS cx ON t (note);";
    outside(&project, "2_cx.sql", sql);
    project.db(&["migrate"]).code(7).says("dropped the invalid index public.cx");
    assert_eq!(indexes(&project, "t"), Vec::<String>::new());
    // Who reads the table all the while keeps it from being dropped.
    let mut holder = cluster().connect("cc_unique_fails");
    holder.batch_execute("BEGIN; SELECT 1 FROM t").unwrap();
    let ran = project
        .db(&["migrate", "--ddl-lock-timeout", "200ms"])
        .code(8)
        .says("could not create unique index")
        .says("the invalid index public.cx");
    assert!(!ran.stderr.contains("as before"), "{ran}");
    holder.batch_execute("COMMIT; ").unwrap();
    project.run_sql("DELETE FROM t");
    project.db(&["migrate"]).ok().says("dropped the invalid index public.cx");
    assert_eq!(indexes(&project, "t"), ["cx true"]);
}

#[test]
fn an_index_without_a_name_is_cleared_up_too() {
    let project = project("cc_unnamed");
    leave_invalid(&project, "foreign_one");
    project.run_sql("INSERT INTO t VALUES (1, 'a')");
    outside(&project, "2_cx.sql", "CREATE UNIQUE INDEX CONCURRENTLY ON t (note);");
    project.db(&["migrate"]).code(7).says("dropped the invalid index public.t_note_idx");
    assert_eq!(indexes(&project, "t"), ["foreign_one false"]);
    // An index that a killed run left is recognised once its twin exists; others are not.
    project.run_sql(
        "DELETE FROM t; CREATE UNIQUE INDEX ON t (note); CREATE INDEX t_note_idx7 ON t (note);
         UPDATE pg_index SET indisvalid = false WHERE indrelid = 't'::regclass",
    );
    project.db(&["migrate"]).ok().says("dropped the invalid index public.t_note_idx,");
    assert_eq!(
        indexes(&project, "t"),
        ["foreign_one false", "t_note_idx1 true", "t_note_idx7 false"]
    );
}

#[test]
fn the_limits_of_other_statements_stay() {
    let project = project("cc_limits");
    outside(
        &project,
        "2_cx.sql",
        "CREATE TABLE seen (at int, value text);
         INSERT INTO seen VALUES (1, current_setting('lock_timeout'));
         CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
           AS $$ BEGIN RAISE NOTICE 'it is %', current_setting('lock_timeout'); RETURN 1; END $$;
         CREATE INDEX CONCURRENTLY cx ON t (f(id));
         INSERT INTO seen VALUES (2, current_setting('lock_timeout'));
         SET lock_timeout = '7s';
         DROP INDEX CONCURRENTLY cx;
         INSERT INTO seen VALUES (3, current_setting('lock_timeout'));",
    );
    project.db(&["migrate"]).ok().says("it is 0");
    assert_eq!(project.query("SELECT value FROM seen ORDER BY at"), ["2s", "2s", "7s"]);
}

#[test]
fn a_session_that_waits_for_our_lock_is_not_waited_for() {
    let project = project("cc_circle");
    let once_somebody_waits = "DO $$ BEGIN
             WHILE NOT EXISTS (
                 SELECT FROM pg_locks JOIN pg_database ON datname = current_database()
                 WHERE locktype = 'advisory' AND NOT granted AND database = pg_database.oid)
             LOOP PERFORM pg_sleep(0.02); END LOOP;
         END $$;
         CREATE INDEX CONCURRENTLY cx ON t (note);";
    outside(&project, "2_cx.sql", once_somebody_waits);
    let run = spawn(&project, &["migrate"]);
    let key = 0x3d32_ad9e_i64 * i64::from(crc32fast::hash(b"cc_circle"));
    let runs = "SELECT 1 FROM pg_stat_activity WHERE datname = 'cc_circle' AND query LIKE 'DO %'";
    eventually("the run waits for a session", || !project.query(runs).is_empty());
    let mut app = cluster().connect("cc_circle");
    let app = std::thread::spawn(move || {
        app.batch_execute(&format!(
            "SET application_name = 'the-app'; SELECT pg_advisory_lock({key})"
        ))
    });
    end(run)
        .code(8)
        .says("the statement and another session were waiting for each other")
        .says("the statement waited for another session: the-app as postgres");
    app.join().unwrap().unwrap();
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    project.db(&["migrate"]).ok();
}

#[test]
fn a_signal_names_what_is_left() {
    let project = project("cc_signal");
    let reader = reader(&project, "t");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    let run = spawn(&project, &["migrate", "--ddl-lock-timeout", "200ms"]);
    eventually("the build waits", || waits(&project) && indexes(&project, "t") == ["cx false"]);
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&run),
        rustix::process::Signal::INT,
    )
    .unwrap();
    end(run).code(130).says("the invalid index public.cx");
    drop(reader);
    project.db(&["migrate"]).ok().says("dropped the invalid index public.cx");
    assert_eq!(indexes(&project, "t"), ["cx true"]);
}

#[test]
fn without_a_second_session_the_wait_still_ends() {
    let mut project = project("cc_blind");
    project.run_sql(
        "CREATE ROLE cc_blind LOGIN CONNECTION LIMIT 2; ALTER TABLE t OWNER TO cc_blind;
         GRANT ALL ON _sqlx_migrations TO cc_blind; GRANT CREATE ON SCHEMA public TO cc_blind",
    );
    let url = cluster().url("cc_blind").replace("//postgres@", "//cc_blind@");
    project.set("DATABASE_URL", &url);
    let _reader = reader(&project, "t");
    outside(&project, "2_cx.sql", "CREATE INDEX CONCURRENTLY cx ON t (note);");
    let arguments = ["migrate", "--env", "test", "--concurrently-timeout", "1s", "--json"];
    let json = project.db(&arguments).code(8).json();
    assert_eq!(json["error"]["code"], "CONCURRENTLY.TIMED_OUT");
}

#[test]
fn a_procedure_that_commits_reports_possible_partial_changes() {
    let project = project("cc_call");
    project.run_sql(
        "CREATE PROCEDURE p() LANGUAGE plpgsql
         AS $$ BEGIN DELETE FROM t WHERE id = 1; COMMIT; RAISE 'enough'; END $$",
    );
    outside(&project, "2_p.sql", "CALL p();");
    let ran = project.db(&["migrate"]).code(8).says("CALL p() (perhaps, or a part of it)");
    assert!(!ran.stderr.contains("as before"), "{ran}");
    assert_eq!(project.query("SELECT count(*) FROM t"), ["2"]);
}
