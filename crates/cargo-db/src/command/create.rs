//! `cargo db create`.

use crate::cli::CreateArgs;
use crate::command::Context;
use std::path::PathBuf;

use crate::failure::{Exit, Kind, Result};
use crate::migration;
use crate::model::layout::NewMigration;
use crate::model::migration::Folder;
use crate::model::target::Target;
use crate::model::tool::Task;
use crate::settings::Migrations;
use crate::ui::Report;
use crate::world::{clock, files};

pub(super) fn run(context: &Context, args: &CreateArgs) -> Result<Exit> {
    let settings = &context.settings;
    let name = checked_name(&args.name.join(" "))?;
    let Migrations { layout, dir, .. } = &settings.migrations;
    let folder = files::migrations(layout, &dir.value, &settings.root)?;
    let reversible = args.reversible || (!args.simple && has_downs(&folder));
    let new = NewMigration { name: &name, now: clock::now(), reversible, folder: &folder };
    let mut shown = Vec::new();
    // A path that works where the command was typed.
    let here = files::current_dir()?;
    let files = layout.new_files(&new);
    if files.is_empty() {
        // What it writes depends on no database.
        return written_by_tool(context, &Target::nowhere(), &Task::Create { name: &name });
    }
    for (path, text) in files {
        let path = dir.value.join(path);
        files::write_new(&path, &text)?;
        shown.push(path.strip_prefix(&here).unwrap_or(&path).to_owned());
    }
    context.ui.report(&Report::Created { files: &shown });
    Ok(Exit::Done)
}

/// Has the tool write a migration, and shows what it wrote.
pub(super) fn written_by_tool(context: &Context, target: &Target, task: &Task<'_>) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let base = &settings.migrations.tool_dir;
    let before = files::stamps(base)?;
    let said = migration::run_task(world, settings, target, task)?;
    let here = files::current_dir()?;
    let new = files::stamps(base)?.into_iter().filter(|(path, stamp)| before.get(path) != Some(stamp));
    let shown: Vec<PathBuf> =
        new.map(|(path, _)| path.strip_prefix(&here).unwrap_or(&path).to_owned()).collect();
    if shown.is_empty() {
        ui.note(said.trim_end());
        ui.report(&Report::Line("the tool wrote nothing"));
        return Ok(Exit::Done);
    }
    ui.report(&Report::Created { files: &shown });
    Ok(Exit::Done)
}

/// A name that is safe in a file name on every system, in lower case and with `_` for space.
pub(super) fn checked_name(words: &str) -> Result<String> {
    let name = words.trim().replace([' ', '-'], "_").to_lowercase();
    let bad = |why| Err(Kind::BadName { name: words.to_owned(), why }.into());
    match name.as_str() {
        "" => bad("it is empty"),
        _ if name.len() > 100 => bad("it is longer than 100 bytes"),
        _ if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
            bad("it may hold letters, digits, spaces, `-` and `_`")
        }
        _ => Ok(name),
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
    fn names_are_made_safe_or_refused() {
        assert_eq!(checked_name("Add users-table").unwrap(), "add_users_table");
        for bad in ["", "../x", "a;b", "naïve"] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_folder_begins_reversible() {
        assert!(has_downs(&Folder::default()));
        let simple = Layout::plain().read(vec![Found { path: "1_x.sql".into(), bytes: vec![] }]);
        assert!(!has_downs(&simple));
    }
}
