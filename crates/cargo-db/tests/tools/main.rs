//! cargo db beside the real migration tools, in the versions that `scripts/tools` installs: what one has
//! begun, the other finishes, and afterwards nobody can tell who did what.

#[path = "../it/support/mod.rs"]
#[expect(dead_code, reason = "the other suite needs more of it")]
mod support;

mod code;
mod lies;
mod native;
mod projects;
