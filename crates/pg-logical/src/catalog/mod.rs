//! A database as a value: everything that somebody made in it, with typed fields, read from the
//! system catalogs in one round trip.
//!
//! One file a kind of object; the queries are in `queries/`. Nothing here writes SQL of its own:
//! [`crate::ddl`] does.

mod acting;
mod assemble;
mod column;
mod composed;
mod constraint;
mod definition;
mod foreign;
mod identity;
mod index;
mod keys;
mod linked;
mod object;
mod operator;
mod part;
mod publication;
mod queries;
mod relation;
mod rights;
mod routine;
mod schema;
mod search;
mod sequence;
mod types;
mod value;
mod without;

use crate::catalog::assemble::assemble;
use crate::source::{Row, Source, SourceError, unexpected};

pub use acting::{EventTrigger, Policy, Rule, Trigger};
pub use column::{Column, NotNull, Value};
pub use constraint::{Behind, Constraint, Marks};
pub use definition::Definition;
pub use foreign::{ForeignServer, UserMapping, Wrapper};
pub use identity::{Address, Identity, Kind, class};
pub use index::{Index, Statistics};
pub use object::Object;
pub use operator::{Cast, Item, Operator, OperatorClass, OperatorFamily};
pub use part::{Part, Scope};
pub use publication::{Publication, Published};
pub use relation::{Table, View};
pub use rights::{DefaultRights, Grant, Rights};
pub use routine::{Aggregate, Function, Steps};
pub use schema::{Collation, Extension, Schema};
pub use search::{Configuration, Dictionary, Parser, Template};
pub use sequence::{OwnedBy, Sequence};
pub use types::{Composite, Domain, Enum, Range};
pub use value::{About, Catalog, Configured, Link, OthersRights, Uncovered, UnfinishedIndex};

/// Settings under which values have one text: to be run before the transaction begins.
pub const SETTINGS: &str = include_str!("queries/settings.sql");

/// The oldest major version whose catalogs are known here.
pub const OLDEST: u32 = 14;

/// A query for a server of this major version. A line that ends in `--from 15` or `--until 14` is
/// only for these versions.
pub fn query_for(query: &str, major: u32) -> String {
    queries::for_major(query, major, Scope::Everything)
}

/// The tables that a dump locks, as schema and name, before the catalog is read.
pub fn tables(source: &mut dyn Source) -> Result<Vec<(String, String)>, SourceError> {
    let query = queries::for_major(include_str!("queries/tables.sql"), OLDEST, Scope::Everything);
    let sets = source.sets("list the tables", &query)?;
    let tables = sets.iter().flatten().map(|record| {
        let row = Row::new(&**record);
        Ok((row.text("schema")?, row.text("name")?))
    });
    tables.collect()
}

/// The server and the database.
pub fn about(source: &mut dyn Source) -> Result<About, SourceError> {
    let sets = source.sets("ask for the version", include_str!("queries/server.sql"))?;
    let record = sets.first().and_then(|rows| rows.first());
    let row = Row::new(&**record.ok_or_else(|| unexpected("version", "no row"))?);
    Ok(About {
        version: row.text("version")?,
        major: row.oid("major")?,
        encoding: row.text("encoding")?,
        database: row.text("database")?,
    })
}

/// Reads everything, in the transaction that the source is in.
pub fn read(source: &mut dyn Source) -> Result<Catalog, SourceError> {
    read_scope(source, Scope::Everything)
}

/// Reads the part of a database's catalog that is in scope.
pub fn read_scope(source: &mut dyn Source, scope: Scope<'_>) -> Result<Catalog, SourceError> {
    let about = about(source)?;
    let (mut asked, others): (Vec<&(&str, &str)>, Vec<_>) =
        queries::ALL.iter().partition(|(name, _)| scope.has(name));
    asked.sort_by_key(|(name, _)| queries::is_apart(name));
    let text = |(_, query): &&(&str, &str)| queries::for_major(query, about.major, scope);
    let texts: Vec<String> = asked.iter().map(text).collect();
    let (first, second) =
        texts.split_at(asked.partition_point(|(name, _)| !queries::is_apart(name)));
    let sets = source.sets_of("read the catalog", first, second)?;
    if sets.len() != asked.len() {
        let what = format!("{} answers, not {}", sets.len(), asked.len());
        return Err(unexpected("the catalog", &what));
    }
    let none = others.iter().map(|(name, _)| (*name, Vec::new()));
    let by_name = asked.iter().map(|(name, _)| *name).zip(sets).chain(none).collect();
    assemble(source, about, &by_name)
}
