//! `cargo db generate`: the project's tool works out what leads from its migrations to its own description
//! of the schema. The database that it works with is a scratch one that has all migrations.

use crate::backup;
use crate::cli::GenerateArgs;
use crate::command::create::{checked_name, written_by_tool};
use crate::command::{Context, consent, migrate};
use crate::failure::{Exit, Failure, Result};
use crate::migration;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest};
use crate::ui::Report;
use crate::world::pg::{Purpose, Session};
use crate::world::{clock, files};
use db_tools::command::Task;
use db_tools::{Generated, NewMigration};

pub(super) fn run(context: &Context, args: &GenerateArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let environment = settings.environment.environment;
    if !environment.is_own() {
        // It makes a database on the server, and runs every migration there.
        return Err(consent::refused_in(context, "generate", environment));
    }
    let name = checked_name(&args.name.join(" "))?;
    let task = Task::Generate { name: &name };
    // Whether there is such a command at all is known before a database is made for it.
    migration::task_exists(settings, &task)?;
    let layout = &settings.migrations.layout;
    let target = context.target()?;
    migration::verify_tool_target(world, settings, &target)?;
    migration::create_if_absent(world, settings, &target)?;
    let scratch = backup::create_sibling(world, &target, backup::SCRATCH, None)?;
    let Generated::Sql { nothing } = layout.profile().generated else {
        fill(context, &scratch.target)?;
        return written_by_tool(context, &scratch.target, &task);
    };
    let sql = migration::run_task(world, settings, &scratch.target, &task)?.stdout;
    if sql.trim().is_empty() || sql.contains(nothing) {
        ui.report(&Report::Line("nothing to generate: the migrations lead to the schema"));
        return Ok(Exit::Done);
    }
    let dir = &settings.migrations.dir.value;
    let folder = migration::migrations(layout, dir, &settings.root)?;
    let new = NewMigration { name: &name, now: clock::now(), reversible: false, folder: &folder };
    let mut shown = Vec::new();
    for (path, _) in layout.new_files(&new) {
        files::write_new(&dir.join(&path), &sql)?;
        shown.push(dir.join(path));
    }
    ui.note(sql.trim_end());
    ui.report(&Report::Created { files: &shown });
    Ok(Exit::Done)
}

/// Applies all migrations to the scratch database.
fn fill(context: &Context, scratch: &Target) -> Result<()> {
    let Context { world, settings, .. } = context;
    let facts = migration::gather(world, settings, scratch)?;
    let plan = plan::migrate(&facts, &MigrateRequest::default())?;
    if plan.is_empty() {
        return Ok(());
    }
    // So that a run that is killed can be told from one that works.
    let _keeper = Session::open(world, scratch, Purpose::Read)?;
    let mut lock = migrate::lock(context, scratch)?;
    context.ui.status("Preparing", "a scratch database with all migrations");
    migration::carry_out(world, settings, &plan, &mut lock).map(drop).map_err(Failure::without_done)
}
