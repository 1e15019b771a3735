//! A person's approval of the plan of an AI agent: looked up when consent is obtained, and used up
//! under the lock, before anything is changed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::change::kept_plan::signed_approval;
use crate::change::workspace::Database;
use crate::failure::{ApprovalError, Result};
use crate::model::hex::from_hex;
use crate::model::key::PublicKey;
use crate::plan::Plan;
use crate::world::pg::approvals::{self, ApprovalState, RoleOfApproval};
use crate::world::pg::{Purpose, Session};
use crate::world::signing::SigningKey;
use crate::world::{clock, files};

/// An approval that was signed with a key, in CI: a file beside the plan.
#[derive(Serialize, Deserialize)]
pub(crate) struct SignedApproval {
    plan: String,
    until: String,
    key: PublicKey,
    signature: String,
}

/// What an approval rests on.
enum ApprovalBasis {
    /// A row in the database, which this role wrote.
    Kept {
        by: String,
    },
    Signed(PublicKey),
}

impl SignedApproval {
    /// Approves a plan for a day.
    pub(crate) fn sign(plan: &str, key: &SigningKey) -> Option<SignedApproval> {
        let until = clock::now() + time::Duration::hours(24);
        let until = until.format(&Rfc3339).ok()?;
        let signature = key.sign(&message(plan, &until));
        Some(SignedApproval { plan: plan.to_owned(), until, key: key.public()?, signature })
    }

    /// As it is written.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The key that signed it, if it is a valid approval of this plan.
    fn key_for(self, plan: &str) -> Result<PublicKey, String> {
        if self.plan != plan {
            return Err(format!("it approves the plan {}", self.plan));
        }
        let signature = from_hex(&self.signature).unwrap_or_default();
        if !self.key.has_signed(&message(plan, &self.until), &signature) {
            return Err("its signature is not valid".to_owned());
        }
        match OffsetDateTime::parse(&self.until, &Rfc3339) {
            Ok(until) if until > clock::now() => Ok(self.key),
            _ => Err(format!("it was valid until {}", self.until)),
        }
    }
}

/// What is signed.
fn message(plan: &str, until: &str) -> Vec<u8> {
    format!("cargo db approval 1\n{plan}\n{until}\n").into_bytes()
}

/// Fails unless a person has approved the plan, if the policy asks for that. Returns who has.
pub(super) fn require(database: &Database<'_>, plan: &Plan) -> Result<Option<String>> {
    if !plan.needs_approval {
        return Ok(None);
    }
    let mut session = session(database, plan, Purpose::Read)?;
    Ok(Some(match approved(database, plan, &mut session)? {
        ApprovalBasis::Kept { by } => by,
        ApprovalBasis::Signed(key) => key.to_string(),
    }))
}

/// Uses up the approval of a plan, if the policy asks for one. The caller holds the lock, and has
/// recorded what it is about to do.
pub(super) fn take(database: &Database<'_>, plan: &Plan) -> Result<()> {
    if !plan.needs_approval {
        return Ok(());
    }
    let mut session = session(database, plan, Purpose::Write)?;
    let id = plan.id().to_string();
    let (by, taken) = match approved(database, plan, &mut session)? {
        ApprovalBasis::Kept { by } => (by, approvals::take(&mut session, &id)?),
        ApprovalBasis::Signed(key) => {
            (key.to_string(), approvals::take_signed(&mut session, &id, &key)?)
        }
    };
    if !taken {
        return Err(ApprovalError::Used { plan: id }.into());
    }
    database.workspace.ui.note(&format!("approved by {by}"));
    Ok(())
}

fn session(database: &Database<'_>, plan: &Plan, purpose: Purpose) -> Result<Session> {
    match Session::open(&database.workspace.world, &plan.target, purpose) {
        Err(failure) if failure.is_no_database() => Err(missing(database, plan)),
        session => session,
    }
}

/// What the approval of a plan rests on, if it holds.
fn approved(database: &Database<'_>, plan: &Plan, session: &mut Session) -> Result<ApprovalBasis> {
    if !approvals::is_there(session)? {
        return Err(missing(database, plan));
    }
    let doubts = approvals::doubts(session, &RoleOfApproval::OfSession)?;
    if !doubts.is_empty() {
        let (database, role) = (plan.target.database.clone(), plan.target.user.clone());
        return Err(ApprovalError::Unsafe { database, role, doubts }.into());
    }
    let id = plan.id().to_string();
    match approvals::state(session, &id)? {
        ApprovalState::Valid { by } => Ok(ApprovalBasis::Kept { by }),
        ApprovalState::Used => Err(ApprovalError::Used { plan: id }.into()),
        ApprovalState::Expired => Err(ApprovalError::Expired { plan: id }.into()),
        ApprovalState::Missing => match signed(database, &id)? {
            Some((file, approval)) => by_key(session, (&id, &file), approval),
            None => Err(missing(database, plan)),
        },
    }
}

/// The signed approval beside the plan.
fn signed(database: &Database<'_>, id: &str) -> Result<Option<(PathBuf, SignedApproval)>> {
    let plan_file = database.workspace.consent.plan_file.as_deref();
    let file = signed_approval(&database.settings.root, id, plan_file);
    let text = files::read_if_there(&file).map_err(files::failed("read", &file))?;
    let Some(text) = text else { return Ok(None) };
    let approval = serde_json::from_str(&text);
    let approval = approval.map_err(|error| bad_signature(&file, id, error.to_string()))?;
    Ok(Some((file, approval)))
}

fn by_key(
    session: &mut Session,
    (id, file): (&str, &Path),
    approval: SignedApproval,
) -> Result<ApprovalBasis> {
    let key = approval.key_for(id).map_err(|why| bad_signature(file, id, why))?;
    if !approvals::keys(session)?.contains(&key) {
        let why = format!("the database does not accept approvals of the key {key}");
        return Err(bad_signature(file, id, why).into());
    }
    Ok(ApprovalBasis::Signed(key))
}

fn bad_signature(file: &Path, id: &str, why: String) -> ApprovalError {
    ApprovalError::BadSignature { file: file.to_owned(), why, plan: id.to_owned() }
}

fn missing(database: &Database<'_>, plan: &Plan) -> crate::failure::Failure {
    ApprovalError::Missing {
        plan: plan.id().to_string(),
        verb: plan.verb.name(),
        database: plan.target.database.clone(),
        environment: plan.environment,
        command: database.workspace.consent.command.clone(),
    }
    .into()
}
