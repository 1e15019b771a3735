//! What `init` found, and what it will write.

use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::world::files;

/// The work to do.
#[derive(Default)]
pub(super) struct Work {
    pub(super) found: Vec<String>,
    /// What is written, in this order.
    pub(super) edits: Vec<Edit>,
    /// What only a person can do.
    pub(super) by_hand: Vec<String>,
    /// What was not set up, and why.
    pub(super) notes: Vec<String>,
    /// The command to run next, if it is not `cargo db status`.
    pub(super) next: Option<String>,
}

/// One file that is written.
pub(super) struct Edit {
    pub(super) path: PathBuf,
    /// Its content from then on.
    pub(super) text: String,
    pub(super) kind: EditKind,
}

/// How a file is written.
pub(super) enum EditKind {
    /// It does not exist yet.
    New,
    /// It exists, and gets these lines.
    Lines(Vec<String>),
    /// It exists, and was written by cargo db.
    Anew,
}

impl Edit {
    /// A file that does not exist yet.
    pub(super) fn new(path: PathBuf, text: String) -> Edit {
        Edit { path, text, kind: EditKind::New }
    }

    /// An existing file with additional lines, or a new file.
    pub(super) fn more(path: PathBuf, text: String, lines: Vec<String>) -> Edit {
        let kind = if is_taken(&path) { EditKind::Lines(lines) } else { EditKind::New };
        Edit { path, text, kind }
    }

    /// A file that cargo db wrote before.
    pub(super) fn anew(path: PathBuf, text: String) -> Edit {
        Edit { path, text, kind: EditKind::Anew }
    }
}

impl Work {
    /// Adds a new file, unless it exists.
    pub(super) fn add(&mut self, path: PathBuf, text: String) {
        if !is_taken(&path) {
            self.edits.push(Edit::new(path, text));
        }
    }

    /// Adds lines at the end of a file, or a new file with these lines.
    pub(super) fn append(&mut self, root: &Path, path: PathBuf, lines: Vec<String>) -> Result<()> {
        let known = text_of(&path)?;
        if lines.is_empty() {
            return Ok(());
        }
        if path.is_symlink() {
            let (lines, name) = (lines.join("`, `"), shown(root, &path));
            self.by_hand.push(format!("add `{lines}` to the file that the link `{name}` names"));
            return Ok(());
        }
        let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
        let text = format!("{known}{gap}{}\n", lines.join("\n"));
        self.edits.push(Edit::more(path, text, lines));
        Ok(())
    }
}

/// The content of a file that may get additional lines; empty if it does not exist. An unreadable
/// file is an error, because writing it would lose its content.
pub(super) fn text_of(path: &Path) -> Result<String> {
    Ok(files::read_if_there(path).map_err(files::failed("read", path))?.unwrap_or_default())
}

/// The content of a file that is only read; empty if it cannot be read.
pub(super) fn read_or_empty(path: &Path) -> String {
    files::read_if_there(path).ok().flatten().unwrap_or_default()
}

/// Whether there is anything with this name, be it a link.
pub(super) fn is_taken(path: &Path) -> bool {
    path.is_symlink() || files::exists(path)
}

/// A path relative to the root, for messages.
pub(super) fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path).display().to_string();
    if relative.is_empty() { ".".to_owned() } else { relative }
}
