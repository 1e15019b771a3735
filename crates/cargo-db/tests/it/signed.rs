//! Receipts are signed, and production believes those that a key has signed which its marker lists.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::keys::{PUBLIC_KEY, SIGNING_KEY};
use crate::support::{Project, cluster};

/// A project with a migration that is applied, one that is pending, and rows.
fn school(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, name text);");
    project.migration("1_users.down.sql", "DROP TABLE users;");
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO users SELECT n, 'x' FROM generate_series(1, 20) n; ANALYZE");
    project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN note text;");
    project.migration("2_note.down.sql", "ALTER TABLE users DROP COLUMN note;");
    project
}

/// Rehearses the pending migrations. Returns the file of the receipt.
fn rehearsed(project: &Project) -> PathBuf {
    let json = project.db(&["rehearse", "--json"]).json();
    project.path().join(json["receipt"].as_str().unwrap_or_else(|| panic!("{json:#}")))
}

fn production(project: &mut Project) {
    project.set("CARGO_DB_ENV", "production");
}

#[test]
fn a_key_is_a_file_that_only_its_user_can_read_and_is_never_printed() {
    let mut project = Project::bare("sg_key");
    project.set("CARGO_DB_SIGNING_KEY", "");
    project.db(&["key", "show"]).code(2).says("there is no signing key").says("cargo db key new");
    let made = project.db(&["key", "new", "--json"]).ok();
    let file = project.path().join(".config/cargo-db/signing-key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let folder = std::fs::metadata(file.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
    let secret = std::fs::read_to_string(&file).unwrap();
    let digits = secret.trim().rsplit(':').next().unwrap();
    assert_eq!(digits.len(), 64);
    let public = made.json()["public_key"].as_str().unwrap().to_owned();
    let again = project.db(&["key", "new"]).code(2).says("there is already a signing key");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), secret);
    let shown = project.db(&["key", "show"]).ok().says(&public);
    for ran in [&made, &again, &shown] {
        assert!(!ran.stdout.contains(digits) && !ran.stderr.contains(digits), "{ran}");
    }
    // The variable is stronger, and may hold that file's content.
    project.set("CARGO_DB_SIGNING_KEY", SIGNING_KEY);
    project.db(&["key", "show"]).ok().says(PUBLIC_KEY).says("CARGO_DB_SIGNING_KEY");
    project.set("CARGO_DB_SIGNING_KEY", &secret);
    project.db(&["key", "show"]).ok().says(&public);
    project.set("CARGO_DB_SIGNING_KEY", &digits[..40]);
    let refused = project.db(&["key", "show"]).code(2).says("cannot be used");
    assert!(!refused.stderr.contains(&digits[..40]), "{refused}");
    // A key that others can read is not secret any more.
    project.set("CARGO_DB_SIGNING_KEY", "");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    project.db(&["key", "show"]).code(2).says("only you can read and write");
    let elsewhere = project.path().join("elsewhere");
    project.set("XDG_CONFIG_HOME", elsewhere.to_str().unwrap());
    project.db(&["key", "new"]).ok();
    assert!(elsewhere.join("cargo-db/signing-key").exists());
}

#[test]
fn a_variable_of_the_repository_signs_nothing() {
    let mut project = Project::bare("sg_dotenv");
    project.set("CARGO_DB_SIGNING_KEY", "");
    project.write(".env", &format!("CARGO_DB_SIGNING_KEY={SIGNING_KEY}\n"));
    project.db(&["key", "show"]).code(2).says("there is no signing key");
}

#[test]
fn production_without_keys_refuses_and_says_how_to_get_one() {
    let mut project = school("sg_none");
    rehearsed(&project);
    production(&mut project);
    for verb in ["migrate", "rollback"] {
        for flag in ["--dry-run", "--yes"] {
            let refused = project.db(&[verb, flag]).code(4);
            refused.says("accepts no key").says("cargo db key new").says("cargo db env key add");
        }
    }
    // Other environments need no receipt and no key.
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).ok();
}

/// The id of the plan, and whether a receipt is valid for it.
fn preview(project: &Project) -> Value {
    project.db(&["migrate", "--dry-run", "--json"]).json()["preview"].clone()
}

#[test]
fn receipts_that_follow_each_other_cover_what_needs_both() {
    let mut project = school("sg_chain");
    cluster().run("postgres", "CREATE DATABASE sg_chain_live TEMPLATE sg_chain");
    project.db(&["rehearse"]).ok();
    project.db(&["migrate"]).ok();
    project.migration("3_mail.up.sql", "ALTER TABLE users ADD COLUMN mail text;");
    project.migration("3_mail.down.sql", "ALTER TABLE users DROP COLUMN mail;");
    let second = rehearsed(&project);
    project.set("DATABASE_URL", &cluster().url("sg_chain_live"));
    production(&mut project);
    project.accept_key();
    assert!(preview(&project)["receipt"].is_string(), "{:#}", preview(&project));
    let needed =
        || project.db(&["migrate", "--dry-run", "--json"]).json()["plan"]["receipts"].clone();
    assert!(needed().is_string(), "a part of the plan");
    // A third migration is covered by none, and the first of two receipts alone is not enough.
    project.migration("4_more.up.sql", "ALTER TABLE users ADD COLUMN more text;");
    project.migration("4_more.down.sql", "ALTER TABLE users DROP COLUMN more;");
    let objections = preview(&project)["objections"].to_string();
    assert!(objections.contains("`4 more` was not rehearsed"), "{objections}");
    std::fs::remove_file(project.path().join("migrations/4_more.up.sql")).unwrap();
    std::fs::remove_file(project.path().join("migrations/4_more.down.sql")).unwrap();
    let kept = std::fs::read(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    assert!(preview(&project)["receipt"].is_null() && needed().is_null());
    // Each of them has to be signed.
    let mut forged: Value = serde_json::from_slice(&kept).unwrap();
    forged["rows"] = json!(1000);
    std::fs::write(&second, forged.to_string()).unwrap();
    assert!(preview(&project)["receipt"].is_null());
    std::fs::write(&second, kept).unwrap();
    project.agreed(&["migrate"]).ok().says("Proved");
}

#[test]
fn a_receipt_that_is_not_valid_names_the_files_that_differ_of_its_set_only() {
    let mut project = Project::new("sg_names");
    project.accept_key();
    let set = |set: &str| {
        format!("[migrations.{set}]\ndir = '{set}'\ntool = 'sqlx'\ntable = '{set}_history'\n")
    };
    project.write("db.toml", &format!("{}{}", set("web"), set("jobs")));
    project.write("web/1_web.sql", "CREATE TABLE web (id bigint PRIMARY KEY);\n");
    project.write("jobs/1_jobs.sql", "CREATE TABLE jobs (id bigint PRIMARY KEY);\n");
    for set in ["web", "jobs"] {
        project.db(&["rehearse", "--set", set]).ok();
    }
    production(&mut project);
    project.write("web/1_web.sql", "CREATE TABLE web (id bigint PRIMARY KEY, name text);\n");
    project.write("jobs/1_jobs.sql", "CREATE TABLE jobs (id bigint PRIMARY KEY, at date);\n");
    for (set, file) in [("web", "web/1_web.sql"), ("jobs", "jobs/1_jobs.sql")] {
        let said = project.db(&["migrate", "--set", set, "--dry-run"]);
        let said = said.says(&format!("the files differ: `{file}` was edited"));
        assert_eq!(said.to_string().matches("the receipt of").count(), 1, "{said}");
    }
}

#[test]
fn to_accept_a_key_in_production_is_consent_to_the_plan_by_a_person() {
    let mut project = school("sg_add");
    project.db(&["rehearse"]).ok();
    project.agreed(&["env", "set", "production"]).ok();
    let add = ["env", "key", "add", PUBLIC_KEY];
    project.db(&["env", "key", "list"]).ok().says("accepts no key");
    project.db(&[&add[..], &["--yes"]].concat()).code(3).says("consent to the plan");
    project.set("CLAUDECODE", "1");
    let consent = project.consent(&add);
    let by_agent: Vec<&str> =
        add.iter().copied().chain(consent.iter().map(String::as_str)).collect();
    let refused = project.db(&by_agent).code(4);
    let refused = refused.says("only a person can change which keys are accepted");
    refused.says(&format!("`cargo db env key add {PUBLIC_KEY}`"));
    project.set("CLAUDECODE", "");
    project.db(&by_agent).ok().says(PUBLIC_KEY);
    project.db(&["env", "show"]).ok().says(PUBLIC_KEY);
    project.agreed(&["migrate"]).ok().says("Proved");
    // It survives a replacement of the database, and does not apply to a copy.
    project.agreed(&["env", "set", "production"]).ok();
    project.db(&["backup", "-o", "b.sql.gz"]).ok();
    project.agreed(&["restore", "b.sql.gz"]).ok();
    let listed = project.db(&["env", "key", "list", "--json"]).ok().json();
    assert_eq!(listed["accepted"], json!([PUBLIC_KEY]));
    project.agreed(&["restore", "b.sql.gz", "--into", "sg_add_copy"]).ok();
    let copy = cluster().url("sg_add_copy");
    let of_copy = project.db(&["env", "key", "list", "--json", "-D", &copy]).ok().json();
    assert_eq!(of_copy["accepted"], json!([]));
    // And it can be taken away.
    let remove = ["env", "key", "remove", PUBLIC_KEY];
    project.db(&[&remove[..], &["--yes"]].concat()).code(3);
    project.agreed(&remove).ok().says("accepts no key");
    project.db(&[&remove[..], &["--dry-run"]].concat()).code(2).says("does not accept");
    project.db(&["rollback", "--dry-run"]).code(4).says("accepts no key");
}

#[test]
fn an_invalid_public_key_is_neither_added_nor_printed() {
    let project = Project::new("sg_word");
    let secret = project.db(&["env", "key", "add", SIGNING_KEY, "--yes"]).code(2);
    let secret = secret.says("64 hexadecimal digits");
    let digits = SIGNING_KEY.rsplit(':').next().unwrap();
    assert!(!secret.stderr.contains(digits) && !secret.stdout.contains(digits), "{secret}");
    project.db(&["env", "key", "add", "ed25519:00", "--yes"]).code(2);
    assert_eq!(project.query("SELECT to_regnamespace('cargo_db') IS NULL"), ["t"]);
}

/// Changes a receipt.
fn edit(receipt: &std::path::Path, change: impl FnOnce(&mut Value)) {
    let text = std::fs::read_to_string(receipt).unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    change(&mut json);
    std::fs::write(receipt, json.to_string()).unwrap();
}

#[test]
fn forged_edited_and_foreign_receipts_are_refused_each_in_its_own_words() {
    let mut project = school("sg_forged");
    project.accept_key();
    let receipt = rehearsed(&project);
    let sound = std::fs::read_to_string(&receipt).unwrap();
    production(&mut project);
    project.db(&["migrate", "--dry-run"]).ok();
    let refused = |why: &str| {
        project.db(&["migrate", "--dry-run"]).code(1).says(why);
        let named = receipt.to_str().unwrap();
        for receipt in [&[][..], &["--receipt", named]] {
            project.agreed(&[&["migrate"], receipt].concat()).code(4).says(why);
        }
        std::fs::write(&receipt, &sound).unwrap();
    };
    edit(&receipt, |json| {
        json["signature"] = Value::Null;
        json["signed_by"] = Value::Null;
    });
    refused("it is not signed");
    edit(&receipt, |json| json["signature"] = json!("00ff"));
    refused("it was forged");
    edit(&receipt, |json| json["rows"] = json!(1_000_000));
    refused("it was edited");
    // Another key, with the name of the accepted one.
    let mut other = school("sg_forged_by");
    other.set("CARGO_DB_SIGNING_KEY", &SIGNING_KEY.replace('1', "2"));
    let own = std::fs::read_to_string(rehearsed(&other)).unwrap();
    std::fs::write(&receipt, &own).unwrap();
    refused("which this database does not accept");
    std::fs::write(&receipt, &own).unwrap();
    edit(&receipt, |json| json["signed_by"] = json!(PUBLIC_KEY));
    refused("it was edited");
    project.db(&["migrate", "--dry-run"]).ok();
    assert_eq!(project.query("SELECT count(*) FROM _sqlx_migrations"), ["1"]);
}

#[test]
fn a_block_that_is_made_a_pass_opens_nothing() {
    let mut project = school("sg_block");
    project.accept_key();
    project.migration("2_note.up.sql", "DROP TABLE users;");
    let receipt = rehearsed(&project);
    production(&mut project);
    project.db(&["migrate", "--dry-run"]).code(1).says("its verdict is BLOCK for 2");
    edit(&receipt, |json| json["migrations"][0]["verdict"] = json!("PASS"));
    project.agreed(&["migrate"]).code(4).says("it was edited");
    assert_eq!(project.query("SELECT count(*) FROM users"), ["20"]);
}

#[test]
fn a_signature_is_of_all_that_a_receipt_says() {
    let mut project = school("sg_all");
    project.accept_key();
    let receipt = rehearsed(&project);
    let sound = std::fs::read_to_string(&receipt).unwrap();
    let said: Value = serde_json::from_str(&sound).unwrap();
    production(&mut project);
    let fields: Vec<String> = said.as_object().unwrap().keys().cloned().collect();
    assert!(fields.len() >= 11, "{fields:?}");
    for field in fields {
        edit(&receipt, |json| {
            json[&field] = match &json[&field] {
                Value::Number(number) => json!(number.as_u64().unwrap() + 1),
                Value::Bool(value) => json!(!value),
                Value::Array(_) => json!([]),
                Value::Null => json!("x"),
                _ if field == "when" => json!("2026-01-02T03:04:05Z"),
                _ => json!(format!("ed25519:{}", "0".repeat(64))),
            };
        });
        let ran = project.db(&["migrate", "--dry-run"]);
        assert_eq!(ran.code, Some(1), "{field}\n{ran}");
        std::fs::write(&receipt, &sound).unwrap();
    }
    project.db(&["migrate", "--dry-run"]).ok();
}

#[test]
fn only_a_signed_receipt_proves_a_rollback() {
    let mut project = school("sg_back");
    project.accept_key();
    let receipt = rehearsed(&project);
    production(&mut project);
    project.agreed(&["migrate"]).ok();
    let sound = std::fs::read_to_string(&receipt).unwrap();
    edit(&receipt, |json| json["basis"] = json!("elsewhere"));
    let refused = project.agreed(&["rollback"]).code(4);
    refused.says("no rehearsal proved that rolling back `2 note` undoes it").says("it was edited");
    std::fs::write(&receipt, &sound).unwrap();
    project.agreed(&["rollback"]).ok();
}

#[test]
fn another_receipt_makes_another_plan() {
    let mut project = school("sg_plan");
    project.accept_key();
    rehearsed(&project);
    production(&mut project);
    let consent = project.consent(&["migrate"]);
    let run: Vec<&str> =
        ["migrate"].into_iter().chain(consent.iter().map(String::as_str)).collect();
    project.set("CARGO_DB_ENV", "development");
    rehearsed(&project);
    production(&mut project);
    project.db(&run).code(3).says("does not match the id of this plan");
    project.agreed(&["migrate"]).ok();
}

#[test]
fn programs_of_the_project_are_not_given_the_key() {
    let project = Project::new("sg_child");
    project.migration("1_a.sql", "CREATE TABLE a (id int);");
    project.write("db.toml", "[seeds]\ncommand = \"sh -c 'env > seen.txt'\"\n");
    project.db(&["migrate"]).ok();
    project.db(&["seed"]).ok();
    let seen = std::fs::read_to_string(project.path().join("seen.txt")).unwrap();
    assert!(seen.contains("DATABASE_URL=") && !seen.contains("SIGNING_KEY"), "{seen}");
}

#[test]
fn an_unreadable_marker_is_reported_instead_of_missing_keys() {
    let mut project = school("sg_hidden");
    project.accept_key();
    project.run_sql(
        "CREATE ROLE sg_hidden_r LOGIN; GRANT ALL ON SCHEMA public TO sg_hidden_r; \
         GRANT ALL ON ALL TABLES IN SCHEMA public TO sg_hidden_r; \
         REVOKE ALL ON SCHEMA cargo_db FROM PUBLIC; \
         REVOKE ALL ON cargo_db.marker FROM PUBLIC",
    );
    let url = cluster().url("sg_hidden").replace("postgres@", "sg_hidden_r@");
    project.set("DATABASE_URL", &url);
    let refused = project.db(&["migrate", "--yes", "--json"]).code(4);
    assert_eq!(refused.json()["error"]["code"], "POLICY.UNREADABLE", "{refused}");
}
