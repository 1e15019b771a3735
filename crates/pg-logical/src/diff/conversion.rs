//! How the values of a column become values of another type, and the hazards of that.

use pg_sql::types::Type;

use crate::catalog::{Catalog, Column, Definition, Object, class};
use crate::diff::compare::{ColumnPair, Pair};
use crate::diff::hazard::Hazard;

/// Families of types: PostgreSQL converts a column within one of them without a `USING` clause.
const FAMILIES: [&[&str]; 7] = [
    &["smallint", "integer", "bigint", "numeric", "real", "double precision"],
    &["text", "character varying", "character", "name", "\"char\""],
    &["date", "timestamp without time zone", "timestamp with time zone"],
    &["time without time zone", "time with time zone", "interval"],
    &["json", "jsonb"],
    &["inet", "cidr"],
    &["bit", "bit varying"],
];

const NUMBERS: usize = 0;
const TEXTS: usize = 1;
const DATES: usize = 2;
const TIMES: usize = 3;
const NETWORKS: usize = 5;
const BITS: usize = 6;

/// A column that gets another type.
pub(super) struct Conversion<'a> {
    old: &'a Column,
    new: &'a Column,
    /// The old type, or the one that a domain is over.
    was: String,
    /// The new type, or the one that a domain is over.
    is: String,
}

impl<'a> Conversion<'a> {
    pub(super) fn of(pair: &Pair<'_>, columns: ColumnPair<'a>) -> Conversion<'a> {
        let ColumnPair { old, new, .. } = columns;
        let (was, is) = (base(pair.before().catalog, old), base(pair.after().catalog, new));
        Conversion { old, new, was, is }
    }

    /// The `USING` clause, where PostgreSQL has no assignment cast; empty otherwise.
    ///
    /// An explicit cast cuts texts and bits that are too long for the new type. The clause casts to
    /// a type without a length, so that the assignment fails instead.
    pub(super) fn using(&self, name: &str, is_by_text: bool) -> String {
        let kind = &self.new.data_type;
        let array = |is_array| if is_array { "[]" } else { "" };
        if is_by_text && self.new.data_type == self.old.data_type {
            return format!(" USING {name}::text{}::{kind}", array(is_array(kind)));
        }
        let (was, is) = self.families();
        if was.is_some() && was == is && !self.is_longer_bits() {
            return String::new();
        }
        let target = match family(&self.is) {
            Some(TEXTS) => format!("text{}", array(is_array(&self.is))),
            Some(BITS) if !self.is_longer_bits() => {
                format!("bit varying{}", array(is_array(&self.is)))
            }
            _ => kind.clone(),
        };
        if was == Some(TEXTS) || is == Some(TEXTS) || was.is_some() && was == is {
            return format!(" USING {name}::{target}");
        }
        if self.old.data_type == self.new.data_type {
            return String::new();
        }
        if self.is_cast() {
            return format!(" USING {name}::{kind}");
        }
        let text = format!("text{}", array(is_array(&self.was) && is_array(&self.is)));
        if text == target {
            return format!(" USING {name}::{text}");
        }
        format!(" USING {name}::{text}::{target}")
    }

    /// The families of both types; none if only one of them is an array.
    fn families(&self) -> (Option<usize>, Option<usize>) {
        if is_array(&self.was) == is_array(&self.is) {
            (family(&self.was), family(&self.is))
        } else {
            (None, None)
        }
    }

    /// Whether bits are filled up with zeros, which only an explicit cast does.
    fn is_longer_bits(&self) -> bool {
        let length = |kind: &str| sizes(kind).first().copied().unwrap_or(1);
        let is_fixed = |kind: &str| bare(kind) == "bit";
        is_fixed(&self.was) && is_fixed(&self.is) && length(&self.was) < length(&self.is)
    }

    /// Whether PostgreSQL has an explicit cast between the types.
    fn is_cast(&self) -> bool {
        matches!(
            (self.old.data_type.as_str(), self.new.data_type.as_str()),
            ("boolean", "integer") | ("integer", "boolean")
        )
    }

    /// The hazards of another type or collation.
    pub(super) fn hazards(&self, is_type_replaced: bool) -> Vec<Hazard> {
        if is_type_replaced {
            return vec![Hazard::Rewrite, Hazard::NarrowingTypeChange];
        }
        if self.old.data_type == self.new.data_type {
            return vec![Hazard::ScanUnderLock];
        }
        let types = Type::named(&self.old.data_type).zip(Type::named(&self.new.data_type));
        let holds = types.as_ref().and_then(|(was, is)| is.holds(was));
        let mut hazards = vec![Hazard::ColumnTypeChanged];
        if types.is_none_or(|(was, is)| !is.is_stored_like(&was)) {
            hazards.push(Hazard::Rewrite);
        }
        let (was, is) = (family(&self.old.data_type), family(&self.new.data_type));
        let is_same_family = was.is_some() && was == is && was != Some(BITS);
        if holds == Some(false) || holds.is_none() && !is_same_family {
            hazards.push(Hazard::NarrowingTypeChange);
        }
        if holds != Some(true) && self.loses_values() {
            hazards.push(Hazard::ValuesLost);
        }
        hazards
    }

    /// Whether PostgreSQL rounds or cuts values to fit the new type, instead of refusing them.
    fn loses_values(&self) -> bool {
        let (was, is) = (bare(&self.was), bare(&self.is));
        let is_whole = |kind: &str| ["smallint", "integer", "bigint"].contains(&kind);
        let is_float = |kind: &str| ["real", "double precision"].contains(&kind);
        let is_zoned = |kind: &str| kind.ends_with(" with time zone");
        let has_fewer_digits = digits(&self.is) < digits(&self.was);
        match self.families() {
            (Some(NUMBERS), Some(NUMBERS)) => {
                !is_whole(&was) || is_float(&is) || sizes(&self.is).iter().any(|size| *size < 0)
            }
            (Some(TEXTS), Some(NUMBERS)) => is_float(&is) || !sizes(&self.is).is_empty(),
            (Some(TEXTS), Some(DATES | TIMES)) => digits(&self.is) < digits(""),
            (Some(DATES), Some(DATES)) if was == "date" => false,
            (Some(DATES), Some(DATES)) => is == "date" || is_zoned(&was) || has_fewer_digits,
            (Some(TIMES), Some(TIMES)) if was.starts_with("interval") => {
                !is.starts_with("interval") || is != was && is != "interval" || has_fewer_digits
            }
            (Some(TIMES), Some(TIMES)) => is_zoned(&was) && is != was || has_fewer_digits,
            (Some(NETWORKS), Some(NETWORKS)) => is == "cidr",
            (_, Some(TEXTS)) => ["name", "\"char\""].contains(&is.as_str()),
            _ => false,
        }
    }
}

/// The type of a column, or the one that a domain is over.
fn base(catalog: &Catalog, column: &Column) -> String {
    let mut kind = column.data_type.clone();
    let mut found = catalog.find(class::TYPE, column.type_oid);
    while let Some(Definition::Domain(domain)) = found.map(|object| &object.definition) {
        if found.is_some_and(|object| object.identity.sql() != kind) {
            break;
        }
        kind.clone_from(&domain.base);
        let is_base = |object: &&Object| object.identity.sql() == kind;
        found = catalog.objects.iter().find(is_base);
    }
    kind
}

fn is_array(kind: &str) -> bool {
    kind.ends_with("[]")
}

/// A type without its length or precision, or that of the elements of an array.
fn bare(kind: &str) -> String {
    let kind = kind.trim_end_matches("[]");
    // `timestamp(3) with time zone` has its precision in the middle.
    match kind.split_once('(') {
        Some((begin, rest)) => {
            let (_, rest) = rest.split_once(')').unwrap_or_default();
            format!("{begin}{rest}")
        }
        None => kind.to_owned(),
    }
}

/// The numbers in the parentheses of a type.
fn sizes(kind: &str) -> Vec<i64> {
    let inner = kind.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let inner = inner.map_or("", |(inner, _)| inner);
    inner.split(',').filter_map(|size| size.trim().parse().ok()).collect()
}

/// How many digits of a second a type has.
fn digits(kind: &str) -> i64 {
    sizes(kind).first().copied().unwrap_or(6)
}

/// The family of a type, or that of the elements of an array; `None` if it is in none.
fn family(kind: &str) -> Option<usize> {
    let bare = bare(kind);
    // `interval day to second` is one with fewer fields.
    let bare = if bare.starts_with("interval ") { "interval" } else { bare.as_str() };
    FAMILIES.iter().position(|family| family.contains(&bare))
}

/// The hazards of a new column of a table that may have rows.
pub(super) fn added(catalog: &Catalog, column: &Column) -> Vec<Hazard> {
    let mut hazards = Vec::new();
    let is_empty = column.value.is_none() && column.identity.is_none();
    if column.not_null && is_empty {
        hazards.push(Hazard::RequiredColumn);
    }
    if column.generated == Some('s')
        || column.identity.is_some()
        || is_checked_domain(catalog, column)
        || column.generated.is_none() && is_volatile(catalog, column)
    {
        hazards.push(Hazard::Rewrite);
    }
    hazards
}

/// Functions of PostgreSQL that return another value for each row.
const VOLATILE: [&str; 9] = [
    "nextval(",
    "random(",
    "random_normal(",
    "gen_random_uuid(",
    "uuidv4(",
    "uuidv7(",
    "clock_timestamp(",
    "timeofday(",
    "uuid_generate_v",
];

/// Whether the default of a column may have another value in each row.
fn is_volatile(catalog: &Catalog, column: &Column) -> bool {
    let Some(value) = &column.value else { return false };
    let mut needs = catalog.value_needs.get(&value.oid).into_iter().flatten();
    VOLATILE.iter().any(|name| value.expression.contains(name))
        || needs.any(|&need| is_volatile_function(&catalog.objects[need]))
}

fn is_volatile_function(object: &Object) -> bool {
    match &object.definition {
        Definition::Function(function) => function.volatility == 'v',
        _ => false,
    }
}

/// Whether the type of a column is a domain with checks, which PostgreSQL evaluates for each row.
fn is_checked_domain(catalog: &Catalog, column: &Column) -> bool {
    let has_check = catalog.objects.iter().any(|object| match &object.definition {
        Definition::Constraint(check) => check.is_of_domain && check.part_of == column.type_oid,
        _ => false,
    });
    let data_type = catalog.find(class::TYPE, column.type_oid);
    has_check
        || match data_type.map(|object| &object.definition) {
            Some(Definition::Domain(domain)) => domain.not_null,
            _ => false,
        }
}
