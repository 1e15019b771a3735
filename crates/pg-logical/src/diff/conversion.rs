//! How the values of a column become values of another type, and the hazards of that.

use pg_sql::types::Type;

use crate::catalog::{Catalog, Column, Definition, Object, class};
use crate::diff::hazard::Hazard;

/// Families of types: PostgreSQL converts a column within one of them without a `USING` clause.
const FAMILIES: [&[&str]; 6] = [
    &["smallint", "integer", "bigint", "numeric", "real", "double precision"],
    &["text", "character varying", "character", "name", "\"char\""],
    &["date", "timestamp without time zone", "timestamp with time zone"],
    &["time without time zone", "time with time zone", "interval"],
    &["json", "jsonb"],
    &["inet", "cidr"],
];

/// The `USING` clause, where PostgreSQL has no assignment cast; empty otherwise.
pub(super) fn using(name: &str, old: &Column, new: &Column, is_by_text: bool) -> String {
    let kind = &new.data_type;
    if is_by_text && new.data_type == old.data_type {
        let array = if kind.ends_with("[]") { "[]" } else { "" };
        return format!(" USING {name}::text{array}::{kind}");
    }
    match (family(old), family(new)) {
        (Some(one), Some(other)) if one == other => String::new(),
        (_, Some(1)) => format!(" USING {name}::{kind}"),
        (Some(1), _) => format!(" USING {name}::{kind}"),
        _ if old.data_type == new.data_type => String::new(),
        _ if is_cast(old, new) => format!(" USING {name}::{kind}"),
        _ => {
            let array =
                if kind.ends_with("[]") && old.data_type.ends_with("[]") { "[]" } else { "" };
            format!(" USING {name}::text{array}::{kind}")
        }
    }
}

/// Whether PostgreSQL has an explicit cast between the types.
fn is_cast(old: &Column, new: &Column) -> bool {
    matches!(
        (old.data_type.as_str(), new.data_type.as_str()),
        ("boolean", "integer") | ("integer", "boolean")
    )
}

/// The family of a type; `None` if it is in none.
fn family(column: &Column) -> Option<usize> {
    let bare = column.data_type.split('(').next().unwrap_or_default().trim();
    // `timestamp(3) with time zone` has its precision in the middle.
    let bare = match (bare, column.data_type.split_once(") ")) {
        (begin, Some((_, rest))) => format!("{begin} {rest}"),
        (begin, None) => begin.to_owned(),
    };
    FAMILIES.iter().position(|family| family.contains(&bare.as_str()))
}

/// The hazards of another type or collation.
pub(super) fn hazards(old: &Column, new: &Column, is_type_replaced: bool) -> Vec<Hazard> {
    if is_type_replaced {
        return vec![Hazard::Rewrite, Hazard::NarrowingTypeChange];
    }
    if old.data_type == new.data_type {
        return vec![Hazard::ScanUnderLock];
    }
    let (was, is) = (Type::named(&old.data_type), Type::named(&new.data_type));
    let types = was.as_ref().zip(is.as_ref());
    let holds = types.and_then(|(was, is)| is.holds(was));
    let mut hazards = vec![Hazard::ColumnTypeChanged];
    if types.is_none_or(|(was, is)| !is.is_stored_like(was)) {
        hazards.push(Hazard::Rewrite);
    }
    let is_same_family = family(old).is_some() && family(old) == family(new);
    if holds == Some(false) || holds.is_none() && !is_same_family {
        hazards.push(Hazard::NarrowingTypeChange);
    }
    if holds != Some(true) && is_rounded(old, new) {
        hazards.push(Hazard::ValuesLost);
    }
    hazards
}

/// Whether PostgreSQL rounds values to fit the new type, instead of refusing them.
fn is_rounded(old: &Column, new: &Column) -> bool {
    const NUMBERS: usize = 0;
    const TIMES: usize = 2;
    let is_whole = ["smallint", "integer", "bigint"].contains(&old.data_type.as_str());
    match (family(old), family(new)) {
        (Some(NUMBERS), Some(NUMBERS)) => !is_whole,
        (Some(TIMES), Some(TIMES)) => old.data_type != "date",
        _ => false,
    }
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
