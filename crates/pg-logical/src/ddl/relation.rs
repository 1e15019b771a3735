//! Tables, foreign tables, views and materialized views.

use pg_sql::quote::name as quoted;

use crate::catalog::{Catalog, Column, Definition, Kind, Object, Sequence, Table, View, class};
use crate::ddl::sequence;
use crate::ddl::text::comment_on;
use crate::ddl::text::{foreign, parameters, with, without_semicolon};
use crate::graph::{DumpOrder, usual_not_null};

/// A table with what is made with it, and what is said of its columns.
pub(super) fn table(
    catalog: &Catalog,
    order: &DumpOrder,
    object: &Object,
    table: &Table,
    found: &mut Vec<String>,
) {
    let place = catalog.place(object.address.class, object.address.oid).unwrap_or_default();
    let mut elements: Vec<String> = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        if table.declares(column) {
            let has_value = order.is_inlined_default(place, at);
            let given = (column, has_value);
            elements.extend(declared_column(catalog, order, object, table, given));
        } else {
            elements.extend(inherited_not_null(catalog, table, column));
        }
    }
    for constraint in order.inlined_of(object.address).iter().map(|&at| &catalog.objects[at]) {
        if let Definition::Constraint(one) = &constraint.definition {
            let name = quoted(&constraint.identity.name);
            elements.push(format!("CONSTRAINT {name} {}", one.definition));
        }
    }
    tablespace(table.tablespace.as_deref(), found, |found| {
        found.push(create(object, table, &elements));
    });
    for (at, column) in table.columns.iter().enumerate() {
        if !table.declares(column) && order.is_inlined_default(place, at) {
            inherited(catalog, object, table, column, found);
        }
        column_details(object, column, found);
    }
    if object.identity.kind == Kind::Table && matches!(table.replica_identity, 'n' | 'f') {
        let word = if table.replica_identity == 'n' { "NOTHING" } else { "FULL" };
        found.push(format!("ALTER TABLE ONLY {} REPLICA IDENTITY {word}", object.identity.sql()));
    }
}

fn create(object: &Object, table: &Table, elements: &[String]) -> String {
    let unlogged = if table.is_unlogged { "UNLOGGED " } else { "" };
    let word = if object.identity.kind == Kind::ForeignTable { "FOREIGN TABLE" } else { "TABLE" };
    let mut text = format!("CREATE {unlogged}{word} {}", object.identity.sql());
    if let Some(of) = &table.of_type {
        text.push_str(&format!(" OF {of}"));
    }
    if !elements.is_empty() {
        let lines: Vec<String> = elements.iter().map(|line| format!("    {line}")).collect();
        text.push_str(&format!(" (\n{}\n)", lines.join(",\n")));
    } else if table.of_type.is_none() {
        text.push_str(" (\n)");
    }
    if !table.parents.is_empty() && table.bound.is_none() {
        text.push_str(&format!("\nINHERITS ({})", table.parent_names.join(", ")));
    }
    if let Some(key) = &table.partition_key {
        text.push_str(&format!("\nPARTITION BY {key}"));
    }
    if let Some(server) = &table.server {
        text.push_str(&format!("\nSERVER {}", quoted(server)));
        text.push_str(&foreign(&table.foreign_options, "\n"));
    }
    if let Some(method) = &table.method {
        text.push_str(&format!("\nUSING {}", quoted(method)));
    }
    let mut options = parameters(&table.options, "");
    options.extend(parameters(&table.toast_options, "toast."));
    text + &with(&options, "\n")
}

/// Sets a tablespace around what is made in one.
pub(super) fn tablespace(
    name: Option<&str>,
    found: &mut Vec<String>,
    make: impl FnOnce(&mut Vec<String>),
) {
    if let Some(name) = name {
        found.push(format!("SET default_tablespace = {}", quoted(name)));
    }
    make(found);
    if name.is_some() {
        found.push("SET default_tablespace = ''".to_owned());
    }
}

/// A column as it is declared; nothing where a typed table has nothing to add to it.
pub(crate) fn declared_column(
    catalog: &Catalog,
    order: &DumpOrder,
    object: &Object,
    table: &Table,
    (column, has_value): (&Column, bool),
) -> Option<String> {
    let mut text = quoted(&column.name);
    let begin = text.len();
    if table.of_type.is_none() {
        text.push_str(&format!(" {}", column.data_type));
        if let Some(collation) = &column.collation {
            text.push_str(&format!(" COLLATE {collation}"));
        }
    }
    let end = text.len();
    match &column.value {
        Some(value) if has_value => text.push_str(&value_clause(column, &value.expression)),
        None if table.bound.is_none() && has_parents_default(catalog, table, column) => {
            text.push_str(" DEFAULT NULL");
        }
        _ => {}
    }
    if let Some(sequence) = &column.identity {
        text.push_str(&format!(" {}", identity(column, &sequence::identity(sequence))));
    }
    if states_not_null(catalog, table, column) {
        text.push_str(&not_null(order, object, column));
    }
    if table.of_type.is_some() {
        if text.len() == end {
            return None;
        }
        text.insert_str(begin, " WITH OPTIONS");
    }
    Some(text)
}

fn value_clause(column: &Column, expression: &str) -> String {
    match column.generated {
        Some('s') => format!(" GENERATED ALWAYS AS ({expression}) STORED"),
        Some(_) => format!(" GENERATED ALWAYS AS ({expression})"),
        None => format!(" DEFAULT {expression}"),
    }
}

fn identity(column: &Column, clauses: &str) -> String {
    let when = if column.is_always_identity { "ALWAYS" } else { "BY DEFAULT" };
    format!("GENERATED {when} AS IDENTITY {clauses}")
}

/// `NOT NULL`, with the name of its constraint where that is not the usual one.
fn not_null(order: &DumpOrder, object: &Object, column: &Column) -> String {
    let Some(constraint) = &column.not_null_constraint else { return " NOT NULL".to_owned() };
    let identity = &object.identity;
    let usual = usual_not_null(&identity.name, &column.name);
    let schema = identity.schema.as_deref().unwrap_or_default();
    let is_chosen = usual.len() < 64 && !order.is_given(schema, &usual);
    let name = if constraint.name == usual && is_chosen {
        String::new()
    } else {
        format!(" CONSTRAINT {}", quoted(&constraint.name))
    };
    let inherit = if constraint.is_not_inherited { " NO INHERIT" } else { "" };
    format!("{name} NOT NULL{inherit}")
}

/// Whether a column is declared NOT NULL. An inherited constraint is declared too if no parent's is
/// validated: those are added later, and merge with it.
fn states_not_null(catalog: &Catalog, table: &Table, column: &Column) -> bool {
    let Some(constraint) = &column.not_null_constraint else { return column.not_null };
    let is_validated = |parent: &Column| {
        parent.not_null_constraint.as_ref().is_some_and(|constraint| constraint.is_validated)
    };
    constraint.is_validated
        && (constraint.is_local
            || table.bound.is_some()
            || !parents_columns(catalog, table, &column.name).any(is_validated))
}

/// The constraint that a table has on a column that it inherits, since version 18.
fn inherited_not_null(catalog: &Catalog, table: &Table, column: &Column) -> Option<String> {
    let constraint = column.not_null_constraint.as_ref()?;
    states_not_null(catalog, table, column).then(|| {
        let inherit = if constraint.is_not_inherited { " NO INHERIT" } else { "" };
        let (name, column) = (quoted(&constraint.name), quoted(&column.name));
        format!("CONSTRAINT {name} NOT NULL {column}{inherit}")
    })
}

fn parents_columns<'a>(
    catalog: &'a Catalog,
    table: &'a Table,
    name: &'a str,
) -> impl Iterator<Item = &'a Column> {
    let parents = table.parents.iter().filter_map(|&oid| catalog.find(class::CLASS, oid));
    parents.filter_map(move |parent| parent.columns().iter().find(|column| column.name == name))
}

fn has_parents_default(catalog: &Catalog, table: &Table, column: &Column) -> bool {
    if table.parents.is_empty() || !column.is_inherited {
        return false;
    }
    parents_columns(catalog, table, &column.name)
        .any(|parent| parent.value.is_some() && parent.generated.is_none())
}

/// What is different in an inherited column.
fn inherited(
    catalog: &Catalog,
    object: &Object,
    table: &Table,
    column: &Column,
    found: &mut Vec<String>,
) {
    let parents: Vec<&Column> = parents_columns(catalog, table, &column.name).collect();
    let alter = format!("ALTER TABLE ONLY {} ALTER COLUMN", object.identity.sql());
    let name = quoted(&column.name);
    let is_same = parents.iter().all(|parent| parent.value == column.value);
    if !is_same && column.generated.is_none() {
        let value = column.value.as_ref().map_or("NULL", |value| &value.expression);
        found.push(format!("{alter} {name} SET DEFAULT {value}"));
    }
    if let Some(sequence) = &column.identity {
        found.push(format!(
            "{alter} {name} ADD {}",
            identity(column, &sequence::identity(sequence))
        ));
    }
    // Before 18, NOT NULL is not a constraint, and a child may differ from its parents either way.
    let refuses = |column: &Column| column.not_null && column.not_null_constraint.is_none();
    let is_refused = parents.iter().any(|parent| refuses(parent));
    if refuses(column) && !is_refused {
        found.push(format!("{alter} {name} SET NOT NULL"));
    }
    if !column.not_null && is_refused {
        found.push(format!("{alter} {name} DROP NOT NULL"));
    }
}

/// What is said of a column after its table is there.
pub(crate) fn column_details(object: &Object, column: &Column, found: &mut Vec<String>) {
    let is_foreign = object.identity.kind == Kind::ForeignTable;
    let word = if is_foreign { "FOREIGN TABLE" } else { "TABLE" };
    let alter = format!("ALTER {word} ONLY {} ALTER COLUMN", object.identity.sql());
    let name = quoted(&column.name);
    if let Some(target) = &column.statistics {
        found.push(format!("{alter} {name} SET STATISTICS {target}"));
    }
    if let Some(storage) = column.storage {
        let word = storage_word(storage);
        found.push(format!("{alter} {name} SET STORAGE {word}"));
    }
    if let Some(compression) = column.compression {
        let word = if compression == 'l' { "lz4" } else { "pglz" };
        found.push(format!("{alter} {name} SET COMPRESSION {word}"));
    }
    if !column.options.is_empty() {
        let options = parameters(&column.options, "").join(", ");
        found.push(format!("{alter} {name} SET ({options})"));
    }
    if !column.foreign_options.is_empty() {
        let options = foreign(&column.foreign_options, " ");
        found.push(format!("{alter} {name}{options}"));
    }
    if let Some(sequence) = &column.identity {
        of_identity(object, sequence, found);
    }
    if let Some(constraint) = &column.not_null_constraint
        && constraint.is_validated
        && let Some(comment) = &constraint.comment
    {
        let target = format!("{} ON {}", quoted(&constraint.name), object.identity.sql());
        found.push(comment_on(&format!("CONSTRAINT {target}"), comment));
    }
}

/// The persistence and the comment of an identity column's sequence.
fn of_identity(object: &Object, sequence: &Sequence, found: &mut Vec<String>) {
    let name = format!("{}.{}", quoted(&sequence.schema), quoted(&sequence.name));
    // The sequence is created with the persistence of its table.
    if object.table().is_some_and(|table| table.is_unlogged != sequence.is_unlogged) {
        let word = if sequence.is_unlogged { "UNLOGGED" } else { "LOGGED" };
        found.push(format!("ALTER SEQUENCE {name} SET {word}"));
    }
    if let Some(comment) = &sequence.comment {
        found.push(comment_on(&format!("SEQUENCE {name}"), comment));
    }
}

/// The word for a storage strategy in `SET STORAGE`.
pub(crate) fn storage_word(storage: char) -> &'static str {
    match storage {
        'p' => "PLAIN",
        'e' => "EXTERNAL",
        'm' => "MAIN",
        _ => "EXTENDED",
    }
}

pub(crate) fn set_default(object: &Object, column: &Column, found: &mut Vec<String>) {
    let Some(value) = &column.value else { return };
    let (table, name) = (object.identity.sql(), quoted(&column.name));
    let value = &value.expression;
    found.push(format!("ALTER TABLE ONLY {table} ALTER COLUMN {name} SET DEFAULT {value}"));
}

pub(super) fn attach(object: &Object, found: &mut Vec<String>) {
    let Some(table) = object.table() else { return };
    if let (Some(bound), Some(parent)) = (&table.bound, table.parent_names.first()) {
        let partition = object.identity.sql();
        found.push(format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {partition} {bound}"));
    }
}

/// Policies limit rows from now on.
pub(super) fn protect(object: &Object, found: &mut Vec<String>) {
    let Some(table) = object.table() else { return };
    let name = object.identity.sql();
    if table.has_policies {
        found.push(format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"));
    }
    if table.forces_policies {
        found.push(format!("ALTER TABLE ONLY {name} FORCE ROW LEVEL SECURITY"));
    }
}

pub(super) fn view(order: &DumpOrder, object: &Object, view: &View, found: &mut Vec<String>) {
    let name = object.identity.sql();
    let options = with(&parameters(&view.options, ""), " ");
    let query = without_semicolon(&view.query);
    if object.identity.kind == Kind::MaterializedView {
        let method = view.method.as_ref().map(|method| format!(" USING {}", quoted(method)));
        let method = method.unwrap_or_default();
        tablespace(view.tablespace.as_deref(), found, |found| {
            found.push(format!(
                "CREATE MATERIALIZED VIEW {name}{method}{options} AS\n{query}\n  WITH NO DATA"
            ));
        });
        view.columns.iter().for_each(|column| column_details(object, column, found));
    } else if order.is_dummy(object.address) {
        found.push(format!("CREATE VIEW {name} AS\nSELECT\n{}", nulls(view)));
    } else {
        found.push(format!("CREATE VIEW {name}{options} AS\n{query}"));
    }
}

/// The columns of a view without what it shows: what needs it can be made before what it needs.
fn nulls(view: &View) -> String {
    let column = |column: &Column| {
        let collation = column.collation.as_ref().map(|collation| format!(" COLLATE {collation}"));
        let (kind, name) = (&column.data_type, quoted(&column.name));
        format!("    NULL::{kind}{} AS {name}", collation.unwrap_or_default())
    };
    view.columns.iter().map(column).collect::<Vec<_>>().join(",\n")
}

pub(super) fn full_view(object: &Object, found: &mut Vec<String>) {
    let Definition::View(view) = &object.definition else { return };
    let options = with(&parameters(&view.options, ""), " ");
    let query = without_semicolon(&view.query);
    found.push(format!("CREATE OR REPLACE VIEW {}{options} AS\n{query}", object.identity.sql()));
}
