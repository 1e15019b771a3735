//! What people call a backup: its name, its path as a shell completes it, or its number in the
//! list.

use std::path::{Component, Path, PathBuf};

use crate::backup::folder::{BackupFolder, warn_about_unusable};
use crate::failure::{BackupError, Failure, Result, SettingsError};
use crate::model::backup::Backup;
use crate::model::path::without_dots;
use crate::world::{World, files};

/// The meaning of an argument on the command line.
pub(crate) enum RestoreArgument {
    /// A backup of the folder.
    Backup(Box<Backup>),
    /// Another file or folder, relative to the current folder.
    File(PathBuf),
}

impl RestoreArgument {
    pub(crate) fn backup(backup: Backup) -> RestoreArgument {
        RestoreArgument::Backup(Box::new(backup))
    }
}

impl BackupFolder {
    /// The named backup, or else the newest one, with a notice of those that were skipped.
    pub(crate) fn resolve_argument(
        &self,
        world: &World,
        name: Option<&str>,
        database: &str,
    ) -> Result<Backup> {
        let Some(name) = name else {
            let (backup, others) = self.newest(database)?;
            warn_about_unusable(world, &backup, &others);
            return Ok(backup);
        };
        self.find(name)
    }

    /// The backup that an argument selects.
    pub(crate) fn find(&self, word: &str) -> Result<Backup> {
        match self.named(word)? {
            RestoreArgument::Backup(backup) => Ok(*backup),
            RestoreArgument::File(path) => {
                let folder = self.path().display();
                let what = format!("`{}` with a manifest in `{folder}`", path.display());
                Err(BackupError::NotFound { what }.into())
            }
        }
    }

    /// The meaning of an argument. The name of a backup takes precedence over a file; `./` selects
    /// the file.
    pub(crate) fn named(&self, word: &str) -> Result<RestoreArgument> {
        if self.has(word) {
            return self.of_name(word).map(RestoreArgument::backup);
        }
        if word.trim().is_empty() {
            let what = "the name of the backup is empty".to_owned();
            return Err(SettingsError::Usage { what }.into());
        }
        let path = files::current_dir()?.join(word);
        let exists = files::exists(&path) || path.is_dir();
        if let Some(name) = self.name_of_end(word).filter(|_| !exists) {
            return self.of_name(&name).map(RestoreArgument::backup);
        }
        if let Some(name) = self.name_of(&path).filter(|name| self.is_ours(name, &path)) {
            return self.of_path(&name).map(RestoreArgument::backup);
        }
        if path.is_dir() {
            return self.of_folder(word, path);
        }
        if exists {
            return files::real_path(&path).map(RestoreArgument::File);
        }
        if let Some(backup) = self.listed_as(word)? {
            return Ok(RestoreArgument::backup(backup));
        }
        Err(self.unknown(word))
    }

    /// Whether a path into the folder can only mean one of its backups: one with a manifest, or a
    /// half-written one. Any other file in the folder is treated as a file.
    fn is_ours(&self, name: &str, path: &Path) -> bool {
        let mut parts = Path::new(name).components();
        let is_partial =
            parts.any(|part| part.as_os_str().as_encoded_bytes().ends_with(b".partial"));
        let is_file = files::size(path).is_some() || files::size(&path.join("toc.dat")).is_some();
        self.has(name) || is_partial || !is_file
    }

    /// The backup that a path into the backup folder means: its extension may be missing.
    fn of_path(&self, name: &str) -> Result<Backup> {
        if self.has(name) || name.contains(".partial") {
            return self.of_name(name);
        }
        let is_number = name.parse::<usize>().is_ok();
        let backup = if is_number { None } else { self.listed_as(name)? };
        backup.ok_or_else(|| self.unknown(name))
    }

    /// A folder that is a dump. One that holds backups is not, and the newest of them is named.
    fn of_folder(&self, word: &str, path: PathBuf) -> Result<RestoreArgument> {
        let is_backup_folder = without_dots(&path) == without_dots(self.path());
        let inside = BackupFolder::new(&path);
        let listed = inside.list().map(|listing| listing.backups).unwrap_or_default();
        if !is_backup_folder && listed.is_empty() {
            return Ok(RestoreArgument::File(path));
        }
        let newest = listed.first().map(|backup| {
            let file = Path::new(word).join(&backup.manifest.name).display().to_string();
            shell_words::quote(&file).into_owned()
        });
        Err(BackupError::Folder { folder: word.to_owned(), newest }.into())
    }

    /// The name of the backup, if a path leads to it from the folder that contains the backup
    /// folder, as other messages show it.
    fn name_of_end(&self, word: &str) -> Option<String> {
        let path = without_dots(Path::new(word));
        let (folder, name) = (path.parent()?, path.file_name()?.to_str()?);
        let name = name.strip_suffix(".manifest.json").unwrap_or(name);
        let leads_there = !folder.as_os_str().is_empty() && self.path().ends_with(folder);
        (leads_there && self.has(name)).then(|| name.to_owned())
    }

    /// The name of the backup, if the path leads into the backup folder.
    fn name_of(&self, path: &Path) -> Option<String> {
        let path = without_dots(path);
        let name = path.strip_prefix(without_dots(self.path())).ok()?.to_str()?;
        let name = name.strip_suffix(".manifest.json").unwrap_or(name);
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The backup with this number in the list, or the only backup whose name without its extension
    /// begins with the argument.
    fn listed_as(&self, word: &str) -> Result<Option<Backup>> {
        let mut listed = self.list()?.backups;
        if let Ok(number) = word.parse::<usize>() {
            let index = number.checked_sub(1).filter(|index| *index < listed.len());
            return Ok(index.map(|index| listed.swap_remove(index)));
        }
        let is_meant = |backup: &Backup| {
            let rest = backup.manifest.name.strip_prefix(word);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        listed.retain(is_meant);
        Ok(if listed.len() == 1 { listed.pop() } else { None })
    }

    fn unknown(&self, word: &str) -> Failure {
        if matches!(word, "latest" | "newest" | "last") {
            let what = format!(
                "there is no backup named `{word}`; for the newest backup, pass `--latest`"
            );
            return SettingsError::Usage { what }.into();
        }
        if Path::new(word).components().count() > 1 {
            let path = files::current_dir().unwrap_or_default().join(word);
            return BackupError::NoFile { path: without_dots(&path).display().to_string() }.into();
        }
        let what = format!("`{word}` in `{}`", self.path().display());
        match self.beginning_with(word).as_slice() {
            [] => BackupError::NotFound { what }.into(),
            names => {
                let (what, names) = (format!("named {what}"), names.join("`, `"));
                let what = format!("there is no backup {what}; those that begin so are `{names}`");
                SettingsError::Usage { what }.into()
            }
        }
    }

    /// Up to five backups whose names begin with a word.
    fn beginning_with(&self, word: &str) -> Vec<String> {
        let listed = self.list().map(|listing| listing.backups).unwrap_or_default();
        let names = listed.into_iter().map(|backup| backup.manifest.name);
        names.filter(|name| name.starts_with(word)).take(5).collect()
    }
}

/// A path as it can be typed from a folder, where both are absolute.
pub(crate) fn from_folder(path: &Path, folder: &Path) -> PathBuf {
    let common = path.components().zip(folder.components()).take_while(|(a, b)| a == b).count();
    // Where only the root is common, the whole path says it better.
    if common < 2 {
        return path.to_owned();
    }
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_shown_as_it_can_be_typed() {
        for (folder, said) in [
            ("/projects/shop", "backups/a.sql"),
            ("/projects/shop/seeds", "../backups/a.sql"),
            ("/projects/shop/backups", "a.sql"),
            ("/srv/other", "/projects/shop/backups/a.sql"),
        ] {
            let path = Path::new("/projects/shop/backups/a.sql");
            assert_eq!(from_folder(path, Path::new(folder)), Path::new(said), "{folder}");
        }
    }
}
