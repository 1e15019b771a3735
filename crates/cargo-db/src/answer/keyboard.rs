//! What helps at the keyboard: a script that completes commands, and manual pages.

use serde::Serialize;

use crate::answer::{Answer, Style};

/// A script to be sourced by a shell.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ShellScript {
    pub(crate) text: String,
}

impl Answer for ShellScript {
    fn text(&self, _: &Style) -> String {
        self.text.trim_end().to_owned()
    }
}

/// The manual pages that were written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ManualPages {
    /// Their files.
    pub(crate) paths: Vec<String>,
}

impl Answer for ManualPages {
    fn text(&self, _: &Style) -> String {
        self.paths.join("\n")
    }
}
