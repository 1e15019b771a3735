//! Files that hold both directions, divided by comments; and what a file asks of the
//! transaction that it runs in.

use std::ops::Range;

use pg_sql::script::statements;

/// A comment that begins a part of a file.
pub(crate) struct Marker<'a> {
    /// The whole line, without white space around it.
    pub(crate) line: &'a str,
    /// The byte where the line begins.
    pub(crate) start: usize,
    /// The byte after it.
    end: usize,
}

/// The first line that `is_marker` knows, from a byte on.
pub(crate) fn find<'a>(
    text: &'a str,
    from: usize,
    is_marker: impl Fn(&str) -> bool,
) -> Option<Marker<'a>> {
    let mut start = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        if line.trim_start().starts_with("--") && is_marker(line.trim()) {
            return Some(Marker { line: line.trim(), start, end: start + line.len() });
        }
        start += line.len();
    }
    None
}

/// The two parts of a file.
pub(crate) struct Parts<'a> {
    pub(crate) up: Option<(Marker<'a>, Range<usize>)>,
    pub(crate) down: Option<(Marker<'a>, Range<usize>)>,
}

/// Divides a file at its two markers, whichever comes first.
pub(crate) fn parts<'a>(
    text: &'a str,
    is_up: impl Fn(&str) -> bool,
    is_down: impl Fn(&str) -> bool,
) -> Parts<'a> {
    let (up, down) = (find(text, 0, is_up), find(text, 0, is_down));
    let until = |from: usize, other: &Option<Marker<'_>>| {
        other
            .as_ref()
            .map(|marker| marker.start)
            .filter(|&start| start >= from)
            .unwrap_or(text.len())
    };
    let range =
        |marker: &Marker<'_>, other: &Option<Marker<'_>>| marker.end..until(marker.end, other);
    let up_range = up.as_ref().map(|marker| range(marker, &down));
    let down_range = down.as_ref().map(|marker| range(marker, &up));
    Parts { up: up.zip(up_range), down: down.zip(down_range) }
}

/// Whether PostgreSQL refuses every statement of a file inside a transaction.
pub(crate) fn all_stand_alone(bytes: &[u8]) -> bool {
    mentions_one(&String::from_utf8_lossy(bytes))
        && statements(bytes)
            .is_ok_and(|all| !all.is_empty() && all.iter().all(|one| mentions_one(&one.text)))
}

fn mentions_one(text: &str) -> bool {
    const OUTSIDE: [&str; 6] = [
        "concurrently",
        "vacuum",
        "alter system",
        "create database",
        "drop database",
        "tablespace",
    ];
    let text = text.to_ascii_lowercase();
    OUTSIDE.iter().any(|word| text.contains(word))
}

/// Whether a file is one statement that PostgreSQL refuses inside a transaction. Tools that send a
/// file in one message without BEGIN run such a file, and only such a file, outside one.
pub(crate) fn stands_alone(bytes: &[u8]) -> bool {
    mentions_one(&String::from_utf8_lossy(bytes))
        && statements(bytes).is_ok_and(|statements| statements.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_divided_at_its_markers() {
        let text = "-- head\n-- up\nSELECT 1;\n-- down\nSELECT 2;\n";
        let parts = parts(text, |line| line == "-- up", |line| line == "-- down");
        assert_eq!(&text[parts.up.unwrap().1], "SELECT 1;\n");
        assert_eq!(&text[parts.down.unwrap().1], "SELECT 2;\n");
    }

    #[test]
    fn only_one_statement_stands_alone() {
        assert!(stands_alone(b"-- x\nCREATE INDEX CONCURRENTLY i ON t (a);"));
        assert!(!stands_alone(b"CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1"));
        assert!(!stands_alone(b"CREATE INDEX i ON t (a)"));
    }
}
