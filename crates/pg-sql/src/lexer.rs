//! The lexical structure of PostgreSQL's SQL: just enough to tell code from strings, comments and
//! dollar quotes (PostgreSQL manual, section 4.1, and psql's `psqlscan.l`).
//!
//! [`token`] works on bytes and accepts the beginning of a longer text: if the end of a token is
//! not visible yet, it returns that, so that a dump of any size can be read in pieces.

/// What a run of bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// White space.
    Space,
    /// `-- …` or `/* … */`, nested or not.
    Comment,
    /// A keyword, an unquoted identifier or a number.
    Word,
    /// `"…"`.
    QuotedName,
    /// `'…'`, `E'…'` and its cousins, or `$tag$…$tag$`.
    Text,
    /// `;`.
    Semicolon,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `\` outside of everything: a command of psql's.
    Backslash,
    /// An operator, a comma, a dot …
    Other,
}

/// The token at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lexed {
    /// A token and its length in bytes.
    Token(Token, usize),
    /// The token continues after the available bytes; the name is for the error if it never ends.
    Unfinished(&'static str),
}

/// The token at the beginning of `input`, which must not be empty. `complete` says that nothing
/// follows `input`.
pub fn token(input: &[u8], complete: bool) -> Lexed {
    let second = input.get(1).copied();
    match input[0] {
        b';' => Lexed::Token(Token::Semicolon, 1),
        b'(' => Lexed::Token(Token::Open, 1),
        b')' => Lexed::Token(Token::Close, 1),
        b'\\' => Lexed::Token(Token::Backslash, 1),
        b'\'' => quoted(input, 0, b'\'', false),
        b'"' => quoted(input, 0, b'"', false),
        b'-' | b'/' if second.is_none() && !complete => Lexed::Unfinished("comment"),
        b'-' if second == Some(b'-') => line_comment(input, complete),
        b'/' if second == Some(b'*') => block_comment(input),
        b'$' => dollar(input, complete),
        byte if byte.is_ascii_whitespace() || byte == 0x0b => {
            run(input, complete, Token::Space, |byte| byte.is_ascii_whitespace() || byte == 0x0b)
        }
        byte if is_word(byte) => word(input, complete),
        _ => Lexed::Token(Token::Other, 1),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn run(input: &[u8], complete: bool, token: Token, belongs: impl Fn(u8) -> bool) -> Lexed {
    match input.iter().position(|&byte| !belongs(byte)) {
        Some(length) => Lexed::Token(token, length),
        None if complete => Lexed::Token(token, input.len()),
        None => Lexed::Unfinished("word"),
    }
}

/// An identifier, which may hold `$` after its first byte; or the prefix of a string constant:
/// only `E` changes how the string is read, because in it a backslash escapes.
fn word(input: &[u8], complete: bool) -> Lexed {
    let end = run(input, complete, Token::Word, |byte| is_word(byte) || byte == b'$');
    match end {
        Lexed::Token(_, 1)
            if input[0].eq_ignore_ascii_case(&b'e') && input.get(1) == Some(&b'\'') =>
        {
            quoted(input, 1, b'\'', true)
        }
        other => other,
    }
}

/// From the opening quote at `start` to the closing one; a doubled quote is an escaped quote.
fn quoted(input: &[u8], start: usize, quote: u8, escapes: bool) -> Lexed {
    let (token, name) =
        if quote == b'"' { (Token::QuotedName, "quoted name") } else { (Token::Text, "string") };
    let mut at = start + 1;
    while let Some(&byte) = input.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            _ if byte != quote => at += 1,
            _ if input.get(at + 1) == Some(&quote) => at += 2,
            _ => return Lexed::Token(token, at + 1),
        }
    }
    Lexed::Unfinished(name)
}

fn line_comment(input: &[u8], complete: bool) -> Lexed {
    // PostgreSQL ends it at either, so a lone CR in a comment brings what follows to life.
    match memchr::memchr2(b'\n', b'\r', input) {
        Some(length) => Lexed::Token(Token::Comment, length),
        None if complete => Lexed::Token(Token::Comment, input.len()),
        None => Lexed::Unfinished("comment"),
    }
}

fn block_comment(input: &[u8]) -> Lexed {
    let (mut depth, mut at) = (1, 2);
    while at + 1 < input.len() {
        match (input[at], input[at + 1]) {
            (b'/', b'*') => (depth, at) = (depth + 1, at + 2),
            (b'*', b'/') if depth == 1 => return Lexed::Token(Token::Comment, at + 2),
            (b'*', b'/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    Lexed::Unfinished("comment")
}

/// `$tag$ … $tag$`; anything else that begins with `$` is a parameter or an operator.
fn dollar(input: &[u8], complete: bool) -> Lexed {
    let tag = input[1..].iter().position(|&byte| !is_word(byte));
    let length = match tag {
        Some(length) if input[length + 1] == b'$' && !input[1].is_ascii_digit() => length + 2,
        None if !complete => return Lexed::Unfinished("dollar quote"),
        _ => return Lexed::Token(Token::Other, 1),
    };
    let (delimiter, body) = input.split_at(length);
    match find(body, delimiter) {
        Some(end) => Lexed::Token(Token::Text, length + end + length),
        None => Lexed::Unfinished("dollar quote"),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Whether a text contains these ASCII letters in any case, also inside other words: fast enough to
/// ask it of megabytes before they are parsed.
pub fn mentions(text: &[u8], letters: &str) -> bool {
    let Some(first) = letters.bytes().next() else { return true };
    let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    let is_here = |at: usize| {
        let found = text.get(at..at + letters.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(letters.as_bytes()))
    };
    memchr::memchr2_iter(small, capital, text).any(is_here)
}

/// Whether a text may contain a name of more than 63 bytes, which PostgreSQL cuts off: it has that
/// many letters, digits or bytes in quotes in a row.
pub fn may_have_long_name(text: &[u8]) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..);
    let is_long = |part: &[u8]| part.len() > 63;
    text.split(|&byte| !is_part(byte)).any(is_long)
        || memchr::memchr(b'"', text).is_some() && text.split(|&byte| byte == b'"').any(is_long)
}

/// The words, names and signs of one statement, without white space, comments and the contents of
/// strings: unquoted words in lower case, quoted names without quotes.
pub fn words(statement: &str) -> Vec<String> {
    first_words(statement, usize::MAX)
}

/// The first of these, up to a limit: a file may contain 100,000 statements, and most checks only
/// need the beginning.
pub fn first_words(statement: &str, most: usize) -> Vec<String> {
    let bytes = statement.as_bytes();
    let (mut words, mut at) = (Vec::new(), 0);
    while at < bytes.len() && words.len() < most {
        let Lexed::Token(token, length) = token(&bytes[at..], true) else { break };
        let text = &statement[at..at + length];
        match token {
            Token::Space | Token::Comment => {}
            Token::Word => words.push(text.to_lowercase()),
            Token::QuotedName => words.push(text[1..length - 1].replace("\"\"", "\"")),
            Token::Text => words.push("''".to_owned()),
            _ => words.push(text.to_owned()),
        }
        at += length;
    }
    words
}

/// A statement as a report shows it: on one line, without comments, with `'…'` for each string,
/// which may hold a secret, and cut after `most` characters.
pub fn headline(statement: &str, most: usize) -> String {
    let bytes = statement.as_bytes();
    let (mut line, mut at) = (String::new(), 0);
    while at < bytes.len() && line.len() <= most * 4 {
        let Lexed::Token(token, length) = token(&bytes[at..], true) else { break };
        match token {
            Token::Space | Token::Comment if line.ends_with(' ') => {}
            Token::Space | Token::Comment => line.push(' '),
            Token::Text => line.push_str("'…'"),
            _ => line.push_str(&statement[at..at + length]),
        }
        at += length;
    }
    let line = line.trim();
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Token, &str)> {
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let Lexed::Token(token, length) = token(&text.as_bytes()[at..], true) else {
                panic!("unfinished at {at} in {text}")
            };
            tokens.push((token, &text[at..at + length]));
            at += length;
        }
        tokens.retain(|(token, _)| *token != Token::Space);
        tokens
    }

    #[test]
    fn strings_hide_what_they_hold() {
        assert_eq!(all("'a;''b'"), [(Token::Text, "'a;''b'")]);
        assert_eq!(all(r"E'a\';' x"), [(Token::Text, r"E'a\';'"), (Token::Word, "x")]);
        assert_eq!(all(r"'a\' x"), [(Token::Text, r"'a\'"), (Token::Word, "x")]);
        assert_eq!(all("$$;$a$;$$"), [(Token::Text, "$$;$a$;$$")]);
        assert_eq!(all("$f$ $$ ' $f$"), [(Token::Text, "$f$ $$ ' $f$")]);
        assert_eq!(all("\"a;\"\"b\""), [(Token::QuotedName, "\"a;\"\"b\"")]);
    }

    #[test]
    fn a_dollar_inside_a_word_or_before_a_digit_opens_nothing() {
        assert_eq!(all("a$b$c"), [(Token::Word, "a$b$c")]);
        assert_eq!(all("$1")[0], (Token::Other, "$"));
        assert_eq!(all("type$$x")[0], (Token::Word, "type$$x"));
    }

    #[test]
    fn comments_nest() {
        assert_eq!(all("/* a /* ; */ ' */ x").len(), 2);
        assert_eq!(all("-- ; '\nx").len(), 2);
        assert_eq!(all("-- a\rx").len(), 2, "a lone CR ends a comment too");
    }

    #[test]
    fn an_end_that_cannot_be_seen_is_unfinished() {
        for text in ["'a", "$a$ x", "/* a", "-", "wor", "$ta"] {
            assert!(matches!(token(text.as_bytes(), false), Lexed::Unfinished(_)), "{text}");
        }
    }

    #[test]
    fn letters_and_long_names_are_found_before_parsing() {
        assert!(mentions(b"Alter TABLE a", "alter") && mentions(b"a DROP", "drop"));
        assert!(!mentions(b"alte r, alt", "alter") && !mentions(b"", "drop"));
        let (short, long) = ("n".repeat(63), "n".repeat(64));
        let has = |text: &str| may_have_long_name(text.as_bytes());
        assert!(!has(&format!("CREATE TABLE {short} (id int);")));
        assert!(has(&format!("CREATE TABLE {long} (id int);")));
        let quoted = format!("CREATE TABLE \"{}\" (id int);", "a b ".repeat(17));
        assert!(has(&quoted) && !has(&quoted.replace('"', "'")));
    }

    #[test]
    fn words_are_tokens_of_a_statement() {
        assert_eq!(
            words("Drop TABLE \"My T\" /* x */, b;"),
            ["drop", "table", "My T", ",", "b", ";"]
        );
    }

    #[test]
    fn a_headline_has_no_strings_and_no_comments() {
        let statement = "CREATE SERVER s -- theirs\n  OPTIONS (password 'it''s', x $a$y\nz$a$)";
        assert_eq!(headline(statement, 99), "CREATE SERVER s OPTIONS (password '…', x '…')");
        assert_eq!(headline(statement, 9), "CREATE SE…");
        assert_eq!(headline("SELECT 'ü' /* end", 99), "SELECT '…'");
    }
}
