//! Syncs many files to disk in parallel; one after the other, each would wait for the disk.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many wait at once.
const AT_ONCE: usize = 16;

/// Brings files and folders to disk.
pub(super) fn all(paths: &[&Path]) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
            File::open(path)?.sync_all()?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers = (0..AT_ONCE.min(paths.len())).map(|_| scope.spawn(work)).collect::<Vec<_>>();
        let panicked = |_| Err(io::Error::other("a thread panicked"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(panicked))
    })
}
