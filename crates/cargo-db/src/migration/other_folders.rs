//! Finds folders of migrations anywhere in a repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::migration::vendored::folders_of_project;
use crate::settings::{Caller, Flags, Settings, Sources, best, configured, others_of, survey};
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

/// Whether the root is a project: it has a file that is typical of one, or a folder that cargo db
/// works with.
pub(crate) fn is_project(settings: &Settings) -> bool {
    let Settings { root, project, migrations, seeds, .. } = settings;
    let mut known = [&migrations.dir.value, &seeds.dir.value].into_iter();
    project.as_ref() == Some(root) || known.any(|dir| files::exists(dir))
}

/// The tools among which the next run could not choose if the folder, which has no migrations yet,
/// contained these files; empty if it could.
pub(crate) fn ambiguous_tools(settings: &Settings, new: &[PathBuf]) -> Vec<String> {
    let dir = &settings.migrations.dir.value;
    let list = |folder: &Path, depth| {
        let mut found = files::listed_files(folder, depth);
        found.extend(new.iter().filter(|_| folder == dir).cloned());
        found
    };
    let exists = |path: &Path| files::exists(path) || dir.starts_with(path);
    let sources = Sources {
        flags: Flags {
            set: settings.migrations.set.clone(),
            any_set: true,
            without_database: true,
            ..Flags::default()
        },
        list: &list,
        exists: &exists,
        ..files_only(&settings.root)
    };
    // Whatever else is wrong with the settings was reported already.
    let candidates =
        Settings::resolve(&sources).map(|then| then.migrations.candidates).unwrap_or_default();
    if best(&candidates).is_some() {
        return Vec::new();
    }
    candidates.iter().map(|one| one.layout.key().to_owned()).collect()
}

/// A hint for a folder without migrations: where else there are migrations, or how to create the
/// first one. `None` if the folder was configured explicitly.
pub(crate) fn no_migrations_hint(settings: &Settings) -> Option<String> {
    let dir = shown(settings, &settings.migrations.dir.value);
    let found = elsewhere(settings)?;
    if !found.is_empty() {
        return Some(but_elsewhere(settings, &found));
    }
    let pair = ["1_a.up.sql", "1_a.down.sql"].map(PathBuf::from);
    let is_clear = is_project(settings) && ambiguous_tools(settings, &pair).is_empty();
    let first = if is_clear { "create add users" } else { "init" };
    Some(format!("no migrations in `{dir}` yet: begin with `cargo db {first}`"))
}

/// The same hint, but only if other folders contain migrations.
pub(crate) fn elsewhere_hint(settings: &Settings) -> Option<String> {
    let found = elsewhere(settings).filter(|found| !found.is_empty())?;
    Some(but_elsewhere(settings, &found))
}

fn but_elsewhere(settings: &Settings, found: &[(String, PathBuf)]) -> String {
    let (dir, words) = (shown(settings, &settings.migrations.dir.value), in_words(found));
    // `init` does not change a db.toml that exists.
    let advice = match found.first() {
        Some((_, folder)) if files::exists(&settings.root.join("db.toml")) => {
            format!("name it in db.toml: `dir = \"{}\"` below `[migrations]`", folder.display())
        }
        _ => "`cargo db init` adds them to db.toml".to_owned(),
    };
    format!("no migrations in `{dir}`, but in {words}: {advice}")
}

/// Folders with their tools, as text.
pub(crate) fn in_words(found: &[(String, PathBuf)]) -> String {
    let found = found.iter().map(|(tools, folder)| format!("`{}` ({tools})", folder.display()));
    found.collect::<Vec<_>>().join(", ")
}

/// The other folders that contain migrations, relative to the root, with their tools; `None` if the
/// folder was configured explicitly.
pub(crate) fn elsewhere(settings: &Settings) -> Option<Vec<(String, PathBuf)>> {
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
        (tools.join(" or "), folder.strip_prefix(root).unwrap_or(&folder).to_owned())
    });
    Some(found.collect())
}

fn shown(settings: &Settings, path: &Path) -> String {
    path.strip_prefix(&settings.root).unwrap_or(path).display().to_string()
}
