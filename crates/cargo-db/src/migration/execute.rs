//! Carries out a plan about migrations, one migration after the other.
//!
//! A migration and its history row are committed together. A file that asks for no transaction
//! runs statement by statement, and then nothing can be undone: so it is said what stays, and an
//! index that a failed concurrent build left behind, which nothing can use, is dropped.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind, Result, StatementError};
use crate::migration::facts::{create_database, read_history};
use crate::model::event::Event;
use crate::model::layout::{Layout, quote_identifier, quote_literal};
use crate::model::migration::{Migration, ScriptFile, Version};
use crate::plan::{Plan, Step};
use crate::settings::Limits;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{
    Around, Backend, Lock, Purpose, Script, Session, Stop, after_the_end_of, backend, describe, server_error,
};
use crate::world::{World, files};
use pg_logical::lexer::words;
use pg_logical::script::Statement;

/// The SQLSTATE with which a statement ends when `lock_timeout` passes.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// A step that is done.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) version: Version,
    pub(crate) name: String,
    pub(crate) elapsed: Duration,
}

/// Which way a migration goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// One migration's turn.
struct Turn<'a> {
    migration: &'a Migration,
    direction: Direction,
    /// Version and name, for messages.
    subject: String,
}

impl<'a> Turn<'a> {
    fn of(step: &'a Step) -> Option<Turn<'a>> {
        let (migration, direction) = match step {
            Step::Apply { migration } => (migration, Direction::Up),
            Step::Revert { migration, .. } => (migration, Direction::Down),
            _ => return None,
        };
        Some(Turn { migration, direction, subject: format!("{} {}", migration.version, migration.name) })
    }

    fn file(&self) -> Result<&ScriptFile> {
        match self.direction {
            Direction::Up => Ok(&self.migration.up),
            Direction::Down => {
                let down = self.migration.down.as_ref();
                down.ok_or_else(|| Kind::Irreversible { migrations: vec![self.subject.clone()] }.into())
            }
        }
    }
}

/// What all migrations of a run share.
struct Run<'a> {
    world: &'a World,
    lock: &'a mut Lock,
    session: Session,
    backend: Backend,
    layout: Layout,
    /// Qualified, so that a migration that changes `search_path` cannot hide it.
    table: String,
    limits: &'a Limits,
    root: &'a Path,
}

/// Carries out the plan. The caller holds the lock, and has made sure that the plan still fits.
/// A failure tells what had been done before it.
pub(crate) fn carry_out(
    world: &World,
    plan: &Plan,
    limits: &Limits,
    root: &Path,
    lock: &mut Lock,
) -> Result<Vec<Deed>> {
    let layout = Layout::Sqlx;
    let turns: Vec<Turn<'_>> = plan.steps.iter().filter_map(Turn::of).collect();
    look_through(world, plan, root)?;
    lock.check_now()?;
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    end_sessions_of_killed_runs(world, &mut session)?;
    session.run("set the limits of the session", &session_settings(limits))?;
    if plan.steps.iter().any(|step| matches!(step, Step::CreateHistory { .. })) {
        session.run("create the history table", layout.create_table())?;
    }
    let table = read_history(&mut session, layout)?.table;
    let table =
        table.ok_or_else(|| Kind::Bug { what: "the history table is not where it was made".to_owned() })?;
    let backend = backend(&mut session)?;
    let mut run = Run { world, lock, session, backend, layout, table, limits, root };

    let mut deeds: Vec<Deed> = Vec::new();
    for turn in &turns {
        let began = stopwatch();
        let (doing, done) = turn.direction.words();
        world.tell(Event::Started { doing, subject: turn.subject.clone() });
        let outcome =
            world.interrupt.check().and_then(|()| run.lock.check()).and_then(|()| run.with_retries(turn));
        outcome.map_err(|failure| {
            failure.after(deeds.iter().map(|deed| format!("{done} {} {}", deed.version, deed.name)))
        })?;
        let elapsed = began.elapsed();
        world.tell(Event::Finished { done, subject: turn.subject.clone(), elapsed });
        deeds.push(Deed {
            version: turn.migration.version.clone(),
            name: turn.migration.name.clone(),
            elapsed,
        });
    }
    Ok(deeds)
}

/// Looks through every file of a plan before the first one runs. An empty file is suspicious, and
/// one that is to lead back is a mistake: only the history would change.
pub(crate) fn look_through(world: &World, plan: &Plan, root: &Path) -> Result<()> {
    for turn in plan.steps.iter().filter_map(Turn::of) {
        let file = turn.file()?;
        if read(root, Layout::Sqlx, file)?.is_empty() {
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

fn session_settings(limits: &Limits) -> String {
    let milliseconds = |duration: Duration| duration.as_millis();
    let mut settings = format!("SET lock_timeout = {}", milliseconds(limits.ddl_lock_timeout.value));
    if let Some(timeout) = &limits.statement_timeout {
        settings = format!("{settings}; SET statement_timeout = {}", milliseconds(timeout.value));
    }
    settings
}

/// Reads a file again and makes sure that it is still what was planned with.
fn read(root: &Path, layout: Layout, file: &ScriptFile) -> Result<Script> {
    let bytes = files::read(&root.join(&file.path))?;
    if layout.checksum(&bytes) != file.checksum {
        return Err(Kind::FileChanged { file: file.path.clone() }.into());
    }
    Script::check(&file.path, bytes, file.transactional)
}

/// Whoever has the lock is the only run. Another writing session of cargo db in this database
/// belongs to a run that was killed, and its transaction can only be in the way.
fn end_sessions_of_killed_runs(world: &World, session: &mut Session) -> Result<()> {
    let sql = format!(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() \
           AND application_name LIKE 'cargo-db/%' AND application_name LIKE {}",
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
    /// Runs one migration; one that waited too long for a lock is tried again, as a whole.
    fn with_retries(&mut self, turn: &Turn<'_>) -> Result<()> {
        let mut patience = Patience::new(self.limits);
        loop {
            match self.once(turn) {
                Err(failure) if waited_for_lock(&failure) && patience.again(self.world, &turn.subject)? => {}
                outcome => return outcome,
            }
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
        let began = stopwatch();
        self.session.run("begin a transaction", "BEGIN")?;
        if let Err(stop) = script.run(&mut self.session, &mut ()) {
            // If this fails, the connection is gone, and the server rolls back by itself.
            let _ = self.session.batch_execute("ROLLBACK");
            self.world.interrupt.check()?;
            return Err(self.rolled_back(stop, turn));
        }
        // One round trip for the row, the commit and a clean session for the next migration:
        // what this one set with SET is not meant for others.
        let record = self.history_statement(turn, began);
        let settings = session_settings(self.limits);
        let committed = self.session.batch_execute(&format!("{record}; COMMIT; RESET ALL; {settings}"));
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
    fn settle(&mut self, turn: &Turn<'_>) -> Result<()> {
        let target = self.session.target.clone();
        let unknown = || Kind::CommitUnknown { target: target.to_string(), subject: turn.subject.clone() };
        let mut session = after_the_end_of(self.world, &target, &self.backend).ok_or_else(unknown)?;
        let history = read_history(&mut session, self.layout).map_err(|_| unknown())?;
        let recorded = history.applied.iter().any(|row| row.version == turn.migration.version);
        if recorded != (turn.direction == Direction::Up) {
            return Err(self.rolled_back(Stop::Lost("the commit did not arrive".to_owned()), turn));
        }
        // The lock went with the connection, more likely than not.
        self.lock.check_now()?;
        session.run("set the limits of the session", &session_settings(self.limits))?;
        self.backend = backend(&mut session)?;
        self.session = session;
        Ok(())
    }

    fn history_statement(&self, turn: &Turn<'_>, began: Instant) -> String {
        match turn.direction {
            Direction::Up => self.layout.record(&self.table, turn.migration, began.elapsed().as_nanos()),
            Direction::Down => self.layout.erase(&self.table, &turn.migration.version),
        }
    }

    fn rolled_back(&self, stop: Stop, turn: &Turn<'_>) -> Failure {
        let (subject, verb) = (turn.subject.clone(), turn.direction.verb());
        match stop {
            Stop::Statement(statement) => {
                Kind::Statement { statement, subject: format!("the transaction of {subject}"), verb }.into()
            }
            Stop::Lost(why) => {
                Kind::ConnectionLost { target: self.session.target.to_string(), subject, why }.into()
            }
        }
    }

    fn statement_by_statement(&mut self, script: &Script, turn: &Turn<'_>) -> Result<()> {
        let began = stopwatch();
        let mut progress = Progress {
            world: self.world,
            patience: Patience::new(self.limits),
            subject: &turn.subject,
            stays: Vec::new(),
            begun: None,
            running: None,
        };
        let ran = script.run(&mut self.session, &mut progress);
        if let Err(stop) = ran {
            let stays = progress.stopped(&stop);
            let _ = self.session.batch_execute("ROLLBACK");
            if let Err(interrupted) = self.world.interrupt.check() {
                return Err(interrupted.after(stays.into_iter().map(|text| format!("`{text}` stays"))));
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
        let record = self.history_statement(turn, began);
        let recorded = self
            .session
            .batch_execute(&format!("RESET ALL; RESET ROLE; {record}; {}", session_settings(self.limits)));
        recorded.map_err(|error| {
            let (subject, stays) = (turn.subject.clone(), progress.stays);
            Kind::NotRecorded { subject, why: describe(&error), stays }.into()
        })
    }
}

/// How often one more try is worth it, and after which pause.
struct Patience {
    attempt: u32,
    attempts: u32,
    wait: Duration,
}

impl Patience {
    fn new(limits: &Limits) -> Patience {
        Patience { attempt: 1, attempts: limits.attempts.value, wait: Duration::from_millis(200) }
    }

    /// Waits and says whether to try again.
    fn again(&mut self, world: &World, subject: &str) -> Result<bool> {
        if self.attempt >= self.attempts {
            return Ok(false);
        }
        self.attempt += 1;
        let (subject, attempt, attempts) = (subject.to_owned(), self.attempt, self.attempts);
        world.tell(Event::Retrying { subject, attempt, attempts, pause: self.wait });
        pause(world, self.wait)?;
        self.wait = (self.wait * 2).min(Duration::from_secs(5));
        Ok(true)
    }
}

/// Follows a file that runs outside a transaction.
struct Progress<'a> {
    world: &'a World,
    patience: Patience,
    subject: &'a str,
    /// The statements that are done, each as its first line.
    stays: Vec<String>,
    /// How many were done before the transaction that the file has begun, if it has.
    begun: Option<usize>,
    running: Option<Statement>,
}

impl Progress<'_> {
    /// What is left when it stops here: what the file's own transaction did is gone, unless its end
    /// was on its way. What was running may have done a part, unless the server refused it and it
    /// is of a kind that does all or nothing.
    fn stopped(&mut self, stop: &Stop) -> Vec<String> {
        let lost = matches!(stop, Stop::Lost(_));
        let running = self.running.as_ref().filter(|running| lost || !running.can_be_tried_again());
        let ending = running.is_some_and(|running| lost && running.controls_transaction());
        match (self.begun, running) {
            (Some(begun), _) if !ending => self.stays.truncate(begun),
            (_, Some(running)) => {
                self.stays.push(format!("{} (perhaps, or a part of it)", first_line(&running.text)));
            }
            _ => {}
        }
        self.stays.clone()
    }
}

impl Around for Progress<'_> {
    fn before(&mut self, session: &mut Session, statement: &Statement) {
        self.running = Some(statement.clone());
        remove_invalid_index(self.world, session, statement, Moment::Before);
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
    fn failed(&mut self, session: &mut Session, statement: &Statement, error: &StatementError) -> bool {
        remove_invalid_index(self.world, session, statement, Moment::After);
        // A constraint or a timeout refuses a statement of one row set as a whole.
        if !matches!(first_word(statement).as_str(), "do" | "call") {
            self.running = None;
        }
        error.server.code.as_deref() == Some(LOCK_NOT_AVAILABLE)
            && self.begun.is_none()
            && statement.can_be_tried_again()
            && self.patience.again(self.world, self.subject).unwrap_or(false)
    }
}

fn first_word(statement: &Statement) -> String {
    words(&statement.text).into_iter().next().unwrap_or_default()
}

/// On which side of a statement we are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

/// Which index a statement builds concurrently, and on what.
#[derive(Debug, PartialEq, Eq)]
enum Build {
    /// `CREATE INDEX CONCURRENTLY name ON table`.
    Create { name: String, table: String },
    /// `REINDEX INDEX CONCURRENTLY name`: what a failure leaves is called `name_ccnew`.
    Reindex { name: String },
}

fn concurrent_build(statement: &Statement) -> Option<Build> {
    let words: Vec<String> = words(&statement.text)
        .into_iter()
        .filter(|word| !matches!(word.as_str(), "if" | "not" | "exists" | "only" | "unique"))
        .collect();
    let name = |words: &[String]| -> Option<String> {
        words.iter().map(|name| quote_identifier(name)).reduce(|a, b| format!("{a}.{b}"))
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["create", "index", "concurrently", index, "on", schema, ".", table, ..] => {
            let table = name(&[(*schema).to_owned(), (*table).to_owned()])?;
            Some(Build::Create { name: (*index).to_owned(), table })
        }
        ["create", "index", "concurrently", index, "on", table, ..] => {
            Some(Build::Create { name: (*index).to_owned(), table: quote_identifier(table) })
        }
        ["reindex", "index", "concurrently", .., index] => Some(Build::Reindex { name: (*index).to_owned() }),
        _ => None,
    }
}

/// Drops the invalid index that a failed concurrent build leaves behind: nothing can use it, and
/// `IF NOT EXISTS` would skip the build for ever. Only an index of that name on that table counts,
/// and before a REINDEX nothing does, for that is how an invalid index is repaired.
fn remove_invalid_index(world: &World, session: &mut Session, statement: &Statement, moment: Moment) {
    let condition = match concurrent_build(statement) {
        Some(Build::Create { name, table }) => {
            format!(
                "c.relname = {} AND i.indrelid = to_regclass({})",
                quote_literal(&name),
                quote_literal(&table)
            )
        }
        Some(Build::Reindex { name }) if moment == Moment::After => {
            format!("starts_with(c.relname, {})", quote_literal(&format!("{name}_ccnew")))
        }
        _ => return,
    };
    let sql = format!(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT i.indisvalid AND c.relkind = 'i' AND {condition}"
    );
    for row in session.rows("look for invalid indexes", &sql).unwrap_or_default() {
        let Some(index) = row[0].clone() else { continue };
        if session.run("drop an invalid index", &format!("DROP INDEX CONCURRENTLY {index}")).is_ok() {
            world.tell(Event::InvalidIndexRemoved { index });
        }
    }
}

fn waited_for_lock(failure: &Failure) -> bool {
    let code = match failure.kind() {
        Kind::Statement { statement, .. } => statement.server.code.as_deref(),
        _ => None,
    };
    code == Some(LOCK_NOT_AVAILABLE)
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end().to_owned();
    if lines.next().is_some() { format!("{first} …") } else { first }
}
