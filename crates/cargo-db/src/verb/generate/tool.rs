//! The project's tool computes the difference between its migrations and its own description of the
//! schema, using a scratch database with all migrations.

use crate::answer::{Created, Outcome};
use crate::backup;
use crate::change::{Database, Workspace, lock_migrations};
use crate::failure::{Failure, Result};
use crate::migration::{self, GeneratedFiles};
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest};
use crate::world::{clock, files};
use db_tools::command::Task;
use db_tools::{Generated, NewMigration};

/// Has the tool generate a migration with this name.
pub(super) fn run(database: &Database<'_>, name: &str) -> Result<Outcome> {
    let Database { workspace: Workspace { ui, world, .. }, settings, target, .. } = database;
    let task = Task::Generate { name };
    // Fail before creating a database if the tool has no such command.
    migration::task_exists(settings, &task)?;
    migration::verify_tool_target(world, settings, target)?;
    migration::create_if_absent(world, settings, target)?;
    let scratch = backup::create_sibling(world, target, backup::SCRATCH, None)?;
    if let Generated::Sql { nothing } = settings.migrations.layout.profile().generated {
        let sql = migration::run_task(world, settings, &scratch.target, &task)?.stdout;
        if sql.trim().is_empty() || sql.contains(nothing) {
            let reason = "nothing to generate: the migrations and the schema are in sync";
            return Ok(Outcome::done(Created::nothing(reason)));
        }
        return write_printed(database, name, &sql);
    }
    fill(database, &scratch.target)?;
    let written = migration::written_by_tool(world, settings, &scratch.target, &task)?;
    Ok(Outcome::done(match written {
        GeneratedFiles::Files(files) => Created::files(&files),
        GeneratedFiles::Nothing { said } => {
            ui.note(&said);
            Created::nothing("nothing to do: the tool wrote nothing")
        }
    }))
}

/// Writes the output of a tool into a migration with this name.
fn write_printed(database: &Database<'_>, name: &str, sql: &str) -> Result<Outcome> {
    let Database { workspace: Workspace { ui, .. }, settings, .. } = database;
    let (layout, dir) = (&settings.migrations.layout, &settings.migrations.dir.value);
    let folder = migration::migrations(layout, dir, &settings.root)?;
    let new = NewMigration { name, now: clock::now(), reversible: false, folder: &folder };
    let mut shown = Vec::new();
    for (path, _) in layout.new_files(&new) {
        files::write_new(&dir.join(&path), sql)?;
        shown.push(dir.join(path));
    }
    ui.note(sql.trim_end());
    Ok(Outcome::done(Created::files(&shown)))
}

/// Applies all migrations to the scratch database.
fn fill(database: &Database<'_>, scratch: &Target) -> Result<()> {
    let Database { workspace: Workspace { ui, world, .. }, settings, .. } = database;
    let facts = migration::gather(world, settings, scratch)?;
    let plan = plan::migrate(&facts, &MigrateRequest::default())?;
    if plan.is_empty() {
        return Ok(());
    }
    let mut lock = lock_migrations(database, scratch)?;
    ui.status("Preparing", "a scratch database with all migrations");
    migration::carry_out(world, settings, &plan, &mut lock).map(drop).map_err(Failure::undone)
}
