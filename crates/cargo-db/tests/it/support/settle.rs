//! Replaces what differs between runs in printed text: times, ids, durations, sizes, versions,
//! process ids, ports and temporary folders become fixed text.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::support::cluster;

/// Each match of a pattern is replaced by the text beside it. The order matters.
static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let rules = [
        // Digests, keys and ids of plans.
        (r"\b[0-9a-f]{64}\b", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
        (r"\b[0-9a-f]{32}\b", "45cf5b04d7ba90a1b7c35d2e8f604c11"),
        // Times, in texts and in file names.
        (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-01-31T23:59:59Z"),
        (r"20\d\d-\d\d-\d\dT\d\d-\d\d-\d\d(\.\d+)?Z", "2026-01-31T23-59-59Z"),
        (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?", "2026-01-31 23:59:59"),
        (r"20\d\d-\d\d-\d\d-\d{6}\b", "2026-01-31-235959"),
        (r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", "2026-01-31 23:59 UTC"),
        (r"  20\d\d-\d\d-\d\d  ", "  2026-01-31  "),
        (r"__before_\d{8}T\d{6}_\d+", "__before_20260131T235959_000"),
        // The version of a migration that was just created. The versions that tests write are
        // older.
        (r"\b20(2[6-9]|[3-9]\d)\d{10}", "20260131235959"),
        (r"\bwaited \d+m?s\b", "waited 2s"),
        // On a busy machine, the session of the run before may take a moment to end.
        (r"\n *Waiting for the lock, held by cargo-db/[^\n]*", ""),
        (r"\d+ ms\b|\d+\.\d s\b", "12 ms"),
        // The write-ahead log is measured for the whole server, so other tests add to it.
        (r"\d+(\.\d)? (bytes|kB|MB) of log, ", ""),
        (r"( {2,}|\b)\d+(\.\d)? (bytes|kB|MB)\b", "8.0 kB"),
        (r"\bPostgreSQL \d+(\.\d+)?", "PostgreSQL 18.0"),
        (r"\bcargo-db \d+\.\d+\.\d+", "cargo-db 1.0.0"),
        (r"/cargo-db-[0-9a-f]{12}\b", "/cargo-db-0123456789ab"),
        (r"\bpid \d+", "pid 4711"),
    ];
    rules.map(|(pattern, text)| (Regex::new(pattern).expect("a pattern"), text)).into()
});

/// The text with everything replaced that depends on the run. Right-aligned values stay
/// right-aligned, and paths keep their length, so that lines wrap in the same way.
pub(crate) fn settled(text: &str) -> String {
    let (folder, port) = (cluster().folder.display().to_string(), cluster().port);
    let text = text.replace(&folder, "/run/postgresql/sockets");
    let text = text.replace(&format!(":{port}"), ":54321");
    let settle = |text: String, (pattern, fixed): &(Regex, &str)| {
        let fill = |found: &Captures<'_>| {
            let indented = found[0].starts_with("  ");
            let width = if indented { found[0].len() } else { 0 };
            format!("{fixed:>width$}")
        };
        pattern.replace_all(&text, fill).into_owned()
    };
    RULES.iter().fold(text, settle)
}
