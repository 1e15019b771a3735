//! `cargo db key`.

use clap::Args;

use crate::answer::{KeyView, Outcome};
use crate::change::{DatabaseNeed, Effect, Needs, Workspace};
use crate::failure::{KeyError, Result};
use crate::verb::declare::{Verb, verbs};
use crate::world::signing::SigningKey;

const EFFECT: Effect = Effect::Reads;

/// Create or show the key that signs the receipts of rehearsals
///
/// The private key is in a file that only you can read, or, in CI, in the variable
/// CARGO_DB_SIGNING_KEY. It is never printed. Production accepts only receipts that are signed with
/// a key listed in its marker (see `cargo db env key`).
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

impl KeyArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the key.
    Action { New(NewKeyArgs), Show(ShowKeyArgs), }
}

/// Create a key in a file that only you can read
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct NewKeyArgs {}

/// Show the public key of the signing key in use
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct ShowKeyArgs {}

/// Keys are the user's, and no repository's.
const NEEDS: Needs = Needs { database: DatabaseNeed::Irrelevant, ..Needs::WITHOUT_SETS };

impl Verb for NewKeyArgs {
    fn name(&self) -> &'static str {
        "key new"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let path = workspace.settings.signing.file.as_ref().ok_or(KeyError::NoFolder)?;
        view(&SigningKey::make(path)?, true)
    }
}

impl Verb for ShowKeyArgs {
    fn name(&self) -> &'static str {
        "key show"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let key = SigningKey::find(&workspace.settings.signing)?.ok_or(KeyError::Missing)?;
        view(&key, false)
    }
}

fn view(key: &SigningKey, made: bool) -> Result<Outcome> {
    let public_key = key.public().ok_or(KeyError::Missing)?;
    Ok(Outcome::done(KeyView { public_key, place: key.place.clone(), made }))
}
