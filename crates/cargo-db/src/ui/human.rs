//! Answers and failures for people.

use crate::failure::{Failure, Kind, StatementError, problem_line};
use crate::model::audit::{By, Phase, Record};
use crate::model::environment::{Environment, Marker, Resolved};
use crate::model::migration::title;
use crate::model::target::Target;
use crate::plan::{Batch, Loss, Plan, Step, Verb};
use crate::seed::Rows;
use crate::settings::{Migrations, Runner};
use crate::ui::report::{LocalStatus, PolicyRow, Report, StatusReport};
use crate::ui::text::{elapsed, number, plural, size, table};
use crate::ui::{BOLD, CYAN, DIM, GREEN, RED, Ui, YELLOW};
use crate::ui::{backups, findings, rehearsal};

/// How many tables `status` lists before it only counts them.
const TABLES_SHOWN: usize = 20;

/// An answer as text.
pub(super) fn report(report: &Report<'_>, ui: &Ui) -> String {
    match report {
        Report::Status(status) => self::status(status, ui),
        Report::StatusOfSets(sets) => {
            sets.iter().map(|set| self::status(set, ui)).collect::<Vec<_>>().join("\n\n")
        }
        Report::DryRun { plan, sql } => dry_run(plan, sql.as_deref(), ui),
        Report::Foreseen { plan, sql, foresight } => {
            format!(
                "{}\n\n{}",
                dry_run(plan, sql.as_deref(), ui),
                rehearsal::foresight(plan, foresight, ui)
            )
        }
        Report::Migrated { plan, deeds } => {
            let verb = match plan.verb {
                Verb::Rollback => "reverted",
                Verb::Baseline => "recorded as applied, and not run",
                Verb::Repair => "put right in the history",
                _ => "applied",
            };
            let total = deeds.iter().map(|deed| deed.elapsed).sum();
            match deeds.len() {
                0 => nothing_to_do(plan),
                count if matches!(plan.verb, Verb::Baseline | Verb::Repair) => {
                    format!("{} {verb}", plural(count, "migration"))
                }
                count => format!("{} {verb} in {}", plural(count, "migration"), elapsed(total)),
            }
        }
        Report::Seeded { plan, rows } => seeded(plan, rows),
        Report::Created { files } => {
            let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            lines.join("\n")
        }
        Report::BackedUp { path, backup, removed } => backups::backed_up(path, backup, removed),
        Report::Backups { found, folder } => backups::backups(found, folder),
        Report::Backup { backup } => backups::one_backup(backup),
        Report::Verified { verifications } => backups::verified(verifications, ui),
        Report::Pruned { verdicts, plan, dry_run } => backups::pruned(verdicts, plan, *dry_run),
        Report::Restored { target, what, kept } => backups::restored(target, *what, *kept),
        Report::Rehearsed { target, rehearsal, markdown: true, .. } => {
            rehearsal::markdown(target, rehearsal)
        }
        Report::Rehearsed { target, rehearsal, .. } => rehearsal::text(target, rehearsal, ui),
        Report::Checked { checked } => findings::checked(checked, ui),
        Report::Policy { environments, rows, agent } => policy(environments, rows, *agent),
        Report::Environment { target, environment, marker } => {
            environment_of(target, environment, *marker)
        }
        Report::History { records } => history(records),
        Report::TrailSound { records } => {
            format!(
                "the audit trail is as it was written, {}",
                plural(usize::try_from(*records).unwrap_or(0), "record")
            )
        }
        Report::Reset { target, migrations, rows, backup } => {
            reset(target, *migrations, rows, *backup)
        }
        Report::Server(server) => local_server(server),
        Report::Line(line) => (*line).to_owned(),
    }
}

fn status(status: &StatusReport<'_>, ui: &Ui) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| {
        lines.push(format!("{}{value}", ui.out(BOLD, &format!("{name:<13}"))))
    };

    match &status.found {
        Some((server, database)) => {
            let tls = server.tls.as_deref().unwrap_or("no TLS");
            let role = if server.superuser { ", a superuser" } else { "" };
            let standby =
                if server.in_recovery { ", a standby: nothing can be changed here" } else { "" };
            line(
                "Server",
                format!("PostgreSQL {} at {}{standby}", server.version, status.target.server()),
            );
            line("Connected", format!("as {}{role}, {tls}", server.user));
            line("Database", format!("{}, {}", status.target.database, size(database.bytes)));
        }
        None => {
            line("Server", status.target.server());
            line(
                "Database",
                format!(
                    "{} does not exist yet; `cargo db migrate` creates it",
                    status.target.database
                ),
            );
        }
    }
    let environment = &status.environment;
    line(
        "Environment",
        ui.out(
            if environment.environment.is_own() { GREEN } else { YELLOW },
            environment.environment.name(),
        ),
    );
    for signal in &environment.signals {
        line("", format!("{}: {}", signal.source, signal.said));
    }
    if let Some(copied) = environment.copy_of {
        line("", format!("a copy of {copied}, by its marker"));
    }
    line("Tool", tool(status.migrations));
    for setting in &status.settings {
        line(setting.name, format!("{} ({})", setting.value, setting.origin));
    }
    lines.push(String::new());
    lines.extend(migrations(status, ui));
    if let Some((_, database)) = &status.found
        && !database.tables.is_empty()
    {
        let shown = database.tables.iter().take(TABLES_SHOWN);
        let rows: Vec<Vec<String>> = shown
            .map(|table| {
                vec![table.name.clone(), format!("~{}", number(table.rows)), size(table.bytes)]
            })
            .collect();
        lines.push(String::new());
        lines.push(table(&["Table", "Rows", "Size"], &rows));
        if database.tables.len() > TABLES_SHOWN {
            lines.push(format!(
                "and {} more",
                number((database.tables.len() - TABLES_SHOWN) as u64)
            ));
        }
    }
    lines.join("\n")
}

/// Whose migrations these are, and who runs them.
fn tool(migrations: &Migrations) -> String {
    let runner = match (migrations.runner, migrations.layout.profile().is_certain) {
        (Runner::Builtin, _) => "",
        (Runner::Tool, true) => ", which runs them",
        (Runner::Tool, false) => {
            ", which runs them; what is pending is read from its files, as far as that goes"
        }
    };
    let set = migrations.set.as_ref().map_or_else(String::new, |set| format!(" of the set {set}"));
    format!("{}{set}{runner}", migrations.layout.key())
}

fn migrations(status: &StatusReport<'_>, ui: &Ui) -> Vec<String> {
    let standing = &status.standing;
    let pending = standing.pending.len();
    let mut lines = vec![format!(
        "{}{} in all, {} executed, {}",
        ui.out(BOLD, &format!("{:<13}", "Migrations")),
        standing.total,
        standing.applied.len(),
        if pending == 0 {
            "none pending".to_owned()
        } else {
            ui.out(YELLOW, &format!("{pending} pending"))
        },
    )];
    if let Some(last) = standing.last() {
        let when = last
            .installed_on
            .and_then(|when| when.format(&time::format_description::well_known::Rfc3339).ok())
            .map_or_else(String::new, |when| format!(" on {when}"));
        lines.push(format!("{:<13}{}{}", "Last", title(&last.version, &last.name), when));
    }
    lines.extend(standing.pending.iter().map(|file| format!("{:<13}{}", "Pending", file.title())));
    lines.extend(standing.problems.iter().map(|problem| {
        format!("{:<13}{}", ui.out(RED, &format!("{:<13}", "Problem")), problem_line(problem))
    }));
    lines
}

/// The steps of a plan, one a line.
pub(super) fn plan(plan: &Plan, ui: &Ui, answer: bool) -> String {
    let paint = |style, text: &str| if answer { ui.out(style, text) } else { ui.err(style, text) };
    let head =
        format!("{} {} on {} ({})", paint(CYAN, "Plan"), plan.id(), plan.target, plan.environment);
    let mut lines = vec![head, paint(DIM, &format!("  policy: {}", plan.terms))];
    lines.extend(plan.skipped.iter().map(|skipped| paint(DIM, &format!("  {skipped}"))));
    lines.extend(plan.commands.iter().map(|command| paint(DIM, &format!("  by `{command}`"))));
    for step in &plan.steps {
        lines.push(format!("  {}", describe(step)));
        let losses: &[Loss] = match step {
            Step::Revert { losses, .. }
            | Step::Clear { tables: losses }
            | Step::Replace { loses: losses, .. }
            | Step::Swap { loses: losses, .. } => losses,
            _ => &[],
        };
        lines.extend(
            losses.iter().map(|loss| paint(YELLOW, &format!("    {}", describe_loss(loss)))),
        );
    }
    lines.join("\n")
}

fn describe(step: &Step) -> String {
    match step {
        Step::CreateDatabase { name } => format!("create the database {name}"),
        Step::CreateHistory { table } => format!("create the history table {table}"),
        Step::Apply { migration } => {
            let how = if migration.up.transactional { "" } else { ", without a transaction" };
            format!("apply {}{how}", migration.title())
        }
        Step::Revert { migration, .. } => format!("revert {}", migration.title()),
        Step::Record { migration } => {
            format!("record {} as applied, without running it", migration.title())
        }
        Step::Rerecord { migration } => {
            format!(
                "record the checksum that {} has now: only comments or white space changed",
                migration.title()
            )
        }
        Step::ClearFailed { migration } => {
            format!("clear away that {} failed: it is pending again", migration.title())
        }
        Step::Clear { tables } => format!("clear {}", plural(tables.len(), "table")),
        Step::Load { seed } => format!("load {}", seed.path),
        Step::Run { command } => format!("run `{}`", command.join(" ")),
        Step::Backup => "take a backup, and read it back".to_owned(),
        Step::AllOrNothing { how: Batch::OneTransaction } => {
            "all or nothing: what follows runs in one transaction".to_owned()
        }
        Step::AllOrNothing { how: Batch::SwapBack { because } } => {
            format!(
                "all or nothing: if one fails, the backup is swapped back in, because {because}"
            )
        }
        Step::BuildEmpty => "build a new database beside the old one".to_owned(),
        Step::Mark { environment: Some(environment) } => {
            format!("mark the database as {environment}")
        }
        Step::Mark { environment: None } => "remove the marker of the database".to_owned(),
        Step::Build { backup } => format!("build a new database from {backup} and compare it"),
        Step::CreateRoles { names } => {
            format!(
                "create {} without passwords: {}",
                plural(names.len(), "role"),
                names.join(", ")
            )
        }
        Step::Replace { what, backup, .. } => {
            format!("replace {what} with what {backup} holds, in one transaction")
        }
        Step::Swap { name, keeps_old: true, .. } => {
            format!("swap it in as {name}; the old one stays under another name")
        }
        Step::Swap { name, keeps_old: false, .. } => {
            format!("swap it in as {name} and drop the old one")
        }
        Step::PutBack { kept, name } => {
            format!("{kept} becomes {name} again; what is {name} now stays under another name")
        }
        Step::Remove { what } => format!("remove {what}"),
        Step::Name { name } => format!("name it {name}"),
    }
}

fn describe_loss(loss: &Loss) -> String {
    let object = short(&loss.object);
    match loss.rows {
        Some(0) => format!("{object} is empty: nothing is lost"),
        Some(1) => format!("loses {object}: 1 row"),
        Some(rows) => format!("loses {object}: {} rows", number(rows)),
        None => format!("loses {object}: how much was not counted"),
    }
}

/// A name without the schema that everybody expects.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("public.").unwrap_or(name)
}

fn dry_run(plan: &Plan, sql: Option<&[(std::path::PathBuf, String)]>, ui: &Ui) -> String {
    if plan.is_empty() {
        return nothing_to_do(plan);
    }
    let mut text = self::plan(plan, ui, true);
    for warning in &plan.warnings {
        text = format!("{text}\n{} {warning}", ui.out(YELLOW, "warning:"));
    }
    for (file, sql) in sql.unwrap_or_default() {
        text = format!("{text}\n\n-- {}\n{}", file.display(), sql.trim_end());
    }
    text
}

fn nothing_to_do(plan: &Plan) -> String {
    match plan.verb {
        Verb::Migrate => {
            format!(
                "nothing to do: {} has every migration that was asked for",
                plan.target.database
            )
        }
        Verb::Restore
        | Verb::RestoreInPlace
        | Verb::Reset
        | Verb::Mark
        | Verb::Unmark
        | Verb::Prune
        | Verb::Destroy => "nothing to do".to_owned(),
        Verb::Baseline => "nothing to do: no migration is pending".to_owned(),
        Verb::Repair => "nothing to do: the history is in order".to_owned(),
        Verb::Rollback => format!("nothing to do: {} has no such migration", plan.target.database),
        Verb::Seed | Verb::SeedFresh if plan.skipped.is_empty() => {
            "nothing to do: there are no seeds".to_owned()
        }
        Verb::Seed | Verb::SeedFresh => {
            format!("nothing to do: {} has every seed", plan.target.database)
        }
    }
}

fn seeded(plan: &Plan, rows: &Rows) -> String {
    if plan.is_empty() {
        return nothing_to_do(plan);
    }
    let lines: Vec<Vec<String>> =
        rows.iter().map(|(table, rows)| vec![short(table).to_owned(), number(*rows)]).collect();
    let total: u64 = rows.values().sum();
    match lines.as_slice() {
        [] => "no rows loaded".to_owned(),
        lines => format!(
            "{}\n\n{} loaded into {}",
            table(&["Table", "Rows"], lines),
            plural(usize::try_from(total).unwrap_or(usize::MAX), "row"),
            plural(lines.len(), "table")
        ),
    }
}

fn policy(environments: &[Environment], rows: &[PolicyRow], agent: Option<&str>) -> String {
    let mut lines = Vec::new();
    for (column, environment) in environments.iter().enumerate() {
        lines.push(format!("{environment}"));
        for row in rows {
            let (terms, tightened) = &row.cells[column];
            let mark = if *tightened { ", as db.toml says" } else { "" };
            lines.push(format!("  {:<17} {terms}{mark}", row.verb));
        }
    }
    lines.push("reading verbs and backup are allowed everywhere".to_owned());
    if let Some(variable) = agent {
        lines.push(format!(
            "an AI agent runs this ({variable}): every consent is consent to the plan"
        ));
    }
    lines.join("\n")
}

fn environment_of(target: &Target, environment: &Resolved, marker: Option<&Marker>) -> String {
    let mut lines = vec![format!("{} on {}", environment.environment, target)];
    lines.extend(
        environment.signals.iter().map(|signal| format!("  {}: {}", signal.source, signal.said)),
    );
    lines.push(match marker {
        None => "  it has no marker".to_owned(),
        Some(Marker { environment, genuine: true }) => format!("  its marker says {environment}"),
        Some(Marker { environment, genuine: false }) => {
            format!("  its marker is that of a copy of {environment}")
        }
    });
    lines.join("\n")
}

fn history(records: &[Record]) -> String {
    if records.is_empty() {
        return "nothing was done yet".to_owned();
    }
    let outcome = |intent: &Record| {
        let ended = records
            .iter()
            .find(|record| record.run == intent.run && record.phase == Phase::Outcome);
        ended.map_or("no outcome: it was killed, or is at work", |record| {
            record.result.as_deref().unwrap_or_default()
        })
    };
    let line = |intent: &Record| {
        let moment = intent.when.get(..19).unwrap_or(&intent.when).replace('T', " ");
        let By { user, host, kind, .. } = &intent.by;
        format!(
            "{:>4}  {moment}  {} on {} ({}) by {user}@{host}, {kind}: {}",
            intent.sequence,
            intent.verb,
            intent.target,
            intent.environment,
            outcome(intent)
        )
    };
    let intents = records.iter().filter(|record| record.phase == Phase::Intent);
    intents.map(line).collect::<Vec<_>>().join("\n")
}

fn reset(target: &Target, migrations: usize, rows: &Rows, backup: Option<&str>) -> String {
    let total: u64 = rows.values().sum();
    let mut line =
        format!("{} is new: {} applied", target.database, plural(migrations, "migration"));
    if total > 0 {
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        line = format!("{line}, {} loaded", plural(total, "row"));
    }
    match backup {
        Some(backup) => format!("{line}\nwhat was in it is in {backup}"),
        None => line,
    }
}

fn local_server(server: &LocalStatus) -> String {
    let folder = server.folder.display();
    let state = match (server.major, server.pid) {
        (None, _) => format!("there is no local server; its place would be {folder}"),
        (Some(major), None) => format!("PostgreSQL {major} in {folder}, stopped"),
        (Some(major), Some(pid)) => format!("PostgreSQL {major} in {folder}, running (pid {pid})"),
    };
    let deed = server.deed.map(str::to_owned);
    deed.into_iter().chain([state]).chain(server.url.clone()).collect::<Vec<_>>().join("\n")
}

/// A failure as text: what, where, why, what was done before, what to do next.
pub(super) fn failure(failure: &Failure, ui: &Ui) -> String {
    let mut lines = vec![format!("{} {failure}", ui.err(RED, "error:"))];
    match failure.kind() {
        Kind::Statement { statement, .. } | Kind::PartWay { statement, .. } => {
            lines.extend(excerpt(statement, ui));
        }
        _ => {}
    }
    lines.extend(failure.why().iter().map(|why| format!("  {why}")));
    if let [.., last] = failure.done() {
        let count = failure.done().len();
        let before =
            if count == 1 { last.clone() } else { format!("{count} steps, the last: {last}") };
        lines.push(format!("  done before it, and kept: {before}"));
    }
    let hints = failure.hints();
    if !hints.is_empty() {
        lines.push(String::new());
    }
    for hint in hints {
        let command = hint.command.map(|command| format!(": `{command}`")).unwrap_or_default();
        lines.push(format!("{} {}{command}", ui.err(CYAN, "help:"), hint.label));
    }
    lines.join("\n")
}

/// The line that failed, with a mark under the place.
fn excerpt(statement: &StatementError, ui: &Ui) -> Vec<String> {
    let number = statement.line.to_string();
    let gap = " ".repeat(number.len());
    let bar = ui.err(CYAN, "|");
    let mark = format!("{}{}", " ".repeat(statement.column.saturating_sub(1)), ui.err(RED, "^"));
    let line = statement.source_line.replace('\t', " ");
    vec![format!(" {gap} {bar}"), format!(" {number} {bar} {line}"), format!(" {gap} {bar} {mark}")]
}
