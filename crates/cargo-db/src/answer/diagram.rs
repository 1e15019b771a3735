//! What `diagram` drew.

use std::path::Path;

use pg_logical::diagram::{Diagram, Reference};
use serde::Serialize;

use crate::answer::text::plural;
use crate::answer::{Answer, Style};

/// A diagram, and where it is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Drawn {
    /// The file; nothing if the diagram was printed.
    path: Option<String>,
    tables: Vec<DrawnTable>,
    references: Vec<DrawnReference>,
    #[serde(skip)]
    text: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DrawnTable {
    schema: String,
    name: String,
}

/// A foreign key between two tables of the diagram.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DrawnReference {
    /// The table that has the foreign key.
    from: String,
    columns: Vec<String>,
    /// The table that it refers to.
    to: String,
    /// Whether the columns can be NULL.
    optional: bool,
    /// Whether at most one row refers to each row.
    unique: bool,
}

impl Drawn {
    /// A diagram that is printed.
    pub(crate) fn printed(diagram: &Diagram, text: String) -> Drawn {
        Drawn { text: Some(text), ..Drawn::of(diagram) }
    }

    /// A diagram in a file.
    pub(crate) fn written(diagram: &Diagram, path: &Path) -> Drawn {
        Drawn { path: Some(path.display().to_string()), ..Drawn::of(diagram) }
    }

    fn of(diagram: &Diagram) -> Drawn {
        let tables = diagram
            .tables
            .iter()
            .map(|table| DrawnTable { schema: table.schema.clone(), name: table.name.clone() });
        let references = diagram.references.iter().map(|one| DrawnReference::of(diagram, one));
        let references = references.collect();
        Drawn { path: None, tables: tables.collect(), references, text: None }
    }
}

impl DrawnReference {
    fn of(diagram: &Diagram, reference: &Reference) -> DrawnReference {
        let from = &diagram.tables[reference.from];
        let columns = reference.columns.iter();
        DrawnReference {
            from: from.label(),
            columns: columns.map(|&at| from.columns[at].name.clone()).collect(),
            to: diagram.tables[reference.to].label(),
            optional: reference.is_optional(diagram),
            unique: reference.is_unique,
        }
    }
}

impl Answer for Drawn {
    fn text(&self, _: &Style) -> String {
        if let Some(text) = &self.text {
            return text.trim_end().to_owned();
        }
        let path = self.path.as_deref().unwrap_or_default();
        let tables = plural(self.tables.len(), "table");
        let references = plural(self.references.len(), "foreign key");
        format!("{path}: {tables}, {references}")
    }
}
