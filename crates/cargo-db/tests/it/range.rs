//! `check` of commits: what a range has, what a push sends, and what is staged for a commit.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Project, Ran};

fn rules(ran: &Ran) -> Vec<String> {
    let json = ran.json();
    let migrations = json["migrations"].as_array().unwrap().iter();
    let findings = migrations.flat_map(|migration| migration["findings"].as_array().unwrap());
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

/// A repository with one migration on `main`.
fn committed(name: &str) -> Project {
    let project = Project::bare(name);
    project.migration("1_a.sql", "CREATE TABLE a (id int);\n");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    commit(&project, "first");
    project
}

fn commit(project: &Project, message: &str) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message", message]);
}

fn id(project: &Project, revision: &str) -> String {
    let git = std::process::Command::new("git")
        .args(["rev-parse", revision])
        .current_dir(project.path())
        .output()
        .unwrap();
    String::from_utf8(git.stdout).unwrap().trim().to_owned()
}

/// `check --pushed origin` with these lines on stdin.
fn pushed(project: &Project, lines: &str) -> Ran {
    let mut check = project.command(&["check", "--json", "--pushed", "origin"]);
    let mut check = check.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    check.wait_with_output().unwrap().into()
}

#[test]
fn a_range_is_read_from_its_commits() {
    let project = committed("r_blobs");
    project.migration("2_b.sql", "DROP TABLE a;\n");
    commit(&project, "second");
    // What the working tree and the index have instead is not pushed.
    project.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    project.git(&["add", "--all"]);
    let check = |range: &str| project.db(&["check", "--json", "--range", range]);
    assert_eq!(rules(&check("HEAD~1..HEAD").code(1)), ["ban-drop-table"]);
    assert_eq!(rules(&check("HEAD~1..").code(1)), ["ban-drop-table"]);
    assert_eq!(rules(&check("HEAD..HEAD").ok()), Vec::<String>::new());
    // Without any file there, the folder is that of the commit all the same.
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    assert_eq!(rules(&check("HEAD~1..HEAD").code(1)), ["ban-drop-table"]);
    project.db(&["check", "--range", "nowhere..HEAD"]).code(2).says("no commit `nowhere`");
    project.db(&["check", "--range", "main"]).code(2).says("A..B");
    project.db(&["check", "--range", "HEAD~1..HEAD", "--staged"]).code(2);
}

#[test]
fn a_range_with_three_dots_begins_where_the_branch_does() {
    let project = committed("r_dots");
    project.git(&["checkout", "--quiet", "-b", "work"]);
    project.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    commit(&project, "work");
    project.git(&["checkout", "--quiet", "main"]);
    project.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    project.migration("3_c.sql", "CREATE TABLE c (id int);\n");
    commit(&project, "main");
    let check = |range: &str| project.db(&["check", "--json", "--range", range]);
    let two = check("main...work").code(1);
    assert_eq!(two.json()["files"], 1, "{two}");
    assert_eq!(rules(&two), ["late-version"], "main has 3 already");
    // From main to the branch, the first file was changed as well, and the third one is gone.
    let all = ["edited-migration", "late-version", "deleted-migration"];
    assert_eq!(rules(&check("main..work").code(1)), all);
}

#[test]
fn a_commit_is_checked_as_it_is_staged() {
    let project = committed("r_staged");
    project.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    project.git(&["add", "--all"]);
    // Put back, but not staged.
    project.migration("1_a.sql", "CREATE TABLE a (id int);\n");
    let check = || project.db(&["check", "--json", "--staged"]);
    assert_eq!(rules(&check().code(1)), ["edited-migration"]);
    project.git(&["add", "--all"]);
    project.write("README.md", "x\n");
    project.git(&["add", "--all"]);
    assert_eq!(rules(&check().ok()), Vec::<String>::new());
    assert_eq!(project.db(&["check", "--staged", "--quiet"]).ok().stdout, "");
    project.db(&["check", "--staged"]).ok().says("0 files");
}

/// `git commit --all` and `git commit FILE` give the hook an index of their own, by a path that is
/// relative to the folder of the hook.
#[test]
fn the_index_of_the_hook_is_the_one_that_counts() {
    let project = committed("r_index");
    project.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    let program = env!("CARGO_BIN_EXE_cargo-db");
    let hook = format!("#!/bin/sh\nexec '{program}' db check --staged --json >found.json\n");
    let path = project.write(".git/hooks/pre-commit", &hook);
    executable(&path);
    let git = std::process::Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@e", "commit", "-aqm", "edited"])
        .current_dir(project.path())
        .env("CARGO_DB_TRUST", project.path())
        .output()
        .unwrap();
    assert!(!git.status.success());
    let found = std::fs::read_to_string(project.path().join("found.json")).unwrap();
    assert!(found.contains("edited-migration"), "{found}");
}

fn executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Only sets with a changed file are checked, and reported.
#[test]
fn sets_without_a_change_are_left_out() {
    let project = committed("r_sets");
    let toml = "[migrations.one]\ndir = \"one\"\n[migrations.two]\ndir = \"two\"\n";
    project.write("db.toml", toml);
    project.write("one/1_a.sql", "CREATE TABLE a (id int);\n");
    project.write("two/1_b.sql", "CREATE TABLE b (id int);\n");
    commit(&project, "sets");
    project.write("two/2_b.sql", "DROP TABLE b;\n");
    project.git(&["add", "--all"]);
    let staged = project.db(&["check", "--json", "--staged"]).code(1);
    assert_eq!(rules(&staged), ["ban-drop-table"]);
    commit(&project, "two");
    let range = project.db(&["check", "--json", "--range", "HEAD~1.."]).code(1);
    assert_eq!(rules(&range), ["ban-drop-table"]);
    let both = project.db(&["check", "--json", "--range", "HEAD~2.."]).code(1).json();
    assert_eq!(both["sets"].as_array().unwrap().len(), 2, "{both:#}");
}

#[test]
fn a_push_is_checked_by_what_git_says_of_it() {
    let project = committed("r_push");
    let first = id(&project, "HEAD");
    project.git(&["update-ref", "refs/remotes/origin/main", &first]);
    project.git(&["checkout", "--quiet", "-b", "work"]);
    project.migration("2_b.sql", "DROP TABLE a;\n");
    commit(&project, "drop");
    let (drop, zero) = (id(&project, "HEAD"), "0".repeat(40));
    let line = |local: &str, branch: &str, there: &str| {
        format!("refs/heads/work {local} refs/heads/{branch} {there}\n")
    };
    let drops = ["ban-drop-table"];
    assert_eq!(rules(&pushed(&project, &line(&drop, "work", &zero)).code(1)), drops, "new");
    assert_eq!(rules(&pushed(&project, &line(&drop, "main", &first)).code(1)), drops, "main");
    // A deletion, and nothing at all.
    pushed(&project, &line(&zero, "work", &drop)).ok();
    pushed(&project, "").ok();
    // What was pushed but not merged may still be edited.
    project.migration("2_b.sql", "CREATE TABLE b (id int);\n");
    commit(&project, "no drop");
    let edited = id(&project, "HEAD");
    let again = pushed(&project, &line(&edited, "work", &drop)).ok();
    assert_eq!(rules(&again), Vec::<String>::new());
    // Not so what is on the default branch.
    let main = pushed(&project, &line(&edited, "main", &drop)).code(1);
    assert_eq!(rules(&main), ["edited-migration"]);
    // Several branches at once, one of them bad.
    let both = line(&edited, "work", &zero) + &line(&drop, "other", &zero);
    assert_eq!(rules(&pushed(&project, &both).code(1)), drops);
    // A remote that has nothing yet gets everything.
    project.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let all = pushed(&project, &line(&drop, "main", &zero)).code(1);
    assert_eq!(rules(&all), drops);
    assert_eq!(all.json()["files"], 2, "{all}");
}
