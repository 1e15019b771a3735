//! `cargo db server`.

mod orphaned;

use std::fs::File;

use clap::Args;

use crate::answer::{DryRun, Outcome, ServerState, ServerUrl};
use crate::change::{
    Change, Database, Effect, Ending, Mode, Needs, Workspace, lock_files, perform,
};
use crate::failure::{LocalServerError, LockError, Result, SettingsError};
use crate::model::environment::Environment;
use crate::plan::{self, Plan, Step};
use crate::verb::declare::{Verb, verbs};
use crate::world::pg::{OWN_KEY, Purpose, Row, Session, marker};
use crate::world::server::{self as local, RunningServer};

use orphaned::{ListServersArgs, ReapServersArgs};

/// Manage the private local server
///
/// `cargo db` creates and starts this server when no database is configured.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    #[command(subcommand)]
    action: Action,
}

impl ServerArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the server.
    Action {
        Start(StartServerArgs),
        Stop(StopServerArgs),
        Status(ServerStatusArgs),
        Url(ServerUrlArgs),
        Destroy(DestroyServerArgs),
        List(ListServersArgs),
        Reap(ReapServersArgs),
    }
}

/// Start the server, creating it first if needed
#[derive(Debug, Args)]
#[command(after_help = "Effect on the database: creates it if it does not exist")]
pub(crate) struct StartServerArgs {
    /// Also listen on this port of 127.0.0.1, where logins need a password
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

/// Stop the server; its databases are kept
#[derive(Debug, Args)]
#[command(
    after_help = "Effect on the database: none; it is unavailable until the server is started again"
)]
pub(crate) struct StopServerArgs {}

/// Show whether the server runs, and where
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ServerStatusArgs {}

/// Print the URL of the project's database
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ServerUrlArgs {}

/// Stop the server and remove it with all its databases
#[derive(Debug, Args)]
#[command(after_help = Effect::Destroys.help())]
pub(crate) struct DestroyServerArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for StartServerArgs {
    fn name(&self) -> &'static str {
        "server start"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let server = workspace.local_server();
        let already = server.running().is_some();
        let running = server.start(&workspace.world, self.port)?;
        let other = self.port.filter(|port| *port != running.port || !running.listens);
        if let (Some(port), true) = (other, already) {
            let there = match running.listens {
                true => format!("on port {}", running.port),
                false => "on its socket only".to_owned(),
            };
            let what = format!(
                "the local server is already running, {there}, and not on port {port}; run \
                 `cargo db server stop` first"
            );
            return Err(SettingsError::Usage { what }.into());
        }
        Ok(show(workspace, Some(if already { "already running" } else { "started" })))
    }
}

impl Verb for StopServerArgs {
    fn name(&self) -> &'static str {
        "server stop"
    }

    fn effect(&self) -> Effect {
        Effect::ChangesData
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let stopped = workspace.local_server().stop(&workspace.world)?;
        Ok(show(workspace, Some(if stopped { "stopped" } else { "not running" })))
    }
}

impl Verb for ServerStatusArgs {
    fn name(&self) -> &'static str {
        "server status"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        Ok(show(workspace, None))
    }
}

impl Verb for ServerUrlArgs {
    fn name(&self) -> &'static str {
        "server url"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let running = workspace.local_server().running();
        let running = running.ok_or_else(|| LocalServerError::Absent {
            problem: "the local server is not running; `cargo db server start` starts it"
                .to_owned(),
        })?;
        Ok(Outcome::done(ServerUrl { url: database_url(workspace, &running) }))
    }
}

impl Verb for DestroyServerArgs {
    fn name(&self) -> &'static str {
        "server destroy"
    }

    fn effect(&self) -> Effect {
        Effect::Destroys
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        match perform(&workspace.database()?, Mode::of(self.dry_run), &mut Destroying)? {
            Ending::DryRun(plan) => Ok(Outcome::done(DryRun::of(&plan))),
            Ending::Nothing(_) | Ending::Done { .. } => Ok(show(workspace, Some("destroyed"))),
        }
    }
}

/// The local server, about to be removed with every database in it.
struct Destroying;

impl Change for Destroying {
    type Held = File;
    type Done = ();

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let server = database.workspace.local_server();
        if server.major().is_none() {
            let problem = format!("there is no local server in `{}`", server.base().display());
            return Err(LocalServerError::Absent { problem }.into());
        }
        let running = server.running();
        let mut environment = database.environment();
        let (databases, warnings) = match &running {
            Some(running) => {
                let databases = databases(database.workspace, running)?;
                environment = strictest(database, running, &databases)?;
                let names: Vec<&str> = databases.iter().map(|(name, _)| name.as_str()).collect();
                let shown = |(name, size): &(String, String)| {
                    format!("this destroys the database {name}, {size}")
                };
                (names.join("\n"), databases.iter().map(shown).collect())
            }
            None if database.settings.agent.known_by(environment).is_some() => {
                let problem = "the server is not running, so the environments of its databases \
                               are unknown: start it first, with `cargo db server start`";
                return Err(LocalServerError::Absent { problem: problem.to_owned() }.into());
            }
            None => {
                let unknown =
                    "the server is not running, so its databases are not listed".to_owned();
                (String::new(), vec![unknown])
            }
        };
        let what = format!("the local server in {}", server.base().display());
        let (verb, steps) = (plan::Operation::Destroy, vec![Step::Remove { what }]);
        let name = &database.target.database;
        let target = running.map_or(database.target.clone(), |there| local::target(&there, name));
        let mut plan = Plan::from_basis(verb, &target, environment, steps, databases);
        plan.warnings = warnings;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<File> {
        let server = database.workspace.local_server();
        let what = format!("the local server in {}", server.base().display());
        let lock = lock_files(database, &what, || server.try_lock())?;
        if let Some(running) = server.running() {
            refuse_while_used(database.workspace, &running)?;
        }
        Ok(lock)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        _lock: File,
        _: Option<&str>,
    ) -> Result<()> {
        database.workspace.local_server().destroy(&database.workspace.world)
    }
}

/// Fails while a run of cargo db holds the lock of one of the server's databases.
fn refuse_while_used(workspace: &Workspace, running: &RunningServer) -> Result<()> {
    let target = local::target(running, "postgres");
    let mut session = Session::open(&workspace.world, &target, Purpose::Read)?;
    // In pg_locks, a bigint key is split into two halves, with objsubid 1.
    let sql = format!(
        "SELECT d.datname FROM pg_catalog.pg_locks l \
         JOIN pg_catalog.pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
           AND l.classid::bigint = ({OWN_KEY}::bigint >> 32) & 4294967295 \
           AND l.objid::bigint = {OWN_KEY}::bigint & 4294967295"
    );
    let Some(database) = session.column("find other runs", &sql)?.into_iter().next() else {
        return Ok(());
    };
    let holder = format!("a run of cargo db works on `{database}`");
    let target = "the local server".to_owned();
    Err(LockError::Busy { target, holder, waited: "0s".to_owned() }.into())
}

/// Name and size of each database of the server.
fn databases(workspace: &Workspace, running: &RunningServer) -> Result<Vec<(String, String)>> {
    let target = local::target(running, "postgres");
    let mut session = Session::open(&workspace.world, &target, Purpose::Read)?;
    let sql = "SELECT datname, pg_size_pretty(pg_database_size(oid)) AS size FROM pg_database \
               WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname";
    let named = |row: &Row| Ok((row.text("datname")?.to_owned(), row.text("size")?.to_owned()));
    session.rows("list the databases", sql)?.iter().map(named).collect()
}

/// The strictest environment that one of the databases is marked with, or the settings name.
fn strictest(
    database: &Database<'_>,
    running: &RunningServer,
    databases: &[(String, String)],
) -> Result<Environment> {
    let mut strictest = database.environment();
    for (name, _) in databases {
        let target = local::target(running, name);
        let mut session = Session::open(&database.workspace.world, &target, Purpose::Read)?;
        let marker = marker::read(&mut session)?.filter(|marker| marker.genuine);
        strictest = marker.map_or(strictest, |marker| strictest.max(marker.environment));
    }
    Ok(strictest)
}

/// Logins on the socket need no password, so the URL contains none.
fn database_url(workspace: &Workspace, running: &RunningServer) -> String {
    local::target(running, &workspace.settings.local_database).url_without_password()
}

/// The server as it is now, and what just happened to it.
fn show(workspace: &Workspace, happened: Option<&'static str>) -> Outcome {
    let server = workspace.local_server();
    let state = ServerState::stopped(server.base(), server.major()).after(happened);
    Outcome::done(match server.running() {
        Some(running) => state.running(running.pid, database_url(workspace, &running)),
        None => state,
    })
}
