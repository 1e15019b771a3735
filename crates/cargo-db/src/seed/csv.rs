//! A seed that is a file of CSV: its first line names the columns, its own name the table.

use std::path::Path;

use crate::model::statement::{ServerError, StatementError};
use crate::world::pg::{ScriptStop, Session};
use pg_sql::quote::{quote_identifier, quote_qualified};

/// Copies it into the table.
pub(super) fn copy(
    session: &mut Session,
    file: &Path,
    table: &str,
    bytes: &[u8],
) -> std::result::Result<(), ScriptStop> {
    let header = String::from_utf8_lossy(bytes)
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches('\u{feff}')
        .to_owned();
    let columns: Vec<String> =
        header.split(',').map(|name| quote_identifier(name.trim().trim_matches('"'))).collect();
    let sql = format!(
        "COPY {} ({}) FROM STDIN (FORMAT csv, HEADER true)",
        quote_qualified(table),
        columns.join(", ")
    );
    let copied = session.copy_in(&sql).and_then(|mut writer| {
        // What the server has against the data, it says at the end.
        let _ = writer.send(bytes);
        writer.finish()
    });
    copied.map(drop).map_err(|error| match session.server_error(&error) {
        None => ScriptStop::Lost(session.describe(&error)),
        Some(server) => {
            let line = copy_line(&server).unwrap_or(1);
            let source_line =
                session.hide(String::from_utf8_lossy(bytes).lines().nth(line - 1).unwrap_or(""));
            ScriptStop::Statement(Box::new(StatementError {
                file: file.to_owned(),
                line,
                column: 1,
                source_line,
                server,
                note: None,
            }))
        }
    })
}

/// The server counts the lines of a COPY and reports the number as context: `COPY users, line 3,`.
fn copy_line(server: &ServerError) -> Option<usize> {
    let (_, after) = server.context.as_ref()?.split_once(", line ")?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
