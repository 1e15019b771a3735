//! The backups of the database, and the place where they are.

use time::{Duration, OffsetDateTime};

use crate::answer::text::size;
use crate::backup::BackupFolder;
use crate::failure::Result;
use crate::verb::doctor::check::{DatabaseSubject, Diagnosis, DoctorCheck};
use crate::world::clock::now;
use crate::world::files;

pub(super) const CHECKS: &[DoctorCheck<DatabaseSubject>] = &[
    DoctorCheck { id: "backup-folder", diagnose: backup_folder },
    DoctorCheck { id: "backup-disk", diagnose: backup_disk },
    DoctorCheck { id: "newest-backup", diagnose: newest_backup },
    DoctorCheck { id: "broken-backups", diagnose: broken_backups },
];

fn backup_folder(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let folder = BackupFolder::of(&subject.settings);
    let (path, shown) = (folder.path(), folder.path().display());
    let what = if !files::exists(path) {
        return Ok(Diagnosis::Sound(format!("the first backup creates {shown}")));
    } else if !files::is_folder(path) {
        "is not a folder"
    } else if files::is_writable_by_others(path) {
        "can be written by other users"
    } else {
        return Ok(Diagnosis::Sound(format!("only you can write to {shown}")));
    };
    let remedy = format!("make it a folder of your own: `chmod go-w {shown}`");
    Ok(Diagnosis::of_evidence(vec![format!("{shown} {what}")], "", &remedy))
}

fn backup_disk(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let folder = BackupFolder::of(&subject.settings);
    let sql = "SELECT pg_database_size(current_database())";
    let needed = subject.session.number("measure the database", sql)?;
    Ok(match files::free_space(folder.path()) {
        Some(free) => room(free, needed),
        None => Diagnosis::Skipped("the free space on the disk is not known".to_owned()),
    })
}

/// A backup is compressed, but its size is known only afterwards.
fn room(free: u64, needed: u64) -> Diagnosis {
    let (shown, database) = (size(free), size(needed));
    let evidence = format!("{shown} are free for backups, and the database has {database}");
    if free >= needed {
        return Diagnosis::Sound(evidence);
    }
    Diagnosis::of_evidence(
        vec![evidence],
        "",
        "free space on the disk, or name a folder on another one as `dir` below `[backup]` of \
         db.toml",
    )
}

fn newest_backup(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let folder = BackupFolder::of(&subject.settings);
    let (newest, _) = folder.newest_verified(&subject.target.database)?;
    let finished = newest.map(|backup| backup.manifest.finished);
    let is_precious = !subject.settings.environment.environment.is_disposable();
    Ok(age(finished, now(), is_precious))
}

/// Development and test need no backup.
fn age(finished: Option<OffsetDateTime>, now: OffsetDateTime, is_precious: bool) -> Diagnosis {
    const AT_MOST: Duration = Duration::days(7);
    let evidence = match finished {
        None => "there is no verified backup".to_owned(),
        Some(finished) => {
            format!("the newest verified backup is {} days old", (now - finished).whole_days())
        }
    };
    let is_old = finished.is_none_or(|finished| now - finished > AT_MOST);
    if !is_precious || !is_old {
        return Diagnosis::Sound(evidence);
    }
    Diagnosis::of_evidence(vec![evidence], "", "take a backup, which is read back")
        .with_commands(&["cargo db backup", "cargo db backups list"])
}

fn broken_backups(subject: &mut DatabaseSubject) -> Result<Diagnosis> {
    let listing = BackupFolder::of(&subject.settings).list()?;
    let broken = listing.broken.iter().map(|(name, why)| format!("{name}: {why}"));
    Ok(Diagnosis::of_evidence(
        broken.collect(),
        "every backup has a manifest that can be read",
        "restore none of them before you know what changed the manifest",
    )
    .with_commands(&["cargo db backups verify"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_for_a_backup_is_a_problem() {
        assert!(matches!(room(2_000, 1_000), Diagnosis::Sound(_)));
        assert!(matches!(room(999, 1_000), Diagnosis::Problem { .. }));
    }

    #[test]
    fn an_old_backup_is_a_problem_where_data_is_precious() {
        let now = OffsetDateTime::from_unix_timestamp(100 * 86_400).unwrap();
        let ago = |days| Some(now - Duration::days(days));
        assert!(matches!(age(ago(6), now, true), Diagnosis::Sound(_)));
        assert!(matches!(age(ago(8), now, true), Diagnosis::Problem { .. }));
        assert!(matches!(age(None, now, true), Diagnosis::Problem { .. }));
        assert!(matches!(age(None, now, false), Diagnosis::Sound(_)));
    }
}
