//! What a statement of a dump is about.

/// Where the names stand, among the [words](pg_sql::lexer::words) of a statement, of the relations
/// that it may define, change or stand on. The first of them that is one decides: what follows
/// `REFERENCES` is somebody else.
pub(super) fn subjects(words: &[String]) -> impl Iterator<Item = usize> {
    let second = words.get(1).map_or("", String::as_str);
    let is_other = words.first().is_some_and(|first| first == "create")
        && matches!(
            second,
            "view" | "materialized" | "function" | "procedure" | "or" | "aggregate"
        );
    let leads = move |word: &str| match word {
        "table" | "only" | "sequence" | "column" | "on" | "index" | "partition" => true,
        "from" => second == "statistics",
        "to" => second == "rule",
        _ => false,
    };
    let leading = words.iter().enumerate().filter(move |(_, word)| leads(word));
    leading.map(|(at, _)| at + 1).filter(move |_| !is_other)
}
