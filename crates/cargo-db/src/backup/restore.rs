//! Restores a backup: a new database is built beside the old one and compared with the manifest.
//! The old one is unchanged until the swap, and after any failure before it.

use std::path::{Path, PathBuf};

use crate::backup::compare::compare;
use crate::backup::content::ARCHIVE_TOOL;
use crate::backup::limited::Limited;
use crate::backup::load::{LoadOptions, LoadTransactions, load};
use crate::backup::login::Rights;
use crate::backup::properties::{carry_over, properties, restore_properties};
use crate::backup::sibling::{SCRATCH, SiblingDatabase, create_sibling};
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, Failure, Result};
use crate::model::event::Event;
use crate::model::properties::Properties;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use pg_sql::lexer::first_words;
use pg_sql::script::Statement;

/// Builds the new database, compares it with the manifest, and copies to it what belongs to the
/// old database.
pub(crate) fn build(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
) -> Result<SiblingDatabase> {
    let mut built = load_sibling(world, settings, target, source, "restore")?;
    if let Some(manifest) = &source.manifest {
        let began = stopwatch();
        world.emit(Event::Started {
            doing: "Comparing",
            subject: "every row with the manifest".to_owned(),
        });
        let problems = compare(world, settings, &built.target, source)?;
        if !problems.is_empty() {
            return Err(BackupError::Unsound { name: source.name.clone(), problems }.into());
        }
        let count = manifest.tables.len();
        let tables = if count == 1 { "table" } else { "tables" };
        let subject = format!("{count} {tables} with the manifest");
        world.emit(Event::Finished { done: "Compared", subject, elapsed: began.elapsed() });
    }
    let remembered = source.manifest.as_ref().and_then(|of| of.database.properties.as_ref());
    finish(world, target, &mut built, remembered)?;
    Ok(built)
}

/// Applies owner, privileges and settings of the old database, or those recorded in the backup if
/// there is none.
pub(crate) fn carry_properties(
    world: &World,
    target: &Target,
    built: &mut SiblingDatabase,
    remembered: Option<&Properties>,
) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let old = properties(&mut session, &target.database)?;
    drop(session);
    match (&old, remembered) {
        (Some(old), _) => carry_over(world, &built.target, old)?,
        (None, Some(remembered)) => restore_properties(world, &built.target, remembered)?,
        (None, None) => {}
    }
    if let Some(properties) = old.as_ref().or(remembered) {
        built.comment.clone_from(&properties.comment);
        built.is_template = properties.is_template;
    }
    Ok(())
}

/// The same, and runs ANALYZE.
pub(crate) fn finish(
    world: &World,
    target: &Target,
    built: &mut SiblingDatabase,
    remembered: Option<&Properties>,
) -> Result<()> {
    carry_properties(world, target, built, remembered)?;
    if let Err(failure) = analyse(&mut Session::open(world, &built.target, Purpose::Write)?) {
        // The data is complete. Objects that cannot be reached from here, such as a partition on
        // another server, do not prevent the use of the rest.
        world.interrupt.check()?;
        world.emit(Event::Warning { message: format!("some tables are not analysed: {failure}") });
    }
    Ok(())
}

/// Analyses the tables that the role may analyse. Without a list, the server prints a warning for
/// each catalog table.
pub(crate) fn analyse(session: &mut Session) -> Result<()> {
    let sql = "SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY c.oid) \
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' \
                 AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
                 AND pg_has_role(c.relowner, 'USAGE')";
    let Some(tables) = session.value("find out what can be analysed", sql)? else { return Ok(()) };
    session.run("analyse the new database", &format!("ANALYZE {tables}"))
}

/// A scratch database into which the source is loaded, to be examined and dropped. A source that
/// this project did not take is loaded as a role without rights, if such a role can be created: see
/// [`RestoreSource::loaded_as`].
pub(crate) fn scratch(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
) -> Result<SiblingDatabase> {
    if !source.loaded_as(world, settings, target)?.is_some_and(|of| of.is_limited) {
        return load_sibling(world, settings, target, source, SCRATCH);
    }
    source.unexpected(world, settings)?;
    let (rights, left_out) = (Rights::None, &is_of_subscription);
    load_limited(target, SCRATCH, &Limited { world, settings, source, rights, left_out })
}

fn load_limited(target: &Target, what: &str, limited: &Limited<'_>) -> Result<SiblingDatabase> {
    let mut built = empty(limited.world, target, limited.source, what)?;
    limited.load(&mut built)?;
    Ok(built)
}

/// A new database like the one that the source is of.
fn empty(
    world: &World,
    target: &Target,
    source: &RestoreSource,
    what: &str,
) -> Result<SiblingDatabase> {
    let like = source.manifest.as_ref().map(|manifest| manifest.database.locale.clone());
    create_sibling(world, target, what, like)
}

/// Creates a database beside the target and loads the source into it.
fn load_sibling(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    what: &str,
) -> Result<SiblingDatabase> {
    source.unexpected(world, settings)?;
    let began = stopwatch();
    world.emit(Event::Started { doing: "Loading", subject: source.name.clone() });
    let built = match source.loads_as.as_deref().map(Rights::Of) {
        Some(rights) => {
            let left_out = &|_: &Statement| false;
            load_limited(target, what, &Limited { world, settings, source, rights, left_out })?
        }
        None => load_oneself(world, settings, target, source, what)?,
    };
    source.is_unchanged()?;
    world.emit(Event::Finished {
        done: "Loaded",
        subject: source.name.clone(),
        elapsed: began.elapsed(),
    });
    Ok(built)
}

/// Loads the source as the role that connects; a second time, in order, where several tables at
/// once failed.
fn load_oneself(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    what: &str,
) -> Result<SiblingDatabase> {
    let built = empty(world, target, source, what)?;
    let mut session = Session::open(world, &built.target, Purpose::Read)?;
    let program = loader(world, settings, source, session.server_major()?)?;
    drop(session);
    let loaded = program.map(|program| load_archive(world, &built.target, source, &program, what));
    match loaded.transpose() {
        Ok(Some(())) => Ok(built),
        Ok(None) => {
            load_text(world, settings, &built.target, source, what)?;
            Ok(built)
        }
        Err(failure) => {
            warn_about_retry(world, &failure)?;
            drop(built);
            let built = empty(world, target, source, what)?;
            load_text(world, settings, &built.target, source, what)?;
            Ok(built)
        }
    }
}

/// Tables that are loaded in parallel may arrive out of order, and some rows are only accepted in
/// order. The second try loads them in order, and its errors have a line number.
fn warn_about_retry(world: &World, failure: &Failure) -> Result<()> {
    world.interrupt.check()?;
    let why = failure.why().into_iter().next().unwrap_or_else(|| failure.to_string());
    let message =
        format!("pg_restore failed in parallel, so everything is loaded again in order: {why}");
    world.emit(Event::Notice { severity: "warning".to_owned(), message });
    Ok(())
}

/// Whether a scratch database leaves out the object: two databases with the same subscription would
/// share one slot.
fn is_of_subscription(statement: &Statement) -> bool {
    let words = first_words(&statement.text, 3);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(
        words.as_slice(),
        ["create" | "alter", "subscription", ..] | ["comment", "on", "subscription"]
    )
}

/// Loads a text with our own reader. If a text can be split in more than one way, this ensures that
/// only the checked statements run.
fn load_text(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
    what: &str,
) -> Result<()> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    // Nobody uses the database before the swap, which syncs it to disk.
    let prepare = "SET synchronous_commit = off; SET client_min_messages = warning; \
                   SET lc_monetary = 'C'";
    session.run("prepare the session", prepare)?;
    let text = source.text_to_load(world, settings)?;
    let left_out = |statement: &Statement| what == SCRATCH && is_of_subscription(statement);
    let (name, within) = (source.name.as_str(), LoadTransactions::Statements);
    let loading = LoadOptions { name, within, wanted: source.wanted, left_out: &left_out };
    load(world, &mut session, text, &loading)
}

/// The `pg_restore` that loads an archive directly, which has the version of the server. A text is
/// loaded with our own reader; so is an archive that can be split in more than one way, or that
/// only a newer client can read, which sets parameters that the server does not know.
fn loader(
    world: &World,
    settings: &Settings,
    source: &RestoreSource,
    server_major: u32,
) -> Result<Option<PathBuf>> {
    if !source.has_random_access() || !source.is_looked_through(world, settings)? {
        return Ok(None);
    }
    let client = source.archive_tool(settings, server_major).ok();
    let client = client.filter(|client| client.major == server_major);
    Ok(client.map(|client| client.program(ARCHIVE_TOOL)))
}

/// Has `pg_restore` load an archive, as many tables at once as there may be.
fn load_archive(
    world: &World,
    target: &Target,
    source: &RestoreSource,
    program: &Path,
    what: &str,
) -> Result<()> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let mut own = vec![
        "--no-password".to_owned(),
        "--exit-on-error".to_owned(),
        format!("--jobs={}", source.jobs.unwrap_or_else(processors)),
        format!("--dbname={}", target.only_name()),
        source.path.display().to_string(),
    ];
    own.extend((what == SCRATCH).then(|| "--no-subscriptions".to_owned()));
    let arguments = [source.wanted.flags().as_slice(), &own].concat();
    ClientProgram::start(world, program, &arguments, target)?.finish(world)
}
