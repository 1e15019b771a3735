//! What a statement drops or empties that existed before the first migration.

use crate::failure::Result;
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::capture::ask;
use crate::rehearse::measured::StatementLoss;
use crate::rehearse::snapshot::{CatalogSnapshot, Column, Oid, Relation};
use crate::world::pg::Session;

/// The tables and columns that the statement dropped, and the tables that it emptied.
pub(super) fn dropped_or_emptied(
    session: &mut Session,
    baseline: &InitialTables,
    before: &CatalogSnapshot,
    after: &CatalogSnapshot,
) -> Result<Vec<StatementLoss>> {
    let mut dropped = Vec::new();
    for oid in after.touched() {
        let Some(relation) = before.relations.get(&oid) else { continue };
        let Some(table) = baseline.any_table(oid) else { continue };
        let countable = if baseline.holds_rows { relation.countable } else { table.countable };
        let rows = (countable || relation.is_empty).then_some(table.rows);
        let was = baseline.relations.get(&oid).map(|relation| relation.name.clone());
        let lost = |how, column: Option<(&Column, &String)>| {
            let named = column.map(|(number, _)| baseline.columns.get(number).cloned());
            // A column that these migrations added holds no values in the database itself.
            let was = match named {
                None => was.clone().map(|table| (table, None)),
                Some(None) => None,
                Some(Some(column)) => was.clone().map(|table| (table, Some(column))),
            };
            let column = column.map(|(_, name)| name.clone());
            StatementLoss {
                how,
                table: relation.name.clone(),
                column,
                rows,
                is_empty: relation.is_empty,
                was,
            }
        };
        match after.relations.get(&oid) {
            None => dropped.push(lost("table dropped", None)),
            Some(now)
                if baseline.holds_rows
                    && now.file != relation.file
                    && is_empty(session, oid, now)? =>
            {
                dropped.push(lost("table emptied", None));
            }
            Some(_) => {
                let columns = before.columns.range((oid, i16::MIN)..=(oid, i16::MAX));
                let gone = columns.filter(|(column, _)| !after.columns.contains_key(*column));
                dropped.extend(
                    gone.map(|(number, (name, _))| lost("column dropped", Some((number, name)))),
                );
            }
        }
    }
    Ok(dropped)
}

/// Counts the rows or values that would be lost.
pub(super) fn count(
    session: &mut Session,
    dropped: Vec<StatementLoss>,
) -> Result<Vec<StatementLoss>> {
    let mut counted = Vec::new();
    for lost in dropped {
        let rows = match lost.rows {
            Some(_) if lost.is_empty => Some(0),
            Some(_) => Some(session.number("count what would be lost", &lost.query())?),
            None => None,
        };
        counted.push(StatementLoss { rows, ..lost });
    }
    Ok(counted)
}

/// Whether a table has no rows, as far as that can be determined.
pub(super) fn is_empty(session: &mut Session, oid: Oid, table: &Relation) -> Result<bool> {
    if table.is_empty {
        return Ok(true);
    }
    let sql = if table.countable {
        format!("SELECT 1 FROM {} LIMIT 1", table.name)
    } else {
        format!("SELECT 1 WHERE pg_catalog.pg_relation_size({oid}) > 0")
    };
    // A materialized view that was never filled cannot be read.
    Ok(ask(session, &sql)?.is_some_and(|rows| rows.is_empty()))
}
