//! `cargo db check`.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::answer::{CheckReport, Outcome};
use crate::change::{
    DatabaseNeed, Effect, FoundOfSets, Needs, SetNeed, Workspace, drift_of, generated_schema,
    outcome_of_sets,
};
use crate::check::{self, CheckContext, CheckContexts, Direction, FileToCheck, base};
use crate::failure::{Exit, FileError, Result, SettingsError};
use crate::migration;
use crate::model::finding::{Checked, Verdict};
use crate::model::migration::{MigrationFolder, ScriptFile};
use crate::rehearse::Receipts;
use crate::schema::Comparison;
use crate::settings::Settings;
use crate::verb::declare::Verb;
use crate::world::{files, folders, process};
use db_tools::{FoundFile, ProjectTool};

const EFFECT: Effect = Effect::Reads;

/// The candidates for the default branch.
const SHARED: [&str; 4] = ["origin/main", "origin/master", "main", "master"];

/// Lint migrations, without a database
///
/// Finds syntax errors, and statements that lock tables, rewrite tables, delete data, or break the
/// application version that still runs while the migration is deployed. Compares the files with
/// git to find migrations that were edited. `docs/rules.md` explains each rule. Only `--schema`
/// and `--drift` need a server.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct CheckArgs {
    /// Files to check (default: all migrations)
    #[arg(conflicts_with_all = ["staged", "base"])]
    files: Vec<PathBuf>,
    /// Check the staged content of staged files
    #[arg(long, conflicts_with = "base")]
    staged: bool,
    /// Check files that were added or changed since this revision
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Also run `schema check`: fail if the schema file does not match the migrations
    #[arg(long, conflicts_with_all = ["files", "staged"])]
    schema: bool,
    /// Also fail if the schema of the database has drifted from what the migrations left
    #[arg(long, conflicts_with_all = ["files", "staged"])]
    drift: bool,
    /// Exit with code 1 only for findings of at least this severity
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    fail_on: FailOn,
}

/// The minimum severity that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    #[default]
    Warn,
    Block,
}

impl Verb for CheckArgs {
    fn name(&self) -> &'static str {
        "check"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        let database =
            if self.schema || self.drift { DatabaseNeed::Marked } else { DatabaseNeed::Irrelevant };
        Needs { database, set: SetNeed::Any, ..Needs::FILES }
    }

    /// Checks the files of each set. A set that cannot be read does not hide the others.
    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let has_files = !self.files.is_empty();
        let mut sets = if has_files { workspace.sets_of_files() } else { workspace.sets() };
        let files = self.files_of_sets(&mut sets)?;
        let of_set = |((set, settings), files): ((Option<String>, Result<Settings>), Vec<_>)| {
            (set, settings.and_then(|settings| self.check_set(workspace, settings, &files)))
        };
        let found: FoundOfSets<CheckReport> = sets.into_iter().zip(files).map(of_set).collect();
        let least = match self.fail_on {
            FailOn::Warn => Verdict::Warn,
            FailOn::Block => Verdict::Block,
        };
        outcome_of_sets(workspace, found, |report| {
            report.is_finding(least).then_some(Exit::Finding)
        })
    }
}

impl CheckArgs {
    /// The files that were named, by the set whose folder contains them; others belong to the first
    /// set. Sets without a named file are left out.
    fn files_of_sets(&self, sets: &mut Vec<FoundSet>) -> Result<Vec<Vec<PathBuf>>> {
        let here = files::current_dir()?;
        let mut all = vec![Vec::new(); sets.len()];
        for file in self.files.iter().map(|file| files::without_dots(&here.join(file))) {
            let depth = |(_, settings): &FoundSet| {
                let dir = &settings.as_ref().ok()?.migrations.dir.value;
                file.starts_with(dir).then(|| dir.components().count())
            };
            let nearest = (0..sets.len()).max_by_key(|&at| (depth(&sets[at]), Reverse(at)));
            all[nearest.unwrap_or_default()].push(file);
        }
        if !self.files.is_empty() {
            let mut named = all.iter().map(|files: &Vec<PathBuf>| !files.is_empty());
            sets.retain(|_| named.next().unwrap_or_default());
            all.retain(|files| !files.is_empty());
        }
        Ok(all)
    }

    fn check_set(
        &self,
        workspace: &Workspace,
        settings: Settings,
        files: &[PathBuf],
    ) -> Result<CheckReport> {
        let layout = &settings.migrations.layout;
        let repository = Repository::of(&settings, self);
        let folder = migration::read_folder(&settings)?;
        let unmatched = migration::unmatched_expectations(&settings, &folder);
        unmatched.iter().for_each(|warning| workspace.ui.warning(warning));
        let mut checked = Vec::new();
        let server = Receipts::of(&settings.root).server(&settings)?;
        let chosen = repository.choose(&settings, &folder, files)?;
        let read = |path: &Path| repository.read(path).ok();
        let wanted = chosen.iter().map(PathBuf::as_path).collect();
        let contexts = CheckContexts::new(server, &folder, &wanted, &read);
        for path in &chosen {
            checked.push(check_file(layout, path, &repository.read(path)?, &contexts.before(path)));
        }
        let of_folder =
            check::of_folder(&folder).into_iter().chain(repository.past(&settings, &folder)?);
        // What is known of programs is only what git says of them as files.
        let is_meant = |path: &Path| {
            let is_program = !is_sql(path) && self.files.is_empty() && !self.staged;
            // A migration folder without its file is never among the chosen files.
            is_program || folders::is_folder(&settings.root.join(path))
        };
        merge(&mut checked, of_folder, &is_meant);
        name_them(&mut checked, &folder);
        check::accept_empty_migrations(&mut checked);
        for one in &mut checked {
            let version = one.version.as_deref().unwrap_or_default();
            one.expected.extend(settings.expected.of(version));
            migration::accept_losses(one, &repository.read(&one.file).unwrap_or_default());
        }
        if layout.is_code() && checked.is_empty() {
            workspace.ui.note(&format!(
                "the migrations of {} are programs, which `check` cannot lint; `cargo db \
                 rehearse` runs them",
                layout.key()
            ));
        }
        let is_empty = folder.is_empty() && checked.is_empty();
        let hint = is_empty.then(|| migration::elsewhere_hint(&settings)).flatten();
        hint.iter().for_each(|hint| workspace.ui.warning(hint));
        let schema =
            self.schema.then(|| compare_schema(workspace, settings.clone())).transpose()?;
        let drift = match self.drift {
            true => drift_of(&workspace.database_of(settings)?)?,
            false => None,
        };
        let report = CheckReport::of(&checked, hint);
        Ok(report.with_schema(schema.as_ref()).with_drift(drift.as_ref()))
    }
}

/// A set of migrations, with its settings.
type FoundSet = (Option<String>, Result<Settings>);

fn compare_schema(workspace: &Workspace, settings: Settings) -> Result<Comparison> {
    let database = workspace.database_of(settings)?;
    let (file, generated) = generated_schema(&database, "check --schema")?;
    file.compare(&generated)
}

/// Checks a file, or both parts of a file that contains the up and the down migration.
fn check_file(layout: &ProjectTool, path: &Path, bytes: &[u8], context: &CheckContext) -> Checked {
    let folder = layout.read(vec![FoundFile { path: path.to_owned(), bytes: bytes.to_vec() }]);
    let parts = folder
        .scripts()
        .filter(|(script, _)| script.path == path && !(script.is_code && script.part.is_some()));
    let directed = |is_up| if is_up { Direction::Up } else { Direction::Down };
    let mut parts: Vec<_> =
        parts.map(|(script, is_up)| (script.clone(), directed(is_up))).collect();
    // A program in a file is the same file both ways.
    parts.dedup_by(|later, earlier| later.0 == earlier.0);
    let check_script = |script: &ScriptFile, direction| {
        check::check_script(layout, script, bytes.to_vec(), direction, context.clone())
    };
    let Some(((first, direction), rest)) = parts.split_first() else {
        // A down file without an up file belongs to no migration.
        let name = path.to_string_lossy();
        let is_down = name.ends_with("down.sql") || name.ends_with(".rollback.sql");
        let divided = db_tools::migration::divided(bytes.to_vec());
        let text = String::from_utf8_lossy(&divided);
        let source =
            FileToCheck::alone(layout, path, &text, directed(!is_down)).on(context.clone());
        return check::check(&source.decoded_to(check::undecoded_line(bytes)));
    };
    let mut checked = check_script(first, *direction);
    for (script, direction) in rest {
        let other = check_script(script, *direction);
        checked.findings.extend(other.findings);
        checked.expected.extend(other.expected);
        checked.allowed.extend(other.allowed);
    }
    checked
}

/// Adds findings about whole files to those of the selected files, and further selected files.
fn merge(
    checked: &mut Vec<Checked>,
    found: impl Iterator<Item = Checked>,
    is_meant: &dyn Fn(&Path) -> bool,
) {
    for mut about in found {
        if let Some(of_file) = checked.iter_mut().find(|checked| checked.file == about.file) {
            about.findings.retain(|finding| !of_file.allowed.contains(&finding.rule));
            of_file.findings.splice(0..0, about.findings);
        } else if is_meant(&about.file) {
            checked.push(about);
        }
    }
}

/// Whether it is an SQL file, or one with a `.SQL` extension.
fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// Gives the files of migrations their version and name.
fn name_them(checked: &mut [Checked], folder: &MigrationFolder) {
    for checked in checked {
        let of = |path: &PathBuf| *path == checked.file;
        let found = folder.migrations.iter().find(|migration| {
            of(&migration.up.path) || migration.down.as_ref().is_some_and(|down| of(&down.path))
        });
        if let Some(migration) = found {
            checked.version = Some(migration.version.to_string());
            migration.name.clone_into(&mut checked.name);
        }
    }
}

/// The files, and git's memory of them.
struct Repository<'a> {
    root: &'a Path,
    args: &'a CheckArgs,
    /// The submodule that contains the folder, relative to the root; empty if there is none.
    submodule: PathBuf,
}

impl<'a> Repository<'a> {
    fn of(settings: &'a Settings, args: &'a CheckArgs) -> Repository<'a> {
        let (root, dir) = (settings.root.as_path(), &settings.migrations.dir.value);
        let top = |folder: &Path| process::git(folder, &["rev-parse", "--show-toplevel"]);
        let inner = top(&root.join(dir)).filter(|inner| Some(inner) != top(root).as_ref());
        let below = inner.and_then(|inner| {
            Path::new(inner.trim_end()).strip_prefix(root).ok().map(Path::to_owned)
        });
        Repository { root, args, submodule: below.unwrap_or_default() }
    }

    /// Runs git in the root, or in the submodule that contains the folder.
    fn git(&self, arguments: &[&str]) -> Option<String> {
        process::git(&self.folder(), arguments)
    }

    /// The folder where git knows the files.
    fn folder(&self) -> PathBuf {
        self.root.join(&self.submodule)
    }

    /// A revision for `git`: in a submodule, the commit of the submodule that the revision records.
    fn revision(&self, named: &str) -> Option<String> {
        if self.submodule.as_os_str().is_empty() {
            return Some(named.to_owned());
        }
        let place = format!("{named}:./{}", self.submodule.display());
        process::git(self.root, &["rev-parse", "--verify", "--quiet", &place])
            .map(|commit| commit.trim_end().to_owned())
    }

    /// The path of the folder or of a file, as git names it.
    fn inner(&self, path: &Path) -> String {
        let path = path.strip_prefix(self.root).unwrap_or(path);
        let inner = path.strip_prefix(&self.submodule).unwrap_or(path).display().to_string();
        if inner.is_empty() { ".".to_owned() } else { inner }
    }

    /// The paths of files that git names, relative to the root.
    fn outer<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<PathBuf> {
        names.filter(|name| !name.is_empty()).map(|name| self.submodule.join(name)).collect()
    }

    /// The selected files, relative to the root.
    fn choose(
        &self,
        settings: &Settings,
        folder: &MigrationFolder,
        named: &[PathBuf],
    ) -> Result<Vec<PathBuf>> {
        let root = self.root;
        if !named.is_empty() {
            let relative = |path: &PathBuf| path.strip_prefix(root).unwrap_or(path).to_owned();
            return Ok(named.iter().map(relative).collect());
        }
        let base = self.args.base.as_deref().or(self.args.staged.then_some("HEAD"));
        let Some(base) = base else {
            let up = folder.migrations.iter().map(|migration| migration.up.path.clone());
            let down = folder
                .migrations
                .iter()
                .filter_map(|migration| Some(migration.down.as_ref()?.path.clone()));
            let mut all: Vec<PathBuf> = up.chain(down).chain(folder.orphans.clone()).collect();
            let left = folder.misnamed.iter().chain(&folder.ignored).map(|(path, _)| path);
            all.extend(left.chain(folder.faulty.iter().map(|(path, _)| path)).cloned());
            all.retain(|path| is_sql(path));
            all.sort();
            all.dedup();
            return Ok(all);
        };
        let dir = self.inner(&settings.migrations.dir.value);
        let revision = self.revision(base);
        let mut arguments = vec!["diff"];
        match (self.args.staged, self.submodule.as_os_str().is_empty()) {
            // Before the first commit, there is no HEAD.
            (true, true) => arguments.push("--cached"),
            (true, false) => arguments.extend(["--cached", revision.as_deref().unwrap_or(base)]),
            (false, _) => arguments.extend(["--merge-base", revision.as_deref().unwrap_or(base)]),
        }
        arguments.extend([
            "--name-only",
            "--relative",
            "--diff-filter=ACMR",
            "-z",
            "--",
            dir.as_str(),
        ]);
        let listed = self.git(&arguments).ok_or_else(|| SettingsError::Usage {
            what: format!(
                "`git {}` failed in `{}`: {}",
                arguments.join(" "),
                root.display(),
                self.likely_reason()
            ),
        })?;
        let sql = |name: &&str| is_sql(Path::new(name));
        let mut chosen = self.outer(listed.split('\0').filter(sql));
        if !self.args.staged {
            // What git does not know yet is new as well.
            let others = ["ls-files", "--others", "--exclude-standard", "-z", "--", dir.as_str()];
            let others = self.git(&others).unwrap_or_default();
            chosen.extend(self.outer(others.split('\0').filter(sql)));
        }
        chosen.sort();
        Ok(chosen)
    }

    /// The likely reason why git could not compare with a revision.
    fn likely_reason(&self) -> &'static str {
        let is_shallow = self.git(&["rev-parse", "--is-shallow-repository"]);
        match is_shallow.as_deref().map(str::trim_end) {
            Some("true") => {
                "this clone is shallow, so the revision may be missing: run `git fetch \
                 --unshallow`, or in GitHub Actions set `fetch-depth: 0` for `actions/checkout`"
            }
            _ => "is it a repository, with that revision?",
        }
    }

    /// The content of a file; its staged content if staged files were selected.
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        let whole = self.root.join(path);
        if !self.args.staged {
            return files::read(&whole);
        }
        let staged =
            process::git_bytes(&self.folder(), &["show", &format!(":./{}", self.inner(path))]);
        let unreadable = || {
            let why = "git cannot show what is staged of it".to_owned();
            FileError::Failed { doing: "read", path: whole, why }.into()
        };
        staged.ok_or_else(unreadable)
    }

    /// The folder on the default branch; empty if it does not exist there.
    fn past(&self, settings: &Settings, now: &MigrationFolder) -> Result<Vec<Checked>> {
        let layout = &settings.migrations.layout;
        let below = settings.migrations.dir.value.strip_prefix(self.root).unwrap_or(Path::new(""));
        let root = self.root;
        let exists = |name: &&str| {
            process::git(root, &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
                .is_some()
        };
        let named = self.args.base.as_deref().into_iter().chain(SHARED);
        let Some(shared) = named.into_iter().find(exists) else { return Ok(Vec::new()) };
        let Some(revision) = self.revision(shared) else { return Ok(Vec::new()) };
        let dir = self.inner(&settings.migrations.dir.value);
        let list = ["ls-tree", "-r", "-z", "--name-only", &revision, "--", dir.as_str()];
        let listed = self.git(&list).unwrap_or_default();
        let text_of =
            |path: &Path| self.git(&["show", &format!("{revision}:./{}", self.inner(path))]);
        let compare = ["diff", "--name-only", "--relative", "-z", &revision, "--", dir.as_str()];
        let differing = self.git(&compare).unwrap_or_default();
        let changed = self.outer(differing.split('\0'));
        let found = self
            .outer(listed.split('\0'))
            .into_iter()
            .filter(|path| layout.reads(path.strip_prefix(below).unwrap_or(path)))
            .filter_map(|path| {
                // What did not change need not be fetched.
                let bytes = if changed.contains(&path) {
                    text_of(&path)?.into_bytes()
                } else {
                    files::read(&root.join(&path)).ok()?
                };
                Some(FoundFile { path, bytes })
            });
        let folder = layout.read(found.collect());
        let past = base::BaseRevision { revision: shared.to_owned(), folder };
        let text_now = |path: &Path| String::from_utf8(files::read(&root.join(path)).ok()?).ok();
        Ok(base::compare(&past, now, &text_of, &text_now))
    }
}
