//! `cargo db generate`: the project's tool computes the difference between its migrations and its
//! own description of the schema, using a scratch database with all migrations.

use clap::Args;

use crate::answer::{Created, Outcome};
use crate::backup;
use crate::change::{Database, Effect, Workspace, lock_migrations, refused_in};
use crate::failure::{Failure, Result};
use crate::migration::{self, GeneratedFiles};
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest};
use crate::verb::declare::Verb;

use crate::world::{clock, files};
use db_tools::command::Task;
use db_tools::{Generated, NewMigration};

/// It creates the database if it does not exist.
const EFFECT: Effect = Effect::ChangesSchema;

/// Generate a migration with your migration tool
///
/// Your tool compares the schema that you described for it (for example, in `schema.prisma`) with a
/// scratch database that has all migrations. Your own database is not compared.
#[derive(Debug, Args)]
#[command(
    after_help = "Effect on the database: none, except that it is created if it does not exist"
)]
pub(crate) struct GenerateArgs {
    /// Name of the migration
    #[arg(required = true)]
    name: Vec<String>,
}

impl Verb for GenerateArgs {
    fn name(&self) -> &'static str {
        "generate"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let Database { settings, target, .. } = &database;
        let world = &workspace.world;
        if !database.environment().is_disposable() {
            // It makes a database on the server, and runs every migration there.
            return Err(refused_in(&database, "generate", database.environment()));
        }
        let name = migration::checked_name(&self.name.join(" "))?;
        let task = Task::Generate { name: &name };
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
            return write_printed(&database, &name, &sql);
        }
        fill(&database, &scratch.target)?;
        let written = migration::written_by_tool(world, settings, &scratch.target, &task)?;
        Ok(Outcome::done(match written {
            GeneratedFiles::Files(files) => Created::files(&files),
            GeneratedFiles::Nothing { said } => {
                workspace.ui.note(&said);
                Created::nothing("nothing to do: the tool wrote nothing")
            }
        }))
    }
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
