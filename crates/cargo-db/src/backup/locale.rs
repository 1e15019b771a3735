//! How a database encodes and sorts text, as the server says it.

use crate::failure::Result;
use crate::model::backup::Locale;
use crate::world::pg::Row;

/// The columns of `pg_database d` that [`locale_of`] reads; their names in the catalog differ from
/// version to version.
pub(super) const COLUMNS: &str = "pg_encoding_to_char(d.encoding) AS encoding, \
    d.datcollate AS collate, d.datctype AS ctype, to_jsonb(d) ->> 'datlocprovider' AS provider, \
    coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale') AS icu";

/// The locale in a row.
pub(super) fn locale_of(row: &Row) -> Result<Locale> {
    let optional =
        |column| Ok::<_, crate::failure::Failure>(row.optional_text(column)?.map(str::to_owned));
    Ok(Locale {
        encoding: row.text("encoding")?.to_owned(),
        collate: row.text("collate")?.to_owned(),
        ctype: row.text("ctype")?.to_owned(),
        provider: optional("provider")?,
        icu: optional("icu")?,
    })
}
