//! The schema that the migrations produce, read from a scratch database that starts empty or from
//! the base in `db.toml`. The project's own database is not read. The scratch database is kept as a
//! template, with which the next run continues.

use std::path::PathBuf;
use std::sync::Arc;

use db_tools::ProjectTool;

use crate::backup::{self, SCRATCH, SchemaTemplate, SiblingDatabase};
use crate::check::{self, CheckContext, Direction};
use crate::failure::{Failure, Result, SchemaError};
use crate::migration;
use crate::model::event::Event;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::schema::base;
use crate::schema::chain::MigrationChain;
use crate::schema::text::{SchemaTexts, texts};
use crate::settings::Settings;
use crate::world::pg::{Lock, OWN_KEY, Purpose, Session};
use crate::world::{World, files};

/// What would reach beyond the scratch database.
const OUTSIDE: &str = "outside-database";

/// The schema to which the migrations lead.
pub(crate) struct GeneratedSchema {
    pub(crate) texts: SchemaTexts,
    /// The files that were not run, because what they do concerns the whole server.
    pub(crate) not_run: Vec<PathBuf>,
}

/// Reads the schema that the migrations produce, from the template that an earlier run kept. If
/// there is none, builds a scratch database and keeps it as a template.
pub(crate) fn generate(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<GeneratedSchema> {
    // What happens there is nobody's news.
    let quiet = World { events: Arc::new(|_| {}), ..world.clone() };
    let mut settings = settings.clone();
    // These ask about rows, too.
    settings.verify.clear();
    let chain = MigrationChain::of(&quiet, &settings, target)?;
    let keys = chain.as_ref().map(MigrationChain::longest_first).unwrap_or_default();
    let template = SchemaTemplate::find(&quiet, target, &keys)?;
    if let (Some(template), Some(chain)) = (&template, &chain)
        && template.is_of(target, chain.whole())
        && let Some(found) = of_template(&quiet, &settings, template)
    {
        return Ok(found);
    }
    let subject = "a scratch database from the migrations".to_owned();
    world.emit(Event::Started { doing: "Building", subject });
    let (built, mut not_run) = begun(&quiet, &settings, target, template.as_ref())?;
    not_run.extend(migrate(&quiet, &settings, &built)?);
    let mut session = Session::open(&quiet, &built.target, Purpose::Read)?;
    let texts = texts(&mut session, &settings.schema)?;
    drop(session);
    if let Some(chain) = chain {
        let notes: Vec<String> = not_run.iter().map(|path| path.display().to_string()).collect();
        built.keep_as_template(chain.whole(), &notes);
    }
    Ok(GeneratedSchema { texts, not_run })
}

/// The schema of the template that has all migrations. `None` if the template was dropped or is
/// unusable: then a new one is built, which also reports problems of the migrations.
fn of_template(
    world: &World,
    settings: &Settings,
    template: &SchemaTemplate,
) -> Option<GeneratedSchema> {
    let is_complete = matches!(next(world, settings, &template.target), Ok(None));
    let mut session = is_complete
        .then(|| Session::open(world, &template.target, Purpose::Read).ok())
        .flatten()?;
    let texts = texts(&mut session, &settings.schema).ok()?;
    Some(GeneratedSchema { texts, not_run: not_run(template) })
}

fn not_run(template: &SchemaTemplate) -> Vec<PathBuf> {
    template.notes.iter().map(PathBuf::from).collect()
}

/// The scratch database to run the migrations in: a clone of a template with the first of them, or
/// an empty one with the base. Also returns the files that were left out of it.
fn begun(
    world: &World,
    settings: &Settings,
    target: &Target,
    template: Option<&SchemaTemplate>,
) -> Result<(SiblingDatabase, Vec<PathBuf>)> {
    if let Some(template) = template
        && let Some(built) = template.clone(world, target)?
    {
        return Ok((built, not_run(template)));
    }
    let built = backup::create_sibling(world, target, SCRATCH, None)?;
    base::load(&mut Session::open(world, &built.target, Purpose::Write)?, settings)?;
    if let Some(version) = &settings.schema.base_version {
        let mut lock = lock(world, settings, &built)?;
        let facts = migration::gather(world, settings, &built.target)?;
        let plan = plan::baseline(&facts, Some(version))?;
        migration::write_history(world, settings, &plan, &mut lock)?;
    }
    Ok((built, Vec::new()))
}

fn lock(world: &World, settings: &Settings, built: &SiblingDatabase) -> Result<Lock> {
    Lock::acquire(world, &built.target, &[OWN_KEY], settings.limits.lock_timeout.value)
}

/// Runs the pending migrations. Returns the files that were left out.
fn migrate(world: &World, settings: &Settings, built: &SiblingDatabase) -> Result<Vec<PathBuf>> {
    let target = &built.target;
    let mut lock = lock(world, settings, built)?;
    let mut not_run = Vec::new();
    while let Some((runs, plan)) = next(world, settings, target)? {
        if runs {
            migration::can_run(settings, &plan)?;
            let done = migration::carry_out(world, settings, &plan, &mut lock);
            done.map_err(|failure| not_built(world, settings, failure))?;
        } else {
            not_run.extend(plan.migrations().map(|migration| migration.up.path.clone()));
            migration::write_history(world, settings, &plan, &mut lock)?;
        }
    }
    Ok(not_run)
}

/// The next pending migrations that can be treated alike, and whether they run; the others are
/// only recorded. Nothing where none is pending.
fn next(world: &World, settings: &Settings, target: &Target) -> Result<Option<(bool, Plan)>> {
    let facts = migration::gather(world, settings, target)?;
    let tolerance = Tolerance { missing: true, out_of_order: true };
    let mut request = MigrateRequest { tolerance, ..MigrateRequest::default() };
    let all = plan::migrate(&facts, &request)?;
    let mut pending = all.migrations();
    let Some(first) = pending.next() else { return Ok(None) };
    let runs = stays_inside(settings, first)?;
    let (mut steps, mut last) = (1, first);
    for migration in pending {
        if stays_inside(settings, migration)? != runs {
            break;
        }
        (steps, last) = (steps + 1, migration);
    }
    let plan = if runs {
        request.steps = Some(steps);
        plan::migrate(&facts, &request)?
    } else {
        plan::baseline(&facts, Some(&last.version.to_string()))?
    };
    Ok(Some((runs, plan)))
}

/// Whether a migration may run on a scratch database. Fails where it may not, and nobody has said
/// that it can be left out.
fn stays_inside(settings: &Settings, migration: &Migration) -> Result<bool> {
    if migration.up.is_code {
        return Ok(true);
    }
    let layout: &ProjectTool = &settings.migrations.layout;
    let bytes = files::read(&settings.root.join(&migration.up.path))?;
    let checked =
        check::check_script(layout, &migration.up, bytes, Direction::Up, CheckContext::default());
    if checked.allowed.iter().any(|rule| rule == OUTSIDE) {
        return Ok(false);
    }
    match checked.findings.iter().find(|finding| finding.rule == OUTSIDE) {
        None => Ok(true),
        Some(finding) => {
            let (file, line) = (migration.up.path.clone(), finding.line);
            Err(SchemaError::Outside { file, line, why: finding.evidence.clone() }.into())
        }
    }
}

/// What it means that a migration fails on a database that only the migrations before it built.
fn not_built(world: &World, settings: &Settings, failure: Failure) -> Failure {
    let why = match (failure.statement(), failure.tool_said()) {
        _ if world.interrupt.check().is_err() => return failure,
        (Some(at), _) => {
            vec![format!("{}:{}: {}", at.file.display(), at.line, at.server.message)]
        }
        (None, Some(said)) => {
            let said = said.lines().rev().take(5).map(str::to_owned).collect::<Vec<_>>();
            std::iter::once(failure.to_string()).chain(said.into_iter().rev()).collect()
        }
        _ => return failure,
    };
    SchemaError::NotBuilt { why, has_base: settings.schema.base.is_some() }.into()
}
