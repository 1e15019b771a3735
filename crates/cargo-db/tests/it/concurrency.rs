//! Runs at once, runs that are killed, and servers that go away.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{PASSWORD, Project, Ran, cluster, eventually};

fn slow(project: &Project, seconds: f32) {
    project.migration("1_fast.sql", "CREATE TABLE fast ();");
    project
        .migration("2_slow.sql", &format!("CREATE TABLE slow ();\nSELECT pg_sleep({seconds});\n"));
    project.migration("3_last.sql", "CREATE TABLE last ();");
}

fn spawn(project: &Project, arguments: &[&str]) -> std::process::Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn is_sleeping(project: &Project) -> bool {
    let sql = format!(
        "SELECT 1 FROM pg_stat_activity WHERE datname = '{}' AND state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
        project.database
    );
    !cluster().query("postgres", &sql).is_empty()
}

#[test]
fn two_runs_at_once_apply_each_migration_once() {
    let project = Project::new("x_two");
    slow(&project, 1.5);
    let first = spawn(&project, &["migrate"]);
    eventually("the first run sleeps", || is_sleeping(&project));
    let second: Ran = project.db(&["migrate"]);
    let first: Ran = first.wait_with_output().unwrap().into();
    let (first, second) = (first.ok(), second.ok().says("for the lock, held by cargo-db/"));
    let applied = |ran: &Ran| ran.stderr.matches("     Applied").count();
    assert_eq!((applied(&first), applied(&second)), (3, 0), "{first}{second}");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["3"]);
}

#[test]
fn many_runs_on_a_database_that_does_not_exist_yet() {
    let project = Project::without_database("x_many");
    slow(&project, 0.1);
    let runs: Vec<_> = (0..4).map(|_| spawn(&project, &["migrate"])).collect();
    for run in runs {
        Ran::from(run.wait_with_output().unwrap()).ok();
    }
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["3"]);
}

#[test]
fn a_lock_that_stays_busy_is_exit_5_with_its_holder() {
    let project = Project::new("x_busy");
    slow(&project, 0.0);
    let mut holder = cluster().connect("x_busy");
    // The key of sqlx's own library for this database.
    let key = 0x3d32_ad9e_i64 * i64::from(crc32fast::hash(b"x_busy"));
    holder
        .batch_execute(&format!("SET application_name = 'the-app'; SELECT pg_advisory_lock({key})"))
        .unwrap();
    project
        .db(&["migrate", "--lock-timeout", "300ms"])
        .code(5)
        .says("held by the-app as postgres from this machine")
        .says("since 20");
    drop(holder);
    project.db(&["migrate"]).ok();
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_one_cannot_finish() {
    let project = Project::new("x_kill");
    slow(&project, 20.0);
    let mut run = spawn(&project, &["migrate"]);
    eventually("the run sleeps", || is_sleeping(&project));
    run.kill().unwrap();
    run.wait().unwrap();
    slow(&project, 0.1);
    let began = Instant::now();
    project.db(&["migrate"]).ok().says("that a killed run left behind");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it did not wait for the dead run's statement"
    );
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["3"]);
}

#[test]
fn ctrl_c_cancels_the_statement_and_leaves_a_consistent_state() {
    for (name, header) in [("x_int_tx", ""), ("x_int_notx", "-- no-transaction\n")] {
        let project = Project::new(name);
        slow(&project, 20.0);
        project.migration(
            "2_slow.sql",
            &format!("{header}CREATE TABLE slow ();\nSELECT pg_sleep(20);\n"),
        );
        let run = spawn(&project, &["migrate"]);
        eventually("the run sleeps", || is_sleeping(&project));
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&run),
            rustix::process::Signal::INT,
        )
        .unwrap();
        Ran::from(run.wait_with_output().unwrap()).code(130).says("stopped by a signal");
        assert_eq!(project.query("SELECT max(version) FROM _sqlx_migrations"), ["1"]);
        assert!(!is_sleeping(&project));
        let stays = if header.is_empty() { "t" } else { "f" };
        assert_eq!(project.query("SELECT to_regclass('slow') IS NULL"), [stays]);
    }
}

#[test]
fn ctrl_c_while_something_is_read_is_a_signal_too() {
    let project = Project::new("x_int_read");
    slow(&project, 0.0);
    project.db(&["migrate"]).ok();
    let mut holder = cluster().connect("x_int_read");
    holder.batch_execute("BEGIN; LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE").unwrap();
    let run = spawn(&project, &["status"]);
    let waits =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'x_int_read' AND wait_event_type = 'Lock'";
    eventually("status waits", || !cluster().query("postgres", waits).is_empty());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&run),
        rustix::process::Signal::INT,
    )
    .unwrap();
    Ran::from(run.wait_with_output().unwrap()).code(130);
}

#[test]
fn a_connection_lost_in_the_middle_is_exit_7_and_changes_nothing() {
    let project = Project::new("x_lost");
    slow(&project, 20.0);
    let run = spawn(&project, &["migrate"]);
    eventually("the run sleeps", || is_sleeping(&project));
    cluster().end_sessions("x_lost");
    Ran::from(run.wait_with_output().unwrap())
        .code(7)
        .says("was lost during migration `2 slow`")
        .says("already applied: Applied 1 fast");
    assert_eq!(
        project.query(
            "SELECT to_regclass('slow') IS NULL, (SELECT max(version) FROM _sqlx_migrations)"
        ),
        ["t|1"]
    );
}

#[test]
fn a_file_that_changes_while_another_run_is_waited_for_is_not_run() {
    let project = Project::new("x_changed");
    slow(&project, 4.0);
    project.accept_key();
    project.db(&["migrate", "--to", "1"]).ok();
    project.db(&["rehearse"]).ok();
    let first = spawn(&project, &["migrate", "--to", "2"]);
    eventually("the first run sleeps", || is_sleeping(&project));
    let mut second = project.command(&["migrate", "--env", "production", "--dry-run", "--json"]);
    let plan: Ran = second.output().unwrap().into();
    let id = plan.ok().json()["plan"]["id"].as_str().unwrap().to_owned();
    // While it waits for the lock, the history moves under the plan that was agreed to.
    let second = spawn(
        &project,
        &["migrate", "--env", "production", "--confirm", "x_changed", "--plan", &id],
    );
    let second: Ran = second.wait_with_output().unwrap().into();
    second.code(3).says("the plan changed");
    Ran::from(first.wait_with_output().unwrap()).ok();
}

/// A deferred trigger delays the commit; its session is terminated in the meantime.
fn cut_during_commit(project: &Project, arguments: &[&str]) -> Ran {
    let run = spawn(project, arguments);
    let committing = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND wait_event = 'PgSleep' AND query LIKE '%COMMIT%'",
        project.database
    );
    eventually("the commit is on its way", || !cluster().query("postgres", &committing).is_empty());
    cluster().query("postgres", &format!("SELECT pg_terminate_backend(pid) FROM ({committing}) x"));
    run.wait_with_output().unwrap().into()
}

#[test]
fn an_interrupted_commit_is_looked_up_and_not_guessed() {
    let project = Project::new("x_commit");
    project.migration(
        "1_t.sql",
        "CREATE TABLE t (id int);
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();",
    );
    project.db(&["migrate"]).ok();
    project.migration("2_i.sql", "INSERT INTO t VALUES (1);");
    cut_during_commit(&project, &["migrate"]).code(7).says("the commit did not arrive");
    assert_eq!(
        project
            .query("SELECT (SELECT count(*) FROM t), (SELECT max(version) FROM _sqlx_migrations)"),
        ["0|1"]
    );
    project.write("seeds/t.csv", "id\n7\n");
    cut_during_commit(&project, &["seed"]).code(7).says("was lost during the seed run");
    assert_eq!(project.query("SELECT count(*) FROM t"), ["0"]);
}

/// Forwards bytes until the client sends this text.
fn pass_until(word: &'static str, mut client: TcpStream, mut server: TcpStream) {
    let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
    let mut buffer = [0; 8192];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        let is_word = buffer[..read].windows(word.len()).any(|one| one == word.as_bytes());
        if is_word || server.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both).and_then(|()| server.shutdown(Shutdown::Both));
}

/// The port of a proxy that cuts each connection that sends this text.
fn cuts_at(word: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(("127.0.0.1", cluster().port)).unwrap();
            std::thread::spawn(move || pass_until(word, client, server));
        }
    });
    port
}

#[test]
fn a_connection_lost_after_a_commit_does_not_stop_the_run() {
    let mut project = Project::new("x_behind");
    let proxy = cuts_at("CLOSE ALL");
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{proxy}/x_behind?sslmode=disable");
    project.set("DATABASE_URL", &url);
    project.migration("1_t.sql", "CREATE TABLE t (id int);");
    project.migration("2_u.sql", "-- no-transaction\nCREATE TABLE u (id int);");
    project.migration("3_v.sql", "CREATE TABLE v (id int);");
    project.db(&["migrate"]).ok().says("3 v");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations WHERE success"), ["3"]);
}
