//! One connection: opened for a purpose that the server can see, cancelled when a signal comes,
//! and with errors that name what was being done.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::failure::{Failure, Kind, Result, ServerError};
use crate::model::event::Event;
use crate::model::target::{Host, Target, TlsMode};
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::tls;
use crate::world::signal::CancelGuard;

/// What a connection is for: the end of its `application_name`, and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Reads. The server itself refuses any write in it.
    Read,
    /// Changes the database.
    Write,
    /// Holds the lock of a run and does nothing else.
    Lock,
}

impl Purpose {
    /// As other sessions see it.
    pub(crate) fn application_name(self) -> String {
        let name = match self {
            Purpose::Read => "read",
            Purpose::Write => "write",
            Purpose::Lock => "lock",
        };
        format!("cargo-db/{} {name}", env!("CARGO_PKG_VERSION"))
    }
}

/// How many sessions this process opened, by database.
static OPENED: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());

/// How many sessions this process has opened in a database.
pub(crate) fn opened_in(database: &str) -> u64 {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner).get(database).copied().unwrap_or(0)
}

/// Takes note of a session that we, or a program of ours, open there.
pub(crate) fn opens_another_in(database: &str) {
    *OPENED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(database.to_owned())
        .or_default() += 1;
}

/// A row as text; `None` is NULL.
pub(crate) type Row = Vec<Option<String>>;

/// A connection to a target.
pub(crate) struct Session {
    client: Client,
    pub(crate) target: Target,
    _cancel: CancelGuard,
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl Session {
    /// Connects.
    pub(crate) fn open(world: &World, target: &Target, purpose: Purpose) -> Result<Session> {
        let mut config = configuration(target, purpose);
        if purpose == Purpose::Write {
            let events = world.events.clone();
            config.notice_callback(move |notice| {
                // 25P01: a ROLLBACK of ours that had nothing to roll back.
                if notice.code().code() == "25P01" {
                    return;
                }
                let (severity, message) =
                    (notice.severity().to_owned(), notice.message().to_owned());
                events(Event::Notice { severity, message });
            });
        }
        let plain = target.tls.mode == TlsMode::Disable || matches!(target.host, Host::Socket(_));
        let (client, cancel): (_, Box<dyn Fn() + Send>) = if plain {
            let client = config.connect(NoTls).map_err(|error| cannot_connect(target, &error))?;
            let token = client.cancel_token();
            // A cancel that fails leaves the statement running; the second signal is for that.
            (client, Box::new(move || drop(token.cancel_query(NoTls))))
        } else {
            let connector = tls::connector(&target.tls)?;
            let client = config
                .connect(connector.clone())
                .map_err(|error| cannot_connect(target, &error))?;
            let token = client.cancel_token();
            (client, Box::new(move || drop(token.cancel_query(connector.clone()))))
        };
        opens_another_in(&target.database);
        let guard = world.interrupt.on_signal(cancel);
        let mut session = Session { client, target: target.clone(), _cancel: guard };
        if purpose == Purpose::Lock {
            // It does nothing for as long as the run lasts, and some servers end such sessions.
            // Servers before 14 know no such setting.
            let sql = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";
            session.run("keep the session of the lock", sql)?;
        }
        Ok(session)
    }

    /// Runs statements whose results nobody wants.
    pub(crate) fn run(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| self.failure(doing, &error))
    }

    /// The rows of one statement, as text.
    pub(crate) fn rows(&mut self, doing: &str, sql: &str) -> Result<Vec<Row>> {
        Ok(self.result_sets(doing, sql)?.pop().unwrap_or_default())
    }

    /// The first column of the rows of one statement; NULLs are left out.
    pub(crate) fn column(&mut self, doing: &str, sql: &str) -> Result<Vec<String>> {
        Ok(self
            .rows(doing, sql)?
            .into_iter()
            .filter_map(|row| row.into_iter().next().flatten())
            .collect())
    }

    /// The first column of the first row; `None` where there is none, or it is NULL.
    pub(crate) fn value(&mut self, doing: &str, sql: &str) -> Result<Option<String>> {
        Ok(self
            .rows(doing, sql)?
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next().flatten()))
    }

    /// The rows of each of several statements, in one round trip. Statements without rows give
    /// an empty set.
    pub(crate) fn result_sets(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Row>>> {
        let messages =
            self.client.simple_query(sql).map_err(|error| self.failure(doing, &error))?;
        let mut sets = vec![Vec::new()];
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => {
                    let columns = (0..row.len()).map(|index| row.get(index).map(str::to_owned));
                    if let Some(set) = sets.last_mut() {
                        set.push(columns.collect());
                    }
                }
                SimpleQueryMessage::CommandComplete(_) => sets.push(Vec::new()),
                _ => {}
            }
        }
        sets.pop();
        Ok(sets)
    }

    /// Hands out the lines of a `COPY … TO stdout`, one after the other.
    pub(crate) fn copy_out_lines(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let error = match self.client.copy_out(statement) {
            Err(error) => error,
            Ok(reader) => {
                let mut reader = BufReader::with_capacity(64 * 1024, reader);
                let mut line = Vec::new();
                loop {
                    line.clear();
                    match reader.read_until(b'\n', &mut line) {
                        Ok(0) => return Ok(()),
                        Ok(_) => each(&line),
                        Err(error) => {
                            let (target, why) = (self.target.to_string(), error.to_string());
                            let subject = format!("the attempt to {doing}");
                            return Err(Kind::ConnectionLost { target, subject, why }.into());
                        }
                    }
                }
            }
        };
        Err(self.failure(doing, &error))
    }

    /// The failure that an error of this session is, while `doing` something.
    pub(crate) fn failure(&self, doing: &str, error: &postgres::Error) -> Failure {
        match server_error(error) {
            Some(server) => {
                Kind::Sql { doing: format!("cannot {doing}"), server: Box::new(server) }.into()
            }
            None => {
                let (target, why) = (self.target.to_string(), describe(error));
                Kind::ConnectionLost { target, subject: format!("the attempt to {doing}"), why }
                    .into()
            }
        }
    }
}

fn configuration(target: &Target, purpose: Purpose) -> Config {
    let mut config = Config::new();
    match &target.host {
        Host::Socket(folder) => config.host_path(folder),
        Host::Name(name) => config.host(name),
    };
    config
        .port(target.port)
        .user(&target.user)
        .dbname(&target.database)
        .application_name(&purpose.application_name())
        .connect_timeout(target.connect_timeout)
        .ssl_mode(match target.tls.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
    if matches!(target.host, Host::Socket(_)) {
        config.ssl_mode(SslMode::Disable);
    }
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    // Ours stand last and win. They are part of the start, so that `RESET ALL` returns to them.
    let ours = match purpose {
        Purpose::Read => {
            "-cstandard_conforming_strings=on -cdefault_transaction_read_only=on -cjit=off -crow_security=off \
             -cidle_in_transaction_session_timeout=0"
        }
        // A role may have settings of its own that would end a long run.
        Purpose::Write | Purpose::Lock => {
            "-cstandard_conforming_strings=on -cidle_in_transaction_session_timeout=0"
        }
    };
    let options: Vec<&str> = target.options.as_deref().into_iter().chain([ours]).collect();
    config.options(&options.join(" "));
    config
}

/// What the server said; `None` where it was not the server that failed. A server that ends a
/// session says so, and so does a pooler that lost its server: both are lost connections.
pub(crate) fn server_error(error: &postgres::Error) -> Option<ServerError> {
    let said = error.as_db_error()?;
    let code = said.code().code();
    let fatal = matches!(said.severity(), "FATAL" | "PANIC");
    if fatal || code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P03" | "57P05") {
        return None;
    }
    Some(ServerError {
        code: Some(said.code().code().to_owned()),
        message: said.message().to_owned(),
        detail: said.detail().map(str::to_owned),
        hint: said.hint().map(str::to_owned),
        context: said.where_().map(str::to_owned),
        position: match said.position() {
            Some(postgres::error::ErrorPosition::Original(position)) => Some(*position),
            _ => None,
        },
    })
}

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
    let sql = "SELECT pid, format('pid = %s AND backend_start = %L', pid, backend_start) \
               FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let row =
        session.rows("ask for the session's number", sql)?.into_iter().next().unwrap_or_default();
    match row.as_slice() {
        [Some(pid), Some(condition)] => {
            Ok(Backend { pid: pid.parse().unwrap_or(0), condition: condition.clone() })
        }
        _ => Err(Kind::Bug { what: "a session has no number".to_owned() }.into()),
    }
}

/// Waits, for as long as half a minute, until a backend has ended: until then a commit that it
/// was asked for may still come through. Returns a session to look with, or nothing where the
/// server did not come back or the backend is still at work.
pub(crate) fn after_the_end_of(
    world: &World,
    target: &Target,
    backend: &Backend,
) -> Option<Session> {
    let began = stopwatch();
    while began.elapsed() < Duration::from_secs(30) && world.interrupt.check().is_ok() {
        if let Ok(mut session) = Session::open(world, target, Purpose::Write) {
            let sql = format!("SELECT 1 FROM pg_stat_activity WHERE {}", backend.condition);
            if session.rows("look for the lost session", &sql).is_ok_and(|rows| rows.is_empty()) {
                return Some(session);
            }
        }
        pause(world, Duration::from_millis(200)).ok()?;
    }
    None
}

/// A transaction of which it is known how it ended, also where the connection is lost while its commit
/// is on its way.
pub(crate) struct Transaction {
    backend: Backend,
    number: String,
}

impl Transaction {
    /// Begins one in the session.
    pub(crate) fn begin(session: &mut Session) -> Result<Transaction> {
        let backend = backend(session)?;
        session.run("begin a transaction", "BEGIN")?;
        let number =
            session.value("number the transaction", "SELECT txid_current()")?.unwrap_or_default();
        Ok(Transaction { backend, number })
    }

    /// Commits it. Where the connection is lost, the server is asked once the backend has ended.
    pub(crate) fn commit(self, world: &World, session: &mut Session, subject: &str) -> Result<()> {
        let Err(error) = session.batch_execute("COMMIT") else { return Ok(()) };
        if server_error(&error).is_some() {
            return Err(session.failure(&format!("commit {subject}"), &error));
        }
        let (target, subject) = (session.target.to_string(), subject.to_owned());
        let unknown = || Kind::CommitUnknown { target: target.clone(), subject: subject.clone() };
        let mut looking =
            after_the_end_of(world, &session.target, &self.backend).ok_or_else(unknown)?;
        let question = format!("SELECT txid_status({})", self.number);
        let status = looking.value("ask for the transaction", &question).map_err(|_| unknown())?;
        if status.as_deref() == Some("committed") {
            return Ok(());
        }
        Err(Kind::ConnectionLost { target, subject, why: describe(&error) }.into())
    }
}

/// An error with what it came from; the client's own words are only half of the story.
pub(crate) fn describe(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}

fn cannot_connect(target: &Target, error: &postgres::Error) -> Failure {
    let code = error.code().map(|code| code.code().to_owned());
    let why = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => describe(error),
    };
    Kind::CannotConnect { target: target.to_string(), why, code }.into()
}
