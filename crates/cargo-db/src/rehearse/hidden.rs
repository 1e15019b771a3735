//! Tables of which the role does not see all rows, and whose rows a statement changed or tried to
//! change: it is unknown which rows it skipped.

use crate::rehearse::baseline::InitialTables;
use crate::rehearse::measured::{Measured, may_change_rows};
use crate::rehearse::snapshot::{CatalogSnapshot, LockMode};
use pg_sql::lexer::words;

/// Notes the tables that a statement may have changed in part.
pub(super) fn note_hidden(
    measured: &mut Measured,
    baseline: &InitialTables,
    before: &CatalogSnapshot,
    after: &CatalogSnapshot,
) {
    let words = words(&measured.text);
    if !baseline.holds_rows || !words.first().is_some_and(|first| may_change_rows(first)) {
        return;
    }
    for (&oid, mode) in &after.locks {
        let hidden = before.hidden(oid).filter(|_| baseline.table(oid).is_some());
        let Some(relation) = hidden else { continue };
        let counts = after.counts_since(before, oid);
        let bare = relation.name.rsplit('.').next().unwrap_or_default().trim_matches('"');
        let is_new = before.locks.get(&oid).is_none_or(|held| held < mode);
        let meant = is_new || words.iter().any(|word| word == bare);
        let only_adds = counts.inserted > 0 && counts.updated + counts.deleted == 0;
        let known = measured.hidden.iter().any(|object| object.starts_with(&relation.name));
        if *mode >= LockMode::RowExclusive && meant && !only_adds && !known {
            measured.hidden.push(relation.name.clone());
        }
    }
}
