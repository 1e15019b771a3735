//! `cargo db snapshot save`.

use std::time::Duration;

use clap::Args;
use time::OffsetDateTime;

use crate::answer::{DryRun, Outcome, SnapshotSaved};
use crate::change::{
    Change, Database, Effect, Ending, Mode, SwapLocks, Workspace, perform, refuse_maintenance,
};
use crate::failure::{ConnectionError, Result, SnapshotError};
use crate::migration;
use crate::model::consent::Consent;
use crate::model::snapshot::{CopyStrategy, SnapshotRecord};
use crate::plan::{Operation, Plan, Step};
use crate::policy::Judgement;
use crate::snapshot::{self, KeptSnapshot, PlannedCopy};
use crate::verb::declare::Verb;
use crate::verb::snapshot::names::refresh_names;
use crate::world::clock::now;
use crate::world::git::{git_branch, git_commit};
use crate::world::pg::{Purpose, Session};

const EFFECT: Effect = Effect::Destroys;

/// How many bytes a name may have.
const LONGEST_NAME: usize = 200;

/// Save the state of the database
///
/// The server copies the database. Nobody may be connected to it meanwhile: with `--yes`, the
/// sessions of others are ended; without it, the copy is a dump that is loaded into a new database,
/// which takes longer. Expired snapshots are dropped.
#[derive(Debug, Args)]
#[command(after_help = "Effect on the database: none; expired snapshots are dropped")]
pub(crate) struct SaveSnapshotArgs {
    /// Name of the snapshot (default: the branch of git, and the time)
    name: Option<String>,
    /// Keep it until it is dropped by its name
    #[arg(long, conflicts_with = "keep")]
    pin: bool,
    /// Keep it for this long (default: `[snapshot] keep` in db.toml, or 14 days)
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep: Option<Duration>,
    /// Show the plan and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Verb for SaveSnapshotArgs {
    fn name(&self) -> &'static str {
        "snapshot save"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let database = workspace.database()?;
        let created = now();
        let name = match &self.name {
            Some(name) => checked(name)?,
            None => default_name(&database, created),
        };
        let mut change = Saving { args: self, name, created, copy: None, expired: Vec::new() };
        Ok(match perform(&database, Mode::of(self.dry_run), &mut change)? {
            Ending::DryRun(plan) | Ending::Nothing(plan) => Outcome::done(DryRun::of(&plan)),
            Ending::Done { done: saved, .. } => {
                refresh_names(&database);
                Outcome::done(saved)
            }
        })
    }
}

/// A name that a terminal and a table can show.
fn checked(name: &str) -> Result<String> {
    let why = if name.trim().is_empty() {
        "it is empty"
    } else if name.len() > LONGEST_NAME {
        "it has more than 200 bytes"
    } else if name.chars().any(char::is_control) {
        "it contains a control character"
    } else if name.starts_with('-') {
        "it begins with a hyphen, like an option"
    } else {
        return Ok(name.to_owned());
    };
    Err(SnapshotError::Name { name: name.to_owned(), why }.into())
}

/// `main-20260131-235959`.
fn default_name(database: &Database<'_>, created: OffsetDateTime) -> String {
    let moment = time::macros::format_description!("[year][month][day]-[hour][minute][second]");
    let moment = created.format(moment).unwrap_or_default();
    let branch = git_branch(&database.settings.root);
    format!("{}-{moment}", branch.as_deref().unwrap_or("snapshot"))
}

/// A snapshot about to be saved.
struct Saving<'a> {
    args: &'a SaveSnapshotArgs,
    name: String,
    created: OffsetDateTime,
    copy: Option<PlannedCopy>,
    /// What is dropped afterwards.
    expired: Vec<KeptSnapshot>,
}

impl Change for Saving<'_> {
    type Held = SwapLocks;
    type Done = SnapshotSaved;

    fn plan(&mut self, database: &Database<'_>) -> Result<Plan> {
        let Database { workspace, target, .. } = database;
        let (world, environment) = (&workspace.world, database.environment());
        refuse_maintenance(target)?;
        if database.identity.is_none() {
            let (database, server) = (target.database.clone(), target.server());
            return Err(ConnectionError::NoDatabase { database, server, environment }.into());
        }
        let known = snapshot::snapshots(world, target)?;
        let is_taken = |name: &str| known.iter().any(|known| known.record.name == name);
        if self.args.name.is_none() {
            let names = (2..).map(|number| format!("{}-{number}", self.name));
            let mut names = std::iter::once(self.name.clone()).chain(names);
            self.name = names.find(|name| !is_taken(name)).unwrap_or_default();
        } else if is_taken(&self.name) {
            let (name, database) = (self.name.clone(), target.database.clone());
            return Err(SnapshotError::Taken { name, database }.into());
        }
        let copy = snapshot::plan_copy(world, target, may_end_sessions(database))?;
        self.expired = expired(database, known);
        let save = Step::SaveSnapshot {
            name: self.name.clone(),
            is_generated: self.args.name.is_none(),
            copy: copy.chosen.clone(),
            ends: copy.ends.clone(),
        };
        let steps = std::iter::once(save).chain(self.expired.iter().map(|one| one.dropping(true)));
        let basis = self.expired.iter().map(KeptSnapshot::basis).collect::<Vec<_>>().join("\n");
        self.copy = Some(copy);
        let operation = Operation::SnapshotSave;
        Ok(Plan::from_basis(operation, target, environment, steps.collect(), basis))
    }

    fn lock(&mut self, database: &Database<'_>, _: &Plan) -> Result<SwapLocks> {
        SwapLocks::of_existing(database, &database.target)
    }

    fn carry_out(
        &mut self,
        database: &Database<'_>,
        plan: &Plan,
        mut locks: SwapLocks,
        _: Option<&str>,
    ) -> Result<SnapshotSaved> {
        let Database { workspace, settings, target, .. } = database;
        let world = &workspace.world;
        let planned = self.copy.take();
        let planned = planned
            .map_or_else(|| snapshot::plan_copy(world, target, may_end_sessions(database)), Ok);
        let copy = planned?;
        let record = self.record(database, &copy)?;
        if copy.chosen.strategy != CopyStrategy::Dump {
            locks.release_database();
        }
        let (built, copied) = snapshot::copy_source(world, settings, target, &copy)?;
        let record = SnapshotRecord { copied, ..record };
        snapshot::keep(built, target, &record)?;
        let dropped = snapshot::drop_all(world, target, &self.expired).map_err(|failure| {
            failure.afterwards("the snapshot was saved", "the removal of expired snapshots")
        })?;
        Ok(SnapshotSaved::of(&plan.target, &record, copy.ends, dropped))
    }
}

impl Saving<'_> {
    /// What the snapshot says of itself.
    fn record(&self, database: &Database<'_>, copy: &PlannedCopy) -> Result<SnapshotRecord> {
        let Database { workspace, settings, target, .. } = database;
        let mut session = Session::open(&workspace.world, target, Purpose::Read)?;
        let history = migration::read_history(&mut session, &settings.migrations.layout)?;
        let last = history.applied.last().and_then(|last| last.checksum.as_ref());
        let keep = self.args.keep.unwrap_or(settings.keep_snapshots);
        Ok(SnapshotRecord {
            name: self.name.clone(),
            database: target.database.clone(),
            oid: copy.oid,
            set: settings.migrations.set.clone(),
            branch: git_branch(&settings.root),
            commit: git_commit(&settings.root),
            migrations: history.applied.iter().map(|row| row.version.to_string()).collect(),
            checksum: last.map(ToString::to_string),
            bytes: copy.bytes,
            created: self.created,
            expires: (!self.args.pin).then(|| self.created + keep),
            copied: copy.chosen.clone(),
        })
    }
}

/// Whether a person agreed that the sessions of others are ended. An agent consents to plans only,
/// and no plan depends on who is connected.
fn may_end_sessions(database: &Database<'_>) -> bool {
    let is_agent = database.settings.agent.known_by(database.environment()).is_some();
    database.workspace.consent.yes && !is_agent
}

/// The expired snapshots, if the policy wants no more than a yes to drop them.
fn expired(database: &Database<'_>, known: Vec<KeptSnapshot>) -> Vec<KeptSnapshot> {
    let Database { workspace, target, .. } = database;
    match workspace.policy.cell(Operation::SnapshotDrop, database.environment()) {
        Judgement::Allowed(terms) if terms.consent <= Consent::Confirm => {
            snapshot::expired(&workspace.world, target, known)
        }
        _ => Vec::new(),
    }
}
