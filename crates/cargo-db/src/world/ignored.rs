//! The ignore files of a project, for git and Docker.

use std::path::{Path, PathBuf};

use crate::world::files;

/// How many levels below the root a Dockerfile is searched for: the root may still be its context.
const DEPTH: usize = 3;

/// The `.dockerignore` files in the root. If there are none, the one to write, provided that there
/// is a Dockerfile.
pub(crate) fn docker_files(root: &Path) -> Vec<PathBuf> {
    let mut there: Vec<PathBuf> = files::names(root)
        .into_iter()
        .filter(|name| name.ends_with(".dockerignore"))
        .map(|name| root.join(name))
        .collect();
    there.sort();
    if there.is_empty() && files::listed_files(root, DEPTH).iter().any(|file| is_dockerfile(file)) {
        there.push(root.join(".dockerignore"));
    }
    there
}

fn is_dockerfile(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_named = |word: &str| name == word || name.starts_with(&format!("{word}."));
    is_named("Dockerfile") || is_named("Containerfile") || name.ends_with(".dockerfile")
}

/// The patterns that a file does not contain yet, in any spelling. A line that ends with `*` covers
/// everything with that prefix.
pub(crate) fn missing<'p>(text: &str, patterns: &[&'p str]) -> Vec<&'p str> {
    let plain = |line: &str| {
        line.trim().trim_start_matches("**").trim_start_matches("./").trim_matches('/').to_owned()
    };
    let known: Vec<String> = text.lines().map(plain).collect();
    let covers = |known: &String, pattern: &str| {
        let begins = |begin| format!("{pattern}/").starts_with(begin);
        known == pattern
            || *known == format!("{pattern}/**")
            || known.strip_suffix('*').is_some_and(begins)
    };
    let is_missing = |pattern: &&&str| !known.iter().any(|one| covers(one, &plain(pattern)));
    patterns.iter().filter(is_missing).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_recognised_in_every_spelling() {
        for text in ["/backups/", "backups", "./backups/", "**/backups", "backups/**", "*\n!src"] {
            assert!(missing(text, &["backups/"]).is_empty(), "{text}");
        }
        for text in ["backups/*", "/back*", "**/backups*", "backups/*\n!backups/keep"] {
            assert!(missing(text, &["backups/"]).is_empty(), "{text}");
        }
        assert!(missing(".db*\n.env*", &[".db/", ".env*"]).is_empty());
        for text in ["backups/*.gz", "backups-*", "*.sql", "backups/old/*"] {
            assert_eq!(missing(text, &["backups/"]), ["backups/"], "{text}");
        }
        assert_eq!(missing("# backups/\n/target", &["backups/", ".env*"]), ["backups/", ".env*"]);
    }
}
