//! The scene of one verb: a server, a database that is created from a template for every run, and a
//! project whose files are copied each time.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::cases::Case;
use crate::support::{Cluster, PASSWORD, Project, Ran};

/// The server of the suite.
pub(crate) fn server() -> &'static Cluster {
    static SERVER: OnceLock<Cluster> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Cluster::start();
        // To hash a password takes a build without optimisation longer than many a change.
        let rules = "local all all trust\nhost all all 127.0.0.1/32 trust\n";
        std::fs::write(server.folder.join("data/pg_hba.conf"), rules).expect("its rules");
        server.run("postgres", "SELECT pg_reload_conf()");
        server
    })
}

/// What is prepared once, and copied for every run.
pub(crate) struct Scene {
    name: String,
    variables: &'static [(&'static str, &'static str)],
    prepared: Project,
    /// Whether the snapshots of the database are prepared, too.
    keeps_snapshots: bool,
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
    /// Prepares one for a verb.
    pub(crate) fn new(case: &Case) -> Scene {
        let name = format!("f_{}", case.name.replace('-', "_"));
        drop_all(&name, "");
        server().run("postgres", &format!("CREATE DATABASE {name}"));
        let run = Run { project: project(&name, case.variables), name: name.clone() };
        (case.prepare)(&run);
        let template = format!("ALTER DATABASE {name} RENAME TO {name}_template");
        server().end_sessions(&name);
        server().run("postgres", &format!("DROP DATABASE IF EXISTS {name}_template"));
        server().run("postgres", &template);
        let keeps_snapshots = case.name == "snapshot-restore";
        Scene { name, variables: case.variables, prepared: run.project, keeps_snapshots }
    }

    /// A fresh copy of files and database.
    pub(crate) fn run(&self) -> Run {
        drop_all(&self.name, if self.keeps_snapshots { "__snap_" } else { "" });
        let create = format!("CREATE DATABASE {0} TEMPLATE {0}_template", self.name);
        server().run("postgres", &create);
        let project = project(&self.name, self.variables);
        copy(self.prepared.path(), project.path());
        Run { project, name: self.name.clone() }
    }
}

fn project(name: &str, variables: &[(&str, &str)]) -> Project {
    let mut project = Project::bare(name);
    project.set("DATABASE_URL", &tcp_url(name, server().port));
    variables.iter().for_each(|(name, value)| project.set(name, value));
    project
}

/// Drops the database and its siblings, except for the template, and for those of this kind.
fn drop_all(name: &str, kept: &str) {
    let sql = format!(
        "SELECT datname FROM pg_database WHERE datname = '{name}' \
         OR starts_with(datname, '{name}__') \
         AND ('{kept}' = '' OR NOT starts_with(datname, '{name}{kept}'))"
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

    /// Starts a command that reaches the server through another port.
    pub(crate) fn start(&self, port: u16, arguments: &[&str]) -> Child {
        let mut command = self.project.command(arguments);
        command.env("DATABASE_URL", tcp_url(&self.name, port));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
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

    /// The siblings of the database, without snapshots and those that restores keep.
    pub(crate) fn left_over(&self, keeps: usize) -> Vec<String> {
        let beside = format!(
            "SELECT datname FROM pg_database WHERE starts_with(datname, '{}__') ORDER BY 1",
            self.name
        );
        let (kept, left): (Vec<String>, Vec<String>) = server()
            .query("postgres", &beside)
            .into_iter()
            .filter(|name| !name.contains("__snap_"))
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
