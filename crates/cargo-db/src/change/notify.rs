//! Notifications about changes: `[notify]` in db.toml. One that cannot be sent is a warning, and
//! changes nothing.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::answer::Outcome;
use crate::answer::text::plural;
use crate::change::workspace::{Database, Workspace};
use crate::failure::{Exit, Failure, ProgramError, Result};
use crate::model::environment::Environment;
use crate::plan::Plan;
use crate::settings::{DatabaseChoice, NotifyFormat, Webhook};
use crate::world::tool::{self, Ended, ToolEnvironment};

/// How long a receiver may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What a receiver is told. It contains no passwords.
#[derive(Serialize)]
struct Notification<'a> {
    schema: u32,
    verb: &'a str,
    /// `done` or `failed`.
    outcome: &'static str,
    exit: u8,
    environment: Environment,
    set: Option<&'a str>,
    /// `user@host:port/database`; none if no server is named.
    target: Option<String>,
    /// The migrations that were applied, rolled back or recorded.
    versions: Vec<String>,
    error: Option<NotifiedError>,
}

/// Why a run failed.
#[derive(Serialize)]
struct NotifiedError {
    code: &'static str,
    summary: String,
}

/// Notifies of a change that was carried out.
pub(super) fn notify_of_change(database: &Database<'_>, plan: &Plan) {
    let notification = Notification::of(plan.verb.name(), versions_of(plan), None);
    database.workspace.send(&notification.about(database));
}

/// Notifies of a change that failed.
pub(super) fn notify_of_failed_change(database: &Database<'_>, failure: &Failure) {
    let notification = Notification::of(database.workspace.verb, Vec::new(), Some(failure));
    database.workspace.send(&notification.about(database));
}

fn versions_of(plan: &Plan) -> Vec<String> {
    plan.migrations().map(|migration| migration.version.to_string()).collect()
}

/// Notifies of a run that failed before it could plan a change, for example because it could not
/// connect.
pub(crate) fn notify_of_failure(workspace: &Workspace, outcome: &Outcome) {
    if workspace.is_notified.load(Ordering::SeqCst) || outcome.exit() == Exit::Done {
        return;
    }
    let settings = &workspace.settings;
    let target = match &settings.place.value {
        DatabaseChoice::Named(target) => Some(target.to_string()),
        DatabaseChoice::Local { .. } => None,
    };
    workspace.send(&Notification {
        exit: outcome.exit() as u8,
        outcome: "failed",
        environment: settings.environment.environment,
        set: settings.migrations.set.as_deref(),
        target,
        ..Notification::of(workspace.verb, Vec::new(), outcome.failure())
    });
}

impl<'a> Notification<'a> {
    fn of(verb: &'a str, versions: Vec<String>, failure: Option<&Failure>) -> Notification<'a> {
        Notification {
            schema: 1,
            verb,
            outcome: if failure.is_some() { "failed" } else { "done" },
            exit: failure.map_or(Exit::Done, Failure::exit) as u8,
            environment: Environment::Development,
            set: None,
            target: None,
            versions,
            error: failure.map(|failure| NotifiedError {
                code: failure.code(),
                summary: failure.to_string(),
            }),
        }
    }

    /// The same, about this database.
    fn about(self, database: &'a Database<'_>) -> Notification<'a> {
        let Database { target, settings, .. } = database;
        Notification {
            environment: settings.environment.environment,
            set: settings.migrations.set.as_deref(),
            target: Some(target.to_string()),
            ..self
        }
    }

    /// For a chat.
    fn text(&self) -> String {
        let place = self.target.as_deref().unwrap_or("the private server");
        let set = self.set.map(|set| format!(", set {set}")).unwrap_or_default();
        let what = format!("{} of {place} ({}{set})", self.verb, self.environment);
        match &self.error {
            Some(NotifiedError { summary, .. }) => {
                format!("{what} failed with exit code {}: {summary}", self.exit)
            }
            None if self.outcome == "failed" => {
                format!("{what} failed with exit code {}", self.exit)
            }
            None if self.versions.is_empty() => format!("{what} is done"),
            None => {
                let (count, versions) = (self.versions.len(), self.versions.join(", "));
                format!("{what} is done: {} ({versions})", plural(count, "migration"))
            }
        }
    }
}

impl Workspace {
    /// Sends a notification to every receiver, unless the run was declined or misspelled.
    fn send(&self, notification: &Notification<'_>) {
        let is_of_person = [Exit::Usage, Exit::Consent].map(|exit| exit as u8);
        self.is_notified.store(true, Ordering::SeqCst);
        if is_of_person.contains(&notification.exit) {
            return;
        }
        let notify = &self.settings.notify;
        let webhook = notify.webhook.as_ref().map(|webhook| self.post(webhook, notification));
        for result in [Some(self.run_receiver(notification)), webhook].into_iter().flatten() {
            // After a signal, the receiver has run nevertheless.
            if let Err(failure) = result
                && self.world.interrupt.check().is_ok()
            {
                self.ui.warning(&format!("the notification was not sent: {failure}"));
            }
        }
    }

    /// Runs `[notify] command` with the notification as its input.
    fn run_receiver(&self, notification: &Notification<'_>) -> Result<()> {
        let command = self.settings.notify.command.to_run_if_any()?;
        if command.is_empty() {
            return Ok(());
        }
        let environment = ToolEnvironment {
            repository: self.settings.repository.clone(),
            input: json!(notification).to_string().into_bytes(),
            limit: Some(LIMIT),
            ..ToolEnvironment::default()
        };
        succeeded(tool::run_silently(&self.world, &command, &environment, &self.settings.root)?)
    }

    /// Posts it with curl, which knows proxies and authorities. The URL is a secret: curl reads it
    /// from its standard input.
    fn post(&self, webhook: &Webhook, notification: &Notification<'_>) -> Result<()> {
        let Some(url) = webhook.url.to_run()? else {
            if !notification.environment.is_disposable() {
                let unset = format!("{} is not set, so no webhook is called", webhook.variable);
                self.ui.warning(&unset);
            }
            return Ok(());
        };
        let body = match webhook.format {
            NotifyFormat::Json => json!(notification),
            NotifyFormat::Slack => json!({ "text": notification.text() }),
        };
        let options = [
            ("url", url.expose()),
            ("data-raw", &body.to_string()),
            ("header", "Content-Type: application/json"),
            ("proto", "=http,https"),
            ("output", "/dev/null"),
        ];
        let options = options.map(|(name, value)| format!("{name} = {}\n", quoted(value)));
        let flags = "fail\nsilent\nshow-error\ngloboff\n";
        let environment = ToolEnvironment {
            password: Some(url.clone()),
            input: format!("{flags}{}", options.concat()).into_bytes(),
            limit: Some(LIMIT),
            ..ToolEnvironment::default()
        };
        let command = ["curl", "--disable", "--config", "-"].map(str::to_owned);
        succeeded(tool::run_silently(&self.world, &command, &environment, Path::new("/"))?)
    }
}

/// A value in a configuration file of curl.
fn quoted(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

fn succeeded(ended: Ended) -> Result<()> {
    let Ended { command, success, status, said, .. } = ended;
    if success {
        return Ok(());
    }
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    let why = last.map_or_else(|| format!("it ended with {status}"), |last| last.trim().to_owned());
    Err(ProgramError::NotRun { command, why }.into())
}
