//! Steps that avoid long locks: `CONCURRENTLY`, `NOT VALID` and then `VALIDATE`, `USING INDEX`.
//!
//! Only tables that exist already need them: nothing waits for a table that the plan creates.

use std::collections::BTreeSet;

use pg_sql::quote::name as quoted;

use crate::catalog::{Constraint, Definition, Kind, Object};
use crate::ddl;
use crate::diff::closure::Fates;
use crate::diff::hazard::Hazard;
use crate::diff::inherited;
use crate::diff::order::is_made;
use crate::diff::step::{Action, DiffStep, TransactionNeed};

/// Replaces steps that would hold a lock for long.
pub(super) fn unlocked(fates: &Fates<'_>, steps: Vec<DiffStep>) -> Vec<DiffStep> {
    let names = constraint_names(fates);
    let mut unlocking = Unlocking { fates, steps: Vec::new(), unchecked: Vec::new(), names };
    let (mut late, mut validations) = (Vec::new(), Vec::new());
    for step in steps {
        unlocking.check_before(&step);
        let is_late = |other: &DiffStep| other.object == step.object;
        if late.iter().any(is_late) {
            late.push(step);
        } else if let Some(required) = required_column(&step) {
            unlocking.require(step, required);
        } else if let Some(pieces) = unlocking.index(&step) {
            let is_unique = pieces[0].statements[0].starts_with("CREATE UNIQUE ");
            let target = if is_unique { &mut unlocking.steps } else { &mut late };
            target.extend(pieces);
        } else if let Some((added, validation)) = unlocking.constraint(&step) {
            unlocking.steps.extend(added);
            validations.extend(validation);
        } else {
            unlocking.steps.push(unlocking.dropped_index(step));
        }
    }
    unlocking.check();
    begin_transaction(&mut validations);
    unlocking.steps.into_iter().chain(late).chain(validations).collect()
}

/// Lets the first of these steps begin a transaction.
fn begin_transaction(steps: &mut [DiffStep]) {
    if let Some(first) = steps.first_mut() {
        first.transaction = TransactionNeed::New;
    }
}

struct Unlocking<'a> {
    fates: &'a Fates<'a>,
    steps: Vec<DiffStep>,
    /// Steps that make columns `NOT NULL`, once a check proves that no row lacks a value.
    unchecked: Vec<DiffStep>,
    /// The names of constraints.
    names: BTreeSet<String>,
}

/// PostgreSQL cuts longer names, in bytes.
const NAME_LENGTH: usize = 63;

/// As many letters from the beginning of a text as fit into some bytes.
fn beginning(text: &str, most: usize) -> &str {
    let mut ends = text.char_indices().map(|(at, letter)| at + letter.len_utf8());
    let end = ends.by_ref().take_while(|end| *end <= most).last();
    &text[..end.unwrap_or(0)]
}

/// The names of all constraints, before and after.
fn constraint_names(fates: &Fates<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for side in [&fates.comparison.before, &fates.comparison.after] {
        for object in &side.catalog.objects {
            if object.identity.kind == Kind::Constraint {
                names.insert(object.identity.name.clone());
            }
            let own = object.columns().iter().filter_map(|own| own.not_null_constraint.as_ref());
            names.extend(own.map(|constraint| constraint.name.clone()));
        }
    }
    names
}

/// The column that a step makes `NOT NULL`, as SQL, with the beginning of the statement.
fn required_column(step: &DiffStep) -> Option<(String, String)> {
    let [statement] = step.statements.as_slice() else { return None };
    if step.object.kind != Kind::Table || step.action != Action::Alter {
        return None;
    }
    if let Some(alter) = statement.strip_suffix(" SET NOT NULL") {
        let (table, column) = alter.split_once(" ALTER COLUMN ")?;
        return Some((table.to_owned(), column.to_owned()));
    }
    // Since version 18, the constraint may have a name of its own.
    let (table, constraint) = statement.split_once(" ADD CONSTRAINT ")?;
    match pg_sql::lexer::words(constraint).as_slice() {
        [_, not, null, column] if not == "not" && null == "null" => {
            Some((table.to_owned(), quoted(column)))
        }
        _ => None,
    }
}

impl Unlocking<'_> {
    /// Adds an unvalidated check, so that `SET NOT NULL` need not read the table.
    fn require(&mut self, step: DiffStep, (table, column): (String, String)) {
        let name = quoted(&self.helper_name(&pg_sql::lexer::words(&column).concat()));
        let add = format!("{table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID");
        let follows = vec![
            format!("{table} VALIDATE CONSTRAINT {name}"),
            step.statements[0].clone(),
            format!("{table} DROP CONSTRAINT {name}"),
        ];
        let check = DiffStep::new(step.object.clone(), Action::Alter, follows, Vec::new());
        self.unchecked.push(check);
        self.steps.push(unscanned(DiffStep { statements: vec![add], ..step }));
    }

    /// A name for a check that no constraint has, neither of the table nor of those that inherit
    /// from it.
    fn helper_name(&mut self, column: &str) -> String {
        let mut number = 1;
        loop {
            let end = if number == 1 { String::new() } else { format!("_{number}") };
            let end = format!("_is_not_null{end}");
            let name = format!("{}{end}", beginning(column, NAME_LENGTH - end.len()));
            if self.names.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }

    /// Before anything else than another alteration of a table's columns, the columns become `NOT
    /// NULL`: a primary key, a parent or a replica identity may need that.
    fn check_before(&mut self, step: &DiffStep) {
        let is_of_column = step.object.kind == Kind::Table
            && step.action == Action::Alter
            && step.statements.iter().all(|text| text.contains(" COLUMN "));
        if !is_of_column {
            self.check();
        }
    }

    fn check(&mut self) {
        begin_transaction(&mut self.unchecked);
        self.steps.append(&mut self.unchecked);
    }

    /// The new object of a step, if it is a part of a table that stays.
    fn part(&self, step: &DiffStep) -> Option<&Object> {
        let after = &self.fates.comparison.after;
        let is_created = matches!(step.action, Action::Create | Action::Replace);
        let at = after.catalog.named(&step.object).filter(|_| is_created)?;
        let whole = after.whole(at).filter(|&whole| !is_made(self.fates, whole))?;
        let is_plain = match &after.object(whole).definition {
            Definition::Table(table) => table.partition_key.is_none() && table.server.is_none(),
            _ => true,
        };
        is_plain.then(|| after.object(at))
    }

    /// Builds an index concurrently.
    fn index(&self, step: &DiffStep) -> Option<Vec<DiffStep>> {
        let [create, rest @ ..] = step.statements.as_slice() else { return None };
        let begin =
            ["CREATE INDEX ", "CREATE UNIQUE INDEX "].iter().find(|b| create.starts_with(**b))?;
        let object = self.part(step)?;
        // A table that is attached without the indexes of its partitioned table gets them at once.
        if self.is_attached(object) {
            return None;
        }
        let create = create.replacen(begin, &format!("{begin}CONCURRENTLY "), 1);
        Some(split(step, create, rest))
    }

    /// Whether an index is of a table that becomes a partition, or one of another table.
    fn is_attached(&self, index: &Object) -> bool {
        let comparison = self.fates.comparison;
        let whole =
            index.whole().and_then(|whole| comparison.after.catalog.place(whole.class, whole.oid));
        let pair = whole.and_then(|new| self.fates.pair(comparison.originals[new]?));
        pair.is_some_and(|pair| inherited::is_attached(&pair))
    }

    /// Drops an index concurrently.
    fn dropped_index(&self, step: DiffStep) -> DiffStep {
        let before = &self.fates.comparison.before;
        let statement = step.statements.first().and_then(|text| text.strip_prefix("DROP INDEX "));
        let at = before.catalog.named(&step.object);
        let is_plain = at.is_some_and(|at| {
            let Definition::Index(index) = &before.object(at).definition else { return false };
            let whole = before.whole(at);
            let is_of_partitioned = whole
                .and_then(|whole| before.object(whole).table())
                .is_some_and(|table| table.partition_key.is_some());
            index.marks.parent.is_none() && !is_of_partitioned
        });
        let Some(name) = statement.filter(|_| is_plain) else { return step };
        let statements = vec![format!("DROP INDEX CONCURRENTLY {name}")];
        DiffStep { statements, transaction: TransactionNeed::Outside, ..step }
    }

    /// Whether a type or an array contains the domain of a constraint. PostgreSQL does not validate
    /// it once a column has such a type.
    fn is_contained(&self, constraint: &Object) -> bool {
        let catalog = self.fates.comparison.after.catalog;
        let domain = constraint.whole().and_then(|whole| catalog.place(whole.class, whole.oid));
        catalog.links.iter().filter(|link| Some(link.on) == domain).any(|link| {
            let object = &catalog.objects[link.from];
            let column = object.columns().iter().find(|column| column.number == link.from_column);
            object.identity.kind == Kind::Type
                || column.is_some_and(|column| column.data_type.ends_with("[]"))
        })
    }

    /// Adds a constraint without reading the table under a lock, and the step that validates it.
    fn constraint(&self, step: &DiffStep) -> Option<(Vec<DiffStep>, Option<DiffStep>)> {
        let object = self.part(step)?;
        let Definition::Constraint(constraint) = &object.definition else { return None };
        let [add, rest @ ..] = step.statements.as_slice() else { return None };
        if !constraint.is_validated
            || !add.starts_with("ALTER ")
            || !add.contains(" ADD CONSTRAINT ")
        {
            return None;
        }
        if constraint.is_of_domain && self.is_contained(object) {
            return None;
        }
        match constraint.kind {
            // A partition needs the checks of its table as they are.
            'c' if !constraint.is_local => None,
            'c' | 'f' => Some(not_valid(step, object, (add, rest))),
            'p' | 'u' => Some((using_index(step, object, constraint, rest)?, None)),
            _ => None,
        }
    }
}

/// The step without the hazard of a scan.
fn unscanned(mut step: DiffStep) -> DiffStep {
    step.hazards.retain(|hazard| *hazard != Hazard::ScanUnderLock);
    step
}

/// A step whose first statement cannot run in a transaction, and one with the others.
fn split(step: &DiffStep, first: String, rest: &[String]) -> Vec<DiffStep> {
    let begin = unscanned(DiffStep {
        statements: vec![first],
        transaction: TransactionNeed::Outside,
        ..step.clone()
    });
    let follow = DiffStep::new(step.object.clone(), step.action, rest.to_vec(), Vec::new());
    [begin].into_iter().chain((!rest.is_empty()).then_some(follow)).collect()
}

/// Adds the constraint as `NOT VALID`, and validates it at the end.
fn not_valid(
    step: &DiffStep,
    object: &Object,
    (add, rest): (&String, &[String]),
) -> (Vec<DiffStep>, Option<DiffStep>) {
    let statements = [format!("{add} NOT VALID")].into_iter().chain(rest.iter().cloned());
    let added = unscanned(DiffStep { statements: statements.collect(), ..step.clone() });
    let is_of_domain = matches!(&object.definition, Definition::Constraint(c) if c.is_of_domain);
    let word = if is_of_domain { "DOMAIN" } else { "TABLE" };
    let of = object.identity.part_of.clone().unwrap_or_default();
    let name = quoted(&object.identity.name);
    let validate = vec![format!("ALTER {word} {of} VALIDATE CONSTRAINT {name}")];
    let validation = DiffStep::new(object.identity.clone(), Action::Alter, validate, Vec::new());
    (vec![added], Some(validation))
}

/// Builds the index concurrently, and makes it that of the constraint.
fn using_index(
    step: &DiffStep,
    object: &Object,
    constraint: &Constraint,
    rest: &[String],
) -> Option<Vec<DiffStep>> {
    let behind = constraint.index.as_ref()?;
    let is_plain = behind.tablespace.is_none() && behind.marks.parent.is_none();
    if !is_plain || constraint.definition.contains("WITHOUT OVERLAPS") {
        return None;
    }
    let when = match (constraint.is_deferrable, constraint.is_deferred) {
        (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        _ => "",
    };
    let body = constraint.definition.strip_suffix(when)?;
    let (word, body) = match body.strip_prefix("PRIMARY KEY ") {
        Some(body) => ("PRIMARY KEY", body),
        None => ("UNIQUE", body.strip_prefix("UNIQUE ")?),
    };
    let (columns, nulls) = match body.strip_prefix("NULLS NOT DISTINCT ") {
        Some(columns) => (columns, " NULLS NOT DISTINCT"),
        None => (body, ""),
    };
    let options = ddl::parameters(&behind.options, "");
    let with =
        if options.is_empty() { String::new() } else { format!(" WITH ({})", options.join(", ")) };
    let (of, name) = (object.identity.part_of.clone()?, quoted(&object.identity.name));
    let create = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {of} {columns}{nulls}{with}");
    let add = format!("ALTER TABLE {of} ADD CONSTRAINT {name} {word} USING INDEX {name}{when}");
    let rest: Vec<String> = [add].into_iter().chain(rest.iter().cloned()).collect();
    Some(split(step, create, &rest))
}
