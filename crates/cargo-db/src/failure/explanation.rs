//! The explanation of every kind of failure besides its message, and parts that several kinds
//! share.

use std::path::Path;

use crate::failure::exit::Exit;
use crate::model::statement::ServerError;

/// A next step: a sentence, and optionally a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) label: String,
    pub(crate) command: Option<String>,
}

/// A flag of the call that a suggested command needs too: without it, that command would use
/// another database or another set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetainedFlag {
    /// The names of the flag.
    pub(crate) names: &'static [&'static str],
    /// The flag and its value, as a shell reads them.
    pub(crate) words: String,
}

impl RetainedFlag {
    /// A flag with its values; it is repeated for each value.
    pub(crate) fn new<V: AsRef<str>>(
        names: &'static [&'static str],
        values: impl IntoIterator<Item = V>,
    ) -> RetainedFlag {
        let word = |value: V| format!("{} {}", names[0], shell_words::quote(value.as_ref()));
        let words: Vec<String> = values.into_iter().map(word).collect();
        RetainedFlag { names, words: words.join(" ") }
    }

    /// Adds it to each `cargo db` command that does not have it yet.
    fn add_to(&self, command: &mut String) {
        let of_one = |one: String| {
            // A kept plan has these flags itself.
            let is_of_kept = ["cargo db apply ", "cargo db approve "];
            let is_of_kept = is_of_kept.iter().any(|command| one.starts_with(command));
            let is_ours = one.starts_with("cargo db ") && !is_of_kept;
            let words = shell_words::split(&one).unwrap_or_default();
            let lacks = is_ours && !words.iter().any(|word| self.is_given_by(word));
            if lacks { format!("{one} {}", self.words) } else { one }
        };
        let all: Vec<String> = commands_of(command).into_iter().map(of_one).collect();
        *command = all.join(AND);
    }

    /// Whether a word of a command is this flag, with or without its value.
    pub(crate) fn is_given_by(&self, word: &str) -> bool {
        // `-qestaging` is `-q -e staging`.
        let short = word.strip_prefix('-').map(|rest| rest.trim_start_matches(SWITCHES));
        self.names.iter().any(|name| match name.strip_prefix("--") {
            Some(_) => {
                let rest = word.strip_prefix(name);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            }
            None => short.is_some_and(|short| short.starts_with(&name[1..])),
        })
    }
}

/// The short flags without a value, which can be combined in one word.
const SWITCHES: [char; 7] = ['q', 'v', 'y', 'f', 'r', 'O', 'x'];
const AND: &str = " && ";

/// The commands that a shell runs in sequence. Quoted operators do not count.
fn commands_of(command: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for part in command.split(AND) {
        match all.last_mut().filter(|last| shell_words::split(last).is_err()) {
            Some(open) => *open = format!("{open}{AND}{part}"),
            None => all.push(part.to_owned()),
        }
    }
    all
}

/// Adds the flags of the call to a command.
pub(crate) fn with_flags(mut command: String, kept: &[RetainedFlag]) -> String {
    kept.iter().filter(|flag| !flag.words.is_empty()).for_each(|flag| flag.add_to(&mut command));
    command
}

/// Hints whose commands keep the flags of the call.
pub(super) fn with_kept_flags(mut hints: Vec<Hint>, kept: &[RetainedFlag]) -> Vec<Hint> {
    for hint in &mut hints {
        hint.command = hint.command.take().map(|command| with_flags(command, kept));
    }
    hints
}

/// All that is known of one kind of failure: its stable name for programs, the exit code, the
/// lines that say why, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    pub(crate) code: &'static str,
    pub(crate) exit: Exit,
    pub(crate) why: Vec<String>,
    pub(crate) hints: Vec<Hint>,
}

impl Explanation {
    /// An explanation without details; the other methods add them.
    pub(super) fn new(code: &'static str, exit: Exit) -> Explanation {
        Explanation { code, exit, why: Vec::new(), hints: Vec::new() }
    }

    /// One more line that says why.
    pub(super) fn because(mut self, line: impl Into<String>) -> Explanation {
        self.why.push(line.into());
        self
    }

    /// More lines that say why.
    pub(super) fn because_of(mut self, lines: impl IntoIterator<Item = String>) -> Explanation {
        self.why.extend(lines);
        self
    }

    /// The lines of a longer text that says why.
    pub(super) fn because_text(self, text: &str) -> Explanation {
        self.because_of(text.lines().map(str::to_owned))
    }

    /// Something to do next that no command does.
    pub(super) fn advise(mut self, label: impl Into<String>) -> Explanation {
        self.hints.push(Hint { label: label.into(), command: None });
        self
    }

    /// Adds a command to run next, with its purpose.
    pub(super) fn run(mut self, label: &str, command: impl Into<String>) -> Explanation {
        self.hints.push(Hint { label: label.to_owned(), command: Some(command.into()) });
        self
    }

    /// Suggests `cargo db status`, for failures that leave the state of the database uncertain.
    pub(super) fn suggest_status(self) -> Explanation {
        self.run("show the state of the database", "cargo db status")
    }
}

/// Why a folder is no project, and how it becomes one.
pub(super) fn no_project(none: Explanation, above: Option<&Path>) -> Explanation {
    let none = none.because("it has no db.toml, repository, manifest or migrations folder");
    match above {
        Some(above) => none.advise(format!(
            "go to `{}`, or create a db.toml here (it may be empty)",
            above.display()
        )),
        None => none.run("to make it a project", "cargo db init"),
    }
}

/// The first of several lines, for a message; the others are listed below it.
pub(super) fn first(lines: &[String]) -> &str {
    lines.first().map_or("", String::as_str)
}

/// The lines of a server's error besides its message.
pub(super) fn server_lines(server: &ServerError) -> Vec<String> {
    let code = server.code.as_ref().map(|code| format!("SQLSTATE {code}"));
    let detail = server.detail.as_ref().map(|detail| format!("detail: {detail}"));
    let hint = server.hint.as_ref().map(|hint| format!("the server's hint: {hint}"));
    let context = server
        .context
        .as_ref()
        .map(|context| format!("in {}", context.lines().next().unwrap_or("")));
    [detail, context, hint, code].into_iter().flatten().collect()
}

/// The line above the statements that stay applied after a failure.
const STAY_APPLIED: &str = "the migration runs outside a transaction; these statements stay \
                            applied:";
/// The line above the objects that an interrupted statement left behind.
pub(super) const LEFT_BEHIND: &str = "the statement left this behind:";

/// Whether this line begins the list of what is left in the database.
pub(super) fn begins_remaining(line: &str) -> bool {
    [STAY_APPLIED, LEFT_BEHIND].contains(&line)
}

/// What a file that ran outside a transaction leaves behind when it stops.
pub(super) fn list_remaining(stays: &[String]) -> impl Iterator<Item = String> {
    std::iter::once(STAY_APPLIED.to_owned())
        .chain(stays.iter().map(|statement| format!("  {statement}")))
}

/// What is known if everything was committed but could not be checked.
pub(super) fn committed(unseen: &str) -> [String; 2] {
    ["nothing was rolled back".to_owned(), format!("not checked: {unseen}")]
}

/// What to do about a file that stopped half-way, outside a transaction.
pub(super) const FINISH_BY_HAND: &str = "make the file repeatable (`IF NOT EXISTS`), or undo the \
                                         applied statements yourself; then run";

/// Names in code style, in one sentence.
pub(super) fn in_backticks(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
