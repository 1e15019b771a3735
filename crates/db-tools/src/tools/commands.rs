//! A tool that nothing is known of but the commands in `db.toml`.

use std::path::Path;

use crate::migration::MigrationFolder;
use crate::profile::{HistoryTable, Profile, ToolKind};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &ByCommands;

struct ByCommands;

static PROFILE: Profile = Profile {
    key: "commands",
    kind: ToolKind::Commands,
    folders: &["."],
    table: HistoryTable {
        schema: Some("cargo_db"),
        name: "no_history",
        columns: &["nothing"],
        ..HistoryTable::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for ByCommands {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, _: &Path) -> bool {
        false
    }

    fn read(&self, _: Vec<FoundFile>) -> MigrationFolder {
        MigrationFolder::default()
    }
}
