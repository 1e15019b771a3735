//! A run of migrations: its sessions, and what all its migrations share.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{
    ConnectionError, DatabaseError, Exit, Failure, Kind, LockError, Result, RunError,
};
use crate::migration::applied::AppliedVersions;
use crate::migration::database::prepare_schema;
use crate::migration::history::{create_history, read_history};
use crate::migration::session::{end_sessions_of_killed_runs, session_settings};
use crate::migration::step::MigrationStep;
use crate::migration::verify::{self, verification_files};
use crate::migration::watchdog::Watchdog;
use crate::model::direction::Direction;
use crate::plan::{Operation, Plan, Step};
use crate::settings::{Limits, Settings};
use crate::world::World;
use crate::world::pg::{
    Backend, Lock, OwnTables, Purpose, Script, ScriptStop, Session, after_the_end_of, backend,
};
use db_tools::{HistoryEntry, ProjectTool};

/// What all migrations of a run share.
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) lock: &'a mut Lock,
    pub(super) session: Session,
    backend: Backend,
    pub(super) watchdog: Watchdog,
    pub(super) layout: &'a ProjectTool,
    /// Whether the history table has to be created first.
    makes_history: bool,
    /// Qualified, so that a migration that changes `search_path` cannot hide it.
    pub(super) table: String,
    pub(super) limits: &'a Limits,
    pub(super) root: &'a Path,
    /// The state of cargo db's own tables when the run began.
    pub(super) own: OwnTables,
    /// The files of `[verify] sql`.
    pub(super) verify: Vec<PathBuf>,
    /// What the history records after the last file, once it was read.
    pub(super) recorded: Option<AppliedVersions>,
}

impl<'a> Run<'a> {
    /// Opens the sessions that carry out this plan. The caller holds the lock.
    pub(super) fn open(
        world: &'a World,
        settings: &'a Settings,
        plan: &Plan,
        lock: &'a mut Lock,
    ) -> Result<Run<'a>> {
        let (limits, root) = (&settings.limits, settings.root.as_path());
        lock.check_now()?;
        prepare_schema(world, plan)?;
        let mut session = Session::open(world, &plan.target, Purpose::Write)?;
        end_sessions_of_killed_runs(world, &mut session)?;
        let backend = backend(&mut session)?;
        let own = OwnTables::of(&mut session)?;
        let bound = max_blocking(settings, plan);
        let watchdog = Watchdog::begin(world, &plan.target, backend.pid(), bound);
        let verify = if plan.verb == Operation::Rollback {
            Vec::new()
        } else {
            verification_files(root, &settings.verify)?
        };
        let creates = |step: &Step| matches!(step, Step::CreateHistory { .. });
        Ok(Run {
            world,
            lock,
            session,
            backend,
            watchdog,
            layout: &settings.migrations.layout,
            makes_history: plan.steps.iter().any(creates),
            table: String::new(),
            limits,
            root,
            own,
            verify,
            recorded: None,
        })
    }

    /// Finds the history table, and creates it if there is none.
    pub(super) fn find_history(&mut self) -> Result<()> {
        if self.makes_history {
            create_history(&mut self.session, self.layout)?;
        }
        let table = read_history(&mut self.session, self.layout)?.table;
        self.table = table.ok_or_else(|| RunError::Bug {
            what: "the history table is not where it was created".to_owned(),
        })?;
        Ok(())
    }

    /// Verifies, before a migration, that we still hold the lock.
    pub(super) fn ready(&mut self) -> Result<()> {
        self.lock.check()?;
        self.lock.is_apart_from(&mut self.session)
    }

    /// The limits of the session while a migration runs in it.
    pub(super) fn session_settings(&self) -> String {
        session_settings(self.limits)
    }

    /// What a failure is after the watchdog: it was for those who waited. If a part of the file is
    /// committed, it stays that failure: the file cannot be tried again as a whole.
    pub(super) fn given_up(&self, failure: Failure, subject: &str) -> Failure {
        match self.watchdog.cancelled_for() {
            Some(who) if failure.exit() == Exit::PartWay => {
                failure.with_note(Some(format!("other sessions waited for it too long: {who}")))
            }
            Some(who) => LockError::OthersWaited { subject: subject.to_owned(), who }.into(),
            None => failure,
        }
    }

    /// The connection was lost during the commit. Once the backend has ended, the history shows
    /// whether the commit succeeded. If it did not, only what the file had committed before is
    /// left.
    pub(super) fn confirm_commit(
        &mut self,
        step: &MigrationStep<'_>,
        stays: Vec<String>,
    ) -> Result<()> {
        let target = self.session.target.clone();
        let unknown = || ConnectionError::CommitUnknown {
            target: target.to_string(),
            subject: step.subject.clone(),
        };
        let mut session =
            after_the_end_of(self.world, &target, &self.backend).ok_or_else(unknown)?;
        let history = read_history(&mut session, self.layout).map_err(|_| unknown())?;
        let recorded = history.applied.iter().any(|row| row.version == step.migration.version);
        if recorded != (step.direction == Direction::Up) {
            let lost = ScriptStop::Lost("the commit did not arrive".to_owned());
            return Err(self.stopped(lost, stays, step));
        }
        self.continue_with(session).map_err(|failure| after_commit_of(step, failure))
    }

    /// Resets the session after a migration. That migration is committed: if the connection is lost
    /// by now, the run continues in a new session.
    pub(super) fn empty_behind(&mut self, step: &MigrationStep<'_>) -> Result<()> {
        let Err(failure) = self.session.reclaim_and_reset() else { return Ok(()) };
        let target = self.session.target.clone();
        let is_lost = matches!(failure.kind(), Kind::Connection(ConnectionError::Lost { .. }));
        let other = is_lost.then(|| after_the_end_of(self.world, &target, &self.backend)).flatten();
        let outcome = other.map_or(Err(failure), |session| self.continue_with(session));
        outcome.map_err(|failure| after_commit_of(step, failure))
    }

    /// Continues in a new session before the next migration checks the lock, which was probably
    /// lost with the connection.
    fn continue_with(&mut self, mut session: Session) -> Result<()> {
        self.lock.force_check();
        self.backend = backend(&mut session)?;
        self.watchdog.follow(self.backend.pid());
        self.session = session;
        Ok(())
    }

    /// Asks what `[verify] sql` names, with the settings of the project's own sessions.
    pub(super) fn verify_batch(&mut self) -> Result<()> {
        if self.verify.is_empty() {
            return Ok(());
        }
        self.session.lend(&self.session_settings())?;
        verify::of_batch(self.world, &mut self.session, self.root, &self.verify)?;
        self.session.take_back()
    }

    pub(super) fn history_statement(
        &self,
        step: &MigrationStep<'_>,
        script: &Script,
        began: Instant,
    ) -> String {
        let (table, migration, elapsed) = (self.table.as_str(), step.migration, began.elapsed());
        let entry = HistoryEntry { table, migration, elapsed, sql: script.sql() };
        match step.direction {
            Direction::Up => self.layout.record(&entry),
            Direction::Down => self.layout.erase(&entry),
        }
    }

    pub(super) fn rolled_back(&self, stop: ScriptStop, step: &MigrationStep<'_>) -> Failure {
        let (subject, command) = (step.subject.clone(), step.command());
        match stop {
            ScriptStop::Statement(statement) => DatabaseError::Statement {
                statement,
                subject: format!("the transaction of {subject}"),
                command,
            }
            .into(),
            ScriptStop::Ended { file, line } => {
                DatabaseError::Ended { file, line, subject, has_history: true, command }.into()
            }
            ScriptStop::Refused(failure) => failure,
            ScriptStop::Lost(why) => {
                ConnectionError::Lost { target: self.session.target.to_string(), subject, why }
                    .into()
            }
        }
    }
}

/// What a failure is once a migration was committed.
fn after_commit_of(step: &MigrationStep<'_>, failure: Failure) -> Failure {
    failure.afterwards(&format!("{} was committed", step.subject), "whether the run can continue")
}

/// How long other sessions may wait for a migration: by default not long in staging and production.
fn max_blocking(settings: &Settings, plan: &Plan) -> Option<Duration> {
    let otherwise = (!plan.environment.is_disposable()).then_some(Duration::from_millis(300));
    settings.limits.max_blocking.as_ref().map(|setting| setting.value).or(otherwise)
}
