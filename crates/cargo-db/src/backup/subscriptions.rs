//! Subscriptions of a database. The slot on the publisher belongs to one of them at a time: a
//! database that is dropped must let go of it without removing it, and one that is put aside must
//! not go on receiving what the one in its place waits for.

use crate::failure::Result;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Row, Session};
use pg_sql::quote::{quote_identifier, quote_literal};
use postgres::error::SqlState;

/// A subscription of one database.
pub(crate) struct Subscription {
    name: String,
    slot: Option<String>,
    enabled: bool,
}

/// Those of a database of the session's server, whichever database the session is in.
pub(super) fn of(session: &mut Session, database: &str) -> Result<Vec<Subscription>> {
    let sql = format!(
        "SELECT s.subname AS name, s.subslotname AS slot, s.subenabled AS enabled \
         FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
         WHERE d.datname = {} ORDER BY 1",
        quote_literal(database)
    );
    let subscription = |row: &Row| {
        Ok(Subscription {
            name: row.text("name")?.to_owned(),
            slot: row.optional_text("slot")?.map(str::to_owned),
            enabled: row.flag("enabled")?,
        })
    };
    session.rows("find subscriptions", &sql)?.iter().map(subscription).collect()
}

impl Subscription {
    fn disable(&self) -> String {
        format!("ALTER SUBSCRIPTION {} DISABLE", quote_identifier(&self.name))
    }

    /// The statements that drop it without dropping the replication slot.
    pub(super) fn drop(&self) -> [String; 3] {
        let name = quote_identifier(&self.name);
        [
            self.disable(),
            format!("ALTER SUBSCRIPTION {name} SET (slot_name = NONE)"),
            format!("DROP SUBSCRIPTION {name}"),
        ]
    }
}

/// Drops a database, and its subscriptions before it: with one, no server drops it.
pub(super) fn drop_database(world: &World, session: &mut Session, database: &str) -> Result<()> {
    let found = of(session, database)?;
    if !found.is_empty() {
        let target = session.target.with_database(database);
        let mut inside = Session::open(world, &target, Purpose::Write)?;
        for statement in found.iter().flat_map(Subscription::drop) {
            inside.run("release a subscription", &statement)?;
        }
    }
    let there = format!("SELECT 1 FROM pg_database WHERE datname = {}", quote_literal(database));
    // For a database that does not exist, the server would send a notice.
    if session.value("look for the database", &there)?.is_none() {
        return Ok(());
    }
    let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_identifier(database));
    // The server ends the sessions and waits five seconds for them; a busy machine may need more.
    let mut again = 0..2;
    loop {
        match session.run(&format!("drop the database {database}"), &sql) {
            Err(failure) if failure.is(&SqlState::OBJECT_IN_USE) && again.next().is_some() => {
                world.interrupt.check()?;
            }
            ended => return ended,
        }
    }
}

/// Stops the replication into a database that was set aside. The new database has the same
/// subscriptions, disabled until somebody enables them.
pub(super) fn disable(world: &World, aside: &Target, current: &str) -> Result<()> {
    let mut session = Session::open(world, aside, Purpose::Write)?;
    for subscription in of(&mut session, &aside.database)?.iter().filter(|of| of.enabled) {
        session.run("disable a subscription", &subscription.disable())?;
        let name = quote_identifier(&subscription.name);
        let message = format!(
            "the subscription {name} is disabled in {} and in {current}. Once the rows are as the \
             publisher expects, run in {current}: ALTER SUBSCRIPTION {name} ENABLE; ALTER \
             SUBSCRIPTION {name} REFRESH PUBLICATION WITH (copy_data = false)",
            aside.database
        );
        world.emit(Event::Notice { severity: "warning".to_owned(), message });
    }
    Ok(())
}

/// What a plan that takes a database out of its place says about its subscriptions.
pub(crate) fn warnings(world: &World, target: &Target) -> Result<Vec<String>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let warning = |subscription: &Subscription| {
        let Subscription { name, slot, enabled } = subscription;
        let slot = slot.as_ref().map_or_else(String::new, |slot| format!(" with the slot {slot}"));
        let stops = if *enabled { "stops receiving and " } else { "" };
        format!(
            "the subscription {name}{slot} {stops}is disabled afterwards: the backup does not \
             contain what the publisher has sent since"
        )
    };
    Ok(of(&mut session, &target.database)?.iter().map(warning).collect())
}
