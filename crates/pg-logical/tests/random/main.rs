//! Thousands of random pairs of schemas, migrated there and back: `scripts/test --random`.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "the fence stands around the product, and tests look at it from outside"
)]

#[path = "../../../cargo-db/tests/it/support/cluster.rs"]
#[expect(dead_code, reason = "other tests crash it")]
mod cluster;
#[path = "../diff/random.rs"]
mod random;
#[path = "../diff/session.rs"]
mod session;
#[path = "../diff/support.rs"]
#[expect(dead_code, reason = "other tests migrate pairs of their own")]
mod support;

// Each takes a quarter of the seeds, so that they run side by side.

#[test]
fn the_first_five_hundred_random_pairs_migrate_there_and_back() {
    random::migrate(101..=600);
}

#[test]
fn the_second_five_hundred_random_pairs_migrate_there_and_back() {
    random::migrate(601..=1100);
}

#[test]
fn the_third_five_hundred_random_pairs_migrate_there_and_back() {
    random::migrate(1101..=1600);
}

#[test]
fn the_last_five_hundred_random_pairs_migrate_there_and_back() {
    random::migrate(1601..=2100);
}
