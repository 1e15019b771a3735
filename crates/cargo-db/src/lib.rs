//! `cargo db`: a developer's workflow for PostgreSQL in a cargo workspace.
//!
//! The layers, from the top; a module uses only its own and those below it.
//! `docs/architecture.md` says what each holds, and what always holds.
//!
//! ```text
//! verb
//! change
//! face
//! cli
//! answer
//! generate
//! rehearse schema
//! audit backup seed
//! check migration
//! world
//! policy
//! plan
//! settings
//! failure
//! model
//! ```

mod answer;
mod audit;
mod backup;
mod change;
mod check;
mod cli;
mod face;
mod failure;
mod generate;
mod migration;
mod model;
mod plan;
mod policy;
mod rehearse;
mod schema;
mod seed;
mod settings;
mod snapshot;
mod verb;
mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::answer::Outcome;
use crate::change::{Effect, Workspace, notify_of_failure};
use crate::cli::{ConsentFlags, ReportFlags};
use crate::face::Face;
use crate::failure::{Exit, Result};
use crate::settings::{DatabaseChoice, Program};
use crate::verb::Cli;
use crate::world::process;

/// Runs `cargo db` with the arguments of this process. An `xtask` calls this and nothing else.
///
/// A leading `db` is accepted, because `cargo` itself passes it to a `cargo-db` on the `PATH`.
///
/// The caller was built by its user from the repository whose programs it may run, which implies
/// trust.
pub fn main() -> ExitCode {
    start(Program::Built)
}

/// The same for an installed program, which is not part of the repository. It runs the programs
/// that a `db.toml` names only after `cargo db trust`.
pub fn installed_main() -> ExitCode {
    start(Program::Installed)
}

fn start(program: Program) -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(completions) = verb::completions(&arguments) {
        face::completions(&completions);
        return ExitCode::SUCCESS;
    }
    if arguments.get(1).is_some_and(|argument| argument == "db") {
        arguments.remove(1);
    }
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let typed: Vec<String> =
        arguments.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let parsed = verb::parse(arguments.clone());
    let cli = match parsed.and_then(|cli| verb::with_planned(cli, &arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            let error = verb::with_tip(error);
            if wants_json && error.use_stderr() {
                face::usage_error(error.to_string().lines().next().unwrap_or_default());
            }
            // A closed pipe is not a failure of the help.
            let _ = error.print();
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            return ExitCode::from(exit as u8);
        }
    };
    let variables = process::environment();
    let verb = cli.command.verb();
    let flags = (&cli.global, verb.report());
    let face = Face::new(verb.name(), flags, |name| variables.get(name).cloned());
    let outcome = run(&cli, program, &typed, &face)
        .unwrap_or_else(|failure| Outcome::from(failure).of_set(cli.global.set.as_deref()))
        .of_call(cli.global.kept());
    ExitCode::from(face.end(&outcome) as u8)
}

fn run(cli: &Cli, program: Program, typed: &[String], face: &Face) -> Result<Outcome> {
    let verb = cli.command.verb();
    if let Some(outcome) = verb.answer() {
        return Ok(outcome);
    }
    verb.report().map_or(Ok(()), ReportFlags::can_be_written)?;
    let consent = ConsentFlags::new(&cli.global, verb.implies_yes(), typed);
    let declared = (verb.name(), verb.needs(), verb.effect());
    let workspace = Workspace::open(&cli.global, program, declared, consent, face)?
        .with_commands(verb::read_command, verb::commands);
    let outcome = verb
        .run(&workspace)
        .unwrap_or_else(|failure| Outcome::from(workspace.world.as_interrupted(failure)));
    if verb.effect() != Effect::Reads && !typed.iter().any(|argument| argument == "--dry-run") {
        notify_of_failure(&workspace, &outcome);
    }
    let settings = &workspace.settings;
    let address = matches!(settings.place.value, DatabaseChoice::Named(_))
        .then(|| settings.place.origin.place());
    let outcome = outcome.of_address(address.as_deref()).of_root(&settings.root);
    Ok(outcome.of_set(settings.migrations.set.as_deref()))
}
