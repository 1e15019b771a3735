//! What `backup` and `backups` answer.

use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;

use crate::answer::plan::Planned;
use crate::answer::text::{
    fitted, fitted_if_narrow, moment, number, on_lines, plural, size, table, table_within,
};
use crate::answer::{Answer, GREEN, RED, Style};
use crate::backup::BackupListing;
use crate::model::backup::{Backup, Format, Level, LoadedAs, Manifest, Reason, Verification};
use crate::model::properties::Properties;
use crate::plan::{Plan, RetentionDecision};
use pg_sql::name::short;

/// A backup as it is found on disk.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BackupView {
    name: String,
    format: Format,
    compression: String,
    database: String,
    environment: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    finished: OffsetDateTime,
    bytes: u64,
    verified: bool,
    state: VerificationState,
    reason: Reason,
    /// The event that it was taken for.
    event: String,
    /// The options that make it a partial backup; empty for a complete one.
    part: Vec<String>,
    /// How many there are.
    tables: usize,
    /// Of all tables.
    rows: u64,
    files: Vec<FileView>,
}

/// What is known of a backup.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum VerificationState {
    #[serde(rename = "verified")]
    Verified,
    #[serde(rename = "not verified")]
    NotVerified,
    #[serde(rename = "unsound")]
    Unsound,
}

/// A file that a backup consists of.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FileView {
    path: String,
    bytes: u64,
}

impl From<&Backup> for BackupView {
    fn from(backup: &Backup) -> BackupView {
        let manifest = &backup.manifest;
        let files = manifest.files.iter();
        let files = files.map(|file| FileView { path: file.path.clone(), bytes: file.bytes });
        BackupView {
            name: manifest.name.clone(),
            format: manifest.format,
            compression: manifest.compression.clone(),
            database: manifest.database.name.clone(),
            environment: manifest.environment.clone(),
            finished: manifest.finished,
            bytes: backup.bytes(),
            verified: backup.is_verified(),
            state: match &backup.verification {
                Some(verification) if !verification.ok => VerificationState::Unsound,
                _ if backup.is_verified() => VerificationState::Verified,
                _ => VerificationState::NotVerified,
            },
            reason: manifest.reason(),
            event: manifest.event.clone(),
            part: manifest.part(),
            tables: manifest.tables.len(),
            rows: manifest.tables.values().map(|table| table.rows).sum(),
            files: files.collect(),
        }
    }
}

impl VerificationState {
    fn word(self) -> &'static str {
        match self {
            VerificationState::Verified => "verified",
            VerificationState::NotVerified => "not verified",
            VerificationState::Unsound => "UNSOUND",
        }
    }
}

impl BackupView {
    /// Its line in a list, below a name that may be decorated.
    fn row(&self, name: String) -> Vec<String> {
        let (size, taken) = (size(self.bytes), moment(self.finished));
        let (environment, state) = (self.environment.clone(), self.state.word().to_owned());
        vec![name, size, taken, environment, state, self.holds()]
    }

    /// The same in few words.
    fn short_row(&self, name: String) -> Vec<String> {
        let (size, taken) = (size(self.bytes), moment(self.finished)[..10].to_owned());
        let state = self.state.word().replace("not verified", "unverified");
        let holds = match (self.reason, self.part.as_slice()) {
            (Reason::Policy, _) => format!("before {}", self.event),
            (Reason::Person, []) => "everything".to_owned(),
            (Reason::Person, _) => "a part".to_owned(),
        };
        vec![name, size, taken, self.environment.clone(), state, holds]
    }

    /// What it holds, and of when.
    fn holds(&self) -> String {
        let what = match self.part.as_slice() {
            [] => "everything".to_owned(),
            part => format!("part: {}", part.join(" ").replace("--", "")),
        };
        match self.reason {
            Reason::Person => what,
            Reason::Policy => format!("{what}, before {}", self.event),
        }
    }
}

/// A backup that was taken, and what the retention removed after it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BackedUp {
    path: String,
    backup: BackupView,
    /// The names of the backups that no rule keeps.
    removed: Vec<String>,
}

impl BackedUp {
    /// What was backed up, and the path of the backup.
    pub(crate) fn of(path: &Path, backup: &Backup, removed: Vec<String>) -> BackedUp {
        BackedUp { path: path.display().to_string(), backup: backup.into(), removed }
    }
}

impl Answer for BackedUp {
    fn text(&self, style: &Style) -> String {
        let backup = &self.backup;
        let rows = plural(usize::try_from(backup.rows).unwrap_or(usize::MAX), "row");
        let tables = plural(backup.tables, "table");
        let read_back = if backup.verified { "read back" } else { "NOT read back" };
        let size_of_all = size(backup.bytes);
        let mut lines =
            vec![format!("{}, {size_of_all}, {rows} of {tables}, {read_back}", self.path)];
        if backup.format == Format::Set {
            let part = |file: &FileView| vec![file.path.clone(), size(file.bytes)];
            let parts: Vec<Vec<String>> = backup.files.iter().map(part).collect();
            lines.push(table(&["Part", "Size"], &parts));
        }
        if !backup.part.is_empty() {
            lines.push(format!("it contains only a part (taken with {})", backup.part.join(" ")));
        }
        let removed = self.removed.iter();
        lines.extend(removed.map(|name| format!("removed {name} (not kept by any rule)")));
        fitted_if_narrow(lines.join("\n"), style.width)
    }
}

/// What is in the backup folder.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BackupList {
    folder: String,
    /// The newest first.
    backups: Vec<BackupView>,
    broken: Vec<BrokenView>,
}

/// An invalid manifest.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct BrokenView {
    name: String,
    why: String,
}

impl BackupList {
    /// What was found in the folder.
    pub(crate) fn of(found: &BackupListing, folder: &Path) -> BackupList {
        let broken = |(name, why): &(String, String)| {
            let (name, why) = (name.clone(), why.clone());
            BrokenView { name, why }
        };
        BackupList {
            folder: folder.display().to_string(),
            backups: found.backups.iter().map(BackupView::from).collect(),
            broken: found.broken.iter().map(broken).collect(),
        }
    }

    /// The backups, with numbers to choose by. In a narrow terminal, the rows have fewer and
    /// shorter cells.
    pub(crate) fn numbered(&self, width: usize) -> String {
        let rows_of = |row: &dyn Fn(&BackupView, String) -> Vec<String>| -> Vec<Vec<String>> {
            let named = |(index, backup): (usize, &BackupView)| {
                row(backup, format!("{:>3}. {}", index + 1, backup.name))
            };
            self.backups.iter().enumerate().map(named).collect()
        };
        let header = ["     Backup", "Size", "Taken", "Environment", "State", "Holds"];
        let wide = table(&header, &rows_of(&BackupView::row));
        if wide.lines().all(|line| line.chars().count() <= width) {
            return wide;
        }
        // Environment, size, date and content go first; the state tells what a backup is worth.
        table_within(width, (&header, &rows_of(&BackupView::short_row)), &[3, 1, 2, 5])
    }
}

impl Answer for BackupList {
    fn text(&self, style: &Style) -> String {
        let mut lines = vec![match self.backups.is_empty() {
            true => format!("no backups in {}", self.folder),
            false => self.numbered(style.width),
        }];
        let broken = self.broken.iter();
        lines
            .extend(broken.map(|one| format!("{} has an invalid manifest: {}", one.name, one.why)));
        fitted(&lines.join("\n"), style.width)
    }
}

/// One backup, with everything in its manifest.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct BackupShown {
    backup: BackupView,
    #[cfg_attr(test, schemars(with = "serde_json::Map<String, serde_json::Value>"))]
    manifest: Manifest,
    /// What the last verification found.
    verification: Option<Verification>,
}

impl BackupShown {
    /// All that is known of a backup.
    pub(crate) fn of(backup: &Backup) -> BackupShown {
        let (mut manifest, verification) = (backup.manifest.clone(), backup.verification.clone());
        manifest.database.properties = manifest.database.properties.map(Properties::shown);
        BackupShown { backup: backup.into(), manifest, verification }
    }
}

impl Answer for BackupShown {
    fn text(&self, style: &Style) -> String {
        let BackupShown { backup, manifest, verification } = self;
        let (when, locale) = (moment(backup.finished), &manifest.database.locale);
        let mut lines = vec![
            format!(
                "Backup       {}, {}, {}",
                backup.name,
                size(backup.bytes),
                backup.state.word()
            ),
            format!("Taken        {when} in {} by {}", backup.environment, manifest.tool),
            format!("Holds        {}", backup.holds()),
            format!("Database     {} ({}, {})", backup.database, locale.encoding, locale.collate),
            format!("Server       PostgreSQL {}", manifest.server.version),
            format!("Migrations   {}", manifest.migrations.len()),
        ];
        if let Some(verification) = verification {
            let level = format!("{:?}", verification.level).to_lowercase();
            let when = moment(verification.when).to_lowercase();
            lines.push(format!("Verified     {when} ({level})"));
            let loaded_as = verification.loaded_as.iter();
            lines.extend(loaded_as.map(|of| format!("             loaded as {}", of.describe())));
            let problems = verification.problems.iter();
            lines.extend(problems.map(|problem| format!("             {problem}")));
        }
        let is_proof = |of: &Verification| of.ok && of.level == Level::Restore;
        let is_proved = verification.as_ref().is_some_and(is_proof);
        let unproved = manifest.doubts.iter().filter(|_| !is_proved);
        let doubts: Vec<&String> = unproved.chain(&manifest.lost).collect();
        if manifest.restorable.is_some() && !doubts.is_empty() {
            let how_far = if is_proved { "except" } else { "unproved" };
            lines.push(format!("Restorable   {how_far}"));
            lines.extend(doubts.iter().map(|doubt| format!("             {doubt}")));
        }
        let rows = manifest.tables.iter();
        let rows = rows.map(|(name, entry)| vec![short(name).to_owned(), number(entry.rows)]);
        let head = on_lines(lines).join("\n");
        let mut lines = vec![fitted_if_narrow(head, style.width), String::new()];
        lines.push(table(&["Table", "Rows"], &rows.collect::<Vec<_>>()));
        lines.join("\n")
    }
}

/// What verifications found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Verified {
    verified: Vec<VerifiedView>,
}

/// What the verification of one backup found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct VerifiedView {
    name: String,
    ok: bool,
    level: Level,
    problems: Vec<String>,
    /// The role that it was loaded as, if this project did not take it.
    loaded_as: Option<LoadedAs>,
}

impl Verified {
    /// What was found, by the names of the backups.
    pub(crate) fn of(verifications: &[(String, Verification)]) -> Verified {
        let one = |(name, found): &(String, Verification)| VerifiedView {
            name: name.clone(),
            ok: found.ok,
            level: found.level,
            problems: found.problems.clone(),
            loaded_as: found.loaded_as.clone(),
        };
        Verified { verified: verifications.iter().map(one).collect() }
    }
}

impl Answer for Verified {
    fn text(&self, style: &Style) -> String {
        let mut lines = Vec::new();
        for VerifiedView { name, ok, problems, .. } in &self.verified {
            let word = if *ok { style.paint(GREEN, "sound") } else { style.paint(RED, "UNSOUND") };
            lines.push(format!("{name}: {word}"));
            lines.extend(problems.iter().map(|problem| format!("  {problem}")));
        }
        fitted_if_narrow(on_lines(lines).join("\n"), style.width)
    }
}

/// What the retention keeps and removes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Pruned {
    #[serde(flatten)]
    planned: Planned,
    dry_run: bool,
    backups: Vec<RetainedView>,
}

/// Whether a backup stays, and why.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RetainedView {
    name: String,
    kept: bool,
    /// The rules that keep it.
    reasons: Vec<String>,
}

impl Pruned {
    /// What the verdicts came to.
    pub(crate) fn of(plan: &Plan, verdicts: &[RetentionDecision]) -> Pruned {
        let one = |verdict: &RetentionDecision| RetainedView {
            name: verdict.name.clone(),
            kept: !verdict.reasons.is_empty(),
            reasons: verdict.reasons.clone(),
        };
        let backups = verdicts.iter().map(one).collect();
        Pruned { planned: plan.into(), dry_run: false, backups }
    }

    /// What it would keep and remove.
    pub(crate) fn dry_run(plan: &Plan, verdicts: &[RetentionDecision]) -> Pruned {
        Pruned { dry_run: true, ..Pruned::of(plan, verdicts) }
    }
}

impl Answer for Pruned {
    fn text(&self, style: &Style) -> String {
        let line = |backup: &RetainedView| match backup.reasons.as_slice() {
            [] if self.dry_run => format!("would remove {}: no rule keeps it", backup.name),
            [] => format!("removed {}: no rule keeps it", backup.name),
            reasons => format!("kept {}: {}", backup.name, reasons.join(", ")),
        };
        if self.backups.is_empty() {
            return "no backups".to_owned();
        }
        // The plan id, for the person who has to consent to it.
        let plan = &self.planned.plan;
        let id = (self.dry_run && !plan.steps.is_empty())
            .then(|| format!("Plan {} ({})", plan.id, plan.policy));
        let lines: Vec<String> = self.backups.iter().map(line).chain(id).collect();
        fitted_if_narrow(lines.join("\n"), style.width)
    }
}
