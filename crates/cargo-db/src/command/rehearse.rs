//! `cargo db rehearse`.

use crate::cli::{CopyFrom, RehearseArgs, ReportFormat};
use crate::command::Context;
use crate::failure::{Exit, Result};
use crate::migration;
use crate::model::finding::Verdict;
use crate::model::migration::Migration;
use crate::plan::{self, MigrateRequest};
use crate::rehearse::{self, CopySource, Receipts, Request};
use crate::ui::Report;

pub(super) fn run(context: &Context, args: &RehearseArgs) -> Result<Exit> {
    let Context { ui, world, settings, .. } = context;
    let target = context.target()?;
    let facts = migration::gather(world, settings, &target)?;
    let request = MigrateRequest { to: args.to.clone(), ..MigrateRequest::default() };
    let plan = plan::migrate(&facts, &request)?;
    let migrations: Vec<Migration> = plan.migrations().cloned().collect();
    if migrations.is_empty() {
        ui.report(&Report::Line("nothing to rehearse: no migration is pending"));
        return Ok(Exit::Done);
    }
    let queries = match &args.queries {
        Some(folder) => rehearse::read_queries(&settings.root, folder, args.queries_at.as_deref())?,
        None => Vec::new(),
    };
    let from = match args.from {
        None => CopySource::Auto,
        Some(CopyFrom::Live) => CopySource::Live,
        Some(CopyFrom::Backup) => CopySource::Backup(args.backup.clone()),
        Some(CopyFrom::Schema) => CopySource::Schema,
    };
    let request = Request {
        settings,
        target: &target,
        migrations: &migrations,
        from,
        keep: args.keep,
        queries,
    };
    let (rehearsal, receipt) = rehearse::rehearse(world, &request)?;
    let path = Receipts::of(&settings.root).write(&receipt)?;
    let markdown = args.format == ReportFormat::Markdown;
    ui.report(&Report::Rehearsed {
        target: &target,
        rehearsal: &rehearsal,
        receipt: &path,
        markdown,
    });
    Ok(if rehearsal.verdict() > Verdict::Warn { Exit::Finding } else { Exit::Done })
}
