//! The fingerprint of a database: a hash of each fact about its schema, as the migrations left it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::model::history::History;
use crate::world::files;

/// The version of the format.
const FORMAT: u32 = 1;

/// A hash of each fact, by its kind and name.
pub(super) type FactHashes = BTreeMap<String, u64>;

/// The first line of the file. The others are the hashes, one a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FingerprintHead {
    format: u32,
    /// The major version of the server: another one may describe the same schema differently.
    pub(super) major: u32,
    /// The state of each history table of the database.
    histories: BTreeMap<String, HistoryState>,
    /// The version after which the first facts were read. `None` if nothing was applied before.
    pub(super) since: Option<String>,
    /// The digest of the catalogs; `None` if the schema already differed.
    pub(super) catalogs: Option<String>,
}

/// Which migrations are applied, according to a history table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryState {
    digest: String,
    last: Option<String>,
}

impl HistoryState {
    fn of(history: &History) -> HistoryState {
        let applied = history.applied.iter();
        let lines: String =
            applied.map(|one| format!("{} {}\n", one.version, one.success)).collect();
        let last = history.applied.last().map(|one| one.version.to_string());
        HistoryState { digest: files::sha256(lines.as_bytes()).to_string(), last }
    }
}

fn table_of(history: &History) -> String {
    history.table.clone().unwrap_or_default()
}

impl FingerprintHead {
    pub(super) fn new(major: u32, since: Option<String>) -> FingerprintHead {
        FingerprintHead { format: FORMAT, major, histories: BTreeMap::new(), since, catalogs: None }
    }

    /// Whether it belongs to the history as it is now.
    pub(super) fn is_of(&self, history: &History) -> bool {
        match self.histories.get(&table_of(history)) {
            Some(state) => *state == HistoryState::of(history),
            // Another set of migrations has left the fingerprint.
            None => history.applied.is_empty(),
        }
    }

    /// Whether it belongs to no history.
    pub(super) fn is_of_none(&self) -> bool {
        self.histories.is_empty()
    }

    /// The version up to which the schema is known.
    pub(super) fn last(&self, history: &History) -> Option<String> {
        self.histories.get(&table_of(history))?.last.clone()
    }

    pub(super) fn advance(&mut self, history: &History) {
        let table = table_of(history);
        if history.applied.is_empty() {
            self.histories.remove(&table);
        } else {
            self.histories.insert(table, HistoryState::of(history));
        }
    }
}

/// The file of the fingerprint of one database.
pub(super) struct FingerprintFile(PathBuf);

impl FingerprintFile {
    /// The folder of a project's fingerprints.
    pub(super) fn folder(root: &Path) -> PathBuf {
        root.join(".db/drift")
    }

    /// `identity` is that of the cluster and the database.
    pub(super) fn of(root: &Path, identity: &str) -> FingerprintFile {
        let name = identity.replace(' ', "-");
        FingerprintFile(FingerprintFile::folder(root).join(format!("{name}.txt")))
    }

    fn text(&self) -> Option<String> {
        files::read_if_there(&self.0).ok().flatten()
    }

    /// Its head; `None` if there is no fingerprint, or one of another format.
    pub(super) fn head(&self) -> Option<FingerprintHead> {
        let text = self.text()?;
        let head: FingerprintHead = serde_json::from_str(text.lines().next()?).ok()?;
        (head.format == FORMAT).then_some(head)
    }

    pub(super) fn hashes(&self) -> Option<FactHashes> {
        let text = self.text()?;
        let hash = |line: &str| {
            let (hash, fact) = line.split_once(' ')?;
            Some((fact.to_owned(), u64::from_str_radix(hash, 16).ok()?))
        };
        text.lines().skip(1).map(hash).collect()
    }

    pub(super) fn write(&self, head: &FingerprintHead, hashes: &FactHashes) -> Result<()> {
        let mut text = serde_json::to_string(head).unwrap_or_default();
        text.push('\n');
        for (fact, hash) in hashes {
            text.push_str(&format!("{hash:016x} {fact}\n"));
        }
        let folder = self.0.parent().unwrap_or(&self.0);
        files::create_own_dir(folder.parent().unwrap_or(folder))?;
        files::create_private_dirs(folder)?;
        files::replace(&self.0, &text)
    }

    pub(super) fn remove(&self) -> Result<()> {
        if files::exists(&self.0) { files::remove_file(&self.0) } else { Ok(()) }
    }
}

/// The hashes, with names that fit in a line.
pub(super) fn on_lines(hashes: FactHashes) -> FactHashes {
    hashes.into_iter().map(|(fact, hash)| (fact.replace(['\n', '\r'], " "), hash)).collect()
}

/// The facts to be expected: `expected`, with what changed between two moments.
pub(super) fn advanced(
    mut expected: FactHashes,
    before: &FactHashes,
    after: &FactHashes,
) -> FactHashes {
    let facts: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for fact in facts {
        let now = after.get(fact);
        if before.get(fact) == now {
            continue;
        }
        match now {
            Some(hash) => expected.insert(fact.clone(), *hash),
            None => expected.remove(fact),
        };
    }
    expected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(facts: &[(&str, u64)]) -> FactHashes {
        facts.iter().map(|(fact, hash)| ((*fact).to_owned(), *hash)).collect()
    }

    #[test]
    fn what_differed_before_still_differs() {
        let expected = hashes(&[("table a", 1), ("table b", 1), ("table gone", 1)]);
        let before = hashes(&[("table a", 2), ("table b", 1), ("table extra", 1)]);
        let after = hashes(&[("table a", 2), ("table b", 3), ("table extra", 1), ("table new", 1)]);
        let wanted = hashes(&[("table a", 1), ("table b", 3), ("table gone", 1), ("table new", 1)]);
        assert_eq!(advanced(expected, &before, &after), wanted);
    }
}
