//! Statements that wait for other transactions instead of blocking them: the forms of
//! `CONCURRENTLY` that commit in several steps and leave something behind if they are interrupted.
//! `REFRESH MATERIALIZED VIEW CONCURRENTLY` is not one of them: it does all or nothing.

use crate::lexer::{Lexed, Token, token};
use crate::quote::quote_identifier;

/// What a statement does concurrently, and to what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concurrent {
    /// `CREATE INDEX CONCURRENTLY`; without a name, the server chooses one.
    Create {
        /// It has no schema: it is its table's.
        index: Option<String>,
        /// The table of the index.
        table: Name,
    },
    /// `DROP INDEX CONCURRENTLY`.
    Drop {
        /// The index that is dropped.
        index: Name,
    },
    /// Every form of `REINDEX … CONCURRENTLY`; a database needs no name.
    Reindex {
        /// What kind of object is named.
        what: Reindexed,
        /// Which one.
        name: Option<Name>,
    },
    /// `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`.
    Detach {
        /// The partitioned table.
        parent: Name,
        /// What is taken out of it.
        partition: Name,
    },
}

/// The object whose indexes are rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reindexed {
    /// One index, or those of a partitioned index.
    Index,
    /// All indexes of a table.
    Table,
    /// All indexes of a schema.
    Schema,
    /// All indexes of the database.
    Database,
}

/// The name of an object, with its schema if it has one: each part without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(pub Vec<String>);

impl Name {
    /// As SQL writes it, always quoted.
    pub fn quoted(&self) -> String {
        self.0.iter().map(|part| quote_identifier(part)).collect::<Vec<_>>().join(".")
    }
}

/// What a statement does concurrently; `None` for every other statement.
pub fn concurrent(statement: &str) -> Option<Concurrent> {
    let pieces = pieces(statement);
    let mut reader = Reader(&pieces);
    match reader.word()? {
        "create" => created(reader),
        "drop" => dropped(reader),
        "reindex" => reindexed(reader),
        "alter" => detached(reader),
        _ => None,
    }
}

fn created(mut reader: Reader<'_>) -> Option<Concurrent> {
    reader.skip(&["unique"]);
    reader.expect(&["index", "concurrently"])?;
    reader.skip(&["if", "not", "exists"]);
    let index = if reader.skip(&["on"]) {
        None
    } else {
        let name = reader.part()?;
        reader.expect(&["on"])?;
        Some(name)
    };
    Some(Concurrent::Create { index, table: reader.relation()? })
}

fn dropped(mut reader: Reader<'_>) -> Option<Concurrent> {
    reader.expect(&["index", "concurrently"])?;
    reader.skip(&["if", "exists"]);
    Some(Concurrent::Drop { index: reader.name()? })
}

fn reindexed(mut reader: Reader<'_>) -> Option<Concurrent> {
    let by_option = reader.options();
    let what = match reader.word()? {
        "index" => Reindexed::Index,
        "table" => Reindexed::Table,
        "schema" => Reindexed::Schema,
        "database" => Reindexed::Database,
        _ => return None,
    };
    if !reader.skip(&["concurrently"]) && !by_option {
        return None;
    }
    Some(Concurrent::Reindex { what, name: reader.name() })
}

fn detached(mut reader: Reader<'_>) -> Option<Concurrent> {
    reader.expect(&["table"])?;
    reader.skip(&["if", "exists"]);
    let parent = reader.relation()?;
    reader.expect(&["detach", "partition"])?;
    let partition = reader.name()?;
    reader.expect(&["concurrently"])?;
    Some(Concurrent::Detach { parent, partition })
}

/// A part of a statement. A quoted word is always a name, never a keyword.
#[derive(Debug, PartialEq, Eq)]
enum StatementWord {
    /// In lower case, as the server reads it.
    Word(String),
    /// Without its quotes and escapes.
    Quoted(String),
    Sign(u8),
}

/// Reads the words of a statement in order.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [StatementWord]);

impl<'a> Reader<'a> {
    fn next(&mut self) -> Option<&'a StatementWord> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn word(&mut self) -> Option<&'a str> {
        match self.next()? {
            StatementWord::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Skips these words if all of them follow.
    fn skip(&mut self, words: &[&str]) -> bool {
        let is = |(piece, word): (&StatementWord, &&str)| match piece {
            StatementWord::Word(own) => own == word,
            _ => false,
        };
        let fits = self.0.len() >= words.len() && self.0.iter().zip(words).all(is);
        if fits {
            self.0 = &self.0[words.len()..];
        }
        fits
    }

    fn expect(&mut self, words: &[&str]) -> Option<()> {
        self.skip(words).then_some(())
    }

    fn sign(&mut self, sign: u8) -> bool {
        let found = self.0.first() == Some(&StatementWord::Sign(sign));
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn part(&mut self) -> Option<String> {
        match self.next()? {
            StatementWord::Word(name) | StatementWord::Quoted(name) => Some(name.clone()),
            StatementWord::Sign(_) => None,
        }
    }

    fn name(&mut self) -> Option<Name> {
        let mut parts = vec![self.part()?];
        while self.sign(b'.') {
            parts.push(self.part()?);
        }
        Some(Name(parts))
    }

    /// `ONLY name`, `ONLY (name)`, `name *`.
    fn relation(&mut self) -> Option<Name> {
        let in_parentheses = self.skip(&["only"]) && self.sign(b'(');
        let name = self.name()?;
        if in_parentheses {
            self.sign(b')');
        } else {
            self.sign(b'*');
        }
        Some(name)
    }

    /// Skips `(VERBOSE, CONCURRENTLY on)` and returns whether CONCURRENTLY is on; the last option
    /// wins.
    fn options(&mut self) -> bool {
        let mut concurrently = false;
        if !self.sign(b'(') {
            return false;
        }
        while let Some(option) = self.part() {
            let mut value = None;
            while !self.sign(b',') {
                match self.next() {
                    None | Some(StatementWord::Sign(b')')) => {
                        return is_on(&option, value, concurrently);
                    }
                    Some(StatementWord::Word(word) | StatementWord::Quoted(word)) => {
                        value = Some(word.as_str());
                    }
                    Some(StatementWord::Sign(_)) => {}
                }
            }
            concurrently = is_on(&option, value, concurrently);
        }
        concurrently
    }
}

fn is_on(option: &str, value: Option<&str>, before: bool) -> bool {
    if option != "concurrently" {
        return before;
    }
    let value = value.unwrap_or("true").to_ascii_lowercase();
    !matches!(value.as_str(), "false" | "off" | "0")
}

/// The pieces of a statement, without space and comments.
fn pieces(statement: &str) -> Vec<StatementWord> {
    let (mut pieces, mut rest) = (Vec::new(), statement);
    while !rest.is_empty() {
        let (piece, length) = piece(rest);
        pieces.extend(piece);
        rest = &rest[length..];
    }
    pieces
}

/// The word at the beginning of a text, and the length of its source.
fn piece(text: &str) -> (Option<StatementWord>, usize) {
    // `U&"…"` is a quoted name with Unicode escapes.
    if text.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("u&\""))
        && let Lexed::Token(Token::QuotedName, length) = token(&text.as_bytes()[2..], true)
    {
        let name = unescape(&unquote(&text[2..2 + length]));
        return (Some(StatementWord::Quoted(name)), 2 + length);
    }
    let Lexed::Token(token, length) = token(text.as_bytes(), true) else {
        return (None, text.len());
    };
    let own = &text[..length];
    let piece = match token {
        Token::Space | Token::Comment => None,
        Token::Word => Some(StatementWord::Word(own.to_ascii_lowercase())),
        Token::QuotedName => Some(StatementWord::Quoted(unquote(own))),
        Token::Text => Some(StatementWord::Quoted(own.trim_matches('\'').to_owned())),
        _ => Some(StatementWord::Sign(own.as_bytes()[0])),
    };
    (piece, length)
}

fn unquote(quoted: &str) -> String {
    quoted[1..quoted.len() - 1].replace("\"\"", "\"")
}

/// Decodes `\0061`, `\+000061` and `\\`.
fn unescape(text: &str) -> String {
    let (mut name, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('\\') {
        name.push_str(before);
        let (digits, length) = match after.strip_prefix('+') {
            Some(long) => (long.get(..6), 7),
            None => (after.get(..4), 4),
        };
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match number.and_then(char::from_u32) {
            Some(character) => {
                name.push(character);
                rest = &after[length..];
            }
            None => {
                name.push('\\');
                rest = after.strip_prefix('\\').unwrap_or(after);
            }
        }
    }
    name + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(parts: &[&str]) -> Name {
        Name(parts.iter().map(|part| (*part).to_owned()).collect())
    }

    fn create(index: Option<&str>, table: &[&str]) -> Option<Concurrent> {
        Some(Concurrent::Create { index: index.map(str::to_owned), table: name(table) })
    }

    fn reindex(what: Reindexed, parts: Option<&[&str]>) -> Option<Concurrent> {
        Some(Concurrent::Reindex { what, name: parts.map(name) })
    }

    #[test]
    fn builds_are_known_with_their_index_and_table() {
        for (text, expected) in [
            ("CREATE INDEX CONCURRENTLY cx ON t (a)", create(Some("cx"), &["t"])),
            (
                "create unique\n index /* now */ concurrently -- yes\n if not exists \"C x\"\n\
                 on only s . \"T\"\"1\" using btree (a)",
                create(Some("C x"), &["s", "T\"1"]),
            ),
            ("CREATE INDEX CONCURRENTLY ON t(a)", create(None, &["t"])),
            ("CREATE INDEX CONCURRENTLY if ON t(a)", create(Some("if"), &["t"])),
            (
                "CREATE INDEX CONCURRENTLY \"on\" ON ONLY (db.s.t) (a)",
                create(Some("on"), &["db", "s", "t"]),
            ),
            // Only ASCII is folded, as in a database in UTF-8.
            (
                r#"CREATE INDEX CONCURRENTLY U&"\00e4\+000062\\" ON ÄT (a)"#,
                create(Some(r"äb\"), &["Ät"]),
            ),
        ] {
            assert_eq!(concurrent(text), expected, "{text}");
        }
    }

    #[test]
    fn every_form_of_reindex_is_known() {
        use Reindexed::{Database, Index, Schema, Table};
        for (text, expected) in [
            ("REINDEX INDEX CONCURRENTLY s.i", reindex(Index, Some(&["s", "i"]))),
            ("reindex(verbose)table concurrently t", reindex(Table, Some(&["t"]))),
            ("REINDEX (CONCURRENTLY) SCHEMA \"S\"", reindex(Schema, Some(&["S"]))),
            ("REINDEX (VERBOSE off, CONCURRENTLY on) DATABASE d", reindex(Database, Some(&["d"]))),
            ("REINDEX (CONCURRENTLY 1, TABLESPACE x) TABLE t", reindex(Table, Some(&["t"]))),
            ("REINDEX (CONCURRENTLY 'false') TABLE CONCURRENTLY t", reindex(Table, Some(&["t"]))),
            ("REINDEX DATABASE CONCURRENTLY", reindex(Database, None)),
        ] {
            assert_eq!(concurrent(text), expected, "{text}");
        }
    }

    #[test]
    fn drops_and_detaching_are_known() {
        let dropped = |parts| Some(Concurrent::Drop { index: name(parts) });
        assert_eq!(concurrent("DROP INDEX CONCURRENTLY i"), dropped(&["i"]));
        assert_eq!(
            concurrent("drop index concurrently if exists a.\"B\" cascade"),
            dropped(&["a", "B"])
        );
        let detached = |parent, partition| {
            Some(Concurrent::Detach { parent: name(parent), partition: name(partition) })
        };
        assert_eq!(
            concurrent("ALTER TABLE IF EXISTS ONLY s.pa DETACH PARTITION \"pa 1\"\nCONCURRENTLY"),
            detached(&["s", "pa"], &["pa 1"])
        );
        assert_eq!(
            concurrent("alter table pa * detach /* */ partition x.pa_1 concurrently"),
            detached(&["pa"], &["x", "pa_1"])
        );
    }

    #[test]
    fn nothing_else_is_concurrent() {
        for text in [
            "CREATE INDEX i ON t (a)",
            "CREATE INDEX \"concurrently\" ON t (a)",
            "CREATE INDEX i ON concurrently (a)",
            "CREATE TABLE concurrently (a int)",
            "DROP INDEX \"concurrently\"",
            "DROP INDEX i -- CONCURRENTLY",
            "REINDEX INDEX i",
            "REINDEX INDEX \"concurrently\"",
            "REINDEX (VERBOSE) TABLE t",
            "REINDEX (CONCURRENTLY off) TABLE t",
            "REINDEX (CONCURRENTLY, CONCURRENTLY 0) TABLE t",
            "REINDEX SYSTEM CONCURRENTLY d",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "ALTER TABLE pa DETACH PARTITION pa_1",
            "ALTER TABLE pa DETACH PARTITION pa_1 FINALIZE",
            "ALTER TABLE pa DETACH PARTITION concurrently",
            "ALTER TABLE t ADD COLUMN concurrently int",
            "SELECT 'CREATE INDEX CONCURRENTLY i ON t (a)'",
            "COMMENT ON INDEX i IS 'DROP INDEX CONCURRENTLY i'",
            "DO $$ DROP INDEX CONCURRENTLY i $$",
            "",
        ] {
            assert_eq!(concurrent(text), None, "{text}");
        }
    }
}
