//! Rehearsals, their receipts, and losses beyond what a file expects.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;

/// A rehearsal that speaks against a run, or that is missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RehearsalError {
    #[error("the rehearsal blocks this run: {}", first(findings))]
    Blocked { findings: Vec<String> },
    #[error("there is no valid rehearsal receipt for `{verb}` on `{database}`")]
    NoReceipt {
        verb: &'static str,
        database: String,
        objections: Vec<String>,
        /// Whether one would hold if it had been rehearsed with rows.
        lacks_rows: bool,
    },
    #[error(
        "more would be lost than the file expects: {object} has {found} rows, and the file allows \
         a loss of {bound}"
    )]
    MoreThanExpected { object: String, found: u64, bound: u64 },
    #[error("the rows of {object} cannot be counted: the role `{role}` cannot read all of them")]
    NotCounted { object: String, role: String },
}

impl RehearsalError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            RehearsalError::Blocked { findings } => {
                Explanation::new("REHEARSAL.BLOCKED", Exit::Policy)
                    .because_of(findings.iter().skip(1).cloned())
                    .run("show the whole report", "cargo db rehearse")
                    .advise(
                        "fix the file; or, if the report shows a line that accepts the finding, \
                         put that line where the report says",
                    )
            }
            RehearsalError::NoReceipt { objections, lacks_rows, .. } => {
                let command =
                    if *lacks_rows { "cargo db rehearse --from live" } else { "cargo db rehearse" };
                Explanation::new("REHEARSAL.NO_RECEIPT", Exit::Policy)
                    .because_of(objections.iter().cloned())
                    .run("rehearse where a copy of the database exists", command)
                    .advise(
                        "then pass its receipt with `--receipt FILE`: the file that `rehearse \
                         --receipt-to FILE` wrote, or the one in `.db/receipts`",
                    )
            }
            RehearsalError::MoreThanExpected { .. } => {
                Explanation::new("REHEARSAL.MORE_THAN_EXPECTED", Exit::Policy).advise(
                    "check the current rows, then raise the bound, in a commit that explains why",
                )
            }
            RehearsalError::NotCounted { .. } => Explanation::new(
                "REHEARSAL.NOT_COUNTED",
                Exit::Policy,
            )
            .because(
                "row security hides some of its rows, or the role has no SELECT privilege \
                         on it",
            )
            .advise("connect as a superuser, or as a role with the SELECT privilege and BYPASSRLS"),
        }
    }
}

fn first(findings: &[String]) -> &str {
    findings.first().map_or("the migration could not be measured", String::as_str)
}

/// One of each kind, and of each ending that a kind can take.
#[cfg(test)]
pub(super) fn samples() -> Vec<RehearsalError> {
    let text = str::to_owned;
    vec![
        RehearsalError::Blocked { findings: Vec::new() },
        RehearsalError::Blocked {
            findings: vec![text("table pupils is dropped"), text("a lock is long")],
        },
        RehearsalError::NoReceipt {
            verb: "migrate",
            database: text("school"),
            objections: vec![text("the receipt of 2026-11-01: it is older than 7 days")],
            lacks_rows: false,
        },
        RehearsalError::NoReceipt {
            verb: "migrate",
            database: text("school"),
            objections: vec![text("the receipt of 2026-11-01: the rehearsed copy had no rows")],
            lacks_rows: true,
        },
        RehearsalError::MoreThanExpected { object: text("pupils"), found: 3, bound: 1 },
        RehearsalError::NotCounted { object: text("pupils"), role: text("app") },
    ]
}
