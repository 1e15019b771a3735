//! How a database differs from the manifest of a backup: tables, rows, sequences, indexes.

use std::collections::{BTreeMap, BTreeSet};

use crate::backup::content::read_content_like;
use crate::backup::source::RestoreSource;
use crate::failure::Result;
use crate::model::backup::Manifest;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_logical::content::TableEntry;

/// At most this many differing rights are named.
const NAMED: usize = 20;

/// Compares every table, sequence, index and right of a database with the manifest of the source
/// that it was loaded from, if it has one. The rows are read as `pg_dump` writes them, because the
/// backup counted them like that.
pub(super) fn compare(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &RestoreSource,
) -> Result<Vec<String>> {
    let Some(manifest) = &source.manifest else { return Ok(Vec::new()) };
    let mut session = Session::open(world, target, Purpose::Read)?;
    let server = session.server_major()?;
    let programs = client(settings.pg_bin(), server.max(manifest.engine.major))?;
    let encoding = format!("--encoding={}", session.encoding());
    let arguments = ["--no-password".to_owned(), "--format=plain".to_owned(), encoding];
    let dump = ClientProgram::start(world, &programs.program("pg_dump"), &arguments, target)?;
    let mut found = read_content_like(world, dump, &manifest.tables)?;
    leave_out_what_was_excluded(manifest, &mut found.tables);
    let mut problems = differences(&manifest.tables, &found.tables);
    for (sequence, expected) in &manifest.sequences {
        let value = found.sequences.get(sequence).map_or("nothing", String::as_str);
        if value != expected {
            problems.push(format!(
                "sequences: {sequence} is at {value}, but the manifest says {expected}"
            ));
        }
    }
    // Another version has different privileges, and pg_dump writes them differently.
    let is_like = programs.major == manifest.engine.major && source.server_major() == Some(server);
    let left_out = source.wanted.left_out;
    if is_like && !left_out.owners && !left_out.privileges {
        problems.extend(differences_of_rights(manifest, &found.rights));
    }
    let invalid = invalid_indexes(&mut session)?;
    let is_new = |name: &&String| !manifest.invalid_indexes.contains(name);
    let new = invalid.iter().filter(is_new);
    problems.extend(new.map(|name| format!("indexes: {name} is invalid")));
    Ok(problems)
}

/// How rights differ from those in a manifest, if it lists them.
pub(super) fn differences_of_rights(manifest: &Manifest, found: &BTreeSet<String>) -> Vec<String> {
    let Some(expected) = &manifest.rights else { return Vec::new() };
    let of_client = |rights| with_rights_of_public(rights, manifest.engine.major);
    let (expected, found) = (of_client(expected), of_client(found));
    let missing = expected.difference(&found).map(|right| format!("rights: missing is `{right}`"));
    let extra = found.difference(&expected);
    let extra = extra.map(|right| format!("rights: the backup does not contain `{right}`"));
    let mut problems: Vec<String> = missing.chain(extra).collect();
    let more = problems.len().saturating_sub(NAMED);
    problems.truncate(NAMED);
    problems.extend((more > 0).then(|| format!("rights: {more} more differ")));
    problems
}

/// The rights in a dump, with those on the schema `public` as in any other dump. Before version 15,
/// `pg_dump` writes its owner only if it dumps this schema alone. What PUBLIC may do there is the
/// default in each new database, and is written only if the schema was dropped and created again.
fn with_rights_of_public(rights: &BTreeSet<String>, client: u32) -> BTreeSet<String> {
    let mut rights = rights.clone();
    if client < 15 {
        rights.retain(|right| !right.starts_with("ALTER SCHEMA public OWNER TO "));
        let is_revoked = |right: &String| right.ends_with(" ON SCHEMA public FROM PUBLIC");
        if !rights.iter().any(is_revoked) {
            rights.insert("GRANT ALL ON SCHEMA public TO PUBLIC".to_owned());
        }
    }
    rights
}

/// The indexes of a database that are not valid. One of a partitioned table is so until each
/// partition has its own, and a dump brings it back like that; it brings back no other one.
pub(super) fn invalid_indexes(session: &mut Session) -> Result<Vec<String>> {
    let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) \
               FROM pg_catalog.pg_index i \
               JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid \
               JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
               WHERE NOT i.indisvalid ORDER BY 1";
    session.column("find invalid indexes", sql)
}

/// A table without its rows is in the dump, and no COPY of it: empty is how it comes back.
fn leave_out_what_was_excluded(manifest: &Manifest, found: &mut BTreeMap<String, TableEntry>) {
    let excludes =
        manifest.selection.iter().any(|option| option.starts_with("--exclude-table-data"));
    found.retain(|name, entry| !excludes || entry.rows > 0 || manifest.tables.contains_key(name));
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
                    "rows: {table} has {} rows, but the manifest says {}",
                    found.rows, expected.rows
                ));
            }
            Some(found) if !found.has_rows_of(expected) => {
                problems.push(format!(
                    "hash: the rows of {table} differ from those that were backed up"
                ));
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().filter(|table| !expected.contains_key(*table));
    problems.extend(extra.map(|table| format!("tables: {table} is not in the manifest")));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_15_everybody_has_rights_on_public_until_they_are_revoked() {
        let of = |rights: &[&str], client| {
            let rights = rights.iter().map(|right| (*right).to_owned()).collect();
            with_rights_of_public(&rights, client).into_iter().collect::<Vec<_>>()
        };
        let (granted, owned) =
            ("GRANT ALL ON SCHEMA public TO PUBLIC", "ALTER SCHEMA public OWNER TO ada");
        let revoked = "REVOKE USAGE ON SCHEMA public FROM PUBLIC";
        assert_eq!(of(&[], 14), [granted]);
        assert_eq!(of(&[granted, owned], 14), [granted]);
        assert_eq!(of(&[revoked], 14), [revoked]);
        assert_eq!(of(&[owned], 15), [owned]);
    }
}
