//! Names of files: what tools read in them, and what new ones are called.

use std::ops::Range;
use std::path::Path;

use time::OffsetDateTime;

use crate::migration::{Migration, MigrationFolder};

/// A migration to be created.
pub struct NewMigration<'a> {
    /// Its name, safe in a file name.
    pub name: &'a str,
    /// This moment.
    pub now: OffsetDateTime,
    /// Whether it gets a down file.
    pub reversible: bool,
    /// The existing migrations.
    pub folder: &'a MigrationFolder,
}

/// The name of a file without its folders.
pub(crate) fn file_name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// The name of the folder that contains a file.
pub(crate) fn folder_name(path: &Path) -> &str {
    path.parent().map_or("", file_name)
}

/// Whether a file's name ends with this extension.
pub(crate) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Whether the text of more than half of the SQL files fulfils a condition.
pub(crate) fn most_are(
    names: &[&Path],
    text_of: &dyn Fn(&Path) -> Option<String>,
    is_one: impl Fn(&str) -> bool,
) -> bool {
    let sql: Vec<&&Path> = names.iter().filter(|name| has_extension(name, "sql")).collect();
    let of_kind = |name: &&&&Path| text_of(name).is_some_and(|text| is_one(&text));
    !sql.is_empty() && sql.iter().filter(of_kind).count() * 2 > sql.len()
}

/// The digits that a text begins with, and the rest.
pub(crate) fn leading_digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The version in a name such as `V1__name`.
pub(crate) fn version_after_letter(name: &str) -> Option<Range<usize>> {
    let end = name.find("__")?;
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(1..end)
}

/// `20260131235959`.
fn timestamp(moment: OffsetDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// The timestamp that the version of a migration begins with, if it has seconds. After them may
/// follow milliseconds, or the four digits of diesel.
fn date_of(migration: &Migration) -> Option<OffsetDateTime> {
    let version = migration.version.to_string();
    let version = version.replace('-', "");
    let (digits, _) = leading_digits(&version)?;
    let seconds = milliseconds(digits)? / 1000;
    let has_seconds = matches!(digits.len(), 14 | 17 | 18);
    OffsetDateTime::from_unix_timestamp(seconds).ok().filter(|_| has_seconds)
}

/// The digits that a name begins with; those of `2026-01-31-235959_name` without the dashes.
fn number_in(name: &str) -> Option<String> {
    let is_date = |text: &str| {
        text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    };
    let name = match name.get(..10).is_some_and(is_date) {
        true => name.replace('-', ""),
        false => name.to_owned(),
    };
    leading_digits(&name).map(|(digits, _)| digits.to_owned())
}

/// `20260131235959` as milliseconds since 1970, in UTC.
pub(crate) fn milliseconds(digits: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let month = time::Month::try_from(number(4..6)?).ok()?;
    let date = time::Date::from_calendar_date(year, month, number(6..8)?).ok()?;
    let moment = date.with_hms(number(8..10)?, number(10..12)?, number(12..14)?).ok()?;
    Some(moment.assume_utc().unix_timestamp() * 1000)
}

impl NewMigration<'_> {
    /// The current second, or the next one that no migration has, in case two people or a script
    /// create several. If a migration is later, the second after it: an older one would not run.
    pub(crate) fn free_timestamp(&self) -> String {
        let dates = self.folder.migrations.iter().filter_map(date_of).filter(|at| *at > self.now);
        let mut moment = dates.max().unwrap_or(self.now);
        loop {
            let version = timestamp(moment);
            let begins = |text: String| text.replace('-', "").starts_with(&version);
            let taken = self
                .folder
                .migrations
                .iter()
                .any(|migration| begins(migration.version.to_string()));
            if !taken {
                return version;
            }
            moment += time::Duration::SECOND;
        }
    }

    /// One more than the greatest number that the folder's versions begin with.
    pub(crate) fn next_number(&self) -> u64 {
        let number = |migration: &Migration| {
            let version = migration.version.to_string();
            leading_digits(&version).and_then(|(digits, _)| digits.parse().ok()).unwrap_or(0)
        };
        self.folder.migrations.iter().map(number).max().unwrap_or(0) + 1
    }

    /// The number of a new migration, in the style of the existing ones: the next number with as
    /// many digits, or the current time in the same unit. It is greater than all of them.
    pub(crate) fn free_number(&self) -> String {
        let Some((newest, width)) = self.newest_number() else { return self.free_timestamp() };
        if self.counts() {
            return format!("{:0width$}", self.next_number());
        }
        let now = match width {
            10 if newest < LEAST_DAY => self.now.unix_timestamp().into(),
            13 => self.milliseconds(),
            17 => {
                format!("{}{:03}", timestamp(self.now), self.now.millisecond()).parse().unwrap_or(0)
            }
            19 => self.now.unix_timestamp_nanos(),
            _ => return self.free_timestamp(),
        };
        now.max(i128::from(newest) + 1).to_string()
    }

    /// Milliseconds since 1970.
    pub(crate) fn milliseconds(&self) -> i128 {
        self.now.unix_timestamp_nanos() / 1_000_000
    }

    /// Whether the folder counts its migrations instead of dating them. A zero with many digits
    /// precedes dates, as in diesel's setup migration.
    pub(crate) fn counts(&self) -> bool {
        self.newest_number()
            .is_some_and(|(number, width)| number < LEAST_DATE && (number > 0 || width < DATE))
    }

    /// The greatest number that the name of a file or a folder begins with, and how many digits it
    /// has there.
    fn newest_number(&self) -> Option<(u64, usize)> {
        let digits = |migration: &Migration| {
            let path = &migration.up.path;
            let names = [file_name(path), folder_name(path)];
            let numbered = names.map(|name| name.trim_start_matches('V'));
            let digits = numbered.into_iter().find_map(number_in)?;
            Some((digits.parse::<u64>().unwrap_or(u64::MAX), digits.len()))
        };
        self.folder.migrations.iter().filter_map(digits).max()
    }
}

/// How many digits a date has at least.
const DATE: usize = 8;
/// The smallest number with as many digits, if it does not begin with zeros.
const LEAST_DATE: u64 = 10_000_000;
/// The smallest number of ten digits that is a day and two further digits. A smaller one is seconds
/// since 1970.
const LEAST_DAY: u64 = 1_970_010_100;

/// What a new up file begins with.
pub(crate) const UP: &str = "-- Add the migration here.\n";

/// What a new down file begins with.
pub(crate) const DOWN: &str = "-- Add the statements that revert the migration here.\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{Checksum, Recorded, ScriptFile, Version};

    fn folder(paths: &[&str]) -> MigrationFolder {
        let migration = |path: &&str| Migration {
            version: number_in(path).map(Version::Text).unwrap(),
            name: "x".to_owned(),
            up: ScriptFile {
                path: path.into(),
                checksum: Checksum::of_digest(&[]),
                transactional: true,
                has_own_blocks: false,
                part: None,
                is_code: false,
            },
            down: None,
            recorded: Recorded::Digest,
            detail: String::new(),
        };
        MigrationFolder {
            migrations: paths.iter().map(migration).collect(),
            ..MigrationFolder::default()
        }
    }

    #[test]
    fn a_new_number_is_like_those_that_are_there() {
        let now = OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        let next = |paths: &[&str]| {
            let folder = folder(paths);
            NewMigration { name: "x", now, reversible: true, folder: &folder }.free_number()
        };
        assert_eq!(next(&["0001_a.sql", "0002_b.sql"]), "0003");
        assert_eq!(next(&["9_a.sql"]), "10");
        // `migrate create -seq -digits 8` of golang-migrate.
        assert_eq!(next(&["00000001_a.up.sql"]), "00000002");
        assert_eq!(next(&["0_a.sql"]), "1");
        // A date is not counted up.
        assert_eq!(next(&["20251231_a.sql"]), "20251231235959");
        assert_eq!(next(&["0001_a.sql", "20251231000000_b.sql"]), "20251231235959");
        assert_eq!(next(&["00000000000000_setup/up.sql"]), "20251231235959");
        assert_eq!(next(&[]), "20251231235959");
        // The dashes of diesel are part of a date.
        assert_eq!(next(&["2025-01-31-000000_posts/up.sql"]), "20251231235959");
        assert_eq!(next(&["2030-01-31-000000-0000_posts/up.sql"]), "20300131000001");
        assert_eq!(next(&["12-3_x.sql"]), "13");
        // Seconds, milliseconds and nanoseconds since 1970, and a moment with milliseconds.
        assert_eq!(next(&["1700000000_a.up.sql"]), "1767225599");
        assert_eq!(next(&["1700000000000_a.sql"]), "1767225599000");
        assert_eq!(next(&["1700000000000000000_a.up.sql"]), "1767225599000000000");
        assert_eq!(next(&["20250101000000000_a.sql"]), "20251231235959000");
        assert_eq!(next(&["2025010101_a.sql"]), "20251231235959");
        assert_eq!(next(&["1800000000000_a.sql"]), "1800000000001");
    }

    #[test]
    fn never_two_of_the_same_second() {
        let now = OffsetDateTime::from_unix_timestamp(1_767_225_599).unwrap();
        let free = |folder: &MigrationFolder| {
            NewMigration { name: "x", now, reversible: true, folder }.free_timestamp()
        };
        let taken = folder(&["20251231235959_x.sql"]);
        assert_eq!(free(&MigrationFolder::default()), "20251231235959");
        assert_eq!(free(&taken), "20260101000000");
    }

    #[test]
    fn digits_are_a_moment() {
        assert_eq!(milliseconds("19700101000001"), Some(1000));
        assert_eq!(milliseconds("20261301000000"), None);
    }
}
