//! The changes that are put in order.

use crate::graph::Step;

/// A change that happens at one point in the order. Objects are old ones, except in `Make` and
/// `Part`; the second number is that of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Node {
    /// Drops the default or the identity of a column.
    Loosen(usize, u32),
    /// Detaches a table from its parents.
    Detach(usize),
    Drop(usize),
    /// Renames a type, so that another object can take its name.
    Retire(usize),
    /// A step of the order in which the new database is dumped: creates a new object, alters one
    /// that stays.
    Make(Step),
    /// Creates or alters a constraint that `CREATE` would include if its table or domain were new.
    Part(usize),
    DropColumn(usize, u32),
    /// Drops a renamed type.
    Discard(usize),
}
