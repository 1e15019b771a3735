//! `hooks`, in real repositories of git.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Project, Ran, cluster, eventually};

/// A repository in a project's folder, with one migration on `main`.
struct Repository {
    project: Project,
    /// The top of the working tree.
    top: PathBuf,
    /// The project in it.
    folder: PathBuf,
    /// A folder with a `cargo-db`, if one is installed.
    bin: Option<PathBuf>,
}

const ALL: [&str; 4] = ["pre-commit", "pre-push", "post-checkout", "post-merge"];

impl Repository {
    fn new(name: &str) -> Repository {
        Repository::at(name, "repository", "")
    }

    /// The same at a path, with the project in a folder of it.
    fn at(name: &str, top: &str, folder: &str) -> Repository {
        let project = Project::bare(name);
        let top = project.path().join(top);
        let repository = Repository { folder: top.join(folder), top, project, bin: None };
        std::fs::create_dir_all(&repository.folder).unwrap();
        repository.git(&["init", "--quiet", "--initial-branch", "main"]).ok();
        repository.write("db.toml", &format!("[database]\nname = \"{name}\"\n"));
        repository.write(".gitignore", ".env\n.db\n");
        repository.migration("1_a.sql", "CREATE TABLE a (id int);\n");
        repository.commit("first").ok();
        repository
    }

    fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("migrations/{name}"), sql);
    }

    /// An executable hook with these lines.
    fn hook(&self, path: &str, script: &str) -> PathBuf {
        let path = self.top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn commit(&self, message: &str) -> Ran {
        self.git(&["add", "--all"]).ok();
        self.git(&["commit", "--quiet", "--message", message])
    }

    /// Runs git, whose hooks find no other `cargo-db` than ours.
    fn git(&self, arguments: &[&str]) -> Ran {
        self.git_in(&self.top, arguments)
    }

    fn git_in(&self, folder: &Path, arguments: &[&str]) -> Ran {
        let mut git = Command::new("git");
        git.args(arguments);
        self.run(git, folder)
    }

    fn run(&self, mut command: Command, folder: &Path) -> Ran {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others =
            std::env::split_paths(&path).filter(|folder| !folder.join("cargo-db").exists());
        let path = std::env::join_paths(self.bin.iter().cloned().chain(others)).unwrap();
        command
            .current_dir(folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.project.path())
            .env("CARGO_DB_TRUST", &self.folder)
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "T").env(format!("GIT_{who}_EMAIL"), "t@e");
        }
        command.output().unwrap().into()
    }

    fn db(&self, arguments: &[&str]) -> Ran {
        self.run(self.command(arguments), &self.folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-db"));
        command.args(arguments);
        command
    }

    /// The state of each hook.
    fn states(&self, arguments: &[&str]) -> Vec<String> {
        let json = self.db(&[&["hooks"], arguments, &["--json"]].concat()).json();
        let hooks = json["hooks"].as_array().unwrap().iter();
        hooks.map(|hook| hook["state"].as_str().unwrap().to_owned()).collect()
    }

    /// A second repository to push to, with what there is now.
    fn with_remote(self) -> Repository {
        let remote = self.project.path().join("remote.git").display().to_string();
        self.git(&["init", "--quiet", "--bare", "--initial-branch", "main", &remote]).ok();
        self.git(&["remote", "add", "origin", &remote]).ok();
        self.git(&["push", "--quiet", "--no-verify", "--set-upstream", "origin", "main"]).ok();
        self
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_commit_that_edits_an_applied_migration_is_stopped() {
    let repository = Repository::new("h_commit");
    let installed = repository.db(&["hooks", "install"]).ok();
    for hook in ALL {
        assert!(installed.stdout.contains(&format!("{hook:<14} installed now")), "{installed}");
    }
    repository.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    repository.commit("edited").code(1).says("edited-migration");
    repository.git(&["commit", "--quiet", "--all", "--message", "x"]).code(1);
    repository.git(&["commit", "--quiet", "--no-verify", "--message", "x"]).ok();
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]).ok();
    // A warning stops nobody, and a commit without a migration is silent.
    repository.write("README.md", "x\n");
    let silent = repository.commit("no migration").ok();
    assert_eq!(silent.stdout + &silent.stderr, "");
    repository.migration("2_b.sql", "CREATE INDEX ON a (id);\n");
    repository.commit("an index").ok().says("require-concurrent-index-creation");
}

#[test]
fn a_commit_that_deletes_a_shared_migration_is_stopped() {
    let repository = Repository::new("h_delete").with_remote();
    repository.db(&["hooks", "install"]).ok();
    let file = repository.top.join("migrations/1_a.sql");
    std::fs::remove_file(&file).unwrap();
    repository.commit("deleted").code(1).says("deleted-migration").says("migrations/1_a.sql");
    repository.git(&["reset", "--quiet", "--hard"]).ok();
    // Under another version, it would run again.
    repository.git(&["mv", "migrations/1_a.sql", "migrations/3_a.sql"]).ok();
    repository.commit("renumbered").code(1).says("deleted-migration");
    repository.git(&["commit", "--quiet", "--no-verify", "--message", "x"]).ok();
    repository.git(&["push", "--quiet"]).code(1).says("deleted-migration");
    repository.db(&["check", "--base", "origin/main"]).code(1).says("deleted-migration");
    repository.git(&["reset", "--quiet", "--hard", "origin/main"]).ok();
    // What was not shared yet may go.
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    repository.commit("b").ok();
    std::fs::remove_file(repository.top.join("migrations/2_b.sql")).unwrap();
    repository.commit("no b").ok();
}

#[test]
fn a_push_of_what_the_working_tree_hides_is_stopped() {
    let repository = Repository::new("h_push").with_remote();
    repository.db(&["hooks", "install"]).ok();
    repository.migration("2_b.sql", "DROP TABLE a;\n");
    repository.git(&["add", "--all"]).ok();
    repository.git(&["commit", "--quiet", "--no-verify", "--message", "drop"]).ok();
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    repository.git(&["push", "--quiet"]).code(1).says("ban-drop-table");
    repository.git(&["push", "--quiet", "origin", "HEAD:refs/heads/other"]).code(1);
    let there = repository.git(&["ls-remote", "--heads", "origin"]).ok();
    assert_eq!(there.stdout.lines().count(), 1, "{there}");
    repository.git(&["commit", "--quiet", "--all", "--amend", "--message", "table"]).ok();
    repository.git(&["push", "--quiet", "origin", "HEAD:refs/heads/other"]).ok();
    repository.git(&["push", "--quiet", "origin", "--delete", "other"]).ok();
    repository.git(&["push", "--quiet"]).ok();
}

#[test]
fn another_hook_is_kept_and_runs_too_if_that_is_wanted() {
    let repository = Repository::new("h_other").with_remote();
    let pushed = "#!/bin/sh\nset -eu\ncat >pushed\nexit 0\n";
    let hook = repository.hook(".git/hooks/pre-push", pushed);
    let python = "#!/usr/bin/env python3\nprint('python')\n";
    let other = repository.hook(".git/hooks/post-merge", python);
    repository.write(".gitignore", "pushed\n.db\n");
    repository.commit("ignore").ok();
    let kept = repository.db(&["hooks", "install"]).code(1).says("--append");
    let kept = kept.says("add this command to it: `cargo db hooks notice");
    assert!(kept.stdout.contains("pre-push       another hook, without cargo db"), "{kept}");
    assert_eq!((text(&hook), text(&other)), (pushed.to_owned(), python.to_owned()));

    let states = ["installed", "installed", "installed", "other"];
    assert_eq!(repository.states(&["install", "--append"]), states);
    assert_eq!(text(&other), python, "no lines for a shell");
    // The other hook still reads what git writes.
    let local = repository.git(&["rev-parse", "HEAD"]).ok().stdout;
    repository.git(&["push", "--quiet"]).ok();
    let line = format!("refs/heads/main {} refs/heads/main ", local.trim());
    assert!(text(&repository.top.join("pushed")).starts_with(&line));
    repository.migration("2_b.sql", "DROP TABLE a;\n");
    repository.git(&["add", "--all"]).ok();
    repository.git(&["commit", "--quiet", "--no-verify", "--message", "drop"]).ok();
    repository.git(&["push", "--quiet"]).code(1).says("ban-drop-table");

    assert_eq!(repository.states(&["uninstall"]), ["absent", "other", "absent", "other"]);
    assert_eq!(text(&hook), pushed);
    assert_eq!(hook.metadata().unwrap().permissions().mode() & 0o777, 0o755);
}

#[test]
fn nothing_is_installed_where_a_hook_cannot_be_read() {
    let repository = Repository::new("h_unread");
    let hooks = repository.top.join(".git/hooks");
    std::fs::create_dir_all(hooks.join("pre-push")).unwrap();
    let before = names(&hooks);
    let failed = repository.db(&["hooks", "install", "--append"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    failed.says("hooks/pre-push");
    assert_eq!(names(&hooks), before);
}

#[test]
fn installing_and_removing_twice_is_the_same_as_once() {
    let repository = Repository::new("h_twice");
    let hooks = repository.top.join(".git/hooks");
    let before = names(&hooks);
    assert_eq!(repository.states(&["status"]), ["absent"; 4]);
    repository.db(&["hooks", "install"]).ok();
    let once: Vec<String> = ALL.iter().map(|hook| text(&hooks.join(hook))).collect();
    let again = repository.db(&["hooks", "install"]).ok();
    assert!(!again.stdout.contains("now"), "{again}");
    let twice: Vec<String> = ALL.iter().map(|hook| text(&hooks.join(hook))).collect();
    assert_eq!(once, twice);
    assert_eq!(repository.states(&["status"]), ["installed"; 4]);
    // Lines that an older version wrote are replaced.
    repository.hook(".git/hooks/pre-commit", &once[0].replace("check --staged", "check"));
    assert_eq!(repository.states(&["status"])[0], "outdated");
    repository.db(&["hooks", "install"]).ok();
    assert_eq!(text(&hooks.join("pre-commit")), once[0]);
    let off = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(hooks.join("pre-push"), off).unwrap();
    assert_eq!(repository.states(&["status"])[1], "disabled");
    for _ in 0..2 {
        repository.db(&["hooks", "uninstall"]).ok();
        assert_eq!(names(&hooks), before);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_hooks_are_where_git_looks_for_them() {
    let repository = Repository::new("h_path");
    repository.git(&["config", "core.hooksPath", "tools/hooks"]).ok();
    // What is committed does not name a program of this machine.
    repository.db(&["hooks", "install"]).ok().says("Hooks in tools/hooks");
    let script = text(&repository.top.join("tools/hooks/pre-commit"));
    assert!(!script.contains(env!("CARGO_BIN_EXE_cargo-db")), "{script}");
    assert!(!repository.top.join(".git/hooks/pre-commit").exists());
    repository.db(&["hooks", "uninstall"]).ok();
    assert_eq!(names(&repository.top.join("tools/hooks")), Vec::<String>::new());

    let outside = repository.project.path().join("all hooks");
    std::fs::create_dir(&outside).unwrap();
    repository.git(&["config", "core.hooksPath", outside.to_str().unwrap()]).ok();
    let refused = repository.db(&["hooks", "install", "--json"]).code(2);
    refused.says("HOOKS.OUTSIDE").says("core.hooksPath");
    assert_eq!(names(&outside), Vec::<String>::new());
    let none = repository.project.db(&["hooks", "install", "--json"]).code(2);
    none.says("HOOKS.NO_REPOSITORY");
}

/// Husky 9 has git run `.husky/_`, whose scripts run those in `.husky`.
#[test]
fn hooks_of_husky_are_in_its_folder() {
    let mut repository = Repository::new("h_husky");
    let bin = repository.project.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let program = env!("CARGO_BIN_EXE_cargo-db");
    std::os::unix::fs::symlink(program, bin.join("cargo-db")).unwrap();
    repository.bin = Some(bin);
    repository.write(".husky/pre-commit", "echo tested\n");
    assert_eq!(repository.states(&["status"]), ["other", "absent", "absent", "absent"]);
    repository.db(&["hooks", "status"]).ok().says("husky is not set up");
    repository.git(&["config", "core.hooksPath", ".husky/_"]).ok();
    let run = "#!/bin/sh\nsh -e \"$(dirname \"$(dirname \"$0\")\")/$(basename \"$0\")\" \"$@\"\n";
    for hook in ALL {
        repository.hook(&format!(".husky/_/{hook}"), run);
    }
    repository.db(&["hooks", "install"]).code(1);
    assert_eq!(repository.states(&["install", "--append"]), ["installed"; 4]);
    repository.commit("husky").ok().says("tested");
    repository.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    repository.commit("edited").code(1).says("edited-migration");
    repository.db(&["hooks", "uninstall"]).ok();
    assert_eq!(text(&repository.top.join(".husky/pre-commit")), "echo tested\n");
    assert_eq!(names(&repository.top.join(".husky")), ["_", "pre-commit"]);
}

#[test]
fn lefthook_is_told_and_its_files_are_left_alone() {
    let repository = Repository::new("h_lefthook");
    let config = repository.write("lefthook.yml", "pre-commit:\n  jobs: []\n");
    let lines = repository.db(&["hooks", "install", "--json"]).code(1).json();
    assert_eq!(lines["manager"], "lefthook");
    let lines = lines["lines"].as_str().unwrap().to_owned();
    assert!(lines.contains("      run: cargo-db db check --pushed {1} --fail-on block"), "{lines}");
    assert!(lines.contains("      use_stdin: true\n"), "{lines}");
    assert_eq!(text(&config), "pre-commit:\n  jobs: []\n");
    assert!(!repository.top.join(".git/hooks/pre-commit").exists());
    repository.write("lefthook.yml", &lines);
    assert_eq!(repository.states(&["install"]), ["installed"; 4]);
    repository.db(&["hooks", "install"]).ok();
}

#[test]
fn paths_with_spaces_and_quotes_and_linked_worktrees_work() {
    let repository = Repository::at("h_quote", "it's a \"tree\"", "the 'shop' $HOME").with_remote();
    repository.db(&["hooks", "install"]).ok();
    let linked = repository.project.path().join("a linked tree's");
    let at = linked.to_str().unwrap();
    repository.git(&["worktree", "add", "--quiet", "-b", "work", at]).ok();
    // There, the same hooks are shown, and run for the files there.
    let folder = linked.join("the 'shop' $HOME");
    let status = repository.run(repository.command(&["hooks", "status"]), &folder).ok();
    assert_eq!(status.stdout.matches("installed").count(), 4, "{status}");
    let edit = |top: &Path, sql: &str| {
        std::fs::write(top.join("the 'shop' $HOME/migrations/1_a.sql"), sql).unwrap();
    };
    for top in [&repository.top, &linked] {
        edit(top, "CREATE TABLE a (id bigint);\n");
        let all = ["commit", "--quiet", "--all", "--message", "edited"];
        repository.git_in(top, &all).code(1).says("edited-migration");
        edit(top, "CREATE TABLE a (id int);\n");
        std::fs::write(top.join("other"), "x\n").unwrap();
        repository.git_in(top, &["add", "--all"]).ok();
        repository.git_in(top, &["commit", "--quiet", "--message", "other"]).ok();
    }
    edit(&linked, "DROP TABLE a;\n");
    let past = ["commit", "--quiet", "--no-verify", "--all", "--message", "drop"];
    repository.git_in(&linked, &past).ok();
    let push = ["push", "--quiet", "origin", "work"];
    repository.git_in(&linked, &push).code(1).says("edited-migration");
}

/// A commit is checked again when it is pushed; a push that nothing checks does not pass.
#[test]
fn without_a_program_a_commit_passes_and_a_push_does_not() {
    let repository = Repository::new("h_missing").with_remote();
    repository.db(&["hooks", "install"]).ok();
    for hook in ALL {
        let path = repository.top.join(".git/hooks").join(hook);
        let script = text(&path).replace(env!("CARGO_BIN_EXE_cargo-db"), "/nowhere/xtask");
        std::fs::write(&path, script).unwrap();
    }
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    let passed = repository.commit("second").ok();
    assert_eq!(passed.stderr.lines().count(), 1, "{passed}");
    passed.says("migrations were not checked");
    let stopped = repository.git(&["push", "--quiet"]).code(1);
    stopped.says("neither installed nor built").says("git push --no-verify");
    repository.git(&["push", "--quiet", "--no-verify"]).ok();
    let silent = repository.git(&["checkout", "--quiet", "-b", "work"]).ok();
    assert_eq!(silent.stdout + &silent.stderr, "");
}

#[test]
fn a_checkout_says_what_the_branch_lacks_or_brings() {
    let name = "h_notice";
    cluster().run("postgres", &format!("CREATE DATABASE {name}"));
    let repository = Repository::new(name);
    repository.write(".env", &format!("DATABASE_URL={}\n", cluster().url(name)));
    repository.db(&["migrate", "--quiet"]).ok();
    repository.db(&["hooks", "install"]).ok();
    let checkout = |arguments: &[&str]| {
        let ran = repository.git(&[&["checkout", "--quiet"], arguments].concat()).ok();
        ran.stdout + &ran.stderr
    };
    assert_eq!(checkout(&["-b", "work"]), "", "no file changed");
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    repository.commit("second").ok();
    // On a busy machine, 300 ms may be too short.
    let says = |branch: &str, line: &str| {
        eventually(&format!("a line about {branch}"), || {
            checkout(&[if branch == "main" { "work" } else { "main" }]);
            checkout(&[branch]) == line
        });
    };
    says("work", "cargo db: this branch brings 1 new migration: `cargo db migrate`\n");
    repository.db(&["migrate", "--quiet"]).ok();
    says("main", "cargo db: 1 applied migration is missing in this branch: `cargo db switch`\n");
    assert_eq!(checkout(&["work"]), "");
    // A file that is checked out is no branch.
    assert_eq!(checkout(&["main", "--", "migrations"]), "");
    repository.git(&["reset", "--quiet", "--hard"]).ok();
    repository.db(&["rollback", "--quiet", "--yes", "--to", "1"]);

    // No word about a database that cannot be reached, and about production.
    let unreachable = "DATABASE_URL=postgres://nobody@127.0.0.1:1/none\nCARGO_DB_ENV=test\n";
    repository.write(".env", unreachable);
    assert_eq!(checkout(&["main"]), "");
    assert_eq!(checkout(&["work"]), "");
    let production = format!("DATABASE_URL={}\nCARGO_DB_ENV=production\n", cluster().url(name));
    repository.write(".env", &production);
    assert_eq!(checkout(&["main"]), "");
}

#[test]
fn no_hook_starts_a_server() {
    let repository = Repository::new("h_server");
    repository.db(&["hooks", "install"]).ok();
    repository.git(&["checkout", "--quiet", "-b", "work"]).ok();
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    repository.commit("second").ok();
    repository.git(&["checkout", "--quiet", "main"]).ok();
    let merged = repository.git(&["merge", "--quiet", "work"]).ok();
    assert_eq!(merged.stdout + &merged.stderr, "");
    repository.db(&["server", "status"]).ok().says("no local server");
}

#[test]
fn a_merge_says_what_it_brings() {
    let name = "h_merge";
    cluster().run("postgres", &format!("CREATE DATABASE {name}"));
    let repository = Repository::new(name);
    repository.write(".env", &format!("DATABASE_URL={}\n", cluster().url(name)));
    repository.db(&["migrate", "--quiet"]).ok();
    repository.git(&["checkout", "--quiet", "-b", "work"]).ok();
    repository.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    repository.migration("3_c.sql", "CREATE TABLE c (id int);\n");
    repository.commit("two").ok();
    repository.git(&["checkout", "--quiet", "main"]).ok();
    repository.db(&["hooks", "install"]).ok();
    eventually("a line about the merge", || {
        repository.git(&["reset", "--quiet", "--hard", "work~1"]).ok();
        let merged = repository.git(&["merge", "--quiet", "work"]).ok();
        merged.stdout + &merged.stderr
            == "cargo db: this branch brings 2 new migrations: `cargo db migrate`\n"
    });
}
