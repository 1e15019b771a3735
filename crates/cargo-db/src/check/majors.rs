//! Syntax that a server may be too old for: the parser knows the newest PostgreSQL.

use crate::check::finding::finding;
use crate::check::words::as_strs;
use crate::model::finding::Finding;
use pg_sql::lexer::words;
use pg_sql::script::Statement;

/// New syntax, the major version that introduced it, and the words that identify it: a statement
/// begins with `begins`, and contains the groups of `holds` one after the other. In a group, `ANY`
/// matches one word, such as a name.
struct NewSyntax {
    what: &'static str,
    since: u32,
    begins: &'static [&'static str],
    holds: &'static [&'static [&'static str]],
}

const ANY: &str = "";

const fn new(
    what: &'static str,
    since: u32,
    begins: &'static [&'static str],
    holds: &'static [&'static [&'static str]],
) -> NewSyntax {
    NewSyntax { what, since, begins, holds }
}

#[rustfmt::skip]
const ALL: &[NewSyntax] = &[
    new("CREATE OR REPLACE TRIGGER", 14, &["create", "or", "replace", "trigger"], &[]),
    new("DETACH PARTITION … CONCURRENTLY", 14, &["alter", "table"],
        &[&["detach", "partition"], &["concurrently"]]),
    new("SQL functions with BEGIN ATOMIC", 14, &["create"], &[&["begin", "atomic"]]),
    new("MERGE", 15, &["merge", "into"], &[]),
    new("NULLS NOT DISTINCT", 15, &["create"], &[&["nulls", "not", "distinct"]]),
    new("NULLS NOT DISTINCT", 15, &["alter"], &[&["nulls", "not", "distinct"]]),
    new("security_invoker", 15, &["create"], &[&["view"], &["security_invoker"]]),
    new("security_invoker", 15, &["alter", "view"], &[&["security_invoker"]]),
    new("STORAGE in CREATE TABLE", 16, &["create", "table"],
        &[&["storage", "external"]]),
    new("MERGE … RETURNING", 17, &["merge", "into"], &[&["returning"]]),
    new("SET EXPRESSION", 17, &["alter", "table"], &[&["set", "expression"]]),
    new("ON_ERROR of COPY", 17, &["copy"], &[&["on_error"]]),
    new("VIRTUAL columns", 18, &["create", "table"],
        &[&["generated", "always", "as", "("], &[")", "virtual"]]),
    new("VIRTUAL columns", 18, &["alter", "table"],
        &[&["generated", "always", "as", "("], &[")", "virtual"]]),
    new("WITHOUT OVERLAPS", 18, &["create", "table"], &[&["without", "overlaps"]]),
    new("WITHOUT OVERLAPS", 18, &["alter", "table"], &[&["without", "overlaps"]]),
    new("NOT ENFORCED", 18, &["create", "table"], &[&["not", "enforced"]]),
    new("NOT ENFORCED", 18, &["alter", "table"], &[&["not", "enforced"]]),
    new("NOT VALID of NOT NULL", 18, &["alter", "table"],
        &[&["add", "constraint", ANY, "not", "null", ANY, "not", "valid"]]),
    new("NOT VALID of NOT NULL", 18, &["alter", "table"],
        &[&["add", "not", "null", ANY, "not", "valid"]]),
];

/// Finds syntax in a statement that a server of this major version does not know.
pub(super) fn too_new(statement: &Statement, server: u32) -> Option<Finding> {
    let words = words(&statement.text);
    let words = as_strs(&words);
    let newest = ALL.iter().filter(|new| new.since > server && new.is_in(&words));
    let new = newest.max_by_key(|new| new.since)?;
    let why =
        format!("PostgreSQL {server} does not know {}, which came with {}", new.what, new.since);
    Some(finding("syntax", statement.line, &statement.text, why))
}

impl NewSyntax {
    fn is_in(&self, words: &[&str]) -> bool {
        let mut rest = words;
        let fits = |window: &[&str], group: &[&str]| {
            window.iter().zip(group).all(|(word, wanted)| *wanted == ANY || word == wanted)
        };
        words.starts_with(self.begins)
            && self.holds.iter().all(|group| {
                let at = rest.windows(group.len()).position(|window| fits(window, group));
                rest = at.map_or(&[], |at| &rest[at + group.len() - 1..]);
                at.is_some()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(sql: &str, server: u32) -> Option<String> {
        let statement = Statement { text: sql.to_owned(), line: 1, column: 1 };
        too_new(&statement, server).map(|found| found.evidence)
    }

    #[test]
    fn a_server_is_too_old_for_what_came_later() {
        let virtual_ = "ALTER TABLE a ADD COLUMN b int GENERATED ALWAYS AS (c + 1) VIRTUAL";
        let told = "PostgreSQL 17 does not know VIRTUAL columns, which came with 18";
        assert_eq!(why(virtual_, 17).as_deref(), Some(told));
        assert_eq!(why(virtual_, 18), None);
        let merge = "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE";
        assert!(why(merge, 14).is_some());
        assert_eq!(why(merge, 15), None);
        assert!(why(&format!("{merge} RETURNING 1"), 16).is_some());
        assert!(why("CREATE UNIQUE INDEX i ON a (b) NULLS NOT DISTINCT", 14).is_some());
        assert!(why("ALTER TABLE a ADD CONSTRAINT c NOT NULL b NOT VALID", 17).is_some());
    }

    #[test]
    fn what_only_mentions_it_is_known() {
        for sql in [
            "COMMENT ON TABLE a IS 'without overlaps, not enforced'",
            "CREATE TABLE virtual (storage int, b int GENERATED ALWAYS AS (1) STORED)",
            "SELECT 1 AS merge",
            "ALTER TABLE a ALTER COLUMN b SET NOT NULL",
            "ALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID",
            "ALTER TABLE a ADD CHECK (b IS NOT NULL) NOT VALID",
        ] {
            assert_eq!(why(sql, 12), None, "{sql}");
        }
    }
}
