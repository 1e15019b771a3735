//! How a database is copied on its server, and the copies themselves.
//!
//! A server copies only a database to which nobody is connected (PostgreSQL manual, CREATE
//! DATABASE). Its strategies are explained there too: to copy the files forces two checkpoints, and
//! to copy the pages writes all of them to the log.

use std::path::Path;

use crate::backup::{
    self, Copied, SCRATCH, SiblingDatabase, clone_database, dump_into_scratch, end_sessions,
};
use crate::failure::{Result, SnapshotError};
use crate::model::event::Event;
use crate::model::snapshot::{ChosenStrategy, CopyStrategy};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::snapshot::kept::KeptSnapshot;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Row, Session, others_connected};
use crate::world::{World, files};
use pg_sql::quote::quote_literal;

/// Up to this size, a checkpoint takes longer than writing the database to the log.
const SMALL: u64 = 32 << 20;

/// How often the sessions of others are ended: some programs connect again at once.
const ATTEMPTS: usize = 3;

/// A copy that is about to be made of a database.
#[derive(Clone, Debug)]
pub(crate) struct PlannedCopy {
    pub(crate) chosen: ChosenStrategy,
    /// The sessions that are ended for it.
    pub(crate) ends: Vec<String>,
    pub(crate) oid: u32,
    pub(crate) bytes: u64,
}

/// What a server says about a database that is copied or replaced.
struct CopyFacts {
    oid: u32,
    is_owned: bool,
    may_create: bool,
    clones_files: bool,
    major: u32,
    /// Where the role may read it.
    data_directory: Option<String>,
}

impl CopyFacts {
    /// Those of a database; `None` if it does not exist.
    fn ask(session: &mut Session, database: &str) -> Result<Option<CopyFacts>> {
        let sql = format!(include_str!("sql/copying.sql"), database = quote_literal(database));
        let major = session.reported_major();
        let facts = |row: Row| {
            Ok(CopyFacts {
                oid: row.number("oid")?,
                is_owned: row.flag("is_owned")?,
                may_create: row.flag("may_create")?,
                clones_files: row.flag("clones_files")?,
                major,
                data_directory: row.optional_text("data_directory")?.map(str::to_owned),
            })
        };
        session.optional("find out how the server copies databases", &sql)?.map(facts).transpose()
    }

    /// The strategy for a database of this size to which nobody is connected.
    fn strategy(&self, bytes: u64) -> ChosenStrategy {
        let major = self.major;
        let (strategy, because) = if self.clones_files {
            let because = "the server has `file_copy_method = clone`".to_owned();
            (CopyStrategy::FileClone, because)
        } else if major < 15 {
            (CopyStrategy::FileCopy, format!("PostgreSQL {major} has no other strategy"))
        } else if bytes <= SMALL {
            (CopyStrategy::WalLog, "a small database needs no checkpoint that way".to_owned())
        } else {
            let megabytes = bytes >> 20;
            (CopyStrategy::FileCopy, format!("its {megabytes} MB need not go through the log"))
        };
        ChosenStrategy { strategy, because }
    }

    /// Why no copy of this size can be made.
    fn problems(&self, target: &Target, strategy: CopyStrategy, bytes: u64) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.may_create {
            let user = &target.user;
            problems.push(format!(
                "rights: `{user}` may not create databases; use a role with CREATEDB"
            ));
        }
        let data = self.data_directory.as_ref().filter(|_| target.is_local());
        let free = data.and_then(|folder| files::free_space(Path::new(folder)));
        // A clone shares its blocks where the file system can do that.
        if let Some(free) = free.filter(|free| *free < bytes)
            && strategy != CopyStrategy::FileClone
        {
            problems
                .push(format!("space: the copy needs about {bytes} bytes, and {free} are free"));
        }
        problems
    }
}

/// Plans the copy of a database. The sessions that are in the way are ended if that `may_end` them;
/// otherwise the copy is a dump.
pub(crate) fn plan_copy(world: &World, target: &Target, may_end: bool) -> Result<PlannedCopy> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let size = "SELECT pg_database_size(current_database())";
    let bytes = session.number("ask for the size", size)?;
    drop(session);
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let facts = CopyFacts::ask(&mut session, &target.database)?;
    let facts = facts.ok_or_else(|| cannot_save(target, vec!["it was dropped".to_owned()]))?;
    let others = others_connected(world, &mut session, &target.database)?;
    let dump = |because| ChosenStrategy { strategy: CopyStrategy::Dump, because };
    let chosen = match others.as_slice() {
        [] => facts.strategy(bytes),
        _ if may_end => facts.strategy(bytes),
        others => dump(format!(
            "{} connected: `--yes` ends what is connected, and copies the files",
            are(others)
        )),
    };
    let mut problems = facts.problems(target, chosen.strategy, bytes);
    if !facts.is_owned {
        problems
            .push(format!("rights: only its owner may copy it, which `{}` is not", target.user));
    }
    if !problems.is_empty() {
        return Err(cannot_save(target, problems).into());
    }
    let ends = if chosen.strategy == CopyStrategy::Dump { Vec::new() } else { others };
    Ok(PlannedCopy { chosen, ends, oid: facts.oid, bytes })
}

fn cannot_save(target: &Target, problems: Vec<String>) -> SnapshotError {
    SnapshotError::CannotSave { database: target.database.clone(), problems }
}

/// `psql as ada is`, `psql as ada and app as app are`.
fn are(sessions: &[String]) -> String {
    let verb = if sessions.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", sessions.join(" and "))
}

/// Copies a database as planned, or by a dump if sessions keep connecting to it.
pub(crate) fn copy_source(
    world: &World,
    settings: &Settings,
    target: &Target,
    planned: &PlannedCopy,
) -> Result<(SiblingDatabase, ChosenStrategy)> {
    let began = stopwatch();
    let subject = target.database.clone();
    world.emit(Event::Started { doing: "Copying", subject: subject.clone() });
    let chosen = planned.chosen.clone();
    let copied = match chosen.strategy {
        CopyStrategy::Dump => (dumped(world, settings, target)?, chosen),
        strategy => match cloned(world, target, strategy, !planned.ends.is_empty())? {
            Some(built) => (built, chosen),
            None => {
                let because = "the database was in use meanwhile".to_owned();
                let chosen = ChosenStrategy { strategy: CopyStrategy::Dump, because };
                (dumped(world, settings, target)?, chosen)
            }
        },
    };
    world.emit(Event::Finished { done: "Copied", subject, elapsed: began.elapsed() });
    Ok(copied)
}

/// A copy of the target by the server; `None` if other sessions keep connecting to it.
fn cloned(
    world: &World,
    target: &Target,
    strategy: CopyStrategy,
    ends: bool,
) -> Result<Option<SiblingDatabase>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    for _ in 0..if ends { ATTEMPTS } else { 1 } {
        if ends {
            end_sessions(&mut session, &[&target.database])?;
        }
        // The server would wait longer for our own sessions that have just ended.
        let others = others_connected(world, &mut session, &target.database)?;
        if !ends && !others.is_empty() {
            break;
        }
        let how = (SCRATCH, Some(strategy));
        if let Some(built) = clone_database(world, target, &target.database, how)? {
            return Ok(Some(built));
        }
    }
    Ok(None)
}

fn dumped(world: &World, settings: &Settings, target: &Target) -> Result<SiblingDatabase> {
    let built = dump_into_scratch(world, settings, target, Copied::SchemaAndRows)?;
    backup::analyse(&mut Session::open(world, &built.target, Purpose::Write)?)?;
    Ok(built)
}

/// How a snapshot is copied to restore it, and the oid of the database that it replaces, if there
/// is one.
pub(crate) fn plan_restore(
    world: &World,
    target: &Target,
    snapshot: &KeptSnapshot,
) -> Result<(ChosenStrategy, Option<u32>)> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let replaced = CopyFacts::ask(&mut session, &target.database)?;
    let (name, bytes) = (snapshot.record.name.clone(), snapshot.record.bytes);
    let cannot = |problems| SnapshotError::CannotRestore { name: name.clone(), problems };
    let facts = CopyFacts::ask(&mut session, snapshot.kept.name())?;
    let facts = facts.ok_or_else(|| cannot(vec!["it was dropped".to_owned()]))?;
    let chosen = facts.strategy(bytes);
    let mut problems = facts.problems(target, chosen.strategy, bytes);
    if replaced.as_ref().is_some_and(|replaced| !replaced.is_owned) {
        let (user, database) = (&target.user, &target.database);
        problems.push(format!(
            "rights: only the owner of `{database}` may replace it, which `{user}` is not"
        ));
    }
    if !problems.is_empty() {
        return Err(cannot(problems).into());
    }
    Ok((chosen, replaced.map(|replaced| replaced.oid)))
}

/// A copy of a snapshot, beside the database that it is of.
pub(crate) fn copy_snapshot(
    world: &World,
    target: &Target,
    snapshot: &KeptSnapshot,
    strategy: CopyStrategy,
) -> Result<SiblingDatabase> {
    let began = stopwatch();
    let (subject, template) = (snapshot.record.name.clone(), snapshot.kept.name());
    world.emit(Event::Started { doing: "Copying", subject: subject.clone() });
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    session.run("read the snapshot", &snapshot.kept.refuse_others(template))?;
    let Some(built) = clone_database(world, target, template, ("restore", Some(strategy)))? else {
        let others = others_connected(world, &mut session, template)?;
        let why = match others.as_slice() {
            [] => format!("`{}` may not copy `{template}`", target.user),
            others => format!("{} connected to `{template}`", are(others)),
        };
        return Err(SnapshotError::InUse { name: subject, why }.into());
    };
    world.emit(Event::Finished { done: "Copied", subject, elapsed: began.elapsed() });
    Ok(built)
}
