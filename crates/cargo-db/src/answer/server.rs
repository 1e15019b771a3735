//! The private local server.

use std::path::Path;

use serde::Serialize;

use crate::answer::{Answer, Style};

/// The state of the server after the command.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerState {
    server: ServerView,
    /// What just happened to it, if anything did.
    happened: Option<&'static str>,
}

/// The server itself.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ServerView {
    folder: String,
    /// Null where no cluster was made.
    major: Option<u32>,
    /// Null if it does not run, like the fields below.
    pid: Option<i32>,
    /// That of the project's database.
    url: Option<String>,
}

impl ServerState {
    /// A server in this folder that does not run; with its version, if it was created.
    pub(crate) fn stopped(folder: &Path, major: Option<u32>) -> ServerState {
        let folder = folder.display().to_string();
        let server = ServerView { folder, major, ..ServerView::default() };
        ServerState { server, happened: None }
    }

    /// The same while it runs.
    pub(crate) fn running(mut self, pid: i32, url: String) -> ServerState {
        (self.server.pid, self.server.url) = (Some(pid), Some(url));
        self
    }

    /// The same after something that happened to it.
    pub(crate) fn after(self, happened: Option<&'static str>) -> ServerState {
        ServerState { happened, ..self }
    }
}

impl Answer for ServerState {
    fn text(&self, _: &Style) -> String {
        let ServerView { folder, major, pid, url } = &self.server;
        let state = match (major, pid) {
            (None, _) => format!("no local server; it would be created in {folder}"),
            (Some(major), None) => format!("PostgreSQL {major} in {folder}, stopped"),
            (Some(major), Some(pid)) => {
                format!("PostgreSQL {major} in {folder}, running (pid {pid})")
            }
        };
        let happened = self.happened.map(str::to_owned);
        happened.into_iter().chain([state]).chain(url.clone()).collect::<Vec<_>>().join("\n")
    }
}

/// Where the project's database is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerUrl {
    pub(crate) url: String,
}

impl Answer for ServerUrl {
    fn text(&self, _: &Style) -> String {
        self.url.clone()
    }
}
