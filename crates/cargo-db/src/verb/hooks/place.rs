//! Where git runs the hooks of a repository.

use std::path::{Path, PathBuf};

use crate::failure::{HooksError, Result};
use crate::model::path::without_dots;
use crate::settings::Settings;
use crate::verb::hooks::script::HookCaller;
use crate::world::git::git;
use crate::world::hook_manager::{HookManager, hook_manager};
use crate::world::{files, process};

/// The hooks of a repository.
#[derive(Debug)]
pub(super) struct HookFolder {
    /// The top of the working tree.
    pub(super) top: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) manager: HookManager,
    pub(super) caller: HookCaller,
    /// Whether git does not know of the folder: husky is not set up in this clone.
    pub(super) is_unused: bool,
}

impl HookFolder {
    pub(super) fn of(settings: &Settings) -> Result<HookFolder> {
        let root = files::real_path(&settings.root)?;
        let top = line(&root, &["rev-parse", "--show-toplevel"]).map(PathBuf::from);
        let top = top.ok_or_else(|| HooksError::NoRepository { folder: root.clone() })?;
        let project = root.strip_prefix(&top).unwrap_or(Path::new("")).display().to_string();
        let named = line(&top, &["rev-parse", "--git-path", "hooks"]).unwrap_or_default();
        let of_git = without_dots(&top.join(named));
        let (manager, folder) = hook_manager(&top, &of_git);
        let is_unused = manager == HookManager::Husky && !of_git.starts_with(&folder);
        let common = line(&top, &["rev-parse", "--git-common-dir"]).unwrap_or_default();
        let common = without_dots(&top.join(common));
        let is_ours = folder.starts_with(&common);
        if !is_ours && !folder.starts_with(&top) {
            return Err(HooksError::Outside { folder }.into());
        }
        // Files in the working tree are for everybody, and name nothing of this machine.
        let built = built(&top).filter(|path| is_ours || !path.starts_with('/'));
        Ok(HookFolder { top, folder, manager, caller: HookCaller { project, built }, is_unused })
    }

    /// A path as it is shown.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.top).unwrap_or(path).display().to_string()
    }
}

/// The only line that git prints.
fn line(folder: &Path, arguments: &[&str]) -> Option<String> {
    let line = git(folder, arguments)?;
    Some(line.strip_suffix('\n').unwrap_or(&line).to_owned()).filter(|line| !line.is_empty())
}

/// The program to call if no `cargo-db` is installed: this one, unless it is found by its name.
pub(super) fn built(top: &Path) -> Option<String> {
    let own = process::own_path_unless_found("cargo-db")?;
    Some(own.strip_prefix(top).unwrap_or(&own).to_str()?.to_owned())
}
