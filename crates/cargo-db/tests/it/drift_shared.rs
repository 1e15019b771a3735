//! In staging and production the database keeps the fingerprint itself, so that every clone of the
//! project finds the same drift.

use crate::drift::drifted;
use crate::support::{Project, Ran, cluster};

const FIRST: &str = "CREATE TABLE users (id int PRIMARY KEY, name text)";
const SECOND: &str = "CREATE TABLE orders (id int PRIMARY KEY)";

/// A clone of a project whose database, which exists, is one of staging.
fn clone_of(name: &str) -> Project {
    let mut project = Project::without_database(name);
    project.set("CARGO_DB_ENV", "staging");
    project.migration("1_first.sql", FIRST);
    project
}

/// A project whose first migration is applied in staging.
fn migrated(name: &str) -> Project {
    cluster().run("postgres", &format!("CREATE DATABASE {name}"));
    migrated_in_existing(name)
}

/// Runs as another role.
fn by(project: &mut Project, role: &str) {
    let url = cluster().url(&project.database);
    project.set("DATABASE_URL", &url.replace("postgres@", &format!("{role}@")));
}

fn role(name: &str) {
    let _ = cluster().connect("postgres").batch_execute(&format!("CREATE ROLE {name} LOGIN"));
}

#[test]
fn two_clones_find_the_same_drift() {
    let one = migrated("ds_clones");
    let other = clone_of("ds_clones");
    let none = [] as [&str; 0];
    assert_eq!((drifted(&one), drifted(&other)), (vec![], vec![]));
    one.run_sql("ALTER TABLE users ADD COLUMN age int");
    let age = ["column public.users.age: added"];
    assert_eq!(drifted(&one), age);
    assert_eq!(drifted(&other), age);
    other.db(&["check", "--drift"]).code(1).says("column public.users.age: added");
    // What one of them does, the other one knows; what differed before still does.
    for project in [&one, &other] {
        project.migration("2_second.sql", SECOND);
    }
    other.db(&["migrate", "--yes"]).ok();
    assert_eq!(drifted(&one), age);
    one.db(&["repair", "--drift", "--yes"]).ok();
    assert_eq!(drifted(&one), none);
    assert_eq!(drifted(&other), none);
    one.db(&["status", "--check"]).ok();
    for project in [&one, &other] {
        assert!(!project.path().join(".db/drift").exists());
    }
    assert_eq!(one.query("SELECT count(*) FROM cargo_db.fingerprint"), ["1"]);
}

#[test]
fn the_marker_says_where_the_fingerprint_is() {
    let one = migrated("ds_marker");
    let mut other = clone_of("ds_marker");
    other.set("CARGO_DB_ENV", "development");
    let json = other.db(&["status", "--json"]).ok().json();
    assert_eq!(json["drift"]["reason"], "there is no fingerprint of this database in .db/drift");
    one.db(&["env", "set", "staging", "--yes"]).ok();
    assert_eq!(drifted(&other), [] as [&str; 0]);
    one.run_sql("DROP TABLE users");
    assert_eq!(drifted(&other), ["table public.users: missing"]);
}

#[test]
fn nobody_else_may_read_the_fingerprint_unless_it_is_granted() {
    role("ds_reader");
    cluster().run("postgres", "CREATE DATABASE ds_rights");
    cluster().run("ds_rights", "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, ds_reader");
    let project = migrated_in_existing("ds_rights");
    let may = "SELECT has_table_privilege('ds_reader', 'cargo_db.fingerprint', 'SELECT')";
    assert_eq!(project.query(may), ["f"]);
    let mut reader = clone_of("ds_rights");
    by(&mut reader, "ds_reader");
    project.run_sql("GRANT USAGE ON SCHEMA cargo_db TO ds_reader");
    let status = reader.db(&["status", "--check"]).ok();
    let status = status.says("unknown: this role may not read cargo_db.fingerprint");
    assert!(!status.stderr.contains("fingerprint"), "{status}");
    project.run_sql("GRANT SELECT ON cargo_db.fingerprint TO ds_reader");
    assert_eq!(drifted(&reader), [] as [&str; 0]);
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    assert_eq!(drifted(&reader), ["column public.users.age: added"]);
    // The grant stays when the fingerprint is written again.
    project.migration("2_second.sql", SECOND);
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(project.query(may), ["t"]);
}

fn migrated_in_existing(name: &str) -> Project {
    let project = clone_of(name);
    project.db(&["migrate", "--yes"]).ok();
    project
}

#[test]
fn another_role_is_not_shown_what_it_cannot_see() {
    role("ds_blind");
    let project = migrated("ds_blind_mapping");
    project.migration(
        "2_far.sql",
        "CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far; \
         CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (password 'hunter2')",
    );
    project.db(&["migrate", "--yes"]).ok();
    let kept = project.query("SELECT concat(identity, head, facts) FROM cargo_db.fingerprint");
    assert!(kept[0].contains("user mapping") && !kept[0].contains("hunter2"), "{kept:?}");
    let grants = "GRANT USAGE ON SCHEMA cargo_db TO ds_blind; \
                  GRANT SELECT ON cargo_db.fingerprint, sqlx_history TO ds_blind";
    let history = project.query("SELECT relname FROM pg_class WHERE relname ~ 'migrations$'");
    project.run_sql(&grants.replace("sqlx_history", &history[0]));
    // These grants are drift: of the history table they are not.
    let mut blind = clone_of("ds_blind_mapping");
    blind.migration("2_far.sql", "");
    by(&mut blind, "ds_blind");
    assert_eq!(drifted(&blind), [] as [&str; 0]);
}

/// What a migration says that can leave no fingerprint, and that the drift is unknown then.
#[track_caller]
fn without_fingerprint(project: &Project, ran: Ran, reason: &str) {
    ran.ok().says("there will be no fingerprint of the schema, so drift is unknown");
    let json = project.db(&["status", "--check", "--json"]).ok().json();
    assert_eq!(json["drift"]["reason"], reason, "{json:#}");
}

#[test]
fn a_table_that_is_not_ours_is_left_alone() {
    cluster().run("postgres", "CREATE DATABASE ds_foreign");
    cluster().run(
        "ds_foreign",
        "CREATE SCHEMA cargo_db; CREATE TABLE cargo_db.fingerprint \
         (identity text NOT NULL, role text NOT NULL, key text NOT NULL, head text NOT NULL, \
          facts text NOT NULL); \
         CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN CREATE TABLE public.spied (); RETURN NEW; END'; \
         CREATE TRIGGER spy BEFORE INSERT ON cargo_db.fingerprint \
         FOR EACH ROW EXECUTE FUNCTION public.spy()",
    );
    let project = clone_of("ds_foreign");
    let ran = project.db(&["migrate", "--yes"]);
    without_fingerprint(&project, ran, "the fingerprint in cargo_db.fingerprint cannot be read");
    assert_eq!(project.query("SELECT to_regclass('spied') IS NULL"), ["t"]);
    project.run_sql("DROP TABLE cargo_db.fingerprint");
    project.migration("2_second.sql", SECOND);
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(drifted(&project), [] as [&str; 0]);
}

#[test]
fn a_role_that_may_not_create_the_table_migrates_without_a_fingerprint() {
    role("ds_migrator");
    cluster().run("postgres", "CREATE DATABASE ds_readonly");
    cluster().run(
        "ds_readonly",
        "CREATE SCHEMA cargo_db; GRANT USAGE ON SCHEMA cargo_db TO ds_migrator; \
         CREATE TABLE cargo_db.audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
             at timestamptz NOT NULL DEFAULT now(), record text NOT NULL); \
         GRANT SELECT, INSERT ON cargo_db.audit TO ds_migrator; \
         GRANT CREATE ON SCHEMA public TO ds_migrator",
    );
    let mut project = clone_of("ds_readonly");
    by(&mut project, "ds_migrator");
    let ran = project.db(&["migrate", "--yes"]);
    without_fingerprint(&project, ran, "the database keeps no fingerprint in cargo_db.fingerprint");
}

#[test]
fn no_dump_contains_the_fingerprint() {
    let project = migrated("ds_backup");
    project.run_sql("INSERT INTO users VALUES (1, 'Ada')");
    let dump = project.db(&["dump", "--stdout"]).ok();
    assert!(dump.stdout.contains("Ada") && !dump.stdout.contains("fingerprint"), "{dump}");
}

#[test]
fn the_fingerprint_of_a_copy_is_that_of_another_database() {
    let _project = migrated("ds_original");
    cluster().end_sessions("ds_original");
    cluster().run("postgres", "CREATE DATABASE ds_copy TEMPLATE ds_original");
    let copy = clone_of("ds_copy");
    let json = copy.db(&["status", "--json"]).ok().json();
    let reason = "the database keeps no fingerprint in cargo_db.fingerprint";
    assert_eq!(json["drift"]["reason"], reason, "{json:#}");
}
