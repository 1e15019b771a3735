//! A migration that cargo db generates itself.

use std::path::{Path, PathBuf};

use pg_logical::diff::{PossibleRename, Rename};

use crate::answer::{GeneratedView, Outcome, not_run};
use crate::change::{Database, Workspace};
use crate::failure::{AskedRename, GenerateError, Result};
use crate::generate::{self, Generating, SchemaSource};
use crate::world::{file_lock, files};

/// A migration to generate.
pub(super) struct NativeRequest<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a SchemaSource,
    /// The renames that were named, as `old=new`.
    pub(super) renames: &'a [String],
    pub(super) avoids_locks: bool,
    pub(super) is_dry_run: bool,
    /// Whether the database that is worked with has the changes already.
    pub(super) is_live: bool,
}

/// Generates, proves and writes a migration.
pub(super) fn run(database: &Database<'_>, request: &NativeRequest<'_>) -> Result<Outcome> {
    let NativeRequest { name, source, is_dry_run, .. } = *request;
    let Database { workspace, settings, target, .. } = database;
    let world = &workspace.world;
    let compared = source.describe(&settings.root);
    let told = request.renames.iter().map(|text| told(text)).collect::<Result<Vec<_>>>()?;
    let before = generate::folder(settings)?;
    let wanted = generate::wanted(world, settings, target, source)?;
    let generating = Generating::new(world, settings, target, wanted, request.avoids_locks)?;
    if !generating.not_run().is_empty() {
        workspace.ui.warning(&not_run(generating.not_run()));
    }
    let told = with_answers(workspace, &generating, told, is_dry_run)?;
    let Some(migration) = generating.migration(&told)? else {
        return Ok(Outcome::done(GeneratedView::nothing(&compared)));
    };
    // Two that are written at once get neither the same version nor the same changes.
    let _alone = file_lock::lock_folder(&settings.root)?;
    if generate::folder(settings)? != before {
        return Err(GenerateError::MigrationsChanged.into());
    }
    let new = generate::new_files(settings, name, &migration.stages, before)?;
    let checked = generate::check(settings, &new);
    if !is_dry_run {
        generate::write(&new)?;
    }
    let here = files::current_dir()?;
    let shown = |path: &Path| path.strip_prefix(&here).unwrap_or(path).to_owned();
    let paths: Vec<PathBuf> = new.iter().map(|file| shown(&file.path)).collect();
    let version = if request.is_live { generate::last_version(settings, &new) } else { None };
    let generated = GeneratedView::of(&compared, &migration, &checked).with_baseline(version);
    Ok(Outcome::done(if is_dry_run { generated.dry_run() } else { generated.written(&paths) }))
}

/// A rename as `--rename` takes it.
fn told(text: &str) -> Result<Rename> {
    Rename::told(text).ok_or_else(|| {
        let why = "it is not of the form `old=new`".to_owned();
        GenerateError::Rename { name: format!("`{text}`"), why, place: None }.into()
    })
}

/// The renames that were named, with those that a person confirms. `--yes` takes all others as a
/// drop and an addition.
fn with_answers(
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
    if consent.yes || is_dry_run {
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
