//! Restores into the database itself, in one transaction: `cargo db restore --table`, `--schema`
//! and `--clean`.

use crate::backup::odd;
use crate::support::{Project, cluster};

/// A database with a set of it and an archive, changed afterwards.
fn backed_up(name: &str) -> (Project, String) {
    let project = odd(name);
    project.run_sql(
        "CREATE ROLE reader_of_NAME; GRANT SELECT ON big TO reader_of_NAME; COMMENT ON COLUMN big.t IS 'text; of big'; \
         CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$; \
         CREATE TRIGGER touch BEFORE UPDATE ON big FOR EACH ROW EXECUTE FUNCTION touched(); \
         DROP VIEW joined; DROP MATERIALIZED VIEW counted;"
            .replace("NAME", name)
            .as_str(),
    );
    let before = project.content();
    project.db(&["backup", "--format", "set"]).ok();
    project.db(&["backup", "--format", "custom", "-o", "c.dump"]).ok();
    project.db(&["backup", "-o", "plain.sql.gz"]).ok();
    (project, before)
}

#[test]
fn a_table_is_restored_with_everything_that_depends_on_it() {
    let (project, before) = backed_up("i_table");
    project.run_sql("UPDATE big SET t = 'wrong'; DROP INDEX big_t; ALTER TABLE big ADD COLUMN more int; REVOKE SELECT ON big FROM reader_of_i_table; SELECT setval('big_id_seq', 17)");
    let set = ["restore", "--file", "latest/X", "--table", "big"];
    let name = project.db(&["backups", "list", "--json"]).ok().json()["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|backup| backup["name"].as_str().unwrap().to_owned())
        .find(|name| name.starts_with("latest/"))
        .unwrap();
    let of_set = set.map(|word| if word == "latest/X" { name.as_str() } else { word });
    project.db(&of_set).code(3).says("replace the table public.big").says("loses big: 5,000 rows");
    project.db(&[&of_set[..], &["--yes"]].concat()).ok().says("the table public.big");
    assert_eq!(project.content(), before);
    // A table with an odd name and an identity sequence, from the newest backup that has parts.
    project.run_sql("TRUNCATE \"Sales Dept\".\"Order (x)\" RESTART IDENTITY");
    project
        .db(&["restore", "--latest", "--schema", "Sales Dept", "--table", "Order (x)", "--yes"])
        .ok();
    assert_eq!(project.content(), before);
    // The same from an archive, for a dropped table.
    project.run_sql("DROP TABLE big CASCADE");
    project.db(&["restore", "c.dump", "--table", "public.big", "--yes"]).ok();
    project.db(&["restore", "c.dump", "--table", "child", "--yes"]).ok();
    assert_eq!(project.content(), before);
    project
        .db(&["restore", "plain.sql.gz", "--table", "big", "--yes"])
        .code(11)
        .says("from a set or an archive");
    project
        .db(&["restore", "c.dump", "--table", "bog", "--yes"])
        .code(11)
        .says("is not in the backup");
    assert_eq!(project.content(), before);
}

#[test]
fn what_would_break_is_listed_and_nothing_is_touched() {
    let (project, _) = backed_up("i_break");
    project.run_sql("CREATE VIEW above AS SELECT id FROM big; CREATE FUNCTION takes(big) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let damage = project.content();
    project
        .db(&["restore", "c.dump", "--table", "big", "--yes"])
        .code(11)
        .says("depends: view public.above depends on it")
        .says("function public.takes");
    project
        .db(&["restore", "c.dump", "--table", "parted_low", "--yes"])
        .code(11)
        .says("partitions: ");
    // A foreign key from outside is put on again, and finds what the old rows lack.
    project.run_sql("DROP VIEW above; DROP FUNCTION takes; INSERT INTO big (id, t) VALUES (9999, 'new'); INSERT INTO child VALUES (9999)");
    let damage_too = project.content();
    project
        .db(&["restore", "c.dump", "--table", "big", "--yes"])
        .code(7)
        .says("put the foreign key child_big_id_fkey");
    assert_eq!(project.content(), damage_too);
    assert_ne!(damage, damage_too);
}

#[test]
fn a_schema_comes_back_with_its_rights_and_extensions() {
    let (project, _) = backed_up("i_schema");
    project.run_sql("CREATE EXTENSION citext; CREATE TABLE names (name citext); INSERT INTO names VALUES ('Ada'); GRANT USAGE ON SCHEMA public TO reader_of_i_schema; COMMENT ON SCHEMA public IS 'the house'");
    let before = project.content();
    project.db(&["backup", "--format", "custom", "-o", "d.dump"]).ok();
    project.run_sql("DROP TABLE child, names; UPDATE big SET t = ''; CREATE TABLE later (id int)");
    project.db(&["restore", "d.dump", "--schema", "public", "--yes"]).ok();
    assert_eq!(project.content(), before);
    project.run_sql("CREATE VIEW \"Sales Dept\".outside AS SELECT id FROM big");
    project
        .db(&["restore", "d.dump", "--schema", "public", "--yes"])
        .code(11)
        .says("outside depends on it");
}

#[test]
fn everything_comes_back_in_place_where_no_database_may_be_created() {
    let mut project = odd("i_clean");
    let before = project.content();
    project.db(&["backup", "-o", "all.sql.gz"]).ok();
    cluster().run("postgres", "CREATE ROLE i_owner LOGIN; ALTER DATABASE i_clean OWNER TO i_owner; ALTER ROLE i_owner SUPERUSER NOCREATEDB");
    project.run_sql("DROP TABLE big CASCADE; CREATE TABLE later (id int); CREATE SCHEMA more; CREATE TABLE more.t (id int)");
    let damage = project.content();
    project.db(&["restore", "--latest", "--clean"]).code(3).says("replace everything");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["restore", "--latest", "--clean"]).code(3);
    assert_eq!(project.content(), damage);
    project.db(&["restore", "--latest", "--clean", "--yes"]).ok();
    assert_eq!(project.content(), before);

    // Whatever fails, nothing has happened.
    let sql = std::process::Command::new("gzip")
        .args(["-dc", "backups/all.sql.gz"])
        .current_dir(project.path())
        .output()
        .unwrap();
    let sql = String::from_utf8(sql.stdout).unwrap();
    project
        .write("bad.sql", &sql.replacen("CREATE INDEX big_t", "CREATE INDEX big_t ON nowhere", 1));
    let ran = project.db(&["restore", "bad.sql", "--clean", "--yes"]).code(7);
    ran.says("bad.sql: syntax error at or near \"ON\"");
    assert_eq!(project.content(), before);
    // A role that may not create databases gets a hint.
    cluster().run("postgres", "ALTER ROLE i_owner NOSUPERUSER");
    project.set("DATABASE_URL", &cluster().url("i_clean").replace("postgres@", "i_owner@"));
    project
        .db(&["restore", "--latest", "--yes"])
        .code(11)
        .says("pass `--clean` to restore in place");
}

#[test]
fn a_schema_public_that_was_made_again_comes_back() {
    let project = Project::new("i_again");
    project.run_sql(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC; \
         COMMENT ON SCHEMA public IS 'again'; CREATE TABLE t AS SELECT 1 AS id",
    );
    let before = project.content();
    for format in ["sql", "custom"] {
        let taken = project.db(&["backup", "--format", format, "--json"]).ok().json();
        let name = taken["backup"]["name"].as_str().unwrap().to_owned();
        project.db(&["backups", "verify", &name, "--level", "restore"]).ok().says("sound");
        for how in [&["--clean"][..], &[]] {
            project.run_sql("UPDATE t SET id = 2");
            project.db(&[&["restore", &name, "--yes"], how].concat()).ok();
            assert_eq!(project.content(), before, "{format} {how:?}");
        }
    }
}

#[test]
fn a_dump_that_creates_its_database_is_loaded_into_ours() {
    let project = odd("i_create");
    let before = project.content();
    let dump = std::process::Command::new(crate::support::binaries().join("pg_dump"))
        .args(["--create", "--clean", "--if-exists", "--dbname", &cluster().url("i_create")])
        .output()
        .unwrap();
    let sql = String::from_utf8(dump.stdout).unwrap();
    assert!(sql.contains("\\connect i_create"));
    project.write("created.sql", &sql);
    project.run_sql("DROP TABLE big CASCADE");
    project.db(&["restore", "created.sql", "--yes"]).ok();
    assert_eq!(project.content(), before);
    project.write("other.sql", &sql.replace("\\connect i_create", "\\connect postgres"));
    project.db(&["restore", "other.sql", "--yes"]).code(11).says("`\\connect`");
}

#[test]
fn a_dump_with_its_own_transactions_is_accepted() {
    let project = odd("i_large");
    project.run_sql("SELECT lo_from_bytea(4711, 'hello')");
    project.db(&["backup", "--format", "custom", "-o", "l.dump"]).ok();
    let whole = project.content();
    project.run_sql("CREATE TABLE later (id int); INSERT INTO later VALUES (100)");
    let before = project.content();
    // The comparison fails, so everything must be unchanged, including what is loaded before a
    // large object.
    let manifest = project.path().join("backups/l.dump.manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replacen("\"rows\": 5000", "\"rows\": 5001", 1)).unwrap();
    project.db(&["restore", "l.dump", "--clean", "--yes"]).code(11).says("failed verification");
    assert_eq!(project.content(), before);
    std::fs::write(&manifest, text).unwrap();
    project.db(&["restore", "l.dump", "--clean", "--yes"]).ok();
    assert_eq!(project.content(), whole);
}

#[test]
fn default_privileges_do_not_widen_access() {
    let project = odd("i_rights");
    project.run_sql("DROP VIEW joined; DROP MATERIALIZED VIEW counted");
    cluster().run("postgres", "CREATE ROLE i_curious");
    project.db(&["backup", "--format", "custom", "-o", "r.dump"]).ok();
    project.run_sql("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO i_curious; ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO i_curious");
    let defaults = "SELECT defaclnamespace::regnamespace, defaclobjtype, defaclacl FROM pg_default_acl ORDER BY 1, 2, 3::text";
    let before = project.query(defaults);
    let open = "SELECT has_table_privilege('i_curious', 'child', 'select'), has_table_privilege('i_curious', 'child', 'insert')";
    project.db(&["restore", "r.dump", "--table", "child", "--yes"]).ok();
    assert_eq!(project.query(open), ["f|f"]);
    assert_eq!(project.query(defaults), before);
    project.db(&["restore", "r.dump", "--schema", "public", "--yes"]).ok();
    assert_eq!(project.query(open), ["f|f"]);
    assert_eq!(project.query(defaults), before);
}

#[test]
fn a_dropped_schema_is_restored_with_its_owner() {
    let project = odd("i_gone");
    cluster().run("postgres", "CREATE ROLE i_keeper; CREATE ROLE i_guest");
    project.run_sql("CREATE SCHEMA shop AUTHORIZATION i_keeper; GRANT USAGE ON SCHEMA shop TO i_guest; COMMENT ON SCHEMA shop IS 'the shop'; CREATE TABLE shop.t (id int); CREATE TABLE public.pt (id int) PARTITION BY RANGE (id); CREATE TABLE public.pt1 PARTITION OF public.pt FOR VALUES FROM (0) TO (9); INSERT INTO pt VALUES (1); CREATE STATISTICS st (dependencies) ON f, d FROM big; COMMENT ON INDEX big_t IS 'of t'");
    let before = project.content();
    project.db(&["backup", "--format", "custom", "-o", "g.dump"]).ok();
    project.run_sql("DROP SCHEMA shop CASCADE");
    project.db(&["restore", "g.dump", "--schema", "shop", "--yes"]).ok();
    assert_eq!(project.content(), before);
    // A partition is put back into its table, and statistics and comments go with theirs.
    project.run_sql("DROP TABLE pt1; DROP VIEW joined; DROP MATERIALIZED VIEW counted");
    project.db(&["restore", "g.dump", "--table", "pt1", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM pt"), ["1"]);
    project.db(&["restore", "g.dump", "--table", "big", "--yes"]).ok();
    assert_eq!(project.query("SELECT obj_description('big_t'::regclass)"), ["of t"]);
    assert_eq!(
        project.query("SELECT stxname FROM pg_statistic_ext WHERE stxrelid = 'big'::regclass"),
        ["st"]
    );
}

#[test]
fn what_others_write_meanwhile_is_waited_for_or_in_the_backup() {
    let project = odd("i_writes");
    project.run_sql("DROP VIEW joined");
    project.db(&["backup", "--format", "custom", "-o", "w.dump"]).ok();
    let before = project.content();
    // Somebody who holds the table is not waited for without end.
    let mut holder = cluster().connect("i_writes");
    holder.batch_execute("BEGIN; INSERT INTO child SELECT id FROM big WHERE id = 1").unwrap();
    project
        .db(&["restore", "w.dump", "--table", "child", "--yes", "--ddl-lock-timeout", "200ms"])
        .code(7)
        .says("lock timeout");
    holder.batch_execute("ROLLBACK; BEGIN; SELECT * FROM child").unwrap();
    project
        .db(&["restore", "w.dump", "--table", "child", "--yes", "--ddl-lock-timeout", "200ms"])
        .code(7)
        .says("lock timeout");
    holder.batch_execute("COMMIT").unwrap();
    assert_eq!(project.content(), before);
    project.db(&["restore", "w.dump", "--table", "child", "--yes"]).ok();
    assert_eq!(project.content(), before);
}

#[test]
fn settings_of_a_database_change_no_hash_and_no_name_is_too_long() {
    let long = "i_a_rather_long_name_for_a_database_of_a_whole_school_in_town";
    let project = odd(long);
    project.run_sql(&format!("ALTER DATABASE {long} SET timezone TO 'Europe/Berlin'; ALTER DATABASE {long} SET bytea_output TO 'escape'; ALTER DATABASE {long} SET session_preload_libraries = 'auto_explain', 'auth_delay'"));
    project.run_sql(
        "CREATE TABLE moments (at timestamptz, raw bytea); INSERT INTO moments VALUES (now(), '\\xdeadbeef')",
    );
    let before = project.content();
    project.db(&["backup", "-o", "t.sql.gz"]).ok();
    project.db(&["backups", "verify", "t.sql.gz", "--level", "restore"]).ok();
    project.run_sql("DROP TABLE moments");
    project.db(&["restore", "t.sql.gz", "--yes"]).ok();
    assert_eq!(project.content(), before);
    project.run_sql(&format!("ALTER DATABASE {long} SET timezone TO 'UTC'"));
    project.db(&["restore", "t.sql.gz", "--clean", "--yes"]).ok();
    project.db(&["restore", "--undo", "--yes"]).ok();
    project.db(&["restore", "--undo", "--yes"]).ok();
    project.db(&["restore", "--drop-previous", "--yes"]).ok().says("1 previous database dropped");
}

#[test]
fn a_table_is_named_as_in_sql_and_a_view_is_not_a_table() {
    let project = Project::new("i_dots");
    project.run_sql(
        "CREATE SCHEMA \"a.b\"; CREATE TABLE \"a.b\".\"c.d\" AS SELECT 1 AS id; \
         CREATE VIEW seen AS SELECT 1 AS id",
    );
    project.db(&["backup", "-o", "c.dump", "--format", "custom"]).ok();
    project.run_sql("UPDATE \"a.b\".\"c.d\" SET id = 2");
    project.db(&["restore", "c.dump", "--table", "\"a.b\".\"c.d\"", "--yes"]).ok();
    assert_eq!(project.query("SELECT id FROM \"a.b\".\"c.d\""), ["1"]);
    project
        .db(&["restore", "c.dump", "--table", "seen", "--yes"])
        .code(11)
        .says("the table public.seen is not in the backup");
}
