//! What `status` found.

use serde::Serialize;
use time::OffsetDateTime;

use crate::answer::drift::DriftView;
use crate::answer::plan::TargetView;
use crate::answer::sets::one_after_the_other;
use crate::answer::step::MigrationView;
use crate::answer::text::{
    MIGRATIONS_SHOWN, and_more, cut, fitted, number, on_lines, plural, size, table, table_within,
};
use crate::answer::{Answer, BOLD, GREEN, RED, SetAnswer, Style, YELLOW};
use crate::failure::{Exit, problem_line};
use crate::model::environment::{Environment, Resolved, Signal};
use crate::model::history::{Applied, MigrationStatus, Problem};
use crate::model::migration::{Migration, title};
use crate::model::overview::{DatabaseFacts, ServerFacts, TableSize};
use crate::model::target::Target;
use crate::schema::Drift;
use crate::settings::{Migrations, Runner};

/// How many tables are listed before they are only counted.
const TABLES_SHOWN: usize = 20;

/// The state of a database.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusReport {
    target: TargetView,
    environment: Environment,
    /// Why it is this environment.
    signals: Vec<Signal>,
    /// Where the marker says that it is a copy.
    copy_of: Option<Environment>,
    /// Null where the database does not exist yet.
    server: Option<ServerFacts>,
    database: DatabaseView,
    tool: ToolView,
    migrations: MigrationsView,
    /// Null if nothing is applied, or if a migration tool reports the history itself.
    drift: Option<DriftView>,
    /// The newest verified backup of the database, other than those before a change; null if
    /// there is none.
    backup: Option<String>,
    /// The largest first.
    tables: Vec<TableSize>,
    settings: Vec<SettingView>,
    /// If there are no migrations: what to do, or which other folders have some.
    #[serde(rename = "hint")]
    empty: Option<String>,
    /// Whether the tool is asked for the pending migrations.
    #[serde(skip)]
    asked: bool,
}

/// The database itself.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct DatabaseView {
    name: String,
    exists: bool,
    bytes: Option<u64>,
    /// The databases that restores kept, the newest first; `cargo db restore
    /// --drop-previous` drops them.
    kept: Vec<String>,
}

/// Whose migrations these are, and who runs them.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ToolView {
    name: &'static str,
    runner: RunnerView,
    set: Option<String>,
    /// Whether the pending migrations can be read exactly from the files.
    certain: bool,
}

/// Who runs migrations.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum RunnerView {
    Builtin,
    Tool,
}

/// Files and history side by side.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct MigrationsView {
    total: usize,
    applied: usize,
    /// Those that are applied, the newest first: with `--verbose` all of them, else at most 10.
    applied_versions: Vec<String>,
    pending: Vec<PendingView>,
    problems: Vec<ProblemView>,
    /// The applied one with the greatest version.
    last: Option<LastView>,
}

/// A migration that is not applied, and its file.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PendingView {
    #[serde(flatten)]
    migration: MigrationView,
    file: String,
}

/// A problem with a migration or a file.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ProblemView {
    state: &'static str,
    version: Option<String>,
    name: String,
    explanation: String,
    #[serde(skip)]
    line: String,
}

/// The migration that was applied last.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LastView {
    version: String,
    name: String,
    #[serde(with = "time::serde::rfc3339::option")]
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    installed_on: Option<OffsetDateTime>,
}

/// A setting with its source.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SettingView {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

impl From<&Problem> for ProblemView {
    fn from(problem: &Problem) -> ProblemView {
        ProblemView {
            state: problem.trouble.name(),
            version: problem.version.as_ref().map(ToString::to_string),
            name: problem.name.clone(),
            explanation: problem.explanation.clone(),
            line: problem_line(problem),
        }
    }
}

impl LastView {
    /// Some tools record no name; then that of the file is shown.
    fn of(last: &Applied, file: Option<&Migration>) -> LastView {
        let of_file = file.map(|file| &file.name).filter(|_| last.name.is_empty());
        LastView {
            version: last.version.to_string(),
            name: of_file.unwrap_or(&last.name).clone(),
            installed_on: last.installed_on,
        }
    }
}

impl From<&Migration> for PendingView {
    fn from(migration: &Migration) -> PendingView {
        PendingView { migration: migration.into(), file: migration.up.path.display().to_string() }
    }
}

impl MigrationsView {
    fn of(status: &MigrationStatus<'_>, lists_all: bool) -> MigrationsView {
        let most = if lists_all { status.applied.len() } else { MIGRATIONS_SHOWN };
        let newest = status.applied.iter().rev().take(most);
        MigrationsView {
            total: status.total,
            applied: status.applied.len(),
            applied_versions: newest.map(|(row, _)| row.version.to_string()).collect(),
            pending: status.pending.iter().map(|file| PendingView::from(*file)).collect(),
            problems: status.problems.iter().map(ProblemView::from).collect(),
            last: status.last().map(|(row, file)| LastView::of(row, file)),
        }
    }
}

impl From<&Migrations> for ToolView {
    fn from(migrations: &Migrations) -> ToolView {
        let runner = match migrations.runner {
            Runner::Builtin => RunnerView::Builtin,
            Runner::Tool => RunnerView::Tool,
        };
        let (name, certain) = (migrations.layout.key(), migrations.layout.profile().is_certain);
        ToolView { name, runner, set: migrations.set.clone(), certain }
    }
}

impl ToolView {
    fn text(&self) -> String {
        let runner = match (self.runner, self.certain) {
            (RunnerView::Builtin, _) => "",
            (RunnerView::Tool, true) => ", which runs them",
            (RunnerView::Tool, false) => {
                ", which runs them; pending migrations are read from its files (best effort)"
            }
        };
        let set = self.set.as_ref().map_or_else(String::new, |set| format!(" of the set {set}"));
        format!("{}{set}{runner}", self.name)
    }
}

fn listed(lines: Vec<String>, style: &Style) -> Vec<String> {
    if style.details { lines } else { cut(lines, MIGRATIONS_SHOWN) }
}

impl MigrationsView {
    fn lines(&self, style: &Style) -> Vec<String> {
        let pending = match self.pending.len() {
            0 => "none pending".to_owned(),
            pending => style.paint(YELLOW, &format!("{pending} pending")),
        };
        let mut lines = vec![format!(
            "{}{} applied, {pending}",
            style.paint(BOLD, &format!("{:<13}", "Migrations")),
            self.applied,
        )];
        if let Some(LastView { version, name, installed_on }) = &self.last {
            let when = installed_on
                .and_then(|when| when.format(&time::format_description::well_known::Rfc3339).ok())
                .map_or_else(String::new, |when| format!(" on {when}"));
            lines.push(format!("{:<13}{}{when}", "Last", title(version, name)));
        }
        let pending = self.pending.iter();
        let pending = pending.map(|file| format!("{:<13}{}", "Pending", file.migration.title()));
        let head = style.paint(RED, &format!("{:<13}", "Problem"));
        let problems = self.problems.iter().map(|problem| format!("{head}{}", problem.line));
        lines.extend(listed(pending.collect(), style));
        lines.extend(listed(problems.collect(), style));
        on_lines(lines)
    }
}

/// What a database and its migrations are known by.
pub(crate) struct StatusFacts<'a> {
    pub(crate) target: &'a Target,
    pub(crate) environment: Resolved,
    /// `None` where the database does not exist yet.
    pub(crate) found: Option<(&'a ServerFacts, &'a DatabaseFacts)>,
    pub(crate) status: &'a MigrationStatus<'a>,
    pub(crate) migrations: &'a Migrations,
    pub(crate) settings: Vec<SettingView>,
    /// What to do if there are no migrations.
    pub(crate) empty: Option<String>,
    /// `None` if it is not examined.
    pub(crate) drift: Option<&'a Drift>,
    /// The name of the newest verified backup.
    pub(crate) backup: Option<String>,
    /// Whether all applied versions are listed.
    pub(crate) lists_all: bool,
}

impl From<StatusFacts<'_>> for StatusReport {
    fn from(facts: StatusFacts<'_>) -> StatusReport {
        let Resolved { environment, signals, copy_of } = facts.environment;
        let (server, database) = facts.found.unzip();
        StatusReport {
            target: facts.target.into(),
            environment,
            signals,
            copy_of,
            server: server.cloned(),
            database: DatabaseView {
                name: facts.target.database.clone(),
                exists: database.is_some(),
                bytes: database.map(|database| database.bytes),
                kept: database.map(|database| database.kept.clone()).unwrap_or_default(),
            },
            tool: facts.migrations.into(),
            migrations: MigrationsView::of(facts.status, facts.lists_all),
            drift: facts.drift.map(DriftView::from),
            backup: facts.backup,
            tables: database.map(|database| database.tables.clone()).unwrap_or_default(),
            settings: facts.settings,
            empty: facts.empty,
            asked: facts.migrations.layout.is_asked(),
        }
    }
}

impl StatusReport {
    /// The exit code of what `--check` reports: something is wrong, or only pending.
    pub(crate) fn finding(&self) -> Option<Exit> {
        // Without a database, the tool cannot report what is pending.
        let unknown = !self.database.exists && self.asked;
        if !self.migrations.problems.is_empty() || self.has_drifted() {
            return Some(Exit::History);
        }
        (!self.migrations.pending.is_empty() || unknown).then_some(Exit::Finding)
    }

    fn has_drifted(&self) -> bool {
        self.drift.as_ref().is_some_and(DriftView::is_found)
    }

    /// What a table of several sets shows.
    fn cells(&self) -> [String; 5] {
        let MigrationsView { applied, pending, problems, .. } = &self.migrations;
        let state = match () {
            () if !problems.is_empty() => plural(problems.len(), "problem"),
            () if self.has_drifted() => "drifted".to_owned(),
            () if !self.database.exists => "no database".to_owned(),
            () if self.empty.is_some() && *applied == 0 => "no migrations".to_owned(),
            () if !pending.is_empty() => "pending".to_owned(),
            () => "up to date".to_owned(),
        };
        let count = |count: usize| number(count as u64);
        [
            self.database.name.clone(),
            self.environment.to_string(),
            count(*applied),
            count(pending.len()),
            state,
        ]
    }

    /// How to begin with a database that has tables, but no history.
    fn hint_at_baseline(&self, style: &Style) -> Option<String> {
        let MigrationsView { applied, pending, .. } = &self.migrations;
        let is_new = *applied == 0 && !pending.is_empty() && !self.tables.is_empty();
        let dry_run = style.command("cargo db baseline --dry-run");
        is_new.then(|| {
            format!(
                "{:<13}the database has tables, but no history; if the migrations built them, \
                 record that: `{dry_run}`",
                ""
            )
        })
    }

    /// The server, the database, and what they are for.
    fn head(&self, style: &Style) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| {
            lines.push(format!("{}{value}", style.paint(BOLD, &format!("{name:<13}"))));
        };
        let (at, name) = (&self.target.server, &self.database.name);
        match &self.server {
            Some(server) => {
                let tls = server.tls.as_deref().unwrap_or("no TLS");
                let role = if server.superuser { ", a superuser" } else { "" };
                let standby = match server.in_recovery {
                    true => ", a standby, on which nothing can be changed",
                    false => "",
                };
                line("Server", format!("PostgreSQL {} at {at}{standby}", server.version));
                line("Connected", format!("as {}{role}, {tls}", server.user));
                let bytes = size(self.database.bytes.unwrap_or_default());
                line("Database", format!("{name}, {bytes}"));
                if !self.database.kept.is_empty() {
                    let kept = plural(self.database.kept.len(), "previous database");
                    let drop = style.command("cargo db restore --drop-previous");
                    line("Kept", format!("{kept}; `{drop}` drops them"));
                }
            }
            None => {
                line("Server", at.clone());
                let migrate = style.command("cargo db migrate");
                line("Database", format!("{name} does not exist yet; `{migrate}` creates it"));
            }
        }
        let colour = if self.environment.is_disposable() { GREEN } else { YELLOW };
        line("Environment", style.paint(colour, self.environment.name()));
        for signal in &self.signals {
            line("", format!("{}: {}", signal.source, signal.said));
        }
        if let Some(copied) = self.copy_of {
            line("", format!("a copy of {copied}, according to its marker"));
        }
        match &self.empty {
            Some(_) => line("Tool", "none yet".to_owned()),
            None => line("Tool", self.tool.text()),
        }
        for setting in &self.settings {
            line(setting.name, format!("{} ({})", setting.value, setting.origin));
        }
        on_lines(lines)
    }

    fn tables(&self) -> Vec<String> {
        if self.tables.is_empty() {
            return Vec::new();
        }
        let row = |table: &TableSize| {
            vec![table.name.clone(), format!("~{}", number(table.rows)), size(table.bytes)]
        };
        let rows: Vec<Vec<String>> = self.tables.iter().take(TABLES_SHOWN).map(row).collect();
        let mut lines = vec![String::new(), table(&["Table", "Rows", "Size"], &rows)];
        lines.extend(and_more(self.tables.len(), TABLES_SHOWN));
        lines
    }
}

impl Answer for StatusReport {
    fn text(&self, style: &Style) -> String {
        let mut lines = self.head(style);
        lines.push(String::new());
        match &self.empty {
            Some(why) if self.migrations.applied == 0 => {
                lines.push(format!("{}{why}", style.paint(BOLD, &format!("{:<13}", "Migrations"))));
            }
            _ => lines.extend(self.migrations.lines(style)),
        }
        lines.extend(self.hint_at_baseline(style));
        lines.extend(self.drift.iter().flat_map(|drift| on_lines(drift.lines(style))));
        lines.extend(self.tables());
        fitted(&lines.join("\n"), style.width)
    }

    /// A table with a row for each set.
    fn text_of_sets(sets: &[SetAnswer<StatusReport>], style: &Style) -> String {
        if style.details {
            return one_after_the_other(sets, style);
        }
        let header = ["Set", "Database", "Environment", "Applied", "Pending", "State"];
        let row = |set: &SetAnswer<StatusReport>| {
            let cells = match set.answer() {
                Some(status) => status.cells(),
                None => ["", "", "", "", "failed"].map(str::to_owned),
            };
            std::iter::once(set.name().to_owned()).chain(cells).collect()
        };
        let rows: Vec<Vec<String>> = sets.iter().map(row).collect();
        let rows = table_within(style.width, (&header, &rows), &[2, 1]);
        let details = style.command("cargo db status");
        format!("{rows}\n\ndetails: `{details} --set NAME` or `{details} -v`")
    }
}
