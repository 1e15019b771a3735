//! The receipts that a plan needs, and which of them hold.

use std::path::PathBuf;

use crate::change::batch::shares_a_transaction;
use crate::change::consent;
use crate::change::workspace::Database;
use crate::failure::{Failure, KeyError, Kind, RehearsalError, Result};
use crate::model::key::PublicKey;
use crate::model::migration::Migration;
use crate::plan::Plan;
use crate::policy::{Judgement, Proof};
use crate::rehearse::{self, Receipt, Receipts, SchemaState};
use crate::world::pg::{Purpose, Session, marker};

/// What the policy wants to know of the migrations of a plan before they run.
pub(super) fn asked(database: &Database<'_>, plan: &Plan) -> Result<Proof> {
    consent::allowed(database, plan)?;
    match database.workspace.policy.judge(plan) {
        Judgement::Allowed(terms) => Ok(terms.proof),
        Judgement::Never => Ok(Proof::Receipt),
    }
}

/// The receipts of a plan, before it runs.
pub(crate) struct ReceiptState {
    /// Whether the plan does not run without one that holds.
    pub(crate) is_required: bool,
    pub(crate) holding: Option<Receipt>,
    /// Why none holds.
    pub(crate) objections: Vec<String>,
}

impl ReceiptState {
    /// Looks for the receipt that holds for a plan, even if it needs none.
    pub(crate) fn of(
        database: &Database<'_>,
        plan: &Plan,
        named: &[PathBuf],
    ) -> Result<ReceiptState> {
        let is_required = match asked(database, plan)? {
            Proof::Receipt => true,
            Proof::Rehearsal => !named.is_empty(),
            Proof::Nothing => false,
        };
        let (holding, objections) = match holding(database, plan, named) {
            Ok(receipt) => (Some(receipt), Vec::new()),
            Err(failure) if holds_none(&failure) && is_required => (None, objections(&failure)),
            Err(failure) if holds_none(&failure) || failure.is_no_database() && !is_required => {
                (None, Vec::new())
            }
            Err(failure) => return Err(failure),
        };
        Ok(ReceiptState { is_required, holding, objections })
    }
}

/// Why no receipt holds: the receipts, or the keys of the database, say so.
fn objections(failure: &Failure) -> Vec<String> {
    match failure.why() {
        why if why.is_empty() => vec![failure.to_string()],
        why => why,
    }
}

/// Fails if a receipt has to prove the migrations of a plan, and none does.
pub(crate) fn receipt_is_there(
    database: &Database<'_>,
    plan: &Plan,
    named: &[PathBuf],
) -> Result<()> {
    match asked(database, plan)? {
        Proof::Receipt => holding(database, plan, named).map(drop),
        Proof::Nothing | Proof::Rehearsal => Ok(()),
    }
}

/// The digest of the receipt that a plan needs, which is part of its id; `None` if it needs none,
/// or there is no valid one.
pub(crate) fn receipt_of(
    database: &Database<'_>,
    plan: &Plan,
    named: &[PathBuf],
) -> Result<Option<String>> {
    let proof = asked(database, plan)?;
    if plan.is_empty() || proof == Proof::Nothing || proof == Proof::Rehearsal && named.is_empty() {
        return Ok(None);
    }
    match holding(database, plan, named) {
        Ok(receipt) => Ok(Some(receipt.digest())),
        Err(failure) if holds_none(&failure) || failure.is_no_database() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The same of a rollback, which needs one of each migration.
pub(crate) fn receipts_of_rollback(database: &Database<'_>, plan: &Plan) -> Result<Option<String>> {
    if asked(database, plan)? != Proof::Receipt {
        return Ok(None);
    }
    let receipts = match accepted_receipts(database, plan) {
        Ok((receipts, _)) => receipts,
        Err(failure) if holds_none(&failure) => return Ok(None),
        Err(failure) => return Err(failure),
    };
    let of_one = |migration: &Migration| {
        let proving = receipts.iter().find(|receipt| receipt.proves_rollback(migration))?;
        Some(proving.digest())
    };
    let digests: Option<Vec<String>> = plan.migrations().map(of_one).collect();
    Ok(digests.map(|digests| digests.join(" ")))
}

/// Fails if receipts are required and the database accepts no key: the plan could not be carried
/// out even with consent.
pub(crate) fn receipts_are_accepted(database: &Database<'_>, plan: &Plan) -> Result<()> {
    // A role that may not read the marker gets that error first.
    let is_hidden = database.unread.iter().any(|table| table == "marker");
    if asked(database, plan)? == Proof::Receipt && !is_hidden {
        let target = &plan.target;
        accepted(&mut Session::open(&database.workspace.world, target, Purpose::Read)?, plan)?;
    }
    Ok(())
}

/// The keys whose receipts the session's database accepts.
fn accepted(session: &mut Session, plan: &Plan) -> Result<Vec<PublicKey>> {
    let keys = marker::accepted_keys(session)?;
    if keys.is_empty() {
        let (verb, database) = (plan.verb.name(), plan.target.database.clone());
        return Err(KeyError::NoneAccepted { verb, database }.into());
    }
    Ok(keys)
}

/// A receipt, and why it is not accepted.
pub(super) type RejectedReceipt = (Receipt, String);

/// The receipts of the project that the database accepts, and those that it does not.
pub(super) fn accepted_receipts(
    database: &Database<'_>,
    plan: &Plan,
) -> Result<(Vec<Receipt>, Vec<RejectedReceipt>)> {
    let mut session = Session::open(&database.workspace.world, &plan.target, Purpose::Read)?;
    let keys = accepted(&mut session, plan)?;
    let (mut believed, mut doubted) = (Vec::new(), Vec::new());
    for receipt in Receipts::of(&database.settings.root).all()? {
        match receipt.rejection(&keys) {
            None => believed.push(receipt),
            Some(why) => doubted.push((receipt, why)),
        }
    }
    Ok((believed, doubted))
}

pub(super) fn holds_none(failure: &Failure) -> bool {
    let kind = failure.kind();
    matches!(
        kind,
        Kind::Rehearsal(RehearsalError::NoReceipt { .. })
            | Kind::Key(KeyError::NoneAccepted { .. })
    )
}

/// The receipt that holds for a plan: of the files that are named, or else of the project's, the
/// newest one, or several that follow each other.
pub(super) fn holding(database: &Database<'_>, plan: &Plan, named: &[PathBuf]) -> Result<Receipt> {
    let settings = &database.settings;
    let receipts = match named {
        [] => Receipts::of(&settings.root).all()?,
        files => Receipts::read_all(files)?,
    };
    let migrations: Vec<&Migration> = plan.migrations().collect();
    let one_transaction = shares_a_transaction(settings, plan);
    let mut session = Session::open(&database.workspace.world, &plan.target, Purpose::Read)?;
    let now = SchemaState::of(&mut session, &settings.migrations.layout)?;
    // In other environments, a receipt replaces the rehearsal; it has to be signed by an accepted
    // key.
    let keys = match asked(database, plan)? {
        Proof::Receipt => Some(accepted(&mut session, plan)?),
        Proof::Nothing | Proof::Rehearsal => None,
    };
    let (mut objections, mut lacks_rows) = (Vec::new(), false);
    let mut objection = |receipt: &Receipt| -> Result<Option<String>> {
        if let Some(why) = receipt.invalid_reason(&migrations, one_transaction, &now) {
            return Ok(Some(why));
        }
        let filled = receipt.filled_since(&mut session, migrations.len())?;
        if !filled.is_empty() {
            lacks_rows = true;
            return Ok(Some(receipt.without_rows_of(&filled)));
        }
        receipt.too_large_tables(&mut session, migrations.len())
    };
    let is_of_set = |receipt: &Receipt| receipt.set == settings.migrations.set;
    let has_own = named.is_empty() || receipts.iter().any(is_of_set);
    let rejection = |receipt: &Receipt| receipt.rejection(keys.as_deref()?);
    for receipt in &receipts {
        match objection(receipt)?.or_else(|| rejection(receipt)) {
            None => return Ok(receipt.clone()),
            // The receipts of other sets explain nothing.
            Some(_) if has_own && !is_of_set(receipt) => {}
            Some(why) => objections.push(format!("the receipt of {}: {why}", receipt.date())),
        }
    }
    let accepted: Vec<Receipt> =
        receipts.into_iter().filter(|receipt| rejection(receipt).is_none()).collect();
    for chain in rehearse::chains(&accepted, &migrations) {
        match objection(&chain)? {
            None => return Ok(chain),
            Some(why) => objections.insert(0, format!("receipts that follow each other: {why}")),
        }
    }
    // The oldest explain nothing.
    objections.truncate(3);
    let (verb, database) = (plan.verb.name(), plan.target.database.clone());
    Err(RehearsalError::NoReceipt { verb, database, objections, lacks_rows }.into())
}
