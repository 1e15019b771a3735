//! The schema file of a project, or the folder with one file per table.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Result, SchemaError};
use crate::schema::built::GeneratedSchema;
use crate::schema::difference::{Difference, differences};
use crate::schema::text::{SchemaTexts, is_marked, is_ours, major};
use crate::settings::Settings;
use crate::world::{edit, files};

/// The file or folder that `[schema] file` names, as found on disk.
pub(crate) struct SchemaFile {
    /// Relative to the root.
    pub(crate) name: PathBuf,
    pub(crate) is_folder: bool,
    root: PathBuf,
    /// The files that exist; in a folder, every SQL file.
    found: BTreeMap<PathBuf, String>,
}

/// How a file differs from the result of the migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileState {
    /// The file does not exist.
    Missing,
    /// The text of the file differs.
    Differs,
    /// cargo db wrote the file for a table that no longer exists.
    Stale,
}

/// A file that differs from the result of the migrations.
pub(crate) struct DifferingFile {
    pub(crate) name: PathBuf,
    pub(crate) state: FileState,
    pub(crate) differences: Vec<Difference>,
}

/// How a schema file differs from the result of the migrations.
pub(crate) struct Comparison {
    pub(crate) file: PathBuf,
    pub(crate) is_folder: bool,
    /// Whether there is a file.
    pub(crate) is_there: bool,
    /// The server's major version that the file names, where it is another one than this server's.
    pub(crate) other_major: Option<u32>,
    pub(crate) differing: Vec<DifferingFile>,
    pub(crate) not_run: Vec<PathBuf>,
}

impl Comparison {
    pub(crate) fn is_same(&self) -> bool {
        self.differing.is_empty()
    }
}

impl SchemaFile {
    /// Reads it. Fails where none is named, or where it is not ours to write.
    pub(crate) fn of(settings: &Settings) -> Result<SchemaFile> {
        let named = settings.schema.file.clone();
        let name = named.ok_or(SchemaError::NoFile)?;
        if settings.schema.is_shared {
            return Err(SchemaError::SharedFile { file: name }.into());
        }
        let (root, is_folder) = (settings.root.clone(), settings.schema.is_folder);
        let found = if is_folder { in_folder(&root, &name)? } else { alone(&root, &name)? };
        Ok(SchemaFile { name, is_folder, root, found })
    }

    /// Compares the files with the result of the migrations. Line endings are ignored, because git
    /// may change them. Fails if a file that cargo db did not write would be replaced.
    pub(crate) fn compare(&self, generated: &GeneratedSchema) -> Result<Comparison> {
        let mut differing = Vec::new();
        for (name, now) in &generated.texts {
            let text = self.found.get(name);
            if text.is_some_and(|text| !is_ours(text)) {
                return Err(SchemaError::NotOurs { file: name.clone() }.into());
            }
            differing.extend(differing_file(name, text, now));
        }
        for (name, text) in &self.found {
            if !generated.texts.contains_key(name) && is_marked(text) {
                let (name, state) = (name.clone(), FileState::Stale);
                differing.push(DifferingFile { name, state, differences: Vec::new() });
            }
        }
        let before = self.found.values().find_map(|text| major(text));
        let now = generated.texts.values().find_map(|text| major(text));
        Ok(Comparison {
            file: self.name.clone(),
            is_folder: self.is_folder,
            is_there: generated.texts.keys().any(|name| self.found.contains_key(name)),
            other_major: before.filter(|before| Some(*before) != now),
            differing,
            not_run: generated.not_run.clone(),
        })
    }

    /// Replaces each file in a single step, and removes stale files.
    pub(crate) fn write(&self, comparison: &Comparison, texts: &SchemaTexts) -> Result<()> {
        for file in &comparison.differing {
            let path = self.root.join(&file.name);
            match (texts.get(&file.name), file.state) {
                (None, _) | (_, FileState::Stale) => files::remove_file(&path)?,
                (Some(text), _) => edit::rewrite(&path, text)?,
            }
        }
        Ok(())
    }
}

/// How a file differs from what it should be; `None` if it does not differ.
fn differing_file(name: &Path, text: Option<&String>, now: &str) -> Option<DifferingFile> {
    let before = text.map(|text| text.replace("\r\n", "\n"));
    if before.as_deref() == Some(now) {
        return None;
    }
    let state = if before.is_none() { FileState::Missing } else { FileState::Differs };
    let differences = differences(&before.unwrap_or_default(), now);
    Some(DifferingFile { name: name.to_owned(), state, differences })
}

/// The schema file, if it is not a folder.
fn alone(root: &Path, name: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let text = read(&root.join(name))?;
    if text.as_ref().is_some_and(|text| !is_ours(text)) {
        return Err(SchemaError::NotOurs { file: name.to_owned() }.into());
    }
    Ok(text.into_iter().map(|text| (name.to_owned(), text)).collect())
}

/// The SQL files of a folder, including those that cargo db did not write.
fn in_folder(root: &Path, name: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    for file in files::listed_files(&root.join(name), 1) {
        let file = name.join(file);
        if file.extension().is_some_and(|ending| ending == "sql") {
            found.extend(read(&root.join(&file))?.map(|text| (file, text)));
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Option<String>> {
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&files::read(path)?).into_owned()))
}
