//! Options in the form `name=value`, and the difference between two lists of them.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::ddl;

fn name(option: &str) -> &str {
    option.split_once('=').map_or(option, |(name, _)| name)
}

fn value<'a>(options: &'a [String], wanted: &str) -> Option<&'a str> {
    let found = options.iter().find(|option| name(option) == wanted)?;
    Some(found.split_once('=').map_or("", |(_, value)| value))
}

/// `SET (…)` and `RESET (…)` for storage parameters.
pub(super) fn stored(old: &[String], new: &[String], prefix: &str) -> Vec<String> {
    let is_set = |option: &&String| value(old, name(option)) != value(new, name(option));
    let set: Vec<String> = new.iter().filter(is_set).cloned().collect();
    let is_gone = |option: &&String| value(new, name(option)).is_none();
    let gone = old.iter().filter(is_gone).map(|o| format!("{prefix}{}", quoted(name(o))));
    let gone: Vec<String> = gone.collect();
    let mut clauses = Vec::new();
    if !set.is_empty() {
        clauses.push(format!("SET ({})", ddl::parameters(&set, prefix).join(", ")));
    }
    if !gone.is_empty() {
        clauses.push(format!("RESET ({})", gone.join(", ")));
    }
    clauses
}

/// `OPTIONS (…)` for foreign objects.
pub(super) fn foreign(old: &[String], new: &[String]) -> Option<String> {
    let mut parts = Vec::new();
    for option in new {
        let (name, wanted) = (name(option), value(new, name(option)).unwrap_or_default());
        match value(old, name) {
            Some(value) if value == wanted => {}
            Some(_) => parts.push(format!("SET {} {}", quoted(name), quote_literal(wanted))),
            None => parts.push(format!("ADD {} {}", quoted(name), quote_literal(wanted))),
        }
    }
    let gone = old.iter().filter(|option| value(new, name(option)).is_none());
    parts.extend(gone.map(|option| format!("DROP {}", quoted(name(option)))));
    (!parts.is_empty()).then(|| format!("OPTIONS ({})", parts.join(", ")))
}
