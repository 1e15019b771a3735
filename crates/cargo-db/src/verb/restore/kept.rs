//! The databases that restores kept.

use crate::audit::DatabaseIdentity;
use crate::backup::{self, KeptDatabase};
use crate::change::{Change, Database, KeptToDrop, SwapLocks};
use crate::failure::{BackupError, Result};
use crate::plan::{Operation, Plan, Step};

/// What the last restore kept, about to take the name again.
#[derive(Default)]
pub(super) struct SwappingBack {
    kept: KeptDatabase,
}

impl Change for SwappingBack {
    type Held = SwapLocks;
    /// The name under which the replaced database is kept.
    type Done = String;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let target = &database.target;
        let kept = backup::previous(&database.workspace.world, target)?.into_iter().next();
        self.kept =
            kept.ok_or_else(|| BackupError::NothingKept { database: target.database.clone() })?;
        let steps =
            vec![Step::PutBack { kept: self.kept.name.clone(), name: target.database.clone() }];
        let (verb, environment) = (Operation::Restore, database.environment());
        Ok(Plan::from_basis(verb, target, environment, steps, self.kept.basis()))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<SwapLocks> {
        SwapLocks::of_existing(database, &database.target)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<String> {
        let (world, target) = (&database.workspace.world, &database.target);
        // The marker and the trail of the replaced database also apply to the one that is swapped
        // back in.
        DatabaseIdentity::hand_over(world, target, &target.with_database(&self.kept.name))?;
        backup::undo(world, target, &self.kept)
    }
}

/// The databases that restores kept.
pub(super) fn to_drop(database: &Database<'_>) -> Result<Vec<KeptToDrop>> {
    let all = backup::previous(&database.workspace.world, &database.target)?;
    let removing = |kept: KeptDatabase| KeptToDrop {
        name: kept.name.clone(),
        step: Step::Remove { what: format!("the database {}", kept.name) },
        kept,
    };
    Ok(all.into_iter().map(removing).collect())
}
