//! Problems that new users meet: the messages name a fix.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use crate::support::{Project, Ran, cluster};

#[test]
fn a_missing_file_is_found_on_its_branch_or_in_its_commit() {
    let mut project = Project::new("n_branch");
    project.set("COLUMNS", "200");
    project.write("README", "");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.git(&["add", "README"]);
    project.git(&["commit", "--quiet", "--message", "first"]);
    project.git(&["checkout", "--quiet", "-b", "feat-a"]);
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "a"]);
    project.db(&["migrate"]).ok();
    project.git(&["checkout", "--quiet", "main"]);
    project.db(&["status"]).ok().says("git has `migrations/1_a.sql` on the branch `feat-a`");
    let on_branch = "git has `migrations/1_a.sql` on the branch `feat-a`";
    project.db(&["migrate"]).code(9).says(on_branch);
    project.db(&["rollback", "--yes"]).code(9).says(on_branch);
    project.git(&["checkout", "--quiet", "feat-a"]);
    project.git(&["rm", "--quiet", "migrations/1_a.sql"]);
    project.git(&["commit", "--quiet", "--message", "gone"]);
    project.db(&["migrate"]).code(9).says("git has `migrations/1_a.sql` in the commit ");
}

#[test]
fn a_folder_whose_up_file_was_deleted_keeps_its_tool() {
    let project = Project::new("n_down_only");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.db(&["migrate"]).ok();
    std::fs::remove_file(project.path().join("migrations/1_a.up.sql")).unwrap();
    project.db(&["status"]).ok().says("sqlx").says("1 applied").says("its file is gone");
    project.db(&["rollback", "--yes"]).code(9).says("its file is gone");
}

#[test]
fn a_missing_table_is_marked_and_the_right_one_is_suggested() {
    let project = Project::new("n_unknown");
    project.migration("1_a.sql", "CREATE TABLE courses (id int PRIMARY KEY);");
    project.db(&["migrate"]).ok();
    project.migration("2_b.sql", "CREATE TABLE marks (\n  course int REFERENCES course\n);");
    project.db(&["migrate"]).code(7).says("2_b.sql:2:25: ").says("did you mean `courses`?");
    project.migration("2_b.sql", "ALTER TABLE courses\n  ADD x int REFERENCES badges;");
    project.migration("3_c.sql", "CREATE TABLE badges (id int PRIMARY KEY);");
    project
        .db(&["migrate"])
        .code(7)
        .says("2_b.sql:2:24: ")
        .says("`migrations/3_c.sql` creates `badges`: that file must come first");
}

#[test]
fn a_file_without_earlier_migrations_gets_no_hint() {
    let project = Project::new("n_earlier");
    let uses = "SELECT * FROM badges;";
    let says_nothing = |project: &Project, verb: &[&str]| {
        let ran = project.db(verb).code(7).says("relation \"badges\" does not exist");
        assert!(!ran.stderr.contains("creates `"), "{ran}");
    };
    // Created and dropped again.
    project.migration("1_a.up.sql", "CREATE SCHEMA app; CREATE TABLE app.badges (id int);");
    project.migration("1_a.down.sql", uses);
    project.migration("2_b.up.sql", "DROP TABLE app.badges;");
    project.migration("2_b.down.sql", "SELECT 1;");
    project.migration("3_c.up.sql", uses);
    project.migration("3_c.down.sql", "SELECT 1;");
    says_nothing(&project, &["migrate"]);
    // A down file uses a table that it has dropped.
    project.migration("3_c.up.sql", "CREATE TABLE badges (id int);");
    project.migration("3_c.down.sql", "DROP TABLE badges; SELECT * FROM badges;");
    project.db(&["migrate"]).ok();
    says_nothing(&project, &["rollback", "--yes"]);
    // Created in a schema that is not in the search path.
    project.migration("4_d.up.sql", "DROP TABLE badges; CREATE TABLE app.badges (id int);");
    project.migration("4_d.down.sql", "SELECT 1;");
    project.migration("5_e.up.sql", uses);
    project.migration("5_e.down.sql", "SELECT 1;");
    let ran = project.db(&["migrate"]).code(7);
    ran.says("`migrations/4_d.up.sql` creates `app.badges`: name the schema");
}

#[test]
fn an_unwritable_trail_is_reported_before_anything_is_done() {
    let project = Project::new("n_trail");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    std::fs::create_dir_all(project.path().join(".db/audit.lock")).unwrap();
    project.db(&["migrate"]).code(7).says("cannot write the audit trail").says("nothing was done");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"]);
}

#[test]
fn a_trail_with_an_unwritable_part_is_left_unchanged() {
    let project = Project::new("n_readonly");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let folder = project.path().join(".db");
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        give_away(project.path());
    }
    let before = std::fs::read(folder.join("audit.jsonl")).unwrap();
    std::fs::write(folder.join("audit.used"), "").unwrap();
    for (path, mode) in [(folder.clone(), 0o555), (folder.join("audit.used"), 0o444)] {
        let usual = std::fs::metadata(&path).unwrap().permissions();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut run = project.command(&["migrate"]);
        if is_root {
            run.uid(NOBODY).gid(NOBODY);
        }
        let ran = Ran::from(run.output().unwrap()).code(7);
        ran.says("cannot write the audit trail").says("nothing was done");
        assert_eq!(std::fs::read(folder.join("audit.jsonl")).unwrap(), before, "{mode:o}");
        std::fs::set_permissions(&path, usual).unwrap();
    }
    assert_eq!(project.query("SELECT to_regclass('b') IS NULL"), ["t"]);
}

/// A user who may do nothing that is forbidden.
const NOBODY: u32 = 12345;

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| give_away(&entry.unwrap().path()));
    }
}

#[test]
fn a_history_that_may_not_be_read_names_its_owner_and_the_grant() {
    let mut project = Project::new("n_rights");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.db(&["migrate"]).ok();
    cluster().run("postgres", "CREATE ROLE n_reader LOGIN");
    let url = cluster().url("n_rights").replace("//postgres@", "//n_reader@");
    project.set("DATABASE_URL", &url);
    for verb in ["status", "migrate"] {
        project
            .db(&[verb])
            .code(7)
            .says("`n_reader` may not read the history table `public._sqlx_migrations`")
            .says("`postgres`, to run `GRANT SELECT ON public._sqlx_migrations TO \"n_reader\"`");
    }
}

/// In git's list, the down file comes before the up file.
#[test]
fn of_a_missing_pair_the_up_file_is_named() {
    let mut project = Project::new("n_pair");
    project.set("COLUMNS", "200");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "a"]);
    project.db(&["migrate"]).ok();
    project.git(&["rm", "--quiet", "-r", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "gone"]);
    for (verb, code) in [("status", 0), ("migrate", 9)] {
        project.db(&[verb]).code(code).says("git has `migrations/1_a.up.sql` in the commit ");
    }
}

#[test]
fn a_rehearsal_suggests_the_right_table_too() {
    let project = Project::new("n_rehearsed");
    project.migration("1_a.sql", "CREATE TABLE courses (id int PRIMARY KEY);");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO courses VALUES (1)");
    project.migration("2_b.sql", "CREATE TABLE marks (course int REFERENCES course);");
    project.db(&["rehearse"]).code(1).says("did you mean `courses`?");
    project.migration("2_b.sql", "ALTER TABLE courses ADD x int REFERENCES badges;");
    project.migration("3_c.sql", "CREATE TABLE badges (id int PRIMARY KEY);");
    project.db(&["rehearse"]).code(1).says("`migrations/3_c.sql` creates `badges`");
}

/// The server knows the column, and where it stands in the statement.
#[test]
fn a_rehearsal_says_where_a_misspelled_column_is() {
    let project = Project::new("n_column");
    project.migration("1_a.up.sql", "CREATE TABLE pupils (id int, email text);");
    project.migration("1_a.down.sql", "DROP TABLE pupils;");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO pupils VALUES (1, 'ada@example.com')");
    project.migration("2_b.up.sql", "SELECT 1;\nUPDATE pupils SET id = length(emial);");
    project.migration("2_b.down.sql", "SELECT 1;");
    let meant = "Perhaps you meant to reference the column \"pupils.email\".";
    project.db(&["rehearse"]).code(1).says("line 2:31 fails").says(meant);
    let found = &project.db(&["rehearse", "--json"]).code(1).json()["migrations"][0]["findings"][0];
    assert_eq!((&found["line"], &found["column"]), (&2.into(), &31.into()));
    let mut migrating = project;
    migrating.set("CARGO_DB_REHEARSE", "1");
    let ran = migrating.db(&["migrate", "--yes"]).code(7).says("2_b.up.sql:2:31: ").says(meant);
    assert_eq!(ran.stderr.matches(meant).count(), 1, "{ran}");
}

#[test]
fn a_receipt_that_cannot_be_written_is_known_before_the_rehearsal() {
    let project = Project::new("n_receipt");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let is_root = rustix::process::geteuid().is_root();
    std::fs::create_dir_all(project.path().join(".db/receipts")).unwrap();
    if is_root {
        give_away(project.path());
    }
    for folder in [".db/receipts", ".db"] {
        let folder = project.path().join(folder);
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
        let mut run = project.command(&["rehearse"]);
        if is_root {
            run.uid(NOBODY).gid(NOBODY);
        }
        let ran = Ran::from(run.output().unwrap()).code(7).says("failed to write");
        assert!(!ran.stderr.contains("Copied"), "{ran}");
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// If it were applied, filling it in would make it an edited file.
#[test]
fn an_empty_migration_is_applied_only_with_a_yes() {
    let mut project = Project::new("n_unwritten");
    project.migration("1_a.sql", "-- still to be written\n");
    let ran = project.db(&["migrate"]).code(3).says("`migrations/1_a.sql` contains no statement");
    ran.says("--yes").says("a migration contains no statement: it is probably not finished");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.migration("2_b.sql", "BEGIN;\nCOMMIT;\n");
    project.migration("3_c.sql", "CREATE TABLE c (id int);");
    // In a new database, an empty file before the last one is assumed to be intended.
    project.db(&["migrate"]).ok().says("`migrations/2_b.sql` contains no statement");
    project.migration("4_d.sql", "");
    project.migration("5_e.sql", "CREATE TABLE e (id int);");
    project.db(&["migrate"]).code(3).says("4_d.sql");
    project.db(&["migrate", "--dry-run"]).ok().says("4_d.sql");
    project.set("CARGO_DB_ENV", "test");
    project.db(&["migrate", "--dry-run"]).ok().says("policy: no confirmation");
    project.set("CARGO_DB_ENV", "development");
    project.db(&["migrate", "--yes"]).ok().says("`migrations/4_d.sql` contains no statement");
}

#[test]
fn an_edited_migration_is_rolled_back_only_where_that_is_possible() {
    let mut project = Project::new("n_edited");
    project.set("COLUMNS", "300");
    for (version, down) in [("1_a", "DROP TABLE a;"), ("2_b", "-- nothing\n")] {
        let table = &version[2..];
        project.migration(&format!("{version}.up.sql"), &format!("CREATE TABLE {table} (id int);"));
        project.migration(&format!("{version}.down.sql"), down);
    }
    project.db(&["migrate"]).ok();
    for version in ["1_a", "2_b"] {
        let table = &version[2..];
        project.migration(&format!("{version}.up.sql"), &format!("CREATE TABLE {table} (n int);"));
    }
    let ran = project.db(&["migrate"]).code(9);
    let ways = "you can also apply it again with `cargo db rollback` (and `--to`, if it is not";
    for (version, can_go) in [("1 `a`", true), ("2 `b`", false)] {
        let line = ran.stderr.lines().find(|line| line.contains(version)).unwrap();
        assert_eq!(line.contains(ways), can_go, "{ran}");
    }
}

/// The language of the project is weak evidence, and a wrong tool would write its history table.
#[test]
fn a_guessed_tool_is_said_with_the_line_that_corrects_it() {
    let mut project = Project::new("n_guess");
    project.set("COLUMNS", "400");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.write("package.json", "{}");
    project.migration("001_t.sql", "CREATE TABLE t (id int);");
    let guessed = "node-pg-migrate is guessed for `migrations`";
    let line = "`tool = \"sqlx\"` below `[migrations]`";
    for verb in [&["status"][..], &["check"], &["migrate", "--dry-run"]] {
        let _ = project.db(verb).ok().says(guessed).says("also fit sqlx").says(line);
    }
    let ran = project.db(&["init"]).ok().says("node-pg-migrate is guessed for migrations");
    let _ = ran.says("change `tool` in db.toml");
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    assert!(toml.contains("# Guessed: the files also fit sqlx"), "{toml}");
    // What db.toml names is no guess, nor what the project or a history says.
    let is_silent = |project: &Project| {
        let ran = project.db(&["status"]).ok().says("node-pg-migrate");
        assert!(!ran.stderr.contains("guessed"), "{ran}");
    };
    is_silent(&project);
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    let dependency = "{\"dependencies\": {\"node-pg-migrate\": \"9\"}}";
    project.write("package.json", dependency);
    is_silent(&project);
    let _ = project.db(&["migrate", "--yes"]).ok();
    project.write("package.json", "{}");
    is_silent(&project);
}

#[test]
fn a_folder_without_a_version_is_no_migration_of_diesel() {
    let mut project = Project::new("n_diesel");
    project.set("COLUMNS", "400");
    project.write("diesel.toml", "");
    project.migration("00000000000000_diesel_initial_setup/up.sql", "SELECT 1;");
    project.migration("2026-01-01-000000_create_posts/up.sql", "CREATE TABLE posts (id int);");
    project.migration("2026-01-01-000000_create_posts/down.sql", "DROP TABLE posts;");
    let _ = project.db(&["migrate"]).ok();
    // diesel records no names.
    let _ = project.db(&["status"]).ok().says("Last         20260101000000 create posts on ");
    let made = project.db(&["create", "x", "--simple"]).ok().stdout;
    assert!(made.starts_with("migrations/20") && made.ends_with("_x/up.sql\n"), "{made}");
    assert!(!made.contains("2026-01-01-000001"), "{made}");
    let folder = project.path().join(made.trim_end());
    std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    project.migration("add_index/up.sql", "CREATE INDEX ON posts (id);");
    let file = "migrations/add_index/up.sql";
    let why = "does not begin with a version";
    for verb in [&["migrate", "--yes"][..], &["rehearse"]] {
        let _ = project.db(verb).code(9).says("misnamed").says(file).says(why);
    }
    let _ = project.db(&["status"]).ok().says("misnamed").says(why);
    let _ = project.db(&["check"]).code(1).says("misnamed-file").says(file);
    // diesel itself would have applied it; what is applied is no problem any more.
    project.run_sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('add')");
    let ran = project.db(&["status"]).ok();
    assert!(!ran.stdout.contains("misnamed"), "{ran}");
}

#[test]
fn a_prisma_folder_without_a_date_beside_dated_ones_is_reported() {
    let project = Project::new("n_prisma");
    let file = |name: &str| format!("prisma/migrations/{name}/migration.sql");
    project.write(&file("add_index"), "SELECT 1;");
    let _ = project.db(&["migrate", "--dry-run"]).ok().says("apply add_index");
    project.write(&file("20260101000000_init"), "CREATE TABLE t (id int);");
    let _ = project.db(&["migrate", "--yes"]).code(9).says("misnamed").says(&file("add_index"));
}

#[test]
fn an_up_part_without_a_statement_is_reported_in_every_layout_with_parts() {
    let layouts = [
        ("node-pg-migrate", "migrations/1_a.sql", "-- Up Migration", "-- Down Migration"),
        ("dbmate", "db/migrations/1_a.sql", "-- migrate:up", "-- migrate:down"),
        ("goose", "migrations/1_a.sql", "-- +goose Up", "-- +goose Down"),
        ("sql-migrate", "migrations/1-a.sql", "-- +migrate Up", "-- +migrate Down"),
    ];
    for (tool, path, up, down) in layouts {
        let mut project = Project::new(&format!("n_part_{}", tool.replace('-', "_")));
        project.set("CARGO_DB_REHEARSE", "1");
        project.run_sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1);");
        project.write("db.toml", &format!("[migrations]\ntool = \"{tool}\"\n"));
        project.write(path, &format!("{up}\n\n{down}\nALTER TABLE t ADD COLUMN x int;\n"));
        let _ = project.db(&["check"]).code(1).says("empty-migration").says(path);
        let _ = project.db(&["rehearse"]).says("empty-migration");
        let _ = project.db(&["migrate"]).code(3).says("contains no statement");
    }
}

/// `repair` compares with the version in git that was applied.
#[test]
fn a_repair_that_would_be_refused_is_not_suggested() {
    let mut project = Project::new("n_repair");
    project.set("COLUMNS", "400");
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    let _ = project.db(&["migrate"]).ok();
    project.migration("1_a.sql", "-- a comment\nCREATE TABLE a (id int);");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let restore = "restore the file as it was applied";
    for verb in [&["migrate"][..], &["rehearse"], &["repair"]] {
        let ran = project.db(verb).code(9).says(restore);
        assert!(!ran.stderr.contains("cargo db repair"), "{ran}");
    }
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "a"]);
    project.migration("1_a.sql", "-- a comment\nCREATE TABLE a (id int);");
    let _ = project.db(&["migrate"]).code(9).says("cargo db repair --dry-run");
    let _ = project.db(&["repair", "--yes"]).ok();
    let _ = project.db(&["migrate"]).ok();
}
