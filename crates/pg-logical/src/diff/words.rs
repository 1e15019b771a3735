//! The names of objects and columns in the descriptions of differences.

use pg_sql::name::short;

use crate::catalog::{Column, Identity, Kind};

/// The kind and the name of an object, without the schema `public`.
pub(super) fn of(identity: &Identity) -> String {
    let text = match (identity.kind, &identity.part_of) {
        (Kind::Constraint | Kind::Policy | Kind::Trigger | Kind::Rule, Some(of)) => {
            format!("{} of {of}", identity.sql())
        }
        _ => identity.sql(),
    };
    let text = short(&text).replace(" of public.", " of ");
    format!("{} {text}", identity.kind.word())
}

/// The name of a column, with its table.
pub(super) fn column(table: &Identity, column: &Column) -> String {
    format!("column {}.{}", short(&table.sql()), pg_sql::quote::name(&column.name))
}
