//! Hides what does not belong in a bug report.

use serde_json::Value;

use crate::change::Workspace;
use crate::failure::Result;
use crate::model::environment::Environment;
use crate::model::target::{Host, Secret, Target};

/// A shorter value of a variable is a word such as `true` or `5432`.
const SHORTEST_VALUE: usize = 6;

/// What is hidden, each with what stands in its place.
#[derive(Default)]
pub(super) struct Redaction {
    hidden: Vec<(String, String)>,
}

impl Redaction {
    /// Hides the values of variables, and shows the folder of the project as `<project>`.
    pub(super) fn of(workspace: &Workspace) -> Result<Redaction> {
        let mut redaction = Redaction::default();
        redaction.hide(&workspace.settings.root.display().to_string(), "<project>");
        for (name, value) in workspace.values_of_variables()? {
            let is_word = value.len() < SHORTEST_VALUE || Environment::named(&value).is_some();
            if !is_word && !is_harmless(&name) {
                redaction.hide(&value, &format!("<{name}>"));
            }
            // A server that this run does not use may be named in a message too.
            if value.contains("://")
                && let Ok(Some(target)) = workspace.database_in_variable(&name)
            {
                redaction.hide_target(&target);
            }
        }
        Ok(redaction)
    }

    /// Hides the server, the role and the password of a target.
    pub(super) fn hide_target(&mut self, target: &Target) {
        if let Host::Name(name) = &target.host
            && !target.is_local()
        {
            self.hide(name, "<host>");
        }
        self.hide_role(&target.user);
        if let Some(password) = target.password.as_ref().map(Secret::expose) {
            self.hide(password, "<password>");
        }
    }

    /// Hides the name of a role that somebody chose.
    pub(super) fn hide_role(&mut self, role: &str) {
        if role != "postgres" {
            self.hide(role, "<role>");
        }
    }

    /// The first meaning of a text is the one that is shown.
    fn hide(&mut self, text: &str, placeholder: &str) {
        if !text.is_empty() && !self.hidden.iter().any(|(hidden, _)| hidden == text) {
            self.hidden.push((text.to_owned(), placeholder.to_owned()));
        }
    }

    /// The document with everything hidden, but for the words of checks.
    pub(super) fn apply(&mut self, document: &mut Value) {
        // What contains another hidden text is replaced first.
        self.hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        self.apply_to(document);
    }

    fn apply_to(&self, document: &mut Value) {
        match document {
            Value::String(text) => *text = self.text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.apply_to(value)),
            Value::Object(members) => {
                // What a variable or a pattern of hosts says about the environment.
                members.remove("said");
                let is_shown = |name: &str| matches!(name, "id" | "state" | "environment");
                let hidden = members.iter_mut().filter(|(name, _)| !is_shown(name));
                hidden.for_each(|(_, value)| self.apply_to(value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces what is hidden where it is a word of its own. What was put in its place is left as
    /// it is.
    fn text(&self, text: &str) -> String {
        let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(first) = rest.chars().next() {
            let is_inside = ends_in_word(&shown) && is_of_word(first);
            let found = self.hidden.iter().find(|(hidden, _)| {
                let after = rest.strip_prefix(hidden.as_str());
                after.is_some_and(|after| {
                    let goes_on = ends_in_word(hidden) && after.starts_with(is_of_word);
                    !is_inside && !goes_on
                })
            });
            let length = match found {
                Some((hidden, placeholder)) => {
                    shown.push_str(placeholder);
                    hidden.len()
                }
                None => {
                    shown.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[length..];
        }
        shown
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn ends_in_word(text: &str) -> bool {
    text.ends_with(is_of_word)
}

/// What cargo says about the packages that it builds, and the locale.
fn is_harmless(name: &str) -> bool {
    let is_of_cargo = name.starts_with("CARGO_") && !name.starts_with("CARGO_DB_");
    is_of_cargo || name == "LANG" || name.starts_with("LC_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_hidden_the_longest_first() {
        let mut redaction = Redaction::default();
        redaction.hide("app", "<role>");
        redaction.hide("db.app.example", "<host>");
        redaction.hide("p@ss=", "<password>");
        let text = "app@db.app.example: apps of app_x, map, p@ss=word (app)";
        let mut document = serde_json::json!({ "id": "app", "said": "x", "why": [text] });
        redaction.apply(&mut document);
        let shown = "<role>@<host>: apps of app_x, map, <password>word (<role>)";
        assert_eq!(document, serde_json::json!({ "id": "app", "why": [shown] }));
    }
}
