//! What a check or a rehearsal found in a migration, and what that amounts to.

use std::path::PathBuf;

use pg_sql::name::short;
use serde::Serialize;

/// Begins the part of a finding's help that says how to accept it.
pub(crate) const IF_MEANT: &str = "if that is meant: ";

/// The class of a finding. It decides which findings a measurement replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// The file itself: it cannot run as it is, or affects more than its database.
    Form,
    /// Rows or values that go.
    Loss,
    /// What the database promises, and does not keep: a reference to a row that is not there.
    Integrity,
    /// A lock that blocks other sessions, or a table that is rewritten.
    Lock,
    /// What programs that run today will miss.
    Compatibility,
}

/// How bad it is. Ordered: a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Severity {
    Warn,
    /// It could not be counted, and nothing that is expected can lift that.
    Unmeasured,
    Block,
}

impl Severity {
    /// The verdict for a migration whose worst finding has this severity.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Severity::Warn => Verdict::Warn,
            Severity::Unmeasured => Verdict::Unmeasured,
            Severity::Block => Verdict::Block,
        }
    }
}

/// Something that a reviewer should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Finding {
    /// Its name in `docs/rules.md`.
    pub(crate) rule: String,
    #[serde(skip)]
    pub(crate) class: Class,
    pub(crate) severity: Severity,
    /// The line of the file, from 1.
    pub(crate) line: usize,
    /// The column, from 1, if the server or the parser gave a position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    /// The statement's first line.
    pub(crate) statement: String,
    /// The table or column, if known.
    pub(crate) object: Option<String>,
    /// What was seen, or measured.
    pub(crate) evidence: String,
    /// What to do instead.
    pub(crate) help: Option<String>,
    /// The number of affected rows or values; used by `expect`.
    pub(crate) rows: Option<u64>,
}

impl Finding {
    /// One that fails the run and is about a whole file, or about none.
    pub(crate) fn of_whole(rule: &str, evidence: String) -> Finding {
        Finding {
            rule: rule.to_owned(),
            class: Class::Form,
            severity: Severity::Block,
            line: 1,
            column: None,
            statement: String::new(),
            object: None,
            evidence,
            help: None,
            rows: None,
        }
    }

    /// The line, and the column where it is known: `3:14`.
    pub(crate) fn place(&self) -> String {
        let column = self.column.map(|column| format!(":{column}")).unwrap_or_default();
        format!("{}{column}", self.line)
    }

    /// The rule, the object and what was seen, for a sentence.
    pub(crate) fn summary(&self) -> String {
        let object = self.object.as_deref().map(|object| format!(" {object}")).unwrap_or_default();
        format!("{}{object}: {}", self.rule, self.evidence)
    }

    /// The expectation that accepts exactly this finding, such as `loss users.note <= 18000`;
    /// `None` if it cannot be accepted that way.
    pub(crate) fn expectation(&self) -> Option<String> {
        let hazard = HAZARDS.iter().find(|(_, class)| *class == self.class);
        let by_rule = BY_RULE.contains(&self.rule.as_str()).then_some(self.rule.as_str());
        let hazard = by_rule.or(hazard.map(|(hazard, _)| *hazard))?;
        let (object, rows) = (self.object.as_deref()?, self.rows?);
        Some(format!("{hazard} {object} <= {rows}"))
    }
}

/// What all findings of a migration amount to. Ordered: a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Verdict {
    Pass,
    Warn,
    /// Nobody knows: it could not be rehearsed.
    Unmeasured,
    Block,
}

impl Verdict {
    /// What these findings amount to.
    pub(crate) fn of(findings: &[Finding]) -> Verdict {
        let worst = findings.iter().map(|finding| finding.severity).max();
        worst.map_or(Verdict::Pass, Severity::verdict)
    }

    /// Its name in reports.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Warn => "WARN",
            Verdict::Unmeasured => "UNMEASURED",
            Verdict::Block => "BLOCK",
        }
    }

    /// The verdict with this name.
    pub(crate) fn named(word: &str) -> Option<Verdict> {
        [Verdict::Pass, Verdict::Warn, Verdict::Unmeasured, Verdict::Block]
            .into_iter()
            .find(|verdict| verdict.word() == word)
    }
}

/// `-- cargo-db: expect <hazard> <object> <= <bound>`: something that its author knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) line: usize,
    pub(crate) hazard: String,
    pub(crate) object: String,
    pub(crate) bound: u64,
}

/// What can be expected of a whole class of findings.
const HAZARDS: [(&str, Class); 2] = [("loss", Class::Loss), ("lock", Class::Lock)];

/// Rules whose findings are expected by the name of the rule.
const BY_RULE: [&str; 7] = [
    "orphans",
    "constraints-off",
    "sequence-behind",
    "rights-lost",
    "row-security-on",
    "unique-gone",
    "partition-gone",
];

/// Whether this is something that can be expected.
fn is_hazard(word: &str) -> bool {
    HAZARDS.iter().any(|(hazard, _)| *hazard == word) || BY_RULE.contains(&word)
}

impl Expected {
    /// Parses a line such as `loss users.note <= 18000`.
    pub(crate) fn parse(line: usize, said: &str) -> Option<Expected> {
        let (left, bound) = said.rsplit_once("<=")?;
        let mut words = left.split_whitespace();
        let hazard = words.next().filter(|hazard| is_hazard(hazard))?.to_owned();
        // The name of a function includes its arguments, and so may contain spaces.
        let object = words.collect::<Vec<_>>().join(" ");
        let bound = bound.trim().parse().ok()?;
        (!object.is_empty()).then_some(Expected { line, hazard, object, bound })
    }

    /// Whether the expectation covers a finding, within its bound.
    pub(crate) fn covers(&self, finding: &Finding) -> bool {
        let same =
            finding.object.as_deref().is_some_and(|object| short(object) == short(&self.object));
        let of_class =
            |(hazard, class): &(&str, Class)| *hazard == self.hazard && *class == finding.class;
        let meant = HAZARDS.iter().any(of_class)
            || BY_RULE.contains(&self.hazard.as_str()) && self.hazard == finding.rule;
        same && meant && finding.rows.is_some_and(|rows| rows <= self.bound)
    }

    /// Whether it is about the loss of this table or column.
    pub(crate) fn is_loss_of(&self, object: &str) -> bool {
        let plain = |name: &str| short(name).replace('"', "");
        self.hazard == "loss" && plain(&self.object) == plain(object)
    }

    /// The text that [`Expected::parse`] reads.
    pub(crate) fn text(&self) -> String {
        let Expected { hazard, object, bound, .. } = self;
        format!("{hazard} {object} <= {bound}")
    }
}

/// One file that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) file: PathBuf,
    /// The version and name, if it belongs to a migration.
    pub(crate) version: Option<String>,
    pub(crate) name: String,
    pub(crate) findings: Vec<Finding>,
    pub(crate) expected: Vec<Expected>,
    /// The rules that were broken and are allowed where they are.
    pub(crate) allowed: Vec<String>,
}

impl Checked {
    /// What it amounts to.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::of(&self.findings)
    }
}
