//! What `status` says of a database.

use std::time::Duration;

use crate::answer::{SettingView, StatusFacts, StatusReport};
use crate::backup::{self, BackupFolder};
use crate::change::Workspace;
use crate::failure::{Result, RunError};
use crate::migration;
use crate::model::environment::{Marker, Resolved};
use crate::model::history::{History, MigrationStatus};
use crate::model::migration::MigrationFolder;
use crate::model::overview::{DatabaseFacts, ServerFacts};
use crate::model::target::Target;
use crate::schema::{Drift, Glance};
use crate::settings::Settings;
use crate::world::World;
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Session, marker, survey, unread};

/// The state of the database of a workspace. With `wait`, waits that many seconds for the server.
pub(crate) fn status_of(workspace: &Workspace, wait: Option<u64>) -> Result<StatusReport> {
    Ok(gather(workspace, wait)?.status())
}

/// What was found, before it is compared.
struct Gathered<'a> {
    settings: &'a Settings,
    target: Target,
    folder: MigrationFolder,
    /// Nothing where the database does not exist yet.
    found: Option<Answers>,
    /// What to do if the folder contains no migrations.
    empty: Option<String>,
    /// `None` if it is not examined.
    drift: Option<Drift>,
    /// Whether all applied versions are listed.
    lists_all: bool,
}

fn gather(workspace: &Workspace, wait: Option<u64>) -> Result<Gathered<'_>> {
    let Workspace { world, settings, .. } = workspace;
    let target = workspace.target_of(settings)?;
    let layout = &settings.migrations.layout;
    let environment = settings.environment.environment;
    // The files are read while the server is queried.
    let (folder, glance, found) = std::thread::scope(|scope| {
        let folder = scope.spawn(|| migration::read_folder(settings));
        let glance = scope.spawn(|| Glance::take(world, &settings.root, &target, environment));
        let found = ask(world, settings, &target, wait);
        (folder.join(), glance.join(), found)
    });
    let panicked = |_| RunError::Bug { what: "a thread of `status` panicked".to_owned() };
    let mut folder = folder.map_err(panicked)??;
    let glance = glance.map_err(panicked)?;
    let mut found: Option<Answers> = found?;
    let drift = drift(workspace, settings, &target, (glance, found.as_ref()));
    if let Some(answers) = &mut found {
        if layout.is_asked() {
            (folder, answers.history) = migration::ask(world, settings, &target)?;
        }
        answers.history = layout.completed(std::mem::take(&mut answers.history), &folder);
        // A history table that another set claims is expected.
        answers.history.foreign.retain(|foreign| !settings.migrations.is_anothers(foreign));
    }
    let is_empty = folder.is_empty() && !layout.is_asked();
    let empty = is_empty.then(|| migration::no_migrations_hint(settings)).flatten();
    let lists_all = workspace.ui.is_verbose();
    Ok(Gathered { settings, target, folder, found, empty, drift, lists_all })
}

/// The drift of the database, from what a second connection saw of it.
fn drift(
    workspace: &Workspace,
    settings: &Settings,
    target: &Target,
    (glance, found): (Result<Glance>, Option<&Answers>),
) -> Option<Drift> {
    let layout = &settings.migrations.layout;
    let history = found.map(|answers| &answers.history).filter(|_| !layout.is_asked())?;
    let marker = found.and_then(|answers| answers.marker.as_ref());
    let environment = raised(settings, marker).environment;
    // With `--wait`, the server may not have accepted the first attempt, and the marker says where
    // the fingerprint is kept.
    let glance = match glance {
        Ok(glance) if glance.is_for(environment) => Ok(glance),
        _ => Glance::take(&workspace.world, &settings.root, target, environment),
    };
    match glance.and_then(|glance| glance.drift(&settings.migrations, history)) {
        Ok(drift) => drift,
        Err(failure) => {
            workspace.ui.warning(&format!("drift was not examined: {failure}"));
            None
        }
    }
}

/// The environment of a database with this marker.
fn raised(settings: &Settings, marker: Option<&Marker>) -> Resolved {
    marker.into_iter().fold(settings.environment.clone(), Resolved::raised_by)
}

impl Gathered<'_> {
    fn status(&self) -> StatusReport {
        static NONE: History = History { table: None, applied: Vec::new(), foreign: Vec::new() };
        let history = self.found.as_ref().map_or(&NONE, |answers| &answers.history);
        let marker = self.found.as_ref().and_then(|answers| answers.marker.as_ref());
        let mut status = MigrationStatus::compare(&self.folder, history);
        migration::name_branches(&mut status.problems, self.settings);
        StatusReport::from(StatusFacts {
            target: &self.target,
            environment: raised(self.settings, marker),
            found: self.found.as_ref().map(|answers| (&answers.server, &answers.database)),
            status: &status,
            migrations: &self.settings.migrations,
            settings: settings_shown(self.settings),
            empty: self.empty.clone(),
            drift: self.drift.as_ref(),
            backup: self.newest_backup(),
            lists_all: self.lists_all,
        })
    }
}

impl Gathered<'_> {
    /// A folder that cannot be read has none that could be restored.
    fn newest_backup(&self) -> Option<String> {
        let newest = BackupFolder::of(self.settings).newest_verified(&self.target.database);
        let (newest, _) = newest.ok()?;
        newest.map(|newest| newest.manifest.name)
    }
}

/// What the server answered.
struct Answers {
    history: History,
    server: ServerFacts,
    database: DatabaseFacts,
    marker: Option<Marker>,
}

/// Reads everything from the server in two round trips; `None` if the database does not exist yet.
fn ask(
    world: &World,
    settings: &Settings,
    target: &Target,
    wait: Option<u64>,
) -> Result<Option<Answers>> {
    let layout = &settings.migrations.layout;
    let Some(mut session) = connect(world, settings, target, wait)? else { return Ok(None) };
    let kept = backup::select_previous(target);
    let (found, server, database) = survey::survey(&mut session, layout, &kept)?;
    unread::warn_about_unread(world, &server.user, &found.unread);
    let marker = if found.marker { marker::read(&mut session)? } else { None };
    let history = found.history.map(|table| migration::read_table(&mut session, layout, table));
    let history = match history.transpose()? {
        Some(history) if !history.applied.is_empty() => history,
        // There may be another history next to an empty one.
        _ => migration::read_history(&mut session, layout)?,
    };
    Ok(Some(Answers { history, server, database, marker }))
}

/// Connects. With `--wait`, retries while the server does not answer or is starting; waiting does
/// not help against a wrong password.
fn connect(
    world: &World,
    settings: &Settings,
    target: &Target,
    wait: Option<u64>,
) -> Result<Option<Session>> {
    let began = stopwatch();
    let patience = Duration::from_secs(wait.unwrap_or(0));
    loop {
        let failure = match migration::connect_or_none(world, settings, target) {
            Err(failure) => failure,
            connected => return connected,
        };
        let passing = failure.is_transient();
        if !passing || began.elapsed() >= patience {
            return Err(failure);
        }
        pause(world, Duration::from_millis(200))?;
    }
}

fn settings_shown(settings: &Settings) -> Vec<SettingView> {
    let line = |name, value: String, origin: &crate::settings::Origin| SettingView {
        name,
        value,
        origin: origin.to_string(),
    };
    let relative = |path: &std::path::Path| {
        path.strip_prefix(&settings.root).unwrap_or(path).display().to_string()
    };
    let place = match &settings.place.value {
        crate::settings::DatabaseChoice::Named(target) => target.to_string(),
        crate::settings::DatabaseChoice::Local { .. } => "the private local server".to_owned(),
    };
    let limits = &settings.limits;
    let time = |duration: &Duration| humantime::format_duration(*duration).to_string();
    let mut lines = vec![
        line("Target", place, &settings.place.origin),
        line("Files", relative(&settings.migrations.dir.value), &settings.migrations.dir.origin),
        line("Seeds", relative(&settings.seeds.dir.value), &settings.seeds.dir.origin),
        line("Backups", relative(&settings.backup.dir.value), &settings.backup.dir.origin),
        line("Lock", time(&limits.lock_timeout.value), &limits.lock_timeout.origin),
        line("DDL lock", time(&limits.ddl_lock_timeout.value), &limits.ddl_lock_timeout.origin),
        line(
            "Concurrently",
            time(&limits.concurrently_timeout.value),
            &limits.concurrently_timeout.origin,
        ),
        line("Attempts", limits.attempts.value.to_string(), &limits.attempts.origin),
    ];
    lines.extend(
        limits
            .statement_timeout
            .as_ref()
            .map(|timeout| line("Statement", time(&timeout.value), &timeout.origin)),
    );
    lines.extend(
        settings
            .pg_bin
            .as_ref()
            .map(|bin| line("PostgreSQL", bin.value.display().to_string(), &bin.origin)),
    );
    lines
}
