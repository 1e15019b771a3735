//! What a backup cannot promise is named, and a database may be called anything.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::backup;
use crate::support::{Project, binaries, cluster};

#[test]
fn what_may_not_be_restored_is_named_before_the_backup_is_done() {
    let project = Project::new("cbn_doubts");
    project.run_sql(
        "CREATE TABLE limits (most int); INSERT INTO limits VALUES (10); \
         CREATE FUNCTION fits(a int) RETURNS bool LANGUAGE sql AS 'SELECT a <= most FROM limits'; \
         CREATE TABLE fitting (a int CHECK (fits(a))); INSERT INTO fitting VALUES (1); \
         CREATE FUNCTION plain(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + 1'; \
         CREATE TABLE plain_one (a int, CHECK (plain(a) > 0)); \
         CREATE INDEX ON plain_one (plain(a))",
    );
    let doubt = "constraint fitting_a_check on table public.fitting calls public.fits(integer), \
                 which needs limits in the search path, which is empty then";
    let taken = project.db(&["backup", "--format", "custom"]).ok().says(doubt);
    assert!(!taken.stderr.contains("plain"), "{taken}");
    let shown = project.db(&["backups", "show", "--json"]).ok().json();
    assert_eq!(shown["manifest"]["restorable"], "unproved");
    assert_eq!(shown["manifest"]["doubts"], serde_json::json!([doubt]));
    project.db(&["backups", "show"]).ok().says("Restorable   unproved").says(doubt);
    let verified = project.db(&["backups", "verify", "--latest", "--level", "restore"]).code(11);
    verified.says("limits").says("SET search_path");
    // With its own search path the function is found, and only the order remains unknown.
    project.run_sql("ALTER FUNCTION fits SET search_path = public");
    project.db(&["backup"]).ok().says("whose rows may not be restored by then");
    // Loading in another order is no problem for a database without such objects.
    project.run_sql("DROP TABLE fitting");
    let sound = backup(&project, "custom");
    let shown = project.db(&["backups", "show", &sound, "--json"]).ok().json();
    assert_eq!(shown["manifest"].get("restorable"), None);
}

/// Why the newest backup may not be restorable, and what a restore of it loses.
fn doubts(project: &Project) -> Vec<String> {
    let shown = project.db(&["backups", "show", "--json"]).ok().json();
    let list = |name: &str| shown["manifest"][name].as_array().cloned().unwrap_or_default();
    let doubts = [list("doubts"), list("lost")].concat();
    doubts.iter().map(|doubt| doubt.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_depends_on_our_schema_is_named() {
    let project = Project::new("cbn_ours");
    project.run_sql("CREATE TABLE t (a int); CREATE TABLE u (e text)");
    project.write("seeds/a.sql", "TRUNCATE t; INSERT INTO t VALUES (1);\n");
    project.db(&["seed", "--yes"]).ok();
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["backup"]).ok();
    assert!(doubts(&project).is_empty(), "what is ours is made again");
    project.run_sql(
        "CREATE VIEW env AS SELECT environment FROM cargo_db.marker; \
         CREATE VIEW on_top AS SELECT * FROM env; \
         CREATE MATERIALIZED VIEW seeded AS SELECT path FROM cargo_db.seeds; \
         CREATE UNIQUE INDEX ON seeded (path); \
         CREATE RULE tell AS ON INSERT TO u DO ALSO SELECT environment FROM cargo_db.marker; \
         CREATE POLICY only_there ON t USING ((SELECT environment FROM cargo_db.marker) = 'x'); \
         CREATE TABLE row_of (a int, m cargo_db.marker); CREATE TABLE cargo_db.mine (a serial)",
    );
    project.db(&["backup", "--format", "custom"]).ok().says(
        "not all of this backup comes back: a restore loses the view public.env, which is in the \
         schema cargo_db or depends on it",
    );
    let mut named = Vec::new();
    for doubt in doubts(&project) {
        let object = doubt.strip_prefix("a restore loses the ").unwrap();
        named.push(object.split(", which").next().unwrap().to_owned());
    }
    let expected = [
        "column m of table public.row_of",
        "materialized view public.seeded",
        "policy only_there on table public.t",
        "rule tell on table public.u",
        "table cargo_db.mine",
        "view public.env",
        "view public.on_top",
    ];
    assert_eq!(named, expected);
    // It can be loaded, but the rows are missing in the restored database.
    project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
    project.db(&["backups", "show"]).ok().says("Restorable   except").says("view public.env");
}

#[test]
fn rows_of_a_table_that_belongs_to_an_extension_are_named() {
    let project = Project::new("cbn_extended");
    project.run_sql(
        "CREATE EXTENSION hstore; CREATE TABLE emt (i int); CREATE TABLE none (i int); \
         CREATE TABLE settled (i int); INSERT INTO emt VALUES (1); INSERT INTO settled VALUES (1)",
    );
    project.db(&["backup"]).ok();
    assert!(doubts(&project).is_empty());
    for table in ["emt", "none", "settled"] {
        project.run_sql(&format!("ALTER EXTENSION hstore ADD TABLE {table}"));
    }
    project.run_sql(
        "UPDATE pg_extension SET extconfig = ARRAY['settled'::regclass::oid], \
         extcondition = ARRAY[''] WHERE extname = 'hstore'",
    );
    let doubt = "a restore loses the rows of public.emt, which is part of the extension hstore";
    project.db(&["backup"]).ok().says(&format!("not all of this backup comes back: {doubt}"));
    assert_eq!(doubts(&project), [doubt]);
}

#[test]
fn what_a_part_lacks_is_named() {
    let project = Project::new("cbn_part");
    project.run_sql(
        "CREATE TYPE public.size AS ENUM ('s'); CREATE SCHEMA app; \
         CREATE TABLE app.shirt (s public.size); INSERT INTO app.shirt VALUES ('s'); \
         CREATE TABLE public.other (s public.size)",
    );
    let doubt = "column app.shirt.s needs the type public.size";
    project.db(&["backup", "--schema", "app"]).ok().says(doubt);
    let table = project.db(&["backup", "--table", "other", "-o", "other.sql.gz"]).ok();
    table.says("column public.other.s needs the type public.size");
}

#[test]
fn a_database_may_be_called_what_looks_like_a_connection() {
    for name in ["cbn=x", "cbn dbname=postgres", "cbn'\\q"] {
        cluster().run("postgres", &format!("CREATE DATABASE \"{name}\""));
        let mut project = Project::bare("cbn");
        let encoded = name.replace('=', "%3D").replace(' ', "%20").replace('\\', "%5C");
        project.set("DATABASE_URL", &cluster().url(&encoded));
        let connect = || postgres::Client::connect(&cluster().url(&encoded), postgres::NoTls);
        let run = |sql: &str| connect().unwrap().batch_execute(sql).unwrap();
        run("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
        for format in ["custom", "set"] {
            let taken = backup(&project, format);
            run("DELETE FROM t");
            project.db(&["restore", &taken, "--yes"]).ok();
            let rows = connect().unwrap().query("SELECT a FROM t", &[]).unwrap();
            assert_eq!(rows.len(), 1, "{name}, {format}");
        }
    }
}

#[test]
fn a_name_that_no_database_can_have_is_refused_before_anything_is_loaded() {
    let project = Project::new("cbn_into");
    project.run_sql("CREATE TABLE t (a int)");
    project.db(&["backup"]).ok();
    for name in ["", &"x".repeat(64)] {
        let restore = ["restore", "--latest", "--into", name, "--yes"];
        project.db(&restore).code(2).says("of 1 to 63 bytes");
    }
    project.db(&["restore", "--latest", "--into", &"x".repeat(63), "--yes"]).ok();
}

/// A folder with the client programs, where `pg_dump` logs each call.
fn counting_clients(project: &Project, log: &Path) -> PathBuf {
    let folder = project.path().join("clients");
    std::fs::create_dir(&folder).unwrap();
    for program in std::fs::read_dir(binaries()).unwrap().flatten() {
        std::os::unix::fs::symlink(program.path(), folder.join(program.file_name())).unwrap();
    }
    let counting = folder.join("pg_dump");
    std::fs::remove_file(&counting).unwrap();
    let (log, real) = (log.display(), binaries().join("pg_dump"));
    let script = format!("#!/bin/sh\necho \"$@\" >>'{log}'\nexec '{}' \"$@\"\n", real.display());
    std::fs::write(&counting, script).unwrap();
    std::fs::set_permissions(&counting, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[test]
fn a_set_of_many_tables_is_one_dump() {
    let mut project = Project::new("cbn_many");
    project.run_sql(
        "DO $$ BEGIN FOR i IN 1..60 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, \
         v text); INSERT INTO t%s (v) SELECT md5(n::text) FROM generate_series(1, 10) n', i, i); \
         END LOOP; END $$",
    );
    let log = project.path().join("dumps.log");
    let clients = counting_clients(&project, &log);
    project.set("CARGO_DB_PG_BIN", clients.to_str().unwrap());
    project.db(&["backup", "--format", "set"]).ok();
    let dumps = std::fs::read_to_string(&log).unwrap();
    // `scripts/bench set` compares its duration with that of one dump.
    assert_eq!(dumps.lines().filter(|call| !call.contains("--version")).count(), 1, "{dumps}");
}
