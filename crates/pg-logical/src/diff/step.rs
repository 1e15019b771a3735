//! The steps of a plan, with their differences and hazards, and why a plan is not possible.

use thiserror::Error;

use crate::catalog::Identity;

/// What to compare, and for which role.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The role that runs the steps, and so owns what they create.
    pub role: String,
    /// Whether owners are compared.
    pub has_owners: bool,
    /// Whether privileges are compared.
    pub has_rights: bool,
}

/// The steps that change one database into another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they run.
    pub steps: Vec<DiffStep>,
}

/// A step, which changes one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiffStep {
    /// The object that changes.
    pub object: Identity,
    /// The differences in words, such as `new column users.avatar_url (text)`. Empty if the step
    /// only follows from another one.
    pub found: Vec<String>,
    /// The statements, without their semicolons.
    pub statements: Vec<String>,
    /// Hazards to consider before the step runs.
    pub hazards: Vec<Hazard>,
}

/// A hazard to consider before a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hazard {
    /// A table is dropped with its rows.
    RowsLost,
    /// A column is dropped, or its values are cast to a type that may not hold them.
    ValuesLost,
    /// The table is rewritten under a lock that blocks reads and writes.
    Rewrite,
    /// The table is scanned under a lock that blocks at least writes.
    ScanUnderLock,
    /// A new column is `NOT NULL` without a default: the step fails if the table has rows.
    RequiredColumn,
    /// A value of an enum may be gone: the step fails if a row has it.
    EnumValueGone,
    /// A value of an enum is new: it cannot be used until the transaction commits.
    EnumValueInSameTransaction,
    /// A function is dropped, which the bodies of other functions may still call.
    FunctionGone,
    /// A constraint or index that enforced uniqueness or exclusion is dropped.
    UniqueGone,
    /// Row-level security is enabled, so that policies limit the rows.
    RowSecurityOn,
    /// Access changes: privileges, policies, an owner, or whose privileges apply.
    AuthzChanged,
    /// The body of a function is text: PostgreSQL does not record what it depends on.
    UntrackableDependency,
}

impl Hazard {
    /// The name of the hazard.
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

/// Why no plan is possible.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiffError {
    /// Changes that DDL cannot make without losing rows.
    #[error("cannot be changed: {}", .0.join("; "))]
    Unsupported(Vec<String>),
    /// Objects of which only the name is known.
    #[error("cannot be compared, because only their names are known: {}", .0.join(", "))]
    Uncovered(Vec<String>),
    /// Objects whose changes depend on each other.
    #[error("the changes of these objects depend on each other: {}", .0.join(", "))]
    Circle(Vec<String>),
}
