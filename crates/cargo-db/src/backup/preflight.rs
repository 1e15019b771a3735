//! Checks whether a backup can be restored here, and reports everything that is missing at once,
//! before anything changes.

use std::path::Path;

use crate::backup::roles::missing_roles;
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, Result};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::pg::{Purpose, Row, Session, only_row};
use crate::world::{World, files};
use pg_sql::quote::{quote_identifier, quote_literal};

/// What a restore will need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestoreOptions {
    /// A new database is built.
    pub(crate) builds: bool,
    /// Everything is restored, and not only a part.
    pub(crate) whole: bool,
    /// Missing roles are created from the backup.
    pub(crate) brings_roles: bool,
    /// The database is only built to verify the backup.
    pub(crate) verifies: bool,
}

impl RestoreOptions {
    /// What to do if the owners of the backup cannot be restored.
    fn instead_of_owners(self) -> &'static str {
        match self {
            RestoreOptions { verifies: true, .. } => {
                "verify the backup with `--level full`, which loads nothing"
            }
            RestoreOptions { builds: true, .. } => {
                "pass `--no-owner`, or restore it `--as` one role"
            }
            RestoreOptions { .. } => "pass `--no-owner`",
        }
    }
}

/// What was found before anything is touched.
pub(crate) struct Preflight {
    /// Whether there is a database of this name now.
    pub(crate) exists: bool,
    /// How many tables it has: what the swap takes out of sight.
    pub(crate) tables: u64,
}

/// Looks whether the source can be restored here; every obstacle is named at once.
pub(crate) fn preflight(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    options: RestoreOptions,
) -> Result<Preflight> {
    source.unexpected(world, settings)?;
    let (mut wanted_roles, wanted_extensions) = source.needs(world, settings)?;
    if options.brings_roles {
        let come = missing_roles(world, settings, target, source)?;
        wanted_roles.retain(|role| !come.contains(role));
    }
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let server = ServerInventory::ask(&mut session, &target.database)?;
    let mut problems: Vec<String> = Vec::new();
    problems.extend(missing(&wanted_roles, &server.roles).map(|role| {
        let set = if source.roles.is_some() { "pass `--roles`" } else { "create it" };
        format!("role: `{role}` does not exist; {set}, or pass `--no-owner --no-privileges`")
    }));
    if !source.wanted.left_out.tablespaces {
        let wanted = source.tablespaces(world, settings)?;
        problems.extend(missing(&wanted, &server.tablespaces).map(|name| {
            format!("tablespace: `{name}` does not exist; create it, or pass `--no-tablespaces`")
        }));
    }
    problems.extend(
        missing(&wanted_extensions, &server.extensions)
            .map(|name| format!("extension: `{name}` is not installed on the server")),
    );
    if options.whole {
        let owners = source.owners(world, settings, options.builds)?;
        problems.extend(owners.problems(&mut session, options.instead_of_owners())?);
    }
    if let Some(role) = &source.loads_as {
        problems.extend(problems_of_role(&mut session, &server, role)?);
    }
    if options.builds && !server.creates_databases {
        problems.push(format!(
            "rights: `{}` may not create databases; pass `--clean` to restore in place, or \
             restore as a role with CREATEDB",
            target.user
        ));
    }
    if options.builds {
        let forbidden = wanted_extensions.iter().filter(|name| server.forbidden.contains(name));
        problems.extend(forbidden.map(|name| {
            format!(
                "extension: `{}` may not create `{name}` in a new database; pass `--clean` to \
                 keep the existing one, or restore as a superuser",
                target.user
            )
        }));
        problems.extend(missing_space(target, source, &server.data_directory));
    }
    let (major, from) = (server.major, source.server_major());
    if let Some(from) = from.filter(|from| *from > major && source.manifest.is_some()) {
        problems.push(format!(
            "version: the backup is from PostgreSQL {from}, but the server is PostgreSQL {major}"
        ));
    }
    if !problems.is_empty() {
        return Err(BackupError::CannotRestore { name: source.name.clone(), problems }.into());
    }
    let exists = server.has_database;
    let tables = if exists { count_tables(world, target)? } else { 0 };
    Ok(Preflight { exists, tables })
}

/// Why a source cannot be loaded as another role. A login role is made a member of that role, and
/// the connecting role changes the settings of the database, which that role then owns.
fn problems_of_role(
    session: &mut Session,
    server: &ServerInventory,
    role: &str,
) -> Result<Vec<String>> {
    let user = session.target.user.clone();
    if !server.roles.iter().any(|known| known == role) {
        return Ok(vec![format!("role: `{role}` does not exist")]);
    }
    if !server.creates_roles {
        return Ok(vec![format!("rights: `{user}` may not create roles, as `--as` does")]);
    }
    let sql = format!(include_str!("sql/may_grant.sql"), role = quote_literal(role));
    let rights = session.one("check whether the role may be granted", &sql)?;
    if !rights.flag("may")? {
        return Ok(vec![format!(
            "rights: `{user}` may not make a role a member of `{role}`, as `--as` does: this \
             needs `GRANT ... WITH ADMIN OPTION`, or a superuser if `{role}` is a superuser"
        )]);
    }
    if !rights.flag("has_its_rights")? {
        let (role, user) = (quote_identifier(role), quote_identifier(&user));
        return Ok(vec![format!(
            "rights: objects that `--as` creates belong to {role}, and {user} is not a member of \
             that role: `GRANT {role} TO {user}`"
        )]);
    }
    Ok(Vec::new())
}

/// What the server has and allows.
struct ServerInventory {
    roles: Vec<String>,
    extensions: Vec<String>,
    tablespaces: Vec<String>,
    /// Those that only a superuser creates.
    forbidden: Vec<String>,
    creates_databases: bool,
    creates_roles: bool,
    major: u32,
    has_database: bool,
    /// Empty if the role may not read it.
    data_directory: Vec<String>,
}

impl ServerInventory {
    fn ask(session: &mut Session, database: &str) -> Result<ServerInventory> {
        let doing = "check whether the backup can be restored here";
        let sql = format!(include_str!("sql/preflight.sql"), database = quote_literal(database));
        let [roles, extensions, tablespaces, forbidden, rights, databases, data] =
            session.sets(doing, &sql)?;
        let rights = only_row(doing, rights)?;
        Ok(ServerInventory {
            roles: names(&roles)?,
            extensions: names(&extensions)?,
            tablespaces: names(&tablespaces)?,
            forbidden: names(&forbidden)?,
            creates_databases: rights.flag("creates_databases")?,
            creates_roles: rights.flag("creates_roles")?,
            major: rights.number("major")?,
            has_database: !databases.is_empty(),
            data_directory: names(&data)?,
        })
    }
}

fn names(rows: &[Row]) -> Result<Vec<String>> {
    rows.iter().map(|row| Ok(row.text("name")?.to_owned())).collect()
}

/// Those that are wanted and not there.
fn missing<'a>(wanted: &'a [String], there: &'a [String]) -> impl Iterator<Item = &'a String> {
    wanted.iter().filter(|name| !there.contains(name))
}

/// Whether the disk of a server on this machine has no room for a second database.
fn missing_space(
    target: &Target,
    source: &RestoreSource,
    data_directory: &[String],
) -> Option<String> {
    let needed = source.manifest.as_ref()?.database.bytes;
    let free =
        files::free_space(Path::new(data_directory.first()?)).filter(|_| target.is_local())?;
    (free < needed).then(|| {
        format!(
            "space: the new database needs about {needed} bytes beside the old one, and {free} are \
             free"
        )
    })
}

fn count_tables(world: &World, target: &Target) -> Result<u64> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    session.number("count tables", "SELECT count(*) FROM pg_stat_user_tables")
}
