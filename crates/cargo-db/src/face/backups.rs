//! Backups, for people.

use crate::backup::Found;
use crate::model::backup::{Backup, FileEntry, Format, Verification};
use crate::model::target::Target;
use crate::plan::{Plan, Verdict};
use crate::ui::human::short;
use crate::ui::text::{number, plural, size, table};
use crate::ui::{GREEN, RED, Ui};

/// A backup that was taken, and what was removed after it.
pub(super) fn backed_up(path: &std::path::Path, backup: &Backup, removed: &[String]) -> String {
    let rows: u64 = backup.manifest.tables.values().map(|table| table.rows).sum();
    let rows = plural(usize::try_from(rows).unwrap_or(usize::MAX), "row");
    let tables = plural(backup.manifest.tables.len(), "table");
    let read_back = if backup.manifest.read_back { "read back" } else { "NOT read back" };
    let mut lines = vec![format!(
        "{}, {}, {rows} of {tables}, {read_back}",
        path.display(),
        size(backup.bytes()),
    )];
    if backup.manifest.format == Format::Set {
        let part = |file: &FileEntry| vec![file.path.clone(), size(file.bytes)];
        let parts: Vec<Vec<String>> = backup.manifest.files.iter().map(part).collect();
        lines.push(table(&["Part", "Size"], &parts));
    }
    lines.extend(removed.iter().map(|name| format!("removed {name}, which no rule keeps")));
    lines.join("\n")
}

fn moment(when: time::OffsetDateTime) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    when.format(format).unwrap_or_default()
}

fn state(backup: &Backup) -> &'static str {
    match &backup.verification {
        Some(verification) if !verification.ok => "UNSOUND",
        _ if backup.is_verified() => "verified",
        _ => "not verified",
    }
}

/// What is in the folder.
pub(super) fn backups(found: &Found, folder: &std::path::Path) -> String {
    let row = |backup: &Backup| {
        vec![
            backup.manifest.name.clone(),
            size(backup.bytes()),
            moment(backup.manifest.finished),
            backup.manifest.environment.clone(),
            state(backup).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = found.backups.iter().map(row).collect();
    let mut lines = Vec::new();
    if rows.is_empty() {
        lines.push(format!("no backups in {}", folder.display()));
    } else {
        lines.push(table(&["Backup", "Size", "Taken", "Environment", "State"], &rows));
    }
    lines
        .extend(found.broken.iter().map(|(name, why)| format!("{name} cannot be believed: {why}")));
    lines.join("\n")
}

/// The backups, with numbers to choose by.
pub(super) fn numbered(found: &Found) -> String {
    let row = |(index, backup): (usize, &Backup)| {
        vec![
            format!("{:>3}. {}", index + 1, backup.manifest.name),
            size(backup.bytes()),
            moment(backup.manifest.finished),
            backup.manifest.environment.clone(),
            state(backup).to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = found.backups.iter().enumerate().map(row).collect();
    table(&["     Backup", "Size", "Taken", "Environment", "State"], &rows)
}

/// One backup, with its tables.
pub(super) fn one_backup(backup: &Backup) -> String {
    let manifest = &backup.manifest;
    let mut lines = vec![
        format!("Backup       {}, {}, {}", manifest.name, size(backup.bytes()), state(backup)),
        format!(
            "Taken        {} in {} by {}",
            moment(manifest.finished),
            manifest.environment,
            manifest.tool
        ),
        format!(
            "Database     {} ({}, {})",
            manifest.database.name,
            manifest.database.locale.encoding,
            manifest.database.locale.collate
        ),
        format!("Server       PostgreSQL {}", manifest.server.version),
        format!("Migrations   {}", manifest.migrations.len()),
    ];
    if let Some(verification) = &backup.verification {
        lines.push(
            format!("Verified     {} ({:?})", moment(verification.when), verification.level)
                .to_lowercase()
                .replacen("verified", "Verified", 1),
        );
        lines.extend(verification.problems.iter().map(|problem| format!("             {problem}")));
    }
    let rows: Vec<Vec<String>> = manifest
        .tables
        .iter()
        .map(|(name, entry)| vec![short(name).to_owned(), number(entry.rows)])
        .collect();
    lines.push(String::new());
    lines.push(table(&["Table", "Rows"], &rows));
    lines.join("\n")
}

/// What verifications found.
pub(super) fn verified(verifications: &[(String, Verification)], ui: &Ui) -> String {
    let mut lines = Vec::new();
    for (name, verification) in verifications {
        let word = if verification.ok { ui.out(GREEN, "sound") } else { ui.out(RED, "UNSOUND") };
        lines.push(format!("{name}: {word}"));
        lines.extend(verification.problems.iter().map(|problem| format!("  {problem}")));
    }
    lines.join("\n")
}

/// What the retention keeps and what it removes.
pub(super) fn pruned(verdicts: &[Verdict], plan: &Plan, dry_run: bool) -> String {
    let line = |verdict: &Verdict| match verdict.reasons.as_slice() {
        [] if dry_run => format!("would remove {}: no rule keeps it", verdict.name),
        [] => format!("removed {}: no rule keeps it", verdict.name),
        reasons => format!("kept {}: {}", verdict.name, reasons.join(", ")),
    };
    if verdicts.is_empty() {
        return "no backups".to_owned();
    }
    // The plan's id, for whoever will have to agree to it.
    let id = (dry_run && !plan.is_empty()).then(|| format!("Plan {} ({})", plan.id(), plan.terms));
    verdicts.iter().map(line).chain(id).collect::<Vec<_>>().join("\n")
}

/// A restore that is done.
pub(super) fn restored(target: &Target, what: Option<&str>, kept: Option<&str>) -> String {
    let mut lines = vec![match what {
        Some(what) => format!("{what} of {} is restored", target.database),
        None => format!("{} is restored", target.database),
    }];
    if let Some(kept) = kept {
        lines.push(format!("the old database is kept as {kept}"));
        lines.push("to swap back:       cargo db restore --undo".to_owned());
        lines.push("to remove it:       cargo db restore --drop-previous".to_owned());
    }
    lines.push("to look at it:      cargo db status".to_owned());
    lines.push(
        "next: look whether the rows are the ones you want, and generate the client again if the schema is older"
            .to_owned(),
    );
    lines.join("\n")
}
