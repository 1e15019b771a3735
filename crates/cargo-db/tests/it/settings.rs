//! Settings as a user meets them: which ones are used, and the errors about wrong ones (whole
//! messages are in `seen/settings-wrong.txt` and `seen/urls-wrong.txt`).

use crate::support::{Project, Ran, cluster};

#[test]
fn status_says_where_the_target_came_from() {
    let mut project = Project::bare("set_origin");
    project
        .write(".env", &format!("DATABASE_URL=\"{}\"\nAPP_ENV=dev\n", cluster().url("postgres")));
    project.db(&["status"]).ok().says("(DATABASE_URL in .env)").says("APP_ENV in .env: dev");
    project.write(".env.test", &format!("DATABASE_URL=\"{}\"\n", cluster().url("template1")));
    project
        .db(&["status", "--env", "test"])
        .ok()
        .says("(DATABASE_URL in .env.test)")
        .says("--env: test");
    project.write("other.env", &format!("DATABASE_URL=\"{}\"\n", cluster().url("template1")));
    project.db(&["status", "--env-file", "other.env"]).ok().says("(DATABASE_URL in other.env)");
    project.set("PGHOST", cluster().folder.to_str().unwrap());
    project.set("PGPORT", &cluster().port.to_string());
    project.set("PGUSER", "postgres");
    project.db(&["status", "--no-dotenv"]).ok().says("(PGHOST in the environment)");
}

#[test]
fn what_is_wrong_is_named_with_file_and_line() {
    let project = Project::bare("set_wrong");
    project.write(".env", "A=1\n\nDATABASE_URL=postgres://u:hush me@h/d\n");
    let ran = project.db(&["status"]).code(2).says(".env`, line 3");
    assert!(!ran.stderr.contains("hush"), "{ran}");
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let project = Project::bare("set_password");
    let ran = project
        .db(&["status", "-D", "postgres://u:hush@localhost/x"])
        .code(2)
        .says("DATABASE_URL (`.env`), PGPASSWORD");
    assert!(!ran.stderr.contains("hush"));
}

#[test]
fn options_that_cannot_be_honoured_are_named() {
    let mut project = Project::bare("set_options");
    project.set("DATABASE_URL", "postgres://u@localhost/x?sslcrl=a&krbsrvname=b");
    project
        .db(&["status"])
        .code(2)
        .says("asks for `krbsrvname`, `sslcrl`, which cargo db does not support");
}

#[test]
fn what_is_asked_of_the_connection_is_done() {
    let mut project = Project::new("set_link");
    let url = cluster().url("set_link").replace("postgres://", "POSTGRES://");
    let url = url.replace("postgresql://", "PostgreSQL://");
    let with = if url.contains('?') { '&' } else { '?' };
    project.set(
        "DATABASE_URL",
        &format!(
            "{url}{with}keepalives_idle=30&tcp_user_timeout=1000&target_session_attrs=primary"
        ),
    );
    project.db(&["status"]).ok();
    // A server that accepts no writes is refused.
    cluster().run("postgres", "ALTER DATABASE set_link SET default_transaction_read_only = on");
    project.db(&["status"]).code(6);
}

#[test]
fn a_typo_in_an_environment_variable_is_reported() {
    let project = Project::bare("set_slip");
    project.db(&["status", "--env", "devlopment"]).code(2);
    // A private server is stopped whatever the environment is called.
    project.db(&["server", "status", "--env", "production"]).ok();
}

#[test]
fn a_piece_of_a_password_is_not_shown_either() {
    let mut project = Project::bare("set_slash");
    project.set("DATABASE_URL", "postgres://ada:Xy7hush/abc@db.example/app");
    let ran = project.db(&["status"]).code(2);
    assert!(!ran.stderr.contains("hush"), "{ran}");
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let project = Project::bare("set_full");
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = project.command(&["create", "x"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(7));
}

#[test]
fn json_errors_are_one_document_on_stdout() {
    let mut project = Project::bare("set_json");
    project.set("DATABASE_URL", "postgres://u@127.0.0.1:1/x");
    let ran = project.db(&["status", "--json"]).code(6);
    let error = &ran.json()["error"];
    assert_eq!(
        (error["code"].as_str(), error["exit"].as_i64()),
        (Some("CONNECTION.FAILED"), Some(6))
    );
    assert!(ran.stderr.starts_with("error: cannot connect to `u@127.0.0.1:1/x`"), "{ran}");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let mut project = Project::bare("set_colour");
    project.set("DATABASE_URL", "postgres://u@127.0.0.1:1/x");
    assert!(!project.db(&["status"]).code(6).stderr.contains('\u{1b}'));
    assert!(project.db(&["status", "--color", "always"]).code(6).stderr.contains('\u{1b}'));
    project.set("CLICOLOR_FORCE", "1");
    assert!(project.db(&["status"]).code(6).stderr.contains('\u{1b}'));
    project.set("NO_COLOR", "1");
    assert!(!project.db(&["status"]).code(6).stderr.contains('\u{1b}'));
}

#[test]
fn quiet_says_only_the_answer_and_progress_can_be_json() {
    let project = Project::new("set_quiet");
    project.migration("1_a.sql", "CREATE TABLE a ();");
    let ran = project.db(&["migrate", "--progress", "json", "--quiet"]).ok();
    let events: Vec<serde_json::Value> =
        ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.last().unwrap()["event"], "finished");
    project.migration("2_b.sql", "CREATE TABLE b ();");
    assert_eq!(project.db(&["migrate", "--quiet"]).ok().stderr, "");
}

#[test]
fn the_verb_may_follow_a_db() {
    let project = Project::bare("set_db");
    project.db(&["db", "create", "x"]).ok();
    project.db(&["frobnicate"]).code(2);
}

#[test]
fn two_sets_on_one_history_are_refused_before_they_harm_each_other() {
    let mut project = Project::new("set_shared");
    project.write("a/1_a.sql", "CREATE TABLE a (i int)");
    project.write("b/1_b.sql", "CREATE TABLE b (i int)");
    let sets =
        "[migrations.a]\ntool = 'sqlx'\ndir = 'a'\n\n[migrations.b]\ntool = 'sqlx'\ndir = 'b'\n";
    project.write("db.toml", sets);
    for arguments in [vec!["migrate", "--set", "a"], vec!["status", "--set", "b"], vec!["status"]] {
        let ran = project.db(&arguments).code(2);
        ran.says("share the history table `_sqlx_migrations`").says("with `table`");
    }
    // In two schemas of one database, the same name refers to two tables.
    project.write("db.toml", &sets.replace("dir = 'b'", "dir = 'b'\nurl = 'B_URL'"));
    project.run_sql("CREATE SCHEMA b");
    project.set("B_URL", &format!("{}&options=-csearch_path%3Db", cluster().url("set_shared")));
    let _ = project.db(&["migrate", "--set", "a"]).ok();
    let _ = project.db(&["migrate", "--set", "b"]).ok();
    // With or without its schema, it is the same table.
    project.write("db.toml", &format!("{sets}table = 'public._sqlx_migrations'\n"));
    for set in ["a", "b"] {
        let ran = project.db(&["status", "--set", set]).code(2);
        ran.says("share the history table `_sqlx_migrations`");
    }
    for quoted in ["\"public\"._sqlx_migrations", "\"public\".\"_sqlx_migrations\""] {
        project.write("db.toml", &format!("{sets}table = '{quoted}'\n"));
        project.db(&["status", "--set", "b"]).code(2).says("share the history table");
    }
    project.write("db.toml", &format!("{sets}table = 'a\"b'\n"));
    project.db(&["status", "--set", "b"]).code(2).says("with quotes around a part as in SQL");
    project.write("db.toml", &format!("{sets}table = 'other._sqlx_migrations'\n"));
    let _ = project.db(&["status", "--set", "a"]).ok();
    project.write("db.toml", &format!("{sets}table = 'applied_b'\n"));
    let _ = project.db(&["status", "--set", "a", "--check"]).ok();
}

#[test]
fn a_command_in_the_folder_of_a_set_means_that_set() {
    let mut project = Project::new("s_here");
    let sets = "[migrations.web]\ndir = 'crates/web/migrations'\ntable = 'web_history'\n\
                [migrations.jobs]\ndir = 'crates/jobs/migrations'\ntable = 'jobs_history'\n\
                [migrations.late]\ndir = 'crates/jobs/late'\ntable = 'late_history'\n";
    project.write("db.toml", sets);
    project.write("crates/web/migrations/1_a.sql", "CREATE TABLE a (id int);");
    project.write("crates/web/src/lib.rs", "");
    project.write("crates/jobs/migrations/1_b.sql", "CREATE TABLE b (id int);");
    project.write("crates/jobs/late/1_c.sql", "CREATE TABLE c (id int);");
    let within = |folder: &str, arguments: &[&str]| -> Ran {
        let folder = project.path().join(folder);
        project.command(arguments).current_dir(folder).output().unwrap().into()
    };
    for folder in ["crates/web", "crates/web/src", "crates/web/migrations"] {
        let _ = within(folder, &["migrate", "--dry-run"]).ok().says("apply 1 a");
        let _ = within(folder, &["check"]).ok().says("1 file: 1 PASS");
    }
    let _ = within("crates/jobs/late", &["migrate", "--dry-run"]).ok().says("apply 1 c");
    // The flag takes precedence, and a folder with two sets selects neither.
    let other = ["migrate", "--dry-run", "--set", "jobs"];
    let _ = within("crates/web", &other).ok().says("apply 1 b");
    for folder in [".", "crates", "crates/jobs"] {
        let ran = within(folder, &["seed", "--env", "test", "--json"]).code(2);
        let error = ran.json()["error"].clone();
        assert_eq!(error["code"], "SETTINGS.SEVERAL_SETS");
        let commands: Vec<_> = error["next"].as_array().unwrap().iter().collect();
        assert_eq!(commands.len(), 3, "{ran}");
        assert_eq!(commands[2]["command"], "cargo db seed --env test --json --set web");
    }
    project.set("COLUMNS", "200");
    project.db(&["seed"]).code(2).says("cargo db seed --set late");
}

/// `check` needs no set: it goes through all of them, and its exit code is the worst.
#[test]
fn check_goes_through_all_sets() {
    let project = Project::bare("s_all_sets");
    let set = |name: &str| {
        format!("[migrations.{name}]\ndir = 'crates/{name}/m'\ntable = '{name}_h'\ntool = 'sqlx'\n")
    };
    project.write("db.toml", &format!("{}{}", set("web"), set("jobs")));
    project.write("crates/web/m/1_a.sql", "CREATE TABLE a (id int);");
    project.write("crates/jobs/m/1_b.sql", "CREATE TABLE b (id int);");
    let ran = project.db(&["check"]).ok();
    assert_eq!(ran.stdout.matches("1 file: 1 PASS").count(), 2, "{ran}");
    ran.says("Set web").says("Set jobs");
    project.write("crates/web/m/2_c.sql", "DROP TABLE a;");
    let json = project.db(&["check", "--json"]).code(1).json();
    let sets = json["sets"].as_array().unwrap();
    let verdicts = sets.iter().map(|set| {
        let files = set["migrations"].as_array().unwrap().iter();
        let files: Vec<_> = files.map(|file| file["verdict"].as_str().unwrap()).collect();
        (set["set"].as_str().unwrap(), files)
    });
    let verdicts: Vec<_> = verdicts.collect();
    assert_eq!(verdicts, [("jobs", vec!["PASS"]), ("web", vec!["PASS", "BLOCK"])]);
    project.db(&["check", "--set", "jobs"]).ok().says("1 file: 1 PASS");
    // A file chooses its set.
    for (file, code) in [("crates/jobs/m/1_b.sql", 0), ("crates/web/m/2_c.sql", 1)] {
        let ran = project.db(&["check", file]).code(code);
        assert!(!ran.stdout.contains("Set "), "{ran}");
    }
    // So it does in the folder of another set, and with `..` in its path.
    let folder = project.path().join("crates/web/m");
    let mut command = project.command(&["check", "../../jobs/m/1_b.sql", "--json"]);
    let output = command.current_dir(folder).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = json["migrations"][0]["file"].as_str();
    assert_eq!((output.status.code(), file), (Some(0), Some("crates/jobs/m/1_b.sql")), "{json:#}");
    // A set that cannot be read hides no other one, and is worse than a finding.
    project.write("db.toml", &format!("{}{}dir = 'nowhere'\n", set("web"), "[migrations.jobs]\n"));
    let ran = project.db(&["check"]).code(2).says("set jobs:").says("no such folder");
    ran.says("ban-drop-table");
    let json = project.db(&["check", "--json"]).code(2).json();
    assert_eq!(json["sets"][0]["error"]["code"], "SETTINGS.VALUE");
    project.write("db.toml", &format!("{}[migrations.jobs]\ndir = 'no'\n", set("x")));
    project.db(&["check"]).code(2);
}

/// The database that `DATABASE_URL` names would be used with the rules of another environment.
#[test]
fn a_word_that_is_no_environment_is_refused() {
    let mut project = Project::new("s_prodution");
    for (word, near) in [("prodution", "production"), ("Stagging", "staging")] {
        for verb in ["status", "migrate"] {
            let ran = project.db(&[verb, "--env", word]).code(2);
            let ran = ran.says(&format!("--env is `{word}`, which is not an environment"));
            let _ = ran.says(&format!("did you mean `{near}`?"));
        }
    }
    let all = "use development, test, staging or production";
    let _ = project.db(&["status", "--env", "elsewhere"]).code(2).says(all);
    project.write("db.toml", "[environments.stagin]\nhosts = []\n");
    let _ = project.db(&["status"]).code(2).says("[environments] in db.toml is `stagin`");
    project.write("db.toml", "");
    project.write(".env", "CARGO_DB_ENV=stagin\n");
    let _ = project.db(&["status"]).code(2).says("CARGO_DB_ENV in .env").says("`staging`?");
    std::fs::remove_file(project.path().join(".env")).unwrap();
    // Other programs have words of their own.
    project.set("COLUMNS", "200");
    project.set("NODE_ENV", "stagin");
    let ran = project.db(&["status"]).ok().says("unrecognised environment name");
    let _ = ran.says("did you mean `staging`?").says("Environment  production");
}

/// In `.env`, the database of staging would be that of development too.
#[test]
fn a_missing_database_belongs_into_the_file_of_its_environment() {
    let project = Project::bare("s_staging");
    for environment in ["staging", "production"] {
        let file = format!(".env.{environment}");
        let ran = project.db(&["status", "--env", environment]).code(2);
        let _ = ran.says(&format!("set DATABASE_URL, in the environment or in `{file}`"));
        project.write(&file, &format!("DATABASE_URL={}\n", cluster().url("template1")));
        let _ = project.db(&["status", "--env", environment]).ok();
    }
}
