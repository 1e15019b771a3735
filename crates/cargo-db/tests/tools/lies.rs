//! Tools that report success and did something else, each caught behind `cargo db migrate`.

use std::process::{Command, Stdio};

use crate::projects::{project, run};
use crate::support::{Project, Ran, eventually};

fn by_the_tool(project: &Project) {
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    project.write("db.toml", &format!("{toml}\n[migrations]\nrunner = \"tool\"\n"));
}

/// sqlx ends with 0 when it is interrupted, whatever was applied.
#[test]
fn sqlx_that_was_interrupted() {
    let project = project("lie_sqlx", None);
    by_the_tool(&project);
    project.migration("1_first.sql", "CREATE TABLE first (id int);");
    project.migration("2_slow.sql", "SELECT pg_sleep(60);");
    let child = project
        .command(&["migrate"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let parent = child.id().to_string();
    let sqlx = || {
        let found = Command::new("pgrep").args(["-P", &parent, "sqlx"]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().to_owned()
    };
    eventually("sqlx sleeps", || {
        !sqlx().is_empty()
            && !project.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND wait_event = 'PgSleep'").is_empty()
    });
    assert!(Command::new("kill").args(["-INT", &sqlx()]).status().unwrap().success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    let _ = ran.code(10).says("sqlx reported success").says("`2 slow` is not applied");
}

/// refinery skips versions older than the newest, and only logs it.
#[test]
fn refinery_that_left_one_out() {
    let project = project("lie_refinery", None);
    project.write("refinery.toml", "");
    by_the_tool(&project);
    project.migration("V1__a.sql", "CREATE TABLE a (id int);");
    project.migration("V3__c.sql", "CREATE TABLE c (id int);");
    let _ = project.db(&["migrate"]).ok();
    project.migration("V2__b.sql", "CREATE TABLE b (id int);");
    let _ = project
        .db(&["migrate"])
        .code(10)
        .says("refinery reported success")
        .says("`2 b` is not applied");
}

/// drizzle takes whatever is older than the newest row for applied.
#[test]
fn drizzle_that_left_a_merged_one_out() {
    let project = project("lie_drizzle", Some("drizzle"));
    project.write(
        "drizzle.config.ts",
        "export default { dialect: 'postgresql', schema: './schema.ts', out: './drizzle', dbCredentials: { url: process.env.DATABASE_URL } };\n",
    );
    by_the_tool(&project);
    let journal = |entries: &[(u64, &str)]| {
        let entry = |(idx, (when, tag)): (usize, &(u64, &str))| {
            format!(
                r#"{{"idx":{idx},"version":"7","when":{when},"tag":"{tag}","breakpoints":true}}"#
            )
        };
        let entries: Vec<String> = entries.iter().enumerate().map(entry).collect();
        let text = format!(
            r#"{{"version":"7","dialect":"postgresql","entries":[{}]}}"#,
            entries.join(",")
        );
        project.write("drizzle/meta/_journal.json", &text);
    };
    project.write("drizzle/0000_ours.sql", "CREATE TABLE ours (id int);");
    journal(&[(2000, "0000_ours")]);
    let _ = project.db(&["migrate"]).ok();
    project.write("drizzle/0001_theirs.sql", "CREATE TABLE theirs (id int);");
    journal(&[(2000, "0000_ours"), (1000, "0001_theirs")]);
    let _ = project
        .db(&["migrate"])
        .code(10)
        .says("drizzle reported success")
        .says("0001_theirs` is not applied");
    // cargo db itself applies it, and the tool has nothing against that.
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    project.write("db.toml", &toml.replace("runner = \"tool\"", "runner = \"builtin\""));
    let _ = project.db(&["migrate"]).ok();
    let _ = run(&project, &["drizzle-kit", "migrate"]).ok();
    assert_eq!(project.query("SELECT to_regclass('theirs')"), ["theirs"]);
}

/// dbmate prints `Applied` for the migration that has just failed.
#[test]
fn dbmate_that_says_applied() {
    let project = project("lie_dbmate", Some("dbmate"));
    by_the_tool(&project);
    let file = |name: &str, sql: &str| {
        project.write(
            &format!("db/migrations/{name}.sql"),
            &format!("-- migrate:up\n{sql}\n-- migrate:down\n"),
        )
    };
    file("1_good", "CREATE TABLE good (id int);");
    file("2_bad", "CREATE TABLE bad (id nothing);");
    let ran =
        project.db(&["migrate"]).code(10).says("Applied: 2_bad.sql").says("`2 bad` is not applied");
    assert!(!ran.stderr.contains("`1 good` is not applied"), "{ran}");
    let _ = project.db(&["status", "--check", "--json"]).code(1).says("\"applied\":1");
}
