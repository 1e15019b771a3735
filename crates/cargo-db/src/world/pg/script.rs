//! An SQL file, run statement by statement, so that an error has a position in the file, and COPY
//! data is sent as such.

use std::path::{Path, PathBuf};

use postgres::error::SqlState;

use crate::failure::{CausedBy, Failure, FileError, Result};
use crate::model::statement::{ServerError, StatementError};
use crate::world::mask::Mask;
use crate::world::pg::session::{Session, describe, server_error};
use pg_sql::lexer::words;
use pg_sql::script::{ScriptError, ScriptReader, Statement};

/// A file that was read and checked.
pub(crate) struct Script {
    /// As shown in messages.
    path: PathBuf,
    bytes: Vec<u8>,
    within: TransactionContext,
    /// Whether a BEGIN and a COMMIT surround all other statements.
    wrapped: bool,
    /// How many statements it holds.
    count: usize,
}

/// In which transaction a script runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TransactionContext {
    /// In one around all of it, which it must not end.
    Transaction,
    /// In the block that a server opens for a query of several statements: a BEGIN joins it, and
    /// what ends it ends all of it so far (PostgreSQL manual, 55.2.2.1 "Multiple Statements in a
    /// Simple Query"). The statements after that run in a new block.
    Blocks,
    /// In none.
    Nothing,
}

/// Why a script did not run to its end.
pub(crate) enum ScriptStop {
    /// The server refused a statement.
    Statement(Box<StatementError>),
    /// A statement ended the transaction around the script, though nothing in it said so.
    Ended { file: PathBuf, line: usize },
    /// The connection was lost.
    Lost(String),
    /// The observer refused to continue.
    Refused(Failure),
}

impl Script {
    /// Looks through a script before anything of it runs. Within a transaction it must not control
    /// transactions, except that a BEGIN and a COMMIT around everything are understood: the
    /// transaction that it runs in is what they ask for.
    pub(crate) fn check(path: &Path, bytes: Vec<u8>, within: TransactionContext) -> Result<Script> {
        let mut script = Script { path: path.to_owned(), bytes, within, wrapped: false, count: 0 };
        let mut controls: Vec<(usize, Statement)> = Vec::new();
        let mut reader = script.reader();
        let mut count = 0;
        while let Some(statement) = reader.next_statement().map_err(|error| script.bad(error))? {
            if statement.reads_data() {
                reader.copy_data(&mut |_| Ok(())).map_err(|error| script.bad(error))?;
            }
            if let Some((setting, value)) = statement.misleading_setting() {
                let (file, line) = (script.path.clone(), statement.line);
                return Err(FileError::Setting { file, line, setting, value }.into());
            }
            if statement.controls_transaction() {
                controls.push((count, statement));
            }
            count += 1;
        }
        drop(reader);
        script.count = count;
        script.wrapped = within != TransactionContext::Nothing
            && matches!(controls.as_slice(), [(0, begin), (last, commit)]
                if last + 1 == count && begin.is_plain_begin() && commit.is_plain_commit());
        if !script.wrapped {
            script.check_transaction_control(
                controls.into_iter().map(|(_, statement)| statement).collect(),
            )?;
        }
        Ok(script)
    }

    /// Checks that these statements may control transactions in this context.
    fn check_transaction_control(&self, controls: Vec<Statement>) -> Result<()> {
        let never_ends = controls.last().filter(|last| last.begins_transaction());
        if let (Some(last), false) = (never_ends, self.within == TransactionContext::Transaction) {
            let why = format!("the transaction that begins on line {} never ends", last.line);
            return Err(FileError::BadScript { file: self.path.clone(), why }.into());
        }
        let refused = controls.into_iter().find(|statement| match self.within {
            TransactionContext::Transaction => true,
            TransactionContext::Blocks => statement.chains_transaction(),
            TransactionContext::Nothing => false,
        });
        let Some(Statement { line, text: statement, .. }) = refused else { return Ok(()) };
        let file = self.path.clone();
        Err(FileError::TransactionControl { file, line, statement }.into())
    }

    /// What runs.
    pub(crate) fn sql(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it holds no statement, other than a BEGIN and COMMIT around nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == if self.wrapped { 2 } else { 0 }
    }

    /// The line of the first statement in which this name occurs.
    pub(crate) fn line_naming(&self, name: &str) -> Option<usize> {
        let mut reader = self.reader();
        while let Some(statement) = reader.next_statement().ok()? {
            if statement.reads_data() {
                reader.copy_data(&mut |_| Ok(())).ok()?;
            }
            if words(&statement.text).iter().any(|word| word == name) {
                return Some(statement.line);
            }
        }
        None
    }

    /// Runs all statements, one at a time. Within a transaction the caller has begun one with
    /// [`Session::begin_and_lend`], and ends it.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        around: &mut dyn StatementObserver,
    ) -> std::result::Result<(), ScriptStop> {
        let mut reader = self.reader();
        let mut index = 0;
        while let Some(statement) =
            reader.next_statement().map_err(|error| self.unreadable(&error))?
        {
            let outermost = self.wrapped && (index == 0 || index + 1 == self.count);
            index += 1;
            let joins = self.within == TransactionContext::Blocks && statement.is_plain_begin();
            if outermost || joins {
                continue;
            }
            around.before(session, &statement);
            if statement.reads_data() {
                self.copy(session, &statement, &mut reader)?;
                around.again(session, &statement).map_err(ScriptStop::Refused)?;
            } else {
                self.execute(session, &statement, around)?;
            }
            self.verify_state(session, &statement)?;
            around.after(&statement);
        }
        Ok(())
    }

    fn execute(
        &self,
        session: &mut Session,
        statement: &Statement,
        around: &mut dyn StatementObserver,
    ) -> std::result::Result<(), ScriptStop> {
        loop {
            if !around.admits(session, statement).map_err(ScriptStop::Refused)? {
                return Ok(());
            }
            let Err(error) = self.send(session, statement) else {
                if around.again(session, statement).map_err(ScriptStop::Refused)? {
                    continue;
                }
                return Ok(());
            };
            let stop = self.stop(&session.mask, statement, &error);
            match &stop {
                ScriptStop::Statement(error) if around.failed(session, statement, error) => {}
                _ => return Err(stop),
            }
        }
    }

    /// Sends a statement, which the server refuses if it is two. The client asks for rows in
    /// binary, and a few types have no such form: those come as text.
    fn send(
        &self,
        session: &mut Session,
        statement: &Statement,
    ) -> std::result::Result<(), postgres::Error> {
        if statement.writes_data() {
            return session.drain(&statement.text);
        }
        if !statement.may_return_rows() {
            return session.execute(&statement.text);
        }
        let inside = self.within != TransactionContext::Nothing;
        if inside {
            session.batch_execute("SAVEPOINT cargo_db_rows")?;
        }
        let sent = match session.execute(&statement.text) {
            Err(error) if has_no_binary_form(&error) => {
                if inside {
                    session.batch_execute("ROLLBACK TO SAVEPOINT cargo_db_rows")?;
                }
                session.batch_execute(&statement.text)
            }
            sent => sent,
        };
        if inside && sent.is_ok() {
            session.batch_execute("RELEASE SAVEPOINT cargo_db_rows")?;
        }
        sent
    }

    /// Verifies that the following statements are parsed correctly and run in the right
    /// transaction.
    fn verify_state(
        &self,
        session: &mut Session,
        statement: &Statement,
    ) -> std::result::Result<(), ScriptStop> {
        let lost = |failure: Failure| ScriptStop::Lost(failure.to_string());
        if let Some((setting, value)) = session.misread() {
            let message = format!(
                "the statement sets `{setting}` to `{value}`, so the rest of the file would be \
                 parsed differently"
            );
            let server = ServerError { message, ..ServerError::default() };
            return Err(self.refused(&session.mask, statement, server));
        }
        match self.within {
            TransactionContext::Blocks if statement.ends_transaction() => {
                session.begin_block().map_err(lost)
            }
            TransactionContext::Nothing => Ok(()),
            _ if session.is_inside().map_err(lost)? => Ok(()),
            _ => Err(ScriptStop::Ended { file: self.path.clone(), line: statement.line }),
        }
    }

    fn copy(
        &self,
        session: &mut Session,
        statement: &Statement,
        reader: &mut ScriptReader<'_>,
    ) -> std::result::Result<(), ScriptStop> {
        let mask = session.mask.clone();
        let stop = |error: &postgres::Error| self.stop(&mask, statement, error);
        let mut data = session.copy_in(&statement.text).map_err(|error| stop(&error))?;
        // What the server has against the data, it says at the end.
        let mut refused = false;
        let sent = reader.copy_data(&mut |line| {
            refused = refused || data.send(line).is_err();
            Ok(())
        });
        match sent {
            Ok(()) => data.finish().map_err(|error| stop(&error)),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    fn reader(&self) -> ScriptReader<'_> {
        ScriptReader::new(Box::new(self.bytes.as_slice()))
    }

    fn bad(&self, error: ScriptError) -> Failure {
        FileError::BadScript { file: self.path.clone(), why: error.to_string() }.caused_by(error)
    }

    /// The script was checked before, so this is the reader's fault and not the file's.
    fn unreadable(&self, error: &ScriptError) -> ScriptStop {
        ScriptStop::Lost(error.to_string())
    }

    fn stop(&self, mask: &Mask, statement: &Statement, error: &postgres::Error) -> ScriptStop {
        match server_error(mask, error) {
            Some(server) => self.refused(mask, statement, server),
            None => ScriptStop::Lost(describe(mask, error)),
        }
    }

    fn refused(&self, mask: &Mask, statement: &Statement, server: ServerError) -> ScriptStop {
        let position = server.position.or_else(|| place_of_name(&statement.text, &server));
        let (line, column) = locate(statement, position);
        let text = String::from_utf8_lossy(&self.bytes);
        let source_line = mask.hide(text.lines().nth(line - 1).unwrap_or(""));
        let file = self.path.clone();
        ScriptStop::Statement(Box::new(StatementError {
            file,
            line,
            column,
            source_line,
            server,
            note: None,
        }))
    }
}

fn has_no_binary_form(error: &postgres::Error) -> bool {
    let said = error.as_db_error().filter(|said| *said.code() == SqlState::UNDEFINED_FUNCTION);
    said.is_some_and(|said| said.message().starts_with("no binary output function"))
}

/// What happens around the statements of a script.
pub(crate) trait StatementObserver {
    /// Called before a statement runs.
    fn before(&mut self, _session: &mut Session, _statement: &Statement) {}
    /// Called before each try. False if the statement is not needed because its effect exists
    /// already.
    fn admits(&mut self, _session: &mut Session, _statement: &Statement) -> Result<bool> {
        Ok(true)
    }
    /// Called after the statement ran. True to run it again, because its effect was undone or
    /// incomplete.
    fn again(&mut self, _session: &mut Session, _statement: &Statement) -> Result<bool> {
        Ok(false)
    }
    /// It ran, and its data is in.
    fn after(&mut self, _statement: &Statement) {}
    /// The server refused it. True means: try again.
    fn failed(
        &mut self,
        _session: &mut Session,
        _statement: &Statement,
        _error: &StatementError,
    ) -> bool {
        false
    }
}

/// Nothing happens around them.
impl StatementObserver for () {}

/// The position of the name that the server rejects, in characters from 1. For an error in a
/// definition (class 42), the server often names the object but gives no position.
fn place_of_name(statement: &str, server: &ServerError) -> Option<u32> {
    server.code.as_deref().filter(|code| code.starts_with("42"))?;
    let name = server.quoted_name()?.rsplit('.').next().filter(|name| !name.is_empty())?;
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let lower = statement.to_ascii_lowercase();
    let name = name.to_ascii_lowercase();
    let places = lower.match_indices(&name).filter(|(start, text)| {
        let end = start + text.len();
        !lower[..*start].ends_with(is_part) && !lower[end..].starts_with(is_part)
    });
    let places: Vec<usize> = places.map(|(start, _)| start).collect();
    // A column often has the same name as the table that it references.
    let names_table = |start: &&usize| {
        let before = lower[..**start].trim_end_matches('"').trim_end();
        before.ends_with("references") || before.ends_with("table")
    };
    let found = places.iter().find(names_table).or(places.first())?;
    u32::try_from(statement[..*found].chars().count() + 1).ok()
}

/// Line and column in the file of a position in a statement, which counts characters from 1.
fn locate(statement: &Statement, position: Option<u32>) -> (usize, usize) {
    let before: String =
        statement.text.chars().take(position.map_or(0, |position| position as usize - 1)).collect();
    match before.rsplit_once('\n') {
        Some((lines, last)) => {
            (statement.line + lines.matches('\n').count() + 1, last.chars().count() + 1)
        }
        None => (statement.line, statement.column + before.chars().count()),
    }
}
