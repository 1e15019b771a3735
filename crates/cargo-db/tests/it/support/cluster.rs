//! One PostgreSQL for the whole test binary, removed when the binary ends.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use postgres::{Client, NoTls, SimpleQueryMessage};

/// The password of `postgres` over TCP. No output may ever hold it.
pub(crate) const PASSWORD: &str = "hush-hush-7";

pub(crate) struct Cluster {
    /// Data, sockets and certificates.
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    /// Held open: when this process ends, however it ends, the watcher stops the server.
    _alive: Mutex<ChildStdin>,
}

/// The folder of `initdb` and `postgres`. Tests without a PostgreSQL fail; none is skipped.
pub(crate) fn binaries() -> PathBuf {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    let find = || {
        if let Some(named) = std::env::var_os("CARGO_DB_TEST_PG_BIN") {
            return PathBuf::from(named);
        }
        let mut found: Vec<PathBuf> = glob::glob("/usr/lib/postgresql/*/bin/initdb")
            .expect("a pattern")
            .chain(glob::glob("/opt/homebrew/opt/postgresql*/bin/initdb").expect("a pattern"))
            .flatten()
            .collect();
        found.sort();
        let newest = found
            .pop()
            .expect("no PostgreSQL here: run scripts/setup, or set CARGO_DB_TEST_PG_BIN");
        newest.parent().expect("a folder").to_owned()
    };
    FOUND.get_or_init(find).clone()
}

/// The cluster of this process.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::null());
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = postgres_user();
        command.uid(uid).gid(gid);
    }
    command
}

fn postgres_user() -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let entry = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().expect("a number"));
        Some((numbers.next()?, numbers.next()?))
    };
    entry("postgres").or_else(|| entry("nobody")).expect("a user to run PostgreSQL as")
}

impl Cluster {
    /// Starts a separate server, with fsync off: its data is temporary.
    pub(crate) fn start() -> Cluster {
        let folder = tempfile::Builder::new()
            .prefix("cargo-db-pg-")
            .tempdir_in("/tmp")
            .expect("a folder")
            .keep();
        let give_away = |path: &Path| {
            if rustix::process::geteuid().is_root() {
                let (uid, gid) = postgres_user();
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).expect("chown");
            }
        };
        give_away(&folder);
        let data = folder.join("data");
        let initdb = as_postgres(&binaries().join("initdb"))
            .args([
                "-U",
                "postgres",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C",
            ])
            .args(["--no-sync", "-D"])
            .arg(&data)
            .stderr(Stdio::inherit())
            .status();
        assert!(initdb.expect("initdb runs").success());
        certificates(&folder, give_away);

        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("its number")
            .port();
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let shown = |name: &str| folder.join(name).display().to_string();
        #[expect(
            clippy::zombie_processes,
            reason = "the watcher stops it, after this process is gone"
        )]
        as_postgres(&binaries().join("postgres"))
            .arg("-F")
            .arg("-D")
            .arg(&data)
            .args(["-k", &shown(""), "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "ssl=on", "-c", &format!("ssl_cert_file={}", shown("server.crt"))])
            .args([
                "-c",
                &format!("ssl_key_file={}", shown("server.key")),
                "-c",
                "max_connections=60",
            ])
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("postgres starts");
        let script = format!(
            "cat >/dev/null; kill -INT $(head -1 '{0}/data/postmaster.pid'); sleep 1; rm -rf '{0}'",
            folder.display()
        );
        let mut watcher = Command::new("sh");
        #[expect(clippy::zombie_processes, reason = "it ends when this process has ended")]
        let mut watcher = watcher
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("sh");
        let alive = Mutex::new(watcher.stdin.take().expect("a pipe"));
        let cluster = Cluster { folder, port, _alive: alive };
        eventually("the test server answers", || cluster.try_connect("postgres").is_ok());
        cluster.run("postgres", &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'"));
        cluster
    }

    /// A URL over the socket, without a password.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost:{}/{database}?host={}",
            self.port,
            self.folder.display()
        )
    }

    /// A URL over TCP, with the password.
    pub(crate) fn tcp_url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server as a power cut would, and starts it again.
    pub(crate) fn crash_and_restart(&self) {
        let data = self.folder.join("data");
        let mut command = as_postgres(&binaries().join("pg_ctl"));
        command
            .arg("-D")
            .arg(data)
            .args(["-m", "immediate", "-w", "-s", "-l"])
            .arg(self.folder.join("log2"));
        assert!(command.arg("restart").status().expect("pg_ctl runs").success());
        eventually("the test server answers again", || self.try_connect("postgres").is_ok());
    }

    /// Kills the server's main process, as the OOM killer does, and starts it again once all others
    /// have ended.
    pub(crate) fn kill_and_restart(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let pid = pid.ok().and_then(|text| text.lines().next()?.parse().ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw).expect("its number");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a kill");
        // Until it is waited for, a child that has ended counts as one that runs.
        let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
        eventually("the test server starts again", || self.restart());
        eventually("the test server answers again", || self.try_connect("postgres").is_ok());
    }

    /// Whether the server could be started again, with the options that it had.
    fn restart(&self) -> bool {
        let mut command = as_postgres(&binaries().join("pg_ctl"));
        command.arg("-D").arg(self.folder.join("data")).args(["-w", "-s", "-l"]);
        command.arg(self.folder.join("log2")).arg("restart").stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn try_connect(&self, database: &str) -> Result<Client, postgres::Error> {
        let folder = self.folder.display();
        Client::connect(
            &format!("host={folder} port={} user=postgres dbname={database}", self.port),
            NoTls,
        )
    }

    /// Connects. While a database is renamed, it does not exist for a moment: the server may still
    /// be committing the swap of a killed run.
    pub(crate) fn connect(&self, database: &str) -> Client {
        let changes_hands = |error: &postgres::Error| {
            let detail = error.as_db_error().and_then(|error| error.detail());
            detail.is_some_and(|detail| detail.contains("dropped or renamed"))
        };
        for _ in 0..20 {
            match self.try_connect(database) {
                Err(error) if changes_hands(&error) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                connected => return connected.expect("a connection"),
            }
        }
        self.try_connect(database).expect("a connection")
    }

    pub(crate) fn run(&self, database: &str, sql: &str) {
        self.connect(database).batch_execute(sql).expect("SQL that works");
    }

    pub(crate) fn query(&self, database: &str, sql: &str) -> Vec<String> {
        let messages = self.connect(database).simple_query(sql).expect("SQL that works");
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let columns: Vec<&str> =
                    (0..row.len()).map(|index| row.get(index).unwrap_or("")).collect();
                Some(columns.join("|"))
            }
            _ => None,
        });
        rows.collect()
    }

    /// The major version of the server.
    pub(crate) fn major(&self) -> u32 {
        let version = self.query("postgres", "SHOW server_version_num");
        version[0].parse::<u32>().expect("a number") / 10_000
    }

    /// Ends every session but ours in a database, as a stopping server would.
    pub(crate) fn end_sessions(&self, database: &str) {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        self.query("postgres", &sql);
    }
}

/// An authority, and a certificate for `localhost` that it signed.
fn certificates(folder: &Path, give_away: impl Fn(&Path)) {
    let authority_key = rcgen::KeyPair::generate().expect("a key");
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).expect("an authority");
    let issuer = rcgen::Issuer::from_params(&parameters, &authority_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let server = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let server = server.signed_by(&key, &issuer).expect("a certificate");
    let stranger =
        parameters.self_signed(&rcgen::KeyPair::generate().expect("a key")).expect("a stranger");
    let files = [
        ("ca.crt", authority.pem()),
        ("other-ca.crt", stranger.pem()),
        ("server.crt", server.pem()),
        ("server.key", key.serialize_pem()),
    ];
    for (name, text) in files {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        give_away(&path);
    }
}

/// Waits until something holds; panics when it does not for half a minute.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("waited half a minute, and it never held: {what}");
}
