//! The project of a command: the repository in which it was started, and nothing above it.

use std::path::{Path, PathBuf};

use db_tools::ProjectTool;

use crate::failure::Result;
use crate::model::path::without_dots;
use crate::settings::file::{self, DbToml};
use crate::settings::source::Sources;

/// The folder of the settings. In a repository: the nearest one with a `db.toml`, else the
/// repository's own. Without git: the folder of the nearest `db.toml`, but not above the cargo
/// project; else the cargo project's, else where the command was started.
pub(super) fn find(sources: &Sources<'_>) -> Result<PathBuf> {
    let project = match repository(sources, &sources.cwd) {
        Some(repository) => Some(repository),
        None => cargo_project(sources)?,
    };
    let within = |folder: &&Path| project.as_ref().is_none_or(|root| folder.starts_with(root));
    let mut folders = sources.cwd.ancestors().take_while(within);
    if let Some(nearest) = folders.find(|folder| (sources.exists)(&folder.join("db.toml"))) {
        return Ok(nearest.to_owned());
    }
    let Some(project) = project else { return Ok(sources.cwd.clone()) };
    Ok(superproject(sources, &project)?.unwrap_or(project))
}

/// The nearest folder at or above one with a `.git`: a folder, or the file of a worktree or a
/// submodule.
pub(super) fn repository(sources: &Sources<'_>, folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|folder| (sources.exists)(&folder.join(".git"))).map(Path::to_owned)
}

/// The nearest folder at or above `folder` that contains a file typical of a project.
pub(super) fn project(sources: &Sources<'_>, folder: &Path) -> Option<PathBuf> {
    const MARKS: [&str; 8] = [
        "db.toml",
        ".git",
        "pyproject.toml",
        "requirements.txt",
        "package.json",
        "composer.json",
        "Gemfile",
        "Makefile",
    ];
    let languages = ProjectTool::all().flat_map(|tool| tool.profile().language.iter().copied());
    let marks: Vec<&str> = MARKS.into_iter().chain(languages).collect();
    let is_one = |folder: &&Path| marks.iter().any(|mark| (sources.exists)(&folder.join(mark)));
    folder.ancestors().find(is_one).map(Path::to_owned)
}

/// The folder of the cargo workspace, else of the nearest package.
fn cargo_project(sources: &Sources<'_>) -> Result<Option<PathBuf>> {
    let mut nearest = None;
    for folder in sources.cwd.ancestors() {
        let Some(text) = sources.text(&folder.join("Cargo.toml"))? else { continue };
        let manifest: toml::Table = toml::from_str(&text).unwrap_or_default();
        if manifest.contains_key("workspace") {
            return Ok(Some(folder.to_owned()));
        }
        nearest = nearest.or_else(|| Some(folder.to_owned()));
    }
    Ok(nearest)
}

/// The repository that a submodule belongs to, where the `db.toml` there names something in it.
fn superproject(sources: &Sources<'_>, module: &Path) -> Result<Option<PathBuf>> {
    let git = module.join(".git");
    // In a separate repository, `.git` is a folder and not a file.
    let text = (sources.read)(&git).ok().flatten().unwrap_or_default();
    let folder = text.strip_prefix("gitdir:").map(str::trim).unwrap_or_default();
    if !Path::new(folder).iter().any(|part| part == "modules") {
        return Ok(None);
    }
    let Some(above) = module.parent().and_then(|above| repository(sources, above)) else {
        return Ok(None);
    };
    let toml = file::read(sources, &above)?;
    let names_it = dirs(&toml).any(|dir| without_dots(&above.join(dir)).starts_with(module));
    Ok(names_it.then_some(above))
}

/// The folders that a `db.toml` names.
fn dirs(toml: &DbToml) -> impl Iterator<Item = &PathBuf> {
    let sets = toml.migrations.sets.values().filter_map(|set| set.dir.as_ref());
    sets.chain(&toml.migrations.dir).chain(&toml.seeds.dir)
}
