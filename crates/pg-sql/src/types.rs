//! Types of columns as SQL spells them, and whether one can hold every value of another.

use crate::lexer::words;

/// A type, with the set of its values as far as it is known here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TypeKind {
    /// An integer with at most this many digits.
    Whole(i64),
    /// A floating-point number with this many binary digits.
    Float(i64),
    /// A decimal number: its precision and scale, if they are limited.
    Numeric(Option<(i64, i64)>),
    /// Text, with at most this many characters.
    Text(Option<i64>),
    /// Text that is padded to this many characters.
    Padded(i64),
    Boolean,
    Uuid,
    Date,
    /// A point in time, with this many digits of a second.
    Timestamp {
        is_zoned: bool,
        digits: i64,
    },
    Array(Box<TypeKind>),
    /// Anything else: its words.
    Other(String),
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Type {
    kind: TypeKind,
    /// As it is spelled.
    pub spelled: String,
}

impl Type {
    /// Reads a type, such as `character varying(20)`. `None` if anything follows it.
    pub fn named(text: &str) -> Option<Type> {
        let words = words(text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (named, rest) = Type::read(&words)?;
        rest.is_empty().then_some(named)
    }

    /// Reads the type at the beginning of some words, and returns it with what follows.
    pub fn read<'a, 'w>(words: &'a [&'w str]) -> Option<(Type, &'a [&'w str])> {
        let named = match words {
            ["pg_catalog", ".", rest @ ..] => rest,
            words => words,
        };
        let (name, rest) = named_by(named)?;
        let (sizes, rest) = sizes(rest);
        let (is_zoned, rest) = match rest {
            ["with", "time", "zone", rest @ ..] => (true, rest),
            ["without", "time", "zone", rest @ ..] => (false, rest),
            rest => (name.ends_with("tz"), rest),
        };
        let element = kind(&name, &sizes, is_zoned);
        let (is_array, rest) = dimensions(rest);
        let kind = if is_array { TypeKind::Array(Box::new(element)) } else { element };
        let spelled = spelled(&words[..words.len() - rest.len()]);
        Some((Type { kind, spelled }, rest))
    }

    /// Whether it can hold every value of another type; nothing if that is not known.
    pub fn holds(&self, other: &Type) -> Option<bool> {
        holds(&self.kind, &other.kind)
    }

    /// Whether both are the same type, however they are spelled.
    pub fn is(&self, other: &Type) -> bool {
        self.kind == other.kind
    }

    /// Whether it has less room than other types for values of its kind.
    pub fn is_limited(&self) -> bool {
        is_limited(&self.kind)
    }

    /// Whether stored values of the other type need not change, so that the table is not rewritten.
    pub fn is_stored_like(&self, other: &Type) -> bool {
        let is_wider = self.holds(other) == Some(true);
        match (&other.kind, &self.kind) {
            (old, new) if old == new => true,
            (TypeKind::Text(_), TypeKind::Text(_))
            | (TypeKind::Numeric(_), TypeKind::Numeric(None)) => is_wider,
            (TypeKind::Numeric(Some((_, old))), TypeKind::Numeric(Some((_, new)))) => {
                is_wider && old == new
            }
            (
                TypeKind::Timestamp { is_zoned: old, .. },
                TypeKind::Timestamp { is_zoned: new, .. },
            ) => is_wider && old == new,
            _ => false,
        }
    }
}

/// The name of a type, which may have several words.
fn named_by<'a, 'w>(words: &'a [&'w str]) -> Option<(String, &'a [&'w str])> {
    let several = match words {
        ["double", "precision", ..] | ["character" | "char", "varying", ..] => 2,
        ["national", "character" | "char", "varying", ..] => 3,
        ["national", "character" | "char", ..] => 2,
        ["bit", "varying", ..] => 2,
        [_, ".", _, ..] => 3,
        [_, ..] => 1,
        [] => return None,
    };
    Some((words[..several].join(" "), &words[several..]))
}

/// The numbers in parentheses after the name.
fn sizes<'a, 'w>(words: &'a [&'w str]) -> (Vec<i64>, &'a [&'w str]) {
    let Some(("(", rest)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
        return (Vec::new(), words);
    };
    let Some(end) = rest.iter().position(|word| *word == ")") else { return (Vec::new(), words) };
    // A negative scale is not supported here, so the type is unknown.
    let sizes = rest[..end].split(|word| *word == ",");
    let sizes = sizes.map(|words| words.concat().parse().unwrap_or(-1)).collect();
    (sizes, &rest[end + 1..])
}

/// Whether it is an array, of any number of dimensions.
fn dimensions<'a, 'w>(words: &'a [&'w str]) -> (bool, &'a [&'w str]) {
    let (is_named, mut rest) = match words {
        ["array", rest @ ..] => (true, rest),
        words => (false, words),
    };
    let before = rest.len();
    while let ["[", "]", after @ ..] | ["[", _, "]", after @ ..] = rest {
        rest = after;
    }
    (is_named || rest.len() < before, rest)
}

fn kind(name: &str, sizes: &[i64], is_zoned: bool) -> TypeKind {
    if sizes.iter().any(|size| *size < 0) {
        return TypeKind::Other(format!("{name} {sizes:?}"));
    }
    let size = sizes.first().copied();
    match name {
        "smallint" | "int2" | "smallserial" | "serial2" => TypeKind::Whole(5),
        "integer" | "int" | "int4" | "serial" | "serial4" => TypeKind::Whole(10),
        "bigint" | "int8" | "bigserial" | "serial8" => TypeKind::Whole(19),
        "real" | "float4" => TypeKind::Float(24),
        "float" if size.is_some_and(|digits| digits <= 24) => TypeKind::Float(24),
        "double precision" | "float8" | "float" => TypeKind::Float(53),
        "numeric" | "decimal" | "dec" => {
            TypeKind::Numeric(size.map(|size| (size, sizes.get(1).copied().unwrap_or(0))))
        }
        "text" => TypeKind::Text(None),
        "varchar"
        | "character varying"
        | "char varying"
        | "national character varying"
        | "national char varying" => TypeKind::Text(size),
        "char" | "character" | "bpchar" | "national character" | "national char" | "nchar"
            if name != "bpchar" || size.is_some() =>
        {
            TypeKind::Padded(size.unwrap_or(1))
        }
        "boolean" | "bool" => TypeKind::Boolean,
        "uuid" => TypeKind::Uuid,
        "date" => TypeKind::Date,
        "timestamp" | "timestamptz" => TypeKind::Timestamp { is_zoned, digits: size.unwrap_or(6) },
        _ if is_zoned || !sizes.is_empty() => {
            TypeKind::Other(format!("{name} {sizes:?} {is_zoned}"))
        }
        _ => TypeKind::Other(name.to_owned()),
    }
}

fn is_limited(kind: &TypeKind) -> bool {
    match kind {
        TypeKind::Whole(digits) => *digits < 19,
        TypeKind::Float(bits) => *bits < 53,
        TypeKind::Numeric(limit) => limit.is_some(),
        TypeKind::Text(limit) => limit.is_some(),
        TypeKind::Padded(_) | TypeKind::Boolean | TypeKind::Date => true,
        TypeKind::Uuid | TypeKind::Timestamp { .. } | TypeKind::Other(_) => false,
        TypeKind::Array(element) => is_limited(element),
    }
}

/// Whether every value of the type `old` is one of `new`; nothing if that is not known.
fn holds(new: &TypeKind, old: &TypeKind) -> Option<bool> {
    use TypeKind::{
        Array, Boolean, Date, Float, Numeric, Other, Padded, Text, Timestamp, Uuid, Whole,
    };
    Some(match (old, new) {
        (old, new) if old == new => true,
        (_, Text(None)) => true,
        (Array(old), Array(new)) => return holds(new, old),
        (Other(_) | Array(_), _) | (_, Other(_) | Array(_)) => return None,

        (Padded(old), Padded(new) | Text(Some(new))) | (Text(Some(old)), Text(Some(new))) => {
            new >= old
        }
        // Padding takes away the difference between texts that end in different spaces.
        (Text(_), Text(Some(_)) | Padded(_)) => false,

        (Whole(old), Whole(new)) => new >= old,
        // A decimal digit needs less than 3.33 binary ones; the values end at 2 to the 15, 31, 63.
        (Whole(digits), Float(bits)) => digits * 10 / 3 <= *bits,
        (Whole(_), Numeric(None)) => true,
        (Whole(digits), Numeric(Some((precision, scale)))) => precision - scale >= *digits,
        (Whole(digits), Text(Some(most)) | Padded(most)) => most > digits,

        (Float(old), Float(new)) => new >= old,
        // PostgreSQL rounds to 6 or 15 decimal digits.
        (Float(_), Whole(_) | Numeric(_)) => false,

        (Numeric(None), Whole(_) | Float(_) | Numeric(_) | Text(_) | Padded(_)) => false,
        (Numeric(Some(_)), Numeric(None)) => true,
        (Numeric(Some((old, of_old))), Numeric(Some((new, of_new)))) => {
            of_new >= of_old && new - of_new >= old - of_old
        }
        (Numeric(Some((precision, 0))), Whole(digits)) => precision < digits,
        (Numeric(Some(_)), Whole(_) | Float(_)) => false,
        // A sign, a dot, and a zero before it.
        (Numeric(Some((precision, _))), Text(Some(most)) | Padded(most)) => *most >= precision + 3,

        (Boolean, Text(Some(most)) | Padded(most)) => *most >= 5,
        (Uuid, Text(Some(most)) | Padded(most)) => *most >= 36,
        (Date, Timestamp { is_zoned: false, .. }) => true,
        (Timestamp { .. }, Date) => false,
        (Timestamp { digits: old, .. }, Timestamp { digits: new, .. }) if new < old => false,
        (Timestamp { is_zoned: old, .. }, Timestamp { is_zoned: new, .. }) if old == new => true,
        _ => return None,
    })
}

/// Words as people write a type.
fn spelled(words: &[&str]) -> String {
    let text = words.join(" ");
    [(" (", "("), ("( ", "("), (" )", ")"), (" ,", ","), (", ", ","), (" [ ]", "[]"), (" . ", ".")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;
    fn of(text: &str) -> Type {
        Type::named(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_type_that_is_wide_enough_holds_every_value() {
        for (old, new) in [
            ("varchar(50)", "varchar(255)"),
            ("character varying(50)", "text"),
            ("varchar(50)", "varchar"),
            ("char(36)", "varchar(40)"),
            ("char", "char(2)"),
            ("bigint", "varchar(255)"),
            ("integer", "numeric(65,30)"),
            ("int", "int8"),
            ("smallserial", "integer"),
            ("smallint", "real"),
            ("integer", "double precision"),
            ("numeric(10,2)", "numeric(12,2)"),
            ("numeric(10,2)", "numeric(14, 4)"),
            ("numeric(9)", "integer"),
            ("decimal(10,2)", "numeric"),
            ("real", "float8"),
            ("boolean", "varchar(5)"),
            ("uuid", "char(36)"),
            ("date", "timestamp"),
            ("timestamp(3)", "timestamp(6) without time zone"),
            ("timestamptz", "timestamp with time zone"),
            ("varchar(10)[]", "varchar(20)[]"),
            ("public.mood", "public.mood"),
            ("inet", "text"),
        ] {
            assert_eq!(of(new).holds(&of(old)), Some(true), "{old} to {new}");
        }
    }

    #[test]
    fn a_narrower_type_may_lose_values() {
        for (old, new) in [
            ("varchar(255)", "varchar(50)"),
            ("text", "varchar(255)"),
            ("varchar(10)", "char(10)"),
            ("char(40)", "varchar(36)"),
            ("bigint", "integer"),
            ("bigint", "varchar(19)"),
            ("bigint", "double precision"),
            ("integer", "real"),
            ("integer", "numeric(10,2)"),
            ("numeric(10,2)", "numeric(11,4)"),
            ("numeric(10,4)", "numeric(10,2)"),
            ("numeric", "numeric(30,10)"),
            ("numeric(10)", "integer"),
            ("float8", "numeric"),
            ("double precision", "float(24)"),
            ("timestamp", "date"),
            ("timestamptz", "timestamp(3)"),
            ("bigint[]", "int[3]"),
        ] {
            assert_eq!(of(new).holds(&of(old)), Some(false), "{old} to {new}");
        }
    }

    #[test]
    fn of_other_types_nothing_is_known() {
        for (old, new) in [
            ("text", "integer"),
            ("mood", "varchar(10)"),
            ("timestamp", "timestamptz"),
            ("json", "jsonb"),
            ("numeric(4,-2)", "numeric(8,2)"),
        ] {
            assert_eq!(of(new).holds(&of(old)), None, "{old} to {new}");
        }
    }

    #[test]
    fn what_is_stored_alike_is_not_rewritten() {
        for (old, new, is_alike) in [
            ("varchar(50)", "varchar(255)", true),
            ("varchar(50)", "text", true),
            ("numeric(10,2)", "numeric(12,2)", true),
            ("numeric(10,2)", "numeric", true),
            ("timestamp(3)", "timestamp", true),
            ("integer", "int4", true),
            ("varchar(255)", "varchar(50)", false),
            ("text", "varchar(50)", false),
            ("char(36)", "varchar(40)", false),
            ("integer", "bigint", false),
            ("numeric(10,2)", "numeric(14,4)", false),
            ("timestamp", "timestamptz", false),
            ("varchar(10)[]", "varchar(20)[]", false),
        ] {
            assert_eq!(of(new).is_stored_like(&of(old)), is_alike, "{old} to {new}");
        }
    }

    #[test]
    fn a_type_is_spelled_as_people_write_it() {
        for text in ["numeric(10,2)", "character varying(20)[]", "timestamp(3) with time zone"] {
            assert_eq!(of(text).spelled, text);
        }
        assert_eq!(of("public . mood").spelled, "public.mood");
    }
}
