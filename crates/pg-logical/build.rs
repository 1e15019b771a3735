//! Tells the crate at which level it is compiled: nothing else does.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script by variables")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    println!("cargo::rustc-env=PG_LOGICAL_OPT_LEVEL={level}");
}
