//! Flyway's naming: `V<version>__<description>.sql`, `U…` for undo and `R__…` for repeatable
//! migrations; `flyway_schema_history`.
//!
//! Read in `flyway-core/…/resolver/ChecksumCalculator.java`, `…/api/MigrationState.java` and
//! `flyway-database-postgresql/…/PostgreSQLDatabase.java`. The checksum is the CRC-32 of all
//! lines without their line endings, as a signed number. A baseline counts as applied, and so does
//! every migration below it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::history::{Applied, History};
use crate::migration::{Checksum, Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{DOWN, NewMigration, UP, file_name, version_after_letter};
use crate::profile::{Confidence, HistoryEntry, HistoryTable, LockPlace, Profile};
use crate::section;
use crate::tool::{FoundFile, Tool, script_file};
use crate::variables::{Connection, Variable};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &Flyway;

struct Flyway;

static PROFILE: Profile = Profile {
    key: "flyway",
    folders: &["src/main/resources/db/migration", "db/migration", "sql", "migrations"],
    depth: 8,
    table: HistoryTable {
        schema: None,
        name: "flyway_schema_history",
        columns: &[
            "installed_rank",
            "version",
            "description",
            "type",
            "script",
            "checksum",
            "installed_by",
            "installed_on",
            "execution_time",
            "success",
        ],
        create: "CREATE TABLE IF NOT EXISTS {table} (
    \"installed_rank\" INT NOT NULL PRIMARY KEY,
    \"version\" VARCHAR(50),
    \"description\" VARCHAR(200) NOT NULL,
    \"type\" VARCHAR(20) NOT NULL,
    \"script\" VARCHAR(1000) NOT NULL,
    \"checksum\" INTEGER,
    \"installed_by\" VARCHAR(100) NOT NULL,
    \"installed_on\" TIMESTAMP NOT NULL DEFAULT now(),
    \"execution_time\" INTEGER NOT NULL,
    \"success\" BOOLEAN NOT NULL
); CREATE INDEX IF NOT EXISTS \"flyway_schema_history_s_idx\" ON {table} (\"success\")",
        fields: [
            "coalesce(version, 'R__' || replace(description, ' ', '_'))",
            "description",
            "extract(epoch FROM installed_on)::bigint",
            "success",
            "checksum",
            "type",
        ],
        // The newest row of a version, or of a repeatable script, decides.
        rows: "(SELECT * FROM (SELECT DISTINCT ON \
            (version, CASE WHEN version IS NULL THEN description END) * \
            FROM {table} WHERE type <> 'SCHEMA' \
            ORDER BY version, CASE WHEN version IS NULL THEN description END, \
            installed_rank DESC) AS newest \
            WHERE type NOT LIKE 'UNDO%' AND type <> 'DELETE') AS rows",
        companions: &[],
    },
    marks: &["flyway.toml", "flyway.conf", "conf/flyway.conf"],
    home: &["flyway.toml", "flyway.conf", "conf/flyway.conf"],
    language: &["pom.xml", "build.gradle", "build.gradle.kts"],
    dependencies: &[
        ("pom.xml", "flyway"),
        ("build.gradle", "flyway"),
        ("build.gradle.kts", "flyway"),
    ],
    table_variable: Some("FLYWAY_TABLE"),
    takes_own_lock: true,
    needs_tcp: true,
    without_transaction: "let it be the only statement of its file, \
        or say `executeInTransaction=false` in a .conf beside it",
    commands: Commands {
        all: "flyway migrate",
        next: "flyway migrate -target={last}",
        ..Commands::NONE
    },
    ..Profile::SQL
};

impl Tool for Flyway {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        let name = file_name(path);
        name.ends_with(".sql") || name.ends_with(".sql.conf")
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        let (confs, found): (Vec<FoundFile>, Vec<FoundFile>) =
            found.into_iter().partition(|file| file_name(&file.path).ends_with(".conf"));
        let asks_for_none = |path: &Path| {
            if confs.is_empty() {
                return false;
            }
            let name = format!("{}.conf", path.display());
            let conf = confs.iter().find(|conf| conf.path.as_os_str() == name.as_str());
            conf.is_some_and(|conf| {
                let text = String::from_utf8_lossy(&conf.bytes).replace(' ', "");
                text.lines().any(|line| line == "executeInTransaction=false")
            })
        };
        let mut downs: Vec<(Version, ScriptFile)> = Vec::new();
        for file in found {
            let parsed = parse(file_name(&file.path));
            let Some((kind, version, name)) = parsed else {
                folder
                    .misnamed
                    .push((file.path, "Flyway wants a name `V<version>__<description>.sql`"));
                continue;
            };
            if kind == 'B' {
                folder.misnamed.push((file.path, "scripts of a baseline are not known here"));
                continue;
            }
            let transactional =
                !(asks_for_none(&file.path) || section::all_stand_alone(&file.bytes));
            let recorded = Recorded::OneOf(vec![checksum(&file.bytes)]);
            let has_placeholders = file.bytes.windows(2).any(|pair| pair == b"${");
            let mut script = script_file(self, file, transactional);
            // Flyway replaces them before it runs the file, and before it takes the checksum of
            // what repeats.
            script.is_code = has_placeholders;
            if kind == 'U' {
                downs.push((version, script));
                continue;
            }
            let detail = file_name(&script.path).to_owned();
            folder.migrations.push(Migration {
                version,
                name,
                up: script,
                down: None,
                recorded,
                detail,
            });
        }
        folder.migrations.sort_by(|a, b| (&a.version, &a.up.path).cmp(&(&b.version, &b.up.path)));
        folder.join_downs(downs);
        folder
    }

    fn claims(&self, names: &[&Path], _: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        // Only Flyway has repeatable migrations and settings beside a file.
        let is_for_flyway = |name: &&Path| {
            matches!(parse(file_name(name)), Some(('R', ..)))
                || file_name(name)
                    .strip_suffix(".conf")
                    .is_some_and(|script| matches!(parse(script), Some(('V' | 'U', ..))))
        };
        let fits = names.iter().any(|name| matches!(parse(file_name(name)), Some(('V' | 'R', ..))));
        Confidence::signed_if(names.iter().any(is_for_flyway)).max(Confidence::fits_if(fits))
    }

    fn version(&self, text: &str) -> Option<Version> {
        if text.starts_with("R__") {
            Some(Version::Repeated(text.to_owned()))
        } else {
            dotted(text)
        }
    }

    fn record(&self, entry: &HistoryEntry<'_>) -> String {
        row(entry, "SQL", &entry.migration.detail)
    }

    /// Nothing is taken out of this history: a further row says that it was taken back.
    fn erase(&self, entry: &HistoryEntry<'_>) -> String {
        let down = entry.migration.down.as_ref().map_or("", |down| file_name(&down.path));
        row(entry, "UNDO_SQL", down)
    }

    fn clear_failed(
        &self,
        HistoryEntry { table, migration, .. }: &HistoryEntry<'_>,
    ) -> Option<String> {
        let which = match &migration.version {
            Version::Repeated(_) => {
                format!("version IS NULL AND description = {}", quote_literal(&migration.name))
            }
            _ => format!("version = {}", written_version(migration)),
        };
        Some(format!("DELETE FROM {table} WHERE {which} AND NOT success"))
    }

    fn rerecord(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> Option<String> {
        let checksum = migration.stored_checksum()?;
        Some(format!(
            "UPDATE {table} SET checksum = {checksum} WHERE installed_rank = \
             (SELECT max(installed_rank) FROM {table} WHERE version = {})",
            written_version(migration)
        ))
    }

    fn complete(&self, history: &mut History, folder: &MigrationFolder) {
        let baseline = history
            .applied
            .iter()
            .filter(|row| row.detail.ends_with("BASELINE"))
            .map(|row| row.version.clone())
            .max();
        // A repeatable script that has changed is to be run again.
        let changed = |row: &Applied| {
            let is_it = |file: &&Migration| file.version == row.version;
            let is_other = |file: &Migration| {
                row.checksum.as_ref().is_some_and(|stored| !file.is_recorded_as(stored))
            };
            matches!(row.version, Version::Repeated(_))
                && folder.migrations.iter().find(is_it).is_some_and(is_other)
        };
        history.applied.retain(|row| !changed(row) && !row.detail.ends_with("BASELINE"));
        let Some(baseline) = baseline else { return };
        let below = folder.migrations.iter().filter(|file| file.version <= baseline);
        history.applied.extend(below.map(|file| Applied {
            version: file.version.clone(),
            name: "below the baseline".to_owned(),
            installed_on: None,
            success: true,
            checksum: None,
            detail: String::new(),
        }));
        history.applied.sort_by(|a, b| a.version.cmp(&b.version));
    }

    fn version_in(&self, name: &str) -> Option<Range<usize>> {
        version_after_letter(name)
    }

    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let version = new.free_number();
        let mut files = vec![(format!("V{version}__{}.sql", new.name).into(), UP.to_owned())];
        if new.reversible {
            files.push((format!("U{version}__{}.sql", new.name).into(), DOWN.to_owned()));
        }
        files
    }

    /// "Flyway" in ASCII, and Java's hash of the table's quoted name.
    fn lock_key(&self, place: &LockPlace<'_>) -> Option<i64> {
        let table = format!("\"{}\".\"{}\"", place.schema, place.table);
        let hash = table
            .encode_utf16()
            .fold(0i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
        Some(0x466c_7977_6179 + i64::from(hash))
    }

    fn variables(&self, connection: &Connection<'_>) -> Vec<Variable> {
        vec![
            Variable::new("FLYWAY_URL", connection.jdbc_url()),
            Variable::new("FLYWAY_USER", connection.user),
            Variable::new("FLYWAY_PASSWORD", connection.password),
            Variable::new("FLYWAY_LOCATIONS", format!("filesystem:{}", connection.dir)),
        ]
    }
}

fn row(
    HistoryEntry { table, migration, elapsed, .. }: &HistoryEntry<'_>,
    kind: &str,
    script: &str,
) -> String {
    let version = written_version(migration);
    let checksum =
        migration.stored_checksum().map_or_else(|| "NULL".to_owned(), ToString::to_string);
    format!(
        "INSERT INTO {table} (installed_rank, version, description, type, script, checksum, \
         installed_by, execution_time, success) \
         SELECT coalesce(pg_catalog.max(installed_rank), 0) OPERATOR(pg_catalog.+) 1, \
         {version}, {}, '{kind}', {}, {checksum}, \
         session_user, {}, true FROM {table}",
        quote_literal(&migration.name),
        quote_literal(script),
        elapsed.as_millis()
    )
}

/// The version as the file has it, where leading zeros stay, as an SQL literal.
fn written_version(migration: &Migration) -> String {
    if matches!(migration.version, Version::Repeated(_)) {
        return "NULL".to_owned();
    }
    let written = migration.detail.get(1..).and_then(|rest| rest.split_once("__"));
    quote_literal(
        &written.map_or_else(|| migration.version.to_string(), |(text, _)| text.replace('_', ".")),
    )
}

/// Kind, version and description of a file name.
fn parse(file: &str) -> Option<(char, Version, String)> {
    let stem = file.strip_suffix(".sql")?;
    let kind = stem.chars().next()?;
    let (version, name) = stem.get(1..)?.split_once("__")?;
    let description = name.replace('_', " ");
    match (kind, version) {
        ('R', "") => Some((kind, Version::Repeated(stem.to_owned()), description)),
        ('V' | 'U' | 'B', version) => Some((kind, dotted(version)?, description)),
        _ => None,
    }
}

/// `1`, `1.2` or `1_2`; zeros at the end make no difference.
fn dotted(text: &str) -> Option<Version> {
    let mut parts: Vec<u64> =
        text.split(['.', '_']).map(str::parse).collect::<Result<_, _>>().ok()?;
    while parts.len() > 1 && parts.last() == Some(&0) {
        parts.pop();
    }
    Some(Version::Dotted(parts))
}

fn checksum(bytes: &[u8]) -> Checksum {
    let text = String::from_utf8_lossy(bytes);
    let mut hasher = crc32fast::Hasher::new();
    // Java's lines end with LF, CR or both.
    for line in text.trim_start_matches('\u{feff}').replace("\r\n", "\n").split(['\n', '\r']) {
        hasher.update(line.as_bytes());
    }
    Checksum::stored(&hasher.finalize().cast_signed().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_parts_that_compare_as_numbers() {
        let file = |name: &str| FoundFile { path: name.into(), bytes: b"SELECT 1".to_vec() };
        let names = [
            "V1_10__c.sql",
            "V1.9__b.sql",
            "V1__a.sql",
            "R__views.sql",
            "U1.9__b.sql",
            "V1.0__twice.sql",
            "x.sql",
        ];
        let folder = Flyway.read(names.map(file).into());
        let titles: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(titles, ["1 twice", "1 a", "1.9 b", "1.10 c", "R__views views"]);
        assert!(folder.migrations[2].down.is_some());
        assert_eq!(folder.misnamed.len(), 1);
    }

    #[test]
    fn the_checksum_is_blind_to_the_ends_of_lines_and_to_a_bom() {
        let sum = |text: &str| checksum(text.as_bytes()).to_string();
        assert_eq!(sum("a\nb"), sum("\u{feff}a\r\nb\r\n"));
        assert_ne!(sum("a\nb"), sum("a\nc"));
    }
}
