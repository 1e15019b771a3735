//! What `create` and `generate` wrote.

use std::path::PathBuf;

use serde::Serialize;

use crate::answer::{Answer, Style};

/// The files of a new migration.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Created {
    files: Vec<String>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl Created {
    /// These were written.
    pub(crate) fn files(files: &[PathBuf]) -> Created {
        let files = files.iter().map(|file| file.display().to_string()).collect();
        Created { files, reason: None }
    }

    /// Nothing was written, for this reason.
    pub(crate) fn nothing(reason: &'static str) -> Created {
        Created { files: Vec::new(), reason: Some(reason) }
    }
}

impl Answer for Created {
    fn text(&self, _: &Style) -> String {
        self.reason.map_or_else(|| self.files.join("\n"), str::to_owned)
    }
}
