//! Plans, and the tools that carry them out.

use serde_json::{Value, json};

use crate::client::ToolSession;
use crate::project;
use crate::support::Project;

/// The id of the only plan that `plan` kept.
fn planned(session: &mut ToolSession, arguments: &Value) -> String {
    let kept = session.call("plan", arguments).ok();
    let plans = kept["plans"].as_array().unwrap();
    assert_eq!(plans.len(), 1, "{kept}");
    plans[0]["id"].as_str().unwrap().to_owned()
}

fn columns(project: &Project) -> Vec<String> {
    project.query(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0 \
         AND NOT attisdropped ORDER BY attnum",
    )
}

#[test]
fn a_plan_is_carried_out_once_and_recorded_as_an_agent_s() {
    let mut project = project("mcp_apply");
    // What the caller says of itself does not count: a tool is called by an agent.
    project.set("CARGO_DB_AGENT", "0");
    let mut session = ToolSession::start(&project, &[]);
    let arguments = json!({"verb": "migrate", "show_sql": true});
    let kept = session.call("plan", &arguments).ok();
    assert!(kept["shown"].to_string().contains("ADD COLUMN email"), "{kept}");
    assert_eq!(columns(&project), ["id", "name"]);
    let id = kept["plans"][0]["id"].as_str().unwrap();
    session.call("apply", &json!({"plan_id": id})).ok();
    assert_eq!(columns(&project), ["id", "name", "email"]);
    let audit = session.call("audit", &json!({"limit": 1})).ok();
    let records = audit["records"].as_array().unwrap();
    assert_eq!(records[0]["by"]["kind"], "agent", "{audit}");
    assert_eq!(records[0]["plan"], id);
    session.call("apply", &json!({"plan_id": id})).refused("already carried out");
}

#[test]
fn a_plan_that_does_not_fit_any_more_is_refused() {
    let project = project("mcp_changed");
    let mut session = ToolSession::start(&project, &[]);
    let id = planned(&mut session, &json!({"verb": "migrate"}));
    project.migration("2_email.sql", "DROP TABLE users;");
    let answer = session.call("apply", &json!({"plan_id": id}));
    assert!(answer.is_error, "{answer:#?}");
    assert_eq!(columns(&project), ["id", "name"]);
}

/// The annotations of a client's rules are for these tools: no other does their work.
#[test]
fn each_plan_has_one_tool_that_carries_it_out() {
    let project = project("mcp_which");
    project.run_sql("INSERT INTO users VALUES (1, 'ann')");
    project.db(&["backup", "-o", "one.sql"]).ok();
    let mut session = ToolSession::start(&project, &[]);
    for (arguments, tool) in [
        (json!({"verb": "snapshot-save", "name": "mine"}), "snapshot"),
        (json!({"verb": "restore", "backup": "one.sql"}), "restore"),
        (json!({"verb": "migrate"}), "apply"),
    ] {
        let id = planned(&mut session, &arguments);
        for other in ["apply", "restore", "snapshot"].into_iter().filter(|other| *other != tool) {
            let answer = session.call(other, &json!({"plan_id": id}));
            answer.refused(&format!("call the tool `{tool}`"));
        }
        session.call(tool, &json!({"plan_id": id})).ok();
    }
    assert_eq!(project.query("SELECT name FROM users"), ["ann"]);
    // A plan that a person kept, and that no tool makes.
    let kept = project.db(&["plan", "--json", "env", "set", "test"]).ok().json();
    let id = kept["plans"][0]["id"].as_str().unwrap();
    session.call("apply", &json!({"plan_id": id})).refused("no tool carries out `env set`");
}

#[test]
fn a_server_for_one_environment_carries_out_no_plan_of_another() {
    let project = project("mcp_elsewhere");
    let id = planned(&mut ToolSession::start(&project, &[]), &json!({"verb": "migrate"}));
    let mut session = ToolSession::start(&project, &["--env", "test"]);
    let answer = session.call("apply", &json!({"plan_id": id}));
    answer.refused("is of development, and this server is for test");
}

#[test]
fn in_staging_a_person_approves_first() {
    let project = project("mcp_staging");
    let mut session = ToolSession::start(&project, &["--env", "staging"]);
    let kept = session.call("plan", &json!({"verb": "migrate"})).ok();
    assert_eq!(kept["plans"][0]["needs_approval"], true, "{kept}");
    let id = kept["plans"][0]["id"].as_str().unwrap();
    let requested = session.call("request_approval", &json!({"plan_id": id})).ok();
    // No approver was set up in this database, so the file has to be carried to a person.
    assert_eq!(requested["plans"][0]["requested"], false, "{requested}");
    assert_eq!(requested["plans"][0]["id"], id);
    let answer = session.call("apply", &json!({"plan_id": id}));
    assert!(answer.is_error, "{answer:#?}");
    assert_eq!(columns(&project), ["id", "name"]);
}
