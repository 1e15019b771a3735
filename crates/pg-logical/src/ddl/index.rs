//! Indexes and extended statistics.

use pg_sql::quote::name as quoted;

use crate::catalog::{Catalog, Definition, Index, Marks, Object, Statistics, class};
use crate::ddl::relation::tablespace;
use crate::ddl::text::without_semicolon;

pub(super) fn create(catalog: &Catalog, index: &Index, object: &Object, found: &mut Vec<String>) {
    tablespace(index.tablespace.as_deref(), found, |found| {
        found.push(without_semicolon(&index.definition).to_owned());
    });
    statistics_of(&object.identity.sql(), &index.statistics, found);
    if let Some(table) = catalog.find(class::CLASS, index.table) {
        marks(&table.identity.sql(), &quoted(&object.identity.name), &index.marks, found);
    }
}

/// What a table says of one of its indexes.
pub(super) fn marks(table: &str, index: &str, marks: &Marks, found: &mut Vec<String>) {
    if marks.is_clustered {
        found.push(format!("ALTER TABLE {table} CLUSTER ON {index}"));
    }
    if marks.is_identity {
        found.push(format!("ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {index}"));
    }
}

pub(super) fn statistics_of(index: &str, statistics: &[String], found: &mut Vec<String>) {
    for line in statistics {
        let (number, target) = line.split_once(' ').unwrap_or((line, "-1"));
        found.push(format!("ALTER INDEX {index} ALTER COLUMN {number} SET STATISTICS {target}"));
    }
}

/// The index of a partition becomes a part of that of its table.
pub(super) fn attach(object: &Object, found: &mut Vec<String>) {
    let (own, marks) = match &object.definition {
        Definition::Index(index) => (object.identity.sql(), &index.marks),
        Definition::Constraint(constraint) => match &constraint.index {
            Some(behind) => (behind.name.clone(), &behind.marks),
            None => return,
        },
        _ => return,
    };
    if let Some((_, parent)) = &marks.parent {
        found.push(format!("ALTER INDEX {parent} ATTACH PARTITION {own}"));
    }
}

pub(super) fn statistics(name: &str, statistics: &Statistics, found: &mut Vec<String>) {
    found.push(statistics.definition.clone());
    if let Some(target) = &statistics.target {
        found.push(format!("ALTER STATISTICS {name} SET STATISTICS {target}"));
    }
}
