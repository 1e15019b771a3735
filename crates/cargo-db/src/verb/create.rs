//! `cargo db create`.

use clap::Args;

use crate::answer::{Created, Outcome};
use crate::change::{Effect, Needs, Workspace};
use crate::failure::Result;
use crate::migration::{self, GeneratedFiles};
use crate::model::migration::MigrationFolder;
use crate::model::target::Target;
use crate::settings::Migrations;
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
        let hint = if folder.is_empty() { migration::elsewhere_hint(settings) } else { None };
        if let Some(hint) = hint {
            workspace.ui.warning(&hint);
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
