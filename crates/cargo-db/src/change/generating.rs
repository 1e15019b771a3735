//! What `generate` and `repair --drift` share: whether the migrations can be generated from a
//! schema, the schema of the database itself, and the questions about renames.

use pg_logical::diff::{PossibleRename, Rename};

use crate::change::workspace::{Database, Workspace};
use crate::failure::{AskedRename, GenerateError, Result};
use crate::generate::{self, Generating, SchemaSource};
use crate::migration;
use crate::model::consent::Consent;
use crate::schema;
use crate::settings::Settings;
use db_tools::command::Task;

const GENERATE: Task<'_> = Task::Generate { name: "" };

/// Whether db.toml names a command that generates migrations.
pub(crate) fn has_generate_command(settings: &Settings) -> bool {
    settings.migrations.commands.shown().contains_key(GENERATE.setting())
}

/// Fails if the project generates its migrations in another way, which a migration from SQL would
/// contradict.
pub(crate) fn refuse_own_generator(settings: &Settings) -> Result<()> {
    let layout = &settings.migrations.layout;
    if has_generate_command(settings) {
        return Err(GenerateError::OwnCommand.into());
    }
    if !layout.derives_migrations() {
        return Ok(());
    }
    let command = migration::task_exists(settings, &GENERATE).is_ok();
    let command = command.then(|| "cargo db generate NAME".to_owned());
    Err(GenerateError::OwnGenerator { title: layout.key(), command }.into())
}

/// The schema of the database that is worked with. Fails if other migrations made a part of it,
/// which one migration of these would make again.
pub(crate) fn live_schema(database: &Database<'_>) -> Result<SchemaSource> {
    let Database { workspace, settings, target, .. } = database;
    if let Some(mut session) = migration::connect_or_none(&workspace.world, settings, target)? {
        let histories = schema::histories_of_other_sets(&mut session, &settings.migrations)?;
        if !histories.is_empty() {
            let database = target.database.clone();
            return Err(GenerateError::SharedDatabase { database, histories }.into());
        }
    }
    Ok(SchemaSource::Database { name: target.database.clone(), target: Box::new(target.clone()) })
}

/// The renames that `--rename` names.
pub(crate) fn told_renames(texts: &[String]) -> Result<Vec<Rename>> {
    texts.iter().map(|text| told(text)).collect()
}

fn told(text: &str) -> Result<Rename> {
    Rename::told(text).ok_or_else(|| {
        let why = "it is not of the form `old=new`".to_owned();
        GenerateError::Rename { name: format!("`{text}`"), why, place: None }.into()
    })
}

/// The renames that were named, with those that a person confirms. Whoever gave consent already
/// takes all others as a drop and an addition.
pub(crate) fn with_answers(
    workspace: &Workspace,
    generating: &Generating<'_>,
    mut told: Vec<Rename>,
    is_dry_run: bool,
) -> Result<Vec<Rename>> {
    let possible = generating.possible_renames(&told)?;
    if possible.is_empty() {
        return Ok(told);
    }
    let (ui, consent) = (&workspace.ui, &workspace.consent);
    if consent.kind() > Consent::Free || is_dry_run {
        for one in &possible {
            ui.warning(&format!(
                "{} is dropped and {} is added; if that is a rename, repeat the command with \
                 `--rename {}`",
                one.dropped,
                one.added,
                flag(one)
            ));
        }
        return Ok(told);
    }
    if !ui.can_prompt() {
        let asked = possible.iter().map(|one| AskedRename {
            dropped: one.dropped.clone(),
            added: one.added.clone(),
            flag: flag(one),
        });
        let (renames, command) = (asked.collect(), consent.command.clone());
        return Err(GenerateError::PossibleRename { renames, command }.into());
    }
    for one in possible {
        if told.iter().any(|told| generate::is_told(told, &one.rename)) {
            continue;
        }
        if ui.confirm(&format!("Was {} renamed to {}?", one.dropped, one.added))? {
            told.push(one.rename);
        }
    }
    Ok(told)
}

/// A possible rename as `--rename` takes it.
fn flag(one: &PossibleRename) -> String {
    let (old, new) = (&one.rename.old, &one.rename.new);
    // A shell needs no quotes because of `=`.
    format!("{}={}", shell_words::quote(old), shell_words::quote(new))
}
