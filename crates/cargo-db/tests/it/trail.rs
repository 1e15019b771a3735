//! An invalid audit trail: partly written, truncated, unreadable, in the file or in the database.
//! It is reported with a next step; used plans do not become valid again; and changes under a
//! killed run are reverted.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{Project, Ran, cluster, eventually};

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project
}

fn file(project: &Project, ending: &str) -> PathBuf {
    project.path().join(".db/audit").with_extension(ending)
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(file(project, "jsonl")).unwrap()
}

/// The last bytes never came to disk.
fn tear(project: &Project, bytes: u64) {
    let file = std::fs::File::options().write(true).open(file(project, "jsonl")).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

/// Keeps only the first lines.
fn cut(project: &Project, lines: usize) {
    let kept: String = text(project).lines().take(lines).map(|line| format!("{line}\n")).collect();
    std::fs::write(file(project, "jsonl"), kept).unwrap();
}

/// Rolls back by a plan, and applies again. Returns the plan's id.
fn back_and_forth(project: &Project) -> String {
    let plan = project.db(&["rollback", "--dry-run", "--json"]).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap().to_owned();
    by_plan(project, &id).ok();
    project.db(&["migrate", "--yes"]).ok();
    id
}

fn by_plan(project: &Project, id: &str) -> Ran {
    let agreed = ["--confirm", &project.database, "--plan", id, "--lose-at-most", "a=10"];
    project.db(&[&["rollback"], &agreed[..]].concat())
}

/// What the warning says to do.
fn remedy(ran: &Ran) -> String {
    let all = format!("{} {}", ran.stdout, ran.stderr);
    let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
    let from = all
        .find("`mkdir ")
        .or_else(|| all.find("`echo 0 > "))
        .unwrap_or_else(|| panic!("no remedy in {ran}"));
    all[from + 1..].split('`').next().unwrap().to_owned()
}

fn heal(project: &Project, ran: &Ran) {
    let done = Command::new("sh").args(["-c", &remedy(ran)]).current_dir(project.path()).status();
    assert!(done.unwrap().success(), "{ran}");
}

#[test]
fn a_partly_written_line_does_not_affect_others() {
    let project = project("tl_torn");
    project.db(&["migrate"]).ok();
    tear(&project, 40);
    let id = back_and_forth(&project);
    let text = text(&project);
    let whole = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok());
    assert_eq!(whole.count(), 5, "{text}");
    by_plan(&project, &id).code(4).says("valid for only one run");
    let ran = project.db(&["migrate", "--dry-run"]).says("is broken at record 2");
    project.db(&["audit", "verify"]).code(1).says("broken at record 2");
    heal(&project, &ran);
    let ran = project.db(&["rollback", "--yes"]).ok();
    assert!(!ran.stderr.contains("is broken"), "{ran}");
    project.db(&["audit", "verify"]).ok().says("2 records");
    project.db(&["migrate"]).ok();
    by_plan(&project, &id).code(4).says("valid for only one run");
}

#[test]
fn truncating_the_trail_does_not_make_used_plans_valid() {
    let project = project("tl_cut");
    project.db(&["migrate"]).ok();
    let id = back_and_forth(&project);
    cut(&project, 2);
    by_plan(&project, &id).code(4).says("valid for only one run");
    project.db(&["rollback", "--yes"]).ok().says("is broken at record 3");
    // The removed records are not restored by later ones.
    project.db(&["migrate"]).ok().says("is broken at record 3").says("was removed or moved");
    // Without the head, the end is unknown, and the warning stays.
    cut(&project, 2);
    std::fs::remove_file(file(&project, "head")).unwrap();
    project.db(&["audit", "verify"]).code(1).says("the head of the trail is missing");
    by_plan(&project, &id).code(4).says("valid for only one run");
    project.db(&["rollback", "--yes"]).ok().says("the head of the trail is missing");
    project.db(&["migrate"]).ok().says("the head of the trail was missing");
    // All of it, but for the plans.
    std::fs::remove_file(file(&project, "head")).unwrap();
    std::fs::remove_file(file(&project, "jsonl")).unwrap();
    by_plan(&project, &id).code(4).says("valid for only one run");
    project.db(&["rollback", "--yes"]).ok().says("the head of the trail is missing");
    // There is no trail left to set aside, and a new one can begin.
    std::fs::remove_file(file(&project, "head")).unwrap();
    std::fs::remove_file(file(&project, "jsonl")).unwrap();
    let ran = project.db(&["migrate", "--dry-run"]).ok().says("the head of the trail is missing");
    heal(&project, &ran);
    let ran = project.db(&["migrate", "--yes"]).ok();
    assert!(!ran.stderr.contains("is broken"), "{ran}");
    project.db(&["audit", "verify"]).ok().says("2 records");
    by_plan(&project, &id).code(4).says("valid for only one run");
}

#[test]
fn where_the_database_keeps_a_trail_it_is_asked_too() {
    let mut project = project("tl_both");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).ok();
    let id = back_and_forth(&project);
    // The file is gone with all files next to it.
    std::fs::remove_dir_all(project.path().join(".db")).unwrap();
    by_plan(&project, &id).code(4).says("valid for only one run");
    // The trail in the database is gone, and the file exists.
    let id = back_and_forth(&project);
    project.run_sql("DELETE FROM cargo_db.audit");
    by_plan(&project, &id).code(4).says("valid for only one run");
    project.db(&["rollback", "--yes"]).ok().says("were changed or removed");
    let ran = project.db(&["migrate", "--yes"]).ok();
    assert!(!ran.stderr.contains("taken out"), "{ran}");
}

#[test]
fn a_trail_that_cannot_be_read_stops_what_changes_something() {
    let project = project("tl_bytes");
    project.db(&["migrate"]).ok();
    let mut bytes = std::fs::read(file(&project, "jsonl")).unwrap();
    bytes[20] = 0xff;
    std::fs::write(file(&project, "jsonl"), bytes).unwrap();
    let ran = project
        .db(&["rollback", "--yes"])
        .code(7)
        .says("which belongs to the audit trail")
        .says("UTF-8");
    project.db(&["status"]).ok();
    project.db(&["backup"]).ok();
    heal(&project, &ran);
    project.db(&["rollback", "--yes"]).ok();
    project.db(&["audit", "verify"]).ok();
    // The file with the used plan ids is not set aside.
    std::fs::write(file(&project, "used"), [0xff, b'\n']).unwrap();
    project.db(&["migrate", "--yes"]).ok();
    let plan = project.db(&["rollback", "--dry-run", "--json"]).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap();
    let ran = by_plan(&project, id).code(7).says("audit.used");
    let ran = ran.says("repair the file: it must be UTF-8 text");
    assert!(!ran.stderr.contains("mkdir"), "{ran}");
    std::fs::write(file(&project, "used"), "").unwrap();
    by_plan(&project, id).ok();
}

#[test]
fn a_view_in_place_of_the_trail_is_not_read() {
    let mut project = project("tl_view");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).ok();
    project.run_sql(
        "ALTER TABLE cargo_db.audit RENAME TO old; \
         CREATE VIEW cargo_db.audit AS SELECT id, record FROM cargo_db.old WHERE false",
    );
    project.db(&["rollback", "--yes"]).code(4).says("is not the table that cargo db creates");
}

/// Has a migration killed while it sleeps, after it has run this.
fn killed(project: &Project, sql: &str) {
    let name = project.database.as_str();
    project.migration("2_b.up.sql", &format!("-- no-transaction\n{sql}; SELECT pg_sleep(60);"));
    let mut command = project.command(&["migrate", "--yes"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sleeping = format!(
        "SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'SELECT pg_sleep%'"
    );
    eventually("it sleeps", || !cluster().query("postgres", &sleeping).is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    cluster().end_sessions(name);
    project.migration("2_b.up.sql", "CREATE TABLE b (id int);");
}

const MARKER: &str = "SELECT environment FROM cargo_db.marker";
const VERBS: &str = "SELECT record::json->>'verb' FROM cargo_db.audit ORDER BY id";

#[test]
fn changes_under_a_killed_run_are_reverted() {
    let mut project = project("tl_killed");
    project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    killed(&project, "DROP SCHEMA cargo_db CASCADE");
    project.set("APP_ENV", "development");
    project.db(&["env", "show"]).ok().says("staging");
    project.db(&["migrate"]).code(3).says("staging").says("which was killed");
    project.db(&["migrate", "--dry-run"]).ok().says("the environment marker was changed");
    project.db(&["migrate", "--yes"]).ok().says("Restored");
    assert_eq!(project.query(MARKER), ["staging"]);
    let verbs = ["env set", "env set", "migrate", "migrate", "migrate", "migrate", "migrate"];
    assert_eq!(project.query(VERBS), verbs);
    let ran = project.db(&["migrate", "--yes"]).ok().says("nothing to do");
    assert!(!ran.stderr.contains("killed"), "{ran}");
}

#[test]
fn what_others_have_made_of_the_tables_survives_what_is_put_back() {
    for (name, sql, survives) in [
        ("tl_view_row", "UPDATE cargo_db.marker SET environment = 'test'", true),
        ("tl_view_none", "DELETE FROM cargo_db.marker; DROP TABLE cargo_db.audit", true),
        // A table whose definition was changed is created again.
        (
            "tl_view_check",
            "DELETE FROM cargo_db.marker; \
             ALTER TABLE cargo_db.marker ADD CHECK (environment = 'test')",
            false,
        ),
        (
            "tl_view_default",
            "DELETE FROM cargo_db.marker; \
             ALTER TABLE cargo_db.marker ALTER set_by SET DEFAULT 1 / 0",
            false,
        ),
    ] {
        let project = project(name);
        project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
        project.db(&["env", "set", "staging", "--yes"]).ok();
        project.db(&["migrate", "--yes"]).ok();
        project.run_sql("CREATE VIEW which AS SELECT environment FROM cargo_db.marker");
        let verbs = project.query(VERBS).len();
        killed(&project, sql);
        project.db(&["migrate", "--yes"]).ok().says("Restored");
        assert_eq!(project.query(MARKER), ["staging"], "{name}");
        assert!(project.query(VERBS).len() > verbs, "{name}");
        let view = project.query("SELECT to_regclass('which')");
        assert_eq!(view, [if survives { "which" } else { "" }], "{name}");
        let ran = project.db(&["migrate", "--yes"]).ok().says("nothing to do");
        assert!(!ran.stderr.contains("killed"), "{ran}");
    }
}

#[test]
fn records_lost_under_a_killed_run_are_refused_without_a_copy() {
    let project = project("tl_lost");
    project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
    let other = Project::without_database("tl_lost");
    other.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    killed(&project, "DELETE FROM cargo_db.audit WHERE id < 3");
    let refused = project.db(&["migrate", "--yes"]).code(4).says("and this project has no copy");
    let _ = refused.says("cargo db env set");
    assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok();
}
