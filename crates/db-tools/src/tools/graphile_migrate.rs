//! graphile-migrate: `migrations/committed/<6 digits>[-<message>].sql`,
//! `graphile_migrate.migrations`.
//!
//! Read in `src/{migration,migrations,pg}.ts` of 1.4. Each migration names the hash of the previous
//! one, so that the files form a chain; the hash covers that name and the text below the header.

use std::path::{Path, PathBuf};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::command::Commands;
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, Version};
use crate::naming::{NewMigration, file_name, has_extension, leading_digits, most_are};
use crate::profile::{
    Confidence, HistoryEntry, HistoryTable, LockPlace, NoTransactionForm, Profile, Renumbering,
    RollbackSupport,
};
use crate::tool::{FoundFile, Tool, script_file};
use crate::variables::{Connection, Variable};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &GraphileMigrate;

struct GraphileMigrate;

static PROFILE: Profile = Profile {
    key: "graphile-migrate",
    folders: &["migrations/committed"],
    depth: 1,
    table: HistoryTable {
        schema: Some("graphile_migrate"),
        name: "migrations",
        columns: &["hash", "previous_hash", "filename", "date"],
        create: "CREATE TABLE IF NOT EXISTS {table} (
      hash text primary key,
      previous_hash text references {table},
      filename text not null,
      date timestamptz not null default now()
    ); CREATE TABLE IF NOT EXISTS \"graphile_migrate\".\"current\" (
      filename text primary key default 'current.sql',
      content text not null,
      date timestamptz not null default now()
    )",
        fields: [
            "replace(filename, '.sql', '')",
            "NULL",
            "extract(epoch FROM date)::bigint",
            "true",
            "hash",
            "NULL",
        ],
        rows: "{table}",
        companions: &[],
    },
    marks: &[".gmrc", ".gmrc.js", ".gmrc.cjs"],
    home: &[".gmrc", ".gmrc.js", ".gmrc.cjs"],
    takes_own_lock: true,
    rollback: RollbackSupport::Never,
    renumbering: Renumbering::Elsewhere(
        "each contains the hash of the one before it: take it back with `graphile-migrate \
         uncommit`, and commit it again with `graphile-migrate commit`",
    ),
    without_transaction: "begin the text with `--! no-transaction`",
    commands: Commands {
        all: "graphile-migrate migrate",
        probe: "graphile-migrate status",
        ..Commands::NONE
    },
    no_transaction: NoTransactionForm::FirstLine("--! no-transaction"),
    ..Profile::SQL
};

impl Tool for GraphileMigrate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        has_extension(path, "sql")
    }

    fn read(&self, mut found: Vec<FoundFile>) -> MigrationFolder {
        found.sort_by(|a, b| a.path.cmp(&b.path));
        let mut folder = MigrationFolder::default();
        let mut last: Option<String> = None;
        for file in found {
            let stem = file_name(&file.path).trim_end_matches(".sql").to_owned();
            let text = file.text().trim_start_matches('\u{feff}').to_owned();
            let head = CommittedHeader::of(&text);
            let Some((digits, rest)) = leading_digits(&stem).filter(|_| head.previous.is_some())
            else {
                let why = "it does not begin with `--! Previous:`, as a committed migration does";
                folder.misnamed.push((file.path, why));
                continue;
            };
            let previous = head.previous.unwrap_or_default().to_owned();
            let of_text = hash(&previous, head.body);
            let said = head.hash.map(Checksum::stored);
            let fits = said.as_ref().is_none_or(|said| *said == of_text);
            if !fits && !head.allows_other_hash {
                folder.misnamed.push((file.path.clone(), "its hash is not that of its text"));
            }
            if last.as_ref().is_some_and(|last| *last != previous) {
                folder
                    .misnamed
                    .push((file.path.clone(), "it does not follow the migration before it"));
            }
            let recorded = if head.allows_other_hash { said.unwrap_or(of_text) } else { of_text };
            last = Some(recorded.to_string());
            let name = rest.trim_start_matches('-').replace('-', " ");
            let has_placeholders = has_placeholders(head.body);
            let mut up = script_file(self, file, !head.no_transaction);
            up.is_code = has_placeholders;
            let (version, recorded) = (Version::text(digits), Recorded::OneOf(vec![recorded]));
            folder.migrations.push(Migration {
                version,
                name,
                up,
                down: None,
                recorded,
                detail: previous,
            });
        }
        folder
    }

    fn claims(&self, names: &[&Path], text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        let headed = |text: &str| text.starts_with("--! Previous:");
        Confidence::signed_if(most_are(names, text_of, headed))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        let previous = match migration.detail.as_str() {
            "" => "NULL".to_owned(),
            previous => quote_literal(previous),
        };
        format!(
            "INSERT INTO {table} (hash, previous_hash, filename) \
             VALUES ('{}', {previous}, '{}.sql')",
            migration.stored_checksum().map(ToString::to_string).unwrap_or_default(),
            migration.version
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE filename OPERATOR(pg_catalog.=) '{}.sql'",
            migration.version
        )
    }

    /// A change is worked out in `current.sql`, and committed by the tool, which writes the hash.
    fn new_files(&self, _: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        Vec::new()
    }

    fn committed(&self, new: &NewMigration<'_>, up: &str) -> Option<(PathBuf, String)> {
        let last = new.folder.migrations.last().and_then(Migration::stored_checksum);
        let previous = last.map(ToString::to_string).unwrap_or_default();
        let head = if previous.is_empty() { "-" } else { &previous };
        let message = new.name.replace('_', " ");
        let text = format!(
            "--! Previous: {head}\n--! Hash: {}\n--! Message: {message}\n\n{up}",
            hash(&previous, up)
        );
        let name = format!("{:06}-{}.sql", new.next_number(), new.name.replace('_', "-"));
        Some((name.into(), text))
    }

    fn lock_key(&self, _: &LockPlace<'_>) -> Option<i64> {
        Some(4_727_445_306_447_283)
    }

    /// It wants to know two further databases, though it needs neither to migrate.
    fn variables(&self, connection: &Connection<'_>) -> Vec<Variable> {
        let shadow = (connection.url_of)(&format!("{}_shadow", connection.database));
        vec![
            Variable::default("SHADOW_DATABASE_URL", shadow),
            Variable::default("ROOT_DATABASE_URL", (connection.url_of)("postgres")),
        ]
    }
}

/// What the first lines of a committed migration say.
struct CommittedHeader<'a> {
    /// The hash of the migration before it; empty for the first one.
    previous: Option<&'a str>,
    hash: Option<&'a str>,
    /// Whether the hash may differ from that of the text.
    allows_other_hash: bool,
    no_transaction: bool,
    body: &'a str,
}

impl<'a> CommittedHeader<'a> {
    fn of(text: &'a str) -> CommittedHeader<'a> {
        let mut head = CommittedHeader {
            previous: None,
            hash: None,
            allows_other_hash: false,
            no_transaction: false,
            body: text,
        };
        let is_header = |line: &str| {
            line.strip_prefix("--! ").is_some_and(|rest| rest.starts_with(char::is_uppercase))
        };
        while let Some(line) = head.body.lines().next().filter(|line| is_header(line)) {
            if let Some(previous) = line.strip_prefix("--! Previous:") {
                let previous = previous.trim();
                head.previous = Some(if previous == "-" { "" } else { previous });
            }
            head.hash = line.strip_prefix("--! Hash:").map(str::trim).or(head.hash);
            head.allows_other_hash |= line.starts_with("--! AllowInvalidHash");
            head.body = head.body.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let first = head.body.trim_start().lines().next().unwrap_or_default();
        head.no_transaction =
            first.strip_prefix("--!").is_some_and(|rest| rest.trim().starts_with("no-transaction"));
        head
    }
}

/// `:DATABASE_NAME` and its kin, which only the tool replaces. `::TEXT` is a cast.
fn has_placeholders(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(4).enumerate().any(|(at, four)| {
        four[0] == b':'
            && four[1..].iter().all(u8::is_ascii_uppercase)
            && (at == 0 || bytes[at - 1] != b':')
    })
}

fn hash(previous: &str, body: &str) -> Checksum {
    let chain = format!("{previous}\n{}", body.trim());
    let text = format!("{}\n", chain.trim());
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    Checksum::stored(&format!("sha1:{}", Checksum::of_digest(digest.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_the_chain_and_the_text() {
        let text = "--! Previous: -\n--! Hash: sha1:x\n--! Message: m\n\nSELECT 1;\n";
        let head = CommittedHeader::of(text);
        assert_eq!((head.previous, head.body), (Some(""), "\nSELECT 1;\n"));
        // `printf 'SELECT 1;\n' | sha1sum`
        let digest =
            Checksum::of_digest(digest(&SHA1_FOR_LEGACY_USE_ONLY, b"SELECT 1;\n").as_ref());
        assert_eq!(hash("", head.body).to_string(), format!("sha1:{digest}"));
        assert_ne!(hash("sha1:a", head.body), hash("sha1:b", head.body));
        assert!(
            has_placeholders("SELECT ':DATABASE_NAME'")
                && !has_placeholders("SELECT 1::TEXT, a[1:2]")
        );
    }
}
