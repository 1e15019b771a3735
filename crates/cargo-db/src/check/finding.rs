//! A finding, with what its rule says.

use crate::check::rules;
use crate::model::finding::{Class, Finding, Severity};

/// A finding of one of our own rules.
pub(crate) fn finding(rule: &str, line: usize, statement: &str, evidence: String) -> Finding {
    let rule_of = rules::named(rule);
    let first = statement.lines().next().unwrap_or_default().trim_end().to_owned();
    Finding {
        rule: rule.to_owned(),
        class: rule_of.map_or(Class::Form, |rule| rule.class),
        severity: rule_of.map_or(Severity::Warn, |rule| rule.severity),
        line,
        column: None,
        statement: first,
        object: None,
        evidence,
        help: rule_of.map(|rule| rule.instead.to_owned()).filter(|help| !help.is_empty()),
        rows: None,
    }
}
