//! How an object that is in both databases is changed.

use crate::ddl;
use crate::diff::hazard::Hazard;

/// A difference, and the statements that remove it.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    pub(super) found: String,
    pub(super) statements: Vec<String>,
    pub(super) hazards: Vec<Hazard>,
    /// The column that the edit concerns, where that matters, or the new value of an enum.
    pub(super) column: Option<String>,
}

impl Edit {
    pub(super) fn new(found: impl Into<String>, statement: impl Into<String>) -> Edit {
        Edit::of(found, vec![statement.into()])
    }

    pub(super) fn of(found: impl Into<String>, statements: Vec<String>) -> Edit {
        Edit { found: found.into(), statements, hazards: Vec::new(), column: None }
    }

    /// Names the column that the edit concerns, or the new value of an enum.
    pub(super) fn about(mut self, column: &str) -> Edit {
        self.column = Some(column.to_owned());
        self
    }

    pub(super) fn with(mut self, hazard: Hazard) -> Edit {
        self.hazards.push(hazard);
        self
    }
}

/// How an old object can become the new one of the same name.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// In place. Without edits, the two are the same.
    Alter(Vec<Edit>),
    /// Only by dropping and recreating it.
    Replace,
    /// Not without losing rows, for this reason.
    Refuse(String),
}

impl Verdict {
    pub(super) fn same() -> Verdict {
        Verdict::Alter(Vec::new())
    }
}

/// Sets or removes a comment.
pub(super) fn comment(target: &str, text: Option<&str>) -> Edit {
    let statement = match text {
        Some(text) => ddl::comment_on(target, text),
        None => format!("COMMENT ON {target} IS NULL"),
    };
    let word = if text.is_some() { "comment on" } else { "no comment on" };
    let (kind, name) = target.split_once(' ').unwrap_or((target, ""));
    let name = pg_sql::name::short(name);
    Edit::new(format!("{word} {} {name}", kind.to_lowercase()), statement)
}
