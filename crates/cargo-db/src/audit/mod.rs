//! The audit trail: a file of the project, and a table of the database if the policy requires it.
//! Each record contains the hash of the previous one, so that a changed or removed record is
//! detected.

mod backups;
mod file;
mod identity;
mod unsettled;
mod watch;

use std::path::Path;
use std::time::Instant;

use crate::failure::{ConsentError, Result};
use crate::model::audit::{Actor, Before, By, Phase, Record};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::plan::Plan;
use crate::world::clock::{now, stopwatch};
use crate::world::pg::{Purpose, Session, own_tables};
use crate::world::records::{hash_of, line_of};
use crate::world::{World, file_lock, files, process};
use pg_sql::quote::quote_literal;

pub(crate) use backups::BackupRun;
use backups::is_change;
use file::HeadRecord;
pub(crate) use file::Trail;
pub(crate) use identity::DatabaseIdentity;
pub(crate) use unsettled::Unsettled;
pub(crate) use watch::TrailWatch;

const CREATE_TABLE: &str = include_str!("sql/create_table.sql");
/// The key of the lock under which the trail of a database is written, and an id is reserved:
/// `plan ids` in ASCII.
const WRITING: i64 = i64::from_be_bytes(*b"plan ids");

/// The record of something that is being done: its intent is written, its outcome is not.
pub(crate) struct PendingRecord<'a> {
    trail: &'a Trail,
    world: &'a World,
    target: Target,
    intent: Record,
    began: Instant,
    in_database: bool,
    /// Whether there was a database that the intent could be written into.
    database_exists: bool,
    reserves: Option<Reservation>,
}

/// The context of a change that the trail records besides its plan.
pub(crate) struct RecordContext {
    pub(crate) by: By,
    /// The id of the plan that was shown.
    pub(crate) plan: String,
    pub(crate) consent: String,
    /// Who approved the plan of an AI agent.
    pub(crate) approved_by: Option<String>,
    pub(crate) backup: Option<String>,
    /// Whether the policy wants it in the database too.
    pub(crate) in_database: bool,
    /// The marker and the trail before the change; `None` if the database does not exist yet.
    pub(crate) before: Option<Before>,
    /// The plan id that was consented to, if one was: it is valid for one run.
    pub(crate) reserves: Option<Reservation>,
}

/// A plan id that a run reserves.
#[derive(Clone)]
pub(crate) struct Reservation {
    pub(crate) plan: String,
    /// The command as it was typed, without its consent flags.
    pub(crate) command: String,
}

impl Reservation {
    /// Fails if one of these records has used it.
    fn is_free(&self, records: Vec<Record>) -> Result<()> {
        self.is_free_of(&used(records.into_iter()))
    }

    /// Fails if it is one of these.
    fn is_free_of(&self, used: &[String]) -> Result<()> {
        if !used.contains(&self.plan) {
            return Ok(());
        }
        let (given, command) = (self.plan.clone(), self.command.clone());
        Err(ConsentError::PlanUsedUp { given, command }.into())
    }
}

impl Trail {
    /// All records that can be read, the oldest first.
    pub(crate) fn records(&self) -> Result<Vec<Record>> {
        Ok(self.read()?.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The lines about this target, as they are, with their records.
    fn lines_of(&self, target: &str) -> Result<Vec<(String, Record)>> {
        let of_target = |line: String| {
            let record = serde_json::from_str::<Record>(&line).ok()?;
            (record.target == target && is_change(&record)).then_some((line, record))
        };
        Ok(self.read()?.lines.into_iter().filter_map(of_target).collect())
    }

    /// The ids of the plans that were consented to by id and are used up. They are stored next to
    /// the trail too, so that truncating the trail or setting it aside does not make them valid
    /// again.
    pub(crate) fn used(&self) -> Result<Vec<String>> {
        let mut ids = used(self.records()?.into_iter());
        let kept = self.text(&self.used_file())?.unwrap_or_default();
        ids.extend(kept.lines().map(str::to_owned));
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The last change of this target, if it has no outcome: its run was killed, or is still at
    /// work.
    pub(crate) fn unfinished(&self, target: &Target) -> Result<Option<Record>> {
        let target = target.to_string();
        let is_of_target = |record: &Record| record.target == target && is_change(record);
        let last = self.records()?.into_iter().rfind(is_of_target);
        Ok(last.filter(|record| record.phase == Phase::Intent))
    }

    /// Gives the record its place, and brings it to disk; fails where the id that it reserves is
    /// taken. A line before it that was written only in part keeps its place, and does not swallow
    /// this one.
    fn append(&self, record: &mut Record, reserves: Option<&Reservation>) -> Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        files::create_own_dir(folder)?;
        let _lock = file_lock::lock(&self.lock_file())?;
        if let Some(reservation) = reserves {
            reservation.is_free_of(&self.used()?)?;
        }
        let (read, head) = (self.read()?, self.head()?);
        let last = read.last().map(|last| (last.sequence, last.hash));
        let known = head.as_ref().map(|head| (head.sequence, head.hash.clone()));
        let is_first = read.lines.is_empty() && !self.has_used()?;
        // Where the end is missing, the next record does not take its place.
        let (sequence, previous) = last.max(known).unwrap_or_default();
        (record.sequence, record.previous) = (sequence + 1, previous);
        record.hash = hash_of(record);
        if record.phase == Phase::Intent && record.consent == Consent::ToPlan.word() {
            files::append_line(&self.used_file(), &record.plan)?;
        }
        let end = if read.torn { "\n" } else { "" };
        files::append_line(&self.file, &format!("{end}{}", line_of(record)))?;
        let missing_at = match &head {
            Some(head) => head.missing_at,
            None => (!is_first).then_some(record.sequence),
        };
        let head = HeadRecord { sequence: record.sequence, hash: record.hash.clone(), missing_at };
        files::replace(&self.head_file(), &head.to_text())
    }

    /// Records the intent. If that fails, the change is not made.
    pub(crate) fn begin<'a>(
        &'a self,
        world: &'a World,
        plan: &Plan,
        about: RecordContext,
    ) -> Result<PendingRecord<'a>> {
        let approved = about.approved_by.map(|by| format!("approved by {by}"));
        let mut intent = Record {
            plan: match &about.reserves {
                Some(reservation) => reservation.plan.clone(),
                None => about.plan,
            },
            consent: about.consent,
            backup: about.backup,
            migrations: plan.migrations().map(|migration| migration.version.to_string()).collect(),
            deeds: plan.deeds().into_iter().chain(approved).collect(),
            removes: plan.removes(),
            before: about.before.clone(),
            ..intent(plan.verb.name(), &plan.target, plan.environment, about.by)
        };
        self.append(&mut intent, about.reserves.as_ref())?;
        let pending = PendingRecord {
            trail: self,
            world,
            target: plan.target.clone(),
            intent,
            began: stopwatch(),
            in_database: about.in_database,
            database_exists: about.before.is_some(),
            reserves: about.reserves,
        };
        let reserves = pending.reserves.as_ref();
        let noted = match pending.database_exists {
            true => pending.note(&pending.intent, reserves),
            false => Ok(()),
        };
        if let Err(failure) = noted {
            // It was not done, so the file must not show it as killed. If this record cannot be
            // written either, report why it was not done.
            let mut outcome = pending.outcome(failure.code(), true);
            let _ = self.append(&mut outcome, None);
            return Err(failure);
        }
        Ok(pending)
    }
}

/// What is going to be done now. Its number and the hashes are set when it is appended.
fn intent(verb: &str, target: &Target, environment: Environment, by: By) -> Record {
    Record {
        sequence: 0,
        when: moment(),
        run: run_id(),
        phase: Phase::Intent,
        verb: verb.to_owned(),
        target: target.to_string(),
        environment: environment.name().to_owned(),
        by,
        plan: String::new(),
        consent: String::new(),
        backup: None,
        migrations: Vec::new(),
        deeds: Vec::new(),
        removes: Vec::new(),
        before: None,
        result: None,
        duration_ms: None,
        previous: String::new(),
        hash: String::new(),
    }
}

impl PendingRecord<'_> {
    /// What was written before, where the database has it too.
    pub(crate) fn intent_in_database(&self) -> Option<&Record> {
        (self.in_database && self.database_exists).then_some(&self.intent)
    }

    /// Records the outcome. If the marker and the trail were not checked again, the next run has to
    /// do it.
    pub(crate) fn end<T>(self, outcome: &Result<T>, looked: bool) -> Result<()> {
        let result = match outcome {
            Ok(_) => "done",
            Err(failure) => failure.code(),
        };
        let mut record = self.outcome(result, looked);
        self.trail.append(&mut record, None)?;
        if !self.database_exists {
            // The database was created in the meantime and has a trail, or it was not created.
            match self.note(&self.intent, None) {
                Err(failure) if failure.is_no_database() => return Ok(()),
                noted => noted?,
            }
        }
        self.note(&record, None)
    }

    fn outcome(&self, result: &str, looked: bool) -> Record {
        Record {
            when: moment(),
            phase: Phase::Outcome,
            result: Some(result.to_owned()),
            duration_ms: u64::try_from(self.began.elapsed().as_millis()).ok(),
            before: self.intent.before.clone().filter(|_| !looked),
            ..self.intent.clone()
        }
    }

    fn note(&self, record: &Record, reserves: Option<&Reservation>) -> Result<()> {
        if !self.in_database {
            return Ok(());
        }
        // The outcome has to come through also after a signal.
        let mut session = Session::open(&self.world.uninterrupted(), &self.target, Purpose::Write)?;
        let doing = "write the audit trail into the database";
        // Whoever writes here too waits, and then sees this record: the next one comes after it,
        // and a run with the same id finds it.
        let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
        session.run(doing, &format!("{begin}; SELECT pg_advisory_xact_lock({WRITING})"))?;
        session.run_with_triggers(doing, CREATE_TABLE)?;
        if let Some(reservation) = reserves {
            reservation.is_free(in_database(&mut session)?)?;
        }
        session.run_with_triggers(doing, &insert([line_of(record)]))?;
        session.run(doing, "COMMIT")
    }
}

/// A statement that appends these records to the trail. It computes their numbers itself: a
/// sequence is not transactional, and anybody could set it to its maximum.
fn insert(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let values: Vec<String> = (1..)
        .zip(lines)
        .map(|(place, line): (u64, _)| format!("({place}, {})", quote_literal(line.as_ref())))
        .collect();
    format!(
        "INSERT INTO cargo_db.audit (id, record) OVERRIDING SYSTEM VALUE \
         SELECT (SELECT coalesce(max(id), 0) FROM ONLY cargo_db.audit) + place, record \
         FROM (VALUES {}) AS new (place, record)",
        values.join(", ")
    )
}

/// The records that the session's database holds.
pub(crate) fn in_database(session: &mut Session) -> Result<Vec<Record>> {
    let lines = own_tables::lines(session)?;
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// Whether the role may write a trail into an existing database.
pub(crate) fn may_keep_in_database(world: &World, target: &Target) -> bool {
    let sql = "SELECT coalesce(has_table_privilege(to_regclass('cargo_db.audit'), 'INSERT'), \
               has_database_privilege(current_database(), 'CREATE'))";
    let answer = Session::open(world, target, Purpose::Read)
        .and_then(|mut session| session.value("find out who may write the audit trail", sql));
    answer.is_ok_and(|may| may.as_deref() == Some("t"))
}

/// Whether the session's database keeps a trail.
fn is_in_database(session: &mut Session) -> Result<bool> {
    let sql = "SELECT 1 FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'cargo_db' AND c.relname = 'audit'";
    Ok(session.value("find the audit trail", sql)?.is_some())
}

/// Writes these records as the trail of the session's database, which has none, in its transaction
/// if it is in one: a restored database keeps the trail of its predecessor.
fn carry_over(session: &mut Session, lines: &[String]) -> Result<()> {
    let mut sql = CREATE_TABLE.to_owned();
    if !lines.is_empty() {
        sql += &format!("; {}", insert(lines));
    }
    session.run_with_triggers("carry the audit trail over", &sql)
}

/// The plans of these records that were consented to by their id.
pub(crate) fn used(records: impl Iterator<Item = Record>) -> Vec<String> {
    let consented = records
        .filter(|record| record.phase == Phase::Intent && record.consent == Consent::ToPlan.word());
    consented.map(|record| record.plan).collect()
}

/// Who we are.
pub(crate) fn by(role: &str, actor: Actor) -> By {
    let (user, host) = (process::user_name(), process::host_name());
    By { user, role: role.to_owned(), host, kind: actor.name().to_owned() }
}

/// Nanoseconds and the process tell runs apart.
fn run_id() -> String {
    let seed = format!("{} {}", now().unix_timestamp_nanos(), process::id());
    files::sha256(seed.as_bytes()).to_string()[..12].to_owned()
}

fn moment() -> String {
    now().format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
