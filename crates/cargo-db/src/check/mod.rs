//! Looks through migrations without a database: syntax, a linter's rules, and our own for what it
//! does not know. Pure: text in, findings out.

mod directive;
mod linter;
pub(crate) mod past;
mod rules;

use std::path::{Path, PathBuf};

use pg_sql::lexer::words;
use pg_sql::script::{ScriptError, ScriptReader, Statement};

use crate::check::directive::Directives;
use crate::model::finding::{Checked, Class, Finding, Severity};
use crate::model::migration::Folder;

/// A file to look through.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    /// Which way the file leads. What leads back takes away what the other made.
    pub(crate) direction: Direction,
    /// Whether it runs in one transaction.
    pub(crate) transactional: bool,
}

/// Which way a file leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

/// Everything that there is to say about a file.
pub(crate) fn check(source: &Source<'_>) -> Checked {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    let transactional = source.transactional;
    let mut directives = Directives::read(text);
    let (statements, mut findings) = split(text);
    for (index, statement) in statements.iter().enumerate() {
        findings.extend(rules::of_statement(statement, transactional));
        findings.extend(rules::of_earlier(&statements[..index], statement, transactional));
    }
    if findings.iter().all(|finding| finding.rule != "syntax") {
        findings.extend(linter::lint(&statements, transactional));
    }
    if source.direction == Direction::Down {
        findings.retain(|finding| finding.class == Class::Form);
    }
    findings.sort_by(|a, b| (a.line, &a.rule).cmp(&(b.line, &b.rule)));
    findings.dedup_by(|a, b| (a.line, &a.rule, &a.object) == (b.line, &b.rule, &b.object));
    let spans: Vec<(usize, usize)> = statements
        .iter()
        .map(|statement| (statement.line, statement.line + statement.text.matches('\n').count()))
        .collect();
    let findings = directives.apply(findings, &spans);
    let (version, name) = (None, source.path.display().to_string());
    let allowed = directives.used();
    Checked {
        file: source.path.to_owned(),
        version,
        name,
        findings,
        expected: directives.expected,
        allowed,
    }
}

/// The statements of a file. What cannot be read ends it, and is a finding.
fn split(text: &str) -> (Vec<Statement>, Vec<Finding>) {
    let mut reader = ScriptReader::new(Box::new(text.as_bytes()));
    let (mut statements, mut findings) = (Vec::new(), Vec::new());
    loop {
        let next = reader.next_statement().and_then(|statement| {
            if statement.as_ref().is_some_and(Statement::reads_data) {
                reader.copy_data(&mut |_| Ok(()))?;
            }
            Ok(statement)
        });
        match next {
            Ok(Some(statement)) => statements.push(statement),
            Ok(None) => return (statements, findings),
            Err(error) => {
                findings.push(unreadable(&error));
                return (statements, findings);
            }
        }
    }
}

fn unreadable(error: &ScriptError) -> Finding {
    let (rule, line) = match error {
        ScriptError::PsqlCommand { line, .. } => ("psql-command", *line),
        ScriptError::Unfinished { line, .. }
        | ScriptError::NotUtf8 { line }
        | ScriptError::CopyWithoutEnd { line } => ("syntax", *line),
        ScriptError::NoTrailer | ScriptError::Read(_) => ("syntax", 1),
    };
    finding(rule, line, "", error.to_string())
}

/// A finding of a rule of ours.
pub(crate) fn finding(rule: &str, line: usize, statement: &str, evidence: String) -> Finding {
    let rule_of = rules::named(rule);
    let first = statement.lines().next().unwrap_or_default().trim_end().to_owned();
    Finding {
        rule: rule.to_owned(),
        class: rule_of.map_or(Class::Form, |rule| rule.class),
        severity: rule_of.map_or(Severity::Warn, |rule| rule.severity),
        line,
        statement: first,
        object: None,
        evidence,
        help: rule_of.map(|rule| rule.instead.to_owned()).filter(|help| !help.is_empty()),
        rows: None,
    }
}

/// The words of a statement, borrowed, for patterns.
fn as_strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// Whether two texts are the same but for comments and white space that say nothing. Where that is
/// not certain, they are not.
pub(crate) fn says_the_same(one: &str, other: &str) -> bool {
    // The rows of a COPY are no SQL.
    let has_rows = |text: &str| text.to_ascii_lowercase().contains("stdin");
    one == other || (!has_rows(one) && !has_rows(other) && meaningful(one) == meaningful(other))
}

/// The tokens of a script, strings included, without space and comments, but for those that make a
/// difference.
fn meaningful(text: &str) -> Vec<&str> {
    use pg_sql::lexer::{Lexed, Token, token};
    let is_operator = |text: &&str| text.len() == 1 && "+-*/<>=~!@#%^&|`?:.".contains(*text);
    let (mut tokens, mut at) = (Vec::new(), 0);
    let (mut last, mut gap) = (None, "");
    while at < text.len() {
        // What does not end is taken as it is.
        let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else {
            tokens.push(&text[at..]);
            break;
        };
        let word = &text[at..at + length];
        at += length;
        match kind {
            Token::Comment if is_directive(word) => tokens.push(word.trim_end()),
            Token::Space | Token::Comment => {
                gap = if gap == "\n" || word.contains('\n') { "\n" } else { " " };
                continue;
            }
            // Strings on two lines are one; operators side by side are another one.
            Token::Text if last == Some(Token::Text) && !gap.is_empty() => {
                tokens.extend([gap, word])
            }
            _ if !gap.is_empty()
                && is_operator(&word)
                && tokens.last().is_some_and(is_operator) =>
            {
                tokens.extend([" ", word]);
            }
            _ => tokens.push(word),
        }
        (last, gap) = (Some(kind), "");
    }
    tokens
}

/// Whether a comment tells a tool what to do.
fn is_directive(comment: &str) -> bool {
    const MARKS: [&str; 8] = [
        "transaction",
        "migrate:",
        "goose",
        "--!",
        "up migration",
        "down migration",
        "breakpoint",
        "changeset",
    ];
    let comment = comment.to_ascii_lowercase();
    MARKS.iter().any(|mark| comment.contains(mark))
}

/// What is wrong with the folder itself.
pub(crate) fn of_folder(folder: &Folder) -> Vec<Checked> {
    fn about(
        rule: &'static str,
        why: &'static str,
    ) -> impl Fn(&PathBuf) -> (&PathBuf, &'static str, String) {
        move |path| (path, rule, why.to_owned())
    }
    let orphans = folder.orphans.iter().map(about("orphan-down-file", "there is no up file to it"));
    let misnamed =
        folder.misnamed.iter().map(|(path, why)| (path, "misnamed-file", (*why).to_owned()));
    let twins = folder.migrations.windows(2).filter(|pair| pair[0].version == pair[1].version).map(
        |pair| {
            (
                &pair[1].up.path,
                "same-version",
                format!("`{}` has the same version", pair[0].up.path.display()),
            )
        },
    );
    let with_down = folder.migrations.iter().filter(|migration| migration.down.is_some()).count();
    let all = folder.migrations.len();
    let missing = folder
        .migrations
        .iter()
        .filter(|migration| migration.down.is_none() && with_down * 2 > all);
    let missing = missing.map(|migration| {
        (
            &migration.up.path,
            "missing-down-file",
            "most migrations of this folder have one".to_owned(),
        )
    });
    let all = orphans.chain(misnamed).chain(twins).chain(missing);
    all.map(|(path, rule, evidence)| of_file(path, finding(rule, 1, "", evidence))).collect()
}

/// One finding about a file as a whole.
fn of_file(path: &Path, finding: Finding) -> Checked {
    Checked {
        file: path.to_owned(),
        version: None,
        name: path.display().to_string(),
        findings: vec![finding],
        expected: Vec::new(),
        allowed: Vec::new(),
    }
}

/// The relation that a statement is about, as far as its words tell.
fn object_of(statement: &str) -> Option<String> {
    let words = words(statement);
    let words = as_strs(&words);
    let rest = match words.as_slice() {
        ["alter" | "drop" | "truncate" | "cluster", "table", rest @ ..]
        | ["drop", "materialized", "view", rest @ ..]
        | ["refresh", "materialized", "view", rest @ ..]
        | ["delete", "from", rest @ ..]
        | ["insert", "into", rest @ ..]
        | ["truncate" | "update" | "cluster", rest @ ..]
        | ["vacuum", "full", rest @ ..]
        | ["drop", _, rest @ ..] => rest,
        ["create", ..] => {
            let on = words.iter().position(|word| *word == "on")?;
            &words[on + 1..]
        }
        _ => return None,
    };
    let skipped = ["if", "exists", "only", "concurrently"];
    let mut rest = rest.iter().skip_while(|word| skipped.contains(word));
    let first = (*rest.next()?).to_owned();
    Some(match (rest.next(), rest.next()) {
        (Some(&"."), Some(name)) => format!("{first}.{name}"),
        _ => first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_nothing_may_differ() {
        for (one, other) in [
            ("CREATE TABLE a (x int);", "-- new\nCREATE TABLE a\n  (x int) ;\n"),
            ("SELECT a+b", "SELECT a + b"),
            ("SELECT 'x' /* y */", "SELECT 'x'"),
        ] {
            assert!(says_the_same(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("SELECT 'foo'\n'bar'", "SELECT 'foo' 'bar'"),
            ("SELECT a >= b", "SELECT a > = b"),
            ("SELECT 1; it's", "SELECT 1; it's other"),
            ("COPY a FROM stdin;\na  b\n\\.\n", "COPY a FROM stdin;\na b\n\\.\n"),
            ("SELECT 1", "-- no-transaction\nSELECT 1"),
            (
                "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;",
                "-- migrate:up\n-- migrate:down\nSELECT 1;\nSELECT 2;",
            ),
            ("SELECT 'a b'", "SELECT 'a  b'"),
        ] {
            assert!(!says_the_same(one, other), "{one} {other}");
        }
    }
}
