//! `cargo db restore`.

use std::process::Stdio;

use crate::backup::odd;
use crate::support::{Project, Ran, cluster, content, eventually};

fn databases(name: &str) -> Vec<String> {
    cluster().query(
        "postgres",
        &format!("SELECT datname FROM pg_database WHERE starts_with(datname, '{name}') ORDER BY 1"),
    )
}

/// A test's private database, changed so that a restore has a visible effect.
fn damaged(name: &str, arguments: &[&str]) -> (Project, String) {
    let project = odd(name);
    let before = project.content();
    project.db(&[&["backup", "-o", "the.backup"], arguments].concat()).ok();
    project.run_sql("DROP TABLE big CASCADE; CREATE TABLE later (id int)");
    (project, before)
}

#[test]
fn every_format_is_restored_identically_and_can_be_undone() {
    let zstd = cfg!(feature = "zstd").then_some(("r_zst", &["--compress=zstd:1"][..]));
    let formats = [
        ("r_sql", &[][..]),
        ("r_custom", &["--format", "custom"]),
        ("r_dir", &["--format", "directory"]),
    ];
    for (name, arguments) in formats.into_iter().chain(zstd) {
        let (project, before) = damaged(name, arguments);
        let damage = project.content();
        project.db(&["restore", "the.backup"]).code(3).says("cargo db restore the.backup --yes");
        project.db(&["restore", "the.backup", "--yes"]).ok().says("is kept as");
        assert_eq!(project.content(), before, "{name}");
        project.db(&["status", "--check"]).ok();
        project.db(&["restore", "--undo", "--yes"]).ok();
        assert_eq!(project.content(), damage, "{name}");
        project.db(&["restore", "--undo", "--yes"]).ok();
        assert_eq!(project.content(), before, "{name}");
        project.db(&["restore", "--drop-previous"]).code(3);
        project.db(&["restore", "--drop-previous", "--yes"]).ok();
        assert_eq!(databases(name), [name]);
    }
}

#[test]
fn status_counts_the_databases_that_are_kept() {
    let (project, _) = damaged("r_kept", &[]);
    let kept = || project.db(&["status", "--json"]).ok().json()["database"]["kept"].clone();
    assert_eq!(kept(), serde_json::json!([]));
    assert!(!project.db(&["status"]).ok().stdout.contains("Kept"));
    project.db(&["restore", "the.backup", "--yes"]).ok();
    let line = "1 previous database; `cargo db restore --drop-previous` drops them";
    project.db(&["status"]).ok().says("Kept").says(line);
    project.db(&["restore", "the.backup", "--yes"]).ok();
    project.db(&["status"]).ok().says("2 previous databases; `cargo db restore --drop-previous`");
    let others: Vec<String> =
        databases("r_kept").into_iter().filter(|name| name != "r_kept").collect();
    let newest_first: Vec<&String> = others.iter().rev().collect();
    assert_eq!(kept(), serde_json::json!(newest_first));
    project.db(&["restore", "--drop-previous", "--yes"]).ok();
    assert_eq!(kept(), serde_json::json!([]));
}

#[test]
fn what_belongs_to_the_database_is_carried_over() {
    let (project, _) = damaged("r_dress", &[]);
    cluster().run(
        "postgres",
        "CREATE ROLE dresser; ALTER DATABASE r_dress OWNER TO dresser; COMMENT ON DATABASE r_dress IS 'it''s mine'; \
         ALTER DATABASE r_dress SET statement_timeout = '7s'; ALTER DATABASE r_dress CONNECTION LIMIT 33; \
         ALTER ROLE dresser IN DATABASE r_dress SET work_mem = '8MB'; REVOKE CONNECT ON DATABASE r_dress FROM PUBLIC; \
         GRANT CONNECT ON DATABASE r_dress TO dresser",
    );
    let about = || {
        cluster().query(
            "postgres",
            "SELECT pg_get_userbyid(datdba), datconnlimit, shobj_description(oid, 'pg_database'), (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a), \
                    (SELECT string_agg(setconfig::text, ' ' ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = oid) \
             FROM pg_database WHERE datname = 'r_dress'",
        )
    };
    let before = about();
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(about(), before);
}

#[test]
fn sessions_are_ended_and_nothing_is_left() {
    let (project, before) = damaged("r_sessions", &[]);
    let mut client = cluster().connect("r_sessions");
    client.batch_execute("BEGIN; SELECT 1").unwrap();
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert!(client.batch_execute("SELECT 1").is_err());
    assert_eq!(project.content(), before);
    let sessions = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'cargo-db/%' AND datname LIKE 'r\\_sessions%'";
    eventually("no session is left", || cluster().query("postgres", sessions).is_empty());
}

#[test]
fn a_backup_that_fails_verification_changes_nothing() {
    let (project, _) = damaged("r_unsound", &["--no-compress"]);
    let damage = project.content();
    let path = project.path().join("backups/the.backup");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    project.db(&["restore", "the.backup", "--yes"]).code(11).says("size: ");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    std::fs::write(&path, &flipped).unwrap();
    project.db(&["restore", "the.backup", "--yes"]).code(11).says("checksum: ");
    std::fs::remove_file(&path).unwrap();
    project.db(&["restore", "the.backup", "--yes"]).code(11).says("missing: ");
    project
        .db(&["restore", "never.sql.gz", "--yes"])
        .code(11)
        .says("there is no backup `never.sql.gz`");
    assert_eq!(project.content(), damage);
    assert_eq!(databases("r_unsound"), ["r_unsound"]);
}

#[test]
fn a_disk_that_is_too_small_is_known_before() {
    let (project, _) = damaged("r_space", &[]);
    let damage = project.content();
    let path = project.path().join("backups/the.backup.manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    manifest["database"]["bytes"] = serde_json::json!(1_u64 << 60);
    std::fs::write(&path, manifest.to_string()).unwrap();
    project.db(&["restore", "the.backup", "--yes"]).code(11).says("space: ");
    assert_eq!(project.content(), damage);
    assert_eq!(databases("r_space"), ["r_space"]);
}

#[test]
fn files_of_pg_dump_are_restored_and_dangerous_ones_refused() {
    let (project, before) = damaged("r_foreign", &["--no-compress"]);
    let sql = std::fs::read_to_string(project.path().join("backups/the.backup")).unwrap();
    project.write("foreign.sql", &sql);
    project.db(&["restore", "foreign.sql", "--yes"]).ok();
    assert_eq!(project.content(), before);

    let marker = project.path().join("marker");
    for (command, name) in [
        (format!("\\! touch {}", marker.display()), "`\\!`"),
        (format!("\\copy big from program 'touch {}'", marker.display()), "`\\copy`"),
        ("\\i /etc/passwd".to_owned(), "`\\i`"),
        ("\\connect postgres".to_owned(), "`\\connect`"),
    ] {
        project.write(
            "evil.sql",
            &sql.replacen(
                "SET row_security = off;",
                &format!("SET row_security = off;\n{command}\n"),
                1,
            ),
        );
        project.db(&["restore", "evil.sql", "--yes"]).code(11).says(name);
        assert!(!marker.exists());
    }
    for cut in [sql.len() / 2, sql.find("-- PostgreSQL database dump complete").unwrap()] {
        let mut cut = cut;
        while !sql.is_char_boundary(cut) {
            cut -= 1;
        }
        project.write("cut.sql", &sql[..cut]);
        project.db(&["restore", "cut.sql", "--yes"]).code(11);
    }
    assert_eq!(project.content(), before);
}

/// With the feature `zstd` and without it.
#[test]
fn files_of_zstd_are_restored_and_one_that_was_cut_off_is_refused() {
    let (project, before) = damaged("r_frames", &["--no-compress"]);
    let damage = project.content();
    let sql = std::fs::read(project.path().join("backups/the.backup")).unwrap();
    // Two frames, as from a program that compresses in parallel.
    let (first, second) = sql.split_at(sql.len() / 2);
    let frame = |text: &[u8]| zstd::encode_all(text, 3).unwrap();
    let file = [frame(first), frame(second)].concat();
    let path = project.path().join("foreign.sql.zst");
    for cut in [file.len() / 2, file.len() - 1] {
        std::fs::write(&path, &file[..cut]).unwrap();
        project.db(&["restore", "foreign.sql.zst", "--yes"]).code(11);
        assert_eq!(project.content(), damage);
    }
    std::fs::write(&path, &file).unwrap();
    project.db(&["restore", "foreign.sql.zst", "--yes"]).ok();
    assert_eq!(project.content(), before);
}

#[test]
fn what_is_missing_on_the_server_is_named_at_once() {
    let (project, _) = damaged("r_missing", &["--no-compress"]);
    let sql = std::fs::read_to_string(project.path().join("backups/the.backup")).unwrap();
    let wants = "ALTER TABLE public.child OWNER TO ghost_one;\nGRANT SELECT ON TABLE public.child TO ghost_two;\nCREATE EXTENSION IF NOT EXISTS no_such_thing WITH SCHEMA public;\n";
    project.write(
        "wants.sql",
        &sql.replacen("SET row_security = off;", &format!("SET row_security = off;\n{wants}"), 1),
    );
    project
        .db(&["restore", "wants.sql", "--yes"])
        .code(11)
        .says("role: `ghost_one` does not exist")
        .says("role: `ghost_two` does not exist")
        .says("extension: `no_such_thing` is not installed");
    assert_eq!(databases("r_missing"), ["r_missing"]);
}

#[test]
fn a_role_that_may_not_create_databases_gets_a_hint() {
    let (mut project, _) = damaged("r_rights", &[]);
    cluster().run("postgres", "CREATE ROLE weak LOGIN");
    project.set("DATABASE_URL", &cluster().url("r_rights").replace("postgres@", "weak@"));
    project
        .db(&["restore", "--latest", "--yes"])
        .code(11)
        .says("rights: `weak` may not create databases");
}

#[test]
fn into_makes_a_new_database_and_leaves_the_old_one_alone() {
    let (project, before) = damaged("r_into", &[]);
    let damage = project.content();
    project.db(&["restore", "--latest", "--into", "r_into_copy", "--yes"]).ok();
    // It says of itself that it is a copy; the old one says nothing.
    cluster().run("r_into_copy", "DROP SCHEMA cargo_db CASCADE");
    assert_eq!((content("r_into_copy"), project.content()), (before, damage));
    project
        .db(&["restore", "--latest", "--into", "r_into_copy", "--yes"])
        .code(11)
        .says("exists already");
}

#[test]
fn a_dropped_database_is_restored() {
    let (project, before) = damaged("r_gone", &[]);
    cluster().run("postgres", "DROP DATABASE r_gone");
    project.db(&["restore", "--latest", "--yes"]).ok().says("name it r_gone");
    project.run_sql("DROP SCHEMA cargo_db CASCADE");
    assert_eq!(project.content(), before);
}

#[test]
fn test_databases_keep_nothing_and_production_wants_the_plan() {
    let (mut project, _) = damaged("r_env", &[]);
    project.set("CARGO_DB_ENV", "test");
    project.db(&["restore", "--latest"]).ok();
    assert_eq!(databases("r_env"), ["r_env"]);
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["restore", "--latest", "--yes"]).code(3).says("consent by name");
    project.set("CARGO_DB_ENV", "production");
    project.db(&["restore", "--latest", "--confirm", "r_env"]).code(3).says("consent to the plan");
    let plan = project.db(&["restore", "--latest", "--dry-run", "--json"]).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap();
    project.db(&["restore", "--latest", "--confirm", "r_env", "--plan", id]).ok();
    assert_eq!(databases("r_env").len(), 2);
}

/// Starts a restore that takes its time, and returns when it does; with the name of the database
/// that it is building.
fn restoring(project: &Project) -> (std::process::Child, String) {
    let sql = std::fs::read_to_string(project.path().join("backups/the.backup")).unwrap();
    let slow = "SET row_security = off;\nSELECT pg_sleep(20);\n";
    project.write("slow.sql", &sql.replacen("SET row_security = off;", slow, 1));
    let any = ["restore", "slow.sql", "--allow-any-sql", "--confirm", &project.database];
    let mut command = project.command(&any);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let sleeping = format!(
        "SELECT datname FROM pg_stat_activity WHERE starts_with(datname, '{}__restore') AND query LIKE '%pg_sleep%'",
        project.database
    );
    eventually("the restore sleeps", || !cluster().query("postgres", &sleeping).is_empty());
    (run, cluster().query("postgres", &sleeping).remove(0))
}

#[test]
fn consent_to_a_file_is_consent_to_its_bytes() {
    let (mut project, _) = damaged("r_bytes", &["--no-compress"]);
    let sql = std::fs::read_to_string(project.path().join("backups/the.backup")).unwrap();
    project.write("foreign.sql", &sql);
    project.set("CARGO_DB_ENV", "production");
    let plan = project.db(&["restore", "foreign.sql", "--dry-run", "--json"]).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap();
    project.write("foreign.sql", &sql.replacen("tab\\there", "tab\\tHere", 1));
    project
        .db(&["restore", "foreign.sql", "--confirm", "r_bytes", "--plan", id])
        .code(3)
        .says("does not match the id of this plan");
    project.write("foreign.sql", &sql);
    project.db(&["restore", "foreign.sql", "--confirm", "r_bytes", "--plan", id]).ok();
}

#[test]
fn a_run_killed_in_the_middle_leaves_the_old_database_unchanged() {
    let (project, before) = damaged("r_kill", &["--no-compress"]);
    let damage = project.content();
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::KILL] {
        let (run, _) = restoring(&project);
        rustix::process::kill_process(rustix::process::Pid::from_child(&run), signal).unwrap();
        let ran = Ran::from(run.wait_with_output().unwrap());
        assert_eq!(
            ran.code,
            if signal == rustix::process::Signal::INT { Some(130) } else { None },
            "{ran}"
        );
        assert_eq!(project.content(), damage);
    }
    // What the killed one left is removed by the next one, once its last session has ended.
    cluster().end_sessions(&databases("r_kill__restore")[0]);
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(databases("r_kill__restore"), Vec::<String>::new());
    assert_eq!(project.content(), before);
}

#[test]
fn a_server_that_ends_the_session_leaves_the_old_database_alone() {
    let (project, _) = damaged("r_lost", &["--no-compress"]);
    let damage = project.content();
    let (run, building) = restoring(&project);
    cluster().end_sessions(&building);
    Ran::from(run.wait_with_output().unwrap())
        .code(7)
        .says("was lost during the attempt to run line");
    assert_eq!(project.content(), damage);
    assert_eq!(databases("r_lost"), ["r_lost"]);
}

#[test]
fn the_latest_is_the_latest_of_this_server() {
    let project = Project::new("r_servers");
    project.run_sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    project.db(&["backup", "-o", "here.sql.gz"]).ok();
    project.run_sql("INSERT INTO t VALUES (2)");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    project.db(&["backup", "-o", "there.sql.gz"]).ok();
    let own =
        cluster().query("postgres", "SELECT system_identifier FROM pg_control_system()").remove(0);
    let say_that = |name: &str, was: &str, is: &str| {
        let path = project.path().join(format!("backups/{name}.manifest.json"));
        let text = std::fs::read_to_string(&path).unwrap();
        let [was, is] = [was, is].map(|id| format!("\"system_identifier\": \"{id}\""));
        assert!(text.contains(&was), "{text}");
        std::fs::write(&path, text.replace(&was, &is)).unwrap();
    };
    say_that("there.sql.gz", &own, "7");
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM t"), ["1"]);
    // A new server has no databases of its own.
    say_that("here.sql.gz", &own, "8");
    project
        .db(&["restore", "--latest", "--yes"])
        .code(11)
        .says("several of other servers: name one");
    say_that("here.sql.gz", "8", "7");
    project.db(&["restore", "--latest", "--yes"]).ok().says("was taken on another server");
    assert_eq!(project.query("SELECT count(*) FROM t"), ["2"]);
}
