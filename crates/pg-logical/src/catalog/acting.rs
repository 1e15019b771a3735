//! What acts by itself: rules, triggers, policies and event triggers.

/// A rule other than the one that makes a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// As the server writes it.
    pub definition: String,
    /// `O`, `D`, `R` or `A`, as in `pg_rewrite`.
    pub firing: char,
    /// The table or the view.
    pub table: u32,
}

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// As the server writes it; nothing for the copy that a partition has of one.
    pub definition: Option<String>,
    /// `O`, `D`, `R` or `A`, as in `pg_trigger`.
    pub firing: char,
    /// The table or the view.
    pub table: u32,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `r`, `a`, `w`, `d` or `*`, as in `pg_policy`.
    pub command: char,
    /// Whether one such policy is enough to see a row.
    pub is_permissive: bool,
    /// For whom; for everybody if there is none.
    pub roles: Vec<String>,
    /// `USING`.
    pub condition: Option<String>,
    /// `WITH CHECK`.
    pub new_rows: Option<String>,
    /// The table.
    pub table: u32,
}

/// An event trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTrigger {
    /// `ddl_command_start` or another event.
    pub event: String,
    /// `O`, `D`, `R` or `A`, as in `pg_event_trigger`.
    pub firing: char,
    /// The commands that fire it; all of them if there is none.
    pub tags: Vec<String>,
    /// The function that it calls.
    pub function: String,
}
