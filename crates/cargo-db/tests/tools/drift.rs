//! Drift, while cargo db and diesel's own program take turns. sqlx's library does so in the suite
//! `it`.

use crate::projects::{STEPS, Step, project, run};
use crate::support::Project;

fn write(project: &Project, n: usize, step: &Step) {
    let folder = format!("migrations/2026-01-01-00000{n}_{}", step.name);
    project.write(&format!("{folder}/up.sql"), step.up);
    project.write(&format!("{folder}/down.sql"), step.down);
}

/// The objects that `status` names, with what happened to them.
fn drifted(project: &Project) -> Vec<String> {
    let json = project.db(&["status", "--json"]).ok().json();
    assert_eq!(json["drift"]["state"], "found", "{json}");
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
    let objects = json["drift"]["objects"].as_array().unwrap();
    objects.iter().map(|one| format!("{}: {}", text(one, "object"), text(one, "change"))).collect()
}

#[test]
fn diesel_takes_turns() {
    let project = project("drift_diesel", None);
    project.write("diesel.toml", "[migrations_directory]\ndir = \"migrations\"\n");
    let [users, email, shout, note] = &STEPS;
    write(&project, 1, users);
    project.db(&["migrate"]).ok();
    write(&project, 2, email);
    run(&project, &["diesel", "migration", "run"]);
    let unknown = "unknown since 20260101000001: the history or the server changed without leaving";
    project.db(&["status", "--check"]).ok().says(unknown);
    project.db(&["check", "--drift"]).ok();

    write(&project, 3, shout);
    project.db(&["migrate", "--yes"]).ok();
    let json = project.db(&["status", "--json"]).ok().json();
    assert_eq!(json["drift"]["state"], "none", "{json}");
    project.run_sql("ALTER TABLE users ADD COLUMN by_hand int");
    assert_eq!(drifted(&project), ["column public.users.by_hand: added"]);

    // Its revert takes the history back to a state that has no fingerprint, and its run forward
    // again to the one that has.
    run(&project, &["diesel", "migration", "revert"]);
    project.db(&["status", "--check"]).code(1).says("unknown since 20260101000003");
    run(&project, &["diesel", "migration", "run"]);
    assert_eq!(drifted(&project), ["column public.users.by_hand: added"]);
    write(&project, 4, note);
    project.db(&["migrate", "--yes"]).ok();
    assert_eq!(drifted(&project), ["column public.users.by_hand: added"]);
}
