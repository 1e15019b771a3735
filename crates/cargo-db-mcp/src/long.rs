//! Long answers in parts. The newest ones are kept, so that nothing runs again for the next part.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::marked::{self, marked, random_name};
use crate::tool::{ArgumentType, OfferedTool, ToolArgument, ToolEffect};

/// The name of the tool that returns the next part.
pub(crate) const MORE: &str = "more";

/// How many bytes an answer has at most, with its marks.
const AT_MOST: usize = 4096;

/// How many long answers are kept.
const KEPT: usize = 16;

/// The tool that returns the next part.
pub(crate) fn more() -> OfferedTool {
    OfferedTool {
        name: MORE,
        title: "Next part of an answer",
        description: "Return the next part of a long answer. Runs nothing again. The cursor is in \
                      the last line of the part before it.",
        arguments: vec![ToolArgument {
            name: "cursor",
            description: "As the last line of the answer shows it",
            value: ArgumentType::Text,
            is_required: true,
        }],
        effect: ToolEffect::READS,
    }
}

/// The long answers that were given last, by their names.
#[derive(Default)]
pub(crate) struct LongAnswers(Mutex<VecDeque<(String, String)>>);

impl LongAnswers {
    /// The answer, marked; of a long one, the first part.
    pub(crate) fn answer(&self, text: String) -> String {
        let whole = marked(&text);
        if whole.len() <= AT_MOST {
            return whole;
        }
        let name = random_name();
        let first = part_from(&name, &text, 0);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.truncate(KEPT - 1);
        kept.push_front((name, text));
        first
    }

    /// The part that a cursor names. Fails if no kept answer has it.
    pub(crate) fn part(&self, cursor: &str) -> Result<String, String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = cursor.split_once('-').and_then(|(name, from)| {
            let (name, text) = kept.iter().find(|(kept, _)| kept == name)?;
            let from = from
                .parse()
                .ok()
                .filter(|from| text.get(*from..).is_some_and(|rest| !rest.is_empty()))?;
            Some((name, text, from))
        });
        let (name, text, from) = place.ok_or_else(|| {
            format!(
                "there is no cursor `{cursor}`: only the newest {KEPT} long answers are kept; call \
                 the tool again"
            )
        })?;
        Ok(part_from(name, text, from))
    }
}

/// The part of a text that begins at this byte, with the cursor of the next one.
fn part_from(name: &str, text: &str, from: usize) -> String {
    let rest = &text[from..];
    if rest.len() + marked::ADDED <= AT_MOST {
        return marked(rest);
    }
    // The number of the last byte has the most digits.
    let line = |to: usize| {
        let left = text.len() - to;
        format!("\nCut: {left} more bytes. Call `{MORE}` with the cursor {name}-{to}")
    };
    let line_at_most = line(0).len() + text.len().to_string().len();
    let to = from + rest.floor_char_boundary(AT_MOST - marked::ADDED - line_at_most);
    marked(&text[from..to]) + &line(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands between the marks, and the cursor.
    fn content(part: &str) -> (&str, Option<&str>) {
        let (_, rest) = part.split_once(">\n").unwrap();
        let (text, after) = rest.rsplit_once("\n</data-").unwrap();
        (text, after.split_once("the cursor ").map(|(_, cursor)| cursor))
    }

    /// All parts of a text.
    fn parts(answers: &LongAnswers, text: &str) -> Vec<String> {
        let mut parts = vec![answers.answer(text.to_owned())];
        while let Some(cursor) = content(parts.last().unwrap()).1 {
            parts.push(answers.part(cursor).unwrap());
        }
        parts
    }

    #[test]
    fn all_parts_together_are_the_text() {
        for sign in ["x", "é", "𝄞", "\n"] {
            for count in [0, 1, 3_000, 3_900, 3_950, 4_096, 9_000, 100_000] {
                let text = sign.repeat(count);
                let parts = parts(&LongAnswers::default(), &text);
                let together: String = parts.iter().map(|part| content(part).0).collect();
                assert!(together == text, "{count} times {sign:?}");
                assert!(parts.iter().all(|part| part.len() <= AT_MOST), "{count} times {sign:?}");
            }
        }
    }

    #[test]
    fn a_text_that_just_fits_is_not_cut() {
        let answers = LongAnswers::default();
        let text = "x".repeat(AT_MOST - marked::ADDED);
        assert_eq!(answers.answer(text.clone()).len(), AT_MOST);
        assert_eq!(parts(&answers, &(text + "x")).len(), 2);
    }

    #[test]
    fn only_the_newest_answers_are_kept() {
        let answers = LongAnswers::default();
        let given: Vec<String> = (0..=KEPT).map(|_| answers.answer("x".repeat(9_000))).collect();
        let cursor = |at: usize| content(&given[at]).1.unwrap();
        assert!(answers.part(cursor(0)).unwrap_err().contains(cursor(0)));
        assert!(answers.part(cursor(1)).is_ok());
        // The same part can be read again.
        assert!(answers.part(cursor(KEPT)).is_ok() && answers.part(cursor(KEPT)).is_ok());
    }

    #[test]
    fn a_cursor_that_was_never_given_is_refused() {
        let answers = LongAnswers::default();
        let first = answers.answer("é".repeat(9_000));
        let (name, _) = content(&first).1.unwrap().split_once('-').unwrap();
        for place in ["1", "18000", "99999", "-1", "", "x"] {
            let cursor = format!("{name}-{place}");
            assert!(answers.part(&cursor).is_err(), "{cursor}");
        }
        for cursor in ["", "-", name, "0000000000000000-0"] {
            assert!(answers.part(cursor).is_err(), "{cursor}");
        }
    }
}
