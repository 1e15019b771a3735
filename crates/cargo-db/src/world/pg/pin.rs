//! The settings of a session: ours while our own SQL runs, and those of the role and the database
//! while the project's SQL runs.
//!
//! Anybody who may create objects in a schema of the search path can decide what a name refers to
//! (CVE-2018-1058; PostgreSQL manual, 5.9.6 "Usage Patterns"). So our search path contains only the
//! catalog, and names of the project are looked up once, along the path that the session had, and
//! then used qualified.

use crate::world::pg::client::Client;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The purpose of a connection: it is part of its `application_name` and decides what it may do.
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

/// The settings of a session, and the search path that it came with.
pub(crate) struct Pin {
    pub(super) ours: String,
    pub(super) theirs: String,
    pub(super) encoding: &'static str,
    /// The major version that the server reported.
    pub(super) major: u32,
    /// The search path that the session came with.
    pub(super) path: SearchPath,
}

/// The encoding without conversions.
pub(super) const BYTES: &str = "SQL_ASCII";

/// The search path of our own SQL. Temporary objects, which anything in the session may have made,
/// come last.
pub(super) const PATH: &str = "pg_catalog, pg_temp";

/// Whether a server knows a setting by now.
fn since(major: u32, first: u32, setting: &str) -> Option<&str> {
    (major >= first).then_some(setting)
}

impl Pin {
    /// The settings of a session that was just connected.
    pub(super) fn of(client: &Client, purpose: Purpose) -> Pin {
        let is_bytes = client.reported("server_encoding") == Some(BYTES);
        let encoding = if is_bytes { BYTES } else { "UTF8" };
        let major = client.reported("server_version").and_then(|version| {
            version.split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
        });
        let major = major.unwrap_or_default();
        let transaction_timeout = since(major, 17, "transaction_timeout");
        // Set while our own SQL runs, and restored for the project's SQL.
        let timeouts = ["statement_timeout", "lock_timeout"].into_iter().chain(transaction_timeout);
        let given_back: Vec<&str> = timeouts.clone().collect();
        // Ours for as long as the session lasts: it waits for people and for other sessions.
        let idle = ["idle_in_transaction_session_timeout"].into_iter();
        let idle = idle.chain(since(major, 14, "idle_session_timeout"));
        let read_only = if purpose == Purpose::Read { "on" } else { "off" };
        let off: String = timeouts.chain(idle).map(|name| format!("SET {name} = 0; ")).collect();
        let path = if cfg!(feature = "unpinned") {
            String::new()
        } else {
            format!("SET search_path = {PATH}; ")
        };
        let ours = format!(
            "{off}{path}SET client_encoding = '{encoding}'; \
             SET standard_conforming_strings = on; SET row_security = off; \
             SET default_transaction_read_only = {read_only}"
        );
        // New connections plan for longer than they read.
        let ours = if purpose == Purpose::Read { format!("{ours}; SET jit = off") } else { ours };
        let theirs = ["search_path", "row_security", "default_transaction_read_only"];
        let theirs = theirs.into_iter().chain(given_back);
        let theirs: Vec<String> = theirs.map(|name| format!("RESET {name}")).collect();
        Pin { ours, theirs: theirs.join("; "), encoding, major, path: SearchPath::default() }
    }
}

/// The settings of the project's SQL, stored while our own SQL runs between two of its statements.
pub(crate) struct UserSettings {
    pub(super) settings: Vec<(&'static str, String)>,
    /// The search path at that moment, resolved.
    pub(crate) path: SearchPath,
    /// Whether they end with the transaction.
    pub(super) local: bool,
}

/// The existing schemas of a search path, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct SearchPath(pub(super) Vec<String>);

impl SearchPath {
    /// An expression for the table that a name refers to, quoted if necessary.
    pub(crate) fn table(&self, name: &str) -> String {
        // A point outside of quotes.
        let is_qualified = name.split('"').step_by(2).any(|part| part.contains('.'));
        let candidates: Vec<String> = if is_qualified {
            vec![name.to_owned()]
        } else {
            self.0.iter().map(|schema| format!("{}.{name}", quote_identifier(schema))).collect()
        };
        let found = candidates.iter().map(|name| format!("to_regclass({})", quote_literal(name)));
        let found: Vec<String> = found.chain(["NULL".to_owned()]).collect();
        format!("coalesce({})", found.join(", "))
    }
}
