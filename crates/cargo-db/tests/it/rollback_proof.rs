//! Whether a down migration restores the rows too, and what the rehearsal reports about rows that
//! it did not compare.

use crate::support::Project;

/// A project with rows, large objects and a materialized view.
fn filled(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(
        "CREATE TABLE t (id int PRIMARY KEY, v int, note text);\n\
         INSERT INTO t SELECT n, 1, 'a' FROM generate_series(1, 1200) n;\n\
         CREATE TABLE child (id int, t int REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE);\n\
         INSERT INTO child VALUES (1, 7);\n\
         CREATE TABLE parts (id int, v int) PARTITION BY LIST (id);\n\
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);\n\
         INSERT INTO parts VALUES (1, 1);\n\
         CREATE TABLE seen (at int);\n\
         CREATE FUNCTION see() RETURNS void LANGUAGE sql AS 'INSERT INTO public.seen VALUES (1)';\n\
         CREATE MATERIALIZED VIEW counts AS SELECT count(*) FROM t;\n\
         SELECT lo_from_bytea(4711, 'one');",
    );
    project
}

/// For each of these migrations, the verdict on its down migration and the details.
fn ways(project: &Project, files: &[(&str, &str)]) -> Vec<(String, Vec<String>)> {
    for (index, (up, down)) in files.iter().enumerate() {
        project.migration(&format!("{}_m.up.sql", index + 1), up);
        project.migration(&format!("{}_m.down.sql", index + 1), down);
    }
    let json = project.db(&["rehearse", "--json"]).json();
    let migrations = json["migrations"].as_array().unwrap().iter();
    let way = |migration: &serde_json::Value| {
        let (is, details) = (&migration["rollback"]["is"], &migration["rollback"]["details"]);
        let details = details.as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        (is.as_str().unwrap().to_owned(), details.map(str::to_owned).collect())
    };
    migrations.map(way).collect()
}

#[test]
fn rows_that_do_not_come_back_make_it_wrong() {
    let project = filled("w_rows");
    let is = |up: &str, down: &str, word: &str, details: &[&str]| {
        let details = details.iter().map(|&detail| detail.to_owned()).collect();
        assert_eq!(ways(&project, &[(up, down)]), [(word.to_owned(), details)], "{up} {down}");
    };
    let set = "UPDATE t SET v = 2;";
    is(set, "UPDATE t SET v = 1;", "proved", &[]);
    is(set, "UPDATE t SET v = 3;", "wrong", &["t: other values than before in v"]);
    is(set, "SELECT 1;", "wrong", &["t: other values than before in v"]);
    // The `UPDATE` is dynamic SQL in a `DO` block.
    let hidden = "DO $$ BEGIN EXECUTE 'UPDATE t SET v = id'; END $$;";
    is(hidden, "SELECT 1;", "wrong", &["t: other values than before in v"]);
    // A table that refers to the named one, whose changed key is reported already, and a partition
    // of one.
    let cascades = "UPDATE t SET id = 5000 WHERE id = 7;";
    is(cascades, "SELECT 1;", "wrong", &["child: other values than before in t"]);
    is(
        "UPDATE parts SET v = 2;",
        "SELECT 1;",
        "wrong",
        &["parts_1: other values than before in v"],
    );
    let seed = "INSERT INTO t VALUES (0, 0, 'seed');";
    is(seed, "SELECT 1;", "wrong", &["t: 1,200 rows before, 1,201 rows afterwards"]);
    let refreshed = "REFRESH MATERIALIZED VIEW counts;";
    let emptied = "REFRESH MATERIALIZED VIEW counts WITH NO DATA;";
    is(refreshed, emptied, "wrong", &["counts: 1 row before, not populated afterwards"]);
    let object = "SELECT lo_from_bytea(4712, 'two');";
    is(object, "SELECT lo_unlink(4712);", "proved", &[]);
    is(
        object,
        "SELECT 1;",
        "wrong",
        &[
            "large objects: 1 row before, 2 rows afterwards",
            "pages of large objects: 1 row before, 2 rows afterwards",
        ],
    );
    let page = "pages of large objects: other rows than before";
    is("SELECT lo_put(4711, 0, 'two');", "SELECT 1;", "wrong", &[page]);
    // The `UPDATE` moves the rows within the table, which is not a difference.
    let moved = "ALTER TABLE t ADD COLUMN x int; UPDATE t SET v = v;";
    is(moved, "ALTER TABLE t DROP COLUMN x;", "proved", &[]);
}

/// A privilege is granted without a lock on its table, so the locks do not show that it is there.
#[test]
fn what_is_written_without_a_lock_is_found_beside_what_is_locked() {
    let project = filled("w_unlocked");
    let up = "ALTER TABLE t ADD COLUMN x int; GRANT SELECT ON seen TO PUBLIC;";
    let ways = ways(&project, &[(up, "ALTER TABLE t DROP COLUMN x;")]);
    let [(word, details)] = &ways[..] else { panic!("{ways:?}") };
    assert_eq!(word, "wrong");
    assert!(details.iter().any(|one| one.contains("seen")), "{details:?}");
}

#[test]
fn what_was_not_compared_is_reported() {
    let project = filled("w_said");
    let found = ways(&project, &[("SELECT see();", "SELECT 1;")]);
    let why = "not compared: seen: its rows were written, but the files do not name it";
    assert_eq!(found, [("proved".to_owned(), vec![why.to_owned()])]);
    project.db(&["rehearse"]).says("rollback: proved").says(&format!("rollback: {why}"));
}

#[test]
fn what_is_lost_as_expected_does_not_come_back_either() {
    let project = filled("w_lost");
    let up = "-- cargo-db: expect loss t.note <= 1200\nALTER TABLE t DROP COLUMN note;";
    let found = ways(&project, &[(up, "ALTER TABLE t ADD COLUMN note text;")]);
    let why = "t.note: 1,200 values are lost with the column";
    assert_eq!(found, [("lossy".to_owned(), vec![why.to_owned()])]);
}

#[test]
fn earlier_migrations_are_not_blamed_for_rows_that_a_later_one_leaves() {
    let project = filled("w_later");
    let first = ("UPDATE t SET v = 2;", "UPDATE t SET v = 1;");
    let found = ways(&project, &[first, ("INSERT INTO t VALUES (0, 2, 'seed');", "SELECT 1;")]);
    let why = "not compared: t: a later down migration has left it different";
    assert_eq!(found[0], ("proved".to_owned(), vec![why.to_owned()]));
    assert_eq!(found[1].0, "wrong");
}

#[test]
fn a_down_file_that_affects_more_than_its_database_is_not_run() {
    let project = filled("w_outside");
    let file = project.path().join("ran");
    let program = format!("COPY (SELECT 1) TO PROGRAM 'cat > {}';", file.display());
    let role = "-- no-transaction\nCREATE ROLE w_outside_role;";
    let allowed = "-- cargo-db: allow outside-database it makes a file\nSELECT 1;";
    let first = ("CREATE TABLE first (i int);", "DROP TABLE first;");
    for down in [&program, role, allowed] {
        let found = ways(&project, &[first, ("CREATE TABLE second (i int);", down)]);
        let why = "its down file affects more than its database, and was not run";
        assert_eq!(found[1], ("unmeasured".to_owned(), vec![why.to_owned()]), "{down}");
        let why = "the down migration of 2 was not run";
        assert_eq!(found[0], ("unmeasured".to_owned(), vec![why.to_owned()]), "{down}");
    }
    assert!(!file.exists());
    assert_eq!(project.query("SELECT 1 FROM pg_roles WHERE rolname = 'w_outside_role'").len(), 0);
}
