//! What the exit codes mean.

use serde::Serialize;

/// The end of the help.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0   done, or nothing to do
  1   a finding: `status --check`, `audit verify`, `check`, `doctor`, `rehearse`,
      `migrate --dry-run`, `hooks install`, `init --check`
  2   wrong usage or settings
  3   declined, or consent is missing or does not match
  4   refused by policy
  5   another run holds the lock
  6   cannot connect
  7   failed; the database is unchanged
  8   failed part-way; the message says which changes remain and how to continue
  9   the history and the migration files differ
  10  a migration tool is missing, failed, or did not do what was planned
  11  a backup, a restore or a verification failed
  70  a bug in cargo db
  130 interrupted";

/// An exit code.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExitCodeView {
    pub(crate) code: u8,
    pub(crate) meaning: String,
}

impl ExitCodeView {
    /// From the text of the help: a code begins a line, its meaning may go on in the next one.
    pub(crate) fn all() -> Vec<ExitCodeView> {
        let mut found: Vec<ExitCodeView> = Vec::new();
        for text in EXIT_CODES.lines().skip(1).map(str::trim) {
            let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
            match (first.parse(), found.last_mut()) {
                (Ok(code), _) => {
                    found.push(ExitCodeView { code, meaning: rest.trim_start().to_owned() });
                }
                (Err(_), Some(last)) => last.meaning = format!("{} {text}", last.meaning),
                (Err(_), None) => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_has_its_meaning_in_the_document() {
        let codes = ExitCodeView::all();
        let numbers: Vec<u8> = codes.iter().map(|code| code.code).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 70, 130]);
        assert!(codes[1].meaning.ends_with("`init --check`"), "{}", codes[1].meaning);
        assert_eq!(codes[4].meaning, "refused by policy");
    }
}
