//! What a database held before the migrations: a history that was baselined cannot build it.

use std::path::Path;

use crate::failure::{Result, SchemaError};
use crate::migration::session_settings;
use crate::settings::Settings;
use crate::world::files;
use crate::world::pg::{Script, ScriptStop, Session, TransactionContext};

/// Loads `[schema] base` into an empty database, where there is one.
pub(super) fn load(session: &mut Session, settings: &Settings) -> Result<()> {
    let Some(path) = &settings.schema.base else { return Ok(()) };
    let bytes = without_restrict(&files::read(&settings.root.join(path))?);
    let script = Script::check(path, bytes, TransactionContext::Transaction)?;
    session.begin_and_lend(&session_settings(&settings.limits))?;
    let why = match script.run(session, &mut ()) {
        Ok(()) => return session.run("commit", "COMMIT"),
        Err(ScriptStop::Refused(failure)) => return Err(failure),
        Err(ScriptStop::Statement(error)) => place(path, error.line, &error.server.message),
        Err(ScriptStop::Ended { line, .. }) => place(path, line, "it ends the transaction"),
        Err(ScriptStop::Lost(why)) => why,
    };
    Err(SchemaError::NotBuilt { why: vec![why], has_base: true }.into())
}

fn place(path: &Path, line: usize, why: &str) -> String {
    format!("{}:{line}: {why}", path.display())
}

/// `pg_dump` encloses what it writes in two commands of psql's, which say nothing to a server.
pub(crate) fn without_restrict(bytes: &[u8]) -> Vec<u8> {
    let is_command =
        |line: &[u8]| line.starts_with(b"\\restrict ") || line.starts_with(b"\\unrestrict ");
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    lines.map(|line| if is_command(line) { b"\n" } else { line }).collect::<Vec<_>>().concat()
}
