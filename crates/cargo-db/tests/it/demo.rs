//! The demo school that the repository ships.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::support::{Project, Ran, cluster, repository};

fn school(name: &str) -> Project {
    let project = Project::new(name);
    project.copy_the_demo();
    project
}

#[test]
fn migrates_seeds_and_prints_the_accounts() {
    let project = school("demo_school");
    project.db(&["migrate"]).ok().says("15 migrations applied");
    let seeded = project.db(&["seed"]).ok();
    assert_eq!(seeded.stderr.matches("test account: ").count(), 5);
    let counts = |tables: &[&str]| -> Vec<String> {
        tables
            .iter()
            .flat_map(|table| {
                cluster().query("demo_school", &format!("SELECT count(*) FROM {table}"))
            })
            .collect()
    };
    let tables = [
        "users",
        "courses",
        "course_sections",
        "lessons",
        "quizzes",
        "quiz_questions",
        "quiz_options",
        "enrollments",
        "user_progress",
    ];
    assert_eq!(counts(&tables), ["5", "8", "24", "96", "12", "120", "480", "15", "45"]);
    assert_eq!(project.query("SELECT string_agg(n::text, ',') FROM (SELECT count(*) n FROM users GROUP BY role ORDER BY role) x"), ["1,2,2"]);
}

#[test]
fn every_migration_can_be_rolled_back_and_applied_again() {
    let project = school("demo_back");
    project.db(&["migrate"]).ok();
    project.db(&["seed"]).ok();
    project.db(&["rollback", "--to", "0", "--yes"]).ok();
    assert_eq!(
        project.query(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
             WHERE nspname = 'public' AND relname NOT LIKE '\\_sqlx%'"
        ),
        ["0"]
    );
    project.db(&["migrate"]).ok();
}

/// The script used the private server, and the commands that it suggests would not.
#[test]
fn the_script_names_the_variables_that_would_lead_elsewhere() {
    let programs = Project::bare("demo_script");
    for name in ["cargo", "initdb"] {
        let path = programs.write(name, "#!/bin/sh\n");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let folder = programs.path().display().to_string();
    let run = |variables: &[(&str, &str)]| -> Ran {
        let mut script = Command::new(repository().join("scripts/demo"));
        script.env_clear().env("PATH", format!("{folder}:/usr/bin:/bin"));
        script.env("CARGO_DB_PG_BIN", &folder).envs(variables.iter().copied());
        script.output().expect("bash runs").into()
    };
    let said = run(&[]).ok().says("Next: cargo db create");
    assert!(!said.stdout.contains("unset"), "{said}");
    let url = ("DATABASE_URL", "postgres://h/b");
    let said = run(&[url, ("PGUSER", "ada"), ("RUST_ENV", "")]).ok();
    let _ = said.says("First: unset DATABASE_URL PGUSER. Commands read");
}
