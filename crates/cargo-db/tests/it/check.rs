//! `check`: the rules by their own examples, what may be allowed, and what git knows.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::{Project, repository};

fn rules_of(project: &Project, arguments: &[&str]) -> Vec<String> {
    let json = project.db(&[&["check", "--json"], arguments].concat()).json();
    let migrations = json["migrations"].as_array().unwrap().iter();
    let findings = migrations.flat_map(|migration| migration["findings"].as_array().unwrap());
    findings.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_rule_has_a_page_and_its_examples_are_true() {
    let page = std::fs::read_to_string(repository().join("docs/rules.md")).unwrap();
    let source =
        std::fs::read_to_string(repository().join("crates/cargo-db/src/check/rules.rs")).unwrap();
    let in_code: BTreeSet<&str> =
        source.split("    rule(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut on_page = BTreeSet::new();
    let project = Project::bare("c_rules");
    for section in page.split("\n### ").skip(1) {
        let name = section.lines().next().unwrap();
        on_page.insert(name);
        for kind in ["bad", "good"] {
            let Some(example) = section.split(&format!("```sql {kind}\n")).nth(1) else { continue };
            project.write("example.sql", example.split("```").next().unwrap());
            let rules = rules_of(&project, &["example.sql"]);
            assert_eq!(
                rules.contains(&name.to_owned()),
                kind == "bad",
                "{name}, {kind}: {rules:?}"
            );
        }
    }
    assert_eq!(on_page, in_code);
}

#[test]
fn an_allow_is_for_one_rule_at_one_statement() {
    let project = Project::bare("c_allow");
    project.write(
        "a.sql",
        "-- cargo-db: allow truncate the cache fills itself again\nTRUNCATE a;\nTRUNCATE b;\n\
         DELETE FROM c -- cargo-db: allow delete-without-where it is a queue\n;\nDELETE FROM d;\n",
    );
    assert_eq!(rules_of(&project, &["a.sql"]), ["truncate", "delete-without-where"]);
    let json = project.db(&["check", "a.sql", "--json"]).code(1).json();
    let lines: Vec<i64> = json["migrations"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["line"].as_i64().unwrap())
        .collect();
    assert_eq!(lines, [3, 6]);
    // A comment of another tool's silences nothing.
    project.write("b.sql", "-- squawk-ignore ban-drop-table\nDROP TABLE a;\n");
    assert_eq!(rules_of(&project, &["b.sql"]), ["ban-drop-table"]);
    // A statement after one that the parser swallows is looked at as well.
    project.write(
        "c.sql",
        "CREATE SCHEMA s CREATE VIEW v AS SELECT 1;\nCREATE INDEX i ON accounts (name);\nDROP TABLE users;\n",
    );
    assert_eq!(
        rules_of(&project, &["c.sql"]),
        ["require-concurrent-index-creation", "ban-drop-table"]
    );
    // What stands in a DO block is seen, with its line.
    project
        .write("d.sql", "DO $$\nBEGIN\n  IF true THEN\n    TRUNCATE users;\n  END IF;\nEND $$;\n");
    project.db(&["check", "d.sql"]).code(1).says("line 4").says("truncate");
}

#[test]
fn look_alikes_are_left_alone() {
    let project = Project::bare("c_alike");
    for (number, sql) in [
        "CREATE TABLE a (id bigint PRIMARY KEY, n text); CREATE INDEX a_n ON a (n); INSERT INTO a VALUES (1, 'TRUNCATE b');",
        "ALTER TABLE a ADD COLUMN c int NOT NULL DEFAULT 1;",
        "COMMENT ON TABLE a IS 'DROP TABLE b; COMMIT;';",
        "-- TRUNCATE a; DROP TABLE b;\nSELECT 1;",
        "UPDATE a SET n = (SELECT name FROM b WHERE b.id = a.id) WHERE n IS NULL;",
        "WITH old AS (SELECT id FROM a WHERE n = '') DELETE FROM b USING old WHERE b.id = old.id;",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; COMMIT; END $$;",
        "CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();",
        "ALTER TABLE a ALTER COLUMN n SET DEFAULT 'x';",
        "ALTER TYPE mood ADD VALUE 'great' BEFORE 'fine';",
        "CREATE TABLE \"truncate\" (\"drop\" int);",
        "INSERT INTO a SELECT * FROM b;",
    ]
    .iter()
    .enumerate()
    {
        project.write(&format!("{number}.sql"), sql);
        assert_eq!(rules_of(&project, &[&format!("{number}.sql")]), Vec::<String>::new(), "{sql}");
    }
}

fn git(project: &Project, arguments: &[&str]) {
    let who = ["-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    let done =
        Command::new("git").args(who).args(arguments).current_dir(project.path()).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn what_is_on_the_shared_branch_is_not_changed() {
    let project = Project::bare("c_git");
    for (version, sql) in [
        ("20260101000000", "CREATE TABLE a (id int);"),
        ("20260102000000", "CREATE TABLE b (id int);"),
    ] {
        project.migration(&format!("{version}_m.up.sql"), sql);
        project.migration(&format!("{version}_m.down.sql"), "DROP TABLE a;");
    }
    project.migration("20260103000000_c.up.sql", "CREATE TABLE c (id int);");
    project.migration("20260103000000_c.down.sql", "DROP TABLE c;");
    git(&project, &["init", "--quiet", "--initial-branch", "main"]);
    git(&project, &["add", "--all"]);
    git(&project, &["commit", "--quiet", "--message", "first"]);
    git(&project, &["checkout", "--quiet", "-b", "work"]);
    assert_eq!(rules_of(&project, &[]), Vec::<String>::new());

    project.migration("20260101000000_m.up.sql", "CREATE TABLE a (id bigint);");
    project.migration("20260102000000_m.up.sql", "-- the second\nCREATE TABLE b\n(id int);");
    project.migration("20260102120000_late.up.sql", "SELECT 1;");
    project.migration("20260102120000_late.down.sql", "SELECT 1;");
    project.migration("20260103000000_twin.up.sql", "SELECT 1;");
    project.migration("20260104000000_lonely.up.sql", "SELECT 1;");
    project.migration("20260105000000_orphan.down.sql", "SELECT 1;");
    project.migration("wrong.sql", "SELECT 1;");
    let rules: BTreeSet<String> = rules_of(&project, &[]).into_iter().collect();
    let expected = [
        "edited-comments",
        "edited-migration",
        "late-version",
        "misnamed-file",
        "missing-down-file",
        "orphan-down-file",
        "same-version",
    ];
    assert_eq!(rules.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    project.db(&["check", "--fail-on", "block"]).code(1);

    // Only what is staged, as it is staged.
    git(&project, &["add", "migrations/20260101000000_m.up.sql"]);
    project.migration("20260101000000_m.up.sql", "TRUNCATE a;");
    assert_eq!(rules_of(&project, &["--staged"]), ["edited-migration"]);
    // What was changed since, and what is new.
    let json = project.db(&["check", "--base", "main", "--json"]).json();
    assert_eq!(json["migrations"].as_array().unwrap().len(), 8);
    project.db(&["check", "--base", "nowhere"]).code(2);
}

#[test]
fn without_findings_it_is_quiet_and_needs_no_database() {
    let mut project = Project::bare("c_quiet");
    project.set("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["check"]).ok().says("1 file: 1 PASS");
    project.migration("2_b.sql", "CREATE INDEX i ON a (id);");
    project.db(&["check"]).code(1).says("2 files: 1 WARN, 1 PASS");
    project.db(&["check", "--fail-on", "block"]).ok();
    assert_eq!(project.db(&["check", "--fail-on", "block", "-q"]).ok().stderr, "");
}
