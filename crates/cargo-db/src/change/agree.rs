//! Consent to something that is no plan: it changes nothing that is kept.

use crate::change::workspace::Workspace;
use crate::failure::{ConsentError, Result};
use crate::model::consent::Consent;
use crate::model::target::Target;

/// Gets the consent to load what was not taken here into a scratch database of this server, and
/// drop it again: a yes where it is loaded as a role without rights, and the name of the database
/// where it is loaded as the one that connects. An AI agent consents to plans, and so not to this.
pub(crate) fn to_load(workspace: &Workspace, target: &Target, as_limited_role: bool) -> Result<()> {
    let Workspace { settings, consent: agreed, ui, .. } = workspace;
    let environment = settings.environment.environment;
    let needed = match settings.agent.known_by(environment) {
        Some(_) => Consent::ToPlan,
        None if as_limited_role => Consent::Confirm,
        None => Consent::ByName,
    };
    let name = &target.database;
    if let Some(given) = agreed.name.as_ref().filter(|given| *given != name) {
        return Err(ConsentError::WrongName { given: given.clone(), database: name.clone() }.into());
    }
    if needed < Consent::ToPlan && agreed.amount_to() >= needed {
        return Ok(());
    }
    if ui.can_prompt() && needed < Consent::ToPlan {
        let said_yes = match needed {
            Consent::ByName => {
                ui.ask(&format!("Type the name of the database, {name}, to proceed"))? == *name
            }
            _ => ui.confirm("Proceed?")?,
        };
        return if said_yes { Ok(()) } else { Err(ConsentError::Declined.into()) };
    }
    Err(ConsentError::Missing {
        verb: "backups verify",
        command: agreed.command.clone(),
        database: name.clone(),
        environment,
        consent: needed,
        bounds: String::new(),
        signals: Vec::new(),
    }
    .into())
}
