//! `baseline` compares the database with what the migrations build that it records.

use serde_json::Value;

use crate::support::Project;

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY, name text);\n");
    project.migration("2_b.sql", "CREATE TABLE b (id int);\nALTER TABLE a ADD COLUMN age int;\n");
    project
}

/// The first step of the plan.
fn comparison(project: &Project, arguments: &[&str]) -> Value {
    let plan = project.db(&[&["baseline", "--dry-run", "--json"], arguments].concat()).ok().json();
    let step = plan["plan"]["steps"][0].clone();
    assert_eq!(step["kind"], "compare", "{plan:#}");
    step
}

/// The databases beside that of the project.
fn scratch_databases(project: &Project) -> Vec<String> {
    let name = &project.database;
    let beside = format!(
        "SELECT datname FROM pg_database WHERE starts_with(datname, '{name}') \
         AND datname <> '{name}'"
    );
    project.query(&beside)
}

#[test]
fn a_database_with_the_schema_of_the_migrations_is_recorded() {
    let project = project("bl_same");
    project.run_sql("CREATE TABLE a (id int PRIMARY KEY, name text)");
    let status = project.db(&["status"]).ok().says("the database has tables, but no history");
    status.says("`cargo db baseline --dry-run`");
    assert_eq!(comparison(&project, &["--to", "1"])["differences"], Value::Array(vec![]));
    project.db(&["baseline", "--to", "1", "--yes"]).ok();
    let status = project.db(&["status"]).ok();
    assert!(!status.stdout.contains("no history"), "{status}");
    project.db(&["migrate"]).ok();
    assert_eq!(scratch_databases(&project), [""; 0]);
}

#[test]
fn a_database_that_differs_is_recorded_only_if_that_is_accepted() {
    let project = project("bl_differs");
    project.run_sql("CREATE TABLE a (id int PRIMARY KEY, name int); CREATE TABLE extra (x int)");
    let found = comparison(&project, &[])["differences"].to_string();
    for name in ["a.name", "a.age", "table b", "table extra"] {
        assert!(found.contains(name), "{name}: {found}");
    }
    project.db(&["baseline", "--dry-run"]).ok().says("differs from what the migrations build");
    project.db(&["baseline", "--yes"]).code(9).says("extra").says("--accept-differences");
    assert_eq!(project.query("SELECT to_regclass('_sqlx_migrations') IS NULL"), ["t"]);
    let both = project.db(&["baseline"]).code(3);
    both.says("--yes").says("--accept-differences");
    project.db(&["baseline", "--accept-differences"]).code(3);
    project.db(&["baseline", "--to", "1", "--accept-differences", "--yes"]).ok();
    // Consent to exactly this plan accepts what it names.
    project.agreed(&["baseline"]).ok();
    project.db(&["status", "--check"]).ok();
    assert_eq!(scratch_databases(&project), [""; 0]);
}

#[test]
fn an_empty_database_differs() {
    let project = project("bl_empty");
    project.db(&["baseline", "--yes"]).code(9).says("the database is empty");
    let status = project.db(&["status"]).ok();
    assert!(!status.stdout.contains("cargo db baseline"), "{status}");
}

#[test]
fn where_nothing_can_be_built_the_plan_says_why() {
    let mut project = project("bl_not");
    project.run_sql("CREATE TABLE a (id int)");
    project.set("CARGO_DB_ENV", "staging");
    let because = |project: &Project| comparison(project, &[])["because"].to_string();
    assert!(because(&project).contains("no scratch database is built in staging"));
    project.set("CARGO_DB_ENV", "development");
    project.migration("3_c.sql", "ALTER TABLE elsewhere ADD COLUMN c int;\n");
    assert!(because(&project).contains("cannot be applied to an empty database"));
    project.db(&["baseline", "--yes"]).ok().says("not compared with what the migrations build");
    assert_eq!(scratch_databases(&project), [""; 0]);
}

#[test]
fn the_history_of_another_tool_is_no_difference() {
    let project = project("bl_other");
    project.run_sql(
        "CREATE TABLE a (id int PRIMARY KEY, name text); \
         CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
    );
    project.db(&["baseline", "--to", "1", "--yes"]).ok();
}
