//! The proof of a migration on a scratch database with rows: applied, the database is the wanted
//! one; rolled back, it is as it was; and columns that are in both states keep their content.

use std::collections::BTreeSet;

use pg_logical::catalog::{Catalog, Kind, Object};
use pg_logical::diff::{DiffError, DiffStep, Plan, Plans, Wanted, diff, shape};

use crate::failure::{GenerateError, Result};
use crate::generate::bodies::BodyError;
use crate::generate::content::{CommonContent, Content, Moment, differences};
use crate::generate::filling::{Filling, StaysEmpty, fill};
use crate::generate::reading::StateReader;
use crate::generate::stage::{DownStage, MigrationStage, refused, statements};
use crate::migration::session_settings;
use crate::model::statement::ServerError;
use crate::model::target::Target;
use crate::world::pg::{Purpose, Session};

/// How many differences are listed.
const SHOWN: usize = 5;

/// What is proved: the plans between two states.
pub(super) struct Claim<'a> {
    pub(super) before: &'a Catalog,
    /// The first state after the renames with which the plan begins.
    pub(super) renamed: &'a Catalog,
    /// The steps that undo these renames.
    pub(super) back: &'a [DiffStep],
    pub(super) after: &'a Catalog,
    pub(super) plans: &'a Plans,
    pub(super) wanted: &'a Wanted,
}

/// How a proof ended.
pub(super) enum ProofEnding {
    Proved {
        stages: Vec<MigrationStage>,
        filling: Filling,
        /// Errors in the bodies of functions, which were none before.
        broken: Vec<BodyError>,
    },
    /// The migration fails on the rows of a table, as it may on real ones.
    Rows(RowsInTheWay),
}

/// Rows on which a migration fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowsInTheWay {
    /// The table, as SQL; `None` if it may be any.
    pub(crate) table: Option<String>,
    /// What the server said.
    pub(crate) why: String,
    pub(crate) is_down: bool,
}

/// A statement, and the table that it changes, as SQL.
struct ProofStatement {
    table: Option<String>,
    object: String,
    sql: String,
}

/// A statement that the server refused.
struct StoppedProof {
    table: Option<String>,
    object: String,
    server: ServerError,
}

/// A scratch database to which the migrations led.
pub(super) struct Prover<'a> {
    pub(super) reading: StateReader<'a>,
    pub(super) target: &'a Target,
}

impl Prover<'_> {
    /// Proves a claim, with rows in all tables except these.
    pub(super) fn prove(&self, claim: &Claim<'_>, empty: &StaysEmpty) -> Result<ProofEnding> {
        let filling = fill(self.reading.world, self.reading.settings, self.target, empty)?;
        let common = CommonContent::of(claim.before, claim.renamed, claim.after);
        let was = self.content(&common, Moment::Before)?;
        let were_broken = self.body_errors(claim.before)?;
        let mut stages: Vec<MigrationStage> = Vec::new();
        let mut last: Option<Catalog> = None;
        let groups = claim.plans.up.groups();
        let is_only = groups.len() == 1;
        for group in groups {
            if let Err(stopped) = self.run(&in_steps(group.steps), group.is_in_transaction)? {
                return stopped.ending();
            }
            let now = self.catalog()?;
            let down = claim.down_of(is_only, last.as_ref(), &now);
            let down = down.map_err(|error| refused(&error)).and_then(|plan| {
                let masked = self.reading.masked(&plan.steps);
                if masked.is_empty() { Ok(plan) } else { Err(masked) }
            });
            stages.push(MigrationStage::new(group, down));
            last = Some(now);
        }
        let now = last.as_ref().unwrap_or(claim.before);
        proved(claim.differences(now, claim.after)?)?;
        proved(differences(&was, &self.content(&common, Moment::After)?))?;
        let broken = self.body_errors(claim.after)?.difference(&were_broken).cloned().collect();
        let stopped = self.prove_back(claim, &mut stages, (&common, &was))?;
        Ok(match stopped {
            Some(rows) => ProofEnding::Rows(rows),
            None => ProofEnding::Proved { stages, filling, broken },
        })
    }

    /// Rolls back what was applied. If that cannot be proved, records the reasons; returns the rows
    /// that it fails on.
    fn prove_back(
        &self,
        claim: &Claim<'_>,
        stages: &mut [MigrationStage],
        (common, was): (&CommonContent, &Content),
    ) -> Result<Option<RowsInTheWay>> {
        let mut why = Vec::new();
        for stage in stages.iter().rev() {
            let Ok(plan) = &stage.down_plan else { return Ok(None) };
            if let Err(stopped) = self.run(&in_steps(&plan.steps), stage.is_in_transaction)? {
                if stopped.is_about_rows() {
                    return Ok(Some(stopped.rows(true)));
                }
                why.push(stopped.describe());
                break;
            }
        }
        if why.is_empty() {
            why = claim.differences(&self.catalog()?, claim.before)?;
        }
        if why.is_empty() {
            why = differences(was, &self.content(common, Moment::Before)?);
        }
        if !why.is_empty() {
            why.truncate(SHOWN);
            stages.iter_mut().for_each(|stage| stage.down = DownStage::Refused(why.clone()));
        }
        Ok(None)
    }

    fn catalog(&self) -> Result<Catalog> {
        self.reading.catalog(self.target)
    }

    fn content(&self, common: &CommonContent, moment: Moment) -> Result<Content> {
        common.read(&mut Session::open(self.reading.world, self.target, Purpose::Read)?, moment)
    }

    fn body_errors(&self, catalog: &Catalog) -> Result<BTreeSet<BodyError>> {
        let is_routine =
            |one: &Object| matches!(one.identity.kind, Kind::Function | Kind::Procedure);
        if !catalog.objects.iter().any(is_routine) {
            return Ok(BTreeSet::new());
        }
        let mut session = Session::open(self.reading.world, self.target, Purpose::Write)?;
        BodyError::all(&mut session, &session_settings(&self.reading.settings.limits))
    }

    /// Runs statements in one transaction, or in none.
    fn run(
        &self,
        statements: &[ProofStatement],
        is_in_transaction: bool,
    ) -> Result<std::result::Result<(), StoppedProof>> {
        let mut session = Session::open(self.reading.world, self.target, Purpose::Write)?;
        let limits = session_settings(&self.reading.settings.limits);
        if is_in_transaction {
            session.begin_and_lend(&limits)?;
        } else {
            session.lend(&limits)?;
        }
        let commit = ProofStatement {
            table: None,
            object: "the end of the transaction".to_owned(),
            sql: "COMMIT".to_owned(),
        };
        let commit = is_in_transaction.then_some(&commit);
        for statement in statements.iter().chain(commit) {
            self.reading.world.interrupt.check()?;
            let Err(error) = session.batch_execute(&statement.sql) else { continue };
            let Some(server) = session.server_error(&error) else {
                return Err(session.failure("prove the migration", error));
            };
            let (table, object) = (statement.table.clone(), statement.object.clone());
            return Ok(Err(StoppedProof { table, object, server }));
        }
        Ok(Ok(()))
    }
}

impl Claim<'_> {
    /// The down migration of a stage. The down migration of the first stage also reverts the
    /// renames.
    fn down_of(
        &self,
        is_only: bool,
        last: Option<&Catalog>,
        now: &Catalog,
    ) -> std::result::Result<Plan, DiffError> {
        if is_only && !self.wanted.avoids_locks {
            return self.plans.down.clone();
        }
        // A down migration is a single file, so it cannot avoid locks.
        let wanted = Wanted { avoids_locks: false, ..self.wanted.clone() };
        let mut plan = diff(now, last.unwrap_or(self.renamed), &wanted)?;
        if last.is_none() {
            plan.steps.extend(self.back.iter().cloned());
        }
        Ok(plan)
    }

    /// What differs between two states, in words: by the statements that create them, and by the
    /// steps that are left.
    fn differences(&self, now: &Catalog, expected: &Catalog) -> Result<Vec<String>> {
        let unsupported =
            |error: DiffError| GenerateError::Unsupported { objects: refused(&error) };
        let is = shape(now, self.wanted).map_err(unsupported)?;
        let should = shape(expected, self.wanted).map_err(unsupported)?;
        let first = |text: &String| text.lines().next().unwrap_or_default().to_owned();
        let extra = is.difference(&should).map(|text| format!("unexpected: {}", first(text)));
        let missing = should.difference(&is).map(|text| format!("missing: {}", first(text)));
        Ok(missing.chain(extra).take(SHOWN).collect())
    }
}

/// Fails if there are differences.
fn proved(differences: Vec<String>) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(GenerateError::Unsupported { objects: differences }.into())
}

/// The statements of steps, with the tables that they change.
fn in_steps(steps: &[DiffStep]) -> Vec<ProofStatement> {
    let mut left: Vec<(&DiffStep, &String)> =
        steps.iter().flat_map(|step| step.statements.iter().map(move |sql| (step, sql))).collect();
    left.reverse();
    let mut all = Vec::new();
    for sql in statements(steps) {
        let own = left.pop_if(|(_, next)| **next == sql).map(|(step, _)| step);
        let object = own.map_or_else(|| "a setting".to_owned(), |step| step.object.to_string());
        all.push(ProofStatement { table: own.and_then(table_of), object, sql });
    }
    all
}

fn table_of(step: &DiffStep) -> Option<String> {
    match step.object.kind {
        Kind::Table => Some(step.object.sql()),
        _ => step.object.part_of.clone(),
    }
}

impl StoppedProof {
    /// Whether other rows would be accepted: the class of the error is "data exception" or
    /// "integrity constraint violation".
    fn is_about_rows(&self) -> bool {
        let code = self.server.code.as_deref().unwrap_or_default();
        code.starts_with("22") || code.starts_with("23")
    }

    fn describe(&self) -> String {
        format!("{}: {}", self.object, self.server.message)
    }

    fn rows(self, is_down: bool) -> RowsInTheWay {
        RowsInTheWay { why: self.describe(), table: self.table, is_down }
    }

    fn ending(self) -> Result<ProofEnding> {
        if self.is_about_rows() {
            return Ok(ProofEnding::Rows(self.rows(false)));
        }
        Err(GenerateError::Unsupported { objects: vec![self.describe()] }.into())
    }
}
