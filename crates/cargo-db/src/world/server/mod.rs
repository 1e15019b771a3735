//! The private local server: a PostgreSQL cluster for this project, on a unix socket that only this
//! user can reach, created and started on demand.
//!
//! It is in `.db/` of the project. Root cannot run PostgreSQL, and the user who runs it for root
//! may not be able to enter the project's folder, so in that case the cluster is in
//! `/var/tmp/cargo-db-<hash of the project's path>`.

mod birth;
mod cluster;
mod discover;
mod known;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::digest::{SHA256, digest};

use crate::failure::{CausedBy, Failure, LocalServerError, Result};
use crate::model::event::Event;
use crate::model::hex::to_hex;
use crate::model::link::Link;
use crate::model::target::{Host, Target, Tls, TlsMode};
use crate::world::clock::{pause, stopwatch};
use crate::world::process::{self, User};
use crate::world::{World, file_lock, files};

use birth::ClusterRecord;
pub(crate) use cluster::RunningServer;
use cluster::{Cluster, StartOptions};
pub(crate) use discover::{Binaries, client};
pub(crate) use known::KnownServer;

/// A project's server, whether it exists or not.
pub(crate) struct LocalServer {
    /// Holds the cluster, the log and the lock file.
    base: PathBuf,
    /// The folder of the project.
    project: PathBuf,
    /// The folder of the socket. Its path must be short, because a socket path is limited to 107
    /// bytes.
    socket_dir: PathBuf,
    user: Option<User>,
    /// The configured folder of PostgreSQL's programs.
    bin: Option<PathBuf>,
    /// The user's state folder.
    state: Option<PathBuf>,
}

impl LocalServer {
    /// The server of the project in `root`.
    pub(crate) fn of(root: &Path, bin: Option<&Path>, state: Option<&Path>) -> LocalServer {
        let digest = digest(&SHA256, root.as_os_str().as_encoded_bytes());
        let hash = to_hex(&digest.as_ref()[..6]);
        let (bin, state) = (bin.map(Path::to_owned), state.map(Path::to_owned));
        let project = root.to_owned();
        if process::is_root() {
            let base = Path::new("/var/tmp").join(format!("cargo-db-{hash}"));
            let user = ["postgres", "nobody"].into_iter().find_map(process::user);
            let socket_dir = base.join("socket");
            return LocalServer { socket_dir, base, project, user, bin, state };
        }
        let runtime = process::environment().remove("XDG_RUNTIME_DIR").map(PathBuf::from);
        let socket_dir = match runtime.filter(|folder| folder.is_dir()) {
            Some(runtime) => runtime.join(format!("cargo-db-{hash}")),
            None => Path::new("/tmp").join(format!("cargo-db-{}-{hash}", process::uid())),
        };
        LocalServer { base: root.join(".db"), project, socket_dir, user: None, bin, state }
    }

    /// The folder of the cluster.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// The cluster there is, of whatever major version.
    fn cluster(&self) -> Option<Cluster> {
        // A folder that somebody else created is not our cluster.
        if !files::is_private(&self.base, self.user.map(|user| user.uid)) {
            return None;
        }
        let majors = files::names(&self.base)
            .into_iter()
            .filter_map(|name| name.strip_prefix("pg")?.parse().ok());
        majors.max().map(|major| Cluster::new(&self.base, major))
    }

    fn birth(&self) -> ClusterRecord<'_> {
        let state = self.state.as_deref();
        ClusterRecord { base: &self.base, project: &self.project, state }
    }

    /// The folder of a cluster that is here, and was not made here by this user.
    pub(crate) fn foreign_cluster(&self) -> Option<PathBuf> {
        let data = self.cluster()?.data;
        (!self.birth().knows(&data)).then_some(data)
    }

    /// Accepts a cluster that was not created here, after the user confirmed it.
    pub(crate) fn adopt(&self) -> Result<()> {
        match self.foreign_cluster() {
            Some(data) => self.birth().record(&data, self.user),
            None => Ok(()),
        }
    }

    /// The running server, if it runs.
    pub(crate) fn running(&self) -> Option<RunningServer> {
        self.cluster()?.running()
    }

    /// The major version of the cluster, if there is one.
    pub(crate) fn major(&self) -> Option<u32> {
        Some(self.cluster()?.major)
    }

    /// Creates the cluster if there is none, and starts it if it does not run.
    pub(crate) fn ensure_running(&self, world: &World) -> Result<RunningServer> {
        self.start(world, None)
    }

    /// The same; a server that has to be started also listens on this TCP port.
    pub(crate) fn start(&self, world: &World, tcp_port: Option<u16>) -> Result<RunningServer> {
        if let Some(running) = self.running() {
            return Ok(running);
        }
        let first_time = self.cluster().is_none();
        self.prepare_base()?;
        let _lock = self.lock()?;
        // Somebody else may have started it while we waited for the lock.
        if let Some(running) = self.running() {
            return Ok(running);
        }
        if let Some(folder) = self.foreign_cluster() {
            return Err(LocalServerError::NotMadeHere { folder }.into());
        }
        let binaries = self.binaries()?;
        world.emit(Event::ServerStarting { first_time });
        let cluster = match self.cluster() {
            Some(cluster) => cluster,
            None => Cluster::create(&self.base, &binaries, self.user, &self.birth())?,
        };
        self.prepare_socket_dir()?;
        cluster.start(
            world,
            &binaries,
            &self.socket_dir,
            &StartOptions { user: self.user, tcp_port },
        )
    }

    /// Binaries of the cluster's own major version, or the best there are for a new one.
    fn binaries(&self) -> Result<Binaries> {
        let found = discover::all(self.bin.as_deref())?;
        let Some(cluster) = self.cluster() else {
            return found
                .into_iter()
                .next()
                .ok_or_else(|| discover::nothing_found(self.bin.as_deref()));
        };
        let majors: Vec<String> = found.iter().map(|binaries| binaries.major.to_string()).collect();
        if let Some(binaries) = found.into_iter().find(|binaries| binaries.major == cluster.major) {
            return Ok(binaries);
        }
        if majors.is_empty() {
            return Err(discover::nothing_found(self.bin.as_deref()));
        }
        let (made_by, found) = (cluster.major.to_string(), majors.join(", "));
        Err(LocalServerError::OtherMajor { folder: cluster.data, made_by, found }.into())
    }

    fn prepare_base(&self) -> Result<()> {
        match self.user {
            // The whole of it belongs to the user who runs the server.
            Some(user) => {
                files::create_private_dir(&self.base, Some(user.uid))?;
                files::ignore_all(&self.base)?;
                files::chown(&self.base, user.uid, user.gid)
            }
            None if process::is_root() => {
                let why = "PostgreSQL refuses to run as root, and there is no user `postgres` or \
                           `nobody`";
                Err(LocalServerError::Failed { doing: "start", why: why.to_owned() }.into())
            }
            None => {
                files::create_private_dir(&self.base, None)?;
                files::ignore_all(&self.base)
            }
        }
    }

    fn prepare_socket_dir(&self) -> Result<()> {
        files::create_private_dir(&self.socket_dir, self.user.map(|user| user.uid))?;
        match self.user {
            Some(user) => files::chown(&self.socket_dir, user.uid, user.gid),
            None => Ok(()),
        }
    }

    /// Stops the server. One that does not run is stopped already.
    pub(crate) fn stop(&self, world: &World) -> Result<bool> {
        let Some(running) = self.running() else { return Ok(false) };
        self.stop_process(world, running.pid)?;
        Ok(true)
    }

    fn stop_process(&self, world: &World, pid: i32) -> Result<()> {
        let failed = |why: String| Failure::from(LocalServerError::Failed { doing: "stop", why });
        process::stop_server(pid).map_err(|error| failed(error.to_string()).caused_by(error))?;
        let began = stopwatch();
        while process::is_postgres(pid) {
            if began.elapsed() > Duration::from_secs(60) {
                return Err(failed(format!("process {pid} still runs after a minute")));
            }
            pause(world, Duration::from_millis(5))?;
        }
        Ok(())
    }

    /// Prevents other runs from creating, starting or removing the cluster.
    pub(crate) fn lock(&self) -> Result<File> {
        file_lock::lock(&self.base.join("lock"))
    }

    /// The same, if nobody holds the lock.
    pub(crate) fn try_lock(&self) -> Result<Option<File>> {
        file_lock::try_lock(&self.base.join("lock"))
    }

    /// Stops the server and removes the cluster with every database in it. The caller holds the
    /// lock.
    pub(crate) fn destroy(&self, world: &World) -> Result<()> {
        self.stop(world)?;
        files::remove_dir(&self.socket_dir)?;
        if let Some(cluster) = self.cluster() {
            self.birth().forget(&cluster.data)?;
            files::remove_dir(&cluster.data)?;
        }
        // In a project, the folder contains more than the server.
        match self.user {
            Some(_) => files::remove_dir(&self.base),
            None => files::remove_file(&self.base.join("server.log")),
        }
    }
}

/// How to reach a database of a running server.
pub(crate) fn target(running: &RunningServer, database: &str) -> Target {
    Target {
        host: Host::Socket(running.socket_dir.clone()),
        port: running.port,
        user: cluster::SUPERUSER.to_owned(),
        // Only its owner can enter the socket's folder.
        password: None,
        database: database.to_owned(),
        tls: Tls { mode: TlsMode::Prefer, root: None, identity: None },
        connect_timeout: Duration::from_secs(10),
        link: Link::default(),
        options: None,
    }
}
