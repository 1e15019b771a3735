//! Changes of the history alone: nothing of a migration runs.

use std::time::Duration;

use crate::failure::{ProgramError, Result, RunError};
use crate::migration::database::prepare_schema;
use crate::migration::files::read_script;
use crate::migration::history::{create_history, read_history};
use crate::migration::outcome::verify_outcome;
use crate::plan::{Plan, Step};
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Lock, Purpose, Script, Session};
use db_tools::HistoryEntry;

/// Carries out a plan of such changes in one transaction.
pub(crate) fn write_history(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<()> {
    let layout = &settings.migrations.layout;
    let cannot = |doing: &str| {
        let (tool, doing) = (layout.key().to_owned(), doing.to_owned());
        ProgramError::Cannot { tool, doing, key: "" }
    };
    lock.check_now()?;
    prepare_schema(world, plan)?;
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    session.run("begin a transaction", "BEGIN")?;
    for step in &plan.steps {
        let (Step::Record { migration }
        | Step::RecordNew { migration, .. }
        | Step::Rerecord { migration }
        | Step::ClearFailed { migration }) = step
        else {
            if matches!(step, Step::CreateHistory { .. }) {
                create_history(&mut session, layout)?;
            }
            continue;
        };
        let table = read_history(&mut session, layout)?.table;
        let table = table
            .ok_or_else(|| RunError::Bug { what: "the history table does not exist".to_owned() })?;
        let script =
            if migration.up.is_code { None } else { Some(read_script(settings, &migration.up)?) };
        let sql = script.as_ref().map(Script::sql).unwrap_or_default();
        let entry = HistoryEntry { table: &table, migration, elapsed: Duration::ZERO, sql };
        let statement = match step {
            Step::Record { .. } | Step::RecordNew { .. } => layout.record(&entry),
            Step::Rerecord { .. } => {
                layout.rerecord(&entry).ok_or_else(|| cannot("record another checksum"))?
            }
            _ => layout.clear_failed(&entry).ok_or_else(|| cannot("forget a failed run"))?,
        };
        session.run_with_triggers("write the history", &statement)?;
    }
    session.run("commit", "COMMIT")?;
    verify_outcome(world, settings, plan, None)
        .map_err(|failure| failure.afterwards("the history was written", "the history"))
}
