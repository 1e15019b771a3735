//! What a migration leaves behind that no single statement shows: foreign keys that do not hold,
//! sequences behind their columns, and what programs counted on.

use std::collections::BTreeSet;

use pg_logical::facts::Difference;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::Finding;
use crate::rehearse::guarantees::{Guarantees, Promises};
use crate::rehearse::judge;
use crate::rehearse::lost_guarantees;
use crate::rehearse::measured::Measured;
use crate::rehearse::orphans::{may_switch_off, orphans};
use crate::rehearse::sequences;
use crate::rehearse::snapshot::Oid;
use crate::rehearse::stage::Stage;
use pg_sql::name::short;

/// What is known about the effects of a migration.
#[derive(Default)]
pub(super) struct MigrationEffects {
    /// All tables that it touched; `None` if unknown.
    touched: Option<BTreeSet<Oid>>,
    /// The tables whose rows it wrote.
    written: Option<BTreeSet<Oid>>,
    /// Whether it may have switched foreign keys off, and the line of the statement that did.
    off: Option<usize>,
    /// The line of the first statement that wrote rows.
    wrote: Option<usize>,
}

impl MigrationEffects {
    /// Those of statements that were measured.
    pub(super) fn of(measured: &[Measured]) -> MigrationEffects {
        let written: Option<Vec<&BTreeSet<Oid>>> =
            measured.iter().map(|one| one.touched.as_ref().map(|_| &one.written)).collect();
        let wrote = measured.iter().find(|one| !one.written.is_empty()).map(|one| one.line);
        let off = measured.iter().find(|one| one.replica || may_switch_off(&one.text));
        MigrationEffects {
            touched: judge::touched(measured),
            written: written.map(|all| all.into_iter().flatten().copied().collect()),
            off: off.map(|one| one.line),
            wrote,
        }
    }

    /// Those of a program, of which only the text is known.
    pub(super) fn of_program(text: &str) -> MigrationEffects {
        MigrationEffects { off: may_switch_off(text).then_some(1), ..MigrationEffects::default() }
    }
}

/// Foreign keys that may be violated.
enum Doubtful {
    /// Any of them; it is unknown which.
    All,
    /// Those of these tables.
    Of(BTreeSet<Oid>),
}

/// The guarantees of the touched objects before and after a migration, and those of all objects.
struct States<'a> {
    then: &'a Promises,
    now: &'a Promises,
    all: &'a Guarantees,
    was_risky: bool,
}

impl MigrationEffects {
    /// The statement that rows without a parent are most likely of.
    fn line(&self) -> usize {
        self.off.or(self.wrote).unwrap_or(1)
    }

    /// The foreign keys that have to be proved.
    fn doubtful(&self, states: &States<'_>) -> Doubtful {
        let States { then, now, all, .. } = states;
        let switched = now.switched(then);
        let wrote = self.written.as_ref().is_none_or(|written| !written.is_empty());
        let risky = (all.risky || states.was_risky) && wrote;
        let Some(written) = &self.written else {
            let any = self.off.is_some() || !switched.is_empty() || risky;
            return if any { Doubtful::All } else { Doubtful::Of(BTreeSet::new()) };
        };
        if self.off.is_some() || risky {
            // A write to the catalog may have marked any key as valid.
            let tables = &switched | written;
            return if tables.is_empty() { Doubtful::All } else { Doubtful::Of(tables) };
        }
        let hollow = &then.orphaned_children(written) | &all.orphaned_children(written);
        let all = if switched.is_empty() { hollow } else { &(&switched | written) | &hollow };
        Doubtful::Of(all)
    }
}

impl Stage<'_> {
    /// Records the present state for later comparisons.
    pub(super) fn record_state(&mut self) -> Result<()> {
        if self.guarantees.is_none() {
            // Earlier writes are covered by this first, complete read.
            self.schema.take_written();
            let guarantees = Guarantees::of(&mut self.session)?;
            if self.baseline.holds_rows {
                self.behind = sequences::before(&mut self.session, &guarantees)?;
            }
            self.guarantees = Some(guarantees);
        }
        Ok(())
    }

    /// What is different since, and should not be.
    pub(super) fn aftermath(
        &mut self,
        effects: &MigrationEffects,
        measured: &[Measured],
        difference: &Difference<'_>,
    ) -> Result<Vec<Finding>> {
        let mut all = self.guarantees.take().unwrap_or_default();
        let was_risky = all.risky;
        let written = self.schema.take_written();
        let (then, now) = all.update(&mut self.session, written.as_ref())?;
        let states = States { then: &then, now: &now, all: &all, was_risky };
        let mut found = self.promises(&states, measured, difference)?;
        if self.baseline.holds_rows {
            let touched = effects.touched.as_ref();
            let (session, behind) = (&mut self.session, &mut self.behind);
            found.extend(sequences::left_behind(session, behind, (&then, &all), &now, touched)?);
        }
        for one in &mut found {
            // Arguments of functions, and other text that is not a name, are not searched for.
            let object = one.object.as_deref().unwrap_or_default();
            let name = object.split('(').next().unwrap_or_default();
            one.line = judge::line_naming(name, measured);
        }
        found.extend(self.keys(&states, effects)?);
        self.guarantees = Some(all);
        Ok(found)
    }

    fn promises(
        &mut self,
        states: &States<'_>,
        measured: &[Measured],
        difference: &Difference<'_>,
    ) -> Result<Vec<Finding>> {
        let rows = |table: &str| {
            let mut all = self.baseline.relations.values();
            all.find(|relation| relation.name == table).map_or(0, |relation| relation.rows)
        };
        let has_column = |name: &str| difference.after.contains_key(&("column", name));
        let mut found = lost_guarantees::broken(states.then, states.now, &has_column, &rows);
        for (parent, child, oid) in lost_guarantees::left(states.then, states.now) {
            let rows = match self.rows_of(oid)? {
                None => dropped_rows(measured, child),
                Some(rows) => rows,
            };
            found.extend(
                (rows > 0).then(|| lost_guarantees::partition_detached(parent, child, rows)),
            );
        }
        Ok(found)
    }

    /// The number of rows of a table; `None` if it does not exist. Estimated if only the schema was
    /// copied.
    fn rows_of(&mut self, oid: Oid) -> Result<Option<u64>> {
        let known = self.baseline.relations.get(&oid);
        let estimated = known.map_or(0, |relation| relation.rows);
        let countable = known.is_none_or(|relation| relation.countable);
        let question =
            format!("SELECT {oid}::pg_catalog.regclass FROM pg_catalog.pg_class WHERE oid = {oid}");
        let Some(name) = self.session.value("find the table", &question)? else {
            return Ok(None);
        };
        if !self.baseline.holds_rows || !countable {
            return Ok(Some(estimated));
        }
        let count = format!("SELECT pg_catalog.count(*) FROM {name}");
        self.session.number("count rows that left", &count).map(Some)
    }

    /// Foreign keys that are violated, or not enforced any more.
    fn keys(&mut self, states: &States<'_>, effects: &MigrationEffects) -> Result<Vec<Finding>> {
        let mut found = still_off(states.then, states.now, effects);
        let doubtful = effects.doubtful(states);
        let tables = match &doubtful {
            Doubtful::All => None,
            Doubtful::Of(tables) => Some(tables),
        };
        if self.baseline.holds_rows {
            let orphans = orphans(&mut self.session, tables)?;
            let line = effects.line();
            found.extend(orphans.into_iter().map(|one| Finding { line, ..one }));
        } else if effects.off.is_some() {
            let why = "foreign keys may have been off, and the copy has no rows to check";
            found.push(finding("not-counted", effects.line(), "", why.to_owned()));
        }
        Ok(found)
    }
}

/// Tables whose foreign keys were enforced before, and are not now.
fn still_off(then: &Promises, now: &Promises, effects: &MigrationEffects) -> Vec<Finding> {
    let was_on = |oid: &Oid| then.triggers.get(oid).is_some_and(|trigger| trigger.enabled);
    let off = now.triggers.iter().filter(|(oid, trigger)| !trigger.enabled && was_on(oid));
    let tables: BTreeSet<&str> = off.map(|(_, trigger)| trigger.table.as_str()).collect();
    let told = |table: &str| {
        let why = "its foreign keys stay disabled, and are no longer checked".to_owned();
        let mut found = finding("constraints-off", effects.off.unwrap_or(1), "", why);
        let object = short(table).to_owned();
        found.help = Some(format!("`ALTER TABLE {object} ENABLE TRIGGER ALL`"));
        (found.object, found.rows) = (Some(object), Some(1));
        found
    };
    tables.into_iter().map(told).collect()
}

/// How many rows a table had that a statement dropped.
fn dropped_rows(measured: &[Measured], table: &str) -> u64 {
    let lost = measured.iter().flat_map(|one| &one.lost);
    let of_table = lost.filter(|lost| lost.table == table && lost.column.is_none());
    of_table.filter_map(|lost| lost.rows).sum()
}
