//! One connection: opened for a purpose that the server can see, cancelled when a signal comes,
//! and with errors that name what was being done.

use std::ops::{Deref, DerefMut};
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
                let (severity, message) = (notice.severity().to_owned(), notice.message().to_owned());
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
            let client = config.connect(connector.clone()).map_err(|error| cannot_connect(target, &error))?;
            let token = client.cancel_token();
            (client, Box::new(move || drop(token.cancel_query(connector.clone()))))
        };
        let guard = world.interrupt.on_signal(cancel);
        let mut session = Session { client, target: target.clone(), _cancel: guard };
        if purpose == Purpose::Lock {
            // It does nothing for as long as the run lasts, and some servers end such sessions.
            // Servers before 14 know no such setting.
            let sql =
                "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'";
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

    /// The rows of each of several statements, in one round trip. Statements without rows give
    /// an empty set.
    pub(crate) fn result_sets(&mut self, doing: &str, sql: &str) -> Result<Vec<Vec<Row>>> {
        let messages = self.client.simple_query(sql).map_err(|error| self.failure(doing, &error))?;
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

    /// The failure that an error of this session is, while `doing` something.
    pub(crate) fn failure(&self, doing: &str, error: &postgres::Error) -> Failure {
        match server_error(error) {
            Some(server) => Kind::Sql { doing: format!("cannot {doing}"), server: Box::new(server) }.into(),
            None => {
                let (target, why) = (self.target.to_string(), describe(error));
                Kind::ConnectionLost { target, subject: format!("the attempt to {doing}"), why }.into()
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
            "-cstandard_conforming_strings=on -cdefault_transaction_read_only=on -cjit=off -crow_security=off"
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

/// How a transaction ended whose session was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Committed,
    RolledBack,
    /// The server did not come back, or the transaction was still on its way.
    Unknown,
}

/// Begins a transaction and returns its number, by which [`outcome`] can ask for it later.
pub(crate) fn begin(session: &mut Session) -> Result<String> {
    let sets = session.result_sets("begin a transaction", "BEGIN; SELECT txid_current()")?;
    let number = sets.into_iter().flatten().flatten().next().flatten();
    number.ok_or_else(|| Kind::Bug { what: "a transaction has no number".to_owned() }.into())
}

/// Asks, for as long as half a minute, how the transaction with this number ended.
pub(crate) fn outcome(world: &World, target: &Target, transaction: &str) -> Outcome {
    let began = stopwatch();
    while began.elapsed() < Duration::from_secs(30) && world.interrupt.check().is_ok() {
        let sql = format!("SELECT txid_status({transaction})");
        let asked =
            Session::open(world, target, Purpose::Read).and_then(|mut session| session.rows("ask", &sql));
        match asked.ok().and_then(|rows| rows.first()?[0].clone()).as_deref() {
            Some("committed") => return Outcome::Committed,
            Some("aborted") => return Outcome::RolledBack,
            // Still in progress, or the server is not back.
            _ => {}
        }
        if pause(world, Duration::from_millis(200)).is_err() {
            break;
        }
    }
    Outcome::Unknown
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
