//! Facts in, [`Plan`] out. Nothing here does I/O: the same facts give the same plan, which is what
//! a dry run shows, what the policy judges, what is consented to and what runs.

mod baseline;
mod facts;
mod loss;
mod migrate;
mod operation;
mod rebase;
mod retention;
mod rollback;
mod seed;
mod switch;

use std::fmt;

use ring::digest::{Context, SHA256};

use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::hex::to_hex;
use crate::model::key::PublicKey;
use crate::model::migration::{Migration, ScriptFile, Version};
use crate::model::seed::Seed;
use crate::model::snapshot::ChosenStrategy;
use crate::model::target::Target;

pub(crate) use baseline::{baseline, refuse_unapplied, repair, repair_drift};
pub(crate) use facts::{MigrationFacts, schema_of_new};
pub(crate) use loss::{AtMost, Loss, shell_word};
pub(crate) use migrate::{MigrateRequest, Tolerance, all_or_nothing, migrate};
pub(crate) use operation::Operation;
pub(crate) use rebase::{BranchFacts, Rebasing, Renumbered, is_record_of, rebase, resume};
pub(crate) use retention::{Bounds, Retention, RetentionDecision, judge as judge_retention};
pub(crate) use rollback::{RollbackRequest, rollback, to_revert};
pub(crate) use seed::{SeedFacts, SeedRequest, TableFacts, seed};
pub(crate) use switch::{departed, switch, with_departed};

/// One thing that will be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    CreateDatabase {
        name: String,
    },
    /// The schema that the tool creates before its first migration.
    CreateSchema {
        name: String,
    },
    CreateHistory {
        table: String,
    },
    Apply {
        migration: Migration,
        losses: Vec<Loss>,
    },
    Revert {
        migration: Migration,
        losses: Vec<Loss>,
    },
    /// The database is compared with what the migrations build that are then recorded.
    Compare {
        comparison: BaselineComparison,
        /// Whether differences were accepted by a flag.
        is_accepted: bool,
    },
    /// The history says that it is applied; nothing of it runs.
    Record {
        migration: Migration,
    },
    /// The files of a new migration are written, and the history says that it is applied.
    RecordNew {
        migration: Migration,
        /// The digest of its statements. Its version need not be the one that was consented to: it
        /// may be the time.
        digest: String,
    },
    /// The history gets the checksum that the file has now.
    Rerecord {
        migration: Migration,
    },
    /// The files of a migration are renamed, and where it is recorded as applied, the record gets
    /// the new version.
    Renumber {
        migration: Box<Renumbered>,
        is_recorded: bool,
    },
    /// The row of a run that failed is cleared away.
    ClearFailed {
        migration: Migration,
    },
    Clear {
        tables: Vec<Loss>,
    },
    Load {
        seed: Seed,
    },
    /// A program of the project; arguments follow its name.
    Run {
        command: Vec<String>,
    },
    /// A backup is taken, and read back.
    Backup,
    /// What follows is done wholly or not at all.
    AllOrNothing {
        how: Batch,
    },
    /// An empty database is built beside the current one.
    BuildEmpty,
    /// The database is given a marker, or loses it.
    Mark {
        environment: Option<Environment>,
    },
    /// Receipts that the key signed are accepted, or no longer.
    Key {
        key: PublicKey,
        accepted: bool,
    },
    /// Builds a database from a backup beside the current one, and compares it with the backup's
    /// manifest, if there is one.
    Build {
        backup: String,
        compares: bool,
    },
    /// Whatever a file says is run, not only what `pg_dump` writes.
    RunAnything {
        backup: String,
        /// The line and the beginning of the first such statement.
        line: usize,
        statement: String,
    },
    /// Loading a file that this project did not take calls functions that are in it.
    CallFunctions {
        backup: String,
        /// `public.f by index i`.
        calls: Vec<String>,
        /// Who it is loaded as.
        role: String,
        is_superuser: bool,
    },
    /// Roles that the server does not have are created from the backup.
    CreateRoles {
        names: Vec<String>,
    },
    /// The content of a backup replaces the current content, in one transaction.
    Replace {
        what: String,
        /// Whether that is the whole content of the database.
        is_whole: bool,
        backup: String,
        loses: Vec<Loss>,
    },
    /// The new database gets the name; the old one is kept under another name, or dropped.
    Swap {
        name: String,
        keeps_old: bool,
        loses: Vec<Loss>,
    },
    /// What a restore kept takes the name again; what has it now is kept instead.
    PutBack {
        kept: String,
        name: String,
    },
    /// A database or a server is removed permanently.
    Remove {
        what: String,
    },
    /// A backup is removed permanently.
    RemoveBackup {
        name: String,
    },
    /// The database is copied, and the copy is kept as a snapshot.
    SaveSnapshot {
        name: String,
        /// Whether the name was made from the time, which a consent does not cover.
        is_generated: bool,
        copy: ChosenStrategy,
        /// The sessions that are ended for it.
        ends: Vec<String>,
    },
    /// A snapshot is copied beside the current database.
    CopySnapshot {
        name: String,
        copy: ChosenStrategy,
    },
    /// A snapshot is removed permanently.
    DropSnapshot {
        name: String,
        is_expired: bool,
    },
    /// The new database takes a name that nothing has yet.
    Name {
        name: String,
    },
}

/// How a database compares with what its migrations build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BaselineComparison {
    Same,
    /// These objects differ, each with how.
    Different {
        objects: Vec<String>,
    },
    NotCompared {
        why: String,
    },
}

/// How a batch of migrations is made atomic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// One transaction for all of them.
    OneTransaction,
    /// On failure the backup is swapped back in, because of what `because` says.
    SwapBack { because: String },
}

/// What will be done, in this order, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) verb: Operation,
    pub(crate) target: Target,
    pub(crate) environment: Environment,
    pub(crate) steps: Vec<Step>,
    /// What needs nothing done, described for people: for example a seed that is already loaded.
    pub(crate) skipped: Vec<String>,
    /// Unusual conditions that do not stop the run.
    pub(crate) warnings: Vec<String>,
    /// The history that the plan was made from.
    basis: String,
    /// What the policy asks for, in words.
    pub(crate) terms: String,
    /// What it asks of anyone, and how long a statement may wait: the id of a plan is the same for
    /// whoever wants to carry it out.
    pub(crate) general_terms: String,
    /// Whether a person has to approve it.
    pub(crate) needs_approval: bool,
    /// The consent that the policy requires.
    pub(crate) needs: Consent,
    /// The command that consents to exactly this plan.
    pub(crate) consent: String,
    /// The commands of a migration tool that carry it out, if one does.
    pub(crate) commands: Vec<String>,
    /// The versions that were applied when the plan was made, in the order of their files.
    pub(crate) applied: Vec<Version>,
    /// Whether it applies all pending migrations.
    pub(crate) takes_all_pending: bool,
    /// Whether the plan applies a file without a statement, which is probably not written yet.
    pub(crate) is_unfinished: bool,
    /// The identity of the database: the cluster's identifier and the oid. `None` if it does not
    /// exist yet.
    pub(crate) identity: Option<String>,
    /// The digest of the receipts that it needs.
    pub(crate) receipts: Option<String>,
    /// How often this very plan was consented to by its id before: an id is used up by that.
    pub(crate) turn: usize,
    /// How many backups to keep afterwards, if the flag was passed.
    pub(crate) keeps_backups: Option<usize>,
}

/// How the command begins that carries out a kept plan.
pub(crate) const APPLY: &str = "cargo db apply ";

/// The name of exactly one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanId(String);

impl PlanId {
    /// Long enough that nobody can construct two plans with the same id, not even the author of the
    /// files.
    pub(crate) const DIGITS: usize = 32;
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Plan {
    /// A plan that is not based on a history; `basis` says on what.
    pub(crate) fn from_basis(
        verb: Operation,
        target: &Target,
        environment: Environment,
        steps: Vec<Step>,
        basis: String,
    ) -> Plan {
        Plan {
            verb,
            target: target.clone(),
            environment,
            steps,
            skipped: Vec::new(),
            warnings: Vec::new(),
            basis,
            terms: String::new(),
            general_terms: String::new(),
            needs_approval: false,
            needs: Consent::Free,
            consent: String::new(),
            commands: Vec::new(),
            applied: Vec::new(),
            takes_all_pending: false,
            is_unfinished: false,
            identity: None,
            receipts: None,
            turn: 0,
            keeps_backups: None,
        }
    }

    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The rollback that is a part of it, if there is one.
    pub(crate) fn reverts(&self) -> Option<Plan> {
        let mut reverts = Plan { verb: Operation::Rollback, ..self.clone() };
        reverts.steps.retain(|step| matches!(step, Step::Revert { .. }));
        (!reverts.is_empty()).then_some(reverts)
    }

    /// Whether all migrations run in one transaction.
    pub(crate) fn is_one_transaction(&self) -> bool {
        self.steps.contains(&Step::AllOrNothing { how: Batch::OneTransaction })
    }

    /// Whether the backup is swapped back in when a migration fails.
    pub(crate) fn restores_backup_on_failure(&self) -> bool {
        self.steps
            .iter()
            .any(|step| matches!(step, Step::AllOrNothing { how: Batch::SwapBack { .. } }))
    }

    /// Whether it runs arbitrary statements of a file, or its functions, with full privileges.
    pub(crate) fn runs_foreign_code(&self) -> bool {
        let runs = |step: &Step| match step {
            Step::CallFunctions { is_superuser, .. } => *is_superuser,
            Step::RunAnything { .. } => true,
            _ => false,
        };
        self.steps.iter().any(runs)
    }

    /// Whether a backup is a part of it.
    pub(crate) fn takes_backup(&self) -> bool {
        self.steps.contains(&Step::Backup)
    }

    /// The names of the backups that go.
    pub(crate) fn removed_backups(&self) -> Vec<String> {
        let removed = self.steps.iter().filter_map(|step| match step {
            Step::RemoveBackup { name } => Some(name.clone()),
            _ => None,
        });
        removed.collect()
    }

    /// What is removed permanently, in the form of the audit trail.
    pub(crate) fn removes(&self) -> Vec<String> {
        let removed = self.steps.iter().filter_map(|step| match step {
            Step::Remove { what } => Some(what.clone()),
            Step::RemoveBackup { name } => Some(format!("the backup {name}")),
            Step::DropSnapshot { name, .. } => Some(format!("the snapshot {name}")),
            _ => None,
        });
        removed.collect()
    }

    /// What it does besides running migrations, in the form of the audit trail: two restores must
    /// not look alike in it.
    pub(crate) fn deeds(&self) -> Vec<String> {
        let deeds = self.steps.iter().filter_map(|step| match step {
            Step::Build { backup, .. } => Some(format!("loads the backup {backup}")),
            Step::Replace { what, backup, .. } => {
                Some(format!("replaces {what} with the backup {backup}"))
            }
            Step::Name { name } => Some(format!("into the new database {name}")),
            Step::PutBack { kept, name } => {
                Some(format!("undoes a restore: {kept} is {name} again"))
            }
            Step::SaveSnapshot { name, .. } => Some(format!("saves the snapshot {name}")),
            Step::CopySnapshot { name, .. } => Some(format!("loads the snapshot {name}")),
            Step::BuildEmpty => Some("begins with an empty database".to_owned()),
            Step::Load { seed } => Some(format!("loads {}", seed.path)),
            Step::Mark { environment: Some(name) } => Some(format!("marks it as {name}")),
            Step::Mark { environment: None } => Some("removes the marker".to_owned()),
            _ => None,
        });
        deeds.collect()
    }

    /// The migrations that the steps are about, in their order.
    pub(crate) fn migrations(&self) -> impl Iterator<Item = &Migration> {
        self.steps.iter().filter_map(|step| match step {
            Step::Apply { migration, .. }
            | Step::Revert { migration, .. }
            | Step::Record { migration }
            | Step::RecordNew { migration, .. }
            | Step::Rerecord { migration }
            | Step::ClearFailed { migration } => Some(migration),
            Step::Renumber { migration, .. } => Some(&migration.from),
            _ => None,
        })
    }

    /// The files that the steps run, in their order.
    pub(crate) fn files(&self) -> impl Iterator<Item = &ScriptFile> {
        self.steps.iter().filter_map(|step| match step {
            Step::Apply { migration, .. } => Some(&migration.up),
            Step::Revert { migration, .. } => migration.down.as_ref(),
            _ => None,
        })
    }

    /// The digest of everything that a consent covers: verb, target, the database itself,
    /// environment, history, receipts, and each step with the checksums of its files. Changing one
    /// byte of a pending file changes it.
    pub(crate) fn id(&self) -> PlanId {
        let mut digest = Context::new(&SHA256);
        let mut add = |part: &str| {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        };
        add(self.verb.name());
        add(&self.target.to_string());
        add(self.target.options.as_deref().unwrap_or_default());
        add(self.environment.name());
        add(&self.basis);
        add(&self.general_terms);
        add(self.identity.as_deref().unwrap_or_default());
        add(self.receipts.as_deref().unwrap_or_default());
        add(&self.turn.to_string());
        self.commands.iter().for_each(|command| add(command));
        self.steps.iter().for_each(|step| add(&fingerprint(step)));
        PlanId(to_hex(&digest.finish().as_ref()[..PlanId::DIGITS / 2]))
    }
}

/// The objects that lose something, each with its bound.
fn bounded(losses: &[Loss]) -> String {
    losses.iter().map(Loss::fingerprint).collect::<Vec<_>>().join(" ")
}

/// What identifies a step. Of losses the bounds are a part and the counts are not: they change
/// under a consent that still holds.
fn fingerprint(step: &Step) -> String {
    match step {
        Step::CreateDatabase { name } => format!("create database {name}"),
        Step::CreateSchema { name } => format!("create schema {name}"),
        Step::CreateHistory { table } => format!("create history {table}"),
        Step::Apply { migration, losses } => {
            let (version, up) = (&migration.version, &migration.up.checksum);
            format!("apply {version} {up} {}", bounded(losses))
        }
        Step::Revert { migration, losses } => {
            let down = migration.down.as_ref().map(|down| down.checksum.to_string());
            let down = down.unwrap_or_default();
            format!("revert {} {down} {}", migration.version, bounded(losses))
        }
        Step::Compare { comparison, is_accepted } => {
            format!("compare {comparison:?} {is_accepted}")
        }
        Step::Record { migration } => {
            format!("record {} {}", migration.version, migration.up.checksum)
        }
        Step::RecordNew { migration, digest } => {
            format!("record new {} {digest}", migration.name)
        }
        Step::Rerecord { migration } => {
            format!("rerecord {} {}", migration.version, migration.up.checksum)
        }
        // The new version may be the time, as that of a new migration.
        Step::Renumber { migration, is_recorded } => {
            let Renumbered { from, .. } = migration.as_ref();
            let (path, checksum) = (from.up.path.display(), &from.up.checksum);
            format!("renumber {path} {checksum} {is_recorded}")
        }
        Step::ClearFailed { migration } => format!("clear failed {}", migration.version),
        Step::Clear { tables } => format!("clear {}", bounded(tables)),
        Step::Load { seed } => format!("load {} {}", seed.path, seed.checksum),
        Step::Run { command } => format!("run {command:?}"),
        Step::Backup => "backup".to_owned(),
        Step::AllOrNothing { how } => format!("all or nothing {how:?}"),
        Step::BuildEmpty => "build".to_owned(),
        Step::Mark { environment } => format!("mark {environment:?}"),
        Step::Key { key, accepted } => format!("key {key} {accepted}"),
        Step::Build { backup, .. } => format!("build {backup}"),
        Step::RunAnything { backup, .. } => format!("run anything {backup}"),
        Step::CallFunctions { backup, calls, role, .. } => {
            format!("call functions {backup} {role} {}", calls.join(" "))
        }
        Step::CreateRoles { names } => format!("create roles {}", names.join(" ")),
        Step::Replace { what, backup, loses, .. } => {
            format!("replace {what} {backup} {}", bounded(loses))
        }
        Step::Swap { name, keeps_old, loses } => {
            format!("swap {name} {keeps_old} {}", bounded(loses))
        }
        Step::PutBack { kept, name } => format!("put back {kept} {name}"),
        Step::Remove { what } => format!("remove {what}"),
        Step::RemoveBackup { name } => format!("remove the backup {name}"),
        // Sessions come and go, and with them the way in which it is copied.
        Step::SaveSnapshot { is_generated: true, .. } => "save a snapshot".to_owned(),
        Step::SaveSnapshot { name, .. } => format!("save the snapshot {name}"),
        Step::CopySnapshot { name, .. } => format!("copy the snapshot {name}"),
        Step::DropSnapshot { name, .. } => format!("drop the snapshot {name}"),
        Step::Name { name } => format!("name {name}"),
    }
}
