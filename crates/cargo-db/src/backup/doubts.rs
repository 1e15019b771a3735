//! Predicts, before a dump is loaded, what it may fail to restore. Only loading it can prove that:
//! `backups verify --level restore`.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::model::backup::Manifest;
use crate::model::event::Event;
use crate::world::World;
use crate::world::pg::{Row, Session};
use pg_logical::content::TableEntry;

/// What a restore of a backup may lose or fail at, and what it will lose.
pub(super) struct Doubts {
    /// Reasons why the backup may not be restorable.
    pub(super) doubts: Vec<String>,
    /// What every restore loses.
    pub(super) lost: Vec<String>,
}

/// Finds them for a backup with this selection, which contains these tables.
pub(super) fn doubts(
    session: &mut Session,
    selection: &[String],
    tables: &BTreeMap<String, TableEntry>,
) -> Result<Doubts> {
    let sql = include_str!("sql/doubts.sql");
    let mut doubts = session.column("find what no dump brings back", sql)?;
    let sql = include_str!("sql/lost.sql");
    let lost = session.column("find what no restore brings back", sql)?;
    if !selection.is_empty() {
        doubts.extend(risks_of_part(session, selection, tables)?);
    }
    Ok(Doubts { doubts, lost })
}

/// Objects that a part refers to but does not contain.
fn risks_of_part(
    session: &mut Session,
    selection: &[String],
    tables: &BTreeMap<String, TableEntry>,
) -> Result<Vec<String>> {
    let sql = include_str!("sql/doubts_of_part.sql");
    let [keys, columns] = session.sets("find what a part needs", sql)?;
    let mut doubts = Vec::new();
    for row in &keys {
        let (table, needed) = (row.text("table")?, row.text("needed")?);
        let has_rows = tables.get(table).is_some_and(|entry| entry.rows > 0);
        if has_rows && !tables.contains_key(needed) {
            let name = row.text("name")?;
            doubts.push(format!("foreign key {name} on {table} needs the rows of {needed}"));
        }
    }
    let chosen = |option: &str| selection.iter().any(|chosen| chosen.starts_with(option));
    // Types and extensions are left out where schemas or tables are chosen.
    if chosen("--table") || chosen("--schema") {
        let is_there = |schema: &str| {
            !chosen("--table") && tables.keys().any(|table| schema_of(table) == schema)
        };
        let needing = |row: &Row| -> Result<Option<String>> {
            let (table, name) = (row.text("table")?, row.text("name")?);
            let needs = tables.contains_key(table) && !is_there(row.text("schema")?);
            let doubt = format!("column {table}.{name} needs the type {}", row.text("needed")?);
            Ok(needs.then_some(doubt))
        };
        for row in &columns {
            doubts.extend(needing(row)?);
        }
    }
    Ok(doubts)
}

/// The schema of a table, as a dump writes it.
fn schema_of(table: &str) -> &str {
    let mut quoted = false;
    let dot = table.char_indices().find(|&(_, character)| {
        quoted ^= character == '"';
        !quoted && character == '.'
    });
    dot.map_or(table, |(at, _)| &table[..at])
}

/// Says them, before the backup is called done.
pub(super) fn report(world: &World, manifest: &Manifest) {
    let doubts = manifest.doubts.iter().map(|doubt| {
        format!(
            "it is not proved that this backup can be restored: {doubt}; prove it with `cargo db \
             backups verify --level restore`"
        )
    });
    let lost =
        manifest.lost.iter().map(|lost| format!("not all of this backup comes back: {lost}"));
    for message in doubts.chain(lost) {
        world.emit(Event::Notice { severity: "warning".to_owned(), message });
    }
}
