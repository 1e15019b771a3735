//! A call of a tool as a command line.

use std::fmt::Display;

/// The words behind `cargo db`. No value can be taken for a flag.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ToolCommand(Vec<String>);

impl ToolCommand {
    /// A command, with no arguments yet.
    pub(super) fn of(command: &str) -> ToolCommand {
        ToolCommand(command.split_whitespace().map(str::to_owned).collect())
    }

    /// Adds a flag, where it is wanted.
    pub(super) fn flag(mut self, flag: &str, is_wanted: bool) -> ToolCommand {
        self.0.extend(is_wanted.then(|| flag.to_owned()));
        self
    }

    /// Adds a flag with its value, where there is one.
    pub(super) fn option(mut self, flag: &str, value: Option<impl Display>) -> ToolCommand {
        self.0.extend(value.map(|value| format!("{flag}={value}")));
        self
    }

    /// Adds a value that stands alone, where there is one. The name is that of the tool's argument.
    pub(super) fn value(mut self, name: &str, value: Option<&str>) -> Result<ToolCommand, String> {
        if let Some(value) = value.filter(|value| value.starts_with('-')) {
            return Err(format!("the argument `{name}` begins with `-`: `{value}`"));
        }
        self.0.extend(value.map(str::to_owned));
        Ok(self)
    }

    /// Adds words of a command line that was accepted before.
    pub(super) fn words(mut self, words: Vec<String>) -> ToolCommand {
        self.0.extend(words);
        self
    }

    /// The words, behind the flags that every command of this server gets.
    pub(super) fn behind(self, flags: &[String]) -> Vec<String> {
        // `db` is for an `xtask` with other tasks.
        let before = ["db".to_owned()].into_iter().chain(flags.iter().cloned());
        before.chain(["--json".to_owned()]).chain(self.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_becomes_a_flag() {
        let line = ToolCommand::of("snapshot save")
            .option("--env", Some("--yes"))
            .option("--steps", None::<u64>)
            .flag("--show-sql", true)
            .flag("--fresh", false)
            .value("name", Some("mine"))
            .unwrap();
        let words = line.behind(&["--no-dotenv".to_owned()]);
        let expected = [
            "db",
            "--no-dotenv",
            "--json",
            "snapshot",
            "save",
            "--env=--yes",
            "--show-sql",
            "mine",
        ];
        assert_eq!(words, expected);
        for value in ["--yes", "-y", "-", "--"] {
            let refused = ToolCommand::of("snapshot save").value("name", Some(value));
            assert_eq!(refused, Err(format!("the argument `name` begins with `-`: `{value}`")));
        }
    }
}
