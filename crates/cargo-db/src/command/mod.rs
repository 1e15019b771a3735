//! One file a verb: facts, plan, consent, deed, report, in that order.

mod backup;
mod backups;
pub(crate) mod consent;
mod create;
mod migrate;
mod restore;
mod rollback;
mod seed;
mod server;
mod status;

use crate::cli::Command;
use crate::failure::{Exit, Kind, Result};
use crate::model::target::Target;
use crate::settings::{Place, Settings};
use crate::ui::Ui;
use crate::world::World;
use crate::world::server::{self as local, LocalServer};

/// What a verb works with.
pub(crate) struct Context {
    pub(crate) ui: Ui,
    pub(crate) world: World,
    pub(crate) settings: Settings,
    /// What was agreed to on the command line.
    pub(crate) agreed: consent::Agreed,
}

impl Context {
    /// The database that is meant; the local server is started if it is that one's.
    fn target(&self) -> Result<Target> {
        match &self.settings.place.value {
            Place::Named(target) => Ok(target.as_ref().clone()),
            Place::Local { database } => {
                let environment = &self.settings.environment;
                if !environment.environment.is_own() {
                    let signals = environment.signals.iter().map(ToString::to_string).collect();
                    return Err(Kind::NoTarget { environment: environment.environment, signals }.into());
                }
                let running = self.local_server().ensure_running(&self.world)?;
                Ok(local::target(&running, database))
            }
        }
    }

    fn local_server(&self) -> LocalServer {
        let bin = self.settings.pg_bin.as_ref().map(|setting| setting.value.as_path());
        LocalServer::of(&self.settings.root, bin)
    }
}

/// Runs a verb.
pub(crate) fn run(context: &Context, command: &Command) -> Result<Exit> {
    match command {
        Command::Status(args) => status::run(context, args),
        Command::Create(args) => create::run(context, args),
        Command::Migrate(args) => migrate::run(context, args),
        Command::Rollback(args) => rollback::run(context, args),
        Command::Seed(args) => seed::run(context, args),
        Command::Backup(args) => backup::run(context, args),
        Command::Backups(args) => backups::run(context, args),
        Command::Restore(args) => restore::run(context, args),
        Command::Server(args) => server::run(context, args),
    }
}
