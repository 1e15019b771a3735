//! How the schema differs from the one that the migrations left.

use serde::Serialize;

use crate::answer::text::plural;
use crate::answer::{RED, Style, YELLOW};
use crate::schema::{Drift, DriftedObject};

/// Differences between the schema and the one that the migrations left.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DriftView {
    state: DriftState,
    /// The version after which the schema is known. If nothing is known, the version up to which it
    /// was known. Null if the schema is known from the beginning, or if it was never known.
    since: Option<String>,
    objects: Vec<DriftedView>,
}

/// Whether the schema differs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum DriftState {
    None,
    Found,
    Unknown,
}

/// An object that differs.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DriftedView {
    /// `column public.users.age`.
    object: String,
    /// `added`, `missing` or `changed`.
    change: &'static str,
}

impl From<&Drift> for DriftView {
    fn from(drift: &Drift) -> DriftView {
        let view =
            |one: &DriftedObject| DriftedView { object: one.object.clone(), change: one.how };
        let (state, since, objects) = match drift {
            Drift::Absent { since } => (DriftState::None, since, Vec::new()),
            Drift::Found { since, objects } => {
                (DriftState::Found, since, objects.iter().map(view).collect())
            }
            Drift::Unknown { since } => (DriftState::Unknown, since, Vec::new()),
        };
        DriftView { state, since: since.clone(), objects }
    }
}

impl DriftView {
    pub(super) fn is_found(&self) -> bool {
        self.state == DriftState::Found
    }

    /// Nothing if nothing drifted.
    pub(super) fn lines(&self, style: &Style) -> Vec<String> {
        let head = |colour| style.paint(colour, &format!("{:<13}", "Drift"));
        match (self.state, &self.since) {
            (DriftState::None, _) => Vec::new(),
            (DriftState::Unknown, since) => {
                let why = match since {
                    Some(since) => {
                        format!("unknown since {since}: another program has applied migrations")
                    }
                    None => "unknown: `cargo db` on this machine has not migrated this database"
                        .to_owned(),
                };
                let diff = style.command("cargo db diff");
                vec![format!("{}{why}; `{diff}` compares", head(YELLOW))]
            }
            (DriftState::Found, _) => {
                let number = self.objects.len();
                let differ = if number == 1 { "differs" } else { "differ" };
                let objects = plural(number, "object");
                let head = format!("{}{objects} {differ} from what the migrations left", head(RED));
                let line = |one: &DriftedView| format!("{:<13}{}: {}", "", one.object, one.change);
                std::iter::once(head).chain(self.objects.iter().map(line)).collect()
            }
        }
    }
}
