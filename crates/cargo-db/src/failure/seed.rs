//! Seeds.

use crate::failure::exit::Exit;
use crate::failure::explanation::Explanation;
use crate::model::environment::Environment;

/// A seed that is not there, or that would leave rows behind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeedError {
    #[error("there is no seed `{name}` in {environment}")]
    Unknown { name: String, environment: Environment },
    #[error(
        "cannot empty `{refers_to}`: `{table}` refers to it and has {rows} rows that no seed \
         restores"
    )]
    ReferredTo { table: String, rows: u64, refers_to: String },
}

impl SeedError {
    /// Code, exit, why and what next of each kind.
    pub(super) fn explain(&self) -> Explanation {
        match self {
            SeedError::Unknown { .. } => Explanation::new("SEED.UNKNOWN", Exit::Usage)
                .run("list the seeds", "cargo db seed --dry-run"),
            SeedError::ReferredTo { table, .. } => {
                Explanation::new("SEED.REFERRED_TO", Exit::Failed)
                    .advise(format!("empty `{table}` yourself, or add a seed that fills it"))
            }
        }
    }
}

/// One of each kind.
#[cfg(test)]
pub(super) fn samples() -> Vec<SeedError> {
    let text = str::to_owned;
    vec![
        SeedError::Unknown { name: text("demo"), environment: Environment::Test },
        SeedError::ReferredTo { table: text("pupils"), rows: 3, refers_to: text("schools") },
    ]
}
