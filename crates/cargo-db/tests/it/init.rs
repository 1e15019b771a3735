//! `cargo db init`: what it finds, what it writes, and what it leaves alone.

use crate::support::Project;

#[test]
fn an_empty_repository_gets_what_it_needs() {
    let project = Project::bare("init_empty");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write(".gitignore", "/target");
    let _ = project.db(&["init", "--dry-run"]).ok().says("Would write db.toml");
    assert!(!project.path().join("db.toml").exists());
    let _ = project.db(&["init"]).ok().says("no migrations").says("members of the workspace");
    let read = |path: &str| std::fs::read_to_string(project.path().join(path)).unwrap();
    assert_eq!(read(".gitignore"), "/target\n/.db/\n/backups/\n.env\n");
    assert!(
        read(".cargo/config.toml").contains("db = \"run --quiet --package xtask --bin xtask --\"")
    );
    assert!(read("xtask/src/main.rs").contains("cargo_db::main()"));
    assert!(read("xtask/Cargo.toml").contains("cargo-db"));
    // Once more changes nothing.
    let before = (read("db.toml"), read(".gitignore"), read(".env.example"));
    let _ = project.db(&["init"]).ok();
    assert_eq!((read("db.toml"), read(".gitignore"), read(".env.example")), before);
}

#[test]
fn what_is_there_is_found_and_kept() {
    let project = Project::bare("init_found");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.write("crates/api/migrations/2026-01-01-000000_a/up.sql", "SELECT 1");
    project.write("services/web/prisma/migrations/1_a/migration.sql", "SELECT 1");
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write(".cargo/config.toml", "[alias]\nx = \"check\"\n");
    project.write("xtask/Cargo.toml", "mine");
    let _ = project
        .db(&["init"])
        .ok()
        .says("diesel in crates/api/migrations")
        .says("prisma in services/web/prisma/migrations")
        .says("add to `[alias]` in .cargo/config.toml")
        .says("let `xtask` depend on `cargo-db`");
    let read = |path: &str| std::fs::read_to_string(project.path().join(path)).unwrap();
    assert_eq!(read("xtask/Cargo.toml"), "mine");
    assert_eq!(read(".cargo/config.toml"), "[alias]\nx = \"check\"\n");
    let toml = read("db.toml");
    assert!(
        toml.contains("[migrations.\"api\"]\ntool = \"diesel\"\ndir = \"crates/api/migrations\""),
        "{toml}"
    );
    assert!(toml.contains("[migrations.\"web\"]"), "{toml}");
    // What it wrote is understood.
    let _ = project.db(&["check", "--set", "web"]).ok();
}

#[test]
fn what_it_writes_is_understood_in_any_shape() {
    let project = Project::bare("init_shapes");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    for above in ["a/api", "b/api", "deep/er/c/api"] {
        project.write(&format!("{above}/migrations/20260101000000_a.sql"), "SELECT 1");
    }
    project.write("only/sql/V1__x.sql", "SELECT 1");
    project.write("Cargo.toml", "[package]\nname = \"x\"\n");
    project.write("crates/xtask/Cargo.toml", "[package]\nname = \"xtask\"\n");
    project.write(".cargo/config.toml", "[alias]\nmydb = \"check\"\n");
    let _ = project
        .db(&["init"])
        .ok()
        .says("let `crates/xtask` depend on")
        .says("add to `[alias]` in .cargo/config.toml");
    assert!(!project.path().join("xtask").exists());
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    for name in ["[migrations.\"api\"]", "[migrations.\"b-api\"]", "[migrations.\"c-api\"]"] {
        assert!(toml.contains(name), "{toml}");
    }
    let _ = project.db(&["check", "--set", "b-api"]).ok();
}
