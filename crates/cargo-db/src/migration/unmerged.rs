//! The migrations of a branch that are not merged, by git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::failure::{RebaseError, Result};
use crate::migration::folder::named_folder_exists;
use crate::plan::BranchFacts;
use crate::settings::{Migrations, Runner, Settings};
use crate::world::files;
use crate::world::git::{Files, KnownContent, committed_files};
use crate::world::revisions::{
    common_ancestor, known_commit, revision_in, shared_branch, short, submodule_of,
};
use db_tools::FoundFile;

/// The files of the migrations folder, divided into those that are in the revision or were there
/// when the branch left it, and those that only the branch has. Without a revision, the default
/// branch counts.
pub(crate) fn branch_facts(settings: &Settings, onto: Option<&str>) -> Result<BranchFacts> {
    let root = settings.root.as_path();
    let (name, commit) = match (onto, shared_branch(root)) {
        (Some(onto), _) => (onto.to_owned(), known_commit(root, onto)?),
        (None, Some(branch)) => (short(branch), known_commit(root, branch)?),
        (None, None) => return Err(RebaseError::NoBranch.into()),
    };
    let none: KnownContent<'_> = &|_, _| None;
    let merged = files_at(settings, &commit, none);
    // Of what was there when the branch left the revision, only the names matter.
    let empty: KnownContent<'_> = &|_, _| Some(Vec::new());
    let before = common_ancestor(root, &commit, "HEAD")
        .map(|commit| files_at(settings, &commit, empty))
        .unwrap_or_default();
    let (removed, unmerged): (Vec<FoundFile>, Vec<FoundFile>) = working_files(settings)?
        .into_iter()
        .filter(|file| !merged.contains_key(&file.path))
        .partition(|file| before.contains_key(&file.path));
    let merged = merged.into_iter().map(|(path, blob)| FoundFile { path, bytes: blob.bytes });
    let folders: BTreeSet<&Path> = unmerged.iter().filter_map(|file| file.path.parent()).collect();
    let names_in = |folder: &Path| {
        let mut names = files::names(&root.join(folder));
        names.sort();
        (folder.to_owned(), names)
    };
    let names: BTreeMap<PathBuf, Vec<String>> = folders.into_iter().map(names_in).collect();
    Ok(BranchFacts {
        onto: name,
        merged: merged.chain(removed).collect(),
        unmerged,
        names,
        expected: settings.expected.clone(),
        may_move_records: settings.migrations.runner == Runner::Builtin,
    })
}

/// The files of the migrations folder in a commit that the tool reads, by their paths relative to
/// the root.
pub(super) fn files_at(settings: &Settings, commit: &str, known: KnownContent<'_>) -> Files {
    let (root, Migrations { layout, dir, .. }) = (&settings.root, &settings.migrations);
    let below = dir.value.strip_prefix(root).unwrap_or(&dir.value);
    let submodule = submodule_of(root, &dir.value);
    let inner = below.strip_prefix(&submodule).unwrap_or(below).display().to_string();
    let inner = if inner.is_empty() { "." } else { &inner };
    let found = revision_in(root, &submodule, commit)
        .and_then(|commit| committed_files(&root.join(&submodule), (&commit, inner), known));
    let found = found.unwrap_or_default().into_iter();
    found
        .map(|(path, blob)| (submodule.join(path), blob))
        .filter(|(path, _)| {
            let path = path.strip_prefix(below).unwrap_or(path);
            layout.reads(path) && files::is_kept(path, layout.depth())
        })
        .collect()
}

/// The files of the migrations folder that the tool reads.
fn working_files(settings: &Settings) -> Result<Vec<FoundFile>> {
    let (root, Migrations { layout, dir, .. }) = (&settings.root, &settings.migrations);
    named_folder_exists(dir)?;
    if settings.migrations.is_unclaimed {
        return Ok(Vec::new());
    }
    let shown = dir.value.strip_prefix(root).unwrap_or(&dir.value);
    let kept = files::kept_files(&dir.value, layout.depth())?;
    let kept = kept.into_iter().filter(|path| path.to_str().is_some() && layout.reads(path));
    kept.map(|path| {
        Ok(FoundFile { bytes: files::read(&dir.value.join(&path))?, path: shown.join(path) })
    })
    .collect()
}
