//! What `[schema]` says.

use std::path::{Component, Path, PathBuf};

use crate::failure::{Result, SettingsError};
use crate::settings::file::DbToml;
use crate::settings::tool::Migrations;

/// What stands for the name of a set in a path.
const SET: &str = "{set}";

/// The schema file, and what the migrations begin with; paths are relative to the root.
#[derive(Clone, Debug, Default)]
pub(crate) struct SchemaSettings {
    pub(crate) file: Option<PathBuf>,
    /// Whether it is a folder with one file per table.
    pub(crate) is_folder: bool,
    /// Whether another set would have the same file.
    pub(crate) is_shared: bool,
    /// What the database held before the first migration that is run.
    pub(crate) base: Option<PathBuf>,
    /// The last migration of which the base has the changes already.
    pub(crate) base_version: Option<String>,
}

impl SchemaSettings {
    pub(super) fn of(
        root: &Path,
        toml: &DbToml,
        migrations: &Migrations,
    ) -> Result<SchemaSettings> {
        let table = &toml.schema;
        let set = migrations.set.as_deref().unwrap_or("default");
        let path = |text: &Option<String>, key| {
            let text = text.as_ref().map(|text| text.replace(SET, set));
            text.map(|text| inside(&text, key)).transpose()
        };
        let named = table.file.as_deref().unwrap_or_default();
        let file = path(&table.file, "schema.file in db.toml")?;
        let is_dir = file.as_ref().is_some_and(|file| root.join(file).is_dir());
        Ok(SchemaSettings {
            file,
            is_folder: named.ends_with('/') || is_dir,
            is_shared: migrations.sets.len() > 1 && !named.contains(SET),
            base: path(&table.base, "schema.base in db.toml")?,
            base_version: table.base_version.clone(),
        })
    }
}

/// A path that stays in the project: what is written there replaces what was there.
fn inside(text: &str, key: &str) -> Result<PathBuf> {
    let path = Path::new(text);
    let is_inside =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if is_inside && path.file_name().is_some() {
        return Ok(path.to_owned());
    }
    let (source_name, value) = (key.to_owned(), text.to_owned());
    let why = "it must be a file or a folder in the project, without `..`".to_owned();
    Err(SettingsError::Value { source_name, value, why }.into())
}
