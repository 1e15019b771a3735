//! The steps of a plan, and the transactions that they need.

use crate::catalog::Identity;
use crate::diff::hazard::Hazard;

/// What to compare, for which role, and which steps to prefer.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The role that runs the steps, and so owns what they create.
    pub role: String,
    /// Whether owners are compared.
    pub has_owners: bool,
    /// Whether privileges are compared.
    pub has_rights: bool,
    /// Whether steps avoid long locks: `CONCURRENTLY`, `NOT VALID` and `VALIDATE`, `USING INDEX`.
    /// Such steps need several transactions, and some cannot run in one.
    pub avoids_locks: bool,
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
    /// What happens to it.
    pub action: Action,
    /// The column that the step concerns, where that matters, or the new value of an enum.
    pub column: Option<String>,
    /// The difference in words, such as `new column users.avatar_url (text)`. `None` if the step
    /// only follows from another one.
    pub found: Option<String>,
    /// The statements, without their semicolons.
    pub statements: Vec<String>,
    /// Hazards to consider before the step runs.
    pub hazards: Vec<Hazard>,
    /// Functions whose bodies are text and mention what is dropped or changed
    /// ([`Hazard::UntrackableDependency`]).
    pub mentioned_in: Vec<Identity>,
    /// The transaction that the step needs.
    pub transaction: TransactionNeed,
}

/// What a step does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Creates it.
    Create,
    /// Changes it in place, or drops a part of it, such as a column.
    Alter,
    /// Drops it.
    Drop,
    /// Drops it to create it again, or creates it again.
    Replace,
    /// Renames it or one of its columns.
    Rename,
    /// Grants or revokes privileges.
    Authorize,
}

/// The transaction that a step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransactionNeed {
    /// The transaction of the steps before it.
    Same,
    /// The steps before it must be committed first.
    New,
    /// It cannot run in a transaction.
    Outside,
}

/// Steps that run in one transaction, or one that cannot run in any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepGroup<'a> {
    /// In the order in which they run.
    pub steps: &'a [DiffStep],
    /// Whether they run in a transaction.
    pub is_in_transaction: bool,
}

impl DiffStep {
    pub(super) fn new(
        object: Identity,
        action: Action,
        statements: Vec<String>,
        hazards: Vec<Hazard>,
    ) -> DiffStep {
        let (mentioned_in, transaction) = (Vec::new(), TransactionNeed::Same);
        DiffStep {
            object,
            action,
            column: None,
            found: None,
            statements,
            hazards,
            mentioned_in,
            transaction,
        }
    }

    fn is_outside(&self) -> bool {
        self.transaction == TransactionNeed::Outside
    }

    /// Whether it is in the same group as the step before it. A statement outside a transaction is
    /// alone: tools send a file as one query, which is a transaction if it has two statements.
    pub(super) fn stays_with(&self, before: &DiffStep) -> bool {
        self.transaction == TransactionNeed::Same && !before.is_outside()
    }
}

impl Plan {
    /// The steps, divided into transactions.
    pub fn groups(&self) -> Vec<StepGroup<'_>> {
        let groups = self.steps.chunk_by(|one, next| next.stays_with(one));
        groups.map(|steps| StepGroup { steps, is_in_transaction: !steps[0].is_outside() }).collect()
    }

    /// The differences in words, in the order of the steps.
    pub fn found(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| step.found.as_deref())
    }

    /// The functions and procedures that the steps create with a body that is text. PostgreSQL
    /// checks such a body when it creates the function, and objects that it names may not exist
    /// yet: if there are any, `SET check_function_bodies = off` must come before the steps.
    pub fn unchecked_bodies(&self) -> impl Iterator<Item = &Identity> {
        let is_unchecked = |step: &&DiffStep| step.statements.iter().any(|text| has_body(text));
        self.steps.iter().filter(is_unchecked).map(|step| &step.object)
    }
}

impl StepGroup<'_> {
    /// The statements as a script: a line or more for each, ended by a semicolon.
    pub fn sql(&self) -> String {
        let statements = self.steps.iter().flat_map(|step| &step.statements);
        statements.map(|statement| format!("{statement};\n")).collect()
    }
}

/// Whether a statement creates a function with a body that is text.
fn has_body(statement: &str) -> bool {
    let begin = statement.strip_prefix("CREATE ").unwrap_or_default();
    let begin = begin.strip_prefix("OR REPLACE ").unwrap_or(begin);
    let is_function = begin.starts_with("FUNCTION ") || begin.starts_with("PROCEDURE ");
    is_function && statement.contains(" AS $")
}
