//! Running a dump through our own reader: no psql, and so no command of psql's.

use std::path::PathBuf;

use crate::backup::allowed::{Allowed, LoadFilter, beginning};
use crate::backup::content::Text;
use crate::backup::parameters::ServerParameters;
use crate::failure::{BackupError, CausedBy, DatabaseError, Failure, Kind, Result};
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::Session;
use pg_sql::dump::AllowList;
use pg_sql::script::{ScriptError, ScriptReader, Statement};

/// Whose transactions a dump is loaded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoadTransactions {
    /// Each statement in its own transaction, or in those of the dump.
    Statements,
    /// All in the one that the session is in: a BEGIN and a COMMIT of the dump's own (large objects
    /// have them) are left out, and nothing may end it.
    Transaction,
}

/// How a dump is loaded.
pub(super) struct LoadOptions<'a> {
    /// The name of the dump.
    pub(super) name: &'a str,
    pub(super) within: LoadTransactions,
    pub(super) wanted: LoadFilter,
    /// The statements that do not run.
    pub(super) left_out: &'a dyn Fn(&Statement) -> bool,
}

/// Runs a dump.
pub(super) fn load(
    world: &World,
    session: &mut Session,
    mut text: Box<dyn Text>,
    loading: &LoadOptions<'_>,
) -> Result<()> {
    // Query our own settings while the search path is ours.
    let mut known = ServerParameters::of(world, session)?;
    // A file that was not written by pg_dump may leave schemas out.
    session.run("restore the search path", "RESET search_path")?;
    let inside = loading.within == LoadTransactions::Transaction;
    if inside {
        session.mark_transaction()?;
    }
    let mut reader = ScriptReader::of_dump(Box::new(&mut text));
    let ran = run_all(world, session, &mut reader, loading, &mut known);
    drop(reader);
    if ran.as_ref().is_err_and(is_unreadable) {
        // Text often breaks off because the program that writes it failed: report its reason.
        text.finish(world)?;
    }
    ran?;
    session.run("reset the role", "RESET SESSION AUTHORIZATION")?;
    if !inside {
        session.reclaim_and_reset()?;
    }
    text.finish(world)
}

/// Runs every statement of a dump that is not left out.
fn run_all(
    world: &World,
    session: &mut Session,
    reader: &mut ScriptReader<'_>,
    loading: &LoadOptions<'_>,
    known: &mut ServerParameters,
) -> Result<()> {
    let mut allowed = AllowList::default();
    while let Some(statement) = reader.next_statement().map_err(unreadable)? {
        world.interrupt.check()?;
        let is_allowed = allowed.admits(&statement);
        if loading.skips(&statement) || known.leaves_out(&statement) {
            continue;
        }
        if !is_allowed && loading.wanted.allowed == Allowed::OfDumps {
            let (line, statement) = (statement.line, beginning(&statement));
            let name = loading.name.to_owned();
            return Err(BackupError::NotOfDump { name, line, statement }.into());
        }
        if !(loading.left_out)(&statement) {
            loading.refuse(&statement)?;
            loading.run(world, session, &statement, reader)?;
        } else if statement.reads_data() {
            reader.copy_data(&mut |_| Ok(())).map_err(unreadable)?;
        }
    }
    Ok(())
}

impl LoadOptions<'_> {
    /// Whether a statement is skipped, because it is about the session or the database, or because
    /// its kind is left out.
    fn skips(&self, statement: &Statement) -> bool {
        let of_session =
            statement.is_plain_begin() || statement.is_plain_commit() || sets_limits(statement);
        statement.is_about_database()
            || self.within == LoadTransactions::Transaction && of_session
            || self.wanted.left_out.holds(statement)
    }

    /// Fails if a statement would change how the rest is parsed, or end the transaction in which
    /// the dump is restored.
    fn refuse(&self, statement: &Statement) -> Result<()> {
        let line = statement.line;
        let what = match statement.misleading_setting() {
            _ if self.within == LoadTransactions::Transaction
                && statement.controls_transaction() =>
            {
                format!("line {line} would end the transaction of the restore")
            }
            Some((setting, value)) if is_misread(setting, &value) => {
                format!(
                    "line {line} sets `{setting}` to `{value}`, so the rest would be parsed \
                     differently"
                )
            }
            _ => return Ok(()),
        };
        Err(BackupError::Unreadable { name: self.name.to_owned(), what, remedy: None }.into())
    }

    /// Runs a statement, with the rows that follow it.
    fn run(
        &self,
        world: &World,
        session: &mut Session,
        statement: &Statement,
        reader: &mut ScriptReader<'_>,
    ) -> Result<()> {
        let failed = |session: &Session, error: postgres::Error| -> Failure {
            let doing = format!("run line {} of {}", statement.line, self.name);
            world.interrupt.check().err().unwrap_or_else(|| session.failure(&doing, error))
        };
        if statement.reads_data() {
            let copied = copy_in(session, &statement.text, reader);
            copied.map_err(unreadable)?.map_err(|error| failed(session, error))?;
            world.emit(Event::Counted);
            return Ok(());
        }
        session.execute(&statement.text).map_err(|error| failed(session, error))?;
        if self.within == LoadTransactions::Transaction && !session.is_inside()? {
            let (file, subject) = (PathBuf::from(self.name), "the restore".to_owned());
            let (line, command) = (statement.line, "cargo db restore".to_owned());
            return Err(
                DatabaseError::Ended { file, line, subject, has_history: false, command }.into()
            );
        }
        Ok(())
    }
}

/// The failure for text that cannot be split into statements.
pub(super) fn unreadable(error: ScriptError) -> Failure {
    BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
}

fn is_unreadable(failure: &Failure) -> bool {
    matches!(failure.kind(), Kind::Backup(BackupError::Failed { doing: "read", .. }))
}

/// Whether a server with this setting would read text differently. ASCII text is the same in every
/// encoding of a database.
fn is_misread(setting: &str, value: &str) -> bool {
    const OF_CLIENTS: [&str; 16] = [
        "big5",
        "gb18030",
        "gbk",
        "johab",
        "mskanji",
        "shiftjis",
        "shiftjis2004",
        "sjis",
        "uhc",
        "win932",
        "win936",
        "win949",
        "win950",
        "windows932",
        "windows936",
        "windows949",
    ];
    let plain = value.replace(['-', '_'], "");
    setting != "client_encoding" || OF_CLIENTS.contains(&plain.as_str())
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
