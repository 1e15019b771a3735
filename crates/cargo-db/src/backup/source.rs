//! What a restore reads, and whether it can be restored here: everything that is missing is named at
//! once, before anything is touched.

use std::path::{Path, PathBuf};

use crate::backup::folder::{Folder, read_manifest};
use crate::backup::roles::missing_roles;
use crate::backup::set;
use crate::backup::verify::{ARCHIVE_TOOL, Text, changed, file_entries, read_content};
use crate::failure::{Kind, Result};
use crate::model::backup::{Backup, Format, Manifest, SET_MANIFEST};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::archive::{FileKind, plain_text, recognise};
use crate::world::pg::{Purpose, Session};
use crate::world::process::ClientProgram;
use crate::world::server::client;
use crate::world::{World, files};
use pg_sql::quote::quote_literal;

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
                .then(|| folder.path_of(&backup.manifest.name).join(set::ROLES)),
        }
    }

    /// Any file or folder, recognised by its content.
    pub(crate) fn file(path: &Path) -> Result<Source> {
        if set::is_set(path) {
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
        Ok(Source { name, path, format, manifest: None, jobs: None, roles: None })
    }

    /// A set that lies somewhere else than in the backup folder.
    fn set(path: &Path) -> Result<Source> {
        let folder = Folder::new(path.parent().unwrap_or(Path::new("/")));
        let name =
            path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let bad = |why: String| Kind::Unsound { name: name.clone(), problems: vec![why] };
        let manifest = read_manifest(&path.join(SET_MANIFEST)).map_err(bad)?;
        let backup =
            Backup { manifest: Manifest { name: name.clone(), ..manifest }, verification: None };
        let problems = changed(&folder, &backup)?;
        if problems.is_empty() {
            return Ok(Source::of(&folder, &backup));
        }
        Err(Kind::Unsound { name, problems }.into())
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
    fn needs(&self, world: &World, settings: &Settings) -> Result<(Vec<String>, Vec<String>)> {
        if let Some(manifest) = &self.manifest {
            return Ok((manifest.roles.clone(), manifest.extensions.keys().cloned().collect()));
        }
        let content = read_content(world, self.text(world, settings)?).map_err(|failure| {
            match failure.kind() {
                Kind::Backup { why, .. } => {
                    Kind::Unsound { name: self.name.clone(), problems: vec![why.clone()] }.into()
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
            return Err(Kind::CannotRestore { name: self.name.clone(), problems }.into());
        }
        let program = self.archive_tool(settings, 0)?;
        let own = ["--file=-".to_owned(), self.path.display().to_string()];
        ClientProgram::start(world, &program, &[options, &own].concat(), &Target::nowhere())
    }

    /// A `pg_restore` that can read it, and is not older than the server.
    pub(super) fn archive_tool(&self, settings: &Settings, server_major: u32) -> Result<PathBuf> {
        let written_by = self.manifest.as_ref().map_or(0, |manifest| manifest.engine.major);
        Ok(client(settings.pg_bin(), server_major.max(written_by))?.program(ARCHIVE_TOOL))
    }
}

/// What a restore will need.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands {
    /// A new database is built.
    pub(crate) builds: bool,
    /// Missing roles are created from the backup.
    pub(crate) brings_roles: bool,
}

/// What was found before anything is touched.
pub(crate) struct Preflight {
    /// Whether there is a database of this name now.
    pub(crate) exists: bool,
    /// How many tables it has: what the swap takes out of sight.
    pub(crate) tables: u64,
}

/// Looks whether the source can be restored here; every obstacle is named at once.
pub(crate) fn preflight(
    world: &World,
    settings: &Settings,
    target: &Target,
    source: &Source,
    demands: Demands,
) -> Result<Preflight> {
    let (mut wanted_roles, wanted_extensions) = source.needs(world, settings)?;
    if demands.brings_roles {
        let come = missing_roles(world, target, source)?;
        wanted_roles.retain(|role| !come.contains(role));
    }
    let mut session = Session::open(world, &target.with_database("postgres"), Purpose::Read)?;
    let sql = format!(
        "SELECT rolname FROM pg_roles; SELECT name FROM pg_available_extensions; \
         SELECT rolcreatedb OR rolsuper, current_setting('server_version_num')::int / 10000 FROM pg_roles WHERE rolname = current_user; \
         SELECT oid FROM pg_database WHERE datname = {}; \
         SELECT setting FROM pg_settings WHERE name = 'data_directory'",
        quote_literal(&target.database)
    );
    let sets = session.result_sets("look whether the backup can be restored here", &sql)?;
    let [roles, extensions, rights, database, data] = sets.as_slice() else {
        return Err(Kind::Bug { what: "the server answered other questions".to_owned() }.into());
    };
    let names = |rows: &[Vec<Option<String>>]| {
        rows.iter().filter_map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    let (roles, extensions) = (names(roles), names(extensions));
    let mut problems: Vec<String> = Vec::new();
    let missing = |wanted: &[String], there: &[String]| -> Vec<String> {
        wanted.iter().filter(|name| !there.contains(name)).cloned().collect()
    };
    problems.extend(missing(&wanted_roles, &roles).iter().map(|role| {
        let set = if source.roles.is_some() { "pass `--roles`" } else { "create it" };
        format!("role: `{role}` does not exist; {set}, or take the backup with `--no-owner`")
    }));
    problems.extend(
        missing(&wanted_extensions, &extensions)
            .iter()
            .map(|name| format!("extension: `{name}` is not installed on the server")),
    );
    let right = rights.first();
    if demands.builds && right.is_none_or(|row| row[0].as_deref() != Some("t")) {
        problems.push(format!(
            "rights: `{}` may not create databases; `--clean` restores in place, in one transaction, and \
             somebody who may can restore `--into` another name",
            target.user
        ));
    }
    if demands.builds {
        problems.extend(lack_of_space(target, source, &names(data)));
    }
    let major: u32 = right.and_then(|row| row[1].as_deref()?.parse().ok()).unwrap_or(0);
    let from: u32 = source
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.server.version.split('.').next()?.parse().ok())
        .unwrap_or(0);
    if from > major {
        problems.push(format!("version: it is from PostgreSQL {from}, and the server is {major}"));
    }
    if !problems.is_empty() {
        return Err(Kind::CannotRestore { name: source.name.clone(), problems }.into());
    }
    let exists = !database.is_empty();
    let tables = if exists { count_tables(world, target)? } else { 0 };
    Ok(Preflight { exists, tables })
}

/// Whether the disk of a server on this machine has no room for a second database.
fn lack_of_space(target: &Target, source: &Source, data_directory: &[String]) -> Option<String> {
    let needed = source.manifest.as_ref()?.database.bytes;
    let free =
        files::free_space(Path::new(data_directory.first()?)).filter(|_| target.is_local())?;
    (free < needed).then(|| {
        format!("space: the new database needs about {needed} bytes beside the old one, and {free} are free")
    })
}

fn count_tables(world: &World, target: &Target) -> Result<u64> {
    let mut session = Session::open(world, target, Purpose::Read)?;
    let count = session.value("count tables", "SELECT count(*) FROM pg_stat_user_tables")?;
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}
