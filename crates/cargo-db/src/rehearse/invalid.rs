//! Indexes that a migration leaves invalid. An index of a partitioned table becomes valid once
//! every partition has attached its own, which later migrations may do, so it is judged at the end.

use std::collections::BTreeSet;

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::{Finding, Verdict};
use crate::model::rehearsal::Rehearsed;
use crate::rehearse::judge;
use crate::rehearse::measured::Measured;
use crate::rehearse::stage::{Stage, Unattached};
use pg_sql::name::short;

/// The invalid indexes at one moment.
#[derive(Default)]
pub(super) struct InvalidIndexes {
    of_tables: BTreeSet<String>,
    of_partitioned: BTreeSet<String>,
}

impl Stage<'_> {
    pub(super) fn invalid_indexes(&mut self) -> Result<InvalidIndexes> {
        let sql = "SELECT c.oid::regclass::text AS name, c.relkind = 'I' AS is_partitioned \
                   FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
                   WHERE NOT i.indisvalid AND c.relkind IN ('i', 'I')";
        let mut found = InvalidIndexes::default();
        for row in self.session.rows("find invalid indexes", sql)? {
            let of_kind = match row.flag("is_partitioned")? {
                true => &mut found.of_partitioned,
                false => &mut found.of_tables,
            };
            of_kind.insert(row.text("name")?.to_owned());
        }
        Ok(found)
    }

    /// The indexes that a migration has left invalid. Those of partitioned tables are only noted.
    pub(super) fn new_invalid_indexes(
        &mut self,
        before: &InvalidIndexes,
        measured: &[Measured],
    ) -> Result<Vec<Finding>> {
        let now = self.invalid_indexes()?;
        let migration = self.before.len();
        let new = now.of_partitioned.difference(&before.of_partitioned).map(|index| {
            let line = judge::line_naming(index, measured);
            Unattached { index: index.clone(), migration, line }
        });
        self.unattached.extend(new);
        let new = now.of_tables.difference(&before.of_tables);
        let why = "it is left invalid, and no query can use it";
        Ok(new.map(|index| about("invalid-index", index, 1, why)).collect())
    }

    /// Reports the indexes of partitioned tables that are still invalid after all migrations.
    pub(super) fn report_unattached(&mut self, rehearsed: &mut [Rehearsed]) -> Result<()> {
        let made = std::mem::take(&mut self.unattached);
        if made.is_empty() {
            return Ok(());
        }
        let left = self.invalid_indexes()?.of_partitioned;
        for Unattached { index, migration, line } in made {
            let Some(one) = rehearsed.get_mut(migration).filter(|_| left.contains(&index)) else {
                continue;
            };
            let why = "it is invalid until every partition has an index attached to it";
            one.findings.push(about("unattached-index", &index, line, why));
            one.verdict = one.verdict.max(Verdict::of(&one.findings));
        }
        Ok(())
    }
}

fn about(rule: &str, index: &str, line: usize, why: &str) -> Finding {
    let object = Some(short(index).to_owned());
    Finding { object, ..finding(rule, line, "", why.to_owned()) }
}
