//! What no tool takes, and no call can do.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::ToolSession;
use crate::project;
use crate::support::repository;

/// The tools as a client lists them.
fn tools(session: &mut ToolSession) -> Vec<Value> {
    session.request("tools/list", &json!({}))["tools"].as_array().unwrap().clone()
}

/// Read-only, destructive, idempotent, open world.
fn hints(tool: &Value) -> [bool; 4] {
    ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        .map(|hint| tool["annotations"][hint].as_bool().unwrap())
}

#[test]
fn every_tool_says_what_it_does() {
    let project = project("mcp_hints");
    let mut session = ToolSession::start(&project, &[]);
    let tools = tools(&mut session);
    let told: Vec<(&str, [bool; 4])> =
        tools.iter().map(|tool| (tool["name"].as_str().unwrap(), hints(tool))).collect();
    let (reads, adds, changes) =
        ([true, false, true, false], [false, false, true, false], [false, true, true, false]);
    let expected = [
        ("status", reads),
        ("schema", reads),
        ("check", reads),
        ("diff", adds),
        ("rehearse", adds),
        ("backups", reads),
        ("audit", reads),
        ("create", [false, false, false, false]),
        ("plan", adds),
        ("request_approval", adds),
        ("apply", changes),
        ("restore", changes),
        ("snapshot", changes),
        ("more", reads),
    ];
    assert_eq!(told, expected);
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        assert!(!tool["title"].as_str().unwrap().is_empty(), "{name}");
        let description = tool["description"].as_str().unwrap();
        assert!(description.ends_with('.') && description.len() < 200, "{name}: {description}");
    }
}

/// The page lists the tools as clients see them.
#[test]
fn the_page_is_right() {
    let project = project("mcp_page");
    let page = std::fs::read_to_string(repository().join("docs/mcp.md")).unwrap();
    let (_, block) = page.split_once("```json\n").unwrap();
    let registered: Value = serde_json::from_str(block.split_once("```").unwrap().0).unwrap();
    let server = &registered["mcpServers"]["db"];
    assert_eq!((&server["command"], &server["args"]), (&json!("cargo-db"), &json!(["mcp"])));
    let mut session = ToolSession::start(&project, &[]);
    let listed = tools(&mut session).into_iter().map(|tool| {
        let properties = tool["inputSchema"]["properties"].as_object().unwrap();
        let names: Vec<String> = properties.keys().map(|name| format!("`{name}`")).collect();
        let effect = match hints(&tool) {
            [true, ..] => "reads",
            [_, true, ..] => "changes the database",
            _ => "writes files or scratch databases",
        };
        let name = tool["name"].as_str().unwrap();
        (format!("`{name}`"), names, effect.to_owned())
    });
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).map(|row| {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let mut names: Vec<String> = cells[1].split(", ").map(str::to_owned).collect();
        names.sort();
        (format!("`{}", cells[0]), names, cells[2].to_owned())
    });
    let sorted = |(tool, mut names, effect): (String, Vec<String>, String)| {
        names.sort();
        (tool, names, effect)
    };
    assert_eq!(listed.map(sorted).collect::<Vec<_>>(), rows.collect::<Vec<_>>());
}

#[test]
fn no_tool_of_ours_takes_sql() {
    let project = project("mcp_no_sql");
    let mut session = ToolSession::start(&project, &[]);
    let mut arguments: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for tool in tools(&mut session) {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        for (name, argument) in schema["properties"].as_object().unwrap() {
            // No argument holds others.
            let simple = ["string", "integer", "boolean"];
            assert!(simple.contains(&argument["type"].as_str().unwrap()), "{tool}");
            let tool = tool["name"].as_str().unwrap().to_owned();
            arguments.entry(name.clone()).or_default().push(tool);
        }
    }
    let names: Vec<&str> = arguments.keys().map(String::as_str).collect();
    let expected = [
        "a", "b", "backup", "cursor", "env", "limit", "name", "plan_id", "set", "show_sql",
        "since", "steps", "table", "to", "verb",
    ];
    assert_eq!(names, expected);
    for tool in ["apply", "restore", "snapshot", "request_approval"] {
        let of_tool = arguments.iter().filter(|(_, tools)| tools.iter().any(|one| one == tool));
        assert_eq!(of_tool.map(|(name, _)| name).collect::<Vec<_>>(), ["plan_id"], "{tool}");
    }
    for (tool, name) in [("status", "sql"), ("schema", "query"), ("plan", "url")] {
        let answer = session.call(tool, &json!({name: "DROP TABLE users"}));
        answer.refused(&format!("`{tool}` has no argument `{name}`"));
    }
}

#[test]
fn no_value_becomes_a_flag() {
    let project = project("mcp_flags");
    let mut session = ToolSession::start(&project, &[]);
    let before = project.content();
    for (tool, arguments) in [
        ("schema", json!({"table": "--verbose"})),
        ("create", json!({"name": "--reversible"})),
        ("plan", json!({"verb": "snapshot-save", "name": "--pin"})),
        ("plan", json!({"verb": "restore", "backup": "--undo"})),
        ("diff", json!({"a": "-v:migrations"})),
    ] {
        session.call(tool, &arguments).refused("begins with `-`");
    }
    for (tool, arguments) in [
        ("check", json!({"since": "--staged"})),
        ("check", json!({"since": "--output=/tmp/x"})),
        ("status", json!({"set": "--check"})),
        ("plan", json!({"verb": "rollback", "to": "--yes"})),
    ] {
        let answer = session.call(tool, &arguments);
        assert!(answer.is_error && answer.data.contains("--"), "{answer:#?}");
    }
    assert_eq!(project.content(), before);
}

#[test]
fn other_databases_and_files_are_out_of_reach() {
    let mut project = project("mcp_reach");
    project.set("OTHER_URL", "postgres://elsewhere/db");
    project.write("evil.sql", "DROP TABLE users;");
    let mut session = ToolSession::start(&project, &[]);
    for state in
        ["url:OTHER_URL", "file:evil.sql", "file:migrations", "url:migrations", "backup:../x", "x"]
    {
        for argument in ["a", "b"] {
            let answer = session.call("diff", &json!({argument: state}));
            answer.refused(&format!("the argument `{argument}` is none of `live`"));
        }
    }
    let answer = session.call("plan", &json!({"verb": "restore", "backup": "./evil.sql"}));
    answer.refused("the argument `backup` is a path");
    let answer = session.call("plan", &json!({"verb": "restore", "steps": 1}));
    answer.refused("`restore` takes no `steps`");
    // Nor by a kept plan that somebody has edited.
    let kept = session.call("plan", &json!({"verb": "migrate"})).ok();
    let id = kept["plans"][0]["id"].as_str().unwrap();
    let file = project.path().join(format!(".db/plans/{id}.json"));
    let text = std::fs::read_to_string(&file).unwrap();
    for word in ["-Dpostgres://elsewhere/db", "--env-file=x", "--migrations-dir=/tmp"] {
        let mut edited: Value = serde_json::from_str(&text).unwrap();
        edited["command"].as_array_mut().unwrap().push(word.into());
        std::fs::write(&file, edited.to_string()).unwrap();
        for tool in ["apply", "request_approval"] {
            session.call(tool, &json!({"plan_id": id})).refused("no tool makes it");
        }
    }
    for id in ["../../etc/passwd", "0123456789", "x/y"] {
        session.call("apply", &json!({"plan_id": id})).refused(id);
    }
}

/// A server that was registered for one environment stays there.
#[test]
fn the_flags_of_the_server_hold_for_every_call() {
    let project = project("mcp_pinned");
    for flags in [&["--env", "test"][..], &["--env=test"], &["-etest"]] {
        let mut session = ToolSession::start(&project, flags);
        assert_eq!(session.call("status", &json!({})).ok()["environment"], "test");
        let answer = session.call("status", &json!({"env": "development"}));
        answer.refused("`status` has no argument `env`: it has set");
    }
}

#[test]
fn what_is_no_client_gets_an_error() {
    let project = project("mcp_no_client");
    // The standard input is empty: a client that leaves at once.
    project.db(&["mcp"]).ok();
    let folder = repository().join("docs");
    let page = std::fs::File::open(folder.join("security.md")).unwrap();
    let ran: crate::support::Ran = project.command(&["mcp"]).stdin(page).output().unwrap().into();
    assert_eq!(ran.stdout, "", "{ran}");
}

/// What every clone of a project builds first.
#[test]
fn an_xtask_builds_no_server() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "xtask", "--edges", "normal", "--prefix", "none"])
        .args(["--offline", "--locked"])
        .current_dir(repository())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("cargo-db v"), "{tree}");
    assert!(!tree.contains("rmcp") && !tree.contains("cargo-db-mcp"), "{tree}");
}
