//! Which statements of a dump may run and are wanted, and the error for one that may not run.

use pg_sql::left_out::LeftOut;
use pg_sql::script::Statement;

/// The number of characters that are shown of a refused statement.
const SHOWN: usize = 60;

/// Which statements of a text are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Those that `pg_dump` writes.
    OfDumps,
    /// All statements, because somebody consented to that, or because our own `pg_dump` writes
    /// them.
    Any,
}

/// What of a text is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoadFilter {
    pub(crate) allowed: Allowed,
    pub(crate) left_out: LeftOut,
    /// Whether a file without the closing comment of `pg_dump` is accepted.
    pub(crate) accepts_incomplete: bool,
}

impl LoadFilter {
    /// All of a dump.
    pub(crate) const DUMP: LoadFilter = LoadFilter::all(Allowed::OfDumps);

    /// All of a text, if these statements may run.
    pub(crate) const fn all(allowed: Allowed) -> LoadFilter {
        let left_out =
            LeftOut { owners: false, privileges: false, tablespaces: false, extensions: false };
        LoadFilter { allowed, left_out, accepts_incomplete: false }
    }

    /// The flags of `pg_restore` that leave the same out.
    pub(super) fn flags(&self) -> Vec<String> {
        let LeftOut { owners, privileges, tablespaces, .. } = self.left_out;
        let flags = [
            (owners, "--no-owner"),
            (privileges, "--no-privileges"),
            (tablespaces, "--no-tablespaces"),
        ];
        flags.into_iter().filter(|(asked, _)| *asked).map(|(_, flag)| flag.to_owned()).collect()
    }
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
