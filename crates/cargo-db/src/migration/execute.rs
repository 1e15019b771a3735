//! Carries out a plan about migrations, one migration after the other.
//!
//! A migration and its history row are committed together. A file that asks for no transaction
//! runs statement by statement, and then nothing can be undone: so it is said what stays, and an
//! index that a failed concurrent build left behind, which nothing can use, is dropped.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind, Result};
use crate::migration::facts::{create_database, read_history};
use crate::migration::outside::Progress;
use crate::migration::verify;
use crate::migration::watchdog::Watchdog;
use crate::model::event::Event;
use crate::model::layout::{Entry, Layout};
use crate::model::migration::{Migration, ScriptFile, Version, title};
use crate::plan::{Plan, Step, Verb};
use crate::settings::{Limits, Runner, Settings};
use crate::world::clock::{now, pause, stopwatch};
use crate::world::pg::{
    Backend, Lock, Purpose, Script, Session, Stop, after_the_end_of, backend, describe,
    server_error,
};
use crate::world::{World, files};
use pg_sql::quote::quote_literal;

/// The SQLSTATE with which a statement ends when `lock_timeout` passes.
pub(super) const LOCK_NOT_AVAILABLE: &str = "55P03";

/// A step that is done.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) version: Version,
    pub(crate) name: String,
    pub(crate) elapsed: Duration,
}

impl Deed {
    pub(crate) fn of(migration: &Migration, elapsed: Duration) -> Deed {
        Deed { version: migration.version.clone(), name: migration.name.clone(), elapsed }
    }
}

/// Which way a migration goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// One migration's turn.
pub(super) struct Turn<'a> {
    pub(super) migration: &'a Migration,
    direction: Direction,
    /// Version and name, for messages.
    pub(super) subject: String,
}

impl<'a> Turn<'a> {
    fn of(step: &'a Step) -> Option<Turn<'a>> {
        let (migration, direction) = match step {
            Step::Apply { migration } => (migration, Direction::Up),
            Step::Revert { migration, .. } => (migration, Direction::Down),
            _ => return None,
        };
        Some(Turn { migration, direction, subject: migration.title() })
    }

    pub(super) fn file(&self) -> Result<&ScriptFile> {
        match self.direction {
            Direction::Up => Ok(&self.migration.up),
            Direction::Down => {
                let down = self.migration.down.as_ref();
                down.ok_or_else(|| {
                    Kind::Irreversible { migrations: vec![self.subject.clone()] }.into()
                })
            }
        }
    }
}

/// What all migrations of a run share.
pub(super) struct Run<'a> {
    pub(super) world: &'a World,
    pub(super) lock: &'a mut Lock,
    pub(super) session: Session,
    backend: Backend,
    pub(super) watchdog: Watchdog,
    pub(super) layout: &'a Layout,
    /// Whether the history table has to be made first.
    makes_history: bool,
    /// Qualified, so that a migration that changes `search_path` cannot hide it.
    table: String,
    pub(super) limits: &'a Limits,
    pub(super) root: &'a Path,
    /// The files of `[verify] sql`.
    pub(super) verify: &'a [PathBuf],
}

/// Carries out the plan. A failure tells what had been done before it.
pub(super) fn carry_out(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<Vec<Deed>> {
    let (layout, limits, root) =
        (&settings.migrations.layout, &settings.limits, settings.root.as_path());
    let turns: Vec<Turn<'_>> = plan.steps.iter().filter_map(Turn::of).collect();
    look_through(world, settings, plan)?;
    lock.check_now()?;
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    end_sessions_of_killed_runs(world, &mut session)?;
    session.run("set the limits of the session", &session_settings(limits))?;
    let backend = backend(&mut session)?;
    let bound = max_blocking(settings, plan);
    let watchdog = Watchdog::begin(world, &plan.target, backend.pid(), bound);
    let verify = if plan.verb == Verb::Rollback {
        Vec::new()
    } else {
        files::matching(root, &settings.verify)?
    };
    let makes_history = plan.steps.iter().any(|step| matches!(step, Step::CreateHistory { .. }));
    let table = String::new();
    let verify = verify.as_slice();
    let mut run = Run {
        world,
        lock,
        session,
        backend,
        watchdog,
        layout,
        makes_history,
        table,
        limits,
        root,
        verify,
    };
    if plan.is_one_transaction() {
        return run.all_in_one_transaction(&turns);
    }
    run.find_history()?;
    run.one_by_one(&turns)
}

/// How long others may wait for a migration: where nothing is said, not for long where they are customers.
fn max_blocking(settings: &Settings, plan: &Plan) -> Option<Duration> {
    let otherwise = (!plan.environment.is_own()).then_some(Duration::from_millis(300));
    settings.limits.max_blocking.as_ref().map(|setting| setting.value).or(otherwise)
}

/// Looks through every file of a plan before the first one runs. An empty file is suspicious, and
/// one that is to lead back is a mistake: only the history would change.
pub(crate) fn look_through(world: &World, settings: &Settings, plan: &Plan) -> Result<()> {
    if settings.migrations.runner == Runner::Tool {
        return Ok(());
    }
    for turn in plan.steps.iter().filter_map(Turn::of) {
        let file = turn.file()?;
        if read_script(settings, file)?.is_empty() {
            if turn.direction == Direction::Down {
                return Err(Kind::EmptyDown { subject: turn.subject }.into());
            }
            let message = format!("`{}` holds no statement", file.path.display());
            world.tell(Event::Notice { severity: "warning".to_owned(), message });
        }
    }
    Ok(())
}

/// Creates the database that a plan begins with.
pub(crate) fn prepare_database(world: &World, plan: &Plan) -> Result<()> {
    if plan.steps.iter().any(|step| matches!(step, Step::CreateDatabase { .. })) {
        create_database(world, &plan.target)?;
    }
    Ok(())
}

impl Direction {
    fn verb(self) -> &'static str {
        match self {
            Direction::Up => "migrate",
            Direction::Down => "rollback",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Direction::Up => ("Applying", "Applied"),
            Direction::Down => ("Reverting", "Reverted"),
        }
    }
}

pub(crate) fn session_settings(limits: &Limits) -> String {
    let milliseconds = |duration: Duration| duration.as_millis();
    let mut settings =
        format!("SET lock_timeout = {}", milliseconds(limits.ddl_lock_timeout.value));
    if let Some(timeout) = &limits.statement_timeout {
        settings = format!("{settings}; SET statement_timeout = {}", milliseconds(timeout.value));
    }
    settings
}

/// Reads a file of a migration, which must be what was planned with.
pub(crate) fn read_script(settings: &Settings, file: &ScriptFile) -> Result<Script> {
    read(&settings.root, &settings.migrations.layout, file)
}

/// Reads a file again and makes sure that it is still what was planned with.
pub(super) fn read(root: &Path, layout: &Layout, file: &ScriptFile) -> Result<Script> {
    let bytes = bytes_as_planned(root, layout, file)?;
    Script::check(&file.path, file.part_of(bytes), file.transactional)
}

/// What a file holds, which must be what was planned with.
pub(super) fn bytes_as_planned(root: &Path, layout: &Layout, file: &ScriptFile) -> Result<Vec<u8>> {
    let bytes = files::read(&root.join(&file.path))?;
    if layout.digest(&bytes) != file.checksum {
        return Err(Kind::FileChanged { file: file.path.clone() }.into());
    }
    Ok(bytes)
}

/// Whoever has the lock is the only run. Another writing session of cargo db in this database
/// belongs to a run that was killed, and its transaction can only be in the way.
pub(super) fn end_sessions_of_killed_runs(world: &World, session: &mut Session) -> Result<()> {
    let sql = format!(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() \
           AND application_name LIKE 'cargo-db/%' AND (application_name LIKE '% tool' OR application_name LIKE {})",
        quote_literal(&format!(
            "%{}",
            Purpose::Write.application_name().rsplit(' ').next().unwrap_or("write")
        ))
    );
    for row in session.rows("look for sessions of killed runs", &sql)? {
        let pid = row[0].as_deref().and_then(|pid| pid.parse().ok()).unwrap_or(0);
        world.tell(Event::SessionOfKilledRunEnded { pid });
    }
    Ok(())
}

impl Run<'_> {
    /// Runs the migrations one after the other, each committed by itself. A failure tells what had been
    /// done before it.
    fn one_by_one(&mut self, turns: &[Turn<'_>]) -> Result<Vec<Deed>> {
        let mut deeds: Vec<Deed> = Vec::new();
        let done_so_far = |deeds: &[Deed], done: &str| {
            let line = |deed: &Deed| format!("{done} {}", title(&deed.version, &deed.name));
            deeds.iter().map(line).collect::<Vec<_>>()
        };
        for turn in turns {
            let began = stopwatch();
            let (doing, done) = turn.direction.words();
            self.world.tell(Event::Started { doing, subject: turn.subject.clone() });
            let ready = self.world.interrupt.check().and_then(|()| self.lock.check());
            let outcome = ready.and_then(|()| self.with_retries(turn));
            outcome.map_err(|failure| failure.after(done_so_far(&deeds, done)))?;
            let elapsed = began.elapsed();
            self.world.tell(Event::Finished { done, subject: turn.subject.clone(), elapsed });
            deeds.push(Deed::of(turn.migration, elapsed));
        }
        verify::of_batch(self.world, &mut self.session, self.root, self.verify)
            .map_err(|failure| failure.after(done_so_far(&deeds, "Applied")))?;
        Ok(deeds)
    }

    /// Finds the history table; makes it if there is none.
    pub(super) fn find_history(&mut self) -> Result<()> {
        if self.makes_history {
            self.session.run("create the history table", &self.layout.create_table())?;
        }
        let table = read_history(&mut self.session, self.layout)?.table;
        self.table = table.ok_or_else(|| Kind::Bug {
            what: "the history table is not where it was made".to_owned(),
        })?;
        Ok(())
    }

    pub(super) fn session_settings(&self) -> String {
        session_settings(self.limits)
    }

    /// Runs one migration; one that waited too long for a lock is tried again, as a whole.
    fn with_retries(&mut self, turn: &Turn<'_>) -> Result<()> {
        let mut patience = Patience::new(self.limits);
        loop {
            match self.once(turn).map_err(|failure| self.given_up(failure, &turn.subject)) {
                Err(failure)
                    if waited_for_lock(&failure)
                        && patience.again(self.world, &turn.subject)? => {}
                outcome => return outcome,
            }
        }
    }

    /// What a failure is after the watchdog: it was for those who waited.
    pub(super) fn given_up(&self, failure: Failure, subject: &str) -> Failure {
        match self.watchdog.cancelled_for() {
            Some(who) => Kind::Blocking { subject: subject.to_owned(), who }.into(),
            None => failure,
        }
    }

    fn once(&mut self, turn: &Turn<'_>) -> Result<()> {
        let file = turn.file()?;
        let script = read(self.root, self.layout, file)?;
        if file.transactional {
            self.in_transaction(&script, turn)
        } else {
            self.statement_by_statement(&script, turn)
        }
    }

    fn in_transaction(&mut self, script: &Script, turn: &Turn<'_>) -> Result<()> {
        self.watchdog.arm(true);
        let outcome = self.inside_transaction(script, turn);
        self.watchdog.arm(false);
        outcome
    }

    fn inside_transaction(&mut self, script: &Script, turn: &Turn<'_>) -> Result<()> {
        let began = stopwatch();
        self.session.run("begin a transaction", "BEGIN")?;
        if let Err(stop) = script.run(&mut self.session, &mut ()) {
            // If this fails, the connection is gone, and the server rolls back by itself.
            let _ = self.session.batch_execute("ROLLBACK");
            self.world.interrupt.check()?;
            return Err(self.rolled_back(stop, turn));
        }
        if turn.direction == Direction::Up
            && let Err(failure) = verify::of_migration(&mut self.session, self.root, turn.migration)
        {
            let _ = self.session.batch_execute("ROLLBACK");
            return Err(failure.about(&turn.subject));
        }
        // One round trip for the row, the commit and a clean session for the next migration:
        // what this one set with SET is not meant for others.
        let record = self.history_statement(turn, script, began);
        let settings = session_settings(self.limits);
        // As whoever we are: a role that the migration has set may not be let near the history.
        let committed = self.session.batch_execute(&format!(
            "RESET ROLE; RESET SESSION AUTHORIZATION; {record}; COMMIT; RESET ALL; {settings}"
        ));
        let Err(error) = committed else { return Ok(()) };
        if let Some(server) = server_error(&error) {
            let _ = self.session.batch_execute("ROLLBACK");
            self.world.interrupt.check()?;
            let doing = format!("{} could not be committed and was rolled back", turn.subject);
            return Err(Kind::Sql { doing, server: Box::new(server) }.into());
        }
        self.settle(turn)
    }

    /// The connection was lost while the commit was on its way. Once its backend has ended, the
    /// history tells whether it arrived.
    pub(super) fn settle(&mut self, turn: &Turn<'_>) -> Result<()> {
        let target = self.session.target.clone();
        let unknown =
            || Kind::CommitUnknown { target: target.to_string(), subject: turn.subject.clone() };
        let mut session =
            after_the_end_of(self.world, &target, &self.backend).ok_or_else(unknown)?;
        let history = read_history(&mut session, self.layout).map_err(|_| unknown())?;
        let recorded = history.applied.iter().any(|row| row.version == turn.migration.version);
        if recorded != (turn.direction == Direction::Up) {
            return Err(self.rolled_back(Stop::Lost("the commit did not arrive".to_owned()), turn));
        }
        // The lock went with the connection, more likely than not.
        self.lock.check_now()?;
        session.run("set the limits of the session", &session_settings(self.limits))?;
        self.backend = backend(&mut session)?;
        self.watchdog.follow(self.backend.pid());
        self.session = session;
        Ok(())
    }

    pub(super) fn history_statement(
        &self,
        turn: &Turn<'_>,
        script: &Script,
        began: Instant,
    ) -> String {
        let (table, migration, elapsed) = (self.table.as_str(), turn.migration, began.elapsed());
        let entry = Entry { table, migration, elapsed, sql: script.sql() };
        match turn.direction {
            Direction::Up => self.layout.record(&entry),
            Direction::Down => self.layout.erase(&entry),
        }
    }

    pub(super) fn rolled_back(&self, stop: Stop, turn: &Turn<'_>) -> Failure {
        let (subject, verb) = (turn.subject.clone(), turn.direction.verb());
        match stop {
            Stop::Statement(statement) => Kind::Statement {
                statement,
                subject: format!("the transaction of {subject}"),
                verb,
            }
            .into(),
            Stop::Lost(why) => {
                Kind::ConnectionLost { target: self.session.target.to_string(), subject, why }
                    .into()
            }
        }
    }

    fn statement_by_statement(&mut self, script: &Script, turn: &Turn<'_>) -> Result<()> {
        let began = stopwatch();
        let mut progress = Progress::new(self.world, self.limits, &turn.subject);
        let ran = script.run(&mut self.session, &mut progress);
        if let Err(stop) = ran {
            let stays = progress.stopped(&stop);
            let _ = self.session.batch_execute("ROLLBACK");
            if let Err(interrupted) = self.world.interrupt.check() {
                return Err(
                    interrupted.after(stays.into_iter().map(|text| format!("`{text}` stays")))
                );
            }
            let (target, subject) = (self.session.target.to_string(), turn.subject.clone());
            return Err(match stop {
                Stop::Lost(why) => Kind::LostPartWay { target, subject, why, stays }.into(),
                Stop::Statement(statement) if stays.is_empty() => {
                    let subject = format!("the first statement of {subject}");
                    Kind::Statement { statement, subject, verb: turn.direction.verb() }.into()
                }
                Stop::Statement(statement) => Kind::PartWay { statement, subject, stays }.into(),
            });
        }
        if turn.direction == Direction::Up
            && let Err(failure) = verify::of_migration(&mut self.session, self.root, turn.migration)
        {
            let (subject, stays) = (turn.subject.clone(), progress.stays);
            return Err(Kind::NotRecorded { subject, why: failure.to_string(), stays }.into());
        }
        let record = self.history_statement(turn, script, began);
        let recorded = self.session.batch_execute(&format!(
            "RESET ALL; RESET ROLE; RESET SESSION AUTHORIZATION; {record}; {}",
            session_settings(self.limits)
        ));
        recorded.map_err(|error| {
            let (subject, stays) = (turn.subject.clone(), progress.stays);
            Kind::NotRecorded { subject, why: describe(&error), stays }.into()
        })
    }
}

/// How often one more try is worth it, and after which pause.
pub(super) struct Patience {
    attempt: u32,
    attempts: u32,
    wait: Duration,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Patience {
        Patience { attempt: 1, attempts: limits.attempts.value, wait: Duration::from_millis(200) }
    }

    /// Waits and says whether to try again.
    pub(super) fn again(&mut self, world: &World, subject: &str) -> Result<bool> {
        if self.attempt >= self.attempts {
            return Ok(false);
        }
        self.attempt += 1;
        let (subject, attempt, attempts) = (subject.to_owned(), self.attempt, self.attempts);
        world.tell(Event::Retrying { subject, attempt, attempts, pause: self.wait });
        // Two runs that are in each other's way should not come back at the same moment.
        pause(world, self.wait.mul_f64(1.0 + jitter() / 2.0))?;
        self.wait = (self.wait * 2).min(Duration::from_secs(5));
        Ok(true)
    }
}

/// Anything from 0 to 1.
fn jitter() -> f64 {
    f64::from(now().nanosecond() % 1000) / 1000.0
}

pub(super) fn waited_for_lock(failure: &Failure) -> bool {
    let code = match failure.kind() {
        Kind::Statement { statement, .. } => statement.server.code.as_deref(),
        Kind::Blocking { .. } => return true,
        _ => None,
    };
    code == Some(LOCK_NOT_AVAILABLE)
}
