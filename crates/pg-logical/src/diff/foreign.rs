//! Foreign data wrappers, servers and user mappings.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::Definition;
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, Verdict};
use crate::diff::{options, words};

/// Runs `ALTER` with these clauses, if there are any.
fn altered(pair: &Pair<'_>, clauses: &[String]) -> Verdict {
    if clauses.is_empty() {
        return Verdict::same();
    }
    let identity = &pair.now().identity;
    let word = identity.kind.word().to_uppercase();
    let statement = format!("ALTER {word} {} {}", identity.sql(), clauses.join(" "));
    Verdict::Alter(vec![Edit::new(format!("{} changes", words::of(identity)), statement)])
}

pub(super) fn wrapper(pair: &Pair<'_>) -> Verdict {
    let (Definition::Wrapper(old), Definition::Wrapper(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let mut clauses = Vec::new();
    let mut function = |word: &str, old: &Option<String>, new: &Option<String>| match new {
        _ if old == new => {}
        Some(name) => clauses.push(format!("{word} {name}")),
        None => clauses.push(format!("NO {word}")),
    };
    function("HANDLER", &old.handler, &new.handler);
    function("VALIDATOR", &old.validator, &new.validator);
    clauses.extend(options::foreign(&old.options, &new.options));
    altered(pair, &clauses)
}

pub(super) fn server(pair: &Pair<'_>) -> Verdict {
    let (Definition::Server(old), Definition::Server(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if old.wrapper != new.wrapper || old.kind != new.kind {
        return Verdict::Replace;
    }
    let mut clauses = Vec::new();
    match &new.version {
        version if *version == old.version => {}
        Some(version) => clauses.push(format!("VERSION {}", quote_literal(version))),
        None => return Verdict::Replace,
    }
    clauses.extend(options::foreign(&old.options, &new.options));
    altered(pair, &clauses)
}

pub(super) fn user_mapping(pair: &Pair<'_>) -> Verdict {
    let (Definition::UserMapping(old), Definition::UserMapping(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let clauses: Vec<String> = options::foreign(&old.options, &new.options).into_iter().collect();
    altered(pair, &clauses)
}

/// Changes the options of a foreign table or of one of its columns.
pub(super) fn table_options(table: &str, column: Option<&str>, change: &str) -> String {
    let column = column.map(|name| format!("ALTER COLUMN {} ", quoted(name)));
    format!("ALTER FOREIGN TABLE {table} {}{change}", column.unwrap_or_default())
}
