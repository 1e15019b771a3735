//! The files that tell coding agents how to use cargo db: a skill, and slash commands in the format
//! of each agent. All are written from one template.

mod command;
mod file;
mod format;
mod skill;

use clap::ValueEnum;

use crate::answer::CommandView;
use crate::face::agents::file::skill_file;

pub(crate) use command::slash_commands;
pub(crate) use file::{AgentFile, CodingAgent, is_agent_file};

/// The files for these agents. The skill for every agent is the first one.
pub(crate) fn agent_files(agents: &[CodingAgent], commands: &[CommandView]) -> Vec<AgentFile> {
    let skill = skill::text(commands);
    let mut files = vec![skill_file(".agents", skill::NAME, skill.clone())];
    let is_chosen =
        |agent: &CodingAgent| agents.contains(agent) || agents.contains(&CodingAgent::All);
    for agent in CodingAgent::value_variants().iter().copied().filter(is_chosen) {
        if agent == CodingAgent::Claude {
            files.push(skill_file(".claude", skill::NAME, skill.clone()));
        }
        files.extend(slash_commands().iter().filter_map(|command| format::file(agent, command)));
    }
    files
}
