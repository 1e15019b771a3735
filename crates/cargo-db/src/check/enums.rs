//! Values that a file adds to enums: in the transaction that adds one it cannot be used.

use crate::check::finding::finding;
use crate::check::words::{as_strs, texts};
use crate::model::finding::{Finding, Severity};
use pg_sql::lexer::{first_words, words};
use pg_sql::script::Statement;

/// The values that a file has added to enums so far.
#[derive(Default)]
pub(super) struct AddedValues(Vec<AddedValue>);

/// A value, as it was written, and the name of its type, without the schema.
struct AddedValue {
    value: String,
    of: String,
}

impl AddedValues {
    /// The added values that a statement uses. Whether a text is a value of the enum depends on its
    /// column: if the statement does not name the type, that is unknown.
    pub(super) fn used_by(&self, statement: &Statement) -> Vec<Finding> {
        if self.0.is_empty() || !may_use(statement) {
            return Vec::new();
        }
        let bodies = bodies(&statement.text);
        let texts =
            std::iter::once(statement.text.as_str()).chain(bodies.iter().map(String::as_str));
        texts.flat_map(|text| self.used_in(text, statement)).collect()
    }

    /// The added values that a statement, or a body in it, uses.
    fn used_in(&self, text: &str, statement: &Statement) -> Vec<Finding> {
        let words = words(text);
        let words = as_strs(&words);
        let values = values(&words, text);
        let found = self.0.iter().filter_map(|added| {
            values.iter().find(|value| **value == added.value)?;
            let value = &added.value;
            let (why, severity) = match words.contains(&added.of.as_str()) {
                true => (
                    format!(
                        "{value} was added to an enum by this transaction, and can be used only \
                         after it commits"
                    ),
                    None,
                ),
                false => (
                    format!(
                        "if {value} is meant as the enum value added above, it cannot be used \
                         until this transaction commits"
                    ),
                    Some(Severity::Warn),
                ),
            };
            let rule = "enum-value-in-same-transaction";
            let found = finding(rule, statement.line, &statement.text, why);
            Some(Finding { severity: severity.unwrap_or(found.severity), ..found })
        });
        found.collect()
    }

    /// Records the values that a statement adds.
    pub(super) fn note(&mut self, statement: &Statement) {
        // A cheap check first: most statements begin differently, and they can be long.
        if first_words(&statement.text, 2) != ["alter", "type"] {
            return;
        }
        let words = words(&statement.text);
        let ["alter", "type", name @ ..] = &as_strs(&words)[..] else { return };
        let Some(at) = name.windows(2).position(|pair| pair == ["add", "value"]) else { return };
        let value = texts(&statement.text).into_iter().next().map(|text| bare(&text));
        let of = name[..at].last().map(|of| (*of).to_owned());
        self.0.extend(value.zip(of).map(|(value, of)| AddedValue { value, of }));
    }
}

/// The bodies that PostgreSQL evaluates when the statement runs: those of functions in SQL, whose
/// literals it converts, and of DO.
fn bodies(statement: &str) -> Vec<String> {
    let first = first_words(statement, 4);
    let is_made = match as_strs(&first).as_slice() {
        ["do", ..] => true,
        ["create", rest @ ..] if rest.iter().any(|&word| is_routine(word)) => {
            words(statement).windows(2).any(|pair| pair == ["language", "sql"])
        }
        _ => false,
    };
    let body = |text: &String| {
        let tag = text.strip_prefix('$')?.split('$').next()?.len() + 2;
        Some(text.get(tag..text.len().checked_sub(tag)?)?.to_owned())
    };
    if is_made { texts(statement).iter().filter_map(body).collect() } else { Vec::new() }
}

fn is_routine(word: &str) -> bool {
    matches!(word, "function" | "procedure")
}

/// Whether a statement can use a value at all: a comment is only a text, and adding other values
/// does not use one.
fn may_use(statement: &Statement) -> bool {
    let words = first_words(&statement.text, 2);
    !matches!(as_strs(&words).as_slice(), ["comment", ..] | ["alter", "type"])
}

/// The string literals of a statement, except those that are of type text for PostgreSQL too: cast
/// to text, or compared with one.
fn values(words: &[&str], statement: &str) -> Vec<String> {
    let is_text = |word: Option<&&str>| {
        matches!(word, Some(&("text" | "varchar" | "char" | "bpchar" | "citext" | "name")))
    };
    let places = words.iter().enumerate().filter(|(_, word)| **word == "''").map(|(at, _)| at);
    let is_value = |at: usize| {
        let is_cast = words.get(at + 1) == Some(&":") && is_text(words.get(at + 3));
        let operator = words[..at].iter().rev().take_while(|word| is_operator(word)).count();
        let compared = words[..at - operator].iter().rev().take(2).collect::<Vec<_>>();
        let is_of_text =
            operator > 0 && matches!(compared[..], [left, &":"] if is_text(Some(left)));
        !is_cast && !is_of_text
    };
    let texts = texts(statement).into_iter();
    places.zip(texts).filter(|(at, _)| is_value(*at)).map(|(_, text)| bare(&text)).collect()
}

fn is_operator(word: &str) -> bool {
    matches!(word, "=" | "<" | ">" | "!")
}

/// A value may be written as E'...' in one place and as '...' in another.
fn bare(text: &str) -> String {
    text.trim_start_matches(['e', 'E']).to_owned()
}
