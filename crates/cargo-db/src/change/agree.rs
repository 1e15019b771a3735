//! Consent to something that is no plan: it changes nothing that is kept.

use crate::change::workspace::Workspace;
use crate::failure::{ConsentError, Result};
use crate::model::consent::Consent;
use crate::model::target::Target;

/// A load of something that was not taken here.
pub(crate) struct Load<'a> {
    pub(crate) verb: &'static str,
    /// What is loaded, by name.
    pub(crate) what: &'a str,
    /// Whether a role without rights loads it, and not the one that connects.
    pub(crate) is_limited: bool,
}

/// Gets the consent to load what was not taken here into a scratch database of this server, and
/// drop it again: a yes where it is loaded as a role without rights, and the name of the database
/// where it is loaded as the one that connects. An AI agent consents to plans, and so not to this.
pub(crate) fn to_load(workspace: &Workspace, target: &Target, load: &Load<'_>) -> Result<()> {
    let Workspace { settings, consent: agreed, ui, .. } = workspace;
    let environment = settings.environment.environment;
    let command = agreed.command.clone();
    if settings.agent.known_by(environment).is_some() {
        return Err(ConsentError::LoadByAgent { what: load.what.to_owned(), command }.into());
    }
    let needed = if load.is_limited { Consent::Confirm } else { Consent::ByName };
    let name = &target.database;
    if let Some(given) = agreed.name.as_ref().filter(|given| *given != name) {
        return Err(ConsentError::WrongName { given: given.clone(), database: name.clone() }.into());
    }
    if agreed.amount_to() >= needed {
        return Ok(());
    }
    if ui.can_prompt() {
        let said_yes = match needed {
            Consent::ByName => {
                ui.ask(&format!("Type the name of the database, {name}, to proceed"))? == *name
            }
            _ => ui.confirm("Proceed?")?,
        };
        return if said_yes { Ok(()) } else { Err(ConsentError::Declined.into()) };
    }
    Err(ConsentError::Missing {
        verb: load.verb,
        command,
        database: name.clone(),
        environment,
        consent: needed,
        bounds: String::new(),
        signals: Vec::new(),
    }
    .into())
}
