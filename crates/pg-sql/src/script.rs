//! A file of SQL as a sequence of statements, read in pieces: what psql's scanner does, without
//! psql, and without any of its backslash commands.

use std::io::{self, Read};

use crate::bytes::in_ascii;
use crate::lexer::{Lexed, Token, token};

pub use crate::statement::Statement;

/// Why a file is not a sequence of statements.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// A string, a comment or a quoted name is not closed before the end of the file.
    #[error("a {what} that begins on line {line} never ends")]
    Unfinished {
        /// What it is.
        what: &'static str,
        /// Where it begins, from 1.
        line: usize,
    },
    /// A backslash command.
    #[error("line {line} contains the psql command `{command}`, but cargo db runs only SQL")]
    PsqlCommand {
        /// Its name.
        command: String,
        /// The line, from 1.
        line: usize,
    },
    /// Bytes that are not valid UTF-8.
    #[error("line {line} is not UTF-8")]
    NotUtf8 {
        /// The line, from 1.
        line: usize,
    },
    /// A NUL byte, which text in PostgreSQL cannot contain.
    #[error("line {line} contains a NUL byte, which PostgreSQL does not accept")]
    Nul {
        /// Its line, from 1.
        line: usize,
    },
    /// A dump without the comment that closes it.
    #[error("the file is incomplete: the closing comment of pg_dump is missing")]
    NoTrailer,
    /// A COPY whose data ends without `\.`.
    #[error("the data of the COPY on line {line} does not end with `\\.`")]
    CopyWithoutEnd {
        /// The line of the COPY, from 1.
        line: usize,
    },
    /// A statement or a comment longer than any reasonable one.
    #[error(
        "the statement that begins on line {line} is longer than {} MB",
        LONGEST_STATEMENT >> 20
    )]
    TooLong {
        /// Where it begins, from 1.
        line: usize,
    },
    /// A row that PostgreSQL could not have had.
    #[error("line {line} is longer than {} MB", LONGEST_ROW >> 20)]
    RowTooLong {
        /// Which it is, from 1.
        line: usize,
    },
    /// The input could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// How many bytes of comments between two statements are kept. The comment that exceeds this is
/// kept whole.
pub(crate) const LONGEST_COMMENTS: usize = 10_000;

/// How many bytes a statement, or a comment before it, may have: all of them are in memory.
const LONGEST_STATEMENT: usize = 256 << 20;

/// How many bytes a row of a COPY may have: no value of PostgreSQL's has more.
const LONGEST_ROW: usize = 1 << 30;

/// The size of the pieces in which a long row is passed on.
const PIECE: usize = 64 << 10;

/// Reads statements one after the other. Memory is bounded by the longest statement.
pub struct ScriptReader<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    /// Where the unread part of `buffer` begins.
    start: usize,
    /// The line and column at `start`, from 1.
    line: usize,
    column: usize,
    ended: bool,
    /// Whether it is a dump, which may contain psql's `\restrict` and `\unrestrict`.
    of_dump: bool,
    /// Whether the dump declares the encoding `SQL_ASCII`, so that its strings may contain any
    /// bytes.
    of_bytes: bool,
    /// The database that the dump creates: `\connect` to it stays in the same database.
    own_database: Option<String>,
    /// The last comments between statements.
    last_comments: String,
}

/// How far scanning has come within one statement.
#[derive(Default)]
struct Scan {
    at: usize,
    parentheses: usize,
    body: AtomicBody,
}

/// Whether the argument of a `\connect` is this database: its bare name, or as `pg_dump` writes one
/// that is not plain, `-reuse-previous=on "dbname='odd name'"`.
fn connects_to(argument: &str, database: &str) -> bool {
    let plain = argument.trim();
    let quoted = plain
        .strip_prefix("-reuse-previous=on \"dbname='")
        .and_then(|rest| rest.strip_suffix("'\""))
        .map(|name| name.replace("\\'", "'").replace("\\\\", "\\").replace("\"\"", "\""));
    quoted.as_deref().unwrap_or(plain) == database
}

/// Tracks `CREATE … FUNCTION|PROCEDURE … BEGIN ATOMIC … END`, in which `;` does not end the
/// statement.
#[derive(Default)]
struct AtomicBody {
    first_words: Vec<String>,
    depth: usize,
}

impl AtomicBody {
    fn word(&mut self, word: &str) {
        if self.first_words.len() < 4 {
            self.first_words.push(word.to_owned());
        }
        let head: Vec<&str> = self.first_words.iter().map(String::as_str).collect();
        let routine = matches!(
            head.as_slice(),
            ["create", "function" | "procedure", ..]
                | ["create", "or", "replace", "function" | "procedure"]
        );
        match word {
            _ if !routine => {}
            "begin" => self.depth += 1,
            "case" if self.depth > 0 => self.depth += 1,
            "end" if self.depth > 0 => self.depth -= 1,
            _ => {}
        }
    }
}

impl<'a> ScriptReader<'a> {
    /// A reader at the beginning of `input`.
    pub fn new(input: Box<dyn Read + 'a>) -> ScriptReader<'a> {
        ScriptReader {
            input,
            buffer: Vec::new(),
            start: 0,
            line: 1,
            column: 1,
            ended: false,
            of_dump: false,
            of_bytes: false,
            own_database: None,
            last_comments: String::new(),
        }
    }

    /// A reader of what `pg_dump` writes. `\restrict` and `\unrestrict` are passed over: they keep
    /// psql from running other commands, and here there are none to run. So is the `\connect` of
    /// `pg_dump --create` to the database that the dump has just created.
    pub fn of_dump(input: Box<dyn Read + 'a>) -> ScriptReader<'a> {
        ScriptReader { of_dump: true, ..ScriptReader::new(input) }
    }

    /// Whether a comment with this text followed the last statement.
    pub fn passed_comment(&self, text: &str) -> bool {
        self.last_comments.contains(text)
    }

    /// The comments after the last statement, each on its own lines, up to a limit.
    pub fn comments(&self) -> &str {
        &self.last_comments
    }

    /// The next statement; `None` at the end. White space and comments between statements are
    /// skipped.
    pub fn next_statement(&mut self) -> Result<Option<Statement>, ScriptError> {
        self.skip_blank()?;
        let mut scan = Scan::default();
        loop {
            let rest = &self.buffer[self.start + scan.at..];
            if rest.is_empty() {
                if !self.ended {
                    self.fill()?;
                    continue;
                }
                let text = self.take(scan.at)?;
                return Ok((!text.text.is_empty()).then_some(text));
            }
            match token(rest, self.ended) {
                Lexed::Unfinished(what) if self.ended => {
                    return Err(ScriptError::Unfinished { what, line: self.line_at(scan.at) });
                }
                Lexed::Unfinished(_) => self.fill()?,
                Lexed::Token(Token::Backslash, _) => return Err(self.psql_command(scan.at)),
                Lexed::Token(Token::Semicolon, _)
                    if scan.parentheses == 0 && scan.body.depth == 0 =>
                {
                    let statement = self.take(scan.at)?;
                    self.advance(1);
                    if self.of_dump && self.own_database.is_none() {
                        self.own_database = statement.created_database();
                    }
                    return Ok(Some(statement));
                }
                Lexed::Token(kind, length) => {
                    let word = &rest[..length];
                    match kind {
                        Token::Open => scan.parentheses += 1,
                        Token::Close => scan.parentheses = scan.parentheses.saturating_sub(1),
                        Token::Word if scan.parentheses == 0 => {
                            scan.body.word(&String::from_utf8_lossy(word).to_ascii_lowercase());
                        }
                        _ => {}
                    }
                    scan.at += length;
                }
            }
        }
    }

    /// The data lines of the COPY that was just read, without the closing `\.`: a short line in one
    /// piece, a long one in several. Returns after `\.`.
    pub fn copy_data(
        &mut self,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), ScriptError> {
        let begin = self.line;
        self.next_line()?;
        // How much of the line was handed on already.
        let mut before = 0;
        loop {
            let Some(length) = self.next_piece()? else {
                return Err(ScriptError::CopyWithoutEnd { line: begin });
            };
            let piece = &self.buffer[self.start - length..self.start];
            if before == 0 && matches!(piece, b"\\.\n" | b"\\.\r\n" | b"\\.") {
                return Ok(());
            }
            sink(piece)?;
            before = if piece.ends_with(b"\n") { 0 } else { before + length };
            if before > LONGEST_ROW {
                return Err(ScriptError::RowTooLong { line: self.line });
            }
        }
    }

    /// Skips one line, or the available part of a line longer than a piece, and returns the length;
    /// `None` at the end of the input.
    fn next_piece(&mut self) -> Result<Option<usize>, ScriptError> {
        loop {
            let rest = &self.buffer[self.start..];
            if self.ended || memchr::memchr(b'\n', rest).is_some() {
                return self.next_line();
            }
            if rest.len() >= PIECE {
                let length = rest.len();
                self.start += length;
                return Ok(Some(length));
            }
            self.fill()?;
        }
    }

    /// Moves past one line and returns its length with the line end; `None` at the end of input.
    fn next_line(&mut self) -> Result<Option<usize>, ScriptError> {
        let mut searched = 0;
        loop {
            let rest = &self.buffer[self.start..];
            let found = memchr::memchr(b'\n', &rest[searched..]);
            let length = match found {
                Some(position) => searched + position + 1,
                None if self.ended => rest.len(),
                None => {
                    searched = rest.len();
                    self.fill()?;
                    continue;
                }
            };
            self.start += length;
            self.line += usize::from(found.is_some());
            self.column = 1;
            return Ok((length > 0).then_some(length));
        }
    }

    /// Skips white space, comments and empty statements before a statement.
    fn skip_blank(&mut self) -> Result<(), ScriptError> {
        self.last_comments.clear();
        loop {
            let rest = &self.buffer[self.start..];
            if rest.is_empty() {
                if self.ended {
                    return Ok(());
                }
                self.fill()?;
                continue;
            }
            if self.of_dump && rest[0] == b'\\' {
                if !self.is_harmless()? {
                    return Ok(());
                }
                self.next_line()?;
                continue;
            }
            match token(rest, self.ended) {
                Lexed::Token(Token::Comment, length) => {
                    if self.last_comments.len() < LONGEST_COMMENTS {
                        self.last_comments.push_str(&String::from_utf8_lossy(&rest[..length]));
                        self.last_comments.push('\n');
                    }
                    self.advance(length);
                }
                Lexed::Token(Token::Space | Token::Semicolon, length) => self.advance(length),

                Lexed::Unfinished(_) if !self.ended => self.fill()?,
                // A byte order mark is not SQL, but some editors write one.
                _ if self.line == 1 && rest.starts_with(b"\xef\xbb\xbf") => self.advance(3),
                _ => return Ok(()),
            }
        }
    }

    /// Whether the input continues with `\restrict` or `\unrestrict` and its key only, or with
    /// `\connect` to the current database.
    fn is_harmless(&mut self) -> Result<bool, ScriptError> {
        while !self.ended && !self.buffer[self.start..].contains(&b'\n') {
            self.fill()?;
        }
        let line =
            self.buffer[self.start..].split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(name) = line.strip_prefix(b"\\connect ") {
            let own = self.own_database.as_deref();
            return Ok(own.is_some_and(|own| connects_to(&String::from_utf8_lossy(name), own)));
        }
        let key = line.strip_prefix(b"\\restrict ").or_else(|| line.strip_prefix(b"\\unrestrict "));
        Ok(key.is_some_and(|key| !key.is_empty() && key.iter().all(u8::is_ascii_alphanumeric)))
    }

    fn take(&mut self, length: usize) -> Result<Statement, ScriptError> {
        let (line, column) = (self.line, self.column);
        let bytes = self.buffer[self.start..self.start + length].to_vec();
        self.advance(length);
        let text = String::from_utf8(bytes).or_else(|error| {
            let (all, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
            let ascii = if self.of_bytes { in_ascii(all) } else { None };
            ascii.ok_or(ScriptError::NotUtf8 { line: line + newlines(&all[..valid]) })
        })?;
        if let Some(at) = memchr::memchr(0, text.as_bytes()) {
            return Err(ScriptError::Nul { line: line + newlines(&text.as_bytes()[..at]) });
        }
        let text = text.trim_end().to_owned();
        self.of_bytes |= self.of_dump && text == "SET client_encoding = 'SQL_ASCII'";
        Ok(Statement { text, line, column })
    }

    fn advance(&mut self, length: usize) {
        let passed = &self.buffer[self.start..self.start + length];
        let last_line = passed.rsplit(|&byte| byte == b'\n').next().unwrap_or(passed);
        let characters = String::from_utf8_lossy(last_line).chars().count();
        let newlines = newlines(passed);
        self.line += newlines;
        self.column = if newlines > 0 { 1 + characters } else { self.column + characters };
        self.start += length;
    }

    fn line_at(&self, offset: usize) -> usize {
        self.line + newlines(&self.buffer[self.start..self.start + offset])
    }

    fn psql_command(&self, offset: usize) -> ScriptError {
        let rest = &self.buffer[self.start + offset..];
        let line: Vec<u8> =
            rest.iter().copied().take_while(|byte| !byte.is_ascii_whitespace()).take(40).collect();
        ScriptError::PsqlCommand {
            command: String::from_utf8_lossy(&line).into_owned(),
            line: self.line_at(offset),
        }
    }

    /// Reads more input. The buffer doubles each time a statement does not fit, so that the
    /// statement is scanned a bounded number of times.
    fn fill(&mut self) -> Result<(), ScriptError> {
        if self.buffer.len() - self.start > LONGEST_STATEMENT {
            return Err(ScriptError::TooLong { line: self.line });
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let wanted = self.buffer.len().max(64 * 1024);
        let count = self.input.by_ref().take(wanted as u64).read_to_end(&mut self.buffer)?;
        self.ended = count < wanted;
        Ok(())
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

/// All statements of a script, without the data of its COPYs.
pub fn statements(script: &[u8]) -> Result<Vec<Statement>, ScriptError> {
    let mut reader = ScriptReader::new(Box::new(script));
    let mut statements = Vec::new();
    while let Some(statement) = reader.next_statement()? {
        if statement.reads_data() {
            reader.copy_data(&mut |_| Ok(()))?;
        }
        statements.push(statement);
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(usize, String)> {
        statements(text.as_bytes())
            .unwrap()
            .into_iter()
            .map(|statement| (statement.line, statement.text))
            .collect()
    }

    #[test]
    fn statements_end_at_their_semicolon_and_know_their_line() {
        let script = "-- first\nSELECT 1;\n\n/* two */ SELECT ';'\n , 2;;\nSELECT 3";
        let expected = [(2, "SELECT 1"), (4, "SELECT ';'\n , 2"), (6, "SELECT 3")];
        assert_eq!(statements(script.as_bytes()).unwrap()[1].column, 11);
        assert_eq!(split(script), expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn semicolons_inside_bodies_end_nothing() {
        for one in [
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELECT 2; $$",
            "CREATE OR REPLACE FUNCTION f(a int) RETURNS int \
             BEGIN ATOMIC SELECT CASE a WHEN 1 THEN 2 END; SELECT 1; END",
            "CREATE PROCEDURE p() BEGIN ATOMIC INSERT INTO t VALUES (1); DELETE FROM t; END",
            "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)",
            r"SELECT E'\';', 'x', U&'d\0061t;', B'1'",
            "SELECT $tag$ ; $$ ; $tag$",
        ] {
            assert_eq!(
                split(&format!("{one}; SELECT 9;")),
                [(1, one.to_owned()), (1, "SELECT 9".to_owned())]
            );
        }
    }

    #[test]
    fn a_transaction_block_is_not_an_atomic_body() {
        assert_eq!(split("BEGIN; SELECT 1; END; SELECT 2;").len(), 4);
    }

    /// Text that never ends, after a prefix.
    fn endless(before: &'static str) -> ScriptReader<'static> {
        ScriptReader::new(Box::new(before.as_bytes().chain(io::repeat(b'x'))))
    }

    #[test]
    fn what_never_ends_is_refused_before_it_is_read() {
        for before in ["\nSELECT '", "\n-- ", "\n/* ", "\n\"", "\nCREATE x", "\n$$"] {
            let error = endless(before).next_statement().unwrap_err();
            assert!(matches!(error, ScriptError::TooLong { line: 2 }), "{before}: {error}");
        }
    }

    #[test]
    fn a_long_row_comes_in_pieces_and_one_too_long_is_refused() {
        let mut reader = endless("COPY t FROM stdin;\na\n");
        assert!(reader.next_statement().unwrap().unwrap().reads_data());
        let (mut longest, mut sum) = (0, 0);
        let error = reader.copy_data(&mut |piece| {
            longest = longest.max(piece.len());
            sum += piece.len();
            Ok(())
        });
        assert!(matches!(error, Err(ScriptError::RowTooLong { line: 3 })), "{error:?}");
        assert!(longest <= 4 * PIECE && sum > LONGEST_ROW, "{longest} of {sum}");
    }

    #[test]
    fn the_end_of_a_long_row_is_not_the_end_of_the_data() {
        let row = "x".repeat(PIECE);
        for row in [format!("{row}\\.\n"), format!("{row}{row}\\.\n"), "\\.a\n".to_owned()] {
            let script = format!("COPY t FROM stdin;\n{row}b\n\\.\nSELECT 2;");
            let mut reader = ScriptReader::new(Box::new(script.as_bytes()));
            reader.next_statement().unwrap();
            let mut read = Vec::new();
            reader
                .copy_data(&mut |piece| {
                    read.extend(piece);
                    Ok(())
                })
                .unwrap();
            assert_eq!(String::from_utf8(read).unwrap(), format!("{row}b\n"));
            assert_eq!(reader.next_statement().unwrap().unwrap().text, "SELECT 2");
        }
    }

    #[test]
    fn copy_data_is_not_sql() {
        let script = "COPY t (a) FROM stdin;\nit's; \\N\n$$\n\\.\nSELECT 2;";
        assert_eq!(split(script).len(), 2);
        let mut reader = ScriptReader::new(Box::new(script.as_bytes()));
        assert!(reader.next_statement().unwrap().unwrap().reads_data());
        let mut data = Vec::new();
        reader
            .copy_data(&mut |line| {
                data.extend_from_slice(line);
                Ok(())
            })
            .unwrap();
        assert_eq!(data, b"it's; \\N\n$$\n");
        assert_eq!(reader.next_statement().unwrap().unwrap().line, 5);
    }

    #[test]
    fn what_never_ends_is_named_with_its_line() {
        let error = statements(b"SELECT 1;\nSELECT 'x;\n").unwrap_err();
        assert_eq!(error.to_string(), "a string that begins on line 2 never ends");
        assert!(statements(b"COPY t FROM STDIN;\n1\n").is_err());
    }

    #[test]
    fn psql_commands_are_refused_outside_strings_only() {
        let error = statements(b"SELECT 1;\n\\! rm -rf x\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 contains the psql command `\\!`, but cargo db runs only SQL"
        );
        assert_eq!(split(r"SELECT '\!'").len(), 1);
    }

    #[test]
    fn reading_in_small_pieces_gives_the_same() {
        struct Trickle<'a>(&'a [u8]);
        impl Read for Trickle<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = self.0.len().min(1).min(buffer.len());
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let long =
            format!("SELECT '{}';\nSELECT $x$;{}$x$;", "a;".repeat(100_000), "\n".repeat(90_000));
        let mut reader = ScriptReader::new(Box::new(Trickle(long.as_bytes())));
        assert_eq!(reader.next_statement().unwrap().unwrap().text.len(), 200_009);
        assert_eq!(reader.next_statement().unwrap().unwrap().line, 2);
        assert_eq!(reader.next_statement().unwrap(), None);
    }

    #[test]
    fn a_byte_order_mark_and_crlf_do_no_harm() {
        assert_eq!(split("\u{feff}SELECT 1;\r\nSELECT 2;\r\n").len(), 2);
    }
}
