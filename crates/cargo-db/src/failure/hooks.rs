//! The hooks of git.

use std::path::PathBuf;

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// Hooks that cannot be installed here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HooksError {
    #[error("`{}` is not in the working tree of a git repository", folder.display())]
    NoRepository { folder: PathBuf },
    #[error("git runs the hooks in `{}`, which is outside of this repository", folder.display())]
    Outside { folder: PathBuf },
}

impl HooksError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            HooksError::NoRepository { .. } => {
                Explanation::new("HOOKS.NO_REPOSITORY", Exit::Usage).run("create one", "git init")
            }
            HooksError::Outside { .. } => Explanation::new("HOOKS.OUTSIDE", Exit::Usage)
                .because("`core.hooksPath` of git says so, and other repositories may use them too")
                .run(
                    "let this repository have hooks of its own",
                    "git config --local core.hooksPath .githooks",
                )
                .advise(
                    "or call `cargo db check --staged` from the pre-commit hook there, and \
                     `cargo db check --pushed \"$1\"` from the pre-push hook",
                ),
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<HooksError> {
    vec![
        HooksError::NoRepository { folder: PathBuf::from("/home/me/shop") },
        HooksError::Outside { folder: PathBuf::from("/home/me/.config/git/hooks") },
    ]
}
