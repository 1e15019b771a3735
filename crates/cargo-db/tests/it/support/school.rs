//! A project in which an AI agent works: it migrates as a role of its own; another one approves.

use std::sync::Mutex;

use crate::support::terminal::types;
use crate::support::{Project, Ran, cluster};

/// The slash commands that agents get, as files and as prompts.
pub(crate) const SLASH_COMMANDS: [&str; 8] = [
    "db-status",
    "db-migrate",
    "db-rehearse",
    "db-generate",
    "db-seed",
    "db-backup",
    "db-restore",
    "db-reset",
];

pub(crate) const AGENT: &str = "CARGO_DB_AGENT";
/// What a person types to approve in staging.
pub(crate) const TYPED: &[(&str, &str)] = &[("Approve this plan?", "y"), ("Password of", "")];

/// A project that migrates as a role of its own, with one applied and one pending migration.
pub(crate) struct School {
    pub(crate) project: Project,
    pub(crate) role: String,
}

impl School {
    pub(crate) fn new(name: &str) -> School {
        let mut project = Project::bare(name);
        let role = format!("{name}_app");
        make_roles(&role);
        cluster().run("postgres", &format!("CREATE DATABASE {name} OWNER {role}"));
        let grant = format!("GRANT CREATE ON DATABASE {name} TO cargo_db_approver");
        cluster().run("postgres", &grant);
        project.set("DATABASE_URL", &cluster().url(name).replace("postgres@", &format!("{role}@")));
        project.migration("1_users.up.sql", "CREATE TABLE users (id int PRIMARY KEY);");
        project.migration("1_users.down.sql", "DROP TABLE users;");
        project.db(&["migrate"]).ok();
        project.migration("2_note.up.sql", "ALTER TABLE users ADD COLUMN note text;");
        project.migration("2_note.down.sql", "ALTER TABLE users DROP COLUMN note;");
        project.set("CARGO_DB_ENV", "staging");
        School { project, role }
    }

    /// What an agent gets.
    pub(crate) fn agent(&self, arguments: &[&str]) -> Ran {
        let mut command = self.project.command(arguments);
        command.env(AGENT, "1").output().expect("the program starts").into()
    }

    /// Lets an agent keep a plan; returns its id.
    #[track_caller]
    pub(crate) fn plans(&self, arguments: &[&str]) -> String {
        let kept = self.agent(&[&["plan", "--json"], arguments].concat()).ok().json();
        assert_eq!(kept["plans"][0]["needs_approval"], true, "{kept:#}");
        kept["plans"][0]["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn approve(&self, arguments: &[&str], answers: &[(&str, &str)]) -> i32 {
        types(self.project.command(&[&["approve"], arguments].concat()), answers)
    }

    /// Lets the agent carry out a plan.
    pub(crate) fn applies(&self, id: &str) -> Ran {
        self.agent(&["apply", id, "--confirm", &self.project.database])
    }

    pub(crate) fn has_note(&self) -> bool {
        let sql = "SELECT 1 FROM pg_attribute WHERE attrelid = 'users'::regclass \
                   AND attname = 'note' AND NOT attisdropped";
        !self.project.query(sql).is_empty()
    }

    /// Runs SQL as the migrating role, and returns the error of the server.
    pub(crate) fn attacks(&self, sql: &str) -> Option<String> {
        let mut session = cluster().connect(&self.project.database);
        session.batch_execute(&format!("SET SESSION AUTHORIZATION {}", self.role)).unwrap();
        let error = session.batch_execute(sql).err()?;
        Some(error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default())
    }
}

/// The migrating role, and the one that approves, which all tests share.
fn make_roles(role: &str) {
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap();
    if cluster().query("postgres", "SELECT to_regrole('cargo_db_approver') IS NULL")[0] == "t" {
        cluster().run("postgres", "CREATE ROLE cargo_db_approver LOGIN");
    }
    cluster().run("postgres", &format!("CREATE ROLE {role} LOGIN CREATEDB"));
}
