//! Plans that a migration tool carries out: its command is run, and then the database is asked what came of
//! it, because a tool that ends with success may have done something else.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::failure::{Failure, Kind, Result};
use crate::migration::applied::AppliedMigration;
use crate::migration::facts::gather;
use crate::migration::files::bytes_as_planned;
use crate::migration::session::end_sessions_of_killed_runs;
use crate::model::event::Event;
use crate::model::history::{Applied, History};
use crate::model::migration::{Checksum, Folder, Migration, Recorded, ScriptFile, Version, title};
use crate::model::target::{Host, Target};
use crate::model::tool::{Place, Task, command, newest_left, states, variables};
use crate::plan::{Plan, Step, Verb};
use crate::settings::{Migrations, Runner, Settings};
use crate::world::clock::stopwatch;
use crate::world::pg::{Lock, Purpose, Session};
use crate::world::process::environment;
use crate::world::tool::{self, Ended, Told};
use crate::world::{World, files};

/// Carries a plan out with the tool's own command.
pub(super) fn carry_out(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: &mut Lock,
) -> Result<Vec<AppliedMigration>> {
    let began = stopwatch();
    goes_where_it_is_told(world, settings, &plan.target)?;
    end_sessions_of_tools(world, &plan.target);
    for line in commands(settings, plan)? {
        lock.check_now()?;
        are_as_planned(settings, plan)?;
        // The tool is gone when it was stopped, and the server may not have noticed.
        let ended = run(world, settings, &plan.target, &line, WRITES)
            .inspect_err(|_| end_sessions_of_tools(world, &plan.target))?;
        if !ended.success {
            let Ended { command, status, said, .. } = ended;
            let outcome = outcome(world, settings, plan).unwrap_or_default();
            let failure =
                Kind::ToolFailed { command, status, said, differences: outcome.differences };
            return Err(Failure::from(failure).after(outcome.done));
        }
    }
    if let Err(failure) = are_as_planned(settings, plan) {
        return Err(failure.after(outcome(world, settings, plan)?.done));
    }
    // A tool does not say how long each of them took.
    let count = u32::try_from(plan.migrations().count()).unwrap_or(1).max(1);
    let elapsed = began.elapsed() / count;
    Ok(plan.migrations().map(|migration| AppliedMigration::of(migration, elapsed)).collect())
}

/// Makes sure that the files which the tool is about to read, or has just read, are those of the plan.
fn are_as_planned(settings: &Settings, plan: &Plan) -> Result<()> {
    let layout = &settings.migrations.layout;
    // Of a tool that is known by its commands only the names are known.
    for file in plan.files().filter(|_| !layout.is_asked()) {
        bytes_as_planned(&settings.root, layout, file)?;
    }
    Ok(())
}

/// Asks the database what a plan came to: whoever ran it, the history must be the one that it leads to.
pub(super) fn second_opinion(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    who: &str,
) -> Result<()> {
    let Outcome { differences, done } = outcome(world, settings, plan)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::from(Kind::OtherState { who: who.to_owned(), differences }).after(done))
}

/// What a plan came to.
#[derive(Default)]
struct Outcome {
    /// In what the history differs from what the plan says that it is afterwards.
    differences: Vec<String>,
    /// What of the plan the history has.
    done: Vec<String>,
}

fn outcome(world: &World, settings: &Settings, plan: &Plan) -> Result<Outcome> {
    let facts = gather(world, settings, &plan.target)?;
    let applied: BTreeSet<&Version> =
        facts.history.applied.iter().filter(|row| row.success).map(|row| &row.version).collect();
    let mut differences = Vec::new();
    let done = plan.steps.iter().filter_map(|step| match step {
        Step::Apply { migration } if applied.contains(&migration.version) => {
            Some(format!("Applied {}", migration.title()))
        }
        Step::Revert { migration, .. } if !applied.contains(&migration.version) => {
            Some(format!("Reverted {}", migration.title()))
        }
        _ => None,
    });
    let done = done.collect();
    for step in &plan.steps {
        match step {
            Step::Apply { migration } | Step::Record { migration }
                if !applied.contains(&migration.version) =>
            {
                differences.push(format!("{} is not applied", migration.title()));
            }
            Step::Revert { migration, .. } if applied.contains(&migration.version) => {
                differences.push(format!("{} is still applied", migration.title()));
            }
            Step::Rerecord { migration } => {
                let row = facts.history.applied.iter().find(|row| row.version == migration.version);
                let holds = row
                    .and_then(|row| row.checksum.as_ref())
                    .is_some_and(|stored| migration.is_recorded_as(stored));
                differences.extend(
                    (!holds).then(|| format!("{} has another checksum still", migration.title())),
                );
            }
            Step::ClearFailed { migration } => {
                let failed = facts
                    .history
                    .applied
                    .iter()
                    .any(|row| row.version == migration.version && !row.success);
                differences.extend(
                    failed.then(|| format!("{} counts as failed still", migration.title())),
                );
            }
            _ => {}
        }
    }
    let touched: BTreeSet<&Version> =
        plan.migrations().map(|migration| &migration.version).collect();
    let before: BTreeSet<&Version> = plan.applied.iter().collect();
    let name_of = |version: &Version| {
        let file = facts.folder.migrations.iter().find(|file| file.version == *version);
        file.map_or_else(|| version.to_string(), Migration::title)
    };
    let gone =
        before.iter().filter(|version| !touched.contains(*version) && !applied.contains(*version));
    differences.extend(
        gone.map(|version| format!("{} was applied, and is not any more", name_of(version))),
    );
    let came =
        applied.iter().filter(|version| !touched.contains(*version) && !before.contains(*version));
    differences.extend(
        came.map(|version| format!("{} is applied, which nobody asked for", name_of(version))),
    );
    Ok(Outcome { differences, done })
}

/// What is run for a plan, where the project's tool runs it.
pub(crate) fn commands_of(settings: &Settings, plan: &Plan) -> Result<Vec<String>> {
    if settings.migrations.runner == Runner::Builtin {
        return Ok(Vec::new());
    }
    Ok(commands(settings, plan)?.iter().map(|line| line.join(" ")).collect())
}

/// The commands that lead from where a plan begins to where it ends.
fn commands(settings: &Settings, plan: &Plan) -> Result<Vec<Vec<String>>> {
    let migrations: Vec<&Migration> = plan.migrations().collect();
    let versions: Vec<String> =
        migrations.iter().map(|migration| migration.version.to_string()).collect();
    let (Some(first), Some(last)) = (versions.first(), versions.last()) else {
        return Ok(Vec::new());
    };
    if plan.verb != Verb::Rollback {
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
        newest_left(&settings.migrations.layout, &versions[at], left)
    };
    let newest = newest_after(versions.len() - 1);
    let all = Task::Revert { count: versions.len(), first, newest };
    // The project's own command takes one back.
    let has_own = settings.migrations.commands.contains_key("rollback");
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

/// The command for a task: the project's own, or the customary one.
pub(super) fn line(settings: &Settings, target: &Target, task: &Task<'_>) -> Result<Vec<String>> {
    let migrations = &settings.migrations;
    let (key, doing) = match task {
        Task::ApplyAll => ("apply", "apply migrations".to_owned()),
        Task::ApplyNext { count, .. } => {
            ("", format!("apply only {count} of those that are pending"))
        }
        Task::Revert { count: 1, .. } => ("rollback", "take a migration back".to_owned()),
        Task::Revert { .. } => ("", "take several migrations back at once".to_owned()),
        Task::Create { .. } => ("create", "write an empty migration".to_owned()),
        Task::Generate { .. } => ("generate", "work out a migration".to_owned()),
        Task::Probe => ("", "say where it goes".to_owned()),
    };
    if let Some(own) = migrations.commands.get(key) {
        let name = match task {
            Task::Create { name, .. } | Task::Generate { name } => Some((*name).to_owned()),
            _ => None,
        };
        return Ok(own.iter().cloned().chain(name).collect());
    }
    let dir = relative_dir(settings);
    let has = |name: &str| files::is_there(&migrations.tool_dir.join(name));
    let url = target.url_without_password();
    let place = Place { dir: &dir, url: &url, has: &has };
    let tool = migrations.layout.key().to_owned();
    command(&migrations.layout, task, &place)
        .ok_or_else(|| Kind::ToolCannot { tool, doing, key }.into())
}

/// The folder of the migrations as the tool sees it.
fn relative_dir(settings: &Settings) -> String {
    let (dir, base) = (&settings.migrations.dir.value, &settings.migrations.tool_dir);
    dir.strip_prefix(base).unwrap_or(dir).display().to_string()
}

/// What sessions of a tool are called on the server; those that may write are ended when it was killed.
const WRITES: &str = "tool";
const ASKS: &str = "asks";

/// Runs a command of the tool's against a database.
fn run(
    world: &World,
    settings: &Settings,
    target: &Target,
    line: &[String],
    called: &'static str,
) -> Result<Ended> {
    let mut variables =
        variables(&settings.migrations.layout, target, &relative_dir(settings), called);
    // What a project says of its own databases beside this one counts.
    let known = environment();
    variables.retain(|(name, _)| {
        !(matches!(*name, "SHADOW_DATABASE_URL" | "ROOT_DATABASE_URL") && known.contains_key(*name))
    });
    let told = Told { variables, password: target.password.clone() };
    tool::run(world, line, &told, &settings.migrations.tool_dir)
}

/// Fails where there is no command for a task.
pub(crate) fn task_exists(settings: &Settings, task: &Task<'_>) -> Result<()> {
    line(settings, &Target::nowhere(), task).map(drop)
}

/// Runs the command for a task that changes files only, or a database that is nobody's.
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
    Err(Kind::ToolFailed { command, status, said, differences: Vec::new() }.into())
}

/// Ends what a tool that was stopped has left behind on the server. The caller holds the lock.
fn end_sessions_of_tools(world: &World, target: &Target) {
    let world = world.uninterrupted();
    if let Ok(mut session) = Session::open(&world, target, Purpose::Write) {
        let _ = end_sessions_of_killed_runs(&world, &mut session);
    }
}

/// A database that is nowhere.
const DECOY: &str = "cargo_db_decoy_that_is_nowhere";

/// Makes sure that the tool goes where it is told, before it writes anything: asked about a database that does not
/// exist, it has to fail. One whose configuration names another database succeeds.
pub(crate) fn goes_where_it_is_told(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<()> {
    static KNOWN: OnceLock<()> = OnceLock::new();
    if KNOWN.get().is_some() {
        return Ok(());
    }
    let layout = &settings.migrations.layout;
    if let Some(line) = question(settings, target)? {
        let told = target.with_database(DECOY);
        world.tell(Event::Started {
            doing: "Asking",
            subject: format!("`{}` where it goes", line.join(" ")),
        });
        let ended = run(world, settings, &told, &line, ASKS)?;
        // A status of the project's own may well bear that there is no database; it cannot know what is applied there.
        let knows = !layout.is_asked() || states(&ended.stdout).iter().any(|(_, applied)| *applied);
        if ended.success && knows {
            let (tool, command) = (layout.key().to_owned(), line.join(" "));
            return Err(Kind::GoesElsewhere { tool, command }.into());
        }
    }
    let _ = KNOWN.set(());
    Ok(())
}

/// What the tool is asked, to learn where it goes; `None` where it has no such question.
fn question(settings: &Settings, target: &Target) -> Result<Option<Vec<String>>> {
    let Migrations { layout, commands, tool_dir, .. } = &settings.migrations;
    if let Some(own) = commands.get("status") {
        return Ok(Some(own.clone()));
    }
    let customary = line(settings, target, &Task::Probe).ok();
    let is_there =
        |line: &Vec<String>| line.first().is_some_and(|name| tool::find(name, tool_dir).is_some());
    match customary.filter(is_there) {
        // What the project calls instead of the tool may go anywhere, also in a rehearsal.
        None if commands.contains_key("apply") && layout.is_code() => {
            let (tool, doing) =
                (layout.key().to_owned(), "say where `apply` of db.toml goes".to_owned());
            Err(Kind::ToolCannot { tool, doing, key: "status" }.into())
        }
        line => Ok(line),
    }
}

/// Fails where the tool cannot reach such a server.
pub(super) fn reaches(settings: &Settings, target: &Target) -> Result<()> {
    let tool = settings.migrations.layout.key();
    if matches!(target.host, Host::Socket(_))
        && matches!(tool, "yoyo" | "django" | "liquibase" | "flyway")
    {
        return Err(Kind::NeedsTcp { tool: tool.to_owned() }.into());
    }
    Ok(())
}

/// Fails where the program of a plan is not to be found.
pub(super) fn program_exists(settings: &Settings, plan: &Plan) -> Result<()> {
    for line in commands(settings, plan)? {
        let program = line.first().cloned().unwrap_or_default();
        if tool::find(&program, &settings.migrations.tool_dir).is_none() {
            return Err(Kind::NoTool { program }.into());
        }
    }
    Ok(())
}

/// What a project's own status command says there is, for tools that are not known.
pub(crate) fn ask(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<(Folder, History)> {
    let Some(line) = settings.migrations.commands.get("status") else {
        return Ok((Folder::default(), History::default()));
    };
    let ended = run(world, settings, target, line, ASKS)?;
    let states = states(&ended.stdout);
    // A status may well end with a finding; one that says nothing has failed.
    if states.is_empty() && !ended.success {
        let Ended { command, status, said, .. } = ended;
        return Err(Kind::ToolFailed { command, status, said, differences: Vec::new() }.into());
    }
    let (mut folder, mut history) = (Folder::default(), History::default());
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
