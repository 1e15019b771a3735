//! cargo db and the real migration tools, in the versions that `scripts/tools` installs: each
//! finishes what the other began, and afterwards the database does not show which of them did what.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

mod code;
mod drift;
mod generate;
mod hooks;
mod lies;
mod native;
mod page;
mod projects;
