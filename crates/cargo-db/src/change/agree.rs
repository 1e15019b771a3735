//! Consent to operations without a plan: they change nothing permanently.

use crate::backup::{BackupFolder, RestoreSource, loading_role};
use crate::change::workspace::Workspace;
use crate::failure::{ConsentError, Result};
use crate::model::backup::{Backup, LoadedAs};
use crate::model::consent::Consent;
use crate::model::target::Target;

/// Gets consent to load backups that this project did not take, since they may contain code.
/// Returns the role that loads them, or `None` if this project took all of them.
pub(crate) fn to_load(
    workspace: &Workspace,
    verb: &'static str,
    folder: &BackupFolder,
    chosen: &[Backup],
) -> Result<Option<LoadedAs>> {
    let Workspace { world, settings, ui, .. } = workspace;
    let mut foreign = Vec::new();
    for backup in chosen {
        if !RestoreSource::of(folder, backup).is_known(settings)? {
            foreign.push(backup.manifest.name.as_str());
        }
    }
    if foreign.is_empty() {
        return Ok(None);
    }
    let target = workspace.target()?;
    let loaded_as = loading_role(world, &target)?;
    let what = foreign.join(", ");
    ui.note(&format!(
        "{what}: this project did not take it, so it is loaded as {}",
        loaded_as.describe()
    ));
    agree(workspace, &target, &Load { verb, what: &what, is_limited: loaded_as.is_limited })?;
    Ok(Some(loaded_as))
}

/// Loading backups that this project did not take.
struct Load<'a> {
    verb: &'static str,
    /// The names of the backups that are loaded.
    what: &'a str,
    /// Whether a role without rights loads them, and not the connecting role.
    is_limited: bool,
}

/// Gets consent to load them into a scratch database of this server, which is dropped afterwards:
/// a yes if they are loaded as a role without rights, and the name of the database if they are
/// loaded as the connecting role. An AI agent can consent only to plans, and so not to this.
fn agree(workspace: &Workspace, target: &Target, load: &Load<'_>) -> Result<()> {
    let Workspace { settings, consent: agreed, ui, .. } = workspace;
    let environment = settings.environment.environment;
    let (verb, command) = (load.verb, agreed.command.clone());
    if settings.agent.known_by(environment).is_some() {
        return Err(ConsentError::LoadByAgent { what: load.what.to_owned(), verb, command }.into());
    }
    let needed = if load.is_limited { Consent::Confirm } else { Consent::ByName };
    let name = &target.database;
    if let Some(given) = agreed.name.as_ref().filter(|given| *given != name) {
        let command = format!("{} --confirm {}", agreed.command, shell_words::quote(name));
        let (given, database) = (given.clone(), name.clone());
        return Err(ConsentError::WrongName { given, database, command }.into());
    }
    if agreed.kind() >= needed {
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
        verb,
        command,
        database: name.clone(),
        environment,
        consent: needed,
        bounds: String::new(),
        signals: Vec::new(),
        approval: false,
    }
    .into())
}
