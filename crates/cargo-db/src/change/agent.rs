//! What an AI agent is never allowed.

use crate::change::workspace::Database;
use crate::failure::{DumpError, Result};

/// Where the rows are other people's, an agent does not get all of them at once.
pub(crate) fn refuse_agent(database: &Database<'_>, verb: &'static str) -> Result<()> {
    let environment = database.environment();
    let agent = database.settings.agent.known_by(environment);
    match agent.filter(|_| !environment.is_disposable()) {
        None => Ok(()),
        Some(agent) => {
            let (agent, environment) = (agent.to_owned(), environment.to_string());
            let command = database.workspace.consent.command.clone();
            Err(DumpError::ByAgent { verb, agent, environment, command }.into())
        }
    }
}
