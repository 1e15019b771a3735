//! The only layer that prints and prompts. The answer goes to stdout, everything else to stderr. It
//! never touches the database.

pub(crate) mod agents;
mod json;
mod report;
#[cfg(test)]
mod schema;
mod talk;
mod terminal;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::Style as Ansi;

use crate::answer::text::fitted_if_narrow;
use crate::answer::visible::{one_line, visible};
use crate::answer::{
    AnyAnswer, BOLD, BackupList, DIM, ErrorView, GREEN, Outcome, Planned, RehearsalView, Style,
    WITHOUT_NAME, YELLOW,
};
use crate::cli::{Global, ProgressMode, ReportFlags, When};
pub(crate) use crate::face::agents::{AgentFile, CodingAgent, agent_files, is_agent_file};
use crate::face::report::Page;
use crate::face::talk::EventText;
use crate::face::terminal::Spinner;
use crate::failure::{BackupError, Exit, Failure, Result};
use crate::model::event::{Event, Events};
use crate::model::format::ReportFormat;
use crate::model::rehearsal::Rehearsal;
use crate::model::target::Target;
use crate::plan::Plan;
use crate::world::{edit, files};

/// The output and prompts of a run.
#[derive(Clone)]
pub(crate) struct Face(Arc<FaceInner>);

struct FaceInner {
    verb: &'static str,
    format: ReportFormat,
    /// The file to write the answer to.
    output: Option<PathBuf>,
    /// Where GitHub Actions expects Markdown about the step.
    summary: Option<PathBuf>,
    quiet: bool,
    /// Whether long lists are shown in full, and the output of a tool.
    verbose: bool,
    progress: ProgressMode,
    /// For the answer.
    out: Style,
    /// For the talk.
    err: Style,
    can_prompt: bool,
    spinner: Spinner,
    unanswered: AtomicBool,
}

impl Face {
    /// Decides once how to talk, from flags and the environment.
    pub(crate) fn new(
        verb: &'static str,
        (flags, report): (&Global, Option<&ReportFlags>),
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
        let moves =
            terminal && !dumb && !in_ci && !flags.quiet && flags.progress == ProgressMode::Auto;
        let width =
            set("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or_else(terminal::width);
        let (details, kept) = (flags.verbose, flags.kept());
        let style =
            |terminal| Style { width, colours: colour(terminal), details, kept: kept.clone() };
        let output = report.and_then(|report| report.output.clone());
        Face(Arc::new(FaceInner {
            verb,
            format: match report.map(|report| report.format).unwrap_or_default() {
                ReportFormat::Text if flags.json => ReportFormat::Json,
                format => format,
            },
            summary: set("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            quiet: flags.quiet,
            verbose: flags.verbose,
            progress: match flags.progress {
                ProgressMode::Auto if !moves => ProgressMode::Plain,
                other => other,
            },
            out: style(output.is_none() && io::stdout().is_terminal()),
            output,
            err: style(terminal),
            can_prompt: io::stdin().is_terminal() && terminal && !in_ci,
            spinner: Spinner::new(moves),
            unanswered: AtomicBool::new(false),
        }))
    }

    /// Prints the outcome of a verb and returns the exit code: an answer on stdout, and errors on
    /// stderr, even if a JSON document contains them.
    pub(crate) fn end(&self, outcome: &Outcome) -> Exit {
        self.0.spinner.clear();
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
        let text = match self.0.format {
            ReportFormat::Json => json::outcome(self.0.verb, outcome)?,
            ReportFormat::Text => match outcome.answer() {
                Some(answer) => visible(&answer.text(&self.0.out)).into_owned(),
                None => return Ok(()),
            },
            format => {
                let page = Page::of(self.0.verb, outcome, &self.0.out);
                if format == ReportFormat::Github {
                    self.summarise(&page);
                }
                report::written(&page, format)?
            }
        };
        let Some(path) = &self.0.output else {
            self.answer(&text);
            return Ok(());
        };
        edit::rewrite(path, &format!("{}\n", text.trim_end()))?;
        self.status("Wrote", &path.display().to_string());
        Ok(())
    }

    /// Adds the report to the summary of the step. A summary that cannot be written fails nothing.
    fn summarise(&self, page: &Page) {
        let Some(path) = &self.0.summary else { return };
        if let Err(failure) = files::append_line(path, &report::markdown(page)) {
            self.warning(&failure.to_string());
        }
    }

    fn is_json(&self) -> bool {
        self.0.format == ReportFormat::Json
    }

    /// A line such as `   Applied 20260101 users`.
    pub(crate) fn status(&self, word: &str, text: &str) {
        let text = one_line(text);
        self.note(&format!("{} {text}", self.err(GREEN, &format!("{word:>12}"))));
    }

    /// The set of migrations that the following lines are about.
    pub(crate) fn set(&self, name: Option<&str>) {
        self.note(&self.err(BOLD, &format!("Set {}", name.unwrap_or(WITHOUT_NAME))));
    }

    /// The failure of one of several sets of migrations.
    pub(crate) fn failure_of_set(&self, name: Option<&str>, failure: &Failure) {
        let view = ErrorView::from(failure).of_set(name.unwrap_or(WITHOUT_NAME));
        self.say(&view.text(&self.0.err));
    }

    /// A suggested command, with the flags of the call.
    pub(crate) fn command(&self, command: &str) -> String {
        self.0.err.command(command)
    }

    /// Something that the reader should not miss, though it stops nothing.
    pub(crate) fn warning(&self, text: &str) {
        if self.0.progress == ProgressMode::Json {
            return self.write(&json::text(&Event::Warning { message: text.to_owned() }));
        }
        let line = format!("{} {}", self.err(YELLOW, "warning:"), one_line(text));
        self.say(&fitted_if_narrow(line, self.0.err.width));
    }

    /// Lines that belong to the talk.
    pub(crate) fn note(&self, text: &str) {
        if !self.0.quiet && self.0.progress != ProgressMode::Json {
            self.say(text);
        }
    }

    /// Shows a plan before it is carried out. If it needs consent, it is shown even with `--quiet`.
    pub(crate) fn plan(&self, plan: &Plan) {
        let planned = Planned::from(plan);
        let text = planned.text(&self.0.err);
        if self.0.can_prompt {
            self.say(&text);
        } else if !self.is_json() {
            self.note(&text);
        }
        for warning in planned.warnings() {
            self.warning(warning);
        }
    }

    /// Shows the result of a rehearsal before asking for consent.
    pub(crate) fn rehearsal(&self, target: &Target, rehearsal: &Rehearsal) {
        if self.0.progress != ProgressMode::Json {
            self.say(&RehearsalView::of(target, rehearsal).text(&self.0.err));
        }
    }

    /// Shows backups with numbers to choose by.
    pub(crate) fn numbered(&self, backups: &BackupList) {
        self.say(&backups.numbered(self.0.err.width));
    }

    /// Shows what the next prompt is about.
    pub(crate) fn show(&self, answer: &dyn AnyAnswer) {
        self.say(&answer.text(&self.0.err));
    }

    /// Whether long lists are shown in full.
    pub(crate) fn is_verbose(&self) -> bool {
        self.0.verbose
    }

    /// Whether only results are printed.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.quiet
    }

    /// Whether prompts are possible.
    pub(crate) fn can_prompt(&self) -> bool {
        self.0.can_prompt
    }

    /// Asks a question; the default answer is no.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool> {
        let answer = self.ask(&format!("{question} [y/N]"))?;
        Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// Prompts for a word.
    pub(crate) fn ask(&self, question: &str) -> Result<String> {
        self.0.spinner.clear();
        terminal::ask(&visible(question))
    }

    /// Prompts for a word that is not shown while it is typed.
    pub(crate) fn ask_secret(&self, question: &str) -> Result<String> {
        self.0.spinner.clear();
        terminal::ask_secret(&visible(question))
    }

    /// Where the world's events go.
    pub(crate) fn events(&self) -> Events {
        let face = self.clone();
        Arc::new(move |event| face.event(&event))
    }

    fn event(&self, event: &Event) {
        if self.0.progress == ProgressMode::Json {
            return self.write(&json::text(event));
        }
        self.0.spinner.show(event);
        match EventText::from(event) {
            EventText::Status(word, text) => self.status(word, &text),
            EventText::Warning(text) => self.warning(&text),
            EventText::Notice(text) => self.note(&self.err(DIM, &text)),
            EventText::Tool(line) if self.0.verbose => self.note(&line),
            EventText::Program(line) => self.say(&line),
            EventText::Tool(_) | EventText::None => {}
        }
    }

    /// Writes everything at once. A closed pipe is fine; any other write error is a failure of the
    /// run.
    fn answer(&self, text: &str) {
        self.0.spinner.clear();
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

    /// Hands out stdout for an answer that is too long to be kept. Nothing of it is escaped: it is
    /// for a file or a program.
    pub(crate) fn stream(&self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.0.spinner.clear();
        let mut out = io::BufWriter::with_capacity(256 * 1024, io::stdout().lock());
        write(&mut out)?;
        out.flush()
            .map_err(|error| BackupError::Failed { doing: "write", why: error.to_string() }.into())
    }

    fn say(&self, text: &str) {
        self.write(&visible(text));
    }

    fn write(&self, text: &str) {
        let write = || io::stderr().write_all(format!("{}\n", text.trim_end()).as_bytes());
        let _ = self.0.spinner.above(write);
    }

    fn err(&self, colour: Ansi, text: &str) -> String {
        self.0.err.paint(colour, text)
    }
}

/// The completions of a line that is being typed. If nobody reads them, nobody can be told.
pub(crate) fn completions(found: &str) {
    let _ = io::stdout().write_all(found.as_bytes());
}

/// A command line that cannot be read, as the JSON document that it asks for.
pub(crate) fn usage_error(summary: &str) {
    let _ = io::stdout().write_all(format!("{}\n", json::usage(summary)).as_bytes());
}
