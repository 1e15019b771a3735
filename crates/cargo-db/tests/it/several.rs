//! Several sets of migrations: one command for all of them.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Project, Ran, cluster, eventually};

/// A project with these sets, each with a database of its own and one pending migration, which
/// creates the table that has the name of the set.
fn sets(name: &str, names: &[&str], more: &str) -> Project {
    let mut project = Project::bare(name);
    let mut toml = String::new();
    for set in names {
        let (database, variable) = (database(name, set), format!("{}_URL", set.to_uppercase()));
        cluster().run("postgres", &format!("CREATE DATABASE {database}"));
        project.set(&variable, &cluster().url(&database));
        let own = "tool = 'sqlx'\ndir = 'services";
        toml += &format!("[migrations.{set}]\n{own}/{set}/migrations'\nurl = '{variable}'\n");
        let depends = more.lines().find_map(|line| line.strip_prefix(&format!("{set}: ")));
        toml += &depends.map(|on| format!("depends-on = {on}\n")).unwrap_or_default();
        project.write(
            &format!("services/{set}/migrations/1_{set}.sql"),
            &format!("CREATE TABLE {set} (id int);"),
        );
    }
    project.write("db.toml", &toml);
    project
}

fn database(name: &str, set: &str) -> String {
    format!("{name}_{set}")
}

fn has_table(name: &str, set: &str) -> bool {
    let question = format!("SELECT to_regclass('{set}') IS NOT NULL");
    cluster().query(&database(name, set), &question) == ["t"]
}

/// What a document says of each set: done, failed or not started.
fn endings(ran: &Ran) -> Vec<(String, &'static str)> {
    let json = ran.json();
    let ending = |set: &Value| {
        let name = set["set"].as_str().expect("a name").to_owned();
        let word = match set {
            _ if set["not_started"] == true => "not started",
            _ if set["error"].is_object() => "failed",
            _ => "done",
        };
        assert_eq!(set["ok"] == true, word == "done", "{set:#}");
        (name, word)
    };
    json["sets"].as_array().expect("sets").iter().map(ending).collect()
}

fn expected(all: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    all.iter().map(|(set, word)| ((*set).to_owned(), *word)).collect()
}

#[test]
fn migrate_goes_through_all_sets_in_the_order_of_their_dependencies() {
    let name = "m_order";
    let project = sets(name, &["api", "jobs", "web"], "api: ['web']\njobs: ['api']");
    let ran = project.db(&["migrate"]).ok();
    let applied: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("Applied")).collect();
    let order: Vec<&str> = applied.iter().filter_map(|line| line.split(' ').rev().nth(3)).collect();
    assert_eq!(order, ["web", "api", "jobs"], "{ran}");
    let ran = ran.says("Set web: 1 migration applied").says("Set jobs: 1 migration applied");
    assert!(ran.stdout.find("Set web") < ran.stdout.find("Set api"), "{ran}");
    assert!(["api", "jobs", "web"].iter().all(|set| has_table(name, set)));
    project.db(&["migrate"]).ok().says("Set api: nothing to do: no migration is pending in");
}

#[test]
fn a_circle_of_dependencies_is_named() {
    let circle = "api: ['web']\njobs: []\nweb: ['jobs', 'api']";
    let project = sets("m_circle", &["api", "jobs", "web"], circle);
    for arguments in [&["migrate"][..], &["status"], &["check", "--set", "jobs"]] {
        let ran = project.db(arguments).code(2);
        ran.says("the sets of migrations depend on each other in a circle: api -> web -> api");
    }
    let unknown = sets("m_unknown", &["api", "web"], "api: ['wep']");
    let ran = unknown.db(&["migrate"]).code(2).says("migrations.api.depends-on in db.toml");
    ran.says("expected one of api, web");
}

#[test]
fn after_a_failure_the_other_sets_do_not_run() {
    let name = "m_stops";
    let project = sets(name, &["api", "jobs", "web"], "");
    project.write("services/jobs/migrations/2_bad.sql", "ALTER TABLE nowhere ADD COLUMN x int;");
    let ran = project.db(&["migrate", "--json"]).code(7);
    let all = [("api", "done"), ("jobs", "failed"), ("web", "not started")];
    assert_eq!(endings(&ran), expected(&all), "{ran}");
    let json = ran.json();
    assert_eq!((&json["ok"], &json["sets"][1]["error"]["exit"]), (&json!(false), &json!(7)));
    assert!(has_table(name, "api") && !has_table(name, "web"));
    let ran = project.db(&["migrate"]).code(7).says("Set api: nothing to do");
    let ran = ran.says("Set jobs: failed: ").says("Set web: not started");
    ran.says("error: set jobs: ").says("--set jobs");
}

#[test]
fn an_interrupted_run_says_which_sets_are_done() {
    let name = "m_interrupted";
    let project = sets(name, &["api", "jobs", "web"], "");
    project.write("services/jobs/migrations/2_slow.sql", "SELECT pg_sleep(300);");
    let child = project
        .command(&["migrate", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let sleeping = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(300)%' \
                    AND pid <> pg_backend_pid()";
    let is_at_work = || !cluster().query(&database(name, "jobs"), sleeping).is_empty();
    eventually("the second set runs", is_at_work);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap()).code(130);
    let all = [("api", "done"), ("jobs", "failed"), ("web", "not started")];
    assert_eq!(endings(&ran), expected(&all), "{ran}");
    let error = ran.json()["sets"][1]["error"].clone();
    assert_eq!((&error["code"], &error["exit"]), (&json!("SIGNAL.INTERRUPTED"), &json!(130)));
    assert!(error["done"][0].as_str().unwrap().contains("1 jobs"), "{error:#}");
}

#[test]
fn nothing_runs_if_one_set_cannot_be_read() {
    let name = "m_unread";
    let mut project = sets(name, &["api", "jobs", "web"], "");
    project.set("WEB_URL", "postgres://nobody@127.0.0.1:1/none");
    let ran = project.db(&["migrate", "--json"]).code(6);
    let all = [("api", "not started"), ("jobs", "not started"), ("web", "failed")];
    assert_eq!(endings(&ran), expected(&all), "{ran}");
    assert!(!has_table(name, "api"));
    // A dry run shows the others.
    let ran = project.db(&["migrate", "--dry-run", "--json"]).code(6);
    let all = [("api", "done"), ("jobs", "done"), ("web", "failed")];
    assert_eq!(endings(&ran), expected(&all), "{ran}");
}

/// The command that the dry run of all sets prints.
fn consent(project: &Project, arguments: &[&str]) -> Vec<String> {
    let ran = project.db(&[arguments, &["--dry-run", "--json"]].concat()).ok();
    let json = ran.json();
    let typed = json["consent"].as_str().unwrap_or_else(|| panic!("{ran}")).replace(" --json", "");
    let text = project.db(&[arguments, &["--dry-run"]].concat());
    let text = text.says(&format!("consent to exactly this: `{typed}`"));
    assert_eq!(text.stdout.matches("consent to exactly").count(), 1, "{text}");
    shell_words::split(&typed).expect("words")[2..].to_vec()
}

#[test]
fn each_set_needs_its_own_consent_before_the_first_one_runs() {
    let name = "m_consent";
    let mut project = sets(name, &["api", "web"], "");
    project.db(&["migrate"]).ok();
    for set in ["api", "web"] {
        cluster().run(&database(name, set), &format!("INSERT INTO {set} VALUES (1), (2)"));
    }
    project.write(
        "services/web/migrations/2_gone.sql",
        "-- cargo-db: expect loss web <= 12\nDROP TABLE web;",
    );
    project.write("services/api/migrations/2_more.sql", "ALTER TABLE api ADD COLUMN n int;");
    let toml = std::fs::read_to_string(project.path().join("db.toml")).unwrap();
    let stricter = "[environments.staging.policy]\nmigrate = 'to-plan'\n";
    project.write("db.toml", &format!("{toml}{stricter}"));
    project.set("APP_ENV", "staging");
    project.set("COLUMNS", "400");
    let words = consent(&project, &["migrate"]);
    let typed: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(typed[..3], ["migrate", "--confirm", "api=m_consent_api"]);
    assert!(typed.contains(&"--confirm") && typed.contains(&"web=m_consent_web"), "{typed:?}");
    assert!(typed.contains(&"web=web=12"), "{typed:?}");
    // Without one of them, nothing runs.
    let without = |flag: &str| {
        let at = typed.iter().position(|word| word.starts_with(flag)).expect("the flag");
        [&typed[..at - 1], &typed[at + 1..]].concat()
    };
    for flag in ["api=m_", "web=m_", "web=web="] {
        let ran = project.db(&[&without(flag)[..], &["--json"]].concat()).code(3);
        let (one, _) = flag.split_once('=').unwrap();
        let of = |set| if set == one { "failed" } else { "not started" };
        assert_eq!(endings(&ran), expected(&[("api", of("api")), ("web", of("web"))]), "{ran}");
    }
    assert!(has_table(name, "web"));
    // What names no set, or the same set twice, is refused.
    let ran = project.db(&["migrate", "--confirm", "m_consent_api"]).code(2);
    ran.says("`--confirm m_consent_api` names no set: write `--confirm SET=VALUE`");
    let ran = project.db(&["migrate", "--plan", "api=1", "--plan", "api=2"]).code(2);
    ran.says("`--plan` was passed more than once for the set `api`");
    let ran = project.db(&["migrate", "--set", "api", "--plan", "1", "--plan", "2"]).code(2);
    ran.says("`--plan` was passed more than once");
    // The printed command runs, and only once.
    let ran = project.db(&[&typed[..], &["--json"]].concat()).ok();
    assert_eq!(endings(&ran), expected(&[("api", "done"), ("web", "done")]), "{ran}");
    assert!(!has_table(name, "web"));
}

#[test]
fn what_belongs_to_one_set_needs_its_name() {
    let project = sets("m_one", &["api", "web"], "");
    for arguments in [
        &["migrate", "--to", "1"][..],
        &["migrate", "--steps", "1"],
        &["rehearse", "--to", "1"],
        &["rehearse", "--from", "backup", "--backup", "x"],
        // One database, or one folder, for sets that have their own.
        &["migrate", "-D", "postgres://localhost/x"],
        &["status", "-D", "postgres://localhost/x"],
        &["migrate", "--migrations-dir", "services"],
    ] {
        let ran = project.db(&[arguments, &["--json"]].concat()).code(2);
        assert_eq!(ran.json()["error"]["code"], "SETTINGS.SEVERAL_SETS", "{ran}");
    }
    assert!(!has_table("m_one", "api") && !has_table("m_one", "web"));
    // A folder that is a set's names it.
    let ran =
        project.db(&["migrate", "--migrations-dir", "services/web/migrations", "--json"]).ok();
    assert_eq!(ran.json()["set"], "web", "{ran}");
    assert!(!has_table("m_one", "api") && has_table("m_one", "web"));
    // So does the folder that the command is started in.
    let mut command = project.command(&["migrate", "--json"]);
    let ran: Ran =
        command.current_dir(project.path().join("services/api")).output().unwrap().into();
    assert_eq!(ran.json()["set"], "api", "{ran}");
    assert!(has_table("m_one", "api"));
}

#[test]
fn rehearse_goes_through_all_sets_and_ends_with_the_worst() {
    let mut project = sets("m_rehearse", &["api", "jobs", "web"], "");
    project.set("CARGO_DB_REHEARSE", "1");
    project.db(&["migrate", "--set", "api"]).ok();
    project.db(&["migrate", "--set", "web"]).ok();
    cluster().run("m_rehearse_web", "INSERT INTO web VALUES (1)");
    project.write("services/web/migrations/2_gone.sql", "DROP TABLE web;");
    let ran = project.db(&["rehearse", "--json"]).code(1);
    let json = ran.json();
    let verdicts = json["sets"].as_array().unwrap().iter();
    let verdicts: Vec<_> = verdicts
        .map(|set| (set["set"].clone(), set["verdict"].clone(), set["ok"].clone()))
        .collect();
    let row = |set, verdict, ok| (json!(set), json!(verdict), json!(ok));
    assert_eq!(
        verdicts,
        [row("api", "PASS", true), row("jobs", "PASS", true), row("web", "BLOCK", false)]
    );
    let ran = project.db(&["rehearse", "--format", "markdown"]).code(1);
    let ran = ran.says("#### Set api\n\nnothing to rehearse").says("#### Set web\n\n");
    assert!(!ran.stdout.contains("Set web:"), "{ran}");
    // A set that cannot be reached is worse than a finding, and hides no other.
    project.set("JOBS_URL", "postgres://nobody@127.0.0.1:1/none");
    let ran = project.db(&["rehearse", "--json"]).code(6);
    assert_eq!(ran.json()["sets"][2]["verdict"], "BLOCK", "{ran}");
}

#[test]
fn audit_and_policy_need_no_set() {
    let project = sets("m_audit", &["api", "web"], "");
    project.db(&["migrate", "--env", "staging", "--yes"]).ok();
    let whole = project.db(&["audit", "--json"]).ok().json();
    assert_eq!(whole["records"].as_array().unwrap().len(), 4, "{whole:#}");
    project.db(&["audit", "verify"]).ok();
    project.db(&["audit", "show", "1"]).ok().says("migrate");
    project.db(&["policy"]).ok().says("production");
    let json = project.db(&["audit", "--database", "--json"]).ok().json();
    for (at, set) in ["api", "web"].into_iter().enumerate() {
        let records = json["sets"][at]["records"].as_array().unwrap();
        assert_eq!((&json["sets"][at]["set"], records.len()), (&json!(set), 2), "{json:#}");
    }
    project.db(&["audit", "show", "1", "--database"]).code(2).says("--set api");
}

#[test]
fn the_status_of_thirty_sets_is_a_table() {
    let names: Vec<String> = (0..30).map(|at| format!("service_{at:02}")).collect();
    let mut project = Project::new("m_thirty");
    let mut toml = String::new();
    for set in &names {
        let table = format!("table = 'history_{set}'\ntool = 'sqlx'\n");
        toml += &format!("[migrations.{set}]\ndir = '{set}/migrations'\n{table}");
        project.write(&format!("{set}/migrations/1_{set}.sql"), &format!("CREATE TABLE {set} ();"));
    }
    project.write("db.toml", &toml);
    project.db(&["migrate", "--set", "service_07"]).ok();
    let ran = project.db(&["status"]).ok();
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines.len() <= 35, "{ran}");
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(lines[0]), ["Set", "Database", "Environment", "Applied", "Pending", "State"]);
    assert_eq!(words(lines[1]), ["service_00", "m_thirty", "development", "0", "1", "pending"]);
    let done = words(lines[8]).join(" ");
    assert_eq!(done, "service_07 m_thirty development 1 0 up to date");
    let ran = ran.says("details: `cargo db status --set NAME` or `cargo db status -v`");
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{ran}");
    project.db(&["status", "--set", "service_07"]).ok().says("Last         1 service 07");
    let ran = project.db(&["status", "-v"]).ok();
    assert_eq!(ran.stdout.matches("Connected ").count(), 30, "{ran}");
    // A set that cannot be read has a row too.
    project.write("db.toml", &toml.replace("dir = 'service_03/migrations'", "dir = 'nowhere'"));
    let ran = project.db(&["status"]).code(2);
    let row = ran.stdout.lines().find(|line| line.starts_with("service_03"));
    assert_eq!(words(row.unwrap()), ["service_03", "failed"]);
    let _ = ran.says("error: set service_03: ");
    project.set("COLUMNS", "60");
    let ran = project.db(&["status"]).code(2);
    assert!(ran.stdout.lines().take(31).all(|line| line.chars().count() <= 60), "{ran}");
}

#[test]
fn long_lists_are_cut_for_people_only() {
    let project = Project::new("m_long");
    for at in 1..=30 {
        project.migration(&format!("{at:03}_t{at}.sql"), &format!("CREATE TABLE t{at} (id int);"));
    }
    let ran = project.db(&["status"]).ok().says("Pending      10 t10").says("and 20 more");
    assert!(!ran.stdout.contains("11 t11"), "{ran}");
    project.db(&["status", "-v"]).ok().says("Pending      30 t30");
    let pending = project.db(&["status", "--json"]).ok().json()["migrations"]["pending"].clone();
    assert_eq!(pending.as_array().unwrap().len(), 30);
    let ran = project.db(&["migrate", "--dry-run"]).ok().says("apply 10 t10");
    let ran = ran.says("  and 20 more, which lose no rows");
    assert!(!ran.stdout.contains("apply 11"), "{ran}");
    let json = project.db(&["migrate", "--dry-run", "--json"]).ok().json();
    let steps = json["plan"]["steps"].as_array().unwrap().iter();
    assert_eq!(steps.filter(|step| step["kind"] == "apply").count(), 30);
    // What loses rows is always shown.
    project.db(&["migrate"]).ok();
    project.run_sql("INSERT INTO t3 VALUES (1)");
    for at in 31..=50 {
        let sql = if at == 45 { "DROP TABLE t3;" } else { "SELECT 1;" };
        project.migration(&format!("{at:03}_more.sql"), sql);
    }
    let ran = project.db(&["migrate", "--dry-run"]);
    ran.says("apply 45 more").says("and 9 more, which lose no rows");
}
