//! Looks at a database: its catalog, and how large its tables are.

use std::collections::BTreeMap;

use pg_logical::catalog::{self, Catalog, Kind, Object};
use pg_sql::quote::name as quoted;

use crate::failure::{DumpError, Result, SchemaError};
use crate::model::target::Target;
use crate::world::World;
use crate::world::pg::{Purpose, Session, catalog_failure};

/// How similar a name must be to be suggested.
const NEAR: f64 = 0.6;

/// The tables of cargo db's own are nobody's schema.
pub(crate) const OWN_SCHEMA: &str = "cargo_db";

/// What is known of a database.
pub(crate) struct ShownSchema {
    pub(crate) catalog: Catalog,
    /// How many bytes each table has on disk with its indexes, by its number in the catalog.
    pub(crate) sizes: BTreeMap<u32, u64>,
    /// The schemas in which a name without one is looked up.
    path: Vec<String>,
}

/// Reads it, without waiting for locks of others.
pub(crate) fn gather(world: &World, target: &Target) -> Result<ShownSchema> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let path = session.kept_path().to_vec();
    let catalog = read(&mut session)?;
    let sizes = sizes(&mut session)?;
    Ok(ShownSchema { catalog, sizes, path })
}

/// The catalog in a transaction that only reads, which stays open.
pub(crate) fn read(session: &mut Session) -> Result<Catalog> {
    let doing = "prepare to read the catalog";
    session.refuse_names_of_bytes(false)?;
    session.run(doing, catalog::SETTINGS)?;
    session.run(doing, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
    session.run(doing, "SET LOCAL lock_timeout = '10s'")?;
    let about = catalog::about(session).map_err(catalog_failure)?;
    if about.major < catalog::OLDEST {
        return Err(DumpError::TooOld { version: about.version }.into());
    }
    catalog::read(session).map_err(catalog_failure)
}

fn sizes(session: &mut Session) -> Result<BTreeMap<u32, u64>> {
    let rows = session.rows("read the sizes", include_str!("sql/sizes.sql"))?;
    rows.iter().map(|row| Ok((row.number("oid")?, row.number("bytes")?))).collect()
}

/// Whether an object is a table, or can be read like one.
fn is_table(object: &Object) -> bool {
    matches!(
        object.identity.kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView
    )
}

impl ShownSchema {
    /// The tables and views, in the order of their schemas and names.
    pub(crate) fn tables(&self) -> Vec<&Object> {
        let own = Some(OWN_SCHEMA);
        let objects = self.catalog.objects.iter();
        let mut tables: Vec<&Object> = objects
            .filter(|object| is_table(object) && object.identity.schema.as_deref() != own)
            .collect();
        tables.sort_by_key(|object| (&object.identity.schema, &object.identity.name));
        tables
    }

    /// The table that a name means: with its schema, or along the search path.
    pub(crate) fn table(&self, typed: &str) -> Result<&Object> {
        let tables = self.tables();
        let named = |object: &&&Object| {
            let identity = &object.identity;
            let schema = identity.schema.as_deref().unwrap_or_default();
            let whole = format!("{schema}.{}", identity.name);
            typed == identity.sql() || typed == whole
        };
        if let Some(one) = tables.iter().find(named) {
            return Ok(one);
        }
        let bare = |object: &&&Object| {
            typed == object.identity.name || typed == quoted(&object.identity.name)
        };
        let found: Vec<&Object> = tables.iter().filter(bare).copied().collect();
        let on_path = |object: &&&Object| {
            self.path.iter().position(|schema| Some(schema) == object.identity.schema.as_ref())
        };
        let first = found.iter().filter(|object| on_path(object).is_some()).min_by_key(on_path);
        match (first, &found[..]) {
            (Some(first), _) => Ok(first),
            (None, [only]) => Ok(only),
            (None, []) => {
                let (table, database) = (typed.to_owned(), self.catalog.about.database.clone());
                let similar = similar(typed, &tables);
                Err(SchemaError::NoTable { table, database, similar }.into())
            }
            (None, _) => {
                let found = found.iter().map(|object| object.identity.sql()).collect();
                Err(SchemaError::SeveralTables { table: typed.to_owned(), found }.into())
            }
        }
    }
}

/// The most similar name, as it has to be typed.
fn similar(typed: &str, tables: &[&Object]) -> Option<String> {
    let (schema, name) = match typed.rsplit_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, typed),
    };
    let near = |object: &&&Object| {
        let of_name = strsim::normalized_damerau_levenshtein(name, &object.identity.name);
        let of_schema = match (schema, &object.identity.schema) {
            (Some(one), Some(other)) => strsim::normalized_damerau_levenshtein(one, other) / 10.0,
            _ => 0.0,
        };
        of_name + of_schema
    };
    let best = tables.iter().max_by(|a, b| near(a).total_cmp(&near(b)))?;
    (near(&best) > NEAR).then(|| match schema {
        Some(_) => best.identity.sql(),
        None => quoted(&best.identity.name),
    })
}
