//! A dump that is written without client tools: from the catalog, in one transaction, by
//! `pg_logical`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pg_logical::catalog::{self, Catalog};
use pg_logical::choose::{self, Choice, ChoiceError, Request};
use pg_logical::dump::{self as plain, Contents};
use pg_logical::graph;
use pg_sql::quote::quote_literal;

use crate::backup::folder::BackupFolder;
use crate::backup::visible::hidden_rows;
use crate::failure::{BackupError, DumpError, Failure, Result};
use crate::model::backup::{Compression, Format, file_name};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::world::archive::{failed, fill};
use crate::world::clock::{now, pause, stopwatch};
use crate::world::pg::{Pair, Purpose, Session, catalog_failure, wait_for_tables};
use crate::world::{World, files};

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What is wanted of a dump.
pub(crate) struct PlainRequest {
    pub(crate) objects: Request,
    pub(crate) has_schema: bool,
    pub(crate) has_rows: bool,
    pub(crate) has_owners: bool,
    pub(crate) has_rights: bool,
    /// The command as it was typed.
    pub(crate) command: String,
    /// Tables of cargo db's own that are not for a dump.
    pub(crate) unread: Vec<String>,
    /// How long to wait for tables that other sessions have locked.
    pub(crate) lock_timeout: Duration,
}

/// A database in a transaction whose snapshot a dump is of.
pub(crate) struct Plain {
    session: Session,
    catalog: Catalog,
    order: graph::DumpOrder,
    contents: Contents,
}

/// How many objects a dump has, and what is missing.
#[derive(Debug)]
pub(crate) struct PlainDump {
    pub(crate) objects: usize,
    pub(crate) left_out: Vec<String>,
    /// Indexes that are of no use, and left out.
    pub(crate) unfinished: Vec<String>,
}

/// Where a dump becomes a file.
pub(crate) struct Place {
    pub(crate) path: PathBuf,
    pub(crate) compression: Compression,
    /// The lock of the backup folder. It keeps other runs from removing the unfinished file.
    _lock: Option<File>,
}

impl Place {
    /// The file of this name, or one in the backup folder.
    pub(crate) fn of(
        world: &World,
        folder: &BackupFolder,
        target: &Target,
        given: Option<&Path>,
        compression: Compression,
    ) -> Result<Place> {
        if let Some(path) = given {
            if path.exists() || files::exists(path) {
                let why = format!("`{}` already exists", path.display());
                return Err(BackupError::Failed { doing: "write", why }.into());
            }
            let is_inside = files::current_dir()?.join(path).parent() == Some(folder.path());
            let _lock = is_inside.then(|| folder.lock()).transpose()?;
            return Ok(Place { path: path.to_owned(), compression, _lock });
        }
        let _lock = Some(folder.lock()?);
        loop {
            let name = file_name(&target.database, now(), Format::Sql, compression);
            let path = folder.path_of(&name);
            if !files::exists(&path) {
                return Ok(Place { path, compression, _lock });
            }
            pause(world, Duration::from_millis(100))?;
        }
    }
}

impl Plain {
    /// Takes the snapshot and reads what there is; fails, before anything is written, where the
    /// dump would silently lack something.
    pub(crate) fn begin(world: &World, target: &Target, request: &PlainRequest) -> Result<Plain> {
        if request.has_rows
            && let Some(hidden) = hidden_rows(world, target)?
        {
            return Err(hidden.into());
        }
        // The server also reads the definitions of tables that are left out of the dump.
        let patience = wait_for_tables(world, target, request.lock_timeout)?;
        let mut session = Session::open(world, target, Purpose::Read)?;
        session.refuse_names_of_bytes(false)?;
        session.run("prepare the dump", catalog::SETTINGS)?;
        session.run("prepare the dump", BEGIN)?;
        let about = catalog::about(&mut session).map_err(catalog_failure)?;
        if about.major < catalog::OLDEST {
            return Err(DumpError::TooOld { version: about.version }.into());
        }
        let tables = lock(&mut session, request, patience)?;
        let catalog = match second_session(world, target, &mut session, tables)? {
            Some(mut second) => {
                catalog::read(&mut Pair { first: &mut session, second: &mut second })
            }
            None => catalog::read(&mut session),
        };
        let catalog = catalog.map_err(catalog_failure)?;
        session.run("prepare the dump", "SET LOCAL lock_timeout = 0")?;
        let choice = choose::choose(&catalog, &request.objects()).map_err(not_chosen)?;
        if !choice.uncovered.is_empty() {
            let (database, command) = (target.database.clone(), request.command.clone());
            let objects = choice.uncovered;
            return Err(DumpError::Uncovered { database, objects, command }.into());
        }
        let order = graph::order(&catalog, &choice.excluded)
            .map_err(|circle| DumpError::Circle { objects: circle.0 })?;
        let contents = request.contents(choice);
        Ok(Plain { session, catalog, order, contents })
    }

    /// What it will have.
    pub(crate) fn describe(&self) -> PlainDump {
        let all = self.catalog.objects.len();
        PlainDump {
            objects: self.contents.chosen.as_ref().map_or(all, std::collections::BTreeSet::len),
            left_out: self.contents.left_out.clone(),
            unfinished: self.catalog.unfinished.iter().map(|index| index.name.clone()).collect(),
        }
    }

    /// Writes it, and gives the size of the file. It has its name only when it is complete.
    pub(crate) fn store(self, world: &World, target: &Target, place: &Place) -> Result<u64> {
        let began = stopwatch();
        let subject = target.database.clone();
        world.emit(Event::Started { doing: "Dumping", subject: subject.clone() });
        let partial = files::partial_of(&place.path).map_err(failed(&place.path))?;
        let file = partial.reopen().map_err(failed(&place.path))?;
        let (written, stored) = fill(file, &place.path, place.compression, |out| self.write(out))?;
        written?;
        world.interrupt.check()?;
        files::keep_new(partial, &place.path).map_err(failed(&place.path))?;
        world.emit(Event::Finished { done: "Dumped", subject, elapsed: began.elapsed() });
        Ok(stored.bytes)
    }

    /// Writes it to whatever takes bytes.
    pub(crate) fn write(mut self, out: &mut dyn Write) -> Result<()> {
        let Plain { session, catalog, order, contents } = &mut self;
        plain::write(catalog, order, contents, session, out).map_err(|error| match error {
            plain::DumpError::Source(error) => catalog_failure(error),
            plain::DumpError::Write(error) => {
                BackupError::Failed { doing: "write", why: error.to_string() }.into()
            }
        })
    }
}

impl PlainRequest {
    fn objects(&self) -> Request {
        let mut objects = self.objects.clone();
        let unread = self.unread.iter().map(|table| format!("table cargo_db.{table}"));
        objects.exclude.extend(unread);
        objects
    }

    fn contents(&self, mut choice: Choice) -> Contents {
        // Nothing is missing without it: the next change writes a new one.
        choice.left_out.retain(|object| object != "table cargo_db.fingerprint");
        Contents {
            has_schema: self.has_schema,
            has_rows: self.has_rows,
            has_owners: self.has_owners,
            has_rights: self.has_rights,
            chosen: choice.chosen,
            left_out: choice.left_out,
            program: format!("cargo-db {}", env!("CARGO_PKG_VERSION")),
            header: None,
            own_role: None,
        }
    }

    /// Whether a table may be one of those that are dumped, before the catalog is known.
    fn may_want(&self, schema: &str, name: &str) -> bool {
        let Request { schemas, tables, exclude, omitted_schemas } = &self.objects;
        let is_named = |typed: &String| {
            let plain = typed.replace('"', "");
            plain == name || plain == format!("{schema}.{name}")
        };
        let is_excluded = |typed: &String| {
            *typed == format!("{schema}.{name}") || *typed == format!("table {schema}.{name}")
        };
        let is_unread = schema == "cargo_db" && self.unread.iter().any(|table| table == name);
        let is_all = schemas.is_empty() && tables.is_empty();
        let is_wanted =
            is_all || schemas.iter().any(|one| one == schema) || tables.iter().any(is_named);
        let is_omitted = omitted_schemas.iter().any(|one| one == schema);
        is_wanted && !is_unread && !is_omitted && !exclude.iter().any(is_excluded)
    }
}

/// Locks the tables before any query that reads the newest catalog, so that nothing in the dump is
/// changed or dropped meanwhile. Returns how many there are. The lock timeout stays set.
fn lock(session: &mut Session, request: &PlainRequest, patience: Duration) -> Result<usize> {
    let mut tables = catalog::tables(session).map_err(catalog_failure)?;
    tables.retain(|(schema, name)| request.may_want(schema, name));
    // Behind somebody's ALTER TABLE everybody else would wait behind us.
    let limit = format!("SET LOCAL lock_timeout = {}", patience.as_millis().max(1));
    session.run("prepare the dump", &limit)?;
    for some in tables.chunks(500) {
        if let Some(statement) = plain::lock(some) {
            session.run("lock the tables", &statement)?;
        }
    }
    Ok(tables.len())
}

/// From this number on, a second session is opened to read the catalog.
const MANY_TABLES: usize = 200;

/// How long the second session waits for a lock, in milliseconds. If it has to wait longer, the
/// first session reads alone.
const NO_PATIENCE: u32 = 100;

/// Another session with the same snapshot, if there are many tables and the server accepts one.
fn second_session(
    world: &World,
    target: &Target,
    first: &mut Session,
    tables: usize,
) -> Result<Option<Session>> {
    if tables < MANY_TABLES {
        return Ok(None);
    }
    let Ok(mut second) = Session::open(world, target, Purpose::Read) else {
        world.interrupt.check()?;
        return Ok(None);
    };
    let snapshot = first.value("share the snapshot", "SELECT pg_export_snapshot()")?;
    let snapshot = quote_literal(&snapshot.unwrap_or_default());
    // Waiting behind a session that waits for the first one would never end: the server does not
    // know that the first one waits for this one.
    let statements = [
        catalog::SETTINGS,
        BEGIN,
        &format!("SET TRANSACTION SNAPSHOT {snapshot}"),
        &format!("SET LOCAL lock_timeout = {NO_PATIENCE}"),
    ];
    let joined =
        statements.into_iter().try_for_each(|statement| second.run("prepare the dump", statement));
    if joined.is_err() {
        world.interrupt.check()?;
        return Ok(None);
    }
    Ok(Some(second))
}

fn not_chosen(error: ChoiceError) -> Failure {
    match error {
        ChoiceError::Needed(objects) => DumpError::Needed { objects }.into(),
        other => DumpError::Choice { why: other.to_string() }.into(),
    }
}
