//! The direction of a migration file.

/// Up applies the migration, down rolls it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}
