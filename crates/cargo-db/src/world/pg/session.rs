//! One connection: opened for a purpose that the server can see, cancelled when a signal comes,
//! and with errors that name what was being done.

use std::io::{BufRead, BufReader};
use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::failure::{CausedBy, ConnectionError, DatabaseError, Failure, Result};
use crate::model::event::Event;
use crate::model::statement::ServerError;
use crate::model::target::{Host, Target, TlsMode};
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::row::{Row, unexpected};
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
                // A ROLLBACK of ours that had nothing to roll back.
                if *notice.code() == SqlState::NO_ACTIVE_SQL_TRANSACTION {
                    return;
                }
                let (severity, message) =
                    (notice.severity().to_owned(), notice.message().to_owned());
                events(Event::Notice { severity, message });
            });
        }
        let plain = target.tls.mode == TlsMode::Disable || matches!(target.host, Host::Socket(_));
        let (client, cancel): (_, Box<dyn Fn() + Send>) = if plain {
            let client = config.connect(NoTls).map_err(|error| cannot_connect(target, error))?;
            let token = client.cancel_token();
            // A cancel that fails leaves the statement running; the second signal is for that.
            (client, Box::new(move || drop(token.cancel_query(NoTls))))
        } else {
            let connector = tls::connector(&target.tls)?;
            let client =
                config.connect(connector.clone()).map_err(|error| cannot_connect(target, error))?;
            let token = client.cancel_token();
            (client, Box::new(move || drop(token.cancel_query(connector.clone()))))
        };
        world.sessions.opens(target);
        let guard = world.interrupt.on_signal(cancel);
        let mut session = Session { client, target: target.clone(), _cancel: guard };
        if purpose == Purpose::Lock {
            // It does nothing for as long as the run lasts, and some servers end such sessions.
            // Servers before 14 know no such setting.
            let sql = "SELECT set_config(name, '0', false) FROM pg_settings \
                       WHERE name = 'idle_session_timeout'";
            session.run("keep the session of the lock", sql)?;
        }
        Ok(session)
    }

    /// Runs statements whose results nobody wants.
    pub(crate) fn run(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| self.failure(doing, error))
    }

    /// The rows of one statement.
    pub(crate) fn rows(&mut self, doing: &str, sql: &str) -> Result<Vec<Row>> {
        Ok(self.result_sets(doing, sql)?.pop().unwrap_or_default())
    }

    /// The only row of one statement.
    pub(crate) fn one(&mut self, doing: &str, sql: &str) -> Result<Row> {
        only_row(doing, self.rows(doing, sql)?)
    }

    /// The row of one statement that gives one or none.
    pub(crate) fn optional(&mut self, doing: &str, sql: &str) -> Result<Option<Row>> {
        let rows = self.rows(doing, sql)?;
        if rows.is_empty() { Ok(None) } else { only_row(doing, rows).map(Some) }
    }

    /// The only column of the rows of one statement; NULLs are left out.
    pub(crate) fn column(&mut self, doing: &str, sql: &str) -> Result<Vec<String>> {
        let rows = self.rows(doing, sql)?;
        let texts = rows.iter().map(|row| Ok(row.only()?.map(str::to_owned)));
        texts.filter_map(Result::transpose).collect()
    }

    /// The only value of one statement that gives one row or none; `None` also where it is NULL.
    pub(crate) fn value(&mut self, doing: &str, sql: &str) -> Result<Option<String>> {
        match self.optional(doing, sql)? {
            Some(row) => Ok(row.only()?.map(str::to_owned)),
            None => Ok(None),
        }
    }

    /// The only value of one statement: a number that is never NULL.
    pub(crate) fn number<T: FromStr>(&mut self, doing: &str, sql: &str) -> Result<T> {
        let row = self.one(doing, sql)?;
        let text = row.only()?.ok_or_else(|| row.unexpected("the value is NULL"))?;
        row.parse("the value", text)
    }

    /// The major version of the server.
    pub(crate) fn server_major(&mut self) -> Result<u32> {
        let sql = "SELECT current_setting('server_version_num')::int / 10000";
        self.number("ask for the version", sql)
    }

    /// The rows of each of `N` statements, in one round trip. Statements without rows give an
    /// empty set.
    pub(crate) fn sets<const N: usize>(&mut self, doing: &str, sql: &str) -> Result<[Vec<Row>; N]> {
        let sets = self.result_sets(doing, sql)?;
        let wrong = |sets: Vec<_>| unexpected(doing, &format!("{} answers, not {N}", sets.len()));
        sets.try_into().map_err(wrong)
    }

    /// The same, where their number is not known beforehand.
    pub(crate) fn result_sets(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Row>>> {
        let messages = self.client.simple_query(sql).map_err(|error| self.failure(doing, error))?;
        let doing = Arc::from(doing);
        let mut sets = vec![Vec::new()];
        for message in messages {
            match message {
                SimpleQueryMessage::Row(row) => {
                    if let Some(set) = sets.last_mut() {
                        set.push(Row::new(&doing, row));
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
                            return Err(
                                ConnectionError::Lost { target, subject, why }.caused_by(error)
                            );
                        }
                    }
                }
            }
        };
        Err(self.failure(doing, error))
    }

    /// The failure that an error of this session is, while `doing` something.
    pub(crate) fn failure(&self, doing: &str, error: postgres::Error) -> Failure {
        match server_error(&error) {
            Some(server) => {
                DatabaseError::Sql { doing: format!("cannot {doing}"), server: Box::new(server) }
                    .caused_by(error)
            }
            None => {
                let (target, why) = (self.target.to_string(), describe(&error));
                ConnectionError::Lost { target, subject: format!("the attempt to {doing}"), why }
                    .caused_by(error)
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
            "-cstandard_conforming_strings=on -cdefault_transaction_read_only=on -cjit=off \
             -crow_security=off \
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

/// What a server says that ends sessions, or takes none.
const ENDED: [SqlState; 4] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::IDLE_SESSION_TIMEOUT,
];

/// What the server said; `None` where it was not the server that failed. A server that ends a
/// session says so, and so does a pooler that lost its server: both are lost connections.
pub(crate) fn server_error(error: &postgres::Error) -> Option<ServerError> {
    let said = error.as_db_error()?;
    let fatal = matches!(said.severity(), "FATAL" | "PANIC");
    // Class 08 is about connections.
    if fatal || said.code().code().starts_with("08") || ENDED.contains(said.code()) {
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

/// The only row of an answer.
pub(crate) fn only_row(doing: &str, rows: Vec<Row>) -> Result<Row> {
    let count = rows.len();
    match <[Row; 1]>::try_from(rows) {
        Ok([row]) => Ok(row),
        Err(_) => Err(unexpected(doing, &format!("{count} rows, not one"))),
    }
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
    let sql = "SELECT pid, \
                      format('pid = %s AND backend_start = %L', pid, backend_start) AS condition \
               FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let row = session.one("ask for the session's number", sql)?;
    Ok(Backend { pid: row.number("pid")?, condition: row.text("condition")?.to_owned() })
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

/// A transaction of which it is known how it ended, also where the connection is lost while its
/// commit is on its way.
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

    /// Commits it. Where the connection is lost, the server is asked once the backend has ended.
    pub(crate) fn commit(self, world: &World, session: &mut Session, subject: &str) -> Result<()> {
        let Err(error) = session.batch_execute("COMMIT") else { return Ok(()) };
        if server_error(&error).is_some() {
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
        Err(ConnectionError::Lost { target, subject, why: describe(&error) }.caused_by(error))
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

fn cannot_connect(target: &Target, error: postgres::Error) -> Failure {
    let code = error.code().map(|code| code.code().to_owned());
    let why = match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => describe(&error),
    };
    ConnectionError::Failed { target: target.to_string(), why, code }.caused_by(error)
}
