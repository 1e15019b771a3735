//! The hazards of steps, named like the rules of `cargo db check`.

/// A hazard to consider before a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hazard {
    /// A table is dropped with its rows.
    RowsLost,
    /// A column is dropped, or its values are cast to a type that may not hold them.
    ValuesLost,
    /// The values of a column may not fit its new type: the step fails if one does not.
    NarrowingTypeChange,
    /// The table is rewritten under a lock that blocks reads and writes.
    Rewrite,
    /// The table is scanned under a lock that blocks at least writes.
    ScanUnderLock,
    /// A table, foreign table or view is dropped, and statements that name it fail.
    RelationGone,
    /// A column is dropped, and statements that name it fail.
    ColumnGone,
    /// A column gets another type.
    ColumnTypeChanged,
    /// A column becomes `NOT NULL`, or is new, `NOT NULL` and without a default: the step fails if
    /// a row lacks a value, and so do statements that set none.
    RequiredColumn,
    /// A value of an enum may be gone: the step fails if a row has it.
    EnumValueGone,
    /// A value of an enum is new: it cannot be used until the transaction commits.
    EnumValueInSameTransaction,
    /// A function is dropped, which programs and the bodies of other functions may still call.
    FunctionGone,
    /// A type or domain is dropped.
    BanDropType,
    /// A sequence is dropped with its value.
    BanDropSequence,
    /// A schema is dropped.
    BanDropSchema,
    /// A constraint is dropped, so that rows that violate it are accepted.
    BanDropConstraint,
    /// A constraint or index that enforced uniqueness or exclusion is dropped.
    UniqueGone,
    /// A partition is detached, or attached with other bounds.
    PartitionGone,
    /// The name of a table changes.
    RenamingTable,
    /// The name of a column changes.
    RenamingColumn,
    /// The name of another object changes.
    RenamingObject,
    /// Privileges are revoked.
    RightsLost,
    /// Row-level security is enabled, so that policies limit the rows.
    RowSecurityOn,
    /// A trigger is disabled or dropped.
    TriggerOff,
    /// Access changes: privileges, policies, an owner, or whose privileges apply.
    AuthzChanged,
    /// Functions whose bodies are text may use what is dropped or changed: PostgreSQL does not
    /// record what they depend on.
    UntrackableDependency,
}

impl Hazard {
    /// All hazards.
    pub const ALL: [Hazard; 26] = [
        Hazard::RowsLost,
        Hazard::ValuesLost,
        Hazard::NarrowingTypeChange,
        Hazard::Rewrite,
        Hazard::ScanUnderLock,
        Hazard::RelationGone,
        Hazard::ColumnGone,
        Hazard::ColumnTypeChanged,
        Hazard::RequiredColumn,
        Hazard::EnumValueGone,
        Hazard::EnumValueInSameTransaction,
        Hazard::FunctionGone,
        Hazard::BanDropType,
        Hazard::BanDropSequence,
        Hazard::BanDropSchema,
        Hazard::BanDropConstraint,
        Hazard::UniqueGone,
        Hazard::PartitionGone,
        Hazard::RenamingTable,
        Hazard::RenamingColumn,
        Hazard::RenamingObject,
        Hazard::RightsLost,
        Hazard::RowSecurityOn,
        Hazard::TriggerOff,
        Hazard::AuthzChanged,
        Hazard::UntrackableDependency,
    ];

    /// The name of the hazard.
    pub fn word(self) -> &'static str {
        match self {
            Hazard::RowsLost => "rows-lost",
            Hazard::ValuesLost => "values-lost",
            Hazard::NarrowingTypeChange => "narrowing-type-change",
            Hazard::Rewrite => "rewrite",
            Hazard::ScanUnderLock => "scan-under-lock",
            Hazard::RelationGone => "relation-gone",
            Hazard::ColumnGone => "column-gone",
            Hazard::ColumnTypeChanged => "column-type-changed",
            Hazard::RequiredColumn => "required-column",
            Hazard::EnumValueGone => "enum-value-gone",
            Hazard::EnumValueInSameTransaction => "enum-value-in-same-transaction",
            Hazard::FunctionGone => "function-gone",
            Hazard::BanDropType => "ban-drop-type",
            Hazard::BanDropSequence => "ban-drop-sequence",
            Hazard::BanDropSchema => "ban-drop-schema",
            Hazard::BanDropConstraint => "ban-drop-constraint",
            Hazard::UniqueGone => "unique-gone",
            Hazard::PartitionGone => "partition-gone",
            Hazard::RenamingTable => "renaming-table",
            Hazard::RenamingColumn => "renaming-column",
            Hazard::RenamingObject => "renaming-object",
            Hazard::RightsLost => "rights-lost",
            Hazard::RowSecurityOn => "row-security-on",
            Hazard::TriggerOff => "trigger-off",
            Hazard::AuthzChanged => "authz-changed",
            Hazard::UntrackableDependency => "untrackable-dependency",
        }
    }

    /// What the hazard means, as a sentence without its full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Hazard::RowsLost => "the rows of the table are lost",
            Hazard::ValuesLost => "values of the column are lost",
            Hazard::NarrowingTypeChange => "fails if a value does not fit the new type",
            Hazard::Rewrite => "rewrites the table under a lock that blocks reads and writes",
            Hazard::ScanUnderLock => "reads the whole table under a lock that blocks writes",
            Hazard::RelationGone => "programs that use the table or view fail",
            Hazard::ColumnGone => "programs that use the column fail",
            Hazard::ColumnTypeChanged => "programs that use the column see another type",
            Hazard::RequiredColumn => "fails if a row has no value for the column",
            Hazard::EnumValueGone => "fails if a row has a value that is no longer in the enum",
            Hazard::EnumValueInSameTransaction => {
                "the new value cannot be used before the transaction commits"
            }
            Hazard::FunctionGone => "programs and functions that call the function fail",
            Hazard::BanDropType => "programs that use the type fail",
            Hazard::BanDropSequence => "the value of the sequence is lost",
            Hazard::BanDropSchema => "programs that name the schema fail",
            Hazard::BanDropConstraint => {
                "rows that violate the constraint are accepted from then on"
            }
            Hazard::UniqueGone => "duplicates are accepted from then on",
            Hazard::PartitionGone => "queries on the partitioned table no longer see the partition",
            Hazard::RenamingTable => "programs that use the old name of the table fail",
            Hazard::RenamingColumn => "programs that use the old name of the column fail",
            Hazard::RenamingObject => "programs that use the old name fail",
            Hazard::RightsLost => "roles lose privileges",
            Hazard::RowSecurityOn => "policies limit the rows that roles see and write",
            Hazard::TriggerOff => "the trigger no longer fires",
            Hazard::AuthzChanged => "access changes",
            Hazard::UntrackableDependency => {
                "functions mention this in their bodies, which PostgreSQL does not check"
            }
        }
    }
}
