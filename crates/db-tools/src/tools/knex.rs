//! Knex: `<digits>_<name>.js`; `knex_migrations`.

use std::path::Path;

use crate::command::Commands;
use crate::migration::MigrationFolder;
use crate::naming::file_name;
use crate::profile::{HistoryTable, Profile, Renumbering};
use crate::program::{OrderedFiles, folder_of, is_script};
use crate::tool::{FoundFile, Tool};

pub(super) static TOOL: &dyn Tool = &Knex;

struct Knex;

static PROFILE: Profile = Profile {
    key: "knex",
    folders: &["migrations"],
    depth: 1,
    renumbering: Renumbering::Files,
    marks: &["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs"],
    home: &["knexfile.js", "knexfile.ts", "knexfile.cjs", "knexfile.mjs"],
    table: HistoryTable {
        schema: None,
        name: "knex_migrations",
        columns: &["id", "name", "batch", "migration_time"],
        create: "",
        fields: [
            "name",
            "NULL",
            "extract(epoch FROM migration_time)::bigint",
            "true",
            "NULL",
            "NULL",
        ],
        rows: "{table}",
        companions: &["knex_migrations_lock", "knex_migrations_lock_index_seq"],
    },
    commands: Commands {
        all: "knex migrate:latest",
        next_one: "knex migrate:up",
        back_one: "knex migrate:down",
        create: "knex migrate:make {name}",
        probe: "knex migrate:list",
        ..Commands::NONE
    },
    ..Profile::PROGRAMS
};

impl Tool for Knex {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        is_script(path)
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut order = OrderedFiles::default();
        for file in found {
            let name = file_name(&file.path).to_owned();
            order.push(&name, file);
        }
        folder_of(self, order)
    }
}
