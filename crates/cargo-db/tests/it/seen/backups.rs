//! Backups: taken, listed, verified, pruned, restored and refused.

use crate::support::scene::Scene;

/// Two tables with rows.
fn school(name: &str) -> Scene {
    let scene = Scene::new(name);
    let tables = "CREATE TABLE users (id int PRIMARY KEY, name text);\n\
                  CREATE TABLE log (id int PRIMARY KEY, what text);\n";
    scene.project.migration("1_school.sql", tables);
    scene.project.db(&["migrate"]).ok();
    scene.project.run_sql("INSERT INTO users SELECT n, 'x' FROM generate_series(1, 1200) n");
    scene.project.run_sql("INSERT INTO log SELECT n, 'x' FROM generate_series(1, 30) n; ANALYZE");
    scene
}

#[test]
fn no_backups_yet() {
    let mut scene = Scene::new("seen_none");
    scene.types("backups list").types("backups show").types("backups verify");
    scene.types("backups verify --max-age 24h").types("backups prune");
    scene.types("restore --latest").types("restore --undo").types("restore gone.sql.gz");
    scene.is("backups-none");
}

#[test]
fn backups_taken_listed_and_pruned() {
    let mut scene = school("seen_backup");
    scene.types("backup").types("backup -o before.sql.gz");
    scene.types("backup -o before.sql.gz").types("backup --format custom --table log -o log.dump");
    scene.types("backup --no-verify --no-compress -o fast.sql").types("backups list");
    scene.types("backups show before.sql.gz").types("backups verify --all");
    scene.types("backups verify --max-age 24h").types("backups prune --dry-run");
    scene.exports("BACKUP_RETENTION_DAYS", "0").exports("MAX_BACKUPS", "1");
    scene.types("backups prune").types("backups prune --yes").is("backups");
}

#[test]
fn a_set_of_files() {
    let mut scene = school("seen_set");
    scene.types("backup --format set").types("backups list").is("backups-set");
}

#[test]
fn backups_that_are_not_sound() {
    let mut scene = school("seen_unsound");
    scene.project.db(&["backup", "--no-compress", "-o", "cut.sql"]).ok();
    scene.project.db(&["backup", "--no-compress", "-o", "changed.sql"]).ok();
    scene.project.db(&["backup", "--no-compress", "-o", "gone.sql"]).ok();
    let file = |name: &str| scene.project.path().join("backups").join(name);
    let whole = std::fs::read(file("cut.sql")).unwrap();
    std::fs::write(file("cut.sql"), &whole[..whole.len() / 2]).unwrap();
    let changed = std::fs::read_to_string(file("changed.sql")).unwrap();
    std::fs::write(file("changed.sql"), changed.replacen("600\tx", "600\ty", 1)).unwrap();
    std::fs::remove_file(file("gone.sql")).unwrap();
    scene.note("cut.sql is cut off, a byte of changed.sql is changed, gone.sql is removed");
    scene.types("backups verify --all").types("backups list").types("restore cut.sql --yes");
    scene.types("restore changed.sql --yes").types("restore gone.sql --yes");
    scene.is("backups-unsound");
}

#[test]
fn restore_and_undo() {
    let mut scene = school("seen_restore");
    scene.project.db(&["backup", "-o", "before.sql.gz"]).ok();
    scene.sql("DELETE FROM users WHERE id > 1000; CREATE TABLE later (id int)");
    scene.types("restore before.sql.gz --dry-run").types("restore before.sql.gz");
    scene.types("restore before.sql.gz --yes").types("restore --undo --yes");
    scene.types("restore before.sql.gz --table users --yes");
    scene.project.db(&["backup", "--format", "custom", "-o", "after.dump"]).ok();
    scene.sql("DELETE FROM log").types("restore after.dump --table log --yes");
    scene.types("restore before.sql.gz --into seen_restore_copy --yes");
    scene.types("restore --drop-previous").types("restore --drop-previous --yes").is("restore");
}

/// A small dump with one more line.
fn dump_with(line: &str) -> String {
    format!(
        "--\n-- PostgreSQL database dump\n--\n\n\
         SET client_encoding = 'UTF8';\n\
         CREATE TABLE public.pupils (id integer);\n\
         {line}\n\
         COPY public.pupils (id) FROM stdin;\n1\n2\n\\.\n\n\
         --\n-- PostgreSQL database dump complete\n--\n"
    )
}

#[test]
fn files_that_are_not_restored() {
    let mut scene = school("seen_refused");
    scene.file("deletes.sql", &dump_with("DELETE FROM public.users;"));
    scene.types("restore deletes.sql --yes");
    scene.project.write("shell.sql", &dump_with("\\! touch marker"));
    scene.note("the same with `\\! touch marker`").types("restore shell.sql --yes");
    scene.project.write("owner.sql", &dump_with("ALTER TABLE public.pupils OWNER TO ghost;"));
    scene.note("the same with an owner who does not exist").types("restore owner.sql --yes");
    let whole = dump_with("");
    scene.project.write("cut.sql", whole.split("2\n").next().unwrap());
    scene.note("a dump that is cut off").types("restore cut.sql --yes");
    scene.file("notes.txt", "not a dump\n").types("restore notes.txt --yes");
    scene.types("backup --table nothing").is("restore-refused");
}
