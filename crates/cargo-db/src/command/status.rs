//! `cargo db status`.

use std::time::Duration;

use crate::cli::StatusArgs;
use crate::command::Context;
use crate::failure::{Exit, Kind, Result};
use crate::migration;
use crate::model::environment::{Marker, Resolved};
use crate::model::history::{History, Standing};
use crate::model::migration::Folder;
use crate::model::overview::{DatabaseFacts, ServerFacts};
use crate::model::target::Target;
use crate::settings::Settings;
use crate::ui::{Report, SettingLine, StatusReport};
use crate::world::clock::{pause, stopwatch};
use crate::world::pg::{Session, marker, survey};
use db_tools::ProjectTool;

/// Shows where each of these stands: one, or all sets of migrations.
pub(super) fn run(
    contexts: Vec<(Option<String>, Result<Context>)>,
    args: &StatusArgs,
) -> Result<Exit> {
    let (mut seen, mut failures) = (Vec::new(), Vec::new());
    for (set, context) in contexts {
        match context {
            Ok(context) => seen.push((set, context)),
            Err(failure) => failures.push((set, failure)),
        }
    }
    let mut looked = Vec::new();
    for (set, context) in &seen {
        match look(context, args.wait) {
            Ok(found) => looked.push(found),
            Err(failure) => failures.push((set.clone(), failure)),
        }
    }
    let Some((_, first)) = seen.first().filter(|_| !looked.is_empty()) else {
        return Err(failures.swap_remove(0).1);
    };
    first.world.interrupt.check()?;
    let reports: Vec<StatusReport<'_>> = looked.iter().map(Looked::report).collect();
    match reports.as_slice() {
        [one] if seen.len() + failures.len() == 1 => first.ui.report(&Report::Status(one)),
        sets => first.ui.report(&Report::StatusOfSets(sets)),
    }
    for (set, failure) in &failures {
        let why = failure.why().into_iter().map(|why| format!("\n  {why}")).collect::<String>();
        first.ui.warning(&format!(
            "set {}: {failure}{why}",
            set.as_deref().unwrap_or("without a name")
        ));
    }
    if let Some((_, failure)) = failures.first() {
        return Ok(failure.exit());
    }
    let is_finding = |report: &StatusReport<'_>| {
        // Without a database a tool that is asked cannot say what is pending.
        let unknown = report.found.is_none() && report.migrations.layout.is_asked();
        !report.standing.pending.is_empty() || !report.standing.problems.is_empty() || unknown
    };
    Ok(if args.check && reports.iter().any(is_finding) { Exit::Finding } else { Exit::Done })
}

/// What was found, before it is compared.
struct Looked<'a> {
    settings: &'a Settings,
    target: Target,
    folder: Folder,
    /// Nothing where the database does not exist yet.
    found: Option<Answers>,
}

fn look(context: &Context, wait: Option<u64>) -> Result<Looked<'_>> {
    let Context { world, settings, .. } = context;
    let target = context.target()?;
    let layout = &settings.migrations.layout;
    // The disk is read while the server is asked.
    let (folder, found): (_, Result<Option<Answers>>) = std::thread::scope(|scope| {
        let folder = scope.spawn(|| migration::read_folder(settings));
        let found = ask(context, &target, layout, wait);
        (folder.join(), found)
    });
    let mut folder =
        folder.map_err(|_| Kind::Bug { what: "a thread of `status` panicked".to_owned() })??;
    let mut found = found?;
    if let Some(answers) = &mut found {
        if layout.is_asked() {
            (folder, answers.history) = migration::ask(world, settings, &target)?;
        }
        answers.history = layout.completed(std::mem::take(&mut answers.history), &folder);
        // Where db.toml names several sets, several histories are what is to be expected.
        if settings.migrations.sets.len() > 1 {
            answers.history.foreign = None;
        }
    }
    Ok(Looked { settings, target, folder, found })
}

impl Looked<'_> {
    fn report(&self) -> StatusReport<'_> {
        static NONE: History = History { table: None, applied: Vec::new(), foreign: None };
        let history = self.found.as_ref().map_or(&NONE, |answers| &answers.history);
        let marker = self.found.as_ref().and_then(|answers| answers.marker.as_ref());
        StatusReport {
            target: self.target.clone(),
            environment: marker
                .into_iter()
                .fold(self.settings.environment.clone(), Resolved::raised_by),
            found: self.found.as_ref().map(|answers| (&answers.server, &answers.database)),
            standing: Standing::compare(&self.folder, history),
            migrations: &self.settings.migrations,
            settings: settings_shown(self.settings),
        }
    }
}

/// What the server answered.
struct Answers {
    history: History,
    server: ServerFacts,
    database: DatabaseFacts,
    marker: Option<Marker>,
}

/// Everything that the server is asked, in two round trips; nothing where the database does not
/// exist yet.
fn ask(
    context: &Context,
    target: &Target,
    layout: &ProjectTool,
    wait: Option<u64>,
) -> Result<Option<Answers>> {
    let Some(mut session) = connect(context, target, wait)? else { return Ok(None) };
    let (found, server, database) = survey::survey(&mut session, layout)?;
    let marker = if found.marker { marker::read(&mut session)? } else { None };
    let history = match found.history {
        Some(table) => migration::read_table(&mut session, layout, table)?,
        None => migration::read_history(&mut session, layout)?,
    };
    Ok(Some(Answers { history, server, database, marker }))
}

/// Connects, and with `--wait` tries again as long as nobody answers or the server is still
/// starting. A wrong password does not get right by waiting.
fn connect(context: &Context, target: &Target, wait: Option<u64>) -> Result<Option<Session>> {
    let began = stopwatch();
    let patience = Duration::from_secs(wait.unwrap_or(0));
    loop {
        let failure = match migration::connect_or_none(&context.world, &context.settings, target) {
            Err(failure) => failure,
            connected => return connected,
        };
        let passing = matches!(
            failure.kind(),
            Kind::CannotConnect { code: None, .. }
                | Kind::NoDatabase { .. }
                | Kind::ConnectionLost { .. }
        ) || matches!(failure.kind(), Kind::CannotConnect { code: Some(code), .. } if code == "57P03");
        if !passing || began.elapsed() >= patience {
            return Err(failure);
        }
        pause(&context.world, Duration::from_millis(200))?;
    }
}

fn settings_shown(settings: &Settings) -> Vec<SettingLine> {
    let line = |name, value: String, origin: &crate::settings::Origin| SettingLine {
        name,
        value,
        origin: origin.to_string(),
    };
    let relative = |path: &std::path::Path| {
        path.strip_prefix(&settings.root).unwrap_or(path).display().to_string()
    };
    let place = match &settings.place.value {
        crate::settings::Place::Named(target) => target.to_string(),
        crate::settings::Place::Local { .. } => "the private local server".to_owned(),
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
