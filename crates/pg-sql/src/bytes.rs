//! Statements of a database without an encoding, `SQL_ASCII`: its strings may contain bytes that
//! are not valid UTF-8. They are rewritten with escapes for such bytes.

use std::fmt::Write;

use crate::lexer::{Lexed, Token, token};

/// The statement, with each string that is not UTF-8 rewritten as `E'…'`. `None` if anything else
/// is not UTF-8, since names cannot be rewritten like that.
pub(crate) fn in_ascii(statement: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(statement.len());
    let mut at = 0;
    while at < statement.len() {
        let Lexed::Token(kind, length) = token(&statement[at..], true) else { return None };
        let piece = &statement[at..at + length];
        match std::str::from_utf8(piece) {
            Ok(piece) => text.push_str(piece),
            Err(_) if kind == Token::Text => escape(piece, &mut text),
            Err(_) => return None,
        }
        at += length;
    }
    Some(text)
}

fn escape(string: &[u8], text: &mut String) {
    text.push_str("E'");
    match string[0] {
        b'$' => {
            let tag = 2 + string[1..].iter().take_while(|&&byte| byte != b'$').count();
            let body = &string[tag..string.len() - tag];
            body.iter().for_each(|&byte| push(byte, b"'\\", text));
        }
        // A doubled quote stays doubled.
        b'\'' => string[1..string.len() - 1].iter().for_each(|&byte| push(byte, b"\\", text)),
        _ => escape_again(&string[2..string.len() - 1], text),
    }
    text.push('\'');
}

/// Escapes the inside of an `E'…'`. A backslash before a byte that is itself escaped is removed.
fn escape_again(inside: &[u8], text: &mut String) {
    let mut bytes = inside.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, bytes.clone().next()) {
            (b'\\', Some(&next)) => {
                bytes.next();
                if next.is_ascii() {
                    text.push('\\');
                }
                push(next, b"", text);
            }
            _ => push(byte, b"", text),
        }
    }
}

/// Appends a byte of a string: escaped if it is not ASCII, and doubled if `double` contains it.
fn push(byte: u8, double: &[u8], text: &mut String) {
    if !byte.is_ascii() {
        let _ = write!(text, "\\{byte:03o}");
        return;
    }
    if double.contains(&byte) {
        text.push(char::from(byte));
    }
    text.push(char::from(byte));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_of_any_bytes_is_shown_in_ascii() {
        for (statement, wanted) in [
            (
                b"COMMENT ON TABLE t IS 'it''s \\ \xfc'".as_slice(),
                r"COMMENT ON TABLE t IS E'it''s \\ \374'",
            ),
            (b"SELECT E'\\\\ \\n \\\xfc\xc3\xbc', 'x'", r"SELECT E'\\ \n \374\303\274', 'x'"),
            (b"AS $x$it's \\ $\xfc$x$ STRICT", r"AS E'it''s \\ $\374' STRICT"),
            ("SELECT 'ü'".as_bytes(), "SELECT 'ü'"),
        ] {
            assert_eq!(in_ascii(statement).as_deref(), Some(wanted));
        }
    }

    #[test]
    fn a_name_that_is_not_utf8_is_refused() {
        for name in [b"CREATE TABLE \"\xfc\" ()".as_slice(), b"CREATE TABLE \xfc ()"] {
            assert_eq!(in_ascii(name), None);
        }
    }
}
