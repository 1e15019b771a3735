//! A failure: what, where, why, what was done before, what to do next.

use serde::Serialize;

use crate::answer::text::{NARROW, command_lines};
use crate::answer::visible::one_line;
use crate::answer::{CYAN, RED, Style};
use crate::failure::{DatabaseError, Exit, Failure, Kind};
use crate::model::statement::StatementError;

/// Why a run failed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorView {
    /// Stable; the text is for people and may change.
    code: &'static str,
    /// The exit code.
    exit: u8,
    summary: String,
    why: Vec<String>,
    /// What was done before it, and is kept.
    done: Vec<String>,
    next: Vec<NextView>,
    #[serde(skip)]
    excerpt: Option<Box<StatementError>>,
    /// The set of migrations that it is about, if the run was for several.
    #[serde(skip)]
    set: Option<String>,
}

/// What to do next.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct NextView {
    label: String,
    command: Option<String>,
}

impl From<&Failure> for ErrorView {
    fn from(failure: &Failure) -> ErrorView {
        let next = failure.hints().into_iter();
        let next = next.map(|hint| NextView { label: hint.label, command: hint.command });
        let excerpt = match failure.kind() {
            Kind::Database(DatabaseError::Statement { statement, .. })
            | Kind::Database(DatabaseError::PartWay { statement, .. }) => Some(statement.clone()),
            _ => None,
        };
        ErrorView {
            code: failure.code(),
            exit: failure.exit() as u8,
            summary: failure.to_string(),
            why: failure.why(),
            done: failure.done().to_vec(),
            next: next.collect(),
            excerpt,
            set: None,
        }
    }
}

impl ErrorView {
    /// A command line that cannot be read.
    pub(crate) fn usage(summary: &str) -> ErrorView {
        let (label, command) = ("see the help".to_owned(), Some("cargo db --help".to_owned()));
        ErrorView {
            code: "USAGE",
            exit: Exit::Usage as u8,
            summary: summary.to_owned(),
            why: Vec::new(),
            done: Vec::new(),
            next: vec![NextView { label, command }],
            excerpt: None,
            set: None,
        }
    }

    /// The same, of one of several sets of migrations.
    pub(crate) fn of_set(self, name: &str) -> ErrorView {
        ErrorView { set: Some(name.to_owned()), ..self }
    }

    /// In one line.
    pub(super) fn summary(&self) -> String {
        one_line(&self.summary).into_owned()
    }

    /// Its name, which does not change.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What failed, why, and what to do next: a line each, for a report.
    pub(crate) fn lines(&self) -> Vec<String> {
        let next = self.next.iter().map(|NextView { label, command }| match command {
            Some(command) => format!("{label}: `{command}`"),
            None => label.clone(),
        });
        [self.summary.clone()].into_iter().chain(self.why.iter().cloned()).chain(next).collect()
    }

    /// For people.
    pub(crate) fn text(&self, style: &Style) -> String {
        let set = self.set.iter().map(|set| format!("set {set}: ")).collect::<String>();
        let head = format!("{} {set}{}", style.paint(RED, "error:"), one_line(&self.summary));
        let mut lines = vec![head];
        lines.extend(self.excerpt.iter().flat_map(|statement| excerpt(statement, style)));
        // A message of a server or a program may have several lines, and a name may have a newline.
        lines.extend(self.why.iter().map(|why| format!("  {}", why.replace('\n', "\n    "))));
        if let [.., last] = self.done.as_slice() {
            let before = match self.done.len() {
                1 => last.clone(),
                count => format!("{count} steps, the last: {last}"),
            };
            lines.push(format!("  already applied: {before}"));
        }
        if !self.next.is_empty() {
            lines.push(String::new());
        }
        for NextView { label, command } in &self.next {
            let command = command.as_deref().map(|command| shown(command, style.width));
            let command = command.unwrap_or_default();
            lines.push(format!("{} {label}{command}", style.paint(CYAN, "help:")));
        }
        lines.join("\n")
    }
}

/// A command after its label. In a narrow terminal, a long one is broken so that its lines can be
/// copied as one.
fn shown(command: &str, width: usize) -> String {
    let command = one_line(command);
    if width >= NARROW || command.chars().count() + 2 <= width {
        return format!(": `{command}`");
    }
    format!(":\n  {}", command_lines(&command, width - 2).join("\n  "))
}

/// The line that failed, with a mark under the place.
fn excerpt(statement: &StatementError, style: &Style) -> Vec<String> {
    let number = statement.line.to_string();
    let gap = " ".repeat(number.len());
    let bar = style.paint(CYAN, "|");
    let indent = " ".repeat(statement.column.saturating_sub(1));
    let mark = format!("{indent}{}", style.paint(RED, "^"));
    let line = statement.source_line.replace('\t', " ");
    vec![format!(" {gap} {bar}"), format!(" {number} {bar} {line}"), format!(" {gap} {bar} {mark}")]
}
