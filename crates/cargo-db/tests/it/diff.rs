//! `cargo db diff`: the difference between the schemas of two states.

use std::process::Command;

use serde_json::json;

use crate::support::{Project, Ran, cluster};

const USERS: &str = "CREATE TABLE users (id int PRIMARY KEY);\n";

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.migration("1_users.up.sql", USERS);
    project.migration("1_users.down.sql", "DROP TABLE users;\n");
    project.db(&["migrate"]).ok();
    project
}

#[test]
fn what_was_changed_by_hand_is_shown() {
    let project = project("df_hand");
    project.db(&["diff"]).ok().says("no difference between migrations and live");
    project.run_sql("ALTER TABLE users ADD by_hand int; CREATE TABLE extra (id int)");
    let shown = project.db(&["diff"]).ok().says("from migrations to live:");
    shown.says("new column users.by_hand (integer)").says("new table extra");
    project.db(&["diff", "--check"]).code(1);
    project.db(&["diff", "live", "live", "--check"]).ok();
    let sql = project.db(&["diff", "live", "migrations", "--sql"]).ok().stdout;
    assert!(sql.contains("DROP TABLE public.extra;\n"), "{sql}");
    // The SQL does what it says.
    project.run_sql(&sql);
    project.db(&["diff", "--check"]).ok();
    let json = project.db(&["diff", "--json"]).ok().json();
    assert_eq!(
        (&json["differs"], &json["steps"], &json["sql"]),
        (&json!(false), &json!([]), &json!(""))
    );
}

#[test]
fn every_state_can_be_compared() {
    let mut project = project("df_states");
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "first"]);
    project.db(&["backup"]).ok();
    project.migration("2_posts.up.sql", "CREATE TABLE posts (id int);\n");
    project.migration("2_posts.down.sql", "DROP TABLE posts;\n");
    project.write("schema.sql", &format!("{USERS}CREATE VIEW v AS SELECT id FROM users;\n"));
    project.set("OTHER_URL", &cluster().url("df_states"));
    let name = project.db(&["backups", "list", "--json"]).ok().json();
    let name = name["backups"][0]["name"].as_str().unwrap().to_owned();
    let backup = format!("backup:{name}");
    let same = ["HEAD:migrations", "live", "url:OTHER_URL", backup.as_str()];
    for state in same {
        project.db(&["diff", state, "migrations"]).ok().says("new table posts");
        project.db(&["diff", state, "live", "--check"]).ok();
    }
    project.db(&["diff", "live", "schema"]).ok().says("new view v");
    project.db(&["diff", "live", "file:schema.sql"]).ok().says("new view v");
    for wrong in ["lives", "url:NOT_SET", "file:nothing.sql", "v9:migrations"] {
        project.db(&["diff", wrong]).code(2);
    }
}

#[test]
fn production_is_read_and_nothing_is_built_beside_it() {
    let mut project = project("df_production");
    project.set("OTHER_URL", &cluster().url("df_production"));
    project.set("CARGO_DB_ENV", "production");
    project.db(&["diff", "live", "url:OTHER_URL", "--check"]).ok();
    project.db(&["diff"]).code(4).says("is refused in production");
}

#[test]
fn a_url_is_refused_without_repeating_it() {
    let project = project("df_url");
    project.git(&["init", "-q"]);
    for wrong in [
        "postgres://u:secret@h/d",
        "url:postgres://u:secret@h/d",
        "postgres://u:secret@h/d:migrations",
    ] {
        for more in [&[] as &[&str], &["--json"]] {
            let refused = project.db(&[&["diff", wrong], more].concat()).code(2);
            assert!(!format!("{refused}").contains("secret"), "{refused}");
            refused.says("a URL can contain a password").says("`url:VARIABLE`");
        }
    }
}

#[test]
fn secrets_of_foreign_servers_are_not_shown() {
    let project = project("df_secret");
    project.run_sql(
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; \
         CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 'hunter2')",
    );
    for form in ["--sql", "--json"] {
        let shown = project.db(&["diff", form]).ok().says("password '***'");
        assert!(!format!("{shown}").contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_schema_file_that_does_not_exist_is_named() {
    let project = project("df_missing");
    std::fs::remove_file(project.path().join("schema.sql")).unwrap();
    let missing = project.db(&["diff", "live", "schema"]).code(2);
    missing.says("`schema.sql` does not exist").says("cargo db schema dump");
    project.write("db.toml", "");
    project.db(&["diff", "live", "schema"]).code(2).says("db.toml names no schema file");
}

#[test]
fn the_migrations_of_a_revision_may_be_outside_of_the_project() {
    let project = project("df_outside");
    let absolute = project.path().join("migrations");
    project.write("app/db.toml", "[migrations]\ndir = \"../migrations\"\n");
    project.git(&["init", "-q"]);
    project.git(&["add", "."]);
    project.git(&["commit", "-qm", "first"]);
    project.migration("2_posts.up.sql", "CREATE TABLE posts (id int);\n");
    project.migration("2_posts.down.sql", "DROP TABLE posts;\n");
    let app = project.path().join("app");
    for dir in ["../migrations".to_owned(), absolute.display().to_string()] {
        project.write("app/db.toml", &format!("[migrations]\ndir = \"{dir}\"\n"));
        let mut diff = project.command(&["diff", "HEAD:migrations", "migrations"]);
        let ran = Ran::from(diff.current_dir(&app).output().expect("it starts")).ok();
        let ran = ran.says("new table posts");
        assert!(!ran.stdout.contains("users"), "{ran}");
    }
    assert!(!project.path().join("app/migrations").exists());
    // What git cannot read is no empty migration.
    let mut git = Command::new("git");
    git.args(["rev-parse", "HEAD:migrations/1_users.up.sql"]).current_dir(project.path());
    let blob = String::from_utf8(git.output().expect("git runs").stdout).unwrap();
    let (folder, file) = blob.trim().split_at(2);
    std::fs::remove_file(project.path().join(".git/objects").join(folder).join(file)).unwrap();
    let refused = project.db(&["diff", "HEAD:migrations", "migrations"]).code(2);
    refused.says("git cannot read `migrations/1_users.up.sql`");
}

#[test]
fn files_that_were_not_run_are_named() {
    let project = project("df_not_run");
    let role = "-- cargo-db: allow outside-database\nCREATE ROLE df_created;\n";
    project.migration("2_role.up.sql", role);
    let shown = project.db(&["diff"]).ok();
    shown.says("not run on the scratch database (outside-database): migrations/2_role.up.sql");
}

#[test]
fn what_has_no_ddl_is_named() {
    let project = project("df_unsupported");
    project.write("a.sql", "CREATE TABLE e (id int, day date) PARTITION BY LIST (id);\n");
    project.write("b.sql", "CREATE TABLE e (id int, day date) PARTITION BY RANGE (day);\n");
    let refused = project.db(&["diff", "file:a.sql", "file:b.sql"]).code(4);
    refused.says("cannot be written as SQL").says("table e");
}
