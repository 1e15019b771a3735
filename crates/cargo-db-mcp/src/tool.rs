//! A tool, its arguments and its effect. The JSON Schema that clients see and the check of what
//! they send are made from one declaration.

use serde_json::{Map, Value, json};

/// A tool, as clients see it.
#[derive(Clone, Debug)]
pub struct OfferedTool {
    /// As it is called.
    pub name: &'static str,
    /// As people read it.
    pub title: &'static str,
    /// What it does, for the model that chooses among the tools.
    pub description: &'static str,
    /// What it can be told.
    pub arguments: Vec<ToolArgument>,
    /// What it may do.
    pub effect: ToolEffect,
}

/// What a tool can be told.
#[derive(Clone, Debug)]
pub struct ToolArgument {
    /// As it is sent.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
    /// What it can be.
    pub value: ArgumentType,
    /// Whether every call needs it.
    pub is_required: bool,
}

/// What an argument can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArgumentType {
    /// Text that is not empty, and has no NUL.
    Text,
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// A whole number from 1 on.
    Count,
    /// True or false.
    Flag,
}

/// What a tool may do. A client may ask its user before it calls one that destroys something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolEffect {
    /// Whether it changes nothing.
    pub is_read_only: bool,
    /// Whether it can replace or remove something.
    pub is_destructive: bool,
    /// Whether calling it twice is the same as calling it once.
    pub is_idempotent: bool,
    /// Whether it reaches things that nobody can list beforehand.
    pub is_open_world: bool,
}

impl ToolEffect {
    /// The effect of a tool that only reads.
    pub const READS: ToolEffect = ToolEffect {
        is_read_only: true,
        is_destructive: false,
        is_idempotent: true,
        is_open_world: false,
    };
}

/// The arguments of a call, as its tool declares them.
#[derive(Clone, Debug, Default)]
pub struct CheckedArguments(Map<String, Value>);

impl CheckedArguments {
    /// Whether this was sent.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The value of a text, or of one of several words.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// The value of a whole number.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name)?.as_u64()
    }

    /// Whether this is true. It is false if it was not sent.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

impl OfferedTool {
    /// The JSON Schema of its arguments.
    #[must_use]
    pub fn schema(&self) -> Map<String, Value> {
        let properties: Map<String, Value> = self
            .arguments
            .iter()
            .map(|argument| {
                let mut schema = argument.value.schema();
                schema.insert("description".to_owned(), argument.description.into());
                (argument.name.to_owned(), schema.into())
            })
            .collect();
        let required = self.arguments.iter().filter(|argument| argument.is_required);
        let required: Vec<&str> = required.map(|argument| argument.name).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.insert("additionalProperties".to_owned(), false.into());
        schema
    }

    /// What was sent, if all of it is declared. The error names the argument.
    pub(crate) fn check(&self, sent: Map<String, Value>) -> Result<CheckedArguments, String> {
        for (name, value) in &sent {
            let declared = self.arguments.iter().find(|argument| argument.name == name);
            let Some(argument) = declared else {
                return Err(format!("`{}` has no argument `{name}`{}", self.name, self.names()));
            };
            if !argument.value.accepts(value) {
                let expected = argument.value.in_words();
                return Err(format!("the argument `{name}` of `{}` is {expected}", self.name));
            }
        }
        let needed = |argument: &&ToolArgument| argument.is_required;
        match self.arguments.iter().filter(needed).find(|one| !sent.contains_key(one.name)) {
            Some(missing) => Err(format!("`{}` needs the argument `{}`", self.name, missing.name)),
            None => Ok(CheckedArguments(sent)),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.arguments.iter().map(|argument| argument.name).collect();
        match names.as_slice() {
            [] => ": it has none".to_owned(),
            names => format!(": it has {}", names.join(", ")),
        }
    }
}

impl ArgumentType {
    fn schema(&self) -> Map<String, Value> {
        let schema = match self {
            ArgumentType::Text => json!({"type": "string", "minLength": 1}),
            ArgumentType::OneOf(words) => json!({"type": "string", "enum": words}),
            ArgumentType::Count => json!({"type": "integer", "minimum": 1}),
            ArgumentType::Flag => json!({"type": "boolean"}),
        };
        schema.as_object().cloned().unwrap_or_default()
    }

    fn accepts(&self, value: &Value) -> bool {
        match self {
            ArgumentType::Text => {
                value.as_str().is_some_and(|text| !text.is_empty() && !text.contains('\0'))
            }
            ArgumentType::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            ArgumentType::Count => value.as_u64().is_some_and(|count| count > 0),
            ArgumentType::Flag => value.is_boolean(),
        }
    }

    fn in_words(&self) -> String {
        match self {
            ArgumentType::Text => "text that is not empty".to_owned(),
            ArgumentType::OneOf(words) => format!("one of {}", words.join(", ")),
            ArgumentType::Count => "a whole number from 1 on".to_owned(),
            ArgumentType::Flag => "true or false".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> OfferedTool {
        let argument =
            |name, value, is_required| ToolArgument { name, description: "", value, is_required };
        OfferedTool {
            name: "plan",
            title: "Plan",
            description: "",
            arguments: vec![
                argument("verb", ArgumentType::OneOf(vec!["migrate", "seed"]), true),
                argument("to", ArgumentType::Text, false),
                argument("steps", ArgumentType::Count, false),
                argument("show_all", ArgumentType::Flag, false),
            ],
            effect: ToolEffect::READS,
        }
    }

    fn check(sent: Value) -> Result<CheckedArguments, String> {
        let Value::Object(sent) = sent else { panic!("{sent} is no object") };
        tool().check(sent)
    }

    #[test]
    fn what_is_declared_arrives() {
        let sent = json!({"verb": "seed", "to": "-x", "steps": 2, "show_all": true});
        let arguments = check(sent).unwrap();
        assert_eq!(arguments.text("verb"), Some("seed"));
        assert_eq!(arguments.text("to"), Some("-x"));
        assert_eq!(arguments.count("steps"), Some(2));
        assert!(arguments.flag("show_all") && arguments.has("show_all"));
        let arguments = check(json!({"verb": "seed"})).unwrap();
        assert_eq!((arguments.text("to"), arguments.count("steps")), (None, None));
        assert!(!arguments.flag("show_all") && !arguments.has("show_all"));
    }

    #[test]
    fn everything_else_is_refused_by_its_name() {
        for (sent, said) in [
            (json!({}), "`plan` needs the argument `verb`"),
            (json!({"verb": "drop"}), "the argument `verb` of `plan` is one of migrate, seed"),
            (json!({"verb": "seed", "sql": "x"}), "`plan` has no argument `sql`: it has verb, to"),
            (json!({"verb": "seed", "to": 1}), "`to` of `plan` is text"),
            (json!({"verb": "seed", "to": ""}), "`to` of `plan` is text"),
            (json!({"verb": "seed", "to": "a\0b"}), "`to` of `plan` is text"),
            (json!({"verb": "seed", "to": null}), "`to` of `plan` is text"),
            (json!({"verb": "seed", "steps": 0}), "`steps` of `plan` is a whole number"),
            (json!({"verb": "seed", "steps": -1}), "`steps` of `plan` is a whole number"),
            (json!({"verb": "seed", "steps": 1.5}), "`steps` of `plan` is a whole number"),
            (json!({"verb": "seed", "steps": "1"}), "`steps` of `plan` is a whole number"),
            (json!({"verb": "seed", "show_all": "yes"}), "`show_all` of `plan` is true or false"),
        ] {
            let error = check(sent.clone()).unwrap_err();
            assert!(error.contains(said), "{sent}: {error}");
        }
    }

    #[test]
    fn the_schema_says_the_same() {
        let schema = Value::Object(tool().schema());
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["required"], json!(["verb"]));
        assert_eq!(schema["properties"]["verb"]["enum"], json!(["migrate", "seed"]));
        assert_eq!(schema["properties"]["steps"]["minimum"], 1);
    }
}
