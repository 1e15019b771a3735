//! Removing what the retention does not keep.

use crate::backup::folder::Folder;
use crate::failure::Result;
use crate::plan::{Retention, Verdict, judge_retention};
use crate::settings::BackupSettings;
use crate::world::clock::now;

/// What the settings keep and what they do not, with the reasons.
pub(crate) fn verdicts(folder: &Folder, settings: &BackupSettings) -> Result<Vec<Verdict>> {
    let rules = Retention {
        last: settings.keep_last,
        daily: settings.keep_daily,
        weekly: settings.keep_weekly,
        monthly: settings.keep_monthly,
        within: settings.keep_within,
    };
    Ok(judge_retention(&folder.list()?.backups, &rules, now()))
}

/// Removes what the settings do not keep, after a backup that was verified.
pub(crate) fn prune(folder: &Folder, settings: &BackupSettings) -> Result<Vec<String>> {
    let _lock = folder.lock()?;
    remove(folder, &verdicts(folder, settings)?)
}

/// Removes all backups but the newest ones.
pub(crate) fn keep_last(folder: &Folder, last: usize) -> Result<Vec<String>> {
    let _lock = folder.lock()?;
    let rules = Retention { last: last.max(1), ..Retention::default() };
    remove(folder, &judge_retention(&folder.list()?.backups, &rules, now()))
}

/// Removes the backups that nothing keeps. The caller holds the lock of the folder.
pub(crate) fn remove(folder: &Folder, verdicts: &[Verdict]) -> Result<Vec<String>> {
    let is_kept = |name: &str| {
        verdicts.iter().all(|verdict| verdict.name != name || !verdict.reasons.is_empty())
    };
    let mut removed = Vec::new();
    for backup in folder.list()?.backups {
        if !is_kept(&backup.manifest.name) {
            folder.remove(&backup)?;
            removed.push(backup.manifest.name.clone());
        }
    }
    Ok(removed)
}
