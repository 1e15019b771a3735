//! Changes of branch: applied migrations that cannot be rolled back.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// Why the migrations of another branch cannot be rolled back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SwitchError {
    #[error("git has no file of {}, as applied", migrations.join(", "))]
    NotInGit { migrations: Vec<String> },
    #[error("`switch` cannot roll back what {tool} itself runs: it needs the files in its folder")]
    ByTool { tool: String },
}

impl SwitchError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            SwitchError::NotInGit { .. } => Explanation::new("SWITCH.NOT_IN_GIT", Exit::History)
                .because(
                    "git has neither a branch nor an earlier commit with the content that was \
                         applied: it may have been applied before it was committed",
                )
                .run("see which files differ", "cargo db status")
                .run("or, if the data may go, begin with an empty database", "cargo db reset"),
            SwitchError::ByTool { .. } => Explanation::new("SWITCH.BY_TOOL", Exit::Usage)
                .advise("check out the branch that has them, and run `cargo db rollback` there"),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<SwitchError> {
    vec![
        SwitchError::NotInGit { migrations: vec!["4 badges".to_owned()] },
        SwitchError::ByTool { tool: "alembic".to_owned() },
    ]
}
