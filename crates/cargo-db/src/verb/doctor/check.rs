//! What a check is, and how it ends.

use std::time::Duration;

use crate::answer::{ExaminedView, HealthState};
use crate::failure::{Failure, Result};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::Session;

/// What the checks of a database examine.
pub(super) struct DatabaseSubject {
    pub(super) world: World,
    pub(super) settings: Settings,
    pub(super) target: Target,
    pub(super) session: Session,
    pub(super) long_transaction: Duration,
}

/// A check of a database, or of the project.
pub(super) struct DoctorCheck<S> {
    pub(super) id: &'static str,
    pub(super) diagnose: fn(&mut S) -> Result<Diagnosis>,
}

impl<S> DoctorCheck<S> {
    /// What cannot be examined is skipped.
    pub(super) fn examine(&self, subject: &mut S, set: Option<&String>) -> ExaminedView {
        let diagnosis = (self.diagnose)(subject);
        let diagnosis = diagnosis
            .unwrap_or_else(|failure| Diagnosis::Skipped(format!("not examined: {failure}")));
        diagnosis.view(self.id, set)
    }
}

/// The result of a check.
pub(super) enum Diagnosis {
    Sound(String),
    Problem {
        evidence: Vec<String>,
        remedy: String,
        /// Only such that change nothing.
        commands: &'static [&'static str],
    },
    Skipped(String),
}

impl Diagnosis {
    /// A problem for each line of evidence, or this sentence if there is none.
    pub(super) fn of_evidence(evidence: Vec<String>, sound: &str, remedy: &str) -> Diagnosis {
        if evidence.is_empty() {
            return Diagnosis::Sound(sound.to_owned());
        }
        Diagnosis::Problem { evidence, remedy: remedy.to_owned(), commands: &[] }
    }

    /// The same with commands that help.
    pub(super) fn with_commands(self, helpful: &'static [&'static str]) -> Diagnosis {
        match self {
            Diagnosis::Problem { evidence, remedy, .. } => {
                Diagnosis::Problem { evidence, remedy, commands: helpful }
            }
            other => other,
        }
    }

    /// A failure is a problem, and its hints are the remedy.
    pub(super) fn of(failure: &Failure) -> Diagnosis {
        let evidence = [failure.to_string()].into_iter().chain(failure.why()).collect();
        let hints = failure.hints().into_iter().map(|hint| match hint.command {
            Some(command) => format!("{}: `{command}`", hint.label),
            None => hint.label,
        });
        let remedy = hints.collect::<Vec<_>>().join("; ");
        Diagnosis::Problem { evidence, remedy, commands: &[] }
    }

    /// As it is shown.
    pub(super) fn view(self, id: &'static str, set: Option<&String>) -> ExaminedView {
        let (state, evidence, remedy, commands) = match self {
            Diagnosis::Sound(evidence) => (HealthState::Ok, vec![evidence], None, &[][..]),
            Diagnosis::Skipped(why) => (HealthState::Skipped, vec![why], None, &[][..]),
            Diagnosis::Problem { evidence, remedy, commands } => {
                let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
                (HealthState::Problem, evidence, remedy, commands)
            }
        };
        let commands = commands.iter().map(|&command| command.to_owned()).collect();
        ExaminedView { id, state, set: set.cloned(), evidence, remedy, commands }
    }
}
