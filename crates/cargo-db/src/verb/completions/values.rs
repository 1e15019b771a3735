//! The values that are completed. They come from files alone.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::{Command, Parser};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::backup::BackupFolder;
use crate::change::{Effect, Needs, SetNeed, ToolNeed, Workspace};
use crate::cli::{ConsentFlags, Global};
use crate::face::Face;
use crate::migration::read_folder;
use crate::model::environment::Environment;
use crate::settings::{Program, Settings};
use crate::snapshot::names_in_index;

/// Reads the values of an argument, for a line that begins with these words.
type Candidates = fn(&[OsString]) -> Option<Vec<CompletionCandidate>>;

/// The arguments of commands: the command, the argument, its values.
const OF_COMMANDS: &[(&[&str], &str, Candidates)] = &[
    (&["migrate"], "to", migrations),
    (&["rollback"], "to", migrations),
    (&["baseline"], "to", migrations),
    (&["rehearse"], "to", migrations),
    (&["rehearse"], "backup", backups),
    (&["restore"], "backup", backups),
    (&["backups", "show"], "name", backups),
    (&["backups", "verify"], "name", backups),
    (&["snapshot", "restore"], "name", snapshots),
    (&["snapshot", "drop"], "name", snapshots),
];

/// The options that select the files, which are taken from the line that is being typed.
const SELECTING: &[&str] = &["--set", "--migrations-dir", "--source", "--env-file", "--env"];

/// The options that select the files.
#[derive(Debug, Parser)]
struct SelectingLine {
    #[command(flatten)]
    global: Global,
}

/// Names the values of the arguments, for a line that begins with these words.
pub(super) fn with_values(command: Command, line: &[OsString]) -> Command {
    let command = command
        .mut_arg("env", |env| env.add(candidates(environments, line)))
        .mut_arg("set", |set| set.add(candidates(sets, line)));
    OF_COMMANDS.iter().fold(command, |command, (path, argument, values)| {
        in_command(command, path, argument, &candidates(*values, line))
    })
}

fn in_command(
    command: Command,
    path: &[&str],
    argument: &str,
    values: &ArgValueCandidates,
) -> Command {
    match path.split_first() {
        None => command.mut_arg(argument, |argument| argument.add(values.clone())),
        Some((first, rest)) => {
            command.mut_subcommand(first, |below| in_command(below, rest, argument, values))
        }
    }
}

fn candidates(values: Candidates, line: &[OsString]) -> ArgValueCandidates {
    let line = line.to_vec();
    ArgValueCandidates::new(move || values(&line).unwrap_or_default())
}

fn environments(_: &[OsString]) -> Option<Vec<CompletionCandidate>> {
    Some(Environment::ALL.map(|one| CompletionCandidate::new(one.name())).into())
}

fn sets(line: &[OsString]) -> Option<Vec<CompletionCandidate>> {
    let names = workspace(line)?.settings.migrations.sets.into_iter().flatten();
    Some(names.map(CompletionCandidate::new).collect())
}

fn migrations(line: &[OsString]) -> Option<Vec<CompletionCandidate>> {
    let folders = settings(line)?.into_iter().filter_map(|settings| read_folder(&settings).ok());
    let migrations = folders.flat_map(|folder| folder.migrations);
    let named = migrations.map(|one| candidate(one.version.to_string(), one.name));
    Some(named.collect())
}

/// The newest first, as `backups list` shows them.
fn backups(line: &[OsString]) -> Option<Vec<CompletionCandidate>> {
    let listed = settings(line)?.into_iter().filter_map(|of| BackupFolder::of(&of).list().ok());
    let mut names: Vec<String> =
        listed.flat_map(|one| one.backups).map(|backup| backup.manifest.name).collect();
    names.dedup();
    Some(names.into_iter().map(CompletionCandidate::new).collect())
}

/// The newest first, as this project last saw them.
fn snapshots(line: &[OsString]) -> Option<Vec<CompletionCandidate>> {
    let names = |of: Settings| names_in_index(&of.root, of.place.value.database());
    let names = settings(line)?.into_iter().flat_map(names);
    Some(names.map(CompletionCandidate::new).collect())
}

fn candidate(value: String, help: String) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(StyledStr::from(help)))
}

/// The settings of the sets that the line selects.
fn settings(line: &[OsString]) -> Option<Vec<Settings>> {
    Some(workspace(line)?.sets().into_iter().filter_map(|(_, settings)| settings.ok()).collect())
}

/// The workspace of the current folder, for a verb that reads files.
fn workspace(line: &[OsString]) -> Option<Workspace> {
    let words = ["cargo db", "--quiet"].map(str::to_owned).into_iter().chain(selected(line));
    let SelectingLine { global } = SelectingLine::try_parse_from(words).ok()?;
    let needs = Needs { set: SetNeed::Each, tool: ToolNeed::BySample, ..Needs::FILES };
    let consent = ConsentFlags::new(&global, false, &[]);
    let face = Face::new("completions", (&global, None), |_| None);
    let declared = ("completions", needs, Effect::Reads);
    Workspace::open(&global, Program::Installed, declared, consent, &face).ok()
}

/// The options of the line that select files.
fn selected(line: &[OsString]) -> Vec<String> {
    let mut words = line.iter().map(|word| word.to_string_lossy().into_owned());
    let mut selected = Vec::new();
    while let Some(word) = words.next() {
        if SELECTING.contains(&word.as_str()) {
            selected.extend(words.next().map(|value| format!("{word}={value}")));
        } else if SELECTING.iter().any(|option| word.starts_with(&format!("{option}="))) {
            selected.push(word);
        }
    }
    selected
}
