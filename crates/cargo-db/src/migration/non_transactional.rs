//! A file that runs outside a transaction: what stays when it stops, and which of its statements
//! are tried again.

use postgres::error::SqlState;

use crate::failure::Result;
use crate::migration::concurrently::Concurrently;
use crate::migration::retry::{RetryBudget, WAITED_FOR_LOCK};
use crate::model::statement::StatementError;
use crate::world::World;
use crate::world::pg::{ScriptStop, Session, StatementObserver};
use pg_sql::script::Statement;

/// Follows a file that runs outside a transaction.
pub(super) struct ProgressTracker<'a> {
    world: &'a World,
    /// All tries of the file count together.
    patience: &'a mut RetryBudget,
    /// The current statement, if it has `CONCURRENTLY`.
    pub(super) concurrently: Concurrently<'a>,
    /// The statements that are done, each as its first line.
    pub(super) stays: Vec<String>,
    /// How many were done before the transaction that the file has begun, if it has.
    begun: Option<usize>,
    running: Option<Statement>,
}

impl<'a> ProgressTracker<'a> {
    pub(super) fn new(
        world: &'a World,
        patience: &'a mut RetryBudget,
        concurrently: Concurrently<'a>,
    ) -> ProgressTracker<'a> {
        let (stays, begun, running) = (Vec::new(), None, None);
        ProgressTracker { world, patience, concurrently, stays, begun, running }
    }

    /// What is left if the file stops here: an open transaction of the file is rolled back, unless
    /// its end was being sent. The current statement may have done a part of its work, unless the
    /// server rejected it and it is atomic.
    pub(super) fn stopped(&mut self, stop: &ScriptStop) -> Vec<String> {
        let lost = matches!(stop, ScriptStop::Lost(_));
        let running = self.running.as_ref().filter(|running| lost || running.commits_in_parts());
        let ending = running.is_some_and(|running| lost && running.controls_transaction());
        match (self.begun, running) {
            (Some(begun), _) if !ending => self.stays.truncate(begun),
            (_, Some(running)) => {
                self.stays
                    .push(format!("{} (perhaps, or a part of it)", first_line(&running.text)));
            }
            _ => {}
        }
        self.stays.clone()
    }
}

impl StatementObserver for ProgressTracker<'_> {
    fn before(&mut self, _: &mut Session, statement: &Statement) {
        // In a transaction the server refuses it before anything is done.
        self.concurrently.begin(statement, self.begun.is_none());
        self.running = Some(statement.clone());
    }

    fn admits(&mut self, session: &mut Session, statement: &Statement) -> Result<bool> {
        self.running = Some(statement.clone());
        let ProgressTracker { concurrently, patience, stays, .. } = self;
        aside(session, concurrently, |session, this| this.admits(session, patience, stays))?
    }

    fn again(&mut self, session: &mut Session, _: &Statement) -> Result<bool> {
        let ProgressTracker { concurrently, patience, stays, .. } = self;
        aside(session, concurrently, |session, this| this.ran(session, patience, stays))?
    }

    fn after(&mut self, statement: &Statement) {
        self.running = None;
        self.stays.push(first_line(&statement.text));
        if statement.begins_transaction() {
            self.begun = Some(self.stays.len() - 1);
        } else if statement.controls_transaction() {
            self.begun = None;
        }
    }

    /// Here a single statement can be tried again, because those before it are done for good; but
    /// not one that may have committed a part of its work.
    fn failed(
        &mut self,
        session: &mut Session,
        statement: &Statement,
        error: &StatementError,
    ) -> bool {
        // A constraint or a timeout refuses a statement of one row set as a whole.
        if !statement.commits_in_parts() {
            self.running = None;
        }
        if self.concurrently.is_running() {
            let ProgressTracker { concurrently, patience, .. } = self;
            let failed = |session: &mut Session, this: &mut Concurrently<'_>| {
                this.failed(session, &error.server, patience)
            };
            return aside(session, concurrently, failed).unwrap_or(false);
        }
        error.server.is(&SqlState::LOCK_NOT_AVAILABLE)
            && self.begun.is_none()
            && !statement.commits_in_parts()
            && statement.can_be_tried_again()
            && self.patience.again(self.world, WAITED_FOR_LOCK).unwrap_or(false)
    }
}

pub(super) fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end().to_owned();
    if lines.next().is_some() { format!("{first} …") } else { first }
}

/// Runs SQL of ours between two statements of the file, under our settings.
fn aside<'a, T>(
    session: &mut Session,
    concurrently: &mut Concurrently<'a>,
    run: impl FnOnce(&mut Session, &mut Concurrently<'a>) -> T,
) -> Result<T> {
    let theirs = session.interrupt(false)?;
    concurrently.path = theirs.path.clone();
    let done = run(session, concurrently);
    session.resume(&theirs)?;
    Ok(done)
}
