//! A restore that builds a new database beside the old one and swaps it in.

use crate::backup::{self, BackupFolder, RestoreOptions, RestoreSource};
use crate::change::{Change, Database, SwapLocks, refuse_maintenance, swap_in, taking_name};
use crate::failure::{BackupError, Result};
use crate::model::target::Target;
use crate::plan::{Loss, Operation, Plan, Step};
use crate::verb::restore::roles::{self, Roles};
use crate::verb::restore::{anything, functions};

/// A new database about to be built beside the old one and swapped in.
pub(super) struct Building<'a> {
    pub(super) source: &'a RestoreSource,
    pub(super) target: Target,
    /// Whether the target must not exist yet.
    pub(super) is_new: bool,
    pub(super) roles: Roles,
}

impl Change for Building<'_> {
    type Held = SwapLocks;
    /// The name under which the old database is kept.
    type Done = Option<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        refuse_maintenance(&self.target)?;
        let (world, settings) = (&database.workspace.world, &database.settings);
        let brings_roles = self.roles == Roles::Created;
        let options = RestoreOptions { builds: true, whole: true, brings_roles, verifies: false };
        let preflight = backup::preflight(world, settings, &self.target, self.source, options)?;
        let name = self.target.database.clone();
        if self.is_new && preflight.exists {
            let problems = vec![format!("target: `{name}` exists already")];
            let name = self.source.name.clone();
            return Err(BackupError::CannotRestore { name, problems }.into());
        }
        let gone = || Loss::of(format!("{name}, {} tables", preflight.tables), None);
        let last = taking_name(database, name.clone(), preflight.exists.then(gone));
        let roles = self.roles.missing(database, &self.target, self.source)?;
        let compares = self.source.manifest.is_some();
        let build = Step::Build { backup: self.source.name.clone(), compares };
        let any = anything::step(database, self.source)?;
        let calls = functions::step(database, self.source)?;
        let steps =
            any.into_iter().chain(calls).chain(roles::step(roles)).chain([build, last]).collect();
        let (verb, environment) = (Operation::Restore, database.environment());
        let basis = self.source.fingerprint()?;
        let mut plan = Plan::from_basis(verb, &self.target, environment, steps, basis);
        plan.warnings = backup::warnings_of_subscriptions(world, &self.target)?;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, plan: &Plan) -> Result<SwapLocks> {
        SwapLocks::acquire(database, &self.target, plan)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<Option<String>> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let reading = BackupFolder::of(settings).lock_shared()?;
        roles::create(database, plan, self.source)?;
        let built = backup::build(world, settings, &self.target, self.source)?;
        drop(reading);
        swap_in(database, plan, built, self.source.environment())
    }
}
