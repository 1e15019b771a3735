//! One comment for a pull request, about all sets. The first line is always the same, so that a bot
//! finds the comment that it has to update.

use std::cmp::Reverse;

use crate::answer::text::{cut, plural, shortened};
use crate::answer::visible::{one_line, visible};
use crate::answer::{
    ErrorView, FileReport, RehearsedView, RollbackWord, SetReport, WITHOUT_NAME, counts,
};
use crate::face::report::page::{Page, code_parts};
use crate::model::finding::{Finding, IF_MEANT, Severity, Verdict};

/// In bytes. GitHub accepts comments of 65,536 characters.
const LIMIT: usize = 64_000;
/// The share of the names and notes of the sets, and of the lines around each set.
const HEADS: usize = LIMIT / 2;
const AROUND: usize = 300;
/// How many characters of a line, findings of a file, and locks of a migration are shown.
const CHARACTERS: usize = 600;
const FINDINGS: usize = 12;
const LOCKS: usize = 8;

const TABLE: &str = "\n\n| | migration | took | rollback | locks |\n|---|---|--:|---|---|";

/// What is shown of a file: its row in the table, and its findings below it.
struct Part {
    verdict: Verdict,
    row: String,
    findings: String,
    /// How many findings there are.
    count: usize,
    is_shown: bool,
}

/// The comment.
pub(in crate::face) fn written(page: &Page) -> String {
    let (title, counts) = (page.title(), counts(&page.sets));
    let mut text = format!("<!-- {title} -->\n### {title}\n\n**{counts}**");
    let named = page.sets.len() > 1;
    let mut sets: Vec<(String, Vec<Part>)> = Vec::new();
    let mut heads = 0;
    for set in &page.sets {
        let head = head(set, named);
        heads += head.len() + AROUND;
        if heads > HEADS {
            break;
        }
        sets.push((head, set.files.iter().map(Part::of).collect()));
    }
    choose(sets.iter_mut().flat_map(|(_, parts)| parts), LIMIT - HEADS);
    for (head, parts) in &sets {
        text.push_str(head);
        text.push_str(&section(parts));
    }
    let more = page.sets.len() - sets.len();
    if more > 0 {
        text.push_str(&format!("\n\nNot shown: {}", plural(more, "more set")));
    }
    text
}

/// Chooses what fits, the worst first.
fn choose<'a>(parts: impl Iterator<Item = &'a mut Part>, mut room: usize) {
    let mut parts: Vec<&mut Part> = parts.collect();
    parts.sort_by_key(|part| Reverse(part.verdict));
    for part in parts {
        let length = part.row.len() + part.findings.len();
        part.is_shown = length <= room;
        room -= if part.is_shown { length } else { 0 };
    }
}

/// The name of a set, what else there is to say about it, and why it failed.
fn head(set: &SetReport, named: bool) -> String {
    let name = set.set.as_deref().unwrap_or(WITHOUT_NAME);
    let name = named.then(|| format!("\n\n#### Set {}", prose(name)));
    let notes = set.notes.iter().map(|note| format!("\n\n{}.", prose(note)));
    let why = set.error.iter().flat_map(ErrorView::lines).enumerate();
    let why = why.map(|(at, line)| match at {
        0 => format!("\n\n**Failed**: {}\n", prose(&line)),
        _ => format!("\n- {}", prose(&line)),
    });
    name.into_iter().chain(notes).chain(why).collect()
}

/// The table of a set, and the findings below it.
fn section(parts: &[Part]) -> String {
    let shown = || parts.iter().filter(|part| part.is_shown);
    let rows: String = shown().map(|part| part.row.as_str()).collect();
    let table = if rows.is_empty() { "" } else { TABLE };
    let findings: String = shown().map(|part| part.findings.as_str()).collect();
    let left: Vec<&Part> = parts.iter().filter(|part| !part.is_shown).collect();
    let count = left.iter().map(|part| part.count).sum();
    let more = (!left.is_empty()).then(|| {
        let (files, findings) = (plural(left.len(), "more file"), plural(count, "finding"));
        format!("\n\nNot shown: {files} with {findings}")
    });
    format!("{table}{rows}{findings}{}", more.unwrap_or_default())
}

impl Part {
    fn of(file: &FileReport) -> Part {
        let (row, mut lines) = match &file.rehearsed {
            Some(rehearsed) => (row(rehearsed), rollback(rehearsed)),
            None => (String::new(), Vec::new()),
        };
        let found = &file.findings;
        if found.is_empty() {
            lines.clear();
        }
        let more = found.len().saturating_sub(FINDINGS);
        let more = (more > 0).then(|| format!("- and {}", plural(more, "more finding")));
        let bullets = found.iter().take(FINDINGS).map(bullet).chain(more).chain(lines);
        let bullets: Vec<String> = bullets.collect();
        let title = match &file.file {
            Some(file) if row.is_empty() => code(file),
            _ => prose(&file.title),
        };
        let findings = match bullets.is_empty() {
            true => String::new(),
            false => format!("\n\n**{title}**\n\n{}", bullets.join("\n")),
        };
        Part { verdict: file.verdict, row, findings, count: found.len(), is_shown: false }
    }
}

fn row(migration: &RehearsedView) -> String {
    let locks = migration.locks.iter();
    let locks = locks.map(|lock| format!("{}: {}", code(&lock.table), lock.blocks)).collect();
    let locks = cut(locks, LOCKS).join(", ").replace('|', "\\|");
    format!(
        "\n| **{}** | {} | {} | {} | {locks} |",
        migration.verdict.word(),
        prose(&migration.title()).replace('|', "\\|"),
        migration.took(),
        migration.rollback.is.word(),
    )
}

fn rollback(migration: &RehearsedView) -> Vec<String> {
    let said = match migration.rollback.is {
        RollbackWord::Unmeasured => Vec::new(),
        _ => migration.rollback.lines(),
    };
    said.iter().map(|line| format!("- rollback: {}", prose(line))).collect()
}

fn bullet(finding: &Finding) -> String {
    let word = finding.severity.verdict().word();
    let object = finding.object.as_ref().map(|object| format!(" {}:", code(object)));
    let said = format!(
        "- {word} line {}, {}:{} {}",
        finding.place(),
        finding.rule,
        object.unwrap_or_default(),
        prose(&finding.evidence)
    );
    // The help ends with how to accept it; the page of the rule has the alternatives.
    let help = finding.help.as_deref().filter(|_| finding.severity == Severity::Block);
    let accept = help.and_then(|help| Some(&help[help.find(IF_MEANT)?..]));
    accept.map_or_else(|| said.clone(), |accept| format!("{said}\n  {}", prose(accept)))
}

/// Foreign text, in which only the code between backticks is markup.
fn prose(text: &str) -> String {
    let part = |(is_code, part): (bool, &str)| match is_code {
        true => format!("`{part}`"),
        false => escaped(part),
    };
    code_parts(&foreign(&text.replace('\n', " "))).map(part).collect()
}

/// Characters that would be markup, mention a person or name an issue.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '`' | '\\' | '*' | '_' | '[' | ']' | '~' | '!' => escaped.extend(['\\', character]),
            '@' | '#' => escaped.extend([character].into_iter().chain("<!-- -->".chars())),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A name as code, whatever is in it.
fn code(text: &str) -> String {
    let text = foreign(text);
    match text.contains('`') {
        true => format!("`` {text} ``").replace("```", "` ` `"),
        false => format!("`{text}`"),
    }
}

fn foreign(text: &str) -> String {
    shortened(&visible(&one_line(text)), CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_no_markup() {
        assert_eq!(prose("a `x_*` b_c"), "a `x_*` b\\_c");
        assert_eq!(prose("a ` @me <b>"), "a \\` @<!-- -->me &lt;b>");
        assert_eq!(prose("![x](y)\n# z"), "\\!\\[x\\](y) #<!-- --> z");
        assert_eq!(code("a`b\nc"), "`` a`b\\nc ``");
        assert_eq!(code("a\u{202e}b"), "`a\\u202eb`");
    }
}
