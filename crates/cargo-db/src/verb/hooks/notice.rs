//! `cargo db hooks notice`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use clap::Args;

use crate::answer::{BranchNotice, Outcome, SetNotice};
use crate::change::{DatabaseNeed, Effect, Needs, SetNeed, Workspace};
use crate::failure::Result;
use crate::migration;
use crate::model::history::{MigrationStatus, ProblemKind};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::verb::declare::Verb;
use crate::world::clock::stopwatch;
use crate::world::git::listed;
use crate::world::{World, files};

const EFFECT: Effect = Effect::Reads;

/// How long a connection may take: nobody waits for a checkout.
const CONNECTING: Duration = Duration::from_millis(300);

/// How long it may take to read the histories afterwards.
const READING: Duration = Duration::from_secs(1);

/// Report migrations that a checkout or a merge brought, or that the branch lacks
///
/// The hooks `post-checkout` and `post-merge` call it. It prints at most one line, about
/// development and test databases only. It starts no server, waits at most 300 ms for a connection,
/// prints nothing if there is none, and always exits with code 0.
#[derive(Debug, Args)]
#[command(after_help = EFFECT.help())]
pub(crate) struct NoticeArgs {
    /// The hook: post-checkout or post-merge
    hook: String,
    /// What git passes to the hook
    arguments: Vec<String>,
}

impl Verb for NoticeArgs {
    fn name(&self) -> &'static str {
        "hooks notice"
    }

    fn effect(&self) -> Effect {
        EFFECT
    }

    fn needs(&self) -> Needs {
        Needs { database: DatabaseNeed::Irrelevant, set: SetNeed::Each, ..Needs::FILES }
    }

    fn run(&self, workspace: &Workspace) -> Result<Outcome> {
        let notice = match self.revisions() {
            Some(between) => BranchNotice { sets: notices(workspace, between) },
            None => BranchNotice::default(),
        };
        Ok(Outcome::done(notice))
    }
}

impl NoticeArgs {
    /// The commits before and after; `None` if no other branch was checked out.
    fn revisions(&self) -> Option<[&str; 2]> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        match (self.hook.as_str(), arguments.as_slice()) {
            ("post-checkout", [before, after, "1"]) => {
                (before != after).then_some([*before, *after])
            }
            ("post-merge", _) => Some(["ORIG_HEAD", "HEAD"]),
            _ => None,
        }
    }
}

/// A set that is looked at.
struct Asked {
    settings: Settings,
    target: Target,
    /// The files that changed in git; `None` if that is not known.
    changed: Option<BTreeSet<PathBuf>>,
}

/// What is known of each set in time. Each is asked in a thread of its own, which ends with the
/// process.
fn notices(workspace: &Workspace, between: [&str; 2]) -> Vec<SetNotice> {
    let changed = changed_files(&workspace.settings, between);
    let asked = workspace.sets_of_files().into_iter().filter_map(|(_, settings)| {
        let (settings, changed) = (settings.ok()?, changed.clone());
        let target = target(workspace, &settings)?;
        let asked = Asked { settings, target, changed };
        asked.is_of_interest().then_some(asked)
    });
    let waiting: Vec<_> = asked.map(|asked| ask(workspace.world.clone(), asked)).collect();
    let began = stopwatch();
    let connected = |(connected, _): &(Receiver<()>, _)| {
        connected.recv_timeout(CONNECTING.saturating_sub(began.elapsed())).is_ok()
    };
    let waiting: Vec<_> = waiting.into_iter().filter(connected).collect();
    let left = || (CONNECTING + READING).saturating_sub(began.elapsed());
    let found = waiting.into_iter().filter_map(|(_, found)| found.recv_timeout(left()).ok());
    found.filter(SetNotice::differs).collect()
}

/// The files that differ between two commits, relative to the root.
fn changed_files(settings: &Settings, between: [&str; 2]) -> Option<BTreeSet<PathBuf>> {
    let arguments = ["diff", "--name-only", "--relative", "-z", between[0], between[1]];
    Some(listed(&settings.root, &arguments)?.into_iter().collect())
}

/// The database of a set, if it may be asked: no server is started.
fn target(workspace: &Workspace, settings: &Settings) -> Option<Target> {
    if !settings.environment.environment.is_disposable() {
        return None;
    }
    let target = workspace.target_without_start(settings)?;
    Some(Target { connect_timeout: CONNECTING, ..target })
}

impl Asked {
    /// Whether the migrations of this set changed. A tool that would have to be asked is not.
    fn is_of_interest(&self) -> bool {
        let migrations = &self.settings.migrations;
        let dir = &migrations.dir.value;
        let below = dir.strip_prefix(&self.settings.root).unwrap_or(dir);
        let touches = |files: &BTreeSet<PathBuf>| {
            files.iter().any(|file| file.starts_with(below) || below.starts_with(file))
        };
        !migrations.layout.is_asked() && self.changed.as_ref().is_none_or(touches)
    }

    /// Compares the files with the history.
    fn compare(&self, world: &World, connected: &Sender<()>) -> Result<SetNotice> {
        let Asked { settings, target, .. } = self;
        let layout = &settings.migrations.layout;
        let set = settings.migrations.set.clone();
        let nothing = SetNotice { set: set.clone(), new: 0, missing: 0 };
        let session = migration::connect_or_none(world, settings, target)?;
        // Nobody waits any more if this fails.
        let _ = connected.send(());
        let Some(mut session) = session else { return Ok(nothing) };
        let folder = match files::exists(&settings.migrations.dir.value) {
            true => migration::read_folder(settings)?,
            false => Default::default(),
        };
        let history = migration::read_history(&mut session, layout)?;
        let history = layout.completed(history, &folder);
        let status = MigrationStatus::compare(&folder, &history);
        let is_new =
            |path: &PathBuf| self.changed.as_ref().is_none_or(|changed| changed.contains(path));
        let new = status.pending.iter().filter(|migration| is_new(&migration.up.path)).count();
        let is_missing = |kind: ProblemKind| kind == ProblemKind::Missing;
        let missing = status.problems.iter().filter(|one| is_missing(one.trouble)).count();
        Ok(SetNotice { set, new, missing })
    }
}

/// Asks in a thread: the first receiver hears of the connection, the second one of the result.
fn ask(world: World, asked: Asked) -> (Receiver<()>, Receiver<SetNotice>) {
    let (connects, connected) = channel();
    let (finds, found) = channel();
    std::thread::spawn(move || {
        if let Ok(notice) = asked.compare(&world, &connects) {
            let _ = finds.send(notice);
        }
    });
    (connected, found)
}
