//! The definitions of plain indexes and keys, which consist of names only. They have the text that
//! the server would write; it takes far longer for thousands of them.

use std::collections::HashMap;

use pg_sql::quote::name as quoted;

use crate::catalog::assemble::{Parts, Read, at};
use crate::catalog::column::{Column, list};
use crate::catalog::constraint::ConstraintRow;
use crate::catalog::identity::{Kind, class};
use crate::catalog::index::{IndexKeys, IndexRow};
use crate::source::{Row, Source};

/// The types `text` and `varchar`, whose values one operator class compares.
const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;

/// What a plain index is composed from.
pub(super) struct Composer<'a> {
    parts: &'a Parts<'a>,
    /// The types of the default operator classes of btree indexes.
    classes: HashMap<u32, u32>,
}

impl<'a> Composer<'a> {
    pub(super) fn new(parts: &'a Parts<'a>) -> Read<Composer<'a>> {
        let rows = parts.rows("default_classes")?;
        let classes = rows.map(|row| Ok((row.oid("oid")?, row.oid("type")?)));
        Ok(Composer { parts, classes: classes.collect::<Read<_>>()? })
    }

    /// The statement that creates a btree index, if everything about it is the default.
    pub(super) fn index(&self, index: &IndexRow) -> Option<String> {
        let IndexKeys { columns, count, .. } = &index.keys;
        let terms: Vec<String> =
            (0..columns.len()).map(|number| self.term(index, number)).collect::<Option<_>>()?;
        let (keys, included) = terms.split_at_checked(*count)?;
        let unique = if index.is_unique { "UNIQUE " } else { "" };
        let only = if index.kind == 'I' { "ONLY " } else { "" };
        let (name, table) = (plain(&index.name)?, self.table(index.table)?);
        let included = included_columns(included);
        let keys = keys.join(", ");
        Some(format!("CREATE {unique}INDEX {name} ON {only}{table} USING btree ({keys}){included}"))
    }

    /// A column of an index.
    fn term(&self, index: &IndexRow, number: usize) -> Option<String> {
        let IndexKeys { columns, count, classes, collations, orders, .. } = &index.keys;
        let column = self.column(index.table, columns[number])?;
        let name = plain(&column.name)?;
        if number >= *count {
            return Some(name.to_owned());
        }
        let type_of_class = *self.classes.get(classes.get(number)?)?;
        let is_default =
            type_of_class == column.type_oid || (type_of_class, column.type_oid) == (TEXT, VARCHAR);
        let own = self.parts.collations.get(&(index.table, column.number));
        let is_usual_collation = match own {
            Some(own) => own == collations.get(number)?,
            None => matches!(collations.get(number)?, 0 | 100),
        };
        let order = match orders.get(number)? {
            0 => "",
            1 => " DESC NULLS LAST",
            2 => " NULLS FIRST",
            _ => " DESC",
        };
        (is_default && is_usual_collation).then(|| format!("{name}{order}"))
    }

    /// A primary key, a unique constraint or a foreign key without further clauses.
    pub(super) fn key(&self, row: &ConstraintRow, index: Option<&IndexRow>) -> Option<String> {
        let own = self.names(row.relation, &row.constraint.columns)?;
        match row.constraint.kind {
            'f' => {
                let referenced = self.names(row.constraint.referenced, &row.referenced_columns)?;
                let table = self.table(row.constraint.referenced)?;
                Some(format!("FOREIGN KEY ({own}) REFERENCES {table}({referenced})"))
            }
            kind => {
                let keys = &index?.keys;
                let included: Vec<String> = (keys.columns.get(keys.count..)?.iter())
                    .map(|&number| {
                        Some(plain(&self.column(row.relation, number)?.name)?.to_owned())
                    })
                    .collect::<Option<_>>()?;
                let word = match kind {
                    'p' => "PRIMARY KEY",
                    'u' if keys.nulls_are_equal => "UNIQUE NULLS NOT DISTINCT",
                    'u' => "UNIQUE",
                    _ => return None,
                };
                Some(format!("{word} ({own}){}", included_columns(&included)))
            }
        }
    }

    fn names(&self, relation: u32, columns: &[u32]) -> Option<String> {
        let name = |&number| plain(&self.column(relation, number)?.name);
        let names: Option<Vec<&str>> = columns.iter().map(name).collect();
        names.filter(|names| !names.is_empty()).map(|names| names.join(", "))
    }

    fn column(&self, relation: u32, number: u32) -> Option<&Column> {
        let place = *self.parts.places.get(&at(class::CLASS, relation))?;
        let columns = self.parts.objects[place].columns();
        let usual = columns.get(usize::try_from(number).ok()?.checked_sub(1)?);
        usual
            .filter(|column| column.number == number)
            .or_else(|| columns.iter().find(|column| column.number == number))
    }

    fn table(&self, relation: u32) -> Option<String> {
        let place = *self.parts.places.get(&at(class::CLASS, relation))?;
        let identity = &self.parts.objects[place].identity;
        plain(identity.schema.as_ref()?)?;
        plain(&identity.name)?;
        (identity.kind != Kind::View).then(|| identity.sql())
    }
}

/// A name that every version of the server writes without quotation marks.
fn plain(name: &str) -> Option<&str> {
    (quoted(name) == name).then_some(name)
}

fn included_columns(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(" INCLUDE ({})", names.join(", ")) }
}

/// Asks for the definitions of these indexes or constraints.
pub(super) fn definitions(
    source: &mut dyn Source,
    function: &str,
    oids: &[u32],
) -> Read<HashMap<u32, String>> {
    if oids.is_empty() {
        return Ok(HashMap::new());
    }
    let query = format!(
        "SELECT u.oid, {function}(u.oid) AS definition FROM unnest('{}'::oid[]) AS u (oid)",
        list(oids)
    );
    let sets = source.sets("read definitions", &query)?;
    let defined = sets.iter().flatten().map(|record| {
        let row = Row::new(&**record);
        Ok((row.oid("oid")?, row.optional("definition")?.unwrap_or_default()))
    });
    defined.collect()
}
