//! Deferred constraints of migrations that share a transaction.

use crate::failure::Result;
use crate::world::pg::Session;

/// Checks the deferred constraints right after a migration, so that a failure can name it.
pub(crate) fn check_deferred(session: &mut Session, subject: &str) -> Result<()> {
    let doing = format!("check the deferred constraints of {subject}");
    session.run(&doing, "SET CONSTRAINTS ALL IMMEDIATE")
}

/// Defers the `INITIALLY DEFERRED` constraints again, until the check after the next migration.
/// Constraints that are deferrable but initially immediate stay immediate.
pub(crate) fn defer_constraints(session: &mut Session) -> Result<()> {
    let sql = "SELECT string_agg(DISTINCT format('%I.%I', n.nspname, c.conname), ', ') \
               FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace \
               WHERE c.condeferrable AND NOT c.condeferred";
    let at_once = session.value("find the immediate constraints", sql)?;
    let at_once = at_once.map(|names| format!("; SET CONSTRAINTS {names} IMMEDIATE"));
    let sql = format!("SET CONSTRAINTS ALL DEFERRED{}", at_once.unwrap_or_default());
    session.run("defer constraints again", &sql)
}
