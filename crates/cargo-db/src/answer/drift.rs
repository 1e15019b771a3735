//! How the schema differs from the one that the migrations left.

use serde::Serialize;

use crate::answer::text::plural;
use crate::answer::{FileReport, RED, Style, YELLOW};
use crate::model::finding::Finding;
use crate::schema::{Drift, DriftedObject, FingerprintKeeper, UnknownDrift};

/// Differences between the schema and the one that the migrations left.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct DriftView {
    state: DriftState,
    /// The version after which the schema is known. If nothing is known, the version up to which it
    /// was known. Null if the schema is known from the beginning, or if it was never known.
    since: Option<String>,
    /// Why nothing is known. Null if something is.
    reason: Option<&'static str>,
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
            Drift::Absent { since } => (DriftState::None, since.clone(), Vec::new()),
            Drift::Found { since, objects } => {
                (DriftState::Found, since.clone(), objects.iter().map(view).collect())
            }
            Drift::Unknown(why) => (DriftState::Unknown, why.since(), Vec::new()),
        };
        let reason = match drift {
            Drift::Unknown(why) => Some(why.reason()),
            _ => None,
        };
        DriftView { state, since, reason, objects }
    }
}

impl UnknownDrift {
    fn since(&self) -> Option<String> {
        match self {
            UnknownDrift::Outdated { since } => since.clone(),
            UnknownDrift::NoFingerprint(_) | UnknownDrift::Unreadable(_) | UnknownDrift::Hidden => {
                None
            }
        }
    }

    /// In words.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            UnknownDrift::NoFingerprint(FingerprintKeeper::Project) => {
                "there is no fingerprint of this database in .db/drift"
            }
            UnknownDrift::NoFingerprint(FingerprintKeeper::Database) => {
                "the database keeps no fingerprint in cargo_db.fingerprint"
            }
            UnknownDrift::Unreadable(FingerprintKeeper::Project) => {
                "the fingerprint of this database in .db/drift cannot be read"
            }
            UnknownDrift::Unreadable(FingerprintKeeper::Database) => {
                "the fingerprint in cargo_db.fingerprint cannot be read"
            }
            UnknownDrift::Hidden => "this role may not read cargo_db.fingerprint",
            UnknownDrift::Outdated { .. } => {
                "the history or the server changed without leaving a fingerprint"
            }
        }
    }
}

impl DriftView {
    pub(super) fn is_found(&self) -> bool {
        self.state == DriftState::Found
    }

    /// The report on a schema that has drifted.
    pub(super) fn report(&self, style: &Style) -> FileReport {
        FileReport::of_whole("database", None, self.finding(style))
    }

    /// The finding that it has drifted.
    pub(super) fn finding(&self, style: &Style) -> Finding {
        let object = |one: &DriftedView| format!("{} is {}", one.object, one.change);
        let objects: Vec<String> = self.objects.iter().map(object).collect();
        let differs = format!("the migrations left another schema: {}", objects.join(", "));
        let repair = style.command("cargo db repair --drift");
        let help = Some(format!("make it a migration with `{repair}`, or undo it"));
        Finding { help, ..Finding::of_whole("drift", differs) }
    }

    /// Nothing if nothing drifted.
    pub(super) fn lines(&self, style: &Style) -> Vec<String> {
        let head = |colour| style.paint(colour, &format!("{:<13}", "Drift"));
        let diff = style.command("cargo db diff");
        match self.state {
            DriftState::None => Vec::new(),
            DriftState::Unknown => {
                let since = self.since.iter().map(|since| format!(" since {since}"));
                let since: String = since.collect();
                let reason = self.reason.unwrap_or_default();
                vec![format!("{}unknown{since}: {reason}; `{diff}` compares", head(YELLOW))]
            }
            DriftState::Found => {
                let number = self.objects.len();
                let differ = if number == 1 { "differs" } else { "differ" };
                let objects = plural(number, "object");
                let head = format!("{}{objects} {differ} from what the migrations left", head(RED));
                let line = |one: &DriftedView| format!("{:<13}{}: {}", "", one.object, one.change);
                let repair = style.command("cargo db repair --drift");
                let next = format!(
                    "{:<13}`{diff}` shows the difference; make it a migration with `{repair}`, or \
                     undo it",
                    ""
                );
                let lines = self.objects.iter().map(line);
                std::iter::once(head).chain(lines).chain([next]).collect()
            }
        }
    }
}
