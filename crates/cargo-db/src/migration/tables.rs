//! Which schemas and tables of a database are the project's.

use db_tools::ProjectTool;

/// The condition on `pg_namespace n` that a schema is the project's: neither the server's nor ours.
pub(crate) const PROJECT_SCHEMA: &str = "n.nspname NOT LIKE 'pg\\_%' \
     AND n.nspname NOT IN ('information_schema', 'cargo_db', 'cargo_db_approval')";

/// The condition on `pg_class c` and `pg_namespace n` that a relation is the project's: in one of
/// its schemas, and not the migration tool's.
pub(crate) fn project_relation(layout: &ProjectTool) -> String {
    format!("{PROJECT_SCHEMA} AND NOT ({})", layout.own_relations())
}
