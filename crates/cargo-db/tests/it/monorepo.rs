//! A repository with six migration tools, two folders deep, each with its own project, program and
//! variable. Programs take the place of the tools whose migrations are programs.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::release::{blocks, shell};
use crate::support::keys::PUBLIC_KEY;
use crate::support::{Project, cluster};

const SETS: [&str; 6] = ["billing", "crm", "gateway", "ledger", "shop", "web"];

/// Does what `manage.py` does with two migrations, in the database of its own variable.
const MANAGE: &str = r#"#!/bin/sh
set -e
[ -f "$1" ] || { echo "can't open file '$PWD/$1'" >&2; exit 2; }
db() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${CRM_DATABASE_URL:?is not set}" -c "$1"; }
is_applied() { [ "$(db "SELECT count(*) FROM django_migrations WHERE name = '$1'")" = 1 ]; }
apply() {
    is_applied "$1" || db "BEGIN; $2; INSERT INTO django_migrations (app, name, applied)
        VALUES ('contacts', '$1', now()); COMMIT"
}
revert() {
    ! is_applied "$1" || db "BEGIN; $2; DELETE FROM django_migrations WHERE name = '$1'; COMMIT"
}
verb=$2
case $verb in
showmigrations) db "SELECT 1" ;;
makemigrations)
    echo "dependencies = [('contacts', '0002_note')]" >"contacts/migrations/0003_$5.py"
    ;;
migrate)
    db "CREATE TABLE IF NOT EXISTS django_migrations
        (id bigserial, app text, name text, applied timestamptz)" 2>/dev/null
    case ${5:-0002_note} in
    zero)
        revert 0002_note "ALTER TABLE contact DROP COLUMN note"
        revert 0001_initial "DROP TABLE contact"
        ;;
    0001_initial)
        revert 0002_note "ALTER TABLE contact DROP COLUMN note"
        apply 0001_initial "CREATE TABLE contact (id int)"
        ;;
    *)
        apply 0001_initial "CREATE TABLE contact (id int)"
        apply 0002_note "ALTER TABLE contact ADD COLUMN note text"
        ;;
    esac
    ;;
esac
"#;

/// The same of `alembic`.
const ALEMBIC: &str = r#"#!/bin/sh
set -e
[ -f alembic.ini ] || { echo "No 'script_location' key found in configuration" >&2; exit 255; }
db() { psql -X -q -A -t -v ON_ERROR_STOP=1 -d "${BILLING_DATABASE_URL:?is not set}" -c "$1"; }
at() { db "SELECT version_num FROM alembic_version"; }
first() {
    db "BEGIN; CREATE TABLE invoice (id int); INSERT INTO alembic_version VALUES ('a1'); COMMIT"
}
second() {
    db "BEGIN; ALTER TABLE invoice ADD COLUMN n int; UPDATE alembic_version SET version_num = 'b2';
        COMMIT"
}
case $1 in
current) db "SELECT 1" ;;
revision)
    printf "revision = 'c3'\ndown_revision = 'b2'\n" >migrations/versions/c3_more.py
    ;;
upgrade)
    db "CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)"
    [ -n "$(at)" ] || first
    [ "$2" = a1 ] || [ "$(at)" = b2 ] || second
    ;;
downgrade)
    [ "$(at)" = a1 ] || db "BEGIN; ALTER TABLE invoice DROP COLUMN n;
        UPDATE alembic_version SET version_num = 'a1'; COMMIT"
    [ "$2" = a1 ] || db "BEGIN; DROP TABLE invoice; DELETE FROM alembic_version; COMMIT"
    ;;
esac
"#;

fn program(project: &Project, path: &str, text: &str) {
    let path = project.write(path, text);
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The repository, after `init`, where the only edit of `db.toml` is the variable of each set.
fn monorepo(name: &str) -> Project {
    let mut project = Project::bare(name);
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.git(&["init", "-q"]);
    let crm = "services/crm/contacts/migrations";
    project.write("services/crm/manage.py", "");
    project.write(&format!("{crm}/__init__.py"), "");
    project.write(&format!("{crm}/0001_initial.py"), "dependencies = []\n");
    let second = "dependencies = [('contacts', '0001_initial')]\n";
    project.write(&format!("{crm}/0002_note.py"), second);
    program(&project, "services/crm/.venv/bin/python", MANAGE);
    let versions = "services/billing/migrations/versions";
    project.write("services/billing/alembic.ini", "[alembic]\n");
    let revision =
        |own: &str, before: &str| format!("revision = {own}\ndown_revision = {before}\n");
    project.write(&format!("{versions}/a1_init.py"), &revision("'a1'", "None"));
    project.write(&format!("{versions}/b2_more.py"), &revision("'b2'", "'a1'"));
    program(&project, "services/billing/.venv/bin/alembic", ALEMBIC);
    project.write("services/web/package.json", r#"{"devDependencies": {"prisma": "6"}}"#);
    project
        .write("services/web/prisma/schema.prisma", "datasource db { provider = \"postgresql\" }");
    let page = "CREATE TABLE page (id int);";
    project.write("services/web/prisma/migrations/20260101000000_init/migration.sql", page);
    let lock = "provider = \"postgresql\"\n";
    project.write("services/web/prisma/migrations/migration_lock.toml", lock);
    project.write("services/shop/package.json", r#"{"devDependencies": {"drizzle-kit": "0.31"}}"#);
    project.write("services/shop/drizzle.config.ts", "");
    let journal = r#"{"entries":[{"idx":0,"when":1767225600000,"tag":"0000_cart"}]}"#;
    project.write("services/shop/drizzle/meta/_journal.json", journal);
    project.write("services/shop/drizzle/0000_cart.sql", "CREATE TABLE cart (id int);");
    project.write("services/ledger/go.mod", "module ledger\n");
    let entry = "services/ledger/migrations/000001_entry";
    project.write(&format!("{entry}.up.sql"), "CREATE TABLE entry (id int);");
    project.write(&format!("{entry}.down.sql"), "DROP TABLE entry;");
    project.write("services/gateway/Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n");
    let route = "services/gateway/migrations/20260101000000_route";
    project.write(&format!("{route}.up.sql"), "CREATE TABLE route (id int);");
    project.write(&format!("{route}.down.sql"), "DROP TABLE route;");

    project.db(&["init"]).ok();
    let mut toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    let mut dotenv = String::new();
    for set in SETS {
        let (database, variable) =
            (format!("{name}_{set}"), format!("{}_DATABASE_URL", set.to_uppercase()));
        cluster().run("postgres", &format!("CREATE DATABASE {database}"));
        let url = cluster().tcp_url(&database);
        // One variable is only in `.env`, where the tool would have to find it itself.
        match set {
            "crm" => dotenv += &format!("{variable}={url}\n"),
            _ => project.set(&variable, &url),
        }
        let heading = format!("[migrations.\"{set}\"]\n");
        assert!(toml.contains(&heading), "{toml}");
        toml = toml.replace(&heading, &format!("{heading}url = \"{variable}\"\n"));
    }
    project.write("db.toml", &toml);
    project.write(".env", &dotenv);
    project
}

/// What the status of each set says: the tool, and how many migrations are applied and pending.
fn states(project: &Project) -> Vec<(String, String, u64, usize)> {
    let status = project.db(&["status", "--json"]).ok().json();
    let of_set = |set: &Value| {
        let migrations = &set["migrations"];
        (
            set["set"].as_str().unwrap().to_owned(),
            set["tool"]["name"].as_str().unwrap().to_owned(),
            migrations["applied"].as_u64().unwrap(),
            migrations["pending"].as_array().unwrap().len(),
        )
    };
    status["sets"].as_array().unwrap().iter().map(of_set).collect()
}

fn expected(applied: [u64; 6], pending: [usize; 6]) -> Vec<(String, String, u64, usize)> {
    let tools = ["alembic", "django", "sqlx", "golang-migrate", "drizzle", "prisma"];
    let of_set = |at: usize| (SETS[at].to_owned(), tools[at].to_owned(), applied[at], pending[at]);
    (0..6).map(of_set).collect()
}

#[test]
fn six_tools_work_after_init_with_no_edit_but_the_variables() {
    let name = "mono";
    let project = monorepo(name);
    let pending = [2, 2, 1, 1, 1, 1];
    assert_eq!(states(&project), expected([0; 6], pending));
    project.db(&["check"]).ok();
    // A rehearsal runs the programs against the copy, although they read a variable of their own.
    let ran = project.db(&["rehearse", "--json"]).ok();
    for set in ran.json()["sets"].as_array().unwrap() {
        assert_eq!(set["verdict"], "PASS", "{set:#}");
    }
    assert_eq!(states(&project), expected([0; 6], pending), "nothing ran in the databases");
    project.db(&["migrate", "--dry-run"]).ok();
    project.db(&["migrate"]).ok();
    assert_eq!(states(&project), expected(pending.map(|count| count as u64), [0; 6]));
    project.db(&["status", "--check"]).ok();
    // Commands work in the folder of a project too.
    let mut status = project.command(&["status"]);
    let ran = status.current_dir(project.path().join("services/crm")).output().unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert!(printed.contains("django of the set crm"), "{printed}");
    for set in ["billing", "crm", "gateway", "ledger"] {
        project.db(&["rollback", "--set", set, "--yes"]).ok();
    }
    assert_eq!(states(&project), expected([1, 1, 0, 0, 1, 1], [1, 1, 1, 1, 0, 0]));
    project.db(&["migrate"]).ok();
    for set in ["billing", "crm", "gateway", "ledger", "web"] {
        project.db(&["create", "--set", set, "more"]).ok();
    }
    let created = project.path().join("services/crm/contacts/migrations/0003_more.py");
    assert!(created.exists());
    assert_eq!(states(&project), expected([2, 2, 1, 1, 1, 1], [1, 1, 1, 1, 0, 1]));
}

/// `docs/ci.md` has the lines of both pipelines.
#[test]
fn a_pull_request_takes_three_lines_and_a_deployment_at_most_six() {
    let mut project = monorepo("mono_ci");
    project.git(&["add", "."]);
    project.git(&["commit", "--quiet", "--message", "services"]);
    project.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    for set in SETS {
        let key = ["env", "key", "add", PUBLIC_KEY, "--env", "test", "--yes", "--set", set];
        project.db(&key).ok();
    }
    let [request] = &blocks("Many sets", "sh")[..] else { panic!() };
    let [_, deploy] = &blocks("Rehearsed on another machine", "sh")[..] else { panic!() };
    assert!(request.lines().count() <= 3 && deploy.lines().count() <= 6);
    project.set("CARGO_DB_ENV", "test");
    shell(&project, request).ok();
    project.set("CARGO_DB_ENV", "production");
    // Only what was carried counts.
    std::fs::remove_dir_all(project.path().join(".db/receipts")).unwrap();
    shell(&project, deploy).ok();
    assert_eq!(states(&project), expected([2, 2, 1, 1, 1, 1], [0; 6]));
}

/// The folder of an application means its project.
#[test]
fn the_folder_of_an_application_is_part_of_its_project() {
    let project = monorepo("mono_app");
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    assert!(toml.contains("dir = \"services/crm\"\n"), "{toml}");
    let of_app = "dir = \"services/crm/contacts/migrations\"\n";
    project.write("db.toml", &toml.replace("dir = \"services/crm\"\n", of_app));
    project.db(&["migrate", "--set", "crm"]).ok().says("2 migrations applied");
}

/// Files that fit two tools are left to a person, and the other sets work.
#[test]
fn files_that_fit_two_tools_are_said_and_left_to_a_person() {
    let project = Project::bare("mono_two");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.git(&["init", "-q"]);
    project.write("legacy/ledger/migrations/000001_plans.up.sql", "CREATE TABLE plans (id int);");
    project.write("legacy/ledger/migrations/000001_plans.down.sql", "DROP TABLE plans;");
    project.write("services/gateway/Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n");
    let route = "services/gateway/migrations/20260101000000_route";
    project.write(&format!("{route}.sql"), "CREATE TABLE route (id int);");
    let ran = project.db(&["init"]).ok().says("legacy/ledger/migrations");
    let ran = ran.says("golang-migrate").says("sqlx");
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    assert!(toml.contains("# tool = \"golang-migrate\"\n"), "{toml}\n{ran}");
    assert!(toml.contains("# tool = \"sqlx\"\n"), "{toml}");
    let json = project.db(&["check", "--json"]).code(2).json();
    let codes: Vec<&Value> =
        json["sets"].as_array().unwrap().iter().map(|set| &set["error"]["code"]).collect();
    assert_eq!(codes, [&Value::Null, &Value::from("SETTINGS.SEVERAL_TOOLS")], "{json:#}");
}
