//! The catalog as SQL: each statement in the shape in which `pg_dump` writes it, so that whatever
//! reads its dumps reads these.
//!
//! Everything is qualified: it is to be loaded with an empty search path.

mod acting;
mod catalogued;
mod constraint;
mod index;
mod owner;
mod publication;
mod relation;
mod rights;
mod routine;
mod sequence;
mod text;
mod types;

use pg_sql::quote::name as quoted;

use crate::catalog::{Catalog, Definition, Object};
use crate::graph::{DumpOrder, Step};

pub(crate) use acting::firing;
pub(crate) use constraint::not_null as not_valid_not_null;
pub use owner::owner;
pub(crate) use publication::add as add_published;
pub(crate) use relation::{column_details, declared_column, set_default, storage_word};
pub(crate) use rights::{all_privileges, letter_of, of_one};
pub use rights::{of_defaults, of_object, of_others};
pub use sequence::set_value;
pub(crate) use sequence::{clauses as sequence_clauses, identity};
pub use text::dollars;
pub(crate) use text::{comment_on, parameters};

/// The statements of a step, without their semicolons.
pub fn statements(catalog: &Catalog, order: &DumpOrder, step: Step) -> Vec<String> {
    let mut found = Vec::new();
    match step {
        Step::Create(at) => create(catalog, order, &catalog.objects[at], &mut found),
        Step::View(at) => relation::full_view(&catalog.objects[at], &mut found),
        Step::Default(at, column) => {
            let object = &catalog.objects[at];
            if let Some(column) = object.columns().get(column) {
                relation::set_default(object, column, &mut found);
            }
        }
        Step::Attach(at) => relation::attach(&catalog.objects[at], &mut found),
        Step::AttachIndex(at) => index::attach(&catalog.objects[at], &mut found),
        Step::Own(at) => sequence::owned_by(catalog, &catalog.objects[at], &mut found),
        Step::NotNull(at, column) => {
            let object = &catalog.objects[at];
            if let Some(column) = object.columns().get(column) {
                constraint::not_null(object, column, &mut found);
            }
        }
        Step::Protect(at) => relation::protect(&catalog.objects[at], &mut found),
        Step::Rows(_) | Step::Value(_) => {}
    }
    found
}

fn create(catalog: &Catalog, order: &DumpOrder, object: &Object, found: &mut Vec<String>) {
    found.extend(definition(catalog, order, object));
    drops_with(object, found);
    comments(object, found);
    for &inlined in order.inlined_of(object.address) {
        comments(&catalog.objects[inlined], found);
    }
}

/// The statements that create an object, without comments, owner and privileges.
pub(crate) fn definition(catalog: &Catalog, order: &DumpOrder, object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    match &object.definition {
        Definition::Domain(domain) => found.push(types::domain(catalog, order, object, domain)),
        Definition::Table(table) => relation::table(catalog, order, object, table, &mut found),
        Definition::View(view) => relation::view(order, object, view, &mut found),
        Definition::Constraint(one) => constraint::create(catalog, object, one, &mut found),
        Definition::Index(one) => index::create(catalog, one, object, &mut found),
        _ => found.extend(of_itself(object)),
    }
    found
}

/// The statements that create an object, if they follow from the object alone. Empty for tables,
/// views, domains, constraints, indexes and default privileges.
pub(crate) fn of_itself(object: &Object) -> Vec<String> {
    let sql = object.identity.sql();
    let mut statements = Vec::new();
    let found = &mut statements;
    match &object.definition {
        Definition::Schema(schema) => catalogued::schema(object, schema, found),
        Definition::Collation(collation) => found.push(catalogued::collation(&sql, collation)),
        Definition::Extension(extension) => found.push(catalogued::extension(&sql, extension)),
        Definition::Enum(labels) => found.push(types::labels(&sql, labels)),
        Definition::Composite(composite) => found.push(types::composite(&sql, composite)),
        Definition::Range(range) => found.push(types::range(&sql, range)),
        Definition::Cast(cast) => found.push(catalogued::cast(&sql, cast)),
        Definition::Function(function) => found.push(routine::function(object, function)),
        Definition::Aggregate(aggregate) => found.push(routine::aggregate(object, aggregate)),
        Definition::Operator(operator) => found.push(catalogued::operator(object, operator)),
        Definition::OperatorFamily(family) => catalogued::family(&sql, family, found),
        Definition::OperatorClass(class) => found.push(catalogued::class(object, class)),
        Definition::SearchParser(parser) => found.push(catalogued::parser(&sql, parser)),
        Definition::SearchTemplate(template) => found.push(catalogued::template(&sql, template)),
        Definition::SearchDictionary(one) => found.push(catalogued::dictionary(&sql, one)),
        Definition::SearchConfiguration(one) => catalogued::configuration(&sql, one, found),
        Definition::Wrapper(wrapper) => found.push(catalogued::wrapper(&sql, wrapper)),
        Definition::Server(server) => found.push(catalogued::server(&sql, server)),
        Definition::UserMapping(one) => found.push(catalogued::user_mapping(&sql, one)),
        Definition::Sequence(sequence) => found.push(sequence::create(&sql, sequence)),
        Definition::LargeObject => found.push(format!("SELECT pg_catalog.lo_create('{sql}')")),
        Definition::Statistics(one) => index::statistics(&sql, one, found),
        Definition::Rule(rule) => acting::rule(object, rule, found),
        Definition::Trigger(trigger) => acting::trigger(object, trigger, found),
        Definition::Policy(policy) => found.push(acting::policy(object, policy)),
        Definition::Publication(one) => publication::create(&sql, one, found),
        Definition::EventTrigger(trigger) => acting::event_trigger(&sql, trigger, found),
        Definition::Domain(_) | Definition::Table(_) | Definition::Constraint(_) => {}
        Definition::View(_) | Definition::Index(_) | Definition::DefaultRights(_) => {}
    }
    statements
}

/// The statement that sets the owning column of a sequence, if it has one.
pub(crate) fn owned_by(catalog: &Catalog, object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    sequence::owned_by(catalog, object, &mut found);
    found
}

/// `ALTER … DEPENDS ON EXTENSION`.
fn drops_with(object: &Object, found: &mut Vec<String>) {
    for extension in &object.drops_with {
        let word = object.identity.kind.word().to_uppercase();
        let target = object.identity.target();
        found.push(format!("ALTER {word} {target} DEPENDS ON EXTENSION {}", quoted(extension)));
    }
}

/// What is said of an object, its columns and what is a part of them.
fn comments(object: &Object, found: &mut Vec<String>) {
    let said = |(target, comment): (String, String)| comment_on(&target, &comment);
    found.extend(said_of(object).into_iter().map(said));
}

/// The comments as pairs: the target as `COMMENT ON` names it, and the text.
pub(crate) fn said_of(object: &Object) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let target = object.identity.target();
    let kind = object.identity.kind.word().to_uppercase();
    match (&object.definition, &object.comment) {
        (Definition::Extension(extension), _) if extension.has_usual_comment => {}
        (Definition::Schema(_), comment) if object.identity.name == "public" => {
            // A new database has a comment on it, and so a dump removes it. A schema that was made
            // again never had one.
            let is_first = object.address.oid < 16384;
            let comment = comment.clone().or_else(|| is_first.then(String::new));
            if let Some(comment) = comment.filter(|comment| comment != "standard public schema") {
                found.push(("SCHEMA public".to_owned(), comment));
            }
        }
        (Definition::Constraint(constraint), Some(comment)) if constraint.is_of_domain => {
            let on = target.replacen(" ON ", " ON DOMAIN ", 1);
            found.push((format!("CONSTRAINT {on}"), comment.clone()));
        }
        (_, Some(comment)) => found.push((format!("{kind} {target}"), comment.clone())),
        (_, None) => {}
    }
    for column in object.columns() {
        if let Some(comment) = &column.comment {
            let column = format!("COLUMN {}.{}", object.identity.sql(), quoted(&column.name));
            found.push((column, comment.clone()));
        }
    }
    found
}
