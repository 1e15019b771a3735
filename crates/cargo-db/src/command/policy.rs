//! `cargo db policy`.

use crate::answer::{Outcome, PolicyCell, PolicyTable};
use crate::command::Context;
use crate::failure::Result;
use crate::model::environment::Environment;
use crate::plan::Verb;

pub(super) fn run(context: &Context) -> Result<Outcome> {
    let all = [
        Environment::Development,
        Environment::Test,
        Environment::Staging,
        Environment::Production,
    ];
    // Without `--env` the whole table; the environment that one is in changes nothing about it.
    let asked = context.settings.environment.signals.iter().any(|signal| signal.source == "--env");
    let one = asked.then_some(context.settings.environment.environment);
    let environments: Vec<Environment> =
        all.into_iter().filter(|environment| one.is_none_or(|one| one == *environment)).collect();
    let cell = |verb: Verb, environment| PolicyCell {
        verb: verb.key(),
        environment,
        needs: context.policy.cell(verb, environment).describe(),
        tightened: context.policy.is_tightened(verb, environment),
    };
    let row = |verb| environments.iter().map(move |&environment| cell(verb, environment));
    let policy = Verb::ALL.into_iter().flat_map(row).collect();
    Ok(Outcome::done(PolicyTable { agent: context.settings.agent.clone(), policy }))
}
