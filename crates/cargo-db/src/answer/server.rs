//! The private local server.

use std::path::Path;

use serde::Serialize;

use crate::answer::text::{plural, table};
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
pub(crate) struct ServerView {
    folder: String,
    /// Null where no cluster was made.
    major: Option<u32>,
    /// Null if it does not run, like the fields below.
    pid: Option<i32>,
    /// That of the project's database.
    url: Option<String>,
    /// The folder of its project, in a list of servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Whether that folder does not exist any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    orphaned: Option<bool>,
}

impl ServerView {
    /// A server in this folder, with its version if it was created, and its process if it runs.
    pub(crate) fn of(folder: &Path, (major, pid): (Option<u32>, Option<i32>)) -> ServerView {
        let folder = folder.display().to_string();
        ServerView { folder, major, pid, ..ServerView::default() }
    }

    /// The same with its project, which may be gone.
    pub(crate) fn of_project(self, project: String, orphaned: bool) -> ServerView {
        ServerView { project: Some(project), orphaned: Some(orphaned), ..self }
    }
}

impl ServerState {
    /// A server in this folder that does not run; with its version, if it was created.
    pub(crate) fn stopped(folder: &Path, major: Option<u32>) -> ServerState {
        ServerState { server: ServerView::of(folder, (major, None)), happened: None }
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
        let ServerView { folder, major, pid, url, .. } = &self.server;
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

/// The private servers of all projects.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServerList {
    servers: Vec<ServerView>,
}

impl ServerList {
    /// These servers.
    pub(crate) fn of(servers: Vec<ServerView>) -> ServerList {
        ServerList { servers }
    }
}

impl Answer for ServerList {
    fn text(&self, style: &Style) -> String {
        if self.servers.is_empty() {
            return "no private server is known".to_owned();
        }
        let row = |server: &ServerView| {
            let state = match (server.major, server.pid) {
                (_, Some(pid)) => format!("running (pid {pid})"),
                (Some(_), None) => "stopped".to_owned(),
                (None, None) => "removed".to_owned(),
            };
            let project = if server.orphaned == Some(true) { "gone" } else { "there" };
            let name = server.project.clone().unwrap_or_default();
            vec![name, project.to_owned(), state]
        };
        let rows: Vec<Vec<String>> = self.servers.iter().map(row).collect();
        let list = table(&["Project", "Folder", "Server"], &rows);
        if !self.servers.iter().any(|server| server.orphaned == Some(true)) {
            return list;
        }
        let reap = style.command("cargo db server reap");
        format!("{list}\n\n`{reap}` removes the servers of the projects that are gone")
    }
}

/// The servers that were removed because their project is gone.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ReapedServers {
    /// Their folders.
    reaped: Vec<String>,
}

impl ReapedServers {
    /// Those in these folders.
    pub(crate) fn of(reaped: Vec<String>) -> ReapedServers {
        ReapedServers { reaped }
    }
}

impl Answer for ReapedServers {
    fn text(&self, _: &Style) -> String {
        match self.reaped.len() {
            0 => "nothing to do: the project of every known server exists".to_owned(),
            count => format!("{} removed", plural(count, "server")),
        }
    }
}
