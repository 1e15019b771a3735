//! Values and names as SQL text.

use crate::keywords::is_keyword;

/// Text as an SQL literal. A backslash is plain text only where `standard_conforming_strings` is
/// on, as it is in every session of cargo db.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier, always quoted.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name as an SQL identifier, quoted where it has to be, as PostgreSQL itself writes it.
pub fn name(name: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    let begins = name.bytes().next().is_some_and(|byte| is_plain(byte) && !byte.is_ascii_digit());
    if begins && name.bytes().all(is_plain) && !is_keyword(name) {
        name.to_owned()
    } else {
        quote_identifier(name)
    }
}

/// `schema.table` with both parts quoted; the first dot is the one between them.
pub fn quote_qualified(name: &str) -> String {
    match name.split_once('.') {
        Some((schema, table)) => {
            format!("{}.{}", quote_identifier(schema), quote_identifier(table))
        }
        None => quote_identifier(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_cannot_leave_its_literal() {
        assert_eq!(quote_literal("it's \\ fine"), "'it''s \\ fine'");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quote_identifier("a\" b"), "\"a\"\" b\"");
        assert_eq!(
            ["a_1", "1a", "A", "order", ""].map(name),
            ["a_1", "\"1a\"", "\"A\"", "\"order\"", "\"\""]
        );
        assert_eq!(quote_qualified("s.B"), "\"s\".\"B\"");
    }
}
