//! The content of the columns that two states of a database have in common, before and after a
//! migration.

use std::collections::BTreeMap;

use pg_logical::catalog::{Address, Catalog, Column, Object};
use pg_sql::quote::name as quoted;

use crate::failure::Result;
use crate::world::pg::Session;

/// How many tables one query covers.
const AT_ONCE: usize = 40;

/// Tables and columns whose content must be the same in both states. Tables and columns are known
/// by their names at the end, and have others before a rename.
pub(super) struct CommonContent {
    tables: Vec<CommonTable>,
}

/// A table that is in both states.
struct CommonTable {
    before: String,
    after: String,
    /// The names of a column before and after.
    columns: Vec<(String, String)>,
}

/// When the content is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// The number of rows and the hash of each column, by the table's name before.
pub(super) type Content = BTreeMap<String, TableContent>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableContent {
    rows: u64,
    /// By the column's name before; the last one is the hash of all columns together.
    columns: Vec<(String, String)>,
}

impl CommonContent {
    /// What is in both states. `renamed` is the first state after the renames that the user asked
    /// for; objects and columns have the same numbers in it.
    pub(super) fn of(before: &Catalog, renamed: &Catalog, after: &Catalog) -> CommonContent {
        let tables = renamed.objects.iter().filter(|object| holds_rows(object));
        let common = tables.filter_map(|object| {
            let old = find(before, object.address)?;
            let new = after.named(&object.identity).map(|at| &after.objects[at]);
            common_table(old, object, new.filter(|new| holds_rows(new))?)
        });
        CommonContent { tables: common.collect() }
    }

    /// Reads the content.
    pub(super) fn read(&self, session: &mut Session, moment: Moment) -> Result<Content> {
        let mut content = Content::new();
        for tables in self.tables.chunks(AT_ONCE) {
            let queries = tables.iter().enumerate().map(|(at, table)| table.query(at, moment));
            let sql = queries.collect::<Vec<_>>().join(" UNION ALL ");
            for row in session.rows("read the content of the tables", &sql)? {
                let table = &tables[row.number::<usize>("at")?];
                let hashes = row.text("hashes")?.split(',').map(str::to_owned);
                let names = table.columns.iter().map(|(before, _)| before.clone());
                let columns = names.chain(["the rows as a whole".to_owned()]).zip(hashes);
                let found = TableContent { rows: row.number("rows")?, columns: columns.collect() };
                content.insert(table.before.clone(), found);
            }
        }
        Ok(content)
    }
}

/// What differs between two contents, in words.
pub(super) fn differences(before: &Content, after: &Content) -> Vec<String> {
    let mut found = Vec::new();
    for (table, was) in before {
        let Some(is) = after.get(table) else { continue };
        if was.rows != is.rows {
            found.push(format!("table {table}: {} rows before, {} after", was.rows, is.rows));
            continue;
        }
        let columns = was.columns.iter().zip(&is.columns);
        let changed = columns.filter(|(was, is)| was.1 != is.1).map(|(was, _)| &was.0);
        found.extend(changed.map(|column| format!("table {table}: {column} changed")).next());
    }
    found
}

fn find(catalog: &Catalog, address: Address) -> Option<&Object> {
    catalog.find(address.class, address.oid)
}

/// Whether rows are stored in it.
fn holds_rows(object: &Object) -> bool {
    object.table().is_some_and(|table| table.server.is_none() && table.partition_key.is_none())
}

fn common_table(old: &Object, renamed: &Object, new: &Object) -> Option<CommonTable> {
    let mut columns = Vec::new();
    for was in renamed.columns() {
        let Some(is) = new.columns().iter().find(|is| is.name == was.name) else { continue };
        let first = old.columns().iter().find(|first| first.number == was.number)?;
        if is_kept(was, is) {
            columns.push((quoted(&first.name), quoted(&is.name)));
        }
    }
    Some(CommonTable { before: old.identity.sql(), after: new.identity.sql(), columns })
}

/// Whether the values of a column must stay. Those of another type may be written otherwise.
fn is_kept(was: &Column, is: &Column) -> bool {
    was.data_type == is.data_type && was.generated.is_none() && is.generated.is_none()
}

impl CommonTable {
    fn query(&self, at: usize, moment: Moment) -> String {
        let is_before = moment == Moment::Before;
        let table = if is_before { &self.before } else { &self.after };
        let columns = self.columns.iter();
        let values: Vec<String> = columns
            .map(|(before, after)| if is_before { before } else { after })
            .map(|column| format!("t.{column}"))
            .collect();
        let whole = format!("ROW({})", values.join(", "));
        // A sum does not depend on the order, and is planned in less time than a sorted list.
        let hash = |value| format!("coalesce(sum(hashtextextended({value}::text, 0)), 0)");
        let hashes: Vec<String> = values.iter().chain([&whole]).map(hash).collect();
        // A function takes only 100 arguments.
        format!(
            "SELECT {at} AS at, count(*) AS rows, \
             array_to_string(ARRAY[{}]::text[], ',') AS hashes FROM ONLY {table} AS t",
            hashes.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(rows: u64, hashes: [&str; 2]) -> Content {
        let columns = ["name", "the rows as a whole"].into_iter().zip(hashes);
        let columns = columns.map(|(name, hash)| (name.to_owned(), hash.to_owned())).collect();
        Content::from([("public.users".to_owned(), TableContent { rows, columns })])
    }

    #[test]
    fn differences_name_the_first_column_of_a_table() {
        let before = content(3, ["a", "b"]);
        assert_eq!(differences(&before, &before), Vec::<String>::new());
        assert_eq!(
            differences(&before, &content(3, ["x", "y"])),
            ["table public.users: name changed"]
        );
        assert_eq!(
            differences(&before, &content(2, ["a", "b"])),
            ["table public.users: 3 rows before, 2 after"]
        );
    }
}
