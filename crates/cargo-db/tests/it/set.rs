//! `cargo db backup --format set`: every part, from one snapshot, with its place.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::backup::odd;
use crate::support::{Cluster, Project, Ran, cluster, eventually};

fn sets(project: &Project, place: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(project.path().join("backups").join(place));
    let mut paths: Vec<PathBuf> =
        entries.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn latest(project: &Project) -> PathBuf {
    let [set] = sets(project, "latest").try_into().expect("one latest set");
    set
}

fn file_of(set: &Path, holding: &str) -> PathBuf {
    let pattern = format!("{}/**/{holding}", glob::Pattern::escape(set.to_str().unwrap()));
    glob::glob(&pattern).unwrap().flatten().next().unwrap_or_else(|| panic!("no {holding}"))
}

#[test]
fn a_set_has_every_part_and_the_one_before_it_is_archived() {
    let mut project = odd("s_parts");
    let json = project.db(&["backup", "--format", "set", "--jobs", "3", "--json"]).ok().json();
    let set = latest(&project);
    let moment =
        set.file_name().unwrap().to_str().unwrap().strip_prefix("latest_").unwrap().to_owned();
    let part = |path: &str| set.join(path.replace("{ts}", &moment));
    for path in [
        "manifest.json",
        "roles.sql",
        "database_full_{ts}.dump",
        "public/public_schema_{ts}.dump",
        "public/tables/big/schema.sql",
        "public/tables/big/data.sql",
        "Sales%20Dept/Sales%20Dept_schema_{ts}.dump",
        "Sales%20Dept/tables/Order%20%28x%29/data.sql",
    ] {
        let metadata =
            std::fs::metadata(part(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{path}");
    }
    assert_eq!(
        std::fs::metadata(set.join("public/tables")).unwrap().permissions().mode() & 0o777,
        0o700
    );
    assert!(!std::fs::read_to_string(set.join("roles.sql")).unwrap().contains("PASSWORD 'SCRAM"));
    let manifest: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(set.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let odd_one = files
        .iter()
        .find(|file| file["path"] == "Sales%20Dept/tables/Order%20%28x%29/data.sql")
        .unwrap();
    assert_eq!(
        (&odd_one["schema"], &odd_one["table"]),
        (&"Sales Dept".into(), &"Order (x)".into())
    );
    assert_eq!(
        json["backup"]["files"].as_array().unwrap().len(),
        files.len(),
        "the summary lists every part"
    );
    assert_eq!(manifest["tables"]["public.big"]["rows"], 5000);

    // The next one takes its place.
    project.set("GITHUB_EVENT_NAME", "push");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    project.db(&["backup", "--format", "set"]).ok().says("public/tables/big/data.sql");
    let archived = sets(&project, "archive");
    let name = archived[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&format!("{moment}--")) && name.contains("--manual--"), "{name}");
    assert_ne!(latest(&project), set);
    project.db(&["backups", "list"]).ok().says("latest/latest_").says("archive/");
    project.db(&["backups", "verify", "--all", "--level", "restore"]).ok();
    project
        .db(&["backup", "--format", "set", "-o", "x"])
        .code(2)
        .says("`--format set` cannot be combined");

    // Retention handles sets, and keeps foreign files next to them.
    std::fs::create_dir(project.path().join("backups/archive/somebodys")).unwrap();
    project.set("BACKUP_RETENTION_DAYS", "0");
    project.db(&["backups", "prune", "--yes"]).ok().says(&format!("removed archive/{name}"));
    assert_eq!(sets(&project, "archive").len(), 1);
    assert_eq!(sets(&project, "latest").len(), 1);
}

#[test]
fn a_set_comes_back_whole_also_from_elsewhere() {
    let project = odd("s_back");
    let before = project.content();
    project.db(&["backup", "--format", "set"]).ok();
    project.run_sql("DROP TABLE big CASCADE");
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.content(), before);
    // After it was moved, it is recognised by its content.
    let elsewhere = project.path().join("carried");
    std::fs::rename(latest(&project), &elsewhere).unwrap();
    project.run_sql("DROP TABLE big CASCADE");
    project.db(&["restore", "carried", "--yes", "--jobs", "2"]).ok();
    assert_eq!(project.content(), before);
    let part = file_of(&elsewhere, "big/data.sql");
    std::fs::write(&part, std::fs::read_to_string(&part).unwrap().replacen("NaN", "0", 1)).unwrap();
    project.db(&["restore", "carried", "--yes"]).code(11).says("public/tables/big/data.sql");
}

#[test]
fn every_part_comes_from_one_snapshot() {
    let project = odd("s_snapshot");
    let mut holder = cluster().connect("s_snapshot");
    // The dump of everything waits for this lock, and the parts behind it in the queue with it.
    holder.batch_execute("BEGIN; LOCK TABLE pg_transform IN ACCESS EXCLUSIVE MODE").unwrap();
    let run = project.command(&["backup", "--format", "set", "--jobs", "1"]);
    let run = { run }.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = 's_snapshot' AND application_name = 'pg_dump' AND wait_event_type = 'Lock'";
    eventually("pg_dump waits", || !cluster().query("postgres", waiting).is_empty());
    project.run_sql("INSERT INTO big (t) VALUES ('too late')");
    holder.batch_execute("COMMIT").unwrap();
    Ran::from(run.wait_with_output().unwrap()).ok();
    let data = std::fs::read_to_string(file_of(&latest(&project), "big/data.sql")).unwrap();
    assert!(!data.contains("too late"));
    project.db(&["backups", "verify"]).ok();
}

#[test]
fn swapped_missing_and_edited_parts_are_found_by_name() {
    let project = odd("s_corrupt");
    project.db(&["backup", "--format", "set"]).ok();
    let set = latest(&project);
    let (big, child) = (file_of(&set, "big/data.sql"), file_of(&set, "child/data.sql"));
    let swap = || {
        std::fs::rename(&big, set.join("x")).unwrap();
        std::fs::rename(&child, &big).unwrap();
        std::fs::rename(set.join("x"), &child).unwrap();
    };
    swap();
    project.db(&["backups", "verify"]).code(11).says("size: `public/tables/big/data.sql`");
    project.db(&["restore", "--latest", "--yes"]).code(11).says("failed verification");
    // With a forged manifest, the content of the files shows the damage.
    let manifest_path = set.join("manifest.json");
    let manifest = std::fs::read_to_string(&manifest_path).unwrap();
    let renamed = manifest
        .replace("public/tables/big/data.sql", "?")
        .replace("public/tables/child/data.sql", "public/tables/big/data.sql")
        .replace('?', "public/tables/child/data.sql");
    std::fs::write(&manifest_path, renamed).unwrap();
    swap();
    std::fs::write(&manifest_path, &manifest).unwrap();
    project.db(&["backups", "verify"]).ok();
    std::fs::write(
        &manifest_path,
        manifest.replace("public/tables/big/data.sql", "../../../etc/passwd"),
    )
    .unwrap();
    project.db(&["backups", "list"]).ok().says("leads outside the folder");
    std::fs::write(&manifest_path, &manifest).unwrap();
    std::fs::write(set.join("public/extra.sql"), "x").unwrap();
    project
        .db(&["backups", "verify", "--level", "quick"])
        .code(11)
        .says("extra: `public/extra.sql`");
    std::fs::remove_file(set.join("public/extra.sql")).unwrap();
    std::fs::remove_file(&child).unwrap();
    project
        .db(&["backups", "verify", "--level", "quick"])
        .code(11)
        .says("missing: `public/tables/child/data.sql`");
}

#[test]
fn a_set_that_fails_is_removed_and_too_few_connections_are_waited_for() {
    let mut project = odd("s_failed");
    cluster().run(
        "postgres",
        "CREATE ROLE few LOGIN SUPERUSER; CREATE ROLE one_only LOGIN CONNECTION LIMIT 2",
    );
    project.run_sql(
        "GRANT USAGE ON SCHEMA public, \"Sales Dept\" TO one_only; \
         GRANT SELECT ON ALL TABLES IN SCHEMA public, \"Sales Dept\" TO one_only; \
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA public, \"Sales Dept\" TO one_only",
    );
    project.set("DATABASE_URL", &cluster().url("s_failed").replace("postgres@", "one_only@"));
    // One connection holds the snapshot; of three jobs only one finds another.
    let ran = project.db(&["backup", "--format", "set", "--jobs", "3"]);
    assert!(ran.stderr.contains("the server had no connection; try 2 of 3"), "{ran}");
    if ran.code != Some(0) {
        assert_eq!(ran.code, Some(11), "{ran}");
        assert_eq!(sets(&project, "latest"), Vec::<PathBuf>::new());
    }
    project.db(&["backup", "--format", "set", "--jobs", "1"]).ok();

    project.set("DATABASE_URL", &cluster().url("s_failed").replace("postgres@", "few@"));
    let before = latest(&project);
    project.run_sql("CREATE TABLE hidden (id int); INSERT INTO hidden VALUES (1)");
    project.set("DATABASE_URL", &cluster().url("s_failed").replace("postgres@", "one_only@"));
    project.db(&["backup", "--format", "set", "--jobs", "1"]).code(11).says("permission denied");
    assert_eq!(latest(&project), before, "the latest is still the latest");
    let left = std::fs::read_dir(project.path().join("backups")).unwrap();
    assert!(left.flatten().all(|entry| !entry.file_name().to_string_lossy().contains("partial")));
}

#[test]
fn missing_roles_are_created_and_existing_ones_unchanged() {
    let project = odd("s_roles");
    cluster().run(
        "postgres",
        "CREATE ROLE s_team; CREATE ROLE s_ada LOGIN CONNECTION LIMIT 3 IN ROLE s_team; CREATE ROLE s_here",
    );
    project.run_sql("ALTER TABLE child OWNER TO s_ada; GRANT SELECT ON big TO s_here");
    let before = project.content();
    project.db(&["backup", "--format", "set"]).ok();
    project.run_sql("ALTER TABLE child OWNER TO postgres");
    cluster().run("postgres", "DROP ROLE s_ada; DROP ROLE s_team; ALTER ROLE s_here CREATEDB");
    project
        .db(&["restore", "--latest", "--yes"])
        .code(11)
        .says("role: `s_ada` does not exist; pass `--roles`");
    project.db(&["restore", "--latest", "--roles", "--dry-run"]).ok().says("s_ada");
    project.db(&["restore", "--latest", "--roles", "--yes"]).ok();
    assert_eq!(project.content(), before);
    let about = "SELECT rolname, rolcanlogin, rolconnlimit, rolcreatedb, pg_has_role(oid, 's_team', 'member') FROM pg_roles WHERE rolname IN ('s_ada', 's_here') ORDER BY 1";
    assert_eq!(cluster().query("postgres", about), ["s_ada|t|3|f|t", "s_here|f|-1|t|f"]);
}

#[test]
fn a_server_restart_fails_the_run_without_further_damage() {
    let own = Cluster::start();
    own.run("postgres", "CREATE DATABASE school");
    own.run("school", "CREATE TABLE big AS SELECT n, md5(n::text) FROM generate_series(1, 2000) n; CREATE TABLE locked (id int)");
    let mut project = Project::bare("school");
    project.set("DATABASE_URL", &own.url("school"));
    let content =
        || own.query("school", "SELECT count(*), md5(string_agg(md5, '' ORDER BY n)) FROM big");
    let before = content();
    project.db(&["backup", "--no-compress", "-o", "whole.sql"]).ok();
    for format in ["sql", "custom", "set"] {
        let mut holder = own.connect("school");
        holder.batch_execute("BEGIN; LOCK TABLE pg_transform IN ACCESS EXCLUSIVE MODE").unwrap();
        let mut run = project.command(&["backup", "--format", format]);
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock'";
        eventually("pg_dump waits", || !own.query("postgres", waiting).is_empty());
        own.crash_and_restart();
        Ran::from(run.wait_with_output().unwrap()).code(11);
        assert_eq!(
            project.db(&["backups", "list", "--json"]).json()["backups"].as_array().unwrap().len(),
            1
        );
    }
    // And while the new database is being built.
    let sql = std::fs::read_to_string(project.path().join("backups/whole.sql")).unwrap();
    let slow = "SET row_security = off;\nSELECT pg_sleep(20);\n";
    project.write("slow.sql", &sql.replacen("SET row_security = off;", slow, 1));
    let mut run =
        project.command(&["restore", "slow.sql", "--allow-any-sql", "--confirm", "school"]);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()";
    eventually("the restore sleeps", || !own.query("postgres", sleeping).is_empty());
    own.crash_and_restart();
    let ran = Ran::from(run.wait_with_output().unwrap());
    assert!(matches!(ran.code, Some(6 | 7 | 11)), "{ran}");
    assert_eq!(content(), before);
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(content(), before);
    let left = "SELECT datname FROM pg_database WHERE datname LIKE '%restore%'";
    assert_eq!(own.query("postgres", left), Vec::<String>::new());
}
