//! Names as the words of a statement hold them.

/// The table name that begins a run of [`crate::lexer::words`], with its schema where it has one.
pub fn qualified_name(words: &[String]) -> Option<String> {
    match words {
        [schema, dot, table, ..] if dot == "." => Some(format!("{schema}.{table}")),
        [table, ..] if table != "(" => Some(table.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::words;

    #[test]
    fn a_name_may_have_a_schema() {
        assert_eq!(qualified_name(&words("s.\"B\" (a)")).as_deref(), Some("s.B"));
        assert_eq!(qualified_name(&words("b, c")).as_deref(), Some("b"));
        assert_eq!(qualified_name(&words("(SELECT 1)")), None);
    }
}
