//! The commands that make a plan, read from words: those behind `plan`, and those of kept plans.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::plan::DRY_RUN;
use super::{Cli, Command, help};
use crate::change::TypedCommand;
use crate::failure::{Result, SettingsError};

/// The commands that make a plan, and carry it out with consent to it.
const COMMANDS: &[&str] = &[
    "migrate",
    "rollback",
    "seed",
    "reset",
    "restore",
    "baseline",
    "repair",
    "rebase",
    "switch",
    "snapshot save",
    "snapshot restore",
    "snapshot drop",
    "env set",
    "env clear",
    "backups prune",
];

/// With the command behind `plan`, which is a command line of its own.
pub(crate) fn with_planned(cli: Cli, typed: &[OsString]) -> Result<Cli, clap::Error> {
    let Command::Plan(plan) = &cli.command else { return Ok(cli) };
    let line = plan.line_of_command(typed);
    // Another command would be told that it has no `--dry-run`.
    let without = line.iter().filter(|word| *word != DRY_RUN).cloned();
    makes_a_plan(help::parse(without.collect::<Vec<OsString>>())?)?;
    let planned = makes_a_plan(help::parse(line)?)?;
    let global = planned.global.clone();
    Ok(Cli { command: Command::Plan(plan.of(planned)), global })
}

/// Reads the words of a command that makes a plan.
pub(crate) fn read_command(words: &[String]) -> Result<TypedCommand> {
    let line = ["cargo db".to_owned()].into_iter().chain(words.iter().cloned());
    let read = help::parse(line).and_then(makes_a_plan);
    read.map_err(|error| {
        let why = error.to_string().lines().next().unwrap_or_default().to_owned();
        SettingsError::Usage { what: format!("the command of the kept plan: {why}") }.into()
    })
}

fn makes_a_plan(cli: Cli) -> Result<TypedCommand, clap::Error> {
    let Cli { command, global } = cli;
    let (name, needs, effect) = {
        let verb = command.verb();
        (verb.name(), verb.needs(), verb.effect())
    };
    if !COMMANDS.contains(&name) {
        let known = COMMANDS.join(", ");
        let what = format!("`{name}` makes no plan to keep; these do: {known}\n");
        return Err(Cli::command().error(ErrorKind::InvalidValue, what));
    }
    let run = Box::new(move |workspace: &_| command.verb().run(workspace));
    Ok(TypedCommand { global, verb: name, needs, effect, run })
}
