//! The schema file of a project.

use std::path::{Path, PathBuf};

use crate::failure::{Result, SchemaError};
use crate::schema::built::GeneratedSchema;
use crate::schema::difference::{Difference, differences};
use crate::schema::text::{is_ours, major};
use crate::settings::Settings;
use crate::world::{edit, files};

/// The file that `[schema] file` names, as it is.
pub(crate) struct SchemaFile {
    /// Relative to the root.
    pub(crate) name: PathBuf,
    path: PathBuf,
    text: Option<String>,
}

/// How a schema file differs from the result of the migrations.
pub(crate) struct Comparison {
    pub(crate) file: PathBuf,
    /// Whether there is a file.
    pub(crate) is_there: bool,
    pub(crate) is_same: bool,
    /// The server's major version that the file names, where it is another one than this server's.
    pub(crate) other_major: Option<u32>,
    pub(crate) differences: Vec<Difference>,
    pub(crate) not_run: Vec<PathBuf>,
}

impl SchemaFile {
    /// Reads it. Fails where none is named, or where it is not ours to write.
    pub(crate) fn of(settings: &Settings) -> Result<SchemaFile> {
        let named = settings.schema.file.clone();
        let name = named.ok_or(SchemaError::NoFile)?;
        if settings.schema.is_shared {
            return Err(SchemaError::SharedFile { file: name }.into());
        }
        let path = settings.root.join(&name);
        let text = read(&path)?;
        if text.as_ref().is_some_and(|text| !is_ours(text)) {
            return Err(SchemaError::NotOurs { file: name }.into());
        }
        Ok(SchemaFile { name, path, text })
    }

    /// Compares it with the result of the migrations. Line endings make no difference: git may
    /// change them.
    pub(crate) fn compare(&self, generated: &GeneratedSchema) -> Comparison {
        let before = self.text.as_deref().unwrap_or_default().replace("\r\n", "\n");
        let now = major(&generated.text);
        Comparison {
            file: self.name.clone(),
            is_there: self.text.is_some(),
            is_same: self.text.is_some() && before == generated.text,
            other_major: major(&before).filter(|before| Some(*before) != now),
            differences: differences(&before, &generated.text),
            not_run: generated.not_run.clone(),
        }
    }

    /// Puts it in place, in a single step.
    pub(crate) fn write(&self, generated: &GeneratedSchema) -> Result<()> {
        if self.text.is_none() {
            // With the permissions of every new file.
            files::write_new(&self.path, "")?;
        }
        edit::rewrite(&self.path, &generated.text)
    }
}

fn read(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&files::read(path)?).into_owned()))
}
