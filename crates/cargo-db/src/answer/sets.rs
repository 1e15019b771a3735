//! The answer of a verb that ran for several sets of migrations.

use serde::Serialize;

use crate::answer::plan::consent_hint;
use crate::answer::report::SetReport;
use crate::answer::{Answer, BOLD, ErrorView, Style};
use crate::failure::{Exit, Failure};

/// How a verb ended for one of several sets of migrations.
pub(crate) enum SetEnding<A> {
    Answered(A, Exit),
    Failed(Failure),
    /// The verb failed for an earlier set.
    NotStarted,
}

impl<A> SetEnding<A> {
    /// What the process would end with if this were the only set.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            SetEnding::Answered(_, exit) => *exit,
            SetEnding::Failed(failure) => failure.exit(),
            SetEnding::NotStarted => Exit::Done,
        }
    }
}

impl<A> From<Result<(A, Exit), Failure>> for SetEnding<A> {
    fn from(ended: Result<(A, Exit), Failure>) -> SetEnding<A> {
        match ended {
            Ok((answer, exit)) => SetEnding::Answered(answer, exit),
            Err(failure) => SetEnding::Failed(failure),
        }
    }
}

/// The answer for each set of migrations.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct AnswerOfSets<A> {
    sets: Vec<SetAnswer<A>>,
    /// The command that consents to the plans of all sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
}

/// The answer for one set, or why there is none. The set without a name has null.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum SetAnswer<A> {
    Answered {
        set: Option<String>,
        /// Whether the exit code would be 0 for this set alone.
        ok: bool,
        #[serde(flatten)]
        answer: Box<A>,
    },
    Failed {
        set: Option<String>,
        ok: bool,
        error: ErrorView,
    },
    /// The verb failed for an earlier set.
    NotStarted {
        set: Option<String>,
        ok: bool,
        not_started: bool,
    },
}

impl<A> AnswerOfSets<A> {
    /// How each set ended.
    pub(crate) fn of(sets: Vec<(Option<String>, SetEnding<A>)>) -> AnswerOfSets<A> {
        let one = |(set, ending): (Option<String>, SetEnding<A>)| match ending {
            SetEnding::Answered(answer, exit) => {
                SetAnswer::Answered { set, ok: exit == Exit::Done, answer: Box::new(answer) }
            }
            SetEnding::Failed(failure) => {
                SetAnswer::Failed { set, ok: false, error: (&failure).into() }
            }
            SetEnding::NotStarted => SetAnswer::NotStarted { set, ok: false, not_started: true },
        };
        AnswerOfSets { sets: sets.into_iter().map(one).collect(), consent: None }
    }

    /// With the command that consents to the plans of all sets, if one is needed.
    pub(crate) fn with_consent(self, consent: Option<String>) -> AnswerOfSets<A> {
        AnswerOfSets { consent, ..self }
    }
}

impl<A: Answer> SetAnswer<A> {
    /// The name of the set, as people read it.
    pub(super) fn name(&self) -> &str {
        let (SetAnswer::Answered { set, .. }
        | SetAnswer::Failed { set, .. }
        | SetAnswer::NotStarted { set, .. }) = self;
        set.as_deref().unwrap_or(WITHOUT_NAME)
    }

    /// The answer, if there is one.
    pub(super) fn answer(&self) -> Option<&A> {
        match self {
            SetAnswer::Answered { answer, .. } => Some(answer),
            SetAnswer::Failed { .. } | SetAnswer::NotStarted { .. } => None,
        }
    }

    fn text(&self, style: &Style) -> String {
        let name = self.name();
        match self {
            SetAnswer::Answered { answer, .. } => below_title(name, &answer.text(style), style),
            SetAnswer::Failed { error, .. } => {
                below_title(name, &format!("failed: {}", error.summary()), style)
            }
            SetAnswer::NotStarted { .. } => below_title(name, "not started", style),
        }
    }
}

/// A text below the name of its set, or beside it if it is a single line.
fn below_title(name: &str, text: &str, style: &Style) -> String {
    let title = style.paint(BOLD, &format!("Set {name}"));
    match text.lines().count() {
        0 | 1 => format!("{title}: {text}"),
        _ => format!("{title}\n{text}\n"),
    }
}

/// How the set without a name is called.
pub(crate) const WITHOUT_NAME: &str = "without a name";

/// The answers one after the other, each with the name of its set.
pub(super) fn one_after_the_other<A: Answer>(sets: &[SetAnswer<A>], style: &Style) -> String {
    let texts: Vec<String> = sets.iter().map(|set| set.text(style)).collect();
    texts.join("\n").trim_end().to_owned()
}

impl<A: Answer> Answer for AnswerOfSets<A> {
    fn text(&self, style: &Style) -> String {
        let text = A::text_of_sets(&self.sets, style);
        match &self.consent {
            Some(command) => format!("{text}\n\n{}", consent_hint(command, style)),
            None => text,
        }
    }

    fn reports(&self, style: &Style) -> Vec<SetReport> {
        let of_set = |answer: &SetAnswer<A>| match answer {
            SetAnswer::Answered { set, answer, .. } => {
                let named = |report| SetReport { set: set.clone(), ..report };
                answer.reports(style).into_iter().map(named).collect()
            }
            SetAnswer::Failed { set, error, .. } => {
                vec![SetReport { set: set.clone(), ..SetReport::failed(error.clone()) }]
            }
            SetAnswer::NotStarted { .. } => Vec::new(),
        };
        self.sets.iter().flat_map(of_set).collect::<Vec<_>>()
    }
}
