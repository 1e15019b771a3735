//! The private local server and its programs.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, no_project};

/// A local server that does not exist or cannot do what it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalServerError {
    #[error("no PostgreSQL server was found on this machine, and no database is configured")]
    NoBinaries { looked_in: Vec<String>, install: String },
    #[error("the local server cannot {doing}")]
    Failed { doing: &'static str, why: String },
    #[error(
        "the local cluster in `{}` was created by PostgreSQL {made_by}, and only {found} is \
         installed",
        folder.display()
    )]
    OtherMajor { folder: PathBuf, made_by: String, found: String },
    #[error("the local cluster in `{}` was not created here by you", folder.display())]
    NotMadeHere { folder: PathBuf },
    #[error("{problem}")]
    Absent { problem: String },
    #[error("`{}` is not a project, so no private server is created for it", folder.display())]
    NoProject { folder: PathBuf, above: Option<PathBuf> },
}

impl LocalServerError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            LocalServerError::NoBinaries { looked_in, install } => {
                Explanation::new("SERVER.NO_BINARIES", Exit::Unreachable)
                    .because(format!("looked in {}", looked_in.join(", ")))
                    .run("install it", install)
                    .advise(
                        "or set DATABASE_URL to a database, or CARGO_DB_PG_BIN to a folder with \
                         `initdb` and `postgres`",
                    )
            }
            LocalServerError::Failed { why, .. } => {
                Explanation::new("SERVER.FAILED", Exit::Unreachable).because_text(why)
            }
            LocalServerError::OtherMajor { made_by, .. } => Explanation::new(
                "SERVER.OTHER_MAJOR",
                Exit::Unreachable,
            )
            .advise(format!(
                "also install PostgreSQL {made_by}, or set CARGO_DB_PG_BIN to its `bin` folder"
            ))
            .run("to start over without its data", "cargo db server destroy"),
            LocalServerError::NotMadeHere { .. } => Explanation::new(
                "SERVER.NOT_MADE_HERE",
                Exit::Policy,
            )
            .because(
                "the settings of a cluster can name programs that the server runs when it starts",
            )
            .run("if you moved it here, or an older cargo db created it", "cargo db trust")
            .run("to start over without its data", "cargo db server destroy"),
            LocalServerError::Absent { .. } => Explanation::new("SERVER.NONE", Exit::Usage)
                .run("show which database is used, and why", "cargo db status"),
            LocalServerError::NoProject { above, .. } => {
                no_project(Explanation::new("SERVER.NO_PROJECT", Exit::Usage), above.as_deref())
            }
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<LocalServerError> {
    let text = str::to_owned;
    vec![
        LocalServerError::NoBinaries {
            looked_in: vec![text("PATH")],
            install: text("apt install postgresql"),
        },
        LocalServerError::Failed { doing: "start", why: text("the port is taken") },
        LocalServerError::OtherMajor {
            folder: ".db/cluster".into(),
            made_by: text("16"),
            found: text("18"),
        },
        LocalServerError::NotMadeHere { folder: ".db/pg15".into() },
        LocalServerError::NoProject { folder: "/p/app".into(), above: Some("/p".into()) },
        LocalServerError::NoProject { folder: "/p".into(), above: None },
        LocalServerError::Absent { problem: text("the local server is not running") },
    ]
}
