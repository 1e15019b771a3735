//! Records of the audit trail as text: their lines, and the hashes by which a change shows.

use ring::digest::{SHA256, digest};

use crate::model::audit::{Record, TrailHead};
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

/// The beginning of a trail that these lines are: as the server computes it.
pub(crate) fn head_of(lines: &[String]) -> TrailHead {
    let hash = |bytes: &[u8]| digest(&SHA256, bytes);
    let hashes: Vec<u8> =
        lines.iter().flat_map(|line| hash(line.as_bytes()).as_ref().to_vec()).collect();
    let digest = files::sha256(&hashes).to_string();
    TrailHead { records: u64::try_from(lines.len()).unwrap_or(u64::MAX), digest }
}

/// Whether a line is a record, and as it was written.
pub(crate) fn is_ours(line: &str) -> bool {
    serde_json::from_str::<Record>(line).is_ok_and(|record| hash_of(&record) == record.hash)
}
