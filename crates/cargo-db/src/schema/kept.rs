//! The fingerprint that a database keeps itself, in staging and production: whoever works with the
//! database compares it with the same one.
//!
//! The key of its hashes is beside them. Whoever may read the table could guess what was hashed,
//! so nobody but its owner may, unless somebody grants it.

use pg_logical::facts::catalog_digest;

use crate::failure::{AuditError, Result};
use crate::model::target::Target;
use crate::schema::fingerprint::{Fingerprint, FingerprintKey, FoundFingerprint};
use crate::world::World;
use crate::world::pg::{AlongWith, Purpose, Row, Session, catalog_failure, oid};
use pg_sql::quote::quote_literal;

const STATE: &str = include_str!("sql/fingerprint_state.sql");
const CREATE: &str = include_str!("sql/create_fingerprint.sql");

/// What can be told in the first round trip.
enum FingerprintTable {
    Absent,
    Foreign,
    Hidden,
    Ours,
}

impl FingerprintTable {
    fn of(rows: &[Row]) -> Result<FingerprintTable> {
        let Some(row) = rows.first() else { return Ok(FingerprintTable::Absent) };
        Ok(match row.text("state")? {
            "ours" => FingerprintTable::Ours,
            "hidden" => FingerprintTable::Hidden,
            _ => FingerprintTable::Foreign,
        })
    }

    fn read(session: &mut Session) -> Result<FingerprintTable> {
        FingerprintTable::of(&session.rows("look for the fingerprint", STATE)?)
    }

    /// What is found in such a table without reading it; `None` if it is to be read.
    fn found(&self) -> Option<FoundFingerprint> {
        match self {
            FingerprintTable::Absent => Some(FoundFingerprint::Absent),
            FingerprintTable::Foreign => Some(FoundFingerprint::Unreadable),
            FingerprintTable::Hidden => Some(FoundFingerprint::Hidden),
            FingerprintTable::Ours => None,
        }
    }
}

/// The first line of the fingerprint of this database. A copy of a database has that of another.
fn head_of(identity: &str) -> String {
    format!(
        "SELECT key, head, role = current_user AS is_same_role FROM ONLY cargo_db.fingerprint \
         WHERE identity = {} LIMIT 1",
        quote_literal(identity)
    )
}

fn found(rows: &[Row]) -> Result<FoundFingerprint> {
    let Some(row) = rows.first() else { return Ok(FoundFingerprint::Absent) };
    let (key, head) = (FingerprintKey::parse(row.text("key")?), format!("{}\n", row.text("head")?));
    let found = key.and_then(|key| Fingerprint::of(head, key));
    let is_same_role = row.flag("is_same_role")?;
    Ok(found.map_or(FoundFingerprint::Unreadable, |found| {
        FoundFingerprint::Found(found.read_by(is_same_role))
    }))
}

/// The fingerprint of the session's database up to its facts, and the digest of the catalogs: in as
/// many round trips as the digest alone.
pub(super) fn glance(session: &mut Session) -> Result<(FoundFingerprint, String)> {
    let (identity, rows) = oid::identity_along_with(session, STATE)?;
    let major = session.reported_major();
    if let Some(found) = FingerprintTable::of(&rows)?.found() {
        return Ok((found, String::new()));
    }
    let mut along = AlongWith::new(session, head_of(&identity));
    let catalogs = catalog_digest(&mut along, major).map_err(catalog_failure)?;
    Ok((found(&along.into_rows())?, catalogs))
}

/// The fingerprint of the session's database, without its facts.
pub(super) fn read(session: &mut Session, identity: &str) -> Result<FoundFingerprint> {
    match FingerprintTable::read(session)?.found() {
        Some(found) => Ok(found),
        None => found(&session.rows("read the fingerprint", &head_of(identity))?),
    }
}

/// The rest of the fingerprint.
pub(super) fn facts(session: &mut Session) -> Result<String> {
    let facts = "SELECT facts FROM ONLY cargo_db.fingerprint LIMIT 1";
    Ok(session.value("read the fingerprint", facts)?.unwrap_or_default())
}

/// Creates the table before the schema is read: it would change the catalogs afterwards.
pub(super) fn prepare(world: &World, target: &Target) -> Result<()> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    session.run_with_triggers("create the table of the fingerprint", CREATE)
}

/// Replaces what the table has by this text; by nothing if there is none.
pub(super) fn write(
    world: &World,
    target: &Target,
    identity: &str,
    fingerprint: Option<(&FingerprintKey, &str)>,
) -> Result<()> {
    let doing = "write the fingerprint";
    let mut session = Session::open(world, target, Purpose::Write)?;
    // Nobody can add a trigger between the look at the table and the write.
    session.run(doing, "BEGIN; LOCK TABLE cargo_db.fingerprint IN SHARE ROW EXCLUSIVE MODE")?;
    if !matches!(FingerprintTable::read(&mut session)?, FingerprintTable::Ours) {
        let (table, database) = ("fingerprint", target.database.clone());
        return Err(AuditError::NotOurs { table, database }.into());
    }
    let insert = fingerprint.map(|(key, text)| {
        let (head, facts) = text.split_once('\n').unwrap_or((text, ""));
        let values = [identity, &key.to_string(), head, facts].map(quote_literal);
        let [identity, key, head, facts] = values;
        format!(
            "; INSERT INTO cargo_db.fingerprint (identity, role, key, head, facts) \
             VALUES ({identity}, current_user, {key}, {head}, {facts})"
        )
    });
    let delete = "DELETE FROM cargo_db.fingerprint";
    session.run(doing, &format!("{delete}{}; COMMIT", insert.unwrap_or_default()))
}
