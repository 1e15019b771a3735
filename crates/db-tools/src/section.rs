//! Files that contain both directions, divided by comments; and what a file requires of its
//! transaction.

use std::ops::Range;

use pg_sql::lexer::{Lexed, Token, token};
use pg_sql::script::statements;

/// What a comment means to the tool that divides files by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// What follows applies the migration.
    Up,
    /// What follows rolls it back.
    Down,
    /// Something else that the tool understands.
    Other,
}

/// Which repetitions of a part the tool understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// None, and the part that applies the migration comes first.
    Refused,
    /// None, in any order.
    Unordered,
    /// A part that applies and a part that rolls back, in turns.
    Pairs,
    /// All repetitions.
    Any,
}

/// The comments by which a tool divides its files.
#[derive(Debug)]
pub struct Sections {
    /// What the comments begin with, in lower case and without the dashes, where no other tool
    /// and no prose has it.
    pub words: &'static [&'static str],
    /// Other beginnings of comments that can only be typing errors in a file of this tool.
    pub near: &'static [&'static str],
    /// The meaning of a comment line; `None` where the tool does not understand it.
    pub mark: fn(&str) -> Option<Mark>,
    /// Which parts may be there more than once.
    pub repeats: Repeats,
    /// The comments that there are, for people.
    pub shown: &'static str,
}

impl Sections {
    /// Whether a comment in a text divides it.
    pub(crate) fn divides(&self, text: &str) -> bool {
        lines(text).any(|line| matches!((self.mark)(line.text), Some(Mark::Up | Mark::Down)))
    }

    /// Whether a comment in a text begins a part that applies the migration.
    pub(crate) fn begin_in(&self, text: &str) -> bool {
        lines(text).any(|line| (self.mark)(line.text) == Some(Mark::Up))
    }
}

/// Where a file is not as its tool has it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatProblem {
    /// The line, from 1.
    pub line: usize,
    /// The reason, for a person.
    pub why: String,
}

impl FormatProblem {
    /// A reason at a line.
    pub(crate) fn at(line: usize, why: impl Into<String>) -> FormatProblem {
        FormatProblem { line, why: why.into() }
    }
}

/// A part of a file, and the comment that it begins with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileSection<'a> {
    pub(crate) line: &'a str,
    pub(crate) number: usize,
    /// Where the comment begins.
    pub(crate) start: usize,
    pub(crate) range: Range<usize>,
}

/// The parts of a file.
#[derive(Debug, Default)]
pub(crate) struct DividedFile<'a> {
    pub(crate) ups: Vec<FileSection<'a>>,
    pub(crate) downs: Vec<FileSection<'a>>,
    /// Comments that the tool understands and that divide nothing.
    pub(crate) others: Vec<&'a str>,
}

impl DividedFile<'_> {
    /// The bytes that apply the migration; `None` where no part is marked so.
    pub(crate) fn up(&self) -> Option<Vec<Range<usize>>> {
        ranges(&self.ups)
    }

    /// The bytes that roll it back.
    pub(crate) fn down(&self) -> Option<Vec<Range<usize>>> {
        ranges(&self.downs)
    }
}

fn ranges(parts: &[FileSection<'_>]) -> Option<Vec<Range<usize>>> {
    (!parts.is_empty()).then(|| parts.iter().map(|part| part.range.clone()).collect())
}

/// A line of a file.
struct SourceLine<'a> {
    text: &'a str,
    number: usize,
    start: usize,
    end: usize,
}

/// The lines of a text; a byte order mark belongs to none of them.
fn lines(text: &str) -> impl Iterator<Item = SourceLine<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(index, line)| {
        let end = start + line.len();
        let text = line.trim_start_matches('\u{feff}').trim_end();
        let found = SourceLine { text, number: index + 1, start, end };
        start = end;
        found
    })
}

/// The text of a comment in lower case; `None` for a line that is not a comment.
fn said(line: &str) -> Option<String> {
    let rest = line.strip_prefix("--").or_else(|| line.strip_prefix('#'))?;
    let is_frame = |c: char| c == '-' || c == '#' || c.is_whitespace();
    Some(rest.trim_start_matches(is_frame).to_ascii_lowercase())
}

/// Whether a comment begins with this whole word.
fn begins_with(said: &str, word: &str) -> bool {
    let ends_in_letter = word.ends_with(|c: char| c.is_ascii_alphanumeric());
    said.strip_prefix(word).is_some_and(|rest| {
        !(ends_in_letter && rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// Divides a file at its comments; fails where the tool would refuse it, or would leave out or
/// run what the file does not mean to.
pub(crate) fn divide<'a>(
    text: &'a str,
    tool: &str,
    sections: &Sections,
) -> Result<DividedFile<'a>, FormatProblem> {
    let mut division = DividedFile::default();
    let mut marks: Vec<(Mark, SourceLine<'a>)> = Vec::new();
    for line in lines(text) {
        match (sections.mark)(line.text) {
            Some(Mark::Other) => division.others.push(line.text),
            Some(mark) => marks.push((mark, line)),
            None if is_misspelled_marker(line.text, sections) => {
                let why = format!(
                    "`{}` is no marker of {tool}, which knows {}",
                    line.text.trim(),
                    sections.shown
                );
                return Err(FormatProblem::at(line.number, why));
            }
            None => {}
        }
    }
    in_order(&marks, tool, sections)?;
    let leads = marks.iter().any(|(mark, _)| *mark == Mark::Up);
    if let (true, Some((_, first))) = (leads, marks.first())
        && let Some(line) = first_sql(&text[..first.start])
    {
        let why = format!("this SQL stands before the first marker, where {tool} does not run it");
        return Err(FormatProblem::at(line, why));
    }
    let starts: Vec<usize> = marks.iter().map(|(_, line)| line.start).collect();
    for (index, (mark, line)) in marks.into_iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        let SourceLine { text: shown, number, start, end: begin } = line;
        let part = FileSection { line: shown, number, start, range: begin..end };
        let parts = if mark == Mark::Up { &mut division.ups } else { &mut division.downs };
        parts.push(part);
    }
    Ok(division)
}

/// Whether a line looks like a misspelled marker.
fn is_misspelled_marker(line: &str, sections: &Sections) -> bool {
    let Some(said) = said(line.trim_start()) else { return false };
    // `-- migrate: the users` is prose.
    let meant = |word: &&str| {
        said.strip_prefix(*word).is_some_and(|rest| {
            !word.ends_with(':') || rest.starts_with(|c: char| !c.is_whitespace())
        })
    };
    sections.words.iter().any(|word| begins_with(&said, word)) || sections.near.iter().any(meant)
}

/// Fails if the tool does not accept the number or the order of the parts.
fn in_order(
    marks: &[(Mark, SourceLine<'_>)],
    tool: &str,
    sections: &Sections,
) -> Result<(), FormatProblem> {
    let again = |line: &SourceLine<'_>| {
        let why = format!("`{}` stands here once more, which {tool} refuses", line.text);
        Err(FormatProblem::at(line.number, why))
    };
    let early = |line: &SourceLine<'_>| {
        let why = format!("`{}` stands here with nothing before it to roll back", line.text);
        Err(FormatProblem::at(line.number, why))
    };
    for (index, (mark, line)) in marks.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| marks[before].0);
        let is_there = marks[..index].iter().any(|(other, _)| other == mark);
        match (sections.repeats, mark) {
            (Repeats::Any, _) => {}
            (Repeats::Refused | Repeats::Unordered, _) if is_there => return again(line),
            (Repeats::Pairs, Mark::Up) if before == Some(Mark::Up) => return again(line),
            (Repeats::Pairs, Mark::Down) if before == Some(Mark::Down) => return again(line),
            (Repeats::Refused | Repeats::Pairs, Mark::Down) if before.is_none() => {
                return early(line);
            }
            _ => {}
        }
    }
    match (sections.repeats, marks) {
        // A single part needs no down part; if there are several, each needs one.
        (Repeats::Pairs, [_, _, .., (Mark::Up, last)]) => {
            let why = format!("`{}` has no part after it that rolls it back", last.text);
            Err(FormatProblem::at(last.number, why))
        }
        _ => Ok(()),
    }
}

/// The tokens of a text that are neither white space nor comments, each with its place.
fn code(text: &str) -> impl Iterator<Item = (Token, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < text.len() {
            let place = at;
            let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else {
                at = text.len();
                return Some((Token::Other, place));
            };
            at += length;
            let mark_of_order = text[place..].starts_with('\u{feff}') && place == 0;
            if !matches!(kind, Token::Space | Token::Comment) && !mark_of_order {
                return Some((kind, place));
            }
        }
        None
    })
}

/// Whether the last statement of a text is not terminated.
pub(crate) fn leaves_open(text: &str) -> bool {
    code(text).last().is_some_and(|(kind, _)| kind != Token::Semicolon)
}

/// The line of the first SQL in a text.
fn first_sql(text: &str) -> Option<usize> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (_, place) = code(text).next()?;
    Some(text[..place].matches('\n').count() + 1)
}

/// The comments that begin in column 1 and are not inside a string, with their lines.
fn comments(text: &str) -> Vec<(usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < text.len() {
        let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else { break };
        let end = at + length;
        // Lines that begin with `#` are comments for Play and not SQL.
        let is_first = at == 0 || text.as_bytes()[at - 1] == b'\n';
        let of_line = is_first && (kind == Token::Comment || text.as_bytes()[at] == b'#');
        if of_line {
            let whole = text[at..].lines().next().unwrap_or_default();
            found.push((line, whole.trim_end()));
        }
        line += text.as_bytes()[at..end].iter().filter(|byte| **byte == b'\n').count();
        at = end;
    }
    found
}

/// A comment that is a marker of another tool: its line and text. `words` are the beginnings of
/// that tool's markers.
pub(crate) fn foreign<'a>(text: &'a str, words: &[&str]) -> Option<(usize, &'a str)> {
    // Few files have such a line at all.
    let all = || lines(text).filter_map(|line| said(line.text));
    let is_one = |said: &String| words.iter().any(|word| begins_with(said, word));
    if !all().any(|said| is_one(&said)) {
        return None;
    }
    comments(text).into_iter().find(|(_, line)| said(line).is_some_and(|said| is_one(&said)))
}

/// Comments that people write above a down migration although no tool reads them.
const DOWN_HEADINGS: [&str; 6] =
    ["down", "undo", "rollback", "down migration", "migrate down", "down migrate"];

/// A comment that seems to begin a down migration in a file that runs as a whole, with SQL before
/// and after it. Returns its line and its text.
pub(crate) fn embedded_down(text: &str) -> Option<(usize, &str)> {
    let is_one = |line: &str| {
        said(line).is_some_and(|said| {
            let said = said.replace(['@', '/', '+', '!', ':', ';', '=', '*', '#', '.', '-'], " ");
            let words: Vec<&str> = said.split_whitespace().collect();
            DOWN_HEADINGS.contains(&words.join(" ").as_str())
        })
    };
    if !lines(text).any(|line| is_one(line.text)) {
        return None;
    }
    let (number, line) = comments(text).into_iter().find(|(_, line)| is_one(line))?;
    let place = lines(text).nth(number - 1)?;
    let has_both =
        first_sql(&text[..place.start]).is_some() && code(&text[place.end..]).count() > 0;
    has_both.then_some((number, line))
}

/// Whether PostgreSQL refuses every statement of a file inside a transaction.
pub(crate) fn all_stand_alone(bytes: &[u8]) -> bool {
    mentions_one(&String::from_utf8_lossy(bytes))
        && statements(bytes)
            .is_ok_and(|all| !all.is_empty() && all.iter().all(|one| mentions_one(&one.text)))
}

fn mentions_one(text: &str) -> bool {
    const OUTSIDE: [&str; 6] = [
        "concurrently",
        "vacuum",
        "alter system",
        "create database",
        "drop database",
        "tablespace",
    ];
    let text = text.to_ascii_lowercase();
    OUTSIDE.iter().any(|word| text.contains(word))
}

/// Whether a file is one statement that PostgreSQL refuses inside a transaction. Tools that send a
/// file in one message without BEGIN run such a file, and only such a file, outside one.
pub(crate) fn stands_alone(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    (mentions_one(&text) || may_commit(&text))
        && statements(bytes)
            .is_ok_and(|all| all.len() == 1 && (mentions_one(&text) || all[0].commits_in_parts()))
}

/// Whether a block, or a procedure that it calls, may end the transaction that it runs in.
fn may_commit(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["commit", "rollback", "call"].iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP_DOWN: Sections = Sections {
        words: &["+x"],
        near: &[],
        mark: |line| match line {
            "-- +x up" => Some(Mark::Up),
            "-- +x down" => Some(Mark::Down),
            "-- +x other" => Some(Mark::Other),
            _ => None,
        },
        repeats: Repeats::Refused,
        shown: "`-- +x up`",
    };

    fn problem(text: &str, repeats: Repeats) -> Option<usize> {
        let sections = Sections { repeats, ..UP_DOWN };
        divide(text, "x", &sections).err().map(|problem| problem.line)
    }

    #[test]
    fn a_file_is_divided_at_its_markers() {
        let text = "\u{feff}-- head\n-- +x up\nSELECT 1;\n-- +x other\n-- +x down\nSELECT 2;\n";
        let division = divide(text, "x", &UP_DOWN).unwrap();
        assert_eq!(&text[division.up().unwrap()[0].clone()], "SELECT 1;\n-- +x other\n");
        assert_eq!(&text[division.down().unwrap()[0].clone()], "SELECT 2;\n");
        assert_eq!(division.others, ["-- +x other"]);
    }

    #[test]
    fn what_a_tool_would_refuse_or_skip_is_a_problem() {
        let refused = |text| problem(text, Repeats::Refused);
        assert_eq!(refused("-- +x up\n-- +x down;\nSELECT 1"), Some(2));
        assert_eq!(refused("-- +x up\n  -- +X down\nSELECT 1"), Some(2));
        assert_eq!(refused("/* a\n*/\nSELECT 1;\n-- +x up\n"), Some(3));
        assert_eq!(refused("-- +x up\n-- +x down\n-- +x up\n"), Some(3));
        assert_eq!(refused("-- +x down\n-- +x up\n"), Some(1));
        assert_eq!(refused("-- a\n/* b */\n\n-- +x up\n-- x\n"), None);
        assert_eq!(problem("-- +x down\n-- +x up\n", Repeats::Unordered), None);
        let pairs = |text| problem(text, Repeats::Pairs);
        assert_eq!(pairs("-- +x up\n-- +x down\n-- +x up\n-- +x down\n"), None);
        assert_eq!(pairs("-- +x up\n-- +x down\n-- +x up\n"), Some(3));
        assert_eq!(pairs("-- +x up\n-- +x up\n-- +x down\n"), Some(2));
        assert_eq!(pairs("-- +x up\n-- +x down\n-- +x down\n"), Some(3));
        assert_eq!(problem("-- +x down\n-- +x up\n-- +x up\n", Repeats::Any), None);
    }

    #[test]
    fn comments_of_another_tool_are_found_outside_of_strings() {
        let found = |text| foreign(text, &["+goose", "rambler up", "!ups"]);
        assert_eq!(found("\u{feff}-- +goose Down;\nSELECT 1"), Some((1, "-- +goose Down;")));
        assert_eq!(found("SELECT 1;\n# --- !Ups\n"), Some((2, "# --- !Ups")));
        assert_eq!(found("-- rambler upper\n"), None);
        assert_eq!(found("SELECT $$\n-- +goose Up\n$$"), None);
        assert_eq!(found("SELECT 1; -- +goose Up\n"), None);
    }

    #[test]
    fn a_down_heading_needs_sql_on_both_sides() {
        assert_eq!(
            embedded_down("CREATE TABLE a ();\n--//@UNDO\nDROP TABLE a;"),
            Some((2, "--//@UNDO"))
        );
        assert_eq!(embedded_down("CREATE TABLE a ();\n-- Down:\n-- DROP TABLE a;"), None);
        assert_eq!(embedded_down("-- down\nDROP TABLE a;"), None);
        assert_eq!(embedded_down("SELECT 1;\n-- down the road\nSELECT 2;"), None);
    }

    #[test]
    fn only_one_statement_stands_alone() {
        assert!(stands_alone(b"-- x\nCREATE INDEX CONCURRENTLY i ON t (a);"));
        assert!(!stands_alone(b"CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1"));
        assert!(!stands_alone(b"CREATE INDEX i ON t (a)"));
        assert!(stands_alone(b"CALL tidy()"));
        assert!(stands_alone(b"DO $$ BEGIN DELETE FROM t; COMMIT; END $$"));
        assert!(!stands_alone(b"DO $$ BEGIN DELETE FROM t; END $$"));
        assert!(!stands_alone(b"CREATE TABLE t (i int) -- commit"));
    }
}
