//! node-pg-migrate: `migrations/<prefix>_<name>.sql` with `-- Up Migration` and `-- Down
//! Migration`, or a program; `pgmigrations`.
//!
//! Read in `src/{runner,migration,sqlMigration}.ts` and `src/utils/fileNameUtils.ts` of 9.0. It
//! runs all pending migrations in one transaction and stores no checksum.

use std::path::{Path, PathBuf};

use crate::command::Commands;
use crate::migration::{Migration, MigrationFolder, Recorded, ScriptFile, Version};
use crate::naming::{NewMigration, file_name, has_extension, leading_digits, milliseconds};
use crate::profile::{Confidence, HistoryEntry, HistoryTable, LockPlace, Profile};
use crate::section::{self, DividedFile, Mark, Repeats, Sections};
use crate::tool::{FoundFile, Tool, rekeyed, script_file};
use pg_sql::quote::quote_literal;

pub(super) static TOOL: &dyn Tool = &NodePgMigrate;

struct NodePgMigrate;

static PROFILE: Profile = Profile {
    key: "node-pg-migrate",
    folders: &["migrations"],
    depth: 1,
    table: HistoryTable {
        schema: None,
        name: "pgmigrations",
        columns: &["id", "name", "run_on"],
        create: "CREATE TABLE {table} \
            ( id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)",
        fields: ["name", "NULL", "extract(epoch FROM run_on)::bigint", "true", "NULL", "NULL"],
        rows: "{table}",
        companions: &[],
    },
    packages: &["node-pg-migrate"],
    language: &["package.json"],
    needs_language: true,
    sections: Some(&SECTIONS),
    takes_own_lock: true,
    is_strict: true,
    is_one_transaction: true,
    commands: Commands {
        all: "node-pg-migrate up -m {dir}",
        next: "node-pg-migrate up {count} -m {dir}",
        back: "node-pg-migrate down {count} -m {dir}",
        create: "node-pg-migrate create {name} -j sql -m {dir}",
        probe: "node-pg-migrate up --dry-run -m {dir}",
        ..Commands::NONE
    },
    ..Profile::SQL
};

static SECTIONS: Sections = Sections {
    // `-- Up migration` is an ordinary comment for all other tools.
    words: &[],
    near: &["up migr", "down migr", "up_migr", "down_migr", "up-migr", "down-migr"],
    mark,
    repeats: Repeats::Unordered,
    shown: "`-- Up Migration` and `-- Down Migration`",
};

const PROGRAMS: [&str; 6] = ["js", "ts", "cjs", "mjs", "cts", "mts"];

impl Tool for NodePgMigrate {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn reads(&self, path: &Path) -> bool {
        let extension =
            path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        !file_name(path).starts_with('.') && (extension == "sql" || PROGRAMS.contains(&extension))
    }

    fn read(&self, found: Vec<FoundFile>) -> MigrationFolder {
        let mut folder = MigrationFolder::default();
        for file in found {
            let stem =
                file.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            if leading_digits(&stem).is_none() {
                folder
                    .misnamed
                    .push((file.path, "node-pg-migrate wants a name that begins with digits"));
                continue;
            }
            let text = file.text();
            let division = match section::divide(&text, "node-pg-migrate", &SECTIONS) {
                _ if !has_extension(&file.path, "sql") => DividedFile::default(),
                Ok(division) => division,
                Err(problem) => {
                    folder.faulty.push((file.path, problem));
                    continue;
                }
            };
            let whole = script_file(self, file, true);
            let part = |parts| ScriptFile { part: Some(parts), ..whole.clone() };
            let (up, down) = match (whole.is_code, division.up(), division.down()) {
                (true, ..) => (whole.clone(), Some(whole)),
                (false, Some(up), down) => (part(up), down.map(part)),
                // If there is no up marker, everything before the down marker is the up migration.
                (false, None, Some(down)) => {
                    (part(std::iter::once(0..division.downs[0].start).collect()), Some(part(down)))
                }
                (false, None, None) => (whole, None),
            };
            let (name, recorded, detail) = (String::new(), Recorded::Nothing, String::new());
            folder.migrations.push(Migration {
                version: Version::Text(stem),
                name,
                up,
                down,
                recorded,
                detail,
            });
        }
        folder
            .migrations
            .sort_by_cached_key(|one| (prefix(&one.version.to_string()), one.version.clone()));
        folder
    }

    fn claims(&self, names: &[&Path], text_of: &dyn Fn(&Path) -> Option<String>) -> Confidence {
        let mut own = names
            .iter()
            .filter(|name| self.reads(name) && leading_digits(file_name(name)).is_some());
        let signed = |name: &&&Path| {
            let text = text_of(name).unwrap_or_default();
            if file_name(name).ends_with(".sql") {
                text.lines().any(|line| mark(line).is_some())
            } else {
                text.contains("pgm")
            }
        };
        // Pairs of files belong to another tool.
        let is_half = |name: &&Path| {
            file_name(name).ends_with(".up.sql") || file_name(name).ends_with(".down.sql")
        };
        let fits = own.clone().any(|name| !is_half(name));
        Confidence::signed_if(own.find(signed).is_some()).max(Confidence::fits_if(fits))
    }

    fn record(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        let name = quote_literal(&migration.version.to_string());
        format!("INSERT INTO {table} (name, run_on) VALUES ({name}, pg_catalog.now())")
    }

    fn erase(&self, HistoryEntry { table, migration, .. }: &HistoryEntry<'_>) -> String {
        format!(
            "DELETE FROM {table} WHERE name OPERATOR(pg_catalog.=) {}",
            quote_literal(&migration.version.to_string())
        )
    }

    fn move_record(&self, table: &str, from: &Migration, to: &Migration) -> Option<String> {
        Some(rekeyed(table, "name", from, to))
    }

    /// Milliseconds since 1970, as the tool's own `create` has it, or as the other files have it.
    fn new_version(&self, new: &NewMigration<'_>) -> String {
        match new.folder.migrations.last() {
            Some(_) => new.free_number(),
            None => new.milliseconds().to_string(),
        }
    }

    /// With dashes, as the tool's own `create` has it, or as the other files have it.
    fn new_files(&self, new: &NewMigration<'_>) -> Vec<(PathBuf, String)> {
        let number = self.new_version(new);
        let is_underscored = |last: &Migration| {
            let stem = last.version.to_string();
            leading_digits(&stem).is_some_and(|(_, name)| name.matches('_').count() > 1)
        };
        let name = match new.folder.migrations.last().is_some_and(is_underscored) {
            true => new.name.to_owned(),
            false => new.name.replace('_', "-"),
        };
        let text = "-- Up Migration\n\n-- Down Migration\n".to_owned();
        vec![(format!("{number}_{name}.sql").into(), text)]
    }

    fn lock_key(&self, _: &LockPlace<'_>) -> Option<i64> {
        Some(7_241_865_325_823_964)
    }
}

fn mark(line: &str) -> Option<Mark> {
    let is = |word| is_marker(line, word);
    is("up").then_some(Mark::Up).or(is("down").then_some(Mark::Down))
}

/// `-- Up Migration`, in any case and with any text after it: the tool looks only for these words.
fn is_marker(line: &str, word: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("--") else { return false };
    let words =
        rest.trim_start_matches(|c: char| c == '-' || c.is_whitespace()).to_ascii_lowercase();
    let Some(rest) = words.strip_prefix(word) else { return false };
    rest.starts_with(char::is_whitespace) && rest.trim_start().starts_with("migration")
}

/// What the tool sorts by: milliseconds since 1970, or a moment of 17 digits, or an index.
fn prefix(name: &str) -> i64 {
    let digits = leading_digits(name).map_or("", |(digits, _)| digits);
    let moment = || Some(milliseconds(digits)? + digits.get(14..)?.parse::<i64>().ok()?);
    let of_moment = if digits.len() == 17 { moment() } else { None };
    of_moment.unwrap_or_else(|| digits.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_all_kinds_are_in_one_order() {
        let file = |name: &str| FoundFile { path: name.into(), bytes: vec![] };
        let names = [
            "20260101000000000_c.sql",
            "1767225600001_d.sql",
            "9_a.sql",
            "10_b.js",
            "README.md.sql",
        ];
        let folder = NodePgMigrate.read(names.map(file).into());
        let versions: Vec<String> = folder.migrations.iter().map(Migration::title).collect();
        assert_eq!(versions, ["9_a", "10_b", "20260101000000000_c", "1767225600001_d"]);
        assert!(folder.migrations[1].up.is_code);
        assert_eq!(folder.misnamed.len(), 1);
    }

    #[test]
    fn a_new_file_is_named_as_the_others_are() {
        let now = time::OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        let next = |names: &[&str]| {
            let file = |name: &&str| FoundFile { path: name.into(), bytes: vec![] };
            let folder = NodePgMigrate.read(names.iter().map(file).collect());
            let new = NewMigration { name: "add_x", now, reversible: true, folder: &folder };
            NodePgMigrate.new_files(&new)[0].0.display().to_string()
        };
        assert_eq!(next(&[]), "1767225599000_add-x.sql");
        assert_eq!(next(&["1700000000000_create-a.sql"]), "1767225599000_add-x.sql");
        assert_eq!(next(&["1700000000000_create_a.sql"]), "1767225599000_add_x.sql");
        assert_eq!(next(&["20250101000000000_a.sql"]), "20251231235959000_add-x.sql");
        assert_eq!(next(&["001_t.sql", "002_u.sql"]), "003_add-x.sql");
        assert_eq!(next(&["1.sql"]), "2_add-x.sql");
    }

    #[test]
    fn sections_are_optional() {
        let part = |text: &str| {
            let folder =
                NodePgMigrate.read(vec![FoundFile { path: "1_x.sql".into(), bytes: text.into() }]);
            let up = folder.migrations[0].up.part_of(text.into());
            String::from_utf8(up).unwrap().trim().to_owned()
        };
        assert_eq!(part("SELECT 1;"), "SELECT 1;");
        assert_eq!(part("-- Up Migration\nSELECT 1;\n--- down migration\nSELECT 2;"), "SELECT 1;");
        assert_eq!(part("SELECT 1;\n-- Down Migration\nSELECT 2;"), "SELECT 1;");
        assert_eq!(
            part("-- Up migrations\nSELECT 1;\n-- Down Migration: undo\nSELECT 2;"),
            "SELECT 1;"
        );
    }
}
