//! The layouts of other tools that cargo db runs natively: what each one records, and the pitfalls
//! in their files.

use crate::support::{Project, cluster};

/// Paths and texts.
type Files = &'static [(&'static str, &'static str)];

/// A project with these files and an empty database.
pub(super) fn project(name: &str, files: &[(&str, &str)]) -> Project {
    let project = Project::new(name);
    for (path, text) in files {
        project.write(path, text);
    }
    project
}

fn versions(project: &Project) -> Vec<String> {
    let plan = project.db(&["migrate", "--dry-run", "--json"]);
    let plan = plan.json();
    let steps = plan["plan"]["steps"].as_array().unwrap().clone();
    steps.iter().filter_map(|step| Some(step.get("version")?.as_str()?.to_owned())).collect()
}

fn tool(project: &Project) -> String {
    project.db(&["status", "--json"]).ok().json()["tool"]["name"].as_str().unwrap().to_owned()
}

fn dbmate(up: &str, down: &str) -> String {
    format!("-- migrate:up\n{up}\n-- migrate:down\n{down}\n")
}

#[test]
fn a_tool_is_known_by_its_files() {
    let journal = r#"{"entries":[{"idx":0,"when":1,"tag":"0000_a"}]}"#;
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("sqlx", &[("migrations/1_a.sql", "SELECT 1")]),
        ("diesel", &[("migrations/2026-01-01-000000_a/up.sql", "SELECT 1")]),
        ("refinery", &[("Cargo.toml", ""), ("migrations/V1__a.sql", "SELECT 1")]),
        ("flyway", &[("pom.xml", ""), ("migrations/V1__a.sql", "SELECT 1")]),
        ("dbmate", &[("db/migrations/1_a.sql", "-- migrate:up\nSELECT 1;")]),
        ("prisma", &[("prisma/migrations/20260101000000_a/migration.sql", "SELECT 1")]),
        ("drizzle", &[("drizzle/meta/_journal.json", journal), ("drizzle/0000_a.sql", "SELECT 1")]),
        (
            "drizzle-1",
            &[
                ("drizzle/20260101000000_a/migration.sql", "SELECT 1"),
                ("drizzle/20260101000000_a/snapshot.json", "{}"),
            ],
        ),
        ("node-pg-migrate", &[("migrations/1_a.sql", "-- Up Migration\nSELECT 1;")]),
        ("goose", &[("migrations/1_a.sql", "-- +goose Up\nSELECT 1;")]),
        ("golang-migrate", &[("go.mod", ""), ("migrations/1_a.up.sql", "SELECT 1")]),
        ("supabase", &[("supabase/migrations/20260101000000_a.sql", "SELECT 1")]),
        (
            "graphile-migrate",
            &[(
                "migrations/committed/000001.sql",
                "--! Previous: -\n--! Hash: x\n--! AllowInvalidHash\n\nSELECT 1;\n",
            )],
        ),
    ];
    for (name, files) in cases {
        let project = project(&format!("known_{}", name.replace('-', "_")), files);
        assert_eq!(&tool(&project), name);
        let _ = project.db(&["migrate"]).ok();
        let status = project.db(&["status", "--check", "--json"]).ok().json();
        assert_eq!(status["migrations"]["applied"], 1, "{name}: {status}");
    }
}

#[test]
fn between_two_tools_the_database_decides() {
    let files = [("migrations/V1__a.sql", "CREATE TABLE a (id int)")];
    let project = project("two_tools", &files);
    let _ = project
        .db(&["status"])
        .code(2)
        .says("refinery in `migrations`, flyway in `migrations`")
        .says("below `[migrations]`");
    project.run_sql("CREATE TABLE refinery_schema_history(version INT4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))");
    assert_eq!(tool(&project), "refinery");
    project.run_sql("DROP TABLE refinery_schema_history");
    project.write("db.toml", "[migrations]\ntool = 'flyway'\n");
    assert_eq!(tool(&project), "flyway");
    project.write("db.toml", "[migrations]\ntool = 'flywey'\n");
    let _ = project.db(&["status"]).code(2).says("flywey").says("expected one of sqlx, diesel");
}

#[test]
fn a_table_of_another_tool_is_not_used() {
    let project = project("other_table", &[("db/migrations/1_a.sql", &dbmate("SELECT 1;", ""))]);
    project.run_sql("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (7, false)");
    project.write("db.toml", "[migrations]\ntool = 'dbmate'\n");
    // The table has the one column, but its row is not one of dbmate's.
    let _ = project.db(&["migrate"]).code(9);
    project.run_sql("ALTER TABLE schema_migrations RENAME COLUMN version TO number");
    let _ = project.db(&["status"]).code(9).says("is not a history table of dbmate");
}

#[test]
fn a_database_of_another_tool_is_left_alone() {
    let project = project("foreign", &[("migrations/1_a.sql", "CREATE TABLE a (id int)")]);
    project.run_sql("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, run_on TIMESTAMP NOT NULL DEFAULT now())");
    let _ =
        project.db(&["migrate"]).code(9).says("is a history of diesel").says("cargo db baseline");
    let _ = project.db(&["baseline"]).code(3);
    let _ = project
        .db(&["baseline", "--dry-run"])
        .ok()
        .says("record 1 a as applied, without running it");
    let _ = project.db(&["baseline", "--accept-differences", "--yes"]).ok();
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    let _ = project.db(&["status", "--check"]).ok();
    // Its own history may be read by a migration.
    project
        .migration("2_b.sql", "CREATE TABLE b AS SELECT version FROM __diesel_schema_migrations");
    let _ = project.db(&["migrate"]).ok();
}

#[test]
fn baseline_stops_at_the_given_version() {
    let project = project(
        "baseline_to",
        &[
            ("migrations/1_a.sql", "CREATE TABLE a ()"),
            ("migrations/2_b.sql", "CREATE TABLE b ()"),
            ("migrations/3_c.sql", "CREATE TABLE c ()"),
        ],
    );
    let _ = project.db(&["baseline", "--to", "9"]).code(2);
    let _ = project.db(&["baseline", "--to", "2", "--accept-differences", "--yes"]).ok();
    assert_eq!(versions(&project), ["3"]);
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT to_regclass('b') IS NULL AND to_regclass('c') IS NOT NULL"),
        ["t"]
    );
}

#[test]
fn versions_are_ordered_as_the_tool_orders_them() {
    let by_number = project(
        "order_number",
        &[
            ("migrations/10_b.sql", "SELECT 1"),
            ("migrations/9_a.sql", "SELECT 1"),
            ("migrations/202601010000001_c.sql", "SELECT 1"),
        ],
    );
    assert_eq!(versions(&by_number), ["9", "10", "202601010000001"]);
    let empty = "SELECT 1;";
    let by_file_name = project(
        "order_file",
        &[
            ("db/migrations/10_b.sql", &dbmate(empty, "")),
            ("db/migrations/9_a.sql", &dbmate(empty, "")),
        ],
    );
    assert_eq!(versions(&by_file_name), ["10", "9"]);
    // In that order 9 comes after 10: nothing is out of order.
    let _ = by_file_name.db(&["migrate", "--to", "10"]).ok();
    let status = by_file_name.db(&["status", "--json"]).ok().json();
    assert_eq!(status["migrations"]["problems"], serde_json::json!([]));
    let by_text = project(
        "order_text",
        &[
            ("migrations/10_b/up.sql", "SELECT 1"),
            ("migrations/9_a/up.sql", "SELECT 1"),
            ("migrations/2026-01-01-000000-1_c/up.sql", "SELECT 1"),
        ],
    );
    assert_eq!(versions(&by_text), ["10", "202601010000001", "9"]);
    let by_parts = project(
        "order_parts",
        &[
            ("flyway.conf", ""),
            ("sql/V1.10__b.sql", "SELECT 1"),
            ("sql/V1.9__a.sql", "SELECT 1"),
            ("sql/R__views.sql", "SELECT 1"),
        ],
    );
    assert_eq!(versions(&by_parts), ["1.9", "1.10", "R__views"]);
}

#[test]
fn a_duplicate_version_stops_everything() {
    let project = project(
        "duplicate",
        &[
            ("db/migrations/1_a.sql", &dbmate("SELECT 1;", "")),
            ("db/migrations/1_b.sql", &dbmate("SELECT 1;", "")),
        ],
    );
    let _ = project.db(&["migrate"]).code(9).says("have the same version");
}

#[test]
fn a_down_file_belongs_to_a_migration_by_its_version() {
    let files = [
        ("go.mod", ""),
        ("migrations/1_a.up.sql", "CREATE TABLE a ()"),
        ("migrations/1_other_name.down.sql", "DROP TABLE a"),
        ("migrations/7_lost.down.sql", "SELECT 1"),
    ];
    let project = project("other_names", &files);
    let _ = project.db(&["migrate"]).ok().says("a down file without an up file");
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
}

#[test]
fn the_ends_of_lines_and_a_byte_order_mark_are_no_obstacle() {
    let crlf = "-- migrate:up\r\nCREATE TABLE a (\r\n  id int\r\n);\r\n\r\n-- migrate:down\r\nDROP TABLE a;\r\n";
    let project = project("crlf", &[("db/migrations/1_a.sql", crlf)]);
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["rollback", "--yes"]).ok();

    let prisma = self::project(
        "crlf_prisma",
        &[("prisma/migrations/1_a/migration.sql", "CREATE TABLE a ();\n")],
    );
    let _ = prisma.db(&["migrate"]).ok();
    prisma.write("prisma/migrations/1_a/migration.sql", "CREATE TABLE a ();\r\n");
    let _ = prisma.db(&["status", "--check"]).ok();
    prisma.write("prisma/migrations/1_a/migration.sql", "CREATE TABLE b ();\r\n");
    let _ = prisma.db(&["status", "--check"]).code(9).says("was changed since");

    let bom = self::project("bom", &[("migrations/1_a/up.sql", "\u{feff}CREATE TABLE a ();\n")]);
    let _ = bom.db(&["migrate"]).ok();
}

#[test]
fn an_empty_file_is_reported_and_recorded() {
    for (name, path) in [
        ("empty_sqlx", "migrations/1_a.sql"),
        ("empty_diesel", "migrations/1_a/up.sql"),
        ("empty_prisma", "prisma/migrations/1_a/migration.sql"),
    ] {
        let project = project(name, &[(path, "")]);
        let _ = project.db(&["migrate", "--yes"]).ok().says("contains no statement");
        let _ = project.db(&["status", "--check"]).ok();
    }
}

#[test]
fn a_migration_that_deletes_a_history_row_is_caught() {
    let files = [
        ("db/migrations/1_a.sql", dbmate("CREATE TABLE a ();", "")),
        ("db/migrations/2_b.sql", dbmate("DELETE FROM schema_migrations WHERE version = '1';", "")),
    ];
    let project = project("forgets", &files.each_ref().map(|(path, text)| (*path, text.as_str())));
    let _ = project.db(&["migrate", "-n", "1"]).ok();
    let removed = "history-changed schema_migrations: it removes 1 from the history";
    let _ = project.db(&["migrate"]).code(4).says(removed);
    assert_eq!(project.query("SELECT version FROM schema_migrations"), ["1"]);
}

#[test]
fn a_table_called_schema_migrations_is_just_a_table() {
    let project = project(
        "namesake",
        &[("migrations/1_a.sql", "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")],
    );
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["status", "--check"]).ok().says("schema_migrations");
    assert_eq!(tool(&project), "sqlx");
}

#[test]
fn transactions_of_a_files_own() {
    let wrapped =
        project("own_begin", &[("migrations/1_a/up.sql", "BEGIN;\nCREATE TABLE a ();\nCOMMIT;\n")]);
    let _ = wrapped.db(&["migrate"]).ok();
    let inside = project(
        "own_commit",
        &[("migrations/1_a/up.sql", "CREATE TABLE a ();\nCOMMIT;\nCREATE TABLE b ();\n")],
    );
    let _ = inside.db(&["migrate"]).code(7).says("would end the transaction that it runs in");
    assert_eq!(inside.query("SELECT to_regclass('a') IS NULL"), ["t"]);
}

#[test]
fn concurrently_follows_the_tools_own_rule() {
    let index = "CREATE INDEX CONCURRENTLY i ON a (id);";
    // node-pg-migrate puts everything into one transaction: nothing of it stays.
    let files = [
        ("migrations/1_a.sql", "-- Up Migration\nCREATE TABLE a (id int);\n"),
        ("migrations/2_b.sql", &format!("-- Up Migration\n{index}\n")),
    ];
    let one = project("conc_one", &files);
    let _ = one.db(&["migrate"]).code(7).says("cannot run inside a transaction block");
    assert_eq!(one.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    // Prisma sends a file in one message: one statement alone is outside a transaction.
    let files = [
        ("prisma/migrations/1_a/migration.sql", "CREATE TABLE a (id int);"),
        ("prisma/migrations/2_b/migration.sql", index),
    ];
    let alone = project("conc_alone", &files);
    let _ = alone.db(&["migrate"]).ok();
    // The other tools have their own syntax for this.
    let text = dbmate(index, "").replace("migrate:up", "migrate:up transaction:false");
    let asked = project(
        "conc_asked",
        &[
            ("db/migrations/1_a.sql", &dbmate("CREATE TABLE a (id int);", "")),
            ("db/migrations/2_b.sql", &text),
        ],
    );
    let _ = asked.db(&["migrate"]).ok();
    let files = [
        ("migrations/1_a/up.sql", "CREATE TABLE a (id int);"),
        ("migrations/2_b/up.sql", index),
        ("migrations/2_b/metadata.toml", "run_in_transaction = false\n"),
    ];
    let _ = project("conc_metadata", &files).db(&["migrate"]).ok();
}

#[test]
fn one_row_that_stands_for_all() {
    let files = [
        ("go.mod", ""),
        ("migrations/000001_a.up.sql", "CREATE TABLE a ()"),
        ("migrations/000001_a.down.sql", "DROP TABLE a"),
        ("migrations/000002_b.up.sql", "CREATE TABLE b ()"),
        ("migrations/000002_b.down.sql", "DROP TABLE b"),
    ];
    let project = project("pointer", &files);
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT version || ' ' || dirty FROM schema_migrations"), ["2 false"]);
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT version FROM schema_migrations"), ["1"]);
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM schema_migrations"), ["0"]);
    let _ = project.db(&["migrate", "-n", "1"]).ok();
    project.run_sql("UPDATE schema_migrations SET version = 2, dirty = true");
    let _ = project.db(&["migrate"]).code(9).says("failed half-way").says("cargo db repair");
    let _ =
        project.db(&["repair", "--yes"]).ok().says("the changes of the failed migration remain");
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT version || ' ' || dirty FROM schema_migrations"), ["2 false"]);
}

#[test]
fn what_flyway_repeats_is_repeated_when_it_changes() {
    let project = project(
        "repeatable",
        &[
            ("flyway.conf", ""),
            ("sql/V1__a.sql", "CREATE TABLE a (id int)"),
            ("sql/R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS one"),
        ],
    );
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["status", "--check"]).ok();
    project.write("sql/R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT 1 AS one, 2 AS two");
    assert_eq!(versions(&project), ["R__v"]);
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT concat_ws(' ', installed_rank, version, description, type, script) FROM flyway_schema_history ORDER BY installed_rank"),
        ["1 1 a SQL V1__a.sql", "2 v SQL R__v.sql", "3 v SQL R__v.sql"]
    );
}

#[test]
fn goose_remembers_by_its_newest_row() {
    let text = "-- +goose Up\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n-- +goose StatementEnd\n-- +goose Down\nDROP FUNCTION f();\n";
    let project = project("goose", &[("migrations/00001_f.sql", text)]);
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT version_id || ' ' || is_applied FROM goose_db_version ORDER BY id"),
        ["0 true", "1 true"]
    );
    project.run_sql(
        "INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, false); DROP FUNCTION f()",
    );
    assert_eq!(versions(&project), ["1"]);
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(versions(&project), ["1"]);
}

#[test]
fn supabase_keeps_the_statements() {
    let project = project(
        "supabase_rows",
        &[(
            "supabase/migrations/20260101000000_two.sql",
            "-- first\nCREATE TABLE a ();\n\nCREATE TABLE b ();\n",
        )],
    );
    let _ = project.db(&["migrate"]).ok();
    let rows = project
        .query("SELECT concat_ws('|', version, name, statements) FROM supabase_migrations.schema_migrations");
    assert_eq!(
        rows,
        ["20260101000000|two|{\"-- first\nCREATE TABLE a ()\",\"CREATE TABLE b ()\"}"]
    );
}

#[test]
fn a_failed_row_of_prisma_is_removed() {
    let project =
        project("prisma_failed", &[("prisma/migrations/1_a/migration.sql", "CREATE TABLE a ();")]);
    let _ = project.db(&["migrate"]).ok();
    project.write("prisma/migrations/2_b/migration.sql", "CREATE TABLE b ();");
    project.run_sql("INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ('x', 'y', '2_b', 'it broke')");
    let _ = project.db(&["migrate"]).code(9).says("failed half-way");
    let _ = project.db(&["repair", "--dry-run"]).ok().says("remove the failed run of 2_b");
    let _ = project.db(&["repair", "--yes"]).ok();
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(
        project.query("SELECT count(*) FROM _prisma_migrations WHERE migration_name = '2_b'"),
        ["2"]
    );
    let _ = project.db(&["status", "--check"]).ok();
}

#[test]
fn a_checksum_is_repaired_only_where_nothing_else_changed() {
    let project =
        project("repair_comments", &[("migrations/1_a.sql", "CREATE TABLE a (id int);\n")]);
    project.git(&["init", "--quiet"]);
    project.git(&["add", "."]);
    project.git(&["commit", "--quiet", "-m", "first"]);
    let _ = project.db(&["migrate"]).ok();
    let _ = project.db(&["repair"]).ok().says("the history needs no repair");
    project.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    let _ = project.db(&["repair"]).code(9).says("more than comments and white space changed");
    project.migration("1_a.sql", "-- People.\nCREATE TABLE a\n  (id int);\n");
    let _ = project.db(&["migrate"]).code(9);
    let _ = project.db(&["repair"]).code(3);
    let _ = project.db(&["repair", "--yes"]).ok().says("only comments or white space changed");
    let _ = project.db(&["status", "--check"]).ok();
    project.migration("1_a.sql", "CREATE TABLE a (id bigint);\n");
    let _ = project
        .db(&["repair", "--yes"])
        .code(9)
        .says("no version of this file in git has the applied checksum");
}

#[test]
fn several_sets_in_one_repository() {
    let mut project = project(
        "sets_a",
        &[
            ("services/a/migrations/1_a.sql", "CREATE TABLE a ()"),
            ("services/b/db/migrations/1_b.sql", &dbmate("CREATE TABLE b ();", "")),
        ],
    );
    cluster().run("postgres", "CREATE DATABASE sets_b");
    project.write(
        "db.toml",
        "[migrations.a]\ntool = 'sqlx'\ndir = 'services/a/migrations'\n\n[migrations.b]\ndir = 'services/b/db/migrations'\nurl = 'B_DATABASE_URL'\n",
    );
    project.set("B_DATABASE_URL", &cluster().url("sets_b"));
    let _ = project.db(&["rollback"]).code(2).says("name one with --set: a, b");
    let _ = project.db(&["migrate", "--set", "c"]).code(2).says("expected one of a, b");
    let _ = project.db(&["migrate", "--set", "a"]).ok();
    let status = project.db(&["status", "--check", "--json"]).code(1).json();
    let sets = status["sets"].as_array().unwrap();
    let shown = sets.iter().map(|set| {
        (
            set["tool"]["set"].as_str(),
            set["tool"]["name"].as_str(),
            set["migrations"]["applied"].as_u64(),
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [(Some("a"), Some("sqlx"), Some(1)), (Some("b"), Some("dbmate"), Some(0))]
    );
    let _ = project.db(&["migrate", "--set", "b"]).ok();
    assert_eq!(cluster().query("sets_b", "SELECT to_regclass('b') IS NOT NULL"), ["t"]);
    assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
    let _ = project.db(&["status", "--check", "-v"]).ok().says("dbmate of the set b");
    let _ = project.db(&["create", "--set", "b", "more"]).ok().says("services/b/db/migrations/");
}

#[test]
fn a_history_of_another_name() {
    let project = project("other_name", &[("migrations/1_a.sql", "CREATE TABLE a ()")]);
    project.write("db.toml", "[migrations]\ntable = 'ops.applied'\n");
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT version FROM ops.applied"), ["1"]);
    let _ = project.db(&["status", "--check"]).ok();
    let _ = project.db(&["migrate"]).ok().says("nothing to do");
}

#[test]
fn new_files_are_the_tools_own() {
    let cases: &[(&str, Files, &[&str])] = &[
        (
            "new_diesel",
            &[("diesel.toml", ""), ("migrations/1_a/up.sql", ""), ("migrations/1_a/down.sql", "")],
            &["_add_age/up.sql", "_add_age/down.sql"],
        ),
        (
            "new_refinery",
            &[("refinery.toml", ""), ("migrations/V7__a.sql", "")],
            &["migrations/V8__add_age.sql"],
        ),
        ("new_dbmate", &[("db/migrations/1_a.sql", "-- migrate:up\n")], &["_add_age.sql"]),
        ("new_prisma", &[("prisma/migrations/1_a/migration.sql", "")], &["_add_age/migration.sql"]),
        (
            "new_goose",
            &[("migrations/00001_a.sql", "-- +goose Up\n")],
            &["migrations/00002_add_age.sql"],
        ),
        (
            "new_golang",
            &[
                ("go.mod", ""),
                ("migrations/000001_a.up.sql", ""),
                ("migrations/000001_a.down.sql", ""),
            ],
            &["000002_add_age.up.sql", "000002_add_age.down.sql"],
        ),
        ("new_flyway", &[("flyway.conf", ""), ("sql/V3__a.sql", "")], &["sql/V4__add_age.sql"]),
        ("new_node", &[("migrations/1_a.sql", "-- Up Migration\n")], &["_add-age.sql"]),
        ("new_supabase", &[("supabase/migrations/20260101000000_a.sql", "")], &["_add_age.sql"]),
    ];
    for (name, files, ends) in cases {
        let project = project(name, files);
        let created = project.db(&["create", "add", "age", "--json"]).ok().json();
        let created = created["files"].as_array().unwrap().clone();
        assert_eq!(created.len(), ends.len(), "{name}");
        for (file, end) in created.iter().zip(*ends) {
            assert!(file.as_str().unwrap().ends_with(end), "{name}: {file}");
            assert!(project.path().join(file.as_str().unwrap()).exists());
        }
        // What it wrote is one migration more, and nothing that cannot be read.
        let status = project.db(&["status", "--json"]).ok().json();
        assert_eq!(
            (&status["migrations"]["total"], &status["migrations"]["problems"]),
            (&2.into(), &serde_json::json!([])),
            "{name}: {status}"
        );
    }
}

#[test]
fn a_program_among_sql_files_is_reported() {
    let project = project(
        "program",
        &[
            ("migrations/1_a.sql", "-- Up Migration\nSELECT 1;\n"),
            ("migrations/2_b.js", "exports.up = (pgm) => {};\n"),
        ],
    );
    let _ = project
        .db(&["migrate"])
        .code(2)
        .says("contains statements that only node-pg-migrate can run")
        .says("runner = \"tool\"");
}

#[test]
fn a_missing_tool_is_named() {
    let project = project("no_tool", &[("migrations/1_a.sql", "SELECT 1")]);
    project.write("db.toml", "[migrations]\nrunner = 'tool'\napply = ['no-such-program']\n");
    let _ = project.db(&["migrate"]).code(10).says("program `no-such-program` not found");
}

#[test]
fn what_sqlx_toml_says_counts() {
    let project = project(
        "sqlx_toml",
        &[
            (
                "sqlx.toml",
                "[migrate]\ntable-name = \"ops._applied\"\nmigrations-dir = \"sql\"\nignored-chars = [\"\\r\"]\n",
            ),
            ("sql/1_a.sql", "CREATE TABLE a ();\n"),
        ],
    );
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT version FROM ops._applied"), ["1"]);
    project.write("sql/1_a.sql", "CREATE TABLE a ();\r\n");
    let _ = project.db(&["status", "--check"]).ok();
    project.write("sql/1_a.sql", "CREATE TABLE b ();\n");
    let _ = project.db(&["status", "--check"]).code(9);
    // Without it the history would have another name: nothing is applied a second time.
    std::fs::remove_file(project.path().join("sqlx.toml")).unwrap();
    let _ = project
        .db(&["migrate", "--migrations-dir", "sql"])
        .code(9)
        .says("`ops._applied` is a history of sqlx");
}

#[test]
fn what_only_the_tool_can_put_in_is_not_run_without_it() {
    let flyway = project(
        "placeholders",
        &[("flyway.conf", ""), ("sql/V1__a.sql", "CREATE TABLE a (t text DEFAULT '${env}')")],
    );
    let _ = flyway.db(&["migrate"]).code(2).says("contains statements that only flyway can run");
    let goose = project(
        "envsub",
        &[("migrations/1_a.sql", "-- +goose ENVSUB ON\n-- +goose Up\nSELECT '${REGION}';\n")],
    );
    let _ = goose.db(&["migrate"]).code(2).says("contains statements that only goose can run");
    let text = "--! Previous: -\n--! Hash: sha1:0\n--! AllowInvalidHash\n\nCOMMENT ON SCHEMA public IS ':DATABASE_NAME';\n";
    let graphile = project("reserved", &[("migrations/committed/000001.sql", text)]);
    let _ = graphile
        .db(&["migrate"])
        .code(2)
        .says("contains statements that only graphile-migrate can run");
    let atlas =
        project("atlas", &[("migrations/atlas.sum", "h1:x"), ("migrations/1_a.sql", "SELECT 1")]);
    let _ = atlas.db(&["migrate"]).code(2).says("migrations of Atlas");
}

#[test]
fn a_chain_of_hashes_is_followed() {
    let first =
        "--! Previous: -\n--! Hash: sha1:aaaa\n--! AllowInvalidHash\n\nCREATE TABLE a ();\n";
    let project = project("chain", &[("migrations/committed/000001.sql", first)]);
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(project.query("SELECT hash FROM graphile_migrate.migrations"), ["sha1:aaaa"]);
    project.write(
        "migrations/committed/000002.sql",
        "--! Previous: sha1:aaaa\n--! Hash: sha1:bbbb\n\nCREATE TABLE b ();\n",
    );
    let _ = project.db(&["migrate"]).code(9).says("its hash is not that of its text");
    project.write(
        "migrations/committed/000002.sql",
        "--! Previous: sha1:cccc\n--! Hash: sha1:bbbb\n--! AllowInvalidHash\n\nCREATE TABLE b ();\n",
    );
    let _ = project.db(&["migrate"]).code(9).says("it does not follow the migration before it");
}

#[test]
fn flyways_own_ways() {
    let project = project(
        "flyway_ways",
        &[
            ("flyway.conf", ""),
            ("sql/V001__a.sql", "CREATE TABLE a (id int)"),
            ("sql/R__v.sql", "CREATE OR REPLACE VIEW v AS SELECT 1"),
        ],
    );
    let _ = project.db(&["migrate"]).ok();
    // A new version after something that is repeated is not late.
    project.write(
        "sql/V002__b.sql",
        "CREATE INDEX CONCURRENTLY i ON a (id);\nCREATE INDEX CONCURRENTLY j ON a (id);",
    );
    let status = project.db(&["status", "--json"]).ok().json();
    assert_eq!(status["migrations"]["problems"], serde_json::json!([]), "{status}");
    let _ = project.db(&["migrate"]).ok();
    assert_eq!(
        project.query(
            "SELECT version FROM flyway_schema_history WHERE version IS NOT NULL ORDER BY 1"
        ),
        ["001", "002"]
    );
    project.write("sql/V003__c.sql", "CREATE TABLE c ()");
    project.run_sql("INSERT INTO flyway_schema_history SELECT 9, '003', 'c', 'SQL', 'V003__c.sql', 1, 'me', now(), 1, false");
    let _ = project.db(&["migrate"]).code(9).says("failed");
    let _ = project.db(&["repair", "--yes"]).ok();
    let _ = project.db(&["migrate"]).ok();
    project.run_sql("TRUNCATE flyway_schema_history; INSERT INTO flyway_schema_history VALUES (1, '3', '<< Flyway Baseline >>', 'SQL_BASELINE', 'x', NULL, 'me', now(), 0, true)");
    assert_eq!(versions(&project), ["R__v"]);
}

#[test]
fn files_that_are_not_migrations() {
    let diesel = project(
        "stray",
        &[
            ("diesel.toml", ""),
            ("migrations/1_a/up.sql", "SELECT 1"),
            ("migrations/up.sql", "SELECT 2"),
        ],
    );
    assert_eq!(versions(&diesel), ["1"]);
    let journal = r#"{"entries":[{"idx":0,"when":1,"tag":"0000_a"}]}"#;
    let statements = "CREATE TABLE a (id int)--> statement-breakpoint\nCREATE TABLE b (id int)";
    let drizzle = project(
        "breakpoints",
        &[
            ("drizzle/meta/_journal.json", journal),
            ("drizzle/0000_a.sql", statements),
            ("drizzle/queries/x.sql", "SELECT 1"),
        ],
    );
    let _ = drizzle.db(&["migrate"]).ok();
    assert_eq!(drizzle.query("SELECT to_regclass('b')"), ["b"]);
    let twice = format!("{}-- migrate:down\nSELECT 3;\n", dbmate("SELECT 1;", "SELECT 2;"));
    let dbmate = project("twice", &[("db/migrations/1_a.sql", &twice)]);
    let _ = dbmate.db(&["migrate"]).code(9).says("stands here once more, which dbmate refuses");
}

#[test]
fn a_tool_that_insists_on_its_order() {
    let package = ("package.json", "{\"dependencies\": {\"node-pg-migrate\": \"9.0.0\"}}");
    let project = project(
        "strict",
        &[
            package,
            ("migrations/1_a.sql", "CREATE TABLE a ();"),
            ("migrations/3_c.sql", "CREATE TABLE c ();"),
        ],
    );
    assert_eq!(tool(&project), "node-pg-migrate");
    let _ = project.db(&["migrate"]).ok();
    project.migration("2_b.sql", "CREATE TABLE b ();");
    let _ = project.db(&["migrate"]).code(9).says("a later one is applied");
    let _ = project.db(&["migrate", "--allow-out-of-order"]).ok();
}

#[test]
fn nothing_applied_and_dirty_is_not_clean() {
    let project =
        project("dirty_nil", &[("go.mod", ""), ("migrations/1_a.up.sql", "CREATE TABLE a ()")]);
    project.run_sql("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (-1, true)");
    let _ = project.db(&["migrate"]).code(9).says("failed half-way");
}

#[test]
fn an_unset_variable_does_not_select_another_database() {
    let project = project("no_variable", &[("migrations/1_a.sql", "CREATE TABLE a ()")]);
    project.write("db.toml", "[migrations]\nurl = 'A_URL'\n");
    let _ = project.db(&["migrate"]).code(2).says("A_URL").says("no such variable");
    project.write("db.toml", "[migrations]\nurl = 'postgres://app:hunter2@localhost/x'\n");
    let ran = project.db(&["migrate"]).code(2).says("this must be the name of a variable");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
}

#[test]
fn what_was_merged_late_is_out_of_order_for_drizzle_too() {
    let entry =
        |idx: u32, when: u32, tag: &str| format!(r#"{{"idx":{idx},"when":{when},"tag":"{tag}"}}"#);
    let journal = |entries: &[String]| format!(r#"{{"entries":[{}]}}"#, entries.join(","));
    let first = journal(&[entry(0, 2000, "0000_a")]);
    let project = project(
        "late_drizzle",
        &[
            ("drizzle/meta/_journal.json", &first),
            ("drizzle/0000_a.sql", "SELECT 1"),
            ("drizzle/0001_b.sql", "SELECT 2"),
        ],
    );
    std::fs::remove_file(project.path().join("drizzle/0001_b.sql")).unwrap();
    let _ = project.db(&["migrate"]).ok();
    project.write("drizzle/0001_b.sql", "SELECT 2");
    project.write(
        "drizzle/meta/_journal.json",
        &journal(&[entry(0, 2000, "0000_a"), entry(1, 1000, "0001_b")]),
    );
    let _ = project.db(&["status", "--check"]).code(9).says("a later one is applied");
    let _ = project.db(&["migrate", "--env", "staging", "--dry-run"]).code(9);
}

#[test]
fn a_run_without_effect_is_not_reported_as_done() {
    let project = project("no_files", &[]);
    let _ = project.db(&["migrate"]).ok().says("no migrations in `migrations` yet");
    let again = self::project("exists_already", &[("migrations/1_a.sql", "CREATE TABLE a ()")]);
    again.run_sql("CREATE TABLE a ()");
    let _ = again.db(&["migrate"]).code(7).says("cargo db baseline");
    let _ =
        again.db(&["baseline", "--yes"]).ok().says("1 migration recorded as applied, but not run");
}

#[test]
fn check_covers_both_parts_of_a_file() {
    let text = dbmate("CREATE TABLE a (id int);\nUPDATE a SET id = 1;", "DROP TABLE a;\nCOMMIT;");
    let project = project("check_parts", &[("db/migrations/1_a.sql", &text)]);
    let checked = project.db(&["check", "--json"]).code(1).json();
    let findings = checked["migrations"][0]["findings"].as_array().unwrap().clone();
    let lines: Vec<(u64, String)> = findings
        .iter()
        .map(|one| (one["line"].as_u64().unwrap(), one["rule"].as_str().unwrap().to_owned()))
        .collect();
    assert!(lines.contains(&(3, "update-without-where".to_owned())), "{lines:?}");
    assert!(lines.contains(&(6, "transaction-control".to_owned())), "{lines:?}");
}

#[test]
fn a_table_of_the_same_name_is_checked() {
    for (name, table) in [
        (
            "of_ecto",
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp)",
        ),
        (
            "of_golang",
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
        ),
        (
            "of_rails",
            "CREATE TABLE schema_migrations (version varchar PRIMARY KEY); CREATE TABLE ar_internal_metadata (key text)",
        ),
    ] {
        let project =
            project(name, &[("db/migrations/1_a.sql", &dbmate("CREATE TABLE a ();", ""))]);
        project.run_sql(table);
        for verb in ["status", "migrate", "baseline"] {
            let _ = project.db(&[verb]).code(9).says("is not a history table of dbmate");
        }
    }
}

#[test]
fn baseline_is_refused_if_migrate_would_be() {
    let project = project(
        "baseline_twins",
        &[("migrations/1_a.sql", "CREATE TABLE a ()"), ("migrations/1_b.sql", "CREATE TABLE b ()")],
    );
    let _ = project.db(&["baseline", "--yes"]).code(9).says("1_b.sql");
    std::fs::remove_file(project.path().join("migrations/1_b.sql")).unwrap();
    let _ = project.db(&["baseline", "--dry-run"]).ok().says("the database is empty");
    project.run_sql("CREATE TABLE a ()");
    let ran = project.db(&["baseline", "--yes"]).ok();
    assert!(!ran.to_string().contains("the database is empty"), "{ran}");
}

#[test]
fn a_failed_row_without_its_file_is_removed() {
    let project = project("failed_gone", &[("migrations/1_a.sql", "CREATE TABLE a ()")]);
    let _ = project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (2, 'gone', false, '\\x00', 1)");
    let _ = project.db(&["repair", "--yes"]).ok();
    let _ = project.db(&["status", "--check"]).ok();
}

#[test]
fn reset_warns_that_another_set_is_dropped_too() {
    let project = project(
        "sets_reset",
        &[
            ("a/1_a.sql", "CREATE TABLE a ()"),
            ("b/db/migrations/1_b.sql", &dbmate("CREATE TABLE b ();", "")),
        ],
    );
    project
        .write("db.toml", "[migrations.a]\ndir = 'a'\n[migrations.b]\ndir = 'b/db/migrations'\n");
    for set in ["a", "b"] {
        let _ = project.db(&["migrate", "--set", set]).ok();
    }
    let said = "`public.schema_migrations`, the history of dbmate, is dropped too";
    let _ = project.db(&["reset", "--set", "a", "--dry-run"]).ok().says(said);
    // Neither set treats the other one as another tool's history.
    let _ = project.db(&["status", "--check"]).ok();
}

#[test]
fn a_set_that_cannot_be_read_does_not_hide_the_others() {
    let project = project(
        "set_down",
        &[("a/1_a.sql", "CREATE TABLE a ()"), ("b/1_b.sql", "CREATE TABLE b ()")],
    );
    project.write(
        "db.toml",
        "[migrations.a]\ndir = 'a'\n[migrations.b]\ndir = 'b'\nurl = 'NOT_SET'\n",
    );
    let ran = project.db(&["status", "-v"]).code(2).says("Files        a");
    let _ = ran.says("set b: ").says("NOT_SET");
    // Nothing of a database is needed for this.
    let _ = project.db(&["check", "--set", "b"]).ok();
    let _ = project.db(&["rollback", "--set", "a", "--to", "7"]).code(2);
    project.write("a/2_c.sql", "SELEC");
    let _ = project.db(&["migrate", "--set", "a"]).says("--set a`");
}

#[test]
fn nothing_is_generated_on_a_server_that_others_use() {
    let mut project = project(
        "generate_far",
        &[("diesel.toml", ""), ("migrations/1_a/up.sql", "CREATE TABLE a ();")],
    );
    for environment in ["staging", "production"] {
        project.set("CARGO_DB_ENV", environment);
        let _ = project.db(&["generate", "x"]).code(4).says("generate");
    }
}

#[test]
fn a_missing_down_migration_is_reported_as_such() {
    let project = project(
        "no_way_back",
        &[
            ("prisma/schema.prisma", ""),
            ("prisma/migrations/1_a/migration.sql", "CREATE TABLE a ();"),
        ],
    );
    let _ = project.db(&["migrate"]).ok();
    let ran = project
        .db(&["rollback", "--yes"])
        .code(10)
        .says("prisma has no command to roll back a migration");
    assert!(!ran.to_string().contains("write a down file"), "{ran}");
}

#[test]
fn a_gap_is_not_a_second_head() {
    let revision =
        |name: &str, before: &str| format!("revision = '{name}'\ndown_revision = {before}\n");
    let project = project(
        "alembic_gap",
        &[
            ("alembic.ini", ""),
            ("migrations/versions/a.py", &revision("a", "None")),
            ("migrations/versions/c.py", &revision("c", "'b'")),
        ],
    );
    let ran = project.db(&["status"]).ok().says("there is no file of a revision that it follows");
    assert!(!ran.to_string().contains("merge heads"), "{ran}");
}
