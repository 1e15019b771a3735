//! Migration tools that run as programs: whether they do what they report, which database they use,
//! and what they leave behind.

use std::process::{Command, Stdio};

use crate::layouts::project;
use crate::support::{PASSWORD, Project, Ran, cluster, eventually};

/// A program of this text in the project, as the tool that applies.
fn with_tool(name: &str, script: &str) -> Project {
    use std::os::unix::fs::PermissionsExt;
    let project = project(
        name,
        &[("migrations/1_a.sql", "CREATE TABLE a ()"), ("migrations/2_b.sql", "CREATE TABLE b ()")],
    );
    project.write("db.toml", "[migrations]\nrunner = 'tool'\napply = ['./tool', 'up']\n");
    let tool = project.write("tool", &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    project
}

#[test]
fn a_tool_that_did_nothing_is_caught() {
    let project = with_tool("tool_idle", "echo 'all is well'");
    let _ = project.db(&["migrate", "--dry-run"]).says("by `./tool up`");
    let ran = project
        .db(&["migrate"])
        .code(10)
        .says("sqlx reported success")
        .says("`1 a` is not applied")
        .says("`2 b` is not applied");
    assert!(!ran.stderr.contains("all is well"), "{ran}");
    let _ = project.db(&["migrate", "-v"]).code(10).says("all is well");
    // No variable can divert it, and the arguments contain no secret.
    let mut project = with_tool("tool_env", "echo \"$1 on $PGDATABASE\"; exit 3");
    project.set("PGDATABASE", "other");
    let _ = project.db(&["migrate"]).code(10).says("ended with").says("up on tool_env");
}

#[test]
fn a_tool_that_is_stopped_ends_with_its_children() {
    let project = with_tool("tool_stopped", "sleep 3247 & echo started > started; wait");
    let child = project
        .command(&["migrate"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("the tool runs", || project.path().join("started").exists());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    let _ = ran.code(130);
    let left = || Command::new("pgrep").args(["-f", "sleep 3247"]).output().unwrap().stdout;
    eventually("nothing of it is left", || left().is_empty());
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
    // The next run is not blocked by a lock.
    project.write("db.toml", "");
    let _ = project.db(&["migrate"]).ok();
}

/// However cargo db ends, the tool ends too, and so does its session on the server.
#[test]
fn a_tool_does_not_outlive_a_killed_run() {
    let project = with_tool(
        "tool_orphan",
        "psql -X -c 'SELECT pg_sleep(3251)' & echo started > started; wait",
    );
    let mut child =
        project.command(&["migrate"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3251)%' AND pid <> pg_backend_pid()";
    eventually("the tool works", || !project.query(sleeping).is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
    let left = || Command::new("pgrep").args(["-f", "pg_sleep.3251"]).output().unwrap().stdout;
    eventually("nothing of it is left", || left().is_empty());
    project.write("tool", "#!/bin/sh\npsql -X -q -c 'CREATE TABLE IF NOT EXISTS b ()'\n");
    let _ = project.db(&["migrate"]).code(10);
    assert_eq!(project.query(sleeping), Vec::<String>::new());
}

#[test]
fn no_password_is_shown_however_the_tool_writes_it() {
    let mut project = with_tool(
        "tool_secret",
        "echo \"$DATABASE_URL and $PGPASSWORD\"; echo \"$DATABASE_URL\" >&2; exit 1",
    );
    cluster().run("postgres", "CREATE ROLE odd_password SUPERUSER LOGIN PASSWORD 'p@ss:w/rd#1%x'");
    let url = cluster().tcp_url("tool_secret");
    let (_, place) = url.split_once('@').unwrap();
    project
        .set("DATABASE_URL", &format!("postgres://odd_password:p%40ss%3Aw%2Frd%231%25x@{place}"));
    for arguments in [
        &["migrate"][..],
        &["migrate", "-v"],
        &["migrate", "--json"],
        &["migrate", "--json", "--progress=json"],
    ] {
        let ran = project.db(arguments).code(10).says("****");
        for secret in ["p@ss", "p%40ss", "w/rd", "w%2Frd"] {
            assert!(!ran.to_string().contains(secret), "{secret} is in {ran}");
        }
    }
    project.set("DATABASE_URL", "postgres://app:p@ss:w/rd#1%?&hunter2=y@localhost/x");
    let ran = project.db(&["status"]).code(2).says("there is an `@` after the `?`");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    project.set("DATABASE_URL", "");
    cluster().run("postgres", "DROP ROLE odd_password");
}

/// The SQL of a file can make the server print anything, including a password.
#[test]
fn a_password_in_a_server_message_is_masked() {
    let mut project = Project::new("server_secret");
    project.set("DATABASE_URL", &cluster().tcp_url("server_secret"));
    let url = format!("postgres://postgres:{PASSWORD}@localhost/x");
    project.migration(
        "1_a.up.sql",
        &format!("CREATE TABLE t (n int); DO $$ BEGIN RAISE NOTICE 'it is {url}'; END $$;"),
    );
    let shown = "it is postgres://postgres:****@localhost/x";
    let hides = |ran: Ran, code: i32| {
        let ran = ran.code(code).says("****");
        assert!(!ran.to_string().contains(PASSWORD), "{ran}");
        ran
    };
    hides(project.db(&["migrate", "--yes"]), 0).says(shown);
    project.migration(
        "2_b.up.sql",
        &format!(
            "DO $$ BEGIN RAISE WARNING '{url}'; END $$;\n\
             DO $$ BEGIN RAISE 'it is {url}' USING DETAIL = '{url}', HINT = '{url}'; END $$;\n\
             SELECT '{PASSWORD}'::int;"
        ),
    );
    for style in [&[][..], &["-v"], &["--json"], &["--json", "--progress=json"]] {
        hides(project.db(&[&["migrate", "--yes"], style].concat()), 7).says(shown);
        hides(project.db(&[&["rehearse"], style].concat()), 1).says(shown);
    }
    project.migration("2_b.up.sql", &format!("SELECT '{PASSWORD}'::int;"));
    hides(project.db(&["migrate", "--yes"]), 7).says("SELECT '****'::int;");
    std::fs::remove_file(project.path().join("migrations/2_b.up.sql")).unwrap();
    let seed = project.write("seeds/1_s.sql", &format!("DO $$ BEGIN RAISE '{url}'; END $$;"));
    hides(project.db(&["seed", "--yes"]), 7);
    std::fs::remove_file(seed).unwrap();
    project.write("seeds/t.csv", &format!("n\n1\n{PASSWORD}\n"));
    hides(project.db(&["seed", "--yes"]), 7);
}

#[test]
fn the_tool_reads_the_files_that_were_consented_to() {
    // An editor, or a switch of branches, while the tool is at work.
    let project = with_tool("tool_swap", "echo 'DROP TABLE x' > migrations/2_b.sql");
    let _ = project.db(&["migrate"]).code(7).says("2_b.sql").says("changed");
    // Between two calls of the tool: the second one does not happen.
    let project =
        with_tool("tool_swap_back", "echo $1 >> calls; echo 'SELECT 1' > migrations/1_a.down.sql");
    for name in ["1_a", "2_b"] {
        let text =
            std::fs::read_to_string(project.path().join(format!("migrations/{name}.sql"))).unwrap();
        std::fs::remove_file(project.path().join(format!("migrations/{name}.sql"))).unwrap();
        project.migration(&format!("{name}.up.sql"), &text);
        project.migration(
            &format!("{name}.down.sql"),
            &text.replace("CREATE", "DROP").replace(" ()", ""),
        );
    }
    project.write("db.toml", "");
    let _ = project.db(&["migrate"]).ok();
    project.write("db.toml", "[migrations]\nrunner = 'tool'\nrollback = ['./tool', 'down']\n");
    let _ =
        project.db(&["rollback", "-n", "2", "--yes"]).code(7).says("1_a.down.sql").says("changed");
    assert_eq!(std::fs::read_to_string(project.path().join("calls")).unwrap(), "down\n");
}

#[test]
fn what_a_tool_runs_is_never_promised_to_be_all_or_nothing() {
    let mut project = with_tool("tool_batch", "exit 3");
    let _ = project.db(&["migrate", "--all-or-nothing"]).code(10).says("apply all or nothing");
    project.set("CARGO_DB_ENV", "staging");
    let ran = project
        .db(&["migrate", "--dry-run"])
        .says("not all or nothing, because sqlx runs the migrations");
    assert!(!ran.to_string().contains("swapped back in"), "{ran}");
}

#[test]
fn settings_without_effect_are_refused() {
    let project = with_tool("tool_unheard", "exit 0");
    let refused = |toml: &str, says: &str| {
        project.write("db.toml", toml);
        let _ = project.db(&["migrate"]).code(2).says(says);
    };
    refused(
        "[migrations]\ntool = 'sqlx'\nrunner = 'tool'\ntable = 'ops.applied'\n",
        "sqlx would not read it",
    );
    refused(
        "[migrations]\ntool = 'sqlx'\napply = ['./tool', 'up']\n",
        "say `runner = \"tool\"` too",
    );
    // This tool gets the setting.
    project.write("db/migrations/1_a.sql", "-- migrate:up\nCREATE TABLE a ();\n-- migrate:down\n");
    project.write("tool", "#!/bin/sh\necho \"in $DBMATE_MIGRATIONS_TABLE\"; exit 3\n");
    project.write(
        "db.toml",
        "[migrations]\ntool = 'dbmate'\nrunner = 'tool'\ntable = 'ops.applied'\napply = ['./tool', 'up']\n",
    );
    let _ = project.db(&["migrate"]).code(10).says("in ops.applied");
}

#[test]
fn a_tool_that_writes_nothing_has_to_say_why() {
    let project =
        with_tool("tool_silent", "[ $1 = status ] && exit 0; echo 'Error: prompts require a TTY'");
    project.write(
        "db.toml",
        "[migrations]\nstatus = ['./tool', 'status']\napply = ['./tool', 'up']\ngenerate = ['./tool', 'diff']\n",
    );
    let _ = project.db(&["generate", "x"]).code(10).says("require a TTY").says("wrote no file");
    project.write("tool", "#!/bin/sh\n[ $1 = status ] && exit 0; echo 'No changes detected'\n");
    let _ = project.db(&["generate", "x"]).ok().says("the tool wrote nothing");
}

#[test]
fn only_recorded_migrations_are_reported_as_done() {
    let row = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'a', true, '', 1)";
    let table = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)";
    for (name, end) in [("tool_half", "exit 0"), ("tool_half_failed", "exit 3")] {
        let project = with_tool(name, &format!("psql -Xq -c \"{table}\" -c \"{row}\"; {end}"));
        let ran = project.db(&["migrate", "--json"]).code(10);
        assert_eq!(ran.json()["error"]["done"], serde_json::json!(["Applied 1 a"]), "{ran}");
    }
}

#[test]
fn a_process_that_left_its_group_is_not_waited_for() {
    let project = with_tool("tool_daemon", "setsid sleep 47.31 & exit 3");
    let began = std::time::Instant::now();
    let _ = project.db(&["migrate"]).code(10);
    assert!(began.elapsed() < std::time::Duration::from_secs(20));
    let _ = Command::new("pkill").args(["-f", "sleep 47.31"]).status();
}

#[test]
fn a_tool_rolls_back_in_its_own_order_only() {
    let class = |n: u64| {
        let stamp = 1_700_000_000_000 + n;
        (
            format!("migrations/{stamp}-M.js"),
            format!("module.exports = class M{stamp} {{ async up() {{}} }}"),
        )
    };
    let texts = [1, 2, 3].map(class);
    let mut files: Vec<(&str, &str)> =
        texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.push(("package.json", r#"{"dependencies": {"typeorm": "1"}}"#));
    let project = project("back_as_run", &files);
    project.write("db.toml", "[migrations]\ntool = 'typeorm'\n");
    let names = project.db(&["status", "--json"]).json();
    let names: Vec<String> = names["migrations"]["pending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["version"].as_str().unwrap().to_owned())
        .collect();
    let [first, second, third] = names.as_slice() else { panic!("{names:?}") };
    project.run_sql(&format!(
        "CREATE TABLE migrations (id serial PRIMARY KEY, timestamp bigint NOT NULL, name varchar NOT NULL);
         INSERT INTO migrations (timestamp, name) VALUES (1, '{first}'), (3, '{third}'), (2, '{second}')"
    ));
    let _ = project.db(&["rollback", "--dry-run"]).code(10).says("which it ran later").says(second);
    let _ = project.db(&["rollback", "--dry-run", "-n", "2"]).code(10);
}

/// An Alembic project with two revisions, and a script with this text in place of `alembic`.
fn with_alembic(name: &str, script: &str) -> Project {
    use std::os::unix::fs::PermissionsExt;
    let revision =
        |name: &str, before: &str| format!("revision = '{name}'\ndown_revision = {before}\n");
    let files = [
        ("alembic.ini", "[alembic]\nscript_location = migrations\n"),
        ("migrations/versions/a_x.py", &revision("a1", "None")),
        ("migrations/versions/b_x.py", &revision("b2", "'a1'")),
    ];
    let mut project = project(name, &files);
    // It fails if the database does not exist, as the real one does.
    let tool =
        project.write("bin/alembic", &format!("#!/bin/sh\npsql -Xqc '' || exit 1\n{script}\n"));
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path =
        format!("{}:{}", project.path().join("bin").display(), std::env::var("PATH").unwrap());
    project.set("PATH", &path);
    project
}

#[test]
fn a_tool_records_what_is_there_and_the_database_is_asked_afterwards() {
    let stamp = "[ \"$1\" = stamp ] || exit 3\n\
        psql -Xq -c 'CREATE TABLE IF NOT EXISTS alembic_version (version_num text PRIMARY KEY)' \
        -c 'DELETE FROM alembic_version' -c \"INSERT INTO alembic_version VALUES ('$2')\"";
    let project = with_alembic("stamped", stamp);
    let _ = project.db(&["baseline", "--dry-run"]).ok().says("by `alembic stamp b2`");
    let _ = project.db(&["baseline", "--yes", "--to", "a1"]).ok();
    assert_eq!(project.query("SELECT version_num FROM alembic_version"), ["a1"]);
    let _ = project.db(&["baseline", "--yes"]).ok().says("b2");
    let status = project.db(&["status", "--check", "--json"]).ok().json();
    assert_eq!(status["migrations"]["applied"], 2, "{status}");
    // `repair` succeeds if there is nothing to repair.
    let _ = project.db(&["repair"]).ok();
    let lying = with_alembic("stamped_not", "exit 0");
    let _ = lying
        .db(&["baseline", "--yes"])
        .code(10)
        .says("alembic reported success")
        .says("`a1` is not applied");
}

#[test]
fn expected_losses_of_a_program_make_its_rollback_lossy() {
    let script = "case $1 in\n\
        upgrade) psql -Xq -c 'ALTER TABLE users DROP COLUMN note' \
          -c 'CREATE TABLE IF NOT EXISTS alembic_version (version_num text PRIMARY KEY)' \
          -c \"INSERT INTO alembic_version VALUES ('a1')\";;\n\
        downgrade) psql -Xq -c 'ALTER TABLE users ADD COLUMN note text' \
          -c 'DELETE FROM alembic_version';;\nesac";
    let mut project = with_alembic("program_lossy", script);
    project.set("CARGO_DB_REHEARSE", "1");
    std::fs::remove_file(project.path().join("migrations/versions/b_x.py")).unwrap();
    project.write(
        "migrations/versions/a_x.py",
        "# cargo-db: expect loss users.note <= 5\nrevision = 'a1'\ndown_revision = None\n",
    );
    project.run_sql("CREATE TABLE users (id int, note text); INSERT INTO users VALUES (1, 'a')");
    let ran = project.db(&["rehearse"]).ok().says("rollback: lossy");
    let _ = ran.says("rollback: users.note: 1 values are lost with the column");
}

#[test]
fn a_tool_that_is_asked_needs_a_database_first() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::bare("asked_first");
    project.write(
        "db.toml",
        "[database]\nname = 'asked_first'\n[migrations]\nstatus = ['./tool', 'status']\napply = ['./tool', 'up']\n",
    );
    let script = "#!/bin/sh\nset -e\nhas() { psql -XAtc \"SELECT to_regclass('t') IS NOT NULL\"; }\n\
                  if [ $1 = status ]; then [ $(has) = t ] && echo 'one applied' || { psql -Xqc ''; echo 'one pending'; }\n\
                  else psql -Xqc 'CREATE TABLE t ()'; fi\n";
    let tool = project.write("tool", script);
    std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    cluster().run("postgres", "DROP DATABASE IF EXISTS asked_first");
    let _ = project.db(&["status", "--check"]).code(1);
    let _ = project.db(&["migrate"]).ok().says("1 migration applied");
    let _ = project.db(&["status", "--check"]).ok();
    // It has no folder of files; the command knows what there is.
    let _ = project.db(&["migrate"]).ok().says("no migration is pending in");
}
