//! One statement of a script, and what its first words say about it.

use crate::lexer::{Lexed, Token, first_words, token, words};

/// One statement, without the `;` that ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The statement itself.
    pub text: String,
    /// The line its text begins on, from 1.
    pub line: usize,
    /// The character of that line its text begins with, from 1.
    pub column: usize,
}

impl Statement {
    /// Whether the lines after it, up to `\.`, are its data.
    pub fn reads_data(&self) -> bool {
        if !self.text.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("copy")) {
            return false;
        }
        words(&self.text).windows(2).any(|pair| pair[0] == "from" && pair[1] == "stdin")
    }

    /// Whether rows come back as the data of a COPY.
    pub fn writes_data(&self) -> bool {
        if first_words(&self.text, 1).first().is_none_or(|first| first != "copy") {
            return false;
        }
        words(&self.text).windows(2).any(|pair| pair[0] == "to" && pair[1] == "stdout")
    }

    /// Whether it begins or ends a transaction, and therefore cannot run inside ours.
    pub fn controls_transaction(&self) -> bool {
        let words = first_words(&self.text, 3);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["rollback", "to", ..] | ["rollback", "work" | "transaction", "to", ..] => false,
            ["begin" | "commit" | "end" | "abort" | "rollback", ..]
            | ["start" | "prepare", "transaction", ..] => true,
            _ => false,
        }
    }

    /// The database that it creates.
    pub(crate) fn created_database(&self) -> Option<String> {
        match words(self.text.get(..300).unwrap_or(&self.text)).as_slice() {
            [create, database, name, ..] if create == "create" && database == "database" => {
                Some(name.clone())
            }
            _ => None,
        }
    }

    /// Whether it is about the database as a whole: `pg_dump --create` writes these statements, and
    /// loading the dump into a database with another name has to skip them.
    pub fn is_about_database(&self) -> bool {
        let words = words(self.text.get(..300).unwrap_or(&self.text));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create" | "alter" | "drop", "database", ..] | ["comment", "on", "database", ..] => {
                true
            }
            ["grant" | "revoke", ..] => words.windows(2).any(|pair| pair == ["on", "database"]),
            ["alter", "role" | "user", _, "in", "database", ..] => true,
            _ => false,
        }
    }

    /// The parameter that it sets for the session.
    pub fn parameter(&self) -> Option<String> {
        let words = first_words(&self.text, 4);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["set", name, "=" | "to", ..] | ["set", "session" | "local", name, "=" | "to", ..] => {
                Some((*name).to_owned())
            }
            _ => None,
        }
    }

    /// Whether it is a BEGIN without options.
    pub fn is_plain_begin(&self) -> bool {
        let words = words(&self.text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["begin"] | ["begin", "work" | "transaction"] | ["start", "transaction"]
        )
    }

    /// Whether it is a COMMIT without options.
    pub fn is_plain_commit(&self) -> bool {
        let words = words(&self.text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        matches!(words.as_slice(), ["commit" | "end"] | ["commit" | "end", "work" | "transaction"])
    }

    /// Whether it does more to a transaction than begin or end it, as `AND CHAIN` does.
    pub fn chains_transaction(&self) -> bool {
        if !self.controls_transaction() {
            return false;
        }
        let words = words(&self.text);
        let is_chain = |pair: &[String]| pair[0] == "and" && pair[1] == "chain";
        let prepared = words.get(1).is_some_and(|word| word == "prepared");
        prepared || words[0] == "prepare" || words.windows(2).any(is_chain)
    }

    /// The setting that would make the server read the following text differently from cargo db,
    /// which assumes UTF-8 and standard strings; and the value that it sets.
    pub fn misleading_setting(&self) -> Option<(&'static str, String)> {
        let first = first_words(&self.text, 1);
        let sets = first.first().is_some_and(|first| first == "set");
        if !sets && !self.mentions("set_config") {
            return None;
        }
        let tokens = self.tokens();
        let words: Vec<String> = tokens.iter().map(|(_, text)| text.to_lowercase()).collect();
        let set = match words.first().map(String::as_str) {
            Some("set") => words[1..].iter().position(|word| !is_scope(word)).map(|at| at + 1),
            _ => None,
        };
        let (name, value) = match set {
            Some(at) if words.get(at).is_some_and(|word| word == "names") => {
                ("client_encoding".to_owned(), words.get(at + 1)?.clone())
            }
            Some(at) => (bare(words.get(at)?), words.get(at + 2)?.clone()),
            None => {
                let at = words.iter().position(|word| bare(word) == "set_config")?;
                (bare(words.get(at + 2)?), words.get(at + 4)?.clone())
            }
        };
        misleads(&name, &bare(&value)).map(|name| (name, bare(&value)))
    }

    /// All that is not space or a comment.
    pub(crate) fn tokens(&self) -> Vec<(Token, &str)> {
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < self.text.len() {
            let Lexed::Token(kind, length) = token(&self.text.as_bytes()[at..], true) else {
                break;
            };
            if !matches!(kind, Token::Space | Token::Comment) {
                tokens.push((kind, &self.text[at..at + length]));
            }
            at += length;
        }
        tokens
    }

    /// Whether it certainly changed nothing if it waited too long for a lock: a statement that
    /// runs user code may already have committed a part.
    pub fn can_be_tried_again(&self) -> bool {
        let first = first_words(&self.text, 1);
        matches!(
            first.first().map(String::as_str),
            Some("create" | "drop" | "alter" | "reindex" | "comment" | "refresh")
        )
    }

    /// Whether it may give rows.
    pub fn may_return_rows(&self) -> bool {
        const GIVE: [&str; 10] = [
            "(", "select", "with", "values", "table", "fetch", "execute", "show", "call", "explain",
        ];
        let first = first_words(&self.text, 1);
        first.first().is_some_and(|first| GIVE.contains(&first.as_str()))
            || self.mentions("returning")
                && words(&self.text).iter().any(|word| word == "returning")
    }

    /// Whether it contains this text anywhere.
    fn mentions(&self, letters: &str) -> bool {
        let mut windows = self.text.as_bytes().windows(letters.len());
        windows.any(|window| window.eq_ignore_ascii_case(letters.as_bytes()))
    }

    /// Whether it ends a transaction.
    pub fn ends_transaction(&self) -> bool {
        self.controls_transaction() && !self.begins_transaction()
    }

    /// Whether it runs code of the user's that may commit: then a part of it stays when it fails.
    pub fn commits_in_parts(&self) -> bool {
        let first = first_words(&self.text, 1);
        matches!(first.first().map(String::as_str), Some("call" | "do"))
    }

    /// Whether it begins a transaction.
    pub fn begins_transaction(&self) -> bool {
        matches!(first_words(&self.text, 1).first().map(String::as_str), Some("begin" | "start"))
    }
}

fn is_scope(word: &str) -> bool {
    matches!(word, "session" | "local")
}

/// A name or a value without its quotes.
fn bare(word: &str) -> String {
    word.trim_start_matches(['e', 'E']).strip_prefix('\'').map_or_else(
        || word.trim_matches('"').to_owned(),
        |text| text.trim_end_matches('\'').to_lowercase(),
    )
}

/// The setting, if it is one that this value makes misleading.
fn misleads(name: &str, value: &str) -> Option<&'static str> {
    match name {
        "client_encoding" => {
            let plain = value.replace(['-', '_'], "");
            let same = matches!(plain.as_str(), "utf8" | "unicode" | "default");
            (!same).then_some("client_encoding")
        }
        "standard_conforming_strings" => {
            let same = matches!(value, "on" | "true" | "yes" | "1" | "t" | "y" | "default");
            (!same).then_some("standard_conforming_strings")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_have_text_read_otherwise_is_known() {
        let misleads =
            |text: &str| Statement { text: text.into(), line: 1, column: 1 }.misleading_setting();
        for (text, name, value) in [
            ("SET client_encoding = 'LATIN1'", "client_encoding", "latin1"),
            ("set session client_encoding to sjis", "client_encoding", "sjis"),
            ("SET LOCAL \"client_encoding\" TO 'EUC_JP'", "client_encoding", "euc_jp"),
            ("SET NAMES 'win1252'", "client_encoding", "win1252"),
            ("SET standard_conforming_strings = off", "standard_conforming_strings", "off"),
            (
                "SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false)",
                "standard_conforming_strings",
                "off",
            ),
            ("SELECT set_config ( E'client_encoding', 'GBK', true )", "client_encoding", "gbk"),
        ] {
            assert_eq!(misleads(text), Some((name, value.to_owned())), "{text}");
        }
        for text in [
            "SET client_encoding = 'UTF8'",
            "SET NAMES 'utf8'",
            "SET standard_conforming_strings = on",
            "SELECT pg_catalog.set_config('search_path', '', false)",
            "SET search_path = app",
            "RESET client_encoding",
            "SELECT 'SET client_encoding = LATIN1'",
        ] {
            assert_eq!(misleads(text), None, "{text}");
        }
    }

    #[test]
    fn transaction_control_is_distinguished_from_savepoints() {
        let controls =
            |text: &str| Statement { text: text.into(), line: 1, column: 1 }.controls_transaction();
        for text in ["BEGIN", "commit work", "START TRANSACTION", "rollback", "/* x */ END"] {
            assert!(controls(text), "{text}");
        }
        for text in ["ROLLBACK TO a", "SAVEPOINT a", "PREPARE q AS SELECT 1", "SELECT 1"] {
            assert!(!controls(text), "{text}");
        }
    }
}
