//! Writes the steps in their order.

use std::collections::BTreeSet;

use crate::catalog::{DefaultRights, Definition, Identity, Kind, Object};
use crate::ddl;
use crate::diff::attributes::{comments, dropped_with, owned};
use crate::diff::closure::{Fate, Fates};
use crate::diff::commits::commit_values;
use crate::diff::compare::{Comparison, Pair, constraint_of};
use crate::diff::edit::{Edit, Verdict};
use crate::diff::faithful::faithful;
use crate::diff::finish::{joined, restored};
use crate::diff::hazard::Hazard;
use crate::diff::identities;
use crate::diff::inherited;
use crate::diff::mentions::mention;
use crate::diff::node::Node;
use crate::diff::order::is_made;
use crate::diff::step::{Action, DiffStep, Plan, Wanted};
use crate::diff::unlocked::unlocked;
use crate::diff::{column, rights, routine, rules};
use crate::diff::{sequence, words};
use crate::graph::{self, Step};

struct Planning<'a> {
    fates: &'a Fates<'a>,
    wanted: &'a Wanted,
    changes: Vec<DiffStep>,
    /// Materialized views that are created empty and filled at the end, in order.
    unfilled: Vec<usize>,
}

pub(super) fn plan(fates: &Fates<'_>, nodes: &[Node], wanted: &Wanted) -> Plan {
    let mut planning = Planning { fates, wanted, changes: Vec::new(), unfilled: Vec::new() };
    let (last, first): (Vec<Node>, Vec<Node>) =
        nodes.iter().partition(|node| planning.is_of_event_trigger(**node));
    first.into_iter().for_each(|node| planning.node(node));
    if wanted.has_rights {
        planning.rights();
    }
    planning.refreshes();
    if wanted.avoids_locks {
        planning.changes = unlocked(fates, std::mem::take(&mut planning.changes));
    }
    last.into_iter().for_each(|node| planning.node(node));
    let mut steps = joined(planning.changes);
    commit_values(&mut steps);
    restored(&mut steps);
    mention(fates.comparison.after.catalog, &mut steps);
    Plan { steps }
}

impl Planning<'_> {
    fn comparison(&self) -> &Comparison<'_> {
        self.fates.comparison
    }

    fn was(&self, at: usize) -> &Object {
        self.fates.comparison.before.object(at)
    }

    fn now(&self, at: usize) -> &Object {
        self.fates.comparison.after.object(at)
    }

    /// Event triggers come last, so that no step fires them.
    fn is_of_event_trigger(&self, node: Node) -> bool {
        matches!(node, Node::Make(Step::Create(new))
            if self.now(new).identity.kind == Kind::EventTrigger)
    }

    fn add(&mut self, object: &Identity, edit: Edit) {
        self.push(object, Action::Alter, edit);
    }

    fn push(&mut self, object: &Identity, action: Action, edit: Edit) {
        if edit.statements.is_empty() && edit.found.is_empty() {
            return;
        }
        let Edit { found, mut statements, hazards, column } = edit;
        // The body of a function must stay as it is.
        if !matches!(object.kind, Kind::Function | Kind::Procedure) {
            statements.iter_mut().for_each(|text| *text = faithful(text));
        }
        let found = Some(found).filter(|found| !found.is_empty());
        let step = DiffStep::new(object.clone(), action, statements, hazards);
        self.changes.push(DiffStep { found, column, ..step });
    }

    fn node(&mut self, node: Node) {
        match node {
            Node::Drop(old) => self.drop(old),
            Node::Retire(old) => self.retire(old),
            Node::Discard(old) => self.discard(old),
            Node::Loosen(old, number) => self.loosen(old, number),
            Node::Detach(old) => self.detach(old),
            Node::DropColumn(old, number) => self.drop_column(old, number),
            Node::Make(Step::Create(new)) | Node::Part(new) => self.make(new),
            Node::Make(step) => self.further(step),
        }
    }

    fn drop(&mut self, old: usize) {
        let object = self.was(old).clone();
        let rule = rules::rule(object.identity.kind);
        let own = (rule.drop)(&object).or_else(|| self.left_check(old));
        let Some(statement) = own else { return };
        let is_again = self.fates.of[old] == Fate::Replace;
        let word = if is_again { "replaced" } else { "dropped" };
        let mut edit = Edit::new(format!("{word} {}", words::of(&object.identity)), statement);
        edit.hazards = (rule.loss)(&object);
        let action = if is_again { Action::Replace } else { Action::Drop };
        self.push(&object.identity, action, edit);
    }

    /// Drops a check that a table inherited from a parent that it leaves: it would keep it.
    fn left_check(&self, old: usize) -> Option<String> {
        let before = &self.fates.comparison.before;
        let pair = before.whole(old).and_then(|whole| self.fates.pair(whole))?;
        let is_check = constraint_of(before.object(old)).is_some_and(|one| one.kind == 'c');
        (is_check && inherited::is_detached(&pair)).then(|| {
            let name = pg_sql::quote::name(&before.object(old).identity.name);
            format!("ALTER TABLE {} DROP CONSTRAINT {name}", pair.sql())
        })
    }

    /// Adds a check to a table that becomes a partition and has to have it already.
    fn needed_check(&self, new: usize) -> Option<String> {
        let after = &self.fates.comparison.after;
        let table = after.whole(new).filter(|&table| !is_made(self.fates, table))?;
        let pair = self.comparison().originals[table].and_then(|old| self.fates.pair(old))?;
        let check = constraint_of(after.object(new)).filter(|one| one.kind == 'c')?;
        (!check.is_local && inherited::is_attached(&pair)).then(|| {
            let name = pg_sql::quote::name(&after.object(new).identity.name);
            let of = pair.sql();
            format!("ALTER TABLE {of}\n    ADD CONSTRAINT {name} {}", check.definition)
        })
    }

    /// The temporary name of a type that is dropped once no column uses it.
    fn retired(identity: &Identity) -> Identity {
        Identity { name: format!("{}__old", identity.name), ..identity.clone() }
    }

    fn retire(&mut self, old: usize) {
        let identity = self.was(old).identity.clone();
        let word = identity.kind.word().to_uppercase();
        let name = pg_sql::quote::name(&Self::retired(&identity).name);
        let statement = format!("ALTER {word} {} RENAME TO {name}", identity.sql());
        let mut edit = Edit::new(format!("replaced {}", words::of(&identity)), statement);
        if matches!(self.was(old).definition, Definition::Enum(_)) {
            edit = edit.with(Hazard::EnumValueGone);
        }
        self.push(&identity, Action::Replace, edit);
    }

    fn discard(&mut self, old: usize) {
        let identity = self.was(old).identity.clone();
        let word = identity.kind.word().to_uppercase();
        let statement = format!("DROP {word} {}", Self::retired(&identity).sql());
        self.push(&identity, Action::Replace, Edit::new("", statement));
    }

    fn loosen(&mut self, old: usize, number: u32) {
        let identity = self.was(old).identity.clone();
        let Some((_, column)) = self.comparison().before.column(old, number) else { return };
        let new = self.comparison().twins[old].filter(|_| !self.fates.goes(old));
        let new = new.and_then(|new| self.comparison().after.column_named(new, &column.name));
        let edit = Edit::of("", column::loosen(&identity, column, new.map(|(_, new)| new)));
        let edit = edit.about(&column.name);
        self.add(&identity, edit);
    }

    fn detach(&mut self, old: usize) {
        let identity = self.was(old).identity.clone();
        let Some(pair) = self.fates.pair(old) else { return };
        let statements = inherited::detach(&pair);
        let edit = Edit::of("", statements);
        let is_gone =
            pair.tables().is_some_and(|(old, new)| old.bound.is_some() && new.bound != old.bound);
        let edit = if is_gone { edit.with(Hazard::PartitionGone) } else { edit };
        self.add(&identity, edit);
    }

    fn drop_column(&mut self, old: usize, number: u32) {
        let identity = self.was(old).identity.clone();
        let Some(pair) = self.fates.pair(old) else { return };
        let Some((_, column)) = self.comparison().before.column(old, number) else { return };
        let Some(mut edit) = column::drop(&pair, column) else { return };
        // The values of a generated column are computed again, if it stays one.
        let new = self.comparison().after.column_named(pair.new_at, &column.name);
        if column.generated.is_some() && new.is_some_and(|(_, new)| new.generated.is_some()) {
            edit.hazards.clear();
        }
        self.add(&identity, edit);
    }

    fn make(&mut self, new: usize) {
        if !Comparison::is_compared(self.now(new)) {
            return;
        }
        if is_made(self.fates, new) {
            self.create(new);
        } else if let Some(old) = self.comparison().originals[new] {
            self.alter(old);
        }
    }

    fn create(&mut self, new: usize) {
        let after = &self.fates.comparison.after;
        let object = self.now(new).clone();
        let rule = rules::rule(object.identity.kind);
        let is_again = self.comparison().originals[new].is_some();
        let mut statements = ddl::statements(after.catalog, &after.order, Step::Create(new));
        statements.splice(..0, self.needed_check(new));
        if is_filled(&object) {
            if self.calls_untracked(new) {
                self.unfilled.push(new);
            } else {
                statements.iter_mut().for_each(with_data);
            }
        }
        if object.identity.kind == Kind::Schema && object.identity.name == "public" {
            statements.insert(0, "CREATE SCHEMA public".to_owned());
        }
        statements.extend(self.owner(&object));
        let found =
            if is_again { String::new() } else { format!("new {}", words::of(&object.identity)) };
        let mut edit = Edit::of(found, statements);
        if self.is_of_existing_table(new) {
            edit.hazards = (rule.making)(&object);
        }
        let action = if is_again { Action::Replace } else { Action::Create };
        self.push(&object.identity, action, edit);
    }

    /// Whether an object is a part of a table that exists already, and so may have rows; true for
    /// objects that are no part of a table.
    fn is_of_existing_table(&self, new: usize) -> bool {
        let whole = self.fates.comparison.after.whole(new);
        whole.is_none_or(|whole| !is_made(self.fates, whole))
    }

    fn owner(&self, object: &Object) -> Option<String> {
        let is_other = object.owner.as_ref() != Some(&self.wanted.role);
        ddl::owner(object).filter(|_| self.wanted.has_owners && is_other)
    }

    fn alter(&mut self, old: usize) {
        let Some(pair) = self.fates.pair(old) else { return };
        let identity = pair.now().identity.clone();
        let mut edits = match rules::verdict(&pair) {
            Verdict::Alter(edits) => edits,
            Verdict::Replace | Verdict::Refuse(_) => Vec::new(),
        };
        edits.extend(owned(&pair).filter(|_| self.wanted.has_owners));
        comments(&pair, &mut edits);
        dropped_with(&pair, &mut edits);
        edits.into_iter().for_each(|edit| self.add(&identity, edit));
    }

    /// The steps other than `Create`, such as the default of a column or the attachment of a
    /// partition.
    fn further(&mut self, step: Step) {
        let new = step.object();
        let after = &self.fates.comparison.after;
        let identity = self.now(new).identity.clone();
        let statements = || ddl::statements(after.catalog, &after.order, step);
        if is_made(self.fates, new) {
            let mut statements = statements();
            statements.extend(self.set_beyond(step));
            return self.add(&identity, Edit::of("", statements));
        }
        let Some(old) = self.comparison().originals[new] else { return };
        let Some(pair) = self.fates.pair(old) else { return };
        let edit = match step {
            Step::Default(_, place) => {
                let edits = defaulted(&pair, place);
                edits.into_iter().for_each(|edit| self.add(&identity, edit));
                return;
            }
            Step::Own(_) if is_owned_anew(&pair) => {
                Edit::of(format!("{} has another owner", words::of(&identity)), statements())
            }
            Step::Attach(_) if inherited::is_attached(&pair) => {
                Edit::of("", statements()).with(Hazard::ScanUnderLock)
            }
            Step::AttachIndex(_) if parent(pair.was()) != parent(pair.now()) => {
                Edit::of("", statements())
            }
            _ => return,
        };
        self.add(&identity, edit);
    }

    /// A new sequence continues after the largest value of the column that owns it.
    fn set_beyond(&self, step: Step) -> Option<String> {
        let Step::Own(new) = step else { return None };
        let after = &self.fates.comparison.after;
        let Definition::Sequence(sequence) = &self.now(new).definition else { return None };
        let owned = sequence.owned_by.as_ref()?;
        let table = after.catalog.place(crate::catalog::class::CLASS, owned.table)?;
        let old = self.comparison().originals[table].filter(|old| !self.fates.goes(*old))?;
        let (_, column) = after.column(table, owned.column)?;
        self.comparison().before.column_named(old, &column.name)?;
        let (sequence, table) = (self.now(new).identity.sql(), self.now(table).identity.sql());
        Some(sequence::set_beyond(&sequence, &table, &pg_sql::quote::name(&column.name)))
    }

    fn rights(&mut self) {
        let (before, after) = (&self.fates.comparison.before, &self.fates.comparison.after);
        let major = after.catalog.about.major;
        let mut found: Vec<(Identity, Vec<String>)> = Vec::new();
        for (new, object) in after.catalog.objects.iter().enumerate() {
            let has_rights = Comparison::is_compared(object)
                && !matches!(object.definition, Definition::DefaultRights(_));
            if !has_rights {
                continue;
            }
            let statements = if is_made(self.fates, new) {
                rights::of_new(before, object, &self.wanted.role, major)
            } else {
                let Some(old) = self.comparison().originals[new] else { continue };
                let fresh = self.fresh_columns(old);
                rights::of_pair(before.object(old), object, &fresh, major)
            };
            found.push((object.identity.clone(), statements));
        }
        found.extend(identities::of_identities(self.fates, &self.wanted.role));
        for (identity, statements) in found {
            let edit = Edit::of(format!("privileges of {}", words::of(&identity)), statements);
            self.authorize(&identity, edit);
        }
        self.default_rights();
        let mut sequences = identities::targets(before.catalog);
        sequences.extend(identities::targets(after.catalog));
        for (target, statements) in rights::of_others(before.catalog, after.catalog, &sequences) {
            let identity = Identity::plain(Kind::Schema, target.clone());
            self.authorize(&identity, Edit::of(format!("privileges of {target}"), statements));
        }
    }

    /// Fills materialized views that call functions, now that everything exists that these may
    /// read.
    fn refreshes(&mut self) {
        for new in std::mem::take(&mut self.unfilled) {
            let identity = self.now(new).identity.clone();
            let statement = format!("REFRESH MATERIALIZED VIEW {}", identity.sql());
            self.add(&identity, Edit::new("", statement));
        }
    }

    /// Whether an object depends, directly or not, on a function whose own dependencies are
    /// unknown.
    fn calls_untracked(&self, new: usize) -> bool {
        let catalog = self.fates.comparison.after.catalog;
        let mut seen = BTreeSet::from([new]);
        let mut left = vec![new];
        while let Some(next) = left.pop() {
            if routine::is_untracked(&catalog.objects[next]) {
                return true;
            }
            left.extend(catalog.needs[next].iter().filter(|need| seen.insert(**need)));
        }
        false
    }

    fn fresh_columns(&self, old: usize) -> Vec<&str> {
        let columns = self.fates.comparison.before.object(old).columns().iter();
        let is_fresh = |number| self.fates.facets.remade.contains(&(old, number));
        columns.filter(|c| is_fresh(c.number)).map(|column| column.name.as_str()).collect()
    }

    fn default_rights(&mut self) {
        let (before, after) = (&self.fates.comparison.before, &self.fates.comparison.after);
        let has_schema = |defaults: &DefaultRights| {
            let mut after = after.catalog.objects.iter();
            defaults.schema.as_ref().is_none_or(|schema| {
                after.any(|o| o.identity.kind == Kind::Schema && o.identity.name == *schema)
            })
        };
        let rights = |object: &'_ Object| match &object.definition {
            Definition::DefaultRights(defaults) => Some(defaults.clone()),
            _ => None,
        };
        let mut found = Vec::new();
        for (old, object) in before.catalog.objects.iter().enumerate() {
            // Dropping a schema drops its default privileges.
            let Some(was) = rights(object).filter(|was| has_schema(was)) else { continue };
            let is = self.comparison().twins[old].and_then(|new| rights(after.object(new)));
            found.push((object.identity.clone(), Some(was), is));
        }
        for (new, object) in after.catalog.objects.iter().enumerate() {
            let Some(is) = rights(object) else { continue };
            if self.comparison().originals[new].is_none() {
                found.push((object.identity.clone(), None, Some(is)));
            }
        }
        let major = after.catalog.about.major;
        for (identity, was, is) in found {
            let statements = rights::of_defaults(was.as_ref(), is.as_ref(), major);
            let edit = Edit::of(words::of(&identity), statements);
            self.authorize(&identity, edit);
        }
    }

    fn authorize(&mut self, identity: &Identity, edit: Edit) {
        if edit.statements.is_empty() {
            return;
        }
        let revokes = edit.statements.iter().any(|text| text.contains("REVOKE "));
        let edit = edit.with(Hazard::AuthzChanged);
        let edit = if revokes { edit.with(Hazard::RightsLost) } else { edit };
        self.push(identity, Action::Authorize, edit);
    }
}

/// Makes `CREATE MATERIALIZED VIEW` fill the view.
fn with_data(statement: &mut String) {
    if let Some(begin) = statement.strip_suffix("\n  WITH NO DATA") {
        *statement = begin.to_owned();
    }
}

fn is_filled(object: &Object) -> bool {
    object.identity.kind == Kind::MaterializedView
        && matches!(&object.definition, Definition::View(view) if view.is_populated)
}

/// The edits for a default that has a step of its own.
fn defaulted(pair: &Pair<'_>, place: usize) -> Vec<Edit> {
    let mut edits = Vec::new();
    let Some(new) = pair.now().columns().get(place) else { return edits };
    match pair.columns().into_iter().find(|columns| columns.place == place) {
        Some(columns) => column::value(pair, columns, column::has_new_type(columns), &mut edits),
        None => {
            let mut statements = Vec::new();
            ddl::set_default(pair.now(), new, &mut statements);
            edits.push(Edit::of("", statements));
        }
    }
    edits
}

fn is_owned_anew(pair: &Pair<'_>) -> bool {
    let (Definition::Sequence(old), Definition::Sequence(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return false;
    };
    sequence::owned_by(pair.before(), old) != sequence::owned_by(pair.after(), new)
}

/// The name of the index to which this one is attached.
fn parent(object: &Object) -> Option<&str> {
    graph::parent_index(object).map(|(_, name)| name.as_str())
}
