//! A rehearsal report for people, for pull requests and for programs. The worst findings come
//! first.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::answer::check::{self, CheckedView, summary};
use crate::answer::plan::TargetView;
use crate::answer::sets::below_title;
use crate::answer::text::{elapsed, milliseconds, size};
use crate::answer::{Answer, BOLD, DIM, RED, Style};
use crate::model::backup::LoadedAs;
use crate::model::finding::{Finding, IF_MEANT, Severity, Verdict};
use crate::model::key::PublicKey;
use crate::model::migration::title;
use crate::model::rehearsal::{
    BrokenQuery, DryRunReport, LockedTable, Rehearsal, Rehearsed, RollbackProof,
};
use crate::model::target::Target;

/// At most this many lines of a difference, and this many locks, are shown.
const SHOWN: usize = 8;

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
    #[serde(skip)]
    form: Form,
}

/// How people read a rehearsal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Terminal,
    /// For a pull request.
    Markdown,
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

/// One migration that was rehearsed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RehearsedView {
    version: String,
    name: String,
    file: String,
    verdict: Verdict,
    findings: Vec<Finding>,
    locks: Vec<LockView>,
    rows: Vec<RowsView>,
    /// On the copy.
    duration_ms: u64,
    /// The log that it wrote.
    wal_bytes: u64,
    rollback: RollbackView,
    /// Names that programs use and that have changed.
    changes: Vec<String>,
}

/// A table whose lock blocks other sessions.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LockView {
    table: String,
    /// As PostgreSQL names it.
    mode: String,
    /// Who waits.
    blocks: &'static str,
    line: usize,
    /// On the copy.
    held_ms: u64,
    /// On the database itself, by the sizes of both.
    estimated_ms: Option<u64>,
}

/// What a migration did to the rows of one table.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RowsView {
    table: String,
    inserted: u64,
    updated: u64,
    deleted: u64,
}

/// Whether the down migration restores the previous state.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RollbackView {
    is: RollbackWord,
    /// The down file, or the down section of the file.
    down: Option<String>,
    details: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum RollbackWord {
    Irreversible,
    Proved,
    Lossy,
    Wrong,
    Unmeasured,
}

impl From<&Rehearsed> for RollbackView {
    fn from(migration: &Rehearsed) -> RollbackView {
        let rollback = &migration.rollback;
        let is = match rollback {
            RollbackProof::Irreversible => RollbackWord::Irreversible,
            RollbackProof::Proved(_) => RollbackWord::Proved,
            RollbackProof::Lossy(_) => RollbackWord::Lossy,
            RollbackProof::Wrong(_) => RollbackWord::Wrong,
            RollbackProof::Unmeasured(_) => RollbackWord::Unmeasured,
        };
        RollbackView { is, down: migration.down.clone(), details: rollback.details().to_vec() }
    }
}

impl RollbackView {
    /// What there is to say about it: first, which file does not undo the migration.
    fn lines(&self) -> Vec<String> {
        let is_schema = |detail: &String| detail.starts_with("+ ") || detail.starts_with("- ");
        let legend = self.details.iter().any(is_schema);
        let legend = if legend { " (+ left behind, - not restored)" } else { "" };
        let wrong = self.down.iter().filter(|_| self.is == RollbackWord::Wrong);
        let wrong = wrong.map(|down| format!("{down} does not undo the migration{legend}"));
        let more = self.details.len().checked_sub(SHOWN + 1).map(|more| more + 1);
        let more = more.map(|more| format!("and {more} more"));
        wrong.chain(self.details.iter().take(SHOWN).cloned()).chain(more).collect()
    }
}

impl RollbackWord {
    fn word(self) -> &'static str {
        match self {
            RollbackWord::Irreversible => "irreversible",
            RollbackWord::Proved => "proved",
            RollbackWord::Lossy => "lossy",
            RollbackWord::Wrong => "wrong",
            RollbackWord::Unmeasured => "unmeasured",
        }
    }
}

impl From<&LockedTable> for LockView {
    fn from(lock: &LockedTable) -> LockView {
        LockView {
            table: lock.table.clone(),
            mode: lock.mode.clone(),
            blocks: lock.blocks,
            line: lock.line,
            held_ms: milliseconds(lock.held),
            estimated_ms: lock.estimated.map(milliseconds),
        }
    }
}

impl From<&Rehearsed> for RehearsedView {
    fn from(migration: &Rehearsed) -> RehearsedView {
        let rows = migration.rows.iter().map(|(table, rows)| RowsView {
            table: table.clone(),
            inserted: rows.inserted,
            updated: rows.updated,
            deleted: rows.deleted,
        });
        RehearsedView {
            version: migration.version.clone(),
            name: migration.name.clone(),
            file: migration.file.display().to_string(),
            verdict: migration.verdict,
            findings: migration.findings.clone(),
            locks: migration.locks.iter().map(LockView::from).collect(),
            rows: rows.collect(),
            duration_ms: milliseconds(migration.duration),
            wal_bytes: migration.wal,
            rollback: migration.into(),
            changes: migration.changes.clone(),
        }
    }
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
        lines.extend(self.migrations.iter().flat_map(|migration| migration.lines(style)));
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

    /// The report as Markdown: a table, and what hurts below it.
    fn markdown(&self) -> String {
        let mut lines = vec![
            format!("**{}**", self.counts()),
            String::new(),
            format!("{}.", self.heading()),
            String::new(),
            "| | migration | took | rollback | locks |".to_owned(),
            "|---|---|--:|---|---|".to_owned(),
        ];
        lines.extend(self.migrations.iter().map(RehearsedView::markdown_row));
        let hurting = self.migrations.iter().filter(|migration| !migration.findings.is_empty());
        lines.extend(hurting.flat_map(RehearsedView::markdown_findings));
        if !self.broken_queries.is_empty() {
            lines.push("\n**Queries that break**\n".to_owned());
            let line = |broken: &BrokenQuery| {
                format!("- `{}`, by {}: {}", broken.query, broken.by, broken.why)
            };
            lines.extend(self.broken_queries.iter().map(line));
        }
        lines.join("\n")
    }

    fn heading(&self) -> String {
        format!("Rehearsed on {}, made in {}", self.basis, took(self.copied_ms))
    }

    fn counts(&self) -> String {
        summary(self.migrations.iter().map(|migration| migration.verdict), "migration")
    }
}

impl RehearsedView {
    fn title(&self) -> String {
        title(&self.version, &self.name)
    }

    fn lines(&self, style: &Style) -> Vec<String> {
        let mut lines = vec![format!(
            "{} {}  {}",
            check::verdict(self.verdict, style),
            style.paint(BOLD, &self.title()),
            style.paint(DIM, &self.figures())
        )];
        lines.extend(self.findings.iter().flat_map(|found| check::finding(found, style)));
        for lock in self.locks.iter().take(SHOWN) {
            lines.push(format!("  line {:<4} {}", lock.line, style.paint(DIM, &lock.text())));
        }
        if self.locks.len() > SHOWN {
            let more = format!("            and {} more tables", self.locks.len() - SHOWN);
            lines.push(style.paint(DIM, &more));
        }
        let line = |line: String| style.paint(DIM, &format!("    rollback: {line}"));
        lines.extend(self.rollback.lines().into_iter().map(line));
        lines
    }

    fn figures(&self) -> String {
        let wal = if self.wal_bytes > 1 << 20 {
            format!(", {} of log", size(self.wal_bytes))
        } else {
            String::new()
        };
        format!("{}{wal}, rollback: {}", took(self.duration_ms), self.rollback.is.word())
    }

    fn markdown_row(&self) -> String {
        let shown = self.locks.iter().take(SHOWN);
        let locks = shown.map(|lock| format!("`{}`: {}", lock.table, lock.blocks));
        let more = self.locks.len().saturating_sub(SHOWN);
        let locks = locks.chain((more > 0).then(|| format!("and {more} more")));
        format!(
            "| **{}** | {} {} | {} | {} | {} |",
            self.verdict.word(),
            self.version,
            self.name,
            took(self.duration_ms),
            self.rollback.is.word(),
            locks.collect::<Vec<_>>().join(", ")
        )
    }

    fn markdown_findings(&self) -> Vec<String> {
        let mut lines = vec![format!("\n**{}**\n", self.title())];
        lines.extend(self.findings.iter().map(bullet));
        if self.rollback.is != RollbackWord::Unmeasured {
            let said = self.rollback.lines().into_iter();
            lines.extend(said.map(|line| format!("- rollback: {line}")));
        }
        lines
    }
}

impl LockView {
    fn text(&self) -> String {
        let estimated =
            self.estimated_ms.map(|ms| format!(", there about {} (an estimate)", took(ms)));
        format!(
            "{} wait for {} on {} ({}){}",
            self.blocks,
            took(self.held_ms),
            self.table,
            self.mode.trim_end_matches("Lock"),
            estimated.unwrap_or_default()
        )
    }
}

fn took(milliseconds: u64) -> String {
    elapsed(Duration::from_millis(milliseconds))
}

fn bullet(finding: &Finding) -> String {
    let word = finding.severity.verdict().word();
    let object = finding.object.as_ref().map(|object| format!(" `{object}`:")).unwrap_or_default();
    let said = format!(
        "- {word} line {}, {}:{object} {}",
        finding.place(),
        finding.rule,
        finding.evidence
    );
    // The help ends with how to accept it; the page of the rule has the alternatives.
    let help = finding.help.as_deref().filter(|_| finding.severity == Severity::Block);
    let accept = help.and_then(|help| Some(&help[help.find(IF_MEANT)?..]));
    accept.map_or_else(|| said.clone(), |accept| format!("{said}\n  {accept}"))
}

impl RehearsalReport {
    /// What was measured for the target.
    pub(crate) fn of(
        target: &Target,
        rehearsal: &Rehearsal,
        (receipt, signed_by): (&Path, Option<PublicKey>),
        form: Form,
    ) -> RehearsalReport {
        let receipt = receipt.display().to_string();
        let rehearsal = RehearsalView::of(target, rehearsal);
        let (target, loaded_as) = (target.into(), None);
        RehearsalReport { target, receipt, signed_by, loaded_as, rehearsal, form }
    }

    /// Adds the role that the backup was loaded as, if this project did not take it.
    pub(crate) fn loaded_as(self, loaded_as: Option<LoadedAs>) -> RehearsalReport {
        RehearsalReport { loaded_as, ..self }
    }
}

impl Answer for RehearsalReport {
    fn text(&self, style: &Style) -> String {
        let text = match self.form {
            Form::Terminal => self.rehearsal.text(style),
            Form::Markdown => self.rehearsal.markdown(),
        };
        let Some(role) = self.loaded_as.as_ref().map(LoadedAs::describe) else { return text };
        format!("{text}\n\nThis project did not take the backup, so everything ran as {role}.")
    }

    fn text_of_set(&self, name: &str, style: &Style) -> String {
        self.form.of_set(name, &self.text(style), style)
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
    #[serde(skip)]
    form: Form,
}

impl NothingRehearsed {
    /// No migration is pending on the target.
    pub(crate) fn of(target: &Target, form: Form) -> NothingRehearsed {
        NothingRehearsed {
            target: target.into(),
            verdict: Verdict::Pass,
            migrations: Vec::new(),
            broken_queries: Vec::new(),
            reason: "nothing to rehearse: no migration is pending",
            form,
        }
    }
}

impl Answer for NothingRehearsed {
    fn text(&self, _: &Style) -> String {
        self.reason.to_owned()
    }

    fn text_of_set(&self, name: &str, style: &Style) -> String {
        self.form.of_set(name, &self.text(style), style)
    }
}

impl Form {
    /// The report for one of several sets of migrations.
    fn of_set(self, name: &str, report: &str, style: &Style) -> String {
        match self {
            Form::Terminal => below_title(name, report, style),
            Form::Markdown => format!("## Set `{name}`\n\n{report}\n"),
        }
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
