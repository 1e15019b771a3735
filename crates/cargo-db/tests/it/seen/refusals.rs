//! Refusals and their messages: invalid commands, wrong settings, servers that do not answer,
//! missing consent.

use crate::support::scene::Scene;
use crate::support::{Project, cluster};

const USERS: &str = "CREATE TABLE users (id int PRIMARY KEY, name text);\n";

fn users(name: &str) -> Scene {
    let scene = Scene::new(name);
    scene.project.migration("1_users.up.sql", USERS);
    scene.project.migration("1_users.down.sql", "DROP TABLE users;\n");
    scene
}

#[test]
fn commands_that_cannot_be_read() {
    let mut scene = Scene::new("seen_usage");
    scene.types("").types("-h").types("--version").types("frobnicate").types("migrat");
    scene.types("migrate --dryrun").types("migrate --steps many").types("backup --format tar");
    scene.types("restore").types("migrate --to 3 --steps 1").types("backups").is("usage");
}

#[test]
fn settings_that_are_wrong() {
    let mut scene = Scene::of(Project::bare("seen_settings"));
    scene.file("db.toml", "[migrations]\nfolder = \"x\"\n").types("status");
    scene.file("db.toml", "[migrate]\nlock-timout = \"1s\"\n").types("status");
    scene.file("db.toml", "[migrate]\nlock-timeout = \"soon\"\n").types("status");
    scene.file("db.toml", "[migrate\n").types("status");
    scene.file("db.toml", "[migrations]\ntool = \"sqlxx\"\n").types("status");
    scene.file("db.toml", "").types("status --env devlopment");
    scene.types("status --env-file gone.env").types("status --set app");
    scene.types("migrate --migrations-dir gone").is("settings-wrong");
}

#[test]
fn urls_that_are_wrong() {
    let mut scene = Scene::of(Project::bare("seen_urls"));
    scene.exports("DATABASE_URL", "mysql://ada@localhost/app").types("status");
    scene.exports("DATABASE_URL", "postgres://ada:Xy7hush/abc@db.example/app").types("status");
    scene.exports("DATABASE_URL", "postgres://ada@one,two/app").types("status");
    scene.exports("DATABASE_URL", "postgres://ada@localhost/app?krbsrvname=b").types("status");
    scene.exports("DATABASE_URL", "postgres://ada@localhost/app?sslmode=maybe").types("status");
    scene.types("status -D postgres://ada:hush@localhost/app").is("urls-wrong");
}

#[test]
fn servers_that_do_not_let_us_in() {
    let mut scene = Scene::new("seen_server");
    scene.exports("DATABASE_URL", "postgres://ada@127.0.0.1:1/app").types("status");
    scene.types("status --json");
    scene.exports("DATABASE_URL", "postgres://ada@db.invalid/app").types("status");
    let port = cluster().port;
    let url = format!("postgres://postgres:wrong@127.0.0.1:{port}/seen_server");
    scene.exports("DATABASE_URL", &url).types("status");
    let url = format!("postgres://postgres@127.0.0.1:{port}/seen_server");
    scene.exports("DATABASE_URL", &url).types("status");
    scene
        .exports("DATABASE_URL", &cluster().url("seen_nowhere"))
        .exports("CARGO_DB_ENV", "staging");
    scene.types("migrate --yes").is("connection");
}

#[test]
fn consent_that_is_missing() {
    let mut scene = users("seen_consent");
    scene.project.db(&["migrate"]).ok();
    scene.sql("INSERT INTO users VALUES (1, 'Ada'), (2, 'Bo')");
    scene.types("rollback").exports("CARGO_DB_ENV", "staging").types("rollback");
    scene.types("reset").types("reset --confirm other").types("reset --yes");
    let plan = "0123456789abcdef0123456789abcdef";
    scene.types(&format!("rollback --plan {plan} --confirm seen_consent --lose-at-most users=2"));
    scene.exports("CARGO_DB_ENV", "").exports("CLAUDECODE", "1").types("rollback --yes");
    scene.is("consent");
}

#[test]
fn production() {
    let mut scene = users("seen_production");
    scene.exports("CARGO_DB_ENV", "production").types("migrate");
    scene.note("the key of the CI is accepted");
    scene.project.accept_key();
    scene.types("migrate").types("rehearse").types("migrate").agrees("migrate");
    scene.types("reset --yes").types("seed --fresh").agrees("rollback").is("production");
}

#[test]
fn the_lock_that_another_run_holds() {
    let mut scene = users("seen_lock");
    let mut holder = cluster().connect("seen_lock");
    // The key of the lock that sqlx's library takes in this database.
    let key = 0x3d32_ad9e_i64 * i64::from(crc32fast::hash(b"seen_lock"));
    let lock = format!("SET application_name = 'the-app'; SELECT pg_advisory_lock({key})");
    holder.batch_execute(&lock).unwrap();
    scene.note("the-app holds the lock").types("migrate --lock-timeout 2s").is("lock");
}

#[test]
fn rights_that_are_missing() {
    let mut scene = users("seen_rights");
    scene.project.db(&["migrate"]).ok();
    cluster().run("postgres", "CREATE ROLE seen_reader LOGIN");
    let url = cluster().url("seen_rights").replace("postgres@", "seen_reader@");
    scene.project.set("DATABASE_URL", &url);
    scene.project.migration("2_more.up.sql", "ALTER TABLE users ADD COLUMN more int;\n");
    scene.note("as a role without rights").types("status").types("migrate").types("backup");
    scene.is("rights");
}
