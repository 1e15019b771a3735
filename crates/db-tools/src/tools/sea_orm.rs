//! sea-orm: `migration/src/m<date>_<time>_<name>.rs`, in the order of the list in `lib.rs`;
//! `seaql_migrations`. The migrations are a crate of their own.

use std::path::Path;

use crate::command::Commands;
use crate::migration::MigrationFolder;
use crate::naming::{file_name, has_extension, leading_digits};
use crate::profile::{Confidence, HistoryTable, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &SeaOrm;

struct SeaOrm;

static PROFILE: Profile = Profile {
    key: "sea-orm",
    folders: &["migration/src"],
    depth: 1,
    renumbering: Renumbering::Elsewhere(
        "their order is the list in `Migrator::migrations()`: move its line to the end of the \
         list, and look at it with `sea-orm-cli migrate status`",
    ),
    project_levels: Some(1),
    table: HistoryTable {
        schema: None,
        name: "seaql_migrations",
        columns: &["version", "applied_at"],
        create: "",
        fields: ["version", "NULL", "applied_at", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    commands: Commands {
        all: "cargo run --quiet -- up",
        next: "cargo run --quiet -- up -n {count}",
        back: "cargo run --quiet -- down -n {count}",
        create: "cargo run --quiet -- generate {name}",
        probe: "cargo run --quiet -- status",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for SeaOrm {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        has_extension(path, "rs") && file_name(path) != "main.rs"
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        let mut order = OrderedFiles::default();
        let lib = found.iter().position(|file| file_name(&file.path) == "lib.rs");
        let text = lib.map_or_else(String::new, |at| found.swap_remove(at).text());
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let text = code.join("\n");
        let listed = text.split("Box::new(").skip(1).filter_map(|after| after.split("::").next());
        for module in listed.map(str::trim) {
            let file = format!("{module}.rs");
            if let Some(at) = found.iter().position(|found| file_name(&found.path) == file) {
                order.push(module, found.swap_remove(at));
            }
        }
        let unlisted = found.into_iter().filter(|file| is_dated_module(file_name(&file.path)));
        order.strange.extend(unlisted.map(|file| (file.path, "lib.rs does not list it")));
        folder_of(self, order)
    }

    /// The folder may contain any crate, so only the names of its files identify the tool.
    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::signed_if(names.iter().any(|name| is_dated_module(file_name(name))))
    }
}

/// `m20260131_235959_name.rs`.
fn is_dated_module(file: &str) -> bool {
    file.strip_prefix('m')
        .is_some_and(|rest| leading_digits(rest).is_some_and(|(digits, _)| digits.len() == 8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Migration;

    #[test]
    fn the_order_is_that_of_the_list() {
        let lib = "vec![Box::new(m20260102_000000_b::Migration), \
                        Box::new(m20260101_000000_a::Migration)]";
        let file = |path: &str, text: &str| FoundFile { path: path.into(), bytes: text.into() };
        let folder = SeaOrm.read(vec![
            file("s/lib.rs", lib),
            file("s/m20260101_000000_a.rs", ""),
            file("s/m20260102_000000_b.rs", ""),
        ]);
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["m20260102_000000_b", "m20260101_000000_a"]);
    }
}
