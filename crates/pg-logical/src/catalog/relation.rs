//! Tables, foreign tables, views and materialized views.

use crate::catalog::column::Column;
use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::source::{Row, SourceError};

/// A table, partitioned or not, or a foreign table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Whether its rows are lost in a crash.
    pub is_unlogged: bool,
    /// `PARTITION BY …`, where it is partitioned.
    pub partition_key: Option<String>,
    /// `FOR VALUES …`, where it is a partition.
    pub bound: Option<String>,
    /// The numbers of the tables that it inherits from or is a partition of.
    pub parents: Vec<u32>,
    /// The same tables as SQL.
    pub parent_names: Vec<String>,
    /// The type whose attributes its columns are.
    pub of_type: Option<String>,
    /// `name=value`.
    pub options: Vec<String>,
    /// Those of its TOAST table.
    pub toast_options: Vec<String>,
    /// Where it is stored, if not in the database's tablespace.
    pub tablespace: Option<String>,
    /// The access method, if not `heap`. For a partitioned table, that of its future partitions.
    pub method: Option<String>,
    /// Whether policies limit rows.
    pub has_policies: bool,
    /// Whether they limit the owner too.
    pub forces_policies: bool,
    /// `d`, `n`, `f` or `i`, as in `pg_class`.
    pub replica_identity: char,
    /// The server of a foreign table.
    pub server: Option<String>,
    /// `name=value`, of a foreign table.
    pub foreign_options: Vec<String>,
    /// How many rows the planner expects; nothing where nobody counted.
    pub estimate: Option<u64>,
}

impl Table {
    /// Whether it declares a column by itself. A partition is made as a table of its own, and
    /// attached afterwards.
    pub(crate) fn declares(&self, column: &Column) -> bool {
        column.is_local || !column.is_inherited || self.bound.is_some()
    }
}

/// A view or a materialized view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// The query, with its semicolon.
    pub query: String,
    /// `name=value`.
    pub options: Vec<String>,
    /// Whether a materialized view has rows.
    pub is_populated: bool,
    /// Where a materialized view is stored.
    pub tablespace: Option<String>,
    /// The access method of a materialized view, if not `heap`.
    pub method: Option<String>,
}

/// A table or a view.
pub(super) enum Relation {
    Table(Box<Table>),
    View(View),
}

/// The relation of a row of `relations.sql`, without its columns.
pub(super) fn read(row: Row<'_>) -> Result<(ObjectHeader, Relation), SourceError> {
    let kind = row.letter("kind")?;
    // A partitioned table has a method only if one was set for its partitions, so keep `heap`.
    let method = row.optional("method")?.filter(|method| method != "heap" || kind == 'p');
    let tablespace = row.optional("tablespace")?;
    let definition = if matches!(kind, 'v' | 'm') {
        Relation::View(View {
            columns: Vec::new(),
            query: row.text("query")?,
            options: row.list("options")?,
            is_populated: row.flag("is_populated")?,
            tablespace,
            method,
        })
    } else {
        Relation::Table(Box::new(Table { tablespace, method, ..table(row)? }))
    };
    let kind = match kind {
        'v' => Kind::View,
        'm' => Kind::MaterializedView,
        'f' => Kind::ForeignTable,
        _ => Kind::Table,
    };
    let identity = Identity::within(kind, row.text("schema")?, row.text("name")?);
    Ok((ObjectHeader::owned(row, class::CLASS, identity)?, definition))
}

fn table(row: Row<'_>) -> Result<Table, SourceError> {
    let parents = row.list("parents")?;
    Ok(Table {
        columns: Vec::new(),
        is_unlogged: row.letter("persistence")? == 'u',
        partition_key: row.optional("partition_key")?,
        bound: row.optional("bound")?,
        parents: parents.iter().filter_map(|oid| oid.parse().ok()).collect(),
        parent_names: row.list("parent_names")?,
        of_type: row.optional("of_type")?,
        options: row.list("options")?,
        toast_options: row.list("toast_options")?,
        tablespace: None,
        method: None,
        has_policies: row.flag("has_policies")?,
        forces_policies: row.flag("forces_policies")?,
        replica_identity: row.letter("identity")?,
        server: row.optional("server")?,
        foreign_options: row.list("foreign_options")?,
        estimate: row.optional_number("estimate")?,
    })
}
