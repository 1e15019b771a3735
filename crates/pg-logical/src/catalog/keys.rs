//! Indexes, and the constraints of tables and domains.

use std::collections::{HashMap, HashSet};

use crate::catalog::assemble::{Parts, Read, at};
use crate::catalog::column::NotNull;
use crate::catalog::composed::{self, Composer};
use crate::catalog::constraint::{Behind, ConstraintRow};
use crate::catalog::definition::Definition;
use crate::catalog::identity::{Identity, Kind, ObjectHeader, class};
use crate::catalog::index::{Index, IndexRow};
use crate::catalog::object::Object;
use crate::catalog::value::UnfinishedIndex;
use crate::source::Source;

impl Parts<'_> {
    pub(super) fn indexes_and_constraints(&mut self, source: &mut dyn Source) -> Read<()> {
        let mut indexes = self.indexes()?;
        let mut constraints: Vec<ConstraintRow> =
            self.rows("constraints")?.map(ConstraintRow::read).collect::<Read<_>>()?;
        self.define(source, &mut indexes, &mut constraints)?;
        let place: HashMap<u32, usize> =
            indexes.iter().enumerate().map(|(place, (index, _))| (index.oid, place)).collect();
        for constraint in constraints {
            let index = place.get(&constraint.index).map(|&place| &indexes[place].0);
            let behind = index.map(|index| index.behind.clone());
            self.constraint(constraint, behind);
        }
        for (index, constraint) in indexes {
            if constraint == 0 {
                self.index(index);
            } else {
                let behind = at(class::CLASS, index.oid);
                self.aliases.insert(behind, at(class::CONSTRAINT, constraint));
            }
        }
        Ok(())
    }

    /// The indexes, each with the constraint that it is for, or 0.
    fn indexes(&self) -> Read<Vec<(IndexRow, u32)>> {
        let read = |row| Ok((IndexRow::read(row)?, row.oid("constraint")?));
        let mut found: Vec<(IndexRow, u32)> =
            self.rows("indexes")?.map(read).collect::<Read<_>>()?;
        let parents: HashSet<u32> = found.iter().map(|(index, _)| index.parent).collect();
        let names: HashMap<u32, String> = (found.iter())
            .filter(|(index, _)| parents.contains(&index.oid))
            .map(|(index, _)| (index.oid, index.behind.name.clone()))
            .collect();
        for (index, _) in &mut found {
            let parent = names.get(&index.parent).map(|name| (index.parent, name.clone()));
            index.behind.marks.parent = parent;
            index.behind.comment = self.comments.get(&(at(class::CLASS, index.oid), 0)).cloned();
        }
        Ok(found)
    }

    /// Adds the definitions that the server did not send: composes the plain ones, and asks for the
    /// others.
    fn define(
        &self,
        source: &mut dyn Source,
        indexes: &mut [(IndexRow, u32)],
        constraints: &mut [ConstraintRow],
    ) -> Read<()> {
        let composer = Composer::new(self)?;
        let behind: HashMap<u32, &IndexRow> =
            indexes.iter().map(|(index, _)| (index.oid, index)).collect();
        for row in constraints.iter_mut().filter(|row| row.is_undefined()) {
            let composed = composer.key(row, behind.get(&row.index).copied());
            row.constraint.definition = composed.unwrap_or_default();
        }
        for (index, _) in indexes.iter_mut().filter(|(index, of)| index.is_undefined(*of)) {
            index.definition = composer.index(index);
        }
        let wanted: Vec<u32> =
            constraints.iter().filter(|row| row.is_undefined()).map(|row| row.oid).collect();
        let mut defined = composed::definitions(source, "pg_get_constraintdef", &wanted)?;
        for row in constraints {
            row.constraint.definition.extend(defined.remove(&row.oid));
        }
        let wanted = indexes.iter().filter(|(index, of)| index.is_undefined(*of));
        let wanted: Vec<u32> = wanted.map(|(index, _)| index.oid).collect();
        let mut defined = composed::definitions(source, "pg_get_indexdef", &wanted)?;
        for (index, _) in indexes {
            index.definition = index.definition.take().or_else(|| defined.remove(&index.oid));
        }
        Ok(())
    }

    fn constraint(&mut self, found: ConstraintRow, behind: Option<Behind>) {
        let own = at(class::CONSTRAINT, found.oid);
        let of = if found.domain == 0 {
            at(class::CLASS, found.relation)
        } else {
            at(class::TYPE, found.domain)
        };
        let Some(&place) = self.places.get(&of) else { return };
        let mut constraint = found.constraint;
        if constraint.kind == 'n' && !constraint.is_of_domain {
            let comment = self.comments.get(&(own, 0)).cloned();
            let not_null = NotNull {
                name: found.name,
                is_validated: constraint.is_validated,
                is_not_inherited: found.is_not_inherited,
                is_local: constraint.is_local,
                comment,
            };
            self.aliases.insert(own, of);
            if let Definition::Table(table) = &mut self.objects[place].definition {
                let mut columns = table.columns.iter_mut();
                if let Some(column) =
                    columns.find(|column| Some(&column.number) == constraint.columns.first())
                {
                    column.not_null_constraint = Some(not_null);
                }
            }
            return;
        }
        if matches!(constraint.kind, 'p' | 'u' | 'x') {
            constraint.index = behind;
        }
        if let Definition::Table(table) = &self.objects[place].definition {
            constraint.is_of_partitioned = table.partition_key.is_some();
        }
        let identity = Identity::part(Kind::Constraint, &self.objects[place].identity, found.name);
        self.add(Object::new(
            ObjectHeader { address: own, identity, owner: None },
            Definition::Constraint(constraint),
        ));
    }

    fn index(&mut self, found: IndexRow) {
        if found.is_unfinished() {
            self.aliases.insert(at(class::CLASS, found.oid), at(class::CLASS, found.table));
            return self
                .unfinished
                .push(UnfinishedIndex { name: found.behind.name, table: found.table });
        }
        if self.identity(at(class::CLASS, found.table)).is_none() {
            return;
        }
        let identity = Identity::within(Kind::Index, found.schema, found.name);
        let definition = Definition::Index(Index {
            definition: found.definition.unwrap_or_default(),
            is_unique: found.is_unique,
            tablespace: found.behind.tablespace,
            statistics: found.behind.statistics,
            table: found.table,
            marks: found.behind.marks,
        });
        self.add(Object::new(
            ObjectHeader { address: at(class::CLASS, found.oid), identity, owner: None },
            definition,
        ));
    }
}
