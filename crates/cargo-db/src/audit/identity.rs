//! What a database says of itself, and no backup may take from it.

use crate::audit;
use crate::failure::Result;
use crate::model::audit::Record;
use crate::model::environment::Marker;
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session, marker};

/// A database's own marker, and its audit trail.
pub(crate) struct DatabaseIdentity {
    marker: Option<Marker>,
    records: Vec<Record>,
}

impl DatabaseIdentity {
    /// That of a database.
    pub(crate) fn of(world: &World, target: &Target) -> Result<DatabaseIdentity> {
        let mut session = Session::open(world, target, Purpose::Read)?;
        let marker = marker::read(&mut session)?.filter(|marker| marker.genuine);
        Ok(DatabaseIdentity { marker, records: audit::in_database(&mut session)? })
    }

    /// Gives a new database, before it takes the place of the old one, the identity of the old one.
    pub(crate) fn hand_over(world: &World, old: &Target, new: &Target) -> Result<()> {
        let mut session = Session::open(world, new, Purpose::Write)?;
        DatabaseIdentity::of(world, old)?.write(&mut session)
    }

    /// Gives it to the session's database.
    pub(crate) fn write(&self, session: &mut Session) -> Result<()> {
        if let Some(marker) = &self.marker {
            marker::write(session, marker.environment)?;
        }
        audit::carry_over(session, &self.records)
    }
}
