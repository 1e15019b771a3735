//! A rehearsal report for people and for programs. The worst findings come first.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::answer::check::{self, CheckedView};
use crate::answer::plan::TargetView;
use crate::answer::rehearsed::{RehearsedView, SHOWN, took};
use crate::answer::report::{FileReport, SetReport, summary};
use crate::answer::text::milliseconds;
use crate::answer::{Answer, BOLD, DIM, RED, Style};
use crate::model::backup::LoadedAs;
use crate::model::finding::{Finding, Verdict};
use crate::model::key::PublicKey;
use crate::model::rehearsal::{BrokenQuery, DryRunReport, Rehearsal};
use crate::model::target::Target;

/// What a rehearsal measured, and the path of its receipt.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RehearsalReport {
    target: TargetView,
    /// The file of the receipt.
    receipt: String,
    /// The key that signed it; null if it is unsigned.
    signed_by: Option<PublicKey>,
    /// The role that loaded the backup and ran the migrations, if this project did not take it.
    loaded_as: Option<LoadedAs>,
    #[serde(flatten)]
    rehearsal: RehearsalView,
}

/// What a rehearsal measured.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RehearsalView {
    /// Whose data it was, in words.
    basis: String,
    /// The worst of all.
    verdict: Verdict,
    /// How long the copy took.
    copied_ms: u64,
    migrations: Vec<RehearsedView>,
    /// Queries of the application's that no longer prepare.
    broken_queries: Vec<BrokenQuery>,
    /// The scratch database, if it was kept.
    kept: Option<String>,
}

impl RehearsalView {
    /// A rehearsal of what will be done to the target.
    pub(crate) fn of(target: &Target, rehearsal: &Rehearsal) -> RehearsalView {
        RehearsalView {
            basis: rehearsal.basis.describe(&target.database),
            verdict: rehearsal.verdict(),
            copied_ms: milliseconds(rehearsal.copied),
            migrations: rehearsal.migrations.iter().map(RehearsedView::from).collect(),
            broken_queries: rehearsal.broken.clone(),
            kept: rehearsal.kept.clone(),
        }
    }

    /// The report on a terminal.
    pub(crate) fn text(&self, style: &Style) -> String {
        let mut lines = vec![self.heading(), String::new()];
        lines.extend(self.migrations.iter().flat_map(|migration| shown(migration, style)));
        for broken in &self.broken_queries {
            let (word, query) = (style.paint(RED, "BLOCK"), style.paint(BOLD, &broken.query));
            lines.push(format!("{word} query {query}"));
            lines.push(format!("  broken by {}: {}", broken.by, broken.why));
        }
        lines.push(String::new());
        lines.push(self.counts());
        let kept = self.kept.iter();
        lines.extend(kept.map(|kept| format!("the scratch database is kept as {kept}")));
        lines.join("\n")
    }

    fn heading(&self) -> String {
        format!("Rehearsed on {}, made in {}", self.basis, took(self.copied_ms))
    }

    fn counts(&self) -> String {
        summary(self.migrations.iter().map(|migration| migration.verdict), "migration")
    }
}

/// A migration on a terminal.
fn shown(migration: &RehearsedView, style: &Style) -> Vec<String> {
    let mut lines = vec![format!(
        "{} {}  {}",
        check::verdict(migration.verdict, style),
        style.paint(BOLD, &migration.title()),
        style.paint(DIM, &migration.figures())
    )];
    lines.extend(migration.findings.iter().flat_map(|found| check::finding(found, style)));
    for lock in migration.locks.iter().take(SHOWN) {
        lines.push(format!("  line {:<4} {}", lock.line, style.paint(DIM, &lock.text())));
    }
    if migration.locks.len() > SHOWN {
        let more = format!("            and {} more tables", migration.locks.len() - SHOWN);
        lines.push(style.paint(DIM, &more));
    }
    let line = |line: String| style.paint(DIM, &format!("    rollback: {line}"));
    lines.extend(migration.rollback.lines().into_iter().map(line));
    lines
}

impl RehearsalReport {
    /// What was measured for the target.
    pub(crate) fn of(
        target: &Target,
        rehearsal: &Rehearsal,
        (receipt, signed_by): (&Path, Option<PublicKey>),
    ) -> RehearsalReport {
        let receipt = receipt.display().to_string();
        let rehearsal = RehearsalView::of(target, rehearsal);
        let (target, loaded_as) = (target.into(), None);
        RehearsalReport { target, receipt, signed_by, loaded_as, rehearsal }
    }

    /// The file of the receipt.
    pub(crate) fn receipt(&self) -> PathBuf {
        PathBuf::from(&self.receipt)
    }

    fn role(&self) -> Option<String> {
        let role = self.loaded_as.as_ref().map(LoadedAs::describe)?;
        Some(format!("This project did not take the backup, so everything ran as {role}"))
    }

    /// Adds the role that the backup was loaded as, if this project did not take it.
    pub(crate) fn loaded_as(self, loaded_as: Option<LoadedAs>) -> RehearsalReport {
        RehearsalReport { loaded_as, ..self }
    }
}

impl Answer for RehearsalReport {
    fn text(&self, style: &Style) -> String {
        let text = self.rehearsal.text(style);
        self.role().map_or_else(|| text.clone(), |role| format!("{text}\n\n{role}."))
    }

    fn reports(&self, _: &Style) -> Vec<SetReport> {
        let RehearsalView { migrations, broken_queries, .. } = &self.rehearsal;
        let files = migrations.iter().map(FileReport::from);
        vec![SetReport {
            notes: [self.rehearsal.heading()].into_iter().chain(self.role()).collect(),
            files: files.chain(broken_queries.iter().map(FileReport::from)).collect(),
            fails_from: Verdict::Unmeasured,
            ..SetReport::default()
        }]
    }
}

impl From<&RehearsedView> for FileReport {
    fn from(migration: &RehearsedView) -> FileReport {
        FileReport {
            noun: "migration",
            file: Some(migration.file.clone()),
            title: migration.title(),
            verdict: migration.verdict,
            findings: migration.findings.clone(),
            rehearsed: Some(Box::new(migration.clone())),
        }
    }
}

impl From<&BrokenQuery> for FileReport {
    fn from(broken: &BrokenQuery) -> FileReport {
        let evidence = format!("broken by {}: {}", broken.by, broken.why);
        let found = Finding::of_whole("broken-query", evidence);
        // In a file of SQL, the line follows the name.
        let with_line = broken.query.rsplit_once(':');
        let with_line = with_line.and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let (file, line) = with_line.unwrap_or((&broken.query, found.line));
        FileReport::of_whole("query file", Some(file), Finding { line, ..found })
    }
}

/// There was nothing to rehearse. Programs that read the verdict find one anyway.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NothingRehearsed {
    target: TargetView,
    verdict: Verdict,
    migrations: Vec<RehearsedView>,
    broken_queries: Vec<BrokenQuery>,
    reason: &'static str,
}

impl NothingRehearsed {
    /// No migration is pending on the target.
    pub(crate) fn of(target: &Target) -> NothingRehearsed {
        NothingRehearsed {
            target: target.into(),
            verdict: Verdict::Pass,
            migrations: Vec::new(),
            broken_queries: Vec::new(),
            reason: "nothing to rehearse: no migration is pending",
        }
    }
}

impl Answer for NothingRehearsed {
    fn text(&self, _: &Style) -> String {
        self.reason.to_owned()
    }

    fn reports(&self, _: &Style) -> Vec<SetReport> {
        vec![SetReport { notes: vec![self.reason.to_owned()], ..SetReport::default() }]
    }
}

/// What is known of the migrations of a plan before anybody agrees to them.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum PreviewView {
    Rehearsed {
        rehearsal: RehearsalView,
    },
    /// They were only looked through, as `cargo db check` does.
    Checked {
        check: Vec<CheckedView>,
        /// Why they were not rehearsed.
        not_rehearsed: String,
        /// Whether a BLOCK does not stop `migrate` here because there are no rows.
        #[serde(skip)]
        lacks_rows: bool,
    },
    /// What the receipts say.
    Receipt {
        /// When the one that holds was written.
        receipt: Option<String>,
        /// Why none does.
        objections: Vec<String>,
    },
}

impl PreviewView {
    pub(super) fn of(target: &Target, preview: &DryRunReport) -> PreviewView {
        match preview {
            DryRunReport::Rehearsed(rehearsal) => {
                PreviewView::Rehearsed { rehearsal: RehearsalView::of(target, rehearsal) }
            }
            DryRunReport::Checked { files, not_rehearsed, .. } => PreviewView::Checked {
                check: files.iter().map(CheckedView::from).collect(),
                not_rehearsed: not_rehearsed.clone(),
                lacks_rows: preview.lacks_rows(),
            },
            DryRunReport::Receipt { when, objections } => {
                PreviewView::Receipt { receipt: when.clone(), objections: objections.clone() }
            }
        }
    }

    pub(super) fn text(&self, style: &Style) -> String {
        match self {
            PreviewView::Rehearsed { rehearsal } => rehearsal.text(style),
            PreviewView::Checked { check, not_rehearsed, lacks_rows } => {
                let here = match lacks_rows {
                    true => "\na BLOCK about rows or locks does not stop `migrate` without rows",
                    false => "",
                };
                format!("not rehearsed: {not_rehearsed}\n{}{here}", check::text(check, style))
            }
            PreviewView::Receipt { receipt: Some(when), .. } => {
                format!("the receipt of {when} is valid")
            }
            PreviewView::Receipt { receipt: None, objections } => {
                let lines = objections.iter().map(|objection| format!("\n  {objection}"));
                format!("no valid rehearsal receipt{}", lines.collect::<String>())
            }
        }
    }
}
