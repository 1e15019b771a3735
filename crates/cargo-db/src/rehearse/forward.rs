//! Runs every migration in order, as far as they succeed, and collects the findings.

use crate::check::{self, Direction};
use crate::failure::Result;
use crate::migration::empty_down_file;
use crate::model::event::Event;
use crate::model::finding::{Checked, Class, Finding, Severity, Verdict};
use crate::model::migration::Migration;
use crate::model::rehearsal::{Basis, LockWork, LockedTable, Rehearsed, RollbackProof};
use crate::rehearse::advice;
use crate::rehearse::aftermath::MigrationEffects;
use crate::rehearse::judge;
use crate::rehearse::measured::Measured;
use crate::rehearse::partitions::Partitions;
use crate::rehearse::rollback_proof;
use crate::rehearse::run::{FileRun, FileRunResult};
use crate::rehearse::schema_facts;
use crate::rehearse::sizes::rows_named;
use crate::rehearse::snapshot::Relation;
use crate::rehearse::stage::{Stage, stops, unmeasured};
use crate::world::files;
use pg_sql::name::short;

/// What would leave the transaction, or the copy: it is not run at all.
const LEAVES: [&str; 3] = ["outside-database", "transaction-control", "psql-command"];

/// Rules about work on all rows of a table, which takes longer the larger the table is.
const JUDGED_BY_SIZE: [&str; 2] = ["rewrite", "scan-under-lock"];
const MEANWHILE: [&str; 1] = ["work-under-lock"];

/// The line that leaves a file out of rehearsals.
const LEAVE_OUT: &str = "`-- cargo-db: allow outside-database <reason>`";

impl Stage<'_> {
    /// Runs every migration in order, as far as they succeed.
    pub(super) fn forward(&mut self) -> Result<Vec<Rehearsed>> {
        let mut rehearsed: Vec<Rehearsed> = Vec::new();
        let mut stopped: Option<String> = None;
        self.begin_batch()?;
        self.find_history()?;
        for migration in self.request.migrations {
            if let Some(why) = &stopped {
                rehearsed.push(unmeasured(migration, Vec::new(), why.clone()));
                continue;
            }
            let (one, stops) = self.next(migration)?;
            rehearsed.push(one);
            stopped = stops;
        }
        self.end_batch(&mut rehearsed)?;
        if stopped.is_none() {
            self.report_unattached(&mut rehearsed)?;
        }
        Ok(rehearsed)
    }

    /// Rehearses one migration. If later migrations cannot be rehearsed, also returns why.
    fn next(&mut self, migration: &Migration) -> Result<(Rehearsed, Option<String>)> {
        let subject = migration.quoted();
        if migration.up.is_code {
            let why = format!("{subject} is a program");
            return Ok((unmeasured(migration, Vec::new(), why.clone()), Some(why)));
        }
        self.world.interrupt.check()?;
        self.world.emit(Event::Started { doing: "Rehearsing", subject: migration.title() });
        let checked = self.check(migration)?;
        if checked.allowed.iter().any(|rule| rule == "outside-database") {
            // The author allowed this. The migration is not run on the copy, but later ones are.
            let why = format!(
                "{subject} was not run: it may affect other databases (`allow outside-database`)"
            );
            let mut one = unmeasured(migration, checked.findings, why);
            one.verdict = Verdict::Warn.max(Verdict::of(&one.findings));
            one.empty = self.baseline.empty(None);
            let before = self.schema_facts()?;
            self.left_out.insert(self.before.len());
            self.before.push(before);
            self.record_unrun(migration)?;
            return Ok((one, None));
        }
        if checked.findings.iter().any(|finding| LEAVES.contains(&finding.rule.as_str())) {
            let why = format!("{subject} cannot be run on a copy");
            return Ok((unmeasured(migration, checked.findings, why.clone()), Some(why)));
        }
        let one = self.measured(migration, checked)?;
        let fails = stops(&one.findings);
        Ok((one, fails.then(|| format!("{subject}, which runs before it, fails"))))
    }

    pub(super) fn check(&self, migration: &Migration) -> Result<Checked> {
        let path = &migration.up.path;
        let settings = self.request.settings;
        let bytes = files::read(&settings.root.join(path))?;
        let layout = &settings.migrations.layout;
        let context = self.contexts.before(path);
        let mut checked = check::check_script(layout, &migration.up, bytes, Direction::Up, context);
        checked.expected.extend(settings.expected.of(&migration.version.to_string()));
        if let Some(down) = empty_down_file(settings, migration) {
            let bytes = files::read(&settings.root.join(&down.path))?;
            checked.findings.extend(check::empty_down(layout, down, bytes));
        }
        Ok(checked)
    }

    /// Runs one migration and judges the measurements.
    fn measured(&mut self, migration: &Migration, checked: Checked) -> Result<Rehearsed> {
        // As the one before left it.
        let before = match self.latest.take() {
            Some(latest) => latest,
            None => self.schema_facts()?,
        };
        let invalid = self.invalid_indexes()?;
        self.record_state()?;
        let rows = self.rows_before(migration, &before)?;
        let partitions = Partitions::of(&mut self.session)?;
        let FileRunResult { measured, mut failed, failure, history } =
            self.run(FileRun { migration, direction: Direction::Up, file: &migration.up })?;
        if let Some(failed) = failed.as_mut().filter(|failed| failed.rule == "fails") {
            failed.help = self.help_for(failed);
        }
        let rollback = before_rollback(migration, failed.is_some());
        let mut findings: Vec<Finding> = judge::unmeasured_findings(checked.findings);
        findings.extend(measured.iter().flat_map(judge::findings));
        add_counted_losses(&mut findings, &measured);
        let locks = judge::locks(&measured, migration.up.transactional);
        let held = self.held_long(&locks, &findings)?;
        findings.extend(failed.into_iter().chain(held).chain(history));
        findings.extend(self.new_invalid_indexes(&invalid, &measured)?);
        findings.extend(self.touched_own()?.into_iter().map(|one| of_statement(one, &measured)));
        // If the shared transaction was rolled back, the work of earlier migrations is undone too.
        let is_gone = self.request.is_one_transaction && !self.is_batch;
        let after = if is_gone { before.clone() } else { self.schema_facts()? };
        let difference = before.to(&after);
        let changes = schema_facts::changes(&difference);
        let lines = changes.iter().map(|change| change.evidence.clone()).collect();
        if !findings.iter().any(|finding| finding.class == Class::Compatibility) {
            findings.extend(changes.into_iter().map(|change| {
                let line = judge::line_naming(&change.object, &measured);
                judge::changed(change, line)
            }));
        }
        if !stops(&findings) {
            findings.extend(self.aftermath(
                &MigrationEffects::of(&measured),
                &measured,
                &difference,
            )?);
        }
        if let Some(mut rows) = rows {
            rows.note(&measured, rollback_proof::lost(&findings));
            self.rows.insert(self.before.len(), rows);
        }
        let partitions = Partitions::of(&mut self.session)?.with(partitions);
        let guards = judge::guards(&measured, &partitions, &checked.expected);
        let is_expected =
            |found: &Finding| checked.expected.iter().any(|expected| expected.covers(found));
        // Before merging: the table's finding does not include expected ones about partitions.
        let mut accepted: Vec<Finding> =
            findings.extract_if(.., |found| is_expected(found)).collect();
        let mut findings = partitions.fold(findings, &measured);
        let lock_work = judge::lock_work(&measured, &partitions, &checked.expected);
        self.raise_by_size(&mut findings, &lock_work);
        accepted.extend(findings.extract_if(.., |found| is_expected(found)));
        advice::complete(&mut findings, &measured, self.request.settings, migration);
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.line));
        self.latest = Some(after);
        self.preparing.after(&mut self.session, &migration.title(), self.is_batch)?;
        self.before.push(before);
        Ok(Rehearsed {
            version: migration.version.to_string(),
            name: migration.name.clone(),
            file: migration.up.path.clone(),
            verdict: self.verdict(&findings, &measured),
            findings,
            accepted,
            locks: self.scaled(partitions.without_parts(locks)),
            statements: measured.iter().map(Measured::ran).collect(),
            rows: judge::row_changes(&measured),
            duration: measured.iter().map(|statement| statement.elapsed).sum(),
            wal: measured.iter().map(|statement| statement.wal).sum(),
            rollback,
            down: migration.down.as_ref().map(|down| down.described("down")),
            changes: lines,
            failure,
            guards,
            lock_work,
            costs: self.costs(migration, &measured),
            empty: self.baseline.empty(judge::touched(&measured).as_ref()),
        })
    }

    /// What may help against a failure that is due to the copy.
    fn help_for(&self, failed: &Finding) -> Option<String> {
        if let Some(last) = self.left_out.last().and_then(|&at| self.request.migrations.get(at)) {
            return Some(format!(
                "{} was not run on the copy: if this file needs its result, begin the file with \
                 {LEAVE_OUT} as well",
                last.quoted()
            ));
        }
        let text = format!("{} {}", failed.evidence, failed.statement).to_lowercase();
        let of_name = text.contains("database").then(|| {
            format!(
                "the copy has another name than the database: if that is the reason, begin \
                the file with {LEAVE_OUT}"
            )
        });
        failed.help.clone().or(of_name)
    }

    /// Locks that were held for long. Call it when the tables can be counted.
    pub(super) fn held_long(
        &mut self,
        locks: &[LockedTable],
        found: &[Finding],
    ) -> Result<Vec<Finding>> {
        let (session, baseline) = (&mut self.session, &self.baseline);
        judge::held_long(locks, found, &mut |table| rows_named(session, baseline, table))
    }

    /// What writes rows is not measured on a copy that has none.
    fn verdict(&self, findings: &[Finding], measured: &[Measured]) -> Verdict {
        let verdict = Verdict::of(findings);
        if self.basis == Basis::Schema && measured.iter().any(Measured::may_write) {
            return verdict.max(Verdict::Unmeasured);
        }
        verdict
    }

    /// Judges work under locks by the rows of the real table, if that is larger than the copy.
    fn raise_by_size(&self, findings: &mut [Finding], works: &[LockWork]) {
        for work in works {
            let there = self.sizes.get(&work.table).copied().unwrap_or_default();
            if there <= work.rows {
                continue;
            }
            let is_slight = work.with_rows(there).is_minor();
            let is_of = |one: &&mut Finding| {
                let table = one.object.as_deref() == Some(short(work.locked()));
                let is_known = one.rows.is_some_and(|rows| rows >= there);
                table && !is_known && rules_of(work).contains(&one.rule.as_str())
            };
            for one in findings.iter_mut().filter(is_of) {
                one.rows = Some(there);
                one.severity = if is_slight { one.severity } else { Severity::Block };
                let there = judge::grouped(there);
                let more = match &work.locked {
                    None => format!("about {there} rows in the database"),
                    Some(_) => {
                        let table = short(&work.table);
                        format!("{table} has about {there} rows in the database")
                    }
                };
                one.evidence = format!("{}; {more}", one.evidence);
            }
        }
    }

    /// How many rows a table of the copy has.
    pub(super) fn rows_named(&self, name: &str) -> u64 {
        let same = |relation: &&Relation| short(&relation.name) == name;
        self.baseline.relations.values().find(same).map_or(0, |relation| relation.rows)
    }

    /// Where the copy is of another time or place, locks are held as much longer as the table is
    /// larger.
    fn scaled(&self, locks: Vec<LockedTable>) -> Vec<LockedTable> {
        let scale = |lock: LockedTable| {
            let there = self.sizes.iter().find(|(name, _)| short(name) == lock.table);
            let there = there.map_or(0, |(_, rows)| *rows);
            let here = self.rows_named(&lock.table);
            #[expect(clippy::cast_precision_loss, reason = "an estimate of an estimate")]
            let factor = (here > 0 && there > 0).then(|| there as f64 / here as f64);
            LockedTable { estimated: factor.map(|factor| lock.held.mul_f64(factor)), ..lock }
        };
        locks.into_iter().map(scale).collect()
    }
}

/// What is known about a down migration before it is tried.
fn before_rollback(migration: &Migration, fails: bool) -> RollbackProof {
    match &migration.down {
        None => RollbackProof::Irreversible,
        Some(_) if fails => RollbackProof::Unmeasured("the up migration fails".to_owned()),
        Some(_) => RollbackProof::Unmeasured("not tried".to_owned()),
    }
}

/// The rules whose findings cover this work.
fn rules_of(work: &LockWork) -> &'static [&'static str] {
    if work.locked.is_some() { &MEANWHILE } else { &JUDGED_BY_SIZE }
}

/// The finding, of the statement that it is most likely about: the first that names our schema.
fn of_statement(found: Finding, measured: &[Measured]) -> Finding {
    let names_it = |one: &&Measured| one.text.to_ascii_lowercase().contains("cargo_db");
    let line = measured.iter().find(names_it).map_or(found.line, |one| one.line);
    Finding { line, ..found }
}

/// Adds the losses that were counted around statements, unless the server has counted them too.
fn add_counted_losses(findings: &mut Vec<Finding>, measured: &[Measured]) {
    for gone in measured.iter().flat_map(|statement| &statement.gone) {
        let is_it = |one: &Finding| (&one.rule, &one.object) == (&gone.rule, &gone.object);
        if !findings.iter().any(is_it) {
            findings.push(gone.clone());
        }
    }
}
