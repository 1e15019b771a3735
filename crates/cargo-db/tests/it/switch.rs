//! `switch`, in real repositories of git: after each change of branch, the database is rolled back
//! to what the branch has, and no further.

use crate::support::{Project, Ran, cluster};

/// A file with its text.
type File<'a> = (&'a str, &'a str);

/// A repository with a database, and how its layout writes migrations.
struct Repository {
    project: Project,
    /// The files of a migration that creates a table, by its version and the name of the table.
    create: fn(u32, &str) -> Vec<(String, String)>,
}

fn pairs(version: u32, table: &str) -> Vec<(String, String)> {
    up_and_down(&format!("migrations/{version}_{table}."), table)
}

/// Two files whose paths differ in their ends.
fn up_and_down(begin: &str, table: &str) -> Vec<(String, String)> {
    vec![
        (format!("{begin}up.sql"), format!("CREATE TABLE {table} (id int);\n")),
        (format!("{begin}down.sql"), format!("DROP TABLE {table};\n")),
    ]
}

impl Repository {
    fn new(name: &str, create: fn(u32, &str) -> Vec<(String, String)>) -> Repository {
        let repository = Repository { project: Project::new(name), create };
        repository.git("init --quiet --initial-branch main");
        repository.project.write(".gitignore", ".db\n.env\nbackups\n");
        repository
    }

    #[track_caller]
    fn git(&self, arguments: &str) {
        self.project.git(&arguments.split(' ').collect::<Vec<_>>());
    }

    fn commit(&self, files: &[File<'_>]) {
        for (path, text) in files {
            self.project.write(path, text);
        }
        self.git("add --all");
        self.git("commit --quiet --allow-empty --message x");
    }

    /// Commits a migration that creates a table to a branch, which is made from the current one.
    fn branch(&self, name: &str, version: u32, table: &str) {
        self.git(&format!("switch --quiet --create {name}"));
        self.add(version, table);
    }

    fn add(&self, version: u32, table: &str) {
        for (path, text) in (self.create)(version, table) {
            self.project.write(&path, &text);
        }
        self.commit(&[]);
    }

    #[track_caller]
    fn db(&self, arguments: &str) -> Ran {
        self.project.db(&arguments.split(' ').collect::<Vec<_>>())
    }

    fn tables(&self) -> String {
        let tables = "SELECT string_agg(relname || coalesce('+' || (\
                          SELECT string_agg(attname, '+') FROM pg_attribute \
                          WHERE attrelid = c.oid AND attname = 'x'), ''), ' ' ORDER BY relname) \
                      FROM pg_class c WHERE relkind = 'r' AND relname !~ 'migrations' \
                      AND relnamespace = 'public'::regnamespace";
        self.project.query(tables).concat()
    }

    /// Changes the branch, switches the database, and applies what is pending: then it has exactly
    /// these tables. Those before the `|` were there after the switch alone.
    #[track_caller]
    fn changes(&self, git: &str, tables: &str) {
        git.split("; ").for_each(|command| self.git(command));
        self.db("switch --yes").ok();
        let (kept, all) = tables.split_once(" | ").unwrap_or((tables, ""));
        assert_eq!(self.tables(), kept, "{git}");
        self.db("migrate").ok();
        let mut all: Vec<&str> = kept.split(' ').chain(all.split(' ')).collect();
        all.retain(|table| !table.is_empty());
        all.sort_unstable();
        assert_eq!(self.tables(), all.join(" "), "{git}");
        self.db("status --check").ok();
        assert_eq!(self.db("status --json").json()["drift"]["state"], "none");
        let nothing = self.db("switch").ok();
        nothing.says("nothing to do: this branch has all migrations that");
        assert!(!self.project.path().join(".db/git").exists());
    }
}

/// `main` has `a`; `f1` has `b` and `c` besides, `f2` has `d`, and `f3` has what `f1` has and `e`.
fn usual(name: &str, create: fn(u32, &str) -> Vec<(String, String)>) -> Repository {
    let repository = Repository::new(name, create);
    repository.add(1, "a");
    repository.branch("f1", 2, "b");
    repository.add(3, "c");
    repository.branch("f3", 5, "e");
    repository.git("switch --quiet main");
    repository.branch("f2", 4, "d");
    repository.git("switch --quiet main");
    repository.db("migrate").ok();
    repository
}

#[test]
fn twenty_changes_of_branch_end_right() {
    let repository = usual("sw_twenty", pairs);
    repository.project.run_sql("INSERT INTO a VALUES (7)");
    repository.changes("switch --quiet f1", "a | b c");
    repository.changes("switch --quiet f2", "a | d");
    repository.changes("switch --quiet main", "a");
    repository.changes("switch --quiet f3", "a | b c e");
    repository.changes("switch --quiet f1", "a b c");
    // Another migration with the version of one of `f1`.
    repository.git("switch --quiet main");
    repository.branch("f4", 2, "other");
    repository.changes("switch --quiet f4", "a | other");
    repository.changes("switch --quiet f1", "a | b c");
    // The same file with another content.
    repository.git("switch --quiet --create f5");
    let wider = "CREATE TABLE b (id int, x int);\n";
    repository.commit(&[("migrations/2_b.up.sql", wider)]);
    repository.changes("switch --quiet f5", "a c | b+x");
    repository.changes("switch --quiet f1", "a c | b");
    // `main` goes on, and is merged.
    repository.git("switch --quiet main");
    repository.add(6, "m");
    repository.changes("switch --quiet main", "a | m");
    repository.changes("switch --quiet f1", "a | b c");
    repository.changes("merge --quiet --no-edit main", "a b c | m");
    repository.changes("switch --quiet f2", "a | d");
    // A branch that is gone, and a commit that was rewritten.
    repository.changes("switch --quiet main; branch --quiet -D f2", "a | m");
    repository.changes("switch --quiet --create f6", "a m");
    repository.add(7, "g");
    repository.db("migrate").ok();
    repository.project.write("migrations/7_g.up.sql", "CREATE TABLE g (id int, x int);\n");
    repository.changes("commit --quiet --all --amend --message x", "a m | g+x");
    // What was never committed but is in the stash.
    repository.project.migration("8_s.up.sql", "CREATE TABLE s (id int);\n");
    repository.project.migration("8_s.down.sql", "DROP TABLE s;\n");
    repository.db("migrate").ok();
    repository.changes("stash --quiet --include-untracked; switch --quiet main", "a m");
    repository.changes("switch --quiet f6; stash pop --quiet", "a m | g+x s");
    repository.git("add --all");
    repository.changes("stash --quiet; switch --quiet main", "a m");
    repository.changes("switch --quiet --detach main~1", "a");
    assert_eq!(repository.project.query("SELECT id FROM a"), ["7"]);
}

#[test]
fn the_plan_says_what_goes_and_on_which_branch_it_is() {
    let repository = usual("sw_plan", pairs);
    repository.changes("switch --quiet f1", "a | b c");
    repository.project.run_sql("INSERT INTO b VALUES (1), (2)");
    repository.git("switch --quiet main");
    let plan = repository.db("switch --dry-run").ok();
    plan.says("2 b: on the branch `f1`").says("3 c: on the branch `f1`").says("b: 2 rows");
    repository.db("switch").code(3);
    assert_eq!(repository.tables(), "a b c");
    let json = repository.db("switch --dry-run --json").json();
    let steps = json["plan"]["steps"].as_array().unwrap();
    let reverted = steps.iter().filter(|step| step["kind"] == "revert");
    let reverted: Vec<_> = reverted.map(|step| step["version"].as_str().unwrap()).collect();
    assert_eq!(reverted, ["3", "2"], "{json:#}");
    assert!(!repository.project.path().join(".db/git").exists());
    repository.project.agreed(&["switch"]).ok().says("2 migrations reverted");
    assert_eq!(repository.tables(), "a");
}

#[test]
fn what_git_does_not_have_stops_everything() {
    let repository = usual("sw_lost", pairs);
    repository.changes("switch --quiet f1", "a | b c");
    repository.project.migration("9_own.up.sql", "CREATE TABLE own (id int);\n");
    repository.project.migration("9_own.down.sql", "DROP TABLE own;\n");
    repository.db("migrate").ok();
    for file in ["9_own.up.sql", "9_own.down.sql"] {
        std::fs::remove_file(repository.project.path().join("migrations").join(file)).unwrap();
    }
    repository.git("switch --quiet main");
    let failed = repository.db("switch --yes").code(9);
    failed.says("git has no file of 9 own, as applied").says("cargo db reset");
    assert_eq!(repository.tables(), "a b c own");
}

#[test]
fn a_migration_without_a_down_file_stops_everything() {
    let repository = usual("sw_one_way", pairs);
    repository.git("switch --quiet --create f7");
    repository.commit(&[("migrations/7_w.sql", "CREATE TABLE w (id int);\n")]);
    repository.changes("switch --quiet f7", "a | w");
    repository.git("switch --quiet f1");
    repository.db("switch --yes").code(7).says("7 w");
    assert_eq!(repository.tables(), "a w");
}

#[test]
fn what_cannot_be_rolled_back_goes_to_the_snapshot_of_the_branch() {
    let repository = usual("sw_snapshot", pairs);
    repository.project.run_sql("INSERT INTO a VALUES (7)");
    repository.db("snapshot save of-main").ok();
    repository.changes("switch --quiet f1", "a | b c");
    repository.db("snapshot save of-f1").ok();
    repository.git("switch --quiet --create f7");
    repository.commit(&[("migrations/7_w.sql", "CREATE TABLE w (id int);\n")]);
    repository.db("migrate").ok();
    repository.project.run_sql("DELETE FROM a");
    repository.git("switch --quiet main");
    let plan = repository.db("switch --dry-run").ok();
    plan.says("cannot be rolled back").says("going to the snapshot of-main instead");
    repository.db("switch").code(3);
    assert_eq!(repository.tables(), "a b c w");
    // A snapshot of a migration that has another content by now is not taken.
    repository.commit(&[("migrations/1_a.up.sql", "CREATE TABLE a (id int, x int);\n")]);
    repository.db("switch --yes").code(7).says("7 w");
    repository.git("reset --quiet --hard HEAD~1");
    // The snapshot of `f1` is newer, but its commit is not in the history of `main`.
    repository.db("switch --yes").ok().says("sw_snapshot is as in the snapshot of-main");
    assert_eq!(repository.tables(), "a");
    assert_eq!(repository.project.query("SELECT id FROM a"), ["7"]);
    repository.changes("switch --quiet f1", "a | b c");
}

fn folders(version: u32, table: &str) -> Vec<(String, String)> {
    up_and_down(&format!("migrations/2026-01-0{version}-000000_{table}/"), table)
}

fn marked(version: u32, table: &str) -> Vec<(String, String)> {
    let text = format!(
        "-- migrate:up\nCREATE TABLE {table} (id int);\n-- migrate:down\nDROP TABLE {table};\n"
    );
    vec![(format!("db/migrations/2026010{version}000000_{table}.sql"), text)]
}

fn padded(version: u32, table: &str) -> Vec<(String, String)> {
    up_and_down(&format!("migrations/00000{version}_{table}."), table)
}

#[test]
fn layouts_with_folders_with_one_file_and_with_one_version_in_the_history() {
    for (tool, create) in [
        ("diesel", folders as fn(u32, &str) -> Vec<(String, String)>),
        ("dbmate", marked),
        ("golang-migrate", padded),
    ] {
        let repository = Repository::new(&format!("sw_{}", tool.replace('-', "")), create);
        let name = repository.project.query("SELECT current_database()").concat();
        let settings = format!("[database]\nname = \"{name}\"\n[migrations]\ntool = \"{tool}\"\n");
        repository.project.write("db.toml", &settings);
        repository.add(1, "a");
        repository.branch("f1", 2, "b");
        repository.add(3, "c");
        repository.changes("switch --quiet f1", " | a b c");
        repository.changes("switch --quiet main", "a");
        repository.changes("switch --quiet f1", "a | b c");
    }
}

#[test]
fn a_tool_that_runs_its_migrations_itself_is_named() {
    let repository = usual("sw_tool", pairs);
    repository.changes("switch --quiet f1", "a | b c");
    repository.git("switch --quiet main");
    let settings =
        "[database]\nname = \"sw_tool\"\n[migrations]\ntool = \"sqlx\"\nrunner = \"tool\"\n";
    repository.project.write("db.toml", settings);
    repository.db("switch --yes").code(2).says("`switch` cannot roll back what sqlx itself runs");
    assert_eq!(repository.tables(), "a b c");
}

#[test]
fn a_run_that_is_killed_leaves_whole_migrations_and_the_next_one_goes_on() {
    let repository = usual("sw_killed", pairs);
    repository.git("switch --quiet f1");
    let slow = "DROP TABLE b;\nSELECT pg_sleep(60);\n";
    repository.commit(&[("migrations/2_b.down.sql", slow)]);
    repository.db("migrate").ok();
    repository.git("switch --quiet main");
    let arguments = ["switch", "--yes"];
    let mut running = repository.project.command(&arguments).spawn().unwrap();
    crate::support::eventually("it sleeps", || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' \
                        AND datname = 'sw_killed' AND state = 'active' AND pid <> pg_backend_pid()";
        cluster().query("postgres", sleeping) == ["1"]
    });
    running.kill().unwrap();
    running.wait().unwrap();
    cluster().end_sessions("sw_killed");
    assert_eq!(repository.tables(), "a b");
    // The down file that git has now ends at once.
    repository.git("switch --quiet f1");
    repository.commit(&[("migrations/2_b.down.sql", "DROP TABLE b;\n")]);
    repository.changes("switch --quiet main", "a");
}
