//! What `snapshot` answers.

use serde::Serialize;
use time::OffsetDateTime;

use crate::answer::plan::TargetView;
use crate::answer::text::{fitted, moment, plural, size, table, table_within};
use crate::answer::{Answer, Style};
use crate::model::snapshot::{ChosenStrategy, SnapshotRecord};
use crate::model::target::Target;
use crate::plan::shell_word;
use crate::snapshot::KeptSnapshot;

/// A snapshot as it is found on the server.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SnapshotView {
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(test, schemars(with = "String"))]
    created: OffsetDateTime,
    /// When it expires; null if it is pinned.
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    expires: Option<OffsetDateTime>,
    expired: bool,
    pinned: bool,
    bytes: u64,
    /// The set of migrations for which it was saved.
    for_set: Option<String>,
    /// The branch and the commit of git at that time.
    branch: Option<String>,
    commit: Option<String>,
    /// The versions of the applied migrations, in order.
    migrations: Vec<String>,
    /// The checksum of the last one, where the tool records it.
    checksum: Option<String>,
    /// How it was copied, and why so.
    #[serde(flatten)]
    copied: ChosenStrategy,
}

impl SnapshotView {
    fn of(record: &SnapshotRecord, now: OffsetDateTime) -> SnapshotView {
        let of = record.clone();
        SnapshotView {
            name: of.name,
            created: of.created,
            expires: of.expires,
            expired: record.is_expired(now),
            pinned: of.expires.is_none(),
            bytes: of.bytes,
            for_set: of.set,
            branch: of.branch,
            commit: of.commit,
            migrations: of.migrations,
            checksum: of.checksum,
            copied: of.copied,
        }
    }

    /// Until when it is kept.
    fn kept(&self) -> String {
        match self.expires {
            None => "pinned".to_owned(),
            Some(_) if self.expired => "expired".to_owned(),
            Some(expires) => format!("until {}", &moment(expires)[..10]),
        }
    }

    /// Its line in a list.
    fn row(&self) -> Vec<String> {
        let last = self.migrations.last().cloned().unwrap_or_else(|| "-".to_owned());
        let branch = self.branch.clone().unwrap_or_else(|| "-".to_owned());
        vec![self.name.clone(), size(self.bytes), moment(self.created), self.kept(), branch, last]
    }
}

/// The snapshots of a database.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SnapshotList {
    target: TargetView,
    /// The newest first.
    snapshots: Vec<SnapshotView>,
}

impl SnapshotList {
    /// What was found on the server.
    pub(crate) fn of(target: &Target, found: &[KeptSnapshot], now: OffsetDateTime) -> SnapshotList {
        let view = |one: &KeptSnapshot| SnapshotView::of(&one.record, now);
        SnapshotList { target: target.into(), snapshots: found.iter().map(view).collect() }
    }
}

impl Answer for SnapshotList {
    fn text(&self, style: &Style) -> String {
        if self.snapshots.is_empty() {
            return format!("{} has no snapshots", self.target.database);
        }
        let header = ["Snapshot", "Size", "Saved", "Kept", "Branch", "Last migration"];
        let rows: Vec<Vec<String>> = self.snapshots.iter().map(SnapshotView::row).collect();
        let wide = table(&header, &rows);
        if wide.lines().all(|line| line.chars().count() <= style.width) {
            return wide;
        }
        table_within(style.width, (&header, &rows), &[1, 4, 2, 5])
    }
}

/// A snapshot that was saved.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SnapshotSaved {
    target: TargetView,
    snapshot: SnapshotView,
    /// The sessions that were ended.
    ended: Vec<String>,
    /// The expired snapshots that were dropped.
    dropped: Vec<String>,
}

impl SnapshotSaved {
    /// What was saved, and what that took.
    pub(crate) fn of(
        target: &Target,
        record: &SnapshotRecord,
        ended: Vec<String>,
        dropped: Vec<String>,
    ) -> SnapshotSaved {
        let snapshot = SnapshotView::of(record, record.created);
        SnapshotSaved { target: target.into(), snapshot, ended, dropped }
    }
}

impl Answer for SnapshotSaved {
    fn text(&self, style: &Style) -> String {
        let SnapshotSaved { target, snapshot, ended, dropped } = self;
        let ChosenStrategy { strategy, because } = &snapshot.copied;
        let mut lines = vec![
            format!("saved {} as the snapshot {}", target.database, snapshot.name),
            format!("{}, {}, by {}", size(snapshot.bytes), snapshot.kept(), strategy.word()),
            format!("because {because}"),
        ];
        lines.extend((!ended.is_empty()).then(|| format!("ended: {}", ended.join(", "))));
        lines.extend(dropped.iter().map(|name| format!("dropped {name}, which had expired")));
        let command = format!("cargo db snapshot restore {}", shell_word(&snapshot.name));
        lines.push(format!("to go back to it: {}", style.command(&command)));
        fitted(&lines.join("\n"), style.width)
    }
}

/// A snapshot that was restored.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SnapshotRestored {
    target: TargetView,
    /// Its name.
    restored: String,
    /// How it was copied, and why so.
    #[serde(flatten)]
    copied: ChosenStrategy,
    /// The name that the old database is kept under.
    kept: Option<String>,
}

impl SnapshotRestored {
    /// What was restored, and the name of the old database.
    pub(crate) fn of(
        target: &Target,
        name: &str,
        copied: ChosenStrategy,
        kept: Option<String>,
    ) -> SnapshotRestored {
        SnapshotRestored { target: target.into(), restored: name.to_owned(), copied, kept }
    }
}

impl Answer for SnapshotRestored {
    fn text(&self, style: &Style) -> String {
        let database = &self.target.database;
        let mut lines = vec![
            format!("{database} is as in the snapshot {}", self.restored),
            format!("by {}, because {}", self.copied.strategy.word(), self.copied.because),
        ];
        if let Some(kept) = &self.kept {
            lines.push(format!("the old database is kept as {kept}"));
            lines.extend(
                UNDOING
                    .map(|(purpose, command)| format!("{purpose:<15} {}", style.command(command))),
            );
        }
        fitted(&lines.join("\n"), style.width)
    }
}

/// What can be done about the database that is kept.
const UNDOING: [(&str, &str); 2] = [
    ("to put it back:", "cargo db restore --undo"),
    ("to remove it:", "cargo db restore --drop-previous"),
];

/// The snapshots that were dropped.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SnapshotsDropped {
    target: TargetView,
    dropped: Vec<String>,
}

impl SnapshotsDropped {
    /// These were of the target.
    pub(crate) fn of(target: &Target, dropped: Vec<String>) -> SnapshotsDropped {
        SnapshotsDropped { target: target.into(), dropped }
    }
}

impl Answer for SnapshotsDropped {
    fn text(&self, _: &Style) -> String {
        format!("{} of {} dropped", plural(self.dropped.len(), "snapshot"), self.target.database)
    }
}
