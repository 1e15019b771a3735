//! Judges a down migration: whether it restores the state before its migration.

use crate::model::finding::Finding;
use crate::model::rehearsal::RollbackProof;
use crate::rehearse::judge::is_lost;

/// A table whose rows differ from those before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowDifference {
    pub(super) table: String,
    /// How they differ, in words.
    pub(super) evidence: String,
}

/// The result of comparing rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) differs: Vec<RowDifference>,
    /// What was not compared, and why.
    pub(super) left_out: Vec<String>,
}

/// The findings about rows or values that are lost or may be lost.
pub(super) fn lost(findings: &[Finding]) -> Vec<Finding> {
    findings.iter().filter(|finding| is_lost(finding)).cloned().collect()
}

/// Judges a down migration by what the up migration (`there`) and the down migration (`back`) lost,
/// and by how schema and rows differ afterwards.
pub(super) fn judge_rollback(
    there: &[Finding],
    back: &[Finding],
    difference: &[String],
    rows: &Compared,
) -> RollbackProof {
    let lost: Vec<&Finding> = there.iter().chain(back).filter(|finding| is_lost(finding)).collect();
    // A table that lost rows necessarily differs, and its loss is reported already.
    let is_new = |one: &&RowDifference| !lost.iter().any(|finding| is_about(finding, &one.table));
    let rows_differ = rows.differs.iter().filter(is_new);
    let rows_differ = rows_differ.map(|one| format!("{}: {}", one.table, one.evidence));
    let wrong: Vec<String> = difference.iter().cloned().chain(rows_differ).collect();
    if !wrong.is_empty() {
        return RollbackProof::Wrong(wrong);
    }
    let line = |finding: &&Finding| {
        format!("{}: {}", finding.object.as_deref().unwrap_or_default(), finding.evidence)
    };
    let left_out = rows.left_out.iter().map(|what| format!("not compared: {what}"));
    if lost.is_empty() {
        return RollbackProof::Proved(left_out.collect());
    }
    RollbackProof::Lossy(lost.iter().map(line).chain(left_out).collect())
}

/// Whether a finding is about a table, or about a column of it.
fn is_about(finding: &Finding, table: &str) -> bool {
    let rest = finding.object.as_deref().and_then(|object| object.strip_prefix(table));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::finding;

    fn lost_of(object: &str, evidence: &str) -> Finding {
        let found = finding("values-lost", 1, "", evidence.to_owned());
        Finding { object: Some(object.to_owned()), ..found }
    }

    #[test]
    fn a_rollback_is_wrong_lossy_or_proved() {
        let gone = vec![lost_of("a", "table dropped, with 2 rows")];
        let wrong = vec!["- column a.x".to_owned()];
        let same = Compared::default();
        assert_eq!(judge_rollback(&gone, &[], &wrong, &same), RollbackProof::Wrong(wrong.clone()));
        let lossy = vec!["a: table dropped, with 2 rows".to_owned()];
        assert_eq!(judge_rollback(&gone, &[], &[], &same), RollbackProof::Lossy(lossy.clone()));
        assert_eq!(judge_rollback(&[], &gone, &[], &same), RollbackProof::Lossy(lossy));
        assert_eq!(judge_rollback(&[], &[], &[], &same), RollbackProof::Proved(Vec::new()));
    }

    #[test]
    fn rows_that_differ_are_wrong_unless_they_are_known_to_be_lost() {
        let gone = vec![lost_of("a.x", "2 values are lost with the column")];
        let differs = |table: &str| Compared {
            differs: vec![RowDifference { table: table.to_owned(), evidence: "others".to_owned() }],
            left_out: vec!["b: too large".to_owned()],
        };
        let wrong = |table: &str| RollbackProof::Wrong(vec![format!("{table}: others")]);
        assert_eq!(judge_rollback(&[], &[], &[], &differs("a")), wrong("a"));
        assert_eq!(judge_rollback(&gone, &[], &[], &differs("ab")), wrong("ab"));
        let lossy = ["a.x: 2 values are lost with the column", "not compared: b: too large"];
        let lossy = RollbackProof::Lossy(lossy.map(str::to_owned).to_vec());
        assert_eq!(judge_rollback(&gone, &[], &[], &differs("a")), lossy);
        let rest = Compared { differs: Vec::new(), ..differs("a") };
        let proved = RollbackProof::Proved(vec!["not compared: b: too large".to_owned()]);
        assert_eq!(judge_rollback(&[], &[], &[], &rest), proved);
    }
}
