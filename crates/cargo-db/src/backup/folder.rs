//! The backup folder: lists the backups by their manifests, and removes our own files.

use std::fs::File;
use std::path::{Component, Path, PathBuf};

use crate::failure::{BackupError, Result};
use crate::model::backup::{
    ARCHIVE, Backup, FORMAT_VERSION, Format, LATEST, Manifest, SET_MANIFEST, Verification,
    archived_name, is_safe_name, is_set_name, manifest_name, verification_name,
};
use crate::model::event::Event;
use crate::settings::Settings;
use crate::world::clock::now;
use crate::world::{World, file_lock, files};

/// A folder of backups.
pub(crate) struct BackupFolder {
    path: PathBuf,
}

/// What is in it.
#[derive(Debug, Default)]
pub(crate) struct BackupListing {
    /// The newest first.
    pub(crate) backups: Vec<Backup>,
    /// Invalid manifests, each with the reason.
    pub(crate) broken: Vec<(String, String)>,
}

impl BackupFolder {
    /// The folder at this path, whether it exists or not.
    pub(crate) fn new(path: &Path) -> BackupFolder {
        BackupFolder { path: path.to_owned() }
    }

    /// The folder that the settings name.
    pub(crate) fn of(settings: &Settings) -> BackupFolder {
        BackupFolder::new(&settings.backup.dir.value)
    }

    /// The path of something in it.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Its own path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it, for us alone, and keeps other writers out until the lock is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        files::create_ignored_dir(&self.path)?;
        let lock = file_lock::lock(&self.path.join(".lock"))?;
        self.clear_unfinished()?;
        Ok(lock)
    }

    /// The same, if nobody else holds the lock.
    pub(crate) fn try_lock(&self) -> Result<Option<File>> {
        files::create_ignored_dir(&self.path)?;
        let lock = file_lock::try_lock(&self.path.join(".lock"))?;
        if lock.is_some() {
            self.clear_unfinished()?;
        }
        Ok(lock)
    }

    /// Removes unfinished backups. With the exclusive lock, they can only belong to killed runs.
    fn clear_unfinished(&self) -> Result<()> {
        for name in files::names(&self.path).into_iter().filter(|name| name.ends_with(".partial")) {
            if let Some(data) = name.strip_suffix(UNFINISHED) {
                self.clear_incomplete(data)?;
            }
            remove_any(&self.path.join(name))?;
        }
        Ok(())
    }

    /// Removes the files of a backup whose publication or removal was interrupted, unless its
    /// manifest exists.
    fn clear_incomplete(&self, name: &str) -> Result<()> {
        if !is_safe_name(name) || files::exists(&self.path.join(manifest_name(name))) {
            return Ok(());
        }
        files::remove_file(&self.path.join(verification_name(name)))?;
        remove_any(&self.path.join(name))
    }

    /// Keeps writers out, and lets other readers in.
    pub(crate) fn lock_shared(&self) -> Result<File> {
        files::create_ignored_dir(&self.path)?;
        file_lock::lock_shared(&self.path.join(".lock"))
    }

    /// All backups. Files without one of our manifests are ignored.
    pub(crate) fn list(&self) -> Result<BackupListing> {
        let mut found = BackupListing::default();
        for name in self.names() {
            match self.load(&name) {
                Ok(backup) => found.backups.push(backup),
                Err(why) => found.broken.push((name, why)),
            }
        }
        found.backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.finished));
        found.broken.sort();
        Ok(found)
    }

    /// The names of all backups with one of our manifests: files and folders next to it, sets
    /// around it.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = files::names(&self.path)
            .iter()
            .filter_map(|file| file.strip_suffix(".manifest.json").map(str::to_owned))
            .collect();
        for place in [LATEST, ARCHIVE] {
            let sets = files::names(&self.path.join(place))
                .into_iter()
                .map(|set| format!("{place}/{set}"));
            names.extend(sets.filter(|set| files::exists(&self.path.join(manifest_name(set)))));
        }
        names
    }

    /// One backup by its name, or why its manifest is invalid.
    fn load(&self, name: &str) -> std::result::Result<Backup, String> {
        if !is_safe_name(name) && !is_set_name(name) {
            return Err("its name leads outside the folder".to_owned());
        }
        let mut manifest = read_manifest(&self.path.join(manifest_name(name)))?;
        let called = match name.split_once('/') {
            Some((ARCHIVE, _)) => format!("{ARCHIVE}/{}", archived_name(&manifest)),
            Some((place, _)) => format!("{place}/{}", manifest.name),
            None => manifest.name.clone(),
        };
        if called != name || (manifest.format == Format::Set) != name.contains('/') {
            return Err(format!("its manifest belongs to `{called}`"));
        }
        name.clone_into(&mut manifest.name);
        let sidecar = files::read_if_there(&self.path.join(verification_name(name))).ok().flatten();
        let verification = sidecar.and_then(|text| serde_json::from_str(&text).ok());
        Ok(Backup { manifest, verification })
    }

    /// The newest complete backup of a database that a person took; and newer ones that were not
    /// chosen, each with the reason.
    pub(crate) fn newest(&self, database: &str) -> Result<(Backup, Vec<String>)> {
        let is_of_it = |backup: &Backup| backup.manifest.database.name == database;
        let found = self.list()?.backups.into_iter().filter(is_of_it);
        self.newest_of(database, found.collect())
    }

    /// The newest of these, the newest first, in the same way.
    pub(crate) fn newest_of(
        &self,
        database: &str,
        found: Vec<Backup>,
    ) -> Result<(Backup, Vec<String>)> {
        let (now, mut others) = (now(), Vec::new());
        for backup in found {
            match backup.manifest.unusable_reason(now) {
                None => return Ok((backup, others)),
                Some(why) => others.push(format!("{}: {why}", backup.manifest.name)),
            }
        }
        let folder = self.path.display().to_string();
        if others.is_empty() {
            return Err(
                BackupError::NotFound { what: format!("of `{database}` in `{folder}`") }.into()
            );
        }
        Err(BackupError::NoneWhole { database: database.to_owned(), folder, others }.into())
    }

    /// The newest complete backup of a database that was verified, and why others do not count.
    pub(crate) fn newest_verified(&self, database: &str) -> Result<(Option<Backup>, Vec<String>)> {
        let is_meant =
            |backup: &Backup| backup.is_verified() && backup.manifest.database.name == database;
        let found: Vec<Backup> = self.list()?.backups.into_iter().filter(is_meant).collect();
        Ok(match self.newest_of(database, found) {
            Ok((newest, others)) => (Some(newest), others),
            Err(failure) => (None, failure.why()),
        })
    }

    /// Whether it has a manifest of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        let is_name = is_safe_name(name) || is_set_name(name);
        is_name && files::exists(&self.path.join(manifest_name(name)))
    }

    /// The backup of exactly this name.
    pub(crate) fn of_name(&self, name: &str) -> Result<Backup> {
        if !is_safe_name(name) && !is_set_name(name) {
            return Err(BackupError::Name { name: name.to_owned() }.into());
        }
        if !files::exists(&self.path.join(manifest_name(name))) {
            return Err(BackupError::NotFound {
                what: format!("`{name}` with a manifest in `{}`", self.path.display()),
            }
            .into());
        }
        self.load(name).map_err(|why| {
            BackupError::Unsound { name: name.to_owned(), problems: vec![why] }.into()
        })
    }

    /// Writes the result of a verification.
    pub(crate) fn note(&self, name: &str, verification: &Verification) -> Result<()> {
        files::replace(&self.path.join(verification_name(name)), &to_json(verification))
    }

    /// Gives a complete file its final name and writes the manifest, which makes it a backup.
    pub(crate) fn publish(&self, partial: &Path, manifest: &Manifest) -> Result<()> {
        let name = &manifest.name;
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        files::private_file(&unfinished)?;
        files::rename(partial, &self.path.join(name))?;
        files::sync_dir(&self.path)?;
        files::replace(&self.path.join(manifest_name(name)), &to_json(manifest))?;
        files::remove_file(&unfinished)
    }

    /// Gives a set that is complete its place as the latest; the one before it is archived.
    pub(crate) fn publish_set(&self, partial: &Path, manifest: &Manifest) -> Result<()> {
        files::replace(&partial.join(SET_MANIFEST), &to_json(manifest))?;
        let (latest, archive) = (self.path.join(LATEST), self.path.join(ARCHIVE));
        files::create_closed_dir(&latest)?;
        files::create_closed_dir(&archive)?;
        for set in files::names(&latest) {
            if let Ok(before) = read_manifest(&latest.join(&set).join(SET_MANIFEST)) {
                files::rename(&latest.join(&set), &archive.join(archived_name(&before)))?;
            }
        }
        files::sync_dir(&archive)?;
        files::rename(partial, &latest.join(&manifest.name))?;
        files::sync_dir(&latest)
    }

    /// Removes a backup, its manifest first, so that an interrupted removal leaves no broken
    /// backup.
    pub(crate) fn remove(&self, backup: &Backup) -> Result<()> {
        let name = &backup.manifest.name;
        if let Some((_, set)) = name.split_once('/') {
            let partial = self.path.join(format!("{set}.partial"));
            files::rename(&self.path.join(name), &partial)?;
            return files::remove_dir(&partial);
        }
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        files::rename(&self.path.join(manifest_name(name)), &unfinished)?;
        self.clear_incomplete(name)?;
        files::remove_file(&unfinished)
    }
}

/// Fails for a backup that holds a part only.
pub(crate) fn refuse_part(manifest: &Manifest) -> Result<()> {
    let part = manifest.part();
    if part.is_empty() {
        return Ok(());
    }
    let (name, database) = (manifest.name.clone(), manifest.database.name.clone());
    Err(BackupError::Part { name, database, part }.into())
}

/// Warns which backup was chosen as the newest if there are newer ones.
pub(crate) fn warn_about_unusable(world: &World, taken: &Backup, others: &[String]) {
    if !others.is_empty() {
        let (name, others) = (&taken.manifest.name, others.join("; "));
        let message = format!("{name} is the newest complete backup; skipped: {others}");
        world.emit(Event::Notice { severity: "note".to_owned(), message });
    }
}

fn remove_any(path: &Path) -> Result<()> {
    if files::exists(path) && path.is_dir() {
        files::remove_dir(path)
    } else {
        files::remove_file(path)
    }
}

/// The suffix of a backup's name while it is published or removed. If the run is killed, the rest
/// is found by this name.
const UNFINISHED: &str = ".unfinished.partial";

/// Whether a path is a set, in any folder.
pub(super) fn is_set(path: &Path) -> bool {
    let manifest = path.join(SET_MANIFEST);
    path.is_dir() && read_manifest(&manifest).is_ok_and(|manifest| manifest.format == Format::Set)
}

/// Reads a manifest, or says why it is invalid.
pub(super) fn read_manifest(path: &Path) -> std::result::Result<Manifest, String> {
    if !files::exists(path) {
        return Err("its manifest is a symbolic link".to_owned());
    }
    let text = files::read_if_there(path).map_err(|error| error.to_string())?.unwrap_or_default();
    let mut manifest: Manifest = serde_json::from_str(&text).map_err(|error| {
        newer_format(&text).unwrap_or_else(|| format!("its manifest cannot be read: {error}"))
    })?;
    manifest.upgrade();
    let stays =
        |path: &str| Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    match manifest.files.iter().find(|file| !stays(&file.path)) {
        Some(file) => {
            Err(format!("its manifest names `{}`, which leads outside the folder", file.path))
        }
        None => Ok(manifest),
    }
}

/// Why a manifest cannot be read, if its format is one that only newer versions of cargo db know.
fn newer_format(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct WithFormat {
        format_version: u32,
    }
    let WithFormat { format_version } = serde_json::from_str(text).ok()?;
    (format_version > FORMAT_VERSION).then(|| {
        format!(
            "its manifest has format {format_version}, but this version of cargo db reads only \
             formats up to {FORMAT_VERSION}: use the version that took the backup"
        )
    })
}

fn to_json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}
