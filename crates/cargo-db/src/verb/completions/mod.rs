//! `cargo db completions`.

mod values;

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use clap_complete::engine::{CompletionCandidate, complete};

use crate::answer::{Outcome, ShellScript};
use crate::change::Effect;
use crate::verb::declare::Verb;
use crate::world::process;

const EFFECT: Effect = Effect::Reads;

/// How the scripts ask for completions, before the number of the word to complete, and all words.
const ASKED: &str = "__complete";

/// Print the script that completes commands in a shell
///
/// Completes `cargo db` and `cargo-db`: commands, options, migrations, backups, sets and
/// environments. No database is contacted.
///
/// bash: add `source <(cargo db completions bash)` to ~/.bashrc.
/// zsh: add `source <(cargo db completions zsh)` to ~/.zshrc, after compinit.
/// fish: add `cargo db completions fish | source` to ~/.config/fish/config.fish.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help(), verbatim_doc_comment)]
pub(crate) struct CompletionsArgs {
    #[arg(value_enum)]
    shell: Shell,
}

/// A shell with a script.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    fn script(self) -> &'static str {
        match self {
            Shell::Bash => include_str!("bash.sh"),
            Shell::Zsh => include_str!("zsh.sh"),
            Shell::Fish => include_str!("fish.fish"),
        }
    }
}

impl Verb for CompletionsArgs {
    fn name(&self) -> &'static str {
        "completions"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    /// The script calls an installed `cargo-db` by its name, and one that was built by its path.
    /// `cargo db` itself would take longer than a completion may.
    fn answer(&self) -> Option<Outcome> {
        let built = process::own_path_unless_found("cargo-db");
        let program = built.map_or("cargo-db".into(), |path| path.to_string_lossy().into_owned());
        let text = self.shell.script().replace("{program}", &shell_words::quote(&program));
        Some(Outcome::done(ShellScript { text }))
    }
}

/// What a script that asks for completions gets: a line each, with the help behind a tab. `None` if
/// none asks. What goes wrong is not said: it would appear in the line that is being typed.
pub(crate) fn completions(arguments: &[OsString]) -> Option<String> {
    let [_, asked, index, line @ ..] = arguments else { return None };
    let index: usize = index.to_str().filter(|_| asked == ASKED)?.parse().ok()?;
    let before = line.get(..index).unwrap_or_default();
    let word = line.get(index).map(|word| word.to_string_lossy()).unwrap_or_default();
    let mut command = values::with_values(super::help::command(), before);
    let found = complete(&mut command, line.to_vec(), index, None).unwrap_or_default();
    Some(lines(&found, &word))
}

/// Options are only offered if there is nothing else, or if one was begun.
fn lines(found: &[CompletionCandidate], word: &str) -> String {
    let is_option = |one: &&CompletionCandidate| one.get_value().to_string_lossy().starts_with('-');
    let with_options = word.starts_with('-') || found.iter().all(|one| is_option(&one));
    let offered = found.iter().filter(|one| with_options || !is_option(one));
    let line = |one: &CompletionCandidate| {
        let help = one.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        format!("{}\t{help}\n", one.get_value().to_string_lossy())
    };
    offered.map(line).collect()
}
