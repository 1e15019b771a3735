//! What runs the hooks of a repository.

use std::path::{Path, PathBuf};

use crate::world::{files, folders};

/// What runs the hooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HookManager {
    Git,
    /// Its hooks are committed files.
    Husky,
    /// Its hooks are in a configuration file.
    Lefthook(PathBuf),
}

/// What runs the hooks that git finds in a folder, and the folder to write them to. `top` is the
/// top of the working tree.
pub(crate) fn hook_manager(top: &Path, of_git: &Path) -> (HookManager, PathBuf) {
    if let Some(file) = lefthook_file(top) {
        return (HookManager::Lefthook(file), of_git.to_owned());
    }
    // Husky 9 has git run the scripts in `.husky/_`, which run those in `.husky`.
    let husky = top.join(".husky");
    let is_set = of_git == husky || of_git == husky.join("_");
    let is_custom = !of_git.ends_with("hooks") || of_git.starts_with(top.join(".husky"));
    if is_set || folders::is_folder(&husky) && !is_custom {
        return (HookManager::Husky, husky);
    }
    (HookManager::Git, of_git.to_owned())
}

/// The configuration file of lefthook.
fn lefthook_file(top: &Path) -> Option<PathBuf> {
    let names = ["lefthook", ".lefthook", ".config/lefthook"];
    let endings = ["yml", "yaml", "toml", "json", "jsonc"];
    let mut all = names
        .into_iter()
        .flat_map(|name| endings.map(|ending| top.join(format!("{name}.{ending}"))));
    all.find(|path| files::exists(path))
}
