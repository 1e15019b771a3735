//! Supabase: `supabase/migrations/<digits>_<name>.sql`, `supabase_migrations.schema_migrations`.
//!
//! Read in `apps/cli-go/pkg/migration/{history,file}.go` of the Supabase CLI. It stores the statements of a
//! migration instead of a checksum.

use std::path::{Path, PathBuf};

use pg_sql::script::statements;

use crate::model::layout::{
    Claim, Convention, Entry, Facts, Found, NewMigration, Root, Table, UP, file_name,
    leading_digits, script_file, section,
};
use crate::model::migration::{Folder, Migration, Recorded, Version};
use pg_sql::quote::quote_literal;

pub(super) struct Supabase;

static FACTS: Facts = Facts {
    key: "supabase",
    folders: &["supabase/migrations"],
    depth: 1,
    table: Table {
        schema: Some("supabase_migrations"),
        name: "schema_migrations",
        columns: &["version", "statements", "name"],
        create: "CREATE TABLE IF NOT EXISTS {table} (version text NOT NULL PRIMARY KEY); \
             ALTER TABLE {table} ADD COLUMN IF NOT EXISTS statements text[]; \
             ALTER TABLE {table} ADD COLUMN IF NOT EXISTS name text",
        fields: ["version", "name", "NULL", "true", "NULL", "NULL"],
        rows: "{table}",
        beside: &[],
    },
};

impl Convention for Supabase {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn goes_back(&self) -> bool {
        false
    }

    fn reads(&self, path: &Path) -> bool {
        file_name(path).ends_with(".sql")
    }

    fn read(&self, found: Vec<Found>) -> Folder {
        let mut folder = Folder::default();
        for file in found {
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let parsed = leading_digits(&stem)
                .and_then(|(digits, rest)| Some((digits, rest.strip_prefix('_')?)));
            let Some((digits, name)) = parsed else {
                folder.misnamed.push((file.path, "Supabase wants a name `<14 digits>_<name>.sql`"));
                continue;
            };
            let transactional = !section::stands_alone(&file.bytes);
            folder.migrations.push(Migration {
                version: Version::text(digits),
                name: name.to_owned(),
                up: script_file(self, file, transactional),
                down: None,
                recorded: Recorded::Nothing,
                detail: String::new(),
            });
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        folder
    }

    /// Nothing in the files is its own: the folder is.
    fn claims(&self, _: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Claim {
        Claim::No
    }

    fn owns(&self, root: &Root<'_>) -> bool {
        (root.has)("supabase/config.toml") || (root.has)("supabase/migrations")
    }

    fn record(&self, Entry { table, migration, sql, .. }: &Entry<'_>) -> String {
        let texts: Vec<String> =
            with_comments(sql).iter().map(|text| quote_literal(text)).collect();
        format!(
            "INSERT INTO {table} (version, name, statements) VALUES ({}, {}, ARRAY[{}]::text[])",
            quote_literal(&migration.version.to_string()),
            quote_literal(&migration.name),
            texts.join(", ")
        )
    }

    fn erase(&self, Entry { table, migration, .. }: &Entry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE version = {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn without_transaction(&self) -> &'static str {
        "let it be the only statement of its file"
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        vec![(format!("{}_{}.sql", new.free_timestamp(), new.name).into(), UP.to_owned())]
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
