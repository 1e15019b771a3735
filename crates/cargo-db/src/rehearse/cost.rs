//! What the statements of a migration took on the copy, and what they would take on a database with
//! more rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::failure::Result;
use crate::model::migration::Migration;
use crate::model::rehearsal::{Basis, Costs, StatementCost};
use crate::rehearse::measured::Measured;
use crate::rehearse::receipt::{Receipt, ReceiptEntry};
use crate::rehearse::sizes::sizes;
use crate::rehearse::stage::Stage;
use crate::world::pg::Session;
use pg_sql::name::short;

/// A duration on the copy, and the estimate for a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Estimate {
    pub(crate) measured: Duration,
    pub(crate) here: Duration,
    /// The table whose rows make the difference, with its rows on the copy and here; `None` if no
    /// table is larger here.
    pub(crate) larger: Option<LargerTable>,
}

/// A table that has more rows in a database than on the copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LargerTable {
    pub(crate) table: String,
    pub(crate) there: u64,
    pub(crate) here: u64,
}

/// The estimates for a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MigrationEstimate {
    pub(crate) version: String,
    /// `None` if the migration was not measured.
    pub(crate) costs: Option<CostEstimate>,
}

/// The estimates for the statements of a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CostEstimate {
    pub(crate) whole: Estimate,
    /// By line.
    pub(crate) statements: Vec<(usize, Estimate)>,
    /// How long other sessions wait for each table, and the line that locks it.
    pub(crate) locks: Vec<(usize, String, Estimate)>,
}

impl Stage<'_> {
    /// What a migration took. On a copy without rows, nothing takes the time that it would take.
    pub(super) fn costs(&self, migration: &Migration, measured: &[Measured]) -> Option<Costs> {
        let cost = |one: &Measured| {
            let scanned = one.scans.iter().map(|scan| (&scan.table, scan.rows));
            let rewritten = one.rewritten.iter().map(|(table, rows)| (table, *rows));
            let changed =
                one.changed.iter().map(|(table, _)| (table, self.rows_named(short(table))));
            let tables = changed.chain(scanned).chain(rewritten);
            let is_waited_for = one.taken.iter().filter(|(_, mode)| mode.blocks().is_some());
            StatementCost {
                line: one.line,
                us: u64::try_from(one.elapsed.as_micros()).unwrap_or(u64::MAX),
                tables: tables.map(|(table, rows)| (table.clone(), rows)).collect(),
                locked: is_waited_for.map(|(table, _)| table.clone()).collect(),
            }
        };
        (self.basis != Basis::Schema).then(|| Costs {
            one_transaction: self.request.is_one_transaction || migration.up.transactional,
            statements: measured.iter().map(cost).collect(),
        })
    }
}

impl Receipt {
    /// What each of the first `count` migrations would take in the session's database.
    pub(crate) fn estimates(
        &self,
        session: &mut Session,
        count: usize,
    ) -> Result<Vec<MigrationEstimate>> {
        let sizes = sizes(session)?;
        let entries = &self.migrations[..count.min(self.migrations.len())];
        let mut estimates: Vec<MigrationEstimate> =
            entries.iter().map(|entry| of_entry(entry, &sizes)).collect();
        if self.one_transaction {
            hold_until_end(&mut estimates);
        }
        Ok(estimates)
    }
}

fn of_entry(entry: &ReceiptEntry, sizes: &BTreeMap<String, u64>) -> MigrationEstimate {
    let version = entry.version.clone();
    let costs = entry.costs.as_ref().map(|costs| {
        let statements: Vec<Estimate> =
            costs.statements.iter().map(|cost| scaled(cost, sizes)).collect();
        let lines = costs.statements.iter().map(|cost| cost.line);
        CostEstimate {
            whole: sum(&statements),
            locks: locks(costs, &statements),
            statements: lines.zip(statements).collect(),
        }
    });
    MigrationEstimate { version, costs }
}

/// What a statement takes here, if it takes as much longer as its tables are larger.
fn scaled(cost: &StatementCost, sizes: &BTreeMap<String, u64>) -> Estimate {
    let larger = |(table, &there): (&String, &u64)| {
        let here = *sizes.get(table)?;
        (here > there).then(|| LargerTable { table: table.clone(), there, here })
    };
    // Compares `here / there` without division.
    let by_factor = |a: &LargerTable, b: &LargerTable| {
        let product = |one: &LargerTable, other: &LargerTable| {
            u128::from(one.here) * u128::from(other.there.max(1))
        };
        product(a, b).cmp(&product(b, a))
    };
    let larger = cost.tables.iter().filter_map(larger).max_by(by_factor);
    let us = larger.as_ref().map_or(u128::from(cost.us), |LargerTable { there, here, .. }| {
        u128::from(cost.us) * u128::from(*here) / u128::from((*there).max(1))
    });
    Estimate {
        measured: Duration::from_micros(cost.us),
        here: Duration::from_micros(u64::try_from(us).unwrap_or(u64::MAX)),
        larger,
    }
}

/// Estimates together. What makes the longest one long is named.
fn sum<'a>(estimates: impl IntoIterator<Item = &'a Estimate>) -> Estimate {
    let (mut whole, mut longest) = (Estimate::default(), Duration::ZERO);
    for one in estimates {
        whole.measured += one.measured;
        whole.here = whole.here.saturating_add(one.here);
        if one.here > longest && one.larger.is_some() {
            (longest, whole.larger) = (one.here, one.larger.clone());
        }
    }
    whole
}

/// How long other sessions wait for each table: from the statement that locks it to the end of the
/// transaction.
fn locks(costs: &Costs, statements: &[Estimate]) -> Vec<(usize, String, Estimate)> {
    let (mut locked, mut locks) = (BTreeSet::new(), Vec::new());
    for (at, cost) in costs.statements.iter().enumerate() {
        let until = if costs.one_transaction { statements.len() } else { at + 1 };
        for table in &cost.locked {
            if !costs.one_transaction || locked.insert(table) {
                locks.push((cost.line, table.clone(), sum(&statements[at..until])));
            }
        }
    }
    locks
}

/// In one transaction, a lock lasts until the last migration has run.
fn hold_until_end(estimates: &mut [MigrationEstimate]) {
    let mut rest = Estimate::default();
    for costs in estimates.iter_mut().rev().filter_map(|one| one.costs.as_mut()) {
        for (_, _, lock) in &mut costs.locks {
            *lock = sum([&*lock, &rest]);
        }
        rest = sum([&costs.whole, &rest]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(line: usize, us: u64, tables: &[(&str, u64)], locked: &[&str]) -> StatementCost {
        let tables = tables.iter().map(|(table, rows)| ((*table).to_owned(), *rows)).collect();
        let locked = locked.iter().map(|table| (*table).to_owned()).collect();
        StatementCost { line, us, tables, locked }
    }

    fn sizes() -> BTreeMap<String, u64> {
        [("a", 1_000), ("b", 10), ("c", 7)].map(|(table, rows)| (table.to_owned(), rows)).into()
    }

    #[test]
    fn a_statement_takes_as_much_longer_as_its_most_grown_table_is_larger() {
        let here = |tables: &[(&str, u64)]| scaled(&cost(1, 50, tables, &[]), &sizes());
        let grown = here(&[("a", 10), ("b", 5)]);
        assert_eq!((grown.measured.as_micros(), grown.here.as_micros()), (50, 5_000));
        assert_eq!(grown.larger.map(|larger| larger.table), Some("a".to_owned()));
        // A smaller table makes nothing faster, and an unknown one says nothing.
        for same in [here(&[]), here(&[("b", 900)]), here(&[("new", 3)])] {
            assert_eq!((same.here.as_micros(), same.larger), (50, None));
        }
    }

    #[test]
    fn a_lock_lasts_until_its_transaction_ends() {
        let statements = vec![cost(1, 5, &[], &["a"]), cost(2, 7, &[("b", 1)], &["a", "b"])];
        let lasts = |one_transaction| {
            let costs = Costs { one_transaction, statements: statements.clone() };
            let entry = |version: &str| ReceiptEntry {
                costs: Some(costs.clone()),
                ..ReceiptEntry::of_version(version)
            };
            let mut estimates = [of_entry(&entry("1"), &sizes()), of_entry(&entry("2"), &sizes())];
            let us = |estimates: &[MigrationEstimate]| -> Vec<(usize, String, u128)> {
                let locks = estimates.iter().flat_map(|one| &one.costs.as_ref().unwrap().locks);
                let us = |(line, table, lock): &(usize, String, Estimate)| {
                    (*line, table.clone(), lock.here.as_micros())
                };
                locks.map(us).collect()
            };
            let alone = us(&estimates[..1]);
            hold_until_end(&mut estimates);
            (alone, us(&estimates))
        };
        let of = |all: &[(usize, &str, u128)]| -> Vec<(usize, String, u128)> {
            all.iter().map(|(line, table, us)| (*line, (*table).to_owned(), *us)).collect()
        };
        assert_eq!(lasts(false).0, of(&[(1, "a", 5), (2, "a", 70), (2, "b", 70)]));
        let (alone, batch) = lasts(true);
        assert_eq!(alone, of(&[(1, "a", 75), (2, "b", 70)]));
        assert_eq!(batch, of(&[(1, "a", 150), (2, "b", 145), (1, "a", 75), (2, "b", 70)]));
    }
}
