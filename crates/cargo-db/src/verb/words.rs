//! Words that people type who know another tool, and the command that does what they mean.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Words and the commands that they suggest. None is an alias: an error that names the right
/// command is remembered, and scripts use one spelling only.
const WORDS: &[(&[&str], &str)] = &[
    (&["up", "run", "deploy", "upgrade", "latest", "setup"], "migrate"),
    (&["pending"], "migrate --dry-run"),
    (&["down", "undo", "revert", "downgrade", "redo"], "rollback"),
    (&["new", "add", "make"], "create"),
    (&["info", "list", "show", "version"], "status"),
    (&["drop", "wipe", "clean", "fresh", "refresh", "recreate"], "reset"),
    (&["save"], "backup"),
    (&["export"], "dump"),
    (&["structure", "tables", "describe"], "schema show"),
    (&["erd", "graph", "draw"], "diagram"),
    (&["load", "import", "undrop"], "restore"),
    (&["lint", "validate", "analyze"], "check"),
    (&["verify"], "backups verify"),
    (&["prune"], "backups prune"),
    (&["test", "simulate", "try"], "rehearse"),
    (&["resolve", "stamp", "mark"], "baseline"),
    (&["fix"], "repair"),
    (&["psql", "console", "connect", "sql"], "shell"),
    (&["compare"], "diff"),
    (&["log", "audit list", "audit log"], "audit"),
    (&["start"], "server start"),
    (&["stop"], "server stop"),
    (&["destroy"], "server destroy"),
    (&["url"], "server url"),
];

/// The same error, with a tip if the unknown command is one of these words.
pub(crate) fn with_tip(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand) else {
        return error;
    };
    let typed = parent_of(&error).into_iter().chain([typed.clone()]).collect::<Vec<_>>().join(" ");
    let Some(command) = command_for(&typed) else { return error };
    let tip = StyledStr::from(format!("the command for that is `cargo db {command}`"));
    error.remove(ContextKind::SuggestedSubcommand);
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    error
}

/// The command whose subcommand is unknown: `audit` for `audit list`.
fn parent_of(error: &clap::Error) -> Option<String> {
    let usage = error.get(ContextKind::Usage)?.to_string();
    let word = usage.split_whitespace().skip_while(|word| *word != "db").nth(1)?;
    word.chars().all(|c| c.is_ascii_lowercase()).then(|| word.to_owned())
}

fn command_for(typed: &str) -> Option<&'static str> {
    let (_, command) = WORDS.iter().find(|(words, _)| words.contains(&typed))?;
    Some(command)
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::*;

    #[test]
    fn every_word_suggests_a_command_and_is_not_one() {
        let cli = Cli::command();
        for (words, command) in WORDS {
            let first = command.split(' ').next().unwrap();
            assert!(cli.find_subcommand(first).is_some(), "{command}");
            for word in *words {
                assert!(cli.find_subcommand(word).is_none(), "{word} is a command");
            }
        }
    }

    #[test]
    fn the_tip_replaces_merely_similar_commands() {
        let error = |word| with_tip(Cli::try_parse_from(["cargo db", word]).unwrap_err());
        let text = error("redo").to_string();
        assert!(text.contains("the command for that is `cargo db rollback`"), "{text}");
        assert!(!text.contains("restore"), "{text}");
        assert!(error("migrat").to_string().contains("'migrate'"));
        let below = with_tip(Cli::try_parse_from(["cargo db", "audit", "list"]).unwrap_err());
        let text = below.to_string();
        assert!(text.contains("the command for that is `cargo db audit`"), "{text}");
    }

    #[test]
    fn a_suggested_command_is_never_more_dangerous() {
        assert_eq!(command_for("setup"), Some("migrate"));
        // `server url` prints an address, but opens no shell.
        assert_eq!(["psql", "connect"].map(command_for), [Some("shell"), Some("shell")]);
    }
}
