//! Values and names as SQL text.

/// Text as an SQL literal. A backslash is plain text only where `standard_conforming_strings` is
/// on, as it is in every session of cargo db.
pub fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier, always quoted.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
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
        assert_eq!(quote_qualified("s.B"), "\"s\".\"B\"");
    }
}
