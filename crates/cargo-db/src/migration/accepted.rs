//! Losses that the author of a migration expects.

use crate::migration::lost::dropped_by;
use crate::model::finding::{Checked, Class, Expected, Finding};

/// Removes the findings about losses that are expected, each of them by its name. How large they
/// are, only a rehearsal knows. `bytes` are those of the file.
pub(crate) fn accept_losses(checked: &mut Checked, bytes: &[u8]) {
    let Checked { findings, expected, .. } = checked;
    if expected.is_empty() {
        return;
    }
    let dropped: Vec<(usize, String)> =
        dropped_by(bytes).iter().map(|object| (object.line, object.name())).collect();
    findings.retain(|found| found.class != Class::Loss || !is_expected(found, &dropped, expected));
}

/// Whether everything that the statement of a finding drops is expected.
fn is_expected(found: &Finding, dropped: &[(usize, String)], expected: &[Expected]) -> bool {
    // A finding may be on a later line of the statement.
    let lines = dropped.iter().map(|(line, _)| *line);
    let line = lines.filter(|line| *line <= found.line).max();
    let of_statement = dropped.iter().filter(|(one, _)| Some(*one) == line);
    let mut names: Vec<&str> = of_statement.map(|(_, name)| name.as_str()).collect();
    if names.is_empty() {
        names.extend(found.object.as_deref());
    }
    !names.is_empty()
        && names.iter().all(|name| expected.iter().any(|expected| expected.is_loss_of(name)))
}
