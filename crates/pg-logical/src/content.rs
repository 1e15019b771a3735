//! A summary of the rows of a dump, from its COPY blocks: their number, and a hash that does not
//! depend on their order, so that a restored table can be compared even if it was filled in another
//! order.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use pg_sql::left_out::{LeftOut, owner};
use pg_sql::lexer::{Lexed, Token, token, words};
use pg_sql::script::{ScriptError, ScriptReader, Statement};

/// The content of one table: how many rows, and a hash of them that their order does not change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// How many rows.
    pub rows: u64,
    /// The sum, modulo 2^128, of XXH3-128 over each row's line of COPY text; hexadecimal.
    pub hash: String,
    /// The columns in the order of the values in each line. A restored table may have them in
    /// another order, for example a child of a table to which a column was added. Older manifests
    /// do not have this field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl TableEntry {
    /// Whether the rows are the same ones.
    pub fn has_rows_of(&self, other: &TableEntry) -> bool {
        (self.rows, &self.hash) == (other.rows, &other.hash)
    }
}

/// The rows of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableRows {
    /// How many.
    pub count: u64,
    sum: u128,
}

impl TableRows {
    /// Adds one line of COPY text.
    pub fn add(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        self.count += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(line));
    }

    /// As a manifest says it.
    pub fn entry(&self, columns: Vec<String>) -> TableEntry {
        TableEntry { rows: self.count, hash: format!("{:032x}", self.sum), columns }
    }
}

/// Rows as they come out of a COPY, the long ones in pieces.
#[derive(Default)]
struct RowStream {
    rows: TableRows,
    /// The columns in the order in which they are hashed.
    columns: Vec<String>,
    /// The position of each of these columns in the incoming lines, if the order differs.
    order: Option<Vec<usize>>,
    /// The current row, whose end has not been read yet.
    open: Option<Box<Xxh3>>,
    /// The same of one that is to be put in order.
    line: Vec<u8>,
}

impl RowStream {
    /// Gets ready for lines with these columns. One table may be filled by several COPYs: the
    /// partitions of one that is hashed by an enum are loaded through it, each with its own order.
    fn expect(&mut self, columns: &[String]) {
        if self.columns.is_empty() {
            columns.clone_into(&mut self.columns);
        }
        self.order = permutation(&self.columns, columns);
    }

    fn add(&mut self, piece: &[u8]) {
        match &self.order {
            None => self.add_in_order(piece),
            Some(order) => {
                self.line.extend_from_slice(piece);
                if piece.ends_with(b"\n") {
                    self.rows.add(&in_order(&self.line, order));
                    self.line.clear();
                }
            }
        }
    }

    fn add_in_order(&mut self, piece: &[u8]) {
        let ends = piece.ends_with(b"\n");
        if ends && self.open.is_none() {
            return self.rows.add(piece);
        }
        let open = self.open.get_or_insert_with(|| Box::new(Xxh3::new()));
        open.update(piece.strip_suffix(b"\n").unwrap_or(piece));
        if ends {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.rows.count += 1;
            self.rows.sum = self.rows.sum.wrapping_add(open.digest128());
        }
    }
}

/// The position of each `wanted` column among the `coming` ones; `None` if the order is the same or
/// the columns differ.
fn permutation(wanted: &[String], coming: &[String]) -> Option<Vec<usize>> {
    let place = |column| coming.iter().position(|other| other == column);
    let order: Option<Vec<usize>> = wanted.iter().map(place).collect();
    order.filter(|_| wanted != coming && wanted.len() == coming.len())
}

/// A line of COPY text with its values in another order: a tab inside of a value is written `\t`.
fn in_order(line: &[u8], order: &[usize]) -> Vec<u8> {
    let values: Vec<&[u8]> =
        line.strip_suffix(b"\n").unwrap_or(line).split(|&byte| byte == b'\t').collect();
    let value = |&at: &usize| values.get(at).copied().unwrap_or_default();
    order.iter().map(value).collect::<Vec<_>>().join(&b'\t')
}

/// The last comment of every plain dump: without it, the end is missing.
const TRAILER: &str = "PostgreSQL database dump complete";

/// What a plain dump holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// By qualified name, as the dump writes it.
    pub tables: BTreeMap<String, TableEntry>,
    /// By qualified name: last value, and whether it was used, as `5,true`.
    pub sequences: BTreeMap<String, String>,
    /// Roles that own something or are granted something.
    pub roles: Vec<String>,
    /// The statements that set owners and privileges, except the owners of subscriptions, which a
    /// scratch database does not have.
    pub rights: BTreeSet<String>,
    /// Extensions that are created.
    pub extensions: Vec<String>,
}

/// Reads a whole dump and summarises its content; `passed` is called after the rows of each table.
pub fn read(input: &mut dyn Read, passed: &mut dyn FnMut()) -> Result<Content, ScriptError> {
    read_like(input, &BTreeMap::new(), passed)
}

/// The same without the parts that are left out, and whether the closing comment is present.
/// Programs that edit a dump append their own statements after that comment.
pub fn read_any(
    input: &mut dyn Read,
    passed: &mut dyn FnMut(),
    left_out: LeftOut,
) -> Result<(Content, bool), ScriptError> {
    read_all(input, &BTreeMap::new(), &mut Ticking(passed), left_out)
}

/// The same, with the columns of each table in the `expected` order.
pub fn read_like(
    input: &mut dyn Read,
    expected: &BTreeMap<String, TableEntry>,
    passed: &mut dyn FnMut(),
) -> Result<Content, ScriptError> {
    read_watched(input, expected, &mut Ticking(passed))
}

/// Somebody who sees all of a dump while it is read.
pub trait DumpObserver {
    /// A statement, and the comments before it.
    fn statement(&mut self, statement: &Statement, comments: &str) -> io::Result<()>;
    /// A row of the last statement, or a piece of one.
    fn row(&mut self, piece: &[u8]) -> io::Result<()>;
    /// The last row has passed.
    fn end_of_rows(&mut self) -> io::Result<()>;
}

struct Ticking<'a>(&'a mut dyn FnMut());

impl DumpObserver for Ticking<'_> {
    fn statement(&mut self, _: &Statement, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn end_of_rows(&mut self) -> io::Result<()> {
        (self.0)();
        Ok(())
    }
}

/// The same, with an observer.
pub fn read_watched(
    input: &mut dyn Read,
    expected: &BTreeMap<String, TableEntry>,
    watch: &mut dyn DumpObserver,
) -> Result<Content, ScriptError> {
    let (content, is_complete) = read_all(input, expected, watch, LeftOut::default())?;
    if is_complete { Ok(content) } else { Err(ScriptError::NoTrailer) }
}

fn read_all(
    input: &mut dyn Read,
    expected: &BTreeMap<String, TableEntry>,
    watch: &mut dyn DumpObserver,
    left_out: LeftOut,
) -> Result<(Content, bool), ScriptError> {
    let mut reader = ScriptReader::of_dump(Box::new(input));
    let (mut content, mut tables) = (Content::default(), BTreeMap::<String, RowStream>::new());
    let mut is_complete = false;
    while let Some(statement) = reader.next_statement()? {
        is_complete |= reader.passed_comment(TRAILER);
        if left_out.holds(&statement) {
            continue;
        }
        watch.statement(&statement, reader.comments())?;
        if statement.reads_data() {
            let table = copied_table(&statement.text);
            let columns = expected.get(&table).map(|entry| entry.columns.clone());
            let rowing = tables.entry(table).or_insert_with(|| RowStream {
                columns: columns.unwrap_or_default(),
                ..RowStream::default()
            });
            rowing.expect(&copied_columns(&statement.text));
            reader.copy_data(&mut |piece| {
                rowing.add(piece);
                watch.row(piece)
            })?;
            watch.end_of_rows()?;
        } else if let Some((sequence, value)) = set_value(&statement.text) {
            content.sequences.insert(sequence, value);
        } else if statement.text.len() < 10_000 {
            let words = words(&statement.text);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let owner = owner(&statement).map(|(role, _)| role);
            note_needs(&words, owner.as_deref(), &mut content);
            if is_right(&words, owner.as_deref()) {
                content.rights.insert(statement.text);
            }
        }
    }
    is_complete |= reader.passed_comment(TRAILER);
    let entry = |(table, rowing): (_, RowStream)| (table, rowing.rows.entry(rowing.columns));
    content.tables = tables.into_iter().map(entry).collect();
    Ok((content, is_complete))
}

/// The columns of a COPY statement, by their real names.
pub fn copied_columns(statement: &str) -> Vec<String> {
    let named = statement.find(&copied_table(statement)).unwrap_or_default();
    let rest = statement.get(named + copied_table(statement).len()..).unwrap_or_default();
    let Some(mut rest) = rest.trim_start().strip_prefix('(') else { return Vec::new() };
    let mut columns = Vec::new();
    while !rest.is_empty() {
        let Lexed::Token(kind, length) = token(rest.as_bytes(), true) else { break };
        match kind {
            Token::Close => break,
            Token::Word | Token::QuotedName => columns.extend(words(&rest[..length])),
            _ => {}
        }
        rest = &rest[length..];
    }
    columns
}

/// The table of a COPY statement, as it is written there: `public.users`, `s."Odd name"`.
pub fn copied_table(statement: &str) -> String {
    let after = statement.get(5..).unwrap_or("").trim_start();
    let mut quoted = false;
    let end = after.char_indices().find(|&(_, character)| {
        quoted ^= character == '"';
        !quoted && (character == ' ' || character == '(')
    });
    after[..end.map_or(after.len(), |(index, _)| index)].to_owned()
}

/// Name and value of the sequence that a statement such as
/// `SELECT pg_catalog.setval('public.users_id_seq', 5, true)` sets.
pub fn set_value(statement: &str) -> Option<(String, String)> {
    let (name, rest) = statement.strip_prefix("SELECT pg_catalog.setval('")?.rsplit_once("', ")?;
    Some((name.replace("''", "'"), rest.trim_end_matches(')').replace(' ', "")))
}

/// Whether a statement sets an owner or a privilege that a manifest lists.
fn is_right(words: &[&str], owner: Option<&str>) -> bool {
    match words {
        ["alter", "subscription", ..] => false,
        // A database may have millions of large objects, and a manifest is read at every listing.
        [_, "large", "object", ..] | [_, _, "on", "large", ..] => false,
        // Only a dump of this schema alone contains this: it is the default in each new database.
        ["alter", "schema", "public", ..] if owner == Some("pg_database_owner") => false,
        ["grant" | "revoke", ..] | ["alter", "default", "privileges", ..] => true,
        _ => owner.is_some(),
    }
}

/// Notes the role or the extension that a statement cannot do without.
fn note_needs(words: &[&str], owner: Option<&str>, content: &mut Content) {
    let role = match words {
        ["grant", .., "to", role] | ["grant", .., "to", role, "with", "grant", "option"] => {
            Some(*role)
        }
        ["create", "extension", "if", "not", "exists", name, ..]
        | ["create", "extension", name, ..] => {
            content.extensions.push((*name).to_owned());
            None
        }
        _ => owner,
    };
    if let Some(role) =
        role.filter(|role| *role != "public" && !content.roles.iter().any(|known| known == role))
    {
        content.roles.push(role.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "\\restrict abc\n\n\
        CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;\n\
        ALTER TABLE public.t OWNER TO \"Ada L\";\nGRANT SELECT ON TABLE public.t TO reader;\n\
        COPY public.\"T (x)\" (a, b) FROM stdin;\n1\t\\N\n2\tit's\n\\.\n\n\
        SELECT pg_catalog.setval('public.s', 5, true);\n\
        \\unrestrict abc\n\n--\n-- PostgreSQL database dump complete\n--\n\n";

    fn read(mut input: &[u8]) -> Result<Content, ScriptError> {
        super::read(&mut input, &mut || ())
    }

    #[test]
    fn a_dump_tells_its_rows_and_needs() {
        let content = read(DUMP.as_bytes()).unwrap();
        assert_eq!(content.tables["public.\"T (x)\""].rows, 2);
        assert_eq!(content.roles, ["Ada L", "reader"]);
        assert_eq!(content.extensions, ["citext"]);
        let rights =
            ["ALTER TABLE public.t OWNER TO \"Ada L\"", "GRANT SELECT ON TABLE public.t TO reader"];
        assert!(content.rights.iter().eq(rights), "{:?}", content.rights);
        assert_eq!(content.sequences["public.s"], "5,true");
    }

    #[test]
    fn a_privilege_that_only_some_dumps_contain_is_ignored() {
        for (statement, is_right) in [
            ("ALTER SCHEMA public OWNER TO pg_database_owner", false),
            ("ALTER SUBSCRIPTION s OWNER TO ada", false),
            ("ALTER SCHEMA public OWNER TO ada", true),
            ("ALTER SCHEMA app OWNER TO pg_database_owner", true),
            ("REVOKE USAGE ON SCHEMA public FROM PUBLIC", true),
        ] {
            let dump = DUMP.replace("GRANT SELECT ON TABLE public.t TO reader", statement);
            let rights = read(dump.as_bytes()).unwrap().rights;
            assert_eq!(rights.contains(statement), is_right, "{statement}");
        }
    }

    #[test]
    fn a_row_that_comes_in_pieces_has_the_same_hash() {
        let long = "x".repeat(300_000);
        let content = read(DUMP.replace("it's", &long).as_bytes()).unwrap();
        let mut rows = TableRows::default();
        rows.add(b"1\t\\N\n");
        rows.add(format!("2\t{long}\n").as_bytes());
        assert!(content.tables["public.\"T (x)\""].has_rows_of(&rows.entry(vec![])));
    }

    #[test]
    fn blocks_of_one_table_are_added_up_whatever_the_order_of_their_columns() {
        let table = |text: &str| read(text.as_bytes()).unwrap().tables.remove("s.t").unwrap();
        let end = "-- PostgreSQL database dump complete\n";
        let one = table(&format!("COPY s.t (a, \"B (,)\") FROM stdin;\n1\tx\n2\t\\N\n\\.\n{end}"));
        let two = table(&format!(
            "COPY s.t (a, \"B (,)\") FROM stdin;\n1\tx\n\\.\n\n\
             COPY s.t (\"B (,)\", a) FROM stdin;\n\\N\t2\n\\.\n{end}"
        ));
        assert_eq!((one.rows, &one.columns), (2, &vec!["a".to_owned(), "B (,)".to_owned()]));
        assert_eq!(one, two);
        let turned = format!("COPY s.t (\"B (,)\", a) FROM stdin;\nx\t1\n\\N\t2\n\\.\n{end}");
        assert!(!table(&turned).has_rows_of(&one));
        let like = [("s.t".to_owned(), one.clone())].into();
        let turned = read_like(&mut turned.as_bytes(), &like, &mut || ()).unwrap();
        assert_eq!(turned.tables["s.t"], one);
        assert_eq!(copied_columns("COPY s.empty  FROM stdin"), Vec::<String>::new());
    }

    #[test]
    fn the_order_of_rows_changes_nothing_and_a_byte_does() {
        let hash =
            |text: &str| read(text.as_bytes()).unwrap().tables.remove("public.\"T (x)\"").unwrap();
        assert_eq!(hash(DUMP), hash(&DUMP.replace("1\t\\N\n2\tit's\n", "2\tit's\n1\t\\N\n")));
        assert_ne!(hash(DUMP), hash(&DUMP.replace("it's", "it'S")));
        // A row twice is not no row at all, as it would be with XOR.
        assert_ne!(hash(DUMP), hash(&DUMP.replace("1\t\\N\n", "1\t\\N\n1\t\\N\n1\t\\N\n")));
    }

    #[test]
    fn a_truncated_dump_is_reported() {
        let cut = DUMP.replace("-- PostgreSQL database dump complete\n--\n", "");
        assert!(matches!(read(cut.as_bytes()), Err(ScriptError::NoTrailer)));
        assert!(read(&DUMP.as_bytes()[..DUMP.len() / 2 + 60]).is_err());
    }

    #[test]
    fn a_dump_may_connect_to_the_database_it_creates() {
        for (create, connect, accepted) in [
            ("CREATE DATABASE school", "\\connect school", true),
            (
                "CREATE DATABASE \"odd name\"",
                "\\connect -reuse-previous=on \"dbname='odd name'\"",
                true,
            ),
            ("CREATE DATABASE school", "\\connect other", false),
            ("CREATE DATABASE school", "\\connect school other_user", false),
        ] {
            let dump = DUMP.replace("\\restrict abc", &format!("{create};\n\n{connect}\n"));
            assert_eq!(read(dump.as_bytes()).is_ok(), accepted, "{connect}");
        }
    }

    #[test]
    fn a_dump_may_not_run_programs() {
        for command in
            ["\\! id", "\\copy t from program 'id'", "\\i /etc/passwd", "\\connect other"]
        {
            let error = read(DUMP.replace("\\restrict abc", command).as_bytes()).unwrap_err();
            assert!(matches!(error, ScriptError::PsqlCommand { .. }), "{command}: {error}");
        }
    }
}
