//! Restoring a backup: a new database is built beside the old one, and compared with the manifest.
//! Until it is swapped in the old one is not touched, and whatever fails before leaves it exactly
//! as it was.

use crate::backup::compare::compare;
use crate::backup::grants::grant;
use crate::backup::load::{Within, load};
use crate::backup::sibling::{Built, SCRATCH, create_sibling};
use crate::backup::source::Source;
use crate::failure::{BackupError, Result};
use crate::model::backup::Format;
use crate::model::event::Event;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::plain_text;
use crate::world::clock::stopwatch;
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use pg_sql::quote::{quote_identifier, quote_literal};

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
    finish(world, target, &mut built)?;
    Ok(built)
}

/// Copies owner, privileges and settings of the old database to a new one, and has it analysed.
pub(crate) fn finish(world: &World, target: &Target, built: &mut Built) -> Result<()> {
    built.comment = carry_over(world, target, &built.target)?;
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
    let like = source.manifest.as_ref().map(|manifest| manifest.database.locale.clone());
    let built = create_sibling(world, target, what, like)?;
    let mut session = Session::open(world, &built.target, Purpose::Read)?;
    let major = session.server_major()?;
    drop(session);

    let began = stopwatch();
    world.tell(Event::Started { doing: "Loading", subject: source.name.clone() });
    match source.format {
        Format::Sql => {
            let mut session = Session::open(world, &built.target, Purpose::Write)?;
            // The database is nobody's until it is swapped in, and then it is on disk.
            let settings = "SET synchronous_commit = off; SET client_min_messages = warning; \
                            SET lc_monetary = 'C'";
            session.run("prepare the session", settings)?;
            load(world, &mut session, Box::new(plain_text(&source.path)?), Within::Statements)?;
        }
        Format::Custom | Format::Directory | Format::Set => {
            let program = source.archive_tool(settings, major)?;
            let jobs = source
                .jobs
                .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
            let arguments = [
                "--no-password".to_owned(),
                "--exit-on-error".to_owned(),
                format!("--jobs={jobs}"),
                format!("--dbname={}", built.target.database),
                source.path.display().to_string(),
            ];
            ClientProgram::start(world, &program, &arguments, &built.target)?.finish(world)?;
        }
    }
    world.tell(Event::Finished {
        done: "Loaded",
        subject: source.name.clone(),
        elapsed: began.elapsed(),
    });
    Ok(built)
}

/// Settings whose value is a list of names, each quoted by itself.
const LISTS: &[&str] =
    &["search_path", "session_preload_libraries", "local_preload_libraries", "temp_tablespaces"];

/// Gives the new database what belongs to a database and not to its content: owner, rights,
/// settings, connection limit. Returns the comment, which follows when it is swapped in.
fn carry_over(world: &World, from: &Target, to: &Target) -> Result<Option<String>> {
    let mut session = Session::open(world, &from.maintenance(), Purpose::Write)?;
    let new = quote_identifier(&to.database);
    let sql = format!(include_str!("sql/database.sql"), database = quote_literal(&from.database));
    let [about, settings, rights] = session.sets("look at the old database", &sql)?;
    let mut statements = Vec::new();
    for row in &about {
        statements.push(format!("ALTER DATABASE {new} OWNER TO {}", row.text("owner")?));
        let limit: i64 = row.number("connection_limit")?;
        statements.push(format!("ALTER DATABASE {new} CONNECTION LIMIT {limit}"));
    }
    for row in &settings {
        let (whose, name, value) = (row.text("whose")?, row.text("name")?, row.text("value")?);
        // A list is stored as it was written, with its own quotes.
        let value = if LISTS.contains(&name) { value.to_owned() } else { quote_literal(value) };
        let name = quote_identifier(name);
        statements.push(format!("ALTER {whose}DATABASE {new} SET {name} = {value}"));
    }
    if !rights.is_empty() {
        statements.push(format!("REVOKE ALL ON DATABASE {new} FROM PUBLIC"));
    }
    for row in &rights {
        statements.push(grant(row, &format!("DATABASE {new}"))?);
    }
    session.run("copy the settings of the old database", &statements.join("; "))?;
    let comment = about.first().map(|row| row.optional_text("comment")).transpose()?.flatten();
    Ok(comment.map(str::to_owned))
}
