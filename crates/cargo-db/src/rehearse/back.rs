//! Runs the down migrations and checks whether they restore the previous state.

use std::collections::BTreeSet;

use pg_logical::facts::SchemaFacts;

use crate::check::{self, Direction, FileToCheck};
use crate::failure::Result;
use crate::migration::{has_no_statement, without_statement};
use crate::model::finding::Finding;
use crate::model::migration::{Migration, ScriptFile};
use crate::model::rehearsal::{Basis, Rehearsed, RollbackProof};
use crate::rehearse::judge;
use crate::rehearse::measured::Measured;
use crate::rehearse::rollback_proof::{self, Compared};
use crate::rehearse::rows::RowSnapshot;
use crate::rehearse::run::{FileRun, FileRunResult};
use crate::rehearse::schema_facts;
use crate::rehearse::stage::{Stage, stops};
use crate::world::files;
use crate::world::pg::Session;

impl Stage<'_> {
    /// The down migrations, from the last one that ran to the first that cannot be taken back.
    pub(super) fn back(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let ran = self.before.len();
        // What one of them leaves behind is not the fault of those before it.
        let mut left_behind: Vec<String> = Vec::new();
        let mut disturbed: BTreeSet<String> = BTreeSet::new();
        for index in (0..ran).rev() {
            let rows = self.rows.remove(&index).unwrap_or_default();
            if stops(&rehearsed[index].findings) || self.left_out.contains(&index) {
                rows.mark_disturbed(&mut disturbed);
                continue;
            }
            let Some(down) = &self.request.migrations[index].down else { break };
            self.world.interrupt.check()?;
            if self.reaches_out(down)? {
                let why = "its down file affects more than its database, and was not run";
                rehearsed[index].rollback = RollbackProof::Unmeasured(why.to_owned());
                let version = &rehearsed[index].version;
                let why = format!("the down migration of {version} was not run");
                not_tried(&mut rehearsed[..index], &why);
                break;
            }
            let migration = &self.request.migrations[index];
            let file_run = FileRun { migration, direction: Direction::Down, file: down };
            let FileRunResult { measured, failed, .. } = self.run(file_run)?;
            let after = self.schema_facts()?;
            let mut difference = schema_facts::lines(&self.before[index].to(&after));
            difference.retain(|line| !left_behind.contains(line));
            let lost: Vec<Finding> = measured.iter().flat_map(judge::findings).collect();
            let touched = self.touched_own()?;
            rehearsed[index].rollback = match &failed {
                None if !touched.is_empty() => {
                    RollbackProof::Wrong(touched.into_iter().map(|found| found.evidence).collect())
                }
                Some(failed) => {
                    let why = format!("line {}: {}", failed.place(), failed.evidence);
                    RollbackProof::Wrong(vec![why])
                }
                None => {
                    let there = rows.lost.clone();
                    let rows = self.rows_after(rows, &measured, &mut disturbed)?;
                    let proof = rollback_proof::judge_rollback(&there, &lost, &difference, &rows);
                    self.of_file(down, proof)
                }
            };
            left_behind.append(&mut difference);
            if failed.is_some() {
                let why = format!("the down migration of {} fails", rehearsed[index].version);
                not_tried(&mut rehearsed[..index], &why);
                break;
            }
        }
        Ok(())
    }

    /// Limits what a down file proves. An empty one proves nothing about what was not compared.
    fn of_file(&self, down: &ScriptFile, proof: RollbackProof) -> RollbackProof {
        match proof {
            RollbackProof::Proved(left_out)
                if !left_out.is_empty() && has_no_statement(self.request.settings, down) =>
            {
                RollbackProof::Unmeasured(without_statement(
                    self.request.settings,
                    down,
                    Direction::Down,
                ))
            }
            proof => proof,
        }
    }

    /// Whether a down migration affects more than its database, as far as its text shows.
    fn reaches_out(&self, down: &ScriptFile) -> Result<bool> {
        let text = self.text(down)?;
        let layout = &self.request.settings.migrations.layout;
        let checked = check::check(&FileToCheck::of(layout, down, &text, Direction::Down));
        let found = checked.findings.iter().map(|finding| &finding.rule);
        Ok(found.chain(&checked.allowed).any(|rule| rule == "outside-database"))
    }

    /// The rows that a migration or its down migration may change; `None` without a down migration.
    pub(super) fn rows_before(
        &mut self,
        migration: &Migration,
        before: &SchemaFacts,
    ) -> Result<Option<RowSnapshot>> {
        let Some(down) = &migration.down else { return Ok(None) };
        let text = format!("{}\n{}", self.text(&migration.up)?, self.text(down)?);
        let layout = &self.request.settings.migrations.layout;
        let read = |session: &mut Session| {
            RowSnapshot::keep(session, layout, (&text, &schema_facts::tables(before)))
        };
        unseen(&mut self.session, self.is_batch, read).map(Some)
    }

    fn text(&self, file: &ScriptFile) -> Result<String> {
        let bytes = files::read(&self.request.settings.root.join(&file.path))?;
        Ok(String::from_utf8_lossy(&file.part_of(bytes)).into_owned())
    }

    fn rows_after(
        &mut self,
        rows: RowSnapshot,
        down: &[Measured],
        disturbed: &mut BTreeSet<String>,
    ) -> Result<Compared> {
        let writes = rows.may_write || down.iter().any(Measured::may_write);
        let read = |session: &mut Session| rows.compare(session, down, disturbed);
        let mut compared = unseen(&mut self.session, self.is_batch, read)?;
        if self.basis == Basis::Schema && writes {
            compared.left_out.push("rows: the copy has none".to_owned());
        }
        Ok(compared)
    }
}

/// Says of the migrations before one that their down migrations were not tried, and why.
fn not_tried(earlier: &mut [Rehearsed], why: &str) {
    let open = earlier.iter_mut().filter(|one| one.rollback.word() == "unmeasured");
    open.for_each(|one| one.rollback = RollbackProof::Unmeasured(why.to_owned()));
}

/// Reads from the database in a read-only transaction, or in a savepoint if all migrations share a
/// transaction, so that no locks stay behind.
fn unseen<T>(
    session: &mut Session,
    is_batch: bool,
    read: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<T> {
    let (begin, end) = if is_batch {
        let back = "ROLLBACK TO SAVEPOINT cargo_db_rows; RELEASE SAVEPOINT cargo_db_rows";
        ("SAVEPOINT cargo_db_rows", back)
    } else {
        ("BEGIN READ ONLY", "ROLLBACK")
    };
    session.run("begin reading rows", begin)?;
    let seen = read(session)?;
    session.run("end reading rows", end)?;
    Ok(seen)
}
