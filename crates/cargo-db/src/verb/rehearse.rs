//! `cargo db rehearse`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::answer::{EitherAnswer, NothingRehearsed, Outcome, RehearsalReport, SetEnding};
use crate::backup::{BackupFolder, RestoreSource};
use crate::change::{
    Database, Effect, Needs, SetNeed, Workspace, batched, each_set, outcome_of_sets,
    shares_a_transaction, to_load, wants_all_or_nothing,
};
use crate::cli::{ReportFlags, revision};
use crate::failure::{Exit, Result, SettingsError};
use crate::migration;
use crate::model::backup::{Backup, LoadedAs};
use crate::model::finding::Verdict;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan};
use crate::rehearse::{self, CopySource, Receipts, Request, Scratch};
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Reads;

/// Run pending migrations on a scratch copy and measure what they do
///
/// Measures what each statement locks and for how long, what it rewrites, and which data it
/// deletes. Then tries each down migration. The database itself is only read.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct RehearseArgs {
    /// Source of the copy (default: `live`, or `schema` if the database is larger than 20 GB)
    #[arg(long, value_name = "WHAT", value_enum)]
    from: Option<CopyFrom>,
    /// Name of the backup for `--from backup` (default: the newest)
    #[arg(long, value_name = "NAME", requires = "from")]
    backup: Option<String>,
    /// Keep the scratch database, and print its name
    #[arg(long)]
    keep: bool,
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Run all migrations in one transaction, as `migrate --all-or-nothing` does
    #[arg(long)]
    all_or_nothing: bool,
    /// Also write the receipts to this file, for `migrate --receipt FILE` on another machine
    #[arg(long, value_name = "FILE")]
    receipt_to: Option<PathBuf>,
    /// Report which queries of the application break; DIR is the folder `.sqlx` of sqlx, or a
    /// folder of SQL files
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,
    /// Read the queries from this git revision
    #[arg(long, value_name = "REV", value_parser = revision, requires = "queries")]
    queries_at: Option<String>,
    #[command(flatten)]
    report: ReportFlags,
}

/// The source of a scratch copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CopyFrom {
    /// The database as it is now
    Live,
    /// A backup of the database
    Backup,
    /// Only the schema, without rows; table sizes are the server's estimates
    Schema,
}

impl Verb for RehearseArgs {
    fn name(&self) -> &'static str {
        "rehearse"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn report(&self) -> Option<&ReportFlags> {
        Some(&self.report)
    }

    /// A version, a backup or a folder of queries belongs to one set.
    fn needs(&self) -> Needs {
        let is_of_one = self.to.is_some() || self.backup.is_some() || self.queries.is_some();
        let set = if is_of_one { SetNeed::One } else { SetNeed::Each };
        Needs { set, ..Needs::DATABASE }
    }

    /// Rehearses the migrations of each set. A set that cannot be rehearsed does not hide the
    /// others.
    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let file = self.receipt_to.as_deref();
        file.map_or(Ok(()), Receipts::can_copy_to)?;
        let sets = each_set(workspace, |workspace| self.rehearse(workspace))?;
        if let Some(file) = file {
            let written: Vec<PathBuf> =
                sets.iter().filter_map(|(_, set)| receipt_of(set)).collect();
            Receipts::copy(&written, file)?;
            workspace.ui.status("Wrote", &file.display().to_string());
        }
        outcome_of_sets(workspace, sets)
    }
}

/// What a rehearsal ends with.
type RehearseAnswer = EitherAnswer<RehearsalReport, NothingRehearsed>;

/// The file of the receipt that the rehearsal of a set wrote.
fn receipt_of(ending: &SetEnding<RehearseAnswer>) -> Option<PathBuf> {
    match ending {
        SetEnding::Answered(EitherAnswer::One(report), _) => Some(report.receipt()),
        _ => None,
    }
}

impl RehearseArgs {
    fn rehearse(&self, workspace: &Workspace) -> Result<(RehearseAnswer, Exit)> {
        let database = &workspace.database()?;
        let Database { target, settings, .. } = database;
        let world = &workspace.world;
        let mut source = self.source();
        let receipts = Receipts::of(&settings.root);
        receipts.is_writable()?;
        let (mut copy, mut loaded_as) = (None, None);
        if let CopySource::Backup(name) = &source {
            let folder = BackupFolder::of(settings);
            let backup = folder.resolve_argument(world, name.as_deref(), &target.database)?;
            loaded_as = self.agree(workspace, &folder, &backup)?;
            source = CopySource::Backup(Some(backup.manifest.name));
            // The backup and the database may have different pending migrations.
            copy = Some(rehearse::copy(world, settings, target, &source)?);
        }
        let place = copy.as_ref().map_or(target, Scratch::target);
        let plan = self.plan(database, place)?;
        plan.warnings.iter().for_each(|warning| workspace.ui.warning(warning));
        if let Some(copy) = &copy {
            self.compare(database, copy, &plan);
        }
        let migrations: Vec<Migration> = plan.migrations().cloned().collect();
        if migrations.is_empty() {
            let nothing = NothingRehearsed::of(target);
            return Ok((EitherAnswer::Other(nothing), Exit::Done));
        }
        let queries = match &self.queries {
            Some(folder) => {
                rehearse::read_queries(&settings.root, folder, self.queries_at.as_deref())?
            }
            None => Vec::new(),
        };
        let copy = match copy {
            Some(copy) => copy,
            None => rehearse::copy(world, settings, target, &source)?,
        };
        let is_one_transaction = shares_a_transaction(settings, &plan);
        let (migrations, keep) = (migrations.as_slice(), self.keep);
        let request = Request { settings, migrations, is_one_transaction, keep, queries };
        let (rehearsal, receipt) = rehearse::rehearse(world, &request, copy)?;
        let (path, signed_by) = receipts.write(receipt, &settings.signing)?;
        let answer = RehearsalReport::of(target, &rehearsal, (&path, signed_by));
        let exit = Exit::finding_if(rehearsal.verdict() > Verdict::Warn);
        Ok((EitherAnswer::One(answer.loaded_as(loaded_as)), exit))
    }

    /// A backup that this project did not take is loaded only with consent. The role that loads it
    /// is dropped together with the copy, so the copy cannot be kept.
    fn agree(
        &self,
        workspace: &Workspace,
        folder: &BackupFolder,
        backup: &Backup,
    ) -> Result<Option<LoadedAs>> {
        if self.keep && !RestoreSource::of(folder, backup).is_known(&workspace.settings)? {
            let name = &backup.manifest.name;
            let restore = format!("cargo db restore {name} --into NAME");
            let what = format!(
                "`--keep` cannot keep a copy of `{name}`, because this project did not take it: \
                 run `{}`",
                workspace.ui.command(&restore)
            );
            return Err(SettingsError::Usage { what }.into());
        }
        to_load(workspace, self.name(), folder, std::slice::from_ref(backup))
    }

    /// The plan of the pending migrations of the database, or of a copy of it.
    fn plan(&self, database: &Database<'_>, place: &Target) -> Result<Plan> {
        let facts = migration::gather(&database.workspace.world, &database.settings, place)?;
        let request = MigrateRequest { to: self.to.clone(), ..MigrateRequest::default() };
        let mut plan = plan::migrate(&facts, &request)
            .map_err(|failure| migration::with_branches(failure, &database.settings))?;
        plan.warnings.extend(migration::unmatched_expectations(&database.settings, &facts.folder));
        batched(database, plan, wants_all_or_nothing(database, self.all_or_nothing)?)
    }

    /// Warns if the backup and the database itself have different pending migrations.
    fn compare(&self, database: &Database<'_>, copy: &Scratch, of_copy: &Plan) {
        // To rehearse a backup, the database does not have to exist or match the folder.
        let Ok(plan) = self.plan(database, &database.target) else { return };
        if plan.migrations().eq(of_copy.migrations()) {
            return;
        }
        let name = &database.target.database;
        let titles = |plan: &Plan| plan.migrations().map(Migration::title).collect::<Vec<_>>();
        let (in_copy, in_database) = pending(&titles(of_copy), &titles(&plan));
        database.workspace.ui.warning(&format!(
            "pending in {}: {in_copy}; pending in {name} itself: {in_database}; the migrations of \
             the backup are rehearsed",
            copy.describe(name),
        ));
    }

    fn source(&self) -> CopySource {
        match self.from {
            None => CopySource::Auto,
            Some(CopyFrom::Live) => CopySource::Live,
            Some(CopyFrom::Backup) => CopySource::Backup(self.backup.clone()),
            Some(CopyFrom::Schema) => CopySource::Schema,
        }
    }
}

/// Describes how the pending migrations of two databases differ: the counts, or the first migration
/// that only one of them has.
fn pending(one: &[String], other: &[String]) -> (String, String) {
    let differing = one.iter().zip(other).find(|(one, other)| one != other);
    match differing.filter(|_| one.len() == other.len()) {
        Some((one, other)) => (format!("`{one}`"), format!("`{other}`")),
        None => (one.len().to_string(), other.len().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_migration_that_differs_is_named_where_the_counts_are_equal() {
        let titles = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let said = |one: &[&str], other: &[&str]| pending(&titles(one), &titles(other));
        assert_eq!(said(&["1 a", "2 b"], &["2 b"]), ("2".to_owned(), "1".to_owned()));
        let (one, other) = said(&["1 a", "2 b"], &["1 a", "3 c"]);
        assert_eq!((one.as_str(), other.as_str()), ("`2 b`", "`3 c`"));
    }
}
