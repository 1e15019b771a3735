//! Migration tools, and other programs of the project.

use crate::failure::exit::Exit;
use crate::failure::explanation::{Explanation, first};

/// A program that is missing, that cannot do it, or that did something else.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    #[error("program `{program}` not found in the project or on the PATH")]
    Missing { program: String },
    #[error("{tool} has no command to {doing}")]
    Cannot { tool: String, doing: String, key: &'static str },
    #[error(
        "{tool} ignores the configured database: `{command}` succeeded with a database that does \
         not exist"
    )]
    GoesElsewhere { tool: String, command: String },
    #[error("{tool} needs a host and a port, and this server listens only on a Unix socket")]
    NeedsTcp { tool: String },
    #[error("`{command}` ended with {status}")]
    Failed { command: String, status: String, said: String, differences: Vec<String> },
    #[error("`{command}` failed: {why}")]
    NotRun { command: String, why: String },
    #[error("the migrations are applied, but the required after-step `{command}` did not succeed")]
    RequiredStep { command: String, why: String },
    #[error(
        "{who} reported success, but the database is in a different state: {}",
        first(differences)
    )]
    OtherState { who: String, differences: Vec<String> },
}

impl ProgramError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            ProgramError::Missing { program } => Explanation::new("TOOL.MISSING", Exit::Tool)
                .advise(format!(
                    "install {program}, or name another command in `[migrations]` of db.toml"
                )),
            ProgramError::Cannot { key: "", .. } => Explanation::new("TOOL.CANNOT", Exit::Tool),
            ProgramError::Cannot { key, .. } => Explanation::new("TOOL.CANNOT", Exit::Tool).advise(
                format!("set a command for it in db.toml: `{key} = \"…\"` below `[migrations]`"),
            ),
            ProgramError::GoesElsewhere { .. } => {
                Explanation::new("TOOL.GOES_ELSEWHERE", Exit::Tool).advise(
                    "no migration was run; configure the tool to take the database from \
                     DATABASE_URL or libpq's environment variables",
                )
            }
            ProgramError::NeedsTcp { .. } => Explanation::new("TOOL.NEEDS_TCP", Exit::Tool)
                .run(
                    "first let the private server also listen on a port",
                    "cargo db server stop && cargo db server start --port 5544",
                )
                .advise(
                    "then give its role a password (`ALTER ROLE postgres PASSWORD …`), and put \
                     the user, the password and the port into DATABASE_URL",
                ),
            ProgramError::Failed { said, differences, .. } => {
                Explanation::new("TOOL.FAILED", Exit::Tool)
                    .because_of(shortened(said))
                    .because_of(differences.iter().cloned())
                    .suggest_status()
            }
            ProgramError::NotRun { .. } => Explanation::new("TOOL.FAILED", Exit::Tool),
            ProgramError::RequiredStep { why, .. } => {
                Explanation::new("TOOL.REQUIRED_STEP", Exit::Tool).because(why.clone()).advise(
                    "correct the command below `[hooks]` of db.toml, or what it checks, and run it \
                     yourself: `cargo db migrate` runs it only after it has applied something",
                )
            }
            ProgramError::OtherState { differences, .. } => {
                Explanation::new("TOOL.OTHER_STATE", Exit::Tool)
                    .because_of(differences.iter().skip(1).cloned())
                    .suggest_status()
            }
        }
    }
}

/// The first lines and the last: a program can be long-winded, and says what went wrong at
/// either end.
fn shortened(said: &str) -> impl Iterator<Item = String> {
    const EITHER: usize = 12;
    let lines: Vec<&str> =
        said.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let left_out = lines.len().saturating_sub(2 * EITHER);
    let (head, tail) = if left_out > 0 { (EITHER, lines.len() - EITHER) } else { (0, 0) };
    let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
    let gap = (left_out > 0).then(|| format!("… {left_out} lines …"));
    own(&lines[..head]).into_iter().chain(gap).chain(own(&lines[tail..]))
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<ProgramError> {
    let text = str::to_owned;
    let (tool, command) = (text("goose"), text("goose up"));
    let cannot = |key| ProgramError::Cannot {
        tool: text("goose"),
        doing: text("roll back a migration"),
        key,
    };
    vec![
        ProgramError::Missing { program: tool.clone() },
        cannot(""),
        cannot("status"),
        ProgramError::GoesElsewhere { tool: tool.clone(), command: command.clone() },
        ProgramError::NeedsTcp { tool: tool.clone() },
        ProgramError::Failed {
            command: command.clone(),
            status: text("exit code 1"),
            said: text("no such table"),
            differences: vec![text("`1 a` is not applied")],
        },
        ProgramError::NotRun { command: command.clone(), why: text("permission denied") },
        ProgramError::RequiredStep { command, why: text("exit code 1") },
        ProgramError::OtherState {
            who: tool,
            differences: vec![text("`1 a` is not applied"), text("`2 b` is not applied")],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_said_is_shown_from_both_ends() {
        let said = |count: usize| (1..=count).map(|n| format!("{n}  \n\n")).collect::<String>();
        assert_eq!(shortened(&said(3)).collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(shortened(&said(24)).count(), 24);
        let long: Vec<String> = shortened(&said(30)).collect();
        assert_eq!(long[11..14], ["12", "… 6 lines …", "19"]);
        assert_eq!(long.last().unwrap(), "30");
    }
}
