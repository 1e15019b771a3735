//! Values that may satisfy a condition on a column: typical ones, and those that the condition
//! itself names. The server decides which of them do.

use pg_sql::lexer::{Lexed, Token, token};
use pg_sql::quote::quote_literal;

/// Texts that often satisfy a condition on a text.
const TEXTS: [&str; 9] = [
    "a1@example.com",
    "a2@example.com",
    "a3@example.com",
    "abc",
    "ABC",
    "12345",
    "+15551234567",
    "https://example.com/a",
    "a-b",
];

/// The longest text that is made to satisfy a condition on a length.
const LONGEST: usize = 500;

/// How many values are tried for a column.
const MOST: usize = 24;

/// The words and literals of a condition.
#[derive(Debug, Default)]
pub(super) struct Condition {
    /// Keywords, names and numbers; names that are quoted keep their quotes.
    words: Vec<String>,
    /// String literals, with their quotes.
    texts: Vec<String>,
}

impl Condition {
    pub(super) fn read(sql: &str) -> Condition {
        let (mut condition, mut at) = (Condition::default(), 0);
        while let Lexed::Token(kind, length) = token(&sql.as_bytes()[at..], true) {
            let word = sql[at..at + length].to_owned();
            match kind {
                Token::Word | Token::QuotedName => condition.words.push(word),
                Token::Text => condition.texts.push(word),
                _ => {}
            }
            at += length;
            if at >= sql.len() {
                break;
            }
        }
        condition
    }

    /// Whether it is about a column, given as SQL.
    pub(super) fn names(&self, column: &str) -> bool {
        self.words.iter().any(|word| word == column)
    }

    fn numbers(&self) -> impl Iterator<Item = f64> + '_ {
        self.words.iter().filter_map(|word| word.parse().ok()).filter(|n: &f64| n.is_finite())
    }

    /// Values of a category that the condition suggests, without a cast.
    fn suggested(&self, category: char) -> Vec<String> {
        match category {
            'N' => self.numbers().flat_map(around).collect(),
            'S' => {
                let numbers = self.numbers().filter(|n| *n >= 1.0 && *n <= LONGEST as f64);
                let long = numbers.map(|n| format!("repeat('a', {n})"));
                self.texts.iter().cloned().chain(long).collect()
            }
            'D' => self.texts.iter().filter(|text| is_date(text)).cloned().collect(),
            _ => Vec::new(),
        }
    }
}

/// The number, and those beside it.
fn around(number: f64) -> [String; 3] {
    [number, number + 1.0, number - 1.0].map(|one| one.to_string())
}

/// Whether a literal begins like a date.
fn is_date(text: &str) -> bool {
    let digits = text.trim_start_matches('\'').bytes().take(4);
    digits.clone().count() == 4 && digits.into_iter().all(|byte| byte.is_ascii_digit())
}

/// The values to try for a column of a category under these conditions, without a cast, the most
/// likely ones first.
pub(super) fn candidates(
    category: char,
    conditions: &[&Condition],
    typical: Vec<String>,
) -> Vec<String> {
    let suggested = conditions.iter().flat_map(|one| one.suggested(category));
    let mut all: Vec<String> = suggested.chain(typical).collect();
    if category == 'S' {
        all.extend(TEXTS.map(quote_literal));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|value| seen.insert(value.clone()));
    all.truncate(MOST);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_names_columns_and_suggests_values() {
        let condition = Condition::read("((\"Age\" >= 18) AND (kind = 'a''b'::text))");
        assert!(condition.names("\"Age\"") && condition.names("kind") && !condition.names("Age"));
        let numbers = candidates('N', &[&condition], vec!["1".to_owned()]);
        assert_eq!(numbers, ["18", "19", "17", "1"]);
        let texts = candidates('S', &[&condition], Vec::new());
        assert_eq!(&texts[..2], ["'a''b'", "repeat('a', 18)"]);
        assert_eq!(candidates('D', &[&condition], Vec::new()), Vec::<String>::new());
    }
}
