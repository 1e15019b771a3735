//! Records of the audit trail as text: their lines, and the hashes by which a change shows.

use crate::model::audit::Record;
use crate::world::files;

/// A record as its line.
pub(crate) fn line_of(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

/// The hash that a record should carry.
pub(crate) fn hash_of(record: &Record) -> String {
    let line = line_of(&Record { hash: String::new(), ..record.clone() });
    files::sha256(line.as_bytes()).to_string()
}

/// Whether a line is a record, and as it was written.
pub(crate) fn is_ours(line: &str) -> bool {
    serde_json::from_str::<Record>(line).is_ok_and(|record| hash_of(&record) == record.hash)
}
