//! Which objects of a database are dumped, by what was typed.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::catalog::{Address, Catalog, Kind, Object};

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Only these schemas.
    pub schemas: Vec<String>,
    /// Only these tables, views and sequences: `users`, `public.users`.
    pub tables: Vec<String>,
    /// Not these objects: `function public.f(integer)`, `public.users`.
    pub exclude: Vec<String>,
    /// Not these schemas with what is in them, which no header misses.
    pub omitted_schemas: Vec<String>,
}

impl Request {
    fn omits(&self, object: &Object) -> bool {
        let schema = match object.identity.kind {
            Kind::Schema => Some(&object.identity.name),
            _ => object.identity.schema.as_ref(),
        };
        schema.is_some_and(|schema| self.omitted_schemas.contains(schema))
    }
}

/// What is dumped.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// The objects, by their places; all of them if there is none.
    pub chosen: Option<BTreeSet<usize>>,
    /// What was left out by name, and its parts.
    pub excluded: BTreeSet<usize>,
    /// What a header says is missing.
    pub left_out: Vec<String>,
    /// What the model does not cover, and nobody excluded.
    pub uncovered: Vec<String>,
}

/// What cannot be chosen.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChoiceError {
    /// Nothing has that name.
    #[error("there is no object `{0}` in this database")]
    Nothing(String),
    /// Several objects have it.
    #[error("several objects have the name `{name}`: {}", .found.join(", "))]
    Several {
        /// What was typed.
        name: String,
        /// What it may mean.
        found: Vec<String>,
    },
    /// Something that stays needs something that goes.
    #[error("the excluded objects are needed by {}", .0.join(", "))]
    Needed(Vec<String>),
}

/// Chooses.
pub fn choose(catalog: &Catalog, request: &Request) -> Result<Choice, ChoiceError> {
    let mut choice = Choice::default();
    let mut uncovered: Vec<String> =
        catalog.uncovered.iter().map(|uncovered| uncovered.object.clone()).collect();
    for typed in &request.exclude {
        let before = uncovered.len();
        uncovered.retain(|object| object != typed);
        if uncovered.len() < before {
            choice.left_out.push(typed.clone());
            continue;
        }
        let at = one_named(catalog, typed, &|_| true)?;
        choice.left_out.push(catalog.objects[at].identity.to_string());
        choice.excluded.insert(at);
    }
    choice.excluded.extend(places(catalog, &|object| request.omits(object)));
    let excluded = std::mem::take(&mut choice.excluded);
    choice.excluded = with_parts(catalog, excluded);
    let is_part = !request.schemas.is_empty() || !request.tables.is_empty();
    // A part is what was asked for: the rest is not missed.
    choice.uncovered = if is_part { Vec::new() } else { uncovered };
    let mut wanted = BTreeSet::new();
    for schema in &request.schemas {
        let of_schema = |object: &Object| {
            object.identity.schema.as_ref() == Some(schema)
                || object.identity.kind == Kind::Schema && object.identity.name == *schema
        };
        let before = wanted.len();
        wanted.extend(places(catalog, &of_schema));
        if wanted.len() == before {
            return Err(ChoiceError::Nothing(schema.clone()));
        }
    }
    let mut tables = BTreeSet::new();
    for table in &request.tables {
        tables.insert(one_named(catalog, table, &is_relation)?);
    }
    wanted.extend(with_parts(catalog, tables));
    let all = if is_part { wanted } else { (0..catalog.objects.len()).collect() };
    let left: BTreeSet<usize> = all.difference(&choice.excluded).copied().collect();
    if !is_part {
        nothing_needs(catalog, &left, &choice.excluded)?;
    }
    choice.chosen = (is_part || !choice.excluded.is_empty()).then_some(left);
    Ok(choice)
}

fn places(catalog: &Catalog, wanted: &dyn Fn(&Object) -> bool) -> Vec<usize> {
    let objects = catalog.objects.iter().enumerate();
    objects.filter(|(_, object)| wanted(object)).map(|(at, _)| at).collect()
}

fn is_relation(object: &Object) -> bool {
    matches!(
        object.identity.kind,
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView | Kind::Sequence
    )
}

/// The object that a name means: as it is shown, as it is written in SQL, or by its last part.
fn one_named(
    catalog: &Catalog,
    typed: &str,
    is_meant: &dyn Fn(&Object) -> bool,
) -> Result<usize, ChoiceError> {
    let plain = |object: &Object| {
        let schema = object.identity.schema.as_ref().map(|schema| format!("{schema}."));
        format!("{}{}", schema.unwrap_or_default(), object.identity.name)
    };
    let ways: [&dyn Fn(&Object) -> bool; 3] = [
        &|object| object.identity.to_string() == typed,
        &|object| object.identity.target() == typed || plain(object) == typed,
        &|object| object.identity.name == typed,
    ];
    for way in ways {
        let found = places(catalog, &|object| is_meant(object) && way(object));
        match found[..] {
            [] => {}
            [only] => return Ok(only),
            _ => {
                let name = typed.to_owned();
                let found = found.iter().map(|&at| catalog.objects[at].identity.to_string());
                return Err(ChoiceError::Several { name, found: found.collect() });
            }
        }
    }
    Err(ChoiceError::Nothing(typed.to_owned()))
}

/// The same with what is a part of it: indexes, constraints, triggers, owned sequences.
fn with_parts(catalog: &Catalog, wanted: BTreeSet<usize>) -> BTreeSet<usize> {
    let addresses: BTreeSet<Address> =
        wanted.iter().map(|&at| catalog.objects[at].address).collect();
    let is_part = |object: &Object| object.whole().is_some_and(|of| addresses.contains(&of));
    let mut all = wanted;
    all.extend(places(catalog, &is_part));
    all
}

fn nothing_needs(
    catalog: &Catalog,
    left: &BTreeSet<usize>,
    excluded: &BTreeSet<usize>,
) -> Result<(), ChoiceError> {
    let values = |at: usize| {
        let columns = catalog.objects[at].columns().iter();
        let values = columns.filter_map(|column| column.value.as_ref());
        values.filter_map(|value| catalog.value_needs.get(&value.oid)).flatten()
    };
    let needs_one = |at: &&usize| {
        catalog.needs[**at].iter().chain(values(**at)).any(|need| excluded.contains(need))
    };
    let needing: Vec<String> =
        left.iter().filter(needs_one).map(|&at| catalog.objects[at].identity.to_string()).collect();
    if needing.is_empty() { Ok(()) } else { Err(ChoiceError::Needed(needing)) }
}
