//! What a report is about, for all formats.

use std::cmp::Reverse;

use pg_sql::lexer::headline;

use crate::answer::{ErrorView, FileReport, Outcome, SetReport, Style};
use crate::model::finding::Finding;
use crate::world::git::folder_in_repository;

/// How many characters of a statement are shown.
const STATEMENT: usize = 300;

/// What a report is about.
pub(in crate::face) struct Page {
    pub(super) verb: &'static str,
    pub(super) sets: Vec<SetReport>,
    /// The folder of the project in its repository, as a path that ends with `/`, or nothing.
    folder: String,
}

/// A finding and its file.
#[derive(Clone, Copy)]
pub(super) struct FileFinding<'a> {
    pub(super) file: &'a FileReport,
    pub(super) finding: &'a Finding,
}

impl Page {
    /// The reports of a run.
    pub(in crate::face) fn of(verb: &'static str, outcome: &Outcome, style: &Style) -> Page {
        // The text is wrapped and coloured by what displays it.
        let style = Style { width: usize::MAX, colours: false, details: true, ..style.clone() };
        Page {
            verb,
            sets: outcome.reports(&style),
            folder: outcome.root().and_then(folder_in_repository).unwrap_or_default(),
        }
    }

    /// Such as `cargo db check`.
    pub(super) fn title(&self) -> String {
        format!("cargo db {}", self.verb)
    }

    /// All findings, the worst first.
    pub(super) fn findings(&self) -> Vec<FileFinding<'_>> {
        let files = self.sets.iter().flat_map(|set| &set.files);
        let mut all: Vec<FileFinding<'_>> = files.flat_map(FileFinding::all_of).collect();
        all.sort_by_key(|found| Reverse(found.finding.severity));
        all
    }

    /// Why sets, or the whole run, failed.
    pub(super) fn errors(&self) -> impl Iterator<Item = (Option<&str>, &ErrorView)> {
        self.sets.iter().filter_map(|report| Some((report.set.as_deref(), report.error.as_ref()?)))
    }

    /// A file of the project as its repository names it.
    pub(super) fn path(&self, file: &str) -> String {
        format!("{}{file}", self.folder)
    }
}

/// The parts of a message, and whether each is code between backticks. If one is not closed, none
/// is code.
pub(super) fn code_parts(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let has_pairs = text.matches('`').count().is_multiple_of(2);
    let parts = text.split(move |character| has_pairs && character == '`');
    parts.enumerate().map(|(at, part)| (at % 2 == 1, part))
}

impl<'a> FileFinding<'a> {
    pub(super) fn all_of(file: &'a FileReport) -> impl Iterator<Item = FileFinding<'a>> {
        file.findings.iter().map(move |finding| FileFinding { file, finding })
    }

    /// Its rule, and its object where it is known.
    pub(super) fn title(&self) -> String {
        let object = self.finding.object.iter().map(|object| format!(" {object}"));
        format!("{}{}", self.finding.rule, object.collect::<String>())
    }

    /// Its statement without the strings, if it is about one.
    pub(super) fn statement(&self) -> Option<String> {
        Some(headline(&self.finding.statement, STATEMENT)).filter(|text| !text.is_empty())
    }

    /// What was seen, and what to do instead.
    pub(super) fn message(&self) -> String {
        let Finding { evidence, help, .. } = self.finding;
        [Some(evidence), help.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join("\n")
    }
}
