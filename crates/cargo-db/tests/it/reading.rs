//! Reading verbs write nothing, and work for a role that may only read.

use crate::support::{Project, cluster};

/// Where the write-ahead log ends. Checkpoints and autovacuum move it too, so the tests that
/// compare it do so on a cluster of their own.
fn quiet_cluster(name: &str) -> (crate::support::Cluster, Project) {
    let own = crate::support::Cluster::start();
    for setting in ["autovacuum = off", "bgwriter_delay = '10s'", "checkpoint_timeout = '1h'"] {
        own.run("postgres", &format!("ALTER SYSTEM SET {setting}"));
    }
    own.query("postgres", "SELECT pg_reload_conf()");
    own.run("postgres", &format!("CREATE DATABASE {name}"));
    let mut project = Project::bare(name);
    project.set("DATABASE_URL", &own.url(name));
    (own, project)
}

#[test]
fn a_role_that_may_only_select_leaves_no_row_and_no_wal() {
    let (own, mut project) = quiet_cluster("reading");
    project.migration(
        "1_a.up.sql",
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 1000);",
    );
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.db(&["migrate"]).ok();
    own.run(
        "reading",
        "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    );
    own.run("reading", "VACUUM FREEZE");
    project.set("DATABASE_URL", &own.url("reading").replace("postgres@", "reader@"));
    project.migration("2_b.sql", "CREATE TABLE b ();");
    project.write("seeds/x.sql", "INSERT INTO a VALUES (5000);");

    let state = || {
        own.query("reading", "SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_namespace), pg_current_wal_insert_lsn()")
    };
    // The first session of a role reads catalogs for the first time, and the server may log a
    // snapshot of its running transactions once.
    project.db(&["status"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(600));
    let before = state();
    project.db(&["status"]).ok().says("1 applied");
    let drifted = project.db(&["status", "--check"]).code(9);
    drifted.says("privileges of table public.a: added");
    project.db(&["migrate", "--dry-run"]).ok().says("apply 2 b");
    project.db(&["rollback", "--dry-run"]).ok().says("loses a: 1,000 rows");
    project.db(&["seed", "--dry-run"]).ok().says("load x.sql");
    project.db(&["seed", "--fresh", "--dry-run"]).ok();
    project.db(&["reset", "--dry-run"]).ok().says("loses a: 1,000 rows");
    project.db(&["env", "show"]).ok();
    project.db(&["env", "set", "staging", "--dry-run"]).ok();
    project.db(&["policy"]).ok();
    project.db(&["audit", "--database"]).ok();
    project.db(&["backups", "list"]).ok();
    project.db(&["migrate", "--all-or-nothing", "--dry-run"]).ok();
    assert_eq!(state(), before);
}

#[test]
fn a_database_without_a_history_table_is_not_given_one() {
    let project = Project::new("reading_none");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    let json = project.db(&["status", "--json"]).ok().json();
    assert_eq!(json["migrations"]["applied"], 0);
    assert_eq!(json["migrations"]["pending"][0]["version"], "1");
    project.db(&["migrate", "--dry-run"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM pg_tables WHERE schemaname NOT LIKE 'pg%' AND schemaname <> 'information_schema'"), ["0"]);
}

#[test]
fn a_reading_session_is_gone_when_its_verb_is() {
    let project = Project::new("reading_ro");
    project.migration("1_a.sql", "SELECT 1");
    let seen = || {
        cluster().query(
            "postgres",
            "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'cargo-db/%read'",
        )
    };
    project.db(&["status"]).ok();
    crate::support::eventually("the reading session is gone", || seen().is_empty());
}

#[test]
fn status_reports_what_an_operator_asks() {
    let project = Project::new("reading_status");
    project.migration("1_a.sql", "CREATE TABLE big (t text); INSERT INTO big SELECT repeat('x', 100) FROM generate_series(1, 3000); \
                                  CREATE TABLE small (); CREATE SCHEMA s; CREATE TABLE s.hidden ();
                                  CREATE TABLE parted (d int) PARTITION BY RANGE (d); CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (9); \
                                  INSERT INTO parted VALUES (1), (2); ANALYZE;");
    project.db(&["migrate"]).ok();
    project.migration("2_b.sql", "SELECT 1");
    let json = project.db(&["status", "--json"]).ok().json();
    let names: Vec<&str> = json["tables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|table| table["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["big", "parted", "s.hidden", "small"]);
    assert_eq!((&json["tables"][0]["rows"], &json["tables"][1]["rows"]), (&3000.into(), &2.into()));
    assert_eq!(json["migrations"]["total"], 2);
    assert_eq!(json["migrations"]["last"]["name"], "a");
    assert_eq!(json["server"]["superuser"], true);
    assert_eq!(json["environment"], "development");
}

#[test]
fn wait_waits_for_a_server_but_not_for_a_right_password() {
    let mut project = Project::bare("reading_wait");
    project.set("DATABASE_URL", "postgres://u@127.0.0.1:1/x");
    let began = std::time::Instant::now();
    project.db(&["status", "--wait=1"]).code(6);
    assert!(began.elapsed() >= std::time::Duration::from_secs(1));
    let wrong = cluster().tcp_url("postgres").replace("hush-hush-7", "wrong");
    project.set("DATABASE_URL", &wrong);
    let began = std::time::Instant::now();
    project.db(&["status", "--wait=30"]).code(6).says("password authentication failed");
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
}
