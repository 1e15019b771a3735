//! Passes the optimisation level to the crate, which cannot find it out otherwise.

#![expect(clippy::disallowed_methods, reason = "cargo passes the level in a variable")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=PG_LOGICAL_OPT_LEVEL={level}");
}
