//! Sequences, on their own and behind identity columns.

use pg_sql::quote::name as quoted;

use crate::catalog::{Definition, Sequence};
use crate::ddl;
use crate::diff::compare::{Pair, Side};
use crate::diff::edit::{Edit, Verdict};
use crate::diff::words;

pub(super) fn verdict(pair: &Pair<'_>) -> Verdict {
    let (Definition::Sequence(old), Definition::Sequence(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let name = pair.sql();
    let mut statements = Vec::new();
    let clauses = clauses(old, new);
    if !clauses.is_empty() {
        statements.extend(within(&name, old, new));
        statements.push(format!("ALTER SEQUENCE {name} {}", clauses.join(" ")));
    }
    if old.is_unlogged != new.is_unlogged {
        let word = if new.is_unlogged { "UNLOGGED" } else { "LOGGED" };
        statements.push(format!("ALTER SEQUENCE {name} SET {word}"));
    }
    let column = |side: &Side<'_>, sequence: &Sequence| owned_by(side, sequence);
    if column(pair.before(), old).is_some() && column(pair.after(), new).is_none() {
        statements.push(format!("ALTER SEQUENCE {name} OWNED BY NONE"));
    }
    if statements.is_empty() {
        return Verdict::same();
    }
    let found = format!("{} changes", words::of(&pair.now().identity));
    Verdict::Alter(vec![Edit::of(found, statements)])
}

/// The column that owns a sequence, as SQL.
pub(super) fn owned_by(side: &Side<'_>, sequence: &Sequence) -> Option<String> {
    let owned = sequence.owned_by.as_ref()?;
    let table = side.catalog.place(crate::catalog::class::CLASS, owned.table)?;
    let (_, column) = side.column(table, owned.column)?;
    Some(format!("{}.{}", side.object(table).identity.sql(), quoted(&column.name)))
}

/// The clauses of `ALTER SEQUENCE`, also for the sequence of an identity column.
pub(super) fn clauses(old: &Sequence, new: &Sequence) -> Vec<String> {
    let mut found = Vec::new();
    if old.data_type != new.data_type {
        found.push(format!("AS {}", new.data_type));
    }
    let (was, is) = (ddl::sequence_clauses(old), ddl::sequence_clauses(new));
    let is_cycle = |clause: &&String| *clause == "CYCLE";
    let is_new = |clause: &&String| old.data_type != new.data_type || !was.contains(clause);
    found.extend(is.iter().filter(is_new).filter(|clause| !is_cycle(clause)).cloned());
    if old.cycles != new.cycles {
        found.push(if new.cycles { "CYCLE" } else { "NO CYCLE" }.to_owned());
    }
    // The bounds do not overlap, so that the current value is outside the new ones.
    if new.minimum > old.maximum || new.maximum < old.minimum {
        found.push("RESTART".to_owned());
    }
    found
}

/// Lets a sequence continue after the largest value of its column.
pub(super) fn set_beyond(sequence: &str, table: &str, column: &str) -> String {
    let name = pg_sql::quote::quote_literal(sequence);
    format!("SELECT pg_catalog.setval({name}, max({column})) FROM {table} HAVING max({column}) > 0")
}

/// Moves the value of a sequence within its bounds before they become narrower.
pub(super) fn within(sequence: &str, old: &Sequence, new: &Sequence) -> Option<String> {
    let is_narrower = new.minimum > old.minimum || new.maximum < old.maximum;
    let (least, most) = (new.minimum.max(old.minimum), new.maximum.min(old.maximum));
    (is_narrower && least <= most).then(|| {
        let name = pg_sql::quote::quote_literal(sequence);
        let value = format!("least(greatest(last_value, {least}), {most})");
        let was_called = format!("is_called AND last_value BETWEEN {least} AND {most}");
        format!("SELECT pg_catalog.setval({name}, {value}, {was_called}) FROM {sequence}")
    })
}
