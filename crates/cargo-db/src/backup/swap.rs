//! The swap and what follows it: a new database takes the name of the old one by two renames in one
//! transaction. The old one can be swapped back in, or is dropped.

use std::time::Duration;

use postgres::error::SqlState;

use crate::backup::sibling::{SiblingDatabase, TO_BE_DROPPED, sibling_name, stem};
use crate::backup::subscriptions::{disable, drop_database};
use crate::failure::{ConnectionError, Failure, Kind, Result};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::pause;
use crate::world::pg::{Backend, Purpose, Row, Session, after_the_end_of, backend};
use pg_sql::quote::{quote_identifier, quote_literal};

/// What becomes of the database that has the name until the swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OldDatabase {
    /// It does not exist.
    Absent,
    /// It is kept under another name, and the swap can be undone.
    Kept,
    /// It is dropped.
    Dropped,
}

/// Gives the new database its final name. Returns the new name of the old one, if that is kept.
pub(crate) fn swap(
    world: &World,
    target: &Target,
    mut built: SiblingDatabase,
    old: OldDatabase,
) -> Result<Option<String>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    session.run("bring the new database to disk", "CHECKPOINT").or_else(only_superusers)?;
    let aside = (old != OldDatabase::Absent).then(|| sibling_name(&target.database, "before"));
    let statements = renames(target, &built, old, aside.as_deref());
    let backend = backend(&mut session)?;
    rename(world, &mut session, &[&target.database, &built.target.database], &statements).or_else(
        |failure| swap_committed(world, &session.target, &backend, &built.target, failure),
    )?;
    built.kept = true;
    if let Some(aside) = aside.as_ref().filter(|_| old == OldDatabase::Dropped) {
        drop_old(world, target, aside);
        return Ok(None);
    }
    Ok(aside)
}

/// Stops the replication into the database that a swap kept.
pub(crate) fn set_aside(world: &World, target: &Target, aside: &str) {
    let of_aside = target.with_database(aside);
    if let Err(failure) = disable(world, &of_aside, &target.database) {
        let message = format!("a subscription of {aside} may continue to receive: {failure}");
        world.emit(Event::Notice { severity: "warning".to_owned(), message });
    }
}

/// Swaps, and drops the old database only if `last_look` finds nothing wrong in it: other sessions
/// may have written to it until the renames, and none can afterwards. Otherwise it is kept, and the
/// failure gives its name.
pub(crate) fn swap_and_drop(
    world: &World,
    target: &Target,
    built: SiblingDatabase,
    last_look: impl FnOnce(&Target) -> Result<()>,
) -> Result<()> {
    let Some(aside) = swap(world, target, built, OldDatabase::Kept)? else { return Ok(()) };
    let let_go = || {
        last_look(&target.with_database(&aside))?;
        let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
        session.run("mark the old database", &marking(&aside))
    };
    let_go().map_err(|failure| {
        set_aside(world, target, &aside);
        let kept = format!(
            "the new database is {}; the old one is kept as {aside}, and `cargo db restore --undo` \
             swaps them back",
            target.database
        );
        failure
            .afterwards("the database was replaced", "the rows of the old database")
            .after([kept])
    })?;
    drop_old(world, target, &aside);
    Ok(())
}

/// The statement that marks an old database as to be dropped.
fn marking(aside: &str) -> String {
    let going = quote_literal(TO_BE_DROPPED);
    format!("COMMENT ON DATABASE {} IS {going}", quote_identifier(aside))
}

/// Drops the old database. The new one is already in its place, so a failure is only a warning; the
/// next run tries again.
fn drop_old(world: &World, target: &Target, aside: &str) {
    let dropped = Session::open(world, &target.maintenance(), Purpose::Write)
        .and_then(|mut session| drop_aside(world, &mut session, aside));
    if let Err(failure) = dropped {
        let message = format!("the old database remains as {aside}: {failure}");
        world.emit(Event::Notice { severity: "warning".to_owned(), message });
    }
}

/// The statements of the swap.
fn renames(
    target: &Target,
    built: &SiblingDatabase,
    old: OldDatabase,
    aside: Option<&str>,
) -> Vec<String> {
    let name = quote_identifier;
    let (new, current) = (name(&built.target.database), name(&target.database));
    let comment = built.comment.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal);
    let mut statements = vec![format!("COMMENT ON DATABASE {new} IS {comment}")];
    if let Some(aside) = aside {
        statements.push(format!("ALTER DATABASE {current} RENAME TO {}", name(aside)));
        if old == OldDatabase::Dropped {
            statements.push(marking(aside));
        }
    }
    statements.push(format!("ALTER DATABASE {new} RENAME TO {current}"));
    if built.is_template {
        statements.push(format!("ALTER DATABASE {current} IS_TEMPLATE true"));
    }
    statements
}

/// If the connection was lost while the renames were committed, asks the server: after the commit,
/// no database has the temporary name any more.
fn swap_committed(
    world: &World,
    server: &Target,
    backend: &Backend,
    built: &Target,
    failure: Failure,
) -> Result<()> {
    if !matches!(failure.kind(), Kind::Connection(ConnectionError::Lost { .. })) {
        return Err(failure);
    }
    let (target, subject) = (server.to_string(), "the swap".to_owned());
    let unknown =
        || ConnectionError::CommitUnknown { target: target.clone(), subject: subject.clone() };
    let mut looking =
        after_the_end_of(&world.uninterrupted(), server, backend).ok_or_else(unknown)?;
    let sql =
        format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(&built.database));
    match looking.value("find the new database", &sql).map_err(|_| unknown())? {
        Some(_) => Err(failure),
        None => Ok(()),
    }
}

/// Anyone may restore, and the operating system will write it anyway.
fn only_superusers(failure: Failure) -> Result<()> {
    if failure.is(&SqlState::INSUFFICIENT_PRIVILEGE) { Ok(()) } else { Err(failure) }
}

/// Renames in one transaction, after ending sessions that block it. Sessions may connect again in
/// between, so it is retried a few times.
fn rename(
    world: &World,
    session: &mut Session,
    databases: &[&str],
    statements: &[String],
) -> Result<()> {
    for attempt in 1.. {
        world.interrupt.check()?;
        end_sessions(session, databases)?;
        let renamed =
            session.run("swap the databases", &format!("BEGIN; {}; COMMIT", statements.join("; ")));
        match renamed {
            Ok(()) => return Ok(()),
            Err(failure) => {
                // If this fails, the connection is lost, and the server rolls back by itself.
                let _ = session.batch_execute("ROLLBACK");
                let busy = failure.is(&SqlState::OBJECT_IN_USE);
                if !busy || attempt >= 5 {
                    return Err(failure);
                }
                pause(world, Duration::from_millis(300))?;
            }
        }
    }
    Ok(())
}

/// Ends the sessions in these databases that the role may end.
pub(crate) fn end_sessions(session: &mut Session, databases: &[&str]) -> Result<()> {
    let names: Vec<String> = databases.iter().map(|name| quote_literal(name)).collect();
    let end = format!(include_str!("sql/end_sessions.sql"), databases = names.join(", "));
    session.rows("end the sessions that are in the way", &end).map(drop)
}

/// A database that is kept beside another one. Any database could be given such a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeptDatabase {
    pub(crate) name: String,
    oid: u32,
}

impl KeptDatabase {
    /// The one in a row of `pg_database`.
    pub(crate) fn of(row: &Row) -> Result<KeptDatabase> {
        Ok(KeptDatabase { name: row.text("datname")?.to_owned(), oid: row.number("oid")? })
    }

    /// The name of the database.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a plan about it covers.
    pub(crate) fn basis(&self) -> String {
        format!("{} {}", self.name, self.oid)
    }

    /// A statement that fails where another database has this name, or none has.
    pub(crate) fn refuse_others(&self, name: &str) -> String {
        let message = format!("the database {} is not the one that was kept", self.name);
        let body = format!(
            "BEGIN IF NOT EXISTS (SELECT FROM pg_database WHERE oid = {} AND datname = {}) \
             THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END",
            self.oid,
            quote_literal(name),
            quote_literal(&message)
        );
        format!("DO {}", quote_literal(&body))
    }
}

/// What earlier restores kept of this database, the newest first.
pub(crate) fn previous(world: &World, target: &Target) -> Result<Vec<KeptDatabase>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let rows = session.rows("find what restores kept", &select_previous(target))?;
    rows.iter().map(KeptDatabase::of).collect()
}

/// The query of [`previous`], which any database of the server answers.
pub(crate) fn select_previous(target: &Target) -> String {
    format!(
        "SELECT datname, oid FROM pg_database d WHERE starts_with(datname, {}) \
         AND shobj_description(d.oid, 'pg_database') IS DISTINCT FROM {} ORDER BY 1 DESC",
        quote_literal(&format!("{}__before_", stem(&target.database))),
        quote_literal(TO_BE_DROPPED)
    )
}

/// Swaps back: the kept database takes its name again, and the restored one is kept instead.
pub(crate) fn undo(world: &World, target: &Target, kept: &KeptDatabase) -> Result<String> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    let aside = sibling_name(&target.database, "before");
    let current = quote_identifier(&target.database);
    let statements = [
        format!("ALTER DATABASE {current} RENAME TO {}", quote_identifier(&aside)),
        format!("ALTER DATABASE {} RENAME TO {current}", quote_identifier(&kept.name)),
        // Renamed, it is held until the end of the transaction.
        kept.refuse_others(&target.database),
    ];
    let backend = backend(&mut session)?;
    let former = target.with_database(&kept.name);
    rename(world, &mut session, &[&target.database, &kept.name], &statements)
        .or_else(|failure| swap_committed(world, &session.target, &backend, &former, failure))?;
    Ok(aside)
}

/// Drops a database that a restore kept.
pub(crate) fn drop_previous(world: &World, target: &Target, kept: &KeptDatabase) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    session.run("read the previous database", &kept.refuse_others(&kept.name))?;
    drop_aside(world, &mut session, &kept.name)
}

fn drop_aside(world: &World, session: &mut Session, name: &str) -> Result<()> {
    let old = quote_identifier(name);
    // A template cannot be dropped.
    let is_template = "SELECT 1 FROM pg_database WHERE datistemplate AND datname = ";
    let sql = format!("{is_template}{}", quote_literal(name));
    if session.value("read the previous database", &sql)?.is_some() {
        let sql = format!("ALTER DATABASE {old} IS_TEMPLATE false");
        session.run("make it a database that can be dropped", &sql)?;
    }
    drop_database(world, session, name)
}
