//! cargo db behind PgBouncer, which `scripts/pooler` installs: in transaction and statement mode it
//! is recognised and refused before anything is set, in session mode everything works.

#![expect(
    clippy::disallowed_methods,
    reason = "the fence is around the product; a test is a user, and users do such things"
)]

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the other suite needs more of it")]
mod support;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::NoTls;

use support::{Project, Ran, cluster, eventually};

/// One PgBouncer, stopped when dropped.
struct Pooler {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pooler {
    /// In front of the test server. `more` are lines of its configuration.
    fn start(mode: &str, size: usize, more: &str) -> Pooler {
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().unwrap().port();
        let shown = folder.path().display();
        let server = cluster();
        let configuration = format!(
            "[databases]\n* = host={} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\n\
             auth_file = {shown}/users\npool_mode = {mode}\ndefault_pool_size = {size}\n{more}\n",
            server.folder.display(),
            server.port
        );
        std::fs::write(folder.path().join("pgbouncer.ini"), configuration).unwrap();
        std::fs::write(folder.path().join("users"), "\"postgres\" \"\"\n").unwrap();
        everybody_may_read(folder.path());
        let mut command = Command::new("/usr/sbin/pgbouncer");
        command.arg("-q").arg(folder.path().join("pgbouncer.ini"));
        // It does not run as root.
        if rustix::process::geteuid().is_root() {
            command.uid(65534).gid(65534);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().expect("no PgBouncer here: run scripts/pooler");
        let pooler = Pooler { process, port, _folder: folder };
        let url = pooler.url("postgres");
        eventually("the pooler answers", || postgres::Client::connect(&url, NoTls).is_ok());
        pooler
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }
}

fn everybody_may_read(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// What most installations have, because many drivers send such options.
const USUAL: &str = "ignore_startup_parameters = options,extra_float_digits";

fn project(name: &str, pooler: &Pooler) -> Project {
    let mut project = Project::new(name);
    project.set("DATABASE_URL", &pooler.url(name));
    project.migration("1_t.sql", "CREATE TABLE t (id int PRIMARY KEY);");
    project.write("seeds/t.csv", "id\n1\n2\n");
    project
}

/// Every verb that sets anything, or locks.
const VERBS: [&[&str]; 5] =
    [&["migrate"], &["status"], &["seed"], &["backup"], &["env", "set", "test"]];

#[test]
fn transaction_mode_is_refused_by_every_verb_and_nothing_is_left_on_its_connections() {
    for size in [1, 20] {
        let name = format!("po_transaction_{size}");
        let pooler = Pooler::start("transaction", size, USUAL);
        let project = project(&name, &pooler);
        // Connections that an application has been using.
        let mut application = postgres::Client::connect(&pooler.url(&name), NoTls).unwrap();
        let path = |client: &mut postgres::Client| -> String {
            let row = client.query_one("SELECT current_setting('search_path')", &[]).unwrap();
            row.get(0)
        };
        let before = path(&mut application);
        for verb in VERBS {
            let ran = project.db(&[verb, &["--json"]].concat()).code(2);
            assert_eq!(ran.json()["error"]["code"], "CONNECTION.POOLER", "{ran}");
            assert!(ran.stdout.contains("direct URL"), "{ran}");
            assert_eq!(path(&mut application), before, "{verb:?}");
        }
        assert_eq!(cluster().query(&name, "SELECT to_regclass('t')"), [""]);
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(cluster().query(&name, locks), ["0"]);
    }
}

#[test]
fn transaction_mode_is_recognised_while_others_use_the_pool() {
    let pooler = Pooler::start("transaction", 20, USUAL);
    let project = project("po_busy", &pooler);
    let url = pooler.url("po_busy");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let busy: Vec<_> = (0..5)
        .map(|_| {
            let (url, stop) = (url.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut client = postgres::Client::connect(&url, NoTls).unwrap();
                while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                    client.batch_execute("BEGIN; SELECT pg_sleep(0.003); COMMIT").unwrap();
                }
            })
        })
        .collect();
    let codes: Vec<Option<i32>> = (0..10).map(|_| project.db(&["migrate"]).code).collect();
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    busy.into_iter().for_each(|one| one.join().unwrap());
    assert_eq!(codes, [Some(2); 10]);
    assert_eq!(cluster().query("po_busy", "SELECT to_regclass('t')"), [""]);
}

#[test]
fn statement_mode_is_refused() {
    for size in [1, 20] {
        let pooler = Pooler::start("statement", size, USUAL);
        let project = project(&format!("po_statement_{size}"), &pooler);
        for verb in VERBS {
            let ran = project.db(&[verb, &["--json"]].concat()).code(2);
            assert_eq!(ran.json()["error"]["code"], "CONNECTION.POOLER", "{ran}");
        }
    }
}

#[test]
fn session_mode_passes() {
    let pooler = Pooler::start("session", 20, USUAL);
    let project = project("po_session", &pooler);
    for verb in VERBS {
        project.db(verb).ok();
    }
    project.db(&["status", "--check"]).ok();
    assert_eq!(cluster().query("po_session", "SELECT count(*) FROM t"), ["2"]);
}

#[test]
fn a_pool_of_one_is_named_after_a_while_and_not_waited_for_for_ever() {
    let pooler = Pooler::start("session", 1, USUAL);
    let project = project("po_one", &pooler);
    let began = Instant::now();
    let ran = project.db(&["migrate", "--json"]).code(2);
    assert_eq!(ran.json()["error"]["code"], "CONNECTION.POOL_TOO_SMALL", "{ran}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(ran.stdout.contains("direct URL"), "{ran}");
}

#[test]
fn a_url_option_that_does_not_reach_the_server_is_named() {
    let pooler = Pooler::start("session", 20, USUAL);
    let mut project = project("po_option", &pooler);
    let url = format!("{}&options=-csearch_path%3Dapp", pooler.url("po_option"));
    project.set("DATABASE_URL", &url);
    let ran: Ran = project.db(&["migrate", "--json"]).code(2);
    assert_eq!(ran.json()["error"]["code"], "CONNECTION.POOLER", "{ran}");
    assert!(ran.stdout.contains("`search_path`"), "{ran}");
}

#[test]
fn a_pooler_that_refuses_options_is_named() {
    let pooler = Pooler::start("session", 20, "");
    let mut project = project("po_refuses", &pooler);
    let url = format!("{}&options=-csearch_path%3Dapp", pooler.url("po_refuses"));
    project.set("DATABASE_URL", &url);
    let ran = project.db(&["migrate", "--json"]).code(2);
    assert_eq!(ran.json()["error"]["code"], "CONNECTION.POOLER", "{ran}");
}
