//! A migration that cargo db generates itself.

use std::path::{Path, PathBuf};

use crate::answer::{GeneratedView, Outcome, not_run};
use crate::change::{Database, told_renames, with_answers};
use crate::failure::{GenerateError, Result};
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
    let told = told_renames(request.renames)?;
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
