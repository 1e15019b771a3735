//! Names as the words of a statement hold them.

use std::borrow::Cow;
use std::fmt;

use crate::quote::quote_identifier;

/// The table name at the beginning of a list of [`crate::lexer::words`], with its schema if it has
/// one.
pub fn qualified_name(words: &[String]) -> Option<String> {
    match words {
        [schema, dot, table, ..] if dot == "." => Some(format!("{schema}.{table}")),
        [table, ..] if table != "(" => Some(table.clone()),
        _ => None,
    }
}

/// A name without the default schema: `users` for `public.users`.
pub fn short(name: &str) -> &str {
    name.strip_prefix("public.").unwrap_or(name)
}

/// The name of a table, with schema and table separate: each of them may contain a dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// Nothing if the table is found along the search path.
    pub schema: Option<String>,
    /// The table itself.
    pub table: String,
}

impl TableName {
    /// The name at the beginning of a run of [`crate::lexer::words`]. A database before the schema
    /// is ignored: it can only be the connected one.
    pub fn at_the_beginning(words: &[String]) -> Option<TableName> {
        let (schema, table) = match words {
            [_, dot, schema, dot2, table, ..] if dot == "." && dot2 == "." => (Some(schema), table),
            [schema, dot, table, ..] if dot == "." => (Some(schema), table),
            [table, ..] if table != "(" => (None, table),
            _ => return None,
        };
        Some(TableName { schema: schema.cloned(), table: table.clone() })
    }

    /// A name from a settings file: `table` or `schema.table`. Quotes around a part are read as in
    /// SQL, but a part without quotes keeps its letters. `None` if it is not such a name.
    pub fn configured(text: &str) -> Option<TableName> {
        let (first, rest) = configured_part(text)?;
        let Some(rest) = rest else { return Some(TableName { schema: None, table: first }) };
        match configured_part(rest)? {
            (table, None) => Some(TableName { schema: Some(first), table }),
            // Without quotes, the rest is one name, as it always was.
            _ if !rest.contains('"') => {
                Some(TableName { schema: Some(first), table: rest.to_owned() })
            }
            _ => None,
        }
    }

    /// The name as it is written in SQL.
    pub fn quoted(&self) -> String {
        let schema = self.schema.iter().map(|schema| format!("{}.", quote_identifier(schema)));
        schema.chain([quote_identifier(&self.table)]).collect()
    }
}

/// The first part of a configured name, and what follows its dot.
fn configured_part(text: &str) -> Option<(String, Option<&str>)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (part, rest) = match text.split_once('.') {
            Some((part, rest)) => (part, Some(rest)),
            None => (text, None),
        };
        return (!part.is_empty() && !part.contains('"')).then(|| (part.to_owned(), rest));
    };
    let (mut part, mut rest) = (String::new(), quoted);
    loop {
        let end = rest.find('"')?;
        part.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        // Two quotes stand for one.
        match rest.strip_prefix('"') {
            Some(more) => rest = more,
            None => break,
        }
        part.push('"');
    }
    let rest = if rest.is_empty() { None } else { Some(rest.strip_prefix('.')?) };
    (!part.is_empty()).then_some((part, rest))
}

/// The name for people: only a part that contains a dot is quoted.
impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_dotted(schema))?;
        }
        f.write_str(&quote_dotted(&self.table))
    }
}

/// One part of a name, quoted if it contains a dot, which would look like a separator.
pub fn quote_dotted(part: &str) -> Cow<'_, str> {
    if part.contains('.') { quote_identifier(part).into() } else { part.into() }
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

    #[test]
    fn a_configured_name_is_read_as_sql_reads_it() {
        let name = |text| TableName::configured(text).map(|name| (name.schema, name.table));
        let of = |schema: &str, table: &str| Some((Some(schema.to_owned()), table.to_owned()));
        assert_eq!(name("history"), Some((None, "history".to_owned())));
        assert_eq!(name("s.history"), of("s", "history"));
        assert_eq!(name("\"public\"._h"), of("public", "_h"));
        assert_eq!(name("s.\"a.b \"\"c\"\"\""), of("s", "a.b \"c\""));
        assert_eq!(name("\"Applied\""), Some((None, "Applied".to_owned())));
        assert_eq!(name("Applied"), Some((None, "Applied".to_owned())));
        for text in ["", "\"", "\"a", "a\"b", "\"\"", "\"a\"b", "\"a\".", "a.\"b\".c", ".a", "s."] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn a_dot_inside_a_name_does_not_separate_parts() {
        let name = |text| TableName::at_the_beginning(&words(text)).unwrap();
        assert_eq!(name("\"t.z\", b").quoted(), "\"t.z\"");
        assert_eq!(name("a.\"b.c\" cascade").quoted(), "\"a\".\"b.c\"");
        assert_eq!(name("here.a.b").quoted(), "\"a\".\"b\"");
        assert_eq!(name("\"t.z\"").to_string(), "\"t.z\"");
        assert_eq!(name("S.\"B c\"").to_string(), "s.B c");
        assert_eq!(TableName::at_the_beginning(&words("(SELECT 1)")), None);
    }
}
