//! refinery: `V<number>__<name>.sql` anywhere below `migrations`, `refinery_schema_history`.
//!
//! Read in `refinery_core/src/traits/mod.rs`, `runner.rs` and `util.rs` of refinery 0.10. Its
//! checksum is SipHash-1-3 with a zero key over the name, the version in little-endian bytes, and
//! the SQL, as Rust hashes strings: with a byte 0xff after each. Versions are 4 bytes long, or 8
//! with the feature `int8-versions`, which the type of the table's column tells.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::command::Commands;
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, Version};
use crate::naming::{NewMigration, UP, file_name, version_after_letter};
use crate::profile::{Confidence, HistoryEntry, HistoryTable, Profile, RollbackSupport};
use crate::tool::{FoundFile, Tool, rekeyed, script_file};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Refinery;

struct Refinery;

static PROFILE: Profile = Profile {
    key: "refinery",
    folders: &["migrations"],
    depth: 8,
    table: HistoryTable {
        schema: None,
        name: "refinery_schema_history",
        columns: &["version", "name", "applied_on", "checksum"],
        create: "CREATE TABLE IF NOT EXISTS {table}(
             version INT4 PRIMARY KEY,
             name VARCHAR(255),
             applied_on VARCHAR(255),
             checksum VARCHAR(255))",
        fields: [
            "version",
            "name",
            "extract(epoch FROM applied_on::timestamptz)::bigint",
            "true",
            "checksum",
            "NULL",
        ],
        rows: "{table}",
        companions: &[],
    },
    marks: &["refinery.toml"],
    language: &["Cargo.toml"],
    dependencies: &[("Cargo.toml", "refinery")],
    rollback: RollbackSupport::Never,
    commands: Commands {
        all: "refinery migrate -e DATABASE_URL -p {dir}",
        next: "refinery migrate -e DATABASE_URL -p {dir} -t {last}",
        ..Commands::NONE
    },
    ..Profile::SQL
};

impl Tool for Refinery {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        parse(path).is_some() || path.extension().is_some_and(|extension| extension == "sql")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        for file in found {
            let Some((version, name)) = parse(&file.path) else {
                folder
                    .misnamed
                    .push((file.path, "refinery reads `V<number>__<name>.sql` and no other"));
                continue;
            };
            let Ok(number) = version.parse::<i64>() else {
                folder.misnamed.push((file.path, "refinery reads whole numbers as versions"));
                continue;
            };
            let name = name.to_owned();
            let is_program = file_name(&file.path).ends_with(".rs");
            let text = String::from_utf8_lossy(&file.bytes).into_owned();
            #[expect(clippy::cast_possible_truncation, reason = "what the tool does with it")]
            let short = checksum(&name, &(number as i32).to_le_bytes(), &text);
            let accepted = vec![short, checksum(&name, &number.to_le_bytes(), &text)];
            folder.migrations.push(Migration {
                version: Version::Number(number),
                name,
                up: script_file(self, file, true),
                down: None,
                // The SQL of a program is known when it runs.
                recorded: if is_program { Recorded::Nothing } else { Recorded::OneOf(accepted) },
                detail: String::new(),
            });
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        Confidence::fits_if(names.iter().any(|name| parse(name).is_some()))
    }

    fn version(&self, text: &str) -> Option<Version> {
        Version::number(text)
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        let Recorded::OneOf(accepted) = &migration.recorded else { return String::new() };
        let [short, long] = accepted.as_slice() else { return String::new() };
        format!(
            "INSERT INTO {table} (version, name, applied_on, checksum) VALUES ({}, {}, \
             pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.now()), \
                                'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
             CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute \
                   WHERE attrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass \
                     AND attname OPERATOR(pg_catalog.=) 'version' \
                     AND atttypid OPERATOR(pg_catalog.=) 'pg_catalog.int8'::pg_catalog.regtype) \
               THEN '{long}' ELSE '{short}' END)",
            migration.version,
            quote_literal(&migration.name),
            quote_literal(table),
        )
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!("DELETE FROM {table} WHERE version OPERATOR(pg_catalog.=) {}", migration.version)
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let Recorded::OneOf(accepted) = &migration.recorded else { return None };
        let [short, long] = accepted.as_slice() else { return None };
        Some(format!(
            "UPDATE {table} SET checksum = CASE pg_typeof(version) \
             WHEN 'int8'::regtype THEN '{long}' ELSE '{short}' END \
             WHERE version = {}",
            migration.version
        ))
    }

    /// The checksum depends on the version.
    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        let (rekeyed, elapsed) = (rekeyed(table, "version", from, to), Duration::ZERO);
        let entry = HistoryEntry { table, migration: to, elapsed, sql: &[] };
        Some(format!("{rekeyed}; {}", self.rerecord(&entry)?))
    }

    fn version_in(&self, name: &str) -> Option<Range<usize>> {
        version_after_letter(name)
    }

    fn new_version(&self, new: &NewMigration<'_>) -> String {
        // A date with seconds does not fit into the numbers that refinery reads by default.
        let is_long = |one: &Migration| one.version.to_string().len() >= 14;
        match new.counts() || new.folder.migrations.iter().any(is_long) {
            true => new.free_number(),
            false => new.next_number().to_string(),
        }
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        vec![(format!("V{}__{}.sql", self.new_version(new), new.name).into(), UP.into())]
    }
}

/// Version and name of `V1__name.sql` and `U1__name.rs`.
fn parse(path: &Path) -> Option<(&str, &str)> {
    let file = file_name(path);
    let stem = file.strip_suffix(".sql").or_else(|| file.strip_suffix(".rs"))?;
    let (version, name) = stem.strip_prefix(['V', 'U'])?.split_once("__")?;
    let is_word =
        |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    (is_number(version) && is_word(name)).then_some((version, name))
}

fn checksum(name: &str, version: &[u8], sql: &str) -> Checksum {
    let mut bytes = Vec::with_capacity(name.len() + sql.len() + 10);
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0xff);
    bytes.extend_from_slice(version);
    bytes.extend_from_slice(sql.as_bytes());
    bytes.push(0xff);
    Checksum::stored(&sip13(&bytes).to_string())
}

/// SipHash with one round per word and three at the end, and a key of zeros. Aumasson and
/// Bernstein, "SipHash: a fast short-input PRF", 2012.
fn sip13(bytes: &[u8]) -> u64 {
    let mut v: [u64; 4] = [
        0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573,
    ];
    let mut words = bytes.chunks_exact(8);
    for word in words.by_ref() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        v[3] ^= word;
        sip_round(&mut v);
        v[0] ^= word;
    }
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    last[7] = (bytes.len() & 0xff).try_into().unwrap_or_default();
    let word = u64::from_le_bytes(last);
    v[3] ^= word;
    sip_round(&mut v);
    v[0] ^= word;
    v[2] ^= 0xff;
    (0..3).for_each(|_| sip_round(&mut v));
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn sip_round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_refinery_reads_them() {
        assert_eq!(parse(Path::new("m/V1__a_b.sql")), Some(("1", "a_b")));
        assert_eq!(parse(Path::new("U2.1__x.rs")), Some(("2.1", "x")));
        for foreign in ["V1_x.sql", "v1__x.sql", "V1__.sql", "V__x.sql", "V1__a-b.sql", "1_x.sql"] {
            assert_eq!(parse(Path::new(foreign)), None, "{foreign}");
        }
    }

    #[test]
    fn the_checksum_is_the_hash_of_rusts_own_hasher() {
        use std::hash::Hasher;
        #[expect(
            deprecated,
            reason = "it is SipHash-1-3's brother with other rounds, and shares the framing"
        )]
        let mut other = std::hash::SipHasher::new();
        other.write(b"x");
        assert_ne!(sip13(b"x"), other.finish());
        // `DefaultHasher` is SipHash-1-3 with a zero key, though it does not promise to stay so.
        for text in ["", "a", "1234567", "12345678", "a longer text than one word"] {
            let mut hasher = std::collections::hash_map::DefaultHasher::new();
            hasher.write(text.as_bytes());
            assert_eq!(sip13(text.as_bytes()), hasher.finish(), "{text}");
        }
    }

    #[test]
    fn the_checksums_of_refinerys_own_tests() {
        // The first migration of refinery's test suite, with 4 and with 8 bytes of version.
        let sql = concat!(
            "CREATE TABLE persons (\n    id int,\n",
            "    name varchar(255),\n    city varchar(255)\n);\n"
        );
        let (short, long) = (1i32.to_le_bytes(), 1i64.to_le_bytes());
        assert_eq!(checksum("initial", &short, sql).to_string(), "2959965718684201605");
        assert_eq!(checksum("initial", &long, sql).to_string(), "13938959368620441626");
    }
}
