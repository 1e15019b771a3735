//! The files of a folder have no circular dependencies, so that they can be read in one order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::support::repository;

/// Folders of `cargo-db` that still contain circular dependencies.
const STILL_IN_CIRCLES: &[&str] = &[];

#[test]
fn no_file_stands_in_a_circle() {
    let crates = repository().join("crates/*/src");
    for root in glob::glob(&crates.display().to_string()).unwrap().flatten() {
        let files = files_of(&root);
        let uses: BTreeMap<&str, BTreeSet<&str>> =
            files.iter().map(|(name, path)| (name.as_str(), used_by(&files, name, path))).collect();
        let is_open = |circle: &BTreeSet<&str>| {
            let folder = |file: &&str| STILL_IN_CIRCLES.contains(&file.split("::").next().unwrap());
            !circle.iter().all(folder)
        };
        let circles: Vec<BTreeSet<&str>> = circles(&uses).into_iter().filter(is_open).collect();
        assert_eq!(circles, Vec::<BTreeSet<&str>>::new(), "in {}", root.display());
    }
}

/// The files of a crate by their modules: `world::pg::session`.
fn files_of(root: &Path) -> BTreeMap<String, PathBuf> {
    let all = glob::glob(&format!("{}/**/*.rs", root.display())).unwrap().flatten();
    let named = all.map(|path| {
        let below = path.strip_prefix(root).unwrap();
        let parts: Vec<&str> = below.iter().map(|part| part.to_str().unwrap()).collect();
        let name = parts.join("::").trim_end_matches(".rs").trim_end_matches("::mod").to_owned();
        (name, path)
    });
    named.collect()
}

/// The files whose modules a file uses. A name that a folder's `mod.rs` re-exports counts for its
/// original file; `mod.rs` counts only for what it defines.
fn used_by<'a>(files: &'a BTreeMap<String, PathBuf>, own: &str, path: &Path) -> BTreeSet<&'a str> {
    let text = std::fs::read_to_string(path).unwrap();
    let code = code_of(&text);
    let mut used = BTreeSet::new();
    for name in named_paths(&code, own) {
        used.extend(file_of(files, &name, 0));
    }
    // What a `mod.rs` only hands on it does not use.
    if path.ends_with("mod.rs") {
        for name in handed_on(&code).values() {
            let name = format!("{own}::{name}");
            if !named_paths(&without_reexports(&code), own).contains(&name) {
                used.retain(|file| Some(*file) != file_of(files, &name, 0));
            }
        }
    }
    used.remove(own);
    used
}

/// The text without comments and tests.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    code.replace("pub(super) use ", "pub(crate) use ").replace("pub use ", "pub(crate) use ")
}

/// All paths of this crate that a text names, groups in braces taken apart; from the root.
fn named_paths(code: &str, own: &str) -> BTreeSet<String> {
    let parent = own.rsplit_once("::").map_or(String::new(), |(parent, _)| format!("{parent}::"));
    let mut found = BTreeSet::new();
    for (marker, start) in [("crate::", ""), ("super::", parent.as_str())] {
        code.split(marker).skip(1).for_each(|rest| take_apart(start, rest, &mut found));
    }
    // A folder's `mod.rs` names its files directly; other files name what they imported.
    let own_files = code.split("mod ").skip(1).filter_map(|rest| rest.split_once(';'));
    let names: Vec<(String, String)> = own_files
        .map(|(file, _)| (file.to_owned(), format!("{own}::{file}")))
        .chain(found.iter().map(|path| {
            let path = path.trim_end_matches("::self");
            (path.rsplit("::").next().unwrap_or_default().to_owned(), path.to_owned())
        }))
        .collect();
    for (name, path) in names {
        let marker = format!("{name}::");
        for (at, _) in code.match_indices(&marker) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':')) {
                take_apart(&format!("{path}::"), &code[at + marker.len()..], &mut found);
            }
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn take_apart(start: &str, rest: &str, found: &mut BTreeSet<String>) {
    let name: String =
        rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    let after = &rest[name.len()..];
    let Some(group) = after.strip_prefix('{').filter(|_| name.is_empty() || name.ends_with("::"))
    else {
        found.insert(format!("{start}{}", name.trim_end_matches(':')));
        return;
    };
    let (mut depth, mut item) = (0, String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                take_apart(&format!("{start}{name}"), item.trim(), found);
                item.clear();
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        item.push(c);
    }
    if !item.trim().is_empty() {
        take_apart(&format!("{start}{name}"), item.trim(), found);
    }
}

/// The file that defines an item; `None` if it is not part of this crate.
fn file_of<'a>(files: &'a BTreeMap<String, PathBuf>, name: &str, depth: u32) -> Option<&'a str> {
    let mut module = name;
    let mut rest = "";
    while !files.contains_key(module) {
        let (head, _) = module.rsplit_once("::")?;
        rest = &name[head.len() + 2..];
        module = head;
    }
    let (module, path) = files.get_key_value(module)?;
    let first = rest.split("::").next().unwrap_or_default();
    // `self` and a module's own name mean the module.
    if path.ends_with("mod.rs") && !matches!(first, "" | "self") && depth < 8 {
        let text = std::fs::read_to_string(path).unwrap();
        if let Some(from) = handed_on(&code_of(&text)).get(first) {
            return file_of(files, &format!("{module}::{from}"), depth + 1);
        }
    }
    if path.ends_with("mod.rs") && matches!(first, "" | "self") {
        // The folder as a whole: the paths that follow it name its files.
        return None;
    }
    Some(module.as_str())
}

/// What a `mod.rs` hands on, by its name there, with the path below the folder that it comes from.
fn handed_on(code: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in code.split("pub(crate) use ").skip(1) {
        let mut paths = BTreeSet::new();
        take_apart("", line, &mut paths);
        found.extend(paths.into_iter().filter_map(|path| {
            let name = path.rsplit("::").next()?.to_owned();
            Some((name, path))
        }));
    }
    found
}

fn without_reexports(code: &str) -> String {
    let mut parts = code.split("pub(crate) use ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.filter_map(|part| part.split_once(';').map(|(_, rest)| rest));
    std::iter::once(first.as_str()).chain(rest).collect()
}

/// The strongly connected components of more than one file: files that all reach each other.
fn circles<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|&start| {
            let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
            while let Some(file) = next.pop() {
                let new = uses.get(file).into_iter().flatten().filter(|&&used| seen.insert(used));
                next.extend(new.copied().collect::<Vec<_>>());
            }
            (start, seen)
        })
        .collect();
    let circle = |start: &&'a str| -> BTreeSet<&'a str> {
        uses.keys()
            .copied()
            .filter(|other| reached[start].contains(other) && reached[other].contains(start))
            .collect()
    };
    uses.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}
