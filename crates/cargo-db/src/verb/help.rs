//! The help. It lists the verbs in groups, the daily ones first. The short help only names the
//! global options, so that a verb's own options stay visible. For programs, all of it is one
//! document.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, CommandFactory, FromArgMatches};

use super::{Cli, manual};
use crate::answer::{ArgumentView, CommandView, ExitCodeView, HelpView, ManualPages, Outcome};
use crate::change::Effect;
use crate::failure::Result;
use crate::verb::declare::Verb;
use crate::world::edit;

const EFFECT: Effect = Effect::Reads;

/// Show the help of a command
///
/// With --json, all commands as one document: their options, their effect on the database, and the
/// exit codes. With --man, a manual page for each command.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct HelpArgs {
    /// The command, for example `backups verify`; all commands without it
    command: Vec<String>,
    /// Write manual pages to this folder, for example ~/.local/share/man/man1
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    man: Option<PathBuf>,
}

impl Verb for HelpArgs {
    fn name(&self) -> &'static str {
        "help"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    /// What is only shown does not come here: that is what `--help` shows.
    fn answer(&self) -> Option<Outcome> {
        let mut cli = Cli::command();
        if let Some(folder) = &self.man {
            cli.build();
            let written = write_manual(&cli, folder);
            return Some(written.map_or_else(Outcome::from, Outcome::done));
        }
        let mut commands = commands();
        let asked = self.command.join(" ");
        let below = format!("{asked} ");
        commands.retain(|command| {
            asked.is_empty() || command.name == asked || command.name.starts_with(&below)
        });
        let global = cli.get_arguments().filter(|argument| argument.is_global_set());
        let global_options = global.map(argument).collect();
        Some(Outcome::done(HelpView { commands, global_options, exit_codes: ExitCodeView::all() }))
    }
}

fn write_manual(cli: &Command, folder: &Path) -> Result<ManualPages> {
    let write = |(name, text): (String, String)| {
        let path = folder.join(name);
        edit::rewrite(&path, &text).map(|()| path.display().to_string())
    };
    let paths = manual::pages(cli).into_iter().map(write).collect::<Result<_>>()?;
    Ok(ManualPages { paths })
}

/// The groups in the order of the help, each with its verbs.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Daily commands",
        &[
            "status", "create", "generate", "migrate", "rollback", "check", "schema", "diff",
            "diagram", "seed", "reset", "shell",
        ],
    ),
    ("Backups and snapshots", &["backup", "restore", "backups", "dump", "snapshot"]),
    ("Rehearsal, policy and audit", &["rehearse", "policy", "env", "key", "trust", "audit"]),
    ("Plans and approval", &["plan", "apply", "approve"]),
    ("Migration history", &["baseline", "repair", "rebase", "switch"]),
    ("Setup", &["init", "hooks", "mcp", "server", "doctor", "completions", "help"]),
];

/// clap would list the commands without groups, so they are hidden, and added to this template.
const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}";

/// Parses the arguments, with the help that this module builds.
pub(crate) fn parse<T>(arguments: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error>
where
    T: Into<OsString>,
{
    let mut command = command();
    let mut matches = matched(&mut command, arguments.into_iter().map(Into::into).collect())?;
    let cli =
        Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    match &cli.command {
        super::Command::Help(asked) if asked.man.is_none() => {
            show(&mut command, asked, cli.global.json).map(|()| cli)
        }
        _ => Ok(cli),
    }
}

/// Reads the command line. `help` behind a group of commands is its `--help`.
fn matched(command: &mut Command, mut typed: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let read = command.try_get_matches_from_mut(&typed);
    let is_unknown = read.as_ref().is_err_and(|error| error.kind() == ErrorKind::InvalidSubcommand);
    match typed.last_mut() {
        Some(last) if is_unknown && last == "help" => {
            *last = "--help".into();
            command.try_get_matches_from_mut(&typed)
        }
        _ => read,
    }
}

/// What clap prints for `--help` is an error to it, as is a command that does not exist. The
/// document needs only the latter.
fn show(command: &mut Command, asked: &HelpArgs, json: bool) -> Result<(), clap::Error> {
    let words = asked.command.iter().map(String::as_str);
    let words = ["cargo db"].into_iter().chain(words).chain(["--help"]);
    match command.try_get_matches_from_mut(words) {
        Err(shown) if shown.use_stderr() || !json => Err(shown),
        _ => Ok(()),
    }
}

/// The commands that can be run, in the order in which they are declared.
pub(crate) fn commands() -> Vec<CommandView> {
    let mut commands = Vec::new();
    collect(&Cli::command(), "", &mut commands);
    commands
}

/// Appends the commands that can be run, in the order in which they are declared.
fn collect(command: &Command, above: &str, found: &mut Vec<CommandView>) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        let name = format!("{above} {}", below.get_name()).trim_start().to_owned();
        if below.has_subcommands() {
            collect(below, &name, found);
        } else {
            let own = below.get_arguments().filter(|argument| !argument.is_global_set());
            let arguments = own.filter(|own| !own.is_hide_set()).map(argument).collect();
            // There is one schema for each first word.
            let word = name.split(' ').next().unwrap_or_default();
            found.push(CommandView {
                schema: format!("docs/schema/{word}.json"),
                name,
                about: line(below.get_about()),
                effect: effect(below),
                arguments,
            });
        }
    }
}

/// Every verb ends its help with its effect.
fn effect(command: &Command) -> String {
    let help = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
    let mut effects = help.lines().filter_map(|line| line.strip_prefix("Effect on the database: "));
    effects.next().unwrap_or_default().to_owned()
}

fn argument(argument: &Arg) -> ArgumentView {
    let takes_value = argument.get_action().takes_values();
    let value = argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string);
    let is_many = argument.get_num_args().is_some_and(|range| range.max_values() > 1);
    ArgumentView {
        option: argument.get_long().map(|long| format!("--{long}")),
        short: argument.get_short().map(|short| format!("-{short}")),
        value: value.filter(|_| takes_value),
        allowed: match takes_value {
            true => {
                argument.get_possible_values().iter().map(|one| one.get_name().to_owned()).collect()
            }
            false => Vec::new(),
        },
        required: argument.is_required_set(),
        repeated: is_many || matches!(argument.get_action(), ArgAction::Append | ArgAction::Count),
        about: line(argument.get_help()),
    }
}

fn line(text: Option<&StyledStr>) -> String {
    let text = text.map(StyledStr::to_string).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The command line, with the help of this module.
pub(super) fn command() -> Command {
    // Eighteen global options would hide a verb's own options.
    let short = |option: Arg| match option.is_global_set() {
        true => option.hide_short_help(true),
        false => option,
    };
    let cli = Cli::command().mut_args(short);
    let globals: Vec<&Arg> = cli.get_arguments().filter(|arg| arg.is_global_set()).collect();
    let named = format!("Global options, which `--help` describes: {}", names(&globals));
    let template = format!("{TEMPLATE}\n\n{}\n{{all-args}}{{after-help}}", grouped(&cli));
    with_globals_named(cli, &named)
        .mut_subcommands(|verb| verb.hide(true))
        .override_usage("cargo db [OPTIONS] <COMMAND>")
        .help_template(template)
}

/// The options as they are typed.
fn names(options: &[&Arg]) -> String {
    let long = options.iter().filter_map(|option| option.get_long());
    long.map(|name| format!("--{name}")).collect::<Vec<_>>().join(", ")
}

/// Adds one line that names the global options to the short help of a command and its subcommands.
fn with_globals_named(command: Command, named: &str) -> Command {
    let own = command.get_after_help().map(StyledStr::to_string);
    let long = command.get_after_long_help().map(StyledStr::to_string).or_else(|| own.clone());
    let short = own.into_iter().chain([named.to_owned()]).collect::<Vec<_>>().join("\n\n");
    let command =
        command.after_help(short).mut_subcommands(|below| with_globals_named(below, named));
    command.after_long_help(long.unwrap_or_default())
}

/// The verbs in their groups, as text.
fn grouped(cli: &Command) -> String {
    let styles = cli.get_styles();
    let (header, literal) = (styles.get_header(), styles.get_literal());
    let mut text = String::new();
    for (title, verbs) in GROUPS {
        let _ = writeln!(text, "{header}{title}:{header:#}");
        for verb in *verbs {
            let _ = writeln!(text, "  {literal}{verb:<11}{literal:#}  {}", about(cli, verb));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn about(cli: &Command, verb: &str) -> String {
    line(cli.find_subcommand(verb).and_then(Command::get_about))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_one_group() {
        let cli = Cli::command();
        let mut verbs: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| *verbs).copied().collect();
        verbs.sort_unstable();
        listed.sort_unstable();
        assert_eq!(verbs, listed);
    }

    #[test]
    fn the_short_help_of_a_verb_names_the_global_options_and_the_long_one_describes_them() {
        let short = parse(["cargo db", "rollback", "-h"]).unwrap_err().to_string();
        assert!(short.contains("--steps") && !short.contains("Global options:\n"), "{short}");
        assert!(short.contains("Global options, which `--help` describes: --env,"), "{short}");
        let long = parse(["cargo db", "rollback", "--help"]).unwrap_err().to_string();
        assert!(long.contains("Global options:\n") && !long.contains("which `--help`"), "{long}");
    }

    #[test]
    fn every_command_has_its_effect_in_the_document() {
        let commands = commands();
        let effect = |name: &str| {
            commands.iter().find(|command| command.name == name).map(|command| &*command.effect)
        };
        assert_eq!(effect("status"), Some("none"));
        assert_eq!(effect("migrate"), Some("changes the schema"));
        assert_eq!(effect("reset"), Some("can destroy data"));
        assert_eq!(effect("backups prune"), Some("none; removes backups"));
        assert_eq!(effect("backups"), None, "a group is no command");
        for command in commands {
            let help =
                parse(["cargo db"].into_iter().chain(command.name.split(' ')).chain(["--help"]));
            let help = line(Some(&help.unwrap_err().to_string().into()));
            assert!(!command.effect.is_empty(), "{}", command.name);
            let declared = format!("Effect on the database: {}", command.effect);
            assert!(help.contains(&declared), "{}: {help}", command.name);
        }
    }

    #[test]
    fn the_help_of_a_group_can_be_asked_for_in_each_way() {
        let asked = |words: &[&str]| parse(words.iter().copied()).unwrap_err().to_string();
        let shown = asked(&["cargo db", "backups", "--help"]);
        assert!(shown.contains("  verify"), "{shown}");
        assert_eq!(asked(&["cargo db", "help", "backups"]), shown);
        assert_eq!(asked(&["cargo db", "backups", "help"]), shown);
        assert!(asked(&["cargo db", "help", "backup_s"]).contains("unrecognized"));
    }

    #[test]
    fn without_arguments_the_daily_commands_come_first() {
        let text = parse(["cargo db"]).unwrap_err().to_string();
        let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(place("Daily commands:") < place("  migrate"), "{text}");
        assert!(place("  migrate") < place("Backups and snapshots:"), "{text}");
        assert!(place("Backups and snapshots:") < place("  baseline"), "{text}");
        assert!(!text.contains("Global options:\n") && !text.contains("Exit codes"), "{text}");
    }
}
