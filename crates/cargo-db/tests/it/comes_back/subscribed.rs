//! Databases that receive changes from elsewhere.

use crate::support::{Project, cluster};

const FEED: &str = "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1); \
    CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 dbname=nowhere' PUBLICATION p \
    WITH (connect = false, slot_name = 'slot of NAME'); ALTER SUBSCRIPTION feed ENABLE";

fn subscribed(name: &str) -> Project {
    let project = Project::new(name);
    project.run_sql(&FEED.replace("slot of NAME", &format!("{name}_slot")));
    project
}

/// The subscriptions of databases named like this one, with whether they receive anything.
fn subscriptions(name: &str) -> Vec<String> {
    let sql = format!(
        "SELECT CASE WHEN datname = '{name}' THEN 'current' ELSE 'aside' END, subname, \
         subslotname, subenabled FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
         WHERE datname LIKE '{name}%' ORDER BY 1 DESC"
    );
    cluster().query("postgres", &sql)
}

#[test]
fn replication_stops_in_replaced_and_never_starts_in_scratch_databases() {
    let project = subscribed("cbs_swap");
    project.db(&["backup", "--format", "custom"]).ok();
    for _ in 0..2 {
        project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok().says("sound");
    }
    assert_eq!(subscriptions("cbs_swap"), ["current|feed|cbs_swap_slot|t"]);
    let plan = project.db(&["restore", "--latest", "--dry-run"]).ok();
    plan.says("the subscription feed with the slot cbs_swap_slot stops receiving");
    project
        .db(&["restore", "--latest", "--yes"])
        .ok()
        .says("REFRESH PUBLICATION WITH (copy_data = false)");
    let both = ["current|feed|cbs_swap_slot|f", "aside|feed|cbs_swap_slot|f"];
    assert_eq!(subscriptions("cbs_swap"), both);
    // The slot on the publisher is the one's that is left.
    project.db(&["restore", "--drop-previous", "--yes"]).ok();
    assert_eq!(subscriptions("cbs_swap"), ["current|feed|cbs_swap_slot|f"]);
}

#[test]
fn everything_is_replaced_with_its_subscription() {
    let project = subscribed("cbs_clean");
    project.db(&["backup"]).ok();
    project.run_sql("DELETE FROM t");
    project.db(&["restore", "--latest", "--clean", "--yes"]).ok().says("the subscription feed");
    assert_eq!(subscriptions("cbs_clean"), ["current|feed|cbs_clean_slot|f"]);
    assert_eq!(project.query("SELECT a FROM t"), ["1"]);
}

#[test]
fn a_scratch_database_that_was_left_with_a_subscription_is_dropped() {
    let project = subscribed("cbs_left");
    project.db(&["backup"]).ok();
    let left = "cbs_left__scratch_20260101T000000_000";
    cluster().run("postgres", &format!("CREATE DATABASE \"{left}\""));
    cluster().run(left, &FEED.replace("slot of NAME", "cbs_left_slot"));
    project.db(&["backups", "verify", "--latest", "--level", "restore"]).ok().says("sound");
    assert_eq!(subscriptions("cbs_left"), ["current|feed|cbs_left_slot|t"]);
    // A rehearsal's copy has none either.
    project.migration("1_a.up.sql", "ALTER TABLE t ADD COLUMN b int;");
    project.migration("1_a.down.sql", "ALTER TABLE t DROP COLUMN b;");
    project.db(&["rehearse"]).ok();
    assert_eq!(subscriptions("cbs_left"), ["current|feed|cbs_left_slot|t"]);
}

#[test]
fn reset_does_not_mention_a_subscription_that_it_drops() {
    let project = subscribed("cbs_reset");
    let ran = project.db(&["reset", "--yes"]).ok();
    assert!(!ran.to_string().contains("ALTER SUBSCRIPTION"), "{ran}");
    assert_eq!(subscriptions("cbs_reset"), Vec::<String>::new());
}
