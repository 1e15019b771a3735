//! `cargo db rollback`.

use crate::support::Project;

fn reversible(project: &Project) {
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, email text);");
    project.migration("1_users.down.sql", "DROP TABLE users;");
    project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN note text;");
    project.migration("2_note.down.sql", "ALTER TABLE users DROP COLUMN note;");
    project.db(&["migrate"]).ok();
    project.run_sql(
        "INSERT INTO users VALUES (1, 'a', 'keep me'), (2, 'b', NULL), (3, 'c', 'me too')",
    );
}

#[test]
fn shows_what_is_lost_asks_and_reverts() {
    let project = Project::new("r_basic");
    reversible(&project);
    project.db(&["rollback", "--steps", "2"]).code(3);
    assert_eq!(project.query("SELECT count(note) FROM users"), ["2"]);
    project.db(&["rollback", "--yes"]).ok().says("Reverted 2 note");
    assert_eq!(project.query("SELECT string_agg(version::text, ',') FROM _sqlx_migrations"), ["1"]);
    project.db(&["migrate"]).ok();
    project.db(&["rollback", "--to", "0", "--yes"]).ok();
    assert_eq!(
        project
            .query("SELECT to_regclass('users') IS NULL, (SELECT count(*) FROM _sqlx_migrations)"),
        ["t|0"]
    );
    project.db(&["rollback"]).ok().says("nothing to roll back");
}

#[test]
fn one_way_migrations_are_refused_before_anything_runs() {
    let project = Project::new("r_oneway");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    project.migration("2_b.up.sql", "CREATE TABLE b ();");
    project.migration("2_b.down.sql", "DROP TABLE b;");
    project.db(&["migrate"]).ok();
    project
        .db(&["rollback", "--to", "0", "--yes"])
        .code(7)
        .says("`1 a` cannot be rolled back: no down file");
    assert_eq!(project.query("SELECT to_regclass('b') IS NOT NULL"), ["t"]);
    project.db(&["rollback", "--to", "7"]).code(2).says("version 7 is not applied");
}

#[test]
fn a_broken_down_file_fails_cleanly() {
    let project = Project::new("r_broken");
    reversible(&project);
    project.migration("1_users.down.sql", "DROP TABLE users;\nDROP TABLE never_was;\n");
    project
        .db(&["rollback", "-n", "2", "--yes"])
        .code(7)
        .says("migrations/1_users.down.sql:2:12: table \"never_was\" does not exist")
        .says("already applied: Reverted 2 note");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["3"]);
    assert_eq!(project.query("SELECT string_agg(version::text, ',') FROM _sqlx_migrations"), ["1"]);
}

#[test]
fn dry_run_changes_nothing() {
    let project = Project::new("r_dry");
    reversible(&project);
    project
        .db(&["rollback", "--dry-run", "--show-sql"])
        .ok()
        .says("ALTER TABLE users DROP COLUMN note;");
    let json = project.db(&["rollback", "--dry-run", "--json"]).ok().json();
    assert_eq!(json["plan"]["steps"][1]["losses"][0]["rows"], 2);
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["2"]);
}

#[test]
fn an_empty_down_file_is_refused() {
    let project = Project::new("r_empty");
    project.db(&["create", "tags"]).ok();
    let up = glob::glob(&format!("{}/migrations/*.up.sql", project.path().display()))
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    std::fs::write(up, "CREATE TABLE tags ();").unwrap();
    let json = project.db(&["check", "--json"]).code(1).json();
    assert_eq!(json["migrations"][0]["findings"][0]["rule"], "empty-down-file");
    // A database without rows is not rehearsed, so a rehearsal cannot find it.
    project.db(&["migrate"]).ok().says("tags` cannot be rolled back: `migrations/");
    // Before the prompt, and before a backup is taken.
    let ran = project.db(&["rollback"]).code(7).says("down.sql` contains no statement");
    assert!(!ran.stderr.contains("Backed up"), "{ran}");
    project.db(&["rollback", "--dry-run"]).code(7).says("down.sql` contains no statement");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["1"]);
}

/// There is nothing to undo in a migration that was applied before it was written.
#[test]
fn an_empty_migration_is_rolled_back() {
    let project = Project::new("r_unwritten");
    project.migration("1_a.up.sql", "-- to do\n");
    project.migration("1_a.down.sql", "");
    let ran = project.db(&["migrate", "--yes"]).ok();
    assert!(!ran.stderr.contains("cannot be rolled back"), "{ran}");
    project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["0"]);
    project.migration("1_a.up.sql", "CREATE TABLE a ();");
    project.db(&["migrate"]).ok().says("cannot be rolled back");
    project.db(&["rollback", "--yes"]).code(7).says("contains no statement");
}

/// `check` has one finding about a migration that is not written yet. Written after it was applied,
/// its down file reverts what was not done.
#[test]
fn a_migration_that_was_applied_empty_is_taken_back_empty() {
    let mut project = Project::new("r_filled");
    project.set("COLUMNS", "400");
    project.db(&["create", "nothing"]).ok();
    let json = project.db(&["check", "--json"]).code(1).json();
    let findings = json["migrations"].as_array().unwrap().iter();
    let rules = findings.flat_map(|file| file["findings"].as_array().unwrap());
    let rules: Vec<&str> = rules.map(|found| found["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["empty-migration"]);
    project.db(&["migrate", "--yes"]).ok();
    let write = |end: &str, sql: &str| {
        let pattern = format!("{}/migrations/*{end}", project.path().display());
        std::fs::write(glob::glob(&pattern).unwrap().flatten().next().unwrap(), sql).unwrap();
    };
    write(".up.sql", "CREATE TABLE tags ();");
    write(".down.sql", "DROP TABLE tags;");
    project.db(&["migrate"]).code(9).says("nothing was written in it when it was applied");
    write(".up.sql", "");
    write(".down.sql", "");
    project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["0"]);
}

/// Empty is also what holds a comment only. A section is named with the line of its marker.
#[test]
fn an_empty_way_back_is_a_warning_of_check_dry_run_and_rehearsal() {
    let mut project = Project::new("r_empties");
    project.set("CARGO_DB_REHEARSE", "1");
    project.run_sql("CREATE TABLE users (id int); INSERT INTO users VALUES (1)");
    let points = "ALTER TABLE users ADD points int NOT NULL DEFAULT 0;\n";
    let section = format!("-- migrate:up\n{points}\n-- migrate:down\n-- to do\n");
    let section_of = "the down section of `migrations/1_a.sql`";
    for (tool, files, down, line) in [
        (
            "sqlx",
            &[("1_a.up.sql", points), ("1_a.down.sql", "-- write it here\n")][..],
            "`migrations/1_a.down.sql`",
            1,
        ),
        ("dbmate", &[("1_a.sql", section.as_str())], section_of, 4),
        (
            "goose",
            &[(
                "1_a.sql",
                &section.replace("migrate:up", "+goose Up").replace("migrate:down", "+goose Down"),
            )],
            section_of,
            4,
        ),
    ] {
        project.write("db.toml", &format!("[migrations]\ntool = '{tool}'\n"));
        for (name, text) in files {
            project.migration(name, text);
        }
        let found_in = |json: &serde_json::Value| {
            let all = json.pointer("/migrations").or(json.pointer("/preview/migrations"));
            let all = all.or(json.pointer("/preview/check"));
            let all = all
                .or(json.pointer("/preview/rehearsal/migrations"))
                .unwrap()
                .as_array()
                .unwrap()
                .iter();
            let mut all = all.flat_map(|one| one["findings"].as_array().unwrap().clone());
            all.find(|found| found["rule"] == "empty-down-file").unwrap()
        };
        let checked = found_in(&project.db(&["check", "--json"]).code(1).json());
        assert_eq!(checked["line"], line, "{tool}");
        let empty = format!("{down} contains no statement");
        let rehearsed = project.db(&["rehearse", "--json"]).ok().json();
        let found = found_in(&rehearsed);
        assert_eq!((&found["evidence"], &found["line"]), (&empty.as_str().into(), &line.into()));
        assert_eq!(rehearsed["migrations"][0]["verdict"], "WARN");
        assert_eq!(rehearsed["migrations"][0]["rollback"]["is"], "wrong");
        let wrong = format!("{down} does not undo the migration (+ left behind, - not restored)");
        project.db(&["rehearse"]).ok().says(&wrong).says("+ column public.users.points");
        for rehearse in ["0", "1"] {
            project.set("CARGO_DB_REHEARSE", rehearse);
            let dry = project.db(&["migrate", "--dry-run", "--json"]).json();
            assert_eq!(found_in(&dry)["evidence"], empty, "{tool} {rehearse}");
        }
        std::fs::remove_dir_all(project.path().join("migrations")).unwrap();
    }
}

#[test]
fn an_empty_down_section_is_refused_with_its_line() {
    let project = Project::new("r_empty_section");
    project.write("db.toml", "[migrations]\ntool = 'dbmate'\n");
    project.migration("1_a.sql", "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\n");
    let said =
        "cannot be rolled back: the down section of `migrations/1_a.sql` (line 3) contains no";
    project.db(&["migrate"]).ok().says(said);
    project.db(&["rollback", "--yes"]).code(7).says(said);
}

#[test]
fn effects_beyond_the_named_tables_are_reported() {
    let project = Project::new("r_reach");
    project.migration(
        "1_a.up.sql",
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a);",
    );
    project.migration(
        "1_a.down.sql",
        "TRUNCATE a CASCADE;\nDO $$ BEGIN EXECUTE 'DROP TABLE b'; END $$;\n",
    );
    project.db(&["migrate"]).ok();
    project
        .db(&["rollback", "--dry-run"])
        .ok()
        .says("what line 1 reaches: row count unknown")
        .says("what line 2 reaches");
}

#[test]
fn losses_under_unusual_names_are_counted() {
    let project = Project::new("r_named");
    project.run_sql(
        "CREATE TABLE t (i int PRIMARY KEY, s text); \
         INSERT INTO t SELECT g, CASE WHEN g < 5 THEN 'x' END FROM generate_series(1, 50) g; \
         CREATE TABLE \"t.z\" (i int); INSERT INTO \"t.z\" VALUES (1), (2), (3); \
         CREATE SCHEMA a; CREATE TABLE a.\"b.c\" (i int); INSERT INTO a.\"b.c\" VALUES (1); \
         CREATE TABLE a.u (i int); INSERT INTO a.u SELECT generate_series(1, 7)",
    );
    project.migration("1_a.up.sql", "SELECT 1;");
    project.migration("1_a.down.sql", "SELECT 1;");
    project.db(&["migrate"]).ok();
    for (down, loss) in [
        ("DROP TABLE \"t.z\";", "loses \"t.z\": 3 rows"),
        ("DROP TABLE a.\"b.c\";", "loses a.\"b.c\": 1 row"),
        ("SET search_path = a; DROP TABLE u;", "loses u: 7 rows"),
        ("SET search_path = 'a'; DROP TABLE u;", "what line 1 reaches: row count unknown"),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT count(*) FROM d;", "loses t: 50 rows"),
        ("MERGE INTO t USING a.u ON true WHEN MATCHED THEN DELETE;", "loses t: 50 rows"),
        ("ALTER TABLE t ALTER COLUMN s TYPE int USING NULL;", "loses t.s: 4 rows"),
        ("SELECT lo_unlink(oid) FROM pg_largeobject_metadata;", "what line 1 reaches"),
        ("DROP OWNED BY postgres;", "what line 1 reaches"),
    ] {
        project.migration("1_a.down.sql", down);
        project.db(&["rollback", "--dry-run"]).ok().says(loss);
    }
    // `--lose-at-most` accepts the name as printed, and it applies to that table only.
    project.migration("1_a.down.sql", "DROP TABLE \"t.z\";");
    let ran = project.db(&["rollback", "--yes", "--lose-at-most", "\"\"\"t.z\"\"\"=2"]).code(4);
    ran.says("t.z");
    project.migration("2_b.up.sql", "SET search_path = a;\nDROP TABLE u; DROP TABLE \"b.c\";");
    let ran = project.db(&["migrate", "--dry-run"]).code(1);
    ran.says("loses u: 7 rows").says("loses \"b.c\": 1 row");
}

#[test]
fn rows_hidden_by_row_security_do_not_count_as_zero() {
    let mut project = Project::new("r_hidden");
    project.run_sql("CREATE ROLE hidden_owner LOGIN; GRANT ALL ON SCHEMA public TO hidden_owner; GRANT ALL ON DATABASE r_hidden TO hidden_owner");
    project.set(
        "DATABASE_URL",
        &crate::support::cluster().url("r_hidden").replace("postgres@", "hidden_owner@"),
    );
    project.migration("1_a.up.sql", "CREATE TABLE a AS SELECT generate_series(1, 50) id; ALTER TABLE a ENABLE ROW LEVEL SECURITY; ALTER TABLE a FORCE ROW LEVEL SECURITY;");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.db(&["migrate"]).ok();
    project.db(&["rollback", "--dry-run"]).ok().says("loses a: row count unknown");
}

#[test]
fn a_rollback_that_stopped_is_finished_by_a_rollback() {
    let project = Project::new("r_finish");
    reversible(&project);
    let text = "-- no-transaction\nALTER TABLE users DROP COLUMN note;\nDROP TABLE never_was;\n";
    project.migration("2_note.down.sql", text);
    let ran = project.db(&["rollback", "--to", "1", "--yes"]).code(8);
    ran.says("then run: `cargo db rollback --to 1`");
    let text = "DROP TABLE users;\nDROP TABLE never_was;\n";
    project.migration("1_users.down.sql", text);
    project.migration("2_note.down.sql", "SELECT 1;");
    // The first of both steps is done.
    let ran = project.db(&["rollback", "--steps", "2", "--yes"]).code(7);
    ran.says("already applied: Reverted 2 note").says("then run: `cargo db rollback`\n");
}
