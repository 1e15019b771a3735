//! One page for a reviewer, which needs no network: verdicts first, then each file with its
//! findings and a timeline of statements and locks.

use std::borrow::Cow;
use std::time::Duration;

use crate::answer::text::{elapsed, number, plural};
use crate::answer::visible::one_line;
use crate::answer::{
    ErrorView, FileReport, LockView, RehearsedView, RollbackView, RowsView, SetReport,
    StatementView, WITHOUT_NAME, counts,
};
use crate::face::report::page::{FileFinding, Page, code_parts};
use crate::model::finding::{Class, Finding, Verdict};
use crate::model::rehearsal::TakenLock;

const STYLE: &str = include_str!("page.css");

/// How many statements of a migration are shown; the others are counted.
const STATEMENTS: usize = 200;

/// The page.
pub(super) fn written(page: &Page) -> String {
    let (title, counts) = (escaped(&page.title()).into_owned(), counts(&page.sets));
    let named = page.sets.len() > 1;
    let sets = page.sets.iter().enumerate();
    let sets: String = sets.map(|(at, set)| verdicts((at, set), named)).collect();
    let files = page.sets.iter().enumerate().flat_map(|(at, set)| {
        let set_files = set.files.iter().enumerate();
        set_files.map(move |(nth, file)| article(&anchor(at, nth), file))
    });
    let files: String = files.collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}: {counts}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n<p><strong>{counts}</strong></p>\n{sets}{files}</main>\n</body>\n</html>"
    )
}

fn anchor(set: usize, file: usize) -> String {
    format!("file-{set}-{file}")
}

/// The verdicts on the files of a set, below its name if there are several.
fn verdicts((at, set): (usize, &SetReport), named: bool) -> String {
    let name = set.set.as_deref().unwrap_or(WITHOUT_NAME);
    let name = named.then(|| format!("<h2>Set {}</h2>\n", escaped(name)));
    let notes = set.notes.iter().map(|note| format!("<p>{}.</p>\n", prose(note)));
    let error = set.error.iter().map(failed);
    let line = |(nth, file): (usize, &FileReport)| {
        let figures = file.rehearsed.iter().map(|it| it.figures()).collect::<String>();
        format!(
            "<li>{}<a href=\"#{}\">{}</a> <span class=\"soft\">{figures}</span></li>\n",
            badge(file.verdict),
            anchor(at, nth),
            escaped(&file.title)
        )
    };
    let lines: String = set.files.iter().enumerate().map(line).collect();
    let list = (!lines.is_empty()).then(|| format!("<ul class=\"panel\">\n{lines}</ul>\n"));
    name.into_iter().chain(notes).chain(error).chain(list).collect()
}

fn failed(error: &ErrorView) -> String {
    let lines = error.lines();
    let lines = lines.iter().map(|line| format!("<li>{}</li>\n", prose(line)));
    format!(
        "<p class=\"failed\"><strong>Failed</strong></p>\n<ul class=\"panel\">\n{}</ul>\n",
        lines.collect::<String>()
    )
}

/// A file with all that is known of it. Nothing, if that is only its verdict.
fn article(anchor: &str, file: &FileReport) -> String {
    let head = format!(
        "<article id=\"{anchor}\">\n<h3>{}{}</h3>\n",
        badge(file.verdict),
        escaped(&file.title)
    );
    let path = file.file.iter().filter(|path| **path != file.title);
    let path: String = path.map(|path| format!("<p>{}</p>\n", code(path))).collect();
    let found = section("Findings", FileFinding::all_of(file).map(finding));
    let measured = file.rehearsed.iter().map(|it| measured(it, &file.findings));
    format!("{head}{path}{found}{}</article>\n", measured.collect::<String>())
}

/// A heading with a list, if the list is not empty.
fn section(title: &str, items: impl Iterator<Item = String>) -> String {
    let items: String = items.map(|item| format!("<li>{item}</li>\n")).collect();
    match items.is_empty() {
        true => String::new(),
        false => format!("<h4>{title}</h4>\n<ul class=\"panel\">\n{items}</ul>\n"),
    }
}

fn finding(found: FileFinding<'_>) -> String {
    let finding = found.finding;
    let object = finding.object.iter().map(|object| format!(" {}", code(object)));
    let statement = found.statement().map(|text| format!("<br>{}", code(&text)));
    let help = finding
        .help
        .as_deref()
        .map(|help| format!("<br><span class=\"soft\">{}</span>", escaped(help)));
    format!(
        "{}line {}, {}{}: {}{}{}",
        badge(finding.severity.verdict()),
        finding.place(),
        escaped(&finding.rule),
        object.collect::<String>(),
        prose(&finding.evidence),
        statement.unwrap_or_default(),
        help.unwrap_or_default(),
    )
}

/// What a rehearsal measured.
fn measured(migration: &RehearsedView, findings: &[Finding]) -> String {
    let whole = migration.statements.iter().map(|one| one.duration_us).sum::<u64>().max(1);
    let expected = migration.accepted.iter().map(|finding| (finding, " (expected)"));
    let losses = findings.iter().map(|finding| (finding, "")).chain(expected);
    let losses = losses.filter(|(finding, _)| finding.class == Class::Loss);
    let losses = losses.map(|(finding, expected)| {
        let object = finding.object.iter().map(|object| format!("{}: ", code(object)));
        format!("{}{}{expected}", object.collect::<String>(), prose(&finding.evidence))
    });
    let rollback = std::iter::once(rollback(&migration.rollback));
    [
        timeline(&migration.statements, whole),
        section(
            "Other sessions wait",
            migration.locks.iter().map(|lock| waiting(lock, &migration.statements, whole)),
        ),
        section("Losses", losses),
        section("Rows", migration.rows.iter().map(rows)),
        section("Rollback", rollback),
    ]
    .concat()
}

/// The statements in their order. Those that took longest are shown.
fn timeline(statements: &[StatementView], whole: u64) -> String {
    let mut longest: Vec<u64> = statements.iter().map(|one| one.duration_us).collect();
    longest.sort_unstable_by(|one, other| other.cmp(one));
    let least = longest.get(STATEMENTS).map_or(0, |least| least + 1);
    let (mut items, mut begins, mut left) = (Vec::new(), 0, 0);
    for one in statements {
        if one.duration_us >= least {
            items.push(statement(one, &span(begins, one.duration_us, whole)));
        } else {
            left += 1;
        }
        begins += one.duration_us;
    }
    let more = (left > 0).then(|| format!("and {}", plural(left, "shorter statement")));
    section("Statements and the locks that they take", items.into_iter().chain(more))
}

fn statement(one: &StatementView, bar: &str) -> String {
    let locks: String = one.locks.iter().map(taken).collect();
    format!(
        "<div class=\"row\"><div><span class=\"soft\">line {}, {}</span><br>{}</div>\
         <div>{bar}{locks}</div></div>",
        one.line,
        took(one.duration_us),
        code(&one.statement)
    )
}

fn taken(lock: &TakenLock) -> String {
    let (table, mode) = (code(&lock.table), lock.mode.trim_end_matches("Lock"));
    match lock.blocks {
        Some(blocks) => {
            format!("<div class=\"waits\">{table}: {mode}, {blocks} wait</div>")
        }
        None => format!("<div class=\"soft\">{table}: {mode}</div>"),
    }
}

/// How long other sessions wait for a table: from its first lock.
fn waiting(lock: &LockView, statements: &[StatementView], whole: u64) -> String {
    let locks_it = |one: &&StatementView| {
        one.locks.iter().any(|taken| taken.table == lock.table && taken.blocks.is_some())
    };
    let first = statements.iter().position(|one| locks_it(&one)).unwrap_or_default();
    let begins = statements[..first].iter().map(|one| one.duration_us).sum();
    format!(
        "<div class=\"row wait\"><div>{}</div><div>{}</div></div>",
        escaped(&lock.text()),
        span(begins, lock.held_ms.saturating_mul(1000), whole)
    )
}

/// A bar for a part of the time that all statements took.
fn span(begins: u64, length: u64, whole: u64) -> String {
    let share = |part: u64| part.min(whole) as f64 * 100.0 / whole as f64;
    let (left, width) = (share(begins), share(length.min(whole - begins.min(whole))));
    // A bar at the end is still visible.
    let left = left.min(99.0);
    format!(
        "<div class=\"track\"><div class=\"bar\" \
         style=\"margin-left:{left:.2}%;width:{width:.2}%\"></div></div>"
    )
}

fn rows(rows: &RowsView) -> String {
    let counts =
        [("inserted", rows.inserted), ("updated", rows.updated), ("deleted", rows.deleted)];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    let counts = counts.map(|(how, count)| format!("{} {how}", number(count)));
    let counts: Vec<String> = counts.collect();
    format!("{}: {}", code(&rows.table), counts.join(", "))
}

fn rollback(rollback: &RollbackView) -> String {
    let lines = rollback.lines();
    let lines = lines.iter().map(|line| format!("<br>{}", prose(line)));
    format!("<strong>{}</strong>{}", rollback.is.word(), lines.collect::<String>())
}

fn badge(verdict: Verdict) -> String {
    let word = verdict.word();
    format!("<span class=\"badge {word}\">{word}</span>")
}

fn took(microseconds: u64) -> String {
    elapsed(Duration::from_micros(microseconds))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text with code between backticks.
fn prose(text: &str) -> String {
    let part = |(is_code, part): (bool, &str)| match is_code {
        true => code(part),
        false => escaped(part).into_owned(),
    };
    code_parts(text).map(part).collect()
}

/// Text that is no markup.
fn escaped(text: &str) -> Cow<'_, str> {
    let text = one_line(text);
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    Cow::Owned(escaped.replace('"', "&quot;").replace('\'', "&#39;"))
}
