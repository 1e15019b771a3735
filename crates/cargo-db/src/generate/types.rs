//! Values of a type, as SQL expressions.

use std::collections::HashMap;

use crate::failure::Result;
use crate::world::pg::{Row, Session};

/// The types of a database, by their OIDs.
pub(super) struct Types(HashMap<u32, FillType>);

/// What is needed to make values of a type.
struct FillType {
    kind: char,
    category: char,
    name: String,
    sql: String,
    element: u32,
    base: u32,
    base_type: String,
    labels: Option<String>,
    subtype: u32,
    range: String,
    attributes: Vec<u32>,
    checks: Vec<String>,
}

/// A list in one text.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split('\x1f').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Types {
    pub(super) fn read(session: &mut Session) -> Result<Types> {
        let rows = session.rows("read the types", include_str!("sql/types.sql"))?;
        let types = rows.iter().map(|row| Ok((row.number("oid")?, FillType::of(row)?)));
        Ok(Types(types.collect::<Result<_>>()?))
    }

    /// The type without the domains around it, as SQL.
    pub(super) fn without_domains(&self, oid: u32, sql: &str) -> (u32, String) {
        match self.0.get(&oid) {
            Some(domain) if domain.kind == 'd' => {
                self.without_domains(domain.base, &domain.base_type)
            }
            _ => (oid, sql.to_owned()),
        }
    }

    /// The checks of a domain and of those that it is based on, as SQL.
    pub(super) fn checks(&self, oid: u32) -> Vec<String> {
        match self.0.get(&oid) {
            Some(domain) if domain.kind == 'd' => {
                domain.checks.iter().cloned().chain(self.checks(domain.base)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The letter of `pg_type.typcategory`.
    pub(super) fn category(&self, oid: u32) -> char {
        self.0.get(&oid).map_or(' ', |one| if one.kind == 'e' { 'E' } else { one.category })
    }

    /// A value that depends on `n`, an SQL expression for a small number that is at least 1.
    /// `None` if no value of the type is known.
    pub(super) fn value(&self, oid: u32, sql: &str, n: &str) -> Option<String> {
        let one = self.0.get(&oid)?;
        let text = match (one.kind, one.category) {
            ('d', _) => return self.value(one.base, &one.base_type, n),
            ('e', _) => {
                let labels = one.labels.as_ref()?;
                format!("(ARRAY[{labels}])[1 + ({n} - 1) % array_length(ARRAY[{labels}], 1)]")
            }
            ('c', _) => format!("ROW({})", self.attributes(one, n)?),
            ('m', _) => format!("{}({})", one.sql, self.range(one, &one.range, n)?),
            ('r', _) => self.range(one, &one.sql, n)?,
            (_, 'A') => {
                let element = self.0.get(&one.element)?;
                format!("ARRAY[{}]", self.value(one.element, &element.sql, n)?)
            }
            _ => plain(one, sql, n)?,
        };
        Some(format!("({text})::{sql}"))
    }

    fn attributes(&self, one: &FillType, n: &str) -> Option<String> {
        let value = |oid: &u32| self.value(*oid, &self.0.get(oid)?.sql, n);
        let values: Option<Vec<String>> = one.attributes.iter().map(value).collect();
        Some(values?.join(", "))
    }

    /// Ranges that do not overlap for different numbers.
    fn range(&self, one: &FillType, constructor: &str, n: &str) -> Option<String> {
        let subtype = self.0.get(&one.subtype)?;
        let bound = |n: String| self.value(one.subtype, &subtype.sql, &n);
        let (from, to) = (bound(format!("(2 * {n})"))?, bound(format!("(2 * {n} + 1)"))?);
        Some(format!("{constructor}({from}, {to})"))
    }
}

impl FillType {
    fn of(row: &Row) -> Result<FillType> {
        let letter = |name| Ok::<_, crate::failure::Failure>(row.text(name)?.chars().next());
        let attributes = row.text("attributes")?.split(',').filter_map(|oid| oid.parse().ok());
        Ok(FillType {
            kind: letter("kind")?.unwrap_or(' '),
            category: letter("category")?.unwrap_or(' '),
            name: row.text("name")?.to_owned(),
            sql: row.text("sql")?.to_owned(),
            element: row.number("element")?,
            base: row.number("base")?,
            base_type: row.optional_text("base_type")?.unwrap_or_default().to_owned(),
            labels: row.optional_text("labels")?.map(str::to_owned),
            subtype: row.number("subtype")?,
            range: row.text("range")?.to_owned(),
            attributes: attributes.collect(),
            checks: list(row.text("checks")?),
        })
    }
}

/// A value of a base type.
fn plain(one: &FillType, sql: &str, n: &str) -> Option<String> {
    Some(match (one.category, one.name.as_str()) {
        ('B', _) => format!("{n} % 2 = 0"),
        ('N', "numeric") => number(sql, n),
        ('N', "money") => format!("{n}::numeric"),
        ('N', "regclass") => "'pg_class'".to_owned(),
        ('N', name) if name.starts_with("reg") => return None,
        ('N', _) => n.to_owned(),
        ('S', "char") => format!("{n}::text"),
        ('S', _) => text(sql, n),
        ('D', "time" | "timetz") => format!("TIME '12:00' + {n} * INTERVAL '1 minute'"),
        ('D', _) => format!("TIMESTAMP '2026-01-01 12:00' + {n} * INTERVAL '1 day'"),
        ('T', _) => format!("{n} * INTERVAL '1 hour'"),
        ('I', _) => format!("'192.168.0.' || {n}"),
        ('V', _) => bits(sql, n),
        ('G', name) => return geometry(name, n),
        (_, name) => return other(name, n),
    })
}

/// The numbers in the parentheses of a type.
fn limits(sql: &str) -> Vec<usize> {
    let inside = sql.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let numbers = inside.map(|(inside, _)| inside.split(',').map(|one| one.trim().parse()));
    numbers.into_iter().flatten().filter_map(std::result::Result::ok).collect()
}

fn number(sql: &str, n: &str) -> String {
    match limits(sql)[..] {
        [precision, scale] if precision <= scale => format!("{n} * 10.0 ^ -{scale}"),
        _ => n.to_owned(),
    }
}

fn text(sql: &str, n: &str) -> String {
    match limits(sql)[..] {
        [length, ..] if length < "text 1".len() => format!("{n}::text"),
        _ if sql == "character" => format!("{n}::text"),
        _ => format!("'text ' || {n}"),
    }
}

fn bits(sql: &str, n: &str) -> String {
    match limits(sql)[..] {
        [length, ..] => format!("{n}::int::bit({length})"),
        _ if sql == "bit" => format!("({n} % 2)::int::bit(1)"),
        _ => format!("{n}::int::bit(8)"),
    }
}

fn geometry(name: &str, n: &str) -> Option<String> {
    Some(match name {
        "point" => format!("point({n}, {n})"),
        "box" => format!("box(point(0, 0), point({n}, {n}))"),
        "circle" => format!("circle(point({n}, {n}), 1)"),
        "lseg" => format!("lseg(point(0, 0), point({n}, {n}))"),
        "line" => format!("'{{1,2,' || {n} || '}}'"),
        "path" => format!("'[(0,0),(' || {n} || ',1)]'"),
        "polygon" => format!("'((0,0),(' || {n} || ',1),(1,0))'"),
        _ => return None,
    })
}

/// Types that are in a category of their own.
fn other(name: &str, n: &str) -> Option<String> {
    Some(match name {
        "uuid" => format!("md5(({n})::text)"),
        "json" | "jsonb" => format!("'{{\"n\": ' || {n} || '}}'"),
        "bytea" => format!("decode(lpad(({n})::text, 2, '0'), 'hex')"),
        "xml" => format!("'<n>' || {n} || '</n>'"),
        "jsonpath" => format!("'$.n' || {n}"),
        "macaddr" => format!("'08:00:2b:01:02:0' || {n} % 10"),
        "macaddr8" => format!("'08:00:2b:01:02:03:04:0' || {n} % 10"),
        "pg_lsn" => format!("'0/' || {n}"),
        "hstore" => format!("'n=>' || {n}"),
        _ => format!("'' || {n}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_into_their_type() {
        assert_eq!(number("numeric(2,2)", "n"), "n * 10.0 ^ -2");
        assert_eq!(number("numeric(10,2)", "n"), "n");
        assert_eq!(text("character varying(3)", "n"), "n::text");
        assert_eq!(text("character varying(300)", "n"), "'text ' || n");
        assert_eq!(bits("bit(3)", "n"), "n::int::bit(3)");
    }
}
