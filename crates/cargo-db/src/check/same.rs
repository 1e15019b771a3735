//! Whether two versions of a file say the same.

use pg_sql::lexer::{Lexed, Token, token};

/// Whether two texts are the same but for comments and white space that say nothing. Where that is
/// not certain, they are not.
pub(crate) fn has_same_content(one: &str, other: &str) -> bool {
    // The rows of a COPY are not SQL.
    let has_rows = |text: &str| text.to_ascii_lowercase().contains("stdin");
    one == other || (!has_rows(one) && !has_rows(other) && meaningful(one) == meaningful(other))
}

/// The lines of a program without those that speak to cargo db.
pub(super) fn without_ours(program: &str) -> Vec<&str> {
    let is_ours = |line: &&str| {
        let line = line.trim_start();
        let comment = ["#", "//", "--"].iter().find_map(|mark| line.strip_prefix(mark));
        comment.is_some_and(|comment| comment.trim_start().starts_with("cargo-db:"))
    };
    program.lines().filter(|line| !is_ours(line)).collect()
}

/// The tokens of a script, strings included, without space and comments, but for those that make a
/// difference.
fn meaningful(text: &str) -> Vec<&str> {
    let is_operator = |text: &&str| text.len() == 1 && "+-*/<>=~!@#%^&|`?:.".contains(*text);
    let (mut tokens, mut at) = (Vec::new(), 0);
    let (mut last, mut gap) = (None, "");
    while at < text.len() {
        // What does not end is taken as it is.
        let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else {
            tokens.push(&text[at..]);
            break;
        };
        let word = &text[at..at + length];
        at += length;
        match kind {
            Token::Comment if is_directive(word) => tokens.push(word.trim_end()),
            Token::Space | Token::Comment => {
                gap = if gap == "\n" || word.contains('\n') { "\n" } else { " " };
                continue;
            }
            // Two strings separated by a line break are one; two adjacent operators are a different
            // one.
            Token::Text if last == Some(Token::Text) && !gap.is_empty() => {
                tokens.extend([gap, word]);
            }
            _ if !gap.is_empty()
                && is_operator(&word)
                && tokens.last().is_some_and(is_operator) =>
            {
                tokens.extend([" ", word]);
            }
            _ => tokens.push(word),
        }
        (last, gap) = (Some(kind), "");
    }
    tokens
}

/// Whether a comment is a directive for a tool.
fn is_directive(comment: &str) -> bool {
    const MARKS: [&str; 8] = [
        "transaction",
        "migrate:",
        "goose",
        "--!",
        "up migration",
        "down migration",
        "breakpoint",
        "changeset",
    ];
    let comment = comment.to_ascii_lowercase();
    MARKS.iter().any(|mark| comment.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_program_only_lines_for_us_may_differ() {
        let program = "def up():\n    run('x')\n";
        for ours in ["# cargo-db: expect loss a <= 1\n", "  //cargo-db: allow x y\n"] {
            assert_eq!(without_ours(&format!("{ours}{program}")), without_ours(program));
        }
        for other in ["# a comment\n", "run('cargo-db: x')\n"] {
            assert_ne!(without_ours(&format!("{other}{program}")), without_ours(program));
        }
    }

    #[test]
    fn only_comments_and_white_space_may_differ() {
        for (one, other) in [
            ("CREATE TABLE a (x int);", "-- new\nCREATE TABLE a\n  (x int) ;\n"),
            ("SELECT a+b", "SELECT a + b"),
            ("SELECT 'x' /* y */", "SELECT 'x'"),
        ] {
            assert!(has_same_content(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("SELECT 'foo'\n'bar'", "SELECT 'foo' 'bar'"),
            ("SELECT a >= b", "SELECT a > = b"),
            ("SELECT 1; it's", "SELECT 1; it's other"),
            ("COPY a FROM stdin;\na  b\n\\.\n", "COPY a FROM stdin;\na b\n\\.\n"),
            ("SELECT 1", "-- no-transaction\nSELECT 1"),
            (
                "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;",
                "-- migrate:up\n-- migrate:down\nSELECT 1;\nSELECT 2;",
            ),
            ("SELECT 'a b'", "SELECT 'a  b'"),
        ] {
            assert!(!has_same_content(one, other), "{one} {other}");
        }
    }
}
