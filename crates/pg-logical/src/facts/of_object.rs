//! The facts of one object.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{
    Catalog, Column, Constraint, Definition, Domain, Index, Marks, Object, Policy, Table, View,
};
use crate::ddl;
use crate::facts::fact::Fact;

/// Adds the facts of an object. The first is about the object itself.
pub(super) fn add(catalog: &Catalog, object: &Object, facts: &mut Vec<Fact>) {
    definition(catalog, object, facts);
    access(object, catalog.about.major, facts);
}

/// Facts about privileges on system objects, and about objects that the model does not cover.
pub(super) fn of_others(catalog: &Catalog) -> Vec<Fact> {
    let rights = catalog.others.iter().map(|others| {
        let text = ddl::of_others(others, catalog.about.major).join("; ");
        access_fact("privileges", others.target.clone(), text)
    });
    let uncovered =
        catalog.uncovered.iter().map(|one| fact("object", one.object.clone(), String::new()));
    rights.chain(uncovered).collect()
}

/// The fact about an index whose build failed or is still running.
pub(super) fn unfinished(name: &str) -> Fact {
    fact("index", name.to_owned(), "not valid".to_owned())
}

fn fact(kind: &'static str, name: String, text: String) -> Fact {
    Fact { kind, name, text, number: 0, is_structure: true }
}

fn access_fact(kind: &'static str, name: String, text: String) -> Fact {
    Fact { is_structure: false, ..fact(kind, name, text) }
}

/// The name in facts: `public.users`, or `public.users.users_pkey` for what belongs to a table.
fn name_of(object: &Object) -> String {
    let identity = &object.identity;
    match &identity.part_of {
        Some(of) => format!("{of}.{}", identity.sql()),
        None => identity.target(),
    }
}

fn definition(catalog: &Catalog, object: &Object, facts: &mut Vec<Fact>) {
    let (kind, name) = (object.identity.kind.word(), name_of(object));
    let words = match &object.definition {
        Definition::Table(table) => of_table(table),
        Definition::View(view) => of_view(view),
        Definition::Domain(domain) => of_domain(domain),
        Definition::Index(index) => of_index(index),
        Definition::Constraint(constraint) => of_constraint(constraint),
        Definition::Policy(policy) => return of_policy(object, policy, name, facts),
        Definition::UserMapping(_) | Definition::DefaultRights(_) => {
            return of_role(object, name, facts);
        }
        Definition::Enum(labels) => {
            facts.push(fact(kind, name.clone(), "enum".to_owned()));
            return of_labels(&labels.labels, &name, facts);
        }
        Definition::Sequence(_) => {
            [ddl::of_itself(object), ddl::owned_by(catalog, object)].concat()
        }
        _ => ddl::of_itself(object),
    };
    facts.push(fact(kind, name.clone(), words.join("; ")));
    facts.extend(object.columns().iter().flat_map(|column| of_column(&name, column)));
}

/// The properties of a table, without its columns.
fn of_table(table: &Table) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |word: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{word} {value}").trim().to_owned()));
    };
    let listed = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
    let flag = |is: bool| is.then(String::new);
    add("unlogged", flag(table.is_unlogged));
    add("partition by", table.partition_key.clone());
    add("inherits", listed(&table.parent_names));
    add("", table.bound.clone());
    add("of", table.of_type.clone());
    add("with", listed(&table.options));
    add("with toast", listed(&table.toast_options));
    add("tablespace", table.tablespace.clone());
    add("using", table.method.clone());
    add("row level security", flag(table.has_policies));
    add("force row level security", flag(table.forces_policies));
    let identity = matches!(table.replica_identity, 'n' | 'f' | 'i');
    add("replica identity", identity.then(|| table.replica_identity.to_string()));
    add("server", table.server.clone());
    add("options", listed(&table.foreign_options));
    words
}

fn of_view(view: &View) -> Vec<String> {
    let mut words = vec![view.query.trim_end_matches(';').to_owned()];
    let listed = |list: &[String]| (!list.is_empty()).then(|| format!("with {}", list.join(", ")));
    words.extend(listed(&view.options));
    words.extend(view.tablespace.as_ref().map(|name| format!("tablespace {name}")));
    words.extend(view.method.as_ref().map(|name| format!("using {name}")));
    words
}

fn of_domain(domain: &Domain) -> Vec<String> {
    let mut words = vec![domain.base.clone()];
    words.extend(domain.collation.as_ref().map(|name| format!("collate {name}")));
    words.extend(domain.not_null.then(|| "not null".to_owned()));
    words.extend(domain.fallback.as_ref().map(|value| format!("default {value}")));
    words
}

fn of_constraint(constraint: &Constraint) -> Vec<String> {
    let mut words = vec![constraint.definition.clone()];
    words.extend((!constraint.is_local).then(|| "inherited".to_owned()));
    if let Some(behind) = &constraint.index {
        words.extend((!behind.options.is_empty()).then(|| behind.options.join(", ")));
        words.extend(of_storage(behind.tablespace.as_ref(), &behind.statistics, &behind.marks));
        words.extend(behind.comment.as_ref().map(|text| format!("comment {text}")));
    }
    words
}

fn of_index(index: &Index) -> Vec<String> {
    let mut words = vec![index.definition.clone()];
    words.extend(of_storage(index.tablespace.as_ref(), &index.statistics, &index.marks));
    words
}

/// The properties of an index that its definition does not contain.
fn of_storage(tablespace: Option<&String>, statistics: &[String], marks: &Marks) -> Vec<String> {
    let mut words: Vec<String> = statistics.iter().map(|one| format!("statistics {one}")).collect();
    words.extend(tablespace.map(|name| format!("tablespace {name}")));
    words.extend(marks.is_clustered.then(|| "clustered".to_owned()));
    words.extend(marks.is_identity.then(|| "replica identity".to_owned()));
    words
}

/// The roles are a separate fact, because they differ between environments.
fn of_policy(object: &Object, policy: &Policy, name: String, facts: &mut Vec<Fact>) {
    let for_all = Policy { roles: Vec::new(), ..policy.clone() };
    let for_all = Object { definition: Definition::Policy(for_all), ..object.clone() };
    facts.push(fact("policy", name.clone(), ddl::of_itself(&for_all).join("; ")));
    facts.push(access_fact("policy roles", name, policy.roles.join(", ")));
}

/// A user mapping or default privileges, which belong to a role.
fn of_role(object: &Object, name: String, facts: &mut Vec<Fact>) {
    let text = match &object.definition {
        Definition::DefaultRights(defaults) => ddl::of_defaults(defaults, 0, None),
        _ => ddl::of_itself(object),
    };
    facts.push(access_fact(object.identity.kind.word(), name, text.join("; ")));
}

/// A fact for each value of an enum, with the value before it.
fn of_labels(labels: &[String], name: &str, facts: &mut Vec<Fact>) {
    let mut before = "first".to_owned();
    for label in labels {
        facts.push(fact("enum value", format!("{name}.{label}"), before));
        before = format!("after {}", quote_literal(label));
    }
}

fn of_column(table: &str, column: &Column) -> Vec<Fact> {
    let name = format!("{table}.{}", quoted(&column.name));
    let value = column.value.as_ref().map(|value| value.expression.clone());
    let identity = column.identity.as_ref().map(|sequence| {
        let how = if column.is_always_identity { "always as identity" } else { "as identity" };
        format!("{how} {sequence}", sequence = ddl::identity(sequence))
    });
    let mut words = vec![
        column.data_type.clone(),
        if column.not_null { "not null" } else { "" }.to_owned(),
        value.or(identity).unwrap_or_default(),
    ];
    let mut add = |word: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("{word} {value}").trim().to_owned()));
    };
    add(
        "generated",
        column.generated.map(|how| if how == 's' { "stored" } else { "virtual" }.to_owned()),
    );
    add("collate", column.collation.clone());
    add("storage", column.storage.map(|letter| letter.to_string()));
    add("compression", column.compression.map(|letter| letter.to_string()));
    add("statistics", column.statistics.clone());
    let listed = |list: &[String]| (!list.is_empty()).then(|| list.join(", "));
    add("with", listed(&column.options));
    add("options", listed(&column.foreign_options));
    let own = Fact { number: column.number, ..fact("column", name.clone(), words.join(" | ")) };
    let mut facts = vec![own];
    facts.extend(
        column.comment.as_ref().map(|text| fact("comment", format!("column {name}"), text.clone())),
    );
    facts.extend(column.not_null_constraint.as_ref().map(|one| {
        let inherit = if one.is_not_inherited { " no inherit" } else { "" };
        let valid = if one.is_validated { "" } else { " not valid" };
        let text = format!("{}{inherit}{valid}", quoted(&one.name));
        // Versions before 18 lack these constraints, so they are not part of the structure.
        access_fact("not null constraint", name, text)
    }));
    facts
}

/// Adds the owner, privileges and comment.
fn access(object: &Object, major: u32, facts: &mut Vec<Fact>) {
    let name = object.identity.to_string();
    facts.extend(
        object.owner.as_ref().map(|owner| access_fact("owner", name.clone(), owner.clone())),
    );
    for rights in &object.rights {
        let text = ddl::of_one(object, rights, major).join("; ");
        let column = rights.column.as_ref();
        let column =
            column.map(|column| format!("column {}.{}", object.identity.sql(), quoted(column)));
        // After GRANT and REVOKE, the list may be equal to the default one.
        if !text.is_empty() {
            facts.push(access_fact("privileges", column.unwrap_or_else(|| name.clone()), text));
        }
    }
    facts.extend(object.comment.as_ref().map(|text| fact("comment", name, text.clone())));
}
