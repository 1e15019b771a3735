//! The history on the copy. A migration may read it, write to it, or add a trigger to it, so it
//! must exist before the first migration runs.

use std::collections::BTreeSet;

use crate::check::finding;
use crate::failure::Result;
use crate::migration::{create_history, read_history};
use crate::model::finding::Finding;
use crate::model::migration::Version;
use crate::rehearse::capture::ask;
use crate::rehearse::judge;
use crate::rehearse::measured::Measured;
use crate::rehearse::stage::Stage;
use crate::world::pg::{Row, Session};
use db_tools::ProjectTool;
use pg_sql::name::short;

/// The versions that the history says are applied.
pub(super) type AppliedVersions = BTreeSet<Version>;

impl Stage<'_> {
    /// Finds the history, or creates it if there is none, as the real run does.
    pub(super) fn find_history(&mut self) -> Result<()> {
        let layout = &self.request.settings.migrations.layout;
        let mut table = read_history(&mut self.session, layout)?.table;
        if table.is_none() {
            create_history(&mut self.session, layout)?;
            table = read_history(&mut self.session, layout)?.table;
        }
        self.history = table.unwrap_or_default();
        Ok(())
    }
}

/// What the history records now; `None` if it cannot be read, which the next record reports.
pub(super) fn recorded(
    session: &mut Session,
    layout: &ProjectTool,
    table: &str,
) -> Result<Option<AppliedVersions>> {
    let Some(rows) = ask(session, &layout.select(table))? else { return Ok(None) };
    let text = rows.first().map(Row::sole).transpose()?.flatten();
    let Some(text) = text else { return Ok(Some(AppliedVersions::new())) };
    let applied = layout.rows(text).map(|rows| rows.into_iter().filter(|row| row.success));
    Ok(applied.map(|rows| rows.map(|row| row.version).collect()))
}

/// What a file itself changed in the history. The real run compares the history with its plan, and
/// would fail after the migration was applied.
pub(super) fn changed_history(
    table: &str,
    (before, now): (Option<AppliedVersions>, Option<AppliedVersions>),
    measured: &[Measured],
) -> Option<Finding> {
    let (before, now) = (before?, now?);
    let removed = listed(before.difference(&now));
    let removed = removed.map(|versions| format!("it removes {versions} from the history"));
    let added = listed(now.difference(&before));
    let added = added.map(|versions| format!("it adds {versions} to the history"));
    let what: Vec<String> = removed.into_iter().chain(added).collect();
    if what.is_empty() {
        return None;
    }
    let found =
        finding("history-changed", judge::line_naming(table, measured), "", what.join("; "));
    Some(Finding { object: Some(short(table).to_owned()), ..found })
}

/// The versions in words, if there are any.
fn listed<'a>(versions: impl Iterator<Item = &'a Version>) -> Option<String> {
    let versions: Vec<String> = versions.map(ToString::to_string).collect();
    (!versions.is_empty()).then(|| versions.join(", "))
}
