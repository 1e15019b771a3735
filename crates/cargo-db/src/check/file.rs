//! Checks a file: syntax, the linter's rules, and our own.

use std::collections::BTreeSet;
use std::path::Path;

use db_tools::ProjectTool;
use pg_sql::alike::form_of_insert;
use pg_sql::script::{ScriptError, Statement};

use crate::check::context::{CheckContext, may_change_type};
use crate::check::directive::Directives;
use crate::check::enums::AddedValues;
use crate::check::finding::finding;
use crate::check::linter;
use crate::check::majors::too_new;
use crate::check::split::{split, undecoded_line, unreadable};
use crate::check::statement::{self, keeps_stored_values};
use crate::model::direction::Direction;
use crate::model::finding::{Checked, Class, Expected, Finding};
use crate::model::migration::ScriptFile;

/// A file to check.
pub(crate) struct FileToCheck<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    /// The direction of the file. A down migration removes what the up migration created.
    pub(crate) direction: Direction,
    /// Whether it runs in one transaction.
    pub(crate) transactional: bool,
    /// Whether it may begin and end transactions anyway.
    pub(crate) has_own_blocks: bool,
    /// The line of the marker of a section, which tools write and leave empty.
    pub(crate) section: Option<usize>,
    /// The layout that the file belongs to.
    pub(crate) layout: &'a ProjectTool,
    /// What is known of the database that it will run on.
    pub(crate) context: CheckContext,
    /// The first line of a statement that is not UTF-8; `text` has replacement characters for it.
    pub(crate) undecoded_line: Option<usize>,
}

impl<'a> FileToCheck<'a> {
    /// The text of a file that belongs to no migration of the folder.
    pub(crate) fn alone(
        layout: &'a ProjectTool,
        path: &'a Path,
        text: &'a str,
        direction: Direction,
    ) -> FileToCheck<'a> {
        FileToCheck {
            path,
            text,
            direction,
            transactional: !text.starts_with("-- no-transaction"),
            has_own_blocks: false,
            section: None,
            layout,
            context: CheckContext::default(),
            undecoded_line: None,
        }
    }

    /// The text that a migration runs.
    pub(crate) fn of(
        layout: &'a ProjectTool,
        script: &'a ScriptFile,
        text: &'a str,
        direction: Direction,
    ) -> FileToCheck<'a> {
        FileToCheck {
            transactional: script.transactional,
            has_own_blocks: script.has_own_blocks,
            section: script.section_line(text.as_bytes()),
            ..FileToCheck::alone(layout, &script.path, text, direction)
        }
    }

    /// The same for a database about which this is known.
    pub(crate) fn on(self, context: CheckContext) -> FileToCheck<'a> {
        FileToCheck { context, ..self }
    }

    /// The same, decoded from bytes whose first invalid line is this one.
    pub(crate) fn decoded_to(self, undecoded_line: Option<usize>) -> FileToCheck<'a> {
        FileToCheck { undecoded_line, ..self }
    }
}

/// All findings about what a migration runs from a file with these bytes.
pub(crate) fn check_script(
    layout: &ProjectTool,
    script: &ScriptFile,
    bytes: Vec<u8>,
    direction: Direction,
    context: CheckContext,
) -> Checked {
    let bytes = match direction {
        Direction::Up => script.with_head(bytes),
        Direction::Down => script.part_of(bytes),
    };
    let text = String::from_utf8_lossy(&bytes);
    let source = FileToCheck::of(layout, script, &text, direction).on(context);
    check(&source.decoded_to(undecoded_line(&bytes)))
}

/// Everything that there is to say about a file.
pub(crate) fn check(source: &FileToCheck<'_>) -> Checked {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
    let transactional = source.transactional;
    let mut directives = Directives::read(text);
    let (statements, mut findings) = split(text);
    let is_read = findings.iter().all(|finding| finding.rule != "syntax");
    findings.extend(source.undecoded_line.map(|line| unreadable(&ScriptError::NotUtf8 { line })));
    if source.has_own_blocks || !transactional {
        findings.extend(never_ends(&statements));
    }
    let mut added = AddedValues::default();
    let wrapped = transactional && is_wrapped(&statements);
    let mut known = BTreeSet::new();
    let is_new = |statement: &&Statement| {
        form_of_insert(&statement.text).is_none_or(|form| known.insert(form))
    };
    // Of INSERTs that differ only in their values, one is checked.
    let different: Vec<&Statement> = statements.iter().filter(is_new).collect();
    let mut columns = source.context.columns.clone();
    let retypes = may_change_type(text.as_bytes());
    let mut kept = BTreeSet::new();
    for &statement in &different {
        let may_control = wrapped || source.has_own_blocks && !statement.chains_transaction();
        let of_statement = statement::of_statement(statement, transactional, &columns).into_iter();
        findings.extend(
            of_statement.filter(|found| !may_control || found.rule != "transaction-control"),
        );
        findings.extend(source.context.server.and_then(|server| too_new(statement, server)));
        if retypes {
            kept.extend(keeps_stored_values(&columns, statement).then(|| linter::place(statement)));
            columns.note(statement);
        }
    }
    for statement in statements.iter().filter(|_| transactional) {
        findings.extend(added.used_by(statement));
        added.note(statement);
    }
    if is_read {
        findings.extend(linter::lint(&different, transactional, &kept));
    }
    let is_empty = statements.is_empty() || wrapped && statements.len() == 2;
    if is_empty && findings.is_empty() {
        findings.push(without_statement(source));
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
    let mut findings = directives.apply(findings, &spans);
    // What to do about it depends on the tool.
    for found in &mut findings {
        if matches!(found.rule.as_str(), "transaction-control" | "concurrently-in-transaction") {
            found.help = Some(source.layout.without_transaction().to_owned());
        }
    }
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

/// What there is to say of a file or a section that holds no statement.
fn without_statement(source: &FileToCheck<'_>) -> Finding {
    let (rule, direction) = match source.direction {
        Direction::Up => ("empty-migration", "up"),
        Direction::Down => ("empty-down-file", "down"),
    };
    let evidence = match source.section {
        Some(_) => format!("the {direction} section contains no statement"),
        None => "it contains no statement".to_owned(),
    };
    finding(rule, source.section.unwrap_or(1), "", evidence)
}

/// The finding that a down file is empty, for the report about its migration.
pub(crate) fn empty_down(
    layout: &ProjectTool,
    down: &ScriptFile,
    bytes: Vec<u8>,
) -> Option<Finding> {
    let checked = check_script(layout, down, bytes, Direction::Down, CheckContext::default());
    let mut empty = checked.findings.into_iter().filter(|found| found.rule == "empty-down-file");
    let evidence = format!("{} contains no statement", down.described("down"));
    empty.next().map(|found| Finding { evidence, ..found })
}

/// Removes the findings that down files are empty if their migrations are: there is nothing to
/// undo.
pub(crate) fn accept_empty_migrations(checked: &mut [Checked]) {
    let has = |one: &Checked, rule: &str| one.findings.iter().any(|found| found.rule == rule);
    let empty = checked.iter().filter(|one| has(one, "empty-migration"));
    let versions: BTreeSet<String> = empty.filter_map(|one| one.version.clone()).collect();
    for one in checked {
        if one.version.as_ref().is_some_and(|version| versions.contains(version)) {
            one.findings.retain(|found| found.rule != "empty-down-file");
        }
    }
}

/// A transaction that the statements begin, and do not end.
fn never_ends(statements: &[Statement]) -> Option<Finding> {
    let last = statements.iter().rfind(|statement| statement.controls_transaction())?;
    let why = format!("the transaction that begins on line {} never ends", last.line);
    last.begins_transaction().then(|| finding("syntax", last.line, &last.text, why))
}

/// Whether a BEGIN and a COMMIT surround the whole file, and there are no others: they mean the
/// transaction in which the file runs anyway.
fn is_wrapped(statements: &[Statement]) -> bool {
    let [first, between @ .., last] = statements else { return false };
    first.is_plain_begin()
        && last.is_plain_commit()
        && !between.iter().any(Statement::controls_transaction)
}

/// What a file expects, in its comments.
pub(crate) fn expected(text: &str) -> Vec<Expected> {
    Directives::read(text.strip_prefix('\u{feff}').unwrap_or(text)).expected
}
