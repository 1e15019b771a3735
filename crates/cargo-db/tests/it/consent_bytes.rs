//! Consent to a file covers the bytes that are loaded: a file that is replaced between the last
//! check and the load is refused, and nothing of it is kept.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::support::{Project, Ran, cluster, eventually};

/// A project whose dump takes a while to load and is longer than one read of a file.
fn slow(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(
        "CREATE FUNCTION takes_time(int) RETURNS bool LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.02); RETURN true; END $$; \
         CREATE TABLE t (id int CHECK (takes_time(id))); \
         INSERT INTO t SELECT generate_series(1, 80); \
         CREATE TABLE z (id int, filler text); \
         INSERT INTO z SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 1000) n",
    );
    project
}

/// Starts a restore, and returns when it loads rows.
fn loading(project: &Project, arguments: &[&str], busy: &str) -> Child {
    let mut command = project.command(arguments);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let name = &project.database;
    let sql = format!(
        "SELECT 1 FROM pg_stat_activity WHERE starts_with(datname, '{name}') \
         AND query LIKE '{busy}%' AND state = 'active' AND pid <> pg_backend_pid()"
    );
    eventually("rows are loaded", || !cluster().query("postgres", &sql).is_empty());
    run
}

/// Changes a file in place: overwrites text in one of its last rows, or appends to an archive.
fn change_the_end(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    let row = bytes.windows(6).rposition(|window| window == b"\n1000\t");
    let place = row.map_or(bytes.len(), |row| row + 6);
    file.seek(SeekFrom::Start(place as u64)).unwrap();
    file.write_all(b"x").unwrap();
}

fn databases(name: &str) -> Vec<String> {
    let sql = format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{name}')");
    cluster().query("postgres", &sql)
}

fn ended(run: Child) -> Ran {
    run.wait_with_output().unwrap().into()
}

/// Has a restore run into a file that changes under it.
fn refused(project: &Project, arguments: &[&str], busy: &str, path: &Path) {
    let (before, bytes) = (project.content(), std::fs::read(path).unwrap());
    let run = loading(project, arguments, busy);
    change_the_end(path);
    ended(run).code(11).says("changed while it was restored").says("nothing was restored");
    assert_eq!(project.content(), before, "{arguments:?}");
    assert_eq!(
        databases(&project.database),
        std::slice::from_ref(&project.database),
        "{arguments:?}"
    );
    // As it was, it is restored.
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_of_sql_that_changes_while_it_is_loaded_is_refused() {
    let project = slow("cb_plain");
    project.db(&["backup", "--no-compress", "-o", "x.sql"]).ok();
    let sql = std::fs::read_to_string(project.path().join("backups/x.sql")).unwrap();
    let pause = "SET row_security = off;\nSELECT pg_sleep(1.5);\n";
    let path = project.write("f.sql", &sql.replacen("SET row_security = off;", pause, 1));
    let restore = ["restore", "f.sql", "--allow-any-sql", "--confirm", "cb_plain"];
    refused(&project, &restore, "SELECT pg_sleep", &path);
    refused(&project, &[&restore[..], &["--clean"]].concat(), "SELECT pg_sleep", &path);
    project.db(&[&restore[..], &["--clean"]].concat()).ok();
    // A replacement file is not read at all: the open one is used to the end.
    let run = loading(&project, &restore, "SELECT pg_sleep");
    std::fs::rename(&path, project.path().join("g.sql")).unwrap();
    project.write("f.sql", "DROP TABLE t;");
    ended(run).ok();
    assert_eq!(project.query("SELECT count(*) FROM z"), ["1000"]);
}

#[test]
fn an_archive_that_changes_while_it_is_loaded_is_refused() {
    let project = slow("cb_archive");
    project.db(&["backup", "--format", "custom", "-o", "x.dump"]).ok();
    let path = project.path().join("backups/x.dump");
    let busy = "COPY public.t ";
    refused(&project, &["restore", "x.dump", "--yes"], busy, &path);
    refused(&project, &["restore", "x.dump", "--table", "t", "--yes"], busy, &path);
    refused(&project, &["restore", "x.dump", "--clean", "--yes"], busy, &path);
    project.db(&["restore", "x.dump", "--table", "t", "--yes"]).ok();
}

#[test]
fn a_new_database_is_not_named_after_a_file_that_changed() {
    let project = slow("cb_into");
    project.db(&["backup", "--format", "directory", "-o", "x"]).ok();
    let toc = project.path().join("backups/x/toc.dat");
    let run = loading(&project, &["restore", "x", "--into", "cb_into_new", "--yes"], "COPY");
    let mut bytes = std::fs::read(&toc).unwrap();
    bytes.push(0);
    std::fs::write(&toc, bytes).unwrap();
    ended(run).code(11).says("changed while it was restored");
    assert_eq!(databases("cb_into"), ["cb_into"]);
}

#[test]
fn a_file_that_changes_while_the_lock_is_waited_for_makes_another_plan() {
    let project = slow("cb_lock");
    project.db(&["backup", "--no-compress", "-o", "x.sql"]).ok();
    let path = project.path().join("f.sql");
    std::fs::copy(project.path().join("backups/x.sql"), &path).unwrap();
    let mut holder = cluster().connect("cb_lock");
    let own_key = i64::from_be_bytes(*b"cargo-db");
    holder.batch_execute(&format!("SELECT pg_advisory_lock({own_key})")).unwrap();
    let mut command = project.command(&["restore", "f.sql", "--yes"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("it waits for the lock", || {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = 'cb_lock' \
                   AND application_name LIKE 'cargo-db/% lock'";
        !cluster().query("postgres", sql).is_empty()
    });
    change_the_end(&path);
    drop(holder);
    ended(run).code(3).says("the plan changed");
    assert_eq!(project.query("SELECT count(*) FROM z WHERE filler LIKE 'x%'"), ["0"]);
}
