//! Whoever may create in a schema of the search path decides nothing that we ask.

use crate::support::hostile::{VERBS, functions_named, log, plant, project, run};
use crate::support::{Project, cluster};

/// The functions that our SQL names, as the log of a server shows them; and how each verb ends.
fn honest() -> (Vec<String>, Vec<Option<i32>>) {
    let honest = project("pin_honest");
    cluster().run("postgres", "ALTER DATABASE pin_honest SET log_statement = 'all'");
    let place = log().len();
    let ends = run(&honest, VERBS).into_iter().map(|verb| verb.code).collect();
    (functions_named(&log()[place..], "pin_honest"), ends)
}

/// That every verb ends as it does elsewhere, and calls nothing that was planted.
fn calls_nothing(project: &Project, verbs: &[&str], ends: &[Option<i32>]) {
    for (ran, end) in run(project, verbs).into_iter().zip(ends) {
        assert_eq!(ran.calls, Vec::<String>::new(), "{}", ran.verb);
        assert_eq!(ran.code, *end, "{} in {}\n{}", ran.verb, project.database, ran.output);
    }
}

#[test]
fn no_function_or_operator_in_the_way_is_ever_called() {
    let (names, ends) = honest();
    // In `public`, which is on everybody's path.
    let open = project("pin_public");
    plant("pin_public", "public", &names);
    calls_nothing(&open, VERBS, &ends);
    // In front of the catalog: said by the URL, the role and the database.
    let path = "evil, public, pg_catalog";
    for (name, how) in [
        ("pin_url", ""),
        ("pin_role", "ALTER ROLE postgres IN DATABASE pin_role SET search_path = "),
        ("pin_database", "ALTER DATABASE pin_database SET search_path = "),
        ("pin_option", ""),
    ] {
        let mut project = project(name);
        plant(name, "evil", &names);
        let url = cluster().url(name);
        match name {
            "pin_url" => project
                .set("DATABASE_URL", &format!("{url}&search_path={}", path.replace(", ", "%2C"))),
            "pin_option" => project.set(
                "DATABASE_URL",
                &format!("{url}&options=-csearch_path%3D{}", path.replace(", ", "%2C")),
            ),
            _ => cluster().run("postgres", &format!("{how}{path}")),
        }
        let some = if name == "pin_url" { VERBS } else { &VERBS[..7] };
        calls_nothing(&project, some, &ends);
    }
}

#[test]
fn a_marker_is_found_whatever_stands_in_the_way() {
    let mut project = project("pin_marker");
    let plan = project.db(&["env", "set", "production", "--dry-run", "--json"]).json();
    let id = plan["plan"]["id"].as_str().expect("an id").to_owned();
    project.db(&["env", "set", "production", "--confirm", "pin_marker", "--plan", &id]).ok();
    project.run_sql(
        "CREATE SCHEMA evil; CREATE FUNCTION evil.to_regclass(text) RETURNS regclass \
         LANGUAGE sql AS 'SELECT NULL::pg_catalog.regclass'",
    );
    let url = cluster().url("pin_marker");
    project.set("APP_ENV", "development");
    for path in ["search_path=evil,public,pg_catalog", "options=-csearch_path%3Devil,pg_catalog"] {
        project.set("DATABASE_URL", &format!("{url}&{path}"));
        project.db(&["env", "show"]).ok().says("production");
        project.db(&["reset", "--force", "--no-seed"]).code(4);
    }
    project.set("DATABASE_URL", &url);
    project.run_sql(
        "ALTER ROLE postgres IN DATABASE pin_marker SET search_path = evil, public, pg_catalog",
    );
    project.db(&["reset", "--force", "--no-seed"]).code(4);
    assert_eq!(project.query("SELECT count(*) FROM public.pupil"), ["2"]);
}

#[test]
fn an_agent_is_recognised_if_only_the_marker_says_staging() {
    let mut project = project("pin_agent");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    for (name, value) in [("APP_ENV", "development"), ("AI_AGENT", "1"), ("CARGO_DB_AGENT", "0")] {
        project.set(name, value);
    }
    project.db(&["rollback", "--yes"]).code(3).says("an AI agent called this command (AI_AGENT)");
    assert_eq!(project.query("SELECT count(*) FROM public.pupil"), ["2"]);
}

#[test]
fn temporary_tables_hide_no_catalog_and_end_with_their_migration() {
    let project = Project::new("pin_temp");
    let catalogs = cluster().query(
        "postgres",
        "SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace \
         AND relkind IN ('r', 'v') ORDER BY 1",
    );
    let hidden: String =
        catalogs.iter().map(|name| format!("CREATE TEMP TABLE {name} (nothing int);\n")).collect();
    project.migration(
        "1_a.sql",
        &format!("{hidden}CREATE TABLE public.a (id int PRIMARY KEY, v text);"),
    );
    project.migration("2_b.sql", &format!("-- no-transaction\n{hidden}SELECT 1;"));
    project.migration("3_c.sql", "CREATE TABLE public.c (id int);");
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations WHERE success"), ["3"]);
    project.run_sql("INSERT INTO a VALUES (1, 'one'), (2, 'two')");
    // What the rehearsal measures with.
    let hidden: String =
        ["class", "attribute", "locks", "namespace", "constraint", "index", "stat_xact_all_tables"]
            .map(|name| format!("CREATE TEMP TABLE pg_{name} (nothing int);\n"))
            .concat();
    project.migration("4_d.sql", &format!("{hidden}UPDATE public.a SET v = 'three';"));
    project.db(&["rehearse"]).code(1).says("a.v: 2 values were overwritten");
}

#[test]
fn a_new_history_goes_where_the_tool_would_put_it() {
    let mut project = Project::new("pin_history");
    project.run_sql(
        "CREATE SCHEMA app; CREATE SCHEMA closed; CREATE ROLE pin_owner LOGIN; \
                     GRANT CREATE ON DATABASE pin_history TO pin_owner; \
                     GRANT USAGE, CREATE ON SCHEMA app TO pin_owner; \
                     GRANT USAGE ON SCHEMA closed TO pin_owner",
    );
    project.migration("1_a.sql", "CREATE TABLE app.a (id int);");
    let url = cluster().url("pin_history").replace("//postgres@", "//pin_owner@");
    project.set("DATABASE_URL", &format!("{url}&search_path=closed,app,public"));
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(project.query("SELECT version FROM app._sqlx_migrations"), ["1"]);
    project.db(&["migrate", "--yes"]).ok().says("nothing to do");
    project.set("DATABASE_URL", &format!("{url}&search_path=absent"));
    project.migration("2_b.sql", "CREATE TABLE app.b (id int);");
    project.db(&["migrate", "--yes"]).code(7).says("no schema of the search path exists");
    project.set("DATABASE_URL", &format!("{url}&schema=absent"));
    project.db(&["migrate", "--dry-run"]).code(7).says("no schema of the search path exists");
}

#[test]
fn settings_of_roles_and_databases_do_not_reach_our_own_sql() {
    let project = project("pin_settings");
    project.run_sql(
        "ALTER DATABASE pin_settings SET standard_conforming_strings = off; \
         ALTER DATABASE pin_settings SET default_transaction_read_only = on; \
         ALTER DATABASE pin_settings SET statement_timeout = 15000; \
         ALTER DATABASE pin_settings SET row_security = off; \
         ALTER DATABASE pin_settings SET client_encoding = 'LATIN1'",
    );
    project.run_sql("BEGIN READ WRITE; INSERT INTO school VALUES (9, 'ä'); COMMIT");
    project.db(&["backup", "--format", "set"]).ok();
    project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok();
    project.db(&["restore", "--latest", "--table", "public.school", "--yes"]).ok();
    project.db(&["restore", "--latest", "--clean", "--yes"]).ok();
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.query("SELECT name FROM school WHERE id = 9"), ["ä"]);
    // The project's own SQL has them: that is what its author meets everywhere else.
    project.migration("4_read_only.up.sql", "CREATE TABLE public.no (id int);");
    project.db(&["migrate", "--yes"]).code(7).says("read-only transaction");
}

/// A function that logs its call to a table that it names without a schema.
const TELLS: &str = "CREATE TABLE told (what text); \
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS \
    'BEGIN INSERT INTO told VALUES (TG_TABLE_NAME || '' '' || TG_OP); RETURN NULL; END'; \
    CREATE FUNCTION tell_ddl() RETURNS event_trigger LANGUAGE plpgsql AS \
    'BEGIN INSERT INTO told VALUES (TG_TAG); END'; \
    CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION tell_ddl();";

#[test]
fn triggers_that_our_own_sql_fires_find_what_they_name() {
    let project = Project::new("p_triggers");
    project.run_sql(TELLS);
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate", "--yes"]).code(0);
    project.run_sql(
        "CREATE TRIGGER t AFTER INSERT ON _sqlx_migrations FOR EACH ROW EXECUTE FUNCTION tell(); \
         CREATE TRIGGER t BEFORE TRUNCATE ON a EXECUTE FUNCTION tell(); TRUNCATE told",
    );
    project.migration("2_b.sql", "SELECT 1;");
    project.db(&["baseline", "--accept-differences", "--yes"]).code(0);
    project.write("seeds/a.sql", "INSERT INTO a VALUES (1);");
    project.db(&["seed", "--yes"]).code(0);
    project.db(&["seed", "--fresh", "--yes"]).code(0);
    project.db(&["env", "set", "staging", "--yes"]).code(0);
    let told = project.query("SELECT DISTINCT what FROM told ORDER BY what");
    for what in ["CREATE SCHEMA", "CREATE TABLE", "_sqlx_migrations INSERT", "a TRUNCATE"] {
        assert!(told.iter().any(|one| one == what), "{what} is not in {told:?}");
    }
}

#[test]
fn what_waits_for_the_commit_runs_along_the_search_path_of_the_migration() {
    let project = Project::new("p_deferred");
    project.run_sql(TELLS);
    project.run_sql(
        "CREATE TABLE a (id int); INSERT INTO a VALUES (0); CREATE CONSTRAINT TRIGGER t AFTER \
         INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell()",
    );
    project.migration("1_a.sql", "INSERT INTO a VALUES (1);");
    project.migration("2_b.sql", "-- no-transaction\nINSERT INTO a VALUES (2);");
    project.db(&["rehearse"]).code(0).says("2 PASS");
    project.db(&["migrate", "--yes"]).code(0);
}
