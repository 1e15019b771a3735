//! The counterpart of `it::pinned`: in a build whose sessions keep their original search path,
//! planted objects that shadow the catalog are called. Without this test, the absence of calls
//! there would prove nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]

#[path = "it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

use support::cluster;
use support::hostile::{VERBS, functions_named, log, plant, project, run};

#[test]
fn without_the_pin_what_is_planted_is_called() {
    let honest = project("control_honest");
    cluster().run("postgres", "ALTER DATABASE control_honest SET log_statement = 'all'");
    let place = log().len();
    run(&honest, VERBS);
    let names = functions_named(&log()[place..], "control_honest");
    let mut project = project("control");
    plant("control", "evil", &names);
    let url = format!("{}&search_path=evil%2Cpublic%2Cpg_catalog", cluster().url("control"));
    project.set("DATABASE_URL", &url);
    let called = run(&project, VERBS).into_iter().filter(|ran| !ran.calls.is_empty());
    let verbs: std::collections::BTreeSet<String> =
        called.filter_map(|ran| ran.verb.split(' ').next().map(str::to_owned)).collect();
    assert!(verbs.len() >= 5, "{verbs:?}");
}
