//! Which migrations of a branch get other versions, so that they run after those that are merged,
//! and what happens to those of them that are applied.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use db_tools::{FoundFile, NewMigration, ProjectTool};
use time::OffsetDateTime;

use crate::failure::{RebaseError, Result};
use crate::model::history::{Applied, MigrationStatus};
use crate::model::migration::{Migration, MigrationFolder, Version};
use crate::plan::rollback::{RollbackRequest, to_revert};
use crate::plan::{Loss, MigrationFacts, Operation, Plan, Step};
use crate::settings::Expectations;

/// The files of a branch beside those that are merged.
pub(crate) struct BranchFacts {
    /// The revision that has the merged migrations, as messages name it.
    pub(crate) onto: String,
    pub(crate) merged: Vec<FoundFile>,
    pub(crate) unmerged: Vec<FoundFile>,
    /// The names in each folder that has an unmerged file.
    pub(crate) names: BTreeMap<PathBuf, Vec<String>>,
    pub(crate) expected: Expectations,
    /// Whether cargo db may change records of the history, which is otherwise up to the tool.
    pub(crate) may_move_records: bool,
}

/// A migration, and what it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renumbered {
    pub(crate) from: Migration,
    pub(crate) to: Migration,
    /// The files or the folder to rename, each with the new name.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
}

/// What a rebase does, before it is known what is lost by that.
#[derive(Default)]
pub(crate) struct Rebasing {
    /// The applied migrations that are rolled back first, newest first.
    pub(crate) reverted: Vec<Migration>,
    /// In the order in which they run.
    pub(crate) renumbered: Vec<Renumbered>,
    /// The versions whose records move along.
    recorded: BTreeSet<Version>,
    /// What is merged, in words.
    merged: String,
    warnings: Vec<String>,
}

impl Rebasing {
    /// Finds the unmerged migrations that run before a merged one, or before one of their own that
    /// has to get a later version.
    pub(crate) fn of(
        facts: &MigrationFacts,
        branch: &BranchFacts,
        now: OffsetDateTime,
    ) -> Result<Rebasing> {
        let layout = &facts.layout;
        let (merged, own) =
            (layout.read(branch.merged.clone()), layout.read(branch.unmerged.clone()));
        let mut renumbered = renumbered(layout, branch, (&merged, &own), now)?;
        let up_to = newest(&merged).map(|one| format!(", up to {}", one.version));
        let said = format!("merged: {}{}", branch.onto, up_to.unwrap_or_default());
        if renumbered.is_empty() {
            return Ok(Rebasing { merged: said, ..Rebasing::default() });
        }
        let warnings = move_expectations(&mut renumbered, branch, &merged);
        let mut recorded = BTreeSet::new();
        for one in &own.migrations {
            if is_recorded(facts, one)? {
                recorded.insert(one.version.clone());
            }
        }
        let is_applied = |one: &Migration| {
            let mut rows = facts.history.applied.iter();
            rows.any(|row| row.version == one.version) && !recorded.contains(&one.version)
        };
        let can_move =
            branch.may_move_records && merged.migrations.iter().filter(counts).all(is_applied);
        let is_unchanged = |row: &Applied, file: &Migration| {
            let stored = row.checksum.as_ref();
            row.success && stored.is_none_or(|stored| file.is_recorded_as(stored))
        };
        let moves = |Renumbered { from, to, .. }: &Renumbered| {
            let row = facts.history.applied.iter().find(|row| row.version == from.version);
            can_move
                && row.is_some_and(|row| is_unchanged(row, from))
                && layout.move_record("", from, to).is_some()
        };
        let first = renumbered
            .iter()
            .find(|one| recorded.contains(&one.from.version) && !moves(one))
            .map(|one| one.from.version.clone());
        let facts = &of_branch(facts, &own, &recorded);
        let reverted = match first {
            None => Vec::new(),
            Some(first) => to_revert(facts, &RollbackRequest::Steps(since(facts, &first)))?,
        };
        for one in &reverted {
            recorded.remove(&one.version);
        }
        Ok(Rebasing { reverted, renumbered, recorded, merged: said, warnings })
    }
}

/// A repeatable migration always runs last, and has no number.
fn counts(migration: &&Migration) -> bool {
    !matches!(migration.version, Version::Repeated(_))
}

fn newest(folder: &MigrationFolder) -> Option<&Migration> {
    folder.migrations.iter().rfind(counts)
}

fn renumbered(
    layout: &ProjectTool,
    branch: &BranchFacts,
    (merged, own): (&MigrationFolder, &MigrationFolder),
    now: OffsetDateTime,
) -> Result<Vec<Renumbered>> {
    let taken: BTreeSet<&Version> = merged.migrations.iter().map(|one| &one.version).collect();
    let up_of = |one: &Migration, files: &[FoundFile]| {
        files.iter().find(|file| file.path == one.up.path).cloned()
    };
    let mut last = newest(merged).and_then(|one| up_of(one, &branch.merged));
    let (mut folder, mut found) = (merged.clone(), Vec::new());
    for one in own.migrations.iter().filter(counts) {
        let Some(up) = up_of(one, &branch.unmerged) else { continue };
        if !taken.contains(&one.version) && runs_after(layout, last.as_ref(), &up) {
            folder.migrations.push(one.clone());
            last = Some(up);
            continue;
        }
        let new = NewMigration { name: "", now, reversible: false, folder: &folder };
        let renamed = renamed(layout, branch, one, &layout.new_version(&new));
        let Some((renamed, up)) = renamed.filter(|(_, up)| runs_after(layout, last.as_ref(), up))
        else {
            return Err(RebaseError::NoVersion { file: one.up.path.clone() }.into());
        };
        folder.migrations.push(renamed.to.clone());
        last = Some(up);
        found.push(renamed);
    }
    Ok(found)
}

/// Whether a migration runs after another one, by their up files.
fn runs_after(layout: &ProjectTool, last: Option<&FoundFile>, up: &FoundFile) -> bool {
    let Some(last) = last else { return true };
    let both = layout.read(vec![last.clone(), up.clone()]).migrations;
    let [one, other] = both.as_slice() else { return false };
    other.up.path == up.path && one.version != other.version
}

/// A migration with another version, and its up file; `None` if its names have no version.
fn renamed(
    layout: &ProjectTool,
    branch: &BranchFacts,
    from: &Migration,
    version: &str,
) -> Option<(Renumbered, FoundFile)> {
    let folder = from.up.path.parent().unwrap_or(Path::new(""));
    let names = branch.names.get(folder).map(Vec::as_slice).unwrap_or_default();
    let files = layout.renamed(&from.up.path, names, version);
    let to = new_files(&branch.unmerged, &files);
    let to_up = layout.read(to.clone()).migrations.into_iter().next()?;
    let up = to.into_iter().find(|file| file.path == to_up.up.path)?;
    Some((Renumbered { from: from.clone(), to: to_up, files }, up))
}

/// The files that are renamed, under their new names.
fn new_files(all: &[FoundFile], renamed: &[(PathBuf, PathBuf)]) -> Vec<FoundFile> {
    let new_path = |path: &Path| {
        renamed.iter().find_map(|(from, to)| {
            let rest = path.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) })
        })
    };
    let renamed = all.iter().filter_map(|file| {
        let path = new_path(&file.path)?;
        Some(FoundFile { path, bytes: file.bytes.clone() })
    });
    renamed.collect()
}

/// Renames the files with the expectations about renumbered migrations, too. Returns a warning for
/// each expectation that a person has to move.
fn move_expectations(
    renumbered: &mut [Renumbered],
    branch: &BranchFacts,
    merged: &MigrationFolder,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for Renumbered { from, to, files } in renumbered {
        let (version, new) = (from.version.to_string(), to.version.to_string());
        let Some(place) = branch.expected.place_of(&version) else { continue };
        let is_merged = merged.migrations.iter().any(|one| one.version == from.version);
        match Path::new(place) {
            file if file.starts_with("expect") && !is_merged => {
                files.push((file.to_owned(), file.with_file_name(format!("{new}.toml"))));
            }
            _ => warnings.push(format!(
                "{place} is about version {version}, which becomes {new}: change that yourself"
            )),
        }
    }
    warnings
}

/// Whether the history records that this migration is applied. If another file has the same
/// version, the record may be that of the other one.
fn is_recorded(facts: &MigrationFacts, own: &Migration) -> Result<bool> {
    let Some(row) = facts.history.applied.iter().find(|row| row.version == own.version) else {
        return Ok(false);
    };
    let is_other = |one: &&Migration| one.version == own.version && one.up.path != own.up.path;
    let Some(other) = facts.folder.migrations.iter().find(is_other) else { return Ok(true) };
    match (is_record_of(row, own), is_record_of(row, other)) {
        (true, false) => Ok(true),
        (false, true) => Ok(false),
        _ => Err(RebaseError::Ambiguous {
            version: own.version.to_string(),
            files: vec![own.up.path.clone(), other.up.path.clone()],
        }
        .into()),
    }
}

/// Whether a record is that of this migration, with the content that its file has.
pub(crate) fn is_record_of(row: &Applied, migration: &Migration) -> bool {
    let has_name = row.name.is_empty() || row.name == migration.name;
    row.version == migration.version
        && has_name
        && row.checksum.as_ref().is_none_or(|stored| migration.is_recorded_as(stored))
}

/// The facts without merged files whose version is recorded for one of the branch, with the down
/// files that belong to those of the branch, and without what runs again and never back.
fn of_branch(
    facts: &MigrationFacts,
    own: &MigrationFolder,
    recorded: &BTreeSet<Version>,
) -> MigrationFacts {
    let mut facts = facts.clone();
    facts.history.applied.retain(|row| !matches!(row.version, Version::Repeated(_)));
    let of_branch = |one: &Migration| own.migrations.iter().find(|own| own.up.path == one.up.path);
    facts
        .folder
        .migrations
        .retain(|one| of_branch(one).is_some() || !recorded.contains(&one.version));
    for one in &mut facts.folder.migrations {
        if let Some(own) = of_branch(one) {
            one.down.clone_from(&own.down);
        }
    }
    facts
}

/// How many applied migrations there are from this one on.
fn since(facts: &MigrationFacts, first: &Version) -> usize {
    let standing = MigrationStatus::compare(&facts.folder, &facts.history);
    standing.applied.iter().skip_while(|(row, _)| row.version != *first).count()
}

/// Plans the rebase: what is applied and cannot move along is rolled back first, with these losses.
/// The migration that runs last is renamed first, so that their order stays the same at any moment.
pub(crate) fn rebase(
    facts: &MigrationFacts,
    rebasing: Rebasing,
    reverted: Vec<(Migration, Vec<Loss>)>,
) -> Plan {
    let Rebasing { renumbered, recorded, merged, warnings, .. } = rebasing;
    let reverts =
        reverted.into_iter().map(|(migration, losses)| Step::Revert { migration, losses });
    let renames = renumbered.into_iter().rev().map(|migration| {
        let is_recorded = recorded.contains(&migration.from.version);
        Step::Renumber { migration: Box::new(migration), is_recorded }
    });
    let mut plan = facts.plan(Operation::Rebase, reverts.chain(renames).collect());
    plan.basis = format!("{}\n{merged}", plan.basis);
    plan.skipped.push(merged);
    plan.warnings = warnings;
    plan
}

/// Plans to finish a rebase that was interrupted.
pub(crate) fn resume(facts: &MigrationFacts, rest: Vec<(Renumbered, bool)>) -> Plan {
    let steps = rest.into_iter().map(|(migration, is_recorded)| Step::Renumber {
        migration: Box::new(migration),
        is_recorded,
    });
    facts.plan(Operation::Rebase, steps.collect())
}
