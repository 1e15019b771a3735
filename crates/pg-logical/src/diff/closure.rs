//! Decides what happens to each old object, and to the objects that depend on it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::{Column, Definition, Kind, Link};
use crate::diff::column;
use crate::diff::compare::{ColumnPair, Comparison, Facets, Pair};
use crate::diff::edit::Verdict;
use crate::diff::refusal::{DiffError, Refused};
use crate::diff::{rules, words};

/// What happens to an old object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Alter,
    /// Dropped and recreated.
    Replace,
    Drop,
}

/// What happens to an old column that other objects may depend on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnFate {
    Keep,
    /// It gets another type or collation, or its type is replaced.
    Retype,
    /// Dropped and added again.
    Remake,
    Drop,
}

/// What happens to every old object, and how cycles are broken.
pub(super) struct Fates<'a> {
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) of: Vec<Fate>,
    pub(super) facets: Facets,
    /// Types that are renamed first, and dropped once no column uses them.
    pub(super) retired: BTreeSet<usize>,
    /// Parts of dropped tables that are dropped before the table, to break a cycle.
    pub(super) apart: BTreeSet<usize>,
    /// Defaults that are dropped before their table is, to break a cycle: table and column number.
    pub(super) apart_defaults: BTreeSet<(usize, u32)>,
    /// Objects that are replaced instead of altered, to break a cycle.
    pub(super) forced: BTreeSet<usize>,
    /// Types that are renamed to break a cycle.
    pub(super) outlived: BTreeSet<usize>,
    columns: HashMap<(usize, u32), ColumnFate>,
    /// New objects without an old version, by the names that they take.
    successors: BTreeMap<Name, usize>,
    refused: BTreeSet<Refused>,
}

/// A name that only one object can have: its namespace, its schema or table, and the name.
/// Functions count by their name alone, without their arguments.
pub(super) type Name = (u8, Option<String>, String);

/// The names that an object takes: a table has one as a relation and one as a row type.
pub(super) fn names(object: &crate::catalog::Object) -> Vec<Name> {
    let identity = &object.identity;
    let name = |family: u8| (family, identity.schema.clone(), identity.name.clone());
    match (&object.definition, identity.kind) {
        (Definition::Constraint(constraint), _) => {
            let of = (3, identity.part_of.clone(), identity.name.clone());
            let index = constraint.index.as_ref().map(|_| name(0));
            index.into_iter().chain([of]).collect()
        }
        (_, Kind::Index | Kind::Sequence) => vec![name(0)],
        (_, Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView) => {
            vec![name(0), name(1)]
        }
        (_, Kind::Type | Kind::Domain) => vec![name(0), name(1)],
        (_, Kind::Function | Kind::Procedure | Kind::Aggregate) => vec![name(2)],
        (_, kind) => vec![(10 + kind as u8, identity.schema.clone(), identity.sql())],
    }
}

impl<'a> Fates<'a> {
    pub(super) fn new(comparison: &'a Comparison<'a>) -> Fates<'a> {
        let mut successors = BTreeMap::new();
        for (new, object) in comparison.after.catalog.objects.iter().enumerate() {
            if comparison.originals[new].is_none() {
                successors.extend(names(object).into_iter().map(|name| (name, new)));
            }
        }
        Fates {
            comparison,
            of: Vec::new(),
            facets: Facets::default(),
            retired: BTreeSet::new(),
            apart: BTreeSet::new(),
            apart_defaults: BTreeSet::new(),
            forced: BTreeSet::new(),
            outlived: BTreeSet::new(),
            columns: HashMap::new(),
            successors,
            refused: BTreeSet::new(),
        }
    }

    /// Decides what happens to every object, with the repairs of cycles made so far.
    pub(super) fn settle(&mut self) -> Result<(), DiffError> {
        self.facets = Facets::default();
        self.retired.clear();
        self.refused.clear();
        self.columns.clear();
        self.of = (0..self.comparison.twins.len()).map(|old| self.own_fate(old)).collect();
        for old in 0..self.of.len() {
            self.own_columns(old);
        }
        while self.spread() {}
        self.keep_partition_keys();
        self.keep_contained_domains();
        self.keep_declared_columns();
        self.retire();
        if self.refused.is_empty() {
            return Ok(());
        }
        Err(DiffError::Unsupported(std::mem::take(&mut self.refused).into_iter().collect()))
    }

    pub(super) fn pair(&self, old: usize) -> Option<Pair<'_>> {
        let new_at = self.comparison.twins[old]?;
        Some(Pair { comparison: self.comparison, facets: &self.facets, old_at: old, new_at })
    }

    fn own_fate(&mut self, old: usize) -> Fate {
        let object = self.comparison.before.object(old);
        if !Comparison::is_compared(object) {
            return Fate::Keep;
        }
        let Some(pair) = self.pair(old) else { return Fate::Drop };
        match rules::verdict(&pair) {
            Verdict::Refuse(why) => {
                self.refuse(words::of(&object.identity), why);
                Fate::Keep
            }
            Verdict::Replace => Fate::Replace,
            Verdict::Alter(_) if self.forced.contains(&old) => Fate::Replace,
            Verdict::Alter(edits) if edits.is_empty() => Fate::Keep,
            Verdict::Alter(_) => Fate::Alter,
        }
    }

    /// Decides what happens to the columns of a table that stays, before following dependencies.
    fn own_columns(&mut self, old: usize) {
        if self.goes(old) || self.comparison.before.object(old).table().is_none() {
            return;
        }
        let Some(pair) = self.pair(old) else { return };
        let mut found: Vec<(u32, ColumnFate)> =
            pair.gone_columns().iter().map(|column| (column.number, ColumnFate::Drop)).collect();
        let mut loosened = Vec::new();
        for columns in pair.columns() {
            if column::is_remade(&pair, columns) {
                found.push((columns.old.number, ColumnFate::Remake));
            } else if column::has_new_type(columns) {
                found.push((columns.old.number, ColumnFate::Retype));
            }
            if columns.old.identity.is_some() && columns.new.identity.is_none() {
                loosened.push(columns.old.number);
            }
        }
        let key = |number| (old, number);
        self.facets.loosened.extend(loosened.into_iter().map(key));
        for (number, fate) in found {
            self.columns.insert((old, number), fate);
            if fate == ColumnFate::Remake {
                self.facets.remade.insert((old, number));
            }
        }
    }

    /// Whether an old object is dropped, even if it is recreated.
    pub(super) fn goes(&self, old: usize) -> bool {
        matches!(self.of[old], Fate::Drop | Fate::Replace)
    }

    pub(super) fn column_fate(&self, old: usize, number: u32) -> ColumnFate {
        self.columns.get(&(old, number)).copied().unwrap_or(ColumnFate::Keep)
    }

    /// The new object that takes the place of a dropped one: its new version, or another object of
    /// that name.
    pub(super) fn successor(&self, old: usize) -> Option<usize> {
        self.comparison.twins[old].or_else(|| {
            let names = names(self.comparison.before.object(old));
            names.iter().find_map(|name| self.successors.get(name).copied())
        })
    }

    /// Follows each dependency once. Returns whether a decision changed.
    fn spread(&mut self) -> bool {
        let before = (self.of.clone(), self.columns.len(), self.facets.loosened.len());
        for link in &self.comparison.before.catalog.links {
            if !self.goes(link.from) {
                self.follow(*link);
            }
        }
        before != (self.of.clone(), self.columns.len(), self.facets.loosened.len())
    }

    fn follow(&mut self, link: Link) {
        if self.goes(link.on) {
            if link.is_value {
                self.value_needs_what_goes(link);
            } else if self.comparison.before.object(link.from).table().is_some() {
                self.table_needs_what_goes(link);
            } else {
                self.object_needs_what_goes(link);
            }
            return;
        }
        match self.column_fate(link.on, link.on_column) {
            ColumnFate::Retype => self.needs_retyped(link),
            ColumnFate::Remake => self.needs_remade(link),
            ColumnFate::Keep | ColumnFate::Drop => {}
        }
    }

    fn column_pair(&self, old: usize, number: u32) -> Option<ColumnPair<'a>> {
        let (_, column): (_, &'a Column) = self.comparison.before.column(old, number)?;
        let new_at = self.comparison.twins[old]?;
        let (place, new) = self.comparison.after.column_named(new_at, &column.name)?;
        Some(ColumnPair { old: column, new, place })
    }

    /// Whether the dependent object still depends on what takes the place of the other.
    fn still_needs(&self, link: Link) -> bool {
        let (Some(new), Some(on)) = (self.comparison.twins[link.from], self.successor(link.on))
        else {
            return false;
        };
        self.comparison.needs(new, 0, on)
            || self.comparison.after.catalog.links.iter().any(|l| l.from == new && l.on == on)
    }

    pub(super) fn refuse(&mut self, object: String, why: String) {
        self.refused.insert(Refused { object, why });
    }

    fn replace(&mut self, old: usize) {
        self.of[old] = Fate::Replace;
    }

    fn remake(&mut self, old: usize, number: u32) {
        self.columns.insert((old, number), ColumnFate::Remake);
        self.facets.remade.insert((old, number));
    }

    fn value_needs_what_goes(&mut self, link: Link) {
        if self.comparison.before.object(link.from).table().is_none() {
            return self.replace(link.from);
        }
        let Some(columns) = self.column_pair(link.from, link.from_column) else { return };
        if columns.old.generated.is_none() {
            self.facets.loosened.insert((link.from, link.from_column));
        } else if columns.new.generated.is_some() {
            self.remake(link.from, link.from_column);
        }
    }

    fn table_needs_what_goes(&mut self, link: Link) {
        let needed = self.comparison.before.object(link.on);
        if link.from_column != 0 {
            let Some(columns) = self.column_pair(link.from, link.from_column) else { return };
            if !self.still_needs(link) || column::has_new_type(columns) {
                return;
            }
            if !matches!(needed.identity.kind, Kind::Type | Kind::Domain | Kind::Collation) {
                let table = &self.comparison.before.object(link.from).identity;
                let why = format!("its type is the row type of {}", words::of(&needed.identity));
                self.refuse(words::column(table, columns.old), why);
            }
            self.facets.moved.insert((link.from, link.from_column));
            self.columns.insert((link.from, link.from_column), ColumnFate::Retype);
            return;
        }
        if needed.table().is_some() {
            self.facets.reattached.insert(link.from);
        } else if self.comparison.before.object(link.from).identity.kind == Kind::ForeignTable {
            self.replace(link.from);
        } else if self.still_needs(link) {
            let (table, needed) = (link.from, words::of(&needed.identity));
            let table = words::of(&self.comparison.before.object(table).identity);
            self.refuse(table, format!("it depends on {needed}, which has to be replaced"));
        }
    }

    fn object_needs_what_goes(&mut self, link: Link) {
        let is_seldom_made_again = matches!(
            self.comparison.before.object(link.from).identity.kind,
            Kind::Schema | Kind::Extension | Kind::LargeObject
        );
        if is_seldom_made_again {
            return;
        }
        if self.of[link.from] == Fate::Keep || self.still_needs(link) {
            let is_disowned = self.comparison.before.object(link.from).identity.kind
                == Kind::Sequence
                && !self.still_needs(link);
            if !is_disowned {
                self.replace(link.from);
            }
        }
    }

    fn needs_retyped(&mut self, link: Link) {
        if link.is_value {
            let Some(columns) = self.column_pair(link.from, link.from_column) else { return };
            if columns.new.generated.is_some() {
                self.remake(link.from, link.from_column);
            }
            return;
        }
        match &self.comparison.before.object(link.from).definition {
            // `ALTER COLUMN TYPE` rebuilds indexes and statistics, and keeps sequences.
            Definition::Index(_) | Definition::Statistics(_) | Definition::Sequence(_) => {}
            Definition::Constraint(constraint) if constraint.kind != 'f' => {}
            Definition::Table(_) => {}
            _ => self.replace(link.from),
        }
    }

    fn needs_remade(&mut self, link: Link) {
        if link.is_value {
            return self.needs_retyped(link);
        }
        match &self.comparison.before.object(link.from).definition {
            Definition::Sequence(_) | Definition::Table(_) => {}
            _ => self.replace(link.from),
        }
    }

    /// Refuses another type for a column of a partition key, which PostgreSQL cannot change.
    fn keep_partition_keys(&mut self) {
        let retyped = self.columns.iter().filter(|(_, fate)| **fate == ColumnFate::Retype);
        let mut retyped: Vec<(usize, u32)> = retyped.map(|(key, _)| *key).collect();
        retyped.sort_unstable();
        for (old, number) in retyped {
            let object = self.comparison.before.object(old);
            let key = object.table().and_then(|table| table.partition_key.as_ref());
            let column = self.comparison.before.column(old, number).map(|(_, column)| column);
            let Some((key, column)) = key.zip(column) else { continue };
            // The first word is the strategy, which a column may be called too.
            if pg_sql::lexer::words(key).iter().skip(1).any(|word| *word == column.name) {
                let why = format!("it is part of the partition key {key}");
                self.refuse(words::column(&object.identity, column), why);
            }
        }
    }

    /// Collects the types to rename: columns use them until they get the new type.
    fn retire(&mut self) {
        for link in &self.comparison.before.catalog.links {
            let is_of_moved = self.facets.moved.contains(&(link.from, link.from_column));
            if is_of_moved && !link.is_value && self.goes(link.on) {
                self.retired.insert(link.on);
            }
        }
        let outlived: Vec<usize> =
            self.outlived.iter().copied().filter(|&old| self.goes(old)).collect();
        self.retired.extend(outlived);
        for old in self.retired.clone() {
            let object = self.comparison.before.object(old);
            // Renaming a range renames neither its constructor functions nor its multirange type.
            if matches!(object.definition, Definition::Range(_)) {
                let why =
                    "columns have this type, and a range type that is in use cannot be replaced";
                self.refuse(words::of(&object.identity), why.to_owned());
            }
        }
    }
}
