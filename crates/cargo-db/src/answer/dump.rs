//! What `dump` wrote.

use std::path::Path;

use serde::Serialize;

use crate::answer::{Answer, Style};
use crate::backup::PlainDump;

/// The file of a dump.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Dumped {
    path: String,
    bytes: u64,
    /// How many objects of the database it has.
    objects: usize,
    /// What was left out by name; the file is complete where there is nothing.
    left_out: Vec<String>,
    /// Indexes that were not valid, and are not in the file.
    invalid_indexes: Vec<String>,
}

impl Dumped {
    /// It was written to this file.
    pub(crate) fn of(path: &Path, bytes: u64, dump: &PlainDump) -> Dumped {
        Dumped {
            path: path.display().to_string(),
            bytes,
            objects: dump.objects,
            left_out: dump.left_out.clone(),
            invalid_indexes: dump.unfinished.clone(),
        }
    }
}

impl Answer for Dumped {
    fn text(&self, _: &Style) -> String {
        self.path.clone()
    }
}
