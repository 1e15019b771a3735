//! Every way in which cargo db can fail: its wording, its exit code and what to do next, in one
//! folder. Other modules choose a [`Kind`] and give it the facts; none of them words an error.
//!
//! The wording follows the house rules: a lowercase fragment that names the object, backticks
//! around what is code, no full stop.

mod from_tools;
mod help;

use std::fmt;
use std::path::PathBuf;

use postgres::error::SqlState;

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
    /// A backup, a restore or a verification failed.
    Backup = 11,
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

impl ServerError {
    /// Whether the server gave this reason.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        self.code.as_deref() == Some(state.code())
    }
}

pub(crate) use help::problem_line;

/// A failure, what had been done when it happened, and what it came from.
#[derive(Debug)]
pub(crate) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    done: Vec<String>,
    /// The set of migrations that was named.
    set: Option<String>,
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
    #[error("{what}")]
    Usage { what: String },
    #[error("nothing says which database to use in {environment}")]
    NoTarget { environment: Environment, signals: Vec<String> },
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
    #[error("no pg_dump and pg_restore for PostgreSQL {major} were found")]
    NoClient { major: u32, package: String },
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
    #[error("`{table}` is not a history of {expected}: {}", tool.as_ref().map_or_else(|| "it is made in another way".to_owned(), |tool| format!("it is one of {tool}")))]
    OtherHistory { table: String, tool: Option<String>, expected: String },
    #[error(
        "`{database}` has another history: {foreign}, and that of {tool} is not where it should be"
    )]
    ForeignHistory { database: String, foreign: String, tool: String },
    #[error("`{}` holds what only {tool} can run", file.display())]
    NotSql { file: PathBuf, tool: String },
    #[error("the files look like those of several tools: {}", list(candidates))]
    SeveralTools { candidates: Vec<String> },
    #[error("there is no migration with version {version}")]
    UnknownVersion { version: String },
    #[error("version {version} is not applied")]
    NotApplied { version: String },
    #[error("{} cannot be rolled back: no down file", list(migrations))]
    Irreversible { migrations: Vec<String> },
    #[error("`{}` is not a script that can run: {why}", file.display())]
    BadScript { file: PathBuf, why: String },
    #[error("`{}`, line {line}: `{statement}` would end the transaction that it runs in", file.display())]
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
    ConsentMissing {
        verb: &'static str,
        /// What was typed, without what was agreed to in it.
        command: String,
        database: String,
        environment: Environment,
        consent: Consent,
        /// What makes it ask for so much.
        signals: Vec<String>,
    },
    #[error("`--confirm {given}` does not name the database, `{database}`")]
    WrongName { given: String, database: String },
    #[error("`--plan {given}` is not this plan, {plan}")]
    WrongPlan { given: String, plan: String, command: String },
    #[error("the plan {given} was carried out already, and its id is used up")]
    PlanUsedUp { given: String, command: String },
    #[error("the rehearsal says no: {}", findings.first().map_or("it could not be measured", String::as_str))]
    Blocked { findings: Vec<String> },
    #[error("no receipt of a rehearsal holds for {verb} on `{database}`")]
    NoReceipt { verb: &'static str, database: String, objections: Vec<String> },
    #[error(
        "more would be lost than the file expects: {object} holds {found}, and {bound} were expected"
    )]
    MoreThanExpected { object: String, found: u64, bound: u64 },
    #[error("{verb} is refused in {environment}")]
    Refused { verb: &'static str, environment: Environment, signals: Vec<String> },

    // The deed.
    #[error("{}: {}", place(statement), statement.server.message)]
    Statement { statement: Box<StatementError>, subject: String, verb: &'static str },
    #[error("{}: {}", place(statement), statement.server.message)]
    PartWay { statement: Box<StatementError>, subject: String, stays: Vec<String> },
    #[error("{subject} was given up, because others waited for it too long")]
    Blocking { subject: String, who: String },
    #[error("{doing}: {}", server.message)]
    Sql { doing: String, server: Box<ServerError> },
    #[error("the connection to `{target}` was lost during {subject}")]
    ConnectionLost { target: String, subject: String, why: String },
    #[error("the connection that held the lock on `{target}` was lost")]
    LockLost { target: String, why: String },
    #[error("{subject} ran, and the history could not record it")]
    NotRecorded { subject: String, why: String, stays: Vec<String> },
    #[error("the history of `{database}` is in {schemas}, where the search path does not lead")]
    HistoryElsewhere { database: String, schemas: String },
    #[error("{subject} cannot be rolled back: its down file holds no statement")]
    EmptyDown { subject: String },
    #[error("the connection to `{target}` was lost during {subject}")]
    LostPartWay { target: String, subject: String, why: String, stays: Vec<String> },
    #[error("the connection to `{target}` was lost while {subject} was being committed")]
    CommitUnknown { target: String, subject: String },
    #[error("there is no program `{program}`, in the project or on the PATH")]
    NoTool { program: String },
    #[error("{tool} has no command that would {doing}")]
    ToolCannot { tool: String, doing: String, key: &'static str },
    #[error(
        "{tool} goes to another database than it is told: `{command}` succeeded for one that does not exist"
    )]
    GoesElsewhere { tool: String, command: String },
    #[error("{tool} reads host and port, and this server is on a unix socket")]
    NeedsTcp { tool: String },
    #[error("`{command}` ended with {status}")]
    ToolFailed { command: String, status: String, said: String, differences: Vec<String> },
    #[error("{who} reported success, and the database is in another state: {}", differences.first().map_or("", String::as_str))]
    OtherState { who: String, differences: Vec<String> },
    #[error("`{command}` failed: {why}")]
    Tool { command: String, why: String },
    #[error("`{name}` failed")]
    Client { name: String, why: String },
    #[error("cannot {doing} the backup: {why}")]
    Backup { doing: &'static str, why: String },
    #[error("there is no backup {what}")]
    NoBackup { what: String },
    #[error("the backup `{name}` is not sound")]
    Unsound { name: String, problems: Vec<String> },
    #[error(
        "`{name}` cannot be the name of a backup: it would leave the folder, or it is taken by cargo db"
    )]
    BadBackupName { name: String },
    #[error("the backup `{name}` cannot be restored here")]
    CannotRestore { name: String, problems: Vec<String> },
    #[error("{}:{line}: verification failed: {found}", file.display())]
    NotVerified { file: PathBuf, line: usize, found: String, subject: String },
    #[error("{failure}")]
    SwappedBack { failure: String, why: Vec<String>, code: &'static str, exit: Exit },
    #[error("{failure}; the backup `{backup}` was not swapped back in")]
    NotSwappedBack { failure: String, backup: String, doubts: Vec<String>, why: Vec<String> },
    #[error("the audit trail is broken at record {sequence}")]
    TrailBroken { sequence: u64, why: String },
    #[error("stopped by a signal")]
    Interrupted { terminated: bool },
    #[error("{what}")]
    Bug { what: String },
}

impl From<Kind> for Failure {
    fn from(kind: Kind) -> Failure {
        Failure(Box::new(Inner { kind, done: Vec::new(), set: None }))
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

    /// Whether the server refused something, a statement or a connection, for this reason.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        match self.kind() {
            Kind::Sql { server, .. } => server.is(state),
            Kind::Statement { statement, .. } => statement.server.is(state),
            Kind::CannotConnect { code, .. } => code.as_deref() == Some(state.code()),
            _ => false,
        }
    }

    /// Whether the server answered that there is no such database.
    pub(crate) fn is_no_database(&self) -> bool {
        self.is(&SqlState::INVALID_CATALOG_NAME)
    }

    /// Says what was rolled back with a verification that failed.
    pub(crate) fn about(mut self, rolled_back: &str) -> Failure {
        if let Kind::NotVerified { subject, .. } = &mut self.0.kind {
            rolled_back.clone_into(subject);
        }
        self
    }

    /// Adds what had been done by then.
    pub(crate) fn after(mut self, done: impl IntoIterator<Item = String>) -> Failure {
        self.0.done.splice(0..0, done);
        self
    }

    /// Forgets what had been done: it was done to what is gone by now.
    pub(crate) fn without_done(mut self) -> Failure {
        self.0.done.clear();
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
        help::why(&self.0.kind)
    }

    /// Says which set of migrations it was about: what is to be done next is done to that one.
    pub(crate) fn of_set(mut self, set: Option<&str>) -> Failure {
        self.0.set = set.map(str::to_owned);
        self
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<Hint> {
        let mut hints = help::hints(&self.0.kind);
        if let Some(set) = &self.0.set {
            let commands = hints.iter_mut().filter_map(|hint| hint.command.as_mut());
            for command in
                commands.filter(|one| one.starts_with("cargo db ") && !one.contains("--set"))
            {
                command.push_str(&format!(" --set {}", shell_words::quote(set)));
            }
        }
        hints
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
            Kind::Usage { .. } => ("USAGE", Exit::Usage),
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
            Kind::OtherHistory { .. } => ("HISTORY.OTHER_TOOL", Exit::History),
            Kind::ForeignHistory { .. } => ("HISTORY.FOREIGN", Exit::History),
            Kind::NotSql { .. } => ("MIGRATION.NOT_SQL", Exit::Usage),
            Kind::SeveralTools { .. } => ("SETTINGS.SEVERAL_TOOLS", Exit::Usage),
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
            Kind::PlanUsedUp { .. } => ("CONSENT.USED_UP", Exit::Consent),
            Kind::Blocked { .. } => ("REHEARSAL.BLOCKED", Exit::Policy),
            Kind::NoReceipt { .. } => ("REHEARSAL.NO_RECEIPT", Exit::Policy),
            Kind::MoreThanExpected { .. } => ("REHEARSAL.MORE_THAN_EXPECTED", Exit::Policy),
            Kind::Refused { .. } => ("POLICY.REFUSED", Exit::Policy),
            Kind::Statement { .. } => ("STATEMENT.FAILED", Exit::Failed),
            Kind::PartWay { .. } => ("STATEMENT.PART_WAY", Exit::PartWay),
            Kind::Blocking { .. } => ("LOCK.OTHERS_WAITED", Exit::Failed),
            Kind::Sql { .. } => ("DATABASE.FAILED", Exit::Failed),
            Kind::ConnectionLost { .. } => ("CONNECTION.LOST", Exit::Failed),
            Kind::LockLost { .. } => ("LOCK.LOST", Exit::Failed),
            Kind::NotRecorded { .. } => ("HISTORY.NOT_RECORDED", Exit::PartWay),
            Kind::HistoryElsewhere { .. } => ("HISTORY.ELSEWHERE", Exit::History),
            Kind::EmptyDown { .. } => ("ROLLBACK.EMPTY", Exit::Failed),
            Kind::LostPartWay { .. } => ("CONNECTION.LOST_PART_WAY", Exit::PartWay),
            Kind::CommitUnknown { .. } => ("CONNECTION.COMMIT_UNKNOWN", Exit::Unreachable),
            Kind::NoTool { .. } => ("TOOL.MISSING", Exit::Tool),
            Kind::ToolCannot { .. } => ("TOOL.CANNOT", Exit::Tool),
            Kind::GoesElsewhere { .. } => ("TOOL.GOES_ELSEWHERE", Exit::Tool),
            Kind::NeedsTcp { .. } => ("TOOL.NEEDS_TCP", Exit::Tool),
            Kind::ToolFailed { .. } => ("TOOL.FAILED", Exit::Tool),
            Kind::OtherState { .. } => ("TOOL.OTHER_STATE", Exit::Tool),
            Kind::Tool { .. } => ("TOOL.FAILED", Exit::Tool),
            Kind::NoClient { .. } => ("BACKUP.NO_CLIENT", Exit::Backup),
            Kind::Client { .. } => ("BACKUP.CLIENT_FAILED", Exit::Backup),
            Kind::Backup { .. } => ("BACKUP.FAILED", Exit::Backup),
            Kind::NoBackup { .. } => ("BACKUP.NONE", Exit::Backup),
            Kind::Unsound { .. } => ("BACKUP.UNSOUND", Exit::Backup),
            Kind::BadBackupName { .. } => ("BACKUP.NAME", Exit::Usage),
            Kind::CannotRestore { .. } => ("RESTORE.PREFLIGHT", Exit::Backup),
            Kind::NotVerified { subject, .. } if subject.is_empty() => {
                ("VERIFY.FAILED", Exit::PartWay)
            }
            Kind::NotVerified { .. } => ("VERIFY.FAILED", Exit::Failed),
            Kind::SwappedBack { code, exit, .. } => (code, *exit),
            Kind::NotSwappedBack { .. } => ("MIGRATE.NOT_SWAPPED_BACK", Exit::PartWay),
            Kind::TrailBroken { .. } => ("HISTORY.BROKEN", Exit::Finding),
            Kind::Interrupted { terminated: false } => ("SIGNAL.INTERRUPTED", Exit::Interrupted),
            Kind::Interrupted { terminated: true } => ("SIGNAL.TERMINATED", Exit::Terminated),
            Kind::Bug { .. } => ("BUG", Exit::Bug),
        }
    }
}

fn place(statement: &StatementError) -> String {
    format!("{}:{}:{}", statement.file.display(), statement.line, statement.column)
}

fn needed(consent: Consent) -> &'static str {
    match consent {
        Consent::Free => "nothing",
        Consent::Confirm => "a confirmation",
        Consent::ByName => "consent by name",
        Consent::ToPlan => "consent to the plan",
    }
}

fn ticked(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn list(names: &[String]) -> String {
    names.join(", ")
}
