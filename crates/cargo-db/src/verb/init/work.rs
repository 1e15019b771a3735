//! What `init` found, and what it is going to do about it.

use std::path::{Path, PathBuf};

use crate::world::files;

/// What is to be done.
#[derive(Default)]
pub(super) struct Work {
    pub(super) found: Vec<String>,
    /// New files.
    pub(super) write: Vec<(PathBuf, String)>,
    /// Files that get lines, in this order after the new ones.
    pub(super) change: Vec<Change>,
    /// What only a person can do.
    pub(super) by_hand: Vec<String>,
    /// What was left out, and why that is no loss.
    pub(super) notes: Vec<String>,
}

/// A file that is there and gets lines.
pub(super) struct Change {
    pub(super) path: PathBuf,
    /// What it will hold.
    pub(super) text: String,
    pub(super) lines: Vec<String>,
}

impl Work {
    /// A file where none of its name is.
    pub(super) fn add(&mut self, path: PathBuf, text: String) {
        if !files::is_there(&path) {
            self.write.push((path, text));
        }
    }

    /// Lines at the end of a file, or a file of them.
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

/// What a file holds; nothing where there is none.
pub(super) fn text_of(path: &Path) -> String {
    files::read_if_there(path).ok().flatten().unwrap_or_default()
}

/// A path as a person in the root would write it.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path).display().to_string();
    if relative.is_empty() { ".".to_owned() } else { relative }
}
