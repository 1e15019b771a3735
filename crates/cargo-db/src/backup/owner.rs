//! The owner of a database that is being built: the session that creates it holds an advisory lock
//! named after the database, from before CREATE DATABASE until the run is done with it. A database
//! without such a session was left by a killed run, even if nothing is recorded on it yet.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::model::target::Target;
use crate::world::World;
use crate::world::files;
use crate::world::pg::{Purpose, Session};

/// The session that creates and owns a database. The lock ends with the session.
pub(super) struct Owner(pub(super) Session);

impl Owner {
    /// Opens a session that no timeout ends.
    pub(super) fn open(world: &World, target: &Target) -> Result<Owner> {
        let mut session = Session::open(world, &target.maintenance(), Purpose::Lock)?;
        // When the client is killed while the server copies a template, the copy ends too. Servers
        // before 14 do not know the setting, and some platforms cannot do it.
        let sql = "SELECT pg_catalog.set_config(name, '200ms', false) FROM pg_catalog.pg_settings \
                   WHERE name OPERATOR(pg_catalog.=) 'client_connection_check_interval'";
        let _ = session.rows("ask the server to look after its client", sql);
        Ok(Owner(session))
    }

    /// Claims the name of a database to be created.
    pub(super) fn claim(&mut self, name: &str) -> Result<()> {
        let sql = format!("SELECT pg_catalog.pg_advisory_lock({})", key(name));
        self.0.run("lock the name of the new database", &sql)
    }
}

/// The keys of all advisory locks on the server, in any database. Trying to take a lock could take
/// it, and another run would then find an owner that does not exist.
pub(super) fn held(session: &mut Session) -> Result<BTreeSet<i64>> {
    let sql = "SELECT (l.classid::pg_catalog.int8 OPERATOR(pg_catalog.<<) 32) \
               OPERATOR(pg_catalog.|) l.objid::pg_catalog.int8 FROM pg_catalog.pg_locks l \
               WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' \
               AND l.objsubid OPERATOR(pg_catalog.=) 1::pg_catalog.int2";
    let keys = session.column("find the owners of databases", sql)?;
    Ok(keys.iter().filter_map(|key| key.parse().ok()).collect())
}

/// The lock's key: of the name's hash as much as a key has room for.
pub(super) fn key(name: &str) -> i64 {
    let hash = files::sha256(format!("cargo-db builds {name}").as_bytes()).to_string();
    // Its letters are hexadecimal digits.
    i64::from_str_radix(hash.get(..15).unwrap_or_default(), 16).unwrap_or_default()
}
