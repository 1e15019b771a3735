//! One connection: opened for a purpose that the server can see, cancelled by signals, with errors
//! that name the operation.

use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{ChannelBinding, SslMode, TargetSessionAttrs};
use postgres::error::SqlState;
use postgres::{NoTls, SimpleQueryMessage};
use tokio_postgres::Config;

use crate::failure::{CausedBy, ConnectionError, DatabaseError, Failure, Kind, Result};
use crate::model::event::Event;
use crate::model::link::{Binding, Link};
use crate::model::statement::ServerError;
use crate::model::target::{Host, Target, TlsMode};
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::mask::Mask;
use crate::world::pg::client::{self, Client, Notices};
use crate::world::pg::pin::{BYTES, Pin, Purpose, SearchPath};
use crate::world::pg::row::{Row, unexpected};
use crate::world::pg::{pooler, tls};
use crate::world::signal::CancelGuard;

/// A connection to a target. Our own SQL runs under our settings; for the project's SQL, its
/// settings are restored: see [`Pin`].
pub(crate) struct Session {
    pub(super) client: Client,
    pub(super) pin: Pin,
    pub(crate) target: Target,
    /// Hides the password in messages of the server.
    pub(super) mask: Mask,
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
        let (client, cancel) = dial_patiently(world, target, purpose)?;
        world.sessions.opens(target);
        let pin = Pin::of(&client, purpose);
        let guard = world.interrupt.on_signal(cancel);
        let (target, mask) = (target.clone(), Mask::of_target(target));
        let mut session = Session { client, pin, target, mask, _cancel: guard };
        session.begin()?;
        Ok(session)
    }

    /// Stores the search path that the session came with, and applies our settings.
    fn begin(&mut self) -> Result<()> {
        let sql = format!(
            "SELECT pg_catalog.unnest(pg_catalog.current_schemas(true)) AS schema; {}",
            self.pin.ours
        );
        let sets = self.result_sets("begin the session", &sql)?;
        let path = sets.first().into_iter().flatten().map(|row| Ok(row.text("schema")?.to_owned()));
        self.pin.path = SearchPath(path.collect::<Result<_>>()?);
        Ok(())
    }

    /// Fails where a pooler before the target lends its connections out.
    pub(crate) fn refuse_pooler(world: &World, target: &Target) -> Result<()> {
        let (of_thread, sessions) = (target.clone(), world.sessions.clone());
        pooler::probe(world, target, move || {
            let (client, _) =
                dial(&of_thread, &configuration(&of_thread, Purpose::Read), Box::new(|_| {}))?;
            sessions.opens(&of_thread);
            Ok(client)
        })?;
        world.sessions.found_direct(target);
        Ok(())
    }

    /// Fails if this session and another one are not separate sessions of the server.
    pub(crate) fn is_apart_from(&mut self, other: &mut Session) -> Result<()> {
        pooler::check_distinct_sessions(&self.target, &mut self.client, &mut other.client)
    }

    /// Runs statements and ignores their results.
    pub(crate) fn run(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(|error| self.failure(doing, error))
    }

    /// Runs a text that has to be one statement: the server rejects two.
    pub(crate) fn statement(&mut self, doing: &str, sql: &str) -> Result<()> {
        self.client.execute(sql).map_err(|error| self.failure(doing, error))
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
        let texts = rows.iter().map(|row| Ok(row.sole()?.map(str::to_owned)));
        texts.filter_map(Result::transpose).collect()
    }

    /// The single value of a statement that returns at most one row; `None` also for NULL.
    pub(crate) fn value(&mut self, doing: &str, sql: &str) -> Result<Option<String>> {
        match self.optional(doing, sql)? {
            Some(row) => Ok(row.sole()?.map(str::to_owned)),
            None => Ok(None),
        }
    }

    /// The only value of one statement: a number that is never NULL.
    pub(crate) fn number<T: FromStr>(&mut self, doing: &str, sql: &str) -> Result<T> {
        let row = self.one(doing, sql)?;
        let text = row.sole()?.ok_or_else(|| row.unexpected("the value is NULL"))?;
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
        if self.pin.encoding == BYTES && !sets.iter().flatten().all(Row::is_text) {
            return Err(self.not_text());
        }
        Ok(sets)
    }

    /// The failure that bytes are which no encoding gives a meaning, with the first object that has
    /// them in its name.
    fn not_text(&mut self) -> Failure {
        let named = self.names_of_bytes("true").unwrap_or_default().into_iter().next();
        let object = named.unwrap_or("a value that was read".to_owned());
        DatabaseError::NotText { database: self.target.database.clone(), object }.into()
    }

    /// Refuses a database that contains a name that is not UTF-8: messages could not show it, and
    /// no statement could use it. Of the roles, those have to do with it that own something or are
    /// granted something, or `all_roles`.
    pub(crate) fn refuse_names_of_bytes(&mut self, all_roles: bool) -> Result<()> {
        if self.pin.encoding != BYTES {
            return Ok(());
        }
        let roles = if all_roles { "true" } else { include_str!("sql/roles_of_database.sql") };
        let names =
            self.names_of_bytes(roles).map_err(|error| self.failure("list the names", error))?;
        match names.into_iter().find(|name| !name.starts_with("value of an enum ")) {
            Some(object) => {
                let database = self.target.database.clone();
                Err(DatabaseError::NotText { database, object }.into())
            }
            None => Ok(()),
        }
    }

    /// The objects and roles whose names are not valid UTF-8.
    fn names_of_bytes(&mut self, roles: &str) -> std::result::Result<Vec<String>, postgres::Error> {
        let sql = format!(include_str!("sql/names.sql"), roles = roles);
        let messages = self.client.simple_query(&sql)?;
        let names = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).filter(|name| !is_utf8(name)),
            _ => None,
        });
        Ok(names.map(str::to_owned).collect())
    }

    /// Passes on the lines of a `COPY … TO stdout`, one after the other.
    pub(crate) fn copy_out_lines(
        &mut self,
        doing: &str,
        statement: &str,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let copied = self.client.copy_out(statement, each);
        copied.map_err(|error| self.failure(doing, error))
    }

    /// The failure that an error of this session is, while `doing` something.
    pub(crate) fn failure(&self, doing: &str, error: postgres::Error) -> Failure {
        match self.server_error(&error) {
            Some(server) => {
                DatabaseError::Sql { doing: format!("cannot {doing}"), server: Box::new(server) }
                    .caused_by(error)
            }
            None => {
                let (target, why) = (self.target.to_string(), self.describe(&error));
                ConnectionError::Lost { target, subject: format!("the attempt to {doing}"), why }
                    .caused_by(error)
            }
        }
    }

    /// The error that the server reported; see [`server_error`].
    pub(crate) fn server_error(&self, error: &postgres::Error) -> Option<ServerError> {
        server_error(&self.mask, error)
    }

    /// An error of this session, in words.
    pub(crate) fn describe(&self, error: &postgres::Error) -> String {
        describe(&self.mask, error)
    }

    /// The text with the session's password masked.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.mask.hide(text)
    }
}

/// Whether a text with bytes that PostgreSQL escaped, such as `\374`, is valid UTF-8 when
/// unescaped.
fn is_utf8(escaped: &str) -> bool {
    let mut bytes = Vec::new();
    let mut rest = escaped;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        match after.get(..3).and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => rest = after.strip_prefix('\\').unwrap_or(after),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    std::str::from_utf8(&bytes).is_ok()
}

/// Connects, and retries if there is no free connection: sessions that have just ended still count
/// for a moment.
fn dial_patiently(
    world: &World,
    target: &Target,
    purpose: Purpose,
) -> Result<(Client, CancelStatement)> {
    let began = stopwatch();
    loop {
        let dialled = if world.sessions.is_direct(target) {
            dial(target, &configuration(target, purpose), notices(world, target, purpose))
        } else {
            dial_first(world, target, purpose)
        };
        match dialled {
            Err(failure)
                if is_code(&failure, &["53300"])
                    && world.sessions.opened(target) > 0
                    && began.elapsed() < Duration::from_secs(1) => {}
            dialled => return dialled,
        }
        pause(world, Duration::from_millis(50))?;
    }
}

/// Opens the first connection of a run, possibly through a pooler.
fn dial_first(
    world: &World,
    target: &Target,
    purpose: Purpose,
) -> Result<(Client, CancelStatement)> {
    let mut config = configuration(target, purpose);
    let options = target.options.as_deref().unwrap_or_default();
    config.options(format!("{options} {}", pooler::SIGN).trim());
    match dial(target, &config, notices(world, target, purpose)) {
        Ok((mut client, cancel)) => {
            if pooler::sign_arrived(&mut client) {
                world.sessions.found_direct(target);
                return Ok((client, cancel));
            }
            world.sessions.opens(target);
        }
        Err(failure) if refuses_options(&failure) => {}
        Err(failure) => return Err(failure),
    }
    Session::refuse_pooler(world, target)?;
    dial(target, &configuration(target, purpose), notices(world, target, purpose))
}

/// Whether the startup options were rejected: PgBouncer reports 08P01, Amazon's proxy 0A000.
fn refuses_options(failure: &Failure) -> bool {
    is_code(failure, &["08P01", "0A000"])
}

/// Whether a server takes no session, for one of these reasons.
fn is_code(failure: &Failure, codes: &[&str]) -> bool {
    matches!(failure.kind(), Kind::Connection(ConnectionError::Failed { code: Some(code), .. })
        if codes.contains(&code.as_str()))
}

/// What cancels the statement of a session.
type CancelStatement = Box<dyn Fn() + Send>;

/// Connects, and returns how a statement is cancelled.
fn dial(target: &Target, config: &Config, notices: Notices) -> Result<(Client, CancelStatement)> {
    let failed = |error| cannot_connect(target, error);
    if target.tls.mode == TlsMode::Disable || matches!(target.host, Host::Socket(_)) {
        let client = Client::connect(config, NoTls, notices).map_err(failed)?;
        let token = client.cancel_token();
        return Ok((client, Box::new(move || client::cancel(&token, NoTls))));
    }
    let connector = tls::connector(&target.tls)?;
    let client = Client::connect(config, connector.clone(), notices).map_err(failed)?;
    let token = client.cancel_token();
    Ok((client, Box::new(move || client::cancel(&token, connector.clone()))))
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
        .application_name(purpose.application_name())
        .connect_timeout(target.connect_timeout)
        .ssl_mode(match target.tls.mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
    if matches!(target.host, Host::Socket(_)) {
        config.ssl_mode(SslMode::Disable);
    }
    link(&mut config, &target.link);
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    // None of our settings is among them: `RESET` has to restore the values of the role and the
    // database.
    if let Some(options) = &target.options {
        config.options(options);
    }
    config
}

/// Applies the settings of the connection itself.
fn link(config: &mut Config, link: &Link) {
    link.keepalives.map(|keepalives| config.keepalives(keepalives));
    link.idle.map(|idle| config.keepalives_idle(idle));
    link.interval.map(|interval| config.keepalives_interval(interval));
    link.count.map(|count| config.keepalives_retries(count));
    link.user_timeout.map(|timeout| config.tcp_user_timeout(timeout));
    if let Some(binding) = link.binding {
        config.channel_binding(match binding {
            Binding::Disable => ChannelBinding::Disable,
            Binding::Prefer => ChannelBinding::Prefer,
            Binding::Require => ChannelBinding::Require,
        });
    }
    if link.writes {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

/// Notices of a session that writes are shown to the user.
fn notices(world: &World, target: &Target, purpose: Purpose) -> Notices {
    if purpose != Purpose::Write {
        return Box::new(|_| {});
    }
    let (events, mask) = (world.events.clone(), Mask::of_target(target));
    Box::new(move |notice| {
        // One of our own ROLLBACKs had nothing to roll back, or a session that we end is gone.
        let is_gone = notice.routine() == Some("pg_signal_backend");
        if is_gone || *notice.code() == SqlState::NO_ACTIVE_SQL_TRANSACTION {
            return;
        }
        let (severity, message) = (notice.severity().to_owned(), mask.hide(notice.message()));
        events(Event::Notice { severity, message });
    })
}

/// What a server says that ends sessions, or takes none.
const ENDED: [SqlState; 4] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::IDLE_SESSION_TIMEOUT,
];

/// The error of the server; `None` if the failure is not the server's. A server that terminates a
/// session, or a pooler that lost its server, counts as a lost connection.
pub(super) fn server_error(mask: &Mask, error: &postgres::Error) -> Option<ServerError> {
    let said = error.as_db_error()?;
    let fatal = matches!(said.severity(), "FATAL" | "PANIC");
    // Class 08 contains connection errors.
    if fatal || said.code().code().starts_with("08") || ENDED.contains(said.code()) {
        return None;
    }
    let hide = |text: &str| mask.hide(text);
    Some(ServerError {
        code: Some(said.code().code().to_owned()),
        message: mask.hide(said.message()),
        detail: said.detail().map(hide),
        hint: said.hint().map(hide),
        context: said.where_().map(hide),
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

/// The error with its causes; the client's own message is incomplete.
pub(super) fn describe(mask: &Mask, error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    mask.hide(&text)
}

fn cannot_connect(target: &Target, error: postgres::Error) -> Failure {
    let code = error.code().map(|code| code.code().to_owned());
    let why = match error.as_db_error() {
        Some(said) => Mask::of_target(target).hide(said.message()),
        None => describe(&Mask::of_target(target), &error),
    };
    if why.contains("unsupported startup parameter") {
        let sign = format!("it says: {why}");
        return ConnectionError::Pooler { target: target.to_string(), sign }.caused_by(error);
    }
    ConnectionError::Failed { target: target.to_string(), why, code }.caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{from_keywords, parse_url};

    fn configured(query: &str) -> Config {
        let url = parse_url(&format!("postgres://me@localhost/school?{query}"), "x").unwrap();
        configuration(&from_keywords(&url, "x", "me").unwrap(), Purpose::Read)
    }

    #[test]
    fn what_a_url_asks_of_the_connection_reaches_the_client() {
        let config = configured(
            "keepalives_idle=30&keepalives_interval=7&keepalives_count=5&tcp_user_timeout=1500\
             &target_session_attrs=read-write&channel_binding=require",
        );
        assert!(config.get_keepalives());
        assert_eq!(config.get_keepalives_idle(), Duration::from_secs(30));
        assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(7)));
        assert_eq!(config.get_keepalives_retries(), Some(5));
        assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
        assert!(!configured("keepalives=0").get_keepalives());
        assert_eq!(configured("").get_tcp_user_timeout(), None);
    }
}
