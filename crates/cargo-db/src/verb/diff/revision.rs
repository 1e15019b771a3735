//! The migrations of a git revision.

use std::path::{Component, Path, PathBuf};

use crate::failure::{GenerateError, Result};
use crate::model::path::without_dots;
use crate::world::{files, git};

/// The migrations folder of a project, and a revision of it.
pub(super) struct RevisionFolder<'a> {
    pub(super) root: &'a Path,
    pub(super) dir: &'a Path,
    pub(super) revision: &'a str,
}

impl RevisionFolder<'_> {
    /// Writes the files that the folder has in the revision below another folder.
    pub(super) fn write(&self, into: &Path) -> Result<()> {
        let commit = self.commit()?;
        let folder = self.in_repository()?;
        for path in self.listed(&commit, &folder)? {
            let below = Path::new(&path).strip_prefix(&folder).unwrap_or(Path::new(&path));
            if below.components().any(|part| !matches!(part, Component::Normal(_))) {
                return Err(self.refused(&format!("it contains the path `{path}`")));
            }
            let blob = format!("{commit}:{path}");
            let bytes = git::git_bytes(self.root, &["cat-file", "blob", &blob]);
            let unread = || self.refused(&format!("git cannot read `{path}` of it"));
            files::write_new(&into.join(below), bytes.ok_or_else(unread)?)?;
        }
        Ok(())
    }

    /// The full name of its commit.
    fn commit(&self) -> Result<String> {
        let unknown = || self.refused("git knows no such revision");
        git::commit_of(self.root, self.revision).ok_or_else(unknown)
    }

    /// The path of the folder in the repository, which may begin above the project.
    fn in_repository(&self) -> Result<PathBuf> {
        let top = git::git(self.root, &["rev-parse", "--show-toplevel"]);
        let top = top.ok_or_else(|| self.refused("git does not say where its folder begins"))?;
        let top = PathBuf::from(top.trim_end_matches('\n'));
        let folder = match self.dir.strip_prefix(self.root) {
            Ok(inner) => files::real_path(self.root)?.join(inner),
            Err(_) => files::real_path(self.dir)?,
        };
        let inner = without_dots(&folder).strip_prefix(&top).map(Path::to_owned);
        inner.map_err(|_| self.refused("the migrations folder is outside of the git repository"))
    }

    /// The files below the folder.
    fn listed(&self, commit: &str, folder: &Path) -> Result<Vec<String>> {
        let list = format!("{}/", folder.display());
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit];
        if folder != Path::new("") {
            arguments.extend(["--", &list]);
        }
        let listed = git::git(self.root, &arguments);
        let listed = listed.ok_or_else(|| self.refused("git cannot list its files"))?;
        Ok(listed.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
    }

    fn refused(&self, why: &str) -> crate::failure::Failure {
        let typed = format!("{}:migrations", self.revision);
        GenerateError::NotASource { typed, why: why.to_owned() }.into()
    }
}
