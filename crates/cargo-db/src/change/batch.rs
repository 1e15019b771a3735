//! Which migrations of a plan are all or nothing, and how.

use crate::change::workspace::Database;
use crate::failure::{ProgramError, Result};
use crate::model::environment::Environment;
use crate::plan::{self, Batch, Plan, Step};
use crate::settings::{Migrations, Runner, Settings};
use crate::world::files;

/// Whether the batch has to be atomic: by a flag, by db.toml, or by default in the environment.
pub(crate) fn wants_all_or_nothing(database: &Database<'_>, is_asked: bool) -> Result<bool> {
    let migrations = &database.settings.migrations;
    if is_asked && migrations.runner == Runner::Tool {
        let tool = migrations.layout.key().to_owned();
        let doing = "apply all or nothing".to_owned();
        return Err(ProgramError::Cannot { tool, doing, key: "" }.into());
    }
    let customarily = database.environment() == Environment::Staging;
    Ok(is_asked || database.settings.all_or_nothing.unwrap_or(customarily))
}

/// Makes a plan all or nothing, if that is wanted, and adds the step that says how.
pub(crate) fn batched(database: &Database<'_>, mut plan: Plan, wanted: bool) -> Result<Plan> {
    let Migrations { layout, runner, .. } = &database.settings.migrations;
    if *runner == Runner::Tool {
        // The tool commits by its own rules, and its sessions cannot be distinguished from others.
        let warning = format!("not all or nothing, because {} runs the migrations", layout.key());
        plan.warnings.extend(wanted.then_some(warning));
        return Ok(plan);
    }
    let always = layout.profile().is_one_transaction;
    let migrations: Vec<_> = plan.migrations().collect();
    if !(wanted || always) || migrations.is_empty() {
        return Ok(plan);
    }
    let mut files = Vec::new();
    for migration in migrations {
        let bytes = files::read(&database.settings.root.join(&migration.up.path))?;
        let text = String::from_utf8_lossy(&migration.up.part_of(bytes)).into_owned();
        files.push((migration, text));
    }
    // If the tool always uses one transaction, the contents of the files do not matter.
    let how = if always { Batch::OneTransaction } else { plan::all_or_nothing(&files) };
    if matches!(how, Batch::SwapBack { .. }) {
        plan.steps.insert(0, Step::Backup);
    }
    let is_before = |step: &&Step| matches!(step, Step::Backup | Step::CreateDatabase { .. });
    let after = plan.steps.iter().take_while(is_before).count();
    plan.steps.insert(after, Step::AllOrNothing { how });
    Ok(plan)
}

/// Whether the migrations of a plan run in one transaction, by cargo db or by the tool.
pub(crate) fn shares_a_transaction(settings: &Settings, plan: &Plan) -> bool {
    plan.is_one_transaction() || settings.migrations.layout.profile().is_one_transaction
}
