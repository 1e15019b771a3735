//! What `--dry-run` answers.

use std::path::PathBuf;

use serde::Serialize;

use crate::answer::plan::{Planned, consent_hint};
use crate::answer::rehearsal::PreviewView;
use crate::answer::text::fitted_if_narrow;
use crate::answer::{Answer, Style, YELLOW};
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
    /// Whether one command consents to the plans of several sets.
    #[serde(skip)]
    is_one_of_several: bool,
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
        DryRun {
            planned: plan.into(),
            dry_run: true,
            preview: None,
            sql: None,
            is_one_of_several: false,
        }
    }

    /// The flags that consent to it in a run for several sets, with a leading space; `None` if none
    /// are needed. The command that consents to this plan alone is no longer shown.
    pub(crate) fn consent_of_set(&mut self, set: Option<&str>) -> Option<String> {
        self.is_one_of_several = true;
        self.planned.consent_of_set(set)
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
        if let Some(command) = self.planned.how_to_consent().filter(|_| !self.is_one_of_several) {
            text = format!("{text}\n{}", consent_hint(command, style));
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
