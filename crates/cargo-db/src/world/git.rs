//! git: what it says about a folder, and files as it has them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::world::process::environment;

/// The output of git; `None` if git is missing, this is not a repository, or the command fails. Its
/// error output is discarded.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    String::from_utf8(git_bytes(folder, arguments)?).ok()
}

/// The same for a file, which may contain anything.
pub(crate) fn git_bytes(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    git_reading(folder, arguments, Vec::new())
}

/// The same for a command that reads `input`.
fn git_reading(folder: &Path, arguments: &[&str], input: Vec<u8>) -> Option<Vec<u8>> {
    let shell = xshell::Shell::new().ok()?;
    let index = index_of_hook(&shell.current_dir(), folder);
    shell.change_dir(folder);
    let command = xshell::cmd!(shell, "git {arguments...}").quiet().ignore_stderr();
    let command = if input.is_empty() { command } else { command.stdin(input) };
    let command = OF_HOOKS.iter().fold(command, xshell::Cmd::env_remove);
    let command = match index {
        Some(index) => command.env(INDEX, index),
        None => command,
    };
    Some(command.output().ok()?.stdout)
}

/// The variables that git sets for a hook. With them, git would regard any folder as the top of the
/// repository, while cargo db finds the repository of a folder by its `.git`.
const OF_HOOKS: [&str; 5] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX", "GIT_COMMON_DIR", INDEX];

const INDEX: &str = "GIT_INDEX_FILE";

/// The index that a pre-commit hook has to read: that of `git commit --all` is a temporary file. It
/// is relative to the top of the repository, where git runs hooks, and of no other repository.
fn index_of_hook(here: &Path, folder: &Path) -> Option<PathBuf> {
    let named = environment().remove(INDEX).filter(|index| !index.is_empty())?;
    let top = repository_of(here)?;
    (top == repository_of(&here.join(folder))?).then(|| top.join(named))
}

/// The nearest folder at or above one that has a `.git`.
fn repository_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|folder| folder.join(".git").exists())
}

/// The commit that is checked out in a folder, where git knows.
pub(crate) fn git_commit(folder: &Path) -> Option<String> {
    commit_of(folder, "HEAD")
}

/// The branch that is checked out in a folder; `None` without git, or if none is.
pub(crate) fn git_branch(folder: &Path) -> Option<String> {
    Some(git(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"])?.trim().to_owned())
}

/// The full name of the commit that a revision names.
pub(crate) fn commit_of(folder: &Path, revision: &str) -> Option<String> {
    let commit = format!("{revision}^{{commit}}");
    let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
    Some(git(folder, &asked)?.trim().to_owned())
}

/// What the project is called: as its origin is, else as its folder.
pub(crate) fn repository(folder: &Path) -> String {
    let origin = git(folder, &["remote", "get-url", "origin"]).unwrap_or_default();
    // Neither a path nor a login before it: that may hold a token.
    let origin = origin.trim().trim_end_matches('/');
    let last = origin.rsplit(['/', ':', '@']).next().unwrap_or_default();
    let of_folder = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let named = Some(last.trim_end_matches(".git").to_owned()).filter(|name| !name.is_empty());
    named.or_else(of_folder).unwrap_or_default()
}

/// The path of a folder in its repository, with a `/` at the end; nothing at its top.
pub(crate) fn folder_in_repository(folder: &Path) -> Option<String> {
    Some(git(folder, &["rev-parse", "--show-prefix"])?.trim_end_matches('\n').to_owned())
}

/// The names that git lists with `-z`.
pub(crate) fn listed(folder: &Path, arguments: &[&str]) -> Option<Vec<PathBuf>> {
    let listed = git_bytes(folder, arguments)?;
    let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Some(names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect())
}

/// A file as git stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Blob {
    /// Of its content.
    pub(crate) id: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// Files by their names, relative to a folder.
pub(crate) type Files = BTreeMap<PathBuf, Blob>;

/// The content of a file by its name and the id of its content, if it need not be read from git.
pub(crate) type KnownContent<'a> = &'a dyn Fn(&Path, &[u8]) -> Option<Vec<u8>>;

/// The files below a path in a commit, by their names relative to `folder`.
pub(crate) fn committed_files(
    folder: &Path,
    (commit, below): (&str, &str),
    known: KnownContent<'_>,
) -> Option<Files> {
    contents(folder, &listed(folder, &["ls-tree", "-r", "-z", commit, "--", below])?, known)
}

/// The same as they are staged.
pub(crate) fn staged_files(folder: &Path, below: &str) -> Option<Files> {
    let list = listed(folder, &["ls-files", "--stage", "-z", "--", below])?;
    contents(folder, &list, &|_, _| None)
}

/// The content of the files of a list, such as `100644 blob <id>\t<name>`.
fn contents(folder: &Path, list: &[PathBuf], known: KnownContent<'_>) -> Option<Files> {
    let (mut files, mut unknown) = (Files::new(), Vec::new());
    for (id, name) in list.iter().filter_map(|entry| blob_of(entry.as_os_str().as_bytes())) {
        let path = PathBuf::from(OsStr::from_bytes(name));
        match known(&path, id) {
            Some(bytes) => drop(files.insert(path, Blob { id: id.to_vec(), bytes })),
            None => unknown.push((id, path)),
        }
    }
    if unknown.is_empty() {
        return Some(files);
    }
    let ids: Vec<&[u8]> = unknown.iter().map(|(id, _)| *id).collect();
    let answer = git_reading(folder, &["cat-file", "--batch"], ids.join(&b'\n'))?;
    let mut rest = answer.as_slice();
    for (id, path) in unknown {
        let (content, after) = next_blob(rest)?;
        files.insert(path, Blob { id: id.to_vec(), bytes: content.to_vec() });
        rest = after;
    }
    Some(files)
}

/// The id and the name of an entry, unless it is a submodule.
fn blob_of(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    let mut words = entry[..tab].split(|byte| *byte == b' ').filter(|word| *word != b"blob");
    let is_file = words.next()? != b"160000";
    Some((words.next().filter(|_| is_file)?, &entry[tab + 1..]))
}

/// The first of several blobs, as `<id> blob <size>\n<content>\n`, and what follows.
fn next_blob(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let size = std::str::from_utf8(&answer[..end]).ok()?.rsplit(' ').next()?.parse().ok()?;
    let rest = &answer[end + 1..];
    Some((rest.get(..size)?, rest.get(size + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_are_read_one_after_the_other() {
        let answer = b"1a blob 3\na\nb\n2b blob 0\n\n";
        let (first, rest) = next_blob(answer).unwrap();
        assert_eq!(first, b"a\nb");
        assert_eq!(next_blob(rest).unwrap(), (&b""[..], &b""[..]));
        assert_eq!(next_blob(b"1a missing\n"), None);
        assert_eq!(next_blob(b"1a blob 9\nshort\n"), None);
    }

    #[test]
    fn an_entry_of_a_commit_and_one_of_the_index_name_a_blob() {
        let expected = (&b"1a"[..], &b"m/a b.sql"[..]);
        assert_eq!(blob_of(b"100644 blob 1a\tm/a b.sql"), Some(expected));
        assert_eq!(blob_of(b"100644 1a 0\tm/a b.sql"), Some(expected));
        assert_eq!(blob_of(b"160000 commit 1a\tm"), None);
        assert_eq!(blob_of(b"160000 1a 0\tm"), None);
    }
}
