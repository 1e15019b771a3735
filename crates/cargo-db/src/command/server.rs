//! `cargo db server`.

use crate::cli::{ServerAction, ServerArgs};
use crate::command::{Context, consent};
use crate::failure::{Exit, Kind, Result};
use crate::model::consent::Consent;
use crate::ui::{LocalStatus, Report};
use crate::world::pg::{Purpose, Session};
use crate::world::server::{self as local, LocalServer, Running};

pub(super) fn run(context: &Context, args: &ServerArgs) -> Result<Exit> {
    let Context { ui, world, .. } = context;
    let server = context.local_server();
    let deed = match &args.action {
        ServerAction::Status => None,
        ServerAction::Start { port } => {
            let already = server.running().is_some();
            let running = server.start(world, *port)?;
            if port.is_some_and(|port| port != running.port) {
                let why = "it runs already, on another port or none; `cargo db server stop` first".to_owned();
                return Err(Kind::NoLocalServer { doing: "start on that port", why }.into());
            }
            Some(if already { "it runs already" } else { "started" })
        }
        ServerAction::Stop => Some(if server.stop(world)? { "stopped" } else { "it does not run" }),
        ServerAction::Url => return url(context, &server),
        ServerAction::Destroy => {
            destroy(context, &server)?;
            Some("destroyed")
        }
    };
    let running = server.running();
    ui.report(&Report::Server(&LocalStatus {
        folder: server.base().to_owned(),
        major: server.major(),
        url: running.as_ref().map(|running| database_url(context, running)),
        pid: running.map(|running| running.pid),
        deed,
    }));
    Ok(Exit::Done)
}

/// Nobody needs a password on the socket, so there is none to leave out.
fn database_url(context: &Context, running: &Running) -> String {
    local::target(running, &context.settings.local_database).url_without_password()
}

fn url(context: &Context, server: &LocalServer) -> Result<Exit> {
    let running = server.running().ok_or_else(|| Kind::NoLocalServer {
        doing: "give the URL of",
        why: "it does not run; `cargo db server start` starts it".to_owned(),
    })?;
    context.ui.report(&Report::Line(&database_url(context, &running)));
    Ok(Exit::Done)
}

/// Shows what goes, asks, and removes it.
fn destroy(context: &Context, server: &LocalServer) -> Result<()> {
    if server.major().is_none() {
        let why = format!("`{}` holds none", server.base().display());
        return Err(Kind::NoLocalServer { doing: "destroy", why }.into());
    }
    match server.running() {
        Some(running) => databases(context, &running)?.iter().for_each(|line| context.ui.note(line)),
        None => context.ui.note("  it does not run, so its databases are not listed"),
    }
    let environment = context.settings.environment.environment;
    consent::obtain(
        context,
        Consent::Confirm,
        "server destroy",
        &context.settings.local_database,
        environment,
    )?;
    server.destroy(&context.world)
}

fn databases(context: &Context, running: &Running) -> Result<Vec<String>> {
    let mut session = Session::open(&context.world, &local::target(running, "postgres"), Purpose::Read)?;
    let sql = "SELECT datname, pg_size_pretty(pg_database_size(oid)) FROM pg_database \
               WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1";
    let rows = session.rows("list the databases", sql)?;
    let text = |column: &Option<String>| column.clone().unwrap_or_default();
    Ok(rows
        .iter()
        .map(|row| format!("  destroys the database {}, {}", text(&row[0]), text(&row[1])))
        .collect())
}
