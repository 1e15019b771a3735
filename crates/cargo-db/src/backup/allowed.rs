//! Which statements of a dump may run, and how one that may not is named.

use pg_sql::script::Statement;

/// As many characters of a refused statement as say what it is.
const SHOWN: usize = 60;

/// Which statements of a text are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Those that `pg_dump` writes.
    OfDumps,
    /// All, because somebody consented to that, or because `pg_dump` itself writes them to us.
    Any,
}

/// The beginning of a statement, on one line.
pub(crate) fn beginning(statement: &Statement) -> String {
    let mut words = statement.text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(SHOWN) {
        words.truncate(end);
        words.push_str(" ...");
    }
    words
}
