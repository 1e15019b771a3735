//! Enums, composite types, ranges and domains.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{Catalog, Composite, Definition, Domain, Enum, Object, Range};
use crate::ddl::text::{block, qualified};
use crate::graph::DumpOrder;

pub(super) fn labels(name: &str, labels: &Enum) -> String {
    let labels: Vec<String> = labels.labels.iter().map(|label| quote_literal(label)).collect();
    if labels.is_empty() {
        return format!("CREATE TYPE {name} AS ENUM ()");
    }
    format!("CREATE TYPE {name} AS ENUM {}", block(&labels))
}

pub(super) fn composite(name: &str, composite: &Composite) -> String {
    if composite.columns.is_empty() {
        return format!("CREATE TYPE {name} AS ()");
    }
    let columns = composite.columns.iter().map(|column| {
        let collation = column.collation.as_ref().map(|collation| format!(" COLLATE {collation}"));
        format!("{} {}{}", quoted(&column.name), column.data_type, collation.unwrap_or_default())
    });
    format!("CREATE TYPE {name} AS {}", block(&columns.collect::<Vec<_>>()))
}

pub(super) fn range(name: &str, range: &Range) -> String {
    let mut options = vec![
        format!("subtype = {}", range.subtype),
        format!("multirange_type_name = {}", qualified(&range.multirange)),
    ];
    let given = [
        ("subtype_opclass", &range.operator_class),
        ("collation", &range.collation),
        ("subtype_diff", &range.difference),
    ];
    let given = given.into_iter().filter_map(|(word, value)| Some((word, value.as_ref()?)));
    options.extend(given.map(|(word, value)| format!("{word} = {value}")));
    format!("CREATE TYPE {name} AS RANGE {}", block(&options))
}

/// A domain with the constraints that are made with it.
pub(super) fn domain(
    catalog: &Catalog,
    order: &DumpOrder,
    object: &Object,
    domain: &Domain,
) -> String {
    let mut text = format!("CREATE DOMAIN {} AS {}", object.identity.sql(), domain.base);
    if let Some(collation) = &domain.collation {
        text.push_str(&format!(" COLLATE {collation}"));
    }
    if let Some(fallback) = &domain.fallback {
        text.push_str(&format!(" DEFAULT {fallback}"));
    }
    let usual = format!("{}_not_null", object.identity.name);
    let mut is_not_null = domain.not_null;
    let mut checks = String::new();
    for constraint in order.inlined_of(object.address).iter().map(|&at| &catalog.objects[at]) {
        let Definition::Constraint(one) = &constraint.definition else { continue };
        let name = &constraint.identity.name;
        if one.kind == 'n' {
            is_not_null = false;
            let named = if *name == usual {
                String::new()
            } else {
                format!(" CONSTRAINT {}", quoted(name))
            };
            text.push_str(&format!("{named} NOT NULL"));
        } else {
            checks.push_str(&format!("\n    CONSTRAINT {} {}", quoted(name), one.definition));
        }
    }
    if is_not_null {
        text.push_str(" NOT NULL");
    }
    text + &checks
}
