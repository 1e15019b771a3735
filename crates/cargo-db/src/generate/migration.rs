//! Generates a migration: from the state to which the migrations lead to the wanted one.

use std::path::{Path, PathBuf};

use pg_logical::catalog::Catalog;
use pg_logical::diff::{
    DiffStep, PossibleRename, Rename, RenameError, Renamed, Renaming, Wanted, both_ways,
    possible_renames, renames,
};

use crate::failure::{GenerateError, Result};
use crate::generate::bodies::BodyError;
use crate::generate::compared::{role, same_major};
use crate::generate::filling::{EmptyTable, StaysEmpty};
use crate::generate::proof::{Claim, ProofEnding, Prover, RowsInTheWay};
use crate::generate::reading::StateReader;
use crate::generate::stage::{MigrationStage, refused};
use crate::generate::wanted::{WantedSchema, cannot_rename};
use crate::model::event::Event;
use crate::model::target::Target;
use crate::schema::{self, MigratedScratch};
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session};

/// The two states, and how they are compared.
pub(crate) struct Generating<'a> {
    reading: StateReader<'a>,
    target: &'a Target,
    /// The state to which the migrations lead.
    scratch: MigratedScratch,
    before: Catalog,
    after: Catalog,
    wanted: Wanted,
    /// The renames that the files ask for.
    renames: Vec<(PathBuf, Rename)>,
}

/// A migration that was proved.
pub(crate) struct GeneratedMigration {
    /// The differences, in words.
    pub(crate) found: Vec<String>,
    pub(crate) hazards: Vec<GeneratedHazard>,
    pub(crate) stages: Vec<MigrationStage>,
    /// How many tables had rows in the proof.
    pub(crate) filled: usize,
    /// Tables that no row could be made for.
    pub(crate) empty: Vec<EmptyTable>,
    /// On which rows the migration fails, or its rollback.
    pub(crate) rows: Vec<RowsInTheWay>,
}

/// Something to consider, which no rule of `check` can see in the file.
pub(crate) struct GeneratedHazard {
    pub(crate) word: &'static str,
    pub(crate) object: String,
    pub(crate) why: String,
}

impl<'a> Generating<'a> {
    /// Compares what the migrations build with a wanted state. The owners and privileges of another
    /// database are not compared: roles differ from server to server.
    pub(crate) fn new(
        world: &'a World,
        settings: &'a Settings,
        target: &'a Target,
        wanted: WantedSchema,
        avoids_locks: bool,
    ) -> Result<Generating<'a>> {
        let WantedSchema { catalog: mut after, is_of_files, is_masked, renames } = wanted;
        let scratch = schema::migrated_scratch(world, settings, target)?;
        let place = &scratch.database.target;
        let reading = StateReader { world, settings, is_masked };
        let before = reading.catalog(place)?;
        if is_masked {
            schema::mask(&mut after);
        }
        same_major(&before, &after)?;
        let role = role(world, place)?;
        let (has_owners, has_rights) = (is_of_files, is_of_files);
        let wanted = Wanted { role, has_owners, has_rights, avoids_locks };
        Ok(Generating { reading, target, scratch, before, after, wanted, renames })
    }

    /// The files that were not run on the scratch database.
    pub(crate) fn not_run(&self) -> &[PathBuf] {
        &self.scratch.not_run
    }

    /// What may be a rename besides those that the user named.
    pub(crate) fn possible_renames(&self, told: &[Rename]) -> Result<Vec<PossibleRename>> {
        // What was told is wrong or right, whatever else may be a rename. It is tried out, because
        // columns of a table that has another name may be renamed too.
        let renaming = self.renaming(told)?;
        let renamed = self.renamed(&renaming)?;
        self.run(&renaming.back)?;
        Ok(possible_renames(renamed.as_ref().unwrap_or(&self.before), &self.after))
    }

    /// The steps of the renames that the user and the files ask for.
    fn renaming(&self, told: &[Rename]) -> Result<Renaming, GenerateError> {
        let of_files = self.renames.iter().map(|(_, rename)| rename.clone());
        let all: Vec<Rename> = of_files.chain(told.iter().cloned()).collect();
        renames(&self.before, &self.after, &all).map_err(|error| self.cannot_rename(error))
    }

    /// The migration; `None` if the states do not differ.
    pub(crate) fn migration(self, told: &[Rename]) -> Result<Option<GeneratedMigration>> {
        let renaming = self.renaming(told)?;
        let renamed = self.renamed(&renaming)?;
        let back = renaming.back.clone();
        let plans = both_ways(renamed.as_ref().unwrap_or(&self.before), &self.after, &self.wanted);
        let plans =
            plans.map_err(|error| GenerateError::Unsupported { objects: refused(&error) })?;
        let plans = plans.with(renaming);
        if plans.up.steps.is_empty() {
            return Ok(None);
        }
        let objects = self.reading.masked(&plans.up.steps);
        if !objects.is_empty() {
            return Err(GenerateError::Unsupported { objects }.into());
        }
        let subject = "the migration on a scratch database".to_owned();
        self.reading.world.emit(Event::Started { doing: "Proving", subject });
        let Generating { reading, target, scratch, before, after, wanted, .. } = self;
        let StateReader { world, settings, .. } = reading;
        // Renames were tried out on the first one.
        let mut scratch = if renamed.is_some() { None } else { Some(scratch) };
        let renamed = renamed.as_ref().unwrap_or(&before);
        let claim = Claim {
            before: &before,
            renamed,
            back: &back,
            after: &after,
            plans: &plans,
            wanted: &wanted,
        };
        let mut empty = StaysEmpty::default();
        let mut rows = Vec::new();
        loop {
            let one = match scratch.take() {
                Some(scratch) => scratch,
                None => schema::migrated_scratch(world, settings, target)?,
            };
            let prover = Prover { reading, target: &one.database.target };
            match prover.prove(&claim, &empty)? {
                ProofEnding::Proved { stages, filling, broken } => {
                    let of_bodies = broken.iter().map(of_body);
                    return Ok(Some(GeneratedMigration {
                        found: plans.up.found().map(str::to_owned).collect(),
                        hazards: hazards(&plans.up.steps).into_iter().chain(of_bodies).collect(),
                        stages,
                        filled: filling.tables,
                        empty: filling.empty,
                        rows,
                    }));
                }
                ProofEnding::Rows(found) => {
                    let table = found.table.iter();
                    let tables: Vec<String> =
                        table.flat_map(|table| with_partitions(&before, table)).collect();
                    if !empty.add(&tables) {
                        return Err(GenerateError::Unsupported { objects: vec![found.why] }.into());
                    }
                    if !rows.contains(&found) {
                        rows.push(found);
                    }
                }
            }
        }
    }

    /// The first state after the renames.
    fn renamed(&self, renaming: &Renaming) -> Result<Option<Catalog>> {
        if renaming.there.is_empty() {
            return Ok(None);
        }
        self.run(&renaming.there)?;
        self.reading.catalog(&self.scratch.database.target).map(Some)
    }

    /// Runs the steps of renames in the first state.
    fn run(&self, renames: &[DiffStep]) -> Result<()> {
        if renames.is_empty() {
            return Ok(());
        }
        let place = &self.scratch.database.target;
        let mut session = Session::open(self.reading.world, place, Purpose::Write)?;
        for statement in renames.iter().flat_map(|step| &step.statements) {
            session.run("rename an object", statement)?;
        }
        Ok(())
    }

    /// The error about a rename, with the file that asks for it.
    fn cannot_rename(&self, error: RenameError) -> GenerateError {
        let file = self.renames.iter().find(|(_, rename)| *rename == error.rename);
        cannot_rename(error, file.map_or(Path::new(""), |(file, _)| file))
    }
}

/// Whether a rename that was told concerns the same old or new name as a possible one. Names may be
/// told with or without their schema.
pub(crate) fn is_told(told: &Rename, possible: &Rename) -> bool {
    let is = |full: &str, name: &str| full == name || full.ends_with(&format!(".{name}"));
    let within = |name: &str| name.rsplit_once('.').map(|(within, _)| within.to_owned());
    let is_of_same = match (within(&possible.old), within(&told.old)) {
        (Some(full), Some(name)) => is(&full, &name),
        (_, None) => possible.what != Renamed::Column,
        (None, Some(_)) => false,
    };
    is(&possible.old, &told.old) || (is_of_same && possible.new == told.new)
}

/// A table and its partitions, as SQL.
fn with_partitions(catalog: &Catalog, table: &str) -> Vec<String> {
    let tables = || catalog.objects.iter().filter_map(|object| Some((object, object.table()?)));
    let named = tables().find(|(object, _)| object.identity.sql() == table);
    let mut numbers: Vec<u32> = named.iter().map(|(object, _)| object.address.oid).collect();
    let (mut names, mut at) = (vec![table.to_owned()], 0);
    while let Some(&parent) = numbers.get(at) {
        for (object, _) in tables().filter(|(_, below)| below.parents.contains(&parent)) {
            numbers.push(object.address.oid);
            names.push(object.identity.sql());
        }
        at += 1;
    }
    names
}

/// The hazards that no rule of `check` sees.
fn hazards(steps: &[DiffStep]) -> Vec<GeneratedHazard> {
    let mut found: Vec<GeneratedHazard> = Vec::new();
    for step in steps {
        for hazard in &step.hazards {
            let (word, object) = (hazard.word(), step.object.to_string());
            let is_ours = ["authz-changed", "untrackable-dependency"].contains(&word);
            if is_ours && !found.iter().any(|one| one.word == word && one.object == object) {
                let mentioned: Vec<String> =
                    step.mentioned_in.iter().map(ToString::to_string).collect();
                let why = match &mentioned[..] {
                    [] => hazard.meaning().to_owned(),
                    some => format!("{}: {}", hazard.meaning(), some.join(", ")),
                };
                found.push(GeneratedHazard { word, object, why });
            }
        }
    }
    found
}

/// A function that no longer works after the migration.
fn of_body(error: &BodyError) -> GeneratedHazard {
    let line = error.line.map(|line| format!("line {line}: ")).unwrap_or_default();
    GeneratedHazard {
        word: "untrackable-dependency",
        object: format!("function {}", error.function),
        why: format!("its body no longer works: {line}{}", error.message),
    }
}
