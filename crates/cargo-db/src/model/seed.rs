//! Files that fill a database, and how they are chosen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::model::environment::Environment;
use crate::model::migration::Checksum;
use pg_sql::lexer::words;
use pg_sql::name::qualified_name;
use pg_sql::script::Statement;

/// What a seed file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SeedKind {
    /// Statements, run unchanged.
    Sql,
    /// Rows for one table; the first line names the columns.
    Csv {
        /// The table, as the file's name gives it.
        table: String,
    },
}

/// One file of the seeds folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seed {
    /// Relative to the seeds folder, with `/` on every system: a database remembers it so.
    pub(crate) path: String,
    /// Where to read it.
    pub(crate) file: PathBuf,
    pub(crate) kind: SeedKind,
    /// SHA-256 of its bytes.
    pub(crate) checksum: Checksum,
    /// The tables that it fills, as far as its text shows.
    pub(crate) tables: BTreeSet<String>,
}

/// A seed that the database remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) path: String,
    pub(crate) checksum: Checksum,
    /// The tables it was seen to fill.
    pub(crate) tables: BTreeSet<String>,
}

impl Seed {
    /// Its folder below the seeds folder: its group, or the one environment that it is for.
    pub(crate) fn folder(&self) -> Option<&str> {
        self.path.split_once('/').map(|(folder, _)| folder)
    }

    /// The only environment that it is for, if any.
    pub(crate) fn only_for(&self) -> Option<Environment> {
        [Environment::Test, Environment::Development, Environment::Staging, Environment::Production]
            .into_iter()
            .find(|environment| self.folder() == Some(environment.name()))
    }

    /// Whether it is loaded in `environment`: staging and production only load seeds in the folder
    /// of that name.
    pub(crate) fn belongs_in(&self, environment: Environment) -> bool {
        match self.only_for() {
            Some(only) => only == environment,
            None => environment.is_disposable(),
        }
    }

    /// Whether `name` means this seed: its folder, its path, or its file name, with or without
    /// number and ending.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let path = Path::new(&self.path);
        let file = path.file_name().and_then(|file| file.to_str());
        let unnumbered = stem(path);
        let numbered = path.file_stem().and_then(|stem| stem.to_str());
        self.path == name || [self.folder(), file, unnumbered, numbered].contains(&Some(name))
    }
}

/// The kind of a seed by its file name; `None` for other files.
pub(crate) fn kind(path: &Path) -> Option<SeedKind> {
    match path.extension()?.to_str()? {
        "sql" => Some(SeedKind::Sql),
        "csv" => Some(SeedKind::Csv { table: stem(path)?.to_owned() }),
        _ => None,
    }
}

/// `03_users.csv` is for `users`: leading digits and a `_` only set the order.
fn stem(path: &Path) -> Option<&str> {
    let stem = path.file_stem()?.to_str()?;
    let name = stem.trim_start_matches(|c: char| c.is_ascii_digit());
    match name.strip_prefix('_') {
        Some(name) if !name.is_empty() => Some(name),
        _ => Some(stem),
    }
}

/// The tables that statements insert into, as far as their text shows.
pub(crate) fn filled_tables(statements: &[Statement]) -> BTreeSet<String> {
    statements.iter().flat_map(|statement| inserts(&words(&statement.text))).collect()
}

fn inserts(words: &[String]) -> Vec<String> {
    let after_into =
        words.windows(2).enumerate().filter(|(_, pair)| pair[0] == "insert" && pair[1] == "into");
    let mut tables: Vec<String> =
        after_into.filter_map(|(at, _)| qualified_name(&words[at + 2..])).collect();
    if words.first().is_some_and(|word| word == "copy") {
        tables.extend(qualified_name(&words[1..]));
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg_sql::script::statements;

    fn seed(path: &str) -> Seed {
        Seed {
            path: path.into(),
            file: path.into(),
            kind: SeedKind::Sql,
            checksum: Checksum::stored(""),
            tables: BTreeSet::new(),
        }
    }

    #[test]
    fn folders_are_groups_or_environments() {
        assert!(seed("02_users.sql").is_called("users"));
        assert!(seed("users/a.sql").is_called("users"));
        assert!(
            seed("shop/02_users.sql").is_called("shop/02_users.sql")
                && seed("02_users.sql").is_called("02_users")
        );
        assert_eq!(seed("staging/a.sql").only_for(), Some(Environment::Staging));
        assert!(!seed("staging/a.sql").belongs_in(Environment::Development));
        assert!(!seed("a.sql").belongs_in(Environment::Production));
        assert!(seed("a.sql").belongs_in(Environment::Test));
    }

    #[test]
    fn a_csv_names_its_table() {
        assert_eq!(
            kind(Path::new("x/01_users.csv")),
            Some(SeedKind::Csv { table: "users".into() })
        );
        assert_eq!(kind(Path::new("2024.csv")), Some(SeedKind::Csv { table: "2024".into() }));
        assert_eq!(kind(Path::new("README.md")), None);
    }

    #[test]
    fn inserted_tables_are_seen_also_behind_with() {
        let text =
            "INSERT INTO a VALUES (1); WITH x AS (SELECT 1) INSERT INTO s.\"B\" SELECT * FROM x;";
        let tables = filled_tables(&statements(text.as_bytes()).unwrap());
        assert_eq!(tables.into_iter().collect::<Vec<_>>(), ["a", "s.B"]);
    }
}
