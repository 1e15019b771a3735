//! Applied migrations as they were applied, where the folder lacks them or has them otherwise: git
//! has them on the branch that was checked out before, or in a commit that no branch has any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Result, SwitchError};
use crate::migration::branches::{Committed, committed, has_version, place_of};
use crate::migration::unmerged::files_at;
use crate::model::history::{Applied, History};
use crate::model::migration::{Migration, MigrationFolder, title};
use crate::plan::{self, MigrationFacts, is_record_of};
use crate::settings::Settings;
use crate::world::files;
use crate::world::git::Files;
use db_tools::FoundFile;

/// Where the copies are, relative to the root.
const COPIES: &str = ".db/git";

/// An applied migration as git has it. Its files are copies.
pub(crate) struct Departed {
    pub(crate) migration: Migration,
    /// Where git has it, in words.
    pub(crate) place: String,
}

/// The copies of files from git, which are removed when this is dropped.
pub(crate) struct Copies(PathBuf);

impl Drop for Copies {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the next copies are made.
        let _ = files::remove_dir(&self.0);
    }
}

/// Finds the applied migrations that the folder lacks or has otherwise in git, and copies their
/// files. All of them have to be there. The facts get the history as the other branch completes it.
pub(crate) fn copy_departed(
    settings: &Settings,
    facts: &mut MigrationFacts,
) -> Result<(Vec<Departed>, Copies)> {
    let copies = Copies(settings.root.join(COPIES));
    files::remove_dir(&copies.0)?;
    let mut folders = CommittedFolders::of(settings);
    if let Some(last) = plan::departed(facts).last() {
        folders.complete(last, &mut facts.history);
    }
    let (mut departed, mut lost) = (Vec::new(), Vec::new());
    for row in &plan::departed(facts) {
        match folders.find(row) {
            Some(found) => departed.push(found),
            None => lost.push(title(&row.version, &row.name)),
        }
    }
    if !lost.is_empty() {
        return Err(SwitchError::NotInGit { migrations: lost }.into());
    }
    for path in departed.iter().flat_map(|one| files_of(&one.migration)) {
        let copy = settings.root.join(path);
        if !files::exists(&copy) {
            files::create_own_dir(&settings.root.join(".db"))?;
            files::write_new(&copy, folders.bytes(path))?;
        }
    }
    Ok((departed, copies))
}

fn files_of(migration: &Migration) -> impl Iterator<Item = &Path> {
    let down = migration.down.as_ref();
    [Some(&migration.up), down].into_iter().flatten().map(|file| file.path.as_path())
}

/// The migrations folder in the commits that ever changed it.
struct CommittedFolders<'a> {
    settings: &'a Settings,
    /// Newest first.
    changed: Vec<Committed>,
    /// The folder in the commits that were read.
    read: BTreeMap<String, MigrationFolder>,
    /// The content of their files, by the paths of the copies.
    content: BTreeMap<PathBuf, Vec<u8>>,
}

impl<'a> CommittedFolders<'a> {
    fn of(settings: &'a Settings) -> CommittedFolders<'a> {
        let changed = committed(&settings.root, &settings.migrations.dir.value);
        let changed = changed.unwrap_or_default();
        CommittedFolders { settings, changed, read: BTreeMap::new(), content: BTreeMap::new() }
    }

    /// The migration of the newest commit that has it as it was applied.
    fn find(&mut self, row: &Applied) -> Option<Departed> {
        let (migration, Committed { commit, path }) = self.locate(row)?;
        Some(Departed { migration, place: place_of(&self.settings.root, &commit, &path) })
    }

    /// A history that records only the last version is completed with the folder of its branch.
    fn complete(&mut self, last: &Applied, history: &mut History) {
        let Some((_, place)) = self.locate(last) else { return };
        let layout = &self.settings.migrations.layout;
        let completed = layout.completed(history.clone(), self.folder_at(&place.commit));
        if completed.applied.len() > history.applied.len() {
            *history = completed;
        }
    }

    fn locate(&mut self, row: &Applied) -> Option<(Migration, Committed)> {
        let version = row.version.to_string();
        let is_of = |path: &str| path.split('/').any(|part| has_version(part, &version));
        let of_row = |one: &&Committed| is_of(&one.path);
        let candidates: Vec<Committed> = self.changed.iter().filter(of_row).cloned().collect();
        candidates.into_iter().find_map(|place| {
            let all = &self.folder_at(&place.commit).migrations;
            let migration = all.iter().find(|one| is_record_of(row, one))?.clone();
            Some((migration, place))
        })
    }

    fn folder_at(&mut self, commit: &str) -> &MigrationFolder {
        if !self.read.contains_key(commit) {
            let files: Files = files_at(self.settings, commit, &|_, _| None);
            let below = Path::new(COPIES).join(&commit[..commit.len().min(10)]);
            let copied = |(path, blob): (PathBuf, _)| (below.join(path), blob);
            let files: Files = files.into_iter().map(copied).collect();
            let found = files
                .iter()
                .map(|(path, blob)| FoundFile { path: path.clone(), bytes: blob.bytes.clone() });
            let folder = self.settings.migrations.layout.read(found.collect());
            self.read.insert(commit.to_owned(), folder);
            self.content.extend(files.into_iter().map(|(path, blob)| (path, blob.bytes)));
        }
        &self.read[commit]
    }

    fn bytes(&self, copy: &Path) -> &[u8] {
        self.content.get(copy).map(Vec::as_slice).unwrap_or_default()
    }
}
