//! The AI agent that runs us: known by the variables that it sets for its programs.

use std::collections::BTreeMap;

use crate::model::environment::Environment;

/// Variables that AI agents set for the programs they run: each is a name, or a prefix of names.
/// Collected from the agents' documentation and from other tools that detect agents.
const AGENTS: &[&str] = &[
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "CODEX_",
    "CLINE_",
    "OPENCODE",
    "AUGMENT_AGENT",
    "ANTIGRAVITY_AGENT",
    "AMP_CURRENT_THREAD_ID",
    "GOOSE_TERMINAL",
    "COPILOT_AGENT",
];

/// What `[environments.<name>.agents]` asks of an agent beyond the policy. Ordered: a later one is
/// stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum AgentRule {
    /// A person approves each plan.
    Approved,
    Never,
}

impl AgentRule {
    /// The rule that a setting names.
    pub(crate) fn named(word: &str) -> Option<AgentRule> {
        match word {
            "approved" => Some(AgentRule::Approved),
            "never" => Some(AgentRule::Never),
            _ => None,
        }
    }
}

/// Whether an agent runs us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    /// The variable by which it is known.
    variable: Option<String>,
    /// Whether `CARGO_DB_AGENT=0` declares that there is none.
    is_denied: bool,
}

impl Agent {
    /// What the variables of the process say. `CARGO_DB_AGENT=1` says that there is one.
    pub(crate) fn of(process: &BTreeMap<String, String>) -> Agent {
        let said = process.get("CARGO_DB_AGENT").map(String::as_str).unwrap_or_default();
        if !matches!(said, "" | "0") {
            return Agent { variable: Some("CARGO_DB_AGENT".to_owned()), is_denied: false };
        }
        let set = process.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name);
        let known = |name: &&String| AGENTS.iter().any(|agent| name.starts_with(agent));
        Agent { variable: set.into_iter().find(known).cloned(), is_denied: said == "0" }
    }

    /// The variable by which an agent is recognised in an environment. The declaration that there
    /// is none has an effect in development and test only.
    pub(crate) fn known_by(&self, environment: Environment) -> Option<&str> {
        let denied = self.is_denied && environment.is_disposable();
        self.variable.as_deref().filter(|_| !denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_counts_in_development_and_test_only() {
        let process = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let denied = Agent::of(&process(&[("AI_AGENT", "1"), ("CARGO_DB_AGENT", "0")]));
        assert_eq!(denied.known_by(Environment::Development), None);
        assert_eq!(denied.known_by(Environment::Test), None);
        assert_eq!(denied.known_by(Environment::Staging), Some("AI_AGENT"));
        assert_eq!(denied.known_by(Environment::Production), Some("AI_AGENT"));
        let said = Agent::of(&process(&[("CARGO_DB_AGENT", "1")]));
        assert_eq!(said.known_by(Environment::Development), Some("CARGO_DB_AGENT"));
        assert_eq!(Agent::of(&process(&[("AI_AGENT", "")])), Agent::default());
    }
}
