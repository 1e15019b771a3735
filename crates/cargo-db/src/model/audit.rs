//! The audit trail: what was about to be done, and what came of it, one record each.

use serde::{Deserialize, Serialize};

use crate::model::environment::Marker;

/// Before a change, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Phase {
    Intent,
    Outcome,
}

/// The beginning of the trail of a database: a trail that was cut or changed has another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrailHead {
    /// How many records it is about.
    pub(crate) records: u64,
    /// SHA-256 of their hashes.
    pub(crate) digest: String,
}

/// What a database said of itself just before a change, so that the next run sees what a run that
/// was killed let happen to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Before {
    /// Nothing where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) marker: Option<Marker>,
    /// Nothing where it kept no trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) trail: Option<TrailHead>,
}

/// One line of the trail. It never holds a secret, and no row of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Record {
    /// From 1, without a gap.
    pub(crate) sequence: u64,
    /// RFC 3339, in UTC.
    pub(crate) when: String,
    /// The same in the intent and the outcome of one change.
    pub(crate) run: String,
    pub(crate) phase: Phase,
    pub(crate) verb: String,
    /// Redacted.
    pub(crate) target: String,
    pub(crate) environment: String,
    pub(crate) by: By,
    /// The id of the plan.
    pub(crate) plan: String,
    /// What was agreed to, in the policy's words.
    pub(crate) consent: String,
    /// The backup that was taken for it.
    pub(crate) backup: Option<String>,
    /// The versions that the plan is about.
    pub(crate) migrations: Vec<String>,
    /// The databases, backups and servers that go for good. Left out where there are none, as in
    /// records of older builds: their hashes are made of what they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) removes: Vec<String>,
    /// What the database said of itself before; in an outcome only where that could not be looked
    /// at again. Records of older builds have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Before>,
    /// `done`, or the code of the failure; an intent has none.
    pub(crate) result: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    /// The hash of the record before; empty in the first.
    pub(crate) previous: String,
    /// SHA-256 of this record as JSON with this field empty, in hexadecimal.
    pub(crate) hash: String,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct By {
    /// Of the operating system.
    pub(crate) user: String,
    /// Of the database.
    pub(crate) role: String,
    pub(crate) host: String,
    /// `human`, `ci` or `agent`.
    pub(crate) kind: String,
}

/// Who runs cargo db.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Human,
    Ci,
    /// An AI agent, in a CI too.
    Agent,
}

impl Actor {
    /// As records name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Actor::Human => "human",
            Actor::Ci => "ci",
            Actor::Agent => "agent",
        }
    }
}
