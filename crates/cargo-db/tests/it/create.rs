//! `cargo db create`.

use crate::support::Project;

#[test]
fn prints_the_path_of_what_it_made() {
    let project = Project::bare("c_create");
    let first = project.db(&["create", "add", "users"]).ok();
    let paths: Vec<&str> = first.stdout.lines().collect();
    assert!(
        paths[0].starts_with("migrations/2") && paths[0].ends_with("_add_users.up.sql"),
        "{first}"
    );
    assert!(paths[1].ends_with("_add_users.down.sql"));
    let second = project.db(&["create", "--simple", "more"]).ok();
    let version = |line: &str| line[11..25].parse::<u64>().unwrap();
    assert!(version(&second.stdout) > version(paths[0]), "never two of the same second");
    // Only one of the two migrations has a down file, so the next one gets none unless `-r` asks
    // for it.
    assert_eq!(project.db(&["create", "third"]).ok().stdout.lines().count(), 1);
    assert_eq!(project.db(&["create", "-r", "fourth"]).ok().stdout.lines().count(), 2);
}

#[test]
fn follows_the_style_and_the_numbers_of_the_folder() {
    let project = Project::bare("c_style");
    for number in ["0001", "0002"] {
        project.migration(&format!("{number}_a.up.sql"), "SELECT 1");
        project.migration(&format!("{number}_a.down.sql"), "SELECT 1");
    }
    // One migration without a down file does not change the style of the folder.
    project.migration("0003_b.up.sql", "SELECT 1");
    let made = project.db(&["create", "award", "points"]).ok();
    let lines = ["migrations/0004_award_points.up.sql", "migrations/0004_award_points.down.sql"];
    assert_eq!(made.stdout.lines().collect::<Vec<_>>(), lines);
    // sqlx does not mix `.up.sql` with `.sql`.
    let simple = project.db(&["create", "--simple", "more"]).ok();
    assert_eq!(simple.stdout.trim_end(), "migrations/0005_more.up.sql");
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let project = Project::bare("c_names");
    for bad in ["../up", "a/b", "x;y", "  "] {
        project.db(&["create", bad]).code(2).says("is not a valid migration name");
    }
    assert!(!project.path().join("migrations").exists());
}

#[test]
fn needs_no_database() {
    let mut project = Project::bare("c_nodb");
    project.set("DATABASE_URL", "postgres://u@no-such-host.invalid/x");
    let json = project.db(&["create", "x", "--json"]).ok().json();
    assert_eq!(json["files"].as_array().unwrap().len(), 2);
}

#[test]
fn many_at_once_are_of_different_versions() {
    let project = Project::new("create_many");
    let names: Vec<String> = (0..8).map(|n| format!("n{n}")).collect();
    let mut children: Vec<_> = names
        .iter()
        .map(|name| project.command(&["create", name, "--simple"]).spawn().unwrap())
        .collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    let files = std::fs::read_dir(project.path().join("migrations")).unwrap();
    let versions: std::collections::BTreeSet<String> = files
        .map(|file| {
            file.unwrap().file_name().into_string().unwrap().split('_').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(versions.len(), 8, "{versions:?}");
}

/// A migration older than the newest applied one would not run.
#[test]
fn is_later_than_the_newest_file() {
    let project = Project::bare("c_future");
    project.migration("20300101000000_future.sql", "SELECT 1");
    let made = project.db(&["create", "next"]).ok().stdout;
    assert_eq!(made, "migrations/20300101000001_next.sql\n");
    project.migration("20291231235959_earlier.sql", "SELECT 1");
    let made = project.db(&["create", "third"]).ok().stdout;
    assert_eq!(made, "migrations/20300101000002_third.sql\n");
}

/// A first migration is created only where it is known whose it is.
#[test]
fn a_folder_that_is_no_project_is_told_to_become_one() {
    let project = Project::bare("c_no_project");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    let made = || project.path().join("migrations").exists();
    let error = project.db(&["create", "x", "--json"]).code(2).json()["error"].clone();
    assert_eq!(error["code"], "CREATE.NO_PROJECT");
    assert_eq!(error["next"][0]["command"], "cargo db init");
    assert!(!made());
    // A folder that was named is meant.
    project.db(&["create", "x", "--migrations-dir", "sql"]).ok();
    std::fs::remove_dir_all(project.path().join("sql")).unwrap();
    // A repository, or a project in another language, does not say which tool it uses.
    for mark in ["package.json", ".git/HEAD"] {
        project.write(mark, "{}");
        let error = project.db(&["create", "x", "--json"]).code(2).json()["error"].clone();
        assert_eq!(error["code"], "CREATE.SEVERAL_TOOLS", "{mark}");
        assert_eq!(error["next"][0]["command"], "cargo db init", "{mark}");
        assert!(!made());
    }
    project.db(&["init"]).ok();
    project.db(&["create", "x"]).ok();
    project.db(&["check"]).code(1).says("empty-migration");
}

#[test]
fn what_create_writes_is_of_one_tool_for_the_next_command() {
    // The language of a project says which tool it uses only if one tool is usual for it.
    let manifests = [
        ("Cargo.toml", true),
        ("go.mod", true),
        ("pom.xml", false),
        ("pyproject.toml", false),
        ("db.toml", true),
    ];
    for (manifest, is_clear) in manifests {
        let mut project = Project::new(&format!("c_one_{}", manifest.replace('.', "_")));
        std::fs::remove_file(project.path().join("db.toml")).unwrap();
        project.set("COLUMNS", "200");
        project.write(manifest, "");
        let began = project.db(&["status"]).ok();
        if is_clear {
            began.says("begin with `cargo db create add users`");
            project.db(&["create", "add", "users"]).ok();
            project.db(&["status"]).ok();
        } else {
            began.says("begin with `cargo db init`");
            project.db(&["create", "add", "users"]).code(2).says("cargo db init");
        }
    }
}

#[test]
fn a_second_folder_of_migrations_needs_a_yes() {
    let project = Project::bare("c_second");
    project.write("Cargo.toml", "[workspace]\nmembers = ['crates/*']\n");
    project.write("crates/db/Cargo.toml", "[package]\nname = 'db'\n[dependencies]\nsqlx = '0.8'\n");
    project.write("crates/db/migrations/1_a.sql", "CREATE TABLE a (id int);");
    let error = project.db(&["create", "x", "--json"]).code(3).json()["error"].clone();
    assert_eq!(error["code"], "CREATE.SECOND_FOLDER");
    let next = error["next"].as_array().unwrap();
    let commands: Vec<_> = next.iter().filter_map(|next| next["command"].as_str()).collect();
    let there = "cargo db create x --json --migrations-dir crates/db/migrations";
    assert_eq!(commands, [there, "cargo db create x --json --yes"]);
    project.db(&["create", "x", "--migrations-dir", "crates/db/migrations"]).ok();
    assert!(!project.path().join("migrations").exists());
    // `check` says where they are, in its document too.
    let json = project.db(&["check", "--json"]).ok().json();
    assert!(json["hint"].as_str().unwrap().contains("`crates/db/migrations` (sqlx)"), "{json:#}");
    project.db(&["create", "x", "--yes"]).ok().says("migrations/");
}
