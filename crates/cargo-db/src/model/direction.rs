//! Which way a file of a migration leads.

/// Up applies the migration, down rolls it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}
