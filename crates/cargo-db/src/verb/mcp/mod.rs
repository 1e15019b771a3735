//! `cargo db mcp`.

#[cfg(feature = "mcp")]
mod command_line;
#[cfg(feature = "mcp")]
mod toolbox;
#[cfg(feature = "mcp")]
mod tools;

use clap::Args;

use crate::answer::Outcome;
use crate::change::{Effect, Needs, Workspace};
use crate::failure::{Result, RunError};
use crate::verb::declare::Verb;

/// Serve tools to an AI agent, over the Model Context Protocol
///
/// Speaks the protocol on stdin and stdout until stdin ends. A tool runs a command of `cargo db` as
/// an agent, so the policy for agents applies. No tool takes SQL, a URL or a file. Flags such as
/// `--env` apply to every tool.
#[derive(Debug, Args)]
#[command(after_help = "Effect on the database: that of the tools that are called")]
pub(crate) struct McpArgs {}

impl Verb for McpArgs {
    fn name(&self) -> &'static str {
        "mcp"
    }

    /// Each tool runs a command with an effect of its own.
    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        if !cfg!(feature = "mcp") {
            return Err(RunError::ProtocolNotBuilt.into());
        }
        serve(workspace).map_err(|why| RunError::NotServed { why })?;
        workspace.world.interrupt.check()?;
        Ok(Outcome::said())
    }
}

/// Serves until stdin ends, or until a signal comes.
#[cfg(feature = "mcp")]
fn serve(workspace: &Workspace) -> std::result::Result<(), String> {
    let stop = cargo_db_mcp::Cancellation::default();
    let stopped = stop.clone();
    let _guard = workspace.world.interrupt.on_signal(move || stopped.cancel());
    let toolbox = toolbox::DatabaseToolbox::of(workspace);
    cargo_db_mcp::serve(toolbox, &stop).map_err(|error| error.to_string())
}

#[cfg(not(feature = "mcp"))]
fn serve(_: &Workspace) -> std::result::Result<(), String> {
    Err("the protocol is not built in".to_owned())
}
