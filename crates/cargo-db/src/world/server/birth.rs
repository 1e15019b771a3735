//! Which clusters this user created here. The settings of a cluster can name programs that a server
//! runs, so a cluster from a checkout or an archive is not started. Each new cluster gets a random
//! number, which is also stored, with its path, in the user's state folder.

use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

use crate::failure::{LocalServerError, Result};
use crate::model::hex::to_hex;
use crate::world::process::User;
use crate::world::{files, random};

/// Holds the number, inside a cluster.
const FILE: &str = "cargo-db.id";

/// What is known of the clusters of one place.
pub(super) struct ClusterRecord<'a> {
    /// The folder that the clusters of a project are in.
    pub(super) base: &'a Path,
    /// The folder of the project.
    pub(super) project: &'a Path,
    /// The user's state folder.
    pub(super) state: Option<&'a Path>,
}

impl ClusterRecord<'_> {
    /// Gives a cluster its number, and remembers it.
    pub(super) fn record(&self, data: &Path, user: Option<User>) -> Result<()> {
        let failed = |why: &str| LocalServerError::Failed { doing: "be made", why: why.to_owned() };
        let id = random::hexadecimal(32)?;
        let place =
            self.place(&id).ok_or_else(|| failed("neither XDG_STATE_HOME nor HOME is set"))?;
        let (base, project) = (self.base.display(), self.project.display());
        files::write_private(&place, &format!("{base}\n{project}\n"))?;
        let file = data.join(FILE);
        files::replace(&file, &format!("{id}\n"))?;
        // Whoever copies the cluster has to read all of it.
        user.map_or(Ok(()), |user| files::chown(&file, user.uid, user.gid))
    }

    /// Whether this user made a cluster, and made it here.
    pub(super) fn knows(&self, data: &Path) -> bool {
        self.id(data).and_then(|id| self.place(&id)).is_some_and(|place| {
            files::is_private(place.parent().unwrap_or(Path::new("/")), None)
                && files::ownership(&place).is_some_and(|owner| owner.is_private && owner.is_file)
        })
    }

    /// Forgets a cluster that is removed.
    pub(super) fn forget(&self, data: &Path) -> Result<()> {
        match self.id(data).and_then(|id| self.place(&id)) {
            Some(place) => files::remove_file(&place),
            None => Ok(()),
        }
    }

    fn id(&self, data: &Path) -> Option<String> {
        let file = data.join(FILE);
        let is_small = files::ownership(&file)?.is_file && files::size(&file)? < 100;
        let text = is_small.then(|| files::read_if_there(&file).ok().flatten())??;
        Some(text.trim().to_owned())
    }

    /// Where it is kept that a number belongs to this place.
    fn place(&self, id: &str) -> Option<PathBuf> {
        let mut digest = Context::new(&SHA256);
        digest.update(self.base.as_os_str().as_encoded_bytes());
        digest.update(b"\0");
        digest.update(id.as_bytes());
        Some(self.state?.join("servers").join(to_hex(digest.finish().as_ref())))
    }
}
