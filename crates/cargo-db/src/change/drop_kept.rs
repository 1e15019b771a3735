//! Drops databases that are kept beside another: those that restores replaced, and snapshots.

use crate::backup::{self, KeptDatabase};
use crate::change::lock::lock_server;
use crate::change::perform::Change;
use crate::change::workspace::Database;
use crate::failure::Result;
use crate::plan::{Operation, Plan, Step};
use crate::world::pg::Lock;

/// A database that is about to be dropped.
pub(crate) struct KeptToDrop {
    /// As people know it.
    pub(crate) name: String,
    pub(crate) kept: KeptDatabase,
    pub(crate) step: Step,
}

/// The change; the function finds the databases.
pub(crate) struct DropKept<F> {
    operation: Operation,
    find: F,
    found: Vec<KeptToDrop>,
}

impl<F: FnMut(&Database<'_>) -> Result<Vec<KeptToDrop>>> DropKept<F> {
    pub(crate) fn new(operation: Operation, find: F) -> DropKept<F> {
        DropKept { operation, find, found: Vec::new() }
    }
}

impl<F: FnMut(&Database<'_>) -> Result<Vec<KeptToDrop>>> Change for DropKept<F> {
    type Held = Lock;
    /// The names of those that were dropped.
    type Done = Vec<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        self.found = (self.find)(database)?;
        let steps = self.found.iter().map(|one| one.step.clone()).collect();
        let basis = self.found.iter().map(|one| format!("{} {}", one.name, one.kept.basis()));
        let basis = basis.collect::<Vec<_>>().join("\n");
        let (target, environment) = (&database.target, database.environment());
        Ok(Plan::from_basis(self.operation, target, environment, steps, basis))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_server(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<Vec<String>> {
        let (world, target) = (&database.workspace.world, &database.target);
        let dropping = |KeptToDrop { name, kept, .. }: KeptToDrop| {
            backup::drop_previous(world, target, &kept).map(|()| name)
        };
        std::mem::take(&mut self.found).into_iter().map(dropping).collect()
    }
}
