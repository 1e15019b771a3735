//! Recognises statements that differ only in their values: a file of a hundred thousand INSERTs
//! has only a few different forms.

use crate::lexer::{Lexed, Token, first_words, token};

/// The form of an INSERT, without its values; nothing for other statements.
pub fn form_of_insert(statement: &str) -> Option<String> {
    if first_words(statement, 1).first().is_none_or(|first| first != "insert") {
        return None;
    }
    let (mut form, mut at) = (String::new(), 0);
    while at < statement.len() {
        let Lexed::Token(kind, length) = token(&statement.as_bytes()[at..], true) else {
            return None;
        };
        let text = &statement[at..at + length];
        match kind {
            // `'a' 'b'` is one string only if a line end separates its parts.
            Token::Space | Token::Comment => {
                form.push(if text.contains(['\n', '\r']) { '\n' } else { ' ' });
            }
            // Only plain strings are normalised: the other kinds are parsed differently.
            Token::Text => form.push(if text.starts_with('\'') { '\'' } else { return None }),
            // Only numbers of plain digits: other notations may be invalid.
            Token::Word if text.bytes().all(|byte| byte.is_ascii_digit()) => form.push('0'),
            _ => form.push_str(text),
        }
        at += length;
    }
    Some(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_values_are_left_out() {
        let form = |text: &str| form_of_insert(text);
        let one = form("INSERT INTO t VALUES (1, 'a')");
        assert_eq!(one, form("INSERT INTO t VALUES (234, 'it''s')"));
        assert_eq!(one.as_deref(), Some("INSERT INTO t VALUES (0, ')"));
        for other in [
            "INSERT INTO u VALUES (1, 'a')",
            "INSERT INTO t VALUES (1, a)",
            "INSERT INTO t VALUES (1x, 'a')",
            "INSERT INTO t VALUES (1, 'a'",
            "INSERT INTO t VALUES (-1, 'a')",
            "INSERT INTO t VALUES (1,\n'a')",
        ] {
            assert_ne!(form(other), one, "{other}");
        }
        assert_eq!(form("UPDATE t SET a = 1"), None);
        assert_eq!(form("INSERT INTO t VALUES (E'\\x')"), None);
    }
}
