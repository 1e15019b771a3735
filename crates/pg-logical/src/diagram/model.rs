//! The tables and foreign keys that a diagram shows.

use std::collections::BTreeSet;

use crate::catalog::{Catalog, Definition, Kind, Object};

/// Tables and the foreign keys between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// In the order of their schemas and names.
    pub tables: Vec<DiagramTable>,
    /// In the order of the referring tables.
    pub references: Vec<Reference>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<DiagramColumn>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramColumn {
    /// Its name.
    pub name: String,
    /// Its type, with its length or precision.
    pub data_type: String,
    /// Whether it is in the primary key.
    pub is_key: bool,
    /// Whether it is in a foreign key.
    pub refers: bool,
    /// Whether it can be NULL.
    pub is_nullable: bool,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The table that has the foreign key, by its place in the diagram.
    pub from: usize,
    /// The table that it refers to.
    pub to: usize,
    /// The columns of the foreign key, by their places in the table.
    pub columns: Vec<usize>,
    /// Whether at most one row refers to each row: the columns are unique.
    pub is_unique: bool,
}

impl Reference {
    /// Whether a row may refer to nothing, because a column of the foreign key can be NULL.
    pub fn is_optional(&self, diagram: &Diagram) -> bool {
        let columns = &diagram.tables[self.from].columns;
        self.columns.iter().any(|&at| columns[at].is_nullable)
    }
}

impl DiagramTable {
    /// Its name in the diagram: with its schema, unless that is `public`.
    pub fn label(&self) -> String {
        match self.schema.as_str() {
            "public" => self.name.clone(),
            schema => format!("{schema}.{}", self.name),
        }
    }

    fn of(object: &Object) -> DiagramTable {
        let columns = object.columns().iter().map(|column| DiagramColumn {
            name: column.name.clone(),
            data_type: column.data_type.clone(),
            is_key: false,
            refers: false,
            is_nullable: !column.not_null,
        });
        DiagramTable {
            schema: object.identity.schema.clone().unwrap_or_default(),
            name: object.identity.name.clone(),
            columns: columns.collect(),
        }
    }
}

impl Diagram {
    /// The tables of a database, without partitions, views, and the tables of one schema.
    pub fn of(catalog: &Catalog, left_out: &str) -> Diagram {
        let mut objects: Vec<&Object> = catalog
            .objects
            .iter()
            .filter(|object| object.identity.kind == Kind::Table)
            .filter(|object| object.table().is_some_and(|table| table.bound.is_none()))
            .filter(|object| object.identity.schema.as_deref() != Some(left_out))
            .collect();
        objects.sort_by_key(|object| (&object.identity.schema, &object.identity.name));
        let tables = objects.iter().map(|object| DiagramTable::of(object)).collect();
        let mut diagram = Diagram { tables, references: Vec::new() };
        let place = |oid: u32| objects.iter().position(|object| object.address.oid == oid);
        let mut unique: Vec<(usize, BTreeSet<usize>)> = Vec::new();
        for object in &catalog.objects {
            let Definition::Constraint(constraint) = &object.definition else { continue };
            let Some(table) = place(constraint.part_of) else { continue };
            let numbers = constraint.columns.iter();
            let columns: Vec<usize> =
                numbers.filter_map(|&number| column_of(objects[table], number)).collect();
            match constraint.kind {
                'p' | 'u' => {
                    unique.push((table, columns.iter().copied().collect()));
                    if constraint.kind == 'p' {
                        diagram.mark(table, &columns, |column| column.is_key = true);
                    }
                }
                'f' => {
                    let Some(to) = place(constraint.referenced) else { continue };
                    diagram.mark(table, &columns, |column| column.refers = true);
                    let is_unique = false;
                    diagram.references.push(Reference { from: table, to, columns, is_unique });
                }
                _ => {}
            }
        }
        for reference in &mut diagram.references {
            let columns: BTreeSet<usize> = reference.columns.iter().copied().collect();
            let is_within = |(table, key): &(usize, BTreeSet<usize>)| {
                *table == reference.from && !key.is_empty() && key.is_subset(&columns)
            };
            reference.is_unique = unique.iter().any(is_within);
        }
        diagram.references.sort_by_key(|one| (one.from, one.columns.clone(), one.to));
        diagram
    }

    fn mark(&mut self, table: usize, columns: &[usize], mark: impl Fn(&mut DiagramColumn)) {
        columns.iter().for_each(|&at| mark(&mut self.tables[table].columns[at]));
    }

    /// The table of a name, with its schema or without.
    pub fn table(&self, schema: &str, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| table.schema == schema && table.name == name)
    }

    /// Only the tables that are at most `depth` foreign keys away from one of the given tables.
    #[must_use]
    pub fn around(&self, tables: &[usize], depth: usize) -> Diagram {
        let mut near: BTreeSet<usize> = tables.iter().copied().collect();
        for _ in 0..depth {
            let touching = self
                .references
                .iter()
                .filter(|one| near.contains(&one.from) != near.contains(&one.to));
            let next: Vec<usize> = touching.flat_map(|one| [one.from, one.to]).collect();
            if next.is_empty() {
                break;
            }
            near.extend(next);
        }
        self.reduced_to(&near)
    }

    /// Only these tables, and the foreign keys between them.
    fn reduced_to(&self, kept: &BTreeSet<usize>) -> Diagram {
        let kept: Vec<usize> = kept.iter().copied().collect();
        let place = |table: usize| kept.binary_search(&table).ok();
        let references = self.references.iter().filter_map(|one| {
            let (from, to) = (place(one.from)?, place(one.to)?);
            Some(Reference { from, to, ..one.clone() })
        });
        Diagram {
            tables: kept.iter().map(|&table| self.tables[table].clone()).collect(),
            references: references.collect(),
        }
    }
}

/// The place of a column with this number in the catalog.
fn column_of(table: &Object, number: u32) -> Option<usize> {
    table.columns().iter().position(|column| column.number == number)
}
