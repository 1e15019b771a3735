//! Statements that disable checks of the database, or mark them as done.

use pg_sql::lexer::words;

use crate::check::words::{as_strs, texts};

/// What a statement switches off: the rule that it breaks, and in words.
pub(super) fn switched_off(statement: &str) -> Option<(&'static str, &'static str)> {
    let words = words(statement);
    let words = as_strs(&words);
    let disabled = match words.as_slice() {
        ["alter", "table", rest @ ..] => after(rest, &["disable", "trigger"]),
        _ => None,
    };
    if let Some(which) = disabled {
        // The triggers of a foreign key have names of their own.
        let of_keys = which == "all" || which.to_lowercase().starts_with("ri_constraint");
        return Some(if of_keys {
            ("constraints-off", "foreign-key triggers are off")
        } else {
            ("trigger-off", "the trigger does not fire meanwhile")
        });
    }
    if replicates(&words, &texts(statement)) {
        return Some((
            "constraints-off",
            "the role `replica` checks no foreign keys and fires no triggers",
        ));
    }
    if touches_own(&words) {
        return Some(("own-tables", "the marker and the audit trail belong to cargo db"));
    }
    writes_catalog(&words).then_some(("catalog-written", "the catalog is written directly"))
}

/// Whether a statement writes, alters or renames the marker or the audit trail. Privileges and
/// reads are not reported.
fn touches_own(words: &[&str]) -> bool {
    const SCHEMA: &str = "cargo_db";
    let is_table = |three: &[&str]| matches!(three, [SCHEMA, ".", "marker" | "audit"]);
    match words {
        ["drop" | "alter", "schema", rest @ ..] => rest.contains(&SCHEMA),
        ["update" | "delete" | "insert", rest @ ..] => {
            let named = rest.iter().position(|word| !matches!(*word, "from" | "into" | "only"));
            named.and_then(|at| rest.get(at..at + 3)).is_some_and(is_table)
        }
        ["truncate" | "alter" | "drop" | "create", rest @ ..] => rest.windows(3).any(is_table),
        _ => false,
    }
}

/// The word after this pattern.
fn after<'a>(words: &[&'a str], pattern: &[&str]) -> Option<&'a str> {
    let at = words.windows(pattern.len()).position(|window| window == pattern)?;
    words.get(at + pattern.len()).copied()
}

/// Whether the session's replication role is set to another than the default.
fn replicates(words: &[&str], texts: &[String]) -> bool {
    const NAME: &str = "session_replication_role";
    let is_text = |text: &String, what: &str| text.trim_matches('\'').eq_ignore_ascii_case(what);
    let to = match words {
        ["set", "session" | "local", NAME, _, to, ..] | ["set", NAME, _, to, ..] => *to,
        _ if words.contains(&"set_config") && texts.iter().any(|text| is_text(text, NAME)) => "''",
        _ => return false,
    };
    let usual = to == "''" && texts.iter().any(|text| is_text(text, "origin"));
    !usual && !matches!(to, "origin" | "default")
}

/// Whether rows of the server's own catalog are changed.
fn writes_catalog(words: &[&str]) -> bool {
    let ["update" | "delete" | "insert", table @ ..] = words else { return false };
    let mut names = table.iter().filter(|word| !matches!(**word, "from" | "into" | "only"));
    match (names.next(), names.next(), names.next()) {
        (Some(&"pg_catalog"), Some(&"."), Some(_)) => true,
        (Some(name), next, _) => {
            let known = [
                "pg_constraint",
                "pg_trigger",
                "pg_index",
                "pg_class",
                "pg_attribute",
                "pg_enum",
                "pg_proc",
                "pg_type",
                "pg_depend",
            ];
            known.contains(name) && next != Some(&".")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(statement: &str) -> Option<&'static str> {
        switched_off(statement).map(|(rule, _)| rule)
    }

    #[test]
    fn foreign_keys_that_are_off_are_told_from_a_trigger() {
        assert_eq!(rule("ALTER TABLE ONLY s.a DISABLE TRIGGER ALL"), Some("constraints-off"));
        let named = "ALTER TABLE a DISABLE TRIGGER \"RI_ConstraintTrigger_a_16401\"";
        assert_eq!(rule(named), Some("constraints-off"));
        assert_eq!(rule("ALTER TABLE a DISABLE TRIGGER stamp"), Some("trigger-off"));
        assert_eq!(rule("ALTER TABLE a DISABLE TRIGGER USER"), Some("trigger-off"));
        assert_eq!(rule("ALTER TABLE a ENABLE TRIGGER ALL"), None);
    }

    fn break_nothing(statements: &[&str]) {
        for statement in statements {
            assert_eq!(rule(statement), None, "{statement}");
        }
    }

    #[test]
    fn every_spelling_of_a_replica_is_one() {
        for statement in [
            "SET session_replication_role = replica",
            "SET SESSION session_replication_role TO 'replica'",
            "SET LOCAL session_replication_role = local",
            "SELECT set_config('session_replication_role', 'replica', true)",
            "SELECT pg_catalog.set_config('session_replication_role', mode, false) FROM modes",
        ] {
            assert_eq!(rule(statement), Some("constraints-off"), "{statement}");
        }
        break_nothing(&[
            "SET session_replication_role = origin",
            "SET session_replication_role TO DEFAULT",
            "RESET session_replication_role",
            "SELECT set_config('work_mem', '1MB', false)",
        ]);
    }

    #[test]
    fn migrations_may_not_change_the_marker_and_the_trail() {
        for statement in [
            "TRUNCATE cargo_db.audit",
            "DELETE FROM ONLY cargo_db.marker",
            "UPDATE \"cargo_db\".marker SET environment = 'test'",
            "INSERT INTO cargo_db.audit (record) VALUES ('')",
            "DROP SCHEMA IF EXISTS cargo_db CASCADE",
            "ALTER TABLE cargo_db.marker RENAME TO m",
            "CREATE TRIGGER t BEFORE INSERT ON cargo_db.audit EXECUTE FUNCTION f()",
        ] {
            assert_eq!(rule(statement), Some("own-tables"), "{statement}");
        }
        break_nothing(&[
            "SELECT environment FROM cargo_db.marker",
            "GRANT SELECT ON cargo_db.audit TO app",
            "INSERT INTO seen SELECT environment FROM cargo_db.marker",
            "UPDATE users SET name = 'cargo_db.marker'",
        ]);
    }

    #[test]
    fn the_catalog_is_not_written_by_hand() {
        for statement in [
            "UPDATE pg_constraint SET convalidated = true",
            "UPDATE pg_catalog.pg_index SET indisvalid = true",
            "DELETE FROM pg_trigger WHERE tgname = 'x'",
            "INSERT INTO pg_depend VALUES (1)",
        ] {
            assert_eq!(rule(statement), Some("catalog-written"), "{statement}");
        }
        break_nothing(&[
            "SELECT * FROM pg_class",
            "UPDATE users SET name = 'pg_class'",
            "INSERT INTO copies SELECT * FROM pg_class",
        ]);
    }
}
