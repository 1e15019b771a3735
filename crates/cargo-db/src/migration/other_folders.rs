//! Finds folders of migrations anywhere in a repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::migration::vendored::folders_of_project;
use crate::settings::{Caller, Flags, Settings, Sources, configured, others_of, survey};
use crate::world::files;
use db_tools::ProjectTool;

/// How many levels below the root are searched: a monorepo may nest its projects this deep.
pub(crate) const DEPTH: usize = 5;

/// The root and the given folders below it that contain migrations, with the tools whose naming
/// they match. Flags and environment variables are ignored.
pub(crate) fn in_folders(root: &Path, folders: &[PathBuf]) -> Vec<(Vec<ProjectTool>, PathBuf)> {
    survey(&files_only(root), root, folders)
}

/// The only tool that a project without migrations is configured for, and its folder; `None` if
/// that is cargo db's default tool, plain SQL files.
pub(crate) fn configured_tool(root: &Path) -> Option<(Vec<ProjectTool>, PathBuf)> {
    let tools = configured(&files_only(root), root);
    let [tool] = tools.as_slice() else { return None };
    let folder = tool.folders().first().filter(|_| !tool.is_plain())?;
    Some((vec![tool.clone()], root.join(folder)))
}

/// The other tools that the files of a folder fit, if its tool is only a guess.
pub(crate) fn guessed_instead_of(root: &Path, dir: &Path) -> Vec<&'static str> {
    others_of(&files_only(root), root, dir)
}

fn files_only(root: &Path) -> Sources<'static> {
    Sources {
        flags: Flags::default(),
        process: BTreeMap::new(),
        cwd: root.to_owned(),
        read: &files::read_if_there,
        exists: &|path| files::exists(path),
        list: &files::listed_files,
        owner: &|_| None,
        caller: Caller::default(),
    }
}

/// A hint for a folder without migrations: where else there are migrations, or how to create the
/// first one. `None` if the folder was configured explicitly.
pub(crate) fn no_migrations_hint(settings: &Settings) -> Option<String> {
    let dir = shown(settings, &settings.migrations.dir.value);
    Some(match elsewhere(settings)?.as_str() {
        "" => format!("no migrations in `{dir}` yet: begin with `cargo db create add users`"),
        found => but_elsewhere(&dir, found),
    })
}

/// The same hint, but only if other folders contain migrations.
pub(crate) fn elsewhere_hint(settings: &Settings) -> Option<String> {
    let found = elsewhere(settings).filter(|found| !found.is_empty())?;
    Some(but_elsewhere(&shown(settings, &settings.migrations.dir.value), &found))
}

fn but_elsewhere(dir: &str, found: &str) -> String {
    format!("no migrations in `{dir}`, but in {found}: `cargo db init` adds them to db.toml")
}

/// The other folders that contain migrations, as text; `None` if the folder was configured
/// explicitly.
fn elsewhere(settings: &Settings) -> Option<String> {
    let (root, dir) = (&settings.root, &settings.migrations.dir);
    if !dir.is_default() {
        return None;
    }
    let (folders, _) = folders_of_project(root, DEPTH);
    let found = in_folders(root, &folders);
    // The folder does hold migrations, although the configured tool reads none of them.
    if found.iter().any(|(_, folder)| *folder == dir.value) {
        return None;
    }
    let found = found.into_iter().map(|(tools, folder)| {
        let tools: Vec<&str> = tools.iter().map(ProjectTool::key).collect();
        format!("`{}` ({})", shown(settings, &folder), tools.join(" or "))
    });
    Some(found.collect::<Vec<_>>().join(", "))
}

fn shown(settings: &Settings, path: &Path) -> String {
    path.strip_prefix(&settings.root).unwrap_or(path).display().to_string()
}
