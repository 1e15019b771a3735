//! Drift: differences between the schema of a database and the one that the migrations left.
//!
//! Each change that cargo db makes leaves a fingerprint, which advances only by what its own
//! statements changed.

use std::collections::BTreeSet;
use std::path::Path;

use pg_logical::facts::catalog_digest;

use crate::failure::Result;
use crate::migration::{connect_or_none, read_history};
use crate::model::environment::Environment;
use crate::model::history::History;
use crate::model::target::Target;
use crate::schema::fingerprint::{
    FactHash, FactHashes, Fingerprint, FingerprintFile, FingerprintHead, FingerprintKey,
    FoundFingerprint, adopted, advanced, last_of,
};
use crate::schema::kept;
use crate::schema::place::{FingerprintKeeper, FingerprintPlace, facts_of};
use crate::schema::reader::SchemaReader;
use crate::settings::{Migrations, Settings};
use crate::world::World;
use crate::world::pg::{Purpose, Session, catalog_failure};

/// Differences between the schema and the one that the migrations left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Drift {
    /// There are none, or none since a version.
    Absent { since: Option<String> },
    /// There are some.
    Found { since: Option<String>, objects: Vec<DriftedObject> },
    /// Nothing is known.
    Unknown(UnknownDrift),
}

/// Why nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnknownDrift {
    /// There is no fingerprint of this database.
    NoFingerprint(FingerprintKeeper),
    /// The fingerprint cannot be read.
    Unreadable(FingerprintKeeper),
    /// The role may not read the fingerprint.
    Hidden,
    /// The history or the server is another than when the fingerprint was written, after the
    /// version `since`.
    Outdated { since: Option<String> },
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
pub(crate) struct Glance {
    keeper: FingerprintKeeper,
    seen: std::result::Result<Seen, UnknownDrift>,
}

struct Seen {
    session: Session,
    fingerprint: Fingerprint,
    catalogs: String,
}

impl Glance {
    /// Reads the digest of the catalogs, if there is a fingerprint to compare it with.
    pub(crate) fn take(
        world: &World,
        root: &Path,
        target: &Target,
        environment: Environment,
    ) -> Result<Glance> {
        let keeper = FingerprintKeeper::of(environment);
        let seen = Seen::take(world, root, target, keeper)?;
        Ok(Glance { keeper, seen })
    }

    /// Whether it is of a database of this environment, which may become known only later.
    pub(crate) fn is_for(&self, environment: Environment) -> bool {
        self.keeper == FingerprintKeeper::of(environment)
    }

    /// The drift, when the history is known too; `None` if nothing is applied.
    pub(crate) fn drift(self, migrations: &Migrations, history: &History) -> Result<Option<Drift>> {
        if history.applied.is_empty() {
            return Ok(None);
        }
        Ok(Some(match self.seen {
            Ok(seen) => seen.drift(migrations, history, self.keeper)?,
            Err(why) => Drift::Unknown(why),
        }))
    }
}

impl Seen {
    fn take(
        world: &World,
        root: &Path,
        target: &Target,
        keeper: FingerprintKeeper,
    ) -> Result<std::result::Result<Seen, UnknownDrift>> {
        let is_file = keeper == FingerprintKeeper::Project;
        if is_file && !FingerprintFile::folder(root).is_dir() {
            return Ok(Err(UnknownDrift::NoFingerprint(keeper)));
        }
        let mut session = Session::open(world, target, Purpose::Read)?;
        let (found, kept) = match is_file {
            true => (FingerprintPlace::of(keeper, root, &mut session)?.read(&mut session)?, None),
            false => {
                let (found, catalogs) = kept::glance(&mut session)?;
                (found, Some(catalogs))
            }
        };
        let fingerprint = match found {
            FoundFingerprint::Absent => return Ok(Err(UnknownDrift::NoFingerprint(keeper))),
            FoundFingerprint::Unreadable => return Ok(Err(UnknownDrift::Unreadable(keeper))),
            FoundFingerprint::Hidden => return Ok(Err(UnknownDrift::Hidden)),
            FoundFingerprint::Found(fingerprint) => fingerprint,
        };
        let catalogs = match kept {
            Some(catalogs) => fingerprint.key.digest(&catalogs),
            None => digest(&mut session, &fingerprint.key)?,
        };
        Ok(Ok(Seen { session, fingerprint, catalogs }))
    }

    fn drift(
        self,
        migrations: &Migrations,
        history: &History,
        keeper: FingerprintKeeper,
    ) -> Result<Drift> {
        let Seen { mut session, mut fingerprint, catalogs } = self;
        let head = fingerprint.head.clone();
        let outdated = || Drift::Unknown(UnknownDrift::Outdated { since: head.last(history) });
        if !is_current(&head, &session, history) {
            return Ok(outdated());
        }
        let since = head.since(history);
        if head.catalogs.as_ref() == Some(&catalogs) {
            return Ok(Drift::Absent { since });
        }
        let Some(expected) = facts_of(&mut fingerprint, keeper, &mut session)? else {
            return Ok(Drift::Unknown(UnknownDrift::Unreadable(keeper)));
        };
        let found = hashes(&mut session, migrations, &fingerprint.key)?;
        let mut objects = differences(&expected, &found);
        if !fingerprint.is_same_role {
            objects.retain(|one| !is_seen_by_role(one));
        }
        if objects.is_empty() {
            return Ok(Drift::Absent { since });
        }
        // What differs may come from migrations of another set.
        let mut others = other_histories(&mut session, migrations, history).into_iter();
        if others.any(|other| !head.is_of(&other)) {
            return Ok(outdated());
        }
        Ok(Drift::Found { since, objects })
    }
}

/// Whether a role sees more or less of an object than another role.
fn is_seen_by_role(one: &DriftedObject) -> bool {
    ["user mapping ", "subscription "].iter().any(|kind| one.object.contains(kind))
}

/// The schema before a change, to be compared with the one after it.
pub(crate) enum SchemaBefore {
    /// The database is built anew from the migrations.
    Rebuilt,
    /// A backup takes its place.
    Restored,
    /// A database takes its place that may have a fingerprint of its own.
    PutBack,
    /// There is a fingerprint of this history.
    Known(KnownSchema),
    /// There is none; the version that was applied last.
    Unknown { last: Option<String> },
}

/// What the schema should have been before a change, and what it was.
pub(crate) struct KnownSchema {
    fingerprint: Fingerprint,
    expected: FactHashes,
    found: FactHashes,
}

impl SchemaBefore {
    /// Takes everything that was found for what the migrations left.
    pub(crate) fn accepted(mut self) -> SchemaBefore {
        if let SchemaBefore::Known(known) = &mut self {
            known.expected = known.found.clone();
        }
        self
    }

    /// The same, without what a generated migration does not contain.
    pub(crate) fn adopted(mut self) -> SchemaBefore {
        if let SchemaBefore::Known(known) = &mut self {
            known.expected = adopted(&known.expected, &known.found);
        }
        self
    }

    /// Reads it.
    pub(crate) fn read(
        world: &World,
        settings: &Settings,
        target: &Target,
    ) -> Result<SchemaBefore> {
        let (root, migrations) = (&settings.root, &settings.migrations);
        let Some(mut session) = connect_or_none(world, settings, target)? else {
            return Ok(SchemaBefore::Unknown { last: None });
        };
        let history = read_history(&mut session, &migrations.layout)?;
        let unknown = SchemaBefore::Unknown { last: last_of(&history) };
        let keeper = FingerprintKeeper::of(settings.environment.environment);
        let place = FingerprintPlace::of(keeper, root, &mut session)?;
        let FoundFingerprint::Found(mut fingerprint) = place.read(&mut session)? else {
            return Ok(unknown);
        };
        // Another role may see less, which is not what the migrations left.
        if !is_current(&fingerprint.head, &session, &history) || !fingerprint.is_same_role {
            return Ok(unknown);
        }
        let Some(expected) = facts_of(&mut fingerprint, keeper, &mut session)? else {
            return Ok(unknown);
        };
        let catalogs = digest(&mut session, &fingerprint.key)?;
        let found = match fingerprint.head.catalogs == Some(catalogs) {
            true => expected.clone(),
            false => hashes(&mut session, migrations, &fingerprint.key)?,
        };
        Ok(SchemaBefore::Known(KnownSchema { fingerprint, expected, found }))
    }

    /// Whether the fingerprint is also written after a change that failed. Otherwise, a schema of
    /// which nothing was known would count as expected.
    pub(crate) fn outlasts_failure(&self) -> bool {
        matches!(self, SchemaBefore::Known(_) | SchemaBefore::Unknown { last: None })
    }

    /// Writes the fingerprint after the change.
    pub(crate) fn advance(self, world: &World, settings: &Settings, target: &Target) -> Result<()> {
        let Some(mut session) = connect_or_none(world, settings, target)? else { return Ok(()) };
        // Outside of a transaction, which an answer that is refused would end.
        let keeper = FingerprintKeeper::of(settings.environment.environment);
        let place = FingerprintPlace::of(keeper, &settings.root, &mut session)?;
        place.prepare(world, target)?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        session.run("read the schema", begin)?;
        let history = read_history(&mut session, &settings.migrations.layout)?;
        let to = (world, target);
        let mut changed = Changed { to, place, session, migrations: &settings.migrations, history };
        let since = match self {
            SchemaBefore::Known(known) => return changed.write_next(known),
            SchemaBefore::PutBack if changed.has_current()? => return Ok(()),
            SchemaBefore::Rebuilt => None,
            SchemaBefore::Unknown { last } => last,
            SchemaBefore::Restored | SchemaBefore::PutBack => last_of(&changed.history),
        };
        let key = changed.place.new_key()?;
        changed.write_first(since, &key)
    }
}

/// A database after a change, in a transaction that sees one state of it.
struct Changed<'a> {
    to: (&'a World, &'a Target),
    place: FingerprintPlace,
    session: Session,
    migrations: &'a Migrations,
    history: History,
}

impl Changed<'_> {
    /// Whether there is the fingerprint of this state already.
    fn has_current(&mut self) -> Result<bool> {
        Ok(match self.place.read(&mut self.session)? {
            FoundFingerprint::Found(kept) => is_current(&kept.head, &self.session, &self.history),
            _ => false,
        })
    }

    /// Writes the first fingerprint, for which the schema as it is counts as expected.
    fn write_first(&mut self, since: Option<String>, key: &FingerprintKey) -> Result<()> {
        let mut head = FingerprintHead::new(self.session.reported_major());
        head.catalogs = Some(digest(&mut self.session, key)?);
        let now = hashes(&mut self.session, self.migrations, key)?;
        for other in other_histories(&mut self.session, self.migrations, &self.history) {
            head.begin(&other, last_of(&other));
        }
        head.begin(&self.history, since);
        self.place.write(self.to, &head, &now, key)
    }

    /// Writes the fingerprint that follows the one before the change.
    fn write_next(&mut self, known: KnownSchema) -> Result<()> {
        let KnownSchema { fingerprint: Fingerprint { mut head, key, .. }, expected, found } = known;
        let catalogs = digest(&mut self.session, &key)?;
        let now = hashes(&mut self.session, self.migrations, &key)?;
        let expected = advanced(expected, &found, &now);
        head.advance(&self.history);
        head.catalogs = (expected == now).then_some(catalogs);
        self.place.write(self.to, &head, &expected, &key)
    }
}

/// Whether a fingerprint belongs to this history, on this server.
fn is_current(head: &FingerprintHead, session: &Session, history: &History) -> bool {
    head.is_of(history) && head.major == session.reported_major()
}

fn digest(session: &mut Session, key: &FingerprintKey) -> Result<String> {
    let major = session.reported_major();
    Ok(key.digest(&catalog_digest(session, major).map_err(catalog_failure)?))
}

fn hashes(
    session: &mut Session,
    migrations: &Migrations,
    key: &FingerprintKey,
) -> Result<FactHashes> {
    let reader = SchemaReader::without_tables_of(&migrations.layouts_here());
    Ok(key.hashes(&reader.read_once(session)?))
}

/// The histories of the other sets of migrations in this database. One that cannot be read is
/// left out; in a transaction, so are those after it.
fn other_histories(session: &mut Session, migrations: &Migrations, own: &History) -> Vec<History> {
    let layouts = migrations.layouts_here().into_iter().skip(1);
    let known = layouts.filter(|layout| !layout.is_asked());
    let read = known.filter_map(|layout| read_history(session, layout).ok());
    read.filter(|other| other.table.is_some() && other.table != own.table).collect()
}

/// The history tables of the other sets of migrations in this database.
pub(crate) fn histories_of_other_sets(
    session: &mut Session,
    migrations: &Migrations,
) -> Result<Vec<String>> {
    let own = read_history(session, &migrations.layout)?;
    let others = other_histories(session, migrations, &own).into_iter();
    Ok(others.filter_map(|other| other.table).collect())
}

/// The objects whose facts differ. What belongs to an object that was added or is missing is not
/// listed.
fn differences(expected: &FactHashes, found: &FactHashes) -> Vec<DriftedObject> {
    let titles: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let differing = titles
        .iter()
        .filter_map(|title| Differing::of(title, expected.get(*title), found.get(*title)));
    let differing: Vec<Differing<'_>> = differing.collect();
    let listed: BTreeSet<&str> = differing.iter().map(|one| one.title).collect();
    let whole = differing.iter().filter(|one| one.how != "changed");
    let whole: BTreeSet<&str> = whole.map(|one| one.title).collect();
    let own = differing.iter().filter(|one| !one.is_of_any(&whole) && !one.is_of_column(&listed));
    own.map(|one| DriftedObject { object: described(one.title), how: one.how }).collect()
}

/// A fact that differs.
struct Differing<'a> {
    /// Its kind and name.
    title: &'a str,
    /// Those of the object that it belongs to.
    object: &'a str,
    how: &'static str,
}

/// The kinds of facts that are about another object: `owner table public.users`.
const ABOUT: [&str; 3] = ["owner ", "privileges ", "comment "];

impl<'a> Differing<'a> {
    fn of(
        title: &'a str,
        expected: Option<&'a FactHash>,
        found: Option<&'a FactHash>,
    ) -> Option<Differing<'a>> {
        let (fact, how) = match (expected, found) {
            (None, Some(found)) => (found, "added"),
            (Some(expected), None) => (expected, "missing"),
            (Some(expected), Some(found)) if expected.hash != found.hash => (found, "changed"),
            _ => return None,
        };
        Some(Differing { title, object: &fact.object, how })
    }

    /// Whether it belongs to one of these objects, or is about one of these parts.
    fn is_of_any(&self, whole: &BTreeSet<&str>) -> bool {
        let about = ABOUT.iter().find_map(|about| self.title.strip_prefix(about));
        self.object != self.title && whole.contains(self.object)
            || about.is_some_and(|part| whole.contains(part))
    }

    /// Whether it is about the NOT NULL constraint of a column that is listed itself.
    fn is_of_column(&self, listed: &BTreeSet<&str>) -> bool {
        let column = self.title.strip_prefix("not null constraint ");
        column.is_some_and(|column| listed.contains(format!("column {column}").as_str()))
    }
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

    /// Facts with the objects that they belong to.
    fn hashes(facts: &[(&str, &str, u64)]) -> FactHashes {
        let hash = |(object, title, hash): &(&str, &str, u64)| {
            ((*title).to_owned(), FactHash { object: (*object).to_owned(), hash: *hash })
        };
        facts.iter().map(hash).collect()
    }

    fn listed(expected: &FactHashes, found: &FactHashes) -> Vec<String> {
        let listed = differences(expected, found).into_iter();
        listed.map(|one| format!("{} {}", one.object, one.how)).collect()
    }

    #[test]
    fn parts_of_a_new_table_are_not_listed() {
        let a = "table public.a";
        let expected = [(a, a, 1), (a, "column public.a.b", 1)];
        let new = "table public.\"the new.one\"";
        let found = [
            (a, a, 1),
            (a, "column public.a.b", 2),
            (a, "not null constraint public.a.b", 1),
            (a, "column public.a.c", 1),
            (a, "comment column public.a.c", 1),
            (a, "owner table public.a", 1),
            (new, new, 1),
            (new, "column public.\"the new.one\".\"an id\"", 1),
            (new, "comment column public.\"the new.one\".\"an id\"", 1),
            (new, "owner table public.\"the new.one\"", 1),
            (new, "index public.\"new id\"", 1),
            (new, "comment index public.\"new id\"", 1),
            (new, "trigger public.\"the new.one\".\"t t\"", 1),
        ];
        let (expected, found) = (hashes(&expected), hashes(&found));
        let of_a = ["column public.a.b", "column public.a.c", "owner of table public.a"];
        let added = format!("{new} added");
        let wanted = [
            &format!("{} changed", of_a[0]),
            &format!("{} added", of_a[1]),
            &format!("{} added", of_a[2]),
            &added,
        ];
        assert_eq!(listed(&expected, &found).iter().collect::<Vec<_>>(), wanted);
        let wanted = [
            &format!("{} changed", of_a[0]),
            &format!("{} missing", of_a[1]),
            &format!("{} missing", of_a[2]),
            &format!("{new} missing"),
        ];
        assert_eq!(listed(&found, &expected).iter().collect::<Vec<_>>(), wanted);
    }
}
