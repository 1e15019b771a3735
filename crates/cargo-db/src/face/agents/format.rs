//! The format in which each agent reads a slash command.

use std::path::PathBuf;

use crate::answer::text::quoted;
use crate::face::agents::command::SlashCommand;
use crate::face::agents::file::{
    AgentFile, CodingAgent, comment_of_markdown, comment_of_toml, skill_file, with_front_matter,
};

/// The file of a slash command for one agent; `None` for all of them, which share no format.
pub(super) fn file(agent: CodingAgent, command: &SlashCommand) -> Option<AgentFile> {
    let SlashCommand { name, description, argument_hint, .. } = command;
    let described = ("description", *description);
    let at = |path: String, text: String| AgentFile { path: PathBuf::from(path), text };
    let what_was_asked = || command.text_for("what the user adds to this command");
    let file = match agent {
        CodingAgent::All => return None,
        CodingAgent::Claude => {
            let keys = [described, ("argument-hint", *argument_hint)];
            let text = with_front_matter(&keys, &command.text);
            at(format!(".claude/commands/{name}.md"), text)
        }
        CodingAgent::Codex => {
            let text = with_front_matter(&[("name", *name), described], &what_was_asked());
            skill_file(".codex", name, text)
        }
        CodingAgent::Gemini => {
            let (described, prompt) = (quoted(description), command.text_for("{{args}}"));
            let text = format!(
                "description = {described}\nprompt = '''\n{prompt}'''\n\n{}\n",
                comment_of_toml()
            );
            at(format!(".gemini/commands/{name}.toml"), text)
        }
        CodingAgent::Cursor => {
            let text = format!("{}\n{}\n", what_was_asked(), comment_of_markdown());
            at(format!(".cursor/commands/{name}.md"), text)
        }
        CodingAgent::Opencode => {
            let text = with_front_matter(&[described], &command.text);
            at(format!(".opencode/commands/{name}.md"), text)
        }
        CodingAgent::Copilot => {
            let text = with_front_matter(&[described], &what_was_asked());
            at(format!(".github/prompts/{name}.prompt.md"), text)
        }
    };
    Some(file)
}
