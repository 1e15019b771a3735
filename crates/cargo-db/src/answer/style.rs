//! The style of an answer: its width, and whether it has colours.

use anstyle::{AnsiColor, Style as Ansi};

use crate::failure::{RetainedFlag, with_flags};

/// Properties of the terminal or file that an answer is written to.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// How many characters fit in a line.
    pub(crate) width: usize,
    pub(crate) colours: bool,
    /// Whether lists and sets are shown in full.
    pub(crate) details: bool,
    /// The flags of the call that suggested commands need too.
    pub(crate) kept: Vec<RetainedFlag>,
}

pub(crate) const GREEN: Ansi = AnsiColor::Green.on_default().bold();
pub(crate) const RED: Ansi = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Ansi = AnsiColor::Yellow.on_default().bold();
pub(crate) const CYAN: Ansi = AnsiColor::Cyan.on_default().bold();
pub(crate) const BOLD: Ansi = Ansi::new().bold();
pub(crate) const DIM: Ansi = Ansi::new().dimmed();

impl Style {
    /// The text in this colour, where colours may be used.
    pub(crate) fn paint(&self, colour: Ansi, text: &str) -> String {
        if self.colours { format!("{colour}{text}{colour:#}") } else { text.to_owned() }
    }

    /// A suggested command, with the flags of the call.
    pub(crate) fn command(&self, command: &str) -> String {
        with_flags(command.to_owned(), &self.kept)
    }
}

/// The length of one of our own colours, or of their end, that a text begins with.
pub(crate) fn length_of_ours(text: &str) -> Option<usize> {
    if !text.starts_with('\u{1b}') {
        return None;
    }
    let begins = [GREEN, RED, YELLOW, CYAN, BOLD, DIM].map(|colour| colour.render().to_string());
    let ends = [BOLD.render_reset().to_string()];
    let all = begins.iter().chain(&ends);
    all.filter(|one| text.starts_with(one.as_str())).map(String::len).max()
}
