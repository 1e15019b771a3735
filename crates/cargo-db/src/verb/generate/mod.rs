//! `cargo db generate`.

mod native;
mod source;
mod tool;

use clap::Args;

use crate::answer::Outcome;
use crate::change::{
    Database, Effect, Workspace, has_generate_command, live_schema, refuse_own_generator,
    refused_in,
};
use crate::failure::{GenerateError, Result};
use crate::generate::SchemaSource;
use crate::migration;
use crate::verb::declare::Verb;
use crate::verb::generate::native::NativeRequest;
use db_tools::command::Task;

/// It creates the database if it does not exist.
const EFFECT: Effect = Effect::ChangesSchema;

/// Generate a migration from the changes of the schema
///
/// Compares the wanted schema (the file or folder that `[schema] file` in db.toml names, or what
/// `--from` names) with what the migrations build, and writes the difference as a migration.
/// Before anything is written, the migration is applied and rolled back on a scratch database with
/// rows: what cannot be proved there is not written.
/// Prisma, Drizzle and tools whose migrations are programs generate their migrations themselves.
#[derive(Debug, Args)]
#[command(
    after_help = "Effect on the database: none, except that a migration tool that generates \
                        its migrations itself creates it if it does not exist"
)]
pub(crate) struct GenerateArgs {
    /// Name of the migration
    #[arg(required = true)]
    name: Vec<String>,
    /// The wanted schema: an SQL file, a folder of SQL files, or the variable with a database's URL
    #[arg(long, value_name = "SOURCE", conflicts_with = "from_live")]
    from: Option<String>,
    /// Generate a migration from changes made to the database by hand
    #[arg(long)]
    from_live: bool,
    /// A rename, such as `users=people` or `users.mail=email`; may be repeated
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Avoid long locks: build indexes concurrently, validate constraints later, in several files
    #[arg(long)]
    avoid_locks: bool,
    /// Show the migration in both directions, and write nothing
    #[arg(long)]
    dry_run: bool,
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
        let environment = database.environment();
        if !environment.is_disposable() && !self.from_live {
            // It makes a database on the server, and runs every migration there.
            return Err(refused_in(&database, "generate", environment));
        }
        let name = migration::checked_name(&self.name.join(" "))?;
        match self.native_source(&database, &name)? {
            Some(source) => native::run(
                &database,
                &NativeRequest {
                    name: &name,
                    source: &source,
                    renames: &self.rename,
                    avoids_locks: self.avoid_locks,
                    is_dry_run: self.dry_run,
                    is_live: self.from_live,
                },
            ),
            None => {
                self.refuse_options(&database)?;
                tool::run(&database, &name)
            }
        }
    }
}

impl GenerateArgs {
    /// The wanted schema; `None` if the tool has its own.
    fn native_source(&self, database: &Database<'_>, name: &str) -> Result<Option<SchemaSource>> {
        let Database { workspace, settings, .. } = database;
        let typed = if self.from_live { Some("live") } else { self.from.as_deref() };
        if typed.is_some() {
            refuse_own_generator(settings)?;
        }
        let task = Task::Generate { name };
        let is_derived = settings.migrations.layout.derives_migrations();
        match typed {
            Some(_) if self.from_live => live_schema(database).map(Some),
            Some(typed) => source::named(workspace, typed).map(Some),
            None if has_generate_command(settings) || is_derived => Ok(None),
            None => match source::of_settings(settings) {
                Ok(source) => Ok(Some(source)),
                // The tool may derive migrations from a description of its own.
                Err(_) if migration::task_exists(settings, &task).is_ok() => Ok(None),
                Err(missing) => Err(missing),
            },
        }
    }

    /// Refuses what only the generator of cargo db can do.
    fn refuse_options(&self, Database { settings, .. }: &Database<'_>) -> Result<()> {
        let used = [
            ("`--rename`", !self.rename.is_empty()),
            ("`--avoid-locks`", self.avoid_locks),
            ("`--dry-run`", self.dry_run),
        ];
        let used: Vec<&str> = used.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        if used.is_empty() {
            return Ok(());
        }
        let generator = match has_generate_command(settings) {
            true => "the command `[migrations] generate` in db.toml".to_owned(),
            false => settings.migrations.layout.key().to_owned(),
        };
        Err(GenerateError::Options { options: used.join(" and "), generator }.into())
    }
}
