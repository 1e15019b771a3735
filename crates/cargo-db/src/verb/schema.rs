//! `cargo db schema`.

use clap::Args;

use crate::answer::{Outcome, SchemaFileView, TableList, TableShown};
use crate::change::{Database, Effect, Workspace, generated_schema};
use crate::failure::Result;
use crate::schema;
use crate::verb::declare::{Verb, verbs};

/// Show the schema or write it to a file
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    #[command(subcommand)]
    action: Action,
}

impl SchemaArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the schema.
    Action { Show(ShowTablesArgs), Dump(DumpSchemaArgs), Check(CheckSchemaArgs), }
}

/// List the tables, or show one of them
///
/// For one table or view, shows its columns with their types and defaults, its constraints,
/// indexes, triggers, policies and comments, and the foreign keys that refer to it. Row counts are
/// the planner's estimates.
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ShowTablesArgs {
    /// The table or view, with or without its schema (default: list all)
    table: Option<String>,
}

/// Write the schema that results from the migrations to the schema file
///
/// Runs all migrations on a scratch database and writes its schema, without rows and owners and in
/// a stable order, to the file that `[schema] file` in db.toml names. Your own database is neither
/// read nor changed. A file that is up to date is not written again.
/// The next run only adds new migrations to what the last run built. If `[schema] file` ends with
/// `/`, each table gets its own file.
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct DumpSchemaArgs {
    /// Show what would change in the file, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// Fail if the schema file does not match the migrations
///
/// Compares the schema file with a scratch database that the migrations built. If they differ,
/// shows the first differences and exits with code 1.
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct CheckSchemaArgs {}

impl Verb for ShowTablesArgs {
    fn name(&self) -> &'static str {
        "schema show"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let Database { target, .. } = &database;
        let looked = schema::gather(&workspace.world, target)?;
        Ok(match &self.table {
            None => Outcome::done(TableList::of(&looked)),
            Some(table) => Outcome::done(TableShown::of(&looked, looked.table(table)?)),
        })
    }
}

impl Verb for DumpSchemaArgs {
    fn name(&self) -> &'static str {
        "schema dump"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let (file, generated) = generated_schema(&database, self.name())?;
        let comparison = file.compare(&generated)?;
        if self.dry_run {
            return Ok(Outcome::done(SchemaFileView::would_write(&comparison)));
        }
        file.write(&comparison, &generated.texts)?;
        Ok(Outcome::done(SchemaFileView::written(&comparison)))
    }
}

impl Verb for CheckSchemaArgs {
    fn name(&self) -> &'static str {
        "schema check"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let (file, generated) = generated_schema(&database, self.name())?;
        let comparison = file.compare(&generated)?;
        let is_same = comparison.is_same();
        Ok(Outcome::done(SchemaFileView::of(&comparison)).finding_if(!is_same))
    }
}
