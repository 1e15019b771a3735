//! Drift: what differs from the schema that the migrations left is named, object by object, and
//! nothing else is.

use std::os::unix::fs::PermissionsExt;

use crate::interop::with_sqlx;
use crate::support::{Project, Ran, cluster};

const FIRST: &str = "\
    CREATE TYPE mood AS ENUM ('sad', 'ok'); \
    CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, email text, mood mood); \
    CREATE INDEX users_name ON users (name); \
    CREATE TABLE orders (id int PRIMARY KEY, buyer int REFERENCES users, note text); \
    CREATE VIEW names AS SELECT id, name FROM users; \
    CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
    CREATE SEQUENCE numbers; \
    ALTER TABLE users ENABLE ROW LEVEL SECURITY; \
    CREATE POLICY own ON users USING (true)";

/// What lies partly outside the database, or contains a password.
const FAR: &str = "\
    CREATE EXTENSION citext; \
    CREATE FOREIGN DATA WRAPPER far; \
    CREATE SERVER away FOREIGN DATA WRAPPER far OPTIONS (host 'a'); \
    CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (password 'a')";

/// Changes by hand, each with what undoes it and the object that it is about.
const CHANGES: [(&str, &str, &str); 21] = [
    (
        "CREATE TABLE extra (id int PRIMARY KEY, n int)",
        "DROP TABLE extra",
        "table public.extra: added",
    ),
    (
        "ALTER TABLE orders ADD COLUMN hidden int",
        "ALTER TABLE orders DROP COLUMN hidden",
        "column public.orders.hidden: added",
    ),
    (
        "ALTER TABLE users ALTER COLUMN email SET NOT NULL",
        "ALTER TABLE users ALTER COLUMN email DROP NOT NULL",
        "column public.users.email: changed",
    ),
    (
        "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'x'",
        "ALTER TABLE orders ALTER COLUMN note DROP DEFAULT",
        "column public.orders.note: changed",
    ),
    (
        "DROP INDEX users_name",
        "CREATE INDEX users_name ON users (name)",
        "index public.users_name: missing",
    ),
    ("CREATE INDEX quick ON orders (note)", "DROP INDEX quick", "index public.quick: added"),
    (
        "ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0)",
        "ALTER TABLE orders DROP CONSTRAINT positive",
        "constraint public.orders.positive: added",
    ),
    (
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "function public.one(): changed",
    ),
    (
        "GRANT SELECT ON orders TO drift_reader",
        "REVOKE SELECT ON orders FROM drift_reader",
        "privileges of table public.orders: added",
    ),
    (
        "ALTER VIEW names OWNER TO drift_reader",
        "ALTER VIEW names OWNER TO postgres",
        "owner of view public.names: changed",
    ),
    (
        "COMMENT ON COLUMN users.name IS 'x'",
        "COMMENT ON COLUMN users.name IS NULL",
        "comment of column public.users.name: added",
    ),
    (
        "CREATE OR REPLACE VIEW names AS SELECT id, upper(name) AS name FROM users",
        "CREATE OR REPLACE VIEW names AS SELECT id, name FROM users",
        "view public.names: changed",
    ),
    (
        "ALTER SEQUENCE numbers INCREMENT 2",
        "ALTER SEQUENCE numbers INCREMENT 1",
        "sequence public.numbers: changed",
    ),
    (
        "ALTER POLICY own ON users USING (false)",
        "ALTER POLICY own ON users USING (true)",
        "policy public.users.own: changed",
    ),
    (
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "table public.users: changed",
    ),
    ("CREATE SCHEMA private", "DROP SCHEMA private", "schema private: added"),
    (
        "CREATE TABLE \"a list\" (\"an id\" int PRIMARY KEY, n int UNIQUE); \
         COMMENT ON TABLE \"a list\" IS 'x'; COMMENT ON COLUMN \"a list\".n IS 'x'; \
         COMMENT ON INDEX \"a list_pkey\" IS 'x'; CREATE INDEX \"an index\" ON \"a list\" (n)",
        "DROP TABLE \"a list\"",
        "table public.\"a list\": added",
    ),
    (
        "ALTER EXTENSION citext ADD TABLE orders",
        "ALTER EXTENSION citext DROP TABLE orders",
        "table public.orders: missing",
    ),
    (
        "CREATE SUBSCRIPTION drifted CONNECTION 'dbname=x' PUBLICATION p \
         WITH (connect = false, slot_name = NONE)",
        "DROP SUBSCRIPTION drifted",
        "object subscription drifted: added",
    ),
    (
        "ALTER SERVER away OPTIONS (SET host 'b')",
        "ALTER SERVER away OPTIONS (SET host 'a')",
        "server away: changed",
    ),
    (
        "ALTER USER MAPPING FOR PUBLIC SERVER away OPTIONS (SET password 'b')",
        "ALTER USER MAPPING FOR PUBLIC SERVER away OPTIONS (SET password 'a')",
        "user mapping FOR public SERVER away: changed",
    ),
];

/// A project whose first migration is applied.
pub(crate) fn migrated(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_first.sql", FIRST);
    project.db(&["migrate"]).ok();
    project
}

/// The objects that differ, each with how.
#[track_caller]
pub(crate) fn drifted(project: &Project) -> Vec<String> {
    drifted_of(project, &[])
}

#[track_caller]
fn drifted_of(project: &Project, set: &[&str]) -> Vec<String> {
    let drift = &project.db(&[&["status", "--json"], set].concat()).ok().json()["drift"];
    let objects = drift["objects"].as_array().unwrap_or_else(|| panic!("{drift}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    objects
        .iter()
        .map(|one| format!("{}: {}", text(&one["object"]), text(&one["change"])))
        .collect()
}

#[track_caller]
fn state(project: &Project) -> String {
    let json = project.db(&["status", "--json"]).ok().json();
    json["drift"]["state"].as_str().unwrap_or_else(|| panic!("{json}")).to_owned()
}

#[test]
fn each_object_that_was_changed_by_hand_is_named() {
    let project = migrated("drift_kinds");
    project.migration("2_far.sql", FAR);
    project.db(&["migrate"]).ok();
    let _ = cluster().connect("postgres").batch_execute("CREATE ROLE drift_reader");
    assert_eq!(state(&project), "none");
    project.db(&["status", "--check"]).ok();
    for (change, back, named) in CHANGES {
        project.run_sql(change);
        assert_eq!(drifted(&project), [named], "{change}");
        project.run_sql(back);
        assert_eq!(drifted(&project), [] as [&str; 0], "{back}");
    }
    project.run_sql("ALTER TYPE mood ADD VALUE 'happy'; DROP TABLE orders");
    let wanted = ["enum value public.mood.happy: added", "table public.orders: missing"];
    assert_eq!(drifted(&project), wanted);
}

#[test]
fn drift_is_wrong_and_pending_is_not() {
    let project = migrated("drift_codes");
    project.db(&["check", "--drift"]).ok();
    project.migration("2_second.sql", "CREATE TABLE second (id int)");
    project.db(&["status", "--check"]).code(1);
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    let status = project.db(&["status", "--check"]).code(9);
    status
        .says("Drift        1 object differs from what the migrations left")
        .says("column public.users.age: added")
        .says("`cargo db diff` shows the difference; make it a migration with `cargo db repair")
        .says("--drift`, or undo it");
    project.db(&["status"]).ok();
    let check = project.db(&["check", "--drift"]).code(1).says("column public.users.age: added");
    assert!(check.stdout.contains("PASS"), "{check}");
    project.run_sql("ALTER TABLE users DROP COLUMN age");
    project.db(&["status", "--check"]).code(1);
}

#[test]
fn only_own_statements_advance_the_fingerprint() {
    let project = migrated("drift_own");
    project.run_sql("ALTER TABLE users ADD COLUMN age int; CREATE TABLE extra (id int)");
    let before = ["column public.users.age: added", "table public.extra: added"];
    assert_eq!(drifted(&project), before);
    project.migration("2_second.up.sql", "ALTER TABLE users ADD COLUMN born date");
    project.migration("2_second.down.sql", "ALTER TABLE users DROP COLUMN born");
    project.db(&["migrate"]).ok();
    assert_eq!(drifted(&project), before);
    project.agreed(&["rollback"]).ok();
    assert_eq!(drifted(&project), before);
    // A migration that makes the change its own ends the drift.
    project.write("migrations/3_own.sql", "DROP TABLE extra; ALTER TABLE users DROP COLUMN age");
    project.db(&["migrate", "--allow-out-of-order", "--to", "3"]).ok();
    assert_eq!(drifted(&project), [] as [&str; 0]);
}

#[test]
fn what_a_baseline_records_is_no_drift() {
    let project = migrated("drift_baseline");
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    project.migration("2_age.sql", "ALTER TABLE users ADD COLUMN age int");
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    project.agreed(&["baseline", "--to", "2"]).ok();
    assert_eq!(drifted(&project), [] as [&str; 0]);
    project.db(&["status", "--check"]).ok();
    project.run_sql("ALTER TABLE users DROP COLUMN age");
    assert_eq!(drifted(&project), ["column public.users.age: missing"]);
}

#[test]
fn what_changes_no_object_is_no_drift() {
    let project = migrated("drift_none");
    project.run_sql("INSERT INTO users VALUES (1, 'a'); TRUNCATE orders; REINDEX TABLE users");
    project.run_sql("VACUUM FULL users");
    project.run_sql("ANALYZE; CREATE TEMP TABLE gone AS SELECT 1");
    assert_eq!(state(&project), "none");
    project.db(&["status", "--check"]).ok();
    let status = project.db(&["status"]).ok();
    assert!(!status.stdout.contains("Drift"), "{status}");
}

/// A full comparison reads every object, and only a change of the catalogs may cause one.
#[test]
fn work_on_rows_leaves_the_digest_of_the_catalogs_as_it_is() {
    let project = migrated("drift_rows");
    let digest_after_seed = |id: u32| {
        project.write(&format!("seeds/{id}.sql"), &format!("INSERT INTO users VALUES ({id}, 'a')"));
        project.db(&["seed"]).ok();
        let folder = std::fs::read_dir(project.path().join(".db/drift")).unwrap();
        let mut files = folder.map(|entry| entry.unwrap().path());
        let file = files.find(|path| path.extension().is_some_and(|ending| ending == "txt"));
        let text = std::fs::read_to_string(file.unwrap()).unwrap();
        let head: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        head["catalogs"].clone()
    };
    let before = digest_after_seed(1);
    assert!(before.is_string());
    for id in 2..9 {
        project.run_sql(&format!("INSERT INTO users VALUES ({id}, 'b')"));
    }
    assert_eq!(digest_after_seed(9), before);
    project.run_sql("CREATE CAST (bigint AS timestamptz) WITHOUT FUNCTION");
    assert_ne!(digest_after_seed(10), before);
}

#[test]
fn another_program_makes_drift_unknown_until_the_next_own_change() {
    let project = Project::new("drift_other");
    project.migration("20260101000000_a.sql", "CREATE TABLE a (id int)");
    project.db(&["migrate"]).ok();
    project.migration("20260102000000_b.sql", "CREATE TABLE b (id int)");
    with_sqlx(&project, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    let status = project.db(&["status", "--check"]).ok();
    let said = "unknown since 20260101000000: the history or the server changed without leaving a";
    status.says(said).says("fingerprint; `cargo db diff` compares");
    project.db(&["check", "--drift"]).ok();
    // What sqlx left is taken as it is.
    project.migration("20260103000000_c.sql", "CREATE TABLE c (id int)");
    project.db(&["migrate"]).ok();
    let json = project.db(&["status", "--json"]).ok().json();
    assert_eq!(json["drift"]["state"], "none");
    assert_eq!(json["drift"]["since"], "20260102000000");
    project.run_sql("DROP TABLE b");
    assert_eq!(drifted(&project), ["table public.b: missing"]);
    with_sqlx(&project, |migrator, pool| async move { migrator.run(&pool).await.unwrap() });
    assert_eq!(drifted(&project), ["table public.b: missing"]);
}

#[test]
fn without_a_fingerprint_drift_is_unknown() {
    let project = migrated("drift_clone");
    std::fs::remove_dir_all(project.path().join(".db/drift")).unwrap();
    let status = project.db(&["status", "--check"]).ok();
    status.says("unknown: there is no fingerprint of this database in .db/drift; `cargo db diff`");
    // Another database under the same name has no fingerprint either.
    let empty = Project::new("drift_empty");
    let json = empty.db(&["status", "--json"]).ok().json();
    assert_eq!(json["drift"], serde_json::Value::Null);
}

#[test]
fn a_migration_that_fails_leaves_what_was_known() {
    let project = migrated("drift_failed");
    project.run_sql("CREATE TABLE extra (id int)");
    project.migration("2_fails.sql", "CREATE TABLE second (id int); SELECT 1 / 0");
    let ran = project.db(&["migrate", "--yes"]);
    assert_ne!(ran.code, Some(0), "{ran}");
    assert_eq!(drifted(&project), ["table public.extra: added"]);
}

/// Two sets of migrations in one database, both applied.
fn two_sets(name: &str) -> Project {
    let project = Project::new(name);
    let set = |set: &str| {
        format!("[migrations.{set}]\ndir = '{set}'\ntool = 'sqlx'\ntable = '{set}_history'\n")
    };
    project.write("db.toml", &format!("{}{}", set("a"), set("b")));
    project.write("a/1_a.sql", "CREATE TABLE a (id int)");
    project.write("b/1_b.sql", "CREATE TABLE b (id int)");
    let _ = project.db(&["migrate", "--set", "a"]).ok();
    let _ = project.db(&["migrate", "--set", "b"]).ok();
    project
}

#[test]
fn sets_share_a_fingerprint_without_each_others_histories() {
    let project = two_sets("drift_sets");
    for set in ["a", "b"] {
        assert_eq!(drifted_of(&project, &["--set", set]), [] as [&str; 0]);
    }
    let json = project.db(&["status", "--check", "--json"]).ok().json();
    for set in json["sets"].as_array().unwrap() {
        assert_eq!(set["drift"]["state"], "none", "{json:#}");
    }
    project.run_sql("ALTER TABLE a ADD COLUMN extra int");
    for set in ["a", "b"] {
        assert_eq!(drifted_of(&project, &["--set", set]), ["column public.a.extra: added"]);
    }
    project.write("b/2_b.sql", "CREATE TABLE b2 (id int)");
    let _ = project.db(&["migrate", "--set", "b"]).ok();
    for set in ["a", "b"] {
        assert_eq!(drifted_of(&project, &["--set", set]), ["column public.a.extra: added"]);
    }
}

/// Runs `cargo db` in a copy of the project that shares its database, but not its fingerprint.
fn elsewhere(project: &Project, arguments: &[&str]) -> Ran {
    let copy = |path: &str| {
        let text = std::fs::read_to_string(project.path().join(path)).unwrap();
        project.write(&format!("elsewhere/{path}"), &text);
    };
    copy("db.toml");
    for set in ["a", "b"] {
        for file in std::fs::read_dir(project.path().join(set)).unwrap() {
            copy(&format!("{set}/{}", file.unwrap().file_name().to_str().unwrap()));
        }
    }
    let mut command = project.command(arguments);
    command.current_dir(project.path().join("elsewhere")).output().unwrap().into()
}

#[test]
fn a_set_that_another_program_migrated_does_not_take_the_other_with_it() {
    let project = two_sets("drift_set_gone");
    let of_set = |set: &str| {
        let json = project.db(&["status", "--json", "--set", set]).ok().json();
        let text = |name: &str| json["drift"][name].as_str().unwrap_or_default().to_owned();
        (text("state"), text("since"))
    };
    let is = |state: &str, since: &str| (state.to_owned(), since.to_owned());
    project.write("b/2_b.sql", "CREATE TABLE b2 (id int)");
    let _ = elsewhere(&project, &["migrate", "--set", "b"]).ok();
    // What differs comes from the other set, as far as anybody can tell.
    assert_eq!(of_set("a"), is("unknown", "1"));
    assert_eq!(of_set("b"), is("unknown", "1"));
    project.write("a/2_a.sql", "CREATE TABLE a2 (id int)");
    let _ = project.db(&["migrate", "--set", "a"]).ok();
    assert_eq!(of_set("b"), is("unknown", "1"));
    project.write("b/3_b.sql", "CREATE TABLE b3 (id int)");
    let _ = project.db(&["migrate", "--set", "b"]).ok();
    assert_eq!(of_set("a"), is("none", "2"));
    assert_eq!(of_set("b"), is("none", "2"));
    project.run_sql("DROP TABLE a2");
    for set in ["a", "b"] {
        assert_eq!(drifted_of(&project, &["--set", set]), ["table public.a2: missing"]);
    }
}

#[test]
fn a_renamed_role_is_drift() {
    let server = cluster();
    let rename = |from: &str, to: &str| {
        server.run("postgres", &format!("ALTER ROLE {from} RENAME TO {to}"));
    };
    server.run("postgres", "CREATE ROLE drift_old");
    let project = Project::new("drift_role");
    project.migration("1_a.sql", "CREATE TABLE a (); GRANT SELECT ON a TO drift_old");
    project.db(&["migrate"]).ok();
    rename("drift_old", "drift_new");
    assert_eq!(drifted(&project), ["privileges of table public.a: changed"]);
    rename("drift_new", "drift_old");
    assert_eq!(drifted(&project), [] as [&str; 0]);
}

#[test]
fn a_role_with_few_rights_is_told_of_drift_too() {
    let mut project = Project::new("drift_plain");
    project.run_sql(
        "CREATE ROLE drift_plain LOGIN; ALTER DATABASE drift_plain OWNER TO drift_plain; \
         GRANT ALL ON SCHEMA public TO drift_plain; \
         REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    );
    let url = cluster().url("drift_plain").replacen("postgres@", "drift_plain@", 1);
    project.set("DATABASE_URL", &url);
    project.migration("1_a.sql", "CREATE TABLE a (id int)");
    project.db(&["migrate"]).ok();
    assert_eq!(state(&project), "none");
    project.run_sql("ALTER TABLE a ADD COLUMN extra int");
    let added = ["column public.a.extra: added"];
    assert_eq!(drifted(&project), added);
    project.migration("2_b.sql", "CREATE TABLE b (id int)");
    project.db(&["migrate"]).ok();
    assert_eq!(drifted(&project), added);
}

#[test]
fn a_check_that_examines_nothing_says_so() {
    let project = Project::new("drift_nothing");
    project.migration("1_a.sql", "CREATE TABLE a (id int)");
    project
        .db(&["check", "--drift"])
        .ok()
        .says("drift was not examined: no migration is applied to `drift_nothing`");
    let tool = project.write("tool", "#!/bin/sh\necho '[]'\n");
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    project.write("db.toml", "[migrations]\nstatus = ['./tool', 'status']\n");
    let ran = project.db(&["check", "--drift"]).ok();
    ran.says("drift was not examined: commands reports the history itself");
}
