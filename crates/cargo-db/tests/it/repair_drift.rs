//! `cargo db repair --drift`: what was changed by hand becomes a migration, which is recorded where
//! the change was made.

use crate::drift::{drifted, migrated};
use crate::layouts;
use crate::support::{Project, cluster};

const BY_HAND: &str = "ALTER TABLE users ADD COLUMN age int; CREATE INDEX by_age ON users (age); \
                       CREATE TABLE extra (id int PRIMARY KEY, buyer int REFERENCES users)";

fn files(project: &Project) -> Vec<String> {
    let folder = std::fs::read_dir(project.path().join("migrations")).unwrap();
    let mut names: Vec<String> =
        folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_change_by_hand_becomes_a_migration_that_is_recorded_here_and_runs_elsewhere() {
    let mut project = migrated("rd_all");
    project.run_sql("INSERT INTO users VALUES (1, 'Ada')");
    project.run_sql(BY_HAND);
    project.db(&["status", "--check"]).code(9);
    project.db(&["repair", "--drift"]).code(3).says("--yes");
    assert_eq!(files(&project), ["1_first.sql"]);
    let repaired = project.db(&["repair", "--drift", "--yes"]).ok();
    let repaired = repaired.says("write migrations/2_drift.sql, and record 2 drift as applied");
    repaired.says("1 migration written and recorded as applied");
    let text = std::fs::read_to_string(project.path().join("migrations/2_drift.sql")).unwrap();
    assert!(text.contains("ADD COLUMN age integer") && text.contains("by_age"), "{text}");
    project.db(&["status", "--check"]).ok();
    assert_eq!(project.query("SELECT id FROM users"), ["1"]);
    project.db(&["repair", "--drift"]).ok().says("the migrations build the schema of rd_all");
    assert_eq!(files(&project), ["1_first.sql", "2_drift.sql"]);
    // A change after that is drift again.
    project.run_sql("ALTER TABLE extra ADD COLUMN n int");
    assert_eq!(drifted(&project), ["column public.extra.n: added"]);
    project.run_sql("ALTER TABLE extra DROP COLUMN n");
    // The next database gets the change by running the migration.
    cluster().run("postgres", "CREATE DATABASE rd_all_next");
    project.set("DATABASE_URL", &cluster().url("rd_all_next"));
    project.db(&["migrate"]).ok().says("2 migrations applied");
    assert_eq!(project.db(&["diff", "--json"]).ok().json()["differs"], false);
    project.set("OTHER_URL", &cluster().url("rd_all"));
    let same = project.db(&["diff", "live", "url:OTHER_URL", "--json"]).ok().json();
    assert_eq!(same["differs"], false, "{same:#}");
}

#[test]
fn a_dry_run_shows_the_migration_and_writes_nothing() {
    let project = migrated("rd_dry");
    project.run_sql(BY_HAND);
    let dry = project.db(&["repair", "--drift", "--name", "by hand", "--dry-run"]).ok();
    let dry = dry.says("write migrations/2_by_hand.sql").says("-- migrations/2_by_hand.sql");
    dry.says("ADD COLUMN age integer").says("CREATE TABLE public.extra");
    let json = project.db(&["repair", "--drift", "--dry-run", "--json"]).ok().json();
    assert_eq!(json["plan"]["steps"][0]["kind"], "record-new", "{json:#}");
    assert_eq!(json["plan"]["steps"][0]["file"], "migrations/2_drift.sql");
    assert!(json["sql"][0]["sql"].as_str().unwrap().contains("by_age"), "{json:#}");
    assert_eq!(files(&project), ["1_first.sql"]);
    assert_eq!(drifted(&project).len(), 3);
}

#[test]
fn without_drift_nothing_is_written() {
    let project = migrated("rd_none");
    let nothing = project.db(&["repair", "--drift"]).ok();
    nothing.says("nothing to do: the migrations build the schema of rd_none already");
    assert_eq!(files(&project), ["1_first.sql"]);
    // An object that a migration would drop.
    project.run_sql("DROP INDEX users_name");
    project.db(&["repair", "--drift", "--yes"]).ok().says("1 migration written");
    project.db(&["status", "--check"]).ok();
}

#[test]
fn a_plan_stays_the_same_while_time_passes() {
    let mut project = Project::new("rd_agent");
    project.migration("20260101000000_a.sql", "CREATE TABLE a (id int)");
    project.db(&["migrate"]).ok();
    project.run_sql("ALTER TABLE a ADD COLUMN n int");
    project.set("AI_AGENT", "1");
    project.db(&["repair", "--drift", "--yes"]).code(3).says("--plan");
    let consent = project.consent(&["repair", "--drift"]);
    // The version of the new migration is the time.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    project.db(&[&["repair", "--drift"], &consent[..]].concat()).ok();
    project.db(&["status", "--check"]).ok();
    // Another change is another plan.
    project.run_sql("ALTER TABLE a ADD COLUMN m int");
    let consent = project.consent(&["repair", "--drift"]);
    project.run_sql("ALTER TABLE a ADD COLUMN k int");
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    project.db(&[&["repair", "--drift"], &consent[..]].concat()).code(3);
    assert_eq!(files(&project).len(), 2);
}

#[test]
fn production_asks_for_consent_to_the_plan() {
    let mut project = migrated("rd_production");
    project.run_sql(BY_HAND);
    project.set("CARGO_DB_ENV", "production");
    project.db(&["repair", "--drift", "--yes"]).code(3);
    project.db(&["repair", "--drift", "--confirm", "rd_production"]).code(3);
    assert_eq!(files(&project), ["1_first.sql"]);
    project.agreed(&["repair", "--drift"]).ok();
    project.db(&["status", "--check"]).ok();
    let operations = project.query("SELECT record::json ->> 'verb' FROM cargo_db.audit");
    assert_eq!(operations, ["repair --drift"; 2]);
}

#[test]
fn privileges_are_not_written_and_stay_drift() {
    let project = migrated("rd_rights");
    let _ = cluster().connect("postgres").batch_execute("CREATE ROLE rd_reader");
    project.run_sql("ALTER TABLE users ADD COLUMN age int; GRANT SELECT ON users TO rd_reader");
    project.run_sql("CREATE TABLE extra (id int); GRANT SELECT ON extra TO rd_reader");
    let repaired = project.db(&["repair", "--drift", "--yes"]).ok();
    let rest = "still differs: privileges of table public.users (added)";
    let _ = repaired.says(rest);
    assert_eq!(drifted(&project), ["privileges of table public.users: added"]);
    project.db(&["repair", "--drift"]).ok().says("nothing to do").says(rest);
    project.run_sql("REVOKE SELECT ON users FROM rd_reader");
    project.db(&["status", "--check"]).ok();
}

#[test]
fn migrations_that_are_not_applied_come_first() {
    let project = migrated("rd_pending");
    project.run_sql(BY_HAND);
    project.migration("2_second.sql", "CREATE TABLE second (id int)");
    let refused = project.db(&["repair", "--drift", "--yes"]).code(4);
    let refused = refused.says("the migration `2` is pending in `rd_pending`");
    refused.says("cargo db migrate --dry-run").says("cargo db baseline --to 2 --dry-run");
    project.write("migrations/1_first.sql", "SELECT 1");
    project.db(&["repair", "--drift", "--yes"]).code(9).says("1_first");
    std::fs::remove_file(project.path().join("migrations/1_first.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/2_second.sql")).unwrap();
    project.db(&["repair", "--drift", "--yes"]).code(9).says("missing");
    assert_eq!(files(&project), [] as [&str; 0]);
}

#[test]
fn a_failed_record_leaves_no_file_and_what_was_known() {
    let project = migrated("rd_fails");
    project.run_sql(BY_HAND);
    let history = project.query("SELECT relname FROM pg_class WHERE relname ~ 'migrations$'");
    let refuse = format!(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'; \
         CREATE TRIGGER no BEFORE INSERT ON {} FOR EACH ROW EXECUTE FUNCTION no(); \
         ALTER TABLE {0} ENABLE ALWAYS TRIGGER no",
        history[0]
    );
    project.run_sql(&refuse);
    let before = drifted(&project);
    let failed = project.db(&["repair", "--drift", "--yes"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    assert_eq!(files(&project), ["1_first.sql"], "{failed}");
    assert_eq!(drifted(&project), before);
    // Nor does a baseline that fails accept anything.
    project.migration("2_age.sql", "ALTER TABLE users ADD COLUMN age int");
    let failed = project.db(&["baseline", "--yes"]);
    assert_ne!(failed.code, Some(0), "{failed}");
    assert_eq!(drifted(&project), before);
}

#[test]
fn a_possible_rename_is_asked_about() {
    let project = migrated("rd_rename");
    project.run_sql("INSERT INTO users VALUES (1, 'Ada', 'a@b')");
    project.run_sql("ALTER TABLE users RENAME email TO mail");
    let asked = project.db(&["repair", "--drift"]).code(3);
    asked.says("cargo db repair --drift --rename public.users.email=mail");
    let told = ["repair", "--drift", "--rename", "users.email=mail"];
    project.db(&[&told[..], &["--yes"]].concat()).ok();
    let text = std::fs::read_to_string(project.path().join("migrations/2_drift.sql")).unwrap();
    assert!(text.contains("RENAME COLUMN email TO mail"), "{text}");
    project.db(&["status", "--check"]).ok();
    project.db(&["repair", "--rename", "a=b"]).code(2);
}

#[test]
fn a_tool_with_a_generator_of_its_own_is_named() {
    let first = "CREATE TABLE users (id int);\n";
    let files = [("prisma/schema.prisma", ""), ("prisma/migrations/1_a/migration.sql", first)];
    let project = layouts::project("rd_prisma", &files);
    let refused = project.db(&["repair", "--drift", "--yes"]).code(2);
    let _ = refused.says("generates its migrations itself").says("cargo db generate NAME");
    project.write("db.toml", "[migrations]\ngenerate = ['true']\n");
    project.db(&["repair", "--drift", "--yes"]).code(2).says("a command of this project");
}

#[test]
fn tables_of_another_set_are_not_written() {
    let project = Project::new("rd_sets");
    let set = |set: &str| {
        format!("[migrations.{set}]\ndir = '{set}'\ntool = 'sqlx'\ntable = '{set}_history'\n")
    };
    project.write("db.toml", &format!("{}{}", set("a"), set("b")));
    project.write("a/1_a.sql", "CREATE TABLE a (id int)");
    project.write("b/1_b.sql", "CREATE TABLE b (id int)");
    project.db(&["migrate", "--set", "a"]).ok();
    project.run_sql("ALTER TABLE a ADD COLUMN n int");
    project.db(&["repair", "--drift", "--set", "a", "--dry-run"]).ok().says("ADD COLUMN n");
    project.db(&["migrate", "--set", "b"]).ok();
    for verb in [&["repair", "--drift"][..], &["generate", "x", "--from-live"]] {
        let refused = project.db(&[verb, &["--set", "a"]].concat()).code(4);
        refused.says("has the tables of other migrations too").says("b_history");
    }
}
