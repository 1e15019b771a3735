//! The schema in which a dump creates objects without a qualified name: the first existing schema
//! of the search path.

use std::collections::BTreeSet;

use crate::lexer::Token;
use crate::shape::Piece;
use crate::statement::Statement;

/// What is known of the search path after some of a dump's statements.
#[derive(Debug)]
pub(crate) struct DumpSearchPath {
    /// The schemas that certainly exist: `public`, and those that the dump creates.
    there: BTreeSet<String>,
    /// Whether an object that is created without a schema may end up in `pg_catalog`.
    pub(crate) leads_to_catalog: bool,
}

impl Default for DumpSearchPath {
    fn default() -> DumpSearchPath {
        DumpSearchPath { there: BTreeSet::from(["public".to_owned()]), leads_to_catalog: false }
    }
}

impl DumpSearchPath {
    /// Adds a schema that the database has.
    pub(crate) fn has(&mut self, schema: &str) {
        self.there.insert(schema.to_owned());
    }

    /// Takes note of what the next statement changes.
    pub(crate) fn note(&mut self, pieces: &[Piece<'_>]) {
        match pieces {
            [create, schema, name, ..] if are(&[create, schema], &["create", "schema"]) => {
                // With IF NOT EXISTS it may belong to an extension, and be dropped with that.
                self.there.extend(schema_name(name).filter(|name| name != "if"));
            }
            [drop, schema, names @ ..] if are(&[drop, schema], &["drop", "schema"]) => {
                self.forget(names);
            }
            _ => {
                let leads = self.set_by(pieces);
                self.leads_to_catalog = leads.unwrap_or(self.leads_to_catalog);
            }
        }
    }

    fn forget(&mut self, names: &[Piece<'_>]) {
        for piece in names.iter().filter(|piece| is_name(piece)) {
            match schema_name(piece) {
                Some(name) => drop(self.there.remove(&name)),
                None => self.there.clear(),
            }
        }
    }

    /// Whether the search path that a statement sets includes `pg_catalog`; `None` if it sets none.
    /// A path that cannot be parsed with certainty counts as including it.
    fn set_by(&self, pieces: &[Piece<'_>]) -> Option<bool> {
        let is_path =
            |piece: &Piece<'_>| piece.1.trim_matches('\'').eq_ignore_ascii_case("search_path");
        let at = pieces.iter().position(is_path)?;
        let value = pieces.get(at + 2..)?;
        let schemas = match at {
            1 if are(&[&pieces[0]], &["set"]) => listed(value),
            5 if are(&[&pieces[0]], &["select"]) => value.first().and_then(listed_in_text),
            _ => return None,
        };
        Some(schemas.is_none_or(|schemas| self.is_catalog_first(&schemas)))
    }

    /// Whether `pg_catalog` comes before every schema that exists.
    fn is_catalog_first(&self, schemas: &[String]) -> bool {
        let first = schemas.iter().find(|name| is_catalog(name) || self.there.contains(*name));
        first.is_some_and(|name| is_catalog(name))
    }
}

pub(crate) fn is_catalog(name: &str) -> bool {
    name.trim_matches('"').eq_ignore_ascii_case("pg_catalog")
}

fn are(pieces: &[&Piece<'_>], words: &[&str]) -> bool {
    pieces.iter().zip(words).all(|(piece, word)| piece.1.eq_ignore_ascii_case(word))
}

fn is_name(piece: &Piece<'_>) -> bool {
    matches!(piece.0, Token::Word | Token::QuotedName)
}

/// The name of a schema as the server reads it; nothing if that is not certain. How it folds
/// capitals beyond ASCII depends on the database.
fn schema_name(piece: &Piece<'_>) -> Option<String> {
    let (kind, text) = *piece;
    match kind {
        Token::Word if text.is_ascii() => Some(text.to_ascii_lowercase()),
        Token::QuotedName => Some(text[1..text.len() - 1].replace("\"\"", "\"")),
        Token::Text if !text.contains('\\') => {
            let inside = text.strip_prefix('\'')?.strip_suffix('\'')?;
            Some(inside.replace("''", "'"))
        }
        _ => None,
    }
}

/// The schemas of a comma-separated list.
fn listed(pieces: &[Piece<'_>]) -> Option<Vec<String>> {
    let of_comma = |(at, piece): (usize, &Piece<'_>)| (at % 2 == 1) == (piece.1 == ",");
    let is_list = pieces.len() % 2 == 1 && pieces.iter().enumerate().all(of_comma);
    let names = pieces.iter().step_by(2).map(schema_name);
    is_list.then(|| names.collect()).flatten()
}

/// The same for a list inside a string: text that is not a name here is not one for the server
/// either.
fn listed_in_text(text: &Piece<'_>) -> Option<Vec<String>> {
    let text = schema_name(text).filter(|_| text.0 == Token::Text)?;
    if text.is_empty() {
        return Some(Vec::new());
    }
    let list = Statement { text, line: 1, column: 1 };
    let pieces = list.tokens();
    let length = pieces.iter().map(|piece| piece.1.len()).sum::<usize>();
    // Comments and unreadable text yield no pieces, but the server does not skip them in a list.
    let spaces = list.text.bytes().filter(u8::is_ascii_whitespace).count();
    let is_all = length + spaces >= list.text.len() && pieces.iter().all(is_name_or_comma);
    is_all.then(|| listed(&pieces)).flatten()
}

fn is_name_or_comma(piece: &Piece<'_>) -> bool {
    is_name(piece) || piece.1 == ","
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the search path includes `pg_catalog` after some statements.
    fn leads(statements: &[&str]) -> bool {
        let mut path = DumpSearchPath::default();
        for text in statements {
            path.note(&Statement { text: (*text).to_owned(), line: 1, column: 1 }.tokens());
        }
        path.leads_to_catalog
    }

    #[test]
    fn however_it_is_written_the_servers_own_schema_is_known() {
        for text in [
            "SET search_path = pg_catalog, public",
            "SET search_path = $$pg_catalog$$",
            "SET search_path = E'pg_catalog'",
            "SET search_path = 'pg_' 'catalog'",
            "SET search_path = 'public, x', pg_catalog",
            "SET search_path TO \"pg_catalog\"",
            "SET search_path = nosuch, pg_catalog",
            "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false)",
            "SELECT pg_catalog.set_config('search_path', E'pg_c\\x61talog', false)",
            "SELECT pg_catalog.set_config('search_path', '\"public, x\", pg_catalog', false)",
            "SELECT pg_catalog.set_config('search_path', 'x\"y, pg_catalog', false)",
            "SELECT pg_catalog.set_config('search_path', 'a/*, public, */, pg_catalog', false)",
        ] {
            assert!(leads(&[text]), "{text}");
        }
        for text in [
            "SET search_path = public, pg_catalog",
            "SET search_path = nosuch",
            "SET search_path = 'public', pg_catalog",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SELECT pg_catalog.set_config('search_path', 'Public, pg_catalog', false)",
            "SET lock_timeout = 0",
        ] {
            assert!(!leads(&[text]), "{text}");
        }
    }

    #[test]
    fn a_schema_that_the_dump_made_comes_first() {
        let set = "SET search_path = app, pg_catalog";
        assert!(!leads(&["CREATE SCHEMA app", set]));
        assert!(!leads(&["CREATE SCHEMA \"A p\" AUTHORIZATION x", "SET search_path = \"A p\""]));
        assert!(leads(&[set, "SET lock_timeout = 0"]));
        assert!(leads(&["CREATE SCHEMA \"App\"", set]));
        assert!(leads(&["CREATE SCHEMA IF NOT EXISTS app", set]));
        assert!(leads(&["CREATE SCHEMA app", "DROP SCHEMA IF EXISTS x, APP CASCADE", set]));
        assert!(leads(&["DROP SCHEMA public", "SET search_path = public, pg_catalog"]));
        assert!(!leads(&[
            "DROP SCHEMA public",
            "CREATE SCHEMA public",
            "SET search_path = public, pg_catalog"
        ]));
    }
}
