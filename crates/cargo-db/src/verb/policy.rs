//! `cargo db policy`.

use clap::Args;

use crate::answer::{Outcome, PolicyCell, PolicyTable};
use crate::change::{Effect, Needs, Workspace};
use crate::failure::Result;
use crate::model::environment::Environment;
use crate::plan;
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Reads;

/// Print the policy: what each command needs in each environment
///
/// Includes the stricter rules of db.toml. With `--env`, prints only that environment.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct PolicyArgs {}

impl Verb for PolicyArgs {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let Workspace { policy, settings, .. } = workspace;
        let all = [
            Environment::Development,
            Environment::Test,
            Environment::Staging,
            Environment::Production,
        ];
        // Without `--env` the whole table; the environment that one is in changes nothing about it.
        let asked = settings.environment.signals.iter().any(|signal| signal.source == "--env");
        let one = asked.then_some(settings.environment.environment);
        let is_meant = |environment: &Environment| one.is_none_or(|one| one == *environment);
        let environments: Vec<Environment> = all.into_iter().filter(is_meant).collect();
        let cell = |verb: plan::Operation, environment| PolicyCell {
            verb: verb.key(),
            environment,
            needs: policy.cell_of_caller(verb, environment).describe(),
            tightened: policy.is_tightened(verb, environment),
        };
        let row = |verb| environments.iter().map(move |&environment| cell(verb, environment));
        let cells = plan::Operation::ALL.into_iter().flat_map(row).collect();
        let agent = settings.agent.known_by(settings.environment.environment).map(str::to_owned);
        Ok(Outcome::done(PolicyTable { agent, policy: cells }))
    }
}
