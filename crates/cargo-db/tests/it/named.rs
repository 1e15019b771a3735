//! What people call a backup or a dump on the command line.

use std::path::Path;

use crate::support::{Project, Ran};

fn in_folder(project: &Project, folder: &str, arguments: &[&str]) -> Ran {
    let folder = project.path().join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    project.command(arguments).current_dir(folder).output().unwrap().into()
}

fn one_table(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    project
}

#[test]
fn the_path_that_backup_prints_is_the_one_that_restore_takes() {
    let project = one_table("n_path");
    for folder in [".", "seeds", "seeds/more", "backups"] {
        let printed = in_folder(&project, folder, &["backup"]).ok().stdout;
        let path = printed.split(',').next().unwrap();
        assert!(project.path().join(folder).join(path).exists(), "{printed}");
        let other = format!("./{path}");
        for path in [path, &other] {
            in_folder(&project, folder, &["restore", path, "--dry-run"]).ok();
            in_folder(&project, folder, &["backups", "show", path]).ok();
        }
    }
}

#[test]
fn a_relative_path_begins_where_one_stands() {
    let project = one_table("n_here");
    project.db(&["backup", "-o", "good.sql", "--no-compress"]).ok();
    let dump = std::fs::read_to_string(project.path().join("backups/good.sql")).unwrap();
    project.write("here.sql", "this is no dump");
    project.write("seeds/here.sql", &dump);
    in_folder(&project, "seeds", &["restore", "here.sql", "--dry-run"]).ok().says("seeds/here.sql");
    project.db(&["restore", "here.sql", "--dry-run"]).code(11);
    // The name of a backup takes precedence over a file, and `./` selects the file.
    project.write("seeds/good.sql", "this is no dump");
    in_folder(&project, "seeds", &["restore", "good.sql", "--dry-run"]).ok();
    in_folder(&project, "seeds", &["restore", "./good.sql", "--dry-run"]).code(11);
}

#[test]
fn a_number_or_the_beginning_of_a_name_is_enough() {
    let project = one_table("n_number");
    for name in ["first.sql.gz", "second.sql.gz"] {
        project.db(&["backup", "-o", name]).ok();
    }
    project.db(&["backups", "list"]).ok().says("1. second.sql.gz").says("2. first.sql.gz");
    project.db(&["restore", "2", "--dry-run"]).ok().says("first.sql.gz");
    project.db(&["restore", "second", "--dry-run"]).ok().says("second.sql.gz");
    project.db(&["restore", "3", "--dry-run"]).code(11).says("there is no backup `3`");
}

#[test]
fn missing_objects_are_named_by_their_kind() {
    let project = one_table("n_none");
    project.db(&["backup"]).ok();
    let path = "/nowhere/prod.sql.gz";
    assert!(!Path::new(path).exists());
    project.db(&["restore", path]).code(11).says("there is no file `/nowhere/prod.sql.gz`");
    project.db(&["restore", "latest"]).code(2).says("--latest");
}

#[test]
fn the_path_from_the_root_works_in_a_folder_of_the_project() {
    let project = one_table("n_root");
    project.db(&["backup", "-o", "own.sql.gz"]).ok();
    for folder in ["docs", "docs/more", "backups"] {
        for word in ["backups/own.sql.gz", "./backups/own.sql.gz"] {
            let ran = in_folder(&project, folder, &["restore", word, "--dry-run"]).ok();
            let _ = ran.says("build a new database from own.sql.gz and compare it");
        }
        let ran = in_folder(&project, folder, &["restore", "backups/gone.sql.gz"]);
        let _ = ran.code(11).says("cargo db backups list");
        in_folder(&project, folder, &["restore", "other/own.sql.gz"]).code(11);
    }
    // A file that is there is what was typed.
    project.write("docs/backups/own.sql.gz", "this is no dump");
    in_folder(&project, "docs", &["restore", "backups/own.sql.gz", "--dry-run"]).code(11);
}

#[test]
fn a_path_without_its_last_extension_is_enough() {
    let project = one_table("n_extension");
    project.db(&["backup", "-o", "own.sql.gz"]).ok();
    for word in ["own.sql", "backups/own.sql", "backups/own"] {
        project.db(&["restore", word, "--dry-run"]).ok().says("own.sql.gz");
    }
    project.db(&["restore", "backups/ow"]).code(2).says("`own.sql.gz`");
    project.db(&["restore", "backups/1"]).code(11);
}

#[test]
fn for_a_folder_of_backups_the_newest_is_named() {
    let project = one_table("n_folder");
    std::fs::create_dir_all(project.path().join("backups")).unwrap();
    let is = "`backups` is a folder of backups, and not a backup";
    let ran = project.db(&["restore", "backups"]).code(11).says(is);
    let _ = ran.says("cargo db backups list");
    for name in ["first.sql", "second.sql"] {
        project.db(&["backup", "-o", name, "--no-compress"]).ok();
    }
    let command = |ran: &Ran| {
        let next = ran.json()["error"]["next"][0]["command"].clone();
        next.as_str().unwrap().to_owned()
    };
    for (folder, word) in [(".", "backups"), (".", "backups/"), ("seeds", "../backups")] {
        let ran = in_folder(&project, folder, &["restore", word, "--json"]).code(11);
        let typed = command(&ran);
        let path = typed.split_whitespace().nth(3).unwrap();
        assert!(path.ends_with("/second.sql"), "{typed}");
        in_folder(&project, folder, &["restore", path, "--dry-run"]).ok().says("second.sql");
    }
    // The same for backups that were copied to another folder.
    std::fs::rename(project.path().join("backups"), project.path().join("old")).unwrap();
    let ran = project.db(&["restore", "old", "--json"]).code(11);
    assert!(command(&ran).starts_with("cargo db restore old/second.sql"), "{ran}");
    project.db(&["restore", "old/second.sql", "--yes"]).ok();
}

#[test]
fn a_foreign_file_in_the_backup_folder_is_treated_as_a_file() {
    let project = one_table("n_inside");
    project.db(&["backup", "-o", "ours.sql", "--no-compress"]).ok();
    project.db(&["backup", "--format", "set"]).ok();
    let dump = std::fs::read(project.path().join("backups/ours.sql")).unwrap();
    let set = project.path().join("backups/latest");
    let set = std::fs::read_dir(set).unwrap().flatten().next().unwrap().path();
    let files = [project.path().join("backups/theirs.sql"), set.join("theirs.sql")];
    for file in files {
        std::fs::write(&file, &dump).unwrap();
        let file = file.display().to_string();
        project.db(&["restore", &file, "--yes"]).ok();
        assert_eq!(project.query("SELECT id FROM t"), ["1"]);
        // It cannot be verified, because it has no manifest.
        project.db(&["backups", "verify", &file]).code(11).says("with a manifest");
    }
    // A partly written backup cannot be restored.
    let partial = project.path().join("backups/x.sql.partial");
    std::fs::write(&partial, &dump).unwrap();
    project.db(&["restore", &partial.display().to_string(), "--yes"]).code(2);
}

#[test]
fn a_beginning_that_fits_several_backups_lists_them() {
    let project = one_table("n_several");
    for name in ["day_1.sql", "day_2.sql", "night.sql"] {
        project.db(&["backup", "-o", name, "--no-compress"]).ok();
    }
    for verb in [["restore", "day"], ["restore", "day_"]] {
        let ran = project.db(&verb).code(2).says("`day_1.sql`").says("`day_2.sql`");
        assert!(!ran.stderr.contains("night"), "{ran}");
    }
    project.db(&["restore", "dawn"]).code(11).says("there is no backup `dawn`");
    // An empty name would mean the current folder, which is not a backup.
    for word in ["", " "] {
        project.db(&["restore", word]).code(2).says("the name of the backup is empty");
    }
}

#[test]
fn only_a_backup_with_a_manifest_is_compared() {
    let project = one_table("n_compared");
    project.db(&["backup", "-o", "own.sql", "--no-compress"]).ok();
    let compares = "build a new database from own.sql and compare it";
    project.db(&["restore", "own.sql", "--dry-run"]).ok().says(compares);
    let folder = project.path().join("backups");
    std::fs::rename(folder.join("own.sql"), project.path().join("dump.sql")).unwrap();
    let dry = project.db(&["restore", "dump.sql", "--dry-run"]).ok();
    assert!(!dry.stdout.contains("and compare it"), "{dry}");
    dry.says("which has no manifest");
}

#[test]
fn a_backup_that_was_copied_with_its_manifest_is_compared_too() {
    let project = one_table("n_copied");
    project.db(&["backup", "-o", "own.sql", "--no-compress"]).ok();
    let folder = project.path().join("backups");
    for name in ["own.sql", "own.sql.manifest.json"] {
        std::fs::create_dir_all(project.path().join("elsewhere")).unwrap();
        std::fs::copy(folder.join(name), project.path().join("elsewhere").join(name)).unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let file = "migrations/../elsewhere/own.sql";
    std::fs::create_dir_all(project.path().join("migrations")).unwrap();
    project.db(&["restore", file, "--dry-run"]).ok().says("elsewhere/own.sql and compare it");
    project.db(&["restore", file, "--yes"]).ok();
    // A file that is not what the manifest says is refused.
    project.write("elsewhere/own.sql", "SELECT 1;");
    project.db(&["restore", file, "--yes"]).code(11).says("elsewhere/own.sql` failed verification");
    let missing = project.db(&["restore", "elsewhere/../gone.sql"]).code(11);
    missing.says(&format!("there is no file `{}/gone.sql`", project.path().display()));
}
