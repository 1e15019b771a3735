//! Where the fingerprint of a database is kept.

use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::schema::fingerprint::{
    FactHashes, Fingerprint, FingerprintFile, FingerprintHead, FingerprintKey, FoundFingerprint,
    text_of,
};
use crate::schema::kept;
use crate::world::World;
use crate::world::pg::{Session, oid};

/// Who keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FingerprintKeeper {
    /// The folder of the project: no schema of ours appears in the dumps of a database that only
    /// its developer uses.
    Project,
    /// The database itself: everybody who works with it finds the same one.
    Database,
}

impl FingerprintKeeper {
    /// That of a database of this environment.
    pub(crate) fn of(environment: Environment) -> FingerprintKeeper {
        match environment.is_disposable() {
            true => FingerprintKeeper::Project,
            false => FingerprintKeeper::Database,
        }
    }
}

/// Where the fingerprint of one database is.
pub(super) struct FingerprintPlace {
    keeper: FingerprintKeeper,
    root: PathBuf,
    /// Of the cluster and the database.
    identity: String,
}

impl FingerprintPlace {
    /// That of the session's database.
    pub(super) fn of(
        keeper: FingerprintKeeper,
        root: &Path,
        session: &mut Session,
    ) -> Result<FingerprintPlace> {
        let (root, identity) = (root.to_owned(), oid::identity(session)?);
        Ok(FingerprintPlace { keeper, root, identity })
    }

    fn file(&self) -> FingerprintFile {
        FingerprintFile::of(&self.root, &self.identity)
    }

    /// Reads the fingerprint. Its facts may still be missing.
    pub(super) fn read(&self, session: &mut Session) -> Result<FoundFingerprint> {
        match self.keeper {
            FingerprintKeeper::Project => Ok(self.file().read(&self.root)),
            FingerprintKeeper::Database => kept::read(session, &self.identity),
        }
    }

    /// What has to exist before the schema is read.
    pub(super) fn prepare(&self, world: &World, target: &Target) -> Result<()> {
        match self.keeper {
            FingerprintKeeper::Project => Ok(()),
            FingerprintKeeper::Database => kept::prepare(world, target),
        }
    }

    /// The key of a first fingerprint.
    pub(super) fn new_key(&self) -> Result<FingerprintKey> {
        match self.keeper {
            FingerprintKeeper::Project => FingerprintKey::find_or_make(&self.root),
            FingerprintKeeper::Database => FingerprintKey::random(),
        }
    }

    /// Writes the fingerprint, or removes it if it belongs to no history.
    pub(super) fn write(
        &self,
        (world, target): (&World, &Target),
        head: &FingerprintHead,
        hashes: &FactHashes,
        key: &FingerprintKey,
    ) -> Result<()> {
        let text = (!head.is_of_none()).then(|| text_of(head, hashes, key));
        match (self.keeper, text) {
            (FingerprintKeeper::Project, None) => self.file().remove(),
            (FingerprintKeeper::Project, Some(text)) => self.file().write(&text),
            (FingerprintKeeper::Database, text) => {
                let fingerprint = text.as_deref().map(|text| (key, text));
                kept::write(world, target, &self.identity, fingerprint)
            }
        }
    }
}

/// The facts of a fingerprint; `None` if it is damaged.
pub(super) fn facts_of(
    fingerprint: &mut Fingerprint,
    keeper: FingerprintKeeper,
    session: &mut Session,
) -> Result<Option<FactHashes>> {
    if keeper == FingerprintKeeper::Database {
        fingerprint.add_facts(&kept::facts(session)?);
    }
    Ok(fingerprint.hashes())
}
