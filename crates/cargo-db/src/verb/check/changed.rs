//! The sets of migrations in which git has a change, found without reading their files.

use std::path::{Path, PathBuf};

use crate::settings::Settings;
use crate::verb::check::repository::Selection;
use crate::world::revisions::submodule_of;

/// What differs in git.
pub(super) struct ChangedInGit<'a> {
    root: &'a Path,
    /// The files, by their names relative to the root; `None` if that is not known.
    files: Option<Vec<PathBuf>>,
}

impl<'a> ChangedInGit<'a> {
    /// What differs in any of the selections.
    pub(super) fn of(root: &'a Path, selections: &[Selection]) -> ChangedInGit<'a> {
        let all: Option<Vec<Vec<PathBuf>>> =
            selections.iter().map(|selection| selection.changed(root)).collect();
        ChangedInGit { root, files: all.map(|all| all.concat()) }
    }

    /// Whether the migrations folder of a set may have changed. Of a submodule, git lists only the
    /// commit, and what is staged in it not at all.
    pub(super) fn touches(&self, settings: &Settings) -> bool {
        let dir = &settings.migrations.dir.value;
        let (Some(files), Ok(below)) = (&self.files, dir.strip_prefix(self.root)) else {
            return true;
        };
        let is_submodule = !submodule_of(self.root, dir).as_os_str().is_empty();
        is_submodule || files.iter().any(|file| file.starts_with(below) || below.starts_with(file))
    }
}
