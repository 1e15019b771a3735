//! How a database differs from the manifest of a backup: tables, rows, sequences, indexes.

use std::collections::BTreeMap;

use crate::backup::content::read_content;
use crate::failure::Result;
use crate::model::backup::Manifest;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_logical::content::TableEntry;

/// Compares every table, sequence and index of a database with the manifest. The rows are read as
/// `pg_dump` writes them, because so they were when they were counted the first time.
pub(super) fn compare(
    world: &World,
    settings: &Settings,
    target: &Target,
    manifest: &Manifest,
) -> Result<Vec<String>> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let programs = client(settings.pg_bin(), session.server_major()?.max(manifest.engine.major))?;
    let encoding = format!("--encoding={}", session.encoding());
    let arguments = ["--no-password".to_owned(), "--format=plain".to_owned(), encoding];
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    let found = read_content(world, dump)?;
    let mut problems = differences(&manifest.tables, &found.tables);
    for (sequence, expected) in &manifest.sequences {
        let value = found.sequences.get(sequence).map_or("nothing", String::as_str);
        if value != expected {
            problems
                .push(format!("sequences: {sequence} stands at {value}, and stood at {expected}"));
        }
    }
    let sql = "SELECT indexrelid::regclass AS name FROM pg_index WHERE NOT indisvalid";
    let invalid = session.column("look for invalid indexes", sql)?;
    problems.extend(invalid.iter().map(|name| format!("indexes: {name} is invalid")));
    Ok(problems)
}

/// How tables differ from what they should be.
pub(super) fn differences(
    expected: &BTreeMap<String, TableEntry>,
    found: &BTreeMap<String, TableEntry>,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (table, expected) in expected {
        match found.get(table) {
            None => problems.push(format!("tables: {table} is missing")),
            Some(found) if found.rows != expected.rows => {
                problems.push(format!(
                    "rows: {table} has {} rows, and had {}",
                    found.rows, expected.rows
                ));
            }
            Some(found) if found != expected => {
                problems
                    .push(format!("hash: the rows of {table} are not those that were backed up"));
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().filter(|table| !expected.contains_key(*table));
    problems.extend(
        extra.map(|table| format!("tables: {table} is there, and the manifest does not know it")),
    );
    problems
}
