//! The alias that makes `cargo db` run a program which cargo builds.

use toml::Value;

use crate::answer::text::quoted;

/// Quiet, because cargo would echo the command line, secrets included. Nevertheless with cargo's
/// progress, because a build takes minutes: `always` shows it although cargo is quiet.
const RUN: [&str; 6] = [
    "run",
    "--quiet",
    "--config",
    "term.progress.when='always'",
    "--config",
    "term.progress.width=60",
];

/// The words of the alias for the `xtask` of the workspace. The argument `db` is for an `xtask`
/// that has other tasks too; `cargo_db::main` removes it.
pub(super) fn of_workspace() -> Vec<String> {
    words(&[], "xtask", "xtask")
}

/// The words of the alias for a program in another workspace. Cargo reads the path relative to the
/// folder in which it is started.
pub(super) fn of_manifest(manifest: &str, package: &str) -> Vec<String> {
    words(&["--manifest-path", manifest], package, package)
}

fn words(place: &[&str], package: &str, program: &str) -> Vec<String> {
    let program = ["--package", package, "--bin", program, "--", "db"];
    let all = RUN.iter().chain(place).chain(&program);
    all.map(|word| (*word).to_owned()).collect()
}

/// The alias as cargo reads it: it splits a text at white space, so other words need a list.
pub(super) fn value(words: &[String]) -> Value {
    if words.iter().any(|word| word.contains(char::is_whitespace)) {
        return Value::Array(words.iter().map(|word| word.clone().into()).collect());
    }
    words.join(" ").into()
}

/// The line below `[alias]`.
pub(super) fn line(words: &[String]) -> String {
    match value(words) {
        Value::Array(_) => {
            let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            format!("db = [{}]", quoted.join(", "))
        }
        _ => format!("db = {}", quoted(&words.join(" "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_white_space_are_a_list() {
        let plain = line(&of_manifest("db/Cargo.toml", "xtask"));
        assert!(plain.starts_with("db = \"run --quiet --config "), "{plain}");
        assert!(
            plain.ends_with("--manifest-path db/Cargo.toml --package xtask --bin xtask -- db\"")
        );
        let words = of_manifest("my db/Cargo.toml", "cargo-db");
        let table: toml::Table = toml::from_str(&line(&words)).unwrap();
        assert_eq!(table["db"], value(&words));
        assert!(table["db"].is_array());
    }
}
