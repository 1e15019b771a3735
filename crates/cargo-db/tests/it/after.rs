//! What runs after a change: `[hooks] after-migrate`, diesel's schema file, and `[notify]`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::{PASSWORD, Project, Ran, cluster};

/// A project with one migration, in which `db.toml` says this.
fn project(name: &str, toml: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_a.sql", "CREATE TABLE a (id int PRIMARY KEY);");
    project.write("db.toml", toml);
    project
}

fn program(project: &Project, path: &str, script: &str) {
    let path = project.write(path, &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn text(project: &Project, path: &str) -> String {
    std::fs::read_to_string(project.path().join(path)).unwrap_or_default()
}

#[test]
fn steps_run_after_a_migrate_that_applied_something() {
    let toml = "[hooks]\nafter-migrate = ['./step one', { command = \"./step 'two words'\" }]\n";
    let project = project("after_run", toml);
    program(&project, "step", "echo \"$1 $DATABASE_URL\" >> ran; echo \"said $1\"");
    let ran = project.db(&["migrate", "--json"]).ok();
    let steps = &ran.json()["after_steps"];
    assert_eq!(steps[0]["command"], "./step one");
    assert_eq!(steps[1]["command"], "./step 'two words'");
    assert!(steps[0]["ok"] == true && steps[0]["error"].is_null(), "{steps}");
    let lines = text(&project, "ran");
    let [one, two] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    assert!(one.starts_with("one postgres") && one.contains("/after_run"), "{one}");
    assert!(two.starts_with("two words postgres"), "{two}");
    // Nothing was applied, or nothing is applied.
    let again = project.db(&["migrate", "--json"]).ok().json();
    assert!(again["after_steps"].is_null(), "{again}");
    project.migration("2_b.sql", "CREATE TABLE b (id int PRIMARY KEY);");
    project.db(&["migrate", "--dry-run"]).ok();
    project.db(&["rollback", "--yes"]).code(7).says("no down file");
    assert_eq!(text(&project, "ran"), lines);
}

#[test]
fn a_failing_step_is_a_warning_and_a_required_one_fails_the_run() {
    let toml = "[hooks]\nafter-migrate = ['./step 3', './missing', './step 0']\n";
    let project = project("after_fails", toml);
    program(&project, "step", "echo $1 >> ran; exit $1");
    let ran = project.db(&["migrate", "--json"]).ok();
    let steps = ran.json()["after_steps"].clone();
    assert_eq!([&steps[0]["ok"], &steps[1]["ok"], &steps[2]["ok"]], [false, false, true]);
    ran.says("warning: the migrations are applied, but `./step 3` did not run")
        .says("it ended with exit status: 3")
        .says("`./missing` not found");
    project.migration("2_b.sql", "CREATE TABLE b (id int PRIMARY KEY);");
    let required = "{ command = './step 4', required = true }";
    project.write("db.toml", &format!("[hooks]\nafter-migrate = [{required}, './step 0']\n"));
    let ran = project.db(&["migrate", "--json"]).code(10);
    assert_eq!(ran.json()["error"]["code"], "TOOL.REQUIRED_STEP");
    ran.says("the migrations are applied").says("`./step 4`").says("exit status: 4");
    assert_eq!(project.query("SELECT count(*) FROM a, b"), ["0"]);
    assert_eq!(text(&project, "ran"), "3\n0\n4\n", "nothing runs after a required step");
    project.write("db.toml", "[hooks]\nafter-migrate = [{ command = 'x', requires = true }]\n");
    project.db(&["status"]).code(2).says("write a command, such as");
}

#[test]
fn steps_and_receivers_are_covered_by_trust() {
    let project = project("after_trust", "[hooks]\nafter-migrate = ['./step']\n");
    program(&project, "step", "touch ran");
    let untrusted = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        Ran::from(command.env_remove("CARGO_DB_TRUST").output().unwrap())
    };
    untrusted(&["migrate"]).code(3).says("hooks.after-migrate: ./step");
    assert_eq!(project.query("SELECT to_regclass('a') IS NULL"), ["t"], "nothing was applied");
    project.write("db.toml", "[notify]\ncommand = './step'\nwebhook = 'HOOK'\n");
    untrusted(&["migrate"])
        .ok()
        .says("the notification was not sent")
        .says("configures programs that are not trusted");
    untrusted(&["trust", "--dry-run"])
        .ok()
        .says("notify.command: ./step")
        .says("notify.webhook: HOOK");
    assert!(!project.path().join("ran").exists());
}

/// A project of diesel with a configured schema file.
fn diesel(name: &str) -> Project {
    let project = Project::new(name);
    project.write("diesel.toml", "[print_schema]\nfile = \"src/schema.rs\"\n");
    project.write("migrations/2026-01-01-000000_a/up.sql", "CREATE TABLE a (id int PRIMARY KEY);");
    project.write("migrations/2026-01-01-000000_a/down.sql", "DROP TABLE a;");
    project.write("src/schema.rs", "// before\n");
    project
}

#[test]
fn diesel_prints_the_schema_that_diesel_toml_names() {
    let mut project = diesel("after_diesel");
    program(
        &project,
        ".venv/bin/diesel",
        "case $DATABASE_URL in */after_diesel*) echo \"// $*\";; esac",
    );
    let ran = project.db(&["migrate", "--json"]).ok();
    assert_eq!(ran.json()["after_steps"][0]["command"], "diesel print-schema");
    assert_eq!(text(&project, "src/schema.rs"), "// print-schema\n");
    // The source code is written in development.
    project.set("CARGO_DB_ENV", "test");
    project.write("src/schema.rs", "// before\n");
    project.write("migrations/2026-01-02-000000_b/up.sql", "CREATE TABLE b (id int PRIMARY KEY);");
    let ran = project.db(&["migrate", "--json"]).ok();
    assert!(ran.json()["after_steps"].is_null(), "{ran}");
    assert_eq!(text(&project, "src/schema.rs"), "// before\n");
}

#[test]
fn without_diesel_its_schema_file_stays() {
    let project = diesel("after_no_diesel");
    let mut command = project.command(&["migrate"]);
    let ran = Ran::from(command.env("PATH", "/usr/bin:/bin").output().unwrap()).ok();
    ran.says("diesel is not installed, so `src/schema.rs` was not written");
    assert_eq!(text(&project, "src/schema.rs"), "// before\n");
}

#[test]
fn a_receiver_gets_the_outcome_and_no_password() {
    let mut project = project("after_notify", "[notify]\ncommand = './receive'\n");
    project.set("DATABASE_URL", &cluster().tcp_url("after_notify"));
    program(&project, "receive", "cat > got.json; env > env");
    let got = || -> Value { serde_json::from_str(&text(&project, "got.json")).unwrap() };
    project.db(&["migrate", "--dry-run"]).ok();
    project.db(&["status"]).ok();
    assert_eq!(text(&project, "got.json"), "", "only changes are notified");
    project.db(&["migrate"]).ok();
    let done = got();
    assert_eq!(done["verb"], "migrate");
    assert_eq!((&done["outcome"], &done["exit"]), (&"done".into(), &0.into()), "{done}");
    assert_eq!(done["versions"].to_string(), r#"["1"]"#);
    assert_eq!(done["environment"], "development");
    assert!(done["target"].as_str().unwrap().ends_with("/after_notify"), "{done}");
    assert!(
        !text(&project, "got.json").contains(PASSWORD) && !text(&project, "env").contains("PGPASS")
    );
    project.migration("2_b.sql", "CREATE TABLE a (id int);");
    let ran = project.db(&["migrate"]);
    let failed = got();
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(failed["exit"], ran.code.unwrap());
    assert!(failed["error"]["summary"].as_str().unwrap().contains("already exists"), "{failed}");
    // What a person declined or misspelled is of no interest to others.
    std::fs::remove_file(project.path().join("got.json")).unwrap();
    project.db(&["reset"]).code(3);
    assert_eq!(text(&project, "got.json"), "");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    project.db(&["reset", "--force"]).ok();
    assert_eq!((&got()["verb"], &got()["outcome"]), (&"reset".into(), &"done".into()));
}

#[test]
fn a_run_that_cannot_connect_is_notified_of() {
    let mut project = project("after_unreachable", "[notify]\ncommand = './receive'\n");
    program(&project, "receive", "cat > got.json");
    project.set("DATABASE_URL", "postgres://me:verysecret@127.0.0.1:1/x");
    project.db(&["migrate"]).code(6);
    let got: Value = serde_json::from_str(&text(&project, "got.json")).unwrap();
    assert_eq!((&got["verb"], &got["exit"]), (&"migrate".into(), &6.into()), "{got}");
    assert!(!got.to_string().contains("verysecret"), "{got}");
}

#[test]
fn a_failing_receiver_changes_nothing() {
    let project = project("after_receiver", "[notify]\ncommand = './receive'\n");
    program(&project, "receive", "echo out of order >&2; exit 3");
    let ran = project.db(&["migrate", "--json"]).ok();
    assert_eq!(ran.json()["ok"], true);
    ran.says("warning: the notification was not sent: `./receive` failed: out of order");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    program(&project, "receive", "trap '' TERM; while :; do sleep 1; done");
    project.db(&["migrate"]).ok().says("it did not end within 5s");
}

/// The first request that a listener gets, which it answers with this status.
fn listen(status: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let request = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        request
    };
    (port, std::thread::spawn(request))
}

fn read_request(stream: &mut TcpStream) -> String {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return request;
            }
        }
        let read = stream.read(&mut buffer).unwrap();
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

#[test]
fn a_webhook_gets_a_post() {
    let mut project = project("after_webhook", "[notify]\nwebhook = 'HOOK_URL'\n");
    let (port, request) = listen("204 No Content");
    project.write(".env", &format!("HOOK_URL=http://127.0.0.1:{port}/T0/secretpath\n"));
    let ran = project.db(&["migrate", "-v"]).ok();
    assert!(!ran.to_string().contains("warning"), "{ran}");
    let request = request.join().unwrap();
    assert!(request.starts_with("POST /T0/secretpath HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("Content-Type: application/json\r\n"), "{request}");
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&body["verb"], &body["outcome"]), (&"migrate".into(), &"done".into()));

    project.write("db.toml", "[notify]\nwebhook = '$HOOK_URL'\nformat = 'slack'\n");
    project.migration("2_b.sql", "SELECT 'a \"quoted\" \\ word'::int;");
    let (port, request) = listen("200 OK");
    project.set("HOOK_URL", &format!("http://127.0.0.1:{port}/x"));
    project.db(&["migrate"]).code(7);
    let request = request.join().unwrap();
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    let said = body["text"].as_str().unwrap();
    assert!(said.starts_with("migrate of "), "{said}");
    assert!(said.contains("failed with exit code 7") && said.contains("\"quoted\" \\"), "{said}");
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
}

#[test]
fn the_url_of_a_webhook_is_never_shown() {
    let mut project = project("after_secret", "[notify]\nwebhook = 'HOOK_URL'\n");
    let (port, request) = listen("500 Internal Server Error");
    project.set("HOOK_URL", &format!("http://127.0.0.1:{port}/T0/secretpath"));
    let ran = project.db(&["migrate", "-v"]).ok().says("the notification was not sent").says("500");
    assert!(!ran.to_string().contains("secretpath"), "{ran}");
    request.join().unwrap();
    // Nobody listens any more.
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    let ran = project.db(&["migrate"]).ok().says("the notification was not sent");
    assert!(!ran.to_string().contains("secretpath"), "{ran}");
    project.write("db.toml", "[notify]\nwebhook = 'https://hooks.example/T0/secretpath'\n");
    let ran = project.db(&["status"]).code(2).says("put it into a variable");
    assert!(!ran.to_string().contains("secretpath"), "{ran}");
}

#[test]
fn a_variable_that_is_not_set_is_said_where_it_matters() {
    let mut project = project("after_unset", "[notify]\nwebhook = 'HOOK_URL'\n");
    let ran = project.db(&["migrate"]).ok();
    assert!(!ran.to_string().contains("HOOK_URL"), "{ran}");
    project.set("CARGO_DB_ENV", "staging");
    project.migration("2_b.sql", "CREATE TABLE b (id int);");
    project.db(&["migrate", "--yes"]).says("HOOK_URL is not set, so no webhook is called");
}
