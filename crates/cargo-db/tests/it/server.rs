//! The private local server.

use std::path::PathBuf;

use crate::support::{Project, Ran, binaries, eventually};

/// A project whose server is removed with it.
struct Own(Project);

impl Own {
    fn new(name: &str) -> Own {
        let project = Project::bare(name);
        project.migration("1_a.sql", "CREATE TABLE a (id int);");
        Own(project)
    }

    fn db(&self, arguments: &[&str]) -> Ran {
        self.0.db(arguments)
    }

    fn status(&self) -> serde_json::Value {
        self.db(&["server", "status", "--json"]).ok().json()["server"].clone()
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.status()["pid"].as_i64().expect("it runs")).unwrap()
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(self.status()["folder"].as_str().unwrap())
    }

    fn kill(&self) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        eventually("the killed server is gone", || self.status()["pid"].is_null());
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let folder = self.folder();
        drop(self.db(&["server", "destroy", "--yes"]));
        let _ = std::fs::remove_dir_all(folder);
    }
}

#[test]
fn the_first_command_on_a_fresh_clone_just_works() {
    let own = Own::new("school");
    own.db(&["migrate"])
        .ok()
        .says("Making a private PostgreSQL server")
        .says("create the database school");
    own.db(&["status"]).ok().says("1 applied").says("the private local server (default)");
    let url = own.db(&["server", "url"]).ok().stdout.trim().to_owned();
    assert!(url.starts_with("postgresql://postgres@localhost:5432/school?host=/"), "{url}");

    // No TCP, a socket that only this user can reach, and fsync on.
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    let row = client
        .query_one("SELECT current_setting('listen_addresses'), current_setting('fsync')", &[])
        .unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("", "on"));
    let socket = url.split("host=").nth(1).unwrap();
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(socket).unwrap());
    assert_eq!(mode & 0o777, 0o700);
    drop(client);

    own.db(&["server", "stop"]).ok().says("stopped");
    own.db(&["server", "stop"]).ok().says("not running");
    own.db(&["server", "url"]).code(2).says("cargo db server start");
    own.db(&["status"]).ok().says("1 applied");
    own.db(&["server", "start"]).ok().says("already running");
    own.db(&["server", "destroy"]).code(3).says("destroys the database school");
    own.db(&["server", "destroy", "--yes"]).ok();
    own.db(&["server", "destroy", "--yes"]).code(2);
}

#[test]
fn started_by_many_at_once_it_is_started_once() {
    let own = Own::new("many");
    let runs: Vec<_> = (0..4)
        .map(|_| {
            own.0
                .command(&["migrate"])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for run in runs {
        Ran::from(run.wait_with_output().unwrap()).ok();
    }
    own.db(&["status"]).ok().says("1 applied");
}

#[test]
fn a_killed_server_is_started_again_with_its_data() {
    let own = Own::new("killed");
    own.db(&["migrate"]).ok();
    own.kill();
    own.db(&["status"]).ok().says("1 applied");

    // A pid file whose pid belongs to another process by now.
    own.kill();
    let pid_file = own.folder().join(format!("pg{}", own.status()["major"])).join("postmaster.pid");
    let text = std::fs::read_to_string(&pid_file).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();
    own.db(&["status"]).ok().says("1 applied");
}

#[test]
fn a_cluster_of_another_major_is_not_touched() {
    let own = Own::new("major");
    own.db(&["migrate"]).ok();
    own.db(&["server", "stop"]).ok();
    let (folder, major) = (own.folder(), own.status()["major"].clone());
    std::fs::rename(folder.join(format!("pg{major}")), folder.join("pg9")).unwrap();
    own.db(&["status"])
        .code(6)
        .says("was created by PostgreSQL 9, and only")
        .says("cargo db server destroy");
    assert!(folder.join("pg9").exists() && !folder.join(format!("pg{major}")).exists());
}

#[test]
fn without_postgresql_it_says_how_to_install_it() {
    let mut project = Project::bare("none");
    let empty = project.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    project.set("CARGO_DB_PG_BIN", empty.to_str().unwrap());
    let ran = project
        .db(&["status"])
        .code(6)
        .says("no PostgreSQL server was found")
        .says("install it: `");
    assert!(!ran.stderr.contains("panicked"));
}

#[test]
fn programs_that_fail_leave_nothing_half_made() {
    let mut own = Own::new("broken");
    let bin = own.0.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let script = |name: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = bin.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    // Whoever runs the server for root has to get here.
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(own.0.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let real = binaries();
    // The version is that of the real one, which takes over in the end.
    script(
        "postgres",
        &format!(
            "[ \"$1\" = --version ] && exec {}/postgres --version; echo 'FATAL:  could not write: No space left on device' >&2; exit 1",
            real.display()
        ),
    );
    script(
        "initdb",
        "for a; do [ \"$d\" = -D ] && mkdir -p \"$a\" && echo half > \"$a/PG_VERSION\"; d=$a; done; echo 'initdb: error: No space left on device' >&2; exit 1",
    );
    own.0.set("CARGO_DB_PG_BIN", bin.to_str().unwrap());
    own.db(&["status"])
        .code(6)
        .says("the local server cannot be made")
        .says("No space left on device");
    assert!(own.status()["major"].is_null(), "a half-made cluster does not count as one");

    script("initdb", &format!("exec {}/initdb \"$@\"", real.display()));
    own.db(&["status"])
        .code(6)
        .says("the local server cannot start")
        .says("No space left on device");
    own.0.set("CARGO_DB_PG_BIN", real.to_str().unwrap());
    own.db(&["migrate"]).ok();
}

#[test]
fn a_port_is_opened_only_when_asked_and_not_without_a_password() {
    let own = Own::new("tcp");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    own.db(&["server", "start", "--port", &port.to_string()]).ok();
    let refused = postgres::Client::connect(
        &format!("host=127.0.0.1 port={port} user=postgres password=x"),
        postgres::NoTls,
    );
    assert!(refused.is_err_and(|error| error.code().is_some()), "it answers, and lets nobody in");
    own.db(&["migrate"]).ok();
    own.db(&["server", "start", "--port", &port.to_string()]).ok().says("already running");
    let there = format!("already running, on port {port}, and not on port 5432");
    own.db(&["server", "start", "--port", "5432"]).code(2).says(&there);
    own.db(&["server", "stop"]).ok();
    own.db(&["server", "start"]).ok();
    let there = "already running, on its socket only, and not on port 5432";
    own.db(&["server", "start", "--port", "5432"]).code(2).says(there);
}

#[test]
fn a_server_that_is_destroyed_leaves_nothing_outside_the_project() {
    let own = Own::new("gone");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    own.db(&["server", "start", "--port", &port.to_string()]).ok();
    let folder = own.folder();
    own.db(&["server", "destroy", "--yes"]).ok().says(&format!(":{port}/gone (development)"));
    assert!(!folder.exists() || folder.starts_with(own.0.path()), "{}", folder.display());
    own.db(&["server", "status"]).ok().says("no local server");
}

#[test]
fn a_long_path_does_not_break_the_socket() {
    let own = Own::new("long");
    let deep = own.0.path().join("d".repeat(90));
    std::fs::create_dir(&deep).unwrap();
    std::fs::rename(own.0.path().join("migrations"), deep.join("migrations")).unwrap();
    std::fs::write(deep.join("db.toml"), "[database]\nname = 'deep'\n").unwrap();
    let run = |arguments: &[&str]| {
        Ran::from(own.0.command(arguments).current_dir(&deep).output().unwrap())
    };
    run(&["migrate"]).ok();
    run(&["server", "destroy", "--yes"]).ok();
}

#[test]
fn no_server_is_made_for_a_folder_that_is_no_project() {
    let project = Project::bare("no_project");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    for verb in ["status", "migrate"] {
        let _ = project.db(&[verb]).code(2).says("is not a project").says("cargo db init");
    }
    // A project that is not in git, and a current folder below its root.
    project.write("pyproject.toml", "");
    std::fs::create_dir(project.path().join("app")).unwrap();
    let here = project.path().join("app");
    let ran: Ran = project.command(&["status"]).current_dir(here).output().unwrap().into();
    let _ = ran.code(2).says("is not a project").says("go to `");
}

/// A deleted project leaves its server behind, and no folder in which `server destroy` finds it.
#[test]
fn servers_of_deleted_projects_are_listed_and_removed() {
    let mut kept = Own::new("kept_project");
    let mut gone = Project::bare("gone_project");
    // Both are of one user, whose state folder records them.
    let state = kept.0.path().join("state").display().to_string();
    kept.0.set("XDG_STATE_HOME", &state);
    gone.set("XDG_STATE_HOME", &state);
    kept.db(&["server", "start"]).ok();
    gone.db(&["server", "start"]).ok();
    let server = gone.db(&["server", "status", "--json"]).ok().json()["server"].clone();
    let pid = i32::try_from(server["pid"].as_i64().unwrap()).unwrap();
    let is_running = || {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::test_kill_process(pid).is_ok()
    };
    let listed = || {
        let json = kept.db(&["server", "list", "--json"]).ok().json();
        let of_server = |server: &serde_json::Value| {
            let path = PathBuf::from(server["project"].as_str().unwrap());
            (path, server["orphaned"].as_bool().unwrap(), server["pid"].is_i64())
        };
        let mut all: Vec<_> = json["servers"].as_array().unwrap().iter().map(of_server).collect();
        all.sort();
        all
    };
    let paths = [kept.0.path(), gone.path()].map(std::path::Path::to_owned);
    let row = |at: usize, orphaned| (paths[at].clone(), orphaned, true);
    let sorted = |mut rows: Vec<(PathBuf, bool, bool)>| {
        rows.sort();
        rows
    };
    assert_eq!(listed(), sorted(vec![row(0, false), row(1, false)]));
    let ran = kept.db(&["server", "reap", "--yes"]).ok();
    ran.says("nothing to do: the project of every known server exists");

    std::fs::remove_dir_all(gone.path()).unwrap();
    assert_eq!(listed(), sorted(vec![row(0, false), row(1, true)]));
    kept.db(&["server", "list"]).ok().says("`cargo db server reap` removes the servers");
    let whose = format!("whose project {} does not exist", gone.path().display());
    kept.db(&["server", "reap"]).code(3).says(&whose);
    assert!(is_running());
    let json = kept.db(&["server", "reap", "--yes", "--json"]).ok().json();
    assert_eq!(json["reaped"], serde_json::json!([server["folder"]]));
    eventually("the server of the deleted project ends", || !is_running());
    assert!(!PathBuf::from(server["folder"].as_str().unwrap()).exists());
    assert_eq!(listed(), [row(0, false)]);
    assert!(kept.status()["pid"].is_i64());
}

/// The server may hold a database that somebody marked.
#[test]
fn a_server_is_destroyed_by_the_rules_of_its_databases() {
    let own = Own::new("srv_marked");
    own.db(&["migrate"]).ok();
    own.db(&["env", "set", "staging", "--yes"]).ok();
    let agent = |arguments: &[&str]| -> Ran {
        own.0.command(arguments).env("CARGO_DB_AGENT", "1").output().unwrap().into()
    };
    let shown = agent(&["server", "destroy", "--dry-run", "--json"]).ok().json();
    assert_eq!(shown["environment"], "staging", "{shown:#}");
    let typed = shown["plan"]["consent"].as_str().unwrap().to_owned();
    let words = shell_words::split(&typed).unwrap();
    let words: Vec<&str> = words.iter().skip(2).map(String::as_str).collect();
    assert!(matches!(agent(&words).code, Some(3 | 4)));
    // Nobody can tell the environments of a server that does not run.
    own.db(&["server", "stop"]).ok();
    agent(&["server", "destroy", "--dry-run"]).code(2).says("cargo db server start");
    assert!(own.folder().exists());
}
