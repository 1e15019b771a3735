//! All or nothing if one transaction is not possible: on failure, the backup is swapped back in.

use crate::audit::DatabaseIdentity;
use crate::backup::{self, BackupFolder, OldDatabase, RestoreSource};
use crate::change::workspace::Database;
use crate::failure::{CausedBy, Exit, Failure, MigrationError, Result};
use crate::migration::{self, AppliedMigration, Witness};
use crate::plan::Plan;
use crate::world::pg::Lock;

/// Applies the migrations, and swaps the backup back in if one fails and no other session has
/// written since it was taken: otherwise that would lose their work.
pub(crate) fn apply_or_restore(
    database: &Database<'_>,
    plan: &Plan,
    mut lock: Lock,
    mut witness: Witness,
    backup: &str,
) -> Result<Vec<AppliedMigration>> {
    let (world, settings) = (&database.workspace.world, &database.settings);
    let target = &plan.target;
    let failure = match migration::carry_out(world, settings, plan, &mut lock) {
        Ok(applied) => return Ok(applied),
        Err(failure) if failure.is_afterwards() => return Err(failure),
        Err(failure) => world.as_interrupted(failure),
    };
    // Going back has to come through also after a signal.
    let world = &world.uninterrupted();
    let unknown =
        |doubt: Failure| vec![format!("it is unknown whether other sessions wrote: {doubt}")];
    let mut nobody_else_wrote = || match witness.doubts(world).unwrap_or_else(unknown) {
        doubts if doubts.is_empty() => Ok(()),
        doubts => {
            let (why, backup) = (failure.why(), backup.to_owned());
            let failure = failure.to_string();
            Err(Failure::from(MigrationError::NotSwappedBack { failure, backup, doubts, why }))
        }
    };
    nobody_else_wrote()?;
    let folder = BackupFolder::of(settings);
    let source = RestoreSource::of(&folder, &folder.of_name(backup)?);
    let built = backup::build(world, settings, target, &source)?;
    DatabaseIdentity::hand_over(world, target, &built.target)?;
    // Building takes time, during which a session may have connected.
    nobody_else_wrote()?;
    drop((witness, lock));
    backup::swap(world, target, built, OldDatabase::Dropped)?;
    Err(swapped_back(failure))
}

/// The failure after everything was undone. An interrupted run is reported as such.
fn swapped_back(failure: Failure) -> Failure {
    let exit = match failure.exit() {
        exit @ (Exit::Interrupted | Exit::Terminated) => exit,
        _ => Exit::Failed,
    };
    let (code, why) = (failure.code(), failure.why());
    let text = failure.to_string();
    MigrationError::SwappedBack { failure: text, why, code, exit }.caused_by(failure)
}
