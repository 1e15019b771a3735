//! What a dry run says of the migrations of a plan before anybody agrees to them.

use std::path::PathBuf;

use crate::change::proof::{Tried, rehearsed, warn_of_size};
use crate::change::receipts::{asked, holding, holds_none};
use crate::change::workspace::Database;
use crate::check::{self, Direction};
use crate::failure::Result;
use crate::migration as migrating;
use crate::model::finding::Checked;
use crate::model::rehearsal::DryRunReport;
use crate::plan::Plan;
use crate::policy::Proof;
use crate::rehearse::Receipts;
use crate::world::files;

/// What is known of the migrations of a plan before anybody agrees to it.
pub(crate) fn preview(
    database: &Database<'_>,
    plan: &Plan,
    receipts: &[PathBuf],
) -> Result<DryRunReport> {
    let proof = asked(database, plan)?;
    if proof == Proof::Receipt || !receipts.is_empty() {
        return match holding(database, plan, receipts) {
            Ok(receipt) => {
                warn_of_size(database, plan, &receipt)?;
                Ok(DryRunReport::Receipt { when: Some(receipt.date()), objections: Vec::new() })
            }
            Err(failure) if holds_none(&failure) => {
                Ok(DryRunReport::Receipt { when: None, objections: failure.why() })
            }
            Err(failure) => Err(failure),
        };
    }
    let tried = match proof {
        Proof::Rehearsal => rehearsed(database, plan)?,
        _ => Tried::Spared(format!("the policy for {} asks for none", plan.environment)),
    };
    let not_rehearsed = match tried {
        Tried::Rehearsed(rehearsal) => return Ok(DryRunReport::Rehearsed(*rehearsal)),
        Tried::Spared(why) | Tried::Denied(why) => why,
    };
    let files = checked(database, plan)?;
    Ok(DryRunReport::Checked { files, not_rehearsed, holds_rows: holds_rows(database, plan)? })
}

/// Whether the database of a plan holds rows that the plan could lose or lock.
fn holds_rows(database: &Database<'_>, plan: &Plan) -> Result<bool> {
    let world = &database.workspace.world;
    Ok(migrating::holds_rows(world, &database.settings, &plan.target)? == Some(true))
}

/// What `check` finds in the files of a plan.
fn checked(database: &Database<'_>, plan: &Plan) -> Result<Vec<Checked>> {
    let settings = &database.settings;
    let layout = &settings.migrations.layout;
    let server = Receipts::of(&settings.root).server(settings)?;
    let contexts = migrating::check_contexts(settings, server, plan.migrations())?;
    let mut checked = Vec::new();
    for migration in plan.migrations().filter(|migration| !migration.up.is_code) {
        let path = &migration.up.path;
        let bytes = files::read(&settings.root.join(path))?;
        let context = contexts.before(path);
        let mut found = check::check_script(layout, &migration.up, bytes, Direction::Up, context);
        if let Some(down) = migrating::empty_down_file(settings, migration) {
            let bytes = files::read(&settings.root.join(&down.path))?;
            found.findings.extend(check::empty_down(layout, down, bytes));
        }
        (found.version, found.name) = (Some(migration.version.to_string()), migration.name.clone());
        checked.push(found);
    }
    Ok(checked)
}
