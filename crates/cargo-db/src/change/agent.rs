//! What an AI agent is never allowed.

use crate::change::workspace::Database;
use crate::failure::{DumpError, Result};

/// Where the rows are other people's, an agent does not get all of them at once. The error is made
/// from the agent, the environment and the command.
pub(crate) fn refuse_agent(
    database: &Database<'_>,
    refusal: impl FnOnce(String, String, String) -> DumpError,
) -> Result<()> {
    let environment = database.environment();
    let agent = database.settings.agent.known_by(environment);
    match agent.filter(|_| !environment.is_disposable()) {
        None => Ok(()),
        Some(agent) => {
            let command = database.workspace.consent.command.clone();
            Err(refusal(agent.to_owned(), environment.to_string(), command).into())
        }
    }
}
