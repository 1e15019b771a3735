//! Completions in the shells themselves.

use std::path::PathBuf;
use std::process::Command;

use rexpect::session::spawn_command;

use crate::support::Project;

/// A project with two migrations and a backup.
fn project(name: &str) -> (Project, String) {
    let project = Project::new(name);
    project.write("migrations/1_users.sql", "CREATE TABLE users (id int);");
    project.write("migrations/2_orders.sql", "CREATE TABLE orders (id int);");
    project.db(&["migrate"]).ok();
    project.db(&["backup"]).ok();
    project.db(&["snapshot", "save", "first"]).ok();
    project.db(&["snapshot", "save", "second"]).ok();
    let backups = project.db(&["backups", "list", "--json"]).ok().json();
    let backup = backups["backups"][0]["name"].as_str().expect("its name").to_owned();
    (project, backup)
}

/// The script for a shell, which calls the program that was built.
fn script(project: &Project, shell: &str) -> PathBuf {
    let script = project.db(&["completions", shell]).ok().stdout;
    project.write("completions", &script);
    project.path().join("completions")
}

/// The command of a shell in the project, with the environment of `cargo db`.
fn shell(project: &Project, program: &str, arguments: &[&str]) -> Command {
    let ours = project.command(&[]);
    let mut command = Command::new(program);
    command.args(arguments).current_dir(project.path()).env_clear();
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn printed(mut command: Command) -> Vec<String> {
    let output = command.output().expect("the shell runs");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// What bash offers for the last of these words.
fn in_bash(project: &Project, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let function = if words[0] == "cargo" { "_cargo_db_of_cargo" } else { "_cargo_db" };
    let text = format!(
        "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; {function} {} '{}'; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script(project, "bash").display(),
        quoted.join(" "),
        words.len() - 1,
        words[0],
        words.last().expect("words"),
    );
    printed(shell(project, "bash", &["--norc", "-c", &text]))
}

#[test]
fn bash_completes_values_from_the_files() {
    let (project, backup) = project("completed_bash");
    for first in [&["cargo", "db"][..], &["cargo-db"]] {
        let offered = |words: &[&str]| in_bash(&project, &[first, words].concat());
        assert_eq!(offered(&["mig"]), ["migrate"]);
        assert_eq!(offered(&["rollback", "--to", ""]), ["1", "2"]);
        assert_eq!(offered(&["restore", ""]), [backup.as_str()]);
        assert_eq!(offered(&["snapshot", "restore", ""]), ["second", "first"]);
        assert_eq!(offered(&["snapshot", "drop", "s"]), ["second"]);
        assert_eq!(offered(&["status", "--env", "st"]), ["staging"]);
        assert!(offered(&["backups", "verify", "--"]).contains(&"--latest".to_owned()));
    }
}

#[test]
fn bash_keeps_what_completed_cargo_before() {
    let (project, _) = project("completed_before");
    let text = format!(
        "before() {{ COMPREPLY=(build bench); }}; complete -F before cargo; source '{}'; \
         COMP_WORDS=(cargo b); COMP_CWORD=1; _cargo_db_of_cargo cargo b cargo; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script(&project, "bash").display()
    );
    let offered = printed(shell(&project, "bash", &["--norc", "-c", &text]));
    assert_eq!(offered, ["build", "bench"]);
}

#[test]
fn fish_completes_with_the_names_of_migrations() {
    let (project, backup) = project("completed_fish");
    let offered = |line: &str| {
        let text = format!("source '{}'; complete -C '{line}'", script(&project, "fish").display());
        printed(shell(&project, "fish", &["--no-config", "-c", &text]))
    };
    for first in ["cargo db", "cargo-db"] {
        assert_eq!(offered(&format!("{first} migrate --to ")), ["1\tusers", "2\torders"]);
        assert_eq!(offered(&format!("{first} restore ")), std::slice::from_ref(&backup));
    }
    assert!(offered("cargo ").iter().all(|word| word != "migrate"));
}

#[test]
fn zsh_completes_in_a_terminal() {
    let (project, backup) = project("completed_zsh");
    let script = script(&project, "zsh");
    let mut command = shell(&project, "zsh", &["-f", "-i"]);
    command.env("TERM", "xterm").env("PS1", "ready> ");
    let mut session = spawn_command(command, Some(20_000)).expect("a terminal");
    session.exp_string("ready> ").expect("a prompt");
    session
        .send_line("autoload -U compinit; compinit -u -D; zstyle ':completion:*' menu no")
        .unwrap();
    session.send_line(&format!("source '{}'; echo re''ad", script.display())).unwrap();
    session.exp_string("read\r\n").expect("the script is read");
    for first in ["cargo db", "cargo-db"] {
        session.send(&format!("{first} restore \t")).unwrap();
        session.flush().unwrap();
        session.exp_string(&format!("restore {backup}")).expect("the backup");
        session.send("\u{15}").unwrap();
    }
}

/// Whatever is wrong, nothing is printed into the line that is being typed.
#[test]
fn nothing_is_printed_about_a_project_that_cannot_be_read() {
    let (project, _) = project("completed_broken");
    project.write("db.toml", "this is no TOML");
    let line = ["cargo-db", "rollback", "--to", ""];
    assert_eq!(in_bash(&project, &line), [""]);
    let command = project.command(&[&["__complete", "3"], &line[..]].concat());
    assert_eq!(printed(command), Vec::<String>::new());
}

/// A server that answers nothing does not delay a completion.
#[test]
fn no_database_is_contacted() {
    let (mut project, _) = project("completed_away");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    project.set("DATABASE_URL", &format!("postgresql://somebody@127.0.0.1:{port}/away"));
    assert_eq!(in_bash(&project, &["cargo-db", "rollback", "--to", ""]), ["1", "2"]);
    silent.set_nonblocking(true).expect("no waiting");
    assert!(silent.accept().is_err(), "a connection was made");
}

#[test]
fn every_command_has_a_manual_page() {
    let project = Project::new("manual");
    project.db(&["help", "--man", "pages"]).ok().says("cargo-db-backups-verify.1");
    let page = std::fs::read_to_string(project.path().join("pages/cargo-db-migrate.1")).unwrap();
    for part in [".TH cargo-db-migrate 1", ".SH NAME", "dry\\-run", "changes the schema"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let written = std::fs::read_dir(project.path().join("pages")).unwrap().count();
    let commands =
        project.db(&["help", "--json"]).ok().json()["commands"].as_array().unwrap().len();
    assert!(written > commands, "{written} pages, {commands} commands");
    // A second run writes the same pages again.
    project.db(&["help", "--man", "pages"]).ok();
}
