//! Reasons to refuse a tool or a task.

use std::path::PathBuf;

/// Why something cannot be done with a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// No tool has this name.
    #[error("expected one of {}", known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// The tool is known by name, and its migrations are not.
    #[error(
        "cargo db does not know the migrations of {title}; name its commands in `[migrations]` of \
         db.toml"
    )]
    Unsupported {
        /// Its name.
        name: &'static str,
        /// What the tool calls itself.
        title: &'static str,
    },
    /// A folder holds migrations of a tool that is known by name only.
    #[error(
        "`{}` contains migrations of {title}, which cargo db does not know; \
         name its commands in `[migrations]` of db.toml",
        folder.display()
    )]
    UnsupportedFolder {
        /// The folder.
        folder: PathBuf,
        /// What the tool calls itself.
        title: &'static str,
    },
    /// The tool has no command for a task.
    #[error("{tool} has no command to {doing}")]
    NoCommand {
        /// The tool's key.
        tool: &'static str,
        /// The task in words.
        doing: String,
        /// The setting in `db.toml` for the project's own command; empty if there is none.
        setting: &'static str,
    },
    /// The tool cannot connect to a unix socket.
    #[error("{tool} needs a server that listens on TCP")]
    NeedsTcp {
        /// The tool's key.
        tool: &'static str,
    },
    /// A new migration belongs to one of several applications.
    #[error(
        "name the application first, as in `cargo db create shop add age`; the applications are {}",
        applications.join(", ")
    )]
    NoApplication {
        /// The applications that there are.
        applications: Vec<String>,
    },
    /// The tool's own settings file cannot be read.
    #[error("{why}")]
    BadSettings {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}
