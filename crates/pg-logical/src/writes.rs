//! How often catalogs were written, and by which transactions: from two moments it follows what has
//! to be read again.
//!
//! The server counts the rows that are written to each catalog, those of aborted transactions
//! included (PostgreSQL manual, 28.2 "The Cumulative Statistics System"). Each row names the
//! transaction that wrote it in `xmin` (5.6 "System Columns"). The counters of the own session are
//! exact since version 15; older servers collect them with a delay.

use crate::source::{Row, Source, SourceError, unexpected};

const QUERY: &str = include_str!("writes.sql");

/// How many rows of a catalog were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowWrites {
    /// Inserted rows.
    pub inserted: u64,
    /// Updated rows.
    pub updated: u64,
    /// Deleted rows.
    pub deleted: u64,
}

/// The state of the counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatalogWrites {
    /// Of each catalog that was asked for, in that order.
    pub of: Vec<RowWrites>,
    /// The session's own transaction, if it has a number.
    own: Option<String>,
    /// The outcome of the transaction of the previous moment.
    status: Option<String>,
    /// All transactions with a lower number had ended.
    oldest: u64,
    /// None with this number or a higher one had begun.
    next: u64,
    is_exact: bool,
}

impl CatalogWrites {
    /// Reads the counters of these catalogs, after the moment `then` if there was one.
    pub fn read(
        source: &mut dyn Source,
        catalogs: &[&str],
        then: Option<&CatalogWrites>,
    ) -> Result<CatalogWrites, SourceError> {
        let own = then.and_then(|then| then.own.as_deref());
        let own = own.map_or_else(|| "NULL::xid8".to_owned(), |own| format!("'{own}'::xid8"));
        let names = catalogs.iter().map(|name| format!("'pg_catalog.{name}'"));
        let names = format!("ARRAY[{}]", names.collect::<Vec<_>>().join(", "));
        let sql = QUERY.replace("{own}", &own).replace("{catalogs}", &names);
        let sets = source.sets("read how often catalogs were written", &sql)?;
        let record = sets.first().and_then(|rows| rows.first());
        let row = Row::new(&**record.ok_or_else(|| unexpected("oldest", "no row"))?);
        let [inserted, updated, deleted] =
            [numbers(row, "inserted")?, numbers(row, "updated")?, numbers(row, "deleted")?];
        let each = inserted.into_iter().zip(updated).zip(deleted);
        Ok(CatalogWrites {
            of: each
                .map(|((inserted, updated), deleted)| RowWrites { inserted, updated, deleted })
                .collect(),
            own: row.optional("own")?,
            status: row.optional("status")?,
            oldest: number("oldest", row.str("oldest")?)?,
            next: number("next", row.str("next")?)?,
            is_exact: row.flag("is_exact")?,
        })
    }

    /// Whether the difference to an earlier moment is known: the counters are exact, and what was
    /// read then was not rolled back.
    pub fn continues(&self, then: &CatalogWrites) -> bool {
        let is_kept = then.own == self.own
            || then.own.is_none()
            || self.status.as_deref() == Some("committed");
        self.is_exact && then.is_exact && is_kept
    }

    /// Whether no transaction was open that had written or could still write: whatever
    /// [`CatalogWrites::since`] finds was then written later.
    pub fn is_quiet(&self) -> bool {
        self.own.is_none() && self.oldest == self.next
    }

    /// A query without its marks: `{new c}` becomes the condition that the row `c` was written
    /// after a moment, or `true` if there is none.
    pub fn since(then: Option<&CatalogWrites>, query: &str) -> String {
        let mut sql = String::new();
        let mut rest = query;
        while let Some((before, after)) = rest.split_once("{new ") {
            let Some((row, after)) = after.split_once('}') else { break };
            sql.push_str(before);
            sql.push_str(&match then {
                None => "true".to_owned(),
                // The subquery is computed once, not for every row.
                Some(then) => format!("age({row}.xmin) <= (SELECT age('{}'::xid))", then.oldest),
            });
            rest = after;
        }
        sql + rest
    }
}

fn numbers(row: Row<'_>, column: &str) -> Result<Vec<u64>, SourceError> {
    row.list(column)?.iter().map(|text| number(column, text)).collect()
}

fn number(column: &str, text: &str) -> Result<u64, SourceError> {
    text.parse().map_err(|_| unexpected(column, &format!("`{text}` is not a number")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(own: Option<&str>, status: Option<&str>) -> CatalogWrites {
        let [own, status] = [own, status].map(|text| text.map(str::to_owned));
        CatalogWrites { own, status, oldest: 7, next: 7, is_exact: true, of: Vec::new() }
    }

    #[test]
    fn what_was_rolled_back_since_is_not_known() {
        let without_number = moment(None, None);
        assert!(moment(Some("9"), None).continues(&without_number));
        let inside = moment(Some("9"), None);
        assert!(moment(Some("9"), Some("in progress")).continues(&inside));
        assert!(moment(None, Some("committed")).continues(&inside));
        assert!(!moment(None, Some("aborted")).continues(&inside));
        assert!(
            !CatalogWrites { is_exact: false, ..without_number.clone() }.continues(&without_number)
        );
    }

    #[test]
    fn a_query_is_limited_to_new_rows() {
        let query = "SELECT {new c} FROM c WHERE {new c}";
        assert_eq!(CatalogWrites::since(None, query), "SELECT true FROM c WHERE true");
        let new = "age(c.xmin) <= (SELECT age('7'::xid))";
        let limited = CatalogWrites::since(Some(&moment(None, None)), query);
        assert_eq!(limited, format!("SELECT {new} FROM c WHERE {new}"));
    }
}
