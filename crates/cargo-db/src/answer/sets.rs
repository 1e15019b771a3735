//! The answer of a verb that ran over several sets of migrations.

use serde::Serialize;

use crate::answer::{Answer, BOLD, ErrorView, Style};
use crate::failure::Failure;

/// The answer for each set of migrations.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AnswerOfSets<A> {
    sets: Vec<SetAnswer<A>>,
}

/// The answer for one set, or why there is none. The one without a name has null.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum SetAnswer<A> {
    Found {
        set: Option<String>,
        #[serde(flatten)]
        answer: Box<A>,
    },
    Failed {
        set: Option<String>,
        error: ErrorView,
    },
}

impl<A: Clone> AnswerOfSets<A> {
    /// What was found of each set, or why nothing was.
    pub(crate) fn of(sets: &[(Option<String>, Result<A, Failure>)]) -> AnswerOfSets<A> {
        let one = |(set, found): &(Option<String>, Result<A, Failure>)| match found {
            Ok(answer) => SetAnswer::Found { set: set.clone(), answer: Box::new(answer.clone()) },
            Err(failure) => SetAnswer::Failed { set: set.clone(), error: failure.into() },
        };
        AnswerOfSets { sets: sets.iter().map(one).collect() }
    }
}

impl<A: Answer> Answer for AnswerOfSets<A> {
    /// Sets that could not be read are reported as warnings.
    fn text(&self, style: &Style) -> String {
        let found = self.sets.iter().filter_map(|set| match set {
            SetAnswer::Found { set, answer } => {
                let title = format!("Set {}", set.as_deref().unwrap_or("without a name"));
                Some(format!("{}\n{}", style.paint(BOLD, &title), answer.text(style)))
            }
            SetAnswer::Failed { .. } => None,
        });
        found.collect::<Vec<_>>().join("\n\n")
    }
}
