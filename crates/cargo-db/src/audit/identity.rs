//! What a database says of itself, and no backup may take from it.

use crate::audit;
use crate::failure::{AuditError, Result};
use crate::model::environment::{Environment, Marker};
use crate::model::target::Target;
use crate::seed::SeedRecord;
use crate::world::World;
use crate::world::pg::{Purpose, Session, marker, own_tables};

const RIGHTS: &str = include_str!("sql/rights.sql");
const ADDITIONS: &str = include_str!("sql/additions.sql");

/// A database's own marker, and its audit trail.
#[derive(Default)]
pub(crate) struct DatabaseIdentity {
    pub(super) marker: Option<Marker>,
    /// `None` if it has no trail.
    pub(super) lines: Option<Vec<String>>,
    /// Statements that restore privileges of other roles, each with its table.
    pub(super) rights: Vec<(String, String)>,
}

impl DatabaseIdentity {
    /// That of a database.
    pub(crate) fn of(world: &World, target: &Target) -> Result<DatabaseIdentity> {
        DatabaseIdentity::of_session(&mut Session::open(world, target, Purpose::Read)?)
    }

    /// That of the session's database.
    pub(super) fn of_session(session: &mut Session) -> Result<DatabaseIdentity> {
        let keeps_trail = audit::is_in_database(session)?;
        let lines = keeps_trail.then(|| own_tables::lines(session)).transpose()?;
        Ok(DatabaseIdentity { lines, ..DatabaseIdentity::without_trail(session)? })
    }

    /// The identity of the session's database without its trail, whatever the trail's table
    /// contains.
    pub(super) fn without_trail(session: &mut Session) -> Result<DatabaseIdentity> {
        let marker = marker::read(session)?;
        let mut rights = Vec::new();
        for row in session.rows("find out who may read the audit trail", RIGHTS)? {
            rights.push((row.text("relation")?.to_owned(), row.text("statement")?.to_owned()));
        }
        Ok(DatabaseIdentity { marker, lines: None, rights })
    }

    /// That of a new database without a predecessor: a copy of one of this environment, if it is
    /// known which, that nothing was done to yet.
    pub(crate) fn of_copy(environment: Option<Environment>) -> DatabaseIdentity {
        let marker = environment.map(Marker::of_copy);
        DatabaseIdentity { marker, ..DatabaseIdentity::default() }
    }

    /// Gives a new database, before it takes the place of the old one, the identity of the old one.
    pub(crate) fn hand_over(world: &World, old: &Target, new: &Target) -> Result<()> {
        DatabaseIdentity::of(world, old)?.give(world, new)
    }

    /// Without the marker of a copy: a database that is built from nothing is not a copy.
    pub(crate) fn of_new(mut self) -> DatabaseIdentity {
        self.marker = self.marker.filter(|marker| marker.genuine);
        self
    }

    /// Gives it to a new database.
    pub(crate) fn give(&self, world: &World, new: &Target) -> Result<()> {
        self.write(&mut Session::open(world, new, Purpose::Write)?)
    }

    /// Writes it into the session's database. A schema `cargo_db` from a dump could contain foreign
    /// triggers and rules, so it is dropped and created again.
    pub(crate) fn write(&self, session: &mut Session) -> Result<()> {
        let memory = SeedRecord::of(session)?;
        let drop = "SET client_min_messages = warning; DROP SCHEMA IF EXISTS cargo_db CASCADE";
        session.run("drop the marker of the backup", drop)?;
        let mut made = vec![""];
        if let Some(memory) = &memory {
            memory.write(session)?;
            made.push("seeds");
        }
        if let Some(marker) = &self.marker {
            marker::write(session, marker)?;
            made.push("marker");
        }
        if let Some(lines) = &self.lines {
            audit::carry_over(session, lines)?;
            made.push("audit");
        }
        if made.len() > 1 {
            self.give_rights(session, &made)?;
        }
        self.verify_written(session)?;
        refuse_additions(session)
    }

    /// Writes it into the existing tables, and creates missing ones. Objects that depend on the
    /// tables, such as a view, are kept.
    pub(super) fn fill(&self, session: &mut Session) -> Result<()> {
        match &self.marker {
            Some(marker) => marker::write(session, marker)?,
            None if marker::read(session)?.is_some() => marker::empty(session)?,
            None => {}
        }
        if let Some(lines) = &self.lines {
            let clear = format!("{}; DELETE FROM cargo_db.audit", audit::CREATE_TABLE);
            session.run_with_triggers("clear the audit trail", &clear)?;
            audit::carry_over(session, lines)?;
        }
        self.verify_written(session)
    }

    /// Writes it into the session's database, in its transaction: into the existing tables if they
    /// are as cargo db creates them, and otherwise into new ones.
    pub(super) fn put_back(&self, session: &mut Session) -> Result<()> {
        let is_as_made = own_tables::are_as_made(session)? && additions(session)?.is_none();
        if !is_as_made {
            return self.write(session);
        }
        self.fill(session)?;
        refuse_additions(session)
    }

    fn give_rights(&self, session: &mut Session, made: &[&str]) -> Result<()> {
        let given = self.rights.iter().filter(|(table, _)| made.contains(&table.as_str()));
        let statements: Vec<&str> = given.map(|(_, statement)| statement.as_str()).collect();
        session.run("give the rights on the audit trail again", &statements.join("; "))
    }

    /// Reads back what was written: an event trigger of the dump may have changed it.
    fn verify_written(&self, session: &mut Session) -> Result<()> {
        let marker = marker::read(session)?;
        let lines = own_tables::lines(session)?;
        let what = if marker != self.marker {
            "the environment marker"
        } else if lines != self.lines.as_deref().unwrap_or_default() {
            "the audit trail"
        } else {
            return Ok(());
        };
        Err(AuditError::NotKept { what: what.to_owned() }.into())
    }
}

/// One of our tables that has something that we never add, such as a trigger or row security.
fn additions(session: &mut Session) -> Result<Option<String>> {
    session.value("read our tables", ADDITIONS)
}

fn refuse_additions(session: &mut Session) -> Result<()> {
    let Some(table) = additions(session)? else { return Ok(()) };
    let what = format!("the table `cargo_db.{table}`");
    Err(AuditError::NotKept { what }.into())
}
