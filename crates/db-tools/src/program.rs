//! Common code for tools whose migrations are programs: applied and pending migrations are read
//! from their files and tables as far as the text shows, which is best effort; only the tools
//! themselves can run them.
//!
//! Read in the sources that `docs/tools.md` names for each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::history::History;
use crate::migration::{Migration, MigrationFolder, Recorded, Version};
use crate::naming::{file_name, has_extension};
use crate::tool::{FoundFile, Tool, script_file};

/// The result of reading a folder: migrations in the order in which they run, and files that could
/// not be read.
#[derive(Default)]
pub(crate) struct OrderedFiles {
    /// Version, file, what the history holds, and what the tool alone understands.
    pub(crate) migrations: Vec<(Version, FoundFile, Recorded, String)>,
    /// Files that it cannot make sense of, each with the reason.
    pub(crate) strange: Vec<(PathBuf, &'static str)>,
}

impl OrderedFiles {
    /// Adds a migration that the history records by its version only.
    pub(crate) fn push(&mut self, version: &str, file: FoundFile) {
        self.migrations.push((Version::text(version), file, Recorded::Nothing, String::new()));
    }
}

/// The migrations as programs, each of which may be able to roll back.
pub(crate) fn folder_of(tool: &dyn Tool, order: OrderedFiles) -> MigrationFolder {
    let migration = |(version, file, recorded, detail): (Version, FoundFile, Recorded, String)| {
        let mut up = script_file(tool, file, true);
        up.is_code = true;
        Migration { version, name: String::new(), down: Some(up.clone()), up, recorded, detail }
    };
    let migrations = order.migrations.into_iter().map(migration).collect();
    MigrationFolder { migrations, misnamed: order.strange, ..MigrationFolder::default() }
}

/// Forgets rows without a file, as the tool itself does.
pub(crate) fn keep_known(history: &mut History, folder: &MigrationFolder) {
    let known: BTreeSet<&Version> = folder.migrations.iter().map(|file| &file.version).collect();
    history.applied.retain(|row| known.contains(&row.version));
}

/// A file in JavaScript or TypeScript.
pub(crate) fn is_script(path: &Path) -> bool {
    ["js", "ts", "cjs"].iter().any(|extension| has_extension(path, extension))
        && !file_name(path).ends_with(".d.ts")
}

/// Topological order; ties are broken by name.
pub(crate) fn in_order(edges: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < edges.len() {
        let ready = |name: &&String| {
            let before = &edges[*name];
            !order.contains(name)
                && before.iter().all(|one| order.contains(one) || !edges.contains_key(one))
        };
        // Cycles have no order; fall back to the names.
        let next =
            edges.keys().find(ready).or_else(|| edges.keys().find(|name| !order.contains(name)));
        match next.cloned() {
            Some(next) => order.push(next),
            None => break,
        }
    }
    order
}
