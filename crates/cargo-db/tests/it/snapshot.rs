//! `cargo db snapshot`.

use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::backup::odd;
use crate::support::{Project, Ran, cluster, eventually};

/// A project with a table of one row, and a migration of it.
fn school(name: &str) -> Project {
    let project = Project::new(name);
    project
        .migration("1_pupils.sql", "CREATE TABLE pupils (id int); INSERT INTO pupils VALUES (1)");
    project.db(&["migrate"]).ok();
    project
}

/// Adds a table of 40 MB.
fn make_large(project: &Project) {
    project.run_sql(
        "CREATE TABLE large AS \
         SELECT n, repeat('x', 1000) AS text FROM generate_series(1, 40000) n",
    );
}

/// Waits until nobody is connected to a database: a session takes a moment to end.
fn nobody_is_in(database: &str) {
    let sql = format!("SELECT 1 FROM pg_stat_activity WHERE datname = '{database}'");
    eventually("nobody is connected", || cluster().query("postgres", &sql).is_empty());
}

/// Saves a snapshot while nobody is connected, and returns its document.
#[track_caller]
fn saved(project: &Project, arguments: &[&str]) -> Value {
    nobody_is_in(&project.database);
    let arguments = [&["snapshot", "save"], arguments, &["--json"]].concat();
    project.db(&arguments).ok().json()
}

/// The names of the snapshots, the newest first.
fn names(project: &Project) -> Vec<String> {
    let list = project.db(&["snapshot", "list", "--json"]).ok().json();
    let all = list["snapshots"].as_array().unwrap().iter();
    all.map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

/// The databases beside one.
fn beside(name: &str, kind: &str) -> Vec<String> {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE starts_with(datname, '{name}__{kind}') ORDER BY 1"
    );
    cluster().query("postgres", &sql)
}

#[test]
fn a_snapshot_is_restored_identically_and_can_be_undone() {
    let project = odd("sn_whole");
    let before = project.content();
    let document = saved(&project, &["before"]);
    let strategy = match cluster().major() {
        14 => "file-copy",
        15..18 => "wal-log",
        _ => "file-clone",
    };
    assert_eq!(document["snapshot"]["strategy"], strategy, "{document:#}");
    assert!(!document["snapshot"]["because"].as_str().unwrap().is_empty());
    project.run_sql("DROP TABLE big CASCADE; CREATE TABLE later (id int)");
    let damage = project.content();
    project.db(&["snapshot", "restore", "before"]).code(3).says("restore before --yes");
    assert_eq!(project.content(), damage);
    for _ in 0..2 {
        let ran = project.db(&["snapshot", "restore", "before", "--yes"]).ok();
        ran.says("sn_whole is as in the snapshot before").says("is kept as");
        assert_eq!(project.content(), before);
        project.db(&["restore", "--undo", "--yes"]).ok();
        assert_eq!(project.content(), damage);
    }
    // The newest one is the default.
    project.db(&["snapshot", "restore", "--yes"]).ok();
    assert_eq!(project.content(), before);
    project.db(&["status", "--check"]).ok();
    let trail = project.db(&["audit"]).ok();
    trail.says("snapshot save").says("snapshot restore");
}

#[test]
fn a_snapshot_says_what_was_checked_out_and_applied() {
    let project = school("sn_facts");
    project.git(&["init", "--quiet", "--initial-branch", "topic"]);
    project.git(&["commit", "--quiet", "--allow-empty", "--message", "first"]);
    let name = saved(&project, &[])["snapshot"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("topic-20"), "{name}");
    project.db(&["snapshot", "list"]).ok().says(&name).says("topic").says("until 20");
    // Nothing of it is in the files of the project.
    std::fs::remove_dir_all(project.path().join(".db")).unwrap();
    let list = project.db(&["snapshot", "list", "--json"]).ok().json();
    let one = &list["snapshots"][0];
    assert_eq!((&one["name"], &one["branch"]), (&json!(name), &json!("topic")));
    assert_eq!(one["commit"].as_str().unwrap().len(), 40);
    assert_eq!(one["migrations"], json!(["1"]));
    let checksum = project.query("SELECT encode(checksum, 'hex') FROM _sqlx_migrations");
    assert_eq!(one["checksum"], json!(checksum[0]));
    assert!(one["bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!((&one["pinned"], &one["expired"]), (&json!(false), &json!(false)));
    // `pg_dumpall` and `vacuumdb --all` leave out what nobody can connect to.
    let closed =
        "SELECT datallowconn FROM pg_database WHERE starts_with(datname, 'sn_facts__snap_')";
    assert_eq!(cluster().query("postgres", closed), ["f"]);
}

#[test]
fn sessions_are_ended_only_if_a_person_says_so() {
    let mut project = odd("sn_sessions");
    let before = project.content();
    nobody_is_in("sn_sessions");
    let mut app = cluster().connect("sn_sessions");
    app.batch_execute("SET application_name = 'the-app'").unwrap();
    let dumped = project.db(&["snapshot", "save", "dumped", "--json"]).ok().json();
    assert_eq!(dumped["snapshot"]["strategy"], "dump");
    let because = dumped["snapshot"]["because"].as_str().unwrap();
    assert!(because.contains("the-app as postgres is connected"), "{because}");
    // Nobody asked an agent for its yes.
    project.set("CLAUDECODE", "1");
    let by_agent = project.db(&["snapshot", "save", "agent", "--yes", "--json"]).ok().json();
    assert_eq!(by_agent["snapshot"]["strategy"], "dump");
    project.set("CLAUDECODE", "");
    app.batch_execute("SELECT 1").unwrap();
    let ended = project.db(&["snapshot", "save", "ended", "--yes", "--json"]).ok().json();
    assert_ne!(ended["snapshot"]["strategy"], "dump");
    assert_eq!(ended["ended"], json!(["the-app as postgres"]));
    assert!(app.batch_execute("SELECT 1").is_err());
    for name in ["dumped", "agent", "ended"] {
        project.run_sql("DELETE FROM child");
        let mut app = cluster().connect("sn_sessions");
        app.batch_execute("SET application_name = 'the-app'").unwrap();
        project.db(&["snapshot", "restore", name, "--yes"]).ok().says("the-app as postgres");
        assert!(app.batch_execute("SELECT 1").is_err());
        assert_eq!(project.content(), before, "{name}");
    }
}

#[test]
fn a_large_database_is_copied_by_its_files() {
    let project = school("sn_large");
    make_large(&project);
    let document = saved(&project, &["large"]);
    let strategy = if cluster().major() < 18 { "file-copy" } else { "file-clone" };
    assert_eq!(document["snapshot"]["strategy"], strategy, "{document:#}");
    project.run_sql("TRUNCATE large");
    project.db(&["snapshot", "restore", "large", "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM large"), ["40000"]);
}

#[test]
fn any_name_can_be_given_to_a_snapshot_once() {
    let project = school("sn_names");
    let long = "ä".repeat(100);
    for name in ["it's \"quoted\"", "größe/雪 🦀", &long, "a b; DROP DATABASE x"] {
        project.db(&["snapshot", "save", name]).ok();
        project.db(&["snapshot", "save", name]).code(2).says("has a snapshot with the name");
        project.db(&["snapshot", "restore", name, "--yes"]).ok();
        assert_eq!(names(&project)[0], name);
    }
    for name in ["", " ", "a\nb", &format!("{long}b"), "--", "-x"] {
        let ran = project.db(&["snapshot", "save", "--pin", "--", name]);
        ran.code(2).says("is not a valid name for a snapshot");
    }
    project.db(&["snapshot", "drop", "größe/雪 🦀", "--yes"]).ok();
    for verb in ["restore", "drop"] {
        let ran = project.db(&["snapshot", verb, "größe/雪 🦀", "--yes"]);
        ran.code(2).says("has no snapshot `größe/雪 🦀`").says("a b; DROP DATABASE x");
    }
}

/// A session in a database of any name.
fn connected(name: &str) -> postgres::Client {
    let mut config = postgres::Config::new();
    config.host_path(&cluster().folder).port(cluster().port).user("postgres").dbname(name);
    config.connect(postgres::NoTls).expect("a connection")
}

#[test]
fn a_database_may_have_any_name() {
    for name in [&format!("sn_{}", "n".repeat(60)), "sn \"odd\" it's ñ"] {
        let quoted = name.replace('"', "\"\"");
        cluster().run("postgres", &format!("CREATE DATABASE \"{quoted}\""));
        let mut project = Project::bare("sn_odd");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        project.set("DATABASE_URL", &cluster().url(&encoded));
        connected(name).batch_execute("CREATE TABLE t AS SELECT 1 AS id").unwrap();
        project.db(&["snapshot", "save", "one"]).ok();
        connected(name).batch_execute("DROP TABLE t").unwrap();
        project.db(&["snapshot", "restore", "one", "--yes"]).ok();
        connected(name).batch_execute("SELECT id FROM t").unwrap();
        project.db(&["snapshot", "drop", "one", "--yes"]).ok();
        assert_eq!(names(&project), Vec::<String>::new());
    }
}

#[test]
fn expired_snapshots_are_dropped_and_pinned_ones_stay() {
    let mut project = school("sn_keep");
    project.write("db.toml", "[snapshot]\nkeep = \"1h\"\n");
    let kept = saved(&project, &["hour"]);
    let time = |field: &str| {
        let text = kept["snapshot"][field].as_str().unwrap();
        let format = &time::format_description::well_known::Rfc3339;
        time::OffsetDateTime::parse(text, format).unwrap()
    };
    assert_eq!(time("expires") - time("created"), time::Duration::HOUR);
    saved(&project, &["gone", "--keep", "1ms"]);
    saved(&project, &["pinned", "--pin"]);
    // The save of `pinned` dropped `gone`, and says so.
    saved(&project, &["short", "--keep", "1ms"]);
    project.db(&["snapshot", "list"]).ok().says("expired").says("pinned");
    let shown = project.db(&["snapshot", "save", "--dry-run"]).ok();
    shown.says("drop the snapshot short (expired)");
    let document = saved(&project, &["last"]);
    assert_eq!(document["dropped"], json!(["short"]));
    assert_eq!(names(&project), ["last", "pinned", "hour"]);
    saved(&project, &["short", "--keep", "1ms"]);
    project.db(&["snapshot", "drop", "--expired"]).code(3);
    project.db(&["snapshot", "drop", "--expired", "--yes"]).ok().says("1 snapshot of sn_keep");
    project.db(&["snapshot", "drop", "--expired", "--yes"]).ok().says("0 snapshots");
    project.db(&["snapshot", "drop"]).code(2);
    // What the policy does not allow on the side stays.
    saved(&project, &["short", "--keep", "1ms"]);
    let rule = "[environments.development.policy]\nsnapshot-drop = \"by-name\"\n";
    project.write("db.toml", rule);
    assert_eq!(saved(&project, &["more"])["dropped"], json!([]));
    project.set("CARGO_DB_ENV", "test");
    project.db(&["snapshot", "drop", "pinned"]).ok();
    assert_eq!(names(&project), ["more", "short", "last", "hour"]);
}

#[test]
fn test_databases_keep_no_old_one() {
    let mut project = school("sn_test");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["snapshot", "save", "one"]).ok();
    project.run_sql("DELETE FROM pupils");
    project.db(&["snapshot", "restore"]).ok();
    assert_eq!(project.query("SELECT id FROM pupils"), ["1"]);
    assert_eq!(beside("sn_test", "before"), Vec::<String>::new());
}

#[test]
fn a_marked_database_has_no_snapshots() {
    let mut project = school("sn_marked");
    project.db(&["snapshot", "save", "one"]).ok();
    for environment in ["staging", "production"] {
        project.set("CARGO_DB_ENV", environment);
        for arguments in [&["save"][..], &["restore", "one"], &["drop", "one"]] {
            let arguments = [&["snapshot"], arguments, &["--yes"]].concat();
            project.db(&arguments).code(4).says("refused in");
        }
        project.db(&["snapshot", "list"]).ok().says("one");
    }
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn of_two_saves_at_once_with_one_name_one_is_refused() {
    let project = school("sn_two");
    let runs = ["same", "same", "other"].map(|name| spawn(&project, &["snapshot", "save", name]));
    let mut ran: Vec<Ran> =
        runs.into_iter().map(|run| run.wait_with_output().unwrap().into()).collect();
    ran.pop().unwrap().ok();
    ran.sort_by_key(|ran| ran.code);
    let refused = ran.pop().unwrap().code(2);
    refused.says("has a snapshot with the name `same`");
    ran.pop().unwrap().ok();
    let mut found = names(&project);
    found.sort();
    assert_eq!(found, ["other", "same"]);
}

#[test]
fn rights_that_are_missing_are_named_before_anything_is_done() {
    let mut project = school("sn_rights");
    project.db(&["snapshot", "save", "theirs"]).ok();
    cluster().run("postgres", "CREATE ROLE sn_nobody LOGIN; CREATE ROLE sn_maker LOGIN CREATEDB");
    let url = |role: &str| cluster().url("sn_rights").replace("postgres@", &format!("{role}@"));
    project.set("DATABASE_URL", &url("sn_nobody"));
    let ran = project.db(&["snapshot", "save"]).code(11);
    ran.says("`sn_nobody` may not create databases; use a role with CREATEDB");
    project.set("DATABASE_URL", &url("sn_maker"));
    let ran = project.db(&["snapshot", "save"]).code(11);
    ran.says("only its owner may copy it, which `sn_maker` is not");
    // One that anybody could have made looks like a snapshot.
    let comment = "SELECT shobj_description(oid, 'pg_database') FROM pg_database \
                   WHERE starts_with(datname, 'sn_rights__snap_')";
    let forged = cluster().query("postgres", comment)[0].replace("theirs", "forged");
    let database = "sn_rights__snap_20260131T235959_123";
    cluster().run("postgres", &format!("CREATE DATABASE \"{database}\" OWNER sn_maker"));
    let comment = forged.replace('\'', "''");
    cluster().run("postgres", &format!("COMMENT ON DATABASE \"{database}\" IS '{comment}'"));
    project.set("DATABASE_URL", &cluster().url("sn_rights"));
    assert_eq!(names(&project), ["theirs"]);
    project.set("DATABASE_URL", &url("sn_maker"));
    project.db(&["snapshot", "list"]).ok().says("forged").says("theirs");
    let ran = project.db(&["snapshot", "restore", "theirs", "--yes"]).code(11);
    ran.says("only the owner of `sn_rights` may replace it, which `sn_maker` is not");
    assert_eq!(beside("sn_rights", "restore"), Vec::<String>::new());
}

#[test]
fn a_full_disk_is_found_before_anything_is_copied() {
    if cluster().major() >= 18 {
        // Files that share their blocks need no space.
        return;
    }
    let project = school("sn_full");
    saved(&project, &["small"]);
    let folder = "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database \
                  WHERE datname = 'sn_full'";
    let sparse = format!("{}/1", cluster().query("postgres", folder)[0]);
    // Its size counts, and it takes no space.
    std::fs::File::create(&sparse).unwrap().set_len(1 << 42).unwrap();
    nobody_is_in("sn_full");
    let ran = project.db(&["snapshot", "save", "large"]).code(11);
    ran.says("space: the copy needs about 43980").says("are free").says("cargo db backup");
    std::fs::remove_file(&sparse).unwrap();
    assert_eq!(names(&project), ["small"]);
}

#[test]
fn a_snapshot_with_sessions_is_not_copied() {
    let project = school("sn_in_use");
    saved(&project, &["one"]);
    let database = beside("sn_in_use", "snap").remove(0);
    let open = format!("ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS true");
    cluster().run("postgres", &open);
    let mut app = cluster().connect(&database);
    app.batch_execute("SET application_name = 'the-app'").unwrap();
    let ran = project.db(&["snapshot", "restore", "--yes"]).code(11);
    ran.says("the-app as postgres is connected to").says("no session may be connected");
    app.batch_execute("SELECT 1").unwrap();
    assert_eq!(project.query("SELECT id FROM pupils"), ["1"]);
}

/// A default name contains the time, which is another one when the plan is carried out.
#[test]
fn a_plan_without_a_name_is_consented_to_by_its_id() {
    let project = school("sn_plan");
    let consent = project.consent(&["snapshot", "save"]);
    std::thread::sleep(Duration::from_millis(1100));
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    project.db(&[&["snapshot", "save"], &consent[..]].concat()).ok();
    assert_eq!(names(&project).len(), 1);
}

#[test]
fn a_database_that_is_gone_comes_back() {
    let project = school("sn_gone");
    saved(&project, &["one"]);
    cluster().end_sessions("sn_gone");
    cluster().run("postgres", "DROP DATABASE sn_gone");
    project.db(&["snapshot", "save"]).code(6).says("does not exist");
    project.db(&["snapshot", "restore", "--yes"]).ok();
    assert_eq!(project.query("SELECT id FROM pupils"), ["1"]);
}

/// A database of the same name need not be the one that was saved.
#[test]
fn a_snapshot_of_an_earlier_database_is_named_as_such() {
    let project = school("sn_earlier");
    saved(&project, &["one"]);
    let warning = "one is a copy of an earlier sn_earlier";
    let plan = || project.db(&["snapshot", "restore", "--dry-run"]).ok().to_string();
    assert!(!plan().contains(warning));
    // A restore takes the snapshots along.
    project.db(&["snapshot", "restore", "--yes"]).ok();
    assert!(!plan().contains(warning));
    cluster().end_sessions("sn_earlier");
    cluster().run("postgres", "DROP DATABASE sn_earlier");
    cluster().run("postgres", "CREATE DATABASE sn_earlier");
    assert!(plan().contains(warning));
}

#[test]
fn the_sets_that_share_the_database_are_named() {
    let project = Project::new("sn_shared");
    let set = |name: &str| {
        project.write(&format!("{name}/1_{name}.sql"), &format!("CREATE TABLE {name} (id int);"));
        let table = format!("tool = \"sqlx\"\ndir = \"{name}\"\ntable = \"applied_{name}\"");
        format!("[migrations.{name}]\n{table}\n")
    };
    project.write("db.toml", &(set("api") + &set("web")));
    project.db(&["snapshot", "save"]).code(2).says("--set");
    let document = saved(&project, &["one", "--set", "api"]);
    assert_eq!(document["snapshot"]["for_set"], "api");
    let plan = project.db(&["snapshot", "restore", "--set", "api", "--dry-run"]).ok();
    plan.says("is shared with other sets of migrations, which also go back: web");
}

#[test]
fn the_maintenance_database_cannot_be_saved() {
    let mut project = Project::bare("sn_maintenance");
    project.set("DATABASE_URL", &cluster().url("postgres"));
    project.db(&["snapshot", "save"]).code(2).says("is the server's maintenance database");
}

/// Each snapshot can be found by its record: one without it would be incomplete.
fn all_are_complete(project: &Project) {
    let found = || beside(&project.database, "snap").len();
    eventually("every snapshot is complete", || names(project).len() == found());
}

#[test]
fn killed_runs_lose_no_database_and_leave_no_incomplete_snapshot() {
    let project = school("sn_killed");
    make_large(&project);
    let rows = || {
        cluster()
            .query("sn_killed", "SELECT count(*) FROM large WHERE length(text) = 1000")
            .remove(0)
    };
    saved(&project, &["whole", "--pin"]);
    project.run_sql("DELETE FROM large WHERE n > 100");
    for moment in [40, 120, 200, 280, 400] {
        let mut run = spawn(&project, &["snapshot", "save"]);
        std::thread::sleep(Duration::from_millis(moment));
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(["100", "40000"].contains(&rows().as_str()), "{}", rows());
        all_are_complete(&project);
        let mut run = spawn(&project, &["snapshot", "restore", "whole", "--yes"]);
        std::thread::sleep(Duration::from_millis(moment));
        run.kill().unwrap();
        run.wait().unwrap();
        assert!(["100", "40000"].contains(&rows().as_str()), "{}", rows());
        all_are_complete(&project);
        project.run_sql("DELETE FROM large WHERE n > 100");
    }
    project.db(&["snapshot", "restore", "whole", "--yes"]).ok();
    assert_eq!(rows(), "40000");
    project.db(&["snapshot", "save", "after"]).ok();
    eventually("nothing is left over", || {
        project.db(&["snapshot", "save"]).ok();
        ["scratch", "restore"].iter().all(|kind| beside("sn_killed", kind).is_empty())
    });
    project.db(&["audit", "verify"]).ok();
}
