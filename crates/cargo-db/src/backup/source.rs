//! The source of a restore: one of our backups, or any file that `pg_dump` wrote.

use std::cell::{OnceCell, RefCell};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::backup::allowed::LoadFilter;
use crate::backup::content::{ARCHIVE_TOOL, Text};
use crate::backup::folder::{BackupFolder, is_set, read_manifest, refuse_part};
use crate::backup::integrity::{changed, file_entries};
use crate::failure::{BackupError, Failure, Kind, Result};
use crate::model::backup::{
    Backup, FileEntry, Format, Manifest, SET_MANIFEST, SET_ROLES, manifest_name,
};
use crate::model::environment::Environment;
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::header::ArchiveHeader;
use crate::world::kind::{FileContent, FileKind, Packing, plain_text, recognise};
use crate::world::process::ClientProgram;
use crate::world::server::{Binaries, client};
use pg_sql::survey::Survey;

/// The source of a restore: one of our backups, or any file that `pg_dump` wrote.
pub(crate) struct RestoreSource {
    pub(crate) name: String,
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(crate) manifest: Option<Manifest>,
    /// How many tables are loaded in parallel, if the format allows it; by default, the number of
    /// processors.
    pub(crate) jobs: Option<usize>,
    /// The roles of the server that a set came from.
    pub(super) roles: Option<PathBuf>,
    /// Which of its statements are run.
    pub(super) wanted: LoadFilter,
    /// What the header of an archive without a manifest says.
    header: Option<ArchiveHeader>,
    /// Whether it is compressed and has to be unpacked.
    is_packed: bool,
    is_tar: bool,
    /// The role that loads a new database; `None` for the connecting role.
    pub(super) loads_as: Option<String>,
    /// What looking through it found, once that was done.
    pub(super) survey: OnceCell<Survey>,
    /// The files that were consented to, with their SHA-256; empty if no consent was needed.
    pub(super) agreed: RefCell<Vec<(PathBuf, String)>>,
}

impl RestoreSource {
    /// One of our backups.
    pub(crate) fn of(folder: &BackupFolder, backup: &Backup) -> RestoreSource {
        RestoreSource {
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
            wanted: LoadFilter::DUMP,
            loads_as: None,
            header: None,
            is_packed: false,
            is_tar: false,
            survey: OnceCell::new(),
            agreed: RefCell::default(),
        }
    }

    /// The environment of the database that it is of, where that is known.
    pub(crate) fn environment(&self) -> Option<Environment> {
        let manifest = self.manifest.as_ref()?;
        Some(Environment::named(&manifest.environment).unwrap_or(Environment::Production))
    }

    /// The same, with as many tables at once.
    pub(crate) fn with_jobs(self, jobs: Option<usize>) -> RestoreSource {
        RestoreSource { jobs, ..self }
    }

    /// The same, loaded as this role.
    pub(crate) fn with_role(self, loads_as: Option<String>) -> RestoreSource {
        RestoreSource { loads_as, ..self }
    }

    /// The same, with a filter for its statements.
    pub(crate) fn with_wanted(self, wanted: LoadFilter) -> RestoreSource {
        RestoreSource { wanted, ..self }
    }

    /// Any file or folder, recognised by its content.
    pub(crate) fn file(path: &Path) -> Result<RestoreSource> {
        if is_set(path) {
            return RestoreSource::with_manifest(path, &path.join(SET_MANIFEST));
        }
        let manifest = manifest_beside(path);
        let is_of_it = |manifest: &Manifest| path.file_name() == Some(OsStr::new(&manifest.name));
        // Under another name than the manifest's, it is a file like any other.
        if read_manifest(&manifest).is_ok_and(|manifest| is_of_it(&manifest)) {
            return RestoreSource::with_manifest(path, &manifest);
        }
        let found = if path.is_dir() { toc_of(path)? } else { recognise(path)? };
        let is_tar = matches!(found.content, FileContent::Tar(_));
        let (format, header) = match found.content {
            FileContent::Sql => (Format::Sql, None),
            FileContent::Custom(header) if path.is_dir() => (Format::Directory, Some(header)),
            FileContent::Custom(header) | FileContent::Tar(header) => {
                (Format::Custom, Some(header))
            }
        };
        Ok(RestoreSource {
            name: path.display().to_string(),
            path: path.to_owned(),
            format,
            manifest: None,
            jobs: None,
            roles: None,
            wanted: LoadFilter::DUMP,
            loads_as: None,
            header,
            is_packed: found.packing != Packing::Unpacked,
            is_tar,
            survey: OnceCell::new(),
            agreed: RefCell::default(),
        })
    }

    /// Fails if its manifest says that it contains only a part.
    pub(crate) fn is_whole(&self) -> Result<()> {
        let manifest = read_manifest(&manifest_beside(&self.path));
        manifest.map_or(Ok(()), |manifest| refuse_part(&manifest))
    }

    /// A backup outside the backup folder.
    fn with_manifest(path: &Path, manifest: &Path) -> Result<RestoreSource> {
        let folder = BackupFolder::new(path.parent().unwrap_or(Path::new("/")));
        let unsound =
            |problems| BackupError::Unsound { name: path.display().to_string(), problems };
        let manifest = read_manifest(manifest).map_err(|why| unsound(vec![why]))?;
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let backup = Backup { manifest: Manifest { name, ..manifest }, verification: None };
        let problems = changed(&folder, &backup)?;
        if problems.is_empty() {
            let name = path.display().to_string();
            return Ok(RestoreSource { name, ..RestoreSource::of(&folder, &backup) });
        }
        Err(unsound(problems).into())
    }

    /// The files that it consists of.
    pub(super) fn holds(&self) -> Result<Vec<FileEntry>> {
        match &self.manifest {
            Some(manifest) => Ok(manifest.files.clone()),
            None => file_entries(&self.path),
        }
    }

    /// The hash that a consent covers: the checksum of every byte that will be read.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let holds = self.holds()?;
        self.agree_to(&holds);
        let files = holds.iter().map(|file| format!("{} {}\n", file.path, file.sha256));
        Ok(files.chain(self.wanted.flags()).chain(self.loads_as.clone()).collect())
    }

    /// The whole of it as SQL.
    pub(super) fn text(&self, world: &World, settings: &Settings) -> Result<Box<dyn Text>> {
        Ok(match self.format {
            Format::Sql => Box::new(plain_text(&self.path)?),
            _ => Box::new(self.archive_text(world, settings, &[])?),
        })
    }

    /// The output of `pg_restore` with these options. An SQL file cannot be split.
    pub(super) fn archive_text(
        &self,
        world: &World,
        settings: &Settings,
        options: &[String],
    ) -> Result<ClientProgram> {
        if self.format == Format::Sql {
            let problems = vec![
                "format: a part can only be restored from a set or an archive, but this is an SQL \
                 file"
                    .to_owned(),
            ];
            return Err(BackupError::CannotRestore { name: self.name.clone(), problems }.into());
        }
        let program = self.archive_tool(settings, 0)?.program(ARCHIVE_TOOL);
        let mut arguments = [options, &self.wanted.flags(), &["--file=-".to_owned()]].concat();
        let nowhere = Target::without_server();
        if !self.is_packed {
            arguments.push(self.path.display().to_string());
            return ClientProgram::start(world, &program, &arguments, &nowhere);
        }
        let input = plain_text(&self.path)?;
        ClientProgram::start_reading(world, &program, &arguments, &nowhere, input)
    }

    /// Whether `pg_restore` can load several of its tables at once.
    pub(super) fn has_random_access(&self) -> bool {
        self.format != Format::Sql && !self.is_packed && !self.is_tar
    }

    /// The major version of the server that it is from, where that is known.
    pub(super) fn server_major(&self) -> Option<u32> {
        let of_header = || self.header.as_ref()?.server_major();
        let Some(manifest) = &self.manifest else { return of_header() };
        manifest.server.version.split('.').next()?.parse().ok()
    }

    /// The oldest client that can read it, and is not older than the server.
    pub(super) fn archive_tool(&self, settings: &Settings, server_major: u32) -> Result<Binaries> {
        let written_by = self.manifest.as_ref().map_or(0, |manifest| manifest.engine.major);
        let reader = self.header.as_ref().map_or(0, ArchiveHeader::reader);
        let found = client(settings.pg_bin(), server_major.max(written_by).max(reader));
        match (found, &self.header) {
            (Err(failure), Some(header)) if reader >= server_major => {
                Err(self.no_reader(header, failure))
            }
            (found, _) => found,
        }
    }

    fn no_reader(&self, header: &ArchiveHeader, failure: Failure) -> Failure {
        match failure.kind() {
            Kind::Backup(BackupError::NoClient { package, .. }) => BackupError::NoReader {
                name: self.name.clone(),
                written_by: header.program.clone(),
                package: package.clone(),
            }
            .into(),
            _ => failure,
        }
    }
}

/// What the folder of a directory archive holds.
fn toc_of(path: &Path) -> Result<FileKind> {
    let toc = path.join("toc.dat");
    if toc.is_file() {
        return recognise(&toc);
    }
    let what = "this folder has no `toc.dat`, which pg_dump writes".to_owned();
    let name = path.display().to_string();
    Err(BackupError::Unreadable { name, what, remedy: None }.into())
}

/// Where the manifest of a backup in a single file is.
fn manifest_beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
    path.with_file_name(manifest_name(&name))
}
