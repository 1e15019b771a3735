//! Trust: an installed program runs what a repository names only after a person's confirmation.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rexpect::session::spawn_command;

use crate::support::{Project, Ran, binaries, cluster};

/// A project whose `db.toml` names a program for everything, which leaves a trace.
struct Cloned(Project);

impl Cloned {
    fn new(name: &str) -> Cloned {
        let project = Project::new(name);
        let tool = project.write(
            "tool",
            &format!(
                "#!/bin/sh\necho \"$1\" >> {}\necho '1_a pending'\n",
                project.path().join("trace").display()
            ),
        );
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
        let cloned = Cloned(project);
        cloned.names("./tool");
        cloned
    }

    /// Lets `db.toml` name this program.
    fn names(&self, tool: &str) {
        let keys = ["status", "apply", "rollback", "create", "generate"];
        let keys: String = keys.map(|key| format!("{key} = ['{tool}', '{key}']\n")).concat();
        let toml = format!("[migrations]\n{keys}[seeds]\ncommand = '{tool} seed'\n");
        self.0.write("db.toml", &toml);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.env_remove("CARGO_DB_TRUST");
        command
    }

    fn db(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// What ran since the last time.
    fn trace(&self) -> Vec<String> {
        let trace = self.0.path().join("trace");
        let text = std::fs::read_to_string(&trace).unwrap_or_default();
        let _ = std::fs::remove_file(trace);
        text.lines().map(str::to_owned).collect()
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap()
    }

    /// Types on a terminal; gives the exit code.
    fn types(&self, arguments: &[&str], answer: &str) -> i32 {
        self.types_in(self.command(arguments), answer)
    }

    fn types_in(&self, mut command: Command, answer: &str) -> i32 {
        command.env("TERM", "xterm").stdin(Stdio::inherit());
        let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
        if !answer.is_empty() {
            session.exp_string("Trust all of this?").expect("a question");
            session.send_line(answer).unwrap();
        }
        let _ = session.exp_eof();
        let status = format!("{:?}", session.process().wait().expect("it ends"));
        let code = status.trim_end_matches(')').rsplit(' ').next();
        code.and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{status}"))
    }
}

/// Verbs that would run a program of the repository's.
const RUNNING: [&[&str]; 6] = [
    &["status"],
    &["migrate", "--yes"],
    &["rollback", "--yes"],
    &["create", "x"],
    &["generate", "x"],
    &["seed"],
];

#[test]
fn nothing_of_a_cloned_repository_runs_before_it_is_trusted() {
    let cloned = Cloned::new("trust_clone");
    for arguments in RUNNING {
        cloned
            .db(arguments)
            .code(3)
            .says("configures programs that are not trusted")
            .says("migrations.status: ./tool status")
            .says("seeds.command: ./tool seed")
            .says("cargo db trust");
    }
    cloned.db(&["reset", "--force"]).code(3);
    let failed = cloned.db(&["status", "--json"]).code(3).json();
    assert_eq!(failed["error"]["code"], "TRUST.MISSING");
    // Neither a variable nor a flag nor a file of the repository replaces it.
    cloned.0.write(".env", &format!("CARGO_DB_TRUST={}\n", cloned.root().display()));
    for (name, value) in [
        ("CARGO_DB_TRUST", "1"),
        ("CARGO_DB_TRUST", "/"),
        ("CARGO_DB_TRUST", "."),
        ("CARGO_MANIFEST_DIR", cloned.0.path().to_str().unwrap()),
        ("CARGO", "/usr/bin/cargo"),
    ] {
        let mut command = cloned.command(&["status", "--yes"]);
        Ran::from(command.env(name, value).output().unwrap()).code(3);
    }
    assert_eq!(cloned.trace(), Vec::<String>::new());
    // What runs no program of it needs no trust.
    for arguments in [&["policy"][..], &["backups", "list"], &["env", "show"], &["trust"]] {
        let ran = cloned.db(arguments);
        assert_ne!(ran.code, Some(if arguments[0] == "trust" { 0 } else { 3 }), "{ran}");
    }
    let mut ci = cloned.command(&["status"]);
    Ran::from(ci.env("CARGO_DB_TRUST", cloned.root()).output().unwrap()).ok();
    let listed = format!("/nowhere:{}", cloned.root().display());
    let mut ci = cloned.command(&["status"]);
    Ran::from(ci.env("CARGO_DB_TRUST", listed).output().unwrap()).ok();
    assert_eq!(cloned.trace().first().map(String::as_str), Some("status"));
}

#[test]
fn trust_is_given_at_a_terminal_and_holds_for_these_commands_in_this_place() {
    let cloned = Cloned::new("trust_given");
    cloned.db(&["trust"]).code(3).says("at a terminal");
    cloned.db(&["trust", "--yes"]).code(3);
    cloned.db(&["trust", "--dry-run"]).ok().says("seeds.command: ./tool seed");
    assert_eq!(cloned.types(&["trust"], "n"), 3);
    assert_eq!(cloned.types(&["trust"], "y"), 0);
    assert!(cloned.trace().is_empty(), "to trust is to run nothing");
    cloned.db(&["trust"]).ok().says("its commands may run: they are trusted");
    cloned.db(&["status"]).ok();
    cloned.db(&["seed"]).ok();
    assert!(cloned.trace().contains(&"seed".to_owned()));
    // The record is the user's alone.
    let folder = cloned.0.path().join(".local/state/cargo-db/trust");
    let record = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&record), mode(&folder)), (0o600, 0o700));
    let list = cloned.db(&["trust", "--list", "--json"]).ok().json();
    assert_eq!(list["trusted"][0]["root"], cloned.root().to_str().unwrap());
    assert_eq!(list["trusted"].as_array().unwrap().len(), 1);

    // Other commands are other programs; the first ones are still those that were trusted.
    cloned.names("./tool2");
    cloned.db(&["status"]).code(3).says("the programs have changed since they were trusted");
    cloned.names("./tool");
    cloned.db(&["status"]).ok();
    // Another place is another repository.
    let copy = cloned.0.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for file in ["db.toml", "tool"] {
        std::fs::copy(cloned.0.path().join(file), copy.join(file)).unwrap();
    }
    let mut elsewhere = cloned.command(&["status"]);
    Ran::from(elsewhere.current_dir(&copy).output().unwrap()).code(3);
    // A record that others can write does not count.
    std::fs::set_permissions(&record, std::fs::Permissions::from_mode(0o660)).unwrap();
    cloned.db(&["status"]).code(7).says("only you can read and write");
    std::fs::set_permissions(&record, std::fs::Permissions::from_mode(0o600)).unwrap();

    cloned.db(&["trust", "--revoke"]).ok().says("is no longer trusted");
    cloned.db(&["trust", "--revoke"]).ok().says("was not trusted");
    cloned.db(&["status"]).code(3);
    cloned.db(&["trust", "--list"]).ok().says("no repository is trusted");
    // Where the state folder is.
    let state = cloned.0.path().join("state");
    let mut command = cloned.command(&["trust"]);
    command.env("XDG_STATE_HOME", &state);
    assert_eq!(cloned.types_in(command, "yes"), 0);
    assert!(state.join("cargo-db/trust").is_dir());
    let mut command = cloned.command(&["trust", "--revoke", cloned.0.path().to_str().unwrap()]);
    Ran::from(command.env("XDG_STATE_HOME", &state).current_dir("/").output().unwrap())
        .ok()
        .says("is no longer trusted");
}

#[test]
fn an_agent_cannot_grant_trust() {
    let cloned = Cloned::new("trust_agent");
    for disguise in [("CARGO_DB_AGENT", "0"), ("CARGO_DB_ENV", "test")] {
        let mut command = cloned.command(&["trust", "--yes"]);
        command.env("CLAUDECODE", "1").env(disguise.0, disguise.1);
        assert_eq!(cloned.types_in(command, ""), 4);
    }
    let mut command = cloned.command(&["trust", "--json"]);
    let failed = Ran::from(command.env("AI_AGENT", "x").output().unwrap()).code(4).json();
    assert_eq!(failed["error"]["code"], "TRUST.BY_AGENT");
    cloned.db(&["status"]).code(3);
}

#[test]
fn trust_in_production_is_consent_to_these_commands() {
    let cloned = Cloned::new("trust_prod");
    let typed = |more: &[&str], answer: &str| {
        let mut command = cloned.command(&[&["trust"], more].concat());
        command.env("CARGO_DB_ENV", "production");
        cloned.types_in(command, answer)
    };
    let shown = cloned.db(&["trust", "--dry-run", "--json"]).ok().json();
    let id = shown["id"].as_str().unwrap();
    assert_eq!(typed(&[], ""), 3);
    assert_eq!(typed(&["--confirm", "trust_prod"], ""), 3);
    assert_eq!(typed(&["--confirm", "trust_prod", "--plan", "123456789abc"], ""), 3);
    assert_eq!(typed(&["--confirm", "trust_prod", "--plan", id], "y"), 0);
    cloned.db(&["status"]).ok();
}

#[test]
fn the_output_of_a_command_is_escaped() {
    let project = Project::bare("trust_screen");
    project.write("db.toml", "[seeds]\ncommand = \"sh -c 'evil\\u001b[2K\\r\\n'\"\n");
    let ran = project.db(&["trust", "--dry-run"]).ok();
    assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\r'), "{ran}");
    assert!(ran.stdout.contains("\\u{1b}[2K\\r\\n"), "{ran}");
}

#[test]
fn programs_of_postgresql_that_a_repository_brings_are_its_programs() {
    let mut project = Project::new("trust_bin");
    let trace = project.path().join("trace");
    let script = |name: &str| {
        let text = format!(
            "#!/bin/sh\necho {name} >> {}\nexec {}/{name} \"$@\"\n",
            trace.display(),
            binaries().display()
        );
        let path = project.write(&format!("bin/{name}"), &text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    ["postgres", "initdb", "pg_dump", "pg_restore"].into_iter().for_each(script);
    project.run_sql("CREATE TABLE a AS SELECT 1 AS id");
    for (file, text) in [("db.toml", "[server]\nbin = 'bin'\n"), (".env", "CARGO_DB_PG_BIN=bin\n")]
    {
        project.write("db.toml", "");
        project.write(file, text);
        let mut command = project.command(&["backup"]);
        command.env_remove("CARGO_DB_TRUST").env_remove("CARGO_DB_PG_BIN");
        Ran::from(command.output().unwrap()).code(3).says("bin").says("cargo db trust");
        assert!(!trace.exists(), "{file}");
    }
    project.set("CARGO_DB_PG_BIN", "");
    project.db(&["backup", "-o", "b.sql"]).ok();
    assert!(trace.exists());
}

/// A private server whose folder is removed with it.
struct Server(Project);

impl Server {
    fn status(&self) -> serde_json::Value {
        self.0.db(&["server", "status", "--json"]).ok().json()["server"].clone()
    }

    fn folder(&self) -> PathBuf {
        PathBuf::from(self.status()["folder"].as_str().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let folder = self.folder();
        drop(self.0.db(&["server", "destroy", "--yes"]));
        let _ = std::fs::remove_dir_all(folder);
    }
}

#[test]
fn a_private_server_that_was_not_made_here_is_not_started() {
    let server = Server(Project::bare("trust_server"));
    server.0.db(&["server", "start"]).ok();
    server.0.db(&["server", "stop"]).ok();
    server.0.db(&["server", "start"]).ok().says("started");
    server.0.db(&["server", "stop"]).ok();
    // Somebody replaces the cluster, as an archive would, with settings that run a program.
    let trace = server.folder().join("it-ran");
    let data = server.folder().join(format!("pg{}", server.status()["major"]));
    let planted = server.folder().join("planted");
    let copied = Command::new("cp").arg("-a").arg(&data).arg(&planted).status().unwrap();
    assert!(copied.success());
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&planted, &data).unwrap();
    let id = data.join("cargo-db.id");
    let own = std::fs::read_to_string(&id).unwrap();
    for other in ["", "../../x", &"f".repeat(32), &"f".repeat(4000)] {
        std::fs::write(&id, other).unwrap();
        for arguments in [&["server", "start"][..], &["status"], &["migrate", "--yes"]] {
            let refused = server.0.db(arguments).code(4).says("was not created here by you");
            refused.says("cargo db trust");
        }
    }
    std::fs::remove_file(&id).unwrap();
    let fifo = Command::new("mkfifo").arg(&id).status().unwrap();
    assert!(fifo.success());
    server.0.db(&["server", "start"]).code(4);
    std::fs::remove_file(&id).unwrap();
    std::fs::write(
        data.join("postgresql.auto.conf"),
        format!("archive_mode = on\narchive_command = 'touch {}'\n", trace.display()),
    )
    .unwrap();
    server.0.db(&["server", "start"]).code(4);
    assert!(!trace.exists());
    std::fs::write(data.join("postgresql.auto.conf"), "").unwrap();
    // Another machine, or another user, knows nothing of a number that was right here.
    std::fs::write(&id, &own).unwrap();
    let mut other = server.0.command(&["server", "start"]);
    other.env("XDG_STATE_HOME", server.0.path().join("another"));
    Ran::from(other.output().unwrap()).code(4);
    server.0.db(&["server", "start"]).ok();
    server.0.db(&["server", "stop"]).ok();
    std::fs::remove_file(&id).unwrap();
    // A person says that it is one's own.
    let cloned = Cloned(Project::bare("unused"));
    let mut trust = server.0.command(&["trust"]);
    trust.env_remove("CARGO_DB_TRUST");
    assert_eq!(cloned.types_in(trust, "y"), 0);
    server.0.db(&["server", "start"]).ok().says("started");
    // Whoever wants none of it is rid of it without starting it.
    server.0.db(&["server", "stop"]).ok();
    std::fs::remove_file(&id).unwrap();
    server.0.db(&["server", "destroy", "--yes"]).ok();
    server.0.db(&["server", "start"]).ok();
    assert!(!cluster().folder.starts_with(server.folder()));
}
