//! `cargo db create`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::answer::{Created, Outcome};
use crate::backup::from_folder;
use crate::change::{Effect, Needs, Workspace};
use crate::failure::{ConsentError, MigrationError, Result};
use crate::migration::{self, GeneratedFiles};
use crate::model::migration::MigrationFolder;
use crate::model::target::Target;
use crate::settings::{Migrations, Settings};
use crate::verb::declare::Verb;
use crate::world::{clock, file_lock, files};
use db_tools::NewMigration;
use db_tools::command::Task;

const EFFECT: Effect = Effect::Reads;

/// Create an empty migration and print its path
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct CreateArgs {
    /// Name of the migration, for example `add users`
    #[arg(required = true)]
    name: Vec<String>,
    /// Also create a down file (default if the folder is empty or most of its migrations have one)
    #[arg(short, long, conflicts_with = "simple")]
    reversible: bool,
    /// Do not create a down file
    #[arg(long)]
    simple: bool,
}

impl Verb for CreateArgs {
    fn name(&self) -> &'static str {
        "create"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs::FILES
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let settings = &workspace.settings_with_tool()?;
        let Migrations { layout, dir, .. } = &settings.migrations;
        // Two that are written at once are not of one version.
        let _alone = file_lock::lock_folder(&settings.root)?;
        let folder = migration::migrations(layout, &dir.value, &settings.root)?;
        if folder.is_empty() {
            is_meant(workspace, settings)?;
        }
        let (app, words_of_app) = layout.application(&folder, &self.name)?;
        let name = migration::checked_name(&self.name[words_of_app..].join(" "))?;
        let reversible = self.reversible || (!self.simple && is_reversible(&folder));
        let now = clock::now();
        let files =
            layout.new_files(&NewMigration { name: &name, now, reversible, folder: &folder });
        if files.is_empty() {
            // The content does not depend on a database, but some tools connect to one anyway.
            let target =
                if layout.is_code() { workspace.target()? } else { Target::without_server() };
            let task = Task::Create { name: &name, app: app.as_deref() };
            let written = migration::written_by_tool(&workspace.world, settings, &target, &task)?;
            return Ok(Outcome::done(match written {
                GeneratedFiles::Files(files) => Created::files(&files),
                GeneratedFiles::Nothing { said } => {
                    workspace.ui.note(&said);
                    Created::nothing("nothing to do: the tool wrote nothing")
                }
            }));
        }
        if self.reversible && files.len() == 1 && !files[0].1.to_ascii_lowercase().contains("down")
        {
            workspace.ui.warning(&format!("{} does not support down migrations", layout.key()));
        }
        let names: Vec<PathBuf> = files.iter().map(|(path, _)| path.clone()).collect();
        is_clear(settings, &folder, &names)?;
        // A path that works where the command was typed.
        let here = files::current_dir()?;
        let mut shown = Vec::new();
        for (path, text) in files {
            let path = dir.value.join(path);
            files::write_new(&path, &text)?;
            shown.push(path.strip_prefix(&here).unwrap_or(&path).to_owned());
        }
        Ok(Outcome::done(Created::files(&shown)))
    }
}

/// Fails if a first migration is not meant: this folder is no project, or its migrations are
/// elsewhere, and nobody agreed to a second folder.
fn is_meant(workspace: &Workspace, settings: &Settings) -> Result<()> {
    let Workspace { ui, consent, .. } = workspace;
    let dir = &settings.migrations.dir;
    if dir.is_default() && !migration::is_project(settings) {
        let (folder, above) = (settings.root.clone(), settings.project.clone());
        return Err(MigrationError::NoProject { folder, above }.into());
    }
    let others = migration::elsewhere(settings).unwrap_or_default();
    if others.is_empty() || consent.yes {
        return Ok(());
    }
    let folder = dir.value.strip_prefix(&settings.root).unwrap_or(&dir.value).to_owned();
    let elsewhere = migration::in_words(&others);
    if ui.can_prompt() {
        let question = format!("Begin a second folder, besides {elsewhere}?");
        return if ui.confirm(&question)? { Ok(()) } else { Err(ConsentError::Declined.into()) };
    }
    let here = files::current_dir()?;
    let typed = |folder: &Path| from_folder(&settings.root.join(folder), &here);
    let others = others.into_iter().map(|(_, folder)| (typed(&folder), folder)).collect();
    let command = consent.command.clone();
    Err(ConsentError::SecondFolder { folder, elsewhere, others, command }.into())
}

/// Fails if the next run could not say whose files these are, the first ones of the folder.
fn is_clear(settings: &Settings, folder: &MigrationFolder, new: &[PathBuf]) -> Result<()> {
    if !folder.is_empty() {
        return Ok(());
    }
    match migration::ambiguous_tools(settings, new) {
        tools if tools.is_empty() => Ok(()),
        tools => {
            let set = settings.migrations.set.clone();
            Err(MigrationError::FitsSeveral { tools, set }.into())
        }
    }
}

/// Whether a new migration gets a down file: if `check` would report a missing one, or if the
/// folder is empty.
fn is_reversible(folder: &MigrationFolder) -> bool {
    folder.migrations.is_empty() || folder.is_reversible()
}

#[cfg(test)]
mod tests {
    use super::*;
    use db_tools::{FoundFile, ProjectTool};

    #[test]
    fn an_empty_folder_begins_reversible() {
        assert!(is_reversible(&MigrationFolder::default()));
        let empty = FoundFile { path: "1_x.sql".into(), bytes: vec![] };
        let simple = ProjectTool::plain().read(vec![empty]);
        assert!(!is_reversible(&simple));
    }
}
