//! What a person or a script has to say before a plan runs.

/// Ordered: a later one asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Consent {
    /// Nothing.
    Free,
    /// `y`, or `--yes`.
    Confirm,
    /// The database's name, typed or given with `--confirm`.
    ByName,
    /// The name, and `--plan` with the id that the same command showed with `--dry-run`.
    ToPlan,
}
