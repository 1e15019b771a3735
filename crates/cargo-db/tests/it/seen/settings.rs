//! The settings of a project and a database: marker, policy, keys, trust, audit trail, server,
//! `init`.

use std::os::unix::fs::PermissionsExt;

use crate::support::Project;
use crate::support::keys::PUBLIC_KEY;
use crate::support::scene::Scene;

const USERS: &str = "CREATE TABLE users (id int PRIMARY KEY, name text);\n";

#[test]
fn env() {
    let mut scene = Scene::new("seen_env");
    scene.types("env show").types("env set nowhere").types("env set test").types("env show");
    scene.types("env set staging --yes").types("env set production").agrees("env set production");
    scene.types("env show").types("env set test --yes").types("env clear --yes").is("env");
}

#[test]
fn keys() {
    let mut scene = Scene::new("seen_key");
    scene.types("key show");
    scene.exports("CARGO_DB_SIGNING_KEY", "").types("key show").types("key new").types("key new");
    scene.exports("CARGO_DB_SIGNING_KEY", "hush").types("key show");
    scene.types("env key list").types(&format!("env key add {PUBLIC_KEY}"));
    scene.types(&format!("env key add {PUBLIC_KEY} --yes")).types("env key list");
    scene.types("env key add ed25519:00 --yes").is("key");
}

#[test]
fn policy() {
    let mut scene = Scene::of(Project::bare("seen_policy"));
    scene.types("policy").types("policy --env production").is("policy");
}

#[test]
fn trust() {
    let mut scene = Scene::new("seen_trust");
    let tool = scene.project.write("tool", "#!/bin/sh\necho '1_a pending'\n");
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    scene.exports("CARGO_DB_TRUST", "").types("trust");
    let keys = "[migrations]\nstatus = [\"./tool\", \"status\"]\napply = [\"./tool\", \"apply\"]\n\
                \n[seeds]\ncommand = \"./tool seed\"\n";
    scene.file("db.toml", keys).types("status").types("trust --dry-run").types("trust --yes");
    scene.types("trust --list").types("trust --revoke").is("trust");
}

#[test]
fn audit() {
    let mut scene = Scene::new("seen_audit");
    // The names of user and machine vary in length, so the lines must be wide enough for them.
    scene.project.set("COLUMNS", "140");
    scene.project.migration("1_users.up.sql", USERS);
    scene.project.migration("1_users.down.sql", "DROP TABLE users;\n");
    scene.types("audit").types("audit verify");
    scene.project.db(&["migrate"]).ok();
    scene.project.db(&["rollback", "--yes"]).ok();
    scene.project.migration("1_users.up.sql", "CREATE TABLE users (id nothing);\n");
    scene.project.db(&["migrate"]).code(7);
    scene.note("migrate, rollback --yes, and a migrate that fails");
    scene.types("audit").types("audit --database").types("audit verify");
    let trail = scene.project.path().join(".db/audit.jsonl");
    let whole = std::fs::read_to_string(&trail).unwrap();
    std::fs::write(&trail, whole.replacen("\"rollback\"", "\"seed\"", 1)).unwrap();
    scene.note("record 3 is changed by hand").types("audit verify").types("audit");
    scene.types("migrate");
    let cut: String = whole.split_inclusive('\n').take(4).collect();
    std::fs::write(&trail, cut).unwrap();
    scene.note("the last two records are cut off").types("audit verify");
    std::fs::write(&trail, &whole).unwrap();
    std::fs::remove_file(trail.with_extension("head")).unwrap();
    scene.note("the head is removed").types("audit verify").is("audit");
}

#[test]
fn server() {
    let mut scene = Scene::of(Project::bare("seen_private"));
    scene.project.migration("1_users.sql", USERS);
    scene.types("server status").types("server url").types("migrate").types("server status");
    scene.types("status").types("server start").types("server url").types("server destroy");
    scene.types("server stop").types("server status").types("server destroy --yes");
    scene.types("server destroy --yes").is("server");
}

#[test]
fn init() {
    let mut scene = Scene::of(Project::bare("seen_init"));
    std::fs::remove_file(scene.project.path().join("db.toml")).unwrap();
    scene.project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    scene.project.write(".gitignore", "/target\n");
    scene.project.migration("1_users.sql", USERS);
    // Whether a `cargo-db` is installed does not depend on the machine that runs the test.
    scene.project.write("bin/cargo-db", "");
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", scene.project.path().join("bin").display());
    scene.project.set("PATH", &path);
    scene.types("init --dry-run").types("init").types("init").is("init");
}
