//! A rehearsal on a backup that this project did not take gives no rights to the code in it.

use crate::support::{Project, cluster};

/// A project with a backup `theirs.dump` that this project did not take. A trigger in the backup
/// tries to run a program.
fn theirs(name: &str) -> Project {
    let project = Project::new(name);
    let proof = project.path().join("ran").display().to_string();
    project.run_sql(&format!(
        "CREATE ROLE {name}_reader; CREATE TABLE notes (id int PRIMARY KEY, note text); \
         INSERT INTO notes SELECT i, 'n' FROM generate_series(1, 100) AS i; \
         GRANT SELECT ON notes TO {name}_reader; \
         CREATE FUNCTION run() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         COPY (SELECT 1) TO PROGRAM 'touch {proof}'; RETURN NEW; END $$; \
         CREATE TRIGGER run AFTER UPDATE ON notes FOR EACH STATEMENT EXECUTE FUNCTION run()"
    ));
    project.db(&["backup", "--format", "custom", "-o", "theirs.dump"]).ok();
    std::fs::remove_file(project.path().join(".db/backups.sha256")).unwrap();
    project
}

const REHEARSE: &[&str] = &["rehearse", "--from", "backup", "--backup", "theirs.dump"];

fn leftovers(name: &str) -> Vec<String> {
    let sql = format!(
        "SELECT rolname FROM pg_roles WHERE starts_with(rolname, '{name}__') \
         UNION ALL SELECT datname FROM pg_database WHERE starts_with(datname, '{name}__')"
    );
    cluster().query("postgres", &sql)
}

#[test]
fn a_foreign_backup_is_rehearsed_by_a_role_without_privileges_after_confirmation() {
    let project = theirs("fr_limited");
    project.migration("1_add.up.sql", "ALTER TABLE notes ADD COLUMN more int;");
    project.migration("1_add.down.sql", "ALTER TABLE notes DROP COLUMN more;");
    let ran = project.db(REHEARSE).code(3).says("theirs.dump: this project did not take it");
    ran.says("a role without rights").says("--yes");
    let json = project.db(&[REHEARSE, &["--yes", "--json"]].concat()).ok().json();
    assert_eq!(json["loaded_as"]["is_limited"], true, "{json:#}");
    assert_eq!(json["migrations"][0]["rollback"]["is"], "proved", "{json:#}");
    project
        .db(&[REHEARSE, &["--yes"]].concat())
        .ok()
        .says("everything ran as a role without rights");
    // The trigger that the migration fires has no more rights than the role.
    project.migration("2_fill.up.sql", "UPDATE notes SET note = 'x' WHERE id = 1;");
    project.migration("2_fill.down.sql", "SELECT 1;");
    let ran = project.db(&[REHEARSE, &["--yes"]].concat()).code(1);
    let said = ran.to_string();
    let may_not = ["permission denied", "must be superuser"];
    assert!(may_not.iter().any(|why| said.contains(why)), "{ran}");
    assert!(!project.path().join("ran").exists());
    assert_eq!(leftovers("fr_limited"), Vec::<String>::new());
    // `--keep` is refused: the role that owns the copy is dropped after the rehearsal.
    let ran = project.db(&[REHEARSE, &["--yes", "--keep"]].concat()).code(2);
    ran.says("restore theirs.dump --into NAME");
}

#[test]
fn if_no_role_can_be_created_a_rehearsal_needs_consent_by_name() {
    let mut project = theirs("fr_named");
    project.migration("1_add.up.sql", "ALTER TABLE notes ADD COLUMN more int;");
    project.run_sql("CREATE ROLE fr_maker LOGIN CREATEDB; GRANT pg_read_all_data TO fr_maker");
    let url = cluster().url("fr_named").replacen("postgres@", "fr_maker@", 1);
    project.set("DATABASE_URL", &url);
    let ran = project.db(&[REHEARSE, &["--yes"]].concat()).code(3);
    ran.says("loaded as fr_maker").says("--confirm fr_named");
    let by_name = [REHEARSE, &["--confirm", "fr_named", "--json"]].concat();
    let json = project.db(&by_name).json();
    let expected = serde_json::json!({"is_limited": false, "connected_as": "fr_maker"});
    assert_eq!(json["loaded_as"], expected, "{json:#}");
    project.set("AI_AGENT", "1");
    project.db(&by_name).code(3).says("ask a person to review the file and to run");
}

#[test]
fn a_backup_taken_here_is_not_foreign() {
    let project = Project::new("fr_ours");
    project.run_sql("CREATE TABLE notes (id int PRIMARY KEY)");
    project.db(&["backup"]).ok();
    project.migration("1_add.up.sql", "ALTER TABLE notes ADD COLUMN more int;");
    let json = project.db(&["rehearse", "--from", "backup", "--json"]).json();
    assert_eq!(json["loaded_as"], serde_json::Value::Null, "{json:#}");
    assert_eq!(json["migrations"][0]["version"], "1", "{json:#}");
}
