//! Approval: in staging and production, a person approves exactly the plan of an AI agent, with
//! rights that the agent's own role does not have.

use std::path::PathBuf;

use crate::support::cluster;
use crate::support::keys::PUBLIC_KEY;
use crate::support::school::{AGENT, School, TYPED};
use crate::support::terminal::types;

#[test]
fn an_agent_carries_out_what_a_person_approved_and_once() {
    let school = School::new("ap_once");
    let id = school.plans(&["migrate"]);
    school
        .applies(&id)
        .code(3)
        .says("no person has approved the plan")
        .says(&format!("cargo db approve {id}"));
    assert!(!school.has_note());
    // A person who says no approves nothing.
    assert_eq!(school.approve(&[&id], &[("Approve this plan?", "n")]), 3);
    school.applies(&id).code(3);
    assert_eq!(school.approve(&[&id], TYPED), 0);
    school.applies(&id).ok().says("approved by cargo_db_approver");
    assert!(school.has_note());
    // Neither the plan nor its approval can be used again.
    school.project.db(&["rollback", "--yes"]).ok();
    school.applies(&id).code(4);
    assert_eq!(school.approve(&[&id], &[]), 3, "the plan has another id now");
    assert!(!school.has_note());
    let used = "SELECT used_by FROM cargo_db_approval.approval";
    assert_eq!(school.project.query(used), ["ap_once_app"]);
}

#[test]
fn without_an_approval_an_agent_changes_nothing_in_staging_and_production() {
    let mut school = School::new("ap_without");
    for environment in ["staging", "production"] {
        school.project.set("CARGO_DB_ENV", environment);
        let name = &school.project.database;
        let consent = ["--confirm", name, "--plan"];
        for verb in [&["migrate"][..], &["rollback"], &["seed"], &["env", "set", environment]] {
            let shown = school.agent(&[verb, &["--dry-run", "--json"]].concat()).json();
            // In production, there is no receipt either.
            let Some(id) = shown["plan"]["id"].as_str() else {
                assert_eq!(shown["error"]["exit"], 4, "{shown:#}");
                continue;
            };
            let ran = school.agent(&[verb, &consent, &[id]].concat());
            let nothing_to_do = ran.code == Some(0) && ran.stdout.contains("nothing to do");
            assert!(matches!(ran.code, Some(3 | 4)) || nothing_to_do, "{verb:?}\n{ran}");
        }
        assert!(!school.has_note());
    }
    // A person does not need it, and an agent does not in development.
    school.project.set("CARGO_DB_ENV", "staging");
    school.project.db(&["migrate", "--yes"]).ok();
    school.project.set("CARGO_DB_ENV", "development");
    let consent = school.project.consent(&["rollback"]);
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    school.agent(&[&["rollback"], &consent[..]].concat()).ok();
}

#[test]
fn only_a_person_at_a_terminal_approves() {
    let school = School::new("ap_person");
    let id = school.plans(&["migrate"]);
    school.project.db(&["approve", &id]).code(3).says("a person approves at a terminal");
    for denied in ["1", "0"] {
        let mut command = school.project.command(&["approve", &id]);
        command.env(AGENT, denied).env("CLAUDECODE", "1");
        assert_eq!(types(command, &[]), 4);
    }
    // Nor does the migrating role, whoever types.
    let as_app = ["--as", school.role.as_str(), id.as_str()];
    assert_eq!(school.approve(&as_app, TYPED), 4);
    school.applies(&id).code(3);
}

/// The row of the policy, by real runs.
#[test]
fn who_approves_in_each_environment() {
    let mut school = School::new("ap_matrix");
    let name = school.project.database.clone();
    for environment in ["development", "test", "staging", "production"] {
        school.project.set("CARGO_DB_ENV", environment);
        let mark = ["env", "set", environment];
        let kept = school.agent(&[&["plan", "--json"], &mark[..]].concat()).ok().json();
        let guarded = matches!(environment, "staging" | "production");
        assert_eq!(kept["plans"][0]["needs_approval"], guarded, "{environment} {kept:#}");
        let id = kept["plans"][0]["id"].as_str().unwrap().to_owned();
        school.project.db(&["approve", &id]).code(3);
        school.project.db(&["approve", &id, "--yes", "--confirm", &name]).code(3);
        school.agent(&["approve", &id]).code(4);
        let mut in_ci = school.project.command(&["approve", &id]);
        assert_eq!(in_ci.env("CI", "true").output().unwrap().status.code(), Some(3));
        let question = match environment {
            "production" => ("Type the name of the database", name.as_str()),
            _ => ("Approve this plan?", "y"),
        };
        let typed = [question, ("Password of", "")];
        assert_eq!(school.approve(&[&id], &typed), 0, "{environment}");
        school.applies(&id).ok();
    }
}

#[test]
fn production_wants_the_name_of_the_database() {
    let mut school = School::new("ap_production");
    school.project.set("CARGO_DB_ENV", "production");
    let id = school.plans(&["env", "set", "production"]);
    assert_eq!(school.approve(&[&id], &[("Type the name of the database", "ap_prod")]), 3);
    let typed = [("Type the name of the database", "ap_production"), ("Password of", "")];
    assert_eq!(school.approve(&[&id], &typed), 0);
    school.applies(&id).ok();
    assert_eq!(school.project.query("SELECT environment FROM cargo_db.marker"), ["production"]);
}

#[test]
fn the_migrating_role_cannot_approve_by_sql() {
    let school = School::new("ap_attacks");
    let id = school.plans(&["migrate"]);
    // Somebody approved another plan, so that everything is there.
    let other = school.plans(&["rollback"]);
    assert_eq!(school.approve(&[&other], TYPED), 0);
    let forged = format!(
        "(plan, verb, environment, approved_by) VALUES ('{id}', 'migrate', 'staging', 'me')"
    );
    let denied = [
        format!("INSERT INTO cargo_db_approval.approval {forged}"),
        format!("UPDATE cargo_db_approval.approval SET plan = '{id}'"),
        "DELETE FROM cargo_db_approval.approval".to_owned(),
        "DROP SCHEMA cargo_db_approval CASCADE".to_owned(),
        "ALTER SCHEMA cargo_db_approval RENAME TO other".to_owned(),
        "ALTER TABLE cargo_db_approval.approval DISABLE TRIGGER ALL".to_owned(),
        "CREATE OR REPLACE FUNCTION cargo_db_approval.take(plan text) RETURNS boolean \
         LANGUAGE sql AS 'SELECT true'"
            .to_owned(),
        "CREATE FUNCTION cargo_db_approval.take(plan varchar) RETURNS boolean \
         LANGUAGE sql AS 'SELECT true'"
            .to_owned(),
        "CREATE RULE r AS ON UPDATE TO cargo_db_approval.approval DO INSTEAD NOTHING".to_owned(),
        "SET ROLE cargo_db_approver".to_owned(),
    ];
    for sql in denied {
        let error = school.attacks(&sql);
        assert!(error.is_some(), "{sql}");
        school.applies(&id).code(3);
    }
    // A key of its own is not accepted, and a function is not what a temporary one says.
    let key = format!("SELECT cargo_db_approval.take_signed('{id}', '{PUBLIC_KEY}')");
    assert_eq!(school.attacks(&key), None);
    let shadow = "CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql \
                  AS $$ SELECT '1999-01-01'::timestamptz $$; SELECT cargo_db_approval.take('x')";
    assert_eq!(school.attacks(shadow), None);
    school.applies(&id).code(3);
    assert!(!school.has_note());
    assert_eq!(school.project.query("SELECT count(*) FROM cargo_db_approval.approval"), ["1"]);
}

#[test]
fn a_schema_of_the_migrating_role_is_no_approval() {
    let school = School::new("ap_forged");
    let id = school.plans(&["migrate"]);
    let forged = format!(
        "CREATE SCHEMA cargo_db_approval; \
         CREATE TABLE cargo_db_approval.approval (plan text, approved_by text, \
         used_at timestamptz, expires_at timestamptz); \
         INSERT INTO cargo_db_approval.approval VALUES ('{id}', 'me', NULL, 'infinity'); \
         CREATE FUNCTION cargo_db_approval.take(plan text) RETURNS boolean LANGUAGE sql \
         AS 'SELECT true'"
    );
    assert_eq!(school.attacks(&forged), None);
    let schema = "the schema cargo_db_approval belongs to ap_forged_app";
    school.applies(&id).code(4).says("do not hold").says(schema);
    // A person is not led into writing there either.
    assert_eq!(school.approve(&[&id], &[]), 4);
    assert!(!school.has_note());
}

#[test]
fn approving_is_refused_where_the_migrating_role_could_approve_itself() {
    let school = School::new("ap_powers");
    let id = school.plans(&["migrate"]);
    let role = &school.role;
    let powers = [
        (format!("ALTER ROLE {role} SUPERUSER"), format!("ALTER ROLE {role} NOSUPERUSER")),
        (
            format!("GRANT cargo_db_approver TO {role}"),
            format!("REVOKE cargo_db_approver FROM {role}"),
        ),
        (
            format!("GRANT pg_write_all_data TO {role}"),
            format!("REVOKE pg_write_all_data FROM {role}"),
        ),
        (
            format!("CREATE ROLE ap_between SUPERUSER; GRANT ap_between TO {role}"),
            "DROP ROLE ap_between".to_owned(),
        ),
    ];
    let makes_members =
        (format!("ALTER ROLE {role} CREATEROLE"), format!("ALTER ROLE {role} NOCREATEROLE"));
    let until_15 = Some(makes_members).filter(|_| cluster().major() < 16);
    let powers: Vec<_> = powers.into_iter().chain(until_15).collect();
    for (grant, revoke) in &powers {
        cluster().run("postgres", grant);
        assert_eq!(school.approve(&[&id], &[]), 4, "{grant}");
        cluster().run("postgres", revoke);
    }
    // What is gained later counts too.
    assert_eq!(school.approve(&[&id], TYPED), 0);
    for (grant, revoke) in &powers {
        cluster().run("postgres", grant);
        school.applies(&id).code(4).says("do not hold").says("CREATE ROLE cargo_db_approver");
        cluster().run("postgres", revoke);
    }
    school.applies(&id).ok();
}

#[test]
fn a_plan_is_carried_to_the_person_in_the_database_or_in_a_file() {
    let school = School::new("ap_carried");
    let file = |id: &str| school.project.path().join(format!(".db/plans/{id}.json"));
    // There is no place in the database before somebody has approved something.
    let first = school.agent(&["plan", "migrate", "--for-approval", "--json"]).ok().json();
    assert_eq!(first["plans"][0]["requested"], false, "{first:#}");
    let id = first["plans"][0]["id"].as_str().unwrap();
    let carried = school.project.path().join("carried.json");
    std::fs::rename(file(id), &carried).unwrap();
    assert_eq!(school.approve(&[id], &[("Password of", "")]), 2, "it is nowhere");
    let carried = carried.to_str().unwrap();
    assert_eq!(school.approve(&[id, "--plan-file", carried], TYPED), 0);
    let name = school.project.database.as_str();
    let apply = ["apply", id, "--plan-file", carried, "--confirm", name];
    school.agent(&apply).ok();
    assert!(school.has_note());

    let second = school.agent(&["plan", "--for-approval", "--json", "rollback"]).ok().json();
    assert_eq!(second["plans"][0]["requested"], true, "{second:#}");
    let id = second["plans"][0]["id"].as_str().unwrap();
    let kept = std::fs::read(file(id)).unwrap();
    std::fs::remove_file(file(id)).unwrap();
    let typed = [("Password of", ""), ("Approve this plan?", "y")];
    assert_eq!(school.approve(&[id], &typed), 0);
    std::fs::write(file(id), kept).unwrap();
    school.applies(id).ok();
    assert!(!school.has_note());
}

#[test]
fn an_approval_that_is_signed_counts_for_an_accepted_key_and_once() {
    let school = School::new("ap_signed");
    let id = school.plans(&["migrate"]);
    let sign = ["approve", &id, "--sign"];
    school.agent(&sign).code(4).says("only a person");
    school.project.db(&sign).ok();
    // Nobody has said yet that the key counts.
    school.applies(&id).code(3);
    let accept = [("Accept approvals", "y"), ("Password of", "")];
    assert_eq!(school.approve(&["--accept-key", PUBLIC_KEY], &accept), 0);
    let file: PathBuf = school.project.path().join(format!(".db/plans/{id}.approval.json"));
    let signed = std::fs::read_to_string(&file).unwrap();
    let other = signed.replace("\"plan\": \"", "\"plan\": \"0");
    for (changed, why) in [
        (other.as_str(), "it approves the plan 0"),
        (&signed.replace("\"until\": \"20", "\"until\": \"21"), "its signature is not valid"),
        ("{}", "missing field"),
    ] {
        std::fs::write(&file, changed).unwrap();
        school.applies(&id).code(4).says(why);
    }
    std::fs::write(&file, &signed).unwrap();
    school.applies(&id).ok();
    assert!(school.has_note());
    let used = "SELECT used_by FROM cargo_db_approval.approval WHERE used_at IS NOT NULL";
    assert_eq!(school.project.query(used), ["ap_signed_app"]);
    let revoke = [("No longer accept", "y"), ("Password of", "")];
    assert_eq!(school.approve(&["--revoke-key", PUBLIC_KEY], &revoke), 0);
    let id = school.plans(&["rollback"]);
    school.project.db(&["approve", &id, "--sign"]).ok();
    school.applies(&id).code(4).says("does not accept approvals of the key");
}

#[test]
fn a_plan_that_has_changed_or_is_old_is_not_approved() {
    let school = School::new("ap_old");
    let id = school.plans(&["migrate"]);
    let file = school.project.path().join(format!(".db/plans/{id}.json"));
    let kept = std::fs::read_to_string(&file).unwrap();
    let mut old: serde_json::Value = serde_json::from_str(&kept).unwrap();
    for made in ["2026-01-01T00:00:00Z", "2126-01-01T00:00:00Z"] {
        old["made"] = made.into();
        std::fs::write(&file, old.to_string()).unwrap();
        assert_eq!(school.approve(&[&id], &[]), 3);
        school.applies(&id).code(3).says("valid for 24 hours");
    }
    std::fs::write(&file, &kept).unwrap();
    school.project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN other text;");
    assert_eq!(school.approve(&[&id], &[]), 3);
    let changed = school.applies(&id).code(3);
    changed.says("the files or the settings have changed").says("cargo db plan migrate");
    // The command of the file is one that makes a plan, whatever somebody wrote into it.
    for command in [&["shell"][..], &["backup"], &["approve", "x"], &["migrate", "extra"]] {
        old["made"] = serde_json::from_str::<serde_json::Value>(&kept).unwrap()["made"].clone();
        old["command"] = command.into();
        std::fs::write(&file, old.to_string()).unwrap();
        school.applies(&id).code(2);
    }
    school.agent(&["apply", "../../etc/passwd"]).code(2).says("there is no kept plan");
}

#[test]
fn backups_and_dumps_hold_no_approvals_and_restores_need_none() {
    let mut school = School::new("ap_backup");
    let id = school.plans(&["migrate"]);
    assert_eq!(school.approve(&[&id], TYPED), 0);
    school.project.run_sql("INSERT INTO users VALUES (1)");
    let dump = school.project.db(&["dump", "--stdout"]).ok();
    assert!(!dump.stdout.contains("cargo_db_approv"), "{dump}");
    school.project.db(&["backup", "-o", "whole.sql.gz"]).ok().says("read back");
    school.project.set("CARGO_DB_ENV", "development");
    school.project.db(&["restore", "whole.sql.gz", "--yes"]).ok();
    school.project.db(&["restore", "whole.sql.gz", "--clean", "--yes"]).ok();
    // The other database is another one, for which nothing is approved.
    school.project.set("CARGO_DB_ENV", "staging");
    school.applies(&id).code(3);
    assert!(!school.has_note());
}

/// Each set has a plan of its own, which knows its set.
#[test]
fn plans_of_several_sets_are_kept_one_by_one() {
    let project = crate::support::Project::new("ap_sets");
    let mut toml = String::new();
    for set in ["api", "web"] {
        toml += &format!("[migrations.{set}]\ntool = 'sqlx'\ndir = '{set}'\n");
        toml += &format!("table = 'applied_{set}'\n");
        project.write(&format!("{set}/1_{set}.sql"), &format!("CREATE TABLE {set} (id int);"));
    }
    project.write("db.toml", &toml);
    let kept = project.db(&["plan", "--json"]).ok().json();
    assert_eq!(kept["plans"].as_array().unwrap().len(), 2, "{kept:#}");
    let id = kept["plans"][1]["id"].as_str().unwrap();
    project.db(&["apply", id, "--confirm", "ap_sets"]).ok();
    let there = "SELECT to_regclass('api') IS NOT NULL, to_regclass('web') IS NOT NULL";
    assert_eq!(project.query(there), ["f|t"]);
}

/// Who is asked for consent is told what to do with the kept plan, not with its command.
#[test]
fn errors_of_apply_are_about_the_kept_plan() {
    let school = School::new("ap_errors");
    let id = school.plans(&["migrate"]);
    let again = format!("cargo db apply {id} --confirm ap_errors");
    school.project.db(&["apply", &id]).code(3).says(&again);
    let unapproved = school.agent(&["apply", &id]).code(3).says(&format!("cargo db approve {id}"));
    assert!(!unapproved.stderr.contains("--yes"), "{unapproved}");
    let first = school.agent(&["migrate"]).code(3).says("cargo db plan migrate --for-approval");
    assert!(!first.stderr.contains("--plan <id>"), "{first}");
    assert_eq!(school.approve(&[&id], TYPED), 0);
    school.applies(&id).ok();
    school.applies(&id).code(4).says("was already carried out");
    let shown = school.project.db(&["audit", "show", "1"]).ok();
    let listed = school.project.db(&["audit", "--json"]).ok().stdout;
    assert!(listed.contains("approved by cargo_db_approver"), "{shown}\n{listed}");
}

#[test]
fn db_toml_asks_more_of_agents() {
    let mut school = School::new("ap_rules");
    school.project.set("CARGO_DB_ENV", "development");
    let rules = "[environments.development.agents]\nmigrate = \"approved\"\nrollback = \"never\"\n";
    school.project.write("db.toml", rules);
    let id = school.plans(&["migrate"]);
    school.applies(&id).code(3);
    assert_eq!(school.approve(&[&id], TYPED), 0);
    school.applies(&id).ok();
    school.agent(&["rollback", "--dry-run"]).code(4).says("refused in development");
    school.project.db(&["rollback", "--yes"]).ok();
    school.project.write("db.toml", "[environments.development.agents]\nmigrate = \"yes\"\n");
    school.project.db(&["status"]).code(2).says("write approved or never");
}

#[test]
fn the_restore_of_a_kept_plan_is_a_restore() {
    let mut school = School::new("ap_restore");
    school.project.set("CARGO_DB_ENV", "development");
    school.project.db(&["backup", "-o", "whole.sql.gz"]).ok();
    let kept = |arguments: &[&str]| {
        let kept = school.agent(&[&["plan", "--json"], arguments].concat()).ok().json();
        kept["plans"][0]["id"].as_str().unwrap().to_owned()
    };
    let (migrate, restore) = (kept(&["migrate"]), kept(&["restore", "whole.sql.gz"]));
    let name = school.project.database.as_str();
    let run = |id: &str| {
        let file = format!(".db/plans/{id}.json");
        school.agent(&["restore", "--plan-file", &file, "--plan", id, "--confirm", name])
    };
    run(&migrate).code(2).says("is one of `migrate`, and not of `restore`");
    let done = run(&restore).ok();
    assert!(done.stdout.contains("restored") || done.stderr.contains("Restored"), "{done}");
    let other = school.agent(&["apply", &migrate, "--env", "production"]);
    other.code(2).says("a kept plan has the database");
}
