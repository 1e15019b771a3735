//! The private servers that this user created, of whatever project.

use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::world::server::LocalServer;
use crate::world::{World, files, process};

/// A private server, as the user's state folder records it.
pub(crate) struct KnownServer {
    server: LocalServer,
    /// The folder of its project.
    pub(crate) project: PathBuf,
    /// The file that records it.
    record: PathBuf,
}

impl KnownServer {
    /// All servers, by their projects. Those of which an older version recorded no project are left
    /// out.
    pub(crate) fn all(state: Option<&Path>) -> Vec<KnownServer> {
        let folder = state.map(|state| state.join("servers"));
        let Some(folder) = folder.filter(|folder| files::is_private(folder, None)) else {
            return Vec::new();
        };
        let of_record = |name: String| {
            let record = folder.join(name);
            let text = files::read_if_there(&record).ok()??;
            let (base, project) = text.trim_end().split_once('\n')?;
            let (base, project) = (Path::new(base), PathBuf::from(project));
            let server = LocalServer::of(&project, None, state);
            (server.base() == base).then_some(KnownServer { server, project, record })
        };
        let mut all: Vec<KnownServer> =
            files::names(&folder).into_iter().filter_map(of_record).collect();
        all.sort_by(|one, other| one.project.cmp(&other.project));
        all
    }

    /// The folder of the cluster.
    pub(crate) fn base(&self) -> &Path {
        self.server.base()
    }

    /// Whether the folder of its project does not exist any more.
    pub(crate) fn is_orphaned(&self) -> bool {
        !files::exists(&self.project)
    }

    /// The major version of the cluster, if there still is one.
    pub(crate) fn major(&self) -> Option<u32> {
        self.server.major()
    }

    /// The process of the server, if it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        match self.server.running() {
            Some(running) => Some(running.pid),
            None => self.pid_of_socket(),
        }
    }

    /// A server whose cluster was removed is known by the lock file of its socket: the process, and
    /// the folder of the cluster.
    fn pid_of_socket(&self) -> Option<i32> {
        let folder = &self.server.socket_dir;
        let mut locks = files::names(folder).into_iter().filter(|name| name.ends_with(".lock"));
        locks.find_map(|name| {
            let text = files::read_if_there(&folder.join(name)).ok()??;
            let mut lines = text.lines();
            let (pid, data) = (lines.next()?.trim().parse().ok()?, lines.next()?);
            process::serves(pid, Path::new(data)).then_some(pid)
        })
    }

    /// Stops the server and removes the cluster with every database in it.
    pub(crate) fn remove(&self, world: &World) -> Result<()> {
        if let Some(pid) = self.pid() {
            self.server.stop_process(world, pid)?;
        }
        self.server.destroy(world)?;
        files::remove_file(&self.record)
    }
}
