//! `cargo db trust`.

use std::path::PathBuf;

use clap::Args;

use crate::answer::{Outcome, TrustList, TrustRevoked, TrustView};
use crate::change::{DatabaseNeed, Effect, Needs, TrustNeed, Workspace};
use crate::failure::{ConsentError, Result, SettingsError};
use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::settings::{Trust, TrustBasis, TrustRecord, trust_folder, trust_record};
use crate::verb::declare::Verb;
use crate::world::clock::now;
use crate::world::files;

const EFFECT: Effect = Effect::Reads;

/// Trust the programs that this repository names
///
/// Shows the commands in db.toml and asks a person at a terminal. Trust covers exactly these
/// commands in this folder: if one of them changes, run `cargo db trust` again. Trust also covers
/// settings that belong to another user, and a private server that was moved here. It is stored in
/// your state folder.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct TrustArgs {
    /// Show what would be trusted, and trust nothing
    #[arg(long, conflicts_with_all = ["list", "revoke"])]
    dry_run: bool,
    /// List the trusted repositories
    #[arg(long, conflicts_with = "revoke")]
    list: bool,
    /// Revoke trust in this repository, or in the repository in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    revoke: Option<Option<PathBuf>>,
}

impl Verb for TrustArgs {
    fn name(&self) -> &'static str {
        "trust"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Irrelevant, trust: TrustNeed::Gives, ..Needs::WITHOUT_SETS }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        if self.list {
            return list(workspace);
        }
        if let Some(folder) = &self.revoke {
            return revoke(workspace, folder.as_ref());
        }
        let server = workspace.local_server().foreign_cluster();
        let view = |given| TrustView::of(&workspace.settings.trust, server.as_deref(), given);
        let given = workspace.settings.trust.basis == TrustBasis::Given && server.is_none();
        if self.dry_run || given || view(false).is_empty() {
            return Ok(Outcome::done(view(false)));
        }
        ask(workspace, &view(false))?;
        give(workspace)?;
        Ok(Outcome::done(view(true)))
    }
}

/// Asks a person who has seen the commands for confirmation.
fn ask(workspace: &Workspace, view: &TrustView) -> Result<()> {
    let Workspace { settings, consent, ui, .. } = workspace;
    let Trust { root, .. } = &*settings.trust;
    if let Some(agent) = settings.agent.known_by(Environment::Production) {
        return Err(ConsentError::TrustByAgent { agent: agent.to_owned() }.into());
    }
    if !ui.can_prompt() {
        return Err(ConsentError::TrustWithoutTerminal { root: root.clone() }.into());
    }
    let (id, environment) = (view.id().to_owned(), settings.environment.environment);
    if let Some(given) = consent.plan.as_ref().filter(|given| **given != id) {
        let (given, plan, command) = (given.clone(), id, consent.command.clone());
        return Err(ConsentError::WrongPlan { given, plan, command }.into());
    }
    let database = settings.place.value.database();
    let agreed = consent.kind() == Consent::ToPlan && consent.name.as_deref() == Some(database);
    if environment == Environment::Production && !agreed {
        let signals = settings.environment.signals.iter();
        return Err(ConsentError::Missing {
            verb: "trust",
            command: consent.command.clone(),
            database: database.to_owned(),
            environment,
            consent: Consent::ToPlan,
            bounds: String::new(),
            signals: signals.map(|one| format!("environment: {environment}, from {one}")).collect(),
            approval: false,
        }
        .into());
    }
    ui.show(view);
    if ui.confirm("Trust all of this?")? { Ok(()) } else { Err(ConsentError::Declined.into()) }
}

/// Stores the trust record.
fn give(workspace: &Workspace) -> Result<()> {
    let trust = &workspace.settings.trust;
    let path = trust.record.as_ref().ok_or_else(no_folder)?;
    let record = TrustRecord {
        root: trust.root.display().to_string(),
        id: trust.id(),
        commands: trust.commands(),
        given: now().format(&time::format_description::well_known::Rfc3339).unwrap_or_default(),
    };
    let text = serde_json::to_string_pretty(&record).unwrap_or_default();
    files::write_private(path, &format!("{text}\n"))?;
    workspace.local_server().adopt()
}

fn list(workspace: &Workspace) -> Result<Outcome> {
    let mut trusted = Vec::new();
    for name in workspace.settings.state.iter().flat_map(|state| files::names(&trust_folder(state)))
    {
        let folder = workspace.settings.state.as_deref().map(trust_folder).unwrap_or_default();
        let text = String::from_utf8_lossy(&files::read(&folder.join(name))?).into_owned();
        trusted.extend(serde_json::from_str::<TrustRecord>(&text).ok());
    }
    trusted.sort_by(|a, b| a.root.cmp(&b.root));
    let by_variable = workspace.trusted_by_variable();
    Ok(Outcome::done(TrustList { trusted, by_variable }))
}

fn revoke(workspace: &Workspace, folder: Option<&PathBuf>) -> Result<Outcome> {
    let state = workspace.settings.state.as_ref().ok_or_else(no_folder)?;
    let root = match folder {
        Some(folder) => files::real_path(folder)?,
        None => workspace.settings.root.clone(),
    };
    let record = trust_record(state, &root);
    let revoked = files::exists(&record);
    files::remove_file(&record)?;
    let still = matches!(workspace.settings.trust.basis, TrustBasis::Variable | TrustBasis::Built);
    let still = still && root == workspace.settings.root;
    Ok(Outcome::done(TrustRevoked { root: root.display().to_string(), revoked, still }))
}

fn no_folder() -> SettingsError {
    SettingsError::Usage { what: "neither XDG_STATE_HOME nor HOME is set".to_owned() }
}
