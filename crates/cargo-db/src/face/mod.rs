//! The only place that prints and asks. The answer goes to stdout, the talk to stderr. It never
//! touches the database.

mod json;
#[cfg(test)]
mod schema;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anstyle::Style as Ansi;
use indicatif::{ProgressBar, ProgressStyle};

use crate::answer::{
    BackupList, DIM, ErrorView, GREEN, Outcome, Planned, RehearsalView, Style, YELLOW, text,
};
use crate::cli::{Global, Progress, When};
use crate::failure::{Exit, Failure, Result, RunError};
use crate::model::event::{Event, Events};
use crate::model::rehearsal::Rehearsal;
use crate::model::target::Target;
use crate::plan::Plan;

/// How to talk to whoever is there.
#[derive(Clone)]
pub(crate) struct Face(Arc<Inner>);

struct Inner {
    verb: &'static str,
    json: bool,
    quiet: bool,
    /// Whether what a tool prints is shown.
    verbose: bool,
    progress: Progress,
    /// For the answer.
    out: Style,
    /// For the talk.
    err: Style,
    can_prompt: bool,
    spinner: Mutex<Option<ProgressBar>>,
    unanswered: AtomicBool,
}

impl Face {
    /// Decides once how to talk, from flags and the environment.
    pub(crate) fn new(
        verb: &'static str,
        flags: &Global,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Face {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let in_ci = set("CI").is_some_and(|value| value != "false" && value != "0");
        let dumb = set("TERM").is_none_or(|term| term == "dumb");
        let colour = |terminal: bool| match flags.color {
            When::Always => true,
            When::Never => false,
            When::Auto if set("NO_COLOR").is_some() => false,
            When::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            When::Auto => terminal && !dumb,
        };
        let terminal = io::stderr().is_terminal();
        let moves = terminal && !dumb && !in_ci && !flags.quiet && flags.progress == Progress::Auto;
        let width =
            set("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or_else(terminal_width);
        Face(Arc::new(Inner {
            verb,
            json: flags.json,
            quiet: flags.quiet,
            verbose: flags.verbose,
            progress: match flags.progress {
                Progress::Auto if !moves => Progress::Plain,
                other => other,
            },
            out: Style { width, colours: colour(io::stdout().is_terminal()) },
            err: Style { width, colours: colour(terminal) },
            can_prompt: io::stdin().is_terminal() && terminal && !in_ci,
            spinner: Mutex::new(None),
            unanswered: AtomicBool::new(false),
        }))
    }

    /// Prints what a verb ended with, and gives the exit code: an answer on stdout, and what went
    /// wrong on stderr too where a document already says it.
    pub(crate) fn end(&self, outcome: &Outcome) -> Exit {
        self.clear_spinner();
        if let Err(failure) = self.print_answer(outcome) {
            self.say(&ErrorView::from(&failure).text(&self.0.err));
            return failure.exit();
        }
        if let Some(failure) = outcome.failure() {
            self.say(&ErrorView::from(failure).text(&self.0.err));
        }
        if outcome.exit() == Exit::Done && self.0.unanswered.load(Ordering::SeqCst) {
            return Exit::Failed;
        }
        outcome.exit()
    }

    fn print_answer(&self, outcome: &Outcome) -> Result<()> {
        if self.0.json {
            self.answer(&json::outcome(self.0.verb, outcome)?);
        } else if let Some(answer) = outcome.answer() {
            self.answer(&answer.text(&self.0.out));
        }
        Ok(())
    }

    /// A line such as `   Applied 20260101 users`.
    pub(crate) fn status(&self, word: &str, text: &str) {
        self.note(&format!("{} {text}", self.err(GREEN, &format!("{word:>12}"))));
    }

    /// Something that the reader should not miss, though it stops nothing.
    pub(crate) fn warning(&self, text: &str) {
        if self.0.progress == Progress::Json {
            return self.say(&json::text(&Event::Warning { message: text.to_owned() }));
        }
        self.say(&format!("{} {text}", self.err(YELLOW, "warning:")));
    }

    /// Lines that belong to the talk.
    pub(crate) fn note(&self, text: &str) {
        if !self.0.quiet && self.0.progress != Progress::Json {
            self.say(text);
        }
    }

    /// Shows a plan before it is carried out. Whoever may be asked to agree to it has to see it,
    /// however quiet it should be.
    pub(crate) fn plan(&self, plan: &Plan) {
        let planned = Planned::from(plan);
        let text = planned.text(&self.0.err);
        if self.0.can_prompt {
            self.say(&text);
        } else if !self.0.json {
            self.note(&text);
        }
        for warning in planned.warnings() {
            self.warning(warning);
        }
    }

    /// Shows what a rehearsal found, before anybody agrees.
    pub(crate) fn rehearsal(&self, target: &Target, rehearsal: &Rehearsal) {
        if self.0.progress != Progress::Json {
            self.say(&RehearsalView::of(target, rehearsal).text(&self.0.err));
        }
    }

    /// Shows backups with numbers to choose by.
    pub(crate) fn numbered(&self, backups: &BackupList) {
        self.say(&backups.numbered());
    }

    /// Whether there is somebody to ask.
    pub(crate) fn can_prompt(&self) -> bool {
        self.0.can_prompt
    }

    /// Asks a question whose answer is no unless somebody says yes.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.ask(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Asks for a word.
    pub(crate) fn ask(&self, question: &str) -> Result<String> {
        self.clear_spinner();
        let theme = dialoguer::theme::SimpleTheme;
        let prompt =
            dialoguer::Input::<String>::with_theme(&theme).with_prompt(question).allow_empty(true);
        prompt.interact_text().map_err(not_answered)
    }

    /// Where the world's events go.
    pub(crate) fn events(&self) -> Events {
        let face = self.clone();
        Arc::new(move |event| face.event(&event))
    }

    fn event(&self, event: &Event) {
        if self.0.progress == Progress::Json {
            return self.say(&json::text(event));
        }
        match event {
            Event::Started { doing, subject } => self.spin(doing, subject),
            Event::Passed { bytes } => {
                if let Some(bar) =
                    self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
                {
                    bar.set_message(text::size(*bytes));
                }
            }
            Event::Expected { count, of } => self.expect(*count, of),
            Event::Counted => {
                if let Some(bar) =
                    self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
                {
                    bar.inc(1);
                }
            }
            Event::Finished { done, subject, elapsed } => {
                self.clear_spinner();
                self.status(done, &format!("{subject} in {}", text::elapsed(*elapsed)));
            }
            Event::ServerStarting { first_time: true } => {
                self.status("Making", "a private PostgreSQL server for this project");
            }
            Event::ServerStarting { first_time: false } => {
                self.spin("Starting", "the private PostgreSQL server");
            }
            Event::LockHeld { by, since } => {
                let since =
                    since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
                self.status("Waiting", &format!("for the lock, held by {by}{since}"));
            }
            Event::SessionOfKilledRunEnded { pid } => {
                self.warning(&format!("ended a session (pid {pid}) that a killed run left behind"));
            }
            Event::Retrying { subject, attempt, attempts, pause } => self.status(
                "Retrying",
                &format!(
                    "{subject}: it waited too long for a lock; try {attempt} of {attempts} in {}",
                    text::elapsed(*pause)
                ),
            ),
            Event::Reconnecting { subject, attempt, attempts, pause } => self.status(
                "Retrying",
                &format!(
                    "{subject}: the server had no connection; try {attempt} of {attempts} in {}",
                    text::elapsed(*pause)
                ),
            ),
            Event::Blocking { who } => {
                self.status("Blocking", &format!("{who} waits for this migration"));
            }
            Event::Building { phase, percent } => {
                let percent = percent.map(|percent| format!(" {percent} %")).unwrap_or_default();
                if let Some(bar) =
                    self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
                {
                    bar.set_message(format!("{phase}{percent}"));
                }
            }
            Event::InvalidIndexRemoved { index } => {
                self.warning(&format!(
                    "dropped the invalid index {index}, which a failed build left behind"
                ));
            }
            Event::Warning { message } => self.warning(message),
            Event::ToolSaid { line } if self.0.verbose => self.note(line),
            Event::ToolSaid { .. } => {}
            Event::Notice { severity, message } => {
                let text = format!("{:>12} {message}", severity.to_lowercase());
                self.note(&self.err(DIM, &text));
            }
        }
    }

    fn spin(&self, doing: &str, subject: &str) {
        if self.0.progress != Progress::Auto {
            return;
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:>12.cyan.bold} {msg} {spinner} {elapsed}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(doing.to_owned());
        bar.set_message(subject.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        let before = self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).replace(bar);
        if let Some(before) = before {
            before.finish_and_clear();
        }
    }

    /// What moved for want of a number becomes a bar that has one.
    fn expect(&self, count: u64, of: &str) {
        if let Some(bar) = self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let template = format!(
                "{{prefix:>12.cyan.bold}} {{bar:24}} {{pos}} of {{len}} {of}, {{msg}} {{elapsed}}"
            );
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_length(count);
            bar.set_position(0);
        }
    }

    fn clear_spinner(&self) {
        if let Some(bar) = self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner).take() {
            bar.finish_and_clear();
        }
    }

    /// One write for all of it. A reader that went away has what it wanted; any other failure
    /// to write is one of the run.
    fn answer(&self, text: &str) {
        self.clear_spinner();
        if text.is_empty() {
            return;
        }
        match io::stdout().write_all(format!("{}\n", text.trim_end()).as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.0.unanswered.store(true, Ordering::SeqCst);
                self.warning(&format!("the answer could not be written: {error}"));
            }
            _ => {}
        }
    }

    fn say(&self, text: &str) {
        let write = || io::stderr().write_all(format!("{}\n", text.trim_end()).as_bytes());
        let spinner = self.0.spinner.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = match spinner.as_ref() {
            Some(bar) => bar.suspend(write),
            None => write(),
        };
    }

    fn err(&self, colour: Ansi, text: &str) -> String {
        self.0.err.paint(colour, text)
    }
}

/// As wide as the terminal, and no wider than reads well.
fn terminal_width() -> usize {
    let size = dialoguer::console::Term::stdout().size_checked();
    size.map_or(140, |(_, columns)| usize::from(columns).min(140))
}

/// A command line that cannot be read, as the JSON document that it asks for.
pub(crate) fn usage_error(summary: &str) {
    let _ = io::stdout().write_all(format!("{}\n", json::usage(summary)).as_bytes());
}

/// Ctrl-C at a prompt, or an input that ended. The prompt's line is still open then, and its cursor
/// may be hidden.
fn not_answered(_: dialoguer::Error) -> Failure {
    let terminal = dialoguer::console::Term::stderr();
    let _ = terminal.show_cursor();
    let _ = terminal.write_line("");
    RunError::Interrupted { terminated: false }.into()
}
