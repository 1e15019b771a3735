//! Steps, with what is found and what is dangerous; and what stands in their way.

use thiserror::Error;

use crate::catalog::Identity;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The role that runs the steps: it owns what it makes.
    pub role: String,
    /// Whether owners are compared.
    pub has_owners: bool,
    /// Whether privileges are compared.
    pub has_rights: bool,
}

/// The steps from one database to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they run.
    pub steps: Vec<DiffStep>,
}

/// A step: what changes in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffStep {
    /// The object.
    pub object: Identity,
    /// What was found, in words: `new column users.avatar_url (text)`. Nothing where it is a
    /// consequence of something that has its own words.
    pub found: Vec<String>,
    /// The statements, without their semicolons.
    pub statements: Vec<String>,
    /// What has to be known before it runs.
    pub hazards: Vec<Hazard>,
}

/// What has to be known of a step before it runs, in the words of the rules of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hazard {
    /// A table is dropped with its rows.
    RowsLost,
    /// A column is dropped, or its values do not fit into its new type.
    ValuesLost,
    /// Each row is written again, while nobody reads the table.
    Rewrite,
    /// Each row is read, while nobody writes to the table.
    ScanUnderLock,
    /// A column refuses NULL without a default: rows that are there make it fail.
    RequiredColumn,
    /// A value of an enum is gone: rows that have it make the step fail.
    EnumValueGone,
    /// A value of an enum is new: it cannot be used before the transaction ends.
    EnumValueInSameTransaction,
    /// A function is dropped, which bodies of functions may call.
    FunctionGone,
    /// A constraint or an index that refused rows twice is dropped.
    UniqueGone,
    /// Policies limit rows from now on.
    RowSecurityOn,
    /// Somebody may do more or less than before, or something has another owner.
    AuthzChanged,
    /// The body of a function is text: what it needs is not known.
    UntrackableDependency,
}

impl Hazard {
    /// The name of its rule.
    pub fn word(self) -> &'static str {
        match self {
            Hazard::RowsLost => "rows-lost",
            Hazard::ValuesLost => "values-lost",
            Hazard::Rewrite => "rewrite",
            Hazard::ScanUnderLock => "scan-under-lock",
            Hazard::RequiredColumn => "required-column",
            Hazard::EnumValueGone => "enum-value-gone",
            Hazard::EnumValueInSameTransaction => "enum-value-in-same-transaction",
            Hazard::FunctionGone => "function-gone",
            Hazard::UniqueGone => "unique-gone",
            Hazard::RowSecurityOn => "row-security-on",
            Hazard::AuthzChanged => "authz-changed",
            Hazard::UntrackableDependency => "untrackable-dependency",
        }
    }
}

/// Why there are no steps.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiffError {
    /// Changes that no DDL makes without losing rows.
    #[error("cannot be changed: {}", .0.join("; "))]
    Unsupported(Vec<String>),
    /// Objects of which nothing is known but the name.
    #[error("not known well enough to be compared: {}", .0.join(", "))]
    Uncovered(Vec<String>),
    /// Objects whose changes need each other.
    #[error("the changes of these objects need each other: {}", .0.join(", "))]
    Circle(Vec<String>),
}
