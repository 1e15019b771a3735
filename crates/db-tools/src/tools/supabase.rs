//! Supabase: `supabase/migrations/<digits>_<name>.sql`, `supabase_migrations.schema_migrations`.
//!
//! Read in `apps/cli-go/pkg/migration/{history,file}.go` of the Supabase CLI. It stores the
//! statements of a migration instead of a checksum.

use std::path::{Path, PathBuf};

use pg_sql::script::statements;

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, Version};
use crate::naming::{NewMigration, UP, file_name, leading_digits};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, NoTransactionForm, Profile, RollbackSupport,
};
use crate::tool::{FoundFile, Tool, query_file, rekeyed};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Supabase;

struct Supabase;

static PROFILE: Profile = Profile {
    key: "supabase",
    folders: &["supabase/migrations"],
    depth: 1,
    table: HistoryTable {
        schema: Some("supabase_migrations"),
        name: "schema_migrations",
        columns: &["version", "statements", "name"],
        create: "CREATE TABLE IF NOT EXISTS {table} (version text NOT NULL PRIMARY KEY); \
             ALTER TABLE {table} ADD COLUMN IF NOT EXISTS statements text[]; \
             ALTER TABLE {table} ADD COLUMN IF NOT EXISTS name text",
        fields: ["version", "name", "NULL", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    marks: &["supabase/config.toml", "supabase/migrations"],
    marks_suffice: true,
    rollback: RollbackSupport::Never,
    without_transaction: "let it be the only statement of its file",
    commands: Commands {
        all: "supabase migration up --include-all --yes --remote={url}",
        create: "supabase migration new {name}",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::Alone,
    ..Profile::SQL
};

impl Tool for Supabase {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).ends_with(".sql")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        for file in found {
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let parsed = leading_digits(&stem)
                .and_then(|(digits, rest)| Some((digits, rest.strip_prefix('_')?)));
            let Some((digits, name)) = parsed else {
                folder.misnamed.push((file.path, "Supabase wants a name `<14 digits>_<name>.sql`"));
                continue;
            };
            folder.migrations.push(Migration {
                version: Version::text(digits),
                name: name.to_owned(),
                up: query_file(self, file),
                down: None,
                recorded: Recorded::Nothing,
                detail: String::new(),
            });
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        folder
    }

    /// Nothing in the files is its own: the folder is.
    fn claims(&self, _: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::No
    }

    fn record(&self, HistoryEntry { table, migration, sql, .. }: &HistoryEntry<'_>) -> String {
        let texts: Vec<String> =
            with_comments(sql).iter().map(|text| quote_literal(text)).collect();
        format!(
            "INSERT INTO {table} (version, name, statements) \
             VALUES ({}, {}, ARRAY[{}]::pg_catalog.text[])",
            quote_literal(&migration.version.to_string()),
            quote_literal(&migration.name),
            texts.join(", ")
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE version OPERATOR(pg_catalog.=) {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(rekeyed(table, "version", from, to))
    }

    fn new_version(&self, new: &NewMigration<'_>) -> String {
        new.free_timestamp()
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        vec![(format!("{}_{}.sql", self.new_version(new), new.name).into(), UP.to_owned())]
    }
}

/// The statements of a file, each with the comments before it.
fn with_comments(sql: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(sql);
    let (mut rest, mut pieces) = (text.as_ref(), Vec::new());
    for statement in statements(sql).unwrap_or_default() {
        let Some(start) = rest.find(&statement.text) else { continue };
        let end = start + statement.text.len();
        pieces.push(
            rest[..end]
                .trim_start_matches(|c: char| c == ';' || c.is_whitespace())
                .trim_end()
                .to_owned(),
        );
        rest = &rest[end..];
    }
    pieces
}
