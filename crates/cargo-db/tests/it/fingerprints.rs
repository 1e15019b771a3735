//! The files of fingerprints: what changes leave, and what is not believed.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::drift::{drifted, migrated};
use crate::support::Project;

/// The file of the database's fingerprint.
fn fingerprint(project: &Project) -> PathBuf {
    let oid = project.query("SELECT oid FROM pg_database WHERE datname = current_database()");
    let end = format!("-{}.txt", oid[0]);
    let files = std::fs::read_dir(project.path().join(".db/drift")).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files.find(|path| path.to_str().unwrap().ends_with(&end)).unwrap()
}

#[test]
fn a_damaged_fingerprint_says_nothing() {
    let project = migrated("drift_damaged");
    let (path, key) = (fingerprint(&project), project.path().join(".db/drift/key"));
    let (text, of_key) =
        (std::fs::read_to_string(&path).unwrap(), std::fs::read_to_string(&key).unwrap());
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    let unreadable = || {
        let said = "unknown: the fingerprint of this database in .db/drift cannot be read";
        let _ = project.db(&["status", "--check"]).ok().says(said);
    };
    let lines: Vec<&str> = text.lines().collect();
    for damaged in [&lines[1..], &lines[..lines.len() / 2], &[&lines[..3], &lines[4..]].concat()] {
        std::fs::write(&path, damaged.join("\n")).unwrap();
        unreadable();
    }
    std::fs::write(&path, &text).unwrap();
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    std::fs::remove_file(&key).unwrap();
    unreadable();
    std::fs::write(&key, of_key).unwrap();
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
}

#[test]
fn hashes_are_made_with_a_key_of_this_user() {
    let (one, other) = (migrated("drift_key_a"), migrated("drift_key_b"));
    let hashes = |project: &Project| -> Vec<(String, String)> {
        let text = std::fs::read_to_string(fingerprint(project)).unwrap();
        let lines = text.lines().skip(1).filter_map(|line| line.split_once('\t'));
        lines.map(|(hash, fact)| (fact.to_owned(), hash.to_owned())).collect()
    };
    let (one_hashes, other_hashes) = (hashes(&one), hashes(&other));
    assert_eq!(one_hashes.len(), other_hashes.len());
    for ((fact, hash), (same, other)) in one_hashes.iter().zip(&other_hashes) {
        assert_eq!(fact, same);
        assert_ne!(hash, other, "{fact}");
    }
    for file in [fingerprint(&one), one.path().join(".db/drift/key")] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn what_prevents_the_fingerprint_is_a_warning() {
    let project = Project::new("drift_warned");
    project.migration("1_a.sql", "CREATE TABLE a ()");
    project.write(".db/drift", "");
    let warned = "there will be no fingerprint of the schema, so drift is unknown: ";
    project.db(&["migrate"]).ok().says(warned);
    project.db(&["status"]).ok().says("there is no fingerprint of this database in .db/drift");
}

#[test]
fn a_restore_leaves_a_fingerprint() {
    let project = migrated("drift_restored");
    let none: [&str; 0] = [];
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    project.db(&["backup", "--format", "custom", "-o", "x.dump"]).ok();
    let json = |project: &Project| project.db(&["status", "--json"]).ok().json()["drift"].clone();
    let _ = project.agreed(&["restore", "x.dump"]).ok();
    // What was restored is what was asked for.
    assert_eq!(json(&project)["state"], "none");
    assert_eq!(json(&project)["since"], "1");
    project.run_sql("DROP VIEW names");
    assert_eq!(drifted(&project), ["view public.names: missing"]);
    // The database that comes back has its own fingerprint.
    let _ = project.agreed(&["restore", "--undo"]).ok();
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    std::fs::remove_file(fingerprint(&project)).unwrap();
    let _ = project.agreed(&["restore", "--undo"]).ok();
    assert_eq!(drifted(&project), ["view public.names: missing"]);
    let _ = project.agreed(&["restore", "--undo"]).ok();
    assert_eq!(drifted(&project), none);
    assert_eq!(json(&project)["since"], "1");
    let _ = project.agreed(&["restore", "--drop-previous"]).ok();
    assert_eq!(drifted(&project), none);
}

#[test]
fn a_restore_in_place_leaves_a_fingerprint() {
    let project = migrated("drift_in_place");
    project.run_sql("ALTER TABLE orders ADD COLUMN old int");
    project.db(&["backup", "--format", "custom", "-o", "x.dump"]).ok();
    project.run_sql("ALTER TABLE users ADD COLUMN age int; ALTER TABLE orders DROP COLUMN old");
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    // Of a part, only what the restore changed is expected.
    let _ = project.agreed(&["restore", "x.dump", "--table", "orders"]).ok();
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    let _ = project.agreed(&["restore", "x.dump", "--clean"]).ok();
    assert_eq!(drifted(&project), [] as [&str; 0]);
    project.run_sql("ALTER TABLE orders DROP COLUMN old");
    assert_eq!(drifted(&project), ["column public.orders.old: missing"]);
}

#[test]
fn a_reset_that_fails_leaves_what_was_known() {
    let project = migrated("drift_reset");
    project.run_sql("ALTER TABLE users ADD COLUMN age int");
    project.migration("2_fails.sql", "SELECT 1 / 0");
    let consent = project.consent(&["reset"]);
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    let ran = project.db(&[&["reset"], &consent[..]].concat());
    assert_ne!(ran.code, Some(0), "{ran}");
    assert_eq!(drifted(&project), ["column public.users.age: added"]);
    std::fs::remove_file(project.path().join("migrations/2_fails.sql")).unwrap();
    let _ = project.agreed(&["reset"]).ok();
    assert_eq!(drifted(&project), [] as [&str; 0]);
}
