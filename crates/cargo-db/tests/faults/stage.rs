//! How one sees from outside whether a change has begun, and whether it is over.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::cases::Case;
use crate::proxy::Proxy;
use crate::scene::{Run, Scene, server};
use crate::support::Ran;

/// The stage of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It reads, asks, rehearses.
    Before,
    /// The change has begun, and has no outcome.
    Change,
    /// The outcome is known.
    After,
}

/// What shows the stage of a verb's run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The audit trail: a record of the intent, and one of the outcome.
    Trail,
    /// A verb that only reads the database has no record. It fills a file that is renamed at the
    /// end and gets a manifest then.
    Backup,
}

impl Mark {
    /// The state of the project's files; two of these show the stage.
    pub(crate) fn seen(self, root: &Path) -> Seen {
        match self {
            Mark::Trail => {
                let trail = std::fs::read_to_string(root.join(".db/audit.jsonl"));
                let trail = trail.unwrap_or_default();
                let last = trail.lines().last().unwrap_or_default();
                let unfinished = last.contains("\"phase\":\"intent\"");
                Seen { finished: trail.lines().count() - usize::from(unfinished), unfinished }
            }
            Mark::Backup => {
                let names = backups(root).into_iter();
                let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
                let (manifests, others): (Vec<&String>, Vec<&String>) =
                    names.iter().partition(|name| name.ends_with(".manifest.json"));
                let data = others.iter().filter(|name| !name.ends_with(".verified.json")).count();
                Seen { finished: manifests.len(), unfinished: data > manifests.len() }
            }
        }
    }
}

/// The names in the backups folder.
pub(crate) fn backups(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join("backups")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What the mark of a verb shows at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    finished: usize,
    unfinished: bool,
}

impl Seen {
    /// The stage of a run before which `before` was seen.
    pub(crate) fn stage(self, before: Seen) -> Stage {
        match self {
            Seen { unfinished: true, .. } => Stage::Change,
            Seen { finished, .. } if finished > before.finished => Stage::After,
            _ => Stage::Before,
        }
    }
}

/// Waits until a run has come past its preparation, or has ended.
pub(crate) fn until_begun(run: &Run, case: &Case, before: Seen, child: &mut Child) -> Stage {
    loop {
        let stage = case.mark.seen(run.project.path()).stage(before);
        if stage != Stage::Before || child.try_wait().expect("its state").is_some() {
            return stage;
        }
        std::thread::sleep(LOOK);
    }
}

/// The polling interval.
const LOOK: Duration = Duration::from_micros(300);

/// What a run takes that nothing strikes: until the change begins, and from there to its outcome.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    pub(crate) preparation: Duration,
    pub(crate) change: Duration,
    pub(crate) bytes_before: u64,
    pub(crate) bytes: u64,
}

impl Measure {
    /// The run with the median duration of three.
    pub(crate) fn of(scene: &Scene, case: &Case) -> Measure {
        let mut all: Vec<Measure> = (0..3).map(|_| Measure::once(scene, case)).collect();
        all.sort_by_key(|one| one.change);
        all[1]
    }

    /// Through a proxy that cuts nothing. The run's work is done then.
    fn once(scene: &Scene, case: &Case) -> Measure {
        let run = scene.run();
        let before = case.mark.seen(run.project.path());
        let proxy = Proxy::start(server().port, u64::MAX, true, || ());
        let begin = Instant::now();
        let mut child = run.start(proxy.port, case.arguments);
        until_begun(&run, case, before, &mut child);
        let (preparation, bytes_before) = (begin.elapsed(), proxy.passed());
        while case.mark.seen(run.project.path()).stage(before) == Stage::Change
            && child.try_wait().expect("its state").is_none()
        {
            std::thread::sleep(LOOK);
        }
        let (whole, bytes) = (begin.elapsed(), proxy.passed());
        let ran = Ran::from(child.wait_with_output().expect("its end"));
        assert_eq!(ran.code, Some(0), "{}: {ran}", case.name);
        assert_eq!((case.is_done)(&run), Ok(true), "{}: {ran}", case.name);
        Measure { preparation, change: whole.saturating_sub(preparation), bytes_before, bytes }
    }
}
