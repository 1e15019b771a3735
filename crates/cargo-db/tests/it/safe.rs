//! Safe migrations: all or nothing, verification, and the state after a SIGKILL at any moment.

use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::{Project, Ran, cluster, eventually};

const SIX: usize = 6;

/// Migrations that each make a table and take a moment.
fn six(name: &str) -> Project {
    let project = Project::new(name);
    for number in 1..=SIX {
        project.migration(
            &format!("{number}_t{number}.sql"),
            &format!("CREATE TABLE t{number} (id int); SELECT pg_sleep(0.02); INSERT INTO t{number} VALUES ({number});"),
        );
    }
    project
}

fn tables(project: &Project) -> Vec<String> {
    project.query("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1")
}

fn versions(project: &Project) -> Vec<String> {
    project.query("SELECT version FROM _sqlx_migrations ORDER BY 1")
}

#[test]
fn all_or_nothing_in_one_transaction() {
    let project = six("a_one");
    let before = project.content();
    project.migration("5_t5.sql", "CREATE TABLE t5 (id int REFERENCES t1 (nothing));");
    project
        .db(&["migrate", "--all-or-nothing"])
        .code(7)
        .says("the following steps run in one transaction")
        .says("the transaction of all migrations was rolled back");
    assert_eq!(project.content(), before, "not even the history table is there");
    // By default, committed migrations stay, and the message says where it stopped.
    project.db(&["migrate"]).code(7).says("already applied: 4 steps, the last: Applied 4 t4");
    assert_eq!(versions(&project), ["1", "2", "3", "4"]);
    project.migration("5_t5.sql", "CREATE TABLE t5 (id int);");
    project.write("db.toml", "[migrate]\nall-or-nothing = true\n");
    project.db(&["migrate"]).ok().says("in one transaction").says("2 migrations applied");
    project.db(&["status", "--check"]).ok();
}

#[test]
fn what_is_deferred_is_checked_before_the_next_one_runs() {
    let project = Project::new("a_deferred");
    project.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1);");
    project.migration("2_b.sql", "SELECT 1;");
    let before = project.content();
    project
        .db(&["migrate", "--all-or-nothing"])
        .code(7)
        .says("the deferred constraints of migration `1 a`");
    assert_eq!(project.content(), before);
}

/// Six migrations, of which the third runs outside a transaction and the fifth fails.
fn mixed(name: &str) -> (Project, String) {
    let project = six(name);
    project.run_sql("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1), (2)");
    project.migration(
        "3_t3.sql",
        "-- no-transaction\nCREATE TABLE t3 (id int); CREATE INDEX CONCURRENTLY t3_id ON t3 (id);",
    );
    project.migration("5_t5.sql", "SELECT pg_sleep(1); SELECT 1 / 0;");
    let before = project.content();
    (project, before)
}

/// Whether the server counts the sessions of a database in time to know that no other one wrote. If
/// it does not, no backup is swapped back in.
fn counts_sessions() -> bool {
    cluster().major() >= 15
}

#[test]
fn if_one_transaction_is_not_possible_the_backup_is_swapped_back_in() {
    let (project, before) = mixed("a_back");
    let ran = project.db(&["migrate", "--all-or-nothing"]);
    if !counts_sessions() {
        ran.code(8).says("it is unknown whether another session was connected meanwhile");
        assert_eq!(versions(&project), ["1", "2", "3", "4"]);
        return;
    }
    ran.code(7)
        .says("the backup is swapped back in, because 3 runs outside a transaction")
        .says("division by zero")
        .says("the database is unchanged");
    assert_eq!(project.content(), before);
    assert_eq!(
        cluster().query(
            "postgres",
            "SELECT datname FROM pg_database WHERE datname LIKE 'a_back\\_\\_%'"
        ),
        Vec::<String>::new()
    );
    project.migration("5_t5.sql", "SELECT 1;");
    project.db(&["migrate", "--all-or-nothing"]).ok();
}

#[test]
fn a_value_added_to_an_enum_asks_for_more_than_one_transaction() {
    let project = Project::new("a_enum");
    project.migration("1_a.sql", "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE a (m mood);");
    project.db(&["migrate"]).ok();
    project.migration("2_b.sql", "ALTER TYPE mood ADD VALUE 'great';");
    project.migration("3_c.sql", "INSERT INTO a VALUES ('great');");
    project
        .db(&["migrate", "--all-or-nothing", "--dry-run"])
        .ok()
        .says("because 2 adds a value to an enum");
    project.db(&["migrate", "--all-or-nothing"]).ok();
    assert_eq!(project.query("SELECT m FROM a"), ["great"]);
}

#[test]
fn work_of_other_sessions_is_not_lost() {
    // Somebody is connected all the time.
    let (project, _) = mixed("a_others");
    let mut other = cluster().connect("a_others");
    project
        .db(&["migrate", "--all-or-nothing"])
        .code(8)
        .says("was not swapped back in")
        .says("is connected")
        .says("a restore would lose what other sessions have written since")
        .says("cargo db restore a_others_");
    other.batch_execute("SELECT 1").unwrap();
    assert_eq!(versions(&project), ["1", "2", "3", "4"]);

    // A session connects, writes and disconnects.
    let (project, _) = mixed("a_guest");
    let run = start(&project, &["migrate", "--all-or-nothing"]);
    let sleeping =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'a_guest' AND query LIKE '%pg_sleep(1)%'";
    eventually("the fifth one sleeps", || !cluster().query("postgres", sleeping).is_empty());
    project.run_sql("INSERT INTO kept VALUES (3)");
    Ran::from(run.wait_with_output().unwrap())
        .code(8)
        .says("another session was connected meanwhile");
    assert_eq!(project.query("SELECT count(*) FROM kept"), ["3"]);
}

#[test]
fn the_backup_is_swapped_back_in_after_a_signal_too() {
    let (project, before) = mixed("a_signal");
    let run = start(&project, &["migrate", "--all-or-nothing"]);
    let sleeping =
        "SELECT 1 FROM pg_stat_activity WHERE datname = 'a_signal' AND query LIKE '%pg_sleep(1)%'";
    eventually("the fifth one sleeps", || !cluster().query("postgres", sleeping).is_empty());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&run),
        rustix::process::Signal::INT,
    )
    .unwrap();
    Ran::from(run.wait_with_output().unwrap()).code(130).says("the backup was swapped back in");
    assert_eq!(project.content(), before);
}

#[test]
fn staging_is_all_or_nothing_by_itself() {
    let mut project = six("a_staging");
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--dry-run"]).ok().says("all or nothing");
    project.db(&["migrate", "--yes"]).ok();
    let trail = project.db(&["audit", "--database", "--json"]).ok().json();
    assert_eq!(trail["records"][1]["result"], "done");
}

#[test]
fn a_verification_that_fails_is_a_migration_that_fails() {
    let project = six("a_verify");
    project.write("verify/1.sql", "SELECT count(*) = 1 FROM t1;");
    project.write("verify/2.sql", "SELECT true;\nSELECT id FROM t2 WHERE id > 0;");
    project
        .db(&["migrate"])
        .code(7)
        .says("verify/2.sql:2: verification failed: it returned 1 row")
        .says("migration `2 t2` was rolled back");
    assert_eq!(versions(&project), ["1"]);
    project.write("verify/2.sql", "SELECT id FROM t2 WHERE id < 0;");
    project.write("verify/all.sql", "SELECT id FROM t6;");
    project.write("db.toml", "[verify]\nsql = [\"verify/*.sql\"]\n");
    let before = project.content();
    project.db(&["migrate", "--all-or-nothing"]).code(7).says("verify/all.sql:1");
    assert_eq!(project.content(), before);
    project.db(&["migrate"]).code(8).says("verify/all.sql:1").says("every migration was applied");
    assert_eq!(versions(&project).len(), SIX);
    // A query that fails to run is a failed verification. A pattern that matches no file is an
    // error.
    project.write("verify/all.sql", "SELECT nothing FROM t1;\n");
    project.migration("7_t7.sql", "SELECT 1;");
    project.db(&["migrate"]).code(8).says("verify/all.sql:1").says("does not exist");
    project.write("db.toml", "[verify]\nsql = [\"verfy/*.sql\"]\n");
    project.migration("8_t8.sql", "SELECT 1;");
    project.db(&["migrate"]).code(2).says("no file fits");
}

fn start(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Kills a run after so long, and waits until the server has forgotten it.
fn kill_after(project: &Project, arguments: &[&str], delay: Duration) {
    let mut run = start(project, arguments);
    std::thread::sleep(delay);
    let _ = run.kill();
    run.wait().unwrap();
    let sessions = format!(
        "SELECT 1 FROM pg_stat_activity WHERE (datname LIKE '{0}%' OR query LIKE '%{0}%') AND pid <> pg_backend_pid() \
         AND (application_name LIKE 'cargo-db/%' OR application_name LIKE 'pg_%')",
        project.database
    );
    eventually("its sessions are gone", || cluster().query("postgres", &sessions).is_empty());
}

fn put_back(name: &str) {
    let mine = format!(
        "SELECT datname FROM pg_database WHERE datname = '{name}' OR starts_with(datname, '{name}__')"
    );
    for database in cluster().query("postgres", &mine) {
        cluster().run("postgres", &format!("DROP DATABASE \"{database}\" WITH (FORCE)"));
    }
    cluster().run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {name}_template"));
}

fn keep_a_template(name: &str) {
    cluster().end_sessions(name);
    cluster().run("postgres", &format!("CREATE DATABASE {name}_template TEMPLATE {name}"));
}

/// Forty moments, growing until a whole run fits in.
fn moments(whole: Duration) -> impl Iterator<Item = Duration> {
    (0..40).map(move |step| whole * step / 38)
}

fn how_long(run: impl FnOnce() -> Ran) -> Duration {
    let began = std::time::Instant::now();
    run().ok();
    began.elapsed()
}

#[test]
fn a_killed_reset_changed_nothing_or_everything() {
    let project = six("a_kreset");
    project.write("seeds/t1.csv", "id\n7\n");
    project.run_sql("CREATE TABLE old (id int); INSERT INTO old VALUES (1), (2)");
    keep_a_template("a_kreset");
    let before = project.content();
    let whole = how_long(|| project.db(&["reset", "--force"]));
    let after = tables(&project);
    let (mut as_before, mut done) = (0, 0);
    for delay in moments(whole) {
        put_back("a_kreset");
        kill_after(&project, &["reset", "--force"], delay);
        let content = project.content();
        if content == before {
            as_before += 1;
        } else {
            assert_eq!(tables(&project), after, "after {delay:?}");
            assert_eq!(project.query("SELECT count(*) FROM t1"), ["2"]);
            done += 1;
        }
    }
    assert!(as_before > 0, "{as_before} {done}");
    project.db(&["audit"]).ok().says("no outcome recorded (killed");
    project.db(&["audit", "verify"]).ok();
    project.db(&["reset", "--force"]).ok();
    // A run that was killed just after its swap has not counted the losses again yet. The old
    // database is kept, as after a restore.
    let kept = "SELECT datname FROM pg_database WHERE datname LIKE 'a\\_kreset\\_\\_before%'";
    if !cluster().query("postgres", kept).is_empty() {
        project.db(&["restore", "--drop-previous", "--yes"]).ok();
    }
    let left = "SELECT datname FROM pg_database WHERE datname LIKE 'a\\_kreset\\_\\_%'";
    assert_eq!(cluster().query("postgres", left), Vec::<String>::new());
}

#[test]
fn a_killed_batch_is_atomic_or_ends_between_two_migrations() {
    let project = six("a_kbatch");
    project.run_sql("CREATE TABLE old (id int); INSERT INTO old VALUES (1)");
    keep_a_template("a_kbatch");
    let before = project.content();
    for all_or_nothing in [true, false] {
        let arguments: &[&str] =
            if all_or_nothing { &["migrate", "--all-or-nothing"] } else { &["migrate"] };
        let whole = how_long(|| project.db(arguments));
        for delay in moments(whole) {
            put_back("a_kbatch");
            kill_after(&project, arguments, delay);
            let made = tables(&project).iter().filter(|table| table.starts_with('t')).count();
            let recorded = if tables(&project).contains(&"_sqlx_migrations".to_owned()) {
                versions(&project).len()
            } else {
                0
            };
            assert_eq!(made, recorded, "between two migrations, after {delay:?}");
            if all_or_nothing {
                assert!(made == 0 || made == SIX, "{made} after {delay:?}");
                assert!(made == SIX || project.content() == before);
            }
        }
        project.db(arguments).ok();
        assert_eq!(versions(&project).len(), SIX);
        put_back("a_kbatch");
    }
    project.db(&["audit", "verify"]).ok();
}

#[test]
fn others_do_not_wait_long_for_a_migration() {
    let project = Project::new("a_watchdog");
    project.migration(
        "1_t.sql",
        "CREATE TABLE busy (id int); INSERT INTO busy SELECT generate_series(1, 1000);",
    );
    project.db(&["migrate"]).ok();
    project.migration("2_slow.sql", "ALTER TABLE busy ADD COLUMN n int; SELECT pg_sleep(1.5);");
    project.write("db.toml", "[migrate]\nmax-blocking = \"200ms\"\n");
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE datname = 'a_watchdog' AND query LIKE '%pg_sleep(1.5)%'";
    let run = start(&project, &["migrate"]);
    eventually("the migration sleeps", || !cluster().query("postgres", sleeping).is_empty());
    // Whoever reads the busiest table waits for a moment only, and then the migration comes again.
    let began = std::time::Instant::now();
    assert_eq!(project.query("SELECT count(*) FROM busy"), ["1000"]);
    assert!(began.elapsed() < Duration::from_millis(1200), "{:?}", began.elapsed());
    Ran::from(run.wait_with_output().unwrap())
        .ok()
        .says("waits for this migration")
        .says("Retrying");
    assert_eq!(versions(&project), ["1", "2"]);

    // Where they never stop coming, it gives up, and nothing is left of it.
    project.migration("3_slow.sql", "ALTER TABLE busy ADD COLUMN m int; SELECT pg_sleep(1.5);");
    project.write("db.toml", "[migrate]\nmax-blocking = \"100ms\"\nattempts = 2\n");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::SeqCst) {
                project.query("SELECT count(*) FROM busy");
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let ran = project.db(&["migrate"]);
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        ran.code(7).says("other sessions waited for it too long").says("max-blocking");
    });
    assert_eq!(versions(&project), ["1", "2"]);
}
