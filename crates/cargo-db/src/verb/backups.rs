//! `cargo db backups`.

use std::fs::File;
use std::time::Duration;

use clap::Args;

use crate::answer::{BackupList, BackupShown, Outcome, Pruned, Verified};
use crate::backup::{self, BackupFolder, Verifier};
use crate::change::{
    Change, Database, DatabaseNeed, Effect, Ending, Mode, Needs, Workspace, lock_files, perform,
    pruning, to_load,
};
use crate::failure::{BackupError, Exit, Failure, Kind, Result};
use crate::model::backup::{Backup, Level, Verification};
use crate::plan::{Plan, RetentionDecision};
use crate::verb::declare::{Verb, verbs};
use crate::world::clock::now;

/// Manage backups
#[derive(Debug, Args)]
pub(crate) struct BackupsArgs {
    #[command(subcommand)]
    action: Action,
}

impl BackupsArgs {
    /// The verb that was typed.
    pub(crate) fn verb(&self) -> &dyn Verb {
        self.action.verb()
    }
}

verbs! {
    /// What to do with the backups.
    Action {
        List(ListBackupsArgs),
        Show(ShowBackupArgs),
        Verify(VerifyBackupsArgs),
        Prune(PruneArgs),
    }
}

/// List backups, newest first
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ListBackupsArgs {}

/// Show a backup's details
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct ShowBackupArgs {
    /// Name of the backup (default: the newest of the database)
    name: Option<String>,
}

/// Verify one backup or all backups
#[derive(Debug, Args)]
#[command(after_help = Effect::Reads.help())]
pub(crate) struct VerifyBackupsArgs {
    /// Name of the backup (default: the newest of the database)
    name: Option<String>,
    /// Verify the newest backup of the database
    #[arg(long, conflicts_with = "name")]
    latest: bool,
    /// Verify all backups
    #[arg(long, conflicts_with_all = ["name", "latest"])]
    all: bool,
    /// Verification level
    #[arg(long, value_enum, default_value = "full")]
    level: Level,
    /// Fail if the newest verified backup of the database is older
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    max_age: Option<Duration>,
}

/// Remove backups that no retention rule keeps
#[derive(Debug, Args)]
#[command(after_help = "Effect on the database: none; removes backups")]
pub(crate) struct PruneArgs {
    /// Show which backups would be kept or removed, and why; remove nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for ListBackupsArgs {
    fn name(&self) -> &'static str {
        "backups list"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Irrelevant, ..Needs::WITHOUT_SETS }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let folder = folder(workspace);
        Ok(Outcome::done(BackupList::of(&folder.list()?, folder.path())))
    }
}

impl Verb for ShowBackupArgs {
    fn name(&self) -> &'static str {
        "backups show"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Irrelevant, ..Needs::WITHOUT_SETS }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let backup = folder(workspace).resolve_argument(
            &workspace.world,
            self.name.as_deref(),
            database_name(workspace),
        )?;
        Ok(Outcome::done(BackupShown::of(&backup)))
    }
}

impl Verb for VerifyBackupsArgs {
    fn name(&self) -> &'static str {
        "backups verify"
    }

    fn effect(&self) -> Effect {
        Effect::Reads
    }

    fn needs(&self) -> Needs {
        Needs::WITHOUT_SETS
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let folder = folder(workspace);
        let chosen = if self.all {
            folder.list()?.backups
        } else {
            let name = self.name.as_deref();
            vec![folder.resolve_argument(&workspace.world, name, database_name(workspace))?]
        };
        if self.level == Level::Restore {
            to_load(workspace, self.name(), &folder, &chosen)?;
        }
        let (verifications, unverified) = self.verify(workspace, &folder, &chosen)?;
        let answer = Verified::of(&verifications);
        let unsound = verifications.into_iter().find(|(_, verification)| !verification.ok);
        let failure = match (unsound, unverified.into_iter().next(), self.max_age) {
            (Some((name, verification)), ..) => {
                Some(BackupError::Unsound { name, problems: verification.problems }.into())
            }
            (None, Some(failure), _) => Some(failure),
            (None, None, Some(max_age)) => newest_is_young(workspace, &folder, max_age).err(),
            (None, None, None) => None,
        };
        Ok(match failure {
            Some(failure) => Outcome::failed(answer, failure),
            None => Outcome::done(answer),
        })
    }
}

/// What was found of backups, by their names.
type VerificationResults = Vec<(String, Verification)>;

impl VerifyBackupsArgs {
    /// The result for each backup, and why others could not be verified.
    fn verify(
        &self,
        workspace: &Workspace,
        folder: &BackupFolder,
        chosen: &[Backup],
    ) -> Result<(VerificationResults, Vec<Failure>)> {
        let _lock = folder.lock_shared()?;
        let (world, settings, target) =
            (&workspace.world, &workspace.settings, || workspace.target());
        let verifier = Verifier { world, settings, folder, target: &target };
        let (mut found, mut unverified) = (Vec::new(), Vec::new());
        for backup in chosen {
            let name = &backup.manifest.name;
            match verifier.verify(backup, self.level) {
                Ok(verification) => found.push((name.clone(), verification)),
                Err(failure) if is_of_one(&failure) => {
                    if self.all {
                        let why = failure.why().into_iter().next();
                        let why = why.unwrap_or_else(|| failure.to_string());
                        workspace.ui.note(&format!("could not verify {name}: {why}"));
                    }
                    unverified.push(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok((found, unverified))
    }
}

/// Whether the other backups can still be verified.
fn is_of_one(failure: &Failure) -> bool {
    failure.exit() == Exit::Unreachable
        || matches!(
            failure.kind(),
            Kind::Backup(BackupError::Unverified { .. } | BackupError::NoClient { .. })
        )
}

impl Verb for PruneArgs {
    fn name(&self) -> &'static str {
        "backups prune"
    }

    fn effect(&self) -> Effect {
        Effect::Destroys
    }

    /// The database's own marker counts, and the identity of its server.
    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Marked, ..Needs::WITHOUT_SETS }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let mut change = Pruning { folder: folder(workspace), verdicts: Vec::new() };
        let ending = perform(&database, Mode::of(self.dry_run), &mut change)?;
        let verdicts = &change.verdicts;
        Ok(Outcome::done(match ending {
            Ending::DryRun(plan) => Pruned::dry_run(&plan, verdicts),
            Ending::Nothing(plan) | Ending::Done { plan, .. } => Pruned::of(&plan, verdicts),
        }))
    }
}

/// Backups that the retention does not keep, about to be removed.
struct Pruning {
    folder: BackupFolder,
    verdicts: Vec<RetentionDecision>,
}

impl Change for Pruning {
    type Held = File;
    type Done = Vec<String>;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let (plan, verdicts) = pruning(database, &self.folder)?;
        self.verdicts = verdicts;
        Ok(plan)
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<File> {
        let what = self.folder.path().display().to_string();
        lock_files(database, &what, || self.folder.try_lock())
    }

    fn carry_out(
        &mut self,
        _: &Database<'_>,
        plan: &Plan,
        _lock: File,
        _: Option<&str>,
    ) -> Result<Vec<String>> {
        backup::remove(&self.folder, &plan.removed_backups())
    }
}

fn folder(workspace: &Workspace) -> BackupFolder {
    BackupFolder::of(&workspace.settings)
}

/// The database whose backups are selected. This needs no connection.
fn database_name(workspace: &Workspace) -> &str {
    workspace.settings.place.value.database()
}

/// Fails if the newest verified complete backup of the database is too old, or there is none.
/// Safety backups do not count: they show that something was changed, not that somebody takes care
/// of backups.
fn newest_is_young(workspace: &Workspace, folder: &BackupFolder, max_age: Duration) -> Result<()> {
    let database = database_name(workspace);
    let (newest, others) = folder.newest_verified(database)?;
    let age = |newest: &Backup| Duration::try_from(now() - newest.manifest.finished);
    if let Some(newest) = newest.filter(|newest| age(newest).unwrap_or_default() <= max_age) {
        let (name, what) = (&newest.manifest.name, "the newest verified backup");
        workspace.ui.note(&format!("{name} is {what}, and recent enough"));
        return Ok(());
    }
    let age = humantime::format_duration(max_age);
    let mut what = format!("of `{database}` that was verified and is newer than {age}");
    if !others.is_empty() {
        what = format!("{what}; these do not count: {}", others.join("; "));
    }
    Err(BackupError::NotFound { what }.into())
}
