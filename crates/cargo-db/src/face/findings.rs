//! Findings, for people and for programs.

use serde_json::{Value, json};

use crate::model::finding::{Checked, Finding, Severity, Verdict};
use crate::ui::text::{plural, wrapped};
use crate::ui::{BOLD, DIM, GREEN, RED, Ui, YELLOW};

/// What a check found: the files with something to say, and a summary.
pub(super) fn checked(checked: &[Checked], ui: &Ui) -> String {
    let mut lines = Vec::new();
    for file in checked.iter().filter(|file| !file.findings.is_empty()) {
        lines.push(format!(
            "{} {}",
            verdict(file.verdict(), ui),
            ui.out(BOLD, &file.file.display().to_string())
        ));
        lines.extend(file.findings.iter().flat_map(|found| finding(found, ui)));
        lines.push(String::new());
    }
    lines.push(summary(checked.iter().map(Checked::verdict), "file"));
    lines.join("\n")
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
    format!(
        "{}{}{}",
        plural(verdicts.len(), noun),
        if counts.is_empty() { "" } else { ": " },
        counts.join(", ")
    )
}

/// The word of a verdict, in its colour.
pub(super) fn verdict(verdict: Verdict, ui: &Ui) -> String {
    let style = match verdict {
        Verdict::Block => RED,
        Verdict::Warn | Verdict::Unmeasured => YELLOW,
        Verdict::Pass => GREEN,
    };
    ui.out(style, &format!("{:<5}", verdict.word()))
}

/// A finding: where, what, and what to do instead.
pub(super) fn finding(finding: &Finding, ui: &Ui) -> Vec<String> {
    let style = if finding.severity == Severity::Block { RED } else { YELLOW };
    let object = finding.object.as_ref().map(|object| format!(" {object}:")).unwrap_or_default();
    let said =
        wrapped(&format!("{}{object} {}", finding.rule, finding.evidence), ui.width(), INDENT);
    let mut lines: Vec<String> =
        said.into_iter().map(|line| format!("{:INDENT$}{line}", "")).collect();
    let head =
        lines[0].trim_start().strip_prefix(finding.rule.as_str()).unwrap_or_default().to_owned();
    lines[0] = format!("  line {:<4} {}{head}", finding.line, ui.out(style, &finding.rule));
    let help = finding.help.iter().flat_map(|help| wrapped(help, ui.width(), INDENT));
    lines.extend(help.map(|line| ui.out(DIM, &format!("{:INDENT$}{line}", ""))));
    lines
}

/// Where the text of a finding begins.
const INDENT: usize = 12;

/// A file that was checked, as JSON.
pub(super) fn checked_json(checked: &Checked) -> Value {
    json!({
        "version": checked.version,
        "name": checked.name,
        "file": checked.file,
        "verdict": checked.verdict().word(),
        "findings": checked.findings.iter().map(finding_json).collect::<Vec<_>>(),
    })
}

/// A finding, as JSON.
pub(super) fn finding_json(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "severity": if finding.severity == Severity::Block { "block" } else { "warn" },
        "line": finding.line,
        "statement": finding.statement,
        "object": finding.object,
        "evidence": finding.evidence,
        "help": finding.help,
        "rows": finding.rows,
    })
}
