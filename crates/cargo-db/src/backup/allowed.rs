//! Which statements of a dump may run and which of them are wanted, and how one that may not is
//! named.

use pg_sql::left_out::LeftOut;
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

/// What of a text is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoadFilter {
    pub(crate) allowed: Allowed,
    pub(crate) left_out: LeftOut,
    /// Whether a file that does not say that it is complete is taken for what it is.
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
