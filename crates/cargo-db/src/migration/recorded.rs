//! What the history records before and after a file ran. A file that changes it would make the
//! history differ from the plan.

use crate::check::finding;
use crate::failure::{HistoryError, Result};
use crate::migration::applied::AppliedVersions;
use crate::migration::run::Run;
use crate::migration::step::MigrationStep;
use crate::model::direction::Direction;
use crate::model::finding::Finding;
use crate::model::migration::Version;
use crate::world::pg::Script;
use db_tools::ProjectTool;
use pg_sql::name::short;
use pg_sql::quote::quote_literal;

/// The applied versions in the rows of a history, which are `None` if there are none; `None` if
/// they are not rows that the tool writes.
pub(crate) fn applied_versions(
    layout: &ProjectTool,
    rows: Option<&str>,
) -> Option<AppliedVersions> {
    let Some(rows) = rows else { return Some(AppliedVersions::new()) };
    let applied = layout.rows(rows)?.into_iter().filter(|row| row.success);
    Some(applied.map(|row| row.version).collect())
}

/// What a file itself changed in the history, if it could be read before and after.
pub(crate) fn changed_history(
    table: &str,
    (before, now): (Option<AppliedVersions>, Option<AppliedVersions>),
    line: usize,
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
    let found = finding("history-changed", line, "", what.join("; "));
    Some(Finding { object: Some(short(table).to_owned()), ..found })
}

/// The versions in words, if there are any.
fn listed<'a>(versions: impl Iterator<Item = &'a Version>) -> Option<String> {
    let versions: Vec<String> = versions.map(ToString::to_string).collect();
    (!versions.is_empty()).then(|| versions.join(", "))
}

/// A digest of the rows of the history, which the server computes; `None` without a history. It
/// shows whether a file changed the history, of which thousands of rows would have to be read.
pub(super) type HistoryDigest = Option<String>;

impl Run<'_> {
    /// The digest before a file runs.
    pub(super) fn digest_before(&mut self) -> Result<HistoryDigest> {
        if self.recorded.is_none() {
            self.recorded = self.recorded_now()?;
        }
        self.digest_now()
    }

    /// Notes that a migration was recorded, or that its record was removed.
    pub(super) fn note_record(&mut self, step: &MigrationStep<'_>) {
        let version = &step.migration.version;
        match (&mut self.recorded, step.direction) {
            (Some(recorded), Direction::Up) => drop(recorded.insert(version.clone())),
            (Some(recorded), Direction::Down) => drop(recorded.remove(version)),
            (None, _) => {}
        }
    }

    fn digest_now(&mut self) -> Result<HistoryDigest> {
        if !self.has_history()? {
            return Ok(None);
        }
        let digest = format!(
            "SELECT pg_catalog.count(*) || ' ' || coalesce(pg_catalog.sum(\
                pg_catalog.hashtextextended(ROW(h.*)::pg_catalog.text, 0)), 0) FROM {} h",
            self.table
        );
        self.session.value("read the history", &digest)
    }

    /// What the history records now; `None` if it cannot be read, which the next record reports.
    fn recorded_now(&mut self) -> Result<Option<AppliedVersions>> {
        if !self.has_history()? {
            return Ok(None);
        }
        let rows = self.session.value("read the history", &self.layout.select(&self.table))?;
        Ok(applied_versions(self.layout, rows.as_deref()))
    }

    /// Inside a transaction, a query about a missing table would end it.
    fn has_history(&mut self) -> Result<bool> {
        let exists =
            format!("SELECT pg_catalog.to_regclass({}) AS table", quote_literal(&self.table));
        Ok(self.session.value("find the history", &exists)?.is_some())
    }

    /// What a file that just ran changed in the history. The session is still lent to it, but has
    /// its own role again.
    pub(super) fn change_of_history(
        &mut self,
        before: &HistoryDigest,
        script: &Script,
        step: &MigrationStep<'_>,
        inside: bool,
    ) -> Result<Option<Finding>> {
        let theirs = self.session.interrupt(inside)?;
        let is_same = self.digest_now()? == *before;
        let now = if is_same { None } else { self.recorded_now()? };
        self.session.resume(&theirs)?;
        // A down file that removes its own record does what is done after it anyway.
        let others = |mut recorded: AppliedVersions| {
            if step.direction == Direction::Down {
                recorded.remove(&step.migration.version);
            }
            recorded
        };
        let (before, now) = (self.recorded.clone().map(others), now.map(others));
        let line = script.line_naming(self.layout.table_name()).unwrap_or(1);
        Ok(changed_history(&self.table, (before, now), line))
    }

    /// Fails if the open transaction changed the history. Whoever began it rolls it back.
    pub(super) fn refuse_changed_history(
        &mut self,
        before: &HistoryDigest,
        script: &Script,
        step: &MigrationStep<'_>,
    ) -> Result<()> {
        let Some(found) = self.change_of_history(before, script, step, true)? else {
            return Ok(());
        };
        let subject = step.subject.clone();
        let (file, line) = (step.file()?.path.clone(), found.line);
        Err(HistoryError::Changed { subject, file, line, what: found.summary() }.into())
    }
}
