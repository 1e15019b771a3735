//! The folder of the migrations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::check::CheckContexts;
use crate::failure::{Result, SettingsError};
use crate::model::migration::{Migration, MigrationFolder};
use crate::settings::{Migrations, Origin, Setting, Settings};
use crate::world::signal::SignalWatch;
use crate::world::{files, folders, git};
use db_tools::recognition::refused_tool_of;
use db_tools::{FormatProblem, FoundFile, ProjectTool};

/// Reads the migrations folder. It may be missing if it was not configured explicitly.
pub(crate) fn read_folder(settings: &Settings) -> Result<MigrationFolder> {
    let Migrations { layout, dir, .. } = &settings.migrations;
    named_folder_exists(dir)?;
    Ok(claimed(settings, migrations(layout, &dir.value, &settings.root)?))
}

/// The migrations folder as it is in git, with the files that are below it there. Their names are
/// relative to the root.
pub(crate) fn folder_in_git(settings: &Settings, files: &git::Files) -> MigrationFolder {
    let Migrations { layout, dir, .. } = &settings.migrations;
    let shown = dir.value.strip_prefix(&settings.root).unwrap_or(&dir.value);
    let mut listing = FolderNames::default();
    for path in files.keys().filter_map(|path| path.strip_prefix(shown).ok()) {
        if files::is_kept(path, layout.depth()) {
            listing.files.push(path.to_owned());
        }
        let mut parts = path.iter();
        if let (Some(folder), Some(name)) = (parts.next(), parts.next()) {
            let inside = Path::new(folder).join(name);
            if files::is_kept(&inside, 2) {
                let names: &mut Vec<String> = listing.folders.entry(folder.into()).or_default();
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    let read = |path: &Path| Ok(files.get(&shown.join(path)).cloned().unwrap_or_default().bytes);
    // Nothing that is in memory fails to be read.
    let folder = of_listing(layout, shown, listing, &read).unwrap_or_default();
    claimed(settings, folder)
}

/// The migrations of a folder, unless no tool claims its files.
fn claimed(settings: &Settings, mut folder: MigrationFolder) -> MigrationFolder {
    if settings.migrations.is_unclaimed {
        drop_unclaimed(&mut folder);
    }
    folder
}

/// What the files before these migrations say about the database that they will run on.
pub(crate) fn check_contexts<'a>(
    settings: &Settings,
    server: Option<u32>,
    migrations: impl Iterator<Item = &'a Migration>,
) -> Result<CheckContexts> {
    let wanted = migrations.map(|migration| migration.up.path.as_path()).collect();
    let read = |path: &Path| files::read(&settings.root.join(path)).ok();
    Ok(CheckContexts::new(server, &read_folder(settings)?, &wanted, &read))
}

/// All migrations of a folder, with paths as they are shown: relative to `shown`. An absent folder
/// holds none.
pub(crate) fn migrations(
    layout: &ProjectTool,
    folder: &Path,
    shown: &Path,
) -> Result<MigrationFolder> {
    let vigil = SignalWatch::begin();
    let read = |path: &Path| {
        vigil.check()?;
        files::read(&folder.join(path))
    };
    let files = files::kept_files(folder, layout.depth())?;
    let listing =
        FolderNames { files, folders: folders::kept_folders(folder)?.into_iter().collect() };
    of_listing(layout, folder.strip_prefix(shown).unwrap_or(folder), listing, &read)
}

/// The names in a folder.
#[derive(Default)]
struct FolderNames {
    files: Vec<PathBuf>,
    /// The subfolders, each with the names that it contains.
    folders: BTreeMap<PathBuf, Vec<String>>,
}

fn of_listing(
    layout: &ProjectTool,
    shown: &Path,
    FolderNames { files, folders }: FolderNames,
    read: &dyn Fn(&Path) -> Result<Vec<u8>>,
) -> Result<MigrationFolder> {
    let (mut found, mut strange) = (Vec::new(), MigrationFolder::default());
    for path in files {
        // A file name that is not UTF-8 cannot be parsed by any tool.
        let lossy = PathBuf::from(path.to_string_lossy().into_owned());
        if path.to_str().is_none() {
            if layout.reads(&lossy) {
                strange.misnamed.push((shown.join(&path), "its name is not UTF-8"));
            }
        } else if layout.reads(&path) {
            found.push(FoundFile { bytes: read(&path)?, path: shown.join(&path) });
        } else if layout.would_read(&path) {
            let why = "its tool reads file names in lower case only";
            strange.ignored.push((shown.join(&path), why));
        } else if is_almost_sql(&path) && layout.reads(&path.with_extension("sql")) {
            strange.ignored.push((
                shown.join(&path),
                "it is left out, because its ending is almost `.sql`: rename it",
            ));
        } else if let Some(tool) = refused_tool_of(&path) {
            let why = format!("it is a migration of {}, which cargo db does not run", tool.title);
            strange.faulty.push((shown.join(&path), FormatProblem { line: 1, why }));
        }
    }
    let mut folder = layout.read(found);
    folder.misnamed.extend(strange.misnamed);
    folder.faulty.extend(strange.faulty);
    folder.ignored.extend(strange.ignored);
    // Folders of single migrations that lack a file that their tool requires.
    folder.misnamed.extend(folders.iter().filter_map(|(name, names)| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        layout.lacks(&names).map(|why| (shown.join(name), why))
    }));
    Ok(folder)
}

/// Whether the ending of a file is `.sql` with one letter missing, added, replaced or misplaced.
fn is_almost_sql(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    // Editors add other characters: `.sql~` is a copy.
    let is_word = ending.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word && strsim::damerau_levenshtein(&ending.to_ascii_lowercase(), "sql") == 1
}

/// Leaves out files that no tool claims, and reports them.
fn drop_unclaimed(folder: &mut MigrationFolder) {
    folder.unversioned.clear();
    let doubtful = std::mem::take(&mut folder.doubtful);
    folder.faulty.extend(doubtful.into_iter().map(|(_, path, problem)| (path, problem)));
    for migration in std::mem::take(&mut folder.migrations) {
        let path = migration.up.path;
        if folder.faulty.iter().all(|(faulty, _)| *faulty != path) {
            let why = "it does not match any tool that keeps its files here";
            folder.misnamed.push((path, why));
        }
    }
}

/// A folder that was configured explicitly has to exist: its name may be misspelled.
pub(crate) fn named_folder_exists(dir: &Setting<PathBuf>) -> Result<()> {
    if dir.origin == Origin::Default || files::exists(&dir.value) {
        return Ok(());
    }
    let why = "no such folder".to_owned();
    let (source_name, value) = (dir.origin.to_string(), dir.value.display().to_string());
    Err(SettingsError::Value { source_name, value, why }.into())
}

/// Warnings about expectations for migrations that do not exist. If the tool is asked for its
/// migrations, the folder may lack some, so there are no warnings.
pub(crate) fn unmatched_expectations(settings: &Settings, folder: &MigrationFolder) -> Vec<String> {
    if settings.migrations.layout.is_asked() {
        return Vec::new();
    }
    let versions = folder.migrations.iter().map(|migration| migration.version.to_string());
    settings.expected.without_migration(&versions.collect::<Vec<_>>())
}
