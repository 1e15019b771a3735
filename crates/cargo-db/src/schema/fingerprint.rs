//! The fingerprint of a database: a hash of each fact about its schema, as the migrations left it.
//!
//! A fact may contain a password, such as an option of a user mapping, and a plain hash of a weak
//! one could be guessed. Hashes are therefore made with a key, a file that only this user can read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use pg_logical::facts::{Fact, SchemaFacts};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::model::hex::{from_hex, to_hex};
use crate::model::history::History;
use crate::world::{files, random};

/// The version of the format.
const FORMAT: u32 = 2;

/// How many bytes the key has.
const KEY_LENGTH: usize = 32;

/// The facts, by kind and name: `column public.users.age`.
pub(super) type FactHashes = BTreeMap<String, FactHash>;

/// What is kept of a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FactHash {
    /// The kind and name of the object that it belongs to, which may be what it describes.
    pub(super) object: String,
    pub(super) hash: u64,
}

/// The key of the hashes.
pub(super) struct FingerprintKey {
    key: Box<hmac::Key>,
    text: String,
}

impl fmt::Display for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FingerprintKey {
    fn file(root: &Path) -> PathBuf {
        FingerprintFile::folder(root).join("key")
    }

    /// The key of a project; `None` if there is none that can be read.
    pub(super) fn find(root: &Path) -> Option<FingerprintKey> {
        let text = files::read_if_there(&FingerprintKey::file(root)).ok()??;
        FingerprintKey::parse(text.trim())
    }

    /// A key as it is displayed.
    pub(super) fn parse(text: &str) -> Option<FingerprintKey> {
        let key = from_hex(text).filter(|key| key.len() == KEY_LENGTH)?;
        Some(FingerprintKey::of(&key))
    }

    fn of(key: &[u8]) -> FingerprintKey {
        let text = to_hex(key);
        FingerprintKey { key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, key)), text }
    }

    /// A new one.
    pub(super) fn random() -> Result<FingerprintKey> {
        let mut key = [0; KEY_LENGTH];
        random::fill(&mut key)?;
        Ok(FingerprintKey::of(&key))
    }

    /// The same, which is made if there is none. Of several runs that make it, the last one wins;
    /// the fingerprints of the others cannot be read, and their drift is unknown.
    pub(super) fn find_or_make(root: &Path) -> Result<FingerprintKey> {
        if let Some(key) = FingerprintKey::find(root) {
            return Ok(key);
        }
        let key = FingerprintKey::random()?;
        create_folder(&FingerprintFile::folder(root))?;
        files::replace(&FingerprintKey::file(root), &format!("{key}\n"))?;
        Ok(key)
    }

    fn hash(&self, text: &str) -> u64 {
        let tag = hmac::sign(&self.key, text.as_bytes());
        tag.as_ref().iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// The hash of a text that is longer or more sensitive than most.
    pub(super) fn digest(&self, text: &str) -> String {
        to_hex(hmac::sign(&self.key, text.as_bytes()).as_ref())
    }

    /// What is kept of these facts.
    pub(super) fn hashes(&self, facts: &SchemaFacts) -> FactHashes {
        let mut hashes = FactHashes::new();
        for (object, fact) in facts.with_objects() {
            let new = || FactHash { object: title(object), hash: 0 };
            let of_fact = hashes.entry(title(fact)).or_insert_with(new);
            of_fact.hash = of_fact.hash.wrapping_add(self.hash(&fact.text));
        }
        hashes
    }
}

/// The kind and the name of a fact, in a line without tabs.
fn title(fact: &Fact) -> String {
    let title = format!("{} {}", fact.kind, fact.name);
    match title.contains(['\n', '\r', '\t']) {
        true => title.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t"),
        false => title,
    }
}

fn create_folder(folder: &Path) -> Result<()> {
    files::create_own_dir(folder.parent().unwrap_or(folder))?;
    files::create_private_dirs(folder)
}

/// The first line of the file. The others are the facts, one a line, and a hash of all lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FingerprintHead {
    format: u32,
    /// The major version of the server: another one may describe the same schema differently.
    pub(super) major: u32,
    /// The state of each history table of the database.
    histories: BTreeMap<String, HistoryState>,
    /// The digest of the catalogs; `None` if the schema already differed.
    pub(super) catalogs: Option<String>,
}

/// Which migrations are applied, according to a history table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HistoryState {
    digest: String,
    last: Option<String>,
    /// The version after which the schema was read first. `None` if nothing was applied before.
    since: Option<String>,
}

fn digest_of(history: &History) -> String {
    let applied = history.applied.iter();
    let lines: String = applied.map(|one| format!("{} {}\n", one.version, one.success)).collect();
    files::sha256(lines.as_bytes()).to_string()
}

/// The version that was applied last.
pub(super) fn last_of(history: &History) -> Option<String> {
    history.applied.last().map(|one| one.version.to_string())
}

fn table_of(history: &History) -> String {
    history.table.clone().unwrap_or_default()
}

impl FingerprintHead {
    pub(super) fn new(major: u32) -> FingerprintHead {
        FingerprintHead { format: FORMAT, major, histories: BTreeMap::new(), catalogs: None }
    }

    /// Whether it belongs to the history as it is now.
    pub(super) fn is_of(&self, history: &History) -> bool {
        match self.state_of(history) {
            Some(state) => state.digest == digest_of(history),
            // Another set of migrations has left the fingerprint.
            None => history.applied.is_empty(),
        }
    }

    fn state_of(&self, history: &History) -> Option<&HistoryState> {
        self.histories.get(&table_of(history))
    }

    /// Whether it belongs to no history.
    pub(super) fn is_of_none(&self) -> bool {
        self.histories.is_empty()
    }

    /// The version up to which the schema is known.
    pub(super) fn last(&self, history: &History) -> Option<String> {
        self.state_of(history)?.last.clone()
    }

    /// The version after which the schema is known; `None` if it is known from the beginning.
    pub(super) fn since(&self, history: &History) -> Option<String> {
        self.state_of(history)?.since.clone()
    }

    /// Notes the state of a history after a change.
    pub(super) fn advance(&mut self, history: &History) {
        let since = self.since(history);
        self.begin(history, since);
    }

    /// Notes the state of a history whose schema was read first after this version.
    pub(super) fn begin(&mut self, history: &History, since: Option<String>) {
        let table = table_of(history);
        if history.applied.is_empty() {
            self.histories.remove(&table);
            return;
        }
        let (digest, last) = (digest_of(history), last_of(history));
        self.histories.insert(table, HistoryState { digest, last, since });
    }
}

/// The file of the fingerprint of one database.
pub(super) struct FingerprintFile(PathBuf);

/// What such a file contains.
pub(super) enum FoundFingerprint {
    /// There is none.
    Absent,
    /// It is damaged, of another format, or its key is lost.
    Unreadable,
    /// The role may not read it.
    Hidden,
    Found(Fingerprint),
}

/// A fingerprint whose first line was understood.
pub(super) struct Fingerprint {
    pub(super) head: FingerprintHead,
    pub(super) key: FingerprintKey,
    /// Whether the role that wrote it reads it: another role may see less of the schema.
    pub(super) is_same_role: bool,
    text: String,
}

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

    /// Reads it, once: another run may replace the file.
    pub(super) fn read(&self, root: &Path) -> FoundFingerprint {
        let text = match files::read_if_there(&self.0) {
            Ok(Some(text)) => text,
            Ok(None) => return FoundFingerprint::Absent,
            Err(_) => return FoundFingerprint::Unreadable,
        };
        let found = FingerprintKey::find(root).and_then(|key| Fingerprint::of(text, key));
        found.map_or(FoundFingerprint::Unreadable, FoundFingerprint::Found)
    }

    pub(super) fn write(&self, text: &str) -> Result<()> {
        create_folder(files::folder_of(&self.0))?;
        files::replace(&self.0, text)
    }

    pub(super) fn remove(&self) -> Result<()> {
        files::remove_file(&self.0)
    }
}

/// A fingerprint as it is kept.
pub(super) fn text_of(head: &FingerprintHead, hashes: &FactHashes, key: &FingerprintKey) -> String {
    let mut text = serde_json::to_string(head).unwrap_or_default();
    text.push('\n');
    for (fact, FactHash { object, hash }) in hashes {
        let object = if object == fact { "" } else { object };
        text.push_str(&format!("{hash:016x}\t{fact}\t{object}\n"));
    }
    let whole = key.digest(&text);
    text.push_str(&whole);
    text.push('\n');
    text
}

impl Fingerprint {
    /// One whose first line is known at least.
    pub(super) fn of(text: String, key: FingerprintKey) -> Option<Fingerprint> {
        let head: FingerprintHead = serde_json::from_str(text.lines().next()?).ok()?;
        let is_same_role = true;
        (head.format == FORMAT).then_some(Fingerprint { head, key, is_same_role, text })
    }

    /// The same, as the role that wrote it reads it, or another one.
    pub(super) fn read_by(self, is_same_role: bool) -> Fingerprint {
        Fingerprint { is_same_role, ..self }
    }

    /// Adds the other lines.
    pub(super) fn add_facts(&mut self, lines: &str) {
        self.text.push_str(lines);
    }

    /// The facts; `None` if a part of the file was changed or is missing.
    pub(super) fn hashes(&self) -> Option<FactHashes> {
        let (lines, whole) = self.text.trim_end().rsplit_once('\n')?;
        if self.key.digest(&format!("{lines}\n")) != whole {
            return None;
        }
        let of_line = |line: &str| {
            let mut parts = line.split('\t');
            let (hash, fact, object) = (parts.next()?, parts.next()?, parts.next()?);
            let object = if object.is_empty() { fact } else { object };
            let hash = u64::from_str_radix(hash, 16).ok()?;
            Some((fact.to_owned(), FactHash { object: object.to_owned(), hash }))
        };
        lines.lines().skip(1).map(of_line).collect()
    }
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
            Some(now) => expected.insert(fact.clone(), now.clone()),
            None => expected.remove(fact),
        };
    }
    expected
}

/// The kinds of facts that depend on the server, so that no generated migration contains them:
/// owners, privileges, and what has secrets.
const OF_SERVER: [&str; 5] =
    ["owner ", "privileges ", "default privileges ", "server ", "user mapping "];

/// The facts to be expected after a migration was generated from what was found. What it does not
/// contain is expected as before, unless the object is new or gone.
pub(super) fn adopted(expected: &FactHashes, found: &FactHashes) -> FactHashes {
    let of_server = |title: &str| {
        let kind = OF_SERVER.iter().find(|kind| title.starts_with(**kind))?;
        Some(title[kind.len()..].to_owned())
    };
    let stays = |title: &str| {
        of_server(title).is_some_and(|object| {
            let is_in_both = expected.contains_key(title) && found.contains_key(title);
            is_in_both || expected.contains_key(&object) == found.contains_key(&object)
        })
    };
    let before = expected.iter().filter(|(title, _)| stays(title));
    let now = found.iter().filter(|(title, _)| !stays(title));
    before.chain(now).map(|(title, fact)| (title.clone(), fact.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(facts: &[(&str, u64)]) -> FactHashes {
        let hash = |(fact, hash): &(&str, u64)| {
            let object = fact.split('.').next().unwrap_or_default().to_owned();
            ((*fact).to_owned(), FactHash { object, hash: *hash })
        };
        facts.iter().map(hash).collect()
    }

    fn key(byte: u8) -> FingerprintKey {
        FingerprintKey::of(&[byte; KEY_LENGTH])
    }

    #[test]
    fn what_differed_before_still_differs() {
        let expected = hashes(&[("table a", 1), ("table b", 1), ("table gone", 1)]);
        let before = hashes(&[("table a", 2), ("table b", 1), ("table extra", 1)]);
        let after = hashes(&[("table a", 2), ("table b", 3), ("table extra", 1), ("table new", 1)]);
        let wanted = hashes(&[("table a", 1), ("table b", 3), ("table gone", 1), ("table new", 1)]);
        assert_eq!(advanced(expected, &before, &after), wanted);
    }

    #[test]
    fn a_generated_migration_contains_no_privileges_of_what_was_there() {
        let expected = hashes(&[
            ("table a", 1),
            ("owner table a", 1),
            ("privileges table a", 1),
            ("table gone", 1),
            ("owner table gone", 1),
            ("user mapping u", 1),
        ]);
        let found = hashes(&[
            ("table a", 2),
            ("owner table a", 2),
            ("privileges column a.b", 2),
            ("default privileges d", 2),
            ("table new", 2),
            ("owner table new", 2),
            ("user mapping u", 2),
        ]);
        let wanted = hashes(&[
            ("table a", 2),
            ("owner table a", 1),
            ("privileges table a", 1),
            ("table new", 2),
            ("owner table new", 2),
            ("user mapping u", 1),
        ]);
        assert_eq!(adopted(&expected, &found), wanted);
    }

    #[test]
    fn a_file_is_read_as_it_was_written_or_not_at_all() {
        let facts = hashes(&[("table public.\"a b\"", 1), ("table public.\"a b\".c", 2)]);
        let text = text_of(&FingerprintHead::new(15), &facts, &key(1));
        let read = |text: &str, byte| Fingerprint::of(text.to_owned(), key(byte))?.hashes();
        assert_eq!(read(&text, 1), Some(facts));
        assert_eq!(read(&text, 2), None);
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let mut fewer = lines.clone();
            fewer.remove(left_out);
            assert_eq!(read(&fewer.join("\n"), 1), None, "{left_out}");
        }
        assert_eq!(read(&text.replace("0001\t", "0003\t"), 1), None);
    }

    #[test]
    fn a_hash_cannot_be_computed_without_the_key() {
        assert_eq!(key(1).hash("password 'x'"), key(1).hash("password 'x'"));
        assert_ne!(key(1).hash("password 'x'"), key(2).hash("password 'x'"));
        assert_ne!(key(1).digest("password 'x'"), key(2).digest("password 'x'"));
    }
}
