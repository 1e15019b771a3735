//! A restore that replaces a part, or everything, in the database itself.

use crate::audit::DatabaseIdentity;
use crate::backup::{
    self, BackupFolder, BackupPart, LockedScope, RestoreOptions, RestoreScope, RestoreSource,
};
use crate::change::{Change, Database, lock_migrations, within_bounds};
use crate::failure::{Result, RunError, SettingsError};
use crate::plan::{Loss, Operation, Plan, Step};
use crate::verb::restore::roles::{self, Roles};
use crate::verb::restore::{anything, functions};
use crate::world::pg::{Lock, OwnTables, Purpose, Session};

/// A part of a database, or all of it, about to be replaced in the database itself.
pub(super) struct Replacing<'a> {
    source: &'a RestoreSource,
    pub(super) scope: RestoreScope,
    roles: Roles,
    part: Option<BackupPart>,
    locked: Option<LockedScope>,
}

impl<'a> Replacing<'a> {
    pub(super) fn new(
        source: &'a RestoreSource,
        scope: RestoreScope,
        roles: Roles,
    ) -> Result<Replacing<'a>> {
        let schema = match &scope {
            RestoreScope::Schema(schema) | RestoreScope::Table { schema, .. } => schema.as_str(),
            RestoreScope::Everything => "",
        };
        if schema == "cargo_db" {
            let what = "the schema cargo_db cannot be restored on its own";
            return Err(SettingsError::Usage { what: what.to_owned() }.into());
        }
        Ok(Replacing { source, scope, roles, part: None, locked: None })
    }

    fn replace(&self, loses: Vec<Loss>) -> Step {
        let (what, backup) = (self.scope.describe(), self.source.name.clone());
        let is_whole = self.scope == RestoreScope::Everything;
        Step::Replace { what, is_whole, backup, loses }
    }
}

impl Change for Replacing<'_> {
    type Held = Lock;
    type Done = ();

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings, target) =
            (&database.workspace.world, &database.settings, &database.target);
        let (whole, brings_roles) =
            (self.scope == RestoreScope::Everything, self.roles == Roles::Created);
        let options = RestoreOptions { builds: false, whole, brings_roles, verifies: false };
        backup::preflight(world, settings, target, self.source, options)?;
        let roles = self.roles.missing(database, target, self.source)?;
        let part = backup::gather(world, settings, target, self.source, self.scope.clone())?;
        let replace = self.replace(part.losses.clone());
        let any = anything::step(database, self.source)?;
        let calls = functions::step(database, self.source)?;
        let steps =
            any.into_iter().chain(calls).chain(roles::step(roles)).chain([replace]).collect();
        let basis = format!("{}{}", self.source.fingerprint()?, part.fingerprint());
        self.part = Some(part);
        let (verb, environment) = (Operation::RestoreInPlace, database.environment());
        let mut plan = Plan::from_basis(verb, target, environment, steps, basis);
        if self.scope == RestoreScope::Everything {
            plan.warnings = backup::warnings_of_subscriptions(world, target)?;
        }
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_migrations(database, &database.target)
    }

    /// From here on, nobody writes to what is replaced; everything written before is in the backup.
    fn before_backup(&mut self, database: &Database<'_>, plan: &Plan, _: &mut Lock) -> Result<()> {
        if let Some(part) = self.part.take() {
            let (world, settings) = (&database.workspace.world, &database.settings);
            let mut locked = backup::begin(world, settings, &database.target, part)?;
            let mut last_look = plan.clone();
            last_look.steps = vec![self.replace(locked.losses(settings)?)];
            last_look.bound(&plan.at_most());
            within_bounds(database, last_look.losses())?;
            self.locked = Some(locked);
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<()> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let _reading = BackupFolder::of(settings).lock_shared()?;
        roles::create(database, plan, self.source)?;
        let identity = DatabaseIdentity::of(world, &database.target)?;
        let own = OwnTables::of(&mut Session::open(world, &database.target, Purpose::Read)?)?;
        let whole = self.scope == RestoreScope::Everything;
        let last = |session: &mut Session| match whole {
            true => identity.write(session),
            false => own.refuse_changes(session, &self.source.name),
        };
        match self.locked.take() {
            Some(locked) => backup::replace(world, settings, locked, self.source, last),
            None => {
                let what = "nothing was locked before a restore in place".to_owned();
                Err(RunError::Bug { what }.into())
            }
        }
    }
}
