//! The ceremony itself.

use crate::audit::Trail;
use crate::change::needs::Effect;
use crate::change::record::record;
use crate::change::workspace::Database;
use crate::change::{approval, consent, drift, notify, retain, seal, trail};
use crate::failure::{ConsentError, Result, RunError};
use crate::migration::{with_branches, with_suggestion};
use crate::model::consent::Consent;
use crate::plan::Plan;

/// Something that changes a database, the backups or the local server.
pub(crate) trait Change {
    /// The locks of the change, and what else is held while it lasts.
    type Held;
    /// What came of it.
    type Done;

    /// Gathers the facts and makes the plan from them, without changing anything: once before the
    /// consent, and once more under the lock.
    fn plan(&mut self, database: &Database<'_>) -> Result<Plan>;

    /// Fails if the plan could not be carried out even with consent. Not called for a plan that
    /// does nothing.
    fn examine(&mut self, _database: &Database<'_>, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    /// Obtains the proof that the policy requires, after the plan was shown and before consent, so
    /// that its findings are visible.
    fn prove(&mut self, _database: &Database<'_>, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    /// Finds a proof that was made earlier.
    fn find_proof(&mut self, _database: &Database<'_>, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    /// Fails if a proof is missing that the run itself does not make.
    fn foresee_proof(&mut self, _database: &Database<'_>, _plan: &Plan) -> Result<()> {
        Ok(())
    }

    /// Takes the locks that are held from the second gathering of facts to the end of the change.
    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<Self::Held>;

    /// Fails if the consent to the first plan does not cover the second.
    fn check_still_consented(
        &mut self,
        _database: &Database<'_>,
        before: &Plan,
        now: &Plan,
        _given: Consent,
    ) -> Result<()> {
        same_plan(before, now)
    }

    /// Work under the lock before the backup is taken.
    fn before_backup(
        &mut self,
        _database: &Database<'_>,
        _plan: &Plan,
        _held: &mut Self::Held,
    ) -> Result<()> {
        Ok(())
    }

    /// The change, between two records of the audit trail. `backup` is the one that the plan took.
    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        held: Self::Held,
        backup: Option<&str>,
    ) -> Result<Self::Done>;

    /// What is compared, or tidied up, after the change was recorded.
    fn afterwards(&mut self, _database: &Database<'_>, _plan: &Plan) -> Result<()> {
        Ok(())
    }
}

/// Whether a plan is carried out or only shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Run,
    DryRun,
}

impl Mode {
    /// As `--dry-run` says.
    pub(crate) fn of(dry_run: bool) -> Mode {
        if dry_run { Mode::DryRun } else { Mode::Run }
    }
}

/// How the ceremony ended, if it did not fail.
pub(crate) enum Ending<D> {
    /// Only the plan was requested.
    DryRun(Plan),
    /// The plan holds nothing to do.
    Nothing(Plan),
    Done {
        plan: Plan,
        done: D,
        /// The backup that was taken before.
        backup: Option<String>,
    },
}

/// Carries a change out on a database, and notifies of its outcome.
pub(crate) fn perform<C: Change>(
    database: &Database<'_>,
    mode: Mode,
    change: &mut C,
) -> Result<Ending<C::Done>> {
    let ended = carry_out(database, mode, change);
    match &ended {
        Ok(Ending::Done { plan, .. }) => notify::notify_of_change(database, plan),
        Err(failure) if mode == Mode::Run => notify::notify_of_failed_change(database, failure),
        _ => {}
    }
    ended
}

/// The steps of a change.
fn carry_out<C: Change>(
    database: &Database<'_>,
    mode: Mode,
    change: &mut C,
) -> Result<Ending<C::Done>> {
    if database.workspace.effect == Effect::Reads {
        let what = "a verb that declares to read only wants to carry out a plan".to_owned();
        return Err(RunError::Bug { what }.into());
    }
    let mut plan = planned(database, change)?;
    trail::say(database)?;
    let obstacle = seal::backup_obstacle(database, &plan)?;
    if mode == Mode::DryRun {
        plan.warnings.extend(obstacle.as_ref().map(seal::warning_of));
        database.workspace.shown_plans.add(&plan, &database.workspace.consent.command);
        return Ok(Ending::DryRun(plan));
    }
    if plan.is_empty() {
        return Ok(Ending::Nothing(plan));
    }
    consent::may_read(database, &plan)?;
    if let Some(obstacle) = obstacle {
        return Err(obstacle);
    }
    Trail::of(&database.settings.root).is_writable()?;
    database.workspace.ui.plan(&plan);
    let (world, settings) = (&database.workspace.world, &database.settings);
    let suggest = |failure| with_suggestion(failure, world, settings, &plan.target);
    change.prove(database, &plan).map_err(suggest)?;
    // Do not prompt for consent to a plan that cannot run; report everything that is missing at
    // once.
    let given = match change.find_proof(database, &plan) {
        Ok(()) => consent::to_plan(database, &plan)?,
        Err(lacking) => return Err(consent::without(database, &plan, lacking)),
    };

    let mut held = change.lock(database, &plan)?;
    trail::revert_interrupted(database, &plan)?;
    // Read everything again, including the marker.
    let database = &database.again()?;
    let mut now = seal::seal(database, change.plan(database)?, |_| plan.at_most())?;
    consent::check_still_allowed(database, &now)?;
    if given < Consent::ToPlan {
        // What was agreed to by name, or with a yes, is whatever has the name.
        now.identity.clone_from(&plan.identity);
    }
    // A database that the run has made itself has an identity only now.
    let is_exact = given == Consent::ToPlan && plan.identity.is_some();
    if now.environment != plan.environment || is_exact {
        same_plan(&plan, &now)?;
    }
    change.check_still_consented(database, &plan, &now, given)?;
    let mut carried = now.clone();
    if given == Consent::Free {
        // No consent was needed, so only the bounds that were typed apply, not the counted ones.
        carried.bound(&database.workspace.consent.at_most);
    }
    consent::within_bounds(database, carried.losses())?;
    if now.is_empty() {
        return Ok(Ending::Nothing(now));
    }
    let part = drift::before_locks(database, &now);
    change.before_backup(database, &now, &mut held)?;
    let backup = seal::back_up(database, &now)?;
    let is_as_shown = plan.identity.is_none() && now.migrations().eq(plan.migrations());
    let shown = if is_as_shown { &plan } else { &now };
    let schema = drift::before(database, &now).or(part);
    let approved_by = approval::require(database, &now)?;
    let done = record(database, (shown, &now), (given, approved_by), backup.clone(), || {
        // The id is reserved by now: what fails from here on has another plan the next time.
        approval::take(database, &now)?;
        let command = &database.workspace.consent.command;
        let done = change.carry_out(database, &carried, held, backup.as_deref());
        let done = done.map_err(|failure| suggest(failure.of_command(command)))?;
        retain::carry_out(database, &now)?;
        Ok(done)
    });
    drift::after(database, &now, schema, done.is_ok());
    let done = done?;
    change.afterwards(database, &now).map_err(|failure| {
        let done = format!("`{}` was carried out", now.verb.name());
        failure.afterwards(&done, "the result")
    })?;
    Ok(Ending::Done { plan: now, done, backup })
}

/// The plan as it is shown, if it may be carried out with consent.
fn planned<C: Change>(database: &Database<'_>, change: &mut C) -> Result<Plan> {
    let bounds = |plan: &Plan| consent::bounds(database, plan);
    let planned = change.plan(database);
    let planned = planned.map_err(|failure| with_branches(failure, &database.settings))?;
    let plan = seal::seal(database, planned, bounds)?;
    // Where it is never allowed, a plan of it would only give ideas.
    consent::allowed(database, &plan)?;
    consent::bounds_are_of_losses(database, &plan)?;
    consent::within_bounds(database, plan.losses())?;
    if !plan.is_empty() {
        change.examine(database, &plan)?;
    }
    Ok(plan)
}

/// Fails if [`perform`] would fail before it changes anything, as far as that is known without a
/// rehearsal and without a prompt.
pub(crate) fn foresee<C: Change>(database: &Database<'_>, change: &mut C) -> Result<()> {
    let plan = planned(database, change)?;
    if plan.is_empty() {
        return Ok(());
    }
    consent::may_read(database, &plan)?;
    if let Some(obstacle) = seal::backup_obstacle(database, &plan)? {
        return Err(obstacle);
    }
    match change.foresee_proof(database, &plan) {
        Ok(()) => consent::foresee(database, &plan),
        Err(lacking) => Err(consent::without(database, &plan, lacking)),
    }
}

/// Fails if the plan differs from the one that was consented to.
pub(crate) fn same_plan(before: &Plan, now: &Plan) -> Result<()> {
    let (before, now) = (before.id().to_string(), now.id().to_string());
    if before == now {
        return Ok(());
    }
    let now = format!("`{now}`");
    Err(ConsentError::PlanChanged { before, now }.into())
}
