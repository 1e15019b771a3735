//! A migration that was generated.

use std::path::PathBuf;

use serde::Serialize;

use crate::answer::check::{self, CheckedView};
use crate::answer::text::plural;
use crate::answer::{Answer, BOLD, Style, YELLOW};
use crate::generate::{
    DownStage, GeneratedHazard, GeneratedMigration, MigrationStage, RowsInTheWay,
};
use crate::model::finding::{Checked, Verdict};

/// A migration that `generate` wrote, or would write.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct GeneratedView {
    /// The wanted schema: a file, a folder or a database.
    compared: String,
    /// The files that were written.
    files: Vec<String>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The differences, in words.
    changes: Vec<String>,
    /// The statements of each file that applies the migration.
    up: Vec<String>,
    /// The statements that roll each of them back; `null` where none do.
    down: Vec<Option<String>>,
    /// Why the migration cannot be rolled back.
    irreversible: Vec<String>,
    proof: ProofView,
    /// What to consider and no rule of `check` can see.
    hazards: Vec<HazardView>,
    /// What the rules of `check` find in the files.
    checked: Vec<CheckedView>,
    dry_run: bool,
    /// The version to record in the database that has the changes already.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<String>,
}

/// What the proof of the migration covered.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProofView {
    /// How many tables had rows.
    tables_with_rows: usize,
    /// Tables that no row could be made for.
    tables_without_rows: Vec<UnfilledView>,
    /// The migration fails on rows like these.
    fails_on_rows: Vec<FailingRowsView>,
}

/// A table that no row could be made for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UnfilledView {
    table: String,
    why: String,
}

/// Rows on which the migration fails.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FailingRowsView {
    /// The table, if known.
    table: Option<String>,
    /// `up` or `down`.
    direction: &'static str,
    /// What the server said.
    why: String,
}

/// Something to consider.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct HazardView {
    hazard: &'static str,
    object: String,
    why: String,
}

impl From<&RowsInTheWay> for FailingRowsView {
    fn from(rows: &RowsInTheWay) -> FailingRowsView {
        let direction = if rows.is_down { "down" } else { "up" };
        FailingRowsView { table: rows.table.clone(), direction, why: rows.why.clone() }
    }
}

impl From<&GeneratedHazard> for HazardView {
    fn from(hazard: &GeneratedHazard) -> HazardView {
        let GeneratedHazard { word, object, why } = hazard;
        HazardView { hazard: word, object: object.clone(), why: why.clone() }
    }
}

impl GeneratedView {
    /// The two states do not differ.
    pub(crate) fn nothing(compared: &str) -> GeneratedView {
        GeneratedView {
            compared: compared.to_owned(),
            files: Vec::new(),
            reason: Some("nothing to generate: the migrations build the wanted schema already"),
            changes: Vec::new(),
            up: Vec::new(),
            down: Vec::new(),
            irreversible: Vec::new(),
            proof: ProofView::default(),
            hazards: Vec::new(),
            checked: Vec::new(),
            dry_run: false,
            baseline: None,
        }
    }

    /// A migration, before it is written.
    pub(crate) fn of(
        compared: &str,
        migration: &GeneratedMigration,
        checked: &[Checked],
    ) -> GeneratedView {
        let stages = &migration.stages;
        let empty = migration.empty.iter();
        let unfilled = |one: &crate::generate::EmptyTable| UnfilledView {
            table: one.table.clone(),
            why: one.why.clone(),
        };
        GeneratedView {
            reason: None,
            changes: migration.found.clone(),
            up: stages.iter().map(|stage| sql(&stage.up)).collect(),
            down: stages.iter().map(down).collect(),
            irreversible: irreversible(stages),
            proof: ProofView {
                tables_with_rows: migration.filled,
                tables_without_rows: empty.map(unfilled).collect(),
                fails_on_rows: migration.rows.iter().map(FailingRowsView::from).collect(),
            },
            hazards: migration.hazards.iter().map(HazardView::from).collect(),
            checked: checked.iter().map(CheckedView::from).collect(),
            ..GeneratedView::nothing(compared)
        }
    }

    /// These files were written.
    pub(crate) fn written(self, files: &[PathBuf]) -> GeneratedView {
        GeneratedView {
            files: files.iter().map(|file| file.display().to_string()).collect(),
            ..self
        }
    }

    /// The database has these changes already: the migrations up to this version are to be recorded
    /// in it.
    pub(crate) fn with_baseline(self, version: Option<String>) -> GeneratedView {
        GeneratedView { baseline: version, ..self }
    }

    /// Nothing was written.
    pub(crate) fn dry_run(self) -> GeneratedView {
        GeneratedView { dry_run: true, ..self }
    }

    fn statements(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (up, down) in self.up.iter().zip(&self.down) {
            lines.push("-- up".to_owned());
            lines.push(up.trim_end().to_owned());
            if let Some(down) = down {
                lines.push("\n-- down".to_owned());
                lines.push(down.trim_end().to_owned());
            }
            lines.push(String::new());
        }
        lines
    }

    fn proof(&self) -> Vec<String> {
        let way = match self.irreversible.is_empty() {
            true => "applied and rolled back",
            false => "applied",
        };
        let tables = plural(self.proof.tables_with_rows, "table");
        let mut lines = vec![format!("proved on a scratch database: {way}, with rows in {tables}")];
        lines.extend(self.irreversible.iter().map(|why| format!("  cannot be rolled back: {why}")));
        for UnfilledView { table, why } in &self.proof.tables_without_rows {
            lines.push(format!("  not proved with rows: {table} ({why})"));
        }
        lines
    }

    fn hazards(&self, style: &Style) -> Vec<String> {
        let warning = style.paint(YELLOW, "warning:");
        let lines = lines(&self.proof.fails_on_rows, &self.hazards);
        lines.iter().map(|line| format!("{warning} {line}")).collect()
    }

    fn next(&self, style: &Style) -> String {
        let migrate = style.command("cargo db migrate");
        let Some(version) = &self.baseline else {
            return format!("next: read the migration, then run `{migrate}`");
        };
        let record = format!("cargo db baseline --to {}", shell_words::quote(version));
        format!(
            "next: read the migration; this database has the change already: record it with \
             `{}`; run `{migrate}` on the others",
            style.command(&record)
        )
    }

    fn findings(&self, style: &Style) -> Vec<String> {
        let found = self.checked.iter().filter(|file| file.verdict() != Verdict::Pass);
        found.flat_map(|file| check::lines(file, style)).collect()
    }
}

/// What to consider, one a line.
fn lines(rows: &[FailingRowsView], hazards: &[HazardView]) -> Vec<String> {
    let rows = rows.iter().map(|rows| {
        let subject = if rows.direction == "up" { "the migration" } else { "its rollback" };
        let place = rows.table.as_ref().map(|table| format!(" if {table} has rows"));
        let place = place.unwrap_or_else(|| " on some rows".to_owned());
        format!("{subject} may fail{place}: {}", rows.why)
    });
    let hazards = hazards.iter().map(|one| format!("{}: {}: {}", one.hazard, one.object, one.why));
    rows.chain(hazards).collect()
}

/// What to consider about a migration and no rule of `check` can see, one a line.
pub(crate) fn hazard_lines(migration: &GeneratedMigration) -> Vec<String> {
    let rows: Vec<_> = migration.rows.iter().map(FailingRowsView::from).collect();
    let hazards: Vec<_> = migration.hazards.iter().map(HazardView::from).collect();
    lines(&rows, &hazards)
}

/// The statements of a direction as a script.
fn sql(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

fn down(stage: &MigrationStage) -> Option<String> {
    match &stage.down {
        DownStage::Statements(statements) => Some(sql(statements)),
        DownStage::Refused(_) => None,
    }
}

fn irreversible(stages: &[MigrationStage]) -> Vec<String> {
    let mut all = Vec::new();
    for stage in stages {
        if let DownStage::Refused(why) = &stage.down {
            all.extend(why.iter().filter(|one| !all.contains(*one)).cloned().collect::<Vec<_>>());
        }
    }
    all
}

impl Answer for GeneratedView {
    fn text(&self, style: &Style) -> String {
        if let Some(reason) = self.reason {
            return reason.to_owned();
        }
        let mut lines =
            vec![style.paint(BOLD, &format!("from the migrations to {}:", self.compared))];
        lines.extend(self.changes.iter().map(|change| format!("  {change}")));
        lines.push(String::new());
        if self.dry_run {
            lines.extend(self.statements());
        }
        lines.extend(self.proof());
        lines.extend(self.hazards(style));
        lines.extend(self.findings(style));
        lines.push(String::new());
        if self.dry_run {
            lines.push("dry run: nothing was written".to_owned());
        } else {
            lines.extend(self.files.iter().cloned());
            lines.push(self.next(style));
        }
        lines.join("\n")
    }
}
