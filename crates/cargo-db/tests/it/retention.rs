//! How backups are counted, and which are removed: never a partial one for a complete one, never a
//! safety backup for one that a person took, and nothing that does not belong to this database.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::{Cluster, Project, cluster};

/// A database with two tables.
fn two_tables(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.sql", "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE log (a text);");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO p VALUES (1); INSERT INTO log VALUES ('x')");
    project
}

/// Rules that keep nothing but what always stays.
fn keep_nothing(project: &mut Project) {
    project.set("BACKUP_RETENTION_DAYS", "0");
}

fn manifest_of(project: &Project, name: &str) -> PathBuf {
    project.path().join("backups").join(format!("{name}.manifest.json"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Changes the manifest of a backup.
fn edit(project: &Project, name: &str, change: impl FnOnce(&mut Value)) {
    let path = manifest_of(project, name);
    let mut manifest = read(&path);
    change(&mut manifest);
    std::fs::write(path, manifest.to_string()).unwrap();
}

/// Dates a backup this many days from now.
fn date(project: &Project, name: &str, days: i64) {
    let when = OffsetDateTime::now_utc() + time::Duration::days(days);
    let when = when.format(&Rfc3339).unwrap();
    edit(project, name, |manifest| {
        manifest["started"] = json!(when);
        manifest["finished"] = json!(when);
    });
}

fn take(project: &Project, name: &str) {
    project.db(&["backup", "--no-compress", "-o", name]).ok();
}

/// The names in the list, the newest first.
fn names(project: &Project) -> Vec<String> {
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    let backups = list["backups"].as_array().unwrap().iter();
    backups.map(|backup| backup["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_part_is_never_taken_for_the_whole() {
    let mut project = two_tables("k_part");
    take(&project, "whole.sql");
    date(&project, "whole.sql", -40);
    project
        .db(&["backup", "--table", "log", "--format", "custom", "-o", "log.dump"])
        .ok()
        .says("it contains only a part (taken with --table=log)");
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    assert_eq!(list["backups"][0]["part"], json!(["--table=log"]));
    assert_eq!(list["backups"][1]["part"], json!([]));
    project.db(&["backups", "list"]).ok().says("part: table=log").says("everything");

    // A request for the newest backup gets the newest complete one, and reports which ones were not
    // chosen.
    project
        .db(&["restore", "--latest", "--dry-run"])
        .ok()
        .says("from whole.sql")
        .says("skipped: log.dump: partial (taken with --table=log)");
    project.db(&["backups", "show"]).ok().says("whole.sql");
    project.db(&["backups", "verify"]).ok().says("whole.sql: sound");
    project
        .db(&["backups", "verify", "--max-age", "24h"])
        .code(11)
        .says("these do not count")
        .says("whole.sql: sound");

    // Named, it takes nothing's place but its own.
    for whole in [&["--yes"][..], &["--clean", "--yes"], &["--dry-run"]] {
        let refused = project.db(&[&["restore", "log.dump"], whole].concat()).code(2);
        refused.says("contains only a part of `k_part`").says("--into NAME");
    }
    assert_eq!(project.query("SELECT count(*) FROM p"), ["1"]);
    project.run_sql("DELETE FROM log");
    project.db(&["restore", "log.dump", "--table", "log", "--yes"]).ok();
    assert_eq!(project.query("SELECT a FROM log"), ["x"]);
    project.db(&["restore", "log.dump", "--into", "k_part_log", "--yes"]).ok();
    assert_eq!(cluster().query("k_part_log", "SELECT a FROM log"), ["x"]);
    // Also after it was moved, with its manifest.
    let carried = project.path().join("carried.dump");
    std::fs::copy(project.path().join("backups/log.dump"), &carried).unwrap();
    std::fs::copy(
        manifest_of(&project, "log.dump"),
        project.path().join("carried.dump.manifest.json"),
    )
    .unwrap();
    project.db(&["restore", "carried.dump", "--yes"]).code(2).says("a part of `k_part`");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let rehearse = ["rehearse", "--from", "backup", "--json"];
    let rehearsed = project.db(&rehearse).ok();
    assert!(rehearsed.stdout.contains("whole.sql"), "{rehearsed}");
    project.db(&[&rehearse[..], &["--backup", "log.dump"]].concat()).code(2).says("BACKUP.PART");
    std::fs::remove_file(project.path().join("migrations/2_b.sql")).unwrap();

    // Rows that were left out make a part too, and owners that were left out do not.
    project.db(&["backup", "--exclude-table-data", "log", "-o", "rows.sql.gz"]).ok();
    project.db(&["restore", "rows.sql.gz", "--dry-run"]).code(2);
    project.db(&["backup", "--no-owner", "-o", "free.sql.gz"]).ok();
    project.db(&["restore", "--latest", "--dry-run"]).ok().says("from free.sql.gz");
    keep_nothing(&mut project);
    project.set("MAX_BACKUPS", "1");
    project.db(&["backup", "--table", "log", "-o", "log2.sql.gz"]).ok();
    let left = names(&project);
    assert!(left.contains(&"free.sql.gz".to_owned()), "{left:?}");
    assert!(left.contains(&"rows.sql.gz".to_owned()) && !left.contains(&"whole.sql".to_owned()));
}

#[test]
fn a_partial_backup_is_never_the_newest() {
    let project = two_tables("k_alone");
    project.db(&["backup", "--schema", "public", "-o", "public.sql.gz"]).ok();
    for verb in [
        &["restore", "--latest", "--yes"][..],
        &["backups", "verify"],
        &["backups", "show"],
        &["rehearse", "--from", "backup"],
    ] {
        project.migration("2_b.sql", "CREATE TABLE b (id int);");
        project.db(verb).code(11).says("no complete backup of").says("public.sql.gz: partial");
    }
}

#[test]
fn the_newest_is_never_what_the_policy_took() {
    let project = two_tables("k_safety");
    project.run_sql("INSERT INTO p SELECT generate_series(2, 100)");
    take(&project, "good.sql");
    project.run_sql("DELETE FROM p WHERE id > 1");
    for _ in 0..2 {
        project.db(&["restore", "--latest", "--clean", "--yes"]).ok();
        assert_eq!(project.query("SELECT count(*) FROM p"), ["100"]);
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    let reasons: Vec<&Value> =
        list["backups"].as_array().unwrap().iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, [&json!("policy"), &json!("policy"), &json!("person")]);
    project
        .db(&["restore", "--latest", "--dry-run"])
        .ok()
        .says("from good.sql")
        .says("taken before restore-in-place");
    project.db(&["backups", "list"]).ok().says("before restore-in-place");
    // By its name it can be had.
    let safety = names(&project).remove(1);
    project.db(&["restore", &safety, "--yes"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM p"), ["1"]);
    // It does not show whether somebody takes care of backups.
    date(&project, "good.sql", -2);
    project.db(&["backups", "verify", "--max-age", "24h"]).code(11);
    // A CI's event is not the policy's, whatever it is called.
    let mut project = project;
    project.set("GITHUB_EVENT_NAME", "migrate");
    take(&project, "ci.sql");
    project.db(&["restore", "--latest", "--dry-run"]).ok().says("from ci.sql");
}

#[test]
fn safety_backups_do_not_displace_others() {
    let mut project = two_tables("k_push");
    take(&project, "good.sql");
    date(&project, "good.sql", -3);
    keep_nothing(&mut project);
    project.set("MAX_BACKUPS", "1");
    for _ in 0..3 {
        project.db(&["reset", "--force", "--no-seed"]).ok();
        project.run_sql("INSERT INTO p VALUES (1)");
        std::thread::sleep(std::time::Duration::from_millis(1100));
    }
    let left = names(&project);
    assert!(left.len() == 2 && left[1] == "good.sql", "{left:?}");
    project.db(&["reset", "--force", "--no-seed", "--keep", "1"]).ok();
    let left = names(&project);
    assert!(left.len() == 2 && left[1] == "good.sql", "{left:?}");
}

#[test]
fn each_removal_stands_in_plan_and_trail() {
    let mut project = two_tables("k_trail");
    for name in ["1.sql", "2.sql", "3.sql"] {
        take(&project, name);
    }
    let reset = ["reset", "--force", "--no-seed", "--keep", "2"];
    let plan = project.db(&[&reset[..], &["--dry-run", "--json"]].concat()).ok().json();
    let removed: Vec<&Value> = plan["plan"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|step| step["kind"] == "remove-backup")
        .map(|step| &step["name"])
        .collect();
    assert_eq!(removed, ["1.sql", "2.sql"]);
    let without = project.db(&["reset", "--force", "--no-seed", "--dry-run", "--json"]).ok().json();
    assert_ne!(plan["plan"]["id"], without["plan"]["id"]);
    project.db(&reset).ok();
    assert_eq!(names(&project)[1..], ["3.sql"]);
    keep_nothing(&mut project);
    take(&project, "4.sql");
    let records = project.db(&["audit", "--json"]).ok().json();
    let records = records["records"].as_array().unwrap();
    let removes: Vec<&Value> = records
        .iter()
        .filter(|record| record["phase"] == "intent")
        .filter_map(|record| record.get("removes"))
        .collect();
    assert_eq!(
        removes,
        [&json!(["the backup 1.sql", "the backup 2.sql"]), &json!(["the backup 3.sql"])]
    );
    project.db(&["audit"]).ok().says("removes the backup 3.sql");
    project.db(&["audit", "verify"]).ok();
}

#[test]
fn only_backups_of_this_database_and_server_are_removed() {
    let mut project = two_tables("k_own");
    let all = ["other.sql", "elsewhere.sql", "unknown.sql", "old.sql"];
    all.iter().for_each(|name| take(&project, name));
    all.iter().for_each(|name| date(&project, name, -90));
    edit(&project, "other.sql", |manifest| manifest["database"]["name"] = json!("k_other"));
    edit(&project, "elsewhere.sql", |manifest| {
        manifest["server"]["system_identifier"] = json!("7000000000000000001");
    });
    edit(&project, "unknown.sql", |manifest| manifest["server"]["system_identifier"] = json!(null));
    keep_nothing(&mut project);
    take(&project, "new.sql");
    let mut left = names(&project);
    left.sort();
    assert_eq!(left, ["elsewhere.sql", "new.sql", "other.sql", "unknown.sql"]);
    project.db(&["backups", "prune"]).ok().says("of another database or server");
    assert_eq!(names(&project).len(), 4);
}

#[test]
fn the_backup_of_this_run_is_kept() {
    let mut project = two_tables("k_taken");
    keep_nothing(&mut project);
    project.set("MAX_BACKUPS", "0");
    take(&project, "a.sql");
    project.db(&["reset", "--force", "--no-seed"]).ok();
    assert_eq!(names(&project).len(), 2);
}

#[test]
fn a_backup_dated_in_the_future_stops_all_removals() {
    let mut project = two_tables("k_future");
    let all = ["1.sql", "2.sql", "future.sql"];
    all.iter().for_each(|name| take(&project, name));
    all.iter().for_each(|name| date(&project, name, -50));
    date(&project, "future.sql", 27_000);
    keep_nothing(&mut project);
    project
        .db(&["backup", "--no-compress", "-o", "3.sql"])
        .ok()
        .says("future.sql is dated in the future");
    project.db(&["backups", "prune", "--yes"]).ok().says("future.sql is dated in the future");
    project.run_sql("INSERT INTO p VALUES (7)");
    project.db(&["reset", "--force", "--no-seed", "--keep", "1"]).ok();
    assert_eq!(names(&project).len(), 5, "0 removals");
    // It is not the newest either.
    project
        .db(&["restore", "--latest", "--dry-run"])
        .ok()
        .says("from 3.sql")
        .says("future.sql: dated in the future");
    project.db(&["backups", "verify", "--max-age", "1h"]).ok();
    std::fs::remove_file(manifest_of(&project, "future.sql")).unwrap();
    project.db(&["backups", "prune", "--yes"]).ok().says("removed 1.sql").says("removed 2.sql");
}

#[test]
fn what_production_decides_is_not_removed_on_the_side() {
    let mut project = two_tables("k_prod");
    for name in ["1.sql", "2.sql"] {
        take(&project, name);
    }
    date(&project, "1.sql", -50);
    date(&project, "2.sql", -40);
    edit(&project, "1.sql", |manifest| manifest["environment"] = json!("production"));
    keep_nothing(&mut project);
    project.set("MAX_BACKUPS", "0");
    let stays = "removing one of production needs consent to the plan";
    project.db(&["backup", "--no-compress", "-o", "3.sql"]).ok().says(stays).says("removed 2.sql");
    project.db(&["reset", "--force", "--no-seed", "--keep", "1"]).ok();
    assert!(names(&project).contains(&"1.sql".to_owned()));
    // Asked for, it is production's consent, though this is a development database.
    project.db(&["backups", "prune", "--yes"]).code(3).says("consent to the plan");
    let plan = project.db(&["backups", "prune", "--dry-run", "--json"]).ok().json();
    assert_eq!(plan["environment"], "production");

    // The marker counts as well, whatever the settings say.
    let mut project = two_tables("k_marked");
    take(&project, "1.sql");
    let set = ["env", "set", "production", "--confirm", "k_marked"];
    let plan = project.db(&[&set[..], &["--dry-run", "--json"]].concat()).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap();
    project.db(&[&set[..], &["--plan", id]].concat()).ok();
    project.set("APP_ENV", "development");
    project.set("AI_AGENT", "1");
    date(&project, "1.sql", -50);
    project.db(&["backup", "--no-compress", "-o", "2.sql"]).ok().says(stays);
    project.db(&["backups", "prune", "--yes"]).code(3).says("consent to the plan");
    assert_eq!(names(&project), ["2.sql", "1.sql"]);
}

#[test]
fn variables_of_an_agent_do_not_loosen_the_policy() {
    let mut project = two_tables("k_agent");
    take(&project, "1.sql");
    date(&project, "1.sql", -3);
    project.set("AI_AGENT", "1");
    keep_nothing(&mut project);
    project.set("MAX_BACKUPS", "0");
    take(&project, "2.sql");
    assert_eq!(names(&project), ["2.sql", "1.sql"], "thirty days are the built-in rule");
    // What the repository says counts for an agent too.
    project.write("db.toml", "[backup]\nkeep-last = 1\nkeep-within = \"1h\"\n");
    take(&project, "3.sql");
    assert_eq!(names(&project), ["3.sql", "2.sql"]);
}

#[test]
fn folders_of_ours_are_left_out_of_git() {
    let project = two_tables("k_git");
    take(&project, "1.sql");
    for folder in ["backups", ".db"] {
        let text = std::fs::read_to_string(project.path().join(folder).join(".gitignore")).unwrap();
        assert_eq!(text, "*\n", "{folder}");
    }
    // A folder that somebody else created is not changed.
    let mut project = two_tables("k_git2");
    std::fs::create_dir(project.path().join("mine")).unwrap();
    project.set("BACKUP_DIR", "mine");
    take(&project, "1.sql");
    assert!(!project.path().join("mine/.gitignore").exists());
}

#[test]
fn manifests_of_older_builds_are_read() {
    let project = two_tables("k_older");
    for name in ["1.sql", "2.sql"] {
        take(&project, name);
    }
    let older = |name: &str, event: &str, selection: Value| {
        edit(&project, name, |manifest| {
            let fields = manifest.as_object_mut().unwrap();
            fields.remove("reason");
            fields["database"].as_object_mut().unwrap().remove("properties");
            fields["format_version"] = json!(1);
            fields["event"] = json!(event);
            fields["selection"] = selection;
        });
    };
    // Unread tables were listed in the selection.
    older("1.sql", "manual", json!(["--exclude-table=cargo_db.\"audit\""]));
    older("2.sql", "reset", json!([]));
    project
        .db(&["restore", "--latest", "--dry-run"])
        .ok()
        .says("from 1.sql")
        .says("2.sql: taken before reset");
    project.db(&["restore", "1.sql", "--into", "k_older_new", "--yes"]).ok();
    older("1.sql", "manual", json!(["--exclude-table=log"]));
    project.db(&["restore", "1.sql", "--yes"]).code(2).says("--exclude-table=log");
    // What is lost in any case was listed among the doubts, which a verification dispels.
    edit(&project, "2.sql", |manifest| {
        manifest["format_version"] = json!(2);
        manifest["restorable"] = json!("unproved");
        manifest["doubts"] = json!(["a restore loses the rows of t", "the view v may fail"]);
    });
    project.db(&["backups", "verify", "2.sql", "--level", "restore"]).ok();
    let shown =
        project.db(&["backups", "show", "2.sql"]).ok().says("a restore loses the rows of t");
    assert!(!shown.stdout.contains("the view v may fail"), "{shown}");
}

#[test]
fn a_manifest_of_a_newer_version_is_not_broken() {
    let project = two_tables("k_newer");
    take(&project, "1.sql");
    edit(&project, "1.sql", |manifest| {
        manifest["format_version"] = json!(99);
        manifest["new_field"] = json!(true);
    });
    let listed = project.db(&["backups", "list"]);
    listed.says("format 99").says("use the version that took the backup");
}

#[test]
fn unreadable_tables_of_cargo_db_do_not_make_a_backup_partial() {
    let mut project = two_tables("k_unread");
    project.db(&["env", "set", "development"]).ok();
    project.run_sql(
        "CREATE ROLE k_reader LOGIN; GRANT pg_read_all_settings TO k_reader;
         REVOKE SELECT ON cargo_db.marker FROM PUBLIC;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO k_reader",
    );
    project.set("DATABASE_URL", &cluster().url("k_unread").replace("postgres@", "k_reader@"));
    take(&project, "reader.sql");
    let manifest = read(&manifest_of(&project, "reader.sql"));
    assert_eq!((&manifest["unread"], &manifest["selection"]), (&json!(["marker"]), &json!([])));
    project.set("DATABASE_URL", &cluster().url("k_unread"));
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(project.query("SELECT id FROM p"), ["1"]);
}

const PROPERTIES: &str = "SELECT pg_get_userbyid(datdba), datconnlimit, datistemplate, \
    shobj_description(d.oid, 'pg_database'), \
    (SELECT string_agg(one::text, ' ' ORDER BY one::text) FROM unnest(datacl) one), \
    (SELECT string_agg(coalesce(rolname, '') || ':' || array_to_string(setconfig, ' '), '/' \
                       ORDER BY rolname) \
     FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole WHERE setdatabase = d.oid) \
    FROM pg_database d WHERE datname = ";

const ROLES: &str = "CREATE ROLE k_owner; CREATE ROLE k_guest";

fn own_everything(name: &str) {
    cluster().run(
        "postgres",
        &format!(
            "ALTER DATABASE {name} OWNER TO k_owner; ALTER DATABASE {name} CONNECTION LIMIT 9;
             COMMENT ON DATABASE {name} IS 'it''s ours';
             REVOKE CONNECT ON DATABASE {name} FROM PUBLIC;
             GRANT CONNECT ON DATABASE {name} TO k_guest WITH GRANT OPTION;
             ALTER DATABASE {name} SET search_path = public, \"a, b\";
             ALTER DATABASE {name} SET statement_timeout = '7s';
             ALTER ROLE k_guest IN DATABASE {name} SET search_path = '';
             ALTER DATABASE {name} IS_TEMPLATE true"
        ),
    );
}

#[test]
fn what_belongs_to_a_database_comes_back_with_it() {
    let mut project = two_tables("k_props");
    cluster().run("postgres", ROLES);
    own_everything("k_props");
    let properties = |cluster: &Cluster, name: &str| {
        cluster.query("postgres", &format!("{PROPERTIES}'{name}'")).remove(0)
    };
    let before = properties(cluster(), "k_props");
    assert!(before.starts_with("k_owner|9|t|it's ours|"), "{before}");
    project.db(&["backup", "-o", "all.sql.gz"]).ok();

    // Swapped in for the old one; both can be dropped, template or not.
    project.db(&["restore", "--latest", "--yes"]).ok();
    assert_eq!(properties(cluster(), "k_props"), before);
    project.db(&["restore", "--drop-previous", "--yes"]).ok().says("1 previous database dropped");
    project.db(&["reset", "--force", "--no-seed"]).ok();
    assert_eq!(properties(cluster(), "k_props"), before);
    let kept = "SELECT 1 FROM pg_database WHERE datname LIKE 'k\\_props\\_\\_%'";
    assert_eq!(cluster().query("postgres", kept), Vec::<String>::new());

    // Under another name, and after the database was dropped.
    project.db(&["restore", "all.sql.gz", "--into", "k_props_too", "--yes"]).ok();
    assert_eq!(properties(cluster(), "k_props_too"), before);
    let drop = "ALTER DATABASE k_props IS_TEMPLATE false";
    cluster().run("postgres", drop);
    cluster().run("postgres", "DROP DATABASE k_props WITH (FORCE)");
    let again = project.db(&["restore", "--latest", "--yes"]).ok();
    assert!(!again.stderr.contains("another server"), "{again}");
    assert_eq!(properties(cluster(), "k_props"), before);

    // On a new server, with its roles and without them.
    let other = Cluster::start();
    project.set("DATABASE_URL", &other.url("k_props"));
    let without = project.db(&["restore", "all.sql.gz", "--yes"]).ok();
    without.says("not restored: ALTER DATABASE").says("role \"k_owner\" does not exist");
    assert!(properties(&other, "k_props").starts_with("postgres|9|t|it's ours|"));
    other.run("postgres", "ALTER DATABASE k_props IS_TEMPLATE false");
    other.run("postgres", "DROP DATABASE k_props WITH (FORCE)");
    other.run("postgres", ROLES);
    project.db(&["restore", "all.sql.gz", "--yes"]).ok();
    assert_eq!(properties(&other, "k_props"), before);
}

#[test]
fn an_unrelated_setting_is_not_shown() {
    let project = two_tables("k_hush");
    cluster().run("postgres", "ALTER DATABASE k_hush SET \"app.jwt\" = 'not-for-logs'");
    take(&project, "1.sql");
    let shown = project.db(&["backups", "show", "--json"]).ok();
    assert!(!shown.stdout.contains("not-for-logs") && shown.stdout.contains("app.jwt"), "{shown}");
    project.db(&["restore", "1.sql", "--into", "k_hush_too", "--yes"]).ok();
    let sql = "SELECT current_setting('app.jwt')";
    assert_eq!(cluster().query("k_hush_too", sql), ["not-for-logs"]);
}
