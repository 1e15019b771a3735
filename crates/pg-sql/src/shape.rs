//! Shapes of statements: a pattern of words that matches a whole statement or not.
//!
//! A pattern consists of words separated by spaces: `a|b` is either of two, `[ … ]` is optional,
//! `...` matches anything, and words in capitals match a name or a value.

use crate::lexer::Token;

/// A token of a statement that is neither space nor a comment.
pub(crate) type Piece<'a> = (Token, &'a str);

/// One element of a pattern.
#[derive(Debug)]
enum Element {
    /// One of these words or signs, or a string with these very letters.
    OneOf(Vec<&'static str>),
    /// `NAME`: a name, optionally qualified.
    Name,
    /// `TEXT`: a string between single quotes.
    Text,
    /// `VALUE`: a constant.
    Value,
    /// `ARGUMENTS`: constants in parentheses, each optionally named.
    Arguments,
    /// `ROWS`: constants in parentheses, any number of times with commas between.
    Rows,
    /// `COLUMNS`: names in parentheses.
    Columns,
    /// `GROUP`: anything in parentheses.
    Group,
    /// `...`: anything.
    Anything,
    Optional(Vec<Element>),
}

/// A pattern of words.
#[derive(Debug)]
pub(crate) struct Shape(Vec<Element>);

impl Shape {
    /// The shape that a pattern describes.
    pub(crate) fn new(pattern: &'static str) -> Shape {
        Shape(elements(&mut pattern.split_whitespace()))
    }

    /// Where it can end in a statement that begins with it.
    pub(crate) fn ends(&self, statement: &[Piece<'_>]) -> Vec<usize> {
        ends_of(&self.0, statement, 0)
    }

    /// Whether the whole statement matches, from its first word to its last.
    pub(crate) fn fits(&self, statement: &[Piece<'_>]) -> bool {
        self.ends(statement).contains(&statement.len())
    }
}

fn elements(words: &mut std::str::SplitWhitespace<'static>) -> Vec<Element> {
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        found.push(match word {
            "]" => break,
            "[" => Element::Optional(elements(words)),
            "NAME" => Element::Name,
            "TEXT" => Element::Text,
            "VALUE" => Element::Value,
            "ARGUMENTS" => Element::Arguments,
            "ROWS" => Element::Rows,
            "COLUMNS" => Element::Columns,
            "GROUP" => Element::Group,
            "..." => Element::Anything,
            words => Element::OneOf(words.split('|').collect()),
        });
    }
    found
}

/// Where a run of elements that begins at `start` can end.
fn ends_of(elements: &[Element], all: &[Piece<'_>], start: usize) -> Vec<usize> {
    let mut ends = vec![start];
    for element in elements {
        ends = ends.into_iter().flat_map(|end| element.ends(all, end)).collect();
        ends.sort_unstable();
        ends.dedup();
    }
    ends
}

impl Element {
    fn ends(&self, all: &[Piece<'_>], start: usize) -> Vec<usize> {
        let rest = &all[start..];
        let length = match self {
            Element::Anything => return (start..=all.len()).collect(),
            Element::Optional(inner) => {
                let mut ends = ends_of(inner, all, start);
                ends.push(start);
                return ends;
            }
            Element::OneOf(words) => {
                rest.first().filter(|piece| is_one_of(piece, words)).map(|_| 1)
            }
            Element::Text => rest.first().filter(|piece| is_text(piece)).map(|_| 1),
            Element::Name => name(rest),
            Element::Value => value(rest),
            Element::Arguments => listed(rest, argument),
            Element::Columns => listed(rest, name),
            Element::Rows => rows(rest),
            Element::Group => group(rest),
        };
        length.map(|length| start + length).into_iter().collect()
    }
}

fn is_one_of(piece: &Piece<'_>, words: &[&str]) -> bool {
    let (kind, text) = *piece;
    let same = |word: &&str| match kind {
        Token::Word => text.eq_ignore_ascii_case(word),
        Token::QuotedName => false,
        _ => text == *word,
    };
    words.iter().any(same)
}

fn is(piece: Option<&Piece<'_>>, sign: &str) -> bool {
    piece.is_some_and(|piece| is_one_of(piece, &[sign]))
}

/// A string between single quotes; one between dollars is a body, and no constant of `pg_dump`'s.
fn is_text(piece: &Piece<'_>) -> bool {
    piece.0 == Token::Text && !piece.1.starts_with('$')
}

fn is_name(piece: &Piece<'_>) -> bool {
    matches!(piece.0, Token::Word | Token::QuotedName)
}

/// The length of a name at the beginning.
fn name(pieces: &[Piece<'_>]) -> Option<usize> {
    pieces.first().filter(|piece| is_name(piece))?;
    let mut length = 1;
    while is(pieces.get(length), ".") && pieces.get(length + 1).is_some_and(is_name) {
        length += 2;
    }
    Some(length)
}

/// The length of a constant with its casts.
fn value(pieces: &[Piece<'_>]) -> Option<usize> {
    let mut length = constant(pieces)?;
    while is(pieces.get(length), ":") && is(pieces.get(length + 1), ":") {
        length += 2 + name(&pieces[length + 2..])?;
        if is(pieces.get(length), "[") && is(pieces.get(length + 1), "]") {
            length += 2;
        }
    }
    Some(length)
}

fn constant(pieces: &[Piece<'_>]) -> Option<usize> {
    let first = pieces.first()?;
    if is_text(first) || is_one_of(first, &["null", "true", "false", "default"]) {
        return Some(1);
    }
    if is_one_of(first, &["b", "x"]) && pieces.get(1).is_some_and(is_text) {
        return Some(2);
    }
    let length = pieces.iter().take_while(|piece| is_of_number(piece)).count();
    let has_digits = pieces[..length].iter().any(|piece| piece.0 == Token::Word);
    has_digits.then_some(length)
}

/// A number is read as the tokens `-`, `1`, `.`, `5e`, `+` and `7`.
fn is_of_number(piece: &Piece<'_>) -> bool {
    match piece.0 {
        Token::Word => piece.1.starts_with(|first: char| first.is_ascii_digit()),
        _ => matches!(piece.1, "-" | "+" | "."),
    }
}

fn argument(pieces: &[Piece<'_>]) -> Option<usize> {
    let named = is(pieces.get(1), "=") && is(pieces.get(2), ">");
    let before = if named { 3 } else { 0 };
    Some(before + value(&pieces[before..])?)
}

/// The length of a list in parentheses.
fn listed(pieces: &[Piece<'_>], one: fn(&[Piece<'_>]) -> Option<usize>) -> Option<usize> {
    let mut length = 0;
    let mut opens = "(";
    while is(pieces.get(length), opens) {
        length += 1;
        length += one(&pieces[length..])?;
        opens = ",";
    }
    (length > 0 && is(pieces.get(length), ")")).then_some(length + 1)
}

fn rows(pieces: &[Piece<'_>]) -> Option<usize> {
    let mut length = listed(pieces, value)?;
    while is(pieces.get(length), ",") {
        length += 1 + listed(&pieces[length + 1..], value)?;
    }
    Some(length)
}

/// The length of a group in parentheses, including these.
fn group(pieces: &[Piece<'_>]) -> Option<usize> {
    pieces.first().filter(|piece| piece.0 == Token::Open)?;
    let mut depth = 0_usize;
    for (at, piece) in pieces.iter().enumerate() {
        match piece.0 {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::Statement;

    fn fits(pattern: &'static str, text: &str) -> bool {
        let statement = Statement { text: text.to_owned(), line: 1, column: 1 };
        Shape::new(pattern).fits(&statement.tokens())
    }

    #[test]
    fn a_shape_is_one_of_the_whole_statement() {
        assert!(fits("drop table [ if exists ] NAME", "DROP TABLE s.\"T\""));
        assert!(fits("drop table [ if exists ] NAME", "drop table if exists a.b.c"));
        assert!(!fits("drop table [ if exists ] NAME", "DROP TABLE s.t CASCADE"));
        assert!(!fits("drop table NAME", "DROP \"table\" t"));
        assert!(fits("comment on ... is null", "COMMENT ON x IS NULL"));
    }

    #[test]
    fn a_value_is_a_constant_and_no_call() {
        for value in ["1", "-1.5e-7", "'a''b'", "NULL", "B'101'", "'{1,2}'::real[]", "+.5", "true"]
        {
            assert!(fits("VALUE", value), "{value}");
        }
        for other in ["f()", "now()", "a", "$$a$$", "'a' || 'b'", "(1)", "ARRAY[1]", "-", ""] {
            assert!(!fits("VALUE", other), "{other}");
        }
    }

    #[test]
    fn rows_are_lists_of_constants() {
        assert!(fits("values ROWS", "VALUES (1, 'a', DEFAULT),\n\t(-2, NULL, 'b')"));
        assert!(!fits("values ROWS", "VALUES (1, pg_read_file('/etc/passwd'))"));
        assert!(!fits("values ROWS", "VALUES (1), (SELECT 2)"));
        assert!(!fits("values ROWS", "VALUES (1,)"));
    }

    #[test]
    fn what_stands_in_parentheses_ends_where_they_close() {
        assert!(fits("t GROUP as ...", "T (a (b) c) AS SELECT 1"));
        assert!(!fits("t GROUP", "T (a) AS SELECT 1"));
        assert!(!fits("t GROUP", "T (a"));
    }
}
