//! What `doctor` found.

use std::path::Path;

use serde::Serialize;

use crate::answer::text::{plural, wrapped};
use crate::answer::{Answer, DIM, GREEN, RED, Style};

/// The result of every check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DoctorReport {
    checks: Vec<ExaminedView>,
    /// The file that `--bundle` wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<String>,
}

/// The result of a check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExaminedView {
    /// Stable; the texts are for people and may change.
    pub(crate) id: &'static str,
    pub(crate) state: HealthState,
    /// The set of migrations whose database was examined. Null if there is one, or if the check is
    /// about the project.
    pub(crate) set: Option<String>,
    /// What was found.
    pub(crate) evidence: Vec<String>,
    /// How a problem is solved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// Commands that help and change nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) commands: Vec<String>,
}

/// Whether something is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum HealthState {
    Ok,
    Problem,
    Skipped,
}

impl DoctorReport {
    /// All results, in the order in which they are shown.
    pub(crate) fn of(checks: Vec<ExaminedView>) -> DoctorReport {
        DoctorReport { checks, bundle: None }
    }

    /// The same, after a bundle was written to this file.
    pub(crate) fn with_bundle(self, path: &Path) -> DoctorReport {
        DoctorReport { bundle: Some(path.display().to_string()), ..self }
    }

    /// Whether there is a problem.
    pub(crate) fn has_problem(&self) -> bool {
        self.count(HealthState::Problem) > 0
    }

    fn count(&self, state: HealthState) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }
}

impl ExaminedView {
    fn text(&self, style: &Style) -> String {
        let (colour, word) = match self.state {
            HealthState::Ok => (GREEN, "ok"),
            HealthState::Problem => (RED, "problem"),
            HealthState::Skipped => (DIM, "skipped"),
        };
        let set = self.set.as_ref().map(|set| format!(" ({set})")).unwrap_or_default();
        let mut lines = vec![format!("{} {}{set}", style.paint(colour, word), self.id)];
        let texts = self.evidence.iter().chain(&self.remedy);
        let wrapped = texts.flat_map(|text| wrapped(text, style.width, 2));
        lines.extend(wrapped.map(|line| format!("  {line}")));
        lines.extend(self.commands.iter().map(|command| format!("    {}", style.command(command))));
        lines.join("\n")
    }
}

impl Answer for DoctorReport {
    fn text(&self, style: &Style) -> String {
        let is_shown = |check: &&ExaminedView| style.details || check.state == HealthState::Problem;
        let shown = self.checks.iter().filter(is_shown);
        let mut lines: Vec<String> = shown.map(|check| check.text(style)).collect();
        let problems = match self.count(HealthState::Problem) {
            0 => "no problem".to_owned(),
            count => plural(count, "problem"),
        };
        let (checks, skipped) = (self.checks.len(), self.count(HealthState::Skipped));
        lines.push(format!("{problems} in {}, {skipped} skipped", plural(checks, "check")));
        lines.extend(self.bundle.iter().map(|bundle| {
            format!("wrote {bundle}; it names tables and columns: read it before you attach it")
        }));
        lines.join("\n")
    }
}
