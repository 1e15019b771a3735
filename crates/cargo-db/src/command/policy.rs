//! `cargo db policy`.

use crate::command::Context;
use crate::failure::{Exit, Result};
use crate::model::environment::Environment;
use crate::plan::Verb;
use crate::ui::{PolicyRow, Report};

pub(super) fn run(context: &Context) -> Result<Exit> {
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
    let cell = |verb, environment| {
        let tightened = context.policy.is_tightened(verb, environment);
        (context.policy.cell(verb, environment).describe(), tightened)
    };
    let rows: Vec<PolicyRow> = Verb::ALL
        .into_iter()
        .map(|verb| PolicyRow {
            verb: verb.key(),
            cells: environments.iter().map(|&environment| cell(verb, environment)).collect(),
        })
        .collect();
    let agent = context.settings.agent.as_deref();
    context.ui.report(&Report::Policy { environments: &environments, rows: &rows, agent });
    Ok(Exit::Done)
}
