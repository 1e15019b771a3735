//! Files and folders. Every error names its path.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::digest::{SHA256, digest};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use walkdir::WalkDir;

use crate::failure::{CausedBy, Failure, FileError, Result};
use crate::model::migration::Checksum;
use crate::settings::FileOwner;
use crate::world::signal::SignalWatch;
use crate::world::sync;

/// Makes a failure out of an I/O error.
pub(crate) fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> Failure + use<'a> {
    move |error| {
        FileError::Failed { doing, path: path.to_owned(), why: error.to_string() }.caused_by(error)
    }
}

/// The folder we were started in.
pub(crate) fn current_dir() -> Result<PathBuf> {
    std::env::current_dir().map_err(failed("find the current folder", Path::new(".")))
}

/// Opens a file for reading. A FIFO or a device is refused instead of waited for, because it may
/// never end or never deliver data.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    regular(OpenOptions::new().read(true), path)
}

/// Opens a path that has to be a regular file.
pub(super) fn regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let refused = || io::Error::other("it is not a regular file");
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    // The error for a socket, or for a FIFO without a reader.
    let is_odd = |error: &io::Error| error.raw_os_error() == Some(Errno::NXIO.raw_os_error());
    let opened = options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0)).open(path);
    let file = opened.map_err(|error| if is_odd(&error) { refused() } else { error })?;
    let kind = file.metadata()?.file_type();
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Ok(file),
        (_, true) => Err(Errno::ISDIR.into()),
        _ => Err(refused()),
    }
}

/// The text of a settings file; `None` if it does not exist.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match open(path).and_then(io::read_to_string) {
        Ok(text) => Ok(Some(text)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The bytes of a file. There may be thousands of small files, so the size of each is not queried
/// first.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = open(path).map_err(failed("read", path))?;
    let mut buffer = [0; 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(bytes),
            Ok(count) if bytes.is_empty() && count == buffer.len() => {
                bytes.extend_from_slice(&buffer);
                read_rest(&mut file, path, &mut bytes)?;
                return Ok(bytes);
            }
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed("read", path)(error)),
        }
    }
}

/// Reads the rest of a file, which may be long: a signal ends that.
fn read_rest(file: &mut File, path: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    const AT_ONCE: u64 = 4 << 20;
    let vigil = SignalWatch::begin();
    while file.take(AT_ONCE).read_to_end(bytes).map_err(failed("read", path))? > 0 {
        vigil.check()?;
    }
    Ok(())
}

/// Large folders that never contain migrations.
const SKIPPED: [&str; 5] = ["node_modules", "target", "vendor", "venv", "__pycache__"];

/// The content of a folder, down to a depth, without folders such as `node_modules`; ordered by
/// name, the files of each folder first.
pub(super) fn walk_some(
    folder: &Path,
    depth: usize,
) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    WalkDir::new(folder)
        .min_depth(1)
        .max_depth(depth)
        .sort_by(|a, b| {
            let key = |entry: &walkdir::DirEntry| entry.file_type().is_dir();
            key(a).cmp(&key(b)).then_with(|| a.file_name().cmp(b.file_name()))
        })
        .into_iter()
        .filter_entry(|entry| !entry.file_type().is_dir() || is_looked_into(entry.file_name()))
}

/// Whether there is a folder to walk below.
pub(super) fn is_existing_dir(folder: &Path) -> Result<bool> {
    match fs::read_dir(folder) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("read", folder)(error)),
    }
}

/// The failure to walk below a folder.
fn not_walked(folder: &Path) -> impl Fn(walkdir::Error) -> Failure + use<'_> {
    move |error| {
        let path = error.path().unwrap_or(folder).to_owned();
        let why = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
        FileError::Failed { doing: "read", path, why }.into()
    }
}

/// The files below a folder, down to a depth, without those in folders such as `node_modules`;
/// relative to it. None if the folder does not exist.
pub(crate) fn kept_files(folder: &Path, depth: usize) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if is_existing_dir(folder)? {
        for entry in walk_some(folder, depth) {
            let entry = entry.map_err(not_walked(folder))?;
            if !entry.file_type().is_dir() {
                found.extend(entry.path().strip_prefix(folder).ok().map(Path::to_owned));
            }
        }
    }
    Ok(found)
}

/// Whether a file with this path below a folder is among those that [`kept_files`] lists.
pub(crate) fn is_kept(path: &Path, depth: usize) -> bool {
    let above = path.parent().into_iter().flat_map(Path::iter);
    path.components().count() <= depth && above.into_iter().all(is_looked_into)
}

fn is_looked_into(name: &std::ffi::OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.') && !SKIPPED.contains(&name.as_ref())
}

/// The files in a folder, down to a depth, as far as they can be listed; relative to it, ordered
/// by name.
pub(crate) fn listed_files(folder: &Path, depth: usize) -> Vec<PathBuf> {
    walk_some(folder, depth)
        .flatten()
        .filter(|entry| !entry.file_type().is_dir())
        .filter_map(|entry| entry.path().strip_prefix(folder).ok().map(Path::to_owned))
        .collect()
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Checksum {
    Checksum::of_digest(digest(&SHA256, bytes).as_ref())
}

/// All files below a folder, following links; empty if the folder does not exist.
pub(crate) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    if !is_existing_dir(folder)? {
        return Ok(paths);
    }
    for entry in WalkDir::new(folder).min_depth(1).follow_links(true) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => paths.push(entry.into_path()),
            // A dangling link is a file that cannot be read.
            Err(error) => match error.path().filter(|path| path.is_symlink() && !path.exists()) {
                Some(path) => paths.push(path.to_owned()),
                None => return Err(not_walked(folder)(error)),
            },
        }
    }
    Ok(paths)
}

/// Writes a file that must not exist yet.
pub(crate) fn write_new(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed("create", path))?;
    file.write_all(content.as_ref()).map_err(|error| {
        // A partly written file would look like a complete one.
        let _ = fs::remove_file(path);
        failed("write", path)(error)
    })
}

/// Creates a folder and its parents, accessible only to this user.
pub(crate) fn create_closed_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(failed("make", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed("protect", path))
}

/// The same. A new folder gets a `.gitignore` that ignores its content.
pub(crate) fn create_ignored_dir(path: &Path) -> Result<()> {
    let is_new = !path.exists();
    create_closed_dir(path)?;
    if is_new { ignore_all(path) } else { Ok(()) }
}

/// Makes git ignore everything in a folder, including the `.gitignore` itself.
pub(crate) fn ignore_all(folder: &Path) -> Result<()> {
    let path = folder.join(".gitignore");
    if exists(&path) {
        return Ok(());
    }
    // Of several runs that make the folder at once, one is the first.
    write_new(&path, "*\n").or_else(|failure| if exists(&path) { Ok(()) } else { Err(failure) })
}

/// Writes a file that only we may read and that replaces an older one in a single step.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = folder_of(path);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    // The name is always the same, so a file that a killed run left is removed here.
    remove_file(&folder.join(&name))?;
    let partial = tempfile::Builder::new().prefix(&name).rand_bytes(0).tempfile_in(folder);
    replace_with_text(partial.map_err(failed("create", path))?, path, text)
}

/// Writes a text to a temporary file, which replaces another file in a single step.
pub(crate) fn replace_with_text(
    mut partial: tempfile::NamedTempFile,
    path: &Path,
    text: &str,
) -> Result<()> {
    let written = partial.write_all(text.as_bytes()).and_then(|()| partial.as_file().sync_all());
    written.map_err(failed("write", path))?;
    partial.persist(path).map_err(|error| failed("write", path)(error.error))?;
    sync_dir(folder_of(path))
}

/// Creates an empty file that only the current user may read, beside the path of the complete file.
/// It is deleted when dropped.
pub(crate) fn partial_of(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut partial = tempfile::Builder::new();
    partial.prefix(".cargo-db-").suffix(".partial").tempfile_in(folder_of(path))
}

/// Gives a complete file its name in a single step. Fails if the name is taken.
pub(crate) fn keep_new(partial: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    partial.persist_noclobber(path).map_err(|error| error.error)?;
    File::open(folder_of(path))?.sync_all()
}

/// The folder of a file; `.` for a bare file name.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that the names in a folder are on disk.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(failed("sync", path))
}

/// Protects all files below a folder, and brings them to disk.
pub(crate) fn seal_dir(path: &Path) -> Result<()> {
    let (files, mut all) = (walk(path)?, BTreeSet::new());
    for file in &files {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
            .map_err(failed("protect", file))?;
        all.extend(file.ancestors().take_while(|inside| *inside != path));
    }
    sync::all(&all.into_iter().collect::<Vec<_>>()).map_err(failed("sync", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(failed("protect", path))?;
    sync_dir(path)
}

/// Brings a file to disk.
pub(crate) fn sync_file(path: &Path) -> Result<()> {
    open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path))
}

/// The size of a file in bytes; `None` for a link or a missing file.
pub(crate) fn size(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}

/// Makes an empty file that only we may read.
pub(crate) fn private_file(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(failed("create", path))
}

/// The free space on the disk of a path, queried at the nearest accessible folder.
pub(crate) fn free_space(path: &Path) -> Option<u64> {
    let disk = path.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    Some(disk.f_bavail * disk.f_frsize)
}

/// Whether the path exists and is not a link. Files behind a link are not ours.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_symlink())
}

/// The files below a folder, relative to it, sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = walk(folder)?
        .iter()
        .filter_map(|path| path.strip_prefix(folder).ok().map(Path::to_owned))
        .collect();
    files.sort();
    Ok(files)
}

/// Creates a folder that only this user can access. An existing one must belong to this user, or to
/// the user that it is created for: in a shared place such as `/tmp`, somebody else may have
/// created it first.
pub(crate) fn create_private_dir(path: &Path, also: Option<u32>) -> Result<()> {
    match DirBuilder::new().mode(0o700).recursive(false).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("make", path)(error)),
    }
    if is_private(path, also) {
        return Ok(());
    }
    let why = "it already exists, and is not a private folder of this user".to_owned();
    Err(FileError::Failed { doing: "use", path: path.to_owned(), why }.into())
}

/// Creates cargo db's folder in a project, ignored by git.
pub(crate) fn create_own_dir(path: &Path) -> Result<()> {
    let is_new = !path.exists();
    create_private_dirs(path)?;
    if is_new { ignore_all(path) } else { Ok(()) }
}

/// Creates folders inside one of ours.
pub(crate) fn create_private_dirs(path: &Path) -> Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(failed("make", path))
}

/// Whether a path is a folder that belongs to this user, or to the other one, and that nobody else
/// can access.
pub(crate) fn is_private(path: &Path, also: Option<u32>) -> bool {
    let own = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|metadata| {
        let owner = metadata.uid() == own || Some(metadata.uid()) == also;
        metadata.is_dir() && owner && metadata.mode() & 0o077 == 0
    })
}

/// Whether the path is a folder, and not a link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Whether its group or everybody may write to it.
pub(crate) fn is_writable_by_others(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.mode() & 0o022 != 0)
}

/// The owner of a file or a folder; `None` if it does not exist or is a pipe.
pub(crate) fn ownership(path: &Path) -> Option<FileOwner> {
    let link = fs::symlink_metadata(path).ok()?;
    let file = fs::metadata(path).ok();
    let folder = path.parent().and_then(|folder| fs::metadata(folder).ok());
    let about = file.as_ref().unwrap_or(&link);
    let all = [Some(&link), file.as_ref(), folder.as_ref()];
    Some(FileOwner {
        uids: all.into_iter().flatten().map(MetadataExt::uid).collect(),
        is_file: !is_special(about),
        is_private: about.mode() & 0o077 == 0,
    })
}

/// Whether something is a pipe, a socket or a device: reading it may wait for ever.
fn is_special(metadata: &fs::Metadata) -> bool {
    !metadata.is_file() && !metadata.is_dir() && !metadata.is_symlink()
}

/// The folders of a list such as `PATH`, by the paths that they really have.
pub(crate) fn listed_folders(list: Option<&String>) -> Vec<PathBuf> {
    let listed = list.map(|list| std::env::split_paths(list).collect::<Vec<_>>());
    let absolute = listed.into_iter().flatten().filter(|folder| folder.is_absolute());
    absolute.map(|folder| fs::canonicalize(&folder).unwrap_or(folder)).collect()
}

/// The canonical path of a folder; the path itself if it does not exist.
pub(crate) fn real_path(path: &Path) -> Result<PathBuf> {
    Ok(fs::canonicalize(path).unwrap_or(current_dir()?.join(path)))
}

/// Writes a file that only we may read, in folders that only we may enter.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<()> {
    create_private_dirs(folder_of(path))?;
    replace(path, text)
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

/// The same, but fails if the other name is taken.
pub(crate) fn rename_to_new(from: &Path, to: &Path) -> Result<()> {
    let renamed = renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    let renamed = match renamed {
        // Not every file system can.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) if !to.exists() => fs::rename(from, to),
        renamed => renamed.map_err(io::Error::from),
    };
    renamed.map_err(failed("rename", from))?;
    sync_dir(folder_of(to))
}

/// Gives a path to another user.
pub(crate) fn chown(path: &Path, uid: u32, gid: u32) -> Result<()> {
    std::os::unix::fs::chown(path, Some(uid), Some(gid))
        .map_err(failed("change the owner of", path))
}

/// When each file below a folder was written last, but for what no person writes.
pub(crate) fn stamps(folder: &Path) -> Result<BTreeMap<PathBuf, std::time::SystemTime>> {
    let mut stamps = BTreeMap::new();
    for entry in walk_some(folder, usize::MAX) {
        let entry = entry.map_err(not_walked(folder))?;
        let about = entry.metadata().ok().filter(fs::Metadata::is_file);
        if let Some(written) = about.and_then(|about| about.modified().ok()) {
            stamps.insert(entry.into_path(), written);
        }
    }
    Ok(stamps)
}

/// The folders below one, down to a depth, without those such as `node_modules`; relative to it.
pub(crate) fn folders(root: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = walk_some(root, depth)
        .flatten()
        .filter(|entry| entry.file_type().is_dir())
        .filter_map(|entry| entry.path().strip_prefix(root).ok().map(Path::to_owned))
        .collect();
    found.sort();
    found
}

/// The names in a folder; empty if it does not exist.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Appends a line to a file that only we may read, and brings it to disk.
pub(crate) fn append_line(path: &Path, line: &str) -> Result<()> {
    let (mut file, length) = append(path)?;
    let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // A full disk leaves no half of a line behind.
        let _ = file.set_len(length);
        failed("write", path)(error)
    })
}

/// A file to append to, and its length now.
pub(crate) fn append(path: &Path) -> Result<(File, u64)> {
    let mut options = OpenOptions::new();
    let file = regular(options.create(true).append(true).mode(0o600), path)
        .map_err(failed("open", path))?;
    let length = file.metadata().map_err(failed("look at", path))?.len();
    Ok((file, length))
}

/// The content of a file from `start` on, as far as it can be read.
pub(crate) fn tail(path: &Path, start: u64) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = open(path) {
        let _ = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut text));
    }
    String::from_utf8_lossy(&text).into_owned()
}
