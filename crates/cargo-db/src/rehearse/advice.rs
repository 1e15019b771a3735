//! How to fix findings or accept them. The advice depends on the statement and on the project's
//! migration tool.

use std::collections::BTreeSet;

use pg_sql::lexer::words;

use crate::check::{adds_column, changes_type};
use crate::model::finding::{Class, Expected, Finding, IF_MEANT};
use crate::model::migration::Migration;
use crate::rehearse::measured::Measured;
use crate::settings::{Migrations, Settings};

/// Completes the help of findings.
pub(super) fn complete(
    findings: &mut [Finding],
    measured: &[Measured],
    settings: &Settings,
    migration: &Migration,
) {
    let migrations = &settings.migrations;
    let all = expectations(findings, settings.expected.of(&migration.version.to_string()));
    for one in findings {
        let statement = measured.iter().find(|measured| measured.line == one.line);
        if let ("scan-under-lock" | "rewrite", Some(statement)) = (one.rule.as_str(), statement) {
            one.help =
                Some(instead(&statement.text, migrations).unwrap_or_else(|| MOVE.to_owned()));
        }
        let Some(expectation) = one.expectation() else { continue };
        let accept = format!("{IF_MEANT}{}", place(&expectation, &all, migrations, migration));
        one.help = Some(match one.help.take().filter(|_| one.class != Class::Loss) {
            Some(help) => format!("{help}; {accept}"),
            None => accept,
        });
    }
}

/// What db.toml should say about the migration: what it says already, and what was found.
fn expectations(findings: &[Finding], known: Vec<Expected>) -> Vec<String> {
    let mut found: Vec<String> = findings.iter().filter_map(Finding::expectation).collect();
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert(one.clone()));
    // A bound that is too low is replaced.
    let is_kept = |known: &Expected| {
        let same = format!("{} {} <= ", known.hazard, known.object);
        !found.iter().any(|one| one.starts_with(&same))
    };
    let kept: Vec<Expected> = known.into_iter().filter(is_kept).collect();
    kept.iter().map(Expected::text).chain(found).collect()
}

/// Where to write an expectation. A tool that compares checksums would treat a new comment in the
/// migration as an edit, so with such a tool it belongs in db.toml, in one list with all others of
/// the migration.
fn place(
    expectation: &str,
    all: &[String],
    migrations: &Migrations,
    migration: &Migration,
) -> String {
    if migrations.layout.allows_comments() {
        let mark = if migrations.layout.is_code() { "" } else { "-- " };
        return format!("`{mark}cargo-db: expect {expectation}` in the file");
    }
    let table = match &migrations.set {
        Some(set) => format!("[expect.{}]", key(set)),
        None => "[expect]".to_owned(),
    };
    let version = key(&migration.version.to_string());
    let quoted = |one: &String| format!("\"{}\"", one.replace('"', "\\\""));
    let list: Vec<String> = all.iter().map(quoted).collect();
    format!("`{version} = [{}]` below `{table}` in db.toml", list.join(", "))
}

/// A key of a TOML table.
fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.bytes().all(is_bare) { name.to_owned() } else { format!("\"{name}\"") }
}

const MOVE: &str = "move this work to a separate migration, before or after";

/// How to get the same result without the lock; `None` for a statement that is not known here.
fn instead(statement: &str, migrations: &Migrations) -> Option<String> {
    let words = words(statement);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |pattern: &[&str]| words.windows(pattern.len()).any(|window| window == pattern);
    let how = match words.as_slice() {
        ["create", "index", ..] | ["create", "unique", "index", ..] | ["reindex", ..] => {
            return Some(concurrently(migrations));
        }
        ["refresh", ..] => "use REFRESH MATERIALIZED VIEW CONCURRENTLY",
        ["create", "table", ..] if has(&["partition", "of"]) => {
            "first add a CHECK to the default partition that rules out these rows"
        }
        ["cluster", ..] | ["vacuum", ..] => {
            "use pg_repack, which blocks reads and writes only briefly"
        }
        ["alter", "domain", ..] if has(&["set", "not", "null"]) => {
            "use ADD CHECK (VALUE IS NOT NULL) NOT VALID, and VALIDATE it in the next migration"
        }
        ["alter", "domain", ..] => {
            "add the constraint NOT VALID, and VALIDATE it in the next migration"
        }
        ["alter", "table", ..] if has(&["attach", "partition"]) => {
            "first add a matching CHECK to it NOT VALID, and VALIDATE it in an earlier migration"
        }
        ["alter", "table", ..] if words.contains(&"validate") => {
            "VALIDATE it in the next migration"
        }
        ["alter", "table", ..] if words.contains(&"exclude") => {
            "PostgreSQL has no other way: run it when the table is little used"
        }
        ["alter", "table", ..] if has(&["set", "not", "null"]) => {
            "first add CHECK (… IS NOT NULL) NOT VALID, and VALIDATE it in an earlier migration"
        }
        ["alter", "table", ..] if words.contains(&"unique") || has(&["primary", "key"]) => {
            "first create a unique index CONCURRENTLY, then add the constraint USING INDEX"
        }
        ["alter", "table", ..] if changes_type(&words) || adds_column(&words) => {
            "add a new column, fill it in batches, and switch over"
        }
        ["alter", "table", ..] if words.contains(&"add") => {
            "add the constraint NOT VALID, and VALIDATE it in the next migration"
        }
        ["alter", "table", ..] => {
            "PostgreSQL has no other way: run it when the table is little used"
        }
        _ => return None,
    };
    Some(how.to_owned())
}

/// How the project's tool runs a `CONCURRENTLY` statement.
fn concurrently(migrations: &Migrations) -> String {
    format!("use CONCURRENTLY: {}", migrations.layout.without_transaction())
}

#[cfg(test)]
mod tests {
    use super::*;
    use db_tools::ProjectTool;

    #[test]
    fn a_key_is_quoted_where_toml_wants_it() {
        assert_eq!(key("20260301090000"), "20260301090000");
        assert_eq!(key("V1.2"), "\"V1.2\"");
    }

    #[test]
    fn advice_is_about_what_is_altered_and_not_about_names() {
        let asked = |words: &str| {
            let words = pg_sql::lexer::words(words);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            (changes_type(&words), adds_column(&words))
        };
        let table = |rest: &str| asked(&format!("ALTER TABLE t {rest}"));
        for changes in
            ["ALTER a TYPE int", "ALTER type SET DATA TYPE int", "ADD CHECK (a), ALTER b TYPE int"]
        {
            assert!(table(changes).0, "{changes}");
        }
        for other in ["ADD CHECK (type > 1)", "ALTER COLUMN type SET NOT NULL", "DROP type"] {
            assert!(!table(other).0, "{other}");
        }
        assert!(table("ADD x uuid DEFAULT gen_random_uuid()").1);
        assert!(!table("ADD CHECK (type > 1)").1);
    }

    #[test]
    fn only_tools_without_checksums_allow_another_comment() {
        let allows = |tool: &str| ProjectTool::named(tool).unwrap().allows_comments();
        for tool in ["dbmate", "diesel", "goose", "golang-migrate", "alembic"] {
            assert!(allows(tool), "{tool}");
        }
        for tool in ["sqlx", "refinery", "flyway", "prisma", "drizzle", "sqitch", "liquibase"] {
            assert!(!allows(tool), "{tool}");
        }
    }
}
