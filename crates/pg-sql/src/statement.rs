//! One statement of a script, and what its first words say about it.

use crate::lexer::words;

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

    /// Whether it begins or ends a transaction, and so cannot stand inside ours.
    pub fn controls_transaction(&self) -> bool {
        let words = words(&self.text);
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

    /// Whether it is about the database as a whole: what `pg_dump --create` writes, and what
    /// whoever loads a dump into a database of another name has to leave out.
    pub fn is_about_database(&self) -> bool {
        let words = words(self.text.get(..300).unwrap_or(&self.text));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["create" | "alter" | "drop", "database", ..] | ["comment", "on", "database", ..] => {
                true
            }
            ["grant" | "revoke", ..] => words.windows(2).any(|pair| pair == ["on", "database"]),
            _ => false,
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

    /// Whether it is sure to have done nothing when it waited too long for a lock: what runs code
    /// of the user's may have committed a part of it.
    pub fn can_be_tried_again(&self) -> bool {
        let first = words(&self.text).into_iter().next();
        matches!(
            first.as_deref(),
            Some("create" | "drop" | "alter" | "reindex" | "comment" | "refresh")
        )
    }

    /// Whether it begins a transaction.
    pub fn begins_transaction(&self) -> bool {
        matches!(words(&self.text).first().map(String::as_str), Some("begin" | "start"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_control_is_told_from_savepoints() {
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
