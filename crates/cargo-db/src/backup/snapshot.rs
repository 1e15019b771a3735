//! The moment that a backup is of: a session that holds the snapshot which all parts are taken
//! from, and what the server said in it.

use std::collections::BTreeMap;

use crate::backup::compare::invalid_indexes;
use crate::backup::locale::{self, locale_of};
use crate::backup::properties::properties;
use crate::failure::Result;
use crate::migration;
use crate::model::backup::{ServerIdentity, SourceDatabase};
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Row, Session, only_row, unread};
use db_tools::ProjectTool;
use time::OffsetDateTime;

/// A schema and the tables in it.
pub(super) type Schemas = BTreeMap<String, Vec<String>>;

/// A session that holds the snapshot that all parts are taken from.
pub(super) struct ExportedSnapshot {
    pub(super) session: Session,
    pub(super) id: String,
    /// In which the session speaks, and its dumps are written.
    pub(super) encoding: &'static str,
    pub(super) server: ServerIdentity,
    pub(super) major: u32,
    pub(super) database: SourceDatabase,
    pub(super) extensions: BTreeMap<String, String>,
    pub(super) migrations: BTreeMap<String, String>,
    pub(super) schemas: Schemas,
    /// Tables of cargo db that are not backed up, such as those that the role may not read.
    pub(super) unread: Vec<String>,
    pub(super) invalid_indexes: Vec<String>,
    /// How many more connections the server has for us.
    pub(super) free_connections: usize,
}

impl ExportedSnapshot {
    /// Takes it.
    pub(super) fn take(
        world: &World,
        layout: &ProjectTool,
        target: &Target,
    ) -> Result<ExportedSnapshot> {
        let doing = "take a snapshot";
        let mut session = Session::open(world, target, Purpose::Read)?;
        let sql = format!(include_str!("sql/snapshot.sql"), locale = locale::COLUMNS);
        let [_, about, database, extensions, connections] = session.sets(doing, &sql)?;
        let (about, database) = (only_row(doing, about)?, only_row(doing, database)?);
        let properties = properties(&mut session, database.text("name")?)?;
        let mut schemas = schemas(&mut session)?;
        let unread = unread::left_out(&mut session)?;
        if let Some(own) = schemas.get_mut("cargo_db") {
            own.retain(|table| !unread.contains(table));
        }
        let invalid_indexes = invalid_indexes(&mut session)?;
        let history = migration::read_history(&mut session, layout)?;
        let migrations = history.applied.iter().map(|row| {
            let checksum = row.checksum.as_ref().map(ToString::to_string);
            (row.version.to_string(), checksum.unwrap_or_default())
        });
        // Debian appends its own version in parentheses.
        let version = about.text("version")?;
        let version = version.split_once(' ').map_or(version, |(version, _)| version);
        let free: i64 = only_row(doing, connections)?.number("free")?;
        Ok(ExportedSnapshot {
            id: about.text("snapshot")?.to_owned(),
            server: ServerIdentity {
                version: version.to_owned(),
                system_identifier: system_identifier(world, target),
            },
            major: about.number("major")?,
            database: SourceDatabase { properties, ..identity(&database)? },
            extensions: versions(&extensions)?,
            migrations: migrations.collect(),
            schemas,
            encoding: session.encoding(),
            unread,
            invalid_indexes,
            free_connections: usize::try_from(free).unwrap_or(0),
            session,
        })
    }
}

fn identity(row: &Row) -> Result<SourceDatabase> {
    Ok(SourceDatabase {
        name: row.text("name")?.to_owned(),
        oid: row.text("oid")?.to_owned(),
        collation_version: row.optional_text("collation_version")?.map(str::to_owned),
        bytes: row.number("bytes")?,
        properties: None,
        locale: locale_of(row)?,
    })
}

fn versions(extensions: &[Row]) -> Result<BTreeMap<String, String>> {
    let version = |row: &Row| Ok((row.text("name")?.to_owned(), row.text("version")?.to_owned()));
    extensions.iter().map(version).collect()
}

/// What `pg_dump` takes along: schemas and tables that no extension brought, the largest first.
fn schemas(session: &mut Session) -> Result<Schemas> {
    let mut schemas = Schemas::new();
    let [empty, tables] = session.sets("list the tables", include_str!("sql/tables.sql"))?;
    for row in empty.iter().chain(&tables) {
        let tables = schemas.entry(row.text("schema")?.to_owned()).or_default();
        tables.extend(row.optional_text("name")?.map(str::to_owned));
    }
    Ok(schemas)
}

/// Not every role may query this, and an error would end the snapshot's transaction; so this uses a
/// separate session. The database itself need not exist.
pub(crate) fn system_identifier(world: &World, target: &Target) -> Option<String> {
    let mut session = Session::open(world, target, Purpose::Read)
        .or_else(|_| Session::open(world, &target.maintenance(), Purpose::Read))
        .ok()?;
    let sql = "SELECT system_identifier FROM pg_control_system()";
    session.value("identify the server", sql).ok().flatten()
}

/// The time by the server's clock.
pub(super) fn server_time(world: &World, target: &Target) -> Option<OffsetDateTime> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read).ok()?;
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let microseconds: i64 = session.number("ask for the time", sql).ok()?;
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).ok()
}
