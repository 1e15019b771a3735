//! Databases that are not UTF-8, and sessions that would speak otherwise.

use crate::support::{Cluster, Project, cluster};

/// A project whose database has this encoding.
fn project(name: &str, encoding: &str) -> Project {
    let project = Project::without_database(name);
    cluster().run(
        "postgres",
        &format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' \
             LC_CTYPE 'C'"
        ),
    );
    project
}

#[test]
fn latin_and_japanese_databases_work_in_every_verb() {
    for (name, encoding, word) in [("e_latin", "LATIN1", "über"), ("e_japan", "EUC_JP", "日本")]
    {
        let project = project(name, encoding);
        project.migration(
            "1_a.up.sql",
            &format!(
                "CREATE TYPE mood AS ENUM ('{word}');\n\
                 CREATE TABLE \"{word}\" (id int PRIMARY KEY, \"{word}\" text DEFAULT '{word}');\n\
                 COMMENT ON TABLE \"{word}\" IS '{word}';"
            ),
        );
        project.migration("1_a.down.sql", &format!("DROP TABLE \"{word}\"; DROP TYPE mood;"));
        project.db(&["migrate", "--yes"]).ok();
        project
            .run_sql(&format!("INSERT INTO \"{word}\" VALUES (1, DEFAULT), (2, '{word} {word}')"));
        project.db(&["status"]).ok().says(word);
        for format in ["sql", "custom", "directory", "set"] {
            project.db(&["backup", "--format", format]).ok();
            project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
        }
        let before = project.content();
        project.db(&["restore", "--latest", "--table", &format!("public.{word}"), "--yes"]).ok();
        project.db(&["restore", "--latest", "--clean", "--yes"]).ok();
        project.db(&["restore", "--latest", "--yes"]).ok();
        assert_eq!(project.content(), before);
        let kept = format!(
            "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = '{name}'"
        );
        assert_eq!(project.query(&kept), [encoding]);
        project.migration("2_b.up.sql", &format!("UPDATE \"{word}\" SET \"{word}\" = id::text;"));
        project.migration("2_b.down.sql", &format!("DELETE FROM \"{word}\";"));
        project.db(&["rehearse"]).ok().says(word);
        project.db(&["migrate", "--yes"]).ok();
        project.db(&["rollback", "--steps", "2", "--yes"]).ok();
        project.db(&["reset", "--yes"]).ok();
    }
}

#[test]
fn what_a_role_or_a_database_sets_changes_no_backup() {
    let project = Project::new("e_set");
    project.run_sql("CREATE TABLE v (i text); INSERT INTO v VALUES ('é'), ('日本')");
    project.run_sql("ALTER DATABASE e_set SET client_encoding = 'LATIN1'");
    project.db(&["backup"]).ok();
    project.run_sql("ALTER DATABASE e_set RESET client_encoding");
    project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
}

#[test]
fn bytes_without_an_encoding_are_taken_as_they_are_and_a_bad_name_is_named() {
    let project = project("e_bytes", "SQL_ASCII");
    project.migration("1_a.sql", "CREATE TABLE \"größe\" (id int, v text);");
    project.db(&["migrate", "--yes"]).ok();
    project.run_sql("INSERT INTO \"größe\" VALUES (1, E'\\xfc'), (2, 'ü')");
    project.db(&["status"]).ok().says("größe");
    project.db(&["backup"]).ok();
    project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
    project.db(&["restore", "--latest", "--yes"]).ok();
    let bytes = "SELECT encode(convert_to(v, 'SQL_ASCII'), 'hex') FROM \"größe\" ORDER BY id";
    assert_eq!(project.query(bytes), ["fc", "c3bc"]);
    project
        .run_sql("DO $$ BEGIN EXECUTE 'CREATE TABLE public.f' || E'\\xfc' || 'r (id int)'; END $$");
    project.db(&["status"]).code(7).says("not valid UTF-8: table public.f\\374r");
    project.db(&["backup"]).code(7).says("not valid UTF-8: table public.f\\374r");
}

#[test]
fn a_role_with_an_invalid_name_matters_only_if_it_owns_something() {
    let own = Cluster::start();
    own.run("postgres", "CREATE DATABASE e_roles TEMPLATE template0 ENCODING 'SQL_ASCII'");
    own.run("postgres", "CREATE DATABASE e_others");
    own.run("e_roles", "CREATE TABLE t (a int)");
    let with_role = |sql: &str| {
        own.run("e_roles", &format!("DO $$ BEGIN EXECUTE replace('{sql}', '?', E'\\xfc'); END $$"));
    };
    with_role("CREATE ROLE b?s");
    with_role("ALTER DATABASE e_others OWNER TO b?s");
    let mut project = Project::without_database("e_roles");
    project.set("DATABASE_URL", &own.url("e_roles"));
    project.db(&["backup", "--format", "custom"]).ok();
    let set = project.db(&["backup", "--format", "set"]).code(7);
    set.says("not valid UTF-8: role b\\374s");
    with_role("GRANT SELECT ON t TO b?s");
    project.db(&["backup"]).code(7).says("not valid UTF-8: role b\\374s");
}

/// Runs SQL in which `ü` is a single byte, which is not valid UTF-8.
fn run_bytes(project: &Project, sql: &str) {
    let bytes: Vec<u8> = sql.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let file = project.path().join("bytes.sql");
    std::fs::write(&file, bytes).unwrap();
    let psql = std::process::Command::new(crate::support::binaries().join("psql"))
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &cluster().url(&project.database), "-f"])
        .arg(&file)
        .env("PGCLIENTENCODING", "SQL_ASCII")
        .output()
        .unwrap();
    assert!(psql.status.success(), "{}", String::from_utf8_lossy(&psql.stderr));
}

/// The bytes of definitions, comments and rows.
const DEFINITIONS: &str = "SELECT encode(convert_to(what, 'SQL_ASCII'), 'escape') FROM ( \
     SELECT 1, obj_description('t'::regclass) UNION ALL \
     SELECT 2, pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 't'::regclass UNION ALL \
     SELECT 3, prosrc FROM pg_proc WHERE proname IN ('f', 'g') UNION ALL \
     SELECT 4, enumlabel FROM pg_enum UNION ALL \
     SELECT 5, pg_get_viewdef('v') UNION ALL \
     SELECT 6, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c' UNION ALL \
     SELECT 7, s FROM t) AS all_of (kind, what) ORDER BY kind, what";

#[test]
fn definitions_and_comments_of_any_bytes_come_back() {
    let project = project("e_any", "SQL_ASCII");
    run_bytes(
        &project,
        "CREATE TYPE mood AS ENUM ('fü', 'plain'); \
         CREATE TABLE t (id int PRIMARY KEY, s text DEFAULT 'it''s \\ü', m mood DEFAULT 'fü', \
                         CHECK (s <> E'\\\\ ü')); \
         COMMENT ON TABLE t IS 'für ''alle'' \\'; INSERT INTO t VALUES (1); \
         CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'it''s \\ü' $$; \
         CREATE FUNCTION g() RETURNS text LANGUAGE plpgsql AS $x$ BEGIN RETURN E'\\tü$$'; END $x$; \
         CREATE VIEW v AS SELECT s || 'ü' AS s FROM t",
    );
    let before = project.query(DEFINITIONS);
    assert!(before.iter().filter(|line| line.contains("\\374")).count() >= 8, "{before:?}");
    for format in ["sql", "custom", "directory", "set"] {
        project.db(&["backup", "--format", format]).ok();
        project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
        for how in [&[][..], &["--clean"], &["--schema", "public"], &["--table", "t"]] {
            if format == "sql" && how.len() > 1 {
                continue;
            }
            let whole = how.len() < 2;
            project.run_sql(if whole {
                "DROP TABLE t CASCADE"
            } else {
                "DROP VIEW v; DELETE FROM t"
            });
            project.db(&[&["restore", "--latest", "--yes"], how].concat()).ok();
            if how.first() == Some(&"--table") {
                run_bytes(&project, "CREATE VIEW v AS SELECT s || 'ü' AS s FROM t");
            }
            assert_eq!(project.query(DEFINITIONS), before, "{format} {how:?}");
        }
    }
    // Names cannot be written with escapes, and the comment on the database is not in the dump. The
    // backup is refused before anything is written.
    for (sql, undo, what) in [
        ("ALTER TABLE t ADD \"fü\" int", "ALTER TABLE t DROP \"fü\"", "column public.t.f\\374"),
        (
            "CREATE FUNCTION h(\"fü\" int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "DROP FUNCTION h",
            "argument of function public.h f\\374",
        ),
        ("CREATE POLICY \"fü\" ON t", "DROP POLICY \"fü\" ON t", "policy f\\374"),
        (
            "COMMENT ON DATABASE e_any IS 'fü'",
            "COMMENT ON DATABASE e_any IS NULL",
            "the comment of database f\\374",
        ),
    ] {
        run_bytes(&project, sql);
        let held = || std::fs::read_dir(project.path().join("backups")).unwrap().count();
        let before = held();
        let ran = project.db(&["backup"]).code(7);
        ran.says(&format!("not valid UTF-8: {what}"));
        assert_eq!(held(), before);
        run_bytes(&project, undo);
    }
    project.db(&["backup"]).ok();
}

#[test]
fn a_file_that_the_server_would_parse_differently_is_refused() {
    let project = Project::new("e_refused");
    let refused = |text: &str, says: &str| {
        project.migration("1_a.sql", text);
        project.db(&["migrate", "--yes"]).code(7).says(says);
        assert_eq!(project.query("SELECT count(*) FROM pg_class WHERE relname = 'k'"), ["0"]);
    };
    refused(
        "CREATE TABLE k (a int);\nSET standard_conforming_strings = off; SELECT '\\'' ; COMMIT; \
         --';",
        "1_a.sql:2: the statement sets `standard_conforming_strings` to `off`",
    );
    refused(
        "SET NAMES 'SJIS'; CREATE TABLE k (a int);",
        "the statement sets `client_encoding` to `sjis`",
    );
    refused(
        "CREATE TABLE k (a int); SELECT set_config('client_encoding', 'GBK', true);",
        "the statement sets `client_encoding` to `gbk`",
    );
    // Written such that no check of the text finds it: the server reports it.
    refused(
        "CREATE TABLE k (a int);\n\
         DO $$ BEGIN PERFORM set_config('client_' || 'encoding', 'LATIN1', false); END $$;\n\
         SELECT 1;",
        "1_a.sql:2",
    );
    refused(
        "CREATE TABLE k (a int);\n\
         DO $$ BEGIN EXECUTE 'SET standard_conforming_' || 'strings = off'; END $$; SELECT 1;",
        "would be parsed differently",
    );
    // The same value is harmless.
    project.migration(
        "1_a.sql",
        "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;\n\
         SELECT pg_catalog.set_config('client_encoding', 'UTF8', false); CREATE TABLE k (a text);",
    );
    project.db(&["migrate", "--yes"]).ok();
    project.write("seeds/a.sql", "SET client_encoding = latin1; INSERT INTO k VALUES ('x');");
    project.db(&["seed", "--yes"]).code(7).says("seeds/a.sql:1");
}
