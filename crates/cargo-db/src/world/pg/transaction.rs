//! Transactions whose outcome is determined even if the connection is lost during the commit, or if
//! the project's SQL runs inside.

use std::time::Duration;

use crate::failure::{CausedBy, ConnectionError, Result};
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::pin::Purpose;
use crate::world::pg::session::Session;

/// One session of the server, by which it is known again after its connection was lost.
pub(crate) struct Backend {
    pid: u32,
    condition: String,
}

impl Backend {
    /// The number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }
}

/// Which backend serves a session.
pub(crate) fn backend(session: &mut Session) -> Result<Backend> {
    let sql = "SELECT pid, \
                      format('pid = %s AND backend_start = %L', pid, backend_start) AS condition \
               FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let row = session.one("ask for the session's number", sql)?;
    Ok(Backend { pid: row.number("pid")?, condition: row.text("condition")?.to_owned() })
}

/// Waits up to 30 seconds for a backend to end: until then, its commit may still succeed. Returns a
/// session to check with, or `None` if the server is not back or the backend still runs.
pub(crate) fn after_the_end_of(
    world: &World,
    target: &Target,
    backend: &Backend,
) -> Option<Session> {
    let began = stopwatch();
    while began.elapsed() < Duration::from_secs(30) && world.interrupt.check().is_ok() {
        if let Ok(mut session) = Session::open(world, target, Purpose::Write) {
            let sql = format!("SELECT 1 FROM pg_stat_activity WHERE {}", backend.condition);
            if session.rows("find the lost session", &sql).is_ok_and(|rows| rows.is_empty()) {
                return Some(session);
            }
        }
        pause(world, Duration::from_millis(200)).ok()?;
    }
    None
}

/// A transaction whose outcome is determined even if the connection is lost during its commit.
pub(crate) struct Transaction {
    backend: Backend,
    number: u64,
}

impl Transaction {
    /// Begins one in the session.
    pub(crate) fn begin(session: &mut Session) -> Result<Transaction> {
        let backend = backend(session)?;
        session.run("begin a transaction", "BEGIN")?;
        let number = session.number("number the transaction", "SELECT txid_current()")?;
        Ok(Transaction { backend, number })
    }

    /// Commits it. If the connection is lost, the server is queried after the backend has ended.
    pub(crate) fn commit(self, world: &World, session: &mut Session, subject: &str) -> Result<()> {
        let Err(error) = session.batch_execute("COMMIT") else { return Ok(()) };
        if session.server_error(&error).is_some() {
            return Err(session.failure(&format!("commit {subject}"), error));
        }
        let (target, subject) = (session.target.to_string(), subject.to_owned());
        let unknown =
            || ConnectionError::CommitUnknown { target: target.clone(), subject: subject.clone() };
        let mut looking =
            after_the_end_of(world, &session.target, &self.backend).ok_or_else(unknown)?;
        let question = format!("SELECT txid_status({})", self.number);
        let status = looking.value("ask for the transaction", &question).map_err(|_| unknown())?;
        if status.as_deref() == Some("committed") {
            return Ok(());
        }
        let why = session.describe(&error);
        Err(ConnectionError::Lost { target, subject, why }.caused_by(error))
    }
}

/// The application name while the project's SQL runs in a transaction of the session. It ends like
/// that of every session that writes.
const MARK: &str = concat!("cargo-db/", env!("CARGO_PKG_VERSION"), " in a transaction, write");

/// Gives the session that name, until its transaction ends.
fn marking() -> String {
    format!("SET LOCAL application_name = '{MARK}'")
}

impl Session {
    /// Lends the session to the project's SQL within the open transaction, and marks the
    /// transaction.
    pub(crate) fn lend_transaction(&mut self, limits: &str) -> Result<()> {
        self.lend(&format!("{limits}; {}", marking()))
    }

    /// Begins a transaction for the project's SQL, one statement at a time, and lends the session
    /// to it.
    ///
    /// The server reports the application name whenever it changes, and a SET LOCAL ends with its
    /// transaction. So if the transaction ends, the answer to the statement that ended it shows
    /// this, without a query.
    pub(crate) fn begin_and_lend(&mut self, limits: &str) -> Result<()> {
        self.lend(limits)?;
        self.begin_block()
    }

    /// The same, in a session that was given already.
    pub(crate) fn begin_block(&mut self) -> Result<()> {
        self.run("begin a transaction", &format!("BEGIN; {}", marking()))
    }

    /// Marks the open transaction, in which the project's SQL runs under our settings.
    pub(crate) fn mark_transaction(&mut self) -> Result<()> {
        self.run("mark the transaction", &marking())
    }

    /// Whether the transaction that was begun so is still open.
    pub(crate) fn is_inside(&mut self) -> Result<bool> {
        if self.client.reported("application_name") == Some(MARK) {
            return Ok(true);
        }
        // The SQL may have given the session another name itself. Outside of a transaction, one
        // begins with each message: then these two are one moment.
        let sql =
            "SELECT pg_catalog.now() OPERATOR(pg_catalog.<>) pg_catalog.statement_timestamp()";
        let inside = self.value("find the transaction", sql)?;
        Ok(inside.as_deref() == Some("t"))
    }
}
