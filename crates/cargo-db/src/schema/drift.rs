//! Drift: differences between the schema of a database and the one that the migrations left.
//!
//! Each change that cargo db makes leaves a fingerprint, which advances only by what its own
//! statements changed.

use std::collections::BTreeSet;
use std::path::Path;

use pg_logical::facts::catalog_digest;

use crate::failure::Result;
use crate::migration::{connect_or_none, read_history};
use crate::model::history::History;
use crate::model::target::Target;
use crate::schema::fingerprint::{
    FactHashes, FingerprintFile, FingerprintHead, advanced, on_lines,
};
use crate::schema::reader::SchemaReader;
use crate::settings::Settings;
use crate::world::World;
use crate::world::pg::{Purpose, Session, catalog_failure, oid};
use db_tools::ProjectTool;

/// Differences between the schema and the one that the migrations left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drift {
    /// There are none, or none since a version.
    Absent { since: Option<String> },
    /// There are some.
    Found { since: Option<String>, objects: Vec<DriftedObject> },
    /// Nothing is known since a version: another program has changed the history. `None` if cargo
    /// db left no fingerprint here.
    Unknown { since: Option<String> },
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DriftedObject {
    /// `column public.users.age`.
    pub(crate) object: String,
    /// `added`, `missing` or `changed`.
    pub(crate) how: &'static str,
}

/// A first look at a database, over a connection of its own.
pub(crate) struct Glance(Option<Seen>);

struct Seen {
    session: Session,
    file: FingerprintFile,
    head: FingerprintHead,
    catalogs: String,
}

impl Glance {
    /// Reads the digest of the catalogs, if there is a fingerprint to compare it with.
    pub(crate) fn take(world: &World, root: &Path, target: &Target) -> Result<Glance> {
        if !FingerprintFile::folder(root).is_dir() {
            return Ok(Glance(None));
        }
        let mut session = Session::open(world, target, Purpose::Read)?;
        let file = FingerprintFile::of(root, &oid::identity(&mut session)?);
        let Some(head) = file.head() else { return Ok(Glance(None)) };
        let catalogs = digest(&mut session)?;
        Ok(Glance(Some(Seen { session, file, head, catalogs })))
    }

    /// The drift, when the history is known too; `None` if nothing is applied.
    pub(crate) fn drift(self, layout: &ProjectTool, history: &History) -> Result<Option<Drift>> {
        if history.applied.is_empty() {
            return Ok(None);
        }
        let Some(Seen { mut session, file, head, catalogs }) = self.0 else {
            return Ok(Some(Drift::Unknown { since: None }));
        };
        if !head.is_of(history) || head.major != session.reported_major() {
            return Ok(Some(Drift::Unknown { since: head.last(history) }));
        }
        let since = head.since;
        if head.catalogs == Some(catalogs) {
            return Ok(Some(Drift::Absent { since }));
        }
        let expected = file.hashes().unwrap_or_default();
        let objects = differences(&expected, &hashes(&mut session, layout)?);
        Ok(Some(match objects.is_empty() {
            true => Drift::Absent { since },
            false => Drift::Found { since, objects },
        }))
    }
}

/// The schema before a change, to be compared with the one after it.
pub(crate) struct SchemaBefore {
    /// `None` if there is no fingerprint of this history.
    known: Option<KnownSchema>,
    /// The version that was applied last.
    last: Option<String>,
}

struct KnownSchema {
    head: FingerprintHead,
    expected: FactHashes,
    found: FactHashes,
}

impl SchemaBefore {
    /// Before a change that leaves nothing as it was.
    pub(crate) fn irrelevant() -> SchemaBefore {
        SchemaBefore { known: None, last: None }
    }

    /// Reads it.
    pub(crate) fn read(
        world: &World,
        settings: &Settings,
        target: &Target,
    ) -> Result<SchemaBefore> {
        let layout = &settings.migrations.layout;
        let Some(mut session) = connect_or_none(world, settings, target)? else {
            return Ok(SchemaBefore::irrelevant());
        };
        let history = read_history(&mut session, layout)?;
        let last = history.applied.last().map(|one| one.version.to_string());
        let file = FingerprintFile::of(&settings.root, &oid::identity(&mut session)?);
        let head = file.head().filter(|head| head.is_of(&history));
        let Some((head, expected)) = head.zip(file.hashes()) else {
            return Ok(SchemaBefore { known: None, last });
        };
        let catalogs = digest(&mut session)?;
        let found = match head.catalogs == Some(catalogs) {
            true => expected.clone(),
            false => hashes(&mut session, layout)?,
        };
        Ok(SchemaBefore { known: Some(KnownSchema { head, expected, found }), last })
    }

    /// Writes the fingerprint after the change.
    pub(crate) fn advance(self, world: &World, settings: &Settings, target: &Target) -> Result<()> {
        let layout = &settings.migrations.layout;
        let Some(mut session) = connect_or_none(world, settings, target)? else { return Ok(()) };
        let file = FingerprintFile::of(&settings.root, &oid::identity(&mut session)?);
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        session.run("read the schema", begin)?;
        let history = read_history(&mut session, layout)?;
        let major = session.reported_major();
        let catalogs = digest(&mut session)?;
        let now = hashes(&mut session, layout)?;
        let (mut head, expected) = match self.known.filter(|known| known.head.major == major) {
            Some(KnownSchema { head, expected, found }) => (head, advanced(expected, &found, &now)),
            None => (FingerprintHead::new(major, self.last), now.clone()),
        };
        head.advance(&history);
        if head.is_of_none() {
            return file.remove();
        }
        head.catalogs = (expected == now).then_some(catalogs);
        file.write(&head, &expected)
    }
}

fn digest(session: &mut Session) -> Result<String> {
    let major = session.reported_major();
    catalog_digest(session, major).map_err(catalog_failure)
}

fn hashes(session: &mut Session, layout: &ProjectTool) -> Result<FactHashes> {
    Ok(on_lines(SchemaReader::new(layout).read_once(session)?.hashes()))
}

/// The objects whose facts differ. What belongs to an object that was added or is missing is not
/// listed.
fn differences(expected: &FactHashes, found: &FactHashes) -> Vec<DriftedObject> {
    let facts: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let how = |fact: &&String| match (expected.get(*fact), found.get(*fact)) {
        (None, Some(_)) => Some("added"),
        (Some(_), None) => Some("missing"),
        (one, other) => (one != other).then_some("changed"),
    };
    let differing: Vec<(&String, &'static str)> =
        facts.iter().filter_map(|fact| Some((*fact, how(fact)?))).collect();
    let whole: BTreeSet<&str> = differing
        .iter()
        .filter(|(fact, how)| *how != "changed" && !is_about_another(fact))
        .map(|(fact, _)| fact.as_str())
        .collect();
    let listed: BTreeSet<&str> = differing.iter().map(|(fact, _)| fact.as_str()).collect();
    let own = differing
        .iter()
        .filter(|(fact, _)| !belongs_to_any(fact, &whole) && !is_of_column(fact, &listed));
    own.map(|(fact, how)| DriftedObject { object: described(fact), how }).collect()
}

/// The kinds of facts that are about another object: `owner table public.users`.
const ABOUT: [&str; 3] = ["owner ", "privileges ", "comment "];

fn is_about_another(fact: &str) -> bool {
    ABOUT.iter().any(|about| fact.starts_with(about))
}

/// Whether a fact is about a part of one of these objects.
fn belongs_to_any(fact: &str, whole: &BTreeSet<&str>) -> bool {
    let object = ABOUT.iter().find_map(|about| fact.strip_prefix(about));
    if object.is_some_and(|object| whole.contains(object)) {
        return true;
    }
    let object = object.unwrap_or(fact);
    // The names of tables, views and types are those that parts begin with.
    let name = object.rsplit(' ').next().unwrap_or(object);
    let of = |dot: usize| {
        let of = &name[..dot];
        ["table", "foreign table", "view", "materialized view", "type", "domain"]
            .iter()
            .any(|kind| whole.contains(format!("{kind} {of}").as_str()))
    };
    name.match_indices('.').any(|(dot, _)| of(dot))
}

/// Whether a fact is about the NOT NULL constraint of a column that is listed itself.
fn is_of_column(fact: &str, listed: &BTreeSet<&str>) -> bool {
    let column = fact.strip_prefix("not null constraint ");
    column.is_some_and(|column| listed.contains(format!("column {column}").as_str()))
}

/// `owner of table public.users` for the fact `owner table public.users`.
fn described(fact: &str) -> String {
    let about = ABOUT.iter().find_map(|about| Some((about.trim_end(), fact.strip_prefix(about)?)));
    match about {
        Some((about, object)) => format!("{about} of {object}"),
        None => fact.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(facts: &[(&str, u64)]) -> FactHashes {
        facts.iter().map(|(fact, hash)| ((*fact).to_owned(), *hash)).collect()
    }

    #[test]
    fn parts_of_a_new_table_are_not_listed() {
        let expected = hashes(&[("table public.a", 1), ("column public.a.b", 1)]);
        let found = hashes(&[
            ("table public.a", 1),
            ("column public.a.b", 2),
            ("not null constraint public.a.b", 1),
            ("column public.a.c", 1),
            ("comment column public.a.c", 1),
            ("owner table public.a", 1),
            ("table public.new", 1),
            ("column public.new.id", 1),
            ("owner table public.new", 1),
            ("index public.new_id", 1),
        ]);
        let listed = differences(&expected, &found);
        let listed: Vec<String> =
            listed.iter().map(|one| format!("{} {}", one.object, one.how)).collect();
        let wanted = [
            "column public.a.b changed",
            "column public.a.c added",
            "index public.new_id added",
            "owner of table public.a added",
            "table public.new added",
        ];
        assert_eq!(listed, wanted);
    }
}
