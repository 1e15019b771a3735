//! `check --deploy`: one answer about a deployment, with an exit code for each kind of finding.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::{Project, Ran, cluster};

/// A database with rows, in which one migration is applied, and one that locks a table while it
/// reads another one is pending.
fn shop(name: &str) -> Project {
    let project = Project::new(name);
    project.accept_key();
    let up = "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE tags (id int PRIMARY KEY);";
    project.migration("1_users.up.sql", up);
    project.migration("1_users.down.sql", "DROP TABLE users; DROP TABLE tags;");
    project.db(&["migrate"]).ok();
    project
        .run_sql("INSERT INTO users SELECT generate_series(1, 2000); INSERT INTO tags VALUES (1)");
    project.run_sql("ANALYZE");
    let up = "ALTER TABLE tags ADD note text;\nSELECT count(*) FROM users;\n";
    project.migration("2_note.up.sql", up);
    project.migration("2_note.down.sql", "ALTER TABLE tags DROP note;");
    project
}

/// The same in production, after a rehearsal elsewhere.
fn rehearsed_shop(name: &str) -> Project {
    let mut project = shop(name);
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "production");
    project
}

fn deploy(project: &Project) -> Ran {
    project.db(&["check", "--deploy"])
}

/// The rules of the findings about the database, and about each pending migration.
fn rules(json: &Value) -> Vec<String> {
    let of = |one: &Value| -> Vec<String> {
        let findings = one["findings"].as_array().unwrap().iter();
        findings.map(|found| found["rule"].as_str().unwrap().to_owned()).collect()
    };
    let pending = json["pending"].as_array().unwrap().iter().flat_map(of);
    of(json).into_iter().chain(pending).collect()
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = glob::glob(&format!("{}/**/*", folder.display())).unwrap().flatten();
    let all = all.filter(|path| path.is_file());
    all.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn pending_migrations_are_information_and_nothing_is_written() {
    let project = rehearsed_shop("dp_ready");
    let (files_before, content_before) = (files(project.path()), project.content());
    let ran = deploy(&project).ok();
    let ran = ran.says("Pending      1 migration").says("valid, of the rehearsal of");
    ran.says("1 database: 1 PASS; 1 migration: 1 PASS");
    let json = project.db(&["check", "--deploy", "--json"]).ok().json();
    assert_eq!(json["environment"], "production");
    assert_eq!(json["pending"][0]["version"], "2");
    assert!(json["pending"][0]["measured_ms"].is_u64(), "{json:#}");
    assert_eq!(json["receipt"]["required"], true);
    assert_eq!(json["connections"]["limited_by"], "the server");
    assert_eq!(rules(&json), [""; 0]);
    assert_eq!((files(project.path()), project.content()), (files_before, content_before));
    project.agreed(&["migrate"]).ok();
    deploy(&project).ok().says("Pending      no migrations");
}

#[test]
fn a_history_that_differs_and_drift_are_9() {
    let project = shop("dp_history");
    deploy(&project).ok();
    project.run_sql("ALTER TABLE users ADD by_hand int");
    deploy(&project).code(9).says("drift").says("by_hand");
    project.run_sql("ALTER TABLE users DROP by_hand");
    project.migration("1_users.up.sql", "CREATE TABLE users (id bigint PRIMARY KEY);");
    deploy(&project).code(9).says("history edited: ");
    std::fs::remove_file(project.path().join("migrations/1_users.up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/1_users.down.sql")).unwrap();
    deploy(&project).code(9).says("history missing: ");
    // It is worse than what else is wrong.
    let json = project.db(&["check", "--deploy", "--json", "--fail-on", "block"]).code(9).json();
    assert_eq!(rules(&json), ["history"]);
}

#[test]
fn a_missing_receipt_is_4_and_the_files_that_differ_are_named() {
    let mut project = shop("dp_receipt");
    project.set("CARGO_DB_ENV", "production");
    deploy(&project).code(4).says("no-receipt").says("rehearse --receipt-to FILE");
    project.set("CARGO_DB_ENV", "development");
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "production");
    deploy(&project).ok();
    project.migration("2_note.up.sql", "ALTER TABLE tags ADD note int;");
    deploy(&project).code(4).says("`migrations/2_note.up.sql` was edited");
    // Elsewhere, `migrate` rehearses itself.
    project.set("CARGO_DB_ENV", "staging");
    deploy(&project).ok().says("none is needed");
}

#[test]
fn an_old_backup_is_11_where_a_maximum_age_is_set() {
    let project = rehearsed_shop("dp_backup");
    deploy(&project).ok().says("Backup       none is verified");
    project.write("db.toml", "[backup]\nmax-age = \"1h\"\n");
    deploy(&project).code(11).says("has no verified backup, and `max-age` is 1h");
    project.db(&["backup"]).ok();
    deploy(&project).ok().says(", verified, ");
    project.write("db.toml", "[backup]\nmax-age = \"1ms\"\n");
    deploy(&project).code(11).says("old-backup the newest verified backup, ");
    project.write("db.toml", "[backup]\nmax-age = \"often\"\n");
    deploy(&project).code(2).says("backup.max-age");
}

#[test]
fn a_budget_is_compared_with_what_was_measured_and_scaled_by_the_rows_here() {
    let project = rehearsed_shop("dp_budget");
    project.write("db.toml", "[budget]\nmigration = \"1h\"\nstatement = \"1h\"\nlock = \"1h\"\n");
    deploy(&project).ok();
    project.write("db.toml", "[budget]\nstatement = \"60ms\"\n");
    deploy(&project).ok();
    // The table grows after the rehearsal; the receipt stays valid.
    project.run_sql("INSERT INTO users SELECT generate_series(2001, 2000000)");
    project.run_sql("ANALYZE users");
    let json = project.db(&["check", "--deploy", "--json"]).code(1).json();
    let found = &json["pending"][0]["findings"][0];
    assert_eq!((found["rule"].as_str(), found["line"].as_u64()), (Some("over-budget"), Some(2)));
    let said = found["evidence"].as_str().unwrap();
    assert!(said.starts_with("the statement takes about "), "{said}");
    assert!(said.contains(" on 2,000 rows of users; about 2,000,0"), "{said}");
    assert!(said.ends_with(" here), and the budget is 60 ms"), "{said}");
    let [measured, here] =
        ["measured_ms", "estimated_ms"].map(|key| json["pending"][0][key].as_u64().unwrap());
    assert!(here > 60 && here > 30 * measured, "{json:#}");
    project.write("db.toml", "[budget]\nlock = \"1ms\"\n");
    deploy(&project).code(1).says("over-budget tags: other sessions wait for");
}

#[test]
fn what_was_not_measured_is_said_and_stops_a_deployment_with_a_budget() {
    let project = rehearsed_shop("dp_unmeasured");
    let receipts = glob::glob(&format!("{}/.db/receipts/*.json", project.path().display()));
    let receipt = receipts.unwrap().flatten().next().unwrap();
    let mut json: Value = serde_json::from_slice(&std::fs::read(&receipt).unwrap()).unwrap();
    json["migrations"][0].as_object_mut().unwrap().remove("costs").unwrap();
    // As an older version wrote it. Staging does not ask who signed it.
    std::fs::write(&receipt, json.to_string()).unwrap();
    let mut project = project;
    project.set("CARGO_DB_ENV", "staging");
    deploy(&project).ok();
    project.write("db.toml", "[migrate]\nall-or-nothing = false\n\n[budget]\nmigration = \"3m\"\n");
    deploy(&project).code(1).says("UNMEASURED").says("the rehearsal did not measure it");
    project.db(&["check", "--deploy", "--fail-on", "block"]).ok();
    std::fs::remove_file(&receipt).unwrap();
    deploy(&project).code(1).says("nothing says how long the migration takes");
}

#[test]
fn too_few_free_connections_are_6() {
    let mut project = rehearsed_shop("dp_free");
    project.run_sql(
        "CREATE ROLE dp_free_r LOGIN CONNECTION LIMIT 2; \
         GRANT pg_read_all_data TO dp_free_r; GRANT USAGE ON SCHEMA cargo_db TO dp_free_r",
    );
    project.set("DATABASE_URL", &cluster().url("dp_free").replace("postgres@", "dp_free_r@"));
    let ran = deploy(&project).code(6);
    ran.says("2 of 2 connections are free (the role limits them)");
    cluster().run("dp_free", "ALTER ROLE dp_free_r CONNECTION LIMIT 9");
    deploy(&project).ok().says("9 of 9 free, limited by the role");
    cluster().run("postgres", "ALTER DATABASE dp_free CONNECTION LIMIT 1");
    deploy(&project).code(6).says("1 of 1 connections are free (the database limits them)");
}

/// The number of connections that the check wants is enough for a run with a backup, and one less
/// is not.
#[test]
fn as_many_connections_as_the_check_wants_are_enough() {
    let mut project = Project::new("dp_enough");
    project.run_sql(
        "CREATE ROLE dp_enough_r LOGIN CREATEDB; GRANT pg_read_all_data TO dp_enough_r; \
         ALTER DATABASE dp_enough OWNER TO dp_enough_r; ALTER SCHEMA public OWNER TO dp_enough_r",
    );
    project.set("DATABASE_URL", &cluster().url("dp_enough").replace("postgres@", "dp_enough_r@"));
    project.accept_key();
    project.migration("1_a.up.sql", "CREATE TABLE a (id int PRIMARY KEY);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO a VALUES (1); ANALYZE");
    project.migration("2_b.up.sql", "SELECT pg_sleep(1.5); CREATE TABLE b (id int);");
    project.migration("2_b.down.sql", "DROP TABLE b;");
    project.db(&["rehearse"]).ok();
    project.set("CARGO_DB_ENV", "production");
    let needed = project.db(&["check", "--deploy", "--json"]).ok().json();
    let needed = needed["connections"]["needed"].as_u64().unwrap();
    let consent = project.consent(&["migrate"]);
    let migrate: Vec<&str> =
        ["migrate"].into_iter().chain(consent.iter().map(String::as_str)).collect();
    let limit = |limit: u64| {
        cluster().run("dp_enough", &format!("ALTER ROLE dp_enough_r CONNECTION LIMIT {limit}"));
    };
    limit(needed - 1);
    project.db(&migrate).code(11).says("too many connections");
    limit(needed);
    project.db(&migrate).ok().says("1 migration applied");
}

#[test]
fn no_server_is_started() {
    let project = Project::bare("dp_bare");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let refused = deploy(&project).code(2);
    refused.says("the private server is not running");
    assert!(!project.path().join(".db").exists());
}

#[test]
fn each_set_has_its_budget_and_one_answer_is_about_all() {
    let project = Project::new("dp_sets");
    let set = |set: &str| {
        format!("[migrations.{set}]\ndir = \"{set}\"\ntool = \"sqlx\"\ntable = \"{set}_history\"\n")
    };
    let budget =
        "[budget]\nmigration = \"1ms\"\nstatement = \"1h\"\n\n[budget.web]\nmigration = \"1h\"\n";
    project.write("db.toml", &format!("{}{}{budget}", set("jobs"), set("web")));
    for set in ["jobs", "web"] {
        let slow = format!("CREATE TABLE {set} (id int);\nSELECT pg_sleep(0.01);\n");
        project.write(&format!("{set}/1_{set}.sql"), &slow);
    }
    project.run_sql("CREATE TABLE filled AS SELECT 1 AS n; ANALYZE filled");
    project.db(&["rehearse"]).ok();
    let json = project.db(&["check", "--deploy", "--json"]).code(1).json();
    let [jobs, web] = ["jobs", "web"].map(|set| {
        let sets = json["sets"].as_array().unwrap();
        sets.iter().find(|one| one["set"] == set).unwrap_or_else(|| panic!("{json:#}"))
    });
    assert_eq!((rules(jobs), rules(web)), (vec!["over-budget".to_owned()], Vec::new()));
    project
        .write("db.toml", &format!("{}{}[budget.webb]\nlock = \"1s\"\n", set("jobs"), set("web")));
    deploy(&project).code(2).says("webb").says("expected one of jobs, web");
}

/// The findings of a deployment are in the formats for pipelines too.
#[test]
fn every_format_has_the_findings() {
    let project = rehearsed_shop("dp_formats");
    project.write("db.toml", "[budget]\nstatement = \"1us\"\n\n[backup]\nmax-age = \"1h\"\n");
    let written = |format: &str| project.db(&["check", "--deploy", "--format", format]).code(11);
    written("github").says("::error file=migrations/2_note.up.sql,line=1,").says("old-backup");
    written("markdown").says("over-budget").says("old-backup");
    written("html").says("over-budget").says("old-backup");
    if cfg!(feature = "ci") {
        written("sarif").says("over-budget").says("old-backup");
        written("junit").says("over-budget").says("old-backup");
    }
}
