//! Which tables hold a row. What the server estimates does not tell: a table that was never
//! analysed counts as empty, and so does one that was filled since.

use std::collections::BTreeSet;

use crate::failure::Result;
use crate::rehearse::snapshot::{CatalogSnapshot, Oid, Relation};
use crate::world::pg::Session;
use pg_sql::quote::quote_literal;

/// The number of tables that one query covers.
const AT_ONCE: usize = 200;

/// The tables with rows, as far as the role can see all of their rows.
pub(super) fn filled(session: &mut Session, snapshot: &CatalogSnapshot) -> Result<BTreeSet<Oid>> {
    let seen = |(_, table): &(&Oid, &Relation)| matches!(table.kind, 'r' | 'p') && table.countable;
    let tables: Vec<(&Oid, &Relation)> = snapshot.relations.iter().filter(seen).collect();
    let mut filled = BTreeSet::new();
    for some in tables.chunks(AT_ONCE) {
        let one = |(oid, table): &(&Oid, &Relation)| {
            format!("SELECT {oid} AS oid WHERE EXISTS (SELECT 1 FROM {})", table.name)
        };
        let sql = some.iter().map(one).collect::<Vec<_>>().join(" UNION ALL ");
        for row in session.rows("find tables with rows", &sql)? {
            filled.insert(row.number("oid")?);
        }
    }
    Ok(filled)
}

/// Those of these tables that hold a row, or may hold one that our role cannot see.
pub(super) fn possibly_filled(session: &mut Session, names: &[&str]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names {
        // The name may come from a receipt of another machine; the server resolves it.
        let question = format!("SELECT pg_catalog.to_regclass({})", quote_literal(name));
        let Some(table) = session.value("find the table", &question)? else { continue };
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        if !matches!(session.value("read a row", &sql), Ok(None)) {
            found.push((*name).to_owned());
        }
    }
    Ok(found)
}
