//! Approvals: a person's word that an AI agent may carry out one plan.
//!
//! They stand in a schema of their own, which the role [`APPROVER`] owns. The role that migrates
//! may read them, and mark one as used by calling a function that runs as the owner (PostgreSQL
//! manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely"). It cannot write them,
//! and it cannot replace the schema by one that it owns, because the owner is looked up.

use crate::failure::Result;
use crate::model::environment::Environment;
use crate::model::key::PublicKey;
use crate::world::pg::session::Session;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The role that owns the approvals. Who approves is this role, or a member of it.
pub(crate) const APPROVER: &str = "cargo_db_approver";
/// The schema of the approvals.
pub(crate) const APPROVALS: &str = "cargo_db_approval";

const DOUBTS: &str = include_str!("sql/approval_doubts.sql");
const CREATE: &str = include_str!("sql/create_approvals.sql");

/// The approval of one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApprovalState {
    Missing,
    Valid { by: String },
    Expired,
    Used,
}

/// Who a question about rights is about.
pub(crate) enum RoleOfApproval<'a> {
    /// The roles of the session itself.
    OfSession,
    Named(&'a str),
}

/// Why approvals in the session's database prove nothing about a role: what it could do to write
/// one itself. Empty where they hold, and also where there is no schema of approvals yet.
pub(crate) fn doubts(session: &mut Session, role: &RoleOfApproval<'_>) -> Result<Vec<String>> {
    let roles = match role {
        RoleOfApproval::OfSession => "session_user, current_user".to_owned(),
        RoleOfApproval::Named(role) => quote_literal(role),
    };
    session.column("look up the rights on approvals", &DOUBTS.replace("{roles}", &roles))
}

/// Whether there is a schema of approvals.
pub(crate) fn is_there(session: &mut Session) -> Result<bool> {
    let sql = format!("SELECT to_regnamespace('{APPROVALS}') IS NOT NULL");
    Ok(session.value("look for the approvals", &sql)?.as_deref() == Some("t"))
}

/// Whether the server has the role that owns approvals.
pub(crate) fn approver_is_there(session: &mut Session) -> Result<bool> {
    let sql = format!("SELECT to_regrole('{APPROVER}') IS NOT NULL");
    Ok(session.value("look for the approver", &sql)?.as_deref() == Some("t"))
}

/// The approval of a plan.
pub(crate) fn state(session: &mut Session, plan: &str) -> Result<ApprovalState> {
    let sql = format!(
        "SELECT approved_by, used_at IS NOT NULL AS is_used, expires_at > now() AS is_current \
         FROM ONLY {APPROVALS}.approval WHERE plan = {}",
        quote_literal(plan)
    );
    let Some(row) = session.optional("read the approval", &sql)? else {
        return Ok(ApprovalState::Missing);
    };
    Ok(match (row.flag("is_used")?, row.flag("is_current")?) {
        (true, _) => ApprovalState::Used,
        (false, false) => ApprovalState::Expired,
        (false, true) => ApprovalState::Valid { by: row.text("approved_by")?.to_owned() },
    })
}

/// The keys whose signed approvals count.
pub(crate) fn keys(session: &mut Session) -> Result<Vec<PublicKey>> {
    let sql = format!("SELECT public_key FROM ONLY {APPROVALS}.key ORDER BY accepted_at");
    let keys = session.column("read the keys of approvals", &sql)?;
    Ok(keys.iter().filter_map(|key| key.parse().ok()).collect())
}

/// Marks the approval of a plan as used, and says whether it was valid.
pub(crate) fn take(session: &mut Session, plan: &str) -> Result<bool> {
    called(session, "take", &[plan])
}

/// The same for one that this key signed.
pub(crate) fn take_signed(session: &mut Session, plan: &str, key: &PublicKey) -> Result<bool> {
    called(session, "take_signed", &[plan, &key.to_string()])
}

/// Leaves a plan for a person to approve.
pub(crate) fn request(session: &mut Session, plan: &str, document: &str) -> Result<bool> {
    called(session, "request", &[plan, document])
}

/// The plan that was left for a person, as it was written.
pub(crate) fn requested(session: &mut Session, plan: &str) -> Result<Option<String>> {
    let plan = quote_literal(plan);
    let sql = format!("SELECT document FROM ONLY {APPROVALS}.request WHERE plan = {plan}");
    session.value("read the requested plan", &sql)
}

fn called(session: &mut Session, function: &str, arguments: &[&str]) -> Result<bool> {
    let arguments: Vec<String> = arguments.iter().map(|one| quote_literal(one)).collect();
    let sql = format!("SELECT {APPROVALS}.{function}({})", arguments.join(", "));
    Ok(session.value("use the approval", &sql)?.as_deref() == Some("t"))
}

/// Acts as the approver from now on.
pub(crate) fn act_as_approver(session: &mut Session) -> Result<()> {
    session.run("act as the approver", &format!("SET ROLE {APPROVER}"))
}

/// Creates what is missing of the schema, and lets a role use it. The session acts as the approver.
pub(crate) fn create(session: &mut Session, role: &str) -> Result<()> {
    session
        .run("create the schema of approvals", &CREATE.replace("{role}", &quote_identifier(role)))
}

/// Approves a plan for one run in the next 24 hours, also if it was approved before.
pub(crate) fn approve(
    session: &mut Session,
    plan: &str,
    (verb, environment): (&str, Environment),
) -> Result<()> {
    let [plan, verb, environment] = [plan, verb, environment.name()].map(quote_literal);
    let sql = format!(
        "INSERT INTO {APPROVALS}.approval (plan, verb, environment, approved_by) \
         VALUES ({plan}, {verb}, {environment}, session_user) \
         ON CONFLICT (plan) DO UPDATE SET approved_by = session_user, approved_at = now(), \
         expires_at = now() + interval '24 hours', used_by = NULL, used_at = NULL"
    );
    session.run("approve the plan", &sql)
}

/// Accepts approvals that a key signed, or no longer.
pub(crate) fn accept_key(session: &mut Session, key: &PublicKey, accepted: bool) -> Result<()> {
    let key = quote_literal(&key.to_string());
    let sql = match accepted {
        true => format!(
            "INSERT INTO {APPROVALS}.key (public_key, accepted_by) VALUES ({key}, session_user) \
             ON CONFLICT DO NOTHING"
        ),
        false => format!("DELETE FROM {APPROVALS}.key WHERE public_key = {key}"),
    };
    session.run("change the keys of approvals", &sql)
}
