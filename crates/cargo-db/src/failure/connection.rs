//! The way to a database: it cannot be reached, it is not there, or it was lost.

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, FINISH_BY_HAND, committed, list_remaining};
use crate::model::environment::Environment;

/// A connection that could not be made, or that ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("cannot connect to `{target}`")]
    Failed { target: String, why: String, code: Option<String> },
    #[error("the database `{database}` does not exist on `{server}`")]
    NoDatabase { database: String, server: String, environment: Environment },
    #[error("a connection pooler in transaction or statement mode is in front of `{target}`")]
    Pooler { target: String, sign: String },
    #[error(
        "the connection pooler in front of `{target}` serves only one session, and cargo db needs \
         two"
    )]
    PoolTooSmall { target: String, waited: String },
    #[error("the connection to `{target}` was lost during {subject}")]
    Lost { target: String, subject: String, why: String },
    #[error("the connection to `{target}` was lost during {subject}")]
    LostPartWay {
        target: String,
        subject: String,
        why: String,
        stays: Vec<String>,
        command: String,
    },
    #[error("the connection to `{target}` was lost after {done}")]
    LostAfterwards { target: String, done: String, unseen: String, why: String },
    #[error("the connection to `{target}` was lost while {subject} was being committed")]
    CommitUnknown { target: String, subject: String },
}

const DIRECT: &str = "use the direct URL of the server (its own port, usually 5432), or a pool \
     in session mode";

impl ConnectionError {
    /// The command that is suggested.
    pub(super) fn command_mut(&mut self) -> Option<&mut String> {
        match self {
            ConnectionError::LostPartWay { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            ConnectionError::Failed { why, code, .. } => {
                let failed =
                    Explanation::new("CONNECTION.FAILED", Exit::Unreachable).because_text(why);
                match code.as_deref() {
                    Some("28P01" | "28000") => failed.advise("check the user and the password"),
                    Some("53300") => failed.advise(
                        "the server has no free connections: close some, or try again later",
                    ),
                    Some("3D000") => failed.run(
                        "in development and test, create it and apply the migrations",
                        "cargo db migrate",
                    ),
                    None if why.contains("No such file or directory") => failed.advise(
                        "check the folder of the socket and the port: the server is not running, \
                         or has its socket elsewhere",
                    ),
                    None if why.contains("lookup address") => {
                        failed.advise("check the host name and the network")
                    }
                    None if why.contains("password missing") => failed
                        .advise("set the password in the URL, in PGPASSWORD or in `~/.pgpass`"),
                    None if why.contains("Connection refused") => failed
                        .run("start the server, or wait for it", "cargo db status --wait")
                        .run(
                            "without an address, cargo db uses a private server; to start that",
                            "cargo db server start",
                        ),
                    _ => failed.run("wait for the server", "cargo db status --wait"),
                }
            }
            ConnectionError::NoDatabase { environment, .. } => {
                let none = Explanation::new("CONNECTION.NO_DATABASE", Exit::Unreachable);
                if environment.is_disposable() {
                    none.run("create it and apply the migrations", "cargo db migrate")
                } else {
                    none.advise(format!(
                        "cargo db does not create databases in {environment}: create it first"
                    ))
                }
            }
            ConnectionError::Pooler { sign, .. } => {
                Explanation::new("CONNECTION.POOLER", Exit::Usage)
                    .because(sign)
                    .because("such a pooler does not keep locks and settings for the whole session")
                    .advise(DIRECT)
            }
            ConnectionError::PoolTooSmall { waited, .. } => {
                Explanation::new("CONNECTION.POOL_TOO_SMALL", Exit::Usage)
                    .because(format!("waited {waited} for a second session"))
                    .because("one session holds the lock, and the other runs the statements")
                    .advise(DIRECT)
            }
            ConnectionError::Lost { why, .. } => Explanation::new("CONNECTION.LOST", Exit::Failed)
                .because(why)
                .because("the server rolls back what was not committed: the database is unchanged")
                .run("when the server is back, run", "cargo db status --wait"),
            ConnectionError::LostPartWay { why, stays, command, .. } => {
                Explanation::new("CONNECTION.LOST_PART_WAY", Exit::PartWay)
                    .because(why)
                    .because_of(list_remaining(stays))
                    .run(FINISH_BY_HAND, command)
            }
            ConnectionError::LostAfterwards { unseen, why, .. } => {
                Explanation::new("CONNECTION.LOST_AFTERWARDS", Exit::PartWay)
                    .because(why)
                    .because_of(committed(unseen))
                    .suggest_status()
            }
            ConnectionError::CommitUnknown { .. } => {
                Explanation::new("CONNECTION.COMMIT_UNKNOWN", Exit::Unreachable)
                    .because("the server did not report in time whether the commit succeeded")
                    .suggest_status()
            }
        }
    }
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<ConnectionError> {
    let text = str::to_owned;
    let (target, subject, why) =
        (text("me@h:5432/school"), text("migration `1 a`"), text("reset by peer"));
    let failed = |code: Option<&str>| ConnectionError::Failed {
        target: target.clone(),
        why: why.clone(),
        code: code.map(str::to_owned),
    };
    let missing = |environment| ConnectionError::NoDatabase {
        database: text("school"),
        server: text("h:5432"),
        environment,
    };
    vec![
        failed(None),
        failed(Some("28P01")),
        failed(Some("53300")),
        ConnectionError::Pooler {
            target: target.clone(),
            sign: text("a setting was lost between two statements"),
        },
        ConnectionError::PoolTooSmall { target: target.clone(), waited: text("10s") },
        missing(Environment::Development),
        missing(Environment::Production),
        ConnectionError::Lost {
            target: target.clone(),
            subject: subject.clone(),
            why: why.clone(),
        },
        ConnectionError::LostPartWay {
            target: target.clone(),
            subject: subject.clone(),
            why: why.clone(),
            stays: vec![text("CREATE INDEX")],
            command: text("cargo db migrate"),
        },
        ConnectionError::LostAfterwards {
            target: target.clone(),
            done: text("cargo db applied all migrations (2)"),
            unseen: text("the history"),
            why,
        },
        ConnectionError::CommitUnknown { target, subject },
    ]
}
