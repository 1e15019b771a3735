//! The policy: environments, consent, marker, agents, and what each verb may do where.

use crate::support::terminal::types;
use crate::support::{Project, cluster};

/// A project with two reversible migrations, the second one pending, seeds, and rows.
fn school(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY, name text);");
    project.migration("1_users.down.sql", "DROP TABLE users;");
    project.db(&["rehearse"]).ok();
    project.db(&["migrate"]).ok();
    project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN note text;");
    project.migration("2_note.down.sql", "ALTER TABLE users DROP COLUMN note;");
    for environment in ["development", "test", "staging", "production"] {
        project.write(&format!("seeds/{environment}/users.csv"), "id,name\n1,Ada\n");
    }
    project.run_sql("INSERT INTO users VALUES (100, 'before')");
    // Its receipt is what production asks for.
    project.db(&["rehearse"]).ok();
    project.accept_key();
    project
}

/// What the users have, without our own bookkeeping.
fn content(project: &Project) -> Vec<String> {
    let tables = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'cargo_db') ORDER BY 1";
    let mut content = project.query(tables);
    let rows: Vec<String> = content
        .iter()
        .flat_map(|table| project.query(&format!("SELECT t::text FROM {table} t ORDER BY 1")))
        .map(|row| row.split(",\"20").next().unwrap_or_default().to_owned())
        .collect();
    content.extend(rows);
    content
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asking {
    Terminal,
    NoTerminal,
    Ci,
    Agent,
}

/// The expected exit code by the policy: 0 succeeds, 3 needs consent, 4 is refused.
fn expected(verb: &str, environment: &str, asking: Asking, agreed: &str) -> i32 {
    let needed = match (verb, environment) {
        ("migrate" | "seed" | "rollback" | "seed --fresh" | "reset" | "restore", "test")
        | ("migrate" | "seed", "development")
        | ("repair --drift" | "rebase" | "switch", "test")
        | ("snapshot save", "development" | "test")
        | ("snapshot restore" | "snapshot drop one", "test") => "",
        ("rollback" | "seed --fresh" | "reset" | "restore" | "restore --clean", "development")
        | ("restore --clean", "test")
        | ("env set staging", "development" | "test" | "staging")
        | ("repair --drift", "development" | "staging")
        | ("rebase" | "switch" | "snapshot restore" | "snapshot drop one", "development")
        | ("migrate" | "rollback" | "seed", "staging") => "yes",
        ("seed --fresh" | "reset" | "restore" | "restore --clean", "staging") => "name",
        ("seed --fresh" | "reset", "production")
        | (
            "rebase" | "switch" | "snapshot save" | "snapshot restore" | "snapshot drop one",
            "staging" | "production",
        ) => return 4,
        (_, "production") | ("env clear", _) => "plan",
        _ => unreachable!("{verb} {environment}"),
    };
    let needed = if asking == Asking::Agent && !needed.is_empty() { "plan" } else { needed };
    // Nobody has approved the plan of the agent: see `approval`.
    let is_guarded = matches!(environment, "staging" | "production") || verb == "env set staging";
    if asking == Asking::Agent && is_guarded {
        return 3;
    }
    let rank =
        |what: &str| ["", "yes", "name", "plan"].iter().position(|known| *known == what).unwrap();
    if rank(agreed) >= rank(needed) { 0 } else { 3 }
}

/// Runs every verb in every environment, from every kind of caller, with and without the required
/// consent, and checks the exit code and whether anything changed.
#[test]
fn the_whole_matrix_by_real_runs() {
    let mut runs = 0;
    std::thread::scope(|scope| {
        let verbs = [
            "migrate",
            "rollback",
            "seed",
            "seed --fresh",
            "reset",
            "restore",
            "restore --clean",
            "env set staging",
            "env clear",
            "repair --drift",
            "rebase",
            "switch",
            "snapshot save",
            "snapshot restore",
            "snapshot drop one",
        ];
        let threads: Vec<_> = verbs.map(|verb| scope.spawn(move || matrix_of(verb))).into();
        for thread in threads {
            runs += thread.join().unwrap();
        }
    });
    assert_eq!(runs, 15 * 4 * 13);
}

fn matrix_of(verb: &'static str) -> usize {
    // No name is a prefix of another.
    let name = format!("p_matrix_{}_", verb.replace([' ', '-'], ""));
    let mut project = school(&name);
    project.db(&["backup", "-o", "whole.sql.gz"]).ok();
    match verb {
        "repair --drift" => {
            remove(&project, "2_note");
            project.run_sql("ALTER TABLE users ADD COLUMN by_hand int");
        }
        "rebase" => behind_another(&project),
        "switch" => on_a_branch_without_the_first(&project),
        _ => {}
    }
    let template = format!("{name}_template");
    cluster().end_sessions(&name);
    cluster().run("postgres", &format!("CREATE DATABASE {template} TEMPLATE {name}"));
    let before = content(&project);
    save_for(verb, &project);
    let mut arguments: Vec<&str> = verb.split(' ').collect();
    if verb.starts_with("restore") {
        arguments.push("whole.sql.gz");
    }
    let mut runs = 0;
    for environment in ["development", "test", "staging", "production"] {
        project.set("CARGO_DB_ENV", environment);
        for asking in [Asking::NoTerminal, Asking::Ci, Asking::Agent, Asking::Terminal] {
            project.set("CI", if asking == Asking::Ci { "1" } else { "" });
            project.set("CLAUDECODE", if asking == Asking::Agent { "1" } else { "" });
            for agreed in ["", "yes", "name", "plan"] {
                // At a terminal there is a prompt, which is tested below. Flags work there as in a
                // script.
                if asking == Asking::Terminal && agreed != "yes" {
                    continue;
                }
                let mut command = arguments.clone();
                let consent;
                match agreed {
                    "yes" => command.push("--yes"),
                    "name" => command.extend(["--confirm", &name]),
                    "plan" => {
                        consent = match expected(verb, environment, asking, agreed) {
                            4 => ["--confirm", &name, "--plan", "none"].map(str::to_owned).into(),
                            _ => project.consent(&command),
                        };
                        command.extend(consent.iter().map(String::as_str));
                    }
                    _ => {}
                }
                let wanted = expected(verb, environment, asking, agreed);
                let said = format!("{verb} in {environment}, {asking:?}, {agreed:?}");
                let code = if asking == Asking::Terminal {
                    on_a_terminal(&project, &command, &[])
                } else {
                    project.db(&command).code.unwrap()
                };
                assert_eq!(code, wanted, "{said}\n{}", project.db(&command));
                let changed = content(&project) != before;
                let changes = !["restore", "env", "snapshot"].contains(&arguments[0]);
                assert_eq!(changed, wanted == 0 && changes, "{said}");
                runs += 1;
                if wanted == 0 {
                    put_back(&name, &template);
                    save_for(verb, &project);
                    match verb {
                        "repair --drift" => remove(&project, "2_drift"),
                        "rebase" => {
                            project.git(&["clean", "--quiet", "--force", "migrations"]);
                            project.git(&["restore", "migrations"]);
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    runs
}

/// Removes both files of a migration.
fn remove(project: &Project, name: &str) {
    for direction in ["up", "down"] {
        let file = project.path().join(format!("migrations/{name}.{direction}.sql"));
        std::fs::remove_file(file).unwrap();
    }
}

/// Saves the snapshot that the verbs about snapshots work with.
fn save_for(verb: &str, project: &Project) {
    if verb.starts_with("snapshot") {
        let mut command = project.command(&["snapshot", "save", "one"]);
        let saved = command.env("CARGO_DB_ENV", "development").output();
        assert!(saved.expect("the program starts").status.success());
    }
}

/// Commits the migrations to a branch, beside a `main` that has another migration 1.
fn behind_another(project: &Project) {
    project.git(&["init", "--quiet", "--initial-branch", "ours"]);
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "ours"]);
    project.git(&["switch", "--quiet", "--orphan", "main"]);
    project.migration("1_rooms.sql", "CREATE TABLE rooms (id int);");
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "main"]);
    project.git(&["switch", "--quiet", "ours"]);
}

/// Commits the migrations to a branch, and checks out another one that lacks the first of them. It
/// is applied.
fn on_a_branch_without_the_first(project: &Project) {
    project.git(&["init", "--quiet", "--initial-branch", "ours"]);
    project.git(&["add", "migrations"]);
    project.git(&["commit", "--quiet", "--message", "ours"]);
    project.git(&["switch", "--quiet", "--create", "main"]);
    project.git(&["rm", "--quiet", "migrations/1_users.up.sql", "migrations/1_users.down.sql"]);
    project.git(&["commit", "--quiet", "--message", "main"]);
}

/// Restores the database, as cloning a template does.
fn put_back(name: &str, template: &str) {
    for database in cluster().query(
        "postgres",
        &format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{name}') AND datname <> '{template}'"
        ),
    ) {
        cluster().run("postgres", &format!("DROP DATABASE \"{database}\" WITH (FORCE)"));
    }
    cluster().run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    // What a clone is marked with is the template's.
    let own = "UPDATE cargo_db.marker SET database_oid = \
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    cluster().run(name, own);
}

fn on_a_terminal(project: &Project, arguments: &[&str], answers: &[(&str, &str)]) -> i32 {
    types(project.command(arguments), answers)
}

#[test]
fn the_prompt_at_a_terminal_depends_on_the_environment() {
    let mut project = school("p_terminal");
    let before = content(&project);
    assert_eq!(on_a_terminal(&project, &["rollback"], &[("Proceed?", "n")]), 3);
    assert_eq!(content(&project), before);
    project.set("CARGO_DB_ENV", "staging");
    let asked = "Type the name of the database";
    assert_eq!(on_a_terminal(&project, &["reset"], &[(asked, "p_terminl")]), 3);
    assert_eq!(content(&project), before);
    assert_eq!(on_a_terminal(&project, &["reset"], &[(asked, "p_terminal")]), 0);
    project.set("CARGO_DB_ENV", "production");
    // There is no prompt: nobody types a plan id.
    assert_eq!(on_a_terminal(&project, &["rollback"], &[]), 3);
    assert_eq!(on_a_terminal(&project, &["reset"], &[]), 4);
}

#[test]
fn a_marker_overrides_environment_variables() {
    let mut project = school("p_marker");
    project.set("CARGO_DB_ENV", "development");
    project.db(&["env", "set", "production"]).code(3).says("consent to the plan");
    let plan = project.db(&["env", "set", "production", "--dry-run", "--json"]).ok().json();
    let id = plan["plan"]["id"].as_str().unwrap();
    project.db(&["env", "set", "production", "--confirm", "p_marker", "--plan", id]).ok();
    let before = content(&project);
    for arguments in [
        &["reset", "--force"][..],
        &["reset", "--confirm", "p_marker"],
        &["seed", "--fresh", "--yes"],
    ] {
        project
            .db(arguments)
            .code(4)
            .says("refused in production")
            .says("the marker in the database");
    }
    project.db(&["rollback", "--yes"]).code(3).says("consent to the plan");
    project.db(&["migrate"]).code(3);
    assert_eq!(content(&project), before);
    let status = project.db(&["status", "--json"]).ok().json();
    assert_eq!(status["environment"], "production");
    project.db(&["env", "show"]).ok().says("its marker says production");
    // Nobody gets rid of it without consent to exactly that.
    project.db(&["env", "clear", "--yes"]).code(3);
    project.db(&["env", "set", "test", "--confirm", "p_marker"]).code(3);

    // A copy of it is what its own environment says.
    cluster().end_sessions("p_marker");
    cluster().run("postgres", "CREATE DATABASE p_marker_clone TEMPLATE p_marker");
    project.db(&["backup", "-o", "production.sql.gz"]).ok();
    let clone = cluster().url("p_marker_clone");
    project.set("DATABASE_URL", &clone);
    project.db(&["status"]).ok().says("a copy of production");
    project.db(&["env", "show", "--json"]).ok();
    project.db(&["reset", "--force"]).ok().says("is a copy of production");
    project.set("DATABASE_URL", &cluster().url("p_marker_restored"));
    project.db(&["restore", "production.sql.gz", "--yes"]).ok();
    project.db(&["status"]).ok().says("a copy of production");
    project.db(&["reset", "--force"]).ok();
    project.db(&["env", "show"]).ok().says("it has no marker");
}

#[test]
fn a_marker_outlives_a_reset_and_a_restore() {
    let mut project = school("p_keeps");
    project.set("CARGO_DB_ENV", "development");
    project.db(&["env", "set", "staging", "--yes"]).ok();
    project.db(&["backup", "-o", "b.sql.gz"]).ok();
    project.db(&["reset", "--confirm", "p_keeps"]).ok();
    project.db(&["env", "show"]).ok().says("its marker says staging");
    project.db(&["restore", "b.sql.gz", "--confirm", "p_keeps"]).ok();
    project.db(&["env", "show"]).ok().says("its marker says staging");
    project.db(&["restore", "b.sql.gz", "--clean", "--confirm", "p_keeps"]).ok();
    project.db(&["env", "show"]).ok().says("its marker says staging");
    project.db(&["restore", "b.sql.gz", "--schema", "cargo_db", "--yes"]).code(2);
    // The database's own trail knows of all of it.
    let trail = project.db(&["audit", "--database", "--json"]).ok().json();
    let verbs: Vec<&str> = trail["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["verb"].as_str().unwrap())
        .collect();
    assert_eq!(
        verbs,
        ["env set", "env set", "reset", "reset", "restore", "restore", "restore", "restore"]
    );
}

#[test]
fn a_database_whose_marker_cannot_be_read_is_not_changed() {
    let project = school("p_mute");
    let before = content(&project);
    cluster().end_sessions("p_mute");
    cluster().run("postgres", "ALTER DATABASE p_mute ALLOW_CONNECTIONS false");
    for verb in [&["reset", "--force"][..], &["restore", "--undo", "--yes"], &["migrate"]] {
        project.db(verb).code(6).says("not currently accepting connections");
    }
    cluster().run("postgres", "ALTER DATABASE p_mute ALLOW_CONNECTIONS true");
    assert_eq!(content(&project), before);
}

/// Removing sibling databases and backups needs consent and is recorded like anything else.
#[test]
fn rollback_and_prune_are_plans_too() {
    let mut project = school("p_beside");
    project.set("CARGO_DB_ENV", "development");
    for name in ["a", "b"] {
        project.db(&["backup", "-o", name]).ok();
    }
    project.db(&["restore", "a", "--yes"]).ok();
    project.write("db.toml", "[backup]\nkeep-last = 1\nkeep-within = \"1ms\"\n");
    let names = |project: &Project| project.db(&["backups", "list"]).ok().stdout.lines().count();
    let (before, all) = (content(&project), names(&project));
    let verbs =
        [&["restore", "--undo"][..], &["restore", "--drop-previous"], &["backups", "prune"]];
    project.set("CLAUDECODE", "1");
    for verb in verbs {
        project.db(&[verb, &["--yes"]].concat()).code(3).says("consent to the plan");
        project.db(&[verb, &["--confirm", "p_beside", "--plan", "000000000000"]].concat()).code(3);
    }
    project.set("CLAUDECODE", "");
    project.set("CARGO_DB_ENV", "production");
    for verb in verbs {
        project
            .db(&[verb, &["--confirm", "p_beside"]].concat())
            .code(3)
            .says("consent to the plan");
    }
    assert_eq!((content(&project), names(&project)), (before, all));
    for verb in verbs {
        let plan = project.db(&[verb, &["--dry-run", "--json"]].concat()).ok().json();
        let id = plan["plan"]["id"].as_str().unwrap();
        let agreed = [verb, &["--confirm", "p_beside", "--plan", id]].concat();
        project.db(&agreed).ok();
        // An id is used up; what has nothing left to do needs none.
        project.db(&agreed).code(if verb[1] == "--undo" { 4 } else { 0 });
    }
    assert!(names(&project) < all);
    let trail = project.db(&["audit"]).ok().stdout;
    assert_eq!(trail.matches("restore on").count(), 3, "{trail}");
    assert_eq!(trail.matches("backups prune on").count(), 1, "{trail}");
    // The database that came back knows of it.
    let own = project.db(&["audit", "--database"]).ok().stdout;
    assert_eq!(own.matches("restore on").count(), 2, "{own}");
}

#[test]
fn consent_is_to_one_plan_on_one_target_at_one_time() {
    let mut project = school("p_consent");
    project.db(&["backup", "-o", "b.sql.gz"]).ok();
    project.set("CARGO_DB_ENV", "production");
    let id = |project: &Project, arguments: &[&str]| {
        let json = project.db(&[arguments, &["--dry-run", "--json"]].concat()).ok().json();
        json["plan"]["id"].as_str().unwrap().to_owned()
    };
    let restore = ["restore", "b.sql.gz"];
    let first = id(&project, &restore);
    assert_eq!(first, id(&project, &restore), "it is stable while nothing changes");
    // Not another plan's, not a guess, not a part of one.
    let of_migrate = id(&project, &["migrate"]);
    for guess in [of_migrate.as_str(), "000000000000", &first[..11], ""] {
        project.db(&[&restore[..], &["--confirm", "p_consent", "--plan", guess]].concat()).code(3);
    }
    // Not on another target.
    cluster().run("postgres", "CREATE DATABASE p_consent_other");
    let own = cluster().url("p_consent");
    project.set("DATABASE_URL", &cluster().url("p_consent_other"));
    project
        .db(&[&restore[..], &["--confirm", "p_consent_other", "--plan", &first]].concat())
        .code(3);
    project.set("DATABASE_URL", &own);
    // Not by a variable.
    for variable in [
        "CARGO_DB_YES",
        "CARGO_DB_CONFIRM",
        "CARGO_DB_PLAN",
        "SKIP_BACKUP_PROMPT",
        "CARGO_DB_AGENT",
    ] {
        project.set(variable, "0");
        project.db(&restore).code(3);
        project.set(variable, "1");
        project.db(&restore).code(3);
    }
    project.set("CARGO_DB_AGENT", "");
    // It is valid for one run.
    let consent = |id: &str| {
        [&restore[..], &["--confirm", "p_consent", "--plan", id]]
            .concat()
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<String>>()
    };
    let with = |id: &str| project.db(&consent(id).iter().map(String::as_str).collect::<Vec<_>>());
    with(&first).ok();
    with(&first).code(4).says("a plan id is valid for only one run");
    let second = id(&project, &restore);
    assert_ne!(first, second);
    with(&second).ok();

    // Changing one byte of a pending file, or applying another migration, changes the plan.
    let migrate = id(&project, &["migrate"]);
    project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN note text ;");
    project
        .db(&["migrate", "--confirm", "p_consent", "--plan", &migrate])
        .code(3)
        .says("does not match the id of this plan");
    project.db(&["rehearse"]).ok();
    let migrate = id(&project, &["migrate"]);
    project.run_sql("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (0, 'x', true, '\\x00', 1)");
    project
        .db(&["migrate", "--confirm", "p_consent", "--plan", &migrate, "--ignore-missing"])
        .code(3);
    // And so does a tighter policy.
    project.run_sql("DELETE FROM _sqlx_migrations WHERE version = 0");
    let migrate = id(&project, &["migrate"]);
    project.write("db.toml", "[environments.production.policy]\nmigrate = \"never\"\n");
    project.db(&["migrate", "--confirm", "p_consent", "--plan", &migrate]).code(4);
}

#[test]
fn agents_are_recognised_by_variables_and_denied_in_development_only() {
    let mut project = school("p_agent");
    project.db(&["migrate"]).ok();
    for variable in [
        "AI_AGENT",
        "CLAUDECODE",
        "CURSOR_AGENT",
        "GEMINI_CLI",
        "CODEX_SANDBOX",
        "CLINE_ACTIVE",
        "OPENCODE",
    ] {
        project.set(variable, "1");
        project.db(&["rollback", "--yes"]).code(3).says("consent to the plan");
        project.db(&["policy"]).ok().says(&format!("an AI agent called this command ({variable})"));
        project.set(variable, "");
    }
    project.set("CLAUDECODE", "1");
    project.set("CARGO_DB_AGENT", "0");
    project.db(&["rollback", "--yes"]).ok();
    project.set("CARGO_DB_ENV", "staging");
    project.db(&["migrate", "--yes"]).code(3).says("consent to the plan");
    project.set("CLAUDECODE", "");
    project.set("CARGO_DB_AGENT", "1");
    project.db(&["migrate", "--yes"]).code(3).says("consent to the plan");
}

#[test]
fn settings_tighten_the_policy_and_an_attempt_to_loosen_it_is_an_error() {
    let mut project = school("p_tight");
    project.set("CARGO_DB_ENV", "development");
    project.write(
        "db.toml",
        "[environments.development.policy]\nmigrate = \"by-name\"\nreset = \"never\"\n",
    );
    project.db(&["migrate", "--yes"]).code(3).says("consent by name");
    project.db(&["reset", "--force"]).code(4).says("cargo db restore");
    project.db(&["policy", "--env", "development"]).ok().says("consent by name, as db.toml says");
    for loose in [
        "[environments.production.policy]\nreset = \"to-plan\"\n",
        "[environments.production.policy]\nmigrate = \"confirm\"\n",
    ] {
        project.write("db.toml", loose);
        project.db(&["status"]).code(2).says("would weaken the policy");
    }
}

#[test]
fn a_backup_comes_first_where_there_is_anything_to_lose() {
    let mut project = school("p_backup");
    project.db(&["rollback", "--yes", "--dry-run"]).ok().says("take a backup");
    project.db(&["rollback", "--yes"]).ok();
    let list = project.db(&["backups", "list", "--json"]).ok().json();
    assert_eq!(list["backups"].as_array().unwrap().len(), 1);
    // The only rows were in that table, so there is nothing to back up now.
    project.db(&["migrate"]).ok().says("no backup: the database has no rows");
    // If it fails, nothing else happens.
    project.run_sql("INSERT INTO users VALUES (1, 'x')");
    let before = content(&project);
    project.write("file", "");
    let folder = project.path().join("file/x").display().to_string();
    project.set("BACKUP_DIR", &folder);
    for arguments in
        [&["rollback", "--yes"][..], &["reset", "--force"], &["seed", "--fresh", "--yes"]]
    {
        let ran = project.db(arguments);
        assert!(matches!(ran.code, Some(7 | 11)), "{ran}");
        assert_eq!(content(&project), before);
    }
}
