//! Names that a dump never contains: names that the server reads differently from how they are
//! written, and names of objects that would shadow the server's own.

use crate::lexer::Token;
use crate::path::is_catalog;
use crate::shape::Piece;

/// How many bytes of a name the server keeps (`NAMEDATALEN`, less one).
const LONGEST_NAME: usize = 63;

/// Kinds of objects that are found by name alone, so that one in `pg_catalog` would be used instead
/// of the server's own.
const FOUND_BY_NAME: &[&str] = &[
    "aggregate",
    "collation",
    "domain",
    "function",
    "operator",
    "procedure",
    "sequence",
    "table",
    "type",
    "view",
];

/// Words that may precede them.
const BEFORE: &[&str] = &["foreign", "materialized", "or", "recursive", "replace", "unlogged"];

/// Whether the server reads this name differently: it has Unicode escapes, which `pg_dump` never
/// writes, or is so long that the server truncates it.
pub(crate) fn hides_a_name(pieces: &[Piece<'_>]) -> bool {
    let is_long = |piece: &Piece<'_>| match piece {
        // A number may be as long as it likes.
        (Token::Word, name) => {
            name.len() > LONGEST_NAME && !name.starts_with(|first: char| first.is_ascii_digit())
        }
        (Token::QuotedName, name) => name.replace("\"\"", "\"").len() > LONGEST_NAME + 2,
        _ => false,
    };
    pieces.iter().any(is_long) || pieces.windows(3).any(is_unicode)
}

/// Whether `U&"…"` or `U&'…'` begins here, which has no space in it.
fn is_unicode(three: &[Piece<'_>]) -> bool {
    let [(Token::Word, u), (Token::Other, and), (Token::QuotedName | Token::Text, text)] = three
    else {
        return false;
    };
    let follows = |one: &str, next: &str| one.as_ptr().wrapping_add(one.len()) == next.as_ptr();
    u.eq_ignore_ascii_case("u") && *and == "&" && follows(u, and) && follows(and, text)
}

/// The name of the object that a statement creates, if such objects are found by name alone.
fn created<'a, 'b>(pieces: &'a [Piece<'b>]) -> Option<&'a [Piece<'b>]> {
    let is = |piece: &Piece<'_>, words: &[&str]| {
        words.iter().any(|word| piece.1.eq_ignore_ascii_case(word))
    };
    let [create, rest @ ..] = pieces else { return None };
    let at = rest.iter().position(|piece| !is(piece, BEFORE))?;
    let is_meant = is(create, &["create"]) && is(&rest[at], FOUND_BY_NAME);
    let rest = rest.get(at + 1..).filter(|_| is_meant)?;
    let is_family = rest.first().is_some_and(|piece| is(piece, &["class", "family"]));
    Some(if is_family { &rest[1..] } else { rest })
}

/// Whether a statement makes something among the server's own.
pub(crate) fn is_made_in_catalog(pieces: &[Piece<'_>]) -> bool {
    matches!(created(pieces), Some([schema, dot, ..]) if is_catalog(schema.1) && dot.1 == ".")
}

/// Whether it makes something in whichever schema comes first in the search path.
pub(crate) fn is_made_along_the_path(pieces: &[Piece<'_>]) -> bool {
    created(pieces).is_some_and(|name| name.get(1).is_none_or(|dot| dot.1 != "."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Statement;

    fn with_pieces<T>(text: &str, at: impl Fn(&[Piece<'_>]) -> T) -> T {
        at(&Statement { text: text.to_owned(), line: 1, column: 1 }.tokens())
    }

    #[test]
    fn names_that_are_read_as_others_are_found() {
        let (fits, long) = ("x".repeat(63), "x".repeat(64));
        for (text, hides) in [
            ("SELECT public.U&\"v\\006fl\"()", true),
            ("COMMENT ON TABLE t IS u&'x'", true),
            ("CREATE VIEW v AS SELECT (t.u & '1'::bit) FROM t", false),
            (&format!("CREATE VIEW {fits} AS SELECT \"{fits}\""), false),
            (&format!("CREATE VIEW {long} AS SELECT 1"), true),
            (&format!("CREATE VIEW v AS SELECT \"{long}\""), true),
            (&format!("COMMENT ON TABLE t IS '{long}'"), false),
        ] {
            assert_eq!(with_pieces(text, hides_a_name), hides, "{text}");
        }
    }

    #[test]
    fn what_is_made_among_the_servers_own_is_found() {
        for (text, is_made) in [
            ("CREATE FUNCTION pg_catalog.f() RETURNS int LANGUAGE sql AS 'x'", true),
            ("CREATE MATERIALIZED VIEW \"pg_catalog\".v AS SELECT 1 WITH NO DATA", true),
            ("CREATE OPERATOR CLASS pg_catalog.c FOR TYPE int USING btree AS STORAGE int", true),
            ("CREATE FUNCTION public.f(a pg_catalog.int4) RETURNS int LANGUAGE sql AS ''", false),
            ("CREATE EXTENSION plpgsql WITH SCHEMA pg_catalog", false),
        ] {
            assert_eq!(with_pieces(text, is_made_in_catalog), is_made, "{text}");
        }
        assert!(with_pieces("CREATE FUNCTION f() RETURNS int", is_made_along_the_path));
        assert!(!with_pieces("CREATE FUNCTION public.f() RETURNS int", is_made_along_the_path));
        assert!(!with_pieces("CREATE CAST (a AS b) WITH INOUT", is_made_along_the_path));
    }
}
