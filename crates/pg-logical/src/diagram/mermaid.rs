//! A diagram in the language of Mermaid, which GitHub and GitLab draw in Markdown:
//! <https://mermaid.js.org/syntax/entityRelationshipDiagram.html>.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::model::{Diagram, DiagramColumn, Reference};

/// Mermaid draws no longer text: `maxTextSize` of its configuration.
pub const MERMAID_LIMIT: usize = 50_000;

/// How much of the tables a Mermaid diagram shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mermaid {
    /// All columns.
    Columns,
    /// Only the columns of primary and foreign keys.
    Keys,
    /// Only the names of the tables.
    Names,
}

/// The diagram with as much as Mermaid draws; nothing if the names of the tables are too long.
pub fn mermaid(diagram: &Diagram) -> Option<(String, Mermaid)> {
    let levels = [Mermaid::Columns, Mermaid::Keys, Mermaid::Names];
    let texts = levels.into_iter().map(|level| (written(diagram, level), level));
    texts.into_iter().find(|(text, _)| text.chars().count() < MERMAID_LIMIT)
}

fn written(diagram: &Diagram, level: Mermaid) -> String {
    let mut text = "erDiagram\n".to_owned();
    // Writing to a string cannot fail.
    let entities = entities(diagram);
    for (table, entity) in diagram.tables.iter().zip(&entities) {
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| match level {
                Mermaid::Columns => true,
                Mermaid::Keys => column.is_key || column.refers,
                Mermaid::Names => false,
            })
            .map(attribute)
            .collect();
        let _ = match columns.is_empty() {
            true => writeln!(text, "    {entity}"),
            false => writeln!(text, "    {entity} {{\n{}    }}", columns.concat()),
        };
    }
    for reference in &diagram.references {
        let _ = writeln!(text, "    {}", relationship(diagram, reference, &entities));
    }
    text
}

/// `users ||--o{ posts : author_id`.
fn relationship(diagram: &Diagram, reference: &Reference, entities: &[String]) -> String {
    let table = &diagram.tables[reference.from];
    let columns: Vec<&str> =
        reference.columns.iter().map(|&at| table.columns[at].name.as_str()).collect();
    let one = if reference.is_optional(diagram) { "|o" } else { "||" };
    let many = if reference.is_unique { "o|" } else { "o{" };
    format!(
        "{} {one}--{many} {} : \"{}\"",
        entities[reference.to],
        entities[reference.from],
        unquoted(&columns.join(", "))
    )
}

/// The names of the tables, always in quotation marks: words such as `style` mean something else.
/// Names that would be equal are numbered, because Mermaid would draw one table.
fn entities(diagram: &Diagram) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let names = diagram.tables.iter().map(|table| unquoted(&table.label()));
    names
        .map(|name| {
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 { format!("\"{name} ({count})\"") } else { format!("\"{name}\"") }
        })
        .collect()
}

/// Mermaid has no escape for these characters inside of quotation marks.
fn unquoted(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '"' => '\'',
            '%' | '\\' => '_',
            letter if letter.is_control() => '_',
            letter => letter,
        })
        .collect()
}

/// `        bigint id PK`.
fn attribute(column: &DiagramColumn) -> String {
    let keys = match (column.is_key, column.refers) {
        (true, true) => " PK, FK",
        (true, false) => " PK",
        (false, true) => " FK",
        (false, false) => "",
    };
    format!("        {} {}{keys}\n", word(&column.data_type), word(&column.name))
}

/// A type or the name of a column: letters, digits, hyphens, underscores, brackets; the first is a
/// letter.
fn word(text: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_()[]".contains(letter);
    let word: String =
        text.chars().map(|letter| if allowed(letter) { letter } else { '_' }).collect();
    match word.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => word,
        false => format!("c{word}"),
    }
}
