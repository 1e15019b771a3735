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

impl Consent {
    /// The consent that a setting names.
    pub(crate) fn named(word: &str) -> Option<Consent> {
        match word {
            "free" => Some(Consent::Free),
            "confirm" => Some(Consent::Confirm),
            "by-name" => Some(Consent::ByName),
            "to-plan" => Some(Consent::ToPlan),
            _ => None,
        }
    }

    /// As the policy prints it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Consent::Free => "no confirmation",
            Consent::Confirm => "confirm",
            Consent::ByName => "consent by name",
            Consent::ToPlan => "consent to the plan",
        }
    }
}
