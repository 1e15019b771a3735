//! `cargo db`: a developer's workflow for PostgreSQL in a cargo workspace.
//!
//! The floors, from the top; a module uses only what stands below it:
//!
//! ```text
//! cli  command   what was typed; one file a verb
//! ui             prints, asks, serialises
//! rehearse       migrations measured on a scratch copy
//! audit backup   the work itself; effects only through world
//! seed migration
//! check          looks through files, without a database
//! world          the only floor with effects
//! policy plan    pure decisions
//! settings       what was asked for, resolved once
//! model failure  nouns, and every way to fail
//! ```

mod audit;
mod backup;
mod check;
mod cli;
mod command;
mod failure;
mod migration;
mod model;
mod plan;
mod policy;
mod rehearse;
mod seed;
mod settings;
mod ui;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{BackupsAction, Cli, Command, EnvAction, Global, HistoryAction, ServerAction};
use crate::command::Context;
use crate::command::consent::Agreed;
use crate::failure::{Exit, Result};
use crate::policy::Policy;
use crate::settings::{Flags, Settings, Sources};
use crate::ui::Ui;
use crate::world::signal::Interrupt;
use crate::world::{World, files, process};

/// Runs `cargo db` with the arguments of this process. An `xtask` calls this and nothing else.
///
/// A leading `db` is accepted, because `cargo` itself passes it to a `cargo-db` on the `PATH`.
pub fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|argument| argument == "db") {
        arguments.remove(1);
    }
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let typed: Vec<String> =
        arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            if wants_json && error.use_stderr() {
                ui::usage_error(error.to_string().lines().next().unwrap_or_default());
            }
            // A help that nobody reads is no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                Exit::Usage as u8
            } else {
                Exit::Done as u8
            });
        }
    };
    let variables = process::environment();
    let ui = Ui::new(verb(&cli.command), &cli.global, |name| variables.get(name).cloned());
    let exit = run(&cli, &typed, &ui).unwrap_or_else(|failure| {
        ui.failure(&failure);
        failure.exit()
    });
    let exit = if exit == Exit::Done && ui.failed_to_answer() { Exit::Failed } else { exit };
    ExitCode::from(exit as u8)
}

fn run(cli: &Cli, typed: &[String], ui: &Ui) -> Result<Exit> {
    let mut sources = Sources {
        flags: flags(&cli.global, &cli.command),
        process: process::environment(),
        cwd: files::current_dir()?,
        read: &files::read_if_there,
        exists: &|path| path.exists(),
        list: &files::some_files,
    };
    let settings = Settings::resolve(&sources)?;
    let world = World::new(ui.events(), Interrupt::listen()?);
    let signals = world.clone();
    let force = matches!(&cli.command, Command::Reset(args) if args.force);
    let agreed = Agreed::new(&cli.global, force, typed);
    let policy = Policy::new(&settings.tightened, settings.agent.is_some())?;
    let context = Context { ui: ui.clone(), world, settings, agreed, policy, used: Vec::new() };
    let outcome = match &cli.command {
        Command::Status(args)
            if cli.global.set.is_none() && context.settings.migrations.sets.len() > 1 =>
        {
            let mut of_set = |set: &Option<String>| {
                sources.flags.set.clone_from(set);
                Settings::resolve(&sources)
            };
            let sets = context.settings.migrations.sets.iter();
            let sets = sets.map(|set| (set.clone(), of_set(set))).collect();
            command::status_of_sets(&context, sets, args)
        }
        command => command::run(context, command),
    };
    outcome.map_err(|failure| signals.heeding_the_signal(failure).of_set(cli.global.set.as_deref()))
}

fn flags(global: &Global, command: &Command) -> Flags {
    Flags {
        environment: global.env.clone(),
        database_url: global.database_url.clone(),
        env_files: global.env_file.clone(),
        no_dotenv: global.no_dotenv,
        migrations_dir: global.migrations_dir.clone(),
        set: global.set.clone(),
        any_set: matches!(
            command,
            Command::Status(_) | Command::Server(_) | Command::Backups(_) | Command::Init(_)
        ),
        without_database: match command {
            Command::Check(_) => true,
            Command::Backups(args) => {
                matches!(args.action, BackupsAction::List | BackupsAction::Show { .. })
            }
            _ => false,
        },
        lock_timeout: global.lock_timeout,
        ddl_lock_timeout: global.ddl_lock_timeout,
    }
}

fn verb(command: &Command) -> &'static str {
    match command {
        Command::Status(_) => "status",
        Command::Create(_) => "create",
        Command::Migrate(_) => "migrate",
        Command::Rollback(_) => "rollback",
        Command::Baseline(_) => "baseline",
        Command::Repair(_) => "repair",
        Command::Generate(_) => "generate",
        Command::Init(_) => "init",
        Command::Seed(_) => "seed",
        Command::Reset(_) => "reset",
        Command::Policy => "policy",
        Command::Env(args) => match args.action {
            EnvAction::Show => "env show",
            EnvAction::Set { .. } => "env set",
            EnvAction::Clear { .. } => "env clear",
        },
        Command::History(args) => match args.action {
            None => "history",
            Some(HistoryAction::Verify) => "history verify",
        },
        Command::Backup(_) => "backup",
        Command::Restore(_) => "restore",
        Command::Check(_) => "check",
        Command::Rehearse(_) => "rehearse",
        Command::Backups(args) => match args.action {
            BackupsAction::List => "backups list",
            BackupsAction::Show { .. } => "backups show",
            BackupsAction::Verify { .. } => "backups verify",
            BackupsAction::Prune { .. } => "backups prune",
        },
        Command::Server(args) => match args.action {
            ServerAction::Start { .. } => "server start",
            ServerAction::Stop => "server stop",
            ServerAction::Status => "server status",
            ServerAction::Url => "server url",
            ServerAction::Destroy { .. } => "server destroy",
        },
    }
}
