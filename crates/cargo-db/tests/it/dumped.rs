//! `dump`: what it writes comes back the same, whatever is in the database, and what it cannot
//! write is named before anything is written.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::{Project, cluster, content, psql};

/// The roles of the fixture, and its tablespace: they are the cluster's.
pub(crate) fn shared_objects() {
    let role = |name: &str| format!("CREATE ROLE {name}");
    let mut wanted: Vec<String> =
        ["kinds_owner", "kinds_reader", "kinds_other"].into_iter().map(role).collect();
    if cluster().major() >= 15 {
        wanted.push("CREATE TABLESPACE kinds_space LOCATION ''".to_owned());
    }
    let mut client = cluster().connect("postgres");
    let _ = client.batch_execute("SET allow_in_place_tablespaces = on");
    for sql in wanted {
        // Another test may have made it.
        let _ = client.batch_execute(&sql);
    }
}

/// A database with one of every kind.
fn every_kind(name: &str) -> Project {
    shared_objects();
    let project = Project::new(name);
    project.run_sql(include_str!("fixtures/kinds.sql"));
    let later = [
        (15, include_str!("fixtures/kinds_15.sql")),
        (17, include_str!("fixtures/kinds_17.sql")),
        (18, include_str!("fixtures/kinds_18.sql")),
    ];
    for (_, sql) in later.iter().filter(|(since, _)| cluster().major() >= *since) {
        project.run_sql(sql);
    }
    if project.query("SELECT 1 FROM pg_collation WHERE collprovider = 'i'").len() > 1 {
        project.run_sql(
            "CREATE COLLATION app.\"Und\" (provider = icu, locale = 'und-u-ks-level2', \
             deterministic = false); CREATE TABLE app.sorted (a text COLLATE app.\"Und\")",
        );
    }
    project
}

fn create(database: &str) {
    cluster().run("postgres", &format!("CREATE DATABASE \"{database}\" TEMPLATE template0"));
}

/// Writes a dump, and reads it.
#[track_caller]
fn dumped(project: &Project, file: &str, more: &[&str]) -> String {
    project.db(&[&["dump", "-o", file], more].concat()).ok();
    std::fs::read_to_string(project.path().join(file)).expect("UTF-8")
}

#[track_caller]
fn is_same(one: &str, other: &str) {
    if let Some((a, b)) = one.lines().zip(other.lines()).find(|(a, b)| a != b) {
        panic!("one:   {a}\nother: {b}");
    }
    assert_eq!(one.lines().count(), other.lines().count());
}

/// The constraints, including what `pg_dump` does not write: the names of a partition's foreign
/// keys, and which inherited constraints are validated.
const CONSTRAINTS: &str = "\
    SELECT conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' || \
           coalesce(obj_description(oid, 'pg_constraint'), '') \
    FROM pg_constraint k WHERE conrelid <> 0 AND NOT EXISTS ( \
        SELECT 1 FROM pg_constraint u WHERE u.oid = k.conparentid AND u.conrelid = k.conrelid) \
    ORDER BY 1";

#[test]
fn every_kind_comes_back_and_gives_the_same_bytes_again() {
    let project = every_kind("dumped_all");
    let text = dumped(&project, "one.sql", &[]);
    is_same(&text, &dumped(&project, "again.sql", &[]));
    create("dumped_all_copy");
    psql("dumped_all_copy", None, &project.path().join("one.sql"));
    is_same(&content("dumped_all"), &content("dumped_all_copy"));
    let constraints = |database: &str| cluster().query(database, CONSTRAINTS).join("\n");
    is_same(&constraints("dumped_all"), &constraints("dumped_all_copy"));
    let copy = Project::without_database("dumped_all_copy");
    is_same(&text, &dumped(&copy, "two.sql", &[]));
    // The same by our own hands.
    let into = ["restore", "one.sql", "--into", "dumped_all_into"];
    project.agreed(&into).ok();
    is_same(&content("dumped_all"), &content("dumped_all_into"));
}

#[test]
fn a_schema_public_that_was_made_again_keeps_its_comment_and_its_usual_owner() {
    let project = Project::new("dumped_public");
    let owner = if cluster().major() < 15 { "postgres" } else { "pg_database_owner" };
    project.run_sql(&format!(
        "DROP SCHEMA public; CREATE SCHEMA public; ALTER SCHEMA public OWNER TO {owner}"
    ));
    let text = dumped(&project, "plain.sql", &[]);
    assert!(!text.contains("SCHEMA public OWNER") && !text.contains("COMMENT ON"), "{text}");
    project.run_sql("COMMENT ON SCHEMA public IS 'made again'");
    dumped(&project, "commented.sql", &[]);
    create("dumped_public_copy");
    psql("dumped_public_copy", None, &project.path().join("commented.sql"));
    let comment = "SELECT obj_description('public'::regnamespace)";
    assert_eq!(cluster().query("dumped_public_copy", comment), ["made again"]);
}

/// From 200 tables on, two sessions read the catalog if the server accepts two.
#[test]
fn two_sessions_read_the_same_as_one() {
    let mut project = Project::new("dumped_many");
    cluster().run("postgres", "CREATE ROLE dumped_one LOGIN CONNECTION LIMIT 1");
    project.run_sql(
        "CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO dumped_one; \
         DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format( \
             'CREATE TABLE app.t%1$s (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
              up int REFERENCES app.t%1$s, at date DEFAULT now(), kind varchar(9) UNIQUE)', i); \
             EXECUTE format('COMMENT ON COLUMN app.t%1$s.up IS ''%1$s''', i); \
         END LOOP; END $$; \
         GRANT SELECT ON ALL TABLES IN SCHEMA app TO dumped_one",
    );
    let of_two = dumped(&project, "two.sql", &["--schema-only"]);
    let url = cluster().url("dumped_many").replace("postgres@", "dumped_one@");
    project.set("DATABASE_URL", &url);
    is_same(&of_two, &dumped(&project, "one.sql", &["--schema-only"]));
    create("dumped_many_copy");
    psql("dumped_many_copy", None, &project.path().join("two.sql"));
    is_same(&content("dumped_many"), &content("dumped_many_copy"));
}

#[test]
fn definitions_and_rows_come_back_apart() {
    let project = Project::new("dumped_apart");
    project.run_sql(
        "CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY); \
         INSERT INTO b VALUES (7); INSERT INTO a VALUES (1, 7); \
         CREATE SEQUENCE s; SELECT nextval('s'); \
         CREATE MATERIALIZED VIEW m AS SELECT * FROM a; SELECT lo_from_bytea(77, 'x')",
    );
    let schema = dumped(&project, "schema.sql", &["--schema-only"]);
    assert!(!schema.contains("COPY ") && !schema.contains("REFRESH"), "{schema}");
    let rows = dumped(&project, "rows.sql", &["--data-only"]);
    assert!(!rows.contains("CREATE ") && rows.contains("lowrite"), "{rows}");
    create("dumped_apart_copy");
    for file in ["schema.sql", "rows.sql"] {
        psql("dumped_apart_copy", None, &project.path().join(file));
    }
    is_same(&content("dumped_apart"), &content("dumped_apart_copy"));
}

#[test]
fn a_file_has_its_name_when_it_is_complete_and_nobody_else_reads_it() {
    let project = Project::new("dumped_file");
    project.run_sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let ran = project.db(&["dump"]).ok();
    let path = project.path().join(ran.stdout.trim());
    let folder = path.parent().unwrap();
    assert_eq!(folder, project.path().join("backups"));
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder), mode(&path)), (0o700, 0o600));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.ends_with("--\n-- PostgreSQL database dump complete\n--\n\n"));
    is_same(&project.db(&["dump", "--stdout"]).ok().stdout, &text);
    // A file that is there stays.
    project.db(&["dump", "-o", ran.stdout.trim()]).code(11).says("already exists");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    // Compressed, it comes back all the same.
    let packed = project.db(&["dump", "-o", "t.sql.gz", "--compress=gzip:9", "--json"]).ok();
    assert_eq!(packed.json()["path"], "t.sql.gz");
    project.agreed(&["restore", "t.sql.gz", "--into", "dumped_file_gz"]).ok();
    assert_eq!(cluster().query("dumped_file_gz", "SELECT a FROM t"), ["1"]);
    // A full disk, or a folder that is not there.
    project.db(&["dump", "-o", "nowhere/t.sql"]).code(11);
    project.db(&["dump", "-o", "/dev/full/x"]).code(11);
}

/// What the model does not cover, by what is to be said of it.
const UNCOVERED: &[(&str, &str)] = &[
    ("CREATE LANGUAGE plodd HANDLER plpgsql_call_handler", "language plodd"),
    (
        "CREATE CONVERSION public.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
        "conversion public.conv",
    ),
    ("CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler", "access method heap2"),
    (
        "CREATE SUBSCRIPTION sub CONNECTION 'dbname=x password=hidden' PUBLICATION p \
         WITH (connect = false)",
        "subscription sub",
    ),
    ("CREATE TYPE public.shell", "type public.shell"),
    (
        "CREATE TYPE public.base; CREATE FUNCTION public.base_in(cstring) RETURNS public.base \
         LANGUAGE internal STRICT IMMUTABLE AS 'int4in'; \
         CREATE FUNCTION public.base_out(public.base) RETURNS cstring \
         LANGUAGE internal STRICT IMMUTABLE AS 'int4out'; \
         CREATE TYPE public.base (INPUT = public.base_in, OUTPUT = public.base_out, LIKE = int4)",
        "type public.base",
    ),
    (
        "CREATE FUNCTION to_sql(internal) RETURNS int LANGUAGE internal AS 'int4in'; \
         CREATE TRANSFORM FOR int LANGUAGE plpgsql (TO SQL WITH FUNCTION to_sql(internal))",
        "transform for integer",
    ),
];

#[test]
fn what_cannot_be_dumped_is_named_all_at_once_before_a_byte_is_written() {
    let project = Project::new("dumped_census");
    let mut made: Vec<&str> = Vec::new();
    for (sql, object) in UNCOVERED {
        match cluster().connect("dumped_census").batch_execute(sql) {
            Ok(()) => made.push(object),
            Err(error) => assert!(object.starts_with("transform"), "{sql}: {error:?}"),
        }
    }
    let mut ran = project.db(&["dump", "-o", "x.sql"]).code(11);
    for object in &made {
        ran = ran.says(object);
    }
    assert!(!ran.to_string().contains("hidden"), "{ran}");
    assert!(!project.path().join("x.sql").exists());
    let failed = project.db(&["dump", "-o", "x.sql", "--json"]).code(11).json();
    let named: Vec<&str> = failed["error"]["why"]
        .as_array()
        .unwrap()
        .iter()
        .map(|why| why.as_str().unwrap())
        .filter(|why| made.iter().any(|object| why.contains(object)))
        .collect();
    assert_eq!(named.len(), made.len(), "{failed:#}");
    // Left out by name, the file says what it lacks, and the rest is there.
    let mut arguments = vec!["dump", "-o", "x.sql"];
    named.iter().for_each(|object| arguments.extend(["--exclude", object]));
    for function in ["function public.base_in(cstring)", "function public.base_out(public.base)"] {
        arguments.extend(["--exclude", function]);
    }
    project.db(&arguments).ok();
    let text = std::fs::read_to_string(project.path().join("x.sql")).unwrap();
    for object in named {
        assert!(text.contains(&format!("-- Incomplete: without {object}\n")), "{text}");
    }
}

/// Catalogs whose rows are not objects of the database, or come with other objects.
const NOT_OBJECTS: &[(&str, &str)] = &[
    ("pg_attribute", "columns come with their relations"),
    ("pg_attrdef", "defaults come with their columns"),
    ("pg_aggregate", "comes with the function"),
    ("pg_amop", "comes with the operator class or family"),
    ("pg_amproc", "comes with the operator class or family"),
    ("pg_enum", "values come with their type"),
    ("pg_range", "comes with the type"),
    ("pg_sequence", "comes with the relation"),
    ("pg_index", "comes with the relation"),
    ("pg_inherits", "comes with the relation"),
    ("pg_partitioned_table", "comes with the relation"),
    ("pg_foreign_table", "comes with the relation"),
    ("pg_publication_rel", "comes with the publication"),
    ("pg_publication_namespace", "comes with the publication"),
    ("pg_subscription_rel", "comes with the subscription"),
    ("pg_ts_config_map", "comes with the configuration"),
    ("pg_largeobject", "the bytes of large objects"),
    ("pg_largeobject_metadata", "large objects have the class of pg_largeobject"),
    ("pg_user_mapping", "read through the view pg_user_mappings"),
    ("pg_depend", "derived"),
    ("pg_description", "comments come with their objects"),
    ("pg_init_privs", "the privileges that extensions gave, which are not repeated"),
    ("pg_default_acl", "read by a query of its own"),
    ("pg_statistic", "made by ANALYZE"),
    ("pg_statistic_ext_data", "made by ANALYZE"),
    ("pg_auth_members", "the cluster's"),
    ("pg_authid", "the cluster's"),
    ("pg_database", "the cluster's: a dump is loaded into a database that is there"),
    ("pg_db_role_setting", "the cluster's"),
    ("pg_parameter_acl", "the cluster's"),
    ("pg_replication_origin", "the cluster's"),
    ("pg_shdepend", "the cluster's"),
    ("pg_shdescription", "the cluster's"),
    ("pg_shseclabel", "the cluster's"),
    ("pg_tablespace", "the cluster's"),
];

#[test]
fn every_catalog_is_in_the_census_or_has_a_reason_not_to_be() {
    let census = include_str!("../../../pg-logical/src/catalog/queries/census.sql");
    let catalogs = "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace \
                    AND relkind = 'r' AND oid < 16384 ORDER BY 1";
    for catalog in cluster().query("postgres", catalogs) {
        let is_counted = census.contains(&format!(" {catalog} "));
        let has_reason = NOT_OBJECTS.iter().any(|(known, _)| *known == catalog);
        assert!(is_counted || has_reason || catalog == "pg_extension", "{catalog}");
    }
}

#[test]
fn a_part_is_what_was_named_and_what_belongs_to_it() {
    let project = Project::new("dumped_part");
    project.run_sql(
        "CREATE SCHEMA app; CREATE TABLE app.users (id serial PRIMARY KEY, n int); \
         CREATE INDEX by_n ON app.users (n); CREATE TABLE other (id int REFERENCES app.users); \
         CREATE VIEW v AS SELECT id FROM other; CREATE TABLE \"Odd t\" ()",
    );
    let part = dumped(&project, "table.sql", &["--table", "app.users"]);
    for text in ["CREATE TABLE app.users", "app.users_id_seq", "by_n", "users_pkey", "setval"] {
        assert!(part.contains(text), "{text}: {part}");
    }
    assert!(!part.contains("other") && !part.contains("SCHEMA app"), "{part}");
    let part = dumped(&project, "schema.sql", &["--schema", "app"]);
    assert!(part.contains("CREATE SCHEMA app") && !part.contains("other"), "{part}");
    let part = dumped(&project, "odd.sql", &["--table", "Odd t", "--schema-only"]);
    assert!(part.contains("CREATE TABLE public.\"Odd t\" (\n)"), "{part}");
    let rest = ["--exclude", "public.other"];
    project.db(&[&["dump", "-o", "x.sql"], &rest[..]].concat()).code(2).says("view public.v");
    let rest = dumped(&project, "rest.sql", &["--exclude", "other", "--exclude", "view public.v"]);
    assert!(rest.contains("-- Incomplete: without table public.other\n"), "{rest}");
    assert!(!rest.contains("CREATE TABLE public.other") && rest.contains("Odd t"), "{rest}");
    project.db(&["dump", "--table", "nothing"]).code(2).says("no object `nothing`");
    let bare = dumped(&project, "bare.sql", &["--no-owner", "--no-privileges"]);
    assert!(!bare.contains("OWNER TO") && !bare.contains("GRANT"), "{bare}");
}

/// A role as managed servers give to their customers.
#[test]
fn a_managed_role_dumps_its_database_as_a_superuser_does() {
    let mut project = Project::new("dumped_managed");
    cluster().run(
        "postgres",
        "CREATE ROLE dumped_master LOGIN NOSUPERUSER NOREPLICATION CREATEDB; \
         ALTER DATABASE dumped_managed OWNER TO dumped_master",
    );
    project.run_sql("CREATE EXTENSION citext; GRANT CREATE ON SCHEMA public TO dumped_master");
    project.run_sql(
        "SET SESSION AUTHORIZATION dumped_master; CREATE SCHEMA app; \
         CREATE TABLE app.users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail citext); \
         INSERT INTO app.users (mail) VALUES ('A@b'); CREATE VIEW app.v AS TABLE app.users; \
         CREATE FUNCTION app.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         GRANT SELECT ON app.v TO PUBLIC; SELECT lo_from_bytea(99, 'x'); \
         CREATE MATERIALIZED VIEW app.m AS SELECT count(*) AS n FROM app.users; \
         ALTER TABLE app.users ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.users",
    );
    let of_superuser = dumped(&project, "super.sql", &[]);
    let url = cluster().url("dumped_managed").replace("postgres@", "dumped_master@");
    project.set("DATABASE_URL", &url);
    is_same(&of_superuser, &dumped(&project, "master.sql", &[]));
    cluster().run("postgres", "CREATE DATABASE dumped_managed2 OWNER dumped_master");
    cluster().run("dumped_managed2", "GRANT CREATE ON SCHEMA public TO dumped_master");
    let bare = dumped(&project, "bare.sql", &["--no-privileges"]);
    assert!(!bare.contains("EXTENSION citext IS"), "{bare}");
    psql("dumped_managed2", Some("dumped_master"), &project.path().join("bare.sql"));
    assert_eq!(cluster().query("dumped_managed2", "SELECT mail FROM app.users"), ["A@b"]);
    // What a policy hides from a role is not left out in silence.
    project.run_sql("ALTER TABLE app.users FORCE ROW LEVEL SECURITY");
    project.db(&["dump", "-o", "hidden.sql"]).code(11).says("row security");
}

#[test]
fn an_agent_gets_no_dump_of_staging_and_production() {
    let mut project = Project::new("dumped_agent");
    project.run_sql("CREATE TABLE t (a int)");
    project.set("CARGO_DB_AGENT", "1");
    project.db(&["dump", "-o", "mine.sql"]).ok();
    for environment in ["staging", "production"] {
        project.set("CARGO_DB_ENV", environment);
        for how in [&["-o", "x.sql"][..], &["--stdout"], &["--schema-only"]] {
            let ran = project.db(&[&["dump"], how].concat()).code(4).says("refused to an AI agent");
            assert!(!ran.stdout.contains("CREATE"), "{ran}");
        }
    }
    assert!(!project.path().join("x.sql").exists() && !project.path().join("backups").exists());
    project.set("CARGO_DB_AGENT", "0");
    project.db(&["dump", "--stdout"]).ok().says("CREATE TABLE public.t");
}

#[test]
fn a_dump_that_fails_leaves_no_file() {
    let project = Project::new("dumped_broken");
    project.run_sql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    // A build of an index that failed leaves one that is of no use.
    let _ = cluster()
        .connect("dumped_broken")
        .batch_execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON t ((a / 0))");
    project.db(&["dump", "-o", "x.sql"]).ok().says("the index public.broken is not valid");
    let text = std::fs::read_to_string(project.path().join("x.sql")).unwrap();
    assert!(!text.contains("broken"), "{text}");
    cluster().run("postgres", "CREATE ROLE dumped_blind LOGIN");
    let mut blind = Project::without_database("dumped_broken");
    let url = cluster().url("dumped_broken").replace("postgres@", "dumped_blind@");
    blind.set("DATABASE_URL", &url);
    blind.db(&["dump", "-o", "x.sql"]).code(7).says("permission denied for table t");
    // One that ends in its middle: the value of a sequence comes after the rows.
    project.run_sql("GRANT SELECT ON t TO dumped_blind; CREATE SEQUENCE hidden");
    blind.db(&["dump", "-o", "x.sql"]).code(7).says("permission denied for sequence hidden");
    // If a table is locked, the message names it and the connection that holds the lock.
    let mut holder = cluster().connect("dumped_broken");
    holder.batch_execute("BEGIN; LOCK TABLE t").unwrap();
    for more in [&[][..], &["--exclude", "public.t"]] {
        let wanted = [&["dump", "-o", "y.sql", "--lock-timeout", "300ms"], more].concat();
        project.db(&wanted).code(5).says("public.t cannot be read: it is locked by pid");
    }
    for folder in [blind.path(), project.path()] {
        let left = std::fs::read_dir(folder).unwrap().flatten();
        let left: Vec<_> = left.map(|one| one.file_name().into_string().unwrap()).collect();
        let is_left = |name: &String| name.ends_with(".partial");
        assert!(!left.iter().any(is_left), "{left:?}");
    }
    assert!(!blind.path().join("x.sql").exists() && !project.path().join("y.sql").exists());
}
