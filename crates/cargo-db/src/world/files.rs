//! Files and folders. Every error names its path.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};

use crate::failure::{Failure, Kind, Result};
use crate::model::layout::{Found, Layout};
use crate::model::migration::{Checksum, Folder};
use crate::model::script::{ScriptError, statements};
use crate::model::seed::{self, Seed, SeedKind};

/// Makes a failure out of an I/O error.
fn failed<'a>(doing: &'static str, path: &'a Path) -> impl Fn(io::Error) -> Failure + use<'a> {
    move |error| Kind::File { doing, path: path.to_owned(), why: error.to_string() }.into()
}

/// The folder we were started in.
pub(crate) fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(failed("find the current folder", Path::new(".")))
}

/// A file's text, for settings; `None` where there is none.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A file's bytes. Most files here are small and there may be thousands of them, so the system
/// is not asked for each one's size first.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed("read", path))?;
    let mut buffer = [0; 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) if bytes.is_empty() && count == buffer.len() => {
                bytes.extend_from_slice(&buffer);
                file.read_to_end(&mut bytes).map_err(failed("read", path))?;
                return Ok(bytes);
            }
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("read", path)(error)),
        }
    }
}

/// All migrations of a folder; an absent folder holds none.
pub(crate) fn migrations(layout: Layout, folder: &Path, shown: &Path) -> Result<Folder> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Folder::default()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let shown = folder.strip_prefix(shown).unwrap_or(folder);
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("read", folder))?;
        let name = entry.file_name();
        let is_sql = name.as_encoded_bytes().ends_with(b".sql");
        if is_sql && !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let bytes = read(&folder.join(&name))?;
            found.push(Found { path: shown.join(&name), bytes });
        }
    }
    Ok(layout.read(found))
}

/// All seeds below a folder, in the order in which they are loaded: by name, what is for all
/// environments before what is for one.
pub(crate) fn seeds(folder: &Path) -> Result<Vec<Seed>> {
    let mut seeds = Vec::new();
    for path in walk(folder)? {
        let Some(kind) = seed::kind(&path) else { continue };
        let bytes = read(&path)?;
        let tables = match &kind {
            SeedKind::Csv { table } => [table.clone()].into(),
            SeedKind::Sql => {
                let bad = |error: ScriptError| Kind::BadScript { file: path.clone(), why: error.to_string() };
                seed::filled_tables(&statements(&bytes).map_err(bad)?)
            }
        };
        let relative = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let checksum = sha256(&bytes);
        seeds.push(Seed { path: relative, file: path, kind, checksum, tables });
    }
    seeds.sort_by(|a, b| (a.only_for(), &a.path).cmp(&(b.only_for(), &b.path)));
    Ok(seeds)
}

/// The digest by which a seed is recognised.
pub(crate) fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of_digest(digest(&SHA256, bytes).as_ref())
}

fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed("read", folder))?.path();
        if path.is_dir() {
            paths.extend(walk(&path)?);
        } else {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// Writes a file that must not exist yet.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).open(path).map_err(failed("create", path))?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // A file that is half there would be taken for a whole one.
        let _ = fs::remove_file(path);
        failed("write", path)(error)
    })
}

/// Makes a folder that only we may look into. One that is there already must be ours alone:
/// in a shared place such as `/tmp` somebody else may have been first.
pub(crate) fn private_dir(path: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).recursive(false).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("make", path)(error)),
    }
    let metadata = fs::symlink_metadata(path).map_err(failed("look at", path))?;
    let owner_is_fine =
        metadata.uid() == rustix::process::geteuid().as_raw() || rustix::process::geteuid().is_root();
    if metadata.is_dir() && owner_is_fine && metadata.mode() & 0o077 == 0 {
        return Ok(());
    }
    let why = "it is there already, and it is not a folder of ours that nobody else may enter".to_owned();
    Err(Kind::File { doing: "use", path: path.to_owned(), why }.into())
}

/// Removes a folder with all it holds; one that is not there is removed already.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a file; one that is not there is removed already.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Gives a file or folder another name.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(failed("rename", from))
}

/// Gives a path to another user.
pub(crate) fn chown(path: &Path, uid: u32, gid: u32) -> Result<()> {
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(failed("change the owner of", path))
}

/// The names in a folder; none where there is no folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// A lock between processes, held until the file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path);
    let file = file.map_err(failed("open", path))?;
    file.lock().map_err(failed("lock", path))?;
    Ok(file)
}

/// A file to append to, and its length now.
pub(crate) fn append(path: &Path) -> Result<(File, u64)> {
    let file =
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed("open", path))?;
    let length = file.metadata().map_err(failed("look at", path))?.len();
    Ok((file, length))
}

/// What a file holds from `start` on, as far as it can be read.
pub(crate) fn tail(path: &Path, start: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let _ = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut text));
    }
    String::from_utf8_lossy(&text).into_owned()
}
