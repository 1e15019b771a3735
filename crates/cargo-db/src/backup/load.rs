//! Running a dump through our own reader: no psql, and so no command of psql's.

use crate::backup::content::Text;
use crate::failure::{BackupError, CausedBy, Failure, Result};
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::Session;
use pg_sql::script::{ScriptError, ScriptReader, Statement};

/// Whose transactions a dump is loaded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    /// Each statement in its own, or in those of the dump.
    Statements,
    /// All in the one that the session is in: a BEGIN and a COMMIT of the dump's own (large objects
    /// have them) are left out, and nothing may end it.
    Transaction,
}

/// Runs a dump.
pub(super) fn load(
    world: &World,
    session: &mut Session,
    mut text: Box<dyn Text>,
    within: Within,
) -> Result<()> {
    if within == Within::Statements {
        // A file that was not written by pg_dump may leave schemas out.
        session.run("give the search path back", "RESET search_path")?;
    }
    let mut reader = ScriptReader::of_dump(Box::new(&mut text));
    let bad = |error: ScriptError| {
        BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
    };
    let inside = within == Within::Transaction;
    while let Some(statement) = reader.next_statement().map_err(bad)? {
        world.interrupt.check()?;
        let left_out =
            statement.is_plain_begin() || statement.is_plain_commit() || sets_limits(&statement);
        if statement.is_about_database() || inside && left_out {
            continue;
        }
        if inside && statement.controls_transaction() {
            let why =
                format!("line {} would end the transaction that it is restored in", statement.line);
            return Err(BackupError::Failed { doing: "read", why }.into());
        }
        let failed = |session: &Session, error: postgres::Error| -> Failure {
            let doing = format!("run line {} of the backup", statement.line);
            world.interrupt.check().err().unwrap_or_else(|| session.failure(&doing, error))
        };
        if !statement.reads_data() {
            session.batch_execute(&statement.text).map_err(|error| failed(session, error))?;
            continue;
        }
        let copied = copy_in(session, &statement.text, &mut reader);
        copied.map_err(bad)?.map_err(|error| failed(session, error))?;
        world.tell(Event::Counted);
    }
    drop(reader);
    if within == Within::Statements {
        session.take_back_empty()?;
    }
    text.finish(world)
}

/// Whether a statement of a dump lifts the limits of the session.
pub(super) fn sets_limits(statement: &Statement) -> bool {
    let name = statement.text.strip_prefix("SET ").and_then(|rest| rest.split_whitespace().next());
    name.is_some_and(|name| name.ends_with("_timeout"))
}

fn copy_in(
    session: &mut Session,
    statement: &str,
    reader: &mut ScriptReader<'_>,
) -> std::result::Result<std::result::Result<(), postgres::Error>, ScriptError> {
    let mut writer = match session.copy_in(statement) {
        Ok(writer) => writer,
        Err(error) => return Ok(Err(error)),
    };
    // What the server has against the data, it says at the end.
    let mut refused = false;
    reader.copy_data(&mut |line| {
        refused = refused || writer.send(line).is_err();
        Ok(())
    })?;
    Ok(writer.finish())
}
