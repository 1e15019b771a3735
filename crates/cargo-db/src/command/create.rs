//! `cargo db create`.

use crate::cli::CreateArgs;
use crate::command::Context;
use std::path::PathBuf;

use crate::failure::{Exit, Kind, Result};
use crate::migration;
use crate::model::migration::Folder;
use crate::model::target::Target;
use crate::settings::Migrations;
use crate::ui::Report;
use crate::world::{clock, files};
use db_tools::NewMigration;
use db_tools::command::Task;

pub(super) fn run(context: &Context, args: &CreateArgs) -> Result<Exit> {
    let settings = &context.settings;
    let Migrations { layout, dir, .. } = &settings.migrations;
    // Two that are written at once are not of one version.
    let _alone = files::lock_folder(&settings.root)?;
    let folder = migration::migrations(layout, &dir.value, &settings.root)?;
    let (app, words_of_app) = layout.application(&folder, &args.name)?;
    let name = checked_name(&args.name[words_of_app..].join(" "))?;
    let reversible = args.reversible || (!args.simple && has_downs(&folder));
    let new = NewMigration { name: &name, now: clock::now(), reversible, folder: &folder };
    let mut shown = Vec::new();
    // A path that works where the command was typed.
    let here = files::current_dir()?;
    let files = layout.new_files(&new);
    if files.is_empty() {
        // What it writes depends on no database, but some look for one all the same.
        let target = if layout.is_code() { context.target()? } else { Target::nowhere() };
        return written_by_tool(
            context,
            &target,
            &Task::Create { name: &name, app: app.as_deref() },
        );
    }
    if args.reversible && files.len() == 1 && !files[0].1.to_ascii_lowercase().contains("down") {
        context.ui.warning(&format!("{} knows no way back", layout.key()));
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
    let ended = match migration::run_task(world, settings, target, task) {
        // TypeORM fails where there is nothing to do.
        Err(failure) if matches!(failure.kind(), Kind::ToolFailed { said, .. } if says_that_nothing_is_to_do(said)) =>
        {
            ui.report(&Report::Line("the tool wrote nothing: there is nothing to do"));
            return Ok(Exit::Done);
        }
        ended => ended?,
    };
    let here = files::current_dir()?;
    let new =
        files::stamps(base)?.into_iter().filter(|(path, stamp)| before.get(path) != Some(stamp));
    let shown: Vec<PathBuf> =
        new.map(|(path, _)| path.strip_prefix(&here).unwrap_or(&path).to_owned()).collect();
    if shown.is_empty() {
        // A tool that asks a question, and has nobody to answer it, can end like one that has nothing to do.
        if !says_that_nothing_is_to_do(&ended.said) {
            let differences =
                vec!["it wrote nothing, and does not say that nothing is to do".to_owned()];
            let (command, status, said) = (ended.command, ended.status, ended.said);
            return Err(Kind::ToolFailed { command, status, said, differences }.into());
        }
        ui.note(ended.said.trim_end());
        ui.report(&Report::Line("the tool wrote nothing"));
        return Ok(Exit::Done);
    }
    ui.report(&Report::Created { files: &shown });
    Ok(Exit::Done)
}

/// In the words of the tools that are known.
fn says_that_nothing_is_to_do(said: &str) -> bool {
    const WORDS: [&str; 4] =
        ["no changes", "no schema changes", "nothing to do", "nothing to migrate"];
    let said = said.to_lowercase();
    WORDS.iter().any(|words| said.contains(words))
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
    use db_tools::{FoundFile, ProjectTool};

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
        let simple =
            ProjectTool::plain().read(vec![FoundFile { path: "1_x.sql".into(), bytes: vec![] }]);
        assert!(!has_downs(&simple));
    }
}
