//! An agent works through a development cycle, over the tools and over the shell, in development,
//! staging and production: what it can do there, what it cannot, and what that costs.

use serde_json::{Value, json};

use crate::client::ToolSession;
use crate::support::Project;
use crate::support::keys::PUBLIC_KEY;
use crate::support::school::{AGENT, School};

/// One call of a cycle: what came back, and whether it was refused.
struct Called {
    data: Value,
    is_refused: bool,
}

/// Over which way an agent works.
trait Way {
    fn call(&mut self, tool: &str, arguments: Value) -> Called;
    fn bytes(&self) -> usize;
}

impl Way for ToolSession {
    fn call(&mut self, tool: &str, arguments: Value) -> Called {
        let answer = ToolSession::call(self, tool, &arguments);
        let data = serde_json::from_str(&answer.data).unwrap_or(Value::String(answer.data));
        Called { data, is_refused: answer.is_error }
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The command line, as an agent types it.
struct Shell<'a> {
    project: &'a Project,
    bytes: usize,
}

impl Way for Shell<'_> {
    fn call(&mut self, tool: &str, arguments: Value) -> Called {
        let text = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let name = &self.project.database;
        let line = match tool {
            "schema" => vec!["schema".to_owned(), "show".to_owned(), text("table")],
            "create" => vec!["create".to_owned(), text("name")],
            "plan" => vec!["plan".to_owned(), text("verb")],
            "apply" => {
                let id = text("plan_id");
                vec!["apply".to_owned(), id, "--confirm".to_owned(), name.clone()]
            }
            other => vec![other.to_owned()],
        };
        let line: Vec<&str> = line.iter().map(String::as_str).chain(["--json"]).collect();
        let ran = self.project.command(&line).env(AGENT, "1").output().unwrap();
        self.bytes += ran.stdout.len() + ran.stderr.len() + line.join(" ").len();
        Called {
            data: serde_json::from_slice(&ran.stdout).unwrap_or_default(),
            is_refused: ran.status.code() != Some(0),
        }
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The id of the plan that was kept.
fn id_of(kept: &Called) -> Option<String> {
    kept.data["plans"][0]["id"].as_str().map(str::to_owned)
}

/// Goes through the cycle; returns how many calls it took, and whether each deed was done.
fn cycle(way: &mut dyn Way, school: &School) -> (usize, bool, bool) {
    let project = &school.project;
    assert!(!way.call("status", json!({})).is_refused);
    assert!(!way.call("schema", json!({"table": "users"})).is_refused);
    assert!(!way.call("check", json!({})).is_refused);
    assert!(!way.call("rehearse", json!({})).is_refused);
    let mut deeds = [false; 2];
    let mut calls = 4;
    for (at, verb) in ["migrate", "rollback"].into_iter().enumerate() {
        let kept = way.call("plan", json!({"verb": verb}));
        calls += 1;
        let Some(id) = id_of(&kept) else { continue };
        let before = project.content();
        let done = way.call("apply", json!({"plan_id": id}));
        calls += 1;
        deeds[at] = !done.is_refused;
        assert_eq!(project.content() == before, done.is_refused, "{verb} {:#}", done.data);
    }
    (calls, deeds[0], deeds[1])
}

fn in_environment(name: &str, environment: &str) -> School {
    let mut school = School::new(name);
    school.project.set("CARGO_DB_ENV", environment);
    school.project.set("CARGO_DB_REHEARSE", "");
    let add = ["env", "key", "add", PUBLIC_KEY, "--env", "test", "--yes"];
    school.project.db(&add).ok();
    school
}

#[test]
fn an_agent_does_its_cycle_alone_in_development_and_nowhere_else() {
    for (environment, is_alone) in
        [("development", true), ("staging", false), ("production", false)]
    {
        for over in ["shell", "tools"] {
            let school = in_environment(&format!("ses_{environment}_{over}"), environment);
            let mut session = ToolSession::start(&school.project, &[]);
            let mut shell = Shell { project: &school.project, bytes: 0 };
            let way: &mut dyn Way = if over == "shell" { &mut shell } else { &mut session };
            let (calls, migrates, rolls_back) = cycle(way, &school);
            assert_eq!((migrates, rolls_back), (is_alone, is_alone), "{environment} {over}");
            assert!(!school.has_note(), "{environment} {over}");
            assert!(calls <= 8, "{environment} {over}: {calls} calls");
            // A token is about four bytes.
            assert!(way.bytes() / 4 <= 3_000, "{environment} {over}: {} bytes", way.bytes());
        }
    }
}

#[test]
fn with_approvals_an_agent_works_in_staging_and_production_too() {
    for (environment, question, answer) in [
        ("staging", "Approve this plan?", "y"),
        ("production", "Type the name of the database", "ses_approved_production"),
    ] {
        let school = in_environment(&format!("ses_approved_{environment}"), environment);
        let mut session = ToolSession::start(&school.project, &[]);
        session.call("rehearse", &json!({})).ok();
        let kept = session.call("plan", &json!({"verb": "migrate"})).ok();
        let id = kept["plans"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(kept["plans"][0]["needs_approval"], true);
        let apply = json!({"plan_id": id});
        session.call("apply", &apply).refused("no person has approved");
        let typed = [(question, answer), ("Password of", "")];
        assert_eq!(school.approve(&[&id], &typed), 0, "{environment}");
        session.call("apply", &apply).ok();
        assert!(school.has_note(), "{environment}");
    }
}
