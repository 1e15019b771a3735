//! The stage of a rehearsal: the scratch database and everything needed to run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pg_logical::facts::SchemaFacts;

use crate::check::{CheckContexts, finding};
use crate::failure::Result;
use crate::migration;
use crate::model::finding::{Finding, Verdict};
use crate::model::migration::Migration;
use crate::model::rehearsal::{Basis, Rehearsed, RollbackProof};
use crate::rehearse::baseline::InitialTables;
use crate::rehearse::guarantees::Guarantees;
use crate::rehearse::queries::Preparing;
use crate::rehearse::request::Request;
use crate::rehearse::rows::RowSnapshot;
use crate::rehearse::schema_facts;
use crate::rehearse::scratch::Scratch;
use crate::rehearse::sequences::SequenceLag;
use crate::rehearse::snapshot::CatalogSnapshot;
use crate::schema::SchemaReader;
use crate::world::World;
use crate::world::pg::{OwnTables, Purpose, Session, TableComparison};

/// Findings after which nothing more of the plan can be run on the copy.
const STOPS: [&str; 3] = ["fails", "commit-fails", "outside-database"];

/// Whether one of the findings stops the rehearsal.
pub(super) fn stops(findings: &[Finding]) -> bool {
    findings.iter().any(|found| STOPS.contains(&found.rule.as_str()))
}

/// The scratch database and everything needed to run on it.
pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    pub(super) request: &'a Request<'a>,
    pub(super) session: Session,
    /// The history table, qualified: a migration that changes `search_path` cannot hide it.
    pub(super) history: String,
    /// Whether the transaction that all migrations share is open.
    pub(super) is_batch: bool,
    pub(super) schema: SchemaReader,
    pub(super) baseline: InitialTables,
    pub(super) basis: Basis,
    pub(super) preparing: Preparing<'a>,
    /// How many rows the tables of the database itself have, where the copy is another's.
    pub(super) sizes: BTreeMap<String, u64>,
    /// The state of cargo db's own tables after the previous migration.
    pub(super) own: OwnTables,
    /// The state between two migrations, once it was read.
    pub(super) guarantees: Option<Guarantees>,
    /// The sequences that are behind their columns.
    pub(super) behind: SequenceLag,
    /// The schema after the last migration that was measured.
    pub(super) latest: Option<SchemaFacts>,
    /// The catalog after the last statement, if that was committed.
    pub(super) latest_catalog: Option<CatalogSnapshot>,
    /// The indexes of the migrations that were not run on the copy.
    pub(super) left_out: BTreeSet<usize>,
    /// What the files before each migration say.
    pub(super) contexts: CheckContexts,
    /// Indexes of partitioned tables that were invalid after the migration that made them.
    pub(super) unattached: Vec<Unattached>,
    /// The schema before each migration that ran, or was left out.
    pub(super) before: Vec<SchemaFacts>,
    /// The rows before each migration that has a down migration, by its index.
    pub(super) rows: BTreeMap<usize, RowSnapshot>,
    /// The digest of the schema after the last of them, if all of them ran.
    pub(super) becomes: Option<String>,
}

impl<'a> Stage<'a> {
    pub(super) fn open(
        world: &'a World,
        request: &'a Request<'a>,
        scratch: &Scratch,
    ) -> Result<Stage<'a>> {
        let layout = &request.settings.migrations.layout;
        migration::prepare_schema_of_copy(world, layout, scratch.target())?;
        let mut session = Session::open(world, scratch.target(), Purpose::Write)?;
        let baseline = scratch.baseline(&mut session)?;
        let own = OwnTables::of_copy(&mut session)?;
        let preparing = Preparing::new(&mut session, &request.queries)?;
        let basis = scratch.basis.clone();
        let sizes = scratch.sizes.clone();
        Ok(Stage {
            world,
            request,
            session,
            history: String::new(),
            is_batch: false,
            schema: SchemaReader::new(layout),
            baseline,
            basis,
            preparing,
            sizes,
            own,
            guarantees: None,
            latest: None,
            latest_catalog: None,
            behind: SequenceLag::new(),
            left_out: BTreeSet::new(),
            contexts: migration::check_contexts(request.settings, None, request.migrations.iter())?,
            unattached: Vec::new(),
            before: Vec::new(),
            rows: BTreeMap::new(),
            becomes: None,
        })
    }

    /// Notes what the schema has become, unless something was left out.
    pub(super) fn record_schema(&mut self, rehearsed: &[Rehearsed]) -> Result<()> {
        let unknown = |one: &Rehearsed| one.verdict == Verdict::Unmeasured || stops(&one.findings);
        let all_ran = self.left_out.is_empty() && self.before.len() == rehearsed.len();
        if all_ran && !rehearsed.iter().any(unknown) {
            let end = match self.latest.take() {
                Some(latest) => latest,
                None => self.schema_facts()?,
            };
            self.becomes = Some(schema_facts::digest(&end));
        }
        Ok(())
    }

    /// What a migration did to what cargo db keeps in a database: a run would not let it.
    pub(super) fn touched_own(&mut self) -> Result<Vec<Finding>> {
        let changes = self.own.changes(&mut self.session, TableComparison::Same)?;
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        self.own = OwnTables::of(&mut self.session)?;
        Ok(changes.into_iter().map(|why| finding("own-tables", 1, "", why)).collect())
    }

    /// The current schema.
    pub(super) fn schema_facts(&mut self) -> Result<SchemaFacts> {
        self.schema.read(&mut self.session)
    }
}

/// An index of a partitioned table, and the migration that made it, by its position.
pub(super) struct Unattached {
    pub(super) index: String,
    pub(super) migration: usize,
    pub(super) line: usize,
}

/// A migration that was not run, and why.
pub(super) fn unmeasured(migration: &Migration, findings: Vec<Finding>, why: String) -> Rehearsed {
    Rehearsed {
        version: migration.version.to_string(),
        name: migration.name.clone(),
        file: migration.up.path.clone(),
        verdict: Verdict::Unmeasured.max(Verdict::of(&findings)),
        findings,
        accepted: Vec::new(),
        locks: Vec::new(),
        statements: Vec::new(),
        rows: BTreeMap::new(),
        duration: Duration::ZERO,
        wal: 0,
        rollback: RollbackProof::Unmeasured(why),
        down: migration.down.as_ref().map(|down| down.described("down")),
        changes: Vec::new(),
        failure: None,
        guards: Vec::new(),
        lock_work: Vec::new(),
        costs: None,
        empty: Vec::new(),
    }
}
