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
