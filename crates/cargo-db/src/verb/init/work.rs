//! What `init` found, and what it will write.

use std::path::{Path, PathBuf};

use crate::world::files;

/// The work to do.
#[derive(Default)]
pub(super) struct Work {
    pub(super) found: Vec<String>,
    /// New files.
    pub(super) write: Vec<(PathBuf, String)>,
    /// Existing files that get lines. They are written in this order, after the new files.
    pub(super) change: Vec<Change>,
    /// What only a person can do.
    pub(super) by_hand: Vec<String>,
    /// What was not set up, and why.
    pub(super) notes: Vec<String>,
}

/// An existing file that gets lines.
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// Its new content.
    pub(super) text: String,
    pub(super) lines: Vec<String>,
}

impl Work {
    /// Adds a new file, unless it exists.
    pub(super) fn add(&mut self, path: PathBuf, text: String) {
        if !files::is_there(&path) {
            self.write.push((path, text));
        }
    }

    /// Adds lines at the end of a file, or a new file with these lines.
    pub(super) fn append(&mut self, path: PathBuf, lines: Vec<String>) {
        let known = text_of(&path);
        if lines.is_empty() {
            return;
        }
        let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
        let text = format!("{known}{gap}{}\n", lines.join("\n"));
        if files::is_there(&path) {
            self.change.push(Change { path, text, lines });
        } else {
            self.write.push((path, text));
        }
    }
}

/// The content of a file; empty if there is none.
pub(super) fn text_of(path: &Path) -> String {
    files::read_if_there(path).ok().flatten().unwrap_or_default()
}

/// A path relative to the root, for messages.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path).display().to_string();
    if relative.is_empty() { ".".to_owned() } else { relative }
}
