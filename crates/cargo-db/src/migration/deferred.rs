//! What migrations that share a transaction defer until its commit.

use crate::failure::Result;
use crate::world::pg::Session;

/// Checks what a migration has deferred, while it is known whose it is.
pub(crate) fn check_deferred(session: &mut Session, subject: &str) -> Result<()> {
    let doing = format!("check what {subject} deferred");
    session.run(&doing, "SET CONSTRAINTS ALL IMMEDIATE")
}

/// What is deferred of itself waits again, for the check of the next migration. What could be, and
/// is not, does not wait.
pub(crate) fn defer_again(session: &mut Session) -> Result<()> {
    let sql = "SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ') \
               FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace \
               WHERE c.condeferrable AND NOT c.condeferred";
    let at_once = session.value("find what is not deferred", sql)?;
    let at_once = at_once.map(|names| format!("; SET CONSTRAINTS {names} IMMEDIATE"));
    let sql = format!("SET CONSTRAINTS ALL DEFERRED{}", at_once.unwrap_or_default());
    session.run("let what is deferred wait again", &sql)
}
