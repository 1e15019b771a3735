//! A file of SQL, run statement by statement: its place in the file is known when one fails, and
//! the data of a COPY goes the way that COPY data goes.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::{CausedBy, Failure, FileError, Result};
use crate::model::statement::StatementError;
use crate::world::pg::session::{Session, describe, server_error};
use pg_sql::script::{ScriptError, ScriptReader, Statement};

/// A file that was read and looked through.
pub(crate) struct Script {
    /// As shown in messages.
    path: PathBuf,
    bytes: Vec<u8>,
    /// Whether its first and last statements are a BEGIN and a COMMIT around all others.
    wrapped: bool,
    /// How many statements it holds.
    count: usize,
}

/// Why a script did not run to its end.
pub(crate) enum Stop {
    /// The server refused a statement.
    Statement(Box<StatementError>),
    /// The connection is gone.
    Lost(String),
}

impl Script {
    /// Looks through a script before anything of it runs. With `in_transaction` it must not
    /// control transactions, except that a BEGIN and a COMMIT around everything are understood:
    /// the transaction that it runs in is what they ask for.
    pub(crate) fn check(path: &Path, bytes: Vec<u8>, in_transaction: bool) -> Result<Script> {
        let mut script = Script { path: path.to_owned(), bytes, wrapped: false, count: 0 };
        let mut controls: Vec<(usize, Statement)> = Vec::new();
        let mut reader = script.reader();
        let mut count = 0;
        while let Some(statement) = reader.next_statement().map_err(|error| script.bad(error))? {
            if statement.reads_data() {
                reader.copy_data(&mut |_| Ok(())).map_err(|error| script.bad(error))?;
            }
            if statement.controls_transaction() {
                controls.push((count, statement));
            }
            count += 1;
        }
        drop(reader);
        script.count = count;
        if in_transaction {
            script.wrapped = matches!(controls.as_slice(), [(0, begin), (last, commit)]
                if last + 1 == count && begin.is_plain_begin() && commit.is_plain_commit());
            if let (false, Some((_, statement))) = (script.wrapped, controls.into_iter().next()) {
                let (line, statement) = (statement.line, statement.text);
                return Err(
                    FileError::TransactionControl { file: script.path, line, statement }.into()
                );
            }
        } else if let Some((_, last)) =
            controls.last().filter(|(_, last)| last.begins_transaction())
        {
            let why = format!("the transaction that begins on line {} never ends", last.line);
            return Err(FileError::BadScript { file: script.path, why }.into());
        }
        Ok(script)
    }

    /// What runs.
    pub(crate) fn sql(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether it holds no statement.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Runs all statements.
    pub(crate) fn run(
        &self,
        session: &mut Session,
        around: &mut dyn StatementObserver,
    ) -> std::result::Result<(), Stop> {
        let mut reader = self.reader();
        let mut index = 0;
        while let Some(statement) =
            reader.next_statement().map_err(|error| self.unreadable(&error))?
        {
            let outermost = self.wrapped && (index == 0 || index + 1 == self.count);
            index += 1;
            if outermost {
                continue;
            }
            around.before(session, &statement);
            if statement.reads_data() {
                self.copy(session, &statement, &mut reader)?;
                around.again(session, &statement);
            } else {
                self.execute(session, &statement, around)?;
            }
            around.after(&statement);
        }
        Ok(())
    }

    fn execute(
        &self,
        session: &mut Session,
        statement: &Statement,
        around: &mut dyn StatementObserver,
    ) -> std::result::Result<(), Stop> {
        loop {
            let Err(error) = session.batch_execute(&statement.text) else {
                if around.again(session, statement) {
                    continue;
                }
                return Ok(());
            };
            let stop = self.stop(statement, &error);
            let again =
                matches!(&stop, Stop::Statement(error) if around.failed(session, statement, error));
            if !again {
                return Err(stop);
            }
        }
    }

    fn copy(
        &self,
        session: &mut Session,
        statement: &Statement,
        reader: &mut ScriptReader<'_>,
    ) -> std::result::Result<(), Stop> {
        let stop = |error: &postgres::Error| self.stop(statement, error);
        let mut writer = session.copy_in(&statement.text).map_err(|error| stop(&error))?;
        let sent = reader.copy_data(&mut |line| writer.write_all(line));
        match sent {
            // What the server has against the data, it says at the end.
            Ok(()) | Err(ScriptError::Read(_)) => {
                writer.finish().map(drop).map_err(|error| stop(&error))
            }
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
    fn unreadable(&self, error: &ScriptError) -> Stop {
        Stop::Lost(error.to_string())
    }

    fn stop(&self, statement: &Statement, error: &postgres::Error) -> Stop {
        match server_error(error) {
            Some(server) => {
                let (line, column) = locate(statement, server.position);
                let text = String::from_utf8_lossy(&self.bytes);
                let source_line = text.lines().nth(line - 1).unwrap_or("").to_owned();
                Stop::Statement(Box::new(StatementError {
                    file: self.path.clone(),
                    line,
                    column,
                    source_line,
                    server,
                }))
            }
            None => Stop::Lost(describe(error)),
        }
    }
}

/// What happens around the statements of a script.
pub(crate) trait StatementObserver {
    /// A statement is about to run.
    fn before(&mut self, _session: &mut Session, _statement: &Statement) {}
    /// It ran. True means: once more, because what it did was undone.
    fn again(&mut self, _session: &mut Session, _statement: &Statement) -> bool {
        false
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
