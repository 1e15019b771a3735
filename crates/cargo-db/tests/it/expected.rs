//! Expectations that are stated outside the migration: in db.toml, and in `expect/`.

use crate::support::Project;

const DROP: &str = "ALTER TABLE users DROP COLUMN note;";

fn project(name: &str) -> Project {
    let mut project = Project::new(name);
    project.run_sql("CREATE TABLE users (id int, note text); INSERT INTO users VALUES (1, 'a')");
    project.migration("0001_m.sql", DROP);
    project.set("CARGO_DB_REHEARSE", "");
    project
}

fn toml(project: &Project, more: &str) {
    let text = format!("[database]\nname = \"{}\"\n{more}\n", project.database);
    project.write("db.toml", &text);
}

#[test]
fn the_line_that_is_printed_accepts_it_and_the_file_stays_as_it_is() {
    let project = project("ex_toml");
    let ran = project.db(&["rehearse"]).code(1);
    let line = "1 = [\"loss users.note <= 1\"]";
    let ran = ran.says(&format!("if that is meant: `{line}` below `[expect]` in db.toml"));
    assert!(!ran.stdout.contains("-- cargo-db: expect"), "{ran}");
    toml(&project, &format!("[expect]\n{line}"));
    project.db(&["rehearse"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    project.db(&["status", "--check"]).ok();
}

#[test]
fn check_accepts_a_loss_that_is_expected() {
    let project = project("ex_check");
    project.db(&["check"]).code(1).says("ban-drop-column");
    toml(&project, "[expect]\n1 = [\"loss users.note <= 1\"]");
    project.db(&["check"]).ok();
    toml(&project, "[expect]\n1 = [\"loss users_old.note <= 1\"]");
    project.db(&["check"]).code(1).says("ban-drop-column");
    toml(&project, "");
    project.migration("0001_m.sql", &format!("-- cargo-db: expect loss users.note <= 1\n{DROP}"));
    project.db(&["check"]).ok();
}

/// One of two columns is not both of them.
#[test]
fn check_accepts_the_columns_that_are_named() {
    let project = Project::new("ex_check_two");
    for drops in ["DROP COLUMN a, DROP COLUMN b;", "DROP COLUMN a;\nALTER TABLE t DROP COLUMN b;"] {
        project.migration("1_m.sql", &format!("ALTER TABLE t {drops}"));
        toml(&project, "[expect]\n1 = [\"loss t.a <= 1\"]");
        project.db(&["check"]).code(1).says("ban-drop-column");
        toml(&project, "[expect]\n1 = [\"loss t.a <= 1\", \"loss t.b <= 1\"]");
        project.db(&["check"]).ok();
    }
}

/// What is suggested replaces the line that is there.
#[test]
fn a_further_expectation_is_suggested_with_those_that_are_there() {
    let mut project = Project::new("ex_further");
    project.run_sql("CREATE TABLE a (id int, b int, c int); INSERT INTO a VALUES (1, 2, 3)");
    project.migration("1_m.sql", "ALTER TABLE a DROP COLUMN b; ALTER TABLE a DROP COLUMN c;");
    project.set("COLUMNS", "400");
    toml(&project, "[expect]\n1 = [\"loss a.b <= 1\"]");
    let line = "1 = [\"loss a.b <= 1\", \"loss a.c <= 1\"]";
    project.db(&["rehearse"]).code(1).says(&format!("if that is meant: `{line}` below"));
    toml(&project, &format!("[expect]\n{line}"));
    project.db(&["rehearse"]).ok();
    // A bound that is too low is replaced.
    toml(&project, "[expect]\n1 = [\"loss a.b <= 0\", \"loss a.c <= 1\"]");
    let line = "1 = [\"loss a.c <= 1\", \"loss a.b <= 1\"]";
    project.db(&["rehearse"]).code(1).says(&format!("if that is meant: `{line}` below"));
}

/// In a file with sections, a comment above the first marker is about the migration.
#[test]
fn a_comment_at_the_head_of_a_file_with_sections_counts() {
    let project = Project::new("ex_head");
    project.run_sql("CREATE TABLE users (id int, note text); INSERT INTO users VALUES (1, 'a')");
    toml(&project, "[migrations]\ntool = \"dbmate\"\ndir = \"db/migrations\"");
    let line = "-- cargo-db: expect loss users.note <= 1";
    let file = format!("-- drops the note\n{line}\n\n-- migrate:up\n{DROP}\n-- migrate:down\n");
    project.write("db/migrations/1_m.sql", &file);
    let verdict = |verb: &str| {
        let json = project.db(&[verb, "--json"]).json();
        let findings = json["migrations"][0]["findings"].as_array().unwrap().clone();
        findings.iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(verdict("check"), ["empty-down-file"]);
    assert_eq!(verdict("rehearse"), ["column-gone", "empty-down-file"]);
}

#[test]
fn several_expectations_are_one_line() {
    let mut project = Project::new("ex_two");
    project.run_sql("CREATE TABLE a (id int, b int UNIQUE, c int); INSERT INTO a VALUES (1, 2, 3)");
    project.migration("1_m.sql", "ALTER TABLE a DROP COLUMN b; ALTER TABLE a DROP COLUMN c;");
    project.set("CARGO_DB_REHEARSE", "");
    project.set("COLUMNS", "400");
    let json = project.db(&["rehearse", "--json"]).code(1).json();
    let findings = json["migrations"][0]["findings"].as_array().unwrap().clone();
    let helps = findings.iter().filter_map(|finding| finding["help"].as_str());
    let lines: std::collections::BTreeSet<String> = helps
        .filter_map(|help| help.split_once("if that is meant: `")?.1.split_once('`'))
        .map(|(line, _)| line.to_owned())
        .collect();
    assert_eq!(lines.len(), 1, "{findings:?}");
    toml(&project, &format!("[expect]\n{}", lines.first().unwrap()));
    project.db(&["rehearse"]).ok();
}

#[test]
fn a_file_below_expect_does_the_same() {
    let project = project("ex_file");
    project.write("expect/0001.toml", "expect = [\"loss users.note <= 1\"]\n");
    project.db(&["rehearse"]).ok();
    // The bound also applies without a rehearsal.
    project.run_sql("INSERT INTO users VALUES (2, 'b')");
    let mut test = project;
    test.set("CARGO_DB_ENV", "test");
    test.db(&["migrate"]).code(4).says("users.note has 2 rows, and the file allows a loss of 1");
}

#[test]
fn of_several_bounds_the_largest_counts() {
    let mut project = Project::new("ex_several");
    project.run_sql("CREATE TABLE a (id int); INSERT INTO a SELECT generate_series(1, 8)");
    project.migration("1_m.sql", "-- cargo-db: expect loss a <= 5\nDROP TABLE a;");
    toml(&project, "[expect]\n1 = [\"loss a <= 10\"]");
    project.db(&["rehearse"]).ok();
    // Without a rehearsal, and with one.
    for (environment, rehearse) in [("test", ""), ("development", "1")] {
        project.set("CARGO_DB_ENV", environment);
        project.set("CARGO_DB_REHEARSE", rehearse);
        project.db(&["migrate", "--yes"]).ok();
        project.run_sql("CREATE TABLE a (id int); INSERT INTO a SELECT generate_series(1, 8)");
        project.run_sql("DELETE FROM _sqlx_migrations");
    }
    project.run_sql("INSERT INTO a SELECT generate_series(9, 11)");
    project.set("CARGO_DB_ENV", "test");
    project
        .db(&["migrate", "--yes"])
        .code(4)
        .says("a has 11 rows, and the file allows a loss of 10");
}

#[test]
fn each_set_has_its_own() {
    let project = project("ex_set");
    let set = "[migrations.shop]\ndir = \"migrations\"\ntool = \"sqlx\"\nurl = \"DATABASE_URL\"\n";
    toml(&project, &format!("{set}[expect.other]\n1 = [\"loss users.note <= 1\"]"));
    project.db(&["rehearse"]).code(1).says("below `[expect.shop]` in db.toml");
    toml(&project, &format!("{set}[expect.shop]\n1 = [\"loss users.note <= 1\"]"));
    project.db(&["rehearse"]).ok();
    toml(&project, set);
    project.write("expect/shop/1.toml", "expect = [\"loss users.note <= 1\"]\n");
    project.db(&["rehearse"]).ok();
}

#[test]
fn what_cannot_be_understood_is_an_error() {
    let project = project("ex_wrong");
    for wrong in ["loss users.note", "lost users.note <= 1", "loss <= 1", "loss users <= many"] {
        toml(&project, &format!("[expect]\n1 = [\"{wrong}\"]"));
        project.db(&["status"]).code(2).says(wrong).says("expect.1 in db.toml");
    }
    toml(&project, "[expect]\n1 = \"loss users <= 1\"");
    project.db(&["status"]).code(2).says("write a list of lines");
    toml(&project, "");
    project.write("expect/1.toml", "lines = []\n");
    project.db(&["status"]).code(2).says("expect/1.toml");
}

#[test]
fn a_tool_without_checksums_takes_a_comment_in_the_file() {
    let project = Project::new("ex_comment");
    project.run_sql("CREATE TABLE users (id int, note text); INSERT INTO users VALUES (1, 'a')");
    toml(&project, "[migrations]\ntool = \"dbmate\"\ndir = \"db/migrations\"");
    let text = |more: &str| format!("-- migrate:up\n{more}{DROP}\n-- migrate:down\n");
    project.write("db/migrations/1_m.sql", &text(""));
    let line = "-- cargo-db: expect loss users.note <= 1";
    project.db(&["rehearse"]).code(1).says(&format!("if that is meant: `{line}` in the file"));
    project.write("db/migrations/1_m.sql", &text(&format!("{line}\n")));
    project.db(&["rehearse"]).ok();
}

#[test]
fn an_expectation_about_no_migration_is_a_warning() {
    let mut project = project("ex_none");
    project.set("COLUMNS", "200");
    project.migration("20260301090000_n.sql", "CREATE TABLE n (id int);");
    toml(&project, "[expect]\n1 = [\"loss users.note <= 1\"]\n2026030109000 = [\"lock n <= 1\"]");
    project.write("expect/7.toml", "expect = [\"loss a <= 1\"]\n");
    let near = "expect.2026030109000 in db.toml: there is no migration with the version \
                `2026030109000`: did you mean `20260301090000`?";
    let none = "expect/7.toml: there is no migration with the version `7`";
    for verb in [&["check"][..], &["rehearse"], &["migrate", "--dry-run"]] {
        let ran = project.db(verb).ok().says(near).says(none);
        assert!(!ran.stderr.contains("version `1`"), "{ran}");
    }
    toml(&project, "[migrations.a]\ndir = 'migrations'\n[expect.a]\n0001 = [\"loss a <= 1\"]");
    project.write("expect/a/7.toml", "expect = [\"loss a <= 1\"]\n");
    let of_set = "expect/a/7.toml: there is no migration with the version `7`";
    let ran = project.db(&["check"]).code(1).says(of_set);
    assert!(!ran.stderr.contains("0001"), "{ran}");
}
