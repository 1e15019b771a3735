//! What was found, in words.

use crate::catalog::{Column, Identity, Kind};

/// An object as people name it: what is in the schema `public` without it.
pub(super) fn of(identity: &Identity) -> String {
    let text = match (identity.kind, &identity.part_of) {
        (Kind::Constraint | Kind::Policy | Kind::Trigger | Kind::Rule, Some(of)) => {
            format!("{} of {of}", identity.sql())
        }
        _ => identity.sql(),
    };
    format!("{} {}", identity.kind.word(), short(&text))
}

/// A column of a table.
pub(super) fn column(table: &Identity, column: &Column) -> String {
    format!("column {}.{}", short(&table.sql()), pg_sql::quote::name(&column.name))
}

fn short(text: &str) -> String {
    let text = text.strip_prefix("public.").unwrap_or(text);
    text.replace(" of public.", " of ")
}
