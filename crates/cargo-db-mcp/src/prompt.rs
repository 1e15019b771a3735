//! A text that a person can choose in a client, such as a slash command.

use serde_json::{Map, Value};

/// A prompt, and what a person can fill in.
#[derive(Clone, Debug)]
pub struct OfferedPrompt {
    /// As clients list it.
    pub name: &'static str,
    /// What it is for.
    pub description: String,
    /// What can be filled in.
    pub blanks: Vec<PromptBlank>,
    /// What the model reads. `$NAME` is the value of the blank `name`, or nothing without one.
    pub text: String,
}

/// What a person can fill in.
#[derive(Clone, Debug)]
pub struct PromptBlank {
    /// In lower case.
    pub name: &'static str,
    /// What belongs there.
    pub description: String,
}

impl OfferedPrompt {
    /// The text with its blanks filled in. Fails for a value that has no blank, and for one that
    /// is not text.
    pub(crate) fn filled(&self, values: &Map<String, Value>) -> Result<String, String> {
        let is_known = |name: &str| self.blanks.iter().any(|blank| blank.name == name);
        if let Some(name) = values.keys().find(|name| !is_known(name)) {
            return Err(format!("the prompt `{}` has no argument `{name}`", self.name));
        }
        let mut text = self.text.clone();
        for PromptBlank { name, .. } in &self.blanks {
            let value = match values.get(*name) {
                None => "",
                Some(Value::String(value)) => value,
                Some(_) => return Err(format!("the argument `{name}` is not text")),
            };
            text = text.replace(&format!("${}", name.to_uppercase()), value);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_prompt_takes_what_it_has_a_blank_for() {
        let blank = PromptBlank { name: "arguments", description: "which".to_owned() };
        let prompt = OfferedPrompt {
            name: "db-status",
            description: "Show the state".to_owned(),
            blanks: vec![blank],
            text: "Look at $ARGUMENTS.".to_owned(),
        };
        let filled = |values: Value| prompt.filled(values.as_object().unwrap());
        assert_eq!(filled(json!({})).unwrap(), "Look at .");
        assert_eq!(filled(json!({"arguments": "api"})).unwrap(), "Look at api.");
        assert!(filled(json!({"arguments": 1})).unwrap_err().contains("`arguments` is not text"));
        assert!(filled(json!({"other": "x"})).unwrap_err().contains("no argument `other`"));
    }
}
