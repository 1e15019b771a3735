//! The source of the crate `cargo-db` for a project's workspace, such that it builds for everybody
//! who clones the project.

use std::path::Path;

use crate::answer::text::quoted;

/// How this program was built.
pub(super) struct BuildOrigin<'a> {
    /// Where its source was.
    pub(super) folder: &'a Path,
    /// `[workspace.package] repository`, or nothing.
    pub(super) repository: &'a str,
    pub(super) version: &'a str,
}

/// This program.
pub(super) fn this_program() -> BuildOrigin<'static> {
    BuildOrigin {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")),
        repository: env!("CARGO_PKG_REPOSITORY"),
        version: env!("CARGO_PKG_VERSION"),
    }
}

impl BuildOrigin<'_> {
    /// What follows `cargo-db = ` in a manifest. A registry version is used only if this program
    /// was built from that registry: as long as the crate is not published, anybody could take its
    /// name. A local folder is never used.
    pub(super) fn dependency(&self) -> Option<String> {
        let parts: Vec<_> = self.folder.iter().map(|part| part.to_string_lossy()).collect();
        let after = |words: [&str; 2]| {
            let at = parts.windows(2).position(|two| two[0] == words[0] && two[1] == words[1])?;
            Some(&parts[at + 2..])
        };
        if let Some([registry, ..]) = after(["registry", "src"]) {
            let is_official = registry.starts_with("index.crates.io-");
            return is_official.then(|| format!("\"{}\"", self.version));
        }
        let (_, revision) = after(["git", "checkouts"])?.split_first()?;
        let revision = revision.first().filter(|_| !self.repository.is_empty())?;
        Some(format!("{{ git = {}, rev = {} }}", quoted(self.repository), quoted(revision)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(folder: &str, repository: &str) -> Option<String> {
        BuildOrigin { folder: Path::new(folder), repository, version: "1.2.3" }.dependency()
    }

    #[test]
    fn a_dependency_is_one_that_everybody_can_have() {
        let registry =
            "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/cargo-db-1.2.3";
        assert_eq!(dependency(registry, "").as_deref(), Some("\"1.2.3\""));
        assert_eq!(dependency("/home/me/.cargo/registry/src/mine-1949cf/cargo-db-1.2.3", ""), None);
        let checkout = "/home/me/.cargo/git/checkouts/db-ab12/4d5e6f7/crates/cargo-db";
        assert_eq!(dependency(checkout, ""), None);
        assert_eq!(
            dependency(checkout, "https://example.org/db").as_deref(),
            Some("{ git = \"https://example.org/db\", rev = \"4d5e6f7\" }")
        );
        assert_eq!(dependency("/home/me/clone/crates/cargo-db", "https://example.org/db"), None);
    }
}
