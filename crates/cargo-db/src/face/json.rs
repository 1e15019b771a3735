//! Answers and failures as one JSON document. The schemas are in `docs/schema/`.

use serde::Serialize;

use crate::answer::{AnyAnswer, ErrorView, Outcome};
use crate::failure::{Exit, Result};

/// The version of all documents, raised when a field is removed or changes its meaning.
pub(super) const SCHEMA: u32 = 1;

/// What every verb prints with `--json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Document<'a, A> {
    schema: u32,
    verb: &'a str,
    /// Whether the exit code is 0.
    ok: bool,
    /// The set of migrations, if the project has sets.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<&'a str>,
    #[serde(flatten)]
    answer: A,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorView>,
}

/// The answer of a failure.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NoAnswer {}

/// What a verb ended with.
pub(super) fn outcome(verb: &str, outcome: &Outcome) -> Result<String> {
    let document = Document {
        schema: SCHEMA,
        verb,
        ok: outcome.exit() == Exit::Done,
        set: outcome.set(),
        answer: outcome.answer().map(AnyAnswer::value).transpose()?,
        error: outcome.failure().map(ErrorView::from),
    };
    Ok(text(&document))
}

/// A command line that cannot be read.
pub(super) fn usage(summary: &str) -> String {
    let (answer, error) = (NoAnswer {}, Some(ErrorView::usage(summary)));
    text(&Document { schema: SCHEMA, verb: "", ok: false, set: None, answer, error })
}

/// In one line.
pub(super) fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
