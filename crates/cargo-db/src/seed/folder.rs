//! The files of the seeds.

use std::path::Path;

use crate::failure::{CausedBy, FileError, Result};
use crate::model::seed::{self, Seed, SeedKind};
use crate::world::files;
use pg_sql::script::{ScriptError, statements};

/// All seeds below a folder, in the order in which they are loaded: by name, those for all
/// environments before those for one.
pub(crate) fn seeds(folder: &Path) -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for path in files::walk(folder)? {
        let Some(kind) = seed::kind(&path) else { continue };
        let bytes = files::read(&path)?;
        let tables = match &kind {
            SeedKind::Csv { table } => [table.clone()].into(),
            SeedKind::Sql => {
                let bad = |error: ScriptError| {
                    FileError::BadScript { file: path.clone(), why: error.to_string() }
                        .caused_by(error)
                };
                seed::filled_tables(&statements(&bytes).map_err(bad)?)
            }
        };
        let relative =
            path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let checksum = files::sha256(&bytes);
        seeds.push(Seed { path: relative, file: path, kind, checksum, tables });
    }
    seeds.sort_by(|a, b| (a.only_for(), &a.path).cmp(&(b.only_for(), &b.path)));
    Ok(seeds)
}
