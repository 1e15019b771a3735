//! What may be a rename, but is a drop and an addition as long as nobody says so.

use crate::catalog::{Catalog, Column, Kind, Object};
use crate::diff::rename::{Rename, Renamed};
use crate::diff::words;

/// A dropped and an added column of the same type, or such tables with the same columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PossibleRename {
    /// What is dropped, in words: `column users.mail (text)`.
    pub dropped: String,
    /// What is added, in words: `column users.email (text)`.
    pub added: String,
    /// The rename, to be passed to [`super::renames`] if the user says that it is one.
    pub rename: Rename,
}

/// Lists the possible renames between two databases. One that is dropped may be listed with several
/// that are added.
pub fn possible_renames(before: &Catalog, after: &Catalog) -> Vec<PossibleRename> {
    let mut found = Vec::new();
    for old in before.objects.iter().filter(|object| is_told(object)) {
        match after.named(&old.identity) {
            Some(new) => columns(old, &after.objects[new], &mut found),
            None => found.extend(tables(before, after, old)),
        }
    }
    found
}

/// Whether renames of the object or of its columns are suggested: it holds rows.
fn is_told(object: &Object) -> bool {
    object.identity.kind == Kind::Table
}

fn columns(old: &Object, new: &Object, found: &mut Vec<PossibleRename>) {
    // A column is renamed in the table that others inherit it from.
    fn is_only_in(column: &Column, other: &Object) -> bool {
        !column.is_inherited && other.columns().iter().all(|own| own.name != column.name)
    }
    for gone in old.columns().iter().filter(|column| is_only_in(column, new)) {
        let added = new.columns().iter().filter(|column| is_only_in(column, old));
        for column in added.filter(|column| is_alike(gone, column)) {
            let words = |object: &Object, column: &Column| {
                format!("{} ({})", words::column(&object.identity, column), column.data_type)
            };
            let name = pg_sql::quote::name(&gone.name);
            found.push(PossibleRename {
                dropped: words(old, gone),
                added: words(new, column),
                rename: Rename {
                    what: Renamed::Column,
                    old: format!("{}.{name}", old.identity.sql()),
                    new: column.name.clone(),
                    line: None,
                },
            });
        }
    }
}

/// Whether one column may be the other under a new name.
fn is_alike(one: &Column, other: &Column) -> bool {
    one.data_type == other.data_type && one.generated == other.generated
}

fn tables<'a>(
    before: &'a Catalog,
    after: &'a Catalog,
    old: &'a Object,
) -> impl Iterator<Item = PossibleRename> + use<'a> {
    let added = after.objects.iter().filter(|new| {
        is_told(new)
            && new.identity.schema == old.identity.schema
            && before.named(&new.identity).is_none()
            && shape(old) == shape(new)
    });
    added.map(|new| PossibleRename {
        dropped: words::of(&old.identity),
        added: words::of(&new.identity),
        rename: Rename {
            what: Renamed::Object(old.identity.kind),
            old: old.identity.sql(),
            new: new.identity.name.clone(),
            line: None,
        },
    })
}

/// The names and types of the columns.
fn shape(table: &Object) -> Vec<(&str, &str)> {
    let columns = table.columns().iter();
    let mut shape: Vec<(&str, &str)> =
        columns.map(|column| (column.name.as_str(), column.data_type.as_str())).collect();
    shape.sort_unstable();
    shape
}
