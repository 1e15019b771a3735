//! Every way in which cargo db can fail, by area: message, code, exit code, reason and next steps
//! are together, in one match arm for each kind. Other modules choose a kind and supply the facts;
//! none of them writes an error message.
//!
//! Messages are lowercase fragments that name the object, with backticks around code and without a
//! full stop.

mod approval;
mod audit;
mod backup;
mod concurrently;
mod connection;
mod consent;
mod database;
mod dump;
mod exit;
mod explanation;
mod file;
mod from_tools;
mod generate;
mod history;
mod hooks;
mod key;
mod lock;
mod migration;
mod program;
mod rebase;
mod rehearsal;
mod run;
mod schema;
mod seed;
mod server;
mod settings;
mod snapshot;
mod switch;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;

pub(crate) use approval::ApprovalError;
pub(crate) use audit::AuditError;
pub(crate) use backup::BackupError;
pub(crate) use concurrently::{ConcurrentlyError, Stopped};
pub(crate) use connection::ConnectionError;
pub(crate) use consent::ConsentError;
pub(crate) use database::DatabaseError;
pub(crate) use dump::DumpError;
pub(crate) use exit::Exit;
pub(crate) use explanation::{Hint, RetainedFlag, with_flags};
pub(crate) use file::FileError;
pub(crate) use generate::{AskedRename, GenerateError};
pub(crate) use history::{HistoryError, KEEP_HISTORY, RepairHope, problem_line};
pub(crate) use hooks::HooksError;
pub(crate) use key::KeyError;
pub(crate) use lock::LockError;
pub(crate) use migration::MigrationError;
pub(crate) use program::ProgramError;
pub(crate) use rebase::RebaseError;
pub(crate) use rehearsal::RehearsalError;
pub(crate) use run::RunError;
pub(crate) use schema::{SchemaError, ServerWideStatement};
pub(crate) use seed::SeedError;
pub(crate) use server::LocalServerError;
pub(crate) use settings::SettingsError;
pub(crate) use snapshot::SnapshotError;
pub(crate) use switch::SwitchError;

use explanation::{Explanation, with_kept_flags};
use postgres::error::SqlState;

use crate::model::history::{Problem, ProblemKind};
use crate::model::statement::StatementError;
use crate::model::target::TargetError;

/// The result of nearly everything here.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// What went wrong, by area.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum Kind {
    Settings(#[from] SettingsError),
    File(#[from] FileError),
    Connection(#[from] ConnectionError),
    LocalServer(#[from] LocalServerError),
    Lock(#[from] LockError),
    History(#[from] HistoryError),
    Migration(#[from] MigrationError),
    Seed(#[from] SeedError),
    Consent(#[from] ConsentError),
    Concurrently(#[from] ConcurrentlyError),
    Rehearsal(#[from] RehearsalError),
    Database(#[from] DatabaseError),
    Program(#[from] ProgramError),
    Backup(#[from] BackupError),
    Dump(#[from] DumpError),
    Schema(#[from] SchemaError),
    Generate(#[from] GenerateError),
    Approval(#[from] ApprovalError),
    Audit(#[from] AuditError),
    Key(#[from] KeyError),
    Hooks(#[from] HooksError),
    Rebase(#[from] RebaseError),
    Snapshot(#[from] SnapshotError),
    Switch(#[from] SwitchError),
    Run(#[from] RunError),
}

impl Kind {
    fn explain(&self) -> Explanation {
        match self {
            Kind::Settings(kind) => kind.explain(),
            Kind::File(kind) => kind.explain(),
            Kind::Connection(kind) => kind.explain(),
            Kind::LocalServer(kind) => kind.explain(),
            Kind::Lock(kind) => kind.explain(),
            Kind::History(kind) => kind.explain(),
            Kind::Migration(kind) => kind.explain(),
            Kind::Seed(kind) => kind.explain(),
            Kind::Consent(kind) => kind.explain(),
            Kind::Concurrently(kind) => kind.explain(),
            Kind::Rehearsal(kind) => kind.explain(),
            Kind::Database(kind) => kind.explain(),
            Kind::Program(kind) => kind.explain(),
            Kind::Backup(kind) => kind.explain(),
            Kind::Dump(kind) => kind.explain(),
            Kind::Schema(kind) => kind.explain(),
            Kind::Generate(kind) => kind.explain(),
            Kind::Approval(kind) => kind.explain(),
            Kind::Audit(kind) => kind.explain(),
            Kind::Key(kind) => kind.explain(),
            Kind::Hooks(kind) => kind.explain(),
            Kind::Rebase(kind) => kind.explain(),
            Kind::Snapshot(kind) => kind.explain(),
            Kind::Switch(kind) => kind.explain(),
            Kind::Run(kind) => kind.explain(),
        }
    }
}

impl From<TargetError> for Kind {
    fn from(error: TargetError) -> Kind {
        Kind::Settings(error.into())
    }
}

/// The error of another library that a failure came from.
type Cause = Box<dyn Error + Send + Sync>;

/// A failure, what had been done when it occurred, and its cause.
#[derive(Debug)]
pub(crate) struct Failure(Box<FailureInner>);

#[derive(Debug)]
struct FailureInner {
    kind: Kind,
    done: Vec<String>,
    /// The flags of the call that a suggested command needs too.
    kept: Vec<RetainedFlag>,
    /// A further problem, which would be found after this one is fixed.
    other: Option<Failure>,
    /// Where the address of the database was found.
    address: Option<String>,
    cause: Option<Cause>,
}

impl<K: Into<Kind>> From<K> for Failure {
    fn from(kind: K) -> Failure {
        Failure(Box::new(FailureInner {
            kind: kind.into(),
            done: Vec::new(),
            kept: Vec::new(),
            other: None,
            address: None,
            cause: None,
        }))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Any kind of failure with its cause. The cause is available as [`Error::source`]; only the
/// message of the kind is printed.
pub(crate) trait CausedBy: Into<Failure> {
    /// The failure that this kind is, with its cause.
    fn caused_by(self, cause: impl Into<Cause>) -> Failure {
        let mut failure: Failure = self.into();
        failure.0.cause = Some(cause.into());
        failure
    }
}

impl<K: Into<Failure>> CausedBy for K {}

impl Failure {
    /// What went wrong.
    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Whether it is that migrations cannot be rolled back.
    pub(crate) fn is_one_way(&self) -> bool {
        let is_irreversible =
            |kind: &MigrationError| matches!(kind, MigrationError::Irreversible { .. });
        match self.kind() {
            Kind::Switch(_) => true,
            Kind::Migration(kind) => is_irreversible(kind),
            _ => false,
        }
    }

    /// Whether the server reported that the database does not exist.
    pub(crate) fn is_no_database(&self) -> bool {
        self.is(&SqlState::INVALID_CATALOG_NAME)
    }

    /// Whether the role lacks a privilege.
    pub(crate) fn is_denied(&self) -> bool {
        self.is(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// Whether a pooler is in front of the server that is not used.
    pub(crate) fn is_pooler(&self) -> bool {
        let kind = self.kind();
        matches!(
            kind,
            Kind::Connection(ConnectionError::Pooler { .. } | ConnectionError::PoolTooSmall { .. })
        )
    }

    /// Whether the server refused something, a statement or a connection, for this reason.
    pub(crate) fn is(&self, state: &SqlState) -> bool {
        match self.kind() {
            Kind::Database(DatabaseError::Sql { server, .. }) => server.is(state),
            Kind::Database(DatabaseError::Statement { statement, .. }) => {
                statement.server.is(state)
            }
            Kind::Connection(ConnectionError::Failed { code, .. }) => {
                code.as_deref() == Some(state.code())
            }
            _ => false,
        }
    }

    /// The problems of a history, if the failure is about them.
    pub(crate) fn problems(&self) -> &[Problem] {
        match self.kind() {
            Kind::History(HistoryError::Inconsistent { problems, .. }) => problems,
            _ => &[],
        }
    }

    /// Whether the failure is about a history with a problem of this kind.
    pub(crate) fn has_problem(&self, kind: ProblemKind) -> bool {
        self.problems().iter().any(|problem| problem.trouble == kind)
    }

    /// Adds details to the problems of a history.
    pub(crate) fn with_problems(mut self, add: impl FnMut(&mut Problem)) -> Failure {
        if let Kind::History(HistoryError::Inconsistent { problems, .. }) = &mut self.0.kind {
            problems.iter_mut().for_each(add);
        }
        self
    }

    /// The same about a history whose edited files git does not know.
    pub(crate) fn without_hope_of_repair(mut self) -> Failure {
        if let Kind::History(HistoryError::Inconsistent { repair, .. }) = &mut self.0.kind {
            *repair = RepairHope::Uncommitted;
        }
        self
    }

    /// The statement of a file that the server refused.
    pub(crate) fn statement(&self) -> Option<&StatementError> {
        match self.kind() {
            Kind::Database(
                DatabaseError::Statement { statement, .. }
                | DatabaseError::PartWay { statement, .. },
            ) => Some(statement),
            _ => None,
        }
    }

    /// Adds a note to that statement, instead of the one that it has.
    pub(crate) fn with_note(mut self, note: Option<String>) -> Failure {
        if let Kind::Database(
            DatabaseError::Statement { statement, .. } | DatabaseError::PartWay { statement, .. },
        ) = &mut self.0.kind
        {
            statement.note = note.or(statement.note.take());
        }
        self
    }

    /// Whether a schema file was not replaced because cargo db did not write it.
    pub(crate) fn is_about_foreign_file(&self) -> bool {
        matches!(self.kind(), Kind::Schema(SchemaError::NotOurs { .. }))
    }

    /// What a program of the project said before it failed.
    pub(crate) fn tool_said(&self) -> Option<&str> {
        match self.kind() {
            Kind::Program(ProgramError::Failed { said, .. }) => Some(said),
            _ => None,
        }
    }

    /// Whether waiting may help: the server did not answer, or it is starting. It does not help
    /// against a wrong password.
    pub(crate) fn is_transient(&self) -> bool {
        match self.kind() {
            Kind::Connection(ConnectionError::Failed { code, .. }) => {
                code.is_none() || self.is(&SqlState::CANNOT_CONNECT_NOW)
            }
            Kind::Connection(ConnectionError::NoDatabase { .. } | ConnectionError::Lost { .. }) => {
                true
            }
            _ => false,
        }
    }

    /// The failure if everything was committed before it, and only the result could not be checked.
    pub(crate) fn afterwards(self, done: &str, unseen: &str) -> Failure {
        let (done, unseen) = (done.to_owned(), unseen.to_owned());
        let after = match self.kind() {
            Kind::Connection(
                ConnectionError::Failed { target, why, .. }
                | ConnectionError::Lost { target, why, .. },
            )
            | Kind::Lock(LockError::Lost { target, why }) => {
                let (target, why) = (target.clone(), why.clone());
                ConnectionError::LostAfterwards { target, done, unseen, why }.into()
            }
            Kind::Database(DatabaseError::Sql { .. }) | Kind::File(_) => {
                let (failure, why) = (self.to_string(), self.why());
                Kind::from(RunError::NotLookedAt { done, unseen, failure, why })
            }
            _ => return self,
        };
        let before = self.done().to_vec();
        after.caused_by(self).after(before)
    }

    /// Whether everything was done before it.
    pub(crate) fn is_afterwards(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Connection(ConnectionError::LostAfterwards { .. })
                | Kind::Run(RunError::NotLookedAt { .. })
        )
    }

    /// The failure if everything that was done is undone, including what was committed.
    pub(crate) fn undone(self) -> Failure {
        let subject = "the look at the new database".to_owned();
        let undone: Failure = match self.kind() {
            Kind::Connection(ConnectionError::LostAfterwards { target, why, .. }) => {
                let (target, why) = (target.clone(), why.clone());
                ConnectionError::Lost { target, subject, why }.into()
            }
            _ => return self.without_done(),
        };
        undone.caused_by(self)
    }

    /// Adds what was rolled back together with a failed verification.
    pub(crate) fn about(mut self, rolled_back: &str) -> Failure {
        if let Kind::Database(DatabaseError::NotVerified { subject, .. }) = &mut self.0.kind {
            rolled_back.clone_into(subject);
        }
        self
    }

    /// Sets the typed command, if that is the suggested one. After the first steps, a number of
    /// steps would be wrong.
    pub(crate) fn of_command(mut self, typed: &str) -> Failure {
        let is_number = |word: &str| word.starts_with("-n") || word.starts_with("--steps");
        if !self.done().is_empty() && typed.split(' ').any(is_number) {
            return self;
        }
        let command = match &mut self.0.kind {
            Kind::Consent(ConsentError::MoreLost { command, .. }) => Some(command),
            Kind::Database(kind) => kind.command_mut(),
            Kind::Connection(kind) => kind.command_mut(),
            Kind::History(kind) => kind.command_mut(),
            Kind::Migration(kind) => kind.command_mut(),
            Kind::Concurrently(kind) => Some(kind.command_mut()),
            _ => None,
        };
        if let Some(command) = command {
            typed.clone_into(command);
        }
        self
    }

    /// Adds what had been done by then.
    pub(crate) fn after(mut self, done: impl IntoIterator<Item = String>) -> Failure {
        self.0.done.splice(0..0, done);
        self
    }

    /// Removes what had been done, because its target no longer exists.
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
        self.0.kind.explain().exit
    }

    /// The stable name for programs.
    pub(crate) fn code(&self) -> &'static str {
        self.0.kind.explain().code
    }

    /// The reasons as lines: the server's error, or what was found.
    pub(crate) fn why(&self) -> Vec<String> {
        let mut why = self.0.kind.explain().why;
        let is_address = match self.kind() {
            Kind::Connection(error) => {
                matches!(error, ConnectionError::Failed { .. } | ConnectionError::NoDatabase { .. })
            }
            Kind::Database(error) => error.lacks_privilege(),
            _ => false,
        };
        let found = self.0.address.as_ref().filter(|_| is_address);
        why.extend(found.map(|place| format!("the address is from {place}")));
        if let Some(other) = &self.0.other {
            why.push(format!("also: {other}"));
            why.extend(other.why());
        }
        why
    }

    /// Adds the source of the database's address, for the person who has to change it.
    pub(crate) fn of_address(mut self, place: Option<&str>) -> Failure {
        self.0.address = place.map(str::to_owned);
        self
    }

    /// Adds the flags of the call, which the suggested commands need too.
    pub(crate) fn of_call(mut self, kept: impl IntoIterator<Item = RetainedFlag>) -> Failure {
        self.0.kept.extend(kept);
        self
    }

    /// Adds a further problem.
    pub(crate) fn with_other(mut self, other: Failure) -> Failure {
        self.0.other = Some(other);
        self
    }

    /// What to do next.
    pub(crate) fn hints(&self) -> Vec<Hint> {
        let mut hints = self.0.kind.explain().hints;
        // What is missing is needed before the consent, so its hints come first.
        hints.splice(0..0, self.0.other.iter().flat_map(Failure::hints));
        with_kept_flags(hints, &self.0.kept)
    }
}
