//! What each verb needs, in each environment.

use serde::Serialize;

use crate::answer::text::fitted;
use crate::answer::{Answer, Style};
use crate::model::environment::Environment;

/// The policy, as `db.toml` left it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PolicyTable {
    /// The variable by which an AI agent is known that runs this.
    pub(crate) agent: Option<String>,
    pub(crate) policy: Vec<PolicyCell>,
}

/// What a verb needs in an environment.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PolicyCell {
    pub(crate) verb: &'static str,
    pub(crate) environment: Environment,
    /// In words.
    pub(crate) needs: String,
    /// Whether `db.toml` asks for more than is customary.
    pub(crate) tightened: bool,
}

impl Answer for PolicyTable {
    fn text(&self, style: &Style) -> String {
        let mut environments: Vec<Environment> = Vec::new();
        for cell in &self.policy {
            if !environments.contains(&cell.environment) {
                environments.push(cell.environment);
            }
        }
        let mut lines = Vec::new();
        for environment in environments {
            lines.push(environment.to_string());
            for cell in self.policy.iter().filter(|cell| cell.environment == environment) {
                let mark = if cell.tightened { ", as db.toml says" } else { "" };
                lines.push(format!("  {:<17} {}{mark}", cell.verb, cell.needs));
            }
        }
        lines.push(
            "commands that only read, and `backup`, are allowed in every environment".to_owned(),
        );
        lines.push("only a person at a terminal can trust programs".to_owned());
        lines.extend(self.agent.as_ref().map(|variable| {
            format!("an AI agent called this command ({variable}): it can consent only to a plan")
        }));
        fitted(&lines.join("\n"), style.width)
    }
}
