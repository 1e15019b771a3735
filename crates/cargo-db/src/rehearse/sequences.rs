//! Sequences that a migration leaves behind the values of their column: the next row gets a value
//! that exists already.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::finding;
use crate::failure::Result;
use crate::model::finding::Finding;
use crate::rehearse::guarantees::{Guarantees, Numbered, Promises, SequenceColumn};
use crate::rehearse::judge::grouped;
use crate::rehearse::snapshot::Oid;
use crate::world::pg::Session;
use pg_sql::name::short;
use pg_sql::quote::{quote_identifier, quote_literal};

/// The number of columns that one query covers.
const AT_ONCE: usize = 100;

/// By how many values each sequence is behind its column; those that are not, are not there.
pub(super) type SequenceLag = BTreeMap<SequenceColumn, u64>;

/// Those that are behind already, before the first migration.
pub(super) fn before(session: &mut Session, guarantees: &Guarantees) -> Result<SequenceLag> {
    let cheap = guarantees.numbered().filter(|(_, one)| one.cheap && !one.hidden);
    measure(session, &cheap.collect::<Vec<_>>())
}

/// What a migration has left behind: of the sequences and tables that it touched, or of all, where
/// these are not known. What was behind before is not its doing.
pub(super) fn left_behind(
    session: &mut Session,
    behind: &mut SequenceLag,
    (then, now): (&Promises, &Guarantees),
    read_again: &Promises,
    touched: Option<&BTreeSet<Oid>>,
) -> Result<Vec<Finding>> {
    let is_touched = |(place, one): &(&SequenceColumn, &Numbered)| {
        let is_new =
            read_again.numbered.contains_key(*place) && !then.numbered.contains_key(*place);
        let by_hand = touched.is_some_and(|touched| touched.contains(&place.0));
        is_new || by_hand || one.cheap && touched.is_none_or(|all| all.contains(&place.1))
    };
    let all: Vec<(&SequenceColumn, &Numbered)> = now.numbered().filter(is_touched).collect();
    let (hidden, seen): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, one)| one.hidden);
    let found = measure(session, &seen)?;
    let mut findings: Vec<Finding> = hidden.iter().map(|(_, one)| not_counted(one)).collect();
    for (place, one) in seen {
        let was = behind.remove(place).is_some();
        let Some(&values) = found.get(place) else { continue };
        behind.insert(*place, values);
        if !was {
            findings.push(finding_of(one, values));
        }
    }
    Ok(findings)
}

fn measure(session: &mut Session, places: &[(&SequenceColumn, &Numbered)]) -> Result<SequenceLag> {
    let mut behind = SequenceLag::new();
    for some in places.chunks(AT_ONCE) {
        let all: Vec<String> = some.iter().enumerate().map(question).collect();
        let sql = all.join(" UNION ALL ");
        for row in session.rows("compare sequences with their columns", &sql)? {
            let values = row.number("behind")?;
            let place = some.get(row.number::<usize>("place")?);
            behind.extend(place.filter(|_| values > 0).map(|(place, _)| (**place, values)));
        }
    }
    Ok(behind)
}

/// By how many values the next one of a sequence is behind the last one of its column.
fn question((index, (place, one)): (usize, &(&SequenceColumn, &Numbered))) -> String {
    let (farthest, distance) =
        if one.ascends { ("max", "v.last - n.next") } else { ("min", "n.next - v.last") };
    format!(
        "SELECT {index} AS place, \
                greatest(0, least(coalesce({distance} + 1, 0), 9223372036854775807)) AS behind \
         FROM (SELECT s.last_value::pg_catalog.numeric \
                      + CASE WHEN s.is_called THEN q.seqincrement ELSE 0 END AS next \
               FROM {} s, pg_catalog.pg_sequence q WHERE q.seqrelid = {}) n, \
              (SELECT pg_catalog.{farthest}({})::pg_catalog.numeric AS last FROM {}) v",
        one.sequence,
        place.0,
        quote_identifier(&one.column),
        one.table
    )
}

fn finding_of(one: &Numbered, values: u64) -> Finding {
    let object = format!("{}.{}", one.table, quote_identifier(&one.column).trim_matches('"'));
    let evidence = format!(
        "{} is {} values behind it: the next row gets one that is there",
        short(&one.sequence),
        grouped(values)
    );
    let mut found = finding("sequence-behind", 1, "", evidence);
    let function = if one.ascends { "max" } else { "min" };
    found.help = Some(format!(
        "`SELECT setval({}, (SELECT {function}({}) FROM {}))`",
        quote_literal(&one.sequence),
        quote_identifier(&one.column),
        short(&one.table)
    ));
    (found.object, found.rows) = (Some(short(&object).to_owned()), Some(values));
    found
}

fn not_counted(one: &Numbered) -> Finding {
    let evidence = "not all rows are visible: it is unknown whether its sequence is behind";
    let mut found = finding("not-counted", 1, "", evidence.to_owned());
    let object = format!("{}.{}", one.table, one.column);
    found.object = Some(short(&object).to_owned());
    found
}
