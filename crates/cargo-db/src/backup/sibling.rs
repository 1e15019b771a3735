//! Databases that are built beside another one: named after it, marked as ours while they are being
//! built, and dropped unless they are swapped in. What killed runs left is removed by the next one.

use postgres::error::SqlState;

use crate::backup::load::{Within, load};
use crate::backup::locale::{self, locale_of};
use crate::failure::Result;
use crate::model::backup::Locale;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::now;
use crate::world::pg::{Purpose, Session};
use crate::world::process::{self, ClientProgram};
use crate::world::server::client;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The comment by which a database that is being built is recognised, so that the next run can
/// remove one that a killed run left behind.
const BEING_BUILT: &str = "cargo-db: being built";

/// What a scratch database is called beside its source.
pub(crate) const SCRATCH: &str = "scratch";

/// A database that is being built; dropped with this value unless it was swapped in.
pub(crate) struct Built {
    pub(crate) target: Target,
    /// The comment that it will have; until it is swapped in, its comment says that it is ours.
    pub(super) comment: Option<String>,
    world: World,
    pub(super) kept: bool,
}

impl Drop for Built {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let world = self.world.uninterrupted();
        if let Ok(mut session) = Session::open(&world, &self.target.maintenance(), Purpose::Write) {
            let name = quote_identifier(&self.target.database);
            let _ = session.run(
                "drop the unfinished database",
                &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            );
        }
    }
}

/// What a restore or a reset does not keep has this comment until it is dropped.
pub(super) const TO_BE_DROPPED: &str = "cargo-db: to be dropped";

/// Creates an empty database beside the target, with the encoding and the locale of `like`, or else
/// of the target itself.
pub(crate) fn create_sibling(
    world: &World,
    target: &Target,
    what: &str,
    like: Option<Locale>,
) -> Result<Built> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    remove_leftovers(world, &mut session, target, what)?;
    let name = sibling_name(&target.database, what);
    let locale = match like {
        Some(locale) => Some(locale),
        None => own_locale(&mut session, target)?,
    };
    let options = locale.as_ref().map(locale_options).unwrap_or_default();
    let quoted = quote_identifier(&name);
    let built = Built {
        target: target.with_database(&name),
        comment: None,
        world: world.clone(),
        kept: false,
    };
    session.run(
        "create the new database",
        &format!("CREATE DATABASE {quoted} TEMPLATE template0{options}"),
    )?;
    mark(&mut session, &name)?;
    Ok(built)
}

/// The locale of the target itself; nothing where there is no such database.
fn own_locale(session: &mut Session, target: &Target) -> Result<Option<Locale>> {
    let sql = format!(
        "SELECT {} FROM pg_database d WHERE d.datname = {}",
        locale::COLUMNS,
        quote_literal(&target.database)
    );
    let row = session.optional("look at the old database", &sql)?;
    row.as_ref().map(locale_of).transpose()
}

/// The options of CREATE DATABASE that ask for a locale.
fn locale_options(locale: &Locale) -> String {
    let options = format!(
        " ENCODING {} LC_COLLATE {} LC_CTYPE {}",
        quote_literal(&locale.encoding),
        quote_literal(&locale.collate),
        quote_literal(&locale.ctype)
    );
    match (locale.provider.as_deref(), &locale.icu) {
        (Some("i"), Some(icu)) => {
            format!("{options} LOCALE_PROVIDER icu ICU_LOCALE {}", quote_literal(icu))
        }
        _ => options,
    }
}

/// Says on a new database that it is ours, whose, and since when.
fn mark(session: &mut Session, name: &str) -> Result<()> {
    let comment =
        format!("{BEING_BUILT} by {}@{} at {}", process::user_name(), process::host_name(), now());
    let sql =
        format!("COMMENT ON DATABASE {} IS {}", quote_identifier(name), quote_literal(&comment));
    session.run("mark the new database", &sql)
}

/// Clones the target beside itself. Nothing where somebody is connected, or may not: it is never
/// waited for others, and none of them is sent away.
pub(crate) fn clone_sibling(world: &World, target: &Target, what: &str) -> Result<Option<Built>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    remove_leftovers(world, &mut session, target, what)?;
    let others = format!(
        "SELECT 1 FROM pg_stat_activity WHERE datname = {} LIMIT 1",
        quote_literal(&target.database)
    );
    if session.value("look who is connected", &others)?.is_some() {
        return Ok(None);
    }
    let name = sibling_name(&target.database, what);
    let built = Built {
        target: target.with_database(&name),
        comment: None,
        world: world.clone(),
        kept: false,
    };
    let template = quote_identifier(&target.database);
    let sql = format!("CREATE DATABASE {} TEMPLATE {template}", quote_identifier(&name));
    match session.run("clone the database", &sql) {
        Ok(()) => {}
        // Somebody came after all, or only its owner may do this.
        Err(failure)
            if failure.is(&SqlState::OBJECT_IN_USE)
                || failure.is(&SqlState::INSUFFICIENT_PRIVILEGE) =>
        {
            return Ok(None);
        }
        Err(failure) => return Err(failure),
    }
    mark(&mut session, &name)?;
    Ok(Some(built))
}

impl Built {
    /// Leaves it where it is, under its name and no longer ours to remove.
    pub(crate) fn keep(mut self, what: &str) -> Result<String> {
        let mut session = Session::open(&self.world, &self.target.maintenance(), Purpose::Write)?;
        let name = self.target.database.clone();
        let sql =
            format!("COMMENT ON DATABASE {} IS {}", quote_identifier(&name), quote_literal(what));
        session.run("keep the new database", &sql)?;
        self.kept = true;
        Ok(name)
    }
}

/// What is copied of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// All of it.
    SchemaAndRows,
    /// Its schema alone.
    Schema,
}

/// Loads a dump of `target` into a database that was built beside it.
pub(crate) fn copy_into(
    world: &World,
    settings: &Settings,
    target: &Target,
    built: &Built,
    copied: Copied,
) -> Result<()> {
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    let programs = client(settings.pg_bin(), session.server_major()?)?;
    let encoding = format!("--encoding={}", session.encoding());
    let mut arguments = vec!["--no-password".to_owned(), "--format=plain".to_owned(), encoding];
    arguments.extend((copied == Copied::Schema).then(|| "--schema-only".to_owned()));
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    session.run(
        "prepare the session",
        "SET synchronous_commit = off; SET client_min_messages = warning",
    )?;
    load(world, &mut session, Box::new(dump), Within::Statements)
}

/// `school__restore_20260131T235959_123`; a name has room for 63 bytes.
pub(super) fn sibling_name(database: &str, what: &str) -> String {
    let moment = time::macros::format_description!(
        "[year][month][day]T[hour][minute][second]_[subsecond digits:3]"
    );
    let moment = now().format(moment).unwrap_or_default();
    let ending = format!("__{what}_{moment}");
    format!("{}{ending}", stem(database))
}

/// What the names of the databases beside one begin with: its own name, or as much of it as there
/// is room for and a hash of the rest, so that two long names do not meet.
pub(super) fn stem(database: &str) -> String {
    let longest = "__restore_20260131T235959_123".len();
    if database.len() + longest <= 63 {
        return database.to_owned();
    }
    let hash = crc32fast::hash(database.as_bytes());
    let mut room = 63 - longest - "_00000000".len();
    while !database.is_char_boundary(room) {
        room -= 1;
    }
    format!("{}_{hash:08x}", &database[..room])
}

/// Drops what killed runs left of this database: new ones that they were building, if nobody uses
/// them, and old ones that were to be dropped. A rehearsal holds no lock on the server, so it looks
/// after its own kind only.
fn remove_leftovers(
    world: &World,
    session: &mut Session,
    target: &Target,
    what: &str,
) -> Result<()> {
    let kind = if what == SCRATCH { format!("{SCRATCH}_") } else { String::new() };
    let prefix = quote_literal(&format!("{}__{kind}", stem(&target.database)));
    let sql = format!(include_str!("sql/leftovers.sql"), prefix = prefix);
    for row in session.rows("look for what killed runs left", &sql)? {
        let name = row.text("name")?;
        let ours = match row.optional_text("comment")? {
            Some(comment) => comment.starts_with(BEING_BUILT) || comment == TO_BE_DROPPED,
            // Killed between making it and saying so: then there is nothing in it.
            None => is_sibling_name(name, &target.database) && is_empty(world, target, name),
        };
        if ours {
            let drop = format!("DROP DATABASE IF EXISTS {}", quote_identifier(name));
            session.run("drop what a killed run left", &drop)?;
        }
    }
    Ok(())
}

/// Whether a name is one that [`sibling_name`] gives to a new database.
fn is_sibling_name(name: &str, database: &str) -> bool {
    let rest = name.strip_prefix(&format!("{}__", stem(database)));
    let moment = rest.and_then(|rest| {
        ["restore_", "reset_", "scratch_"].into_iter().find_map(|what| rest.strip_prefix(what))
    });
    moment.is_some_and(|moment| {
        moment.len() == "20260131T235959_123".len()
            && moment.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'T' | b'_'))
    })
}

fn is_empty(world: &World, target: &Target, name: &str) -> bool {
    let sql = "SELECT 1 FROM pg_class WHERE oid >= 16384 LIMIT 1";
    let session = Session::open(world, &target.with_database(name), Purpose::Read);
    session.is_ok_and(|mut session| {
        session.value("look into it", sql).is_ok_and(|found| found.is_none())
    })
}
