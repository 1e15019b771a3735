//! `cargo db server`.

use crate::answer::{DryRun, Outcome, ServerState, ServerUrl};
use crate::cli::{ServerAction, ServerArgs};
use crate::command::{Context, consent};
use crate::failure::{Kind, Result};
use crate::plan::{Step, Verb};
use crate::world::pg::{Purpose, Session};
use crate::world::server::{self as local, LocalServer, Running};

pub(super) fn run(context: &Context, args: &ServerArgs) -> Result<Outcome> {
    let Context { world, .. } = context;
    let server = context.local_server();
    let deed = match &args.action {
        ServerAction::Status => None,
        ServerAction::Start { port } => {
            let already = server.running().is_some();
            let running = server.start(world, *port)?;
            if port.is_some_and(|port| port != running.port) {
                let why = "it runs already, on another port or none; `cargo db server stop` first"
                    .to_owned();
                return Err(Kind::NoLocalServer { doing: "start on that port", why }.into());
            }
            Some(if already { "it runs already" } else { "started" })
        }
        ServerAction::Stop => Some(if server.stop(world)? { "stopped" } else { "it does not run" }),
        ServerAction::Url => return url(context, &server),
        ServerAction::Destroy { dry_run } => {
            if let Some(asked) = destroy(context, &server, *dry_run)? {
                return Ok(asked);
            }
            Some("destroyed")
        }
    };
    let state = ServerState::stopped(server.base(), server.major()).after(deed);
    Ok(Outcome::done(match server.running() {
        Some(running) => state.running(running.pid, database_url(context, &running)),
        None => state,
    }))
}

/// Nobody needs a password on the socket, so there is none to leave out.
fn database_url(context: &Context, running: &Running) -> String {
    local::target(running, &context.settings.local_database).url_without_password()
}

fn url(context: &Context, server: &LocalServer) -> Result<Outcome> {
    let running = server.running().ok_or_else(|| Kind::NoLocalServer {
        doing: "give the URL of",
        why: "it does not run; `cargo db server start` starts it".to_owned(),
    })?;
    Ok(Outcome::done(ServerUrl { url: database_url(context, &running) }))
}

/// Shows what goes, asks, and removes it; or says what would go.
fn destroy(context: &Context, server: &LocalServer, dry_run: bool) -> Result<Option<Outcome>> {
    if server.major().is_none() {
        let why = format!("`{}` holds none", server.base().display());
        return Err(Kind::NoLocalServer { doing: "destroy", why }.into());
    }
    let what = format!("the local server in {}", server.base().display());
    let mut plan = context.plan_without_server(Verb::Destroy, vec![Step::Remove { what }])?;
    plan.warnings = match server.running() {
        Some(running) => databases(context, &running)?,
        None => vec!["it does not run, so its databases are not listed".to_owned()],
    };
    if dry_run {
        return Ok(Some(Outcome::done(DryRun::of(&plan))));
    }
    context.ui.plan(&plan);
    let given = consent::to_plan(context, &plan)?;
    context.carry_out(&plan, given, None, || server.destroy(&context.world))?;
    Ok(None)
}

fn databases(context: &Context, running: &Running) -> Result<Vec<String>> {
    let mut session =
        Session::open(&context.world, &local::target(running, "postgres"), Purpose::Read)?;
    let sql = "SELECT format('this destroys the database %s, %s', datname, pg_size_pretty(pg_database_size(oid))) \
               FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname";
    session.column("list the databases", sql)
}
