//! What a statement overwrites, judging by its words, and whether a type can hold every value of
//! another. Pure.

use pg_sql::lexer::words;
use pg_sql::quote::quote_identifier;

/// What a statement's words say that it overwrites.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Overwrite {
    Set(Vec<String>),
    /// The column, and the words of its new type.
    Type(String, Vec<String>),
}

/// The table, and what a statement overwrites in it; `None` if its words do not show that.
pub(super) fn wanted(statement: &str) -> Option<(String, Overwrite)> {
    let words = words(statement);
    let is = |index: usize, word: &str| words.get(index).is_some_and(|found| found == word);
    let name_from = |mut at: usize| -> Option<(String, usize)> {
        while ["only", "if", "exists"].iter().any(|word| is(at, word)) {
            at += 1;
        }
        let first = quote_identifier(words.get(at)?);
        if is(at + 1, ".") {
            return Some((format!("{first}.{}", quote_identifier(words.get(at + 2)?)), at + 3));
        }
        Some((first, at + 1))
    };
    if is(0, "update") {
        let (table, at) = name_from(1)?;
        let set = (at..words.len()).find(|&index| is(index, "set"))?;
        let (mut columns, mut depth) = (Vec::new(), 0);
        for index in set + 1..words.len() {
            match words[index].as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                "where" | "from" | "returning" if depth == 0 => break,
                "=" if depth == 0 && (is(index - 2, ",") || index - 2 == set) => {
                    columns.push(words[index - 1].clone());
                }
                _ => {}
            }
        }
        // For `(a, b) = …`, every column is compared.
        let several = words[set + 1..].windows(2).any(|pair| pair[0] == ")" && pair[1] == "=");
        return (!several && !columns.is_empty()).then_some((table, Overwrite::Set(columns)));
    }
    if is(0, "alter") && is(1, "table") {
        let (table, at) = name_from(2)?;
        let kind = (at..words.len()).find(|&index| is(index, "type") && index > at)?;
        let column = if is(kind - 1, "data") { kind - 3 } else { kind - 1 };
        return Some((table, Overwrite::Type(words[column].clone(), words[kind + 1..].to_vec())));
    }
    None
}

/// The same of a type as it is written; a USING may do anything.
pub(super) fn is_wider(was: &str, to: &[String]) -> bool {
    if to.iter().any(|word| word == "using" || word == "[") {
        return false;
    }
    let end = to.iter().position(|word| word == ")").map_or(1, |end| end + 1);
    let to = to[..end.min(to.len())].concat();
    let long = [
        ("int8", "bigint"),
        ("int4", "integer"),
        ("int", "integer"),
        ("varchar", "character varying"),
        ("decimal", "numeric"),
    ];
    let named = long.iter().find_map(|(short, long)| {
        let rest = to.strip_prefix(short)?;
        (rest.is_empty() || rest.starts_with('(')).then(|| format!("{long}{rest}"))
    });
    widens(was, &named.unwrap_or(to))
}

/// Whether one type can hold every value of another, by the server's names of both.
pub(super) fn widens(was: &str, now: &str) -> bool {
    let parts = |name: &str| -> (String, Vec<u32>) {
        let (base, rest) = name.split_once('(').unwrap_or((name, ""));
        let numbers = rest
            .split(')')
            .next()
            .unwrap_or("")
            .split(',')
            .filter_map(|number| number.trim().parse().ok());
        (base.trim().to_owned(), numbers.collect())
    };
    let ((base, before), (other, after)) = (parts(was), parts(now));
    match (base.as_str(), other.as_str()) {
        ("smallint", "integer" | "bigint" | "text")
        | ("integer", "bigint" | "text")
        | ("bigint" | "character varying", "text") => true,
        ("smallint" | "integer" | "bigint", "numeric") => after.is_empty(),
        ("character varying", "character varying") => {
            after.is_empty() || !before.is_empty() && before[0] <= after[0]
        }
        ("numeric", "numeric") => {
            after.is_empty()
                || before.len() == 2
                    && after.len() == 2
                    && before[1] == after[1]
                    && before[0] <= after[0]
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(table: &str, columns: &[&str]) -> Option<(String, Overwrite)> {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Some((table.to_owned(), Overwrite::Set(columns)))
    }

    fn type_change(table: &str, column: &str, to: &[&str]) -> Option<(String, Overwrite)> {
        let to = to.iter().map(|word| (*word).to_owned()).collect();
        Some((table.to_owned(), Overwrite::Type(column.to_owned(), to)))
    }

    #[test]
    fn an_update_names_the_columns_that_it_sets() {
        assert_eq!(wanted("UPDATE a SET x = 1"), set("\"a\"", &["x"]));
        assert_eq!(
            wanted("UPDATE ONLY s.\"A b\" AS t SET x = y + 1, z = f(1, x = 2) WHERE q = 3"),
            set("\"s\".\"A b\"", &["x", "z"])
        );
        assert_eq!(wanted("UPDATE a SET x = b.x FROM b WHERE b.y = a.y"), set("\"a\"", &["x"]));
    }

    #[test]
    fn several_columns_at_once_are_not_resolved_here() {
        assert_eq!(wanted("UPDATE a SET (x, y) = (1, 2)"), None);
        assert_eq!(wanted("UPDATE a SET z = 3, (x, y) = (SELECT 1, 2)"), None);
    }

    #[test]
    fn a_change_of_type_names_its_column_and_the_new_type() {
        let to = ["numeric", "(", "10", ",", "2", ")"];
        assert_eq!(
            wanted("ALTER TABLE IF EXISTS a ALTER COLUMN x SET DATA TYPE numeric(10, 2)"),
            type_change("\"a\"", "x", &to)
        );
        assert_eq!(
            wanted("ALTER TABLE s.a ALTER x TYPE text"),
            type_change("\"s\".\"a\"", "x", &["text"])
        );
    }

    #[test]
    fn what_overwrites_nothing_is_not_wanted() {
        for statement in [
            "INSERT INTO a VALUES (1)",
            "DELETE FROM a",
            "ALTER TABLE a ADD x int",
            "UPDATE",
            "ALTER TABLE",
            "",
        ] {
            assert_eq!(wanted(statement), None, "{statement}");
        }
    }

    #[test]
    fn a_type_widens_where_every_value_fits() {
        for (was, now) in [
            ("smallint", "integer"),
            ("integer", "bigint"),
            ("bigint", "text"),
            ("integer", "numeric"),
            ("character varying(10)", "character varying(20)"),
            ("character varying(10)", "character varying"),
            ("character varying(10)", "text"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric"),
        ] {
            assert!(widens(was, now), "{was} {now}");
        }
        for (was, now) in [
            ("bigint", "integer"),
            ("integer", "numeric(4,0)"),
            ("character varying", "character varying(20)"),
            ("character varying(20)", "character varying(10)"),
            ("text", "character varying"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric", "numeric(10,2)"),
            ("numeric(10)", "numeric(12)"),
            ("timestamp with time zone", "date"),
        ] {
            assert!(!widens(was, now), "{was} {now}");
        }
    }

    #[test]
    fn a_type_as_it_is_written_may_be_short_for_another() {
        let wider = |was: &str, to: &str| is_wider(was, &words(to));
        assert!(wider("integer", "int8"));
        assert!(wider("smallint", "int"));
        assert!(wider("character varying(10)", "varchar(20)"));
        assert!(wider("numeric(10,2)", "decimal(12, 2)"));
        assert!(wider("integer", "bigint, ADD y int"));
        assert!(!wider("bigint", "int4"));
        assert!(!wider("character varying(10)", "varchar(5)"));
        assert!(!wider("integer", "interval"));
    }

    #[test]
    fn a_using_clause_or_an_array_may_lose_values() {
        assert!(!is_wider("integer", &words("bigint USING x * 2")));
        assert!(!is_wider("integer", &words("bigint[]")));
    }
}
