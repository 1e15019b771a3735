//! Folders of migrations wherever they are in a repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::settings::{Caller, Flags, Settings, Sources, survey};
use crate::world::files;
use db_tools::ProjectTool;

/// How deep a monorepo keeps its projects.
pub(crate) const DEPTH: usize = 5;

/// The folders, among those below the root, that hold migrations, with the tools that they look
/// like. Nothing but files counts.
pub(crate) fn in_folders(root: &Path, folders: &[PathBuf]) -> Vec<(Vec<ProjectTool>, PathBuf)> {
    let sources = Sources {
        flags: Flags::default(),
        process: BTreeMap::new(),
        cwd: root.to_owned(),
        read: &files::read_if_there,
        exists: &|path| files::is_there(path),
        list: &files::listed_files,
        owner: &|_| None,
        caller: Caller::default(),
    };
    survey(&sources, root, folders)
}

/// What to do where the folder of the migrations holds none: they are elsewhere, or are still to be
/// written. Nothing where somebody named the folder.
pub(crate) fn none_here(settings: &Settings) -> Option<String> {
    let (root, dir) = (&settings.root, &settings.migrations.dir);
    if !dir.is_default() {
        return None;
    }
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let found = in_folders(root, &files::folders(root, DEPTH));
    // Files that no tool claims are in the folder all the same.
    if found.iter().any(|(_, folder)| *folder == dir.value) {
        return None;
    }
    let found = found.into_iter().map(|(tools, folder)| {
        let tools: Vec<&str> = tools.iter().map(ProjectTool::key).collect();
        format!("`{}` ({})", shown(&folder), tools.join(" or "))
    });
    let (found, dir) = (found.collect::<Vec<_>>().join(", "), shown(&dir.value));
    Some(match found.as_str() {
        "" => format!("no migrations in `{dir}` yet: begin with `cargo db create add users`"),
        found => format!(
            "no migrations in `{dir}`, but in {found}: `cargo db init` writes that into db.toml"
        ),
    })
}
