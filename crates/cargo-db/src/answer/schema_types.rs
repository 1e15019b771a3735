//! The user-defined types of a table's columns, and which values each type allows.

use pg_logical::catalog::{Catalog, Definition, Domain, Object};
use pg_sql::quote::quote_literal;
use serde::Serialize;

/// An enum, a domain, a composite type or a range.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TypeView {
    /// The name with its schema, as in the type of a column.
    name: String,
    /// `enum`, `domain`, `composite` or `range`.
    kind: &'static str,
    /// The values of an enum, in their order.
    labels: Vec<String>,
    /// What it is made of, as SQL: the base and the checks of a domain, the attributes of a
    /// composite type, the subtype of a range. `null` for an enum.
    definition: Option<String>,
    comment: Option<String>,
}

impl TypeView {
    /// The types of a table's columns, and the types that these are composed of.
    pub(super) fn of_columns(catalog: &Catalog, table: &Object) -> Vec<TypeView> {
        let mut names: Vec<String> = Vec::new();
        let mut found = Vec::new();
        let mut wanted: Vec<&str> =
            table.columns().iter().rev().map(|column| column.data_type.as_str()).collect();
        while let Some(name) = wanted.pop() {
            // The element type of an array.
            let name = name.trim_end_matches("[]");
            let Some(object) = catalog.objects.iter().find(|object| is_type(object, name)) else {
                continue;
            };
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
                wanted.extend(parts(object));
                found.extend(TypeView::of(catalog, object));
            }
        }
        found
    }

    fn of(catalog: &Catalog, object: &Object) -> Option<TypeView> {
        let (kind, labels, definition) = match &object.definition {
            Definition::Enum(one) => ("enum", one.labels.clone(), None),
            Definition::Domain(domain) => {
                ("domain", Vec::new(), Some(of_domain(catalog, object, domain)))
            }
            Definition::Composite(composite) => {
                let attributes = composite.columns.iter();
                let attributes: Vec<String> = attributes
                    .map(|column| format!("{} {}", column.name, column.data_type))
                    .collect();
                ("composite", Vec::new(), Some(format!("({})", attributes.join(", "))))
            }
            Definition::Range(range) => {
                ("range", Vec::new(), Some(format!("range of {}", range.subtype)))
            }
            _ => return None,
        };
        let (name, comment) = (object.identity.sql(), object.comment.clone());
        Some(TypeView { name, kind, labels, definition, comment })
    }

    /// The type in the text output.
    pub(super) fn line(&self) -> String {
        let labels: Vec<String> = self.labels.iter().map(|label| quote_literal(label)).collect();
        let what = match &self.definition {
            Some(definition) => definition.clone(),
            None => format!("enum of {}", labels.join(", ")),
        };
        let comment = self.comment.iter().map(|comment| format!(" -- {comment}"));
        format!("{}: {what}{}", self.name, comment.collect::<String>())
    }
}

fn is_type(object: &Object, name: &str) -> bool {
    let is_one = matches!(
        object.definition,
        Definition::Enum(_)
            | Definition::Domain(_)
            | Definition::Composite(_)
            | Definition::Range(_)
    );
    is_one && object.identity.sql() == name
}

/// The types that a type is composed of.
fn parts(object: &Object) -> Vec<&str> {
    match &object.definition {
        Definition::Domain(domain) => vec![&domain.base],
        Definition::Composite(composite) => {
            composite.columns.iter().rev().map(|column| column.data_type.as_str()).collect()
        }
        Definition::Range(range) => vec![&range.subtype],
        _ => Vec::new(),
    }
}

fn of_domain(catalog: &Catalog, object: &Object, domain: &Domain) -> String {
    let mut text = format!("domain of {}", domain.base);
    if let Some(collation) = &domain.collation {
        text.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(fallback) = &domain.fallback {
        text.push_str(&format!(" DEFAULT {fallback}"));
    }
    if domain.not_null {
        text.push_str(" NOT NULL");
    }
    let own = catalog.objects.iter().filter(|part| part.whole() == Some(object.address));
    for part in own {
        if let Definition::Constraint(constraint) = &part.definition
            && constraint.kind == 'c'
        {
            text.push_str(&format!(" {}", constraint.definition));
        }
    }
    text
}
