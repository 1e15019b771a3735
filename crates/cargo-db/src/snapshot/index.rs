//! The names of the snapshots in a file, for completions, which may not ask a server. The file is
//! written by whatever changes the snapshots, and decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::model::target::Target;
use crate::snapshot::kept::snapshots;
use crate::world::World;
use crate::world::files;

/// The names by database, the newest first.
type NamesByDatabase = BTreeMap<String, Vec<String>>;

fn file(root: &Path) -> PathBuf {
    root.join(".db/snapshots.json")
}

fn read(root: &Path) -> NamesByDatabase {
    let text = files::read_if_there(&file(root)).ok().flatten();
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The snapshots of a database, as this project last saw them.
pub(crate) fn names_in_index(root: &Path, database: &str) -> Vec<String> {
    read(root).remove(database).unwrap_or_default()
}

/// Writes the names of the snapshots that a database has now.
pub(crate) fn write_index(world: &World, root: &Path, target: &Target) -> Result<()> {
    let mut names = read(root);
    let now = snapshots(world, target)?.into_iter().map(|snapshot| snapshot.record.name);
    names.insert(target.database.clone(), now.collect());
    files::create_own_dir(&root.join(".db"))?;
    files::replace(&file(root), &serde_json::to_string(&names).unwrap_or_default())
}
