//! Files and folders, and scripts that cannot be read as SQL.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A file that cannot be read, written, or run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("failed to {doing} `{}`", path.display())]
    Failed { doing: &'static str, path: PathBuf, why: String },
    #[error("`{}` is not a valid script: {why}", file.display())]
    BadScript { file: PathBuf, why: String },
    #[error(
        "`{}`, line {line}: `{statement}` would end the transaction that it runs in",
        file.display()
    )]
    TransactionControl { file: PathBuf, line: usize, statement: String },
    #[error("{}:{line}: the statement sets `{setting}` to `{value}`", file.display())]
    Setting { file: PathBuf, line: usize, setting: &'static str, value: String },
    #[error("`{}` changed while the plan waited for consent", file.display())]
    Changed { file: PathBuf },
}

impl FileError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            FileError::Failed { doing, path, why } => {
                let failed = Explanation::new("FILE.FAILED", Exit::Failed).because_text(why);
                let is_denied = why.contains("Permission denied") || why.contains("Read-only");
                match path.parent().filter(|_| is_denied && *doing != "read") {
                    Some(folder) => failed.advise(format!(
                        "give this user write permission for `{}` and the files in it",
                        folder.display()
                    )),
                    None => failed,
                }
            }
            FileError::BadScript { .. } => Explanation::new("SCRIPT.UNREADABLE", Exit::Failed),
            FileError::TransactionControl { .. } => {
                Explanation::new("SCRIPT.TRANSACTION_CONTROL", Exit::Failed).run(
                    "remove the statement; to see how to run a migration without a transaction",
                    "cargo db check",
                )
            }
            FileError::Setting { setting, .. } => Explanation::new("SCRIPT.SETTING", Exit::Failed)
                .because(format!(
                    "the server would parse the rest of the file differently from cargo db, which \
                     requires `{setting}` to be {}",
                    if *setting == "client_encoding" { "`UTF8`" } else { "`on`" }
                ))
                .advise(
                    "remove the setting, save the file as UTF-8, and write a quote inside a string \
                     as two quotes",
                ),
            FileError::Changed { .. } => Explanation::new("PLAN.FILE_CHANGED", Exit::Failed)
                .advise("run the command again to see the new plan"),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<FileError> {
    let file = PathBuf::from("migrations/1_a.sql");
    let setting = |setting, value: &str| {
        let (file, value) = (file.clone(), value.to_owned());
        FileError::Setting { file, line: 1, setting, value }
    };
    vec![
        FileError::Failed { doing: "read", path: file.clone(), why: "no such file".to_owned() },
        FileError::Failed {
            doing: "open",
            path: file.clone(),
            why: "Permission denied (os error 13)".to_owned(),
        },
        FileError::BadScript { file: file.clone(), why: "a quote is not closed".to_owned() },
        FileError::TransactionControl {
            file: file.clone(),
            line: 2,
            statement: "COMMIT".to_owned(),
        },
        setting("client_encoding", "latin1"),
        setting("standard_conforming_strings", "off"),
        FileError::Changed { file },
    ]
}
