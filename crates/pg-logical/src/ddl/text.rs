//! Pieces of SQL that several kinds have.

use pg_sql::quote::{name as quoted, quote_literal};

/// Storage parameters, as `WITH` takes them: `fillfactor='70'`.
pub(crate) fn parameters(options: &[String], prefix: &str) -> Vec<String> {
    let parameter = |option: &String| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = if quoted(value) == value { value.to_owned() } else { quote_literal(value) };
        format!("{prefix}{}={value}", quoted(name))
    };
    options.iter().map(parameter).collect()
}

/// `\nWITH (…)`, or nothing.
pub(super) fn with(parameters: &[String], before: &str) -> String {
    if parameters.is_empty() {
        String::new()
    } else {
        format!("{before}WITH ({})", parameters.join(", "))
    }
}

/// `OPTIONS (…)` of foreign objects, or nothing.
pub(super) fn foreign(options: &[String], before: &str) -> String {
    let option = |option: &String| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        format!("    {} {}", quoted(name), quote_literal(value))
    };
    if options.is_empty() {
        String::new()
    } else {
        let options: Vec<String> = options.iter().map(option).collect();
        format!("{before}OPTIONS (\n{}\n)", options.join(",\n"))
    }
}

/// `schema.name`.
pub(super) fn qualified((schema, name): &(String, String)) -> String {
    format!("{}.{}", quoted(schema), quoted(name))
}

/// A list of options in parentheses, one a line.
pub(super) fn block(options: &[String]) -> String {
    let lines: Vec<String> = options.iter().map(|option| format!("    {option}")).collect();
    format!("(\n{}\n)", lines.join(",\n"))
}

/// Text between dollar signs that do not occur in it.
pub fn dollars(text: &str) -> String {
    let mut tag = "$".to_owned();
    let mut number = 0;
    while text.contains(&tag) {
        tag = if number == 0 { "$_".to_owned() } else { format!("$_{number}") };
        number += 1;
    }
    format!("{tag}${text}{tag}$")
}

pub(crate) fn comment_on(target: &str, comment: &str) -> String {
    format!("COMMENT ON {target} IS {}", quote_literal(comment))
}

/// The statement without a semicolon at its end.
pub(super) fn without_semicolon(text: &str) -> &str {
    text.trim_end().trim_end_matches(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_cannot_end_its_quotes() {
        assert_eq!(dollars("SELECT 1"), "$$SELECT 1$$");
        assert_eq!(dollars("a $1"), "$_$a $1$_$");
        assert_eq!(dollars("a $_ $"), "$_1$a $_ $$_1$");
    }

    #[test]
    fn a_parameter_is_quoted_where_it_must_be() {
        let given = ["fillfactor=70".to_owned(), "security_barrier=on_".to_owned()];
        assert_eq!(
            parameters(&given, "toast."),
            ["toast.fillfactor='70'", "toast.security_barrier=on_"]
        );
    }
}
