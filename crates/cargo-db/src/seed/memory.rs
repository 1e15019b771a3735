//! Which seeds a database holds, kept while the schema `cargo_db` is recreated.

use crate::failure::Result;
use crate::world::pg::Session;

/// A table exactly as cargo db creates it: reading it runs no foreign code.
const IS_OURS: &str = include_str!("sql/memory_is_ours.sql");

/// Each row as the values of an INSERT.
const ROWS: &str = "SELECT format('(%L, %L, %L::text[], %L::timestamptz)', path, checksum, tables, \
                    loaded_at) FROM ONLY cargo_db.seeds";

/// What a database remembers of its seeds.
pub(crate) struct SeedRecord {
    rows: Vec<String>,
}

impl SeedRecord {
    /// The records in the session's database; `None` if it has none, or the table was not created
    /// by cargo db.
    pub(crate) fn of(session: &mut Session) -> Result<Option<SeedRecord>> {
        if session.value("find the table of loaded seeds", IS_OURS)?.is_none() {
            return Ok(None);
        }
        Ok(Some(SeedRecord { rows: session.column("read which seeds are loaded", ROWS)? }))
    }

    /// Creates the table again, with the same rows.
    pub(crate) fn write(&self, session: &mut Session) -> Result<()> {
        let mut sql = include_str!("sql/memory.sql").to_owned();
        if !self.rows.is_empty() {
            let rows = self.rows.join(", ");
            sql += &format!(
                "; INSERT INTO cargo_db.seeds (path, checksum, tables, loaded_at) VALUES {rows}"
            );
        }
        session.run("record the seeds", &sql)
    }
}
