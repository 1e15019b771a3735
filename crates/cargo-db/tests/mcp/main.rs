//! `cargo db mcp` as an AI agent uses it, against a real server.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

mod changing;
mod client;
mod exam;
mod reading;
mod refused;
mod sessions;

use support::Project;

/// A project with one migration that is not applied yet.
fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.migration("1_users.sql", "CREATE TABLE users (id int PRIMARY KEY, name text);");
    project.db(&["migrate"]).ok();
    project.migration("2_email.sql", "ALTER TABLE users ADD COLUMN email text;");
    project
}
