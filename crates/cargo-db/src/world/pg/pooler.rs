//! Detects a connection pooler. In transaction or statement mode, a pooler gives every transaction
//! any of its free connections: a lock that we take may end up with another client, and a setting
//! stays for the application that gets the connection next. So a pooler is detected and refused
//! before anything is set. In session mode, each session has its own connection and is accepted.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use postgres::SimpleQueryMessage;

use crate::failure::{CausedBy, ConnectionError, Failure, Result};
use crate::model::target::Target;
use crate::world::World;
use crate::world::clock::{now, stopwatch};
use crate::world::pg::client::Client;
use pg_sql::quote::quote_literal;

/// How long a second session is waited for once the first one is served: a pool of one never has
/// another.
const PATIENCE: Duration = Duration::from_secs(10);

/// A setting of ours among the options of a first session. A server takes any that has a point in
/// its name; poolers refuse options, or leave out what they do not know. So where it arrives there
/// is none, and nothing more to look for.
pub(super) const SIGN: &str = "-ccargo_db.direct=on";

/// Whether it arrived.
pub(super) fn sign_arrived(client: &mut Client) -> bool {
    let sql = "SELECT pg_catalog.current_setting('cargo_db.direct', true)";
    client.simple_query(sql).is_ok_and(|answer| texts(answer).pop().as_deref() == Some("on"))
}

/// What the thread that looks has come to.
enum ProbeState {
    /// The server answers in one session.
    Answers,
    Ended(Result<()>),
}

/// Fails if a pooler in front of the server shares its connections, using two sessions that `dial`
/// opens. Only a custom setting is set in them.
pub(super) fn probe(
    world: &World,
    target: &Target,
    dial: impl Fn() -> Result<Client> + Send + 'static,
) -> Result<()> {
    let (tell, told) = channel();
    let of_thread = target.clone();
    // The client has no timeout, so a thread that waits for a pooler is abandoned.
    std::thread::spawn(move || {
        let ended = two_sessions(&of_thread, &dial, &tell);
        let _ = tell.send(ProbeState::Ended(ended));
    });
    wait(world, target, &told)
}

fn wait(world: &World, target: &Target, told: &Receiver<ProbeState>) -> Result<()> {
    let mut answered = None;
    loop {
        match told.recv_timeout(Duration::from_millis(100)) {
            Ok(ProbeState::Answers) => answered = Some(stopwatch()),
            Ok(ProbeState::Ended(ended)) => return ended,
            Err(RecvTimeoutError::Timeout) => world.interrupt.check()?,
            Err(RecvTimeoutError::Disconnected) => return Err(lost(target, "no answer")),
        }
        if answered.is_some_and(|since| since.elapsed() > PATIENCE) {
            let waited = humantime::format_duration(PATIENCE).to_string();
            return Err(ConnectionError::PoolTooSmall { target: target.to_string(), waited }.into());
        }
    }
}

fn two_sessions(
    target: &Target,
    dial: &impl Fn() -> Result<Client>,
    tell: &Sender<ProbeState>,
) -> Result<()> {
    let mut first = dial()?;
    options_arrived(target, &mut first)?;
    let _ = tell.send(ProbeState::Answers);
    let mut second = dial()?;
    let looked = shared_state_evidence(&mut first, &mut second).and_then(|sign| match sign {
        None => crossed(&mut first, &mut second),
        sign => Ok(sign),
    });
    match looked {
        Ok(None) => Ok(()),
        Ok(Some(sign)) => Err(pooled(target, sign)),
        // In statement mode a BEGIN ends the connection, and the next one just so.
        Err(_) if dial()?.batch_execute("BEGIN").is_err() && serves_without_transaction(dial) => {
            Err(pooled(target, "it does not support transactions: it is in statement mode"))
        }
        Err(error) => Err(failed(target, error)),
    }
}

/// Whether a session is served that begins no transaction.
fn serves_without_transaction(dial: &impl Fn() -> Result<Client>) -> bool {
    dial().is_ok_and(|mut client| client.batch_execute("SELECT 1").is_ok())
}

/// How often two transactions are crossed. Once detects nearly every pool, even a busy one, and a
/// run checks several times.
const CROSSINGS: usize = 2;

/// For this transaction only: the role may have a limit that is shorter than our check.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0";

/// Evidence that connections are shared: while both sessions are in a transaction, each has its own
/// connection, and the first one's is released before the second one's. A pool then hands out the
/// one released last, or the one that has been free for longest, but not the previous one.
fn crossed(first: &mut Client, second: &mut Client) -> ProbeResult {
    for _ in 0..CROSSINGS {
        let nonce = nonce();
        first.batch_execute(BEGIN)?;
        set(first, &nonce)?;
        second.batch_execute(BEGIN)?;
        first.batch_execute("COMMIT")?;
        second.batch_execute("COMMIT")?;
        if read(first)?.as_deref() != Some(&nonce) {
            return Ok(Some("a setting of the session was lost"));
        }
        if read(second)?.as_deref() == Some(&nonce) {
            return Ok(Some("a setting of one session was visible in another"));
        }
        set(first, "")?;
    }
    Ok(None)
}

/// The sign of a pooler, if there is any.
type ProbeResult = std::result::Result<Option<&'static str>, postgres::Error>;

/// Fails if two of our sessions are not separate sessions of the server.
pub(super) fn check_distinct_sessions(
    target: &Target,
    first: &mut Client,
    second: &mut Client,
) -> Result<()> {
    match shared_state_evidence(first, second) {
        Ok(None) => Ok(()),
        Ok(Some(sign)) => Err(pooled(target, sign)),
        Err(error) => Err(failed(target, error)),
    }
}

/// Evidence that they are not separate: a value that is set in the first must be there, and must
/// not be in the second.
fn shared_state_evidence(first: &mut Client, second: &mut Client) -> ProbeResult {
    let nonce = nonce();
    set(first, &nonce)?;
    if read(second)?.as_deref() == Some(&nonce) {
        set(second, "")?;
        return Ok(Some("a setting of one session was visible in another"));
    }
    if read(first)?.as_deref() != Some(&nonce) {
        return Ok(Some("a setting of the session was lost"));
    }
    set(first, "")?;
    Ok(None)
}

/// A unique value.
fn nonce() -> String {
    format!("{} {}", std::process::id(), now().unix_timestamp_nanos())
}

fn set(client: &mut Client, nonce: &str) -> std::result::Result<(), postgres::Error> {
    let nonce = quote_literal(nonce);
    client
        .simple_query(&format!("SELECT pg_catalog.set_config('cargo_db.nonce', {nonce}, false)"))
        .map(drop)
}

fn read(client: &mut Client) -> std::result::Result<Option<String>, postgres::Error> {
    let sql = "SELECT pg_catalog.current_setting('cargo_db.nonce', true)";
    Ok(texts(client.simple_query(sql)?).pop())
}

/// The first columns of an answer.
fn texts(messages: Vec<SimpleQueryMessage>) -> Vec<String> {
    let text = |message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    messages.into_iter().filter_map(text).collect()
}

/// Some poolers silently drop startup options of the URL, such as a search path. The server reports
/// the source of each setting.
fn options_arrived(target: &Target, client: &mut Client) -> Result<()> {
    let names = option_names(target);
    if names.is_empty() {
        return Ok(());
    }
    let listed: Vec<String> = names.iter().map(|name| quote_literal(name)).collect();
    let sql = format!(
        "SELECT name FROM pg_catalog.pg_settings \
         WHERE name OPERATOR(pg_catalog.=) ANY (ARRAY[{}]) \
         AND source OPERATOR(pg_catalog.<>) ALL (ARRAY['client', 'command line', 'override'])",
        listed.join(", ")
    );
    let lost = client.simple_query(&sql).map_err(|error| failed(target, error))?;
    match texts(lost).first() {
        None => Ok(()),
        Some(name) => Err(pooled(target, &format!("ignored the URL option `{name}`"))),
    }
}

/// The names of the settings in the options of a target that are set with `-c`.
fn option_names(target: &Target) -> Vec<String> {
    let options = target.options.as_deref().unwrap_or_default();
    let words = options.split_whitespace().filter_map(|word| word.strip_prefix("-c"));
    let names = words.filter_map(|word| word.split_once('=')).map(|(name, _)| name.to_lowercase());
    names.filter(|name| !name.contains('.')).collect()
}

fn pooled(target: &Target, sign: &str) -> Failure {
    ConnectionError::Pooler { target: target.to_string(), sign: sign.to_owned() }.into()
}

fn failed(target: &Target, error: postgres::Error) -> Failure {
    let why =
        error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned());
    lost(target, &why).caused_by(error)
}

fn lost(target: &Target, why: &str) -> Failure {
    let subject = "checking for a pooler".to_owned();
    ConnectionError::Lost { target: target.to_string(), subject, why: why.to_owned() }.into()
}
