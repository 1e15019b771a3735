//! `cargo db rehearse`.

use crate::answer::{Form, NothingRehearsed, Outcome, RehearsalReport};
use crate::cli::{CopyFrom, RehearseArgs, ReportFormat};
use crate::command::Context;
use crate::failure::Result;
use crate::migration;
use crate::model::finding::Verdict;
use crate::model::migration::Migration;
use crate::plan::{self, MigrateRequest};
use crate::rehearse::{self, From, Receipts, Request};

pub(super) fn run(context: &Context, args: &RehearseArgs) -> Result<Outcome> {
    let Context { world, settings, .. } = context;
    let target = context.target()?;
    let facts = migration::gather(world, settings, &target)?;
    let request = MigrateRequest { to: args.to.clone(), ..MigrateRequest::default() };
    let plan = plan::migrate(&facts, &request)?;
    let migrations: Vec<Migration> = plan.migrations().cloned().collect();
    if migrations.is_empty() {
        return Ok(Outcome::done(NothingRehearsed::of(&target)));
    }
    let queries = match &args.queries {
        Some(folder) => rehearse::read_queries(&settings.root, folder, args.queries_at.as_deref())?,
        None => Vec::new(),
    };
    let from = match args.from {
        None => From::Auto,
        Some(CopyFrom::Live) => From::Live,
        Some(CopyFrom::Backup) => From::Backup(args.backup.clone()),
        Some(CopyFrom::Schema) => From::Schema,
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
    let form = match args.format {
        ReportFormat::Markdown => Form::Markdown,
        _ => Form::Terminal,
    };
    let answer = RehearsalReport::of(&target, &rehearsal, &path, form);
    Ok(Outcome::done(answer).finding_if(rehearsal.verdict() > Verdict::Warn))
}
