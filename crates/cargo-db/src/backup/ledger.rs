//! The backups that this project took, identified by the hashes of their files. Anybody can write a
//! manifest, but only runs of this project add entries to this file.

use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::model::backup::FileEntry;
use crate::world::files;

/// The list of a project.
pub(super) struct Ledger {
    file: PathBuf,
}

impl Ledger {
    /// That of the project in `root`.
    pub(super) fn of(root: &Path) -> Ledger {
        Ledger { file: root.join(".db/backups.sha256") }
    }

    /// Records a backup.
    pub(super) fn note(&self, name: &str, holds: &[FileEntry]) -> Result<()> {
        files::create_own_dir(self.file.parent().unwrap_or(Path::new(".")))?;
        files::append_line(&self.file, &format!("{}  {name}", hash_of(holds)))
    }

    /// Whether this project took the backup, even if it was renamed since.
    pub(super) fn knows(&self, holds: &[FileEntry]) -> Result<bool> {
        let text = files::read_if_there(&self.file).map_err(files::failed("read", &self.file))?;
        let wanted = hash_of(holds);
        let mut lines = text.as_deref().unwrap_or_default().lines();
        Ok(lines.any(|line| line.split_whitespace().next() == Some(wanted.as_str())))
    }
}

/// The hash of what all its files hold, not of their names: a copy is the same.
fn hash_of(holds: &[FileEntry]) -> String {
    let mut hashes: Vec<&str> = holds.iter().map(|file| file.sha256.as_str()).collect();
    hashes.sort_unstable();
    files::sha256(hashes.join("\n").as_bytes()).to_string()
}
