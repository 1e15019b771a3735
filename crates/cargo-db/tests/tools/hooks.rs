//! The real pre-commit and lefthook, with the hooks of cargo db.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, Ran, repository};

const EDITED: &str = "CREATE TABLE a (id bigint);\n";
const AS_APPLIED: &str = "CREATE TABLE a (id int);\n";

/// A repository with an installed `cargo-db`, one migration on `main`, and a remote.
fn pushed(name: &str) -> Project {
    let project = Project::bare(name);
    std::fs::create_dir(project.path().join("bin")).unwrap();
    let program = env!("CARGO_BIN_EXE_cargo-db");
    std::os::unix::fs::symlink(program, project.path().join("bin/cargo-db")).unwrap();
    project.write(".gitignore", "/bin\n/remote.git\n/.cache\n/shared\n/.config\n");
    project.migration("1_a.sql", AS_APPLIED);
    run(&project, &["git", "init", "-q", "--initial-branch", "main"]).ok();
    run(&project, &["git", "init", "-q", "--bare", "--initial-branch", "main", "remote.git"]).ok();
    run(&project, &["git", "remote", "add", "origin", "./remote.git"]).ok();
    commit(&project, &[]).ok();
    run(&project, &["git", "push", "-q", "-u", "origin", "main"]).ok();
    project
}

fn commit(project: &Project, flags: &[&str]) -> Ran {
    run(project, &["git", "add", "--all"]).ok();
    run(project, &[&["git", "commit", "-q", "-m", "x"], flags].concat())
}

fn run(project: &Project, words: &[&str]) -> Ran {
    let here = project.path();
    let python = repository().join("target/tools/python/bin");
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let path = [here.join("bin"), python].into_iter().chain(std::env::split_paths(&inherited));
    let mut command = Command::new("env");
    command
        .args(words)
        .current_dir(here)
        .env_clear()
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("HOME", here)
        .env("CARGO_DB_TRUST", here)
        .env("LC_ALL", "C.UTF-8");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "T").env(format!("GIT_{who}_EMAIL"), "t@e");
    }
    command.output().unwrap().into()
}

/// An edited migration cannot be committed, and a committed DROP TABLE cannot be pushed, whatever
/// the working tree has.
fn is_guarded(project: &Project) {
    commit(project, &[]).ok();
    run(project, &["git", "push", "-q"]).ok();
    project.migration("1_a.sql", EDITED);
    commit(project, &[]).code(1).says("edited-migration");
    project.migration("1_a.sql", AS_APPLIED);
    project.migration("2_b.sql", "DROP TABLE a;\n");
    commit(project, &["--no-verify"]).ok();
    project.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    run(project, &["git", "push", "-q"]).code(1).says("ban-drop-table");
    run(project, &["git", "push", "-q", "origin", "HEAD:refs/heads/new"]).code(1);
    commit(project, &["--amend"]).ok();
    run(project, &["git", "push", "-q"]).ok();
}

#[test]
fn pre_commit_runs_the_hooks_of_its_manifest() {
    let project = pushed("t_pre_commit");
    let shared = project.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    let manifest = ".pre-commit-hooks.yaml";
    std::fs::copy(repository().join(manifest), shared.join(manifest)).unwrap();
    let git = |arguments: &[&str]| {
        run(&project, &[&["git", "-C", "shared"], arguments].concat()).ok().stdout
    };
    git(&["init", "-q"]);
    git(&["add", "--all"]);
    git(&["commit", "-q", "-m", "hooks"]);
    let revision = git(&["rev-parse", "HEAD"]);
    let config = format!(
        "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n      - id: cargo-db-check\n      \
         - id: cargo-db-push\n",
        shared.display(),
        revision.trim()
    );
    project.write(".pre-commit-config.yaml", &config);
    let install = ["pre-commit", "install", "-t", "pre-commit", "-t", "pre-push"];
    run(&project, &install).ok();
    is_guarded(&project);
    // Both keep their lines apart from each other.
    let install = project.db(&["hooks", "install", "--json"]).code(1).json();
    assert_eq!(install["hooks"][0]["state"], "other", "{install:#}");
}

#[test]
fn lefthook_runs_the_lines_that_it_is_given() {
    let project = pushed("t_lefthook");
    project.write("lefthook.yml", "\n");
    let told = project.db(&["hooks", "install", "--json"]).code(1).json();
    project.write("lefthook.yml", told["lines"].as_str().unwrap());
    let lefthook = |arguments: &[&str]| run(&project, &[&["lefthook"], arguments].concat());
    lefthook(&["validate"]).ok();
    lefthook(&["install"]).ok();
    assert!(Path::new(&project.path().join(".git/hooks/pre-push")).exists());
    project.db(&["hooks", "status"]).ok().says("installed");
    is_guarded(&project);
}
