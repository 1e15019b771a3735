//! Adds lines to an existing TOML file. Each edit is parsed and compared with the intended content,
//! and discarded if they differ.

use serde::Deserialize;
use toml::{Spanned, Table, Value};

use crate::answer::text::quoted;

/// The lists of `[workspace]`, with their positions.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Lists {
    members: Option<StringList>,
    exclude: Option<StringList>,
}

type StringList = Spanned<Vec<Spanned<String>>>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct CargoManifest {
    workspace: Option<Lists>,
}

/// The manifest with an entry added to a list in its `[workspace]`; `None` if it cannot be edited.
pub(super) fn with_word(text: &str, list: &str, word: &str) -> Option<String> {
    let mut meant: Table = toml::from_str(text).ok()?;
    let workspace = meant.entry("workspace").or_insert_with(|| Table::new().into());
    let words = workspace.as_table_mut()?.entry(list).or_insert_with(|| Vec::<Value>::new().into());
    words.as_array_mut()?.push(word.into());
    let known = toml::from_str::<CargoManifest>(text).ok()?.workspace;
    let is_there = known.is_some();
    let known = known.unwrap_or_default();
    let known = if list == "members" { known.members } else { known.exclude };
    let word = &quoted(word);
    let edited = match known {
        Some(known) => in_list(text, &known, word),
        None if is_there => below(text, "[workspace]", &format!("{list} = [{word}]"))?,
        None => at_end(text, &format!("[workspace]\n{list} = [{word}]")),
    };
    as_meant(edited, &meant)
}

/// Adds an entry to the end of a list, on its own line if the last entry is on one.
fn in_list(text: &str, list: &StringList, word: &str) -> String {
    let Some(last) = list.get_ref().last() else {
        let at = list.span().start + 1;
        return format!("{}{word}{}", &text[..at], &text[at..]);
    };
    let (start, end) = (last.span().start, last.span().end);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = &text[line..start];
    let gap = if indent.trim().is_empty() {
        format!("{}{indent}", line_end(text))
    } else {
        " ".to_owned()
    };
    format!("{},{gap}{word}{}", &text[..end], &text[end..])
}

/// Adds a line below the header of a table.
pub(super) fn below(text: &str, header: &str, line: &str) -> Option<String> {
    let mut at = 0;
    let found = text.split_inclusive('\n').find(|one| {
        at += one.len();
        one.trim() == header
    })?;
    let (end, gap) = (line_end(text), if found.ends_with('\n') { "" } else { line_end(text) });
    Some(format!("{}{gap}{line}{end}{}", &text[..at], &text[at..]))
}

/// Adds lines at the end, after an empty line.
pub(super) fn at_end(text: &str, lines: &str) -> String {
    let end = line_end(text);
    let gap = match text {
        "" => String::new(),
        text if text.ends_with(&format!("{end}{end}")) => String::new(),
        text if text.ends_with('\n') => end.to_owned(),
        _ => end.repeat(2),
    };
    format!("{text}{gap}{}{end}", lines.trim_end().replace('\n', end))
}

/// How the lines of a text end.
fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The text, if it parses to exactly the intended content.
pub(super) fn as_meant(text: String, meant: &Table) -> Option<String> {
    let said: Table = toml::from_str(&text).ok()?;
    (said == *meant).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &str) -> Option<String> {
        with_word(text, "members", "xtask")
    }

    #[test]
    fn a_member_is_added_as_a_person_would() {
        let one_line = "[workspace]\nmembers = [\"a\", \"b\"] # all\n";
        let added = "[workspace]\nmembers = [\"a\", \"b\", \"xtask\"] # all\n";
        assert_eq!(member(one_line).as_deref(), Some(added));
        let lines = "[workspace]
members = [
    # One.
    \"a\",
]
";
        let added = "[workspace]
members = [
    # One.
    \"a\",
    \"xtask\",
]
";
        assert_eq!(member(lines).as_deref(), Some(added));
        let empty = "[workspace]\nmembers = []\nresolver = \"3\"\n";
        assert!(member(empty).is_some_and(|text| text.contains("members = [\"xtask\"]\nresolver")));
        let none = "[workspace]\nresolver = \"3\"\n";
        assert!(member(none).is_some_and(|text| text.contains("members = [\"xtask\"]\nresolver")));
        let package = "[package]\nname = \"x\"";
        let added = "[package]\nname = \"x\"\n\n[workspace]\nmembers = [\"xtask\"]\n";
        assert_eq!(member(package).as_deref(), Some(added));
    }

    #[test]
    fn lines_keep_their_ends() {
        let text = "[workspace]\r\nresolver = \"3\"\r\n# An end.\r\n";
        let added = "[workspace]\r\nmembers = [\"xtask\"]\r\nresolver = \"3\"\r\n# An end.\r\n";
        assert_eq!(member(text).as_deref(), Some(added));
        let lines = "[workspace]\r\nmembers = [\r\n  \"a\",\r\n]\r\n";
        let added = "[workspace]\r\nmembers = [\r\n  \"a\",\r\n  \"xtask\",\r\n]\r\n";
        assert_eq!(member(lines).as_deref(), Some(added));
        let package = "[package]\r\nname = \"x\"\r\n";
        let added = "[package]\r\nname = \"x\"\r\n\r\n[workspace]\r\nmembers = [\"xtask\"]\r\n";
        assert_eq!(member(package).as_deref(), Some(added));
        let (one, other) = ("[workspace]", "[workspace]\n\n\n");
        for text in [one, other] {
            assert!(member(text).is_some_and(|edited| edited.starts_with(text.trim_end())));
        }
        assert_eq!(at_end(other, "x = 1"), "[workspace]\n\n\nx = 1\n");
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        assert_eq!(member("workspace = { resolver = \"3\" }\n"), None);
        assert_eq!(member("[workspace\n"), None);
        assert_eq!(member("workspace.resolver = \"3\"\n"), None);
    }
}
