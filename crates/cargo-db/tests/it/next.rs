//! The next steps that a failure suggests: they are for the same database and the same files, and
//! their commands do what their labels say.

use serde_json::Value;

use crate::support::{Project, Ran, cluster};

/// A project with one applied migration. Only `ops.env` names its database.
fn project(name: &str) -> Project {
    let project = Project::bare(name);
    cluster().run("postgres", &format!("CREATE DATABASE \"{name}\""));
    project.write("ops.env", &format!("DATABASE_URL=\"{}\"\n", cluster().url(name)));
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate", "--env-file", "ops.env"]).ok();
    project
}

/// The next steps that a failed run suggests: labels and commands.
fn next(ran: &Ran) -> Vec<(String, Option<String>)> {
    let json = ran.json();
    let all = json["error"]["next"].as_array().unwrap_or_else(|| panic!("{json:#}")).clone();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    all.iter().map(|one| (text(&one["label"]).unwrap(), text(&one["command"]))).collect()
}

/// Runs the suggested command with this text in its label, as a shell would.
#[track_caller]
fn run(project: &Project, ran: &Ran, label: &str) -> Ran {
    let all = next(ran);
    let found = all.iter().find(|(one, _)| one.contains(label));
    let command = found.and_then(|(_, command)| command.clone());
    let command = command.unwrap_or_else(|| panic!("{label}: {all:?}"));
    let words = shell_words::split(&command).unwrap();
    assert_eq!(words[..2], ["cargo", "db"], "{command}");
    project.db(&words[2..].iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_missing_file_can_be_ignored_in_the_same_database() {
    let project = project("next_missing");
    std::fs::remove_file(project.path().join("migrations/1_a.sql")).unwrap();
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let failed = project.db(&["migrate", "--env-file", "ops.env", "--json"]).code(9);
    let shown = run(&project, &failed, "continue without the file").ok();
    let _ = shown.says("apply 2 b").says("next_missing");
}

#[test]
fn an_edited_file_is_repaired_in_the_same_database() {
    let project = project("next_edited");
    project.git(&["init", "-q"]);
    project.git(&["add", "migrations"]);
    project.git(&["commit", "-qm", "a"]);
    project.migration("1_a.sql", "-- what it is\nCREATE TABLE a (id int);");
    let failed = project.db(&["migrate", "--env-file=ops.env", "--json"]).code(9);
    let shown = run(&project, &failed, "only comments or white space changed").ok();
    let _ = shown.says("1 a").says("next_edited");
}

#[test]
fn what_is_there_already_is_recorded_in_the_same_database() {
    let project = project("next_there");
    let url = cluster().url("next_there");
    cluster().run("next_there", "CREATE TABLE b (id int)");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let failed = project.db(&["migrate", "-D", &url, "--json"]).code(7);
    // A later migration is not recorded.
    project.migration("3_c.sql", "CREATE TABLE c (id int);");
    let shown = run(&project, &failed, "record it as applied").ok().says("record 2 b as applied");
    assert!(!shown.stdout.contains("record 3 c"), "{shown}");
    // In staging, consent is missing, and each suggested step has a command.
    let failed = project.db(&["migrate", "-D", &url, "--env", "staging", "--json"]).code(3);
    let all = next(&failed);
    assert!(!all.is_empty() && all.iter().all(|(_, command)| command.is_some()), "{all:?}");
    let agreed = run(&project, &failed, "to confirm").code(7);
    let _ = agreed.says("relation \\\"b\\\" already exists");
}

/// A short flag with its value in one word.
#[test]
fn a_flag_in_one_word_with_its_value_is_not_repeated() {
    let project = project("next_short");
    let url = format!("-D{}", cluster().url("next_short"));
    for (version, flag) in [("2", "-estaging"), ("3", "-qestaging")] {
        let sql = format!("CREATE TABLE b{version} (id int);");
        project.migration(&format!("{version}_b.sql"), &sql);
        let failed = project.db(&["migrate", "--json", flag, &url]).code(3);
        run(&project, &failed, "to confirm").ok();
    }
    let applied = "SELECT version FROM _sqlx_migrations ORDER BY 1";
    assert_eq!(cluster().query("next_short", applied), ["1", "2", "3"]);
}

#[test]
fn what_a_restore_suggests_is_about_the_same_database() {
    let project = project("next_restored");
    let url = cluster().url("next_restored");
    project.db(&["backup", "-D", &url]).ok();
    let done = project.db(&["restore", "--latest", "-D", &url, "--yes"]).ok();
    let suggested = |label: &str, more: &[&str]| {
        let line = done.stdout.lines().find(|line| line.starts_with(label));
        let (_, command) = line.expect(label).split_once("cargo db ").expect("a command");
        let words = shell_words::split(command).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        project.db(&[&words, more].concat()).ok()
    };
    let _ = suggested("to show its status", &[]).says("next_restored");
    let _ = suggested("to list all kept", &[]).says("next_restored");
    let _ = suggested("to remove it", &["--yes"]).says("1 previous database dropped");
}

#[test]
fn what_is_out_of_order_is_applied_in_the_same_environment() {
    let project = project("next_order");
    project.migration("3_c.sql", "CREATE TABLE c (id int);");
    project.db(&["migrate", "--env-file", "ops.env"]).ok();
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let typed = ["migrate", "--env-file", "ops.env", "--env", "staging", "--json"];
    let failed = project.db(&typed).code(9);
    let shown = run(&project, &failed, "apply it anyway").ok();
    let _ = shown.says("apply 2 b").says("(staging)");
}

#[test]
fn the_next_command_is_of_the_same_set() {
    let project = Project::new("next_set");
    project.write(
        "db.toml",
        "[migrations.one]\ndir = 'one'\ntable = 'one_history'\n\
         [migrations.two]\ndir = 'two'\ntable = 'two_history'\n",
    );
    project.write("one/1_a.sql", "CREATE TABLE a (id int);");
    project.write("two/1_b.sql", "CREATE TABLE b (id int);");
    project.db(&["migrate", "--set", "two"]).ok();
    project.write("two/2_b.sql", "CREATE TABLE b (id int);");
    let failed = project.db(&["migrate", "--set", "two", "--json"]).code(7);
    let _ = run(&project, &failed, "record it as applied").ok().says("record 2 b as applied");
}

#[test]
fn consent_and_receipt_are_asked_for_at_once() {
    let mut project = Project::new("next_both");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    project.accept_key();
    project.run_sql("INSERT INTO a VALUES (1)");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    project.set("CARGO_DB_ENV", "production");
    let refused = project.db(&["migrate", "--json"]).code(3);
    let json = refused.json();
    assert_eq!(json["error"]["code"], "CONSENT.MISSING", "{json:#}");
    let why = json["error"]["why"].to_string();
    assert!(why.contains("no valid rehearsal receipt for `migrate`"), "{why}");
    let _ = run(&project, &refused, "rehearse where a copy").ok();
    let refused = project.db(&["migrate", "--json"]).code(3);
    let why = refused.json()["error"]["why"].to_string();
    assert!(!why.contains("receipt"), "{why}");
    // The consent that the dry run shows is sufficient.
    let shown = run(&project, &refused, "show the plan and its id").ok();
    let _ = shown.says(r#""version":"2""#);
    let _ = project.agreed(&["migrate"]).ok();
}

#[test]
fn a_name_that_is_not_the_databases_is_corrected_with_the_rest_of_the_call() {
    let project = project("next_name");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let typed = ["migrate", "--env-file", "ops.env", "--env", "staging"];
    let wrong = project.db(&[&typed[..], &["--confirm", "other", "--json"]].concat()).code(3);
    let _ = run(&project, &wrong, "if this is the right database").ok().says("2 b");
}

#[test]
fn a_database_beside_the_configured_one_is_named() {
    let project = Project::new("next_into");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO a VALUES (1)");
    project.db(&["backup"]).ok();
    let done = project.db(&["restore", "--latest", "--into", "next_into_2", "--yes"]).ok();
    let line = done.stdout.lines().find(|line| line.contains("to show its status")).unwrap();
    let words = shell_words::split(line.split_once("cargo db ").unwrap().1).unwrap();
    let shown = project.db(&words.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    let _ = shown.says("next_into_2");
    cluster().run("postgres", "DROP DATABASE next_into_2");
}

/// If the role lacks a privilege, the error names the line that sets the role.
#[test]
fn a_role_without_a_right_is_named_with_the_line_of_its_address() {
    let project = Project::bare("next_right");
    cluster().run("postgres", "CREATE DATABASE next_right");
    // Before PostgreSQL 15, everybody may create tables there.
    project.run_sql("CREATE ROLE next_weak LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    let url = cluster().url("next_right").replace("//postgres@", "//next_weak@");
    project.write(".env", &format!("# whose it is\nDATABASE_URL=\"{url}\"\n"));
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let denied = project.db(&["migrate", "--yes"]).code(7).says("permission denied for schema");
    let _ = denied
        .says("the address is from DATABASE_URL in .env, line 2")
        .says("connect as a role with the privilege");
}
