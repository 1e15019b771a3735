//! The revisions of git that others may have, and the submodules in them.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, SettingsError};
use crate::world::files;
use crate::world::git::{commit_of, git};

/// The candidates for the default branch of a repository, as git names them.
const SHARED: [&str; 5] = [
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/remotes/origin/HEAD",
    "refs/heads/main",
    "refs/heads/master",
];

/// The default branch of a repository, as git names it; `None` if it has none.
pub(crate) fn shared_branch(root: &Path) -> Option<&'static str> {
    let asked = [&["for-each-ref", "--format=%(refname)"], &SHARED[..]].concat();
    let there = git(root, &asked)?;
    SHARED.into_iter().find(|name| there.lines().any(|line| line == *name))
}

/// The name of a branch as it is usually typed.
pub(crate) fn short(reference: &str) -> String {
    let name = reference.strip_prefix("refs/remotes/");
    name.or_else(|| reference.strip_prefix("refs/heads/")).unwrap_or(reference).to_owned()
}

/// The commit that a revision names, or the failure to find it.
pub(crate) fn known_commit(root: &Path, name: &str) -> Result<String, Failure> {
    commit_of(root, name).ok_or_else(|| {
        let what = format!("git knows no commit `{name}` here: {}", likely_reason(root));
        SettingsError::Usage { what }.into()
    })
}

/// The commit in which one history left the other.
pub(crate) fn common_ancestor(root: &Path, one: &str, other: &str) -> Option<String> {
    git(root, &["merge-base", one, other]).map(|commit| commit.trim().to_owned())
}

/// The likely reason why git does not know a revision.
pub(crate) fn likely_reason(folder: &Path) -> &'static str {
    let is_shallow = git(folder, &["rev-parse", "--is-shallow-repository"]);
    match is_shallow.as_deref().map(str::trim_end) {
        Some("true") => {
            "this clone is shallow, so the revision may be missing: run `git fetch \
             --unshallow`, or in GitHub Actions set `fetch-depth: 0` for `actions/checkout`"
        }
        _ => "is it a repository, with that revision?",
    }
}

/// The submodule below the root that contains a folder, relative to the root; empty if none does.
pub(crate) fn submodule_of(root: &Path, folder: &Path) -> PathBuf {
    let mut above = folder.ancestors().take_while(|above| *above != root);
    let inner = above.find(|above| above.starts_with(root) && files::exists(&above.join(".git")));
    inner.and_then(|inner| inner.strip_prefix(root).ok()).map(Path::to_owned).unwrap_or_default()
}

/// A revision of the root for `git` in a submodule: the commit of it that the revision records.
pub(crate) fn revision_in(root: &Path, submodule: &Path, named: &str) -> Option<String> {
    if named.starts_with('-') {
        return None;
    }
    if submodule.as_os_str().is_empty() {
        return Some(named.to_owned());
    }
    let place = format!("{named}:./{}", submodule.display());
    git(root, &["rev-parse", "--verify", "--quiet", &place])
        .map(|commit| commit.trim_end().to_owned())
}
