//! Runs a statement with `CONCURRENTLY`: without a `lock_timeout`, after removing leftovers of
//! earlier tries, and with a check that what it built is valid.

use std::path::Path;

use postgres::error::SqlState;

use crate::failure::{ConcurrentlyError, Failure, Result, Stopped};
use crate::migration::leftovers::{InvalidIndex, detaching, invalid_indexes};
use crate::migration::retry::{RetryBudget, WAITED_FOR_LOCK};
use crate::migration::waiting::{AbandonedWait, Wait};
use crate::migration::watchdog::Watchdog;
use crate::model::event::Event;
use crate::model::statement::{ServerError, StatementError};
use crate::settings::Limits;
use crate::world::World;
use crate::world::pg::{SearchPath, Session};
use pg_sql::concurrently::{Concurrent, Name, concurrent};
use pg_sql::quote::quote_literal;
use pg_sql::script::Statement;

/// Why a statement is retried if a leftover blocked it.
const LEFTOVER: &str = "a leftover of an earlier attempt was in its way";

/// What a run knows that runs such statements.
pub(super) struct Concurrently<'a> {
    world: &'a World,
    limits: &'a Limits,
    watchdog: &'a Watchdog,
    file: &'a Path,
    command: String,
    running: Option<RunningStatement>,
    /// The search path of the statement.
    pub(super) path: SearchPath,
    /// What the statement that failed has left.
    pub(super) left: Vec<String>,
    given_up: Option<AbandonedWait>,
}

/// The statement that runs.
struct RunningStatement {
    what: Concurrent,
    place: String,
    /// The session's own `lock_timeout`, while ours is in force.
    lock_timeout: Option<String>,
    /// Whether the server has to bound its waits.
    bounded: bool,
    /// The invalid indexes that were there before it.
    known: Option<Vec<u32>>,
    /// Whether it is done, though it failed.
    is_done: bool,
}

impl<'a> Concurrently<'a> {
    pub(super) fn new(
        world: &'a World,
        limits: &'a Limits,
        watchdog: &'a Watchdog,
        file: &'a Path,
        command: String,
    ) -> Concurrently<'a> {
        let (running, path, left, given_up) = (None, SearchPath::default(), Vec::new(), None);
        Concurrently { world, limits, watchdog, file, command, running, path, left, given_up }
    }

    /// Another statement begins.
    pub(super) fn begin(&mut self, statement: &Statement, may_run: bool) {
        let place = format!("{}:{}", self.file.display(), statement.line);
        let what = concurrent(&statement.text).filter(|_| may_run);
        self.running = what.map(|what| RunningStatement {
            what,
            place,
            lock_timeout: None,
            bounded: false,
            known: None,
            is_done: false,
        });
        self.left.clear();
        self.given_up = None;
    }

    /// Whether the statement that runs is one of these.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Called before each try; removes leftovers. Returns whether the statement has to run.
    pub(super) fn admits(
        &mut self,
        session: &mut Session,
        patience: &mut RetryBudget,
        stays: &[String],
    ) -> Result<bool> {
        let Some(running) = &self.running else { return Ok(true) };
        if running.is_done {
            return Ok(false);
        }
        let is_first = running.known.is_none();
        self.extend_lock_wait(session);
        let left = match self.what() {
            Some(Concurrent::Detach { parent, partition }) => {
                let finished = self.finish_before(session, &parent, &partition, patience);
                return finished.map_err(|(name, failure)| {
                    self.give_back(session);
                    self.not_proved(Some(describe_half_detached(&name, &parent)), &failure, stays)
                });
            }
            _ => self.clear(session, is_first),
        };
        match self.watchdog.given_up() {
            None => Ok(true),
            Some(given_up) => {
                self.give_back(session);
                Err(self.timed_out(&given_up, left, stays))
            }
        }
    }

    /// Called after success; checks that the index is valid. Returns whether to run it again.
    pub(super) fn ran(
        &mut self,
        session: &mut Session,
        patience: &mut RetryBudget,
        stays: &[String],
    ) -> Result<bool> {
        let Some(what) = self.what() else { return Ok(false) };
        self.give_back(session);
        // Of a build without a name there is nothing to ask: it is new, or it failed.
        let found = invalid_indexes(session, &self.path, &what, None);
        let found = found.map_err(|failure| self.not_proved(None, &failure, stays))?;
        let Some(wrong) = found.into_iter().find(|index| index.is_target) else {
            self.briefly(session, |this, session| this.clear(session, false));
            return Ok(false);
        };
        if wrong.is_owned && patience.again(self.world, LEFTOVER)? {
            return Ok(true);
        }
        Err(self.not_valid(wrong, stays))
    }

    /// Called after a failure; removes leftovers if that is possible at once. Returns whether to
    /// retry.
    pub(super) fn failed(
        &mut self,
        session: &mut Session,
        error: &ServerError,
        patience: &mut RetryBudget,
    ) -> bool {
        let Some(what) = self.what() else { return false };
        self.given_up = self.give_back(session).or_else(|| self.given_up_by_server(error));
        let found = invalid_indexes(session, &self.path, &what, self.known()).unwrap_or_default();
        let in_the_way = found.iter().any(|index| index.is_owned && index.builder.is_none());
        self.left = self.briefly(session, |this, session| this.clean_up(session, &what));
        if self.running.as_ref().is_some_and(|running| running.is_done) {
            return true;
        }
        let why = if is_wait(error) {
            WAITED_FOR_LOCK
        } else if error.is(&SqlState::DUPLICATE_TABLE) && in_the_way {
            LEFTOVER
        } else {
            return false;
        };
        self.given_up.is_none() && patience.again(self.world, why).unwrap_or(false)
    }

    /// The failure of the statement, if it is more than the server's error.
    pub(super) fn failure(&self, error: &StatementError, stays: &[String]) -> Option<Failure> {
        if let Some(given_up) = &self.given_up {
            return Some(self.timed_out(given_up, self.left.clone(), stays));
        }
        if self.left.is_empty() {
            return None;
        }
        let at = self.stopped(self.left.clone(), stays);
        let code = error.server.code.iter().map(|code| format!("SQLSTATE {code}"));
        let detail = error.server.detail.iter().map(|detail| format!("detail: {detail}"));
        let why = detail.chain(code).collect();
        let message = error.server.message.clone();
        Some(ConcurrentlyError::Left { at, message, why }.into())
    }

    fn what(&self) -> Option<Concurrent> {
        self.running.as_ref().map(|running| running.what.clone())
    }

    fn known(&self) -> Option<&[u32]> {
        self.running.as_ref()?.known.as_deref()
    }

    /// From here on, the watchdog limits the wait, not the server.
    fn extend_lock_wait(&mut self, session: &mut Session) {
        let Some(running) = &mut self.running else { return };
        let timeout = self.limits.concurrently_timeout.value;
        let wait = Wait::new(&running.place, timeout);
        running.bounded = !self.watchdog.start_watching(self.world, wait);
        let own = "SELECT pg_catalog.current_setting('lock_timeout')";
        running.lock_timeout = session.value("ask for the lock timeout", own).unwrap_or_default();
        // Where no second session can be had, the server bounds each of its waits.
        let most = timeout.as_millis().clamp(1, i32::MAX as u128);
        let bound = if running.bounded { most } else { 0 };
        // If this fails, so does the statement.
        let _ = session.run("wait without a limit", &format!("SET lock_timeout = {bound}"));
    }

    /// From here on the session has its own limit again.
    fn give_back(&mut self, session: &mut Session) -> Option<AbandonedWait> {
        let given_up = self.watchdog.stop_watching();
        let own = self.running.as_mut().and_then(|running| running.lock_timeout.take());
        if let Some(own) = own {
            let sql = format!("SET lock_timeout = {}", quote_literal(&own));
            let _ = session.run("wait with a limit", &sql);
        }
        given_up
    }

    /// Whether the server ended a wait that the watchdog could not observe.
    fn given_up_by_server(&self, error: &ServerError) -> Option<AbandonedWait> {
        let bounded = self.running.as_ref().is_some_and(|running| running.bounded);
        (bounded && error.is(&SqlState::LOCK_NOT_AVAILABLE)).then(|| AbandonedWait {
            waited: self.limits.concurrently_timeout.value,
            holders: Vec::new(),
            is_circle: false,
        })
    }

    /// Does something that is to wait no longer for a lock than any other statement.
    fn briefly<T>(
        &mut self,
        session: &mut Session,
        run: impl FnOnce(&mut Self, &mut Session) -> T,
    ) -> T {
        let own = "SELECT pg_catalog.current_setting('lock_timeout')";
        let own = session.value("ask for the lock timeout", own).unwrap_or_default();
        let bound = self.limits.ddl_lock_timeout.value.as_millis();
        let _ = session.run("wait with a limit", &format!("SET lock_timeout = {bound}"));
        let done = run(self, session);
        if let Some(own) = own {
            let sql = format!("SET lock_timeout = {}", quote_literal(&own));
            let _ = session.run("wait as before", &sql);
        }
        done
    }

    /// Drops leftovers of the statement's own targets, and returns what has to stay. Leftovers of
    /// others in the same tables are reported once.
    fn clear(&mut self, session: &mut Session, is_first: bool) -> Vec<String> {
        let Some(what) = self.what() else { return Vec::new() };
        // If the query fails, the statement itself will fail with the reason.
        let found = invalid_indexes(session, &self.path, &what, self.known()).unwrap_or_default();
        if let (true, Some(running)) = (is_first, &mut self.running) {
            running.known = Some(found.iter().map(|index| index.oid).collect());
        }
        let mut left = Vec::new();
        for index in found {
            if index.is_owned && index.builder.is_none() {
                left.extend(self.drop_index(session, index));
            } else if is_first && !(index.is_target && index.builder.is_none()) {
                self.world.emit(Event::Warning { message: describe_builder(&index) });
            }
        }
        left
    }

    fn drop_index(&self, session: &mut Session, index: InvalidIndex) -> Option<String> {
        let InvalidIndex { name: index, .. } = index;
        // The transactions that it waited for are still there.
        if self.watchdog.given_up().is_some() {
            return Some(invalid(&index));
        }
        match session.run("drop it", &format!("DROP INDEX CONCURRENTLY {index}")) {
            Ok(()) => {
                self.world.emit(Event::InvalidIndexRemoved { index });
                None
            }
            Err(_) => Some(invalid(&index)),
        }
    }

    /// Removes what can be removed after a failure, and returns what is left.
    fn clean_up(&mut self, session: &mut Session, what: &Concurrent) -> Vec<String> {
        match what {
            Concurrent::Create { .. } | Concurrent::Reindex { .. } => self.clear(session, false),
            Concurrent::Drop { .. } => {
                let found = invalid_indexes(session, &self.path, what, None).unwrap_or_default();
                found.iter().map(|index| invalid(&index.name)).collect()
            }
            Concurrent::Detach { parent, partition } => {
                match self.finish(session, parent, partition) {
                    Finish::Nothing => Vec::new(),
                    Finish::Done => {
                        self.running.iter_mut().for_each(|running| running.is_done = true);
                        Vec::new()
                    }
                    Finish::Failed(name, _) => vec![describe_half_detached(&name, parent)],
                }
            }
        }
    }

    /// Finishes what an earlier run has begun; then the statement itself has nothing to do.
    fn finish_before(
        &mut self,
        session: &mut Session,
        parent: &Name,
        partition: &Name,
        patience: &mut RetryBudget,
    ) -> Result<bool, (String, Failure)> {
        loop {
            match self.briefly(session, |this, session| this.finish(session, parent, partition)) {
                Finish::Nothing => return Ok(true),
                Finish::Done => {
                    self.give_back(session);
                    return Ok(false);
                }
                Finish::Failed(_, failure)
                    if failure.is(&SqlState::LOCK_NOT_AVAILABLE)
                        && patience.again(self.world, WAITED_FOR_LOCK).unwrap_or(false) => {}
                Finish::Failed(name, failure) => return Err((name, failure)),
            }
        }
    }

    /// Completes an interrupted detach. Others of the same table are reported, because they block
    /// this one.
    fn finish(&self, session: &mut Session, parent: &Name, partition: &Name) -> Finish {
        let mut finished = Finish::Nothing;
        for found in detaching(session, &self.path, parent, partition).unwrap_or_default() {
            let name = found.name;
            if let Some(who) = found.builder {
                let message = format!("{who} is detaching {name}: left unchanged");
                self.world.emit(Event::Warning { message });
            } else if found.is_owned {
                finished = self.finalize(session, &found.parent, name);
            } else {
                let message =
                    format!("an interrupted DETACH of {name} belongs to another statement");
                self.world.emit(Event::Warning { message });
            }
        }
        finished
    }

    fn finalize(&self, session: &mut Session, parent: &str, name: String) -> Finish {
        let sql = format!("ALTER TABLE {parent} DETACH PARTITION {name} FINALIZE");
        match session.run(&format!("finish the detaching of {name}"), &sql) {
            Ok(()) => {
                let message = format!("finished the interrupted DETACH of {name}");
                self.world.emit(Event::Warning { message });
                Finish::Done
            }
            Err(failure) => Finish::Failed(name, failure),
        }
    }

    fn stopped(&self, left: Vec<String>, stays: &[String]) -> Stopped {
        let place = self.running.as_ref().map_or_else(String::new, |one| one.place.clone());
        Stopped { place, left, stays: stays.to_vec(), command: self.command.clone() }
    }

    fn timed_out(&self, given_up: &AbandonedWait, left: Vec<String>, stays: &[String]) -> Failure {
        let at = self.stopped(left, stays);
        let AbandonedWait { waited, holders, is_circle } = given_up.clone();
        if is_circle {
            return ConcurrentlyError::Circle { at, holders }.into();
        }
        ConcurrentlyError::TimedOut { at, waited, holders }.into()
    }

    /// What it built does not exist, or cannot be queried.
    fn not_proved(&self, left: Option<String>, failure: &Failure, stays: &[String]) -> Failure {
        let at = self.stopped(left.into_iter().collect(), stays);
        let (message, why) = (failure.to_string(), failure.why());
        ConcurrentlyError::Left { at, message, why }.into()
    }

    fn not_valid(&self, index: InvalidIndex, stays: &[String]) -> Failure {
        let at = self.stopped(Vec::new(), stays);
        ConcurrentlyError::Invalid { at, index: index.name, builder: index.builder }.into()
    }
}

/// What came of finishing a detaching.
enum Finish {
    Nothing,
    Done,
    /// Which partition, and why.
    Failed(String, Failure),
}

/// Whether the statement conflicted with another session, which may end.
fn is_wait(error: &ServerError) -> bool {
    error.is(&SqlState::LOCK_NOT_AVAILABLE) || error.is(&SqlState::T_R_DEADLOCK_DETECTED)
}

fn describe_builder(index: &InvalidIndex) -> String {
    let name = &index.name;
    match &index.builder {
        Some(who) => format!("{who} is using the invalid index {name}: left unchanged"),
        None => {
            format!("the invalid index {name} does not belong to this statement: left unchanged")
        }
    }
}

fn invalid(index: &str) -> String {
    format!("the invalid index {index}: no query uses it, but writes may still update it")
}

fn describe_half_detached(name: &str, parent: &Name) -> String {
    format!("{name} is half detached: {} no longer contains its rows", parent.quoted())
}
