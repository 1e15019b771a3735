//! Migrations that are programs: the tool runs them on the scratch database, and their effects are
//! the differences afterwards. Their locks and durations are not measured.

use std::collections::BTreeMap;

use crate::check::{self, finding};
use crate::failure::{Kind, ProgramError, Result};
use crate::migration;
use crate::model::event::Event;
use crate::model::finding::{Expected, Finding, Verdict};
use crate::model::history::MigrationStatus;
use crate::model::migration::Migration;
use crate::model::rehearsal::{Guard, Rehearsed, RollbackProof};
use crate::rehearse::advice;
use crate::rehearse::aftermath::MigrationEffects;
use crate::rehearse::content::RowCounts;
use crate::rehearse::judge;
use crate::rehearse::rollback_proof::{self, Compared};
use crate::rehearse::rows::RowSnapshot;
use crate::rehearse::schema_facts;
use crate::rehearse::stage::{Stage, unmeasured};
use crate::world::clock::stopwatch;
use crate::world::files;
use db_tools::command::Task;

impl Stage<'_> {
    /// Runs every migration there, one by one where the tool can, and back again.
    pub(super) fn by_tool(&mut self) -> Result<Vec<Rehearsed>> {
        let migrations = self.request.migrations;
        migration::verify_tool_target(self.world, self.request.settings, &self.session.target)?;
        let one_by_one = migrations.len() == 1 || self.can(&Task::ApplyNext { count: 1, last: "" });
        let groups: Vec<&[Migration]> =
            if one_by_one { migrations.chunks(1).collect() } else { vec![migrations] };
        let mut rehearsed: Vec<Rehearsed> = Vec::new();
        let mut stopped: Option<String> = None;
        for group in groups {
            if let Some(why) = &stopped {
                rehearsed.extend(group.iter().map(|one| unmeasured(one, Vec::new(), why.clone())));
                continue;
            }
            let outcome = self.group(group, one_by_one && migrations.len() > 1)?;
            if outcome.iter().any(|one| one.findings.iter().any(|finding| finding.rule == "fails"))
            {
                stopped = Some("an earlier migration fails".to_owned());
            }
            rehearsed.extend(outcome);
        }
        self.record_schema(&rehearsed)?;
        if one_by_one && stopped.is_none() {
            self.back_by_tool(&mut rehearsed)?;
        }
        Ok(rehearsed)
    }

    /// What the tool keeps for itself is not anybody's data.
    fn content(&mut self) -> Result<RowCounts> {
        RowCounts::count(&mut self.session, &self.request.settings.migrations.layout)
    }

    fn can(&self, task: &Task<'_>) -> bool {
        migration::task_exists(self.request.settings, task).is_ok()
    }

    /// Migrations that run together. Their common effects are attributed to the last one.
    fn group(&mut self, group: &[Migration], one_of_several: bool) -> Result<Vec<Rehearsed>> {
        let Some((last, others)) = group.split_last() else { return Ok(Vec::new()) };
        self.world.interrupt.check()?;
        self.world.emit(Event::Started { doing: "Rehearsing", subject: last.title() });
        let schema = self.schema_facts()?;
        self.record_state()?;
        let content = self.content()?;
        let began = stopwatch();
        let failed = self.run_group(group, last, one_of_several)?;
        let duration = began.elapsed();
        let mut findings = Vec::from_iter(failed);
        let now = self.content()?;
        findings.extend(content.losses(&now, &BTreeMap::new()));
        findings.extend(self.touched_own()?);
        self.schema.forget();
        let after = self.schema_facts()?;
        let difference = schema.to(&after);
        let changes = schema_facts::changes(&difference);
        let lines = changes.iter().map(|change| change.evidence.clone()).collect();
        findings.extend(changes.into_iter().map(|change| judge::changed(change, 1)));
        if findings.iter().all(|found| found.rule != "fails") {
            let effects = MigrationEffects::of_program(&self.texts(group)?);
            findings.extend(self.aftermath(&effects, &[], &difference)?);
        }
        // Expected or not, lost rows are not restored.
        let mut rows = RowSnapshot::default();
        rows.note(&[], rollback_proof::lost(&findings));
        self.rows.insert(self.before.len(), rows);
        self.before.push(schema);
        let expected = self.expected(last)?;
        let guards = guards(&findings, &expected);
        let is_expected = |found: &mut Finding| expected.iter().any(|one| one.covers(found));
        let accepted = findings.extract_if(.., is_expected).collect();
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        advice::complete(&mut findings, &[], self.request.settings, last);
        let verdict = Verdict::of(&findings);
        let of_last = Rehearsed {
            verdict,
            findings,
            accepted,
            duration,
            rollback: RollbackProof::Unmeasured("not tried".to_owned()),
            changes: lines,
            guards,
            empty: self.baseline.empty(None),
            ..unmeasured(last, Vec::new(), String::new())
        };
        let together = |one: &Migration| Rehearsed {
            verdict: Verdict::Pass,
            empty: self.baseline.empty(None),
            rollback: RollbackProof::Unmeasured(format!(
                "it was run together with {}",
                last.quoted()
            )),
            ..unmeasured(one, Vec::new(), String::new())
        };
        Ok(others.iter().map(together).chain([of_last]).collect())
    }

    /// Has the tool run them. Returns why they failed, if they did.
    fn run_group(
        &mut self,
        group: &[Migration],
        last: &Migration,
        one_of_several: bool,
    ) -> Result<Option<Finding>> {
        let (world, settings) = (self.world, self.request.settings);
        let version = last.version.to_string();
        let task = if one_of_several {
            Task::ApplyNext { count: 1, last: &version }
        } else {
            Task::ApplyAll
        };
        let target = self.session.target.clone();
        let why = match migration::run_task(world, settings, &target, &task) {
            Err(failure)
                if matches!(failure.kind(), Kind::Program(ProgramError::Failed { .. })) =>
            {
                // A program's last line says more than its first.
                let why = failure.why().into_iter().rfind(|line| !line.trim().is_empty());
                format!("{failure}: {}", why.unwrap_or_default().trim())
            }
            Err(failure) => return Err(failure),
            Ok(_) => {
                let facts = migration::gather(world, settings, &target)?;
                let applied = |one: &&Migration| {
                    facts.history.applied.iter().any(|row| row.version == one.version)
                };
                let Some(left_out) = group.iter().find(|one| !applied(one)) else {
                    return Ok(None);
                };
                format!("the tool reported success, but {} is not applied", left_out.quoted())
            }
        };
        Ok(Some(finding("fails", 1, "", why)))
    }

    /// What the file says that it expects, in a comment of whatever language.
    fn expected(&self, migration: &Migration) -> Result<Vec<Expected>> {
        let text = self.texts(std::slice::from_ref(migration))?;
        let directives = text
            .lines()
            .filter_map(|line| Some(format!("-- {}\n", &line[line.find("cargo-db:")?..])));
        let text: String = directives.collect();
        let settings = self.request.settings;
        let mut expected = check::expected(&text);
        expected.extend(settings.expected.of(&migration.version.to_string()));
        Ok(expected)
    }

    /// The files of these migrations, if they have any, as one text.
    fn texts(&self, migrations: &[Migration]) -> Result<String> {
        let mut all = String::new();
        for migration in migrations {
            let path = self.request.settings.root.join(&migration.up.path);
            if files::exists(&path) {
                all.push_str(&String::from_utf8_lossy(&files::read(&path)?));
                all.push('\n');
            }
        }
        Ok(all)
    }

    fn back_by_tool(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let (world, settings) = (self.world, self.request.settings);
        let target = self.session.target.clone();
        for index in (0..rehearsed.len()).rev() {
            let version = rehearsed[index].version.clone();
            let left = self.applied_but(&version)?;
            let left = left.iter().map(String::as_str);
            let newest = settings.migrations.layout.newest_left(&version, left);
            let task = Task::Revert { count: 1, first: &version, newest };
            if !self.can(&task) {
                rehearsed[index].rollback = RollbackProof::Irreversible;
                return Ok(());
            }
            world.interrupt.check()?;
            let before = self.content()?;
            if let Err(failure) = migration::run_task(world, settings, &target, &task) {
                rehearsed[index].rollback = RollbackProof::Wrong(failure.why());
                return Ok(());
            }
            self.schema.forget();
            let after = self.schema_facts()?;
            let difference = schema_facts::lines(&self.before[index].to(&after));
            let mut lost = before.losses(&self.content()?, &BTreeMap::new());
            lost.extend(self.touched_own()?);
            let there = self.rows.remove(&index).unwrap_or_default().lost;
            // Which rows a program changes is not known before it runs.
            let left_out = vec!["rows: the migration is a program".to_owned()];
            let rows = Compared { left_out, ..Compared::default() };
            rehearsed[index].rollback =
                rollback_proof::judge_rollback(&there, &lost, &difference, &rows);
        }
        Ok(())
    }

    /// The other migrations applied on the copy, in the order of the files.
    fn applied_but(&mut self, version: &str) -> Result<Vec<String>> {
        let target = self.session.target.clone();
        let facts = migration::gather(self.world, self.request.settings, &target)?;
        let guarantees = MigrationStatus::compare(&facts.folder, &facts.history);
        let versions = guarantees.applied.iter().map(|(row, _)| row.version.to_string());
        Ok(versions.filter(|applied| applied != version).collect())
    }
}

/// What the file expects to go, to be counted again before the real run.
fn guards(findings: &[Finding], expected: &[Expected]) -> Vec<Guard> {
    let guard = |finding: &Finding| {
        let covering = expected.iter().filter(|expected| expected.covers(finding));
        let bound = covering.map(|expected| expected.bound).max()?;
        let object = finding.object.clone()?;
        let (table, column) = match finding.rule.as_str() {
            "values-lost" => object
                .rsplit_once('.')
                .map(|(table, column)| (table.to_owned(), Some(column.to_owned())))?,
            _ => (object, None),
        };
        Some(Guard { table, column, bound })
    };
    findings.iter().filter(|finding| judge::is_lost(finding)).filter_map(guard).collect()
}
