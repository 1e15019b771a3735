//! The private servers of all projects, and those whose project is gone.

use clap::Args;

use crate::answer::{DryRun, Outcome, ReapedServers, ServerList, ServerView};
use crate::change::{Change, Database, Effect, Ending, Mode, Needs, Workspace, perform};
use crate::failure::Result;
use crate::plan::{self, Plan, Step};
use crate::verb::declare::Verb;
use crate::world::server::KnownServer;

/// List the private servers of all projects of this user
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ListServersArgs {}

/// Stop and remove the private servers whose project folder no longer exists
#[derive(Debug, Args)]
#[command(after_help = Effect::Destroys.help())]
pub(crate) struct ReapServersArgs {
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for ListServersArgs {
    fn name(&self) -> &'static str {
        "server list"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let servers = KnownServer::all(workspace.settings.state.as_deref());
        let view = |server: &KnownServer| {
            let state = (server.major(), server.pid());
            let project = server.project.display().to_string();
            ServerView::of(server.base(), state).of_project(project, server.is_orphaned())
        };
        Ok(Outcome::done(ServerList::of(servers.iter().map(view).collect())))
    }
}

impl Verb for ReapServersArgs {
    fn name(&self) -> &'static str {
        "server reap"
    }

    fn effect(&self) -> Effect {
        Effect::Destroys
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let mut change = Reaping { found: Vec::new() };
        match perform(&workspace.database()?, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) => Ok(Outcome::done(DryRun::of(&plan))),
            Ending::Nothing(_) => Ok(Outcome::done(ReapedServers::default())),
            Ending::Done { done, .. } => Ok(Outcome::done(ReapedServers::of(done))),
        }
    }
}

/// Orphaned servers, about to be removed.
struct Reaping {
    found: Vec<KnownServer>,
}

impl Change for Reaping {
    type Held = ();
    type Done = Vec<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let mut all = KnownServer::all(database.settings.state.as_deref());
        all.retain(KnownServer::is_orphaned);
        self.found = all;
        let (verb, environment) = (plan::Operation::Destroy, database.environment());
        let steps = self.found.iter().map(|server| Step::Remove { what: describe(server) });
        let steps: Vec<Step> = steps.collect();
        let basis: Vec<String> = self.found.iter().map(describe).collect();
        Ok(Plan::from_basis(verb, &database.target, environment, steps, basis.join("\n")))
    }

    fn lock(&mut self, _: &Database<'_>, _: &Plan) -> Result<()> {
        Ok(())
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        _: &Plan,
        (): (),
        _: Option<&str>,
    ) -> Result<Vec<String>> {
        let world = &database.workspace.world;
        let removed = self.found.iter().map(|server| {
            server.remove(world)?;
            Ok(server.base().display().to_string())
        });
        removed.collect()
    }
}

fn describe(server: &KnownServer) -> String {
    let (base, project) = (server.base().display(), server.project.display());
    format!("the server in {base}, whose project {project} does not exist any more")
}
