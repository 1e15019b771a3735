//! Foreign dumps: of newer clients, in every format, in every compression, and files that are not
//! dumps.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::support::{Project, Ran, binaries, cluster, eventually};

/// What `pg_dump` 18 wrote of a small school.
const SCHOOL: &str = include_str!("fixtures/pg_dump_18.sql");

/// The commands that the error suggests for a file in the folder DIR that is compressed twice.
const ONE_INSIDE_ANOTHER: &str = "gunzip -k 'DIR/my dump.bz2.gz'; bzip2 -dk 'DIR/my dump.bz2'";

/// As a role that may do all can load it anywhere.
const ANYWHERE: &[&str] = &["--no-owner", "--no-privileges"];

fn restore(project: &Project, file: &str, how: &[&str]) -> Ran {
    project.db(&[&["restore", file, "--yes"], how].concat())
}

fn pupils(project: &Project) -> Vec<String> {
    project.query("SELECT name FROM public.best ORDER BY mark")
}

#[track_caller]
fn is_school(project: &Project) {
    assert_eq!(pupils(project), ["Ada", "Bo\tb"]);
    project.run_sql("DROP VIEW best; DROP TABLE mark, pupil");
}

/// The output of a program for this input.
fn piped(program: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program[0])
        .args(&program[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("it ends");
    feeder.join().expect("no panic").expect("it reads");
    assert!(output.status.success());
    output.stdout
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    piped(&["gzip", "-c"], bytes)
}

/// An archive of the database in one of `pg_dump`'s formats.
fn pg_dump(project: &Project, format: &str) -> Vec<u8> {
    let output = Command::new(binaries().join("pg_dump"))
        .args(["--format", format, "--dbname", &cluster().url(&project.database)])
        .output()
        .expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn with_school(name: &str) -> Project {
    let project = Project::new(name);
    project.write("school.sql", SCHOOL);
    restore(&project, "school.sql", ANYWHERE).ok();
    project
}

#[test]
fn a_dump_of_a_newer_client_is_loaded_without_what_the_server_does_not_know() {
    let project = Project::new("foreign_newer");
    project.write("school.sql", &SCHOOL.replace("transaction_timeout", "tomorrow_timeout"));
    for how in [&[][..], &["--clean"]] {
        let ran = restore(&project, "school.sql", &[ANYWHERE, how].concat()).ok();
        if how.is_empty() {
            ran.says("left out: the file sets `tomorrow_timeout`, which PostgreSQL");
        }
        is_school(&project);
    }
    // After the preamble it is not a setting of pg_dump's, and before it an unknown one.
    let late = SCHOOL.replacen("\nCREATE TABLE", "\nSET default_x = 1;\nCREATE TABLE", 1);
    project.write("late.sql", &late);
    restore(&project, "late.sql", ANYWHERE).code(11).says("not a statement that pg_dump writes");
}

#[test]
fn line_ends_of_windows_do_no_harm() {
    let project = Project::new("foreign_crlf");
    project.write("school.sql", &SCHOOL.replace('\n', "\r\n"));
    restore(&project, "school.sql", ANYWHERE).ok();
    is_school(&project);
}

#[test]
fn owners_privileges_and_tablespaces_can_be_left_out_of_a_file_of_sql() {
    let project = Project::new("foreign_left_out");
    let school = SCHOOL.replacen(
        "SET default_tablespace = '';",
        "SET default_tablespace = foreign_fast;",
        1,
    );
    project.write("school.sql", &school);
    let ran = restore(&project, "school.sql", &[]).code(11);
    let ran = ran.says("role: `foreign_teacher` does not exist");
    let ran = ran.says("role: `foreign_reader` does not exist");
    ran.says("tablespace: `foreign_fast` does not exist; create it, or pass `--no-tablespaces`");
    let ran = restore(&project, "school.sql", &["--no-owner", "--no-tablespaces"]).code(11);
    let ran = ran.says("`foreign_reader`");
    assert!(!ran.stderr.contains("`foreign_teacher`"), "{ran}");
    let all = &["--no-owner", "--no-acl", "--no-tablespaces"];
    restore(&project, "school.sql", all).ok();
    let sql = "SELECT rolname, relacl FROM pg_class c JOIN pg_roles r ON r.oid = relowner \
               WHERE relname = 'pupil'";
    assert_eq!(project.query(sql), ["postgres|"]);
    is_school(&project);
    restore(&project, "school.sql", &[&["--clean"], &all[..]].concat()).ok();
    is_school(&project);
}

#[test]
fn owners_and_privileges_can_be_left_out_of_an_archive() {
    let project = with_school("foreign_left_of_archive");
    project.run_sql(
        "CREATE ROLE foreign_gone; ALTER TABLE pupil OWNER TO foreign_gone; \
         GRANT SELECT ON mark TO foreign_gone",
    );
    let owned = pg_dump(&project, "custom");
    project.db(&["backup", "--format", "custom", "-o", "ours.dump"]).ok();
    project.run_sql("DROP OWNED BY foreign_gone CASCADE; DROP ROLE foreign_gone");
    std::fs::write(project.path().join("owned.dump"), owned).unwrap();
    for file in ["owned.dump", "ours.dump"] {
        restore(&project, file, &[]).code(11).says("role: `foreign_gone` does not exist");
        restore(&project, file, &["-O"]).code(11).says("role: `foreign_gone` does not exist");
        for how in [&["-O", "-x"][..], &["-O", "-x", "--clean"], &["-O", "-x", "--jobs", "2"]] {
            restore(&project, file, how).ok();
            assert_eq!(pupils(&project), ["Ada", "Bo\tb"]);
        }
        // A part, too.
        project.run_sql("DROP VIEW best; TRUNCATE mark");
        restore(&project, file, &["-O", "-x", "--table", "mark"]).ok();
        assert_eq!(project.query("SELECT mark FROM mark ORDER BY 1"), ["2", "3"]);
    }
}

#[test]
fn every_format_is_read_in_every_wrapping() {
    let project = with_school("foreign_wrapped");
    let (custom, tar) = (pg_dump(&project, "custom"), pg_dump(&project, "tar"));
    let sql = pg_dump(&project, "plain");
    is_school(&project);
    for (name, bytes) in [
        ("t.tar", tar.clone()),
        ("c.dump.gz", gzip(&custom)),
        ("t.tgz", gzip(&tar)),
        ("c.zst", piped(&["zstd", "-c", "-q"], &custom)),
        ("t.whatever", piped(&["zstd", "-c", "-q"], &tar)),
        ("s", piped(&["zstd", "-c", "-q"], &sql)),
    ] {
        std::fs::write(project.path().join(name), bytes).unwrap();
        for how in [&[][..], &["--clean"]] {
            restore(&project, name, how).ok();
            is_school(&project);
        }
    }
}

#[test]
fn a_wrapped_archive_that_was_cut_off_is_refused_before_anything_is_touched() {
    let project = with_school("foreign_cut");
    // More than fits into a pipe, so that the reader ends before everything is written.
    project
        .run_sql("CREATE TABLE big AS SELECT i, md5(i::text) FROM generate_series(1, 40000) AS i");
    let packed = gzip(&pg_dump(&project, "custom"));
    let cut = &packed[..packed.len() / 2];
    std::fs::write(project.path().join("cut.dump.gz"), cut).unwrap();
    restore(&project, "cut.dump.gz", &[]).code(11);
    let mut garbled = pg_dump(&project, "custom");
    garbled[2000..2100].fill(0xee);
    std::fs::write(project.path().join("garbled.dump.gz"), gzip(&garbled)).unwrap();
    restore(&project, "garbled.dump.gz", &[]).code(11);
    // `pg_restore` waits for ever for the rest of such a tar.
    let tar = pg_dump(&project, "tar");
    for length in [300, 700, tar.len() / 2, tar.len() - 1200] {
        std::fs::write(project.path().join("cut.tar"), &tar[..length]).unwrap();
        restore(&project, "cut.tar", &[]).code(11).says("cut off");
    }
    assert_eq!(project.query("SELECT count(*) FROM big"), ["40000"]);
    is_school(&project);
}

#[test]
fn what_cannot_be_read_is_named_with_the_command_that_helps() {
    let project = Project::new("foreign_named");
    let sql = SCHOOL.as_bytes();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(sql.iter().flat_map(|b| [*b, 0])).collect();
    let packed = |program: &str| piped(&[program, "-c"], sql);
    let cluster = SCHOOL.replacen("database dump", "database cluster dump", 1);
    let tar_of_folder = {
        project.write("folder/toc.dat", "x");
        let folder = project.path().display().to_string();
        piped(&["tar", "-cf", "-", "-C", &folder, "folder"], b"")
    };
    let bzip2_in_gzip = gzip(&packed("bzip2"));
    for (name, bytes, what, command) in [
        ("a.sql.bz2", packed("bzip2"), "compressed with bzip2", "bzip2 -dk"),
        ("a.sql.xz", packed("xz"), "compressed with xz", "xz -dk"),
        ("a.sql.lz4", packed("lz4"), "compressed with lz4", "lz4 -dk"),
        ("a.zip", b"PK\x03\x04rest".to_vec(), "a zip archive", "unzip"),
        ("twice.gz", gzip(&gzip(sql)), "compressed twice", "gunzip -k"),
        ("my dump.bz2.gz", bzip2_in_gzip, "compressed with bzip2", ONE_INSIDE_ANOTHER),
        ("utf16.sql", utf16, "UTF-16", "iconv -f UTF-16 -t UTF-8"),
        ("all.sql", cluster.clone().into_bytes(), "a dump of a whole server", "pg_dump --file"),
        ("all.sql.gz", gzip(cluster.as_bytes()), "a dump of a whole server", "pg_dump --file"),
        ("d.tar.gz", gzip(&tar_of_folder), "not one of pg_dump's", "tar -xf"),
        ("d.tar", tar_of_folder, "not one of pg_dump's", "tar -xf"),
        ("empty.sql", Vec::new(), "it is empty", ""),
        ("my.sql", b"-- MySQL dump 10.13\n".to_vec(), "a dump of MySQL", ""),
    ] {
        std::fs::write(project.path().join(name), bytes).unwrap();
        let command = command.replace("DIR", &project.path().display().to_string());
        let ran = restore(&project, name, &[]).code(11).says(what).says(&command);
        assert!(!ran.stderr.contains("backups verify"), "{ran}");
    }
    project.write("empty/readme", "");
    let ran = restore(&project, "empty", &[]).code(11);
    ran.says("this folder has no `toc.dat`, which pg_dump writes");
}

#[test]
fn an_incomplete_file_needs_accept_incomplete() {
    let project = Project::new("foreign_incomplete");
    let gui = "-- A program with windows wrote this.\n\
               DROP TABLE IF EXISTS \"public\".\"users\";\n\
               CREATE SEQUENCE IF NOT EXISTS users_id_seq;\n\
               CREATE TABLE \"public\".\"users\" (\n    \"id\" int4 NOT NULL DEFAULT \
               nextval('users_id_seq'::regclass),\n    \"name\" varchar,\n    \
               PRIMARY KEY (\"id\")\n);\n\
               INSERT INTO \"public\".\"users\" (\"id\", \"name\") VALUES\n\
             (1, 'Ada'),\n(2, NULL);\n";
    project.write("gui.sql", gui);
    for how in [&[][..], &["--clean"]] {
        let ran = restore(&project, "gui.sql", how).code(11);
        let ran =
            ran.says("does not end with pg_dump's closing comment").says("--accept-incomplete");
        assert!(!ran.stderr.contains("backups verify"), "{ran}");
        let accepted = [&["--accept-incomplete"], how].concat();
        restore(&project, "gui.sql", &accepted).ok();
        assert_eq!(project.query("SELECT name FROM users ORDER BY id"), ["Ada", ""]);
    }
    // A file that is truncated inside a statement cannot be accepted by a flag.
    project.write("cut.sql", &SCHOOL[..SCHOOL.find("\\.").unwrap()]);
    let ran = restore(&project, "cut.sql", &["--accept-incomplete"]).code(11);
    ran.says("does not end with `\\.`");
}

#[test]
fn what_a_framework_puts_behind_the_end_of_a_dump_is_loaded_with_it() {
    let project = Project::new("foreign_rails");
    let behind = "SET search_path TO \"$user\", public;\n\n\
                  INSERT INTO \"schema_migrations\" (version) VALUES\n\
             ('20260102'),\n('20260101');\n";
    let versions = "CREATE TABLE public.schema_migrations (version character varying NOT NULL);\n\
                    \n--\n-- PostgreSQL database dump complete";
    let dump = SCHOOL.replacen("--\n-- PostgreSQL database dump complete", versions, 1);
    project.write("structure.sql", &format!("{dump}{behind}"));
    restore(&project, "structure.sql", ANYWHERE).ok();
    let sql = "SELECT version FROM schema_migrations ORDER BY 1";
    assert_eq!(project.query(sql), ["20260101", "20260102"]);
    is_school(&project);
}

#[test]
fn a_dump_with_create_is_loaded_into_the_target_database() {
    let project = Project::new("foreign_create");
    let create = "CREATE DATABASE \"odd name\" WITH TEMPLATE = template0 ENCODING = 'UTF8';\n\
                  ALTER DATABASE \"odd name\" OWNER TO postgres;\n\n\
                  \\connect -reuse-previous=on \"dbname='odd name'\"\n\n\
                  ALTER DATABASE \"odd name\" SET work_mem TO '8MB';\n\
                  ALTER ROLE foreign_nobody IN DATABASE \"odd name\" SET work_mem TO '8MB';\n\
                  SET statement_timeout = 0;\n\n--\n-- Name: mark; Type: TABLE";
    let dump = SCHOOL.replacen("--\n-- Name: mark; Type: TABLE", create, 1);
    project.write("create.sql", &dump);
    for how in [&[][..], &["--clean"]] {
        restore(&project, "create.sql", &[ANYWHERE, how].concat()).ok();
        is_school(&project);
    }
    assert_eq!(project.query("SELECT 1 FROM pg_database WHERE datname = 'odd name'").len(), 0);
    let other = dump.replacen("\\connect -reuse", "\\encoding LATIN1\n\\connect -reuse", 1);
    project.write("encoding.sql", &other);
    restore(&project, "encoding.sql", ANYWHERE).code(11).says("the psql command `\\encoding`");
}

/// An archive that only a newer client reads, which writes this text of it.
fn of_newer_client(project: &Project, text: &str) -> String {
    let number = |value: u8| vec![0, value, 0, 0, 0];
    let text_of = |text: &str| [number(text.len() as u8), text.as_bytes().to_vec()].concat();
    let begin = b"PGDMP\x01\x10\x00\x04\x08\x01\x00".to_vec();
    let moment = (0..7).flat_map(|_| number(1)).collect();
    let parts = [begin, moment, text_of("school"), text_of("18.6"), text_of("18.6")];
    std::fs::write(project.path().join("newer.dump"), parts.concat()).unwrap();
    project.write("text.sql", text);
    let folder = project.path().join("clients");
    let text = project.path().join("text.sql").display().to_string();
    for program in ["pg_dump", "pg_restore"] {
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo '{program} (PostgreSQL) 99.1' && exit\n\
             case \"$*\" in *--file=-*) cat '{text}' ;; *) echo 'loads by itself' >&2; exit 1 ;; \
             esac\n"
        );
        let path = project.write(&format!("clients/{program}"), &script);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn an_archive_of_a_newer_client_is_read_by_the_smallest_client_that_can() {
    let mut project = Project::new("foreign_archive");
    let text = SCHOOL.replace("foreign_teacher", "postgres").replace("foreign_reader", "postgres");
    let folder = of_newer_client(&project, &text.replace("transaction_timeout", "new_timeout"));
    if cluster().major() < 17 {
        let ran = restore(&project, "newer.dump", &[]).code(11);
        let ran = ran.says("is new enough for `").says("which pg_dump 18.6 wrote");
        ran.says("17 or newer, or set CARGO_DB_PG_BIN to the folder of pg_restore");
        project.set("CARGO_DB_PG_BIN", &folder);
        let ran = restore(&project, "newer.dump", &[]).ok();
        ran.says("left out: the file sets `new_timeout`, which PostgreSQL");
        is_school(&project);
    } else {
        // The installed `pg_restore` is new enough to read the file, and fails: the file is only a
        // header.
        let ran = restore(&project, "newer.dump", &[]).code(11);
        ran.says("pg_restore: error: ");
    }
}

/// The school with a function that a constraint calls.
fn with_call(code: &str) -> String {
    let function = format!(
        "CREATE FUNCTION public.shout(a text) RETURNS text LANGUAGE plpgsql AS \
         $$ BEGIN {code} RETURN upper(a); END $$;\n\n--\n-- Name: mark; Type: TABLE;"
    );
    let check = "ALTER TABLE ONLY public.pupil \
                 ADD CONSTRAINT loud CHECK (public.shout(name) <> '');\n\n\n\
                 --\n-- PostgreSQL database dump complete";
    SCHOOL.replacen("--\n-- Name: mark; Type: TABLE;", &function, 1).replacen(
        "--\n-- PostgreSQL database dump complete",
        check,
        1,
    )
}

#[test]
fn the_functions_that_loading_calls_are_named_and_run_as_superuser_only_after_consent_by_name() {
    let project = Project::new("foreign_calls");
    project.write("calls.sql", &with_call(""));
    for how in [&[][..], &["--clean"]] {
        let how = [ANYWHERE, how].concat();
        let ran = project.db(&[&["restore", "calls.sql", "--dry-run"][..], &how].concat()).ok();
        ran.says("run code of the file as postgres, a superuser: it calls public.shout by table");
        restore(&project, "calls.sql", &how).code(3).says("--confirm foreign_calls");
        restore(&project, "calls.sql", &[&how[..], &["--confirm", "foreign_calls"]].concat()).ok();
        // A backup that this project took is recognised in any folder.
        project.db(&["backup", "-o", "ours.sql.gz"]).ok();
        std::fs::rename(project.path().join("backups/ours.sql.gz"), project.path().join("o"))
            .unwrap();
        std::fs::remove_file(project.path().join("backups/ours.sql.gz.manifest.json")).unwrap();
        restore(&project, "o", &how).ok();
        is_school(&project);
        project.run_sql("DROP FUNCTION shout");
    }
}

#[test]
fn a_backup_that_was_not_taken_here_is_foreign() {
    let project = Project::new("foreign_forged");
    project.write("calls.sql", &with_call(""));
    let by_name = [ANYWHERE, &["--confirm", "foreign_forged"]].concat();
    restore(&project, "calls.sql", &by_name).ok();
    project.db(&["backup", "-o", "theirs.sql"]).ok();
    // Another machine, or a forged manifest.
    std::fs::remove_file(project.path().join(".db/backups.sha256")).unwrap();
    let ran = restore(&project, "theirs.sql", &[]).code(3);
    ran.says("it calls public.shout by table public.pupil");
    restore(&project, "theirs.sql", &["--confirm", "foreign_forged"]).ok();
}

#[test]
fn an_ordinary_role_sees_what_runs_without_further_consent() {
    let mut project = Project::new("foreign_plain_role");
    project.run_sql("CREATE ROLE foreign_plain LOGIN CREATEDB");
    project.run_sql("ALTER DATABASE foreign_plain_role OWNER TO foreign_plain");
    project.write("calls.sql", &with_call(""));
    let url = cluster().url("foreign_plain_role").replacen("postgres@", "foreign_plain@", 1);
    project.set("DATABASE_URL", &url);
    let ran = restore(&project, "calls.sql", ANYWHERE).ok();
    ran.says("run code of the file as foreign_plain: it calls public.shout by table public.pupil");
    is_school(&project);
}

/// The same as a foreign backup.
fn theirs(project: &Project, code: &str) {
    project.write("calls.sql", &with_call(""));
    let by_name = [ANYWHERE, &["--confirm", &project.database]].concat();
    restore(project, "calls.sql", &by_name).ok();
    project.run_sql(
        "CREATE SCHEMA app; CREATE EXTENSION hstore SCHEMA app; \
                     CREATE TABLE app.with_type (a app.hstore); GRANT SELECT ON mark TO PUBLIC; \
                     INSERT INTO app.with_type VALUES ('a=>1'); COMMENT ON EXTENSION hstore IS 'x'",
    );
    project.db(&["backup", "--no-compress", "-o", "theirs.sql"]).ok();
    let path = project.path().join("backups/theirs.sql");
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text.replacen("BEGIN ", &format!("BEGIN {code} "), 1);
    std::fs::write(&path, &text).unwrap();
    // A forged manifest with the right checksums.
    let manifest = project.path().join("backups/theirs.sql.manifest.json");
    let mut known: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    let sum = piped(&["sha256sum"], text.as_bytes());
    known["files"][0]["sha256"] = String::from_utf8_lossy(&sum[..64]).into();
    known["files"][0]["bytes"] = text.len().into();
    std::fs::write(&manifest, known.to_string()).unwrap();
}

const VERIFY: &[&str] = &["backups", "verify", "theirs.sql", "--level", "restore"];

fn roles_like(prefix: &str) -> Vec<String> {
    let sql = format!("SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{prefix}__')");
    cluster().query("postgres", &sql)
}

#[test]
fn a_foreign_backup_is_verified_by_a_role_without_privileges_after_confirmation() {
    let project = Project::new("foreign_verify");
    theirs(&project, "");
    let ran = project.db(VERIFY).code(3).says("theirs.sql: this project did not take it");
    ran.says("a role without rights").says("--yes");
    project.db(&[VERIFY, &["--yes"]].concat()).ok().says("sound");
    let json = project.db(&[VERIFY, &["--yes", "--json"]].concat()).ok().json();
    let loaded_as = serde_json::json!({"is_limited": true, "connected_as": "postgres"});
    assert_eq!(json["verified"][0]["loaded_as"], loaded_as, "{json:#}");
    let shown = project.db(&["backups", "show", "theirs.sql"]).ok();
    shown.says("loaded as a role without rights");
    assert_eq!(roles_like("foreign_verify"), Vec::<String>::new());
    // Its code lacks the privileges for what it tries.
    let proof = project.path().join("ran");
    for (code, is_sound) in [
        (format!("COPY (SELECT 1) TO PROGRAM ''touch {}'';", proof.display()), false),
        ("PERFORM pg_read_file(''PG_VERSION'');".to_owned(), false),
        ("EXECUTE ''CREATE ROLE foreign_backdoor'';".to_owned(), false),
        ("EXECUTE ''RESET SESSION AUTHORIZATION''; RESET ROLE;".to_owned(), true),
    ] {
        std::fs::remove_dir_all(project.path().join("backups")).unwrap();
        project.run_sql(
            "DROP SCHEMA app CASCADE; DROP VIEW best; DROP TABLE mark, pupil; \
                         DROP FUNCTION shout",
        );
        theirs(&project, &code.replace("''", "'"));
        let ran = project.db(&[VERIFY, &["--yes"]].concat());
        assert_eq!(ran.code == Some(0), is_sound, "{code}: {ran}");
        let may_not = ["permission denied", "must be superuser"];
        let said = ran.to_string();
        assert!(is_sound || may_not.iter().any(|why| said.contains(why)), "{code}: {ran}");
    }
    assert!(!proof.exists());
    assert_eq!(roles_like("foreign_verify"), Vec::<String>::new());
    let sql = "SELECT count(*) FROM pg_roles WHERE rolname = 'foreign_backdoor'";
    assert_eq!(cluster().query("postgres", sql), ["0"]);
    let scratch =
        "SELECT count(*) FROM pg_database WHERE starts_with(datname, 'foreign_verify__s')";
    assert_eq!(cluster().query("postgres", scratch), ["0"]);
}

#[test]
fn what_a_killed_verify_leaves_is_removed_by_the_next_run() {
    let project = Project::new("foreign_killed");
    theirs(&project, "PERFORM pg_sleep(60);");
    let mut running = project.command(&[VERIFY, &["--yes"]].concat()).spawn().unwrap();
    let sleeps = "SELECT 1 FROM pg_stat_activity WHERE starts_with(datname, 'foreign_killed__s') \
                  AND wait_event = 'PgSleep'";
    eventually("the function runs", || !cluster().query("postgres", sleeps).is_empty());
    assert_eq!(roles_like("foreign_killed").len(), 1);
    running.kill().unwrap();
    running.wait().unwrap();
    eventually("the next run removes it", || {
        let _ = project.db(&["restore", "calls.sql", "-O", "-x", "--confirm", "foreign_killed"]);
        roles_like("foreign_killed").is_empty()
    });
    let left = "SELECT count(*) FROM pg_database WHERE starts_with(datname, 'foreign_killed__s')";
    assert_eq!(cluster().query("postgres", left), ["0"]);
}

/// The server gives up after five seconds. Nothing tried again, and nothing was said.
#[test]
fn a_session_that_ends_late_does_not_keep_the_scratch_database() {
    let project = Project::new("foreign_late");
    theirs(&project, "PERFORM pg_sleep(2);");
    let mut running = project.command(&[VERIFY, &["--yes"]].concat()).spawn().unwrap();
    let named = "SELECT datname FROM pg_stat_activity \
                 WHERE starts_with(datname, 'foreign_late__s') AND wait_event = 'PgSleep'";
    eventually("the function runs", || !cluster().query("postgres", named).is_empty());
    let mut other = cluster().connect(&cluster().query("postgres", named)[0]);
    let pid: i32 = other.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let drops = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' \
                 AND starts_with(query, 'DROP DATABASE IF EXISTS \"foreign_late__s')";
    eventually("the database is dropped", || !cluster().query("postgres", drops).is_empty());
    std::thread::sleep(std::time::Duration::from_secs(6));
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    assert!(running.wait().unwrap().success());
    assert_eq!(roles_like("foreign_late"), Vec::<String>::new());
    let left = "SELECT count(*) FROM pg_database WHERE starts_with(datname, 'foreign_late__s')";
    assert_eq!(cluster().query("postgres", left), ["0"]);
}

#[test]
fn if_no_role_can_be_created_the_connecting_one_needs_consent_by_name() {
    let mut project = Project::new("foreign_no_role");
    theirs(&project, "");
    project.run_sql(
        "CREATE ROLE foreign_maker LOGIN CREATEDB; GRANT pg_read_all_data TO foreign_maker",
    );
    let url = cluster().url("foreign_no_role").replacen("postgres@", "foreign_maker@", 1);
    project.set("DATABASE_URL", &url);
    let ran = project.db(&[VERIFY, &["--yes"]].concat()).code(3);
    ran.says("loaded as foreign_maker").says("--confirm foreign_no_role");
    let by_name = [VERIFY, &["--confirm", "foreign_no_role"]].concat();
    project.db(&by_name).ok().says("sound");
    // An AI agent cannot give this consent, and there is no plan id that it could pass.
    project.set("AI_AGENT", "1");
    let ran = project.db(&by_name).code(3).says("ask a person to review the file and to run");
    assert!(!ran.to_string().contains("--dry-run"), "{ran}");
    assert!(!ran.to_string().contains("--plan"), "{ran}");
    let ran = project.db(&[VERIFY, &["--yes", "--json"]].concat()).code(3);
    assert_eq!(ran.json()["error"]["code"], "CONSENT.BY_AGENT");
}

#[test]
fn a_file_can_be_loaded_as_another_role_which_no_code_in_it_leaves() {
    let project = Project::new("foreign_as");
    project.run_sql("CREATE ROLE foreign_owner NOLOGIN");
    let leaves = "SET ROLE NONE; EXECUTE 'CREATE TABLE IF NOT EXISTS public.made (a int)'; \
                  RESET ROLE; RESET SESSION AUTHORIZATION;";
    let with_extension = with_call("").replacen(
        "CREATE FUNCTION",
        "CREATE SCHEMA app;\nCREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA app;\n\
         CREATE TABLE app.with_type (a app.hstore);\nCREATE FUNCTION",
        1,
    );
    project.write("calls.sql", &with_extension);
    let how = ["--no-privileges", "--as", "foreign_owner"];
    let ran = restore(&project, "calls.sql", &how).ok();
    ran.says("run code of the file as foreign_owner: it calls public.shout by table public.pupil");
    let sql = "SELECT DISTINCT rolname FROM pg_class c JOIN pg_roles r ON r.oid = relowner \
               WHERE relnamespace = 'public'::regnamespace OR relname = 'with_type'";
    assert_eq!(project.query(sql), ["foreign_owner"]);
    is_school(&project);
    project.write("leaves.sql", &with_call("COPY (SELECT 1) TO PROGRAM 'true';"));
    restore(&project, "leaves.sql", &how).code(7).says("pg_execute_server_program");
    project.write("leaves.sql", &with_call(leaves));
    restore(&project, "leaves.sql", &how).ok();
    assert_eq!(project.query(sql), ["foreign_owner"]);
    assert_eq!(project.query("SELECT count(*) FROM made"), ["0"]);
    project.write("other.sql", &with_call("RESET ROLE; RESET SESSION AUTHORIZATION;"));
    restore(&project, "other.sql", &how).ok();
    assert_eq!(roles_like("foreign_as"), Vec::<String>::new());
    restore(&project, "other.sql", &["-x", "--as", "foreign_nobody"])
        .code(11)
        .says("role: `foreign_nobody` does not exist");
    assert_eq!(roles_like("foreign_as"), Vec::<String>::new());
}

#[test]
fn a_role_that_may_not_be_granted_is_named_before_anything_is_made() {
    let mut project = Project::new("foreign_admin");
    project.run_sql(
        "CREATE ROLE foreign_admin LOGIN CREATEDB CREATEROLE; CREATE ROLE foreign_super SUPERUSER; \
         CREATE ROLE foreign_elsewhere",
    );
    project.run_sql("ALTER DATABASE foreign_admin OWNER TO foreign_admin");
    project.write("school.sql", SCHOOL);
    let url = cluster().url("foreign_admin").replacen("postgres@", "foreign_admin@", 1);
    project.set("DATABASE_URL", &url);
    let restore = |role: &str| restore(&project, "school.sql", &["-x", "--as", role]);
    let ran = restore("foreign_super").code(11);
    ran.says("may not make a role a member of `foreign_super`").says("WITH ADMIN OPTION");
    // Before PostgreSQL 16, a role with CREATEROLE may grant any role that is not a superuser.
    let may = cluster().major() < 16;
    let ran = restore("foreign_elsewhere").code(11);
    ran.says(match may {
        true => "`GRANT \"foreign_elsewhere\" TO \"foreign_admin\"`",
        false => "may not make a role a member of `foreign_elsewhere`",
    });
    project.run_sql("GRANT foreign_elsewhere TO foreign_admin WITH ADMIN OPTION");
    restore("foreign_elsewhere").ok();
    is_school(&project);
    assert_eq!(roles_like("foreign_admin"), Vec::<String>::new());
}

#[test]
fn a_part_that_makes_the_schema_public_is_loaded() {
    let project = Project::new("foreign_public");
    let dump = SCHOOL.replacen("CREATE TABLE", "CREATE SCHEMA public;\n\nCREATE TABLE", 1);
    project.write("public.sql", &dump);
    for how in [&[][..], &["--clean"]] {
        restore(&project, "public.sql", &[ANYWHERE, how].concat()).ok();
        is_school(&project);
    }
}

#[test]
fn a_set_of_others_gives_no_role_rights_on_the_server() {
    let project = Project::new("foreign_roles");
    project.run_sql(
        "CREATE ROLE foreign_ada LOGIN; CREATE ROLE foreign_team; \
         GRANT foreign_team TO foreign_ada",
    );
    project.run_sql("CREATE TABLE t (a int); ALTER TABLE t OWNER TO foreign_ada");
    project.db(&["backup", "--format", "set"]).ok();
    project.run_sql("DROP TABLE t");
    cluster().run("postgres", "DROP ROLE foreign_ada");
    let set = std::fs::read_dir(project.path().join("backups/latest")).unwrap();
    let set = set.flatten().next().unwrap().path();
    let (roles, manifest) = (set.join("roles.sql"), set.join("manifest.json"));
    let written = std::fs::read_to_string(&roles).unwrap();
    let forge = |text: &str| {
        let text = written.replacen("ALTER ROLE foreign_ada WITH NOSUPERUSER", text, 1);
        std::fs::write(&roles, &text).unwrap();
        let mut known: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        let files = known["files"].as_array_mut().unwrap();
        let file = files.iter_mut().find(|file| file["path"] == "roles.sql").unwrap();
        let sum = piped(&["sha256sum"], text.as_bytes());
        file["sha256"] = String::from_utf8_lossy(&sum[..64]).into();
        file["bytes"] = text.len().into();
        std::fs::write(&manifest, known.to_string()).unwrap();
    };
    let how = ["restore", "--latest", "--roles", "--confirm", "foreign_roles"];
    forge("ALTER ROLE foreign_ada WITH SUPERUSER");
    project.db(&how).code(11).says("of the roles file of").says("WITH SUPERUSER");
    forge("ALTER ROLE foreign_ada WITH NOSUPERUSER");
    // Again the set that this project took, so it may grant membership in an existing role.
    project.db(&how).ok();
    let team = "SELECT pg_has_role('foreign_ada', 'foreign_team', 'member')";
    assert_eq!(project.query(team), ["t"]);
    project.run_sql("DROP TABLE t; DROP OWNED BY foreign_ada");
    cluster().run("postgres", "DROP OWNED BY foreign_ada");
    std::fs::remove_file(project.path().join(".db/backups.sha256")).unwrap();
    project.db(&["restore", "--drop-previous", "--yes"]).ok();
    cluster().run("postgres", "DROP ROLE foreign_ada");
    project
        .db(&how)
        .code(11)
        .says("of the roles file of")
        .says("GRANT foreign_team TO foreign_ada");
}

#[test]
fn a_table_that_cannot_be_analysed_does_not_fail_the_restore() {
    let project = Project::new("foreign_far");
    project.run_sql(
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere; \
         CREATE TABLE parted (a int) PARTITION BY LIST (a); \
         CREATE TABLE near PARTITION OF parted FOR VALUES IN (1); INSERT INTO near VALUES (1); \
         CREATE FOREIGN TABLE away PARTITION OF parted FOR VALUES IN (2) SERVER far",
    );
    std::fs::write(project.path().join("far.sql"), pg_dump(&project, "plain")).unwrap();
    project.run_sql("DROP TABLE parted");
    let ran = restore(&project, "far.sql", &[]).ok();
    ran.says("some tables are not analysed");
    assert_eq!(project.query("SELECT a FROM near"), ["1"]);
}
