//! Receipts: that these very files were rehearsed on this very schema, and what came of it. Kept as
//! files in `.db/receipts`, which can be carried to another machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::failure::{CausedBy, Result, SettingsError};
use crate::model::finding::Verdict;
use crate::model::hex::from_hex;
use crate::model::key::{KeyPlaces, PublicKey};
use crate::model::migration::Migration;
use crate::model::rehearsal::{Costs, Guard, LockWork, Rehearsal, Rehearsed};
use crate::rehearse::filled::possibly_filled;
use crate::rehearse::judge::grouped;
use crate::rehearse::request::Request;
use crate::rehearse::schema_facts;
use crate::rehearse::sizes::sizes;
use crate::schema::SchemaReader;
use crate::settings::Settings;
use crate::world::pg::Session;
use crate::world::signing::SigningKey;
use crate::world::{clock, edit, file_lock, files};
use db_tools::ProjectTool;
use pg_sql::name::short;

/// The version of the format.
const VERSION: u32 = 5;
/// How long a receipt holds.
const FRESH: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a rehearsal of certain files, on a certain schema, found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipt {
    /// Of the format, for programs to come.
    pub(crate) version: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) when: OffsetDateTime,
    /// What was copied, in words.
    pub(crate) basis: String,
    /// How many rows it held, as the server estimates them.
    pub(crate) rows: u64,
    /// Whether its rows were copied, and not its schema alone.
    #[serde(default)]
    pub(crate) with_rows: bool,
    /// The digest of the schema before the first migration, without owners and rights.
    pub(crate) schema: String,
    /// The digest of the schema after the last migration, where all of them ran.
    #[serde(default)]
    pub(crate) becomes: Option<String>,
    /// The server's major version.
    pub(crate) server: u32,
    /// The set of the migrations, if the project has sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) set: Option<String>,
    /// Whether all migrations ran in one transaction.
    pub(crate) one_transaction: bool,
    pub(crate) migrations: Vec<ReceiptEntry>,
    /// The key that signed it.
    #[serde(default)]
    pub(crate) signed_by: Option<PublicKey>,
    /// Its signature of all the rest, in hexadecimal.
    #[serde(default)]
    pub(crate) signature: Option<String>,
}

/// What a receipt depends on: the schema of a database, its server and its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaState {
    /// The digest of its schema.
    pub(crate) schema: String,
    /// The server's major version.
    pub(crate) server: u32,
    /// How many rows its tables hold, as the server estimates them.
    pub(crate) rows: u64,
}

impl SchemaState {
    /// Looks at the session's database.
    pub(crate) fn of(session: &mut Session, layout: &ProjectTool) -> Result<SchemaState> {
        let schema = schema_facts::digest(&SchemaReader::new(layout).read(session)?);
        let version: u32 = session.number("ask for the version", "SHOW server_version_num")?;
        Ok(SchemaState { schema, server: version / 10_000, rows: estimated_rows(session)? })
    }
}

/// How many rows the tables of the session's database hold, as the server estimates them.
pub(crate) fn estimated_rows(session: &mut Session) -> Result<u64> {
    let sql = "SELECT coalesce(sum(greatest(reltuples, 0)), 0)::bigint FROM pg_class \
               WHERE relkind IN ('r', 'm') AND oid >= 16384";
    session.number("ask for the sizes of tables", sql)
}

/// One migration of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptEntry {
    pub(crate) version: String,
    pub(crate) up: String,
    pub(crate) down: Option<String>,
    pub(crate) verdict: String,
    pub(crate) rollback: String,
    pub(crate) guards: Vec<Guard>,
    /// Work under locks, which takes longer on larger tables.
    #[serde(default)]
    pub(crate) lock_work: Vec<LockWork>,
    /// What its statements took there; `None` if they were not measured, or if the receipt is older
    /// than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) costs: Option<Costs>,
    /// The tables that it touches and that had no rows there.
    #[serde(default)]
    pub(crate) empty: Vec<String>,
}

impl Receipt {
    /// That of a rehearsal.
    pub(super) fn of(rehearsal: &Rehearsal, request: &Request<'_>, on: &SchemaState) -> Receipt {
        let entry = |(migration, rehearsed): (&Migration, &Rehearsed)| ReceiptEntry {
            version: migration.version.to_string(),
            up: migration.up.checksum.to_string(),
            down: migration.down.as_ref().map(|down| down.checksum.to_string()),
            verdict: rehearsed.verdict.word().to_owned(),
            rollback: rehearsed.rollback.word().to_owned(),
            guards: rehearsed.guards.clone(),
            lock_work: rehearsed.lock_work.clone(),
            costs: rehearsed.costs.clone(),
            empty: rehearsed.empty.clone(),
        };
        Receipt {
            version: VERSION,
            when: clock::now(),
            basis: rehearsal.basis.describe("the database"),
            rows: rehearsal.rows,
            with_rows: rehearsal.with_rows,
            schema: on.schema.clone(),
            becomes: rehearsal.becomes.clone(),
            server: on.server,
            set: request.settings.migrations.set.clone(),
            one_transaction: request.is_one_transaction,
            migrations: request.migrations.iter().zip(&rehearsal.migrations).map(entry).collect(),
            signed_by: None,
            signature: None,
        }
    }

    /// The same, signed.
    fn signed(self, key: &SigningKey) -> Receipt {
        let unsigned = Receipt { signed_by: key.public(), signature: None, ..self };
        let signature = key.sign(&unsigned.message());
        Receipt { signature: Some(signature), ..unsigned }
    }

    /// The signed message: the whole content, and its type.
    fn message(&self) -> Vec<u8> {
        let unsigned = Receipt { signature: None, ..self.clone() };
        let said = serde_json::to_vec(&unsigned).unwrap_or_default();
        [b"a receipt of cargo db\n".as_slice(), &said].concat()
    }

    /// Why it is not accepted with these keys; `None` if it is.
    pub(crate) fn rejection(&self, accepted: &[PublicKey]) -> Option<String> {
        let (Some(key), Some(signature)) = (&self.signed_by, &self.signature) else {
            return Some("it is not signed".to_owned());
        };
        let signature = from_hex(signature).filter(|signature| signature.len() == 64);
        let Some(signature) = signature else {
            return Some("its signature is not 128 hexadecimal digits: it was forged".to_owned());
        };
        if !key.has_signed(&self.message(), &signature) {
            return Some(format!("it was edited after {key} had signed it"));
        }
        let is_accepted = accepted.contains(key);
        (!is_accepted)
            .then(|| format!("it is signed with {key}, which this database does not accept"))
    }

    /// The SHA-256 of its content.
    pub(crate) fn digest(&self) -> String {
        files::sha256(&serde_json::to_vec(self).unwrap_or_default()).to_string()
    }

    /// When it was written, for people.
    pub(crate) fn date(&self) -> String {
        let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
        self.when.format(format).unwrap_or_default()
    }

    /// Whether it proves the down migration of this migration.
    pub(crate) fn proves_rollback(&self, migration: &Migration) -> bool {
        let down = migration.down.as_ref().map(|down| down.checksum.to_string());
        self.migrations.iter().any(|entry| {
            let ran = matches!(Verdict::named(&entry.verdict), Some(Verdict::Pass | Verdict::Warn));
            entry.up == migration.up.checksum.to_string()
                && entry.down == down
                && entry.rollback == "proved"
                && ran
        })
    }

    /// Why it is not valid for these migrations in the present state; `None` if it is.
    ///
    /// `one_transaction` tells whether all of them will run in one.
    pub(crate) fn invalid_reason(
        &self,
        migrations: &[&Migration],
        one_transaction: bool,
        now: &SchemaState,
    ) -> Option<String> {
        if self.version != VERSION {
            return Some(format!("its format {} is unknown", self.version));
        }
        if let Some(differing) = self.differing_files(migrations) {
            return Some(differing);
        }
        if migrations.len() > 1 && self.one_transaction != one_transaction {
            let why = if one_transaction {
                "each migration was rehearsed in a separate transaction: rehearse with \
                 `--all-or-nothing`"
            } else {
                "the migrations were rehearsed in one transaction, which is the default in \
                 staging: set `all-or-nothing` below `[migrate]` in db.toml, so that both runs do \
                 the same"
            };
            return Some(why.to_owned());
        }
        if self.schema != now.schema {
            return Some("the schema differs".to_owned());
        }
        if self.server != now.server {
            return Some(format!(
                "it is for PostgreSQL {}, and this server is {}",
                self.server, now.server
            ));
        }
        if self.rows == 0 && now.rows > 0 {
            return Some("the rehearsed copy had no rows".to_owned());
        }
        // A slightly wrong clock is tolerated.
        if self.when > clock::now() + Duration::from_secs(300) {
            return Some("it is dated in the future".to_owned());
        }
        if self.when + FRESH < clock::now() {
            return Some(format!("it is older than {} days", FRESH.as_secs() / 86_400));
        }
        let bad = self.migrations.iter().take(migrations.len()).find(|entry| {
            !matches!(Verdict::named(&entry.verdict), Some(Verdict::Pass | Verdict::Warn))
        });
        bad.map(|entry| format!("its verdict is {} for {}", entry.verdict, entry.version))
    }
}

impl Receipt {
    /// The tables that the first `count` migrations touch, and that were empty in the rehearsal but
    /// have rows in the session's database.
    pub(crate) fn filled_since(&self, session: &mut Session, count: usize) -> Result<Vec<String>> {
        let entries = self.migrations.iter().take(count);
        let empty: BTreeSet<&str> =
            entries.flat_map(|entry| entry.empty.iter().map(String::as_str)).collect();
        possibly_filled(session, &empty.into_iter().collect::<Vec<_>>())
    }

    /// Why the receipt is not valid for the tables of this database: a lock that was short in the
    /// rehearsal may be held for long on larger tables.
    pub(crate) fn too_large_tables(
        &self,
        session: &mut Session,
        count: usize,
    ) -> Result<Option<String>> {
        let works: Vec<&LockWork> =
            self.migrations.iter().take(count).flat_map(|entry| &entry.lock_work).collect();
        if works.is_empty() {
            return Ok(None);
        }
        let sizes = sizes(session)?;
        Ok(works.into_iter().find_map(|work| too_large(work, *sizes.get(&work.table)?)))
    }

    /// Why rows that were not there speak against it.
    pub(crate) fn without_rows_of(&self, tables: &[String]) -> String {
        let where_ = if self.with_rows { "had none" } else { "only the schema was copied" };
        format!(
            "{} may have rows here, and {where_} in the rehearsal: rehearse with the rows, `cargo \
             db rehearse --from live`",
            tables.join(", ")
        )
    }
}

/// Why work under a lock takes too long on a table of this many rows; `None` if it does not.
fn too_large(work: &LockWork, rows: u64) -> Option<String> {
    let here = work.with_rows(rows);
    let bound = work.bound.map(|bound| format!(", and up to {} are allowed", grouped(bound)));
    let locked = work.locked.as_ref().map(|locked| format!(" on {}", short(locked)));
    (!here.is_accepted()).then(|| {
        format!(
            "{} has about {} rows here, and had {} in the rehearsal{}: {}{} blocks other \
             sessions for longer",
            short(&work.table),
            grouped(here.rows),
            grouped(work.rows),
            bound.unwrap_or_default(),
            work.mode,
            locked.unwrap_or_default()
        )
    })
}

/// The receipts of a project.
pub(crate) struct Receipts {
    folder: PathBuf,
}

impl Receipts {
    /// Those of the project in `root`.
    pub(crate) fn of(root: &Path) -> Receipts {
        Receipts { folder: root.join(".db/receipts") }
    }

    /// Writes a receipt, signed if there is a key. Returns its path and the key.
    pub(crate) fn write(
        &self,
        receipt: Receipt,
        places: &KeyPlaces,
    ) -> Result<(PathBuf, Option<PublicKey>)> {
        let receipt = match SigningKey::find(places)? {
            Some(key) => receipt.signed(&key),
            None => receipt,
        };
        files::create_own_dir(self.folder.parent().unwrap_or(&self.folder))?;
        files::create_private_dirs(&self.folder)?;
        // Two rehearsals of the same files on the same schema write the same file.
        let _lock = file_lock::lock_folder(&self.folder)?;
        let text = serde_json::to_string_pretty(&receipt).unwrap_or_default();
        let ups: String = receipt.migrations.iter().map(|entry| entry.up.as_str()).collect();
        let key = files::sha256(format!("{ups} {} {}", receipt.schema, receipt.server).as_bytes())
            .to_string();
        let path = self.folder.join(format!("{}.json", &key[..16]));
        files::replace(&path, &format!("{text}\n"))?;
        Ok((path, receipt.signed_by))
    }

    /// Fails if no receipt can be written, so that a rehearsal is not run for nothing.
    pub(crate) fn is_writable(&self) -> Result<()> {
        let own = self.folder.parent().unwrap_or(&self.folder);
        files::create_own_dir(own)?;
        [own, &self.folder].into_iter().try_for_each(edit::can_write)
    }

    /// Reads a file with one receipt, or with a list of them.
    fn read(path: &Path) -> Result<Vec<Receipt>> {
        let bytes = files::read(path)?;
        let read = match bytes.trim_ascii_start().first() {
            Some(b'[') => serde_json::from_slice(&bytes),
            _ => serde_json::from_slice(&bytes).map(|receipt| vec![receipt]),
        };
        read.map_err(|error| {
            let file = path.to_owned();
            SettingsError::File {
                file,
                line: error.line(),
                why: error.to_string(),
                suggestion: None,
            }
            .caused_by(error)
        })
    }

    /// The major version of the server that the migrations are for: the one in db.toml, or else the
    /// one of the last rehearsal.
    pub(crate) fn server(&self, settings: &Settings) -> Result<Option<u32>> {
        if settings.server_major.is_some() {
            return Ok(settings.server_major);
        }
        Ok(self.all()?.first().map(|receipt| receipt.server))
    }

    /// The files that are not receipts.
    pub(crate) fn unreadable(&self) -> Result<Vec<PathBuf>> {
        let mut paths = files::walk(&self.folder)?;
        paths.retain(|path| Self::read(path).is_err());
        Ok(paths)
    }

    /// Fails if no file can be written there, so that a rehearsal is not run for nothing.
    pub(crate) fn can_copy_to(file: &Path) -> Result<()> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        edit::can_write(folder.unwrap_or(Path::new(".")))
    }

    /// Writes the receipts in these files to one file, which can be carried to another machine.
    pub(crate) fn copy(paths: &[PathBuf], file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&Receipts::read_all(paths)?).unwrap_or_default();
        files::replace(file, &format!("{text}\n"))
    }

    /// Those in these files, the newest first.
    pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Receipt>> {
        let all = paths.iter().map(|path| Receipts::read(path)).collect::<Result<Vec<_>>>()?;
        Ok(newest_first(all.concat()))
    }

    /// All that can be read, the newest first.
    pub(crate) fn all(&self) -> Result<Vec<Receipt>> {
        let paths = files::walk(&self.folder)?;
        let read = paths.iter().filter_map(|path| Receipts::read(path).ok());
        Ok(newest_first(read.flatten().collect()))
    }
}

fn newest_first(mut receipts: Vec<Receipt>) -> Vec<Receipt> {
    receipts.sort_by_key(|receipt| std::cmp::Reverse(receipt.when));
    receipts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::key::VARIABLE;
    use crate::model::rehearsal::StatementCost;
    use crate::model::target::Secret;

    fn key(digit: &str) -> SigningKey {
        let variable = Some(Secret::new(format!("cargo-db-signing-key:{}", digit.repeat(64))));
        SigningKey::find(&KeyPlaces { variable, file: None }).unwrap().expect(VARIABLE)
    }

    impl ReceiptEntry {
        /// Of a migration that passed, and about which nothing else is known.
        pub(in crate::rehearse) fn of_version(version: &str) -> ReceiptEntry {
            ReceiptEntry {
                version: version.to_owned(),
                up: "aa".to_owned(),
                down: None,
                verdict: "PASS".to_owned(),
                rollback: "proved".to_owned(),
                guards: Vec::new(),
                lock_work: Vec::new(),
                costs: None,
                empty: Vec::new(),
            }
        }
    }

    fn work(rows: u64, bound: Option<u64>) -> LockWork {
        let (table, mode) = ("public.a".to_owned(), "ShareLock".to_owned());
        LockWork { table, mode, locked: None, rows, ms: 1, bound }
    }

    fn signed(key: &SigningKey) -> Receipt {
        let guard = Guard { table: "public.a".to_owned(), column: None, bound: 3 };
        let tables = [("public.a".to_owned(), 2)].into();
        let cost = StatementCost { line: 3, us: 5, tables, locked: vec!["public.a".to_owned()] };
        let entry = ReceiptEntry {
            down: Some("bb".to_owned()),
            guards: vec![guard],
            lock_work: vec![work(2, Some(9))],
            costs: Some(Costs { one_transaction: true, statements: vec![cost] }),
            empty: vec!["public.b".to_owned()],
            ..ReceiptEntry::of_version("1")
        };
        let unsigned = Receipt {
            version: VERSION,
            when: OffsetDateTime::UNIX_EPOCH,
            basis: "a copy".to_owned(),
            rows: 7,
            with_rows: true,
            schema: "cc".to_owned(),
            becomes: Some("dd".to_owned()),
            server: 15,
            set: None,
            one_transaction: false,
            migrations: vec![entry],
            signed_by: None,
            signature: None,
        };
        unsigned.signed(key)
    }

    /// Each way to change one value of a document, at any depth, with the name of the value.
    fn changed(value: &Value) -> Vec<(String, Value)> {
        let within = |name: String, inner: &Value, put: &dyn Fn(Value) -> Value| {
            let changes = changed(inner).into_iter();
            changes.map(|(below, new)| (format!("{name}.{below}"), put(new))).collect::<Vec<_>>()
        };
        match value {
            Value::Object(fields) => fields
                .iter()
                .flat_map(|(name, inner)| {
                    within(name.clone(), inner, &|new| {
                        let mut fields = fields.clone();
                        fields.insert(name.clone(), new);
                        Value::Object(fields)
                    })
                })
                .collect(),
            Value::Array(items) => {
                let each = items.iter().enumerate().flat_map(|(at, inner)| {
                    within(at.to_string(), inner, &|new| {
                        let mut items = items.clone();
                        items[at] = new;
                        Value::Array(items)
                    })
                });
                each.chain([("none".to_owned(), json!([]))]).collect()
            }
            Value::Number(number) => vec![("".to_owned(), json!(number.as_u64().unwrap() + 1))],
            Value::Bool(value) => vec![("".to_owned(), json!(!value))],
            Value::Null => vec![("".to_owned(), json!("x"))],
            Value::String(text) if text.contains('T') && text.ends_with('Z') => {
                vec![("".to_owned(), json!("2026-01-02T03:04:05Z"))]
            }
            Value::String(text) => vec![("".to_owned(), json!(format!("{text}x")))],
        }
    }

    #[test]
    fn no_field_can_be_changed_under_its_signature() {
        let (ours, other) = (key("1"), key("2"));
        let accepted = [ours.public().unwrap(), other.public().unwrap()];
        let sound = signed(&ours);
        assert_eq!(sound.rejection(&accepted), None);
        let document = serde_json::to_value(&sound).unwrap();
        let changes = changed(&document);
        for (field, new) in changes.into_iter().filter(|(field, _)| !field.starts_with("sign")) {
            let edited: Receipt = serde_json::from_value(new).unwrap();
            assert_ne!(edited, sound, "{field}");
            let why = edited.rejection(&accepted).unwrap_or_default();
            assert!(why.starts_with("it was edited after "), "{field} {why}");
        }
        assert_eq!(document.as_object().unwrap().len(), 12);
    }

    /// The signature of a receipt from before costs were recorded holds: what was not recorded is
    /// not part of the message.
    #[test]
    fn a_receipt_without_costs_is_as_it_was_before_they_were_recorded() {
        let ours = key("1");
        let mut unsigned = signed(&ours);
        unsigned.migrations[0].costs = None;
        let old = unsigned.signed(&ours);
        let document = serde_json::to_value(&old).unwrap();
        let entry = document["migrations"][0].as_object().unwrap();
        let fields: Vec<&str> = entry.keys().map(String::as_str).collect();
        let before =
            ["down", "empty", "guards", "lock_work", "rollback", "up", "verdict", "version"];
        assert_eq!(fields.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from(before));
        let read: Receipt = serde_json::from_value(document).unwrap();
        assert_eq!(read.rejection(&[ours.public().unwrap()]), None);
    }

    #[test]
    fn a_lock_is_judged_by_the_rows_that_are_here() {
        let why = "a has about 10,000 rows here, and had 500 in the rehearsal: ShareLock \
                   blocks other sessions for longer";
        assert_eq!(too_large(&work(500, None), 10_000).as_deref(), Some(why));
        // The time that it would take counts too.
        assert!(too_large(&work(100, None), 5_000).is_some());
        assert!(too_large(&work(100, None), 4_900).is_none());
        assert!(too_large(&work(20_000, Some(20_000)), 20_000).is_none());
        let more = too_large(&work(20_000, Some(20_000)), 20_001).unwrap_or_default();
        assert!(more.contains("and up to 20,000 are allowed"), "{more}");
        let locked = Some("public.b".to_owned());
        let why = too_large(&LockWork { locked, ..work(500, None) }, 10_000).unwrap_or_default();
        assert!(why.ends_with("ShareLock on b blocks other sessions for longer"), "{why}");
        // A table that has shrunk is judged by the rows that it had.
        assert!(too_large(&work(100, None), 3).is_none());
    }

    #[test]
    fn a_receipt_is_of_the_key_that_it_names_and_of_one_that_is_accepted() {
        let (ours, other) = (key("1"), key("2"));
        let [our, others] = [&ours, &other].map(|key| key.public().unwrap());
        let sound = signed(&ours);
        let why = |receipt: &Receipt| {
            receipt.rejection(&[our.clone(), others.clone()]).unwrap_or_default()
        };
        let edit = |change: &dyn Fn(&mut Receipt)| {
            let mut receipt = sound.clone();
            change(&mut receipt);
            why(&receipt)
        };
        assert_eq!(why(&sound), "");
        assert_eq!(edit(&|one| one.signed_by = None), "it is not signed");
        assert_eq!(edit(&|one| one.signature = None), "it is not signed");
        let forged = "its signature is not 128 hexadecimal digits: it was forged";
        for bad in ["", "x", &"0".repeat(126), &"g".repeat(128)] {
            assert_eq!(edit(&|one| one.signature = Some(bad.to_owned())), forged);
        }
        let edited = |of: &PublicKey| format!("it was edited after {of} had signed it");
        assert_eq!(edit(&|one| one.signature = Some("0".repeat(128))), edited(&our));
        assert_eq!(edit(&|one| one.signed_by = Some(others.clone())), edited(&others));
        let foreign = format!("it is signed with {our}, which this database does not accept");
        assert_eq!(sound.rejection(std::slice::from_ref(&others)), Some(foreign.clone()));
        assert_eq!(sound.rejection(&[]), Some(foreign));
    }
}
