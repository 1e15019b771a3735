//! `cargo db init`: what it finds, writes and leaves unchanged.

use std::os::unix::fs::PermissionsExt;

use crate::support::{Project, Ran, cluster};

/// A project that does not use cargo db yet.
fn fresh(name: &str) -> Project {
    let project = Project::bare(name);
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project
}

fn read(project: &Project, path: &str) -> String {
    std::fs::read_to_string(project.path().join(path)).unwrap()
}

/// A stand-in for the crate `cargo-db` that prints its arguments.
fn vendored(project: &Project, folder: &str) {
    project.write(
        &format!("{folder}/Cargo.toml"),
        "[package]\nname = \"cargo-db\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    project.write(
        &format!("{folder}/src/lib.rs"),
        "pub fn main() -> std::process::ExitCode {\n    \
         let said: Vec<String> = std::env::args().skip(1).collect();\n    \
         println!(\"ran {}\", said.join(\" \"));\n    std::process::ExitCode::SUCCESS\n}\n",
    );
}

/// Runs `cargo db status` through cargo in the project.
fn cargo_db(project: &Project) -> Ran {
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["--offline", "db", "status"]).current_dir(project.path());
    cargo.env_remove("CARGO_TARGET_DIR").output().expect("cargo runs").into()
}

/// A program of this name on the `PATH`.
fn on_the_path(project: &mut Project, name: &str) {
    let program = project.write(&format!("bin/{name}"), "#!/bin/sh\n");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    project.set("PATH", &format!("{}:{path}", project.path().join("bin").display()));
}

/// What an earlier `init` wrote for another kind of project is not left without a word.
#[test]
fn what_exists_already_is_named_if_it_does_not_fit() {
    let mut project = fresh("init_later");
    project.set("COLUMNS", "300");
    vendored(&project, "cargo-db");
    let alias = "run --manifest-path cargo-db/Cargo.toml --package xtask --";
    project.write(".cargo/config.toml", &format!("[alias]\ndb = \"{alias}\"\n"));
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write("db.toml", "[migrations]\ntool = \"dbmate\"\ndir = \"db/migrations\"\n");
    project.write("db/migrations/1_a.sql", "-- migrate:up\nSELECT 1;\n");
    project.write("g/migrations/1_b.sql", "-- +goose Up\nSELECT 1;\n");
    let ran = project.db(&["init"]).ok().says("replace the alias `db` in .cargo/config.toml");
    ran.says("name g/migrations in db.toml, which existed");
    let json = project.db(&["init", "--json"]).ok().json();
    assert!(!json.to_string().contains("name db/migrations"), "{json:#}");
}

/// Checks that a second `init` leaves these files unchanged.
#[track_caller]
fn changes_nothing_again<const N: usize>(project: &Project, files: [&str; N]) {
    let before = files.map(|file| read(project, file));
    let _ = project.db(&["init"]).ok();
    assert_eq!(files.map(|file| read(project, file)), before);
}

#[test]
fn an_installed_program_goes_on_where_the_crate_is_nowhere_to_be_had() {
    let project = fresh("init_empty");
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write(".gitignore", "/target");
    let _ = project.db(&["init", "--dry-run"]).ok().says("Would write db.toml");
    assert!(!project.path().join("db.toml").exists());
    let _ = project.db(&["init"]).ok().says("no migrations").says("no xtask and no alias");
    assert_eq!(read(&project, ".gitignore"), "/target\n/.db/\n/backups/\n.env\n");
    // An alias would hide the program that was just run.
    assert_eq!(read(&project, "Cargo.toml"), "[workspace]\nmembers = []\n");
    assert!(!project.path().join(".cargo").exists() && !project.path().join("xtask").exists());
    changes_nothing_again(&project, ["db.toml", ".gitignore", ".env.example"]);
}

#[test]
fn with_the_crate_in_the_repository_the_alias_works_at_once() {
    let project = fresh("init_vendored");
    project.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"api\"]\n");
    project.write("api/Cargo.toml", "[package]\nname = \"api\"\nedition = \"2024\"\n");
    project.write("api/src/lib.rs", "");
    project.write(".cargo/config.toml", "[alias]\nx = \"check\"\n");
    vendored(&project, "third/cargo-db");
    let _ = project.db(&["init"]).ok().says("Added members: \"xtask\" to Cargo.toml");
    let manifest = read(&project, "xtask/Cargo.toml");
    assert!(manifest.contains("cargo-db = { path = \"../third/cargo-db\" }"), "{manifest}");
    let config = read(&project, ".cargo/config.toml");
    assert!(
        config.contains("x = \"check\"\n") && config.contains("package.pg-logical]"),
        "{config}"
    );
    let _ = cargo_db(&project).ok().says("ran db status");
    changes_nothing_again(&project, ["Cargo.toml", ".cargo/config.toml"]);
}

#[test]
fn a_submodule_with_a_workspace_of_its_own_stays_out_of_the_projects() {
    let project = fresh("init_submodule");
    project.write("Cargo.toml", "[package]\nname = \"api\"\nedition = \"2024\"\n");
    project.write("src/lib.rs", "");
    project.write("vendor/db/Cargo.toml", "[workspace]\nmembers = [\"crates/cargo-db\"]\n");
    vendored(&project, "vendor/db/crates/cargo-db");
    let _ = project.db(&["init"]).ok();
    let _ = cargo_db(&project).ok().says("ran db status");
}

/// Cargo is quiet about the command line, and nevertheless shows that it builds.
#[test]
fn the_first_build_shows_its_progress_and_not_the_command_line() {
    let project = fresh("init_progress");
    project.write("Cargo.toml", MEMBERS);
    vendored(&project, "third/cargo-db");
    let slow = "fn main() { std::thread::sleep(std::time::Duration::from_secs(1)) }\n";
    project.write("third/cargo-db/build.rs", slow);
    let _ = project.db(&["init"]).ok();
    let first = cargo_db(&project).ok();
    assert!(first.stderr.contains("cargo-db") && !first.stderr.contains("Running"), "{first}");
    assert_eq!(cargo_db(&project).ok().stderr, "");
}

/// What is built there to run `init` is what the alias runs.
#[test]
fn a_project_in_another_language_runs_the_program_in_the_vendored_source() {
    for (name, root) in [("init_node", "cargo-db"), ("init_spaced", "third party/db")] {
        let project = fresh(name);
        project.write("package.json", "{\"dependencies\": {\"node-pg-migrate\": \"9\"}}");
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\", \"xtask\"]\n";
        project.write(&format!("{root}/Cargo.toml"), members);
        vendored(&project, &format!("{root}/crates/cargo-db"));
        let manifest = "[package]\nname = \"xtask\"\nedition = \"2024\"\n[dependencies]\n\
                        cargo-db = { path = \"../crates/cargo-db\" }\n";
        project.write(&format!("{root}/xtask/Cargo.toml"), manifest);
        let main = "fn main() -> std::process::ExitCode { cargo_db::main() }\n";
        project.write(&format!("{root}/xtask/src/main.rs"), main);
        project.write(&format!("{root}/migrations/1_demo.sql"), "SELECT 1");
        let ran = project.db(&["init"]).ok().says("works in this folder");
        assert!(ran.stdout.ends_with("next: `cargo db status`\n"), "{ran}");
        let _ = cargo_db(&project).ok().says("ran db status");
        let there = project.path();
        assert!(!there.join("Cargo.toml").exists() && !there.join("xtask").exists());
        changes_nothing_again(&project, [".cargo/config.toml", "db.toml"]);
    }
}

#[test]
fn without_the_source_the_next_command_is_one_that_exists() {
    let mut project = fresh("init_no_source");
    project.set("COLUMNS", "400");
    let install = "cargo install --locked --path ";
    let _ = project.db(&["init"]).ok().says("`cargo-db` is not installed").says(install);
    let next = project.db(&["init", "--json"]).ok().json()["next"].as_str().unwrap().to_owned();
    let source = next.strip_prefix(install).unwrap_or_else(|| panic!("{next}"));
    assert!(std::path::Path::new(source).join("src/bin/cargo-db.rs").exists(), "{source}");
    project.write("Cargo.toml", MEMBERS);
    let _ = project.db(&["init"]).ok().says("not published").says(install);
    on_the_path(&mut project, "cargo-db");
    let ran = project.db(&["init"]).ok().says("`cargo db` is the installed `cargo-db`");
    assert!(ran.stdout.ends_with("next: `cargo db status`\n"), "{ran}");
}

#[test]
fn an_alias_beside_an_installed_program_is_said() {
    let mut project = fresh("init_shadow");
    project.write("Cargo.toml", MEMBERS);
    vendored(&project, "third/cargo-db");
    on_the_path(&mut project, "cargo-db");
    for _ in 0..2 {
        let _ = project.db(&["init"]).ok().says("the alias counts").says("cargo uninstall");
    }
    // Cargo's own words, of which this is to warn.
    let path = std::env::join_paths(
        std::iter::once(project.path().join("bin"))
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(["--offline", "db", "status"]).current_dir(project.path());
    cargo.env("PATH", path.unwrap()).env_remove("CARGO_TARGET_DIR");
    let _ = Ran::from(cargo.output().unwrap()).ok().says("shadowing").says("ran db status");
}

#[test]
fn migrations_that_came_with_the_crate_are_offered_by_no_verb() {
    let project = fresh("init_offered");
    project.write("db.toml", "");
    project.write("cargo-db/Cargo.toml", "[workspace]\nmembers = [\"crates/cargo-db\"]\n");
    project.write("cargo-db/migrations/1_demo.sql", "SELECT 1");
    vendored(&project, "cargo-db/crates/cargo-db");
    for verb in [&["status"][..], &["check"], &["migrate", "--dry-run"], &["create", "x"]] {
        let ran = project.db(verb).ok().to_string();
        assert!(!ran.contains("cargo-db/migrations"), "{verb:?}: {ran}");
    }
    project.db(&["server", "destroy", "--yes"]).ok();
    // Those of the project are.
    std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    project.write("services/api/migrations/1_own.sql", "SELECT 1");
    let _ = project.db(&["check"]).ok().says("`services/api/migrations`");
}

#[test]
fn what_came_with_the_crate_is_not_taken_for_the_projects() {
    let project = fresh("init_with_demo");
    project.write("Cargo.toml", "[workspace]\nmembers = []\nresolver = \"3\"\n");
    project.write("db/Cargo.toml", "[workspace]\nmembers = [\"crates/cargo-db\", \"xtask\"]\n");
    project.write("db/xtask/Cargo.toml", "[package]\nname = \"xtask\"\nedition = \"2024\"\n");
    project.write("db/xtask/src/main.rs", "fn main() {}\n");
    project.write("db/migrations/1_demo.sql", "SELECT 1");
    vendored(&project, "db/crates/cargo-db");
    let _ = project.db(&["init"]).ok().says("no migrations");
    let _ = cargo_db(&project).ok().says("ran db status");
}

#[test]
fn what_cannot_be_written_whole_is_not_begun() {
    let project = fresh("init_half");
    project.write("Cargo.toml", "workspace.resolver = \"3\"\n");
    vendored(&project, "third/cargo-db");
    let _ = project.db(&["init"]).ok().says("add \"xtask\" to the members");
    assert!(!project.path().join(".cargo").exists() && !project.path().join("xtask").exists());

    let manifest = "[workspace]\nmembers = []\n";
    project.write("Cargo.toml", manifest);
    project.write(".cargo/config.toml", "alias = { x = \"check\" }\n");
    let _ = project.db(&["init"]).ok().says("`[alias]` in .cargo/config.toml");
    assert!(!project.path().join("xtask").exists());
    assert_eq!(read(&project, "Cargo.toml"), manifest);

    project.write(".cargo/config.toml", "[alias]\ndb = \"run -p tools --\"\n");
    let _ = project.db(&["init"]).ok().says("`db` is an alias already");
    assert!(!project.path().join("xtask").exists());
}

#[test]
fn a_file_that_cannot_be_read_keeps_its_bytes() {
    let project = fresh("init_latin");
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write("Dockerfile", "FROM scratch\n");
    vendored(&project, "third/cargo-db");
    for file in [".gitignore", ".dockerignore", ".cargo/config.toml", "Cargo.toml"] {
        let path = project.path().join(file);
        let before = std::fs::read(&path).ok();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"# caf\xe9\n/target\n").unwrap();
        let _ = project.db(&["init"]).code(7).says(file).says("UTF-8");
        assert_eq!(std::fs::read(&path).unwrap(), b"# caf\xe9\n/target\n", "{file}");
        let written = ["db.toml", ".env.example", "xtask"];
        assert!(!written.iter().any(|file| project.path().join(file).exists()), "{file}");
        match before {
            Some(before) => std::fs::write(&path, before).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
    }
    let _ = project.db(&["init"]).ok();
}

#[test]
fn links_are_left_to_the_person() {
    let project = fresh("init_links");
    let links = [(".gitignore", "/target\n"), (".cargo/config.toml", ""), ("Cargo.toml", MEMBERS)];
    for (file, text) in links {
        project.write(&format!("shared/{file}"), text);
        let path = project.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(project.path().join("shared").join(file), path).unwrap();
    }
    vendored(&project, "third/cargo-db");
    let all = "add `/.db/`, `/backups/`, `.env` to the file that the link `.gitignore` names";
    let _ = project.db(&["init"]).ok().says(all).says("Cargo.toml is a link");
    assert!(!project.path().join("xtask").exists());
    std::fs::remove_file(project.path().join("Cargo.toml")).unwrap();
    project.write("Cargo.toml", MEMBERS);
    let _ = project.db(&["init"]).ok().says("the file is a link");
    assert!(!project.path().join("xtask").exists());
    for (file, text) in links {
        assert_eq!(read(&project, &format!("shared/{file}")), text);
    }
}

const MEMBERS: &str = "[workspace]\nmembers = []\nresolver = \"3\"\n";

#[test]
fn the_alias_is_not_written_where_something_before_it_fails() {
    let project = fresh("init_stopped");
    project.write("Cargo.toml", MEMBERS);
    // No file can be created below a file, whoever tries.
    project.write("xtask", "not a folder");
    vendored(&project, "third/cargo-db");
    let _ = project.db(&["init"]).code(7).says("xtask");
    assert_eq!(read(&project, "Cargo.toml"), MEMBERS);
    assert!(!project.path().join(".cargo").exists());
    // What was written before stays, and the next run does the rest.
    std::fs::remove_file(project.path().join("xtask")).unwrap();
    let ran = project.db(&["init"]).ok();
    let (member, alias) = ("to Cargo.toml", "Wrote .cargo/config.toml");
    let at = |text: &str| ran.stderr.find(text).expect(text);
    assert!(at("Wrote xtask/src/main.rs") < at(member) && at(member) < at(alias));
    let _ = cargo_db(&project).ok().says("ran db status");
}

#[test]
fn an_xtask_of_another_name_gets_no_alias_that_fails() {
    let project = fresh("init_tasks");
    project.write("Cargo.toml", "[workspace]\nmembers = [\"xtask\"]\n");
    let named = |package: &str, more: &str| {
        let manifest =
            format!("[package]\nname = \"{package}\"\n{more}[dependencies]\ncargo-db = \"1\"\n");
        project.write("xtask/Cargo.toml", &manifest);
    };
    for (package, more) in [("tasks", ""), ("xtask", "[[bin]]\nname = \"tasks\"\n")] {
        named(package, more);
        let _ = project.db(&["init"]).ok().says("add an alias `db` to .cargo/config.toml");
        assert!(!project.path().join(".cargo").exists());
    }
    named("tasks", "");
    project.write(".cargo/config.toml", "[alias]\ndb = \"run -p tasks -- db\"\n");
    let ran = project.db(&["init"]).ok();
    assert!(!ran.stdout.contains("add an alias"), "{}", ran.stdout);
}

#[test]
fn a_package_that_cannot_get_a_member_is_told_why() {
    let project = fresh("init_why");
    vendored(&project, "third/cargo-db");
    project.write("Cargo.toml", "[workspace]\nmembers = []\nexclude = [\"xtask\"]\n");
    let _ = project.db(&["init"]).ok().says("take \"xtask\" out of `exclude`");
    let below = fresh("init_below");
    below.write("Cargo.toml", MEMBERS);
    below.write("app/Cargo.toml", "[package]\nname = \"app\"\n");
    below.write("app/db.toml", "");
    vendored(&below, "app/third/cargo-db");
    let mut init = below.command(&["init"]);
    let ran: Ran = init.current_dir(below.path().join("app")).output().unwrap().into();
    let _ = ran.ok().says("is no member of the workspace in");
}

#[test]
fn an_accent_in_a_path_stays_valid_toml() {
    let project = fresh("init_accent");
    project.write("Cargo.toml", "[workspace]\r\nmembers = []\r\nresolver = \"3\"\r\n");
    vendored(&project, "third/cafe\u{301}");
    let _ = project.db(&["init"]).ok();
    let manifest = read(&project, "Cargo.toml");
    assert_eq!(manifest.matches("\r\n").count(), manifest.lines().count(), "{manifest:?}");
    let _ = cargo_db(&project).ok().says("ran db status");
}

#[test]
fn an_xtask_that_has_it_gets_the_alias_and_the_profile() {
    let project = fresh("init_xtask");
    project.write("Cargo.toml", "[workspace]\nmembers = [\"x*\"]\n");
    let manifest = "[package]\nname = \"xtask\"\n\n[dependencies]\ncargo-db = \"1\"\n";
    project.write("xtask/Cargo.toml", manifest);
    let _ = project.db(&["init"]).ok().says("Wrote .cargo/config.toml");
    let config = read(&project, ".cargo/config.toml");
    assert!(config.contains("--bin xtask -- db\""), "{config}");
    assert!(config.contains("[profile.dev.package.flate2]\nopt-level = 3"), "{config}");
    assert_eq!(read(&project, "xtask/Cargo.toml"), manifest);
}

#[test]
fn docker_leaves_out_what_git_does() {
    let project = fresh("init_docker");
    project.write("deploy/Dockerfile", "FROM scratch\n");
    let _ = project.db(&["init"]).ok();
    assert_eq!(read(&project, ".dockerignore"), "backups/\n.db/\n.env*\n");
    project.write(".dockerignore", "target\n.db");
    let _ = project.db(&["init"]).ok().says("backups/, .env* to .dockerignore");
    assert_eq!(read(&project, ".dockerignore"), "target\n.db\nbackups/\n.env*\n");
}

#[test]
fn two_folders_of_one_tool_get_histories_of_their_own() {
    let mut project = fresh("init_two_sets");
    cluster().run("postgres", "CREATE DATABASE init_two_sets");
    project.set("DATABASE_URL", &cluster().url("init_two_sets"));
    project.write("crates/web/migrations/1_a.sql", "CREATE TABLE a (i int)");
    project.write("crates/jobs/migrations/1_b.sql", "CREATE TABLE b (i int)");
    let _ = project
        .db(&["init"])
        .ok()
        .says("`ALTER TABLE _sqlx_migrations RENAME TO _sqlx_migrations_web`")
        .says("`ALTER TABLE _sqlx_migrations RENAME TO _sqlx_migrations_jobs`");
    let toml = read(&project, "crates/web/sqlx.toml");
    assert!(toml.contains("table-name = \"_sqlx_migrations_web\""), "{toml}");
    for set in ["web", "jobs"] {
        let _ = project.db(&["migrate", "--set", set]).ok();
    }
    assert_eq!(project.query("SELECT version FROM _sqlx_migrations_jobs"), ["1"]);
    let _ = project.db(&["status", "--check"]).ok();
}

#[test]
fn a_tool_that_cannot_name_its_table_is_left_to_the_person() {
    let project = fresh("init_two_diesel");
    for set in ["web", "jobs"] {
        let folder = format!("crates/{set}/migrations/2026-01-01-000000_{set}");
        project.write(&format!("{folder}/up.sql"), "SELECT 1");
    }
    let _ = project.db(&["init"]).ok().says("diesel cannot name its history table");
    let toml = read(&project, "db.toml");
    assert!(toml.contains("# url = \"JOBS_DATABASE_URL\"") && !toml.contains("table"), "{toml}");
}

#[test]
fn a_program_that_uses_sqlx_without_its_settings_file_is_left_to_the_person() {
    let project = fresh("init_two_sqlx");
    for set in ["web", "jobs"] {
        project.write(&format!("crates/{set}/migrations/1_{set}.sql"), "SELECT 1");
        let manifest = "[dependencies]\nsqlx = { version = \"0.8\" }\n";
        project.write(&format!("crates/{set}/Cargo.toml"), manifest);
    }
    let _ = project.db(&["init"]).ok().says("with its feature `sqlx-toml`");
    assert!(!project.path().join("crates/web/sqlx.toml").exists());
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
    let _ = project.db(&["init"]).ok().says("let `crates/xtask` depend on");
    assert!(!project.path().join("xtask").exists());
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    for name in ["[migrations.\"api\"]", "[migrations.\"b-api\"]", "[migrations.\"c-api\"]"] {
        assert!(toml.contains(name), "{toml}");
    }
    let _ = project.db(&["check", "--set", "b-api"]).ok();
}

#[test]
fn a_tool_that_is_set_up_without_migrations_is_named() {
    for (name, files, tool, dir) in [
        ("in_diesel", &[("diesel.toml", "[migrations_directory]\n")][..], "diesel", "migrations"),
        (
            "in_prisma",
            &[
                ("package.json", "{\"dependencies\": {\"prisma\": \"6\"}}"),
                ("prisma/schema.prisma", ""),
            ],
            "prisma",
            "prisma/migrations",
        ),
    ] {
        let project = fresh(name);
        for (file, text) in files {
            project.write(file, text);
        }
        let ran =
            project.db(&["init"]).ok().says(&format!("{tool} in {dir}, without migrations yet"));
        assert!(!format!("{ran}").contains("plain SQL"), "{ran}");
        assert!(read(&project, "db.toml").contains(&format!("tool = \"{tool}\"")));
        let status = project.db(&["status", "--json"]).ok().json();
        assert_eq!(status["tool"]["name"], tool);
    }
}
