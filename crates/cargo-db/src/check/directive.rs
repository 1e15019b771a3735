//! What the author of a migration says to us in comments:
//!
//! ```sql
//! -- cargo-db: allow <rule> <reason>
//! -- cargo-db: expect loss <object> <= <bound>
//! -- cargo-db: expect lock <table> <= <rows>
//! -- cargo-db: expect <rule> <object> <= <bound>
//! ```

use pg_sql::lexer::{Lexed, Token, token};

use crate::check::finding::finding;
use crate::model::finding::{Expected, Finding};

/// The comments of a file that are directives for cargo db.
#[derive(Default)]
pub(super) struct Directives {
    allowed: Vec<Allow>,
    pub(super) expected: Vec<Expected>,
    /// What cannot be understood.
    wrong: Vec<Finding>,
}

/// Rules that may apply although no statement breaks them. Some can only be decided by a run, such
/// as an extension that can be created in one database only and is left out of the copy. The others
/// are about the file as a part of its folder.
const NOT_OF_STATEMENTS: [&str; 5] =
    ["outside-database", "missing-down-file", "late-version", "same-second", "edited-comments"];

/// One rule allowed at one statement.
struct Allow {
    line: usize,
    rule: String,
    used: bool,
}

impl Directives {
    /// Reads the comments of a file.
    pub(super) fn read(text: &str) -> Directives {
        let (mut directives, mut at, mut line) = (Directives::default(), 0, 1);
        while at < text.len() {
            let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else { break };
            let comment = &text[at..at + length];
            if kind == Token::Comment
                && let Some(said) = comment
                    .strip_prefix("--")
                    .and_then(|rest| rest.trim().strip_prefix("cargo-db:"))
            {
                directives.read_directive(line, said.trim());
            }
            line += comment.bytes().filter(|&byte| byte == b'\n').count();
            at += length;
        }
        directives
    }

    fn read_directive(&mut self, line: usize, said: &str) {
        let words: Vec<&str> = said.split_whitespace().collect();
        match words.as_slice() {
            ["allow", rule] => {
                let why = format!("`{rule}` is allowed here without a reason");
                self.wrong.push(finding("allow-without-reason", line, said, why));
                self.allowed.push(Allow { line, rule: (*rule).to_owned(), used: false });
            }
            ["allow", rule, ..] => {
                self.allowed.push(Allow { line, rule: (*rule).to_owned(), used: false });
            }
            _ => {
                let expected = said
                    .strip_prefix("expect")
                    .filter(|rest| rest.starts_with(char::is_whitespace));
                if let Some(expected) = expected.and_then(|rest| Expected::parse(line, rest)) {
                    self.expected.push(expected);
                    return;
                }
                let why = "write `allow <rule> <reason>`, or `expect loss <object> <= <number>`, \
                           or `expect lock …`"
                    .to_owned();
                self.wrong.push(finding("unknown-directive", line, said, why));
            }
        }
    }

    /// The rules that were allowed, and found something.
    pub(super) fn used(&self) -> Vec<String> {
        self.allowed.iter().filter(|allow| allow.used).map(|allow| allow.rule.clone()).collect()
    }

    /// Removes findings that are allowed at their statement. `spans` are the first and last lines
    /// of statements. An allow belongs to the statement that contains or precedes it on the same
    /// line, or else to the next one.
    pub(super) fn apply(
        &mut self,
        findings: Vec<Finding>,
        spans: &[(usize, usize)],
    ) -> Vec<Finding> {
        let at =
            |line: usize| spans.iter().rposition(|&(first, last)| (first..=last).contains(&line));
        let next = |line: usize| spans.iter().position(|&(first, _)| first > line);
        let mut left: Vec<Finding> = Vec::new();
        for found in findings {
            let fits = |allow: &&mut Allow| {
                allow.rule == found.rule
                    && at(allow.line).or_else(|| next(allow.line)) == at(found.line)
            };
            match self.allowed.iter_mut().find(fits) {
                Some(allow) => allow.used = true,
                None => left.push(found),
            }
        }
        let of_others = |allow: &&mut Allow| NOT_OF_STATEMENTS.contains(&allow.rule.as_str());
        self.allowed.iter_mut().filter(of_others).for_each(|allow| allow.used = true);
        let unused = self.allowed.iter().filter(|allow| !allow.used);
        left.extend(unused.map(|allow| {
            let why = format!("`{}` is not found in the statement that follows", allow.rule);
            finding("unused-allow", allow.line, "", why)
        }));
        left.append(&mut self.wrong);
        left.sort_by_key(|finding| finding.line);
        left
    }
}
