//! Compares a database with what its migrations build, before they are recorded as applied.

use pg_logical::catalog::Kind;

use crate::change::workspace::Database;
use crate::failure::{self, GenerateError, Result};
use crate::generate::{self, ComparedSchema};
use crate::migration;
use crate::model::migration::Version;
use crate::plan::{BaselineComparison, Plan};
use crate::schema;
use crate::world::pg::{Purpose, Session};

/// The schema that the migrations build, or why there is none to compare with. It is built once for
/// a run.
#[derive(Default)]
pub(crate) struct BuiltSchema(Option<Result<ComparedSchema, String>>);

impl BuiltSchema {
    /// Compares the database with the migrations that are recorded after this plan.
    pub(crate) fn compare(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
    ) -> Result<BaselineComparison> {
        let Some(last) = plan.migrations().last() else { return Ok(BaselineComparison::Same) };
        if self.0.is_none() {
            self.0 = Some(build(database, &last.version)?);
        }
        match &self.0 {
            Some(Ok(built)) => differences(database, built),
            Some(Err(why)) => Ok(BaselineComparison::NotCompared { why: why.clone() }),
            None => Ok(BaselineComparison::Same),
        }
    }
}

/// Builds the schema up to a version, unless that is not possible here.
fn build(database: &Database<'_>, last: &Version) -> Result<Result<ComparedSchema, String>> {
    let Database { workspace, settings, target, .. } = database;
    let (world, layout) = (&workspace.world, &settings.migrations.layout);
    let environment = database.environment();
    if !environment.is_disposable() {
        return Ok(Err(format!("no scratch database is built in {environment}")));
    }
    if layout.is_asked() {
        return Ok(Err(format!("{} reports the history itself", layout.key())));
    }
    let mut session = Session::open(world, target, Purpose::Read)?;
    let others = schema::histories_of_other_sets(&mut session, &settings.migrations)?;
    if !others.is_empty() {
        return Ok(Err("other sets of migrations use the database too".to_owned()));
    }
    drop(session);
    let built = schema::scratch_up_to(world, settings, target, &last.to_string());
    let built = built.and_then(|scratch| {
        let catalog = generate::catalog(world, &scratch.database.target, layout)?;
        Ok(ComparedSchema::masked(catalog, true))
    });
    match built {
        Err(failure) if world.interrupt.check().is_err() => Err(failure),
        built => Ok(built.map_err(|failure| failure.to_string())),
    }
}

/// The name of a table as its catalog has it.
fn unquoted(name: &str) -> String {
    name.replace('"', "")
}

fn differences(database: &Database<'_>, built: &ComparedSchema) -> Result<BaselineComparison> {
    let Database { workspace, settings, target, .. } = database;
    let world = &workspace.world;
    let mut session = Session::open(world, target, Purpose::Read)?;
    let histories: Vec<String> =
        migration::histories(&mut session)?.into_iter().map(|(_, name)| unquoted(&name)).collect();
    drop(session);
    let mut live = generate::catalog(world, target, &settings.migrations.layout)?;
    // The history of a tool that the project used before is none of its objects.
    live.remove(|object| {
        let identity = &object.identity;
        let schema = identity.schema.as_deref().unwrap_or_default();
        let name = format!("{schema}.{}", identity.name);
        identity.kind == Kind::Table && histories.contains(&name)
    });
    let live = ComparedSchema::masked(live, false);
    let objects: Vec<String> = match generate::compare(built, &live, &target.user) {
        Ok(difference) => {
            let steps = difference.plan.steps.into_iter();
            steps.filter_map(|step| step.found).collect()
        }
        Err(failure) => match failure.kind() {
            failure::Kind::Generate(GenerateError::NoDdl { objects }) => objects.clone(),
            _ => return Err(failure),
        },
    };
    Ok(match objects.is_empty() {
        true => BaselineComparison::Same,
        false => BaselineComparison::Different { objects },
    })
}
