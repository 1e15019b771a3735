//! yoyo: `<id>.sql` with `<id>.rollback.sql`, or `<id>.py`; `_yoyo_migration`.

use std::path::Path;

use crate::command::Commands;
use crate::migration::MigrationFolder;
use crate::naming::{file_name, has_extension};
use crate::profile::{HistoryTable, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &Yoyo;

struct Yoyo;

static PROFILE: Profile = Profile {
    key: "yoyo",
    folders: &["migrations"],
    depth: 1,
    renumbering: Renumbering::Elsewhere(
        "each names those before it as `depends`: change that, and look at it with `yoyo list`",
    ),
    marks: &["yoyo.ini"],
    home: &["yoyo.ini"],
    needs_tcp: true,
    table: HistoryTable {
        schema: None,
        name: "_yoyo_migration",
        columns: &["migration_hash", "migration_id", "applied_at_utc"],
        create: "",
        fields: [
            "migration_id",
            "NULL",
            "extract(epoch FROM applied_at_utc)::bigint",
            "true",
            "NULL",
            "NULL",
        ],
        rows: "{table}",
        companions: &["_yoyo_log", "_yoyo_version", "yoyo_lock"],
    },
    commands: Commands {
        all: "yoyo apply -b",
        next: "yoyo apply -b -r {last}",
        // Whatever came after it is taken back with it.
        back_one: "yoyo rollback -b -r {first}",
        create: "yoyo new -b --sql -m {name}",
        probe: "yoyo list -b",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Yoyo {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        let name = file_name(path);
        // What comes after every run is recorded nowhere.
        !name.starts_with("post-apply")
            && (has_extension(path, "sql") && !name.ends_with(".rollback.sql")
                || has_extension(path, "py") && !name.starts_with("__"))
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = OrderedFiles::default();
        for file in found {
            let id =
                file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            order.push(&id, file);
        }
        folder_of(self, order)
    }
}
