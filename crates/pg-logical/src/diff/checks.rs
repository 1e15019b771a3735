//! Checks of tables that begin to inherit from others. `INHERIT` demands that a table already has
//! each check of its parent, and would leave it a check of its own.

use pg_sql::quote::name as quoted;

use crate::catalog::{Identity, Object, Table, class};
use crate::ddl;
use crate::diff::compare::{Pair, Side, constraint_of};
use crate::diff::inherited::is_detached;

/// The statements around `INHERIT`: the parent's checks that the table lacks are dropped, and added
/// again for both.
pub(super) fn inherit(pair: &Pair<'_>, parent: usize, statement: String) -> Vec<String> {
    let (mut before, mut then) = (Vec::new(), Vec::new());
    for check in lacked(pair, parent) {
        if state(pair, check) == Owned::Itself {
            before.push(dropped(&pair.sql(), check));
        }
        for root in roots(pair.after(), parent, check) {
            let of = root.identity.part_of.clone().unwrap_or_default();
            before.push(dropped(&of, root));
            then.extend(added(&of, root));
        }
    }
    before.into_iter().chain([statement]).chain(then).collect()
}

fn dropped(table: &str, check: &Object) -> String {
    format!("ALTER TABLE {table} DROP CONSTRAINT {}", quoted(&check.identity.name))
}

fn added(table: &str, check: &Object) -> Vec<String> {
    let name = quoted(&check.identity.name);
    let definition = constraint_of(check).map_or("", |one| one.definition.as_str());
    let add = format!("ALTER TABLE {table}\n    ADD CONSTRAINT {name} {definition}");
    let target = format!("CONSTRAINT {name} ON {table}");
    let comment = check.comment.as_ref().map(|text| ddl::comment_on(&target, text));
    [add].into_iter().chain(comment).collect()
}

/// Whose check a table has before it inherits from another one.
#[derive(PartialEq, Eq)]
enum Owned {
    Nobody,
    Itself,
    Parent,
}

fn state(pair: &Pair<'_>, check: &Object) -> Owned {
    let before = pair.before();
    let old = before.catalog.named(&check.identity).map(|old| before.object(old));
    let Some(old) = old.and_then(constraint_of) else { return Owned::Nobody };
    let is_same = constraint_of(check).is_some_and(|new| new.definition == old.definition);
    match old.is_local || is_detached(pair) {
        true if is_same => Owned::Itself,
        true => Owned::Nobody,
        false => Owned::Parent,
    }
}

/// The table's checks that a parent has too, and that `INHERIT` alone would not leave as they are
/// wanted.
fn lacked<'a>(pair: &Pair<'a>, parent: usize) -> Vec<&'a Object> {
    let after = pair.after();
    let own = after.catalog.objects.iter().filter(|object| {
        let whole = object.whole().and_then(|whole| after.catalog.place(whole.class, whole.oid));
        whole == Some(pair.new_at) && constraint_of(object).is_some_and(|one| one.kind == 'c')
    });
    let is_lacked = |check: &&Object| {
        let is_local = constraint_of(check).is_some_and(|one| one.is_local);
        match state(pair, check) {
            Owned::Nobody => true,
            Owned::Itself => !is_local,
            Owned::Parent => false,
        }
    };
    own.filter(is_lacked).filter(|check| of(after, parent, check).is_some()).collect()
}

/// The check of the same name of another table.
fn of<'a>(side: &Side<'a>, table: usize, check: &Object) -> Option<&'a Object> {
    let table = &side.object(table).identity;
    let part_of = Some(table.sql());
    let identity = Identity { schema: table.schema.clone(), part_of, ..check.identity.clone() };
    side.catalog.named(&identity).map(|at| side.object(at))
}

/// The checks from which a table inherits one, or its own.
fn roots<'a>(side: &Side<'a>, table: usize, check: &Object) -> Vec<&'a Object> {
    let parents = side.object(table).table().map(|table| places(side, table)).unwrap_or_default();
    let above: Vec<&Object> =
        parents.into_iter().flat_map(|parent| roots(side, parent, check)).collect();
    if above.is_empty() { of(side, table, check).into_iter().collect() } else { above }
}

/// The places of a table's parents.
fn places(side: &Side<'_>, table: &Table) -> Vec<usize> {
    let place = |oid: &u32| side.catalog.place(class::CLASS, *oid);
    table.parents.iter().filter_map(place).collect()
}

/// The places of the checks of these tables.
pub(super) fn of_tables(side: &Side<'_>, tables: &[usize]) -> Vec<usize> {
    let objects = side.catalog.objects.iter().enumerate();
    let is_check = |(at, object): &(usize, &Object)| {
        let is_of = side.whole(*at).is_some_and(|whole| tables.contains(&whole));
        is_of && constraint_of(object).is_some_and(|one| one.kind == 'c')
    };
    objects.filter(is_check).map(|(at, _)| at).collect()
}

/// The places of a table and of all those that it inherits from.
pub(super) fn lineage(side: &Side<'_>, table: usize) -> Vec<usize> {
    let parents = side.object(table).table().map(|table| places(side, table)).unwrap_or_default();
    [table].into_iter().chain(parents.into_iter().flat_map(|of| lineage(side, of))).collect()
}
