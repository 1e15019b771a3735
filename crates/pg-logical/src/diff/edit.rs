//! What is to be done with an object that both databases have.

use crate::ddl;
use crate::diff::step::Hazard;

/// One difference, and the statements that make it go away.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) found: String,
    pub(super) statements: Vec<String>,
    pub(super) hazards: Vec<Hazard>,
}

impl Edit {
    pub(super) fn new(found: impl Into<String>, statement: impl Into<String>) -> Edit {
        Edit::of(found, vec![statement.into()])
    }

    pub(super) fn of(found: impl Into<String>, statements: Vec<String>) -> Edit {
        Edit { found: found.into(), statements, hazards: Vec::new() }
    }

    pub(super) fn with(mut self, hazard: Hazard) -> Edit {
        self.hazards.push(hazard);
        self
    }
}

/// Whether two objects of one name differ, and what can be done about it.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// In place; not at all, where there is no edit.
    Alter(Vec<Edit>),
    /// Only by dropping it and making it again.
    Replace,
    /// Not without losing rows: why.
    Refuse(String),
}

impl Verdict {
    pub(super) fn same() -> Verdict {
        Verdict::Alter(Vec::new())
    }
}

/// `COMMENT ON`.
pub(super) fn comment(target: &str, text: Option<&str>) -> Edit {
    let statement = match text {
        Some(text) => ddl::comment_on(target, text),
        None => format!("COMMENT ON {target} IS NULL"),
    };
    let word = if text.is_some() { "comment on" } else { "no comment on" };
    let (kind, name) = target.split_once(' ').unwrap_or((target, ""));
    let name = name.strip_prefix("public.").unwrap_or(name);
    Edit::new(format!("{word} {} {name}", kind.to_lowercase()), statement)
}
