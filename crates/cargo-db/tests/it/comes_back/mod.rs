//! Every backup can be restored: of databases that are hard to dump, in every format, with every
//! kind of restore.

mod named;
mod owned;
mod rights;
mod set_parts;
mod subscribed;

use pg_logical::catalog::query_for;

use crate::support::{Project, cluster};

const FORMATS: [&str; 4] = ["sql", "custom", "directory", "set"];

/// A database with objects that are hard to restore.
fn awkward(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(&query_for(include_str!("awkward.sql"), cluster().major()));
    project.run_sql(&format!(
        "ALTER DATABASE {name} SET search_path = ''; \
         ALTER DATABASE {name} SET temp_tablespaces = ''; \
         ALTER ROLE postgres IN DATABASE {name} SET search_path = '', \"a, b\", public"
    ));
    project
}

/// What a database is, whatever the order of columns and rows.
fn facts(database: &str) -> Vec<String> {
    let sql = format!("SET search_path = public; {}", include_str!("facts.sql"));
    cluster().query(database, &sql)
}

/// Takes a backup and returns its name.
fn backup(project: &Project, format: &str) -> String {
    let taken = project.db(&["backup", "--format", format, "--json"]).ok().json();
    taken["backup"]["name"].as_str().expect("a name").to_owned()
}

/// Destroys enough to see that it came back.
fn damage(project: &Project) {
    project.run_sql(
        "SET search_path = public; DROP TABLE parent, older CASCADE; DELETE FROM moods; \
         DROP TYPE span CASCADE; DROP SERVER far CASCADE",
    );
}

#[test]
fn an_awkward_database_is_restored_from_every_format_in_every_way() {
    let project = awkward("cb_all");
    let before = facts("cb_all");
    for format in FORMATS {
        let name = backup(&project, format);
        for level in ["quick", "full", "restore"] {
            project.db(&["backups", "verify", &name, "--level", level]).ok().says("sound");
        }
        damage(&project);
        project.db(&["restore", &name, "--yes"]).ok();
        assert_eq!(facts("cb_all"), before, "beside, {format}");
        damage(&project);
        project.db(&["restore", &name, "--clean", "--yes"]).ok();
        assert_eq!(facts("cb_all"), before, "in place, {format}");
        let into = format!("cb_all_{format}");
        project.db(&["restore", &name, "--into", &into, "--yes"]).ok();
        assert_eq!(facts(&into), before, "into, {format}");
        project.db(&["restore", "--drop-previous", "--yes"]).ok();
    }
    // Nothing that was built on the way is left.
    let beside = "SELECT datname FROM pg_database WHERE datname LIKE 'cb\\_all\\_\\_%'";
    assert_eq!(project.query(beside), Vec::<String>::new());
}

#[test]
fn parts_come_back_with_their_columns_in_another_order() {
    let project = awkward("cb_parts");
    project.run_sql(
        "CREATE SCHEMA family; CREATE TABLE family.parent (a int, b int); \
         CREATE TABLE family.child (c int, b int, a int); \
         INSERT INTO family.child VALUES (3, 2, 1); \
         ALTER TABLE family.child INHERIT family.parent",
    );
    let before = facts("cb_parts");
    for format in ["custom", "directory", "set"] {
        let name = backup(&project, format);
        project.run_sql("SET search_path = public; TRUNCATE parent; DELETE FROM moods");
        project.db(&["restore", &name, "--schema", "public", "--yes"]).code(11).says("depends: ");
        // In the restored child table, the inherited columns are in the order of the parent.
        project.run_sql("TRUNCATE family.parent");
        project.db(&["restore", &name, "--schema", "family", "--yes"]).ok();
        assert_eq!(project.query("SELECT c, a, b FROM family.child"), ["3|1|2"], "{format}");
        project.db(&["restore", &name, "--clean", "--yes"]).ok();
        assert_eq!(facts("cb_parts"), before, "{format}");
    }
}

#[test]
fn a_database_without_some_rows_comes_back_without_them() {
    let project = Project::new("cb_rows");
    project.run_sql(
        "CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1), (2); \
         CREATE TABLE audit (id int PRIMARY KEY, at date); INSERT INTO audit VALUES (1, now())",
    );
    for format in ["sql", "custom", "directory"] {
        let backup = ["backup", "--format", format, "--exclude-table-data", "audit", "--json"];
        let name = project.db(&backup).ok().json()["backup"]["name"].as_str().unwrap().to_owned();
        project.db(&["backups", "verify", &name, "--level", "restore"]).ok();
        let into = format!("cb_rows_{format}");
        project.db(&["restore", &name, "--into", &into, "--yes"]).ok();
        let counted = "SELECT (SELECT count(*) FROM kept), (SELECT count(*) FROM audit)";
        assert_eq!(cluster().query(&into, counted), ["2|0"], "{format}");
    }
    // A backup with rows that refer to excluded rows reports this, and cannot be restored.
    project.run_sql(
        "CREATE TABLE pointing (to_id int REFERENCES audit); INSERT INTO pointing VALUES (1)",
    );
    project
        .db(&["backup", "--exclude-table-data", "audit", "-o", "pointing.sql.gz"])
        .ok()
        .says("foreign key pointing_to_id_fkey on public.pointing needs the rows of public.audit");
    project.db(&["backups", "show", "pointing.sql.gz"]).ok().says("unproved");
    project.db(&["backups", "verify", "pointing.sql.gz", "--level", "restore"]).code(11);
}

#[test]
fn rows_that_are_accepted_in_one_order_only_come_back_in_it() {
    let project = Project::new("cb_order");
    project.run_sql(
        "CREATE DOMAIN positive AS int; CREATE TABLE older (v positive); \
         INSERT INTO older SELECT -1 FROM generate_series(1, 300000); \
         ALTER DOMAIN positive ADD CONSTRAINT is_positive CHECK (value > 0) NOT VALID",
    );
    let name = backup(&project, "custom");
    // Side by side, the rows may come after the constraint of their domain: in two of three runs.
    for into in ["cb_order_1", "cb_order_2", "cb_order_3"] {
        project.db(&["restore", &name, "--jobs", "2", "--into", into, "--yes"]).ok();
        assert_eq!(cluster().query(into, "SELECT count(*), min(v) FROM older"), ["300000|-1"]);
    }
}
