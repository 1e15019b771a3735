//! Sequences.

use pg_sql::quote::{name as quoted, quote_literal};

use crate::catalog::{Catalog, Definition, Object, Sequence, class};

pub(super) fn create(name: &str, sequence: &Sequence) -> String {
    let unlogged = if sequence.is_unlogged { "UNLOGGED " } else { "" };
    let kind = match sequence.data_type.as_str() {
        "bigint" => String::new(),
        other => format!("\n    AS {other}"),
    };
    let clauses = clauses(sequence).join("\n    ");
    format!("CREATE {unlogged}SEQUENCE {name}{kind}\n    {clauses}")
}

/// As an identity column takes them.
pub(crate) fn identity(sequence: &Sequence) -> String {
    let name = format!("{}.{}", quoted(&sequence.schema), quoted(&sequence.name));
    format!("(SEQUENCE NAME {name} {})", clauses(sequence).join(" "))
}

pub(crate) fn clauses(sequence: &Sequence) -> Vec<String> {
    let (lowest, highest) = match sequence.data_type.as_str() {
        "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
        "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    let (least, most) = if sequence.increment > 0 { (1, highest) } else { (lowest, -1) };
    let bound = |word: &str, value: i64, usual: i64| {
        if value == usual { format!("NO {word}") } else { format!("{word} {value}") }
    };
    let mut clauses = vec![
        format!("START WITH {}", sequence.start),
        format!("INCREMENT BY {}", sequence.increment),
        bound("MINVALUE", sequence.minimum, least),
        bound("MAXVALUE", sequence.maximum, most),
        format!("CACHE {}", sequence.cache),
    ];
    if sequence.cycles {
        clauses.push("CYCLE".to_owned());
    }
    clauses
}

pub(super) fn owned_by(catalog: &Catalog, object: &Object, found: &mut Vec<String>) {
    let Definition::Sequence(Sequence { owned_by: Some(owned), .. }) = &object.definition else {
        return;
    };
    let table = catalog.find(class::CLASS, owned.table);
    let column = table.and_then(|table| {
        let mut columns = table.columns().iter();
        Some((table, columns.find(|column| column.number == owned.column)?))
    });
    if let Some((table, column)) = column {
        let (sequence, table) = (object.identity.sql(), table.identity.sql());
        let column = quoted(&column.name);
        found.push(format!("ALTER SEQUENCE {sequence} OWNED BY {table}.{column}"));
    }
}

/// The statement that sets the value of a sequence.
pub fn set_value(sequence: &str, value: &str, was_used: bool) -> String {
    format!("SELECT pg_catalog.setval({}, {value}, {was_used})", quote_literal(sequence))
}
