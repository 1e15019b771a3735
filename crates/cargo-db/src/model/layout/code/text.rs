//! What can be read in a program without running it: names in the text of Rust, JavaScript and Python.

use std::collections::BTreeMap;
use std::path::Path;

use crate::model::layout::{Found, file_name, has_extension, leading_digits};

pub(super) fn text_of(file: &Found) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

pub(super) fn is_script(path: &Path) -> bool {
    ["js", "ts", "cjs"].iter().any(|extension| has_extension(path, extension))
        && !file_name(path).ends_with(".d.ts")
}

/// `m20260131_235959_name.rs`.
pub(super) fn is_dated_module(file: &str) -> bool {
    file.strip_prefix('m')
        .is_some_and(|rest| leading_digits(rest).is_some_and(|(digits, _)| digits.len() == 8))
}

/// The name that a class gives itself, else its own; it ends with 13 digits.
pub(super) fn class_name(text: &str) -> Option<String> {
    let ends_with_time = |name: &&str| {
        name.len() > 13
            && name
                .get(name.len() - 13..)
                .is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = |text: &'_ str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '$')
            .collect()
    };
    let given = text.split("name").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix(": string").unwrap_or(rest).trim_start().strip_prefix('=')?;
        rest.trim_start().strip_prefix(['"', '\'', '`']).map(word)
    });
    let classes = text.split("class ").skip(1).map(word);
    given.chain(classes).find(|name| ends_with_time(&name.as_str()))
}

/// The texts that are assigned to a name at the top of a Python file: one, several in a tuple, or none.
pub(super) fn assigned(text: &str, name: &str) -> Vec<String> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(rest) = line.strip_prefix(name) else { continue };
        // `revision: str = "1"`, and not `revision_id = …`.
        if !rest.trim_start().starts_with([':', '=']) {
            continue;
        }
        let Some((_, value)) = text[start..].split_once('=') else { continue };
        let value = match value.trim_start().chars().next() {
            Some('(') => value.split_once(')').map_or(value, |(value, _)| value),
            Some('[') => value.split_once(']').map_or(value, |(value, _)| value),
            _ => value.lines().next().unwrap_or_default().split('#').next().unwrap_or_default(),
        };
        return value.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect();
    }
    Vec::new()
}

/// The changes of a Sqitch plan in their order, each with the name of its script: where a change was reworked,
/// its earlier script has the tag before that in its name.
pub(super) fn planned(plan: &str) -> Vec<(String, String)> {
    let lines = plan
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(['%', '#']));
    let words: Vec<&str> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    let mut changes: Vec<(String, String)> = Vec::new();
    let mut tag = "";
    for word in words {
        if word.starts_with('@') {
            tag = word;
            continue;
        }
        let change = word.trim_start_matches(['+', '-']);
        for earlier in changes.iter_mut().filter(|(name, script)| name == change && name == script)
        {
            earlier.1 = format!("{change}{tag}");
        }
        changes.push((change.to_owned(), change.to_owned()));
    }
    changes
}

/// `("app", "0001_x")` in the list of dependencies.
pub(super) fn django_dependencies(text: &str) -> Vec<String> {
    let list = text
        .split_once("dependencies")
        .and_then(|(_, after)| after.split_once(']'))
        .map_or("", |(list, _)| list);
    let words: Vec<&str> = list.split(['"', '\'']).skip(1).step_by(2).collect();
    words.chunks_exact(2).map(|pair| format!("{}.{}", pair[0], pair[1])).collect()
}

/// `--changeset author:id` and `<changeSet id="…" author="…">`.
pub(super) fn change_sets(text: &str) -> Vec<String> {
    let of_sql = |line: &str| {
        let rest = line.trim().strip_prefix("--")?.trim_start().strip_prefix("changeset ")?;
        let name = rest.split_whitespace().next()?;
        name.contains(':').then(|| name.to_owned())
    };
    let attribute = |tag: &str, name: &str| {
        let (_, after) = tag.split_once(&format!("{name}=\""))?;
        after.split('"').next().map(str::to_owned)
    };
    let of_xml = text.split("<changeSet").skip(1).filter_map(|tag| {
        let tag = tag.split('>').next()?;
        Some(format!("{}:{}", attribute(tag, "author")?, attribute(tag, " id")?))
    });
    text.lines().filter_map(of_sql).chain(of_xml).collect()
}

/// The nodes in an order in which each comes after those it names, by name where that leaves a choice.
pub(super) fn in_order(edges: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < edges.len() {
        let ready = |name: &&String| {
            let before = &edges[*name];
            !order.contains(name)
                && before.iter().all(|one| order.contains(one) || !edges.contains_key(one))
        };
        // In a circle there is no order; then the names have to do.
        let next =
            edges.keys().find(ready).or_else(|| edges.keys().find(|name| !order.contains(name)));
        match next.cloned() {
            Some(next) => order.push(next),
            None => break,
        }
    }
    order
}
