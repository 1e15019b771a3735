//! cargo db beside the real migration tools, in the versions that `scripts/tools` installs: what
//! one has begun, the other finishes, and afterwards nobody can tell who did what.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

mod code;
mod generate;
mod lies;
mod native;
mod projects;
