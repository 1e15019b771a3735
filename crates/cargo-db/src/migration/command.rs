//! How a migration tool is run: the commands for a plan or a task, the environment that selects the
//! database, and the proof that the tool connects to it.

use db_tools::command::{Task, ToolFolder};
use db_tools::status::states;
use db_tools::{Connection, ProjectTool, ToolError, Variable};

use crate::failure::{ProgramError, Result};
use crate::model::event::Event;
use crate::model::history::{Applied, History};
use crate::model::migration::{
    Checksum, Migration, MigrationFolder, Recorded, ScriptFile, Version, title,
};
use crate::model::target::{Host, Secret, Target, TlsMode};
use crate::plan::{Operation, Plan};
use crate::settings::{Migrations, Runner, Settings};
use crate::world::process::environment;
use crate::world::proofs::ToolProof;
use crate::world::tool::{self, Ended, ToolEnvironment};
use crate::world::{World, files};

/// What is run for a plan, where the project's tool runs it.
pub(crate) fn commands_of(settings: &Settings, plan: &Plan) -> Result<Vec<String>> {
    if settings.migrations.runner == Runner::Builtin {
        return Ok(Vec::new());
    }
    Ok(commands(settings, plan)?.iter().map(|line| line.join(" ")).collect())
}

/// The commands that carry out a plan.
pub(super) fn commands(settings: &Settings, plan: &Plan) -> Result<Vec<Vec<String>>> {
    let migrations: Vec<&Migration> = plan.migrations().collect();
    let versions: Vec<String> =
        migrations.iter().map(|migration| migration.version.to_string()).collect();
    let (Some(first), Some(last)) = (versions.first(), versions.last()) else {
        return Ok(Vec::new());
    };
    if plan.verb == Operation::Baseline {
        return recording(settings, plan);
    }
    if plan.verb != Operation::Rollback {
        if plan.takes_all_pending {
            return Ok(vec![line(settings, &plan.target, &Task::ApplyAll)?]);
        }
        if let Ok(line) =
            line(settings, &plan.target, &Task::ApplyNext { count: versions.len(), last })
        {
            return Ok(vec![line]);
        }
        return versions
            .iter()
            .map(|version| {
                line(settings, &plan.target, &Task::ApplyNext { count: 1, last: version })
            })
            .collect();
    }
    let applied: Vec<String> = plan.applied.iter().map(ToString::to_string).collect();
    let newest_after = |at: usize| {
        let left =
            applied.iter().filter(|version| !versions[..=at].contains(version)).map(String::as_str);
        settings.migrations.layout.newest_left(&versions[at], left)
    };
    let newest = newest_after(versions.len() - 1);
    let all = Task::Revert { count: versions.len(), first, newest };
    // The project's own command takes one back.
    let has_own = settings.migrations.commands.shown().contains_key("rollback");
    if let (false, Ok(line)) = (has_own, line(settings, &plan.target, &all)) {
        return Ok(vec![line]);
    }
    let one = |(at, version): (usize, &String)| {
        line(
            settings,
            &plan.target,
            &Task::Revert { count: 1, first: version, newest: newest_after(at) },
        )
    };
    versions.iter().enumerate().map(one).collect()
}

/// The commands with which a tool records migrations without running them; none if cargo db writes
/// the history itself.
fn recording(settings: &Settings, plan: &Plan) -> Result<Vec<Vec<String>>> {
    let layout = &settings.migrations.layout;
    if !layout.is_code() {
        return Ok(Vec::new());
    }
    if plan.takes_all_pending
        && let Ok(line) = line(settings, &plan.target, &Task::RecordAll)
    {
        return Ok(vec![line]);
    }
    let chosen: Vec<&Migration> = plan.migrations().collect();
    let one = |migration: &Migration| {
        line(settings, &plan.target, &Task::Record { last: &migration.version.to_string() })
    };
    layout.to_record(&chosen).into_iter().map(one).collect()
}

/// The command for a task: the project's own, or the customary one.
fn line(settings: &Settings, target: &Target, task: &Task<'_>) -> Result<Vec<String>> {
    let migrations = &settings.migrations;
    if migrations.commands.shown().contains_key(task.setting())
        && let Some(own) = migrations.commands.to_run()?.get(task.setting())
    {
        let name = Some(task.name().to_owned()).filter(|name| !name.is_empty());
        return Ok(own.iter().cloned().chain(name).collect());
    }
    let dir = relative_dir(settings);
    let has = |name: &str| files::exists(&migrations.tool_dir.join(name));
    let url = target.url_without_password();
    let folder = ToolFolder { dir: &dir, url: &url, has: &has };
    Ok(migrations.layout.command(task, &folder)?)
}

/// The folder of the migrations as the tool sees it.
fn relative_dir(settings: &Settings) -> String {
    let (dir, base) = (&settings.migrations.dir.value, &settings.migrations.tool_dir);
    dir.strip_prefix(base).unwrap_or(dir).display().to_string()
}

/// What sessions of a tool are called on the server; those that may write are ended when it was
/// killed.
pub(super) const WRITES: &str = "tool";
const ASKS: &str = "asks";

/// Runs a command of the tool's against a database.
pub(super) fn run(
    world: &World,
    settings: &Settings,
    target: &Target,
    line: &[String],
    called: &'static str,
) -> Result<Ended> {
    let known = environment();
    let mut variables =
        variables(&settings.migrations.layout, target, &relative_dir(settings), called);
    // Settings of the project for other databases take precedence over defaults.
    variables.retain(|variable| !(variable.is_default && known.contains_key(variable.name)));
    let variables = variables.into_iter().map(|one| (one.name.to_owned(), Secret::new(one.value)));
    // A program of the project may read the variable that db.toml names.
    let named = settings.migrations.url_variable.iter();
    let named = named.map(|name| (name.clone(), target.url_for_child()));
    let variables = variables.chain(named).collect();
    let (password, repository) = (target.password.clone(), settings.repository.clone());
    let environment = ToolEnvironment { variables, password, repository, ..Default::default() };
    tool::run(world, line, &environment, &settings.migrations.tool_dir)
}

/// The variables that select the database for a tool: those of libpq, and its own.
fn variables(tool: &ProjectTool, target: &Target, dir: &str, called: &str) -> Vec<Variable> {
    // Other clients would take libpq's default for an explicit setting.
    let is_said = |name: &str| name != "PGSSLMODE" || target.tls.mode != TlsMode::Prefer;
    let libpq = target.libpq_variables().into_iter().filter(|(name, _)| is_said(name));
    let host = match &target.host {
        Host::Name(name) => Some(name.as_str()),
        Host::Socket(_) => None,
    };
    let connection = Connection {
        url: target.url_for_child().expose().to_owned(),
        url_of: &|name| target.with_database(name).url_for_child().expose().to_owned(),
        user: &target.user,
        password: target.password.as_ref().map_or("", Secret::expose),
        host,
        port: target.port,
        database: &target.database,
        search_path: target.search_path(),
        is_local: target.is_local(),
        dir,
        // Identifies sessions that the tool leaves on the server.
        application: &format!("cargo-db/{} {called}", env!("CARGO_PKG_VERSION")),
    };
    let libpq = libpq.map(|(name, value)| Variable { name, value, is_default: false });
    libpq.chain(tool.variables(&connection)).collect()
}

/// Fails if there is no command for a task.
pub(crate) fn task_exists(settings: &Settings, task: &Task<'_>) -> Result<()> {
    line(settings, &Target::without_server(), task).map(drop)
}

/// Runs the command for a task that only changes files or a scratch database.
pub(crate) fn run_task(
    world: &World,
    settings: &Settings,
    target: &Target,
    task: &Task<'_>,
) -> Result<Ended> {
    let line = line(settings, target, task)?;
    let ended = run(world, settings, target, &line, WRITES)?;
    if ended.success {
        return Ok(ended);
    }
    let Ended { command, status, said, .. } = ended;
    Err(ProgramError::Failed { command, status, said, differences: Vec::new() }.into())
}

/// A database that is nowhere.
const DECOY: &str = "cargo_db_decoy_that_is_nowhere";

/// Verifies that the tool connects to the given database before it writes anything: with a database
/// that does not exist, it has to fail. It succeeds if its configuration names another database.
pub(crate) fn verify_tool_target(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<()> {
    let Migrations { layout, set, .. } = &settings.migrations;
    let decoy = target.with_database(DECOY);
    // The question differs by server, user, tool and set: an answer holds for every database there.
    let proof =
        ToolProof { target: decoy.url_without_password(), tool: layout.key(), set: set.clone() };
    if world.proofs.hold(&proof) {
        return Ok(());
    }
    if let Some(line) = question(settings, target)? {
        let subject = format!("`{}` where it goes", line.join(" "));
        world.emit(Event::Started { doing: "Asking", subject });
        let ended = run(world, settings, &decoy, &line, ASKS)?;
        // A project's own status command may succeed without a database, but then it cannot list
        // what is applied.
        let knows = !layout.is_asked() || states(&ended.stdout).iter().any(|(_, applied)| *applied);
        if ended.success && knows {
            let (tool, command) = (layout.key().to_owned(), line.join(" "));
            return Err(ProgramError::GoesElsewhere { tool, command }.into());
        }
    }
    world.proofs.remember(proof);
    Ok(())
}

/// The command that shows where the tool connects to; `None` if it has none.
fn question(settings: &Settings, target: &Target) -> Result<Option<Vec<String>>> {
    let Migrations { layout, commands, tool_dir, .. } = &settings.migrations;
    if commands.shown().contains_key("status") {
        return Ok(commands.to_run()?.get("status").cloned());
    }
    let customary = line(settings, target, &Task::Probe).ok();
    let is_there = |line: &Vec<String>| {
        line.first().is_some_and(|name| tool::find(name, tool_dir, &settings.repository).is_some())
    };
    match customary.filter(is_there) {
        // What the project calls instead of the tool may go anywhere, also in a rehearsal.
        None if commands.shown().contains_key("apply") && layout.is_code() => {
            let doing = "say where `apply` of db.toml goes".to_owned();
            Err(ToolError::NoCommand { tool: layout.key(), doing, setting: "status" }.into())
        }
        line => Ok(line),
    }
}

/// Fails where the tool cannot reach such a server.
pub(super) fn can_reach(settings: &Settings, target: &Target) -> Result<()> {
    Ok(settings.migrations.layout.can_reach(matches!(target.host, Host::Socket(_)))?)
}

/// Fails where the program of a plan is not to be found.
pub(super) fn program_exists(settings: &Settings, plan: &Plan) -> Result<()> {
    for line in commands(settings, plan)? {
        let program = line.first().cloned().unwrap_or_default();
        if tool::find(&program, &settings.migrations.tool_dir, &settings.repository).is_none() {
            return Err(ProgramError::Missing { program }.into());
        }
    }
    Ok(())
}

/// What a project's own status command says there is, for tools that are not known.
pub(crate) fn ask(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<(MigrationFolder, History)> {
    let commands = &settings.migrations.commands;
    if !commands.shown().contains_key("status") {
        return Ok((MigrationFolder::default(), History::default()));
    }
    let line = commands.to_run()?.get("status").map_or(&[][..], Vec::as_slice);
    let ended = run(world, settings, target, line, ASKS)?;
    let states = states(&ended.stdout);
    // A status may well end with a finding; one that says nothing has failed.
    if states.is_empty() && !ended.success {
        let Ended { command, status, said, .. } = ended;
        return Err(ProgramError::Failed { command, status, said, differences: Vec::new() }.into());
    }
    let (mut folder, mut history) = (MigrationFolder::default(), History::default());
    for (name, applied) in states {
        let version = Version::Text(name.clone());
        if applied {
            history.applied.push(Applied {
                version: version.clone(),
                name: String::new(),
                installed_on: None,
                success: true,
                checksum: None,
                detail: String::new(),
            });
        }
        let checksum = Checksum::stored(&name);
        let up = ScriptFile {
            path: name.into(),
            checksum,
            transactional: true,
            has_own_blocks: false,
            part: None,
            is_code: true,
        };
        let (name, down, recorded, detail) =
            (String::new(), Some(up.clone()), Recorded::Nothing, String::new());
        folder.migrations.push(Migration { version, name, up, down, recorded, detail });
    }
    history.applied.sort_by(|a, b| a.version.cmp(&b.version));
    history.table = Some(title(&"the status command of", settings.migrations.layout.key()));
    Ok((folder, history))
}
