//! Detecting tools by their files and histories, and what is refused.

use crate::layouts::project;
use crate::support::{Project, Ran};

fn tool(project: &Project) -> String {
    project.db(&["status", "--json"]).ok().json()["tool"]["name"].as_str().unwrap().to_owned()
}

fn migrate(project: &Project) -> Ran {
    project.db(&["migrate", "--yes"])
}

/// The tables of `public`, but for histories.
fn tables(project: &Project) -> Vec<String> {
    project.query(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
         AND tablename NOT IN ('schema_migrations', 'goose_db_version', 'gorp_migrations', \
         '_sqlx_migrations', 'pgmigrations') ORDER BY 1",
    )
}

#[test]
fn commented_or_quoted_sql_never_runs() {
    let cases = [
        // A slip of the pen in a marker.
        (
            "db/migrations/1_a.sql",
            "-- migrate:up\nSELECT 1;\n-- migrate:down;\nDROP TABLE lamps;\n",
            3,
        ),
        (
            "db/migrations/1_a.sql",
            "-- migrate:up\nSELECT 1;\n-- migrate:dwon\nDROP TABLE lamps;\n",
            3,
        ),
        ("migrations/1_a.sql", "-- +goose Up\nSELECT 1;\n-- +goose Down;\nDROP TABLE lamps;\n", 3),
        ("migrations/1_a.sql", "-- +goose Up\nSELECT 1;\n  -- +goose Dwn\nDROP TABLE lamps;\n", 3),
        (
            "migrations/1_a.sql",
            "-- Up Migration\nSELECT 1;\n-- Down Migratoin\nDROP TABLE lamps;\n",
            3,
        ),
        (
            "migrations/1_a.sql",
            "-- +migrate Up\nSELECT 1;\n--+migrate Down\nDROP TABLE lamps;\n",
            3,
        ),
        // SQL outside of the parts.
        ("db/migrations/1_a.sql", "CREATE TYPE t AS ENUM ();\n-- migrate:up\nSELECT 1;\n", 1),
        ("migrations/1_a.sql", "/* a */\nCREATE TABLE b ();\n-- +goose Up\nSELECT 1;\n", 2),
        ("migrations/1_a.sql", "CREATE TABLE b ();\n-- Up Migration\nSELECT 1;\n", 1),
        ("migrations/1_a.sql", "CREATE TABLE b ();\n-- +migrate Up\nSELECT 1;\n", 1),
        // Parts twice, and in the wrong order.
        (
            "migrations/1_a.sql",
            "-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose Up\nSELECT 2;\n",
            4,
        ),
        (
            "migrations/1_a.sql",
            "-- Up Migration\n-- Down Migration\n-- Up Migration\nSELECT 2;\n",
            3,
        ),
        (
            "db/migrations/1_a.sql",
            "-- migrate:down\nDROP TABLE lamps;\n-- migrate:up\nSELECT 1;\n",
            1,
        ),
        (
            "db/migrations/1_a.sql",
            "-- migrate:up\n-- migrate:down\n-- migrate:down\nSELECT 1;\n",
            3,
        ),
        // A down migration in a file that runs as a whole.
        ("migrations/1_a.sql", "SELECT 1;\n-- down\nDROP TABLE lamps;\n", 2),
        ("prisma/migrations/1_a/migration.sql", "SELECT 1;\n--//@UNDO\nDROP TABLE lamps;\n", 2),
        ("migrations/1_a/up.sql", "SELECT 1;\n-- Rollback:\nDROP TABLE lamps;\n", 2),
    ];
    let mut project = Project::new("w_slips");
    project.set("APP_ENV", "test");
    project.run_sql("CREATE TABLE lamps AS SELECT generate_series(1, 5) AS id");
    for (path, text, line) in cases {
        let file = project.write(path, text);
        let refused = migrate(&project).code(9);
        let refused = refused.says("unreadable: ").says(&format!("`{path}`: line {line}: "));
        assert_eq!(project.query("SELECT count(*) FROM lamps"), ["5"], "{text}{refused}");
        assert_eq!(tables(&project), ["lamps"], "{text}");
        let _ = project.db(&["check"]).code(1).says("wrong-marker");
        let _ = project.db(&["baseline", "--yes"]).code(9);
        std::fs::remove_file(file).unwrap();
        for folder in ["db/migrations", "migrations", "prisma/migrations"] {
            let _ = std::fs::remove_dir_all(project.path().join(folder));
        }
    }
}

#[test]
fn a_byte_order_mark_does_not_hide_a_marker() {
    let goose = "\u{feff}-- +goose Up\nCREATE TABLE a ();\n-- +goose Down\nDROP TABLE a;\n";
    let goose = project("w_bom_goose", &[("migrations/00001_a.sql", goose)]);
    assert_eq!(self::tool(&goose), "goose");
    let _ = migrate(&goose).ok();
    assert_eq!(tables(&goose), ["a"]);
    let _ = goose.db(&["rollback", "--yes"]).ok();
    let dbmate = "\u{feff}-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n";
    let dbmate = project("w_bom_dbmate", &[("db/migrations/1_a.sql", dbmate)]);
    assert_eq!(self::tool(&dbmate), "dbmate");
    let _ = migrate(&dbmate).ok();
    assert_eq!(tables(&dbmate), ["a"]);
    let outside = "\u{feff}-- no-transaction\nVACUUM;\n";
    let _ = migrate(&project("w_bom_sqlx", &[("migrations/1_a.sql", outside)])).ok();
}

#[test]
fn the_tool_is_detected_from_all_files() {
    let project = Project::new("w_all");
    for name in ["a", "b", "c"] {
        let text =
            format!("-- +goose Up\nCREATE TABLE {name} ();\n-- +goose Down\nDROP TABLE {name};\n");
        project.migration(&format!("0000{}_{name}.sql", name.as_bytes()[0] - b'a' + 2), &text);
    }
    // Wherever the file without a marker is in the order, and whatever its name.
    for name in ["00001_x.sql", "00009_x.sql", "00003_zzzz.sql", "00000_1.sql"] {
        project.migration(name, "CREATE TABLE plain ();\n");
        assert_eq!(tool(&project), "goose", "{name}");
        let _ = migrate(&project).code(9).says("goose wants a line `-- +goose Up`").says(name);
        std::fs::remove_file(project.path().join("migrations").join(name)).unwrap();
    }
    assert_eq!(tables(&project), Vec::<String>::new());
    let _ = migrate(&project).ok();
}

#[test]
fn unclaimed_files_are_reported() {
    let dbmate = project("w_nobody", &[("db/migrations/1_a.sql", "CREATE TABLE a ();\n")]);
    let _ = dbmate.db(&["status", "--check"]).code(9).says("db/migrations/1_a.sql");
    let _ = migrate(&dbmate).code(9).says("db/migrations/1_a.sql").says("does not match any tool");
    let micrate = "-- +micrate Up\nCREATE TABLE a ();\n-- +micrate Down\nDROP TABLE a;\n";
    dbmate.write("db/migrations/1_a.sql", micrate);
    let _ = migrate(&dbmate).code(9).says("line 1: ").says("a marker of micrate");
    let rails = project("w_rails", &[("db/migrate/20260101000000_a.rb", "class A\nend\n")]);
    let _ = migrate(&rails).code(9).says("a migration of Rails");
    let ecto = project("w_ecto", &[("priv/repo/migrations/20260101000000_a.exs", "defmodule A\n")]);
    let _ = migrate(&ecto).code(9).says("a migration of Ecto");
}

#[test]
fn sections_of_a_tool_that_is_not_run_are_named() {
    let cases = [
        ("rambler", "-- rambler up\nCREATE TABLE a ();\n-- rambler down\nDROP TABLE a;\n", 1),
        ("tern", "CREATE TABLE a ();\n---- create above / drop below ----\nDROP TABLE a;\n", 2),
        ("micrate", "-- +micrate Up\nCREATE TABLE a ();\n-- +micrate Down\nDROP TABLE a;\n", 1),
        ("Play evolutions", "-- !Ups\nCREATE TABLE a ();\n-- !Downs\nDROP TABLE a;\n", 1),
        ("Play evolutions", "# --- !Ups\nCREATE TABLE a ();\n# --- !Downs\nDROP TABLE a;\n", 1),
        ("MyBatis Migrations", "CREATE TABLE a ();\n-- //@UNDO\nDROP TABLE a;\n", 2),
    ];
    let project = Project::new("w_sections");
    for (title, text, line) in cases {
        project.migration("20260101000000_people.sql", text);
        let _ = migrate(&project).code(9).says(title).says(&format!("line {line}: "));
        assert_eq!(tables(&project), Vec::<String>::new(), "{title}");
    }
    let history = Project::new("w_refused_history");
    history.migration("1_a.sql", "CREATE TABLE a ();\n");
    for (key, sql) in [
        (
            "ecto",
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp)",
        ),
        ("tern", "CREATE TABLE schema_version (version int4 NOT NULL)"),
        ("rambler", "CREATE TABLE migrations (migration varchar(255) NOT NULL)"),
        (
            "micrate",
            "CREATE TABLE micrate_db_version (id serial, version_id bigint, is_applied boolean, \
             tstamp timestamp)",
        ),
        ("play", "CREATE TABLE play_evolutions (id int PRIMARY KEY, hash varchar(255))"),
        ("rails", "CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar)"),
    ] {
        history.run_sql(sql);
        let _ = migrate(&history).code(9).says(&format!("is a history of {key}"));
        history.run_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }
}

#[test]
fn sql_migrate_runs_natively() {
    let first = "-- +migrate Up\nCREATE TABLE people (id int);\n\
        -- +migrate StatementBegin\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n\
        -- +migrate StatementEnd\n\n-- +migrate Down\nDROP FUNCTION f;\nDROP TABLE people;\n";
    let second = "-- +migrate Up notransaction\nCREATE INDEX CONCURRENTLY i ON people (id);\n\
        -- +migrate Down notransaction\nDROP INDEX CONCURRENTLY i;\n";
    let files = [("migrations/10-index.sql", second), ("migrations/9-people.sql", first)];
    let project = project("w_sql_migrate", &files);
    assert_eq!(tool(&project), "sql-migrate");
    let _ = migrate(&project).ok();
    assert_eq!(tables(&project), ["people"]);
    let rows =
        "SELECT id, applied_at IS NOT NULL FROM gorp_migrations ORDER BY applied_at, id DESC";
    assert_eq!(project.query(rows), ["9-people.sql|t", "10-index.sql|t"]);
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(project.query("SELECT id FROM gorp_migrations"), ["9-people.sql"]);
    assert_eq!(project.query("SELECT to_regclass('i') IS NULL"), ["t"]);
    let _ = project.db(&["create", "more", "things"]).ok();
    let made = std::fs::read_dir(project.path().join("migrations")).unwrap().flatten();
    let made: Vec<_> = made.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(made.iter().any(|name| name.ends_with("-more_things.sql")), "{made:?}");
    let _ = migrate(&project).ok();
    // A database that the tool itself has migrated.
    let theirs = self::project("w_sql_migrate_theirs", &[("migrations/1-a.sql", first)]);
    theirs.run_sql(
        "CREATE TABLE gorp_migrations (id text NOT NULL PRIMARY KEY, applied_at timestamptz); \
         INSERT INTO gorp_migrations VALUES ('1-a.sql', now()); CREATE TABLE people (id int); \
         INSERT INTO people VALUES (1)",
    );
    let _ = migrate(&theirs).ok().says("nothing to do");
    assert_eq!(theirs.query("SELECT count(*) FROM people"), ["1"]);
}

#[test]
fn several_pairs_of_dbmate_are_one_migration() {
    let text = "-- migrate:up\n\n-- migrate:down\n\n\
        -- migrate:up\nCREATE TABLE a ()\n-- migrate:down\nDROP TABLE a\n\
        -- migrate:up\nCREATE TABLE b ();\n-- migrate:down\nDROP TABLE b;\n";
    let project = project("w_pairs", &[("db/migrations/1_x.sql", text)]);
    let _ = project.db(&["check", "--fail-on", "block"]).ok();
    let _ = migrate(&project).ok();
    assert_eq!(tables(&project), ["a", "b"]);
    assert_eq!(project.query("SELECT version FROM schema_migrations"), ["1"]);
    let _ = project.db(&["rollback", "--yes"]).ok();
    assert_eq!(tables(&project), Vec::<String>::new());
}

#[test]
fn a_file_that_drizzle_ignores_is_a_warning() {
    let journal = r#"{"entries":[{"idx":0,"when":1,"tag":"0000_a"}]}"#;
    let project = project(
        "w_stray",
        &[
            ("drizzle/meta/_journal.json", journal),
            ("drizzle/0000_a.sql", "CREATE TABLE a ();"),
            ("drizzle/0001_abandoned.sql", "CREATE TABLE b ();"),
        ],
    );
    let _ = project.db(&["status"]).ok().says("ignored").says("0001_abandoned.sql");
    let _ = migrate(&project).ok().says("0001_abandoned.sql").says("the journal does not name it");
    assert_eq!(tables(&project), ["a"]);
}

#[test]
fn a_mark_is_seen_however_many_files_there_are() {
    let project = Project::new("w_many");
    let name = |index: usize| format!("{index:04}_m");
    let entries: Vec<String> = (0..230)
        .map(|index| format!(r#"{{"idx":{index},"when":{},"tag":"{}"}}"#, index + 1, name(index)))
        .collect();
    for index in 0..230 {
        project.write(&format!("drizzle/{}.sql", name(index)), "SELECT 1;");
    }
    let journal = format!(r#"{{"entries":[{}]}}"#, entries.join(","));
    project.write("drizzle/meta/_journal.json", &journal);
    let status = project.db(&["status", "--json"]).ok().json();
    assert_eq!(status["tool"]["name"], "drizzle");
    assert_eq!(status["migrations"]["pending"].as_array().map(Vec::len), Some(230));
}

/// Two files as sqlx and golang-migrate both have them.
fn of_two(name: &str) -> Project {
    let project = Project::new(name);
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    std::fs::create_dir(project.path().join(".git")).unwrap();
    project.migration("000001_a.up.sql", "CREATE TABLE a ();");
    project.migration("000001_a.down.sql", "DROP TABLE a;");
    project
}

const GOLANG_MIGRATE: &str = "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, \
    dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (1, false)";

#[test]
fn between_two_tools_history_then_project_then_a_person() {
    let project = of_two("w_between");
    let refused = project.db(&["status"]).code(2);
    let refused = refused.says("sqlx in `migrations`, golang-migrate in `migrations`");
    let _ = refused.says("`tool = \"golang-migrate\"` below `[migrations]`").says("db.toml");
    let _ = project.db(&["migrate", "--yes"]).code(2);
    let _ = project.db(&["check"]).code(2);
    for (path, text, expected) in [
        ("go.mod", "module x\n", "golang-migrate"),
        ("Cargo.toml", "[workspace]\n", "sqlx"),
        (
            "go.mod",
            "module x\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n",
            "golang-migrate",
        ),
        ("sqlx.toml", "", "sqlx"),
    ] {
        project.write(path, text);
        assert_eq!(tool(&project), expected, "{path}: {text}");
        std::fs::remove_file(project.path().join(path)).unwrap();
    }
    // What is depended on counts for more than a language.
    project.write("go.mod", "module x\n");
    project.write("Cargo.toml", "[dependencies]\nsqlx = { version = \"0.9\" }\n");
    assert_eq!(tool(&project), "sqlx");
    // The history counts for more than both.
    project.run_sql(GOLANG_MIGRATE);
    assert_eq!(tool(&project), "golang-migrate");
    let _ = migrate(&project).ok().says("nothing to do");
    project.run_sql("DROP TABLE schema_migrations");
    project.write("Cargo.toml", "[workspace.dependencies.sqlx]\nversion = \"0.9\"\n");
    assert_eq!(tool(&project), "sqlx");
}

#[test]
fn the_nearest_project_counts() {
    let project = Project::new("w_nearest");
    project.write(
        "db.toml",
        "[migrations.go]\ndir = 'services/go/migrations'\n\
         [migrations.rust]\ndir = 'crates/api/migrations'\ntable = 'rust_migrations'\n\
         [migrations.none]\ndir = 'legacy/migrations'\n",
    );
    project.write("Cargo.toml", "[workspace]\n");
    project.write("services/go/go.mod", "module x\n");
    for folder in ["services/go", "crates/api", "legacy"] {
        project.write(&format!("{folder}/migrations/000001_a.up.sql"), "SELECT 1;");
    }
    let of = |set: &str| {
        let status = project.db(&["--set", set, "status", "--json"]).ok().json();
        status["tool"]["name"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("go"), "golang-migrate");
    assert_eq!(of("rust"), "sqlx");
    std::fs::remove_file(project.path().join("Cargo.toml")).unwrap();
    let _ = project.db(&["--set", "none", "status"]).code(2).says(
        "`tool = \"sqlx\"` below `[migrations.none]` or \
         `tool = \"golang-migrate\"` below `[migrations.none]`",
    );
}

#[test]
fn what_only_flyway_writes_is_flyways() {
    for (name, other) in
        [("w_fly_r", "migrations/R__v.sql"), ("w_fly_c", "migrations/V001__a.sql.conf")]
    {
        let files = [("Cargo.toml", ""), ("migrations/V001__a.sql", "SELECT 1;"), (other, "")];
        assert_eq!(tool(&project(name, &files)), "flyway");
    }
}

#[test]
fn init_asks_where_two_tools_fit() {
    let project = of_two("w_init");
    project.write("services/orders/migrations/20260101000000_o.sql", "SELECT 1;");
    let _ = project.db(&["init"]).ok().says("sqlx or golang-migrate in migrations");
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    assert!(toml.contains("# tool = \"golang-migrate\""), "{toml}");
    project.run_sql(GOLANG_MIGRATE);
    let json = project.db(&["status", "--json"]);
    let _ = json.says("golang-migrate");
}

#[test]
fn init_finds_folders_of_other_names() {
    let project = Project::bare("w_init_folders");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.write("Cargo.toml", "[workspace]\n");
    project.write("supabase/config.toml", "");
    for folder in ["migrations/postgresql", "storage/migration", "services/a/db"] {
        project.write(&format!("{folder}/1_a.up.sql"), "SELECT 1;");
    }
    project.write("flyway/db/migration/V1__a.sql", "SELECT 1;");
    project.write("flyway/db/migration/more/R__b.sql", "SELECT 1;");
    let init = project.db(&["init"]).ok();
    for found in [
        "sqlx in migrations/postgresql",
        "sqlx in storage/migration",
        "sqlx in services/a/db",
        "flyway in flyway/db/migration",
    ] {
        assert!(format!("{init}").contains(found), "{found}: {init}");
    }
    assert!(!format!("{init}").contains("migration/more"), "{init}");
}

/// Every tool's history, as small as it is known by.
const HISTORIES: [(&str, &str); 13] = [
    (
        "sqlx",
        "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text, \
         installed_on timestamptz, success boolean, checksum bytea, execution_time bigint)",
    ),
    (
        "diesel",
        "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, run_on \
         timestamp)",
    ),
    (
        "refinery",
        "CREATE TABLE refinery_schema_history (version int4, name varchar(255), applied_on \
         varchar(255), checksum varchar(255))",
    ),
    ("dbmate", "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)"),
    (
        "prisma",
        "CREATE TABLE _prisma_migrations (id varchar(36), checksum varchar(64), finished_at \
         timestamptz, migration_name varchar(255), logs text, rolled_back_at timestamptz, \
         started_at timestamptz, applied_steps_count int)",
    ),
    (
        "drizzle",
        "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY \
         KEY, hash text, created_at bigint)",
    ),
    (
        "node-pg-migrate",
        "CREATE TABLE pgmigrations (id serial PRIMARY KEY, name varchar(255), run_on timestamp)",
    ),
    (
        "goose",
        "CREATE TABLE goose_db_version (id serial PRIMARY KEY, version_id bigint, is_applied \
         boolean, tstamp timestamp)",
    ),
    ("sql-migrate", "CREATE TABLE gorp_migrations (id text PRIMARY KEY, applied_at timestamptz)"),
    (
        "golang-migrate",
        "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean)",
    ),
    (
        "flyway",
        "CREATE TABLE flyway_schema_history (installed_rank int, version varchar(50), \
         description varchar(200), type varchar(20), script varchar(1000), checksum int, \
         installed_by varchar(100), installed_on timestamp, execution_time int, success boolean)",
    ),
    (
        "supabase",
        "CREATE SCHEMA supabase_migrations; CREATE TABLE supabase_migrations.schema_migrations \
         (version text PRIMARY KEY, statements text[], name text)",
    ),
    (
        "graphile-migrate",
        "CREATE SCHEMA graphile_migrate; CREATE TABLE graphile_migrate.migrations (hash text \
         PRIMARY KEY, previous_hash text, filename text, date timestamptz)",
    ),
];

#[test]
fn a_foreign_history_stays_foreign_with_any_number_of_sets() {
    let project = Project::new("w_matrix");
    // Two kinds of files, so that each history is foreign to one of them.
    project.write("a/1_a.sql", "CREATE TABLE ran ();");
    project.write("b/1_a/up.sql", "CREATE TABLE ran ();");
    project.write("c/1_c.sql", "SELECT 1;");
    for (key, sql) in HISTORIES {
        let (own, dir) = if key == "sqlx" { ("diesel", "b") } else { ("sqlx", "a") };
        project.run_sql(sql);
        let set = format!("dir = '{dir}'\ntool = '{own}'\n");
        for (toml, named) in [
            (format!("[migrations]\n{set}"), false),
            (format!("[migrations.a]\n{set}"), true),
            (
                format!(
                    "[migrations.a]\n{set}\
                     [migrations.c]\ndir = 'c'\ntool = '{own}'\ntable = 'other'\n"
                ),
                true,
            ),
        ] {
            project.write("db.toml", &toml);
            let arguments: &[&str] =
                if named { &["--set", "a", "migrate", "--yes"] } else { &["migrate", "--yes"] };
            let _ = project.db(arguments).code(9).says(&format!("is a history of {key}"));
        }
        // Another set claims that table, which explains it.
        project.write(
            "db.toml",
            &format!("[migrations.a]\n{set}[migrations.c]\ndir = 'c'\ntool = '{key}'\n"),
        );
        let _ = project.db(&["--set", "a", "migrate", "--dry-run"]).ok();
        // One of another name is not that one.
        if !matches!(key, "drizzle" | "supabase" | "graphile-migrate") {
            project.write(
                "db.toml",
                &format!(
                    "[migrations.a]\n{set}\
                     [migrations.c]\ndir = 'c'\ntool = '{key}'\ntable = 'elsewhere'\n"
                ),
            );
            let _ = project.db(&["--set", "a", "migrate", "--yes"]).code(9);
        }
        // In another database it claims nothing here.
        project.write(
            "db.toml",
            &format!(
                "[migrations.a]\n{set}[migrations.c]\ndir = 'c'\ntool = '{key}'\nurl = 'C_URL'\n"
            ),
        );
        let mut command = project.command(&["--set", "a", "migrate", "--yes"]);
        let ran: Ran = command
            .env("C_URL", crate::support::cluster().url("postgres"))
            .output()
            .unwrap()
            .into();
        let _ = ran.code(9);
        project.run_sql(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; DROP SCHEMA IF EXISTS \
             drizzle, supabase_migrations, graphile_migrate CASCADE",
        );
    }
}

#[test]
fn an_empty_history_next_to_another_one_is_refused() {
    let mut project = Project::new("w_empty");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.run_sql("CREATE SCHEMA app");
    let url = crate::support::cluster().url("w_empty");
    project.set("DATABASE_URL", &format!("{url}&search_path=app,public"));
    let _ = migrate(&project).ok();
    project.set("DATABASE_URL", &url);
    let _ = migrate(&project).code(9).says("which is not in the search path");
    project.run_sql(
        "CREATE TABLE public._sqlx_migrations (LIKE app._sqlx_migrations INCLUDING DEFAULTS)",
    );
    let refused = migrate(&project).code(9);
    let _ = refused.says("app._sqlx_migrations").says("`table = \"");
    let _ = project.db(&["status"]).code(9);
    assert_eq!(project.query("SELECT to_regclass('public.a') IS NULL"), ["t"]);
    // Whoever names the schema, or the table, means it.
    project.set("DATABASE_URL", &format!("{url}&search_path=app"));
    let _ = migrate(&project).ok().says("nothing to do");
    project.set("DATABASE_URL", &url);
    project.write("db.toml", "[migrations]\ntable = 'app._sqlx_migrations'\n");
    let _ = migrate(&project).ok().says("nothing to do");
    project.write("db.toml", "[migrations]\ntable = 'public._sqlx_migrations'\n");
    let _ = migrate(&project).ok().says("1 migration applied");
}

/// Prisma and diesel refuse a migration folder without its SQL file, and so does cargo db.
#[test]
fn a_folder_without_its_file_is_named() {
    let migration = ("prisma/migrations/20260101000000_a/migration.sql", "CREATE TABLE a ();");
    let prisma = project("w_lacks_prisma", &[migration]);
    std::fs::create_dir(prisma.path().join("prisma/migrations/20260102000000_b")).unwrap();
    let diesel = project(
        "w_lacks_diesel",
        &[
            ("migrations/2026-01-01-000000_a/up.sql", "CREATE TABLE a ();"),
            ("migrations/2026-01-02-000000_b/UP.SQL", "CREATE TABLE b ();"),
        ],
    );
    for (project, why) in [(&prisma, "no migration.sql in it"), (&diesel, "no up.sql in it")] {
        let _ = project.db(&["status", "--check"]).code(9).says("000000_b").says(why);
        let _ = project.db(&["check"]).code(1).says("000000_b").says(why);
        let _ = migrate(project).code(9).says("000000_b").says(why);
        assert_eq!(tables(project), Vec::<String>::new());
    }
}

/// The tools compare file names case-sensitively.
#[test]
fn a_folder_of_capitals_only_is_no_empty_folder() {
    let file = "migrations/1_a.SQL";
    let project = project("w_capitals_alone", &[(file, "CREATE TABLE a ();")]);
    for verb in ["status", "migrate"] {
        let ran = project.db(&[verb]).ok();
        let ran = ran.says(file).says("lower case only");
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("cargo db create"));
    }
    project.db(&["migrate", "--dry-run"]).ok().says(file).says("lower case only");
}

/// Also in a folder that is searched because a tool keeps its files there, and in a member crate.
#[test]
fn capitals_are_reported_in_every_folder_that_is_searched() {
    let sections = "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n";
    for (at, file, text) in [
        (0, "db/migrations/20260101000000_a.SQL", "CREATE TABLE a ();"),
        (1, "db/migrations/20260101000000_a.SQL", sections),
        (2, "migrations/1_a.SQL", "CREATE TABLE a ();"),
    ] {
        let project = project(&format!("w_capitals_in_{at}"), &[(file, text)]);
        project.write("Makefile", "");
        for (verb, code) in [("status", 0), ("migrate", 0), ("check", 1), ("rehearse", 0)] {
            let _ = project.db(&[verb]).code(code).says(file).says("its tool reads file names");
        }
    }
    let file = "crates/db/migrations/1_a.SQL";
    let project = project("w_capitals_below", &[(file, "CREATE TABLE a ();")]);
    project.write("Cargo.toml", "[workspace]\nmembers = ['crates/*']\n");
    project.write("crates/db/Cargo.toml", "[package]\nname = 'db'\n");
    let _ = project.db(&["status"]).ok().says("but in `crates/db/migrations`");
}

/// A copy that an editor leaves behind was not meant to be a migration.
#[test]
fn an_ending_that_is_almost_sql_is_a_warning() {
    let file = "migrations/2_b.up.sq";
    let texts = [("migrations/1_a.up.sql", "CREATE TABLE a ();"), (file, "CREATE TABLE b ();")];
    let project = project("w_almost", &texts);
    project.write("migrations/1_a.up.sql~", "");
    project.write("migrations/3_note.txt", "");
    for (verb, code) in [("status", 0), ("check", 1), ("migrate", 0)] {
        let ran = project.db(&[verb]).code(code);
        let ran = ran.says(file).says("its ending is almost `.sql`");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains("sql~") && !said.contains("3_note"), "{ran}");
    }
}

#[test]
fn an_ending_in_capitals_is_a_warning() {
    for (name, files) in [
        ("w_capitals_sqlx", ["migrations/1_a.sql", "migrations/2_b.SQL", "Cargo.toml"]),
        ("w_capitals_flyway", ["migrations/V1__a.sql", "migrations/V2__b.SQL", "pom.xml"]),
    ] {
        let [first, second, of_project] = files;
        let texts = [(first, "CREATE TABLE a ();"), (second, "CREATE TABLE b ();")];
        let project = project(name, &texts);
        project.write(of_project, "");
        let _ = project.db(&["status"]).ok().says("ignored").says(second).says("lower case only");
        let _ = project.db(&["check"]).code(1).says(second).says("lower case only");
        let _ = migrate(&project).ok().says(second).says("lower case only");
        assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["f"]);
        assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
    }
}
