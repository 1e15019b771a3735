//! Every way in which cargo db can fail: its wording, its exit code and what to do next, in one
//! place. Other modules choose a [`Kind`] and give it the facts; none of them words an error.
//!
//! The wording follows the house rules: a lowercase fragment that names the object, backticks
//! around what is code, no full stop.

use std::fmt;
use std::path::PathBuf;

use crate::model::consent::Consent;
use crate::model::environment::Environment;
use crate::model::history::Problem;

/// The result of nearly everything here.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// What the process ends with. One meaning a number, for all verbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// Something that was asked for with `--check` was found.
    Finding = 1,
    /// Usage or settings.
    Usage = 2,
    /// Declined, or consent missing or not matching.
    Consent = 3,
    /// Refused by policy.
    Policy = 4,
    LockBusy = 5,
    /// Cannot connect.
    Unreachable = 6,
    /// Failed, and the database is as before.
    Failed = 7,
    /// Failed part-way.
    PartWay = 8,
    /// The history is inconsistent.
    History = 9,
    /// A wrapped tool is missing or failed.
    Tool = 10,
    /// A bug of ours.
    Bug = 70,
    Interrupted = 130,
    Terminated = 143,
}

/// What to do next: a sentence, and a command where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    pub(crate) label: String,
    pub(crate) command: Option<String>,
}

/// The place in a file that a statement of the user's failed at, and what the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatementError {
    pub(crate) file: PathBuf,
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// The line itself.
    pub(crate) source_line: String,
    pub(crate) server: ServerError,
}

/// What a server says when it refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerError {
    /// The SQLSTATE, where the server spoke at all.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    /// What the server was busy with: a line of a COPY, a function.
    pub(crate) context: Option<String>,
    /// Where in the statement, in characters from 1.
    pub(crate) position: Option<u32>,
}

/// A failure, what had been done when it happened, and what it came from.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    done: Vec<String>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    // Settings.
    #[error("`{setting}` cannot be read as a database URL: {why}")]
    BadUrl { setting: String, why: String },
    #[error("`{setting}` asks for {}, which cargo db cannot honour", ticked(options))]
    OptionNotHonoured { setting: String, options: Vec<String> },
    #[error("`{flag}` holds a password, and the command line of a program is no secret")]
    PasswordInFlag { flag: &'static str },
    #[error("`{}`, line {line}: {why}", file.display())]
    BadFile { file: PathBuf, line: usize, why: String, suggestion: Option<String> },
    #[error("{source_name} is `{value}`: {why}")]
    BadSetting { source_name: String, value: String, why: String },
    #[error("nothing says which database to use in {environment}")]
    NoTarget { environment: Environment },
    #[error("failed to {doing} `{}`", path.display())]
    File { doing: &'static str, path: PathBuf, why: String },
    #[error("`{name}` cannot be the name of a migration: {why}")]
    BadName { name: String, why: &'static str },
    #[error("no seed is called `{name}` in {environment}")]
    NoSuchSeed { name: String, environment: Environment },

    // Connection.
    #[error("cannot connect to `{target}`")]
    CannotConnect { target: String, why: String, code: Option<String> },
    #[error("the database `{database}` does not exist on `{server}`")]
    NoDatabase { database: String, server: String, environment: Environment },
    #[error("no PostgreSQL server was found on this machine, and no database is named")]
    NoBinaries { looked_in: Vec<String>, install: String },
    #[error("the local server cannot {doing}")]
    Server { doing: &'static str, why: String },
    #[error("the local cluster in `{}` was made by PostgreSQL {made_by}, and only {found} is here", folder.display())]
    OtherMajor { folder: PathBuf, made_by: String, found: String },
    #[error("there is no local server to {doing}: {why}")]
    NoLocalServer { doing: &'static str, why: String },

    // Before anything runs.
    #[error("another run holds the lock on `{target}`: {holder}")]
    LockBusy { target: String, holder: String, waited: String },
    #[error("the history of `{target}` and the files do not agree")]
    HistoryInconsistent { target: String, problems: Vec<Problem> },
    #[error("the history table `{table}` holds rows that its tool never writes")]
    StrangeHistory { table: String },
    #[error("there is no migration with version {version}")]
    UnknownVersion { version: String },
    #[error("version {version} is not applied")]
    NotApplied { version: String },
    #[error("{} cannot be rolled back: no down file", list(migrations))]
    Irreversible { migrations: Vec<String> },
    #[error("`{}` is not a script that can run: {why}", file.display())]
    BadScript { file: PathBuf, why: String },
    #[error("`{}`, line {line}: `{statement}` would end the transaction that the migration runs in", file.display())]
    TransactionControl { file: PathBuf, line: usize, statement: String },
    #[error("`{}` changed while the plan was waiting", file.display())]
    FileChanged { file: PathBuf },
    #[error("the plan changed: it was {before}, and now it is {now}")]
    PlanChanged { before: String, now: String },
    #[error("`{table}` holds {rows} rows that no seed brings back, and it refers to `{refers_to}`")]
    ReferredTo { table: String, rows: u64, refers_to: String },

    // Consent and policy.
    #[error("declined: nothing was changed")]
    Declined,
    #[error("{verb} on `{database}` ({environment}) needs {}", needed(*consent))]
    ConsentMissing { verb: &'static str, database: String, environment: Environment, consent: Consent },
    #[error("`--confirm {given}` does not name the database, `{database}`")]
    WrongName { given: String, database: String },
    #[error("`--plan {given}` is not this plan, {plan}")]
    WrongPlan { given: String, plan: String, verb: &'static str },
    #[error("{verb} is refused in {environment}")]
    Refused { verb: &'static str, environment: Environment, signals: Vec<String> },

    // The deed.
    #[error("{}: {}", place(statement), statement.server.message)]
    Statement { statement: Box<StatementError>, subject: String, verb: &'static str },
    #[error("{}: {}", place(statement), statement.server.message)]
    PartWay { statement: Box<StatementError>, subject: String, stays: Vec<String> },
    #[error("{doing}: {}", server.message)]
    Sql { doing: String, server: Box<ServerError> },
    #[error("the connection to `{target}` was lost during {subject}")]
    ConnectionLost { target: String, subject: String, why: String },
    #[error("the connection to `{target}` was lost during {subject}")]
    LostPartWay { target: String, subject: String, why: String, stays: Vec<String> },
    #[error("the connection to `{target}` was lost while {subject} was being committed")]
    CommitUnknown { target: String, subject: String },
    #[error("`{command}` failed: {why}")]
    Tool { command: String, why: String },
    #[error("stopped by a signal")]
    Interrupted { terminated: bool },
    #[error("{what}")]
    Bug { what: String },
}

impl From<Kind> for Failure {
    fn from(kind: Kind) -> Failure {
        Failure(Box::new(Inner { kind, done: Vec::new() }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl Failure {
    /// What went wrong.
    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Adds what had been done by then.
    pub(crate) fn after(mut self, done: impl IntoIterator<Item = String>) -> Failure {
        self.0.done.splice(0..0, done);
        self
    }

    /// What had been done by then.
    pub(crate) fn done(&self) -> &[String] {
        &self.0.done
    }

    /// The exit code.
    pub(crate) fn exit(&self) -> Exit {
        self.0.kind.table().1
    }

    /// The stable name for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.0.kind.table().0
    }

    /// Why, in lines: what the server said, or what was found.
    pub(crate) fn why(&self) -> Vec<String> {
        self.0.kind.why()
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<Hint> {
        self.0.kind.hints()
    }
}

impl Kind {
    fn table(&self) -> (&'static str, Exit) {
        match self {
            Kind::BadUrl { .. } => ("SETTINGS.URL", Exit::Usage),
            Kind::OptionNotHonoured { .. } => ("SETTINGS.OPTION_NOT_HONOURED", Exit::Usage),
            Kind::PasswordInFlag { .. } => ("SETTINGS.PASSWORD_IN_FLAG", Exit::Usage),
            Kind::BadFile { .. } => ("SETTINGS.FILE", Exit::Usage),
            Kind::BadSetting { .. } => ("SETTINGS.VALUE", Exit::Usage),
            Kind::NoTarget { .. } => ("SETTINGS.NO_DATABASE", Exit::Usage),
            Kind::File { .. } => ("FILE.FAILED", Exit::Failed),
            Kind::BadName { .. } => ("CREATE.NAME", Exit::Usage),
            Kind::NoSuchSeed { .. } => ("SEED.UNKNOWN", Exit::Usage),
            Kind::CannotConnect { .. } => ("CONNECTION.FAILED", Exit::Unreachable),
            Kind::NoDatabase { .. } => ("CONNECTION.NO_DATABASE", Exit::Unreachable),
            Kind::NoBinaries { .. } => ("SERVER.NO_BINARIES", Exit::Unreachable),
            Kind::Server { .. } => ("SERVER.FAILED", Exit::Unreachable),
            Kind::OtherMajor { .. } => ("SERVER.OTHER_MAJOR", Exit::Unreachable),
            Kind::NoLocalServer { .. } => ("SERVER.NONE", Exit::Usage),
            Kind::LockBusy { .. } => ("LOCK.BUSY", Exit::LockBusy),
            Kind::HistoryInconsistent { .. } => ("HISTORY.INCONSISTENT", Exit::History),
            Kind::StrangeHistory { .. } => ("HISTORY.UNREADABLE", Exit::History),
            Kind::UnknownVersion { .. } => ("MIGRATION.UNKNOWN", Exit::Usage),
            Kind::NotApplied { .. } => ("MIGRATION.NOT_APPLIED", Exit::Usage),
            Kind::Irreversible { .. } => ("ROLLBACK.IRREVERSIBLE", Exit::Failed),
            Kind::BadScript { .. } => ("SCRIPT.UNREADABLE", Exit::Failed),
            Kind::TransactionControl { .. } => ("SCRIPT.TRANSACTION_CONTROL", Exit::Failed),
            Kind::FileChanged { .. } => ("PLAN.FILE_CHANGED", Exit::Failed),
            Kind::PlanChanged { .. } => ("PLAN.CHANGED", Exit::Consent),
            Kind::ReferredTo { .. } => ("SEED.REFERRED_TO", Exit::Failed),
            Kind::Declined => ("CONSENT.DECLINED", Exit::Consent),
            Kind::ConsentMissing { .. } => ("CONSENT.MISSING", Exit::Consent),
            Kind::WrongName { .. } => ("CONSENT.WRONG_NAME", Exit::Consent),
            Kind::WrongPlan { .. } => ("CONSENT.WRONG_PLAN", Exit::Consent),
            Kind::Refused { .. } => ("POLICY.REFUSED", Exit::Policy),
            Kind::Statement { .. } => ("STATEMENT.FAILED", Exit::Failed),
            Kind::PartWay { .. } => ("STATEMENT.PART_WAY", Exit::PartWay),
            Kind::Sql { .. } => ("DATABASE.FAILED", Exit::Failed),
            Kind::ConnectionLost { .. } => ("CONNECTION.LOST", Exit::Failed),
            Kind::LostPartWay { .. } => ("CONNECTION.LOST_PART_WAY", Exit::PartWay),
            Kind::CommitUnknown { .. } => ("CONNECTION.COMMIT_UNKNOWN", Exit::Unreachable),
            Kind::Tool { .. } => ("TOOL.FAILED", Exit::Tool),
            Kind::Interrupted { terminated: false } => ("SIGNAL.INTERRUPTED", Exit::Interrupted),
            Kind::Interrupted { terminated: true } => ("SIGNAL.TERMINATED", Exit::Terminated),
            Kind::Bug { .. } => ("BUG", Exit::Bug),
        }
    }

    fn why(&self) -> Vec<String> {
        match self {
            Kind::File { why, .. } | Kind::CannotConnect { why, .. } | Kind::Server { why, .. } => {
                why.lines().map(str::to_owned).collect()
            }
            Kind::ConnectionLost { why, .. } => {
                vec![
                    why.clone(),
                    "the server undoes what was not committed: the database is as before it".to_owned(),
                ]
            }
            Kind::CommitUnknown { .. } => {
                vec!["the server did not come back, so whether it is in cannot be told".to_owned()]
            }
            Kind::NoBinaries { looked_in, .. } => vec![format!("looked in {}", looked_in.join(", "))],
            Kind::LockBusy { waited, .. } => vec![format!("waited {waited} for it")],
            Kind::HistoryInconsistent { problems, .. } => problems.iter().map(problem_line).collect(),
            Kind::Refused { signals, environment, .. } => signals
                .iter()
                .map(|signal| format!("it counts as {environment} because of {signal}"))
                .collect(),
            Kind::Statement { statement, subject, .. } => {
                let mut lines = server_lines(&statement.server);
                lines.push(format!("{subject} was rolled back: the database is as before it"));
                lines
            }
            Kind::PartWay { statement, stays, .. } => {
                server_lines(&statement.server).into_iter().chain(staying(stays)).collect()
            }
            Kind::LostPartWay { why, stays, .. } => {
                std::iter::once(why.clone()).chain(staying(stays)).collect()
            }
            Kind::Sql { server, .. } => server_lines(server),
            _ => Vec::new(),
        }
    }

    fn hints(&self) -> Vec<Hint> {
        match self {
            Kind::OptionNotHonoured { setting, .. } => {
                vec![say(&format!(
                    "leave them out of `{setting}`, or give cargo db a URL of its own with `-D`"
                ))]
            }
            Kind::PasswordInFlag { .. } => {
                vec![say("set DATABASE_URL or PGPASSWORD, or write `.env` or `~/.pgpass`")]
            }
            Kind::BadFile { suggestion: Some(suggestion), .. } => {
                vec![say(&format!("did you mean `{suggestion}`?"))]
            }
            Kind::NoTarget { .. } => vec![say("set DATABASE_URL, in the environment or in `.env`")],
            Kind::NoSuchSeed { .. } => vec![run("see which seeds there are", "cargo db seed --dry-run")],
            Kind::CannotConnect { code, .. } => vec![connection_hint(code.as_deref())],
            Kind::NoDatabase { environment, .. } if environment.is_own() => {
                vec![run("create it and apply the migrations", "cargo db migrate")]
            }
            Kind::NoDatabase { environment, .. } => {
                vec![say(&format!("cargo db creates no database in {environment}: create it first"))]
            }
            Kind::NoBinaries { install, .. } => vec![
                run("install it", install),
                say(
                    "or name a database in DATABASE_URL, or a folder with `initdb` and `postgres` in CARGO_DB_PG_BIN",
                ),
            ],
            Kind::OtherMajor { made_by, .. } => vec![
                say(&format!(
                    "install PostgreSQL {made_by} beside it, or name its folder in CARGO_DB_PG_BIN"
                )),
                run("or begin anew, without what is in it", "cargo db server destroy"),
            ],
            Kind::NoLocalServer { .. } => vec![run("see which database is used, and why", "cargo db status")],
            Kind::LockBusy { .. } => vec![say("wait longer with `--lock-timeout 10m`, or try again later")],
            Kind::HistoryInconsistent { problems, .. } => history_hints(problems),
            Kind::UnknownVersion { .. } | Kind::NotApplied { .. } | Kind::CommitUnknown { .. } => {
                vec![run("see where the database stands", "cargo db status")]
            }
            Kind::Irreversible { .. } => {
                vec![say("write the down file, or a new migration that leads back")]
            }
            Kind::TransactionControl { .. } => vec![say(
                "leave it out, or begin the file with `-- no-transaction` to run it statement by statement",
            )],
            Kind::FileChanged { .. } | Kind::PlanChanged { .. } => {
                vec![say("run the command again to see the new plan")]
            }
            Kind::ReferredTo { .. } => vec![say("empty that table yourself, or add a seed that fills it")],
            Kind::ConsentMissing { verb, database, consent, .. } => consent_hints(verb, database, *consent),
            Kind::WrongName { database, .. } => vec![say(&format!("`--confirm {database}`"))],
            Kind::WrongPlan { verb, .. } => {
                vec![run("see the plan as it is now", &format!("cargo db {verb} --dry-run"))]
            }
            Kind::Refused { .. } => vec![say("nothing that can be passed changes this")],
            Kind::Statement { verb, .. } => vec![run("mend the file, then", &format!("cargo db {verb}"))],
            Kind::PartWay { .. } | Kind::LostPartWay { .. } => vec![say(
                "mend the file so that it can run again (`IF NOT EXISTS`), or undo by hand what stays, then migrate again",
            )],
            Kind::ConnectionLost { .. } => vec![run("when the server is back", "cargo db status --wait")],
            Kind::Interrupted { .. } => vec![run("see where the database stands", "cargo db status")],
            Kind::Bug { .. } => vec![say("this is a bug of cargo db: please report it")],
            _ => Vec::new(),
        }
    }
}

fn say(label: &str) -> Hint {
    Hint { label: label.to_owned(), command: None }
}

fn run(label: &str, command: &str) -> Hint {
    Hint { label: label.to_owned(), command: Some(command.to_owned()) }
}

fn connection_hint(code: Option<&str>) -> Hint {
    match code {
        Some("28P01" | "28000") => {
            say("look at the user and the password; `cargo db status` says where they come from")
        }
        Some("53300") => say("the server has no connection left: close some, or wait"),
        _ => run("wait for the server to come up", "cargo db status --wait"),
    }
}

fn consent_hints(verb: &str, database: &str, consent: Consent) -> Vec<Hint> {
    match consent {
        Consent::Free => Vec::new(),
        Consent::Confirm => vec![run("agree", &format!("cargo db {verb} --yes"))],
        Consent::ByName => vec![run("agree", &format!("cargo db {verb} --confirm {database}"))],
        Consent::ToPlan => vec![
            run("see the plan and its id", &format!("cargo db {verb} --dry-run")),
            run("agree to exactly that plan", &format!("cargo db {verb} --confirm {database} --plan <id>")),
        ],
    }
}

fn history_hints(problems: &[Problem]) -> Vec<Hint> {
    use crate::model::history::Trouble;
    let has = |trouble| problems.iter().any(|problem| problem.trouble == trouble);
    let all = [
        (
            Trouble::Edited,
            "edited: put the file back as it was applied, and write the change as a new migration",
        ),
        (Trouble::Missing, "missing: bring the file back, or go on without it with `--ignore-missing`"),
        (
            Trouble::OutOfOrder,
            "out of order: give it a newer version, or apply it all the same with `--allow-out-of-order`",
        ),
        (Trouble::Duplicate, "duplicate: give one of the two another version"),
        (Trouble::Failed, "failed: see what it left behind, then delete its row from the history table"),
        (Trouble::Misnamed, "misnamed: call it `<version>_<name>.sql`, or move it away"),
    ];
    all.into_iter().filter(|(trouble, _)| has(*trouble)).map(|(_, hint)| say(hint)).collect()
}

/// A problem of the history as one line.
pub(crate) fn problem_line(problem: &Problem) -> String {
    let version = problem.version.as_ref().map(|version| format!("{version} ")).unwrap_or_default();
    format!("{}: {version}`{}`: {}", problem.trouble.name(), problem.name, problem.explanation)
}

fn place(statement: &StatementError) -> String {
    format!("{}:{}:{}", statement.file.display(), statement.line, statement.column)
}

fn server_lines(server: &ServerError) -> Vec<String> {
    let code = server.code.as_ref().map(|code| format!("SQLSTATE {code}"));
    let detail = server.detail.as_ref().map(|detail| format!("detail: {detail}"));
    let hint = server.hint.as_ref().map(|hint| format!("the server's hint: {hint}"));
    let context =
        server.context.as_ref().map(|context| format!("in {}", context.lines().next().unwrap_or("")));
    [detail, context, hint, code].into_iter().flatten().collect()
}

fn needed(consent: Consent) -> &'static str {
    match consent {
        Consent::Free => "nothing",
        Consent::Confirm => "a confirmation",
        Consent::ByName => "consent by name",
        Consent::ToPlan => "consent to the plan",
    }
}

/// What a file that ran outside a transaction leaves behind when it stops.
fn staying(stays: &[String]) -> impl Iterator<Item = String> {
    let head = "it runs outside a transaction, so what came before the failure stays:".to_owned();
    std::iter::once(head).chain(stays.iter().map(|statement| format!("  {statement}")))
}

fn ticked(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn list(names: &[String]) -> String {
    names.join(", ")
}
