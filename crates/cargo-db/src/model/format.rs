//! How findings are written.

use clap::ValueEnum;

/// How the findings of `check` and `rehearse` are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a pull request: one comment about all sets, of less than 64 kB
    Markdown,
    /// One JSON document, as with `--json`
    Json,
    /// Annotations of GitHub Actions, at most 10 errors and 10 warnings; adds the Markdown to
    /// `$GITHUB_STEP_SUMMARY`
    Github,
    /// SARIF 2.1.0, for code scanning; needs a `cargo-db` that was built with the feature `ci`
    Sarif,
    /// JUnit XML, for test reports; needs the feature `ci` too
    Junit,
    /// One page for a reviewer, with a timeline of statements and locks
    Html,
}

impl ReportFormat {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether this build can write it: two formats need libraries of the cargo feature `ci`.
    pub(crate) fn is_built_in(self) -> bool {
        cfg!(feature = "ci") || !matches!(self, ReportFormat::Sarif | ReportFormat::Junit)
    }
}
