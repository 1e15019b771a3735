//! Foreign SQL may not change the marker and the audit trail in a database: changes by migrations,
//! seeds and programs are refused or reverted, and a rehearsal detects them.

use crate::support::{Project, Ran, cluster};

/// A project whose database is marked as staging and has a trail.
fn marked(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_t.up.sql", "CREATE TABLE t (id int PRIMARY KEY);");
    project.migration("1_t.down.sql", "DROP TABLE t;");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["migrate", "--yes"]).ok();
    assert!(trail(&project).len() >= 2);
    project
}

fn trail(project: &Project) -> Vec<String> {
    project.query("SELECT record FROM cargo_db.audit ORDER BY id")
}

fn marker(project: &Project) -> Vec<String> {
    project.query("SELECT environment, database_oid <> 0 FROM cargo_db.marker")
}

/// The marker is unchanged, and the old trail is a prefix of the new one.
#[track_caller]
fn is_kept(project: &Project, before: &[String], ran: &Ran) {
    assert_eq!(marker(project), ["staging|t"], "{ran}");
    assert!(trail(project).starts_with(before), "{ran}");
    let others = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE n.nspname = 'cargo_db' AND (c.relkind = 'v' OR c.relhastriggers \
                  AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid))";
    assert_eq!(project.query(others), ["0"], "{ran}");
}

/// Attempts at changing the marker or the trail.
const ATTACKS: [&str; 15] = [
    "TRUNCATE cargo_db.audit; DELETE FROM cargo_db.marker;",
    "UPDATE cargo_db.marker SET environment = 'development';",
    "UPDATE cargo_db.marker SET database_oid = 0;",
    "DELETE FROM cargo_db.audit WHERE id = (SELECT max(id) FROM cargo_db.audit);",
    "UPDATE cargo_db.audit SET record = replace(record, 'env set', 'env clear');",
    "INSERT INTO cargo_db.audit (id, record) OVERRIDING SYSTEM VALUE \
     SELECT max(id) + 1, '{}' FROM cargo_db.audit;",
    "ALTER TABLE cargo_db.audit ALTER id DROP IDENTITY; \
     UPDATE cargo_db.audit SET id = 9223372036854775807 \
     WHERE id = (SELECT max(id) FROM cargo_db.audit); \
     ALTER TABLE cargo_db.audit ALTER id ADD GENERATED ALWAYS AS IDENTITY;",
    "DROP SCHEMA cargo_db CASCADE;",
    "ALTER TABLE cargo_db.marker RENAME TO unmarked;",
    "ALTER SCHEMA cargo_db RENAME TO other; CREATE SCHEMA cargo_db;",
    "ALTER TABLE cargo_db.marker SET SCHEMA public; \
     CREATE VIEW cargo_db.marker AS SELECT 'test' AS environment, 1::oid AS database_oid;",
    "CREATE FUNCTION mute() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
     CREATE TRIGGER mute BEFORE INSERT ON cargo_db.audit FOR EACH ROW EXECUTE FUNCTION mute();",
    "CREATE RULE mute AS ON INSERT TO cargo_db.audit DO INSTEAD NOTHING;",
    "CREATE TABLE keep AS SELECT * FROM cargo_db.marker; DROP TABLE cargo_db.marker; \
     CREATE TABLE cargo_db.marker AS SELECT * FROM keep;",
    "CREATE ROLE md_nobody; SET ROLE md_nobody; RESET ROLE; \
     SET search_path = cargo_db; DELETE FROM marker; DROP ROLE md_nobody;",
];

/// Gives the marker to another owner, who may then change it.
const OWNER: &str = "CREATE ROLE md_owner; ALTER TABLE cargo_db.marker OWNER TO md_owner;";

#[test]
fn a_migration_that_changes_them_is_rolled_back() {
    let project = marked("md_migrate");
    let before = trail(&project);
    for (number, attack) in ATTACKS.iter().chain([&OWNER]).enumerate() {
        project.migration("2_a.up.sql", &format!("CREATE TABLE made (id int);\n{attack}"));
        let ran = project.db(&["migrate", "--yes"]).code(7).says("was rolled back");
        is_kept(&project, &before, &ran);
        assert_eq!(project.query("SELECT to_regclass('made')"), [""], "{number}: {ran}");
    }
    // Granting SELECT to others is harmless.
    project.migration("2_a.up.sql", "GRANT SELECT ON cargo_db.audit TO PUBLIC;");
    project.db(&["migrate", "--yes"]).ok();
}

#[test]
fn all_or_nothing_is_rolled_back_as_well() {
    let project = marked("md_batch");
    let before = trail(&project);
    project.migration("2_a.up.sql", "CREATE TABLE made (id int);");
    project.migration("3_b.up.sql", ATTACKS[0]);
    let ran = project.db(&["migrate", "--yes", "--all-or-nothing"]).code(7).says("was rolled back");
    is_kept(&project, &before, &ran);
    assert_eq!(project.query("SELECT to_regclass('made')"), [""]);
}

#[test]
fn a_committed_change_of_the_marker_is_reverted() {
    let project = marked("md_committed");
    project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
    let owners = project.query(OWNERS);
    let owner = OWNER.replace("md_owner", "md_new_owner");
    for attack in ATTACKS.into_iter().chain([owner.as_str()]) {
        let before = trail(&project);
        project.migration("2_a.up.sql", &format!("-- no-transaction\n{attack}"));
        let ran = project.db(&["migrate", "--yes"]).code(8).says("reverted");
        is_kept(&project, &before, &ran);
        assert_eq!(project.query(OWNERS), owners, "{attack}");
        project.run_sql(
            "DROP ROLE IF EXISTS md_new_owner; \
             DROP FUNCTION IF EXISTS mute CASCADE; DROP TABLE IF EXISTS keep; \
             DROP SCHEMA IF EXISTS other CASCADE; DROP TABLE IF EXISTS marker",
        );
    }
    // A trigger that waits for the commit.
    let before = trail(&project);
    project.migration(
        "2_a.up.sql",
        "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN DELETE FROM cargo_db.marker; RETURN NULL; END'; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION late(); INSERT INTO t VALUES (1);",
    );
    let ran = project.db(&["migrate", "--yes"]).code(8).says("the change was reverted");
    is_kept(&project, &before, &ran);
    project.db(&["audit", "--database"]).ok().says("AUDIT.PUT_BACK");
}

#[test]
fn what_others_have_made_of_them_stays() {
    let project = marked("md_view");
    project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
    project.run_sql("CREATE VIEW which AS SELECT environment FROM cargo_db.marker");
    let before = trail(&project);
    project.migration("2_a.up.sql", &format!("-- no-transaction\n{}", ATTACKS[0]));
    let ran = project.db(&["migrate", "--yes"]).code(8).says("the change was reverted");
    is_kept(&project, &before, &ran);
    assert_eq!(project.query("SELECT environment FROM which"), ["staging"]);
}

/// How a failed migration ends whose backup can be swapped back in. Before PostgreSQL 15 it is not:
/// the server counts the sessions of a database too late to know that no other one wrote.
fn swapped_in() -> i32 {
    if cluster().major() < 15 { 8 } else { 7 }
}

/// The owners of the schema `cargo_db` and of its tables.
const OWNERS: &str = "SELECT n.nspowner::regrole, c.relname, c.relowner::regrole FROM pg_class c \
                      JOIN pg_namespace n ON n.oid = c.relnamespace \
                      WHERE n.nspname = 'cargo_db' AND c.relkind = 'r' ORDER BY c.relname";

#[test]
fn a_member_of_the_owner_restores_them_too() {
    let mut project = marked("md_member");
    project.run_sql(
        "CREATE ROLE md_team; CREATE ROLE md_app LOGIN CREATEDB IN ROLE md_team; \
         ALTER DATABASE md_member OWNER TO md_team; ALTER SCHEMA public OWNER TO md_team; \
         ALTER SCHEMA cargo_db OWNER TO md_team; \
         DO $$ DECLARE one regclass; BEGIN FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' \
         AND relnamespace IN ('public'::regnamespace, 'cargo_db'::regnamespace) LOOP \
         EXECUTE format('ALTER TABLE %s OWNER TO md_team', one); END LOOP; END $$",
    );
    project.set("DATABASE_URL", &cluster().url("md_member").replace("postgres@", "md_app@"));
    // A fingerprint that is gone is made anew by the next change.
    let query = format!("SELECT * FROM ({OWNERS}) AS o WHERE relname <> 'fingerprint'");
    let owners = ["md_team|audit|md_team", "md_team|marker|md_team"];
    assert_eq!(project.query(&query), owners);
    let before = trail(&project);
    project.migration("2_a.up.sql", "-- no-transaction\nDROP SCHEMA cargo_db CASCADE;");
    // The first run is all or nothing, so its backup is swapped in. The second run stays applied.
    for code in [swapped_in(), 8] {
        let ran = project.db(&["migrate", "--yes"]).code(code).says("the change was reverted");
        is_kept(&project, &before, &ran);
        assert_eq!(project.query(&query), owners);
        project.write("db.toml", "[migrate]\nall-or-nothing = false\n");
    }
    std::fs::remove_file(project.path().join("migrations/2_a.up.sql")).unwrap();
    project.db(&["backup", "-o", "whole.sql"]).ok();
    project.db(&["restore", "whole.sql", "--yes", "--confirm", "md_member"]).ok();
    assert_eq!(project.query(&query), owners);
}

#[test]
fn rollback_may_not_change_the_marker_either() {
    let project = marked("md_back");
    let before = trail(&project);
    project.write("migrations/1_t.down.sql", "DROP TABLE t; DELETE FROM cargo_db.marker;");
    let ran = project.db(&["rollback", "--yes"]).code(7).says("was rolled back");
    is_kept(&project, &before, &ran);
}

#[test]
fn seeds_and_their_programs_may_not_change_the_marker() {
    let project = marked("md_seed");
    let before = trail(&project);
    project.write(
        "seeds/staging/x.sql",
        "INSERT INTO t VALUES (7); UPDATE cargo_db.marker SET environment = 'development';",
    );
    let ran = project.db(&["seed", "--yes"]).code(7).says("was rolled back");
    is_kept(&project, &before, &ran);
    assert_eq!(project.query("SELECT count(*) FROM t"), ["0"]);
    std::fs::remove_dir_all(project.path().join("seeds")).unwrap();
    project.write("db.toml", "[seeds]\ncommand = \"sh clear.sh\"\n");
    project.write(
        "clear.sh",
        &format!(
            "{}/psql -d {} -qc 'DELETE FROM cargo_db.marker; DELETE FROM cargo_db.audit'\n",
            crate::support::binaries().display(),
            cluster().url("md_seed")
        ),
    );
    let ran = project.db(&["seed", "--yes"]).code(8).says("the change was reverted");
    is_kept(&project, &before, &ran);
    project.db(&["env", "show"]).ok().says("staging");
}

#[test]
fn a_database_without_our_tables_gets_none() {
    let project = Project::new("md_none");
    for attack in [
        "CREATE SCHEMA cargo_db; CREATE TABLE cargo_db.marker (environment text);",
        "CREATE SCHEMA cargo_db; CREATE VIEW cargo_db.audit AS SELECT 1 AS id, '' AS record;",
    ] {
        project.migration("1_a.up.sql", attack);
        project.db(&["migrate"]).code(7).says("was rolled back");
        project.migration("1_a.up.sql", &format!("-- no-transaction\n{attack}"));
        project.db(&["migrate"]).code(8).says("the change was reverted");
        assert_eq!(project.query("SELECT to_regclass('cargo_db.marker')"), [""]);
        assert_eq!(project.query("SELECT to_regclass('cargo_db.audit')"), [""]);
        project.run_sql("DROP SCHEMA IF EXISTS cargo_db CASCADE");
    }
}

#[test]
fn a_rehearsal_blocks_it() {
    let mut project = marked("md_rehearse");
    project.set("CARGO_DB_REHEARSE", "1");
    project.run_sql("INSERT INTO t VALUES (1)");
    for from in ["live", "schema"] {
        for attack in [ATTACKS[0], ATTACKS[1], ATTACKS[6], ATTACKS[9], ATTACKS[10]] {
            project.migration("2_a.up.sql", attack);
            project.migration("2_a.down.sql", "SELECT 1;");
            project.db(&["rehearse", "--from", from]).code(1).says("own-tables");
        }
    }
    project.migration("2_a.up.sql", "CREATE TABLE made (id int);");
    project.migration("2_a.down.sql", "DROP TABLE made; DELETE FROM cargo_db.marker;");
    project.db(&["rehearse", "--from", "schema"]).says("rollback: wrong");
}

#[test]
fn restoring_a_part_may_not_change_the_marker() {
    let project = marked("md_part");
    project.db(&["backup", "--format", "set"]).ok();
    project.run_sql(
        "CREATE FUNCTION late() RETURNS event_trigger LANGUAGE plpgsql AS \
         'BEGIN DELETE FROM cargo_db.marker; END'; \
         CREATE EVENT TRIGGER late ON ddl_command_end EXECUTE FUNCTION late();",
    );
    let before = trail(&project);
    let ran = project.db(&["restore", "--latest", "--table", "t", "--confirm", "md_part"]);
    let ran = ran.code(7).says("was rolled back");
    is_kept(&project, &before, &ran);
}

#[test]
fn a_backup_that_is_swapped_back_in_keeps_what_was_there_before() {
    let project = marked("md_swap");
    project.run_sql("INSERT INTO t VALUES (1)");
    let before = trail(&project);
    project.migration(
        "2_a.up.sql",
        "-- no-transaction\nDO $$ BEGIN IF current_database() = 'md_swap' THEN \
         DELETE FROM cargo_db.marker; DELETE FROM cargo_db.audit; END IF; END $$;",
    );
    let ran = project.db(&["migrate", "--yes"]).code(swapped_in()).says("the change was reverted");
    is_kept(&project, &before, &ran);
    assert_eq!(project.query("SELECT id FROM t"), ["1"]);
}

#[test]
fn a_new_database_remembers_that_it_was_restored() {
    let project = marked("md_into");
    project.db(&["backup", "-o", "whole.sql"]).ok();
    project.db(&["restore", "whole.sql", "--into", "md_into_new", "--confirm", "md_into_new"]).ok();
    let of_new = |sql: &str| cluster().query("md_into_new", sql);
    assert_eq!(of_new("SELECT environment, database_oid FROM cargo_db.marker"), ["staging|0"]);
    let phases = "SELECT record::json->>'verb', record::json->>'phase' FROM cargo_db.audit";
    assert_eq!(of_new(phases), ["restore|intent", "restore|outcome"]);
    // A database that was not created has no trail, but the file records the outcome.
    project.write("broken.sql", "SELECT nothing;\n");
    project
        .db(&["restore", "broken.sql", "--into", "md_into_none", "--confirm", "md_into_none"])
        .says("error");
    project.db(&["audit", "verify"]).ok();
    let none = "SELECT 1 FROM pg_database WHERE datname = 'md_into_none'";
    assert_eq!(cluster().query("postgres", none), [""; 0]);
    cluster().run("postgres", "DROP DATABASE md_into_new");
}

/// A rollback does not undo a `setval`, so the trail must not depend on its sequence.
#[test]
fn an_exhausted_sequence_does_not_stop_the_trail() {
    for (name, statement) in [
        ("md_maximum", "ALTER SEQUENCE cargo_db.audit_id_seq MAXVALUE 3"),
        ("md_set_back", "PERFORM setval('cargo_db.audit_id_seq', 1, false)"),
        ("md_set_last", "PERFORM setval('cargo_db.audit_id_seq', 9223372036854775807)"),
    ] {
        let project = marked(name);
        project.migration(
            "2_a.up.sql",
            // The test run finds nothing.
            &format!(
                "DO $$ BEGIN IF current_database() = '{name}' THEN {statement}; END IF; END $$;"
            ),
        );
        let ran = project.db(&["migrate", "--yes"]);
        let before = trail(&project);
        project.migration("3_b.up.sql", "SELECT 2;");
        if ran.code != Some(0) {
            std::fs::remove_file(project.path().join("migrations/2_a.up.sql")).unwrap();
        }
        project.db(&["migrate", "--yes"]).ok();
        let after = trail(&project);
        assert_eq!(after.len(), before.len() + 2, "{ran}");
        assert_eq!(after[..before.len()], before, "{ran}");
        project.db(&["audit", "verify"]).ok();
    }
}
