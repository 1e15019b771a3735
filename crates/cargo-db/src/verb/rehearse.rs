//! `cargo db rehearse`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::answer::{Form, NothingRehearsed, Outcome, RehearsalReport};
use crate::backup::{Folder, Source};
use crate::change::{Database, Effect, Workspace, to_load};
use crate::failure::{Result, SettingsError};
use crate::migration;
use crate::model::backup::{Backup, LoadedAs};
use crate::model::finding::Verdict;
use crate::model::migration::Migration;
use crate::plan::{self, MigrateRequest};
use crate::rehearse::{self, CopySource, Receipts, Request};
use crate::verb::declare::Verb;

const EFFECT: Effect = Effect::Reads;

/// Run pending migrations on a scratch copy and measure what they do
///
/// Measures each statement: what it locks and for how long, what it rewrites, what is lost. Then
/// tries each down migration. The database itself is only read.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct Rehearse {
    /// Source of the copy (default: live, unless the database is very large)
    #[arg(long, value_name = "WHAT", value_enum)]
    from: Option<CopyFrom>,
    /// The backup for `--from backup` (default: the newest)
    #[arg(long, value_name = "NAME", requires = "from")]
    backup: Option<String>,
    /// Keep the scratch database, and print its name
    #[arg(long)]
    keep: bool,
    /// Stop after this version
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// Folder of the application's queries: `.sqlx` or SQL files
    #[arg(long, value_name = "DIR")]
    queries: Option<PathBuf>,
    /// Take the queries from this git revision
    #[arg(long, value_name = "REV", requires = "queries")]
    queries_at: Option<String>,
    /// How to print the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    format: ReportFormat,
}

/// What a scratch copy is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CopyFrom {
    /// The database as it is now now now
    Live,
    /// A backup
    Backup,
    /// Its schema, with the sizes that the server estimates
    Schema,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request
    Markdown,
}

impl Verb for Rehearse {
    fn name(&self) -> &'static str {
        "rehearse"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let Database { target, settings, .. } = &workspace.database()?;
        let world = &workspace.world;
        let facts = migration::gather(world, settings, target)?;
        let request = MigrateRequest { to: self.to.clone(), ..MigrateRequest::default() };
        let plan = plan::migrate(&facts, &request)?;
        let migrations: Vec<Migration> = plan.migrations().cloned().collect();
        if migrations.is_empty() {
            return Ok(Outcome::done(NothingRehearsed::of(target)));
        }
        let queries = match &self.queries {
            Some(folder) => {
                rehearse::read_queries(&settings.root, folder, self.queries_at.as_deref())?
            }
            None => Vec::new(),
        };
        let mut loaded_as = None;
        let from = match self.source() {
            CopySource::Backup(name) => {
                let folder = Folder::of(settings);
                let backup = folder.meant(world, name.as_deref(), &target.database)?;
                loaded_as = self.agree(workspace, &folder, &backup)?;
                CopySource::Backup(Some(backup.manifest.name))
            }
            from => from,
        };
        let keep = self.keep;
        let request = Request { settings, target, migrations: &migrations, from, keep, queries };
        let (rehearsal, receipt) = rehearse::rehearse(world, &request)?;
        let receipts = Receipts::of(&settings.root);
        let (path, signed_by) = receipts.write(receipt, &settings.signing)?;
        let form = match self.format {
            ReportFormat::Text => Form::Terminal,
            ReportFormat::Markdown => Form::Markdown,
        };
        let answer = RehearsalReport::of(target, &rehearsal, (&path, signed_by), form);
        let answer = answer.loaded_as(loaded_as);
        Ok(Outcome::done(answer).finding_if(rehearsal.verdict() > Verdict::Warn))
    }
}

impl Rehearse {
    /// What was not taken here is loaded only where somebody agrees to it. Its owner goes with the
    /// copy, and so there is nothing to keep.
    fn agree(
        &self,
        workspace: &Workspace,
        folder: &Folder,
        backup: &Backup,
    ) -> Result<Option<LoadedAs>> {
        if self.keep && !Source::of(folder, backup).is_known(&workspace.settings)? {
            let name = &backup.manifest.name;
            let what = format!(
                "`--keep` keeps no copy of `{name}`, which was not taken here: `cargo db restore \
                 {name} --into NAME` makes one"
            );
            return Err(SettingsError::Usage { what }.into());
        }
        to_load(workspace, self.name(), folder, std::slice::from_ref(backup))
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
