//! The command line as a document: what a program has to know to call `cargo db`.

use std::ops::Not;

use serde::Serialize;

use crate::answer::{Answer, BOLD, ExitCodeView, Style};

/// The commands, the options that all of them have, and the exit codes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HelpView {
    pub(crate) commands: Vec<CommandView>,
    /// The options of every command.
    pub(crate) global_options: Vec<ArgumentView>,
    pub(crate) exit_codes: Vec<ExitCodeView>,
}

/// One command.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct CommandView {
    /// As it is typed after `cargo db`.
    pub(crate) name: String,
    /// What it does, in one line.
    pub(crate) about: String,
    /// What it may do, at most, to databases: `none`, `changes the schema`, `changes data` or
    /// `can destroy data`, and to backups.
    pub(crate) effect: String,
    /// The file of cargo db's repository that describes what it answers to `--json`.
    pub(crate) schema: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) arguments: Vec<ArgumentView>,
}

/// An option, or an argument without a name.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ArgumentView {
    /// The option, for example `--set`; absent for an argument that is only a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) option: Option<String>,
    /// The short form, for example `-e`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) short: Option<String>,
    /// The placeholder of its value; absent for an option without a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<String>,
    /// The only values that it takes; absent if others are possible.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) allowed: Vec<String>,
    #[serde(skip_serializing_if = "Not::not")]
    pub(crate) required: bool,
    /// Whether it may be given several times, or takes several values.
    #[serde(skip_serializing_if = "Not::not")]
    pub(crate) repeated: bool,
    pub(crate) about: String,
}

impl Answer for HelpView {
    fn text(&self, style: &Style) -> String {
        let line = |command: &CommandView| {
            format!("{}  {}", style.paint(BOLD, &command.name), command.about)
        };
        self.commands.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
