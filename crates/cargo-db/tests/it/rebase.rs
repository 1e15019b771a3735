//! `rebase`, in real repositories of git with real databases.

use std::path::Path;

use crate::support::{Project, Ran, cluster, eventually};

/// A file with its text.
type File<'a> = (&'a str, &'a str);

/// A repository in which a branch and `main` each have migrations that the other has not. The
/// branch is checked out.
struct Branch {
    project: Project,
}

impl Branch {
    fn new(name: &str, first: &[File<'_>], own: &[File<'_>], theirs: &[File<'_>]) -> Branch {
        let branch = Branch { project: Project::new(name) };
        branch.git("init --quiet --initial-branch main");
        branch.write(&[(".gitignore", ".db\n.env\nbackups\n")]);
        branch.commit(first);
        branch.git("switch --quiet --create ours");
        branch.commit(own);
        branch.git("switch --quiet main");
        branch.commit(theirs);
        branch.git("switch --quiet ours");
        branch
    }

    /// The usual one: the branch and `main` each have a migration 2.
    fn usual(name: &str) -> Branch {
        let first = [("migrations/1_a.sql", "CREATE TABLE a (id int);\n")];
        let own = [
            ("migrations/2_b.up.sql", "CREATE TABLE b (id int);\n"),
            ("migrations/2_b.down.sql", "DROP TABLE b;\n"),
            ("migrations/3_c.up.sql", "ALTER TABLE b ADD COLUMN c int;\n"),
            ("migrations/3_c.down.sql", "ALTER TABLE b DROP COLUMN c;\n"),
        ];
        let theirs = [("migrations/2_z.sql", "CREATE TABLE z (id int);\n")];
        Branch::new(name, &first, &own, &theirs)
    }

    /// The same with a later migration on `main`.
    fn later(name: &str) -> Branch {
        let branch = Branch::usual(name);
        branch.git("switch --quiet main");
        branch.git("mv migrations/2_z.sql migrations/5_z.up.sql");
        branch.commit(&[("migrations/5_z.down.sql", "DROP TABLE z;\n")]);
        branch.git("switch --quiet ours");
        branch
    }

    fn write(&self, files: &[File<'_>]) {
        for (path, text) in files {
            self.project.write(path, text);
        }
    }

    fn commit(&self, files: &[File<'_>]) {
        self.write(files);
        self.git("add --all");
        self.git("commit --quiet --allow-empty --message x");
    }

    #[track_caller]
    fn git(&self, arguments: &str) {
        self.project.git(&arguments.split(' ').collect::<Vec<_>>());
    }

    fn db(&self, arguments: &str) -> Ran {
        self.project.db(&arguments.split(' ').collect::<Vec<_>>())
    }

    /// The files of the migrations folder.
    fn files(&self) -> Vec<String> {
        listed(&self.project.path().join("migrations"), "")
    }

    fn versions(&self) -> Vec<String> {
        self.project.query("SELECT version FROM _sqlx_migrations ORDER BY version")
    }

    #[track_caller]
    fn is_clean(&self) {
        assert!(!self.project.path().join(".db/rebase.json").exists());
        self.db("status --check").ok();
    }
}

fn listed(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().into_string().unwrap());
        match entry.path().is_dir() {
            true => found.extend(listed(&entry.path(), &format!("{name}/"))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

#[test]
fn pending_migrations_get_numbers_after_the_merged_ones() {
    let branch = Branch::usual("rb_pending");
    branch.git("merge --quiet --no-edit main");
    branch.db("migrate").code(9);
    let before = branch.files();
    branch.db("rebase --dry-run").ok().says("migrations/2_b.up.sql to migrations/3_b.up.sql");
    assert_eq!(branch.files(), before);
    branch.db("rebase").code(3);
    assert_eq!(branch.files(), before);
    branch.db("rebase --yes").ok().says("2 migrations renumbered");
    let names = ["1_a.sql", "2_z.sql", "3_b.down.sql", "3_b.up.sql", "4_c.down.sql", "4_c.up.sql"];
    assert_eq!(branch.files(), names);
    branch.db("migrate").ok();
    branch.is_clean();
    branch.db("rebase").ok().says("nothing to do: the unmerged migrations run after");
    assert_eq!(branch.files(), names);
}

#[test]
fn the_revision_need_not_be_merged_into_the_branch_yet() {
    let branch = Branch::usual("rb_unmerged");
    branch.db("rebase --onto main --yes").ok();
    let names = ["1_a.sql", "3_b.down.sql", "3_b.up.sql", "4_c.down.sql", "4_c.up.sql"];
    assert_eq!(branch.files(), names);
    branch.db("rebase --onto nowhere").code(2).says("git knows no commit `nowhere` here");
    let lone = Project::new("rb_lone");
    lone.migration("1_a.sql", "CREATE TABLE a (id int);\n");
    lone.db(&["rebase"]).code(2).says("--onto REV");
}

/// A repository whose branch has the migrations 2 and 3, and `main` a later one, with a database in
/// which all of them are applied.
fn all_applied(name: &str) -> Branch {
    let branch = Branch::later(name);
    branch.db("migrate").ok();
    branch.project.run_sql("INSERT INTO b VALUES (7)");
    branch.git("merge --quiet --no-edit main");
    branch.db("migrate").ok();
    branch
}

const MOVED: [&str; 6] =
    ["1_a.sql", "5_z.down.sql", "5_z.up.sql", "6_b.down.sql", "6_b.up.sql", "7_c.down.sql"];

#[test]
fn applied_migrations_move_along_in_the_history() {
    let branch = all_applied("rb_moved");
    let applied = "SELECT installed_on, description FROM _sqlx_migrations \
                   WHERE description IN ('b', 'c') ORDER BY description";
    let before = branch.project.query(applied);
    let backups = listed(&branch.project.path().join("backups"), "");
    branch.db("rebase --dry-run").ok().says("and record it as 6 in the history");
    branch.db("rebase --yes").ok();
    assert_eq!(branch.files()[..6], MOVED);
    assert_eq!(branch.versions(), ["1", "5", "6", "7"]);
    assert_eq!(branch.project.query(applied), before);
    assert_eq!(branch.project.query("SELECT id FROM b"), ["7"]);
    // Nothing is lost, so that no backup is taken.
    assert_eq!(listed(&branch.project.path().join("backups"), ""), backups);
    branch.is_clean();
    branch.db("rollback --yes").ok().says("1 migration reverted");
}

#[test]
fn what_a_merged_migration_has_to_precede_is_rolled_back_first() {
    // Before the merge, and after it, when two files have the version 2.
    for (name, merges) in [("rb_back", false), ("rb_back_merged", true)] {
        let branch = Branch::usual(name);
        branch.db("migrate").ok();
        branch.project.run_sql("INSERT INTO b VALUES (7, 1)");
        if merges {
            branch.git("merge --quiet --no-edit main");
        }
        let plan = branch.db("rebase --dry-run --json").ok().json();
        let steps: Vec<&str> = plan["plan"]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["kind"].as_str().unwrap())
            .collect();
        assert_eq!(steps, ["backup", "revert", "revert", "renumber", "renumber"], "{plan:#}");
        assert!(plan["plan"]["lose_at_most"].as_str().unwrap().contains("b"), "{plan:#}");
        branch.db("rebase").code(3);
        branch.db("rebase --yes").ok().says("2 migrations renumbered");
        assert_eq!(branch.versions(), ["1"]);
        assert!(branch.project.path().join("backups").exists());
        if !merges {
            branch.git("add --all");
            branch.git("commit --quiet --message renumbered");
            branch.git("merge --quiet --no-edit main");
        }
        branch.db("migrate").ok();
        assert_eq!(branch.versions(), ["1", "2", "3", "4"]);
        branch.is_clean();
    }
}

#[test]
fn an_edited_migration_is_rolled_back_first_and_keeps_its_edit() {
    let branch = all_applied("rb_edited");
    let text = "CREATE TABLE b (id int, more text);\n";
    branch.project.migration("2_b.up.sql", text);
    branch.db("rebase --yes").ok();
    let now = std::fs::read_to_string(branch.project.path().join("migrations/6_b.up.sql")).unwrap();
    assert_eq!(now, text);
    // The merged one that was applied after it was rolled back too.
    assert_eq!(branch.versions(), ["1"]);
    branch.db("migrate").ok();
    branch.is_clean();
}

#[test]
fn a_history_without_checksums_leaves_open_which_file_is_applied() {
    let first = [("migrations/000001_a.up.sql", "CREATE TABLE a (id int);\n")];
    let own = [("migrations/000002_b.up.sql", "CREATE TABLE b (id int);\n")];
    let theirs = [("migrations/000002_z.up.sql", "CREATE TABLE z (id int);\n")];
    let branch = Branch::new("rb_ambiguous", &first, &own, &theirs);
    let settings = "[database]\nname = \"rb_ambiguous\"\n[migrations]\ntool = \"golang-migrate\"\n";
    branch.project.write("db.toml", settings);
    branch.db("migrate").ok();
    branch.git("merge --quiet --no-edit main");
    let before = branch.files();
    let failed = branch.db("rebase --yes --json").code(9);
    assert_eq!(failed.json()["error"]["code"], "REBASE.AMBIGUOUS", "{failed}");
    assert_eq!(branch.files(), before);
}

#[test]
fn no_file_is_replaced() {
    let branch = all_applied("rb_taken");
    branch.project.migration("6_b.down.sql", "-- mine\n");
    let before = branch.files();
    branch.db("rebase --yes").code(2).says("6_b.down.sql` exists");
    assert_eq!(
        (branch.files(), branch.versions()),
        (before, ["1", "2", "3", "5"].map(Into::into).into())
    );
}

#[test]
fn only_development_and_test_databases_are_rebased() {
    let mut branch = all_applied("rb_where");
    let before = branch.files();
    for environment in ["staging", "production"] {
        branch.project.set("CARGO_DB_ENV", environment);
        branch.db("rebase --dry-run").code(4);
        branch.db("rebase --yes").code(4).says("refused in");
        assert_eq!(branch.files(), before);
    }
    branch.project.set("CARGO_DB_ENV", "test");
    branch.db("rebase").ok();
    branch.is_clean();
}

#[test]
fn files_are_renamed_without_a_database() {
    let mut branch = Branch::usual("rb_absent");
    branch.project.set("DATABASE_URL", &cluster().url("rb_absent_too"));
    branch.db("rebase --onto main --yes").ok();
    assert!(branch.files().contains(&"3_b.up.sql".to_owned()));
    let made = "SELECT 1 FROM pg_database WHERE datname = 'rb_absent_too'";
    assert_eq!(cluster().query("postgres", made), [""; 0]);
}

#[test]
fn expectations_move_along_with_their_file() {
    let branch = Branch::usual("rb_expect");
    branch.project.write("expect/3.toml", "expect = [\"loss b.c <= 3\"]\n");
    branch.git("merge --quiet --no-edit main");
    branch.db("rebase --yes").ok();
    assert_eq!(listed(&branch.project.path().join("expect"), ""), ["4.toml"]);
    let warned = branch.db("check");
    assert!(!warned.stderr.contains("there is no migration with the version"), "{warned}");
}

/// The runs are killed where they wait for a lock, and at all other places their traces are laid.
#[test]
fn a_killed_run_is_finished_by_the_next_one() {
    let branch = all_applied("rb_killed");
    let path = branch.project.path().to_owned();
    let journal = path.join(".db/rebase.json");
    let mut holder = cluster().connect("rb_killed");
    holder.batch_execute("BEGIN; LOCK TABLE _sqlx_migrations IN SHARE MODE").unwrap();
    let mut run = branch.project.command(&["rebase", "--yes"]).spawn().unwrap();
    eventually("the files are renamed", || path.join("migrations/6_b.up.sql").exists());
    run.kill().unwrap();
    run.wait().unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    branch.db("migrate").code(9);
    let (text, whole) = (std::fs::read_to_string(&journal).unwrap(), branch.files());
    let renames: Vec<[String; 2]> =
        serde_json::from_str::<serde_json::Value>(&text).unwrap()["migrations"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|one| {
                serde_json::from_value::<Vec<[String; 2]>>(one["files"].clone()).unwrap()
            })
            .collect();
    assert_eq!(renames.len(), 4);
    let order = |names: &[String]| {
        let at = |name: &str| names.iter().position(|one| one.contains(name)).unwrap();
        at("b.up") < at("c.up")
    };
    for renamed in (0..=4).rev() {
        for [from, to] in &renames[renamed..] {
            if path.join(to).exists() {
                std::fs::rename(path.join(to), path.join(from)).unwrap();
            }
        }
        std::fs::write(&journal, &text).unwrap();
        branch.project.run_sql(
            "UPDATE _sqlx_migrations SET version = version - 4 WHERE description IN ('b', 'c') \
             AND version > 5",
        );
        assert!(order(&branch.files()), "{:?}", branch.files());
        branch.db("rebase --dry-run").ok().says("6");
        branch.db("rebase --yes").ok();
        assert_eq!(
            (branch.files(), branch.versions()),
            (whole.clone(), ["1", "5", "6", "7"].map(Into::into).into())
        );
        branch.is_clean();
    }
    // Killed at the very end.
    std::fs::write(&journal, &text).unwrap();
    branch.db("rebase --yes").ok().says("nothing to do");
    branch.is_clean();
    // On another branch, or with another database, it says what is left.
    std::fs::write(&journal, &text).unwrap();
    let elsewhere = cluster().url("postgres");
    branch.db(&format!("rebase --yes --database-url {elsewhere}")).code(2).says(".db/rebase.json");
    branch.git("stash --quiet --include-untracked");
    branch.git("switch --quiet main");
    std::fs::create_dir_all(path.join(".db")).unwrap();
    std::fs::write(&journal, &text).unwrap();
    branch.db("rebase --yes").code(2).says("its files are not in the working tree");
}

#[test]
fn a_run_that_is_killed_while_it_rolls_back_is_repeated() {
    let branch = Branch::usual("rb_killed_back");
    branch.db("migrate").ok();
    let mut holder = cluster().connect("rb_killed_back");
    holder.batch_execute("BEGIN; LOCK TABLE b IN ACCESS SHARE MODE").unwrap();
    let mut run = branch.project.command(&["rebase", "--onto", "main", "--yes"]).spawn().unwrap();
    let waits = "SELECT 1 FROM pg_stat_activity WHERE datname = 'rb_killed_back' \
                 AND wait_event_type = 'Lock'";
    eventually("the rollback waits", || !cluster().query("postgres", waits).is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    assert!(branch.files().contains(&"2_b.up.sql".to_owned()));
    branch.db("rebase --onto main --yes").ok();
    assert_eq!(branch.versions(), ["1"]);
    assert!(branch.files().contains(&"3_b.up.sql".to_owned()));
}

/// Files of a tool: the first migration, that of the branch, and that of `main`.
struct Layout {
    tool: &'static str,
    dir: &'static str,
    files: [&'static [File<'static>]; 3],
    /// What the files of the branch become; `*` stands for the time.
    renamed: &'static [&'static str],
    /// Whether the record in the history moves along.
    moves: bool,
}

const A: &str = "CREATE TABLE a (id int);\n";
const B: &str = "CREATE TABLE b (id int);\n";
const Z: &str = "CREATE TABLE z (id int);\n";
const NO_B: &str = "DROP TABLE b;\n";
const NO_Z: &str = "DROP TABLE z;\n";

const LAYOUTS: &[Layout] = &[
    Layout {
        tool: "sqlx",
        dir: "migrations",
        files: [
            &[("20260101000000_a.sql", A)],
            &[("20260102000000_b.sql", B)],
            &[("20260105000000_z.sql", Z)],
        ],
        renamed: &["20*_b.sql"],
        moves: true,
    },
    Layout {
        tool: "diesel",
        dir: "migrations",
        files: [
            &[("2026-01-01-000000_a/up.sql", A)],
            &[
                ("2026-01-02-000000_b/up.sql", B),
                ("2026-01-02-000000_b/down.sql", NO_B),
                ("2026-01-02-000000_b/metadata.toml", "run_in_transaction = true\n"),
            ],
            &[("2026-01-05-000000_z/up.sql", Z)],
        ],
        renamed: &["20*-*-*-*_b/down.sql", "20*-*-*-*_b/metadata.toml", "20*-*-*-*_b/up.sql"],
        moves: true,
    },
    Layout {
        tool: "refinery",
        dir: "migrations",
        files: [&[("V1__a.sql", A)], &[("V2__b.sql", B)], &[("V5__z.sql", Z)]],
        renamed: &["V6__b.sql"],
        moves: true,
    },
    Layout {
        tool: "dbmate",
        dir: "db/migrations",
        files: [
            &[("20260101000000_a.sql", "-- migrate:up\nCREATE TABLE a (id int);\n")],
            &[("20260102000000_b.sql", "-- migrate:up\nCREATE TABLE b (id int);\n")],
            &[("20260105000000_z.sql", "-- migrate:up\nCREATE TABLE z (id int);\n")],
        ],
        renamed: &["20*_b.sql"],
        moves: true,
    },
    Layout {
        tool: "prisma",
        dir: "prisma/migrations",
        files: [
            &[("20260101000000_a/migration.sql", A)],
            &[("20260102000000_b/migration.sql", B), ("20260102000000_b/README.md", "x\n")],
            &[("20260105000000_z/migration.sql", Z)],
        ],
        renamed: &["20*_b/README.md", "20*_b/migration.sql"],
        moves: true,
    },
    Layout {
        tool: "node-pg-migrate",
        dir: "migrations",
        files: [
            &[("1700000000000_a.sql", A)],
            &[("1700000000001_b.sql", B)],
            &[("1700000000005_z.sql", Z)],
        ],
        renamed: &["1*_b.sql"],
        moves: true,
    },
    Layout {
        tool: "goose",
        dir: "migrations",
        files: [
            &[("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n")],
            &[("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n")],
            &[("00005_z.sql", "-- +goose Up\nCREATE TABLE z (id int);\n")],
        ],
        renamed: &["00006_b.sql"],
        moves: true,
    },
    Layout {
        tool: "sql-migrate",
        dir: "migrations",
        files: [
            &[("1-a.sql", "-- +migrate Up\nCREATE TABLE a (id int);\n")],
            &[("2-b.sql", "-- +migrate Up\nCREATE TABLE b (id int);\n")],
            &[("5-z.sql", "-- +migrate Up\nCREATE TABLE z (id int);\n")],
        ],
        renamed: &["6-b.sql"],
        moves: true,
    },
    Layout {
        tool: "supabase",
        dir: "supabase/migrations",
        files: [
            &[("20260101000000_a.sql", A)],
            &[("20260102000000_b.sql", B)],
            &[("20260105000000_z.sql", Z)],
        ],
        renamed: &["20*_b.sql"],
        moves: true,
    },
    Layout {
        tool: "golang-migrate",
        dir: "migrations",
        files: [
            &[("000001_a.up.sql", A)],
            &[("000002_b.up.sql", B), ("000002_b.down.sql", NO_B)],
            &[("000005_z.up.sql", Z), ("000005_z.down.sql", NO_Z)],
        ],
        renamed: &["000006_b.down.sql", "000006_b.up.sql"],
        moves: false,
    },
    Layout {
        tool: "flyway",
        dir: "sql",
        files: [
            &[("V1__a.sql", A), ("R__r.sql", "CREATE OR REPLACE VIEW r AS SELECT 1 AS x;\n")],
            &[
                ("V1.1__b.sql", B),
                ("U1.1__b.sql", NO_B),
                ("V1.1__b.sql.conf", "executeInTransaction=true\n"),
            ],
            &[("V5__z.sql", Z), ("U5__z.sql", NO_Z)],
        ],
        renamed: &["U6__b.sql", "V6__b.sql", "V6__b.sql.conf"],
        moves: false,
    },
];

#[test]
fn every_layout_is_renamed_in_its_own_way() {
    for Layout { tool, dir, files: [first, own, theirs], renamed, moves } in LAYOUTS {
        let name = format!("rb_layout_{}", tool.replace('-', "_"));
        let settings = ("db.toml", format!("[migrations]\ntool = \"{tool}\"\ndir = \"{dir}\"\n"));
        let placed = |files: &[File]| -> Vec<(String, String)> {
            files.iter().map(|(path, text)| (format!("{dir}/{path}"), (*text).to_owned())).collect()
        };
        let first: Vec<_> =
            placed(first).into_iter().chain([(settings.0.to_owned(), settings.1)]).collect();
        let (own, theirs) = (placed(own), placed(theirs));
        let branch = Branch::new(&name, &borrowed(&first), &borrowed(&own), &borrowed(&theirs));
        branch.db("migrate").ok();
        branch.project.run_sql("INSERT INTO b VALUES (7)");
        branch.git("merge --quiet --no-edit main");
        branch.db("migrate").ok();
        let before = listed(&branch.project.path().join(dir), "");
        branch.db("rebase --yes").ok();
        let after = listed(&branch.project.path().join(dir), "");
        let gone = before.iter().filter(|file| !after.contains(file)).count();
        let new: Vec<&String> = after.iter().filter(|file| !before.contains(file)).collect();
        assert_eq!((gone, new.len()), (own.len(), renamed.len()), "{tool}: {after:?}");
        for (name, pattern) in new.iter().zip(*renamed) {
            let pattern = regex::escape(pattern).replace("\\*", "[0-9]+");
            assert!(regex::Regex::new(&format!("^{pattern}$")).unwrap().is_match(name), "{name}");
        }
        if *moves {
            assert_eq!(branch.project.query("SELECT id FROM b"), ["7"], "{tool}");
        } else {
            branch.db("status --check").code(1);
            branch.db("migrate").ok();
        }
        branch.is_clean();
        branch.db("rebase").ok().says("nothing to do");
    }
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

#[test]
fn a_tool_that_has_its_order_elsewhere_is_refused_by_name() {
    for (tool, command) in [
        ("drizzle", "drizzle-kit generate"),
        ("drizzle-1", "drizzle-kit generate"),
        ("graphile-migrate", "graphile-migrate uncommit"),
        ("sea-orm", "sea-orm-cli migrate status"),
        ("typeorm", "typeorm migration:generate"),
        ("alembic", "alembic merge heads"),
        ("django", "makemigrations --merge"),
        ("yoyo", "yoyo list"),
        ("sqitch", "sqitch rebase"),
        ("liquibase", "liquibase status"),
    ] {
        let project = Project::new(&format!("rb_chain_{}", tool.replace('-', "_")));
        project.write("db.toml", &format!("[migrations]\ntool = \"{tool}\"\ndir = \"versions\"\n"));
        project.write("versions/1_a.txt", "");
        project.db(&["rebase", "--yes"]).code(2).says(&format!("of {tool}")).says(command);
    }
}
