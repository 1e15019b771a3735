//! Every change takes a lock after the consent and gathers its facts again: consent does not cover
//! what changed in the meantime.

use std::fs::File;
use std::process::{Child, Stdio};

use postgres::Client;

use crate::support::{Project, Ran, cluster, eventually};

/// The advisory lock of a run of cargo db: `cargo-db` in ASCII.
const OWN_KEY: i64 = i64::from_be_bytes(*b"cargo-db");

/// Holds the lock of a run in a database, until it is dropped.
fn hold(database: &str) -> Client {
    let mut holder = cluster().connect(database);
    // Runs of other tests hold the lock of the server for moments.
    holder.batch_execute(&format!("SELECT pg_advisory_lock({OWN_KEY})")).unwrap();
    holder
}

/// A run that waits for the lock of a run in `lock_database`.
fn waiting(project: &Project, lock_database: &str, arguments: &[&str]) -> Child {
    let run = spawn(project, arguments);
    // A session does not show which process it belongs to, so the waiting run is found by the name
    // and the state of its session.
    eventually("it waits for the lock", || {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE datname = '{lock_database}' \
             AND application_name LIKE 'cargo-db/% lock' AND state = 'idle'"
        );
        !cluster().query("postgres", &sql).is_empty()
    });
    run
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(run: Child) -> Ran {
    run.wait_with_output().unwrap().into()
}

fn with_rows(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);");
    project.db(&["migrate"]).ok();
    project
}

#[test]
fn a_marker_that_changed_meanwhile_is_not_written_over() {
    let project = with_rows("sl_env");
    project.db(&["env", "set", "test"]).ok();
    let holder = hold("sl_env");
    let run = waiting(&project, "sl_env", &["env", "set", "development"]);
    project.run_sql("UPDATE cargo_db.marker SET environment = 'staging'");
    drop(holder);
    ended(run).code(3).says("the plan changed");
    assert_eq!(project.query("SELECT environment FROM cargo_db.marker"), ["staging"]);
}

#[test]
fn a_lock_that_stays_busy_stops_a_restore_and_a_marker() {
    let project = with_rows("sl_busy");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let holder = hold("sl_busy");
    for arguments in [
        &["restore", "x.sql.gz", "--yes"][..],
        &["restore", "x.sql.gz", "--clean", "--yes"],
        &["env", "set", "test"],
        &["env", "clear", "--yes", "--confirm", "sl_busy"],
    ] {
        let mut arguments = arguments.to_vec();
        if arguments[1] == "clear" {
            let dry = project.db(&["env", "clear", "--dry-run", "--json"]).ok().json();
            let id = dry["plan"]["id"].as_str().unwrap().to_owned();
            let command = ["env", "clear", "--confirm", "sl_busy", "--plan", &id];
            project.db(&[&command[..], &["--lock-timeout", "200ms"]].concat()).code(5);
            continue;
        }
        arguments.extend(["--lock-timeout", "200ms"]);
        project.db(&arguments).code(5).says("another run holds the lock");
    }
    drop(holder);
    assert_eq!(project.query("SELECT id FROM a"), ["1"]);
    project.db(&["restore", "x.sql.gz", "--yes"]).ok();
}

#[test]
fn a_database_created_in_the_meantime_is_not_restored_into() {
    let project = with_rows("sl_into");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let holder = hold("postgres");
    let run = waiting(&project, "postgres", &["restore", "x.sql.gz", "--into", "sl_new", "--yes"]);
    cluster().run("postgres", "CREATE DATABASE sl_new");
    drop(holder);
    ended(run).code(11).says("`sl_new` exists already");
    assert_eq!(
        cluster().query("sl_new", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        ["0"]
    );
    cluster().run("postgres", "DROP DATABASE sl_new");
}

#[test]
fn a_table_created_in_the_meantime_is_not_lost_in_a_swap() {
    let project = with_rows("sl_swap");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    project.db(&["env", "set", "test"]).ok();
    let holder = hold("sl_swap");
    let run = waiting(&project, "sl_swap", &["restore", "x.sql.gz", "--yes", "--env", "test"]);
    project.run_sql("CREATE TABLE precious AS SELECT 1");
    drop(holder);
    ended(run).code(3).says("the plan changed");
    assert_eq!(project.query("SELECT count(*) FROM precious"), ["1"]);
}

#[test]
fn a_kept_database_that_came_meanwhile_is_not_dropped() {
    let project = with_rows("sl_kept");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    project.db(&["restore", "x.sql.gz", "--yes"]).ok();
    let holder = hold("postgres");
    let run = waiting(&project, "postgres", &["restore", "--drop-previous", "--yes"]);
    cluster().run("postgres", "CREATE DATABASE sl_kept__before_29990101t000000_000");
    drop(holder);
    ended(run).code(3).says("the plan changed");
    let kept = "SELECT count(*) FROM pg_database WHERE datname LIKE 'sl\\_kept\\_\\_before%'";
    assert_eq!(cluster().query("postgres", kept), ["2"]);
    project.db(&["restore", "--drop-previous", "--yes"]).ok().says("2 previous databases dropped");
}

#[test]
fn backups_that_changed_meanwhile_are_not_pruned() {
    let project = with_rows("sl_prune");
    project.write("db.toml", "[backup]\nkeep-last = 3\nkeep-within = \"1ms\"\n");
    for name in ["1.sql", "2.sql", "3.sql"] {
        project.db(&["backup", "-o", name, "--no-compress"]).ok();
    }
    project.write("db.toml", "[backup]\nkeep-last = 1\nkeep-within = \"1ms\"\n");
    let lock = File::options().write(true).open(project.path().join("backups/.lock")).unwrap();
    lock.lock().unwrap();
    let run = spawn(&project, &["backups", "prune", "--yes"]);
    // It shows its plan before it waits for the folder.
    std::thread::sleep(std::time::Duration::from_millis(700));
    std::fs::remove_file(project.path().join("backups/1.sql.manifest.json")).unwrap();
    drop(lock);
    ended(run).code(3).says("the plan changed");
    assert!(project.path().join("backups/2.sql").exists());
}

#[test]
fn a_database_created_in_the_meantime_is_not_destroyed_with_its_server() {
    let project = Project::bare("sl_destroy");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    let url = project.db(&["server", "url"]).ok().stdout.trim().to_owned();
    let status = project.db(&["server", "status", "--json"]).ok().json();
    let folder = std::path::PathBuf::from(status["server"]["folder"].as_str().unwrap());
    let lock = File::options().write(true).open(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let run = spawn(&project, &["server", "destroy", "--yes"]);
    std::thread::sleep(std::time::Duration::from_millis(1000));
    let mut client = Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute("CREATE DATABASE precious").unwrap();
    drop((client, lock));
    ended(run).code(3).says("the plan changed");
    project.db(&["server", "destroy", "--yes"]).ok().says("this destroys the database precious");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_waiting_restore_does_not_lock_the_backup_folder() {
    let project = with_rows("sl_wait");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let holder = hold("sl_wait");
    let run = waiting(&project, "sl_wait", &["restore", "x.sql.gz", "--yes"]);
    project.db(&["backup", "-o", "y.sql.gz"]).ok();
    drop(holder);
    ended(run).ok();
}

#[test]
fn an_environment_that_was_raised_meanwhile_counts() {
    let project = with_rows("sl_raised");
    let dry = ["env", "set", "production", "--dry-run", "--json"];
    let id = project.db(&dry).ok().json()["plan"]["id"].as_str().unwrap().to_owned();
    let holder = hold("postgres");
    let run = waiting(&project, "postgres", &["reset", "--force"]);
    project.db(&["env", "set", "production", "--confirm", "sl_raised", "--plan", &id]).ok();
    drop(holder);
    ended(run).code(4).says("`reset` is refused in production");
    assert_eq!(project.query("SELECT id FROM a"), ["1"]);
}

#[test]
fn one_plan_id_lets_one_run_through() {
    let project = with_rows("sl_once");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let restore = ["restore", "x.sql.gz", "--env", "production", "--confirm", "sl_once"];
    let dry = [&restore[..4], &["--dry-run", "--json"]].concat();
    let id = project.db(&dry).ok().json()["plan"]["id"].as_str().unwrap().to_owned();
    let run = [&restore[..], &["--plan", &id]].concat();
    let holder = hold("postgres");
    let runs = [waiting(&project, "postgres", &run), spawn(&project, &run)];
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(holder);
    let mut codes = runs.map(|run| ended(run).code.unwrap());
    codes.sort_unstable();
    assert_eq!(codes, [0, 4]);
}

#[test]
fn replacing_a_database_waits_for_runs_in_it() {
    let project = with_rows("sl_undo");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    project.db(&["restore", "x.sql.gz", "--yes"]).ok();
    let holder = hold("sl_undo");
    for arguments in [&["restore", "--undo", "--yes"][..], &["reset", "--force"]] {
        let arguments = [arguments, &["--lock-timeout", "200ms"]].concat();
        project.db(&arguments).code(5).says("another run holds the lock on");
    }
    drop(holder);
    project.db(&["restore", "--undo", "--yes"]).ok();
}

#[test]
fn a_run_whose_wait_was_ended_waits_again() {
    let project = with_rows("sl_again");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let holder = hold("sl_again");
    let run = waiting(&project, "sl_again", &["migrate"]);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = 'sl_again' AND application_name LIKE 'cargo-db/% lock'";
    cluster().run("postgres", end);
    drop(holder);
    ended(run).ok();
    assert_eq!(project.query("SELECT count(*) FROM b"), ["0"]);
}

#[test]
fn the_maintenance_database_is_not_replaced() {
    let project = with_rows("sl_postgres");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let url = cluster().url("postgres");
    for arguments in [&["restore", "x.sql.gz", "--yes"][..], &["reset", "--force"]] {
        let arguments = [arguments, &["-D", &url]].concat();
        project.db(&arguments).code(2).says("`postgres` is the server's maintenance database");
    }
}

#[test]
fn a_busy_file_lock_is_exit_5_too() {
    let project = with_rows("sl_files");
    project.write("db.toml", "[backup]\nkeep-last = 2\nkeep-within = \"1ms\"\n");
    project.db(&["backup", "-o", "1.sql"]).ok();
    project.db(&["backup", "-o", "2.sql"]).ok();
    project.write("db.toml", "[backup]\nkeep-last = 1\nkeep-within = \"1ms\"\n");
    let lock = File::options().write(true).open(project.path().join("backups/.lock")).unwrap();
    lock.lock().unwrap();
    let prune = ["backups", "prune", "--yes", "--lock-timeout", "300ms"];
    project.db(&prune).code(5).says("another run of cargo db");
    assert!(project.path().join("backups/1.sql").exists());
    drop(lock);
    project.db(&prune).ok();
    assert!(!project.path().join("backups/1.sql").exists());
}

/// A plan covers the database that was kept, not just its name.
#[test]
fn a_new_database_with_the_name_of_a_kept_one_is_not_used() {
    let project = Project::new("sl_taken");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    project.db(&["backup", "-o", "the.backup"]).ok();
    project.db(&["restore", "the.backup", "--yes"]).ok();
    let undo = project.consent(&["restore", "--undo"]);
    let drop = project.consent(&["restore", "--drop-previous"]);
    let kept = "SELECT datname FROM pg_database WHERE starts_with(datname, 'sl_taken__before_')";
    let kept = cluster().query("postgres", kept).remove(0);
    cluster().run("postgres", &format!("ALTER DATABASE \"{kept}\" RENAME TO sl_taken_elsewhere"));
    cluster().run("postgres", &format!("CREATE DATABASE \"{kept}\""));
    cluster().run(&kept, "CREATE TABLE precious (id int)");
    for (flag, agreed) in [("--undo", &undo), ("--drop-previous", &drop)] {
        let agreed = agreed.iter().map(String::as_str);
        let arguments: Vec<&str> = ["restore", flag].into_iter().chain(agreed).collect();
        let ran = project.db(&arguments);
        assert_ne!(ran.code, Some(0), "{ran}");
        let precious = "SELECT to_regclass('public.precious')";
        assert_eq!(cluster().query(&kept, precious), ["precious"], "{ran}");
    }
    cluster().run("postgres", &format!("DROP DATABASE \"{kept}\""));
    cluster().run("postgres", &format!("ALTER DATABASE sl_taken_elsewhere RENAME TO \"{kept}\""));
    let drop: Vec<&str> = drop.iter().map(String::as_str).collect();
    project.db(&[&["restore", "--drop-previous"], &drop[..]].concat()).ok();
}
