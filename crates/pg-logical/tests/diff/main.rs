//! Differences between two databases: applied to the first, a plan gives the second, and the
//! reverse plan gives the first again.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the fence stands around the product, and tests look at it from outside"
)]

mod converted;
mod exposed;
mod hazardous;
mod ordered;
mod programmed;
mod random;
mod relations;
mod renamed;
mod reported;
mod session;
mod support;
mod typed;
mod unlocked;

#[path = "../../../cargo-db/tests/it/support/cluster.rs"]
#[expect(dead_code, reason = "other tests crash it")]
mod cluster;

use pg_logical::diff::Plan;

use crate::cluster::cluster;
use crate::support::{Database, between, proved, proved_as, same, text, wanted};

/// The name of a case, the old schema, and the new one.
type Pair = (&'static str, &'static str, &'static str);

#[track_caller]
fn there_and_back(what: &str, first: &str, second: &str) -> Plan {
    proved(what, first, second).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn all(pairs: &[Pair]) {
    let mut wrong = Vec::new();
    for (what, before, after) in pairs {
        match proved(what, before, after) {
            Ok(up) if up.steps.is_empty() => wrong.push(format!("{what}: no difference was found")),
            Ok(_) => {}
            Err(error) => wrong.push(error),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_hundred_random_pairs_migrate_there_and_back() {
    random::migrate(1..=100);
}
