//! What `check` and `rehearse` found, in the one form from which `face` writes every format.

use std::collections::BTreeSet;

use crate::answer::error::ErrorView;
use crate::answer::rehearsed::RehearsedView;
use crate::answer::text::plural;
use crate::model::finding::{Finding, Verdict};

/// The version of the program that reports.
#[cfg(feature = "ci")]
pub(crate) const PROGRAM_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What was found in a set of migrations.
pub(crate) struct SetReport {
    /// The name of the set, if the project has sets.
    pub(crate) set: Option<String>,
    /// What else to say, in a sentence each without its full stop.
    pub(crate) notes: Vec<String>,
    pub(crate) files: Vec<FileReport>,
    /// The least severe verdict on a file that fails the run.
    #[cfg_attr(not(feature = "ci"), expect(dead_code, reason = "only test reports have failures"))]
    pub(crate) fails_from: Verdict,
    /// Why nothing, or not all, was found.
    pub(crate) error: Option<ErrorView>,
}

/// What was found in a file.
pub(crate) struct FileReport {
    /// What it is: `file`, `migration`.
    pub(crate) noun: &'static str,
    /// Relative to the root of the project; `None` if the findings are not about a file.
    pub(crate) file: Option<String>,
    pub(crate) title: String,
    pub(crate) verdict: Verdict,
    pub(crate) findings: Vec<Finding>,
    /// What was measured.
    pub(crate) rehearsed: Option<Box<RehearsedView>>,
}

impl Default for SetReport {
    fn default() -> SetReport {
        SetReport {
            set: None,
            notes: Vec::new(),
            files: Vec::new(),
            fails_from: Verdict::Warn,
            error: None,
        }
    }
}

impl SetReport {
    /// Of a set, or a run, that failed.
    pub(crate) fn failed(error: ErrorView) -> SetReport {
        SetReport { error: Some(error), ..SetReport::default() }
    }
}

impl FileReport {
    /// Of a file, or of something else, with one finding.
    pub(super) fn of_whole(noun: &'static str, file: Option<&str>, finding: Finding) -> FileReport {
        FileReport {
            noun,
            file: file.map(str::to_owned),
            title: file.unwrap_or(noun).to_owned(),
            verdict: finding.severity.verdict(),
            findings: vec![finding],
            rehearsed: None,
        }
    }
}

/// How many files there are of each kind and verdict, and how many sets failed: `2 migrations: 1
/// BLOCK, 1 PASS; 1 failed`.
pub(crate) fn counts(reports: &[SetReport]) -> String {
    let files = || reports.iter().flat_map(|report| &report.files);
    let nouns: BTreeSet<&str> = files().map(|file| file.noun).collect();
    let of_noun = |noun: &&str| {
        let verdicts = files().filter(|file| file.noun == *noun).map(|file| file.verdict);
        summary(verdicts, noun)
    };
    let failed = reports.iter().filter(|report| report.error.is_some()).count();
    let failed = (failed > 0).then(|| format!("{failed} failed"));
    let counts: Vec<String> = nouns.iter().map(of_noun).chain(failed).collect();
    if counts.is_empty() { "no files".to_owned() } else { counts.join("; ") }
}

/// How many of each: `12 files: 1 BLOCK, 2 WARN, 9 PASS`.
pub(super) fn summary(verdicts: impl Iterator<Item = Verdict>, noun: &str) -> String {
    let verdicts: Vec<Verdict> = verdicts.collect();
    let order = [Verdict::Block, Verdict::Unmeasured, Verdict::Warn, Verdict::Pass];
    let counts = order.into_iter().filter_map(|verdict| {
        let count = verdicts.iter().filter(|&&one| one == verdict).count();
        (count > 0).then(|| format!("{count} {}", verdict.word()))
    });
    let counts: Vec<String> = counts.collect();
    let gap = if counts.is_empty() { "" } else { ": " };
    format!("{}{gap}{}", plural(verdicts.len(), noun), counts.join(", "))
}
