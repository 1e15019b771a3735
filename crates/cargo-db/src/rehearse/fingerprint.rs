//! The schema of a database as lines, one for each object: its kind, name and definition. Two
//! databases with the same lines have the same schema; otherwise the lines show the difference.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::migration::{PROJECT_SCHEMA, project_relation};
use crate::world::files;
use crate::world::pg::Session;
use db_tools::ProjectTool;
use pg_sql::quote::quote_literal;

/// The lines of a schema: kind and name, and the definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(BTreeMap<(String, String), String>);

/// Ownership and privileges, which differ between environments with the same schema.
const OF_OWNERS: [&str; 2] = ["owner", "grant"];

impl Fingerprint {
    /// Reads the schema of the session's database.
    pub(crate) fn of(session: &mut Session, layout: &ProjectTool) -> Result<Fingerprint> {
        let rows = session.rows("read the schema", &sql(layout))?;
        let mut lines = BTreeMap::new();
        for row in rows {
            let key = (row.text("kind")?.to_owned(), row.text("name")?.to_owned());
            // What is NULL here, a definition of nothing, is nothing more to say.
            let definition = row.optional_text("definition")?.unwrap_or_default();
            lines.insert(key, definition.to_owned());
        }
        Ok(Fingerprint(lines))
    }

    /// A digest of all but owners and rights.
    pub(crate) fn digest(&self) -> String {
        let lines = self.0.iter().filter(|((kind, _), _)| !OF_OWNERS.contains(&kind.as_str()));
        let text: String =
            lines.map(|((kind, name), what)| format!("{kind} {name} {what}\n")).collect();
        files::sha256(text.as_bytes()).to_string()
    }

    /// The lines that are missing in the other (`-`), and those that are extra (`+`).
    pub(crate) fn difference(&self, other: &Fingerprint) -> Vec<String> {
        let line = |sign, ((kind, name), what): (&(String, String), &String)| {
            let what = what.lines().map(str::trim).collect::<Vec<_>>().join(" ");
            format!("{sign} {kind} {name} {what}").trim_end().to_owned()
        };
        let missing = self.0.iter().filter(|(key, what)| other.0.get(*key) != Some(*what));
        let added = other.0.iter().filter(|(key, what)| self.0.get(*key) != Some(*what));
        missing.map(|entry| line('-', entry)).chain(added.map(|entry| line('+', entry))).collect()
    }

    /// The names that programs use and that `after` no longer has, or has as something else; and
    /// what they have to know from then on.
    pub(super) fn changes(&self, after: &Fingerprint) -> Vec<CatalogChange> {
        let mut changes = Vec::new();
        for ((kind, name), before) in &self.0 {
            let now = after.0.get(&(kind.clone(), name.clone()));
            let rule = match (kind.as_str(), now) {
                // Sequences come and go with their columns.
                ("relation", None) if before.starts_with('S') => continue,
                ("relation", None) => "relation-gone",
                // The columns of a dropped table need no lines of their own.
                ("column", None) if !after.has_relation_of(name) => continue,
                ("column", None) => "column-gone",
                ("enum value", None) => "enum-value-gone",
                ("function", None) => "function-gone",
                ("column", Some(now)) if reads_differently(type_of(before), type_of(now)) => {
                    "column-type-changed"
                }
                _ => continue,
            };
            let evidence = match now {
                None => format!("{kind} {name} no longer exists"),
                Some(now) => format!("it was {}, now {}", type_of(before), type_of(now)),
            };
            changes.push(CatalogChange { rule, object: name.clone(), evidence });
        }
        let required = |((kind, name), what): &(&(String, String), &String)| {
            kind == "column"
                && self.has_relation_of(name)
                && is_required(what)
                && !self
                    .0
                    .get(&("column".to_owned(), name.clone()))
                    .is_some_and(|before| is_required(before))
        };
        changes.extend(after.0.iter().filter(required).map(|((_, name), _)| CatalogChange {
            rule: "required-column",
            object: name.clone(),
            evidence: "a value is required, and there is no default".to_owned(),
        }));
        changes
    }

    /// The names of the relations that store rows: tables and materialized views.
    pub(super) fn tables(&self) -> Vec<&str> {
        let has_rows = |((kind, _), what): &(&(String, String), &String)| {
            kind == "relation" && what.starts_with(['r', 'p', 'm'])
        };
        self.0.iter().filter(has_rows).map(|((_, name), _)| name.as_str()).collect()
    }

    /// How a thing of this kind and name is defined.
    pub(super) fn definition(&self, kind: &str, name: &str) -> Option<&str> {
        self.0.get(&(kind.to_owned(), name.to_owned())).map(String::as_str)
    }

    /// Whether there is a thing of this kind and name.
    pub(super) fn has(&self, kind: &str, name: &str) -> bool {
        self.0.contains_key(&(kind.to_owned(), name.to_owned()))
    }

    fn has_relation_of(&self, column: &str) -> bool {
        let relation = column.rsplit_once('.').map_or(column, |(relation, _)| relation);
        self.has("relation", relation)
    }
}

/// A changed name.
pub(super) struct CatalogChange {
    pub(super) rule: &'static str,
    pub(super) object: String,
    pub(super) evidence: String,
}

fn type_of(definition: &str) -> &str {
    definition.split(" | ").next().unwrap_or(definition)
}

/// Whether a program that expects one type is surprised by the other. A different length is fine.
fn reads_differently(before: &str, now: &str) -> bool {
    let base =
        |name: &str| name.split('(').next().unwrap_or(name).replace("character varying", "text");
    base(before) != base(now)
}

fn is_required(definition: &str) -> bool {
    let mut parts = definition.split(" | ").skip(1);
    parts.next() == Some("not null") && parts.next() == Some("")
}

/// Reads what pg_dump would write, as rows. Members of extensions belong to these, and the tables
/// of cargo db and of the migration tool are not part of the schema.
fn sql(layout: &ProjectTool) -> String {
    let relations = format!(
        include_str!("sql/schema_relations.sql"),
        name = "format('%I.%I', n.nspname, c.relname)",
        of_class = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
        relation = format!("{} AND {}", project_relation(layout), free("pg_class", "c.oid"))
    );
    let others = format!(
        include_str!("sql/schema_others.sql"),
        schema = PROJECT_SCHEMA,
        tool = layout.schema().map_or_else(|| "''".to_owned(), quote_literal),
        routine = format!("{PROJECT_SCHEMA} AND {}", free("pg_proc", "p.oid")),
        typed = format!("{PROJECT_SCHEMA} AND {}", free("pg_type", "t.oid"))
    );
    format!("{relations}UNION ALL\n{others}")
}

/// That an object belongs to no extension.
fn free(class: &str, oid: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend e \
         WHERE e.classid = '{class}'::regclass AND e.objid = {oid} AND e.deptype = 'e')"
    )
}
