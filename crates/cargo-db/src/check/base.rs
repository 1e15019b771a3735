//! Uses git to find out whether others may already have applied a migration.

use std::path::Path;

use crate::check::finding::finding;
use crate::check::folder::of_file;
use crate::check::same::{has_same_content, without_ours};
use crate::model::finding::Checked;
use crate::model::migration::{Migration, MigrationFolder, Recorded, Version};

/// The migrations as they are on the branch that everybody shares.
pub(crate) struct BaseRevision {
    /// What the revision is called.
    pub(crate) revision: String,
    /// What lay in the folder there.
    pub(crate) folder: MigrationFolder,
}

/// Compares the folder with what it was in the revision.
///
/// `text_then` returns the text of a file in that revision, `text_now` its text today.
pub(crate) fn compare(
    past: &BaseRevision,
    now: &MigrationFolder,
    text_then: &dyn Fn(&Path) -> Option<String>,
    text_now: &dyn Fn(&Path) -> Option<String>,
) -> Vec<Checked> {
    let mut found = Vec::new();
    let newest = past.folder.migrations.last().map(|migration| &migration.version);
    for migration in &now.migrations {
        let path = &migration.up.path;
        let then = past.folder.migrations.iter().find(|then| then.version == migration.version);
        let finding = match then {
            Some(then) if then.up.checksum == migration.up.checksum => continue,
            Some(then) if then.up.path == *path => {
                let texts = text_then(path).zip(text_now(path));
                let same = texts.is_some_and(|(a, b)| match migration.up.is_code {
                    true => without_ours(&a) == without_ours(&b),
                    false => has_same_content(&a, &b),
                });
                // The tool stores no checksum, so files are not compared with what was applied.
                if same && migration.recorded == Recorded::Nothing {
                    continue;
                }
                if same {
                    let why =
                        format!("its comments or white space were changed since {}", past.revision);
                    finding("edited-comments", 1, "", why)
                } else {
                    finding(
                        "edited-migration",
                        1,
                        "",
                        format!("the file is in {}, and was edited since", past.revision),
                    )
                }
            }
            Some(then) => {
                let why = format!(
                    "`{}` in {} has the same version",
                    then.up.path.display(),
                    past.revision
                );
                finding("same-version", 1, "", why)
            }
            None if newest.is_some_and(|newest| migration.version < *newest) => {
                let newest = newest.map(ToString::to_string).unwrap_or_default();
                finding("late-version", 1, "", format!("{} already has {newest}", past.revision))
            }
            None => continue,
        };
        found.push(of_file(path, finding));
    }
    found.extend(same_second(now));
    found
}

/// The migrations of the revision that were deleted, and did not get another file.
pub(crate) fn deleted(
    past: &BaseRevision,
    now: &MigrationFolder,
    is_deleted: &dyn Fn(&Path) -> bool,
) -> Vec<Checked> {
    let is_here =
        |then: &Migration| now.migrations.iter().any(|migration| migration.version == then.version);
    let gone = past.folder.migrations.iter();
    let gone = gone.filter(|then| is_deleted(&then.up.path) && !is_here(then));
    let found = gone.map(|then| {
        let why = format!("the file is in {}, and was deleted since", past.revision);
        of_file(&then.up.path, finding("deleted-migration", 1, "", why))
    });
    found.collect()
}

/// Two versions with the same second, one of which has more digits.
fn same_second(now: &MigrationFolder) -> Vec<Checked> {
    let second = |version: &Version| version.to_string().get(..14).map(str::to_owned);
    let pairs = now.migrations.windows(2).filter(|pair| {
        pair[0].version != pair[1].version
            && second(&pair[0].version).is_some()
            && second(&pair[0].version) == second(&pair[1].version)
    });
    let found = pairs.map(|pair| {
        let why = format!("`{}` has the same time", pair[0].up.path.display());
        of_file(&pair[1].up.path, finding("same-second", 1, "", why))
    });
    found.collect()
}
