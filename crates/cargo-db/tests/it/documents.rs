//! What the documentation promises: the reference is the help, the JSON matches its schemas, every
//! link works.

use std::path::Path;

use serde_json::{Value, json};
use snapbox::{Assert, Data};

use crate::support::{Project, repository};

/// Every verb and group of verbs with its help, in the order of the help; first `cargo db` itself.
fn helps(project: &Project) -> Vec<(String, String)> {
    let mut found = vec![String::new()];
    let mut helps = Vec::new();
    while !found.is_empty() {
        let verb = found.remove(0);
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let help = project.db(&arguments).ok().stdout;
        // The help of `cargo db` itself lists them in groups, before the options.
        let commands = match verb.as_str() {
            "" => help.split_once("\nOptions:\n").unwrap().0,
            _ => help.split_once("\nCommands:\n").map_or("", |(_, commands)| commands),
        };
        let lines = commands.lines().take_while(|line| verb.is_empty() || line.starts_with("  "));
        let listed = lines.filter(|line| line.starts_with("  "));
        let names = listed.filter_map(|line| line.split_whitespace().next());
        let below = names.map(|name| format!("{verb} {name}"));
        let below: Vec<String> = below.map(|name| name.trim().to_owned()).collect();
        found.splice(0..0, below);
        helps.push((verb, help));
    }
    helps
}

/// Programs could not rely on a verb without a schema.
#[test]
fn every_verb_has_a_schema() {
    let schemas = glob::glob(&format!("{}/docs/schema/*.json", repository().display())).unwrap();
    let schemas: String =
        schemas.flatten().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for (verb, help) in helps(&Project::bare("docs_verbs")) {
        let is_group = help.contains(" <COMMAND>");
        assert!(is_group || schemas.contains(&format!("\"{verb}\"")), "{verb}");
    }
}

/// The reference is the help of every verb. `SNAPSHOTS=overwrite cargo test` writes it.
#[test]
fn the_reference_is_the_help() {
    let project = Project::bare("docs_help");
    let mut text =
        "# Reference\n\nThe help text of every command. A test checks that it is up to date. \
         Global options are listed once.\n"
            .to_owned();
    for (verb, help) in helps(&project) {
        let own = match help.split_once("\nGlobal options:") {
            Some((own, global)) if !verb.is_empty() => {
                let effect =
                    global.lines().filter(|line| line.starts_with("Effect on the database: "));
                effect.fold(own.trim_end().to_owned(), |own, effect| format!("{own}\n\n{effect}"))
            }
            _ => help,
        };
        let title = format!("cargo db {verb}");
        text = format!("{text}\n## {}\n\n```text\n{}\n```\n", title.trim(), own.trim_end());
    }
    Assert::new()
        .action_env("SNAPSHOTS")
        .eq(text, Data::read_from(&repository().join("docs/reference.md"), None));
}

/// What `docs/schema/<name>.json` has to say against a document.
fn objections(name: &str, document: &Value) -> Vec<String> {
    let path = repository().join(format!("docs/schema/{name}.json"));
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors = validator.iter_errors(document);
    errors.map(|error| format!("{error} at {}", error.instance_path())).collect()
}

/// The one document that a run ended with, which keeps to the schema of its verb.
#[track_caller]
fn ended(project: &Project, arguments: &[&str], code: i32) -> Value {
    let ran = project.db(&[arguments, &["--json"]].concat());
    assert_eq!(ran.code, Some(code), "{arguments:?}\n{ran}");
    let document = ran.json();
    assert_eq!(document["ok"], code == 0, "{arguments:?}\n{ran}");
    let envelope = ["schema", "verb", "ok", "set", "error"];
    let fields = document.as_object().unwrap();
    let verb = document["verb"].as_str().unwrap();
    let name = match verb.split(' ').next().unwrap() {
        _ if fields.keys().all(|field| envelope.contains(&field.as_str())) => "error",
        word => word,
    };
    if let Some(error) = fields.get("error") {
        assert_eq!(error["exit"], code, "{document:#}");
    }
    let objections = objections(name, &document);
    assert_eq!(objections, Vec::<String>::new(), "{name}.json, {arguments:?}\n{document:#}");
    document
}

/// The same of a verb that needs consent to its plan.
#[track_caller]
fn agreed(project: &Project, arguments: &[&str]) -> Value {
    ended(project, &[arguments, &["--dry-run"]].concat(), 0);
    let consent = project.consent(arguments);
    let consent: Vec<&str> = consent.iter().map(String::as_str).collect();
    ended(project, &[arguments, &consent].concat(), 0)
}

const NONE: [&str; 0] = [];

#[test]
fn endings_with_nothing_to_do() {
    let project = Project::new("docs_nothing");
    let migrate = ended(&project, &["migrate"], 0);
    assert_eq!(migrate["done"], json!(NONE));
    assert!(migrate["reason"].as_str().unwrap().contains("no migrations in `migrations` yet"));
    for verb in ["migrate", "rollback", "baseline", "repair", "seed"] {
        let plan = ended(&project, &[verb, "--dry-run"], 0);
        assert_eq!(plan["plan"]["steps"], json!(NONE), "{plan:#}");
    }
    for verb in ["rollback", "baseline", "repair"] {
        assert_eq!(ended(&project, &[verb], 0)["done"], json!(NONE));
    }
    assert_eq!(ended(&project, &["seed"], 0)["tables"], json!(NONE));
    let rehearsal = ended(&project, &["rehearse"], 0);
    assert_eq!((&rehearsal["verdict"], &rehearsal["migrations"]), (&json!("PASS"), &json!(NONE)));
    assert_eq!(ended(&project, &["check"], 0)["migrations"], json!(NONE));
    assert_eq!(ended(&project, &["backups", "list"], 0)["backups"], json!(NONE));
    assert_eq!(ended(&project, &["backups", "verify", "--all"], 0)["verified"], json!(NONE));
    assert_eq!(ended(&project, &["backups", "prune"], 0)["backups"], json!(NONE));
    assert_eq!(ended(&project, &["audit"], 0)["records"], json!(NONE));
    assert_eq!(ended(&project, &["audit", "verify"], 0)["records"], 0);
    ended(&project, &["backups", "verify", "--all", "--max-age", "1h"], 11);
    ended(&project, &["backups", "show"], 11);
    ended(&project, &["restore", "--latest"], 11);
    ended(&project, &["restore", "--undo"], 11);
    assert_eq!(ended(&project, &["restore", "--drop-previous"], 0)["dropped"], json!(NONE));
    ended(&project, &["restore", "--drop-previous", "--dry-run"], 0);
    ended(&project, &["status", "--check"], 0);
    let project = Project::without_database("docs_absent");
    assert_eq!(ended(&project, &["status"], 0)["database"]["exists"], false);
    ended(&project, &["rehearse"], 0);
    ended(&project, &["reset", "--dry-run"], 0);
    let kept = ended(&project, &["plan", "reset"], 0);
    let id = kept["plans"][0]["id"].as_str().unwrap();
    ended(&project, &["approve", id], 3);
    ended(&project, &["approve", id, "--sign"], 0);
    ended(&project, &["apply", id, "--confirm", "x"], 3);
    assert_eq!(ended(&project, &["apply", id, "--confirm", &project.database], 0)["id"], id);
    ended(&project, &["reset", "--force"], 0);
}

#[test]
fn endings_of_what_is_done() {
    let project = Project::new("docs_json");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    project.migration("1_a.down.sql", "DROP TABLE a;");
    project.write("seeds/a.csv", "id\n1\n");
    assert_eq!(ended(&project, &["status", "--check"], 1)["migrations"]["pending"][0]["name"], "a");
    let shown = ended(&project, &["migrate", "--dry-run", "--show-sql"], 0);
    assert_eq!(shown["sql"][0]["file"], "migrations/1_a.up.sql");
    assert_eq!(shown["plan"]["policy"], "backup, rehearsal, no confirmation");
    assert_eq!(ended(&project, &["migrate"], 0)["done"][0]["version"], "1");
    ended(&project, &["migrate"], 0);
    ended(&project, &["seed", "--dry-run"], 0);
    assert_eq!(ended(&project, &["seed"], 0)["tables"], json!([{ "name": "public.a", "rows": 1 }]));
    ended(&project, &["seed"], 0);
    ended(&project, &["seed", "--fresh", "--dry-run"], 0);
    ended(&project, &["seed", "--fresh"], 3);
    ended(&project, &["seed", "--fresh", "--yes"], 0);
    let losses = ended(&project, &["rollback", "--dry-run", "--show-sql"], 0);
    assert_eq!(losses["plan"]["steps"][1]["losses"][0]["rows"], 1, "{losses:#}");
    ended(&project, &["rollback"], 3);
    ended(&project, &["rollback", "--yes"], 0);
    ended(&project, &["migrate", "--all-or-nothing", "--dry-run"], 0);
    ended(&project, &["baseline", "--dry-run"], 0);
    ended(&project, &["baseline", "--yes"], 9);
    ended(&project, &["baseline", "--accept-differences", "--yes"], 0);
    project.git(&["init", "--quiet", "--initial-branch", "main"]);
    project.git(&["commit", "--quiet", "--allow-empty", "--message", "none"]);
    ended(&project, &["rebase", "--dry-run"], 0);
    assert_eq!(ended(&project, &["rebase"], 0)["done"], json!(NONE));
    ended(&project, &["switch", "--dry-run"], 0);
    assert_eq!(ended(&project, &["switch"], 0)["done"], json!(NONE));
    ended(&project, &["snapshot", "list"], 0);
    ended(&project, &["snapshot", "restore"], 2);
    ended(&project, &["snapshot", "save", "one", "--pin", "--dry-run"], 0);
    ended(&project, &["snapshot", "save", "one", "--pin"], 0);
    assert_eq!(ended(&project, &["snapshot", "list"], 0)["snapshots"][0]["name"], "one");
    ended(&project, &["snapshot", "restore", "one", "--dry-run"], 0);
    assert_eq!(ended(&project, &["snapshot", "restore", "--yes"], 0)["restored"], "one");
    ended(&project, &["snapshot", "drop", "one", "--dry-run"], 0);
    assert_eq!(
        ended(&project, &["snapshot", "drop", "one", "--yes"], 0)["dropped"],
        json!(["one"])
    );
    project.migration("1_a.up.sql", "CREATE TABLE a (id int); -- more");
    ended(&project, &["repair", "--yes"], 9);
    ended(&project, &["migrate"], 9);
    project.migration("1_a.up.sql", "CREATE TABLE a (id int);");
    ended(&project, &["repair", "--dry-run"], 0);
    ended(&project, &["repair"], 0);
    ended(&project, &["reset", "--dry-run"], 0);
    ended(&project, &["reset", "--force"], 0);
    ended(&project, &["env", "show"], 0);
    ended(&project, &["env", "set", "test", "--dry-run"], 0);
    assert_eq!(ended(&project, &["env", "set", "test"], 0)["marker"]["environment"], "test");
    ended(&project, &["env", "set", "nowhere"], 2);
    ended(&project, &["env", "clear"], 3);
    assert_eq!(agreed(&project, &["env", "clear"])["marker"], Value::Null);
    ended(&project, &["doctor"], 0);
    ended(&project, &["policy"], 0);
    ended(&project, &["policy", "--env", "staging"], 0);
    assert_eq!(ended(&project, &["trust"], 0)["commands"], json!(NONE));
    assert_eq!(ended(&project, &["trust", "--list"], 0)["trusted"], json!(NONE));
    assert_eq!(ended(&project, &["trust", "--revoke"], 0)["revoked"], false);
    ended(&project, &["audit"], 0);
    ended(&project, &["audit", "--database"], 0);
    ended(&project, &["audit", "show", "1"], 0);
    ended(&project, &["audit", "verify"], 0);
    let trail = project.path().join(".db/audit.jsonl");
    let text = std::fs::read_to_string(&trail).unwrap();
    std::fs::write(&trail, text.replacen("\"migrate\"", "\"seed\"", 1)).unwrap();
    ended(&project, &["audit", "verify"], 1);
    ended(&project, &["migrate", "--steps", "many"], 2);
    ended(&project, &["migrate", "--to", "9"], 2);
    ended(&project, &["generate", "x"], 2);
    ended(&project, &["status", "-D", "postgres://u@127.0.0.1:1/x"], 6);
}

#[test]
fn endings_about_backups() {
    let mut project = Project::new("docs_backups");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int PRIMARY KEY);");
    project.db(&["migrate"]).ok();
    let taken = ended(&project, &["backup", "-o", "x.dump", "--format", "custom"], 0);
    assert_eq!((&taken["backup"]["state"], &taken["removed"]), (&json!("verified"), &json!(NONE)));
    ended(&project, &["backup", "--format", "set"], 0);
    ended(&project, &["backup", "--no-verify", "-o", "unread.sql"], 0);
    ended(&project, &["backups", "list"], 0);
    ended(&project, &["backups", "show", "x.dump"], 0);
    ended(&project, &["backups", "verify", "x.dump", "--max-age", "1h"], 0);
    let shown = ended(&project, &["backups", "show", "x.dump"], 0);
    assert_eq!(shown["verification"]["ok"], true);
    let asked = ended(&project, &["backups", "prune", "--dry-run"], 0);
    assert_eq!(asked["dry_run"], true);
    for arguments in [
        &["restore", "x.dump", "--dry-run"][..],
        &["restore", "x.dump", "--clean", "--dry-run"],
        &["restore", "x.dump", "--table", "a", "--dry-run"],
    ] {
        ended(&project, arguments, 0);
    }
    ended(&project, &["restore", "x.dump"], 3);
    let restored = ended(&project, &["restore", "x.dump", "--yes"], 0);
    assert!(restored["kept"].is_string(), "{restored:#}");
    ended(&project, &["restore", "--undo", "--dry-run"], 0);
    ended(&project, &["restore", "--undo", "--yes"], 0);
    ended(&project, &["restore", "--drop-previous", "--dry-run"], 0);
    let dropped = ended(&project, &["restore", "--drop-previous", "--yes"], 0);
    assert_eq!(dropped["dropped"].as_array().unwrap().len(), 1);
    ended(&project, &["restore", "x.dump", "--clean", "--yes"], 0);
    ended(&project, &["restore", "x.dump", "--table", "a", "--yes"], 0);
    let path = project.path().join("backups/unread.sql");
    std::fs::write(&path, [std::fs::read(&path).unwrap(), b"more".to_vec()].concat()).unwrap();
    // One document contains both the result and the failure.
    let unsound = ended(&project, &["backups", "verify", "unread.sql"], 11);
    assert_eq!(unsound["verified"][0]["ok"], false);
    assert_eq!(unsound["error"]["code"], "BACKUP.UNSOUND");
    assert_eq!(ended(&project, &["backups", "list"], 0)["backups"][0]["state"], "unsound");
    ended(&project, &["restore", "unread.sql", "--yes"], 11);
    project.set("BACKUP_RETENTION_DAYS", "0");
    project.set("MAX_BACKUPS", "1");
    ended(&project, &["backups", "prune"], 3);
    ended(&project, &["backups", "prune", "--yes"], 0);
}

#[test]
fn endings_of_checks_and_rehearsals() {
    let mut project = Project::new("docs_findings");
    project.accept_key();
    project.run_sql("CREATE TABLE a (id int); INSERT INTO a SELECT generate_series(1, 9)");
    project.migration("1_b.up.sql", "CREATE TABLE b (id int);");
    ended(&project, &["rehearse"], 0);
    ended(&project, &["check"], 0);
    let held = ended(&project, &["migrate", "--dry-run", "--env", "production"], 0);
    assert!(held["preview"]["receipt"].is_string(), "{held:#}");
    project.migration("1_b.up.sql", "DROP TABLE a;");
    ended(&project, &["check"], 1);
    let blocked = ended(&project, &["rehearse"], 1);
    assert_eq!(blocked["verdict"], "BLOCK");
    let checked = ended(&project, &["migrate", "--dry-run"], 1);
    assert!(checked["preview"]["check"].is_array(), "{checked:#}");
    let stopped = ended(&project, &["migrate", "--dry-run", "--env", "production"], 1);
    assert_eq!(stopped["preview"]["receipt"], Value::Null);
    let unmeasured = ended(&project, &["rehearse", "--from", "schema", "--keep"], 1);
    assert_eq!(unmeasured["verdict"], "UNMEASURED");
    project.set("CARGO_DB_REHEARSE", "1");
    let rehearsed = ended(&project, &["migrate", "--dry-run"], 1);
    assert_eq!(rehearsed["preview"]["rehearsal"]["verdict"], "BLOCK");
    ended(&project, &["migrate", "--yes"], 4);
    project.migration("1_b.up.sql", "SELEC 1;");
    ended(&project, &["rehearse"], 1);
    ended(&project, &["migrate", "--yes"], 7);
    ended(&project, &["rehearse", "--from", "backup"], 11);
}

#[test]
fn endings_about_the_schema() {
    let project = Project::new("docs_schema");
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.migration("1_a.up.sql", "CREATE TABLE a (id int PRIMARY KEY, b int DEFAULT 7);");
    assert_eq!(ended(&project, &["schema", "check"], 1)["state"], "missing");
    assert_eq!(ended(&project, &["schema", "dump", "--dry-run"], 0)["state"], "missing");
    assert_eq!(ended(&project, &["schema", "dump"], 0)["state"], "written");
    assert_eq!(ended(&project, &["schema", "dump"], 0)["state"], "unchanged");
    assert_eq!(ended(&project, &["schema", "check"], 0)["state"], "same");
    let args = ["check", "--schema", "--fail-on", "block"];
    assert_eq!(ended(&project, &args, 0)["schema_file"]["state"], "same");
    project.db(&["migrate"]).ok();
    let tables = ended(&project, &["schema", "show"], 0);
    assert_eq!(tables["tables"][1]["name"], "a");
    let shown = ended(&project, &["schema", "show", "a"], 0);
    assert_eq!(
        (&shown["table"]["name"], &shown["columns"][1]["default"]),
        (&json!("a"), &json!("7"))
    );
    ended(&project, &["schema", "show", "aa"], 2);
    project.write("schema.sql", "SELECT 1;\n");
    ended(&project, &["schema", "dump"], 2);
}

#[test]
fn endings_of_what_writes_files() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::bare("docs_init");
    std::fs::remove_file(project.path().join("db.toml")).unwrap();
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    project.write(".gitignore", "/target\n");
    let asked = ended(&project, &["init", "--dry-run"], 0);
    let made = ended(&project, &["init"], 0);
    assert_eq!((&asked["written"], &asked["dry_run"]), (&made["written"], &json!(true)));
    assert_eq!(made["added"][0]["lines"], json!(["/.db/", "/backups/", ".env"]));
    assert_eq!(ended(&project, &["init"], 0)["written"], json!(NONE));
    assert_eq!(ended(&project, &["create", "x"], 0)["files"].as_array().unwrap().len(), 2);
    ended(&project, &["create", "a/b"], 2);

    let project = Project::new("docs_native");
    project.write("db.toml", "[schema]\nfile = \"schema.sql\"\n");
    project.write("schema.sql", "CREATE TABLE a (id int NOT NULL CHECK (id > id));");
    let shown = ended(&project, &["generate", "a", "--dry-run"], 0);
    assert_eq!((&shown["dry_run"], &shown["files"]), (&json!(true), &json!(NONE)));
    assert_eq!(ended(&project, &["generate", "a"], 0)["files"].as_array().unwrap().len(), 2);
    assert_eq!(ended(&project, &["generate", "a"], 0)["files"], json!(NONE));
    assert_eq!(ended(&project, &["diff", "schema", "migrations"], 0)["differs"], false);
    let shown = ended(&project, &["diff", "live", "migrations"], 0);
    assert_eq!(shown["steps"][0]["action"], "create");
    project.write("schema.sql", "CREATE TABLE a (id int NOT NULL CHECK (id > id), b int);");
    let shown = ended(&project, &["generate", "b"], 0);
    assert_eq!(shown["proof"]["tables_without_rows"][0]["table"], "public.a");

    let project = Project::new("docs_generate");
    project.write(
        "db.toml",
        "[migrations]\nstatus = ['./tool', 'status']\napply = ['./tool', 'up']\n\
         generate = ['./tool', 'diff']\n",
    );
    let tool = |script: &str| {
        let tool = project.write("tool", &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    ended(&project, &["trust"], 3);
    assert_eq!(ended(&project, &["trust", "--dry-run"], 0)["basis"], "variable");
    tool("[ $1 = diff ] && echo 'SELECT 1' > 1_x.sql; exit 0");
    assert_eq!(ended(&project, &["generate", "x"], 0)["files"], json!(["1_x.sql"]));
    tool("[ $1 = diff ] && echo 'No changes detected'; exit 0");
    let nothing = ended(&project, &["generate", "x"], 0);
    assert_eq!(nothing["files"], json!(NONE));
    assert_eq!(nothing["reason"], "nothing to do: the tool wrote nothing");
    tool("[ $1 = diff ] && echo 'Nothing to do' && exit 1; exit 0");
    assert_eq!(ended(&project, &["generate", "x"], 0)["files"], json!(NONE));
    tool("[ $1 = diff ] && exit 3; exit 0");
    ended(&project, &["generate", "x"], 10);
}

#[test]
fn endings_of_the_help() {
    let project = Project::bare("docs_help_json");
    let help = ended(&project, &["help"], 0);
    let commands = help["commands"].as_array().unwrap();
    let names: Vec<&str> =
        commands.iter().map(|command| command["name"].as_str().unwrap()).collect();
    for (verb, shown) in helps(&project) {
        assert_eq!(names.contains(&verb.as_str()), !shown.contains(" <COMMAND>"), "{verb}");
    }
    for command in commands {
        let schema = repository().join(command["schema"].as_str().unwrap());
        assert!(schema.is_file(), "{command:#}");
    }
    let verify = ended(&project, &["help", "backups", "verify"], 0);
    assert_eq!(verify["commands"].as_array().unwrap().len(), 1, "{verify:#}");
    let level = verify["commands"][0]["arguments"].as_array().unwrap();
    let level = level.iter().find(|argument| argument["option"] == "--level").unwrap();
    assert!(level["allowed"].as_array().unwrap().contains(&json!("restore")), "{level:#}");
    let set = |argument: &&Value| argument["option"] == "--set";
    assert!(help["global_options"].as_array().unwrap().iter().any(|one| set(&one)));
    project.db(&["help", "backups"]).ok().says("verify");
    project.db(&["help", "backups", "x"]).code(2);
    let script = ended(&project, &["completions", "zsh"], 0);
    assert!(script["text"].as_str().unwrap().contains("compdef _cargo_db cargo-db"));
    let pages = ended(&project, &["help", "--man", "pages"], 0);
    assert!(pages["paths"].as_array().unwrap().contains(&json!("pages/cargo-db-status.1")));
}

#[test]
fn endings_about_the_local_server() {
    let project = Project::bare("docs_server");
    assert_eq!(ended(&project, &["server", "status"], 0)["server"]["major"], Value::Null);
    ended(&project, &["server", "url"], 2);
    ended(&project, &["server", "destroy", "--dry-run"], 2);
    let started = ended(&project, &["server", "start"], 0);
    let url = ended(&project, &["server", "url"], 0);
    assert_eq!(started["server"]["url"], url["url"]);
    ended(&project, &["server", "status"], 0);
    ended(&project, &["server", "destroy", "--dry-run"], 0);
    ended(&project, &["server", "destroy"], 3);
    assert_eq!(ended(&project, &["server", "stop"], 0)["server"]["pid"], Value::Null);
    assert_eq!(ended(&project, &["server", "stop"], 0)["happened"], "not running");
    ended(&project, &["server", "destroy", "--yes"], 0);
}

#[test]
fn every_document_names_its_set() {
    let project = Project::new("docs_sets");
    project.write("a/1_a.sql", "CREATE TABLE a (id int);");
    project.write("b/1_b.sql", "CREATE TABLE b (id int);");
    project.write(
        "db.toml",
        "[migrations.a]\ntool = 'sqlx'\ndir = 'a'\n\
         [migrations.b]\ntool = 'sqlx'\ndir = 'b'\ntable = 'other'\n",
    );
    let status = ended(&project, &["status"], 0);
    let names = |status: &Value| {
        let sets = status["sets"].as_array().unwrap().iter();
        sets.map(|set| set["set"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&status), ["a", "b"]);
    ended(&project, &["status", "--check"], 1);
    for (arguments, code) in [
        (&["status"][..], 0),
        (&["migrate", "--dry-run"], 0),
        (&["rehearse"], 0),
        (&["check"], 0),
        (&["create", "x"], 0),
        (&["backups", "list"], 0),
        (&["migrate", "--to", "77"], 2),
    ] {
        let document = ended(&project, &[arguments, &["--set", "a"]].concat(), code);
        assert_eq!(document["set"], "a", "{document:#}");
    }
    ended(&project, &["rollback"], 2);
    for (arguments, code) in [
        (&["migrate", "--dry-run"][..], 0),
        (&["rehearse"], 0),
        (&["check", "--fail-on", "block"], 0),
        (&["audit", "--database"], 0),
        (&["migrate", "--yes"], 0),
    ] {
        assert_eq!(names(&ended(&project, arguments, code)), ["a", "b"], "{arguments:?}");
    }
    // A set that cannot be read does not hide the others.
    project.write(
        "db.toml",
        "[migrations.a]\ntool = 'sqlx'\ndir = 'a'\n\
         [migrations.b]\ndir = 'b'\ntool = 'sqlx'\nurl = 'NOT_SET'\n",
    );
    let status = project.db(&["status", "--json"]);
    let document = ended(&project, &["status"], status.code.unwrap());
    assert_eq!((names(&document), document["ok"] == true), (vec![json!("a"), json!("b")], false));
    assert_eq!(document["sets"][1]["error"]["exit"], status.code.unwrap(), "{document:#}");
}

#[test]
fn every_event_keeps_to_its_schema() {
    let project = Project::new("docs_events");
    project.migration("1_a.sql", "DO $$ BEGIN RAISE NOTICE 'said'; END $$; CREATE TABLE a ();");
    let mut seen = std::collections::BTreeSet::new();
    for arguments in [&["migrate"][..], &["backup"], &["migrate", "--dry-run"]] {
        let ran = project.db(&[arguments, &["--json", "--progress", "json"]].concat()).ok();
        for line in ran.stderr.lines() {
            let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{ran}"));
            assert_eq!(objections("event", &event), Vec::<String>::new(), "{line}");
            seen.insert(event["event"].as_str().unwrap().to_owned());
        }
    }
    for event in ["started", "finished", "notice"] {
        assert!(seen.contains(event), "{event} is not among {seen:?}");
    }
}

#[test]
fn every_link_in_the_documentation_leads_somewhere() {
    let pages = ["*.md", "docs/*.md"].map(|pages| repository().join(pages));
    let pages =
        pages.iter().flat_map(|pages| glob::glob(pages.to_str().unwrap()).unwrap().flatten());
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

/// The sources of the program, without its tests.
fn code() -> impl Iterator<Item = (std::path::PathBuf, String)> {
    let pattern = format!("{}/crates/cargo-db/src/**/*.rs", repository().display());
    glob::glob(&pattern).unwrap().flatten().filter(|path| !path.ends_with("tests.rs")).map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        (path, code)
    })
}

/// `.env.example` and the page about settings name every variable that the program reads.
#[test]
fn the_example_environment_and_the_settings_page_are_complete() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap();
    let pages = [".env.example", "docs/settings.md"].map(|page| (page, read(page)));
    let mut seen = std::collections::BTreeSet::new();
    for (path, text) in code() {
        // The rooms that read variables by lists of their names.
        let by_list = ["src/settings/", "src/face/"];
        let by_list = by_list.iter().any(|room| path.display().to_string().contains(room));
        // A quote as a character neither begins nor ends a string.
        let text = text.replace("'\"'", "");
        let quoted = text.split('"').skip(1).step_by(2);
        let is_variable = |word: &&str| {
            let is_of_name = |c: char| c.is_ascii_uppercase() || c == '_';
            let ours = ["CARGO_DB_", "XDG_", "SUDO_", "DATABASE_URL"];
            word.len() > 3
                && word.chars().all(is_of_name)
                && (ours.iter().any(|start| word.starts_with(start))
                    || by_list && (word.contains('_') || word.starts_with("PG")))
        };
        let read_here = text.lines().filter_map(|line| {
            let (_, after) = line.split_once(".get(\"").or_else(|| line.split_once("set(\""))?;
            after.split('"').next()
        });
        let by_name = read_here.filter(|name| name.len() > 1 && name.to_uppercase() == *name);
        for variable in quoted.filter(is_variable).chain(by_name) {
            seen.insert(variable.to_owned());
            for (page, known) in &pages {
                assert!(known.contains(variable), "{variable} of {path:?} is not in {page}");
            }
        }
    }
    for known in ["DATABASE_URL", "CARGO_DB_TRUST", "XDG_STATE_HOME", "SUDO_UID", "PGHOST", "CI"] {
        assert!(seen.contains(known), "{known} is not looked for: {seen:?}");
    }
}
