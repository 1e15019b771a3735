//! What a plan does away with, and how much of it at most.

use std::collections::BTreeMap;
use std::fmt;

use crate::plan::{Plan, Step};
use pg_sql::name::short;

/// The minimum that a bound exceeds the count by: a table in use keeps changing.
const LEAST: u64 = 10;
/// A bound exceeds the count by at least one part in this many.
const PART: u64 = 100;
/// The default schema, which names may leave out.
const PUBLIC: &str = "public.";

/// What a step does away with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// A table, or a column of one.
    pub(crate) object: String,
    /// The number of rows with a value; `None` if not counted.
    pub(crate) rows: Option<u64>,
    /// How many may, and no more.
    pub(crate) at_most: Option<u64>,
}

impl Loss {
    /// An object that loses this many rows.
    pub(crate) fn of(object: impl Into<String>, rows: Option<u64>) -> Loss {
        Loss { object: object.into(), rows, at_most: None }
    }

    /// The object as it is typed: without the schema that everybody expects.
    pub(crate) fn name(&self) -> &str {
        short(&self.object)
    }

    /// What a consent covers: the object and its bound, not the count.
    pub(super) fn fingerprint(&self) -> String {
        let bound = self.at_most.map_or_else(String::new, |bound| format!("<={bound}"));
        format!("{:?}{bound}", self.object)
    }

    /// Whether more would go than may.
    pub(crate) fn is_beyond(&self) -> bool {
        self.at_most.is_some_and(|bound| self.rows.is_none_or(|rows| rows > bound))
    }
}

/// How much of each object may go, by its name: `users=1212,sales.orders=10`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AtMost(BTreeMap<String, u64>);

impl AtMost {
    /// Parses the flag. A name with a comma, an equals sign, a space or a quote is written in
    /// double quotes. The default schema may be omitted.
    pub(crate) fn read(text: &str) -> Result<AtMost, String> {
        let mut bounds = AtMost::default();
        for entry in entries(text) {
            let entry = entry.trim();
            let bad = || format!("`{entry}` is not OBJECT=ROWS");
            let (name, rows) = entry.rsplit_once('=').ok_or_else(bad)?;
            let name = match name.strip_prefix('"') {
                Some(quoted) => quoted.strip_suffix('"').ok_or_else(bad)?.replace("\"\"", "\""),
                None => name.to_owned(),
            };
            let name = short(&name).to_owned();
            if name.is_empty() {
                return Err(bad());
            }
            bounds.0.insert(name, rows.parse().map_err(|_| bad())?);
        }
        Ok(bounds)
    }

    /// Combines both; for an object in both, the other bound applies.
    pub(crate) fn and(mut self, other: &AtMost) -> AtMost {
        self.0.extend(other.0.iter().map(|(name, rows)| (name.clone(), *rows)));
        self
    }

    /// Whether nothing is bounded.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The objects that the plan does not lose.
    pub(crate) fn not_lost_by(&self, plan: &Plan) -> Vec<String> {
        let is_lost = |name: &String| plan.losses().any(|loss| loss.name() == name);
        self.0.keys().filter(|name| !is_lost(name)).cloned().collect()
    }

    /// What follows `--plan ID` on the command line.
    pub(crate) fn flag(&self) -> String {
        if self.is_empty() {
            return String::new();
        }
        format!(" --lose-at-most {}", shell_word(&self.to_string()))
    }
}

impl fmt::Display for AtMost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, rows)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            // Reading removes the first `public.`, so a name that still has one needs two.
            let schema = if name.starts_with(PUBLIC) { PUBLIC } else { "" };
            let is_plain = !name.contains([',', '=', '"']) && !name.contains(char::is_whitespace);
            if is_plain {
                write!(f, "{comma}{schema}{name}={rows}")?;
            } else {
                write!(f, "{comma}\"{schema}{}\"={rows}", name.replace('"', "\"\""))?;
            }
        }
        Ok(())
    }
}

/// A value as it is typed after a flag, with quotes only if a shell needs them.
pub(crate) fn shell_word(value: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.,=-".contains(&byte);
    match !value.is_empty() && value.bytes().all(is_plain) {
        true => value.to_owned(),
        false => shell_words::quote(value).into_owned(),
    }
}

/// The entries of a list with commas between; those in double quotes part nothing.
fn entries(text: &str) -> Vec<String> {
    let (mut entries, mut quoted) = (vec![String::new()], false);
    for character in text.chars() {
        quoted ^= character == '"';
        match (character, entries.last_mut()) {
            (',', _) if !quoted => entries.push(String::new()),
            (_, Some(last)) => last.push(character),
            (_, None) => {}
        }
    }
    entries.retain(|entry| !entry.trim().is_empty());
    entries
}

impl Step {
    fn losses(&self) -> &[Loss] {
        match self {
            Step::Apply { losses, .. } | Step::Revert { losses, .. } => losses,
            Step::Clear { tables } => tables,
            Step::Replace { loses, .. } | Step::Swap { loses, .. } => loses,
            _ => &[],
        }
    }

    fn losses_mut(&mut self) -> &mut [Loss] {
        match self {
            Step::Apply { losses, .. } | Step::Revert { losses, .. } => losses,
            Step::Clear { tables } => tables,
            Step::Replace { loses, .. } | Step::Swap { loses, .. } => loses,
            _ => &mut [],
        }
    }
}

impl Plan {
    /// All that it does away with.
    pub(crate) fn losses(&self) -> impl Iterator<Item = &Loss> {
        self.steps.iter().flat_map(Step::losses)
    }

    /// Replaces its bounds by those that were passed.
    pub(crate) fn bound(&mut self, said: &AtMost) {
        for loss in self.steps.iter_mut().flat_map(Step::losses_mut) {
            loss.at_most = said.0.get(loss.name()).copied();
        }
    }

    /// Bounds derived from the counts, slightly higher.
    pub(crate) fn bounds_by_count(&self) -> AtMost {
        let mut bounds = BTreeMap::new();
        for loss in self.losses() {
            let Some(rows) = loss.rows else { continue };
            let bound = rows.saturating_add(rows.div_ceil(PART).max(LEAST));
            let known: &mut u64 = bounds.entry(loss.name().to_owned()).or_default();
            *known = bound.max(*known);
        }
        AtMost(bounds)
    }

    /// The bounds that it has.
    pub(crate) fn at_most(&self) -> AtMost {
        let bound = |loss: &Loss| Some((loss.name().to_owned(), loss.at_most?));
        AtMost(self.losses().filter_map(bound).collect())
    }

    /// The objects that were counted and have no bound.
    pub(crate) fn unbounded(&self) -> Vec<String> {
        let open = self.losses().filter(|loss| loss.rows.is_some() && loss.at_most.is_none());
        open.map(|loss| loss.name().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::environment::Environment;
    use crate::model::target::{from_keywords, parse_url};
    use crate::plan::Operation;

    fn plan(losses: &[(&str, Option<u64>)]) -> Plan {
        let url = parse_url("postgres://me@localhost/school", "x").unwrap();
        let target = from_keywords(&url, "x", "me").unwrap();
        let tables = losses.iter().map(|(object, rows)| Loss::of(*object, *rows)).collect();
        let (verb, environment) = (Operation::SeedFresh, Environment::Staging);
        Plan::from_basis(verb, &target, environment, vec![Step::Clear { tables }], String::new())
    }

    #[test]
    fn a_bound_is_a_little_more_than_was_counted() {
        let plan = plan(&[
            ("public.users", Some(1200)),
            ("public.empty", Some(0)),
            ("odd", Some(1001)),
            ("s.big", Some(123_456)),
            ("what line 3 reaches", None),
        ]);
        let shown = plan.bounds_by_count().to_string();
        assert_eq!(shown, "empty=10,odd=1012,s.big=124691,users=1212");
    }

    #[test]
    fn what_is_printed_can_be_typed() {
        for name in ["users", "s.t", "public.t", "a b", "x,y=z", "\"q\"", "\u{fc}ber.\u{e4}"] {
            let bounds = AtMost(BTreeMap::from([(name.to_owned(), 7), ("z".to_owned(), 1)]));
            assert_eq!(AtMost::read(&bounds.to_string()), Ok(bounds), "{name}");
        }
        assert_eq!(AtMost::read(""), Ok(AtMost::default()));
        for bad in ["users", "users=", "users=-1", "=3", "users=many", "\"a=3"] {
            assert!(AtMost::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spaces_and_the_schema_that_everybody_expects_may_be_typed() {
        let read = |text| AtMost::read(text).unwrap().to_string();
        assert_eq!(read("public.users=3, s.t=4 ,"), "s.t=4,users=3");
        assert_eq!(read("\"public.a b\"=3"), "\"a b\"=3");
        let mut plan = plan(&[("public.users", Some(5)), ("users.name", Some(5))]);
        plan.bound(&AtMost::read("public.users=3, public.users.name=2").unwrap());
        assert_eq!(plan.at_most().to_string(), "users=3,users.name=2");
    }

    #[test]
    fn the_id_covers_the_bounds_and_not_the_counts() {
        let id = |rows, bound: &str| {
            let mut plan = plan(&[("public.users", Some(rows))]);
            plan.bound(&AtMost::read(bound).unwrap());
            plan.id()
        };
        assert_eq!(id(5, "users=15"), id(9, "users=15"));
        assert_ne!(id(5, "users=15"), id(5, "users=16"));
        assert_ne!(id(5, "users=15"), id(5, ""));
    }

    #[test]
    fn an_uncounted_loss_exceeds_every_bound() {
        let beyond = |rows, at_most| Loss { object: "t".into(), rows, at_most }.is_beyond();
        assert!(!beyond(Some(10), Some(10)) && beyond(Some(11), Some(10)));
        assert!(beyond(None, Some(10)) && !beyond(None, None) && !beyond(Some(5), None));
    }
}
