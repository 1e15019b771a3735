//! Whether the migrations can be deployed.

use std::time::Duration;

use serde::Serialize;

use crate::answer::check::{self, CheckedView};
use crate::answer::drift::DriftView;
use crate::answer::plan::TargetView;
use crate::answer::report::{FileReport, SetReport, counts};
use crate::answer::text::{elapsed, milliseconds, number, plural};
use crate::answer::{Answer, BOLD, Style};
use crate::failure::Exit;
use crate::model::environment::Environment;
use crate::model::finding::{Checked, Finding, Verdict};
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::rehearse::MigrationEstimate;
use crate::schema::Drift;

/// What is known of a deployment before it begins.
pub(crate) struct DeployFacts<'a> {
    pub(crate) target: &'a Target,
    pub(crate) environment: Environment,
    pub(crate) pending: Vec<PendingReport>,
    /// `None` if it is not examined.
    pub(crate) drift: Option<&'a Drift>,
    pub(crate) receipt: Option<ReceiptView>,
    pub(crate) backup: Option<NewestBackup>,
    pub(crate) connections: Option<ConnectionsView>,
    /// About the database as a whole, besides its drift.
    pub(crate) findings: Vec<Finding>,
    /// The least severe verdict that is a finding of the run.
    pub(crate) fails_from: Verdict,
}

/// Whether the migrations can be deployed. If nothing is pending, only the history and the schema
/// were examined.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DeployReport {
    target: TargetView,
    environment: Environment,
    /// The pending migrations.
    pending: Vec<PendingReport>,
    /// Null if nothing is applied, or if a migration tool reports the history itself.
    drift: Option<DriftView>,
    receipt: Option<ReceiptView>,
    /// Null if none is needed.
    backup: Option<NewestBackup>,
    connections: Option<ConnectionsView>,
    /// About the database as a whole, besides its drift.
    findings: Vec<Finding>,
    #[serde(skip)]
    fails_from: Verdict,
}

/// A pending migration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PendingReport {
    #[serde(flatten)]
    checked: CheckedView,
    /// What it took in the rehearsal; null if that was not measured.
    measured_ms: Option<u64>,
    /// The estimate for this database, by the sizes of its tables.
    estimated_ms: Option<u64>,
}

/// Whether a receipt covers the pending migrations.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReceiptView {
    /// Whether `migrate` refuses to run without one.
    #[serde(rename = "required")]
    pub(crate) is_required: bool,
    /// When the rehearsal of the one that is valid ran; null if none is.
    pub(crate) rehearsed: Option<String>,
    /// Why none is valid.
    pub(crate) objections: Vec<String>,
}

/// The newest verified backup.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NewestBackup {
    /// Null if there is none.
    pub(crate) name: Option<String>,
    #[serde(rename = "age_ms", serialize_with = "in_ms")]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub(crate) age: Option<Duration>,
    /// `[backup] max-age`.
    #[serde(rename = "max_age_ms", serialize_with = "in_ms")]
    #[cfg_attr(test, schemars(with = "Option<u64>"))]
    pub(crate) max_age: Option<Duration>,
}

fn in_ms<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(milliseconds).serialize(to)
}

/// How many connections the server still accepts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConnectionsView {
    pub(crate) free: u64,
    pub(crate) limit: u64,
    /// `the server`, `the role` or `the database`.
    pub(crate) limited_by: String,
    /// How many `migrate` needs.
    pub(crate) needed: u64,
}

impl PendingReport {
    /// A migration without findings.
    pub(crate) fn of(migration: &Migration) -> PendingReport {
        let checked = Checked {
            file: migration.up.path.clone(),
            version: Some(migration.version.to_string()),
            name: migration.name.clone(),
            findings: Vec::new(),
            expected: Vec::new(),
            allowed: Vec::new(),
        };
        PendingReport { checked: (&checked).into(), measured_ms: None, estimated_ms: None }
    }

    /// Adds what it takes, and what the budget says about that.
    pub(crate) fn add(&mut self, findings: Vec<Finding>, estimate: &MigrationEstimate) {
        self.checked.add(findings);
        let whole = estimate.costs.as_ref().map(|costs| &costs.whole);
        self.measured_ms = whole.map(|whole| milliseconds(whole.measured));
        self.estimated_ms = whole.map(|whole| milliseconds(whole.here));
    }
}

impl From<DeployFacts<'_>> for DeployReport {
    fn from(facts: DeployFacts<'_>) -> DeployReport {
        let DeployFacts { target, environment, pending, receipt, backup, connections, .. } = facts;
        DeployReport {
            target: target.into(),
            environment,
            pending,
            drift: facts.drift.map(DriftView::from),
            receipt,
            backup,
            connections,
            findings: facts.findings,
            fails_from: facts.fails_from,
        }
    }
}

/// What a pipeline has to know about a finding of this kind.
fn exit_of(rule: &str) -> Exit {
    match rule {
        "history" | "drift" => Exit::History,
        "old-backup" => Exit::Backup,
        "no-receipt" => Exit::Policy,
        "few-connections" => Exit::Unreachable,
        _ => Exit::Finding,
    }
}

impl DeployReport {
    /// The exit code: that of the worst finding which is severe enough.
    pub(crate) fn exit(&self) -> Exit {
        let of_migrations = self.pending.iter().flat_map(|pending| pending.checked.findings());
        let all = of_migrations.chain(&self.findings);
        let failing = all.filter(|found| found.severity.verdict() >= self.fails_from);
        let drift = self.drift.iter().filter(|drift| drift.is_found()).map(|_| "drift");
        Exit::of_several(failing.map(|found| found.rule.as_str()).chain(drift).map(exit_of))
    }

    /// The report on the database as a whole.
    fn database(&self, style: &Style) -> FileReport {
        let drift = self.drift.iter().filter(|drift| drift.is_found());
        let drift = drift.map(|drift| drift.finding(style));
        let findings: Vec<Finding> = self.findings.iter().cloned().chain(drift).collect();
        FileReport {
            noun: "database",
            file: None,
            title: self.target.database.clone(),
            verdict: Verdict::of(&findings),
            findings,
            rehearsed: None,
        }
    }

    /// What was examined, a line each.
    fn facts(&self, style: &Style) -> Vec<String> {
        let mut lines = vec![format!(
            "{} at {}, {}",
            style.paint(BOLD, &self.target.database),
            self.target.server,
            self.environment
        )];
        let mut line = |name: &str, value: String| lines.push(format!("{name:<13}{value}"));
        match self.pending.len() {
            0 => line("Pending", "no migrations".to_owned()),
            count => line("Pending", plural(count, "migration")),
        }
        if let Some(receipt) = &self.receipt {
            line("Receipt", receipt.text());
        }
        let estimates: Option<u64> = self.pending.iter().map(|one| one.estimated_ms).sum();
        if let Some(sum) = estimates.filter(|_| self.receipt.is_some()) {
            line("Duration", format!("about {}", elapsed(Duration::from_millis(sum))));
        }
        if let Some(backup) = &self.backup {
            line("Backup", backup.text());
        }
        if let Some(ConnectionsView { free, limit, limited_by, .. }) = &self.connections {
            let (free, limit) = (number(*free), number(*limit));
            line("Connections", format!("{free} of {limit} free, limited by {limited_by}"));
        }
        // What has drifted is a finding.
        let unknown = self.drift.iter().filter(|drift| !drift.is_found());
        lines.extend(unknown.flat_map(|drift| drift.lines(style)));
        lines
    }
}

impl ReceiptView {
    fn text(&self) -> String {
        match (&self.rehearsed, self.is_required) {
            (Some(date), _) => format!("valid, of the rehearsal of {date}"),
            (None, true) => "none is valid".to_owned(),
            (None, false) => "none is needed".to_owned(),
        }
    }
}

impl NewestBackup {
    fn text(&self) -> String {
        let Some((name, age)) = self.name.as_ref().zip(self.age) else {
            return "none is verified".to_owned();
        };
        let age = humantime::format_duration(Duration::from_secs(age.as_secs()));
        format!("{name}, verified, {age} old")
    }
}

impl Answer for DeployReport {
    fn text(&self, style: &Style) -> String {
        let mut lines = self.facts(style);
        let reports = self.reports(style);
        let files = reports.iter().flat_map(|report| &report.files);
        for file in files.filter(|file| !file.findings.is_empty()) {
            let word = check::verdict(file.verdict, style);
            lines.extend([String::new(), format!("{word} {}", style.paint(BOLD, &file.title))]);
            let has_lines = file.file.is_some();
            let shown = |found| check::finding_in(found, style, has_lines);
            lines.extend(file.findings.iter().flat_map(shown));
        }
        lines.extend([String::new(), counts(&reports)]);
        lines.join("\n")
    }

    fn reports(&self, style: &Style) -> Vec<SetReport> {
        let of_migration = |pending: &PendingReport| FileReport {
            noun: "migration",
            ..FileReport::from(&pending.checked)
        };
        let files = self.pending.iter().map(of_migration);
        vec![SetReport {
            files: files.chain([self.database(style)]).collect(),
            fails_from: self.fails_from,
            ..SetReport::default()
        }]
    }
}
