//! `shell`: psql on the database of the project.

use crate::support::{PASSWORD, Project, cluster};

fn printed(project: &Project, sql: &str) -> String {
    project.db(&["shell", "--", "-XAtc", sql]).ok().stdout
}

#[test]
fn psql_opens_the_database_of_the_project() {
    let project = Project::new("shell_here");
    project.db(&["migrate"]).ok();
    assert_eq!(printed(&project, "SELECT current_database()"), "shell_here\n");
    assert_eq!(printed(&project, "CREATE TABLE t (i int)"), "CREATE TABLE\n");
    // The exit code is psql's.
    project.db(&["shell", "--", "-XAtc", "SELECT nothing"]).code(1);
}

#[test]
fn the_password_is_not_on_the_command_line() {
    let mut project = Project::new("shell_password");
    project.db(&["migrate"]).ok();
    project.set("DATABASE_URL", &cluster().tcp_url("shell_password"));
    let ran = project.db(&["shell", "--", "-XAtc", "\\! tr '\\0' ' ' < /proc/$PPID/cmdline"]).ok();
    assert!(ran.stdout.contains("psql") && !ran.stdout.contains(PASSWORD), "{ran}");
}

/// libpq would prefer the service to the variables that name the target.
#[test]
fn variables_of_the_caller_select_no_other_database() {
    let mut project = Project::new("shell_caller");
    project.db(&["migrate"]).ok();
    project.write("service.conf", "[other]\ndbname=postgres\n");
    let file = project.path().join("service.conf");
    project.set("PGSERVICEFILE", &file.display().to_string());
    project.set("PGSERVICE", "other");
    assert_eq!(printed(&project, "SELECT current_database()"), "shell_caller\n");
}

#[test]
fn production_is_read_only_until_a_transaction_says_otherwise() {
    let mut project = Project::new("shell_production");
    project.db(&["migrate"]).ok();
    project.set("CARGO_DB_ENV", "production");
    let create = "CREATE TABLE t (i int)";
    project.db(&["shell", "--", "-XAtc", create]).code(1).says("read-only transaction");
    let writing = format!("BEGIN READ WRITE; {create}; COMMIT");
    project.db(&["shell", "--", "-XAtc", &writing]).ok();
}

#[test]
fn an_agent_gets_no_shell_in_production() {
    let mut project = Project::new("shell_agent");
    project.db(&["migrate"]).ok();
    project.set("AI_AGENT", "1");
    assert_eq!(printed(&project, "SELECT 1"), "1\n");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["shell"]).code(4).says("`shell` is refused to an AI agent");
}
