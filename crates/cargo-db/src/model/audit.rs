//! The audit trail: the intent and the outcome of each change, in one record each.

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

/// A prefix of the trail in a database: if records were removed or changed, it differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TrailHead {
    /// The number of records that it covers.
    pub(crate) records: u64,
    /// SHA-256 of their hashes.
    pub(crate) digest: String,
}

/// The marker and the trail of a database just before a change, so that the next run can detect
/// what happened to them if this run was killed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Before {
    /// `None` if there was no marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) marker: Option<Marker>,
    /// `None` if there was no trail.
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
    /// The backup taken before the change.
    pub(crate) backup: Option<String>,
    /// The versions that the plan covers.
    pub(crate) migrations: Vec<String>,
    /// What else it did: which backup was loaded, or which kept database was put back. Left out if
    /// there is nothing, because the hashes of older records cover their exact text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deeds: Vec<String>,
    /// The databases, backups and servers that are removed permanently. Left out if there are none,
    /// because the hashes of older records cover their exact text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) removes: Vec<String>,
    /// The state before the change; in an outcome only if it could not be checked again. Older
    /// records do not have it.
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
