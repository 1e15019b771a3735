//! Partitions. Work on a partition counts as work on the partitioned table in the statement.

use std::collections::{BTreeMap, BTreeSet};

use pg_sql::lexer::words;
use pg_sql::name::short;

use crate::failure::Result;
use crate::model::rehearsal::{LockWork, LockedTable};
use crate::world::pg::Session;

/// The root of the partition tree of each partition, by the partition's name.
#[derive(Debug, Default)]
pub(super) struct Partitions(pub(super) BTreeMap<String, String>);

impl Partitions {
    /// Reads the partitions without waiting for locks.
    pub(super) fn of(session: &mut Session) -> Result<Partitions> {
        let rows = session.rows("read the partitions", include_str!("sql/partitions.sql"))?;
        let names = rows.iter().map(|row| {
            Ok((row.text("partition")?.to_owned(), row.text("partitioned")?.to_owned()))
        });
        Ok(Partitions(names.collect::<Result<_>>()?))
    }

    /// The partitioned table, if the statement works on several of its partitions or names the
    /// table instead of the partition.
    pub(super) fn root(&self, table: &str, all: &BTreeSet<&str>, statement: &str) -> Option<&str> {
        let root = self.root_of(table)?;
        let others = all.iter().filter(|other| self.root_of(other) == Some(root));
        let is_named = Partitions::names(statement, table) || !Partitions::names(statement, root);
        (others.count() > 1 || !is_named).then_some(root)
    }

    /// The same with those that were there before: a dropped partition still was one.
    pub(super) fn with(mut self, before: Partitions) -> Partitions {
        for (partition, root) in before.0 {
            self.0.entry(partition).or_insert(root);
        }
        self
    }

    /// The partitioned table of a partition, by the partition's full or short name.
    pub(super) fn root_of(&self, table: &str) -> Option<&str> {
        let full = self.0.get(table).or_else(|| self.0.get(&format!("public.{table}")));
        full.map(String::as_str)
    }

    /// The locks, without those of partitions that a statement took together with the one of their
    /// table.
    pub(super) fn without_parts(&self, locks: Vec<LockedTable>) -> Vec<LockedTable> {
        let is_part = |lock: &LockedTable| {
            self.root_of(&lock.table).is_some_and(|root| {
                let is_root = |other: &LockedTable| other.table == short(root);
                let same =
                    |other: &&LockedTable| (other.line, &other.mode) == (lock.line, &lock.mode);
                locks.iter().filter(same).any(is_root)
            })
        };
        let parts: Vec<bool> = locks.iter().map(is_part).collect();
        locks.into_iter().zip(parts).filter(|(_, is_part)| !is_part).map(|(lock, _)| lock).collect()
    }

    /// The work of one statement, summed up over the partitions of each table.
    pub(super) fn sum(&self, works: Vec<LockWork>, statement: &str) -> Vec<LockWork> {
        let tables: Vec<String> = works.iter().map(|work| work.table.clone()).collect();
        let all: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
        let (mut alone, mut parts) = (Vec::new(), BTreeMap::<_, BTreeMap<&str, LockWork>>::new());
        for (work, table) in works.into_iter().zip(&tables) {
            let Some(root) = self.root(table, &all, statement) else {
                alone.push(work);
                continue;
            };
            let of_root = parts.entry((root, work.mode.clone(), work.locked.clone())).or_default();
            // Count a partition that is both scanned and rewritten only once.
            let known = of_root.get(table.as_str()).map_or(0, |known| known.rows);
            of_root.insert(table, LockWork { rows: work.rows.max(known), ..work });
        }
        let summed = parts.into_iter().filter_map(|((root, ..), of_root)| {
            let rows = of_root.values().map(|work| work.rows).fold(0, u64::saturating_add);
            let (_, first) = of_root.into_iter().next()?;
            Some(LockWork { table: root.to_owned(), rows, ..first })
        });
        alone.extend(summed);
        alone
    }

    /// Whether the name of a table occurs in a statement.
    pub(super) fn names(statement: &str, table: &str) -> bool {
        let bare = table.rsplit('.').next().unwrap_or(table).trim_matches('"');
        words(statement).iter().any(|word| word == bare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_on_partitions_is_summed_up() {
        let names = ["p_1", "p_2"].map(|name| (format!("public.{name}"), "public.p".to_owned()));
        let all = Partitions(names.into_iter().collect());
        let work = |table: &str| LockWork {
            table: format!("public.{table}"),
            mode: "AccessExclusiveLock".to_owned(),
            locked: None,
            rows: 6000,
            ms: 3,
            bound: None,
        };
        let works = all
            .sum(vec![work("p_1"), work("a"), work("p_2"), work("p_2")], "ALTER TABLE p ADD b int");
        assert_eq!(works, [work("a"), LockWork { rows: 12_000, ..work("p") }]);
    }
}
