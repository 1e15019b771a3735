//! What `init` found and wrote.

use serde::Serialize;

use crate::answer::{Answer, Style};

/// What the repository has now, or would have.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Initialised {
    pub(crate) dry_run: bool,
    /// Migrations, and the tools that they are of.
    pub(crate) found: Vec<String>,
    /// New files.
    pub(crate) written: Vec<String>,
    /// Files that cargo db had written, and that were outdated.
    pub(crate) rewritten: Vec<String>,
    pub(crate) added: Vec<Added>,
    /// What only a person can do.
    pub(crate) left_to_you: Vec<String>,
    /// What was not written, and why it is not needed.
    pub(crate) notes: Vec<String>,
    /// The command to run next.
    pub(crate) next: String,
}

/// Lines at the end of a file that was there.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Added {
    pub(crate) file: String,
    pub(crate) lines: Vec<String>,
}

impl Answer for Initialised {
    fn text(&self, style: &Style) -> String {
        let notes = self.notes.iter().map(|note| format!("note: {note}\n"));
        let left = self.left_to_you.iter().map(|left| format!("- {left}\n"));
        let heading = if self.left_to_you.is_empty() { "" } else { "to do yourself:\n" };
        let (notes, left) = (notes.collect::<String>(), left.collect::<String>());
        let next = style.command(&self.next);
        format!("{notes}{heading}{left}next: `{next}`")
    }
}

/// Whether the files for coding agents are up to date.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AgentFilesChecked {
    pub(crate) missing: Vec<String>,
    pub(crate) outdated: Vec<String>,
    /// Files that somebody else wrote.
    pub(crate) left_to_you: Vec<String>,
    /// The command that writes those that are missing or outdated.
    pub(crate) next: String,
}

impl AgentFilesChecked {
    /// Whether a file has to be written.
    pub(crate) fn is_finding(&self) -> bool {
        !self.missing.is_empty() || !self.outdated.is_empty()
    }
}

impl Answer for AgentFilesChecked {
    fn text(&self, style: &Style) -> String {
        let lines = |state: &str, files: &[String]| -> String {
            files.iter().map(|file| format!("{state}: {file}\n")).collect()
        };
        let (missing, outdated) =
            (lines("missing", &self.missing), lines("outdated", &self.outdated));
        let left = lines("left to you", &self.left_to_you);
        let next = match self.is_finding() {
            true => format!("next: `{}`", style.command(&self.next)),
            false => "the files for agents are up to date".to_owned(),
        };
        format!("{missing}{outdated}{left}{next}")
    }
}
