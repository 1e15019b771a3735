//! Serves tools over the Model Context Protocol on stdin and stdout.
//!
//! This crate knows the protocol and no tool: its user implements [`Toolbox`], and [`serve`] talks
//! to the client. It speaks the revisions 2026-07-28 and 2025-11-25.
//!
//! What a tool returns is data. Every answer says so, between marks that its content cannot forge,
//! and has at most 4,096 bytes: the tool `more` returns the rest.

mod cancellation;
mod long;
mod marked;
mod prompt;
mod server;
mod tool;

pub use cancellation::Cancellation;
pub use prompt::{OfferedPrompt, PromptBlank};
pub use server::{ServeError, serve};
pub use tool::{ArgumentType, CheckedArguments, OfferedTool, ToolArgument, ToolEffect};

/// What a server offers. The calls run on threads of their own, several at once.
pub trait Toolbox: Send + Sync + 'static {
    /// The name and the version of the server.
    fn implementation(&self) -> (&'static str, &'static str);

    /// What a client should know about all tools.
    fn instructions(&self) -> String;

    /// The tools, in the order in which clients list them.
    fn tools(&self) -> Vec<OfferedTool>;

    /// The prompts, in the same way.
    fn prompts(&self) -> Vec<OfferedPrompt>;

    /// Runs a tool to its end. The arguments are as the tool declares them. After a cancellation,
    /// nobody reads the reply.
    fn call(
        &self,
        tool: &str,
        arguments: &CheckedArguments,
        cancellation: &Cancellation,
    ) -> ToolReply;
}

/// What a tool returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolReply {
    /// The answer, or what failed.
    pub text: String,
    /// Whether the call failed.
    pub is_error: bool,
}
