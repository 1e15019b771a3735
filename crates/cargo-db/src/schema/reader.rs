//! The schema of a database as facts.

use std::collections::BTreeSet;

use pg_logical::catalog::Address;
use pg_logical::facts::{FactReader, Omitted, SchemaFacts};
use pg_logical::source::SourceError;
use pg_sql::quote::quote_literal;

use crate::failure::Result;
use crate::migration::project_relation;
use crate::world::pg::approvals::APPROVALS;
use crate::world::pg::{Session, catalog_failure, only_row};
use db_tools::ProjectTool;

/// The settings that the text of constants depends on, and their values while facts are read.
const OF_TEXT: [(&str, &str); 7] = [
    ("datestyle", "ISO, DMY"),
    ("intervalstyle", "postgres"),
    ("timezone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    ("xmlbinary", "base64"),
];

/// Reads the schema of a database repeatedly, without the tables of cargo db and of the migration
/// tool.
pub(crate) struct SchemaReader {
    reader: FactReader,
    /// What may have changed since the last call of `take_written`; `None` means anything.
    written: Option<BTreeSet<Address>>,
}

impl SchemaReader {
    pub(crate) fn new(layout: &ProjectTool) -> SchemaReader {
        SchemaReader::without_tables_of(&[layout])
    }

    /// Leaves out the tables of several tools: those of all sets of migrations in the database.
    pub(super) fn without_tables_of(layouts: &[&ProjectTool]) -> SchemaReader {
        let conditions: Vec<String> =
            layouts.iter().map(|layout| project_relation(layout)).collect();
        let relations = format!(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid >= 16384 AND NOT ({})",
            conditions.join(" AND ")
        );
        let schemas = layouts.iter().filter_map(|layout| layout.schema());
        let omitted = Omitted {
            schemas: ["cargo_db", APPROVALS].map(str::to_owned).into(),
            schema_names: schemas.map(str::to_owned).collect(),
            relations,
        };
        SchemaReader { reader: FactReader::new(omitted), written: None }
    }

    /// Reads what was written since the last read.
    pub(crate) fn read(&mut self, session: &mut Session) -> Result<SchemaFacts> {
        let (facts, written) = with_text_settings(session, |session| self.reader.read(session))?;
        self.written = self.written.take().zip(written).map(|(mut all, new)| {
            all.extend(new);
            all
        });
        Ok(facts)
    }

    /// Reads everything, for somebody who reads only once.
    pub(crate) fn read_once(mut self, session: &mut Session) -> Result<SchemaFacts> {
        with_text_settings(session, |session| self.reader.read_all(session))
    }

    /// Names the relations that were probably changed, which makes the next read faster.
    pub(crate) fn expect(&mut self, relations: Vec<u32>) {
        self.reader.expect(relations);
    }

    /// Makes the next read complete, because another connection has written.
    pub(crate) fn forget(&mut self) {
        self.reader.forget();
    }

    /// The objects that may have changed since the last call; `None` means any.
    pub(crate) fn take_written(&mut self) -> Option<BTreeSet<Address>> {
        self.written.replace(BTreeSet::new())
    }
}

/// Reads while the text of constants depends on no setting of the session.
fn with_text_settings<T>(
    session: &mut Session,
    read: impl FnOnce(&mut Session) -> std::result::Result<T, SourceError>,
) -> Result<T> {
    let doing = "read the schema";
    let now = OF_TEXT.map(|(name, _)| format!("current_setting('{name}') AS {name}"));
    let sql = format!("SELECT {}; SELECT {}", now.join(", "), set(&OF_TEXT));
    let [theirs, _] = session.sets(doing, &sql)?;
    let theirs = only_row(doing, theirs)?;
    let found = read(session).map_err(catalog_failure)?;
    let theirs: Vec<(&str, &str)> =
        OF_TEXT.iter().map(|(name, _)| Ok((*name, theirs.text(name)?))).collect::<Result<_>>()?;
    session.run(doing, &format!("SELECT {}", set(&theirs)))?;
    Ok(found)
}

fn set(settings: &[(&str, &str)]) -> String {
    let set = |(name, value): &(&str, &str)| {
        format!("set_config('{name}', {}, false)", quote_literal(value))
    };
    settings.iter().map(set).collect::<Vec<_>>().join(", ")
}
