//! The verbs, with inputs that take them long enough to be hit, and what must hold in between.

use crate::scene::Run;
use crate::stage::{Mark, Stage};

/// A verb that is struck by faults.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// Brings files and database to where the verb begins.
    pub(crate) prepare: fn(&Run),
    /// Whether the work is done; an error where history, schema and rows do not agree.
    pub(crate) is_done: fn(&Run) -> Result<bool, String>,
    /// Whether exit code 7 and its message are true: the database is as before the failed step.
    pub(crate) is_as_said: fn(&Run, &str) -> Result<bool, String>,
    /// How many databases may be kept by two runs.
    pub(crate) keeps: usize,
    /// Whether it works in the database, and not in the backups folder.
    pub(crate) is_of_the_server: bool,
    pub(crate) mark: Mark,
    pub(crate) window: Window,
    /// What is set for its runs.
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

/// Where most of the strikes fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Change,
    /// Before the change, while scratch databases exist.
    Preparation,
}

impl Window {
    pub(crate) fn stage(self) -> Stage {
        match self {
            Window::Change => Stage::Change,
            Window::Preparation => Stage::Before,
        }
    }
}

/// No prompts, and no backup before the change.
const TEST: &[(&str, &str)] = &[("CARGO_DB_ENV", "test")];
const REHEARSED: &[(&str, &str)] = &[("CARGO_DB_REHEARSE", "1")];

const MIGRATIONS: u32 = 6;
const ROLLBACK: &[&str] = &["rollback", "--to", "3", "--yes"];
const BASELINED: u32 = 300;
const REPAIRED: u32 = 30;

/// Every verb that changes something.
pub(crate) fn all() -> Vec<Case> {
    let case = |name, arguments, prepare, is_done| Case {
        name,
        arguments,
        prepare,
        is_done,
        is_as_said: |_, _| Ok(true),
        keeps: 0,
        is_of_the_server: true,
        mark: Mark::Trail,
        window: Window::Change,
        variables: &[],
    };
    let of_files = |case: Case| Case { is_of_the_server: false, ..case };
    let test = |case: Case| Case { variables: TEST, ..case };
    vec![
        Case {
            is_as_said: |run, said| Ok(applied(run)? == 1 + steps(said, "Applied")),
            ..test(case("migrate", &["migrate"], |run| migrations(run, 1), all_applied))
        },
        Case {
            window: Window::Preparation,
            variables: REHEARSED,
            ..case("rehearsal", &["migrate"], |run| migrations(run, 1), all_applied)
        },
        Case {
            is_as_said: |run, said| Ok(applied(run)? + steps(said, "Reverted") == MIGRATIONS),
            ..test(case("rollback", ROLLBACK, all_migrated, three_applied))
        },
        test(case("seed", &["seed"], seeds, seeded)),
        test(case("reset", &["reset", "--yes"], to_reset, is_reset)),
        Case {
            keeps: 2,
            ..case("restore", &["restore", "the.backup", "--yes"], damaged, is_restored)
        },
        case("restore-table", &["restore", "parts", "--table", "t", "--yes"], damaged, is_restored),
        case("restore-clean", &["restore", "parts", "--clean", "--yes"], damaged, is_restored),
        case("snapshot-save", &["snapshot", "save"], rows, is_saved),
        Case {
            keeps: 2,
            ..case("snapshot-restore", &["snapshot", "restore", "--yes"], to_go_back, is_restored)
        },
        of_files(Case { mark: Mark::Backup, ..case("backup", &["backup"], damaged, backed_up) }),
        of_files(case("prune", &["backups", "prune", "--yes"], many_backups, pruned)),
        case("baseline", &["baseline", "--yes"], to_baseline, baselined),
        case("repair", &["repair", "--yes"], to_repair, repaired),
        case("env-set", &["env", "set", "staging", "--yes"], |run| migrations(run, 1), marked),
    ]
}

/// Migrations that each create a table with rows; the first ones are applied.
fn migrations(run: &Run, applied: u32) {
    for number in 1..=MIGRATIONS {
        let up = format!(
            "CREATE TABLE m{number} (id int PRIMARY KEY, text text);\n\
             INSERT INTO m{number} SELECT n, repeat('x', 50) FROM generate_series(1, 500) n;\n\
             SELECT pg_sleep(0.02);\n"
        );
        let down = format!("DROP TABLE m{number};\nSELECT pg_sleep(0.02);\n");
        run.project.migration(&format!("{number}_m.up.sql"), &up);
        run.project.migration(&format!("{number}_m.down.sql"), &down);
    }
    run.db(&["migrate", "--to", &applied.to_string()]).ok();
}

fn all_migrated(run: &Run) {
    migrations(run, MIGRATIONS);
}

/// How many steps a run has said to have finished.
fn steps(said: &str, done: &str) -> u32 {
    let is_step = |line: &&str| line.trim_start().starts_with(done) && line.contains(" in ");
    u32::try_from(said.lines().filter(is_step).count()).expect("a few")
}

/// How many migrations are applied; each with its table and all its rows, and none without.
fn applied(run: &Run) -> Result<u32, String> {
    let mut count = 0;
    for number in 1..=MIGRATIONS {
        let question =
            format!("SELECT count(*) FROM _sqlx_migrations WHERE success AND version = {number}");
        let recorded = run.value(&question) == "1";
        let table = run.value(&format!("SELECT to_regclass('public.m{number}')"));
        let there = !table.is_empty();
        if recorded != there {
            return Err(format!("migration {number}: recorded {recorded}, table {there}"));
        }
        if there && run.value(&format!("SELECT count(*) FROM m{number}")) != "500" {
            return Err(format!("migration {number}: not all rows"));
        }
        count += u32::from(there);
    }
    Ok(count)
}

fn all_applied(run: &Run) -> Result<bool, String> {
    Ok(applied(run)? == MIGRATIONS)
}

fn three_applied(run: &Run) -> Result<bool, String> {
    match applied(run)? {
        found @ 3..=MIGRATIONS => Ok(found == 3),
        found => Err(format!("{found} are applied")),
    }
}

fn seeds(run: &Run) {
    migrations(run, 3);
    for number in 1..=3 {
        let rows: String = (1000..6000).map(|id| format!("{id},seed\n")).collect();
        run.project.write(&format!("seeds/m{number}.csv"), &format!("id,text\n{rows}"));
    }
}

/// All in one transaction, including the records of the seeds.
fn seeded(run: &Run) -> Result<bool, String> {
    let rows = run.value(
        "SELECT (SELECT count(*) FROM m1 WHERE text = 'seed') \
         + (SELECT count(*) FROM m2 WHERE text = 'seed') \
         + (SELECT count(*) FROM m3 WHERE text = 'seed')",
    );
    let memory = match run.value("SELECT to_regclass('cargo_db.seeds')").as_str() {
        "" => "0".to_owned(),
        _ => run.value("SELECT count(*) FROM cargo_db.seeds"),
    };
    match (rows.as_str(), memory.as_str()) {
        ("0", "0") => Ok(false),
        ("15000", "3") => Ok(true),
        other => Err(format!("rows and memory: {other:?}")),
    }
}

fn to_reset(run: &Run) {
    seeds(run);
    run.db(&["migrate"]).ok();
    run.sql("CREATE TABLE old AS SELECT generate_series(1, 1000) AS id");
}

fn is_reset(run: &Run) -> Result<bool, String> {
    let old = !run.value("SELECT to_regclass('public.old')").is_empty();
    if applied_with_seeds(run)? != MIGRATIONS {
        return Err("not all migrations".to_owned());
    }
    let seeded = seeded(run)?;
    if old == seeded {
        return Err(format!("old table {old}, seeds {seeded}"));
    }
    Ok(!old)
}

/// The same as [`applied`], whatever the seeds added.
fn applied_with_seeds(run: &Run) -> Result<u32, String> {
    let mut count = 0;
    for number in 1..=MIGRATIONS {
        let sql = format!("SELECT count(*) FROM m{number} WHERE text <> 'seed'");
        if run.value(&sql) != "500" {
            return Err(format!("migration {number}: not all rows"));
        }
        count += 1;
    }
    let history = run.value("SELECT count(*) FROM _sqlx_migrations WHERE success");
    if history == count.to_string() { Ok(count) } else { Err(format!("history has {history}")) }
}

/// A table that has lost rows since the backups.
fn rows(run: &Run) {
    run.project.migration("1_t.sql", "CREATE TABLE t (id int PRIMARY KEY, text text);");
    run.db(&["migrate"]).ok();
    run.sql("INSERT INTO t SELECT n, repeat(md5(n::text), 4) FROM generate_series(1, 30000) n");
}

/// Whether there is a snapshot. None is incomplete, and no row is lost.
fn is_saved(run: &Run) -> Result<bool, String> {
    if !is_restored(run)? {
        return Err("rows are lost".to_owned());
    }
    let incomplete = format!(
        "SELECT count(*), count(*) FILTER (WHERE datallowconn OR NOT starts_with(coalesce( \
         shobj_description(oid, 'pg_database'), ''), 'cargo-db: snapshot ')) \
         FROM pg_database WHERE starts_with(datname, '{}__snap_')",
        run.name
    );
    match run.value(&incomplete).split_once('|') {
        Some((saved, "0")) => Ok(saved != "0"),
        other => Err(format!("incomplete snapshots: {other:?}")),
    }
}

fn to_go_back(run: &Run) {
    rows(run);
    run.db(&["snapshot", "save", "whole", "--pin"]).ok();
    run.sql("DELETE FROM t WHERE id > 100");
}

fn damaged(run: &Run) {
    rows(run);
    run.db(&["backup", "-o", "the.backup"]).ok();
    run.db(&["backup", "--format", "custom", "-o", "parts"]).ok();
    run.sql("DELETE FROM t WHERE id > 100");
}

fn is_restored(run: &Run) -> Result<bool, String> {
    let history = run.value("SELECT count(*) FROM _sqlx_migrations WHERE success");
    let sum = run.value("SELECT count(*) || ' ' || sum(id) || ' ' || sum(length(text)) FROM t");
    match (history.as_str(), sum.as_str()) {
        ("1", "30000 450015000 3840000") => Ok(true),
        ("1", "100 5050 12800") => Ok(false),
        other => Err(format!("history and rows: {other:?}")),
    }
}

/// Files of data in the backups folder without a manifest; an error for a manifest without data.
pub(crate) fn lonely(run: &Run) -> Result<Vec<String>, String> {
    let names: Vec<String> = run
        .backups()
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .filter(|name| !name.starts_with('.') && !name.contains(".verified."))
        .filter(|name| !name.ends_with(".partial"))
        .collect();
    let (manifests, data): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.ends_with(MANIFEST));
    let of = |name: &String| name.replace(MANIFEST, "");
    if let Some(ghost) = manifests.iter().find(|name| !data.contains(&of(name))) {
        return Err(format!("{ghost} has no data"));
    }
    Ok(data.into_iter().filter(|name| !manifests.contains(&format!("{name}{MANIFEST}"))).collect())
}

const MANIFEST: &str = ".manifest.json";

/// How many backups count.
fn pairs(run: &Run) -> Result<usize, String> {
    lonely(run)?;
    let manifests = run.backups();
    Ok(manifests.iter().filter(|path| path.to_string_lossy().ends_with(MANIFEST)).count())
}

fn backed_up(run: &Run) -> Result<bool, String> {
    Ok(pairs(run)? > 2)
}

/// Two hundred backups, of which the retention keeps a few.
fn many_backups(run: &Run) {
    run.project.migration("1_t.sql", "CREATE TABLE t (id int PRIMARY KEY);");
    run.db(&["migrate"]).ok();
    run.db(&["backup"]).ok();
    let folder = run.project.path().join("backups");
    let manifest =
        run.backups().into_iter().find(|path| path.to_string_lossy().ends_with(MANIFEST));
    let manifest = manifest.expect("a manifest");
    let text = std::fs::read_to_string(&manifest).expect("its text");
    let name =
        manifest.file_name().expect("a name").to_string_lossy().replace(".manifest.json", "");
    let data = std::fs::read(folder.join(&name)).expect("its data");
    for number in 0..200 {
        let other = format!("{}_{number:03}.sql.gz", run.name);
        let day = format!(
            "20{:02}-{:02}-{:02}T",
            10 + number / 28 / 12,
            1 + number / 28 % 12,
            1 + number % 28
        );
        let dated = text.replace(&name, &other);
        let dated = redated(&redated(&dated, "\"started\"", &day), "\"finished\"", &day);
        std::fs::write(folder.join(&other), &data).expect("a file");
        std::fs::write(folder.join(format!("{other}.manifest.json")), dated).expect("a file");
    }
    let toml = format!("[database]\nname = \"{}\"\n[backup]\nkeep-last = 5\n", run.name);
    run.project.write("db.toml", &toml);
}

/// A manifest with another date after this key.
fn redated(text: &str, word: &str, day: &str) -> String {
    let (before, after) = text.split_once(word).expect("a manifest has it");
    let at = after.find("\"20").expect("a moment");
    format!("{before}{word}{}\"{day}{}", &after[..at], &after[at + "\"2026-01-31T".len()..])
}

fn pruned(run: &Run) -> Result<bool, String> {
    Ok(pairs(run)? <= 6)
}

fn to_baseline(run: &Run) {
    trivial(run, BASELINED);
}

fn trivial(run: &Run, count: u32) {
    for number in 1..=count {
        run.project.migration(&format!("{number}_b.sql"), &format!("SELECT {number};\n"));
    }
}

fn baselined(run: &Run) -> Result<bool, String> {
    let history = match run.value("SELECT to_regclass('public._sqlx_migrations')").as_str() {
        "" => "0".to_owned(),
        _ => run.value("SELECT count(*) FROM _sqlx_migrations WHERE success"),
    };
    match history.as_str() {
        "0" => Ok(false),
        "300" => Ok(true),
        other => Err(format!("{other} of 300 are recorded")),
    }
}

/// Applied files in which a comment has changed.
fn to_repair(run: &Run) {
    trivial(run, REPAIRED);
    run.db(&["baseline", "--yes"]).ok();
    // What a file said when it was applied, git knows.
    for words in
        ["init -q", "add migrations", "-c user.name=t -c user.email=t@t commit -qm applied"]
    {
        let mut git = std::process::Command::new("git");
        let ended = git.args(words.split(' ')).current_dir(run.project.path()).status();
        assert!(ended.expect("git runs").success());
    }
    for number in 1..=REPAIRED {
        let text = format!("-- another comment\nSELECT {number};\n");
        run.project.migration(&format!("{number}_b.sql"), &text);
    }
}

fn repaired(run: &Run) -> Result<bool, String> {
    let history = run.value("SELECT count(*) FROM _sqlx_migrations WHERE success");
    if history != REPAIRED.to_string() {
        return Err(format!("{history} of {REPAIRED} are recorded"));
    }
    let status = run.db(&["status", "--check"]);
    Ok(status.code == Some(0))
}

fn marked(run: &Run) -> Result<bool, String> {
    if run.value("SELECT to_regclass('cargo_db.marker')").is_empty() {
        return Ok(false);
    }
    match run.rows("SELECT environment FROM cargo_db.marker").as_slice() {
        [environment] if environment == "staging" => Ok(true),
        [] => Ok(false),
        other => Err(format!("marked as {other:?}")),
    }
}
