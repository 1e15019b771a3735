//! Output that only a terminal can show, and prompts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::answer::text;
use crate::answer::visible::one_line;
use crate::failure::{Failure, Result, RunError};
use crate::model::event::Event;

/// Something that moves while a step is at work.
pub(super) struct Spinner {
    /// Where nothing may move there never is one.
    moves: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Spinner {
    pub(super) fn new(moves: bool) -> Spinner {
        Spinner { moves, bar: Mutex::new(None) }
    }

    /// Lets it show what happened.
    pub(super) fn show(&self, event: &Event) {
        match event {
            Event::Started { doing, subject } => self.start(doing, subject),
            Event::ServerStarting { first_time: false } => {
                self.start("Starting", "the private PostgreSQL server");
            }
            Event::Expected { count, of } => self.expect(*count, of),
            Event::Counted => self.with_bar(|bar| bar.inc(1)),
            Event::Passed { bytes } => self.with_bar(|bar| bar.set_message(text::size(*bytes))),
            Event::Building { phase, percent } => {
                let percent = percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
                self.with_bar(|bar| bar.set_message(format!("{phase}{percent}")));
            }
            Event::Finished { .. } => self.clear(),
            _ => {}
        }
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// Writes something above it.
    pub(super) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn start(&self, doing: &str, subject: &str) {
        if !self.moves {
            return;
        }
        // Clear before drawing another one: each erases at the current cursor position.
        self.clear();
        let bar = ProgressBar::new_spinner();
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:>12.cyan.bold} {msg} {spinner} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(doing.to_owned());
        bar.set_message(one_line(subject).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        *self.bar() = Some(bar);
    }

    /// What moved for want of a number becomes a bar that has one.
    fn expect(&self, count: u64, of: &str) {
        let template = format!(
            "{{prefix:>12.cyan.bold}} {{bar:24}} {{pos}} of {{len}} {of}, {{msg}} {{elapsed}}"
        );
        self.with_bar(|bar| {
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_length(count);
            bar.set_position(0);
        });
    }

    fn with_bar(&self, change: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.bar().as_ref() {
            change(bar);
        }
    }

    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for a line.
pub(super) fn ask(question: &str) -> Result<String> {
    let theme = dialoguer::theme::SimpleTheme;
    let prompt =
        dialoguer::Input::<String>::with_theme(&theme).with_prompt(question).allow_empty(true);
    prompt.interact_text().map_err(not_answered)
}

/// Asks for a line that is not shown.
pub(super) fn ask_secret(question: &str) -> Result<String> {
    let theme = dialoguer::theme::SimpleTheme;
    let prompt = dialoguer::Password::with_theme(&theme).with_prompt(question);
    prompt.allow_empty_password(true).interact().map_err(not_answered)
}

/// Ctrl-C at a prompt, or an input that ended. The prompt's line is still open then, and its cursor
/// may be hidden.
fn not_answered(_: dialoguer::Error) -> Failure {
    let terminal = dialoguer::console::Term::stderr();
    let _ = terminal.show_cursor();
    let _ = terminal.write_line("");
    RunError::Interrupted { terminated: false }.into()
}

/// As wide as the terminal, and no wider than reads well.
pub(super) fn width() -> usize {
    let size = dialoguer::console::Term::stdout().size_checked();
    size.map_or(140, |(_, columns)| usize::from(columns).min(140))
}
