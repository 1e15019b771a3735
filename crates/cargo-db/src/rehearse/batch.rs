//! The transaction that all migrations of a plan share, if they share one in the real run.

use std::time::Duration;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::Verdict;
use crate::model::rehearsal::{Rehearsed, RollbackProof};
use crate::rehearse::advice;
use crate::rehearse::partitions::Partitions;
use crate::rehearse::stage::{Stage, stops};

impl Stage<'_> {
    /// Begins the transaction, if the real run has one.
    pub(super) fn begin_batch(&mut self) -> Result<()> {
        if self.request.is_one_transaction {
            self.session.run("begin a transaction", "BEGIN")?;
            self.is_batch = true;
        }
        Ok(())
    }

    /// Commits the transaction. If one of the migrations failed, all of them were rolled back, and
    /// no down migration can be tried.
    pub(super) fn end_batch(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        if !self.request.is_one_transaction {
            return Ok(());
        }
        if self.is_batch
            && let Err(failure) = self.session.run("commit", "COMMIT")
            && let Some(last) = rehearsed.last_mut()
        {
            last.findings.push(finding("commit-fails", 1, "", failure.to_string()));
            last.verdict = last.verdict.max(Verdict::of(&last.findings));
        }
        self.is_batch = false;
        mark_held_until_end(rehearsed);
        self.judge_held(rehearsed)?;
        if rehearsed.iter().any(|one| stops(&one.findings)) {
            self.before.clear();
            let tried =
                rehearsed.iter_mut().filter(|one| one.rollback != RollbackProof::Irreversible);
            tried.for_each(|one| one.rollback = rolled_back());
        }
        Ok(())
    }

    /// Judges the locks again, now that it is known how long they were held.
    fn judge_held(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let partitions = Partitions::of(&mut self.session)?;
        for (one, migration) in rehearsed.iter_mut().zip(self.request.migrations) {
            let mut held = self.held_long(&one.locks, &one.findings)?;
            if held.is_empty() {
                continue;
            }
            let expected = self.check(migration)?.expected;
            held = partitions.fold(held, &[]);
            held.retain(|found| !expected.iter().any(|expected| expected.covers(found)));
            advice::complete(&mut held, &[], self.request.settings, migration);
            one.findings.extend(held);
            one.findings.sort_by_key(|found| (std::cmp::Reverse(found.severity), found.line));
            one.verdict = one.verdict.max(Verdict::of(&one.findings));
        }
        Ok(())
    }
}

fn rolled_back() -> RollbackProof {
    RollbackProof::Unmeasured("all migrations are rolled back when one of them fails".to_owned())
}

/// Extends every lock to the end of the last migration, because the shared transaction keeps it
/// until then.
fn mark_held_until_end(rehearsed: &mut [Rehearsed]) {
    let mut rest = Duration::ZERO;
    for one in rehearsed.iter_mut().rev() {
        for lock in &mut one.locks {
            lock.held += rest;
            lock.estimated = lock.estimated.map(|estimated| estimated + rest);
        }
        rest += one.duration;
    }
}
