//! Files of a new migration that already contain its statements.

use std::path::PathBuf;

use crate::naming::{DOWN, NewMigration, UP};
use crate::profile::NoTransactionForm;
use crate::section::Mark;
use crate::tool::Tool;

/// The statements of a new migration, without their semicolons.
#[derive(Clone, Copy, Debug)]
pub struct NewStatements<'a> {
    /// What applies it.
    pub up: &'a [String],
    /// What rolls it back.
    pub down: &'a [String],
    /// Whether they run in a transaction.
    pub is_in_transaction: bool,
}

/// The files of a new migration in the tool's layout, up file first; none if only the tool itself
/// can write them, or if it cannot run the statements outside a transaction as they have to. The
/// statements of the down direction are left out if the layout has no place for them.
pub(crate) fn files(
    tool: &dyn Tool,
    new: &NewMigration<'_>,
    statements: &NewStatements<'_>,
) -> Vec<(PathBuf, String)> {
    let form = match statements.is_in_transaction {
        true => None,
        false => Some(tool.profile().no_transaction),
    };
    let is_possible = match form {
        Some(NoTransactionForm::Never) => false,
        Some(NoTransactionForm::Alone) => statements.up.len() == 1,
        _ => true,
    };
    if !is_possible {
        return Vec::new();
    }
    let first = match form {
        Some(NoTransactionForm::FirstLine(line)) => format!("{line}\n"),
        _ => String::new(),
    };
    let text = |statements: &[String]| {
        let texts: Vec<String> = statements.iter().map(|one| tool.statement(one)).collect();
        texts.join("\n")
    };
    let (up, down) = (text(statements.up), text(statements.down));
    if let Some(file) = tool.committed(new, &format!("{first}{up}")) {
        return vec![file];
    }
    let filled = |(path, template): (PathBuf, String)| {
        let text = match template.as_str() {
            UP => up.clone(),
            DOWN => down.clone(),
            _ => in_sections(tool, (&template, form), &up, &down),
        };
        (path, format!("{first}{text}"))
    };
    let mut files: Vec<(PathBuf, String)> = tool.new_files(new).into_iter().map(filled).collect();
    if let (Some(NoTransactionForm::File(name, text)), Some((path, _))) = (form, files.first()) {
        files.push((path.with_file_name(name), text.to_owned()));
    }
    files
}

/// The template of a file that contains both directions, with the statements after their marks.
fn in_sections(
    tool: &dyn Tool,
    (template, form): (&str, Option<NoTransactionForm>),
    up: &str,
    down: &str,
) -> String {
    let Some(sections) = tool.profile().sections else { return up.to_owned() };
    let mut text = String::new();
    for line in template.trim().lines().filter(|line| !line.is_empty()) {
        let part = match (sections.mark)(line) {
            Some(Mark::Up) => up,
            Some(Mark::Down) => down,
            _ => "",
        };
        text.push_str(line);
        if let (Some(NoTransactionForm::OnMarks(word)), false) = (form, part.is_empty()) {
            text.extend([" ", word]);
        }
        text.extend(["\n", part]);
        if !part.is_empty() && part == up {
            text.push('\n');
        }
    }
    text
}

/// A statement between two comments, where the tool would divide it at the semicolons in it.
pub(crate) fn enclosed(sql: &str, begin: &str, end: &str) -> String {
    if sql.contains(';') { format!("{begin}\n{sql};\n{end}\n") } else { format!("{sql};\n") }
}
