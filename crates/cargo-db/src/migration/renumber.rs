//! Gives migrations other versions: files are renamed, then the records in the history move along.
//!
//! Neither git nor a file system renames several files at once, and none of them shares a
//! transaction with the database. So a journal in `.db` says what is to become of them before the
//! first file is renamed, and is removed when the history is written. Whatever stops the run in
//! between, the next `rebase` reads the journal and does what is left. The files come first: until
//! the history is written, the old records have no files, which stops every `migrate`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{HistoryError, RebaseError, Result, RunError};
use crate::migration::facts::gather;
use crate::migration::history::read_history;
use crate::model::migration::{Migration, Version};
use crate::plan::{MigrationFacts, Plan, Renumbered, Step};
use crate::settings::Settings;
use crate::world::World;
use crate::world::files;
use crate::world::pg::{Lock, Purpose, Session};
use db_tools::FoundFile;

/// What an interrupted rebase has to finish.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct RebaseJournal {
    /// The identity of the database whose history moves along; `None` if none does.
    database: Option<String>,
    /// The migration that runs last comes first.
    migrations: Vec<RebaseEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RebaseEntry {
    /// The up file, and its new name.
    up: (PathBuf, PathBuf),
    files: Vec<(PathBuf, PathBuf)>,
    is_recorded: bool,
}

impl RebaseEntry {
    fn of((migration, is_recorded): (&Renumbered, bool)) -> RebaseEntry {
        let up = (migration.from.up.path.clone(), migration.to.up.path.clone());
        RebaseEntry { up, files: migration.files.clone(), is_recorded }
    }
}

/// The file of the journal of a set of migrations, relative to the root.
fn journal_file(settings: &Settings) -> PathBuf {
    let set = settings.migrations.set.as_deref();
    Path::new(".db").join(match set {
        Some(set) => format!("rebase.{set}.json"),
        None => "rebase.json".to_owned(),
    })
}

impl RebaseJournal {
    /// The journal that an interrupted rebase left.
    pub(crate) fn read(settings: &Settings) -> Result<Option<RebaseJournal>> {
        let file = settings.root.join(journal_file(settings));
        if !files::exists(&file) {
            return Ok(None);
        }
        // It is written in one step, so it is complete.
        let journal = serde_json::from_slice(&files::read(&file)?);
        Ok(Some(journal.map_err(|error| RunError::Bug {
            what: format!("`{}` cannot be read: {error}", file.display()),
        })?))
    }

    fn write(&self, settings: &Settings) -> Result<()> {
        let file = settings.root.join(journal_file(settings));
        files::create_own_dir(files::folder_of(&file))?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| RunError::Bug { what: format!("the journal: {error}") })?;
        files::replace(&file, &text)
    }

    /// What is left to do: migrations with files to rename, or whose record has to move along.
    pub(crate) fn rest(
        &self,
        settings: &Settings,
        facts: &MigrationFacts,
        identity: Option<&str>,
    ) -> Result<Vec<(Renumbered, bool)>> {
        let refused = |why| {
            let file = self.migrations.first().map(|one| one.up.0.clone()).unwrap_or_default();
            RebaseError::Interrupted { file, journal: journal_file(settings), why }
        };
        if self.database.is_some() && self.database.as_deref() != identity {
            return Err(refused("it began with another database").into());
        }
        let root = &settings.root;
        let mut rest = Vec::new();
        for RebaseEntry { up: (from, to), files, is_recorded } in &self.migrations {
            let there = [from, to].into_iter().find(|path| files::exists(&root.join(path)));
            let Some(there) = there else {
                return Err(refused("its files are not in the working tree").into());
            };
            let bytes = files::read(&root.join(there))?;
            let read = |path: &PathBuf| -> Option<Migration> {
                let file = FoundFile { path: path.clone(), bytes: bytes.clone() };
                facts.layout.read(vec![file]).migrations.into_iter().next()
            };
            let Some((from, to)) = read(from).zip(read(to)) else {
                return Err(refused("its files are no migrations any more").into());
            };
            let files: Vec<_> =
                files.iter().filter(|(from, _)| files::exists(&root.join(from))).cloned().collect();
            let has =
                |version: &Version| facts.history.applied.iter().any(|row| row.version == *version);
            let is_recorded = *is_recorded && has(&from.version) && !has(&to.version);
            if is_recorded || !files.is_empty() {
                rest.push((Renumbered { from, to, files }, is_recorded));
            }
        }
        Ok(rest)
    }

    /// Removes the journal: nothing is left to do.
    pub(crate) fn remove(settings: &Settings) -> Result<()> {
        files::remove_file(&settings.root.join(journal_file(settings)))
    }
}

/// The migrations that a plan renumbers, each with whether its record moves along.
fn renumbered(plan: &Plan) -> impl Iterator<Item = (&Renumbered, bool)> {
    plan.steps.iter().filter_map(|step| match step {
        Step::Renumber { migration, is_recorded } => Some((migration.as_ref(), *is_recorded)),
        _ => None,
    })
}

/// Fails if a new name is taken: no file is ever replaced.
pub(crate) fn names_are_free(settings: &Settings, plan: &Plan) -> Result<()> {
    let root = &settings.root;
    let all: Vec<&(PathBuf, PathBuf)> = renumbered(plan).flat_map(|(one, _)| &one.files).collect();
    // What is renamed itself makes room.
    let stays = |path: &PathBuf| all.iter().all(|(from, _)| from != path);
    match all.iter().find(|(_, to)| stays(to) && files::exists(&root.join(to))) {
        Some((from, to)) => Err(RebaseError::Taken { from: from.clone(), to: to.clone() }.into()),
        None => Ok(()),
    }
}

/// Renames the files of a plan and moves the records along. The caller holds the locks; `lock` is
/// that of the database, if it exists.
pub(crate) fn renumber(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    lock: Option<&mut Lock>,
) -> Result<()> {
    let records: Vec<&Renumbered> =
        renumbered(plan).filter(|(_, is_recorded)| *is_recorded).map(|(one, _)| one).collect();
    let journal = RebaseJournal {
        database: plan.identity.clone().filter(|_| !records.is_empty()),
        migrations: renumbered(plan).map(RebaseEntry::of).collect(),
    };
    journal.write(settings)?;
    for (from, to) in renumbered(plan).flat_map(|(one, _)| &one.files) {
        files::rename_to_new(&settings.root.join(from), &settings.root.join(to))?;
    }
    if let Some(lock) = lock.filter(|_| !records.is_empty()) {
        lock.check_now()?;
        move_records(world, settings, plan, &records)?;
    }
    RebaseJournal::remove(settings)
}

/// Moves the records in one transaction.
fn move_records(
    world: &World,
    settings: &Settings,
    plan: &Plan,
    records: &[&Renumbered],
) -> Result<()> {
    let layout = &settings.migrations.layout;
    let mut session = Session::open(world, &plan.target, Purpose::Write)?;
    session.run("begin a transaction", "BEGIN")?;
    let table = read_history(&mut session, layout)?.table;
    let table = table
        .ok_or_else(|| RunError::Bug { what: "the history table does not exist".to_owned() })?;
    for one in records {
        if let Some(statement) = layout.move_record(&table, &one.from, &one.to) {
            session.run_with_triggers("write the history", &statement)?;
        }
    }
    session.run("commit", "COMMIT")?;
    let history = gather(world, settings, &plan.target)?.history;
    let has = |one: &Migration| history.applied.iter().any(|row| row.version == one.version);
    let missing = records.iter().filter(|one| !has(&one.to));
    let changes: Vec<String> =
        missing.map(|one| format!("{} is not recorded", one.to.quoted())).collect();
    if changes.is_empty() {
        return Ok(());
    }
    Err(HistoryError::ChangedMeanwhile { target: plan.target.to_string(), changes }.into())
}
