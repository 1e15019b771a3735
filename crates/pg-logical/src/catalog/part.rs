//! How much of a catalog is read.

/// The numbers of some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Tables, views and sequences, with what is a part of them, and the relations of composite
    /// types.
    pub relations: Vec<u32>,
    /// Types.
    pub types: Vec<u32>,
    /// Functions, procedures and aggregates.
    pub routines: Vec<u32>,
}

/// How much of a catalog is read.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// All of it.
    Everything,
    /// What defines objects: without what they need of each other, and without large objects.
    Definitions,
    /// The definitions of some objects.
    Part(&'a Part),
}

/// The queries for relations, for types and for routines, and those for all of them.
const OF_RELATIONS: &[&str] =
    &["relations", "indexes", "statistics", "sequences", "rules", "triggers", "policies"];
const OF_TYPES: &[&str] = &["types", "ranges"];
const OF_ROUTINES: &[&str] = &["functions", "aggregates"];
const OF_ALL: &[&str] = &["columns", "constraints", "descriptions", "rights"];

/// The queries that define nothing.
const OF_DUMPS: &[&str] = &["depends", "large_objects", "configured"];

impl Scope<'_> {
    /// Whether it has something of this query.
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
