//! The text of a schema file: what a database holds, without rows, owners, or anything that differs
//! from machine to machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use pg_logical::catalog::{Catalog, Kind, Object};
use pg_logical::dump::{self, Contents};
use pg_logical::graph;
use pg_logical::split::{self, SchemaPart};

use crate::failure::{BackupError, DumpError, Result, SchemaError};
use crate::schema::folder;
use crate::schema::masked::mask;
use crate::schema::shown::{OWN_SCHEMA, read};
use crate::settings::SchemaSettings;
use crate::world::pg::{Session, catalog_failure};

/// By this line a file is known as one of ours.
const MARK: &str = "-- The schema to which the migrations lead, written by `cargo db schema dump`";

/// What stands before the server's major version.
const SERVER: &str = "-- PostgreSQL ";

/// Whether a file may be replaced: it is empty, or cargo db wrote it as a schema file.
pub(super) fn is_ours(text: &str) -> bool {
    text.trim().is_empty() || is_marked(text)
}

/// Whether cargo db wrote a file as a schema file.
pub(crate) fn is_marked(text: &str) -> bool {
    text.lines().take(12).any(|line| line == MARK)
}

/// The server's major version that a file names.
pub(super) fn major(text: &str) -> Option<u32> {
    let after = text.lines().take(12).skip_while(|line| *line != MARK).nth(1)?;
    after.strip_prefix(SERVER)?.parse().ok()
}

/// The files of a schema, by name. The names are relative to the root.
pub(crate) type SchemaTexts = BTreeMap<PathBuf, String>;

/// The schema of the connected database, as one file or as the files of a folder.
pub(super) fn texts(session: &mut Session, schema: &SchemaSettings) -> Result<SchemaTexts> {
    let mut catalog = read(session)?;
    refuse_uncovered(&catalog)?;
    mask(&mut catalog);
    let order = graph::order(&catalog, &BTreeSet::new())
        .map_err(|circle| DumpError::Circle { objects: circle.0 })?;
    let contents = Contents {
        has_schema: true,
        has_rows: false,
        has_owners: false,
        has_rights: true,
        chosen: chosen(&catalog),
        left_out: Vec::new(),
        program: String::new(),
        header: Some(format!("{MARK}\n{SERVER}{}\n", catalog.about.major)),
        own_role: Some(session.target.user.clone()),
    };
    let file = schema.file.clone().unwrap_or_default();
    if !schema.is_folder {
        let text = written(|out| dump::write(&catalog, &order, &contents, session, out))?;
        return Ok(SchemaTexts::from([(file, text)]));
    }
    let parts = split::parts(&catalog, &order, contents.chosen.as_ref());
    let names = folder::names(&catalog, &parts);
    let text = |(name, part): (String, &SchemaPart)| {
        let text = written(|out| dump::write_part(&catalog, &order, &contents, part, out))?;
        Ok((file.join(name), text))
    };
    names.into_iter().zip(&parts).map(text).collect()
}

/// The text that `write` writes.
fn written(
    write: impl FnOnce(&mut Vec<u8>) -> std::result::Result<(), dump::DumpError>,
) -> Result<String> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(|error| match error {
        dump::DumpError::Source(error) => catalog_failure(error),
        dump::DumpError::Write(error) => {
            BackupError::Failed { doing: "write", why: error.to_string() }.into()
        }
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What the model does not know would be missing without a word.
fn refuse_uncovered(catalog: &Catalog) -> Result<()> {
    let uncovered = catalog.uncovered.iter().map(|uncovered| uncovered.object.clone());
    let invalid =
        catalog.unfinished.iter().map(|index| format!("index {}, which is not valid", index.name));
    let objects: Vec<String> = uncovered.chain(invalid).collect();
    if objects.is_empty() { Ok(()) } else { Err(SchemaError::Uncovered { objects }.into()) }
}

/// Everything but what is cargo db's own.
fn chosen(catalog: &Catalog) -> Option<BTreeSet<usize>> {
    let is_ours = |object: &Object| {
        let identity = &object.identity;
        identity.schema.as_deref() == Some(OWN_SCHEMA)
            || identity.kind == Kind::Schema && identity.name == OWN_SCHEMA
    };
    let objects = catalog.objects.iter().enumerate();
    let others: BTreeSet<usize> =
        objects.filter(|(_, object)| !is_ours(object)).map(|(at, _)| at).collect();
    (others.len() < catalog.objects.len()).then_some(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ours_is_known_by_its_header() {
        let ours = format!("--\n-- PostgreSQL database dump\n--\n\n{MARK}\n-- PostgreSQL 17\n\n");
        assert!(is_ours(&ours) && is_ours(&ours.replace('\n', "\r\n")) && is_ours("\n"));
        assert_eq!(major(&ours), Some(17));
        let other = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15\n";
        assert!(!is_ours(other) && major(other).is_none());
    }
}
