//! What a restore reads: a backup of ours, or any file that `pg_dump` wrote.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use crate::backup::allowed::Allowed;
use crate::backup::content::{ARCHIVE_TOOL, Text, read_content};
use crate::backup::folder::{Folder, is_set, read_manifest, refuse_part};
use crate::backup::integrity::{changed, file_entries};
use crate::failure::{BackupError, Kind, Result};
use crate::model::backup::{Backup, Format, Manifest, SET_MANIFEST, SET_ROLES};
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::archive::{FileKind, plain_text, recognise};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use pg_sql::survey::Survey;

/// What a restore reads: a backup of ours, or any file that `pg_dump` wrote.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(crate) manifest: Option<Manifest>,
    /// Tables at once, where the format allows it; as many as there are processors if nobody says.
    pub(crate) jobs: Option<usize>,
    /// The roles of the server that a set came from.
    pub(super) roles: Option<PathBuf>,
    /// Which of its statements may run.
    pub(super) allowed: Allowed,
    /// What looking through it found, once that was done.
    pub(super) survey: OnceCell<Survey>,
}

impl Source {
    /// A backup of ours.
    pub(crate) fn of(folder: &Folder, backup: &Backup) -> Source {
        Source {
            name: backup.manifest.name.clone(),
            path: folder.path_of(&backup.main_file()),
            format: match backup.manifest.format {
                Format::Set => Format::Custom,
                format => format,
            },
            manifest: Some(backup.manifest.clone()),
            jobs: None,
            roles: (backup.manifest.format == Format::Set)
                .then(|| folder.path_of(&backup.manifest.name).join(SET_ROLES)),
            allowed: Allowed::OfDumps,
            survey: OnceCell::new(),
        }
    }

    /// The environment of the database that it is of, where that is known.
    pub(crate) fn environment(&self) -> Option<Environment> {
        let manifest = self.manifest.as_ref()?;
        Some(Environment::named(&manifest.environment).unwrap_or(Environment::Production))
    }

    /// The same, with as many tables at once.
    pub(crate) fn with_jobs(self, jobs: Option<usize>) -> Source {
        Source { jobs, ..self }
    }

    /// The same, of which these statements may run.
    pub(crate) fn with_allowed(self, allowed: Allowed) -> Source {
        Source { allowed, ..self }
    }

    /// Any file or folder, recognised by its content.
    pub(crate) fn file(path: &Path) -> Result<Source> {
        if is_set(path) {
            return Source::set(path);
        }
        let format = if path.is_dir() {
            Format::Directory
        } else if recognise(path)? == FileKind::Custom {
            Format::Custom
        } else {
            Format::Sql
        };
        let (name, path) = (path.display().to_string(), path.to_owned());
        Ok(Source {
            name,
            path,
            format,
            manifest: None,
            jobs: None,
            roles: None,
            allowed: Allowed::OfDumps,
            survey: OnceCell::new(),
        })
    }

    /// Fails where the manifest beside it says that it holds a part only.
    pub(crate) fn is_whole(&self) -> Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".manifest.json");
        read_manifest(Path::new(&beside)).map_or(Ok(()), |manifest| refuse_part(&manifest))
    }

    /// A set that lies somewhere else than in the backup folder.
    fn set(path: &Path) -> Result<Source> {
        let folder = Folder::new(path.parent().unwrap_or(Path::new("/")));
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let bad = |why: String| BackupError::Unsound { name: name.clone(), problems: vec![why] };
        let manifest = read_manifest(&path.join(SET_MANIFEST)).map_err(bad)?;
        let backup =
            Backup { manifest: Manifest { name: name.clone(), ..manifest }, verification: None };
        let problems = changed(&folder, &backup)?;
        if problems.is_empty() {
            return Ok(Source::of(&folder, &backup));
        }
        Err(BackupError::Unsound { name, problems }.into())
    }

    /// What a consent to restore it is about: the checksum of every byte that will be read.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let files = match &self.manifest {
            Some(manifest) => manifest.files.clone(),
            None => file_entries(&self.path)?,
        };
        Ok(files.iter().map(|file| format!("{} {}\n", file.path, file.sha256)).collect())
    }

    /// The roles and extensions that it cannot be loaded without. A file without a manifest is read
    /// to its end for that, so one that was cut off is refused here.
    pub(super) fn needs(
        &self,
        world: &World,
        settings: &Settings,
    ) -> Result<(Vec<String>, Vec<String>)> {
        if let Some(manifest) = &self.manifest {
            return Ok((manifest.roles.clone(), manifest.extensions.keys().cloned().collect()));
        }
        let content = read_content(world, self.text(world, settings)?).map_err(|failure| {
            match failure.kind() {
                Kind::Backup(BackupError::Failed { why, .. }) => {
                    BackupError::Unsound { name: self.name.clone(), problems: vec![why.clone()] }
                        .into()
                }
                _ => failure,
            }
        })?;
        Ok((content.roles, content.extensions))
    }

    /// The whole of it as SQL.
    pub(super) fn text(&self, world: &World, settings: &Settings) -> Result<Box<dyn Text>> {
        Ok(match self.format {
            Format::Sql => Box::new(plain_text(&self.path)?),
            _ => Box::new(self.archive_text(world, settings, &[])?),
        })
    }

    /// What `pg_restore` makes of it with these options. A file of SQL has no parts to choose from.
    pub(super) fn archive_text(
        &self,
        world: &World,
        settings: &Settings,
        options: &[String],
    ) -> Result<ClientProgram> {
        if self.format == Format::Sql {
            let problems = vec![
                "format: a part is restored from a set or an archive, and this is SQL".to_owned(),
            ];
            return Err(BackupError::CannotRestore { name: self.name.clone(), problems }.into());
        }
        let program = self.archive_tool(settings, 0)?;
        let own = ["--file=-".to_owned(), self.path.display().to_string()];
        ClientProgram::start(world, &program, &[options, &own].concat(), &Target::nowhere())
    }

    /// The major version of the server that it is from, where that is known.
    pub(super) fn server_major(&self) -> Option<u32> {
        self.manifest.as_ref()?.server.version.split('.').next()?.parse().ok()
    }

    /// A `pg_restore` that can read it, and is not older than the server.
    pub(super) fn archive_tool(&self, settings: &Settings, server_major: u32) -> Result<PathBuf> {
        let written_by = self.manifest.as_ref().map_or(0, |manifest| manifest.engine.major);
        Ok(client(settings.pg_bin(), server_major.max(written_by))?.program(ARCHIVE_TOOL))
    }
}
