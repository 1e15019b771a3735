//! What the statements of a file drop, empty or overwrite, as far as their text shows.

use crate::world::pg::Session;
use pg_sql::lexer::words;
use pg_sql::name::{TableName, quote_dotted};
use pg_sql::quote::{quote_identifier, quote_literal};
use pg_sql::script::ScriptReader;

/// Functions of PostgreSQL that delete nothing, types, and keywords that a parenthesis may follow.
const HARMLESS: &[&str] = &[
    "abs",
    "all",
    "and",
    "any",
    "array",
    "array_agg",
    "as",
    "avg",
    "between",
    "btrim",
    "by",
    "case",
    "cast",
    "ceil",
    "char",
    "character",
    "clock_timestamp",
    "coalesce",
    "concat",
    "conflict",
    "count",
    "cube",
    "current_setting",
    "currval",
    "date_trunc",
    "decimal",
    "distinct",
    "else",
    "except",
    "exists",
    "extract",
    "filter",
    "floor",
    "format",
    "from",
    "gen_random_uuid",
    "generate_series",
    "greatest",
    "group",
    "having",
    "in",
    "initcap",
    "insert",
    "intersect",
    "interval",
    "json_build_object",
    "jsonb_array_elements",
    "jsonb_build_array",
    "jsonb_build_object",
    "jsonb_set",
    "lastval",
    "lateral",
    "least",
    "left",
    "length",
    "like",
    "limit",
    "lower",
    "ltrim",
    "make_interval",
    "materialized",
    "max",
    "md5",
    "min",
    "mod",
    "nextval",
    "not",
    "now",
    "nullif",
    "numeric",
    "offset",
    "on",
    "or",
    "over",
    "pg_advisory_lock",
    "pg_advisory_unlock",
    "pg_advisory_xact_lock",
    "pg_get_serial_sequence",
    "pg_notify",
    "pg_sleep",
    "position",
    "random",
    "regexp_replace",
    "replace",
    "returning",
    "right",
    "rollup",
    "round",
    "row",
    "row_number",
    "rtrim",
    "select",
    "set",
    "set_config",
    "sets",
    "setval",
    "some",
    "split_part",
    "string_agg",
    "substring",
    "sum",
    "then",
    "time",
    "timestamp",
    "timestamptz",
    "to_char",
    "to_date",
    "to_jsonb",
    "to_number",
    "to_regclass",
    "to_regprocedure",
    "to_timestamp",
    "trim",
    "union",
    "unnest",
    "upper",
    "using",
    "values",
    "varchar",
    "varying",
    "version",
    "when",
    "where",
    "within",
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
            Some(column) => format!("{}.{}", self.table, quote_dotted(column)),
            None => self.table.to_string(),
        }
    }

    /// An SQL expression that looks up the table; `None` if the text does not show which table it
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
pub(super) struct FileLosses {
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
pub(super) fn lost_by(bytes: &[u8]) -> FileLosses {
    let mut lost = FileLosses::default();
    each_statement(bytes, |words, line, path| {
        let named = [dropped_in(words), deleted_in(words), overwritten_in(words)].concat();
        lost.objects.extend(objects(named, line, path));
        if may_delete_more(words) {
            lost.reaching.push(line);
        }
    });
    lost
}

type NamedColumn = (TableName, Option<String>);

fn objects(named: Vec<NamedColumn>, line: usize, path: &Path) -> impl Iterator<Item = LostObject> {
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
fn may_delete_more(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    matches!(first, "do" | "call" | "execute")
        || words.last().is_some_and(|word| word == "cascade")
            && matches!(first, "drop" | "truncate" | "alter")
        || words.windows(2).any(|pair| pair[0] == "rename" && pair[1] == "to")
        || words.starts_with(&["drop".to_owned(), "owned".to_owned()])
        || calls_something(evaluated(words))
}

/// The part of a statement whose functions are called when it runs, and not later.
fn evaluated(words: &[String]) -> &[String] {
    let is_query = |word: &String| matches!(word.as_str(), "select" | "with" | "values");
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["select" | "with" | "values" | "explain" | "(", ..]
        | ["insert" | "update" | "delete" | "merge", ..]
        | ["copy", "(", ..] => words,
        ["create", kind @ ..] if kind.iter().take(3).any(|word| OF_QUERY.contains(word)) => {
            let begins = |at: &usize| {
                words[*at] == "as"
                    && words[at + 1..].iter().find(|word| *word != "(").is_some_and(is_query)
            };
            let query = (0..words.len()).find(begins);
            query.map_or(&[], |at| &words[at + 1..])
        }
        _ => &[],
    }
}

/// What may be created from the rows of a query.
const OF_QUERY: [&str; 2] = ["table", "materialized"];

/// Whether it calls a function that is not known to be harmless.
fn calls_something(words: &[String]) -> bool {
    let is_name = |word: &str| word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (1..words.len()).any(|at| {
        words[at] == "("
            && is_name(&words[at - 1])
            && !is_harmless(&words[at.saturating_sub(4)..at])
    })
}

/// Whether the name at the end, before a parenthesis, is not a function, or is a harmless one.
fn is_harmless(words: &[String]) -> bool {
    // A list of columns follows the name of a table.
    let is_listed = |before: &[&str]| matches!(before, [.., "into" | "as" | "with" | "recursive"]);
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [before @ .., schema, ".", name] => {
            is_listed(before) || *schema == "pg_catalog" && HARMLESS.contains(name)
        }
        [before @ .., name] => is_listed(before) || HARMLESS.contains(name),
        [] => true,
    }
}

fn without_noise(words: &[String]) -> Vec<String> {
    let is_noise = |word: &str| matches!(word, "if" | "exists" | "only");
    words.iter().filter(|word| !is_noise(word)).cloned().collect()
}

/// What follows `DROP` in an `ALTER TABLE` that drops no column.
const KEEPS_COLUMNS: [&str; 5] = ["constraint", "default", "not", "identity", "expression"];

/// The tables and columns that a statement drops or empties.
fn dropped_in(words: &[String]) -> Vec<NamedColumn> {
    let words = without_noise(words);
    let names = |words: &[String]| -> Vec<NamedColumn> {
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
fn deleted_in(words: &[String]) -> Vec<NamedColumn> {
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
fn overwritten_in(words: &[String]) -> Vec<NamedColumn> {
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
        for calls in [
            "SELECT app.lower(a) FROM t",
            "INSERT INTO t SELECT purge()",
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = purge()",
            "INSERT INTO s.t AS x (a) VALUES (1) RETURNING purge(a)",
            "UPDATE t SET a = purge(b)",
            "DELETE FROM t WHERE purge(a)",
            "MERGE INTO t USING u ON purge() WHEN MATCHED THEN DO NOTHING",
            "CREATE TABLE t AS SELECT purge()",
            "CREATE TEMP TABLE t (a) AS (WITH x AS (SELECT 1) SELECT app.purge() FROM x)",
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM purge()",
            "COPY (SELECT purge()) TO STDOUT",
            "(SELECT purge())",
        ] {
            assert_eq!(reaching(calls), [1], "{calls}");
        }
        for calls_nothing in [
            "SELECT setval('s', (SELECT max(id) FROM t))",
            "SELECT pg_catalog.setval('s', 1)",
            "INSERT INTO s.t (a, b) VALUES (1, lower('B')), (2, 'c') ON CONFLICT (a) DO NOTHING",
            "INSERT INTO t AS x (a) SELECT x.b::numeric(10, 2) FROM generate_series(1, 2) AS g (b)",
            "UPDATE t SET (a, b) = (1, now()) WHERE a IN (SELECT 1)",
            "WITH x (a) AS (SELECT 1) DELETE FROM t USING x WHERE t.a = x.a",
            "MERGE INTO t USING u ON (t.a = u.a) WHEN NOT MATCHED THEN INSERT (a) VALUES (u.a)",
            "CREATE TABLE t (a text DEFAULT purge(), b int GENERATED ALWAYS AS (f(a)) STORED)",
            "CREATE VIEW v AS SELECT purge()",
            "CREATE FUNCTION f() RETURNS TABLE (a int) LANGUAGE sql AS 'SELECT purge()'",
            "COPY t (a) FROM STDIN;\n\\.\n",
        ] {
            assert_eq!(reaching(calls_nothing), Vec::<usize>::new(), "{calls_nothing}");
        }
    }
}
