//! The statements of a file.

use std::io;

use pg_sql::script::{ScriptError, ScriptReader, Statement};

use crate::check::finding::finding;
use crate::model::finding::Finding;

/// The statements of a file. What cannot be read ends it, and is a finding.
pub(super) fn split(text: &str) -> (Vec<Statement>, Vec<Finding>) {
    let mut reader = ScriptReader::new(Box::new(text.as_bytes()));
    let (mut statements, mut findings) = (Vec::new(), Vec::new());
    loop {
        let next = reader.next_statement().and_then(|statement| {
            if statement.as_ref().is_some_and(Statement::reads_data) {
                reader.copy_data(&mut |_| Ok(()))?;
            }
            Ok(statement)
        });
        match next {
            Ok(Some(statement)) => statements.push(statement),
            Ok(None) => return (statements, findings),
            Err(error) => {
                findings.push(unreadable(&error));
                return (statements, findings);
            }
        }
    }
}

/// The first line that is not UTF-8 in what is sent to the server, which comments between the
/// statements are not.
pub(crate) fn undecoded_line(bytes: &[u8]) -> Option<usize> {
    std::str::from_utf8(bytes).err()?;
    let mut reader = ScriptReader::new(Box::new(bytes));
    loop {
        match reader.next_statement() {
            Ok(Some(statement)) if statement.reads_data() => {
                let mut data = Vec::new();
                let add = &mut |some: &[u8]| -> io::Result<()> {
                    data.extend_from_slice(some);
                    Ok(())
                };
                reader.copy_data(add).ok()?;
                if let Err(error) = std::str::from_utf8(&data) {
                    let before = [statement.text.as_bytes(), b"\n", &data[..error.valid_up_to()]];
                    let lines = before.concat().iter().filter(|byte| **byte == b'\n').count();
                    return Some(statement.line + lines);
                }
            }
            Ok(Some(_)) => {}
            Err(ScriptError::NotUtf8 { line }) => return Some(line),
            Ok(None) | Err(_) => return None,
        }
    }
}

/// What there is to say of a file that cannot be read to its end.
pub(super) fn unreadable(error: &ScriptError) -> Finding {
    let (rule, line) = match error {
        ScriptError::PsqlCommand { line, .. } => ("psql-command", *line),
        ScriptError::Unfinished { line, .. }
        | ScriptError::NotUtf8 { line }
        | ScriptError::Nul { line }
        | ScriptError::CopyWithoutEnd { line }
        | ScriptError::TooLong { line }
        | ScriptError::RowTooLong { line } => ("syntax", *line),
        ScriptError::NoTrailer | ScriptError::Read(_) => ("syntax", 1),
    };
    finding(rule, line, "", error.to_string())
}
