//! What happens on the way from one database to the other.

use crate::graph::Step;

/// Something that happens at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Node {
    /// A default or an identity is taken off a column.
    Loosen(usize, u32),
    /// A table is no part of its parents any more.
    Detach(usize),
    Drop(usize),
    /// A type gets another name.
    Retire(usize),
    /// A step of the order in which after is made: what is new is made, what stays is altered.
    Make(Step),
    /// A constraint of a table that stays, where a new table would be made with it.
    Part(usize),
    DropColumn(usize, u32),
    /// A type that got another name is dropped.
    Discard(usize),
}
