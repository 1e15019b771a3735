//! `cargo db check`.

mod budget;
mod changed;
mod deploy;
mod range;
mod repository;
mod set;

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::answer::{CheckReport, Outcome};
use crate::change::{
    DatabaseNeed, Effect, EndedSets, Needs, SetNeed, Workspace, drift_of, generated_schema,
    outcome_of_sets, over_sets,
};
use crate::cli::{ReportFlags, revision};
use crate::failure::{Exit, Result, SettingsError};
use crate::migration;
use crate::model::finding::Verdict;
use crate::model::path::without_dots;
use crate::schema::Comparison;
use crate::settings::Settings;
use crate::verb::declare::Verb;
use crate::world::{files, process};

use changed::ChangedInGit;
use deploy::check_deploy;
use range::{Range, pushed};
use repository::Selection;
use set::check_selections;

const EFFECT: Effect = Effect::Reads;

/// Lint migrations, without a database
///
/// Finds syntax errors, and statements that lock tables, rewrite tables, delete data, or break the
/// application version that still runs while the migration is deployed. Compares the files with
/// git to find migrations that were edited. `docs/rules.md` explains each rule. Only `--schema`,
/// `--drift` and `--deploy` need a server.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct CheckArgs {
    /// Files to check (default: all migrations)
    #[arg(conflicts_with_all = ["staged", "base", "range", "pushed"])]
    files: Vec<PathBuf>,
    /// Check the staged content of staged files
    #[arg(long, conflicts_with_all = ["base", "range", "pushed"])]
    staged: bool,
    /// Check files that were added or changed since this revision
    #[arg(long, value_name = "REV", value_parser = revision)]
    #[arg(conflicts_with_all = ["range", "pushed"])]
    base: Option<String>,
    /// Check the committed content of files that changed from A to B, or with `A...B` since B left
    /// A
    #[arg(long, value_name = "A..B", conflicts_with = "pushed")]
    range: Option<Range>,
    /// Check the commits that `git push` sends to this remote, which its pre-push hook reads from
    /// stdin
    #[arg(long, value_name = "REMOTE")]
    pushed: Option<String>,
    /// Also run `schema check`: fail if the schema file does not match the migrations
    #[arg(long, conflicts_with_all = ["files", "staged", "range", "pushed"])]
    schema: bool,
    /// Also fail if the schema of the database has drifted from what the migrations left
    #[arg(long, conflicts_with_all = ["files", "staged", "range", "pushed"])]
    drift: bool,
    /// Check whether the migrations can be deployed to the database: the history, drift, receipts,
    /// the newest backup, free connections, and `[budget]`
    #[arg(long, conflicts_with_all = ["files", "staged", "base", "range", "pushed", "schema"])]
    #[arg(conflicts_with = "drift")]
    deploy: bool,
    /// With `--deploy`, use the receipts in this file, which `rehearse --receipt-to FILE` wrote on
    /// another machine
    #[arg(long = "receipt", value_name = "FILE", requires = "deploy")]
    receipts: Vec<PathBuf>,
    /// Exit with code 1 only for findings of at least this severity
    #[arg(long, value_name = "SEVERITY", value_enum, default_value_t)]
    fail_on: FailOn,
    #[command(flatten)]
    report: ReportFlags,
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
        if self.deploy {
            let (database, set) = (DatabaseNeed::Running, SetNeed::Each);
            return Needs { database, set, ..Needs::DATABASE };
        }
        let database =
            if self.schema || self.drift { DatabaseNeed::Marked } else { DatabaseNeed::Irrelevant };
        Needs { database, set: SetNeed::Each, ..Needs::FILES }
    }

    fn report(&self) -> Option<&ReportFlags> {
        Some(&self.report)
    }

    /// Checks the files of each set. A set that cannot be read does not hide the others. Sets in
    /// which git has no change are left out.
    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let has_files = !self.files.is_empty();
        if !has_files {
            is_in_project(&workspace.settings)?;
        }
        if self.deploy {
            let request = (self.receipts.as_slice(), self.fails_from());
            return over_sets(workspace, |set| check_deploy(set, request));
        }
        let selections = self.selections(&workspace.settings.root)?;
        let of_git = selections.iter().all(Selection::is_of_git);
        let mut sets = match has_files || of_git {
            true => workspace.sets_of_files(),
            false => workspace.sets(),
        };
        if of_git {
            let changed = ChangedInGit::of(&workspace.settings.root, &selections);
            sets.retain(|(_, settings)| settings.as_ref().map_or(true, |it| changed.touches(it)));
        }
        if sets.is_empty() {
            return Ok(self.nothing_changed(workspace));
        }
        let files = self.files_of_sets(&mut sets)?;
        let of_set = |((set, settings), files): (FoundSet, Vec<PathBuf>)| {
            let check = |settings| self.check_set(workspace, settings, (&selections, &files));
            (set, settings.and_then(check).into())
        };
        let found: EndedSets<CheckReport> = sets.into_iter().zip(files).map(of_set).collect();
        outcome_of_sets(workspace, found)
    }
}

impl CheckArgs {
    /// Which files the flags select. A push may send several branches.
    fn selections(&self, root: &Path) -> Result<Vec<Selection>> {
        if let Some(base) = &self.base {
            return Ok(vec![Selection::Since(base.clone())]);
        }
        let ranges = match (&self.range, &self.pushed) {
            (Some(range), _) => vec![range.clone()],
            (None, Some(remote)) => pushed(root, remote, &process::stdin()?),
            (None, None) if self.staged => return Ok(vec![Selection::Staged]),
            (None, None) if self.files.is_empty() => return Ok(vec![Selection::All]),
            (None, None) => return Ok(vec![Selection::Named]),
        };
        let selection = |range: Range| {
            let commits = range.commits(root)?;
            Ok(Selection::Between(range, commits))
        };
        ranges.into_iter().map(selection).collect()
    }

    /// The files that were named, by the set whose folder contains them; others belong to the first
    /// set. Sets without a named file are left out.
    fn files_of_sets(&self, sets: &mut Vec<FoundSet>) -> Result<Vec<Vec<PathBuf>>> {
        let here = files::current_dir()?;
        let mut all = vec![Vec::new(); sets.len()];
        for file in self.files.iter().map(|file| without_dots(&here.join(file))) {
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

    /// Checks a set, and what the flags compare besides its files.
    fn check_set(
        &self,
        workspace: &Workspace,
        settings: Settings,
        (selections, files): (&[Selection], &[PathBuf]),
    ) -> Result<(CheckReport, Exit)> {
        let (checked, hint) = check_selections(workspace, &settings, (selections, files))?;
        let schema =
            self.schema.then(|| compare_schema(workspace, settings.clone())).transpose()?;
        let drift = match self.drift {
            true => drift_of(&workspace.database_of(settings)?)?,
            false => None,
        };
        let report = CheckReport::of(&checked, hint, self.fails_from());
        let report = report.with_schema(schema.as_ref()).with_drift(drift.as_ref());
        let (agent, environment) = (&workspace.settings.agent, &workspace.settings.environment);
        let is_for_agent = agent.known_by(environment.environment).is_some();
        let report = report.listing_all(workspace.ui.is_verbose() || !is_for_agent);
        let exit = Exit::finding_if(report.is_finding());
        Ok((report, exit))
    }

    /// The outcome if git has no change in any set.
    fn nothing_changed(&self, workspace: &Workspace) -> Outcome {
        let report = CheckReport::of(&[], None, self.fails_from());
        Outcome::done(if workspace.ui.is_quiet() { report.silent() } else { report })
    }

    fn fails_from(&self) -> Verdict {
        match self.fail_on {
            FailOn::Warn => Verdict::Warn,
            FailOn::Block => Verdict::Block,
        }
    }
}

/// Fails if the command was probably run in the wrong folder: that there is nothing to report says
/// nothing then.
fn is_in_project(settings: &Settings) -> Result<()> {
    if migration::is_project(settings) {
        return Ok(());
    }
    let (folder, above) = (settings.root.clone(), settings.project.clone());
    Err(SettingsError::NoProject { folder, above }.into())
}

/// A set of migrations, with its settings.
type FoundSet = (Option<String>, Result<Settings>);

fn compare_schema(workspace: &Workspace, settings: Settings) -> Result<Comparison> {
    let database = workspace.database_of(settings)?;
    let (file, generated) = generated_schema(&database, "check --schema")?;
    file.compare(&generated)
}
