//! Consent to a plan: valid for one run and one database.

use std::process::{Child, Stdio};

use crate::support::{Project, Ran, cluster};

/// A project with a table and a row, in an environment that requires consent to plans.
fn production(name: &str) -> Project {
    let mut project = Project::new(name);
    project.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);");
    project.db(&["migrate"]).ok();
    project.set("CARGO_DB_ENV", "production");
    project
}

/// Another checkout of the same project, on what could be another machine.
fn elsewhere(project: &Project) -> Project {
    let mut other = Project::bare(&project.database);
    other.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1);");
    other.set("DATABASE_URL", &cluster().url(&project.database));
    other.set("CARGO_DB_ENV", "production");
    other
}

fn id_of(project: &Project, arguments: &[&str]) -> String {
    let plan = project.db(&[arguments, &["--dry-run", "--json"]].concat()).ok().json();
    plan["plan"]["id"].as_str().unwrap().to_owned()
}

fn spawn(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Lets two runs with one id go at once. Returns how they ended.
fn race(one: &Project, other: &Project, arguments: &[&str]) -> [Ran; 2] {
    let id = id_of(one, arguments);
    let run = [arguments, &["--confirm", &one.database, "--plan", &id]].concat();
    let runs = [spawn(one, &run), spawn(other, &run)];
    runs.map(|run| Ran::from(run.wait_with_output().unwrap()))
}

/// How often two runs are let go.
fn turns() -> usize {
    std::env::var("CARGO_DB_TEST_TURNS").ok().and_then(|turns| turns.parse().ok()).unwrap_or(5)
}

fn one_runs(one: &Project, other: &Project) {
    // It changes nothing else, so only the id shows the second run that it was used.
    let mark = ["env", "set", "production"];
    let first = id_of(one, &mark);
    one.db(&[&mark[..], &["--confirm", &one.database, "--plan", &first]].concat()).ok();
    for turn in 1..=turns() {
        let ended = race(one, other, &mark);
        let mut codes = [ended[0].code, ended[1].code];
        codes.sort_unstable();
        assert_eq!(codes, [Some(0), Some(4)], "turn {turn}\n{}\n{}", ended[0], ended[1]);
        let [first, second] = ended;
        let late = if first.code == Some(4) { first } else { second };
        late.says("was already carried out; a plan id is valid for only one run");
    }
}

#[test]
fn of_two_runs_with_one_plan_exactly_one_runs() {
    let project = production("co_once");
    one_runs(&project, &project);
    let intents = "SELECT count(*), count(DISTINCT record::json ->> 'plan') FROM cargo_db.audit \
                   WHERE record::json ->> 'phase' = 'intent'";
    let wanted = turns() + 1;
    assert_eq!(project.query(intents), [format!("{wanted}|{wanted}")]);
}

#[test]
fn of_two_machines_with_one_plan_exactly_one_runs() {
    let project = production("co_machines");
    let other = elsewhere(&project);
    one_runs(&project, &other);
    // The trail of the run that was too late does not look like that of a killed run.
    other.db(&["status"]).ok();
    let trail = other.db(&["audit", "--json"]).ok().json();
    let records = trail["records"].as_array().unwrap();
    let of = |phase: &str| records.iter().filter(|record| record["phase"] == phase).count();
    assert_eq!(of("intent"), of("outcome"));
}

#[test]
fn removing_the_trail_does_not_make_ids_valid_again() {
    let project = production("co_trail");
    let mark = ["env", "set", "production"];
    let id = id_of(&project, &mark);
    let run = [&mark[..], &["--confirm", "co_trail", "--plan", &id]].concat();
    project.db(&run).ok();
    std::fs::remove_file(project.path().join(".db/audit.jsonl")).unwrap();
    project.db(&run).code(4).says("a plan id is valid for only one run");
}

#[test]
fn a_development_database_records_used_ids_too() {
    let project = Project::new("co_dev");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.db(&["migrate"]).ok();
    let agreed = project.consent(&["rollback"]);
    let agreed: Vec<&str> = agreed.iter().map(String::as_str).collect();
    let run = [&["rollback"], agreed.as_slice()].concat();
    project.db(&run).ok();
    project.db(&["migrate"]).ok();
    std::fs::remove_dir_all(project.path().join(".db")).unwrap();
    project.db(&run).code(4).says("a plan id is valid for only one run");
}

#[test]
fn an_id_that_is_used_up_leaves_a_new_one_and_no_other_plan_is_touched() {
    let project = production("co_turns");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let (mark, restore) = (["env", "set", "production"], ["restore", "x.sql.gz"]);
    let (of_mark, of_restore) = (id_of(&project, &mark), id_of(&project, &restore));
    project.db(&[&mark[..], &["--confirm", "co_turns", "--plan", &of_mark]].concat()).ok();
    assert_ne!(id_of(&project, &mark), of_mark);
    let run = [&restore[..], &["--confirm", "co_turns", "--plan", &of_restore]].concat();
    project.db(&run).ok();
    assert_ne!(id_of(&project, &restore), of_restore);
}

#[test]
fn a_plan_is_for_one_database_whatever_it_is_called() {
    let project = production("co_which");
    project.db(&["backup", "-o", "x.sql.gz"]).ok();
    let restore = ["restore", "x.sql.gz"];
    let id = id_of(&project, &restore);
    cluster().end_sessions("co_which");
    cluster().run("postgres", "CREATE DATABASE co_which_too TEMPLATE co_which");
    cluster().run("postgres", "ALTER DATABASE co_which RENAME TO co_which_old");
    cluster().run("postgres", "ALTER DATABASE co_which_too RENAME TO co_which");
    let run = [&restore[..], &["--confirm", "co_which", "--plan", &id]].concat();
    project.db(&run).code(3).says("does not match the id of this plan");
    cluster().end_sessions("co_which");
    cluster().run("postgres", "DROP DATABASE co_which");
    cluster().run("postgres", "ALTER DATABASE co_which_old RENAME TO co_which");
    project.db(&run).ok();
}

/// A project with rows to lose, by every verb that loses any.
fn with_users(name: &str, rows: u32) -> Project {
    let project = Project::new(name);
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, note text);");
    project.migration("1_users.down.sql", "DROP TABLE users;");
    project.db(&["migrate"]).ok();
    for environment in ["development", "staging"] {
        project.write(&format!("seeds/{environment}/users.csv"), "id,note\n1,x\n");
    }
    project.run_sql(&format!(
        "INSERT INTO users SELECT n, 'x' FROM generate_series(1, {rows}) n; ANALYZE users"
    ));
    project
}

fn add(project: &Project, from: u32, to: u32) {
    project
        .run_sql(&format!("INSERT INTO users SELECT n, 'y' FROM generate_series({from}, {to}) n"));
}

#[test]
fn an_id_covers_only_the_bounds_that_were_passed() {
    let mut project = with_users("co_bounds", 1200);
    project.db(&["backup", "--format", "custom", "-o", "x.dump"]).ok();
    project.migration("2_note.up.sql", "ALTER TABLE users DROP COLUMN note;");
    project.migration("2_note.down.sql", "ALTER TABLE users ADD COLUMN note text;");
    project.set("CLAUDECODE", "1");
    project.set("CARGO_DB_REHEARSE", "0");
    let verbs = [
        (&["rollback"][..], "users"),
        (&["seed", "--fresh"], "users"),
        (&["reset", "--no-seed"], "users"),
        (&["restore", "x.dump", "--clean"], "users"),
        (&["restore", "x.dump", "--table", "users"], "users"),
    ];
    for (verb, object) in verbs {
        let consent = project.consent(verb);
        let bounds = format!("{object}=1212");
        assert!(consent.iter().any(|word| word.contains(&bounds)), "{verb:?}: {consent:?}");
        let shown = project.db(&[verb, &["--dry-run"]].concat()).ok();
        shown.says("1,200 rows now, at most 1,212").says(&format!("--lose-at-most {bounds}"));
        let run: Vec<&str> =
            verb.iter().copied().chain(consent.iter().map(String::as_str)).collect();
        // A little more is covered, and the id is the same; much more is not.
        add(&project, 1201, 1212);
        let with_bound = [verb, &["--dry-run", "--json", "--lose-at-most", &bounds]].concat();
        let again = project.db(&with_bound).ok().json();
        assert_eq!(again["plan"]["id"].as_str(), Some(consent[3].as_str()), "{verb:?}");
        add(&project, 1213, 1213);
        let refused = project.db(&run).code(4);
        refused.says("users has 1213 rows, and at most 1212 may be lost");
        // Without the bound it is another plan, and what is missing is reported.
        let without = &run[..verb.len() + 4];
        project.db(without).code(3).says("`--lose-at-most` does not say how many rows of");
        assert_eq!(project.query("SELECT count(*) FROM users"), ["1213"], "{verb:?}");
        project.run_sql("DELETE FROM users WHERE id > 1200");
    }
    // A custom bound, in the dry run and in the run.
    let more = ["rollback", "--lose-at-most", "users=5000"];
    let consent = project.consent(&more);
    add(&project, 1201, 4000);
    let run: Vec<&str> =
        ["rollback"].into_iter().chain(consent.iter().map(String::as_str)).collect();
    project.db(&run).ok();
    assert_eq!(project.query("SELECT to_regclass('users') IS NULL"), ["t"]);
}

#[test]
fn a_large_table_is_counted_and_not_estimated() {
    let mut project = with_users("co_large", 10);
    project.run_sql(
        "INSERT INTO users SELECT n FROM generate_series(11, 1100000) n; ANALYZE users; \
         INSERT INTO users SELECT n FROM generate_series(1100001, 1200000) n",
    );
    project.set("CARGO_DB_ENV", "staging");
    for verb in [&["seed", "--fresh"][..], &["rollback"], &["reset", "--no-seed"]] {
        let plan = project.db(&[verb, &["--dry-run", "--json"]].concat()).ok().json();
        assert_eq!(plan["plan"]["lose_at_most"], "users=1212000", "{verb:?}");
    }
}

#[test]
fn what_a_migration_drops_is_bounded_too() {
    let mut project = with_users("co_drops", 300);
    project.run_sql("UPDATE users SET note = NULL WHERE id > 250; CREATE TABLE s (id int)");
    project.migration("2_note.up.sql", "ALTER TABLE users DROP COLUMN note; DROP TABLE s;");
    project.set("CARGO_DB_ENV", "staging");
    project.set("CLAUDECODE", "1");
    let plan = project.db(&["migrate", "--dry-run", "--json"]).json();
    assert_eq!(plan["plan"]["lose_at_most"], "s=10,users.note=260", "{plan:#}");
    let step = plan["plan"]["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(step["losses"][0]["object"], "users.note", "{step:#}");
}

#[test]
fn the_bounds_shown_at_a_terminal_apply() {
    let mut project = with_users("co_shown", 50);
    project.set("CARGO_DB_ENV", "staging");
    let mut holder = cluster().connect("co_shown");
    let own_key = i64::from_be_bytes(*b"cargo-db");
    holder.batch_execute(&format!("SELECT pg_advisory_lock({own_key})")).unwrap();
    let run = spawn(&project, &["rollback", "--yes"]);
    crate::support::eventually("it waits for the lock", || {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = 'co_shown' \
                   AND application_name LIKE 'cargo-db/% lock'";
        !cluster().query("postgres", sql).is_empty()
    });
    add(&project, 51, 100);
    drop(holder);
    let ran = Ran::from(run.wait_with_output().unwrap());
    ran.code(4).says("users has 100 rows, and at most 60 may be lost");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["100"]);
}

/// Waits until a run sleeps in a database whose name matches this LIKE pattern.
fn asleep(database: &str) {
    crate::support::eventually("it sleeps", || {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE datname LIKE '{database}' \
             AND query LIKE '%pg_sleep(3)%' AND pid <> pg_backend_pid()"
        );
        !cluster().query("postgres", &sql).is_empty()
    });
}

#[test]
fn what_is_written_while_a_reset_builds_is_not_lost() {
    let mut project = with_users("co_meanwhile", 20);
    project.set("CARGO_DB_ENV", "staging");
    project.write("seeds/staging/slow.sql", "SELECT pg_sleep(3);");
    for (sql, code, says) in [
        (
            "INSERT INTO users SELECT generate_series(21, 5000)",
            4,
            "users has 5000 rows, and at most 30 may be lost",
        ),
        ("TRUNCATE users; CREATE TABLE came AS SELECT 1 AS one", 3, "the plan changed"),
    ] {
        let run = spawn(&project, &["reset", "--yes", "--confirm", "co_meanwhile"]);
        asleep("co_meanwhile%");
        project.run_sql(sql);
        Ran::from(run.wait_with_output().unwrap()).code(code).says(says);
    }
    assert_eq!(project.query("SELECT one FROM came"), ["1"]);
    let beside = "SELECT datname FROM pg_database WHERE datname LIKE 'co\\_meanwhile\\_\\_%'";
    assert!(cluster().query("postgres", beside).is_empty());
    project.db(&["reset", "--yes", "--confirm", "co_meanwhile"]).ok();
    assert!(cluster().query("postgres", beside).is_empty());
}

/// Runs a reset, and does something after it counted the losses again and before it swaps.
fn before_the_swap(project: &Project, name: &str, meanwhile: impl FnOnce()) -> Ran {
    let run = spawn(project, &["reset", "--yes", "--confirm", name]);
    asleep(&format!("{name}%"));
    let pattern = name.replace('_', "\\_");
    let beside = format!("SELECT datname FROM pg_database WHERE datname LIKE '{pattern}\\_\\_%'");
    let built = cluster().query("postgres", &beside).remove(0);
    let mut holder = cluster().connect("postgres");
    // The swap waits for this lock after it has counted the losses again and terminated the
    // sessions in the old database.
    holder.batch_execute(&format!("BEGIN; COMMENT ON DATABASE \"{built}\" IS 'held'")).unwrap();
    crate::support::eventually("it swaps", || {
        let sql = format!(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND query LIKE 'BEGIN; COMMENT ON DATABASE%{name}%RENAME%'"
        );
        !cluster().query("postgres", &sql).is_empty()
    });
    meanwhile();
    holder.batch_execute("COMMIT").unwrap();
    Ran::from(run.wait_with_output().unwrap())
}

#[test]
fn what_is_written_just_before_the_swap_of_a_reset_is_kept() {
    let mut project = with_users("co_swapped", 20);
    project.set("CARGO_DB_ENV", "staging");
    project.write("seeds/staging/slow.sql", "SELECT pg_sleep(3);");
    let ran = before_the_swap(&project, "co_swapped", || add(&project, 21, 5000));
    ran.code(4)
        .says("users has 5000 rows, and at most 30 may be lost")
        .says("the old one is kept as")
        .says("`cargo db restore --undo` swaps them back");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["1"]);
    project.db(&["restore", "--undo", "--yes", "--confirm", "co_swapped"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM users"), ["5000"]);
}

#[test]
fn reset_succeeds_if_the_old_database_cannot_be_queried_afterwards() {
    let mut project = with_users("co_unseen", 20);
    project.set("CARGO_DB_ENV", "staging");
    project.write("seeds/staging/slow.sql", "SELECT pg_sleep(3);");
    let lock_out = "ALTER DATABASE co_unseen ALLOW_CONNECTIONS false";
    let ran = before_the_swap(&project, "co_unseen", || cluster().run("postgres", lock_out));
    ran.code(8)
        .says("the database was replaced")
        .says("the old one is kept as")
        .says("`cargo db restore --undo` swaps them back");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["1"]);
}

#[test]
fn what_is_written_before_a_statement_drops_it_is_not_lost() {
    let mut project = with_users("co_stepwise", 20);
    project.set("CARGO_DB_ENV", "staging");
    project.migration("2_wait.up.sql", "SELECT pg_sleep(3);");
    project.migration("2_wait.down.sql", "SELECT pg_sleep(3);");
    project.migration("3_drop.up.sql", "-- cargo-db: expect loss users <= 1000\nDROP TABLE users;");
    let run = spawn(&project, &["migrate", "--yes", "--lose-at-most", "users=30"]);
    asleep("co_stepwise");
    add(&project, 21, 500);
    let ran = Ran::from(run.wait_with_output().unwrap());
    ran.code(4).says("users has 500 rows, and at most 30 may be lost");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["500"]);
    // The same holds for a rollback: the rows are written while the first down file runs.
    project.run_sql("DELETE FROM users WHERE id > 20");
    std::fs::remove_file(project.path().join("migrations/3_drop.up.sql")).unwrap();
    project.db(&["migrate", "--yes"]).ok();
    let run = spawn(&project, &["rollback", "--yes", "--steps", "2"]);
    asleep("co_stepwise");
    add(&project, 21, 500);
    let ran = Ran::from(run.wait_with_output().unwrap());
    ran.code(4).says("users has 500 rows, and at most 30 may be lost");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["500"]);
    project.db(&["rollback", "--yes"]).ok();
}

#[test]
fn a_bound_needs_an_object_that_is_lost() {
    let project = with_users("co_words", 5);
    let reset = ["reset", "--force", "--lose-at-most"];
    for (bounds, code, says) in [
        ("posts=5", 2, "names objects that this plan does not lose: posts"),
        ("users", 2, "is not OBJECT=ROWS"),
        ("users=4", 4, "users has 5 rows, and at most 4 may be lost"),
        ("users=5", 0, ""),
    ] {
        project.db(&[&reset[..], &[bounds]].concat()).code(code).says(says);
    }
    project
        .run_sql("CREATE TABLE \"a,b=c \"\"d\" (id int); INSERT INTO \"a,b=c \"\"d\" VALUES (1)");
    let mut agent = project;
    agent.set("CLAUDECODE", "1");
    agent.agreed(&["reset"]).ok();
}

#[test]
fn a_bound_that_is_passed_applies_even_without_consent() {
    let project = with_users("co_typed", 5);
    project.migration(
        "2_drop.sql",
        "INSERT INTO users SELECT n FROM generate_series(6, 500) n; DROP TABLE users;",
    );
    let bounded = ["migrate", "--migrations-dir", "migrations", "--lose-at-most", "users=30"];
    let ran = project.db(&bounded).code(4);
    ran.says("users has 500 rows, and at most 30 may be lost")
        .says("cargo db migrate --migrations-dir migrations --dry-run");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["5"]);
    // Without a prompt and without `--lose-at-most`, the counted rows are not a bound.
    project.db(&["migrate"]).ok();
}

#[test]
fn what_a_file_has_committed_before_it_is_refused_is_reported() {
    let project = with_users("co_committed", 5);
    project.write("go.mod", "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n");
    project.write("db.toml", "[migrations]\ntool = \"golang-migrate\"\n");
    project.run_sql("DROP TABLE _sqlx_migrations");
    project.db(&["baseline", "--to", "1", "--yes"]).ok();
    project.migration(
        "2_drop.up.sql",
        "BEGIN;\nCREATE TABLE x (id int);\nCOMMIT;\n\
         INSERT INTO users SELECT n FROM generate_series(6, 500) n;\nDROP TABLE users;",
    );
    let ran = project.db(&["migrate", "--lose-at-most", "users=30"]).code(8);
    ran.says("migration `2 drop` stopped part-way: more rows would be lost than the plan allows")
        .says("  CREATE TABLE x (id int)");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["5"]);
    assert_eq!(project.query("SELECT count(*) FROM x"), ["0"]);
}

#[test]
fn a_file_that_has_committed_is_not_retried_for_waiting_sessions() {
    let project = with_users("co_waited", 5);
    project.write("go.mod", "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n");
    project.write(
        "db.toml",
        "[migrations]\ntool = \"golang-migrate\"\n[migrate]\nmax-blocking = \"100ms\"\n",
    );
    project.run_sql("DROP TABLE _sqlx_migrations");
    project.db(&["baseline", "--to", "1", "--yes"]).ok();
    project.migration(
        "2_note.up.sql",
        "BEGIN;\nCREATE TABLE x (id int);\nCOMMIT;\n\
         ALTER TABLE users ALTER COLUMN note SET NOT NULL;\nSELECT pg_sleep(3);",
    );
    let run = spawn(&project, &["migrate"]);
    asleep("co_waited");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["5"]);
    let ran = Ran::from(run.wait_with_output().unwrap());
    ran.code(8).says("other sessions waited for it too long").says("  CREATE TABLE x (id int)");
}

#[test]
fn tables_with_one_name_in_several_schemas_are_all_counted() {
    let project = with_users("co_schemas", 5);
    project.run_sql(
        "CREATE SCHEMA a; CREATE SCHEMA b; CREATE TABLE a.t AS SELECT generate_series(1, 5) id; \
         CREATE TABLE b.t AS SELECT generate_series(1, 1000) id",
    );
    let drop = "SET search_path TO a; DROP TABLE t; SET search_path TO b; DROP TABLE IF EXISTS t; \
                DROP TABLE IF EXISTS t; RESET search_path;";
    project.migration("2_tenants.up.sql", drop);
    project.migration("2_tenants.down.sql", "SELECT 1;");
    let plan = project.db(&["migrate", "--dry-run", "--json"]).json();
    let lost = plan["plan"]["steps"][1]["losses"].as_array().unwrap();
    assert_eq!((lost.len(), &lost[0]["rows"]), (1, &1005.into()), "{plan:#}");
    project.db(&["migrate", "--lose-at-most", "t=1004"]).code(4).says("t has 1005 rows");
    project.db(&["migrate", "--lose-at-most", "t=1005"]).ok();
    // The same holds for a down file.
    project.run_sql(
        "CREATE TABLE a.t AS SELECT generate_series(1, 5) id; \
         CREATE TABLE b.t AS SELECT generate_series(1, 1000) id",
    );
    project.migration("2_tenants.down.sql", drop);
    let plan = project.db(&["rollback", "--dry-run", "--json"]).ok().json();
    assert_eq!(plan["plan"]["lose_at_most"], "t=1016", "{plan:#}");
}

#[test]
fn a_large_table_is_counted_before_it_is_locked() {
    for (name, rows, code, says) in [
        ("co_small", 100, 7, "lock timeout"),
        ("co_too_large", 9_000, 4, "users has 9300 rows, and at most 9100 may be lost"),
    ] {
        let project = with_users(name, 0);
        // One row fills a page.
        project.run_sql(&format!(
            "ALTER TABLE users ALTER note SET STORAGE PLAIN; \
             INSERT INTO users SELECT n, repeat('x', 7500) FROM generate_series(1, {rows}) n"
        ));
        project.migration("2_wait.sql", "SELECT pg_sleep(3);");
        project.migration("3_drop.sql", "DROP TABLE users;");
        let bound = format!("users={}", rows + 100);
        project.write("db.toml", "[migrate]\nattempts = 1\nddl-lock-timeout = \"200ms\"\n");
        let run = spawn(&project, &["migrate", "--lose-at-most", &bound]);
        asleep(name);
        add(&project, rows + 1, rows + 300);
        let mut holder = cluster().connect(name);
        holder.batch_execute("BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE").unwrap();
        Ran::from(run.wait_with_output().unwrap()).code(code).says(says);
    }
}
