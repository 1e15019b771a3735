//! The source of cargo db in the repository of a project.

use std::path::{Path, PathBuf};

use crate::world::files;

/// The crate itself, if the repository contains it: as a submodule, or vendored.
pub(crate) struct Vendored {
    /// Its folder, relative to the root.
    pub(crate) folder: PathBuf,
    /// The workspace below the root that it belongs to, if it brings its own.
    pub(crate) workspace: Option<PathBuf>,
}

impl Vendored {
    /// The top folder of the files that came with the crate and are not part of the project.
    fn top(&self) -> &Path {
        self.workspace.as_ref().unwrap_or(&self.folder)
    }
}

/// Looks for the crate in a repository, whose folders are given relative to its root.
fn of_folders(root: &Path, folders: &[PathBuf], depth: usize) -> Option<Vendored> {
    let vendored = files::folders(&root.join("vendor"), depth);
    let vendored = vendored.into_iter().map(|folder| Path::new("vendor").join(folder));
    let mut folders = folders.iter().cloned().chain(vendored);
    let folder =
        folders.find(|folder| name_of(&root.join(folder)).as_deref() == Some("cargo-db"))?;
    let mut above = folder.ancestors().filter(|above| !above.as_os_str().is_empty());
    let workspace = above.find(|above| is_workspace(&root.join(above))).map(Path::to_owned);
    Some(Vendored { folder, workspace })
}

/// The folders of a repository that are part of the project, relative to its root, and the source
/// of cargo db if it is in the repository: that contains migrations too, of its demo.
pub(crate) fn folders_of_project(root: &Path, depth: usize) -> (Vec<PathBuf>, Option<Vendored>) {
    let mut folders = files::folders(root, depth);
    let vendored = of_folders(root, &folders, depth);
    folders.retain(|folder| vendored.as_ref().is_none_or(|ours| !folder.starts_with(ours.top())));
    (folders, vendored)
}

/// Whether a folder is the root of a cargo workspace.
pub(crate) fn is_workspace(folder: &Path) -> bool {
    manifest_of(folder).contains_key("workspace")
}

/// The name of the package in a folder.
pub(crate) fn name_of(folder: &Path) -> Option<String> {
    manifest_of(folder).get("package")?.get("name")?.as_str().map(str::to_owned)
}

/// The manifest in a folder; empty if there is none that cargo can read.
pub(crate) fn manifest_of(folder: &Path) -> toml::Table {
    let text = files::read_if_there(&folder.join("Cargo.toml")).ok().flatten();
    toml::from_str(&text.unwrap_or_default()).unwrap_or_default()
}
