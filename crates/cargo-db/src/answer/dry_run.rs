//! What `--dry-run` answers.

use std::path::PathBuf;

use serde::Serialize;

use crate::answer::plan::Planned;
use crate::answer::rehearsal::PreviewView;
use crate::answer::text::{NARROW, command_lines, fitted_if_narrow};
use crate::answer::{Answer, CYAN, Style, YELLOW};
use crate::model::rehearsal::DryRunReport;
use crate::plan::Plan;

/// The plan of a dry run.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DryRun {
    #[serde(flatten)]
    planned: Planned,
    dry_run: bool,
    /// What is known of its migrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewView>,
    /// With `--show-sql`: what the files say.
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<Vec<SqlFile>>,
}

/// A file that the plan runs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SqlFile {
    file: String,
    sql: String,
}

impl DryRun {
    /// The plan alone.
    pub(crate) fn of(plan: &Plan) -> DryRun {
        DryRun { planned: plan.into(), dry_run: true, preview: None, sql: None }
    }

    /// With the SQL of its files, if that was wanted.
    pub(crate) fn with_sql(self, sql: Option<Vec<(PathBuf, String)>>) -> DryRun {
        let one =
            |(file, sql): (PathBuf, String)| SqlFile { file: file.display().to_string(), sql };
        DryRun { sql: sql.map(|files| files.into_iter().map(one).collect()), ..self }
    }

    /// Adds what is known about its migrations.
    pub(crate) fn with_preview(self, plan: &Plan, preview: &DryRunReport) -> DryRun {
        let preview = Some(PreviewView::of(&plan.target, preview));
        DryRun { preview, ..self }
    }
}

fn help(style: &Style) -> String {
    style.paint(CYAN, "help:")
}

impl Answer for DryRun {
    fn text(&self, style: &Style) -> String {
        let mut text = match self.planned.plan.steps.is_empty() {
            true => self.planned.nothing_to_do(),
            false => self.planned.text(style),
        };
        for warning in self.planned.warnings() {
            let warning = format!("{} {warning}", style.paint(YELLOW, "warning:"));
            text = format!("{text}\n{}", fitted_if_narrow(warning, style.width));
        }
        if let Some(command) = self.planned.how_to_consent() {
            let help = help(style);
            text = match style.width < NARROW {
                false => format!("{text}\n{help} consent to exactly this: `{command}`"),
                true => {
                    // On lines of its own, without quotes, the command can still be copied whole.
                    let lines = command_lines(command, style.width - 2).join("\n  ");
                    format!("{text}\n{help} consent to exactly this:\n  {lines}")
                }
            };
        }
        for SqlFile { file, sql } in self.sql.iter().flatten() {
            text = format!("{text}\n\n-- {file}\n{}", sql.trim_end());
        }
        match &self.preview {
            Some(preview) => format!("{text}\n\n{}", preview.text(style)),
            None => text,
        }
    }
}
