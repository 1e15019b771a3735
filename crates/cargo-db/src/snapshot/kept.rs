//! The snapshots of a database, as they are kept on its server.

use crate::backup::{
    KeptDatabase, SiblingDatabase, clock_behind, drop_previous, sibling_name, stem,
};
use crate::failure::{Result, RunError, SnapshotError};
use crate::model::snapshot::SnapshotRecord;
use crate::model::target::Target;
use crate::plan::Step;
use crate::world::World;
use crate::world::pg::{Purpose, Row, Session};
use pg_sql::quote::{quote_identifier, quote_literal};

/// The beginning of the comment of a snapshot's database. The record follows, as JSON.
const MARK: &str = "cargo-db: snapshot ";

/// What the databases of snapshots are called after the name of theirs. No name is longer than that
/// of a restored database: there is no room for more.
const SUFFIX: &str = "snap";

/// A snapshot, and the database that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptSnapshot {
    pub(crate) record: SnapshotRecord,
    pub(crate) kept: KeptDatabase,
}

impl KeptSnapshot {
    /// The snapshot in a row; `None` if its comment is no record, or is of another database.
    fn of(row: &Row, database: &str) -> Result<Option<KeptSnapshot>> {
        let json = row.text("comment")?.strip_prefix(MARK).unwrap_or_default();
        let record: Option<SnapshotRecord> = serde_json::from_str(json).ok();
        let kept = KeptDatabase::of(row)?;
        let record = record.filter(|record| record.database == database);
        Ok(record.map(|record| KeptSnapshot { record, kept }))
    }

    /// The step that drops it.
    pub(crate) fn dropping(&self, is_expired: bool) -> Step {
        Step::DropSnapshot { name: self.record.name.clone(), is_expired }
    }

    /// What a plan about it covers.
    pub(crate) fn basis(&self) -> String {
        format!("{} {}", self.record.name, self.kept.basis())
    }
}

/// The snapshots of a database, the newest first.
pub(crate) fn snapshots(world: &World, target: &Target) -> Result<Vec<KeptSnapshot>> {
    let mut session = Session::open(world, &target.maintenance(), Purpose::Read)?;
    let sql = format!(
        include_str!("sql/snapshots.sql"),
        database = quote_literal(&target.database),
        prefix = quote_literal(&format!("{}__{SUFFIX}_", stem(&target.database))),
        mark = quote_literal(MARK)
    );
    let mut found = Vec::new();
    for row in session.rows("find the snapshots", &sql)? {
        found.extend(KeptSnapshot::of(&row, &target.database)?);
    }
    found.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.record.created));
    Ok(found)
}

/// The snapshot of this name, or the newest one.
pub(crate) fn find(world: &World, target: &Target, name: Option<&str>) -> Result<KeptSnapshot> {
    let all = snapshots(world, target)?;
    let database = target.database.clone();
    let Some(name) = name else {
        return all.into_iter().next().ok_or_else(|| SnapshotError::None { database }.into());
    };
    if all.is_empty() {
        return Err(SnapshotError::None { database }.into());
    }
    let known = all.iter().map(|snapshot| snapshot.record.name.clone()).collect();
    let found = all.into_iter().find(|snapshot| snapshot.record.name == name);
    let name = name.to_owned();
    found.ok_or_else(|| SnapshotError::NotFound { name, database, known }.into())
}

/// Those of them that have expired.
pub(crate) fn expired(
    world: &World,
    target: &Target,
    mut all: Vec<KeptSnapshot>,
) -> Vec<KeptSnapshot> {
    if !all.is_empty() {
        let now = clock_behind(world, target);
        all.retain(|snapshot| snapshot.record.is_expired(now));
    }
    all
}

/// Keeps a copy of the target as a snapshot. It gets its name and its record in one transaction, so
/// that no incomplete copy is ever found.
pub(crate) fn keep(
    mut built: SiblingDatabase,
    target: &Target,
    record: &SnapshotRecord,
) -> Result<()> {
    let name = sibling_name(&target.database, SUFFIX);
    let quoted = quote_identifier(&name);
    let close = format!("ALTER DATABASE {quoted} ALLOW_CONNECTIONS false");
    built.keep_as(&name, &[comment(&name, record)?, close])
}

/// Drops snapshots, and returns their names.
pub(crate) fn drop_all(
    world: &World,
    target: &Target,
    snapshots: &[KeptSnapshot],
) -> Result<Vec<String>> {
    let dropping = |KeptSnapshot { record, kept }: &KeptSnapshot| {
        drop_previous(world, target, kept).map(|()| record.name.clone())
    };
    snapshots.iter().map(dropping).collect()
}

/// Records that the snapshots of a database that was replaced belong to the one in its place.
pub(crate) fn follow(world: &World, target: &Target, replaced: u32) -> Result<()> {
    let all = snapshots(world, target)?;
    let mut session = Session::open(world, &target.maintenance(), Purpose::Write)?;
    let oid =
        format!("SELECT oid FROM pg_database WHERE datname = {}", quote_literal(&target.database));
    let oid = session.number("read the new database", &oid)?;
    let mut comments = Vec::new();
    for KeptSnapshot { record, kept } in all.iter().filter(|one| one.record.oid == replaced) {
        comments.push(comment(kept.name(), &SnapshotRecord { oid, ..record.clone() })?);
    }
    session.run("record which database the snapshots are of", &comments.join("; "))
}

/// The statement that writes a record on a database. It is in ASCII, which has the same bytes in
/// every encoding: the comments of all databases are in one catalog.
fn comment(name: &str, record: &SnapshotRecord) -> Result<String> {
    let json = serde_json::to_string(record)
        .map_err(|error| RunError::Bug { what: format!("a snapshot is no JSON: {error}") })?;
    let text = quote_literal(&format!("{MARK}{}", in_ascii(&json)));
    Ok(format!("COMMENT ON DATABASE {} IS {text}", quote_identifier(name)))
}

/// JSON in which every other character is escaped.
fn in_ascii(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        match character.is_ascii() {
            true => text.push(character),
            false => {
                let units = character.encode_utf16(&mut [0; 2]).to_vec();
                units.iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_in_ascii() {
        for text in ["a \"b\" \\ \n", "größe 雪 🦀"] {
            let json = in_ascii(&serde_json::to_string(text).unwrap());
            assert!(json.is_ascii());
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
