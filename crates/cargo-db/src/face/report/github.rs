//! Annotations of GitHub Actions: workflow commands, one a line.

use crate::answer::text::plural;
use crate::answer::{ErrorView, counts};
use crate::face::report::page::{FileFinding, Page};
use crate::model::finding::Severity;

/// GitHub shows at most this many errors, and as many warnings, of a step.
const AT_MOST: usize = 10;

/// Failures first, then the worst findings. What would not be shown is counted in one line.
pub(super) fn written(page: &Page) -> String {
    let failed = page.errors().map(|(set, error)| of_error(page, set, error));
    let (warnings, errors): (Vec<_>, Vec<_>) =
        page.findings().into_iter().partition(|found| found.finding.severity == Severity::Warn);
    let errors = failed.chain(errors.into_iter().map(|found| annotation("error", page, found)));
    let errors: Vec<String> = errors.collect();
    let warnings: Vec<String> =
        warnings.into_iter().map(|found| annotation("warning", page, found)).collect();
    let shown = errors.iter().take(AT_MOST).chain(warnings.iter().take(AT_MOST));
    let mut lines: Vec<String> = shown.cloned().collect();
    let more = |all: &[String], noun| {
        let more = all.len().saturating_sub(AT_MOST);
        (more > 0).then(|| plural(more, noun))
    };
    let more = [more(&errors, "error"), more(&warnings, "warning")];
    let more: Vec<String> = more.into_iter().flatten().collect();
    if !more.is_empty() {
        let said = format!("not annotated: {}", more.join(" and "));
        lines.push(command("notice", &[("title", &page.title())], &said));
    }
    lines.push(counts(&page.sets));
    lines.join("\n")
}

fn annotation(level: &str, page: &Page, found: FileFinding<'_>) -> String {
    let file = found.file.file.as_ref().map(|file| page.path(file));
    let (line, column) = (found.finding.line.to_string(), found.finding.column);
    let column = column.map(|column| column.to_string());
    let title = found.title();
    let mut properties: Vec<(&str, &str)> = Vec::new();
    if let Some(file) = &file {
        properties.extend([("file", file.as_str()), ("line", line.as_str())]);
        properties.extend(column.iter().map(|column| ("col", column.as_str())));
    }
    properties.push(("title", title.as_str()));
    command(level, &properties, &found.message())
}

fn of_error(page: &Page, set: Option<&str>, error: &ErrorView) -> String {
    let set = set.map(|set| format!(", set {set}")).unwrap_or_default();
    let title = format!("{}{set}: {}", page.title(), error.code());
    command("error", &[("title", &title)], &error.lines().join("\n"))
}

/// A workflow command. In the value of a property, `:` and `,` are escaped too.
fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let value = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let properties: Vec<String> =
        properties.iter().map(|(name, text)| format!("{name}={}", value(text))).collect();
    format!("::{name} {}::{}", properties.join(","), data(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_a_command_or_a_property() {
        let said = command("error", &[("file", "a,line=9::b%.sql")], "100%\n::add-mask::x\r");
        assert_eq!(said, "::error file=a%2Cline=9%3A%3Ab%25.sql::100%25%0A::add-mask::x%0D");
    }
}
