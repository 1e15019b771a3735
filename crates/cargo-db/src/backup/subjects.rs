//! The subject of a statement of a dump.

/// The positions, among the [words](pg_sql::lexer::words) of a statement, of the names of relations
/// that it may define, change or depend on. The first that is a known relation is the subject; a
/// name after `REFERENCES` is not.
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
