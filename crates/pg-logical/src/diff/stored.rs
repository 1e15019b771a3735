//! Constraints, indexes and extended statistics.

use pg_sql::quote::name as quoted;

use crate::catalog::{Behind, Definition, Marks, Object};
use crate::diff::compare::{Pair, constraint_of};
use crate::diff::edit::{Edit, Verdict};
use crate::diff::hazard::Hazard;
use crate::diff::inherited::is_detached;
use crate::diff::{options, words};

fn on_table(pair: &Pair<'_>) -> String {
    pair.now().identity.part_of.clone().unwrap_or_default()
}

pub(super) fn constraint(pair: &Pair<'_>) -> Verdict {
    let (Some(old), Some(new)) = (constraint_of(pair.was()), constraint_of(pair.now())) else {
        return Verdict::Replace;
    };
    // An inherited check changes with the parent's, unless the table is detached meanwhile.
    if !new.is_local && !old.is_local && new.kind == 'c' {
        let is_left = old.definition != new.definition
            && pair.whole().is_some_and(|whole| is_detached(&whole));
        return if is_left { Verdict::Replace } else { Verdict::same() };
    }
    let (of, name) = (on_table(pair), quoted(&pair.now().identity.name));
    let what = words::of(&pair.now().identity);
    let mut edits = Vec::new();
    if let (Some(one), Some(other)) = (&old.index, &new.index) {
        behind(pair, one, other, &mut edits);
    }
    if old.definition == new.definition {
        return Verdict::Alter(edits);
    }
    let word = if new.is_of_domain { "DOMAIN" } else { "TABLE" };
    let is_unproved = |text: &str| text.strip_suffix(" NOT VALID").map(str::to_owned);
    if is_unproved(&old.definition).as_ref() == Some(&new.definition) {
        let validate = format!("ALTER {word} {of} VALIDATE CONSTRAINT {name}");
        edits.push(Edit::new(format!("{what} is validated"), validate));
        return Verdict::Alter(edits);
    }
    let is_timing = new.kind == 'f' && untimed(&old.definition) == untimed(&new.definition);
    if is_timing {
        let when = match (new.is_deferrable, new.is_deferred) {
            (true, true) => "DEFERRABLE INITIALLY DEFERRED",
            (true, false) => "DEFERRABLE INITIALLY IMMEDIATE",
            _ => "NOT DEFERRABLE",
        };
        let alter = format!("ALTER TABLE {of} ALTER CONSTRAINT {name} {when}");
        edits.push(Edit::new(format!("{what} is {}", when.to_lowercase()), alter));
        return Verdict::Alter(edits);
    }
    Verdict::Replace
}

/// A definition without the clauses that `ALTER CONSTRAINT` changes.
fn untimed(definition: &str) -> String {
    definition.replace(" DEFERRABLE", "").replace(" INITIALLY DEFERRED", "")
}

/// The edits of the index behind a constraint.
fn behind(pair: &Pair<'_>, old: &Behind, new: &Behind, edits: &mut Vec<Edit>) {
    let what = words::of(&pair.now().identity);
    let mut add = |clause: String| {
        let statement = format!("ALTER INDEX {} {clause}", new.name);
        edits.push(Edit::new(format!("{what}: its index"), statement));
    };
    options::stored(&old.options, &new.options, "").into_iter().for_each(&mut add);
    tablespace(old.tablespace.as_deref(), new.tablespace.as_deref()).into_iter().for_each(&mut add);
    targets(&old.statistics, &new.statistics).into_iter().for_each(&mut add);
    marks(pair, &on_table(pair), &old.marks, &new.marks, edits);
    if old.comment != new.comment {
        let target = format!("INDEX {}", new.name);
        edits.push(super::edit::comment(&target, new.comment.as_deref()));
    }
}

fn tablespace(old: Option<&str>, new: Option<&str>) -> Option<String> {
    let name = new.map_or("pg_default".to_owned(), quoted);
    (old != new).then(|| format!("SET TABLESPACE {name}"))
}

fn targets(old: &[String], new: &[String]) -> Vec<String> {
    let number = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    let set = new.iter().filter(|line| !old.contains(line)).map(|line| {
        let (number, target) = line.split_once(' ').unwrap_or((line, "-1"));
        format!("ALTER COLUMN {number} SET STATISTICS {target}")
    });
    let kept: Vec<String> = new.iter().map(number).collect();
    let gone = old.iter().map(number).filter(|number| !kept.contains(number));
    let gone = gone.map(|number| format!("ALTER COLUMN {number} SET STATISTICS -1"));
    set.chain(gone).collect()
}

fn marks(pair: &Pair<'_>, table: &str, old: &Marks, new: &Marks, edits: &mut Vec<Edit>) {
    let what = words::of(&pair.now().identity);
    let index = quoted(&pair.now().identity.name);
    match (old.is_clustered, new.is_clustered) {
        (false, true) => {
            let statement = format!("ALTER TABLE {table} CLUSTER ON {index}");
            edits.push(Edit::new(format!("the table is clustered on {what}"), statement));
        }
        (true, false) => {
            let statement = format!("ALTER TABLE {table} SET WITHOUT CLUSTER");
            edits.push(Edit::new(format!("the table is no longer clustered on {what}"), statement));
        }
        _ => {}
    }
    if !old.is_identity && new.is_identity {
        let statement = format!("ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {index}");
        edits.push(Edit::new(format!("{what} is the replica identity"), statement));
    }
}

pub(super) fn index(pair: &Pair<'_>) -> Verdict {
    let (Definition::Index(old), Definition::Index(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    let table = |side: &super::compare::Side<'_>, at: usize| {
        Some(side.object(side.whole(at)?).identity.sql())
    };
    let on = table(pair.after(), pair.new_at);
    if old.definition != new.definition || table(pair.before(), pair.old_at) != on {
        return Verdict::Replace;
    }
    let mut edits = Vec::new();
    let what = words::of(&pair.now().identity);
    let mut add = |clause: String| {
        let statement = format!("ALTER INDEX {} {clause}", pair.sql());
        edits.push(Edit::new(what.clone(), statement));
    };
    tablespace(old.tablespace.as_deref(), new.tablespace.as_deref()).into_iter().for_each(&mut add);
    targets(&old.statistics, &new.statistics).into_iter().for_each(&mut add);
    marks(pair, &on.unwrap_or_default(), &old.marks, &new.marks, &mut edits);
    Verdict::Alter(edits)
}

pub(super) fn statistics(pair: &Pair<'_>) -> Verdict {
    let (Definition::Statistics(old), Definition::Statistics(new)) =
        (&pair.was().definition, &pair.now().definition)
    else {
        return Verdict::Replace;
    };
    if old.definition != new.definition {
        return Verdict::Replace;
    }
    let target = new.target.as_deref().unwrap_or("-1");
    let statement = format!("ALTER STATISTICS {} SET STATISTICS {target}", pair.sql());
    let edit = Edit::new(words::of(&pair.now().identity), statement);
    Verdict::Alter(if old.target == new.target { Vec::new() } else { vec![edit] })
}

pub(super) fn drop_constraint(object: &Object) -> Option<String> {
    let constraint = constraint_of(object)?;
    let (of, name) = (object.identity.part_of.as_ref()?, quoted(&object.identity.name));
    if constraint.kind == 'c' && !constraint.is_local {
        return None;
    }
    let word = if constraint.is_of_domain { "DOMAIN" } else { "TABLE" };
    Some(format!("ALTER {word} {of} DROP CONSTRAINT {name}"))
}

pub(super) fn constraint_gone(object: &Object) -> Vec<Hazard> {
    let is_unique = constraint_of(object).is_some_and(|one| matches!(one.kind, 'p' | 'u' | 'x'));
    vec![if is_unique { Hazard::UniqueGone } else { Hazard::BanDropConstraint }]
}

pub(super) fn constraint_made(object: &Object) -> Vec<Hazard> {
    let scans = constraint_of(object).is_some_and(|constraint| constraint.is_validated);
    scans.then_some(Hazard::ScanUnderLock).into_iter().collect()
}

pub(super) fn index_gone(object: &Object) -> Vec<Hazard> {
    match &object.definition {
        Definition::Index(index) if index.is_unique => vec![Hazard::UniqueGone],
        _ => Vec::new(),
    }
}
