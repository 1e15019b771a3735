//! What the statements of a file drop, empty or overwrite, as far as their text shows.

use crate::world::pg::Session;
use pg_sql::lexer::words;
use pg_sql::name::{TableName, said};
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::ScriptReader;

/// Functions that delete nothing, and keywords that a parenthesis may follow.
const HARMLESS: &[&str] = &[
    "all",
    "and",
    "any",
    "array",
    "array_agg",
    "as",
    "avg",
    "by",
    "case",
    "cast",
    "coalesce",
    "concat",
    "count",
    "current_setting",
    "currval",
    "distinct",
    "else",
    "exists",
    "extract",
    "filter",
    "format",
    "from",
    "generate_series",
    "greatest",
    "in",
    "lastval",
    "least",
    "length",
    "lower",
    "materialized",
    "max",
    "min",
    "nextval",
    "not",
    "now",
    "nullif",
    "on",
    "or",
    "over",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_get_serial_sequence",
    "pg_notify",
    "pg_sleep",
    "random",
    "row",
    "select",
    "set_config",
    "setval",
    "some",
    "string_agg",
    "sum",
    "then",
    "to_regclass",
    "to_regprocedure",
    "upper",
    "using",
    "values",
    "version",
    "when",
    "where",
];

/// How names without a schema resolve at one point in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Path {
    /// As in a new session.
    Kept,
    /// In these schemas.
    Set(Vec<String>),
    /// The text does not tell.
    Unknown,
}

impl Path {
    /// Updates the path after a statement that may change it.
    fn follow(&mut self, text: &str, words: &[String]) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let set = match words.as_slice() {
            ["set", "local" | "session", rest @ ..] | ["set", rest @ ..] => rest,
            ["reset", "search_path" | "all"] | ["discard", "all"] => {
                *self = Path::Kept;
                return;
            }
            // A path that was set in the transaction may end with it.
            ["commit" | "end" | "rollback" | "abort", ..] if *self != Path::Kept => {
                *self = Path::Unknown;
                return;
            }
            _ if words.contains(&"set_config") && text.to_lowercase().contains("search_path") => {
                *self = Path::Unknown;
                return;
            }
            _ => return,
        };
        match set {
            ["search_path", "=" | "to", "default"] => *self = Path::Kept,
            ["search_path", "=" | "to", schemas @ ..] => *self = Path::of(schemas),
            ["schema", ..] => *self = Path::Unknown,
            _ => {}
        }
    }

    /// The path that a list of schemas sets. Words do not include the contents of strings, so a
    /// schema in single quotes is unknown.
    fn of(list: &[&str]) -> Path {
        let schemas = list.split(|word| *word == ",").map(|schema| match schema {
            ["''" | "$user"] => None,
            [schema] => Some((*schema).to_owned()),
            _ => None,
        });
        schemas.collect::<Option<_>>().map_or(Path::Unknown, Path::Set)
    }
}

/// A table, or one column of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LostObject {
    pub(crate) table: TableName,
    pub(crate) column: Option<String>,
    /// The line of its statement.
    pub(super) line: usize,
    path: Path,
}

impl LostObject {
    /// The name as messages show it.
    pub(crate) fn name(&self) -> String {
        match &self.column {
            Some(column) => format!("{}.{}", self.table, said(column)),
            None => self.table.to_string(),
        }
    }

    /// An SQL expression that looks up the table; `None` if the text does not tell which table it
    /// is.
    pub(crate) fn lookup(&self, session: &Session) -> Option<String> {
        match (&self.table.schema, &self.path) {
            (None, Path::Unknown) => None,
            (None, Path::Set(schemas)) => {
                let table = quote_identifier(&self.table.table);
                let candidate = |schema: &String| {
                    let name = format!("{}.{table}", quote_identifier(schema));
                    format!("to_regclass({})", quote_literal(&name))
                };
                let found: Vec<String> = schemas.iter().map(candidate).collect();
                Some(format!("coalesce({}, NULL)", found.join(", ")))
            }
            _ => Some(session.table_named(&self.table.quoted())),
        }
    }
}

/// What a file drops, deletes or overwrites.
#[derive(Default)]
pub(super) struct Lost {
    pub(super) objects: Vec<LostObject>,
    /// The lines of statements that may delete more than they name.
    pub(super) reaching: Vec<usize>,
}

/// The tables and columns that a file drops or empties completely, as far as its text shows.
pub(crate) fn dropped_by(bytes: &[u8]) -> Vec<LostObject> {
    let mut dropped = Vec::new();
    each_statement(bytes, |words, line, path| {
        dropped.extend(objects(dropped_in(words), line, path));
    });
    dropped
}

/// Everything that a file loses: what it drops or empties, rows that it deletes, and values that it
/// overwrites.
pub(super) fn lost_by(bytes: &[u8]) -> Lost {
    let mut lost = Lost::default();
    each_statement(bytes, |words, line, path| {
        let named = [dropped_in(words), deleted_in(words), overwritten_in(words)].concat();
        lost.objects.extend(objects(named, line, path));
        if reaches_further(words) {
            lost.reaching.push(line);
        }
    });
    lost
}

type Named = (TableName, Option<String>);

fn objects(named: Vec<Named>, line: usize, path: &Path) -> impl Iterator<Item = LostObject> {
    let path = path.clone();
    let object = move |(table, column)| LostObject { table, column, line, path: path.clone() };
    named.into_iter().map(object)
}

/// Calls `look` for each statement. If the file cannot be split, this stops without an error: the
/// run refuses the file and gives the reason.
fn each_statement(bytes: &[u8], mut look: impl FnMut(&[String], usize, &Path)) {
    let mut reader = ScriptReader::new(Box::new(bytes));
    let mut path = Path::Kept;
    while let Ok(Some(statement)) = reader.next_statement() {
        let words = words(&statement.text);
        look(&words, statement.line, &path);
        path.follow(&statement.text, &words);
        if statement.reads_data() && reader.copy_data(&mut |_| Ok(())).is_err() {
            break;
        }
    }
}

/// Whether a statement may delete more than it names.
fn reaches_further(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    matches!(first, "do" | "call" | "execute")
        || words.last().is_some_and(|word| word == "cascade")
            && matches!(first, "drop" | "truncate" | "alter")
        || words.windows(2).any(|pair| pair[0] == "rename" && pair[1] == "to")
        || words.starts_with(&["drop".to_owned(), "owned".to_owned()])
        || matches!(first, "select" | "with" | "values" | "explain") && calls_something(words)
}

/// Whether it calls a function that is not known to be harmless.
fn calls_something(words: &[String]) -> bool {
    let is_name = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    words
        .windows(2)
        .any(|pair| pair[1] == "(" && is_name(&pair[0]) && !HARMLESS.contains(&pair[0].as_str()))
}

fn without_noise(words: &[String]) -> Vec<String> {
    let is_noise = |word: &str| matches!(word, "if" | "exists" | "only");
    words.iter().filter(|word| !is_noise(word)).cloned().collect()
}

/// What follows `DROP` in an `ALTER TABLE` that drops no column.
const KEEPS_COLUMNS: [&str; 5] = ["constraint", "default", "not", "identity", "expression"];

/// The tables and columns that a statement drops or empties.
fn dropped_in(words: &[String]) -> Vec<Named> {
    let words = without_noise(words);
    let names = |words: &[String]| -> Vec<Named> {
        let lists = words.split(|word| word == ",");
        lists.filter_map(TableName::at_the_beginning).map(|table| (table, None)).collect()
    };
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["drop" | "truncate", "table", ..] => names(&words[2..]),
        ["truncate", ..] => names(&words[1..]),
        ["alter", "table", ..] => {
            let Some(table) = TableName::at_the_beginning(&words[2..]) else { return Vec::new() };
            let rest = &words[2..];
            let actions = rest.iter().enumerate().filter(|(_, word)| *word == "drop");
            let columns =
                actions.filter_map(|(at, _)| match (rest.get(at + 1)?, rest.get(at + 2)) {
                    (first, column) if first == "column" => column.cloned(),
                    (first, _) if KEEPS_COLUMNS.contains(&first.as_str()) => None,
                    (column, _) => Some(column.clone()),
                });
            columns.map(|column| (table.clone(), Some(column))).collect()
        }
        _ => Vec::new(),
    }
}

/// The tables from which a statement deletes rows, in any part of it.
fn deleted_in(words: &[String]) -> Vec<Named> {
    if words.first().is_some_and(|first| matches!(first.as_str(), "create" | "alter" | "comment")) {
        return Vec::new();
    }
    let words = without_noise(words);
    let mut named = Vec::new();
    for (at, pair) in words.windows(2).enumerate() {
        let rest = &words[at + 2..];
        let deletes = match (pair[0].as_str(), pair[1].as_str()) {
            ("delete", "from") => true,
            ("merge", "into") => rest.iter().any(|word| word == "delete"),
            _ => false,
        };
        if deletes {
            named.extend(TableName::at_the_beginning(rest).map(|table| (table, None)));
        }
    }
    named
}

/// The columns whose type changes and whose new values are not computed from the old ones.
fn overwritten_in(words: &[String]) -> Vec<Named> {
    let words = without_noise(words);
    if !words.starts_with(&["alter".to_owned(), "table".to_owned()]) {
        return Vec::new();
    }
    let Some(table) = TableName::at_the_beginning(&words[2..]) else { return Vec::new() };
    let starts = words.iter().enumerate().skip(2).filter(|(_, word)| *word == "alter");
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([words.len()]);
    let actions = starts.iter().zip(ends).map(|(&start, end)| &words[start + 1..end]);
    let column = |action: &[String]| {
        let action = action.strip_prefix(&["column".to_owned()]).unwrap_or(action);
        let using = action.iter().position(|word| word == "using")?;
        let (name, changes) = (action.first()?, action[..using].contains(&"type".to_owned()));
        (changes && !action[using..].contains(name)).then(|| name.clone())
    };
    actions.filter_map(column).map(|column| (table.clone(), Some(column))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(file: &str) -> Vec<String> {
        lost_by(file.as_bytes()).objects.iter().map(LostObject::name).collect()
    }

    #[test]
    fn dropped_tables_and_columns_are_seen() {
        assert_eq!(lost("DROP TABLE IF EXISTS a, s.\"B c\" CASCADE"), ["a", "s.B c"]);
        assert_eq!(
            lost("ALTER TABLE ONLY s.t DROP COLUMN IF EXISTS x, DROP y, DROP CONSTRAINT z"),
            ["s.t.x", "s.t.y"]
        );
        assert_eq!(lost("ALTER TABLE t DROP y"), ["t.y"]);
        assert_eq!(lost("ALTER TABLE t DROP COLUMN x, DROP IF EXISTS y"), ["t.x", "t.y"]);
        assert_eq!(lost("ALTER TABLE t ALTER COLUMN a DROP NOT NULL"), Vec::<String>::new());
        assert_eq!(lost("ALTER TABLE t ALTER COLUMN a DROP DEFAULT"), Vec::<String>::new());
        assert_eq!(lost("TRUNCATE a, b"), ["a", "b"]);
        assert_eq!(lost("DELETE FROM a WHERE x = 1"), ["a"]);
        assert_eq!(lost("CREATE TABLE a (x int)"), Vec::<String>::new());
        assert_eq!(dropped_by(b"DELETE FROM a"), []);
    }

    #[test]
    fn rows_deleted_inside_and_values_overwritten_are_seen() {
        assert_eq!(lost("WITH d AS (DELETE FROM ONLY s.t RETURNING *) SELECT 1"), ["s.t"]);
        assert_eq!(lost("MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE"), ["t"]);
        assert_eq!(
            lost("ALTER TABLE t ALTER a TYPE int USING NULL, ALTER COLUMN b TYPE int USING b::int"),
            ["t.a"]
        );
    }

    #[test]
    fn the_search_path_is_followed() {
        let path = |file: &str| lost_by(file.as_bytes()).objects.remove(0).path;
        let set = |schemas: &[&str]| Path::Set(schemas.iter().map(ToString::to_string).collect());
        assert_eq!(path("DROP TABLE t"), Path::Kept);
        assert_eq!(path("SET LOCAL search_path TO a, \"B\"; DROP TABLE t"), set(&["a", "B"]));
        assert_eq!(path("SET search_path = 'a'; DROP TABLE t"), Path::Unknown);
        assert_eq!(path("SET search_path = a; RESET search_path; DROP TABLE t"), Path::Kept);
        assert_eq!(path("SET search_path = a; COMMIT; DROP TABLE t"), Path::Unknown);
        assert_eq!(
            path("SELECT set_config('search_path', 'a', true); DROP TABLE t"),
            Path::Unknown
        );
    }

    #[test]
    fn what_calls_a_function_may_reach_anything() {
        let reaching = |file: &str| lost_by(file.as_bytes()).reaching;
        assert_eq!(reaching("SELECT 1;\nSELECT lo_unlink(4);\nEXECUTE p"), [2, 3]);
        assert_eq!(reaching("SELECT setval('s', (SELECT max(id) FROM t))"), Vec::<usize>::new());
    }
}
