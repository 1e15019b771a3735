//! The tables of a database, and one of them with all that is of it.

use pg_logical::catalog::{Column, Definition, Kind, Object, class};
use serde::Serialize;

use crate::answer::schema_types::TypeView;
use crate::answer::text::{fitted, on_lines, plural, size};
use crate::answer::{Answer, BOLD, DIM, Style};
use crate::schema::ShownSchema;

/// All tables and views, by schema.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TableList {
    database: String,
    tables: Vec<TableHead>,
}

/// What is known of a table without its parts.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TableHead {
    schema: String,
    name: String,
    /// `table`, `foreign table`, `view` or `materialized view`.
    kind: &'static str,
    /// How many it has.
    column_count: usize,
    /// What the planner expects; null where the table was never analysed, and for views.
    estimated_rows: Option<u64>,
    /// With indexes; null for what has no storage.
    bytes: Option<u64>,
    comment: Option<String>,
}

/// One table or view.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TableShown {
    database: String,
    table: TableHead,
    columns: Vec<ColumnView>,
    /// The user-defined types of the columns, each of them once.
    types: Vec<TypeView>,
    constraints: Vec<PartView>,
    /// Those that no constraint made.
    indexes: Vec<PartView>,
    /// Foreign keys of other tables that refer to this one.
    referenced_by: Vec<ReferenceView>,
    triggers: Vec<PartView>,
    rules: Vec<PartView>,
    policies: Vec<PolicyView>,
    /// Whether policies limit rows.
    row_security: bool,
    /// `RANGE (at)`, of a partitioned table.
    partitioned_by: Option<String>,
    /// `FOR VALUES …`, of a partition.
    partition: Option<String>,
    /// The tables that it inherits from, or is a partition of.
    inherits: Vec<String>,
    /// The query of a view.
    query: Option<String>,
}

/// A column.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ColumnView {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    nullable: bool,
    /// The expression.
    default: Option<String>,
    /// `GENERATED …`, of a generated or an identity column.
    generated: Option<String>,
    collation: Option<String>,
    comment: Option<String>,
}

/// An index, a constraint, a trigger or a rule.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PartView {
    name: String,
    /// As SQL.
    definition: String,
    /// What is unusual about it: `NOT VALID`, `disabled`.
    note: Option<&'static str>,
    comment: Option<String>,
}

/// A foreign key of another table.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ReferenceView {
    table: String,
    name: String,
    definition: String,
}

/// A policy.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PolicyView {
    name: String,
    /// `SELECT`, `INSERT`, `UPDATE`, `DELETE` or `ALL`.
    command: &'static str,
    permissive: bool,
    /// For everybody if there is none.
    roles: Vec<String>,
    using: Option<String>,
    check: Option<String>,
    comment: Option<String>,
}

impl TableList {
    /// Those of a database.
    pub(crate) fn of(looked: &ShownSchema) -> TableList {
        let tables = looked.tables().into_iter().map(|object| TableHead::of(looked, object));
        TableList { database: looked.catalog.about.database.clone(), tables: tables.collect() }
    }
}

impl TableHead {
    fn of(looked: &ShownSchema, object: &Object) -> TableHead {
        let estimated_rows = match &object.definition {
            Definition::Table(table) => table.estimate,
            _ => None,
        };
        TableHead {
            schema: object.identity.schema.clone().unwrap_or_default(),
            name: object.identity.name.clone(),
            kind: object.identity.kind.word(),
            column_count: object.columns().len(),
            estimated_rows,
            bytes: looked.sizes.get(&object.address.oid).copied(),
            comment: object.comment.clone(),
        }
    }
}

impl TableShown {
    /// One of the tables of a database.
    pub(crate) fn of(looked: &ShownSchema, object: &Object) -> TableShown {
        let mut shown = TableShown {
            database: looked.catalog.about.database.clone(),
            table: TableHead::of(looked, object),
            columns: object.columns().iter().map(ColumnView::of).collect(),
            types: TypeView::of_columns(&looked.catalog, object),
            constraints: Vec::new(),
            indexes: Vec::new(),
            referenced_by: Vec::new(),
            triggers: Vec::new(),
            rules: Vec::new(),
            policies: Vec::new(),
            row_security: false,
            partitioned_by: None,
            partition: None,
            inherits: Vec::new(),
            query: None,
        };
        match &object.definition {
            Definition::Table(table) => {
                shown.row_security = table.has_policies;
                shown.partitioned_by.clone_from(&table.partition_key);
                shown.partition.clone_from(&table.bound);
                shown.inherits.clone_from(&table.parent_names);
            }
            Definition::View(view) => shown.query = Some(view.query.clone()),
            _ => {}
        }
        let all = &looked.catalog.objects;
        all.iter()
            .filter(|part| part.whole() == Some(object.address))
            .for_each(|part| shown.add(part));
        shown.referenced_by = references(looked, object);
        shown
    }

    /// Adds what is a part of it.
    fn add(&mut self, object: &Object) {
        let part = |definition: &str, note| PartView {
            name: object.identity.name.clone(),
            definition: definition.trim_end_matches(';').to_owned(),
            note,
            comment: object.comment.clone(),
        };
        match &object.definition {
            Definition::Constraint(constraint) => {
                let note = (!constraint.is_validated).then_some("not validated");
                self.constraints.push(part(&constraint.definition, note));
            }
            Definition::Index(index) => self.indexes.push(part(&index.definition, None)),
            Definition::Rule(rule) => self.rules.push(part(&rule.definition, firing(rule.firing))),
            Definition::Trigger(trigger) => {
                let definition = trigger.definition.as_deref().unwrap_or_default();
                self.triggers.push(part(definition, firing(trigger.firing)));
            }
            Definition::Policy(policy) => self.policies.push(PolicyView {
                name: object.identity.name.clone(),
                command: match policy.command {
                    'r' => "SELECT",
                    'a' => "INSERT",
                    'w' => "UPDATE",
                    'd' => "DELETE",
                    _ => "ALL",
                },
                permissive: policy.is_permissive,
                roles: policy.roles.clone(),
                using: policy.condition.clone(),
                check: policy.new_rows.clone(),
                comment: object.comment.clone(),
            }),
            _ => {}
        }
    }
}

/// When something fires that does not fire as usual.
fn firing(letter: char) -> Option<&'static str> {
    match letter {
        'D' => Some("disabled"),
        'A' => Some("fires always"),
        'R' => Some("fires on replicas"),
        _ => None,
    }
}

/// The foreign keys of other tables that refer to one.
fn references(looked: &ShownSchema, object: &Object) -> Vec<ReferenceView> {
    let catalog = &looked.catalog;
    let Some(own) = catalog.place(object.address.class, object.address.oid) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (at, other) in catalog.objects.iter().enumerate() {
        let Definition::Constraint(constraint) = &other.definition else { continue };
        let is_others = constraint.kind == 'f' && constraint.part_of != object.address.oid;
        if !is_others || !catalog.needs[at].contains(&own) {
            continue;
        }
        let Some(table) = catalog.find(class::CLASS, constraint.part_of) else { continue };
        found.push(ReferenceView {
            table: table.identity.sql(),
            name: other.identity.name.clone(),
            definition: constraint.definition.clone(),
        });
    }
    found
}

impl ColumnView {
    fn of(column: &Column) -> ColumnView {
        let value = column.value.as_ref().map(|value| value.expression.clone());
        let (default, generated) = match (column.generated, &column.identity, value) {
            (Some(letter), _, Some(value)) => (None, Some(computed(letter, &value))),
            (_, Some(_), _) => (None, Some(numbered(column))),
            (_, _, value) => (value, None),
        };
        ColumnView {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            nullable: !column.not_null,
            default,
            generated,
            collation: column.collation.clone(),
            comment: column.comment.clone(),
        }
    }
}

fn computed(letter: char, expression: &str) -> String {
    let word = if letter == 'v' { "VIRTUAL" } else { "STORED" };
    format!("GENERATED ALWAYS AS ({expression}) {word}")
}

fn numbered(column: &Column) -> String {
    let when = if column.is_always_identity { "ALWAYS" } else { "BY DEFAULT" };
    format!("GENERATED {when} AS IDENTITY")
}

impl TableHead {
    fn rows(&self) -> Option<String> {
        self.estimated_rows.map(|rows| format!("about {}", plural_rows(rows)))
    }
}

fn plural_rows(rows: u64) -> String {
    plural(usize::try_from(rows).unwrap_or(usize::MAX), "row")
}

impl Answer for TableList {
    fn text(&self, style: &Style) -> String {
        if self.tables.is_empty() {
            return format!("{} has no tables", self.database);
        }
        let mut lines = Vec::new();
        let mut schema = None;
        for table in &self.tables {
            if schema != Some(&table.schema) {
                lines.push(style.paint(BOLD, &table.schema));
                schema = Some(&table.schema);
            }
            lines.push(format!("  {}", self.line(table)));
        }
        fitted(&on_lines(lines).join("\n"), style.width)
    }
}

impl TableList {
    fn line(&self, table: &TableHead) -> String {
        let width = |one: &TableHead| one.name.chars().count();
        let width = self.tables.iter().map(width).max().unwrap_or(0).min(40);
        let kind = (table.kind != Kind::Table.word()).then(|| table.kind.to_owned());
        let count = plural(table.column_count, "column");
        let bytes = table.bytes.map(size);
        let facts = kind.into_iter().chain([count]).chain(table.rows()).chain(bytes);
        format!("{:<width$}  {}", table.name, facts.collect::<Vec<_>>().join(", "))
    }
}

impl Answer for TableShown {
    fn text(&self, style: &Style) -> String {
        let head = &self.table;
        let facts = [Some(head.kind.to_owned()), head.rows(), head.bytes.map(size)];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let name = style.paint(BOLD, &format!("{}.{}", head.schema, head.name));
        let mut lines = vec![format!("{name}  {}", facts.join(", "))];
        lines.extend(head.comment.clone());
        let more = [
            self.partitioned_by.as_ref().map(|key| format!("partitioned by {key}")),
            self.partition
                .as_ref()
                .map(|bound| format!("partition of {} {bound}", self.inherits.join(", "))),
            (self.partition.is_none() && !self.inherits.is_empty())
                .then(|| format!("inherits from {}", self.inherits.join(", "))),
            self.row_security.then(|| "row-level security is enabled".to_owned()),
        ];
        lines.extend(more.into_iter().flatten());
        let mut text = on_lines(lines).join("\n");
        text.push_str(&self.columns_text(style));
        for (title, lines) in self.sections() {
            if !lines.is_empty() {
                text.push_str(&format!("\n\n{}", style.paint(BOLD, title)));
                on_lines(lines).iter().for_each(|line| text.push_str(&format!("\n  {line}")));
            }
        }
        if let Some(query) = &self.query {
            text.push_str(&format!("\n\n{}\n{query}", style.paint(BOLD, "Query")));
        }
        fitted(&text, style.width)
    }
}

impl TableShown {
    fn columns_text(&self, style: &Style) -> String {
        let rows: Vec<[String; 2]> = self
            .columns
            .iter()
            .map(|column| [column.name.clone(), column.data_type.clone()])
            .collect();
        let width =
            |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0).min(40);
        let (first, second) = (width(0), width(1));
        let mut text = format!("\n\n{}", style.paint(BOLD, "Columns"));
        for (column, [name, kind]) in self.columns.iter().zip(&rows) {
            let line = format!("  {name:<first$}  {kind:<second$}  {}", column.rest());
            let line = on_lines(vec![line.trim_end().to_owned()]).join("");
            text.push_str(&format!("\n{line}"));
            if let Some(comment) = &column.comment {
                let comment = on_lines(vec![format!("-- {comment}")]).join("");
                text.push_str(&format!("\n    {}", style.paint(DIM, &comment)));
            }
        }
        text
    }

    /// The parts that it has, under their titles.
    fn sections(&self) -> Vec<(&'static str, Vec<String>)> {
        let parts = |parts: &[PartView]| parts.iter().map(PartView::line).collect();
        let referenced = self.referenced_by.iter();
        vec![
            ("Types", self.types.iter().map(TypeView::line).collect()),
            ("Constraints", parts(&self.constraints)),
            ("Indexes", self.indexes.iter().map(PartView::index_line).collect()),
            (
                "Referenced by",
                referenced.map(|one| format!("{}: {}", one.table, one.definition)).collect(),
            ),
            ("Triggers", self.triggers.iter().map(PartView::bare_line).collect()),
            ("Rules", self.rules.iter().map(PartView::bare_line).collect()),
            ("Policies", self.policies.iter().map(PolicyView::line).collect()),
        ]
    }
}

impl ColumnView {
    /// What there is to say of it beside its name and its type.
    fn rest(&self) -> String {
        let parts = [
            self.collation.as_ref().map(|collation| format!("COLLATE {collation}")),
            (!self.nullable).then(|| "NOT NULL".to_owned()),
            self.default.as_ref().map(|value| format!("DEFAULT {value}")),
            self.generated.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl PartView {
    fn with_note(&self, line: String) -> String {
        let notes = self.note.into_iter().map(|note| format!("({note})"));
        let comments = self.comment.iter().map(|comment| format!("-- {comment}"));
        std::iter::once(line).chain(notes).chain(comments).collect::<Vec<_>>().join(" ")
    }

    fn line(&self) -> String {
        self.with_note(format!("{}: {}", self.name, self.definition))
    }

    /// Its definition says its name.
    fn bare_line(&self) -> String {
        self.with_note(self.definition.clone())
    }

    /// The same, of an index: on which table is known.
    fn index_line(&self) -> String {
        let unique = if self.definition.starts_with("CREATE UNIQUE ") { "UNIQUE " } else { "" };
        let rest =
            self.definition.split_once(" USING ").map_or(self.definition.as_str(), |(_, to)| to);
        self.with_note(format!("{}: {unique}{rest}", self.name))
    }
}

impl PolicyView {
    fn line(&self) -> String {
        let kind = if self.permissive { "" } else { " (restrictive)" };
        let roles = (!self.roles.is_empty()).then(|| format!(" TO {}", self.roles.join(", ")));
        let using = self.using.as_ref().map(|using| format!(" USING ({using})"));
        let check = self.check.as_ref().map(|check| format!(" WITH CHECK ({check})"));
        let rest = [roles, using, check].into_iter().flatten().collect::<String>();
        format!("{}{kind}: FOR {}{rest}", self.name, self.command)
    }
}
