//! squawk's parser and linter behind one interface, because their names change from release to
//! release.
//!
//! Its input is assembled from the statements that we have split, each at its position. So the
//! linter cannot merge statements (it treats the statements after `CREATE SCHEMA … CREATE …` as
//! part of it), and comments that are not meant for cargo db cannot silence it.

use std::collections::{BTreeMap, BTreeSet};

use pg_sql::script::Statement;
use squawk_linter::{Linter, LinterSettings, Rule};
use squawk_syntax::SourceFile;

use crate::check::finding::finding;
use crate::check::rules;
use crate::check::words::{as_strs, object_of};
use crate::model::finding::Finding;
use pg_sql::lexer::{first_words, may_have_long_name, mentions, words};
use pg_sql::name::short;

/// The findings of the parser and the linter. `kept` are the positions of statements whose type
/// changes do not rewrite the table.
pub(super) fn lint(
    statements: &[&Statement],
    transactional: bool,
    kept: &BTreeSet<(usize, usize)>,
) -> Vec<Finding> {
    let (text, starts) = rebuilt(statements);
    let statement_at = |offset: usize| {
        let index = starts.partition_point(|&start| start <= offset).saturating_sub(1);
        (statements[index], offset.saturating_sub(starts[index]))
    };
    let parse = SourceFile::parse(&text);
    let mut findings = Vec::new();
    for error in parse.errors() {
        let (statement, within) = statement_at(error.range().start().into());
        // It knows less than PostgreSQL of some statements; whether they are right, the server
        // says.
        let line = line_within(statement, within);
        let found = finding("syntax", line, &statement.text, readable(error.message()));
        findings.push(Finding { column: Some(column_within(statement, within)), ..found });
    }
    let mut linter = Linter::with_rules(&[], &[]);
    // Each rule walks the whole tree. Those whose findings are left out, and those about statements
    // that the file does not have, would take most of the time.
    let may_find = |rule: &str| match rule {
        "identifier-too-long" => may_have_long_name(text.as_bytes()),
        rule => word_of(rule).is_none_or(|word| mentions(text.as_bytes(), word)),
    };
    linter.rules.retain(|rule| {
        let rule = rule.to_string();
        rules::of_linter(&rule).is_some() && may_find(&rule)
    });
    linter.settings = LinterSettings { assume_in_transaction: transactional, ..linter.settings };
    for violation in linter.lint(&parse, &text) {
        // Rules of style, and those that our own do better, are left out.
        let Some((class, severity)) = rules::of_linter(&violation.code.to_string()) else {
            continue;
        };
        let (statement, within) = statement_at(violation.text_range.start().into());
        let changes_type = violation.code == Rule::ChangingColumnType;
        if changes_type && kept.contains(&place(statement))
            || is_false_alarm(&violation.code, statement)
        {
            continue;
        }
        let mut found = finding(
            &violation.code.to_string(),
            line_within(statement, within),
            &statement.text,
            violation.message,
        );
        (found.class, found.severity) = (class, severity);
        found.object = object_of(&statement.text);
        found.help = violation.help.or(found.help);
        if violation.code == Rule::AddingFieldWithDefault {
            found = of_default(found, statement);
        }
        findings.push(found);
    }
    if !findings.is_empty() {
        let created = created(statements);
        findings.retain(|found| !is_about_new_object(found, &created));
    }
    findings
}

/// A word that every statement has about which a rule says something; `None` if there is none.
fn word_of(rule: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 12] = [
        ("ban-drop-", "drop"),
        ("require-concurrent-index-deletion", "drop"),
        ("renaming-", "rename"),
        ("adding-", "alter"),
        ("changing-column-type", "alter"),
        ("constraint-missing-not-valid", "alter"),
        ("disallowed-unique-constraint", "alter"),
        ("ban-alter-", "alter"),
        ("ban-set-schema", "schema"),
        ("require-concurrent-index-creation", "index"),
        ("require-concurrent-reindex", "reindex"),
        ("require-concurrent-partition-detach", "detach"),
    ];
    WORDS.into_iter().find(|(prefix, _)| rule.starts_with(prefix)).map(|(_, word)| word)
}

/// Where a statement begins: its line and column.
pub(super) fn place(statement: &Statement) -> (usize, usize) {
    (statement.line, statement.column)
}

/// What the linter does not know better.
fn is_false_alarm(rule: &Rule, statement: &Statement) -> bool {
    let words = words(&statement.text);
    let words = as_strs(&words);
    match rule {
        Rule::AddingFieldWithDefault => {
            adds_virtual_column(statement) || no_default_is_volatile(&words)
        }
        // On the parent alone nothing is built, and PostgreSQL refuses CONCURRENTLY there.
        Rule::RequireConcurrentIndexCreation => words.windows(2).any(|pair| pair == ["on", "only"]),
        _ => false,
    }
}

/// Functions that return the same value for all rows of a statement, so that PostgreSQL stores
/// their default without rewriting the table.
const NOT_VOLATILE: [&str; 28] = [
    "upper",
    "lower",
    "initcap",
    "length",
    "md5",
    "abs",
    "round",
    "floor",
    "ceil",
    "repeat",
    "replace",
    "substring",
    "trim",
    "btrim",
    "ltrim",
    "rtrim",
    "left",
    "right",
    "lpad",
    "rpad",
    "now",
    "timezone",
    "statement_timestamp",
    "transaction_timestamp",
    "date_trunc",
    "current_setting",
    "to_char",
    "concat",
];

/// Functions that return another value for each row, so that PostgreSQL writes their default into
/// every row.
const VOLATILE: [&str; 12] = [
    "random",
    "random_normal",
    "nextval",
    "clock_timestamp",
    "timeofday",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v4",
    "gen_random_bytes",
];

/// The functions that the defaults of an ALTER TABLE call.
fn called_by_defaults<'w>(words: &'w [&'w str]) -> impl Iterator<Item = &'w str> {
    words.split(|word| *word == "default").skip(1).flat_map(|rest| called(expression(rest)))
}

/// The expression that words begin with: it ends at a comma or at the next constraint.
fn expression<'a, 'w>(words: &'a [&'w str]) -> &'a [&'w str] {
    let ends = [",", ";", "check", "constraint", "not", "null", "primary", "references", "unique"];
    let mut depth = 0_i32;
    let end = words.iter().position(|word| {
        depth += i32::from(*word == "(") - i32::from(*word == ")");
        depth < 0 || depth == 0 && ends.contains(word)
    });
    &words[..end.unwrap_or(words.len())]
}

/// The functions that an expression calls. A name after `::` is that of a type.
fn called<'w>(words: &[&'w str]) -> Vec<&'w str> {
    let is_name = |word: &str| word.starts_with(|first: char| first.is_alphabetic());
    let is_call = |&at: &usize| {
        let is_type =
            at >= 2 && words[at - 2..at] == [":", ":"] || at >= 1 && words[at - 1] == "::";
        words.get(at + 1) == Some(&"(") && is_name(words[at]) && !is_type
    };
    (0..words.len()).filter(is_call).map(|at| words[at]).collect()
}

/// Whether every default of an ALTER TABLE is a constant, or calls nothing but such functions.
fn no_default_is_volatile(words: &[&str]) -> bool {
    let has = |word| words.contains(&word);
    !has("generated") && has("default") && called_by_defaults(words).all(is_not_volatile)
}

fn is_not_volatile(name: &str) -> bool {
    NOT_VOLATILE.contains(&name)
}

/// The finding about a default that is not constant. The linter has one text for all of them and
/// for generated columns.
fn of_default(found: Finding, statement: &Statement) -> Finding {
    let words = words(&statement.text);
    let words = as_strs(&words);
    if words.contains(&"generated") {
        return found;
    }
    let called: Vec<&str> =
        called_by_defaults(&words).filter(|name| !is_not_volatile(name)).collect();
    let volatile = called.iter().find(|name| VOLATILE.contains(name));
    let Some(name) = volatile.or(called.first()) else { return found };
    let condition =
        if volatile.is_some() { "which is volatile:" } else { "and if that is volatile," };
    let evidence = format!(
        "the default calls {name}(), {condition} PostgreSQL computes it for every row, and \
         rewrites the table under an ACCESS EXCLUSIVE lock"
    );
    let help = "add the column without a default, set the default for new rows with `ALTER COLUMN \
                … SET DEFAULT`, and fill the existing rows in batches";
    Finding { evidence, help: Some(help.to_owned()), ..found }
}

/// Since PostgreSQL 18, a generated column is virtual unless declared as stored: nothing is
/// written.
fn adds_virtual_column(statement: &Statement) -> bool {
    let words = words(&statement.text);
    let words = as_strs(&words);
    let has = |word| words.contains(&word);
    has("generated") && !has("stored") && !has("default")
}

/// The line of the file at a byte of a statement.
fn line_within(statement: &Statement, within: usize) -> usize {
    let before = statement.text.get(..within).unwrap_or_default();
    statement.line + before.matches('\n').count()
}

/// The column of a byte of a statement, in characters from 1.
fn column_within(statement: &Statement, within: usize) -> usize {
    let before = statement.text.get(..within).unwrap_or_default();
    match before.rsplit_once('\n') {
        Some((_, of_line)) => of_line.chars().count() + 1,
        None => statement.column + before.chars().count(),
    }
}

/// The statements as one text, and where each begins in it.
fn rebuilt(statements: &[&Statement]) -> (String, Vec<usize>) {
    let (mut text, mut starts) = (String::new(), Vec::new());
    for statement in statements {
        starts.push(text.len());
        let words = words(&statement.text);
        match as_strs(&words).as_slice() {
            // With elements, the linter treats the following statements as part of it; a new schema
            // is unused anyway.
            ["create", "schema", rest @ ..] if rest.contains(&"create") => {
                text.push_str("SELECT 1");
            }
            _ => text.push_str(&statement.text.replace("squawk-ignore", "squawk_ignore")),
        }
        // On its own line: the last line may end in a comment.
        text.push_str("\n;\n");
    }
    (text, starts)
}

/// The tables that the statements make, each with the line of the first that does.
fn created(statements: &[&Statement]) -> BTreeMap<String, usize> {
    let mut created = BTreeMap::new();
    for statement in statements {
        if let Some(name) = created_by(statement) {
            created.entry(short(&name).to_owned()).or_insert(statement.line);
        }
    }
    created
}

/// The table that a statement makes, if it makes one.
fn created_by(statement: &Statement) -> Option<String> {
    // The name is at the beginning, however long the statement is.
    let words = first_words(&statement.text, 12);
    let words = as_strs(&words);
    let table = words.iter().position(|word| *word == "table");
    let table = table.filter(|_| words.first() == Some(&"create"))?;
    let rest = words[table + 1..].iter();
    let rest: Vec<&str> =
        rest.filter(|word| !matches!(**word, "if" | "not" | "exists")).copied().collect();
    Some(match rest.as_slice() {
        [schema, ".", name, ..] => format!("{schema}.{name}"),
        [name, ..] => (*name).to_owned(),
        [] => String::new(),
    })
}

/// Nobody uses yet what an earlier statement of the file created.
fn is_about_new_object(found: &Finding, created: &BTreeMap<String, usize>) -> bool {
    let object = found.object.as_deref();
    let line = object.and_then(|object| created.get(short(object)));
    line.is_some_and(|line| *line < found.line)
}

/// The parser's message with tokens as written in SQL: `NULL` for `NULL_KW`, `(` for `L_PAREN`.
fn readable(message: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', ':', '.']);
        let sign = SIGNS.iter().find(|(name, _)| *name == bare).map(|(_, sign)| *sign);
        match sign.or(bare.strip_suffix("_KW")) {
            Some(meant) => format!("`{meant}`{}", &word[bare.len()..]),
            None => word.to_owned(),
        }
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The parser's names of punctuation marks.
const SIGNS: &[(&str, &str)] = &[
    ("L_PAREN", "("),
    ("R_PAREN", ")"),
    ("L_BRACK", "["),
    ("R_BRACK", "]"),
    ("COMMA", ","),
    ("SEMICOLON", ";"),
    ("COLON", ":"),
    ("DOT", "."),
    ("EQ", "="),
    ("STAR", "*"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_parser_expects_is_said_as_one_writes_it() {
        assert_eq!(readable("expected NULL_KW"), "expected `NULL`");
        assert_eq!(readable("expected L_PAREN, or a name"), "expected `(`, or a name");
        assert_eq!(readable("missing comma"), "missing comma");
    }
}
