//! The tools, and the command line of each call. No tool takes SQL, a URL or a file.

use cargo_db_mcp::{ArgumentType, CheckedArguments, OfferedTool, ToolArgument, ToolEffect};

use crate::change::KeptPlan;
use crate::verb::mcp::command_line::ToolCommand;

/// A tool, and what its calls do.
pub(super) struct DatabaseTool {
    pub(super) offered: OfferedTool,
    pub(super) action: ToolAction,
}

/// What a call of a tool does.
#[derive(Clone, Copy)]
pub(super) enum ToolAction {
    /// Runs the command that the arguments are.
    Command(fn(&CheckedArguments) -> Result<ToolCommand, String>),
    /// Runs a command for the kept plan that the argument names.
    Plan(fn(&KeptPlan) -> Result<ToolCommand, String>),
}

/// All tools, in the order in which clients list them.
pub(super) fn tools() -> Vec<DatabaseTool> {
    let tool = |offered, action| DatabaseTool { offered, action };
    let read = [
        tool(status(), ToolAction::Command(|_| Ok(ToolCommand::of("status")))),
        tool(schema(), ToolAction::Command(|sent| table(ToolCommand::of("schema show"), sent))),
        tool(check(), ToolAction::Command(check_line)),
        tool(diff(), ToolAction::Command(diff_line)),
        tool(rehearse(), ToolAction::Command(|_| Ok(ToolCommand::of("rehearse")))),
        tool(backups(), ToolAction::Command(|_| Ok(ToolCommand::of("backups list")))),
        tool(audit(), ToolAction::Command(audit_line)),
    ];
    let change = [
        tool(create(), ToolAction::Command(|sent| named(ToolCommand::of("create"), sent))),
        tool(plan(), ToolAction::Command(plan_line)),
        tool(request_approval(), ToolAction::Plan(approval_line)),
        tool(apply(), ToolAction::Plan(|kept| apply_line("apply", kept))),
        tool(restore(), ToolAction::Plan(|kept| apply_line("restore", kept))),
        tool(snapshot(), ToolAction::Plan(|kept| apply_line("snapshot", kept))),
    ];
    read.into_iter().chain(change).collect()
}

/// Writes files or scratch databases, and replaces nothing.
const ADDS: ToolEffect = ToolEffect { is_read_only: false, ..ToolEffect::READS };

/// Carries out a plan, which is used up by that.
const CHANGES: ToolEffect = ToolEffect { is_destructive: true, ..ADDS };

fn argument(name: &'static str, value: ArgumentType, description: &'static str) -> ToolArgument {
    ToolArgument { name, description, value, is_required: false }
}

fn required(argument: ToolArgument) -> ToolArgument {
    ToolArgument { is_required: true, ..argument }
}

fn text(name: &'static str, description: &'static str) -> ToolArgument {
    argument(name, ArgumentType::Text, description)
}

/// Which database a tool is about, behind its own arguments.
fn of_database(own: impl IntoIterator<Item = ToolArgument>) -> Vec<ToolArgument> {
    let environments = vec!["development", "test", "staging", "production"];
    let common = [
        argument("env", ArgumentType::OneOf(environments), "The environment"),
        text("set", "The set of migrations, if db.toml has several"),
    ];
    own.into_iter().chain(common).collect()
}

/// The command line with the arguments that select the database.
pub(super) fn selected(line: ToolCommand, sent: &CheckedArguments) -> ToolCommand {
    line.option("--env", sent.text("env")).option("--set", sent.text("set"))
}

fn status() -> OfferedTool {
    OfferedTool {
        name: "status",
        title: "State of the database",
        description: "Show the connection, the environment, the applied and pending migrations, \
                      problems, and what to do next.",
        arguments: of_database([]),
        effect: ToolEffect::READS,
    }
}

fn schema() -> OfferedTool {
    OfferedTool {
        name: "schema",
        title: "Tables and columns",
        description: "List the tables, or show the columns, constraints and indexes of one.",
        arguments: of_database([text("table", "The table or view; all without it")]),
        effect: ToolEffect::READS,
    }
}

fn table(line: ToolCommand, sent: &CheckedArguments) -> Result<ToolCommand, String> {
    line.value("table", sent.text("table"))
}

fn check() -> OfferedTool {
    OfferedTool {
        name: "check",
        title: "Lint migrations",
        description: "Find syntax errors and dangerous statements in the migration files, without \
                      a database.",
        arguments: of_database([text("since", "Only files changed since this git revision")]),
        effect: ToolEffect::READS,
    }
}

fn check_line(sent: &CheckedArguments) -> Result<ToolCommand, String> {
    Ok(ToolCommand::of("check").option("--base", sent.text("since")))
}

fn diff() -> OfferedTool {
    OfferedTool {
        name: "diff",
        title: "Compare schemas",
        description: "Compare two states: `live`, `migrations`, `schema`, `backup:NAME` or \
                      `REV:migrations`. What the migrations build is a scratch database, which is \
                      kept.",
        arguments: of_database([
            text("a", "The first state (default: migrations)"),
            text("b", "The second state (default: live)"),
        ]),
        effect: ADDS,
    }
}

fn diff_line(sent: &CheckedArguments) -> Result<ToolCommand, String> {
    let mut line = ToolCommand::of("diff");
    for (name, default) in [("a", "migrations"), ("b", "live")] {
        let state = sent.text(name).unwrap_or(default);
        if !is_own_state(state) {
            let own = "`live`, `migrations`, `schema`, `backup:NAME` or `REV:migrations`";
            return Err(format!("the argument `{name}` is none of {own}: `{state}`"));
        }
        line = line.value(name, Some(state))?;
    }
    Ok(line)
}

/// Whether a state is of the project: no file, and no other database.
fn is_own_state(state: &str) -> bool {
    let is_revision = |revision: &str| !matches!(revision, "" | "backup" | "file" | "url");
    match state.split_once(':') {
        None => ["live", "migrations", "schema"].contains(&state),
        Some(("backup", name)) => is_name(name),
        Some((revision, "migrations")) => is_revision(revision),
        Some(_) => false,
    }
}

/// Whether a text is no path.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

fn rehearse() -> OfferedTool {
    OfferedTool {
        name: "rehearse",
        title: "Rehearse pending migrations",
        description: "Run the pending migrations on a scratch copy, which is dropped again, and \
                      measure locks, duration and loss.",
        arguments: of_database([]),
        effect: ADDS,
    }
}

fn backups() -> OfferedTool {
    OfferedTool {
        name: "backups",
        title: "List backups",
        description: "List the backups of the project, the newest first.",
        arguments: of_database([]),
        effect: ToolEffect::READS,
    }
}

fn audit() -> OfferedTool {
    OfferedTool {
        name: "audit",
        title: "Audit trail",
        description: "Show what was done, by whom, and the outcome.",
        arguments: of_database([argument(
            "limit",
            ArgumentType::Count,
            "How many operations, the newest (default: 20)",
        )]),
        effect: ToolEffect::READS,
    }
}

fn audit_line(sent: &CheckedArguments) -> Result<ToolCommand, String> {
    Ok(ToolCommand::of("audit").option("--limit", Some(sent.count("limit").unwrap_or(20))))
}

fn create() -> OfferedTool {
    OfferedTool {
        name: "create",
        title: "Create a migration",
        description: "Write an empty migration file and return its path. Then edit the file.",
        arguments: of_database([required(text("name", "For example `add users`"))]),
        effect: ToolEffect { is_idempotent: false, ..ADDS },
    }
}

fn named(line: ToolCommand, sent: &CheckedArguments) -> Result<ToolCommand, String> {
    line.value("name", sent.text("name"))
}

/// What can be planned: its name, its command, and the arguments that it takes.
const PLANNED: &[(&str, &str, &[&str])] = &[
    ("migrate", "migrate", &["to", "steps", "show_sql"]),
    ("rollback", "rollback", &["to", "steps", "show_sql"]),
    ("seed", "seed", &["name"]),
    ("seed-fresh", "seed --fresh", &["name"]),
    ("reset", "reset", &[]),
    ("restore", "restore", &["backup"]),
    ("baseline", "baseline", &["to"]),
    ("repair", "repair", &[]),
    ("rebase", "rebase", &[]),
    ("switch", "switch", &[]),
    ("snapshot-save", "snapshot save", &["name"]),
    ("snapshot-restore", "snapshot restore", &["name"]),
    ("snapshot-drop", "snapshot drop", &["name"]),
];

/// The tool that carries out the plans of a command, if `plan` makes them.
fn tool_of(command: &str) -> Option<&'static str> {
    let is_planned = PLANNED.iter().any(|(_, planned, _)| *planned == command);
    is_planned.then(|| match command.split(' ').next() {
        Some("restore") => "restore",
        Some("snapshot") => "snapshot",
        _ => "apply",
    })
}

fn plan() -> OfferedTool {
    let verbs = PLANNED.iter().map(|(name, ..)| *name).collect();
    OfferedTool {
        name: "plan",
        title: "Plan a change",
        description: "Show what a command would do, and keep the plan for 24 hours. Changes \
                      nothing. Carry it out with `apply`, `restore` or `snapshot`.",
        arguments: of_database([
            required(argument("verb", ArgumentType::OneOf(verbs), "What to plan")),
            text("to", "migrate, rollback, baseline: stop at this version"),
            argument("steps", ArgumentType::Count, "migrate, rollback: how many migrations"),
            text("backup", "restore: the name of the backup (default: the newest)"),
            text("name", "seed: only this file; snapshot: the name of the snapshot"),
            argument("show_sql", ArgumentType::Flag, "migrate, rollback: show the statements"),
        ]),
        effect: ADDS,
    }
}

fn plan_line(sent: &CheckedArguments) -> Result<ToolCommand, String> {
    let wanted = sent.text("verb").unwrap_or_default();
    let planned = PLANNED.iter().find(|(name, ..)| *name == wanted);
    let (verb, command, taken) = planned.ok_or_else(|| format!("there is no verb `{wanted}`"))?;
    let others = ["to", "steps", "backup", "name", "show_sql"];
    if let Some(name) = others.iter().find(|name| sent.has(name) && !taken.contains(name)) {
        return Err(format!("`{verb}` takes no `{name}`"));
    }
    let line = ToolCommand::of(&format!("plan {command}"))
        .option("--to", sent.text("to"))
        .option("--steps", sent.count("steps"))
        .flag("--show-sql", sent.flag("show_sql"));
    match (*verb, sent.text("name"), sent.text("backup")) {
        ("seed" | "seed-fresh", name, _) => Ok(line.option("--only", name)),
        ("restore", _, None) => Ok(line.flag("--latest", true)),
        ("restore", _, Some(backup)) if !is_name(backup) => {
            Err(format!("the argument `backup` is a path, and no name: `{backup}`"))
        }
        ("restore", _, backup) => line.value("backup", backup),
        (_, name, _) => line.value("name", name),
    }
}

/// The argument of the tools that carry a plan out.
fn of_plan() -> Vec<ToolArgument> {
    vec![required(text("plan_id", "The id that `plan` returned"))]
}

fn request_approval() -> OfferedTool {
    OfferedTool {
        name: "request_approval",
        title: "Ask a person to approve a plan",
        description: "Leave a plan in the database for the person who approves it. Then ask the \
                      person to run `cargo db approve PLAN-ID`.",
        arguments: of_plan(),
        effect: ADDS,
    }
}

/// The same plan, made again: if nothing is different, it has the same id.
fn approval_line(kept: &KeptPlan) -> Result<ToolCommand, String> {
    Ok(ToolCommand::of("plan --for-approval").words(kept.words()))
}

fn apply() -> OfferedTool {
    OfferedTool {
        name: "apply",
        title: "Carry out a plan",
        description: "Carry out a plan, unless it is of `restore` or `snapshot`. The plan is made \
                      again, and refused if anything is different.",
        arguments: of_plan(),
        effect: CHANGES,
    }
}

/// Carries a plan out, with consent to it by its id and the name of its database.
fn apply_line(tool: &str, kept: &KeptPlan) -> Result<ToolCommand, String> {
    let KeptPlan { id, verb, database, .. } = kept;
    match tool_of(verb) {
        None => Err(format!("no tool carries out `{verb}`, which the plan {id} is of")),
        Some(own) if own != tool => {
            Err(format!("the plan {id} is of `{verb}`: call the tool `{own}`"))
        }
        Some(_) => {
            ToolCommand::of("apply").option("--confirm", Some(database)).value("plan_id", Some(id))
        }
    }
}

fn restore() -> OfferedTool {
    OfferedTool {
        name: "restore",
        title: "Restore a backup",
        description: "Carry out a plan of `restore`.",
        arguments: of_plan(),
        effect: CHANGES,
    }
}

fn snapshot() -> OfferedTool {
    OfferedTool {
        name: "snapshot",
        title: "Save, restore or drop a snapshot",
        description: "Carry out a plan of `snapshot-save`, `snapshot-restore` or `snapshot-drop`.",
        arguments: of_plan(),
        effect: CHANGES,
    }
}
