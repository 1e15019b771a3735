//! Temporary folders.

use tempfile::TempDir;

use crate::failure::Result;
use crate::world::files::failed;

/// An empty folder that only this user can read, removed with this value.
pub(crate) fn folder() -> Result<TempDir> {
    tempfile::tempdir().map_err(failed("make a folder in", &std::env::temp_dir()))
}
