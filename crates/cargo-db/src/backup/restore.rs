//! Restoring a backup: a new database is built beside the old one, and compared with the manifest.
//! Until it is swapped in the old one is not touched, and whatever fails before leaves it exactly
//! as it was.

use std::path::{Path, PathBuf};

use crate::backup::compare::compare;
use crate::backup::content::ARCHIVE_TOOL;
use crate::backup::load::{Within, load};
use crate::backup::properties::{bring_back, carry_over, properties};
use crate::backup::sibling::{Built, SCRATCH, create_sibling};
use crate::backup::source::Source;
use crate::failure::{BackupError, Result};
use crate::model::event::Event;
use crate::model::properties::Properties;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;

/// Builds the new database, compares it with the manifest, and copies to it what belongs to the
/// old database.
pub(crate) fn build(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
) -> Result<Built> {
    let mut built = load_sibling(world, settings, target, source, "restore")?;
    if let Some(manifest) = &source.manifest {
        let began = stopwatch();
        world.tell(Event::Started {
            doing: "Comparing",
            subject: "every row with the manifest".to_owned(),
        });
        let problems = compare(world, settings, &built.target, manifest)?;
        if !problems.is_empty() {
            return Err(BackupError::Unsound { name: source.name.clone(), problems }.into());
        }
        let subject = format!("{} tables with the manifest", manifest.tables.len());
        world.tell(Event::Finished { done: "Compared", subject, elapsed: began.elapsed() });
    }
    let remembered = source.manifest.as_ref().and_then(|of| of.database.properties.as_ref());
    finish(world, target, &mut built, remembered)?;
    Ok(built)
}

/// Gives a new database owner, rights and settings of the old one, or where there is none those
/// that a backup remembers, and has it analysed.
pub(crate) fn finish(
    world: &World,
    target: &Target,
    built: &mut Built,
    remembered: Option<&Properties>,
) -> Result<()> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let old = properties(&mut session, &target.database)?;
    drop(session);
    match (&old, remembered) {
        (Some(old), _) => carry_over(world, &built.target, old)?,
        (None, Some(remembered)) => bring_back(world, &built.target, remembered)?,
        (None, None) => {}
    }
    if let Some(properties) = old.as_ref().or(remembered) {
        built.comment.clone_from(&properties.comment);
        built.is_template = properties.is_template;
    }
    let mut session = Session::open(world, &built.target, Purpose::Write)?;
    session.run("analyse the new database", "ANALYZE")
}

/// A scratch database with the source in it, for whoever only wants to look.
pub(crate) fn scratch(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
) -> Result<Built> {
    load_sibling(world, settings, target, source, SCRATCH)
}

/// Creates a database beside the target and loads the source into it.
fn load_sibling(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    what: &str,
) -> Result<Built> {
    source.stranger(world, settings)?;
    let like = source.manifest.as_ref().map(|manifest| manifest.database.locale.clone());
    let built = create_sibling(world, target, what, like)?;
    let mut session = Session::open(world, &built.target, Purpose::Read)?;
    let major = session.server_major()?;
    drop(session);

    let began = stopwatch();
    world.tell(Event::Started { doing: "Loading", subject: source.name.clone() });
    match loader(world, settings, source, major)? {
        Some(program) => load_archive(world, &built.target, source, &program)?,
        None => load_text(world, settings, &built.target, source)?,
    }
    source.is_unchanged()?;
    world.tell(Event::Finished {
        done: "Loaded",
        subject: source.name.clone(),
        elapsed: began.elapsed(),
    });
    Ok(built)
}

/// Loads a text through our own reader: the only way in which no more runs than what was looked at
/// where a text can be taken apart in two ways.
fn load_text(world: &World, settings: &Settings, target: &Target, source: &Source) -> Result<()> {
    let mut session = Session::open(world, target, Purpose::Write)?;
    // The database is nobody's until it is swapped in, and then it is on disk.
    let prepare = "SET synchronous_commit = off; SET client_min_messages = warning; \
                   SET lc_monetary = 'C'";
    session.run("prepare the session", prepare)?;
    let text = source.text_to_load(world, settings)?;
    load(world, &mut session, text, Within::Statements, source.wanted)
}

/// The `pg_restore` that loads an archive by itself, which is one of the server's version. A text
/// goes through our own reader, and so does an archive that can be taken apart in two ways, or that
/// only another client can read: a newer one begins with settings that the server does not know.
fn loader(
    world: &World,
    settings: &Settings,
    source: &Source,
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
fn load_archive(world: &World, target: &Target, source: &Source, program: &Path) -> Result<()> {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    let own = [
        "--no-password".to_owned(),
        "--exit-on-error".to_owned(),
        format!("--jobs={}", source.jobs.unwrap_or_else(processors)),
        format!("--dbname={}", target.database),
        source.path.display().to_string(),
    ];
    let arguments = [source.wanted.flags().as_slice(), &own].concat();
    ClientProgram::start(world, program, &arguments, target)?.finish(world)
}
