//! New migrations: their names, and those that a tool writes itself.

use std::path::PathBuf;

use crate::failure::{MigrationError, ProgramError, Result};
use crate::migration::command::run_task;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::{World, files};
use db_tools::command::Task;

/// What a tool wrote to generate a migration.
pub(crate) enum GeneratedFiles {
    /// These files, relative to the folder in which the command was run.
    Files(Vec<PathBuf>),
    /// No file, with the output of the tool.
    Nothing { said: String },
}

/// Has the tool write a migration.
pub(crate) fn written_by_tool(
    world: &World,
    settings: &Settings,
    target: &Target,
    task: &Task<'_>,
) -> Result<GeneratedFiles> {
    let base = &settings.migrations.tool_dir;
    let before = files::stamps(base)?;
    let ended = match run_task(world, settings, target, task) {
        // TypeORM fails if there is nothing to generate.
        Err(failure) if failure.tool_said().is_some_and(reports_nothing_to_do) => {
            return Ok(GeneratedFiles::Nothing { said: String::new() });
        }
        ended => ended?,
    };
    let here = files::current_dir()?;
    let new =
        files::stamps(base)?.into_iter().filter(|(path, stamp)| before.get(path) != Some(stamp));
    let shown: Vec<PathBuf> =
        new.map(|(path, _)| path.strip_prefix(&here).unwrap_or(&path).to_owned()).collect();
    if !shown.is_empty() {
        return Ok(GeneratedFiles::Files(shown));
    }
    if reports_nothing_to_do(&ended.said) {
        return Ok(GeneratedFiles::Nothing { said: ended.said.trim_end().to_owned() });
    }
    // A tool that prompts without a terminal can end like one that has nothing to do.
    let differences =
        vec!["the tool wrote no file, and did not report that there is nothing to do".to_owned()];
    let (command, status, said) = (ended.command, ended.status, ended.said);
    Err(ProgramError::Failed { command, status, said, differences }.into())
}

/// In the words of the tools that are known.
fn reports_nothing_to_do(said: &str) -> bool {
    const WORDS: [&str; 4] =
        ["no changes", "no schema changes", "nothing to do", "nothing to migrate"];
    let said = said.to_lowercase();
    WORDS.iter().any(|words| said.contains(words))
}

/// The name of a migration: safe in a file name on every system, in lower case and with `_` for
/// space.
pub(crate) fn checked_name(words: &str) -> Result<String> {
    let name = words.trim().replace([' ', '-'], "_").to_lowercase();
    let bad = |why| Err(MigrationError::Name { name: words.to_owned(), why }.into());
    match name.as_str() {
        "" => bad("it is empty"),
        _ if name.len() > 100 => bad("it is longer than 100 bytes"),
        _ if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
            bad("use ASCII letters, digits, spaces, `-` and `_`")
        }
        _ => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_safe_or_refused() {
        assert_eq!(checked_name("Add users-table").unwrap(), "add_users_table");
        for bad in ["", "../x", "a;b", "naïve"] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }
}
