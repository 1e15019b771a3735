//! The schema to which the migrations lead: a scratch database that they alone build, from nothing
//! or from the base that `db.toml` names. The project's own database is not asked.

use std::path::PathBuf;
use std::sync::Arc;

use db_tools::ProjectTool;

use crate::backup::{self, SCRATCH, SiblingDatabase};
use crate::check::{self, CheckContext, Direction};
use crate::failure::{Failure, Result, SchemaError};
use crate::migration;
use crate::model::event::Event;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::schema::{base, text};
use crate::settings::Settings;
use crate::world::pg::{Lock, OWN_KEY, Purpose, Session};
use crate::world::{World, files};

/// What would reach beyond the scratch database.
const OUTSIDE: &str = "outside-database";

/// The schema to which the migrations lead.
pub(crate) struct GeneratedSchema {
    pub(crate) text: String,
    /// The files that were not run, because what they do concerns the whole server.
    pub(crate) not_run: Vec<PathBuf>,
}

/// Builds the scratch database, reads it, and drops it.
pub(crate) fn generate(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<GeneratedSchema> {
    let subject = "a scratch database from the migrations".to_owned();
    world.emit(Event::Started { doing: "Building", subject });
    // What happens there is nobody's news.
    let quiet = World { events: Arc::new(|_| {}), ..world.clone() };
    let mut settings = settings.clone();
    // These ask about rows, too.
    settings.verify.clear();
    let built = backup::create_sibling(&quiet, target, SCRATCH, None)?;
    let not_run = migrate(&quiet, &settings, &built)?;
    let mut session = Session::open(&quiet, &built.target, Purpose::Read)?;
    Ok(GeneratedSchema { text: text::text(&mut session)?, not_run })
}

/// Runs all migrations. Gives the files that were left out.
fn migrate(world: &World, settings: &Settings, built: &SiblingDatabase) -> Result<Vec<PathBuf>> {
    let target = &built.target;
    base::load(&mut Session::open(world, target, Purpose::Write)?, settings)?;
    let timeout = settings.limits.lock_timeout.value;
    let mut lock = Lock::acquire(world, target, &[OWN_KEY], timeout)?;
    if let Some(version) = &settings.schema.base_version {
        let facts = migration::gather(world, settings, target)?;
        let plan = plan::baseline(&facts, Some(version))?;
        migration::write_history(world, settings, &plan, &mut lock)?;
    }
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
