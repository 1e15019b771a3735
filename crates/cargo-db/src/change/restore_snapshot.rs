//! Restores of snapshots: what `snapshot restore` does, and `switch` where it cannot roll back.

use crate::answer::{DryRun, Outcome, SnapshotRestored};
use crate::backup;
use crate::change::perform::{Change, Ending, Mode, perform};
use crate::change::swap::{SwapLocks, refuse_maintenance, swap_in, taking_name};
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::model::snapshot::ChosenStrategy;
use crate::plan::{Loss, Operation, Plan, Step};
use crate::snapshot::{self, KeptSnapshot};
use crate::world::pg::{Purpose, Session, others_connected};

/// Lets a copy of a snapshot take the place of the database: of that with the name, or of the
/// newest one.
pub(crate) fn restore_snapshot(
    database: &Database<'_>,
    mode: Mode,
    name: Option<&str>,
) -> Result<Outcome> {
    let mut change = Restoring { name, found: None };
    Ok(match perform(database, mode, &mut change)? {
        Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
        Ending::Done { done: restored, .. } => Outcome::done(restored),
    })
}

/// A snapshot about to be restored.
struct Restoring<'a> {
    name: Option<&'a str>,
    found: Option<FoundSnapshot>,
}

/// A snapshot, how it is copied, and the oid of the database that it replaces.
struct FoundSnapshot {
    snapshot: KeptSnapshot,
    copy: ChosenStrategy,
    replaces: Option<u32>,
}

impl Change for Restoring<'_> {
    type Held = SwapLocks;
    type Done = SnapshotRestored;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        refuse_maintenance(target)?;
        let found = self.find(database)?;
        let FoundSnapshot { snapshot, copy, replaces } = &found;
        let name = target.database.clone();
        let gone = replaces.map(|_| Loss::of(format!("everything in {name}"), None));
        let last = taking_name(database, name, gone);
        let (copied, copy) = (snapshot.record.name.clone(), copy.clone());
        let steps = vec![Step::CopySnapshot { name: copied, copy }, last];
        let (operation, environment) = (Operation::SnapshotRestore, database.environment());
        let mut plan = Plan::from_basis(operation, target, environment, steps, snapshot.basis());
        plan.warnings = warnings(database, &found)?;
        self.found = Some(found);
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<SwapLocks> {
        SwapLocks::acquire(database, &database.target, plan)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<SnapshotRestored> {
        let (world, target) = (&database.workspace.world, &database.target);
        let FoundSnapshot { snapshot, copy, replaces } = match self.found.take() {
            Some(found) => found,
            None => self.find(database)?,
        };
        let mut built = snapshot::copy_snapshot(world, target, &snapshot, copy.strategy)?;
        backup::carry_properties(world, target, &mut built, None)?;
        let aside = swap_in(database, plan, built, None)?;
        if let Some(replaced) = replaces
            && let Err(failure) = snapshot::follow(world, target, replaced)
        {
            let warning =
                format!("the snapshots are still recorded as those of the old database: {failure}");
            database.workspace.ui.warning(&warning);
        }
        Ok(SnapshotRestored::of(target, &snapshot.record.name, copy, aside))
    }
}

impl Restoring<'_> {
    fn find(&self, database: &Database<'_>) -> Result<FoundSnapshot> {
        let (world, target) = (&database.workspace.world, &database.target);
        let snapshot = snapshot::find(world, target, self.name)?;
        let (copy, replaces) = snapshot::plan_restore(world, target, &snapshot)?;
        Ok(FoundSnapshot { snapshot, copy, replaces })
    }
}

/// What a person should know before agreeing.
fn warnings(
    database: &Database<'_>,
    FoundSnapshot { snapshot, replaces, .. }: &FoundSnapshot,
) -> Result<Vec<String>> {
    let Database { workspace, settings, target, .. } = database;
    let (world, name) = (&workspace.world, &target.database);
    let mut warnings = backup::warnings_of_subscriptions(world, target)?;
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let others = others_connected(world, &mut session, name)?;
    if !others.is_empty() {
        warnings.push(format!("these sessions in {name} are ended: {}", others.join(", ")));
    }
    if replaces.is_some_and(|oid| oid != snapshot.record.oid) {
        warnings.push(format!(
            "{} is a copy of an earlier {name}, which was replaced by another database since",
            snapshot.record.name
        ));
    }
    let sharing = settings.migrations.others.iter().map(|other| other.name.as_deref());
    let sharing: Vec<&str> = sharing.map(|name| name.unwrap_or("the unnamed set")).collect();
    if !sharing.is_empty() {
        warnings.push(format!(
            "{name} is shared with other sets of migrations, which also go back: {}",
            sharing.join(", ")
        ));
    }
    Ok(warnings)
}
