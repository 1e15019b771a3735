//! What runs after a change: `[hooks]` and `[notify]`.

use std::sync::Arc;

use crate::failure::{Result, SettingsError};
use crate::model::target::Secret;
use crate::settings::file::{
    AfterStepEntry, DbToml, NOTIFY_COMMAND, NOTIFY_WEBHOOK, NotifyFormat, NotifyTable,
};
use crate::settings::trust::{Guarded, Trust};
use crate::settings::variables::Variables;

/// A command of the project that runs after `migrate`.
#[derive(Clone, Debug)]
pub(crate) struct AfterStep {
    pub(crate) command: Guarded<Vec<String>>,
    /// Whether the run fails if it fails.
    pub(crate) is_required: bool,
}

/// Who is notified of changes.
#[derive(Clone, Debug)]
pub(crate) struct NotifySettings {
    /// Program and arguments; empty if there is none.
    pub(crate) command: Guarded<Vec<String>>,
    pub(crate) webhook: Option<Webhook>,
}

/// Where notifications are sent.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// The variable that names the URL.
    pub(crate) variable: String,
    /// The URL; none if the variable is not set.
    pub(crate) url: Guarded<Option<Secret>>,
    pub(crate) format: NotifyFormat,
}

/// The steps of `[hooks] after-migrate`.
pub(super) fn after_migrate(toml: &DbToml, trust: &Arc<Trust>) -> Result<Vec<AfterStep>> {
    let step = |entry: &AfterStepEntry| {
        let command = Guarded::new(entry.words()?).by(trust);
        Ok(AfterStep { command, is_required: entry.is_required() })
    };
    toml.hooks.after_migrate.iter().map(step).collect()
}

/// What `[notify]` says.
pub(super) fn notify(
    toml: &DbToml,
    variables: &Variables,
    trust: &Arc<Trust>,
) -> Result<NotifySettings> {
    let NotifyTable { command, webhook, format } = &toml.notify;
    let command = command.as_ref().map(|command| command.words(NOTIFY_COMMAND)).transpose()?;
    let webhook = webhook.as_deref().map(|name| {
        let variable = variable_name(name)?;
        let url = variables.get(variable)?.map(|url| Secret::new(url.value));
        let url = Guarded::new(url).by(trust);
        Ok::<_, crate::failure::Failure>(Webhook {
            variable: variable.to_owned(),
            url,
            format: *format,
        })
    });
    Ok(NotifySettings {
        command: Guarded::new(command.unwrap_or_default()).by(trust),
        webhook: webhook.transpose()?,
    })
}

/// The name of the variable. A URL is refused, and not shown: it would be a secret in the
/// repository.
fn variable_name(said: &str) -> Result<&str> {
    let name = said.strip_prefix('$').unwrap_or(said);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !name.is_empty() && name.chars().all(is_name) {
        return Ok(name);
    }
    let why = "the URL of a webhook is a secret: put it into a variable, and write the name of the \
               variable here, such as `webhook = \"SLACK_WEBHOOK_URL\"`";
    let (source_name, value) = (format!("{NOTIFY_WEBHOOK} in db.toml"), "****".to_owned());
    Err(SettingsError::Value { source_name, value, why: why.to_owned() }.into())
}
