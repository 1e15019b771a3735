//! Privileges. Only differences are granted or revoked; the grantor is not compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, DefaultRights, Definition, Grant, Kind, Object, Rights};
use crate::ddl;
use crate::diff::compare::Side;

/// Privileges with their grant options, by grantee; `None` is PUBLIC.
type Held = BTreeMap<Option<String>, BTreeMap<String, bool>>;

fn held(grants: &[Grant]) -> Held {
    let mut held = Held::new();
    for grant in grants {
        let own = held.entry(grant.grantee.clone()).or_default();
        for (privilege, may_grant) in &grant.privileges {
            *own.entry(privilege.clone()).or_default() |= may_grant;
        }
    }
    held
}

/// The privileges after a change of owner: the new owner takes over those of the old one.
fn handed_over(mut held: Held, from: Option<&String>, to: Option<&String>) -> Held {
    let (Some(from), Some(to)) = (from, to) else { return held };
    if from != to
        && let Some(own) = held.remove(&Some(from.clone()))
    {
        let others = held.entry(Some(to.clone())).or_default();
        for (privilege, may_grant) in own {
            *others.entry(privilege).or_default() |= may_grant;
        }
    }
    held
}

/// The grants after a change of owner, for an object whose privileges are the usual ones.
fn usual_of(owner: Option<&String>, usual: &[Grant], from: Option<&String>) -> Vec<Grant> {
    let is_owner = |name: &str| from.is_some_and(|from| from == name);
    let renamed = |grant: &Grant| {
        let mut grant = grant.clone();
        if let Some(owner) = owner {
            if grant.grantee.as_deref().is_some_and(is_owner) {
                grant.grantee = Some(owner.clone());
            }
            if is_owner(&grant.grantor) {
                grant.grantor.clone_from(owner);
            }
        }
        grant
    };
    usual.iter().map(renamed).collect()
}

/// What to revoke (`first`) and grant (`now`) to get from one state to another.
fn difference(column: Option<&String>, from: &Held, to: &Held, now: &[Grant]) -> Option<Rights> {
    let empty = BTreeMap::new();
    let mut rights = Rights { column: column.cloned(), ..Rights::default() };
    for (grantee, own) in from {
        let kept = to.get(grantee).unwrap_or(&empty);
        // A privilege that loses its grant option is revoked and granted again.
        let gone = own.iter().filter(|(privilege, may_grant)| match kept.get(*privilege) {
            Some(still) => **may_grant && !still,
            None => true,
        });
        let gone: Vec<(String, bool)> = gone.map(|(name, may)| (name.clone(), *may)).collect();
        if !gone.is_empty() {
            let grantor = String::new();
            rights.first.push(Grant { grantee: grantee.clone(), grantor, privileges: gone });
        }
    }
    for grant in now {
        let had = from.get(&grant.grantee).unwrap_or(&empty);
        let is_new = |(privilege, may_grant): &&(String, bool)| {
            had.get(privilege).is_none_or(|might| might != may_grant)
        };
        let privileges: Vec<(String, bool)> =
            grant.privileges.iter().filter(is_new).cloned().collect();
        if !privileges.is_empty() {
            rights.now.push(Grant { privileges, ..grant.clone() });
        }
    }
    (!rights.first.is_empty() || !rights.now.is_empty()).then_some(rights)
}

fn of_column<'a>(object: &'a Object, column: Option<&String>) -> Option<&'a Rights> {
    object.rights.iter().find(|rights| rights.column.as_ref() == column)
}

/// The columns of the new object that have privileges in either version.
fn columns(old: Option<&Object>, new: &Object) -> Vec<String> {
    let of = |object: &Object| {
        object.rights.iter().filter_map(|rights| rights.column.clone()).collect::<Vec<_>>()
    };
    let mut found = old.map(of).unwrap_or_default();
    found.extend(of(new));
    found.sort();
    found.dedup();
    found.retain(|name| new.columns().iter().any(|column| column.name == *name));
    found
}

/// The statements for an object that is in both databases. `fresh` columns were added again, and so
/// start without privileges.
pub(super) fn of_pair(old: &Object, new: &Object, fresh: &[&str], major: u32) -> Vec<String> {
    let mut found = Vec::new();
    let owners = |held| handed_over(held, old.owner.as_ref(), new.owner.as_ref());
    let (was, is) = (of_column(old, None), of_column(new, None));
    let state = |own: Option<&Rights>, other: Option<&Rights>, (owner, of_other)| match own {
        Some(rights) => rights.now.clone(),
        None => usual_of(owner, other.map_or(&[], |rights| &rights.first), of_other),
    };
    let (old_owner, new_owner) = (old.owner.as_ref(), new.owner.as_ref());
    let now = state(is, was, (new_owner, old_owner));
    let from = state(was, is, (old_owner, new_owner));
    let table = difference(None, &owners(held(&from)), &held(&now), &now);
    // Revoking a privilege on a table also revokes it on the columns.
    let lost = table.iter().flat_map(|rights| rights.first.clone()).collect::<Vec<_>>();
    found.extend(table);
    for column in columns(Some(old), new) {
        let was = of_column(old, Some(&column)).filter(|_| !fresh.contains(&column.as_str()));
        let mut from = owners(was.map(|rights| held(&rights.now)).unwrap_or_default());
        for grant in &lost {
            let own = from.entry(grant.grantee.clone()).or_default();
            grant.privileges.iter().for_each(|(privilege, _)| {
                own.remove(privilege);
            });
        }
        let now = of_column(new, Some(&column)).map(|rights| rights.now.clone());
        let now = now.unwrap_or_default();
        found.extend(difference(Some(&column), &from, &held(&now), &now));
    }
    found.iter().flat_map(|rights| ddl::of_one(new, rights, major)).collect()
}

/// The statements for an object that `role` has just created under the old default privileges.
pub(super) fn of_new(before: &Side<'_>, new: &Object, role: &str, major: u32) -> Vec<String> {
    let mut found = Vec::new();
    let letter = ddl::letter_of(new.identity.kind);
    let own = of_column(new, None);
    let given = given_by_default(before.catalog, new, role);
    let usual = || usual(letter, new.owner.as_deref(), major);
    match (own, given.is_empty()) {
        (None, true) => {}
        (Some(rights), true) => {
            found.extend(difference(None, &held(&rights.first), &held(&rights.now), &rights.now));
        }
        (own, false) => {
            let first = own.map_or_else(usual, |rights| rights.first.clone());
            let mut from = held(&first);
            for defaults in given {
                let grants = held(&defaults.rights.now);
                if defaults.schema.is_none() {
                    from = grants;
                } else {
                    for (grantee, privileges) in grants {
                        from.entry(grantee).or_default().extend(privileges);
                    }
                }
            }
            let from = handed_over(from, Some(&role.to_owned()), new.owner.as_ref());
            let now = own.map_or(first, |rights| rights.now.clone());
            found.extend(difference(None, &from, &held(&now), &now));
        }
    }
    for column in columns(None, new) {
        let now = of_column(new, Some(&column)).map(|rights| rights.now.clone());
        let now = now.unwrap_or_default();
        found.extend(difference(Some(&column), &Held::new(), &held(&now), &now));
    }
    found.iter().flat_map(|rights| ddl::of_one(new, rights, major)).collect()
}

/// The default privileges that apply to a new object: those for all schemas first.
fn given_by_default<'a>(catalog: &'a Catalog, new: &Object, role: &str) -> Vec<&'a DefaultRights> {
    let kind = match new.identity.kind {
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => 'r',
        Kind::Sequence => 'S',
        Kind::Function | Kind::Procedure | Kind::Aggregate => 'f',
        Kind::Type | Kind::Domain => 'T',
        Kind::Schema => 'n',
        _ => return Vec::new(),
    };
    let defaults = catalog.objects.iter().filter_map(|object| match &object.definition {
        Definition::DefaultRights(defaults) => Some(defaults),
        _ => None,
    });
    let is_for = |one: &&DefaultRights| {
        one.kind == kind
            && one.role == role
            && (one.schema.is_none() || one.schema == new.identity.schema)
    };
    let mut found: Vec<&DefaultRights> = defaults.filter(is_for).collect();
    found.sort_by_key(|defaults| defaults.schema.is_some());
    found
}

/// The privileges of a new object according to `acldefault`.
fn usual(letter: char, owner: Option<&str>, major: u32) -> Vec<Grant> {
    let grant = |grantee: Option<String>, privileges: Vec<String>| Grant {
        grantee,
        grantor: owner.unwrap_or_default().to_owned(),
        privileges: privileges.into_iter().map(|name| (name, false)).collect(),
    };
    let all = ddl::all_privileges(letter, major);
    let public = matches!(letter, 'f' | 'T' | 'l').then(|| grant(None, all.clone()));
    public.into_iter().chain([grant(owner.map(str::to_owned), all)]).collect()
}

/// The statements for default privileges; `None` for a database without them.
pub(super) fn of_defaults(
    old: Option<&DefaultRights>,
    new: Option<&DefaultRights>,
    major: u32,
) -> Vec<String> {
    let Some(one) = new.or(old) else { return Vec::new() };
    let state = |own: Option<&DefaultRights>, other: Option<&DefaultRights>| match (own, other) {
        (Some(defaults), _) => defaults.rights.now.clone(),
        (None, Some(defaults)) => defaults.rights.first.clone(),
        (None, None) => Vec::new(),
    };
    let now = state(new, old);
    let rights = difference(None, &held(&state(old, new)), &held(&now), &now);
    let changes = rights.map(|rights| DefaultRights { rights, ..one.clone() });
    changes.map(|changes| ddl::of_defaults(&changes, major, None)).unwrap_or_default()
}

/// The statements for objects of the system and of extensions, except those with these targets.
pub(super) fn of_others(
    before: &Catalog,
    after: &Catalog,
    except: &BTreeSet<String>,
) -> Vec<(String, Vec<String>)> {
    let mut targets: Vec<&String> =
        before.others.iter().chain(&after.others).map(|others| &others.target).collect();
    targets.sort();
    targets.dedup();
    targets.retain(|target| !except.contains(*target));
    let mut found = Vec::new();
    for target in targets {
        let of = |catalog: &Catalog| {
            let mut others = catalog.others.iter();
            others.find(|others| others.target == *target).cloned()
        };
        let (old, new) = (of(before), of(after));
        let Some(one) = new.as_ref().or(old.as_ref()) else { continue };
        let was = old.as_ref().map_or(&one.rights.first, |others| &others.rights.now);
        let is = new.as_ref().map_or(&one.rights.first, |others| &others.rights.now);
        if let Some(rights) = difference(one.rights.column.as_ref(), &held(was), &held(is), is) {
            let others = crate::catalog::OthersRights { rights, ..one.clone() };
            found.push((target.clone(), ddl::of_others(&others, after.about.major)));
        }
    }
    found
}
