//! The commits that are compared: those that are named, or those that `git push` sends.

use std::path::Path;
use std::str::FromStr;

use crate::failure::Result;
use crate::world::git::{commit_of, git};
use crate::world::revisions::{common_ancestor, known_commit, short};

/// Two revisions, as in `git diff A..B`, or `A...B` for what B changed since it left A.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    /// Where it begins; `None` if all that the last commit has is new.
    pub(super) from: Option<String>,
    pub(super) to: String,
    /// Whether only changes since the common ancestor count.
    pub(super) since_ancestor: bool,
    /// How messages name the beginning.
    pub(super) name: String,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(typed: &str) -> std::result::Result<Range, String> {
        let since_ancestor = typed.contains("...");
        let parts = typed.split_once(if since_ancestor { "..." } else { ".." });
        let (from, to) = parts.ok_or("write two revisions as `A..B` or `A...B`")?;
        let or_head = |name: &str| if name.is_empty() { "HEAD" } else { name }.to_owned();
        let name = or_head(from);
        Ok(Range { from: Some(name.clone()), to: or_head(to), since_ancestor, name })
    }
}

/// The commits of a range.
#[derive(Clone, Debug)]
pub(super) struct Commits {
    /// What was there before.
    pub(super) past: Option<String>,
    /// Where the changes begin.
    pub(super) since: Option<String>,
    pub(super) to: String,
}

impl Range {
    /// Finds its commits.
    pub(super) fn commits(&self, root: &Path) -> Result<Commits> {
        let found = |name: &str| known_commit(root, name);
        let to = found(&self.to)?;
        let past = self.from.as_deref().map(found).transpose()?;
        let since = match &past {
            Some(past) if self.since_ancestor => common_ancestor(root, past, &to),
            past => past.clone(),
        };
        Ok(Commits { past, since, to })
    }
}

/// The ranges that a push sends to a remote. `lines` are what git writes to its pre-push hook:
/// `<local ref> <local id> <remote ref> <remote id>`.
///
/// A push to the default branch is compared with that branch. What is pushed to another branch is
/// compared with the default branch too, as for a pull request: an earlier push of the same branch
/// may hold a migration that was not merged yet, and may therefore still be edited.
pub(super) fn pushed(root: &Path, remote: &str, lines: &str) -> Vec<Range> {
    let default = DefaultBranch::of(root, remote);
    let mut ranges: Vec<Range> = Vec::new();
    for line in lines.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, branch, there] = words[..] else { continue };
        if is_nothing(local) {
            continue;
        }
        let range = range_of(root, default.as_ref(), (local, branch, there));
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    ranges
}

/// Whether this is the id that stands for no commit: the branch does not exist.
fn is_nothing(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

fn range_of(
    root: &Path,
    default: Option<&DefaultBranch>,
    (local, branch, there): (&str, &str, &str),
) -> Range {
    let known = (!is_nothing(there)).then(|| commit_of(root, there)).flatten();
    let to = local.to_owned();
    let is_default = default.is_none_or(|default| default.is_at(branch));
    match (known, default) {
        (Some(known), _) if is_default => {
            let name = default.map_or_else(|| known[..10].to_owned(), DefaultBranch::name);
            Range { from: Some(known), to, since_ancestor: false, name }
        }
        (_, Some(default)) => {
            let (from, name) = (Some(default.tracking.clone()), default.name());
            Range { from, to, since_ancestor: true, name }
        }
        (_, None) => Range { from: None, to, since_ancestor: false, name: String::new() },
    }
}

/// The default branch of a remote, as the last fetch left it.
struct DefaultBranch {
    /// Such as `refs/remotes/origin/main`.
    tracking: String,
}

impl DefaultBranch {
    /// That of the remote, or of `origin` if the remote has no name.
    fn of(root: &Path, remote: &str) -> Option<DefaultBranch> {
        let of = |remote: &str| -> Option<DefaultBranch> {
            let folder = format!("refs/remotes/{remote}");
            let head = git(root, &["symbolic-ref", "--quiet", &format!("{folder}/HEAD")]);
            let customary = ["main", "master"].map(|name| format!("{folder}/{name}"));
            let mut all = head.iter().map(|head| head.trim().to_owned()).chain(customary);
            let tracking = all.find(|name| commit_of(root, name).is_some())?;
            Some(DefaultBranch { tracking })
        };
        of(remote).or_else(|| of("origin"))
    }

    /// Whether it is this branch of the remote.
    fn is_at(&self, branch: &str) -> bool {
        let own = self.tracking.splitn(4, '/').nth(3);
        own.is_some() && branch.strip_prefix("refs/heads/") == own
    }

    /// Such as `origin/main`.
    fn name(&self) -> String {
        short(&self.tracking)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_typed_as_in_git() {
        let read = |typed: &str| typed.parse::<Range>().unwrap();
        let range = |from: &str, to: &str, since_ancestor| Range {
            from: Some(from.to_owned()),
            to: to.to_owned(),
            since_ancestor,
            name: from.to_owned(),
        };
        assert_eq!(read("a..b"), range("a", "b", false));
        assert_eq!(read("origin/main...HEAD"), range("origin/main", "HEAD", true));
        assert_eq!(read("v1.2.."), range("v1.2", "HEAD", false));
        assert_eq!(read("..b"), range("HEAD", "b", false));
        assert!("main".parse::<Range>().is_err());
    }

    #[test]
    fn a_default_branch_may_have_slashes() {
        let default = DefaultBranch { tracking: "refs/remotes/origin/release/1".to_owned() };
        assert_eq!(default.name(), "origin/release/1");
        assert!(default.is_at("refs/heads/release/1"));
        assert!(!default.is_at("refs/heads/1"));
        assert!(!default.is_at("refs/tags/release/1"));
    }
}
