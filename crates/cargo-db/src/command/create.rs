//! `cargo db create`.

use time::OffsetDateTime;

use crate::cli::CreateArgs;
use crate::command::Context;
use crate::failure::{Exit, Kind, Result};
use crate::model::layout::Layout;
use crate::model::migration::{Folder, Version};
use crate::ui::Report;
use crate::world::{clock, files};

pub(super) fn run(context: &Context, args: &CreateArgs) -> Result<Exit> {
    let settings = &context.settings;
    let name = checked_name(&args.name.join(" "))?;
    let layout = Layout::Sqlx;
    let dir = &settings.migrations_dir.value;
    let folder = files::migrations(layout, dir, &settings.root)?;
    let reversible = args.reversible || (!args.simple && has_downs(&folder));
    let version = free_version(&folder, clock::now());
    let paths = layout.new_files(dir, &version, &name, reversible);
    for (path, text) in paths.iter().zip(["-- Add the change here.\n", "-- Add the way back here.\n"]) {
        files::write_new(path, text)?;
    }
    // A path that works where the command was typed.
    let here = files::current_dir()?;
    let shown: Vec<_> =
        paths.iter().map(|path| path.strip_prefix(&here).unwrap_or(path).to_owned()).collect();
    context.ui.report(&Report::Created { files: &shown });
    Ok(Exit::Done)
}

/// A name that is safe in a file name on every system, in lower case and with `_` for space.
fn checked_name(words: &str) -> Result<String> {
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

/// The second, or the next one that no migration has: two people at work at once, or a script.
fn free_version(folder: &Folder, now: OffsetDateTime) -> Version {
    let mut moment = now;
    loop {
        let version = timestamp(moment);
        if folder.migrations.iter().all(|migration| migration.version != version) {
            return version;
        }
        moment += time::Duration::SECOND;
    }
}

/// `20260131235959`.
fn timestamp(moment: OffsetDateTime) -> Version {
    let date = i64::from(moment.year()) * 10_000
        + i64::from(u8::from(moment.month())) * 100
        + i64::from(moment.day());
    let time =
        i64::from(moment.hour()) * 10_000 + i64::from(moment.minute()) * 100 + i64::from(moment.second());
    Version::Number(date * 1_000_000 + time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layout::Found;

    #[test]
    fn names_are_made_safe_or_refused() {
        assert_eq!(checked_name("Add users-table").unwrap(), "add_users_table");
        for bad in ["", "../x", "a;b", "naïve"] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn never_two_of_the_same_second() {
        let now = OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        let taken = Layout::Sqlx.read(vec![Found { path: "20251231235959_x.sql".into(), bytes: vec![] }]);
        assert_eq!(free_version(&Folder::default(), now), Version::Number(20_251_231_235_959));
        assert_eq!(free_version(&taken, now), Version::Number(20_260_101_000_000));
    }

    #[test]
    fn an_empty_folder_begins_reversible() {
        assert!(has_downs(&Folder::default()));
        let simple = Layout::Sqlx.read(vec![Found { path: "1_x.sql".into(), bytes: vec![] }]);
        assert!(!has_downs(&simple));
    }
}
