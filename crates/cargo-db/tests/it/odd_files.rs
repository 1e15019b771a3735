//! Files that are not regular or whose names are not UTF-8: they are named, and nothing waits for
//! them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Project, Ran, eventually};

fn fifo(path: &Path) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(path);
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}

/// A run that has to end by itself.
fn ends(project: &Project, arguments: &[&str]) -> Ran {
    let mut command = project.command(arguments);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    ended(child, arguments)
}

fn ended(mut child: Child, arguments: &[&str]) -> Ran {
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("{arguments:?} did not end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_fifo_in_place_of_a_file_is_refused() {
    let project = Project::new("o_fifo");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    let _ = ends(&project, &["migrate", "--yes"]).ok();
    for path in ["migrations/2_b.sql", ".env", "seeds/01_a.sql"] {
        let path = fifo(&project.path().join(path));
        let verb: &[&str] =
            if path.ends_with("01_a.sql") { &["seed", "--yes"] } else { &["status"] };
        let ran = ends(&project, verb);
        assert_ne!(ran.code, Some(0), "{ran}");
        let _ =
            ran.says("it is not a regular file").says(path.file_name().unwrap().to_str().unwrap());
        std::fs::remove_file(path).unwrap();
    }
    // A link to a device is one, too.
    std::os::unix::fs::symlink("/dev/zero", project.path().join("migrations/2_b.sql")).unwrap();
    let _ = ends(&project, &["check"]).code(7).says("it is not a regular file");
    std::fs::remove_file(project.path().join("migrations/2_b.sql")).unwrap();
    // A backup, and the audit trail with its lock.
    let backup = fifo(&project.path().join("x.sql"));
    let ran = ends(&project, &["restore", "x.sql", "--yes"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    std::fs::remove_file(backup).unwrap();
    project.migration("2_b.sql", "CREATE TABLE b ();");
    for name in ["audit.jsonl", "audit.lock"] {
        let path = fifo(&project.path().join(".db").join(name));
        let ran = ends(&project, &["migrate", "--yes"]);
        assert_ne!(ran.code, Some(0), "{name}: {ran}");
        let _ = ran.says("it is not a regular file").says(name);
        std::fs::remove_file(path).unwrap();
    }
    assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
}

#[test]
fn a_name_that_is_not_utf8_is_reported() {
    let project = Project::new("o_names");
    project.migration("1_a.up.sql", "CREATE TABLE a ();");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    let odd = project.path().join("migrations").join(OsStr::from_bytes(b"2_\xff\xfe.up.sql"));
    std::fs::write(odd, "CREATE TABLE b ();").unwrap();
    let _ = project.db(&["status", "--check"]).code(9).says("its name is not UTF-8");
    let _ = project.db(&["migrate", "--yes"]).code(9).says("its name is not UTF-8");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    let folders = Project::new("o_folders");
    let odd = folders.path().join("migrations").join(OsStr::from_bytes(b"1_\xff"));
    std::fs::create_dir_all(&odd).unwrap();
    std::fs::write(odd.join("up.sql"), "CREATE TABLE b ();").unwrap();
    folders.write("migrations/2_b/up.sql", "SELECT 1;");
    let _ = folders.db(&["migrate", "--yes"]).code(9).says("its name is not UTF-8");
}

#[test]
fn a_signal_ends_a_wait_for_another_process() {
    let project = Project::new("o_signal");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    let lock = project.write(".db/audit.lock", "");
    let held = std::fs::File::options().write(true).open(lock).unwrap();
    held.lock().unwrap();
    let mut command = project.command(&["migrate", "--yes"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id().to_string();
    let is_open = || {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files
            .filter_map(|file| std::fs::read_link(file.path()).ok())
            .any(|to| to.ends_with("audit.lock"))
    };
    eventually("it waits for the lock", is_open);
    let began = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let _ = ended(child, &["migrate"]).code(143);
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// Bytes that no server accepts are found by `check`, and by `migrate` before anything runs.
#[test]
fn latin_1_and_a_nul_byte_are_found_before_anything_runs() {
    let cases: [(&str, &[u8], &str); 2] = [
        (
            "o_latin",
            b"CREATE TABLE b ();\nCOMMENT ON TABLE b IS 'caf\xe9';\n",
            "line 2 is not UTF-8",
        ),
        ("o_nul", b"CREATE TABLE b ();\nCREATE TABLE c ();\0\n", "line 2 contains a NUL byte"),
    ];
    for (name, bytes, why) in cases {
        let project = Project::new(name);
        project.migration("1_a.sql", "CREATE TABLE a ();");
        std::fs::write(project.path().join("migrations/2_b.sql"), bytes).unwrap();
        let _ = project.db(&["check"]).code(1).says("BLOCK migrations/2_b.sql").says(why);
        let _ = project.db(&["migrate", "--yes"]).code(7).says(why);
        assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    }
}

/// Comments between statements are not sent to the server.
#[test]
fn bytes_in_comments_between_statements_matter_to_no_command() {
    let project = Project::new("o_comment");
    let path = project.path().join("migrations/1_a.sql");
    project.migration("1_a.sql", "");
    let good = b"-- caf\xe9\nCREATE TABLE a (t text); /* \xfc */\nCOPY a FROM stdin;\n\xc3\xa9\n\
                 \\.\n-- \xe9";
    std::fs::write(&path, good).unwrap();
    for _ in 0..2 {
        project.db(&["check"]).ok();
        project.db(&["migrate", "--dry-run"]).ok();
        project.db(&["rehearse"]).ok();
        project.run_sql("CREATE TABLE IF NOT EXISTS filled AS SELECT 1 AS i");
    }
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(project.query("SELECT t FROM a"), ["\u{e9}"]);
    let bad = b"-- caf\xe9\nCREATE TABLE b (t text);\nCOPY b FROM stdin;\nx\n\xe9\n\\.\n";
    std::fs::write(project.path().join("migrations/2_b.sql"), bad).unwrap();
    project.db(&["check"]).code(1).says("line 5 is not UTF-8");
    project.db(&["rehearse"]).code(1);
    project.db(&["migrate", "--yes"]).code(7);
}
