//! Scans the whole text of a dump before any of it runs.

use std::collections::BTreeSet;
use std::io::Read;

use crate::calls::{Call, Calls};
use crate::dump::AllowList;
use crate::left_out::{acts_as, extension, owner, tablespace};
use crate::lexer::{Lexed, Token, token};
use crate::script::{LONGEST_COMMENTS, ScriptError, ScriptReader};
use crate::statement::Statement;

/// How the heading of each object begins in the text of a dump.
const HEADINGS: [&str; 3] = ["-- Name: ", "-- Data for Name: ", "-- Statistics for Name: "];

/// What a dump's text is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The first statement that `pg_dump` does not write.
    pub unexpected: Option<Statement>,
    /// Whether every reader parses it in the same way. `pg_restore` splits an archive by its
    /// entries, and rows by a simpler rule than the server's: what is a string or a comment in the
    /// text may be a statement for it. Text without the places listed here can only be split in one
    /// way.
    pub is_unambiguous: bool,
    /// The tablespaces of its objects.
    pub tablespaces: BTreeSet<String>,
    /// The roles that own its objects, except schemas and event triggers.
    pub owners: BTreeSet<String>,
    /// The roles that own its schemas and event triggers.
    pub owners_of_schemas: BTreeSet<String>,
    /// The roles that it switches to; only a superuser may switch to roles of other users.
    pub acts_as: BTreeSet<String>,
    /// The extensions that it creates, with their schemas.
    pub extensions: Vec<(String, Option<String>)>,
    /// The functions that are called while it is loaded.
    pub calls: Vec<Call>,
}

impl Survey {
    fn note_roles(&mut self, statement: &Statement) {
        match owner(statement) {
            Some((role, true)) => drop(self.owners_of_schemas.insert(role)),
            Some((role, false)) => drop(self.owners.insert(role)),
            None => self.acts_as.extend(acts_as(statement)),
        }
    }
}

/// Looks a text through; `passed` is called after each table's rows.
pub fn survey(input: &mut dyn Read, passed: &mut dyn FnMut()) -> Result<Survey, ScriptError> {
    let mut reader = ScriptReader::of_dump(Box::new(input));
    let mut calls = Calls::default();
    let mut allowed = AllowList::default();
    let mut survey = Survey { is_unambiguous: true, ..Survey::default() };
    while let Some(statement) = reader.next_statement()? {
        survey.is_unambiguous &= are_headings(reader.comments()) && is_unambiguous(&statement);
        survey.tablespaces.extend(tablespace(&statement));
        survey.extensions.extend(extension(&statement));
        survey.note_roles(&statement);
        let reads_data = statement.reads_data();
        calls.note(&statement);
        if !allowed.admits(&statement) {
            survey.unexpected = Some(statement);
            survey.is_unambiguous = false;
            survey.calls = calls.found();
            return Ok(survey);
        }
        if reads_data {
            reader.copy_data(&mut |line| {
                survey.is_unambiguous &= !is_heading(line);
                Ok(())
            })?;
            passed();
        }
    }
    survey.is_unambiguous &= are_headings(reader.comments());
    survey.calls = calls.found();
    Ok(survey)
}

/// Whether a statement is the same one to every reader: it has no comment and no `;` in it, holds
/// no heading, leaves strings what they are, and is one that a loader runs.
fn is_unambiguous(statement: &Statement) -> bool {
    let text = statement.text.as_str();
    let mut at = 0;
    while at < text.len() {
        let Lexed::Token(kind, length) = token(&text.as_bytes()[at..], true) else { return false };
        if matches!(kind, Token::Comment | Token::Semicolon) {
            return false;
        }
        at += length;
    }
    let holds_heading =
        text.contains("-- ") && text.lines().any(|line| is_heading(line.as_bytes()));
    !holds_heading && statement.misleading_setting().is_none() && !statement.is_about_database()
}

fn is_heading(line: &[u8]) -> bool {
    line.starts_with(b"-- ") && HEADINGS.iter().any(|heading| line.starts_with(heading.as_bytes()))
}

/// Whether these are the comments that `pg_dump` writes, or contain no `;`. The text after each `;`
/// of a heading is not SQL.
fn are_headings(comments: &str) -> bool {
    comments.len() < LONGEST_COMMENTS && comments.lines().all(is_line_of_comment)
}

fn is_line_of_comment(line: &str) -> bool {
    let mut fields = line.split(';');
    let first = fields.next().unwrap_or_default();
    (first.is_empty() || first.starts_with("--")) && fields.all(is_field)
}

fn is_field(field: &str) -> bool {
    let field = field.trim_start();
    ["Type:", "Schema:", "Owner:", "Tablespace:"].iter().any(|key| field.starts_with(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey_of(text: &str) -> Survey {
        survey(&mut text.as_bytes(), &mut || ()).unwrap()
    }

    const HEADING: &str = "--\n-- Name: t; Type: TABLE; Schema: public; Owner: me\n--\n\n";

    #[test]
    fn the_first_statement_that_pg_dump_does_not_write_is_found() {
        let text = "SET lock_timeout = 0;\n\nCOPY t FROM stdin;\nDO\n\\.\n\nDO $$ $$;\nLOAD 'x';\n";
        let unexpected = survey_of(text).unexpected.unwrap();
        assert_eq!((unexpected.line, unexpected.text.as_str()), (7, "DO $$ $$"));
        assert_eq!(survey_of("CREATE TABLE t (a int);\n").unexpected, None);
        let function = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';\n";
        let along =
            |path: &str| survey_of(&format!("SET search_path = {path};\n{function}")).unexpected;
        assert_eq!(along("public, pg_catalog"), None);
        assert_eq!(along("pg_catalog, public").map(|statement| statement.line), Some(2));
    }

    #[test]
    fn a_plain_dump_is_the_same_to_every_reader() {
        let rows = "COPY t (a) FROM stdin;\n-- a; b\n\\.\n\n\n";
        let text = format!("{HEADING}CREATE TABLE t (a text DEFAULT 'a;b');\n\n\n{HEADING}{rows}");
        assert!(survey_of(&text).is_unambiguous);
    }

    #[test]
    fn text_that_may_hide_a_statement_is_reported() {
        for hiding in [
            format!("COMMENT ON TABLE t IS 'x\n{HEADING}DO 1;\n';"),
            format!("COPY t FROM stdin;\n{HEADING}\n\\.\n"),
            format!("/*\n{HEADING}DO 1;\n*/"),
            "-- a; DROP TABLE t; --\n".to_owned(),
            "-- Name: a; DROP TABLE t; Type: TABLE; Schema: b; Owner: c\n".to_owned(),
            "COMMENT ON TABLE t IS 'a' -- ; DROP TABLE t; --\n;".to_owned(),
            "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS ''; DROP TABLE t; SELECT 1 AS end;"
                .to_owned(),
            "SET standard_conforming_strings = off;".to_owned(),
            "DROP DATABASE x;".to_owned(),
        ] {
            assert!(!survey_of(&format!("{HEADING}{hiding}\n")).is_unambiguous, "{hiding}");
        }
    }
}
