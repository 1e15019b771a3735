//! Tables that publications publish, restored in place.

use crate::support::{Project, cluster};

const PUBLISHED: &str = "SELECT pubname, schemaname || '.' || tablename, attnames, rowfilter \
                         FROM pg_publication_tables WHERE pubname <> 'whole' ORDER BY 1, 2";

/// A database with tables that are published in every possible way; `None` before PostgreSQL 15,
/// which publishes only whole tables.
fn published(name: &str) -> Option<Project> {
    if cluster().major() < 15 {
        return None;
    }
    let project = Project::new(name);
    project.run_sql(
        "CREATE SCHEMA app; CREATE TABLE app.\"A b\" (id int PRIMARY KEY, n int, t text); \
         INSERT INTO app.\"A b\" VALUES (1, 2, 'x'); CREATE TABLE app.other (id int PRIMARY KEY); \
         CREATE PUBLICATION plain FOR TABLE app.\"A b\", app.other; \
         CREATE PUBLICATION \"few Columns\" FOR TABLE app.\"A b\" (id, t); \
         CREATE PUBLICATION filtered FOR TABLE app.\"A b\" WHERE (n > 1 AND t <> 'it''s') \
         WITH (publish = 'insert'); \
         CREATE PUBLICATION whole FOR ALL TABLES; \
         CREATE PUBLICATION schemas FOR TABLES IN SCHEMA app",
    );
    Some(project)
}

const TABLE: &[&str] = &["--table", "app.A b"];

#[test]
fn every_version_publishes_whole_tables_again() {
    let project = Project::new("pub_whole");
    project.run_sql(
        "CREATE SCHEMA app; CREATE TABLE app.\"A b\" (id int PRIMARY KEY); \
         CREATE TABLE app.other (id int PRIMARY KEY); INSERT INTO app.\"A b\" VALUES (1); \
         CREATE PUBLICATION pair FOR TABLE app.\"A b\", app.other; \
         CREATE PUBLICATION whole FOR ALL TABLES",
    );
    project.db(&["backup", "--format", "custom"]).ok();
    for how in [TABLE, &["--schema", "app"]] {
        project.run_sql("DELETE FROM app.\"A b\"");
        project.db(&[&["restore", "--latest", "--yes"], how].concat()).ok();
        let published = "SELECT tablename FROM pg_publication_tables WHERE pubname = 'pair'";
        assert_eq!(project.query(&format!("{published} ORDER BY 1")), ["A b", "other"], "{how:?}");
        assert_eq!(project.query("SELECT id FROM app.\"A b\""), ["1"]);
    }
}

#[test]
fn a_table_that_is_replaced_stays_in_its_publications() {
    let Some(project) = published("pub_table") else { return };
    for format in ["custom", "set"] {
        let taken = project.db(&["backup", "--format", format, "--json"]).ok().json();
        let name = taken["backup"]["name"].as_str().unwrap().to_owned();
        for how in [TABLE, &["--schema", "app"]] {
            let before = project.query(PUBLISHED);
            assert_eq!(before.len(), 6, "{before:?}");
            project.run_sql("DELETE FROM app.\"A b\"");
            project.db(&[&["restore", &name, "--yes"], how].concat()).ok();
            assert_eq!(project.query(PUBLISHED), before, "{format}: {how:?}");
            assert_eq!(project.query("SELECT t FROM app.\"A b\""), ["x"]);
        }
    }
    // The current publications count, not those at the time of the backup.
    project.run_sql(
        "DROP PUBLICATION plain; CREATE PUBLICATION later FOR TABLE app.\"A b\" WHERE (n > 7) \
         WITH (publish = 'insert'); \
         ALTER PUBLICATION filtered SET TABLE app.\"A b\" WHERE (n > 5); \
         ALTER PUBLICATION schemas DROP TABLES IN SCHEMA app; \
         CREATE PUBLICATION later_schemas FOR TABLES IN SCHEMA app",
    );
    let before = project.query(PUBLISHED);
    for how in [TABLE, &["--schema", "app"]] {
        let ran = project.db(&[&["restore", "--latest", "--yes"], how].concat()).ok();
        let ran = ran.says("left out: the publication plain of the backup does not exist now");
        if how != TABLE {
            ran.says("left out: app is not in the publication schemas now");
        }
        assert_eq!(project.query(PUBLISHED), before, "{how:?}");
    }
    // A table that was dropped is put on the publications that the backup names.
    project.run_sql("DROP TABLE app.\"A b\"");
    project.db(&[&["restore", "--latest", "--yes"], TABLE].concat()).ok();
    let few = "SELECT attnames FROM pg_publication_tables WHERE pubname = 'few Columns'";
    assert_eq!(project.query(few), ["{id,t}"]);
}

#[test]
fn a_publication_that_cannot_be_restored_is_named() {
    let Some(mut project) = published("pub_named") else { return };
    project.db(&["backup", "--format", "custom"]).ok();
    // The publication now filters by a column that the table in the backup does not have.
    project.run_sql(
        "ALTER TABLE app.\"A b\" ADD late int; \
         ALTER PUBLICATION filtered SET TABLE app.\"A b\" WHERE (late > 1)",
    );
    let before = project.content();
    let ran = project.db(&[&["restore", "--latest", "--yes"], TABLE].concat()).code(7);
    ran.says("put it on the publication filtered again").says("late");
    assert_eq!(project.content(), before);
    // The owner of a table may not change a publication of another role.
    project.run_sql(
        "CREATE ROLE pub_named_role LOGIN; ALTER TABLE app.\"A b\" OWNER TO pub_named_role; \
         GRANT ALL ON SCHEMA app TO pub_named_role; GRANT pg_read_all_data TO pub_named_role; \
         GRANT CREATE ON DATABASE pub_named TO pub_named_role",
    );
    let url = cluster().url("pub_named").replacen("postgres@", "pub_named_role@", 1);
    project.set("DATABASE_URL", &url);
    let before = project.content();
    let ran =
        project.db(&[&["restore", "--latest", "--yes", "--no-owner"], TABLE].concat()).code(11);
    ran.says("publication: `filtered` publishes app.A b, and you may not change the publication")
        .says("ALTER PUBLICATION filtered DROP TABLE ONLY app.\"A b\"");
    assert_eq!(project.content(), before);
}

#[test]
fn what_was_taken_off_a_publication_stays_off() {
    let Some(mut project) = published("pub_off") else { return };
    project.db(&["backup", "--format", "custom"]).ok();
    project.run_sql(
        "ALTER PUBLICATION plain DROP TABLE app.\"A b\"; DROP PUBLICATION filtered; \
         CREATE PUBLICATION filtered FOR ALL TABLES",
    );
    let before = project.query(PUBLISHED);
    for how in [TABLE, &["--schema", "app"]] {
        let ran = project.db(&[&["restore", "--latest", "--yes"], how].concat()).ok();
        ran.says("left out: app.A b is not in the publication plain now")
            .says("left out: the publication filtered now contains all tables");
        assert_eq!(project.query(PUBLISHED), before, "{how:?}");
    }
    // For a schema, only dropped tables are published as in the backup.
    project.run_sql("DROP TABLE app.other");
    let ran = project.db(&["restore", "--latest", "--schema", "app", "--yes"]).ok();
    ran.says("left out: app.A b is not in the publication plain now");
    assert_eq!(project.query(PUBLISHED), before);
    // A dropped table is restored although another role's publication contained it.
    project.run_sql(
        "DROP TABLE app.\"A b\"; CREATE ROLE pub_off_role LOGIN; GRANT ALL ON SCHEMA app TO \
         pub_off_role; GRANT pg_read_all_data TO pub_off_role; \
         GRANT CREATE ON DATABASE pub_off TO pub_off_role",
    );
    let url = cluster().url("pub_off").replacen("postgres@", "pub_off_role@", 1);
    project.set("DATABASE_URL", &url);
    let ran = project.db(&[&["restore", "--latest", "--yes", "--no-owner"], TABLE].concat()).ok();
    ran.says("app.A b was in the publication plain, which you may not change");
    assert_eq!(project.query("SELECT t FROM app.\"A b\""), ["x"]);
}
