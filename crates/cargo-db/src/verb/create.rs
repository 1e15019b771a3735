//! `cargo db create`.

use std::collections::BTreeSet;

use clap::Args;

use crate::answer::{Created, Outcome};
use crate::change::{Effect, Needs, Workspace};
use crate::failure::{Kind, Result};
use crate::migration::{self, Written};
use crate::model::layout::{Layout, NewMigration};
use crate::model::migration::{Folder, Migration};
use crate::model::target::Target;
use crate::model::tool::Task;
use crate::settings::Migrations;
use crate::verb::Verb;
use crate::world::{clock, files};

const EFFECT: Effect = Effect::Reads;

/// Create an empty migration and print its path
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct Create {
    /// What it does, in words: `add users`
    #[arg(required = true)]
    name: Vec<String>,
    /// With a down file (what is done if the folder's migrations have them, or if it is empty)
    #[arg(short, long, conflicts_with = "simple")]
    reversible: bool,
    /// Without a down file
    #[arg(long)]
    simple: bool,
}

impl Verb for Create {
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
        let _alone = files::lock_folder(&settings.root)?;
        let folder = files::migrations(layout, &dir.value, &settings.root)?;
        let (app, words) = app_of(layout, &folder, &self.name)?;
        let name = migration::checked_name(&words.join(" "))?;
        let reversible = self.reversible || (!self.simple && has_downs(&folder));
        let now = clock::now();
        let files =
            layout.new_files(&NewMigration { name: &name, now, reversible, folder: &folder });
        if files.is_empty() {
            // What it writes depends on no database, but some look for one all the same.
            let target = if layout.is_code() { workspace.target()? } else { Target::nowhere() };
            let task = Task::Create { name: &name, app: app.as_deref() };
            let written = migration::written_by_tool(&workspace.world, settings, &target, &task)?;
            return Ok(Outcome::done(match written {
                Written::Files(files) => Created::files(&files),
                Written::Nothing { said } => {
                    workspace.ui.note(&said);
                    Created::nothing("the tool wrote nothing: there is nothing to do")
                }
            }));
        }
        if self.reversible && files.len() == 1 && !files[0].1.to_ascii_lowercase().contains("down")
        {
            workspace.ui.warning(&format!("{} knows no way back", layout.key()));
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

/// Django's migrations belong to an application: the only one, or the one that is named first.
fn app_of<'a>(
    layout: &Layout,
    folder: &Folder,
    words: &'a [String],
) -> Result<(Option<String>, &'a [String])> {
    if layout.key() != "django" {
        return Ok((None, words));
    }
    let app = |migration: &Migration| {
        migration.version.to_string().split('.').next().unwrap_or_default().to_owned()
    };
    let apps: BTreeSet<String> = folder.migrations.iter().map(app).collect();
    match (words, apps.len()) {
        ([first, rest @ ..], _) if apps.contains(first) && !rest.is_empty() => {
            Ok((Some(first.clone()), rest))
        }
        (_, 1) => Ok((apps.into_iter().next(), words)),
        _ => {
            let list = apps.into_iter().collect::<Vec<_>>().join(", ");
            let what = format!(
                "name the application first, as in `cargo db create shop add age`; there are {list}"
            );
            Err(Kind::Usage { what }.into())
        }
    }
}

/// Whether the folder's migrations can be taken back, as far as its newest one shows.
fn has_downs(folder: &Folder) -> bool {
    folder.migrations.last().is_none_or(|migration| migration.down.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layout::{Found, Layout};

    #[test]
    fn an_empty_folder_begins_reversible() {
        assert!(has_downs(&Folder::default()));
        let simple = Layout::plain().read(vec![Found { path: "1_x.sql".into(), bytes: vec![] }]);
        assert!(!has_downs(&simple));
    }
}
