//! `cargo db seed`.

use std::collections::BTreeMap;

use clap::Args;

use crate::answer::{DryRun, Outcome, Seeded};
use crate::change::{Change, Database, Effect, Ending, Mode, Workspace, lock_database, perform};
use crate::failure::{CausedBy, Result, SettingsError};
use crate::plan::{self, Plan, SeedRequest};
use crate::seed::{self, RowsLoaded};
use crate::settings::SeedSettings;
use crate::verb::declare::Verb;
use crate::world::pg::Lock;

const EFFECTS: &str = "Effect on the database: changes data; with --fresh, can destroy data";

/// Load seeds
///
/// Loads the SQL and CSV files of the seeds folder in one transaction. Files that are already
/// loaded are recognised by their content and skipped.
#[derive(Debug, Args)]
#[command(after_help = EFFECTS)]
pub(crate) struct SeedArgs {
    /// Before loading the seeds, empty the tables that they fill
    #[arg(long)]
    fresh: bool,
    /// Load only this file, or this group of `[seeds.groups]` in db.toml; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for SeedArgs {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn effect(&self) -> Effect {
        if self.fresh { Effect::Destroys } else { Effect::ChangesData }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let ui = &workspace.ui;
        Ok(match perform(&database, Mode::of(self.dry_run), &mut SeedChange(self))? {
            Ending::DryRun(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Nothing(plan) => {
                plan.skipped.iter().for_each(|skipped| ui.note(&format!("  {skipped}")));
                Outcome::done(Seeded::of(&plan, &RowsLoaded::new()))
            }
            Ending::Done { plan, done, .. } => Outcome::done(Seeded::of(&plan, &done)),
        })
    }
}

/// Seeds, about to be loaded.
struct SeedChange<'a>(&'a SeedArgs);

impl Change for SeedChange<'_> {
    type Held = Lock;
    type Done = RowsLoaded;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (world, settings) = (&database.workspace.world, &database.settings);
        let facts = seed::gather(world, settings, &database.target)?;
        let paths: Vec<String> = facts.seeds.iter().map(|seed| seed.path.clone()).collect();
        let request = SeedRequest {
            fresh: self.0.fresh,
            only: self.0.only.clone(),
            // `--only` does not select the project's own seed program.
            command: match self.0.only.is_empty() {
                true => settings.seeds.command.to_run_if_any()?,
                false => Vec::new(),
            },
            groups: groups(&settings.seeds, &paths)?,
        };
        let mut plan = plan::seed(&facts, &request)?;
        seed::count_cleared(world, &database.target, &mut plan)?;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<Lock> {
        lock_database(database)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        _lock: Lock,
        _: Option<&str>,
    ) -> Result<RowsLoaded> {
        seed::carry_out(&database.workspace.world, plan, &database.settings)
    }
}

/// `[seeds.groups]`, with each pattern replaced by the seeds that it fits.
fn groups(settings: &SeedSettings, paths: &[String]) -> Result<BTreeMap<String, Vec<String>>> {
    let mut groups = BTreeMap::new();
    for (name, patterns) in &settings.groups {
        let mut fitting = Vec::new();
        for pattern in patterns {
            let parsed = glob::Pattern::new(pattern).map_err(|error| {
                SettingsError::Value {
                    source_name: format!("seeds.groups.{name} in db.toml"),
                    value: pattern.clone(),
                    why: error.msg.to_owned(),
                }
                .caused_by(error)
            })?;
            fitting.extend(paths.iter().filter(|path| parsed.matches(path)).cloned());
        }
        groups.insert(name.clone(), fitting);
    }
    Ok(groups)
}
