//! What the server says about itself and one database.

use std::collections::HashMap;

use crate::failure::Result;
use crate::model::overview::{DatabaseFacts, ServerFacts, TableSize};
use crate::model::target::Host;
use crate::world::pg::approvals::APPROVALS;
use crate::world::pg::row::Row;
use crate::world::pg::session::{Session, only_row};
use crate::world::pg::unread::{UNREAD, names_in};
use db_tools::ProjectTool;
use pg_sql::quote::quote_literal;

const SERVER: &str = "\
SELECT current_setting('server_version') AS version, current_user AS role, \
       pg_is_in_recovery() AS in_recovery, current_setting('is_superuser') AS superuser, \
       {tls} AS tls, current_setting('block_size') AS block_size";

/// Nobody speaks TLS over a unix socket, and the view is slow.
const TLS: &str = "(SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl)";

/// The schemas, and which of them new tables go into.
const SCHEMAS: &str =
    "SELECT oid, nspname AS name, nspname = {current} AS is_current FROM pg_namespace";
/// Whether there is a marker, even if the role may not use its schema.
const MARKER: &str = "\
EXISTS (SELECT 1 FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = 'cargo_db' AND c.relname = 'marker')";
const TABLES: &str = include_str!("sql/tables.sql");
const DETAILS: &str = include_str!("sql/table_details.sql");

/// What to read next: the history table that the search path selects, whether there is a marker,
/// and which of our tables may not be read.
pub(crate) struct SurveyResult {
    pub(crate) history: Option<String>,
    pub(crate) marker: bool,
    /// Our own tables that the role may not read.
    pub(crate) unread: Vec<String>,
}

/// The server and the database, in one round trip. The tool's own tables are left out. `kept` is
/// the query for the databases that are kept of it.
pub(crate) fn survey(
    session: &mut Session,
    layout: &ProjectTool,
    kept: &str,
) -> Result<(SurveyResult, ServerFacts, DatabaseFacts)> {
    let tls = if matches!(session.target.host, Host::Socket(_)) { "NULL" } else { TLS };
    let server = SERVER.replace("{tls}", tls);
    let questions = format!(
        "SELECT {}::text AS history, {MARKER} AS marker, ({UNREAD}) AS unread; \
         {server}; {}; {TABLES}; {kept}",
        session.table_named(&layout.lookup_name()),
        SCHEMAS.replace("{current}", &quote_literal(session.current_schema().unwrap_or_default()))
    );
    let doing = "read the database";
    let [table, server, schemas, tables, kept] = session.sets(doing, &questions)?;
    let (table, server) = (only_row(doing, table)?, only_row(doing, server)?);
    let details = if any(&tables, "has_details")? {
        session.rows("read some tables", DETAILS)?
    } else {
        Vec::new()
    };
    let block_size = server.number("block_size")?;
    let tables =
        TableListing { layout, schemas: &schemas, tables: &tables, details: &details, block_size };
    let found = SurveyResult {
        history: table.optional_text("history")?.map(str::to_owned),
        marker: table.flag("marker")?,
        unread: names_in(table.optional_text("unread")?),
    };
    let name = |row: &Row| Ok(row.text("datname")?.to_owned());
    let kept = kept.iter().map(name).collect::<Result<_>>()?;
    Ok((found, facts(&server)?, DatabaseFacts { kept, ..tables.database()? }))
}

/// Whether a flag is set in any row.
fn any(rows: &[Row], column: &str) -> Result<bool> {
    for row in rows {
        if row.flag(column)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn facts(row: &Row) -> Result<ServerFacts> {
    // Debian appends its own version in parentheses.
    let version = row.text("version")?;
    let version = version.split_once(' ').map_or(version, |(version, _)| version);
    Ok(ServerFacts {
        version: version.to_owned(),
        user: row.text("role")?.to_owned(),
        in_recovery: row.flag("in_recovery")?,
        superuser: row.text("superuser")? == "on",
        tls: row.optional_text("tls")?.map(str::to_owned),
    })
}

/// The rows of [`SCHEMAS`], [`TABLES`] and [`DETAILS`].
struct TableListing<'a> {
    layout: &'a ProjectTool,
    schemas: &'a [Row],
    tables: &'a [Row],
    details: &'a [Row],
    block_size: u64,
}

impl<'a> TableListing<'a> {
    /// Combines the rows.
    fn database(&self) -> Result<DatabaseFacts> {
        let schema_of = by_oid(self.schemas)?;
        let detail_of = by_oid(self.details)?;
        let mut database = DatabaseFacts::default();
        let mut by_root: HashMap<&str, TableSize> = HashMap::new();
        for table in self.tables {
            let (oid, name) = (table.text("oid")?, table.text("name")?);
            let detail = detail_of.get(oid).copied();
            let (rows, bytes) = self.size(table, detail)?;
            database.bytes += bytes;
            // A schema that was made between the two questions.
            let Some(schema_row) = schema_of.get(table.text("schema")?) else { continue };
            let schema = schema_row.text("name")?;
            let of_server = schema.starts_with("pg_")
                || matches!(schema, "information_schema" | "cargo_db" | APPROVALS);
            if of_server || self.layout.is_disposable(schema, name) {
                continue;
            }
            let root = detail.map(|detail| detail.optional_text("root")).transpose()?.flatten();
            let sum = by_root.entry(root.unwrap_or(oid)).or_default();
            (sum.rows, sum.bytes) = (sum.rows + rows, sum.bytes + bytes);
            if root.is_none() {
                let is_current = schema_row.optional_text("is_current")? == Some("t");
                sum.name = if is_current { name.to_owned() } else { format!("{schema}.{name}") };
            }
        }
        database.tables = by_root.into_values().collect();
        database.tables.sort_by(|a, b| (b.bytes, &a.name).cmp(&(a.bytes, &b.name)));
        Ok(database)
    }

    /// The rows and bytes of a table.
    fn size(&self, table: &Row, detail: Option<&'a Row>) -> Result<(u64, u64)> {
        if let Some(detail) = detail
            && let (Some(rows), Some(bytes)) =
                (detail.optional_number("rows")?, detail.optional_number("bytes")?)
        {
            return Ok((rows, bytes));
        }
        // A partitioned table has no rows of its own, but ANALYZE counts those of its partitions.
        if table.flag("is_partitioned")? {
            return Ok((0, 0));
        }
        Ok((rounded(table.number("rows")?), table.number::<u64>("pages")? * self.block_size))
    }
}

/// Rows by the column `oid`.
fn by_oid(rows: &[Row]) -> Result<HashMap<&str, &Row>> {
    rows.iter().map(|row| Ok((row.text("oid")?, row))).collect()
}

/// An estimate of the server's, such as `1e+06`, as a number of rows.
fn rounded(rows: f64) -> u64 {
    // Rounding is fine for an estimate; below zero means that there is none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate, and not below zero"
    )]
    let rows = rows.max(0.0).round() as u64;
    rows
}
