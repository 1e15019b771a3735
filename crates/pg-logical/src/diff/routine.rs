//! Functions and procedures.

use crate::catalog::{Definition, Function, Object};
use crate::diff::compare::Pair;
use crate::diff::edit::{Edit, Verdict};
use crate::diff::hazard::Hazard;
use crate::diff::words;

pub(super) fn function(pair: &Pair<'_>) -> Verdict {
    let (Definition::Function(old), Definition::Function(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if pair.is_same() {
        return Verdict::same();
    }
    if !may_replace(old, new) {
        return Verdict::Replace;
    }
    let made = pair.after().made(pair.new_at);
    let replace = made.iter().map(|text| text.replacen("CREATE ", "CREATE OR REPLACE ", 1));
    let found = format!("{} changes", words::of(&pair.now().identity));
    let mut edit = Edit::of(found, replace.collect());
    if old.is_definer != new.is_definer {
        edit.hazards.push(Hazard::AuthzChanged);
    }
    Verdict::Alter(vec![edit])
}

/// Whether the body of a function is text, so that PostgreSQL does not record what it depends on.
pub(super) fn is_untracked(object: &Object) -> bool {
    match &object.definition {
        Definition::Function(one) => {
            one.body.is_none() && one.library.is_none() && one.language != "internal"
        }
        _ => false,
    }
}

/// Whether `CREATE OR REPLACE` is possible: the same result, the same arguments, and no fewer
/// defaults.
fn may_replace(old: &Function, new: &Function) -> bool {
    let (old_arguments, new_arguments) = (arguments(&old.arguments), arguments(&new.arguments));
    let bare = |arguments: &[(String, bool)]| {
        arguments.iter().map(|(text, _)| text.clone()).collect::<Vec<_>>()
    };
    let defaults = |arguments: &[(String, bool)]| arguments.iter().filter(|(_, is)| *is).count();
    old.result == new.result
        && old.is_window == new.is_window
        && bare(&old_arguments) == bare(&new_arguments)
        && defaults(&old_arguments) <= defaults(&new_arguments)
}

/// The arguments without their defaults, and whether each has one.
fn arguments(text: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut quote = None;
    let mut one = String::new();
    for letter in text.chars() {
        match letter {
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            letter if quote == Some(letter) => quote = None,
            '(' | '[' if quote.is_none() => depth += 1,
            ')' | ']' if quote.is_none() => depth -= 1,
            ',' if quote.is_none() && depth == 0 => {
                found.push(std::mem::take(&mut one));
                continue;
            }
            _ => {}
        }
        one.push(letter);
    }
    found.push(one);
    let bare = |text: String| match text.split_once(" DEFAULT ") {
        Some((before, _)) => (before.trim().to_owned(), true),
        None => (text.trim().to_owned(), false),
    };
    found.into_iter().map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_a_default_does_not_separate_arguments() {
        let text = "a integer DEFAULT f(1, 2), b text DEFAULT ','::text, OUT c numeric(1,2)";
        let found = arguments(text);
        let bare: Vec<&str> = found.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(bare, ["a integer", "b text", "OUT c numeric(1,2)"]);
        assert_eq!(found.iter().filter(|(_, is)| *is).count(), 2);
    }
}
