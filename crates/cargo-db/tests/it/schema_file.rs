//! The schema: what `schema show` tells of a database, and the file that holds the one to which the
//! migrations lead.

use crate::support::{Project, binaries, cluster};

const SHOP: &str = "\
    CREATE SCHEMA shop; \
    CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
        email text NOT NULL UNIQUE, born date DEFAULT CURRENT_DATE, \
        lower_email text GENERATED ALWAYS AS (lower(email)) STORED, CHECK (email <> '')); \
    CREATE INDEX users_born ON users (born) WHERE born IS NOT NULL; \
    COMMENT ON TABLE users IS 'who may log in'; COMMENT ON COLUMN users.born IS 'a guess'; \
    CREATE TABLE shop.orders (id int PRIMARY KEY, \
        buyer bigint CONSTRAINT orders_buyer REFERENCES users ON DELETE CASCADE); \
    ALTER TABLE shop.orders ADD CONSTRAINT cheap CHECK (id < 9) NOT VALID; \
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
    CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f(); \
    ALTER TABLE users DISABLE TRIGGER t; \
    ALTER TABLE users ENABLE ROW LEVEL SECURITY; \
    CREATE POLICY own ON users FOR SELECT USING (email = CURRENT_USER); \
    CREATE VIEW adults AS SELECT id, email FROM users WHERE born < '2000-01-01'; \
    INSERT INTO users (email) SELECT 'u' || n FROM generate_series(1, 50) n; ANALYZE users";

#[test]
fn the_tables_are_listed_by_schema_with_estimates() {
    let project = Project::new("sf_list");
    project.run_sql(SHOP);
    let shown = project.db(&["schema", "show"]).ok();
    let shown =
        shown.says("public\n  adults  view, 2 columns\n  users   4 columns, about 50 rows, ");
    let shown = shown.says("shop\n  orders  2 columns, ");
    assert!(!shown.stdout.contains("cargo_db"), "{shown}");
    let json = project.db(&["schema", "show", "--json"]).ok().json();
    assert_eq!(json["tables"][1]["name"], "users");
    assert_eq!(json["tables"][1]["estimated_rows"], 50);
    assert_eq!(json["tables"][1]["comment"], "who may log in");
    assert!(json["tables"][1]["bytes"].as_u64().unwrap() > 8192, "{json:#}");
    assert_eq!(json["tables"][0]["bytes"], serde_json::Value::Null);
}

#[test]
fn a_table_is_shown_with_all_that_is_of_it() {
    let project = Project::new("sf_show");
    project.run_sql(SHOP);
    let shown = project.db(&["schema", "show", "users"]).ok();
    for line in [
        "public.users  table, about 50 rows, ",
        "who may log in",
        "  id           bigint  NOT NULL GENERATED ALWAYS AS IDENTITY",
        "  born         date    DEFAULT CURRENT_DATE\n    -- a guess",
        "  lower_email  text    GENERATED ALWAYS AS (lower(email)) STORED",
        "  users_pkey: PRIMARY KEY (id)",
        "  users_email_key: UNIQUE (email)",
        "  users_email_check: CHECK ",
        "  users_born: btree (born) WHERE ",
        "  shop.orders: FOREIGN KEY (buyer) REFERENCES public.users(id) ON DELETE CASCADE",
        "  CREATE TRIGGER t BEFORE INSERT ON public.users FOR EACH ROW EXECUTE FUNCTION public.f()",
        "(disabled)",
        "  own: FOR SELECT USING ",
        "row-level security is enabled",
    ] {
        assert!(shown.stdout.contains(line), "`{line}` is not in\n{shown}");
    }
    let json = project.db(&["schema", "show", "shop.orders", "--json"]).ok().json();
    assert_eq!(json["columns"][1]["type"], "bigint");
    let keys: Vec<&str> = json["constraints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["cheap", "orders_buyer", "orders_pkey"]);
    assert_eq!(json["constraints"][0]["note"], "not validated");
    project.db(&["schema", "show", "adults"]).ok().says("  id     bigint").says("WHERE");
}

#[test]
fn a_table_that_is_not_there_gives_the_most_similar_name() {
    let project = Project::new("sf_similar");
    project.run_sql(SHOP);
    project.run_sql(
        "CREATE SCHEMA a; CREATE TABLE a.twice (); CREATE SCHEMA b; CREATE TABLE b.twice ()",
    );
    project.run_sql("CREATE TABLE \"Od d\" (id int)");
    let missing = |name: &str| project.db(&["schema", "show", name]).code(2);
    missing("user").says("there is a similar name, `users`").says("cargo db schema show users");
    missing("shop.order").says("`shop.orders`");
    missing("Odd").says("cargo db schema show '\"Od d\"'");
    missing("zzz").says("list the tables");
    missing("twice").says("a.twice").says("b.twice");
    project.db(&["schema", "show", "\"Od d\""]).ok();
    project.db(&["schema", "show", "Od d"]).ok();
    // What the search path has first is meant.
    cluster().run("postgres", "ALTER DATABASE sf_similar SET search_path = b");
    project.db(&["schema", "show", "twice"]).ok().says("b.twice");
}

#[test]
fn the_types_of_columns_are_shown_with_their_values() {
    let project = Project::new("sf_types");
    project.run_sql(
        "CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); COMMENT ON TYPE mood IS 'how'; \
         CREATE DOMAIN small AS int DEFAULT 1 NOT NULL CHECK (VALUE < 9); \
         CREATE TYPE pair AS (a int, m mood); CREATE TYPE span AS RANGE (SUBTYPE = small); \
         CREATE TABLE t (id int, ms mood[], p pair, s span, n numeric(4,1))",
    );
    let shown = project.db(&["schema", "show", "t"]).ok();
    for line in [
        "Types\n  public.mood: enum of 'sad', 'it''s ok' -- how\n",
        "  public.pair: (a integer, m public.mood)\n",
        "  public.span: range of public.small\n",
        "  public.small: domain of integer DEFAULT 1 NOT NULL CHECK ((VALUE < 9))",
    ] {
        assert!(shown.stdout.contains(line), "`{line}` is not in\n{shown}");
    }
    let json = project.db(&["schema", "show", "t", "--json"]).ok().json();
    let names: Vec<&str> =
        json["types"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["public.mood", "public.pair", "public.span", "public.small"]);
    assert_eq!(json["types"][0]["labels"][1], "it's ok");
}

/// A project with a schema file and two migrations.
fn with_file(name: &str) -> Project {
    let project = Project::new(name);
    named_file(&project, "");
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, email text);\n");
    project.migration("1_users.down.sql", "DROP TABLE users;\n");
    project.migration("2_index.up.sql", "CREATE INDEX users_email ON users (email);\n");
    project.migration("2_index.down.sql", "DROP INDEX users_email;\n");
    project
}

fn named_file(project: &Project, more: &str) {
    let name = &project.database;
    let text = format!("[database]\nname = \"{name}\"\n\n[schema]\nfile = \"schema.sql\"\n{more}");
    project.write("db.toml", &text);
}

fn schema_file(project: &Project) -> String {
    std::fs::read_to_string(project.path().join("schema.sql")).expect("a schema file")
}

/// The databases beside a project's, which scratch databases are named after.
fn beside(database: &str) -> Vec<String> {
    let like = format!("SELECT datname FROM pg_database WHERE datname LIKE '{database}\\_\\_%'");
    cluster().query("postgres", &like)
}

#[test]
fn the_file_comes_from_the_migrations_alone() {
    let project = with_file("sf_dump");
    project.run_sql("CREATE TABLE by_hand (id int)");
    project.db(&["schema", "check"]).code(1).says("schema.sql does not exist");
    let asked = project.db(&["schema", "dump", "--dry-run"]).ok();
    asked.says("would write schema.sql, which does not exist");
    assert!(!project.path().join("schema.sql").exists());
    project.db(&["schema", "dump"]).ok().says("wrote schema.sql");
    let text = schema_file(&project);
    for part in [
        "CREATE TABLE public.users (\n    id integer NOT NULL,\n    email text\n);",
        "CREATE INDEX users_email ON public.users",
        // As in dbmate's and Rails' files, without the rows.
        "CREATE TABLE public._sqlx_migrations",
        &format!("-- PostgreSQL {}\n", cluster().major()),
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    for noise in ["by_hand", "OWNER TO", "cargo_db", "INSERT", "COPY", "Dumped"] {
        assert!(!text.contains(noise), "{noise} is in\n{text}");
    }
    assert_eq!(beside("sf_dump").len(), 1, "what they built is kept");
    // The migrations of this database are still pending: nothing was done to it.
    assert_eq!(project.query("SELECT count(*) FROM pg_class WHERE relname = 'users'"), ["0"]);
    project.db(&["schema", "check"]).ok().says("schema.sql matches the migrations");
}

#[test]
fn a_database_that_does_not_exist_yet_is_not_needed() {
    let mut project = with_file("sf_absent");
    project.set("DATABASE_URL", &cluster().url("sf_absent_not"));
    project.db(&["schema", "dump"]).ok();
    project.db(&["schema", "check"]).ok();
    let there =
        cluster().query("postgres", "SELECT 1 FROM pg_database WHERE datname = 'sf_absent_not'");
    assert!(there.is_empty());
}

#[test]
fn a_check_shows_the_first_differences() {
    let project = with_file("sf_check");
    project.db(&["schema", "dump"]).ok();
    project.migration("3_more.up.sql", "ALTER TABLE users ADD COLUMN born date;\n");
    project.migration("3_more.down.sql", "ALTER TABLE users DROP COLUMN born;\n");
    let run = project.db(&["schema", "check"]).code(1);
    run.says("+     born date").says("cargo db schema dump");
    let json = project.db(&["schema", "check", "--json"]).code(1).json();
    assert_eq!((&json["state"], &json["difference_count"]), (&"differs".into(), &3.into()));
    assert_eq!(json["differences"][0]["text"], "    email text");
    assert_eq!(json["differences"][0]["only_in"], "file");
    project.db(&["schema", "dump", "--dry-run"]).ok().says("would write schema.sql:");
    project.db(&["schema", "dump"]).ok();
    project.db(&["schema", "check"]).ok();
    let of_another = schema_file(&project)
        .replace(&format!("-- PostgreSQL {}\n", cluster().major()), "-- PostgreSQL 13\n");
    project.write("schema.sql", &of_another);
    project.db(&["schema", "check"]).code(1).says("the file was written with PostgreSQL 13");
}

#[test]
fn a_file_that_is_up_to_date_is_not_touched() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let project = with_file("sf_same");
    project.db(&["schema", "dump"]).ok();
    let path = project.path().join("schema.sql");
    let inode = || std::fs::metadata(&path).unwrap().ino();
    let before = inode();
    project.db(&["schema", "dump"]).ok().says("schema.sql is up to date");
    assert_eq!(inode(), before);
    // git may have changed the line ends.
    project.write("schema.sql", &schema_file(&project).replace('\n', "\r\n"));
    let before = inode();
    project.db(&["schema", "check"]).ok();
    project.db(&["schema", "dump"]).ok();
    assert_eq!(inode(), before);
    // What replaces it has its permissions.
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o664)).unwrap();
    project.migration("3_more.up.sql", "CREATE TABLE more (id int);\n");
    project.db(&["schema", "dump"]).ok().says("wrote");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o664);
}

#[test]
fn a_migrate_in_development_writes_it_anew() {
    let mut project = with_file("sf_migrate");
    let run = project.db(&["migrate", "--to", "1"]).ok().says("Wrote schema.sql");
    assert_eq!(run.stderr.matches("schema.sql").count(), 1, "{run}");
    assert!(schema_file(&project).contains("users_email"), "it is what all migrations lead to");
    let run = project.db(&["migrate"]).ok();
    assert!(!run.stderr.contains("schema.sql"), "{run}");
    std::fs::remove_file(project.path().join("schema.sql")).unwrap();
    project.migration("3_more.up.sql", "CREATE TABLE more (id int);\n");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["migrate"]).ok();
    assert!(!project.path().join("schema.sql").exists());
}

#[test]
fn a_migrate_succeeds_where_the_file_cannot_be_written() {
    let project = with_file("sf_unwritten");
    project.migration("3_role.up.sql", "CREATE ROLE sf_unwritten;\n");
    let run = project.db(&["migrate", "--yes"]).ok();
    run.says("warning: the schema file was not written").says("run `cargo db schema dump`");
}

#[test]
fn a_file_that_somebody_else_wrote_is_kept() {
    let project = with_file("sf_warns");
    project.write("schema.sql", "-- dbmate's\nCREATE TABLE a ();\n");
    let run = project.db(&["migrate"]).ok();
    assert!(!run.stderr.contains("schema file"), "it is the wanted schema: {run}");
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["2"]);
    let kept = project.db(&["schema", "dump"]).code(2);
    kept.says("`schema.sql` was not written by cargo db, and is not replaced");
    assert!(schema_file(&project).starts_with("-- dbmate's"));
}

#[test]
fn the_file_builds_the_same_schema_again() {
    let project = Project::new("sf_again");
    named_file(&project, "");
    project.migration("3_shop.up.sql", SHOP);
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    cluster().run("postgres", "CREATE DATABASE sf_again_copy TEMPLATE template0");
    cluster().run("sf_again_copy", &text);
    let copy = Project::without_database("sf_again_copy");
    let tables =
        |project: &Project| project.db(&["schema", "show", "--json"]).ok().json()["tables"].clone();
    assert_eq!(tables(&copy).as_array().unwrap().len(), 4);
    // Loaded, it is the base of a history without migrations.
    let other = Project::new("sf_again_base");
    named_file(&other, "base = \"base.sql\"\n");
    other.write("base.sql", &text);
    other.migration("4_last.up.sql", "COMMENT ON VIEW adults IS 'old';\n");
    other.db(&["schema", "dump"]).ok();
    let added = "COMMENT ON VIEW public.adults IS 'old';\n\n";
    assert!(schema_file(&other).contains(added));
    assert_eq!(schema_file(&other).replace(added, ""), text);
}

#[test]
fn grants_are_in_it_and_the_name_of_the_own_role_is_not() {
    let _ = cluster().connect("postgres").batch_execute("CREATE ROLE sf_app");
    let project = with_file("sf_grants");
    let sql = "GRANT SELECT ON users TO sf_app; \
               ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO sf_app;\n";
    project.migration("3_grants.up.sql", sql);
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    assert!(text.contains("GRANT SELECT ON TABLE public.users TO sf_app;"), "{text}");
    let defaults = "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO sf_app;";
    assert!(text.contains(defaults) && !text.contains("postgres;"), "{text}");
}

#[test]
fn options_of_foreign_servers_are_masked() {
    let project = with_file("sf_masked");
    named_file(&project, "base = \"far.sql\"\n");
    let sql = "CREATE FOREIGN DATA WRAPPER far; \
        CREATE SERVER away FOREIGN DATA WRAPPER far OPTIONS (host 'db.secret', fetch_size '7'); \
        CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (password 'hush');\n";
    project.write("far.sql", sql);
    project.db(&["schema", "dump"]).ok();
    let text = schema_file(&project);
    assert!(!text.contains("secret") && !text.contains("hush"), "{text}");
    assert!(text.contains("host '***'") && text.contains("fetch_size '7'"), "{text}");
}

#[test]
fn a_history_that_builds_nothing_begins_with_its_base() {
    let project = Project::new("sf_base");
    named_file(&project, "");
    project.migration("1_old.up.sql", "ALTER TABLE accounts ADD COLUMN a int;\n");
    project.migration("2_new.up.sql", "ALTER TABLE accounts ADD COLUMN b int;\n");
    let run = project.db(&["schema", "dump"]).code(7);
    let run =
        run.says("cannot be applied to an empty database").says("\"accounts\" does not exist");
    run.says("migrations/1_old.up.sql:1").says("base = \"base.sql\"");
    assert!(!project.path().join("schema.sql").exists());
    assert_eq!(beside("sf_base"), Vec::<String>::new());
    let base = "\\restrict x\nCREATE TABLE public.accounts (id int);\n\\unrestrict x\n";
    project.write("base.sql", base);
    named_file(&project, "base = \"base.sql\"\n");
    project.db(&["schema", "dump"]).ok();
    let both = "    id integer,\n    a integer,\n    b integer\n";
    assert!(schema_file(&project).contains(both), "{}", schema_file(&project));
    // One that has the changes of the first migration already.
    project.write("base.sql", "CREATE TABLE public.accounts (id int, a int);\n");
    project.db(&["schema", "check"]).code(7).says("\"a\" of relation").says("base-version");
    named_file(&project, "base = \"base.sql\"\nbase-version = \"1\"\n");
    project.db(&["schema", "check"]).ok();
    project.write("base.sql", "CREATE TABLE public.accounts (id int;\n");
    project.db(&["schema", "check"]).code(7).says("base.sql:1");
}

/// Trying it out in a transaction would do it.
#[test]
fn what_no_rollback_undoes_is_not_tried_out() {
    let project = with_file("sf_lasting");
    let touched = project.path().join("touched");
    let touch = format!("COPY (SELECT 1) TO PROGRAM 'touch {}'", touched.display());
    // The server has another user, who writes here only if everybody may.
    let folder = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(project.path(), folder).unwrap();
    for sql in [
        format!("{touch};\n"),
        format!("DO $$ BEGIN {touch}; END $$;\n"),
        format!("DO $$ BEGIN EXECUTE '{}'; END $$;\n", touch.replace('\'', "''")),
    ] {
        project.migration("3_copy.up.sql", &sql);
        let run = project.db(&["schema", "dump"]).code(7);
        run.says("`migrations/3_copy.up.sql` may affect other databases");
        assert!(!touched.exists(), "{sql}");
    }
}

#[test]
fn what_concerns_the_server_is_not_run() {
    let project = with_file("sf_outside");
    project.migration("3_role.up.sql", "CREATE ROLE sf_never;\n");
    let run = project.db(&["schema", "dump"]).code(7);
    run.says("`migrations/3_role.up.sql` may affect other databases").says("line 1");
    project
        .migration("3_role.up.sql", "-- cargo-db: allow outside-database\nCREATE ROLE sf_never;\n");
    project.migration("4_more.up.sql", "CREATE TABLE more (id int);\n");
    let run = project.db(&["schema", "dump"]).ok();
    run.says("not run on the scratch database (outside-database): migrations/3_role.up.sql");
    // The next run builds nothing, and reports the same files.
    let run = project.db(&["schema", "check"]).ok();
    run.says("not run on the scratch database (outside-database): migrations/3_role.up.sql");
    project.migration("5_last.up.sql", "CREATE TABLE last (id int);\n");
    let run = project.db(&["schema", "dump"]).ok();
    run.says("not run on the scratch database (outside-database): migrations/3_role.up.sql");
    assert!(schema_file(&project).contains("public.more"));
    assert!(
        cluster().query("postgres", "SELECT 1 FROM pg_roles WHERE rolname = 'sf_never'").is_empty()
    );
}

#[test]
fn it_is_for_development_and_names_a_file() {
    let mut project = with_file("sf_where");
    project.write("db.toml", "[schema]\nfile = \"../out.sql\"\n");
    project.db(&["schema", "dump"]).code(2).says("schema.file in db.toml");
    project.write("db.toml", "");
    project.db(&["schema", "dump"]).code(2).says("db.toml names no schema file");
    named_file(&project, "");
    project.set("CARGO_DB_ENV", "production");
    for verb in ["dump", "check"] {
        project.db(&["schema", verb]).code(4).says("not available in production");
    }
    project.db(&["schema", "show"]).ok();
}

#[test]
fn a_check_in_ci_compares_it_too() {
    let project = with_file("sf_ci");
    let missing = project.db(&["check", "--schema"]).code(1);
    missing.says("4 files: ").says("schema.sql does not exist");
    project.db(&["schema", "dump"]).ok();
    project.db(&["check", "--schema", "--fail-on", "block"]).ok().says("matches the migrations");
    project.migration("3_more.up.sql", "CREATE TABLE more (id int PRIMARY KEY);\n");
    let arguments = ["check", "--schema", "--fail-on", "block", "--json"];
    let json = project.db(&arguments).code(1).json();
    assert_eq!(json["schema_file"]["state"], "differs");
    let plain = project.db(&["check", "--fail-on", "block", "--json"]).ok().json();
    assert_eq!(plain["schema_file"], serde_json::Value::Null);
    project.db(&["check", "--schema", "--staged"]).code(2);
}

#[test]
fn what_is_of_an_unsupported_kind_is_named_and_nothing_is_written() {
    let project = with_file("sf_uncovered");
    project.migration(
        "3_odd.up.sql",
        "CREATE TYPE shell;\n\
         CREATE CONVERSION conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;\n",
    );
    for verb in ["dump", "check"] {
        let run = project.db(&["schema", verb]).code(11).says("conversion public.conv");
        run.says("type public.shell").says("nothing was written");
    }
    assert!(!project.path().join("schema.sql").exists());
    assert_eq!(beside("sf_uncovered"), Vec::<String>::new(), "nothing of it is kept");
}

#[test]
fn each_set_has_a_file_of_its_own() {
    let project = Project::new("sf_sets");
    let toml = |file: &str| {
        let sets = "[migrations.a]\ntool = \"sqlx\"\ndir = \"a\"\ntable = \"applied_a\"\n\n\
                    [migrations.b]\ntool = \"sqlx\"\ndir = \"b\"\ntable = \"applied_b\"\n";
        let head = "[database]\nname = \"sf_sets\"\n\n";
        project.write("db.toml", &format!("{head}{sets}\n[schema]\nfile = \"{file}\"\n"));
    };
    project.write("a/1_a.sql", "CREATE TABLE of_a (id int);\n");
    project.write("b/1_b.sql", "CREATE TABLE of_b (id int);\n");
    toml("schema.sql");
    for set in ["a", "b"] {
        let refused = project.db(&["schema", "dump", "--set", set]).code(2);
        refused.says("would share the schema file `schema.sql`").says("schema-{set}.sql");
    }
    toml("schema-{set}.sql");
    project.db(&["migrate", "--set", "a"]).ok().says("Wrote schema-a.sql");
    project.db(&["schema", "dump", "--set", "b"]).ok().says("wrote schema-b.sql");
    let file = |name: &str| std::fs::read_to_string(project.path().join(name)).unwrap();
    let (a, b) = (file("schema-a.sql"), file("schema-b.sql"));
    assert!(a.contains("public.of_a") && a.contains("applied_a") && !a.contains("of_b"), "{a}");
    assert!(b.contains("public.of_b") && !b.contains("of_a"), "{b}");
    toml("schema/{set}/");
    project.db(&["schema", "dump", "--set", "b"]).ok();
    assert!(project.path().join("schema/b/1_public.of_b.sql").exists());
}

#[test]
fn a_program_that_migrates_builds_the_scratch_database_too() {
    let project = Project::new("sf_program");
    let toml = "[database]\nname = \"sf_program\"\n\n[migrations]\nrunner = \"tool\"\n\
                apply = [\"./tool\"]\n\n[schema]\nfile = \"schema.sql\"\n";
    project.write("db.toml", toml);
    project.write("migrations/1_a.sql", "CREATE TABLE a (id int);\n");
    let tool = |script: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = project.write("tool", &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    tool("echo 'cannot reach the moon' >&2; exit 3");
    let run = project.db(&["schema", "dump"]).code(7).says("cannot reach the moon");
    run.says("cannot be applied to an empty database");
    assert!(!project.path().join("schema.sql").exists());
    let psql = binaries().join("psql");
    tool(&format!(
        "sum=$(sha384sum migrations/1_a.sql | cut -c1-96)\n\
         exec {} -qX \"$DATABASE_URL\" -f migrations/1_a.sql -c 'CREATE TABLE _sqlx_migrations (\
         version bigint PRIMARY KEY, description text NOT NULL, \
         installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, \
         checksum bytea NOT NULL, execution_time bigint NOT NULL)' -c \"INSERT INTO \
         _sqlx_migrations VALUES (1, 'a', now(), true, '\\\\x$sum', 1)\"",
        psql.display()
    ));
    project.db(&["schema", "dump"]).ok();
    assert!(schema_file(&project).contains("CREATE TABLE public.a "));
    assert_eq!(beside("sf_program"), Vec::<String>::new(), "what a program does may change");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
}

#[test]
fn the_file_of_dbmate_stays_as_dbmate_wrote_it() {
    let project = Project::new("sf_dbmate");
    let toml = |more: &str| {
        let head = "[database]\nname = \"sf_dbmate\"\n\n[migrations]\ntool = \"dbmate\"\n";
        project.write("db.toml", &format!("{head}{more}"));
    };
    let own = "\\restrict dbmate\n\nSET statement_timeout = 0;\n\nCREATE TABLE public.a (\n);\n\n\
               --\n-- Dbmate schema migrations\n--\n\n\
               INSERT INTO public.schema_migrations (version) VALUES\n    ('1');\n";
    project.write("db/schema.sql", own);
    let sql = "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\nDROP TABLE a;\n";
    project.write("db/migrations/1_a.sql", sql);
    let is_kept = || {
        assert_eq!(std::fs::read_to_string(project.path().join("db/schema.sql")).unwrap(), own);
    };
    toml("");
    project.db(&["migrate"]).ok();
    is_kept();
    toml("\n[schema]\nfile = \"db/schema.sql\"\n");
    project.write("db/migrations/2_b.sql", &sql.replace(" a", " b"));
    project.db(&["migrate"]).ok();
    for verb in ["dump", "check"] {
        project.db(&["schema", verb]).code(2).says("`db/schema.sql` was not written by cargo db");
    }
    is_kept();
    // A schema file of cargo db is written beside the tool's.
    toml("\n[schema]\nfile = \"db/own.sql\"\n");
    project.db(&["schema", "dump"]).ok();
    is_kept();
}

#[test]
fn changes_that_no_migration_makes_are_kept() {
    let project = with_file("sf_edited");
    project.db(&["migrate"]).ok().says("Wrote schema.sql");
    let path = project.path().join("schema.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    let edited = format!("{text}ALTER TABLE public.users ADD COLUMN edited int;\n");
    std::fs::write(&path, &edited).unwrap();
    project.migration("3_more.up.sql", "CREATE TABLE more (id int);\n");
    project.migration("3_more.down.sql", "DROP TABLE more;\n");
    let kept = project.db(&["migrate"]).ok().says("schema.sql was kept");
    kept.says("`cargo db generate` writes a migration for them");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), edited);
    // What is only written otherwise is written anew.
    std::fs::write(&path, format!("{edited}CREATE TABLE public.more (id int);\n")).unwrap();
    project.db(&["generate", "edited"]).ok().says("new column users.edited");
    project.db(&["migrate"]).ok().says("Wrote schema.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("ADD COLUMN edited") && text.contains("edited integer"), "{text}");
}

/// What initdb grants on the information schema is not the project's, but changes to it are.
#[test]
fn the_information_schema_is_as_the_server_made_it() {
    let project = Project::new("sf_information");
    project.write(
        "db.toml",
        "[database]\nname = \"sf_information\"\n[schema]\nfile = \"schema.sql\"\n",
    );
    project.migration("20260101000000_a.sql", "CREATE TABLE a (id int)");
    project.db(&["schema", "dump"]).ok();
    let schema = || std::fs::read_to_string(project.path().join("schema.sql")).unwrap();
    assert!(!schema().contains("information_schema"), "{}", schema());
    let revoke = "REVOKE SELECT ON information_schema.tables FROM PUBLIC";
    project.migration("20260102000000_b.sql", revoke);
    project.db(&["schema", "dump"]).ok();
    let text = schema();
    let lines: Vec<&str> =
        text.lines().filter(|line| line.contains("information_schema")).collect();
    assert_eq!(lines, ["REVOKE SELECT ON TABLE information_schema.tables FROM PUBLIC;"]);
}
