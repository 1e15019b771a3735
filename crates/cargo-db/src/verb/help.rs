//! The help. It lists the verbs in groups, the daily ones first. The short help only names the
//! global options, so that a verb's own options stay visible.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::Cli;

/// The groups in the order of the help, each with its verbs.
const GROUPS: &[(&str, &[&str])] = &[
    (
        "Daily commands",
        &[
            "status", "create", "generate", "migrate", "rollback", "check", "schema", "diff",
            "diagram", "seed", "reset", "shell",
        ],
    ),
    ("Backups", &["backup", "restore", "backups", "dump"]),
    ("Rehearsal, policy and audit", &["rehearse", "policy", "env", "key", "trust", "audit"]),
    ("Migration history", &["baseline", "repair"]),
    ("Setup", &["init", "hooks", "server", "help"]),
];

/// clap would list the commands without groups, so they are hidden, and added to this template.
const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}";

/// Parses the arguments, with the help that this module builds.
pub(crate) fn parse<T>(arguments: impl IntoIterator<Item = T>) -> Result<Cli, clap::Error>
where
    T: Into<std::ffi::OsString> + Clone,
{
    let mut command = command();
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

fn command() -> Command {
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
            let _ = writeln!(text, "  {literal}{verb:<8}{literal:#}  {}", about(cli, verb));
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn about(cli: &Command, verb: &str) -> String {
    let found = cli.find_subcommand(verb).and_then(Command::get_about);
    found.map_or_else(|| "Show the help of a command".to_owned(), StyledStr::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_one_group() {
        let cli = Cli::command();
        let mut verbs: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        verbs.push("help");
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
    fn without_arguments_the_daily_commands_come_first() {
        let text = parse(["cargo db"]).unwrap_err().to_string();
        let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(place("Daily commands:") < place("  migrate"), "{text}");
        assert!(place("  migrate") < place("Backups:"), "{text}");
        assert!(place("Backups:") < place("  baseline"), "{text}");
        assert!(!text.contains("Global options:\n") && !text.contains("Exit codes"), "{text}");
    }
}
