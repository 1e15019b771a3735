//! What an interrupted statement with `CONCURRENTLY` leaves: invalid indexes, and partitions that
//! are half detached. The statement's own leftovers are recognised by its targets; objects that
//! another session is working on are not leftovers.

use crate::failure::Result;
use crate::world::pg::{Row, SearchPath, Session};
use pg_sql::concurrently::{Concurrent, Name, Reindexed};
use pg_sql::quote::quote_literal;

/// What the indexes are called that `REINDEX CONCURRENTLY` leaves, as a regular expression.
const SUFFIX: &str = "'_cc(new|old)[0-9]*$'";

/// An index that is not valid.
#[derive(Debug)]
pub(super) struct InvalidIndex {
    pub(super) oid: u32,
    /// Qualified and quoted.
    pub(super) name: String,
    /// Whether the statement, or an earlier run of it, has left it.
    pub(super) is_owned: bool,
    /// Whether it is what the statement builds.
    pub(super) is_target: bool,
    /// The session that is at work on it.
    pub(super) builder: Option<String>,
}

/// A partition that is half detached.
pub(super) struct Detaching {
    /// Qualified and quoted.
    pub(super) name: String,
    /// What it is a part of, qualified and quoted.
    pub(super) parent: String,
    /// Whether it is the one that the statement names.
    pub(super) is_owned: bool,
    /// The session that is at work on it.
    pub(super) builder: Option<String>,
}

/// The invalid indexes on the statement's tables. `known` are those that existed before: if the
/// statement names no index, only others can be its own.
pub(super) fn invalid_indexes(
    session: &mut Session,
    path: &SearchPath,
    what: &Concurrent,
    known: Option<&[u32]>,
) -> Result<Vec<InvalidIndex>> {
    let Some(IndexScope { tables, own, target }) = scope(path, what, known) else {
        return Ok(Vec::new());
    };
    let sql = format!(
        include_str!("sql/invalid_indexes.sql"),
        own = own,
        target = target,
        tables = tables,
        at_work = at_work("i.indrelid", "i.indexrelid")
    );
    let index = |row: &Row| {
        Ok(InvalidIndex {
            oid: row.number("oid")?,
            name: row.text("name")?.to_owned(),
            is_owned: row.flag("own")?,
            is_target: row.flag("target")?,
            builder: row.optional_text("builder")?.map(str::to_owned),
        })
    };
    session.rows("find invalid indexes", &sql)?.iter().map(index).collect()
}

/// The partitions of a table that are half detached.
pub(super) fn detaching(
    session: &mut Session,
    path: &SearchPath,
    parent: &Name,
    partition: &Name,
) -> Result<Vec<Detaching>> {
    let sql = format!(
        include_str!("sql/detaching.sql"),
        parent = relation(path, parent),
        partition = relation(path, partition),
        at_work = at_work("h.inhparent", "h.inhrelid")
    );
    let one = |row: &Row| {
        Ok(Detaching {
            parent: row.text("parent")?.to_owned(),
            name: row.text("name")?.to_owned(),
            is_owned: row.flag("own")?,
            builder: row.optional_text("builder")?.map(str::to_owned),
        })
    };
    session.rows("find detaching partitions", &sql)?.iter().map(one).collect()
}

/// The sessions that work on a table or a part of it, recognised by the lock that index builds
/// hold.
fn at_work(table: &str, part: &str) -> String {
    format!(include_str!("sql/at_work.sql"), table = table, part = part)
}

/// Conditions on `pg_index i` and `pg_class c`, which is its index.
struct IndexScope {
    /// The tables to query.
    tables: String,
    /// Which of their indexes are leftovers.
    own: String,
    /// The target of the statement.
    target: String,
}

fn scope(path: &SearchPath, what: &Concurrent, known: Option<&[u32]>) -> Option<IndexScope> {
    match what {
        Concurrent::Create { index, table } => Some(created(path, index.as_deref(), table, known)),
        Concurrent::Drop { index } => {
            let target = format!("i.indexrelid = {}", relation(path, index));
            Some(IndexScope { tables: target.clone(), own: "false".to_owned(), target })
        }
        Concurrent::Reindex { what: Reindexed::Index, name } => {
            Some(one_index(path, name.as_ref()?))
        }
        Concurrent::Reindex { what, name } => Some(all_indexes(path, *what, name.as_ref())),
        Concurrent::Detach { .. } => None,
    }
}

fn created(
    path: &SearchPath,
    index: Option<&str>,
    table: &Name,
    known: Option<&[u32]>,
) -> IndexScope {
    let of_table = format!("i.indrelid = {}", relation(path, table));
    let Some(index) = index else {
        let own = format!("({} OR {})", new(known), include_str!("sql/twin.sql"));
        return IndexScope { tables: of_table, own, target: "false".to_owned() };
    };
    // `IF NOT EXISTS` accepts any relation with its name.
    let target = format!(
        "(c.relname = {}::pg_catalog.name AND c.relnamespace = \
         (SELECT k.relnamespace FROM pg_catalog.pg_class k WHERE k.oid = {}))",
        quote_literal(index),
        relation(path, table)
    );
    let own = format!("({of_table} AND {target})");
    // Without its table nothing is known, and the statement fails.
    let target = format!("coalesce({target}, false)");
    IndexScope {
        tables: format!("{of_table} OR {target}"),
        own: format!("coalesce({own}, false)"),
        target,
    }
}

/// What was not there before the statement.
fn new(known: Option<&[u32]>) -> String {
    let Some(known) = known else { return "false".to_owned() };
    let known: Vec<String> = known.iter().map(u32::to_string).collect();
    format!("i.indexrelid <> ALL ('{{{}}}'::pg_catalog.oid[])", known.join(","))
}

/// One index and the partitioned indexes that it belongs to: a partitioned index is built in its
/// partitions.
fn one_index(path: &SearchPath, name: &Name) -> IndexScope {
    let is_it = |oid: &str| format!("({})", it_or_its_partition(path, oid, name));
    let tables = format!(
        "i.indrelid IN (SELECT x.indrelid FROM pg_catalog.pg_index x WHERE {})",
        is_it("x.indexrelid")
    );
    IndexScope { tables, own: copies(&is_it("b.oid")), target: is_it("i.indexrelid") }
}

fn all_indexes(path: &SearchPath, what: Reindexed, name: Option<&Name>) -> IndexScope {
    let tables = match (what, name) {
        (Reindexed::Table, Some(name)) => it_or_its_partition(path, "k.oid", name),
        (Reindexed::Schema, Some(name)) => format!(
            "k.relnamespace = pg_catalog.to_regnamespace({})",
            quote_literal(&name.quoted())
        ),
        _ => "k.relkind IN ('r', 'm')".to_owned(),
    };
    // A TOAST index is reported for its table.
    let tables = format!(
        "i.indrelid IN (SELECT x.oid FROM pg_catalog.pg_class k \
         CROSS JOIN LATERAL (VALUES (k.oid), (k.reltoastrelid)) x (oid) WHERE {tables})"
    );
    IndexScope { tables, own: copies("true"), target: "false".to_owned() }
}

/// Whether `c` is named as the copy of an index `b` of the same table. A long name is cut to
/// make room for the suffix.
fn copies(of: &str) -> String {
    let stem = format!("pg_catalog.regexp_replace(c.relname, {SUFFIX}, '')");
    format!(
        "(c.relname ~ {SUFFIX} AND EXISTS (SELECT FROM pg_catalog.pg_index bi \
         JOIN pg_catalog.pg_class b ON b.oid = bi.indexrelid \
         WHERE bi.indrelid = i.indrelid AND b.oid <> c.oid AND {of} \
           AND (b.relname = {stem} OR pg_catalog.octet_length(c.relname::pg_catalog.text) >= 60 \
                AND pg_catalog.starts_with(b.relname, {stem}))))"
    )
}

fn it_or_its_partition(path: &SearchPath, oid: &str, name: &Name) -> String {
    let it = relation(path, name);
    format!("{oid} = {it} OR {oid} IN (SELECT p.relid FROM pg_catalog.pg_partition_tree({it}) p)")
}

fn relation(path: &SearchPath, name: &Name) -> String {
    path.table(&name.quoted())
}
