//! A cluster's data folder and its server process.
//!
//! `pg_ctl` is not used: it polls every 100 ms, and starting `postgres` ourselves takes a tenth of
//! the time. `postmaster.pid` is only trusted together with a live process: after a `kill -9` the
//! file still says `ready`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{CausedBy, Failure, LocalServerError, Result};
use crate::world::clock::{pause, stopwatch};
use crate::world::process::{self, User};
use crate::world::server::birth::ClusterRecord;
use crate::world::server::discover::Binaries;
use crate::world::{World, files};

/// The superuser of a private cluster.
pub(super) const SUPERUSER: &str = "postgres";

/// How long a server may take to become ready; recovery after a crash can take a while.
const PATIENCE: Duration = Duration::from_secs(120);

/// The data folder of one major version.
pub(super) struct Cluster {
    base: PathBuf,
    pub(super) data: PathBuf,
    pub(super) major: u32,
}

/// How to start a server.
pub(super) struct StartOptions {
    /// The user to run the server as, if not the current one.
    pub(super) user: Option<User>,
    /// Listen on this port of the loopback interface too. Only a password opens that door, and
    /// a new cluster has none.
    pub(super) tcp_port: Option<u16>,
}

/// A server that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunningServer {
    pub(crate) pid: i32,
    pub(crate) port: u16,
    /// Whether the server listens on TCP too.
    pub(crate) listens: bool,
    pub(crate) socket_dir: PathBuf,
}

impl Cluster {
    pub(super) fn new(base: &Path, major: u32) -> Cluster {
        Cluster { base: base.to_owned(), data: base.join(format!("pg{major}")), major }
    }

    /// Makes a new cluster under a temporary name and gives it its own once it is complete.
    pub(super) fn create(
        base: &Path,
        binaries: &Binaries,
        user: Option<User>,
        birth: &ClusterRecord<'_>,
    ) -> Result<Cluster> {
        let cluster = Cluster::new(base, binaries.major);
        let unfinished = base.join("unfinished");
        files::remove_dir(&unfinished)?;
        let utf8 = ["C.UTF-8", "C"].map(|locale| {
            let locale = format!("--locale={locale}");
            let data = unfinished.display().to_string();
            [
                "-D",
                &data,
                "-U",
                SUPERUSER,
                "-E",
                "UTF8",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--no-instructions",
                &locale,
            ]
            .map(str::to_owned)
        });
        let mut why = String::new();
        for arguments in utf8 {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            match process::run_server_program(&binaries.program("initdb"), &arguments, base, user) {
                Ok(_) => {
                    birth.record(&unfinished, user)?;
                    files::rename(&unfinished, &cluster.data)?;
                    return Ok(cluster);
                }
                // Not every system has C.UTF-8, so the second try uses another locale.
                Err(complaint) => why = complaint,
            }
            files::remove_dir(&unfinished)?;
        }
        Err(LocalServerError::Failed { doing: "be made", why }.into())
    }

    /// The server, if it runs and is ready.
    pub(super) fn running(&self) -> Option<RunningServer> {
        let (running, ready) = self.pid_file()?;
        (ready && process::serves(running.pid, &self.data)).then_some(running)
    }

    /// `postmaster.pid`: pid, data folder, start time, port, socket folder, address, memory key,
    /// state (PostgreSQL source, `utils/pidfile.h`).
    fn pid_file(&self) -> Option<(RunningServer, bool)> {
        let text = files::read_if_there(&self.data.join("postmaster.pid")).ok()??;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let running = RunningServer {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            listens: lines.get(5).is_some_and(|address| !address.is_empty()),
            socket_dir: PathBuf::from(lines.get(4)?),
        };
        Some((running, lines.get(7) == Some(&"ready")))
    }

    /// Starts the server and waits until it answers.
    pub(super) fn start(
        &self,
        world: &World,
        binaries: &Binaries,
        socket_dir: &Path,
        options: &StartOptions,
    ) -> Result<RunningServer> {
        let port = options.tcp_port.unwrap_or(5432);
        self.remove_stale_socket(socket_dir, port)?;
        let log_path = self.base.join("server.log");
        let (log, before) = files::append(&log_path)?;
        let arguments = [
            "-D",
            &self.data.display().to_string(),
            "-k",
            &socket_dir.display().to_string(),
            "-c",
            "unix_socket_permissions=0700",
            "-c",
            if options.tcp_port.is_some() {
                "listen_addresses=127.0.0.1"
            } else {
                "listen_addresses="
            },
            "-p",
            &port.to_string(),
        ];
        let arguments: Vec<String> = arguments.map(str::to_owned).into();
        let failed = |why: String| Failure::from(LocalServerError::Failed { doing: "start", why });
        let mut child = process::spawn_server(
            &binaries.program("postgres"),
            &arguments,
            &self.base,
            options.user,
            log,
        )
        .map_err(|error| failed(error.to_string()).caused_by(error))?;
        let began = stopwatch();
        loop {
            if let Some((running, true)) = self.pid_file()
                && running.pid.unsigned_abs() == child.id()
            {
                return Ok(running);
            }
            let exited =
                child.try_wait().map_err(|error| failed(error.to_string()).caused_by(error))?;
            if exited.is_some() || began.elapsed() > PATIENCE {
                return Err(failed(last_lines(&files::tail(&log_path, before))));
            }
            pause(world, Duration::from_millis(2))?;
        }
    }

    /// A killed server leaves its lock files behind. PostgreSQL ignores them, unless the pid in one
    /// belongs to a zombie or another process by now; then the file is removed here.
    fn remove_stale_socket(&self, socket_dir: &Path, port: u16) -> Result<()> {
        let locks =
            [self.data.join("postmaster.pid"), socket_dir.join(format!(".s.PGSQL.{port}.lock"))];
        for lock in locks {
            let text = files::read_if_there(&lock).ok().flatten().unwrap_or_default();
            let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
            if pid.is_some_and(|pid| process::exists(pid) && !process::serves(pid, &self.data)) {
                files::remove_file(&lock)?;
            }
        }
        Ok(())
    }
}

/// A server writes the reason of a failure at the end of its log.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let start = lines.len().saturating_sub(6);
    match &lines[start..] {
        [] => "it ended without output".to_owned(),
        last => last.join("\n"),
    }
}
