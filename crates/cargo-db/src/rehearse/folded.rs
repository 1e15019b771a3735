//! Merges findings about the partitions of a table into one about the table.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::finding;
use crate::model::finding::{Class, Finding, Severity};
use crate::rehearse::judge::{grouped, is_slight};
use crate::rehearse::measured::Measured;
use crate::rehearse::partitions::Partitions;
use pg_sql::name::short;

/// What merged findings have in common: the line, the rule, and the partitioned table, with a
/// column if they are about one.
type Group = (usize, String, String);

impl Partitions {
    /// Merges the findings about the partitions of one table, and drops those that a finding about
    /// the table itself includes.
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
        for (group, parts) in parts {
            let is_same = |one: &&mut Finding| {
                let same = (one.line, &one.rule) == (group.0, &group.1);
                same && one.object.as_deref() == Some(short(&group.2))
            };
            match folded.iter_mut().find(is_same) {
                Some(of_table) => of_table.severity = of_table.severity.max(worst(&parts)),
                None => folded.push(joined(group, parts, measured)),
            }
        }
        folded
    }

    /// The group of a finding, if it is about a partition, or about a column of one.
    fn group(&self, one: &Finding, all: &[Finding], measured: &[Measured]) -> Option<Group> {
        let (table, column) = self.of_partition(one.object.as_deref()?)?;
        let statement = statement_at(one.line, measured).map_or("", |one| one.text.as_str());
        // Locks on several partitions are added up even if the statement names each of them. Any
        // other finding stays with a partition that the statement names.
        if one.class != Class::Lock && Partitions::names(statement, table) {
            return None;
        }
        let same = all.iter().filter(|other| other.line == one.line && other.rule == one.rule);
        let objects: Vec<&str> = same.filter_map(|other| other.object.as_deref()).collect();
        let parts = objects.iter().filter_map(|object| self.of_partition(object));
        let tables: BTreeSet<&str> =
            parts.filter(|(_, other)| *other == column).map(|(table, _)| table).collect();
        let root = self.root(table, &tables, statement)?;
        // A partition that is gone does not mean that its table is gone.
        if one.rule == "relation-gone" && !objects.contains(&short(root)) {
            return None;
        }
        Some((one.line, one.rule.clone(), format!("{root}{column}")))
    }

    /// The partition that an object is, or whose column it is, and that column with its dot.
    fn of_partition<'o>(&self, object: &'o str) -> Option<(&'o str, &'o str)> {
        if self.root_of(object).is_some() {
            return Some((object, ""));
        }
        let (table, _) = object.rsplit_once('.')?;
        self.root_of(table).map(|_| (table, &object[table.len()..]))
    }
}

fn statement_at(line: usize, measured: &[Measured]) -> Option<&Measured> {
    measured.iter().find(|statement| statement.line == line)
}

fn worst(parts: &[Finding]) -> Severity {
    parts.iter().map(|part| part.severity).max().unwrap_or(Severity::Warn)
}

/// One finding for all of these partitions.
fn joined((line, rule, object): Group, parts: Vec<Finding>, measured: &[Measured]) -> Finding {
    let counted: Vec<u64> = parts.iter().filter_map(|part| part.rows).collect();
    let rows = counted.iter().copied().fold(0, u64::saturating_add);
    let (worst, partitions) = (worst(&parts), grouped(parts.len() as u64));
    let Some(first) = parts.into_iter().next() else {
        return finding(&rule, line, "", rule.clone());
    };
    let (evidence, rows_) = (&first.evidence, grouped(rows));
    let evidence = match (rule.as_str(), first.class) {
        ("rewrite", _) => format!("{partitions} partitions are rewritten, {rows_} rows"),
        (_, Class::Lock) => format!("{evidence}; {partitions} partitions, {rows_} rows"),
        _ => {
            // Further numbers are those of the first partition alone.
            let head = evidence.split(": ").next().unwrap_or_default();
            let head = match first.rows.map(grouped) {
                Some(own) => head.replacen(&own, &rows_, 1),
                None => head.to_owned(),
            };
            format!("{partitions} partitions: {head}")
        }
    };
    let object = Some(short(&object).to_owned());
    if first.class != Class::Lock {
        let rows = (!counted.is_empty()).then_some(rows);
        return Finding { object, rows, evidence, severity: worst, ..first };
    }
    let one = finding(&rule, line, &first.statement, evidence);
    // Judge all rows together: many small partitions are as slow as one large table.
    let slight = statement_at(line, measured).is_none_or(|statement| is_slight(statement, rows));
    let severity = if slight { worst } else { one.severity };
    Finding { object, rows: Some(rows), severity, ..one }
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

    #[test]
    fn losses_and_changed_columns_of_partitions_are_those_of_the_table() {
        let all = partitions(&[("p_1", "p"), ("p_2", "p")]);
        let lost = |object: &str, rows: u64| Finding {
            object: Some(object.to_owned()),
            rows: Some(rows),
            ..finding("rows-lost", 3, "", format!("table emptied, with {rows} rows"))
        };
        let found = vec![lost("p_1", 5), lost("p_2", 7)];
        let folded = all.fold(found.clone(), &measured("TRUNCATE p"));
        assert_eq!(told(&folded), [("p", 12, Severity::Block)]);
        assert_eq!(folded[0].evidence, "2 partitions: table emptied, with 12 rows");
        assert_eq!(all.fold(found.clone(), &measured("TRUNCATE p_1, p_2")), found);
        // Without a number, and with a second one that is of the first partition alone.
        let other = |object: &str, rule: &str, rows: Option<u64>, evidence: &str| Finding {
            object: Some(object.to_owned()),
            rows,
            ..finding(rule, 3, "", evidence.to_owned())
        };
        let uncounted = ["p_1", "p_2"].map(|table| {
            other(table, "not-counted", None, "rows that a trigger deletes are not counted")
        });
        let folded = all.fold(uncounted.to_vec(), &measured("DELETE FROM p"));
        let evidence = "2 partitions: rows that a trigger deletes are not counted";
        assert_eq!(folded.iter().map(|one| one.evidence.as_str()).collect::<Vec<_>>(), [evidence]);
        let merged = ["p_1.v", "p_2.v"].map(|column| {
            let evidence = "9 values were overwritten: 4 different values became 1";
            other(column, "values-overwritten", Some(9), evidence)
        });
        let folded = all.fold(merged.to_vec(), &measured("UPDATE p SET v = 1"));
        assert_eq!(folded[0].evidence, "2 partitions: 18 values were overwritten");
        // A partition that is gone does not mean that its table is gone.
        let gone =
            ["p_1", "p_2"].map(|table| other(table, "relation-gone", None, "it no longer exists"));
        assert_eq!(all.fold(gone.to_vec(), &measured("DO ''")), gone);
        // The finding about the table itself includes its partitions.
        let changed = |object: &str| Finding {
            object: Some(object.to_owned()),
            ..finding("column-type-changed", 3, "", "it was integer, now bigint".to_owned())
        };
        let found = ["p.v", "p_1.v", "p_2.v"].map(changed).to_vec();
        let folded = all.fold(found, &measured("ALTER TABLE p ALTER v TYPE bigint"));
        assert_eq!(folded, [changed("p.v")]);
    }
}
