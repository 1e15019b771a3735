//! `cargo db diff`.

mod revision;
mod state;

use clap::Args;

use crate::answer::{DifferenceReport, Outcome};
use crate::change::{Effect, Workspace};
use crate::failure::Result;
use crate::generate;
use crate::verb::declare::Verb;
use crate::verb::diff::state::ComparedState;

const EFFECT: Effect = Effect::Reads;

/// Compare the schemas of two states
///
/// A state is `live` (the database), `migrations` (what the migrations build), `schema` (the file
/// or folder that `[schema] file` in db.toml names), `backup:NAME`, `file:PATH`, `url:VARIABLE`
/// (the database whose URL is in a variable), or `REV:migrations` (the migrations of a git
/// revision). Owners and privileges are compared only if both states are SQL files or migrations.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct DiffArgs {
    /// The first state
    #[arg(value_name = "FROM", default_value = "migrations")]
    from: String,
    /// The second state
    #[arg(value_name = "TO", default_value = "live")]
    to: String,
    /// Print the SQL that changes the first state into the second
    #[arg(long)]
    sql: bool,
    /// Exit with code 1 if the states differ
    #[arg(long)]
    check: bool,
}

impl Verb for DiffArgs {
    fn name(&self) -> &'static str {
        "diff"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let (from, to) = (ComparedState::named(&self.from)?, ComparedState::named(&self.to)?);
        let database = workspace.database()?;
        let (one, other) = (from.read(&database)?, to.read(&database)?);
        let role = generate::role(&workspace.world, &database.target)?;
        let difference = generate::compare(&one, &other, &role)?;
        let differs = !difference.plan.steps.is_empty();
        let report = DifferenceReport::of((&self.from, &self.to), &difference, self.sql);
        Ok(Outcome::done(report).finding_if(self.check && differs))
    }
}
