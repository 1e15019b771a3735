//! What a killed run leaves, and what a run reports if it knows less than it should: databases
//! without an owner, checks that fail after the change, hidden tables of cargo db.

use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use postgres::Client;

use crate::support::{Cluster, Project, Ran, cluster, eventually};

/// A server for one test at a time: no other run builds databases there or waits for them.
fn quiet() -> MutexGuard<'static, Cluster> {
    static QUIET: OnceLock<Mutex<Cluster>> = OnceLock::new();
    let server = QUIET.get_or_init(|| Mutex::new(Cluster::start()));
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A project whose table has rows, so that there is something to rehearse and to back up.
fn with_rows(server: &Cluster, name: &str) -> Project {
    let mut project = Project::bare(name);
    server.run("postgres", &format!("CREATE DATABASE \"{name}\""));
    project.set("DATABASE_URL", &server.url(name));
    project.set("CARGO_DB_REHEARSE", "1");
    project.migration("1_t.sql", "CREATE TABLE t (id int PRIMARY KEY);");
    project.db(&["migrate"]).ok();
    server.run(name, "INSERT INTO t SELECT generate_series(1, 100)");
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    project
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The siblings of the project's database.
fn beside(server: &Cluster, name: &str) -> Vec<String> {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE starts_with(datname, '{name}__') ORDER BY 1"
    );
    server.query("postgres", &sql)
}

/// Keeps everybody on the server from commenting on a database, until it is dropped.
fn no_comments(server: &Cluster) -> Client {
    let mut client = server.connect("postgres");
    client.batch_execute("BEGIN; LOCK TABLE pg_shdescription IN SHARE MODE").unwrap();
    client
}

/// Runs until the new database exists, and kills the run before it is marked.
fn killed_before_the_comment(server: &Cluster, project: &Project, arguments: &[&str]) {
    let name = project.database.as_str();
    let before = beside(server, name);
    let held = no_comments(server);
    let mut run = spawn(project, arguments);
    eventually("the new database is there", || {
        let ended = run.try_wait().unwrap().is_some();
        ended || beside(server, name).len() > before.len()
    });
    run.kill().unwrap();
    let ran = Ran::from(run.wait_with_output().unwrap());
    assert_eq!(ran.code, None, "{arguments:?}: {ran}");
    let left: Vec<String> =
        beside(server, name).into_iter().filter(|one| !before.contains(one)).collect();
    let waiting = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE query LIKE 'COMMENT ON DATABASE%{name}\\_\\_%' AND pid <> pg_backend_pid()"
    );
    eventually("its session is gone", || server.query("postgres", &waiting).is_empty());
    drop(held);
    let comment = format!(
        "SELECT count(*) FROM pg_database d WHERE datname = '{}' \
         AND shobj_description(d.oid, 'pg_database') IS NULL",
        left[0]
    );
    assert_eq!(server.query("postgres", &comment), ["1"], "killed too late");
}

#[test]
fn a_database_of_a_run_killed_before_marking_it_is_removed_by_the_next_run() {
    let server = quiet();
    let project = with_rows(&server, "tr_kill");
    project.db(&["backup", "-o", "the.backup"]).ok();
    let runs: [&[&str]; 4] = [
        &["rehearse"],
        &["reset", "--yes"],
        &["restore", "--latest", "--yes"],
        &["backups", "verify", "--all", "--level", "restore"],
    ];
    for (killed, next) in runs.iter().zip(runs.iter().cycle().skip(1)) {
        killed_before_the_comment(&server, &project, killed);
        assert_eq!(
            beside(&server, "tr_kill").iter().filter(|one| !one.contains("before")).count(),
            1
        );
        project.db(next).ok();
        let left: Vec<String> =
            beside(&server, "tr_kill").into_iter().filter(|one| !one.contains("before")).collect();
        assert_eq!(left, Vec::<String>::new(), "after {killed:?} and {next:?}");
    }
}

#[test]
fn the_new_database_of_an_active_run_is_kept() {
    let server = quiet();
    let project = with_rows(&server, "tr_live");
    project.migration("2_u.sql", "CREATE TABLE u (id int); SELECT pg_sleep(2);");
    let held = no_comments(&server);
    let first = spawn(&project, &["rehearse"]);
    eventually("the first has made its copy", || beside(&server, "tr_live").len() == 1);
    let second = spawn(&project, &["rehearse"]);
    eventually("the second has made its own", || beside(&server, "tr_live").len() == 2);
    drop(held);
    for run in [first, second] {
        Ran::from(run.wait_with_output().unwrap()).ok();
    }
    assert_eq!(beside(&server, "tr_live"), Vec::<String>::new());
}

#[test]
fn a_database_of_a_killed_run_is_dropped_although_its_programs_still_use_it() {
    let server = quiet();
    let project = with_rows(&server, "tr_orphan");
    project.migration("2_u.sql", "CREATE TABLE u (id int); SELECT pg_sleep(30);");
    let mut run = spawn(&project, &["rehearse"]);
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE starts_with(datname, 'tr_orphan__') \
                    AND wait_event = 'PgSleep'";
    eventually("it sleeps", || !server.query("postgres", sleeping).is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    project.db(&["rehearse"]).ok();
    assert_eq!(beside(&server, "tr_orphan"), Vec::<String>::new());
}

/// Owns a database's name as the run does that builds it.
fn owner_of(server: &Cluster, name: &str) -> Client {
    let hash = format!("left(encode(sha256('cargo-db builds {name}'), 'hex'), 15)");
    let mut owner = server.connect("postgres");
    owner
        .batch_execute(&format!("SELECT pg_advisory_lock(('x0' || {hash})::bit(64)::bigint)"))
        .unwrap();
    owner
}

#[test]
fn a_database_still_being_created_for_a_killed_run_is_dropped_by_the_next() {
    let server = quiet();
    let project = with_rows(&server, "tr_late");
    let left = "tr_late__restore_20260131T235959_123";
    let owner = owner_of(&server, left);
    server.run("postgres", &format!("CREATE DATABASE \"{left}\""));
    project.migration("2_u.sql", "CREATE TABLE u (id int); SELECT pg_sleep(2);");
    let run = spawn(&project, &["rehearse"]);
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE starts_with(datname, 'tr_late__') \
                    AND wait_event = 'PgSleep'";
    eventually("it sleeps", || !server.query("postgres", sleeping).is_empty());
    assert_eq!(beside(&server, "tr_late").len(), 2, "somebody owns it");
    drop(owner);
    Ran::from(run.wait_with_output().unwrap()).ok();
    assert_eq!(beside(&server, "tr_late"), Vec::<String>::new());
}

#[test]
fn leftovers_of_a_killed_server_are_removed_by_the_next_run() {
    let server = quiet();
    let project = with_rows(&server, "tr_server");
    project.migration("2_u.sql", "CREATE TABLE u (id int); SELECT pg_sleep(30);");
    let run = spawn(&project, &["rehearse"]);
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE starts_with(datname, 'tr_server__') \
                    AND wait_event = 'PgSleep'";
    eventually("it sleeps", || !server.query("postgres", sleeping).is_empty());
    server.kill_and_restart();
    let ran = Ran::from(run.wait_with_output().unwrap());
    assert!(matches!(ran.code, Some(6 | 7)), "{ran}");
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    project.db(&["rehearse"]).ok();
    assert_eq!(beside(&server, "tr_server"), Vec::<String>::new());
}

#[test]
fn databases_that_only_look_like_ours_stay() {
    let server = quiet();
    let project = with_rows(&server, "tr_alike");
    let alike = [
        "tr_alike__scratch_20260131T235959",
        "tr_alike__scratch_20260131T235959_12a",
        "tr_alike__scratch_20260131_235959T123",
        "tr_alike__scratch_mine",
        "tr_alike__before_20260131T235959_123",
        "tr_alike__reset_20260131T235959_123",
    ];
    for name in alike {
        server.run("postgres", &format!("CREATE DATABASE \"{name}\""));
    }
    // A comment makes it its author's.
    let comment = "COMMENT ON DATABASE \"tr_alike__reset_20260131T235959_123\" IS 'keep me'";
    server.run("postgres", comment);
    project.db(&["rehearse", "--keep"]).ok();
    project.db(&["rehearse"]).ok();
    project.db(&["reset", "--yes"]).ok();
    let left = beside(&server, "tr_alike");
    assert!(alike.iter().all(|name| left.iter().any(|one| one == name)), "{left:?}");
    assert_eq!(left.len(), alike.len() + 1, "and what --keep kept: {left:?}");
}

/// What the last migration does to the sessions that come after it.
const SHUT: &str = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 0', \
                    current_database()); END $$;";

/// A project with an ordinary role, which can be denied access to its own database.
fn with_a_mere_owner(name: &str) -> Project {
    let mut project = Project::bare(name);
    let Cluster { folder, port, .. } = cluster();
    cluster().run("postgres", &format!("CREATE ROLE {name}_r LOGIN CREATEDB"));
    cluster().run("postgres", &format!("CREATE DATABASE {name} OWNER {name}_r"));
    cluster().run(name, &format!("GRANT CREATE ON SCHEMA public TO {name}_r"));
    let folder = folder.display();
    let url = format!("postgres://{name}_r@localhost:{port}/{name}?host={folder}");
    project.set("DATABASE_URL", &url);
    project
}

fn open_again(name: &str) {
    cluster().run("postgres", &format!("ALTER DATABASE {name} CONNECTION LIMIT -1"));
}

#[test]
fn a_connection_lost_after_the_last_commit_is_exit_8() {
    let project = with_a_mere_owner("tr_after");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", &format!("DROP TABLE a; {SHUT}"));
    project.migration("2_b.up.sql", &format!("CREATE TABLE b (id int); {SHUT}"));
    project.migration("2_b.down.sql", "DROP TABLE b;");
    let ran = project.db(&["migrate", "--json"]).code(8);
    let error = ran.json()["error"].clone();
    assert_eq!(error["code"], "CONNECTION.LOST_AFTERWARDS", "{ran}");
    let summary = error["summary"].as_str().unwrap();
    assert!(summary.contains("cargo db applied all migrations (2)"), "{summary}");
    assert_eq!(error["next"][0]["command"], "cargo db status");
    assert!(error["why"].to_string().contains("not checked: the history"), "{error}");
    open_again("tr_after");
    project.db(&["status", "--check"]).ok();
    project
        .db(&["rollback", "--steps", "2", "--yes"])
        .code(8)
        .says("rolled back all migrations (2)");
    open_again("tr_after");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["0"]);
}

#[test]
fn a_verification_that_cannot_run_after_the_commit_is_reported_as_such() {
    let project = Project::new("tr_asked");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.write("verify/all.sql", "SELECT pg_terminate_backend(pg_backend_pid());");
    let toml = "[database]\nname = \"tr_asked\"\n[verify]\nsql = [\"verify/all.sql\"]\n";
    project.write("db.toml", toml);
    project.db(&["migrate"]).code(8).says("all migrations of the run were applied");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["1"]);
}

#[test]
fn a_reset_whose_new_database_is_lost_leaves_the_old_one() {
    let project = with_a_mere_owner("tr_reset");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    project.migration("2_b.sql", SHUT);
    project.db(&["reset", "--yes"]).code(7).says("the database is unchanged");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["1"]);
    assert_eq!(beside(cluster(), "tr_reset"), Vec::<String>::new());
}

/// A database marked as staging, with an audit trail; and a role that may not read cargo db's
/// tables.
fn hidden(name: &str, grants: &str) -> Project {
    let mut project = Project::new(name);
    project.migration("1_t.sql", "CREATE TABLE t (id int PRIMARY KEY);");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO t VALUES (1), (2)");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    let first = "REVOKE ALL ON SCHEMA cargo_db FROM PUBLIC; \
                 CREATE TABLE IF NOT EXISTS cargo_db.audit \
                 (id bigint GENERATED ALWAYS AS IDENTITY, record text NOT NULL);";
    project.run_sql(&format!(
        "{first} DROP ROLE IF EXISTS {name}_r; CREATE ROLE {name}_r LOGIN; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_r; {grants}"
    ));
    let Cluster { folder, port, .. } = cluster();
    project.set(
        "DATABASE_URL",
        &format!("postgres://{name}_r@localhost:{port}/{name}?host={}", folder.display()),
    );
    project
}

#[test]
fn a_role_that_may_not_read_our_tables_reads_checks_and_backs_up_as_in_production() {
    let project = hidden("tr_hidden", "");
    project.migration("2_u.sql", "CREATE TABLE u (id int);");
    let not_read =
        "could not read cargo_db.audit, cargo_db.marker: the role `tr_hidden_r` has no privilege";
    for reads in [&["status"][..], &["env", "show"], &["migrate", "--dry-run"]] {
        let ran = project.db(reads);
        assert!(matches!(ran.code, Some(0 | 1)), "{ran}");
        ran.says(not_read).says("production");
    }
    project.db(&["check"]).ok();
    for format in ["sql", "custom", "set"] {
        let ran = project.db(&["backup", "--format", format, "--json"]).ok().says(not_read);
        let name = ran.json()["backup"]["name"].as_str().unwrap().to_owned();
        let shown = project.db(&["backups", "show", &name, "--json"]).ok();
        shown.says(r#""unread":["audit","marker"]"#);
    }
    let refused = project.db(&["migrate", "--confirm", "tr_hidden", "--json"]).code(4);
    assert_eq!(refused.json()["error"]["code"], "POLICY.UNREADABLE");
    let help = refused.json()["error"]["next"][0]["label"].as_str().unwrap().to_owned();
    let grants = help.split('`').nth(1).unwrap();
    project.run_sql(grants);
    let ran = project.db(&["status"]).ok().says("staging");
    assert!(!ran.stderr.contains("not read"), "{ran}");
    // It lacks privileges, but knows which database it is.
    let ran = project.db(&["migrate", "--json"]);
    assert_ne!(ran.json()["error"]["code"], "POLICY.UNREADABLE", "{ran}");
}

#[test]
fn an_unreadable_trail_does_not_hide_the_environment() {
    let project = hidden(
        "tr_trail",
        "GRANT USAGE ON SCHEMA cargo_db TO tr_trail_r; GRANT SELECT ON cargo_db.marker TO
            tr_trail_r",
    );
    let ran =
        project.db(&["env", "show"]).ok().says("staging").says("could not read cargo_db.audit:");
    assert!(!ran.stdout.contains("production"), "{ran}");
    project.db(&["backup"]).ok();
    project.db(&["env", "set", "staging", "--yes"]).code(4).says("GRANT SELECT, INSERT ON");
}
