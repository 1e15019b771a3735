//! Merges findings about the locks of partitions into one about the partitioned table.

use std::collections::BTreeMap;

use crate::check::finding;
use crate::model::finding::{Class, Finding, Severity};
use crate::rehearse::judge::{grouped, is_slight};
use crate::rehearse::measured::Measured;
use crate::rehearse::partitions::Partitions;
use pg_sql::name::short;

/// The line, rule and partitioned table that merged findings have in common.
type Group = (usize, String, String);

impl Partitions {
    /// Merges the findings about locks on the partitions of one table.
    pub(super) fn fold(&self, found: Vec<Finding>, measured: &[Measured]) -> Vec<Finding> {
        if self.0.is_empty() {
            return found;
        }
        let group = |one: &Finding| self.group(one, &found, measured);
        let groups: Vec<Option<Group>> = found.iter().map(group).collect();
        let mut folded: Vec<Finding> = Vec::new();
        let mut parts: BTreeMap<Group, Vec<Finding>> = BTreeMap::new();
        for (one, group) in found.into_iter().zip(groups) {
            match group {
                Some(group) => parts.entry(group).or_default().push(one),
                None => folded.push(one),
            }
        }
        folded.extend(parts.into_iter().map(|(group, parts)| joined(group, parts, measured)));
        folded
    }

    /// The group of a finding, if it is about a lock on a partition.
    fn group(&self, one: &Finding, all: &[Finding], measured: &[Measured]) -> Option<Group> {
        let table = one.object.as_deref().filter(|_| one.class == Class::Lock)?;
        let statement = statement_at(one.line, measured).map_or("", |one| one.text.as_str());
        let same = all.iter().filter(|other| other.line == one.line && other.rule == one.rule);
        let tables = same.filter_map(|other| other.object.as_deref()).collect();
        let root = self.root(table, &tables, statement)?;
        Some((one.line, one.rule.clone(), root.to_owned()))
    }
}

fn statement_at(line: usize, measured: &[Measured]) -> Option<&Measured> {
    measured.iter().find(|statement| statement.line == line)
}

/// One finding for all of these partitions.
fn joined((line, rule, root): Group, parts: Vec<Finding>, measured: &[Measured]) -> Finding {
    let rows = parts.iter().filter_map(|part| part.rows).fold(0, u64::saturating_add);
    let worst = parts.iter().map(|part| part.severity).max().unwrap_or(Severity::Warn);
    let (partitions, rows_) = (grouped(parts.len() as u64), grouped(rows));
    let first = parts.into_iter().next();
    let (statement, evidence) =
        first.map(|first| (first.statement, first.evidence)).unwrap_or_default();
    let evidence = match rule.as_str() {
        "rewrite" => format!("{partitions} partitions are rewritten, {rows_} rows"),
        _ => format!("{evidence}; {partitions} partitions, {rows_} rows"),
    };
    let one = finding(&rule, line, &statement, evidence);
    // Judge all rows together: many small partitions are as slow as one large table.
    let slight = statement_at(line, measured).is_none_or(|statement| is_slight(statement, rows));
    let severity = if slight { worst } else { one.severity };
    Finding { object: Some(short(&root).to_owned()), rows: Some(rows), severity, ..one }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(names: &[(&str, &str)]) -> Partitions {
        let full = |name: &str| format!("public.{name}");
        Partitions(names.iter().map(|(part, root)| (full(part), full(root))).collect())
    }

    fn measured(text: &str) -> Vec<Measured> {
        vec![Measured { line: 3, text: text.to_owned(), ..Measured::default() }]
    }

    fn rewrites(tables: &[(&str, u64)]) -> Vec<Finding> {
        let one = |(table, rows): &(&str, u64)| Finding {
            object: Some((*table).to_owned()),
            rows: Some(*rows),
            severity: Severity::Warn,
            ..finding("rewrite", 3, "", String::new())
        };
        tables.iter().map(one).collect()
    }

    fn told(found: &[Finding]) -> Vec<(&str, u64, Severity)> {
        let found = found.iter();
        found.filter_map(|one| Some((one.object.as_deref()?, one.rows?, one.severity))).collect()
    }

    #[test]
    fn the_partitions_of_a_table_are_one_finding() {
        let all = partitions(&[("p_1", "p"), ("p_2", "p"), ("q_1", "q")]);
        let statement = measured("ALTER TABLE p ALTER v TYPE bigint");
        let found = rewrites(&[("p_1", 7000), ("a", 1), ("p_2", 8000), ("q_1", 5)]);
        let folded = all.fold(found, &statement);
        let expected =
            [("a", 1, Severity::Warn), ("q_1", 5, Severity::Warn), ("p", 15_000, Severity::Block)];
        assert_eq!(told(&folded), expected);
        assert_eq!(folded[2].evidence, "2 partitions are rewritten, 15,000 rows");
        // A single partition that the statement names keeps its own finding.
        let one = all.fold(rewrites(&[("p_1", 7)]), &measured("VACUUM FULL p_1"));
        assert_eq!(told(&one), [("p_1", 7, Severity::Warn)]);
        let one = all.fold(rewrites(&[("p_1", 7)]), &statement);
        assert_eq!(told(&one), [("p", 7, Severity::Warn)]);
    }
}
