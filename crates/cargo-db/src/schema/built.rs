//! The schema that the migrations produce, read from a scratch database that starts empty or from
//! the base in `db.toml`. The project's own database is not read. The scratch database is kept as a
//! template, with which the next run continues.

use std::path::PathBuf;
use std::sync::Arc;

use db_tools::ProjectTool;

use crate::backup::{self, SCRATCH, SchemaTemplate, SiblingDatabase};
use crate::check::{self, CheckContext, Direction};
use crate::failure::{Failure, Result, SchemaError, ServerWideStatement};
use crate::migration;
use crate::model::event::Event;
use crate::model::migration::Migration;
use crate::model::target::Target;
use crate::plan::{self, MigrateRequest, Plan, Tolerance};
use crate::schema::base;
use crate::schema::chain::MigrationChain;
use crate::schema::server_wide;
use crate::schema::text::{SchemaTexts, texts};
use crate::settings::Settings;
use crate::world::pg::{Lock, OWN_KEY, Purpose, Session};
use crate::world::{World, files};

/// What would reach beyond the scratch database.
pub(crate) const OUTSIDE: &str = "outside-database";

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
    let builder = ScratchBuilder::of(world, settings, target)?;
    let template = builder.template()?;
    if let (Some(template), Some(chain)) = (&template, &builder.chain)
        && template.is_of(target, chain.whole())
        && let Some(found) = of_template(&builder.world, &builder.settings, template)
    {
        return Ok(found);
    }
    let built = builder.build(template.as_ref())?;
    let mut session = Session::open(&builder.world, &built.database.target, Purpose::Read)?;
    let texts = texts(&mut session, &settings.schema)?;
    drop(session);
    let not_run = built.not_run.clone();
    builder.keep(built);
    Ok(GeneratedSchema { texts, not_run })
}

/// A scratch database that the migrations built.
pub(crate) struct MigratedScratch {
    pub(crate) database: SiblingDatabase,
    /// The files that were not run, because what they do concerns the whole server.
    pub(crate) not_run: Vec<PathBuf>,
}

/// A scratch database with all migrations, to be changed by the caller. It is a clone of the
/// template, which is built first if there is none.
pub(crate) fn migrated_scratch(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<MigratedScratch> {
    let builder = ScratchBuilder::of(world, settings, target)?;
    if let Some(cloned) = builder.cloned()? {
        return Ok(cloned);
    }
    let built = builder.build(builder.template()?.as_ref())?;
    // Beside precious data, nothing is kept.
    if builder.chain.is_none() || !settings.environment.environment.is_disposable() {
        return Ok(built);
    }
    builder.keep(built);
    match builder.cloned()? {
        Some(cloned) => Ok(cloned),
        // Another run uses the template at this moment.
        None => builder.build(None),
    }
}

/// A scratch database with the migrations up to and including this version. Nothing of it is kept.
pub(crate) fn scratch_up_to(
    world: &World,
    settings: &Settings,
    target: &Target,
    version: &str,
) -> Result<MigratedScratch> {
    let to = Some(version.to_owned());
    ScratchBuilder { to, ..ScratchBuilder::of(world, settings, target)? }.build(None)
}

/// The schemas that the first of the migrations build, as far as earlier runs kept them, without
/// that of all migrations.
pub(crate) fn earlier(
    world: &World,
    settings: &Settings,
    target: &Target,
) -> Result<Vec<GeneratedSchema>> {
    let builder = ScratchBuilder::of(world, settings, target)?;
    let Some(chain) = &builder.chain else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for key in chain.longest_first().into_iter().filter(|key| key != chain.whole()) {
        let Some(template) = SchemaTemplate::find(&builder.world, target, &[key])? else {
            continue;
        };
        let mut session = Session::open(&builder.world, &template.target, Purpose::Read)?;
        let texts = texts(&mut session, &settings.schema)?;
        found.push(GeneratedSchema { texts, not_run: not_run(&template) });
    }
    Ok(found)
}

/// What is needed to build a scratch database from the migrations.
struct ScratchBuilder<'a> {
    /// The world of the caller, which sees that something is built.
    outer: &'a World,
    /// A quiet one: events of the scratch database are nobody's news.
    world: World,
    settings: Settings,
    target: &'a Target,
    /// `None` if nothing can be kept for the next run.
    chain: Option<MigrationChain>,
    /// The last version that is applied, if it is not that of the last migration.
    to: Option<String>,
}

impl ScratchBuilder<'_> {
    fn of<'a>(
        outer: &'a World,
        settings: &Settings,
        target: &'a Target,
    ) -> Result<ScratchBuilder<'a>> {
        let world = World { events: Arc::new(|_| {}), ..outer.clone() };
        let mut settings = settings.clone();
        // These ask about rows, too.
        settings.verify.clear();
        let chain = MigrationChain::of(&world, &settings, target)?;
        Ok(ScratchBuilder { outer, world, settings, target, chain, to: None })
    }

    /// The template with the most of the migrations.
    fn template(&self) -> Result<Option<SchemaTemplate>> {
        let keys = self.chain.as_ref().map(MigrationChain::longest_first).unwrap_or_default();
        SchemaTemplate::find(&self.world, self.target, &keys)
    }

    /// A clone of the template with all migrations, if there is one and it can be cloned.
    fn cloned(&self) -> Result<Option<MigratedScratch>> {
        let Some(chain) = &self.chain else { return Ok(None) };
        let template = self.template()?.filter(|found| found.is_of(self.target, chain.whole()));
        let Some(template) = template else { return Ok(None) };
        let cloned = template.clone(&self.world, self.target)?;
        let not_run = not_run(&template);
        Ok(cloned.map(|database| MigratedScratch { database, not_run }))
    }

    fn build(&self, template: Option<&SchemaTemplate>) -> Result<MigratedScratch> {
        let subject = "a scratch database from the migrations".to_owned();
        self.outer.emit(Event::Started { doing: "Building", subject });
        let (world, settings) = (&self.world, &self.settings);
        let (database, mut not_run) = begun(world, settings, self.target, template)?;
        not_run.extend(migrate(world, settings, &database, self.to.as_deref())?);
        Ok(MigratedScratch { database, not_run })
    }

    /// Keeps a database as the template with all migrations.
    fn keep(&self, built: MigratedScratch) {
        let Some(chain) = &self.chain else { return };
        let notes: Vec<String> =
            built.not_run.iter().map(|path| path.display().to_string()).collect();
        built.database.keep_as_template(chain.whole(), &notes);
    }
}

/// The schema of the template that has all migrations. `None` if the template was dropped or is
/// unusable: then a new one is built, which also reports problems of the migrations.
fn of_template(
    world: &World,
    settings: &Settings,
    template: &SchemaTemplate,
) -> Option<GeneratedSchema> {
    let is_complete = matches!(next(world, settings, &template.target, None), Ok(None));
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
    let built = built.without_waiting_for_disk()?;
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

/// Runs the pending migrations, up to a version. Returns the files that were left out.
fn migrate(
    world: &World,
    settings: &Settings,
    built: &SiblingDatabase,
    to: Option<&str>,
) -> Result<Vec<PathBuf>> {
    let target = &built.target;
    let mut lock = lock(world, settings, built)?;
    let mut not_run = Vec::new();
    while let Some((runs, plan)) = next(world, settings, target, to)? {
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
fn next(
    world: &World,
    settings: &Settings,
    target: &Target,
    to: Option<&str>,
) -> Result<Option<(bool, Plan)>> {
    let facts = migration::gather(world, settings, target)?;
    let tolerance = Tolerance { missing: true, out_of_order: true };
    let mut request = MigrateRequest { to: to.map(str::to_owned), steps: None, tolerance };
    let all = plan::migrate(&facts, &request)?;
    let mut pending = all.migrations();
    let Some(first) = pending.next() else { return Ok(None) };
    let place = place_of(settings, first)?;
    let runs = match &place {
        MigrationPlace::Inside => true,
        MigrationPlace::LeftOut => false,
        // The database is where this migration begins.
        MigrationPlace::Unclear(failure) => {
            let bytes = files::read(&settings.root.join(&first.up.path))?;
            let script = (first.up.path.as_path(), first.up.part_of(bytes));
            if !server_wide::is_inside(world, settings, target, script)? {
                return Err(SchemaError::Outside(failure.clone()).into());
            }
            true
        }
    };
    let (mut steps, mut last) = (1, first);
    for migration in pending {
        match (place_of(settings, migration)?, runs) {
            (MigrationPlace::Inside, true) | (MigrationPlace::LeftOut, false) => {}
            _ => break,
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

/// Where a migration has its effect.
enum MigrationPlace {
    /// In its database.
    Inside,
    /// Perhaps outside of it, and its author said that it can be left out.
    LeftOut,
    /// Perhaps outside of it.
    Unclear(ServerWideStatement),
}

fn place_of(settings: &Settings, migration: &Migration) -> Result<MigrationPlace> {
    if migration.up.is_code {
        return Ok(MigrationPlace::Inside);
    }
    let layout: &ProjectTool = &settings.migrations.layout;
    let bytes = files::read(&settings.root.join(&migration.up.path))?;
    let checked =
        check::check_script(layout, &migration.up, bytes, Direction::Up, CheckContext::default());
    if checked.allowed.iter().any(|rule| rule == OUTSIDE) {
        return Ok(MigrationPlace::LeftOut);
    }
    Ok(match checked.findings.iter().find(|finding| finding.rule == OUTSIDE) {
        None => MigrationPlace::Inside,
        Some(finding) => {
            let (file, line) = (migration.up.path.clone(), finding.line);
            MigrationPlace::Unclear(ServerWideStatement {
                file,
                line,
                why: finding.evidence.clone(),
            })
        }
    })
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
