//! Constraints that are made after their table.

use pg_sql::quote::name as quoted;

use crate::catalog::{Catalog, Column, Constraint, Definition, Object};
use crate::ddl::index::{marks, statistics_of};
use crate::ddl::relation::tablespace;
use crate::ddl::text::comment_on;
use crate::ddl::text::{parameters, with};

pub(super) fn create(
    catalog: &Catalog,
    object: &Object,
    constraint: &Constraint,
    found: &mut Vec<String>,
) {
    let Some(of) = &object.identity.part_of else { return };
    let name = quoted(&object.identity.name);
    if constraint.is_of_domain {
        return found
            .push(format!("ALTER DOMAIN {of} ADD CONSTRAINT {name} {}", constraint.definition));
    }
    // What is inherited is made with the table, and with the constraint of its parent.
    if constraint.kind == 'c' && !constraint.is_local {
        if constraint.is_validated && !is_validated_above(catalog, object) {
            found.push(format!("ALTER TABLE {of}\n    VALIDATE CONSTRAINT {name}"));
        }
        return;
    }
    // A check has to reach the tables that inherit it, a foreign key the partitions.
    let reaches = constraint.kind == 'c' || constraint.kind == 'f' && constraint.is_of_partitioned;
    let only = if reaches { "" } else { "ONLY " };
    let behind = constraint.index.as_ref();
    let place = behind.and_then(|behind| behind.tablespace.as_deref());
    tablespace(place, found, |found| {
        let definition = definition(constraint);
        found.push(format!("ALTER TABLE {only}{of}\n    ADD CONSTRAINT {name} {definition}"));
    });
    if let Some(behind) = behind {
        // The index of a constraint has its name.
        marks(of, &name, &behind.marks, found);
        statistics_of(&behind.name, &behind.statistics, found);
        if let Some(comment) = &behind.comment {
            found.push(comment_on(&format!("INDEX {}", behind.name), comment));
        }
    }
}

/// Whether a parent's check, from which this one is inherited, is validated.
fn is_validated_above(catalog: &Catalog, object: &Object) -> bool {
    catalog.checks_above(object).into_iter().any(|at| match &catalog.objects[at].definition {
        Definition::Constraint(check) => check.is_validated,
        _ => false,
    })
}

/// The definition, with the storage parameters of the index, which the server leaves out.
fn definition(constraint: &Constraint) -> String {
    let options = constraint.index.as_ref().map(|behind| parameters(&behind.options, ""));
    let options = with(&options.unwrap_or_default(), " ");
    if options.is_empty() || constraint.kind == 'x' {
        return constraint.definition.clone();
    }
    let when = match (constraint.is_deferrable, constraint.is_deferred) {
        (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        _ => "",
    };
    let before = constraint.definition.strip_suffix(when).unwrap_or(&constraint.definition);
    format!("{before}{options}{when}")
}

/// A constraint that refuses NULL from now on, in the tables that inherit it too.
pub(crate) fn not_null(object: &Object, column: &Column, found: &mut Vec<String>) {
    let Some(constraint) = &column.not_null_constraint else { return };
    let (table, name) = (object.identity.sql(), quoted(&constraint.name));
    let inherit = if constraint.is_not_inherited { " NO INHERIT" } else { "" };
    if constraint.is_local {
        found.push(format!(
            "ALTER TABLE {table}\n    ADD CONSTRAINT {name} NOT NULL {}{inherit} NOT VALID",
            quoted(&column.name)
        ));
    }
    if let Some(comment) = &constraint.comment {
        found.push(comment_on(&format!("CONSTRAINT {name} ON {table}"), comment));
    }
}
