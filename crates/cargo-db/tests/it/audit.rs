//! The audit trail.

use crate::support::{PASSWORD, Project, cluster, eventually};

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration(
        "1_a.up.sql",
        "CREATE TABLE a (id int, word text); INSERT INTO a VALUES (1, 'a secret row');",
    );
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project
}

fn trail(project: &Project) -> String {
    std::fs::read_to_string(project.path().join(".db/audit.jsonl")).unwrap_or_default()
}

fn records(project: &Project) -> Vec<serde_json::Value> {
    trail(project).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_change_is_recorded_before_and_after() {
    let mut project = project("au_deeds");
    project.set("DATABASE_URL", &cluster().tcp_url("au_deeds"));
    project.db(&["migrate"]).ok();
    project.db(&["rollback"]).code(3);
    project.db(&["rollback", "--yes"]).ok();
    project.migration("1_a.up.sql", "CREATE TABLE a (id nothing);");
    project.db(&["migrate"]).code(7);
    let records = records(&project);
    let said: Vec<String> = records
        .iter()
        .map(|record| {
            format!(
                "{} {} {} {}",
                record["verb"], record["phase"], record["result"], record["consent"]
            )
        })
        .collect();
    assert_eq!(
        said,
        [
            r#""migrate" "intent" null "no confirmation""#,
            r#""migrate" "outcome" "done" "no confirmation""#,
            r#""rollback" "intent" null "confirm""#,
            r#""rollback" "outcome" "done" "confirm""#,
            r#""migrate" "intent" null "no confirmation""#,
            r#""migrate" "outcome" "STATEMENT.FAILED" "no confirmation""#,
        ]
    );
    assert_eq!(records[2]["backup"].as_str().unwrap().split('_').next(), Some("au"));
    assert_eq!(records[2]["migrations"][0], "1");
    let text = trail(&project);
    assert!(!text.contains(PASSWORD) && !text.contains("a secret row"));
    let shown = project.db(&["audit"]).ok().says("migrate on au_deeds (development): done in ");
    let shown = shown.says("failed after ").says(": STATEMENT.FAILED").says("migration 1");
    let narrow = project.command(&["audit"]).env("COLUMNS", "60").output().unwrap();
    let narrow = String::from_utf8(narrow.stdout).unwrap();
    let details = narrow.lines().filter(|line| line.starts_with("     "));
    assert!(
        details.filter(|line| line.split_whitespace().count() > 1).all(|line| line.len() <= 60),
        "{narrow}"
    );
    // Each operation is one row, followed by its backup and its plan.
    let backup = records[2]["backup"].as_str().unwrap();
    let plan = records[2]["plan"].as_str().unwrap();
    let shown = shown.says(&format!("backup {backup}")).says(&format!("plan {plan}, confirm"));
    let is_deed = |line: &&str| !line.starts_with("     ");
    let numbers = shown.stdout.lines().filter(is_deed).map(|line| line[..4].trim());
    assert_eq!(numbers.collect::<Vec<_>>(), ["1", "2", "3"]);
    use std::os::unix::fs::PermissionsExt;
    let mode =
        std::fs::metadata(project.path().join(".db/audit.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn one_operation_is_shown_in_full_by_its_number() {
    let project = project("au_show");
    project.db(&["migrate"]).ok();
    project.db(&["rollback", "--yes"]).ok();
    let records = records(&project);
    // Operations are numbered without holes, though each has two records.
    let rollback = project.db(&["audit", "show", "2", "--json"]).ok().json();
    assert_eq!((&rollback["intent"], &rollback["outcome"]), (&records[2], &records[3]));
    let listed = project.db(&["audit", "--json"]).ok().json();
    let numbers = listed["records"].as_array().unwrap().iter().map(|one| one["operation"].clone());
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 1, 2, 2]);
    let text = |key: &str| records[2][key].as_str().unwrap().to_owned();
    let shown = project.command(&["audit", "show", "2"]).env("COLUMNS", "200").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let has = |label: &str, value: &str| {
        let line = shown.lines().find(|line| line.starts_with(label));
        assert!(line.is_some_and(|line| line.contains(value)), "{label} {value}: {shown}");
    };
    has("Operation", "rollback on au_show");
    has("Environment", "development");
    has("Started", &text("when"));
    has("Ended", records[3]["when"].as_str().unwrap());
    has("Result", "done in ");
    has("By", records[2]["by"]["role"].as_str().unwrap());
    has("Plan", &text("plan"));
    has("Consent", "confirm");
    has("Migrations", "1");
    has("Backup", &text("backup"));
    has("Record", &format!("3, SHA-256 {}", text("hash")));
    assert!(shown.contains(&format!("4, SHA-256 {}", records[3]["hash"].as_str().unwrap())));

    let none = project.db(&["audit", "show", "9"]).code(2);
    none.says("the audit trail has no operation 9")
        .says("the trail has 2 operations")
        .says("`cargo db audit`");
    project.db(&["audit", "show"]).code(2);
    // Without an outcome it was killed, or is still running.
    let whole = trail(&project);
    let cut: Vec<&str> = whole.lines().take(3).collect();
    std::fs::write(project.path().join(".db/audit.jsonl"), cut.join("\n") + "\n").unwrap();
    project.db(&["audit", "show", "2"]).ok().says("no outcome recorded");
    assert!(project.db(&["audit", "show", "2", "--json"]).ok().json()["outcome"].is_null());
}

#[test]
fn only_the_newest_operations_are_shown_on_request() {
    let project = project("au_limit");
    project.db(&["migrate"]).ok();
    project.db(&["rollback", "--yes"]).ok();
    project.db(&["migrate"]).ok();
    let shown = |limit: &str| {
        let listed = project.db(&["audit", "--json", "--limit", limit]).ok().json();
        let records = listed["records"].as_array().unwrap().clone();
        records.iter().map(|one| one["operation"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    // Their numbers stay those that `audit show` takes.
    assert_eq!(shown("2"), [2, 2, 3, 3]);
    assert_eq!(shown("9"), [1, 1, 2, 2, 3, 3]);
    let said = project.db(&["audit", "--limit", "1"]).ok().stdout;
    assert!(said.contains("migrate") && !said.contains("rollback"), "{said}");
    project.db(&["audit", "--limit", "0"]).code(2);
}

#[test]
fn the_trail_in_the_database_is_shown_too() {
    let mut project = project("au_show_db");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    let shown = project.db(&["audit", "show", "1", "--database", "--json"]).ok().json();
    assert_eq!(shown["intent"], records(&project)[0]);
    let none = project.db(&["audit", "show", "9", "--database"]).code(2);
    none.says("`cargo db audit --database`");
}

#[test]
fn changed_or_removed_records_are_named() {
    let project = project("au_verify");
    project.db(&["migrate"]).ok();
    project.db(&["reset", "--force"]).ok();
    project.db(&["rollback", "--yes"]).ok();
    project.db(&["audit", "verify"]).ok().says("6 records");
    let path = project.path().join(".db/audit.jsonl");
    let whole = trail(&project);
    let lines: Vec<&str> = whole.lines().collect();
    let check = |lines: &[String], says: &str| {
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        project.db(&["audit", "verify"]).code(1).says(says);
        std::fs::write(&path, &whole).unwrap();
    };
    let owned = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let mut changed = owned();
    changed[2] = changed[2].replace("\"confirm\"", "\"consent to the plan\"");
    check(&changed, "broken at record 3");
    for gone in 0..5 {
        let mut without = owned();
        without.remove(gone);
        check(&without, &format!("broken at record {}", gone + 1));
    }
    // The end is missing, or all of it.
    check(&owned()[..4], "broken at record 5");
    check(&[], "broken at record 1");
    let mut swapped = owned();
    swapped.swap(1, 2);
    check(&swapped, "broken at record 2");
    project.db(&["audit", "verify"]).ok();
}

#[test]
fn a_killed_run_is_reported() {
    let project = project("au_killed");
    project.migration("2_slow.sql", "SELECT pg_sleep(30);");
    let mut run = project.command(&["migrate"]).spawn().unwrap();
    let sleeping =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'au_killed' AND query LIKE '%pg_sleep%'";
    eventually("it sleeps", || !cluster().query("postgres", sleeping).is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    project.db(&["audit"]).ok().says("no outcome recorded (killed or still running)");
    cluster().end_sessions("au_killed");
    project.migration("2_slow.sql", "SELECT 1;");
    project.db(&["migrate"]).ok().says("has no outcome recorded (killed or still running)");
    project.db(&["migrate"]).ok().says("nothing to do");
}

#[test]
fn without_a_trail_nothing_is_done() {
    let mut project = project("au_none");
    project.write(".db", "a file where the folder belongs");
    project.db(&["migrate"]).code(7).says(".db");
    assert_eq!(project.query("SELECT to_regclass('a')"), [""]);
    // In staging the database records the run too: if the role cannot write there, nothing is done
    // either.
    std::fs::remove_file(project.path().join(".db")).unwrap();
    cluster().run("postgres", "CREATE ROLE au_reader LOGIN");
    project.run_sql("CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text, installed_on timestamptz DEFAULT now(), success boolean, checksum bytea, execution_time bigint); GRANT ALL ON _sqlx_migrations TO au_reader");
    project.set("DATABASE_URL", &cluster().url("au_none").replace("postgres@", "au_reader@"));
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).code(7).says("write the audit trail into the database");
}

/// If a run creates its database, its second plan no longer contains the creation.
#[test]
fn the_plan_that_was_shown_is_the_one_that_is_recorded() {
    let project = Project::without_database("au_created");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let shown = project.db(&["migrate"]).ok().stderr;
    let id = shown.lines().find_map(|line| line.strip_prefix("Plan ")?.split(' ').next());
    assert_eq!(records(&project)[0]["plan"].as_str(), id, "{shown}");
    project.db(&["audit"]).ok().says(id.expect("a plan"));
}

/// A backup that a person took is a deed, and a restore is not like its undoing.
#[test]
fn backups_and_restores_are_told_apart() {
    let mut project = project("au_backups");
    project.set("COLUMNS", "200");
    project.db(&["migrate"]).ok();
    project.db(&["backup", "-o", "mine.sql.gz"]).ok();
    project.db(&["restore", "mine", "--yes"]).ok();
    project.db(&["restore", "--undo", "--yes"]).ok();
    project.db(&["audit", "verify"]).ok();
    let listed = project.db(&["audit"]).ok();
    let rows: Vec<Vec<&str>> = listed.stdout.lines().fold(Vec::new(), |mut rows, line| {
        match line.starts_with("   ") && line.trim_start().starts_with(|c: char| c.is_ascii_digit())
        {
            true => rows.push(vec![line]),
            false => rows.last_mut().unwrap().push(line.trim()),
        }
        rows
    });
    assert_eq!(rows.len(), 4, "{listed}");
    for (number, (row, verb)) in
        rows.iter().zip(["migrate on", "backup of", "restore on", "restore on"]).enumerate()
    {
        assert!(row[0].trim_start().starts_with(&format!("{} ", number + 1)), "{listed}");
        assert!(row[0].contains(&format!("{verb} au_backups (development): done in ")), "{listed}");
    }
    assert!(rows[1].contains(&"backup mine.sql.gz"), "{listed}");
    assert!(!rows[1].iter().any(|line| line.starts_with("plan")), "{listed}");
    assert!(rows[2].contains(&"loads the backup mine.sql.gz"), "{listed}");
    assert!(rows[3].iter().any(|line| line.starts_with("undoes a restore: ")), "{listed}");
    project.db(&["audit", "show", "2"]).ok().says("mine.sql.gz").says("backup of au_backups");
    // One that failed is recorded as such.
    project.run_sql("CREATE ROLE au_blind LOGIN");
    let url = crate::support::cluster().url("au_backups").replace("postgres@", "au_blind@");
    project.set("DATABASE_URL", &url);
    let failed = project.db(&["backup", "--json"]);
    let code = failed.json()["error"]["code"].as_str().unwrap().to_owned();
    let shown = project.db(&["audit", "show", "5", "--json"]).ok().json();
    assert_eq!(
        (&shown["intent"]["verb"], &shown["outcome"]["result"]),
        (&"backup".into(), &code.into())
    );
}
