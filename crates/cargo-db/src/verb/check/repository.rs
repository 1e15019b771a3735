//! The files that are checked, and git's memory of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::check::base;
use crate::failure::{FileError, Result, SettingsError};
use crate::migration;
use crate::model::finding::Checked;
use crate::model::migration::MigrationFolder;
use crate::settings::Settings;
use crate::verb::check::range::{Commits, Range};
use crate::world::git::{Files, committed_files, listed, staged_files};
use crate::world::revisions::{likely_reason, revision_in, shared_branch, short, submodule_of};
use crate::world::{files, folders};
use db_tools::FoundFile;

/// Which files are checked, and where they are read.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    /// Those in the folder.
    All,
    /// Those that were named.
    Named,
    /// Those that are staged, as they are staged.
    Staged,
    /// Those in the folder that changed since a revision.
    Since(String),
    /// Those that changed between two commits, as the later one has them.
    Between(Range, Commits),
}

impl Selection {
    /// Whether nothing is read from the working tree.
    pub(super) fn is_of_git(&self) -> bool {
        matches!(self, Selection::Staged | Selection::Between(..))
    }

    /// The files below the root that differ in git, by their names relative to it; `None` if git
    /// does not know.
    pub(super) fn changed(&self, root: &Path) -> Option<Vec<PathBuf>> {
        match self {
            Selection::Staged => {
                listed(root, &["diff", "--cached", "--name-only", "--relative", "-z"])
            }
            Selection::Between(_, Commits { since: Some(since), to, .. }) => {
                listed(root, &["diff", "--name-only", "--relative", "-z", since, to])
            }
            _ => None,
        }
    }
}

/// The files of a set of migrations, and git's memory of them.
pub(super) struct Repository<'a> {
    root: &'a Path,
    selection: &'a Selection,
    /// The migrations folder.
    dir: &'a Path,
    /// The submodule that contains the folder, relative to the root; empty if there is none.
    submodule: PathBuf,
    /// The files of the folder if they are read from git.
    content: Option<Files>,
}

impl<'a> Repository<'a> {
    pub(super) fn of(settings: &'a Settings, selection: &'a Selection) -> Result<Repository<'a>> {
        let (root, dir) = (settings.root.as_path(), settings.migrations.dir.value.as_path());
        let submodule = submodule_of(root, &root.join(dir));
        let mut repository = Repository { root, selection, dir, submodule, content: None };
        repository.content = repository.content()?;
        Ok(repository)
    }

    /// The files of the folder as they are staged, or in the later commit of a range.
    fn content(&self) -> Result<Option<Files>> {
        let (folder, dir) = (self.folder(), self.inner(self.dir));
        let found = match self.selection {
            Selection::Staged => staged_files(&folder, &dir),
            Selection::Between(_, commits) => self
                .revision(&commits.to)
                .and_then(|commit| committed_files(&folder, (&commit, &dir), &|_, _| None)),
            _ => return Ok(None),
        };
        let found = found.ok_or_else(|| self.failed("git cannot list the files"))?;
        let outer = found.into_iter().map(|(name, blob)| (self.submodule.join(name), blob));
        Ok(Some(outer.collect()))
    }

    /// The folder where git knows the files.
    fn folder(&self) -> PathBuf {
        self.root.join(&self.submodule)
    }

    /// A revision for `git`: in a submodule, the commit of the submodule that the revision records.
    fn revision(&self, named: &str) -> Option<String> {
        revision_in(self.root, &self.submodule, named)
    }

    /// The path of the folder or of a file, as git names it.
    fn inner(&self, path: &Path) -> String {
        let path = path.strip_prefix(self.root).unwrap_or(path);
        let inner = path.strip_prefix(&self.submodule).unwrap_or(path).display().to_string();
        if inner.is_empty() { ".".to_owned() } else { inner }
    }

    /// The files that a command of git lists, relative to the root.
    fn listed(&self, arguments: &[&str]) -> Option<Vec<PathBuf>> {
        let names = listed(&self.folder(), arguments)?;
        Some(names.into_iter().map(|name| self.submodule.join(name)).collect())
    }

    fn failed(&self, what: &str) -> SettingsError {
        let (root, reason) = (self.root.display(), likely_reason(&self.folder()));
        SettingsError::Usage { what: format!("{what} in `{root}`: {reason}") }
    }

    /// The migrations folder.
    pub(super) fn migrations(&self, settings: &Settings) -> Result<MigrationFolder> {
        match &self.content {
            Some(content) => Ok(migration::folder_in_git(settings, content)),
            None => migration::read_folder(settings),
        }
    }

    /// Whether the path is a folder.
    pub(super) fn is_folder(&self, path: &Path) -> bool {
        match &self.content {
            Some(content) => content.keys().any(|file| file.starts_with(path) && file != path),
            None => folders::is_folder(&self.root.join(path)),
        }
    }

    /// The files that git lists as changed or new, relative to the root; `None` if git is not
    /// asked.
    pub(super) fn changed(&self) -> Result<Option<Vec<PathBuf>>> {
        let Some(mut changed) = self.differing(&["--diff-filter=ACMRT"])? else { return Ok(None) };
        if matches!(self.selection, Selection::Since(_)) {
            // What git does not know yet is new as well.
            let dir = self.inner(self.dir);
            let others = ["ls-files", "--others", "--exclude-standard", "-z", "--", &dir];
            changed.extend(self.listed(&others).unwrap_or_default());
        }
        changed.sort();
        Ok(Some(changed))
    }

    /// The files that git lists as deleted; none if git is not asked. A renamed file counts, too.
    pub(super) fn deleted(&self) -> Result<Vec<PathBuf>> {
        match self.selection {
            Selection::Between(_, Commits { since: None, .. }) => Ok(Vec::new()),
            _ => Ok(self.differing(&["--no-renames", "--diff-filter=D"])?.unwrap_or_default()),
        }
    }

    /// The files that differ in one of these ways; `None` if git is not asked. Where nothing was
    /// before, all files differ.
    fn differing(&self, ways: &[&str]) -> Result<Option<Vec<PathBuf>>> {
        let dir = self.inner(self.dir);
        let mut arguments = vec!["diff"];
        let revisions = match self.selection {
            Selection::All | Selection::Named => return Ok(None),
            // Before the first commit, there is no HEAD.
            Selection::Staged if self.submodule.as_os_str().is_empty() => {
                vec!["--cached".to_owned()]
            }
            Selection::Staged => vec!["--cached".to_owned(), self.revision_or("HEAD")],
            Selection::Since(base) => vec!["--merge-base".to_owned(), self.revision_or(base)],
            Selection::Between(_, Commits { since, to, .. }) => {
                let since = since.as_deref().and_then(|since| self.revision(since));
                let Some(since) = since else { return Ok(Some(self.all())) };
                vec![since, self.revision_or(to)]
            }
        };
        arguments.extend(revisions.iter().map(String::as_str));
        arguments.extend(ways);
        arguments.extend(["--name-only", "--relative", "-z", "--", &dir]);
        let failed = || self.failed(&format!("`git {}` failed", arguments.join(" ")));
        Ok(Some(self.listed(&arguments).ok_or_else(failed)?))
    }

    /// All files that the later commit has, which are new if nothing was there before.
    fn all(&self) -> Vec<PathBuf> {
        self.content.iter().flatten().map(|(path, _)| path.clone()).collect()
    }

    fn revision_or(&self, named: &str) -> String {
        self.revision(named).unwrap_or_else(|| named.to_owned())
    }

    /// The content of a file.
    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let whole = self.root.join(path);
        let Some(content) = &self.content else { return files::read(&whole) };
        let unreadable = || {
            let why = "git has no content of it".to_owned();
            FileError::Failed { doing: "read", path: whole, why }.into()
        };
        content.get(path).map(|blob| blob.bytes.clone()).ok_or_else(unreadable)
    }

    /// What differs from the migrations that others may have applied: those on the default branch,
    /// or in the revision that was named. Nothing if there is no such revision.
    pub(super) fn past(
        &self,
        settings: &Settings,
        now: &MigrationFolder,
        is_deleted: &dyn Fn(&Path) -> bool,
    ) -> Vec<Checked> {
        let Some((name, revision)) = self.shared() else { return Vec::new() };
        let Some(revision) = self.revision(&revision) else { return Vec::new() };
        let layout = &settings.migrations.layout;
        let below = self.dir.strip_prefix(self.root).unwrap_or(Path::new(""));
        let then = self.files_in(&revision);
        let is_read = |path: &Path| layout.reads(path.strip_prefix(below).unwrap_or(path));
        let found = then.iter().filter(|(path, _)| is_read(path));
        let found =
            found.map(|(path, blob)| FoundFile { path: path.clone(), bytes: blob.bytes.clone() });
        let past = base::BaseRevision { revision: name, folder: layout.read(found.collect()) };
        let text_then = |path: &Path| String::from_utf8(then.get(path)?.bytes.clone()).ok();
        let text_now = |path: &Path| String::from_utf8(self.read(path).ok()?).ok();
        let mut found = base::compare(&past, now, &text_then, &text_now);
        found.extend(base::deleted(&past, now, is_deleted));
        found
    }

    /// The files of the folder in a revision. Those that did not change since are known already. In
    /// the working tree, git may have changed their line ends.
    fn files_in(&self, revision: &str) -> Files {
        let (folder, dir) = (self.folder(), self.inner(self.dir));
        let then = match &self.content {
            Some(content) => {
                let known: BTreeMap<&[u8], &Vec<u8>> =
                    content.values().map(|blob| (blob.id.as_slice(), &blob.bytes)).collect();
                let known = |_: &Path, id: &[u8]| known.get(id).map(|bytes| (*bytes).clone());
                committed_files(&folder, (revision, &dir), &known)
            }
            None => {
                let compare = ["diff", "--name-only", "--relative", "-z", revision, "--", &dir];
                let changed = listed(&folder, &compare).unwrap_or_default();
                let changed: BTreeSet<PathBuf> = changed.into_iter().collect();
                let known = |name: &Path, _: &[u8]| {
                    let same = !changed.contains(name);
                    same.then(|| files::read(&folder.join(name)).ok()).flatten()
                };
                committed_files(&folder, (revision, &dir), &known)
            }
        };
        let then = then.unwrap_or_default().into_iter();
        then.map(|(name, blob)| (self.submodule.join(name), blob)).collect()
    }

    /// The revision that others may have applied, with its name.
    fn shared(&self) -> Option<(String, String)> {
        match self.selection {
            Selection::Between(range, commits) => Some((range.name.clone(), commits.past.clone()?)),
            Selection::Since(base) => Some((base.clone(), base.clone())),
            Selection::All | Selection::Named | Selection::Staged => {
                let name = shared_branch(self.root)?;
                Some((short(name), name.to_owned()))
            }
        }
    }
}
