//! What each verb answers, as types. Every ending of every verb is one: it serialises to the
//! JSON that `docs/schema` describes, and tells people the same in words.

mod outcome;
mod style;
pub(crate) mod text;

use serde::Serialize;

pub(crate) use outcome::{AnyAnswer, Outcome};
pub(crate) use style::{BOLD, CYAN, DIM, GREEN, RED, Style, YELLOW};

/// One way in which a verb ends well, or with a finding.
pub(crate) trait Answer: Serialize {
    /// The same for people.
    fn text(&self, style: &Style) -> String;
}
