//! One verb's place: a server, a database that is made anew for every run from a template, and a
//! project whose files are copied anew.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Cluster, PASSWORD, Project, Ran};

/// The server of the suite.
pub(crate) fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(Cluster::start)
}

/// What is prepared once, and copied for every run.
pub(crate) struct Scene {
    pub(crate) name: String,
    prepared: Project,
}

/// One run's copy.
pub(crate) struct Run {
    pub(crate) project: Project,
    pub(crate) name: String,
}

fn tcp_url(name: &str, port: u16) -> String {
    format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/{name}")
}

impl Scene {
    /// Prepares one: with what `prepare` does to the project and its database.
    pub(crate) fn new(name: &str, prepare: impl Fn(&Run)) -> Scene {
        let name = format!("f_{}", name.replace('-', "_"));
        drop_all(&name);
        server().run("postgres", &format!("CREATE DATABASE {name}"));
        let run = Run { project: project(&name), name: name.clone() };
        prepare(&run);
        let template = format!("ALTER DATABASE {name} RENAME TO {name}_template");
        server().end_sessions(&name);
        server().run("postgres", &format!("DROP DATABASE IF EXISTS {name}_template"));
        server().run("postgres", &template);
        Scene { name, prepared: run.project }
    }

    /// A fresh copy of files and database.
    pub(crate) fn run(&self) -> Run {
        drop_all(&self.name);
        let create = format!("CREATE DATABASE {0} TEMPLATE {0}_template", self.name);
        server().run("postgres", &create);
        let project = project(&self.name);
        copy(self.prepared.path(), project.path());
        Run { project, name: self.name.clone() }
    }
}

fn project(name: &str) -> Project {
    let mut project = Project::bare(name);
    project.set("DATABASE_URL", &tcp_url(name, server().port));
    project.set("CARGO_DB_REHEARSE", "1");
    project
}

/// Drops the database, and everything beside it but the template.
fn drop_all(name: &str) {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE datname = '{name}' \
         OR starts_with(datname, '{name}__')"
    );
    for found in server().query("postgres", &sql) {
        server().run("postgres", &format!("DROP DATABASE \"{found}\" WITH (FORCE)"));
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status();
    assert!(status.expect("cp runs").success());
}

impl Run {
    pub(crate) fn db(&self, arguments: &[&str]) -> Ran {
        self.project.db(arguments)
    }

    /// The same run's command, through another port.
    pub(crate) fn through(&self, port: u16, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.env("DATABASE_URL", tcp_url(&self.name, port));
        command
    }

    pub(crate) fn sql(&self, sql: &str) {
        server().run(&self.name, sql);
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        server().query(&self.name, sql)
    }

    /// The only value of a query.
    pub(crate) fn value(&self, sql: &str) -> String {
        self.rows(sql).pop().unwrap_or_default()
    }

    /// What stands beside the database, without what restores keep.
    pub(crate) fn left_over(&self, keeps: usize) -> Vec<String> {
        let beside = format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{}__') ORDER BY 1",
            self.name
        );
        let (kept, left): (Vec<String>, Vec<String>) = server()
            .query("postgres", &beside)
            .into_iter()
            .partition(|name| name.contains("__before_"));
        left.into_iter().chain(kept.into_iter().skip(keeps)).collect()
    }

    /// The files of the backups folder.
    pub(crate) fn backups(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.project.path().join("backups"));
        let mut paths: Vec<PathBuf> =
            entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    }
}
