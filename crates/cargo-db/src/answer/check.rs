//! What `check` found, and findings wherever they are shown.

use serde::{Serialize, Serializer};

use crate::answer::drift::DriftView;
use crate::answer::report::{FileReport, SetReport, summary};
use crate::answer::text::wrapped;
use crate::answer::{Answer, BOLD, DIM, GREEN, RED, SchemaFileView, Style, YELLOW};
use crate::model::finding::{Checked, Finding, Severity, Verdict};
use crate::schema::{Comparison, Drift};

/// Where the text of a finding begins.
const INDENT: usize = 12;

/// What a check found in each file.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckReport {
    /// How many files were checked.
    files: usize,
    migrations: CheckedFiles,
    /// With `--schema`: how the schema file stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_file: Option<SchemaFileView>,
    /// Where else there are migrations, if there are none here.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Whether the schema file does not match the migrations.
    #[serde(skip)]
    differs: bool,
    /// With `--drift`: how the schema of the database differs from what the migrations left. Null
    /// if nothing is applied, or if a migration tool reports the history itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<DriftView>,
    /// Whether nothing is said to people if there are no files.
    #[serde(skip)]
    silent: bool,
    /// The least severe verdict that is a finding of the run.
    #[serde(skip)]
    fails_from: Verdict,
}

/// The files that were checked; for an AI agent, which pays for each word, only those with
/// findings, unless it passes `--verbose`.
#[derive(Clone)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(transparent))]
struct CheckedFiles {
    files: Vec<CheckedView>,
    #[cfg_attr(test, schemars(skip))]
    lists_all: bool,
}

impl Serialize for CheckedFiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_listed = |file: &&CheckedView| self.lists_all || !file.findings.is_empty();
        serializer.collect_seq(self.files.iter().filter(is_listed))
    }
}

/// One file that was checked.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CheckedView {
    /// Where it is a migration's.
    version: Option<String>,
    name: String,
    file: String,
    verdict: Verdict,
    findings: Vec<Finding>,
}

impl From<&Checked> for CheckedView {
    fn from(checked: &Checked) -> CheckedView {
        CheckedView {
            version: checked.version.clone(),
            name: checked.name.clone(),
            file: checked.file.display().to_string(),
            verdict: checked.verdict(),
            findings: checked.findings.clone(),
        }
    }
}

impl CheckedView {
    pub(super) fn verdict(&self) -> Verdict {
        self.verdict
    }

    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Adds what was found besides.
    pub(super) fn add(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
        self.verdict = Verdict::of(&self.findings);
    }
}

impl CheckReport {
    /// What was found in these files.
    pub(crate) fn of(
        checked: &[Checked],
        hint: Option<String>,
        fails_from: Verdict,
    ) -> CheckReport {
        let files = checked.iter().map(CheckedView::from).collect();
        CheckReport {
            files: checked.len(),
            migrations: CheckedFiles { files, lists_all: false },
            schema_file: None,
            hint,
            differs: false,
            drift: None,
            silent: false,
            fails_from,
        }
    }

    /// The same; whether its JSON lists files without findings, too.
    pub(crate) fn listing_all(self, lists_all: bool) -> CheckReport {
        CheckReport { migrations: CheckedFiles { lists_all, ..self.migrations }, ..self }
    }

    /// The same without a word to people, because no file was to be checked.
    pub(crate) fn silent(self) -> CheckReport {
        CheckReport { silent: true, ..self }
    }

    /// The same with what the schema file was compared with.
    pub(crate) fn with_schema(self, comparison: Option<&Comparison>) -> CheckReport {
        let differs = comparison.is_some_and(|comparison| !comparison.is_same());
        CheckReport { schema_file: comparison.map(SchemaFileView::of), differs, ..self }
    }

    /// Whether a finding is severe enough, the schema file does not match, or the schema of the
    /// database has drifted.
    pub(crate) fn is_finding(&self) -> bool {
        self.differs
            || self.has_drifted()
            || self.migrations.files.iter().any(|file| file.verdict >= self.fails_from)
    }

    fn has_drifted(&self) -> bool {
        self.drift.as_ref().is_some_and(DriftView::is_found)
    }

    /// The same with the drift of the database.
    pub(crate) fn with_drift(self, drift: Option<&Drift>) -> CheckReport {
        CheckReport { drift: drift.map(DriftView::from), ..self }
    }
}

impl Answer for CheckReport {
    fn text(&self, style: &Style) -> String {
        if self.silent {
            return String::new();
        }
        let schema = self.schema_file.iter().map(|file| file.text(style));
        let drift = self.drift.iter().flat_map(|drift| drift.lines(style));
        let all: Vec<String> =
            [text(&self.migrations.files, style)].into_iter().chain(schema).chain(drift).collect();
        all.join("\n")
    }

    fn reports(&self, style: &Style) -> Vec<SetReport> {
        let files = self.migrations.files.iter().map(FileReport::from);
        let schema = self.schema_file.iter().filter(|_| self.differs);
        let schema = schema.map(|file| file.report(style));
        let drift = self.drift.iter().filter(|drift| drift.is_found());
        let drift = drift.map(|drift| drift.report(style));
        vec![SetReport {
            notes: self.hint.iter().cloned().collect(),
            files: files.chain(schema).chain(drift).collect(),
            fails_from: self.fails_from,
            ..SetReport::default()
        }]
    }
}

impl From<&CheckedView> for FileReport {
    fn from(checked: &CheckedView) -> FileReport {
        FileReport {
            noun: "file",
            file: Some(checked.file.clone()),
            title: checked.file.clone(),
            verdict: checked.verdict,
            findings: checked.findings.clone(),
            rehearsed: None,
        }
    }
}

/// The files with something to say, and a summary.
pub(super) fn text(checked: &[CheckedView], style: &Style) -> String {
    let mut lines = Vec::new();
    for file in checked.iter().filter(|file| !file.findings.is_empty()) {
        lines.extend(self::lines(file, style));
        lines.push(String::new());
    }
    lines.push(summary(checked.iter().map(|file| file.verdict), "file"));
    lines.join("\n")
}

/// The verdict on a file, and its findings.
pub(super) fn lines(file: &CheckedView, style: &Style) -> Vec<String> {
    let head = format!("{} {}", verdict(file.verdict, style), style.paint(BOLD, &file.file));
    let findings = file.findings.iter().flat_map(|found| finding(found, style));
    std::iter::once(head).chain(findings).collect()
}

/// A verdict in its colour.
pub(super) fn verdict(verdict: Verdict, style: &Style) -> String {
    let colour = match verdict {
        Verdict::Block => RED,
        Verdict::Warn | Verdict::Unmeasured => YELLOW,
        Verdict::Pass => GREEN,
    };
    style.paint(colour, &format!("{:<5}", verdict.word()))
}

/// A finding: where, what, and what to do instead.
pub(super) fn finding(finding: &Finding, style: &Style) -> Vec<String> {
    finding_in(finding, style, true)
}

/// The same; what it is about may have no lines.
pub(super) fn finding_in(finding: &Finding, style: &Style, has_lines: bool) -> Vec<String> {
    let colour = if finding.severity == Severity::Block { RED } else { YELLOW };
    let object = finding.object.as_ref().map(|object| format!(" {object}:")).unwrap_or_default();
    let said = format!("{}{object} {}", finding.rule, finding.evidence);
    let said = wrapped(&said, style.width, INDENT);
    let mut lines: Vec<String> =
        said.into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect();
    let head =
        lines[0].trim_start().strip_prefix(finding.rule.as_str()).unwrap_or_default().to_owned();
    let rule = style.paint(colour, &finding.rule);
    let place = if has_lines { format!("  line {:<4} ", finding.place()) } else { String::new() };
    lines[0] = format!("{place:<INDENT$}{rule}{head}");
    let help = finding.help.iter().flat_map(|help| wrapped(help, style.width, INDENT));
    lines.extend(help.map(|line| style.paint(DIM, &format!("{:INDENT$}{line}", ""))));
    lines
}
