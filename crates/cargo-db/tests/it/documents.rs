//! What the documentation promises: the reference is the help, the JSON keeps to its schemas,
//! every link leads somewhere.

use std::path::Path;

use snapbox::{Assert, Data};

use crate::support::{Project, repository};

/// The reference is the help of every verb. `SNAPSHOTS=overwrite cargo test` writes it anew.
#[test]
fn the_reference_is_the_help() {
    let project = Project::bare("docs_help");
    let verbs: &[&[&str]] = &[
        &[],
        &["status"],
        &["create"],
        &["migrate"],
        &["rollback"],
        &["baseline"],
        &["repair"],
        &["generate"],
        &["init"],
        &["seed"],
        &["server"],
        &["backup"],
        &["backups"],
        &["backups", "verify"],
        &["restore"],
        &["check"],
        &["rehearse"],
        &["reset"],
        &["env", "set"],
        &["env", "clear"],
        &["policy"],
        &["history"],
        &["server", "start"],
        &["server", "destroy"],
    ];
    let mut text =
        "# Reference\n\nThe help of every verb, kept true by a test. Global options are listed once.\n"
            .to_owned();
    for verb in verbs {
        let mut arguments = verb.to_vec();
        arguments.push("--help");
        let help = project.db(&arguments).ok().stdout;
        let own = match help.split_once("\nGlobal options:") {
            Some((own, _)) if !verb.is_empty() => own.to_owned(),
            _ => help,
        };
        let title = format!("cargo db {}", verb.join(" "));
        text = format!("{text}\n## {}\n\n```text\n{}\n```\n", title.trim(), own.trim_end());
    }
    Assert::new()
        .action_env("SNAPSHOTS")
        .eq(text, Data::read_from(&repository().join("docs/reference.md"), None));
}

fn valid(schema: &str, document: &serde_json::Value) {
    let path = repository().join("docs/schema").join(schema);
    let schema: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{path:?}\n{document:#}");
}

#[test]
fn json_keeps_to_its_schemas() {
    let project = Project::new("docs_json");
    let json = |arguments: &[&str]| {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        project.db(&arguments).json()
    };
    valid("create.json", &json(&["create", "first"]));
    for entry in std::fs::read_dir(project.path().join("migrations")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.write("seeds/a.csv", "id\n1\n");
    valid("status.json", &json(&["status"]));
    valid("plan.json", &json(&["migrate", "--dry-run"]));
    valid("migrate.json", &json(&["migrate"]));
    valid("plan.json", &json(&["seed", "--dry-run"]));
    valid("seed.json", &json(&["seed"]));
    valid("plan.json", &json(&["seed", "--fresh", "--dry-run"]));
    valid("plan.json", &json(&["rollback", "--dry-run"]));
    valid("status.json", &json(&["status"]));
    valid("migrate.json", &json(&["rollback", "--yes"]));
    valid("backup.json", &json(&["backup", "-o", "x.sql.gz"]));
    for arguments in [
        &["backups", "list"][..],
        &["backups", "show"],
        &["backups", "verify"],
        &["backups", "prune", "--dry-run"],
    ] {
        valid("backup.json", &json(arguments));
    }
    valid("plan.json", &json(&["restore", "--latest", "--dry-run"]));
    valid("backup.json", &json(&["restore", "--latest", "--yes"]));
    valid("plan.json", &json(&["restore", "--latest", "--clean", "--dry-run"]));
    valid("plan.json", &json(&["reset", "--dry-run"]));
    valid("reset.json", &json(&["reset", "--force"]));
    valid("plan.json", &json(&["migrate", "--all-or-nothing", "--dry-run"]));
    valid("plan.json", &json(&["env", "set", "staging", "--dry-run"]));
    valid("env.json", &json(&["env", "set", "development"]));
    valid("env.json", &json(&["env", "show"]));
    valid("policy.json", &json(&["policy"]));
    valid("history.json", &json(&["history"]));
    valid("history.json", &json(&["history", "verify"]));
    valid("error.json", &json(&["migrate", "--steps", "many"]));
    valid("server.json", &json(&["server", "status"]));
    project.write("x.sql", "DROP TABLE a; SELECT 1;");
    valid("check.json", &json(&["check", "x.sql"]));
    project.migration("2_b.up.sql", "DROP TABLE a;");
    valid("plan.json", &json(&["migrate", "--dry-run"]));
    valid("plan.json", &json(&["migrate", "--dry-run", "--env", "staging"]));
    valid("plan.json", &json(&["migrate", "--dry-run", "--env", "production"]));
    valid("rehearse.json", &json(&["rehearse"]));
    valid("rehearse.json", &json(&["rehearse", "--from", "schema"]));
    valid("plan.json", &json(&["baseline", "--dry-run"]));
    valid("migrate.json", &json(&["baseline", "--yes"]));
    valid("migrate.json", &json(&["repair"]));
    valid("error.json", &json(&["generate", "x"]));
    valid("error.json", &json(&["migrate", "--to", "9"]));
    valid("error.json", &json(&["status", "-D", "postgres://u@127.0.0.1:1/x"]));
    project
        .write("db.toml", "[migrations.a]\ndir = 'migrations'\n[migrations.b]\ntool = 'dbmate'\n");
    valid("status-of-sets.json", &json(&["status"]));
}

#[test]
fn every_link_in_the_documentation_leads_somewhere() {
    let mut pages = vec![repository().join("README.md")];
    pages.extend(glob::glob(&format!("{}/docs/*.md", repository().display())).unwrap().flatten());
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or("");
            let found = file.is_empty()
                || file.contains("://")
                || page.parent().unwrap_or(Path::new("")).join(file).exists();
            assert!(found, "{} links to {link}", page.display());
        }
    }
}

/// `.env.example` names every variable that the program reads.
#[test]
fn the_example_environment_is_complete() {
    let example = std::fs::read_to_string(repository().join(".env.example")).unwrap();
    let sources = ["settings/mod.rs", "settings/connection.rs", "face/mod.rs"];
    for source in sources {
        let text =
            std::fs::read_to_string(repository().join("crates/cargo-db/src").join(source)).unwrap();
        let quoted = text.split('"').skip(1).step_by(2);
        let variables = quoted.filter(|word| {
            word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
        });
        for variable in variables.filter(|word| word.contains('_') || word.starts_with("PG")) {
            assert!(example.contains(variable), "{variable} of {source} is not in .env.example");
        }
    }
}
