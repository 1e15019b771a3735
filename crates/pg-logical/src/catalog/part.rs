//! Which part of a catalog is read.

/// The OIDs of some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Tables, views and sequences, with everything that belongs to them, and the relations of
    /// composite types.
    pub relations: Vec<u32>,
    /// Types.
    pub types: Vec<u32>,
    /// Functions, procedures and aggregates.
    pub routines: Vec<u32>,
}

/// Which part of a catalog is read.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// The whole catalog.
    Everything,
    /// The definitions of all objects, without large objects, dependencies and the tables that
    /// extensions mark for dumps.
    Definitions,
    /// The definitions of some objects.
    Part(&'a Part),
}

/// The queries for relations, types and routines only, and those for all three.
const OF_RELATIONS: &[&str] =
    &["relations", "indexes", "statistics", "sequences", "rules", "triggers", "policies"];
const OF_TYPES: &[&str] = &["types", "ranges"];
const OF_ROUTINES: &[&str] = &["functions", "aggregates"];
const OF_ALL: &[&str] = &["columns", "constraints", "descriptions", "rights"];

/// The queries that only a dump needs.
const OF_DUMPS: &[&str] = &["depends", "large_objects", "configured"];

impl Scope<'_> {
    /// Whether the query returns anything in scope.
    pub(super) fn has(self, query: &str) -> bool {
        match self {
            Scope::Everything => true,
            Scope::Definitions => !OF_DUMPS.contains(&query),
            Scope::Part(part) => {
                OF_ALL.contains(&query)
                    || !part.relations.is_empty() && OF_RELATIONS.contains(&query)
                    || !part.types.is_empty() && OF_TYPES.contains(&query)
                    || !part.routines.is_empty() && OF_ROUTINES.contains(&query)
            }
        }
    }
}
