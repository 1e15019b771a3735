//! `cargo db shell`.

use std::ffi::OsString;

use clap::Args;

use crate::answer::Outcome;
use crate::change::{Effect, Workspace, refuse_agent};
use crate::failure::{DumpError, Result};
use crate::verb::declare::Verb;
use crate::world::pg::{Purpose, Session};
use crate::world::process;
use crate::world::server::client;

/// Open psql on the database
///
/// psql gets the connection from the environment, so no password is on the command line. In staging
/// and production, transactions are read-only unless they begin with `BEGIN READ WRITE`. Arguments
/// after `--` are passed to psql, as in `cargo db shell -- -c 'TABLE users'`.
#[derive(Debug, Args)]
#[command(
    after_help = "Effect on the database: that of the statements that you run; in staging and \
                  production, read-only by default"
)]
pub(crate) struct ShellArgs {
    /// Arguments of psql
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Verb for ShellArgs {
    fn name(&self) -> &'static str {
        "shell"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        refuse_agent(&database, |agent, environment, command| DumpError::ShellByAgent {
            agent,
            environment,
            command,
        })?;
        let target = &database.target;
        let major = Session::open(&workspace.world, target, Purpose::Read)?.server_major()?;
        let psql = client(database.settings.pg_bin(), major)?.program("psql");
        let is_read_only = !database.environment().is_disposable();
        if is_read_only {
            // A pooler can drop the option that makes transactions read-only.
            Session::refuse_pooler(&workspace.world, target)?;
        }
        Err(process::become_psql(&psql, &self.arguments, target, is_read_only))
    }
}
