//! The invariants of `docs/architecture.md` that no compiler checks.

use std::path::{Path, PathBuf};

use crate::support::repository;

/// The floors from the bottom; a module may use its own floor and those below it.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &["failure"],
    &["settings"],
    &["plan"],
    &["policy"],
    &["world"],
    &["check", "migration"],
    &["audit", "backup", "seed"],
    &["rehearse", "schema", "snapshot"],
    &["generate"],
    &["answer"],
    &["cli"],
    &["face"],
    &["change"],
    &["verb"],
    &["lib"],
];

fn sources() -> Vec<PathBuf> {
    sources_of("cargo-db")
}

/// The sources of a crate; `*` matches all.
fn sources_of(name: &str) -> Vec<PathBuf> {
    glob::glob(&format!("{}/crates/{name}/src/**/*.rs", repository().display()))
        .unwrap()
        .flatten()
        .collect()
}

fn floor_of(module: &str) -> usize {
    FLOORS
        .iter()
        .position(|floor| floor.contains(&module))
        .unwrap_or_else(|| panic!("`{module}` is on no floor"))
}

/// The top-level module that a file belongs to.
fn module(path: &Path) -> String {
    let below = path.strip_prefix(repository().join("crates/cargo-db/src")).unwrap();
    let first = below.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn no_layer_uses_a_layer_above_it() {
    let mut wrong = Vec::new();
    for path in sources() {
        let own = module(&path);
        if own == "bin" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for used in text
            .split("crate::")
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        {
            if !used.is_empty()
                && FLOORS.iter().any(|floor| floor.contains(&used))
                && floor_of(used) > floor_of(&own)
            {
                wrong.push(format!("{} uses `{used}`", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn files_are_short_and_say_what_they_are() {
    for path in sources_of("*") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} does not begin with what it is", path.display());
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
        assert!(code <= 520, "{} has {code} lines; does it hold two things?", path.display());
    }
}

#[test]
fn no_test_is_ignored() {
    let mut all = sources_of("*");
    all.extend(
        glob::glob(&format!("{}/crates/cargo-db/tests/**/*.rs", repository().display()))
            .unwrap()
            .flatten(),
    );
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&["#[", "ignore"].concat()), "{} ignores a test", path.display());
    }
}

#[test]
fn the_alias_hides_the_command_line_and_names_package_and_binary() {
    let text = |file: &str| std::fs::read_to_string(repository().join(file)).unwrap();
    let config: toml::Table = toml::from_str(&text(".cargo/config.toml")).unwrap();
    let words: Vec<&str> = config["alias"]["db"].as_str().unwrap().split_whitespace().collect();
    let alias = "run --quiet --config term.progress.when='always' --config term.progress.width=60 \
                 --package xtask --bin xtask --";
    assert_eq!(words.join(" "), alias);
    // What `init` writes for others, where an `xtask` may have other tasks too.
    assert!(text("README.md").contains(&format!("db = \"{alias} db\"\n")));
}

/// Our SQL is sent to databases of every encoding.
#[test]
fn our_sql_is_ascii() {
    let pattern = format!("{}/crates/*/src/**/*.sql", repository().display());
    for file in glob::glob(&pattern).unwrap().flatten() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.is_ascii(), "{}", file.display());
    }
}

/// A project that depends on cargo db does not use its lock file, and newer versions need a newer
/// compiler.
#[test]
fn every_crate_of_squawk_has_a_fixed_version() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    let manifest = repository().join("crates/cargo-db/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let names = lock.lines().filter_map(|line| line.strip_prefix("name = \"squawk-"));
    let names: Vec<&str> = names.map(|rest| rest.trim_end_matches('"')).collect();
    assert!(names.contains(&"parser"), "{names:?}");
    for name in names {
        assert!(manifest.contains(&format!("\nsquawk-{name} = \"=")), "{name} is not fixed");
    }
}

#[test]
fn no_line_is_over_100_columns() {
    let mut long = Vec::new();
    let pattern = format!("{}/crates/*/src/**/*.sql", repository().display());
    let queries = glob::glob(&pattern).unwrap().flatten();
    for path in sources_of("*").into_iter().chain(queries) {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().enumerate().filter(|(_, line)| line.chars().count() > 100);
        long.extend(lines.map(|(at, _)| format!("{}:{}", path.display(), at + 1)));
    }
    assert_eq!(long, Vec::<String>::new());
}

/// Code that verbs share is in a lower layer.
#[test]
fn no_verb_imports_another() {
    let verbs = format!("{}/crates/cargo-db/src/verb", repository().display());
    let mut wrong = Vec::new();
    for path in sources().into_iter().filter(|path| path.starts_with(&verbs)) {
        if path == Path::new(&verbs).join("mod.rs") {
            continue;
        }
        let own = path.strip_prefix(&verbs).unwrap().iter().next().unwrap().to_str().unwrap();
        let own = own.trim_end_matches(".rs");
        let text = std::fs::read_to_string(&path).unwrap();
        let used = text.split("crate::verb::").skip(1).filter_map(|rest| rest.split("::").next());
        wrong.extend(
            used.filter(|used| *used != "declare" && *used != own)
                .map(|used| format!("{} uses `{used}`", path.display())),
        );
    }
    assert_eq!(wrong, Vec::<String>::new());
}
