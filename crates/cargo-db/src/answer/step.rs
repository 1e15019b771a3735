//! The steps of a plan.

use serde::Serialize;

use crate::answer::loss::{LossView, losses};
use crate::answer::text::{and_more, plural};
use crate::model::environment::Environment;
use crate::model::key::PublicKey;
use crate::model::migration::{Migration, title};
use crate::model::snapshot::ChosenStrategy;
use crate::plan::{BaselineComparison, Batch, Renumbered, Step};

/// A migration by its version and name.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MigrationView {
    /// As text: readers of JSON may keep numbers as floats.
    pub(super) version: String,
    pub(super) name: String,
}

impl MigrationView {
    pub(super) fn title(&self) -> String {
        title(&self.version, &self.name)
    }
}

impl From<&Migration> for MigrationView {
    fn from(migration: &Migration) -> MigrationView {
        let (version, name) = (migration.version.to_string(), migration.name.clone());
        MigrationView { version, name }
    }
}

/// One thing that will be done.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum StepView {
    CreateDatabase {
        name: String,
    },
    CreateSchema {
        name: String,
    },
    CreateHistory {
        name: String,
    },
    Apply {
        version: String,
        name: String,
        file: String,
        transaction: bool,
        losses: Vec<LossView>,
    },
    Revert {
        version: String,
        name: String,
        file: Option<String>,
        losses: Vec<LossView>,
    },
    /// The database is compared with what the migrations build.
    Compare {
        /// The objects that differ; null if the database was not compared.
        differences: Option<Vec<String>>,
        /// Why it was not.
        because: Option<String>,
    },
    Record {
        version: String,
        name: String,
    },
    /// A new migration is written, and recorded as applied.
    RecordNew {
        version: String,
        name: String,
        file: String,
    },
    Rerecord {
        version: String,
        name: String,
    },
    /// A migration gets another version.
    Renumber {
        version: String,
        name: String,
        to: String,
        files: Vec<RenamedView>,
        /// Whether its record in the history gets the new version.
        recorded: bool,
    },
    ClearFailed {
        version: String,
        name: String,
    },
    Clear {
        losses: Vec<LossView>,
    },
    Load {
        name: String,
    },
    Run {
        command: Vec<String>,
    },
    Backup,
    AllOrNothing {
        how: BatchView,
        /// Why it cannot be one transaction.
        #[serde(skip_serializing_if = "Option::is_none")]
        because: Option<String>,
    },
    BuildEmpty,
    Mark {
        environment: Option<Environment>,
    },
    Key {
        key: PublicKey,
        accepted: bool,
    },
    Build {
        backup: String,
        compares: bool,
    },
    /// Whatever a file says is run, not only what `pg_dump` writes.
    RunAnything {
        backup: String,
        line: usize,
        statement: String,
    },
    /// Loading a file that this project did not take calls functions that are in it.
    CallFunctions {
        backup: String,
        calls: Vec<String>,
        role: String,
        is_superuser: bool,
    },
    CreateRoles {
        names: Vec<String>,
    },
    Replace {
        what: String,
        backup: String,
        losses: Vec<LossView>,
    },
    Swap {
        name: String,
        keeps_old: bool,
        losses: Vec<LossView>,
    },
    PutBack {
        kept: String,
        name: String,
    },
    Remove {
        what: String,
    },
    /// The retention does not keep it.
    RemoveBackup {
        name: String,
    },
    SaveSnapshot {
        name: String,
        #[serde(flatten)]
        copy: ChosenStrategy,
        /// The sessions that are ended for it.
        ends: Vec<String>,
    },
    CopySnapshot {
        name: String,
        #[serde(flatten)]
        copy: ChosenStrategy,
    },
    DropSnapshot {
        name: String,
        expired: bool,
    },
    Name {
        name: String,
    },
}

/// A file or folder that is renamed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct RenamedView {
    from: String,
    to: String,
}

/// How several migrations are all or nothing.
#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum BatchView {
    #[serde(rename = "one transaction")]
    OneTransaction,
    #[serde(rename = "the backup is swapped back in")]
    SwapBack,
}

/// As many differences as a line has room for.
const SHOWN_DIFFERENCES: usize = 5;

/// As many calls as a line has room for.
const SHOWN_CALLS: usize = 5;

fn called(calls: &[String], role: &str, is_superuser: bool) -> String {
    let rights = if is_superuser { ", a superuser" } else { "" };
    let shown = calls.iter().take(SHOWN_CALLS).map(String::as_str);
    let more = calls.len().saturating_sub(SHOWN_CALLS);
    let more = (more > 0).then(|| format!("and {more} more (--json lists them)"));
    let shown: Vec<&str> = shown.chain(more.as_deref()).collect();
    format!("run code of the file as {role}{rights}: it calls {}", shown.join(", "))
}

/// How the database compares with the migrations.
fn compared(differences: Option<&[String]>, because: &str) -> String {
    let Some(differences) = differences else {
        return format!("not compared with what the migrations build: {because}");
    };
    if differences.is_empty() {
        return "the database has what the migrations build".to_owned();
    }
    let mut shown = differences.iter().take(SHOWN_DIFFERENCES).cloned().collect::<Vec<_>>();
    shown.extend(and_more(differences.len(), SHOWN_DIFFERENCES));
    format!("the database differs from what the migrations build: {}", shown.join("; "))
}

impl From<&Step> for StepView {
    fn from(step: &Step) -> StepView {
        match step.clone() {
            Step::CreateDatabase { name } => StepView::CreateDatabase { name },
            Step::CreateSchema { name } => StepView::CreateSchema { name },
            Step::CreateHistory { table } => StepView::CreateHistory { name: table },
            Step::Apply { migration, losses: lost } => StepView::Apply {
                version: migration.version.to_string(),
                name: migration.name,
                file: migration.up.path.display().to_string(),
                transaction: migration.up.transactional,
                losses: losses(&lost),
            },
            Step::Revert { migration, losses: lost } => StepView::Revert {
                version: migration.version.to_string(),
                name: migration.name,
                file: migration.down.map(|down| down.path.display().to_string()),
                losses: losses(&lost),
            },
            Step::Compare { comparison, .. } => comparison.into(),
            Step::Record { migration } => {
                let MigrationView { version, name } = (&migration).into();
                StepView::Record { version, name }
            }
            Step::RecordNew { migration, .. } => {
                let MigrationView { version, name } = (&migration).into();
                let file = migration.up.path.display().to_string();
                StepView::RecordNew { version, name, file }
            }
            Step::Rerecord { migration } => {
                let MigrationView { version, name } = (&migration).into();
                StepView::Rerecord { version, name }
            }
            Step::Renumber { migration, is_recorded } => renumbered(&migration, is_recorded),
            Step::ClearFailed { migration } => {
                let MigrationView { version, name } = (&migration).into();
                StepView::ClearFailed { version, name }
            }
            Step::Clear { tables } => StepView::Clear { losses: losses(&tables) },
            Step::Load { seed } => StepView::Load { name: seed.path },
            Step::Run { command } => StepView::Run { command },
            Step::Backup => StepView::Backup,
            Step::AllOrNothing { how: Batch::OneTransaction } => {
                StepView::AllOrNothing { how: BatchView::OneTransaction, because: None }
            }
            Step::AllOrNothing { how: Batch::SwapBack { because } } => {
                StepView::AllOrNothing { how: BatchView::SwapBack, because: Some(because) }
            }
            Step::BuildEmpty => StepView::BuildEmpty,
            Step::Mark { environment } => StepView::Mark { environment },
            Step::Key { key, accepted } => StepView::Key { key, accepted },
            Step::Build { backup, compares } => StepView::Build { backup, compares },
            Step::RunAnything { backup, line, statement } => {
                StepView::RunAnything { backup, line, statement }
            }
            Step::CallFunctions { backup, calls, role, is_superuser } => {
                StepView::CallFunctions { backup, calls, role, is_superuser }
            }
            Step::CreateRoles { names } => StepView::CreateRoles { names },
            Step::Replace { what, backup, loses, .. } => {
                StepView::Replace { what, backup, losses: losses(&loses) }
            }
            Step::Swap { name, keeps_old, loses } => {
                StepView::Swap { name, keeps_old, losses: losses(&loses) }
            }
            Step::PutBack { kept, name } => StepView::PutBack { kept, name },
            Step::Remove { what } => StepView::Remove { what },
            Step::RemoveBackup { name } => StepView::RemoveBackup { name },
            Step::SaveSnapshot { name, copy, ends, .. } => {
                StepView::SaveSnapshot { name, copy, ends }
            }
            Step::CopySnapshot { name, copy } => StepView::CopySnapshot { name, copy },
            Step::DropSnapshot { name, is_expired } => {
                StepView::DropSnapshot { name, expired: is_expired }
            }
            Step::Name { name } => StepView::Name { name },
        }
    }
}

impl From<BaselineComparison> for StepView {
    fn from(comparison: BaselineComparison) -> StepView {
        let (differences, because) = match comparison {
            BaselineComparison::Same => (Some(Vec::new()), None),
            BaselineComparison::Different { objects } => (Some(objects), None),
            BaselineComparison::NotCompared { why } => (None, Some(why)),
        };
        StepView::Compare { differences, because }
    }
}

fn renumbered(migration: &Renumbered, recorded: bool) -> StepView {
    let MigrationView { version, name } = (&migration.from).into();
    let files = migration.files.iter().map(|(from, to)| RenamedView {
        from: from.display().to_string(),
        to: to.display().to_string(),
    });
    let to = migration.to.version.to_string();
    StepView::Renumber { version, name, to, files: files.collect(), recorded }
}

/// What a step of a rebase renames.
fn renaming(title: String, to: &str, files: &[RenamedView], recorded: bool) -> String {
    let shown = files.iter().map(|file| format!("{} to {}", file.from, file.to));
    let renamed = match files.is_empty() {
        true => title,
        false => format!("rename {}", shown.collect::<Vec<_>>().join(", ")),
    };
    match recorded {
        true => format!("{renamed}, and record it as {to} in the history"),
        false => renamed,
    }
}

impl StepView {
    pub(super) fn losses(&self) -> &[LossView] {
        match self {
            StepView::Apply { losses, .. }
            | StepView::Revert { losses, .. }
            | StepView::Clear { losses }
            | StepView::Replace { losses, .. }
            | StepView::Swap { losses, .. } => losses,
            _ => &[],
        }
    }

    /// Whether it is about a migration that loses no rows.
    pub(super) fn is_plain_migration(&self) -> bool {
        let is_migration = matches!(
            self,
            StepView::Apply { .. }
                | StepView::Revert { .. }
                | StepView::Record { .. }
                | StepView::Rerecord { .. }
        );
        is_migration && self.losses().is_empty()
    }

    pub(super) fn describe(&self) -> String {
        match self {
            StepView::CreateDatabase { name } => format!("create the database {name}"),
            StepView::CreateSchema { name } => format!("create the schema {name}"),
            StepView::CreateHistory { name } => format!("create the history table {name}"),
            StepView::Apply { version, name, transaction, .. } => {
                let how = if *transaction { "" } else { ", without a transaction" };
                format!("apply {}{how}", title(version, name))
            }
            StepView::Revert { version, name, .. } => format!("revert {}", title(version, name)),
            StepView::Compare { differences, because } => {
                compared(differences.as_deref(), because.as_deref().unwrap_or_default())
            }
            StepView::Record { version, name } => {
                format!("record {} as applied, without running it", title(version, name))
            }
            StepView::RecordNew { version, name, file } => format!(
                "write {file}, and record {} as applied, without running it",
                title(version, name)
            ),
            StepView::Rerecord { version, name } => format!(
                "record the new checksum of {}: only comments or white space changed",
                title(version, name)
            ),
            StepView::Renumber { version, name, to, files, recorded } => {
                renaming(title(version, name), to, files, *recorded)
            }
            StepView::ClearFailed { version, name } => {
                format!("remove the failed run of {}: it is pending again", title(version, name))
            }
            StepView::Clear { losses } => format!("clear {}", plural(losses.len(), "table")),
            StepView::Load { name } => format!("load {name}"),
            StepView::Run { command } => format!("run `{}`", command.join(" ")),
            StepView::Backup => "take a backup, and read it back".to_owned(),
            StepView::AllOrNothing { how, because } => how.describe(because.as_deref()),
            StepView::BuildEmpty => "build a new database beside the old one".to_owned(),
            StepView::Mark { environment } => marking(*environment),
            StepView::Key { key, accepted: true } => format!("accept receipts signed by {key}"),
            StepView::Key { key, accepted: false } => {
                format!("no longer accept receipts signed by {key}")
            }
            StepView::Build { backup, compares } => {
                let how = if *compares { " and compare it" } else { ", which has no manifest" };
                format!("build a new database from {backup}{how}")
            }
            StepView::RunAnything { backup, line, statement } => format!(
                "run every statement in {backup} with your privileges: line {line} is `{statement}`"
            ),
            StepView::CallFunctions { calls, role, is_superuser, .. } => {
                called(calls, role, *is_superuser)
            }
            StepView::CreateRoles { names } => format!(
                "create {} without passwords: {}",
                plural(names.len(), "role"),
                names.join(", ")
            ),
            StepView::Replace { what, backup, .. } => {
                format!("replace {what} with the contents of {backup}, in one transaction")
            }
            StepView::Swap { name, keeps_old: true, .. } => {
                format!("swap it in as {name}; the old database is kept under another name")
            }
            StepView::Swap { name, keeps_old: false, .. } => {
                format!("swap it in as {name} and drop the old one")
            }
            StepView::PutBack { kept, name } => {
                format!(
                    "{kept} becomes {name} again; the current {name} is kept under another name"
                )
            }
            StepView::Remove { what } => format!("remove {what}"),
            StepView::RemoveBackup { name } => {
                format!("remove the backup {name} (not kept by any rule)")
            }
            StepView::SaveSnapshot { name, copy, ends } => saving(name, copy, ends),
            StepView::CopySnapshot { name, copy } => copying(name, copy),
            StepView::DropSnapshot { name, expired } => dropping(name, *expired),
            StepView::Name { name } => format!("name it {name}"),
        }
    }
}

/// How a database is copied, and why so.
fn copied_by(ChosenStrategy { strategy, because }: &ChosenStrategy) -> String {
    format!("{}, because {because}", strategy.word())
}

fn copying(name: &str, copy: &ChosenStrategy) -> String {
    format!("build a new database from the snapshot {name}, by {}", copied_by(copy))
}

fn dropping(name: &str, is_expired: bool) -> String {
    format!("drop the snapshot {name}{}", if is_expired { " (expired)" } else { "" })
}

fn marking(environment: Option<Environment>) -> String {
    match environment {
        Some(environment) => format!("mark the database as {environment}"),
        None => "remove the marker of the database".to_owned(),
    }
}

fn saving(name: &str, copy: &ChosenStrategy, ends: &[String]) -> String {
    let ended = match ends {
        [] => String::new(),
        ends => format!("end the sessions {}, then ", ends.join(", ")),
    };
    format!("{ended}save the snapshot {name}, by {}", copied_by(copy))
}

impl BatchView {
    fn describe(self, because: Option<&str>) -> String {
        match self {
            BatchView::OneTransaction => {
                "all or nothing: the following steps run in one transaction".to_owned()
            }
            BatchView::SwapBack => format!(
                "all or nothing: if a migration fails, the backup is swapped back in, because {}",
                because.unwrap_or_default()
            ),
        }
    }
}
