//! What a dump says is data: no statement of it runs that `pg_dump` does not write.

use crate::support::{Project, cluster};

/// A file of SQL as `pg_dump` writes it, with this in its middle.
fn dump(middle: &str) -> String {
    format!(
        "--\n-- PostgreSQL database dump\n--\n\nSET lock_timeout = 0;\n\n\
         CREATE TABLE public.x (v text);\n\n{middle}\n\n\
         --\n-- PostgreSQL database dump complete\n--\n\n"
    )
}

fn tables(database: &str) -> Vec<String> {
    let sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = \
               'public'::regnamespace ORDER BY 1";
    cluster().query(database, sql)
}

#[test]
fn statements_that_pg_dump_does_not_write_are_refused_with_their_line() {
    let project = Project::new("did_lines");
    project.run_sql("CREATE TABLE here (a int)");
    let proof = project.path().join("ran");
    let program = format!("touch {}", proof.display());
    for statement in [
        format!("COPY public.x FROM PROGRAM '{program}';"),
        format!("DO $$ BEGIN EXECUTE 'COPY public.x TO PROGRAM ''{program}'''; END $$;"),
        "ALTER SYSTEM SET work_mem = '8MB';".to_owned(),
        "CREATE ROLE did_backdoor SUPERUSER LOGIN;".to_owned(),
        "SELECT pg_read_file('PG_VERSION');".to_owned(),
        "INSERT INTO public.x VALUES (pg_read_file('PG_VERSION'));".to_owned(),
        "CREATE VIEW public.v AS SELECT public.U&\"\\0066\"() AS x;".to_owned(),
        "CREATE FUNCTION pg_catalog.did() RETURNS int LANGUAGE sql AS 'SELECT 1';".to_owned(),
    ] {
        project.write("bad.sql", &dump(&statement));
        for how in [&[][..], &["--clean"], &["--into", "did_lines_new"]] {
            let ran = project.db(&[&["restore", "bad.sql", "--yes"], how].concat());
            let ran = ran.code(11).says("line 9 of `");
            let ran = ran.says("is not a statement that pg_dump writes");
            assert!(ran.stderr.contains("--allow-any-sql"), "{ran}");
        }
    }
    assert!(!proof.exists());
    assert_eq!(tables("did_lines"), ["here"]);
    let sql = "SELECT rolname FROM pg_roles WHERE rolname = 'did_backdoor'";
    assert_eq!(cluster().query("postgres", sql), Vec::<String>::new());
}

#[test]
fn anything_runs_after_consent_by_name() {
    let project = Project::new("did_any");
    project.write("any.sql", &dump("DO $$ BEGIN CREATE TABLE public.made (a int); END $$;"));
    let any = ["restore", "any.sql", "--allow-any-sql"];
    let plan = project.db(&[&any[..], &["--dry-run"]].concat()).ok();
    plan.says("run every statement in").says("line 9 is `DO $$ BEGIN CREATE TABLE");
    project.db(&[&any[..], &["--yes"]].concat()).code(3).says("--confirm did_any");
    project.db(&[&any[..], &["--confirm", "did_any"]].concat()).ok();
    assert_eq!(tables("did_any"), ["made", "x"]);
    // It asks for no more where the file is a dump like any other.
    project.write("plain.sql", &dump(""));
    project.db(&["restore", "plain.sql", "--allow-any-sql", "--yes"]).ok();
    assert_eq!(tables("did_any"), ["x"]);
}

/// An archive in which a text was replaced by another of the same length.
fn forged(project: &Project, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    project.db(&["backup", "--format", "custom", "-o", "a.dump"]).ok();
    let bytes = std::fs::read(project.path().join("backups/a.dump")).unwrap();
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
    let bytes = [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat();
    std::fs::write(project.path().join("forged.dump"), bytes).unwrap();
}

#[test]
fn an_archive_is_checked_before_pg_restore_reads_it() {
    let project = Project::new("did_archive");
    project.run_sql("CREATE TABLE rows_of (vvv text); INSERT INTO rows_of VALUES ('a')");
    forged(
        &project,
        "COPY public.rows_of (vvv) FROM stdin;",
        "COPY public.rows_of FROM PROGRAM 'w';",
    );
    for how in [&[][..], &["--clean"]] {
        let ran = project.db(&[&["restore", "forged.dump", "--yes"], how].concat()).code(11);
        ran.says("is not a statement that pg_dump writes: COPY public.rows_of FROM PROGRAM");
    }
    assert_eq!(tables("did_archive"), ["rows_of"]);
}

#[test]
fn an_archive_that_can_be_read_in_two_ways_is_loaded_as_text() {
    let project = Project::new("did_two_ways");
    let view = "CREATE VIEW v AS SELECT 'abcdefghijklmnopqrstuvwxyz0123456789'::text AS a";
    project.run_sql(view);
    // To pg_restore the entry is two statements, and in the text a function with a body.
    let body = "CREATE FUNCTION atomic_body() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; END";
    project.run_sql(body);
    project.db(&["backup", "--format", "custom", "-o", "a.dump"]).ok();
    let before = project.content();
    project.run_sql("DROP VIEW v; DROP FUNCTION atomic_body()");
    project.db(&["restore", "a.dump", "--yes"]).ok();
    assert_eq!(project.content(), before);
}

/// A dump that changes its marker when it is written, and whose trail discards records.
fn self_praise() -> String {
    dump(
        "CREATE SCHEMA cargo_db;\n\
         CREATE TABLE cargo_db.marker (environment text NOT NULL, database_oid oid NOT NULL,\n\
           system_identifier bigint NOT NULL, set_at timestamptz DEFAULT now(), set_by text);\n\
         CREATE FUNCTION cargo_db.f() RETURNS trigger LANGUAGE plpgsql AS \
           $$ BEGIN NEW.environment := 'test'; RETURN NEW; END $$;\n\
         CREATE TRIGGER t BEFORE INSERT ON cargo_db.marker FOR EACH ROW \
           EXECUTE FUNCTION cargo_db.f();\n\
         CREATE TABLE cargo_db.audit (id bigint, at timestamptz, record text NOT NULL);\n\
         CREATE RULE mute AS ON INSERT TO cargo_db.audit DO INSTEAD NOTHING;",
    )
}

#[test]
fn a_dump_does_not_set_the_marker_of_the_restored_database() {
    for (name, how) in [("did_marker", &[][..]), ("did_marker_clean", &["--clean"])] {
        let project = Project::new(name);
        project.write("mk.sql", &self_praise());
        project.db(&["env", "set", "staging", "--yes"]).ok();
        project.run_sql(
            "CREATE ROLE name_reader; GRANT SELECT ON cargo_db.audit TO name_reader"
                .replace("name", name)
                .as_str(),
        );
        project.db(&[&["restore", "mk.sql", "--confirm", name], how].concat()).ok();
        project.db(&["env", "show"]).ok().says("staging");
        project.db(&["history", "--database"]).ok().says("env set").says("restore");
        let strange = "SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'cargo_db.marker'\
                       ::regclass UNION SELECT rulename FROM pg_rules WHERE schemaname = \
                        'cargo_db'";
        assert_eq!(project.query(strange), Vec::<String>::new());
        let sql =
            format!("SELECT has_table_privilege('{name}_reader', 'cargo_db.audit', 'SELECT')");
        assert_eq!(project.query(&sql), ["t"]);
    }
}

#[test]
fn a_new_database_is_a_copy_of_the_backups_environment_until_it_is_marked() {
    let mut project = Project::new("did_copy");
    project.set("CARGO_DB_ENV", "test");
    project.write("seeds/1.sql", "CREATE TABLE s (a int); INSERT INTO s VALUES (1)");
    project.db(&["seed"]).ok();
    project.db(&["backup", "-o", "b.sql.gz"]).ok();
    project.db(&["restore", "b.sql.gz", "--into", "did_copied", "--confirm", "did_copied"]).ok();
    let marker = |database: &str| {
        cluster().query(database, "SELECT environment, database_oid = 0 FROM cargo_db.marker")
    };
    assert_eq!(marker("did_copied"), ["test|t"]);
    let seeds = "SELECT path FROM cargo_db.seeds";
    assert_eq!(cluster().query("did_copied", seeds), project.query(seeds), "seeds are known");
    // Nothing is known of a file without a manifest.
    project.write("mk.sql", &self_praise());
    project.db(&["restore", "mk.sql", "--into", "did_unknown", "--confirm", "did_unknown"]).ok();
    let sql = "SELECT nspname FROM pg_namespace WHERE nspname = 'cargo_db'";
    assert_eq!(cluster().query("did_unknown", sql), Vec::<String>::new());
}

#[test]
fn an_event_trigger_of_a_dump_cannot_change_what_the_database_says_of_itself() {
    let project = Project::new("did_event");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.run_sql("CREATE TABLE here (a int)");
    project.write(
        "ev.sql",
        &dump(
            "CREATE FUNCTION public.e() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF to_regclass('cargo_db.marker') IS NOT NULL THEN \
             CREATE RULE mute AS ON DELETE TO cargo_db.marker DO INSTEAD NOTHING; END IF; \
             EXCEPTION WHEN OTHERS THEN END $$;\n\
             CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TABLE') \
             EXECUTE FUNCTION public.e();",
        ),
    );
    for how in [&[][..], &["--clean"]] {
        let arguments = [&["restore", "ev.sql", "--confirm", "did_event"], how].concat();
        project.db(&arguments).code(7).says("the table `cargo_db.marker` was changed");
        assert_eq!(tables("did_event"), ["here"]);
    }
}

#[test]
fn foreign_text_is_escaped_and_moves_no_cursor() {
    let mut project = Project::new("did_shown");
    let password = "s3cret-w0rd";
    let url = cluster().url("did_shown");
    project.set("DATABASE_URL", &url.replacen("postgres@", &format!("postgres:{password}@"), 1));
    // The name of the table contains a sequence that erases the previous line.
    project.run_sql("CREATE TABLE \"a\u{1b}[1A\u{1b}[2K\u{202e}\nis empty\" (a int)");
    project.run_sql("INSERT INTO \"a\u{1b}[1A\u{1b}[2K\u{202e}\nis empty\" VALUES (1)");
    let ran = project.db(&["reset", "--force", "--dry-run"]).ok();
    let ran = ran.says("a\\x1b[1A\\x1b[2K\\u202e\\nis empty");
    assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{ran}");
    let json = project.db(&["reset", "--force", "--dry-run", "--json"]).ok().json();
    assert!(json.to_string().contains("a\\u001b[1A"), "as it is: {json}");
    // A notice of the server's, and a program of the project's.
    project.migration("1_a.sql", "DO $$ BEGIN RAISE NOTICE 'x%[8my', chr(27); END $$;");
    let ran = project.db(&["migrate"]).ok().says("x\\x1b[8my");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    project.write("seed.sh", "printf '\\033[2Jhello\\n'; echo $DATABASE_URL\n");
    project
        .write("db.toml", "[database]\nname = \"did_shown\"\n[seeds]\ncommand = \"sh seed.sh\"\n");
    let ran = project.db(&["seed"]).ok().says("\\x1b[2Jhello").says("postgres:****@");
    assert!(!ran.stderr.contains(password) && !ran.stdout.contains(password), "{ran}");
}
