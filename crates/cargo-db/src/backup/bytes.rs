//! The bytes of a source: only bytes that were consented to are loaded. A file can be replaced
//! after it was checked, so plain text is hashed while it is loaded, and an archive, which another
//! program reads, is hashed again afterwards.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::backup::content::Text;
use crate::backup::source::RestoreSource;
use crate::failure::{BackupError, CausedBy, Result};
use crate::model::backup::{FileEntry, Format};
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::measure;
use crate::world::digest::Digested;
use crate::world::kind::plain_text_of;

impl RestoreSource {
    /// Records the files that a consent covers, as far as they are loaded: a set contains the same
    /// rows twice.
    pub(super) fn agree_to(&self, files: &[FileEntry]) {
        let of_entry = |file: &FileEntry| (self.path_of(file), file.sha256.clone());
        let is_loaded = |path: &Path| {
            self.roles.is_none() || path == self.path || self.roles.as_deref() == Some(path)
        };
        let loaded = files.iter().map(of_entry).filter(|(path, _)| is_loaded(path));
        self.agreed.replace(loaded.collect());
    }

    fn path_of(&self, file: &FileEntry) -> PathBuf {
        let of_set = self.roles.as_deref().and_then(Path::parent);
        match of_set.or_else(|| self.path.is_dir().then_some(self.path.as_path())) {
            Some(folder) => folder.join(&file.path),
            None => self.path.clone(),
        }
    }

    /// The whole source as SQL to run. At its end, the text fails if its hash is not the one that
    /// was consented to.
    pub(super) fn text_to_load(&self, world: &World, settings: &Settings) -> Result<Box<dyn Text>> {
        match self.format {
            Format::Sql => self.agreed_text(&self.path),
            _ => self.text(world, settings),
        }
    }

    /// The same of one of its files.
    pub(super) fn agreed_text(&self, path: &Path) -> Result<Box<dyn Text>> {
        let digest = Digested::open(path)?;
        let text = plain_text_of(path, digest.clone())?;
        let agreed = self.agreed.borrow();
        let expected = agreed.iter().find(|(known, _)| known == path).map(|(_, sha)| sha.clone());
        Ok(Box::new(VerifiedText { text, digest, expected, name: self.name.clone() }))
    }

    /// Fails where an archive is not the one any more that was agreed to. Asked when it is loaded,
    /// and nothing of it is to stay yet.
    pub(super) fn is_unchanged(&self) -> Result<()> {
        if self.format == Format::Sql {
            return Ok(());
        }
        for (path, sha256) in self.agreed.borrow().iter() {
            if measure(path)?.sha256.to_string() != *sha256 {
                return Err(BackupError::Changed { name: self.name.clone() }.into());
            }
        }
        Ok(())
    }
}

/// A text whose hash is verified at its end.
struct VerifiedText {
    text: Box<dyn Read + Send>,
    digest: Digested,
    /// `None` if nobody consented to a hash.
    expected: Option<String>,
    name: String,
}

impl Read for VerifiedText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.text.read(buffer)
    }
}

impl Text for VerifiedText {
    fn finish(&mut self, world: &World) -> Result<()> {
        self.text.finish(world)?;
        let (_, found) = self.digest.clone().finish().map_err(|error| {
            BackupError::Failed { doing: "read", why: error.to_string() }.caused_by(error)
        })?;
        match &self.expected {
            Some(expected) if found.to_string() != *expected => {
                Err(BackupError::Changed { name: self.name.clone() }.into())
            }
            _ => Ok(()),
        }
    }
}
